"""Every recorded answer, plain and streamed, cut anywhere, gives what the provider's own SDK reads in it.

What the SDK gets wrong is listed here, row by row, with the reason and with what is right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatcore.errors import ChatCoreError, ContentFilteredError, ProviderError
from chatcore.http.status import error_from
from chatcore.messages import Accumulator, AIMessage
from chatcore.providers._openai_chat import AnswerDecoder, Exchange, decode_answer
from tests.providers.traffic import rows

Cut = Callable[[bytes], Iterator[bytes]]

BAR = 0.97
"""The share of rows that must agree with the SDK exactly."""

FIRST_CHUNK_EMPTY = "the SDK keeps the empty id or model of the first chunk; later chunks have it"
IN_X_GROQ = "the SDK does not look into x_groq, where Groq's older streams have their usage"
JSON_CONTENT = "the SDK has a dict where a text should be; the JSON is the text"
DETAILS_ONLY = "the SDK does not know reasoning_details; its readable text is reasoning"
KEY_REDACTED = "the message repeats a part of the key, which no error of ours does"
ERROR_IN_200 = "the SDK does not raise on a 200 that holds nothing but an error"

DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "25a67c7cd54a9b3a1cd752fa": (
        FIRST_CHUNK_EMPTY,
        {"model": "gpt-5-mini-2025-08-07", "response_id": "chatcmpl-DuLYkWnz0OixBh4yGRX57RgoH5wVP"},
    ),
    "27213643ffe26386dbe9aef4": (
        FIRST_CHUNK_EMPTY,
        {"model": "gpt-4.1-mini-2025-04-14", "response_id": "chatcmpl-DPTMl2XZZPALAySsKJmbcrNHvVn1C"},
    ),
    "46c858c2fd51e61982a4ce36": (
        FIRST_CHUNK_EMPTY,
        {"model": "o4-mini-2025-04-16", "response_id": "chatcmpl-DuLYNq9zQCWkfZBDEt4z6GynL1HVU"},
    ),
    "83ba29ab83150db4eb962f10": (
        FIRST_CHUNK_EMPTY,
        {"model": "gpt-35-turbo", "response_id": "chatcmpl-9HpbaAXyt0cAnlWvI8kUAFpZt5jyQ"},
    ),
    "89a2a3e5ca5d4eac83b28ed9": (
        FIRST_CHUNK_EMPTY,
        {"model": "gpt-5-nano-2025-08-07", "response_id": "chatcmpl-CYPS1lijGoK8gd9lYzY3r9Sx50nbt"},
    ),
    "c3e2d8d62c1d36b929aa28ae": (
        FIRST_CHUNK_EMPTY,
        {"model": "gpt-5.2-2025-12-11", "response_id": "chatcmpl-DmfZu2BjJmBGSSHpj9hWtFQYBUxYn"},
    ),
    "3d8ba5084e501a7433791254": (FIRST_CHUNK_EMPTY, {"response_id": "chatcmpl-REDACTED_1"}),
    "84d7154e16f53cbf8ec48f10": (FIRST_CHUNK_EMPTY, {"response_id": "chatcmpl-REDACTED_1"}),
    "ed6059c5fe9d52a7388f8447": (FIRST_CHUNK_EMPTY, {"response_id": "chatcmpl-REDACTED_2"}),
    "7276a606d71875efa2db6a01": (
        IN_X_GROQ,
        {"usage": {"input": 21, "output": 988, "total": 1009, "cached_input": None, "reasoning": None}},
    ),
    "8ba47b9e1f789f2d2bc72ef2": (
        IN_X_GROQ,
        {"usage": {"input": 18, "output": 73, "total": 91, "cached_input": None, "reasoning": None}},
    ),
    "5955b68b3d287ffd9ae6f68b": (JSON_CONTENT, {"text": '{"name":"Emily Wilson","age":32}'}),
    "9356d789999cb8208d67bf28": (JSON_CONTENT, {"text": '{"title":"Apples are tasty","author":"Hadley Wickham"}'}),
    "a08ca7cce51d073798d5b517": (JSON_CONTENT, {"text": '{"title":"Apples are tasty","author":"Hadley Wickham"}'}),
    "a4f7037eed539108e8315364": (DETAILS_ONLY, {"reasoning_text": "Let me get the weather for Mexico City."}),
    "f6e04125cdc581f8f87cec19": (DETAILS_ONLY, {"reasoning_text": "15 * 27 = 405"}),
    "3776e262df090d355c06997d": (
        ERROR_IN_200,
        {"error": "The response was filtered due to the prompt triggering Azure"},
    ),
    "13ff6fe6dfdb6d47183b5fe2": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
    "6bb0a11cca7de88c7573e652": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
    "fe4554c4356c1e6af8969fd5": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
}


def whole(body: bytes) -> Iterator[bytes]:
    yield body


def byte_by_byte(body: bytes) -> Iterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]


def at_random(seed: int) -> Cut:
    source = random.Random(seed)

    def cut(body: bytes) -> Iterator[bytes]:
        position = 0
        while position < len(body):
            size = source.choice((1, 2, 7, 60, 300, 5000))
            yield body[position : position + size]
            position += size

    return cut


def read(row: dict[str, Any], cut: Cut) -> AIMessage:
    """The row's answer as a message; raises what it stands for, if it is an error."""
    body = row["body_text"].encode()
    if row["status"] != 200:
        raise error_from(row["status"], row["response_headers"], body, provider=row["provider"])
    if not row["stream_body"]:
        message = decode_answer(body, Exchange(row["provider"])).generations[0].message
        assert isinstance(message, AIMessage)
        return message
    decoder = AnswerDecoder(Exchange(row["provider"]))
    merged = Accumulator()
    for part in cut(body):
        for chunk in decoder.feed(part):
            merged.add(chunk.message)
    for chunk in decoder.finish():
        merged.add(chunk.message)
    return merged.message()


