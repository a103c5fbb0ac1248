from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatcore.testing import Fault, Faults, Latency, Limits, Reply, SimulatedRequest, Simulator, echo

if TYPE_CHECKING:
    from tests.testing.conftest import Dial

pytestmark = pytest.mark.anyio


async def get(dial: Dial, sim: Simulator, path: str, method: str = "GET") -> tuple[int, dict[str, str], Any]:
    line = await dial(sim.base_url)
    await line.send(f"{method} {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
    return await line.reply() if method != "HEAD" else (*await line.head(), None)


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/v1/chat/completions", 405, "Not allowed to GET on /v1/chat/completions."),
        ("POST", "/v1/models", 405, "Not allowed to POST on /v1/models."),
        ("DELETE", "/v1/models/gpt", 405, "Not allowed to DELETE"),
        ("GET", "/v1/model", 404, "Invalid URL (GET /v1/model)"),
        ("POST", "/chat/completions", 404, "Invalid URL (POST /chat/completions)"),
        ("GET", "/v1/models/none", 404, "The model 'none' does not exist"),
    ],
)
async def test_where_there_is_nothing(dial: Dial, method: str, path: str, status: int, says: str) -> None:
    async with Simulator(models=["gpt"]) as sim:
        got, headers, body = await get(dial, sim, path, method)
        assert got == status
        assert says in body["error"]["message"]
        assert body["error"]["type"] == "invalid_request_error"
        if status == 405:
            assert headers["allow"] == ("POST" if "chat" in path else "GET")
        assert sim.stats.requests_refused == 1


async def test_models(dial: Dial) -> None:
    async with Simulator(models=["one", "two"], prefix="/api") as sim:
        assert sim.base_url.endswith("/api")
        _, _, body = await get(dial, sim, "/api/models?page=1")
        assert [model["id"] for model in body["data"]] == ["one", "two"]
        _, _, body = await get(dial, sim, "/api/models/two")
        assert body["id"] == "two"
    async with Simulator() as sim:
        assert (await get(dial, sim, "/v1/models"))[2]["data"][0]["id"] == "simulator"
        assert (await get(dial, sim, "/v1/models/any"))[0] == 200


async def test_a_head_request_is_answered_without_a_body(dial: Dial) -> None:
    async with Simulator() as sim:
        status, headers, _ = await get(dial, sim, "/v1/nothing", "HEAD")
        assert (status, headers["content-length"]) == (404, "0")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "not valid JSON"), (b'{"model":', "not valid JSON"), (b"\xff\xfe", "not valid JSON"), (b"[]", "an object")],
    ids=str,
)
async def test_a_body_that_is_no_json_object(dial: Dial, content: bytes, says: str) -> None:
    async with Simulator() as sim:
        line = await dial(sim.base_url)
        await line.post(content)
        status, headers, body = await line.reply()
        assert status == 400
        assert says in body["error"]["message"]
        assert headers["x-request-id"] == sim.requests[0].request_id
        await line.ask()
        assert (await line.reply())[0] == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ("", 401, None),
        ("authorization: Bearer \r\n", 401, None),
        ("authorization: Basic sk-right\r\n", 401, None),
        ("authorization: Bearer sk-wrong\r\n", 401, "invalid_api_key"),
        ("authorization: bearer sk-right\r\n", 200, ""),
        ("api-key: sk-right\r\n", 200, ""),
    ],
)
async def test_a_key_may_be_demanded(dial: Dial, headers: str, status: int, code: str | None) -> None:
    async with Simulator(api_key="sk-right") as sim:
        line = await dial(sim.base_url)
        await line.ask(headers=headers)
        got, _, body = await line.reply()
        assert got == status
        assert "sk-" not in json.dumps(body)
        assert status == 200 or body["error"]["code"] == code
        await line.send(f"GET /v1/models HTTP/1.1\r\nhost: a\r\n{headers}\r\n".encode())
        assert (await line.reply())[0] == status


