"""Where a batch's results go: a file that survives a crash, or stdout.

The file is its own journal: each line names the line of the input that it answers, so what is done is read from it.

::

    a result ──one write──> the kernel          at once: a killed process loses nothing
                              └──fsync──> disk   each second and at the end: a lost machine loses a second

    resuming:  read it ── all well ───────────────> append
                       ── the last line is torn ──> cut it off, append
                       ── failures among them ────> copy the answers to a new file beside it, fsync, rename, append

Lines are written from the loop, by the task that has the answer and before anything can cancel it: a write of some
kilobytes into the page cache takes a few microseconds, a hop to a thread sixty. Only fsync, which may take long, has a
thread. A pipe may stand still for as long as its reader likes; it is waited for by the loop.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from array import array
from pathlib import Path
from typing import Any, Protocol, cast

import anyio
import anyio.to_thread
import pydantic_core

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.errors import ConfigurationError
from chatcore.jobs._input import LineReader, check_standard, wants_waiting

if sys.platform != "win32":
    import fcntl

__all__ = ["Done", "FileOutput", "Output", "PipeOutput", "open_journal", "open_stdout"]

_PAGE = 1 << 16
_COPY_BUFFER = 2**20
_PIPE_PIECE = 4096
_BEGINNING = b'{"id":'
"""How each line that a job writes begins."""


class Done:
    """Which lines of the input are done, and a fingerprint of each: two bytes a line, in pages."""

    __slots__ = ("_pages", "count", "highest")

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}
        self.count = 0
        self.highest = 0

    def add(self, number: int, checksum: int) -> bool:
        """Note a line as done; False if it was already.

        checksum: of the line, as its result has it.
        """
        page, place = divmod(number, _PAGE)
        marks = self._pages.get(page)
        if marks is None:
            marks = self._pages[page] = array("H", bytes(2 * _PAGE))
        if marks[place]:
            return False
        marks[place] = _mark(checksum)
        self.count += 1
        self.highest = max(self.highest, number)
        return True

    def __contains__(self, number: int) -> bool:
        marks = self._pages.get(number // _PAGE)
        return marks is not None and marks[number % _PAGE] != 0

    def agrees(self, number: int, checksum: int) -> bool:
        """Whether a line that is done is the one that was answered, as far as two bytes can tell."""
        return self._pages[number // _PAGE][number % _PAGE] == _mark(checksum)


def _mark(checksum: int) -> int:
    return checksum % 0xFFFF + 1


class Output(Protocol):
    """Where results go, line by line."""

    async def write(self, line: bytes) -> None:
        """Write one whole line."""
        ...

    async def sync(self) -> None:
        """See that what has been written outlives a crash of the machine, where that can be had."""
        ...

    async def aclose(self) -> None:
        """Finish what has been begun, and let go."""
        ...


class FileOutput:
    """A regular file, or a device that lets nobody wait.

    fd: its descriptor, open for writing; it is closed with this.
    journal: it is ours alone and written at its end, so that a line that did not fit can be taken back.
    """

    def __init__(self, fd: int, *, journal: bool) -> None:
        held = os.fstat(fd)
        self._fd = fd
        self._size = held.st_size if journal else None
        self._durable = stat.S_ISREG(held.st_mode)
        self._dirty = False

    async def write(self, line: bytes) -> None:
        """Write one whole line. It does not wait, so it cannot be cancelled."""
        self._dirty = True
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError:
            if self._size is not None:
                os.ftruncate(self._fd, self._size)
            raise
        if self._size is not None:
            self._size += len(line)

    async def sync(self) -> None:
        """Have it written to the disk, in a thread."""
        if self._dirty and self._durable:
            self._dirty = False
            await anyio.to_thread.run_sync(os.fsync, self._fd)

    async def aclose(self) -> None:
        """Have the rest written to the disk, and close it."""
        with anyio.CancelScope(shield=True):
            try:
                await self.sync()
            finally:
                os.close(self._fd)


class PipeOutput:
    """Stdout where its reader may keep us waiting: a pipe, a socket, a terminal.

    fd: its descriptor, which stays open.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pending = bytearray()
        self._turn = anyio.Lock()

    async def write(self, line: bytes) -> None:
        """Write one whole line, after those that came before it. If this is cancelled, `aclose` still writes it."""
        self._pending += line
        async with self._turn:
            await self._drain()

    async def _drain(self) -> None:
        while self._pending:
            await anyio.wait_writable(self._fd)
            # A pipe that is ready takes a piece of this size (PIPE_BUF) without making us wait.
            written = os.write(self._fd, self._pending[:_PIPE_PIECE])
            del self._pending[:written]

    async def sync(self) -> None:
        """Nothing: what the reader does with it is the reader's affair."""

    async def aclose(self) -> None:
        """Write what is left, if the reader takes it within two seconds."""
        with anyio.move_on_after(CLOSING_SECONDS, shield=True):
            try:
                await self._drain()
            except BrokenPipeError:
                self._pending.clear()


