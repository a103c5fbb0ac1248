"""Answers in standard blocks, whole and chunk by chunk."""

from __future__ import annotations

import functools
import operator
from typing import Any

import pytest

from chatcore.messages import AIMessage, AIMessageChunk
from chatcore.messages._output_version import StandardChunks, in_standard_blocks

OPENAI = {"model_provider": "openai"}
CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}


def test_a_whole_answer() -> None:
    message = AIMessage("hi", tool_calls=[CALL], response_metadata={"x": 1})
    standard = in_standard_blocks(message)
    assert standard.content == [{"type": "text", "text": "hi"}, CALL] == standard.content_blocks
    assert standard.response_metadata == {"x": 1, "output_version": "v1"}
    assert standard.tool_calls == [CALL]
    assert message == AIMessage("hi", tool_calls=[CALL], response_metadata={"x": 1}), "the answer itself is not changed"
    assert in_standard_blocks(standard) is standard


def joined(*given: dict[str, Any]) -> AIMessageChunk:
    standard = StandardChunks()
    chunks = [standard.of(AIMessageChunk(**fields)) for fields in given]
    return functools.reduce(operator.add, [*chunks, AIMessageChunk(content=[], chunk_position="last")])


def part(name: str | None, args: str, id: str | None, index: int) -> dict[str, Any]:  # noqa: A002
    return {"name": name, "args": args, "id": id, "index": index}


def test_chunks_join_block_by_block() -> None:
    whole = joined(
        {"content": "", "additional_kwargs": {"reasoning_content": "h"}, "response_metadata": OPENAI},
        {"content": "", "additional_kwargs": {"reasoning_content": "m"}, "response_metadata": OPENAI},
        {"content": "hel", "response_metadata": OPENAI},
        {"content": "lo", "response_metadata": OPENAI},
        {"content": "", "tool_call_chunks": [part("f", '{"a"', "c1", 0)], "response_metadata": OPENAI},
        {"content": "", "tool_call_chunks": [part("g", "", "c2", 1)], "response_metadata": OPENAI},
        {"content": "", "tool_call_chunks": [part(None, ":1}", None, 0)], "response_metadata": OPENAI},
    )
    assert whole.content == [
        {"type": "reasoning", "reasoning": "hm", "index": 0},
        {"type": "text", "text": "hello", "index": 1},
        CALL,
        {"type": "tool_call", "name": "g", "args": {}, "id": "c2"},
    ]
    assert whole.content_blocks == whole.content
    assert whole.text == "hello"
    assert whole.response_metadata == {"output_version": "v1", "model_provider": "openai"}


def test_a_providers_own_indices_are_kept() -> None:
    anthropic = {"model_provider": "anthropic"}
    whole = joined(
        {"content": [{"type": "text", "text": "a", "index": 3}], "response_metadata": anthropic},
        {"content": [{"type": "text", "text": "b", "index": 3}], "response_metadata": anthropic},
        {"content": [{"type": "text", "text": "c", "index": 5}], "response_metadata": anthropic},
    )
    assert whole.content == [{"type": "text", "text": "ab", "index": 3}, {"type": "text", "text": "c", "index": 5}]


def test_chunks_that_are_standard_already_are_only_numbered() -> None:
    given = AIMessageChunk(content=[{"type": "text", "text": "a"}], response_metadata={"output_version": "v1"})
    assert StandardChunks().of(given).content == [{"type": "text", "text": "a", "index": 0}]
    assert given.content == [{"type": "text", "text": "a"}]


@pytest.mark.parametrize("size", [200, 2000])
def test_a_chunk_is_read_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    blocks = AIMessageChunk.content_blocks.fget  # type: ignore[attr-defined]

    def counted(chunk: AIMessageChunk) -> Any:
        nonlocal read
        read += len(chunk.content)
        return blocks(chunk)

    monkeypatch.setattr(AIMessageChunk, "content_blocks", property(counted))
    standard = StandardChunks()
    for _ in range(size):
        standard.of(AIMessageChunk("a"))
    assert read == size
