"""Recorded traffic of real providers: `../shared/traffic` beside the checkout; test data, no part of the project."""

from __future__ import annotations

import gc
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "traffic"


@cache
def rows(dialect: str) -> list[dict[str, Any]]:
    """Every recorded interaction of one wire dialect; skips the test where the recordings are absent."""
    path = FOLDER / f"{dialect}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the recorded traffic is not here: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    # Tests collect garbage to find what was not closed; they need not look through these each time.
    gc.freeze()
    return found
