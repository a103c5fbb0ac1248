"""How the events of a stream are told apart: server-sent events, lines of JSON, or the elements of a JSON array.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

__all__ = ["EventStream", "Framing", "JsonArray", "JsonLines", "StreamEvent"]


_BROKEN = b'{"id":"broken","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":'


class StreamEvent(NamedTuple):
    """One event of a stream, framed, and how many tokens have been made when it is due."""

    data: bytes
    tokens: int


class Framing(Protocol):
    """One way to send several JSON documents in one body. It has no state: `place` is the number of events before."""

    content_type: str

    def frame(self, document: bytes, place: int, name: str | None = None) -> bytes:
        """The document as an event."""
        ...

    def end(self, place: int) -> bytes:
        """What follows the last event, if it is not an event's own."""
        ...

    def half(self, event: bytes) -> bytes:
        """The first half of a framed event, ended as if it were whole."""
        ...

    def garbage(self, form: Literal["json", "line"], place: int) -> bytes:
        """An event that cannot be read: its JSON is broken, or it is none at all."""
        ...


class EventStream:
    """Server-sent events.

    newline: what ends a line; the standard allows any of the three. named: whether each event has a name, as clients
    of that service then expect.
    """

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, newline: bytes = b"\n", *, named: bool = False) -> None:
        self._newline = newline
        self._named = named

    def frame(self, document: bytes, place: int, name: str | None = None) -> bytes:  # noqa: ARG002 - as Framing's
        end = self._newline
        if name is None:
            return b"data: %b%b%b" % (document, end, end)
        return b"event: %b%bdata: %b%b%b" % (name.encode(), end, document, end, end)

    def end(self, place: int) -> bytes:  # noqa: ARG002 - as Framing's
        return b""

    def half(self, event: bytes) -> bytes:
        # An event's name is its own line: what is cut is the data.
        start = event.index(b"data: ") + 6
        return event[: start + (len(event) - start) // 2] + self._newline * 2

    def garbage(self, form: Literal["json", "line"], place: int) -> bytes:
        if form == "line":
            return b"this line is no field of an event stream" + self._newline * 2
        return self.frame(_BROKEN, place, "message" if self._named else None)


class JsonLines:
    """A JSON document a line (NDJSON)."""

    content_type = "application/x-ndjson"

    def frame(self, document: bytes, place: int, name: str | None = None) -> bytes:  # noqa: ARG002 - as Framing's
        return document + b"\n"

    def end(self, place: int) -> bytes:  # noqa: ARG002 - as Framing's
        return b""

    def half(self, event: bytes) -> bytes:
        return event[: len(event) // 2] + b"\n"

    def garbage(self, form: Literal["json", "line"], place: int) -> bytes:  # noqa: ARG002 - as Framing's
        return b'{"message":{"content":\n' if form == "json" else b"this line is no JSON\n"


class JsonArray:
    """The elements of one JSON array, which is whole only at the end."""

    content_type = "application/json; charset=UTF-8"

    def frame(self, document: bytes, place: int, name: str | None = None) -> bytes:  # noqa: ARG002 - as Framing's
        return (b",\r\n" if place else b"[") + document

    def end(self, place: int) -> bytes:
        return b"\r\n]" if place else b"[]"

    def half(self, event: bytes) -> bytes:
        return event[: len(event) // 2]

    def garbage(self, form: Literal["json", "line"], place: int) -> bytes:
        return self.frame(b'{"candidates":[{"content":' if form == "json" else b"this is no JSON", place)
