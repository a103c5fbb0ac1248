"""Batches: how inputs are read, in which order results come, and how failures end them."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from chatcore.engine.batch import DEFAULT_CONCURRENCY, collapse, completed, run_workers
from chatcore.errors import ChatCoreError, InvalidInputError
from chatcore.runnables import RunnableLambda
from tests.engine.models import Plain, read_into
from tests.engine.quiet import quiet, some_steps, tasks

pytestmark = pytest.mark.anyio

BUFFER = 16
"""How many results wait for a slow reader."""


class Source:
    """Inputs that count how many of them were read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.read = 0
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        while self.read < self.length:
            self.read += 1
            yield f"{self.read - 1}"

    async def later(self) -> AsyncIterator[str]:
        try:
            for text in self:
                await anyio.lowlevel.checkpoint()
                yield text
        finally:
            self.closed = True


# ---------------------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_inputs_are_read_as_calls_go_out(asynchronous: bool) -> None:
    source = Source(1000)
    inputs = source.later() if asynchronous else iter(source)
    async with Plain().abatch_as_completed(inputs, {"max_concurrency": 3}) as results:
        await anext(results)
        await some_steps()
        for _ in range(500):
            await anyio.lowlevel.checkpoint()
        # 1 has been taken, as many wait as the buffer holds, and each worker has one more in its hands.
        assert source.read == 1 + BUFFER + 3
    assert source.closed is asynchronous, "an async generator is closed, not left to the garbage collector"


async def test_async_iterable_that_is_no_generator() -> None:
    class Numbers:
        def __init__(self) -> None:
            self.next = 0

        def __aiter__(self) -> Numbers:
            return self

        async def __anext__(self) -> str:
            if self.next == 5:
                raise StopAsyncIteration
            self.next += 1
            return f"{self.next}"

    messages = await Plain().abatch(Numbers())
    assert [message.text for message in messages] == ["1", "2", "3", "4", "5"]


async def test_async_generator_is_never_asked_twice_at_once() -> None:
    asked = 0

    async def slow() -> AsyncIterator[str]:
        nonlocal asked
        for number in range(20):
            asked += 1
            assert asked == 1
            await some_steps()
            asked -= 1
            yield f"{number}"

    messages = await Plain().abatch(slow(), {"max_concurrency": 7})
    assert [message.text for message in messages] == [f"{number}" for number in range(20)]


class BrokenInputsError(Exception):
    """What the inputs of these tests raise."""


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_inputs_that_raise_stop_everything(asynchronous: bool) -> None:
    def now() -> Iterator[str]:
        yield "0"
        yield "1"
        raise BrokenInputsError

    async def later() -> AsyncIterator[str]:
        for text in now():
            yield text

    async def never(text: str) -> str:
        await anyio.sleep_forever()
        raise AssertionError

    model = Plain(answer=never)
    before = tasks()
    with pytest.raises(BrokenInputsError):
        await model.abatch(later() if asynchronous else now())
    assert model._watch.active == 0
    # Even where failing calls are results, a source that fails is an error.
    with pytest.raises(BrokenInputsError):
        await read_into([], model.abatch_as_completed(later() if asynchronous else now(), return_exceptions=True))
    await quiet(before, lambda: model._watch.active == 0)


@pytest.mark.parametrize("inputs", ["hello", b"hello", {"a": 1}, 5, None], ids=lambda value: type(value).__name__)
async def test_single_input_by_mistake_is_refused(inputs: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"not a single {type(inputs).__name__}"):
        await Plain().abatch(inputs)
    with pytest.raises(InvalidInputError, match=f"not a single {type(inputs).__name__}"):
        Plain().abatch_as_completed(inputs)


async def test_no_inputs() -> None:
    assert await Plain().abatch([]) == []
    assert [pair async for pair in Plain().abatch_as_completed(iter(()))] == []
    async with Plain().abatch_as_completed([]) as results:
        assert [pair async for pair in results] == []


async def test_bad_input_among_good_ones_is_an_error_of_its_own() -> None:
    results = await Plain().abatch(["a", 5, "c"], return_exceptions=True)  # type: ignore[list-item]
    assert [getattr(result, "text", None) for result in results] == ["a", None, "c"]
    assert isinstance(results[1], InvalidInputError)


# ---------------------------------------------------------------------------------------------------- concurrency


