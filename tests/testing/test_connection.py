from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from chatcore.testing import Fault, Latency, Reply, SimulatedRequest, Simulator, echo
from chatcore.testing._connection import Connection

if TYPE_CHECKING:
    from tests.testing.conftest import Dial

pytestmark = pytest.mark.anyio


def said(reply: tuple[int, dict[str, str], Any]) -> str:
    return reply[2]["choices"][0]["message"]["content"]


async def test_a_connection_is_used_again(dial: Dial) -> None:
    async with Simulator(script=echo) as sim:
        line = await dial(sim.base_url)
        for number in range(3):
            await line.ask(f"number {number}")
            assert said(await line.reply()) == f"number {number}"
        assert sim.stats.connections_total == 1
        assert [request.connection for request in sim.requests] == [1, 1, 1]


async def test_requests_may_be_pipelined_and_cut_anywhere(dial: Dial) -> None:
    async with Simulator(script=echo, latency=Latency(0.001)) as sim:
        line = await dial(sim.base_url)
        await line.ask("first")
        await line.ask("second")
        assert [said(await line.reply()) for _ in range(2)] == ["first", "second"]
        content = b'{"model":"m","messages":[{"role":"user","content":"slow"}]}'
        request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (
            len(content),
            content,
        )
        for byte in request:
            await line.send(bytes([byte]))
        assert said(await line.reply()) == "slow"


async def test_a_body_may_come_in_chunks(dial: Dial) -> None:
    async with Simulator(script=echo) as sim:
        line = await dial(sim.base_url)
        await line.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for part in (b'{"model":"m",', b'"messages":[{"role":"user","content":"Hi"}]}', b""):
            await line.send(b"%x\r\n%b\r\n" % (len(part), part))
        assert said(await line.reply()) == "Hi"


async def test_a_client_that_asks_first_is_told_to_go_on(dial: Dial) -> None:
    async with Simulator(script=echo) as sim:
        line = await dial(sim.base_url)
        content = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
        await line.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
            % len(content)
        )
        assert await line.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        await line.send(content)
        assert said(await line.reply()) == "Hi"


@pytest.mark.parametrize("how", ["close", "1.0"])
async def test_a_connection_that_is_not_to_be_kept_ends_with_the_reply(dial: Dial, how: str) -> None:
    async with Simulator(script=echo) as sim:
        line = await dial(sim.base_url)
        if how == "close":
            await line.ask(stream=True, headers="connection: close\r\n")
            _, headers = await line.head()
            assert headers["transfer-encoding"] == "chunked"
        else:
            content = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}'
            await line.send(
                b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content)
            )
            _, headers = await line.head()
            assert "transfer-encoding" not in headers
        assert headers["connection"] == "close"
        assert b"data: [DONE]\n\n" in await line.rest()
        await line.hang_up()
        await sim.wait_for(lambda stats: stats.connections_open == 0)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\r\nnonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx-long: " + b"x" * 3000, 431),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx-long: " + b"x" * 3000 + b"\r\n\r\n", 431),
        (b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1389\r\n" + b"x" * 5001 + b"\r\n", 413),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501),
    ],
    ids=[
        "nonsense",
        "bad header",
        "no host",
        "endless header",
        "long header",
        "long body",
        "long chunk",
        "unknown encoding",
    ],
)
async def test_what_is_no_request_or_too_large_is_refused(dial: Dial, sent: bytes, status: int) -> None:
    async with Simulator(max_header_bytes=2000, max_body_bytes=5000) as sim:
        line = await dial(sim.base_url)
        await line.send(sent)
        got, headers, body = await line.reply()
        assert (got, headers["connection"]) == (status, "close")
        assert body["error"]["type"] == "invalid_request_error"
        with anyio.fail_after(1):  # the end is sent, and not only waited for
            assert await line.rest() == b""
        await line.hang_up()
        await sim.wait_for(lambda stats: stats.connections_open == 0)
        assert sim.stats.requests_total == 0


async def test_a_client_may_connect_and_leave_without_a_word(dial: Dial) -> None:
    async with Simulator() as sim:
        line = await dial(sim.base_url)
        await sim.wait_for(lambda stats: stats.connections_open == 1)
        await line.hang_up()
        other = await dial(sim.base_url)
        await other.send(b"POST /v1/chat/compl")
        await other.hang_up()
        await sim.wait_for(lambda stats: stats.connections_total == 2 and stats.connections_open == 0)
        assert sim.stats.requests_total == 0


async def gate_of(request: SimulatedRequest) -> Reply:
    await anyio.sleep_forever()
    raise AssertionError


# Each waits in another place: for the first token, between tokens, in a stall before and amid the reply, in the
# script, and in a write that the client does not read.
WAITS: dict[str, tuple[dict[str, Any], bool, int]] = {
    "first token, plain": ({"latency": Latency(3600)}, False, 0),
    "first token, streamed": ({"latency": Latency(3600)}, True, 0),
    "between tokens": ({"latency": Latency(0, tokens_per_second=0.001)}, True, 1),
    "stall before": ({"script": Fault.stall()}, True, 0),
    "stall amid": ({"script": Fault.stall(after_chunks=3)}, True, 3),
    "stall in a body": ({"script": Fault.stall(after_chunks=3)}, False, 0),
    "script": ({"script": gate_of}, True, 0),
    "drip": ({"script": Fault.slow_drip(bytes_per_second=0.001)}, True, 0),
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("wait", WAITS)
async def test_a_client_that_leaves_is_noticed_at_once(dial: Dial, wait: str, how: str) -> None:
    settings, stream, chunks = WAITS[wait]
    async with Simulator(**settings) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=stream)
        if chunks:
            await line.head()
        for _ in range(chunks):
            await line.chunk()
        await sim.wait_for(lambda stats: stats.requests_in_flight == 1)
        await anyio.wait_all_tasks_blocked()
        await (line.hang_up() if how == "close" else line.reset())
        left = sim._ledger.now()
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0)
        (cut,) = stats.cut_offs
        assert (cut.request, cut.chunks_sent) == (1, chunks)
        assert cut.at - left < 0.1
        assert (stats.requests_cut_off, stats.requests_in_flight, stats.stalled) == (1, 0, 0)
        assert sim.requests[0].outcome == "cut_off"


