"""`ChatAnthropic` over real sockets on both backends: requests, answers, failures, keys; and what it refuses."""

from __future__ import annotations

import json
import pickle
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from chatcore import dumps, loads, tool
from chatcore.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidInputError,
    MalformedResponseError,
    MissingKeyError,
    OverloadedError,
    RateLimited,
    StreamInterrupted,
)
from chatcore.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages
from chatcore.providers.anthropic import ChatAnthropic
from tests.providers.loopback import Answer, json_of, provider
from tests.providers.test_anthropic_answer import (
    OVERLOADED,
    START,
    STOP,
    because,
    begin,
    end,
    piece,
    sse,
    text,
)

KEY = "sk-ant-api03-secret-0123456789"
TOKEN = "sk-ant-oat01-secret-0123456789"
VARIABLES = (
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)
ADD = {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {"a": {}}}}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def whole(*blocks: Any, **fields: Any) -> Answer:
    body = {"id": "msg_1", "type": "message", "model": "claude-x-1", "content": [*blocks], "stop_reason": "end_turn"}
    return Answer({**body, "usage": {"input_tokens": 7, "output_tokens": 3}, **fields})


def said(words: str) -> Answer:
    return whole({"type": "text", "text": words})


def streamed(*events: Any) -> Answer:
    return Answer([sse(event) for event in (START, *events, because("end_turn"), STOP)])


def model_at(url: str, **arguments: Any) -> ChatAnthropic:
    return ChatAnthropic(**{"model": "claude-x", "api_key": KEY, "max_retries": 0, "base_url": url, **arguments})


# ------------------------------------------------------------------------------------------------------------- requests


@pytest.mark.anyio
async def test_a_plain_and_a_streamed_call() -> None:
    async with provider(said("One."), streamed(*text("T", "wo."))) as server:
        model = model_at(server.url, temperature=0)
        plain = await model.ainvoke([SystemMessage("Be brief."), HumanMessage("1?")])
        chunks = [chunk async for chunk in model.astream("2?")]
    assert plain.content == "One."
    assert [chunk.content for chunk in chunks] == ["T", "wo.", ""]
    assert chunks[-1].usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    assert plain.response_metadata["model_provider"] == "anthropic"
    asked, streaming = server.requests
    assert asked.line == "POST /v1/messages HTTP/1.1"
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert not {"authorization", "anthropic-beta"} & asked.headers.keys()
    assert json_of(asked) == {
        "model": "claude-x",
        "max_tokens": 4096,
        "temperature": 0.0,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "1?"}],
    }
    assert json_of(streaming)["stream"] is True


@pytest.mark.anyio
async def test_a_streamed_answer_that_may_hold_more_than_text_comes_in_blocks() -> None:
    async with provider(*(streamed(*text("Hi")) for _ in range(3))) as server:
        model = model_at(server.url)
        assert (await model.bind_tools([ADD]).ainvoke("?", stream=True)).content == [
            {"type": "text", "text": "Hi", "index": 0}
        ]
        cited = {"type": "file", "file_id": "f1", "extras": {"citations": {"enabled": True}}}
        assert isinstance((await model.ainvoke([HumanMessage([cited, "?"])], stream=True)).content, list)
        thinking = {"type": "enabled", "budget_tokens": 1024}
        assert isinstance((await model.ainvoke("?", stream=True, thinking=thinking)).content, list)
    assert [request.headers.get("anthropic-beta") for request in server.requests] == [
        None,
        "files-api-2025-04-14",
        None,
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_tool_loop_keeps_thoughts_and_their_signatures(stream: bool) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    first = whole(thought, call, stop_reason="tool_use")
    if stream:
        first = streamed(
            begin(0, type="thinking", thinking="", signature=""),
            piece(0, "thinking_delta", thinking="Hm."),
            piece(0, "signature_delta", signature="sig"),
            end(0),
            begin(1, type="tool_use", id="toolu_1", name="add", input={}),
            piece(1, "input_json_delta", partial_json='{"a"'),
            piece(1, "input_json_delta", partial_json=": 1}"),
            end(1),
        )
    async with provider(first, said("2")) as server:
        model = model_at(server.url, thinking={"type": "enabled", "budget_tokens": 1024}).bind_tools([ADD])
        question = HumanMessage("?")
        answer = await model.ainvoke([question], stream=stream)
        assert [(call["id"], call["args"]) for call in answer.tool_calls] == [("toolu_1", {"a": 1})]
        await model.ainvoke([question, answer, ToolMessage("2", tool_call_id="toolu_1")])
    assert json_of(server.requests[1])["messages"] == [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [thought, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "2"}]},
    ]


