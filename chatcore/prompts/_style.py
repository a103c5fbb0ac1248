"""How variables look in a terminal."""

from __future__ import annotations

__all__ = ["highlighted"]


def highlighted(text: str) -> str:
    """A variable, in yellow."""
    return f"\033[33;1m\033[1;3m{text}\033[0m"
