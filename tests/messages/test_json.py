"""JSON with single characters that cannot be read."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.messages._json import mended, read_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (rb'{"a": 1}', {"a": 1}),
        (rb'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        (rb'"\ud83d"', "\ufffd"),
        (rb'"x\uDE00y"', "x\ufffdy"),
        (rb'"\ud83dabc"', "\ufffdabc"),
        (rb'"\ud83d\u0041"', "\ufffdA"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\N{GRINNING FACE}"),
        # An escaped backslash, and then plain letters.
        (rb'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (rb'{"\ud83d": ["\ude00", "\""]}', {"\ufffd": ["\ufffd", '"']}),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"a\nb\x01" ', "a\nb\x01"),
        (b'{\n"a":\t"x\ty"}', {"a": "x\ty"}),
        ('["\ud83d"]', ["\ufffd"]),
    ],
)
def test_a_character_that_cannot_be_read_costs_nothing_but_itself(raw: bytes | str, value: Any) -> None:
    assert read_json(raw) == value


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": "\\ud83d"', b'"\\u00"', b"[" * 5000, b"9" * 5000, b'"\\x"', b"\n"])
def test_what_is_no_json_stays_none(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        read_json(raw)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_json_that_is_right_is_not_changed(value: Any) -> None:
    text = json.dumps(value)
    assert mended(text) == text
    assert read_json(text) == json.loads(text)


@given(st.text(alphabet='"\\ud83de0\n[]:,{}\ud83d', max_size=30))
def test_whatever_is_read_can_be_written(text: str) -> None:
    try:
        value = read_json(text)
    except ValueError:
        return
    json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("unit", ['"', "\\", '"\\', "\\ud83d", '"\\ud83d', "[", "\ud83d"])
def test_what_is_made_to_hurt_costs_its_length(unit: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        read_json('{"a": "\\ud83d", "b":' + unit * 200_000)
    assert time.process_time() - started < 2
