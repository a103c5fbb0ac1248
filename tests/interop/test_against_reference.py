"""`as_langchain(ChatOpenAI(...))` beside langchain-openai's own `ChatOpenAI`: the same calls, the same answers."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from langchain_core.exceptions import ModelError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI as LangChainOpenAI
from pydantic import BaseModel

from chatcore import ChatOpenAI
from chatcore.interop.langchain import as_langchain
from chatcore.testing import Fault, Reply, Simulator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@tool
def look(at: str, times: int = 1) -> str:
    """Look at something.

    Args:
        at: what to look at
        times: how often
    """
    return at * times


class Place(BaseModel):
    """A place."""

    at: str
    near: list[str] = []


CALL = {"name": "look", "args": {"at": "é", "times": 2}, "id": "call_1"}
REPLIES = {
    "text": Reply("Paris, é."),
    "chunks": Reply("one two three", chunks=["one", " two", " three"]),
    "call": Reply(tool_calls=[CALL]),
    "calls": Reply("Let me see.", tool_calls=[CALL, {**CALL, "id": "call_2", "args": {"at": "b"}}]),
    "interleaved": Reply(tool_calls=[CALL, {**CALL, "id": "call_2"}], interleave=True),
    "no arguments": Reply(tool_calls=[{"name": "look", "args": {}, "id": "call_1"}]),
    "length": Reply("cut", finish_reason="length"),
    "refusal": Reply(refusal="No."),
    "usage": Reply(
        "x",
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 8,
            "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 2},
        },
    ),
}
PROMPTS: dict[str, Any] = {
    "text": "hi",
    "roles": [SystemMessage("brief"), HumanMessage("hi", name="ada"), AIMessage("yes"), HumanMessage("so?")],
    "tools": [HumanMessage("look"), AIMessage("", tool_calls=[CALL]), ToolMessage("é", tool_call_id="call_1")],
    "image": [HumanMessage([{"type": "text", "text": "?"}, {"type": "image", "url": "https://example.com/a.png"}])],
    "file": [HumanMessage([{"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "filename": "a.pdf"}])],
}


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


def both(sim: Simulator, client: httpx2.AsyncClient) -> tuple[BaseChatModel, BaseChatModel]:
    given: Any = {"model": "any", "api_key": "test", "base_url": sim.base_url, "max_retries": 0}
    theirs = LangChainOpenAI(http_async_client=client, stream_usage=True, **given)
    return as_langchain(ChatOpenAI(**given)), theirs


async def ask(verb: str, model: Any, prompt: Any = "hi", **kwargs: Any) -> Any:
    if verb == "ainvoke":
        return await model.ainvoke(prompt, **kwargs)
    return functools.reduce(operator.add, [chunk async for chunk in model.astream(prompt, **kwargs)])


def said(message: AIMessage) -> dict[str, Any]:
    about = ("finish_reason", "model_name", "model_provider", "system_fingerprint")
    return {
        "type": message.type,
        "content": message.content,
        "content_blocks": message.content_blocks,
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": message.invalid_tool_calls,
        "usage": message.usage_metadata,
        "refusal": message.additional_kwargs.get("refusal"),
        **{name: message.response_metadata.get(name) for name in about},
    }


@pytest.mark.anyio
@pytest.mark.parametrize("verb", ["ainvoke", "astream"])
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
async def test_answers(verb: str, reply: Reply, client: httpx2.AsyncClient) -> None:
    async with Simulator(script=reply) as sim:
        ours, theirs = [said(await ask(verb, model)) for model in both(sim, client)]
    if reply.refusal and verb == "astream":
        # langchain-openai loses what a streamed refusal says.
        assert (ours.pop("refusal"), theirs.pop("refusal")) == ("No.", None)
    assert ours == theirs


@pytest.mark.anyio
@pytest.mark.parametrize("verb", ["ainvoke", "astream"])
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
async def test_prompts_are_sent_alike(verb: str, prompt: Any, client: httpx2.AsyncClient) -> None:
    async with Simulator() as sim:
        for model in both(sim, client):
            await ask(verb, model, prompt, stop=["x"], temperature=0.5)
        ours, theirs = (dict(request.body) for request in sim.requests)
    for body in (ours, theirs):
        body.setdefault("stream", False)
        for message in body["messages"]:
            # Nothing said is null here and absent there.
            if not message.get("content"):
                message.pop("content", None)
            for call in message.get("tool_calls", ()):
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    assert ours == theirs


@pytest.mark.anyio
@pytest.mark.parametrize("choice", [None, "auto", "any", "none", "look", True])
async def test_tools_are_sent_alike(choice: Any, client: httpx2.AsyncClient) -> None:
    async with Simulator(script="x") as sim:
        for model in both(sim, client):
            await model.bind_tools([look], tool_choice=choice).ainvoke("hi")
        ours, theirs = (request.body for request in sim.requests)
    assert (ours["tools"], ours.get("tool_choice")) == (theirs["tools"], theirs.get("tool_choice"))


@pytest.mark.anyio
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("schema", [Place, Place.model_json_schema()], ids=["class", "schema"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_objects(method: Any, schema: Any, raw: bool, client: httpx2.AsyncClient) -> None:
    reply = Reply('{"at": "é", "near": ["b"]}')
    if method == "function_calling":
        reply = Reply(tool_calls=[{"name": "Place", "args": {"at": "é", "near": ["b"]}}])
    async with Simulator(script=reply) as sim:
        answers = [
            await model.with_structured_output(schema, method=method, include_raw=raw).ainvoke("hi")
            for model in both(sim, client)
        ]
    for answer in answers if raw else ():
        assert isinstance(answer.pop("raw"), AIMessage)
    assert answers[0] == answers[1]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_errors_are_of_langchains_kinds(status: int, client: httpx2.AsyncClient) -> None:
    kinds: list[Any] = []
    async with Simulator(script=Fault.http(status)) as sim:
        for model in both(sim, client):
            with pytest.raises(ModelError) as caught:
                await model.ainvoke("hi")
            kinds.append([kind for kind in type(caught.value).__mro__ if kind.__module__ == ModelError.__module__])
    assert kinds[0] == kinds[1]