async def test_a_client_that_leaves_without_reading_is_noticed(dial: Dial) -> None:
    async with Simulator(reply_tokens=2**20) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        await sim.wait_for(lambda stats: stats.statuses[200] == 1)
        await line.hang_up()
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0)
        assert stats.requests_cut_off == 1
        assert 0 < stats.cut_offs[0].chunks_sent < 2**20


async def test_chunks_are_announced_as_they_are_written(dial: Dial) -> None:
    async with Simulator(latency=Latency(0, tokens_per_second=0.001)) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        await sim.wait_for(lambda stats: stats.chunks_sent == 1)


class Deaf:
    """A client's side that asks, and is gone when it is to be answered."""

    def __init__(self, request: bytes) -> None:
        self.request = request

    async def receive(self) -> bytes:
        return self.request

    async def send(self, data: bytes) -> None:
        raise anyio.BrokenResourceError

    async def aclose(self) -> None:
        pass


async def test_a_reply_that_cannot_be_written_is_not_counted_as_finished() -> None:
    content = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(content)
    sim = Simulator()
    client: Any = Deaf(head + content)
    await Connection(client, sim._desk).serve()
    assert (sim.stats.requests_finished, sim.stats.requests_cut_off, sim.stats.chunks_sent) == (0, 1, 0)
    assert sim.stats.cut_offs[0].chunks_sent == 0


async def test_what_a_client_sends_meanwhile_is_kept_within_bounds(dial: Dial) -> None:
    async with Simulator(script=Fault.stall(reply=Reply("Hi"))) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        await sim.wait_for(lambda stats: stats.stalled == 1)
        async with anyio.create_task_group() as tasks:
            # Far more than is taken: the sender is held up until the simulator reads again.
            tasks.start_soon(line.send, b"x" * 2**24)
            await anyio.wait_all_tasks_blocked()
            sim.release()
            assert said(await line.reply()) == "Hi"
            assert (await line.reply())[0] in {400, 431}
            tasks.cancel_scope.cancel()
        await line.reset()
        await sim.wait_for(lambda stats: stats.connections_open == 0)


async def test_faults_over_a_real_socket(dial: Dial) -> None:
    reply = Reply("Hello there")
    async with Simulator(
        script=[Fault.reset(), Fault.reset(after_chunks=2, reply=reply), Fault.cut(reply=reply)]
    ) as sim:
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        with pytest.raises(anyio.BrokenResourceError):
            await line.rest()
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        await line.head()
        assert b"role" in await line.chunk()
        assert b"Hell" in await line.chunk()
        with pytest.raises(anyio.BrokenResourceError):
            await line.rest()
        line = await dial(sim.base_url)
        await line.ask(stream=True)
        await line.head()
        await line.chunk()
        half = await line.rest()
        size, _, data = half.partition(b"\r\n")
        assert 0 < len(data) < int(size, 16)
        await line.hang_up()
        stats = await sim.wait_for(lambda stats: stats.connections_open == 0)
        assert (stats.requests_faulted, dict(stats.faults)) == (3, {"reset": 2, "cut": 1})
        assert [request.chunks_sent for request in sim.requests] == [0, 2, 1]
        assert [request.status for request in sim.requests] == [None, 200, 200]


async def test_an_idle_connection_is_hung_up_on(dial: Dial) -> None:
    async with Simulator(script=Fault.hang_up(reply=Reply("Hi"))) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        status, headers, _ = await line.reply()
        assert (status, headers.get("connection")) == (200, None)
        assert await line.rest() == b""


async def test_a_large_plain_reply_is_counted_when_it_has_been_read(dial: Dial) -> None:
    async with Simulator(script=Reply("x" * 2**24)) as sim:
        line = await dial(sim.base_url)
        await line.ask()
        await line.head()
        await anyio.wait_all_tasks_blocked()
        assert (sim.stats.requests_in_flight, sim.requests[0].outcome) == (1, None)
        with anyio.move_on_after(5):
            while sim.requests[0].outcome is None:
                await line.received.receive()
        assert (sim.stats.requests_in_flight, sim.requests[0].outcome) == (0, "finished")


async def test_secrets_are_not_kept(dial: Dial) -> None:
    async with Simulator() as sim:
        line = await dial(sim.base_url)
        await line.ask(headers="Authorization: Bearer sk-1\r\napi-key: sk-2\r\ncookie: sk-3\r\nx-a: 1\r\nX-A: 2\r\n")
        await line.reply()
        (request,) = sim.requests
        assert "sk-" not in f"{request.headers} {request!r}"
        assert request.headers["authorization"] == request.headers["api-key"] == "[redacted]"
        assert request.headers["x-a"] == "1, 2"
