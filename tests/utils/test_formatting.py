"""Templates from anybody: they name variables, and reach nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.utils.formatting import formatter as reference

from chatcore.errors import ConfigurationError
from chatcore.utils.formatting import formatter

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("{a}", {"a": 1, "more": 2}),
    ("{{a}} {a}", {"a": 1}),
    ("{a:.2f}|{a:>8}|{a:,}", {"a": 1234.5}),
    ("{a!r:>5}{a!s}{a!a}", {"a": "é"}),
    ("{my var}{2fast}", {"my var": 1, "2fast": 2}),
]
BAD = ["{a.b}", "{a.__class__}", "{a[0]}", "{0}", "{a:{b}}", "{a:{b.c}}", "{", "}", "{a", "{a!}", "{a!x}"]


@pytest.mark.parametrize(("template", "variables"), GOOD)
def test_variables_are_filled_in_as_the_reference_does(template: str, variables: dict[str, Any]) -> None:
    assert formatter.format(template, **variables) == reference.format(template, **variables)
    formatter.validate_input_variables(template, list(variables))


@pytest.mark.parametrize("template", BAD)
def test_what_is_more_than_a_variable_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        formatter.format(template, a="x", b="y")


@pytest.mark.parametrize("template", BAD[:9])
def test_it_is_refused_before_it_is_used(template: str) -> None:
    with pytest.raises(ConfigurationError):
        formatter.variables(template)


def test_missing_variables() -> None:
    with pytest.raises(KeyError, match="a"):
        formatter.format("{a}")
    for names in ([], [""]):
        with pytest.raises(KeyError):
            formatter.validate_input_variables("{}", names)
    with pytest.raises(ValueError, match="No arguments should be provided"):
        formatter.format("{}", 1)
    assert formatter.variables("{b} {a} {b}") == ["a", "b"]
