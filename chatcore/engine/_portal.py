"""The only place that knows how to call async code from sync code.

One daemon thread holds one event loop for the whole process. Every sync verb is the async verb run there:

::

    caller's thread                      the portal's thread
    ---------------                      -------------------
    model.invoke(x)  --- call --->       await model.ainvoke(x)
                     <-- result --
    model.stream(x)  --- start -->       one task reads model.astream(x) from its first chunk to its last
                     <== chunks ==       into a queue, as far as its credit goes
                     --- credit ->       the caller repays credit in halves, so a chunk costs no round trip

It works inside a running loop (a notebook), from many threads at once, and after a fork. Context variables travel to
the portal and are not brought back.
"""

from __future__ import annotations

import atexit
import functools
import os
import queue
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, Self, TypeVar, cast

import anyio
from anyio.abc import TaskGroup

from chatcore.engine._host import Host, current_host
from chatcore.errors import ConfigurationError, PortalError

__all__ = ["SyncStream", "blocking", "blocking_function", "blocking_stream", "configure"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PATIENCE_SECONDS = 5.0
"""How long a caller that gives up waits for its cancelled call to have stopped."""


class ClosableStream(Protocol[T_co]):
    """What `blocking_stream` can hand over: an async iterator that is closed by leaving it."""

    def __aiter__(self) -> AsyncIterator[T_co]: ...
    async def __aenter__(self) -> Any: ...
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Loop:
    """The portal's event loop, once it runs.

    Tasks are started by what a loop offers to every thread. (anyio's `BlockingPortal` waits for the start of each, and
    refuses a thread in which trio runs.)
    """

    host: Host
    tasks: TaskGroup
    stop: anyio.Event
    own: Context
    live: set[_Running]

    def start(self, running: _Running, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `act` as a task there, with the context variables of this thread."""
        self.live.add(running)
        running.begun = True
        context = copy_context()
        for variable, value in self.own.items():
            # What the portal's thread has set by itself says to libraries which event loop runs there.
            context.run(variable.set, value)
        self.host.post(lambda: context.run(self.tasks.start_soon, act))


class _Portal:
    """The process's one loop for sync callers, begun at the first sync call."""

    def __init__(self) -> None:
        self.backend: Literal["asyncio", "trio"] = "asyncio"
        self._reset()

    def _reset(self) -> None:
        # Also run in a forked child: the parent's thread does not exist there, and its lock may be held for ever.
        self._lock = threading.Lock()
        self._loop: _Loop | None = None
        self._thread: threading.Thread | None = None

    def start(self, running: _Running, act: Callable[[], Awaitable[Any]]) -> None:
        """Run `act` as a task in the portal; if that is closed at that moment, as a cancelled one.

        Raises:
            PortalError: this is the portal's own thread.
        """
        if self.is_here():
            msg = (
                "A sync call (invoke, stream, batch, ...) was made on the event loop that serves sync calls; it would"
                " wait for itself. Use the async verb there (ainvoke, astream, ...), or run the sync code in a worker"
                " thread (anyio.to_thread.run_sync)."
            )
            raise PortalError(msg)
        # Under the lock, so that no task comes after the closing.
        with self._lock:
            if self._loop is None:
                self._loop = self._begin()
            self._loop.start(running, functools.partial(running.run, act, self._loop.live.discard))

    def is_here(self) -> bool:
        """Whether this is the portal's own thread."""
        return threading.current_thread() is self._thread

    def _begin(self) -> _Loop:
        started: queue.SimpleQueue[_Loop | BaseException] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="chatcore-portal", daemon=True)
        self._thread.start()
        first = started.get()
        if isinstance(first, BaseException):
            self._thread = None
            raise first
        return first

    def _serve(self, started: queue.SimpleQueue[_Loop | BaseException]) -> None:
        live: set[_Running] = set()

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                loop = _Loop(current_host(), tasks, anyio.Event(), copy_context(), live)
                started.put(loop)
                await loop.stop.wait()
                tasks.cancel_scope.cancel()

        try:
            anyio.run(main, backend=self.backend)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it; nobody could see it here
            started.put(error)
        finally:
            with self._lock:
                if self._loop is not None and self._loop.live is live:
                    # It ended by itself: user code has stopped the loop. The next call begins another.
                    self._loop = self._thread = None
            for running in list(live):
                running.give_up()

    def close(self) -> None:
        """Cancel what still runs there and end the loop, so that its clients are closed before the interpreter goes."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.host.post(loop.stop.set)
            # Bounded: a worker thread that never returns must not keep the process from ending.
            thread.join(PATIENCE_SECONDS)


_PORTAL = _Portal()
atexit.register(_PORTAL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PORTAL._reset)  # noqa: SLF001 - the same module


def configure(*, portal_backend: Literal["asyncio", "trio"] | None = None) -> None:
    """Set what holds for the whole process.

    Args:
        portal_backend: the event loop under all sync verbs. A portal that runs already on the other one is closed, and
            calls under way in it are cancelled.

    Raises:
        ConfigurationError: the backend is neither `"asyncio"` nor `"trio"`.
    """
    if portal_backend is None:
        return
    if portal_backend not in ("asyncio", "trio"):
        msg = f"portal_backend must be 'asyncio' or 'trio', not {portal_backend!r}."
        raise ConfigurationError(msg)
    if portal_backend != _PORTAL.backend:
        if _PORTAL.is_here():
            msg = (
                "configure(portal_backend=...) was called in the event loop that it is to end; call it from elsewhere."
            )
            raise PortalError(msg)
        _PORTAL.close()
        _PORTAL.backend = portal_backend


# ---------------------------------------------------------------------------------------------------------------- calls


@dataclass(slots=True)
class _Outcome(Generic[R]):
    value: R | None = None
    error: BaseException | None = None

    def result(self) -> R:
        if self.error is not None:
            error, self.error = self.error, None
            try:
                raise error
            finally:
                del error
        return cast("R", self.value)


class _Running:
    """One task in the portal, to be stopped from the caller's thread."""

    __slots__ = ("_finish", "_host", "_scope", "_stopped", "begun", "done")

    def __init__(self, finish: Callable[[_Outcome[Any]], None]) -> None:
        self._finish = finish
        self.begun = False
        self.done = threading.Event()
        self._host: Host | None = None
        self._scope: anyio.CancelScope | None = None
        self._stopped = False

    async def run(self, act: Callable[[], Awaitable[Any]], leave: Callable[[_Running], None]) -> None:
        outcome: _Outcome[Any] | None = None
        self._scope = anyio.CancelScope()
        self._host = current_host()
        # `stop` sets its flag before it looks for a host, so one of the two sees the other.
        if self._stopped:
            self._scope.cancel()
        try:
            with self._scope:
                try:
                    outcome = _Outcome(value=await act())
                except (anyio.get_cancelled_exc_class(), GeneratorExit):
                    raise
                except BaseException as error:  # noqa: BLE001 - the caller raises it
                    outcome = _Outcome(error=error)
        except anyio.get_cancelled_exc_class():
            # The task ends here anyway; one that ended as cancelled would take the whole portal with it.
            pass
        finally:
            leave(self)
            self.give_up() if outcome is None else self._end(outcome)

    def give_up(self) -> None:
        """Tell the caller that there will be no result."""
        msg = "The call was cancelled in its event loop: its portal was closed, or its own code has cancelled it."
        self._end(_Outcome(error=PortalError(msg)))

    def _end(self, outcome: _Outcome[Any]) -> None:
        self.done.set()
        self._finish(outcome)

    def post(self, act: Callable[[], object]) -> None:
        if self._host is not None:
            self._host.post(act)

    def stop(self, patience: float) -> None:
        """Cancel the task, and give it up to `patience` seconds to clean up."""
        self._stopped = True
        if self._host is not None and self._scope is not None:
            self._host.post(self._scope.cancel)
        if self.begun:
            self.done.wait(patience)


def blocking(verb: Callable[Concatenate[S, P], Awaitable[R]]) -> Callable[Concatenate[S, P], R]:
    """The sync form of an async method: the same name without its `a`, the same arguments, the same result.

    The method is looked up on the object at each call, so that a subclass need only override the async one.
    Ctrl-C while it waits cancels the call.

    Raises:
        PortalError: the sync form was called on the portal's own loop, where it could only wait for itself.
    """
    name = _name(verb)

    def call(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        act: Callable[[], Awaitable[R]] = functools.partial(getattr(self, name), *args, **kwargs)
        return _wait_for(act)

    return _dressed(call, verb, name.removeprefix("a"))


def blocking_function(function: Callable[P, Awaitable[R]], name: str) -> Callable[P, R]:
    """The sync form of an async function, under another name. Otherwise as `blocking`."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return _wait_for(functools.partial(function, *args, **kwargs))

    return _dressed(call, function, name)


def _wait_for(act: Callable[[], Awaitable[R]]) -> R:
    box: queue.SimpleQueue[_Outcome[R]] = queue.SimpleQueue()
    running = _Running(box.put)
    try:
        _PORTAL.start(running, act)
        outcome = box.get()
    except BaseException:
        running.stop(PATIENCE_SECONDS)
        raise
    try:
        return outcome.result()
    finally:
        # An error's traceback holds this frame.
        del outcome


def blocking_stream(verb: Callable[Concatenate[S, P], ClosableStream[T]]) -> Callable[Concatenate[S, P], SyncStream[T]]:
    """The sync form of an async method that returns a stream: an iterator that can also be used in a `with` statement.

    Nothing is sent before the first `next`. Leaving the loop or the `with` block early closes the stream.
    """
    name = _name(verb)

    def call(self: S, *args: P.args, **kwargs: P.kwargs) -> SyncStream[T]:
        return SyncStream(functools.partial(getattr(self, name), *args, **kwargs))

    return _dressed(call, verb, name.removeprefix("a"))


def _name(verb: Callable[..., Any]) -> str:
    return verb.__name__


def _dressed(call: Callable[P, R], verb: Callable[..., Any], name: str) -> Callable[P, R]:
    functools.update_wrapper(call, verb)
    call.__name__ = name
    call.__qualname__ = "".join((*verb.__qualname__.rpartition(".")[:2], name))
    call.__doc__ = f"`{verb.__name__}`, for sync code: same arguments, same results.\n\n{verb.__doc__ or ''}"
    return call


# -------------------------------------------------------------------------------------------------------------- streams

_CREDIT = 64
"""How many chunks the portal may read ahead of a sync caller."""


class _Credit:
    """How far ahead the reader may go. Everything here runs in the portal's loop."""

    __slots__ = ("left", "more")

    def __init__(self) -> None:
        self.left = _CREDIT
        self.more: anyio.Event | None = None

    def repay(self) -> None:
        self.left += _CREDIT // 2
        if self.more is not None:
            self.more.set()


class SyncStream(Generic[T]):
    """An async stream, read from sync code: an iterator of its items.

    ::

        with model.stream("Tell me a story") as chunks:
            for chunk in chunks:
                print(chunk.text, end="")

    A plain `for` works too; `close()`, the end, an error and being dropped all close the stream behind it.
    """

    def __init__(self, opened: Callable[[], ClosableStream[T]]) -> None:
        self._opened = opened
        self._box: queue.SimpleQueue[T | _Outcome[None]] = queue.SimpleQueue()
        self._credit = _Credit()
        self._running: _Running | None = None
        self._taken = 0
        self._over = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._over:
            raise StopIteration
        if self._running is None:
            self._start()
        running = cast("_Running", self._running)
        try:
            item = self._box.get()
        except BaseException:
            self.close()
            raise
        if isinstance(item, _Outcome):
            self._over = True
            try:
                cast("_Outcome[None]", item).result()
            finally:
                del item
            raise StopIteration
        self._taken += 1
        if self._taken == _CREDIT // 2:
            self._taken = 0
            running.post(self._credit.repay)
        return cast("T", item)

    def _start(self) -> None:
        self._running = running = _Running(self._box.put)
        try:
            _PORTAL.start(running, functools.partial(_pump, self._opened, self._box.put, self._credit))
        except BaseException:
            self.close()
            raise
        # Dropped without closing: nobody waits, but the reader is stopped.
        weakref.finalize(self, _stop_unread, self._running).atexit = False

    def close(self) -> None:
        """Stop reading, and wait until the stream behind has been closed."""
        if not self._over:
            self._over = True
            if self._running is not None:
                self._running.stop(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


async def _pump(opened: Callable[[], ClosableStream[T]], put: Callable[[T], None], credit: _Credit) -> None:
    # One task opens, reads and closes, since scopes inside the stream may not change task.
    async with opened() as items:
        async for item in items:
            put(item)
            credit.left -= 1
            while credit.left == 0:
                credit.more = anyio.Event()
                await credit.more.wait()


def _stop_unread(running: _Running) -> None:
    if not running.done.is_set():
        running.stop(patience=0)
