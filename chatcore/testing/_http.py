"""The HTTP around every dialect: heads of responses, chunks of the transfer encoding, and a request as it was read."""

from __future__ import annotations

import http
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import NamedTuple

__all__ = ["Incoming", "framed", "head", "reason"]

_REASONS = {status.value: status.phrase.encode() for status in http.HTTPStatus} | {529: b"Site is overloaded"}


class Incoming(NamedTuple):
    """A request as it was read.

    path: without the query. query: the first value of each name. headers: names in lower case, without secrets.
    keys: what it brought as API keys, by the name of the header (`authorization` without "Bearer"), or as `key` in the
        query.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    keys: Mapping[str, str]
    content: bytes
    keep_alive: bool
    chunked: bool


class _Date:
    """The `date` header's value, made once a second."""

    second = 0
    text = b""

    @classmethod
    def now(cls) -> bytes:
        second = int(time.time())
        if second != cls.second:
            cls.second = second
            cls.text = formatdate(second, usegmt=True).encode()
        return cls.text


def head(status: int, content_type: str | None, length: int | None, *lines: bytes, close: bool) -> bytes:
    """The head of a response.

    length: of the body; None: not said.
    lines: more header lines, each ended by CRLF.
    close: whether the connection ends with this response.
    """
    parts = [
        b"HTTP/1.1 %d %b\r\ndate: %b\r\nserver: chatcore-simulator\r\n"
        % (status, _REASONS.get(status, b"Unknown"), _Date.now()),
        *lines,
    ]
    if content_type is not None:
        parts.append(b"content-type: %b\r\n" % content_type.encode())
    if length is not None:
        parts.append(b"content-length: %d\r\n" % length)
    if close:
        parts.append(b"connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def reason(status: int) -> str:
    """What a status is called."""
    return _REASONS.get(status, b"Unknown").decode()


def framed(data: bytes) -> bytes:
    """Data as one chunk of the chunked transfer encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)
