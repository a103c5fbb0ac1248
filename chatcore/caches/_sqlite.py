"""A cache in a file."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from os import PathLike
from typing import Any, Self, TypeVar, cast

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from chatcore.caches._base import RETURN_VAL_TYPE, BaseCache, check_bounds
from chatcore.errors import ConfigurationError
from chatcore.load import dumps, loads
from chatcore.load.load import AllowedObject
from chatcore.messages import AIMessage, AIMessageChunk, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk

__all__ = ["SQLiteCache"]

T = TypeVar("T")

_logger = logging.getLogger("chatcore")

_BUSY_SECONDS = 30.0
"""How long a process waits for others that write."""

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_THREADS = 4
"""How many worker threads of a loop read and write files of answers."""

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("chatcore_sqlite_threads")

_ALLOWED = cast(
    "list[AllowedObject]",
    [
        Generation,
        GenerationChunk,
        ChatGeneration,
        ChatGenerationChunk,
        AIMessage,
        AIMessageChunk,
        ChatMessage,
        HumanMessage,
        SystemMessage,
        ToolMessage,
    ],
)
"""What a row may hold: the file may have been written by others."""

_TABLE = """
    CREATE TABLE IF NOT EXISTS answers (
        key BLOB PRIMARY KEY, answer TEXT NOT NULL, stored REAL NOT NULL, used REAL NOT NULL
    ) WITHOUT ROWID
