"""Content in the shape of Anthropic's Messages API (https://docs.anthropic.com/en/api/messages) as standard blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json

from chatcore.messages._shapes import is_dict
from chatcore.messages.block_translators._blocks import (
    Answer,
    Block,
    call_block,
    call_part_block,
    finished,
    indexed,
    is_growing,
    non_standard,
    only_call_part,
    parts_of,
    with_extras,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatcore.messages.content import ContentBlock

__all__ = ["arguments", "from_input", "tool_use", "translate_content", "translate_content_chunk"]


def translate_content(message: Answer) -> list[ContentBlock]:
    """Read the content of an answer of Anthropic's as standard blocks."""
    return finished([_block(part, message) for part in parts_of(message.content)], message)


def translate_content_chunk(message: Answer) -> list[ContentBlock]:
    """Read the content of a chunk of Anthropic's as standard blocks."""
    return translate_content(message)


def from_input(part: Block) -> Block | None:
    """The standard form of a `document` or `image` with a `source`; None if it is no such part."""
    source = part.get("source")
    if part.get("type") not in {"document", "image"} or not is_dict(source) or "type" not in source:
        return None
    kind = "file" if part["type"] == "document" else "image"
    match source:
        case {"type": "base64", "data": data, "media_type": media_type}:
            block: Block = {"type": kind, "base64": data, "mime_type": media_type}
        case {"type": "url", "url": url}:
            block = {"type": kind, "url": url}
        case {"type": "file", "file_id": file_id}:
            block = {"type": kind, "id": file_id}
        case {"type": "text", "data": text} if kind == "file":
            block = {"type": "text-plain", "text": text, "mime_type": part.get("media_type", "text/plain")}
        case _:
            return None
    return with_extras(block, part, {"type", "source"})


def _block(part: Block, message: Answer) -> Block:
    kind = part.get("type")
    read = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if read is None:
        is_result = isinstance(kind, str) and kind.endswith("_tool_result")
        return _tool_result(part) if is_result else non_standard(part)
    return read(part, message)


def _text(part: Block, _: Answer) -> Block:
    block: Block = {"type": "text", "text": part.get("text", "")}
    if part.get("citations"):
        block["annotations"] = [_citation(citation) for citation in part["citations"]]
    return indexed(block, part)


def _citation(citation: Block) -> Block:
    if "cited_text" in citation:
        block: Block = {"type": "citation", "cited_text": citation["cited_text"]}
        if citation.get("type") == "web_search_result_location" and "url" in citation:
            block["url"] = citation["url"]
            if citation.get("title"):
                block["title"] = citation["title"]
            return with_extras(block, citation, {"type", "cited_text", "url", "title", "index", "extras"})
        if citation.get("type") in _DOCUMENT_LOCATIONS:
            title = citation["document_title"] if "document_title" in citation else citation.get("title")
            if title or "document_title" in citation:
                block["title"] = title
            known = {"type", "cited_text", "document_title", "title", "index", "extras"}
            return with_extras(block, citation, known)
    return {"type": "non_standard_annotation", "value": citation}


_DOCUMENT_LOCATIONS = frozenset({"char_location", "content_block_location", "page_location", "search_result_location"})


def _thinking(part: Block, _: Answer) -> Block:
    block: Block = {"type": "reasoning", "reasoning": part.get("thinking", "")}
    return with_extras(indexed(block, part), part, {"type", "thinking", "index", "extras"})


def tool_use(part: Block, message: Answer) -> Block:
    """The block of a `tool_use` part, by what the message knows of the call."""
    only = only_call_part(message) if is_growing(message) else None
    block = indexed(_whole_call(part, message), part) if only is None else call_part_block(only)
    extras = {key: part[key] for key in ("caller", "toolset_name") if key in part}
    if extras:
        block["extras"] = extras
    return block


def _whole_call(part: Block, message: Answer) -> Block:
    call_id = part.get("id")
    for call in message.tool_calls:
        if call_id == call.get("id") or (call_id is None and len(message.tool_calls) == 1):
            return call_block(call)
    for call in message.invalid_tool_calls:
        if call_id is not None and call_id == call.get("id"):
            return {**call, "type": "invalid_tool_call"}
    return {"type": "tool_call", "name": part.get("name", ""), "args": part.get("input", {}), "id": call_id or ""}


def _input_json_delta(part: Block, message: Answer) -> Block:
    if message.type != "AIMessageChunk":
        return non_standard(part)
    only = only_call_part(message)
    if only is not None:
        return call_part_block(only)
    return indexed({"type": "server_tool_call_chunk", "args": part.get("partial_json", "")}, part)


def _server_tool_use(part: Block, message: Answer) -> Block:
    name = part.get("name", "")
    block = _server_call("code_interpreter" if name == "code_execution" else name, part, message)
    return with_extras(block, part, _SERVER_CALL_KEYS)


def _mcp_tool_use(part: Block, message: Answer) -> Block:
    block = _server_call("remote_mcp", part, message)
    if "name" in part:
        block["extras"] = {"tool_name": part["name"]}
    return with_extras(block, part, _SERVER_CALL_KEYS)


_SERVER_CALL_KEYS = frozenset({"type", "name", "input", "partial_json", "id", "index"})


def _server_call(name: str, part: Block, message: Answer) -> Block:
    given = part.get("input", {})
    if given == {} and "partial_json" not in part and is_growing(message):
        # The first part of a stream's call: its arguments come as deltas.
        block: Block = {"type": "server_tool_call_chunk", "name": name, "args": "", "id": part.get("id", "")}
        return indexed(block, part)
    if given == {} and "partial_json" in part:
        given = arguments(part["partial_json"])
    return indexed({"type": "server_tool_call", "name": name, "args": given, "id": part.get("id", "")}, part)


def arguments(text: str) -> Block:
    """The arguments of a call that the provider has run, of their text."""
    try:
        found = from_json(text)
    except ValueError:
        # The provider has run the call already; that its text cannot be read here takes nothing from its result.
        return {}
    return found if is_dict(found) else {}


def _tool_result(part: Block) -> Block:
    output = part.get("content", [])
    failed = part.get("is_error") or (is_dict(output) and output.get("error_code"))
    block: Block = {
        "type": "server_tool_result",
        "tool_call_id": part.get("tool_use_id", ""),
        "status": "error" if failed else "success",
        "extras": {"block_type": part["type"]},
    }
    if output:
        block["output"] = output
    known = {"type", "tool_use_id", "content", "is_error", "index"}
    return with_extras(indexed(block, part), part, known)


_BY_TYPE: dict[str, Callable[[Block, Answer], Block]] = {
    "text": _text,
    "thinking": _thinking,
    "tool_use": tool_use,
    "input_json_delta": _input_json_delta,
    "server_tool_use": _server_tool_use,
    "mcp_tool_use": _mcp_tool_use,
}
