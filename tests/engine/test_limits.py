"""Rate limits. What takes time runs on trio's virtual clock, where it takes exactly so long."""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiolimiter
import anyio
import anyio.lowlevel
import pytest
import trio
from trio.testing import MockClock

from chatcore.engine import limits
from chatcore.engine.limits import BaseRateLimiter, InMemoryRateLimiter, Lease, TokenBucket, admit, check_limiter
from chatcore.errors import ConfigurationError, RateLimited
from chatcore.messages import AIMessage
from tests.engine.models import Plain, Streaming, letters
from tests.engine.quiet import some_steps


async def times(bucket: Any, count: int, **kwargs: Any) -> list[float]:
    """When each of so many calls that ask at once may go out, in seconds from now, in the order in which they asked."""
    began = anyio.current_time()
    passed = [0.0] * count

    async def one(index: int) -> None:
        await bucket.aacquire(**kwargs)
        passed[index] = anyio.current_time() - began

    async with anyio.create_task_group() as group:
        for index in range(count):
            group.start_soon(one, index)
            # Trio starts tasks in any order.
            await some_steps()
    return passed


# ---------------------------------------------------------------------------------------------------------- rates


@pytest.mark.trio
async def test_requests_take_exactly_as_long_as_the_rate_says(autojump_clock: object) -> None:
    # One at once (a burst of one second at 1/s), then one a second.
    assert await times(TokenBucket(requests_per_minute=60), 5) == pytest.approx([0, 1, 2, 3, 4])


@pytest.mark.trio
async def test_burst_goes_out_at_once_and_then_the_rate_holds(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=120, burst=2)
    assert await times(bucket, 8) == pytest.approx([0, 0, 0, 0, 0.5, 1, 1.5, 2])
    await trio.sleep(0.75)
    assert await times(bucket, 3) == pytest.approx([0, 0.25, 0.75])
    await trio.sleep(1000)
    assert await times(bucket, 6) == pytest.approx([0, 0, 0, 0, 0.5, 1]), "a long rest saves up no more than the burst"


@pytest.mark.trio
async def test_slow_rate_lets_the_first_request_out_at_once(autojump_clock: object) -> None:
    assert await times(TokenBucket(requests_per_minute=1), 3) == pytest.approx([0, 60, 120])


@pytest.mark.trio
async def test_many_requests_take_exactly_as_long_as_the_rate_says(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=6000)
    began = trio.current_time()
    for _ in range(1100):
        await bucket.aacquire()
    assert trio.current_time() - began == pytest.approx(10)


@pytest.mark.trio
async def test_tokens_take_exactly_as_long_as_the_rate_says(autojump_clock: object) -> None:
    assert await times(TokenBucket(tokens_per_minute=6000), 4, tokens=50) == pytest.approx([0, 0, 0.5, 1])


