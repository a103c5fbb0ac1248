"""The simulator's Ollama judged by Ollama's own client. On asyncio alone, as test_sdk_openai_chat.py says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import ollama
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


def weather(city: str) -> str:
    """The weather.

    Args:
        city: where
    """
    return city


USER: Any = [{"role": "user", "content": "Hi"}]
CITIES = ("Paris", "東京")
CALLS: Any = [{"name": "weather", "args": {"city": city}} for city in CITIES]


@asynccontextmanager
async def ask(sim: Simulator, **settings: Any) -> AsyncIterator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=sim.origin, **settings)
    async with client._client:
        yield client


async def test_plain() -> None:
    async with (
        Simulator(script=echo, api_key="any") as sim,
        ask(sim, headers={"authorization": "Bearer any"}) as client,
    ):
        done = await client.chat("m", USER)
        assert (done.message.content, done.done_reason, done.eval_count, done.prompt_eval_count) == ("Hi", "stop", 1, 5)
        assert sim.requests[0].dialect == "ollama"
        assert [model.model for model in (await client.list()).models] == ["simulator"]
        assert "tools" in ((await client.show("m")).capabilities or ())
        assert (await client.chat("m", [])).done_reason == "load"


async def test_stream_of_thinking_text_and_calls() -> None:
    reply = Reply("Grüß dich!", reasoning="Hm, hm.", tool_calls=CALLS)
    async with Simulator(script=reply) as sim, ask(sim) as client:
        chunks = [chunk async for chunk in await client.chat("m", USER, tools=[weather], think=True, stream=True)]
        plain = await client.chat("m", USER, tools=[weather], think=True)
        assert sim.requests[0].tools == ["weather"]
        for made in ([plain], chunks):
            assert "".join(chunk.message.content or "" for chunk in made) == "Grüß dich!"
            assert "".join(chunk.message.thinking or "" for chunk in made) == "Hm, hm."
            calls = [call for chunk in made for call in chunk.message.tool_calls or ()]
            assert [call.function.arguments["city"] for call in calls] == [*CITIES]
        assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1].eval_count == plain.eval_count


async def test_a_turn_with_tools() -> None:
    async with Simulator(script=[Reply(tool_calls=CALLS[:1]), "20 degrees"]) as sim, ask(sim) as client:
        first = await client.chat("m", USER, tools=[weather])
        history = [*USER, first.message, {"role": "tool", "content": "20", "tool_name": "weather"}]
        assert (await client.chat("m", history, tools=[weather])).message.content == "20 degrees"
        assert [message["role"] for message in sim.requests[1].messages] == ["user", "assistant", "tool"]


async def test_default_answers() -> None:
    async with Simulator() as sim, ask(sim) as client:
        done = await client.chat("m", USER, format=Weather.model_json_schema())
        Weather.model_validate_json(done.message.content or "")
        assert (await client.chat("m", USER, think=True)).message.thinking
        short = await client.chat("m", USER, options={"num_predict": 2})
        assert (short.done_reason, short.eval_count) == ("length", 2)


async def test_errors() -> None:
    async with Simulator(models=["m"], script=[Fault.http(503), Fault.http(500)]) as sim, ask(sim) as client:
        for status, says in ((503, "server busy"), (500, "an error was encountered")):
            with pytest.raises(ollama.ResponseError, match=says) as raised:
                await client.chat("m", USER)
            assert raised.value.status_code == status
        with pytest.raises(ollama.ResponseError, match="model 'other' not found"):
            await client.chat("other", USER)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.error_event(after_chunks=2), ollama.ResponseError),
        (Fault.truncated_json(after_chunks=2), ValueError),
        (Fault.malformed_sse(after_chunks=2), ValueError),
        (Fault.cut(after_chunks=2), httpx.RemoteProtocolError),
    ],
    ids=["error", "truncated", "garbage", "cut"],
)
async def test_errors_in_mid_stream(fault: Fault, error: type[Exception]) -> None:
    async with Simulator(script=fault) as sim, ask(sim) as client:
        with pytest.raises(error):
            async for _ in await client.chat("m", USER, stream=True):
                pass


async def test_rate_limit() -> None:
    async with Simulator(limits=Limits(requests_per_minute=60, burst_requests=1)) as sim, ask(sim) as client:
        await client.chat("m", USER)
        with pytest.raises(ollama.ResponseError, match="too many requests") as limited:
            await client.chat("m", USER)
        assert limited.value.status_code == 429
