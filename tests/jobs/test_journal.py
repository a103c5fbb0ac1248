# ruff: noqa: ASYNC240 - small files on a local disk: a thread for each would only blur the test
from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from chatcore.errors import ConfigurationError
from chatcore.jobs._journal import Done, FileOutput, PipeOutput, open_journal, open_stdout

pytestmark = pytest.mark.anyio


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "source", os.O_RDONLY | os.O_CREAT)
    yield fd
    os.close(fd)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def result(line: int, error: Any = None, **more: Any) -> bytes:
    record = {"id": f"line-{line}", **more, "error": error, "line": line, "line_crc": line * 1000}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


async def resumed(out: Path, source: int) -> Done:
    output, done = await open_journal(str(out), source, resume=True, overwrite=False)
    await output.aclose()
    return done


async def refused(out: Path, source: int, reason: str, **how: bool) -> None:
    """Opening is refused for this reason, and what is there is as it was."""
    before = out.read_bytes() if out.is_file() else None
    with pytest.raises(ConfigurationError, match=reason):
        await open_journal(str(out), source, **{"resume": False, "overwrite": False, **how})
    after = out.read_bytes() if out.is_file() else None
    assert after == before


# --------------------------------------------------------------------------------------------------------- what is done


def test_done_knows_lines_and_their_fingerprints() -> None:
    done = Done()
    numbers = [1, 65_535, 65_536, 10_000_000]
    assert all(done.add(number, number * 7) for number in numbers)
    assert not done.add(65_536, 3)
    assert (done.count, done.highest) == (4, 10_000_000)
    assert [number for number in (*numbers, 2, 65_537, 9_999_999) if number in done] == numbers
    assert all(done.agrees(number, number * 7) for number in numbers)
    assert not done.agrees(1, 8)
    assert len(done._pages) == 3


def test_no_checksum_reads_as_not_done() -> None:
    done = Done()
    for number, checksum in enumerate((0, 0xFFFF, 0xFFFE, 0xFFFFFFFF), 1):
        done.add(number, checksum)
        assert number in done


# -------------------------------------------------------------------------------------------------------------- opening


async def test_new_file_is_made(out: Path, source: int) -> None:
    output, done = await open_journal(str(out), source, resume=False, overwrite=False)
    await output.write(b"one\n")
    assert out.read_bytes() == b"one\n", "at once, not when it is closed"
    await output.write(b"two\n")
    await output.aclose()
    assert out.read_bytes() == b"one\ntwo\n"
    assert done.count == 0


async def test_empty_file_is_used(out: Path, source: int) -> None:
    out.touch()
    await (await open_journal(str(out), source, resume=False, overwrite=False))[0].aclose()


async def test_full_file_is_refused(out: Path, source: int) -> None:
    out.write_bytes(result(1))
    await refused(out, source, r"exists and is not empty.*resume=True.*overwrite=True")


async def test_full_file_is_overwritten_if_that_is_asked(out: Path, source: int) -> None:
    out.write_bytes(b"anything")
    output, done = await open_journal(str(out), source, resume=False, overwrite=True)
    await output.write(b"new\n")
    await output.aclose()
    assert out.read_bytes() == b"new\n"
    assert done.count == 0


async def test_missing_folder_is_named(tmp_path: Path, source: int) -> None:
    await refused(tmp_path / "nowhere" / "out", source, r"cannot be written: No such file.*Make the folder first")


async def test_folder_is_refused(tmp_path: Path, source: int) -> None:
    await refused(tmp_path, source, "cannot be written: Is a directory")


async def test_device_is_refused(source: int) -> None:
    await refused(Path("/dev/null"), source, "is no regular file; write to -")


async def test_input_is_no_output(tmp_path: Path, source: int) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "source")
    await refused(link, source, "is the input itself", overwrite=True)


async def test_file_in_use_is_refused(out: Path, source: int) -> None:
    output, _ = await open_journal(str(out), source, resume=False, overwrite=False)
    await refused(out, source, "is being written by another run", resume=True)
    await output.aclose()
    await resumed(out, source)


