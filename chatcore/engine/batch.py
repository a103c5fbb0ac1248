"""Many calls: fixed workers that share one source of inputs.

::

    inputs ──pulled lazily──> worker 1 ─┐
                              worker 2 ─┼─ (index, result) ─> bounded channel ─> async for
                              ...       ─┘

A worker takes the next input when it is free, so nothing is listed first and memory does not grow with the inputs.
Leaving early, a failing item and cancellation stop every worker; whoever leaves waits until they have stopped.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

import anyio
from anyio.abc import TaskGroup

from chatcore.engine._host import CLOSING_SECONDS, Host, current_host, told_to_stop
from chatcore.errors import ChatCoreError, InvalidInputError

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

__all__ = ["DEFAULT_CONCURRENCY", "BatchStream", "Deliver", "collapse", "completed", "kept", "run_workers"]

_AHEAD = 16

In = TypeVar("In")
Out = TypeVar("Out")

DEFAULT_CONCURRENCY = 100
"""How many calls of a batch run at once unless `max_concurrency` says otherwise."""


async def run_workers(
    inputs: Iterable[In] | AsyncIterable[In], each: Callable[[int, In], Awaitable[None]], concurrency: int
) -> None:
    """Run `each(index, input)` for all inputs, at most `concurrency` at a time.

    A worker that got an input starts the next worker, so there are never more than there is work for.

    Raises:
        BaseException: the first failure of `each` or of the inputs, after all other workers have stopped; never a
            group.
    """
    source, close = _numbered(inputs)
    started = 1
    failure: BaseException | None = None

    async def worker() -> None:
        nonlocal failure, started
        while (taken := await source()) is not None:
            if started < concurrency:
                started += 1
                workers.start_soon(worker)
            try:
                await each(*taken)
            except (KeyboardInterrupt, SystemExit) as error:
                # asyncio ends its loop when a task raises one of these: the caller's own task is to raise it.
                failure = error
                workers.cancel_scope.cancel()
            except anyio.get_cancelled_exc_class():
                if told_to_stop():
                    raise
                raise _lost(taken[0]) from None

    try:
        async with anyio.create_task_group() as workers:
            workers.start_soon(worker)
    except BaseExceptionGroup as group:
        failure = failure or collapse(group)
    finally:
        if close is not None:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await close()
    if failure is not None:
        try:
            raise failure
        finally:
            # Its traceback holds this frame: without the way back they go as soon as nobody wants the error any more.
            del failure


async def kept(index: int, call: Awaitable[Out]) -> Out | Exception:
    """The result of a call of a batch, or the exception that it raised."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - this is what was asked for
        return error
    except anyio.get_cancelled_exc_class():
        if told_to_stop():
            raise
        return _lost(index)


def _lost(index: int) -> ChatCoreError:
    """What is wrong with a call that awaited a task which somebody else had cancelled."""
    return ChatCoreError(f"Call {index} of the batch ended as cancelled, though nobody cancelled it.")


_Pull = Callable[[], Awaitable[tuple[int, In] | None]]


def _numbered(inputs: Iterable[In] | AsyncIterable[In]) -> tuple[_Pull[In], Callable[[], Awaitable[object]] | None]:
    """A function that gives workers the next `(index, input)`, or None after the last; and how to close it."""
    count = -1
    if isinstance(inputs, AsyncIterable):
        later = aiter(inputs)
        # An async generator may not be asked twice at once.
        turn = anyio.Lock()

        async def pull() -> tuple[int, In] | None:
            nonlocal count
            async with turn:
                try:
                    given = await anext(later)
                except StopAsyncIteration:
                    return None
                count += 1
                return count, given

        # Left early, an async generator would wait for the garbage collector (trio warns of it).
        return pull, getattr(later, "aclose", None)

    now = iter(inputs)

    async def take() -> tuple[int, In] | None:
        nonlocal count
        for given in now:
            count += 1
            return count, given
        return None

    return take, None


class Deliver(Generic[Out]):
    """How a task gives something to the stream's reader: awaited, as soon as there is room for it.

    now: the same at once; `anyio.WouldBlock` if there is no room.
    """

    __slots__ = ("_send", "now")

    def __init__(self, send: MemoryObjectSendStream[Out]) -> None:
        self._send = send.send
        self.now = send.send_nowait

    def __call__(self, given: Out) -> Awaitable[None]:
        """Give it; await what is returned."""
        return self._send(given)


Work = Callable[[Deliver[Out]], Awaitable[None]]


def completed(
    inputs: Iterable[In] | AsyncIterable[In], each: Callable[[int, In], Awaitable[Out]], concurrency: int
) -> BatchStream[tuple[int, Out]]:
    """The stream of `(index, await each(index, input))` for all inputs, as they complete."""

    async def work(deliver: Deliver[tuple[int, Out]]) -> None:
        async def one(index: int, given: In) -> None:
            await deliver((index, await each(index, given)))

        await run_workers(inputs, one, concurrency)

    return BatchStream(work)


