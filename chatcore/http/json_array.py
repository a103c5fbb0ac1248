"""The elements of a JSON array, cut from bytes as they come: how Gemini streams unless it is asked for events.

The array is one JSON text (RFC 8259) that is written element by element, each an object, with white space wherever the
server likes. Elements are handed on as bytes, since JSON parsers read bytes faster than text.
"""

from __future__ import annotations

import re
from typing import Final

from chatcore.errors import MalformedResponseError
from chatcore.http.sse import MAX_EVENT_BYTES, ServerSentEvent

__all__ = ["JSONArrayDecoder"]

BOM: Final = b"\xef\xbb\xbf"
SPACE: Final = b" \t\r\n"
BETWEEN: Final = b" \t\r\n,"
BACKSLASH: Final = ord("\\")
BRACKET: Final = re.compile(rb"[\[\]{}]")
OPENING: Final = (b"{", b"[")


class JSONArrayDecoder:
    r"""Bytes in, events out: one for each element of the array that is an object or an array.

        >>> decoder = JSONArrayDecoder()
        >>> decoder.feed(b'[{"a": 1}\n,\r\n{"b"')
        [ServerSentEvent(event=None, data=b'{"a": 1}', id='')]
        >>> decoder.feed(b": 2}")
        [ServerSentEvent(event=None, data=b'{"b": 2}', id='')]
        >>> decoder.finish() is None
        True

    Commas are not asked for, and what follows the array is not read. Anything else that stands between elements is an
    event of its own, to be judged as what it is by whoever reads it.

    max_event_bytes: how large one element may be.
    """

    __slots__ = ("_depth", "_in_string", "_is_escaped", "_is_over", "_max_event_bytes", "_pending", "_too_large")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        # The element that is not complete yet, and where in it its last byte is.
        self._pending = bytearray()
        self._depth = -1  # before the array; 0: between elements
        self._in_string = False
        self._is_escaped = False
        self._is_over = False
        self._too_large = False

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the elements that they complete.

        Raises:
            MalformedResponseError: an element is larger than `max_event_bytes`. Elements before it are returned first.
        """
        if self._too_large:
            raise self._element_too_large()
        events: list[ServerSentEvent] = []
        position = 0
        while position < len(part) and not self._is_over and not self._too_large:
            if self._depth > 0:
                position = self._within(part, position, events)
            else:
                position = self._between(part, position, events)
        if self._too_large and not events:
            raise self._element_too_large()
        return events

    def finish(self) -> ServerSentEvent | None:
        """Say that no more bytes will come, and return what there is of an element that was cut short.

        Raises:
            MalformedResponseError: an element is larger than `max_event_bytes`.
        """
        if self._too_large:
            raise self._element_too_large()
        rest = bytes(self._pending).strip(SPACE)
        self._pending.clear()
        return ServerSentEvent(None, rest, "") if rest else None

    def _between(self, part: bytes, position: int, events: list[ServerSentEvent]) -> int:
        """Read to where an element begins, or the array ends."""
        found = BRACKET.search(part, position)
        end = len(part) if found is None else found.start()
        self._keep(part, position, end)
        if found is None:
            return end
        between = bytes(self._pending).strip(BETWEEN)
        self._pending.clear()
        if self._depth < 0:
            between = between.removeprefix(BOM).strip(SPACE)
        if between:
            events.append(ServerSentEvent(None, between, ""))
        if found[0] not in OPENING:
            self._is_over = True
        elif self._depth < 0 and found[0] == b"[":
            self._depth = 0
        else:
            self._depth = 1
            self._pending += found[0]
        return end + 1

    def _within(self, part: bytes, position: int, events: list[ServerSentEvent]) -> int:
        """Read to the end of the element, or of the bytes; every byte of it is looked at once."""
        start = position
        depth = self._depth
        while position < len(part):
            if self._in_string:
                position = self._string_end(part, position)
                continue
            quote = part.find(b'"', position)
            end = len(part) if quote < 0 else quote
            if depth > part.count(b"}", position, end) + part.count(b"]", position, end):
                # The element cannot end before the next string.
                depth += part.count(b"{", position, end) + part.count(b"[", position, end)
                depth -= part.count(b"}", position, end) + part.count(b"]", position, end)
            else:
                for bracket in BRACKET.finditer(part, position, end):
                    depth += 1 if bracket[0] in OPENING else -1
                    if not depth:
                        return self._complete(part, start, bracket.end(), events)
            self._in_string = quote >= 0
            position = end + 1
        self._depth = depth
        self._keep(part, start, len(part))
        return len(part)

    def _string_end(self, part: bytes, position: int) -> int:
        """Read to after the quote that ends a string, or to the end of the bytes."""
        if self._is_escaped:
            self._is_escaped = False
            position += 1
        while position < len(part):
            quote = part.find(b'"', position)
            end = len(part) if quote < 0 else quote
            backslashes = 0
            while end - backslashes > position and part[end - backslashes - 1] == BACKSLASH:
                backslashes += 1
            if quote < 0:
                self._is_escaped = backslashes % 2 == 1
                return end
            if backslashes % 2 == 0:
                self._in_string = False
                return quote + 1
            position = quote + 1
        return position

    def _complete(self, part: bytes, start: int, end: int, events: list[ServerSentEvent]) -> int:
        self._keep(part, start, end)
        self._depth = 0
        if not self._too_large:
            events.append(ServerSentEvent(None, bytes(self._pending), ""))
            self._pending.clear()
        return end

    def _keep(self, part: bytes, start: int, end: int) -> None:
        if len(self._pending) + end - start > self._max_event_bytes:
            self._too_large = True
            return
        self._pending += part[start:end]

    def _element_too_large(self) -> MalformedResponseError:
        return MalformedResponseError(
            f"An element of a JSON array is larger than the cap of {self._max_event_bytes:,} bytes. Raise the cap if "
            "such elements are expected."
        )
