"""`ChatOpenAI` over real sockets, on both backends, by each kind of HTTP client; and what its constructor refuses."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from pydantic import BaseModel, SecretStr

from chatcore.callbacks import BaseCallbackHandler
from chatcore.engine.policies import Timeout
from chatcore.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidInputError,
    MalformedResponseError,
    MissingKeyError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    RateLimited,
    ServerError,
    StreamInterrupted,
)
from chatcore.language_models import load_profile
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.providers.openai import ChatOpenAI
from chatcore.testing import Fault, Limits, Reply, Simulator


class Weather(BaseModel):
    city: str


@dataclass
class WeatherData:
    city: str


KEY = "sk-test-0123456789abcdef"
TOOLS = [{"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {"a": {}, "b": {}}}}]
VARIABLES = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
    *("GROQ_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def model_of(simulator: Simulator, **arguments: Any) -> ChatOpenAI:
    arguments = {"model": "gpt-5-mini", "api_key": KEY, "max_retries": 0, **arguments}
    return ChatOpenAI(base_url=simulator.base_url, **arguments)


Handler = Callable[[httpx.Request], httpx.Response]


def model_answered_by(handler: Handler, **arguments: Any) -> ChatOpenAI:
    """A model whose requests go to a function; its client is closed with the loop."""
    arguments = {"model": "gpt-5-mini", "api_key": KEY, "max_retries": 0, **arguments}
    return ChatOpenAI(http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler)), **arguments)


def answering(seen: list[httpx.Request], status: int = 200, **headers: str) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        body = {"id": "1", "model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
        return httpx.Response(status, json=body, headers=headers)

    return handler


def body_of(request: httpx.Request) -> dict[str, Any]:
    return json.loads(request.content)


# ------------------------------------------------------------------------------------------------------- whole answers


@pytest.mark.anyio
@pytest.mark.parametrize("client", [None, httpx.AsyncClient, httpx2.AsyncClient], ids=["own", "httpx", "httpx2"])
async def test_a_plain_and_a_streamed_answer_through_each_client(client: Any) -> None:
    async with Simulator(script=[Reply("One."), Reply(chunks=["T", "w", "o."])], api_key=KEY) as simulator:
        model = model_of(simulator, http_client=client and (lambda: client(trust_env=False)))
        plain = await model.ainvoke("1?")
        chunks = [chunk async for chunk in model.astream([HumanMessage("2?")])]
        requests = simulator.requests
        # The same connection serves both, so each answer was read to its end.
        assert simulator.stats.connections_total == 1
    assert plain.content == "One."
    assert plain.id is not None
    assert plain.id.startswith("chatcmpl-")
    assert plain.response_metadata["finish_reason"] == "stop"
    assert plain.response_metadata["model_name"] == "gpt-5-mini"
    assert plain.response_metadata["model_provider"] == "openai"
    assert plain.response_metadata["request_id"] == requests[0].request_id
    assert plain.usage_metadata is not None
    assert [chunk.content for chunk in chunks] == ["T", "w", "o.", ""]
    last = chunks[-1]
    assert isinstance(last, AIMessageChunk)
    assert (last.chunk_position, last.response_metadata["request_id"]) == ("last", requests[1].request_id)
    assert last.usage_metadata is not None
    assert requests[0].body == {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "1?"}]}
    assert requests[1].body["stream_options"] == {"include_usage": True}


@pytest.mark.anyio
async def test_one_client_of_the_users_own() -> None:
    async with Simulator(script=["One."]) as simulator, httpx2.AsyncClient(trust_env=False) as client:
        assert (await model_of(simulator, http_client=client).ainvoke("1?")).content == "One."
        assert not client.is_closed


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("interleave", [False, True], ids=["in turn", "interleaved"])
async def test_tool_calls_reasoning_and_what_cannot_be_read(stream: bool, interleave: bool) -> None:
    reply = Reply(
        "Let me see.",
        reasoning="Hm.",
        tool_calls=[
            {"name": "add", "args": {"a": 1, "b": 2}, "id": "c1"},
            {"name": "add", "args": {"a": 3, "b": 4}, "id": "c2"},
            {"name": "add", "args": '{"a": 5, "b"', "id": "c3"},
        ],
        interleave=interleave,
    )
    async with Simulator(script=reply) as simulator:
        message = await model_of(simulator).ainvoke("?", tools=TOOLS, tool_choice="add", stream=stream)
        request = simulator.requests[0].body
    assert isinstance(message, AIMessage)
    assert message.content == "Let me see."
    assert message.additional_kwargs["reasoning_content"] == "Hm."
    assert [(call["id"], call["args"]) for call in message.tool_calls] == [
        ("c1", {"a": 1, "b": 2}),
        ("c2", {"a": 3, "b": 4}),
    ]
    assert [(call["id"], call["args"]) for call in message.invalid_tool_calls] == [("c3", '{"a": 5, "b"')]
    assert message.response_metadata["finish_reason"] == "tool_calls"
    assert request["tools"] == [{"type": "function", "function": TOOLS[0]}]
    assert request["tool_choice"] == {"type": "function", "function": {"name": "add"}}
    assert request.get("stream", False) is stream


@pytest.mark.anyio
async def test_refusals() -> None:
    async with Simulator(script=Reply(refusal="I will not.")) as simulator:
        model = model_of(simulator)
        plain = await model.ainvoke("?")
        streamed = await model.ainvoke("?", stream=True)
    assert plain.additional_kwargs["refusal"] == streamed.additional_kwargs["refusal"] == "I will not."


@pytest.mark.anyio
async def test_several_answers_to_one_prompt() -> None:
    async with Simulator() as simulator:
        model = model_of(simulator, n=2)
        result = await model.agenerate([["1?"], ["2?"]])
        with pytest.raises(InvalidInputError, match="n=2 cannot be streamed"):
            await anext(aiter(model.astream("3?")))
    assert [len(generations) for generations in result.generations] == [2, 2]
    assert result.llm_output is not None
    assert result.llm_output["model_name"] == "gpt-5-mini"
    counted = [generations[0].message.usage_metadata["total_tokens"] for generations in result.generations]  # type: ignore[union-attr]
    assert result.llm_output["token_usage"]["total_tokens"] == sum(counted)
    assert result.llm_output["token_usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.anyio
async def test_rate_limits_are_told() -> None:
    async with Simulator(limits=Limits(requests_per_minute=100)) as simulator:
        model = model_of(simulator)
        plain = await model.ainvoke("?")
        *_, last = [chunk async for chunk in model.astream("?")]
    assert plain.response_metadata["rate_limits"]["x-ratelimit-limit-requests"] == "100"
    assert last.response_metadata["rate_limits"]["x-ratelimit-remaining-requests"] == "98"


@pytest.mark.anyio
async def test_a_server_that_refuses_to_be_asked_for_usage_is_asked_once() -> None:
    async with Simulator(script=Reply("Yes."), refuse_stream_options=True) as simulator:
        model = model_of(simulator)
        other = model.bind(stop=["x"])
        texts = ["".join([chunk.text async for chunk in each.astream("?")]) for each in (model, model, other)]
        asked = ["stream_options" in request.body for request in simulator.requests]
    assert texts == ["Yes."] * 3
    assert asked == [True, False, False, False]


@pytest.mark.anyio
@pytest.mark.parametrize("settings", [{"stream_usage": False}, {}], ids=["not asked", "another reason"])
async def test_other_refusals_stand(settings: dict[str, Any]) -> None:
    message = "Unknown parameter: 'stream_options'." if settings else "Unknown parameter: 'top_k'."
    async with Simulator(script=Fault.http(400, message=message)) as simulator:
        with pytest.raises(BadRequestError, match="Unknown parameter"):
            await anext(aiter(model_of(simulator, **settings).astream("?")))
        assert simulator.stats.requests_total == 1


# -------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.http(401), AuthenticationError),
        (Fault.http(429, retry_after=7), RateLimited),
        (Fault.http(500, body="html"), ServerError),
        (Fault.http(529, body="empty"), OverloadedError),
        (Fault.http(302), ProviderError),
        (Fault.http(200, body="html"), NotFoundError),
        (Fault.http(200, body=b'{"error": {"message": "over capacity", "code": 503}}'), OverloadedError),
        (Fault.reset(), ConnectionFailedError),
        (Fault.cut(), ConnectionFailedError),
        (Fault.error_event(), ServerError),
        (Fault.http(200, body=b"{}"), MalformedResponseError),
    ],
    ids=["401", "429", "500", "529", "302", "page", "error in a body", "reset", "cut", "error event", "no choice"],
)
async def test_every_failure_has_its_class(stream: bool, fault: Fault, kind: type[ProviderError]) -> None:
    async with Simulator(script=fault) as simulator:
        with pytest.raises(kind) as raised:
            await model_of(simulator).ainvoke("?", stream=stream)
        assert simulator.stats.requests_total == 1
    error = raised.value
    assert type(error) is kind
    assert (error.provider, error.model) == ("openai", "gpt-5-mini")
    # A reset comes before any head, and so before the id.
    assert (error.request_id is None) is (fault.name == "reset")
    assert KEY not in f"{error} {error!r} {error.body}"
    if isinstance(error, RateLimited):
        assert (error.retry_after, error.status) == (7, 429)
    if isinstance(error, AuthenticationError):
        assert "OPENAI_API_KEY" in str(error)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_failed_opening_is_tried_again(stream: bool) -> None:
    script = [Fault.http(429, retry_after=0), Fault.http(503, retry_after=0), "Yes."]
    async with Simulator(script=script) as simulator:
        assert (await model_of(simulator, max_retries=2).ainvoke("?", stream=stream)).content == "Yes."
        assert simulator.stats.requests_total == 3


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault.reset(after_chunks=3, reply=Reply(chunks=["a", "b", "c", "d"])), ConnectionFailedError),
        (Fault.cut(after_chunks=3, reply=Reply(chunks=["a", "b", "c", "d"])), ConnectionFailedError),
        (Fault.truncated_json(after_chunks=3, reply=Reply(chunks=["a", "b", "c", "d"])), MalformedResponseError),
        (Fault.malformed_sse(after_chunks=3, reply=Reply(chunks=["a", "b", "c", "d"])), MalformedResponseError),
        (Fault.error_event(after_chunks=3, reply=Reply(chunks=["a", "b", "c", "d"])), ServerError),
    ],
    ids=lambda given: given.name if isinstance(given, Fault) else "",
)
async def test_a_stream_that_breaks_midway_keeps_what_came(fault: Fault, cause: type[ProviderError]) -> None:
    async with Simulator(script=fault) as simulator:
        got: list[str] = []
        with pytest.raises(StreamInterrupted) as raised:
            async for chunk in model_of(simulator).astream("?"):
                got.append(chunk.text)  # noqa: PERF401 - kept, whatever comes after
        await simulator.wait_for(lambda stats: stats.requests_in_flight == 0)
    # The first of the three chunks brings the role only.
    assert got == ["a", "b"]
    assert raised.value.partial.content == "ab"
    assert isinstance(raised.value.__cause__, cause)
    assert (raised.value.provider, raised.value.model) == ("openai", "gpt-5-mini")
    assert raised.value.request_id is not None


@pytest.mark.anyio
async def test_leaving_a_stream_frees_the_server() -> None:
    async with Simulator(script=Fault.stall(after_chunks=3, reply=Reply(chunks=["a", "b", "c"]))) as simulator:
        async with model_of(simulator).astream("?") as chunks:
            async for chunk in chunks:
                assert chunk.text == "a"
                break
        await simulator.wait_for(lambda stats: stats.requests_cut_off == 1 and stats.connections_open == 0)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_cancelling_a_call_frees_the_server(stream: bool) -> None:
    async with Simulator(script=Fault.stall()) as simulator:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                await model_of(simulator).ainvoke("?", stream=stream)

            tasks.start_soon(call)
            await simulator.wait_for(lambda stats: stats.stalled == 1)
            tasks.cancel_scope.cancel()
        await simulator.wait_for(lambda stats: stats.requests_cut_off == 1 and stats.connections_open == 0)


@pytest.mark.anyio
async def test_a_stream_answered_by_a_body_and_a_body_by_a_stream() -> None:
    whole = b'{"id":"1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
    events = b'data: {"id":"1","choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    script = [Fault.http(200, body=whole), Fault.http(200, body=events, content_type="text/event-stream")]
    async with Simulator(script=script) as simulator:
        model = model_of(simulator)
        assert "".join([chunk.text async for chunk in model.astream("?")]) == "Hi"
        assert (await model.ainvoke("?")).content == "Hi"


def test_one_model_in_many_loops_and_none() -> None:
    with Simulator.in_thread(script=Reply("Yes.")) as simulator:
        model = ChatOpenAI(model="gpt-5-mini", base_url=simulator.base_url)

        async def ask() -> Any:
            return (await model.ainvoke("?")).content

        assert [asyncio.run(ask()), asyncio.run(ask()), anyio.run(ask, backend="trio")] == ["Yes."] * 3
        assert model.invoke("?").content == "Yes."
        assert "".join(chunk.text for chunk in model.stream("?")) == "Yes."


# ------------------------------------------------------------------------------------------------------------ requests


@pytest.mark.anyio
async def test_headers_and_address() -> None:
    seen: list[httpx.Request] = []
    model = model_answered_by(
        answering(seen),
        organization="org-1",
        project="proj-1",
        default_headers={"X-Team": "blue", "Accept": "text/plain"},
        default_query={"api-version": "1 2"},
    )
    await model.ainvoke("?", extra_headers={"X-Call": "7"}, extra_query={"trace": "é"})
    (request,) = seen
    assert str(request.url) == "https://api.openai.com/v1/chat/completions?api-version=1%202&trace=%C3%A9"
    told = {name: request.headers.get(name) for name in ("authorization", "x-team", "x-call", "accept", "content-type")}
    assert told == {
        "authorization": f"Bearer {KEY}",
        "x-team": "blue",
        "x-call": "7",
        "accept": "text/plain",
        "content-type": "application/json",
    }
    assert (request.headers["openai-organization"], request.headers["openai-project"]) == ("org-1", "proj-1")
    assert request.content == b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"?"}]}'


@pytest.mark.anyio
async def test_an_address_with_a_query() -> None:
    seen: list[httpx.Request] = []
    await model_answered_by(answering(seen), base_url="http://gateway/v1/?api-version=1").ainvoke("?")
    assert str(seen[0].url) == "http://gateway/v1/chat/completions?api-version=1"


@pytest.mark.anyio
async def test_parameters_of_the_model_and_of_a_call() -> None:
    seen: list[httpx.Request] = []
    model = model_answered_by(
        answering(seen),
        temperature=1,
        max_tokens=5,
        top_p=0.5,
        stop="x",
        seed=1,
        logprobs=True,
        top_logprobs=2,
        presence_penalty=-1,
        frequency_penalty=1,
        logit_bias={50256: -100},
        reasoning_effort="low",
        verbosity="low",
        service_tier="flex",
        store=False,
        model_kwargs={"user": "ann", "parallel_tool_calls": False},
        extra_body={"top_k": 3, "seed": 2},
    )
    await model.ainvoke("?")
    fields = body_of(seen[0])
    del fields["messages"]
    assert fields == {
        "model": "gpt-5-mini",
        "temperature": 1.0,
        "max_completion_tokens": 5,
        "top_p": 0.5,
        "stop": "x",
        "seed": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "presence_penalty": -1.0,
        "frequency_penalty": 1.0,
        "logit_bias": {"50256": -100.0},
        "reasoning_effort": "low",
        "verbosity": "low",
        "service_tier": "flex",
        "store": False,
        "user": "ann",
        "parallel_tool_calls": False,
        "top_k": 3,
    }
    await model.ainvoke(
        "?", stop=["y"], temperature=None, max_completion_tokens=9, model="other", extra_body={"top_k": 4}, anything=[1]
    )
    fields = body_of(seen[1])
    assert (fields["stop"], fields["max_completion_tokens"], fields["model"]) == (["y"], 9, "other")
    assert (fields["top_k"], fields["seed"], fields["anything"]) == (4, 2, [1])
    assert "temperature" not in fields


@pytest.mark.anyio
async def test_a_row_of_the_table_by_name_or_address() -> None:
    seen: list[httpx.Request] = []
    by_name = model_answered_by(answering(seen), provider="mistral", max_tokens=5, seed=1)
    by_address = model_answered_by(answering(seen), base_url="https://api.mistral.ai/v1", max_tokens=5, seed=1)
    for model in (by_name, by_address):
        message = await model.ainvoke("?")
        assert message.response_metadata["model_provider"] == "mistral"
    for request in seen:
        assert request.url.host == "api.mistral.ai"
        assert {"max_tokens": 5, "random_seed": 1}.items() <= body_of(request).items()


@pytest.mark.anyio
async def test_input_that_cannot_be_sent_is_told_before_anything_is_sent() -> None:
    seen: list[httpx.Request] = []
    model = model_answered_by(answering(seen))
    with pytest.raises(InvalidInputError, match=r"Message 0 \(human\).*'video'"):
        await model.ainvoke([HumanMessage([{"type": "video", "url": "u"}])])
    with pytest.raises(InvalidInputError, match="timeout= is no parameter"):
        await model.ainvoke("?", timeout=3)
    with pytest.raises(InvalidInputError, match="'response_format'"):
        await model.ainvoke("?", response_format=object())
    for given in (Weather, WeatherData):
        with pytest.raises(InvalidInputError, match=r"response_format.*Weather.*'json_schema'.*json_schema\(\)"):
            await model.ainvoke("?", response_format=given)
    assert seen == []


@pytest.mark.anyio
async def test_a_schema_is_sent_as_the_refusal_of_its_class_says() -> None:
    async with Simulator() as simulator:
        schema = Weather.model_json_schema()
        response_format = {"type": "json_schema", "json_schema": {"name": "Weather", "schema": schema}}
        message = await model_of(simulator).ainvoke("?", response_format=response_format)
        called = await model_of(simulator).ainvoke("?", tools=[schema], tool_choice="Weather")
    assert isinstance(Weather.model_validate_json(message.content), Weather)
    assert isinstance(Weather.model_validate(called.tool_calls[0]["args"]), Weather)


# ----------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.anyio
async def test_keys_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetched() -> str:
        return "from-coroutine"

    seen: list[httpx.Request] = []
    for given in ("from-text\n", SecretStr("from-secret"), lambda: "from-call", lambda: SecretStr("hidden"), fetched):
        await model_answered_by(answering(seen), api_key=given).ainvoke("?")
    monkeypatch.setenv("OPENAI_API_KEY", "from-variable")
    await model_answered_by(answering(seen), api_key=None).ainvoke("?")
    monkeypatch.setenv("GROQ_API_KEY", "for-groq")
    await model_answered_by(answering(seen), api_key=None, provider="groq").ainvoke("?")
    assert [request.headers["authorization"].removeprefix("Bearer ") for request in seen] == [
        "from-text",
        "from-secret",
        "from-call",
        "hidden",
        "from-coroutine",
        "from-variable",
        "for-groq",
    ]


@pytest.mark.anyio
async def test_no_key_where_none_is_needed() -> None:
    seen: list[httpx.Request] = []
    for settings in (
        {"base_url": "http://localhost:8000/v1"},
        {"base_url": "http://127.0.0.1:8000/v1", "provider": "groq"},
        {"provider": "ollama"},
        {"base_url": "https://me.openai.azure.com/openai/v1", "default_headers": {"Api-Key": "azure"}},
    ):
        await model_answered_by(answering(seen), api_key=None, **settings).ainvoke("?")
    assert all("authorization" not in request.headers for request in seen)
    assert seen[-1].headers["api-key"] == "azure"


@pytest.mark.anyio
@pytest.mark.parametrize("base_url", [None, "http://localhost:8000/v1"], ids=["openai", "local"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("found", "kind", "said"),
    [
        (None, MissingKeyError, "returned None"),
        ("", MissingKeyError, "an empty text"),
        (SecretStr(" "), MissingKeyError, "an empty text"),
        (7, ConfigurationError, "returned int"),
        (b"secret-bytes", ConfigurationError, "returned bytes"),
    ],
    ids=["none", "empty", "blank", "number", "bytes"],
)
async def test_a_function_that_gives_no_key(
    base_url: str | None, is_async: bool, found: Any, kind: type[Exception], said: str
) -> None:
    async def fetched() -> Any:
        return found

    seen: list[httpx.Request] = []
    model = model_answered_by(answering(seen), api_key=fetched if is_async else lambda: found, base_url=base_url)
    with pytest.raises(ConfigurationError, match=rf"api_key\(\).*{said}") as raised:
        await model.ainvoke("?")
    assert type(raised.value) is kind
    assert "secret-bytes" not in str(raised.value)
    assert seen == []


BROKEN = "s3cret\r\nX-Evil: s3cret"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_key": BROKEN}, "api_key cannot be sent.*line break"),
        ({"api_key": SecretStr("s3cret\n")}, "api_key cannot be sent.*strip it"),
        ({"api_key": "\N{LEFT DOUBLE QUOTATION MARK}s3cret"}, "api_key cannot be sent: character 1 .*not in ASCII"),
        ({"api_key": "s3cret\x00s3cret"}, "api_key cannot be sent.*control character"),
        ({"default_headers": {"X-Team": BROKEN}}, r"default_headers\['X-Team'\] cannot be sent.*line break"),
        ({"default_headers": {"X-Team": "s3crét"}}, r"default_headers\['X-Team'\] cannot be sent.*not in ASCII"),
        ({"default_headers": {"X Team": "s3cret"}}, "'X Team' is no name of a header"),
        ({"default_headers": {"X-Täm": "s3cret"}}, "'X-Täm' is no name of a header"),
        ({"default_headers": {"": "s3cret"}}, "'' is no name of a header"),
        ({"organization": BROKEN}, "organization cannot be sent.*line break"),
        ({"project": "s3crét"}, "project cannot be sent.*not in ASCII"),
    ],
)
def test_what_no_request_can_carry_is_refused_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        ChatOpenAI(**{"model": "m", "api_key": KEY, **settings})
    assert "s3c" not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"


@pytest.mark.parametrize(
    ("variable", "value"), [("OPENAI_API_KEY", "s3crét"), ("OPENAI_ORG_ID", BROKEN), ("OPENAI_PROJECT_ID", BROKEN)]
)
def test_what_no_request_can_carry_is_refused_from_the_environment_too(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"{variable} cannot be sent") as raised:
        ChatOpenAI(model="m")
    assert "s3c" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "OPENAI_API_KEY.*api_key="),
        ({"api_key": ""}, "OPENAI_API_KEY"),
        ({"base_url": "https://gateway.example.com/v1"}, "OPENAI_API_KEY"),
        ({"provider": "groq"}, "groq.*GROQ_API_KEY"),
        ({"base_url": "https://api.groq.com/openai/v1"}, "GROQ_API_KEY"),
    ],
    ids=["none", "empty", "any server", "provider", "address"],
)
def test_a_missing_key_is_told_at_once(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(MissingKeyError, match=said):
        ChatOpenAI(model="m", **settings)


def test_the_key_of_one_host_is_not_sent_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(MissingKeyError, match="GROQ_API_KEY"):
        ChatOpenAI(model="m", base_url="https://api.groq.com/openai/v1")


@pytest.mark.parametrize("given", [KEY, SecretStr(KEY)], ids=["text", "secret"])
def test_the_key_is_never_shown(given: Any) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Team": "blue"}
    model = ChatOpenAI(model="m", api_key=given, default_headers=headers, default_query={"key": KEY})
    shown = [repr(model), str(model), str(model.model_dump()), model.model_dump_json(), str(model._identifying_params)]
    shown += [
        repr(vars(model)["api_key"]),
        repr(pickle.dumps(ChatOpenAI(model="m", api_key=given, default_headers=headers))),
    ]
    assert [text for text in shown if KEY in text] == []
    with pytest.raises(ConfigurationError) as raised:
        ChatOpenAI(model="m", api_key=[given], temperature=-1)  # type: ignore[arg-type]
    assert KEY not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"


@pytest.mark.anyio
async def test_a_pickled_model_finds_its_key_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []
    original = model_answered_by(
        answering(seen), temperature=0.5, default_headers={"authorization": "x", "x-team": "a"}
    )
    pickled = pickle.dumps(original.bind(stop=["x"]))
    lost = pickle.loads(pickled)  # noqa: S301 - our own
    assert (lost.temperature, lost.api_key, lost.http_client, lost.default_headers) == (
        0.5,
        None,
        None,
        {"x-team": "a"},
    )
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        await lost.ainvoke("?")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = pickle.loads(pickled)  # noqa: S301 - our own
    assert found.api_key.get_secret_value() == KEY
    assert found == found.model_copy()


@pytest.mark.anyio
async def test_copies_share_their_connections() -> None:
    seen: list[httpx.Request] = []
    model = model_answered_by(answering(seen))
    for same in (copy.copy(model), copy.deepcopy(model), model.model_copy(), model.bind(seed=1)):
        assert (await same.ainvoke("?")).content == "Hi"
        assert same._http is model._http
    assert len(seen) == 4


# -------------------------------------------------------------------------------------------------------- construction


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": ""}, "model: .*at least 1 character"),
        ({"base_url": "localhost:8000/v1"}, "base_url: 'localhost:8000/v1' has no scheme"),
        ({"base_url": "http://"}, "base_url: 'http://' has no"),
        ({"base_url": ""}, "base_url: it is empty.*https://api.openai.com/v1"),
        ({"base_url": "  "}, "base_url: it is empty"),
        ({"base_url": "http://a b/v1"}, "base_url: .*'a%20b' is no host"),
        ({"base_url": "http://host:99999/v1"}, "base_url: .*99999 is no port.*65535"),
        ({"base_url": "http://host:0/v1"}, "base_url: .*0 is no port"),
        ({"base_url": "http://host:abc/v1"}, "base_url: .*valid URL.*port"),
        ({"base_url": "http://[::1/v1"}, "base_url: .*IPv6"),
        ({"base_url": "http://host/v1\n/x"}, "base_url: .*valid URL.*non-printable"),
        ({"base_url": "ftp://example.com"}, "base_url: 'ftp://example.com' has no scheme"),
        ({"base_url": "http://user:pass@example.com"}, "base_url: a user or password"),
        ({"temperature": -1}, r"temperature: .*greater than or equal to 0 \(given: -1\)"),
        ({"temperature": float("nan")}, "temperature: .*finite"),
        ({"max_tokens": 0}, "max_tokens: .*greater than 0"),
        ({"max_retries": -1}, "max_retries: "),
        ({"top_p": 2}, "top_p: "),
        ({"n": 0}, "n: "),
        ({"timeout": -5}, "timeout: .*must be a positive number"),
        ({"temprature": 1}, "no argument 'temprature'. Did you mean 'temperature'.*model_kwargs.*extra_body"),
        ({"model_name": "m"}, "model twice"),
        ({"model_kwargs": {"temperature": 1}}, "temperature: give it as an argument"),
        ({"provider": "somebody"}, "provider='somebody' is not known; there are openai"),
        ({"n": 2, "streaming": True}, "n=2 and streaming=True"),
        ({"http_client": httpx.Client}, ""),
        ({"http_client": "client"}, "http_client is str"),
        ({"rate_limiter": 7}, "rate_limiter"),
    ],
)
def test_wrong_arguments_are_named(settings: dict[str, Any], said: str) -> None:
    if not said:  # a class is a function that makes a client, if not a usable one
        assert ChatOpenAI(**{"model": "m", "api_key": KEY, **settings})
        return
    with pytest.raises(ConfigurationError, match=f"(?s){said}"):
        ChatOpenAI(**{"model": "m", "api_key": KEY, **settings})


def test_the_references_names() -> None:
    model = ChatOpenAI(
        model_name="m",
        openai_api_key=KEY,
        openai_api_base="http://localhost:8000/v1/",
        openai_organization="org",
        request_timeout=5,
        max_completion_tokens=7,
        stop_sequences=["x"],
    )
    assert (model.model, model.model_name) == ("m", "m")
    assert model.base_url == model.openai_api_base == "http://localhost:8000/v1"
    assert model.openai_api_key == SecretStr(KEY)
    assert (model.organization, model.max_tokens, model.stop) == ("org", 7, ["x"])
    assert model.timeout == model.request_timeout == Timeout(total=5)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OPENAI_API_KEY": KEY,
        "OPENAI_API_BASE": "http://older/v1",
        "OPENAI_ORG_ID": "org",
        "OPENAI_PROJECT_ID": "proj",
    }.items():
        monkeypatch.setenv(name, value)
    assert ChatOpenAI(model="m").base_url == "http://older/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://newer/v1/")
    model = ChatOpenAI(model="m")
    assert (model.base_url, model.organization, model.project) == ("http://newer/v1", None, None)
    at_openai = ChatOpenAI(model="m", base_url="https://api.openai.com/v1")
    assert (at_openai.organization, at_openai.project) == ("org", "proj")
    assert ChatOpenAI(model="m", provider="ollama").base_url == "http://localhost:11434/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "newer")
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL is wrong"):
        ChatOpenAI(model="m")


def test_what_a_model_does_by_itself() -> None:
    model = ChatOpenAI(model="m", api_key=KEY, max_retries=4)
    policies = model._policies()
    assert policies.timeout == Timeout(connect=10, first_token=600, between_tokens=120)
    assert policies.retry is not None
    assert policies.retry.attempts == 5
    bare = ChatOpenAI(model="m", api_key=KEY, max_retries=0, timeout=None)._policies()
    assert (bare.timeout, bare.retry) == (None, None)
    assert model._llm_type == "openai-chat"
    assert ChatOpenAI(model="m", api_key=KEY, temperature=1)._identifying_params == {
        "model_name": "m",
        "base_url": "https://api.openai.com/v1",
        "temperature": 1,
    }


def test_only_what_is_set_is_shown() -> None:
    assert repr(ChatOpenAI(model="m", api_key=KEY, seed=1)) == (
        "ChatOpenAI(model='m', base_url='https://api.openai.com/v1', seed=1)"
    )


SECRET = "swordfish-swordfish"


@pytest.mark.parametrize(
    "given",
    [
        {"default_headers": {"Ocp-Apim-Subscription-Key": SECRET, "X-Team": "blue"}},
        {"default_headers": {"Cookie": SECRET, "X-Team": "blue"}},
        {"default_query": {"api-key": SECRET, "team": "blue"}},
    ],
    ids=["subscription key", "cookie", "query"],
)
def test_no_pickle_holds_what_may_be_a_key(given: dict[str, Any]) -> None:
    model = ChatOpenAI(model="m", api_key="any", **given)
    assert SECRET.encode() not in pickle.dumps(model)
    assert b"blue" in pickle.dumps(model), "what is no secret is kept"
    bound = model.bind(stop=["x"], extra_headers={"authorization": SECRET}, extra_query={"token": SECRET})
    assert SECRET.encode() not in pickle.dumps(bound)
    assert b"stop" in pickle.dumps(bound)


def test_a_key_in_the_address_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="default_query") as caught:
        ChatOpenAI(model="m", base_url=f"https://example.com/v1?api-key={SECRET}")
    assert SECRET not in str(caught.value)


def test_profile_is_that_of_the_model_at_openai() -> None:
    model = ChatOpenAI(model="gpt-4o", api_key="k", base_url="https://api.openai.com/v1")
    assert model.profile == load_profile("openai", "gpt-4o")
    # One that is made of its arguments, under another model's name, is to have that one's.
    assert "profile" not in model.model_fields_set
    assert ChatOpenAI(model="gpt-4o", api_key="k", base_url="http://localhost:1/v1").profile is None
    assert ChatOpenAI(model="gpt-4o", api_key="k", profile={"tool_calling": False}).profile == {"tool_calling": False}
    older = ChatOpenAI(model="gpt-3.5-turbo", api_key="k", base_url="https://api.openai.com/v1")
    # It takes no JSON schema, so it is asked by a tool.
    assert "tools" in older.with_structured_output({"title": "a", "type": "object", "properties": {}}).first.kwargs  # type: ignore[attr-defined]


class Shown(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.seen.append(repr((serialized, kwargs)))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_handlers_see_no_keys_of_a_call(stream: bool) -> None:
    shown = Shown()
    model = ChatOpenAI(model="m", api_key="sk-model", base_url="http://127.0.0.1:9/v1", max_retries=0)
    settings = {"extra_headers": {"Authorization": "Bearer sk-call", "X-Plain": "seen"}}
    with pytest.raises(ConnectionFailedError):
        if stream:
            list(model.stream("hi", {"callbacks": [shown]}, **settings))
        else:
            model.invoke("hi", {"callbacks": [shown]}, **settings)
    assert "X-Plain" in shown.seen[0]
    assert "sk-" not in shown.seen[0]


@pytest.mark.parametrize("name", ["api_key", "base_url", "max_retries"])
def test_what_a_model_is_given_is_no_setting_of_a_call(name: str) -> None:
    model = ChatOpenAI(model="m", api_key="k", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(InvalidInputError, match=f"{name}= is no parameter of a call"):
        model.invoke("hi", **{name: "x"})
