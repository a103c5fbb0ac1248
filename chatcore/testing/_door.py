"""The listening socket: opened, closed and opened again on the same port."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from anyio import ClosedResourceError, Event, notify_closing, sleep, wait_readable
from anyio.abc import SocketStream, TaskGroup

from chatcore.errors import ConfigurationError

__all__ = ["Door"]

_log = logging.getLogger(__name__)

# How many waiting clients are let in before those inside get their turn again.
_AT_ONCE = 64
_OUT_OF_MEANS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Door:
    """Lets clients in, one task each.

    host: an IP address, or "localhost". port: 0 for any that is free.
    Raises ConfigurationError for a host that is neither, or a port out of range.
    """

    def __init__(self, host: str, port: int, backlog: int) -> None:
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError as error:
            raise ConfigurationError(f"host is an IP address or 'localhost'; got {host!r}") from error
        if not 0 <= port <= 65_535:
            raise ConfigurationError(f"a port is from 0 to 65535; got {port!r}")
        self._address = address
        self._backlog = backlog
        self._socket: socket.socket | None = None
        self._listening = False
        self._opening: Event | None = None
        self.port = port

    @property
    def origin(self) -> str:
        """Where it is, for a client on this machine: `http://127.0.0.1:8000`."""
        address = self._address
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"http://{host}:{self.port}"

    def open(self) -> None:
        """Listen. Raises OSError if the port is taken or may not be used."""
        self._take_port(listening=True)
        if self._opening is not None:
            self._opening.set()

    def shut(self) -> None:
        """Refuse new clients, and keep the port: the system gives it to no one else meanwhile."""
        self._take_port(listening=False)

    def close(self) -> None:
        """Give the port up."""
        if self._socket is not None:
            notify_closing(self._socket)
            self._socket.close()
            self._socket = None

    def _take_port(self, *, listening: bool) -> None:
        self.close()
        taken = socket.socket(socket.AF_INET6 if self._address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            taken.setblocking(False)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((str(self._address), self.port))
            if listening:
                taken.listen(self._backlog)
        except OSError:
            taken.close()
            raise
        self.port = taken.getsockname()[1]
        self._socket = taken
        self._listening = listening

    async def let_in(self, tasks: TaskGroup, serve: Callable[[SocketStream], Awaitable[None]]) -> None:
        """Accept clients whenever the door is open, until cancelled.

        One task does so for the door's whole life. A second one, begun when the door opens again, might meet the first
        before it has left the old socket, whose number the new one may bear.
        """
        while True:
            listener = self._socket
            if listener is None or not self._listening:
                self._opening = Event()
                await self._opening.wait()
                continue
            # Waiting for readiness and then accepting, instead of an async accept: a cancelled wait loses no client.
            with suppress(ClosedResourceError):
                await wait_readable(listener)
            if listener is not self._socket:
                continue
            try:
                for _ in range(_AT_ONCE):
                    client, _address = listener.accept()
                    tasks.start_soon(self._welcome, client, serve)
            except (BlockingIOError, ConnectionError):
                continue  # all are in, or one left before it was let in
            except OSError as error:
                if error.errno not in _OUT_OF_MEANS:
                    raise
                _log.warning("The simulator cannot accept connections for now: %s", error)
                await sleep(0.05)

    @staticmethod
    async def _welcome(client: socket.socket, serve: Callable[[SocketStream], Awaitable[None]]) -> None:
        try:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = await SocketStream.from_socket(client)
        except (OSError, ValueError):
            client.close()  # it has been reset already
            return
        except BaseException:
            client.close()
            raise
        await serve(stream)
