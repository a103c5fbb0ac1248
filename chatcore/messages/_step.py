"""Functions on messages that are steps of a sequence as well: `trim_messages(max_tokens=1000, ...) | model`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from chatcore.messages._coercion import MessageLikeRepresentation, SaysMessages
from chatcore.messages._upward import runnable_of

__all__ = ["GivenMessages", "MessageStep", "also_a_step"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

GivenMessages: TypeAlias = Iterable[MessageLikeRepresentation] | SaysMessages
"""What stands for a conversation."""


class MessageStep(Protocol[P, R]):
    """A function that, without messages, is a runnable which waits for them."""

    # The runnable is `Any` here: messages lie below runnables, and do not know their class.
    @overload
    def __call__(self, messages: None = None, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    @overload
    def __call__(self, messages: GivenMessages, *args: P.args, **kwargs: P.kwargs) -> R: ...


def also_a_step(function: Callable[Concatenate[GivenMessages, P], R]) -> MessageStep[P, R]:
    """Let a function of messages be called without them, for a runnable that is called with them later.

    In a sequence it runs in a worker thread, as any sync function does: what it calls (a token counter) may block.
    """

    @wraps(function)
    def called(messages: GivenMessages | None = None, *args: P.args, **kwargs: P.kwargs) -> Any:
        if messages is not None:
            return function(messages, *args, **kwargs)
        return runnable_of(partial(function, **kwargs), name=function.__name__)

    return cast("MessageStep[P, R]", called)
