"""The simulator's Messages judged by Anthropic's own client. On asyncio alone, as test_sdk_openai_chat.py says."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

from chatcore.testing import Fault, Limits, Reply, Simulator, echo

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Weather(BaseModel):
    city: str
    degrees: int


USER: Any = [{"role": "user", "content": "Hi"}]
TOOLS: Any = [
    {
        "name": "weather",
        "description": "The weather in a city.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]
CITIES = ("Paris", "東京")
CALLS: Any = [{"name": "weather", "args": {"city": city}} for city in CITIES]
THINK: Any = {"type": "enabled", "budget_tokens": 1024}


def ask(sim: Simulator) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=sim.origin, api_key="sk-any", max_retries=0)


async def test_plain() -> None:
    async with Simulator(script=echo, api_key="sk-any") as sim, ask(sim) as client:
        done = await client.messages.create(model="m", max_tokens=9, messages=USER, system="Be brief.")
        assert [(block.type, getattr(block, "text", None)) for block in done.content] == [("text", "Hi")]
        assert (done.stop_reason, done.id[:4], done.usage.output_tokens) == ("end_turn", "msg_", 1)
        assert done._request_id == sim.requests[0].request_id
        assert (sim.requests[0].dialect, sim.requests[0].messages[0]["role"]) == ("anthropic", "system")
        assert [model.id async for model in client.models.list()] == ["simulator"]
        assert (await client.models.retrieve("claude")).id == "claude"


@pytest.mark.parametrize("interleave", [False, True])
async def test_stream_of_thinking_text_and_calls(interleave: bool) -> None:
    reply = Reply("Grüß dich!", reasoning="Hm, hm.", tool_calls=CALLS, interleave=interleave)
    async with Simulator(script=reply) as sim, ask(sim) as client:
        async with client.messages.stream(model="m", max_tokens=2000, messages=USER, tools=TOOLS) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            done = await stream.get_final_message()
        plain = await client.messages.create(model="m", max_tokens=2000, messages=USER, tools=TOOLS)
        assert text == "Grüß dich!"
        assert [block.type for block in done.content] == ["thinking", "text", "tool_use", "tool_use"]
        for streamed, whole in zip(done.content, plain.content, strict=True):
            assert streamed.model_dump(exclude={"id", "parsed_output"}) == whole.model_dump(exclude={"id"})
        calls: Any = done.content[2:]
        assert [call.input["city"] for call in calls] == [*CITIES]
        assert (done.stop_reason, done.usage.output_tokens) == ("tool_use", plain.usage.output_tokens)


async def test_a_turn_with_tools_and_signed_thinking() -> None:
    script = [Reply(reasoning="Hm.", tool_calls=CALLS), "20 degrees"]
    async with Simulator(script=script) as sim, ask(sim) as client:
        first = await client.messages.create(model="m", max_tokens=2000, messages=USER, tools=TOOLS, thinking=THINK)
        results: Any = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "20"}
            for block in first.content
            if block.type == "tool_use"
        ]
        history: Any = [
            *USER,
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
            {"role": "user", "content": results},
        ]
        second: Any = await client.messages.create(
            model="m", max_tokens=2000, messages=history, tools=TOOLS, thinking=THINK
        )
        assert second.content[0].text == "20 degrees"
        assert [message["role"] for message in sim.requests[1].messages] == ["user", "assistant", "tool", "tool"]
        history[1]["content"][0]["thinking"] = "Something else."
        with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
            await client.messages.create(model="m", max_tokens=2000, messages=history, tools=TOOLS, thinking=THINK)


async def test_default_answers() -> None:
    async with Simulator() as sim, ask(sim) as client:
        thought = await client.messages.create(model="m", max_tokens=2000, messages=USER, thinking=THINK)
        assert [block.type for block in thought.content] == ["thinking", "text"]
        called: Any = await client.messages.create(
            model="m", max_tokens=99, messages=USER, tools=TOOLS, tool_choice={"type": "any"}
        )
        assert isinstance(called.content[0].input["city"], str)
        parsed = await client.messages.parse(model="m", max_tokens=99, messages=USER, output_format=Weather)
        assert isinstance(parsed.parsed_output, Weather)
        short = await client.messages.create(model="m", max_tokens=2, messages=USER)
        assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 2)
        stopped = await client.messages.create(model="m", max_tokens=99, messages=USER, stop_sequences=["the"])
        assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "the")


async def test_tokens_are_counted() -> None:
    async with Simulator() as sim, ask(sim) as client:
        counted = await client.messages.count_tokens(model="m", messages=USER, tools=TOOLS)
        done = await client.messages.create(model="m", max_tokens=9, messages=USER, tools=TOOLS)
        assert counted.input_tokens == done.usage.input_tokens == 5


async def test_errors() -> None:
    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.http(400), anthropic.BadRequestError),
        (Fault.http(401), anthropic.AuthenticationError),
        (Fault.http(404), anthropic.NotFoundError),
        (Fault.http(413), anthropic.RequestTooLargeError),
        (Fault.http(429, retry_after=2), anthropic.RateLimitError),
        (Fault.http(500), anthropic.InternalServerError),
        (Fault.http(529), anthropic.OverloadedError),
        (Fault.reset(), anthropic.APIConnectionError),
        (Fault.truncated_json(), ValueError),
    ]
    async with Simulator(script=[fault for fault, _ in faults]) as sim, ask(sim) as client:
        for fault, error in faults:
            with pytest.raises(error) as raised:
                await client.messages.create(model="m", max_tokens=9, messages=USER)
            if isinstance(raised.value, anthropic.APIStatusError):
                body: Any = raised.value.body
                assert (body["type"], body["request_id"]) == ("error", raised.value.request_id)
                assert raised.value.status_code == fault.status
        with pytest.raises(anthropic.BadRequestError, match='first message must use the "user" role'):
            await client.messages.create(model="m", max_tokens=9, messages=[{"role": "assistant", "content": "x"}])


async def test_an_overload_in_mid_stream() -> None:
    async def read() -> None:
        async with client.messages.stream(model="m", max_tokens=99, messages=USER) as stream:
            async for _ in stream:
                pass

    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.error_event(status=529, after_chunks=4), anthropic.APIStatusError),
        (Fault.error_event(), anthropic.APIStatusError),
        (Fault.malformed_sse(after_chunks=3), ValueError),
        (Fault.truncated_json(after_chunks=3), ValueError),
        (Fault.cut(after_chunks=3), httpx2.RemoteProtocolError),
    ]
    async with Simulator(script=[fault for fault, _ in faults]) as sim, ask(sim) as client:
        said: list[str] = []
        for _, error in faults:
            with pytest.raises(error) as raised:
                await read()
            said.append(str(raised.value))
        assert "overloaded_error" in said[0]
        assert "api_error" in said[1]
        assert sim.stats.requests_faulted == len(faults)


async def test_rate_limit_is_told_in_headers_and_waited_out() -> None:
    limits = Limits(requests_per_minute=1200, burst_requests=1)
    async with Simulator(script=echo, limits=limits) as sim, ask(sim) as client:
        await client.messages.create(model="m", max_tokens=9, messages=USER)
        with pytest.raises(anthropic.RateLimitError) as limited:
            await client.messages.create(model="m", max_tokens=9, messages=USER)
        headers = limited.value.response.headers
        assert headers["anthropic-ratelimit-requests-limit"] == "1200"
        assert headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert headers["retry-after"] == "1"
