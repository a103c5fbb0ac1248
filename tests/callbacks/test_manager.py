"""Managers: starting runs by hand, groups of calls, events of one's own."""

from __future__ import annotations

import inspect
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from langchain_core import outputs as their_outputs
from langchain_core.callbacks import BaseCallbackHandler as TheirHandler
from langchain_core.callbacks import manager as reference
from langchain_core.messages import HumanMessage as TheirMessage

from chatcore.callbacks import AsyncCallbackHandler, BaseCallbackHandler, manager
from chatcore.callbacks.manager import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManager,
    CallbackManagerForLLMRun,
    adispatch_custom_event,
    ahandle_event,
    atrace_as_chain_group,
    dispatch_custom_event,
    handle_event,
    shielded,
    trace_as_chain_group,
)
from chatcore.errors import InvalidInputError, NoRunError
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from chatcore.runnables import RunnableConfig, RunnableLambda

LEFT_OUT = {"langsmith_inheritable_metadata", "langsmith_inheritable_tags", "project_name", "address", "example_id"}
"""Arguments that are about a tracing service."""


@pytest.mark.parametrize("name", [name for name in manager.__all__ if name != "shielded"])
def test_names_methods_and_parameters_are_the_references(name: str) -> None:
    theirs, ours = getattr(reference, name), getattr(manager, name)
    if inspect.isfunction(theirs):
        assert _parameters(ours) == _parameters(theirs)
        return
    for method, value in inspect.getmembers(theirs):
        if method.startswith("_") or (not hasattr(ours, method) and method in dir(reference.RunManagerMixin)):
            continue
        assert hasattr(ours, method), method
        if name.endswith("Run") and inspect.isfunction(value):
            assert inspect.iscoroutinefunction(value) == inspect.iscoroutinefunction(getattr(ours, method)), method
            assert _parameters(getattr(ours, method)) == _parameters(value), method


def _parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in LEFT_OUT]


def _events(base: Any) -> tuple[Any, list[Any]]:
    heard: list[Any] = []

    def method(event: str) -> Any:
        def told(self: Any, *args: Any, **kwargs: Any) -> None:
            heard.append((event, len(args), {key: kwargs[key] for key in sorted(kwargs)}))

        return told

    names = [name for name in dir(base) if name.startswith("on_")]
    return type("Handler", (base,), {name: method(name) for name in names})(), heard


def _script(library: Any, handler: Any, message: Any, result: Any, ids: list[UUID]) -> None:
    """All that sync managers can tell."""
    made = library.CallbackManager.configure(
        [handler],
        None,
        inheritable_tags=["a"],
        local_tags=["b"],
        inheritable_metadata={"x": 1},
        local_metadata={"y": 2},
    )
    chain = made.on_chain_start({"name": "c"}, {"in": 1}, run_id=ids[0])
    child = chain.get_child("mine")
    (model,) = child.on_chat_model_start({"name": "m"}, [[message]], run_id=ids[1])
    model.on_llm_new_token("tok")
    model.on_llm_end(result)
    (text,) = child.on_llm_start({"name": "l"}, ["p"], run_id=ids[2])
    text.on_llm_error(KeyError("x"))
    tool = child.on_tool_start({"name": "t"}, "in", run_id=ids[3], inputs={"i": 1})
    tool.on_text("hm")
    tool.on_tool_end("out")
    child.on_tool_start(None, "in", run_id=ids[3]).on_tool_error(KeyError("x"))
    child.on_retriever_start({}, "q", run_id=ids[4]).on_retriever_end([])
    child.on_retriever_start({}, "q", run_id=ids[4]).on_retriever_error(KeyError("x"))
    child.on_custom_event("e", 1, run_id=ids[0])
    chain.on_agent_action("a")
    chain.on_agent_finish("f")
    chain.on_chain_end({"out": 1})
    made.on_chain_start(None, {}, run_id=ids[0]).on_chain_error(KeyError("x"))


def test_sync_managers_tell_what_the_references_tell() -> None:
    ids = [uuid4() for _ in range(5)]
    theirs, expected = _events(TheirHandler)
    ours, heard = _events(BaseCallbackHandler)
    _script(reference, theirs, TheirMessage("hi"), their_outputs.LLMResult(generations=[[]]), ids)
    _script(manager, ours, HumanMessage("hi"), LLMResult(generations=[[]]), ids)
    assert len(heard) == 21
    for mine, other in zip(heard, expected, strict=True):
        mine[2].pop("token", None), other[2].pop("token", None)
        assert (mine[0], mine[2].keys()) == (other[0], other[2].keys())
        for key in ("run_id", "parent_run_id", "tags", "metadata", "inputs"):
            assert mine[2].get(key) == other[2].get(key)


