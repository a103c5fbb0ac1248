"""The elements of a JSON array, under every cutting of its bytes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import MalformedResponseError
from chatcore.http.json_array import JSONArrayDecoder


def elements_of(parts: list[bytes], **settings: int) -> list[bytes]:
    decoder = JSONArrayDecoder(**settings)
    events = [event for part in parts for event in decoder.feed(part)]
    last = decoder.finish()
    return [event.data for event in ([*events, last] if last is not None else events)]


@pytest.mark.parametrize(
    ("stream", "elements"),
    [
        (b"", []),
        (b"[]", []),
        (b"[\r\n]\r\n", []),
        (b"[{}]", [b"{}"]),
        (b"[{}\n,\r\n{}\n]\n", [b"{}", b"{}"]),
        (b"\xef\xbb\xbf[{}", [b"{}"]),
        (b'[{"a": {"b": [1, {"c": 2}]}} , [[]] ]', [b'{"a": {"b": [1, {"c": 2}]}}', b"[[]]"]),
        (
            b'[{"a": "}]\\""},{"b": "\\\\"},{"c": "\\\\\\"]"}]',
            [b'{"a": "}]\\""}', b'{"b": "\\\\"}', b'{"c": "\\\\\\"]"}'],
        ),
        (b'[{"a": 1}{"b": 2}] {"c": 3}', [b'{"a": 1}', b'{"b": 2}']),
        (b'[{"cut": "sho', [b'{"cut": "sho']),
        (b'[{"a": 1}, nonsense, {"b": 2}]', [b'{"a": 1}', b"nonsense", b'{"b": 2}']),
        (b"[1, 2]", [b"1, 2"]),
        (b'{"error": {}}', [b'{"error": {}}']),
        (b"nonsense", [b"nonsense"]),
    ],
)
def test_elements_come_as_they_were_written_wherever_they_are_cut(stream: bytes, elements: list[bytes]) -> None:
    assert elements_of([stream]) == elements
    assert elements_of([stream[at : at + 1] for at in range(len(stream))]) == elements
    for at in range(len(stream)):
        assert elements_of([stream[:at], stream[at:]]) == elements


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('{}[]"\\,a', max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text('{}[]"\\,a', max_size=3), JSON, max_size=3)), st.integers(1, 7), st.booleans())
def test_whatever_the_elements_hold(given_elements: list[dict[str, Any]], size: int, pretty: bool) -> None:
    stream = json.dumps(given_elements, indent=2 if pretty else None, ensure_ascii=not pretty).encode()
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [json.loads(element) for element in elements_of(parts)] == given_elements
    assert elements_of(parts) == elements_of([stream])


@given(st.lists(st.binary(max_size=20)), st.binary(max_size=3))
def test_how_bytes_are_cut_does_not_matter(parts: list[bytes], first: bytes) -> None:
    stream = b"[" + first + b"".join(parts)
    elements = elements_of([b"[", first, *parts])
    assert elements == elements_of([stream])
    assert elements == elements_of([stream[at : at + 1] for at in range(len(stream))])


def test_an_element_has_no_name_and_no_id() -> None:
    assert JSONArrayDecoder().feed(b"[{}") == [(None, b"{}", "")]


def test_an_element_over_the_cap_is_refused_after_those_before_it() -> None:
    decoder = JSONArrayDecoder(max_event_bytes=7)
    assert [event.data for event in decoder.feed(b'[{"a":1},{"a":12},{"a":1}')] == [b'{"a":1}']
    with pytest.raises(MalformedResponseError, match="cap of 7 bytes"):
        decoder.feed(b"]")
    with pytest.raises(MalformedResponseError):
        decoder.finish()


@pytest.mark.parametrize("begins", [b"[", b'[{"a":"', b"[1234"])
def test_what_has_no_end_is_not_kept(begins: bytes) -> None:
    decoder = JSONArrayDecoder(max_event_bytes=8)
    with pytest.raises(MalformedResponseError):
        for _ in range(10):
            decoder.feed(begins)
            begins = b" "


@pytest.mark.parametrize("piece", [b'"\\\\\\"', b"{[", b"     ", b"\\\\\\\\"])
def test_a_large_element_in_many_parts_costs_its_size(piece: bytes) -> None:
    def seconds(size: int) -> float:
        decoder = JSONArrayDecoder()
        decoder.feed(b'[{"')
        started = time.process_time()
        for _ in range(size):
            decoder.feed(piece)
        assert decoder.finish() is not None
        return time.process_time() - started

    seconds(1000)
    assert seconds(80_000) < 40 * max(seconds(8_000), 0.001)
