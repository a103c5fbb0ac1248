"""`ChatOpenAI` on the Responses API over loopback sockets, on both backends; and which calls go there."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from chatcore.errors import InvalidInputError, RateLimited, ServerError, StreamInterrupted
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from chatcore.providers.openai import ChatOpenAI
from chatcore.structured_output import StructuredOutputError
from tests.providers.loopback import Answer, json_of, provider

KEY = "sk-test-0123456789abcdef"


class Person(BaseModel):
    name: str


def said(text: str, **more: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return made(item, **more)


def made(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [*items], **more}


def called(name: str = "add", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": name, "arguments": arguments}


def streamed(text: str, start: int = 0, **more: Any) -> list[bytes]:
    """The events of an answer of one letter each, numbered from 0; those before `start` are left out."""
    about = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": made(status="in_progress", **more)},
        *({"type": "response.output_text.delta", **about, "delta": letter} for letter in text),
        {"type": "response.completed", "response": said(text, **more)},
    ]
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return [f"data: {json.dumps(event)}\n\n".encode() for event in numbered[start:]]


def model_at(url: str, **arguments: Any) -> ChatOpenAI:
    arguments = {"model": "gpt-5", "api_key": KEY, "max_retries": 0, "use_responses_api": True, **arguments}
    return ChatOpenAI(base_url=f"{url}/v1", **arguments)


# ----------------------------------------------------------------------------------------------------- over the network


@pytest.mark.anyio
async def test_a_plain_and_a_streamed_answer() -> None:
    events = Answer(streamed("Hello"), headers={"content-type": "text/event-stream"})
    async with provider(Answer(said("Hi"), headers={"x-request-id": "r"}), events) as server:
        model = model_at(server.url, temperature=1, max_tokens=9)
        plain = await model.ainvoke("1?")
        chunks = [chunk async for chunk in model.astream("2?")]
        first, second = server.requests
    assert plain.text == "Hi"
    assert plain.content == [{"type": "text", "text": "Hi", "annotations": [], "id": "msg_1"}]
    assert (plain.id, plain.response_metadata["request_id"]) == ("resp_1", "r")
    assert [chunk.text for chunk in chunks] == ["H", "e", "l", "l", "o", ""]
    assert isinstance(chunks[-1], AIMessageChunk)
    assert chunks[-1].response_metadata["finish_reason"] == "completed"
    assert first.line == "POST /v1/responses HTTP/1.1"
    wanted = {"model": "gpt-5", "temperature": 1, "max_output_tokens": 9}
    assert json_of(first) == {**wanted, "input": [{"role": "user", "content": "1?"}]}
    assert json_of(second) == {**wanted, "input": [{"role": "user", "content": "2?"}], "stream": True}


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["v0", "v1", "responses/v1"])
async def test_content_in_the_version_asked_for(version: str) -> None:
    thought: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    events = Answer(streamed("Hi"), headers={"content-type": "text/event-stream"})
    async with provider(Answer(made(thought, called())), events) as server:
        model = model_at(server.url, output_version=version)
        plain = await model.ainvoke("1?")
        merged = await model.astream("2?").result()
    assert merged.text == "Hi"
    assert [block["type"] for block in plain.content_blocks] == ["reasoning", "tool_call"]
    assert isinstance(plain.content[0], dict)
    assert plain.content[0].get("reasoning") == ("Hm." if version == "v1" else None)


@pytest.mark.anyio
async def test_a_conversation_with_a_tool() -> None:
    thought: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    async with provider(Answer(made(thought, called())), Answer(said("3"))) as server:
        model = model_at(server.url).bind_tools(
            [{"name": "add", "description": "Adds.", "parameters": {"type": "object"}}]
        )
        question = HumanMessage("1+2?")
        answer = await model.ainvoke([question])
        assert [call["name"] for call in answer.tool_calls] == ["add"]
        await model.ainvoke([question, answer, ToolMessage("3", tool_call_id="c1")])
        asked, again = map(json_of, server.requests)
    assert asked["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    ]
    assert again["input"] == [
        {"role": "user", "content": "1+2?"},
        thought,
        called(),
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
    ]


@pytest.mark.anyio
async def test_only_what_is_new_is_sent() -> None:
    async with provider(Answer(said("a")), Answer(said("b"))) as server:
        model = model_at(server.url, use_responses_api=None, use_previous_response_id=True)
        first = await model.ainvoke("1")
        await model.ainvoke([HumanMessage("1"), first, HumanMessage("2")])
        _, second = map(json_of, server.requests)
    assert (second["previous_response_id"], second["input"]) == ("resp_1", [{"role": "user", "content": "2"}])


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_structured_output(method: Any, stream: bool) -> None:
    text = '{"name": "Ann"}'
    thought: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
    whole = made(thought, called("Person", text)) if method == "function_calling" else said(text)
    events = [b"data: %b\n\n" % json.dumps({"type": "response.completed", "response": whole}).encode()]
    reply = Answer(events, headers={"content-type": "text/event-stream"}) if stream else Answer(whole)
    async with provider(reply) as server:
        asking = model_at(server.url).with_structured_output(Person, method=method)
        found = await (asking.astream("?").result() if stream else asking.ainvoke("?"))
        asked = json_of(server.requests[0])
    assert found == Person(name="Ann")
    if method == "function_calling":
        assert asked["tool_choice"] == "required"
    else:
        assert asked["text"]["format"]["type"] == {"json_schema": "json_schema", "json_mode": "json_object"}[method]


@pytest.mark.anyio
async def test_a_refusal_is_no_object() -> None:
    item = {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "I may not."}],
    }
    async with provider(Answer(made(item))) as server:
        with pytest.raises(StructuredOutputError, match="I may not"):
            await model_at(server.url).with_structured_output(Person).ainvoke("?")


@pytest.mark.anyio
async def test_failures() -> None:
    failed = made(status="failed", error={"code": "rate_limit_exceeded", "message": "slow down"})
    event = b"data: %b\n\n" % json.dumps({"type": "response.failed", "response": failed}).encode()
    async with provider(Answer(failed), Answer([event]), Answer({"error": {"message": "no"}}, 500)) as server:
        model = model_at(server.url)
        with pytest.raises(RateLimited, match="slow down"):
            await model.ainvoke("?")
        with pytest.raises(RateLimited, match="slow down"):
            await model.astream("?").result()
        with pytest.raises(ServerError) as raised:
            await model.ainvoke("?")
    assert raised.value.model == "gpt-5"


@pytest.mark.anyio
async def test_a_stream_that_breaks_off() -> None:
    async with provider(Answer(streamed("Hello")[:3], is_cut=True)) as server:
        stream = model_at(server.url).astream("?")
        with pytest.raises(StreamInterrupted):
            [chunk async for chunk in stream]


# -------------------------------------------------------------------------------------------------------- in background


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.providers._responses_background._FIRST_WAIT", 0.0)


@pytest.mark.anyio
@pytest.mark.usefixtures("at_once")
async def test_a_plain_call_asks_until_the_answer_is_made() -> None:
    replies = [made(status="queued"), made(status="in_progress"), said("Hi")]
    async with provider(*map(Answer, replies)) as server:
        model = model_at(server.url, use_responses_api=None)
        answer = await model.ainvoke("?", background=True)
        lines = [request.line.removesuffix(" HTTP/1.1") for request in server.requests]
    assert answer.text == "Hi"
    assert lines == ["POST /v1/responses", "GET /v1/responses/resp_1", "GET /v1/responses/resp_1"]
    assert json_of(server.requests[0])["background"] is True


@pytest.mark.anyio
@pytest.mark.usefixtures("at_once")
async def test_asking_may_fail_now_and_then() -> None:
    broken, queued = Answer({"error": {"message": "no"}}, 503), Answer(made(status="queued"))
    async with provider(queued, broken, queued, broken, Answer(said("Hi"))) as server:
        answer = await model_at(server.url, max_retries=1).ainvoke("?", background=True)
    assert answer.text == "Hi"


@pytest.mark.anyio
@pytest.mark.usefixtures("at_once")
async def test_what_fails_too_often_is_cancelled() -> None:
    broken = Answer({"error": {"message": "no"}}, 503)
    async with provider(Answer(made(status="queued")), broken, Answer(made(status="cancelled"))) as server:
        with pytest.raises(ServerError):
            await model_at(server.url).ainvoke("?", background=True)
        last = server.requests[-1]
    assert (last.line, len(server.requests)) == ("POST /v1/responses/resp_1/cancel HTTP/1.1", 3)


@pytest.mark.anyio
@pytest.mark.usefixtures("at_once")
async def test_an_answer_that_failed_is_not_cancelled() -> None:
    failed = made(status="failed", error={"code": "server_error", "message": "boom"})
    async with provider(Answer(made(status="queued")), Answer(failed)) as server:
        with pytest.raises(ServerError, match="boom"):
            await model_at(server.url).ainvoke("?", background=True)
        assert len(server.requests) == 2


@pytest.mark.anyio
@pytest.mark.usefixtures("at_once")
async def test_whoever_gives_up_has_the_server_give_up() -> None:
    hanging = Answer([b"{"], hangs=True)
    async with provider(Answer(made(status="queued")), hanging, Answer(made(status="cancelled"))) as server:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                await model_at(server.url).ainvoke("?", background=True)

            tasks.start_soon(ask)
            while len(server.requests) < 2:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        last = server.requests[-1]
    assert last.line == "POST /v1/responses/resp_1/cancel HTTP/1.1"


@pytest.mark.anyio
async def test_a_stream_that_breaks_is_resumed() -> None:
    parts = streamed("Hello")
    head = {"content-type": "text/event-stream"}
    cut_inside = [*parts[:2], parts[2][:20]]
    async with (
        provider(
            Answer(cut_inside, headers=head, is_cut=True),
            Answer(parts[2:4], headers=head),  # it ends, but does not say so
            Answer(parts[3:], headers=head),  # more than was asked for
        ) as server
    ):
        model = model_at(server.url, max_retries=1)
        chunks = [chunk async for chunk in model.astream("?", background=True)]
        paths = [request.line.removesuffix(" HTTP/1.1") for request in server.requests]
    assert [chunk.text for chunk in chunks] == ["H", "e", "l", "l", "o", ""]
    assert paths == [
        "POST /v1/responses",
        "GET /v1/responses/resp_1?stream=true&starting_after=1",
        "GET /v1/responses/resp_1?stream=true&starting_after=3",
    ]


@pytest.mark.anyio
async def test_a_stream_that_does_not_go_on() -> None:
    parts = streamed("Hello")
    async with provider(Answer(parts[:2], is_cut=True), Answer([b": hello\n\n"])) as server:
        stream = model_at(server.url, max_retries=1).astream("?", background=True)
        with pytest.raises(StreamInterrupted):
            [chunk async for chunk in stream]
        assert len(server.requests) == 2
    async with provider(Answer(parts[:2], is_cut=True), Answer({"error": {"message": "gone"}}, 404)) as server:
        stream = model_at(server.url, max_retries=1).astream("?", background=True)
        with pytest.raises(StreamInterrupted, match="gone"):
            [chunk async for chunk in stream]


# ------------------------------------------------------------------------------------------------- which calls go there

SEARCH = [{"type": "web_search"}]
CUSTOM = [{"type": "custom", "custom": {"name": "run"}}]


@pytest.mark.parametrize(
    ("arguments", "settings", "there"),
    [
        ({}, {}, False),
        ({"use_responses_api": True}, {}, True),
        ({"use_responses_api": False, "reasoning": {"effort": "low"}}, {}, False),
        ({"reasoning": {"effort": "low"}}, {}, True),
        ({"reasoning_effort": "low"}, {}, False),
        ({"include": ["reasoning.encrypted_content"]}, {}, True),
        ({"truncation": "auto"}, {}, True),
        ({"context_management": [{"type": "compaction"}]}, {}, True),
        ({"use_previous_response_id": True}, {}, True),
        ({"output_version": "responses/v1"}, {}, True),
        ({"output_version": "v1"}, {}, False),
        ({"model_kwargs": {"background": True}}, {}, True),
        ({}, {"previous_response_id": "resp_1"}, True),
        ({}, {"text": {"verbosity": "low"}}, True),
        ({}, {"text": None}, False),
        ({}, {"max_tool_calls": 3}, True),
        ({}, {"instructions": "Be brief."}, True),
        ({}, {"tools": SEARCH}, True),
        ({}, {"tools": CUSTOM}, False),
        ({}, {"tools": [{"name": "f"}, {"type": "function", "function": {"name": "g"}}]}, False),
        ({"model": "gpt-5-pro"}, {}, True),
        ({"model": "gpt-5.2-pro-2025-12-11"}, {}, True),
        ({"model": "gpt-5.3-codex"}, {}, True),
        ({"model": "o3-deep-research"}, {}, True),
        ({"model": "o1-pro"}, {}, True),
        ({"model": "gpt-6-astra"}, {}, False),
        ({"model": "gpt-6-astra"}, {"tools": [{"name": "f"}]}, True),
        ({}, {"model": "gpt-5-pro"}, True),
        ({"provider": "openrouter", "reasoning": {"effort": "low"}}, {}, False),
        ({"provider": "groq"}, {"tools": [{"type": "browser_search"}]}, False),
        ({"provider": "xai"}, {"previous_response_id": "r"}, True),
        ({"provider": "xai", "use_responses_api": True}, {}, True),
    ],
    ids=str,
)
def test_which_calls_need_it(arguments: dict[str, Any], settings: dict[str, Any], there: bool) -> None:
    given: dict[str, Any] = {"model": "gpt-5", "api_key": KEY, **arguments}
    model = ChatOpenAI(**given)
    call = model._call(None, settings, stream=False)
    outgoing = model._write([HumanMessage("?")], call)
    assert outgoing.path == ("/responses" if there else "/chat/completions")
    assert outgoing.body is not None
    assert ("input" in outgoing.body) is there


def test_several_answers_are_asked_of_chat_completions() -> None:
    model = ChatOpenAI(model="gpt-5", api_key=KEY, use_responses_api=True, n=2)
    with pytest.raises(InvalidInputError, match="one answer"):
        model.invoke("?")


def test_what_another_api_answered_goes_to_this_one() -> None:
    model = ChatOpenAI(model="gpt-5", api_key=KEY, use_responses_api=True)
    earlier = AIMessage("Hi", response_metadata={"model_provider": "openai", "id": "chatcmpl-1"})
    outgoing = model._write([HumanMessage("?"), earlier, HumanMessage("?")], model._call(None, {}, stream=False))
    assert outgoing.body is not None
    assert outgoing.body["input"][1] == {"type": "message", "role": "assistant", "content": "Hi"}
