"""AWS event streams, decoded from bytes as they come: `application/vnd.amazon.eventstream`.

::

    0          4               8              12                           total - 4      total
    | total    | length of     | CRC-32 of    | headers ... | payload ...  | CRC-32 of    |
    | length   | the headers   | bytes 0..8   |                            | all before   |

Both checksums are held: a stream that was damaged or cut is an error, never an answer. The format is described at
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream and
https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

from __future__ import annotations

import struct
import zlib
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import pydantic_core

from chatcore.errors import MalformedResponseError
from chatcore.http.sse import MAX_EVENT_BYTES, ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EventStreamDecoder", "HeaderValue", "headers_of"]

HeaderValue: TypeAlias = bool | int | bytes | str | UUID
"""What a header holds. A moment is an int: milliseconds since 1970."""

PRELUDE: Final = 12
CHECKSUM: Final = 4
MAX_HEADERS: Final = 128 * 1024
"""How many bytes of headers an event may have, by the format."""

MAX_KNOWN: Final = 64
"""How many different headers are remembered: a stream repeats the same few with each event."""

_LENGTHS: Final = Struct(">II")
_NUMBER: Final = Struct(">I")
_SHORT: Final = Struct(">H")


class EventStreamDecoder:
    """Bytes in, events out.

    An event's name is its `:event-type`; an exception's is its `:exception-type`, which AWS ends in "Exception". An
    error without a payload of its own (`:message-type` "error") is an event named "error", with `code` and `message`
    as JSON.

    max_event_bytes: how large one event may be, its headers included.
    """

    __slots__ = ("_failure", "_known", "_max_event_bytes", "_needed", "_pending")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending = bytearray()
        # How many bytes there must be until there is anything to do: the prelude, then the whole event.
        self._needed = PRELUDE
        self._known: dict[bytes, tuple[str | None, bytes | None]] = {}
        self._failure: MalformedResponseError | None = None

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        """Take the next bytes, cut anywhere, and return the events that they complete.

        Raises:
            MalformedResponseError: a checksum is wrong, an event is larger than `max_event_bytes`, or its headers
                cannot be read. Events before it are returned first.
        """
        if self._failure is not None:
            raise self._failure
        pending = self._pending
        pending += part
        events: list[ServerSentEvent] = []
        start = 0
        try:
            while len(pending) - start >= self._needed:
                if self._needed == PRELUDE:
                    self._needed = self._total(pending, start)
                    continue
                end = start + self._needed
                events.append(self._read(bytes(pending[start:end])))
                start = end
                self._needed = PRELUDE
        except MalformedResponseError as error:
            self._failure = error
            pending.clear()
            if not events:
                raise
            return events
        del pending[:start]
        return events

    def finish(self) -> None:
        """Say that no more bytes will come. An event that is cut short is none: it has no checksum.

        Raises:
            MalformedResponseError: the stream had failed.
        """
        self._pending.clear()
        if self._failure is not None:
            raise self._failure

    def _total(self, pending: bytearray, start: int) -> int:
        """How many bytes the event has whose prelude is at `start`."""
        total: int
        headers: int
        total, headers = _LENGTHS.unpack_from(pending, start)
        (checksum,) = _NUMBER.unpack_from(pending, start + 8)
        if zlib.crc32(pending[start : start + 8]) != checksum:
            raise _malformed("the checksum of an event's lengths is wrong: it is damaged, or no event stream at all")
        if total > self._max_event_bytes:
            msg = f"an event of {total:,} bytes is larger than the cap of {self._max_event_bytes:,}"
            raise _malformed(msg)
        if headers > MAX_HEADERS or total < PRELUDE + headers + CHECKSUM:
            msg = f"an event of {total:,} bytes says that it has {headers:,} bytes of headers"
            raise _malformed(msg)
        return total

    def _read(self, event: bytes) -> ServerSentEvent:
        end = len(event) - CHECKSUM
        (checksum,) = _NUMBER.unpack_from(event, end)
        if zlib.crc32(event[:end]) != checksum:
            raise _malformed("the checksum of an event is wrong: it is damaged")
        (length,) = _NUMBER.unpack_from(event, 4)
        raw = event[PRELUDE : PRELUDE + length]
        known = self._known.get(raw)
        if known is None:
            known = _named(headers_of(raw))
            if len(self._known) < MAX_KNOWN:
                self._known[raw] = known
        name, said = known
        return ServerSentEvent(name, event[PRELUDE + length : end] if said is None else said, "")


def headers_of(raw: bytes) -> dict[str, HeaderValue]:
    """An event's headers, by name.

    Raises `MalformedResponseError` for bytes that are no headers.
    """
    headers: dict[str, HeaderValue] = {}
    position = 0
    try:
        while position < len(raw):
            named = position + 1
            valued = named + raw[position]
            name = raw[named:valued].decode()
            headers[name], position = _VALUES[raw[valued]](raw, valued + 1)
    except (IndexError, KeyError, ValueError, struct.error) as error:
        msg = f"the headers of an event cannot be read (from byte {position} of {len(raw)} on)"
        raise _malformed(msg) from error
    if position > len(raw):
        raise _malformed("the last header of an event is cut short")
    return headers


def _fixed(form: str) -> Callable[[bytes, int], tuple[HeaderValue, int]]:
    layout = Struct(form)

    def read(raw: bytes, position: int) -> tuple[HeaderValue, int]:
        (value,) = layout.unpack_from(raw, position)
        return value, position + layout.size

    return read


def _bytes(raw: bytes, position: int) -> tuple[bytes, int]:
    (length,) = _SHORT.unpack_from(raw, position)
    end = position + 2 + length
    return raw[position + 2 : end], end


def _string(raw: bytes, position: int) -> tuple[str, int]:
    value, end = _bytes(raw, position)
    return value.decode(), end


_VALUES: Final[dict[int, Callable[[bytes, int], tuple[HeaderValue, int]]]] = {
    0: lambda _, position: (True, position),
    1: lambda _, position: (False, position),
    2: _fixed(">b"),
    3: _fixed(">h"),
    4: _fixed(">i"),
    5: _fixed(">q"),
    6: _bytes,
    7: _string,
    8: _fixed(">q"),  # a moment, in milliseconds
    9: lambda raw, position: (UUID(bytes=raw[position : position + 16]), position + 16),
}
"""How a value is read, by the number of its type: from where on, and to where."""


def _named(headers: dict[str, HeaderValue]) -> tuple[str | None, bytes | None]:
    """An event's name, and its data if its headers say it all."""
    kind = headers.get(":message-type", "event")
    if kind == "error":
        said: dict[str, Any] = {"message": headers.get(":error-message"), "code": headers.get(":error-code")}
        return "error", pydantic_core.to_json(said, inf_nan_mode="constants", bytes_mode="base64")
    if kind == "exception":
        name = headers.get(":exception-type")
        return (name if isinstance(name, str) else "exception"), None
    name = headers.get(":event-type")
    return (name if isinstance(name, str) else None), None


def _malformed(what: str) -> MalformedResponseError:
    return MalformedResponseError(f"The event stream cannot be read: {what}.")
