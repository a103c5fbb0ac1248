"""One HTTP/1.1 connection: h11 says what the bytes mean, `_chunked.py` what chunks are, and anyio carries them.

httpcore's connection does the same, but reads a body through nested async generators. When a body is left early, trio
warns of each of them, and asyncio starts a task for each; here there are none, and a read costs a third.

Errors are those of the layers below (`OSError`, `anyio.BrokenResourceError`, `h11.RemoteProtocolError`, ...): the
transport gives them their names.
"""

from __future__ import annotations

import select
import ssl
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio
import h11
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

from chatcore.http._chunked import ChunkedBody

if TYPE_CHECKING:
    import socket

__all__ = ["Connection", "Origin", "Outgoing"]

READ_BYTES: Final = 64 * 1024
MAX_HEAD_BYTES: Final = 100 * 1024
JOIN_BYTES: Final = 64 * 1024


class Origin(NamedTuple):
    """Where a connection leads to.

    tls: whether it is encrypted.
    host: a name or an address, in ASCII.
    port: the TCP port.
    """

    tls: bool
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.tls else 80
        return f"http{'s' if self.tls else ''}://{host}{'' if self.port == default else f':{self.port}'}"


class Outgoing:
    """A request to be sent. It shows nothing of itself, since tools that report errors show what is in their frames.

    request: its head.
    body: its content.
    """

    __slots__ = ("body", "request")

    def __init__(self, request: h11.Request, body: bytes) -> None:
        self.request = request
        self.body = body


