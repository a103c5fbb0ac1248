"""Joining a stream of chunks into one message, at a cost that grows with the stream and not with its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from chatcore.messages._merge import ContentJoin, merge_dicts
from chatcore.messages._tool_calls import ToolCallJoin, finished_calls
from chatcore.messages.ai import AIMessage, AIMessageChunk, add_usage, best_id, build_chunk, build_message

if TYPE_CHECKING:
    from chatcore.messages.ai import UsageMetadata

__all__ = ["Accumulator"]


class Accumulator:
    """Joins the chunks of one answer: append each, join once.

    It says what `chunk + chunk + …` says, and `message()` what `message_chunk_to_message` makes of that; but adding a chunk
    costs the same however much has come before, and tool arguments are parsed once, when they are whole. It keeps what the
    chunks held, not the chunks; what it returns is the caller's, and stays as it is when more is added.

    ::

        parts = Accumulator()
        async for chunk in model.astream("hi"):
            parts.add(chunk)
        message = parts.message()
    """

    __slots__ = (
        "_content",
        "_count",
        "_id",
        "_kwargs",
        "_metadata",
        "_name",
        "_position",
        "_tool_calls",
        "_usage",
    )

    def __init__(self) -> None:
        self._content = ContentJoin()
        self._kwargs: list[dict[Any, Any]] = []
        self._metadata: list[dict[Any, Any]] = []
        self._tool_calls = ToolCallJoin()
        self._usage: UsageMetadata | None = None
        self._id: str | None = None
        self._name: str | None = None
        self._position: Literal["last"] | None = None
        self._count = 0

    def __len__(self) -> int:
        """How many chunks have been added."""
        return self._count

    def add(self, chunk: AIMessageChunk) -> None:
        """Take the next chunk; it is read now and may be changed afterwards."""
        self._count += 1
        self._content.add(chunk.content)
        if chunk.tool_call_chunks:
            self._tool_calls.add(cast("list[dict[str, Any]]", chunk.tool_call_chunks))
        if chunk.additional_kwargs:
            self._kwargs.append(chunk.additional_kwargs)
        if chunk.response_metadata:
            self._metadata.append(chunk.response_metadata)
        if chunk.usage_metadata is not None:
            self._usage = add_usage(self._usage, chunk.usage_metadata)
        if chunk.id != self._id:
            self._id = best_id((self._id, chunk.id))
        if self._name is None:
            self._name = chunk.name
        if chunk.chunk_position is not None:
            self._position = chunk.chunk_position

    @property
    def text_so_far(self) -> str:
        """The text that has come: costs its length, so read it now and then, not at every chunk."""
        return self._content.text()

    def chunk(self) -> AIMessageChunk:
        """The chunks so far as one chunk, with as much of its tool calls as can be read (whole ones, if the last has come)."""
        return build_chunk(**self._fields(), tool_call_chunks=self._tool_calls.chunks(), chunk_position=self._position)

    def message(self) -> AIMessage:
        """The whole message; tool arguments that do not parse make an invalid tool call, with their raw text."""
        calls, invalid = finished_calls(self._tool_calls.chunks())
        return build_message(**self._fields(), tool_calls=calls, invalid_tool_calls=invalid)

    def _fields(self) -> dict[str, Any]:
        return {
            "content": self._content.value(),
            "id": self._id,
            "name": self._name,
            "additional_kwargs": merge_dicts(*self._kwargs),
            "response_metadata": merge_dicts(*self._metadata),
            "usage_metadata": self._usage,
        }
