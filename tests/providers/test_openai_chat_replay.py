"""Every recorded answer, plain and streamed, cut anywhere, gives what the provider's own SDK reads in it.

What the SDK gets wrong is listed here, row by row, with the reason and with what is right.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from chatcore.errors import ChatCoreError, ContentFilteredError
from chatcore.providers._openai_chat import AnswerDecoder, decode_answer
from tests.providers.replay import Cut, Replay, at_random, whole
from tests.providers.traffic import rows

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


REPLAY = Replay("openai-chat", decode_answer, AnswerDecoder, DIFFERENCES)


@pytest.mark.parametrize(
    "cut", [whole, at_random(1), at_random(2), at_random(3)], ids=["whole", "seed 1", "seed 2", "seed 3"]
)
def test_every_recorded_answer_reads_as_expected(cut: Cut) -> None:
    """Each row agrees with the SDK, or differs as listed."""
    assert REPLAY.wrong(cut) == {}


def test_answers_that_come_byte_by_byte() -> None:
    """The same, for a sample, with a cut at every byte."""
    assert REPLAY.wrong_byte_by_byte(40) == {}


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
            REPLAY.read({**row, "body_text": body[:at].decode(errors="replace")}, whole)
        except ChatCoreError:
            continue
        silent.append((row["id"], at))
    assert silent == []


def test_a_filtered_prompt_inside_a_200_has_its_class() -> None:
    row = next(row for row in rows("openai-chat") if row["id"] == "3776e262df090d355c06997d")
    with pytest.raises(ContentFilteredError):
        REPLAY.read(row, whole)