async def peak(runnable: Any, model: Plain, count: int, config: Any = None) -> int:
    await runnable.abatch([f"{number}" for number in range(count)], config)
    return model._watch.peak


async def slowly(text: str) -> str:
    await some_steps()
    return text


async def test_max_concurrency_is_reached_and_not_passed() -> None:
    model = Plain(answer=slowly)
    assert await peak(model, model, 30, {"max_concurrency": 4}) == 4


async def test_max_concurrency_of_the_first_of_several_configs() -> None:
    model = Plain(answer=slowly)
    assert await peak(model, model, 30, [{"max_concurrency": 3}, *[{"max_concurrency": 9}] * 29]) == 3


async def test_default_concurrency() -> None:
    async def together(text: str) -> str:
        await model._watch.until(lambda: model._watch.begun >= DEFAULT_CONCURRENCY)
        await some_steps()
        return text

    model = Plain(answer=together)
    await model.abatch(Source(3 * DEFAULT_CONCURRENCY))
    assert model._watch.peak == DEFAULT_CONCURRENCY


async def test_max_concurrency_from_with_config() -> None:
    model = Plain(answer=slowly)
    assert await peak(model.with_config(max_concurrency=2).with_retry(), model, 30) == 2


async def test_a_later_with_config_wins_and_the_call_wins_over_all() -> None:
    model = Plain(answer=slowly)
    decorated = model.with_config(max_concurrency=5).bind(x=1).with_config({"max_concurrency": 3})
    assert await peak(decorated, model, 30) == 3
    model._watch.peak = 0
    assert await peak(decorated, model, 30, {"max_concurrency": 7}) == 7


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True])
async def test_max_concurrency_that_is_none(limit: Any) -> None:
    with pytest.raises(InvalidInputError, match="max_concurrency"):
        await Plain().abatch(["a"], {"max_concurrency": limit})
    with pytest.raises(InvalidInputError, match="max_concurrency"):
        Plain().with_config(max_concurrency=limit)


async def test_no_more_workers_than_work() -> None:
    before = len(tasks())
    most = 0

    async def count(text: str) -> str:
        nonlocal most
        await some_steps()
        most = max(most, len(tasks()) - before)
        return text

    await Plain(answer=count).abatch(["a", "b"], {"max_concurrency": 50})
    # One that finds nothing more to do.
    assert most <= 3


# -------------------------------------------------------------------------------------------------------- configs


async def test_a_config_for_each_input() -> None:
    tags = RunnableLambda(lambda text, config: (text, config["tags"]))
    configs: list[Any] = [{"tags": ["x"]}, {"tags": ["y"]}]
    assert await tags.abatch(["a", "b"], configs) == [("a", ["x"]), ("b", ["y"])]
    assert sorted([pair async for pair in tags.abatch_as_completed(["a", "b"], configs)]) == [
        (0, ("a", ["x"])),
        (1, ("b", ["y"])),
    ]


@pytest.mark.parametrize("configs", [[], [{}], [{}, {}, {}]], ids=len)
async def test_number_of_configs_is_not_that_of_the_inputs(configs: list[Any]) -> None:
    with pytest.raises(InvalidInputError, match=f"{len(configs)} configs for 2 inputs"):
        await Plain().abatch(["a", "b"], configs)


async def test_fewer_configs_than_inputs_that_are_read_lazily() -> None:
    with pytest.raises(InvalidInputError, match="1 configs and more inputs"):
        await Plain().abatch(iter(["a", "b"]), [{}])


@pytest.mark.parametrize("config", ["tags", 5, [5], ["tags"]], ids=str)
async def test_config_that_is_none(config: Any) -> None:
    with pytest.raises(InvalidInputError, match="config must be a dict"):
        await Plain().abatch(["a"], config)


async def test_settings_go_to_every_call() -> None:
    model = Plain()
    await model.abatch(["a", "b"], stop=["."], temperature=1)
    assert model._watch.settings == [{"stop": ["."], "temperature": 1}] * 2


# --------------------------------------------------------------------------------------------------------- results


async def backwards(model: Plain, count: int) -> None:
    """Make the calls end in the reverse order of their inputs, once all have begun."""
    watch = model._watch

    async def answer(text: str) -> str:
        await watch.until(lambda: watch.begun >= count and watch.cleaned == count - 1 - int(text))
        return text

    model.answer = answer


