"""`RunnableBranch`: its refusals, and what is asked of whom; results are in test_against_reference.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatcore.runnables import RunnableBranch, RunnableLambda

pytestmark = pytest.mark.anyio


async def test_conditions_are_asked_in_turn_until_one_holds() -> None:
    asked: list[str] = []

    def condition(name: str, answer: bool) -> Any:
        def holds(_: Any) -> bool:
            asked.append(name)
            return answer

        return holds

    branch: RunnableBranch[Any, Any] = RunnableBranch(
        (condition("a", False), len), (condition("b", True), str), (condition("c", True), len), len
    )
    assert await branch.ainvoke([1]) == "[1]"
    assert asked == ["a", "b"]


def letters(given: Iterator[str]) -> Iterator[str]:
    for piece in given:
        yield from piece


async def test_what_was_chosen_streams() -> None:
    branch: RunnableBranch[Any, Any] = RunnableBranch((bool, letters), len)
    async with branch.astream("hi") as chunks:
        assert [chunk async for chunk in chunks] == ["h", "i"]


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ((len,), ValueError, "at least two branches"),
        (((len, len),), ValueError, "at least two branches"),
        (((len, len), (len, len)), TypeError, "default must be"),
        ((len, len), TypeError, "must be tuples or lists"),
        (((len, len, len), len), ValueError, "length 2, not 3"),
        (((len, 5), len), TypeError, "Expected a Runnable"),
    ],
    ids=range(6),
)
async def test_refusals(given: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        RunnableBranch(*given)


async def test_repr() -> None:
    assert repr(RunnableBranch((len, str), RunnableLambda(len))) == (
        "RunnableBranch((RunnableLambda(len), RunnableLambda(str)), RunnableLambda(len))"
    )
