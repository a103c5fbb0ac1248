"""Lines of JSON, cut from bytes as they come: NDJSON, as Ollama streams it.

A line ends with LF or CRLF (https://github.com/ndjson/ndjson-spec). U+2028 and the like are text. Lines are handed on
as bytes, since JSON parsers read bytes faster than text.
"""

from __future__ import annotations

from typing import Final

from chatcore.errors import MalformedResponseError
from chatcore.http.sse import MAX_EVENT_BYTES, ServerSentEvent

__all__ = ["NDJSONDecoder"]

BOM: Final = b"\xef\xbb\xbf"
SPACE: Final = b" \t\r\n"


class NDJSONDecoder:
    r"""Bytes in, events out: one for each line that is not blank.

        >>> decoder = NDJSONDecoder()
        >>> decoder.feed(b'{"a":1}\n{"b"')
        [ServerSentEvent(event=None, data=b'{"a":1}', id='')]
        >>> decoder.feed(b":2}")
        []
        >>> decoder.finish()
        ServerSentEvent(event=None, data=b'{"b":2}', id='')

    max_event_bytes: how large one line may be.
    """

    __slots__ = ("_at_start", "_max_event_bytes", "_pending", "_too_large")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending = bytearray()
        self._at_start = True
        self._too_large = False

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the lines that they complete.

        Raises:
            MalformedResponseError: a line is larger than `max_event_bytes`. Lines before it are returned first.
        """
        if self._too_large:
            raise self._line_too_large()
        events: list[ServerSentEvent] = []
        # The end of a line is looked for in the new bytes only: a large line in many parts costs no more than its size.
        *lines, rest = part.split(b"\n")
        for line in lines:
            if self._pending:
                self._pending += line
                line = bytes(self._pending)  # noqa: PLW2901 - the line is what was kept and what came
                self._pending.clear()
            if len(line) > self._max_event_bytes:
                self._too_large = True
                break
            event = self._read(line)
            if event is not None:
                events.append(event)
        else:
            self._pending += rest
            self._too_large = len(self._pending) > self._max_event_bytes
        if self._too_large and not events:
            raise self._line_too_large()
        return events

    def finish(self) -> ServerSentEvent | None:
        """Say that no more bytes will come, and return the last line if it has no end.

        Whether it is whole, its JSON tells: what was cut does not parse.

        Raises:
            MalformedResponseError: a line is larger than `max_event_bytes`.
        """
        if self._too_large:
            raise self._line_too_large()
        line = bytes(self._pending)
        self._pending.clear()
        return self._read(line)

    def _read(self, line: bytes) -> ServerSentEvent | None:
        line = line.strip(SPACE)
        if self._at_start and line:
            self._at_start = False
            line = line.removeprefix(BOM).lstrip(SPACE)
        return ServerSentEvent(None, line, "") if line else None

    def _line_too_large(self) -> MalformedResponseError:
        return MalformedResponseError(
            f"A line of JSON is larger than the cap of {self._max_event_bytes:,} bytes, or the stream lacks line ends. "
            "Raise the cap if such lines are expected."
        )
