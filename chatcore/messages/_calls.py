"""The dicts that carry tool calls."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from chatcore.messages.content import InvalidToolCall

__all__ = ["ToolCall", "ToolCallChunk", "invalid_tool_call", "tool_call", "tool_call_chunk"]


class ToolCall(TypedDict):
    """A call that the model asks for.

    name: the tool.
    args: its arguments, parsed.
    id: what the tool's answer names as its `tool_call_id`.
    """

    name: str
    args: dict[str, Any]
    id: str | None
    type: NotRequired[Literal["tool_call"]]


class ToolCallChunk(TypedDict):
    """A part of a tool call, as it streams in.

    args: a stretch of the JSON text of the arguments.
    index: which call of the answer this part belongs to; None if the provider does not say.
    """

    name: str | None
    args: str | None
    id: str | None
    index: int | None
    type: NotRequired[Literal["tool_call_chunk"]]


def tool_call(*, name: str, args: dict[str, Any], id: str | None) -> ToolCall:  # noqa: A002 - the dict's own key
    """Make a `ToolCall` with its `type` set."""
    return {"name": name, "args": args, "id": id, "type": "tool_call"}


def tool_call_chunk(
    *,
    name: str | None = None,
    args: str | None = None,
    id: str | None = None,  # noqa: A002 - the dict's own key
    index: int | None = None,
) -> ToolCallChunk:
    """Make a `ToolCallChunk` with its `type` set."""
    return {"name": name, "args": args, "id": id, "index": index, "type": "tool_call_chunk"}


def invalid_tool_call(
    *,
    name: str | None = None,
    args: str | None = None,
    id: str | None = None,  # noqa: A002 - the dict's own key
    error: str | None = None,
) -> InvalidToolCall:
    """Make an `InvalidToolCall` with its `type` set."""
    return {"name": name, "args": args, "id": id, "error": error, "type": "invalid_tool_call"}
