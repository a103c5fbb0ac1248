"""What users of other libraries complain of, each tried against a real server, so that it does not come up here.

Each test names the report that it comes from. Leaving a call early is in providers/test_exits.py, a client of the web
back end that hangs up in examples/test_web_app.py, and the pool under cancellation in http/test_transport.py.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import time

import anyio
import pytest

from chatcore import (
    AIMessage,
    AIMessageChunk,
    ChatOpenAI,
    OverloadedError,
    RunnableLambda,
    StalledError,
    StreamInterrupted,
    StreamTimedOut,
    Timeout,
    TokenBucket,
)
from chatcore.testing import Fault, Latency, Limits, Reply, SimulatedRequest, Simulator
from tests.development_mode import complaints


def model_for(sim: Simulator, **settings: object) -> ChatOpenAI:
    return ChatOpenAI(model="any", base_url=sim.base_url, api_key="any", **settings)  # type: ignore[arg-type]


LOOPS = """
import asyncio, sys, trio
from chatcore import ChatOpenAI

model = ChatOpenAI(model="any", base_url=sys.argv[1], api_key="any")

async def ask():
    first = await model.ainvoke("one")
    async with model.astream("two") as chunks:
        async for chunk in chunks:
            pass
    many = await model.abatch(["three", "four"])
    return len(first.text) and len(many)

assert asyncio.run(ask()) == 2
assert asyncio.run(ask()) == 2
assert trio.run(ask) == 2
assert model.invoke("five").text
assert [chunk for chunk in model.stream("six")]
async def within():
    return model.invoke("in a running loop").text
assert asyncio.run(within())
assert trio.run(within)
print("done")
"""


def test_one_model_serves_every_loop_in_turn() -> None:
    """langchain#35783, openai-python#769: "Event loop is closed", or a request sent twice in silence."""
    with Simulator.in_thread() as sim:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", LOOPS, sim.base_url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout.strip(), complaints(done.stderr)) == ("done", "")
        assert sim.stats.requests_total == 3 * 4 + 2 + 2
        sim.wait_for(lambda stats: stats.connections_open == 0)


def test_sync_call_in_a_running_loop() -> None:
    """pydantic-ai#3014: "this event loop is already running" in a notebook."""

    async def cell(model: ChatOpenAI) -> str:
        return model.invoke("hi").text + "".join(chunk.text for chunk in model.stream("hi"))

    with Simulator.in_thread(script=lambda _: Reply("yes")) as sim:
        model = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any")
        assert asyncio.run(cell(model)) == "yesyes"


@pytest.mark.anyio
async def test_cancelling_waits_for_what_it_cancels() -> None:
    """pydantic-ai#5132: the cancelled call returns before its inner tasks are done."""
    stopped: list[str] = []

    async def slow(name: str) -> str:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                stopped.append(name)
        return name

    step = RunnableLambda(slow)
    with anyio.move_on_after(0.05):
        await step.abatch(["a", "b", "c"])
    assert sorted(stopped) == ["a", "b", "c"]


@pytest.mark.anyio
async def test_retry_after_is_obeyed() -> None:
    """llama_index PR#20813: Retry-After ignored."""
    async with Simulator(script=[Fault.http(429, retry_after=0.3), "fine"]) as sim:
        before = time.monotonic()
        assert (await model_for(sim).ainvoke("hi")).text == "fine"
        assert time.monotonic() - before >= 0.3


@pytest.mark.anyio
async def test_nested_retries_do_not_multiply() -> None:
    """livekit/agents PR#5335: twelve requests for one call."""
    async with Simulator(script=lambda _: Fault.http(503)) as sim:
        quick = {"initial": 0.001, "max": 0.001, "jitter": 0.0}
        model = model_for(sim, max_retries=3).with_retry(stop_after_attempt=3, exponential_jitter_params=quick)  # type: ignore[arg-type]
        with pytest.raises(OverloadedError):
            await (model | (lambda message: message)).with_retry(exponential_jitter_params=quick).ainvoke("hi")  # type: ignore[arg-type]
        assert sim.stats.requests_total == 3


