from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.testing import Reply
from chatcore.testing._answers import Answer, answer_for
from chatcore.testing._asked import Asked, Tool
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._text import count_tokens, digest_of

ADD = Tool("add", {"properties": {"x": {"type": "integer"}}})
TOOLS = (ADD, Tool("now", {"type": "object"}))


def answer(scripted: Reply | None = None, *, tokens: int | None = None, prompt: str = "Hi", **more: Any) -> Answer:
    asked = Asked(model="m", messages=[{"role": "user", "content": prompt}], **more)
    return answer_for(asked, digest_of(0, "m", asked.messages, None), 1, scripted, tokens)


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
    word = whole.split()[3]
    stopped = answer(stop=[word])
    assert text(stopped) == whole[: whole.index(word)]
    assert (stopped.choices[0].finish_reason, stopped.choices[0].stopped_by) == ("stop", word)
    assert text(answer(stop=["never there", word])) == text(stopped)


def test_it_is_as_long_as_it_was_ordered() -> None:
    assert answer(tokens=77).completion_tokens == 77


def test_several_choices_differ() -> None:
    three = answer(choices=3)
    assert len({choice.reply.text for choice in three.choices}) == 3
    assert three.completion_tokens == sum(count_tokens(choice.reply.text or "") for choice in three.choices)


def test_usage_counts_all_that_was_written() -> None:
    reply = Reply("12345678", reasoning="1234", refusal="123", tool_calls=[{"name": "add", "args": "{}12"}])
    given = answer(reply)
    assert given.completion_tokens == 2 + 1 + 1 + 1 + 1
    assert (given.reasoning_tokens, given.prompt_tokens) == (1, 5)
    assert given.usage is None
    assert answer(Reply("x", usage={"prompt_tokens": 9})).usage == {"prompt_tokens": 9}


@pytest.mark.parametrize("demanded", [True, "add"])
def test_a_tool_that_is_demanded_is_called(demanded: bool | str) -> None:
    given = answer(tools=TOOLS, demanded=demanded)
    (call,) = given.choices[0].calls
    assert call.name in ({"add", "now"} if demanded is True else {"add"})
    assert isinstance(call.parsed, dict)
    assert given.choices[0].finish_reason == "tool_calls"
    assert given.choices[0].demanded is (demanded == "add")
    assert given.reply.text is None


def test_tools_that_are_not_demanded_are_not_called() -> None:
    assert not answer(tools=TOOLS).choices[0].calls
    assert not answer(demanded=True).choices[0].calls


def test_it_shows_its_reasoning_if_asked_to() -> None:
    shown = answer(reasoning=True, tools=TOOLS, demanded=True)
    assert shown.reply.reasoning
    assert shown.reasoning_tokens > 0
    assert answer().reply.reasoning is None
    assert answer(reasoning=True).reply.reasoning != answer(reasoning=True, prompt="other").reply.reasoning


def test_json_for_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = json.loads(text(answer(schema=schema, schema_name="n")))
    assert isinstance(made["n"], int)
    assert isinstance(json.loads(text(answer(json=True))), dict)


def test_a_schema_that_cannot_be_met_is_named() -> None:
    with pytest.raises(UnknownShapeError, match="response_format 'odd', at \\$"):
        answer(schema={"type": "elephant"}, schema_name="odd")


def test_scripted_calls_are_made_ready() -> None:
    given = answer(Reply(tool_calls=[{"name": "a", "args": {"é": 1}}, {"name": "b", "args": "not json", "id": "mine"}]))
    one, two = given.choices[0].calls
    assert (one.arguments, two.arguments, two.parsed) == ('{"é":1}', "not json", "not json")
    assert (one.id_after("call_"), two.id_after("call_")) == (f"call_{one.key}", "mine")
    assert given.choices[0].finish_reason == "tool_calls"
    assert answer(Reply("x", finish_reason="content_filter")).choices[0].finish_reason == "content_filter"
