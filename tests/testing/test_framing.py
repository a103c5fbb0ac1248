from __future__ import annotations

import json

import pytest

from chatcore.testing._framing import EventStream, Framing, JsonArray, JsonLines

FRAMINGS: list[tuple[Framing, bytes]] = [
    (EventStream(), b'data: {"a":1}\n\ndata: {"b":2}\n\n'),
    (EventStream(b"\r\n"), b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n'),
    (JsonLines(), b'{"a":1}\n{"b":2}\n'),
    (JsonArray(), b'[{"a":1},\r\n{"b":2}\r\n]'),
]


@pytest.mark.parametrize(("framing", "sent"), FRAMINGS, ids=["lf", "crlf", "lines", "array"])
def test_documents_are_told_apart(framing: Framing, sent: bytes) -> None:
    assert framing.frame(b'{"a":1}', 0) + framing.frame(b'{"b":2}', 1) + framing.end(2) == sent


def test_an_array_without_elements_is_one() -> None:
    assert json.loads(JsonArray().end(0)) == []


def test_events_may_have_names() -> None:
    named = EventStream(named=True)
    assert named.frame(b"{}", 0, "ping") == b"event: ping\ndata: {}\n\n"
    assert named.garbage("json", 0).startswith(b"event: message\ndata: {")
    assert EventStream().garbage("json", 0).startswith(b"data: {")


@pytest.mark.parametrize(("framing", "sent"), FRAMINGS, ids=["lf", "crlf", "lines", "array"])
def test_garbage_cannot_be_read(framing: Framing, sent: bytes) -> None:
    for form in ("json", "line"):
        garbage = framing.garbage(form, 1).strip().removeprefix(b"data: ").removeprefix(b",\r\n")
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(garbage)


def test_a_half_event_is_ended_as_a_whole_one() -> None:
    assert EventStream().half(b'event: a\ndata: {"a":1}\n\n') == b'event: a\ndata: {"a"\n\n'
    assert JsonLines().half(b'{"a":1}\n') == b'{"a"\n'
    assert JsonArray().half(b'[{"a":1}') == b'[{"a'
