"""How a call's listeners learn what happens to it.

`followed` stands around the opening of what does the work:

::

    started ── chunk* ── ended          a stream: when its last chunk has been read
                     └── failed         an error, cancellation, or a reader that left early
"""

from __future__ import annotations

from collections import deque
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from chatcore.engine.request import Around, ChunksOf, Open, Request, Response
from chatcore.engine.runs import Run

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["followed", "report"]

_IN_ONE_PIECE = ("tool", "prompt")
"""The kinds whose answers are never told of in chunks."""


async def report(run: Run, chunk: Any) -> None:
    """Tell a run's listeners of a chunk."""
    for listener in run.listeners:
        await listener.chunk(run, chunk)


class followed(AbstractAsyncContextManager[Response[Any]]):  # noqa: N801 - used as a function: `async with followed(...)`
    """Open `start(request)` as `run`, and tell its listeners.

    A class and no generator: with a listener this stands around every call, and a generator costs twice as much.
    """

    __slots__ = ("_opened", "_request", "_response", "_run", "_start")

    def __init__(self, run: Run, request: Request, start: Open) -> None:
        self._run = run
        self._request = request
        self._start = start
        self._opened: AbstractAsyncContextManager[Response[Any]]
        self._response: Response[Any]

    async def __aenter__(self) -> Response[Any]:
        run, request = self._run, self._request
        if request.upstream is not None:
            # The step before it comes first: this one begins when there is something to read.
            if request.stream:
                request.upstream = await _Peeked.first(request.upstream)
            else:
                request.upstream = await _Peeked.all(request.upstream)
                run.inputs = request.upstream.partial()
        try:
            await run.begin()
            self._opened = self._start(request)
            self._response = response = await self._opened.__aenter__()
        except BaseException as error:
            await run.fail(error)
            raise
        run.origin = response.origin()
        if request.stream and run.kind not in _IN_ONE_PIECE:
            return _Followed(run, request, response)
        try:
            await run.end(await response.result())
        except BaseException as error:
            # A listener's own error, which it wants raised.
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return response

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        run = self._run
        try:
            # From the inside out: what was called within it ends first.
            suppressed = await self._opened.__aexit__(exc_type, exc, tb)
        except BaseException as error:
            await run.fail(error)
            raise
        if not run.over:
            run.partial = self._response.partial()
            await run.fail(exc or GeneratorExit("The stream was closed before its end."))
        return suppressed


class _Followed(Around):
    """A streamed response whose chunks are told of."""

    __slots__ = ("_listeners", "_request", "_run")

    def __init__(self, run: Run, request: Request, response: Response[Any]) -> None:
        super().__init__(response)
        self._run = run
        self._listeners = run.listeners
        self._request = request

    async def __anext__(self) -> Any:
        run = self._run
        try:
            chunk = await self._response.__anext__()
            for listener in self._listeners:
                await listener.chunk(run, chunk)
        except StopAsyncIteration:
            if not run.over:
                upstream = self._request.upstream
                if upstream is not None:
                    run.inputs = upstream.partial()
                await run.end(self._response.partial())
            raise
        except BaseException as error:
            run.partial = self._response.partial()
            await run.fail(error)
            raise
        return chunk


class _Peeked(Around):
    """A response some chunks of which have been read already."""

    __slots__ = ("_read",)

    def __init__(self, response: Response[Any], read: list[Any]) -> None:
        super().__init__(response)
        self._read = deque(read)

    @classmethod
    async def first(cls, response: Response[Any]) -> _Peeked:
        try:
            return cls(response, [await response.__anext__()])
        except StopAsyncIteration:
            return cls(response, [])

    @classmethod
    async def all(cls, response: Response[Any]) -> _Peeked:
        return cls(response, [chunk async for chunk in ChunksOf(response)])

    async def __anext__(self) -> Any:
        return self._read.popleft() if self._read else await self._response.__anext__()

    async def result(self) -> Any:
        self._read.clear()
        return await self._response.result()
