"""A JSON schema → the one that Anthropic's API can hold a model to. No I/O.

Structured outputs and strict tools take a part of JSON Schema
(https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs): objects are closed, and most bounds are not
known. As Anthropic's own SDK does, what cannot be held is said in the description, where the model may follow it;
whether it did, is checked when the answer is read.
"""

from __future__ import annotations

from typing import Any, Final

from chatcore.errors import InvalidInputError
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._wire import as_text

__all__ = ["holdable"]

_KEPT: Final = frozenset({"$ref", "$schema", "type", "title", "enum", "const", "default", "required"})
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_PARTS: Final = ("$defs", "definitions", "properties")
_CHOICES: Final = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_MAX_DEPTH: Final = 100
_NOT_TOLD: Final = frozenset({"$id", "additionalProperties", "description"})
"""What says nothing to the model, or is said in another way."""


def holdable(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of `schema` that the API takes: objects closed, and what it does not know told in descriptions.

    Raises `InvalidInputError` for a schema that is too deep to be one.
    """
    return _part(schema, 0)


def _part(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        msg = f"The schema is nested more than {_MAX_DEPTH} levels deep: give one that is flatter."
        raise InvalidInputError(msg)
    made: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _PARTS and is_dict(value):
            made[key] = {name: _inner(part, depth) for name, part in value.items()}
        elif key in _CHOICES and is_list(value):
            made[_CHOICES[key]] = [_inner(part, depth) for part in value]
        elif key == "items":
            made[key] = _inner(value, depth)
        elif _is_known(key, value):
            made[key] = value
        elif key not in _NOT_TOLD:
            told[key] = value
    if "properties" in made or (made.get("type") == "object" and not _CHOICES.keys() & made.keys()):
        made.setdefault("properties", {})
        made["additionalProperties"] = False
    if description := _description(schema, told):
        made["description"] = description
    return made


def _description(schema: dict[str, Any], told: dict[str, Any]) -> Any:
    description = schema.get("description")
    if not told:
        return description
    bounds = "{" + ", ".join(f"{key}: {_shown(value)}" for key, value in told.items()) + "}"
    return f"{description}\n\n{bounds}" if description else bounds


def _is_known(key: str, value: Any) -> bool:
    return (
        key in _KEPT
        or (key == "minItems" and value in (0, 1))
        or (key == "format" and isinstance(value, str) and value in _FORMATS)
    )


def _inner(part: Any, depth: int) -> Any:
    return _part(part, depth + 1) if is_dict(part) else part


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else as_text(value)