def facts(message: AIMessage) -> dict[str, Any]:
    """What the recordings expect of an answer, as this message has it."""
    said = message.response_metadata
    reasoning = [block["reasoning"] for block in message.content_blocks if block["type"] == "reasoning"]
    usage = message.usage_metadata
    calls = [(call["name"], call["id"], call["args"]) for call in message.tool_calls]
    calls += [(call["name"], call["id"], call["args"]) for call in message.invalid_tool_calls]
    function = message.additional_kwargs.get("function_call")
    return {
        "text": message.text,
        "reasoning_text": "".join(reasoning),
        "tool_calls": calls,
        "finish_reason": said.get("finish_reason"),
        "model": said.get("model_name"),
        "response_id": said.get("id"),
        "refusal": message.additional_kwargs.get("refusal"),
        "legacy_function_call": function and {"name": function["name"], "args": json.loads(function["arguments"])},
        "usage": usage
        and {
            "input": usage["input_tokens"],
            "output": usage["output_tokens"],
            "total": usage["total_tokens"],
            "cached_input": usage.get("input_token_details", {}).get("cache_read"),
            "reasoning": usage.get("output_token_details", {}).get("reasoning"),
        },
    }


def expected_facts(row: dict[str, Any]) -> dict[str, Any]:
    expected = row["expected"]
    usage = expected["usage"]
    return {
        **{
            key: expected[key] for key in ("text", "reasoning_text", "finish_reason", "model", "response_id", "refusal")
        },
        "tool_calls": [
            (call["name"], call["id"], call["args_raw"] if call["args"] is None else call["args"])
            for call in expected["tool_calls"] or ()
        ],
        "legacy_function_call": expected.get("legacy_function_call"),
        "usage": None if all(count is None for count in usage.values()) else usage,
    }


def differences(row: dict[str, Any], cut: Cut) -> dict[str, Any]:
    """The facts in which we and the SDK differ: as we read them. An empty text or list and none are the same."""
    error = row["expected"]["error"]
    try:
        ours = facts(read(row, cut))
    except ProviderError as raised:
        if error is None:
            return {"error": str(raised)}
        as_sent = error["message"] in str(raised)
        in_stream = row["status"] == 200
        right = as_sent and raised.status == (None if in_stream else row["status"])
        # The SDK has code and type apart; ours is the code, or the type where there is none.
        codes = {str(error[key]) for key in ("code", "type") if error.get(key)}
        right = right and (raised.code is None or raised.code in codes)
        return {} if right else {"error": str(raised)}
    if error is not None:
        return {"error": None}
    theirs = expected_facts(row)
    return {key: value for key, value in ours.items() if (value or None) != (theirs[key] or None)}


def unexplained(row: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What of the differences is not listed above, or listed and not found."""
    _, right = DIFFERENCES.get(row["id"], ("", {}))
    if "error" in right and "error" in found:
        return {} if right["error"] in found["error"] else found
    return {} if found == right else {"found": found, "listed": right}


@pytest.mark.parametrize(
    "cut", [whole, at_random(1), at_random(2), at_random(3)], ids=["whole", "seed 1", "seed 2", "seed 3"]
)
def test_every_recorded_answer_reads_as_expected(cut: Cut) -> None:
    """Each row agrees with the SDK, or differs as listed; and nearly all agree."""
    recorded = rows("openai-chat")
    wrong: dict[str, Any] = {}
    exact = 0
    for row in recorded:
        found = differences(row, cut)
        exact += not found
        if rest := unexplained(row, found):
            wrong[row["id"]] = (row["provider"], row["quirks"], rest)
    assert wrong == {}
    assert exact / len(recorded) >= BAR


def test_answers_that_come_byte_by_byte() -> None:
    """The same, for a sample, with a cut at every byte."""
    streamed = [row for row in rows("openai-chat") if row["stream_body"]]
    sample = random.Random(0).sample(streamed, 40)
    wrong = {row["id"]: rest for row in sample if (rest := unexplained(row, differences(row, byte_by_byte)))}
    assert wrong == {}


def test_answers_cut_short_are_never_taken_for_whole() -> None:
    """A stream that loses its end is an error, wherever it is cut before its finish reason."""
    source = random.Random(5)
    streamed = [row for row in rows("openai-chat") if row["stream_body"] and row["expected"]["error"] is None]
    silent: list[tuple[str, int]] = []
    for row in source.sample(streamed, 100):
        body = row["body_text"].encode()
        end = body.find(b'"finish_reason":"')
        if end < 0:
            continue
        at = source.randrange(end)
        try:
            read({**row, "body_text": body[:at].decode(errors="replace")}, whole)
        except ChatCoreError:
            continue
        silent.append((row["id"], at))
    assert silent == []


def test_a_filtered_prompt_inside_a_200_has_its_class() -> None:
    row = next(row for row in rows("openai-chat") if row["id"] == "3776e262df090d355c06997d")
    with pytest.raises(ContentFilteredError):
        read(row, whole)
