"""Schemas for Anthropic: closed, and with what it cannot hold a model to in their descriptions."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import transform_schema
from pydantic import BaseModel, Field

from chatcore.errors import InvalidInputError
from chatcore.providers._anthropic_schema import holdable


class Author(BaseModel):
    name: str = Field(min_length=1)
    email: str | None = None


class Book(BaseModel):
    """A book."""

    title: str
    rating: float = Field(ge=0, le=5, description="Stars.")
    authors: list[Author] = Field(min_length=2)
    tags: list[str] = Field(min_length=1)


@pytest.mark.parametrize("model", [Author, Book])
def test_as_the_sdk_makes_it(model: type[BaseModel]) -> None:
    """But for the words in which a default is told, and quotes."""
    ours = holdable(model.model_json_schema())
    theirs = transform_schema(model.model_json_schema())
    assert bare(ours) == bare(theirs)


def bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: bare(value) for key, value in schema.items() if key not in ("description", "default")}


def test_bounds_are_told_and_not_asked() -> None:
    schema = {"type": "number", "minimum": 0, "description": "Stars."}
    assert holdable(schema) == {"type": "number", "description": "Stars.\n\n{minimum: 0}"}
    assert holdable({"type": "string", "pattern": "^a"}) == {"type": "string", "description": "{pattern: ^a}"}
    assert holdable({"type": "string", "format": "date"}) == {"type": "string", "format": "date"}
    assert holdable({"type": "string", "format": "color"}) == {"type": "string", "description": "{format: color}"}


def test_objects_are_closed_wherever_they_are() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    assert holdable({"type": "array", "items": inner}) == {"type": "array", "items": closed}
    assert holdable({"oneOf": [inner]}) == {"anyOf": [closed]}
    assert holdable({"$defs": {"x": inner}, "$ref": "#/$defs/x"}) == {"$defs": {"x": closed}, "$ref": "#/$defs/x"}
    assert holdable({"type": "object"}) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_one_of_several_objects_is_not_closed_around_them() -> None:
    assert holdable({"type": "object", "anyOf": [{"$ref": "#/x"}]}) == {"type": "object", "anyOf": [{"$ref": "#/x"}]}


def test_a_schema_is_not_changed() -> None:
    schema = Book.model_json_schema()
    before = repr(schema)
    holdable(schema)
    assert repr(schema) == before


def test_what_is_too_deep_is_no_schema() -> None:
    schema: dict[str, Any] = {}
    for _ in range(2_000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidInputError, match="levels deep"):
        holdable(schema)
