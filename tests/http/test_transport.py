from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import h11
import httpx
import pytest
from anyio.abc import ByteStream

from chatcore.http import _connection, transport
from chatcore.http._connection import Connection
from chatcore.http.transport import Exchange, IdleStackTransport, Origin, Outgoing

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CERTIFICATE = Path(__file__).parent / "localhost.pem"


def origin_of(server: Any) -> Origin:
    url = httpx.URL(server.url)
    return Origin(url.scheme == "https", url.host, url.port or 0)


async def opened(pool: IdleStackTransport, server: Any, body: bytes = b"ask", **settings: Any) -> Exchange:
    origin = origin_of(server)
    fields = [("host", origin.host), ("content-length", str(len(body)))]
    request = h11.Request(method="POST", target="/v1", headers=fields)
    return await pool.open(origin, Outgoing(request, body), **settings)


async def rest(exchange: Exchange) -> bytes:
    parts: list[bytes] = []
    while part := await exchange.read():
        parts.append(part)
    return b"".join(parts)


async def asked(pool: IdleStackTransport, server: Any, **settings: Any) -> bytes:
    return await rest(await opened(pool, server, **settings))


@pytest.fixture(scope="module")
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture(scope="module")
def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


# ---------------------------------------------------------------------------------------------------------------- reuse


async def test_a_connection_is_used_again_once_its_body_is_read(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport() as pool:
        for _ in range(3):
            exchange = await opened(pool, server)
            assert (exchange.status, pool.in_use, pool.idle) == (200, 1, 0)
            assert await exchange.read() == b"{}"
            # Free as soon as the last byte has come, before anybody says that it is over.
            assert (exchange.is_over, pool.in_use, pool.idle) == (True, 0, 1)
            assert await exchange.read() == b""
            await exchange.aclose()
        assert server.accepted == 1
        assert [request.body for request in server.requests] == [b"ask"] * 3


async def test_the_connection_used_last_is_used_next(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport() as pool:
        exchanges = [await opened(pool, server) for _ in range(3)]
        for exchange in exchanges:
            await rest(exchange)
        assert server.accepted == 3
        for _ in range(2):
            await asked(pool, server)
        assert [request.connection for request in server.requests] == [1, 2, 3, 3, 3]


async def test_each_origin_has_its_own(serve: Any) -> None:
    async with serve(OK) as one, serve(OK) as two, IdleStackTransport() as pool:
        for server in (one, two, one, two):
            await asked(pool, server)
        assert (one.accepted, two.accepted, pool.idle) == (1, 1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
    ],
    ids=["connection-close", "http-1.0", "bytes-that-nobody-asked-for"],
)
async def test_a_connection_that_cannot_be_used_again_is_closed(serve: Any, answer: bytes) -> None:
    async with serve(answer) as server, IdleStackTransport() as pool:
        for _ in range(2):
            assert await asked(pool, server) == b"{}"
            assert (pool.idle, pool.in_use) == (0, 0)
        await server.until(lambda: server.open == 0)
        assert server.accepted == 2


async def test_a_body_without_a_length_ends_with_the_connection(serve: Any) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(b"HTTP/1.1 200 OK\r\n\r\none ")
        await stream.send(b"two")
        return False

    async with serve(answer) as server, IdleStackTransport() as pool:
        assert await asked(pool, server) == b"one two"
        assert pool.idle == 0


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (CHUNKED + b"3\r\none\r\n4;x=y\r\n two\r\n0\r\nTrailer: x\r\n\r\n", b"one two"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["chunked", "informational", "no-content", "empty"],
)
async def test_every_framing_is_read_and_the_connection_kept(serve: Any, answer: bytes, body: bytes) -> None:
    async with serve(answer) as server, IdleStackTransport() as pool:
        for _ in range(2):
            assert await asked(pool, server) == body
        assert server.accepted == 1


async def test_every_cut_of_the_bytes_reads_the_same(serve: Any) -> None:
    whole = CHUNKED + b"3\r\none\r\n4\r\n two\r\n0\r\n\r\n"
    cuts = iter(range(1, len(whole)))

    async def answer(request: Any, stream: ByteStream) -> bool:
        cut = next(cuts)
        await stream.send(whole[:cut])
        await stream.send(whole[cut:])
        return True

    async with serve(answer) as server, IdleStackTransport() as pool:
        for _ in range(1, len(whole)):
            assert await asked(pool, server) == b"one two"
        assert server.accepted == 1


async def test_many_chunks_in_one_read_are_one_part(serve: Any) -> None:
    async with serve(CHUNKED + b"1\r\nx\r\n" * 50 + b"0\r\n\r\n") as server, IdleStackTransport() as pool:
        exchange = await opened(pool, server)
        assert await exchange.read() == b"x" * 50


# ----------------------------------------------------------------------------------------------------- leaving and ends


async def test_a_body_left_early_closes_its_connection(serve: Any) -> None:
    async with serve(CHUNKED + b"3\r\none\r\n") as server, IdleStackTransport() as pool:
        exchange = await opened(pool, server)
        assert await exchange.read() == b"one"
        await exchange.aclose()
        assert (pool.idle, pool.in_use) == (0, 0)
        await server.until(lambda: server.open == 0)
        await exchange.aclose()


async def test_a_body_left_when_its_end_has_come_keeps_its_connection(serve: Any) -> None:
    # As a stream is left at its "[DONE]": the end of the last chunk came with it, and nobody asked for more.
    async with serve(OK) as server, IdleStackTransport() as pool:
        exchange = await opened(pool, server)
        await exchange.aclose()
        assert (pool.idle, pool.in_use) == (1, 0)
        await asked(pool, server)
        assert server.accepted == 1


async def test_a_broken_rest_is_not_kept(serve: Any) -> None:
    async with serve(CHUNKED + b"3\r\none\r\nnonsense\r\n") as server, IdleStackTransport() as pool:
        exchange = await opened(pool, server)
        await exchange.aclose()
        assert pool.idle == 0
        exchange = await opened(pool, server)
        # What came whole is handed out first.
        assert await exchange.read() == b"one"
        with pytest.raises(httpx.RemoteProtocolError, match="illegal chunk"):
            await exchange.read()
        await exchange.aclose()
        assert (pool.idle, pool.in_use) == (0, 0)


async def test_a_body_cut_short_is_an_error_after_its_parts(serve: Any) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none")
        return False

    async with serve(answer) as server, IdleStackTransport() as pool:
        exchange = await opened(pool, server)
        assert await exchange.read() == b"one"
        with pytest.raises(httpx.RemoteProtocolError, match="received 3 bytes, expected 9"):
            await exchange.read()
        await exchange.aclose()
        assert (pool.idle, pool.in_use) == (0, 0)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "closed"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "illegal"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "without a pending proposal"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "too long"),
    ],
    ids=["nothing", "half-a-head", "another-protocol", "an-upgrade", "an-endless-head"],
)
async def test_what_is_no_answer_is_an_error(serve: Any, answer: bytes, text: str) -> None:
    async def answers(request: Any, stream: ByteStream) -> bool:
        await stream.send(answer)
        return False

    async with serve(answers) as server, IdleStackTransport() as pool:
        with pytest.raises(httpx.RemoteProtocolError, match=text):
            await opened(pool, server)
        assert (pool.idle, pool.in_use) == (0, 0)