@pytest.mark.anyio
async def test_what_a_call_says_takes_the_place_of_what_the_model_says() -> None:
    async with provider(*(said("Hi") for _ in range(4))) as server:
        model = model_at(
            server.url, max_tokens=9, effort="low", output_config={"task_budget": {"total": 5}}, stop=["a"], top_k=3
        )
        await model.ainvoke("?")
        await model.ainvoke("?", max_completion_tokens=5, stop_sequences=["b"], effort="high", top_k=4)
        await model.ainvoke("?", stop=["c"], output_config={"effort": "max"}, cache_control={"type": "ephemeral"})
        await model.ainvoke("?", extra_body={"own": 1}, extra_headers={"X-A": "b"}, user="u-1")
    bodies = [json_of(request) for request in server.requests]
    for body in bodies:
        del body["messages"], body["model"]
    budget = {"task_budget": {"total": 5}}
    says = {"max_tokens": 9, "stop_sequences": ["a"], "top_k": 3, "output_config": {**budget, "effort": "low"}}
    assert bodies == [
        says,
        {"max_tokens": 5, "stop_sequences": ["b"], "top_k": 4, "output_config": {**budget, "effort": "high"}},
        {
            **says,
            "stop_sequences": ["c"],
            "output_config": {**budget, "effort": "max"},
            "cache_control": {"type": "ephemeral"},
        },
        {**says, "own": 1, "metadata": {"user_id": "u-1"}},
    ]
    assert server.requests[3].headers["x-a"] == "b"


@pytest.mark.anyio
async def test_beta_features_are_named_together() -> None:
    memory = {"type": "memory_20250818", "name": "memory"}
    async with provider(*(said("Hi") for _ in range(3))) as server:
        model = model_at(server.url, betas=["a", "b"], default_headers={"Anthropic-Beta": "c, d"})
        await model.ainvoke("?")
        await model.bind_tools([memory]).ainvoke("?", betas=["e"])
        await model.ainvoke("?", extra_headers={"anthropic-beta": "f"})
    named = [request.headers["anthropic-beta"] for request in server.requests]
    assert named == ["c,d,a,b", "c,d,e,context-management-2025-06-27", "f,a,b"]
    assert json_of(server.requests[1])["tools"] == [memory]
    assert all("betas" not in json_of(request) for request in server.requests)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "settings", "tokens"),
    [
        ("claude-sonnet-4-5", {}, 64_000),
        ("claude-x", {}, 4096),
        ("claude-x", {"thinking": {"type": "enabled", "budget_tokens": 5000}}, 9096),
        ("claude-x", {"model": "claude-3-haiku-20240307"}, 4096),
        ("claude-x", {"model": "claude-sonnet-4-5-20250929"}, 64_000),
    ],
)
async def test_how_long_an_answer_may_be_unless_told(model: str, settings: dict[str, Any], tokens: int) -> None:
    async with provider(said("Hi")) as server:
        await model_at(server.url, model=model).ainvoke("?", **settings)
    assert json_of(server.requests[0])["max_tokens"] == tokens


