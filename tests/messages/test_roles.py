from __future__ import annotations

import pytest

from chatcore.messages import ChatMessage, FunctionMessage, HumanMessage, RemoveMessage, SystemMessage


def test_blocks_may_be_given_as_the_content() -> None:
    blocks = [{"type": "text", "text": "a"}]
    assert HumanMessage(content_blocks=blocks).content == blocks
    assert SystemMessage(content_blocks=blocks).content == blocks


def test_what_a_role_needs_must_be_given() -> None:
    with pytest.raises(ValueError, match="role"):
        ChatMessage("a")
    with pytest.raises(ValueError, match="name"):
        FunctionMessage("a")


def test_a_removal_names_a_message_and_says_nothing() -> None:
    assert RemoveMessage("m") == RemoveMessage(id="m", content="")
    assert RemoveMessage("m").id == "m"
    with pytest.raises(ValueError, match="does not support"):
        RemoveMessage("m", content="a")
