"""Annotations as they are when the program runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import pytest

from chatcore.schemas._annotations import annotations_of

if TYPE_CHECKING:
    from nowhere import Unknown


class Local:
    """Known here alone."""


def take(a: Annotated[Local, "a"], b: Unknown, c=1) -> Unknown: ...


class Taker:
    def __init__(self, a: Local) -> None: ...

    def take(self, a: Local) -> None: ...

    def __call__(self, a: Local) -> None: ...


def wrapped_elsewhere() -> Callable[..., Any]:
    """A function whose wrapper was written in another module, where no `Local` is known."""
    module: dict[str, Any] = {"functools": functools}
    source = "def wrap(it):\n    @functools.wraps(it)\n    def wrapper(*args):\n        pass\n    return wrapper\n"
    exec(source, module)  # noqa: S102 - the other module
    return module["wrap"](Taker.take)


def test_each_is_resolved_by_itself() -> None:
    with pytest.raises(NameError):
        get_type_hints(take)
    found = annotations_of(take)
    assert list(found) == ["a", "b", "c"]
    assert found["a"] == Annotated[Local, "a"]
    assert found["b"] == "Unknown"


@pytest.mark.parametrize(
    "given",
    [Taker, Taker.take, Taker(Local()).take, Taker(Local()), functools.partial(take, b=1), wrapped_elsewhere()],
    ids=["class", "function", "method", "object", "partial", "wrapped elsewhere"],
)
def test_any_callable_has_its_own_modules_names(given: Callable[..., Any]) -> None:
    assert annotations_of(given)["a"] in {Local, Annotated[Local, "a"]}