async def test_abatch_gives_results_in_the_order_of_inputs() -> None:
    model = Plain()
    await backwards(model, 5)
    assert [message.text for message in await model.abatch(Source(5))] == ["0", "1", "2", "3", "4"]


async def test_as_completed_gives_results_in_the_order_in_which_they_come() -> None:
    model = Plain()
    await backwards(model, 5)
    async with model.abatch_as_completed(Source(5)) as results:
        assert [(index, message.text) async for index, message in results] == [(n, f"{n}") for n in (4, 3, 2, 1, 0)]


async def test_results_come_before_the_last_call_has_ended() -> None:
    async def answer(text: str) -> str:
        if text == "0":
            await anyio.sleep_forever()
        return text

    async with Plain(answer=answer).abatch_as_completed(["0", "1"]) as results:
        index, message = await anext(results)
    assert (index, message.text) == (1, "1")


async def test_exceptions_returned_in_their_places() -> None:
    async def answer(text: str) -> str:
        if text == "1":
            raise ValueError(text)
        return text

    model = Plain(answer=answer)
    good, bad, other = await model.abatch(["0", "1", "2"], return_exceptions=True)
    assert not isinstance(good, Exception)
    assert not isinstance(other, Exception)
    assert (good.text, other.text) == ("0", "2")
    assert isinstance(bad, ValueError)
    pairs = [pair async for pair in model.abatch_as_completed(["0", "1", "2"], return_exceptions=True)]
    assert {index: type(result).__name__ for index, result in pairs} == {
        0: "AIMessage",
        1: "ValueError",
        2: "AIMessage",
    }


async def test_many_items() -> None:
    count = 10_000
    model = Plain()
    messages = await model.abatch([f"{number}" for number in range(count)], {"max_concurrency": 1000})
    assert [message.text for message in messages] == [f"{number}" for number in range(count)]
    seen = {index async for index, _ in model.abatch_as_completed(f"{number}" for number in range(count))}
    assert seen == set(range(count))


# --------------------------------------------------------------------------------------------------------- failures


async def test_first_failure_is_raised_bare_with_the_others_as_notes() -> None:
    all_begun = anyio.Event()

    async def answer(text: str) -> str:
        if model._watch.begun == 3:
            all_begun.set()
        try:
            await all_begun.wait()
            if text == "0":
                raise ValueError("zero")
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            # Badly behaved: a cancelled hook that fails.
            raise KeyError(text) from None
        return text

    model = Plain(answer=answer)
    with pytest.raises(ValueError, match="zero") as caught:
        await model.abatch(["0", "1", "2"])
    assert sorted(caught.value.__notes__) == ["also failed: KeyError: '1'", "also failed: KeyError: '2'"]


async def read_and_raise(error: Exception) -> None:
    async with Plain().abatch_as_completed(["a", "b"]) as results:
        async for _ in results:
            raise error


async def test_error_of_the_callers_block_is_raised_bare() -> None:
    with pytest.raises(ValueError, match="mine") as caught:
        await read_and_raise(ValueError("mine"))
    assert caught.value.__cause__ is None


async def test_group_of_the_callers_own_stays_a_group() -> None:
    with pytest.raises(ExceptionGroup, match="mine"):
        await read_and_raise(ExceptionGroup("mine", [ValueError()]))


async def test_failure_is_raised_once_and_then_the_batch_is_over() -> None:
    async def answer(text: str) -> str:
        raise ValueError(text)

    results = Plain(answer=answer).abatch_as_completed(["a"])
    with pytest.raises(ValueError, match="a"):
        await anext(results)
    with pytest.raises(StopAsyncIteration):
        await anext(results)
    await results.aclose()


async def test_results_that_came_before_the_failure_are_given_first() -> None:
    async def answer(text: str) -> str:
        if text == "bad":
            await model._watch.until(lambda: model._watch.cleaned == 2)
            raise ValueError(text)
        return text

    model = Plain(answer=answer)
    seen: list[Any] = []
    with pytest.raises(ValueError, match="bad"):
        await read_into(seen, model.abatch_as_completed(["a", "bad", "b"]))
    assert sorted(message.text for _, message in seen) == ["a", "b"]


