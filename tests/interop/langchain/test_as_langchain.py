"""A chatcore model as LangChain's: what LangChain's own suite (test_langchain_standard.py) does not look at."""

from __future__ import annotations

import functools
import gc
import operator
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import anyio
import pydantic.v1
import pytest
from langchain_core import exceptions as lc_errors
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel as LangChainChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import InjectedToolArg
from langchain_core.tools import tool as langchain_tool
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

import chatcore
from chatcore import ChatOpenAI
from chatcore import messages as own
from chatcore.errors import RateLimited, StreamInterrupted, UnsupportedError
from chatcore.interop.langchain import as_langchain
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.testing import Fault, Reply, Simulator, ThreadedSimulator
from chatcore.tools import tool


@pytest.fixture
def anyio_backend() -> str:
    # LangChain runs on asyncio alone.
    return "asyncio"


def over(sim: Simulator | ThreadedSimulator, **given: Any) -> LangChainChatModel:
    return as_langchain(ChatOpenAI(model="any", api_key="test", base_url=sim.base_url, **given))


class Scripted(chatcore.BaseChatModel):
    """A chatcore model of one's own."""

    chunks: list[Any]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        answers = [own.AIMessage(f"{answer}{kwargs or ''}") for answer in range(2)]
        generations = [ChatGeneration(message=answer, generation_info={"n": n}) for n, answer in enumerate(answers)]
        return ChatResult(generations=generations, llm_output={"told": True})

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for chunk in self.chunks:
            yield ChatGenerationChunk(message=chunk)


# ------------------------------------------------------------------------------------------------------------ calls


@pytest.mark.anyio
async def test_answers_carry_all_that_chatcores_do() -> None:
    async with Simulator(script=Reply("é", reasoning="so")) as sim:
        model = ChatOpenAI(model="any", api_key="test", base_url=sim.base_url)
        ours, theirs = await model.ainvoke("hi"), await as_langchain(model).ainvoke("hi")
    assert type(theirs) is AIMessage
    assert theirs.content == ours.content
    assert theirs.usage_metadata == ours.usage_metadata
    assert theirs.additional_kwargs == ours.additional_kwargs
    assert theirs.response_metadata.keys() == ours.response_metadata.keys()
    assert theirs.id
    assert theirs.id.startswith("chatcmpl-")


@pytest.mark.anyio
async def test_standard_content_goes_across() -> None:
    # Content as its provider sends it each library reads by its own translators; what is standard already is the same.
    async with Simulator(script=Reply("é", reasoning="so")) as sim:
        model = ChatOpenAI(model="any", api_key="test", base_url=sim.base_url, output_version="v1")
        ours, theirs = await model.ainvoke("hi"), await as_langchain(model).ainvoke("hi")
        streamed = [chunk async for chunk in as_langchain(model).astream("hi")]
    assert theirs.content == theirs.content_blocks == ours.content_blocks
    assert [block["type"] for block in theirs.content_blocks] == ["reasoning", "text"]
    joined = functools.reduce(operator.add, streamed)
    assert [(block["type"], block.get("text")) for block in joined.content] == [("reasoning", None), ("text", "é")]


@pytest.mark.anyio
async def test_several_answers_and_what_was_said_of_them_go_across() -> None:
    model = as_langchain(Scripted(chunks=[]))
    result = await model.agenerate([[HumanMessage("hi")]], top_k=3)
    assert [generation.text for generation in result.generations[0]] == ["0{'top_k': 3}", "1{'top_k': 3}"]
    assert [generation.generation_info for generation in result.generations[0]] == [{"n": 0}, {"n": 1}]


@pytest.mark.anyio
async def test_what_no_provider_named_langchain_names_by_its_run() -> None:
    runs = RunCollectorCallbackHandler()
    model = as_langchain(Scripted(chunks=[own.AIMessageChunk(content="a"), own.AIMessageChunk(content="b")]))
    streamed = [chunk async for chunk in model.astream("hi", {"callbacks": [runs]})]
    whole = await model.ainvoke("hi", {"callbacks": [runs]})
    first, second = runs.traced_runs
    assert {chunk.id for chunk in streamed} == {f"lc_run--{first.id}"}
    assert whole.id == f"lc_run--{second.id}-0"


