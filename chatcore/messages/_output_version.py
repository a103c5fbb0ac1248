"""Content in the version that a model was asked for: `"v0"` as its provider sends it, `"v1"` as standard blocks."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, cast

from chatcore.messages.ai import AIMessage, AIMessageChunk

__all__ = ["OutputVersion", "StandardChunks", "in_standard_blocks"]

OutputVersion = Literal["v0", "v1"]
"""The shape of an answer's content."""

M = TypeVar("M", bound=AIMessage)


def in_standard_blocks(message: M) -> M:
    """Return an answer whose content is its `content_blocks`, and which says so; one that says so is returned as it is.

    The chunks of a stream need `StandardChunks`, which tells one block from the next.
    """
    if message.response_metadata.get("output_version") == "v1" and isinstance(message.content, list):
        return message
    update = {
        "content": message.content_blocks,
        "response_metadata": {**message.response_metadata, "output_version": "v1"},
    }
    return message.model_copy(update=update)


class StandardChunks:
    """Turns the chunks of one stream into chunks of standard blocks.

    Chunks merge block by block, by index. A block that its provider gave none gets one here: the next number whenever
    the type of block changes. So each chunk is read once, and none of those before it. Where content is a string, the
    indices of tool calls count calls and not blocks; they are kept apart as `"lc_tc_0"`, ...
    """

    __slots__ = ("_index", "_type")

    def __init__(self) -> None:
        self._index = -1
        self._type: str | None = None

    def of(self, chunk: AIMessageChunk) -> AIMessageChunk:
        """Return the next chunk of the stream in standard blocks."""
        standard = in_standard_blocks(chunk)
        calls_apart = isinstance(chunk.content, str)
        blocks: list[Any] = [
            self._numbered(cast("dict[str, Any]", block), calls_apart=calls_apart) for block in standard.content
        ]
        if standard is chunk:
            return chunk.model_copy(update={"content": blocks})
        standard.content = blocks
        return standard

    def _numbered(self, block: dict[str, Any], *, calls_apart: bool) -> dict[str, Any]:
        if block["type"] != self._type:
            self._type = block["type"]
            self._index += 1
        index = block.get("index")
        if index is None:
            return {**block, "index": self._index}
        if calls_apart and block["type"] == "tool_call_chunk" and isinstance(index, int):
            return {**block, "index": f"lc_tc_{index}"}
        return block
