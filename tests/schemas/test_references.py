"""References and titles, where the reference has no answer."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import ConfigurationError
from chatcore.schemas import (
    MissingReferenceError,
    SchemaTooLargeError,
    convert_to_openai_function,
    dereference_refs,
    remove_titles,
)
from chatcore.schemas._tools import _from_schema


def doubling(steps: int) -> dict[str, Any]:
    """A schema of a few lines that has 2**steps parts."""
    definitions: dict[str, Any] = {
        f"d{step}": {"properties": {side: {"$ref": f"#/$defs/d{step + 1}"} for side in "ab"}} for step in range(steps)
    }
    return {"title": "big", "$ref": "#/$defs/d0", "$defs": {**definitions, f"d{steps}": {"type": "string"}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def test_a_bomb_is_refused() -> None:
    with pytest.raises(SchemaTooLargeError, match="100000 parts"):
        dereference_refs(doubling(40))


def test_a_bomb_is_sent_with_its_definitions() -> None:
    described = _from_schema(doubling(40))
    assert described["name"] == "big"
    assert described["parameters"]["$ref"] == "#/$defs/d0"
    assert len(described["parameters"]["$defs"]) == 41


@pytest.mark.parametrize("work", [dereference_refs, remove_titles, lambda deep: dereference_refs({"$defs": deep})])
def test_depth_is_bounded(work: Any) -> None:
    work(nested(90))
    with pytest.raises(SchemaTooLargeError, match="deeper than 200"):
        work(nested(5_000))


def test_strict_depth_is_bounded() -> None:
    with pytest.raises(ConfigurationError, match="deeper than 200"):
        convert_to_openai_function({"name": "deep", "parameters": nested(250)}, strict=True)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingReferenceError) as caught:
        dereference_refs({"a": {"$ref": "#/$defs/b/c"}})
    assert isinstance(caught.value, KeyError)
    assert str(caught.value).startswith("Reference '#/$defs/b/c' not found.")


def test_a_name_may_be_escaped_and_a_property_be_called_ref() -> None:
    schema = {
        "a": {"$ref": "#/$defs/x~1y~0z"},
        "properties": {"$ref": {"type": "string"}},
        "$defs": {"x/y~z": {"b": 1}},
    }
    made = dereference_refs(schema)
    assert made["a"] == {"b": 1}
    assert made["properties"] == {"$ref": {"type": "string"}}


def test_titles_go_and_data_stays() -> None:
    schema = {
        "title": "T",
        "properties": {
            "title": {"title": "Title", "type": "string"},
            "b": {"title": "B", "default": {"title": "kept"}},
        },
        "anyOf": [{"title": "kept"}],
    }
    assert remove_titles(schema) == {
        "properties": {"title": {"type": "string"}, "b": {"default": {"title": "kept"}}},
        "anyOf": [{"title": "kept"}],
    }
