"""Content in the shape of Bedrock's Converse API as standard blocks.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.block_translators import anthropic
from chatcore.messages.block_translators._blocks import (
    Answer,
    Block,
    as_base64,
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

__all__ = ["from_input", "translate_content", "translate_content_chunk"]


def translate_content(message: Answer) -> list[ContentBlock]:
    """Read the content of an answer of Converse as standard blocks."""
    return finished([_block(part, message) for part in parts_of(message.content)], message)


def translate_content_chunk(message: Answer) -> list[ContentBlock]:
    """Read the content of a chunk of Converse as standard blocks."""
    return translate_content(message)


def from_input(part: Block) -> Block | None:
    """The standard form of a part that is told apart by its only key (`text`, `document`, `image`); else None."""
    match part:
        case {"text": str(text)} if len(part) == 1 and text:
            return {"type": "text", "text": text}
        case {"document": {"format": "pdf", "source": {"bytes": data}}} if len(part) == 1:
            block: Block = {"type": "file", "base64": as_base64(data), "mime_type": "application/pdf"}
            return with_extras(block, part["document"], {"format", "source"})
        case {"document": {"format": "txt", "source": {"text": text}}} if len(part) == 1:
            block = {"type": "text-plain", "text": text, "mime_type": "text/plain"}
            return with_extras(block, part["document"], {"format", "source"})
        case {"image": {"format": kind, "source": {"bytes": data}}} if len(part) == 1:
            block = {"type": "image", "base64": as_base64(data), "mime_type": f"image/{kind}"}
            return with_extras(block, part["image"], {"format", "source"})
        case _:
            return None


def _block(part: Block, message: Answer) -> Block:
    kind = part.get("type")
    read = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    return non_standard(part) if read is None else read(part, message)


def _text(part: Block, _: Answer) -> Block:
    block: Block = {"type": "text", "text": part.get("text", "")}
    if part.get("citations"):
        block["annotations"] = [_citation(citation) for citation in part["citations"]]
    return indexed(block, part)


def _citation(citation: Block) -> Block:
    block: Block = {"type": "citation"}
    if "title" in citation:
        block["title"] = citation["title"]
    source = citation.get("source_content")
    if is_list(source) and source and all(is_dict(item) for item in source):
        block["cited_text"] = "".join(item.get("text", "") for item in source)
    return with_extras(block, citation, {"type", "source_content", "title", "index", "extras"})


def _reasoning(part: Block, _: Answer) -> Block:
    said: Block = part.get("reasoning_content") or {}
    block: Block = {"type": "reasoning"}
    if said.get("text"):
        block["reasoning"] = said["text"]
    extras = {key: said[key] for key in ("signature", "redacted_content") if said.get(key)}
    if extras:
        block["extras"] = extras
    return with_extras(indexed(block, part), part, {"type", "reasoning_content", "index", "extras"})


def _input_json_delta(part: Block, message: Answer) -> Block:
    only = only_call_part(message)
    return non_standard(part) if only is None else call_part_block(only)


def _server_tool_use(part: Block, message: Answer) -> Block:
    """A call of a tool that ran at the provider; its arguments are text as long as they stream."""
    name, call_id, given = part.get("name", ""), part.get("id", ""), part.get("input", "")
    if is_growing(message):
        piece = given if isinstance(given, str) else ""
        return indexed({"type": "server_tool_call_chunk", "name": name, "args": piece, "id": call_id}, part)
    args: Any = anthropic.arguments(given) if isinstance(given, str) else given
    return indexed({"type": "server_tool_call", "name": name, "args": args, "id": call_id}, part)


def _tool_result(part: Block, _: Answer) -> Block:
    """The result of a tool that ran at the provider: in an answer there is no other."""
    block: Block = {
        "type": "server_tool_result",
        "tool_call_id": part.get("tool_use_id") or "",
        "status": "error" if part.get("is_error") else "success",
    }
    output = part.get("content")
    if is_list(output):
        # Its parts are numbered in a stream, for their pieces to merge.
        output = [_without_index(item) if is_dict(item) else item for item in output]
    if output:
        block["output"] = output
    known = {"type", "tool_use_id", "content", "is_error", "status", "index"}
    return with_extras(indexed(block, part), part, known)


def _without_index(item: Block) -> Block:
    return {key: value for key, value in item.items() if key != "index"}


def _media(part: Block, _: Answer) -> Block:
    match part.get("source"):
        case {"type": "base64", "data": str(data), "media_type": media_type}:
            block: Block = {"type": part["type"], "base64": data, "mime_type": media_type}
        case {"type": "s3Location", "data": {"uri": str(uri)}, "media_type": media_type}:
            block = {"type": part["type"], "url": uri, "mime_type": media_type}
        case _:
            return non_standard(part)
    return indexed(block, part)


_BY_TYPE: dict[str, Callable[[Block, Answer], Block]] = {
    "text": _text,
    "reasoning_content": _reasoning,
    "tool_use": anthropic.tool_use,
    "input_json_delta": _input_json_delta,
    "server_tool_use": _server_tool_use,
    "tool_result": _tool_result,
    "image": _media,
    "video": _media,
    "non_standard": lambda part, _: part,
}
