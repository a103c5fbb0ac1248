"""Server-sent events, decoded from bytes as they come.

The rules are the HTML standard's (https://html.spec.whatwg.org/multipage/server-sent-events.html), under every chunking
of the bytes. Only CR, LF and CRLF end a line: U+2028 and the like are text. Data is handed on as bytes, since JSON
parsers read bytes faster than text.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chatcore.errors import MalformedResponseError

__all__ = ["MAX_EVENT_BYTES", "SSEDecoder", "ServerSentEvent"]

MAX_EVENT_BYTES: Final = 32 * 1024 * 1024
"""How large one event may be, unless told otherwise: an image in base64 fits, a stream without an end does not."""

BOM: Final = b"\xef\xbb\xbf"
COLON: Final = ord(":")
MAX_RETRY_DIGITS: Final = 12  # a thousand years; `int` is slow, then refuses, for thousands of digits


class ServerSentEvent(NamedTuple):
    """One event of a stream.

    event: its name; None if it has none, which the standard calls "message".
    data: its data lines, joined by LF. Bytes, UTF-8 by the standard.
    id: the last id that the stream named, in this event or before; "" if it never did.
    """

    event: str | None
    data: bytes
    id: str


class SSEDecoder:
    r"""Bytes in, events out.

    Comments (": ping") are skipped: bytes that bring no event are a sign of life and no progress.

        >>> decoder = SSEDecoder()
        >>> decoder.feed(b"data: {}\n\nda")
        [ServerSentEvent(event=None, data=b'{}', id='')]
        >>> decoder.feed(b"ta: [DONE]\n")
        []
        >>> decoder.finish()
        ServerSentEvent(event=None, data=b'[DONE]', id='')

    max_event_bytes: how large one event may be, its field names included.
    retry: milliseconds to wait before reconnecting, as the stream said last; None if it never did.
    """

    __slots__ = ("_after_cr", "_at_start", "_last_id", "_max_event_bytes", "_pending", "_too_large", "retry")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.retry: int | None = None
        self._max_event_bytes = max_event_bytes
        self._last_id = ""
        # The bytes of the event that is not complete yet, with LF for every end of line.
        self._pending = bytearray()
        self._at_start = True
        self._after_cr = False
        self._too_large = False

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete.

        Raises:
            MalformedResponseError: an event is larger than `max_event_bytes`. Events before it are returned first.
        """
        if self._too_large:
            raise self._event_too_large()
        blocks = self._complete_blocks(part)
        events: list[ServerSentEvent] = []
        for block in blocks:
            if len(block) > self._max_event_bytes:
                self._too_large = True
                break
            event = self._read(block)
            if event is not None:
                events.append(event)
        # The bytes kept may hold one LF that belongs to the blank line still to come.
        if len(self._pending) > self._max_event_bytes + 1:
            self._too_large = True
        if self._too_large and not events:
            raise self._event_too_large()
        return events

    def finish(self) -> ServerSentEvent | None:
        """Say that no more bytes will come, and return the last event if it lacks its blank line.

        The standard drops such an event. Some providers leave out the last blank line, though, and end well; others cut
        an event short. Which it was, its data tells: JSON that was cut does not parse.

        Raises:
            MalformedResponseError: an event is larger than `max_event_bytes`.
        """
        block = bytes(self._pending).removesuffix(b"\n")
        self._pending.clear()
        if self._too_large or len(block) > self._max_event_bytes:
            raise self._event_too_large()
        return self._read(block)

    def _complete_blocks(self, part: bytes) -> list[bytes]:
        """The blocks of lines that `part` completes, each without its blank line; the rest is kept."""
        if self._at_start:
            part = self._without_bom(part)
        if not part:
            return []
        if self._after_cr:
            self._after_cr = False
            part = part.removeprefix(b"\n")
        if b"\r" in part:
            # A CR ends its line at once: the LF that may follow is dropped when it comes, so no event waits for it.
            self._after_cr = part.endswith(b"\r")
            part = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        pending = self._pending
        if pending:
            # Looked for in the new bytes only: a large event in many parts costs no more than its size.
            looked_at = len(pending) - 1
            pending += part
            if pending.find(b"\n\n", looked_at) < 0:
                return []
            part = bytes(pending)
            pending.clear()
        blocks = part.split(b"\n\n")
        pending += blocks.pop()
        return blocks

    def _without_bom(self, part: bytes) -> bytes:
        start = bytes(self._pending) + part
        self._pending.clear()
        if len(start) < len(BOM) and BOM.startswith(start):
            self._pending += start
            return b""
        self._at_start = False
        return start.removeprefix(BOM)

    def _read(self, block: bytes) -> ServerSentEvent | None:
        # What nearly every event of a chat is: one line of data.
        if block.startswith(b"data:") and b"\n" not in block:
            return ServerSentEvent(None, block[6:] if block.startswith(b" ", 5) else block[5:], self._last_id)
        # And what it is where events have names.
        if block.startswith(b"event: "):
            name, _, line = block.partition(b"\n")
            if line.startswith(b"data: ") and b"\n" not in line:
                return ServerSentEvent(name[7:].decode("utf-8", "replace") or None, line[6:], self._last_id)
        return self._read_fields(block)

    def _read_fields(self, block: bytes) -> ServerSentEvent | None:
        event: str | None = None
        data: list[bytes] = []
        for line in block.split(b"\n"):
            if not line or line[0] == COLON:
                continue
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                event = value.decode("utf-8", "replace") or None
            elif field == b"id":
                if b"\0" not in value:
                    self._last_id = value.decode("utf-8", "replace")
            elif field == b"retry" and value.isdigit() and len(value) <= MAX_RETRY_DIGITS:
                self.retry = int(value)
        if not data:
            return None
        return ServerSentEvent(event, b"\n".join(data), self._last_id)

    def _event_too_large(self) -> MalformedResponseError:
        return MalformedResponseError(
            f"A server-sent event is larger than the cap of {self._max_event_bytes:,} bytes, or the stream lacks the "
            "blank lines that end its events. Raise the cap if such events are expected."
        )
