"""A pool of connections whose cost does not grow with their number.

::

    open()  ──►  idle stack of the origin ── fresh one ──►┐
                   │ empty                                ├──►  Exchange  ──  body read to its end  ──►  idle stack
                   └── slot (if there is a cap) ── connect ┘       └───────  left early, failed  ──────►  closed

httpcore's pool walks all its connections at every request and every response, so a request costs ten times as much
among a thousand as alone. Here the idle connections of an origin are a stack: the one used last is used next, and what
falls to the bottom expires. Expired ones are closed a few at a time, by whichever request comes by, to any origin.

A request is sent once. Where the server closes an idle connection at the very moment of its reuse, nobody can know
whether it has read the request, and a chat completion is no idempotent request (RFC 9112 §9.3.1): the error is
retryable, and the one layer that retries decides.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Final, cast

import anyio
import h11
import httpx

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.http._connection import Connection, Origin, Outgoing

__all__ = ["Exchange", "IdleStackTransport", "Origin", "Outgoing", "shared_ssl_context"]

KEEPALIVE_SECONDS: Final = 45.0
"""How long a connection may idle. Providers close theirs after 60 s and more."""

SWEPT_AT_ONCE: Final = 8
CLOSED: Final = "the pool of connections is closed: its event loop is ending"

# `OSError` holds name look-up, refusals and TLS; `UnicodeError` is a host name that IDNA forbids.
CONNECT_FAILURES: Final = (OSError, anyio.BrokenResourceError, anyio.EndOfStream, UnicodeError, OverflowError)


@cache
def shared_ssl_context() -> ssl.SSLContext:
    """The process's TLS settings, with httpx's trust store and `SSL_CERT_FILE`: made at first use, since it is slow."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class IdleStackTransport(httpx.AsyncBaseTransport):
    """Connections to any number of origins, for one event loop. Also a transport for an `httpx.AsyncClient`.

    ssl_context: how to encrypt; `shared_ssl_context()` if not given.
    max_connections: how many requests may be open at once; the others wait in the order they came. None: any number.
    keepalive_expiry: seconds that a connection may idle before it is closed.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = None,
        keepalive_expiry: float = KEEPALIVE_SECONDS,
    ) -> None:
        self._ssl_context = ssl_context
        self._keepalive_expiry = keepalive_expiry
        self._max_connections = max_connections
        # Waiters are woken in order, no newcomer passes them, and a slot given to one that was cancelled is passed on.
        self._slots = None if max_connections is None else anyio.Semaphore(max_connections, fast_acquire=True)
        self._idle: dict[Origin, deque[Connection]] = {}
        # The same over all origins, the oldest first: all idle equally long, so that they expire in this order.
        self._by_age: OrderedDict[Connection, None] = OrderedDict()
        self._in_use: set[Connection] = set()
        self._is_closed = False

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return len(self._by_age)

    @property
    def in_use(self) -> int:
        """How many connections are in an exchange."""
        return len(self._in_use)

    async def open(self, origin: Origin, outgoing: Outgoing, *, connect_timeout: float | None = None) -> Exchange:
        """Send a request and return its response, opened: its head is there, its body is to be read.

        connect_timeout: seconds to wait for a slot and a new connection, TLS included.

        Raises:
            httpx.TransportError: one of its kinds, as of any httpx transport.
        """
        connection = await self._acquire(origin, connect_timeout)
        try:
            response = await connection.send(outgoing)
        except BaseException as error:
            await self._drop(connection)
            if isinstance(error, Exception):
                raise _named(error) from error
            raise
        return Exchange(connection, response, self._release)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx's; its `timeout` extension counts for connecting only."""
        url = request.url
        origin = Origin(
            url.scheme == "https", url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
        )
        timeouts = request.extensions.get("timeout", {})
        outgoing = _outgoing(request, await request.aread())
        exchange = await self.open(origin, outgoing, connect_timeout=timeouts.get("connect"))
        return httpx.Response(exchange.status, headers=exchange.headers, stream=_Body(exchange))

    async def aclose(self) -> None:
        """Close every connection, idle and in use. Reading what is still open fails."""
        self._is_closed = True
        connections = [*self._by_age, *self._in_use]
        self._idle.clear()
        self._by_age.clear()
        for connection in connections:
            await _close(connection)

    async def _acquire(self, origin: Origin, connect_timeout: float | None) -> Connection:
        """A connection that is in use from now on."""
        if self._is_closed:
            raise httpx.ConnectError(CLOSED)
        await self._sweep()
        if self._slots is None:
            # The usual way needs no deadline: it never waits.
            connection = await self._pop_idle(origin)
            if connection is not None:
                return connection
        has_slot = self._slots is None
        with anyio.move_on_after(connect_timeout):
            if self._slots is not None:
                await self._slots.acquire()
                has_slot = True
            try:
                return await self._pop_idle(origin) or await self._connect(origin)
            except BaseException:
                self._free_slot()
                raise
        waited = "for a connection" if has_slot else f"for one of {self._max_connections} connections"
        raise (httpx.ConnectTimeout if has_slot else httpx.PoolTimeout)(
            f"waited {connect_timeout} s {waited} to {origin}"
        )

    async def _pop_idle(self, origin: Origin) -> Connection | None:
        while stack := self._idle.get(origin):
            connection = stack.pop()
            self._no_longer_idle(connection)
            if connection.is_fresh(anyio.current_time()):
                self._in_use.add(connection)
                return connection
            await _close(connection)
        return None

    async def _connect(self, origin: Origin) -> Connection:
        while self._slots is not None and self.idle > self._slots.value:
            # Other origins' idle connections hold what the cap leaves: the oldest of them makes room.
            await _close(self._oldest_idle())
        try:
            connection = await Connection.open(origin, self._tls() if origin.tls else None)
        except CONNECT_FAILURES as error:
            raise httpx.ConnectError(_said(error)) from error
        if self._is_closed:
            await _close(connection)
            raise httpx.ConnectError(CLOSED)
        self._in_use.add(connection)
        return connection

    def _tls(self) -> ssl.SSLContext:
        return self._ssl_context or shared_ssl_context()

    async def _release(self, connection: Connection) -> None:
        """Take back a connection after its exchange."""
        if self._is_closed or not connection.renew():
            await self._drop(connection)
            return
        now = anyio.current_time()
        connection.expires_at = now + self._keepalive_expiry
        self._in_use.discard(connection)
        self._idle.setdefault(connection.origin, deque()).append(connection)
        self._by_age[connection] = None
        self._free_slot()
        await self._sweep()

    async def _sweep(self) -> None:
        """Close a few of those that have expired: as many as one request may be charged with."""
        now = anyio.current_time()
        for _ in range(SWEPT_AT_ONCE):
            if not self._by_age or next(iter(self._by_age)).expires_at > now:
                break
            await _close(self._oldest_idle())

    def _oldest_idle(self) -> Connection:
        connection = next(iter(self._by_age))
        # It is at the bottom of its own stack too.
        self._idle[connection.origin].popleft()
        self._no_longer_idle(connection)
        return connection

    def _no_longer_idle(self, connection: Connection) -> None:
        del self._by_age[connection]
        if not self._idle[connection.origin]:
            del self._idle[connection.origin]

    async def _drop(self, connection: Connection) -> None:
        self._in_use.discard(connection)
        try:
            await _close(connection)
        finally:
            self._free_slot()

    def _free_slot(self) -> None:
        if self._slots is not None:
            self._slots.release()


