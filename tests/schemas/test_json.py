"""JSON as models write it: read when it is whole, shown as it grows, and never mended in a whole answer."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.utils import json as reference

from chatcore.exceptions import OutputParserException
from chatcore.schemas._json import (
    parse_and_check_json_markdown,
    parse_json_markdown,
    parse_partial_json,
    partial_json,
    whole_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)

CUT = [
    '{"a": "b", "c',
    '{"a": "b", "c"',
    '{"a": "b", "c":',
    '{"a": "b", ',
    '{"a": "b", "c": "d',
    '{"a": "b\\',
    '{"a": [1, 2',
    '{"a": [1, {"b": "c}"',
    "[",
    "{",
    '{"a": 67.',
    '{"a": -',
    '{"a": tru',
    '{"a": "x\ny',
]


@pytest.mark.parametrize("text", CUT)
def test_what_was_cut_off_is_read_as_the_reference_reads_it(text: str) -> None:
    assert parse_partial_json(text) == reference.parse_partial_json(text)
    assert partial_json(text) == reference.parse_partial_json(text)


@pytest.mark.parametrize("text", CUT)
def test_what_was_cut_off_is_no_whole_answer(text: str) -> None:
    for wrapped in (text, f"```json\n{text}", f"Here:\n```\n{text}\n```"):
        with pytest.raises(ValueError, match=r"line \d+ column \d+"):
            whole_json(wrapped)


@given(value=VALUES, fenced=st.booleans())
def test_a_whole_value_is_read_wherever_it_stands(value: Any, fenced: bool) -> None:
    text = json.dumps(value, indent=1)
    assert whole_json(f"Well:\n```json\n{text}\n```\nThat is all." if fenced else text) == value


@given(value=VALUES.filter(lambda value: isinstance(value, dict | list)), data=st.data())
def test_what_grows_never_says_what_will_not_be(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    cut = data.draw(st.integers(0, len(text)))
    found = partial_json(text[:cut])
    assert found is None or is_part_of(found, value)
    assert partial_json(text) == value


def is_part_of(found: Any, whole: Any) -> bool:
    if isinstance(found, dict) and isinstance(whole, dict):
        return all(key in whole and is_part_of(below, whole[key]) for key, below in found.items())
    if isinstance(found, list) and isinstance(whole, list):
        return len(found) <= len(whole) and all(map(is_part_of, found, whole))
    if isinstance(found, str) and isinstance(whole, str):
        return whole.startswith(found)
    # A number may grow by digits: 1 of 12.5.
    return found == whole or (isinstance(found, int | float) and isinstance(whole, int | float))


@pytest.mark.parametrize("text", ["", "no JSON", "4 apples", '"a" b', '{"a": 1', "```json\n```", '{"a": 1, b'])
def test_no_whole_value(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        whole_json(text)


@pytest.mark.parametrize("text", ["", "no JSON", "4 apples", '"a', "true", "so {", "```python\nprint({})\n```"])
def test_nothing_has_begun(text: str) -> None:
    assert partial_json(text) is None


def test_a_number_does_not_come_and_go() -> None:
    text = '{"a": 12.5e+3, "b": 1}'
    seen = [partial_json(text[:end]).get("a") for end in range(len('{"a": 1'), len(text))]
    assert seen[0] == 1
    assert None not in seen
    assert seen[-1] == 12500


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    deep = "[" * 100_000
    assert partial_json(deep) is None
    with pytest.raises((ValueError, RecursionError)):
        whole_json(deep)


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '```json\n{"a": 1}\n```', 'x\n```\n{"a": 1', 'Action:\n```\n{"a": [1]}\n```\nok']
)
def test_markdown_is_read_as_the_reference_reads_it(text: str) -> None:
    assert parse_json_markdown(text) == reference.parse_json_markdown(text)
    assert parse_and_check_json_markdown(text, ["a"]) == reference.parse_and_check_json_markdown(text, ["a"])


@pytest.mark.parametrize(
    ("text", "said"), [("[]", "Expected JSON object"), ("no", "invalid JSON"), ("{}", "Expected key `a`")]
)
def test_what_is_missing_is_told_as_there(text: str, said: str) -> None:
    for check in (parse_and_check_json_markdown, reference.parse_and_check_json_markdown):
        with pytest.raises(ValueError, match=said):
            check(text, ["a"])
    with pytest.raises(OutputParserException) as raised:
        parse_and_check_json_markdown(text, ["a"])
    assert raised.value.llm_output == text


def test_strictness() -> None:
    assert parse_partial_json('{"a": "x\ny"}') == {"a": "x\ny"}
    assert parse_partial_json('{"a": "x\ny', strict=True) == {"a": "x"}
    with pytest.raises(json.JSONDecodeError):
        parse_partial_json("nothing")
    assert math.isnan(parse_partial_json("NaN"))


def test_another_parser_of_markdown() -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json_markdown('```\n{"a": 1', parser=json.loads)
