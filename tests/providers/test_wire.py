"""What every codec's decoder does, whatever its wire says: framing, order, failures, ends."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from typing_extensions import override

from chatcore.errors import ConnectionFailedError, MalformedResponseError, NotFoundError, OverloadedError, ProviderError
from chatcore.http.sse import ServerSentEvent
from chatcore.messages import AIMessage, AIMessageChunk, ToolCall
from chatcore.messages.ai import build_chunk
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers._wire import (
    Exchange,
    Framing,
    StreamDecoder,
    as_object,
    as_objects,
    count,
    excerpt,
    opening,
    parsed,
    text_of,
    unasked_stream,
    whole_chunk,
    word,
)


class Words(StreamDecoder):
    """A wire as small as can be: {"say": ...}, {"error": ...}, {"end": true}."""

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        payload = self._payload(event.event, event.data)
        if payload is None:
            return
        if "error" in payload:
            raise self._exchange.failed(payload)
        if "say" in payload:
            chunks.append(ChatGenerationChunk(message=build_chunk(content=payload["say"])))
        self.done = "end" in payload

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if not self.done:
            raise self._exchange.broke_off("it did not say that it is over")
        return [ChatGenerationChunk(message=build_chunk(content="", chunk_position="last"))]

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        answer = ChatGeneration(message=AIMessage(str(as_object(parsed(body, self._exchange)).get("say"))))
        return [whole_chunk(ChatResult(generations=[answer]))]


def words() -> Words:
    return Words(Exchange("acme", model="m", request_id="r"), max_event_bytes=1000)


def said(chunks: list[ChatGenerationChunk]) -> list[str]:
    return [chunk.message.text for chunk in chunks]


def test_bytes_cut_anywhere() -> None:
    body = (
        b'\xef\xbb\xbf\r\n: hello\ndata: {"say":\ndata: "\xc3\xa9"}\n\ndata: {"end":true}\n\ndata: {"say":"late"}\n\n'
    )
    for size in range(1, len(body)):
        decoder = words()
        chunks = [chunk for start in range(0, len(body), size) for chunk in decoder.feed(body[start : start + size])]
        assert said(chunks + decoder.finish()) == ["é", ""], size
        assert decoder.done


def test_chunks_before_a_failure_come_first() -> None:
    decoder = words()
    body = b'data: {"say":"so far"}\n\nevent: error\ndata: {"error":{"type":"overloaded_error","message":"no"}}\n\n'
    assert said(decoder.feed(body)) == ["so far"]
    assert decoder.done
    for proceed in (decoder.finish, lambda: decoder.feed(b"more")):
        with pytest.raises(OverloadedError) as raised:
            proceed()
        assert raised.value.provider == "acme"


def test_a_failure_alone_is_raised_at_once() -> None:
    with pytest.raises(ProviderError, match="boom"):
        words().feed(b"event: error\ndata: boom\n\n")


def test_an_event_of_the_hosts_own_is_passed_over() -> None:
    decoder = words()
    assert decoder.feed(b"event: ping\ndata: now\n\nevent: ping\ndata: 3\n\n") == []


@pytest.mark.parametrize("data", [b"nonsense", b"[1]"], ids=["no JSON", "no object"])
def test_what_is_no_event(data: bytes) -> None:
    with pytest.raises(MalformedResponseError) as raised:
        words().feed(b"data: " + data + b"\n\n")
    assert raised.value.provider == "acme"
    assert data.decode() in str(raised.value)


def test_an_end_that_is_missing() -> None:
    decoder = words()
    decoder.feed(b'data: {"say":"half"}\n\ndata: {"en')
    with pytest.raises(ConnectionFailedError, match="broke off"):
        decoder.finish()


def test_a_last_event_without_a_blank_line_counts() -> None:
    decoder = words()
    decoder.feed(b'data: {"end":true}')
    assert said(decoder.finish()) == [""]


@pytest.mark.parametrize("start", [b"", b"\xef", b" \n"], ids=["nothing", "half a mark", "white space"])
def test_nothing_at_all(start: bytes) -> None:
    decoder = words()
    decoder.feed(start)
    with pytest.raises(ConnectionFailedError):
        decoder.finish()


def test_one_body_where_a_stream_was_asked() -> None:
    decoder = words()
    assert decoder.feed(b' {"say":') == []
    assert decoder.feed(b'"all"}') == []
    assert said(decoder.finish()) == ["all"]


def test_a_body_too_large() -> None:
    decoder = words()
    decoder.feed(b"{" + b" " * 900)
    with pytest.raises(MalformedResponseError, match="larger than 1,000 bytes"):
        decoder.feed(b" " * 200)


def test_a_web_page() -> None:
    decoder = words()
    decoder.feed(b"<!doctype html><title>Sign in</title>")
    with pytest.raises(NotFoundError, match="check base_url"):
        decoder.finish()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"upstream connect error or disconnect", "is no stream of events: 'upstream connect error or disconnect'"),
        (b"error: no\n\nmore", "is no stream of events: 'error: no\\n\\nmore'"),
        (b"\x1f\x8b\x08\x00\x00", "is compressed, and no header says so"),
        (b'"overloaded', "is not JSON"),
    ],
    ids=["text", "a field of no event", "gzip", "half a string"],
)
def test_what_is_no_stream_at_all(body: bytes, told: str) -> None:
    for parts in ([body], [body[at : at + 1] for at in range(len(body))]):
        decoder = words()
        for part in parts:
            assert decoder.feed(part) == []
        with pytest.raises(MalformedResponseError, match=re.escape(told)):
            decoder.finish()


@pytest.mark.parametrize("body", [b": ping\n\n", b"event: ping\n\n", b"dat", b"retry: 1\n\n"], ids=str)
def test_a_stream_without_an_event_broke_off(body: bytes) -> None:
    decoder = words()
    assert decoder.feed(body) == []
    with pytest.raises((ConnectionFailedError, MalformedResponseError)):
        decoder.finish()


class Lines:
    """A framing of lines."""

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        return [ServerSentEvent(None, line, "") for line in part.splitlines()]

    def finish(self) -> ServerSentEvent | None:
        return None


def test_a_framing_of_ones_own() -> None:
    class Listed(Words):
        def _framed(self, start: bytes) -> Framing | None:
            return Lines()

    decoder = Listed(Exchange("acme"))
    assert said(decoder.feed(b'{"say":"a"}\n{"say":"b"}\n{"end":1}')) == ["a", "b"]
    assert said(decoder.finish()) == [""]


class Failing(Lines):
    """A framing that cannot read what follows."""

    def finish(self) -> ServerSentEvent | None:
        raise MalformedResponseError("damaged")


@pytest.mark.parametrize("ends", [True, False], ids=["after the end", "before the end"])
def test_damage_counts_only_before_the_answers_end(ends: bool) -> None:
    class Damaged(Words):
        def _framed(self, start: bytes) -> Framing | None:
            return Failing()

    decoder = Damaged(Exchange("acme"))
    assert said(decoder.feed(b'{"say":"a"}' + b'\n{"end":1}' * ends)) == ["a"]
    if ends:
        assert said(decoder.finish()) == [""]
    else:
        with pytest.raises(MalformedResponseError, match="damaged"):
            decoder.finish()


def test_a_whole_answer_as_one_chunk_is_the_same_answer() -> None:
    message = AIMessage("hi", id="i", tool_calls=[ToolCall(name="f", args={"a": [1, "é"]}, id="c", type="tool_call")])
    chunk = cast("AIMessageChunk", whole_chunk(ChatResult(generations=[ChatGeneration(message=message)])).message)
    assert chunk.tool_calls == message.tool_calls
    assert (chunk.content, chunk.id, chunk.chunk_position) == ("hi", "i", "last")


def test_a_stream_that_nobody_asked_for() -> None:
    result = unasked_stream(b'data: {"say":"a"}\n\ndata: {"say":"b"}\n\ndata: {"end":1}\n\n', words())
    assert result.generations[0].text == "ab"


def test_errors_say_whose_answer_it_was_and_no_key() -> None:
    exchange = Exchange("acme", model="m", request_id="r", secrets=("a-very-secret-key",))
    error = exchange.malformed("is odd", b"it says a-very-secret-key")
    assert "a-very-secret-key" not in str(error)
    assert (error.provider, error.model, error.request_id) == ("acme", "m", "r")
    unsigned = ProviderError("?")
    exchange.sign(unsigned)
    assert (unsigned.provider, unsigned.model, unsigned.request_id) == ("acme", "m", "r")
    assert "a-very-secret-key" not in repr(exchange)


@pytest.mark.parametrize(
    ("value", "read"),
    [("stop", "stop"), ("", None), (None, None), (7, "7"), (True, None), ({}, None)],
    ids=["text", "empty", "null", "number", "bool", "object"],
)
def test_words(value: Any, read: str | None) -> None:
    assert word(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(3, 3), (3.0, 3), (True, None), ("3", None), (float("inf"), None), (None, None), (10**400, 10**400)],
    ids=["int", "float", "bool", "text", "infinite", "null", "huge"],
)
def test_counts(value: Any, read: int | None) -> None:
    assert count({"n": value}, "n") == read


def test_json_of_other_types() -> None:
    assert as_object([1]) == {}
    assert as_objects([1, {"a": 1}, None]) == [{"a": 1}]
    assert as_objects("no") == []
    assert text_of({"a": 1}) == '{"a":1}'
    assert text_of(["\ud83d"]) == '["\\ud83d"]'
    assert opening(b"\n\xef\xbb\xbf {}") == opening(b"\xef\xbb\xbf" * 2 + b"{}") == opening(b"{}") == b"{}"
    assert excerpt(b"x" * 1000).endswith("...")
