"""What holds for all dialects alike: the desk, the plan and the ledger know none of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from chatcore.testing import Fault, Faults, Limits, Reply, Simulator, echo
from chatcore.testing._dialect import path_of
from chatcore.testing._dialects import dialects
from tests.testing._dialects.turns import turn_of

pytestmark = pytest.mark.anyio

USER = {"role": "user", "content": "What is it?"}
VERSION = {"anthropic-version": "2023-06-01"}


class Spoken(NamedTuple):
    """How a dialect asks, and where it keeps what is answered."""

    path: str
    body: dict[str, Any]
    streams: dict[str, Any]  # what in the body makes it a stream
    key: str
    text: tuple[Any, ...]
    says: tuple[str, ...]  # where an error has its message
    stream_path: str = ""


SPOKEN = {
    "openai_chat": Spoken(
        "/v1/chat/completions",
        {"model": "m", "messages": [USER]},
        {"stream": True},
        "authorization",
        ("choices", 0, "message", "content"),
        ("error", "message"),
    ),
    "openai_responses": Spoken(
        "/v1/responses",
        {"model": "m", "input": "What is it?"},
        {"stream": True},
        "authorization",
        ("output", -1, "content", 0, "text"),
        ("error", "message"),
    ),
    "anthropic": Spoken(
        "/v1/messages",
        {"model": "m", "max_tokens": 99, "messages": [USER]},
        {"stream": True},
        "x-api-key",
        ("content", -1, "text"),
        ("error", "message"),
    ),
    "gemini": Spoken(
        "/v1beta/models/m:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "What is it?"}]}]},
        {},
        "x-goog-api-key",
        ("candidates", 0, "content", "parts", -1, "text"),
        ("error", "message"),
        "/v1beta/models/m:streamGenerateContent?alt=sse",
    ),
    "ollama": Spoken(
        "/api/chat",
        {"model": "m", "messages": [USER], "stream": False},
        {"stream": True},
        "authorization",
        ("message", "content"),
        ("error",),
    ),
}
EVERY = pytest.mark.parametrize("name", SPOKEN)


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


@asynccontextmanager
async def talking(**settings: Any) -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    async with (
        Simulator(**settings) as sim,
        httpx.AsyncClient(base_url=sim.origin, headers=VERSION) as client,
    ):
        yield sim, client


async def ask(client: httpx.AsyncClient, name: str, *, stream: bool = False, key: str = "") -> httpx.Response:
    spoken = SPOKEN[name]
    path = (stream and spoken.stream_path) or spoken.path
    value = f"Bearer {key}" if spoken.key == "authorization" else key
    body = spoken.body | (spoken.streams if stream else {})
    return await client.post(path, json=body, headers={spoken.key: value} if key else {})


@EVERY
async def test_a_script_sees_and_says_the_same(name: str) -> None:
    async with talking(script=echo) as (sim, client):
        reply = await ask(client, name)
        assert at(reply.json(), SPOKEN[name].text) == "What is it?"
        streamed = await ask(client, name, stream=True)
        assert "What" in streamed.text
        one, two = sim.requests
        assert (one.dialect, one.model, one.messages, one.prompt) == (name, "m", [USER], "What is it?")
        assert (one.stream, two.stream, one.occurrence, two.occurrence) == (False, True, 1, 2)
        assert two.chunks_sent > 3
        assert (sim.stats.requests_finished, sim.stats.prompt_tokens, sim.stats.completion_tokens) == (2, 14, 6)


async def test_the_default_answer_is_the_same_in_every_dialect() -> None:
    async with talking(seed=3) as (_, client):
        texts = {at((await ask(client, name)).json(), SPOKEN[name].text) for name in SPOKEN}
    assert len(texts) == 1


@EVERY
async def test_a_key_may_be_demanded(name: str) -> None:
    async with talking(api_key="right") as (_, client):
        assert (await ask(client, name, key="right")).status_code == 200
        for key in ("", "wrong"):
            refused = await ask(client, name, key=key)
            assert refused.status_code in {400, 401, 403}
            assert at(refused.json(), SPOKEN[name].says)
            assert "wrong" not in refused.text


@EVERY
async def test_models_may_be_few(name: str) -> None:
    async with talking(models=["other"]) as (sim, client):
        refused = await ask(client, name)
        assert refused.status_code == (400 if name == "openai_responses" else 404)
        assert sim.stats.requests_refused == 1


@EVERY
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5"])
async def test_a_body_that_is_no_json_object(name: str, content: bytes) -> None:
    async with talking() as (_, client):
        refused = await client.post(SPOKEN[name].path, content=content)
        assert refused.status_code == 400
        assert at(refused.json(), SPOKEN[name].says)


@EVERY
async def test_limits(name: str) -> None:
    async with talking(limits=Limits(requests_per_minute=60, burst_requests=1)) as (sim, client):
        assert (await ask(client, name)).status_code == 200
        limited = await ask(client, name)
        assert limited.status_code == 429
        assert "60" in limited.text
        assert (sim.stats.rate_limited, sim.requests[1].outcome) == (1, "rate_limited")
        told = {"gemini": "retryDelay"}.get(name)
        assert (told in limited.text) if told else limited.headers["retry-after"] == "1"


@EVERY
async def test_a_body_that_is_too_large(name: str) -> None:
    async with talking(max_body_bytes=9) as (_, client):
        refused = await ask(client, name)
        assert refused.status_code == 413
        assert "at most 9 bytes" in at(refused.json(), SPOKEN[name].says)


@EVERY
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_faults(name: str, stream: bool) -> None:
    cuts = [Fault.cut(after_chunks=1), Fault.reset(), Fault.reset(after_chunks=1)]
    faults = [
        *cuts,
        Fault.http(503, retry_after=2),
        Fault.http(529),
        Fault.error_event(after_chunks=1, message="Oh no."),
        Fault.truncated_json(after_chunks=1),
        Fault.malformed_sse(after_chunks=1),
        Fault.slow_drip(bytes_per_second=1_000_000),
        Fault.hang_up(),
    ]
    async with talking(script=faults) as (sim, client):
        for _ in cuts:
            with pytest.raises(httpx.TransportError):
                await ask(client, name, stream=stream)
        for status in (503, 529):
            struck = await ask(client, name, stream=stream)
            assert struck.status_code == status
            assert at(struck.json(), SPOKEN[name].says)
        assert "Oh no." in (await ask(client, name, stream=stream)).text
        for _ in range(4):
            assert (await ask(client, name, stream=stream)).status_code == 200
        assert sim.stats.requests_faulted == len(faults)


@EVERY
async def test_random_faults_do_not_depend_on_the_dialect(name: str) -> None:
    async with talking(faults=Faults(0.5, (500, 503))) as (_, client):
        found = [(await ask(client, name)).status_code for _ in range(24)]
    async with talking(faults=Faults(0.5, (500, 503))) as (_, client):
        assert [(await ask(client, "openai_chat")).status_code for _ in range(24)] == found
    assert len({*found}) == 3


@EVERY
async def test_a_schema_that_cannot_be_met_is_refused(name: str) -> None:
    odd = {"type": "array", "minItems": 2, "maxItems": 1, "items": {"type": "elephant"}}
    forms: dict[str, dict[str, Any]] = {
        "openai_chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": odd}}},
        "openai_responses": {"text": {"format": {"type": "json_schema", "name": "n", "schema": odd}}},
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": odd}}},
        "gemini": {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": odd}},
        "ollama": {"format": odd},
    }
    async with talking() as (_, client):
        refused = await client.post(SPOKEN[name].path, json=SPOKEN[name].body | forms[name])
        assert refused.status_code == 400
        assert "script a Reply" in at(refused.json(), SPOKEN[name].says)


@EVERY
async def test_headers_and_usage_are_as_scripted(name: str) -> None:
    usage = {"eval_count": 7} if name == "ollama" else {"tokens": 7}
    async with talking(script=Reply("x", headers={"x-mine": "yes"}, usage=usage)) as (_, client):
        reply = await ask(client, name)
        assert reply.headers["x-mine"] == "yes"
        assert json.dumps(usage)[1:-1].replace(" ", "") in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/messages", 405, "POST"),
        ("GET", "/v1/messages/none", 404, None),
        ("GET", "/api/chat", 405, "POST"),
        ("GET", "/api/none", 404, None),
        ("POST", "/v1beta/models/m:embedContent", 404, None),
        ("GET", "/v1/responses", 405, "POST"),
        ("PUT", "/v1/responses/resp_1", 405, "DELETE, GET"),
        ("GET", "/v1/responses/resp_1", 404, None),
    ],
)
async def test_where_there_is_nothing(method: str, path: str, status: int, allow: str | None) -> None:
    async with talking() as (_, client):
        reply = await client.request(method, path)
        assert (reply.status_code, reply.headers.get("allow")) == (status, allow)
        assert reply.json()["error"]


async def test_who_asks_for_the_models_is_answered_in_his_own_words() -> None:
    async with talking(models=["a"]) as (sim, _), httpx.AsyncClient(base_url=sim.origin) as plain:
        assert (await plain.get("/v1/models")).json()["object"] == "list"
        assert "has_more" in (await plain.get("/v1/models", headers=VERSION)).json()
        assert "models" in (await plain.get("/v1/models", headers={"x-goog-api-key": "k"})).json()
        for path in ("/v1/models/b", "/v1beta/models/b"):
            assert (await plain.get(path)).status_code == 404
        assert (await plain.get("/v1beta/models?key=k")).json()["models"][0]["name"] == "models/a"


@EVERY
def test_a_stream_is_as_long_in_making_as_the_whole(name: str) -> None:
    calls: Any = [{"name": "add", "args": {"x": 1}}, {"name": "subtract", "args": {}}]
    reply = Reply("A text, after all.", reasoning="Hm, hm.", tool_calls=calls)
    (dialect,) = (one for one in dialects(prefix="/v1", models=None, refuse_stream_options=False) if one.name == name)
    turn = turn_of(dialect, SPOKEN[name].body, reply)
    due = [event.tokens for event in dialect.events(turn)]
    assert due == sorted(due)
    assert due[-1] == turn.answer.completion_tokens == dialect.plain(turn).tokens


def test_paths_have_gaps() -> None:
    form = path_of("/v1/models/{model}:count")
    found = form.fullmatch("/v1/models/a.b:count")
    assert found is not None
    assert found["model"] == "a.b"
    assert form.fullmatch("/v1/models/a/b:count") is None
    assert path_of("/v1/models/{model*}").fullmatch("/v1/models/a/b")
