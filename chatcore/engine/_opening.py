"""Async context managers written as generators, as `contextlib` has them, that bear to be closed by the end of a loop.

A loop that ends closes every async generator that is still open, in no order: the layers of a stream that was dropped
just before are such generators, each holding the next. The standard library's managers complain when the one that they
hold was closed first.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from types import AsyncGeneratorType, TracebackType

__all__ = ["opening"]

P = ParamSpec("P")
T = TypeVar("T")

_STOPS = (StopIteration, StopAsyncIteration)


def opening(function: Callable[P, AsyncGenerator[T, None]]) -> Callable[P, AbstractAsyncContextManager[T]]:
    """Make a context manager of an async generator function that yields once."""

    @wraps(function)
    def opened(*args: P.args, **kwargs: P.kwargs) -> AbstractAsyncContextManager[T]:
        return _Opened(function(*args, **kwargs))

    return opened


class _Opened(AbstractAsyncContextManager[T]):
    __slots__ = ("_generator",)

    def __init__(self, generator: AsyncGenerator[T, None]) -> None:
        self._generator = cast("AsyncGeneratorType[T, None]", generator)

    async def __aenter__(self) -> T:
        return await anext(self._generator)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        generator = self._generator
        if generator.ag_frame is None or generator.ag_running:
            # The ending loop has closed it already, or is about it.
            return False
        try:
            if exc is None:
                await anext(generator)
            else:
                await generator.athrow(exc)
        except StopAsyncIteration as ended:
            return exc is not None and ended is not exc
        except BaseException as error:
            # Passed on by the generator: raised by the `async with` statement itself, once. A StopAsyncIteration cannot
            # leave a generator but as the cause of a RuntimeError.
            if exc is None or not (error is exc or (isinstance(exc, _STOPS) and error.__cause__ is exc)):
                raise
            exc.__traceback__ = tb
            return False
        msg = f"{generator!r} yielded more than once."
        raise RuntimeError(msg)
