from __future__ import annotations

from typing import Any

import pytest

from chatcore.testing._dialects.gemini_schema import camel, json_schema
from chatcore.testing._problem import RefusedError


def test_a_schema_of_googles_as_a_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"tags": {"type": "ARRAY", "items": {"type": "STRING"}, "min_items": "2"}},
        "any_of": [{"type": "NULL"}],
        "propertyOrdering": ["tags"],
        "defs": {"x": {}},
    }
    assert json_schema(schema, "s") == {
        "type": "object",
        "properties": {"tags": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
        "anyOf": [{"type": "null"}],
        "propertyOrdering": ["tags"],
        "$defs": {"x": {}},
    }


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"$schema": "x"}, "Unknown name \"$schema\" at 's'"),
        ({"type": "OBJECT", "properties": {"a": {"const": 1}}}, "Unknown name \"const\" at 's.properties[0].value'"),
        ({"exclusiveMinimum": 1}, "exclusiveMinimum"),
        ({"type": "TEXT"}, "Invalid value at 's.type'"),
        ({"type": ["string", "null"]}, "Invalid value at 's.type'"),
        ({"properties": []}, "s.properties"),
        ({"items": [{}]}, "s.items"),
        ({"anyOf": {}}, "s.any_of"),
        ({"minItems": "x"}, "TYPE_INT64"),
        ({"maxLength": True}, "TYPE_INT64"),
    ],
    ids=str,
)
def test_what_google_has_no_name_for_is_refused(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        json_schema(schema, "s")
    assert says in str(refused.value)


def test_a_schema_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"items": deep}
    with pytest.raises(RefusedError, match="too deeply nested"):
        json_schema(deep, "s")


@pytest.mark.parametrize(("name", "is_"), [("max_output_tokens", "maxOutputTokens"), ("topP", "topP"), ("", "")])
def test_names_either_way(name: str, is_: str) -> None:
    assert camel(name) == is_
