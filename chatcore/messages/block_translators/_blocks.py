"""What the translators share: what they read of an answer, and the blocks that look the same whoever sent them."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from chatcore.messages._shapes import is_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chatcore.messages.content import ContentBlock

__all__ = [
    "Answer",
    "Block",
    "as_base64",
    "call_block",
    "call_part_block",
    "call_parts",
    "data_of_uri",
    "finished",
    "indexed",
    "is_growing",
    "non_standard",
    "only_call_part",
    "parts_of",
    "plain_blocks",
    "reasoning_block",
    "with_extras",
]

Block: TypeAlias = dict[str, Any]
"""A content block, or a part of a provider's content, as plain data."""

_DATA_URI = re.compile(r"data:(?P<mime_type>[^;]+);base64,(?P<data>.+)", re.DOTALL)


class Answer(Protocol):
    """What a translator reads of an `AIMessage` or an `AIMessageChunk`."""

    # A shape, not the classes: they ask the translators, and imports make no circle.

    @property
    def type(self) -> str:
        """`"AIMessageChunk"` for a chunk."""
        ...

    @property
    def id(self) -> str | None:
        """The message's own id."""
        ...

    @property
    def content(self) -> str | list[str | dict[Any, Any]]:
        """The content, in the provider's shape."""
        ...

    @property
    def additional_kwargs(self) -> dict[Any, Any]:
        """What the provider says besides."""
        ...

    @property
    def response_metadata(self) -> dict[Any, Any]:
        """About the answer as a whole."""
        ...

    @property
    def tool_calls(self) -> Sequence[Mapping[str, Any]]:
        """The calls that could be read."""
        ...

    @property
    def invalid_tool_calls(self) -> Sequence[Mapping[str, Any]]:
        """The calls that could not."""
        ...


def is_growing(message: Answer) -> bool:
    """Whether the message is a chunk of an answer that goes on."""
    return message.type == "AIMessageChunk" and getattr(message, "chunk_position", None) != "last"


def call_parts(message: Answer) -> Sequence[Mapping[str, Any]]:
    """The parts of tool calls that a chunk brings."""
    return getattr(message, "tool_call_chunks", ())


def only_call_part(message: Answer) -> Mapping[str, Any] | None:
    """The part of a tool call that a chunk brings, if it brings exactly one."""
    parts = call_parts(message)
    return parts[0] if len(parts) == 1 else None


def call_block(call: Mapping[str, Any]) -> Block:
    """A tool call as a block."""
    return {"type": "tool_call", "name": call["name"], "args": call["args"], "id": call.get("id")}


def call_part_block(part: Mapping[str, Any]) -> Block:
    """A part of a tool call as a block."""
    block: Block = {
        "type": "tool_call_chunk",
        "id": part.get("id"),
        "name": part.get("name"),
        "args": part.get("args"),
    }
    if part.get("index") is not None:
        block["index"] = part["index"]
    return block


def finished(blocks: list[Block], message: Answer, *, in_parts: bool | None = None) -> list[ContentBlock]:
    """Complete blocks with the message's calls that are not among them: none may be lost.

    in_parts: show the parts of calls, not what can be read of them so far; unless given, as long as they grow.
    """
    ids = (block.get("id") for block in blocks if block.get("type") in _CALL_TYPES)
    # Content may come from anywhere, and an id in it be of any type.
    shown = {given for given in ids if given is None or isinstance(given, str)}
    if is_growing(message) if in_parts is None else in_parts:
        if not any(block.get("type") in _CALL_TYPES for block in blocks):
            blocks.extend(call_part_block(part) for part in call_parts(message))
    else:
        blocks.extend(call_block(call) for call in message.tool_calls if call.get("id") not in shown)
        blocks.extend(
            {**call, "type": "invalid_tool_call"} for call in message.invalid_tool_calls if call.get("id") not in shown
        )
    return cast("list[ContentBlock]", blocks)


_CALL_TYPES = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call"})


def plain_blocks(message: Answer) -> list[Block]:
    """The blocks of an answer whose content is a string: its reasoning, and what it says."""
    blocks = reasoning_block(message.additional_kwargs)
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    return blocks


def reasoning_block(additional_kwargs: Mapping[str, Any]) -> list[Block]:
    """The reasoning that came beside the content, as one block; none if there is none."""
    reasoning = additional_kwargs.get("reasoning_content")
    return [{"type": "reasoning", "reasoning": reasoning}] if isinstance(reasoning, str) else []


def non_standard(part: Block) -> Block:
    """Wrap what has no standard form, but for its index, which belongs to the block."""
    if "index" not in part:
        return {"type": "non_standard", "value": part}
    value = {key: value for key, value in part.items() if key != "index"}
    return {"type": "non_standard", "value": value, "index": part["index"]}


def indexed(block: Block, part: Block) -> Block:
    """Give a block the index of the part it was made of, if that has one."""
    if "index" in part:
        block["index"] = part["index"]
    return block


def with_extras(block: Block, part: Block, known: Iterable[str]) -> Block:
    """Keep the keys of a part that its block has no place for, as the block's extras."""
    extras = {key: value for key, value in part.items() if key not in known}
    if extras:
        block["extras"] = {**block.get("extras", {}), **extras}
    return block


def data_of_uri(uri: Any) -> Block | None:
    """What a base64 data URI holds, as `base64` and `mime_type`; None if it is none."""
    found = _DATA_URI.fullmatch(uri) if isinstance(uri, str) else None
    return {"base64": found["data"], "mime_type": found["mime_type"]} if found else None


def as_base64(data: bytes | str) -> str:
    """Bytes as base64 text; text is base64 already."""
    return data if isinstance(data, str) else base64.b64encode(data).decode("ascii")


def parts_of(content: str | list[str | dict[Any, Any]]) -> list[Block]:
    """Content as parts: a string, alone or among them, is a text part."""
    parts = content if isinstance(content, list) else [content]
    return [part if is_dict(part) else {"type": "text", "text": part} for part in parts if part != ""]
