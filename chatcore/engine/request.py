"""What passes through the waist: a `Request` going in, a `Response` coming out, `Middleware` between.

::

    runnable.ainvoke(x)
        └─ _open(Request) ── middleware ── middleware ── the runnable's own work
                                                          └─ Response: chunks to iterate, then the whole result

Opening returns only when the first event exists (of a plain call: the whole answer). Whoever wraps an opening therefore
sees every failure that may still be mended by another attempt, streamed or not, in one place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from chatcore.messages import Accumulator, AIMessageChunk

if TYPE_CHECKING:
    from chatcore.engine.runs import Run

__all__ = [
    "AddableDict",
    "Around",
    "ChunksOf",
    "Config",
    "Covers",
    "Edit",
    "Middleware",
    "Open",
    "Request",
    "Response",
    "Streamed",
    "Whole",
    "merge_configs",
    "ready_of",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Config = Mapping[str, Any]
"""A `RunnableConfig` as the engine sees it: it reads a few keys and passes on the rest."""


class Covers(Protocol):
    """A policy that may try again: what a nested one asks of it."""

    def covers(self, error: BaseException) -> bool:
        """Whether this policy would try again after `error`."""
        ...


@dataclass(slots=True)
class Request:
    """One call, provider-neutral. Whoever changes one makes a copy (`edited`); the input is shared, not copied.

    input: what the caller gave.
    config: the call's `RunnableConfig`.
    settings: the call's keyword arguments (stop, tools, sampling, ...).
    stream: whether chunks are wanted as they come.
    deadline: when the call must be over, on `anyio.current_time()`'s clock; None: no bound.
    retried_by: the retry policies further out, so that nested ones do not multiply.
    upstream: in a sequence, the open response of the step before, for a step that works on its chunks.
    prepared: what a runnable derived from `input`, kept so that another attempt need not derive it again.
    labels: tags of the next run alone: which step of a sequence it is, or which attempt.
    run: this call as its listeners see it; None: nobody listens.
    attempt: counts from 1; a later one is not answered from a cache, for what is kept there may be what failed.
    """

    input: Any
    config: Config
    settings: dict[str, Any]
    stream: bool = False
    deadline: float | None = None
    retried_by: tuple[Covers, ...] = ()
    upstream: Response[Any] | None = field(default=None, repr=False)
    prepared: Any = field(default=None, repr=False)
    labels: tuple[str, ...] = ()
    run: Run | None = field(default=None, repr=False)
    attempt: int = 1

    def edited(self, **changes: Any) -> Request:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def child(
        self,
        given: object,
        *,
        stream: bool = False,
        settings: dict[str, Any] | None = None,
        upstream: Response[Any] | None = None,
        label: str | None = None,
    ) -> Request:
        """The request that a step of this call's runnable gets: other input, same config, same bounds."""
        return Request(
            given,
            self.config,
            {} if settings is None else settings,
            stream,
            self.deadline,
            self.retried_by,
            upstream,
            labels=() if label is None else (label,),
            attempt=self.attempt,
        )


class Response(Protocol[T_co]):
    """An open answer: chunks to iterate, and the whole result once they have been iterated.

    Closing belongs to the context manager that opened it.
    """

    async def __anext__(self) -> Any:
        """The next chunk; `StopAsyncIteration` after the last."""
        ...

    async def result(self) -> T_co:
        """Read what is left, and give the whole."""
        ...

    def partial(self) -> T_co | None:
        """What has come so far, merged; None if that is nothing."""
        ...

    def origin(self) -> Response[Any]:
        """The response as its runnable made it, without what layers have put around it."""
        ...


def ready_of(response: object) -> Callable[[], Any] | None:
    """What gives a response's next chunk if it is at hand, and None if it must be waited for; it never waits.

    Most chunks of a fast stream come many in one read: those need no deadline and no turn of the event loop. A response
    (or a hook's iterator) that can tell has `ready`; of any other nothing is ever at hand.
    """
    return getattr(response, "ready", None)


Open = Callable[[Request], AbstractAsyncContextManager[Response[Any]]]
"""How a response is opened: what is left of the chain, as a layer sees it."""


class Middleware(Protocol):
    """A behaviour around every opening: retry, fallbacks, deadlines, edits of the request.

    run_name: what listeners know its runs by; None: it is part of the run that it stands around.
    """

    run_name: ClassVar[str | None]

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]: ...


class ChunksOf(AsyncIterator[Any]):
    """A response's chunks, for `async for`. A class and no generator: nobody need close it when its reader stops."""

    __slots__ = ("_response",)

    def __init__(self, response: Response[Any]) -> None:
        self._response = response

    async def __anext__(self) -> Any:
        return await self._response.__anext__()


