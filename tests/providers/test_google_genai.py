"""`ChatGoogleGenerativeAI`: its requests over real sockets on both backends, on both of Google's APIs."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from pydantic import BaseModel

from chatcore import ChatGoogleGenerativeAI, dumps, init_chat_model, loads
from chatcore.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidInputError,
    MalformedResponseError,
    MissingKeyError,
    RateLimited,
    StreamInterrupted,
)
from chatcore.messages import AIMessage, HumanMessage, ToolMessage
from tests.http.conftest import Request, Server
from tests.providers.loopback import Answer, json_of, provider

KEY = "a-key-of-google-0123456789"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT"),
        *("GOOGLE_CLOUD_LOCATION", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"),
        *("CHATCORE_GOOGLE_GENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def payload(*parts: Any, ends: bool = True) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, **({"finishReason": "STOP"} if ends else {})}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "a1"}


HI = Answer(payload({"text": "Hi"}))
STREAM = Answer(
    [
        b"data: " + json.dumps(each).encode() + b"\r\n\r\n"
        for each in (payload({"text": "Hi"}, ends=False), payload({"text": " there"}))
    ],
    headers={"content-type": "text/event-stream"},
)


def gemini(server: Server, **arguments: Any) -> ChatGoogleGenerativeAI:
    given: dict[str, Any] = {"model": "gemini-2.5-flash", "api_key": KEY, "base_url": server.url, "max_retries": 0}
    return ChatGoogleGenerativeAI(**{**given, **arguments})


def target(request: Request) -> str:
    return request.line.split(" ")[1]


# --------------------------------------------------------------------------------------------------------- Gemini API


@pytest.mark.anyio
async def test_a_plain_call() -> None:
    async with provider(HI) as server:
        model = gemini(server, model="models/gemini-2.5-flash", thinking_budget=0, max_output_tokens=9, top_k=4)
        message = await model.ainvoke("Hello", temperature=0.5)
    assert message.text == "Hi"
    assert message.usage_metadata is not None
    assert message.usage_metadata["total_tokens"] == 5
    (request,) = server.requests
    assert request.line == "POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1"
    assert request.headers["x-goog-api-key"] == KEY
    assert "authorization" not in request.headers
    assert json_of(request) == {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 9,
            "topK": 4,
            "thinkingConfig": {"thinkingBudget": 0},
        },
    }


@pytest.mark.anyio
async def test_a_streamed_call() -> None:
    async with provider(STREAM) as server:
        texts = [chunk.text async for chunk in gemini(server).astream("Hello")]
    assert texts == ["Hi", " there", ""]
    assert target(server.requests[0]) == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


@pytest.mark.anyio
async def test_a_stream_that_breaks_off_keeps_what_it_said() -> None:
    cut = Answer(STREAM.body[:1], is_cut=True)
    async with provider(cut) as server:
        with pytest.raises(StreamInterrupted) as raised:
            _ = [chunk async for chunk in gemini(server).astream("Hello")]
    assert raised.value.partial is not None
    assert raised.value.partial.text == "Hi"


@pytest.mark.anyio
async def test_a_conversation_with_tools_goes_on_with_its_signatures() -> None:
    call = {"functionCall": {"name": "weather", "args": {"place": "Oslo"}}, "thoughtSignature": "c2ln"}
    async with provider(Answer(payload(call)), HI) as server:
        model = gemini(server).bind_tools(
            [{"name": "weather", "parameters": {}}, {"google_search": {}}], tool_choice="any"
        )
        asked = await model.ainvoke("Weather?")
        result = ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])
        await model.ainvoke([HumanMessage("Weather?"), asked, result])
    first, second = map(json_of, server.requests)
    assert first["tools"] == [{"functionDeclarations": [{"name": "weather"}]}, {"google_search": {}}]
    assert first["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert second["contents"][1:] == [
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "sunny"}}}]},
    ]


class Place(BaseModel):
    name: str


@pytest.mark.anyio
async def test_structured_output_is_asked_for_by_schema() -> None:
    async with provider(Answer(payload({"text": '{"name": "Oslo"}'}))) as server:
        assert await gemini(server).with_structured_output(Place).ainvoke("Where?") == Place(name="Oslo")
    generation = json_of(server.requests[0])["generationConfig"]
    assert generation["responseMimeType"] == "application/json"
    assert generation["responseJsonSchema"]["properties"]["name"]["type"] == "string"


@pytest.mark.anyio
async def test_what_a_call_says_by_another_name_takes_the_place_of_what_the_model_says() -> None:
    async with provider(HI, HI) as server:
        model = gemini(server, max_tokens=5, thinking_level="low", stop=["a"])
        await model.ainvoke("?", max_output_tokens=7, thinking_budget=0, stop_sequences=["b"])
        await model.ainvoke("?", stop=["c"])
    first, second = (json_of(request)["generationConfig"] for request in server.requests)
    assert first == {"maxOutputTokens": 7, "thinkingConfig": {"thinkingBudget": 0}, "stopSequences": ["b"]}
    assert second == {"maxOutputTokens": 5, "thinkingConfig": {"thinkingLevel": "low"}, "stopSequences": ["c"]}


@pytest.mark.anyio
async def test_errors_are_what_they_mean_and_show_no_key() -> None:
    said = {"code": 400, "message": f"API key not valid: {KEY}", "status": "INVALID_ARGUMENT"}
    invalid: Any = {"error": {**said, "details": [{"reason": "API_KEY_INVALID"}]}}
    slow: Any = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": []}}
    async with provider(Answer(invalid, 400), Answer([json.dumps([slow]).encode()], 429), Answer(b"odd")) as server:
        with pytest.raises(AuthenticationError) as raised:
            await gemini(server).ainvoke("?")
        assert KEY not in f"{raised.value} {raised.value.body}"
        with pytest.raises(RateLimited):
            _ = [chunk async for chunk in gemini(server).astream("?")]
        with pytest.raises(MalformedResponseError):
            await gemini(server).ainvoke("?")


@pytest.mark.anyio
async def test_tokens_are_counted_by_google() -> None:
    async with provider(Answer({"totalTokens": 7}), Answer({"totalTokens": 8}), Answer({})) as server:
        model = gemini(server)
        assert await model.acount_tokens("Hello") == 7
        on_vertex = gemini(server, vertexai=True, project="p")
        assert await on_vertex.acount_tokens([HumanMessage("Hello")], [Place], labels={"a": "b"}) == 8
        with pytest.raises(MalformedResponseError, match="no tokens"):
            await model.acount_tokens("Hello")
    first, second, _ = server.requests
    contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
    assert target(first) == "/v1beta/models/gemini-2.5-flash:countTokens"
    assert json_of(first) == {"generateContentRequest": {"model": "models/gemini-2.5-flash", "contents": contents}}
    assert json_of(second).keys() == {"contents", "tools"}


@pytest.mark.anyio
async def test_what_is_bound_is_counted_too() -> None:
    async with provider(Answer({"totalTokens": 9})) as server:
        assert await gemini(server).bind_tools([Place]).acount_tokens("Hello") == 9
    (tool,) = json_of(server.requests[0])["generateContentRequest"]["tools"]
    assert tool["functionDeclarations"][0]["name"] == "Place"


# ----------------------------------------------------------------------------------------------------------- Vertex AI


@pytest.mark.anyio
async def test_vertex_ai_with_a_token() -> None:
    tokens = iter(("one", "two"))
    async with provider(HI, STREAM) as server:
        model = gemini(
            server, api_key=None, project="my-project", location="us-central1", credentials=lambda: next(tokens)
        )
        await model.ainvoke("Hello")
        _ = [chunk async for chunk in model.astream("Hello")]
    first, second = server.requests
    place = "/v1beta1/projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash"
    assert (target(first), first.headers["authorization"]) == (f"{place}:generateContent", "Bearer one")
    assert (target(second), second.headers["authorization"]) == (f"{place}:streamGenerateContent?alt=sse", "Bearer two")
    assert "x-goog-api-key" not in first.headers


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/v1beta1/publishers/google/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/v1beta1/publishers/google/models/gemini-2.5-flash"),
        ("meta/llama-4", "/v1beta1/publishers/meta/models/llama-4"),
        ("publishers/a/models/b", "/v1beta1/publishers/a/models/b"),
        ("projects/p/locations/l/endpoints/7", "/v1beta1/projects/p/locations/l/endpoints/7"),
    ],
)
async def test_vertex_ai_in_express_mode(model: str, path: str) -> None:
    async with provider(HI) as server:
        await gemini(server, model=model, vertexai=True).ainvoke("Hello")
    assert target(server.requests[0]) == f"{path}:generateContent"
    assert server.requests[0].headers["x-goog-api-key"] == KEY


class Found:
    """Credentials as google-auth has them."""

    token = "found"
    valid = True
    quota_project_id = "payer"
    project_id = "their-project"

    def refresh(self, request: Any) -> None:
        raise AssertionError(request)


@pytest.mark.anyio
async def test_vertex_ai_with_credentials_of_google_auth() -> None:
    async with provider(HI) as server:
        await gemini(server, api_key=None, credentials=Found()).ainvoke("Hello")
    (request,) = server.requests
    assert "/projects/their-project/locations/global/" in target(request)
    assert request.headers["authorization"] == "Bearer found"
    assert request.headers["x-goog-user-project"] == "payer"


@pytest.mark.anyio
async def test_a_server_of_ones_own_needs_no_credentials_and_may_have_the_version_in_its_address() -> None:
    async with provider(HI, HI, HI) as server:
        await gemini(server, api_key=None, project="p").ainvoke("Hello")
        await gemini(server, base_url=f"{server.url}/gateway/v1/").ainvoke("Hello")
        await gemini(server, api_version="v1", default_headers={"Authorization": "Bearer mine"}).ainvoke("Hello")
    assert "authorization" not in server.requests[0].headers
    assert target(server.requests[1]) == "/gateway/v1/models/gemini-2.5-flash:generateContent"
    assert target(server.requests[2]) == "/v1/models/gemini-2.5-flash:generateContent"
    assert server.requests[2].headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("arguments", "environment", "address"),
    [
        ({"api_key": KEY}, {}, "https://generativelanguage.googleapis.com"),
        ({}, {"GEMINI_API_KEY": KEY}, "https://generativelanguage.googleapis.com"),
        ({"api_key": KEY}, {"GOOGLE_GEMINI_BASE_URL": "https://g.example.com"}, "https://g.example.com"),
        ({"api_key": KEY, "client_options": {"api_endpoint": "e.example.com"}}, {}, "https://e.example.com"),
        ({"project": "p"}, {}, "https://aiplatform.googleapis.com"),
        ({"project": "p", "location": "europe-west4"}, {}, "https://europe-west4-aiplatform.googleapis.com"),
        ({"project": "p"}, {"GOOGLE_CLOUD_LOCATION": "eu"}, "https://aiplatform.eu.rep.googleapis.com"),
        ({}, {"GOOGLE_GENAI_USE_VERTEXAI": "1", "GEMINI_API_KEY": KEY}, "https://aiplatform.googleapis.com"),
        (
            {"project": "p"},
            {"GOOGLE_GENAI_USE_VERTEXAI": "false", "GOOGLE_API_KEY": KEY},
            "https://generativelanguage.googleapis.com",
        ),
        (
            {"vertexai": True, "project": "p"},
            {"GOOGLE_VERTEX_BASE_URL": "https://v.example.com"},
            "https://v.example.com",
        ),
    ],
)
def test_where_it_is(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], environment: dict[str, str], address: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ChatGoogleGenerativeAI(model="gemini-2.5-flash", **arguments).base_url == address


def test_a_project_means_credentials_and_no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    assert ChatGoogleGenerativeAI(model="m", project="p").api_key is None
    assert ChatGoogleGenerativeAI(model="m", vertexai=True).api_key is not None
    assert ChatGoogleGenerativeAI(model="m", credentials=lambda: "t", project="p").api_key is None


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({}, MissingKeyError, "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ({"vertexai": True}, ConfigurationError, "GOOGLE_CLOUD_PROJECT"),
        ({"project": "p", "location": "evil.example.com/"}, ConfigurationError, "location"),
        ({"api_key": KEY, "top_k": 0}, ConfigurationError, "top_k"),
        ({"api_key": KEY, "client_options": {"a": 1}}, ConfigurationError, "api_endpoint"),
        ({"api_key": KEY, "thinking_buget": 1}, ConfigurationError, "thinking_budget"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        ChatGoogleGenerativeAI(model="gemini-2.5-flash", **arguments)


# ------------------------------------------------------------------------------------------------------------ as others


def test_it_is_written_copied_and_shown_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    by_other_names: dict[str, Any] = {"google_api_key": KEY, "candidate_count": 2}
    model = ChatGoogleGenerativeAI(model="gemini-2.5-flash", top_k=3, **by_other_names)
    assert KEY not in f"{model!r} {model.model_dump()} {dumps(model)} {pickle.dumps(model)!r}"
    monkeypatch.setenv("GEMINI_API_KEY", "another-key")
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert (copy.top_k, copy.n, copy.google_api_key.get_secret_value()) == (3, 2, "another-key")
    again = loads(dumps(model), allowed_objects="all", secrets_map={"GOOGLE_API_KEY": KEY})
    assert isinstance(again, ChatGoogleGenerativeAI)
    assert (again.top_k, again.max_output_tokens) == (3, None)
    on_vertex = ChatGoogleGenerativeAI(model="m", credentials=lambda: KEY, project="p")
    assert pickle.loads(pickle.dumps(on_vertex)).credentials is None  # noqa: S301 - our own bytes
    assert model._llm_type == "chat-google-generative-ai"


def test_init_chat_model_knows_both_apis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    model = init_chat_model("google_genai:gemini-2.5-flash")
    assert isinstance(model, ChatGoogleGenerativeAI)
    assert not model.vertexai
    model = init_chat_model("google_vertexai:gemini-2.5-flash")
    assert isinstance(model, ChatGoogleGenerativeAI)
    assert (model.vertexai, model.project, model.location) == (True, "p", "global")


def test_what_is_said_of_the_model_is_no_parameter_of_a_call() -> None:
    model = ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key=KEY)
    with pytest.raises(InvalidInputError, match="project"):
        model.invoke("Hi", project="p")


@pytest.mark.anyio
async def test_the_user_tells_what_system_messages_say() -> None:
    async with provider(HI) as server:
        model = gemini(server, convert_system_message_to_human=True)
        await model.ainvoke([("system", "Be brief."), ("human", "Hi"), AIMessage("Hm?"), ("human", "Hi")])
    body = json_of(server.requests[0])
    assert "systemInstruction" not in body
    assert body["contents"][0]["parts"] == [{"text": "Be brief."}, {"text": "Hi"}]


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_the_blocks_of_a_stream_are_those_of_the_answer(version: str) -> None:
    thought = [{"text": text, "thought": True} for text in ("Hm", "m.")]
    said = [{"text": text} for text in ("Hi", " there")]
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    call = {"functionCall": {"name": "f", "args": {"a": 1}, "id": "c1"}, "thoughtSignature": "s"}
    word = {"jsonPath": "$.b", "stringValue": "wo", "willContinue": True}
    pieces = [
        {"functionCall": {"name": "g", "id": "c2", "willContinue": True}},
        {"functionCall": {"partialArgs": [word], "willContinue": True}},
        {"functionCall": {"partialArgs": [{**word, "stringValue": "rd", "willContinue": False}], "willContinue": True}},
        {"functionCall": {}},
    ]
    events = [*thought, *said, picture, call, *pieces]
    body = [b"data: " + json.dumps(payload(part, ends=part is pieces[-1])).encode() + b"\r\n\r\n" for part in events]
    async with provider(Answer(body, headers={"content-type": "text/event-stream"})) as server:
        model = gemini(server, output_version=version).bind_tools([{"name": "f"}, {"name": "g"}])
        chunks = [chunk async for chunk in model.astream("Hello")]
    whole = sum(chunks[1:], chunks[0])
    kinds = ["reasoning", "reasoning", "text", "text", "image", "tool_call"]
    assert [chunk.content_blocks[0]["type"] for chunk in chunks[:6]] == kinds
    blocks: Any = whole.content_blocks
    assert [block["type"] for block in blocks] == ["reasoning", "text", "image", "tool_call", "tool_call"]
    assert (blocks[0]["reasoning"], blocks[1]["text"]) == ("Hmm.", "Hi there")
    assert [call["args"] for call in whole.tool_calls] == [block["args"] for block in blocks[3:]]
    assert [call["args"] for call in whole.tool_calls] == [{"a": 1}, {"b": "word"}]
