from __future__ import annotations

import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import Reply


def test_the_text_is_the_chunks_joined() -> None:
    assert Reply(chunks=["He", "llo", {"content": "!"}]).text == "Hello"
    assert Reply(chunks=[{"content": "!"}]).text is None


def test_chunks_must_join_to_the_text() -> None:
    assert Reply("Hello", chunks=["Hel", "lo"]).text == "Hello"
    with pytest.raises(ConfigurationError, match="'Hel', but its text is 'Hello'"):
        Reply("Hello", chunks=["Hel"])


def test_a_header_cannot_smuggle_another() -> None:
    with pytest.raises(ConfigurationError, match="line break"):
        Reply(headers={"x-a": "1\r\nx-b: 2"})
