"""The reference's module path of the typed stream has the reference's names."""

from __future__ import annotations

import pytest

from chatcore import typed_stream
from chatcore.language_models import chat_model_stream

theirs = pytest.importorskip(
    "langchain_core.language_models.chat_model_stream", reason="the reference is not installed"
)


def test_names() -> None:
    assert set(chat_model_stream.__all__) == set(theirs.__all__)
    assert all(getattr(chat_model_stream, name) is getattr(typed_stream, name) for name in theirs.__all__)