@pytest.mark.trio
async def test_more_tokens_than_the_burst_go_into_debt_that_the_next_one_waits_for(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    assert await times(bucket, 1, tokens=500) == [0]
    assert await times(bucket, 1, tokens=50) == pytest.approx([4.5])


@pytest.mark.trio
async def test_both_rates_hold(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=60, tokens_per_minute=6000)
    assert await times(bucket, 3, tokens=10) == pytest.approx([0, 1, 2]), "the requests are scarce"
    await trio.sleep(100)
    assert await times(bucket, 3, tokens=300) == pytest.approx([0, 3, 6]), "the tokens are"


@pytest.mark.trio
async def test_settling_gives_back_and_charges(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    await bucket.aacquire(tokens=100)
    bucket.settle(100, 20)
    assert await times(bucket, 1, tokens=80) == [0]
    bucket.settle(80, 180)
    assert await times(bucket, 1, tokens=100) == pytest.approx([2])


@pytest.mark.trio
async def test_settling_saves_up_no_more_than_the_burst(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    await bucket.aacquire(tokens=100)
    bucket.settle(100, 0)
    bucket.settle(100, 0)
    assert await times(bucket, 2, tokens=100) == pytest.approx([0, 1])


@pytest.mark.trio
async def test_what_is_given_back_lets_the_next_one_out_at_once(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    await bucket.aacquire(tokens=5000)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bucket.aacquire(tokens=100))
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1)
        bucket.settle(5000, 100)
    assert trio.current_time() - began == pytest.approx(1)


@pytest.mark.trio
async def test_calls_go_out_in_the_order_in_which_they_asked(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    order: list[int] = []

    async def one(number: int, tokens: float) -> None:
        await bucket.aacquire(tokens=tokens)
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number, tokens in enumerate([100, 90, 1, 1, 80, 1]):
            nursery.start_soon(one, number, tokens)
            await some_steps()
    assert order == [0, 1, 2, 3, 4, 5], "small ones do not overtake a large one"


@pytest.mark.trio
async def test_whoever_comes_when_a_turn_has_come_does_not_overtake_the_line(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=60)
    order: list[str] = []

    async def one(name: str) -> None:
        await bucket.aacquire()
        order.append(name)

    async with trio.open_nursery() as nursery:
        for name in "abc":
            nursery.start_soon(one, name)
            await some_steps()
        await trio.sleep(1)
        nursery.start_soon(one, "late")
    assert order == ["a", "b", "c", "late"]


@pytest.mark.trio
async def test_waiters_sleep_once_each(autojump_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    take = TokenBucket._take

    def counted(self: TokenBucket, line: Any, tokens: float) -> float:
        nonlocal looks
        looks += 1
        return take(self, line, tokens)

    monkeypatch.setattr(TokenBucket, "_take", counted)
    await times(TokenBucket(requests_per_minute=60), 10)
    assert looks <= 2 * 10, "each looks when its turn begins, and when its sleep is over"


@pytest.mark.trio
async def test_not_blocking(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=60)
    assert await bucket.aacquire(blocking=False) is True
    assert await bucket.aacquire(blocking=False) is False
    await trio.sleep(1)
    assert await bucket.aacquire() is True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bucket.aacquire)
        await trio.testing.wait_all_tasks_blocked()
        assert await bucket.aacquire(blocking=False) is False, "others wait"


@pytest.mark.trio
async def test_cancelled_waiter_leaves_nothing_behind(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=60, tokens_per_minute=6000)
    await bucket.aacquire(tokens=100)
    for seconds in (0.25, 0.5):
        with trio.move_on_after(seconds) as scope:
            await bucket.aacquire(tokens=100)
        assert scope.cancelled_caught
    # 0.75 s of the first wait have gone by, and nobody took anything.
    assert await times(bucket, 2, tokens=100) == pytest.approx([0.25, 1.25])


@pytest.mark.trio
async def test_cancelled_head_of_the_line_makes_way(autojump_clock: object) -> None:
    bucket = TokenBucket(tokens_per_minute=6000)
    await bucket.aacquire(tokens=100)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def greedy() -> None:
            with scope:
                await bucket.aacquire(tokens=1000)

        nursery.start_soon(greedy)
        await some_steps()
        nursery.start_soon(lambda: bucket.aacquire(tokens=10))
        await some_steps()
        await trio.sleep(0.01)
        scope.cancel()
    assert trio.current_time() - began == pytest.approx(0.1)


@pytest.mark.trio
async def test_pause_holds_everybody(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=60)
    began = trio.current_time()
    passed: list[float] = []

    async def one() -> None:
        await bucket.aacquire()
        passed.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one)
        await trio.sleep(0.5)
        bucket.pause(10)
        bucket.pause(2)
    assert passed == pytest.approx([0, 10.5, 11.5]), "the longer pause holds, also for one that sleeps already"


@pytest.mark.anyio
async def test_rates_hold_in_real_time_on_both_backends() -> None:
    bucket = TokenBucket(requests_per_minute=60 * 200, burst=0.01)
    began = time.monotonic()
    await times(bucket, 10)
    passed = time.monotonic() - began
    assert 8 / 200 <= passed < 1


@pytest.mark.anyio
async def test_without_a_rate_no_turn_is_waited_for() -> None:
    bucket = TokenBucket(max_concurrency=1)
    with anyio.fail_after(5):
        for _ in range(1000):
            assert await bucket.aacquire(tokens=1e9)


# ----------------------------------------------------------------------------------------- shared by loops and threads


def test_shared_by_two_loops_in_two_threads() -> None:
    bucket = TokenBucket(requests_per_minute=60 * 100, burst=0.01)
    taken: list[str] = []
    both = threading.Barrier(2)

    def run(backend: str) -> None:
        async def take() -> None:
            both.wait(5)
            for _ in range(10):
                await bucket.aacquire()
                taken.append(backend)

        anyio.run(take, backend=backend)

    began = time.monotonic()
    threads = [threading.Thread(target=run, args=(backend,)) for backend in ("asyncio", "trio")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    # 20 in all, one at once: each loop by itself would need half as long.
    assert time.monotonic() - began >= 0.18
    assert sorted(taken) == ["asyncio"] * 10 + ["trio"] * 10


def test_used_in_one_loop_after_another_keeps_its_level(anyio_backend: str) -> None:
    bucket = TokenBucket(requests_per_minute=1)
    assert anyio.run(bucket.aacquire, backend=anyio_backend)

    async def again() -> bool:
        return await bucket.aacquire(blocking=False)

    assert anyio.run(again, backend=anyio_backend) is False
    assert bucket.acquire(blocking=False) is False, "nor in the portal's loop"
    gc.collect()
    assert len(bucket._lines) == 1, "loops that have ended are forgotten; the portal's goes on"


def test_clocks_of_different_loops_are_reconciled() -> None:
    bucket = TokenBucket(requests_per_minute=60)

    async def two() -> float:
        began = trio.current_time()
        await bucket.aacquire()
        await bucket.aacquire()
        return trio.current_time() - began

    # Virtual clocks with far different origins: from each to the next no real time passes.
    assert trio.run(two, clock=MockClock(autojump_threshold=0)) == pytest.approx(1)
    assert trio.run(two, clock=MockClock(autojump_threshold=0)) == pytest.approx(2, abs=0.2)


def test_time_between_two_loops_counts(monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> None:
    now = 1000.0
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: now))
    bucket = TokenBucket(requests_per_minute=1)

    async def take() -> bool:
        return await bucket.aacquire(blocking=False)

    assert anyio.run(take, backend=anyio_backend)
    now += 59
    assert not anyio.run(take, backend=anyio_backend)
    now += 2
    assert anyio.run(take, backend=anyio_backend)


def test_acquire_is_the_sync_form() -> None:
    bucket = TokenBucket(requests_per_minute=60)
    assert bucket.acquire() is True
    assert bucket.acquire(blocking=False) is False


# ---------------------------------------------------------------------------------------- calls of a model under limits


@pytest.mark.trio
async def test_each_attempt_of_a_call_takes_one_turn(autojump_clock: object) -> None:
    errors = [ValueError(), ValueError()]

    async def answer(text: str) -> str:
        if errors:
            raise errors.pop()
        return text

    model = Plain(answer=answer, rate_limiter=TokenBucket(requests_per_minute=60))
    began = trio.current_time()
    await model.with_retry(wait_exponential_jitter=False).ainvoke("x")
    # The policy is outside the limiter only where it is the model's own; here the decorated call asks again as well.
    assert trio.current_time() - began == pytest.approx(2)


@pytest.mark.trio
async def test_a_batch_goes_out_at_the_rate(autojump_clock: object) -> None:
    model = Plain(rate_limiter=TokenBucket(requests_per_minute=60))
    began = trio.current_time()
    await model.abatch(["a"] * 11)
    assert trio.current_time() - began == pytest.approx(10)


def used(total: int) -> AIMessage:
    return AIMessage(content="x", usage_metadata={"input_tokens": 0, "output_tokens": total, "total_tokens": total})


class Sized(Plain):
    """A model whose answers may be so long."""

    max_tokens: int = 0


@pytest.mark.trio
async def test_tokens_are_estimated_and_settled_by_the_usage_that_came_back(autojump_clock: object) -> None:
    async def answer(text: str) -> AIMessage:
        return used(200)

    bucket = TokenBucket(tokens_per_minute=6000)
    model = Sized(answer=answer, rate_limiter=bucket, max_tokens=92)
    began = trio.current_time()
    # 16 / 4 + 4 for the prompt and 92 for the answer: 100, which the bucket has; the answer then took 200.
    await model.ainvoke("sixteen letters!")
    assert trio.current_time() == began
    await model.ainvoke("sixteen letters!")
    assert trio.current_time() - began == pytest.approx(2)


@pytest.mark.trio
async def test_without_usage_the_estimate_stands(autojump_clock: object) -> None:
    model = Sized(rate_limiter=TokenBucket(tokens_per_minute=6000), max_tokens=92)
    began = trio.current_time()
    await model.ainvoke("sixteen letters!")
    await model.ainvoke("sixteen letters!")
    assert trio.current_time() - began == pytest.approx(1)
    # The call's own setting goes before the model's.
    await model.ainvoke("sixteen letters!", max_tokens=42)
    assert trio.current_time() - began == pytest.approx(1.5)


@pytest.mark.trio
async def test_retry_after_pauses_everybody_who_shares_the_limiter(autojump_clock: object) -> None:
    async def refuse(text: str) -> str:
        raise RateLimited("429", retry_after=30)

    bucket = TokenBucket(requests_per_minute=6000)
    with pytest.raises(RateLimited):
        await Plain(answer=refuse, rate_limiter=bucket).ainvoke("x")
    began = trio.current_time()
    await Plain(rate_limiter=bucket).ainvoke("x")
    assert trio.current_time() - began == pytest.approx(30)


# --------------------------------------------------------------------------------------------------------- concurrency


@pytest.mark.anyio
async def test_max_concurrency_bounds_the_calls_under_way() -> None:
    async def answer(text: str) -> str:
        await some_steps()
        return text

    bucket = TokenBucket(max_concurrency=3)
    model = Plain(answer=answer, rate_limiter=bucket)
    await model.abatch(["x"] * 20)
    assert model._watch.peak == 3


async def succeed(model: Streaming) -> None:
    await model.ainvoke("abc")


async def fail(model: Streaming) -> None:
    with pytest.raises(ValueError, match="bad"):
        await model.ainvoke("bad")


async def stream(model: Streaming) -> None:
    async for _ in model.astream("abc"):
        pass


async def break_off(model: Streaming) -> None:
    async for _ in model.astream("abc"):
        break
    await some_steps()


async def close(model: Streaming) -> None:
    async with model.astream("abc") as chunks:
        await anext(chunks)


async def cancel(model: Streaming) -> None:
    with anyio.CancelScope() as scope:
        async for _ in model.astream("abc"):
            scope.cancel()


async def cancel_while_it_waits_for_its_turn(model: Streaming) -> None:
    model.rate_limiter.pause(1000)
    with anyio.move_on_after(0.01) as scope:
        await model.ainvoke("abc")
    assert scope.cancelled_caught
    model.rate_limiter._paused_until = 0


@pytest.mark.anyio
@pytest.mark.parametrize("leave", [succeed, fail, stream, break_off, close, cancel, cancel_while_it_waits_for_its_turn])
async def test_slot_is_given_back_however_a_call_is_left(leave: Callable[[Streaming], Any]) -> None:
    async def chunks(text: str) -> Any:
        if text == "bad":
            raise ValueError(text)
        for letter in text:
            await anyio.lowlevel.checkpoint()
            yield letter

    model = Streaming(chunks=chunks, rate_limiter=TokenBucket(max_concurrency=1))
    for _ in range(2):
        with anyio.fail_after(5):
            await leave(model)
    slots = model.rate_limiter.slots()
    assert slots is not None
    assert slots.value == 1


@pytest.mark.anyio
async def test_stream_holds_its_slot_until_it_is_closed() -> None:
    model = Streaming(chunks=letters, rate_limiter=TokenBucket(max_concurrency=1))
    async with model.astream("abc") as chunks:
        await anext(chunks)
        with anyio.move_on_after(0.02) as scope:
            await model.ainvoke("x")
        assert scope.cancelled_caught
    with anyio.fail_after(5):
        await model.ainvoke("x")


# ----------------------------------------------------------------------------------------- the reference's limiter


@pytest.mark.trio
async def test_in_memory_limiter_begins_empty_and_keeps_its_rate(autojump_clock: object) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=2, check_every_n_seconds=0.1, max_bucket_size=3)
    assert await limiter.aacquire(blocking=False) is False
    assert await times(limiter, 3) == pytest.approx([0.5, 1, 1.5])
    await trio.sleep(100)
    assert await times(limiter, 5) == pytest.approx([0, 0, 0, 0.5, 1])


@pytest.mark.anyio
async def test_in_memory_limiter_tells_what_is_in_its_bucket() -> None:
    limiter = InMemoryRateLimiter(requests_per_second=2, max_bucket_size=3)
    assert (limiter.available_tokens, limiter.last) == (0, None)
    assert not await limiter.aacquire(blocking=False)
    # As if it had rested for ten seconds: it holds no more than three.
    limiter.last = time.monotonic() - 10
    assert await limiter.aacquire(blocking=False)
    assert limiter.available_tokens == 2
    assert limiter.last == pytest.approx(time.monotonic(), abs=1)


@pytest.mark.trio
async def test_in_memory_limiter_looks_every_so_often(autojump_clock: object) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=2, check_every_n_seconds=0.3)
    assert await times(limiter, 2) == pytest.approx([0.6, 1.2])


