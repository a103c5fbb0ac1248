"""What type checkers are told of functions of messages, pinned: mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import Any, assert_type

from chatcore.messages import (
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    convert_to_openai_messages,
    filter_messages,
    merge_message_runs,
    trim_messages,
)


def with_messages() -> None:
    assert_type(trim_messages([HumanMessage("a")], max_tokens=3, token_counter=len), list[BaseMessage])
    assert_type(filter_messages("a", include_types=["human", HumanMessage]), list[BaseMessage])
    assert_type(merge_message_runs(["a", ("ai", "b")]), list[BaseMessage])
    assert_type(convert_to_openai_messages("a"), dict[str, Any])
    assert_type(convert_to_openai_messages([("user", "a")]), list[dict[str, Any]])


def without() -> None:
    # Runnables, whose class messages do not know.
    assert_type(trim_messages(max_tokens=3, token_counter="approximate"), Any)
    assert_type(filter_messages(exclude_tool_calls=True), Any)
    assert_type(merge_message_runs(), Any)


def added() -> None:
    whole: AIMessageChunk | None = None
    for chunk in [AIMessageChunk("a"), AIMessageChunk("b")]:
        whole = chunk if whole is None else whole + chunk
    assert_type(AIMessageChunk("a") + AIMessageChunk("b"), AIMessageChunk)
