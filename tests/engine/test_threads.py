"""Sync code of the user's in worker threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from chatcore.engine import threads
from chatcore.engine.threads import abandoning, await_from_thread, in_thread, iterate_from_thread, iterate_in_thread

pytestmark = pytest.mark.anyio


async def test_it_runs_in_another_thread_with_the_callers_context() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    user.set("alice")
    who, thread = await in_thread(lambda: (user.get(), threading.get_ident()))
    assert who == "alice"
    assert thread != threading.get_ident()


async def test_threads_are_counted_apart_from_anyios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WORKER_THREADS", 2)
    running, most = 0, 0
    guard, both = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        both.wait(5)
        with guard:
            running -= 1

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(in_thread, work)
        # None of these is in the way of anyio's default.
        assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
    assert most == 2


async def test_a_cancelled_caller_does_not_wait_where_that_is_said() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        # What it calls in turn is waited for.
        await_from_thread(deeper)
        ended.set()

    async def deeper() -> None:
        await in_thread(begun.set)

    def wait() -> None:
        work()
        go_on.wait(5)

    with abandoning():
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, wait)
            await anyio.to_thread.run_sync(ended.wait, 5)
            group.cancel_scope.cancel()
    assert not go_on.is_set()
    go_on.set()


async def test_a_cancelled_caller_waits_for_the_end() -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        begun.set()
        go_on.wait(5)
        ended.append(True)

    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, work)
        await anyio.to_thread.run_sync(begun.wait)
        group.cancel_scope.cancel()
        go_on.set()
    assert ended == [True]


async def test_iterator_is_closed_where_it_ran() -> None:
    where: list[int] = []

    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            where.append(threading.get_ident())

    items = iterate_in_thread(numbers())
    assert await anext(items) == 1
    await items.aclose()
    assert where
    assert where[0] != threading.get_ident()


async def test_iterator_that_cannot_be_closed() -> None:
    items = iterate_in_thread(iter([1, 2]))
    assert [item async for item in items] == [1, 2]
    await items.aclose()


async def test_async_items_for_sync_code() -> None:
    async def letters() -> object:
        for letter in "abc":
            yield letter

    items = letters()
    assert await in_thread(lambda: list(iterate_from_thread(items))) == ["a", "b", "c"]  # type: ignore[arg-type]


async def _where(error: Exception | None = None) -> int:
    await anyio.lowlevel.checkpoint()
    if error is not None:
        raise error
    return threading.get_ident()


async def test_a_worker_thread_awaits_in_the_loop_it_serves() -> None:
    assert await in_thread(await_from_thread, _where) == threading.get_ident()
    with pytest.raises(RuntimeError, match="of its own"):
        await in_thread(await_from_thread, lambda: _where(RuntimeError("of its own")))


async def test_any_other_thread_awaits_in_the_portal() -> None:
    box: list[int] = []
    thread = threading.Thread(target=lambda: box.append(await_from_thread(_where)))
    thread.start()
    await in_thread(thread.join)
    assert len(box) == 1
    assert box[0] not in {threading.get_ident(), thread.ident}


def letters(ended: list[str], asked: threading.Event, go_on: threading.Event) -> Iterator[str]:
    try:
        yield "a"
        asked.set()
        go_on.wait(5)
        yield "b"
    finally:
        ended.append("ended")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_natively_cancelled_caller_waits_for_the_end() -> None:
    """Otherwise what it closes next would still be in use."""
    asked, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    async def read() -> None:
        items = iterate_in_thread(letters(ended, asked, go_on))
        try:
            await anext(items)
            await anext(items)
        finally:
            await items.aclose()

    task = asyncio.create_task(read())
    await asyncio.to_thread(asked.wait)
    task.cancel()
    await anyio.wait_all_tasks_blocked()
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["ended"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_natively_cancelled_caller_stops_what_its_thread_waits_for() -> None:
    waiting = anyio.Event()
    ended: list[str] = []

    async def forever() -> None:
        waiting.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("ended")

    task = asyncio.create_task(in_thread(await_from_thread, forever))
    await waiting.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await task
    assert ended == ["ended"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_call_that_was_cancelled_before_its_thread_took_it_is_not_made() -> None:
    made: list[int] = []
    job = threads._Job(lambda: made.append(1))
    assert not job.drop()
    job.run()
    assert made == []


async def test_what_a_cancelled_thread_waited_for_is_no_failure() -> None:
    """The thread sees an error of `concurrent.futures`; its caller the cancellation."""
    seen: list[BaseException] = []

    async def call() -> None:
        try:
            await in_thread(await_from_thread, anyio.sleep_forever)
        except BaseException as error:
            seen.append(error)
            raise

    with anyio.move_on_after(0.01) as scope:
        await call()
    assert scope.cancelled_caught
    assert isinstance(seen[0], anyio.get_cancelled_exc_class())
