"""`StructuredTool`: functions of every kind, where their descriptions come from, how they are dumped."""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, field_serializer

from chatcore.errors import ConfigurationError
from chatcore.tools import InjectedToolArg, StructuredTool


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Adder:
    """It adds."""

    def __init__(self, base: int) -> None:
        self.base = base

    def add(self, n: int) -> int:
        """Add to the base."""
        return self.base + n

    @classmethod
    def made(cls, base: int) -> int:
        """Make one."""
        return cls(base).base

    def __call__(self, n: int) -> int:
        """Add by a call."""
        return self.add(n)


KINDS: list[tuple[Any, str, set[str], dict[str, int], int]] = [
    (add, "add", {"a", "b"}, {"a": 1, "b": 2}, 3),
    (functools.partial(add, b=5), "add", {"a", "b"}, {"a": 1}, 6),
    (functools.partial(add, 5), "add", {"b"}, {"b": 1}, 6),
    (Adder(3).add, "add", {"n"}, {"n": 1}, 4),
    (Adder.made, "made", {"base"}, {"base": 1}, 1),
    (Adder(3), "Adder", {"n"}, {"n": 1}, 4),
]


@pytest.mark.parametrize(("function", "name", "args", "given", "answer"), KINDS, ids=range(len(KINDS)))
def test_functions_of_every_kind(function: Any, name: str, args: set[str], given: Any, answer: int) -> None:
    tool = StructuredTool.from_function(function)
    assert (tool.name, set(tool.args)) == (name, args)
    assert tool.description
    assert "partial(" not in tool.description
    assert tool.invoke(given) == answer


STYLES = {
    "google": "Find.\n\n    Args:\n        query: the words.\n    ",
    "numpy": "Find.\n\n    Parameters\n    ----------\n    query : str\n        the words.\n    ",
    "sphinx": "Find.\n\n    :param query: the words.\n    ",
}


@pytest.mark.parametrize("style", STYLES)
def test_docstrings_of_every_style_describe_arguments(style: str) -> None:
    def find(query: str) -> str:
        return query

    find.__doc__ = STYLES[style]
    tool = StructuredTool.from_function(find, parse_docstring=True)
    assert (tool.description, tool.args["query"]["description"]) == ("Find.", "the words.")


def test_description_must_come_from_somewhere() -> None:
    with pytest.raises(ConfigurationError, match="must have a docstring if description not provided: <lambda>"):
        StructuredTool.from_function(lambda x: x)
    assert StructuredTool.from_function(lambda x: x, description="  d  ").description == "d"


class Doc(BaseModel):
    """The schema's own."""

    a: int
    b: int


@pytest.mark.parametrize(
    ("options", "description"),
    [
        ({"args_schema": Doc}, "Add two numbers."),
        ({"args_schema": Doc, "parse_docstring": True}, "The schema's own."),
        ({"args_schema": Doc, "description": "Said."}, "Said."),
        ({"args_schema": {"type": "object", "description": "JSON."}, "parse_docstring": True}, "JSON."),
        ({"infer_schema": False}, "Add two numbers."),
    ],
)
def test_whose_description_counts(options: dict[str, Any], description: str) -> None:
    assert StructuredTool.from_function(add, **options).description == description


class Opaque:
    """A class without a JSON schema."""


def test_dumps_are_json() -> None:
    def use(a: int, what: Annotated[Opaque, InjectedToolArg]) -> None:
        """Use."""

    dumped = json.loads(StructuredTool.from_function(add).model_dump_json())
    assert dumped["args_schema"]["required"] == ["a", "b"]
    assert dumped["func"].startswith("<function add")
    assert dumped["coroutine"] is None
    assert StructuredTool.from_function(use).model_dump(mode="json")["args_schema"].startswith("<class ")
    assert StructuredTool.from_function(add).model_dump()["func"] is add
    given = {"type": "object", "properties": {}}
    assert StructuredTool.from_function(add, args_schema=given).model_dump(mode="json")["args_schema"] == given


def test_subclasses_may_dump_their_own_way() -> None:
    class Own(StructuredTool):
        @field_serializer("func", when_used="json")
        def _func(self, func: Any) -> str:
            return func.__name__

    assert Own.from_function(add).model_dump(mode="json")["func"] == "add"
