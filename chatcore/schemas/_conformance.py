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
# How many references and options may lead from one to the next before anything of the value is looked at.
_MOST_TURNS = 40
_DEEPEST = 150


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

    def of(self, schema: Any, value: Any, path: str, *, depth: int = 0, turns: int = 0) -> Iterator[str]:
        self._steps += 1
        if self._steps > _MOST_STEPS or turns > _MOST_TURNS:
            msg = "No answer can be checked against this schema: its $refs lead in circles."
            raise SchemaTooLargeError(msg)
        if depth > _DEEPEST:
            yield f"{path[:80]}...: nests too deep"
            return
        if schema is False:
            yield f"{path or 'the answer'}: nothing is allowed here"
        if not is_dict(schema):
            return
        further = {"depth": depth + 1, "turns": turns + 1}
        if isinstance(reference := schema.get("$ref"), str):
            yield from self.of(find_reference(reference, self._root), value, path, **further)
        for option in schema.get("allOf") or ():
            yield from self.of(option, value, path, **further)
        for word in ("anyOf", "oneOf"):
            options = schema.get(word)
            if options and all(any(self.of(option, value, path, **further)) for option in options):
                yield f"{path or 'the answer'}: {_shown(value)} fits none of the {len(options)} options of {word}"
        yield from _plain(schema, value, path)
        for part, inside, place in _inside(schema, value, path):
            yield from self.of(part, inside, place, depth=depth + 1)


def _plain(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    place = path or "the answer"
    kinds = schema.get("type")
    names: list[Any] = kinds if is_list(kinds) else [kinds]
    types = [name for name in names if name in _TYPES]
    if types and not any(_TYPES[name](value) for name in types):
        yield f"{place}: {_shown(value)} is not of type {' or '.join(types)}"
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{place}: {_shown(value)} is none of {schema['enum']!r}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{place}: {_shown(value)} is not {schema['const']!r}"
    for word, (measure, holds) in _BOUNDS.items():
        size = measure(value) if _is_number(schema.get(word)) else None
        if size is not None and not holds(size, schema[word]):
            yield f"{place}: {_shown(value)} is against {word} {schema[word]!r}"
    if is_dict(value):
        yield from (f"{_at(path, name)}: is missing" for name in schema.get("required") or () if name not in value)
        if schema.get("additionalProperties") is False and "patternProperties" not in schema:
            known: dict[str, Any] = schema.get("properties") or {}
            allowed = ", ".join(known) or "(none)"
            yield from (
                f"{_at(path, name)}: is not among the properties {allowed}" for name in value if name not in known
            )


def _inside(schema: dict[str, Any], value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """What is inside a value, with its schema and its place."""
    if is_dict(value):
        properties: dict[str, Any] = schema.get("properties") or {}
        # False has been dealt with.
        others = schema.get("additionalProperties") or True
        yield from ((properties.get(name, others), part, _at(path, name)) for name, part in value.items())
    elif is_list(value):
        rest = schema.get("items", True)
        first: list[Any] = schema.get("prefixItems") or (rest if is_list(rest) else [])
        for number, part in enumerate(value):
            yield first[number] if number < len(first) else rest, part, f"{path}[{number}]"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _same(left: Any, right: Any) -> bool:
    # In JSON, true is not 1.
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
