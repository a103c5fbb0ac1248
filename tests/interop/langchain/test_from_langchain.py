"""A LangChain model as chatcore's: on asyncio, and where it has only sync code, on trio too."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel as LangChainChatModel
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI as LangChainOpenAI
from pydantic import BaseModel

import chatcore
from chatcore import messages as own
from chatcore.errors import UnsupportedError
from chatcore.interop.langchain import as_langchain, from_langchain
from chatcore.testing import Fault, Reply, Simulator

PARTS = [
    AIMessageChunk(content="é"),
    AIMessageChunk(content="", tool_call_chunks=[{"name": "look", "args": '{"at":', "id": "c", "index": 0}]),
    AIMessageChunk(content="", tool_call_chunks=[{"name": None, "args": " 1}", "id": None, "index": 0}]),
    AIMessageChunk(content="", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
]


class Sync(LangChainChatModel):
    """A model with sync code alone; it tells what it was given, and where it ran."""

    seen: list[Any] = []  # noqa: RUF012 - pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "sync-only"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.seen.append((messages, stop, kwargs, threading.current_thread()))
        return ChatResult(generations=[ChatGeneration(message=AIMessage("é"))])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self.seen.append((messages, stop, kwargs, threading.current_thread()))
        for part in PARTS:
            yield ChatGenerationChunk(message=part.model_copy())


class Async(Sync):
    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return self._generate(messages, stop, **kwargs)

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for part in self._stream(messages, stop, **kwargs):
            yield part


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """What langchain-openai sends with: the one that it makes itself is never closed."""
    async with httpx2.AsyncClient() as client:
        yield client


def over(sim: Simulator, client: httpx2.AsyncClient, **given: Any) -> chatcore.BaseChatModel:
    theirs = LangChainOpenAI(model="any", api_key="test", base_url=sim.base_url, http_async_client=client, **given)
    return from_langchain(theirs)


def on_asyncio(test: Any) -> Any:
    return pytest.mark.anyio(pytest.mark.parametrize("anyio_backend", ["asyncio"])(test))


@pytest.mark.anyio
async def test_sync_code_runs_in_a_thread_on_either_loop() -> None:
    theirs = Sync()
    model = from_langchain(theirs)
    answer = await model.ainvoke(["hi"], stop=["x"], top_k=3)
    assert isinstance(answer, own.AIMessage)
    assert answer.text == "é"
    async with model.astream("hi") as stream:
        chunks = [chunk async for chunk in stream]
        whole = await stream.result()
    assert all(type(chunk) is own.AIMessageChunk for chunk in chunks)
    assert (whole.text, whole.tool_calls[0]["args"], whole.usage_metadata["total_tokens"]) == ("é", {"at": 1}, 3)
    (messages, stop, kwargs, thread), (_, _, _, other) = theirs.seen
    assert [type(message).__module__.partition(".")[0] for message in messages] == ["langchain_core"]
    assert (stop, kwargs) == (["x"], {"top_k": 3})
    assert threading.current_thread() not in {thread, other}


@pytest.mark.anyio
async def test_async_code_is_asyncios(anyio_backend: str) -> None:
    model = from_langchain(Async())
    if anyio_backend == "trio":
        with pytest.raises(UnsupportedError, match="asyncio only"):
            await model.ainvoke("hi")
        with pytest.raises(UnsupportedError, match="asyncio only"):
            async for _ in model.astream("hi"):
                pass
    else:
        assert (await model.ainvoke("hi")).text == "é"
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "é"


def test_sync_verbs() -> None:
    model = from_langchain(Async())
    assert model.invoke("hi").text == "é"
    assert "".join(chunk.text for chunk in model.stream("hi")) == "é"
    assert [answer.text for answer in model.batch(["a", "b"])] == ["é", "é"]


@on_asyncio
async def test_langchains_callbacks_see_the_run() -> None:
    told: list[str] = []

    class Heard(BaseCallbackHandler):
        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            told.append(messages[0][0].content)

        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            told.append(response.generations[0][0].text)

    await from_langchain(Async(callbacks=[Heard()])).ainvoke("hi")
    assert told == ["hi", "é"]


@on_asyncio
async def test_a_providers_model_of_langchains(client: httpx2.AsyncClient) -> None:
    async with Simulator(script="Paris.") as sim:
        model = over(sim, client)
        whole = await model.ainvoke("hi")
        assert (whole.text, whole.usage_metadata["output_tokens"] > 0) == ("Paris.", True)
        assert whole.response_metadata["model_name"] == "any"
        assert whole.id.startswith("lc_run--")
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "Paris."
        assert [answer.text for answer in await model.abatch(["a", "b"])] == ["Paris.", "Paris."]
        events = [event["event"] async for event in model.astream_events("hi")]
    assert events[0] == "on_chat_model_start"
    assert events[-1] == "on_chat_model_end"


def look(at: str) -> str:
    """Look at something."""
    return at


class Look(BaseModel):
    """Look at something."""

    at: str


@on_asyncio
async def test_tools_are_bound_as_the_model_binds_them(client: httpx2.AsyncClient) -> None:
    call = {"name": "look", "args": {"at": "é"}}
    async with Simulator(script=[Reply(tool_calls=[call]), Reply(tool_calls=[call]), "Seen."]) as sim:
        model = over(sim, client).bind_tools([look], tool_choice="any", parallel_tool_calls=False)
        assert type(model) is type(over(sim, client))
        answer = await model.ainvoke("look!")
        assert answer.tool_calls[0]["args"] == {"at": "é"}
        async with model.astream("look!") as stream:
            streamed = await stream.result()
        assert streamed.tool_calls[0]["args"] == {"at": "é"}
        body = sim.requests[0].body
        assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
        assert body["tools"][0]["function"]["name"] == "look"
        result = own.ToolMessage("é", tool_call_id=answer.tool_calls[0]["id"], artifact=look)
        assert (await over(sim, client).ainvoke(["look!", answer, result])).text == "Seen."


@on_asyncio
async def test_a_choice_of_tools_is_the_models_class_to_read() -> None:
    bound: list[Any] = []

    class Binds(Async):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            bound.append((tools[0]["function"]["name"], kwargs))
            return self.bind(its_own=True)

    theirs = Binds()
    await from_langchain(theirs).bind_tools([look], tool_choice="any", parallel_tool_calls=False).ainvoke("hi", top_k=3)
    assert bound == [("look", {"tool_choice": "any", "parallel_tool_calls": False})]
    assert theirs.seen[-1][2] == {"its_own": True, "top_k": 3}


@on_asyncio
async def test_structured_output(client: httpx2.AsyncClient) -> None:
    async with Simulator(script=Reply(tool_calls=[{"name": "Look", "args": {"at": "é"}}])) as sim:
        assert await over(sim, client).with_structured_output(Look).ainvoke("hi") == Look(at="é")


@pytest.mark.anyio
async def test_a_model_that_takes_no_tools_says_so() -> None:
    with pytest.raises(UnsupportedError, match="no bind_tools"):
        from_langchain(Sync()).bind_tools([look])
    with pytest.raises(UnsupportedError, match="with_structured_output is not implemented"):
        from_langchain(Sync()).with_structured_output(Look)


@on_asyncio
async def test_leaving_and_cancelling_close_the_connection_at_once(client: httpx2.AsyncClient) -> None:
    async with Simulator(script=Fault.stall(after_chunks=3)) as sim:
        async with over(sim, client).astream("hi") as stream:
            await anext(stream)
        await sim.wait_for(lambda stats: stats.requests_cut_off == 1, timeout=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(over(sim, client).ainvoke, "hi")
            await sim.wait_for(lambda stats: stats.stalled == 1)
            tasks.cancel_scope.cancel()
        await sim.wait_for(lambda stats: stats.requests_cut_off == 2, timeout=1)


@on_asyncio
async def test_a_stream_is_closed_by_name_and_not_when_it_is_dropped() -> None:
    closed: list[bool] = []
    kept: list[Any] = []

    class Kept(Async):
        def astream(self, *args: Any, **kwargs: Any) -> Any:
            async def parts() -> Any:
                try:
                    for part in PARTS:
                        yield part
                finally:
                    closed.append(True)

            kept.append(parts())
            return kept[0]

    async with from_langchain(Kept()).astream("hi") as stream:
        await anext(stream)
        assert closed == []
    assert closed == [True]


@on_asyncio
async def test_chatcores_policies_hold(client: httpx2.AsyncClient) -> None:
    async with Simulator(script=[Fault.http(503), "Paris."]) as sim:
        model = over(sim, client, max_retries=0).with_retry(wait_exponential_jitter=False)
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "Paris."


@on_asyncio
async def test_what_is_bound_and_what_is_composed() -> None:
    theirs = Async()
    assert (await from_langchain(theirs.bind(top_k=3)).ainvoke("hi")).text == "é"
    assert theirs.seen[-1][2] == {"top_k": 3}
    prompt = ChatPromptTemplate.from_messages([("system", "brief"), ("placeholder", "{given}")])
    chain = (lambda messages: {"given": messages}) | prompt | theirs
    assert (await from_langchain(chain).ainvoke("hi")).text == "é"
    assert [message.type for message in theirs.seen[-1][0]] == ["system", "human"]
    with pytest.raises(TypeError, match="must answer with an AIMessage, not 'é'"):
        await from_langchain(theirs | StrOutputParser()).ainvoke("hi")


@pytest.mark.anyio
async def test_a_model_without_streams_gives_its_answer_as_one_chunk() -> None:
    class Whole(LangChainChatModel):
        _llm_type = "whole"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
            message = AIMessage("é", tool_calls=[{"name": "look", "args": {"at": 1}, "id": "c"}])
            return ChatResult(generations=[ChatGeneration(message=message)])

    (chunk,) = [chunk async for chunk in from_langchain(Whole()).astream("hi")]
    assert (chunk.text, chunk.tool_calls[0]["args"], chunk.chunk_position) == ("é", {"at": 1}, "last")


@pytest.mark.anyio
async def test_there_and_back_again() -> None:
    model = from_langchain(GenericFakeChatModel(messages=iter([AIMessage("a b"), AIMessage("c d")])))
    assert (await model.ainvoke("hi")).text == "a b"
    back = as_langchain(model)
    assert isinstance(back, LangChainChatModel)
    assert back.invoke("hi").text == "c d"


def test_what_is_told_of_it() -> None:
    theirs = LangChainOpenAI(model="m", api_key="sk-secret", temperature=0.5, profile={"tool_calling": True})
    model = from_langchain(theirs.bind(max_tokens=7))
    assert (model.get_name(), model._llm_type, model.profile) == ("ChatOpenAI", "openai-chat", {"tool_calling": True})
    assert model._identifying_params["max_tokens"] == 7
    facts = model._get_ls_params(stop=["x"])
    assert (facts["ls_provider"], facts["ls_model_name"], facts["ls_stop"]) == ("openai", "m", ["x"])
    assert "sk-secret" not in repr(model) + str(model.asdict())


def test_a_profile_without_tools_is_believed() -> None:
    theirs = LangChainOpenAI(model="m", api_key="k", profile={"tool_calling": False})
    with pytest.raises(UnsupportedError, match="by its profile"):
        from_langchain(theirs).bind_tools([look])


def test_what_is_no_runnable_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a LangChain chat model, not a"):
        from_langchain(chatcore.ChatOpenAI(model="m", api_key="k"))  # type: ignore[arg-type]


@on_asyncio
async def test_messages_reach_the_model_whole() -> None:
    theirs = Async()
    call = {"name": "look", "args": {"at": 1}, "id": "c"}
    artifact = object()
    answer = own.AIMessage([{"type": "text", "text": "é"}], tool_calls=[call], additional_kwargs={"a": 1}, id="m")
    await from_langchain(theirs).ainvoke(["hi", answer, own.ToolMessage("1", tool_call_id="c", artifact=artifact)])
    _, (there), result = theirs.seen[-1][0]
    assert there == AIMessage([{"type": "text", "text": "é"}], tool_calls=[call], additional_kwargs={"a": 1}, id="m")
    assert isinstance(result, ToolMessage)
    assert result.artifact is artifact
