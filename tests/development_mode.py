"""What a program wrote to its standard error in Python's development mode; tests of whole programs use it."""

from __future__ import annotations

import re


def complaints(stderr: str) -> str:
    """All but asyncio's remarks that a step took long, which say how busy the machine is."""
    return re.sub(r"^Executing <.* took [0-9.]+ seconds\n", "", stderr, flags=re.MULTILINE)
