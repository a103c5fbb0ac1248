"""JSON as models write it: in Markdown, among prose, with raw line breaks, cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from chatcore.exceptions import OutputParserException
from chatcore.messages._shapes import is_dict, is_list

__all__ = ["parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json", "partial_json", "whole_json"]

_FENCE = re.compile(r"```(?:json)?", re.IGNORECASE)
_AROUND = " \n\r\t`"
_STRING_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
# "67." will be "67.5": until then it is 67, so that a number that grows does not come and go.
_GROWING_NUMBER = re.compile(r"(?<=[\s:,\[])(-?\d+(?:\.\d+)?)(?:\.|[eE][-+]?)\Z")
_lenient = json.JSONDecoder(strict=False)


def whole_json(text: str) -> Any:
    """The JSON value of a whole answer: alone, before prose, or in the first fenced block. Never a repaired one.

    Raises:
        ValueError: there is none, or it was cut off.
    """
    try:
        return _first_value(text.strip(_AROUND))
    except json.JSONDecodeError:
        fence = _FENCE.search(text)
        if fence is None:
            raise
        return _first_value(text[fence.end() :].strip(_AROUND))


def partial_json(text: str) -> Any:
    """The object or list that an answer has begun, as far as it has come; None if none has.

    A value that has come in part is there if it is a string or a number. White space at the end is held back: it tells
    nothing yet.
    """
    stripped = text.strip(_AROUND)
    if stripped.startswith(("{", "[")):
        value = _as_far_as_it_came(stripped)
        if value is not None:
            return value
    fence = _FENCE.search(text)
    fenced = "" if fence is None else text[fence.end() :].strip(_AROUND)
    return _as_far_as_it_came(fenced) if fenced.startswith(("{", "[")) else None


def parse_partial_json(s: str, *, strict: bool = False) -> Any:
    """Read JSON that may have been cut off: what is missing at its end is closed, what cannot be read there is dropped.

    Args:
        s: the JSON.
        strict: whether to refuse raw line breaks and other control characters in strings.

    Raises:
        json.JSONDecodeError: not even its beginning is JSON.
    """
    try:
        return json.loads(s, strict=strict)
    except json.JSONDecodeError as error:
        value = _as_far_as_it_came(s, strict=strict)
        if value is None:
            # The beginning may be whole and followed by prose, or by a second value.
            value = _as_far_as_it_came(s[: error.pos], strict=strict)
        if value is None:
            raise
        return value


def parse_json_markdown(json_string: str, *, parser: Callable[[str], Any] = parse_partial_json) -> Any:
    """Read the JSON of an answer: alone, or in its first fenced block.

    Args:
        json_string: the answer.
        parser: what reads the JSON; by default it mends what was cut off.

    Raises:
        json.JSONDecodeError: there is no JSON.
    """
    try:
        return parser(json_string.strip(_AROUND))
    except json.JSONDecodeError:
        fence = _FENCE.search(json_string)
        return parser((json_string if fence is None else json_string[fence.end() :]).strip(_AROUND))


def parse_and_check_json_markdown(text: str, expected_keys: list[str]) -> dict[str, Any]:
    """Read the JSON object of an answer, and see that it has these keys.

    Args:
        text: the answer.
        expected_keys: the keys.

    Raises:
        OutputParserException: there is no JSON, it is no object, or a key is missing.
    """
    try:
        value = parse_json_markdown(text)
    except json.JSONDecodeError as error:
        msg = f"Got invalid JSON object. Error: {error}"
        raise OutputParserException(msg, llm_output=text) from error
    if not is_dict(value):
        msg = f"Expected JSON object (dict), but got: {type(value).__name__}."
        raise OutputParserException(msg, llm_output=text)
    for key in expected_keys:
        if key not in value:
            msg = f"Got invalid return object. Expected key `{key}` to be present, but got {value}"
            raise OutputParserException(msg, llm_output=text)
    return value


def _first_value(text: str) -> Any:
    value, end = _lenient.raw_decode(text)
    rest = text[end:].lstrip()
    if rest and not rest.startswith("```") and not (is_dict(value) or is_list(value)):
        # "4 apples" is no JSON, though it begins with some.
        msg = "Extra data"
        raise json.JSONDecodeError(msg, text, end)
    return value


def _as_far_as_it_came(text: str, *, strict: bool = False) -> Any:
    growing = _GROWING_NUMBER.search(text, max(0, len(text) - 64))
    if growing is not None:
        text = text[: growing.end(1)]
    try:
        return from_json(text, allow_partial="trailing-strings")
    except ValueError:
        if strict or _CONTROL.search(text) is None:
            return None
    try:
        return from_json(_with_escaped_controls(text), allow_partial="trailing-strings")
    except ValueError:
        return None


def _with_escaped_controls(text: str) -> str:
    def escaped(literal: re.Match[str]) -> str:
        return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", literal[0])

    return _STRING_LITERAL.sub(escaped, text)