def test_sync_verbs_work_without_and_within_a_loop() -> None:
    with Simulator.in_thread(script="Paris.") as sim:
        model = over(sim)
        assert model.invoke("hi").text == "Paris."
        assert "".join(chunk.text for chunk in model.stream("hi")) == "Paris."
        assert [answer.text for answer in model.batch(["a", "b"])] == ["Paris.", "Paris."]

        async def in_a_loop() -> str:
            return model.invoke("hi").text

        assert anyio.run(in_a_loop) == "Paris."


class Heard(BaseCallbackHandler):
    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.events.append(("start", serialized["name"], kwargs["tags"], kwargs["invocation_params"]))

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        self.events.append(token)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.events.append(("end", response.generations[0][0].message.usage_metadata))

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.events.append(("error", type(error).__name__))


@pytest.mark.anyio
async def test_langchains_handlers_are_told() -> None:
    heard = Heard()
    async with Simulator(script=Reply("one two", chunks=["one", " two"])) as sim:
        model = over(sim, tags=["mine"], temperature=0.5)
        await model.ainvoke("hi", {"callbacks": [heard], "tags": ["call"]}, stop=["x"])
        async for _ in model.astream("hi", {"callbacks": [heard]}):
            pass
    (_, name, tags, params), ended, second, *rest = heard.events
    assert (name, sorted(tags)) == ("ChatOpenAI", ["call", "mine"])
    assert (params["temperature"], params["stop"], params["_type"]) == (0.5, ["x"], "openai-chat")
    assert ended[0] == "end"
    assert ended[1]["output_tokens"] > 0
    assert second[0] == "start"
    assert [token for token in rest[:-1] if token] == ["one", " two"]
    assert rest[-1] == ended


@pytest.mark.anyio
async def test_hooks_called_with_a_run_tell_it_of_each_token() -> None:
    told: list[str] = []

    class Run:
        async def on_llm_new_token(self, token: str, *, chunk: Any) -> None:
            told.append(token)

    class SyncRun:
        def on_llm_new_token(self, token: str, *, chunk: Any) -> None:
            told.append(token)

    model = as_langchain(Scripted(chunks=[own.AIMessageChunk(content="a")]))
    hooks: Any = model
    assert [part.text async for part in hooks._astream([HumanMessage("hi")], run_manager=Run())] == ["a", ""]
    assert [part.text for part in hooks._stream([HumanMessage("hi")], run_manager=SyncRun())] == ["a", ""]
    assert told == ["a", "", "a", ""]


@pytest.mark.anyio
async def test_events_of_a_chain_stream_through() -> None:
    async with Simulator(script=Reply("one two", chunks=["one", " two"])) as sim:
        chain = ChatPromptTemplate.from_messages([("human", "{x}")]) | over(sim)
        events = [event async for event in chain.astream_events({"x": "hi"})]
    tokens = [event["data"]["chunk"].content for event in events if event["event"] == "on_chat_model_stream"]
    assert "".join(tokens) == "one two"
    assert next(event for event in events if event["event"] == "on_chat_model_start")["name"] == "ChatOpenAI"


# --------------------------------------------------------------------------------------------- leaving and failing


@pytest.mark.anyio
async def test_a_stream_that_is_left_closes_its_connection_at_once() -> None:
    async with Simulator(script=Fault.stall(after_chunks=3)) as sim:
        async for _ in over(sim).bind_tools([look]).astream("hi"):
            break
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0, timeout=1)
        assert stats.requests_cut_off == 1


def test_a_sync_stream_that_is_left_closes_its_connection_at_once() -> None:
    with Simulator.in_thread(script=Fault.stall(after_chunks=3)) as sim:
        for _ in over(sim).stream("hi"):
            break
        assert sim.wait_for(lambda stats: stats.connections_open == 0, timeout=1).requests_cut_off == 1


@pytest.mark.anyio
@pytest.mark.parametrize("verb", ["ainvoke", "astream"])
async def test_a_cancelled_call_closes_its_connection_at_once(verb: str) -> None:
    heard = Heard()
    async with Simulator(script=Fault.stall(after_chunks=3)) as sim:
        model = over(sim)

        async def call() -> None:
            if verb == "ainvoke":
                await model.ainvoke("hi", {"callbacks": [heard]})
            async for _ in model.astream("hi", {"callbacks": [heard]}):
                pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await sim.wait_for(lambda stats: stats.stalled == 1)
            tasks.cancel_scope.cancel()
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0, timeout=1)
        assert stats.requests_cut_off == 1


