from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import langchain_core.language_models.chat_models as theirs
import langchain_core.messages as their_messages
import langchain_core.outputs as their_outputs
import pytest

import chatcore.language_models.chat_models as ours
import chatcore.messages as our_messages
import chatcore.outputs as our_outputs


def chunks(case: str, messages: Any, outputs: Any) -> list[Any]:
    chunk = messages.AIMessageChunk
    call = {"name": "add", "args": '{"a": ', "id": "1", "index": 0, "type": "tool_call_chunk"}
    made = {
        "one": [chunk("a", id="1")],
        "text": [chunk("a", id="1"), chunk("b"), chunk("c", chunk_position="last")],
        "calls": [
            chunk("", tool_call_chunks=[call]),
            chunk("", tool_call_chunks=[{**call, "name": None, "id": None, "args": "1}"}]),
        ],
        "usage": [chunk("a"), chunk("", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})],
    }[case]
    return [
        outputs.ChatGenerationChunk(message=message, generation_info={"finish_reason": "stop"} if not index else None)
        for index, message in enumerate(made)
    ]


@pytest.mark.parametrize("case", ["one", "text", "calls", "usage"])
def test_as_in_the_reference(case: str) -> None:
    mine = ours.generate_from_stream(iter(chunks(case, our_messages, our_outputs)))
    other = theirs.generate_from_stream(iter(chunks(case, their_messages, their_outputs)))
    assert mine.model_dump() == other.model_dump()


@pytest.mark.anyio
async def test_async() -> None:
    async def stream() -> AsyncIterator[Any]:
        for chunk in chunks("text", our_messages, our_outputs):
            yield chunk

    assert (await ours.agenerate_from_stream(stream())) == ours.generate_from_stream(
        iter(chunks("text", our_messages, our_outputs))
    )


def test_nothing() -> None:
    with pytest.raises(ValueError, match="No generations found in stream"):
        ours.generate_from_stream(iter([]))
