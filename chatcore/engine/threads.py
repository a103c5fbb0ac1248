"""Sync code of the user's, run in worker threads, so that it never blocks the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import CancelledError as FutureCancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from anyio.lowlevel import RunVar

from chatcore.engine._host import Host, current_host
from chatcore.engine._portal import blocking

__all__ = ["WORKER_THREADS", "abandoning", "await_from_thread", "in_thread", "iterate_from_thread", "iterate_in_thread"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

WORKER_THREADS = 64
"""How many sync hooks and functions may run at once in a loop; of those that they call and wait for, as many again."""

_limiters: RunVar[dict[int, anyio.CapacityLimiter]] = RunVar("chatcore_worker_threads")

# How many sync functions wait, one for the other, for the one that runs here. It travels through the portal.
_depth: ContextVar[int] = ContextVar("chatcore_sync_depth", default=0)
_abandons: ContextVar[bool] = ContextVar("chatcore_abandons_threads", default=False)
_END = object()


async def in_thread(act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Await a sync call made in a worker thread. Context variables travel there; a cancelled caller waits for its end.

    The threads are counted apart from anyio's own default, so that slow models do not starve the files and name
    look-ups of the program around them, nor the other way round.
    """
    depth = _depth.get()
    abandons = _abandons.get()
    job = _Job(partial(_deeper, depth + 1, partial(act, *args, **kwargs)))
    cancelled: BaseException | None = None
    with anyio.CancelScope() as scope:
        try:
            return await anyio.to_thread.run_sync(job.run, abandon_on_cancel=abandons, limiter=_limiter(depth))
        except FutureCancelledError:
            # What the thread awaited in the loop was cancelled with its caller.
            await anyio.lowlevel.checkpoint()
            raise
        except anyio.get_cancelled_exc_class() as error:
            if abandons or not job.drop():
                raise
            # `task.cancel()` waits for no thread. What was cancelled is closed next, and must not be in use any more.
            cancelled = error
            scope.cancel()
            await job.until_done()
    # Outside the scope, which would take it for its own.
    try:
        raise cast("BaseException", cancelled)
    finally:
        # Its traceback holds this frame.
        del cancelled


class _Job:
    """A call in a worker thread, whose end can be waited for."""

    __slots__ = ("_act", "_begun", "_done", "_dropped", "_ended", "_host")

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._begun = False
        self._done = False
        self._dropped = False
        self._host: Host | None = None
        self._ended: anyio.Event | None = None

    def run(self) -> Any:
        self._begun = True
        try:
            return None if self._dropped else self._act()
        finally:
            self._done = True
            host, ended = self._host, self._ended
            if host is not None and ended is not None:
                host.post(ended.set)

    def drop(self) -> bool:
        """Begin it no more; whether it is under way already."""
        # The thread says that it begins before it looks, so one of the two sees the other.
        self._dropped = True
        return self._begun and not self._done

    async def until_done(self) -> None:
        self._ended = ended = anyio.Event()
        self._host = current_host()
        # As above: it says that it is done before it looks who waits.
        if not self._done:
            with anyio.CancelScope(shield=True):
                await ended.wait()


@contextmanager
def abandoning() -> Generator[None, None, None]:
    """In this block, a cancelled caller of sync code does not wait for its end: what it still gives is dropped.

    For bounds that must hold: nothing can stop a thread.
    """
    token = _abandons.set(True)
    try:
        yield
    finally:
        _abandons.reset(token)


def _limiter(depth: int) -> anyio.CapacityLimiter:
    # Each depth has threads of its own: if functions that wait for others held all threads, the others would never run.
    try:
        limiters = _limiters.get()
    except LookupError:
        limiters = dict[int, anyio.CapacityLimiter]()
        _limiters.set(limiters)
    if depth not in limiters:
        limiters[depth] = anyio.CapacityLimiter(WORKER_THREADS)
    return limiters[depth]


def _deeper(depth: int, act: Callable[[], R]) -> R:
    # The thread runs in a copy of the caller's context, which ends with it: there is nothing to reset.
    _depth.set(depth)
    _abandons.set(False)
    return act()


class iterate_in_thread(AsyncIterator[T]):  # noqa: N801 - used as a function
    """A sync iterator's items, each step made in a worker thread."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items

    async def __anext__(self) -> T:
        item = await in_thread(cast("Callable[[Iterator[T], object], T]", next), self._items, _END)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Close the iterator, if it is a generator, where it ran."""
        close = getattr(self._items, "close", None)
        if close is not None:
            await in_thread(close)


def iterate_from_thread(items: AsyncIterator[T]) -> Iterator[T]:
    """An async iterator's items, for sync code in a worker thread of its loop."""

    async def pull() -> tuple[T, ...]:
        # A StopAsyncIteration cannot cross threads as a result.
        try:
            return (await anext(items),)
        except StopAsyncIteration:
            return ()

    while pulled := anyio.from_thread.run(pull):
        yield pulled[0]


def await_from_thread(act: Callable[[], Awaitable[R]]) -> R:
    """Await in the loop that this worker thread serves; from a thread that serves none, in the portal's.

    Raises:
        PortalError: this is the portal's own thread.
    """
    begun = False

    async def begin() -> R:
        nonlocal begun
        begun = True
        return await act()

    try:
        return anyio.from_thread.run(begin)
    except RuntimeError:
        # anyio's error for a thread that is no worker of any loop, unless it is one of `act`'s own.
        if begun:
            raise
    return cast("R", _Elsewhere(act).run())


class _Elsewhere:
    __slots__ = ("_act",)

    def __init__(self, act: Callable[[], Awaitable[Any]]) -> None:
        self._act = act

    async def arun(self) -> Any:
        return await self._act()

    run = blocking(arun)