async def test_entering_a_batch_that_has_begun_is_refused() -> None:
    results = Plain().abatch_as_completed(["a", "b"])
    await anext(results)
    with pytest.raises(InvalidInputError, match="has begun already"):
        await results.__aenter__()
    await results.aclose()
    with pytest.raises(InvalidInputError, match="has begun already"):
        await results.__aenter__()


async def test_worker_may_wait_for_the_reader_however_slow() -> None:
    count = 3 * BUFFER
    async with Plain().abatch_as_completed(Source(count)) as results:
        await some_steps()
        assert len([pair async for pair in results]) == count


async def test_closed_while_another_task_waits_for_a_result() -> None:
    async def never(text: str) -> str:
        await anyio.sleep_forever()
        raise AssertionError

    model = Plain(answer=never)
    results = model.abatch_as_completed(["a"])
    seen = []

    async def read() -> None:
        seen.extend([pair async for pair in results])
        seen.append("end")

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await model._watch.until(lambda: model._watch.active == 1)
        await some_steps()
        await results.aclose()
    assert seen == ["end"]


async def test_failed_batch_leaves_no_cycle_of_garbage() -> None:
    class Marked(Exception):  # noqa: N818 - it only marks
        pass

    async def fail(index: int, given: str) -> None:
        raise Marked

    gc.collect()
    gc.disable()
    try:
        with suppress(Marked):
            await run_workers(["a"], fail, 1)
        with suppress(Marked):
            async for _ in completed(["a"], fail, 1):
                pass
        assert not [thing for thing in gc.get_objects() if isinstance(thing, Marked)]
    finally:
        gc.enable()


# ----------------------------------------------------------------------------------------- the parts by themselves


def test_collapse_puts_exits_first() -> None:
    async def run() -> BaseException:
        return collapse(BaseExceptionGroup("", [ValueError("a"), BaseExceptionGroup("", [KeyboardInterrupt()])]))

    first = anyio.run(run)
    assert isinstance(first, KeyboardInterrupt)
    assert first.__notes__ == ["also failed: ValueError: a"]


async def test_collapse_of_cancellations_only() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(anyio.get_cancelled_exc_class()) as caught:
            await anyio.lowlevel.checkpoint()
        assert collapse(BaseExceptionGroup("", [caught.value])) is caught.value


async def test_completed_takes_any_function() -> None:
    async def double(index: int, given: int) -> int:
        return given * 2

    assert sorted([pair async for pair in completed([1, 2], double, 2)]) == [(0, 2), (1, 4)]


class PanicError(BaseException):
    """What is no `Exception`, as extensions written in Rust raise it."""


@pytest.mark.parametrize("error", [PanicError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("way", ["abatch", "with", "bare"])
async def test_what_is_no_exception_reaches_the_caller(error: type[BaseException], way: str) -> None:
    async def step(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        if number == 3:
            raise error
        return number

    made = RunnableLambda(step)

    async def call() -> None:
        if way == "abatch":
            await made.abatch(range(100), {"max_concurrency": 2})
        elif way == "with":
            async with made.abatch_as_completed(range(100), {"max_concurrency": 2}) as results:
                async for _ in results:
                    pass
        else:
            async for _ in made.abatch_as_completed(range(100), {"max_concurrency": 2}):
                pass

    with pytest.raises(error):
        await call()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("number", [0, 1, 2])
async def test_call_that_ends_as_cancelled_by_itself_is_a_failure(number: int) -> None:
    async def step(given: int) -> int:
        if given == number:
            # As when it awaits a task that somebody else has cancelled.
            raise asyncio.CancelledError
        return given

    made = RunnableLambda(step)
    with pytest.raises(ChatCoreError, match=f"Call {number} of the batch ended as cancelled"):
        await made.abatch([0, 1, 2], {"max_concurrency": 1})
    results = await made.abatch([0, 1, 2], return_exceptions=True)
    assert isinstance(results.pop(number), ChatCoreError)
    assert results == [given for given in range(3) if given != number]


UNBEGUN = """
import asyncio
from chatcore import RunnableLambda

async def behind():
    async with RunnableLambda(lambda given: given).abatch_as_completed(range(10)) as results:
        async for _ in results:
            pass

async def main():
    asyncio.get_running_loop().create_task(behind())

asyncio.run(main())
print("ended")
"""


def test_batch_that_never_began_does_not_hold_up_the_loops_end() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNBEGUN], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout == "ended\n", done.stderr
