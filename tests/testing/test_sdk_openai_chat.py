"""The simulator judged by OpenAI's own client.

On asyncio alone: on trio, that client leaves the async generators of its streams to the garbage collector, which trio
reports.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from chatcore.testing import Fault, Limits, Reply, Simulator, echo

pytestmark = pytest.mark.anyio

Ask = Callable[[Simulator], openai.AsyncOpenAI]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Weather(BaseModel):
    city: str
    degrees: int


@pytest.fixture
def ask() -> Ask:
    return lambda sim: openai.AsyncOpenAI(base_url=sim.base_url, api_key="sk-any", max_retries=0)


TOOLS: Any = [openai.pydantic_function_tool(Weather, name="weather")]
USER: Any = [{"role": "user", "content": "Hi"}]


async def test_plain(ask: Ask) -> None:
    async with Simulator(script=echo, api_key="sk-any") as sim, ask(sim) as client:
        done = await client.chat.completions.create(model="m", messages=USER, n=2, logprobs=True)
        assert [choice.message.content for choice in done.choices] == ["Hi", "Hi"]
        assert done.usage is not None
        assert done.usage.total_tokens == done.usage.prompt_tokens + 2
        assert done._request_id == sim.requests[0].request_id
        assert done.choices[0].logprobs is not None
        assert [model.id async for model in client.models.list()] == ["simulator"]


async def test_stream_of_text_reasoning_and_usage(ask: Ask) -> None:
    async with Simulator(script=Reply("Grüß dich, 東京!", reasoning="Hm, hm.")) as sim, ask(sim) as client:
        async with client.chat.completions.stream(
            model="m", messages=USER, stream_options={"include_usage": True}
        ) as stream:
            reasoning = [
                getattr(event.chunk.choices[0].delta, "reasoning_content", None) or ""
                async for event in stream
                if event.type == "chunk" and event.chunk.choices
            ]
            done = await stream.get_final_completion()
        assert done.choices[0].message.content == "Grüß dich, 東京!"
        assert "".join(reasoning) == "Hm, hm."
        assert done.usage is not None
        assert done.usage.completion_tokens == 4 + 2


async def test_tools(ask: Ask) -> None:
    calls: Any = [{"name": "weather", "args": {"city": city, "degrees": 20}} for city in ("Paris", "東京")]
    async with Simulator(script=Reply(tool_calls=calls)) as sim, ask(sim) as client:
        plain = await client.chat.completions.create(model="m", messages=USER, tools=TOOLS)
        async with client.chat.completions.stream(model="m", messages=USER, tools=TOOLS) as stream:
            streamed = await stream.get_final_completion()
        for done in (plain, streamed):
            assert done.choices[0].finish_reason == "tool_calls"
            made: Any = done.choices[0].message.tool_calls
            assert [json.loads(call.function.arguments)["city"] for call in made] == ["Paris", "東京"]


async def test_demanded_tool_and_schema(ask: Ask) -> None:
    async with Simulator() as sim, ask(sim) as client:
        done = await client.chat.completions.create(model="m", messages=USER, tools=TOOLS, tool_choice="required")
        made: Any = done.choices[0].message.tool_calls
        Weather.model_validate_json(made[0].function.arguments, strict=True)
        parsed = await client.chat.completions.parse(model="m", messages=USER, response_format=Weather)
        assert isinstance(parsed.choices[0].message.parsed, Weather)


async def test_refusal(ask: Ask) -> None:
    async with Simulator(script=Reply(refusal="I will not.")) as sim, ask(sim) as client:
        parsed = await client.chat.completions.parse(model="m", messages=USER, response_format=Weather)
        assert (parsed.choices[0].message.refusal, parsed.choices[0].message.parsed) == ("I will not.", None)


async def test_errors(ask: Ask) -> None:
    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.http(400), openai.BadRequestError),
        (Fault.http(401), openai.AuthenticationError),
        (Fault.http(404), openai.NotFoundError),
        (Fault.http(500, body="html"), openai.InternalServerError),
        (Fault.http(529, body="empty"), openai.InternalServerError),
        (Fault.reset(), openai.APIConnectionError),
        (Fault.truncated_json(), json.JSONDecodeError),
    ]
    async with Simulator(script=[fault for fault, _ in faults]) as sim, ask(sim) as client:
        for _, error in faults:
            with pytest.raises(error):
                await client.chat.completions.create(model="m", messages=USER)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.error_event(), openai.APIError),
        (Fault.error_event(after_chunks=2), openai.APIError),
        (Fault.malformed_sse(), json.JSONDecodeError),
        (Fault.truncated_json(), json.JSONDecodeError),
        (Fault.malformed_sse(form="line"), None),
        (Fault.slow_drip(bytes_per_second=100_000), None),
    ],
    ids=["error first", "error amid", "broken json", "truncated json", "garbage line", "drip"],
)
async def test_stream_faults(ask: Ask, fault: Fault, error: type[Exception] | None) -> None:
    async def read() -> None:
        async for _ in await client.chat.completions.create(model="m", messages=USER, stream=True):
            pass

    async with Simulator(script=fault) as sim, ask(sim) as client:
        if error is None:
            await read()
        else:
            with pytest.raises(error):
                await read()
        assert sim.requests[0].outcome == "faulted"


async def test_rate_limit_is_waited_out(ask: Ask) -> None:
    limits = Limits(requests_per_minute=1200, burst_requests=1)
    async with Simulator(script=echo, limits=limits) as sim, ask(sim) as client:
        await client.chat.completions.create(model="m", messages=USER)
        with pytest.raises(openai.RateLimitError) as limited:
            await client.chat.completions.create(model="m", messages=USER)
        assert limited.value.code == "rate_limit_exceeded"
        patient = client.with_options(max_retries=5)
        for _ in range(3):
            await patient.chat.completions.create(model="m", messages=USER)
        assert sim.stats.requests_finished == 4
