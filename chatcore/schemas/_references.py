"""JSON Schemas without `$ref` and without titles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

from chatcore.errors import ConfigurationError
from chatcore.messages._shapes import is_dict, is_list

__all__ = [
    "DEEPEST",
    "MissingReferenceError",
    "SchemaTooLargeError",
    "copy_schema",
    "dereference_refs",
    "find_reference",
    "remove_titles",
]

DEEPEST = 200
"""How deep a schema may nest, its references followed."""

# Definitions that refer to each other double at each step: thirty small ones would fill the memory.
_LARGEST = 100_000
# What is under these is data, and may look like a schema.
_DATA = frozenset({"const", "default", "enum", "example", "examples"})


class MissingReferenceError(ConfigurationError, KeyError):
    """A `$ref` of a schema leads nowhere."""

    __str__ = Exception.__str__


class SchemaTooLargeError(ConfigurationError):
    """A schema nests too deep, or grows too large when its references are replaced by what they refer to."""


def dereference_refs(
    schema_obj: dict[str, Any],
    *,
    full_schema: dict[str, Any] | None = None,
    skip_keys: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Replace each `$ref` by what it refers to.

    What stands beside a `$ref` overrides what it refers to. A definition inside itself is left empty there.

    Args:
        schema_obj: a JSON Schema or a part of one; it stays as it is.
        full_schema: where the references lead; by default `schema_obj`.
        skip_keys: keys whose values are copied and not looked into; by default `$defs`.

    Returns:
        A new schema.

    Raises:
        ConfigurationError: a reference leads to another document.
        MissingReferenceError: a reference leads nowhere. A KeyError, too.
        SchemaTooLargeError: the schema would nest deeper than 200 levels or have more than 100,000 parts.
    """
    skipped = ("$defs",) if skip_keys is None else tuple(skip_keys)
    return cast("dict[str, Any]", _Inlining(full_schema or schema_obj, skipped).of(schema_obj, 0))


class _Inlining:
    def __init__(self, full: dict[str, Any], skipped: Collection[str]) -> None:
        self._full = full
        self._skipped = skipped
        self._inside: set[str] = set()
        self._parts = 0

    def of(self, part: Any, depth: int) -> Any:
        if is_list(part):
            self._count(depth)
            return [self.of(item, depth + 1) for item in part]
        if not is_dict(part):
            return part
        self._count(depth)
        path = part.get("$ref")
        if not isinstance(path, str):  # a property may be called that
            return self._each(part, depth)
        beside = {key: value for key, value in part.items() if key != "$ref"}
        if path in self._inside:
            return self._each(beside, depth)
        self._inside.add(path)
        target = self.of(find_reference(path, self._full), depth + 1)
        self._inside.remove(path)
        if not beside:
            return target
        return {**(target if is_dict(target) else {}), **self._each(beside, depth)}

    def _each(self, part: dict[str, Any], depth: int) -> dict[str, Any]:
        return {
            # Copied all the same: nobody who edits the answer edits the question.
            key: self.copied(value, depth + 1) if key in self._skipped else self.of(value, depth + 1)
            for key, value in part.items()
        }

    def copied(self, part: Any, depth: int) -> Any:
        if is_list(part):
            self._count(depth)
            return [self.copied(item, depth + 1) for item in part]
        if not is_dict(part):
            return part
        self._count(depth)
        return {key: self.copied(value, depth + 1) for key, value in part.items()}

    def _count(self, depth: int) -> None:
        self._parts += 1
        if depth > DEEPEST:
            msg = f"The schema nests deeper than {DEEPEST} levels, its references followed. Make it flatter."
            raise SchemaTooLargeError(msg)
        if self._parts > _LARGEST:
            msg = (
                f"The schema has more than {_LARGEST} parts when each $ref is replaced by what it refers to: its "
                "definitions refer to each other too often. Send it with its $defs, or with fewer of them."
            )
            raise SchemaTooLargeError(msg)


def copy_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of a schema, all the way down.

    Raises:
        SchemaTooLargeError: it nests deeper than 200 levels or has more than 100,000 parts.
    """
    return cast("dict[str, Any]", _Inlining({}, ()).copied(schema, 0))


def find_reference(path: str, schema: dict[str, Any]) -> Any:
    """What a `$ref` leads to.

    Raises:
        ConfigurationError: another document.
        MissingReferenceError: nothing.
    """
    start, *steps = path.split("/")
    if start != "#":
        msg = (
            f"The schema refers to {path!r}; ref paths are expected to be URI fragments, meaning they should start "
            "with #. Put what it refers to into the schema's own $defs."
        )
        raise ConfigurationError(msg)
    at: Any = schema
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if is_dict(at) and (key := next((key for key in (step, name, _index(step)) if key in at), None)) is not None:
            at = at[key]
        elif is_list(at) and (index := _index(step)) is not None and index < len(at):
            at = at[index]
        else:
            msg = f"Reference '{path}' not found. The schema must have what it refers to, in its $defs for one."
            raise MissingReferenceError(msg)
    return at


def _index(step: str) -> int | None:
    return int(step) if step.isascii() and step.isdigit() and len(step) < 10 else None


def remove_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Take the titles out of a JSON Schema, as far as properties nest in properties.

    Args:
        schema: stays as it is.

    Returns:
        A new schema. Titles inside lists (`anyOf`) stay, as in the reference; and so do properties called `title`.
    """
    return _untitled(schema, inside="", depth=0)


def _untitled(schema: dict[str, Any], *, inside: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        msg = f"The schema nests deeper than {DEEPEST} levels. Make it flatter."
        raise SchemaTooLargeError(msg)
    return {
        key: _untitled(value, inside=key, depth=depth + 1) if is_dict(value) and key not in _DATA else value
        for key, value in schema.items()
        if key != "title" or (inside == "properties" and is_dict(value))
    }
