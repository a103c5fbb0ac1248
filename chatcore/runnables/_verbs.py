"""Runnables whose class gives the public verbs themselves (`invoke`, `stream`, ...), as the reference's do.

Such a class need not know of requests and responses. What it has is found once per class:

::

    class Shout(Runnable[str, str]):            _open ── middleware ── Verbs.start
        def invoke(self, input, config=None):                            └─ Shout.invoke, in a worker thread
            return input.upper()

An undecorated call that nobody listens to stays a plain call of the method. Every other one goes through the waist, so
that sequences, batches, retries and events see these classes as they see all others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, cast

import anyio

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine.request import ChunksOf, Request, Response, Streamed, Whole
from chatcore.engine.runs import ambient
from chatcore.engine.threads import in_thread, iterate_from_thread, iterate_in_thread
from chatcore.errors import InvalidInputError, UnsupportedError
from chatcore.runnables.config import ensure_config

__all__ = ["VERBS", "Verbs", "opened_items", "routed"]

VERBS = ("ainvoke", "invoke", "astream", "stream", "atransform", "transform")
"""What a class may give, preferred ones first."""

_inside: ContextVar[Any] = ContextVar("chatcore_inside_verb", default=None)
"""The runnable one of whose own verbs runs here: what it calls on itself is not to come back to that verb."""


@dataclass(frozen=True, slots=True)
class Verbs:
    """What a class gives.

    names: which verbs.
    below: how a call is opened without them: by the class that these override; None: there is no other way.
    """

    names: frozenset[str] = field(default_factory=frozenset[str])
    below: Callable[[Any, Request], AbstractAsyncContextManager[Response[Any]]] | None = None

    def is_within(self, runnable: Any) -> bool:
        """Whether one of these verbs of a runnable is what runs here."""
        return _inside.get() is runnable

    @property
    def transforms(self) -> bool:
        """Whether the class works on the chunks of its input."""
        return "atransform" in self.names or "transform" in self.names

    def first(self, *names: str) -> str | None:
        """The first of these that the class gives."""
        return next((name for name in names if name in self.names), None)

    def start(self, runnable: Any, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """Open one call of a runnable of this class."""
        if self.below is not None and self.is_within(runnable):
            # `super().invoke(...)`, from within the verb that overrides it.
            return self.below(runnable, request)
        chunks = self.first("atransform", "transform") if request.upstream is not None else None
        if chunks is None and request.stream:
            chunks = self.first("astream", "atransform", "stream", "transform")
        if chunks is None:
            whole = self.first("ainvoke", "invoke")
            if whole is not None:
                return _plain(runnable, whole, request)
            chunks = self.first("astream", "stream", "atransform", "transform")
        if chunks is None:
            msg = (
                f"{type(runnable).__name__} implements none of {', '.join(VERBS)}; implement one (`ainvoke` is the"
                " norm; sync ones run in a worker thread)."
            )
            raise UnsupportedError(msg)
        return _in_chunks(runnable, chunks, request)


@opening
async def _plain(runnable: Any, name: str, request: Request) -> AsyncGenerator[Response[Any]]:
    verb = getattr(runnable, name)
    config = ensure_config(cast("Any", request.config))
    token = _inside.set(runnable)
    try:
        if name == "ainvoke":
            value = await verb(request.input, config, **request.settings)
        else:
            value = await in_thread(partial(verb, request.input, config, **request.settings))
    finally:
        _inside.reset(token)
    yield Whole(value)


@opening
async def opened_items(items: Any, request: Request, silent: str) -> AsyncGenerator[Response[Any]]:
    """What an async iterator yields, as a response; it is closed with it.

    Args:
        items: the iterator.
        request: the call.
        silent: what its error says if it yields nothing.
    """
    try:
        try:
            first = await anext(items)
        except StopAsyncIteration:
            raise InvalidInputError(silent) from None
        response = Streamed(first, items)
        # What is asked for as a whole is whole once it is open, so that another attempt can mend any failure of it.
        yield response if request.stream else Whole(await response.result())
    finally:
        with anyio.move_on_after(CLOSING_SECONDS, shield=True):
            await items.aclose()


def _in_chunks(runnable: Any, name: str, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
    verb = getattr(runnable, name)
    config = ensure_config(cast("Any", request.config))
    is_async = name.startswith("a")
    given: Any = request.input
    if name.endswith("transform"):
        chunks = ChunksOf(request.upstream or Whole(request.input))
        given = chunks if is_async else iterate_from_thread(chunks)
    items: _Inside | iterate_in_thread[Any]
    if is_async:
        items = _Inside(runnable, verb(given, config, **request.settings))
    else:
        # Each step is made in a thread of its own, so the mark is set at each step there too.
        items = iterate_in_thread(_inside_each(runnable, partial(verb, given, config, **request.settings)))
    silent = f"{type(runnable).__name__}.{name} gave no chunk; it must give at least one."
    return opened_items(items, request, silent)


class _Inside(AsyncIterator[Any]):
    """The items of an async verb, each asked for with the mark set."""

    __slots__ = ("_items", "_runnable")

    def __init__(self, runnable: Any, items: Any) -> None:
        self._runnable = runnable
        self._items = aiter(items)

    async def __anext__(self) -> Any:
        token = _inside.set(self._runnable)
        try:
            return await self._items.__anext__()
        finally:
            _inside.reset(token)

    async def aclose(self) -> None:
        close = getattr(self._items, "aclose", None)
        if close is not None:
            await close()


def _inside_each(runnable: Any, begin: Callable[[], Any]) -> Iterator[Any]:
    # Every step runs in a copy of the caller's context, which ends with it: there is nothing to reset.
    _inside.set(runnable)
    items = iter(begin())
    try:
        for item in items:
            yield item
            _inside.set(runnable)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def routed(name: str, own: Callable[..., Any], derived: Callable[..., Any]) -> Callable[..., Any]:
    """A class's own verb, as it is called from outside: through the waist if anything waits there for the call."""

    def goes_straight(self: Any, config: Any) -> bool:
        if _inside.get() is self:
            return True
        verbs: Verbs | None = self._verbs
        if verbs is None or verbs.below is not None or name in ("astream", "atransform"):
            # A stream is one that can be closed, and read from sync code.
            return False
        return not (self._middleware or (config and config.get("callbacks")) or ambient.get())

    if name == "ainvoke":

        @wraps(own)
        async def verb(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return await (own if goes_straight(self, config) else derived)(self, input, config, **kwargs)

        return verb

    @wraps(own)
    def other(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return (own if goes_straight(self, config) else derived)(self, input, config, **kwargs)

    return other
