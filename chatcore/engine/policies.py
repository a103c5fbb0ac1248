"""Behaviours around an opening: retry, fallbacks, deadlines. Each sees streamed and plain calls alike.

`Retry` and `Fallbacks` are middleware, frozen and shared by all calls. No cancel scope is held while a response is
open: a deadline wraps one opening or one pull, because an open stream is read in steps that are not nested in anything.
"""

from __future__ import annotations

import math
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import anyio

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine.request import Around, Open, Request, Response, ready_of
from chatcore.errors import (
    ChatCoreError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidInputError,
    StalledError,
    StreamTimedOut,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LONGEST_PAUSE", "Deadline", "Fallbacks", "Opens", "Patience", "Retry", "Timeout"]


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long a call may take, in seconds. None: no bound.

    connect: to have a connection, in one attempt.
    first_token: to the first event of one attempt: of a stream its first chunk, of a plain call the whole answer.
    between_tokens: from one chunk to the next. What a server sends only to keep a connection open is no chunk.
    total: the whole call, with all its waiting for limits, retries and fallbacks.

    Raises:
        ConfigurationError: a bound is not a positive number.
    """

    connect: float | None = None
    first_token: float | None = None
    between_tokens: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name in ("connect", "first_token", "between_tokens", "total"):
            seconds: object = getattr(self, name)
            if seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
                msg = f"timeout: {name} must be a positive number of seconds or None, not {seconds!r}."
                raise ConfigurationError(msg)

    @classmethod
    def of(cls, given: float | Timeout | None) -> Timeout:
        """A number is the `total`; None is no bound at all."""
        return given if isinstance(given, Timeout) else cls(total=given)


LONGEST_PAUSE = 600.0
"""How many seconds a provider may ask us to wait; a longer wait is left to the caller, by raising the error."""


class Deadline:
    """The `total` bound, as the outermost layer of one call: on the opening and on every pull."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @opening
    async def __call__(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        at = anyio.current_time() + self._seconds
        if request.deadline is not None:
            at = min(at, request.deadline)

        def left() -> float:
            return at - anyio.current_time()

        def late(so_far: object) -> DeadlineExceededError:
            msg = (
                f"The call took longer than {self._seconds:g} s in all (timeout: total); give it more, or ask for less."
            )
            kind = DeadlineExceededError if so_far is None else StreamTimedOut
            return kind(msg, phase="total", seconds=self._seconds, partial=so_far)

        async with _opened_within(next_open(request.edited(deadline=at)), left, late) as response:
            yield _Timed(response, left, late)  # noqa: ASYNC119 - a context manager's


class Patience:
    """The bounds of one attempt: `first_token` on its opening, `between_tokens` on each later pull."""

    __slots__ = ("_timeout",)

    def __init__(self, timeout: Timeout) -> None:
        self._timeout = timeout

    @opening
    async def __call__(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        first, between = self._timeout.first_token or math.inf, self._timeout.between_tokens

        def silent(so_far: object) -> StalledError:
            msg = f"Nothing was answered within {first:g} s (timeout: first_token)."
            return StalledError(msg, phase="first_token", seconds=first, partial=so_far)

        async with _opened_within(next_open(request), lambda: first, silent) as response:
            yield response if between is None else _Timed(response, lambda: between, partial(_stalled, between))  # noqa: ASYNC119 - a context manager's


def _stalled(seconds: float, so_far: object) -> StreamTimedOut:
    msg = f"The stream stood still for {seconds:g} s (timeout: between_tokens)."
    return StreamTimedOut(msg, phase="between_tokens", seconds=seconds, partial=so_far)


class _opened_within:  # noqa: N801 - used as a function: `async with _opened_within(...)`
    """Enter `opened` within a bound that is gone again once it is open."""

    __slots__ = ("_error", "_left", "_opened")

    def __init__(
        self,
        opened: AbstractAsyncContextManager[Response[Any]],
        left: Callable[[], float],
        error: Callable[[object], Exception],
    ) -> None:
        self._opened = opened
        self._left = left
        self._error = error

    async def __aenter__(self) -> Response[Any]:
        response: Response[Any] | None = None
        with anyio.move_on_after(self._left()) as scope:
            response = await self._opened.__aenter__()
        if response is not None:
            if not scope.cancel_called:
                return response
            # What cannot be cancelled (sync code in a thread) has answered, and too late.
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await self._opened.__aexit__(None, None, None)
        raise self._error(None)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        return await self._opened.__aexit__(exc_type, exc, tb)


class _Timed(Around):
    """A response each pull of which has a bound; what is at hand needs none."""

    __slots__ = ("_error", "_left", "ready")

    def __init__(
        self, response: Response[Any], left: Callable[[], float], error: Callable[[object], Exception]
    ) -> None:
        super().__init__(response)
        self.ready = ready_of(response)
        self._left = left
        self._error = error

    async def __anext__(self) -> Any:
        with anyio.move_on_after(self._left()):
            return await self._response.__anext__()
        raise self._error(self._response.partial())


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt when an opening fails.

    Waits as long as the error's `retry_after` says, otherwise exponentially longer each time, with jitter; never past
    the call's deadline. Errors that say of themselves that they are not retryable (a wrong key, a bad request, ...) are
    raised at once. A policy inside another one leaves to the outer what the outer covers, so that attempts do not
    multiply.

    attempts: how often at most, the first one included.
    on: the exceptions to retry: one type, several in a tuple, or a function that says so of one.
    initial, maximum: the first and the longest wait, in seconds.
    base: the factor from one wait to the next.
    jitter: up to so many seconds are added to a wait, at random.

    Raises:
        ConfigurationError: one of them is not what it should be.
    """

    run_name: ClassVar[str | None] = "RunnableRetry"

    attempts: int = 3
    on: type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool] = (Exception,)
    initial: float = 0.5
    maximum: float = 8.0
    base: float = 2.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        attempts: object = self.attempts
        if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
            msg = f"retry: the number of attempts must be a whole number of at least 1, not {attempts!r}."
            raise ConfigurationError(msg)
        if not _are_exceptions(self.on) and (isinstance(self.on, type) or not callable(self.on)):
            msg = f"retry: which exceptions to retry is said by their types or by a function, not by {self.on!r}."
            raise ConfigurationError(msg)
        for name in ("initial", "maximum", "base", "jitter"):
            number: object = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
                msg = f"retry: {name} must be a number that is not negative, not {number!r}."
                raise ConfigurationError(msg)

    def covers(self, error: BaseException) -> bool:
        """Whether this policy would try again after `error`."""
        if isinstance(error, ChatCoreError) and not error.is_retryable:
            return False
        on: Any = self.on
        # A type is callable too.
        return isinstance(error, on) if isinstance(on, type | tuple) else on(error)

    def pause(self, attempt: int, error: BaseException) -> float:
        """Seconds to wait after the `attempt`-th attempt failed with `error`."""
        asked: float | None = getattr(error, "retry_after", None)
        if asked is not None:
            # A little more than asked, and not all at the same instant.
            return asked + random.uniform(0, self.jitter / 10)  # noqa: S311 - jitter, no secret
        try:
            wait = self.initial * self.base ** (attempt - 1)
        except OverflowError:
            wait = self.maximum
        return min(wait, self.maximum) + random.uniform(0, self.jitter)  # noqa: S311

    @opening
    async def __call__(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        outer = request.retried_by
        request = request.edited(retried_by=(*outer, self))
        async with AsyncExitStack() as stack:
            response: Response[Any] | None = None
            for attempt in count(1):
                try:
                    if attempt > 1:
                        label = () if request.run is None else (f"retry:attempt:{attempt}",)
                        request = request.edited(attempt=attempt, labels=label)
                    response = await stack.enter_async_context(next_open(request))
                except Exception as error:
                    if attempt >= self.attempts or not self.covers(error) or any(o.covers(error) for o in outer):
                        raise
                    wait = self.pause(attempt, error)
                    if wait > LONGEST_PAUSE:
                        error.add_note(
                            f"not tried again: {wait:.0f} s were asked for, and we wait {LONGEST_PAUSE:.0f} s"
                        )
                        raise
                    if request.deadline is not None and anyio.current_time() + wait >= request.deadline:
                        error.add_note(
                            f"not tried again: the next attempt was due in {wait:.3g} s, after the call's deadline"
                        )
                        raise
                else:
                    break
                # Outside the handler, so that later errors are not chained to this one.
                await anyio.sleep(wait)
            yield cast("Response[Any]", response)  # noqa: ASYNC119 - a context manager's


def _are_exceptions(given: object) -> bool:
    """Whether an `except` clause takes it."""
    types = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
    return all(isinstance(one, type) and issubclass(one, BaseException) for one in types)


class Opens(Protocol):
    """What can be fallen back to."""

    def _open(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]: ...


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Others to ask, in turn, when an opening fails. If all fail, the first error is raised, with the others as notes.

    others: runnables.
    on: the exceptions to handle, one type or several in a tuple; any other is raised at once.
    key: where set, the input is a mapping, and the next one finds the error of the one before it under this key.

    Raises:
        ConfigurationError: `on` is something else.
    """

    run_name: ClassVar[str | None] = "RunnableWithFallbacks"

    others: tuple[Opens, ...]
    on: type[BaseException] | tuple[type[BaseException], ...] = (Exception,)
    key: str | None = None

    def __post_init__(self) -> None:
        if not _are_exceptions(self.on):
            msg = f"fallbacks: which exceptions to handle is said by their types, not by {self.on!r}."
            raise ConfigurationError(msg)

    @opening
    async def __call__(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        if self.key is not None and not isinstance(request.input, Mapping):
            msg = (
                f"with_fallbacks(exception_key={self.key!r}) needs a dict as input, to put the error in; this input is"
                f" a {type(request.input).__name__}."
            )
            raise InvalidInputError(msg)
        first: BaseException | None = None
        async with AsyncExitStack() as stack:
            for opener in (next_open, *(other._open for other in self.others)):
                try:
                    response = await stack.enter_async_context(opener(request))
                except self.on as error:
                    if first is None:
                        first = error
                    else:
                        first.add_note(f"a fallback also failed: {type(error).__name__}: {error}")
                    # Prepared input belongs to the one that prepared it.
                    request = request.edited(prepared=None)
                    if self.key is not None:
                        request = request.edited(input={**request.input, self.key: error})
                else:
                    break
            else:
                try:
                    raise first or InvalidInputError("with_fallbacks was given nothing to fall back to.")
                finally:
                    # Its traceback holds this frame.
                    del first
            yield response  # noqa: ASYNC119 - a context manager's
