"""Our own models against the simulator: what one end writes in a dialect, the other reads, and the same in all five."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from chatcore import ChatAnthropic, ChatGoogleGenerativeAI, ChatOllama, ChatOpenAI
from chatcore.errors import (
    AuthenticationError,
    ChatCoreError,
    MalformedResponseError,
    NotFoundError,
    OverloadedError,
    RateLimited,
    ServerError,
    StreamInterrupted,
)
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from chatcore.model import BaseChatModel
from chatcore.testing import Fault, Latency, Limits, Reply, Simulator, echo

pytestmark = pytest.mark.anyio

USUAL: dict[str, Any] = {"model": "m", "api_key": "right", "max_retries": 0}
MODELS: dict[str, Callable[..., BaseChatModel]] = {
    "openai_chat": lambda sim, **more: ChatOpenAI(base_url=sim.base_url, **USUAL | more),
    "openai_responses": lambda sim, **more: ChatOpenAI(base_url=sim.base_url, use_responses_api=True, **USUAL | more),
    "anthropic": lambda sim, **more: ChatAnthropic(base_url=sim.origin, **USUAL | more),
    "gemini": lambda sim, **more: ChatGoogleGenerativeAI(base_url=sim.origin, **USUAL | more),
    "ollama": lambda sim, **more: ChatOllama(base_url=sim.origin, **USUAL | more),
}
EVERY = pytest.mark.parametrize("name", MODELS)
# Chat completions have no place for reasoning in a request; that servers show some is read all the same.
THINKS: dict[str, dict[str, Any]] = {
    "openai_responses": {"reasoning": {"summary": "auto"}},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048},
    "gemini": {"include_thoughts": True},
    "ollama": {"reasoning": True},
}


class Weather(BaseModel):
    """The weather in a city."""

    city: str
    degrees: int


CALLS: Any = [{"name": "Weather", "args": {"city": city, "degrees": 20}} for city in ("Paris", "東京")]


async def streamed(model: Any, given: Any) -> AIMessageChunk:
    whole: AIMessageChunk | None = None
    async with model.astream(given) as chunks:
        async for chunk in chunks:
            whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


def usage(message: AIMessage) -> tuple[int, int]:
    assert message.usage_metadata is not None
    return message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"]


@EVERY
async def test_plain_and_streamed(name: str) -> None:
    async with Simulator(script=echo, api_key="right") as sim:
        model = MODELS[name](sim)
        history = [SystemMessage("Be brief."), HumanMessage("Grüß dich, 東京!")]
        plain, stream = await model.ainvoke(history), await streamed(model, history)
        assert plain.text == stream.text == "Grüß dich, 東京!"
        assert usage(plain) == usage(stream) == (sim.stats.prompt_tokens / 2, 4)
        assert [request.dialect for request in sim.requests] == [name] * 2
        assert [request.stream for request in sim.requests] == [False, True]
        roles = [message["role"] for message in sim.requests[0].messages]
        assert [role.replace("developer", "system") for role in roles] == ["system", "user"]


@EVERY
async def test_several_tools_are_called_and_answered(name: str) -> None:
    async with Simulator(script=[Reply(tool_calls=CALLS)] * 2 + ["Warm."] * 2) as sim:
        model = MODELS[name](sim).bind_tools([Weather])
        plain, stream = await model.ainvoke("Weather?"), await streamed(model, "Weather?")
        for message in (plain, stream):
            assert [(call["name"], call["args"]["city"]) for call in message.tool_calls] == [
                ("Weather", "Paris"),
                ("Weather", "東京"),
            ]
            results = [ToolMessage("20", tool_call_id=call["id"] or "") for call in message.tool_calls]
            assert (await model.ainvoke([HumanMessage("Weather?"), message, *results])).text == "Warm."
        assert sim.requests[0].tools == ["Weather"]
        assert [message["role"] for message in sim.requests[3].messages] == ["user", "assistant", "tool", "tool"]


@pytest.mark.parametrize("name", [name for name in MODELS if name != "ollama"])
async def test_a_tool_that_is_demanded_is_called(name: str) -> None:
    async with Simulator() as sim:
        for choice in ("any", "Weather"):
            model = MODELS[name](sim).bind_tools([Weather], tool_choice=choice)
            (call,) = (await model.ainvoke("Weather?")).tool_calls
            assert isinstance(Weather(**call["args"]), Weather)


@pytest.mark.parametrize("name", THINKS)
async def test_reasoning_is_shown_and_goes_back_with_its_signature(name: str) -> None:
    async with Simulator(script=[Reply(reasoning="Hm, hm.", tool_calls=CALLS[:1]), "Warm."] * 2) as sim:
        model = MODELS[name](sim, **THINKS[name]).bind_tools([Weather])
        for ask in (model.ainvoke, lambda given: streamed(model, given)):
            made = await ask("Weather?")
            assert [block["reasoning"] for block in made.content_blocks if block["type"] == "reasoning"] == ["Hm, hm."]
            result = ToolMessage("20", tool_call_id=made.tool_calls[0]["id"] or "")
            # A signature that is lost or changed is refused.
            assert (await ask([HumanMessage("Weather?"), made, result])).text == "Warm."


@EVERY
async def test_structured_output(name: str) -> None:
    async with Simulator() as sim:
        assert isinstance(await MODELS[name](sim).with_structured_output(Weather).ainvoke("Weather?"), Weather)


@EVERY
async def test_an_image_arrives(name: str) -> None:
    picture = base64.b64encode(b"\x89PNG picture").decode()
    image = {"type": "image", "base64": picture, "mime_type": "image/png"}
    async with Simulator(script=echo) as sim:
        asked = HumanMessage(content=[{"type": "text", "text": "What is it?"}, image])
        assert (await MODELS[name](sim).ainvoke([asked])).text == "What is it?"
        _, part = sim.requests[0].messages[0]["content"]
        assert part["image_url"]["url"].endswith(f";base64,{picture}")


@EVERY
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.http(401), AuthenticationError),
        (Fault.http(404), NotFoundError),
        (Fault.http(429, retry_after=7), RateLimited),
        (Fault.http(500), ServerError),
        (Fault.http(503, body="html"), ServerError),
        (Fault.http(529), OverloadedError),
        (Fault.http(500, body="empty"), ServerError),
        (Fault.truncated_json(), ChatCoreError),
        (Fault.error_event(), ChatCoreError),
        (Fault.reset(), ChatCoreError),
        (Fault.cut(), ChatCoreError),
    ],
    ids=lambda value: f"{value.name}-{value.body}" if isinstance(value, Fault) else "",
)
async def test_errors(name: str, fault: Fault, error: type[ChatCoreError]) -> None:
    async with Simulator(script=fault) as sim:
        model = MODELS[name](sim)
        with pytest.raises(error) as raised:
            await model.ainvoke("Hi")
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after == 7
        with pytest.raises(ChatCoreError):
            await streamed(model, "Hi")


@EVERY
@pytest.mark.parametrize(
    "fault",
    [
        Fault.error_event(status=529, after_chunks=6),
        Fault.truncated_json(after_chunks=6),
        Fault.malformed_sse(after_chunks=6),
        Fault.cut(after_chunks=6),
        Fault.reset(after_chunks=6),
    ],
    ids=lambda fault: fault.name,
)
async def test_a_stream_that_breaks_off_says_what_has_come(name: str, fault: Fault) -> None:
    async with Simulator(script=fault) as sim:
        with pytest.raises((StreamInterrupted, MalformedResponseError)) as raised:
            await streamed(MODELS[name](sim), "Hi")
        if isinstance(raised.value, StreamInterrupted):
            assert raised.value.partial is not None
            assert raised.value.partial.text


@EVERY
async def test_an_overload_as_the_first_event_is_tried_again(name: str) -> None:
    script = [Fault.error_event(status=529), Reply("Hello")]
    async with Simulator(script=script) as sim:
        assert (await streamed(MODELS[name](sim, max_retries=2), "Hi")).text == "Hello"


@EVERY
async def test_a_limit_is_waited_out(name: str) -> None:
    limits = Limits(requests_per_minute=6000, burst_requests=1)
    async with Simulator(script=echo, limits=limits) as sim:
        model = MODELS[name](sim, max_retries=9)
        assert [message.text for message in await model.abatch(["a", "b", "c"])] == ["a", "b", "c"]


@EVERY
async def test_a_stream_that_is_left_is_closed(name: str) -> None:
    async with Simulator(latency=Latency(tokens_per_second=20), reply_tokens=1000) as sim:
        async with MODELS[name](sim).astream("Hi") as chunks:
            async for chunk in chunks:
                if chunk.text:
                    break
        stats = await sim.wait_for(lambda stats: stats.requests_in_flight == 0)
        assert stats.requests_cut_off == 1


@EVERY
async def test_a_history_from_every_other_provider_is_taken(name: str) -> None:
    """The simulator judges as strictly as the service: what another has made must be written so that it is taken."""
    script = [Reply("Let me see.", reasoning="Hm.", tool_calls=CALLS)]
    for other, make in MODELS.items():
        async with Simulator(script=[*script, "Warm."]) as sim:
            made = await make(sim, **THINKS.get(other, {})).bind_tools([Weather]).ainvoke("Weather?")
            results = [ToolMessage("20", tool_call_id=call["id"] or "") for call in made.tool_calls]
            model = MODELS[name](sim).bind_tools([Weather])
            assert (await model.ainvoke([HumanMessage("Weather?"), made, *results])).text == "Warm."
            assistant = sim.requests[1].messages[1]
            assert "Let me see." in str(assistant["content"])
            assert len(assistant["tool_calls"]) == 2
