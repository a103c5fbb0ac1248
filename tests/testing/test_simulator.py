from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import Fault, Latency, Reply, Simulator, echo

if TYPE_CHECKING:
    from tests.testing.conftest import Dial

QUESTION: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


# --------------------------------------------------------------------------------------------------------- life and end


@pytest.mark.anyio
async def test_it_runs_once_and_says_where() -> None:
    sim = Simulator()
    with pytest.raises(RuntimeError, match="has not been entered"):
        await sim.__aexit__(None, None, None)
    sim._ledger._origin = -1e6
    async with sim:
        assert sim._ledger.now() < 60, "seconds are counted from its start"
        assert repr(sim) == f"<Simulator {sim.base_url}>"
    with pytest.raises(RuntimeError, match="runs once"):
        await sim.__aenter__()


@pytest.mark.anyio
async def test_it_serves_as_a_task_of_a_program() -> None:
    async with anyio.create_task_group() as tasks:
        sim = Simulator(script=echo)
        base_url = await tasks.start(sim.serve)
        async with httpx.AsyncClient(base_url=base_url) as client:
            reply = await client.post("/chat/completions", json=QUESTION)
        assert reply.json()["choices"][0]["message"]["content"] == "Hi"
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_it_stops_whatever_goes_on(dial: Dial) -> None:
    async with Simulator(script=[Fault.stall(), Fault.slow_drip(bytes_per_second=1)], latency=Latency(0)) as sim:
        idle, stalled, dripped = [await dial(sim.base_url) for _ in range(3)]
        await idle.send(b"POST /v1/chat")
        await stalled.ask()
        await sim.wait_for(lambda stats: stats.stalled == 1)
        await dripped.ask()
        await sim.wait_for(lambda stats: stats.requests_in_flight == 2 and stats.connections_open == 3)
    assert (sim.stats.connections_open, sim.stats.requests_in_flight, sim.stats.stalled) == (0, 0, 0)
    assert [request.outcome for request in sim.requests] == ["stopped", "stopped"]
    assert sim.stats.requests_cut_off == 0


@pytest.mark.anyio
async def test_an_error_of_the_block_comes_out_as_it_is(dial: Dial) -> None:
    async def fail() -> None:
        async with Simulator(script=Fault.stall()) as sim:
            line = await dial(sim.base_url)
            await line.ask()
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fail()


@pytest.mark.anyio
async def test_a_cancelled_block_ends(dial: Dial) -> None:
    with anyio.CancelScope() as scope:
        async with Simulator() as sim:
            await dial(sim.base_url)
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_a_port_that_is_taken_leaves_nothing_behind() -> None:
    async with Simulator() as sim:
        other = Simulator(port=int(sim.base_url.split(":")[2].split("/")[0]))
        with pytest.raises(OSError, match="in use"):
            await other.__aenter__()


