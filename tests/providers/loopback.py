"""A provider on a loopback socket: it answers each request with its next reply, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute

from tests.http.conftest import Request, Server


@dataclass(frozen=True)
class Answer:
    """One reply.

    body: JSON, or the parts of a body, each sent by itself.
    is_cut: whether the connection breaks after the last part, in the middle of the body.
    hangs: whether nothing comes after the last part, and the connection stays.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_cut: bool = False
    hangs: bool = False

    def parts(self) -> Sequence[bytes]:
        if isinstance(self.body, (list, tuple)) and all(isinstance(part, bytes) for part in self.body):
            return [*self.body]
        return [self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()]


def json_of(request: Request) -> Any:
    """What a request says."""
    return json.loads(request.body)


@asynccontextmanager
async def provider(*answers: Answer) -> AsyncGenerator[Server, None]:
    """`async with provider(Answer(...), ...) as server`: its `url` and `requests`."""
    remaining = list(answers)

    async def answer(_request: Request, stream: ByteStream) -> bool:
        reply = remaining.pop(0)
        parts = reply.parts()
        headers = {"content-type": "application/json", **reply.headers, "transfer-encoding": "chunked"}
        lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
        await stream.send("\r\n".join([*lines, "", ""]).encode())
        for part in parts:
            if part:
                await stream.send(b"%x\r\n%b\r\n" % (len(part), part))
        if reply.hangs:
            await stream.receive()
        if not reply.is_cut:
            await stream.send(b"0\r\n\r\n")
        return not reply.is_cut

    server = Server(answer)
    failure: Exception | None = None
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.serve)
        try:
            yield server
        except Exception as error:  # noqa: BLE001 - raised again below, bare
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
