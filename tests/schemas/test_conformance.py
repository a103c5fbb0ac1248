"""Values held against JSON Schemas."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.schemas import MissingReferenceError, SchemaTooLargeError
from chatcore.schemas._conformance import problems

TREE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value"],
    "additionalProperties": False,
}

FITTING: list[tuple[dict[str, Any], list[Any]]] = [
    ({}, [None, 1, {"a": 1}]),
    ({"type": "integer"}, [1, 3.0, -2]),
    ({"type": ["string", "null"]}, ["", None]),
    ({"type": "nonsense"}, [1]),
    ({"enum": [1, "a", None]}, [1, 1.0, "a", None]),
    ({"const": {"a": [1]}}, [{"a": [1]}]),
    (TREE, [{"value": 1}, {"value": 1, "kids": [{"value": 2, "kids": []}]}]),
    ({"additionalProperties": {"type": "integer"}}, [{}, {"a": 1}]),
    ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [[], [1], [1, "a"]]),
    ({"items": [{"type": "integer"}]}, [[1], [1, "anything"]]),
    ({"minimum": 1, "exclusiveMaximum": 3}, [1, 2.9, "no number"]),
    ({"minLength": 1, "maxItems": 1}, ["a", [1], 5]),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, [1, 1.5]),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1, 2]),
    ({"additionalProperties": False, "patternProperties": {"^a": {}}}, [{"ab": 1}]),
    ({"pattern": "^a", "format": "date", "not": {}}, ["not looked at"]),
]
WRONG: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "integer"}, 1.5, "the answer: 1.5 is not of type integer"),
    ({"type": "integer"}, True, "the answer: True is not of type integer"),
    ({"type": ["string", "null"]}, 1, "the answer: 1 is not of type string or null"),
    ({"enum": [1]}, True, "the answer: True is none of [1]"),
    ({"const": 1}, 2, "the answer: 2 is not 1"),
    (TREE, {}, "value: is missing"),
    (TREE, {"value": 1, "kids": [{"value": "x"}]}, "kids[0].value: 'x' is not of type integer"),
    (TREE, {"value": 1, "mine": 1}, "mine: is not among the properties value, kids"),
    ({"additionalProperties": {"type": "integer"}}, {"a": ""}, "a: '' is not of type integer"),
    ({"prefixItems": [{"type": "integer"}], "items": False}, [1, 2], "[1]: nothing is allowed here"),
    ({"minimum": 1}, 0, "the answer: 0 is against minimum 1"),
    ({"exclusiveMinimum": 1}, 1, "the answer: 1 is against exclusiveMinimum 1"),
    ({"maxLength": 1}, "ab", "the answer: 'ab' is against maxLength 1"),
    ({"minItems": 1}, [], "the answer: [] is against minItems 1"),
    ({"anyOf": [{"type": "null"}, {"minimum": 2}]}, 1, "the answer: 1 fits none of the 2 options of anyOf"),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 3, "the answer: 3 is against maximum 2"),
    ({"const": ""}, "x" * 100, f"the answer: '{'x' * 76}... is not ''"),
]


@pytest.mark.parametrize(("schema", "values"), FITTING, ids=[str(schema)[:60] for schema, _ in FITTING])
def test_what_fits_has_no_problem(schema: dict[str, Any], values: list[Any]) -> None:
    assert [problem for value in values for problem in problems(schema, value)] == []


@pytest.mark.parametrize(("schema", "value", "problem"), WRONG, ids=[problem for *_, problem in WRONG])
def test_what_does_not_fit_is_told_with_its_place(schema: dict[str, Any], value: Any, problem: str) -> None:
    assert problems(schema, value) == [problem]


def test_problems_are_counted_out() -> None:
    assert len(problems({"items": {"type": "string"}}, list(range(1000)))) == 20


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}],
    ids=["itself", "any of itself", "all of itself"],
)
def test_a_schema_of_itself_ends(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaTooLargeError, match="in circles"):
        problems(schema, 1)


def test_a_reference_must_lead_somewhere() -> None:
    with pytest.raises(MissingReferenceError):
        problems({"$ref": "#/$defs/a"}, 1)
