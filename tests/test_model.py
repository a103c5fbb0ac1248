"""`BaseChatModel`: every set of hooks, what they may return, and what a caller gets."""

from __future__ import annotations

import contextvars
import itertools
import pickle
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from chatcore.callbacks import AsyncCallbackHandler
from chatcore.engine.limits import TokenBucket
from chatcore.errors import (
    InvalidInputError,
    MalformedResponseError,
    ServerError,
    StreamInterrupted,
    UnsupportedError,
)
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from chatcore.prompt_values import StringPromptValue
from chatcore.runnables import RunnableGenerator, RunnableLambda
from tests.engine.models import Named, Plain, Streaming, SyncPlain, SyncStreaming, chunk, letters

pytestmark = pytest.mark.anyio


# ------------------------------------------------------------------------------------------------------ sets of hooks


async def _agenerate(self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content="agenerate"))])


async def _astream(
    self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
) -> AsyncIterator[ChatGenerationChunk]:
    yield chunk("astr")
    yield chunk("eam")


def _generate(self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
    assert threading.current_thread() is not threading.main_thread(), "sync code is not run in the loop"
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content="generate"))])


def _stream(
    self: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
) -> Iterator[ChatGenerationChunk]:
    assert threading.current_thread() is not threading.main_thread(), "sync code is not run in the loop"
    yield chunk("str")
    yield chunk("eam")


HOOKS = {"_agenerate": _agenerate, "_astream": _astream, "_generate": _generate, "_stream": _stream}
SETS = [names for count in range(5) for names in itertools.combinations(HOOKS, count)]


def model_with(*names: str, **fields: Any) -> BaseChatModel:
    body = {"_llm_type": property(lambda self: "made"), **{name: HOOKS[name] for name in names}}
    return type("Made", (BaseChatModel,), {**body, "__module__": __name__})(**fields)


def expected(names: tuple[str, ...], order: str) -> str:
    """What the hook says that is first in `order` and there."""
    for name in order.split():
        if name in names:
            return name.removeprefix("_")
    raise AssertionError


@pytest.mark.parametrize("names", SETS[1:], ids="+".join)
async def test_which_hook_answers(names: tuple[str, ...]) -> None:
    model = model_with(*names)
    whole = expected(names, "_agenerate _astream _generate _stream")
    streamed = expected(names, "_astream _stream _agenerate _generate")
    message = await model.ainvoke("hi")
    assert type(message) is AIMessage
    assert message.text == whole
    async with model.astream("hi") as chunks:
        pieces = [piece async for piece in chunks]
    assert "".join(piece.text for piece in pieces) == streamed
    assert len(pieces) == (3 if "stream" in streamed else 1)
    assert (await model.abatch(["hi"]))[0].text == whole
    assert (await model.agenerate([["hi"]])).generations[0][0].text == whole
    # Asked for chunks, or told not to give any.
    assert (await model.ainvoke("hi", stream=True)).text == (streamed if "stream" in streamed else whole)
    async with model.astream("hi", stream=False) as chunks:
        assert [piece.text async for piece in chunks] == [whole]


async def test_no_hook_at_all() -> None:
    model = model_with()
    for verb in (model.ainvoke, lambda text: anext(model.astream(text))):
        with pytest.raises(
            UnsupportedError, match="Made implements none of _agenerate, _astream, _generate and _stream"
        ):
            await verb("hi")


@pytest.mark.parametrize(
    ("disabled", "tools", "streams"),
    [
        (False, None, True),
        (True, None, False),
        (True, [{}], False),
        ("tool_calling", None, True),
        ("tool_calling", [], True),
        ("tool_calling", [{}], False),
    ],
)
async def test_disable_streaming(disabled: Any, tools: Any, streams: bool) -> None:
    model = model_with("_agenerate", "_astream", disable_streaming=disabled)
    settings = {} if tools is None else {"tools": tools}
    async with model.astream("hi", **settings) as chunks:
        texts = [piece.text async for piece in chunks]
    assert texts == (["astr", "eam", ""] if streams else ["agenerate"])
    # It says what `astream` gives; and wins over what asks for chunks.
    assert (await model.ainvoke("hi", stream=True, **settings)).text == ("astream" if streams else "agenerate")


async def test_streaming_field() -> None:
    class Both(Named):
        streaming: bool = False
        _agenerate = _agenerate
        _astream = _astream

    assert (await Both().ainvoke("hi")).text == "agenerate"
    assert (await Both(streaming=True).ainvoke("hi")).text == "astream"
    assert (await Both(streaming=True, disable_streaming=True).ainvoke("hi")).text == "agenerate"
    assert len([piece async for piece in Both().astream("hi")]) == 3
    assert len([piece async for piece in Both(streaming=False).astream("hi")]) == 1


