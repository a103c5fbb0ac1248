"""Every error chatcore raises, in one tree.

::

    ChatCoreError
    ├── ConfigurationError (ValueError)      a setting, key or argument is wrong; nothing was sent
    │   ├── MissingExtraError (ImportError)  a package is missing that only some need
    │   ├── MissingKeyError                  no API key was found
    │   └── WrongTypeError (TypeError)       an argument is of a wrong type
    ├── InvalidInputError (ValueError)       the input of a call is wrong; nothing was sent
    │   ├── UnsupportedInputError (NotImplementedError)   the input is nothing that messages are made of
    │   └── RecursionLimitError (RecursionError) functions that return runnables went too deep
    ├── UnsupportedError (NotImplementedError)   this model cannot do what was asked
    ├── ToolCallError                        a tool call of a model could not be run
    │   └── ToolTimeoutError (TimeoutError)      the tool took too long
    ├── StepLimitError                       a loop of model and tools came to no end
    ├── PortalError (RuntimeError)           a sync call was made where it can only deadlock
    ├── NoRunError (RuntimeError)            an event was dispatched outside of any run
    ├── TypedStreamError (RuntimeError)      a typed stream has nothing more for this reader
    └── ModelError                           the call of a model failed: the root of the rest
        ├── DeadlineExceededError (TimeoutError) the call's own total timeout ran out
        │   ├── StalledError                     one attempt stood still: no connection, no answer    retryable
        │   └── StreamTimedOut (StreamInterrupted)   time ran out in the middle of a stream           retryable
        ├── StreamInterrupted                    a stream broke off after its first chunk             retryable
        └── ProviderError                        the provider, or the way to it, failed
            ├── ConnectionFailedError            no answer: refused, reset, TLS, DNS           retryable
            ├── MalformedResponseError (ValueError) an answer that cannot be read              retryable
            ├── BadRequestError                  400 and other 4xx
            │   ├── ContextOverflowError         the prompt is longer than the model's context
            │   └── ContentFilteredError         the provider refused to process the prompt
            ├── AuthenticationError              401
            ├── PermissionDeniedError            403
            ├── NotFoundError                    404
            ├── UnprocessableError               422
            ├── RateLimited                      429                                           retryable
            │   └── QuotaExhaustedError          429 that no waiting will mend
            └── ServerError                      5xx, 408, 409                                 retryable
                └── OverloadedError              503, 529, "overloaded" in any form            retryable

`is_retryable` is data on the class: policies read it, callers may too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AuthenticationError",
    "BadRequestError",
    "ChatCoreError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ContentFilteredError",
    "ContextOverflowError",
    "DeadlineExceededError",
    "InvalidInputError",
    "MalformedResponseError",
    "MissingExtraError",
    "MissingKeyError",
    "ModelError",
    "NoRunError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "PortalError",
    "ProviderError",
    "QuotaExhaustedError",
    "RateLimited",
    "RecursionLimitError",
    "ServerError",
    "StalledError",
    "StepLimitError",
    "StreamInterrupted",
    "StreamTimedOut",
    "ToolCallError",
    "ToolTimeoutError",
    "TypedStreamError",
    "UnprocessableError",
    "UnsupportedError",
    "UnsupportedInputError",
    "WrongTypeError",
]


class ChatCoreError(Exception):
    """The root of every error that chatcore raises on purpose.

    is_retryable: whether the same call, made again later, may succeed.
    """

    is_retryable: ClassVar[bool] = False


class ConfigurationError(ChatCoreError, ValueError):
    """A setting or argument is wrong. Raised before any request is sent."""


class MissingExtraError(ConfigurationError, ImportError):
    """A package is missing that only some need. The message names the extra that brings it."""


class MissingKeyError(ConfigurationError):
    """No API key was found. The message names the argument and the environment variable to set."""


class InvalidInputError(ChatCoreError, ValueError):
    """The input of a call is not what a chat model takes. Raised before any request is sent."""


class WrongTypeError(ConfigurationError, TypeError):
    """An argument is of a type that cannot be used there; a runnable cannot be made of it, say."""


class UnsupportedInputError(InvalidInputError, NotImplementedError):
    """What stands for a message is of a kind that no message is made of."""


class RecursionLimitError(InvalidInputError, RecursionError):
    """Functions that return runnables returned more of them, one within the other, than `recursion_limit` allows."""


class UnsupportedError(ChatCoreError, NotImplementedError):
    """The model or runnable cannot do what was asked of it."""


class ToolCallError(ChatCoreError):
    """A tool call of a model could not be run: there is no such tool, or its arguments are no JSON.

    tool_call: the call, as it stands in the model's message.
    """

    def __init__(self, message: str, *, tool_call: Any = None) -> None:
        super().__init__(message)
        self.tool_call = tool_call

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ToolTimeoutError(ToolCallError, TimeoutError):
    """A tool took longer than it was given."""


class StepLimitError(ChatCoreError):
    """A loop of model and tools came to no end within its steps.

    messages: what has been said in it so far. The last one asks for tools, which have not been run: a loop that is
        begun with the messages before and these goes on where this one stopped.
    """

    def __init__(self, message: str, *, messages: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.messages = [*messages]

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class PortalError(ChatCoreError, RuntimeError):
    """A sync call was made from the one place where it can only deadlock: the portal's own event loop."""


