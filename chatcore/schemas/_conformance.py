"""Whether a JSON value is what a JSON Schema asks for, as far as structured output needs to know.

Looked at: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`, `prefixItems`,
`minItems`, `maxItems`, `minLength`, `maxLength`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `anyOf`,
`oneOf` (as `anyOf`), `allOf`, and `$ref` into the schema itself. Everything else (`pattern`, `format`, `not`, `if`,
`uniqueItems`, `multipleOf`, `patternProperties`, `dependent...`) is taken for fulfilled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from chatcore.messages._shapes import is_dict, is_list
from chatcore.schemas._references import SchemaTooLargeError, find_reference

__all__ = ["problems"]

_SHOWN = 20
_MOST_STEPS = 200_000


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": is_dict,
    "array": is_list,
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}

_BOUNDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]] = {
    "minimum": (lambda value: value if _is_number(value) else None, lambda size, bound: size >= bound),
    "maximum": (lambda value: value if _is_number(value) else None, lambda size, bound: size <= bound),
    "exclusiveMinimum": (lambda value: value if _is_number(value) else None, lambda size, bound: size > bound),
    "exclusiveMaximum": (lambda value: value if _is_number(value) else None, lambda size, bound: size < bound),
    "minItems": (lambda value: len(value) if is_list(value) else None, lambda size, bound: size >= bound),
    "maxItems": (lambda value: len(value) if is_list(value) else None, lambda size, bound: size <= bound),
    "minLength": (lambda value: len(value) if isinstance(value, str) else None, lambda size, bound: size >= bound),
    "maxLength": (lambda value: len(value) if isinstance(value, str) else None, lambda size, bound: size <= bound),
}


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, each with its place; nothing if nothing is. At most the first 20.

    Raises:
        SchemaTooLargeError: the schema's references lead round and round.
        MissingReferenceError: one of them leads nowhere.
    """
    return list(islice(_Check(schema).of(schema, value, ""), _SHOWN))


class _Check:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._steps = 0

    def of(self, schema: Any, value: Any, path: str) -> Iterator[str]:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            msg = f"No answer can be checked against this schema in {_MOST_STEPS} steps: its $refs lead in circles."
            raise SchemaTooLargeError(msg)
        if schema is False:
            yield f"{path or 'the answer'}: nothing is allowed here"
        if not is_dict(schema):
            return
        if isinstance(reference := schema.get("$ref"), str):
            yield from self.of(find_reference(reference, self._root), value, path)
        for option in schema.get("allOf") or ():
            yield from self.of(option, value, path)
        for word in ("anyOf", "oneOf"):
            options = schema.get(word)
            if options and not any(next(self.of(option, value, path), None) is None for option in options):
                yield f"{path or 'the answer'}: {_shown(value)} fits none of the {len(options)} options of {word}"
        yield from self._plain(schema, value, path or "the answer")
        if is_dict(value):
            yield from self._object(schema, value, path)
        elif is_list(value):
            yield from self._array(schema, value, path)

    def _plain(self, schema: dict[str, Any], value: Any, place: str) -> Iterator[str]:
        kinds = schema.get("type")
        names: list[Any] = kinds if is_list(kinds) else [kinds]
        known = [name for name in names if name in _TYPES]
        if known and not any(_TYPES[name](value) for name in known):
            yield f"{place}: {_shown(value)} is not of type {' or '.join(known)}"
        if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
            yield f"{place}: {_shown(value)} is none of {schema['enum']!r}"
        if "const" in schema and not _same(value, schema["const"]):
            yield f"{place}: {_shown(value)} is not {schema['const']!r}"
        for word, (measure, holds) in _BOUNDS.items():
            size = measure(value) if _is_number(schema.get(word)) else None
            if size is not None and not holds(size, schema[word]):
                yield f"{place}: {_shown(value)} is against {word} {schema[word]!r}"

    def _object(self, schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
        properties: dict[str, Any] = schema.get("properties") or {}
        for name in schema.get("required") or ():
            if name not in value:
                yield f"{_at(path, name)}: is missing"
        others = schema.get("additionalProperties", True)
        for name, part in value.items():
            if name in properties:
                yield from self.of(properties[name], part, _at(path, name))
            elif others is False and "patternProperties" not in schema:
                yield f"{_at(path, name)}: is not among the properties {', '.join(properties) or '(none)'}"
            else:
                yield from self.of(others, part, _at(path, name))

    def _array(self, schema: dict[str, Any], value: list[Any], path: str) -> Iterator[str]:
        rest = schema.get("items", True)
        first: list[Any] = schema.get("prefixItems") or (rest if is_list(rest) else [])
        for number, part in enumerate(value):
            if number < len(first):
                yield from self.of(first[number], part, f"{path}[{number}]")
            elif not is_list(rest):
                yield from self.of(rest, part, f"{path}[{number}]")


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _same(left: Any, right: Any) -> bool:
    # In JSON, true is not 1.
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
