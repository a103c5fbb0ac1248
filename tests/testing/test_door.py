from __future__ import annotations

import errno
import logging
import socket
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from chatcore.errors import ConfigurationError
from chatcore.testing._door import Door


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("localhost", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - not bound here
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_where_a_client_on_this_machine_finds_it(host: str, origin: str) -> None:
    assert Door(host, 80, 1).origin == origin


@pytest.mark.parametrize(("host", "port"), [("example.com", 0), ("", 0), ("127.0.0.1", 65_536), ("127.0.0.1", -1)])
def test_an_address_that_cannot_be_meant_is_refused(host: str, port: int) -> None:
    with pytest.raises(ConfigurationError):
        Door(host, port, 1)


@pytest.mark.anyio
async def test_a_port_that_is_taken_is_an_os_error() -> None:
    one = Door("127.0.0.1", 0, 1)
    one.open()
    other = Door("127.0.0.1", one.port, 1)
    with pytest.raises(OSError, match="in use") as error:
        other.open()
    assert error.value.errno == errno.EADDRINUSE
    one.close()


@pytest.mark.anyio
async def test_the_port_is_kept_while_it_is_shut_and_opened_again() -> None:
    door = Door("127.0.0.1", 0, 16)
    door.open()
    port = door.port
    served: list[SocketStream] = []

    async def serve(stream: SocketStream) -> None:
        served.append(stream)
        await stream.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door.let_in, tasks, serve)
        for _ in range(3):
            async with await anyio.connect_tcp("127.0.0.1", port) as client:
                with pytest.raises(anyio.EndOfStream):
                    await client.receive()
            door.shut()
            assert door.port == port
            assert door._socket is not None, "bound, so that the system gives the port to no one else"
            with pytest.raises(OSError, match=r"."):
                await anyio.connect_tcp("127.0.0.1", port)
            await anyio.wait_all_tasks_blocked()
            door.open()
            # And again, before the task at the door has had its turn.
            door.shut()
            door.open()
        tasks.cancel_scope.cancel()
    assert len(served) == 3
    door.close()


class Flaky:
    """A listener whose `accept` fails as it is told to, and then works."""

    def __init__(self, listener: socket.socket, *errors: OSError) -> None:
        self.listener = listener
        self.errors = list(errors)

    def accept(self) -> tuple[socket.socket, Any]:
        if self.errors:
            raise self.errors.pop(0)
        return self.listener.accept()

    def fileno(self) -> int:
        return self.listener.fileno()

    def close(self) -> None:
        self.listener.close()


async def let_in(*errors: OSError) -> None:
    """Connect once to a door whose socket fails like that."""
    door = Door("127.0.0.1", 0, 16)
    door.open()
    assert door._socket is not None
    door._socket = Flaky(door._socket, *errors)  # type: ignore[assignment]
    met = anyio.Event()

    async def serve(stream: SocketStream) -> None:
        await stream.aclose()
        met.set()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(door.let_in, tasks, serve)
            async with await anyio.connect_tcp("127.0.0.1", door.port):
                await met.wait()
            tasks.cancel_scope.cancel()
    finally:
        door.close()


@pytest.mark.anyio
async def test_out_of_file_descriptors_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await let_in(OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError())
    assert "cannot accept connections for now: [Errno" in caplog.text


@pytest.mark.anyio
async def test_any_other_error_is_not_swallowed() -> None:
    with pytest.raises(ExceptionGroup) as failed:
        await let_in(OSError(errno.EINVAL, "Invalid"))
    assert failed.value.exceptions[0].errno == errno.EINVAL  # type: ignore[attr-defined]


@pytest.mark.anyio
async def test_a_client_is_let_go_when_its_welcome_is_cancelled() -> None:
    async def serve(stream: SocketStream) -> None:
        await stream.aclose()

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        client, _ = listener.accept()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await Door._welcome(client, serve)
        assert client.fileno() == -1


@pytest.mark.anyio
async def test_a_client_that_is_gone_before_it_is_welcomed_is_let_go() -> None:
    served: list[SocketStream] = []

    async def serve(stream: SocketStream) -> None:
        served.append(stream)

    with socket.socket() as unconnected:
        await Door._welcome(unconnected, serve)
        assert unconnected.fileno() == -1
    assert not served
