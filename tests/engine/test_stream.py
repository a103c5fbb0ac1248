"""`ChatStream`: how chunks are read, and what closes it."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from pydantic import PrivateAttr

from chatcore.engine.policies import Timeout
from chatcore.engine.stream import ChatStream
from chatcore.errors import ConnectionFailedError, InvalidInputError, MalformedResponseError, StreamInterrupted
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.model import BaseChatModel, Policies
from tests.engine.models import Plain, Streaming, letters
from tests.engine.quiet import quiet, some_steps, tasks

pytestmark = pytest.mark.anyio


async def two_then_wait(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    await anyio.sleep_forever()


async def test_chunks_come_one_by_one_and_no_task_runs_between_them() -> None:
    before = tasks()
    model = Streaming(chunks=letters)
    async with model.astream("abc") as chunks:
        texts = []
        async for chunk in chunks:
            assert tasks() == before
            texts.append(chunk.text)
    assert texts == ["a", "b", "c", ""]


async def test_nothing_is_asked_before_the_first_pull() -> None:
    model = Streaming(chunks=letters)
    chunks = model.astream("abc")
    async with chunks:
        assert model._watch.begun == 0
        await anext(chunks)
        assert model._watch.begun == 1


async def test_pull_based_a_chunk_is_made_when_it_is_asked_for() -> None:
    made: list[str] = []

    async def counted(text: str) -> AsyncIterator[str]:
        for letter in text:
            made.append(letter)
            yield letter

    async with Streaming(chunks=counted).astream("abc") as chunks:
        await anext(chunks)
        await some_steps()
        assert made == ["a"]


async def test_result_after_the_end_is_the_whole_message() -> None:
    async with Streaming(chunks=letters).astream("abc") as chunks:
        async for _ in chunks:
            pass
        whole: Any = await chunks.result()
        assert type(whole) is AIMessage
        assert whole.text == "abc"
        assert await chunks.result() is whole


async def test_result_before_the_first_pull_and_after_some() -> None:
    model = Streaming(chunks=letters)
    whole: Any = await model.astream("abc").result()
    assert whole.text == "abc"
    chunks = model.astream("abc")
    await anext(chunks)
    whole = await chunks.result()
    assert whole.text == "abc"
    assert model._watch.active == 0
    assert [chunk async for chunk in chunks] == []


async def test_result_of_a_closed_stream_is_refused() -> None:
    chunks = Streaming(chunks=two_then_wait).astream("abc")
    await anext(chunks)
    await chunks.aclose()
    with pytest.raises(InvalidInputError, match="closed before its end"):
        await chunks.result()


async def test_result_that_fails_closes() -> None:
    async def cut(text: str) -> AsyncIterator[str]:
        yield "a"
        raise ConnectionFailedError("reset")

    model = Streaming(chunks=cut)
    chunks = model.astream("x")
    with pytest.raises(StreamInterrupted) as caught:
        await chunks.result()
    assert caught.value.partial.text == "a"
    assert model._watch.active == 0


async def test_closing_twice_and_pulling_after_it() -> None:
    chunks = Streaming(chunks=two_then_wait).astream("x")
    await anext(chunks)
    await chunks.aclose()
    await chunks.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


async def test_closing_before_the_first_pull_asks_nothing() -> None:
    model = Streaming(chunks=two_then_wait)
    chunks = model.astream("x")
    await chunks.aclose()
    assert [chunk async for chunk in chunks] == []
    assert model._watch.begun == 0


async def test_error_is_raised_once_and_then_the_stream_is_over() -> None:
    async def fail(text: str) -> AsyncIterator[str]:
        yield "a"
        raise ValueError("no")

    chunks = Streaming(chunks=fail).astream("x")
    await anext(chunks)
    with pytest.raises(ValueError, match="no"):
        await anext(chunks)
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


@pytest.mark.parametrize("begun", [0, 2], ids=["opening", "waiting"])
async def test_second_task_may_neither_read_nor_close(begun: int) -> None:
    async def some_then_wait(text: str) -> AsyncIterator[str]:
        for letter in "ab"[:begun]:
            yield letter
        await anyio.sleep_forever()

    model = Streaming(chunks=some_then_wait)
    chunks = model.astream("x")
    seen = 0

    async def read() -> None:
        nonlocal seen
        async for _ in chunks:
            seen += 1
            model._watch.tell()

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await model._watch.until(lambda: model._watch.active == 1 and seen == begun)
        await some_steps()
        for act in (chunks.__anext__, chunks.result, chunks.aclose):
            with pytest.raises(InvalidInputError, match="one task reads a stream"):
                await act()
        assert model._watch.active == 1, "the reader is not disturbed"
        group.cancel_scope.cancel()
    assert model._watch.active == 0
    await chunks.aclose()


async def test_dropped_stream_closes_in_its_own_loop_although_dropped_in_a_thread() -> None:
    before = tasks()
    model = Streaming(chunks=two_then_wait)
    held = [model.astream("x")]
    await anext(held[0])

    def drop() -> None:
        held.clear()
        gc.collect()

    await anyio.to_thread.run_sync(drop)
    # The worker thread's own task is not ours to count.
    await model._watch.until(lambda: model._watch.active == 0)
    assert before <= tasks()


async def test_dropped_stream_whose_closing_fails_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fails_to_close(text: str) -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            raise ValueError("cannot close")

    before = tasks()
    model = Streaming(chunks=fails_to_close)
    async for _ in model.astream("x"):
        break
    await quiet(before, lambda: model._watch.active == 0)
    assert "dropped before its end" in caplog.text
    assert "cannot close" in caplog.text


def test_stream_dropped_after_its_loop_has_ended(anyio_backend: str) -> None:
    model = Streaming(chunks=two_then_wait)
    held: list[ChatStream[AIMessageChunk]] = []

    async def begin() -> None:
        held.append(model.astream("x"))
        await anext(held[0])

    anyio.run(begin, backend=anyio_backend)
    held.clear()
    gc.collect()
    assert model._watch.active == 0


async def test_plain_model_streams_its_answer_as_one_chunk() -> None:
    async with Plain().astream("whole") as chunks:
        assert [chunk.text async for chunk in chunks] == ["whole"]
        assert (await chunks.result()).text == "whole"


class AtHand(AsyncIterator[AIMessageChunk]):
    """A hook's stream whose chunks come three at a time, as those of one read do."""

    def __init__(self, reads: int, *, bad: object = None) -> None:
        self.pulls = 0
        self.closed = False
        self._reads = reads
        self._here: list[Any] = []
        self._bad = bad

    async def __anext__(self) -> AIMessageChunk:
        self.pulls += 1
        await anyio.lowlevel.checkpoint()
        if self.pulls > self._reads:
            raise StopAsyncIteration
        self._here = [AIMessageChunk("b"), self._bad or AIMessageChunk("c")]
        return AIMessageChunk("a")

    def ready(self) -> Any:
        return self._here.pop(0) if self._here else None

    async def aclose(self) -> None:
        self.closed = True


class OfReads(BaseChatModel):
    timeout: float | None = None
    _stream_of: AtHand = PrivateAttr()

    @property
    def _llm_type(self) -> str:
        return "of reads"

    def _policies(self) -> Policies:
        return Policies(timeout=Timeout.of(self.timeout)) if self.timeout else Policies()

    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        return self._stream_of


@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no timeout", "a timeout"])
async def test_chunks_at_hand_are_given_on_in_order_without_waiting(timeout: float | None) -> None:
    model = OfReads(timeout=timeout)
    model._stream_of = AtHand(2)
    async with model.astream("?") as chunks:
        texts = [(await anext(chunks)).text for _ in range(6)]
        assert model._stream_of.pulls == 2
        message = await chunks.result()
    assert "".join(texts) == message.text == "abcabc"
    assert model._stream_of.closed


async def test_a_wrong_chunk_at_hand_closes_the_stream() -> None:
    model = OfReads()
    model._stream_of = AtHand(1, bad="no chunk")
    chunks = model.astream("?")
    assert [(await anext(chunks)).text, (await anext(chunks)).text] == ["a", "b"]
    with pytest.raises(MalformedResponseError, match="must yield"):
        await anext(chunks)
    assert model._stream_of.closed
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)
