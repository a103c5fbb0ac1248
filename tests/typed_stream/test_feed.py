"""How chunks get into an assembly: pulls on demand, in a task that ends when nobody waits, at any end of the loop."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from chatcore.engine.stream import ChatStream
from chatcore.messages import AIMessageChunk
from chatcore.typed_stream._assembly import Assembly
from chatcore.typed_stream._feed import AsyncFeed, SyncFeed
from tests.engine.models import Streaming, letters


def fed(model: Streaming, text: str = "hello") -> AsyncFeed:
    return AsyncFeed(model.astream(text), Assembly(100))


def tasks() -> int:
    return len(anyio.get_running_tasks())


async def read_for_nobody(feed: AsyncFeed) -> None:
    """Leave the feed in the middle of a read, whose reader has been cancelled."""
    async with anyio.create_task_group() as readers:
        readers.start_soon(feed.pull)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        readers.cancel_scope.cancel()
    assert feed._pulling is not None


async def stuck(text: str) -> AsyncIterator[str]:
    yield text
    await anyio.Event().wait()


@pytest.mark.anyio
async def test_a_pull_is_one_step() -> None:
    feed = fed(Streaming(chunks=letters))
    assert await feed.pull()
    assert feed.assembly.text.kept() == ["h"]
    assert await feed.pull()
    assert feed.assembly.text.kept() == ["h", "e"]
    await feed.aclose()


@pytest.mark.anyio
async def test_it_says_when_there_is_no_more() -> None:
    feed = fed(Streaming(chunks=letters), "h")
    while await feed.pull():
        pass
    assert feed.assembly.done
    assert feed.assembly.message is not None
    assert not await feed.pull()


@pytest.mark.anyio
async def test_no_task_is_there_while_nobody_waits() -> None:
    before = tasks()
    feed = fed(Streaming(chunks=letters))
    await feed.pull()
    while tasks() > before:
        await anyio.lowlevel.checkpoint()
    assert feed.assembly.text.kept() == ["h"]
    await feed.pull()
    await feed.aclose()


@pytest.mark.anyio
async def test_one_task_serves_all_who_wait() -> None:
    before = tasks()
    feed = fed(Streaming(chunks=stuck))
    await feed.pull()
    async with anyio.create_task_group() as readers:
        for _ in range(5):
            readers.start_soon(feed.pull)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        assert tasks() == before + 5 + 1
        await feed.aclose()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_that_ends_closes_what_is_being_read(backend: str) -> None:
    model = Streaming(chunks=stuck)
    kept: list[AsyncFeed] = []

    async def main() -> None:
        feed = fed(model)
        kept.append(feed)
        await feed.pull()
        await read_for_nobody(feed)
        assert model._watch.active == 1

    anyio.run(main, backend=backend)
    assert model._watch.active == 0
    kept.clear()
    gc.collect()


@pytest.mark.anyio
async def test_a_stream_cut_off_by_cancellation_does_not_look_whole() -> None:
    feed = fed(Streaming(chunks=stuck))
    await feed.pull()
    await read_for_nobody(feed)
    assert feed._pulling is not None
    feed._pulling.scope.cancel()
    while feed._pulling is not None:
        await anyio.lowlevel.checkpoint()
    assert feed.assembly.done
    assert feed.assembly.message is None
    assert feed.assembly.events.error is not None
    await feed.aclose()


@pytest.mark.anyio
async def test_an_answer_without_an_end_has_no_message() -> None:
    class Nothing(ChatStream[Any, Any]):
        def __init__(self) -> None:
            super().__init__(None, None)  # type: ignore[arg-type]  # never opened

        async def __anext__(self) -> Any:
            raise StopAsyncIteration

    feed = AsyncFeed(Nothing(), Assembly(100))
    assert await feed.pull()
    with pytest.raises(RuntimeError, match="ended without a message"):
        feed.assembly.output.whole()


def test_a_sync_pull_is_one_step() -> None:
    feed = SyncFeed(Streaming(chunks=letters).stream("hi"), Assembly(100))
    assert feed.pull()
    assert feed.assembly.text.kept() == ["h"]
    while feed.pull():
        pass
    assert feed.assembly.text.whole() == "hi"
    assert not feed.pull()


def test_ctrl_c_ends_a_sync_stream() -> None:
    class Interrupted:
        closed = False

        def __next__(self) -> Any:
            raise KeyboardInterrupt

        def close(self) -> None:
            self.closed = True

    chunks = Interrupted()
    feed = SyncFeed(chunks, Assembly(100))  # type: ignore[arg-type]  # as much of a stream as is needed
    with pytest.raises(KeyboardInterrupt):
        feed.pull()
    assert chunks.closed
    with pytest.raises(RuntimeError, match="closed before its end"):
        feed.assembly.text.whole()


def test_a_step_that_another_thread_has_made_is_not_made_again() -> None:
    reading, waiting, let_go = threading.Event(), threading.Event(), threading.Event()

    class Chunks:
        asked = 0

        def __next__(self) -> Any:
            self.asked += 1
            reading.set()
            let_go.wait()
            return AIMessageChunk(content="a")

    class Seen:
        """A lock that tells when somebody comes while it is held."""

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __enter__(self) -> None:
            if not self.lock.acquire(blocking=False):
                waiting.set()
                self.lock.acquire()

        def __exit__(self, *exc_info: object) -> None:
            self.lock.release()

    chunks = Chunks()
    feed = SyncFeed(chunks, Assembly(100))  # type: ignore[arg-type]  # as much of a stream as is needed
    feed._lock = Seen()  # type: ignore[assignment]  # as much of a lock
    readers = [threading.Thread(target=feed.pull) for _ in range(2)]
    readers[0].start()
    reading.wait()
    readers[1].start()
    waiting.wait()
    let_go.set()
    for reader in readers:
        reader.join()
    assert chunks.asked == 1
