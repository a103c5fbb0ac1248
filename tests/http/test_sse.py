from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.errors import MalformedResponseError
from chatcore.http.sse import ServerSentEvent, SSEDecoder

TRAFFIC = Path(__file__).parents[3] / "shared" / "traffic"


@dataclass
class Reference:
    """The standard's algorithm, one byte at a time, with nothing clever in it."""

    events: list[ServerSentEvent] = field(default_factory=list)
    last_id: bytes = b""
    name: bytes = b""
    data: bytes = b""
    retry: int | None = None

    def decode(self, stream: bytes) -> list[ServerSentEvent]:
        stream = stream.removeprefix("\N{BOM}".encode())
        line = b""
        position = 0
        while position < len(stream):
            byte = stream[position : position + 1]
            position += 1
            if byte == b"\r" and stream[position : position + 1] == b"\n":
                position += 1
            if byte in (b"\r", b"\n"):
                self.line(line)
                line = b""
            else:
                line += byte
        # An unfinished line is taken as a line, then an unfinished event as an event: this is `finish`.
        if line:
            self.line(line)
        self.line(b"")
        return self.events

    def line(self, line: bytes) -> None:
        if line == b"":
            if self.data:
                self.events.append(
                    ServerSentEvent(
                        self.name.decode(errors="replace") or None,
                        self.data[:-1],
                        self.last_id.decode(errors="replace"),
                    )
                )
            self.name = self.data = b""
            return
        if line.startswith(b":"):
            return
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self.data += value + b"\n"
        elif name == b"event":
            self.name = value
        elif name == b"id" and b"\0" not in value:
            self.last_id = value
        elif name == b"retry" and value and all(byte in b"0123456789" for byte in value):
            self.retry = int(value)


def decoded(parts: list[bytes], **settings: int) -> list[ServerSentEvent]:
    decoder = SSEDecoder(**settings)
    events = [event for part in parts for event in decoder.feed(part)]
    last = decoder.finish()
    return events if last is None else [*events, last]


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(place % (len(stream) + 1) for place in at)})
    return [stream[a:b] for a, b in pairwise(places)]


LINES = st.sampled_from(
    [
        *(b"data: a", b"data: b", b"data:", b"data", b"data:  c", b"", b"", b""),
        *(
            b"event: e",
            b"event",
            b"id: 7",
            b"id",
            b"id: \0",
            b"id: 8\0",
            b"retry: 3",
            b"retry: x",
            b": ping",
            b":",
            b"x",
        ),
        *("data: \N{LINE SEPARATOR}".encode(), "\N{BOM}data: b".encode(), "data: é".encode(), b"data: \xff\x85\x0b"),
    ]
)
ENDINGS = st.sampled_from([b"\n", b"\r", b"\r\n"])
WHOLE = st.builds(
    lambda start, lines, ending, cut: (start + b"".join(line + (ending or own) for line, own in lines))[: -cut or None],
    start=st.sampled_from([b"", "\N{BOM}".encode()]),
    lines=st.lists(st.tuples(LINES, ENDINGS), max_size=12),
    ending=st.none() | ENDINGS,
    cut=st.integers(0, 3),
)
# Streams that are nearly right, and heaps of what streams are made of.
STREAMS = WHOLE | st.lists(LINES | ENDINGS | st.binary(max_size=2), max_size=20).map(b"".join)


@given(stream=STREAMS, at=st.lists(st.integers(0, 200), max_size=12))
@example(stream=b"data: a\r\ndata: b\r\n\r\n", at=[8, 9, 10])
@example(stream=b"id: 1\n\nid: \0\ndata: a\n\n", at=[])
@example(stream="\N{BOM}data: first\n\n".encode(), at=[1, 2])
def test_every_chunking_decodes_as_the_standard_says(stream: bytes, at: list[int]) -> None:
    reference = Reference()
    expected = reference.decode(stream)
    assert decoded([stream]) == expected
    assert decoded(cut(stream, at)) == expected
    assert decoded([stream[i : i + 1] for i in range(len(stream))]) == expected
    decoder = SSEDecoder()
    decoder.feed(stream)
    decoder.finish()
    assert decoder.retry == reference.retry


