"""Joining a stream of chunks into one message, at a cost that grows with the stream and not with its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chatcore.messages._merge import ContentJoin, DictJoin
from chatcore.messages._tool_calls import ToolCallJoin, finished_calls, finished_content
from chatcore.messages.ai import AIMessage, AIMessageChunk, add_usage, best_id, build_chunk, build_message

if TYPE_CHECKING:
    from chatcore.messages.ai import UsageMetadata

__all__ = ["Accumulator"]


class Accumulator:
    """Joins the chunks of one answer: append each, join once.

    It says what `chunk + chunk + …` says, and `message()` what `message_chunk_to_message` makes of that; but adding a
    chunk costs the same however much has come before, and tool arguments are parsed once, when they are whole. It
    keeps what the chunks held, not the chunks. What `chunk()` returned stays as it is when more is added.

    ::

        parts = Accumulator()
        async for chunk in model.astream("hi"):
            parts.add(chunk)
        message = parts.message()
    """

    __slots__ = ("_content", "_count", "_id", "_kwargs", "_metadata", "_name", "_position", "_tool_calls", "_usage")

    def __init__(self) -> None:
        self._content = ContentJoin()
        self._kwargs = DictJoin()
        self._metadata = DictJoin()
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
        """Take the next chunk."""
        self._count += 1
        # Once per token: the model's own attribute access costs twice a dict's.
        fields = chunk.__dict__
        self._content.add(fields["content"])
        if fields["tool_call_chunks"]:
            self._tool_calls.add(fields["tool_call_chunks"])
        if fields["additional_kwargs"]:
            self._kwargs.add(fields["additional_kwargs"])
        if fields["response_metadata"]:
            self._metadata.add(fields["response_metadata"])
        if fields["usage_metadata"] is not None:
            self._usage = add_usage(self._usage, fields["usage_metadata"])
        if fields["id"] is not None and fields["id"] != self._id:
            self._id = best_id((self._id, fields["id"]))
        if self._name is None:
            self._name = fields["name"]
        if fields["chunk_position"] is not None:
            self._position = fields["chunk_position"]

    @property
    def text_so_far(self) -> str:
        """The text that has come. It costs its length: read it now and then, not at every chunk."""
        return self._content.text()

    def chunk(self) -> AIMessageChunk:
        """The chunks so far as one; its tool calls hold what can be read so far, or are whole if the last has come."""
        return build_chunk(**self._fields(), tool_call_chunks=self._tool_calls.chunks(), chunk_position=self._position)

    def message(self) -> AIMessage:
        """The whole message; tool arguments that do not parse make an invalid tool call, with their raw text."""
        calls, invalid = finished_calls(self._tool_calls.chunks())
        fields = self._fields()
        fields["content"] = finished_content(fields["content"], fields["response_metadata"], calls)
        return build_message(**fields, tool_calls=calls, invalid_tool_calls=invalid)

    def _fields(self) -> dict[str, Any]:
        return {
            "content": self._content.value(),
            "id": self._id,
            "name": self._name,
            "additional_kwargs": self._kwargs.value(),
            "response_metadata": self._metadata.value(),
            "usage_metadata": self._usage,
        }
