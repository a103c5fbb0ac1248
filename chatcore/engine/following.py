"""How a call's listeners learn what happens to it.

`followed` stands around the opening of what does the work:

::

    started ── chunk* ── ended          a stream: when its last chunk has been read
                     └── failed         an error, cancellation, or a reader that left early
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from chatcore.engine._opening import opening
from chatcore.engine.request import ChunksOf, Open, Request, Response
from chatcore.engine.runs import Run

__all__ = ["followed", "report"]

_IN_ONE_PIECE = ("tool", "prompt")
"""The kinds whose answers are never told of in chunks."""


async def report(run: Run, chunk: Any) -> None:
    """Tell a run's listeners of a chunk."""
    for listener in run.listeners:
        await listener.chunk(run, chunk)


@opening
async def followed(run: Run, request: Request, start: Open) -> AsyncGenerator[Response[Any]]:
    """Open `start(request)` as `run`, and tell its listeners."""
    if request.upstream is not None:
        # The step before it comes first: this one begins when there is something to read.
        if request.stream:
            request.upstream = await _Peeked.first(request.upstream)
        else:
            request.upstream = await _Peeked.all(request.upstream)
            run.inputs = request.upstream.partial()
    try:
        for listener in run.listeners:
            await listener.started(run)
        async with start(request) as response:
            run.origin = response.origin()
            if not request.stream or run.kind in _IN_ONE_PIECE:
                await run.end(await response.result())
                yield response  # noqa: ASYNC119 - a context manager's
                return
            yield _Followed(run, request, response)  # noqa: ASYNC119 - as above
            if not run.over:
                run.partial = response.partial()
                await run.fail(GeneratorExit("The stream was closed before its end."))
    except BaseException as error:
        await run.fail(error)
        raise


class _Followed:
    """A streamed response whose chunks are told of."""

    __slots__ = ("_listeners", "_request", "_response", "_run")

    def __init__(self, run: Run, request: Request, response: Response[Any]) -> None:
        self._run = run
        self._listeners = run.listeners
        self._request = request
        self._response = response

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

    async def result(self) -> Any:
        try:
            while True:
                await self.__anext__()
        except StopAsyncIteration:
            return await self._response.result()

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self._response.origin()


class _Peeked:
    """A response some chunks of which have been read already."""

    __slots__ = ("_read", "_response")

    def __init__(self, response: Response[Any], read: list[Any]) -> None:
        self._response = response
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

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self._response.origin()
