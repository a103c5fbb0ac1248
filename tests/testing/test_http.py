from __future__ import annotations

from chatcore.testing._http import framed, head, reason


def test_heads() -> None:
    first = head(529, "text/plain", 5, b"x-a: 1\r\n", close=True).decode()
    lines = first.split("\r\n")
    assert lines[0] == "HTTP/1.1 529 Site is overloaded"
    assert {"content-type: text/plain", "content-length: 5", "x-a: 1", "connection: close"} <= set(lines)
    assert first.endswith("\r\n\r\n")
    assert head(299, None, None, close=False).startswith(b"HTTP/1.1 299 Unknown\r\n")


def test_chunks_and_reasons() -> None:
    assert framed(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"
    assert (reason(404), reason(599)) == ("Not Found", "Unknown")
