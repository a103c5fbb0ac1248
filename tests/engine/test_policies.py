"""Retry, fallbacks and deadlines. What takes time runs on trio's virtual clock."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
import trio

from chatcore.engine.limits import TokenBucket
from chatcore.engine.policies import Retry, Timeout
from chatcore.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExhaustedError,
    RateLimited,
    ServerError,
    StalledError,
    StreamInterrupted,
    StreamTimedOut,
    UnprocessableError,
)
from chatcore.model import BaseChatModel, Policies
from chatcore.runnables import RunnableLambda, RunnablePassthrough
from tests.engine.models import Plain, Streaming, SyncPlain, SyncStreaming, read_into

NO_WAIT: dict[str, Any] = {"wait_exponential_jitter": False}


class Failing:
    """An answer that fails some times before it succeeds; of a stream, at its opening."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.times: list[float] = []

    def turn(self) -> None:
        self.times.append(anyio.current_time())
        if self.errors:
            raise self.errors.pop(0)

    async def answer(self, text: str) -> str:
        self.turn()
        return text

    async def chunks(self, text: str) -> AsyncIterator[str]:
        self.turn()
        for letter in text:
            yield letter


class AlwaysFailing(Failing):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def turn(self) -> None:
        self.times.append(anyio.current_time())
        raise self.error


def failing(*errors: BaseException, **fields: Any) -> tuple[Failing, Plain, Streaming]:
    plan = Failing(*errors)
    return plan, Plain(answer=plan.answer, **fields), Streaming(chunks=plan.chunks, **fields)


async def text_of(runnable: Any, given: Any = "hi", *, streamed: bool) -> str:
    if not streamed:
        return (await runnable.ainvoke(given)).text
    async with runnable.astream(given) as chunks:
        return "".join([chunk.text async for chunk in chunks])


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return request.param


# ------------------------------------------------------------------------------------------------------------- retry


@pytest.mark.anyio
async def test_retry_until_it_succeeds(streamed: bool) -> None:
    plan, plain, streaming = failing(ValueError("one"), OSError("two"))
    model = streaming if streamed else plain
    assert await text_of(model.with_retry(**NO_WAIT), streamed=streamed) == "hi"
    assert len(plan.times) == 3


