"""Choosing and joining messages, where the comparison with the reference leaves off."""

from __future__ import annotations

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    filter_messages,
    merge_message_runs,
)

CALL = {"name": "f", "args": {}, "id": "c1", "type": "tool_call"}
OTHER = {"name": "g", "args": {}, "id": "c2", "type": "tool_call"}


def test_what_stands_for_messages_is_taken() -> None:
    assert filter_messages("hi") == [HumanMessage("hi")]
    assert filter_messages([("user", "a"), ("ai", "b")], include_types=["ai"]) == [AIMessage("b")]
    assert merge_message_runs([("user", "a"), "b"]) == [HumanMessage("a\nb")]


def test_an_excluded_call_is_gone_wherever_it_stands() -> None:
    chunk = AIMessageChunk(
        content=[CALL, {"type": "function_call", "call_id": "c1"}, "a", {"type": "text", "text": "b"}],
        tool_call_chunks=[
            {"name": "f", "args": "{}", "id": "c1", "index": 0},
            {"name": "g", "args": "{}", "id": "c2", "index": 1},
        ],
    )
    (kept,) = filter_messages([chunk, ToolMessage("1", tool_call_id="c1")], exclude_tool_calls={"c1"})  # type: ignore[arg-type]
    assert isinstance(kept, AIMessageChunk)
    assert kept.content == ["a", {"type": "text", "text": "b"}]
    assert kept.tool_calls == [OTHER]
    assert [part["id"] for part in kept.tool_call_chunks] == ["c2"]
    assert chunk.tool_calls == [CALL, OTHER]


def test_joined_messages_keep_the_name_and_each_of_their_calls() -> None:
    first, second = AIMessage("a", name="ann", tool_calls=[CALL]), AIMessage("b", tool_calls=[CALL])
    (whole,) = merge_message_runs([first, second])
    assert whole == AIMessage("a\nb", name="ann", tool_calls=[CALL, CALL])
    assert (first.content, second.content) == ("a", "b")


def test_joining_is_linear() -> None:
    (whole,) = merge_message_runs([HumanMessage("a")] * 20_000)
    assert len(whole.text) == 39_999


def test_messages_that_cannot_be_joined_are_named() -> None:
    with pytest.raises(InvalidInputError, match="RemoveMessage"):
        merge_message_runs([RemoveMessage("a"), RemoveMessage("b")])
    with pytest.raises(ValueError, match="different roles"):
        merge_message_runs([ChatMessage("a", role="r"), ChatMessage("b", role="s")])  # type: ignore[call-arg]