@pytest.mark.anyio
async def test_async_managers_are_the_same_and_have_sync_forms() -> None:
    handler, heard = _events(BaseCallbackHandler)
    made = AsyncCallbackManager.configure([handler])
    assert made.is_async
    chain = await made.on_chain_start({}, {})
    (model,) = await chain.get_child().on_chat_model_start({}, [[HumanMessage("hi")]])
    sync = model.get_sync()
    assert isinstance(sync, CallbackManagerForLLMRun)
    assert (sync.run_id, sync.parent_run_id, sync.ancestors) == (model.run_id, chain.run_id, (chain.run_id,))
    sync.on_llm_end(LLMResult(generations=[[]]))
    for kind in ("tool", "retriever"):
        run = await getattr(chain.get_child(), f"on_{kind}_start")({}, "x")
        getattr(run.get_sync(), f"on_{kind}_end")("y")
    chain.get_sync().on_chain_end({})
    assert [event for event, _, _ in heard] == [
        "on_chain_start",
        "on_chat_model_start",
        "on_llm_end",
        "on_tool_start",
        "on_tool_end",
        "on_retriever_start",
        "on_retriever_end",
        "on_chain_end",
    ]
    noop = AsyncCallbackManagerForLLMRun.get_noop_manager()
    await noop.on_llm_new_token("x")
    assert noop.handlers == []


@pytest.mark.anyio
async def test_a_runs_end_is_told_though_its_call_is_cancelled() -> None:
    told: list[str] = []

    class Slow(AsyncCallbackHandler):
        async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
            await anyio.lowlevel.checkpoint()
            told.append(type(error).__name__)

    with anyio.move_on_after(0) as scope:
        async with atrace_as_chain_group("both", AsyncCallbackManager([Slow()], [])):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert told in (["CancelledError"], ["Cancelled"])


def test_configure_copies_what_a_manager_has() -> None:
    one, two, parent = BaseCallbackHandler(), BaseCallbackHandler(), uuid4()
    given = CallbackManager([one], [one], parent, tags=["a"], inheritable_tags=["a"], metadata={"x": 1})
    made = AsyncCallbackManager.configure(given, [two], True, ["b"], ["c"])
    assert [type(handler).__name__ for handler in made.handlers][2:] == ["StdOutCallbackHandler"]
    assert made.handlers[:2] == [one, two]
    assert (made.inheritable_handlers, made.parent_run_id, made.ancestors) == ([one], parent, (parent,))
    assert (made.tags, made.inheritable_tags, made.metadata) == (["a", "b", "c"], ["a", "b"], {"x": 1})
    assert (given.handlers, given.tags) == ([one], ["a"])


def test_other_arguments_of_a_custom_event_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="does not accept additional keyword arguments"):
        CallbackManager([]).on_custom_event("e", 1, more=2)


# --------------------------------------------------------------------------------------------------------------- groups


class Echo(BaseChatModel):
    """Repeats, and tells its manager of a token."""

    @property
    def _llm_type(self) -> str:
        return "echo"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if run_manager is not None:
            await run_manager.on_llm_new_token("tok")
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].text))])


class SyncEcho(Echo):
    """The same, by sync code."""

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if run_manager is not None:
            chunk = AIMessageChunk(content="tok")
            run_manager.on_llm_new_token("tok", chunk=ChatGenerationChunk(message=chunk))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].text))])

    _agenerate = BaseChatModel._agenerate


@pytest.mark.anyio
async def test_a_group_is_one_run_with_the_calls_in_it() -> None:
    handler, heard = _events(BaseCallbackHandler)
    async with atrace_as_chain_group("both", AsyncCallbackManager([handler], [handler]), tags=["g"]) as group:
        await Echo().ainvoke("one", {"callbacks": group})
        await Echo().ainvoke("two", {"callbacks": group.copy().merge(AsyncCallbackManager([]))})
    names = [event for event, _, _ in heard if event != "on_llm_new_token"]
    assert names == ["on_chain_start", *["on_chat_model_start", "on_llm_end"] * 2, "on_chain_end"]
    root = heard[0][2]["run_id"]
    assert {kwargs["parent_run_id"] for event, _, kwargs in heard if "chain" not in event} == {root}
    assert all("g" in kwargs["tags"] for _, _, kwargs in heard)


