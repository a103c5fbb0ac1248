"""chatcore's errors are LangChain's as well, where they leave chatcore for LangChain."""

from __future__ import annotations

import pickle

import pytest
from langchain_core import exceptions as lc

from chatcore import errors
from chatcore.exceptions import OutputParserException
from chatcore.interop.langchain._errors import langchain_errors
from chatcore.messages import AIMessage
from chatcore.structured_output import StructuredOutputError

CASES = [
    (errors.RateLimited("x", status=429, retry_after=2.0), lc.ModelRateLimitError, True),
    (errors.QuotaExhaustedError("x"), lc.ModelRateLimitError, False),
    (errors.AuthenticationError("x"), lc.ModelAuthenticationError, False),
    (errors.PermissionDeniedError("x"), lc.ModelPermissionDeniedError, False),
    (errors.NotFoundError("x"), lc.ModelNotFoundError, False),
    (errors.BadRequestError("x"), lc.ModelInvalidRequestError, False),
    (errors.UnprocessableError("x"), lc.ModelInvalidRequestError, False),
    (errors.ContextOverflowError("x"), lc.ContextOverflowError, False),
    (errors.OverloadedError("x"), lc.ModelAPIError, True),
    (errors.MalformedResponseError("x"), lc.ModelAPIError, True),
    (errors.ConnectionFailedError("x"), lc.ModelConnectionError, True),
    (errors.StreamInterrupted("x", partial=1), lc.ModelConnectionError, True),
    (errors.StreamTimedOut("x", phase="total"), lc.ModelTimeoutError, True),
    (errors.DeadlineExceededError("x", phase="total", seconds=1), lc.ModelTimeoutError, False),
    (errors.ProviderError("x"), lc.ModelError, False),
    (StructuredOutputError("x", raw=AIMessage("y"), problems=("z",)), lc.OutputParserException, True),
    (OutputParserException("x"), lc.OutputParserException, False),
]


@pytest.mark.parametrize(("error", "theirs", "retryable"), CASES, ids=[type(case[0]).__name__ for case in CASES])
def test_is_both(error: errors.ChatCoreError, theirs: type[Exception], retryable: bool) -> None:
    ours, data, shown = type(error), dict(vars(error)), repr(error)
    with pytest.raises(theirs) as caught, langchain_errors():
        raise error
    assert caught.value is error
    assert isinstance(error, ours)
    assert (vars(error), repr(error)) == (data, shown)
    assert error.is_retryable is retryable
    assert str(type(error)) == str(ours)

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert isinstance(again, ours)
    assert isinstance(again, theirs)
    assert str(again) == str(error)
    assert again.__dict__.keys() == data.keys()


def test_every_error_of_a_call_has_a_counterpart() -> None:
    def kinds(root: type[Exception]) -> list[type[Exception]]:
        return [root, *(kind for below in root.__subclasses__() for kind in kinds(below))]

    for ours in kinds(errors.ModelError):
        error = ours.__new__(ours, "x")
        with pytest.raises(lc.ModelError), langchain_errors():
            raise error


@pytest.mark.parametrize("error", [errors.InvalidInputError("x"), KeyError("x")], ids=repr)
def test_others_are_left_as_they_are(error: Exception) -> None:
    kind = type(error)
    with pytest.raises(kind) as caught, langchain_errors():
        raise error
    assert type(caught.value) is kind


def test_twice_is_once() -> None:
    error = errors.RateLimited("x")
    with pytest.raises(errors.RateLimited), langchain_errors(), langchain_errors():
        raise error
    kind = type(error)
    with pytest.raises(errors.RateLimited), langchain_errors():
        raise error
    assert type(error) is kind