@pytest.mark.anyio
async def test_effort_lets_newer_models_think() -> None:
    async with provider(*(said("Hi") for _ in range(3))) as server:
        newer = model_at(server.url, model="claude-opus-4-8", reasoning_effort="high")
        await newer.ainvoke("?")
        await newer.ainvoke("?", thinking={"type": "disabled"})
        await model_at(server.url, model="claude-opus-4-5", effort="high").ainvoke("?")
    thinking = [json_of(request).get("thinking") for request in server.requests]
    assert thinking == [{"type": "adaptive", "display": "summarized"}, {"type": "disabled"}, None]


@pytest.mark.anyio
async def test_system_messages_where_models_read_them() -> None:
    messages = [HumanMessage("a"), SystemMessage("Spanish only.")]
    async with provider(said("Hi"), said("Hi")) as server:
        await model_at(server.url, model="claude-opus-4-8").ainvoke(messages)
        await model_at(server.url, model="claude-sonnet-4-5").ainvoke(messages)
    newer, older = (json_of(request) for request in server.requests)
    assert newer["messages"][-1] == {"role": "system", "content": "Spanish only."}
    assert older["system"] == "Spanish only."


@pytest.mark.anyio
async def test_the_last_container_is_used_again() -> None:
    before = AIMessage("Hi", response_metadata={"model_provider": "anthropic", "container": {"id": "c1"}})
    async with provider(*(said("Hi") for _ in range(3))) as server:
        model = model_at(server.url, reuse_last_container=True)
        await model.ainvoke([HumanMessage("a"), before, AIMessage("b"), HumanMessage("c")])
        await model.ainvoke([HumanMessage("a"), before, HumanMessage("c")], container={"skills": []})
        await model.ainvoke([HumanMessage("a"), before, HumanMessage("c")], container="c2")
    containers = [json_of(request).get("container") for request in server.requests]
    assert containers == ["c1", {"skills": [], "id": "c1"}, "c2"]


@pytest.mark.anyio
async def test_metadata_of_requests_is_not_that_of_traces() -> None:
    async with provider(said("Hi")) as server:
        model = model_at(server.url, metadata={"of": "traces"}, model_kwargs={"metadata": {"user_id": "u"}, "x": 1})
        await model.ainvoke("?")
    assert json_of(server.requests[0])["metadata"] == {"user_id": "u"}
    assert json_of(server.requests[0])["x"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["", "/v1", "/anthropic"])
async def test_where_messages_are_found(path: str) -> None:
    async with provider(said("Hi")) as server:
        await model_at(server.url + path).ainvoke("?")
    assert server.requests[0].line.split()[1] == f"{path.removesuffix('/v1')}/v1/messages"


def test_input_that_cannot_be_sent_is_told_before_anything_is_sent() -> None:
    with pytest.raises(InvalidInputError, match=r"Message 0 \(human\)"):
        model_at("http://127.0.0.1:1").invoke([HumanMessage([{"type": "audio", "url": "https://x/y.wav"}])])


# ------------------------------------------------------------------------------------------ tools and structured output


class City(BaseModel):
    name: str


@tool(extras={"cache_control": {"type": "ephemeral"}, "defer_loading": True, "of_another": 1})
def find(word: str) -> str:
    """Finds."""
    return word


@tool(extras={"provider_tool_definition": {"type": "bash_20250124", "name": "bash"}})
def bash(command: str) -> str:
    """Runs."""
    return command


@pytest.mark.anyio
async def test_what_only_this_api_knows_of_tools_is_kept() -> None:
    own = {"name": "sub", "input_schema": {"type": "object"}, "strict": True, "input_examples": [{}]}
    async with provider(said("Hi")) as server:
        await model_at(server.url).bind_tools([find, bash, own, City, ADD], tool_choice="find").ainvoke("?")
    body = json_of(server.requests[0])
    found, ran, subtracted, city, added = body["tools"]
    assert found["input_schema"]["properties"].keys() == {"word"}
    assert {key: found[key] for key in found if key != "input_schema"} == {
        "name": "find",
        "description": "Finds.",
        "cache_control": {"type": "ephemeral"},
        "defer_loading": True,
    }
    assert ran == {"type": "bash_20250124", "name": "bash"}
    assert (subtracted["strict"], subtracted["input_examples"]) == (True, [{}])
    assert (city["name"], added["name"]) == ("City", "add")
    assert body["tool_choice"] == {"type": "tool", "name": "find"}
    assert server.requests[0].headers["anthropic-beta"] == "advanced-tool-use-2025-11-20"