def open_stdout() -> Output:
    """Stdout as an output.

    Raises:
        ConfigurationError: it is closed.
    """
    check_standard("stdout", 1, sys.__stdout__)
    return PipeOutput(1) if wants_waiting(1) else FileOutput(os.dup(1), journal=False)


async def open_journal(path: str, source: int, *, resume: bool, overwrite: bool) -> tuple[FileOutput, Done]:
    """Open the output, lock it, and find out what is done.

    path: of the file; it is made if it is not there.
    source: the input's descriptor, which must not be the same file.
    resume: go on with what an earlier run has left: its answers stay, the rest is dropped.
    overwrite: drop what is there.

    Raises:
        ConfigurationError: it cannot be written, is in use by another run, holds something and neither `resume` nor
            `overwrite` was asked for, or is no such file. Nothing in it has been changed then.
    """
    place = _Place(path)
    fd = place.open_locked()
    try:
        place.check(fd, source, may_hold=resume or overwrite)
        if overwrite:
            os.ftruncate(fd, 0)
        if os.fstat(fd).st_size:
            fd, done = await _Resumption(fd, place).prepare()
        else:
            place.sync_folder()
            done = Done()
        return FileOutput(fd, journal=True), done
    except BaseException:
        os.close(fd)
        raise


class _Place:
    """Where an output is: its path, what the file system is asked about it, and how errors name it."""

    def __init__(self, path: str) -> None:
        # Through links, since a rename would replace the link and not the file.
        self.path = Path(os.path.realpath(path))
        self.name = f"The output {path!r}"

    def open_locked(self) -> int:
        """Its descriptor, held against other runs."""
        while True:
            try:
                fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
            except OSError as error:
                hint = " Make the folder first." if error.errno == errno.ENOENT else ""
                raise ConfigurationError(f"{self.name} cannot be written: {error.strerror}.{hint}") from error
            try:
                self.lock(fd)
                if self._is(fd):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            # Another run has put a new file in its place, between our opening and our lock.
            os.close(fd)

    def lock(self, fd: int) -> None:
        """Hold a file against other runs until it is closed, by whatever end of the process."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"{self.name} is being written by another run. Wait for its end, or write to another file."
            raise ConfigurationError(msg) from error
        except OSError as error:
            # Some network file systems have no locks.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise

    def check(self, fd: int, source: int, *, may_hold: bool) -> None:
        """Refuse what must not be written to."""
        held = os.fstat(fd)
        if not stat.S_ISREG(held.st_mode):
            raise ConfigurationError(f"{self.name} is no regular file; write to - (stdout), and redirect that.")
        if os.path.sameopenfile(fd, source):
            raise ConfigurationError(f"{self.name} is the input itself; write to another file.")
        if held.st_size and not may_hold:
            raise ConfigurationError(
                f"{self.name} exists and is not empty. Go on with it by resume=True, replace it by overwrite=True,"
                " or write to another file."
            )

    def take(self, new: Path) -> None:
        """Put a new file in its place, at once."""
        new.replace(self.path)
        self.sync_folder()

    def sync_folder(self) -> None:
        """Have a new or renamed name written to the disk."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            # A folder that may be written but not read; its system writes the name in its own time.
            return
        try:
            os.fsync(folder)
        except OSError as error:
            # Some file systems cannot, and need not.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(folder)

    def _is(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self.path.stat())
        except FileNotFoundError:
            return False


