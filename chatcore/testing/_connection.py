"""One HTTP/1.1 connection: requests are read by h11, replies are plans performed on the socket.

One task serves a connection. While it waits, be it for the time of the next token or for the end of a stall, it waits
in `receive`: so it learns at once that the client has left, and no second task is needed to watch.

A client that shuts down its sending side counts as one that has left; chat clients do not half-close.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Iterator
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

import h11
from anyio import (
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    EndOfStream,
    aclose_forcefully,
    create_task_group,
    move_on_after,
    sleep_forever,
)
from anyio.abc import SocketAttribute, SocketStream

from chatcore.testing._http import Incoming, head
from chatcore.testing._plan import Act, Step, Until, Write
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._record import Ledger, Outcome, SimulatedRequest

__all__ = ["Caps", "ClientLeftError", "Connection", "Response", "Service"]

T = TypeVar("T")

_FLUSH_BYTES = 2**16
_LINGER_SECONDS = 2.0
_PIPELINED_BYTES = 2**16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# Their values are never kept: a report must be fit to be shown.
_SECRET = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"})
_REDACTED = "[redacted]"


class ClientLeftError(Exception):
    """The client has closed its side of the connection, or reset it."""


class Caps(NamedTuple):
    """The most a request may weigh, in bytes."""

    header_bytes: int
    body_bytes: int


class Response(NamedTuple):
    """A reply's plan, and how the request has ended once the plan has been performed."""

    steps: Iterator[Step]
    outcome: Outcome


class Service(Protocol):
    """What a connection asks for its replies."""

    ledger: Ledger
    caps: Caps
    stalls: set[CancelScope]

    async def respond(self, request: SimulatedRequest, incoming: Incoming, connection: Connection) -> Response:
        """The reply to a request."""
        ...

    def unread(self, refused: RefusedError) -> bytes:
        """The body of the reply to what could not be read."""
        ...


