"""The tree of errors: as drawn, with its data, through a pickle."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from chatcore import errors
from chatcore.errors import ChatCoreError, DeadlineExceededError, ProviderError, RateLimited, StreamInterrupted
from chatcore.messages import AIMessageChunk

CLASSES = [getattr(errors, name) for name in errors.__all__]


def drawn() -> dict[str, tuple[str, str | None, bool]]:
    """Of each class in the docstring's drawing: its parent, the builtin beside it, whether it is retryable."""
    found: dict[str, tuple[str, str | None, bool]] = {}
    above: dict[int, tuple[str, bool]] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^( *[├└│─ ]*)([A-Z]\w+)(?: \((\w+)\))?(.*)$", line)
        if not match or not (match[2].endswith(("Error", "Interrupted", "Limited", "TimedOut"))):
            continue
        depth = len(match[1])
        parent, inherited = next(
            (above[other] for other in sorted(above, reverse=True) if other < depth), ("Exception", False)
        )
        above = {other: name for other, name in above.items() if other < depth}
        retryable = match[4].rstrip().endswith("retryable") or (inherited and "no waiting will mend" not in match[4])
        above[depth] = match[2], retryable
        found[match[2]] = parent, match[3], retryable
    return found


def test_every_class_is_drawn_as_it_is() -> None:
    tree = drawn()
    assert set(tree) == set(errors.__all__)
    for cls in CLASSES:
        parent, builtin, retryable = tree[cls.__name__]
        bases = [base.__name__ for base in cls.__bases__]
        assert bases == [parent, *([builtin] if builtin else [])]
        assert cls.is_retryable is retryable, cls


def made(cls: type[ChatCoreError]) -> ChatCoreError:
    if issubclass(cls, ProviderError):
        facts = {"status": 429, "code": "slow", "request_id": "r", "retry_after": 1.5, "body": {"a": 1}}
        return cls("refused", **facts, provider="openai", model="m")
    if issubclass(cls, DeadlineExceededError):
        return cls("late", phase="total", seconds=5.0, partial=AIMessageChunk(content="a"))
    if issubclass(cls, StreamInterrupted):
        return cls("cut", partial=AIMessageChunk(content="a"))
    return cls("wrong")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_error_survives_a_pickle_and_a_copy(cls: type[ChatCoreError]) -> None:
    error = made(cls)
    error.add_note("a note")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert type(again) is cls
        assert again.args == error.args
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_error_is_documented(cls: type[ChatCoreError]) -> None:
    assert inspect.getdoc(cls)
    assert issubclass(cls, ChatCoreError)


def test_facts_are_optional() -> None:
    error = RateLimited("slow down")
    assert (error.status, error.code, error.request_id, error.retry_after, error.body) == (None,) * 5
    assert (error.provider, error.model) == (None, None)