@pytest.mark.anyio
async def test_a_refused_call_is_both_libraries_error() -> None:
    heard = Heard()
    async with Simulator(script=Fault.http(429, retry_after=0.5)) as sim:
        model = over(sim, max_retries=0)
        with pytest.raises(lc_errors.ModelRateLimitError) as caught:
            await model.ainvoke("hi", {"callbacks": [heard]})
        assert isinstance(caught.value, RateLimited)
        assert (caught.value.status, caught.value.retry_after) == (429, 0.5)
        with pytest.raises(lc_errors.ModelRateLimitError):
            async for _ in model.astream("hi"):
                pass
    assert heard.events[-1] == ("error", "RateLimited")


@pytest.mark.anyio
async def test_a_stream_that_breaks_off_is_an_error_with_what_had_come() -> None:
    async with Simulator(script=Fault.cut(after_chunks=3, reply=Reply("one two three four five six"))) as sim:
        with pytest.raises(lc_errors.ModelConnectionError) as caught:
            async for _ in over(sim).astream("hi"):
                pass
    assert isinstance(caught.value, StreamInterrupted)
    assert caught.value.partial.text


@pytest.mark.anyio
async def test_chatcores_own_policies_are_at_work() -> None:
    async with Simulator(script=[Fault.http(503), "Paris.", Fault.http(503), "Paris."]) as sim:
        model = over(sim, max_retries=1)
        assert (await model.ainvoke("hi")).text == "Paris."
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "Paris."


# ------------------------------------------------------------------------------------------------------------ tools


def look(at: str, user: Annotated[str, InjectedToolArg] = "nobody") -> str:
    """Look at something.

    Args:
        at: what to look at.
    """
    return at


class Look(BaseModel):
    """Look at something."""

    at: str


class LookDict(TypedDict):
    """Look at something."""

    at: Annotated[str, ..., "what to look at"]


TOOLS = {
    "function": look,
    "LangChain's tool": langchain_tool(parse_docstring=True)(look),
    "chatcore's tool": tool(parse_docstring=True)(look),
    "pydantic": Look,
    "TypedDict": LookDict,
    "dict": {"name": "look", "description": "Look.", "input_schema": {"type": "object", "properties": {}}},
}


@pytest.mark.parametrize("given", TOOLS.values(), ids=TOOLS.keys())
def test_tools_of_every_kind_are_bound_as_langchain_would(given: Any) -> None:
    model: Any = as_langchain(ChatOpenAI(model="any", api_key="test")).bind_tools([given], tool_choice="any")
    (spec,) = model.kwargs["tools"]
    assert model.kwargs["tool_choice"] == "any"
    # LangChain shows a bare function's injected arguments to the model; made a tool, it does not.
    expected = TOOLS["LangChain's tool"] if given is look or given is TOOLS["chatcore's tool"] else given
    assert spec == convert_to_openai_tool(expected)


@pytest.mark.anyio
async def test_a_tool_is_called_and_its_answer_goes_back() -> None:
    async with Simulator(script=[Reply(tool_calls=[{"name": "look", "args": {"at": "é"}}]), "Seen."]) as sim:
        model = over(sim).bind_tools([langchain_tool(look)], parallel_tool_calls=False)
        asked = HumanMessage("look!")
        answer = await model.ainvoke([asked])
        (call,) = answer.tool_calls
        assert (call["name"], call["args"]) == ("look", {"at": "é"})
        result = langchain_tool(look).invoke(call)
        assert isinstance(result, ToolMessage)
        assert (await model.ainvoke([asked, answer, result])).text == "Seen."
        assert sim.requests[0].body["parallel_tool_calls"] is False
        assert [message["role"] for message in sim.requests[1].body["messages"]] == ["user", "assistant", "tool"]


def test_a_model_that_takes_no_tools_says_so() -> None:
    with pytest.raises(NotImplementedError, match="does not take tools"):
        as_langchain(Scripted(chunks=[])).bind_tools([look])


# --------------------------------------------------------------------------------------------------- structured output


class Old(pydantic.v1.BaseModel):
    """A place."""

    at: str


