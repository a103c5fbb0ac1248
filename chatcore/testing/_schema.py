"""A JSON document that is valid for a JSON Schema, made from a digest."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from typing import Any

from chatcore.testing._text import is_array, is_object

__all__ = ["Schema", "UnknownShapeError"]

_WORDS = ("amber", "bridge", "café", "delta", "ember", "fjord", "garden", "harbour")
# How deep a document nests before whatever may be left out is: a recursive schema must come to an end.
_DEEP = 4
_TOO_DEEP = 40
_FORMATS = {
    "date-time": "2024-05-17T09:30:00Z",
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "duration": "PT90S",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uuid": "3f2b8a54-9c1d-4e6f-8a7b-5c4d3e2f1a0b",
    "uri": "https://example.com/a",
}
# What a `pattern` is tried on. No regular expression is solved: a script is the answer to the ones not met here.
_CANDIDATES = (
    *_WORDS, *_FORMATS.values(), "a", "A", "0", "1", "7", "42", "123", "2024", "12345", "-1", "1.5", "AB", "ABC",
    "USD", "en", "en-US", "A1", "AB12", "ABC-123", "abc_def", "abc-def", "a.b", "1.2.3", "v1.0.0", "#1a2b3c",
    "#1A2B3C", "10:45", "+15550100", "+1 555 0100", "555-0100", "(555)555-0100", "12345-6789",
    "https://example.com", "ada", "Ada Lovelace", "@ada", "/path/to", "x" * 8, "X" * 8, "0" * 8, "x" * 16, "0" * 16,
    "x" * 32, "0" * 32, "0" * 40, "0" * 64, "",
)  # fmt: skip


class UnknownShapeError(Exception):
    """No document could be made for a schema: the message says for which part of it, and why."""


class Schema:
    """One JSON Schema, as a response format or a tool's parameters carry it.

    root: the schema. Understood: type (one or several), enum, const, properties, required, additionalProperties, items,
        prefixItems, minItems, maxItems, uniqueItems, minLength, maxLength, pattern (a few), format, minimum, maximum,
        exclusiveMinimum, exclusiveMaximum, multipleOf, anyOf, oneOf, allOf, and $ref into the schema itself.
    name: what errors call it.
    """

    def __init__(self, root: dict[str, Any], name: str) -> None:
        self._root = root
        self._name = name
        self._makers: dict[str, Callable[[dict[str, Any], random.Random, int, str], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _schema, draw, _depth, _path: draw.random() < 0.5,
            "null": lambda _schema, _draw, _depth, _path: None,
        }

    def document(self, digest: bytes) -> Any:
        """The valid document that follows from the digest. Raises UnknownShapeError if none can be made."""
        draw = random.Random(digest)  # noqa: S311 - a made-up answer, not cryptography
        try:
            return self._make(self._root, draw, 0, "$")
        except UnknownShapeError:
            raise
        except Exception as error:  # a schema can be wrong in more ways than are worth telling apart
            raise UnknownShapeError(f"{self._name}: it is no JSON Schema: {error!r}") from error

    def _make(self, schema: object, draw: random.Random, depth: int, path: str) -> Any:
        if depth > _TOO_DEEP:
            raise self._unknown(path, "it demands a document without end")
        schema = self._flat({} if schema is True else schema, path)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return draw.choice(schema["enum"])
        for union in ("anyOf", "oneOf"):
            if schema.get(union):
                rest = {key: value for key, value in schema.items() if key != union}
                return self._one_of(schema[union], rest, draw, depth, path)
        kind = _kind(schema, draw, depth)
        maker = self._makers.get(kind) if isinstance(kind, str) else None
        if maker is None:
            raise self._unknown(path, f"no JSON type is called {kind!r}")
        return maker(schema, draw, depth, path)

    def _flat(self, schema: object, path: str, level: int = 0) -> dict[str, Any]:
        """The schema with its `$ref` followed and its `allOf` merged into it."""
        if level > _TOO_DEEP:
            raise self._unknown(path, "its references go round in a circle")
        if not is_object(schema):
            raise self._unknown(path, f"a schema is an object, not {schema!r}")
        for _ in range(_TOO_DEEP):
            if "$ref" in schema:
                found = self._at(schema["$ref"], path)
                schema = _merged(found, {key: value for key, value in schema.items() if key != "$ref"})
            elif schema.get("allOf"):
                whole = {key: value for key, value in schema.items() if key != "allOf"}
                for part in schema["allOf"]:
                    whole = _merged(whole, self._flat(part, path, level + 1))
                schema = whole
            else:
                return schema
        raise self._unknown(path, "its references go round in a circle")

    def _at(self, pointer: object, path: str) -> dict[str, Any]:
        """What a reference within the schema points to (a JSON pointer: RFC 6901)."""
        found: object = self._root
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            raise self._unknown(path, f"only references into the schema itself are followed, not {pointer!r}")
        for step in pointer[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if is_object(found) else None
        if not is_object(found):
            raise self._unknown(path, f"the reference {pointer!r} points to nothing")
        return found

    def _one_of(self, options: list[Any], rest: dict[str, Any], draw: random.Random, depth: int, path: str) -> Any:
        order = draw.sample(options, len(options))
        if depth >= _DEEP:
            # The options that nest least come first: null before a text, a text before a list of oneself.
            order.sort(key=lambda option: self._weight(option, path))
        return self._make(_merged(rest, self._flat(order[0], path)), draw, depth + 1, path)

    def _weight(self, option: dict[str, Any], path: str) -> int:
        flat = self._flat(option, path)
        kinds = flat.get("type")
        if "const" in flat or "enum" in flat or kinds == "null":
            return 0
        if kinds == "array":
            return 3 if flat.get("minItems") else 1
        return 2 + len(flat.get("required") or ()) if kinds == "object" or kinds is None else 1

    def _object(self, schema: dict[str, Any], draw: random.Random, depth: int, path: str) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties") or {}
        required: list[str] = schema.get("required") or []
        made: dict[str, Any] = {}
        for name, part in properties.items():
            # What is optional comes as often as not, so that clients meet both.
            if name in required or (depth < _DEEP and draw.random() < 0.5):
                made[name] = self._make(part, draw, depth + 1, f"{path}.{name}")
        more: object = schema.get("additionalProperties", True)
        for name in required:
            if name not in made:
                if more is False:
                    raise self._unknown(path, f"it requires {name!r} and forbids it")
                made[name] = self._make(more, draw, depth + 1, f"{path}.{name}")
        least: int = schema.get("minProperties") or 0
        wanted = max(least, 2 if is_object(more) and not properties and depth < _DEEP else 0)
        if len(made) < wanted and more is not False:
            for name in (f"{word}_{number}" for number in range(wanted) for word in _WORDS):
                if len(made) >= wanted:
                    break
                made[name] = self._make(more, draw, depth + 1, f"{path}.{name}")
        return made

    def _array(self, schema: dict[str, Any], draw: random.Random, depth: int, path: str) -> list[Any]:
        first: list[Any] = schema.get("prefixItems") or []
        made = [self._make(part, draw, depth + 1, f"{path}[{number}]") for number, part in enumerate(first)]
        least = max(schema.get("minItems") or 0, 0 if depth >= _DEEP or first else 1)
        most: int = schema.get("maxItems", max(least, len(made)) if depth >= _DEEP or first else least + 2)
        items: object = schema.get("items", True)
        if items is False:
            return made[:most]
        wanted = draw.randint(min(least, most), most)
        tries = 0
        while len(made) < wanted:
            item = self._make(items, draw, depth + 1, f"{path}[{len(made)}]")
            tries += 1
            if not schema.get("uniqueItems") or item not in made:
                made.append(item)
            elif tries > 100 + 10 * wanted:
                if len(made) >= (schema.get("minItems") or 0):
                    break
                raise self._unknown(path, f"it wants {wanted} different items and there seem to be only {len(made)}")
        return made[:most]

    def _string(self, schema: dict[str, Any], draw: random.Random, _depth: int, path: str) -> str:
        least: int = schema.get("minLength") or 0
        most: int | float = schema.get("maxLength", math.inf)
        pattern: str | None = schema.get("pattern")
        if pattern is not None:
            for candidate in _CANDIDATES:
                if least <= len(candidate) <= most and re.search(pattern, candidate):
                    return candidate
            raise self._unknown(path, f"it is no solver of regular expressions, and knows no text for {pattern!r}")
        made = _FORMATS.get(str(schema.get("format"))) or " ".join(draw.choices(_WORDS, k=2))
        if len(made) < least:
            made = made.ljust(least, "x")
        return made if most == math.inf else made[: int(most)]

    def _integer(self, schema: dict[str, Any], draw: random.Random, depth: int, path: str) -> int:
        return int(self._number({"multipleOf": 1, **schema}, draw, depth, path))

    def _number(self, schema: dict[str, Any], draw: random.Random, _depth: int, path: str) -> int | float:
        step: int | float | None = schema.get("multipleOf")
        # Quarters are exact in binary: what was sent is what is read, to the last digit.
        reach = _Reach(schema, step or 0.25)
        if reach.first <= reach.last:
            return round(draw.randint(reach.first, reach.last) * reach.step, 9)  # 3 * 0.1 is to read 0.3
        if step is None and (reach.low < reach.high or (reach.low == reach.high and not reach.open)):
            return (reach.low + reach.high) / 2
        of = "" if step is None else f" that is a multiple of {step}"
        raise self._unknown(path, f"there is no number{of} from {reach.low} to {reach.high}")

    def _unknown(self, path: str, why: str) -> UnknownShapeError:
        return UnknownShapeError(f"{self._name}, at {path}: {why}")


class _Reach:
    """The numbers a schema allows: those from `low` to `high`, and among them `step` times `first` to `last`.

    Where the schema leaves an end open, the other is a hundred steps away.
    """

    def __init__(self, schema: dict[str, Any], step: float) -> None:
        self.step = step
        width = 100 * max(step, 1)
        low: float = schema.get("minimum", -math.inf)
        above: float = schema.get("exclusiveMinimum", -math.inf)
        high: float = schema.get("maximum", math.inf)
        below: float = schema.get("exclusiveMaximum", math.inf)
        self.low, self.high = max(low, above), min(high, below)
        if self.low == -math.inf:
            self.low = min(0, self.high - width) if self.high < width else 0
        if self.high == math.inf:
            self.high = self.low + width
        self.first, self.last = math.ceil(self.low / step), math.floor(self.high / step)
        self.first += self.first * step <= above
        self.last -= self.last * step >= below
        self.open = above >= low or below <= high


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two schemas that must both hold, as one."""
    merged = {**one, **other}
    for key in ("properties", "$defs"):
        if is_object(one.get(key)) and is_object(other.get(key)):
            merged[key] = {**one[key], **other[key]}
    if is_array(one.get("required")) and is_array(other.get("required")):
        merged["required"] = [*one["required"], *(name for name in other["required"] if name not in one["required"])]
    return merged


def _kind(schema: dict[str, Any], draw: random.Random, depth: int) -> object:
    """The JSON type that a schema without references or unions describes."""
    kinds: object = schema.get("type")
    if is_array(kinds) and kinds:
        return "null" if depth >= _DEEP and "null" in kinds else draw.choice(kinds)
    if kinds is not None:
        return kinds
    # A schema without a type is read by what it says of one.
    for kind, keys in (
        ("object", ("properties", "required", "additionalProperties")),
        ("array", ("items", "prefixItems", "minItems")),
        ("number", ("minimum", "maximum", "multipleOf")),
    ):
        if any(key in schema for key in keys):
            return kind
    return "string"
