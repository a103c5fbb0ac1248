"""What a streamed hook has yielded, as a whole hook would have answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from chatcore.errors import InvalidInputError
from chatcore.messages import message_chunk_to_message
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.outputs.chat_generation import merge_chat_generation_chunks

__all__ = ["agenerate_from_stream", "generate_from_stream"]


def generate_from_stream(stream: Iterator[ChatGenerationChunk]) -> ChatResult:
    """Read a stream to its end, for a `_generate` by means of `_stream`.

    Args:
        stream: the chunks.

    Raises:
        ValueError: there is no chunk.
    """
    return _joined(list(stream))


async def agenerate_from_stream(stream: AsyncIterator[ChatGenerationChunk]) -> ChatResult:
    """Read a stream to its end, for an `_agenerate` by means of `_astream`; a model with `_astream` alone needs none.

    Args:
        stream: the chunks.

    Raises:
        ValueError: there is no chunk.
    """
    return _joined([chunk async for chunk in stream])


def _joined(chunks: list[ChatGenerationChunk]) -> ChatResult:
    whole = merge_chat_generation_chunks(chunks)
    if whole is None:
        msg = "No generations found in stream."
        raise InvalidInputError(msg)
    message = message_chunk_to_message(whole.message)
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=whole.generation_info)])
