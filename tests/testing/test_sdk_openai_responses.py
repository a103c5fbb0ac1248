"""The simulator's Responses judged by OpenAI's own client. On asyncio alone, as test_sdk_openai_chat.py says."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from chatcore.testing import Fault, Latency, Limits, Reply, Simulator, echo

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Weather(BaseModel):
    city: str
    degrees: int


TOOLS: Any = [
    {
        "type": "function",
        "name": "weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
]
CITIES = ("Paris", "東京")
CALLS: Any = [{"name": "weather", "args": {"city": city}} for city in CITIES]


def ask(sim: Simulator) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=sim.base_url, api_key="sk-any", max_retries=0)


async def test_plain() -> None:
    async with Simulator(script=echo, api_key="sk-any") as sim, ask(sim) as client:
        done = await client.responses.create(model="m", input="Hi", instructions="Be brief.")
        assert (done.output_text, done.status, done.id[:5]) == ("Hi", "completed", "resp_")
        assert done.usage is not None
        assert done.usage.total_tokens == done.usage.input_tokens + 1
        assert done._request_id == sim.requests[0].request_id
        assert (sim.requests[0].dialect, sim.requests[0].messages[0]) == (
            "openai_responses",
            {"role": "system", "content": "Be brief."},
        )


async def test_stream_of_reasoning_text_and_calls() -> None:
    reply = Reply("Grüß dich!", reasoning="Hm, hm.", tool_calls=CALLS, interleave=True)
    async with Simulator(script=reply) as sim, ask(sim) as client:
        async with client.responses.stream(
            model="m", input="Hi", tools=TOOLS, include=["reasoning.encrypted_content"]
        ) as stream:
            events = [event async for event in stream]
            done = await stream.get_final_response()
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Grüß dich!"
        plain = await client.responses.create(
            model="m", input="Hi", tools=TOOLS, include=["reasoning.encrypted_content"]
        )
        assert [item.type for item in done.output] == ["reasoning", "message", "function_call", "function_call"]
        mine = {"parsed", "parsed_arguments"}
        for streamed, whole in zip(done.output, plain.output, strict=True):
            left = streamed.model_dump(exclude=mine | {"id", "call_id"})
            for part in left.get("content") or ():
                part.pop("parsed", None)
            assert left == whole.model_dump(exclude={"id", "call_id"})
        calls: Any = done.output[2:]
        assert [json.loads(call.arguments)["city"] for call in calls] == [*CITIES]


async def test_a_turn_with_tools_goes_on_with_what_was_kept() -> None:
    script = [Reply(reasoning="Hm.", tool_calls=CALLS), "20 degrees"]
    async with Simulator(script=script) as sim, ask(sim) as client:
        first = await client.responses.create(model="m", input="Weather?", tools=TOOLS)
        calls: Any = [item for item in first.output if item.type == "function_call"]
        outputs: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "20"} for call in calls]
        second = await client.responses.create(model="m", input=outputs, previous_response_id=first.id)
        assert second.output_text == "20 degrees"
        roles = [message["role"] for message in sim.requests[1].messages]
        assert roles == ["user", "assistant", "tool", "tool"]
        again = await client.responses.retrieve(second.id)
        assert again.output == second.output
        items = await client.responses.input_items.list(second.id)
        assert [item.type for item in items.data[:2]] == ["function_call_output"] * 2
        await client.responses.delete(second.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(second.id)
        with pytest.raises(openai.BadRequestError, match="No tool output found"):
            await client.responses.create(model="m", input="And?", previous_response_id=first.id)


async def test_a_history_that_is_kept_by_the_client() -> None:
    script = [Reply(reasoning="Hm.", tool_calls=CALLS[:1]), "20 degrees"]
    async with Simulator(script=script) as sim, ask(sim) as client:
        history: Any = [{"role": "user", "content": "Weather?"}]
        include: Any = ["reasoning.encrypted_content"]
        first = await client.responses.create(model="m", input=history, tools=TOOLS, store=False, include=include)
        call: Any = first.output[-1]
        history += [item.model_dump(exclude_none=True) for item in first.output]
        history.append({"type": "function_call_output", "call_id": call.call_id, "output": "20"})
        second = await client.responses.create(model="m", input=history, tools=TOOLS, store=False, include=include)
        assert second.output_text == "20 degrees"
        history[1]["encrypted_content"] = "forged"
        with pytest.raises(openai.BadRequestError, match="could not be verified") as refused:
            await client.responses.create(model="m", input=history, tools=TOOLS, store=False)
        assert refused.value.code == "invalid_encrypted_content"
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)


async def test_structured_output_and_a_demanded_tool() -> None:
    async with Simulator() as sim, ask(sim) as client:
        parsed = await client.responses.parse(model="m", input="Hi", text_format=Weather)
        assert isinstance(parsed.output_parsed, Weather)
        done = await client.responses.create(model="m", input="Hi", tools=TOOLS, tool_choice="required")
        call: Any = done.output[0]
        assert isinstance(json.loads(call.arguments)["city"], str)


async def test_refusal_and_an_incomplete_answer() -> None:
    async with Simulator(script=[Reply(refusal="No."), None]) as sim, ask(sim) as client:
        refused: Any = await client.responses.create(model="m", input="Hi")
        assert refused.output[0].content[0].refusal == "No."
        short = await client.responses.create(model="m", input="Hi", max_output_tokens=16)
        assert short.status == "incomplete"
        assert short.incomplete_details is not None
        assert short.incomplete_details.reason == "max_output_tokens"


async def test_background() -> None:
    async with Simulator(script="Done.", latency=Latency(3600)) as sim, ask(sim) as client:
        queued = await client.responses.create(model="m", input="Hi", background=True)
        assert (queued.status, (await client.responses.retrieve(queued.id)).status) == ("queued", "queued")
        assert (await client.responses.cancel(queued.id)).status == "cancelled"
        assert (await client.responses.retrieve(queued.id)).status == "cancelled"
    async with Simulator(script="Done.") as sim, ask(sim) as client:
        queued = await client.responses.create(model="m", input="Hi", background=True)
        assert queued.status == "queued"
        done = await client.responses.retrieve(queued.id)
        assert (done.status, done.output_text) == ("completed", "Done.")
        rest = [event async for event in await client.responses.retrieve(queued.id, stream=True, starting_after=3)]
        assert (rest[0].sequence_number, rest[-1].type) == (4, "response.completed")
        assert (await client.responses.cancel(queued.id)).status == "completed"
        plain = await client.responses.create(model="m", input="Hi")
        with pytest.raises(openai.BadRequestError, match="synchronous"):
            await client.responses.cancel(plain.id)


async def test_tokens_are_counted() -> None:
    async with Simulator() as sim, ask(sim) as client:
        counted = await client.responses.input_tokens.count(model="m", input="x" * 40)
        assert counted.input_tokens == 14


async def test_errors() -> None:
    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.http(401), openai.AuthenticationError),
        (Fault.http(404), openai.NotFoundError),
        (Fault.http(429, retry_after=2), openai.RateLimitError),
        (Fault.http(500), openai.InternalServerError),
        (Fault.http(503, body="html"), openai.InternalServerError),
        (Fault.reset(), openai.APIConnectionError),
        (Fault.truncated_json(), ValueError),
    ]
    async with Simulator(script=[fault for fault, _ in faults]) as sim, ask(sim) as client:
        for _, error in faults:
            with pytest.raises(error):
                await client.responses.create(model="m", input="Hi")
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model="m", input=[{"role": "human", "content": "x"}])  # type: ignore[list-item]
        assert (refused.value.param, refused.value.code) == ("input[0].role", "invalid_value")


async def test_an_error_inside_a_200() -> None:
    async with (
        Simulator(script=Fault.error_event(after_chunks=3, code="rate_limit_exceeded")) as sim,
        ask(sim) as client,
    ):
        failed = await client.responses.create(model="m", input="Hi")
        assert failed.status == "failed"
        assert failed.error is not None
        assert failed.error.code == "rate_limit_exceeded"
        events = [event async for event in await client.responses.create(model="m", input="Hi", stream=True)]
        last: Any = events[-1]
        assert (last.type, last.code, last.sequence_number, len(events)) == ("error", "rate_limit_exceeded", 3, 4)


async def test_rate_limit_is_waited_out() -> None:
    limits = Limits(requests_per_minute=1200, burst_requests=1)
    async with Simulator(script=echo, limits=limits) as sim, ask(sim) as client:
        await client.responses.create(model="m", input="Hi")
        with pytest.raises(openai.RateLimitError):
            await client.responses.create(model="m", input="Hi")
        for _ in range(3):
            await client.with_options(max_retries=5).responses.create(model="m", input="Hi")
        assert sim.stats.requests_finished == 4
