"""Tool messages, and the dicts that carry tool calls."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NotRequired
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from chatcore.messages._merge import merge_obj
from chatcore.messages._shapes import is_dict, is_sequence
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.content import InvalidToolCall

if TYPE_CHECKING:
    from chatcore.messages.content import ContentBlock

__all__ = [
    "InvalidToolCall",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "ToolOutputMixin",
    "invalid_tool_call",
    "tool_call",
    "tool_call_chunk",
]


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


class ToolOutputMixin:
    """Marks what a tool may return as it is; anything else a tool returns is wrapped in a `ToolMessage`."""


class ToolMessage(BaseMessage, ToolOutputMixin):
    """What a tool has answered.

    content: what the model shall read; anything that is no string, dict or list of them is turned into text.
    tool_call_id: the id of the call that is answered (a UUID or number is turned into text).
    artifact: what the program keeps of the answer and the model does not see.
    status: `"success"` or `"error"`.
    """

    tool_call_id: str
    type: Literal["tool"] = "tool"
    artifact: Any = None
    status: Literal["success", "error"] = "success"
    additional_kwargs: dict[Any, Any] = Field(default_factory=dict, repr=False)
    response_metadata: dict[Any, Any] = Field(default_factory=dict, repr=False)

    if TYPE_CHECKING:
        # Type checkers would make one of the fields, which takes none of them by position.
        def __init__(
            self,
            content: str | list[str | dict[Any, Any]] | None = None,
            content_blocks: list[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _coerce(cls, values: Any) -> Any:
        if not is_dict(values):
            return values
        fields: dict[str, Any] = {**values}
        content: Any = fields.get("content")
        if is_sequence(content):
            fields["content"] = [part if isinstance(part, str | dict) else str(part) for part in content]
        elif not isinstance(content, str):
            fields["content"] = str(content)
        if isinstance(fields.get("tool_call_id"), UUID | int | float):
            fields["tool_call_id"] = str(fields["tool_call_id"])
        return fields


class ToolMessageChunk(ToolMessage, BaseMessageChunk):
    """A part of a tool message. Parts of answers to two calls do not add up: a ValueError."""

    type: Literal["ToolMessageChunk"] = "ToolMessageChunk"  # type: ignore[assignment]  # the chunk's own tag

    def _joined(self, others: list[BaseMessageChunk]) -> dict[str, Any]:
        parts = [self, *(part for part in others if isinstance(part, ToolMessageChunk))]
        for part in parts:
            if part.tool_call_id != self.tool_call_id:
                ids = f"{self.tool_call_id!r} and {part.tool_call_id!r}"
                msg = f"Cannot concatenate ToolMessageChunks with different names: they answer different calls, {ids}."
                raise ValueError(msg)
        return {
            **super()._joined(others),
            "tool_call_id": self.tool_call_id,
            "artifact": reduce(merge_obj, (part.artifact for part in parts)),
            "status": "error" if any(part.status == "error" for part in parts) else "success",
        }
