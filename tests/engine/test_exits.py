"""The exit matrix: however a call is left, nothing of it runs a moment later, and every hook has cleaned up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

from chatcore.engine.limits import TokenBucket
from chatcore.engine.policies import Retry, Timeout
from chatcore.errors import StreamInterrupted
from chatcore.model import Policies
from chatcore.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableParallel, RunnablePassthrough
from tests.engine.models import Plain, Streaming, Watch
from tests.engine.quiet import quiet, some_steps, tasks

pytestmark = pytest.mark.anyio


class BrokenError(Exception):
    """What a hook or a caller raises in these tests."""


# ------------------------------------------------------------------------------------------------------ what is called


async def two_then_wait(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    await anyio.sleep_forever()


async def two_then_end(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"


async def two_then_break(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    raise BrokenError


CHUNKS = {"wait": two_then_wait, "end": two_then_end, "break": two_then_break}


async def as_it_comes(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        yield chunk


def with_everything(model: Streaming) -> Runnable[Any, Any]:
    model.rate_limiter = TokenBucket(requests_per_minute=1e9, tokens_per_minute=1e9, max_concurrency=100)
    model.policies = Policies(
        timeout=Timeout(first_token=60, between_tokens=60, total=60), retry=Retry(3, on=lambda error: False)
    )
    return model.with_fallbacks([model], exceptions_to_handle=(KeyError,)).bind(x=1).with_config(tags=["x"])


CHAINS: dict[str, Callable[[Streaming], Runnable[Any, Any]]] = {
    "model": lambda model: model,
    "everything": with_everything,
    "sequence": lambda model: RunnableLambda(lambda x: x) | model | RunnablePassthrough(),
    "parallel": lambda model: RunnableParallel(one=model, two=model, three=model),
    "parallel-in-sequence": lambda model: RunnablePassthrough() | {"one": model, "two": model | as_it_comes},
    "generator": lambda model: model | RunnableGenerator(as_it_comes),
    "nested": lambda model: RunnablePassthrough() | (model | as_it_comes).with_retry(stop_after_attempt=1),
    "lambda": lambda model: RunnableLambda(lambda x: model),
}


@pytest.fixture(params=CHAINS)
def chain(request: pytest.FixtureRequest) -> Callable[[str], tuple[Runnable[Any, Any], Watch]]:
    def build(behaviour: str) -> tuple[Runnable[Any, Any], Watch]:
        model = Streaming(chunks=CHUNKS[behaviour])
        return CHAINS[request.param](model), model._watch

    return build


Built = Callable[[str], tuple[Runnable[Any, Any], Watch]]


# ------------------------------------------------------------------------------------------------------------- streams

Body = Callable[[], Awaitable[bool]]
"""What the caller does with each chunk; true: leave the loop."""


async def read_within(runnable: Runnable[Any, Any], body: Body) -> None:
    async with runnable.astream("hi") as chunks:
        async for _ in chunks:
            if await body():
                break


async def read_bare(runnable: Runnable[Any, Any], body: Body) -> None:
    async for _ in runnable.astream("hi"):
        if await body():
            break


async def read_and_close(runnable: Runnable[Any, Any], body: Body) -> None:
    chunks = runnable.astream("hi")
    async for _ in chunks:
        if await body():
            break
    await chunks.aclose()


async def read_and_return(runnable: Runnable[Any, Any], body: Body) -> None:
    async for _ in runnable.astream("hi"):
        if await body():
            return


READERS = {
    "async-with": read_within,
    "async-for": read_bare,
    "aclose": read_and_close,
    "return": read_and_return,
}


@pytest.fixture(params=READERS)
def read(request: pytest.FixtureRequest) -> Callable[[Runnable[Any, Any], Body], Awaitable[None]]:
    return READERS[request.param]


async def go_on() -> bool:
    return False


async def stop_here() -> bool:
    return True


async def all_clean(before: set[int], watch: Watch) -> None:
    assert watch.begun > 0, "the test has tested nothing"
    await quiet(before, lambda: watch.active == 0)
    assert watch.cleaned == watch.begun


async def test_stream_read_to_its_end(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("end")
    await read(runnable, go_on)
    await all_clean(before, watch)


async def test_stream_left_early(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    await read(runnable, stop_here)
    await all_clean(before, watch)


async def test_stream_whose_hook_fails(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("break")
    with pytest.raises(BrokenError):
        await read(runnable, go_on)
    await all_clean(before, watch)


async def test_stream_whose_reader_fails(chain: Built, read: Any) -> None:
    async def fail() -> bool:
        raise BrokenError

    before = tasks()
    runnable, watch = chain("wait")
    with pytest.raises(BrokenError) as caught:
        await read(runnable, fail)
    if read is read_and_close:
        # Its frame, and so the stream that it holds in a variable, live as long as the traceback.
        del caught
        gc.collect()
    await all_clean(before, watch)


async def test_stream_read_in_a_cancelled_scope(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    with anyio.CancelScope() as scope:

        async def cancel() -> bool:
            scope.cancel()
            return False

        await read(runnable, cancel)
    assert scope.cancelled_caught
    await all_clean(before, watch)


async def test_stream_whose_reader_is_cancelled_while_it_waits_for_a_chunk(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    seen = 0

    async def count() -> bool:
        nonlocal seen
        seen += 1
        watch.tell()
        return False

    async with anyio.create_task_group() as group:
        group.start_soon(read, runnable, count)
        await watch.until(lambda: seen >= 2)
        await some_steps()
        group.cancel_scope.cancel()
    await all_clean(before, watch)


async def test_stream_that_outlasts_its_time(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    with pytest.raises(TimeoutError), anyio.fail_after(0.05):
        await read(runnable, go_on)
    await all_clean(before, watch)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_stream_in_a_natively_cancelled_task(chain: Built, read: Any) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    task = asyncio.ensure_future(read(runnable, go_on))
    await watch.until(lambda: watch.begun > 0)
    await some_steps()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    await all_clean(before, watch)


async def test_stream_dropped_before_its_first_pull_starts_nothing(chain: Built) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    runnable.astream("hi")
    async with runnable.astream("hi"):
        pass
    await quiet(before)
    assert watch.begun == 0


# ------------------------------------------------------------------------------------------------------------- batches

SIBLINGS = 5


async def batch_within(runnable: Runnable[Any, Any], body: Body) -> None:
    async with runnable.abatch_as_completed([f"{number}" for number in range(SIBLINGS)]) as results:
        async for _ in results:
            if await body():
                break


async def batch_bare(runnable: Runnable[Any, Any], body: Body) -> None:
    async for _ in runnable.abatch_as_completed([f"{number}" for number in range(SIBLINGS)]):
        if await body():
            break


async def batch_and_close(runnable: Runnable[Any, Any], body: Body) -> None:
    results = runnable.abatch_as_completed([f"{number}" for number in range(SIBLINGS)])
    async for _ in results:
        if await body():
            break
    await results.aclose()


BATCH_READERS = {"async-with": batch_within, "async-for": batch_bare, "aclose": batch_and_close}


@pytest.fixture(params=BATCH_READERS)
def read_batch(request: pytest.FixtureRequest) -> Callable[[Runnable[Any, Any], Body], Awaitable[None]]:
    return BATCH_READERS[request.param]


def first_answers(rest: str, *, chained: bool) -> tuple[Runnable[Any, Any], Watch]:
    """The first input is answered once all have begun; the rest wait for ever, or fail, or are answered too."""

    async def answer(text: str) -> str:
        await watch.until(lambda: watch.begun >= SIBLINGS)
        if text != "0" and rest == "wait":
            await anyio.sleep_forever()
        if text == "0" and rest == "break":
            raise BrokenError
        if rest == "break":
            await anyio.sleep_forever()
        return text

    model = Plain(answer=answer)
    watch = model._watch
    return (RunnablePassthrough() | model | (lambda message: message.text)) if chained else model, watch


@pytest.fixture(params=["model", "chain"])
def batched(request: pytest.FixtureRequest) -> Built:
    return lambda rest: first_answers(rest, chained=request.param == "chain")


async def test_batch_read_to_its_end(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("end")
    await read_batch(runnable, go_on)
    await all_clean(before, watch)
    assert watch.begun == SIBLINGS


async def test_batch_left_early_stops_the_siblings(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("wait")
    await read_batch(runnable, stop_here)
    await all_clean(before, watch)
    assert watch.begun == SIBLINGS


async def test_batch_with_a_failing_item_stops_the_siblings(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("break")
    with pytest.raises(BrokenError):
        await read_batch(runnable, go_on)
    assert watch.active == 0, "whoever gets the error is not to find siblings running"
    await all_clean(before, watch)


async def test_batch_whose_reader_fails(batched: Built, read_batch: Any) -> None:
    async def fail() -> bool:
        raise BrokenError

    before = tasks()
    runnable, watch = batched("wait")
    with pytest.raises(BrokenError) as caught:
        await read_batch(runnable, fail)
    if read_batch is batch_and_close:
        del caught
        gc.collect()
    await all_clean(before, watch)


async def test_batch_read_in_a_cancelled_scope(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("wait")
    with anyio.CancelScope() as scope:

        async def cancel() -> bool:
            scope.cancel()
            return False

        await read_batch(runnable, cancel)
    assert scope.cancelled_caught
    await all_clean(before, watch)


async def test_batch_that_outlasts_its_time(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("wait")
    with pytest.raises(TimeoutError), anyio.fail_after(0.05):
        await read_batch(runnable, go_on)
    await all_clean(before, watch)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_batch_in_a_natively_cancelled_task(batched: Built, read_batch: Any) -> None:
    before = tasks()
    runnable, watch = batched("wait")
    task = asyncio.ensure_future(read_batch(runnable, go_on))
    await watch.until(lambda: watch.cleaned == 1)
    await some_steps()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watch.active == 0, "cancelled means stopped"
    await all_clean(before, watch)


async def test_batch_dropped_before_it_has_begun_starts_nothing(batched: Built) -> None:
    before = tasks()
    runnable, watch = batched("end")
    runnable.abatch_as_completed(["a"])
    await quiet(before)
    assert watch.begun == 0


# -------------------------------------------------------------------------------------------- verbs with one result

CALLS: dict[str, Callable[[Runnable[Any, Any]], Awaitable[Any]]] = {
    "ainvoke": lambda runnable: runnable.ainvoke("0"),
    "abatch": lambda runnable: runnable.abatch([f"{number}" for number in range(SIBLINGS)]),
    "agenerate": lambda model: model.agenerate([[f"{number}"] for number in range(SIBLINGS)]),  # type: ignore[attr-defined]
    "parallel": lambda runnable: RunnableParallel({f"{n}": runnable for n in range(SIBLINGS)}).ainvoke("0"),
    "sequence": lambda runnable: (RunnablePassthrough() | runnable | RunnablePassthrough()).ainvoke("0"),
    "decorated": lambda runnable: runnable.with_retry(stop_after_attempt=1).with_fallbacks([]).bind(x=1).ainvoke("0"),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Runnable[Any, Any]], Awaitable[Any]]:
    return CALLS[request.param]


def waiting() -> tuple[Plain, Watch]:
    async def answer(text: str) -> str:
        await anyio.sleep_forever()
        raise AssertionError

    model = Plain(answer=answer)
    return model, model._watch


async def test_call_that_ends(call: Any) -> None:
    before = tasks()
    model = Plain()
    await call(model)
    await all_clean(before, model._watch)


async def test_call_whose_hook_fails(call: Any) -> None:
    async def answer(text: str) -> str:
        if text != "0":
            await anyio.sleep_forever()
        raise BrokenError

    before = tasks()
    model = Plain(answer=answer)
    with pytest.raises(BrokenError):
        await call(model)
    assert model._watch.active == 0, "siblings have stopped by then"
    await all_clean(before, model._watch)


async def test_call_in_a_cancelled_scope(call: Any) -> None:
    before = tasks()
    model, watch = waiting()
    async with anyio.create_task_group() as group:
        group.start_soon(call, model)
        await watch.until(lambda: watch.begun > 0)
        await some_steps()
        group.cancel_scope.cancel()
    assert watch.active == 0, "cancelled means stopped"
    await all_clean(before, watch)


async def test_call_that_outlasts_its_time(call: Any) -> None:
    before = tasks()
    model, watch = waiting()
    with pytest.raises(TimeoutError), anyio.fail_after(0.05):
        await call(model)
    await all_clean(before, watch)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_call_in_a_natively_cancelled_task(call: Any) -> None:
    before = tasks()
    model, watch = waiting()
    task = asyncio.ensure_future(call(model))
    await watch.until(lambda: watch.begun > 0)
    await some_steps()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert watch.active == 0, "cancelled means stopped"
    await all_clean(before, watch)


async def test_streaming_chain_called_whole_and_cancelled(chain: Built) -> None:
    before = tasks()
    runnable, watch = chain("wait")
    async with anyio.create_task_group() as group:
        group.start_soon(runnable.ainvoke, "hi")
        await watch.until(lambda: watch.begun > 0)
        await some_steps()
        group.cancel_scope.cancel()
    await all_clean(before, watch)


async def test_streaming_chain_called_whole_that_fails(chain: Built) -> None:
    before = tasks()
    runnable, watch = chain("break")
    with pytest.raises((BrokenError, StreamInterrupted)):
        await runnable.ainvoke("hi")
    await all_clean(before, watch)


# ---------------------------------------------------------------------------------------------- sync steps in threads


def in_a_thread(chunks: Any) -> Any:
    yield from chunks


async def test_stream_through_a_sync_generator_left_early(read: Any) -> None:
    before = tasks()
    model = Streaming(chunks=two_then_wait)
    await read(model | in_a_thread, stop_here)
    await all_clean(before, model._watch)


async def test_stream_through_a_sync_generator_cancelled_while_it_waits() -> None:
    before = tasks()
    model = Streaming(chunks=two_then_wait)
    watch = model._watch
    seen: list[object] = []

    async def count() -> bool:
        seen.append(1)
        watch.tell()
        return False

    with anyio.fail_after(3):
        async with anyio.create_task_group() as group:
            group.start_soon(read_within, model | in_a_thread, count)
            await watch.until(lambda: len(seen) == 2)
            group.cancel_scope.cancel()
    await all_clean(before, watch)


async def test_hook_that_cleans_up_for_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("chatcore.engine.stream", "chatcore.model"):
        monkeypatch.setattr(f"{module}.CLOSING_SECONDS", 0.05)

    async def stubborn(text: str) -> AsyncIterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await anyio.sleep_forever()

    before = tasks()
    model = Streaming(chunks=stubborn)
    with anyio.fail_after(1):
        await read_within(model, stop_here)
    await all_clean(before, model._watch)