def _outgoing(request: httpx.Request, body: bytes) -> Outgoing:
    try:
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
    except h11.LocalProtocolError:
        # h11's own text quotes the header: a key, perhaps.
        raise httpx.LocalProtocolError("The request's method, path or one of its headers is illegal.") from None
    return Outgoing(head, body)


class Exchange:
    """A response that is open: its head is known, its body is read part by part.

    status: the HTTP status.
    headers: names in lower case and values, as they came.
    """

    __slots__ = ("_connection", "_release", "headers", "status")

    def __init__(
        self, connection: Connection, response: h11.Response, release: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self.status = response.status_code
        self.headers: list[tuple[bytes, bytes]] = list(response.headers)
        self._connection: Connection | None = connection
        self._release = release

    async def read(self) -> bytes:
        """The next bytes of the body, as many as have come; b"" at its end, when the connection is free for others.

        Raises:
            httpx.TransportError: the connection broke, or the body is cut short.
        """
        connection = self._connection
        if connection is None:
            return b""
        try:
            part = await connection.read()
        except Exception as error:
            raise _named(error) from error
        if connection.is_complete:
            self._connection = None
            await self._release(connection)
        return part

    async def aclose(self) -> None:
        """Give the connection back if the whole body has come, else close it. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.skip_received()
            await self._release(connection)

    @property
    def is_over(self) -> bool:
        """Whether the connection is out of this exchange's hands."""
        return self._connection is None


class _Body(httpx.AsyncByteStream):
    """An exchange's body as httpx iterates one: an iterator, since an async generator left early would be a leak."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        part = await self._exchange.read()
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        await self._exchange.aclose()


async def _close(connection: Connection) -> None:
    # Whoever was cancelled closes its connection still, but waits for no peer.
    with anyio.move_on_after(CLOSING_SECONDS, shield=True):
        await connection.aclose()


def _named(error: Exception) -> Exception:
    """The failure of an open connection by its name in httpx; what is no such failure as it is."""
    if isinstance(error, h11.RemoteProtocolError):
        return httpx.RemoteProtocolError(_said(error))
    if isinstance(error, (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)):
        return httpx.ReadError(_said(error))
    return error


def _said(error: BaseException) -> str:
    """What an error says; where it says nothing, or that all attempts failed, what its cause says."""
    cause = error.__cause__
    if isinstance(cause, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", cause)
        return "; ".join(dict.fromkeys(_said(each) for each in group.exceptions))
    if cause is not None and (not str(error) or isinstance(cause, OSError)):
        return _said(cause)
    return str(error) or type(error).__name__