SCHEMAS: dict[str, tuple[Any, Any]] = {
    "pydantic": (Look, Look(at="é")),
    "pydantic.v1": (Old, Old(at="é")),
    "TypedDict": (LookDict, {"at": "é"}),
    "JSON schema": (Look.model_json_schema(), {"at": "é"}),
}


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize(("schema", "expected"), SCHEMAS.values(), ids=SCHEMAS.keys())
async def test_objects_whole_and_growing(schema: Any, expected: Any, method: Any) -> None:
    name = schema["title"] if isinstance(schema, dict) else schema.__name__
    reply = Reply('{"at": "é"}', chunks=['{"at', '": "', "é", '"}'])
    if method == "function_calling":
        reply = Reply(tool_calls=[{"name": name, "args": {"at": "é"}}])
    async with Simulator(script=reply) as sim:
        model = over(sim).with_structured_output(schema, method=method)
        assert await model.ainvoke("hi") == expected
        grown = [part async for part in model.astream("hi")]
        assert grown[-1] == expected
        if isinstance(expected, dict):
            assert len(grown) > 1
        else:
            assert grown == [expected]

        raw = await over(sim).with_structured_output(schema, method=method, include_raw=True).ainvoke("hi")
        assert isinstance(raw["raw"], AIMessage)
        assert (raw["parsed"], raw["parsing_error"]) == (expected, None)