async def test_rates_are_enforced_and_announced(dial: Dial) -> None:
    async with Simulator(limits=Limits(requests_per_minute=2, tokens_per_minute=100_000), script=echo) as sim:
        line = await dial(sim.base_url)
        for remaining in ("1", "0"):
            await line.ask()
            status, headers, _ = await line.reply()
            assert (status, headers["x-ratelimit-remaining-requests"]) == (200, remaining)
            assert headers["x-ratelimit-limit-tokens"] == "100000"
        await line.ask()
        status, headers, body = await line.reply()
        assert status == 429
        assert 0 < int(headers["retry-after-ms"]) <= 30_000
        assert int(headers["retry-after"]) <= 30
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert body["error"]["type"] == "requests"
        assert body["error"]["code"] == "rate_limit_exceeded"
        assert (sim.stats.rate_limited, sim.stats.requests_refused, sim.requests[2].outcome) == (1, 0, "rate_limited")


async def test_a_prompt_that_can_never_be_let_in_is_given_no_hope(dial: Dial) -> None:
    async with Simulator(limits=Limits(tokens_per_minute=10)) as sim:
        line = await dial(sim.base_url)
        await line.ask("x" * 400)
        status, headers, body = await line.reply()
        assert (status, body["error"]["type"]) == (429, "tokens")
        assert "retry-after" not in headers


async def test_a_request_turned_away_takes_nothing_from_the_script(dial: Dial) -> None:
    async with Simulator(script=["one", "two"], limits=Limits(requests_per_minute=60, burst_requests=1)) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        assert (await line.reply())[2]["choices"][0]["message"]["content"] == "one"
        await line.ask()
        assert (await line.reply())[0] == 429
        await line.ask(messages=[])
        assert (await line.reply())[0] == 400
        sim._desk._gate = None
        await line.ask()
        assert (await line.reply())[2]["choices"][0]["message"]["content"] == "two"


async def test_script_forms(dial: Dial) -> None:
    async def later(request: SimulatedRequest) -> Reply | None:
        return Reply("later", headers={"x-mine": "yes"}) if request.prompt == "b" else None

    async with Simulator(script=later) as sim:
        line = await dial(sim.base_url)
        await line.ask("b")
        _, headers, body = await line.reply()
        assert (headers["x-mine"], body["choices"][0]["message"]["content"]) == ("yes", "later")
        await line.ask("default")
        assert (await line.reply())[2]["choices"][0]["message"]["content"] not in {"later", None}


@pytest.mark.parametrize("wrong", ["raises", "raises later", "gives"])
async def test_a_script_that_fails_is_told_to_both_sides(dial: Dial, wrong: str) -> None:
    async def later(_: SimulatedRequest) -> str:
        raise LookupError("no such reply")

    def at_once(_: SimulatedRequest) -> Any:
        if wrong == "gives":
            return 5
        raise LookupError("no such reply")

    expected = TypeError if wrong == "gives" else LookupError
    sim = Simulator(script=later if wrong == "raises later" else at_once)

    async def fail() -> None:
        async with sim:
            line = await dial(sim.base_url)
            await line.ask()
            status, _, body = await line.reply()
            assert status == 500
            assert "the simulator's script failed" in body["error"]["message"]

    with pytest.raises(expected):
        await fail()


HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>"


async def test_http_faults(dial: Dial) -> None:
    faults = [
        Fault.http(503, retry_after=1.25),
        Fault.http(502, body="html"),
        Fault.http(500, body="empty"),
        Fault.http(418, message="teapot", code="tea"),
        Fault.http(200, body=b"data: odd\n\n", content_type="text/event-stream"),
    ]
    async with Simulator(script=faults) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        status, headers, body = await line.reply()
        assert (status, headers["retry-after"], headers["retry-after-ms"]) == (503, "2", "1250")
        assert "overloaded" in body["error"]["message"]
        await line.ask()
        status, headers, body = await line.reply()
        assert (status, headers["content-type"]) == (502, "text/html; charset=utf-8")
        assert body.startswith(HTML)
        await line.ask()
        status, headers, body = await line.reply()
        assert (status, "content-type" in headers, body) == (500, False, b"")
        await line.ask()
        status, _, body = await line.reply()
        assert (status, body["error"]["message"], body["error"]["code"]) == (418, "teapot", "tea")
        await line.ask(stream=True)
        status, headers, body = await line.reply()
        assert (status, headers["content-type"], body) == (200, "text/event-stream", b"data: odd\n\n")
        assert dict(sim.stats.faults) == {"503": 1, "502": 1, "500": 1, "418": 1, "200": 1}
        assert sim.stats.requests_faulted == 5