@pytest.mark.anyio
async def test_structured_output_by_schema_and_by_call() -> None:
    by_call = whole({"type": "tool_use", "id": "t1", "name": "City", "input": {"name": "Oslo"}})
    async with provider(said('{"name": "Oslo"}'), by_call, by_call) as server:
        newer = model_at(server.url, model="claude-sonnet-4-5-20250929")
        assert await newer.with_structured_output(City).ainvoke("?") == City(name="Oslo")
        assert await newer.with_structured_output(City, method="function_calling").ainvoke("?") == City(name="Oslo")
        older = model_at(server.url, model="claude-3-5-haiku-latest")
        assert await older.with_structured_output(City).ainvoke("?") == City(name="Oslo")
    first, second, third = (json_of(request) for request in server.requests)
    assert first["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert "tools" not in first
    assert second["tool_choice"] == third["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_which_models_are_held_to_a_schema() -> None:
    def first(model: str, **arguments: Any) -> str:
        return model_at("http://127.0.0.1:1", model=model, **arguments)._structured_methods()[0]

    assert first("claude-opus-4-1-20250805") == first("claude-opus-5-5") == "json_schema"
    for older in ("claude-3-7-sonnet-latest", "claude-opus-4-20250514", "claude-sonnet-4@20250514", "some-local-model"):
        assert first(older) == "function_calling"
    assert first("claude-opus-5", profile={"structured_output": False}) == "function_calling"
    assert first("some-local-model", profile={"structured_output": True}) == "json_schema"


@pytest.mark.anyio
async def test_models_that_cannot_be_forced_to_call_are_asked() -> None:
    async with provider(said("Hi")) as server:
        await model_at(server.url, model="claude-sonnet-5-5").bind_tools([ADD], tool_choice="add").ainvoke("?")
    assert json_of(server.requests[0])["tool_choice"] == {"type": "auto"}


# --------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.anyio
async def test_tokens_are_counted_by_the_api() -> None:
    async with provider(*(Answer({"input_tokens": count}) for count in (14, 403, 403))) as server:
        model = model_at(server.url, temperature=0, max_tokens=5, betas=["b"], thinking={"type": "disabled"})
        assert await model.acount_tokens([SystemMessage("S"), HumanMessage("Hi")]) == 14
        assert await model.acount_tokens("Hi", tools=[find]) == 403
        await model.bind_tools([find]).with_retry().acount_tokens("Hi")
    first, second, third = server.requests
    assert first.line == "POST /v1/messages/count_tokens HTTP/1.1"
    assert first.headers["anthropic-beta"] == "b"
    assert json_of(first) == {
        "model": "claude-x",
        "system": "S",
        "thinking": {"type": "disabled"},
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert json_of(second)["tools"][0]["name"] == "find"
    assert json_of(third) == json_of(second)


@pytest.mark.anyio
@pytest.mark.parametrize("body", [{}, {"input_tokens": "many"}, b"[]"], ids=str)
async def test_an_answer_that_counts_nothing(body: Any) -> None:
    async with provider(Answer(body)) as server:
        with pytest.raises(MalformedResponseError, match="counts no tokens"):
            await model_at(server.url).acount_tokens("Hi")


def counting(request: httpx.Request) -> httpx.Response:
    """A server that counts the characters of what is said."""
    messages = json.loads(request.content)["messages"]
    return httpx.Response(200, json={"input_tokens": sum(len(str(turn["content"])) for turn in messages)})


def test_tokens_for_sync_code_and_for_trimming() -> None:
    model = model_at(
        "http://test", http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(counting), trust_env=False)
    )
    assert model.count_tokens("Hi you") == 6
    assert model.get_num_tokens_from_messages([HumanMessage("Hi")]) == 2
    messages = [HumanMessage("a" * 5), AIMessage("b" * 5), HumanMessage("c" * 5)]
    kept = trim_messages(messages, max_tokens=6, token_counter=model, strategy="last")
    assert [message.content for message in kept] == ["c" * 5]
    offline = model_at("http://127.0.0.1:1", custom_get_token_ids=lambda given: list(range(len(given))))
    assert offline.get_num_tokens_from_messages([HumanMessage("Hi")]) > 2


# ------------------------------------------------------------------------------------------------------------- failures

LIMITED = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}


@pytest.mark.anyio
async def test_limits_and_overloads_are_tried_again() -> None:
    async with provider(
        Answer(LIMITED, 429, {"retry-after": "0"}),
        Answer(OVERLOADED, 529),
        Answer([sse(OVERLOADED)]),
        streamed(*text("Hi")),
    ) as server:
        model = model_at(server.url).with_retry(stop_after_attempt=4, wait_exponential_jitter=False)
        assert (await model.ainvoke("?", stream=True)).content == "Hi"
    assert len(server.requests) == 4


@pytest.mark.anyio
async def test_what_a_failure_says() -> None:
    headers = {"retry-after": "12", "request-id": "req_1"}
    denied = {"type": "error", "error": {"type": "authentication_error", "message": f"invalid x-api-key {KEY}"}}
    async with provider(Answer(LIMITED, 429, headers), Answer(OVERLOADED, 529), Answer(denied, 401)) as server:
        model = model_at(server.url)
        with pytest.raises(RateLimited) as limited:
            await model.ainvoke("?")
        with pytest.raises(OverloadedError) as overloaded:
            await model.ainvoke("?", stream=True)
        with pytest.raises(AuthenticationError, match="ANTHROPIC_API_KEY") as refused:
            await model.ainvoke("?")
    assert (limited.value.retry_after, limited.value.request_id) == (12.0, "req_1")
    assert (overloaded.value.status, overloaded.value.provider, overloaded.value.model) == (
        529,
        "anthropic",
        "claude-x",
    )
    assert KEY not in f"{refused.value!r} {refused.value.body}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "cut",
    [
        Answer([sse(START, *text("Hi"), OVERLOADED)]),
        Answer([sse(START, *text("Hi"))]),
        Answer([sse(START, *text("Hi"))], is_cut=True),
    ],
    ids=["an overload", "no end", "a broken connection"],
)
async def test_a_stream_that_breaks_midway_keeps_what_came(cut: Answer) -> None:
    async with provider(cut) as server:
        with pytest.raises(StreamInterrupted) as caught:
            [chunk async for chunk in model_at(server.url).astream("?")]
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"


