"""Tool messages, and the dicts that carry tool calls."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from pydantic import Field, model_validator

from chatcore.messages._calls import ToolCall, ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from chatcore.messages._merge import merge_obj
from chatcore.messages._shapes import is_dict, is_sequence
from chatcore.messages._tool_calls import function_of, parsed_call
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.content import InvalidToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcore.messages.content import ContentBlock

__all__ = [
    "InvalidToolCall",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "ToolOutputMixin",
    "default_tool_chunk_parser",
    "default_tool_parser",
    "invalid_tool_call",
    "tool_call",
    "tool_call_chunk",
]


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


def default_tool_parser(raw_tool_calls: Sequence[Any]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Read whole calls in OpenAI's shape; what is in another shape is left out.

    raw_tool_calls: dicts with an `id` and a `function`, whose `arguments` are JSON.

    Returns the calls whose arguments can be read, and the others.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for raw in raw_tool_calls:
        function = function_of(raw)
        if function is None:
            continue
        call = parsed_call(function.get("name"), function.get("arguments"), raw.get("id"))
        if call.get("type") == "tool_call":
            calls.append(cast("ToolCall", call))
        else:
            invalid.append(cast("InvalidToolCall", call))
    return calls, invalid


def default_tool_chunk_parser(raw_tool_calls: Sequence[Any]) -> list[ToolCallChunk]:
    """Read parts of calls in OpenAI's shape.

    raw_tool_calls: dicts with an `index`, and, where the part says so, an `id` and a `function`.
    """
    return [
        tool_call_chunk(
            name=(function := function_of(raw) or {}).get("name"),
            args=function.get("arguments"),
            id=raw.get("id"),
            index=raw.get("index"),
        )
        for raw in raw_tool_calls
    ]