def test_a_sync_group_ends_as_failed_or_by_hand() -> None:
    handler, heard = _events(BaseCallbackHandler)
    callbacks = CallbackManager([handler], [handler])
    with pytest.raises(KeyboardInterrupt), trace_as_chain_group("g", callbacks):
        raise KeyboardInterrupt
    with trace_as_chain_group("g", callbacks) as group:
        group.on_chain_end({"out": 1})
    with pytest.raises(KeyError), trace_as_chain_group("g", callbacks) as group:
        group.on_chain_error(KeyError())
        raise KeyError
    with trace_as_chain_group("g", callbacks):
        pass
    ends = [event for event, _, _ in heard if event != "on_chain_start"]
    assert ends == ["on_chain_error", "on_chain_end", "on_chain_error", "on_chain_end"]


# --------------------------------------------------------------------------------------------------------------- hooks


@pytest.mark.anyio
@pytest.mark.parametrize("model", [Echo(), SyncEcho()])
async def test_what_a_hook_tells_its_manager_is_told_to_the_handlers_of_the_call(model: Echo) -> None:
    tokens: list[tuple[Any, str]] = []

    class Hearing(AsyncCallbackHandler):
        async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
            tokens.append((token, chunk.text))

    await model.ainvoke("hi", {"callbacks": [Hearing()]})
    await model.ainvoke("hi")
    assert tokens == [("tok", "tok")]


# --------------------------------------------------------------------------------------------------------------- events


@pytest.mark.anyio
async def test_events_of_ones_own_are_told_within_a_run_and_only_there() -> None:
    handler, heard = _events(BaseCallbackHandler)

    async def speak(given: int, config: RunnableConfig) -> int:
        await adispatch_custom_event("a", given)
        await adispatch_custom_event("b", given, config=config)
        return given

    def say(given: int) -> int:
        dispatch_custom_event("c", given)
        return given

    steps = RunnableLambda(speak) | RunnableLambda(say)
    assert await steps.ainvoke(1, {"callbacks": [handler], "tags": ["t"], "metadata": {"m": 1}}) == 1
    events = [kwargs for event, _, kwargs in heard if event == "on_custom_event"]
    starts = [kwargs["run_id"] for event, _, kwargs in heard if event == "on_chain_start"]
    assert [kwargs["run_id"] for kwargs in events] == [starts[1], starts[1], starts[2]]
    assert all((kwargs["tags"], kwargs["metadata"]) == (["t"], {"m": 1}) for kwargs in events)
    # Nobody listens: nothing is told, and nothing fails.
    assert await steps.ainvoke(1) == 1
    with pytest.raises(NoRunError, match="Unable to dispatch an adhoc event without a parent run id"):
        await adispatch_custom_event("a", 1)
    with pytest.raises(RuntimeError, match="parent run id"):
        dispatch_custom_event("a", 1, config={"callbacks": [handler]})


@pytest.mark.anyio
async def test_events_of_ones_own_are_among_the_events_of_a_stream() -> None:
    async def speak(given: int) -> int:
        await adispatch_custom_event("a", given)
        return given

    def say(given: int) -> int:
        dispatch_custom_event("b", given)
        return given

    steps = RunnableLambda(speak) | RunnableLambda(say)
    seen = [
        (each["name"], each["data"]) async for each in steps.astream_events(1) if each["event"] == "on_custom_event"
    ]
    assert seen == [("a", 1), ("b", 1)]


@pytest.mark.anyio
async def test_any_event_can_be_handled() -> None:
    handler, heard = _events(BaseCallbackHandler)
    await ahandle_event([handler], "on_text", None, "x", run_id=uuid4())
    handle_event([handler], "on_text", None, "x", run_id=uuid4())
    handler.ignore_retry_ = True
    await ahandle_event([handler], "on_retry", "ignore_retry_", "x", run_id=uuid4())
    assert [event for event, _, _ in heard] == ["on_text", "on_text"]


@pytest.mark.anyio
async def test_a_shielded_function_runs_to_its_end() -> None:
    ended: list[int] = []

    @shielded
    async def work(value: int) -> int:
        await anyio.lowlevel.checkpoint()
        ended.append(value)
        return value

    assert await work(1) == 1
    with anyio.CancelScope() as scope:
        scope.cancel()
        await work(2)
    assert ended == [1, 2]
