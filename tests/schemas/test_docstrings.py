"""Docstrings in three styles."""

from __future__ import annotations

import inspect

import pytest

from chatcore.errors import ConfigurationError
from chatcore.schemas._docstrings import Described, describe

GOOGLE = """Look up.

Args:
    query (str): what to look for
        in all places: the last first

    limit: how many

Returns:
    what: was found
"""
NUMPY = """Look up.

More of it.

Parameters
----------
query : str
    What to look for
    in all places.
limit, offset : int, optional
    How many.
*rest
    Others.
silent

Returns
-------
list
    What was found.
"""
SPHINX = """Look up.

More of it.

:param str query: What to look for
    in all places.
:param limit: How many.
:type limit: int
:returns: What was found.
:raises KeyError: Nothing was.
"""

CASES = {
    "none": (None, "", {}),
    "one line": ("Look up.", "Look up.", {}),
    # The reference loses what comes after an empty line.
    "Google": (
        GOOGLE,
        "Look up.",
        {"query": "what to look for in all places: the last first", "limit": "how many"},
    ),
    "NumPy": (
        NUMPY,
        "Look up. More of it.",
        {"query": "What to look for in all places.", "limit": "How many.", "offset": "How many.", "rest": "Others."},
    ),
    "Sphinx": (
        SPHINX,
        "Look up. More of it.",
        {"query": "What to look for in all places.", "limit": "How many."},
    ),
    "a colon in prose": ("Look up: what is lost.\n\n:) said the cat.", "Look up: what is lost. :) said the cat.", {}),
    "broken fields": ("Look up.\n\n:param a b c d: x", "Look up. :param a b c d: x", {}),
    "arguments alone": ("Args:\n    a: one", "", {"a": "one"}),
    "prose after an example": ("Do.\n\nExample:\n    do()\n\nNot told.\n\nArgs:\n    a: one", "Do.", {"a": "one"}),
    "white lines": ("Do.\n   \nArgs:\n    a: one\n    two", "Do.", {"a": "one two"}),
}


@pytest.mark.parametrize("name", CASES)
def test_docstring_is_read(name: str) -> None:
    docstring, text, arguments = CASES[name]
    found = describe(inspect.cleandoc(docstring) if docstring else None, ["query", "limit"])
    assert (found.text, found.arguments) == (text, arguments)


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, SPHINX], ids=["Google", "NumPy", "Sphinx"])
def test_every_style_is_valid(docstring: str) -> None:
    assert describe(docstring, ["query"], error_on_invalid=True).arguments


@pytest.mark.parametrize(
    "docstring", [None, "", "Look up.", "Look up.\nArgs:\n    query: what", "Args:\n    query: it"]
)
def test_invalid_docstring_is_refused_if_asked_for(docstring: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"Found invalid Google-Style docstring.*query"):
        describe(docstring, ["query", "callbacks"], error_on_invalid=True)


def test_what_the_run_gives_needs_no_description() -> None:
    assert describe("Look up.", ["callbacks"], error_on_invalid=True) == Described("Look up.")
