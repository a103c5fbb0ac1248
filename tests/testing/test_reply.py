from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"name": "f", "arguments": "{}"}, r"tool_calls\[1\].*'args'.*it has \['arguments', 'name'\]"),
        ({"args": {}}, r"tool_calls\[1\].*'name'.*it has \['args'\]"),
        ({"name": "f", "args": {}, "index": 0}, r"tool_calls\[1\].*it has \['args', 'index', 'name'\]"),
        ({"name": 1, "args": {}}, "name.*int"),
        ({"name": "f", "args": None}, "args.*NoneType"),
        ({"name": "f", "args": {}, "id": 7}, "id.*int"),
        ("f", r"tool_calls\[1\] is of type str"),
    ],
    ids=["arguments", "no name", "more", "name", "args", "id", "text"],
)
def test_a_tool_call_of_another_shape_is_refused(call: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Reply(tool_calls=[{"name": "f", "args": {}, "id": "c1"}, call])
    with pytest.raises(ConfigurationError, match="tool_calls is of type dict"):
        Reply(tool_calls={"name": "f", "args": {}})  # type: ignore[arg-type]
