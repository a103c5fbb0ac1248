"""Every recorded answer of Gemini, plain and streamed, cut anywhere, gives what its SDK reads in it."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.messages import AIMessage
from chatcore.providers._gemini import AnswerDecoder, decode_answer, is_made
from tests.providers import replay
from tests.providers.replay import Cut, Replay, at_random, expected_facts, whole
from tests.providers.traffic import rows

IN_PIECES = "the SDK does not put together arguments that come value by value"

RECIPE = {
    "ingredients": [
        {"amount": "16 oz", "name": "Lasagna noodles"},
        {"amount": "1 lb", "name": "Ground beef"},
        {"amount": "15 oz", "name": "Ricotta cheese"},
        {"amount": "3 cups", "name": "Mozzarella cheese"},
        {"amount": "1/2 cup", "name": "Parmesan cheese"},
        {"amount": "24 oz", "name": "Tomato sauce"},
        {"amount": "1", "name": "Egg"},
        {"amount": "2 cloves", "name": "Garlic"},
        {"amount": "1 tsp", "name": "Salt"},
        {"amount": "1/2 tsp", "name": "Pepper"},
    ],
    "name": "Lasagna",
    "steps": [
        "Preheat oven to 375°F (190°C).",
        "Cook lasagna noodles according to package directions, drain and set aside.",
        "Brown ground beef with minced garlic in a skillet. Drain fat and stir in tomato sauce. Simmer for 10 minutes.",
        "In a bowl, mix ricotta cheese, egg, salt, pepper, and Parmesan cheese.",
        "In a 9x13 baking dish, spread a thin layer of meat sauce.",
        "Layer noodles, ricotta mixture, mozzarella, and meat sauce. Repeat.",
        "Top with remaining mozzarella cheese.",
        "Cover with foil and bake for 25 minutes.",
        "Remove foil and bake for another 25 minutes until golden.",
        "Let stand for 15 minutes before serving.",
    ],
}

DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "09b1595cbaf6980bc43b177f": (IN_PIECES, {"tool_calls": [("cookRecipe", None, {"recipe": RECIPE})]}),
    "5e0099f7ceef3eb7c56ab464": (
        IN_PIECES,
        {
            "tool_calls": [
                ("getWeather", None, {"location": "Boston"}),
                ("getWeather", None, {"location": "San Francisco"}),
            ]
        },
    ),
}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the SDK reads, with the counts as chatcore has them.

    Google counts what was thought apart from the rest of the output, and what tools brought apart from the input.
    """
    facts = expected_facts(row)
    usage = facts["usage"]
    if usage is not None:
        raw = row["expected"]["usage_raw"]
        facts["usage"] = {
            **usage,
            "input": (usage["input"] or 0) + (raw.get("tool_use_prompt_token_count") or 0),
            "output": (usage["output"] or 0) + (usage["reasoning"] or 0),
        }
    return facts


def facts(message: AIMessage) -> dict[str, Any]:
    """The facts of a message; ids that were made here are no facts."""
    told = replay.facts(message)
    told["tool_calls"] = [
        (name, None if is_made(call_id) else call_id, args) for name, call_id, args in told["tool_calls"]
    ]
    return told


REPLAY = Replay("gemini", decode_answer, AnswerDecoder, DIFFERENCES, facts=facts, expected=expected)


@pytest.mark.parametrize(
    "cut", [whole, at_random(1), at_random(2), at_random(3)], ids=["whole", "seed 1", "seed 2", "seed 3"]
)
def test_every_recorded_answer_reads_as_expected(cut: Cut) -> None:
    """Each row agrees with the SDK, or is listed above."""
    assert REPLAY.wrong(cut) == {}
    assert len(REPLAY.rows()) >= 548


def test_answers_that_come_byte_by_byte() -> None:
    """The same, with a cut at every byte."""
    assert REPLAY.wrong_byte_by_byte(15) == {}


FINISH_REASONS = {1: "STOP", 2: "MAX_TOKENS"}


@pytest.mark.parametrize("cut", [whole, at_random(1)], ids=["whole", "seed 1"])
def test_answers_that_the_sdk_cannot_read_are_read(cut: Cut) -> None:
    """Those with enums as numbers agree with a second reader that uses no SDK."""
    unread = [row for row in rows("gemini") if row["expected"] is None]
    for row in unread:
        plain = row["plain_reading"]
        ours = facts(REPLAY.read(row, cut))
        assert ours["text"] == plain["text"]
        assert ours["tool_calls"] == [(call["name"], call["id"], call["args"]) for call in plain["tool_calls"]]
        assert ours["finish_reason"] == FINISH_REASONS[plain["finish_reason"]]
        assert (ours["model"], ours["response_id"]) == (plain["model"], plain["response_id"])
        usage = plain["usage"]
        assert (ours["usage"]["input"], ours["usage"]["total"]) == (usage["input"], usage["total"])
        assert ours["usage"]["output"] == (usage["output"] or 0) + (ours["usage"]["reasoning"] or 0)
    assert len(unread) >= 12
