"""Lines of JSON, under every cutting of their bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import MalformedResponseError
from chatcore.http.ndjson import NDJSONDecoder


def lines_of(parts: list[bytes], **settings: int) -> list[bytes]:
    decoder = NDJSONDecoder(**settings)
    events = [event for part in parts for event in decoder.feed(part)]
    last = decoder.finish()
    return [event.data for event in ([*events, last] if last is not None else events)]


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"", []),
        (b"\n", []),
        (b"{}", [b"{}"]),
        (b"{}\n", [b"{}"]),
        (b"{}\r\n[]\r\n", [b"{}", b"[]"]),
        (b"\n\r\n  \n{}\n\n\t\n[]", [b"{}", b"[]"]),
        (b"\xef\xbb\xbf{}\n", [b"{}"]),
        (b"\n\xef\xbb\xbf {}\n\xef\xbb\xbf", [b"{}", b"\xef\xbb\xbf"]),
        (b"\xef\xbb", [b"\xef\xbb"]),
        ('"a\N{LINE SEPARATOR}b\x85\N{PARAGRAPH SEPARATOR}"\n1'.encode(), None),
        (b'{"a": "\\n"}\n{"cut', [b'{"a": "\\n"}', b'{"cut']),
    ],
)
def test_lines_come_as_they_were_written_wherever_they_are_cut(stream: bytes, lines: list[bytes] | None) -> None:
    wanted = stream.split(b"\n") if lines is None else lines
    assert lines_of([stream]) == wanted
    assert lines_of([stream[at : at + 1] for at in range(len(stream))]) == wanted


@given(st.lists(st.binary(max_size=20)))
def test_how_bytes_are_cut_does_not_matter(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    lines = lines_of(parts)
    assert lines == lines_of([stream])
    assert lines == lines_of([stream[at : at + 1] for at in range(len(stream))])


def test_a_line_has_no_name_and_no_id() -> None:
    assert NDJSONDecoder().feed(b"1\n") == [(None, b"1", "")]


def test_a_line_over_the_cap_is_refused_after_those_before_it() -> None:
    decoder = NDJSONDecoder(max_event_bytes=4)
    assert [event.data for event in decoder.feed(b"1234\n12345\n1\n")] == [b"1234"]
    with pytest.raises(MalformedResponseError, match="cap of 4 bytes"):
        decoder.feed(b"1\n")
    with pytest.raises(MalformedResponseError):
        decoder.finish()


def test_a_line_without_end_is_not_kept() -> None:
    decoder = NDJSONDecoder(max_event_bytes=4)
    assert decoder.feed(b"12") == []
    with pytest.raises(MalformedResponseError):
        decoder.feed(b"345")


def test_a_large_line_in_many_parts_costs_its_size() -> None:
    def seconds(size: int) -> float:
        decoder = NDJSONDecoder()
        started = time.process_time()
        for _ in range(size):
            decoder.feed(b"0123456789")
        assert decoder.finish() is not None
        return time.process_time() - started

    seconds(1000)
    assert seconds(80_000) < 40 * max(seconds(8_000), 0.001)
