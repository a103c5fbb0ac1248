"""Writing a conversation as text: a role and what it says on each line, or XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from chatcore.errors import InvalidInputError
from chatcore.messages._roles import ChatMessage, FunctionMessage, HumanMessage, SystemMessage
from chatcore.messages._shapes import is_dict
from chatcore.messages.ai import AIMessage
from chatcore.messages.base import BaseMessage
from chatcore.messages.tool import ToolMessage

__all__ = ["get_buffer_string"]

_MOST_CHARACTERS = 500
_MOST_CHARACTERS_OF_ID = 64


def get_buffer_string(  # noqa: PLR0913 - the reference's signature
    messages: Sequence[BaseMessage],
    human_prefix: str = "Human",
    ai_prefix: str = "AI",
    *,
    system_prefix: str = "System",
    function_prefix: str = "Function",
    tool_prefix: str = "Tool",
    message_separator: str = "\n",
    format: Literal["prefix", "xml"] = "prefix",  # noqa: A002 - the reference's name
) -> str:
    """Write messages as text.

    messages: the conversation.
    human_prefix, ai_prefix, system_prefix, function_prefix, tool_prefix: who speaks; a `ChatMessage` says so itself.
    message_separator: what stands between two messages.
    format: "prefix" writes `Role: text`, and the tool calls (or the function call) after it. "xml" writes
        `<message type="role">...</message>`, escaped, so that no text can pass for another message; parts with a URL or
        an id are in it, data is not, and long documents and results are cut at 500 characters.

    Raises InvalidInputError for a message that has no speaker (a `RemoveMessage`), and for an unknown format.
    """
    if format not in {"prefix", "xml"}:
        msg = f"Unrecognized format={format!r}. Supported formats are 'prefix' and 'xml'."
        raise InvalidInputError(msg)
    prefixes: dict[type[BaseMessage], str] = {
        HumanMessage: human_prefix,
        AIMessage: ai_prefix,
        SystemMessage: system_prefix,
        FunctionMessage: function_prefix,
        ToolMessage: tool_prefix,
    }
    write = _as_xml if format == "xml" else _as_line
    return message_separator.join(write(message, prefixes) for message in messages)


def _speaker(message: BaseMessage, prefixes: Mapping[type[BaseMessage], str]) -> str:
    prefix = next((said for kind, said in prefixes.items() if isinstance(message, kind)), None)
    if prefix is None:
        msg = f"Got unsupported message type: a {type(message).__name__} has no speaker and cannot be written as text."
        raise InvalidInputError(msg)
    return prefix


def _as_line(message: BaseMessage, prefixes: Mapping[type[BaseMessage], str]) -> str:
    speaker = message.role if isinstance(message, ChatMessage) else _speaker(message, prefixes)
    line = f"{speaker}: {message.text}"
    if isinstance(message, AIMessage):
        calls: Any = message.tool_calls or message.additional_kwargs.get("function_call")
        if calls:
            line += str(calls)
    return line


def _as_xml(message: BaseMessage, prefixes: Mapping[type[BaseMessage], str]) -> str:
    speaker = message.role if isinstance(message, ChatMessage) else _speaker(message, prefixes).lower()
    parts = [message.content] if isinstance(message.content, str) else message.content
    said = " ".join(xml for xml in map(_part_as_xml, parts) if xml)
    calls = _calls_as_xml(message) if isinstance(message, AIMessage) else []
    if not calls:
        return f"<message type={quoteattr(speaker)}>{said}</message>"
    content = [f"  <content>{said}</content>"] if said else []
    return "\n".join([f"<message type={quoteattr(speaker)}>", *content, *calls, "</message>"])


def _calls_as_xml(message: AIMessage) -> list[str]:
    if message.tool_calls:
        return [
            f"  <tool_call id={quoteattr(_cut(call.get('id') or '', _MOST_CHARACTERS_OF_ID))}"
            f" name={quoteattr(call['name'])}>{escape(_json(call['args']))}</tool_call>"
            for call in message.tool_calls
        ]
    function: Any = message.additional_kwargs.get("function_call")
    if not is_dict(function):
        return []
    name, arguments = quoteattr(str(function.get("name") or "")), escape(str(function.get("arguments") or "{}"))
    return [f"  <function_call name={name}>{arguments}</function_call>"]


def _part_as_xml(part: str | dict[Any, Any]) -> str | None:
    if isinstance(part, str):
        return escape(part)
    write = _XML.get(part.get("type", ""))
    return None if write is None or part.get("base64") else write(part)


def _text(part: dict[str, Any]) -> str:
    return escape(part.get("text") or "")


def _document(part: dict[str, Any]) -> str:
    return escape(_cut(part.get("text") or ""))


def _reasoning(part: dict[str, Any]) -> str | None:
    return f"<reasoning>{escape(part['reasoning'])}</reasoning>" if part.get("reasoning") else None


def _link(part: dict[str, Any]) -> str | None:
    url, file_id = part.get("url"), part.get("file_id")
    if url:
        # Data in a URL is data all the same.
        return None if url.startswith("data:") else f"<{part['type']} url={quoteattr(url)} />"
    return f"<{part['type']} file_id={quoteattr(file_id)} />" if file_id else None


def _openai_image(part: dict[str, Any]) -> str | None:
    image: Any = part.get("image_url")
    return _link({"type": "image", "url": image.get("url")}) if is_dict(image) else None


def _server_tool_call(part: dict[str, Any]) -> str:
    call_id, name = quoteattr(str(part.get("id") or "")), quoteattr(str(part.get("name") or ""))
    arguments = escape(_cut(_json(part.get("args", {}))))
    return f"<server_tool_call id={call_id} name={name}>{arguments}</server_tool_call>"


def _server_tool_result(part: dict[str, Any]) -> str:
    call_id, status = quoteattr(str(part.get("tool_call_id") or "")), quoteattr(str(part.get("status") or ""))
    output = escape(_cut(_json(part["output"]))) if part.get("output") else ""
    return f"<server_tool_result tool_call_id={call_id} status={status}>{output}</server_tool_result>"


_XML: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "text": _text,
    "text-plain": _document,
    "reasoning": _reasoning,
    "image": _link,
    "audio": _link,
    "video": _link,
    "image_url": _openai_image,
    "server_tool_call": _server_tool_call,
    "server_tool_result": _server_tool_result,
}
"""How a part is written, by its type; what is not here (a provider's own parts) is left out."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, most: int = _MOST_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
