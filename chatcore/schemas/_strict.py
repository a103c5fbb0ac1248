"""Schemas that a provider can hold a model to: every object closed, every property required.

Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from typing import Any

from chatcore.errors import ConfigurationError
from chatcore.messages._shapes import is_dict, is_list

__all__ = ["close", "says_the_same_closed"]

# What no strict schema may say. A single `allOf` and `oneOf` say what can be said otherwise.
_REFUSED = ("not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties")


def close(schema: dict[str, Any], *, name: str) -> dict[str, Any]:
    """Make a schema of parameters strict, in place.

    Every object forbids other properties than its own, and requires those. `oneOf` becomes `anyOf`.

    Args:
        schema: a JSON Schema of type object, a copy of the user's (whose depth is bounded therefore).
        name: what errors call it.

    Returns:
        The same schema.

    Raises:
        ConfigurationError: it says what strict mode cannot hold a model to.
    """
    _close(schema, name)
    return schema


def says_the_same_closed(schema: Any) -> bool:
    """Whether a schema allows the same answers once it is closed: nothing in it is open, and nothing may be left out.

    Args:
        schema: a JSON Schema, as `convert_to_openai_function` gives it.
    """
    if not is_dict(schema):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or "additionalProperties" in schema:
        # An object of any keys would become one of none.
        named = is_dict(properties) and bool(properties)
        if not named or schema.get("additionalProperties") not in (None, False):
            return False
    if is_dict(properties) and set(schema.get("required") or ()) != set(properties):
        return False
    if "default" in schema:
        return False
    parts: list[Any] = [*(properties or {}).values()]
    for key in ("$defs", "definitions"):
        parts += (schema.get(key) or {}).values()
    for key in ("anyOf", "oneOf", "allOf", "items", "prefixItems"):
        inside = schema.get(key)
        parts += inside if is_list(inside) else [inside]
    return all(says_the_same_closed(part) for part in parts)


def _close(schema: Any, path: str) -> None:
    if not is_dict(schema):
        return
    _rephrase(schema, path)
    properties = schema.get("properties")
    if is_dict(properties) and properties:
        schema["required"] = list(properties)
    # A dictionary of any keys is an object without properties: no strict schema can allow it more.
    if "required" in schema or "additionalProperties" in schema or properties == {}:
        schema["additionalProperties"] = False
    for key, parts in schema.items():
        if key in {"properties", "$defs", "definitions"} and is_dict(parts):
            for name, part in parts.items():
                _close(part, f"{path}.{name}")
        elif key in {"anyOf", "allOf", "items", "prefixItems"}:
            for part in parts if is_list(parts) else [parts]:
                _close(part, f"{path}[]" if key.endswith("tems") else path)


def _rephrase(schema: dict[str, Any], path: str) -> None:
    if "oneOf" in schema and "anyOf" not in schema:
        schema["anyOf"] = schema.pop("oneOf")
        schema.pop("discriminator", None)
    refused = [word for word in _REFUSED if word in schema]
    if len(schema.get("allOf") or ()) > 1:
        refused.append("allOf")
    if refused:
        msg = (
            f"{path} cannot be strict: its schema says {', '.join(refused)}, which providers refuse there. Say it with "
            "properties, enum and anyOf, or leave out strict=True."
        )
        raise ConfigurationError(msg)
