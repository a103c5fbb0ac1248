"""JSON as models write it, read as the reference reads it, in time that grows with its length."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from langchain_core.utils import json as reference

from chatcore.utils import json as ours

TEXTS = [
    '{"a": "b", "c": [1, {"d": null}]}',
    '{"a": "b", "c": "d',
    '{"a": "b", "c": "d}',
    '{"a": "b\\"',
    '{"a": "b", "c":',
    '{"a": "b", "c"',
    '{"a": "b", ',
    '{"a":"b\\',
    '{"a": [1, 2, {"b": tr',
    '{"a": "two\nlines',
    "[1, 2",
    '{"a": {"b": [',
    '"text',
    "12",
]


@pytest.mark.parametrize("text", TEXTS)
def test_partial_json_is_read_alike(text: str) -> None:
    assert ours.parse_partial_json(text) == reference.parse_partial_json(text)


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "```\n{}```", "Here it is:\n```json\n{}\n```", " {} \n"])
def test_json_in_markdown_is_read_alike(wrap: str) -> None:
    for text in TEXTS[:2]:
        markdown = wrap.replace("{}", text)
        assert ours.parse_json_markdown(markdown) == reference.parse_json_markdown(markdown)


@pytest.mark.parametrize("text", ["no json", "", "```json\nno\n```", "[1]", '{"a": 1}'])
def test_keys_are_checked_alike(text: str) -> None:
    def outcome(library: Any) -> Any:
        try:
            return library.parse_and_check_json_markdown(text, ["a"])
        except ValueError as error:
            return type(error).__name__

    assert outcome(ours) == outcome(reference)


def test_what_is_no_json_is_refused_at_once() -> None:
    begun = time.process_time()
    with pytest.raises(json.JSONDecodeError):
        ours.parse_partial_json("x" * 1_000_000)
    # The reference tries a million prefixes.
    assert time.process_time() - begun < 2