class Connection:
    """Serves one client until it leaves."""

    __slots__ = ("_broken", "_early", "_number", "_service", "_stream")

    def __init__(self, stream: SocketStream, service: Service) -> None:
        self._stream = stream
        self._service = service
        self._early = b""  # what has come before it was asked for: the next request, pipelined
        self._number = 0
        self._broken = False

    async def serve(self) -> None:
        """Answer requests until the client leaves, a reply ends the connection, or the simulator stops."""
        ledger = self._service.ledger
        self._number = ledger.connected()
        try:
            while await self._serve_one():
                pass
            if not self._broken:
                await self._say_goodbye()
        except ClientLeftError:
            pass  # the books say so, where a request was cut off by it
        finally:
            try:
                await aclose_forcefully(self._stream)
            finally:
                ledger.disconnected()

    async def _serve_one(self) -> bool:
        """Read a request and answer it. Whether there may be another."""
        try:
            incoming = await self._read()
        except RefusedError as refused:
            body = self._service.unread(refused)
            await self._send(head(refused.problem.status, "application/json", len(body), close=True) + body)
            return False
        ledger = self._service.ledger
        number = ledger.stats.requests_total + 1
        request = SimulatedRequest(
            number=number,
            request_id=f"req_{number:016x}",
            method=incoming.method,
            path=incoming.path,
            headers=incoming.headers,
            connection=self._number,
            started=ledger.now(),
            size=len(incoming.content),
        )
        ledger.began(request)
        try:
            response = await self._service.respond(request, incoming, self)
            reusable = await self._perform(response, request)
        except ClientLeftError:
            ledger.ended(request, "cut_off")
            raise
        finally:
            if request.outcome is None:
                ledger.ended(request, "stopped")
        return reusable and incoming.keep_alive

    # ---------------------------------------------------------------------------------------------------------- reading

    async def _read(self) -> Incoming:
        """The next request. Raises ClientLeftError if there is none, RefusedError if it is no HTTP or too large."""
        caps = self._service.caps
        # A parser for each request costs less than one that must also be told all that is sent.
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=caps.header_bytes)
        if self._early:
            parser.receive_data(self._early)
        begun: h11.Request | None = None
        content = bytearray()
        while True:
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as error:
                problem = Problem(error.error_status_hint, f"This is no HTTP request: {error}")
                raise RefusedError(problem) from error
            if event is h11.NEED_DATA:
                await self._read_more(parser)
            elif isinstance(event, h11.Request):
                begun = event
                if sum(len(name) + len(value) for name, value in event.headers) > caps.header_bytes:
                    raise RefusedError(Problem(431, "The request's headers are too large."), _path_of(event))
                length = next((int(value) for name, value in event.headers if name == b"content-length"), 0)
                _check_size(length, caps.body_bytes, event)
            elif isinstance(event, h11.Data):
                content += event.data
                _check_size(len(content), caps.body_bytes, begun)
            elif isinstance(event, h11.EndOfMessage) and begun is not None:
                self._early = parser.trailing_data[0]
                return _incoming(begun, bytes(content))
            else:
                raise ClientLeftError

    async def _read_more(self, parser: h11.Connection) -> None:
        if parser.they_are_waiting_for_100_continue:
            go_on = parser.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            await self._send(go_on or b"")
        parser.receive_data(await self._receive())

    async def _receive(self) -> bytes:
        try:
            return await self._stream.receive()
        except (EndOfStream, BrokenResourceError, ClosedResourceError) as error:
            raise ClientLeftError from error

    # ----------------------------------------------------------------------------------------- waiting with an open ear

    async def _until_gone(self) -> None:
        """Wait until the client leaves, and raise ClientLeftError; keep what it sends before that."""
        while len(self._early) < _PIPELINED_BYTES:
            self._early += await self._receive()
        # It sends without listening: it is left alone until it has been answered.
        await sleep_forever()

    async def _pause(self, seconds: float) -> None:
        with move_on_after(seconds):
            await self._until_gone()

    async def _stall(self) -> None:
        stalls, ledger = self._service.stalls, self._service.ledger
        with CancelScope() as scope:
            stalls.add(scope)
            ledger.stalled(1)
            try:
                await self._until_gone()
            finally:
                stalls.discard(scope)
                ledger.stalled(-1)

    async def watched(self, work: Awaitable[T]) -> T:
        """Await something, but no longer than the client stays: raises ClientLeftError when it leaves."""
        done: list[T] = []
        failed: list[BaseException] = []

        async def watch() -> None:
            try:
                await self._until_gone()
            except ClientLeftError as error:
                failed.append(error)
                tasks.cancel_scope.cancel()

        async with create_task_group() as tasks:
            tasks.start_soon(watch)
            try:
                done.append(await work)
            except Exception as error:  # noqa: BLE001 - raised below, outside the group, as it is and not in a group
                failed.append(error)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]
        return done[0]

    # ---------------------------------------------------------------------------------------------------------- writing

    async def _send(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except (BrokenResourceError, ClosedResourceError) as error:
            raise ClientLeftError from error

    async def _perform(self, response: Response, request: SimulatedRequest) -> bool:
        """Carry out a plan, and count the request as ended. Whether the connection can be used after it."""
        ledger = self._service.ledger
        ready: list[Write] = []
        size = 0
        for step in response.steps:
            if isinstance(step, Write):
                # What is due at the same time goes out in one write.
                ready.append(step)
                size += len(step.data)
                if size < _FLUSH_BYTES:
                    continue
            delay = request.started + step.at - ledger.now() if isinstance(step, Until) else 0.0
            if isinstance(step, Until) and delay <= 0:
                continue
            if step is Act.RESET or step is Act.HANG_UP:
                await self._finish(ready, request, response.outcome)
                if step is Act.RESET:
                    self._reset_on_close()
                return False
            await self._flush(ready, request)
            size = 0
            if delay:
                await self._pause(delay)
            elif step is Act.STALL:
                await self._stall()
        await self._finish(ready, request, response.outcome)
        return True

    async def _finish(self, ready: list[Write], request: SimulatedRequest, outcome: Outcome) -> None:
        """Write what is left, and count the request as ended.

        It is counted before the write, where the write cannot take long: a client that has read its whole reply is to
        find it in the counts. If the client has left instead, the count is corrected.
        """
        takes_long = sum(len(write.data) for write in ready) > _FLUSH_BYTES
        if not takes_long:
            self._service.ledger.ended(request, outcome)
        await self._flush(ready, request)
        if takes_long:
            self._service.ledger.ended(request, outcome)

    async def _flush(self, ready: list[Write], request: SimulatedRequest) -> None:
        if not ready:
            return
        ledger = self._service.ledger
        for write in ready:
            if write.status is not None:
                ledger.replying(request, write.status)
        chunks = sum(write.chunks for write in ready)
        ledger.sent(request, chunks)
        try:
            await self._send(b"".join([write.data for write in ready]))
        except ClientLeftError:
            ledger.sent(request, -chunks)
            raise
        ready.clear()

    def _reset_on_close(self) -> None:
        raw: socket.socket = self._stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._broken = True

    async def _say_goodbye(self) -> None:
        """Let the client read to the end before the connection goes.

        To close while there are bytes unread, ours or the client's, would reset the connection and might take from the
        client what it has not read yet.
        """
        try:
            await self._stream.send_eof()
            with move_on_after(_LINGER_SECONDS):
                while True:
                    await self._receive()
        except OSError as error:
            raise ClientLeftError from error


def _check_size(size: int, most: int, begun: h11.Request | None) -> None:
    if size > most:
        problem = Problem(413, f"The request's body is too large: at most {most} bytes are taken.")
        raise RefusedError(problem, "" if begun is None else _path_of(begun))


def _path_of(begun: h11.Request) -> str:
    return unquote(begun.target.decode("ascii", "replace").partition("?")[0])


def _incoming(begun: h11.Request, content: bytes) -> Incoming:
    headers: dict[str, str] = {}
    keys: dict[str, str] = {}
    keep_alive = chunked = begun.http_version == b"1.1"
    for raw_name, raw_value in begun.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        if name in _SECRET:
            if name != "authorization":
                keys[name] = value
            elif value[:7].lower() == "bearer ":
                keys[name] = value[7:].strip()
            value = _REDACTED
        elif name == "connection":
            keep_alive = keep_alive and "close" not in value.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = dict(parse_qsl(begun.target.decode("ascii", "replace").partition("?")[2], keep_blank_values=True))
    if "key" in query:
        keys["key"] = query.pop("key")
    return Incoming(begun.method.decode("ascii"), _path_of(begun), query, headers, keys, content, keep_alive, chunked)
