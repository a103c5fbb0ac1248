"""Answers of Gemini that the recordings do not hold, or that matter more than a row: parts, facts, failures."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import (
    ConnectionFailedError,
    MalformedResponseError,
    NotFoundError,
    ProviderError,
    RateLimited,
)
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk
from chatcore.messages._shapes import is_dict
from chatcore.providers._gemini import SIGNATURES, AnswerDecoder, decode_answer, is_generation_3, is_made
from chatcore.providers._wire import Exchange

EXCHANGE = Exchange("google_genai", "gemini-2.5-flash", "r1", {"request_id": "r1"})


def answer(*parts: Any, model: str = "gemini-2.5-flash", **said: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **said}
    return {"candidates": [candidate], "modelVersion": model, "responseId": "a1"}


def decoded(payload: Any) -> AIMessage:
    message = decode_answer(json.dumps(payload).encode(), EXCHANGE).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def chunks_of(stream: bytes) -> list[AIMessageChunk]:
    decoder = AnswerDecoder(EXCHANGE)
    made = [*decoder.feed(stream), *decoder.finish()]
    return [cast("AIMessageChunk", chunk.message) for chunk in made]


def joined(chunks: list[AIMessageChunk]) -> AIMessage:
    merged = Accumulator()
    for chunk in chunks:
        merged.add(chunk)
    return merged.message()


def events(*payloads: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(payload).encode() + b"\r\n\r\n" for payload in payloads)


def streamed(*parts: Any, model: str = "gemini-2.5-flash") -> AIMessage:
    """The parts, each in an event of its own."""
    payloads = [{**answer(part, model=model, finishReason=None)} for part in parts]
    return joined(chunks_of(events(*payloads, answer(model=model))))


def without_index(content: Any) -> Any:
    """Content without what only a stream says; an empty text before other blocks is nothing."""
    if isinstance(content, str):
        return content
    content = content[1:] if content[:1] == [""] else content
    return [{k: v for k, v in each.items() if k != "index"} if is_dict(each) else each for each in content]


def whole(*parts: Any) -> AIMessage:
    """The parts, in one answer."""
    return decoded(answer(*parts))


# --------------------------------------------------------------------------------------------------------------- parts

CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "e1"}, "thoughtSignature": "s1"}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_DEADLINE_EXCEEDED", "output": "1", "id": "e1"}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "s2"}
CALL = {"functionCall": {"name": "f", "args": {"a": 1}, "id": "c1"}, "thoughtSignature": "s3"}
SEARCH = {
    "toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}, "id": "g1"},
    "thoughtSignature": "s4",
}
FOUND = {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}, "id": "g1"}}
THOUGHT = {"text": "Hm.", "thought": True}


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([], ""),
        ([{"text": "Hi"}], "Hi"),
        ([{"text": "Hi"}, {"text": ""}, {"text": " there"}], "Hi there"),
        ([{"text": "Hi", "thoughtSignature": "s"}], [{"type": "text", "text": "Hi", "extras": {"signature": "s"}}]),
        (
            [{"text": "Hi"}, {"text": "", "thoughtSignature": "s"}],
            ["Hi", {"type": "text", "text": "", "extras": {"signature": "s"}}],
        ),
        ([{"thoughtSignature": "s"}], [{"type": "text", "text": "", "extras": {"signature": "s"}}]),
        (
            [THOUGHT, THOUGHT, {"text": "Hi"}, {"text": "!"}],
            [{"type": "thinking", "thinking": "Hm.Hm."}, {"type": "text", "text": "Hi!"}],
        ),
        ([{**THOUGHT, "thoughtSignature": "s"}], [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]),
        (
            [{"text": "Run:"}, CODE, RESULT],
            [
                "Run:",
                {
                    "type": "executable_code",
                    "executable_code": "print(1)",
                    "language": "PYTHON",
                    "id": "e1",
                    "extras": {"signature": "s1"},
                },
                {"type": "code_execution_result", "code_execution_result": "1", "outcome": 3, "tool_call_id": "e1"},
            ],
        ),
        (
            [IMAGE],
            [
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,aGk="},
                    "extras": {"signature": "s2"},
                }
            ],
        ),
        (
            [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "aGk="}}],
            [{"type": "audio", "base64": "aGk=", "mime_type": "audio/L16;rate=24000"}],
        ),
        (
            [{"fileData": {"fileUri": "gs://b/a.pdf", "mimeType": "application/pdf"}}],
            [{"type": "file_data", "file_uri": "gs://b/a.pdf", "mime_type": "application/pdf"}],
        ),
        (
            [SEARCH, FOUND],
            [
                {
                    "type": "server_tool_call",
                    "name": "google_search_web",
                    "id": "g1",
                    "args": {"queries": ["x"]},
                    "extras": {"signature": "s4"},
                },
                {
                    "type": "server_tool_result",
                    "tool_call_id": "g1",
                    "status": "success",
                    "output": {"a": 1},
                    "extras": {"block_type": "google_search_web"},
                },
            ],
        ),
        ([{"newKind": {"a": 1}}], [{"type": "non_standard", "value": {"newKind": {"a": 1}}}]),
    ],
)
def test_parts_are_content_plain_and_streamed(parts: list[Any], content: Any) -> None:
    assert decoded(answer(*parts)).content == content
    assert without_index(streamed(*parts).content) == content


def test_newer_models_answer_in_blocks() -> None:
    content = [{"type": "text", "text": "Hi there"}]
    assert decoded(answer({"text": "Hi there"}, model="gemini-3-pro-preview")).content == content
    assert without_index(streamed({"text": "Hi"}, {"text": " there"}, model="gemini-3-pro-preview").content) == content
    assert is_generation_3("models/gemini-3.1-pro")
    assert not is_generation_3("gemini-2.5-flash-001")


@pytest.mark.parametrize("read", [whole, streamed], ids=["plain", "streamed"])
def test_a_call_has_its_id_its_arguments_and_its_signature(read: Any) -> None:
    message = read(THOUGHT, CALL, {"functionCall": {"name": "g"}})
    first, second = message.tool_calls
    assert first == {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}
    assert (second["name"], second["args"]) == ("g", {})
    assert is_made(second["id"])
    assert message.additional_kwargs == {SIGNATURES: {"c1": "s3"}}
    assert without_index(message.content) == [{"type": "thinking", "thinking": "Hm."}]
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "tool_call", "tool_call"]


@pytest.mark.parametrize("read", [whole, streamed], ids=["plain", "streamed"])
@pytest.mark.parametrize("text", ["", "Hi"])
def test_a_call_that_stands_beside_a_text_is_not_lost(read: Any, text: str) -> None:
    message = read({"text": text, **CALL})
    assert message.text == text
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("f", {"a": 1})]
    assert message.additional_kwargs[SIGNATURES] == {"c1": "s3"}


@pytest.mark.parametrize("read", [whole, streamed], ids=["plain", "streamed"])
def test_what_a_part_is_not_may_be_told_as_null(read: Any) -> None:
    empty = dict.fromkeys(("text", "functionCall", "inlineData", "fileData", "executableCode"))
    assert read({**empty, **IMAGE}).content == read(IMAGE).content
    assert read({**empty, **CODE}).content == read(CODE).content


@pytest.mark.parametrize("read", [whole, streamed], ids=["plain", "streamed"])
def test_the_content_says_where_a_call_stood_that_something_follows(read: Any) -> None:
    message = read(CALL, {"text": "", "thoughtSignature": "s"})
    assert without_index(message.content) == [
        {"type": "function_call", "name": "f", "args": {"a": 1}, "id": "c1"},
        {"type": "text", "text": "", "extras": {"signature": "s"}},
    ]
    assert [block["type"] for block in message.content_blocks] == ["tool_call", "text"]
    assert len(message.tool_calls) == 1


def test_arguments_that_come_value_by_value_stream_as_they_come() -> None:
    pieces = [
        {"name": "f", "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "Bos", "willContinue": True}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "ton"}], "willContinue": True},
        {},
    ]
    chunks = chunks_of(events(*(answer({"functionCall": piece}, finishReason=None) for piece in pieces), answer()))
    calls = [call for chunk in chunks for call in chunk.tool_call_chunks]
    assert [call["args"] for call in calls] == ["", '{"city":"Bos', 'ton"', "}"]
    assert [call["name"] for call in calls] == ["f", None, None, None]
    call = joined(chunks).tool_calls[0]
    assert (call["name"], call["args"]) == ("f", {"city": "Boston"})
    whole = decoded(answer(*({"functionCall": piece} for piece in pieces)))
    assert whole.tool_calls[0]["args"] == {"city": "Boston"}


def test_a_call_that_never_ends_is_ended_by_the_answer() -> None:
    piece = {"name": "f", "partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}]}
    message = streamed({"functionCall": {**piece, "willContinue": True}})
    assert message.tool_calls[0]["args"] == {"a": "x"}


def test_arguments_in_no_order_are_malformed() -> None:
    piece = {"name": "f", "partialArgs": [{"jsonPath": "$.a", "numberValue": n} for n in (1, 2)]}
    with pytest.raises(MalformedResponseError, match="out of order"):
        decoded(answer({"functionCall": piece}))


# --------------------------------------------------------------------------------------------------------------- facts


def test_what_is_said_of_the_whole_answer_is_in_the_metadata() -> None:
    payload = answer(
        {"text": "Spain won."},
        groundingMetadata={
            "webSearchQueries": ["euro"],
            "groundingChunks": [{"web": {"uri": "https://u", "title": "t"}}, "odd"],
            "groundingSupports": [
                {"segment": {"startIndex": 0, "endIndex": 5, "text": "Spain"}, "groundingChunkIndices": [0, 1, 9, "x"]}
            ],
        },
        safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}],
        avgLogprobs=-0.5,
        finishMessage="done",
        index=0,
    )
    for message in (decoded(payload), joined(chunks_of(events(payload)))):
        said = message.response_metadata
        assert said["model_provider"] == "google_genai"
        assert (said["model_name"], said["id"], said["finish_reason"]) == ("gemini-2.5-flash", "a1", "STOP")
        assert (said["avg_logprobs"], said["finish_message"], said["request_id"]) == (-0.5, "done", "r1")
        assert said["safety_ratings"] == [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]
        text = cast("dict[str, Any]", message.content_blocks[0])
        assert [each["url"] for each in text["annotations"]] == ["https://u"]


def test_tokens_are_counted_as_the_reference_counts_them() -> None:
    usage = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 25,
        "cachedContentTokenCount": 4,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}, {"modality": 4, "tokenCount": 2}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
        "trafficType": "ON_DEMAND",
    }
    message = decoded({**answer({"text": "Hi"}), "usageMetadata": usage})
    assert message.usage_metadata == {
        "input_tokens": 15,
        "output_tokens": 10,
        "total_tokens": 25,
        "input_token_details": {"audio": 2, "cache_read": 4},
        "output_token_details": {"audio": 6, "reasoning": 3},
    }
    assert message.response_metadata["usage_metadata"]["traffic_type"] == "ON_DEMAND"


@pytest.mark.parametrize(
    ("reason", "vertex", "named"),
    [
        ("MALFORMED_FUNCTION_CALL", False, "MALFORMED_FUNCTION_CALL"),
        (3, False, "SAFETY"),
        (10, False, "MALFORMED_FUNCTION_CALL"),
        (9, True, "MALFORMED_FUNCTION_CALL"),
        (99, True, "UNKNOWN_99"),
    ],
)
def test_reasons_have_names(reason: Any, vertex: bool, named: str) -> None:
    payload = answer(finishReason=reason) | ({"createTime": "2026-01-01T00:00:00Z"} if vertex else {})
    assert decoded(payload).response_metadata["finish_reason"] == named


def test_a_blocked_prompt_is_an_empty_answer_with_the_reason() -> None:
    payload = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"}, "modelVersion": "m"}
    for message in (
        decoded(payload),
        joined(chunks_of(events(payload))),
        joined(chunks_of(b"[" + json.dumps(payload).encode() + b"]")),
    ):
        assert message.content == ""
        assert message.additional_kwargs == {"refusal": "SAFETY"}
        assert message.response_metadata["prompt_feedback"] == {"block_reason": "SAFETY", "block_reason_message": "no"}


def test_each_candidate_is_a_generation_and_a_stream_reads_the_first() -> None:
    first, second = answer({"text": "a"}, index=0), answer({"text": "b"}, index=1)
    both = {**first, "candidates": first["candidates"] + second["candidates"], "usageMetadata": {"totalTokenCount": 3}}
    generations = decode_answer(json.dumps(both).encode(), EXCHANGE).generations
    assert [each.text for each in generations] == ["a", "b"]
    assert [cast("AIMessage", each.message).usage_metadata is None for each in generations] == [False, True]
    assert joined(chunks_of(events(second | {"candidates": []}, both, both))).text == "aa"


# ------------------------------------------------------------------------------------------------- framings, failures


def test_every_framing_gives_the_same_chunks() -> None:
    payloads = [answer({"text": "a"}, finishReason=None), answer({"text": "b"})]
    array = json.dumps(payloads, indent=2).encode()
    assert [chunk.content for chunk in chunks_of(array)] == [chunk.content for chunk in chunks_of(events(*payloads))]
    assert decode_answer(array, EXCHANGE).generations[0].text == "ab"
    assert decode_answer(events(*payloads), EXCHANGE).generations[0].text == "ab"
    assert joined(chunks_of(json.dumps(payloads[1]).encode())).text == "b"
    assert joined(chunks_of(events(payloads[1]) + b"data: [DONE]\n\n")).text == "b"


ERROR = {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}


@pytest.mark.parametrize(
    "body", [json.dumps(ERROR).encode(), json.dumps([ERROR]).encode(), events(ERROR)], ids=["object", "array", "event"]
)
def test_an_error_inside_a_200_is_raised_as_what_it_is(body: bytes) -> None:
    with pytest.raises(RateLimited, match="Quota exceeded"):
        decode_answer(body, EXCHANGE)
    with pytest.raises(RateLimited, match="Quota exceeded"):
        chunks_of(body)


def test_an_error_in_mid_stream_comes_after_the_chunks_before_it() -> None:
    decoder = AnswerDecoder(EXCHANGE)
    assert [chunk.text for chunk in decoder.feed(events(answer({"text": "a"}, finishReason=None), ERROR))] == ["a"]
    with pytest.raises(RateLimited):
        decoder.finish()


@pytest.mark.parametrize(
    "body", [events(answer({"text": "a"}, finishReason=None)), b'[{"candidates": [{"content": {}}]},']
)
def test_a_stream_without_an_end_broke_off(body: bytes) -> None:
    with pytest.raises(ConnectionFailedError, match="finish reason"):
        chunks_of(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"7", b'"x"', b"[1]", b"nonsense", b"data: 1\n\n"])
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decode_answer(body, EXCHANGE)
    with pytest.raises(MalformedResponseError):
        chunks_of(body)


def test_a_web_page_is_a_wrong_address() -> None:
    with pytest.raises(NotFoundError, match="base_url"):
        decode_answer(b"<!doctype html>", EXCHANGE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name"),
                    *(
                        "args",
                        "partialArgs",
                        "jsonPath",
                        "stringValue",
                        "willContinue",
                        "executableCode",
                        "id",
                        "index",
                    ),
                    *(
                        "codeExecutionResult",
                        "outcome",
                        "inlineData",
                        "data",
                        "mimeType",
                        "fileData",
                        "toolCall",
                        "type",
                    ),
                    *(
                        "toolResponse",
                        "toolType",
                        "finishReason",
                        "usageMetadata",
                        "promptTokenCount",
                        "promptFeedback",
                    ),
                    *(
                        "blockReason",
                        "groundingMetadata",
                        "groundingChunks",
                        "groundingSupports",
                        "modelVersion",
                        "web",
                    ),
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, JSON, JSON)
def test_any_json_is_an_answer_or_a_typed_error(part: Any, candidate: Any, payload: Any) -> None:
    parts = answer(part, part) | {"usageMetadata": candidate}
    bodies: list[Any] = [parts, {"candidates": [candidate], **(payload if is_dict(payload) else {})}, payload]
    for body in bodies:
        data = json.dumps(body).encode()
        for framed in (data, b"data: " + data + b"\n\n", b"[" + data + b"]"):
            for read in (read_whole, read_streamed):
                with suppress(ProviderError):
                    assert isinstance(read(framed).content_blocks, list)


def read_whole(body: bytes) -> AIMessage:
    return cast("AIMessage", decode_answer(body, EXCHANGE).generations[0].message)


def read_streamed(body: bytes) -> AIMessage:
    return joined(chunks_of(body))


def test_many_pieces_cost_what_they_are() -> None:
    def seconds(pieces: int) -> float:
        begin = {"name": "f", "willContinue": True}
        more = {
            "partialArgs": [{"jsonPath": "$.a", "stringValue": "word", "willContinue": True}],
            "willContinue": True,
        }
        stream = events(*(answer({"functionCall": each}, finishReason=None) for each in (begin, *[more] * pieces)))
        started = time.process_time()
        chunks = chunks_of(stream + events(answer()))
        assert len(joined(chunks).tool_calls[0]["args"]["a"]) == 4 * pieces
        return time.process_time() - started

    seconds(400)
    assert seconds(8_000) < 40 * max(seconds(800), 0.002)
