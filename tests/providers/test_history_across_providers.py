"""A history made with one provider is sent to any other: nothing said, called or found is lost, no seal leaves home.

The answers are those that providers really gave, as far as they are recorded; what few of them hold is made by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chatcore.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.messages._output_version import in_standard_blocks
from tests.providers.wires import CODECS, WIRES, answers, calls_in, results_in, sealed, strings

IMAGE: dict[str, Any] = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}


def conversation(answer: AIMessage) -> list[BaseMessage]:
    """An answer in the midst of a conversation, its calls answered."""
    calls = [*answer.tool_calls, *answer.invalid_tool_calls]
    return [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "What is this?"}, IMAGE]),
        answer,
        *(
            ToolMessage(f"result number {number}", tool_call_id=call["id"] or "", name=call["name"])
            for number, call in enumerate(calls)
        ),
        HumanMessage("Go on."),
    ]


def texts_of(answer: AIMessage) -> list[str]:
    """What an answer says to the user, each text for itself."""
    return [block["text"].strip() for block in answer.content_blocks if block["type"] == "text"]


def lost(answer: AIMessage, body: dict[str, Any]) -> Iterator[str]:
    """What is missing from a request that tells of an answer."""
    told = "\n".join(strings(body))
    yield from (text for text in ("Be brief.", "What is this?", "Go on.", *texts_of(answer)) if text not in told)
    calls = [(name, args) for _, name, args in calls_in(body)]
    yield from (call["name"] for call in answer.tool_calls if (call["name"], call["args"]) not in calls)
    made = len(answer.tool_calls) + len(answer.invalid_tool_calls)
    if len(calls) < made:
        yield f"{made - len(calls)} calls"
    yield from (result for result in map("result number {}".format, range(made)) if result not in told)


def wrong_ids(answer: AIMessage, body: dict[str, Any], pattern: str) -> list[str]:
    """Ids of calls that the provider would refuse, and of results that belong to no call."""
    if not any(call["id"] for call in answer.tool_calls):
        return []
    ids = [call_id for call_id, _, _ in calls_in(body)]
    alone = [call_id for call_id in results_in(body) if call_id not in ids]
    return alone + [call_id for call_id in ids if call_id is not None and not re.fullmatch(pattern, call_id)]


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("dialect", CODECS)
def test_recorded_answers_are_told_to_every_provider(dialect: str, wire: str, version: str) -> None:
    """In the provider's own blocks, or in standard ones."""
    target = WIRES[wire]
    wrong: dict[str, Any] = {}
    for row, answer in answers(dialect):
        given = answer if version == "v0" else in_standard_blocks(answer)
        body = target.body(*conversation(given))
        told = "\n".join(strings(body))
        at_home = answer.response_metadata["model_provider"] == target.provider
        found: dict[str, Any] = {"lost": list(lost(given, body))}
        if not at_home:  # where its ids and its own kinds of parts, which the SDK of another may not know, go back
            found["ids"] = wrong_ids(answer, body, target.id_pattern)
            found["sealed"] = [seal[:20] for seal in sealed(answer) if seal in told]
            found["problems"] = target.problems(body)
        if any(found.values()):
            wrong[row["id"]] = (row["provider"], found)
    assert wrong == {}
