"""Parsers that read an answer while it comes: each chunk by itself, or what has come so far."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, TypeVar, cast

import anyio

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine.request import ChunksOf, Request, Response, Streamed, Whole
from chatcore.engine.threads import iterate_from_thread, iterate_in_thread
from chatcore.errors import UnsupportedError
from chatcore.messages import Accumulator, AIMessageChunk, BaseMessage
from chatcore.output_parsers._reading import generation_of
from chatcore.output_parsers.base import BaseOutputParser
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk
from chatcore.runnables._runnable import _Transformer

__all__ = ["BaseCumulativeTransformOutputParser", "BaseTransformOutputParser"]

T = TypeVar("T")


class BaseTransformOutputParser(BaseOutputParser[T], _Transformer):
    """A parser that reads each chunk of an answer by itself, and yields what it makes of it.

    A subclass implements `parse` or `parse_result`, for one chunk or a whole answer; or, to look at several chunks at
    once, `_atransform` (or `_transform`, which runs in a worker thread).
    """

    # Whether the nearest of the two hooks is the sync one: decided once for each class.
    _transforms_in_thread: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks = vars(cls).keys() & {"_transform", "_atransform"}
        if hooks:
            cls._transforms_in_thread = "_atransform" not in hooks

    def _yields_snapshots(self) -> bool:
        # Whether each chunk says all that has come so far, so that older ones need not be kept.
        return False

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[T]:
        """From chunks of an answer to chunks of the result, for sync code."""
        for chunk in input:
            yield self.parse_result([generation_of(chunk)])

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[T]:
        """From chunks of an answer to chunks of the result."""
        async for chunk in input:
            yield await self.aparse_result([generation_of(chunk)])

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[T]]:
        upstream: Response[Any] = request.upstream or Whole(request.input)

        async def whole() -> T:
            return await self.aparse_result([generation_of(await upstream.result())])

        if not request.stream:
            yield Whole(await whole())
            return
        items: Any
        if self._transforms_in_thread:
            items = iterate_in_thread(self._transform(iterate_from_thread(ChunksOf(upstream))))
        else:
            items = self._atransform(ChunksOf(upstream))
        try:
            try:
                first = await anext(items)
            except StopAsyncIteration:
                yield _Silent(whole)
                return
            yield (_Snapshots if self._yields_snapshots() else _Parsed)(first, items, whole)
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()


class BaseCumulativeTransformOutputParser(BaseTransformOutputParser[T]):
    """A parser that yields, at each chunk, what the answer is so far, if that has changed.

    A subclass implements `parse_result`, which is asked with `partial=True` while the answer grows (None: nothing to
    tell yet), and once more, strictly, at its end: an answer that was cut off, or is not what the parser is for, ends
    the stream with an error.

    diff: yield what has changed since the last time, if the subclass has a `_diff` that says so.
    """

    diff: bool = False

    def _yields_snapshots(self) -> bool:
        return not self.diff

    def _diff(self, prev: T | None, next: T) -> T:  # noqa: A002, ARG002 - for subclasses, by the reference's names
        msg = f"{type(self).__name__} cannot tell differences: leave out diff=True, or override _diff."
        raise UnsupportedError(msg)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        growing = _Growing()
        for chunk in input:
            growing.add(chunk)
            yield from self._news(growing, self.parse_result([growing.so_far()], partial=True))
        yield from self._news(growing, self.parse_result([growing.whole()]))

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        growing = _Growing()
        async for chunk in input:
            growing.add(chunk)
            for news in self._news(growing, await self.aparse_result([growing.so_far()], partial=True)):
                yield news
        for news in self._news(growing, await self.aparse_result([growing.whole()])):
            yield news

    def _news(self, growing: _Growing, parsed: Any) -> list[Any]:
        told = growing.told
        if parsed is None or parsed == told:
            return []
        growing.told = parsed
        return [self._diff(told, parsed) if self.diff else parsed]


class _Growing:
    """An answer as far as it has come: its chunks are appended, and joined when somebody looks.

    told: what the parser has made of it when it last had news.
    """

    __slots__ = ("_message", "_parts", "_texts", "told")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._parts = Accumulator()
        self._message: BaseMessage | None = None
        self.told: Any = None

    def add(self, chunk: str | BaseMessage) -> None:
        if isinstance(chunk, AIMessageChunk):
            self._parts.add(chunk)
        elif isinstance(chunk, BaseMessage):
            self._message = chunk if self._message is None else cast("Any", self._message) + chunk
        else:
            self._texts.append(generation_of(chunk).text)

    def so_far(self) -> Generation:
        if self._message is not None:
            return ChatGeneration(message=self._message)
        if len(self._parts):
            return ChatGenerationChunk(message=self._parts.chunk())
        self._texts = ["".join(self._texts)]
        return GenerationChunk(text=self._texts[0])

    def whole(self) -> Generation:
        return ChatGeneration(message=self._parts.message()) if len(self._parts) else self.so_far()


class _Parsed(Streamed[Any]):
    """Chunks that a parser makes; the whole is what it makes of the whole answer."""

    __slots__ = ("_whole",)

    def __init__(self, first: Any, rest: AsyncIterator[Any], whole: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(first, rest)
        self._whole = whole

    async def result(self) -> Any:
        with suppress(StopAsyncIteration):
            while True:
                await self.__anext__()
        return await self._whole()


class _Snapshots(_Parsed):
    """Chunks each of which says all that has come so far: to keep them all would take memory by the square."""

    __slots__ = ()

    async def __anext__(self) -> Any:
        chunk = await super().__anext__()
        self._seen[:] = [chunk]
        return chunk


class _Silent(Response[Any]):
    """No chunk at all, but a whole: an empty list, say."""

    __slots__ = ("_whole",)

    def __init__(self, whole: Callable[[], Awaitable[Any]]) -> None:
        self._whole = whole

    async def __anext__(self) -> Any:
        raise StopAsyncIteration

    async def result(self) -> Any:
        return await self._whole()

    def partial(self) -> Any:
        return None

    def origin(self) -> Response[Any]:
        return self
