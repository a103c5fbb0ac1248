"""The reference's names of errors: each is one of ours, and is raised and caught as there."""

from __future__ import annotations

import pickle

import langchain_core.exceptions as reference
import pytest

from chatcore import errors, exceptions
from chatcore.exceptions import ErrorCode, ModelError, OutputParserException, create_message

MODEL_ERRORS = [name for name in exceptions.__all__ if name.startswith(("Model", "ContextOverflow"))]


def test_no_name_of_the_reference_is_missing() -> None:
    theirs = {
        name
        for name, value in vars(reference).items()
        if getattr(value, "__module__", None) == reference.__name__ and not name.startswith("_")
    }
    assert theirs == set(exceptions.__all__)


@pytest.mark.parametrize("name", MODEL_ERRORS)
def test_model_error_is_one_of_ours_and_as_retryable_as_theirs(name: str) -> None:
    ours, theirs = getattr(exceptions, name), getattr(reference, name)
    assert issubclass(ours, ModelError)
    assert ours is getattr(errors, ours.__name__)
    assert ours.is_retryable is theirs.is_retryable
    # A custom model raises it with a message alone.
    with pytest.raises(exceptions.LangChainException, match="failed"):
        raise ours("failed")


@pytest.mark.parametrize(
    "given",
    [
        {"error": "wrong"},
        {"error": KeyError("a")},
        {"error": "wrong", "observation": "mend it", "llm_output": "{", "send_to_llm": True},
    ],
)
def test_output_parser_exception_has_the_data_of_theirs(given: dict[str, object]) -> None:
    ours, theirs = OutputParserException(**given), reference.OutputParserException(**given)  # type: ignore[arg-type]
    assert vars(ours) == vars(theirs)
    assert str(theirs).startswith(str(ours))
    assert isinstance(ours, ValueError)
    again = pickle.loads(pickle.dumps(ours))  # noqa: S301 - our own
    assert (vars(again), str(again)) == (vars(ours), str(ours))


@pytest.mark.parametrize("half", [{"observation": "mend it"}, {"llm_output": "{"}, {}])
def test_sending_to_the_model_needs_something_to_send(half: dict[str, str]) -> None:
    for cls in (OutputParserException, reference.OutputParserException):
        with pytest.raises(ValueError, match="'observation' & 'llm_output'"):
            cls("wrong", send_to_llm=True, **half)  # type: ignore[arg-type]


def test_codes_are_theirs() -> None:
    assert {code.name: code.value for code in ErrorCode} == {code.name: code.value for code in reference.ErrorCode}
    made = create_message(message="No such model.", error_code=ErrorCode.MODEL_NOT_FOUND)
    assert made.startswith("No such model.")
    assert "MODEL_NOT_FOUND" in made
