"""Bodies in chunks, cut anywhere, beside h11's reading of them."""

from __future__ import annotations

import time
from collections.abc import Iterable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.http._chunked import MAX_LINE_BYTES, MAX_TRAILER_BYTES, ChunkedBody

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def by_h11(body: bytes) -> tuple[bytes, bool | None, bytes]:
    """The content, whether it is complete (None: it is malformed), and what comes after it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(HEAD + body)
    content = b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return content, True, connection.trailing_data[0]
            elif event is h11.NEED_DATA:
                return content, False, b""
    except h11.RemoteProtocolError:
        return content, None, b""


def by_us(cuts: Iterable[bytes]) -> tuple[bytes, bool | None, bytes]:
    body = ChunkedBody()
    parts: list[bytes] = []
    rest = b""
    try:
        for cut in cuts:
            if body.is_complete:
                rest += cut
            else:
                body.feed(cut, parts)
    except h11.RemoteProtocolError:
        return b"".join(parts), None, b""
    return b"".join(parts), body.is_complete, body.rest + rest


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


EXAMPLES = {
    "one": chunk(b"hello") + b"0\r\n\r\n",
    "several": chunk(b"a") + chunk(b"b" * 300) + chunk(b"\r\n0\r\n\r\n") + b"0\r\n\r\n",
    "none": b"0\r\n\r\n",
    "many noughts": chunk(b"a") + b"00000\r\n\r\n",
    "capitals": b"A\r\n0123456789\r\n0\r\n\r\n",
    "extensions": chunk(b"a", b";name=value") + chunk(b"b", b';q="a;b"') + b"0;last\r\n\r\n",
    "white space": b"5  \r\nhello\r\n0 \t\r\n\r\n",
    "trailer": chunk(b"a") + b"0\r\nx-checksum: 1\r\ny: 2\r\n\r\n",
    "what comes after": chunk(b"a") + b"0\r\n\r\nHTTP/1.1 200 OK\r\n",
    "cut short": chunk(b"hello")[:-3],
    "no end": chunk(b"hello"),
    "no size": b"\r\nhello",
    "no hexadecimal": b"5g\r\nhello\r\n",
    "a sign": b"+5\r\nhello\r\n",
    "an underscore": b"1_0\r\nhello\r\n",
    "a prefix": b"0x5\r\nhello\r\n",
    "a bare LF": b"5\nhello\r\n0\r\n\r\n",
    "too long": chunk(b"hello")[:-2] + b"XX",
    "a negative": b"-1\r\nhello\r\n",
}


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=list(EXAMPLES))
def test_as_h11_reads_it_however_it_is_cut(body: bytes) -> None:
    theirs = by_h11(body)
    for size in range(1, len(body) + 1):
        assert by_us(cut(body, size)) == theirs, size


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.integers(0, 400),
    st.one_of(st.none(), st.sampled_from(list(b"0aF;\r\n xZ"))),
    st.integers(1, 30),
)
def test_as_h11_reads_it_whatever_it_is(chunks: list[bytes], at: int, byte: int | None, size: int) -> None:
    """Of bodies with one byte changed: the same content, end and rest, or refused by both.

    h11 takes a lone LF at the end of the trailer's lines, and so do we; it also reads what is in them, and refuses a
    chunk there, whose size has become zero.
    """
    body = bytearray(b"".join(map(chunk, chunks)) + b"0\r\n\r\n")
    if byte is not None and at < len(body) - 5:
        body[at] = byte
    ours, theirs = by_us(cut(bytes(body), size)), by_h11(bytes(body))
    assert ours == theirs or (byte == ord("0") and theirs == (ours[0], None, b""))


@pytest.mark.parametrize(
    "body",
    [b"1" * (MAX_LINE_BYTES + 1), b"1;" + b"x" * MAX_LINE_BYTES, b"0\r\n" + b"x: y\r\n" * MAX_TRAILER_BYTES],
    ids=["size", "extension", "trailer"],
)
@pytest.mark.parametrize("size", [100, 10**6], ids=["in pieces", "at once"])
def test_lines_without_an_end_are_refused(body: bytes, size: int) -> None:
    assert by_us(cut(body, size))[1] is None


def test_what_came_before_a_failure_is_there() -> None:
    parts: list[bytes] = []
    with pytest.raises(h11.RemoteProtocolError, match="illegal chunk header"):
        ChunkedBody().feed(chunk(b"a") + chunk(b"b") + b"nonsense\r\n", parts)
    assert parts == [b"a", b"b"]


def test_a_large_chunk_in_many_pieces_costs_its_size() -> None:
    def seconds(size: int) -> float:
        body = chunk(b"x" * size) + b"0\r\n\r\n"
        begun = time.process_time()
        assert by_us(cut(body, 1000))[1] is True
        return time.process_time() - begun

    seconds(10_000)
    assert seconds(8_000_000) < 60 * max(seconds(1_000_000), 0.001)
