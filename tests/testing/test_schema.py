from __future__ import annotations

import enum
import json
import re
from contextlib import suppress
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from chatcore.testing._schema import Schema, UnknownShapeError
from chatcore.testing._text import digest_of

DIGESTS = [digest_of(seed, None, None, None) for seed in range(60)]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: float = Field(ge=-1, le=1)
    y: Annotated[float, Field(gt=0, lt=0.1)]


class Tree(BaseModel):
    name: str
    children: list[Tree]
    parent: Tree | None = None


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=3, max_length=12)
    code: str = Field(pattern=r"^[A-Z]{3}$")
    count: int = Field(ge=3, lt=5)
    even: int = Field(multiple_of=2, gt=7)
    tenth: float = Field(multiple_of=0.5, le=-3)
    flag: bool
    nothing: None
    colour: Colour
    kind: Literal["only"]
    choice: int | str | None
    points: list[Point] = Field(min_length=2, max_length=4)
    pair: tuple[int, str]
    table: dict[str, int]
    unique: set[Literal["a", "b", "c"]] = Field(min_length=2)
    tree: Tree
    optional: str | None = None


@pytest.mark.parametrize("model", [Everything, Point, Tree])
def test_documents_hold_by_pydantic(model: type[BaseModel]) -> None:
    schema = Schema(model.model_json_schema(), "it")
    documents = [schema.document(digest) for digest in DIGESTS]
    for document in documents:
        model.model_validate_json(json.dumps(document), strict=True)
    assert documents == [schema.document(digest) for digest in DIGESTS], "the same digest, the same document"
    assert len({json.dumps(document) for document in documents}) > 5


@pytest.mark.parametrize("kind", [int, float, str, bool, None, list[int], dict[str, list[str]], int | None])
def test_a_root_of_any_type(kind: Any) -> None:
    adapter = TypeAdapter[Any](kind)
    for digest in DIGESTS:
        adapter.validate_python(Schema(adapter.json_schema(), "it").document(digest), strict=True)


def made(schema: dict[str, Any]) -> list[Any]:
    return [Schema(schema, "it").document(digest) for digest in DIGESTS]


def test_several_types() -> None:
    assert {type(value) for value in made({"type": ["integer", "null", "string"]})} == {int, type(None), str}


def test_all_of_holds_at_once() -> None:
    schema = {
        "allOf": [{"$ref": "#/definitions/named"}, {"properties": {"age": {"type": "integer"}}, "required": ["age"]}],
        "definitions": {"named": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    }
    assert all(isinstance(value["name"], str) and isinstance(value["age"], int) for value in made(schema))


def test_pointers_are_unescaped() -> None:
    assert made({"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": {"const": 5}}}) == [5] * len(DIGESTS)


def test_a_recursive_union_comes_to_an_end() -> None:
    nested = {"type": "object", "properties": {"of": {"$ref": "#/$defs/term"}}, "required": ["of"]}
    made({"$ref": "#/$defs/term", "$defs": {"term": {"anyOf": [*[nested] * 9, {"type": "number"}]}}})


def test_what_is_required_and_not_described_is_there() -> None:
    assert all("odd" in value for value in made({"type": "object", "required": ["odd"]}))


def test_optional_properties_come_and_stay_away() -> None:
    names = {"x" in value for value in made({"type": "object", "properties": {"x": {"type": "null"}}})}
    assert names == {True, False}


@pytest.mark.parametrize(
    ("schema", "holds"),
    [
        ({"minimum": 5}, lambda value: value >= 5),
        ({"items": {"type": "null"}, "maxItems": 0}, lambda value: value == []),
        ({"prefixItems": [{"type": "null"}], "items": False}, lambda value: value == [None]),
        ({"type": "number", "minimum": 0.1, "maximum": 0.2}, lambda value: 0.1 <= value <= 0.2),
        ({"type": "number", "multipleOf": 0.1, "maximum": 1}, lambda value: value <= 1),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2}, lambda value: value == 1),
        ({"type": "string", "format": "date"}, lambda value: re.fullmatch(r"\d{4}-\d\d-\d\d", value)),
        ({"type": "object", "minProperties": 3}, lambda value: len(value) == 3),
        ({"type": "object", "properties": {"a": True}, "required": ["a"]}, lambda value: "a" in value),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, lambda value: value in {1, 2}),
        ({}, lambda value: isinstance(value, str)),
        ({"type": "number", "minimum": 1.1, "maximum": 1.1}, lambda value: value == 1.1),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1}, lambda value: 0 < value < 0.1),
        ({"type": "integer", "maximum": -5}, lambda value: value <= -5),
        (
            {"type": "integer", "exclusiveMaximum": 1000, "multipleOf": 7},
            lambda value: 0 <= value < 1000 and value % 7 == 0,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_documents_hold(schema: dict[str, Any], holds: Any) -> None:
    assert all(holds(value) for value in made(schema))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "elephant"}, "no JSON type is called 'elephant'"),
        ({"$ref": "https://example.com/other"}, "only references into the schema itself"),
        ({"$ref": "#/$defs/none"}, "points to nothing"),
        ({"$ref": "#"}, "go round in a circle"),
        ({"allOf": [{"$ref": "#"}]}, "go round in a circle"),
        ({"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]}, "document without end"),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "requires 'a' and forbids it"),
        ({"type": "string", "pattern": "^q{77}$"}, r"at \$: .*knows no text for"),
        ({"type": "integer", "minimum": 1, "maximum": 0}, "there is no number that is a multiple of 1 from 1 to 0"),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "there is no number that is a multiple of 1 from 0 to 1",
        ),
        ({"type": "number", "minimum": 1.1, "exclusiveMaximum": 1.1}, "there is no number from 1.1 to 1.1"),
        ({"type": "array", "items": {"const": 1}, "uniqueItems": True, "minItems": 2}, "only 1"),
        ({"type": "object", "properties": {"a": 5}, "required": ["a"]}, r"at \$\.a: a schema is an object, not 5"),
        ({"type": "string", "pattern": "("}, "no JSON Schema"),
        ({"type": "object", "properties": ["a"]}, "no JSON Schema"),
        ({"type": "number", "minimum": "x"}, "no JSON Schema"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_said(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(UnknownShapeError, match=f"^it.*{why}"):
        made(schema)


KEYWORDS = st.sampled_from(
    [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "items",
        "anyOf",
        "allOf",
        "$ref",
        "pattern",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "additionalProperties",
        "prefixItems",
    ]
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["object", "array", "string", "#", "integer", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYWORDS, JUNK, max_size=5))
def test_no_schema_breaks_it(schema: dict[str, Any]) -> None:
    with suppress(UnknownShapeError):
        json.dumps(Schema(schema, "it").document(DIGESTS[0]))
