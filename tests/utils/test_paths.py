"""The reference's module paths lead to where the code lives."""

from __future__ import annotations

import importlib

import pytest

from chatcore import schemas
from chatcore.schemas import _json
from chatcore.utils import env


@pytest.mark.parametrize(
    ("path", "home"),
    [("function_calling", schemas), ("json_schema", schemas), ("json", _json), ("utils", env)],
    ids=["function_calling", "json_schema", "json", "utils"],
)
def test_names_are_the_same_objects(path: str, home: object) -> None:
    ours = importlib.import_module(f"chatcore.utils.{path}")
    reference = importlib.import_module(f"langchain_core.utils.{path}")
    own = {"remove_titles"}
    assert [name for name in ours.__all__ if name not in own and not hasattr(reference, name)] == []
    moved = [name for name in ours.__all__ if hasattr(home, name)]
    assert moved
    assert [name for name in moved if getattr(ours, name) is not getattr(home, name)] == []
