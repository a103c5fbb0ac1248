"""Fragments of the changelog are what towncrier will take, and say something."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KINDS = {
    kind["directory"]
    for kind in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]["type"]
}


def faults(fragment: Path) -> list[str]:
    found: list[str] = []
    name = re.fullmatch(r"\+[a-z0-9]+(?:-[a-z0-9]+)*\.([a-z]+)\.md", fragment.name)
    if name is None or name[1] not in KINDS:
        found.append(f"its name is not +<words>.<{'|'.join(sorted(KINDS))}>.md")
    text = fragment.read_text(encoding="utf-8")
    if not text.rstrip().endswith((".", "`", ")")) or not text.endswith("\n"):
        found.append("it does not end as a sentence, on a line of its own")
    if text.lstrip().startswith(("#", "-", "*")):
        found.append("it is to be prose: towncrier makes the list and the headings")
    return found


def fragments() -> list[Path]:
    return sorted(path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md")


@pytest.mark.parametrize("fragment", fragments(), ids=lambda path: path.name)
def test_fragment_is_well_formed(fragment: Path) -> None:
    assert faults(fragment) == []


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("+good-one.fixed.md", "Streams close.\n", 0),
        ("12.fixed.md", "Streams close.\n", 1),
        ("+good-one.feature.md", "Streams close.\n", 1),
        ("+good-one.fixed.md", "- streams", 2),
        ("+empty.fixed.md", "", 1),
    ],
)
def test_faults_are_seen(tmp_path: Path, name: str, text: str, count: int) -> None:
    fragment = tmp_path / name
    fragment.write_text(text, encoding="utf-8")
    assert len(faults(fragment)) == count