WRONG = {
    "not JSON": ("json_schema", Reply("no")),
    "cut off": ("function_calling", Reply(tool_calls=[{"name": "Look", "args": '{"at": "x'}], finish_reason="length")),
    "no call": ("function_calling", Reply("I will not.")),
    "invalid": ("json_schema", Reply('{"at": 3}')),
    "refused": ("json_schema", Reply(refusal="I will not.")),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "reply"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_no_answer_is_an_error_and_never_none(method: Any, reply: Reply) -> None:
    async with Simulator(script=reply) as sim:
        model = over(sim).with_structured_output(Look, method=method)
        with pytest.raises(lc_errors.OutputParserException):
            await model.ainvoke("hi")
        with pytest.raises(lc_errors.OutputParserException):
            _ = [part async for part in model.astream("hi")]
        raw = await over(sim).with_structured_output(Look, method=method, include_raw=True).ainvoke("hi")
        assert isinstance(raw["raw"], AIMessage)
        assert raw["parsed"] is None
        assert isinstance(raw["parsing_error"], lc_errors.OutputParserException)


def test_sync_structured_output() -> None:
    with Simulator.in_thread(script=Reply('{"at": "é"}', chunks=['{"at": "', 'é"}'])) as sim:
        model = over(sim).with_structured_output(Look.model_json_schema())
        assert model.invoke("hi") == {"at": "é"}
        assert list(model.stream("hi")) == [{"at": ""}, {"at": "é"}]


# ------------------------------------------------------------------------------------------------------ what it is


@pytest.fixture
def langchain_cache() -> Iterator[None]:
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


@pytest.mark.anyio
async def test_langchains_cache_tells_models_apart_by_what_is_bound(langchain_cache: None) -> None:
    async with Simulator(script=["cold", "hot"]) as sim:
        model = ChatOpenAI(model="any", api_key="test", base_url=sim.base_url)
        cold, hot = as_langchain(model.bind(temperature=0.0)), as_langchain(model.bind(temperature=1.0))
        assert [(await one.ainvoke("hi")).text for one in (cold, hot, cold, hot)] == ["cold", "hot", "cold", "hot"]
        assert sim.stats.requests_total == 2


def test_tracing_facts_are_the_models_own() -> None:
    model: Any = as_langchain(ChatOpenAI(model="m", api_key="test", temperature=0.5).bind(max_tokens=7, stop=["x"]))
    facts = model._get_ls_params()
    assert facts["ls_model_name"] == "m"
    assert (facts["ls_temperature"], facts["ls_max_tokens"], facts["ls_stop"]) == (0.5, 7, ["x"])
    assert model._get_ls_params(stop=["y"], model="other")["ls_stop"] == ["y"]
    assert model._llm_type == "openai-chat"


def test_what_langchain_reads_of_a_model_is_there() -> None:
    profile = {"tool_calling": True, "max_input_tokens": 9}
    ours = ChatOpenAI(
        model="m",
        api_key="test",
        tags=["a"],
        metadata={"b": 1},
        profile=profile,
        disable_streaming=True,
        streaming=True,
    )
    model: Any = as_langchain(ours)
    assert (model.name, model.tags, model.profile) == ("ChatOpenAI", ["a"], profile)
    assert model.metadata["b"] == 1
    assert ours.metadata == {"b": 1}
    assert (model.disable_streaming, model.streaming) == (True, True)
    assert "streaming" not in as_langchain(ChatOpenAI(model="m", api_key="test")).model_fields_set


def test_tokens_are_counted_by_chatcores_model() -> None:
    model = as_langchain(ChatOpenAI(model="m", api_key="test", custom_get_token_ids=lambda text: [0] * len(text)))
    assert model.get_num_tokens("four") == 4


def test_it_shows_no_key_and_travels_without() -> None:
    model = as_langchain(ChatOpenAI(model="m", api_key="sk-secret"))
    assert "sk-secret" not in repr(model) + str(model.asdict()) + str(pickle.dumps(model))
    assert pickle.loads(pickle.dumps(model)).asdict() == model.asdict()  # noqa: S301 - our own


def test_what_is_no_chatcore_model_is_refused() -> None:
    with pytest.raises(TypeError, match="chatcore chat model, not a builtins"):
        as_langchain("openai:gpt")  # type: ignore[arg-type]


def test_a_structured_output_of_ones_own_is_refused_plainly() -> None:
    class Own(Scripted):
        def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
            return self

    with pytest.raises(UnsupportedError, match="with_structured_output of its own"):
        as_langchain(Own(chunks=[])).with_structured_output(Look)


@pytest.mark.anyio
async def test_a_chunk_is_langchains() -> None:
    chunks = [chunk async for chunk in as_langchain(Scripted(chunks=[own.AIMessageChunk(content="a")])).astream("hi")]
    assert [type(chunk) for chunk in chunks] == [AIMessageChunk, AIMessageChunk]
    assert chunks[-1].chunk_position == "last"


class Whole(chatcore.BaseChatModel):
    """A chatcore model that does not stream."""

    @property
    def _llm_type(self) -> str:
        return "whole"

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        answer = own.AIMessage("é", tool_calls=[{"name": "look", "args": {"at": "é"}, "id": "c"}])
        return ChatResult(generations=[ChatGeneration(message=answer)])


@pytest.mark.anyio
async def test_a_model_without_streams_gives_its_answer_as_one_chunk() -> None:
    (chunk,) = [chunk async for chunk in as_langchain(Whole()).astream("hi")]
    assert type(chunk) is AIMessageChunk
    assert (chunk.text, chunk.tool_calls[0]["args"], chunk.chunk_position) == ("é", {"at": "é"}, "last")
    assert [chunk.text for chunk in as_langchain(Whole()).stream("hi")] == ["é"]


@pytest.mark.anyio
async def test_async_handlers_are_awaited() -> None:
    told: list[Any] = []

    class Told(AsyncCallbackHandler):
        async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            await anyio.lowlevel.checkpoint()
            told.append(token)

    async with Simulator(script=Reply("one two", chunks=["one", " two"])) as sim:
        async for _ in over(sim).astream("hi", {"callbacks": [Told()]}):
            pass
    assert "".join(told) == "one two"


# --------------------------------------------------------------------------------------------------------- the extra

WITHOUT = """
import sys
sys.modules["langchain_core"] = None
import chatcore.interop
from chatcore.errors import MissingExtraError
try:
    import chatcore.interop.langchain
except MissingExtraError as error:
    print(error)
"""


def test_without_langchain_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, check=True, text=True)
    assert 'pip install "chatcore[langchain]"' in done.stdout


def test_chatcore_alone_never_loads_langchain() -> None:
    code = (
        "import sys, chatcore, chatcore.interop, chatcore.tools, chatcore.language_models, chatcore.providers.openai\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'langchain_core'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.anyio
async def test_a_dropped_stream_leaves_nothing_behind() -> None:
    async with Simulator(script=Fault.stall(after_chunks=3)) as sim:
        chunks = over(sim).astream("hi")
        await anext(chunks)
        del chunks
        gc.collect()
        await sim.wait_for(lambda stats: stats.connections_open == 0, timeout=1)
