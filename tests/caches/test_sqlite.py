from __future__ import annotations

import multiprocessing
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from chatcore.caches import SQLiteCache
from chatcore.caches import _sqlite as module
from chatcore.messages import AIMessage
from chatcore.outputs import ChatGeneration, Generation

ANSWER = [
    ChatGeneration(
        message=AIMessage(
            "Hi",
            tool_calls=[{"name": "add", "args": {"a": 1}, "id": "1"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            additional_kwargs={"looks": {"lc": 1, "type": "constructor", "id": ["os", "system"]}},
        ),
        generation_info={"finish_reason": "stop"},
    )
]


def answer(text: str) -> list[Generation]:
    return [Generation(text=text)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.db"


@pytest.mark.anyio
async def test_async_verbs(path: Path) -> None:
    cache = SQLiteCache(path)
    assert await cache.alookup("p", "m") is None
    await cache.aupdate("p", "m", ANSWER)
    assert await cache.alookup("p", "m") == ANSWER
    assert await SQLiteCache(path).alookup("p", "m") == ANSWER
    assert await cache.alookup("pm", "") is None
    await cache.aclear()
    assert await cache.alookup("p", "m") is None


def test_it_lasts_and_is_opened_again(path: Path) -> None:
    cache = SQLiteCache(str(path))
    cache.update("p", "m", ANSWER)
    cache.close()
    cache.close()
    assert cache.lookup("p", "m") == ANSWER
    again = pickle.loads(pickle.dumps(cache))  # noqa: S301 - made here
    assert repr(again) == repr(cache)
    assert again.lookup("p", "m") == ANSWER


def test_a_block_closes_the_file(path: Path) -> None:
    with SQLiteCache(path) as cache:
        cache.update("p", "m", answer("kept"))
        assert path.with_name(path.name + "-wal").exists()
    # SQLite removes it with the last connection.
    assert not path.with_name(path.name + "-wal").exists()


def test_prompts_are_not_in_the_file(path: Path) -> None:
    cache = SQLiteCache(path)
    cache.update("a secret question", "a model with a key", answer("a"))
    cache.close()
    assert b"question" not in path.read_bytes()
    assert b"key" not in path.read_bytes().replace(b"key BLOB PRIMARY KEY", b"")


@pytest.mark.parametrize(
    "row",
    ["", "{", "[1]", "{}", '[{"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {}}]', "[" * 100_000],
    ids=["empty", "cut off", "number", "dict", "other class", "deep"],
)
def test_a_row_that_cannot_be_read_is_a_miss_and_goes(row: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = SQLiteCache(path)
    cache.update("p", "m", ANSWER)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET answer = ?", (row,))
    connection.close()
    assert cache.lookup("p", "m") is None
    assert "cannot be read, and is removed" in caplog.text
    caplog.clear()
    assert cache.lookup("p", "m") is None
    assert caplog.text == ""
    cache.update("p", "m", ANSWER)
    assert cache.lookup("p", "m") == ANSWER


def test_what_json_cannot_hold_is_not_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = SQLiteCache(path)
    cache.update("p", "m", [Generation(text="a", generation_info={"odd": 3j})])
    assert "is not kept" in caplog.text
    assert cache.lookup("p", "m") is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(module.time, "time", lambda: now[0])
    return now


def test_answers_end(path: Path, clock: list[float]) -> None:
    cache = SQLiteCache(path, ttl=10)
    cache.update("p", "m", ANSWER)
    clock[0] += 9.9
    assert cache.lookup("p", "m") == ANSWER
    clock[0] += 0.1
    assert cache.lookup("p", "m") is None
    cache.update("q", "m", ANSWER)
    assert _rows(path) == 1


def test_the_least_recently_used_goes_first(path: Path, clock: list[float]) -> None:
    cache = SQLiteCache(path, maxsize=2)
    for prompt in ("a", "b"):
        clock[0] += 1
        cache.update(prompt, "m", ANSWER)
    clock[0] += 1
    cache.lookup("a", "m")
    clock[0] += 1
    cache.update("c", "m", ANSWER)
    assert [cache.lookup(prompt, "m") is None for prompt in ("a", "b", "c")] == [False, True, False]
    assert _rows(path) == 2


def test_bounds_are_positive(path: Path) -> None:
    with pytest.raises(ValueError, match="maxsize must be greater than 0"):
        SQLiteCache(path, maxsize=0)
    with pytest.raises(ValueError, match="ttl must be greater than 0"):
        SQLiteCache(path, ttl=-1)


def test_a_path_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be used for answers"):
        SQLiteCache(tmp_path / "missing" / "answers.db").lookup("p", "m")
    other = tmp_path / "other"
    other.write_bytes(b"no database at all" * 1000)
    with pytest.raises(ValueError, match="not a database"):
        SQLiteCache(other).lookup("p", "m")


@pytest.mark.anyio
async def test_many_tasks_at_once(path: Path) -> None:
    cache = SQLiteCache(path, maxsize=1000)

    async def each(number: int) -> None:
        await cache.aupdate(f"p{number}", "m", answer(str(number)))
        assert await cache.alookup(f"p{number}", "m") == answer(str(number))

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(each, number)
    assert _rows(path) == 50


WRITER = """
import sys
from chatcore.caches import SQLiteCache
from chatcore.outputs import Generation

path, name = sys.argv[1:]
cache = SQLiteCache(path, maxsize=10_000, ttl=3600)
sys.stdin.readline()
for number in range(100):
    cache.update(f"{name} {number}", "m", [Generation(text=f"{name} {number}")])
    cache.update("common", "m", [Generation(text="common")])
    assert cache.lookup("common", "m") == [Generation(text="common")]
"""


def test_several_processes_share_a_file(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(name)], stdin=subprocess.PIPE, text=True, env=environment
        )
        for name in range(4)
    ]
    for writer in writers:  # all at the same time, the making of the file too
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4
    cache = SQLiteCache(path)
    assert _rows(path) == 401
    for name in range(4):
        for number in range(100):
            assert cache.lookup(f"{name} {number}", "m") == answer(f"{name} {number}")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12 on: of the threads of earlier tests
def test_a_forked_process_has_a_connection_of_its_own(path: Path) -> None:
    cache = SQLiteCache(path)
    cache.update("p", "m", ANSWER)
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(cache,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert cache.lookup("q", "m") == ANSWER


def _in_child(cache: SQLiteCache) -> None:
    assert cache.lookup("p", "m") == ANSWER
    cache.update("q", "m", ANSWER)
    cache.close()


def _rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    finally:
        connection.close()


def test_models_do_without_sqlite() -> None:
    code = "import sys; sys.modules['sqlite3'] = None; import chatcore.model; print('made do')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "made do"
