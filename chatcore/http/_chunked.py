"""A body in chunks (RFC 9112 §7.1), read from bytes as they come.

Servers flush every event of a stream, and so make each a chunk of its own. h11 makes an object of each chunk, which
costs more than all that is done with the event in it; here a chunk is one match and one slice.
"""

from __future__ import annotations

import re
from typing import Final

import h11

__all__ = ["ChunkedBody"]

MAX_LINE_BYTES: Final = 4096
MAX_TRAILER_BYTES: Final = 16 * 1024

# As lenient as h11: servers in the wild put white space after the size.
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?[ \t]*\r\n")
_TRAILER: Final = re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n")


class ChunkedBody:
    """Bytes in, content out.

    is_complete: whether the body's end has come.
    rest: what came after it.
    """

    __slots__ = ("_in_trailer", "_left", "_owes_line_end", "_pending", "is_complete", "rest")

    def __init__(self) -> None:
        self.is_complete = False
        self.rest = b""
        # What cannot be read yet: less than a line, or than the trailer.
        self._pending = b""
        self._left = 0
        self._owes_line_end = False
        self._in_trailer = False

    def feed(self, data: bytes, parts: list[bytes]) -> None:
        """Take the next bytes, cut anywhere, and append the content that is in them to `parts`.

        Raises `h11.RemoteProtocolError` if they are no chunks; the parts before that have been appended.
        """
        if self._pending:
            data = self._pending + data
        at = 0
        while not self._in_trailer:
            if self._left or self._owes_line_end:
                at = self._finish_chunk(data, at, parts)
                if self._left or self._owes_line_end:
                    break
            size = _SIZE.match(data, at)
            if size is None:
                self._check_line(data, at)
                break
            at = size.end()
            length = int(size[1], 16)
            # What nearly every chunk is: here as a whole.
            if length and data[at + length : at + length + 2] == b"\r\n":
                parts.append(data[at : at + length])
                at += length + 2
            else:
                self._left = length
                self._in_trailer = not length
        self._pending = data[at:]
        if self._in_trailer:
            self._end()

    def _finish_chunk(self, data: bytes, at: int, parts: list[bytes]) -> int:
        """Take what is left of a chunk, as far as it has come; where the bytes after it begin."""
        if self._left:
            part = data[at : at + self._left]
            if part:
                parts.append(part)
            at += len(part)
            self._left -= len(part)
            self._owes_line_end = not self._left
        if self._owes_line_end:
            ending = data[at : at + 2]
            if ending == b"\r\n":
                self._owes_line_end = False
                return at + 2
            if ending not in (b"", b"\r"):
                raise h11.RemoteProtocolError(f"malformed chunk footer: {ending!r}")
        return at

    def _check_line(self, data: bytes, at: int) -> None:
        """Refuse what is no beginning of a chunk's first line."""
        line = data[at : at + MAX_LINE_BYTES]
        if b"\n" in line or len(line) == MAX_LINE_BYTES:
            raise h11.RemoteProtocolError(f"illegal chunk header: {line[:50]!r}")

    def _end(self) -> None:
        trailer = _TRAILER.match(self._pending)
        if trailer is not None:
            self.is_complete = True
            self.rest, self._pending = self._pending[trailer.end() :], b""
        elif len(self._pending) > MAX_TRAILER_BYTES:
            raise h11.RemoteProtocolError("the trailer after the chunks is too large")
