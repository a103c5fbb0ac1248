"""A history made with one provider is sent to any other: nothing said, called or found is lost, no seal leaves home.

The answers are those that providers really gave, as far as they are recorded; what few of them hold is made by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chatcore.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.messages._output_version import in_standard_blocks
from chatcore.providers._openai_chat_request import encode_messages
from chatcore.providers.hosts import Host
from tests.providers.wires import CODECS, WIRES, answers, as_args, calls_in, host_in, results_in, sealed, strings

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
            found["sealed"] = [seal[:20] for seal in sealed([answer.content, answer.additional_kwargs]) if seal in told]
            found["problems"] = target.problems(body)
        if any(found.values()):
            wrong[row["id"]] = (row["provider"], found)
    assert wrong == {}


@pytest.mark.parametrize("dialect", ["openai-responses", "anthropic-messages", "gemini"])
def test_what_is_sealed_goes_home(dialect: str) -> None:
    """Every signature, and all that is encrypted in a recorded answer, is sent back to whom it came from."""
    wrong: dict[str, Any] = {}
    sealed_rows = 0
    for row, answer in answers(dialect):
        if row["stream_body"]:
            continue
        seals = sealed(json.loads(row["body_text"]))
        sealed_rows += bool(seals)
        told = "\n".join(strings(WIRES[dialect].body(*conversation(answer))))
        if lost_seals := [seal[:20] for seal in seals if seal not in told]:
            wrong[row["id"]] = lost_seals
    assert wrong == {}
    assert sealed_rows > 10


def as_answered(row: dict[str, Any], host: Host) -> dict[str, Any]:
    """The message of a recorded chat completion, without what an answer has and a request does not.

    - null and empty say no more than a missing key, and an object for content is its JSON
    - annotations and images are the answer's, and some hosts' own notes
    - reasoning goes back under the one name that the host's row has, whichever the host used
    - what is spoken goes back by its id
    """
    [choice, *_] = json.loads(row["body_text"])["choices"]
    message = choice.get("message", {})
    audio, function = message.get("audio") or {}, message.get("function_call") or {}
    text = message.get("reasoning_content") or message.get("reasoning")
    thoughts = [(name, message.get(name) if name == "reasoning_details" else text) for name in host.reasoning]
    name, thought = next((pair for pair in thoughts if pair[1]), ("", None))
    wire = {
        "content": message.get("content"),
        "tool_calls": [called(call) for call in message.get("tool_calls") or ()],
        "refusal": message.get("refusal"),
        "audio": {"id": audio["id"]} if audio.get("id") else None,
        "function_call": function if function.get("name") else None,
        name: thought,
    }
    if isinstance(wire["content"], dict):
        wire["content"] = json.dumps(wire["content"], separators=(",", ":"))
    return {key: value for key, value in wire.items() if value}


def called(call: dict[str, Any]) -> tuple[Any, Any, Any]:
    """A call of chat completions, however its arguments are spaced; none are an empty object."""
    return call.get("id"), call["function"]["name"], as_args(call["function"].get("arguments") or "{}")


def test_chat_completions_go_back_as_they_came() -> None:
    """Each recorded whole answer of a host, sent back to it: text, calls with their ids, refusal, reasoning."""
    wrong: dict[str, Any] = {}
    for row, answer in answers("openai-chat"):
        if row["stream_body"]:
            continue
        host = host_in(row)
        [wire] = encode_messages([answer], host)
        assert wire.pop("role") == "assistant"
        wire["tool_calls"] = [called(call) for call in wire.get("tool_calls", ())]
        sent, wanted = {key: value for key, value in wire.items() if value}, as_answered(row, host)
        if sent != wanted:
            wrong[row["id"]] = (host.name, wanted, sent)
    assert wrong == {}