async def test_inherited_and_mixed_in_hooks() -> None:
    class Mixin:
        async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content="mixed in"))])

    class Child(Mixin, Named):
        pass

    class Grandchild(Child):
        pass

    assert (await Grandchild().ainvoke("hi")).text == "mixed in"


# ---------------------------------------------------------------------------------------------------- wrong hooks


def hook(name: str, function: Any) -> BaseChatModel:
    body = {"_llm_type": property(lambda self: "wrong"), name: function, "__module__": __name__}
    return type("Wrong", (BaseChatModel,), body)()


@pytest.mark.parametrize("wrong", [None, "text", AIMessage(content="x"), ChatResult(generations=[])], ids=repr)
@pytest.mark.parametrize("name", ["_agenerate", "_generate"])
async def test_whole_hook_that_returns_something_else(name: str, wrong: Any) -> None:
    async def later(self: Any, messages: Any, **kwargs: Any) -> Any:
        return wrong

    def now(self: Any, messages: Any, **kwargs: Any) -> Any:
        return wrong

    with pytest.raises(
        MalformedResponseError, match="Wrong must answer with a ChatResult that has a generation, not with"
    ):
        await hook(name, later if name == "_agenerate" else now).ainvoke("hi")


@pytest.mark.parametrize("wrong", [None, "text", AIMessage(content="x"), ChatResult(generations=[])], ids=repr)
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", ["_astream", "_stream"])
async def test_stream_hook_that_yields_something_else(name: str, first: bool, wrong: Any) -> None:
    def now(self: Any, messages: Any, **kwargs: Any) -> Iterator[Any]:
        if not first:
            yield chunk("a")
        yield wrong

    async def later(self: Any, messages: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for piece in now(self, messages):
            yield piece

    model = hook(name, later if name == "_astream" else now)
    for verb in (model.ainvoke, lambda text: model.astream(text).result()):
        with pytest.raises(MalformedResponseError, match=r"must yield ChatGenerationChunks.*not a"):
            await verb("hi")


async def test_stream_hook_that_is_no_generator() -> None:
    async def returns(self: Any, messages: Any, **kwargs: Any) -> Any:
        return [chunk("a")]

    def returns_none(self: Any, messages: Any, **kwargs: Any) -> Any:
        return None

    for wrong in (returns, returns_none):
        with pytest.raises(MalformedResponseError, match=r"Wrong\._astream must be an async generator function"):
            await hook("_astream", wrong).ainvoke("hi")


async def test_stream_hook_that_returns_an_iterator_or_iterable() -> None:
    class Iterable:
        def __aiter__(self) -> AsyncIterator[Any]:
            return _astream(None, None)

    for made in (Iterable(), _astream(None, None)):
        model = hook("_astream", lambda self, messages, made=made, **kwargs: made)
        assert (await model.ainvoke("hi")).text == "astream"
    thread: list[threading.Thread] = []

    def begins_at_once(self: Any, messages: Any, **kwargs: Any) -> Any:
        thread.append(threading.current_thread())
        return [chunk("a"), chunk("b")]

    assert (await hook("_stream", begins_at_once).ainvoke("hi")).text == "ab"
    assert thread[0] is not threading.main_thread(), "what it waits for before it returns does not hold up the loop"


async def test_empty_stream() -> None:
    for model in (Streaming(chunks=letters), SyncStreaming()):
        for verb in (model.ainvoke, lambda text, model=model: model.astream(text).result()):
            with pytest.raises(MalformedResponseError, match="No generation chunks were returned"):
                await verb("")


# -------------------------------------------------------------------------------------------------- what is answered


async def test_ids() -> None:
    message = await Plain().ainvoke("hi")
    assert (message.id or "").startswith("lc_run--")
    assert message.id != (await Plain().ainvoke("hi")).id

    async def with_id(text: str) -> AIMessage:
        return AIMessage(content="x", id="provider")

    assert (await Plain(answer=with_id).ainvoke("hi")).id == "provider"
    async with Streaming(chunks=letters).astream("abc") as chunks:
        ids = {piece.id async for piece in chunks}
        assert len(ids) == 1
        assert (await chunks.result()).id in ids


async def test_id_of_a_provider_that_gives_one_with_the_first_chunk_only() -> None:
    async def one_id(text: str) -> AsyncIterator[Any]:
        yield chunk("a", id="provider")
        yield chunk("b")

    assert (await Streaming(chunks=one_id).ainvoke("x")).id == "provider"


async def test_last_chunk_is_marked() -> None:
    positions = [piece.chunk_position async for piece in Streaming(chunks=letters).astream("ab")]
    assert positions == [None, None, "last"]

    async def marked(text: str) -> AsyncIterator[Any]:
        yield chunk("a")
        yield chunk("b", chunk_position="last")

    positions = [piece.chunk_position async for piece in Streaming(chunks=marked).astream("ab")]
    assert positions == [None, "last"]


async def test_generation_info_and_llm_output_are_in_the_response_metadata() -> None:
    async def informed(text: str) -> ChatResult:
        message = AIMessage(content="x", response_metadata={"a": "message"})
        info = {"a": "info", "b": "info"}
        output = {"a": "output", "b": "output", "c": "output"}
        return ChatResult(generations=[ChatGeneration(message=message, generation_info=info)], llm_output=output)

    message = await Plain(answer=informed).ainvoke("hi")
    assert message.response_metadata == {"a": "message", "b": "info", "c": "output"}

    async def parts(text: str) -> AsyncIterator[Any]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="a"), generation_info={"model_name": "m"})
        yield ChatGenerationChunk(message=AIMessageChunk(content="b"), generation_info={"finish_reason": "stop"})

    model = Streaming(chunks=parts)
    assert (await model.ainvoke("hi")).response_metadata == {"model_name": "m", "finish_reason": "stop"}
    result = await model.agenerate([["hi"]])
    assert result.generations[0][0].generation_info == {"model_name": "m", "finish_reason": "stop"}