async def test_an_answer_before_the_request_was_read_is_read(serve: Any) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def refuse(stream: Any) -> None:
        async with stream:
            await stream.receive(100)
            await stream.send(refusal)
            await stream.send_eof()
            # The client's bytes are read, so that the system does not answer them with a reset.
            with anyio.move_on_after(5):
                async for _ in stream:
                    pass

    async with listener, anyio.create_task_group() as tasks, IdleStackTransport() as pool:
        tasks.start_soon(listener.serve, refuse)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        body = b"x" * 5_000_000
        head = h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", str(len(body)))])
        exchange = await pool.open(Origin(tls=False, host="127.0.0.1", port=port), Outgoing(head, body))
        assert (exchange.status, await rest(exchange)) == (413, b"no!")
        assert pool.idle == 0
        tasks.cancel_scope.cancel()


# ------------------------------------------------------------------------------------------------ dead while being idle


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(serve: Any) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(OK)
        return False

    async with serve(answer) as server, IdleStackTransport() as pool:
        for number in (1, 2, 3):
            assert await asked(pool, server) == b"{}"
            await server.until(lambda: server.open == 0)
            assert (pool.idle, server.accepted) == (1, number)


async def test_a_request_is_not_sent_twice_when_the_connection_dies_at_its_reuse(serve: Any) -> None:
    async def answer(request: Any, stream: ByteStream) -> bool:
        if len(server.requests) == 2:
            return False
        await stream.send(OK)
        return True

    async with serve(answer) as server, IdleStackTransport() as pool:
        await asked(pool, server)
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer"):
            await asked(pool, server)
        assert len(server.requests) == 2
        assert (pool.idle, pool.in_use) == (0, 0)
        assert await asked(pool, server) == b"{}"


