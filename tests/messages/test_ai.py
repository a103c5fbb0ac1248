from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from chatcore.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    HumanMessage,
    HumanMessageChunk,
    ToolMessage,
)

CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}


def raw(arguments: Any, **others: Any) -> dict[str, Any]:
    return {"tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": arguments}, **others}]}


@pytest.mark.parametrize("beside", ["text", ["text"], [{"function": "f"}], {}], ids=str)
def test_what_is_no_list_of_calls_says_nothing(beside: Any) -> None:
    message = AIMessage("", additional_kwargs={"tool_calls": beside})
    assert message.tool_calls == message.invalid_tool_calls == []


def test_calls_that_are_given_go_before_raw_ones() -> None:
    assert AIMessage("", tool_calls=[CALL], additional_kwargs=raw("{}")).tool_calls == [CALL]


def test_a_call_without_id_has_none() -> None:
    assert AIMessage("", tool_calls=[{"name": "f", "args": {}}]).tool_calls == [{**CALL, "args": {}, "id": None}]


@pytest.mark.parametrize("call", [{"args": {}}, {"name": "f"}, {"name": 1, "args": {}}, "f"], ids=str)
def test_wrong_calls_are_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="tool_calls"):
        AIMessage("", tool_calls=[call])


def test_blocks_without_calls_make_none() -> None:
    assert AIMessage(content_blocks=[{"type": "text", "text": "a"}]).tool_calls == []


def test_given_calls_are_not_changed() -> None:
    call = {"name": "f", "args": {}, "id": "c1", "extras": {"x": 1}}
    AIMessage("", tool_calls=[call])
    assert call == {"name": "f", "args": {}, "id": "c1", "extras": {"x": 1}}


def test_a_chunk_without_tool_calls_parses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str, **_: Any) -> Any:
        raise AssertionError(text)

    monkeypatch.setattr("chatcore.messages._tool_calls.from_json", fail)
    AIMessageChunk('{"a": 1}', id="m", response_metadata={"a": 1}, chunk_position="last")
    # Nor does a stretch from the middle of a call, which is what most chunks of one bring.
    AIMessageChunk("", tool_call_chunks=[{"name": None, "args": '"a": 1', "id": None, "index": 0}])


def test_a_chunk_of_whole_calls_can_be_added() -> None:
    chunk = AIMessageChunk(
        "", tool_calls=[CALL], invalid_tool_calls=[{"name": "g", "args": "{", "id": "c2", "error": "x"}]
    )
    joined = chunk + AIMessageChunk("", chunk_position="last")
    assert isinstance(joined, AIMessageChunk)
    assert joined.tool_calls == [CALL]
    assert joined.invalid_tool_calls[0]["args"] == "{"


def test_a_subclass_of_chunk_adds_up_to_its_own_kind() -> None:
    class Own(AIMessageChunk):
        pass

    assert type(Own("a") + AIMessageChunk("b")) is Own
    assert (Own("a") + AIMessageChunk("b")).content == "ab"
    others = (Own("b"), Own("c"))
    assert AIMessageChunk("a") + others == AIMessageChunk("abc")


def test_chunks_of_others_may_follow_an_answer() -> None:
    assert (AIMessageChunk("a") + HumanMessageChunk(content="b")).content == "ab"


# ------------------------------------------------------------------------------------------------------------- content


def test_reasoning_is_shown_whoever_the_provider_is() -> None:
    message = AIMessage(
        "a", additional_kwargs={"reasoning_content": "hm"}, response_metadata={"model_provider": "openai"}
    )
    assert message.content_blocks == [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}]


def test_calls_are_shown_without_id_too_and_unreadable_ones_as_such() -> None:
    invalid = {"type": "invalid_tool_call", "name": "g", "args": "{", "id": None, "error": "cut off"}
    message = AIMessage("", tool_calls=[{**CALL, "id": None}], invalid_tool_calls=[invalid])
    assert message.content_blocks == [{**CALL, "id": None}, invalid]


def test_blocks_are_the_same_at_each_reading() -> None:
    message = AIMessage([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}])
    assert message.content_blocks == message.content_blocks == [{"type": "image", "url": "https://example.org/a.png"}]


# --------------------------------------------------------------------------------------------------------------- union


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("anthropic", {"type": "text", "text": "x", "citations": [{"type": [], "cited_text": "y"}]}),
        ("openai", {"type": "function_call", "id": []}),
        ("openai", {"type": "web_search_call", "action": "x"}),
        ("bedrock_converse", {"type": "text", "text": "x", "citations": [{"source_content": [{"text": {}}]}]}),
        ("google_genai", {"type": "function_call", "id": [[]]}),
    ],
)
def test_content_with_values_of_other_types_is_read_as_best_we_can(provider: str, part: dict[str, Any]) -> None:
    message = AIMessage([part, {"type": "text", "text": "said"}], response_metadata={"model_provider": provider})
    assert message.content_blocks[-1] == {"type": "text", "text": "said"}


def test_standard_content_with_what_is_no_block() -> None:
    message = AIMessage(["said", {"x": 1}], response_metadata={"output_version": "v1"})
    assert message.content_blocks == [
        {"type": "text", "text": "said"},
        {"type": "non_standard", "value": {"x": 1}},
    ]


def test_any_message_is_told_by_its_type() -> None:
    conversation = TypeAdapter(list[AnyMessage])
    messages = [
        HumanMessage("a"),
        AIMessage("b", tool_calls=[CALL]),
        ToolMessage("c", tool_call_id="c1"),
        AIMessageChunk("d"),
    ]
    written = conversation.dump_json(messages)
    assert conversation.validate_json(written) == messages
    assert conversation.validate_python(messages) == messages
    for wrong in ({"type": "robot", "content": "a"}, {"content": "a"}, "a", 5):
        with pytest.raises(ValueError, match=r"tag|union|type"):
            conversation.validate_python([wrong])


def test_messages_are_fields_of_models() -> None:
    class Turn(BaseModel):
        asked: HumanMessage
        answered: AIMessage

    turn = Turn(asked=HumanMessage("a"), answered=AIMessage("b"))
    assert Turn.model_validate_json(turn.model_dump_json()) == turn
    with pytest.raises(ValueError, match="answered"):
        Turn.model_validate({"asked": {"content": "a"}, "answered": 5})