@pytest.mark.anyio
async def test_retry_does_not_skip_streams() -> None:
    """langchain: `with_retry` has no effect on `astream`."""
    async with Simulator(script=[Fault.http(503), Fault.http(503), "fine"]) as sim:
        model = model_for(sim, max_retries=0).with_retry(wait_exponential_jitter=False)
        async with model.astream("hi") as chunks:
            assert "".join([chunk.text async for chunk in chunks]) == "fine"
        assert sim.stats.requests_total == 3


@pytest.mark.anyio
async def test_overload_inside_a_200_is_an_error_and_is_retried() -> None:
    """anthropic-sdk-python#1918: an overload in a stream is taken for success."""
    overload = {"message": "The server is overloaded", "code": "overloaded_error"}
    async with Simulator(script=[Fault.error_event(**overload), "fine"]) as sim:
        async with model_for(sim).with_retry(wait_exponential_jitter=False).astream("hi") as chunks:
            assert (await chunks.result()).text == "fine"
    async with Simulator(script=lambda _: Fault.error_event(after_chunks=2, **overload)) as sim:
        with pytest.raises(StreamInterrupted) as caught:
            async for _ in model_for(sim).astream("hi"):
                pass
        assert isinstance(caught.value.__cause__, OverloadedError)
        assert caught.value.partial.text


@pytest.mark.anyio
@pytest.mark.parametrize("after_chunks", [None, 2], ids=["at first", "in the middle"])
async def test_stalled_stream_ends(after_chunks: int | None) -> None:
    """litellm#19909: a stalled stream hangs."""
    async with Simulator(script=lambda _: Fault.stall(after_chunks=after_chunks)) as sim:
        model = model_for(sim, timeout=Timeout(first_token=0.1, between_tokens=0.1), max_retries=0)
        with pytest.raises(StalledError if after_chunks is None else StreamTimedOut) as caught:
            async for _ in model.astream("hi"):
                pass
        assert isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, StreamInterrupted) == (after_chunks is not None)
        assert caught.value.phase == ("first_token" if after_chunks is None else "between_tokens")
        assert bool(caught.value.partial and caught.value.partial.text) == (after_chunks is not None)