class _Unshown(bytes):
    """Bytes that may hold a key."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Connection:
    """One connection, for one exchange at a time.

    origin: where it leads to.
    expires_at: when it is to be closed if it is idle still, by the loop's clock.
    is_complete: whether the response's body has been read to its end.
    """

    __slots__ = (
        "_arrived",
        "_chunks",
        "_failure",
        "_h11",
        "_is_last",
        "_stream",
        "expires_at",
        "is_complete",
        "origin",
    )

    def __init__(self, origin: Origin, stream: ByteStream) -> None:
        self.origin = origin
        self.expires_at = 0.0
        self.is_complete = False
        self._stream = stream
        self._h11 = _protocol()
        # What reads a body in chunks, the bytes for it, and whether the server will close the connection after it.
        self._chunks: ChunkedBody | None = None
        self._arrived = b""
        self._is_last = False
        self._failure: h11.RemoteProtocolError | None = None

    @classmethod
    async def open(cls, origin: Origin, ssl_context: ssl.SSLContext | None) -> Connection:
        """Connect, encrypted by `ssl_context` if there is one."""
        stream: ByteStream = await anyio.connect_tcp(origin.host, origin.port)
        if ssl_context is not None:
            try:
                stream = await TLSStream.wrap(
                    stream, hostname=origin.host, ssl_context=ssl_context, standard_compatible=False
                )
            except BaseException:
                await anyio.aclose_forcefully(stream)
                raise
        return cls(origin, stream)

    async def send(self, outgoing: Outgoing) -> h11.Response:
        """Send a request and return the head of its response."""
        try:
            for part in self._written(outgoing):
                await self._stream.send(part)
        except anyio.BrokenResourceError:
            # A server may refuse a large request before it has read it, and close: its answer is there to be read.
            pass
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Response):
                self._take_over_chunks(event, outgoing.request.method)
                return event
            if event is h11.NEED_DATA:
                data = await self._receive()
                if not data:
                    raise h11.RemoteProtocolError("the server closed the connection without an answer")
                self._h11.receive_data(data)

    def _take_over_chunks(self, response: h11.Response, method: bytes) -> None:
        """Read the body without h11 from here on, if it comes in chunks."""
        if method == b"HEAD" or response.status_code in (204, 304):
            return
        headers = dict(response.headers)
        if b"transfer-encoding" in headers:  # h11 has refused any other than "chunked"
            options = headers.get(b"connection", b"").lower().split(b",")
            self._is_last = response.http_version < b"1.1" or any(option.strip() == b"close" for option in options)
            self._chunks = ChunkedBody()
            self._arrived = self._h11.trailing_data[0]

    def _written(self, outgoing: Outgoing) -> tuple[bytes, ...]:
        """The bytes of a request, in as many parts as are to be sent."""
        body = outgoing.body
        head = self._h11.send(outgoing.request) or b""
        content = self._h11.send(h11.Data(data=body)) or b"" if body else b""
        ending = self._h11.send(h11.EndOfMessage()) or b""
        if len(content) <= JOIN_BYTES:
            return (_Unshown(head + content + ending),)
        return (_Unshown(head), _Unshown(content + ending))

    async def read(self) -> bytes:
        """The next bytes of the response's body, as many as have come; b"" at its end."""
        while True:
            part = self._received()
            if part or self.is_complete:
                return part
            data = await self._receive()
            if self._chunks is None:
                self._h11.receive_data(data)
            elif data:
                self._arrived = data
            else:
                raise h11.RemoteProtocolError(
                    "peer closed connection without sending complete message body (incomplete chunked read)"
                )

    def skip_received(self) -> None:
        """Throw away what has come of the body: its end may be among it, and then the connection can be used again."""
        try:
            while not self.is_complete and self._received():
                pass
        except h11.RemoteProtocolError as error:
            # Then it has no end, and the connection is closed.
            self._failure = error

    def renew(self) -> bool:
        """Make ready for the next request; False if there can be none."""
        if self._chunks is not None:
            return self._renew_after_chunks(self._chunks)
        if (
            self._h11.our_state is not h11.DONE
            or self._h11.their_state is not h11.DONE
            # Bytes that nobody asked for would be taken for the next answer. The flag is the connection's end.
            or self._h11.trailing_data != (b"", False)
        ):
            return False
        self._h11.start_next_cycle()
        self.is_complete = False
        return True

    def _renew_after_chunks(self, chunks: ChunkedBody) -> bool:
        if self._is_last or not chunks.is_complete or chunks.rest or self._h11.our_state is not h11.DONE:
            return False
        # That one still waits for the body.
        self._h11 = _protocol()
        self._chunks = None
        self.is_complete = False
        return True

    def is_fresh(self, now: float) -> bool:
        """Whether an idle connection can be used: it has not expired, and the server has not closed it meanwhile."""
        # An idle connection has nothing to be read but its end (or, against the protocol, a parting word).
        return now < self.expires_at and not _is_readable(self._stream.extra(SocketAttribute.raw_socket))

    async def aclose(self) -> None:
        """Close at once. No goodbye is said in TLS: HTTP does not ask for it, and it could block."""
        await anyio.aclose_forcefully(self._stream)

    async def _receive(self) -> bytes:
        try:
            return await self._stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            return b""

    def _received(self) -> bytes:
        """The bytes of the body that are in what was received."""
        if self._failure is not None:
            raise self._failure
        parts: list[bytes] = []
        try:
            if self._chunks is None:
                self._take_from_h11(parts)
            elif self._arrived:
                data, self._arrived = self._arrived, b""
                self._chunks.feed(data, parts)
                self.is_complete = self._chunks.is_complete
        except h11.RemoteProtocolError as error:
            if not parts:
                raise
            # What came whole before it is handed out first.
            self._failure = error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take_from_h11(self, parts: list[bytes]) -> None:
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                break
            if not isinstance(event, h11.Data):
                # `EndOfMessage`, or `PAUSED` when asked again.
                self.is_complete = True
                break
            parts.append(bytes(event.data))


def _protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)


def _is_readable(raw_socket: socket.socket) -> bool:
    descriptor = raw_socket.fileno()
    if descriptor < 0:
        return True
    if sys.platform == "win32":  # pragma: no cover - it has no `poll`
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
