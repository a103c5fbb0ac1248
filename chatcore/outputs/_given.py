"""What was given to a constructor, told from what was left out."""

from __future__ import annotations

from typing import Any

__all__ = ["ABSENT", "given"]


ABSENT: Any = object()
"""Stands for an argument that was left out."""


def given(others: dict[str, Any], **argument: Any) -> dict[str, Any]:
    """All keywords as they were given: one that was left out must be missing, not None, for validation to say so."""
    return {**{name: value for name, value in argument.items() if value is not ABSENT}, **others}
