"""Every recorded answer of the Responses API, plain and streamed, cut anywhere, gives what the SDK reads in it.

What the SDK gets wrong is listed here, row by row, with the reason and with what is right.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from chatcore.errors import ChatCoreError
from chatcore.messages import AIMessage
from chatcore.providers._responses import AnswerDecoder, decode_answer
from tests.providers.replay import Cut, Replay, at_random, expected_facts, facts, whole
from tests.providers.traffic import rows

KEY_REDACTED = "the message repeats a part of the key, which no error of ours does"
CODE_BESIDE = "the SDK does not see the code that stands beside the error"
PIECES = "the recorded pieces are not those of the recorded whole, which alone the SDK reads: they lack a space"

DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "8abf6c99df7c94536ece603b": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
    "b20ee47a69510215c4829701": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
    "e0c377c628b0a3f2a3c12321": (KEY_REDACTED, {"error": "Incorrect API key provided: [redacted]"}),
    "e4d821fbe60042d87ada08b5": (CODE_BESIDE, {"error": "(invalid-argument): Incorrect API key provided."}),
    "fa57b412fd7ce7394cc70e4e": (CODE_BESIDE, {"error": "(invalid-argument): Model not found: grok-nonexistent-model"}),
    "8c24241b9ad2a40759d91d0d": (
        PIECES,
        {
            "text": "The command ran successfully.in the container. Here's the output:\n\n- The echo command printed: "
            '"Hello from container!"\n- The system is running Linux (kernel 6.1.0) on an x86_64 architecture.'
        },
    ),
}


def told(message: AIMessage) -> dict[str, Any]:
    """The facts of a message; refusals are blocks of its content here, and paragraphs of reasoning stand apart."""
    blocks = [block for block in message.content if isinstance(block, dict)]
    thoughts = [block for block in blocks if block["type"] == "reasoning"]
    summary = "\n\n".join(paragraph["text"] for block in thoughts for paragraph in block["summary"])
    thought = "".join(paragraph["text"] for block in thoughts for paragraph in block.get("content", ()))
    refusals = [block["refusal"] for block in blocks if block["type"] == "refusal"]
    shown = facts(message)
    # Nothing of it is lost in standard blocks.
    assert shown["reasoning_text"].replace("\n", "") == (summary + thought).replace("\n", "")
    return {**shown, "reasoning_text": summary + thought, "refusal": "".join(refusals)}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """The recorded facts; but the text that a custom tool is called with is its one argument here.

    And mistral.rs has its reasoning beside the output, where the SDK does not look.
    """
    thought = row["expected"]["reasoning_text"]
    if row["provider"] == "mistral.rs" and not row["stream_body"]:
        beside = json.loads(row["body_text"]).get("reasoning") or ""
        thought = beside if beside.strip() else None
    calls = [
        {**call, "args": {"__arg1": call["input"]}} if call.get("kind") == "custom" else call
        for call in row["expected"]["tool_calls"] or ()
    ]
    return expected_facts({**row, "expected": {**row["expected"], "tool_calls": calls, "reasoning_text": thought}})


REPLAY = Replay("openai-responses", decode_answer, AnswerDecoder, DIFFERENCES, told, expected)


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
    """A stream that loses its end is an error, wherever it is cut."""
    source = random.Random(5)
    streamed = [row for row in rows("openai-responses") if row["stream_body"] and row["expected"]["error"] is None]
    silent: list[tuple[str, int]] = []
    for row in streamed:
        body = row["body_text"].encode()
        end = max(body.rfind(b'"response.completed"'), body.rfind(b'"response.incomplete"'))
        at = source.randrange(end)
        try:
            REPLAY.read({**row, "body_text": body[:at].decode(errors="replace")}, whole)
        except ChatCoreError:
            continue
        silent.append((row["id"], at))
    assert silent == []
