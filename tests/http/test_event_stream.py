"""AWS event streams beside botocore's reader, under every cut, damage and size."""

from __future__ import annotations

import struct
import time
import zlib
from typing import Any
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.errors import MalformedResponseError
from chatcore.http.event_stream import EventStreamDecoder, headers_of
from chatcore.http.sse import ServerSentEvent
from tests.http.event_streams import event, exception, failure, framed

DELTA = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Grüße\u2028"}, "p": "abc"})
READ = ServerSentEvent(
    "contentBlockDelta", '{"contentBlockIndex": 0, "delta": {"text": "Grüße\u2028"}, "p": "abc"}'.encode(), ""
)

ID = "0d5cb7a6-3b1c-4c0f-8a3e-5a8f1f0d2b11"
HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=12),
    st.one_of(
        st.just((0, True)),
        st.just((1, False)),
        st.tuples(st.just(2), st.integers(-(2**7), 2**7 - 1)),
        st.tuples(st.just(3), st.integers(-(2**15), 2**15 - 1)),
        st.tuples(st.just(4), st.integers(-(2**31), 2**31 - 1)),
        st.tuples(st.just(5), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just(6), st.binary(max_size=40)),
        st.tuples(st.just(7), st.text(max_size=40)),
        st.tuples(st.just(8), st.integers(0, 2**45)),
        st.tuples(st.just(9), st.uuids()),
    ),
    max_size=6,
)


def decoded(*parts: bytes, cap: int = 1_000_000) -> list[ServerSentEvent]:
    decoder = EventStreamDecoder(cap)
    events = [event for part in parts for event in decoder.feed(part)]
    decoder.finish()
    return events


def test_events_exceptions_and_errors_by_their_names() -> None:
    stream = DELTA + exception("throttlingException", {"message": "Slow down"}) + failure("Gone", "It is gone")
    assert decoded(stream) == [
        READ,
        ServerSentEvent("throttlingException", b'{"message": "Slow down"}', ""),
        ServerSentEvent("error", b'{"message":"It is gone","code":"Gone"}', ""),
    ]


def test_what_has_no_name() -> None:
    unnamed = framed({}, b"{}") + framed({":message-type": (7, "exception")}, b"{}") + framed({":event-type": (4, 7)})
    assert decoded(unnamed) == [
        ServerSentEvent(None, b"{}", ""),
        ServerSentEvent("exception", b"{}", ""),
        ServerSentEvent(None, b"", ""),
    ]


@given(HEADERS, st.binary(max_size=200), st.integers(1, 40))
def test_any_headers_and_payload_as_botocore_reads_them(headers: dict[str, Any], payload: bytes, size: int) -> None:
    stream = framed(headers, payload) * 2
    theirs = EventStreamBuffer()
    theirs.add_data(stream)
    read = list(theirs)
    assert [message.payload for message in read] == [payload] * 2
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [found.data for found in decoded(*parts)] == [payload] * 2
    ours = headers_of(stream[12 : 12 + struct.unpack_from(">I", stream, 4)[0]])
    # botocore gives a UUID as its bytes.
    assert {name: value.bytes if isinstance(value, UUID) else value for name, value in ours.items()} == read[0].headers


def test_headers_of_every_type() -> None:
    raw = framed({"yes": (0, True), "no": (1, False), "at": (8, 1_700_000_000_000), "id": (9, ID), "raw": (6, b"\0")})
    (length,) = struct.unpack_from(">I", raw, 4)
    assert headers_of(raw[12 : 12 + length]) == {
        "yes": True,
        "no": False,
        "at": 1_700_000_000_000,
        "id": UUID(ID),
        "raw": b"\0",
    }


def test_every_cut_gives_the_same_events() -> None:
    stream = DELTA + exception("validationException", {"message": "No"})
    expected = decoded(stream)
    for cut in range(len(stream)):
        assert decoded(stream[:cut], stream[cut:]) == expected
    assert decoded(*(stream[at : at + 1] for at in range(len(stream)))) == expected


def test_an_event_cut_short_is_none() -> None:
    assert decoded(DELTA + DELTA[:-1]) == [READ]
    assert decoded(DELTA[:7]) == []


def test_any_damaged_bit_is_an_error() -> None:
    for position in range(len(DELTA)):
        for bit in range(8):
            damaged = bytearray(DELTA)
            damaged[position] ^= 1 << bit
            with pytest.raises(MalformedResponseError, match="cannot be read"):
                decoded(bytes(damaged) + DELTA)


def test_events_before_the_damage_are_given_first() -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(DELTA + b"\0" * 12) == [READ]
    with pytest.raises(MalformedResponseError, match="no event stream at all"):
        decoder.feed(b"")
    with pytest.raises(MalformedResponseError, match="no event stream at all"):
        decoder.finish()


def test_what_is_no_event_stream() -> None:
    with pytest.raises(MalformedResponseError, match="no event stream at all"):
        decoded(b'data: {"a": 1}\n\n')


def _with_lengths(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers", "said"),
    [
        (1_000_001, 0, "an event of 1,000,001 bytes is larger than the cap of 1,000,000"),
        (0, 0, "an event of 0 bytes"),
        (15, 0, "an event of 15 bytes"),
        (40, 25, "25 bytes of headers"),
        (900_000, 128 * 1024 + 1, "131,073 bytes of headers"),
        (2**32 - 1, 2**32 - 1, "larger than the cap"),
    ],
)
def test_lengths_that_cannot_be(total: int, headers: int, said: str) -> None:
    with pytest.raises(MalformedResponseError, match=said):
        # Refused as soon as the lengths are there: nothing is collected for them.
        decoded(_with_lengths(total, headers))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x05abc",  # a name cut short
        b"\x01a",  # no type
        b"\x01a\x0a",  # a type that there is not
        b"\x01a\x04\0\0",  # a number cut short
        b"\x01a\x07\0\x05abc",  # a text cut short
        b"\x01a\x06\0",  # a length cut short
        b"\x01a\x09" + b"\0" * 15,  # an id cut short
        b"\x01\xff\x00",  # a name that is no UTF-8
        b"\x01a\x07\0\x01\xff",  # a text that is no UTF-8
    ],
)
def test_headers_that_cannot_be_read(raw: bytes) -> None:
    with pytest.raises(MalformedResponseError, match="header"):
        headers_of(raw)
    lengths = struct.pack(">II", 12 + len(raw) + 4, len(raw))
    stream = lengths + struct.pack(">I", zlib.crc32(lengths)) + raw
    with pytest.raises(MalformedResponseError, match="header"):
        decoded(stream + struct.pack(">I", zlib.crc32(stream)))


@given(st.lists(st.binary(max_size=40), max_size=8))
@example([DELTA[:11], DELTA[11:12], DELTA[12:]])
def test_only_typed_errors_come_of_any_bytes(parts: list[bytes]) -> None:
    try:
        decoded(*parts)
    except MalformedResponseError as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - an error is one of two good ends


def test_more_headers_than_are_remembered() -> None:
    stream = b"".join(event(f"event{number}", number) for number in range(200))
    assert [found.event for found in decoded(stream * 2)] == [f"event{number}" for number in range(200)] * 2


def test_a_large_event_in_small_parts_costs_no_more_than_its_size() -> None:
    large = event("contentBlockDelta", {"text": "x" * 400_000})

    def seconds(size: int) -> float:
        parts = [large[at : at + size] for at in range(0, len(large), size)]
        began = time.process_time()
        assert len(decoded(*parts)) == 1
        return time.process_time() - began

    # Quadratic, it would be hundreds of times as long.
    assert seconds(10) < 200 * max(seconds(100_000), 0.001)