async def test_usage_of_a_stream_is_that_of_the_whole() -> None:
    async def counted(text: str) -> AsyncIterator[Any]:
        for number in (1, 2):
            usage = {"input_tokens": number, "output_tokens": 1, "total_tokens": number + 1}
            yield chunk("a", usage_metadata=usage)

    message = await Streaming(chunks=counted).ainvoke("x")
    assert message.usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


async def test_bare_message_chunks() -> None:
    async def bare(text: str) -> AsyncIterator[Any]:
        for letter in "ab":
            yield AIMessageChunk(content=letter)

    class Part(AIMessageChunk):
        """A chunk of a provider's own."""

    async def subclassed(text: str) -> AsyncIterator[Any]:
        for letter in "ab":
            yield Part(content=letter)

    for pieces in (bare, subclassed):
        model = Streaming(chunks=pieces)
        assert (await model.ainvoke("x")).text == "ab"
        assert [piece.text async for piece in model.astream("x")] == ["a", "b", ""]


async def test_stream_that_breaks_off_with_an_error_of_the_provider() -> None:
    async def cut(text: str) -> AsyncIterator[str]:
        yield "a"
        raise ServerError("overloaded", status=529)

    with pytest.raises(StreamInterrupted, match="after 1 chunks: overloaded") as caught:
        await Streaming(chunks=cut).astream("x").result()
    assert caught.value.partial.text == "a"


async def test_error_of_the_hooks_own_is_raised_as_it_is() -> None:
    async def wrong(text: str) -> AsyncIterator[str]:
        yield "a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await Streaming(chunks=wrong).astream("x").result()


# ------------------------------------------------------------------------------------------------------------ input


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "list of messages is empty"),
        ((), "list of messages is empty"),
        (5, "not int"),
        (None, "not NoneType"),
        (b"hi", "not bytes"),
        ({"role": "user", "content": "hi"}, r"not dict\. Put it in a list: \[message\]"),
        (HumanMessage(content="hi"), r"not HumanMessage\. Put it in a list: \[message\]"),
        ([5], "int"),
        ([("stranger", "hi")], "stranger"),
    ],
    ids=repr,
)
async def test_input_that_is_none(given: Any, said: str) -> None:
    model = Plain()
    with pytest.raises(InvalidInputError, match=said):
        await model.ainvoke(given)
    with pytest.raises(InvalidInputError, match=said):
        # At once, and not where the stream is first read.
        model.astream(given)
    with pytest.raises(InvalidInputError, match=said):
        await model.agenerate([given])
    assert model._watch.begun == 0


@pytest.mark.parametrize("config", ["tags", 5, ["tags"]], ids=repr)
async def test_config_that_is_none(config: Any) -> None:
    with pytest.raises(InvalidInputError, match="config must be a dict"):
        await Plain().ainvoke("hi", config)


