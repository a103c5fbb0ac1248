"""JSON that others wrote, read in spite of single characters that JSON or Unicode forbids."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from pydantic_core import from_json

__all__ = ["mended", "read_json"]

_LITERAL: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_PAIR: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF: Final = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_PIECE: Final = re.compile(rf"(?:{_PAIR})|(?P<half>{_HALF})|\\.|(?P<control>[\x00-\x1f])", re.DOTALL)
_HALVES: Final = re.compile("[\ud800-\udfff]")
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"

_CAN_BE_MENDED: Final = ("hex escape", "control character", "unicode code point")
"""Words of the parser's for what is wrong with a single character."""

_MAX_MENDED: Final = 16 * 1024 * 1024


def read_json(given: bytes | str) -> Any:
    """The value that `given` holds; a character that cannot be read is U+FFFD, and costs nothing but itself.

    Halves of surrogate pairs come from providers that cut text between two escapes of one character; bytes that are
    no UTF-8, from those that cut it between two bytes; raw line breaks inside strings, from models.

    Raises ValueError for what is no JSON all the same.
    """
    try:
        return from_json(given)
    except TypeError:  # a str with half a pair in it
        text = cast("str", given)
    except ValueError as error:
        # Only what can be mended is gone through again: it may be long.
        if len(given) > _MAX_MENDED or not any(words in str(error) for words in _CAN_BE_MENDED):
            raise
        text = given if isinstance(given, str) else given.decode("utf-8", "replace")
    return from_json(mended(text))


def mended(text: str) -> str:
    """JSON text without what no strict parser takes inside a string; in time linear in its length."""
    return _LITERAL.sub(_mended_literal, _HALVES.sub(_UNKNOWN, text))


def _mended_literal(literal: re.Match[str]) -> str:
    return _PIECE.sub(_mended_piece, literal[0])


def _mended_piece(piece: re.Match[str]) -> str:
    if piece["half"]:
        return r"\ufffd"
    return f"\\u{ord(piece[0]):04x}" if piece["control"] else piece[0]