@pytest.mark.parametrize(
    "settings",
    [
        {"prefix": "v1"},
        {"prefix": "/v1/"},
        {"reply_tokens": 0},
        {"max_body_bytes": 0},
        {"max_header_bytes": 0},
        {"keep_requests": -1},
        {"host": "example.com"},
        {"script": 5},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Simulator(**settings)


# -------------------------------------------------------------------------------------------------------- its own verbs


@pytest.mark.anyio
async def test_a_stall_goes_on_when_it_is_released(dial: Dial) -> None:
    async with Simulator(script=Fault.stall(after_chunks=2, reply=Reply("Hello there"))) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        await line.head()
        assert [b"role" in await line.chunk(), b"Hell" in await line.chunk()] == [True, True]
        await sim.wait_for(lambda stats: stats.stalled == 1)
        sim.release()
        assert b"o th" in await line.chunk()
        assert [chunk async for chunk in line.chunks()][-1] == b"data: [DONE]\n\n"
        await sim.wait_for(lambda stats: stats.requests_in_flight == 0)
        assert (sim.requests[0].outcome, sim.requests[0].fault, sim.requests[0].chunks_sent) == ("faulted", "stall", 6)


@pytest.mark.anyio
async def test_connections_are_refused_and_taken_again(dial: Dial) -> None:
    async with Simulator(script=echo) as sim:
        line = await dial(sim.base_url)
        await sim.wait_for(lambda stats: stats.connections_open == 1)
        with sim.refuse_connections(), sim.refuse_connections():
            with pytest.raises(OSError, match=r"."):
                await dial(sim.base_url)
            await line.ask("still here")
            assert (await line.reply())[0] == 200
        other = await dial(sim.base_url)
        await other.ask("back")
        assert (await other.reply())[0] == 200


@pytest.mark.anyio
async def test_it_may_stop_while_it_refuses() -> None:
    async with Simulator() as sim:
        sim.refuse()
    sim.accept_again()
    with pytest.raises(OSError, match=r"."):
        await anyio.connect_tcp("127.0.0.1", int(sim.base_url.split(":")[2].split("/")[0]))


@pytest.mark.anyio
async def test_an_outage_ends(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    over = anyio.Event()
    lengths: list[float] = []

    async def sleep(seconds: float) -> None:
        lengths.append(seconds)
        await over.wait()

    monkeypatch.setattr("chatcore.testing.simulator.sleep", sleep)
    async with Simulator(script=[Fault.outage(seconds=30)]) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        with pytest.raises(anyio.BrokenResourceError):
            await line.rest()
        with pytest.raises(OSError, match=r"."):
            await dial(sim.base_url)
        over.set()
        await anyio.wait_all_tasks_blocked()
        line = await dial(sim.base_url)
        await line.ask()
        assert (await line.reply())[0] == 200
        assert lengths == [30]


# --------------------------------------------------------------------------------------------------------- many at once


@pytest.mark.anyio
async def test_many_requests_at_once() -> None:
    count = 100
    async with Simulator(script=Fault.stall(reply=Reply("Hi"))) as sim:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(base_url=sim.base_url, limits=limits, timeout=30) as client:
            replies: list[int] = []

            async def ask() -> None:
                replies.append((await client.post("/chat/completions", json=QUESTION)).status_code)

            async with anyio.create_task_group() as tasks:
                for _ in range(count):
                    tasks.start_soon(ask)
                await sim.wait_for(lambda stats: stats.stalled == count, timeout=30)
                sim.release()
        await sim.wait_for(lambda stats: stats.connections_open == 0)
        assert replies == [200] * count
        assert (sim.stats.requests_peak, sim.stats.connections_peak) == (count, count)


# ---------------------------------------------------------------------------------------------------------- in a thread


def test_plain_sync_code_has_it_in_a_thread() -> None:
    threads = threading.active_count()
    with Simulator.in_thread(script=[Fault.stall(reply=Reply("one")), "two"], seed=3) as sim:
        assert repr(sim) == f"<ThreadedSimulator {sim.base_url}>"
        with httpx.Client(base_url=sim.base_url) as client:
            replies: list[httpx.Response] = []
            asking = threading.Thread(target=lambda: replies.append(client.post("/chat/completions", json=QUESTION)))
            asking.start()
            sim.wait_for(lambda stats: stats.stalled == 1)
            sim.release()
            asking.join()
            replies.append(client.post("/chat/completions", json=QUESTION))
        assert [reply.json()["choices"][0]["message"]["content"] for reply in replies] == ["one", "two"]
        with sim.refuse_connections(), pytest.raises(httpx.ConnectError):
            httpx.get(f"{sim.base_url}/models")
        assert httpx.get(f"{sim.base_url}/models").status_code == 200
        stats = sim.wait_for(lambda stats: stats.connections_open == 0)
        assert stats is sim.stats
        assert [request.path for request in sim.requests][-1] == "/v1/models"
        with pytest.raises(TimeoutError):
            sim.wait_for(lambda stats: stats.stalled == 9, timeout=0.001)
    assert threading.active_count() == threads
    with pytest.raises(RuntimeError, match="only within its `with` block"):
        sim.release()


def test_an_error_of_the_sync_block_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError, match="mine"), Simulator.in_thread():
        raise LookupError("mine")


def test_a_script_that_failed_is_raised_at_the_end_of_the_sync_block() -> None:
    def script(_: object) -> str:
        raise LookupError("no such reply")

    with pytest.raises(LookupError, match="no such reply"), Simulator.in_thread(script=script) as sim:
        assert httpx.post(f"{sim.base_url}/chat/completions", json=QUESTION).status_code == 500
