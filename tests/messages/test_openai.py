"""Writing messages for OpenAI, where the comparison with the reference leaves off."""

from __future__ import annotations

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, HumanMessage, RemoveMessage, convert_to_openai_messages


def test_a_call_among_the_parts_of_any_message_is_written() -> None:
    used = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    (written,) = convert_to_openai_messages([HumanMessage([used])])
    call = {"type": "function", "id": "c1", "function": {"name": "f", "arguments": '{"a": 1}'}}
    assert written == {"role": "user", "content": "", "tool_calls": [call]}


def test_reasoning_is_written_even_where_unknown_parts_are_refused() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]
    assert convert_to_openai_messages(AIMessage(parts), pass_through_unknown_blocks=False)["content"] == parts


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(InvalidInputError, match="RemoveMessage"):
        convert_to_openai_messages([RemoveMessage("m")])
    with pytest.raises(InvalidInputError, match="text_format='xml'"):
        convert_to_openai_messages(["a"], text_format="xml")  # type: ignore[call-overload]
    with pytest.raises(InvalidInputError, match=r"messages\[0\].content\[0\] has 'type': 'function_call', but"):
        convert_to_openai_messages([AIMessage([{"type": "function_call"}])])
