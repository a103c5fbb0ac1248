from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from chatcore.testing._answers import answer_for
from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects.openai_responses_request import items_of, read
from chatcore.testing._problem import RefusedError
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._text import seal
from tests.testing._dialects.bodies import bodies

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "3"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}}


def asked(*, earlier: Any = (), models: Any = None, **body: Any) -> Asked:
    whole = {"model": "m", "input": [USER], **body}
    return read({name: value for name, value in whole.items() if value is not ...}, earlier, models=models)


def form(**given: Any) -> dict[str, Any]:
    return {"text": {"format": given}}


def test_what_is_asked_for() -> None:
    found = asked(
        input="Hi",
        instructions="Be brief.",
        stream=True,
        tools=[TOOL, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "add"},
        max_output_tokens=16,
        reasoning={"summary": "auto"},
        **form(type="json_schema", name="n", schema={"type": "object"}),
    )
    assert found == Asked(
        model="m",
        messages=[{"role": "system", "content": "Be brief."}, USER],
        stream=True,
        tools=[Tool("add", {"type": "object"})],
        demanded="add",
        schema={"type": "object"},
        schema_name="n",
        max_tokens=16,
        reasoning=True,
    )
    assert asked(input="as json", **form(type="json_object")).json
    assert asked(tools=[TOOL], tool_choice="required").demanded is True


def test_a_history_in_neutral_words() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    made = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So"}]}
    found = asked(
        input=[{"role": "user", "content": [{"type": "input_text", "text": "x"}, image]}, THOUGHT, made, CALL, OUTPUT]
    )
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    assert found.messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ],
        },
        {"role": "assistant", "content": "So", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ]


def test_a_call_may_have_been_made_before() -> None:
    assert asked(earlier=[USER, CALL], input=[OUTPUT]).messages[-1]["role"] == "tool"
    assert items_of({"previous_response_id": "resp_1"}) == []


def part(**given: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [given]}]}


CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.mark.parametrize(
    ("more", "param", "says"),
    [
        ({"max_tokens": 5}, "max_tokens", "Unknown parameter: 'max_tokens'."),
        ({"model": ...}, "model", "Missing required parameter: 'model'"),
        ({"input": ...}, "input", "Missing required parameter: 'input'"),
        ({"input": 5}, "input", "expected a string or an array of input items"),
        ({"input": ["Hi"]}, "input[0]", "expected an input item"),
        ({"input": [{}]}, "input[0].type", "Invalid value: None"),
        ({"input": [{"type": []}]}, "input[0].type", "Invalid value: []"),
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role", "Missing"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role", "Invalid value: 'tool'"),
        ({"input": [{"role": "user"}]}, "input[0].content", "Missing"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content", "a string or an array"),
        (part(type="text", text="x"), "input[0].content[0].type", "Invalid value: 'text'. Supported values are"),
        (part(), "input[0].content[0].type", "Missing"),
        (part(type="input_text"), "input[0].content[0].text", "Missing"),
        (part(type="input_image"), "input[0].content[0].image_url", "Missing"),
        (part(type="input_image", image_url="x"), "input[0].content[0].image_url", "Expected a valid URL"),
        (part(type="input_image", image_url="data:image/png;base64,!"), "input[0].content[0].image_url", "base64"),
        (part(type="input_file"), "input[0].content[0].file_id", "Missing"),
        (part(type="input_file", file_data="aGk="), "input[0].content[0].file_data", "Invalid file data"),
        (part(type="input_audio"), "input[0].content[0].input_audio", "Missing"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "input[0].content[0].type",
            "'output_text', and 'refusal'",
        ),
        ({"input": [USER, CALL]}, "input", "No tool output found for function call c1."),
        ({"input": [USER, OUTPUT]}, "input", "No tool call found for function call output with call_id c1."),
        ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments", "expected a string, but got an object"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output", "Missing"),
        ({"input": [USER, THOUGHT]}, "input", "without its required following item"),
        ({"input": [USER, THOUGHT, USER]}, "input", "without its required following item"),
        ({"input": [{"type": "reasoning", "id": "rs"}]}, "input[0].summary", "Missing"),
        ({"input": [{**THOUGHT, "encrypted_content": "x"}, CALL, OUTPUT]}, None, "could not be verified"),
        ({"temperature": 3}, "temperature", "Expected a value <= 2"),
        ({"max_output_tokens": 5}, "max_output_tokens", "Expected a value >= 16, but got 5 instead."),
        ({"stream": "yes"}, "stream", "a boolean"),
        ({"stream_options": {}}, "stream_options", "only allowed when 'stream' is enabled"),
        ({"include": "x"}, "include", "an array of strings"),
        ({"background": True, "store": False}, "background", "requires 'store'"),
        ({"tools": {}}, "tools", "an array of objects"),
        ({"tools": [{}]}, "tools[0].type", "Missing"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].name", "Missing"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools[0].name", "pattern"),
        ({"tools": [{**TOOL, "parameters": {"type": "array"}}]}, "tools[0].parameters", "'type: \"object\"'"),
        ({"tools": [{**TOOL, "strict": True}]}, "tools[0].parameters", "'additionalProperties' is required"),
        ({"tools": [{"type": "magic"}]}, "tools[0].type", "Invalid value: 'magic'"),
        ({"tool_choice": "required"}, "tool_choice", "must be specified with 'tools'"),
        ({"tool_choice": "any"}, "tool_choice", "Invalid value: 'any'"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "b"}}, "tool_choice", "not found in 'tools'"),
        (form(type="xml"), "text.format.type", "Invalid value: 'xml'"),
        (form(type=[]), "text.format.type", "Invalid value: []"),
        (form(type="json_object"), "input", "must contain the word 'json'"),
        (form(type="json_schema", schema={}), "text.format.name", "Missing"),
        (form(type="json_schema", name="n"), "text.format.schema", "Missing"),
        (form(type="json_schema", name="n", schema={"type": "object"}, strict=True), "text.format.schema", "required"),
    ],
    ids=str,
)
def test_what_openai_refuses_is_refused(more: dict[str, Any], param: str | None, says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        asked(**more)
    assert says in str(refused.value)
    assert refused.value.problem.param == param


def test_what_openai_takes_is_taken() -> None:
    sealed = {**THOUGHT, "encrypted_content": seal("Hm.")}
    assert asked(input=[USER, sealed, CALL, OUTPUT], tools=[{**TOOL, "parameters": CLOSED, "strict": True}])


def test_models_that_do_not_exist() -> None:
    with pytest.raises(RefusedError, match="'m' does not exist") as refused:
        asked(models=("other",))
    assert (refused.value.problem.status, refused.value.problem.code) == (400, "model_not_found")


@given(
    bodies(
        {"model": "m", "input": [USER]},
        instructions="x",
        tools=[TOOL],
        tool_choice="required",
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
        stream=True,
        include=["x"],
        reasoning={"summary": "auto"},
        max_output_tokens=20,
    )
)
def test_whatever_is_sent_is_refused_or_answered(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    with suppress(RefusedError, UnknownShapeError):
        answer_for(read(body, (), models=None), bytes(16), 1, None, None)
    assert body == before
