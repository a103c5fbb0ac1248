from __future__ import annotations

import pytest

from chatcore.messages import AIMessage, HumanMessage, SystemMessage
from chatcore.prompt_values import (
    ChatPromptValue,
    ChatPromptValueConcrete,
    ImagePromptValue,
    PromptValue,
    StringPromptValue,
)


def test_a_string_is_one_human_message() -> None:
    value = StringPromptValue(text="hi")
    assert value.to_string() == "hi"
    assert value.to_messages() == [HumanMessage("hi")]


def test_messages_are_text_line_by_line() -> None:
    messages = [SystemMessage("be brief"), HumanMessage("hi"), AIMessage("yes")]
    for kind in (ChatPromptValue, ChatPromptValueConcrete):
        value = kind(messages=messages)
        assert value.to_string() == "System: be brief\nHuman: hi\nAI: yes"
        assert value.to_messages() == messages
        value.to_messages().clear()
        assert value.to_messages() == messages


def test_the_concrete_prompt_comes_back_from_json() -> None:
    value = ChatPromptValueConcrete(messages=[SystemMessage("a"), AIMessage("b")])
    assert ChatPromptValueConcrete.model_validate_json(value.model_dump_json()) == value


def test_an_image_is_one_human_message() -> None:
    value = ImagePromptValue(image_url={"url": "u", "detail": "low"})
    assert value.to_string() == "u"
    assert value.to_messages() == [HumanMessage([{"url": "u", "detail": "low"}])]
    assert ImagePromptValue(image_url={}).to_string() == ""


def test_a_prompt_value_of_no_kind_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        PromptValue()  # type: ignore[abstract]


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="text"):
        StringPromptValue(text=5)
    with pytest.raises(ValueError, match="messages"):
        ChatPromptValue(messages=["a"])
