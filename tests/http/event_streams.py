"""Writing AWS event streams: the other side of `chatcore.http.event_stream`, for tests."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any
from uuid import UUID

Header = tuple[int, Any]
"""A header's type by its number in the format, and its value."""

_FORMS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}


def framed(headers: dict[str, Header], payload: bytes = b"") -> bytes:
    """One event with headers of any types."""
    raw = b"".join(bytes((len(name.encode()),)) + name.encode() + _value(*header) for name, header in headers.items())
    lengths = struct.pack(">II", 12 + len(raw) + len(payload) + 4, len(raw))
    event = lengths + struct.pack(">I", zlib.crc32(lengths)) + raw + payload
    return event + struct.pack(">I", zlib.crc32(event))


def _value(kind: int, value: Any) -> bytes:
    data = b""
    if kind in _FORMS:
        data = struct.pack(_FORMS[kind], value)
    elif kind in (6, 7):
        data = value.encode() if isinstance(value, str) else value
        data = struct.pack(">H", len(data)) + data
    elif kind == 9:
        data = UUID(str(value)).bytes
    return bytes((kind,)) + data


def event(name: str, payload: Any) -> bytes:
    """An event as AWS sends it."""
    headers = {":event-type": (7, name), ":content-type": (7, "application/json"), ":message-type": (7, "event")}
    return framed(headers, json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def exception(name: str, payload: Any) -> bytes:
    """An exception as AWS sends it."""
    headers = {
        ":exception-type": (7, name),
        ":content-type": (7, "application/json"),
        ":message-type": (7, "exception"),
    }
    return framed(headers, json.dumps(payload).encode())


def failure(code: str, message: str) -> bytes:
    """An error without a payload, as AWS sends it."""
    return framed({":message-type": (7, "error"), ":error-code": (7, code), ":error-message": (7, message)})
