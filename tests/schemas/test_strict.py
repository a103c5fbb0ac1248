"""Strict schemas, where the reference sends what providers refuse."""

from __future__ import annotations

import copy
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from chatcore.errors import ConfigurationError
from chatcore.schemas import convert_to_openai_function, convert_to_openai_tool


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    pet: Cat | Dog = Field(discriminator="kind")


def every_object(schema: Any) -> list[dict[str, Any]]:
    inner = [part for value in (schema.values() if isinstance(schema, dict) else schema) for part in [value]]
    found = [one for part in inner if isinstance(part, dict | list) for one in every_object(part)]
    return [*([schema] if isinstance(schema, dict) and schema.get("type") == "object" else []), *found]


def test_a_discriminated_union_is_one_of_closed_objects() -> None:
    parameters = convert_to_openai_function(Owner, strict=True)["parameters"]
    assert len(objects := every_object(parameters)) == 3
    assert all(one["additionalProperties"] is False for one in objects)
    assert all(one["required"] == list(one["properties"]) for one in objects)
    assert "oneOf" not in str(parameters)
    assert "discriminator" not in str(parameters)


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ({"not": {"type": "null"}}, "not"),
        ({"if": {}, "then": {}}, "if, then"),
        ({"allOf": [{"type": "object"}, {"type": "object"}]}, "allOf"),
        ({"type": "object", "patternProperties": {"^a": {}}}, "patternProperties"),
    ],
    ids=["not", "if", "allOf", "patternProperties"],
)
@pytest.mark.parametrize("inside", ["properties", "items", "anyOf", "$defs"])
def test_what_providers_refuse_is_refused_with_its_place(part: dict[str, Any], word: str, inside: str) -> None:
    wrapped = {
        "properties": part,
        "items": {"type": "array", "items": part},
        "anyOf": {"anyOf": [part, {"type": "null"}]},
        "$defs": {"$defs": {"c": part}},
    }[inside]
    schema = {"type": "object", "properties": {"b": wrapped}}
    with pytest.raises(ConfigurationError, match=rf"^a\.b[\w.\[\]]* cannot be strict: its schema says {word},"):
        convert_to_openai_function({"name": "a", "parameters": schema}, strict=True)
    convert_to_openai_function({"name": "a", "parameters": schema}, strict=False)


def test_strict_is_said_of_a_tool_that_does_not_say_it() -> None:
    tool = {"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {"b": {}}}}}
    before = copy.deepcopy(tool)
    strict = convert_to_openai_tool(tool, strict=True)["function"]
    assert strict["strict"] is True
    assert strict["parameters"]["required"] == ["b"]
    assert tool == before
    said = {"type": "function", "function": {"name": "a", "strict": False}}
    assert convert_to_openai_tool(said, strict=True) is said


def test_a_function_without_parameters_can_be_strict() -> None:
    assert convert_to_openai_function({"title": "ping"}, strict=True) == {
        "name": "ping",
        "strict": True,
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    }
