"""Failures, and oddities that are none, in every form and on every wire: all that was recorded, and more by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from chatcore import errors
from chatcore.http.status import error_from, redacted
from chatcore.messages import Accumulator, AIMessage
from chatcore.outputs import ChatResult
from chatcore.providers import _anthropic, _gemini, _ollama, _openai_chat, _responses
from chatcore.providers._wire import Exchange, StreamDecoder
from chatcore.providers.ollama import ChatOllama
from chatcore.providers.openai import ChatOpenAI
from tests.providers.loopback import Answer, provider
from tests.providers.replay import Replay, at_random, whole
from tests.providers.traffic import rows

# ---------------------------------------------------------------------------------------------------- recorded answers

BY_STATUS = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    429: errors.RateLimited,
    500: errors.ServerError,
}

MORE_EXACT: dict[str, type[errors.ProviderError]] = {
    "a66ccdb5d1bedc295fafdb1d": errors.AuthenticationError,  # a security token that is expired
    "e3a275ba99fe4711f572c3bd": errors.NotFoundError,  # a model identifier that is invalid
    "714439df49fd81f3189a2668": errors.AuthenticationError,  # an API key that is not valid
    "862674ae7692a80f95a1adb6": errors.AuthenticationError,
    "e4d821fbe60042d87ada08b5": errors.AuthenticationError,
    "6c7b9ff4127d53d923466e3f": errors.ContextOverflowError,
    "6ed8df038701c829e57ba7e5": errors.ContextOverflowError,
    "a6ffcc1778c4b22bd6c56a05": errors.ContextOverflowError,
    "e04fb33845080857875d8ccb": errors.ContextOverflowError,
    "0d52e661f43597f52d7a3b9c": errors.NotFoundError,  # a model that does not exist
    "4a1a3d80246563c56112c2fd": errors.NotFoundError,
    "761257a4ea9150f862fed138": errors.NotFoundError,
    "a286e0ed09e7c8e6750fbfff": errors.NotFoundError,
    "a7667dbf7253792d6d18f5ab": errors.NotFoundError,
    "cf437f9e6689e13fc203272b": errors.NotFoundError,
    "fa57b412fd7ce7394cc70e4e": errors.NotFoundError,
}
"""The rows whose body says more than their status."""

WAITS = {"43400b49fc55fd8c6364ffb9": 1.0}
"""The rows that say how many seconds to wait."""

INSIDE: dict[str, tuple[type[errors.ProviderError], str | None, str]] = {
    "0897cd447bd70aaedd5ece2e": (
        errors.BadRequestError,
        "tool_use_failed",
        "Tool choice is required, but model did not call a tool",
    ),
    "ee63854c0a75b19ad2d999ff": (errors.BadRequestError, "400", "Token limit reached"),
    "3776e262df090d355c06997d": (
        errors.ContentFilteredError,
        "content_filter",
        "Filtered for: hate (high), self-harm (high), violence (medium).",
    ),
}
"""The rows with an error inside a 200: its class, its code, and words of it."""

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama", "bedrock", "other")


@pytest.mark.parametrize(("dialect", "at_least"), [*zip(DIALECTS, (45, 19, 28, 7, 0, 7, 1), strict=True)], ids=DIALECTS)
def test_every_recorded_refusal(dialect: str, at_least: int) -> None:
    found = [row for row in rows(dialect) if row["status"] >= 300]
    assert len(found) >= at_least
    for row in found:
        headers = {name.lower(): value for name, value in row["response_headers"].items()}
        body = row["body_text"].encode()
        error = error_from(row["status"], headers, body, provider=row["provider"], model="m")
        wanted = MORE_EXACT.get(row["id"], BY_STATUS[row["status"]])
        assert type(error) is wanted, row["id"]
        assert error.status == row["status"]
        assert error.retry_after == WAITS.get(row["id"])
        ids = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "mistral-correlation-id", "cf-ray")
        named = next((headers[name] for name in ids if name in headers), json.loads(body).get("request_id"))
        assert error.request_id == named, row["id"]
        said = (row["expected"] or {}).get("error")
        if said is None:
            assert redacted(json.loads(body)["message"])[:40] in str(error), row["id"]
            assert error.code is None
            continue
        assert redacted((said["message"] or "").strip())[:300] in str(error), row["id"]
        codes = [code for code in (said.get("code"), said["type"]) if code and str(code) != str(row["status"])]
        assert error.code == (codes[0] if codes else error.code), row["id"]
        if not codes:
            assert error.code in (None, json.loads(body).get("code"), "INVALID_ARGUMENT"), row["id"]


def test_every_recorded_error_inside_a_200() -> None:
    seen: set[str] = set()
    for dialect, codec in CODECS.items():
        replay = Replay(dialect, codec.decode, codec.decoder)
        for row in rows(dialect):
            if row["status"] != 200 or not (row["id"] in INSIDE or ((row["expected"] or {}).get("error"))):
                continue
            kind, code, words = INSIDE[row["id"]]
            seen.add(row["id"])
            for cut in (whole, at_random(7)):
                with pytest.raises(errors.ProviderError) as caught:
                    replay.read(row, cut)
                assert type(caught.value) is kind
                assert (caught.value.status, caught.value.code) == (None, code)
                assert words in str(caught.value)
                assert caught.value.provider == row["provider"]
    assert seen == set(INSIDE)


# -------------------------------------------------------------------------------------------------- every wire, by hand


@dataclass(frozen=True)
class Codec:
    """One wire: its codec, and the smallest stream on it.

    events: the events that say a text, given as JSON: name and data of each.
    failed: an event that says that the provider is overloaded.
    """

    decode: Callable[[bytes, Exchange], ChatResult]
    decoder: Callable[[Exchange], StreamDecoder]
    events: tuple[tuple[str | None, str], ...]
    failed: tuple[str | None, str]
    is_sse: bool = True

    def said(self, text: str = '"Hi"') -> list[tuple[str | None, str]]:
        return [(name, data.replace("TEXT", text)) for name, data in self.events]

    def written(self, events: Iterable[tuple[str | None, str]]) -> bytes:
        if not self.is_sse:
            return "".join(f"{data}\n" for _, data in events).encode()
        named = ((f"event: {name}\n" if name else "", data) for name, data in events)
        return "".join(f"{name}data: {data}\n\n" for name, data in named).encode()

    def read(self, stream: bytes) -> AIMessage:
        """The message that a stream says, the same however it is cut."""
        messages: list[AIMessage] = []
        for size in (len(stream) or 1, 1, 7):
            merged = Accumulator()
            decoder = self.decoder(Exchange("acme", "m", "r"))
            parts = [stream[at : at + size] for at in range(0, len(stream), size)]
            for chunk in [*(chunk for part in parts for chunk in decoder.feed(part)), *decoder.finish()]:
                merged.add(chunk.message)
            messages.append(merged.message())
        assert {message.text for message in messages} == {messages[0].text}
        return messages[0]


def typed(*payloads: str) -> tuple[tuple[str | None, str], ...]:
    return tuple((json.loads(data.replace("TEXT", '""'))["type"], data) for data in payloads)


ITEM = (
    '{"id":"msg_1","type":"message","role":"assistant","status":"completed",'
    '"content":[{"type":"output_text","text":TEXT,"annotations":[]}]}'
)
OVERLOADED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_9"}'

CODECS = {
    "openai-chat": Codec(
        _openai_chat.decode_answer,
        _openai_chat.AnswerDecoder,
        (
            (None, '{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":null}]}'),
            (None, '{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'),
            (None, "[DONE]"),
        ),
        (None, '{"error":{"code":503,"type":"overloaded_error","message":"Overloaded"}}'),
    ),
    "openai-responses": Codec(
        _responses.decode_answer,
        _responses.AnswerDecoder,
        typed(
            '{"type":"response.created","response":{"id":"r1","model":"m","status":"in_progress","output":[]}}',
            '{"type":"response.output_item.added","output_index":0,"item":'
            '{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}}',
            '{"type":"response.content_part.added","item_id":"msg_1","output_index":0,"content_index":0,'
            '"part":{"type":"output_text","text":"","annotations":[]}}',
            '{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":TEXT}',
            '{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":TEXT}',
            f'{{"type":"response.output_item.done","output_index":0,"item":{ITEM}}}',
            f'{{"type":"response.completed","response":{{"id":"r1","model":"m","status":"completed","output":[{ITEM}]}}}}',
        ),
        (
            "response.failed",
            '{"type":"response.failed","response":{"error":{"code":"server_is_overloaded","message":"Overloaded"}}}',
        ),
    ),
    "anthropic-messages": Codec(
        _anthropic.decode_answer,
        _anthropic.AnswerDecoder,
        typed(
            '{"type":"message_start","message":{"id":"m1","model":"m","role":"assistant","content":[],"usage":{}}}',
            '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":TEXT}}',
            '{"type":"content_block_stop","index":0}',
            '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}',
            '{"type":"message_stop"}',
        ),
        ("error", OVERLOADED),
    ),
    "gemini": Codec(
        _gemini.decode_answer,
        _gemini.AnswerDecoder,
        (
            (
                None,
                '{"candidates":[{"content":{"parts":[{"text":TEXT}],"role":"model"},"index":0}],"modelVersion":"m"}',
            ),
            (None, '{"candidates":[{"content":{"parts":[]},"finishReason":"STOP","index":0}],"modelVersion":"m"}'),
        ),
        (None, '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'),
    ),
    "ollama": Codec(
        _ollama.decode_answer,
        _ollama.AnswerDecoder,
        (
            (None, '{"model":"m","message":{"role":"assistant","content":TEXT},"done":false}'),
            (None, '{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}'),
        ),
        (None, '{"error":"server busy, please try again. maximum pending requests exceeded"}'),
        is_sse=False,
    ),
}

every_wire = pytest.mark.parametrize("codec", [*CODECS.values()], ids=[*CODECS])
every_sse_wire = pytest.mark.parametrize(
    "codec", [codec for codec in CODECS.values() if codec.is_sse], ids=[name for name in CODECS if name != "ollama"]
)

BOM = b"\xef\xbb\xbf"


@every_wire
def test_the_smallest_stream(codec: Codec) -> None:
    assert codec.read(codec.written(codec.said())).text == "Hi"


@every_wire
@pytest.mark.parametrize("before", [BOM, b"\r\n\r\n", b"\n \n", BOM + b"\n"], ids=repr)
def test_what_may_stand_before_a_stream(codec: Codec, before: bytes) -> None:
    assert codec.read(before + codec.written(codec.said())).text == "Hi"


@every_wire
@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b"\r\n\r\n"], ids=repr)
def test_ends_of_lines(codec: Codec, end: bytes) -> None:
    stream = codec.written(codec.said())
    if len(end) > 2 or not codec.is_sse:
        stream = stream.replace(b"\n\n" if codec.is_sse else b"\n", end * 2 if codec.is_sse else end)
    else:
        stream = stream.replace(b"\n", b"\r\n")
    assert codec.read(stream).text == "Hi"


@every_sse_wire
def test_fields_and_comments_beside_the_data(codec: Codec) -> None:
    stream = codec.written(codec.said()).replace(b"data: ", b": ping\nid: 7\nretry: 3000\nunknown: x\ndata:")
    assert codec.read(b"retry: 10\n\n: hello\n\n" + stream + b": bye\n\n").text == "Hi"


@every_sse_wire
def test_data_over_several_lines(codec: Codec) -> None:
    events: list[tuple[str | None, str]] = []
    for name, data in codec.said():
        spread = data if data == "[DONE]" else json.dumps(json.loads(data), indent=1)
        events.append((name, spread.replace("\n", "\ndata: ")))
    assert codec.read(codec.written(events)).text == "Hi"


@every_sse_wire
def test_events_of_the_hosts_own(codec: Codec) -> None:
    own = b"event: ping\ndata: {}\n\nevent: x-progress\ndata: half way\n\n"
    stream = codec.written(codec.said())
    assert codec.read(own + stream.replace(b"\n\n", b"\n\n" + own, 2)).text == "Hi"


@every_wire
@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\N{GRINNING FACE}"], ids=ascii)
def test_what_looks_like_the_end_of_a_line_is_text(codec: Codec, separator: str) -> None:
    said = f"a{separator}b"
    escaped = json.dumps(said) if separator < " " else json.dumps(said, ensure_ascii=False)
    assert codec.read(codec.written(codec.said(escaped))).text == said


@every_wire
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'"a\ud83db"', "a\ufffdb"),
        (rb'"a\ude00"', "a\ufffd"),
        (rb'"\ud83d\ude00\ud83d"', "\N{GRINNING FACE}\ufffd"),
        (rb'"\\ud83d"', "\\ud83d"),
        (b'"a\xf0\x9f\x98b"', "a\ufffdb"),
        (b'"a\xed\xa0\xbdb"', "a\ufffd\ufffd\ufffdb"),
    ],
    ids=["high", "low", "one and a half", "escaped", "cut", "surrogate in UTF-8"],
)
def test_half_a_character_costs_that_character(codec: Codec, raw: bytes, text: str) -> None:
    stream = codec.written(codec.said('"TEXT"')).replace(b'"TEXT"', raw)
    message = codec.read(stream)
    assert message.text == text
    message.text.encode()


@every_wire
def test_an_overload_before_anything_is_raised_at_once(codec: Codec) -> None:
    decoder = codec.decoder(Exchange("acme", "m", "r"))
    with pytest.raises(errors.OverloadedError) as caught:
        decoder.feed(codec.written([codec.failed]))
    error = caught.value
    assert error.is_retryable
    assert (error.status, error.provider, error.model, error.request_id) == (None, "acme", "m", "r")
    assert "verloaded" in str(error) or "server busy" in str(error)


@every_wire
def test_an_overload_in_mid_stream_comes_after_what_was_said(codec: Codec) -> None:
    before = codec.said()[: -2 if codec.is_sse and len(codec.events) > 2 else -1]
    stream = codec.written([*before, codec.failed])
    for size in (1, 11, len(stream)):
        decoder = codec.decoder(Exchange("acme", "m", "r"))
        said = ""
        with pytest.raises(errors.OverloadedError):
            for at in range(0, len(stream), size):
                said += "".join(chunk.text for chunk in decoder.feed(stream[at : at + size]))
            decoder.finish()
        assert said == "Hi"


@every_wire
@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b'{"error":{"message":"no such thing","code":429}}', errors.RateLimited, "no such thing"),
        (b'{"error":"no such thing"}', errors.ServerError, "no such thing"),
        (b' \n{"error":{"message":"no such thing"}}\n', errors.ServerError, "no such thing"),
        (BOM + b'{"error":{"message":"no such thing"}}', errors.ServerError, "no such thing"),
        (b'"no such thing"', errors.MalformedResponseError, "no such thing"),
        (b"[]", errors.MalformedResponseError, ""),
        (b"{}", errors.MalformedResponseError, ""),
        (b"null", errors.MalformedResponseError, ""),
        (b"", errors.ProviderError, ""),
        (b"no such thing", errors.MalformedResponseError, "no such thing"),
        (b"<html><title>no such thing</title></html>", errors.NotFoundError, "no such thing"),
        (
            b"<?xml version='1.0'?><Error><Message>no such thing</Message></Error>",
            errors.NotFoundError,
            "no such thing",
        ),
        (gzip.compress(b'{"error":"x"}'), errors.MalformedResponseError, ""),
        (b"[" * 100_000, errors.MalformedResponseError, ""),
        (b'{"a":' * 100_000, errors.MalformedResponseError, ""),
    ],
    ids=[
        *("error", "text", "spaces", "bom", "string", "array", "object", "null", "empty", "words", "html", "xml"),
        *("gzip", "deep array", "deep object"),
    ],
)
def test_what_is_no_answer_inside_a_200(codec: Codec, body: bytes, kind: type[errors.ProviderError], told: str) -> None:
    exchange = Exchange("acme", "m", "r")

    def streamed() -> None:
        decoder = codec.decoder(exchange)
        decoder.feed(body)
        decoder.finish()

    # As a stream, what begins like nothing that is known may also be one that broke off.
    for read, kinds in ((lambda: codec.decode(body, exchange), kind), (streamed, (kind, errors.ConnectionFailedError))):
        with pytest.raises(kinds) as caught:
            read()
        assert isinstance(caught.value, errors.ProviderError)
        assert told in str(caught.value)
        assert (caught.value.provider, caught.value.model, caught.value.request_id) == ("acme", "m", "r")


@every_wire
def test_a_stream_that_nobody_asked_for_is_read(codec: Codec) -> None:
    message = codec.decode(codec.written(codec.said()), Exchange("acme")).generations[0].message
    assert message.text == "Hi"
    with pytest.raises(errors.OverloadedError):
        codec.decode(codec.written([codec.failed]), Exchange("acme"))


# ------------------------------------------------------------------------------------------------------------ Anthropic


@pytest.mark.parametrize(
    ("status", "kind", "error_type", "message"),
    [
        (429, errors.RateLimited, "rate_limit_error", "This request would exceed your rate limit"),
        (529, errors.OverloadedError, "overloaded_error", "Overloaded"),
        (500, errors.ServerError, "api_error", "Internal server error"),
        (504, errors.ServerError, "timeout_error", "Request timed out"),
        (413, errors.BadRequestError, "request_too_large", "Request exceeds the maximum size"),
        (402, errors.QuotaExhaustedError, "billing_error", "Check your plan"),
        (400, errors.QuotaExhaustedError, "invalid_request_error", "Your credit balance is too low to access the API"),
        (403, errors.PermissionDeniedError, "permission_error", "Your key may not use this"),
    ],
)
def test_what_anthropic_answers(status: int, kind: type[errors.ProviderError], error_type: str, message: str) -> None:
    body = {"type": "error", "error": {"type": error_type, "message": message}, "request_id": "req_1"}
    headers = {"retry-after": "12", "x-should-retry": "true", "anthropic-ratelimit-requests-remaining": "0"}
    error = error_from(status, headers, json.dumps(body).encode(), provider="anthropic")
    assert type(error) is kind
    assert (error.code, error.request_id, error.retry_after) == (error_type, "req_1", 12.0)
    assert message in str(error)


def test_how_long_anthropic_wants_us_to_wait() -> None:
    headers = {
        "date": "Sun, 22 Nov 2026 22:00:00 GMT",
        "anthropic-ratelimit-requests-remaining": "17",
        "anthropic-ratelimit-requests-reset": "2026-11-22T22:00:01Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-22T22:00:45Z",
    }
    assert error_from(429, headers, b"", provider="anthropic").retry_after == 45.0


def test_a_refusal_of_anthropics_is_an_answer_that_says_so() -> None:
    codec = CODECS["anthropic-messages"]
    stream = codec.written(codec.said()).replace(b"end_turn", b"refusal")
    message = codec.read(stream)
    assert message.text == "Hi"
    assert message.response_metadata["finish_reason"] == "refusal"


# -------------------------------------------------------------------------------------------- mislabelled, over sockets

CHAT_BODY = b'{"id":"c1","model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}'
LABELS = ("application/json", "text/event-stream", "text/plain", "application/octet-stream", "text/html", "nonsense")


@pytest.mark.anyio
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_what_an_answer_is_its_bytes_tell_and_not_its_label(label: str, stream: bool) -> None:
    chat = CODECS["openai-chat"]
    bodies = (CHAT_BODY, chat.written(chat.said()))
    async with provider(*(Answer(body, headers={"content-type": label}) for body in bodies)) as server:
        model = ChatOpenAI(model="m", api_key="k", base_url=f"{server.url}/v1", max_retries=0)
        for _ in bodies:
            assert (await model.ainvoke("?", stream=stream)).text == "Hi"


@pytest.mark.anyio
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_what_an_error_is_its_bytes_tell_and_not_its_label(label: str, stream: bool) -> None:
    bodies = (
        b'{"error":{"message":"no such thing"}}',
        b"no such thing",
        b'"no such thing"',
        b"<html><head><title>no such thing</title></head><body>...</body></html>",
        gzip.compress(b'{"error":"no such thing"}'),
    )
    async with provider(*(Answer(body, 502, {"content-type": label}) for body in bodies)) as server:
        model = ChatOllama(model="m", base_url=server.url, max_retries=0)
        for _ in bodies:
            with pytest.raises(errors.ServerError, match="answered 502: no such thing") as caught:
                await model.ainvoke("?", stream=stream)
            assert caught.value.status == 502


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_an_error_without_a_body_is_told_by_its_status(status: int) -> None:
    async with provider(Answer(b"", status, {"x-request-id": "r-1", "retry-after": "2"})) as server:
        with pytest.raises(errors.ProviderError, match=f"answered {status}: no explanation") as caught:
            await ChatOllama(model="m", base_url=server.url, max_retries=0).ainvoke("?")
    assert (caught.value.status, caught.value.request_id, caught.value.retry_after) == (status, "r-1", 2.0)
