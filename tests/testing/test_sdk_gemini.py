"""The simulator's Gemini judged by Google's own client. On asyncio alone: that client knows no other loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from chatcore.testing import Fault, Limits, Reply, Simulator, echo

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Weather(BaseModel):
    city: str
    degrees: int


CITIES = ("Paris", "東京")
CALLS: Any = [{"name": "weather", "args": {"city": city}} for city in CITIES]
CITY = types.Schema(
    type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
)
TOOLS: Any = [types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters=CITY)])]


@asynccontextmanager
async def ask(sim: Simulator, **options: Any) -> AsyncIterator[genai.client.AsyncClient]:
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=sim.origin), **options)
    async with client.aio as aio:
        yield aio
    client.close()


async def test_plain() -> None:
    async with Simulator(script=echo, api_key="any") as sim, ask(sim) as client:
        config = types.GenerateContentConfig(system_instruction="Be brief.", candidate_count=2, temperature=0.5)
        done = await client.models.generate_content(model="m", contents="Hi", config=config)
        assert done.candidates is not None
        assert [candidate.content.parts[0].text for candidate in done.candidates] == ["Hi", "Hi"]  # type: ignore[union-attr,index]
        assert done.usage_metadata is not None
        assert (done.usage_metadata.candidates_token_count, done.model_version) == (2, "m")
        assert (sim.requests[0].dialect, sim.requests[0].messages[0]["role"]) == ("gemini", "system")
        assert [model.name async for model in await client.models.list()] == ["models/simulator"]
        assert (await client.models.get(model="gemini")).name == "models/gemini"
        counted = await client.models.count_tokens(model="m", contents="x" * 40)
        assert counted.total_tokens == 14


def parts_of(response: types.GenerateContentResponse) -> list[types.Part]:
    content = (response.candidates or [])[0].content
    return (content and content.parts) or []


async def test_stream_of_thoughts_text_and_calls() -> None:
    reply = Reply("Grüß dich!", reasoning="Hm, hm.", tool_calls=CALLS)
    async with Simulator(script=reply) as sim, ask(sim) as client:
        config = types.GenerateContentConfig(tools=TOOLS)
        plain = await client.models.generate_content(model="m", contents="Hi", config=config)
        chunks = [
            chunk
            async for chunk in await client.models.generate_content_stream(model="m", contents="Hi", config=config)
        ]
        for made in ([plain], chunks):
            parts = [part for chunk in made for part in parts_of(chunk)]
            assert "".join(part.text or "" for part in parts if part.thought) == "Hm, hm."
            assert "".join(part.text or "" for part in parts if not part.thought) == "Grüß dich!"
            calls = [part for part in parts if part.function_call]
            assert [part.function_call.args["city"] for part in calls] == [*CITIES]  # type: ignore[union-attr,index]
            assert [part.thought_signature is not None for part in calls] == [True, False]
            assert (made[-1].candidates or [])[0].finish_reason == types.FinishReason.STOP
        assert chunks[-1].usage_metadata == plain.usage_metadata


async def test_a_turn_with_tools_and_a_signature() -> None:
    script = [Reply(reasoning="Hm.", tool_calls=CALLS), "20 degrees"]
    async with Simulator(script=script) as sim, ask(sim) as client:
        config = types.GenerateContentConfig(tools=TOOLS)
        first = await client.models.generate_content(model="m", contents="Hi", config=config)
        results = [types.Part.from_function_response(name="weather", response={"result": "20"}) for _ in CITIES]
        history: Any = [
            types.Content(role="user", parts=[types.Part(text="Hi")]),
            (first.candidates or [])[0].content,
            types.Content(role="user", parts=results),
        ]
        second = await client.models.generate_content(model="m", contents=history, config=config)
        assert second.text == "20 degrees"
        assert [message["role"] for message in sim.requests[1].messages] == ["user", "assistant", "tool", "tool"]
        history[1].parts[1].thought_signature = b"forged"
        with pytest.raises(errors.ClientError, match="Thought signature is not valid"):
            await client.models.generate_content(model="m", contents=history, config=config)
        history[2].parts.pop()
        with pytest.raises(errors.ClientError, match="equal to the number of function call parts"):
            history[1].parts[1].thought_signature = None
            await client.models.generate_content(model="m", contents=history, config=config)


async def test_default_answers() -> None:
    async with Simulator() as sim, ask(sim) as client:
        json = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather)
        parsed = await client.models.generate_content(model="m", contents="Hi", config=json)
        assert isinstance(parsed.parsed, Weather)
        must = types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        )
        config = types.GenerateContentConfig(tools=TOOLS, tool_config=must)
        called = await client.models.generate_content(model="m", contents="Hi", config=config)
        assert isinstance(called.function_calls[0].args["city"], str)  # type: ignore[index]
        thinking = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
        thought = await client.models.generate_content(model="m", contents="Hi", config=thinking)
        assert [part.thought for part in parts_of(thought)] == [True, None]
        short = await client.models.generate_content(
            model="m", contents="Hi", config=types.GenerateContentConfig(max_output_tokens=2)
        )
        assert (short.candidates or [])[0].finish_reason == types.FinishReason.MAX_TOKENS


async def test_vertex() -> None:
    async with Simulator(script=echo) as sim, ask(sim, vertexai=True) as client:
        assert (await client.models.generate_content(model="m", contents="Hi")).text == "Hi"
        assert "/publishers/google/models/m:generateContent" in sim.requests[0].path
        assert sim.requests[0].model == "m"


async def test_errors() -> None:
    faults: list[tuple[Fault, type[errors.APIError], str]] = [
        (Fault.http(400), errors.ClientError, "INVALID_ARGUMENT"),
        (Fault.http(403), errors.ClientError, "PERMISSION_DENIED"),
        (Fault.http(404), errors.ClientError, "NOT_FOUND"),
        (Fault.http(429, retry_after=2.5), errors.ClientError, "RESOURCE_EXHAUSTED"),
        (Fault.http(500), errors.ServerError, "INTERNAL"),
        (Fault.http(503), errors.ServerError, "UNAVAILABLE"),
    ]
    async with Simulator(script=[fault for fault, _, _ in faults]) as sim, ask(sim) as client:
        for fault, error, status in faults:
            with pytest.raises(error) as raised:
                await client.models.generate_content(model="m", contents="Hi")
            assert (raised.value.code, raised.value.status) == (fault.status, status)
            if fault.status == 429:
                delays = [detail.get("retryDelay") for detail in raised.value.details["error"]["details"]]
                assert delays == ["2.5s"]
    async with Simulator(api_key="other", models=["m"]) as sim, ask(sim) as client:
        with pytest.raises(errors.ClientError, match="API key not valid"):
            await client.models.generate_content(model="m", contents="Hi")


async def test_errors_in_mid_stream() -> None:
    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.error_event(status=503, after_chunks=2), errors.ServerError),
        (Fault.truncated_json(after_chunks=2), errors.UnknownApiResponseError),
    ]
    async with Simulator(script=[fault for fault, _ in faults]) as sim, ask(sim) as client:
        for _, error in faults:
            with pytest.raises(error):
                async for _ in await client.models.generate_content_stream(model="m", contents="Hi"):
                    pass


async def test_rate_limit_tells_when_to_come_again() -> None:
    limits = Limits(requests_per_minute=60, burst_requests=1)
    async with Simulator(script=echo, limits=limits) as sim, ask(sim) as client:
        await client.models.generate_content(model="m", contents="Hi")
        with pytest.raises(errors.ClientError) as limited:
            await client.models.generate_content(model="m", contents="Hi")
        (detail,) = limited.value.details["error"]["details"]
        assert detail["@type"].endswith("RetryInfo")
        assert 0 < float(detail["retryDelay"].rstrip("s")) <= 1