@given(stream=STREAMS, at=st.lists(st.integers(0, 200), max_size=12), cap=st.integers(1, 20))
@example(stream=b"data: a\n\ndata: b\n\n", at=[8], cap=7)
def test_the_cap_falls_on_the_same_event_under_every_chunking(stream: bytes, at: list[int], cap: int) -> None:
    def outcome(parts: list[bytes]) -> tuple[list[ServerSentEvent], bool]:
        decoder = SSEDecoder(cap)
        events: list[ServerSentEvent] = []
        try:
            for part in parts:
                events += decoder.feed(part)
            last = decoder.finish()
        except MalformedResponseError:
            return events, True
        return (events if last is None else [*events, last]), False

    assert outcome([stream]) == outcome(cut(stream, at)) == outcome([stream[i : i + 1] for i in range(len(stream))])


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: {}\n\n", [(None, b"{}", "")]),
        (b"data:{}\n\n", [(None, b"{}", "")]),
        (b"data:  two spaces\n\n", [(None, b" two spaces", "")]),
        (b"data\n\n", [(None, b"", "")]),
        (b"data: a\ndata\ndata: b\n\n", [(None, b"a\n\nb", "")]),
        (b"event: delta\ndata: 1\n\ndata: 2\n\n", [("delta", b"1", ""), (None, b"2", "")]),
        (b"event: nothing\n\n", []),
        (b"event: nothing\n\ndata: 1\n\n", [(None, b"1", "")]),
        (b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [(None, b"a", "1"), (None, b"b", "1"), (None, b"c", "")]),
        (b"id: 1\n\ndata: b\n\n", [(None, b"b", "1")]),
        (b": ping\n\n: ping\n\ndata: 1\n\n", [(None, b"1", "")]),
        (b"data: a\rdata: b\r\r", [(None, b"a\nb", "")]),
        ("data: a\N{LINE SEPARATOR}b\x85c\n\n".encode(), [(None, "a\N{LINE SEPARATOR}b\x85c".encode(), "")]),
        ("\N{BOM}data: 1\n\n".encode(), [(None, b"1", "")]),
        ("data: 1\n\n\N{BOM}data: 2\n\n".encode(), [(None, b"1", "")]),
        (b"Data: 1\nunknown: 2\n\n", []),
        (b"", []),
    ],
)
def test_the_standards_rules(stream: bytes, expected: list[tuple[str | None, bytes, str]]) -> None:
    assert decoded([stream]) == expected


def test_an_event_is_returned_as_soon_as_its_blank_line_is_there() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\r\n\r") == [(None, b"1", "")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: 2\n\n") == [(None, b"2", "")]


def test_the_last_event_may_lack_its_blank_line() -> None:
    for ending in (b"", b"\n", b"\r"):
        decoder = SSEDecoder()
        assert decoder.feed(b"data: 1\n\ndata: [DONE]" + ending) == [(None, b"1", "")]
        assert decoder.finish() == (None, b"[DONE]", "")
        assert decoder.finish() is None


def test_an_event_larger_than_the_cap_is_an_error_that_says_so() -> None:
    decoder = SSEDecoder(max_event_bytes=1000)
    assert decoder.feed(b"data: 1\n\ndata: " + b"x" * 1000) == [(None, b"1", "")]
    with pytest.raises(MalformedResponseError, match=r"larger than the cap of 1,000 bytes"):
        decoder.feed(b"")
    with pytest.raises(MalformedResponseError):
        decoder.finish()


def test_an_endless_number_is_no_retry_time() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"retry: " + b"9" * 5000 + b"\n\nretry: 250\n\n")
    assert decoder.retry == 250


class CountingBytes(bytearray):
    looked_at = 0

    def find(self, sub: bytes, start: int = 0, *rest: int) -> int:  # type: ignore[override]
        CountingBytes.looked_at += len(self) - start
        return super().find(sub, start, *rest)


def test_a_large_event_in_many_parts_costs_no_more_than_its_size() -> None:
    decoder = SSEDecoder()
    decoder._pending = CountingBytes()
    size = 0
    for part in [b"data: ", *[b"x" * 64] * 4000, b"\n\n"]:
        size += len(part)
        events = decoder.feed(part)
    assert len(events[0].data) == 4000 * 64
    assert size <= CountingBytes.looked_at <= 2 * size


@pytest.mark.skipif(not TRAFFIC.exists(), reason="the recorded traffic is not beside this checkout (../shared/traffic)")
@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic-messages", "gemini"])
def test_recorded_streams_decode_as_the_standard_says(dialect: str) -> None:
    count = 0
    with gzip.open(TRAFFIC / f"{dialect}.jsonl.gz") as rows:
        for line in rows:
            row = json.loads(line)
            if not row["stream_body"] or len(row["body_text"]) > 50_000:
                continue
            stream = row["body_text"].encode()
            expected = Reference().decode(stream)
            assert decoded([stream]) == expected
            assert decoded([stream[i : i + 7] for i in range(0, len(stream), 7)]) == expected
            count += 1
    assert count > 50
