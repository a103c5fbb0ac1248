"""The package itself: its names are loaded when they are asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import chatcore


@pytest.mark.parametrize("name", chatcore.__all__)
def test_name_is_there_and_is_that_of_its_home(name: str) -> None:
    assert getattr(chatcore, name) is getattr(importlib.import_module(chatcore._HOME[name]), name)


def test_table_declares_what_is_exported() -> None:
    assert sorted(chatcore._HOME) == sorted(chatcore.__all__)
    assert set(chatcore.__all__) <= set(dir(chatcore))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'chatcore' has no attribute 'ChatOpenIA'"):
        chatcore.ChatOpenIA  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    listing = (
        "import sys, chatcore; print([n for n in sys.modules if n.split('.')[0] in ('chatcore', 'pydantic', 'anyio')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout == "['chatcore']\n"
