"""A server of raw bytes on a loopback socket: each test says, byte by byte, how it answers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener

BROKEN = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Server:
    """What the server saw.

    answer: called for each request; returns whether the connection is kept.
    accepted, open: connections in all, and now.
    """

    answer: Callable[[Request, ByteStream], Awaitable[bool]]
    url: str = ""
    accepted: int = 0
    open: int = 0
    requests: list[Request] = field(default_factory=list)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def serve(self, stream: ByteStream) -> None:
        self.accepted += 1
        self.open += 1
        connection = self.accepted
        self._change()
        try:
            async with stream:
                reader = BufferedByteReceiveStream(stream)
                while True:
                    request = await _request(reader, connection)
                    self.requests.append(request)
                    self._change()
                    if not await self.answer(request, stream):
                        break
        except BROKEN:
            pass
        finally:
            self.open -= 1
            self._change()

    async def until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not condition():
                await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


async def _request(reader: BufferedByteReceiveStream, connection: int) -> Request:
    head = (await reader.receive_until(b"\r\n\r\n", 100_000)).decode("latin-1")
    line, *fields = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
    body = await reader.receive_exactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body, connection)


Serve = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve() -> Serve:
    """`async with serve(answer) as server`: a server for as long as the block lasts."""

    @asynccontextmanager
    async def serving(
        answer: Callable[[Request, ByteStream], Awaitable[bool]] | bytes, *, tls: ssl.SSLContext | None = None
    ) -> AsyncGenerator[Server, None]:
        fixed = answer

        async def same(request: Request, stream: ByteStream) -> bool:
            await stream.send(fixed)  # type: ignore[arg-type]
            return True

        server = Server(same if isinstance(answer, bytes) else answer)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=2048)
        port = listener.extra(SocketAttribute.local_port)
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        async with listener, anyio.create_task_group() as tasks:
            server.scope = tasks.cancel_scope
            tasks.start_soon(
                (TLSListener(listener, tls, standard_compatible=False) if tls else listener).serve, server.serve
            )
            yield server
            tasks.cancel_scope.cancel()

    return serving
