"""Answers of Bedrock's Converse, whole and streamed, beside botocore's reading of the same bytes."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import (
    BadRequestError,
    ConnectionFailedError,
    MalformedResponseError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    RateLimited,
    ServerError,
)
from chatcore.messages import Accumulator, AIMessage
from chatcore.outputs import ChatGenerationChunk
from chatcore.providers._bedrock_converse import AnswerDecoder, decode_answer
from chatcore.providers._bedrock_converse_request import encode_messages
from chatcore.providers._wire import Exchange
from tests.http.event_streams import event, exception, failure, framed
from tests.providers.bedrock_wire import answer, as_botocore_reads, service, streamed
from tests.providers.replay import at_random, byte_by_byte, whole
from tests.providers.traffic import rows

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
EXCHANGE = Exchange("bedrock_converse", MODEL, "req-1", {"request_id": "req-1"})
PICTURE = base64.b64encode(bytes(range(20))).decode()

TEXT = {"text": "Grüße, \N{EARTH GLOBE EUROPE-AFRICA}\u2028!"}
REASONING = {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "EqQBCgIYAhIk"}}}
ENCRYPTED = {"reasoningContent": {"redactedContent": PICTURE}}
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "add", "input": {"a": 1, "b": ["x", {"c": None}]}}}
EMPTY_CALL = {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}}
SERVER_CALL = {
    "toolUse": {"toolUseId": "tooluse_3", "name": "nova_grounding", "input": {"q": "x"}, "type": "server_tool_use"}
}
SERVER_RESULT = {
    "toolResult": {
        "toolUseId": "tooluse_3",
        "type": "nova_grounding_result",
        "status": "success",
        "content": [{"text": "Found it."}, {"json": {"n": [1, 2]}}, {"text": "And more."}],
    }
}
CITED = {
    "citationsContent": {
        "content": [{"text": "Ruby is of 1993."}],
        "citations": [
            {
                "title": "facts",
                "source": "doc",
                "sourceContent": [{"text": "made in "}, {"text": "1993"}],
                "location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 73}},
            },
            {"location": {"searchResultLocation": {"searchResultIndex": 1, "start": 0, "end": 1}}},
        ],
    }
}
CITED_ALONE = {"citationsContent": {"citations": [{"location": {"web": {"url": "https://a.b", "domain": "a.b"}}}]}}
IMAGE = {"image": {"format": "png", "source": {"bytes": PICTURE}}}
IMAGE_IN_S3 = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}

CONTENTS = {
    "text": [TEXT],
    "nothing": [],
    "texts": [TEXT, {"text": "More."}],
    "reasoning": [REASONING, TEXT],
    "encrypted": [ENCRYPTED, REASONING, TEXT],
    "calls": [TEXT, CALL, EMPTY_CALL],
    "thinking and calling": [REASONING, CALL],
    "server's tool": [SERVER_CALL, SERVER_RESULT, TEXT, CITED_ALONE, CITED_ALONE, {"text": "."}],
    "citations": [CITED, {"text": ", and "}, CITED],
    "images": [TEXT, IMAGE, IMAGE_IN_S3],
}
each_content = pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())


def body_of(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def plain(value: Any, exchange: Exchange = EXCHANGE) -> AIMessage:
    message = decode_answer(value if isinstance(value, bytes) else body_of(value), exchange).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def chunks_of(*parts: bytes, blocks: bool = False) -> list[ChatGenerationChunk]:
    decoder = AnswerDecoder(EXCHANGE, blocks=blocks)
    chunks = [chunk for part in parts for chunk in decoder.feed(part)]
    return [*chunks, *decoder.finish()]


def merged(*parts: bytes, blocks: bool = False) -> AIMessage:
    together = Accumulator()
    for chunk in chunks_of(*parts, blocks=blocks):
        together.add(chunk.message)
    return together.message()


def sent_back(message: AIMessage) -> list[dict[str, Any]]:
    turns, _ = encode_messages([message], model=MODEL, family="anthropic")
    return turns[0]["content"]


def unnumbered(blocks: Any) -> Any:
    """Standard blocks without their numbers, which only streams have."""
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]


# ------------------------------------------------------------------------------------------------- what the content is


@each_content
def test_what_was_answered_is_sent_back(content: list[dict[str, Any]]) -> None:
    if content:
        assert sent_back(plain(answer(*content))) == content
        assert sent_back(merged(streamed(answer(*content)), blocks=True)) == content


@each_content
@pytest.mark.parametrize("cut", [whole, byte_by_byte, at_random(1), at_random(2)], ids=["whole", "bytes", "1", "2"])
def test_a_stream_gives_what_a_plain_answer_gives(content: list[dict[str, Any]], cut: Any) -> None:
    expected = plain(answer(*content))
    found = merged(*cut(streamed(answer(*content))), blocks=True)
    assert found.text == expected.text
    assert found.tool_calls == expected.tool_calls
    assert found.response_metadata == expected.response_metadata
    assert found.usage_metadata == expected.usage_metadata
    assert unnumbered(found.content_blocks) == unnumbered(expected.content_blocks)


@each_content
def test_botocore_reads_the_same(content: list[dict[str, Any]]) -> None:
    value = answer(*content)
    theirs = as_botocore_reads(body_of(value))
    assert plain(value).text == "".join(
        block.get("text", "") or "".join(part["text"] for part in block.get("citationsContent", {}).get("content", ()))
        for block in theirs["output"]["message"]["content"]
    )
    read = as_botocore_reads(streamed(value), stream=True)
    deltas = [found["contentBlockDelta"]["delta"] for found in read if "contentBlockDelta" in found]
    assert merged(streamed(value)).text == "".join(delta.get("text", "") for delta in deltas)
    arguments = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    ours = [chunk.message.tool_call_chunks for chunk in chunks_of(streamed(value))]  # type: ignore[attr-defined]
    own = [call["args"] or "" for calls in ours for call in calls]
    if not any("toolResult" in block for block in content):
        assert "".join(own) == arguments
    assert read[-1]["metadata"]["usage"] == value["usage"]


def test_plain_text_is_a_str() -> None:
    assert plain(answer(TEXT)).content == TEXT["text"]
    assert merged(streamed(answer(TEXT))).content == TEXT["text"]
    assert plain(answer()).content == ""


def test_blocks_as_the_reference_has_them() -> None:
    assert plain(answer(REASONING, CALL)).content == [
        {"type": "reasoning_content", "reasoning_content": {"text": "Let me think.", "signature": "EqQBCgIYAhIk"}},
        {"type": "tool_use", "id": "tooluse_1", "name": "add", "input": {"a": 1, "b": ["x", {"c": None}]}},
    ]
    assert merged(streamed(answer(REASONING, CALL))).content == [
        {
            "type": "reasoning_content",
            "reasoning_content": {"text": "Let me think.", "signature": "EqQBCgIYAhIk"},
            "index": 0,
        },
        {
            "type": "tool_use",
            "id": "tooluse_1",
            "name": "add",
            "input": '{"a": 1, "b": ["x", {"c": null}]}',
            "index": 1,
        },
    ]


def test_blocks_that_are_not_known_are_kept() -> None:
    content = [{"text": "Hm."}, {"hologram": {"depth": 3}}, {"audio": {"format": "mp3", "source": {"bytes": PICTURE}}}]
    message = plain(answer(*content))
    assert message.content_blocks[1] == {"type": "non_standard", "value": {"hologram": {"depth": 3}}}
    assert sent_back(message) == content


def test_a_call_whose_arguments_broke_off() -> None:
    stream = (
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "add"}}})
        + event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"a": 1, "b": "x'}}})
        + event("messageStop", {"stopReason": "max_tokens"})
    )
    message = merged(stream)
    assert message.tool_calls == []
    assert [call["args"] for call in message.invalid_tool_calls] == ['{"a": 1, "b": "x']
    # The wire takes objects only; what can be read is sent.
    assert sent_back(message) == [{"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 1, "b": "x"}}}]


# ------------------------------------------------------------------------------------------ what is said of the answer


def test_metadata_and_usage() -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 42,
        "cacheReadInputTokens": 20,
        "cacheWriteInputTokens": 7,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 3}, {"ttl": "1h", "inputTokens": 4}],
    }
    value = answer(
        TEXT,
        usage=usage,
        stop="stop_sequence",
        trace={"guardrail": {"actionReason": "none"}},
        performanceConfig={"latency": "optimized"},
        serviceTier={"type": "flex"},
        additionalModelResponseFields={"usage": {"output_tokens_details": {"thinking_tokens": 2}}},
    )
    for message in (plain(value), merged(streamed(value))):
        assert message.usage_metadata == {
            "input_tokens": 37,
            "output_tokens": 5,
            "total_tokens": 42,
            "input_token_details": {
                "cache_read": 20,
                "cache_creation": 0,
                "ephemeral_5m_input_tokens": 3,
                "ephemeral_1h_input_tokens": 4,
            },
            "output_token_details": {"reasoning": 2},
        }
        assert message.response_metadata == {
            "model_provider": "bedrock_converse",
            "model_name": MODEL,
            "finish_reason": "stop_sequence",
            "stopReason": "stop_sequence",
            "metrics": {"latencyMs": [450]},
            "trace": {"guardrail": {"actionReason": "none"}},
            "performanceConfig": {"latency": "optimized"},
            "serviceTier": {"type": "flex"},
            "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 2}}},
            "usage": usage,
            "request_id": "req-1",
        }


def test_a_stream_without_usage_ends_well() -> None:
    stream = event("contentBlockDelta", {"delta": {"text": "Hi"}}) + event("messageStop", {"stopReason": "end_turn"})
    message = merged(stream)
    assert (message.content, message.usage_metadata) == ("Hi", None)


def test_a_stream_is_over_with_its_usage() -> None:
    decoder = AnswerDecoder(EXCHANGE)
    decoder.feed(streamed(answer(TEXT)))
    assert decoder.done


def test_a_host_that_does_not_stream_and_one_that_always_does() -> None:
    assert merged(body_of(answer(CALL))).tool_calls == plain(answer(CALL)).tool_calls
    assert plain(streamed(answer(TEXT, CALL))).tool_calls == plain(answer(CALL)).tool_calls


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", RateLimited),
        ("modelStreamErrorException", ServerError),
        ("internalServerException", ServerError),
        ("serviceUnavailableException", OverloadedError),
        ("validationException", BadRequestError),
        ("modelTimeoutException", ServerError),
        ("someNewException", ServerError),
    ],
)
def test_exceptions_of_a_stream(name: str, kind: type[ProviderError]) -> None:
    stream = event("contentBlockDelta", {"delta": {"text": "Hi"}}) + exception(name, {"message": "It went wrong"})
    decoder = AnswerDecoder(EXCHANGE)
    assert [chunk.text for chunk in decoder.feed(stream)] == ["Hi"]
    with pytest.raises(kind, match="It went wrong") as caught:
        decoder.finish()
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.request_id) == (name, "req-1")


def test_exceptions_are_those_of_the_service() -> None:
    shape = service().operation_model("ConverseStream").output_shape
    assert shape is not None
    for name, member in shape.members["stream"].members.items():
        if member.metadata.get("exception"):
            with pytest.raises(ProviderError, match="Oh"):
                merged(exception(name, {"message": "Oh"}))


def test_errors_without_a_payload_and_with_any() -> None:
    with pytest.raises(ServerError, match="It is gone") as caught:
        merged(failure("Gone", "It is gone"))
    assert caught.value.code == "Gone"
    with pytest.raises(RateLimited, match="not JSON"):
        merged(framed({":message-type": (7, "exception"), ":exception-type": (7, "throttlingException")}, b"not JSON"))
    with pytest.raises(RateLimited, match="as a text"):
        merged(exception("throttlingException", "as a text"))


@pytest.mark.parametrize("payload", [[1], "x", 7, None])
def test_events_that_cannot_be_read(payload: Any) -> None:
    with pytest.raises(MalformedResponseError, match="contentBlockDelta that is no JSON object"):
        merged(event("contentBlockDelta", payload))


def test_an_event_that_is_not_json() -> None:
    stream = framed({":event-type": (7, "metadata"), ":message-type": (7, "event")}, b"{")
    with pytest.raises(MalformedResponseError, match="metadata that is not JSON"):
        merged(stream)


def test_a_stream_that_breaks_off() -> None:
    stream = streamed(answer(TEXT))
    cut = stream.index(b"messageStop") - 30
    with pytest.raises(ConnectionFailedError, match="broke off"):
        merged(stream[:cut])
    with pytest.raises(MalformedResponseError, match="damaged"):
        merged(stream[:40] + b"\0" + stream[40:])


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", MalformedResponseError, "not JSON"),
        (b"<html>Sign in</html>", NotFoundError, "web page"),
        (b"[]", MalformedResponseError, "holds no message"),
        (b'{"output": 7}', MalformedResponseError, "holds no message"),
        (b'{"message": "Too many requests", "__type": "ThrottlingException"}', RateLimited, "Too many requests"),
        (b'{"Message": "Nope"}', ServerError, "Nope"),
        (b'"hello"', MalformedResponseError, "holds no message"),
    ],
)
def test_bodies_that_are_no_answers(body: bytes, kind: type[ProviderError], said: str) -> None:
    with pytest.raises(kind, match=said):
        plain(body)
    with pytest.raises(kind if body else ConnectionFailedError):
        merged(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "toolUse",
                    "toolUseId",
                    "name",
                    "input",
                    "toolResult",
                    "content",
                    "status",
                    "type",
                    "reasoningContent",
                    "reasoningText",
                    "signature",
                    "redactedContent",
                    "citationsContent",
                    "citation",
                    "citations",
                    "image",
                    "source",
                    "bytes",
                    "s3Location",
                    "format",
                    "index",
                    "location",
                    "json",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
EVENT = st.sampled_from(
    ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "messageStart"]
)


@given(
    st.lists(
        st.tuples(
            EVENT,
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": JSON,
                    "start": JSON,
                    "contentBlockIndex": st.integers(0, 1) | JSON,
                    "usage": JSON,
                    "stopReason": JSON,
                    "metrics": JSON,
                },
            ),
        ),
        max_size=8,
    )
)
def test_any_events_give_a_message_or_a_typed_error(given_events: list[tuple[str, Any]]) -> None:
    stream = b"".join(event(name, payload) for name, payload in given_events)
    try:
        message = merged(stream + event("messageStop", {"stopReason": "end_turn"}))
    except ProviderError:
        return
    assert message.content_blocks is not None
    sent_back(message)


def test_an_image_without_a_byte_is_none() -> None:
    message = merged(
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
        + event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Here."}})
        + event("messageStop", {"stopReason": "end_turn"})
    )
    assert message.text == "Here."
    assert sent_back(message) == [{"text": "Here."}]


@given(JSON)
def test_any_content_gives_a_message_that_can_be_sent_back(content: Any) -> None:
    message = plain(answer(usage=content) | {"output": {"message": {"content": content}}})
    assert message.content_blocks is not None
    sent_back(message)


def test_many_pieces_of_arguments_cost_no_more_than_their_sum() -> None:
    def seconds(pieces: int) -> float:
        deltas = b"".join(
            event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "x" * 8}}})
            for _ in range(pieces)
        )
        stream = deltas + event("messageStop", {"stopReason": "tool_use"})
        began = time.process_time()
        merged(stream)
        return time.process_time() - began

    seconds(100)
    assert seconds(4000) < 40 * max(seconds(400), 0.002)


# ----------------------------------------------------------------------------------------------------------- recordings


def converse_rows() -> list[dict[str, Any]]:
    return [row for row in rows("bedrock") if row["path"].endswith("/converse") and row["status"] == 200]


def test_recorded_answers() -> None:
    for row in converse_rows():
        body = row["body_text"].encode()
        message, theirs = plain(body), as_botocore_reads(body)
        content = json.loads(body)["output"]["message"]["content"]
        assert sent_back(message) == content
        assert message.response_metadata["stopReason"] == theirs["stopReason"]
        assert message.usage_metadata is not None
        assert message.usage_metadata["input_tokens"] == theirs["usage"]["inputTokens"]
        assert message.usage_metadata["total_tokens"] == theirs["usage"]["totalTokens"]
        again = merged(streamed(json.loads(body)), blocks=True)
        assert unnumbered(again.content_blocks) == unnumbered(message.content_blocks)
        assert sent_back(again) == content
