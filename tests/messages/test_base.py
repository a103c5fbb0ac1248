from __future__ import annotations

import sys

import pytest

from chatcore.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessageChunk,
)


def test_text_is_a_string_that_may_be_called_with_a_warning() -> None:
    message = HumanMessage(["a", {"type": "text", "text": "b"}, {"type": "image", "url": "u"}, {"type": "text"}])
    assert message.text == "ab"
    assert isinstance(message.text, str)
    with pytest.warns(DeprecationWarning, match="message.text"):
        assert message.text() == "ab"


def test_messages_of_different_kinds_differ() -> None:
    assert HumanMessage("a") == HumanMessage("a")
    assert HumanMessage("a") != AIMessage("a")
    assert HumanMessage("a") != HumanMessage("a", id="m")
    assert HumanMessage("a") != HumanMessageChunk(content="a")


def test_a_base_message_names_its_own_type() -> None:
    assert BaseMessage("a", type="mine").type == "mine"
    assert (BaseMessageChunk("a", type="mine", id="m") + BaseMessageChunk("b", type="mine")).content == "ab"


def test_chunks_of_different_kinds_join_into_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    joined = HumanMessageChunk(content="a", id="m", name="ann") + SystemMessageChunk(content="b", name="bob")
    assert joined == HumanMessageChunk(content="ab", id="m", name="ann")
    assert HumanMessageChunk(content="a") + AIMessageChunk("b") == HumanMessageChunk(content="ab")
    assert HumanMessageChunk(content="a") + [HumanMessageChunk(content="b", name="bob")] * 2 == HumanMessageChunk(
        content="abb", name="bob"
    )


@pytest.mark.parametrize("other", ["b", HumanMessage("b"), None, [HumanMessageChunk(content="b"), "c"]], ids=repr)
def test_only_chunks_add_up(other: object) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        HumanMessageChunk(content="a") + other


def test_pretty_print_is_bold_where_someone_looks_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sys, "ps2", raising=False)
    HumanMessage("hi", name="ann").pretty_print()
    assert capsys.readouterr().out.splitlines() == [
        "================================ Human Message =================================",
        "Name: ann",
        "",
        "hi",
    ]
    monkeypatch.setattr(sys, "ps2", "... ", raising=False)
    HumanMessage("hi").pretty_print()
    assert "\033[1m Human Message \033[0m" in capsys.readouterr().out


def test_a_title_is_as_wide_as_a_terminal() -> None:
    for text in ("a", "ab"):
        message = AIMessage(text)
        assert len(message.pretty_repr().splitlines()[0]) == 80


def test_pretty_tool_calls() -> None:
    message = AIMessage(
        "",
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}],
        invalid_tool_calls=[
            {"name": "g", "args": "{", "id": "c2", "error": "cut off"},
            {"name": "h", "args": None, "id": None, "error": None},
        ],
    )
    assert message.pretty_repr().splitlines()[1:] == [
        "Tool Calls:",
        "  f (c1)",
        " Call ID: c1",
        "  Args:",
        "    a: 1",
        "Invalid Tool Calls:",
        "  g (c2)",
        " Call ID: c2",
        "  Error: cut off",
        "  Args:",
        "    {",
        "  h (None)",
        " Call ID: None",
        "  Args:",
    ]
