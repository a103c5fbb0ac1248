from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatcore.testing import Fault
from chatcore.testing._framing import EventStream, JsonArray, JsonLines, StreamEvent
from chatcore.testing._latency import Pace
from chatcore.testing._plan import Act, Delivery, Step, Until, Write, dripped, plain, streamed, whole
from chatcore.testing._problem import Problem

BODY = b'{"choices":[]}'


def delivery(**changes: Any) -> Delivery:
    usual: dict[str, Any] = {"lines": b"x-a: 1\r\n", "chunked": True, "close": False, "pace": Pace(1.0, 0.0)}
    return Delivery(**usual | changes)


def events() -> Iterator[StreamEvent]:
    yield StreamEvent(b"data: one\n\n", 0)
    yield StreamEvent(b"data: two\n\n", 1)
    yield StreamEvent(b"data: three\n\n", 2)


def summary(steps: Iterator[Step]) -> list[Any]:
    """The plan with its head cut off each reply and its framing kept."""
    told: list[Any] = []
    for step in steps:
        if isinstance(step, Write):
            _, found, rest = (
                step.data.partition(b"\r\n\r\n") if step.data.startswith(b"HTTP/1.1 ") else (b"", b"", step.data)
            )
            told.append(("head", rest) if found else rest)
        else:
            told.append(step.at if isinstance(step, Until) else step)
    return told


def fails(problem: Problem, place: int | None) -> bytes:
    return f"{problem.message} at {place}".encode()


def in_stream(fault: Fault | None) -> list[Any]:
    return summary(streamed(events(), EventStream(), delivery(), fault, fails))


ONE, TWO, THREE, END = b"b\r\ndata: one\n\n\r\n", b"b\r\ndata: two\n\n\r\n", b"d\r\ndata: three\n\n\r\n", b"0\r\n\r\n"
HEAD = ("head", b"")


def test_a_stream_without_fault() -> None:
    assert in_stream(None) == [1.0, HEAD, ONE, TWO, THREE, END]
    writes = [step for step in streamed(events(), EventStream(), delivery(), None, fails) if isinstance(step, Write)]
    assert [(write.chunks, write.status) for write in writes] == [(0, 200), *[(1, None)] * 3, (0, None)]


def test_events_wait_for_their_tokens() -> None:
    steps = summary(streamed(events(), EventStream(), delivery(pace=Pace(1.0, 0.5)), None, fails))
    assert steps == [1.0, HEAD, 1.0, ONE, 1.5, TWO, 2.0, THREE, END]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        (Fault.reset(), [1.0, Act.RESET]),
        (Fault.reset(after_chunks=0), [1.0, HEAD, 1.0, Act.RESET]),
        (Fault.reset(after_chunks=1), [1.0, HEAD, ONE, 1.0, Act.RESET]),
        (Fault.reset(after_chunks=99), [1.0, HEAD, ONE, TWO, 1.0, Act.RESET]),
        (Fault.stall(), [1.0, Act.STALL, HEAD, ONE, TWO, THREE, END]),
        (Fault.stall(after_chunks=2), [1.0, HEAD, ONE, TWO, 1.0, Act.STALL, THREE, END]),
        (Fault.cut(after_chunks=1), [1.0, HEAD, ONE, 1.0, TWO[:5], Act.HANG_UP]),
        (Fault.hang_up(), [1.0, HEAD, ONE, TWO, THREE, END, Act.HANG_UP]),
        (Fault.truncated_json(after_chunks=1), [1.0, HEAD, ONE, 1.0, b"a\r\ndata: tw\n\n\r\n", END]),
        (
            Fault.malformed_sse(form="line", after_chunks=1),
            [1.0, HEAD, ONE, 1.0, b"2a\r\nthis line is no field of an event stream\n\n\r\n", TWO, THREE, END],
        ),
        (
            Fault.error_event(after_chunks=1, message="Oh", code="c"),
            [1.0, HEAD, ONE, 1.0, b"7\r\nOh at 1\r\n", END],
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.after_chunks}" if isinstance(value, Fault) else "",
)
def test_faults_of_a_stream(fault: Fault, steps: list[Any]) -> None:
    assert in_stream(fault) == steps


def test_broken_json_in_a_stream_is_an_event_of_its_own() -> None:
    garbage = in_stream(Fault.malformed_sse(after_chunks=0))[3]
    assert b'\r\ndata: {"id":' in garbage
    assert garbage.endswith(b"\n\n\r\n")
    assert not garbage.rstrip().endswith(b"}")


def in_body(fault: Fault | None, **changes: Any) -> list[Any]:
    return summary(plain(BODY, "application/json", 4, delivery(**changes), fault, fails))


