"""Reading answers of the Messages API: what the recordings have not, and what no server should send, in small."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcore.errors import (
    ChatCoreError,
    ConnectionFailedError,
    MalformedResponseError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    RateLimited,
    ServerError,
)
from chatcore.http.status import error_from
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk
from chatcore.outputs import ChatGenerationChunk
from chatcore.providers._anthropic import AnswerDecoder, decode_answer
from chatcore.providers._wire import Exchange

HOST = Exchange("anthropic", "claude-x", "req-1", {"request_id": "req-1"}, ("sk-ant-secret",))
USAGE = {"input_tokens": 7, "output_tokens": 1}
START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x-1", "usage": USAGE}}
PING = {"type": "ping"}
STOP = {"type": "message_stop"}


def begin(index: Any, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: Any, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def because(reason: Any, **fields: Any) -> dict[str, Any]:
    usage = fields.pop("usage", {"output_tokens": 3})
    return {"type": "message_delta", "delta": {"stop_reason": reason, **fields}, "usage": usage}


def text(*pieces: str, index: int = 0) -> list[dict[str, Any]]:
    deltas = [piece(index, "text_delta", text=one) for one in pieces]
    return [begin(index, type="text", text=""), *deltas, end(index)]


def sse(*events: Any) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (named(one), json.dumps(one).encode()) for one in events)


def named(event: Any) -> bytes:
    kind = event.get("type") if isinstance(event, dict) else None
    return kind.encode() if isinstance(kind, str) and kind.isidentifier() else b"message"


def stream(*events: Any, blocks: bool = False, after: bytes = b"") -> list[ChatGenerationChunk]:
    decoder = AnswerDecoder(HOST, blocks=blocks)
    return [*decoder.feed(sse(*events) + after), *decoder.finish()]


def merged(chunks: list[ChatGenerationChunk]) -> AIMessage:
    whole = Accumulator()
    for chunk in chunks:
        assert isinstance(chunk.message, AIMessageChunk)
        whole.add(chunk.message)
    return whole.message()


def streamed(*events: Any, blocks: bool = False) -> AIMessage:
    return merged(stream(START, *events, because("end_turn"), STOP, blocks=blocks))


def plain(*blocks: Any, **fields: Any) -> AIMessage:
    body = {"id": "msg_1", "type": "message", "model": "claude-x-1", "content": [*blocks], "stop_reason": "end_turn"}
    message = decode_answer(json.dumps({**body, "usage": USAGE, **fields}).encode(), HOST).generations[0].message
    assert isinstance(message, AIMessage)
    return message


# ------------------------------------------------------------------------------------------------ the shape of content


def test_one_plain_text_is_a_string() -> None:
    message = plain({"type": "text", "text": "Hi", "citations": None})
    assert message.content == "Hi"
    assert message.id == "msg_1"
    assert streamed(*text("H", "i")).content == "Hi"
    chunks = stream(START, PING, *text("H", "i"), because("end_turn"), STOP)
    assert [chunk.text for chunk in chunks] == ["H", "i", ""]
    assert [chunk.message.chunk_position for chunk in chunks if isinstance(chunk.message, AIMessageChunk)][-1] == "last"


def test_text_in_blocks_where_others_may_follow() -> None:
    assert streamed(*text("H", "i"), blocks=True).content == [{"type": "text", "text": "Hi", "index": 0}]


def test_blocks_after_text_that_came_as_strings() -> None:
    call = begin(1, type="tool_use", id="toolu_1", name="add", input={})
    message = streamed(*text("H", "i"), call, piece(1, "input_json_delta", partial_json='{"a": 1}'), end(1))
    assert message.content == [
        "Hi",
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}, "partial_json": '{"a": 1}', "index": 1},
    ]
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]
    assert message.text == "Hi"


def test_a_second_text_is_a_block_of_its_own() -> None:
    assert streamed(*text("a"), *text("b", index=1)).content == ["a", {"type": "text", "text": "b", "index": 1}]
    assert plain({"type": "text", "text": "a", "index": 5}, {"type": "text", "text": "b"}).content == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_thoughts_come_before_what_is_said() -> None:
    message = streamed(
        begin(0, type="thinking", thinking="", signature=""),
        piece(0, "thinking_delta", thinking="Hm"),
        piece(0, "thinking_delta", thinking="."),
        piece(0, "signature_delta", signature="sig"),
        piece(0, "signature_delta", signature="sig"),
        end(0),
        begin(1, type="redacted_thinking", data="xyz"),
        end(1),
        *text("Hi", index=2),
    )
    assert message.content == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig", "index": 0},
        {"type": "redacted_thinking", "data": "xyz", "index": 1},
        {"type": "text", "text": "Hi", "index": 2},
    ]


def test_what_stands_in_the_beginning_of_a_block_is_kept() -> None:
    message = streamed(begin(0, type="text", text="H"), piece(0, "text_delta", text="i"))
    assert message.content == "Hi"
    message = streamed(begin(0, type="thinking", thinking="H"), piece(0, "thinking_delta", thinking="m"))
    assert message.content == [{"type": "thinking", "thinking": "Hm", "index": 0}]


def test_a_text_that_begins_with_more_than_its_text_is_one_block() -> None:
    message = streamed(START, begin(0, type="text", text="", mark="m"), *text("H", "i")[1:], because("end_turn"), STOP)
    assert message.content == [{"type": "text", "text": "Hi", "mark": "m", "index": 0}]
    assert message.text == "Hi"


def test_what_stands_in_the_beginning_of_the_message_is_read() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
    start = {**START, "message": {**START["message"], "content": [{"type": "text", "text": "Hi"}, call]}}
    message = streamed(start, because("tool_use"), STOP)
    assert message.text == "Hi"
    assert [(made["name"], made["args"]) for made in message.tool_calls] == [("f", {"a": 1})]


def test_an_error_in_a_gateways_own_form() -> None:
    with pytest.raises(RateLimited, match="slow down"):
        decode_answer(b'{"message": "slow down", "code": "rate_limit_exceeded"}', HOST)


def test_blocks_that_all_have_the_number_0_stay_apart() -> None:
    message = streamed(
        *text("a"),
        begin(0, type="tool_use", id="t1", name="add", input={}),
        piece(0, "input_json_delta", partial_json='{"a": 1}'),
        begin(0, type="tool_use", id="t2", name="add", input={}),
        piece(0, "input_json_delta", partial_json='{"a": 2}'),
        *text("b"),
        blocks=True,
    )
    assert [block["type"] for block in message.content if isinstance(block, dict)] == [
        *("text", "tool_use", "tool_use", "text"),
    ]
    assert [(call["id"], call["args"]) for call in message.tool_calls] == [("t1", {"a": 1}), ("t2", {"a": 2})]
    assert message.text == "ab"


def test_citations_gather_on_their_text() -> None:
    cited = [{"type": "char_location", "cited_text": "x", "document_title": None, "index": 4}, {"type": "other"}]
    message = streamed(
        begin(0, type="text", text="", citations=[]),
        piece(0, "citations_delta", citation=cited[0]),
        piece(0, "text_delta", text="Hi"),
        piece(0, "citations_delta", citation=cited[1]),
        piece(0, "citations_delta", citation="no citation"),
        end(0),
    )
    wanted = [{"type": "char_location", "cited_text": "x", "document_title": None}, {"type": "other"}]
    assert message.content == [{"type": "text", "text": "Hi", "citations": wanted, "index": 0}]
    assert plain({"type": "text", "text": "Hi", "citations": cited}).content == [
        {"type": "text", "text": "Hi", "citations": wanted}
    ]


def test_a_compaction_and_one_that_failed() -> None:
    message = streamed(
        begin(0, type="compaction", content=None),
        piece(0, "compaction_delta", content="So far.", encrypted_content=None),
        begin(1, type="compaction", content=None),
        end(1),
    )
    assert message.content == [
        {"type": "compaction", "content": "So far.", "index": 0},
        {"type": "compaction", "content": None, "index": 1},
    ]


# ---------------------------------------------------------------------------------------------------------------- calls


def test_arguments_in_the_beginning_of_a_call_count_if_none_follow() -> None:
    message = streamed(begin(0, type="tool_use", id="t1", name="add", input={"a": 1}), end(0))
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]
    # Where the end of the block is missing, too.
    message = streamed(begin(0, type="tool_use", id="t1", name="add", input={"a": 1}))
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]
    message = streamed(
        begin(0, type="tool_use", id="t1", name="add", input={"a": 1}),
        piece(0, "input_json_delta", partial_json='{"a": 2}'),
        end(0),
    )
    assert [call["args"] for call in message.tool_calls] == [{"a": 2}]


def test_a_call_without_arguments() -> None:
    call = begin(0, type="tool_use", id="t1", name="now", input={}, caller=None)
    message = streamed(call, piece(0, "input_json_delta", partial_json=""), end(0))
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("now", {})]
    assert message.content == [{"type": "tool_use", "id": "t1", "name": "now", "input": {}, "index": 0}]


def test_arguments_cut_off_by_max_tokens_are_an_invalid_call() -> None:
    call = begin(0, type="tool_use", id="t1", name="add", input={})
    message = merged(
        stream(START, call, piece(0, "input_json_delta", partial_json='{"a": '), because("max_tokens"), STOP)
    )
    assert message.tool_calls == []
    assert [(call["name"], call["args"]) for call in message.invalid_tool_calls] == [("add", '{"a": ')]


@pytest.mark.parametrize(("given", "args"), [('{"a": 1}', {"a": 1}), (None, {}), ("", {})])
def test_arguments_that_a_gateway_leaves_as_text(given: Any, args: dict[str, Any]) -> None:
    message = plain({"type": "tool_use", "id": "t1", "name": "add", "input": given})
    assert [call["args"] for call in message.tool_calls] == [args]


def test_arguments_that_are_no_object_are_an_invalid_call() -> None:
    message = plain({"type": "tool_use", "id": "t1", "name": "add", "input": [1]})
    assert message.tool_calls == []
    assert [call["args"] for call in message.invalid_tool_calls] == ["[1]"]


def test_calls_of_tools_that_ran_at_the_provider_are_no_calls_for_us() -> None:
    message = streamed(
        begin(0, type="server_tool_use", id="s1", name="web_search", input={}),
        piece(0, "input_json_delta", partial_json='{"query": "x"}'),
        begin(1, type="web_search_tool_result", tool_use_id="s1", content=[{"type": "web_search_result"}]),
        end(1),
    )
    assert message.tool_calls == message.invalid_tool_calls == []
    assert [block["type"] for block in message.content_blocks] == ["server_tool_call", "server_tool_result"]
    assert message.content_blocks[0].get("args") == {"query": "x"}


def test_many_pieces_cost_their_number() -> None:
    def seconds(pieces: int) -> float:
        body = sse(
            START,
            begin(0, type="tool_use", id="t1", name="add", input={}),
            piece(0, "input_json_delta", partial_json='{"a": "'),
            *(piece(0, "input_json_delta", partial_json="x" * 10) for _ in range(pieces)),
            piece(0, "input_json_delta", partial_json='"}'),
            because("tool_use"),
            STOP,
        )
        began = time.process_time()
        decoder = AnswerDecoder(HOST)
        message = merged([*decoder.feed(body), *decoder.finish()])
        took = time.process_time() - began
        assert len(message.tool_calls[0]["args"]["a"]) == pieces * 10
        return took

    few, many = min(seconds(500) for _ in range(5)), min(seconds(8_000) for _ in range(3))
    # 16 times as many; the square would be 256 times.
    assert many < few * 60


# ---------------------------------------------------------------------------------------- what is said of it as a whole


def test_usage_is_that_of_the_last_event_with_what_only_the_first_says() -> None:
    first = {**START["message"], "usage": {**USAGE, "cache_read_input_tokens": 5, "service_tier": "standard"}}
    last = because("end_turn", usage={"input_tokens": 8, "output_tokens": 3, "cache_read_input_tokens": None})
    message = merged(stream({"type": "message_start", "message": first}, *text("Hi"), last, STOP))
    assert message.usage_metadata == {
        "input_tokens": 13,
        "output_tokens": 3,
        "total_tokens": 16,
        "input_token_details": {"cache_read": 5},
    }
    assert message.response_metadata["usage"]["service_tier"] == "standard"


def test_what_was_written_to_the_cache_is_told_by_its_lifetime() -> None:
    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens_details": {"thinking_tokens": 2},
    }
    assert plain(usage=usage).usage_metadata == {
        "input_tokens": 35,
        "output_tokens": 2,
        "total_tokens": 37,
        "input_token_details": {
            "cache_read": 4,
            "cache_creation": 0,
            "ephemeral_5m_input_tokens": 10,
            "ephemeral_1h_input_tokens": 20,
        },
        "output_token_details": {"reasoning": 2},
    }


def test_usage_that_is_not_wanted() -> None:
    decoder = AnswerDecoder(HOST, usage=False)
    chunks = [*decoder.feed(sse(START, *text("Hi"), because("end_turn"), STOP)), *decoder.finish()]
    assert merged(chunks).usage_metadata is None


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    message = merged(stream(START, *text("I"), because("refusal", stop_details=details), STOP))
    assert (message.content, message.response_metadata["finish_reason"]) == ("I", "refusal")
    assert message.response_metadata["stop_details"] == details
    again = plain(stop_reason="refusal", stop_details=details)
    assert again.content == ""
    assert again.response_metadata["stop_details"] == details


def test_what_else_is_said_of_the_answer() -> None:
    container = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
    managed = {"applied_edits": []}
    message = merged(
        stream(
            START,
            {**because("stop_sequence", stop_sequence="END", container=container), "context_management": managed},
            STOP,
        )
    )
    assert message.response_metadata == {
        "model_provider": "anthropic",
        "model_name": "claude-x-1",
        "model": "claude-x-1",
        "id": "msg_1",
        "finish_reason": "stop_sequence",
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "container": container,
        "context_management": managed,
        "request_id": "req-1",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
    assert plain(stop_reason="pause_turn").response_metadata["finish_reason"] == "pause_turn"


def test_a_model_that_took_over_is_the_one_that_answered() -> None:
    hop = begin(0, type="fallback", to={"model": "claude-y"}, **{"from": {"model": "claude-x"}})
    message = streamed(hop, end(0), *text("Hi", index=1))
    assert message.response_metadata["model_name"] == "claude-y"


# --------------------------------------------------------------------------------------------------------------- errors

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "r"}


def test_an_overload_as_the_first_event_is_an_overload() -> None:
    with pytest.raises(OverloadedError, match="Overloaded"):
        stream(OVERLOADED)
    with pytest.raises(OverloadedError):
        decode_answer(json.dumps(OVERLOADED).encode(), HOST)


def test_an_overload_in_mid_stream_comes_after_what_was_said() -> None:
    decoder = AnswerDecoder(HOST)
    assert [chunk.text for chunk in decoder.feed(sse(START, *text("Hi"), OVERLOADED))] == ["Hi"]
    with pytest.raises(OverloadedError):
        decoder.finish()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "api_error", "message": "Internal server error"}, ServerError),
        ({"type": "rate_limit_error", "message": "Slow down"}, RateLimited),
        ({"type": "not_found_error", "message": "model: claude-z"}, NotFoundError),
        ("a string", ServerError),
    ],
)
def test_errors_inside_a_200(error: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        stream(START, {"type": "error", "error": error})
    with pytest.raises(kind):
        stream(START, {"error": error})
    with pytest.raises(kind):
        decode_answer(json.dumps({"type": "error", "error": error}).encode(), HOST)


def test_an_error_event_that_is_no_json() -> None:
    with pytest.raises(ServerError, match="upstream timed out"):
        AnswerDecoder(HOST).feed(b"event: error\ndata: upstream timed out\n\n")


@pytest.mark.parametrize(
    ("status", "kind", "headers", "wait"),
    [
        (429, RateLimited, {"retry-after": "12"}, 12.0),
        (
            *(429, RateLimited),
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-01-01T00:01:00Z",
            }
            | {"date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            60.0,
        ),
        (529, OverloadedError, {"x-should-retry": "true"}, None),
    ],
)
def test_limits_and_overload_by_their_status(
    status: int, kind: type[ProviderError], headers: dict[str, str], wait: float | None
) -> None:
    words = {429: "rate_limit_error", 529: "overloaded_error"}
    body = {"type": "error", "error": {"type": words[status], "message": "No."}}
    error = error_from(status, {**headers, "request-id": "req-9"}, json.dumps(body).encode(), provider="anthropic")
    assert type(error) is kind
    assert (error.retry_after, error.request_id, error.is_retryable) == (wait, "req-9", True)


def test_an_answer_cut_short_is_never_taken_for_whole() -> None:
    body = sse(START, *text("Hi", " you"), because("end_turn"), STOP)
    ending = body.index(b"event: message_delta")
    for at in range(1, ending):
        decoder = AnswerDecoder(HOST)
        decoder.feed(body[:at])
        with pytest.raises((ConnectionFailedError, MalformedResponseError)):
            decoder.finish()


def test_gateways_end_with_done() -> None:
    assert merged(stream(START, *text("Hi"), STOP, after=b"event: data\ndata: [DONE]\n\n")).content == "Hi"
    assert merged(stream(START, *text("Hi"), after=b"data: [DONE]\n\n")).content == "Hi"


@pytest.mark.parametrize("body", [b"", b"data: [DONE]\n\n", b"event: ping\ndata: {}\n\n", b": hello\n\n"])
def test_a_stream_without_a_message_is_an_error(body: bytes) -> None:
    decoder = AnswerDecoder(HOST)
    with pytest.raises(MalformedResponseError):
        decoder.feed(body)
        decoder.finish()


def test_answers_that_are_not_what_they_say() -> None:
    whole = json.dumps({"id": "1", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}).encode()
    decoder = AnswerDecoder(HOST)
    assert decoder.feed(whole) == []
    assert merged(decoder.finish()).content == "Hi"
    unasked = decode_answer(b"\xef\xbb\xbf" + sse(START, *text("Hi"), because("end_turn"), STOP), HOST)
    assert unasked.generations[0].message.content == "Hi"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"choices": [{"message": {"content": "Hi"}}]}', b'{"content": null}']
)
def test_a_body_without_a_message_is_an_error(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decode_answer(body, HOST)


def test_a_web_page_is_a_wrong_address() -> None:
    with pytest.raises(NotFoundError, match="base_url"):
        decode_answer(b"<html>Hello</html>", HOST)


def test_lines_and_characters_of_every_kind() -> None:
    said = "a\u2028b\U0001f600\ud83d"
    events = sse(START, begin(0, type="text", text=""), piece(0, "text_delta", text=said), because("end_turn"), STOP)
    body = b"\xef\xbb\xbf: hello\r\nid: 1\r\nretry: 5\r\n\r\n" + events.replace(b', "index"', b',\ndata: "index"')
    decoder = AnswerDecoder(HOST)
    chunks = [chunk for at in range(len(body)) for chunk in decoder.feed(body[at : at + 1])]
    message = merged([*chunks, *decoder.finish()])
    assert message.text.startswith("a\u2028b\U0001f600")


# ------------------------------------------------------------------------------------------------------ anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        *("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use", "compaction"),
        *("web_search_tool_result", "mcp_tool_result", "fallback", "container_upload", "x"),
    ]
)
DELTA_KINDS = st.sampled_from(
    ["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta", "compaction_delta", "x"]
)
WORDS = st.sampled_from(["", "a", "{", "{}", '{"a": 1}', "end_turn"])
BLOCKS = st.fixed_dictionaries(
    {"type": KINDS | JSON},
    optional={
        **dict.fromkeys(("text", "thinking", "signature", "partial_json", "id", "name"), WORDS | JSON),
        **dict.fromkeys(("input", "content", "data", "to", "tool_use_id", "caller", "index", "is_error"), JSON),
        "citations": JSON | st.lists(JSON | st.fixed_dictionaries({"cited_text": JSON, "index": st.just(0)})),
    },
)
DELTAS = st.fixed_dictionaries(
    {"type": DELTA_KINDS | JSON},
    optional={
        **dict.fromkeys(("text", "thinking", "signature", "partial_json", "content"), WORDS | JSON),
        "citation": JSON | st.fixed_dictionaries({"cited_text": JSON, "index": st.just(0)}),
        **dict.fromkeys(("stop_reason", "stop_sequence", "container", "stop_details"), WORDS | JSON),
    },
)
COUNTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_input_tokens"), st.integers() | JSON),
        "cache_creation": JSON | st.fixed_dictionaries({"ephemeral_5m_input_tokens": st.integers() | JSON}),
        "output_tokens_details": JSON,
    },
)
INDEX = st.integers(0, 2) | JSON
EVENTS = st.one_of(
    st.just(START),
    st.fixed_dictionaries(
        {"type": st.just("message_start"), "message": JSON | st.fixed_dictionaries({"usage": COUNTS})}
    ),
    st.fixed_dictionaries({"type": st.just("content_block_start"), "index": INDEX, "content_block": BLOCKS | JSON}),
    st.fixed_dictionaries({"type": st.just("content_block_delta"), "index": INDEX, "delta": DELTAS | JSON}),
    st.fixed_dictionaries({"type": st.just("content_block_stop"), "index": INDEX}),
    st.fixed_dictionaries({"type": st.just("message_delta"), "delta": DELTAS | JSON, "usage": COUNTS | JSON}),
    st.fixed_dictionaries({"type": JSON}),
    JSON,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=8), st.integers(1, 40), st.booleans())
def test_whatever_comes_is_a_message_or_an_error_of_ours(events: list[Any], size: int, blocks: bool) -> None:
    body = sse(*events, STOP)
    decoder = AnswerDecoder(HOST, blocks=blocks)
    chunks: list[ChatGenerationChunk] = []
    try:
        for at in range(0, len(body), size):
            chunks += decoder.feed(body[at : at + size])
        chunks += decoder.finish()
    except ChatCoreError:
        pass
    if chunks:
        # What the codec gives unvalidated is valid, and joins.
        for chunk in chunks:
            AIMessageChunk.model_validate(chunk.message.model_dump())
        message = merged(chunks)
        AIMessage.model_validate(message.model_dump())
        assert isinstance(message.text, str)
        assert isinstance(message.content_blocks, list)


@settings(max_examples=200, deadline=None)
@given(
    JSON
    | st.fixed_dictionaries(
        {"content": JSON | st.lists(BLOCKS | JSON, max_size=4)},
        optional={"usage": COUNTS | JSON, **dict.fromkeys(("id", "model", "stop_reason", "type", "error"), JSON)},
    )
)
def test_whatever_is_answered_is_a_result_or_an_error_of_ours(payload: Any) -> None:
    try:
        result = decode_answer(json.dumps(payload).encode(), HOST)
    except ChatCoreError:
        return
    message = result.generations[0].message
    assert isinstance(message, AIMessage)
    AIMessage.model_validate(message.model_dump())
    assert isinstance(message.text, str)
    assert isinstance(message.content_blocks, list)
    assert message.usage_metadata is None or math.isfinite(message.usage_metadata["total_tokens"])


def test_a_piece_of_another_kind_is_a_block_of_its_own() -> None:
    message = streamed(
        begin(0, type="image_of_later", thinking=5),
        piece(0, "thinking_delta", thinking="So"),
        piece(0, "thinking_delta", thinking=" it is"),
        end(0),
    )
    assert message.content == [
        {"type": "image_of_later", "thinking": 5, "index": 0},
        {"type": "thinking", "thinking": "So it is", "index": 1},
    ]
