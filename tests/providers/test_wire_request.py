"""What every codec's encoder has in common: JSON, blocks, sources of data, tools."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from chatcore.errors import InvalidInputError
from chatcore.providers._wire_request import (
    Source,
    Where,
    extras_of,
    is_block,
    openai_tool,
    stop_words,
    to_json,
    tool_name,
)


def test_json_names_the_parameter_that_is_none() -> None:
    assert to_json({"a": [1, "é"]}) == '{"a":[1,"é"]}'.encode()
    with pytest.raises(InvalidInputError, match="'tools' cannot be written as JSON"):
        to_json({"model": "m", "tools": object()})


def test_where_names_message_and_block() -> None:
    assert "Message 3 (human) has a block 'image' that cannot be sent: no." in str(
        Where(3, "human", {"type": "image"}).error("no")
    )
    assert "of type int" in str(Where(0, "human", 5).error("no"))


def test_stop_words() -> None:
    assert stop_words("END") == ["END"]
    assert stop_words(("a", "b")) == ["a", "b"]
    with pytest.raises(InvalidInputError, match="stop is of type int"):
        stop_words(3)


def test_what_is_a_block() -> None:
    assert is_block({"type": "text"})
    assert not is_block({"type": 3})
    assert not is_block("text")
    assert extras_of({"extras": None}) == {}


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ({"url": "https://a/b"}, ("https://a/b", None, None, None)),
        ({"base64": "QQ==", "mime_type": "image/png"}, (None, "QQ==", None, "image/png")),
        ({"file_id": "f"}, (None, None, "f", None)),
        ({"source_type": "id", "id": "f"}, (None, None, "f", None)),
        ({"source_type": "base64", "data": "QQ==", "mime_type": "a/b"}, (None, "QQ==", None, "a/b")),
        (
            {"source": {"type": "base64", "data": "QQ==", "media_type": "image/png"}},
            (None, "QQ==", None, "image/png"),
        ),
        ({"source": {"type": "url", "url": "https://a"}}, ("https://a", None, None, None)),
        ({"source": {"type": "text", "data": "words", "media_type": "text/plain"}}, (None, None, None, "text/plain")),
    ],
    ids=["url", "base64", "file id", "older id", "older base64", "Anthropic's", "Anthropic's url", "Anthropic's text"],
)
def test_where_data_is(block: dict[str, Any], found: tuple[Any, ...]) -> None:
    source = Source(block)
    assert (source.url, source.data, source.file_id, source.mime_type) == found


class Weather(BaseModel):
    """A class that is no tool yet."""

    city: str


def weather(city: str) -> str:
    """A function that is no tool yet."""
    return city


@pytest.mark.parametrize("given", [Weather, weather, 3], ids=["class", "function", "number"])
def test_what_is_no_tool_says_how_to_make_it_one(given: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"tools\[2\] is .*give"):
        openai_tool(given, 2)


def test_tools_in_other_forms() -> None:
    schema = {"type": "object", "properties": {}}
    function = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert openai_tool(function, 0) is function
    assert openai_tool({"name": "f", "input_schema": schema}, 0) == function
    assert openai_tool({"title": "f", "type": "object", "properties": {}}, 0) == function
    assert openai_tool({"type": "web_search"}, 0) == {"type": "web_search"}
    assert tool_name(function) == "f"
    assert tool_name({"type": "web_search"}) == "web_search"
    with pytest.raises(InvalidInputError, match="has no name"):
        openai_tool({"parameters": schema}, 0)
