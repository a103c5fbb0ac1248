"""The running event loop, seen from below: the only file that tells asyncio from trio.

anyio offers no task that outlives the caller's scope, and no hook for the end of a loop. Both are needed: a batch read
by a bare `async for` has nobody's task group to live in, and an HTTP client belongs to the loop that made it.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
from anyio.lowlevel import RunVar, current_token

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Generator

__all__ = ["CLOSING_SECONDS", "Host", "at_loop_end", "current_host", "loop_key", "on_trio", "told_to_stop"]

CLOSING_SECONDS = 2.0
"""How long a close may take, once nobody can be told of its failure any more."""


class Host(Protocol):
    """A handle to one running loop, good from any thread."""

    def post(self, act: Callable[[], object]) -> None:
        """Run `act` in the loop soon. Does nothing if the loop is gone: there is nothing left to act upon."""

    def spawn(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start `act` as a task outside every scope, from inside the loop. `act` must not raise."""


def current_host() -> Host:
    """The loop that is running here.

    Raises:
        anyio.NoEventLoopError: no loop is running in this thread.
    """
    native: Any = current_token().native_token
    return _TrioHost(native) if hasattr(native, "run_sync_soon") else _AsyncioHost(native)


def loop_key() -> object:
    """What is the same within one run of an event loop and differs between two."""
    return current_token().native_token


def on_trio() -> bool:
    """Whether the running loop is trio's."""
    return hasattr(current_token().native_token, "run_sync_soon")


def told_to_stop() -> bool:
    """Whether the current task has been cancelled, by a scope or natively.

    If not, a cancellation that passes through comes from elsewhere: from a task, say, that was awaited and that
    somebody else has cancelled.
    """
    if anyio.current_effective_deadline() == -math.inf:
        return True
    if on_trio():
        return False
    task = importlib.import_module("asyncio").current_task()
    return bool(task is not None and task.cancelling())


class _AsyncioHost:
    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def post(self, act: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def spawn(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(cast("Coroutine[Any, Any, None]", _Begun(act())))
        # The loop keeps weak references to tasks only.
        _DETACHED.add(task)
        task.add_done_callback(_DETACHED.discard)


_DETACHED: set[asyncio.Task[None]] = set()


class _Begun:
    """A coroutine that runs up to its first wait even if its task is cancelled before.

    When its main task is done, asyncio cancels all others, and one that has not begun never runs: what it was there to
    close would be closed nowhere.
    """

    def __init__(self, inner: Coroutine[Any, Any, None]) -> None:
        self._inner = inner
        self._begun = False

    def send(self, value: Any, /) -> Any:
        self._begun = True
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        return self._inner.throw(*error) if self._begun else self.send(None)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:
        # `cr_running` and the like, by which tasks are inspected.
        return getattr(self._inner, name)


class _TrioHost:
    __slots__ = ("_lowlevel", "_token")

    def __init__(self, token: Any) -> None:
        self._token = token
        # By name, so that users of asyncio need not have trio; it is loaded already wherever this runs.
        self._lowlevel = importlib.import_module("trio").lowlevel

    def post(self, act: Callable[[], object]) -> None:
        try:
            self._token.run_sync_soon(act)
        except RuntimeError as error:
            # trio.RunFinishedError: the run is over, as `post` promises to bear.
            if type(error).__name__ != "RunFinishedError":
                raise

    def spawn(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            self._lowlevel.spawn_system_task(act, context=copy_context())
        except RuntimeError:
            # The run is ending and takes no more tasks. It is about to close the async generators that are still open,
            # and would complain of any that went before: so what `act` holds is kept until then.
            kept = _kept.get([])
            kept.append(act)
            _kept.set(kept)


_kept: RunVar[list[object]] = RunVar("chatcore_kept")
_endings: RunVar[_Ending] = RunVar("chatcore_endings")


class _Ending:
    """What is to be done at the end of one loop.

    An event loop closes the async generators that are still open when it ends: asyncio in `shutdown_asyncgens`, trio
    after its main task. So one generator, begun and held for as long as the loop lives, is a hook for that moment, and
    no task has to be parked for it.
    """

    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self._generator = self._until_the_end()
        step = self._generator.__anext__()
        with suppress(StopIteration):
            # Runs up to the yield, which never suspends.
            step.send(None)

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await self.stack.aclose()


def at_loop_end(act: Callable[[], Awaitable[object]]) -> None:
    """Await `act` when the running loop ends, shielded and bounded in time; the last one asked for first."""
    try:
        ending = _endings.get()
    except LookupError:
        ending = _Ending()
        _endings.set(ending)
    ending.stack.push_async_callback(cast("Callable[[], Coroutine[Any, Any, object]]", act))