async def test_what_is_no_handler_is_refused_and_not_dropped_in_silence() -> None:
    with pytest.raises(InvalidInputError, match="must be a BaseCallbackHandler"):
        await Plain().ainvoke("hi", {"callbacks": [object()]})
    with pytest.raises(InvalidInputError, match="callbacks must be a list of handlers"):
        await Plain().agenerate([["hi"]], callbacks=object())


@pytest.mark.parametrize("stop", [".", ["."]], ids=repr)
async def test_stop(stop: Any) -> None:
    model = Plain()
    await model.ainvoke("hi", stop=stop)
    await model.agenerate([["hi"]], ["."])
    await model.agenerate_prompt([StringPromptValue(text="hi")], ["."])
    assert model._watch.settings == [{"stop": ["."]}] * 3


async def test_setting_with_any_name() -> None:
    model = Plain()
    await model.ainvoke("hi", model="other", name="x", self_="y")
    assert model._watch.settings == [{"model": "other", "name": "x", "self_": "y"}]


async def test_hook_may_change_its_list_of_messages() -> None:
    class Greedy(Named):
        async def _agenerate(self, messages: list[BaseMessage], **kwargs: Any) -> ChatResult:
            messages.append(HumanMessage(content="mine"))
            return ChatResult(generations=[ChatGeneration(message=AIMessage(content=f"{len(messages)}"))])

    given: list[Any] = [HumanMessage(content="a")]
    assert (await Greedy().ainvoke(given)).text == "2"
    assert len(given) == 1


# ---------------------------------------------------------------------------------------------------- generate verbs


async def test_agenerate_gives_every_candidate_in_the_order_of_the_prompts() -> None:
    async def two(text: str) -> ChatResult:
        generations = [ChatGeneration(message=AIMessage(content=f"{text}{number}")) for number in (1, 2)]
        return ChatResult(generations=generations, llm_output={"tokens": 1})

    class Summing(Plain):
        def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
            return {"tokens": sum((output or {}).get("tokens", 0) for output in llm_outputs)}

    result = await Summing(answer=two).agenerate([["a"], ["b"]])
    assert isinstance(result, LLMResult)
    assert [[one.text for one in several] for several in result.generations] == [["a1", "a2"], ["b1", "b2"]]
    assert result.llm_output == {"tokens": 2}
    assert len(result.run or []) == 2


async def test_agenerate_of_nothing() -> None:
    assert (await Plain().agenerate([])).generations == []


async def test_agenerate_with_a_fallback_that_is_no_model() -> None:
    async def fail(text: str) -> str:
        raise ValueError(text)

    model = Plain(answer=fail).with_fallbacks([RunnableLambda(lambda given: AIMessage(content="other"))])
    assert (await model.agenerate([["a"]])).generations[0][0].text == "other"


async def test_agenerate_cancels_the_others_when_one_fails() -> None:
    async def answer(text: str) -> str:
        if text == "bad":
            await model._watch.until(lambda: model._watch.begun == 3)
            raise ValueError(text)
        await anyio.sleep_forever()
        return text

    model = Plain(answer=answer)
    with pytest.raises(ValueError, match="bad"):
        await model.agenerate([["a"], ["bad"], ["b"]])
    assert model._watch.active == 0


# ------------------------------------------------------------------------------------------------- fields and copies


async def test_context_variables_in_sync_hooks() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    seen: list[str] = []

    def look(text: str) -> str:
        seen.append(user.get())
        return text

    user.set("alice")
    await SyncPlain(answer=look).ainvoke("x")
    await SyncStreaming(chunks=look).ainvoke("x")
    async for _ in SyncStreaming(chunks=look).astream("x"):
        pass
    assert seen == ["alice"] * 3


async def test_decorated_copy_leaves_the_original_alone() -> None:
    model = Plain(name="first")
    bound = model.bind(stop=["."]).with_config(tags=["x"]).with_retry()
    await model.ainvoke("hi")
    assert model._watch.settings == [{}]
    assert (type(bound), bound.name, bound.get_name()) == (Plain, "first", "first")
    assert bound.model_dump() == model.model_dump()
    assert repr(bound) == repr(model)
    assert Plain().get_name() == "Plain"


class Dumb(Named):
    """A model that can be pickled."""

    async def _agenerate(self, messages: list[BaseMessage], stop: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=str(kwargs)))])


@pytest.mark.parametrize("decorated", [False, True])
async def test_model_survives_a_pickle_and_a_deep_copy(decorated: bool) -> None:
    model: Dumb = Dumb(rate_limiter=TokenBucket(requests_per_minute=6000, max_concurrency=3))
    if decorated:
        model = model.bind(x=1).with_retry().with_fallbacks([Dumb()])
    await model.ainvoke("hi")
    for again in (pickle.loads(pickle.dumps(model)), model.model_copy(deep=True)):  # noqa: S301 - our own
        assert (await again.ainvoke("hi")).text == ("{'x': 1}" if decorated else "{}")
        assert repr(again.rate_limiter) == repr(model.rate_limiter)


