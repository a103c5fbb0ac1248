"""The reference's paths: each name that it has there is here, or its absence has a reason."""

from __future__ import annotations

import importlib
import inspect

import pytest

from chatcore.language_models.base import BaseLanguageModel
from chatcore.model import BaseChatModel

LEFT_OUT = {
    "LLM": "text models",
    "BaseLLM": "text models",
}


@pytest.mark.parametrize("path", ["language_models", "language_models.base", "language_models.chat_models"])
def test_the_names_of_the_reference(path: str) -> None:
    ours = importlib.import_module(f"chatcore.{path}")
    theirs = importlib.import_module(f"langchain_core.{path}")
    wanted = {
        name
        for name in getattr(theirs, "__all__", None) or vars(theirs)
        # A module without `__all__`: what it defines, and not what it has imported or parametrized.
        if hasattr(theirs, "__all__") or (name.isidentifier() and theirs.__name__ == _home(getattr(theirs, name)))
    }
    assert {name for name in wanted if not name.startswith("_")} - set(ours.__all__) - LEFT_OUT.keys() == set()


def _home(value: object) -> object:
    return getattr(value, "__module__", None) if inspect.isclass(value) or inspect.isfunction(value) else None


def test_every_model_is_a_chat_model() -> None:
    assert BaseLanguageModel is BaseChatModel
