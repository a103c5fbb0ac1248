"""Chunks to events: their order and their cost. What each kind of block makes, test_against_reference_v3 says."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.typed_stream._bridge import Bridge, finished_call, message_events


def events_of(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    bridge = Bridge()
    made: list[Any] = [event for fields in chunks for event in bridge.chunk(AIMessageChunk(**fields))]
    return [*made, *bridge.end()]


def test_lifecycle() -> None:
    call = {"name": "f", "args": '{"a": 1}', "id": "c1", "index": 1, "type": "tool_call_chunk"}
    made = events_of({"content": "a", "id": "m1"}, {"content": "", "tool_call_chunks": [call]}, {"content": "b"})
    assert [(event["event"], event.get("index")) for event in made] == [
        ("message-start", None),
        ("content-block-start", 0),
        ("content-block-delta", 0),
        ("content-block-start", 1),
        ("content-block-delta", 1),
        ("content-block-delta", 0),
        ("content-block-finish", 0),
        ("content-block-finish", 1),
        ("message-finish", None),
    ]
    assert made[0]["id"] == "m1"


def test_nothing_begins_nothing_ends() -> None:
    assert Bridge().end() == []


def test_events_are_nobody_elses() -> None:
    given = {"type": "non_standard", "value": {"x": 1}}
    first, second = (events_of({"content": [given]}) for _ in range(2))
    first[1]["content"]["value"]["y"] = 2
    first[2]["content"]["type"] = "mine"
    assert second[1]["content"]["value"] == {}
    assert second[2]["content"]["type"] == "non_standard"
    usage: Any = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_token_details": {"audio": 1}}
    message = AIMessage(content="a", usage_metadata=usage)
    made: Any = message_events(message)[-1]
    made["usage"]["input_token_details"]["audio"] = 7
    assert message.usage_metadata == usage
    assert usage["input_token_details"] == {"audio": 1}


def test_a_whole_message() -> None:
    message = AIMessage(
        content="a",
        id="m1",
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}],
        invalid_tool_calls=[{"name": "g", "args": "{", "id": "c2", "error": "cut", "type": "invalid_tool_call"}],
        response_metadata={"finish_reason": "stop", "model_name": "m"},
        additional_kwargs={"x": 1},
    )
    made: list[Any] = message_events(message)
    assert made[0] == {"event": "message-start", "role": "ai", "id": "m1", "metadata": {"model": "m"}}
    assert [(event["event"], event["index"]) for event in made[1:-1]] == [
        ("content-block-start", 0),
        ("content-block-delta", 0),
        ("content-block-finish", 0),
        ("content-block-start", 1),
        ("content-block-finish", 1),
        ("content-block-start", 2),
        ("content-block-finish", 2),
    ]
    assert [made[place]["content"]["type"] for place in (3, 5, 7)] == ["text", "tool_call", "invalid_tool_call"]
    assert made[-1]["metadata"]["finish_reason"] == "stop"
    assert made[-1]["additional_kwargs"] == {"x": 1}
    assert [event["event"] for event in message_events(HumanMessage(content=""))] == ["message-start", "message-finish"]


def test_finished_calls() -> None:
    assert finished_call({"args": "", "index": 3}, server=False) == {
        "type": "tool_call",
        "id": "",
        "name": "",
        "args": {},
    }
    assert finished_call({"args": "{}", "id": "s", "name": "n", "index": 3}, server=True)["index"] == 3
    cut = finished_call({"args": "{", "id": "c", "name": "n", "extras": {"x": 1}}, server=True)
    assert cut["type"] == "invalid_tool_call"
    assert cut["args"] == "{"
    assert cut["extras"] == {"x": 1}
    assert cut["error"].startswith("Failed to parse tool call arguments as JSON")


@pytest.mark.parametrize("kind", ["text", "calls", "blocks"])
def test_linear(kind: str) -> None:
    # Counted, not timed: calls of Python functions per chunk must not grow with the number of chunks.
    def fields(number: int) -> dict[str, Any]:
        if kind == "text":
            return {"content": "a"}
        if kind == "calls":
            part = {"name": None, "id": None, "args": '"' if number == 0 else "a", "index": 0}
            return {"content": "", "tool_call_chunks": [part]}
        return {"content": [{"type": "text", "text": "a", "index": number % 7, "id": "x"}]}

    def cost(count: int) -> int:
        chunks = [AIMessageChunk(**fields(number)) for number in range(count)]
        bridge = Bridge()
        counted = 0

        def count_calls(frame: Any, event: str, arg: Any) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        sys.setprofile(count_calls)
        try:
            for chunk in chunks:
                bridge.chunk(chunk)
            bridge.end()
        finally:
            sys.setprofile(None)
        return counted

    assert cost(2000) < 2.2 * cost(1000)
