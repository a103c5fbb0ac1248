"""What a loopback server cannot be made to do at the right moment. The rest is in `test_transport.py`."""

from __future__ import annotations

import socket
from typing import Any, cast

import anyio
import h11
import pytest

from chatcore.http import _connection
from chatcore.http._connection import Connection, Origin, Outgoing

ORIGIN = Origin(tls=False, host="acme.test", port=80)


class Stream:
    """A stream whose peer has answered and closed before it was written to."""

    def __init__(self, *received: bytes) -> None:
        self.sent = 0
        self._received = list(received)

    async def send(self, item: bytes) -> None:
        self.sent += 1
        raise anyio.BrokenResourceError

    async def receive(self, max_bytes: int) -> bytes:
        if not self._received:
            raise anyio.EndOfStream
        return self._received.pop(0)


def head(length: int) -> h11.Request:
    return h11.Request(method="POST", target="/", headers=[("host", "acme.test"), ("content-length", str(length))])


@pytest.mark.anyio
@pytest.mark.parametrize("length", [3, 1_000_000])
async def test_an_answer_given_before_the_request_could_be_written_is_read(length: int) -> None:
    stream = Stream(b"HTTP/1.1 413 No\r\nContent-", b"Length: 3\r\n\r\nno!")
    connection = Connection(ORIGIN, cast("Any", stream))
    response = await connection.send(Outgoing(head(length), b"x" * length))
    assert response.status_code == 413
    assert await connection.read() == b"no!"
    assert connection.is_complete
    assert stream.sent == 1


@pytest.mark.anyio
async def test_a_request_that_could_not_be_written_and_was_not_answered_failed() -> None:
    connection = Connection(ORIGIN, cast("Any", Stream()))
    with pytest.raises(h11.RemoteProtocolError, match="without an answer"):
        await connection.send(Outgoing(head(3), b"ask"))
    assert not connection.renew()


def test_a_socket_that_is_closed_is_no_fresh_one() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert not _connection._is_readable(near)
        far.send(b"x")
        assert _connection._is_readable(near)
    assert _connection._is_readable(near)