def test_a_plain_reply_comes_when_its_last_token_would() -> None:
    assert in_body(None, pace=Pace(1.0, 0.25)) == [2.0, ("head", BODY)]


HALF, REST = BODY[:7], BODY[7:]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        (Fault.reset(), [1.0, Act.RESET]),
        (Fault.reset(after_chunks=3), [1.0, ("head", HALF), Act.RESET, REST]),
        (Fault.stall(), [1.0, Act.STALL, ("head", BODY)]),
        (Fault.stall(after_chunks=0), [1.0, ("head", HALF), Act.STALL, REST]),
        (Fault.cut(), [1.0, HEAD, b"e\r\n" + BODY[:4], Act.HANG_UP]),
        (Fault.hang_up(), [1.0, ("head", BODY), Act.HANG_UP]),
        (Fault.truncated_json(), [1.0, ("head", HALF)]),
        (Fault.malformed_sse(), [1.0, ("head", b"data: " + BODY + b"\n\ndata: [DONE]\n\n")]),
        (
            Fault.error_event(message="Oh", code=None),
            [1.0, ("head", b"Oh at None")],
        ),
    ],
    ids=lambda value: f"{value.kind}-{value.after_chunks}" if isinstance(value, Fault) else "",
)
def test_faults_of_a_plain_reply(fault: Fault, steps: list[Any]) -> None:
    assert in_body(fault) == steps


def test_before_http_1_1_there_are_no_chunks() -> None:
    old = delivery(chunked=False, close=True)
    (_, head, *rest) = streamed(events(), EventStream(), old, None, fails)
    assert isinstance(head, Write)
    assert b"connection: close" in head.data
    assert b"transfer-encoding" not in head.data
    assert summary(iter(rest)) == [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
    assert in_body(Fault.cut(), chunked=False, close=True) == [1.0, ("head", HALF), Act.HANG_UP, REST]


def test_a_reply_may_come_at_once() -> None:
    steps = plain(BODY, "application/json", None, delivery(), None, fails)
    assert summary(steps) == [("head", BODY)]


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (None, b"[1,\r\n2\r\n]"),
        (Fault.error_event(after_chunks=1, message="Oh"), b"[1Oh at 1\r\n]"),
        (Fault.stall(after_chunks=1), b"[1,\r\n2\r\n]"),
        (Fault.truncated_json(after_chunks=1), b"[1,\r"),
    ],
    ids=["none", "error", "stall", "truncated"],
)
def test_an_array_is_closed(fault: Fault | None, end: bytes) -> None:
    framing = JsonArray()
    elements = iter([StreamEvent(framing.frame(data, place), place) for place, data in enumerate((b"1", b"2"))])
    steps = streamed(elements, framing, delivery(chunked=False), fault, fails)
    sent = b"".join(step.data for step in steps if isinstance(step, Write))
    assert sent.partition(b"\r\n\r\n")[2] == end


def test_lines_have_their_own_type_and_garbage() -> None:
    lines = iter([StreamEvent(b"{}\n", 0)])
    steps = list(streamed(lines, JsonLines(), delivery(chunked=False), Fault.malformed_sse(after_chunks=0), fails))
    writes = [step.data for step in steps if isinstance(step, Write)]
    assert b"content-type: application/x-ndjson\r\n" in writes[0]
    assert writes[1:] == [b'{"message":{"content":\n', b"{}\n"]


def test_a_whole_reply_has_its_headers_and_for_head_no_body() -> None:
    (write,) = whole(404, "text/plain", b"body", delivery(), b"allow: POST\r\n")
    assert isinstance(write, Write)
    assert write.status == 404
    for line in (b"x-a: 1\r\n", b"allow: POST\r\n", b"content-length: 4\r\n"):
        assert line in write.data
    (bare,) = whole(404, "text/plain", b"body", delivery(bodyless=True))
    assert isinstance(bare, Write)
    assert bare.data.endswith(b"\r\n\r\n")


def test_a_drip_keeps_every_byte_and_its_rate() -> None:
    steps = [Until(0.5), Write(b"a" * 25, 1, 200), Act.STALL, Write(b"b" * 5, 1)]
    slow = list(dripped(iter(steps), 1000))
    assert slow == [
        Until(0.5),
        *(Until(0.5), Write(b"a" * 10, 0, 200)),
        *(Until(0.51), Write(b"a" * 10)),
        *(Until(0.52), Write(b"a" * 5, 1)),
        Act.STALL,
        *(Until(0.53), Write(b"b" * 5, 1)),
    ]
    assert list(dripped(iter([Write(b"ab")]), 2)) == [Until(0.0), Write(b"a"), Until(0.5), Write(b"b")]