async def test_file_replaced_before_it_could_be_locked_is_opened_again(
    out: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_bytes(result(1))
    lock = fcntl.flock
    replaced: list[int] = []

    def flock(fd: int, operation: int) -> None:
        if not replaced:
            replaced.append(fd)
            out.unlink()
            out.write_bytes(result(2))
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    done = await resumed(out, source)
    assert 2 in done
    assert 1 not in done


async def test_file_system_without_locks_will_do(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    await resumed(out, source)


async def test_file_removed_before_it_could_be_locked_is_made_again(
    out: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    removed: list[int] = []

    def flock(fd: int, operation: int) -> None:
        if not removed:
            removed.append(fd)
            out.unlink()
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    await resumed(out, source)
    assert out.exists()


async def test_other_errors_of_the_lock_are_errors(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output error"):
        await resumed(out, source)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO], ids=["cannot", "fails"])
async def test_folder_is_synced_where_that_can_be_done(
    number: int, out: Path, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fsync(fd: int) -> None:
        synced.append(fd)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if number == errno.EIO:
        with pytest.raises(OSError, match="Input/output error"):
            await resumed(out, source)
    else:
        await resumed(out, source)
    assert synced


async def test_folder_that_cannot_be_read_will_do(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def forbidding(path: Any, *given: Any, **more: Any) -> int:
        if Path(path) == out.parent:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *given, **more)

    monkeypatch.setattr(os, "open", forbidding)
    await resumed(out, source)


async def test_lock_is_held_against_other_processes_and_goes_with_ours(out: Path, source: int) -> None:
    opening = (
        "import anyio, os, sys\n"
        "from chatcore.jobs._journal import open_journal\n"
        "async def main():\n"
        "    await open_journal(sys.argv[1], os.open(sys.argv[2], 0), resume=True, overwrite=False)\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", opening, str(out), str(out.with_name("source"))]
    with subprocess.Popen(  # noqa: ASYNC220 - it is waited for at its own pace
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        await refused(out, source, "is being written by another run", resume=True)
        other.kill()
    await resumed(out, source)


# ------------------------------------------------------------------------------------------------------------- resuming


async def test_resuming_nothing_begins(out: Path, source: int) -> None:
    assert (await resumed(out, source)).count == 0


async def test_answers_are_kept_as_they_are(out: Path, source: int) -> None:
    content = result(3) + result(1, output="é\u2028") + result(70_000)
    out.write_bytes(content)
    inode = out.stat().st_ino
    done = await resumed(out, source)
    assert out.read_bytes() == content
    assert out.stat().st_ino == inode, "nothing to drop, nothing to copy"
    assert [number for number in (1, 2, 3, 70_000) if number in done] == [1, 3, 70_000]
    assert done.agrees(3, 3000)


@pytest.mark.parametrize(
    "tail",
    [b"{", b'{"id"', b'{"id":"line-2","outp', result(2).rstrip(), b"\0" * 5000, result(2)[:-2]],
    ids=["a brace", "a key", "half", "all but the end", "zeros", "all but the last brace"],
)
async def test_torn_line_is_dropped(tail: bytes, out: Path, source: int) -> None:
    out.write_bytes(result(1) + tail)
    output, done = await open_journal(str(out), source, resume=True, overwrite=False)
    await output.write(result(2))
    await output.aclose()
    assert out.read_bytes() == result(1) + result(2)
    assert 1 in done
    assert 2 not in done


async def test_torn_line_alone(out: Path, source: int) -> None:
    out.write_bytes(b'{"id":"li')
    assert (await resumed(out, source)).count == 0
    assert out.read_bytes() == b""


async def test_failures_and_repetitions_are_dropped(out: Path, source: int) -> None:
    out.write_bytes(
        result(1) + result(2, error={"type": "x"}) + result(3) + result(1) + result(4, error={}) + b'{"id":'
    )
    out.chmod(0o640)
    output, done = await open_journal(str(out), source, resume=True, overwrite=False)
    assert out.read_bytes() == result(1) + result(3)
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert done.count == 2
    # The new file is held as the old one was, and appended to.
    await refused(out, source, "is being written by another run", resume=True)
    await output.write(result(2))
    await output.aclose()
    assert out.read_bytes() == result(1) + result(3) + result(2)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.jsonl", "source"]


async def test_link_stays_a_link(out: Path, source: int) -> None:
    real = out.with_name("real")
    real.write_bytes(result(1) + result(2, error={}))
    out.symlink_to(real)
    await resumed(out, source)
    assert out.is_symlink()
    assert real.read_bytes() == result(1)


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary,\n",
        b"Dear diary,",
        b'{"a": 1}',
        b'{"id": 1, "line": 1, "line_crc": 2}\n',
        b'{"id": 1, "error": null, "line": 0, "line_crc": 2}\n',
        b'{"id": 1, "error": null, "line": "1", "line_crc": 2}\n',
        b'{"id": 1, "error": null, "line": 1}\n',
        b'{"id":"li\n',
        b"[]\n",
        b"\n",
        b"\0\n",
    ],
)
async def test_file_that_is_not_ours_is_left_alone(content: bytes, out: Path, source: int) -> None:
    out.write_bytes(result(1) + result(2, error={}) + content + b"")
    await refused(out, source, "its line 3 is no result of a batch", resume=True)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.jsonl", "source"]


async def test_enormous_last_line_that_is_not_ours(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.jobs._journal.LineReader.__init__.__defaults__", (100,))
    out.write_bytes(result(1) + b"x" * 1000)
    await refused(out, source, "its line 2 is no result of a batch", resume=True)


async def test_no_room_for_the_copy_loses_nothing(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out.write_bytes(result(1) + result(2, error={}))

    def fsync(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    await refused(out, source, "cannot be written: No space left on device", resume=True)
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.jsonl", "source"]


async def test_no_leave_for_the_copy_loses_nothing(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out.write_bytes(result(1) + result(2, error={}))

    def mkstemp(**where: object) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("tempfile.mkstemp", mkstemp)
    await refused(out, source, "cannot be written: Permission denied", resume=True)


async def test_cancelled_copy_loses_nothing(out: Path, source: int) -> None:
    before = result(1) + result(2, error={})
    out.write_bytes(before)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await open_journal(str(out), source, resume=True, overwrite=False)
    assert scope.cancelled_caught
    assert out.read_bytes() == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.jsonl", "source"]


# -------------------------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("copied", [False, True])
async def test_line_that_does_not_fit_is_taken_back(copied: bool, out: Path, source: int) -> None:
    if copied:
        out.write_bytes(result(1, error={}))
    output, _ = await open_journal(str(out), source, resume=copied, overwrite=False)
    await output.write(b"a" * 99 + b"\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            await output.write(b"b" * 99 + b"\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    await output.write(b"c\n")
    await output.aclose()
    assert out.read_bytes() == b"a" * 99 + b"\nc\n"


async def test_only_what_is_new_is_synced(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    output, _ = await open_journal(str(out), source, resume=False, overwrite=False)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await output.sync()
    assert synced == []
    await output.write(b"one\n")
    await output.sync()
    await output.sync()
    assert len(synced) == 1
    await output.write(b"two\n")
    await output.aclose()
    assert len(synced) == 2


async def test_closing_syncs_also_when_cancelled(out: Path, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    output, _ = await open_journal(str(out), source, resume=False, overwrite=False)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await output.write(b"one\n")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await output.aclose()
    assert len(synced) == 1


async def test_device_is_not_synced() -> None:
    output = FileOutput(os.open("/dev/null", os.O_WRONLY), journal=False)
    await output.write(b"one\n")
    await output.sync()
    await output.aclose()


# ---------------------------------------------------------------------------------------------------------------- pipes


async def test_pipe_that_stands_still_stops_nobody_else() -> None:
    reading, writing = os.pipe()
    output = PipeOutput(writing)
    line = b"x" * 300_000 + b"\n"
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(output.write, line)
        # Far more than a pipe holds; the loop runs on, and reads it itself.
        read = bytearray()
        while len(read) < 3 * len(line):
            await anyio.wait_readable(reading)
            read += os.read(reading, 65_536)
    assert read == line * 3
    await output.sync()
    await output.aclose()
    os.close(reading)
    os.close(writing)


async def test_cancelled_line_is_written_whole_at_the_end() -> None:
    reading, writing = os.pipe()
    output = PipeOutput(writing)
    line = b"x" * 100_000 + b"\n"
    with anyio.move_on_after(0.01):
        await output.write(line)
    read = bytearray()

    async def read_all() -> None:
        while len(read) < len(line):
            await anyio.wait_readable(reading)
            read.extend(os.read(reading, 65_536))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_all)
        await output.aclose()
    assert read == line
    os.close(reading)
    os.close(writing)


async def test_reader_that_has_gone_is_an_error_and_then_nothing() -> None:
    reading, writing = os.pipe()
    output = PipeOutput(writing)
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        await output.write(b"one\n")
    await output.aclose()
    os.close(writing)


async def test_closed_stdout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # What holds descriptor 1 by now is not stdout.
    monkeypatch.setattr("sys.__stdout__", None)
    with pytest.raises(ConfigurationError, match="stdout is closed"):
        open_stdout()