class _Resumption:
    """One reading of an earlier run's output, and its cleaning."""

    def __init__(self, fd: int, place: _Place) -> None:
        self._fd = fd
        self._place = place

    async def prepare(self) -> tuple[int, Done]:
        """The output's descriptor, holding whole answers and nothing else, and which lines they answer."""
        done, whole, unwanted = Done(), 0, 0
        lines = self._lines()
        async for number, raw in lines:
            if lines.unended and _is_torn(raw):
                break
            record = self._record(number, raw)
            if lines.unended:
                # It lacks its line end alone: a case too rare to keep it for.
                break
            whole += len(raw or b"") + 1
            if record["error"] is not None or not done.add(record["line"], record["line_crc"]):
                unwanted += 1
        if unwanted:
            return await self._copied(), done
        os.ftruncate(self._fd, whole)
        return self._fd, done

    def _lines(self) -> LineReader:
        os.lseek(self._fd, 0, os.SEEK_SET)
        return LineReader(self._fd)

    def _record(self, number: int, raw: bytes | None) -> dict[str, Any]:
        try:
            record: Any = pydantic_core.from_json(raw or b"")
        except ValueError:
            record = None
        if isinstance(record, dict) and "error" in record:
            found = cast("dict[str, Any]", record)
            line, checksum = found.get("line"), found.get("line_crc")
            if isinstance(line, int) and line > 0 and isinstance(checksum, int):
                return found
        raise ConfigurationError(
            f"{self._place.name} cannot be resumed: its line {number} is no result of a batch. Nothing in it was"
            " changed; write to another file."
        )

    async def _copied(self) -> int:
        """A new file in place of the old one, with the answers alone, each line's once."""
        fd, new = self._beside()
        try:
            await self._copy(fd)
            await anyio.to_thread.run_sync(os.fsync, fd)
            self._place.take(new)
        except BaseException as error:
            os.close(fd)
            _remove(new)
            if isinstance(error, OSError):
                raise self._no_room(error) from error
            raise
        os.close(self._fd)
        return fd

    def _beside(self) -> tuple[int, Path]:
        """A new file in the same folder, with the same rights."""
        path = self._place.path
        try:
            fd, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise self._no_room(error) from error
        # Before it has the name, so that no other run can come between.
        self._place.lock(fd)
        if sys.platform != "win32":
            os.fchmod(fd, stat.S_IMODE(os.fstat(self._fd).st_mode))
            fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
        return fd, Path(new)

    async def _copy(self, fd: int) -> None:
        kept = Done()
        lines = self._lines()
        with os.fdopen(os.dup(fd), "wb", buffering=_COPY_BUFFER) as copy:
            async for number, raw in lines:
                if lines.unended:
                    break
                record = self._record(number, raw)
                if record["error"] is None and kept.add(record["line"], record["line_crc"]):
                    copy.write((raw or b"") + b"\n")

    def _no_room(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"{self._place.name} has failures to drop; for that a new file is made beside it, which cannot be written:"
            f" {error.strerror}. Nothing in it was changed."
        )


def _is_torn(raw: bytes | None) -> bool:
    """Whether a last line without a line end is the beginning of one of ours, cut off by a crash."""
    if raw is None:
        return False
    if not raw.strip(b"\0"):
        # What a file system may leave of a write that did not reach the disk.
        return True
    try:
        pydantic_core.from_json(raw)
    except ValueError:
        return raw.startswith(_BEGINNING) or _BEGINNING.startswith(raw)
    return False


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