class BatchStream(Generic[Out]):
    """What several tasks deliver, as it comes: of a batch, its `(index, result)` pairs as the calls complete.

    ::

        async with model.abatch_as_completed(prompts) as results:
            async for index, message in results:
                ...

    `async with` is the deterministic form: the workers live in the caller's own task group, and have stopped when the
    block is left. Under a bare `async for` they run detached; the end, an error, cancellation and `aclose` wait until
    they have stopped, and a stream that is dropped after a `break` stops them soon. Nothing starts before the block is
    entered or the first pull.
    """

    __slots__ = ("__weakref__", "_crew", "_group", "_over", "_work")

    def __init__(self, work: Work[Out]) -> None:
        self._work = work
        self._crew: _Crew[Out] | None = None
        self._group: TaskGroup | None = None
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Out:
        if self._over:
            raise StopAsyncIteration
        crew = self._crew
        if crew is None:
            crew = self._new_crew()
            crew.host.spawn(crew.run)
        try:
            return await crew.results.receive()
        except anyio.EndOfStream:
            await self.aclose()
            failure, crew.failure = crew.failure, None
            if failure is None:
                raise StopAsyncIteration from None
            try:
                # Raising it must not tie it to the bookkeeping above.
                raise failure from failure.__cause__
            finally:
                del failure
        except anyio.ClosedResourceError:
            # Another task has closed it meanwhile.
            await self.aclose()
            raise StopAsyncIteration from None
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop every worker, and wait until they have stopped."""
        self._over = True
        if self._crew is not None:
            await self._crew.stop()

    async def __aenter__(self) -> Self:
        if self._crew is not None or self._over:
            msg = "This batch has begun already; enter `async with` before the first result is asked for."
            raise InvalidInputError(msg)
        crew = self._new_crew()
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(crew.run)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        self._over = True
        group = cast("TaskGroup", self._group)
        if self._crew is not None:
            self._crew.scope.cancel()
            self._crew.results.close()
        try:
            return await group.__aexit__(exc_type, exc, tb)
        except BaseExceptionGroup as errors:
            if exc is not None:
                # The group wrapped what the caller's own block raised.
                return False
            raise collapse(errors) from None

    def _new_crew(self) -> _Crew[Out]:
        self._crew = _Crew(self._work)
        return self._crew

    def __del__(self) -> None:
        crew = self._crew
        if crew is not None and not crew.done.is_set():
            crew.host.post(crew.abandon)


class _Crew(Generic[Out]):
    """The workers of one batch, and what they share with its stream. It does not know the stream."""

    def __init__(self, work: Work[Out]) -> None:
        self.host: Host = current_host()
        self.scope = anyio.CancelScope()
        self.begun = False
        self.done = anyio.Event()
        self.failure: BaseException | None = None
        self._send: MemoryObjectSendStream[Out]
        self.results: MemoryObjectReceiveStream[Out]
        # A few ready results spare a task switch each; more would only let the workers run ahead of the reader.
        self._send, self.results = anyio.create_memory_object_stream[Out](_AHEAD)
        self._work = work

    async def run(self) -> None:
        """Work to the end. A failure is kept for the reader, so that a detached task never raises."""
        self.begun = True
        if self.scope.cancel_called:
            self._send.close()
            self.done.set()
            return
        try:
            with self.scope, self._send:
                try:
                    await self._work(Deliver(self._send))
                except GeneratorExit:
                    raise
                except anyio.get_cancelled_exc_class():
                    if told_to_stop():
                        raise
                    # Of a task that was awaited, and that somebody else has cancelled: not an end.
                    self.failure = ChatCoreError("The call ended as cancelled, though nobody cancelled it.")
                except BaseException as error:  # noqa: BLE001 - the reader raises it
                    self.failure = error
        finally:
            self.done.set()

    async def stop(self) -> None:
        self.abandon()
        # One that has not begun will not work; and an ending loop may have seen to it that it never begins.
        if self.begun:
            with anyio.CancelScope(shield=True):
                await self.done.wait()

    def abandon(self) -> None:
        self.scope.cancel()
        self.results.close()


def collapse(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real error of a group, with the others as notes; a cancellation only if there is nothing else."""
    leaves = list(_leaves(group))
    cancelled = anyio.get_cancelled_exc_class()
    real = [error for error in leaves if not isinstance(error, cancelled)]
    # KeyboardInterrupt and SystemExit go before any failure that they caused.
    real.sort(key=lambda error: isinstance(error, Exception))
    if not real:
        return leaves[0]
    first, *others = real
    for other in others:
        first.add_note(f"also failed: {type(other).__name__}: {other}")
    return first


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(cast("BaseExceptionGroup[BaseException]", error))
        else:
            yield error
