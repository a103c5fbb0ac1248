"""The tokens that a call has cost, and sums of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

__all__ = ["InputTokenDetails", "OutputTokenDetails", "UsageMetadata", "add_usage", "subtract_usage"]


class InputTokenDetails(TypedDict, total=False):
    """What the input tokens were, in part; a provider may add its own keys.

    cache_read: read from the provider's cache. cache_creation: written to it.
    """

    audio: int
    cache_creation: int
    cache_read: int


class OutputTokenDetails(TypedDict, total=False):
    """What the output tokens were, in part; a provider may add its own keys.

    reasoning: spent on thought that is no part of the answer.
    """

    audio: int
    reasoning: int


class UsageMetadata(TypedDict):
    """The tokens of one call."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: NotRequired[InputTokenDetails]
    output_token_details: NotRequired[OutputTokenDetails]


def add_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Add two token counts, details included; None counts as nothing."""
    return _combined_usage(left, right, lambda a, b: a + b)


def subtract_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Subtract one token count from another, details included; no count falls below zero."""
    return _combined_usage(left, right, lambda a, b: max(a - b, 0))


def _combined_usage(
    left: UsageMetadata | None, right: UsageMetadata | None, combine: Callable[[int, int], int]
) -> UsageMetadata:
    if left and right:
        return cast("UsageMetadata", _combined_counts(cast("Any", left), cast("Any", right), combine))
    return left or right or UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)


def _combined_counts(left: dict[str, Any], right: dict[str, Any], combine: Callable[[int, int], int]) -> dict[str, Any]:
    combined: dict[str, Any] = {}
    for key in {**left, **right}:
        mine: Any = left.get(key)
        theirs: Any = right.get(key)
        kinds: set[type[Any]] = {type(count) for count in (mine, theirs) if count is not None}
        if kinds == {dict}:
            combined[key] = _combined_counts(mine or {}, theirs or {}, combine)
        elif kinds <= {int}:
            combined[key] = combine(mine or 0, theirs or 0)
        else:
            msg = f"cannot combine the usage under {key!r}: {mine!r} and {theirs!r} are not both counts or breakdowns"
            raise ValueError(msg)
    return combined
