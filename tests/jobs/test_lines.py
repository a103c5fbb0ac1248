from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.jobs._lines import BadLine, Prompt, parse_line

OPENAI = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0,
        "stream": True,
        "seed": None,
    },
}


def parsed(line: object, number: int = 7) -> Any:
    return parse_line(number, json.dumps(line).encode())


def test_simple_line() -> None:
    prompt = parsed({"id": "a", "input": "hi", "settings": {"temperature": 0}, "metadata": {"topic": 1}})
    assert prompt == Prompt(number=7, id="a", input="hi", settings={"temperature": 0}, metadata={"topic": 1})


def test_messages_are_taken_as_they_are() -> None:
    messages = [{"role": "user", "content": "hi"}]
    assert parsed({"id": 3, "input": messages}) == Prompt(number=7, id=3, input=messages)


def test_line_without_id_is_called_by_its_number() -> None:
    assert parsed({"input": "hi"}).id == "line-7"
    assert parsed({"id": None, "input": "hi"}).id == "line-7"


def test_openai_line() -> None:
    prompt = parsed(OPENAI)
    assert prompt == Prompt(
        number=7, id="a", openai=True, input=OPENAI["body"]["messages"], settings={"model": "m", "temperature": 0}
    )


def test_openai_line_needs_no_method_and_no_url() -> None:
    assert isinstance(parsed({"custom_id": "a", "body": OPENAI["body"]}), Prompt)


@pytest.mark.parametrize("raw", [b"", b" \t\r", b"\r\n"], ids=["empty", "white", "line end"])
def test_blank_line_is_nothing(raw: bytes) -> None:
    assert parse_line(3, raw) is None


def test_byte_order_mark_may_begin_the_file() -> None:
    assert isinstance(parse_line(1, b'\xef\xbb\xbf{"input": "hi"}'), Prompt)
    assert isinstance(parse_line(2, b'\xef\xbb\xbf{"input": "hi"}'), BadLine)


def test_carriage_return_does_no_harm() -> None:
    assert isinstance(parse_line(1, b'{"input": "hi"}\r'), Prompt)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"input": "\xff"}', "The line is not UTF-8: byte 0xff at offset 11."),
        (b"hello", "The line is not JSON: "),
        (b'{"input": NaN}', "The line is not JSON: "),
        (b'{"input": "\\ud800"}', "The line is not JSON: "),
        (b'{"input": "hi"', "The line is not JSON: "),
        (b'["hi"]', "A line must be a JSON object, not a list."),
        (b"null", "A line must be a JSON object, not null."),
        (b'{"id": "a", "prompt": "hi"}', 'a string or a list of messages. The line has "id", "prompt".'),
        (b"{}", "The line has none."),
        (b'{"input": 5}', '"input" must be a string or a list of messages, not a number.'),
        (b'{"input": null}', '"input" must be a string or a list of messages, not null.'),
        (b'{"id": true, "input": "hi"}', '"id" must be a string or a whole number, not a boolean.'),
        (b'{"id": 1.5, "input": "hi"}', '"id" must be a string or a whole number, not a number.'),
        (b'{"input": "hi", "settings": []}', '"settings" must be an object, not a list.'),
        (b'{"input": "hi", "temperature": 0}', 'Unknown "temperature": settings of the call go into "settings"'),
        (b'{"body": {"messages": []}}', '"custom_id" is missing.'),
        (b'{"custom_id": 3, "body": {"messages": []}}', '"custom_id" must be a string, not a number.'),
        (b'{"custom_id": "a"}', '"body" must be an object with "messages", not null.'),
        (b'{"custom_id": "a", "body": {"input": "x"}}', '"body" must have a list of "messages"; it has "input".'),
        (b'{"custom_id": "a", "method": "GET", "body": {"messages": []}}', "\"method\" must be \"POST\", not 'GET'."),
        (b'{"custom_id": "a", "url": "/v1/embeddings", "body": {}}', "not '/v1/embeddings': only chat comple"),
    ],
)  # fmt: skip
def test_bad_line_says_what_is_wrong(raw: bytes, reason: str) -> None:
    line = parse_line(7, raw)
    assert isinstance(line, BadLine)
    assert reason in line.reason
    assert line.number == 7


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "The list of messages is empty: there is nothing to ask."),
        ([{"role": "alien", "content": "x"}], "messages[0]: Unexpected message type: 'alien'. Use one of "),
        (["hi", {"role": "user"}], "messages[1]: Message dict must contain 'role' and 'content' keys"),
        ([5], "messages[0]: Unsupported message type: int"),
        ([{"role": "assistant", "tool_calls": [{"name": "f"}], "invalid_tool_calls": 5}], "messages cannot be read: "),
        ([{"role": "user", "content": "x", "additional_kwargs": [1]}], "messages cannot be read: "),
    ],
)
@pytest.mark.parametrize("openai", [False, True], ids=["simple", "openai"])
def test_messages_that_no_model_takes_make_a_bad_line(messages: list[Any], reason: str, openai: bool) -> None:
    line = parsed({"custom_id": "a", "body": {"messages": messages}} if openai else {"id": "a", "input": messages})
    assert isinstance(line, BadLine)
    assert reason in line.reason
    assert (line.id, line.openai) == ("a", openai)


def test_bad_line_keeps_what_is_known_of_it() -> None:
    simple = parsed({"id": "a", "input": 5, "metadata": "mine"})
    assert (simple.id, simple.openai, simple.metadata) == ("a", False, "mine")
    openai = parsed({"custom_id": "b", "body": 5})
    assert (openai.id, openai.openai) == ("b", True)
    assert parsed({"id": [], "input": "hi"}).id == "line-7"