class Around:
    """A response that stands around another one, and does something of its own at each pull."""

    __slots__ = ("_response",)

    def __init__(self, response: Response[Any]) -> None:
        self._response = response

    async def __anext__(self) -> Any:
        return await self._response.__anext__()

    async def result(self) -> Any:
        """The whole, by pulls of its own."""
        try:
            while True:
                await self.__anext__()
        except StopAsyncIteration:
            return await self._response.result()

    def partial(self) -> Any:
        """What has come so far."""
        return self._response.partial()

    def origin(self) -> Response[Any]:
        """The response as its runnable made it."""
        return self._response.origin()


class Whole(Response[T]):
    """An answer that came in one piece; as chunks, it is one."""

    __slots__ = ("_given", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self._given = False

    async def __anext__(self) -> T:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self.value

    async def result(self) -> T:
        return self.value

    def partial(self) -> T | None:
        return self.value

    def origin(self) -> Response[Any]:
        return self


class Streamed(Response[T]):
    """Chunks of any kind that can be added up, the first of which is here already."""

    __slots__ = ("_chunks", "_first", "_seen")

    def __init__(self, first: T, rest: AsyncIterator[T]) -> None:
        self._first: list[T] = [first]
        self._chunks = rest
        self._seen: list[T] = []

    async def __anext__(self) -> T:
        chunk = self._first.pop() if self._first else await self._chunks.__anext__()
        self._seen.append(chunk)
        return chunk

    async def result(self) -> T:
        try:
            while True:
                await self.__anext__()
        except StopAsyncIteration:
            return _fold(self._seen)

    def partial(self) -> T | None:
        return _fold(self._seen) if self._seen else None

    def origin(self) -> Response[Any]:
        return self


class AddableDict(dict[str, Any]):
    """A dict that can be added to another: values under one key are added. What a parallel streams.

    Raises (from `+`):
        TypeError: two values under one key cannot be added.
    """

    def __add__(self, other: Mapping[str, Any]) -> AddableDict:
        return _sum(self, other)

    def __radd__(self, other: Mapping[str, Any]) -> AddableDict:
        return _sum(other, self)


def _sum(left: Mapping[str, Any], right: Mapping[str, Any]) -> AddableDict:
    total = AddableDict(left)
    for key, value in right.items():
        before = total.get(key)
        if before is None:
            total[key] = value
        elif value is not None:
            try:
                total[key] = before + value
            except TypeError as error:
                kinds = f"{type(before).__name__!r} and {type(value).__name__!r}"
                msg = f"Cannot add incompatible types for key {key!r}: {kinds}."
                raise TypeError(msg) from error
    return total


def _fold(chunks: list[T]) -> T:
    """All chunks as one value: messages, text and branches in linear time, others by `+`, or the last if `+` fails."""
    first = chunks[0]
    if len(chunks) == 1:
        return first
    if _all(AIMessageChunk, chunks):
        merged = Accumulator()
        for message in cast("list[AIMessageChunk]", chunks):
            merged.add(message)
        return cast("T", merged.chunk())
    if _all(str, chunks):
        return cast("T", "".join(cast("list[str]", chunks)))
    if _all(AddableDict, chunks):
        return cast("T", _fold_branches(cast("list[AddableDict]", chunks)))
    total: Any = first
    for chunk in chunks[1:]:
        try:
            total = total + chunk
        except TypeError:
            total = chunk
    return cast("T", total)


def _fold_branches(chunks: list[AddableDict]) -> AddableDict:
    pieces: dict[str, list[Any]] = {}
    for branch in chunks:
        for key, value in branch.items():
            values = pieces.setdefault(key, [])
            if values and values[-1] is None:
                values.pop()
            if value is not None or not values:
                values.append(value)
    return AddableDict({key: _fold(values) for key, values in pieces.items()})


def _all(kind: type, chunks: list[Any]) -> bool:
    return all(isinstance(chunk, kind) for chunk in chunks)


@dataclass(frozen=True, slots=True)
class Edit:
    """Request → Request, as middleware: settings and config that hold unless the call says otherwise.

    settings: keyword arguments under those of the call.
    config: a config under that of the call; tags are joined, metadata merged.
    """

    run_name: ClassVar[str | None] = None

    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        return next_open(
            request.edited(
                settings={**self.settings, **request.settings} if self.settings else request.settings,
                config=merge_configs(self.config, request.config) if self.config else request.config,
            )
        )


def merge_configs(base: Config, over: Config) -> dict[str, Any]:
    """`over` upon `base`: lists are joined without repetition, metadata and `configurable` merged, others replaced."""
    merged: dict[str, Any] = {**base, **{key: value for key, value in over.items() if value is not None}}
    for key in ("metadata", "configurable"):
        if base.get(key) and over.get(key):
            merged[key] = {**base[key], **over[key]}
    for key in ("tags", "callbacks"):
        if isinstance(base.get(key), list) and isinstance(over.get(key), list):
            merged[key] = [*base[key], *(entry for entry in over[key] if entry not in base[key])]
    return merged