@pytest.mark.anyio
async def test_pings_are_no_progress() -> None:
    """A server that sends only comments keeps the connection open, and says nothing."""

    async def pinging(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            while True:
                await stream.send(b": ping\n\n")
                await anyio.sleep(0.01)

    async def serve(listener: anyio.abc.Listener[anyio.abc.SocketStream]) -> None:
        try:
            await listener.serve(pinging)
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(serve, listener)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        model = ChatOpenAI(
            model="any",
            base_url=f"http://127.0.0.1:{port}/v1",
            api_key="any",
            timeout=Timeout(first_token=0.2),
            max_retries=0,
        )
        with pytest.raises(StalledError):
            await anext(model.astream("hi"))
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_truncated_tool_arguments_are_invalid() -> None:
    """langchain#39275: arguments cut off by the token limit look whole."""
    cut = Reply(tool_calls=[{"name": "search", "args": '{"query": "cats", "limit": 1'}], finish_reason="length")
    async with Simulator(script=lambda _: cut) as sim:
        model = model_for(sim)
        async with model.astream("hi") as chunks:
            streamed = await chunks.result()
        for message in (await model.ainvoke("hi"), streamed):
            assert message.tool_calls == []
            assert message.invalid_tool_calls[0]["args"] == '{"query": "cats", "limit": 1'


@pytest.mark.anyio
async def test_streams_have_usage() -> None:
    """langchain#30390: no usage in streams, unless it is asked for."""
    async with Simulator() as sim:
        async with model_for(sim).astream("hi") as chunks:
            message = await chunks.result()
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_tokens"] > 0
    async with Simulator(refuse_stream_options=True) as sim:
        async with model_for(sim).astream("hi") as chunks:
            assert (await chunks.result()).text


def test_tool_chunks_join_in_linear_time() -> None:
    """Measured: 4,000 tool-argument chunks take 13 to 30 s elsewhere; there, each costs more the more there are."""

    def calls(count: int) -> int:
        made = 0

        def counting(*_: object) -> None:
            nonlocal made
            made += 1

        part = {"type": "tool_call_chunk", "name": None, "args": "x", "id": None, "index": 0}
        chunks = [AIMessageChunk(content="", tool_call_chunks=[part]) for _ in range(count)]
        sys.setprofile(counting)
        try:
            merged = chunks[0]
            for chunk in chunks[1:]:
                merged = merged + chunk  # type: ignore[assignment]
            assert merged.tool_call_chunks[0]["args"] == "x" * count
        finally:
            sys.setprofile(None)
        return made

    # Function calls and not seconds: they are the same on every machine.
    assert calls(4_000) < 4.2 * calls(1_000)


@pytest.mark.anyio
async def test_retry_in_a_batch_keeps_results_apart() -> None:
    """langchain#21326: with retries, results of a batch get mixed up."""
    failed: set[str] = set()

    def answer(request: SimulatedRequest) -> Reply | Fault:
        if int(request.prompt) % 2 and request.prompt not in failed:
            failed.add(request.prompt)
            return Fault.http(503)
        return Reply(f"answer {request.prompt}")

    async with Simulator(script=answer) as sim:
        model = model_for(sim).with_retry(wait_exponential_jitter=False)
        answers = await model.abatch([str(number) for number in range(20)])
        assert [message.text for message in answers] == [f"answer {number}" for number in range(20)]
        assert len(failed) == 10


def test_context_variables_reach_hooks_and_functions() -> None:
    """langchain#31398: context variables are lost across threads."""
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")
    seen: list[str] = []

    def sync_step(message: AIMessage) -> AIMessage:
        seen.append(tenant.get())
        return message

    async def async_step(message: AIMessage) -> AIMessage:
        seen.append(tenant.get())
        return message

    with Simulator.in_thread() as sim:
        chain = ChatOpenAI(model="any", base_url=sim.base_url, api_key="any") | sync_step | async_step
        tenant.set("acme")
        chain.invoke("hi")
        chain.batch(["hi", "ho"])
        list(chain.stream("hi"))
    assert seen == ["acme"] * 8


def test_importing_reaches_no_network_and_loads_little() -> None:
    """langchain#36835, litellm#2677: an import takes seconds, or goes to the network."""
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('went to the network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import chatcore\n"
        "print(sorted({'httpx', 'trio', 'rich', 'pydantic'} & sys.modules.keys()))\n"
        "from chatcore import ChatOpenAI\n"
        "ChatOpenAI(model='any', api_key='any')\n"
        "print(sorted({'trio', 'cyclopts'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.anyio
async def test_shared_limiter_slows_everybody_down_after_a_429() -> None:
    """A 429 concerns the account and not the call that it met."""
    limiter = TokenBucket(requests_per_minute=60_000)
    async with Simulator(script=[Fault.http(429, retry_after=0.3)]) as sim:
        model = model_for(sim, rate_limiter=limiter)
        before = time.monotonic()
        await model.ainvoke("meets the 429")
        async with Simulator() as other:
            await model_for(other, rate_limiter=limiter).ainvoke("shares the limiter")
        assert time.monotonic() - before >= 0.3


@pytest.mark.anyio
async def test_thousand_calls_within_the_providers_limits() -> None:
    """The limiter keeps a batch within what the provider allows, so that nothing is refused."""
    allowed = Limits(requests_per_minute=30_000, tokens_per_minute=None)
    async with Simulator(limits=allowed, latency=Latency()) as sim:
        model = model_for(sim, rate_limiter=TokenBucket(requests_per_minute=28_000, burst=0.05), max_retries=0)
        answers = await model.abatch(["hi"] * 300, {"max_concurrency": 50})
        assert len(answers) == 300
        assert sim.stats.rate_limited == 0


@pytest.mark.anyio
async def test_dropped_streams_are_closed_by_their_loop() -> None:
    """langchain#37976, litellm#12861: an early `break` leaves the stream open, and billed."""
    async with Simulator(script=lambda _: Reply("word " * 500), latency=Latency(tokens_per_second=100)) as sim:
        model = model_for(sim)
        kept = []
        for _ in range(20):
            stream = model.astream("hi")
            await anext(stream)
            kept.append(stream)
        assert sim.stats.requests_in_flight == 20
        del stream
        kept.clear()
        gc.collect()
        await sim.wait_for(lambda stats: stats.requests_in_flight == 0 and stats.connections_open == 0)
