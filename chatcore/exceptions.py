"""The reference's names of errors, beside the tree in `chatcore.errors`, and the error of output parsers.

::

    here                        is chatcore.errors.
    LangChainException          ChatCoreError
    ModelError                  ModelError
    ModelAuthenticationError    AuthenticationError
    ModelPermissionDeniedError  PermissionDeniedError
    ModelInvalidRequestError    BadRequestError
    ModelNotFoundError          NotFoundError
    ModelRateLimitError         RateLimited
    ModelAPIError               ServerError
    ModelConnectionError        ConnectionFailedError
    ModelTimeoutError           StalledError: one attempt took too long; a call's own deadline is DeadlineExceededError
    ContextOverflowError        ContextOverflowError
"""

from __future__ import annotations

from enum import Enum

from chatcore.errors import (
    AuthenticationError,
    BadRequestError,
    ChatCoreError,
    ConfigurationError,
    ConnectionFailedError,
    ContextOverflowError,
    ModelError,
    NotFoundError,
    PermissionDeniedError,
    RateLimited,
    ServerError,
    StalledError,
)

__all__ = [
    "ContextOverflowError",
    "ErrorCode",
    "LangChainException",
    "ModelAPIError",
    "ModelAuthenticationError",
    "ModelConnectionError",
    "ModelError",
    "ModelInvalidRequestError",
    "ModelNotFoundError",
    "ModelPermissionDeniedError",
    "ModelRateLimitError",
    "ModelTimeoutError",
    "OutputParserException",
    "TracerException",
    "create_message",
]

LangChainException = ChatCoreError
"""The root of all errors."""

ModelAuthenticationError = AuthenticationError
"""The key is missing, wrong or expired (401)."""

ModelPermissionDeniedError = PermissionDeniedError
"""The key may not do this (403)."""

ModelInvalidRequestError = BadRequestError
"""The provider will not take this request (400)."""

ModelNotFoundError = NotFoundError
"""No such model or path (404)."""

ModelRateLimitError = RateLimited
"""The provider asked us to slow down (429)."""

ModelAPIError = ServerError
"""The provider failed (5xx)."""

ModelConnectionError = ConnectionFailedError
"""No answer came: the provider cannot be reached."""

ModelTimeoutError = StalledError
"""One attempt took too long."""


class ErrorCode(Enum):
    """What went wrong, as a word to look for."""

    INVALID_PROMPT_INPUT = "INVALID_PROMPT_INPUT"
    INVALID_TOOL_RESULTS = "INVALID_TOOL_RESULTS"
    MESSAGE_COERCION_FAILURE = "MESSAGE_COERCION_FAILURE"
    MODEL_AUTHENTICATION = "MODEL_AUTHENTICATION"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    MODEL_RATE_LIMIT = "MODEL_RATE_LIMIT"
    OUTPUT_PARSING_FAILURE = "OUTPUT_PARSING_FAILURE"


class TracerException(ChatCoreError):  # noqa: N818 - the reference's name
    """A tracer was told of a run it cannot place."""


class OutputParserException(ChatCoreError, ValueError):  # noqa: N818 - the reference's name
    """An answer is not what its parser was made for.

    Args:
        error: what is wrong, or the error that says so.
        observation: the same, worded for the model, so that it can mend its answer.
        llm_output: the answer, as text.
        send_to_llm: whether to show the model its answer and the observation.

    Raises:
        ConfigurationError: `send_to_llm` without both of these.
    """

    def __init__(
        self,
        error: object,
        observation: str | None = None,
        llm_output: str | None = None,
        send_to_llm: bool = False,  # noqa: FBT001, FBT002 - the reference's signature
    ) -> None:
        super().__init__(error)
        if send_to_llm and (observation is None or llm_output is None):
            msg = "Arguments 'observation' & 'llm_output' are required if 'send_to_llm' is True."
            raise ConfigurationError(msg)
        self.observation = observation
        self.llm_output = llm_output
        self.send_to_llm = send_to_llm


def create_message(*, message: str, error_code: ErrorCode) -> str:
    """An error's message, with its code on a line below.

    Args:
        message: what is wrong.
        error_code: the code.
    """
    return f"{message}\nError code: {error_code.value}"
