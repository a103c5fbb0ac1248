"""Where a batch's lines come from: a file or stdin, read lazily in blocks.

Memory holds one block and one line. Nothing here blocks the loop: a regular file is read in a worker thread, with one
hop for each block, so that a line costs next to nothing; a pipe or terminal is waited for by the loop and read when it
is ready, since a thread that waits in `read` could not be cancelled.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import AsyncIterator
from typing import Self

import anyio
import anyio.to_thread

from chatcore.errors import ConfigurationError

__all__ = ["MAX_LINE_BYTES", "LineReader", "check_standard", "count_lines", "open_input", "read_block", "wants_waiting"]

MAX_LINE_BYTES = 64 * 2**20
"""Longer lines are not kept, nor parsed: they are read over and reported."""

_BLOCK = 256 * 2**10
_COUNTED = 8 * 2**20


def open_input(path: str) -> int:
    """Open the input for reading, and say what is wrong if that is impossible.

    path: of the file; "-": stdin.

    Returns:
        A file descriptor; it is the caller's to close, unless it is stdin's.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        if path == "-":
            check_standard("stdin", 0, sys.__stdin__)
            return 0
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        msg = f"The input {path!r} cannot be read: {error.strerror}."
        raise ConfigurationError(msg) from error
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        msg = f"The input {path!r} is a folder; give a file of lines, or - for stdin."
        raise ConfigurationError(msg)
    return fd


def check_standard(name: str, fd: int, stream: object) -> None:
    """See that a standard stream is what its descriptor leads to.

    name, fd: of the stream.
    stream: what the interpreter made of it when it began, None if it was closed. By now anything, such as the loop's
        own pipe, may have taken its descriptor.

    Raises:
        ConfigurationError: it is closed.
    """
    try:
        os.fstat(fd)
        closed = stream is None
    except OSError:
        closed = True
    if closed:
        msg = f"{name} is closed, and - stands for it; give a file, or leave {name} open."
        raise ConfigurationError(msg)


def wants_waiting(fd: int) -> bool:
    """Whether the loop can, and must, wait until a descriptor is ready: of a pipe, a socket or a terminal."""
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)


async def read_block(fd: int, size: int, *, waits: bool) -> bytes:
    """The next bytes, at most `size`; none at the end.

    waits: what `wants_waiting` says of the descriptor.
    """
    if waits:
        await anyio.wait_readable(fd)
        return os.read(fd, size)
    return await anyio.to_thread.run_sync(os.read, fd, size)


async def count_lines(path: str) -> int:
    """How many lines a regular file has, without keeping any."""
    fd = open_input(path)
    try:
        lines, last = 0, b"\n"
        while block := await read_block(fd, _COUNTED, waits=False):
            lines += block.count(b"\n")
            last = block[-1:]
        return lines + (last != b"\n")
    finally:
        os.close(fd)


class LineReader(AsyncIterator[tuple[int, bytes | None]]):
    """The lines of a descriptor: `(number from 1, bytes)`, without line ends; None in place of one that is too long.

    number: of the line given last; at the end, how many there are.
    unended: whether the line given last had no line end: so ends a file that was cut off, or written by hand.
    """

    __slots__ = ("_fd", "_lines", "_max_bytes", "_rest", "_waits", "number", "unended")

    def __init__(self, fd: int, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._fd = fd
        self._waits = wants_waiting(fd)
        self._max_bytes = max_bytes
        self.number = 0
        # The lines that have been read, the next one last; and what came after the last line end.
        self._lines: list[bytes | None] = []
        self._rest = b""
        self.unended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, bytes | None]:
        if not self._lines:
            await self._read()
        if not self._lines:
            raise StopAsyncIteration
        self.number += 1
        return self.number, self._lines.pop()

    async def _read(self) -> None:
        """Read until there is a whole line, or the end."""
        parts, size = [self._rest], len(self._rest)
        self._rest = b""
        while block := await read_block(self._fd, _BLOCK, waits=self._waits):
            end, newline, after = block.partition(b"\n")
            size += len(end)
            if size > self._max_bytes:
                parts.clear()
            else:
                parts.append(end)
            if newline:
                *whole, self._rest = after.split(b"\n")
                self._lines = [line if len(line) <= self._max_bytes else None for line in reversed(whole)]
                self._lines.append(self._joined(parts, size))
                return
        if size:
            self.unended = True
            self._lines = [self._joined(parts, size)]

    def _joined(self, parts: list[bytes], size: int) -> bytes | None:
        return b"".join(parts) if size <= self._max_bytes else None
