"""Mustache templates, as far as prompts need them: variables, sections, inverted sections and comments.

They reach data only: dicts, lists and tuples. An object's attributes are not to be had, a function in the data is not
called, and nothing is read from files. What a template cannot have (partials, other delimiters) is refused when it is
read, not passed over. https://mustache.github.io/mustache.5.html
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeGuard, cast

from chatcore.errors import ConfigurationError

__all__ = ["Part", "Section", "Text", "Variable", "parsed", "rendered"]

_TAG = re.compile(r"\{\{(?:\{\s*(?P<raw>[^{}]+?)\s*\}\}\}|(?P<kind>[#^/&!>=]?)\s*(?P<key>.*?)\s*\}\})", re.DOTALL)
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_UNSUPPORTED = {">": "partials", "=": "other delimiters"}


@dataclass(slots=True)
class Text:
    """What stands as it is."""

    text: str


@dataclass(slots=True)
class Variable:
    """What a variable says.

    path: its name and the keys below it, `("user", "name")`; none for `.`, the thing itself.
    is_escaped: whether it is written for HTML.
    """

    path: tuple[str, ...]
    is_escaped: bool


@dataclass(slots=True)
class Section:
    """What is there if a variable holds something, once for each of its items; inverted: if it holds nothing."""

    path: tuple[str, ...]
    is_inverted: bool = False
    parts: list[Part] = field(default_factory=list["Part"])


Part = Text | Variable | Section
"""A part of a template."""


@lru_cache(maxsize=256)
def parsed(template: str) -> Section:
    """A template, read, as one section around all of it.

    Raises:
        ConfigurationError: sections are not closed in order, or it has what is not supported here.
    """
    stack = [Section(())]
    at = 0
    for tag in _TAG.finditer(template):
        kind, key = ("&", tag["raw"]) if tag["raw"] else (tag["kind"], tag["key"])
        start, end = tag.span()
        if kind not in {"", "&"}:
            start, end = _line_if_alone(template, start, end)
        if start > at:
            stack[-1].parts.append(Text(template[at:start]))
        at = end
        _add(stack, kind, key)
    if len(stack) > 1:
        raise ConfigurationError(_unclosed(stack[-1]))
    if at < len(template):
        stack[-1].parts.append(Text(template[at:]))
    return stack[-1]


def _add(stack: list[Section], kind: str, key: str) -> None:
    if kind in _UNSUPPORTED:
        msg = f"Mustache templates with {_UNSUPPORTED[kind]} ({{{{{kind}{key}}}}}) are not supported: write it out."
        raise ConfigurationError(msg)
    path = () if key == "." else tuple(key.split("."))
    if kind in {"#", "^"}:
        section = Section(path, is_inverted=kind == "^")
        stack[-1].parts.append(section)
        stack.append(section)
    elif kind == "/":
        if len(stack) == 1 or stack[-1].path != path:
            msg = f"{{{{/{key}}}}} closes no section." if len(stack) == 1 else _unclosed(stack[-1])
            raise ConfigurationError(msg)
        stack.pop()
    elif kind != "!":
        stack[-1].parts.append(Variable(path, is_escaped=kind != "&"))


def _unclosed(section: Section) -> str:
    return f"The section {'.'.join(section.path) or '.'!r} of a mustache template is not closed where it should be."


def _line_if_alone(template: str, start: int, end: int) -> tuple[int, int]:
    """Where a tag begins and ends; if it stands alone on its line, it takes the line with it."""
    line = template.rfind("\n", 0, start) + 1
    rest = _REST_OF_LINE.match(template, end)
    return (start, end) if rest is None or template[line:start].strip(" \t") else (line, rest.end())


def rendered(template: str, data: Mapping[str, Any]) -> str:
    """A template with its variables filled in; a variable that is missing says nothing.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return "".join(_pieces(parsed(template).parts, [data]))


def _pieces(parts: Iterable[Part], scopes: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Text):
            yield part.text
            continue
        value = _found(part.path, scopes)
        if isinstance(part, Variable):
            text = _said(value) if part.path else str(value)
            yield html.escape(text, quote=False).replace('"', "&quot;") if part.is_escaped else text
        elif part.is_inverted:
            if not value:
                yield from _pieces(part.parts, scopes)
        elif _is_items(value):
            for item in value:
                yield from _pieces(part.parts, [*scopes, item])
        elif value:
            yield from _pieces(part.parts, [*scopes, value])


def _said(value: Any) -> str:
    # What holds nothing says nothing; but 0 and False are something.
    return str(value) if value or isinstance(value, int | float) else ""


def _is_items(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _found(path: tuple[str, ...], scopes: list[Any]) -> Any:
    """What is at a path in the innermost scope that has it; None if none has."""
    if not path:
        return scopes[-1]
    for scope in reversed(scopes):
        value = scope
        for key in path:
            if isinstance(value, Mapping) and key in value:
                value = cast("Mapping[str, Any]", value)[key]
            elif _is_items(value) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                break
        else:
            return value
    return None
