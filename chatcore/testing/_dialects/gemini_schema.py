"""Google's `Schema` and its JSON form, judged as Google judges them.

A `Schema` is a part of OpenAPI 3.0's, with types in capitals: https://ai.google.dev/api/caching#Schema. The JSON form
of protocol buffers (https://protobuf.dev/programming-guides/json/) takes names in lowerCamelCase or as in the
definition, and refuses those it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import is_array, is_object

__all__ = ["camel", "invalid", "json_schema", "refusal"]

_SCHEMA = frozenset({
    "additionalProperties", "defs", "ref", "anyOf", "default", "description", "enum", "example", "format", "items",
    "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum",
    "nullable", "pattern", "properties", "propertyOrdering", "required", "title", "type",
})  # fmt: skip
_KINDS = ("string", "number", "integer", "boolean", "array", "object", "null", "type_unspecified")
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1beta.Type"
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_DEEPEST = 50


def refusal(message: str, status: int = 400) -> RefusedError:
    """A request is turned away."""
    return RefusedError(Problem(status, message))


def invalid(where: str, kind: str, value: object) -> RefusedError:
    """A value is not of the kind it must be."""
    shown = to_json(value).decode() if isinstance(value, str | int | float | bool) else "an object or a list"
    return refusal(f"Invalid value at '{where}' ({kind}), {shown}")


def camel(name: str) -> str:
    """A name of the protocol in lowerCamelCase, however it was written."""
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)


def json_schema(schema: object, path: str, depth: int = 0) -> dict[str, Any]:
    """A `Schema` as a JSON Schema. Raises RefusedError for what its definition has not."""
    if not is_object(schema):
        raise invalid(path, "Schema", schema)
    if depth > _DEEPEST:
        raise refusal(f"Schema is too deeply nested at '{path}'.")
    made: dict[str, Any] = {}
    for key, value in schema.items():
        name = camel(key)
        if name not in _SCHEMA:
            raise refusal(f"Invalid JSON payload received. Unknown name \"{key}\" at '{path}': Cannot find field.")
        read = _READS.get(name)
        made[{"defs": "$defs", "ref": "$ref"}.get(name, name)] = value if read is None else read(value, path, depth)
    return made


def _type(value: object, path: str, _depth: int) -> str:
    if not isinstance(value, str) or value.lower() not in _KINDS:
        raise invalid(f"{path}.type", _TYPE, value)
    return value.lower()


def _properties(value: object, path: str, depth: int) -> dict[str, Any]:
    if not is_object(value):
        raise invalid(f"{path}.properties", "Schema", value)
    return {
        name: json_schema(inner, f"{path}.properties[{number}].value", depth + 1)
        for number, (name, inner) in enumerate(value.items())
    }


def _items(value: object, path: str, depth: int) -> dict[str, Any]:
    return json_schema(value, f"{path}.items", depth + 1)


def _any_of(value: object, path: str, depth: int) -> list[dict[str, Any]]:
    if not is_array(value):
        raise invalid(f"{path}.any_of", "Schema", value)
    return [json_schema(inner, f"{path}.any_of[{number}]", depth + 1) for number, inner in enumerate(value)]


def _count(value: object, path: str, _depth: int) -> int:
    # Whole numbers of 64 bits may be texts.
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(path, "TYPE_INT64", value)
    return value


_READS: Mapping[str, Callable[[object, str, int], Any]] = {
    "type": _type,
    "properties": _properties,
    "items": _items,
    "anyOf": _any_of,
    **dict.fromkeys(_COUNTS, _count),
}