@pytest.mark.trio
async def test_in_memory_limiter_with_a_bucket_too_small_for_one_request_works(autojump_clock: object) -> None:
    assert await times(InMemoryRateLimiter(requests_per_second=1, max_bucket_size=0.5), 2) == pytest.approx([1, 2])


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_memory_limiter_takes_as_long_as_the_references() -> None:
    reference = pytest.importorskip("langchain_core.rate_limiters")
    settings: dict[str, Any] = {"requests_per_second": 50, "check_every_n_seconds": 0.01, "max_bucket_size": 2}
    passed = []
    for limiter in (InMemoryRateLimiter(**settings), reference.InMemoryRateLimiter(**settings)):
        began = time.monotonic()
        for _ in range(5):
            await limiter.aacquire()
        passed.append(time.monotonic() - began)
    assert passed[0] == pytest.approx(passed[1], abs=0.06)


# ----------------------------------------------------------------------------------------- other people's limiters


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_aiolimiter_on_asyncio() -> None:
    model = Plain(rate_limiter=aiolimiter.AsyncLimiter(2, 0.1))
    began = time.monotonic()
    await model.abatch(["x"] * 5)
    assert time.monotonic() - began >= 0.14


@pytest.mark.trio
async def test_aiolimiter_on_trio_is_a_clear_error() -> None:
    model = Plain(rate_limiter=aiolimiter.AsyncLimiter(2, 0.1))
    with pytest.raises(ConfigurationError, match=r"AsyncLimiter, which runs on asyncio only.*TokenBucket"):
        await model.ainvoke("x")
    assert model._watch.begun == 0