async def statuses(dial: Dial, **settings: Any) -> list[int]:
    async with Simulator(faults=Faults(0.5, (500, 503)), **settings) as sim:
        line = await dial(sim.base_url)
        got: list[int] = []
        for number in range(40):
            await line.ask(f"question {number % 20}")
            got.append((await line.reply())[0])
        assert [request.occurrence for request in sim.requests] == [1] * 20 + [2] * 20
        return got


async def test_random_faults_are_the_same_in_every_run_and_others_for_another_seed(dial: Dial) -> None:
    first = await statuses(dial)
    assert {200, 500, 503} == set(first)
    assert first == await statuses(dial)
    assert first != await statuses(dial, seed=1)
    assert first[:20] != first[20:], "a retry is a new draw"


async def test_a_random_fault_takes_the_scripted_reply_with_it(dial: Dial) -> None:
    async with Simulator(script=Reply("scripted"), faults=Faults(1, ("hang_up",))) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        assert (await line.reply())[2]["choices"][0]["message"]["content"] == "scripted"
        assert sim.requests[0].fault == "hang_up"


async def test_jitter_is_drawn_for_each_request(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[bytes, int]] = []

    def chance(digest: bytes, purpose: bytes, occurrence: int) -> float:
        drawn.append((purpose, occurrence))
        return 0.0  # as early as can be

    monkeypatch.setattr("chatcore.testing._service.chance", chance)
    async with Simulator(latency=Latency(3600, jitter=1.0)) as sim:
        line = await dial(sim.base_url)
        for _ in range(2):
            await line.ask()
            assert (await line.reply())[0] == 200
    assert drawn == [(b"latency", 1), (b"latency", 2)]


async def test_an_answer_is_charged(dial: Dial) -> None:
    async with Simulator(limits=Limits(tokens_per_minute=600), script=Reply("x" * 800)) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        _, headers, body = await line.reply()
        assert body["usage"]["total_tokens"] == 5 + 200
        assert headers["x-ratelimit-remaining-tokens"] == "395"


async def test_a_reply_may_have_a_pace_of_its_own(dial: Dial) -> None:
    async with Simulator(latency=Latency(3600), script=Reply("Hi", latency=Latency())) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        assert (await line.reply())[0] == 200


async def test_a_schema_that_cannot_be_met_is_refused(dial: Dial) -> None:
    named = {"name": "odd", "schema": {"type": "elephant"}}
    async with Simulator() as sim:
        line = await dial(sim.base_url)
        await line.ask(response_format={"type": "json_schema", "json_schema": named})
        status, _, body = await line.reply()
        assert (status, body["error"]["code"]) == (400, "invalid_json_schema")
        assert "for this one, script a Reply" in body["error"]["message"]
        assert sim.stats.completion_tokens == 0


async def test_stream_options_can_be_unheard_of(dial: Dial) -> None:
    async with Simulator(refuse_stream_options=True) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=True, stream_options={"include_usage": True})
        status, _, body = await line.reply()
        assert (status, body["error"]["message"]) == (400, "Unrecognized request argument supplied: stream_options")
        await line.ask(stream=True)
        status, headers, content = await line.reply()
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert content.endswith(b"data: [DONE]\n\n")


async def test_a_slow_drip_arrives_whole(dial: Dial) -> None:
    async with Simulator(script=Fault.slow_drip(bytes_per_second=100_000, reply=Reply("Hello"))) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        assert (await line.reply())[2]["choices"][0]["message"]["content"] == "Hello"
        await line.ask(stream=True)
        assert b"Hell" in (await line.reply())[2]
        assert sim.stats.requests_faulted == 2
