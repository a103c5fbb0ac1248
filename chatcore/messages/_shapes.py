"""Telling dicts and lists apart in data from outside.

`isinstance(value, dict)` leaves strict type checkers with a dict of unknowns; these say what JSON has: string keys,
any value.
"""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_dict", "is_list", "is_sequence"]


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is a dict."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a list."""
    return isinstance(value, list)


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether `value` is a list or a tuple."""
    return isinstance(value, list | tuple)
