"""docs/porting.md: its program, written for the reference, does the same here when its imports are renamed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).parent.parent / "docs" / "porting.md"


@pytest.fixture
def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_program_does_the_same_with_its_imports_renamed(blocks: list[str]) -> None:
    before, afterwards = blocks
    renamed = before.replace("langchain_core", "chatcore")
    assert renamed != before
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(renamed, str(GUIDE), "exec"), names)  # noqa: S102 - our own document
    assert names["result"] == "There will be rain in Paris."
    assert type(names["model"]).__module__ == "__main__"
    exec(compile(afterwards, str(GUIDE), "exec"), names)  # noqa: S102 - as above
    assert names["last"].text == names["result"]
