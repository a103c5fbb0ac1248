"""chatcore's errors, for programs that catch LangChain's."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from langchain_core import exceptions as lc

from chatcore import errors
from chatcore.errors import ChatCoreError
from chatcore.exceptions import OutputParserException

__all__ = ["langchain_errors"]

_KINDS: tuple[tuple[type[ChatCoreError], type[lc.LangChainException]], ...] = (
    (errors.ContextOverflowError, lc.ContextOverflowError),
    (errors.AuthenticationError, lc.ModelAuthenticationError),
    (errors.PermissionDeniedError, lc.ModelPermissionDeniedError),
    (errors.NotFoundError, lc.ModelNotFoundError),
    (errors.BadRequestError, lc.ModelInvalidRequestError),
    (errors.UnprocessableError, lc.ModelInvalidRequestError),
    (errors.RateLimited, lc.ModelRateLimitError),
    (errors.ServerError, lc.ModelAPIError),
    (errors.MalformedResponseError, lc.ModelAPIError),
    (errors.ConnectionFailedError, lc.ModelConnectionError),
    (errors.DeadlineExceededError, lc.ModelTimeoutError),
    (errors.StreamInterrupted, lc.ModelConnectionError),
    (errors.ModelError, lc.ModelError),
    (OutputParserException, lc.OutputParserException),
)
"""What each is called there; the first that fits."""


@contextmanager
def langchain_errors() -> Generator[None]:
    """In this block, chatcore's errors are LangChain's as well: `except ModelRateLimitError` catches a `RateLimited`.

    The error that leaves it is the one that was raised, with its data, traceback, cause and notes. What has no
    counterpart (wrong input or settings) is left as it is; it is a `ValueError` there as here.
    """
    try:
        yield
    except ChatCoreError as error:
        if not isinstance(error, lc.LangChainException):
            error.__class__ = _both(type(error))
        raise


_made: dict[type[ChatCoreError], type[ChatCoreError]] = {}


def _both(ours: type[ChatCoreError]) -> type[ChatCoreError]:
    """The class that is `ours` and its counterpart; `ours` itself if there is none."""
    if ours not in _made:
        # `ours` goes first: what it says of itself (`is_retryable`) holds.
        bases = next(((ours, theirs) for known, theirs in _KINDS if issubclass(ours, known)), None)
        named = {"__module__": ours.__module__, "__qualname__": ours.__qualname__, "__doc__": ours.__doc__}
        # Set and not assigned: two threads that make it at once are to agree.
        _made.setdefault(ours, type(ours.__name__, bases, {**named, "__reduce__": _reduced}) if bases else ours)
    return _made[ours]


def _reduced(error: ChatCoreError) -> tuple[Any, ...]:
    # The class was made here, and is made again where the error arrives.
    return _again, (type(error).__bases__[0], error.args, error.__dict__)


def _again(ours: type[ChatCoreError], args: tuple[Any, ...], state: dict[str, Any]) -> ChatCoreError:
    both = _both(ours)
    error = both.__new__(both, *args)
    error.args = args
    error.__dict__.update(state)
    return error
