"""However a call is left, its connection is free and no task of it runs, within 100 ms, as the server sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from chatcore import ChatOpenAI, DeadlineExceededError, ServerError, StreamInterrupted
from chatcore.testing import Fault, Latency, Reply, SimulatedRequest, Simulator

pytestmark = pytest.mark.anyio

FREED_WITHIN = 0.1
SLOW = Latency(tokens_per_second=50)
LONG = Reply("word " * 2000)


class LeftError(Exception):
    """What a caller's own block raises."""


async def freed(sim: Simulator, left_at: float) -> None:
    """The server has no request in flight any more, and heard of it in time; no task of ours is left."""
    # What is open is idle: a request that was cut off has taken its connection with it.
    await sim.wait_for(
        lambda stats: (
            stats.requests_in_flight == 0
            and stats.connections_open <= stats.requests_finished + stats.statuses[500] + stats.statuses[400]
        )
    )
    heard = time.monotonic() - left_at
    assert heard < FREED_WITHIN, f"it took {heard * 1e3:.0f} ms"
    ours = [
        task for task in anyio.get_running_tasks() if "chatcore" in repr(task.coro) and "testing" not in repr(task.coro)
    ]
    deadline = left_at + FREED_WITHIN
    while ours and time.monotonic() < deadline:
        await anyio.lowlevel.checkpoint()
        ours = [task for task in ours if task in anyio.get_running_tasks()]
    assert not ours


@asynccontextmanager
async def slow_provider() -> AsyncIterator[tuple[Simulator, ChatOpenAI]]:
    """A provider in the middle of whose answers a caller can leave."""
    async with Simulator(script=lambda _: LONG, latency=SLOW) as sim:
        yield sim, ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)


# ---------------------------------------------------------------------------------------- a verb, and its exits

Verb = Callable[[ChatOpenAI], Awaitable[None]]


async def astream(model: ChatOpenAI) -> None:
    async with model.astream("hi") as chunks:
        async for _ in chunks:
            pass


async def bare_astream(model: ChatOpenAI) -> None:
    async for _ in model.astream("hi"):
        pass


async def ainvoke(model: ChatOpenAI) -> None:
    await model.ainvoke("hi")


async def abatch(model: ChatOpenAI) -> None:
    await model.abatch(["hi"] * 8)


async def as_completed(model: ChatOpenAI) -> None:
    async with model.abatch_as_completed(["hi"] * 8) as results:
        async for _ in results:
            pass


async def bare_as_completed(model: ChatOpenAI) -> None:
    async for _ in model.abatch_as_completed(["hi"] * 8):
        pass


VERBS: list[Verb] = [astream, bare_astream, ainvoke, abatch, as_completed, bare_as_completed]
each_verb = pytest.mark.parametrize("verb", VERBS, ids=[verb.__name__ for verb in VERBS])


async def begun(sim: Simulator) -> None:
    """All requests that will come are being answered."""
    await sim.wait_for(
        lambda stats: stats.requests_in_flight in {1, 8} and stats.requests_in_flight == stats.requests_total
    )


@each_verb
async def test_cancelled_by_a_scope(verb: Verb) -> None:
    async with slow_provider() as (sim, model), anyio.create_task_group() as group:
        group.start_soon(verb, model)
        await begun(sim)
        left = time.monotonic()
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await freed(sim, left)


@each_verb
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelled_natively(verb: Verb) -> None:
    async with slow_provider() as (sim, model):
        task = asyncio.ensure_future(verb(model))
        await begun(sim)
        left = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await freed(sim, left)


@each_verb
async def test_out_of_time(verb: Verb) -> None:
    async with slow_provider() as (sim, model):
        hasty = model.model_copy(update={"timeout": 0.3})
        with pytest.raises(DeadlineExceededError):
            await verb(hasty)
        left = time.monotonic()
        assert sim.stats.requests_total > 0
        await freed(sim, left)


@each_verb
async def test_refused(verb: Verb) -> None:
    async with Simulator(script=lambda _: Fault.http(500)) as sim:
        model = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)
        with pytest.raises(ServerError):
            await verb(model)
        await freed(sim, time.monotonic())


