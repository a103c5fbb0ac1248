from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import ConfigurationError
from chatcore.jobs import _input
from chatcore.jobs._input import LineReader, check_standard, count_lines, open_input


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def lines_of(fd: int, max_bytes: int = 1000) -> tuple[list[bytes | None], bool]:
    reader = LineReader(fd, max_bytes)
    lines = [(number, line) async for number, line in reader]
    assert [number for number, _ in lines] == list(range(1, len(lines) + 1))
    assert reader.number == len(lines)
    return [line for _, line in lines], reader.unended


def expected(content: bytes, max_bytes: int) -> tuple[list[bytes | None], bool]:
    *whole, rest = content.split(b"\n")
    lines = [*whole, rest] if rest else whole
    return [line if len(line) <= max_bytes else None for line in lines], bool(rest)


@given(
    content=st.lists(st.sampled_from([b"", b"a", b"bc", b"\r", b"x" * 7, b"y" * 20, b"\n", b"\n"])).map(b"".join),
    block=st.integers(1, 12),
    max_bytes=st.integers(1, 9),
)
def test_lines_are_those_of_a_split_however_blocks_fall(content: bytes, block: int, max_bytes: int) -> None:
    async def read() -> tuple[list[bytes | None], bool]:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_input, "_BLOCK", block)
                return await lines_of(reading, max_bytes)
        finally:
            os.close(reading)

    assert anyio.run(read) == expected(content, max_bytes)


@pytest.mark.anyio
async def test_file_of_several_blocks(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    content = b"".join(b"%d " % number * (number % 977) + b"\n" for number in range(3000)) + b"the end"
    path.write_bytes(content)
    assert len(content) > 4 * _input._BLOCK
    fd = open_input(str(path))
    try:
        assert await lines_of(fd, 5000) == expected(content, 5000)
    finally:
        os.close(fd)
    assert await count_lines(str(path)) == 3001


@pytest.mark.anyio
async def test_longest_line_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
        file.seek(0, os.SEEK_END)
        file.write(b"\nshort\n")
    fd = open_input(str(path))
    tracemalloc.start()
    try:
        assert await lines_of(fd, 2**20) == ([None, b"short"], False)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
        os.close(fd)


@pytest.mark.anyio
async def test_slow_pipe_is_waited_for_and_can_be_given_up(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    reader = LineReader(reading)
    os.write(writing, b"one\ntw")
    assert await anext(reader) == (1, b"one")
    with anyio.move_on_after(0) as scope:
        await anext(reader)
    assert scope.cancelled_caught
    os.close(writing)


@pytest.mark.anyio
async def test_loop_runs_on_while_a_pipe_is_silent(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    got: list[object] = []

    async def read() -> None:
        got.append(await anext(LineReader(reading)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.lowlevel.checkpoint()
        # From a thread, as another program would.
        await anyio.to_thread.run_sync(os.write, writing, b"late\n")
    os.close(writing)
    assert got == [(1, b"late")]
    assert threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"\n", 1), (b"a\nb", 2), (b"a\n\nb\n", 3)])
@pytest.mark.anyio
async def test_lines_are_counted(content: bytes, lines: int, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    assert await count_lines(str(path)) == lines


def test_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"The input '.*nowhere' cannot be read: No such file or directory\."):
        open_input(str(tmp_path / "nowhere"))


def test_folder_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        open_input(str(tmp_path))


def test_dash_is_stdin() -> None:
    assert open_input("-") == 0


def test_closed_stdin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # What holds descriptor 0 by now is not stdin.
    monkeypatch.setattr("sys.__stdin__", None)
    with pytest.raises(ConfigurationError, match="stdin is closed"):
        open_input("-")


def test_standard_stream_closed_since_is_refused() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(ConfigurationError, match="stdin is closed"):
        check_standard("stdin", reading, object())
