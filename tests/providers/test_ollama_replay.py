"""Every recorded answer of Ollama, plain and streamed, cut anywhere, gives what its SDK reads in it."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.providers._ollama import AnswerDecoder, decode_answer
from tests.providers.replay import Cut, Replay, at_random, expected_facts, whole


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the SDK reads; with the ids of tool calls, which it drops, and the sum of tokens, which the wire lacks."""
    facts = expected_facts(row)
    if "tool_calls.id" in row["oracle"]["plain_reading_differs"]:
        calls = row["plain_reading"]["tool_calls"]
        facts["tool_calls"] = [(call["name"], call["id"], call["args"]) for call in calls]
    usage = facts["usage"]
    if usage is not None and usage["total"] is None:
        facts["usage"] = {**usage, "total": (usage["input"] or 0) + (usage["output"] or 0)}
    return facts


REPLAY = Replay("ollama", decode_answer, AnswerDecoder, expected=expected)


@pytest.mark.parametrize(
    "cut", [whole, at_random(1), at_random(2), at_random(3)], ids=["whole", "seed 1", "seed 2", "seed 3"]
)
def test_every_recorded_answer_reads_as_expected(cut: Cut) -> None:
    """Each row agrees with the SDK."""
    assert REPLAY.wrong(cut) == {}
    assert len(REPLAY.rows()) >= 20


def test_answers_that_come_byte_by_byte() -> None:
    """The same, with a cut at every byte."""
    assert REPLAY.wrong_byte_by_byte(10) == {}
