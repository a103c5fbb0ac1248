"""Messages and settings → the JSON of a chat completions request. No I/O.

The wire is OpenAI's (https://platform.openai.com/docs/api-reference/chat/create); where a host differs, its row says
so. An earlier answer of the host goes back as it came; one of another provider, or of another API, as text and calls.
What a message carries and the wire has no place for is left out: ids, response metadata, annotations of earlier
answers, reasoning that another provider made. What the *user* asked to send and cannot be sent is an error that names
it.
"""

from __future__ import annotations

import hashlib
import mimetypes
from typing import TYPE_CHECKING, Any, cast

import pydantic_core

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._standard import standard_blocks
from chatcore.messages.content import KNOWN_BLOCK_TYPES
from chatcore.providers._history import told_to_others
from chatcore.providers._wire_request import (
    TOOL_EXTRAS,
    TOOL_FORM,
    Source,
    Where,
    extras_of,
    is_block,
    openai_tool,
    schema_of,
    stop_words,
    tool_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatcore.providers.hosts import Host

__all__ = ["encode_messages", "encode_request"]

_SENT_EXTRAS = ("prefix", "cache_control")
"""Keys of `additional_kwargs` that hosts take on a message: Mistral's and DeepSeek's prefix, Anthropic's cache mark."""

_CALL_BLOCKS = frozenset(
    {"tool_call", "tool_call_chunk", "tool_use", "input_json_delta", "invalid_tool_call", "function_call"}
)
"""Blocks that repeat what `tool_calls` says."""

_SERVER_BLOCKS = frozenset({"server_tool_call", "server_tool_result", "server_tool_use", "mcp_tool_use"})
"""Blocks that tell of tools that ran at a provider."""

_REASONING_BLOCKS = frozenset({"reasoning", "reasoning_content", "thinking", "redacted_thinking"})

_TEXT_PARTS = frozenset({"text", "refusal"})
"""The parts that a tool's result may have; any other is refused there."""

_OF_THE_WIRE = frozenset({"refusal", "image_url", "input_audio", "video_url", "document_url", "thinking", "reference"})
"""Parts that are sent as they are, beside text and files."""

_MEDIA = frozenset({"image", "audio", "video", "file"})
"""Standard blocks that users send to models, and no message of an assistant's may hold."""

_TEXT_KEYS = frozenset({"type", "text", "cache_control"})


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    host: Host,
    *,
    stream: bool = False,
    stream_usage: bool = True,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`.

    messages: the conversation, oldest first.
    settings: parameters by OpenAI's names, `model` among them; None means "not set". Names that are not known here are
        sent as they are.
    host: the row whose quirks apply.
    stream: whether the answer is to be streamed.
    stream_usage: whether a stream asks for its usage.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    body: dict[str, Any] = {"model": settings.get("model"), "messages": encode_messages(messages, host)}
    for name, value in settings.items():
        if value is not None and name not in body:
            body.update(_parameter(name, value, settings, host))
    if stream:
        body["stream"] = True
        if stream_usage and host.stream_options and "stream_options" not in body:
            body["stream_options"] = {"include_usage": True}
    if extra_body:
        body.update(extra_body)
    return body


def _parameter(name: str, value: Any, settings: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """A setting as the host's parameter; nothing for one that says nothing, such as no stop words."""
    if name in ("max_tokens", "max_completion_tokens"):
        return {host.max_tokens: value}
    if name == "seed":
        return {host.seed: value}
    if name == "response_format" and isinstance(value, type):
        form = f"{{'name': {value.__name__!r}, 'schema': {schema_of(value)}}}"
        msg = f"response_format is the class {value.__name__}: give {{'type': 'json_schema', 'json_schema': {form}}}."
        raise InvalidInputError(msg)
    if name == "tools":
        if not isinstance(value, list | tuple):
            msg = f"tools is of type {type(value).__name__}: give a list of dicts, each {TOOL_FORM}."
            raise InvalidInputError(msg)
        tools = [_tool(tool, position, host) for position, tool in enumerate(cast("Sequence[Any]", value))]
        return {name: tools} if tools else {}
    if name == "tool_choice":
        choice = _tool_choice(value, settings.get("tools") or (), host)
        return {} if choice is None else {name: choice}
    if name == "stop" and not isinstance(value, str):
        return {name: words} if (words := stop_words(value)) else {}
    return {name: value}


def encode_messages(messages: Sequence[BaseMessage], host: Host) -> list[dict[str, Any]]:
    """The request's `messages`.

    Raises `InvalidInputError` for an empty list, and for a message or block that cannot be sent, naming its position.
    """
    if not messages:
        msg = "There is no message to send: the input is an empty list. Give at least one message."
        raise InvalidInputError(msg)
    ids = _foreign_ids(messages, host)
    wire: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for position, message in enumerate(messages):
        if shown and not isinstance(message, ToolMessage):
            # Results stand together: nothing may come between a call and its result.
            wire.append({"role": "user", "content": shown})
            shown = []
        encoded = _message(message, position, host, ids)
        if isinstance(message, ToolMessage):
            shown.extend(_taken_out(encoded))
        wire.append(encoded)
    if shown:
        wire.append({"role": "user", "content": shown})
    return wire


_ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_MAX_CALL_ID = 40
"""The longest id of a call that OpenAI's chat completions take; an error of theirs says it."""


def _foreign_ids(messages: Sequence[BaseMessage], host: Host) -> dict[str | None, str]:
    """The ids of tool calls that another provider made and this one would refuse, each with one that it takes."""
    ids: dict[str | None, str] = {}
    for message in messages:
        if isinstance(message, AIMessage) and message.response_metadata.get("model_provider", host.name) != host.name:
            for call in (*message.tool_calls, *message.invalid_tool_calls):
                call_id = call["id"]
                if call_id and not _is_taken(call_id, host):
                    ids[call_id] = _letters(call_id, 9) if host.nine_character_ids else f"call_{_letters(call_id, 24)}"
    return ids


def _is_taken(call_id: str, host: Host) -> bool:
    if not host.nine_character_ids:
        return len(call_id) <= _MAX_CALL_ID
    return len(call_id) == 9 and call_id.isascii() and call_id.isalnum()


def _letters(call_id: str, count: int) -> str:
    """So many letters and digits that stand for an id, always the same."""
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest())
    letters: list[str] = []
    for _ in range(count):
        number, letter = divmod(number, len(_ID_LETTERS))
        letters.append(_ID_LETTERS[letter])
    return "".join(letters)


# ------------------------------------------------------------------------------------------------------------- messages


def _message(message: BaseMessage, position: int, host: Host, ids: Mapping[str | None, str]) -> dict[str, Any]:
    extras = message.additional_kwargs
    wire: dict[str, Any] = {"role": _role(message, position, host)}
    if isinstance(message, AIMessage):
        _add_answer(wire, message, position, host)
        _add_calls(wire, message, ids)
        if not wire["content"]:
            # Empty text beside something else is refused by some hosts, a missing key by others: they send null.
            wire["content"] = None if len(wire) > 2 else ""
    else:
        wire["content"] = _content(message, position, host)
        if isinstance(message, ToolMessage):
            wire["tool_call_id"] = ids.get(message.tool_call_id, message.tool_call_id)
    name = message.name or extras.get("name")
    if name:
        wire["name"] = name
    for key in _SENT_EXTRAS:
        if extras.get(key) is not None:
            wire[key] = extras[key]
    return wire if host.cache_marks else _without(wire, "cache_control")


def _taken_out(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Take images and files out of a tool's result, which may hold only text; return them with what they belong to."""
    content = result["content"]
    if isinstance(content, str) or all(part["type"] in _TEXT_PARTS for part in content):
        return []
    said = [part for part in content if part["type"] in _TEXT_PARTS]
    result["content"] = said or "The result follows in the next message of the user."
    title = {"type": "text", "text": f"From the result of the tool call {result['tool_call_id']}:"}
    return [title, *(part for part in content if part["type"] not in _TEXT_PARTS)]


def _role(message: BaseMessage, position: int, host: Host) -> str:
    role: str
    if isinstance(message, ChatMessage):
        role = message.role
    elif isinstance(message, SystemMessage):
        role = message.additional_kwargs.get("__openai_role__", "system")
    elif isinstance(message, HumanMessage):
        return "user"
    elif isinstance(message, AIMessage):
        return "assistant"
    elif isinstance(message, ToolMessage):
        return "tool"
    elif isinstance(message, FunctionMessage):
        return "function"
    else:
        msg = f"Message {position} is a {type(message).__name__}, which is not a message that a model can be sent."
        raise InvalidInputError(msg)
    return "system" if role == "developer" and not host.developer_role else role


def _add_answer(wire: dict[str, Any], message: AIMessage, position: int, host: Host) -> None:
    """An earlier answer: its content, and what only the assistant's own messages carry."""
    extras = message.additional_kwargs
    by_host = message.response_metadata.get("model_provider", host.name) == host.name
    if _is_in_shape(message, by_host=by_host):
        wire["content"] = _content(message, position, host)
        if extras.get("refusal"):
            wire["refusal"] = extras["refusal"]
        audio = extras.get("audio")
        if isinstance(audio, dict) and cast("dict[str, Any]", audio).get("id"):
            wire["audio"] = {"id": audio["id"]}  # the API takes its own audio back by id only
    else:
        wire["content"] = _told(message, host, by_host=by_host)
    if by_host:
        _add_reasoning(wire, message, host)


def _is_in_shape(message: AIMessage, *, by_host: bool) -> bool:
    """Whether an answer's content is this wire's: as the host gave it, or as a user has written it."""
    content: Any = message.content
    if isinstance(content, str) and by_host:
        return True
    said = message.response_metadata
    if not by_host or said.get("output_version") == "v1" or said.get("object") == "response":
        return False
    # What nobody has signed may come from anywhere.
    is_signed = "model_provider" in said
    return not any(
        is_block(block) and (_is_of_a_server(block["type"]) or (not is_signed and _is_media(block)))
        for block in content
    )


def _is_media(block: dict[str, Any]) -> bool:
    # OpenAI's own sound is sent by its id.
    return block["type"] in _MEDIA and not (block["type"] == "audio" and block.get("id"))


def _is_of_a_server(kind: str) -> bool:
    """Whether a kind of block tells of a tool that ran at a provider."""
    return kind in _SERVER_BLOCKS or kind.endswith(("_tool_result", "_search_call", "_interpreter_call"))


def _told(message: AIMessage, host: Host, *, by_host: bool) -> str | list[dict[str, Any]]:
    """What an answer says whose content is not in this wire's shape; an answer may hold nothing but text."""
    said = "\n\n".join(block["text"] for block in told_to_others(message) if block["type"] == "text")
    if not (by_host and host.thinking_parts):
        return said
    blocks = cast("list[dict[str, Any]]", message.content_blocks)
    thoughts = [_thinking(block) for block in blocks if block["type"] == "reasoning"]
    return [*thoughts, {"type": "text", "text": said}] if thoughts else said


def _add_calls(wire: dict[str, Any], message: AIMessage, ids: Mapping[str | None, str]) -> None:
    extras = message.additional_kwargs
    calls: list[dict[str, Any]] = [
        _call(ids.get(call["id"], call["id"]), call["name"], pydantic_core.to_json(call["args"]).decode())
        for call in message.tool_calls
    ]
    calls += [
        _call(ids.get(call["id"], call["id"]), call["name"], call["args"] or "") for call in message.invalid_tool_calls
    ]
    if not calls and extras.get("tool_calls"):
        calls = [{key: call[key] for key in ("id", "type", "function") if key in call} for call in extras["tool_calls"]]
    if calls:
        wire["tool_calls"] = calls
    elif extras.get("function_call"):
        wire["function_call"] = extras["function_call"]  # the API refuses both at once


def _add_reasoning(wire: dict[str, Any], message: AIMessage, host: Host) -> None:
    """The reasoning of an earlier answer, under the first of the host's names for which there is something to send."""
    extras = message.additional_kwargs
    text = extras.get("reasoning_content") or extras.get("reasoning")
    if not text and host.reasoning and message.response_metadata.get("output_version") == "v1":
        text = "".join(block.get("reasoning", "") for block in message.content_blocks if block["type"] == "reasoning")
    for field in host.reasoning:
        value = extras.get("reasoning_details") if field == "reasoning_details" else text
        if value:
            wire[field] = value
            return


def _call(call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    call: dict[str, Any] = {"type": "function", "function": {"name": name or "", "arguments": arguments}}
    # A gateway that gives no ids wants none back.
    return call if call_id is None else {"id": call_id, **call}


# -------------------------------------------------------------------------------------------------------- content parts


def _content(message: BaseMessage, position: int, host: Host) -> str | list[dict[str, Any]]:
    content: Any = message.content
    if isinstance(content, str):
        return content
    of_model = isinstance(message, AIMessage)
    parts: list[dict[str, Any]] = []
    for block in cast("list[Any]", content):
        where = Where(position, message.type, block)
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
            continue
        if not is_block(block):
            raise where.error("a block is text or a dict with a 'type', such as {'type': 'text', 'text': '...'}")
        kind = block["type"]
        if of_model and kind in _CALL_BLOCKS:
            continue
        if of_model and kind in _REASONING_BLOCKS:
            if host.thinking_parts:
                parts.append(_thinking(block))
            continue
        if of_model and kind == "audio" and block.get("id"):
            continue  # sent by its id, from additional_kwargs
        parts.append(_part(block, where, host))
    return parts


def _part(block: dict[str, Any], where: Where, host: Host) -> dict[str, Any]:
    encode = _ENCODERS.get(block["type"])
    if encode is None and block["type"] not in _OF_THE_WIRE:
        # In another provider's shape, perhaps: Anthropic's document, Gemini's file.
        standard = cast("dict[str, Any]", standard_blocks([block])[0])
        if standard["type"] in _ENCODERS and standard["type"] != "non_standard":
            block, encode = standard, _ENCODERS[standard["type"]]
        elif standard["type"] in KNOWN_BLOCK_TYPES and standard["type"] != "non_standard":
            raise where.error("only an answer has such a block; write what it says as text")
    part = _without_marks(block) if encode is None else encode(block, where, host)
    return part if host.cache_marks else _without(part, "cache_control")


def _without_marks(block: dict[str, Any]) -> dict[str, Any]:
    """A part that is the wire's already, or that only this host knows: sent as it is, without the merge's own mark."""
    return _without(block, "index")


def _without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name} if name in given else given


def _text(block: dict[str, Any], where: Where, _host: Host) -> dict[str, Any]:
    if not isinstance(block.get("text"), str):
        raise where.error("its 'text' must be a str")
    return block if block.keys() <= _TEXT_KEYS else {key: block[key] for key in block if key in _TEXT_KEYS}


def _plain_text(block: dict[str, Any], where: Where, host: Host) -> dict[str, Any]:
    if isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    return _file({**block, "mime_type": block.get("mime_type") or "text/plain"}, where, host)


def _non_standard(block: dict[str, Any], where: Where, _host: Host) -> dict[str, Any]:
    if not is_block(block.get("value")):
        raise where.error("its 'value' must be the part to send, a dict with a 'type'")
    part: dict[str, Any] = block["value"]
    return part


def _image(block: dict[str, Any], where: Where, _host: Host) -> dict[str, Any]:
    source = Source(block)
    if source.file_id:
        return _marked(block, {"type": "file", "file": {"file_id": source.file_id}})
    if source.data:
        if not source.mime_type:
            raise where.error("base64 data needs its 'mime_type', such as 'image/png'")
        url = f"data:{source.mime_type};base64,{source.data}"
    elif source.url:
        url = source.url
    else:
        raise where.error("give one of 'url', 'base64' with 'mime_type', or 'file_id'")
    image: dict[str, Any] = {"url": url}
    detail = block.get("detail") or extras_of(block).get("detail")
    if detail:
        image["detail"] = detail
    return _marked(block, {"type": "image_url", "image_url": image})


_AUDIO_FORMATS = {"mpeg": "mp3", "mp4": "m4a", "wave": "wav"}


def _audio(block: dict[str, Any], where: Where, _host: Host) -> dict[str, Any]:
    source = Source(block)
    if source.file_id:
        return _marked(block, {"type": "file", "file": {"file_id": source.file_id}})
    if not source.data or not source.mime_type:
        raise where.error("audio is sent as 'base64' with its 'mime_type', such as 'audio/wav'; a URL is not taken")
    subtype = source.mime_type.partition("/")[2].partition(";")[0].removeprefix("x-")
    audio = {"data": source.data, "format": _AUDIO_FORMATS.get(subtype, subtype)}
    return _marked(block, {"type": "input_audio", "input_audio": audio})


def _file(block: dict[str, Any], where: Where, host: Host) -> dict[str, Any]:
    if "file" in block:
        return _without_marks(block)  # the wire's own part of that name
    source = Source(block)
    if source.file_id:
        return _marked(block, {"type": "file", "file": {"file_id": source.file_id}})
    mime_type = source.mime_type or "application/pdf"
    data = f"data:{mime_type};base64,{source.data}" if source.data else source.url
    if not data or not (source.data or host.document_urls):
        raise where.error("a file is sent as 'base64' with its 'mime_type', or by its 'file_id'; a URL is not taken")
    if host.document_urls == "document_url":
        return _marked(block, {"type": "document_url", "document_url": data})
    name: str = block.get("filename") or extras_of(block).get("filename") or _file_name(mime_type)
    return _marked(block, {"type": "file", "file": {"filename": name, "file_data": data}})


def _file_name(mime_type: str) -> str:
    # The API wants a name with every file; only its ending tells it anything.
    return "file" + (mimetypes.guess_extension(mime_type) or "")


def _video(block: dict[str, Any], where: Where, host: Host) -> dict[str, Any]:
    source = Source(block)
    data = f"data:{source.mime_type or 'video/mp4'};base64,{source.data}" if source.data else source.url
    if not host.video or not data:
        why = (
            "chat completions has no video; where the host takes one, give its own part, "
            "{'type': 'video_url', 'video_url': {'url': '...'}}"
        )
        raise where.error("give one of 'url' or 'base64' with 'mime_type'" if host.video else why)
    return _marked(block, {"type": "video_url", "video_url": {"url": data}})


def _thinking(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "reasoning":
        text = block.get("reasoning") or ""
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **extras_of(block)}
    return _without_marks(block)


def _marked(block: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "cache_control" in block:
        part["cache_control"] = block["cache_control"]
    return part


_ENCODERS: dict[str, Callable[[dict[str, Any], Where, Host], dict[str, Any]]] = {
    "text": _text,
    "text-plain": _plain_text,
    "non_standard": _non_standard,
    "image": _image,
    "audio": _audio,
    "file": _file,
    "video": _video,
}


# ---------------------------------------------------------------------------------------------------------------- tools


def _tool(tool: Any, position: int, host: Host) -> dict[str, Any]:
    spec = openai_tool(tool, position)
    if host.cache_marks or "function" not in spec:
        return spec
    # Bound for Anthropic's API, of which this one is the fallback.
    return {key: value for key, value in spec.items() if key not in TOOL_EXTRAS}


def _tool_choice(choice: Any, tools: Sequence[Any], host: Host) -> Any:
    if isinstance(choice, bool):
        return host.required if choice else None
    if not isinstance(choice, str):
        return choice
    if choice in ("any", "required"):
        return host.required
    if choice in ("auto", "none"):
        return choice
    names = [tool_name(openai_tool(tool, position)) for position, tool in enumerate(tools)]
    if names and choice not in names:
        msg = f"tool_choice={choice!r} names no tool of this call; there are {names}."
        raise InvalidInputError(msg)
    return {"type": "function", "function": {"name": choice}}