"""
_EVICT = "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY used DESC LIMIT -1 OFFSET ?)"
_INDEX = "CREATE INDEX IF NOT EXISTS answers_used ON answers (used)"


class SQLiteCache(BaseCache):
    """A cache in a SQLite file, which lasts and which any number of processes may share.

    Answers are kept as JSON, which runs no code when it is read; a row that cannot be read counts as a miss, and is
    removed with a warning in the log. Prompts are not kept: only a digest of each.

    path: the file; it is made if there is none, and its folder is not. On a local disk: SQLite's locks do not hold on
        network file systems.
    ttl: how long an answer is kept, in seconds. None: for ever.
    maxsize: how many answers are kept; the one not asked for the longest goes first. None: no bound.
    coalesce: as in `BaseCache`; within one loop.

    Raises ValueError if a bound is not positive.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        ttl: float | None = None,
        maxsize: int | None = None,
        coalesce: bool = False,
    ) -> None:
        check_bounds(maxsize, ttl)
        self._path = os.fspath(path)
        self._ttl = ttl
        self._maxsize = maxsize
        self.coalesce = coalesce
        self._connection = _Connection(self._path)

    def __repr__(self) -> str:
        return f"SQLiteCache({self._path!r}, ttl={self._ttl}, maxsize={self._maxsize})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._path, self._ttl, self._maxsize, self.coalesce)

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return what is kept, or None; arguments as for `alookup`."""
        key = _digest(prompt, llm_string)
        now = time.time()

        # Reading waits for nobody: one who writes does not keep out those who read.
        row = self._connection.run(
            lambda connection: connection.execute("SELECT answer, stored FROM answers WHERE key = ?", (key,)).fetchone()
        )
        if row is None or (self._ttl is not None and row[1] + self._ttl <= now):
            return None
        answer = str(row[0])
        if self._maxsize is not None:
            self._change("UPDATE answers SET used = ? WHERE key = ?", (now, key))
        try:
            return _read(answer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row, the model can be asked
            _logger.warning("A row of %s cannot be read, and is removed: %s", self._path, error)
            self._change("DELETE FROM answers WHERE key = ? AND answer = ?", (key, answer))
            return None

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer; arguments as for `aupdate`. One that JSON cannot hold is not kept, and the log says so."""
        answer = dumps(list(return_val))
        try:
            _read(answer)
        except NotImplementedError as error:
            _logger.warning("An answer is not kept in %s: %s", self._path, error)
            return
        key = _digest(prompt, llm_string)
        now = time.time()

        changes: list[tuple[str, tuple[Any, ...]]] = [
            ("REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, answer, now, now))
        ]
        if self._ttl is not None:
            changes.append(("DELETE FROM answers WHERE stored <= ?", (now - self._ttl,)))
        if self._maxsize is not None:
            changes.append((_EVICT, (self._maxsize,)))
        self._connection.run(lambda connection: _in_transaction(connection, changes))

    def clear(self, **kwargs: Any) -> None:
        """Forget everything."""
        del kwargs
        self._change("DELETE FROM answers")

    def _change(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        self._connection.run(lambda connection: connection.execute(statement, values).close())

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return what is kept, or None."""
        return await _in_thread(lambda: self.lookup(prompt, llm_string))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer."""
        await _in_thread(lambda: self.update(prompt, llm_string, return_val))

    async def aclear(self, **kwargs: Any) -> None:
        """Forget everything."""
        await _in_thread(lambda: self.clear(**kwargs))

    def close(self) -> None:
        """Close the file; the next call opens it again. What is dropped is closed as well."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Close the file when the block is left."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _Connection:
    """One connection for each process, used by one thread at a time; opened when it is first needed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._process = 0
        self._open: sqlite3.Connection | None = None
        self._closing: Callable[[], object] | None = None

    def run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection, which waits for other processes as long as need be."""
        if self._process != os.getpid():
            # A connection and a lock must not be carried into a forked process.
            self._lock = threading.Lock()
            self._open, self._process = None, os.getpid()
        with self._lock:
            connection = self._open
            if connection is None:
                connection = self._open = self._opened()
                self._closing = weakref.finalize(self, _close, connection, self._process)
            return act(connection)

    def _opened(self) -> sqlite3.Connection:
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                connection = sqlite3.connect(
                    self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
                )
            except sqlite3.OperationalError as error:
                raise self._no_file(error) from error
            try:
                # Readers and one writer at once; what a crash of the machine may lose is the last few answers.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_TABLE)
                connection.execute(_INDEX)
            except sqlite3.DatabaseError as error:
                connection.close()
                # Several processes that begin at once may find the file locked, whatever the timeout says.
                if error.sqlite_errorcode not in _LOCKED or time.monotonic() > deadline:
                    raise self._no_file(error) from error
                time.sleep(0.01)
            else:
                return connection

    def _no_file(self, error: sqlite3.Error) -> ConfigurationError:
        return ConfigurationError(f"{self._path} cannot be used for answers: {error}. Give another path.")

    def close(self) -> None:
        with self._lock:
            if self._closing is not None:
                self._closing()
            self._open = self._closing = None


def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        with suppress(sqlite3.Error):
            connection.close()


def _in_transaction(connection: sqlite3.Connection, changes: list[tuple[str, tuple[Any, ...]]]) -> None:
    # At once, and not when it first writes: a transaction that has read before cannot wait for others.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, values in changes:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _made(path: str, ttl: float | None, maxsize: int | None, coalesce: bool) -> SQLiteCache:  # noqa: FBT001 - by pickle
    return SQLiteCache(path, ttl=ttl, maxsize=maxsize, coalesce=coalesce)


def _digest(prompt: str, llm_string: str) -> bytes:
    # Each text is led by its length, so that no two pairs run together.
    return hashlib.sha256(json.dumps([prompt, llm_string]).encode()).digest()


def _read(answer: str) -> list[Generation]:
    generations = loads(answer, allowed_objects=_ALLOWED)
    if not isinstance(generations, list) or not all(
        isinstance(generation, Generation) for generation in cast("list[object]", generations)
    ):
        msg = "it holds something else than answers"
        raise ConfigurationError(msg)
    return cast("list[Generation]", generations)


async def _in_thread(act: Callable[[], T]) -> T:
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await anyio.to_thread.run_sync(act, limiter=limiter)
