"""A client made of a bare socket, to see the simulator's bytes as they are and to leave when it suits the test."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

PATH = "/v1/chat/completions"


class Line:
    """One connection to a simulator."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self.received = BufferedByteReceiveStream(stream)

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def ask(self, prompt: str = "Hi", *, path: str = PATH, headers: str = "", **body: Any) -> None:
        """Send a request and do not wait for its reply."""
        content = {"model": "m", "messages": [{"role": "user", "content": prompt}], **body}
        await self.post(json.dumps(content).encode(), path=path, headers=headers)

    async def post(self, content: bytes, *, path: str = PATH, headers: str = "") -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: sim\r\ncontent-length: {len(content)}\r\n{headers}\r\n"
        await self.stream.send(head.encode() + content)

    async def until(self, mark: bytes) -> bytes:
        return await self.received.receive_until(mark, 2**20)

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the reply that comes next."""
        status, *lines = (await self.until(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(status.split()[1]), {name.lower(): value for name, value in pairs}

    async def reply(self) -> tuple[int, dict[str, str], Any]:
        """The whole reply that comes next, its body parsed if it is JSON."""
        status, headers = await self.head()
        if "content-length" in headers:
            body = await self.received.receive_exactly(int(headers["content-length"]))
        else:
            body = b"".join([chunk async for chunk in self.chunks()])
        return status, headers, json.loads(body) if headers.get("content-type") == "application/json" else body

    async def chunk(self) -> bytes:
        """One chunk of the transfer encoding; empty: it was the last."""
        size = int(await self.until(b"\r\n"), 16)
        return (await self.received.receive_exactly(size + 2))[:-2]

    async def chunks(self) -> AsyncIterator[bytes]:
        while chunk := await self.chunk():
            yield chunk

    async def rest(self) -> bytes:
        """All that comes until the connection ends."""
        parts = bytearray()
        try:
            while True:
                parts += await self.received.receive()
        except anyio.EndOfStream:
            return bytes(parts)

    async def hang_up(self) -> None:
        await self.stream.aclose()

    async def reset(self) -> None:
        raw: socket.socket = self.stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.stream.aclose()


Dial = Callable[[str], Awaitable[Line]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Connect to the simulator with this base URL."""
    async with AsyncExitStack() as lines:

        async def connect(base_url: str) -> Line:
            address = urlsplit(base_url)
            assert address.hostname is not None
            assert address.port is not None
            return Line(await lines.enter_async_context(await anyio.connect_tcp(address.hostname, address.port)))

        yield connect