def test_limiter_is_kept_out_of_dumps() -> None:
    dumped = Dumb(rate_limiter=TokenBucket(max_concurrency=1)).model_dump()
    assert set(dumped) == {"output_version", "name", "disable_streaming", "policies"}


def test_abstract_without_a_type() -> None:
    class Nameless(BaseChatModel):
        pass

    with pytest.raises(TypeError, match="_llm_type"):
        Nameless()  # type: ignore[abstract]


def test_identifying_params_are_empty_unless_given() -> None:
    assert Plain()._identifying_params == {}
    assert Plain()._llm_type == "scripted"


class Trivial(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "trivial"

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="hi"))])


CALLS_ALLOWED = 60
"""How many Python calls an answer may cost with a model that does nothing. Trio's and asyncio's own count too."""


async def test_a_call_makes_few_calls() -> None:
    model = Trivial()
    await model.ainvoke("hi")
    calls: list[str] = []

    def count(frame: Any, event: str, arg: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        await model.ainvoke("hi")
    finally:
        sys.setprofile(before)
    assert len(calls) <= CALLS_ALLOWED, calls


class Heard(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.runs: list[Any] = []

    async def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: Any, **kwargs: Any) -> None:
        self.runs.append(run_id)


async def test_generate_tells_the_ids_of_its_runs() -> None:
    heard = Heard()
    given = uuid.uuid4()
    first = await Trivial().agenerate([["a"], ["b"]], callbacks=[heard], run_id=given)
    assert [run.run_id for run in first.run or ()] == heard.runs
    assert heard.runs[0] == given
    assert len(set(heard.runs)) == 2
    assert first.generations[1][0].message.id == f"lc_run--{heard.runs[1]}-0"


class Recording(BaseChatModel):
    """Keeps the settings that it was called with, and tells of itself in its own way."""

    settings: list[Any] = []  # noqa: RUF012 - a field

    @property
    def _llm_type(self) -> str:
        return "recording"

    def dict(self, **kwargs: Any) -> Any:
        return {**super().dict(**kwargs), "said": "by the older name"}

    def _get_invocation_params(self, stop: Any = None, **kwargs: Any) -> Any:
        told = super()._get_invocation_params(stop, **kwargs)
        return {**told, "inner": "***"} if "inner" in told else told

    async def _astream(self, messages: Any, stop: Any = None, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.settings.append(kwargs)
        yield chunk("a")


class Told(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.kwargs: list[dict[str, Any]] = []

    async def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.kwargs.append(kwargs)


async def test_what_a_model_does_not_tell_is_no_option_either() -> None:
    told = Told()
    model = Recording()
    async for _ in model.astream("x", {"callbacks": [told]}, inner="secret", k=1):
        pass
    assert model.settings == [{"inner": "secret", "k": 1}]
    assert told.kwargs[0]["options"] == {"inner": "***", "k": 1, "stop": None}
    assert told.kwargs[0]["invocation_params"]["said"] == "by the older name"
    assert "secret" not in str(told.kwargs)


@pytest.mark.parametrize("name", ["ls_structured_output_format", "structured_output_format"])
async def test_what_is_bound_for_a_tracer_is_no_setting_of_a_hook(name: str) -> None:
    model = Recording()
    bound = model.bind(**{name: {"kwargs": {}, "schema": {}}}, k=1)
    await bound.ainvoke("x")
    _ = [part async for part in bound.astream("x")]
    await (await bound.astream_events("x", version="v3"))
    assert model.settings == [{"k": 1}] * 3


async def test_a_stream_whose_pull_was_cancelled_does_not_end_as_if_it_were_whole() -> None:
    waiting = anyio.Event()

    class Slow(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "slow"

        async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            yield AIMessageChunk(content="a")
            waiting.set()
            await anyio.sleep_forever()

    async def impatient(chunks: Any) -> Any:
        pulls = aiter(chunks)
        yield (await anext(pulls)).text
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def give_up() -> None:
                    await waiting.wait()
                    scope.cancel()

                tasks.start_soon(give_up)
                await anext(pulls)
        yield (await anext(pulls)).text

    with pytest.raises(StreamInterrupted, match="a pull of it had been cancelled"):
        await (Slow() | RunnableGenerator(impatient)).astream("hi").result()
