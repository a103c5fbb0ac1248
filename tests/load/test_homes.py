from __future__ import annotations

import importlib

import pytest
from langchain_core.load.mapping import SERIALIZABLE_MAPPING

from chatcore.load import Serializable
from chatcore.load._homes import HOMES, MESSAGES, Home, home_of

CLASSES = [(home, name) for home in HOMES for name in home.names]


@pytest.mark.parametrize(("home", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_a_class_is_at_home_and_writes_its_own_id(home: Home, name: str) -> None:
    cls = getattr(importlib.import_module(home.module), name)
    assert issubclass(cls, Serializable)
    assert cls.is_lc_serializable()
    assert cls.lc_id() == [*home.namespaces[0], name]
    assert home_of(tuple(cls.lc_id())) == home


@pytest.mark.parametrize("path", [path for path in SERIALIZABLE_MAPPING if home_of(path)], ids=".".join)
def test_the_reference_has_the_same_ids(path: tuple[str, ...]) -> None:
    target = SERIALIZABLE_MAPPING[path]
    assert home_of(target) == home_of(path), "the module path of the reference leads to the same class"


def test_messages_are_messages() -> None:
    assert {home.module for home in HOMES if MESSAGES & set(home.names)} == {"chatcore.messages"}
