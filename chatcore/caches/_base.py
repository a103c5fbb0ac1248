"""What a cache is, and the one in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any, Self, TypeAlias

from chatcore.engine._portal import blocking
from chatcore.engine.threads import in_thread
from chatcore.errors import ConfigurationError
from chatcore.outputs import Generation

__all__ = ["RETURN_VAL_TYPE", "BaseCache", "InMemoryCache", "check_bounds"]

RETURN_VAL_TYPE: TypeAlias = Sequence[Generation]
"""What is kept of an answer: its candidates."""

_PAIRS = (("alookup", "lookup"), ("aupdate", "update"), ("aclear", "clear"))


class BaseCache:
    """The base of every cache.

    A subclass implements `alookup`, `aupdate` and `aclear`; the sync methods then follow from them. One that has only
    sync code implements `lookup`, `update` and `clear` instead: models call them in worker threads.

    coalesce: whether calls that ask the same at the same time wait for the first of them, and share its answer. If it
        fails or is cancelled, the next one asks. Calls whose answer is streamed wait for others, but not others for
        them: who reads a stream may take its time.
    """

    coalesce: bool = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse a class that lacks a method, as an abstract class does."""
        del args, kwargs
        missing = [
            f"{native} (or {sync})"
            for native, sync in _PAIRS
            if getattr(cls, native) is getattr(BaseCache, native) and getattr(cls, sync) is getattr(BaseCache, sync)
        ]
        if missing:
            msg = f"Can't instantiate the abstract cache {cls.__name__}: it must implement {', '.join(missing)}."
            raise TypeError(msg)
        return super().__new__(cls)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return what is kept, or None.

        Args:
            prompt: the messages, written as JSON.
            llm_string: the model and its settings, as text without secrets.
        """
        return await in_thread(self.lookup, prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer.

        Args:
            prompt: as for `alookup`.
            llm_string: as for `alookup`.
            return_val: the candidates of the answer.
        """
        await in_thread(self.update, prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget everything.

        Args:
            **kwargs: what a subclass takes.
        """
        await in_thread(self.clear, **kwargs)

    lookup = blocking(alookup)
    update = blocking(aupdate)
    clear = blocking(aclear)


class InMemoryCache(BaseCache):
    """A cache in this process's memory, safe for threads and several loops.

    maxsize: how many answers are kept; the one not asked for the longest goes first. None: no bound.
    ttl: how long an answer is kept, in seconds. None: for ever.
    coalesce: as in `BaseCache`.

    Raises ValueError if a bound is not positive.
    """

    def __init__(self, *, maxsize: int | None = None, ttl: float | None = None, coalesce: bool = False) -> None:
        check_bounds(maxsize, ttl)
        self._maxsize = maxsize
        self._ttl = ttl
        self.coalesce = coalesce
        # The least recently used first; with each answer, when it ends.
        self._cache: dict[tuple[str, str], tuple[RETURN_VAL_TYPE, float | None]] = {}
        self._lock = threading.Lock()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return what is kept, or None; arguments as for `alookup`."""
        key = (prompt, llm_string)
        with self._lock:
            entry = self._cache.pop(key, None)
            if entry is None or (entry[1] is not None and entry[1] <= monotonic()):
                return None
            self._cache[key] = entry
            return entry[0]

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer; arguments as for `aupdate`."""
        key = (prompt, llm_string)
        with self._lock:
            self._cache.pop(key, None)
            if self._maxsize is not None and len(self._cache) >= self._maxsize:
                self._make_room()
            self._cache[key] = (return_val, None if self._ttl is None else monotonic() + self._ttl)

    def _make_room(self) -> None:
        now = monotonic()
        ended = [key for key, (_, end) in self._cache.items() if end is not None and end <= now]
        for key in ended or [next(iter(self._cache))]:
            del self._cache[key]

    def clear(self, **kwargs: Any) -> None:
        """Forget everything."""
        del kwargs
        with self._lock:
            self._cache.clear()

    # Memory answers at once: no thread is worth it.

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return what is kept, or None."""
        return self.lookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer."""
        self.update(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget everything."""
        self.clear(**kwargs)


def check_bounds(maxsize: int | None, ttl: float | None) -> None:
    """Refuse bounds that keep nothing."""
    if maxsize is not None and maxsize <= 0:
        msg = f"maxsize must be greater than 0, not {maxsize}; None keeps everything."
        raise ConfigurationError(msg)
    if ttl is not None and not ttl > 0:
        msg = f"ttl must be greater than 0 seconds, not {ttl}; None keeps answers for ever."
        raise ConfigurationError(msg)