@pytest.mark.anyio
async def test_a_refusal_is_an_answer() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    async with provider(whole(stop_reason="refusal", stop_details=details)) as server:
        message = await model_at(server.url).ainvoke("?")
    assert (message.content, message.response_metadata["stop_reason"]) == ("", "refusal")
    assert message.response_metadata["stop_details"] == details


# ----------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.anyio
async def test_keys_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fresh() -> str:
        return TOKEN

    async with provider(*(said("Hi") for _ in range(6))) as server:
        url = server.url
        await model_at(url, api_key=SecretStr(KEY)).ainvoke("?")
        await model_at(url, api_key=lambda: KEY).ainvoke("?")
        await model_at(url, api_key=None, auth_token=TOKEN).ainvoke("?")
        await model_at(url, api_key=None, anthropic_auth_token=fresh).ainvoke("?")
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", TOKEN)
        await model_at(url, api_key=None).ainvoke("?")
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        await model_at(url, api_key=None).ainvoke("?")
    shown = [(each.headers.get("x-api-key"), each.headers.get("authorization")) for each in server.requests]
    key, token = (KEY, None), (None, f"Bearer {TOKEN}")
    assert shown == [key, key, token, token, token, key]


def test_a_token_that_is_given_counts_before_a_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert ChatAnthropic(model="claude-x", auth_token=TOKEN)._key_headers(TOKEN) == {"authorization": f"Bearer {TOKEN}"}


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN"):
        ChatAnthropic(model="claude-x")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:8787/")
    assert ChatAnthropic(model="claude-x").base_url == "http://localhost:8787"


