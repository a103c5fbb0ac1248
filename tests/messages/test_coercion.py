from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from chatcore.errors import ChatCoreError, InvalidInputError
from chatcore.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    get_buffer_string,
    message_chunk_to_message,
    messages_from_dict,
    messages_to_dict,
)
from chatcore.prompt_values import ChatPromptValue, StringPromptValue

ROLES = ("human", "user", "ai", "assistant", "system", "developer", "tool", "function")


def test_a_string_is_one_human_message() -> None:
    assert convert_to_messages("hi") == [HumanMessage("hi")]


def test_a_prompt_value_is_its_messages() -> None:
    assert convert_to_messages(StringPromptValue(text="hi")) == [HumanMessage("hi")]
    messages = [SystemMessage("a"), HumanMessage("b")]
    converted = convert_to_messages(ChatPromptValue(messages=messages))
    assert converted == messages


def test_messages_are_taken_as_they_are_in_a_list_of_their_own() -> None:
    messages = [HumanMessage("a"), RemoveMessage(id="m"), ChatMessage("b", role="robot")]
    converted = convert_to_messages(messages)
    assert converted is not messages
    assert all(one is other for one, other in zip(converted, messages, strict=True))


def test_any_iterable_and_any_mapping_will_do() -> None:
    assert convert_to_messages(iter(["a"])) == [HumanMessage("a")]
    given: Any = MappingProxyType({"role": "user", "content": "a"})
    assert convert_to_messages([given]) == [HumanMessage("a")]


def test_what_is_given_is_not_changed() -> None:
    given = {"role": "user", "content": "a", "x": 1, "additional_kwargs": {"y": 2}, "tool_calls": []}
    before = {**given}
    convert_to_messages([given])
    assert given == before


def test_a_dumped_message_comes_back() -> None:
    messages = [
        HumanMessage("a", name="ann"),
        AIMessage(
            "b",
            id="m",
            tool_calls=[{"name": "f", "args": {}, "id": "c1"}],
            invalid_tool_calls=[{"name": "g", "args": "{", "id": "c2", "error": "cut off"}],
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            response_metadata={"x": 1},
            additional_kwargs={"y": 2},
        ),
        ToolMessage("c", tool_call_id="c1", artifact=[1], status="error"),
        SystemMessage("d"),
    ]
    assert convert_to_messages([message.model_dump() for message in messages]) == messages


def test_a_history_with_unreadable_arguments_can_be_passed_on() -> None:
    (message,) = convert_to_messages(
        [
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": '}},
                    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
            }
        ]
    )
    assert isinstance(message, AIMessage)
    assert [(call["name"], call["args"]) for call in message.invalid_tool_calls] == [("f", '{"a": ')]
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("g", {})]


@pytest.mark.parametrize("key", ["refusal", "audio", "tool_calls"])
def test_an_answer_may_have_no_content(key: str) -> None:
    value = [{"name": "f", "args": {}, "id": "c"}] if key == "tool_calls" else "no"
    assert convert_to_messages([{"role": "assistant", key: value}])[0].content == ""


def test_the_developers_role_is_remembered() -> None:
    (message,) = convert_to_messages([("developer", "a")])
    assert message == SystemMessage("a", additional_kwargs={"__openai_role__": "developer"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a", ("robot", "b")], ["messages[1]", "'robot'", *ROLES]),
        ([{"role": "robot", "content": "b"}], ["messages[0]", "'robot'", *ROLES]),
        ([{"role": 5, "content": "b"}], ["messages[0]", "5", *ROLES]),
        (["a", "b", 5], ["messages[2]", "int", "(role, content)"]),
        ([("human", "a", "b")], ["messages[0]", "3", "(role string"]),
        ([b"a"], ["messages[0]", "bytes"]),
        ([{"content": "a"}], ["messages[0]", "'role'", "content"]),
        ([{"role": "user", "text": "a"}], ["messages[0]", "'content'", "text"]),
        ([("human", 5)], ["messages[0]", "HumanMessage", "content"]),
        (["a", {"role": "tool", "content": "b"}], ["messages[1]", "ToolMessage", "tool_call_id"]),
        ([{"role": "assistant", "content": "", "tool_calls": [5]}], ["messages[0]", "tool_calls", "int"]),
        ([{"role": "assistant", "content": "", "tool_calls": "f"}], ["messages[0]", "tool_calls", "str"]),
        ([{"role": "assistant", "content": "", "tool_calls": [{"function": {}}]}], ["messages[0]", "'name'"]),
        ([{"role": "remove", "content": ""}], ["messages[0]", "'id'"]),
        ([{"role": "remove", "id": "m", "content": "a"}], ["messages[0]", "does not support"]),
        ({"role": "user", "content": "a"}, ["dict", "list"]),
        (HumanMessage("a"), ["HumanMessage", "list"]),
        (b"a", ["bytes", "list"]),
        (5, ["int", "list"]),
        (None, ["NoneType", "list"]),
    ],
    ids=lambda given: str(given)[:100],
)
def test_wrong_input_is_named_with_its_place_and_what_to_do(given: Any, words: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        convert_to_messages(given)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ChatCoreError)
    for word in words:
        assert word in str(caught.value)


def test_an_error_does_not_repeat_what_was_said() -> None:
    with pytest.raises(InvalidInputError) as caught:
        convert_to_messages([{"role": "user", "content": {"secret": "the launch code"}}])
    assert "launch" not in str(caught.value)


def test_dicts_of_unknown_type_or_wrong_data_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"messages\[1\].*'robot'.*human"):
        messages_from_dict([*messages_to_dict([HumanMessage("a")]), {"type": "robot", "data": {}}])
    with pytest.raises(InvalidInputError, match=r"messages\[0\].*content"):
        messages_from_dict([{"type": "human", "data": {}}])


@pytest.mark.parametrize("tag", ["role", "type"])
def test_the_keys_of_a_message_without_content_are_told(tag: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        convert_to_messages([{tag: "user", "text": "a"}])
    assert f"its keys are {sorted((tag, 'text'))}" in str(caught.value)


def test_whole_messages_stay_what_they_are() -> None:
    message = HumanMessage("a")
    assert message_chunk_to_message(message) is message


def test_a_chunk_becomes_its_message_and_keeps_its_fields() -> None:
    assert message_chunk_to_message(HumanMessageChunk(content="a", id="m", colour="red")) == HumanMessage(
        "a", id="m", colour="red"
    )
    assert message_chunk_to_message(AIMessageChunk("a", id="m", name="ann")) == AIMessage("a", id="m", name="ann")

    class Own(AIMessageChunk):
        pass

    whole = message_chunk_to_message(Own("a", tool_calls=[{"name": "f", "args": {}, "id": "c1"}]))
    assert type(whole) is AIMessage
    assert whole.tool_calls[0]["name"] == "f"


def test_a_buffer_string_takes_its_own_prefixes() -> None:
    conversation = [HumanMessage("a"), AIMessage("b"), SystemMessage("c")]
    assert get_buffer_string(conversation, "You", "Me", message_separator=" | ") == "You: a | Me: b | System: c"
    with pytest.raises(ValueError, match="RemoveMessage"):
        get_buffer_string([RemoveMessage(id="m")])