@pytest.mark.anyio
async def test_any_object_with_aacquire() -> None:
    class Counter:
        count = 0

        async def aacquire(self, *, blocking: bool = True) -> bool:
            assert blocking
            self.count += 1
            return True

    counter = Counter()
    assert isinstance(counter, BaseRateLimiter)
    model = Plain(rate_limiter=counter)
    await model.abatch(["x"] * 5)
    assert counter.count == 5


@pytest.mark.anyio
async def test_lease_of_a_limiter_that_counts_nothing() -> None:
    class Free:
        async def aacquire(self, *, blocking: bool = True) -> bool:
            return True

    lease = await admit(Free(), 5)
    assert isinstance(lease, Lease)
    lease.settle(3)
    lease.release()


@pytest.mark.parametrize("wrong", [5, "10/s", object(), threading.Semaphore()], ids=lambda value: type(value).__name__)
def test_what_is_no_limiter_is_refused_where_it_is_given(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"rate_limiter must be.*not {type(wrong).__name__}"):
        check_limiter(wrong)
    with pytest.raises(ValueError, match="rate_limiter must be"):
        Plain(rate_limiter=wrong)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, "60", True], ids=repr)
@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "burst", "max_concurrency"])
def test_bucket_with_a_wrong_number(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a positive"):
        TokenBucket(**{name: wrong})


@pytest.mark.parametrize("settings", [{}, {"burst": 2.0}], ids=["nothing", "burst alone"])
def test_a_bucket_that_bounds_nothing_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_minute, tokens_per_minute or max_concurrency"):
        TokenBucket(**settings)  # type: ignore[arg-type]


def test_max_concurrency_is_a_whole_number() -> None:
    with pytest.raises(ConfigurationError, match=r"max_concurrency must be a positive whole number, not 1\.5"):
        TokenBucket(max_concurrency=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["requests_per_second", "check_every_n_seconds", "max_bucket_size"])
@pytest.mark.parametrize("wrong", [0, -1, math.nan, "60"], ids=repr)
def test_in_memory_limiter_with_a_wrong_number(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a positive"):
        InMemoryRateLimiter(**{name: wrong})


def test_repr_says_what_is_bounded() -> None:
    bucket = TokenBucket(requests_per_minute=60, tokens_per_minute=1000.5, max_concurrency=3)
    assert repr(bucket) == "TokenBucket(requests_per_minute=60, tokens_per_minute=1000.5, max_concurrency=3)"