@pytest.mark.anyio
async def test_retry_gives_up_with_the_last_error(streamed: bool) -> None:
    plan, plain, streaming = failing(*(ValueError(f"{number}") for number in range(9)))
    model = (streaming if streamed else plain).with_retry(stop_after_attempt=4, **NO_WAIT)
    with pytest.raises(ValueError, match=r"^3$") as caught:
        await text_of(model, streamed=streamed)
    assert len(plan.times) == 4
    assert caught.value.__context__ is None, "errors of several attempts do not chain"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("400", status=400),
        AuthenticationError("401", status=401),
        PermissionDeniedError("403", status=403),
        NotFoundError("404", status=404),
        UnprocessableError("422", status=422),
        QuotaExhaustedError("429", status=429),
        InvalidInputError("bad"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_no_attempt_can_mend_is_not_retried(error: Exception, streamed: bool) -> None:
    plan, plain, streaming = failing(error)
    with pytest.raises(type(error)):
        await text_of((streaming if streamed else plain).with_retry(**NO_WAIT), streamed=streamed)
    assert len(plan.times) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "error",
    [
        RateLimited("429"),
        ServerError("500"),
        OverloadedError("529"),
        ConnectionFailedError("reset"),
        StalledError("", phase="connect"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_another_attempt_may_mend_is_retried(error: Exception, streamed: bool) -> None:
    plan, plain, streaming = failing(error)
    await text_of((streaming if streamed else plain).with_retry(**NO_WAIT), streamed=streamed)
    assert len(plan.times) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("on", "attempts"),
    [
        ((ValueError,), 3),
        ((KeyError,), 1),
        (ValueError, 3),
        (KeyError, 1),
        (lambda error: "one" in str(error), 2),
        ((), 1),
    ],
    ids=["type", "another type", "bare type", "another bare type", "predicate", "nothing"],
)
async def test_which_errors_are_retried(on: Any, attempts: int) -> None:
    plan, plain, _ = failing(ValueError("one"), ValueError("two"), ValueError("three"))
    with pytest.raises(ValueError, match={1: "one", 2: "two", 3: "three"}[attempts]):
        await plain.with_retry(retry_if_exception_type=on, **NO_WAIT).ainvoke("x")
    assert len(plan.times) == attempts


@pytest.mark.anyio
async def test_a_cancelled_call_is_not_retried() -> None:
    model = Plain(answer=lambda text: anyio.sleep_forever()).with_retry(retry_if_exception_type=(BaseException,))
    with anyio.move_on_after(0.02) as scope:
        await model.ainvoke("x")
    assert scope.cancelled_caught
    assert model._watch.begun == 1


@pytest.mark.anyio
@pytest.mark.parametrize("retried", [False, True])
async def test_a_stream_that_breaks_off_is_not_begun_again(retried: bool) -> None:
    cause = ConnectionFailedError("reset by peer")

    async def cut(text: str) -> AsyncIterator[str]:
        yield "Hel"
        yield "lo"
        raise cause

    model = Streaming(chunks=cut)
    seen: list[Any] = []
    with pytest.raises(StreamInterrupted, match="after 2 chunks: reset by peer") as caught:
        await read_into(seen, (model.with_retry(**NO_WAIT) if retried else model).astream("x"))
    assert [chunk.text for chunk in seen] == ["Hel", "lo"]
    assert caught.value.partial.text == "Hello"
    assert caught.value.__cause__ is cause
    assert caught.value.is_retryable
    assert model._watch.begun == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "settings", [{}, {"stream": True}], ids=["merged for want of a hook for it", "merged because asked to"]
)
async def test_whole_call_that_merges_chunks_is_retried_wherever_the_stream_breaks(settings: dict[str, Any]) -> None:
    attempts = 0

    async def cut_once(text: str) -> AsyncIterator[str]:
        nonlocal attempts
        attempts += 1
        yield "Hel"
        if attempts == 1:
            raise ConnectionFailedError("reset")
        yield "lo"

    message = await Streaming(chunks=cut_once).with_retry(**NO_WAIT).ainvoke("x", **settings)
    assert message.text == "Hello"
    assert attempts == 2


@pytest.mark.anyio
async def test_sync_hooks_are_retried_too(streamed: bool) -> None:
    errors = [ValueError("one"), ValueError("two")]

    def fail_twice(text: str) -> Any:
        if errors:
            raise errors.pop()
        return text

    model = SyncStreaming(chunks=fail_twice) if streamed else SyncPlain(answer=fail_twice)
    assert await text_of(model.with_retry(**NO_WAIT), streamed=streamed) == "hi"


@pytest.mark.anyio
@pytest.mark.parametrize("attempts", [(3, 3, 3), (2, 4, 3), (5, 1, 2)])
async def test_nested_retries_do_not_multiply(attempts: tuple[int, int, int], streamed: bool) -> None:
    own, decorated, sequence = attempts
    plan = AlwaysFailing(OverloadedError("529"))
    policies = Policies(retry=Retry(own, initial=0, jitter=0))
    model: BaseChatModel = (
        Streaming(chunks=plan.chunks, policies=policies) if streamed else Plain(answer=plan.answer, policies=policies)
    )
    chain = (RunnablePassthrough() | model.with_retry(stop_after_attempt=decorated, **NO_WAIT)).with_retry(
        stop_after_attempt=sequence, **NO_WAIT
    )
    with pytest.raises(OverloadedError):
        await text_of(chain, streamed=streamed)
    assert len(plan.times) == sequence


@pytest.mark.anyio
async def test_inner_retry_does_what_the_outer_one_does_not_cover() -> None:
    plan = AlwaysFailing(ConnectionFailedError("reset"))
    model = Plain(answer=plan.answer, policies=Policies(retry=Retry(4, initial=0, jitter=0)))
    with pytest.raises(ConnectionFailedError):
        await model.with_retry(retry_if_exception_type=(KeyError,), **NO_WAIT).ainvoke("x")
    assert len(plan.times) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stop_after_attempt": 0}, "number of attempts"),
        ({"stop_after_attempt": "3"}, "number of attempts"),
        ({"stop_after_attempt": True}, "number of attempts"),
        ({"retry_if_exception_type": "ValueError"}, "which exceptions to retry"),
        ({"retry_if_exception_type": [ValueError]}, "which exceptions to retry"),
        ({"retry_if_exception_type": (ValueError, "OSError")}, "which exceptions to retry"),
        ({"retry_if_exception_type": int}, "which exceptions to retry"),
        ({"exponential_jitter_params": {"factor": 2}}, "'factor'"),
        ({"exponential_jitter_params": {"initial": -1}}, "initial"),
        ({"exponential_jitter_params": {"max": "8"}}, "maximum"),
        ({"exponential_jitter_params": {"jitter": math.nan}}, "jitter"),
    ],
    ids=str,
)
def test_retry_with_a_wrong_argument(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Plain().with_retry(**wrong)


# ------------------------------------------------------------------------------------------- how long retries wait


@pytest.mark.trio
async def test_waits_grow_exponentially_with_jitter(autojump_clock: object) -> None:
    plan, plain, _ = failing(*(ServerError("500") for _ in range(5)))
    params: Any = {"initial": 1, "max": 5, "exp_base": 2, "jitter": 0.5}
    await plain.with_retry(stop_after_attempt=6, exponential_jitter_params=params).ainvoke("x")
    waits = [after - before for before, after in zip(plan.times, plan.times[1:], strict=False)]
    for wait, least in zip(waits, [1, 2, 4, 5, 5], strict=True):
        assert least <= wait <= least + 0.5
    assert len({wait % 1 for wait in waits}) == 5, "jitter is random"


@pytest.mark.trio
async def test_no_wait_when_told_so(autojump_clock: object) -> None:
    plan, plain, _ = failing(ServerError("500"), ServerError("500"))
    await plain.with_retry(wait_exponential_jitter=False).ainvoke("x")
    assert plan.times[-1] - plan.times[0] == 0


def test_a_very_late_attempt_waits_no_longer_than_the_longest() -> None:
    assert Retry(initial=1, maximum=8, jitter=0, base=1e300).pause(100, ValueError()) == 8


@pytest.mark.trio
@pytest.mark.parametrize("asked", [0, 0.25, 7, 599])
async def test_retry_after_is_obeyed(asked: float, streamed: bool, autojump_clock: object) -> None:
    plan, plain, streaming = failing(RateLimited("429", retry_after=asked))
    await text_of((streaming if streamed else plain).with_retry(), streamed=streamed)
    first, second = plan.times
    assert asked <= second - first <= asked + 0.1


@pytest.mark.trio
async def test_retry_after_of_a_day_is_left_to_the_caller(autojump_clock: object) -> None:
    began = trio.current_time()
    bucket = TokenBucket(requests_per_minute=60)
    _, plain, _ = failing(RateLimited("429", retry_after=86_400), rate_limiter=bucket)
    with pytest.raises(RateLimited) as caught:
        await plain.with_retry().ainvoke("x")
    assert "86400 s were asked for" in caught.value.__notes__[0]
    # Nor are those held up who share the limiter.
    await plain.ainvoke("x")
    assert trio.current_time() - began < 3


@pytest.mark.trio
async def test_retry_after_that_the_deadline_does_not_leave_time_for(autojump_clock: object) -> None:
    began = trio.current_time()
    plan, plain, _ = failing(RateLimited("429", retry_after=60), policies=Policies(timeout=Timeout(total=10)))
    with pytest.raises(RateLimited) as caught:
        await plain.with_retry().ainvoke("x")
    assert "after the call's deadline" in caught.value.__notes__[0]
    assert trio.current_time() == began, "nobody waits for what cannot come in time"
    assert len(plan.times) == 1


@pytest.mark.trio
async def test_a_longer_deadline_of_its_own_does_not_let_a_fallback_wait_for_longer(autojump_clock: object) -> None:
    _, first, _ = failing(ServerError("500"), policies=Policies(timeout=Timeout(total=10)))
    limited = RateLimited("429", retry_after=60)
    _, other, _ = failing(limited, policies=Policies(timeout=Timeout(total=1000), retry=Retry()))
    began = trio.current_time()
    with pytest.raises(ServerError):
        await first.with_fallbacks([other]).ainvoke("x")
    assert trio.current_time() == began
    assert "after the call's deadline" in limited.__notes__[0]


# ------------------------------------------------------------------------------------------------------------ fallbacks


def answers(text: str) -> tuple[Plain, Streaming]:
    async def answer(given: str) -> str:
        return text

    async def chunks(given: str) -> AsyncIterator[str]:
        for letter in text:
            yield letter

    return Plain(answer=answer), Streaming(chunks=chunks)


@pytest.mark.anyio
async def test_fallbacks_are_asked_in_turn(streamed: bool) -> None:
    first, second = (failing(ValueError(name))[1 + streamed] for name in ("a", "b"))
    third = answers("third")[streamed]
    assert await text_of(first.with_fallbacks([second, third]), streamed=streamed) == "third"
    assert (first._watch.begun, second._watch.begun, third._watch.begun) == (1, 1, 1)
    assert first._watch.active == second._watch.active == 0


@pytest.mark.anyio
async def test_fallbacks_are_not_asked_without_need(streamed: bool) -> None:
    first, other = answers("first")[streamed], answers("other")[streamed]
    assert await text_of(first.with_fallbacks([other]), streamed=streamed) == "first"
    assert other._watch.begun == 0


@pytest.mark.anyio
async def test_all_fail_the_first_error_has_the_others_as_notes(streamed: bool) -> None:
    models = [failing(error)[1 + streamed] for error in (ValueError("one"), KeyError("two"), OSError("three"))]
    with pytest.raises(ValueError, match="one") as caught:
        await text_of(models[0].with_fallbacks(models[1:]), streamed=streamed)
    assert caught.value.__notes__ == [
        "a fallback also failed: KeyError: 'two'",
        "a fallback also failed: OSError: three",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("handled", [(KeyError,), KeyError], ids=["tuple", "bare"])
async def test_errors_that_are_not_handled_are_raised_at_once(handled: Any) -> None:
    _, first, _ = failing(ValueError("one"))
    other, _ = answers("other")
    with pytest.raises(ValueError, match="one"):
        await first.with_fallbacks([other], exceptions_to_handle=handled).ainvoke("x")
    assert other._watch.begun == 0
    _, first, _ = failing(KeyError("one"))
    assert (await first.with_fallbacks([other], exceptions_to_handle=handled).ainvoke("x")).text == "other"


@pytest.mark.anyio
async def test_stream_that_breaks_off_does_not_fall_back() -> None:
    async def cut(text: str) -> AsyncIterator[str]:
        yield "a"
        raise ServerError("500")

    _, other = answers("other")
    with pytest.raises(StreamInterrupted):
        await text_of(Streaming(chunks=cut).with_fallbacks([other]), streamed=True)
    assert other._watch.begun == 0


@pytest.mark.anyio
async def test_exception_key_gives_the_next_one_the_error_before() -> None:
    seen: list[Any] = []

    def fail(given: dict[str, Any]) -> str:
        seen.append(given)
        raise ValueError(len(seen))

    chain = RunnableLambda(fail).with_fallbacks(
        [RunnableLambda(fail), RunnableLambda(lambda given: given)], exception_key="error"
    )
    last = await chain.ainvoke({"text": "hi"})
    assert seen[0] == {"text": "hi"}
    assert seen[1]["error"].args == (1,)
    assert last["error"].args == (2,)
    assert last["text"] == "hi"


@pytest.mark.anyio
async def test_exception_key_needs_a_dict() -> None:
    chain = RunnableLambda(str).with_fallbacks([RunnableLambda(str)], exception_key="error")
    with pytest.raises(InvalidInputError, match=r"needs a dict as input.*a str"):
        await chain.ainvoke("x")


@pytest.mark.anyio
async def test_fallback_that_is_no_model(streamed: bool) -> None:
    _, first, _ = failing(ValueError("one"))
    chain = first.with_fallbacks([RunnableLambda(lambda text: text.upper())])
    if streamed:
        assert [chunk async for chunk in chain.astream("hi")] == ["HI"]
    else:
        assert await chain.ainvoke("hi") == "HI"


@pytest.mark.anyio
async def test_each_takes_the_input_in_its_own_way() -> None:
    _, first, _ = failing(ValueError("one"))
    seen: list[Any] = []
    chain = first.with_fallbacks([RunnableLambda(seen.append)])
    await chain.ainvoke([("human", "hi")])
    assert seen == [[("human", "hi")]], "the input as it was given, not as the first one prepared it"


ORDERS = {
    "bind.retry.fallbacks": lambda model, other: model.bind(x=1).with_retry(**NO_WAIT).with_fallbacks([other]),
    "fallbacks.retry.bind": lambda model, other: model.with_fallbacks([other]).with_retry(**NO_WAIT).bind(x=1),
    "retry.fallbacks.bind": lambda model, other: model.with_retry(**NO_WAIT).with_fallbacks([other]).bind(x=1),
    "retry.bind.fallbacks": lambda model, other: model.with_retry(**NO_WAIT).bind(x=1).with_fallbacks([other]),
}


@pytest.mark.anyio
@pytest.mark.parametrize("order", ORDERS)
async def test_decorating_in_any_order_keeps_every_method(order: str) -> None:
    plan = AlwaysFailing(ServerError("500"))
    model, (other, _) = Plain(answer=plan.answer, name="first"), answers("other")
    decorated = ORDERS[order](model, other)
    assert type(decorated) is Plain
    assert decorated.name == "first"
    assert (await decorated.ainvoke("x")).text == "other"
    # A retry outside the fallbacks has nothing to do: the fallback answered.
    assert len(plan.times) == (1 if order.startswith("fallbacks") else 3)
    assert {tuple(settings.items()) for settings in model._watch.settings} == {(("x", 1),)}
    # What is bound outside the fallbacks is bound for all of them.
    assert other._watch.settings == [{"x": 1} if order.endswith("bind") else {}]
    result = await decorated.agenerate([[("human", "x")]])
    assert result.generations[0][0].text == "other"
    assert [message.text for message in await decorated.abatch(["a", "b"])] == ["other"] * 2


@pytest.mark.parametrize("wrong", ["ValueError", [ValueError], (int,)], ids=str)
def test_fallbacks_for_what_is_no_exception(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="which exceptions to handle"):
        Plain().with_fallbacks([Plain()], exceptions_to_handle=wrong)


@pytest.mark.parametrize("wrong", [["model"], [None]], ids=str)
def test_fallback_that_cannot_be_called(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"fallbacks\[0\] must be a model"):
        Plain().with_fallbacks(wrong)


@pytest.mark.parametrize("wrong", [Plain(), 5], ids=["model", "int"])
def test_fallbacks_that_are_no_list(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="list"):
        Plain().with_fallbacks(wrong)


# ---------------------------------------------------------------------------------------------------------- deadlines


def slow_model(*seconds: float, timeout: Timeout, **fields: Any) -> tuple[Plain, Streaming]:
    """A model that takes so long to answer, and streams with these pauses before its chunks."""

    async def answer(text: str) -> str:
        await anyio.sleep(seconds[0])
        return text

    async def chunks(text: str) -> AsyncIterator[str]:
        for second in seconds:
            await anyio.sleep(second)
            yield "a"

    policies = Policies(timeout=timeout, retry=fields.pop("retry", None))
    return (
        Plain(answer=answer, policies=policies, **fields),
        Streaming(chunks=chunks, policies=policies, **fields),
    )


@pytest.mark.trio
async def test_total_bounds_a_plain_call_and_a_whole_stream(streamed: bool, autojump_clock: object) -> None:
    model = slow_model(*([12] if not streamed else [4, 4, 4]), timeout=Timeout(total=10))[streamed]
    began = trio.current_time()
    with pytest.raises(DeadlineExceededError, match="longer than 10 s in all") as caught:
        await text_of(model, streamed=streamed)
    assert trio.current_time() - began == pytest.approx(10)
    assert (caught.value.phase, caught.value.seconds) == ("total", 10)
    assert isinstance(caught.value, TimeoutError)
    # Of a stream, what came is kept; either way it is late.
    assert isinstance(caught.value, StreamTimedOut) is streamed
    assert caught.value.is_retryable is streamed
    assert (caught.value.partial.text if streamed else caught.value.partial) == ("aa" if streamed else None)
    assert model._watch.active == 0


@pytest.mark.trio
async def test_in_time_is_in_time(streamed: bool, autojump_clock: object) -> None:
    model = slow_model(3, 3, 3, timeout=Timeout(total=10, first_token=4, between_tokens=4))[streamed]
    assert await text_of(model, streamed=streamed) == ("aaa" if streamed else "hi")


@pytest.mark.trio
async def test_total_spans_waiting_for_the_limiter(autojump_clock: object) -> None:
    bucket = TokenBucket(requests_per_minute=1)
    model, _ = slow_model(1, timeout=Timeout(total=30), rate_limiter=bucket)
    await model.ainvoke("first")
    began = trio.current_time()
    with pytest.raises(DeadlineExceededError):
        await model.ainvoke("second")
    assert trio.current_time() - began == pytest.approx(30)
    assert model._watch.begun == 1


@pytest.mark.trio
async def test_total_spans_retries_and_fallbacks(autojump_clock: object) -> None:
    async def fail(text: str) -> str:
        await anyio.sleep(4)
        raise ServerError("500")

    policies = Policies(timeout=Timeout(total=10), retry=Retry(2, initial=0, jitter=0))
    other = Plain(answer=lambda text: anyio.sleep_forever(), policies=Policies(timeout=Timeout(total=100)))
    model = Plain(answer=fail, policies=policies).with_fallbacks([other])
    began = trio.current_time()
    with pytest.raises(DeadlineExceededError):
        await model.ainvoke("x")
    assert trio.current_time() - began == pytest.approx(10)
    assert (model._watch.begun, other._watch.begun) == (2, 1)


@pytest.mark.trio
async def test_first_token_is_a_bound_of_each_attempt(streamed: bool, autojump_clock: object) -> None:
    waits = [9.0, 9.0, 1.0]

    async def answer(text: str) -> str:
        await anyio.sleep(waits.pop(0))
        return text

    async def chunks(text: str) -> AsyncIterator[str]:
        await anyio.sleep(waits.pop(0))
        yield text
        await anyio.sleep(60)

    policies = Policies(timeout=Timeout(first_token=5), retry=Retry(3, initial=0, jitter=0))
    began = trio.current_time()
    model = Streaming(chunks=chunks, policies=policies) if streamed else Plain(answer=answer, policies=policies)
    assert await text_of(model, streamed=streamed) == "hi"
    # Two attempts given up after 5 s, and one that answers after 1 s; a stream may then take its time.
    assert trio.current_time() - began == pytest.approx(5 + 5 + 1 + (60 if streamed else 0))


@pytest.mark.trio
async def test_first_token_does_not_count_waiting_for_the_limiter(autojump_clock: object) -> None:
    model, _ = slow_model(1, timeout=Timeout(first_token=5), rate_limiter=TokenBucket(requests_per_minute=1))
    for _ in range(2):
        await model.ainvoke("x")


@pytest.mark.trio
async def test_nothing_answered_says_which_bound_it_was(streamed: bool, autojump_clock: object) -> None:
    model = slow_model(9, timeout=Timeout(first_token=5))[streamed]
    with pytest.raises(StalledError, match="within 5 s") as caught:
        await text_of(model, streamed=streamed)
    assert (caught.value.phase, caught.value.seconds, caught.value.partial) == ("first_token", 5, None)
    assert caught.value.is_retryable


@pytest.mark.trio
async def test_stream_that_stands_still(autojump_clock: object) -> None:
    _, model = slow_model(1, 2, 99, timeout=Timeout(between_tokens=5, total=1000))
    began = trio.current_time()
    with pytest.raises(StreamTimedOut, match="stood still for 5 s") as caught:
        await text_of(model, streamed=True)
    assert trio.current_time() - began == pytest.approx(1 + 2 + 5)
    assert (caught.value.phase, caught.value.seconds, caught.value.partial.text) == ("between_tokens", 5, "aa")
    assert model._watch.active == 0


@pytest.mark.trio
async def test_slow_reader_does_not_use_up_the_time_between_tokens(autojump_clock: object) -> None:
    _, model = slow_model(1, 1, 1, timeout=Timeout(between_tokens=5))
    async for _ in model.astream("x"):
        await trio.sleep(60)


@pytest.mark.trio
async def test_whole_read_from_a_timed_stream(autojump_clock: object) -> None:
    _, model = slow_model(1, 1, 99, timeout=Timeout(between_tokens=5, total=50))
    with pytest.raises(StreamTimedOut):
        await model.astream("x").result()
    _, model = slow_model(1, 1, timeout=Timeout(between_tokens=5, total=50))
    assert (await model.astream("x").result()).text == "aa"
    result = await model.agenerate([["x"]], stream=True)
    assert result.generations[0][0].text == "aa"


@pytest.mark.trio
async def test_deadline_of_a_sequence_step_is_bounded_by_the_one_outside(autojump_clock: object) -> None:
    inner, _ = slow_model(9, timeout=Timeout(total=20))
    _, first, _ = failing(ServerError("500"), policies=Policies(timeout=Timeout(total=5)))
    began = trio.current_time()
    with pytest.raises(DeadlineExceededError):
        await first.with_fallbacks([RunnablePassthrough() | inner]).ainvoke("x")
    assert trio.current_time() - began == pytest.approx(5)


@pytest.mark.parametrize("name", ["connect", "first_token", "between_tokens", "total"])
@pytest.mark.parametrize("seconds", [0, -1, "5", math.nan, True], ids=repr)
def test_timeout_that_is_none(name: str, seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a positive number"):
        Timeout(**{name: seconds})


def test_timeout_of_a_number_is_the_total() -> None:
    assert Timeout.of(5) == Timeout(total=5)
    assert Timeout.of(None) == Timeout()
    assert Timeout.of(Timeout(connect=1)) == Timeout(connect=1)
