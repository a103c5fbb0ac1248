"""`Runnable` and its kinds: how they are joined, what each step gets, and how chunks go through."""

from __future__ import annotations

import functools
import operator
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from chatcore.callbacks import AsyncCallbackHandler
from chatcore.engine.stream import ChatStream
from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.messages import AIMessage
from chatcore.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSequence,
    coerce_to_runnable,
)
from tests.engine.models import Plain, Streaming, letters, read_into

pytestmark = pytest.mark.anyio

NO_WAIT: dict[str, Any] = {"wait_exponential_jitter": False}


class Named(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.runs: list[tuple[Any, Any]] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.runs.append((kwargs["name"], kwargs["run_id"]))


async def gathered(stream: ChatStream[Any, Any]) -> list[Any]:
    kept: list[Any] = []
    async with stream:
        await read_into(kept, stream)
    return kept


def plus(number: int) -> RunnableLambda[int, int]:
    return RunnableLambda(lambda given: given + number)


def text(message: AIMessage) -> str:
    return message.text


class Flaky:
    """A function that fails so many times before it succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls: list[Any] = []

    def turn(self, given: Any) -> None:
        self.calls.append(given)
        if len(self.calls) <= self.failures:
            raise ValueError(f"call {len(self.calls)}")

    async def __call__(self, given: Any) -> Any:
        self.turn(given)
        return given


# --------------------------------------------------------------------------------------------------------- joining


async def test_pipes_make_one_flat_sequence() -> None:
    chain = plus(1) | plus(2) | (plus(3) | plus(4))
    assert isinstance(chain, RunnableSequence)
    assert len(chain.steps) == 4
    assert (chain.first, chain.middle, chain.last) == (chain.steps[0], chain.steps[1:3], chain.steps[3])
    assert await chain.ainvoke(0) == 10
    assert await plus(1).pipe(plus(2), plus(3), name="three").ainvoke(0) == 6
    assert plus(1).pipe(plus(2), name="three").get_name() == "three"
    assert plus(1).pipe(plus(2)).get_name() == "RunnableSequence"


async def test_sequence_with_layers_stays_one_step() -> None:
    inner = (plus(1) | plus(2)).with_retry()
    assert len((plus(0) | inner).steps) == 2
    assert await (plus(0) | inner).ainvoke(0) == 3


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (len, RunnableLambda),
        (lambda given: given, RunnableLambda),
        (operator.itemgetter(0), RunnableLambda),
        (functools.partial(operator.add, 1), RunnableLambda),
        (str, RunnableLambda),
        ({"a": len}, RunnableParallel),
        (letters, RunnableGenerator),
        (RunnablePassthrough(), RunnablePassthrough),
        (Plain(), Plain),
    ],
    ids=["builtin", "lambda", "itemgetter", "partial", "class", "dict", "generator", "passthrough", "model"],
)
async def test_what_becomes_a_step(thing: Any, kind: type) -> None:
    assert isinstance(coerce_to_runnable(thing), kind)
    for chain in (RunnablePassthrough() | thing, thing | RunnablePassthrough()):
        assert isinstance(chain, RunnableSequence)


@pytest.mark.parametrize("thing", [5, None, "text", [len]], ids=repr)
async def test_what_cannot_be_a_step(thing: Any) -> None:
    for join in (
        lambda: RunnablePassthrough() | thing,
        lambda: thing | RunnablePassthrough(),
        lambda: RunnableParallel(a=thing),
        lambda: {"a": thing} | RunnablePassthrough(),
    ):
        with pytest.raises(ConfigurationError, match=f"Expected a Runnable, callable or dict.*{type(thing).__name__}"):
            join()


async def test_sequence_of_nothing() -> None:
    with pytest.raises(ConfigurationError, match="at least one step"):
        RunnableSequence()


@pytest.mark.parametrize("thing", [5, "text", [len]], ids=repr)
async def test_parallel_of_what_is_no_dict(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"RunnableParallel takes a dict.*not {type(thing).__name__}"):
        RunnableParallel(thing)


async def test_dicts_and_functions_on_both_sides() -> None:
    chain = (
        {"a": plus(1), "b": lambda given: given * 2} | RunnableLambda(lambda both: both["a"] + both["b"]) | {"c": str}
    )
    assert await chain.ainvoke(3) == {"c": "10"}


async def test_reprs_say_what_is_joined() -> None:
    chain = RunnablePassthrough() | {"a": text} | RunnableGenerator(letters)
    assert repr(chain) == ("RunnablePassthrough()\n| {\n    a: RunnableLambda(text)\n  }\n| RunnableGenerator(letters)")


# -------------------------------------------------------------------------------------------------------- functions


async def test_sync_functions_run_in_threads_and_async_ones_in_the_loop() -> None:
    async def here(given: object) -> int:
        return threading.get_ident()

    class Callable:
        async def __call__(self, given: object) -> int:
            return threading.get_ident()

    def there(given: object) -> int:
        return threading.get_ident()

    for function in (here, Callable(), functools.partial(here), functools.partial(Callable())):
        assert await RunnableLambda(function).ainvoke(0) == threading.get_ident()
    for function in (there, functools.partial(there)):
        assert await RunnableLambda(function).ainvoke(0) != threading.get_ident()
    assert await RunnableLambda(there, here).ainvoke(0) == threading.get_ident()


async def test_function_that_asks_for_the_config_gets_it() -> None:
    def look(given: Any, config: Any) -> Any:
        return given, config["tags"]

    async def look_async(given: Any, *, config: Any) -> Any:
        return look(given, config)

    for function in (look, look_async):
        assert await RunnableLambda(function).with_config(tags=["a"]).ainvoke(1, {"tags": ["b"]}) == (1, ["a", "b"])


async def test_settings_are_the_functions_arguments() -> None:
    scale = RunnableLambda(lambda given, factor: given * factor)
    assert await scale.bind(factor=2).ainvoke(3) == 6
    assert await scale.bind(factor=2).ainvoke(3, factor=5) == 15
    with pytest.raises(TypeError, match="factor"):
        await scale.ainvoke(3)


async def test_function_that_returns_a_runnable() -> None:
    model = Streaming(chunks=letters)
    chain = RunnableLambda(lambda given: model if given == "abc" else "no")
    assert (await chain.ainvoke("abc")).text == "abc"
    assert [piece.text for piece in await gathered(chain.astream("abc"))] == ["a", "b", "c", ""]
    assert await chain.ainvoke("other") == "no"


async def test_settings_of_the_function_are_not_those_of_the_runnable_it_returns() -> None:
    model = Plain()
    chosen = RunnableLambda(lambda given, which: {"a": model}[which])
    await chosen.bind(which="a").ainvoke("x")
    assert model._watch.settings == [{}]


async def test_recursion_limit() -> None:
    def down(given: int) -> Any:
        return RunnableLambda(lambda _: down(given - 1)) if given else "bottom"

    assert await RunnableLambda(down).ainvoke(25) == "bottom"
    with pytest.raises(InvalidInputError, match="more than `recursion_limit` deep"):
        await RunnableLambda(down).ainvoke(26)
    assert await RunnableLambda(down).ainvoke(40, {"recursion_limit": 40}) == "bottom"
    with pytest.raises(InvalidInputError, match="more than `recursion_limit` deep"):
        await RunnableLambda(down).with_config(recursion_limit=2).ainvoke(3)


@pytest.mark.parametrize("wrong", [5, None], ids=["number", "none"])
async def test_what_is_no_function(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="RunnableLambda needs a function"):
        RunnableLambda(wrong)


async def test_names() -> None:
    assert RunnableLambda(text).get_name() == "text"
    assert RunnableLambda(text, name="other").get_name() == "other"
    assert RunnableLambda(functools.partial(text)).get_name() == "RunnableLambda"
    assert RunnableGenerator(letters).get_name() == "letters"


# ---------------------------------------------------------------------------------------------------- sequences


async def test_settings_go_to_the_first_step_only() -> None:
    first, second = Plain(), Plain()
    await (first | text | second).ainvoke("x", stop=["."])
    await (first | text | second).bind(temperature=1).ainvoke("x")
    assert first._watch.settings == [{"stop": ["."]}, {"temperature": 1}]
    assert second._watch.settings == [{}, {}]


async def test_config_goes_to_every_step() -> None:
    look = RunnableLambda(lambda given, config: [*given, config["tags"]])
    assert await (look | look | look.with_config(tags=["own"])).ainvoke([], {"tags": ["a"]}) == [
        ["a"],
        ["a"],
        ["own", "a"],
    ]


async def test_error_of_a_step_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        await (plus(1) | (lambda given: given / 0) | plus(1)).ainvoke(1)


@pytest.mark.parametrize("streamed", [False, True])
async def test_sequence_retried_begins_again_at_its_first_step(streamed: bool) -> None:
    first, second = Flaky(0), Flaky(2)
    chain = (RunnableLambda(first) | second).with_retry(**NO_WAIT)
    assert await (chain.astream("x").result() if streamed else chain.ainvoke("x")) == "x"
    assert (len(first.calls), len(second.calls)) == (3, 3)


async def test_step_retried_by_itself() -> None:
    first, second = Flaky(0), Flaky(2)
    chain = RunnableLambda(first) | RunnableLambda(second).with_retry(**NO_WAIT)
    assert await chain.ainvoke("x") == "x"
    assert (len(first.calls), len(second.calls)) == (1, 3)


async def test_last_step_streams_and_others_do_not() -> None:
    model = Streaming(chunks=letters)
    assert [piece.text for piece in await gathered((plus("bc") | model).astream("a"))] == ["a", "b", "c", ""]  # type: ignore[arg-type]
    assert await gathered((model | text).astream("abc")) == ["abc"]


# ------------------------------------------------------------------------------------------------------- on chunks


async def upper(chunks: AsyncIterator[Any]) -> AsyncIterator[str]:
    async for piece in chunks:
        yield (piece if isinstance(piece, str) else piece.text).upper()


def upper_sync(chunks: Iterator[Any]) -> Iterator[str]:
    for piece in chunks:
        yield (piece if isinstance(piece, str) else piece.text).upper()


@pytest.mark.parametrize("generator", [upper, upper_sync])
async def test_chunks_go_through_generators_one_by_one(generator: Any) -> None:
    made: list[str] = []

    async def counted(given: str) -> AsyncIterator[str]:
        for letter in given:
            made.append(letter)
            yield letter

    chain = Streaming(chunks=counted) | generator | RunnablePassthrough()
    async with chain.astream("abc") as chunks:
        assert await anext(chunks) == "A"
        assert made == ["a"], "nothing is read ahead"
        assert [piece async for piece in chunks] == ["B", "C", ""]
        assert await chunks.result() == "ABC"
    assert await chain.ainvoke("abc") == "ABC"


@pytest.mark.parametrize("generator", [upper, upper_sync])
async def test_generator_by_itself_has_one_chunk_to_read(generator: Any) -> None:
    assert await gathered(RunnableGenerator(generator).astream("abc")) == ["ABC"]
    assert await RunnableGenerator(generator).ainvoke("abc") == "ABC"


async def test_generator_that_takes_settings() -> None:
    async def times(chunks: AsyncIterator[str], *, count: int) -> AsyncIterator[str]:
        async for piece in chunks:
            yield piece * count

    assert await RunnableGenerator(times).bind(count=2).ainvoke("ab") == "abab"
    # In a sequence as well, where it reads the chunks of the step before.
    assert await gathered((upper | RunnableGenerator(times).bind(count=2)).astream("ab")) == ["ABAB"]


async def test_generator_that_yields_nothing() -> None:
    async def nothing(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
        for piece in ():
            yield piece

    with pytest.raises(InvalidInputError, match="nothing yielded nothing"):
        await RunnableGenerator(nothing).ainvoke("x")


@pytest.mark.parametrize("wrong", [5, text, None], ids=["number", "function", "none"])
async def test_what_is_no_generator(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="RunnableGenerator needs a generator function"):
        RunnableGenerator(wrong)


async def fails_once(chunks: AsyncIterator[Any], *, calls: list[str]) -> AsyncIterator[str]:
    """Reads all there is, and fails the first time."""
    read = "".join([piece.text async for piece in chunks])
    calls.append(read)
    if len(calls) == 1:
        raise ValueError("once")
    yield read


@pytest.mark.parametrize("streamed", [False, True])
async def test_generator_retried_gets_everything_again(streamed: bool) -> None:
    calls: list[str] = []
    model = Streaming(chunks=letters)
    chain = model | RunnableGenerator(fails_once).bind(calls=calls).with_retry(**NO_WAIT)
    assert await (chain.astream("abc").result() if streamed else chain.ainvoke("abc")) == "abc"
    assert calls == ["abc", "abc"]
    assert model._watch.begun == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_fallback_of_a_generator_gets_what_the_generator_got(streamed: bool) -> None:
    failing = RunnableGenerator(fails_once).bind(calls=[])
    chain = Streaming(chunks=letters) | failing.with_fallbacks([RunnableLambda(lambda message: message.text.upper())])
    assert await (chain.astream("abc").result() if streamed else chain.ainvoke("abc")) == "ABC"


async def test_generator_called_whole_is_retried_wherever_it_fails() -> None:
    calls = 0

    async def fails_midway(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
        nonlocal calls
        calls += 1
        yield "a"
        if calls == 1:
            raise ValueError("midway")
        yield "b"

    assert await RunnableGenerator(fails_midway).with_retry(**NO_WAIT).ainvoke("x") == "ab"


async def test_passthrough_calls_its_function_with_the_whole() -> None:
    seen: list[str] = []
    later: list[str] = []

    async def keep(whole: Any) -> None:
        later.append(whole.text)

    model = Streaming(chunks=letters)
    chain = model | RunnablePassthrough(lambda whole: seen.append(whole.text)) | RunnablePassthrough(keep)
    assert (await chain.ainvoke("abc")).text == "abc"
    assert (seen, later) == (["abc"], ["abc"])
    assert [piece.text for piece in await gathered(chain.astream("de"))] == ["d", "e", ""]
    assert (seen, later) == (["abc", "de"], ["abc", "de"])


# ------------------------------------------------------------------------------------------------------------ parallel


async def test_branches_run_at_once_and_come_in_their_order() -> None:
    model = Plain()

    async def together(given: str) -> str:
        await model._watch.until(lambda: model._watch.begun == 3)
        return given

    model.answer = together
    result = await RunnableParallel({"c": model, "a": model}, b=model).ainvoke("x")
    assert list(result) == ["c", "a", "b"]
    assert {message.text for message in result.values()} == {"x"}


async def test_no_branches() -> None:
    assert await RunnableParallel().ainvoke("x") == {}
    assert await gathered(RunnableParallel({}).astream("x")) == [{}]


async def test_settings_go_to_every_branch() -> None:
    one, other = Plain(), Plain()
    await RunnableParallel(one=one, other=other).ainvoke("x", stop=["."])
    assert one._watch.settings == other._watch.settings == [{"stop": ["."]}]


async def test_failing_branch_cancels_the_others() -> None:
    async def never(given: str) -> str:
        await anyio.sleep_forever()
        raise AssertionError

    async def fail(given: str) -> str:
        await model._watch.until(lambda: model._watch.active == 1)
        raise ValueError(given)

    model = Plain(answer=never)
    chain = RunnableParallel(good=model, bad=RunnableLambda(fail))
    with pytest.raises(ValueError, match="x"):
        await chain.ainvoke("x")
    assert model._watch.active == 0
    with pytest.raises(ValueError, match="x"):
        await gathered(chain.astream("x"))
    assert model._watch.active == 0


async def test_branches_stream_as_their_chunks_come() -> None:
    chain = RunnableParallel(model=Streaming(chunks=letters), length=len)
    pieces = await gathered(chain.astream("ab"))
    assert [piece["model"].text for piece in pieces if "model" in piece] == ["a", "b", ""]
    assert [piece["length"] for piece in pieces if "length" in piece] == [2]
    whole = await chain.astream("ab").result()
    assert (whole["model"].text, whole["length"]) == ("ab", 2)


async def test_parallel_streams_into_a_generator() -> None:
    async def keys(chunks: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
        async for piece in chunks:
            yield "".join(piece)

    pieces = await gathered((RunnableParallel(a=len, b=Streaming(chunks=letters)) | keys).astream("xy"))
    assert sorted(pieces) == ["a", "b", "b", "b"]


async def test_parallel_retried_as_one() -> None:
    flaky, steady = Flaky(1), Flaky(0)
    chain = RunnableParallel(a=RunnableLambda(flaky), b=RunnableLambda(steady)).with_retry(**NO_WAIT)
    assert await chain.ainvoke("x") == {"a": "x", "b": "x"}
    assert len(flaky.calls) == 2


# ------------------------------------------------------------------------------------------------------- decorating


async def test_decorating_keeps_the_kind() -> None:
    for runnable in (
        plus(1),
        plus(1) | plus(2),
        RunnableParallel(a=plus(1)),
        RunnablePassthrough(),
        RunnableGenerator(upper),
    ):
        decorated = runnable.bind().with_config(tags=["a"]).with_retry().with_fallbacks([plus(1)])
        assert type(decorated) is type(runnable)
        assert decorated is not runnable
        assert repr(decorated) == repr(runnable)


async def test_later_binding_wins_and_the_call_over_all() -> None:
    model = Plain()
    bound = model.bind(a=1, b=1).bind(b=2, c=2)
    await bound.ainvoke("x", c=3)
    assert model._watch.settings == [{"a": 1, "b": 2, "c": 3}]


async def test_config_by_name_and_as_a_dict() -> None:
    look = RunnableLambda(lambda given, config: config)
    rest = {"metadata": {}, "callbacks": None, "recursion_limit": 25, "configurable": {}}
    seen = await look.with_config({"tags": ["a"]}, max_concurrency=3).ainvoke(0)
    assert seen == {"tags": ["a"], "max_concurrency": 3, **rest}
    assert await look.with_config(None).ainvoke(0) == {"tags": [], **rest}
    with pytest.raises(InvalidInputError, match="max_concurrency"):
        look.with_config(max_concurrency=0)


async def test_a_runnable_of_ones_own_needs_only_start() -> None:
    class Unfinished(Runnable[str, str]):
        pass

    with pytest.raises(NotImplementedError):
        await Unfinished().ainvoke("x")


async def test_run_id_of_a_batch_is_that_of_its_first_call() -> None:
    run_id = uuid.uuid4()
    spy = Named()
    model = Plain(callbacks=[spy])
    with pytest.warns(RuntimeWarning, match="only for the first element"):
        await model.abatch(["1", "2", "3"], {"run_id": run_id, "max_concurrency": 1})
    first, *others = [given for _, given in spy.runs]
    assert first == run_id
    assert run_id not in others
    spy.runs.clear()
    await model.abatch(["1", "2"], [{"run_id": run_id}, {"run_id": run_id}])
    assert [given for _, given in spy.runs] == [run_id, run_id]


async def test_the_name_and_id_of_a_call_are_not_those_of_its_steps_though_nobody_listens() -> None:
    own = {"run_id": uuid.uuid4(), "run_name": "all"}
    spy = Named()
    model = Plain(callbacks=[spy])

    async def twice(_: object) -> list[str | None]:
        return [(await Plain().ainvoke("one")).id, (await Plain().ainvoke("two")).id]

    first, second = await RunnableLambda(twice).ainvoke("hi", own)
    assert first != second
    ids: dict[str, AIMessage] = await RunnableParallel(one=Plain(), two=Plain()).ainvoke("hi", own)
    assert ids["one"].id != ids["two"].id
    await (RunnablePassthrough() | model | (lambda answer: answer.text) | model).ainvoke("hi", own)
    assert [name for name, _ in spy.runs] == ["Plain", "Plain"]
    assert len({own["run_id"], *(run_id for _, run_id in spy.runs)}) == 3


async def test_branches_that_give_nothing() -> None:
    branches = RunnableParallel(one=RunnablePick("absent"))
    assert await gathered(branches.astream({"k": 1})) == []
    assert await branches.astream({"k": 1}).result() == {}
    assert await gathered(RunnablePassthrough.assign(one=RunnablePick("absent")).astream({"k": 1})) == [{"k": 1}]


async def test_binding_at_each_turn_of_a_loop_costs_no_call_more() -> None:
    bound = RunnableLambda(lambda _, **settings: settings)
    for turn in range(5_000):
        bound = bound.bind(turn=turn).with_config(metadata={"turn": turn})
    assert await bound.ainvoke("x") == {"turn": 4_999}