@each_verb
async def test_to_the_end(verb: Verb) -> None:
    async with Simulator() as sim:
        model = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)
        await verb(model)
        left = time.monotonic()
        await freed(sim, left)
        assert sim.stats.requests_cut_off == 0
        # To be used again: nothing was left early.
        connections = sim.stats.connections_total
        await model.ainvoke("again")
        assert sim.stats.connections_total == connections


# ---------------------------------------------------------------------------------- leaving a stream by itself


async def test_stream_left_by_break() -> None:
    async with slow_provider() as (sim, model):
        async with model.astream("hi") as chunks:
            async for _ in chunks:
                break
        await freed(sim, time.monotonic())
        assert sim.stats.requests_cut_off == 1


async def test_bare_stream_left_by_break() -> None:
    async with slow_provider() as (sim, model):
        async for _ in model.astream("hi"):
            break
        await freed(sim, time.monotonic())
        assert sim.stats.requests_cut_off == 1


async def test_stream_closed() -> None:
    async with slow_provider() as (sim, model):
        chunks = model.astream("hi")
        await anext(chunks)
        await chunks.aclose()
        await freed(sim, time.monotonic())
        assert sim.stats.requests_cut_off == 1


async def test_stream_left_by_an_error_of_the_caller() -> None:
    async with slow_provider() as (sim, model):
        with pytest.raises(LeftError):
            async with model.astream("hi") as chunks:
                async for _ in chunks:
                    raise LeftError
        await freed(sim, time.monotonic())


async def test_stream_that_breaks_off_keeps_what_came() -> None:
    async with Simulator(script=lambda _: Fault.cut(after_chunks=3, reply=Reply("one two three four five"))) as sim:
        model = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)
        with pytest.raises(StreamInterrupted) as caught:
            async for _ in model.astream("hi"):
                pass
        assert caught.value.partial.text
        await freed(sim, time.monotonic())


# ----------------------------------------------------------------------------------- leaving a batch by itself


@asynccontextmanager
async def one_quick_provider() -> AsyncIterator[tuple[Simulator, ChatOpenAI]]:
    """One prompt is answered at once, all others slowly."""

    def answer(request: SimulatedRequest) -> Reply:
        return Reply("quick") if "quick" in request.prompt else LONG

    async with Simulator(script=answer, latency=SLOW) as sim:
        yield sim, ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)


PROMPTS = ["slow"] * 7 + ["quick"] + ["slow"] * 100


async def test_batch_left_by_break() -> None:
    async with one_quick_provider() as (sim, model):
        async with model.abatch_as_completed(PROMPTS, {"max_concurrency": 8}) as results:
            async for index, _ in results:
                assert index == 7
                break
        await freed(sim, time.monotonic())
        assert sim.stats.requests_total <= 9


async def test_bare_batch_left_by_break() -> None:
    async with one_quick_provider() as (sim, model):
        async for index, _ in model.abatch_as_completed(PROMPTS, {"max_concurrency": 8}):
            assert index == 7
            break
        await freed(sim, time.monotonic())
        assert sim.stats.requests_total <= 9


async def test_batch_left_by_an_error_of_the_caller() -> None:
    async with one_quick_provider() as (sim, model):
        with pytest.raises(LeftError):
            async with model.abatch_as_completed(PROMPTS, {"max_concurrency": 8}) as results:
                async for _ in results:
                    raise LeftError
        await freed(sim, time.monotonic())


async def test_batch_closed() -> None:
    async with one_quick_provider() as (sim, model):
        results = model.abatch_as_completed(PROMPTS, {"max_concurrency": 8})
        await anext(results)
        await results.aclose()
        await freed(sim, time.monotonic())


async def test_failing_item_stops_its_siblings() -> None:
    def answer(request: SimulatedRequest) -> Reply | Fault:
        return Fault.http(400) if "bad" in request.prompt else LONG

    async with Simulator(script=answer, latency=SLOW) as sim:
        model = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", max_retries=0)
        with pytest.raises(Exception, match="400"):
            await model.abatch(["slow"] * 7 + ["bad"] + ["slow"] * 100, {"max_concurrency": 8})
        await freed(sim, time.monotonic())
        assert sim.stats.requests_total <= 9