SERVERS = [{"type": "url", "url": "https://x", "name": "x", "authorization_token": TOKEN}]


def test_secrets_are_never_shown() -> None:
    model = ChatAnthropic(model="claude-x", api_key=KEY, auth_token=TOKEN, mcp_servers=SERVERS)
    bound = model.bind(mcp_servers=SERVERS)
    shown = (repr(model), str(model), dumps(model), repr(model._identifying_params), repr(model.model_dump()))
    pickled = (str(pickle.dumps(each)) for each in (model, bound))
    for words in (*shown, *pickled, repr(bound._shown({"mcp_servers": SERVERS}))):
        assert KEY not in words
        assert TOKEN not in words
    assert model._identifying_params["mcp_servers"] == [{"type": "url", "url": "https://x", "name": "x"}]


def test_a_pickled_model_finds_its_key_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ChatAnthropic(model="claude-x", api_key=KEY, top_k=3, mcp_servers=SERVERS)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", TOKEN)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - written on the line itself
    assert (again.top_k, again.api_key, again._plain_key()) == (3, None, TOKEN)
    assert again.mcp_servers == [{"type": "url", "url": "https://x", "name": "x"}]


# ------------------------------------------------------------------------------------------------------------ arguments


def test_the_references_names_of_arguments() -> None:
    model = ChatAnthropic(
        model_name="claude-x",
        max_tokens_to_sample=5,
        anthropic_api_key=KEY,
        anthropic_api_url="https://proxy.example.com",
        default_request_timeout=30,
        stop_sequences=["a"],
        effort="low",
    )
    assert (model.model, model.max_tokens, model.base_url) == ("claude-x", 5, "https://proxy.example.com")
    assert (model.stop, model.reasoning_effort, model.effort) == (["a"], "low", "low")
    assert (model.model_name, model.anthropic_api_url) == (model.model, model.base_url)
    assert model.anthropic_api_key == SecretStr(KEY)
    assert model._llm_type == "anthropic-chat"


def test_arguments_that_are_wrong() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'thinking'"):
        ChatAnthropic(model="claude-x", api_key=KEY, thinkin={})
    with pytest.raises(ConfigurationError, match="top_k"):
        ChatAnthropic(model="claude-x", api_key=KEY, top_k=-1)


def test_a_model_as_json() -> None:
    model = ChatAnthropic(model="claude-x", api_key=KEY, thinking={"type": "adaptive"})
    written = json.loads(dumps(model))
    assert written["id"] == ["langchain", "chat_models", "anthropic", "ChatAnthropic"]
    again = loads(dumps(model), secrets_map={"ANTHROPIC_API_KEY": KEY}, allowed_objects="all")
    assert isinstance(again, ChatAnthropic)
    assert again.thinking == {"type": "adaptive"}


@pytest.mark.anyio
async def test_usage_is_told_by_a_stream_unless_not_wanted() -> None:
    async with provider(streamed(*text("Hi")), streamed(*text("Hi"))) as server:
        model = model_at(server.url, stream_usage=False)
        assert (await model.ainvoke("?", stream=True)).usage_metadata is None
        assert (await model.ainvoke("?", stream=True, stream_usage=True)).usage_metadata is not None


def test_sync_calls() -> None:
    with pytest.raises(ConnectionFailedError):
        model_at("http://127.0.0.1:1").invoke("?")
