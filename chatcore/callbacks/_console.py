"""Text with colours, for terminals and for files that want them."""

from __future__ import annotations

import sys
from typing import TextIO

__all__ = ["bold", "colored", "put"]

_CODES = {
    "blue": "36;1",
    "yellow": "33;1",
    "pink": "38;5;200",
    "green": "32;1",
    "red": "31;1",
}
"""Colours by their names, as parameters of the terminal's SGR sequence (ECMA-48, 8.3.117)."""


def colored(text: str, color: str | None) -> str:
    """The text in a colour, bold and in italics; as it is for no colour or one that has no name here."""
    code = _CODES.get(color or "")
    return text if code is None else f"\x1b[{code}m\x1b[1;3m{text}\x1b[0m"


def bold(text: str) -> str:
    """The text in bold."""
    return f"\x1b[1m{text}\x1b[0m"


def put(text: str, color: str | None = None, end: str = "", file: TextIO | None = None) -> None:
    """Write text, at once: nobody should wait for it until a buffer is full.

    Args:
        text: the text.
        color: its colour: `"blue"`, `"yellow"`, `"pink"`, `"green"` or `"red"`.
        end: what is written after it.
        file: where to; None: standard output, as it is now.
    """
    out = sys.stdout if file is None else file
    out.write(colored(text, color) + end)
    out.flush()