async def test_an_idle_connection_expires(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport(keepalive_expiry=1000) as pool:
        exchanges = [await opened(pool, server) for _ in range(3)]
        for exchange in exchanges:
            await rest(exchange)
        origin = origin_of(server)
        oldest, middle, newest = pool._idle[origin]
        assert 999 < newest.expires_at - anyio.current_time() <= 1000
        assert oldest.expires_at <= middle.expires_at <= newest.expires_at
        # The oldest are at the bottom, and go when another comes back.
        oldest.expires_at = middle.expires_at = anyio.current_time()
        await asked(pool, server)
        assert list(pool._idle[origin]) == [newest]
        await server.until(lambda: server.open == 1)
        newest.expires_at = anyio.current_time()
        await asked(pool, server)
        assert server.accepted == 4
        await server.until(lambda: server.open == 1)


async def test_idle_connections_of_other_origins_expire_too_a_few_at_each_request(serve: Any) -> None:
    async with serve(OK) as one, serve(OK) as two, IdleStackTransport(keepalive_expiry=1000) as pool:
        for exchange in [await opened(pool, one) for _ in range(transport.SWEPT_AT_ONCE * 2 + 1)]:
            await rest(exchange)
        for connection in pool._idle[origin_of(one)]:
            connection.expires_at = anyio.current_time()
        exchange = await opened(pool, two)
        assert pool.idle == transport.SWEPT_AT_ONCE + 1
        await rest(exchange)
        assert pool.idle == 2
        await asked(pool, two)
        assert pool.idle == 1
        await one.until(lambda: one.open == 0)
        # Nothing is kept of an origin that has no connection.
        assert list(pool._idle) == [origin_of(two)]
        assert two.accepted == 1


# -------------------------------------------------------------------------------------------------------- cap and queue


async def test_those_over_the_cap_wait_in_the_order_they_came(serve: Any) -> None:
    order: list[int] = []
    started = 0

    async with serve(OK) as server, IdleStackTransport(max_connections=2) as pool:
        held = [await opened(pool, server) for _ in range(2)]

        async def one(number: int) -> None:
            exchange = await opened(pool, server)
            order.append(number)
            await rest(exchange)

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(one, number)
                await anyio.wait_all_tasks_blocked()
                started += 1
            assert (order, pool.in_use, server.accepted) == ([], 2, 2)
            # One connection alone works them off, one after the other.
            await rest(held[0])
        assert order == list(range(8))
        await rest(held[1])
        assert server.accepted == 2


async def test_a_waiter_that_is_cancelled_loses_no_slot(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport(max_connections=1) as pool:
        held = await opened(pool, server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked, pool, server)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        await rest(held)
        assert await asked(pool, server) == b"{}"
        # Cancelled in the very moment in which it is given the slot.
        held = await opened(pool, server)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked, pool, server)
            await anyio.wait_all_tasks_blocked()
            await held.aclose()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            assert await asked(pool, server) == b"{}"


async def test_waiting_for_a_slot_counts_as_connecting(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport(max_connections=1) as pool:
        held = await opened(pool, server)
        with pytest.raises(httpx.PoolTimeout, match=r"one of 1 connections"):
            await opened(pool, server, connect_timeout=0.01)
        await rest(held)
        assert await asked(pool, server, connect_timeout=5) == b"{}"


async def test_under_the_cap_other_origins_idle_connections_make_room(serve: Any) -> None:
    async with serve(OK) as one, serve(OK) as two, serve(OK) as three, IdleStackTransport(max_connections=2) as pool:
        for server in (one, two, three):
            await asked(pool, server)
        assert pool.idle == 2
        await one.until(lambda: one.open == 0)
        assert (two.open, three.open) == (1, 1)


async def test_a_thousand_at_once_cost_each_what_ten_cost(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = 0
    is_readable = _connection._is_readable

    def counted(raw_socket: Any) -> bool:
        nonlocal checks
        checks += 1
        return is_readable(raw_socket)

    async def wave(count: int) -> None:
        exchanges: list[Exchange] = []

        async def one() -> None:
            exchanges.append(await opened(pool, server))

        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
        assert (pool.in_use, pool.idle) == (count, held - count if held > count else 0)
        for exchange in exchanges:
            await rest(exchange)
        assert (pool.in_use, pool.idle) == (0, max(count, held))

    monkeypatch.setattr(_connection, "_is_readable", counted)
    held = 0
    async with serve(OK) as server, IdleStackTransport() as pool:
        await wave(1000)
        held = 1000
        assert (checks, server.accepted) == (0, 1000)
        for count in (10, 1000):
            checks = 0
            await wave(count)
            # Each request looks at the one connection that it takes, however many there are.
            assert (checks, server.accepted) == (count, 1000)


# --------------------------------------------------------------------------------------------------------- cancellation


class CancelledAt:
    """Awaits a coroutine and cancels `scope` when it suspends for the n-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], number: int, scope: anyio.CancelScope) -> None:
        self.suspensions = 0
        self._coroutine = coroutine
        self._number = number
        self._scope = scope

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._coroutine.__await__()
        step: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - replaced at each step
        while True:
            try:
                yielded = step()
            except StopIteration as stop:
                return stop.value
            if self.suspensions == self._number:
                self._scope.cancel()
            self.suspensions += 1
            try:
                sent = yield yielded
                step = lambda sent=sent: inner.send(sent)  # noqa: E731 - as above
            except BaseException as error:  # noqa: BLE001 - thrown on
                step = lambda error=error: inner.throw(error)  # noqa: E731 - as above


async def cancel_everywhere(
    serve: Any,
    tls: ssl.SSLContext | None,
    pool_tls: ssl.SSLContext | None,
    use: Callable[..., Awaitable[None]],
    *,
    warm: bool,
) -> int:
    async def answer(request: Any, stream: ByteStream) -> bool:
        await stream.send(CHUNKED + b"3\r\none\r\n")
        # Time for the other side to read that alone.
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        await stream.send(b"3\r\ntwo\r\n0\r\n\r\n")
        return True

    for number in range(200):
        async with (
            serve(answer, tls=tls) as server,
            IdleStackTransport(ssl_context=pool_tls, max_connections=1) as pool,
        ):
            if warm:
                await asked(pool, server)
            with anyio.CancelScope() as scope:
                driven = CancelledAt(use(pool, server), number, scope)
                await driven
            assert pool.in_use == 0
            assert pool._slots is not None
            assert pool._slots.value == 1
            await server.until(lambda: server.open == pool.idle)
            with anyio.fail_after(5):
                assert await asked(pool, server) == b"onetwo"
        if not scope.cancel_called:
            return number
    pytest.fail("never came to its end")


async def whole(pool: IdleStackTransport, server: Any) -> None:
    exchange = await opened(pool, server, connect_timeout=5)
    try:
        assert await rest(exchange) == b"onetwo"
    finally:
        await exchange.aclose()


async def partly(pool: IdleStackTransport, server: Any) -> None:
    exchange = await opened(pool, server)
    try:
        await exchange.read()
    finally:
        await exchange.aclose()


@pytest.mark.parametrize("warm", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("use", [whole, partly])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
async def test_cancelled_at_any_await_the_pool_stays_whole(
    serve: Any,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    use: Callable[..., Awaitable[None]],
    *,
    encrypted: bool,
    warm: bool,
) -> None:
    tls = (server_tls, client_tls) if encrypted else (None, None)
    suspensions = await cancel_everywhere(serve, *tls, use, warm=warm)
    assert suspensions >= 3


# -------------------------------------------------------------------------------------------------------------- closing


async def test_closing_closes_the_idle_and_those_in_use(serve: Any) -> None:
    async with serve(CHUNKED + b"3\r\none\r\n") as server, serve(OK) as other, IdleStackTransport() as pool:
        await asked(pool, other)
        exchange = await opened(pool, server)
        await exchange.read()
        await pool.aclose()
        await server.until(lambda: server.open == 0)
        await other.until(lambda: other.open == 0)
        with pytest.raises(httpx.ReadError):
            await exchange.read()
        await exchange.aclose()
        assert (pool.idle, pool.in_use) == (0, 0)
        with pytest.raises(httpx.ConnectError, match="pool of connections is closed"):
            await opened(pool, server)


async def test_closing_is_not_cut_short_by_cancellation(serve: Any) -> None:
    async with serve(OK) as server, IdleStackTransport() as pool:
        exchanges = [await opened(pool, server) for _ in range(3)]
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.aclose()
        await server.until(lambda: server.open == 0)
        for exchange in exchanges:
            await exchange.aclose()


async def test_a_connection_made_while_the_pool_closes_is_closed(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(OK) as server, IdleStackTransport(max_connections=1) as pool:
        connect = Connection.open

        async def connect_slowly(*given: Any) -> Connection:
            connection = await connect(*given)
            await pool.aclose()
            return connection

        monkeypatch.setattr(transport.Connection, "open", connect_slowly)
        with pytest.raises(httpx.ConnectError, match="pool of connections is closed"):
            await opened(pool, server)
        await server.until(lambda: (server.accepted, server.open) == (1, 0))
        assert pool._slots is not None
        assert pool._slots.value == 1


# ----------------------------------------------------------------------------------------------------- connecting, TLS


async def test_tls(serve: Any, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with serve(OK, tls=server_tls) as server, IdleStackTransport(ssl_context=client_tls) as pool:
        for _ in range(3):
            assert await asked(pool, server) == b"{}"
        assert server.accepted == 1


async def test_a_certificate_that_is_not_trusted_is_said_to_be(serve: Any, server_tls: ssl.SSLContext) -> None:
    async with serve(OK, tls=server_tls) as server, IdleStackTransport() as pool:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await opened(pool, server)
        await server.until(lambda: server.open == 0)
        assert pool.in_use == 0


def test_the_tls_settings_are_made_once_for_the_process() -> None:
    assert transport.shared_ssl_context() is transport.shared_ssl_context()
    assert transport.shared_ssl_context().verify_mode is ssl.CERT_REQUIRED


async def test_a_server_that_never_shakes_hands_is_a_connect_timeout(serve: Any, client_tls: ssl.SSLContext) -> None:
    async with serve(OK) as server, IdleStackTransport(ssl_context=client_tls) as pool:
        server.url = server.url.replace("http:", "https:")
        with pytest.raises(httpx.ConnectTimeout, match=r"waited 0.05 s for a connection to https://127.0.0.1:\d+"):
            await opened(pool, server, connect_timeout=0.05)
        await server.until(lambda: server.accepted == 1 and server.open == 0)
        assert pool.in_use == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "x" * 300, "a..b"])
async def test_no_connection_is_a_connect_error_that_says_why(host: str) -> None:
    async with IdleStackTransport() as pool:
        head = h11.Request(method="GET", target="/", headers=[("host", "x")])
        with pytest.raises(httpx.ConnectError) as caught:
            await pool.open(Origin(tls=False, host=host, port=1), Outgoing(head, b""))
        assert str(caught.value)
        assert "attempts failed" not in str(caught.value)
        assert (pool.idle, pool.in_use) == (0, 0)


def test_an_origin_reads_as_in_a_url() -> None:
    assert str(Origin(tls=True, host="acme.test", port=443)) == "https://acme.test"
    assert str(Origin(tls=False, host="acme.test", port=80)) == "http://acme.test"
    assert str(Origin(tls=False, host="acme.test", port=443)) == "http://acme.test:443"
    assert str(Origin(tls=True, host="::1", port=8000)) == "https://[::1]:8000"


# --------------------------------------------------------------------------------------------------- under httpx itself


async def test_it_is_a_transport_for_httpx(serve: Any) -> None:
    async with serve(OK) as server, httpx.AsyncClient(transport=IdleStackTransport(), timeout=None) as client:  # noqa: S113
        for _ in range(2):
            response = await client.post(f"{server.url}/v1?a=1", json={"ask": 1})
            assert (response.status_code, response.json()) == (200, {})
        async with client.stream("GET", server.url) as response:
            assert [part async for part in response.aiter_bytes()] == [b"{}"]
        assert server.accepted == 1
        assert server.requests[0].line == "POST /v1?a=1 HTTP/1.1"
        assert server.requests[0].body == b'{"ask":1}'
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await client.get(server.url, headers={"x-key": "s3cret\n"})
        assert "s3cret" not in str(caught.value)


def test_an_error_says_what_was_at_its_root() -> None:
    refused = [ConnectionRefusedError("refused by one"), ConnectionRefusedError("refused by two")]
    both = OSError("All connection attempts failed")
    both.__cause__ = ExceptionGroup("multiple connection attempts failed", [*refused, refused[0]])
    assert transport._said(both) == "refused by one; refused by two"
    silent = anyio.BrokenResourceError()
    assert transport._said(silent) == "BrokenResourceError"
    silent.__cause__ = ConnectionResetError("reset by peer")
    assert transport._said(silent) == "reset by peer"


async def test_what_is_no_failure_of_a_connection_goes_through(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(transport.Connection, "send", fail)
    async with serve(OK) as server, IdleStackTransport() as pool:
        with pytest.raises(ZeroDivisionError):
            await opened(pool, server)
        assert pool.in_use == 0