class NoRunError(ChatCoreError, RuntimeError):
    """An event was dispatched outside of any run, so that there is nobody to tell of it."""


class TypedStreamError(ChatCoreError, RuntimeError):
    """A typed stream has nothing more for this reader: it was closed, or the reader is too far behind what is kept."""


class ModelError(ChatCoreError):
    """The call of a model failed on its way: the provider, the connection, or the time it took."""


class DeadlineExceededError(ModelError, TimeoutError):
    """The call's own `timeout` ran out.

    phase: which bound it was: `"connect"`, `"first_token"`, `"between_tokens"` or `"total"`.
    seconds: that bound.
    partial: the message merged from the chunks that had arrived (an `AIMessageChunk`); None if none had.
    """

    def __init__(self, message: str, *, phase: str, seconds: float | None = None, partial: Any = None) -> None:
        super().__init__(message)
        self.phase = phase
        self.seconds = seconds
        self.partial = partial

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class StalledError(DeadlineExceededError):
    """One attempt stood still for too long: no connection, or no first token. Another attempt may do better."""

    is_retryable = True

    def __init__(
        self, message: str, *, phase: str = "first_token", seconds: float | None = None, partial: Any = None
    ) -> None:
        super().__init__(message, phase=phase, seconds=seconds, partial=partial)


class StreamInterrupted(ModelError):  # noqa: N818 - reads as what happened, as `RateLimited` does
    """A stream broke off after it had begun; what had arrived is kept.

    partial: the message merged from the chunks that arrived (an `AIMessageChunk`).
    code, request_id, provider, model: as in `ProviderError`, where the break was the provider's.
    The cause of the break is `__cause__`.
    """

    is_retryable = True

    def __init__(
        self,
        message: str,
        *,
        partial: Any = None,
        code: str | None = None,
        request_id: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message)
        self.partial = partial
        self.code = code
        self.request_id = request_id
        self.provider = provider
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class StreamTimedOut(DeadlineExceededError, StreamInterrupted):  # noqa: N818 - as StreamInterrupted
    """A stream was broken off by the call's own `timeout`: no next chunk came in time, or the total ran out."""

    is_retryable = True


class ProviderError(ModelError):
    """The provider, or the way to it, failed.

    status: the HTTP status; None if no answer came, or if the error came inside a stream.
    code: the provider's own error code or type, as text.
    request_id: the provider's id of the request, to quote to its support.
    retry_after: seconds, as the provider estimates them; None if it did not say.
    body: the parsed JSON of the error, or its text (shortened); None if there was none.
    provider, model: who was asked.
    """

    def __init__(  # noqa: PLR0913 - the facts of one failed exchange, all optional, all by name
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: Any = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.provider = provider
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ConnectionFailedError(ProviderError):
    """No answer came: the connection was refused, reset or cut, or TLS or name look-up failed."""

    is_retryable = True


class MalformedResponseError(ProviderError, ValueError):
    """An answer came that cannot be read: not JSON, not the promised shape, or larger than the cap."""

    is_retryable = True


class BadRequestError(ProviderError):
    """The provider will not take this request (400, or a 4xx with no class of its own)."""


class ContextOverflowError(BadRequestError):
    """The prompt, with the answer asked for, is longer than the model's context."""


class ContentFilteredError(BadRequestError):
    """The provider's content filter refused the prompt."""


class AuthenticationError(ProviderError):
    """The API key is missing, wrong or expired (401)."""


class PermissionDeniedError(ProviderError):
    """The key is known but may not do this (403)."""


class NotFoundError(ProviderError):
    """No such model or path (404). Often a wrong `base_url` or model name."""


class UnprocessableError(ProviderError):
    """The request was understood and refused as invalid (422)."""


class RateLimited(ProviderError):  # noqa: N818 - the name reads as what happened
    """The provider asked us to slow down (429).

    retry_after: seconds, as the provider estimates them; None if it did not say.
    """

    is_retryable = True


class QuotaExhaustedError(RateLimited):
    """The account has no quota or credit left: a 429 that no waiting will mend."""

    is_retryable = False


class ServerError(ProviderError):
    """The provider failed (5xx, 408, 409, or an error event inside a stream)."""

    is_retryable = True


class OverloadedError(ServerError):
    """The provider is overloaded (503, 529, or an overload reported inside a stream)."""


def _rebuild(cls: type[ChatCoreError], args: tuple[Any, ...], state: dict[str, Any]) -> ChatCoreError:
    # Exceptions with keyword-only arguments do not survive the default pickling, and a process pool
    # (or a job's journal) must be able to carry them.
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
