from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.testing import Reply, SimulatedRequest
from chatcore.testing._answers import Answer, answer_for
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._text import count_tokens, digest_of, prompt_tokens

TOOLS = [
    {"type": "function", "function": {"name": "add", "parameters": {"properties": {"x": {"type": "integer"}}}}},
    {"type": "function", "function": {"name": "now"}},
]


def answer(scripted: Reply | None = None, *, tokens: int | None = None, prompt: str = "Hi", **body: Any) -> Answer:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **body}
    request = SimulatedRequest(1, "req_1", "POST", "/", {}, 1, 0.0, body)
    return answer_for(request, digest_of(0, body), scripted, prompt_tokens(request.messages), tokens)


def text(given: Answer) -> str:
    return given.reply.text or ""


def test_the_default_depends_on_the_prompt_and_on_nothing_else() -> None:
    assert text(answer(prompt="a")) == text(answer(prompt="a", stream=True)) != text(answer(prompt="b"))


def test_it_ends_where_the_request_says() -> None:
    whole = text(answer())
    assert answer().choices[0].finish_reason == "stop"
    short = answer(max_tokens=3)
    assert (text(short), short.choices[0].finish_reason) == (whole[:12], "length")
    assert short.completion_tokens == 3
    assert text(answer(max_completion_tokens=2, max_tokens=9)) == whole[:8]
    word = whole.split()[3]
    assert text(answer(stop=word)) == whole[: whole.index(word)]
    assert text(answer(stop=["never there", word])) == text(answer(stop=word))


def test_it_is_as_long_as_it_was_ordered() -> None:
    assert answer(tokens=77).completion_tokens == 77


def test_several_choices_differ() -> None:
    three = answer(n=3)
    assert len({choice.reply.text for choice in three.choices}) == 3
    assert three.completion_tokens == sum(count_tokens(choice.reply.text or "") for choice in three.choices)


def test_usage_counts_all_that_was_written() -> None:
    reply = Reply("12345678", reasoning="1234", refusal="123", tool_calls=[{"name": "add", "args": "{}12"}])
    given = answer(reply)
    assert given.usage["completion_tokens"] == 2 + 1 + 1 + 1 + 1
    assert given.usage["completion_tokens_details"]["reasoning_tokens"] == 1
    assert given.usage["total_tokens"] == given.usage["prompt_tokens"] + 6
    assert answer(Reply("x", usage={"prompt_tokens": 9})).usage == {"prompt_tokens": 9}


@pytest.mark.parametrize(
    ("choice", "finish_reason"),
    [("required", "tool_calls"), ({"type": "function", "function": {"name": "add"}}, "stop")],
    ids=str,
)
def test_a_tool_that_is_demanded_is_called(choice: Any, finish_reason: str) -> None:
    given = answer(tools=TOOLS, tool_choice=choice)
    (call,) = given.choices[0].calls
    assert call.name in {"add", "now"}
    assert isinstance(json.loads(call.arguments), dict)
    assert given.choices[0].finish_reason == finish_reason
    assert given.reply.text is None


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_tools_that_are_not_demanded_are_not_called(choice: Any) -> None:
    assert not answer(tools=TOOLS, tool_choice=choice).choices[0].calls
    assert not answer(tools=[{"type": "custom", "custom": {}}], tool_choice="required").choices[0].calls


def test_json_for_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    named = {"name": "n", "schema": schema}
    made = json.loads(text(answer(response_format={"type": "json_schema", "json_schema": named})))
    assert isinstance(made["n"], int)
    assert isinstance(json.loads(text(answer(response_format={"type": "json_object"}))), dict)
    assert text(answer(response_format={"type": "text"})) == text(answer())


def test_a_schema_that_cannot_be_met_is_named() -> None:
    named = {"name": "odd", "schema": {"type": "elephant"}}
    with pytest.raises(UnknownShapeError, match="response_format 'odd', at \\$"):
        answer(response_format={"type": "json_schema", "json_schema": named})


def test_scripted_calls_are_made_ready() -> None:
    given = answer(Reply(tool_calls=[{"name": "a", "args": {"é": 1}}, {"name": "b", "args": "not json", "id": "mine"}]))
    one, two = given.choices[0].calls
    assert (one.arguments, two.arguments, two.id) == ('{"é":1}', "not json", "mine")
    assert one.id.startswith("call_")
    assert given.choices[0].finish_reason == "tool_calls"
    assert answer(Reply("x", finish_reason="content_filter")).choices[0].finish_reason == "content_filter"
