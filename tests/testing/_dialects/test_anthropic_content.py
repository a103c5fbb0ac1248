from __future__ import annotations

from typing import Any

import pytest

from chatcore.testing._dialects.anthropic_content import check_messages, neutral
from chatcore.testing._problem import RefusedError
from chatcore.testing._text import seal

USER = {"role": "user", "content": "Hi"}
USE = {"type": "tool_use", "id": "t1", "name": "add", "input": {"x": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "3"}
CALLED = {"role": "assistant", "content": [USE]}
ANSWERED = {"role": "user", "content": [RESULT]}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": seal("Hm.")}


def made(*blocks: Any) -> list[Any]:
    return [USER, {"role": "assistant", "content": [*blocks]}]


def given(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": [*blocks]}]


def image(**source: Any) -> list[Any]:
    return given({"type": "image", "source": source})


@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [USER, USER],
        [USER, {"role": "assistant", "content": "So"}],
        [USER, {"role": "assistant", "content": ""}],
        [USER, CALLED, ANSWERED],
        [USER, CALLED, {"role": "user", "content": [RESULT, {"type": "text", "text": "And?"}]}],
        made(THOUGHT, {"type": "text", "text": "x"}),
        made({"type": "redacted_thinking", "data": seal("")}),
        made({"type": "thinking", "thinking": "", "signature": seal("left out")}),
        image(type="base64", media_type="image/png", data="aGk="),
        image(type="url", url="https://example.com/a.png"),
        given({"type": "document", "source": {"type": "text", "data": "x"}}),
    ],
    ids=str,
)
def test_what_anthropic_takes_is_taken(messages: list[Any]) -> None:
    check_messages(messages, thinking=False)
    assert neutral(messages)


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ("Hi", "messages: Input should be a valid array"),
        ([], "at least one message is required"),
        (["Hi"], "messages.0: Input does not match"),
        ([{"content": "x"}], "messages.0.role: Field required"),
        ([{"role": "system", "content": "x"}], 'Unexpected role "system"'),
        ([{"role": "human", "content": "x"}], 'Unexpected role "human"'),
        ([{"role": "assistant", "content": "x"}], 'first message must use the "user" role'),
        ([{"role": "user"}], "messages.0.content: Field required"),
        ([{"role": "user", "content": 5}], "messages.0.content: Input should be a valid array"),
        ([{"role": "user", "content": ""}], "must have non-empty content"),
        ([{**USER, "name": "ada"}], "messages.0.name: Extra inputs"),
        ([USER, {"role": "assistant", "content": "x "}], "cannot end with trailing whitespace"),
        (given(5), "messages.0.content.0: Input should be an object"),
        (given({}), "messages.0.content.0.type: Field required"),
        (given({"type": []}), "Input tag"),
        (given(USE), "Input tag 'tool_use'"),
        (given({"type": "text"}), "text.text: Field required"),
        (given({"type": "text", "text": ""}), "text content blocks must be non-empty"),
        (image(), "source"),
        (image(type="ftp"), "Input tag 'ftp'"),
        (image(type="base64", media_type="image/png"), "data: Field required"),
        (image(type="base64", media_type="image/bmp", data="aGk="), "media_type: Input should be"),
        (image(type="base64", media_type="image/png", data="!"), "Invalid base64 data"),
        (image(type="url", url="data:x"), "Only HTTPS URLs are supported"),
        (made({**USE, "id": "a|b"}), "tool_use.id: String should match pattern"),
        (made({**USE, "input": "{}"}), "tool_use.input: Input should be an object"),
        (made({"type": "tool_use", "id": "a", "input": {}}), "tool_use.name: Field required"),
        (made(USE), "without `tool_result` blocks immediately after: t1"),
        ([USER, CALLED, USER], "messages.1: `tool_use` ids were found without"),
        ([USER, CALLED, CALLED], "messages.1: `tool_use` ids were found without"),
        ([USER, {"role": "assistant", "content": [USE, USE]}, ANSWERED], "ids must be unique"),
        ([ANSWERED], "unexpected `tool_use_id` found in `tool_result` blocks: t1"),
        ([USER, CALLED, {"role": "user", "content": [RESULT, RESULT]}], "single result"),
        (given({"type": "tool_result"}), "tool_use_id: Field required"),
        (given({**RESULT, "content": 5}), "tool_result.content: Input should be"),
        (given({**RESULT, "content": [{"type": "video"}]}), "tool_result.content.0: Input tag 'video'"),
        (made({"type": "thinking", "thinking": "Hm."}), "signature: Field required"),
        (made({**THOUGHT, "thinking": "Other."}), "Invalid `signature` in `thinking` block"),
        (made({**THOUGHT, "signature": "aGk="}), "Invalid `signature` in `thinking` block"),
        (made({"type": "redacted_thinking", "data": "aGk="}), "Invalid `data`"),
    ],
    ids=str,
)
def test_what_anthropic_refuses_is_refused(messages: Any, says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_messages(messages, thinking=False)
    assert says in str(refused.value)


def test_a_thinking_model_needs_its_thoughts_while_it_uses_tools() -> None:
    with pytest.raises(RefusedError, match="Expected `thinking` or `redacted_thinking`, but found `tool_use`"):
        check_messages([USER, CALLED, ANSWERED], thinking=True)
    check_messages([USER, {"role": "assistant", "content": [THOUGHT, USE]}, ANSWERED], thinking=True)
    check_messages([USER, {"role": "assistant", "content": "x"}, USER], thinking=True)


def test_in_neutral_words() -> None:
    data = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    text = {"type": "text", "text": "x"}
    messages: Any = [
        {"role": "user", "content": [text, data]},
        {"role": "assistant", "content": [THOUGHT, text, USE]},
        {"role": "user", "content": [RESULT, text]},
    ]
    assert neutral(messages) == [
        {"role": "user", "content": [text, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
        {
            "role": "assistant",
            "content": "x",
            "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "add", "arguments": '{"x":1}'}}],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "3"},
        {"role": "user", "content": "x"},
    ]
