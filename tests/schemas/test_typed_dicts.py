"""TypedDicts that the reference cannot read."""

from __future__ import annotations

import typing
from typing import Annotated, Any, NotRequired, Required, TypedDict

import pytest
import typing_extensions
from pydantic import BaseModel, Field, ValidationError

from chatcore.errors import ConfigurationError
from chatcore.schemas import convert_to_openai_function
from chatcore.schemas._typed_dicts import adapter_of

if typing.TYPE_CHECKING:
    from nowhere import Unknown


class Leaf(BaseModel):
    value: int = 1


class Tree(TypedDict):
    name: str
    children: list[Tree]


class Loose(TypedDict, total=False):
    """Loose.

    Args:
        d: from the docstring
    """

    a: int
    b: Required[Annotated[str, ..., "needed"]]
    c: Annotated[NotRequired[int], 3, "three"]
    d: typing_extensions.ReadOnly[int]


class Firm(TypedDict):
    a: NotRequired[int]
    b: Annotated[int, Field(ge=1, description="bounded")]
    leaf: Leaf
    call: Annotated[dict[str, Tree], {}]


class Wrong(TypedDict):
    a: Annotated[int, ..., 5]


class Lost(TypedDict):
    a: Unknown


def properties(thing: type) -> dict[str, Any]:
    return convert_to_openai_function(thing)["parameters"]["properties"]


def test_keys_may_be_missing() -> None:
    described = convert_to_openai_function(Loose)
    assert described["description"] == "Loose."
    assert described["parameters"]["required"] == ["b"]
    assert properties(Loose) == {
        "a": {"type": "integer"},
        "b": {"type": "string", "description": "needed"},
        "c": {"type": "integer", "description": "three", "default": 3},
        "d": {"type": "integer", "description": "from the docstring"},
    }
    assert convert_to_openai_function(Firm)["parameters"]["required"] == ["b", "leaf"]


def test_pydantic_is_understood_inside() -> None:
    assert properties(Firm)["b"] == {"type": "integer", "minimum": 1, "description": "bounded"}
    assert properties(Firm)["leaf"]["properties"] == {"value": {"type": "integer", "default": 1}}


def test_a_recursive_dict_ends() -> None:
    assert properties(Tree) == {"name": {"type": "string"}, "children": {"type": "array", "items": {}}}


@pytest.mark.parametrize(("thing", "message"), [(Wrong, "field a. Third argument"), (Lost, "Lost cannot be resolved")])
def test_what_cannot_be_read_is_refused(thing: type, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        convert_to_openai_function(thing)


def test_dicts_are_validated() -> None:
    adapter = adapter_of(Tree)
    tree = {"name": "a", "children": [{"name": "b", "children": []}], "more": 1}
    assert adapter.validate_python(tree) == tree
    with pytest.raises(ValidationError, match=r"children\.0\.name"):
        adapter.validate_python({"name": "a", "children": [{"children": []}]})
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        adapter_of(Firm).validate_python({"b": 0, "leaf": {}})
    assert adapter_of(Loose).validate_python({"b": "x"}) == {"b": "x"}
