from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.testing._answers import answer_for
from chatcore.testing._asked import Asked
from chatcore.testing._dialects.openai_chat_request import read
from chatcore.testing._problem import RefusedError
from chatcore.testing._schema import UnknownShapeError

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


def judged(body: dict[str, Any], **settings: Any) -> Asked:
    return read(body, **{"models": None, "refuse_stream_options": False, **settings})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"temperature": 0, "top_p": 1.0, "n": 2, "stop": ["a", "b"], "seed": -5, "logprobs": True, "top_logprobs": 3},
        {"stop": "x", "max_tokens": 1, "max_completion_tokens": 5, "presence_penalty": -2, "logprobs": None},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"tools": [TOOL], "tool_choice": "required"},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
        {"tools": [TOOL, {"type": "custom", "custom": {"name": "c"}}], "tool_choice": "auto"},
        {"tool_choice": "none"},
        {"response_format": FORMAT},
        {"response_format": {"type": "json_object"}},
        {"messages": [USER, CALLED, {"role": "tool", "tool_call_id": "c1", "content": "3"}]},
        {"messages": [{"role": "developer", "content": "x"}, {"role": "assistant", "refusal": "no", "content": None}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "image_url", "image_url": {}}]}
            ]
        },
        {"unknown": "is passed over"},
    ],
    ids=str,
)
def test_what_openai_takes_is_taken(more: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [USER], **more}
    assert judged(body).messages is body["messages"]


def part(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize(
    ("more", "param", "code", "says"),
    [
        ({"model": None}, "model", None, "you must provide a model"),
        ({"model": ""}, "model", None, "you must provide a model"),
        ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
        ({"messages": "Hi"}, "messages", "invalid_type", "expected an array of objects, but got a string"),
        ({"messages": []}, "messages", "empty_array", "minimum length 1"),
        ({"messages": ["Hi"]}, "messages[0]", "invalid_type", "expected an object, but got a string"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter", "Missing"),
        (
            {"messages": [USER, {"role": "human"}]},
            "messages[1].role",
            "invalid_value",
            "Supported values are: 'system'",
        ),
        ({"messages": [{"role": []}]}, "messages[0].role", "invalid_value", r"Invalid value: \[\]"),
        (part(None), "messages[0].content", "invalid_type", "got null"),
        (part(5), "messages[0].content", "invalid_type", "got an integer"),
        (part([]), "messages[0].content", "empty_array", "empty array"),
        (part(["x"]), "messages[0].content[0]", "invalid_type", "got a string"),
        (part([{}]), "messages[0].content[0].type", "missing_required_parameter", "Missing"),
        (part([{"type": "smell"}]), "messages[0].content[0].type", "invalid_value", "'smell'"),
        (part([{"type": {}}]), "messages[0].content[0].type", "invalid_value", "Supported"),
        (part([{"type": "text"}]), "messages[0].content[0].text", "missing_required_parameter", "Missing"),
        (part([{"type": "text", "text": 5}]), "messages[0].content[0].text", "invalid_type", "a string"),
        (part([{"type": "file", "file": 5}]), "messages[0].content[0].file", "invalid_type", "an object"),
        ({"messages": [CALLED]}, "messages[0].role", None, "did not have response messages: c1"),
        ({"messages": [CALLED, USER]}, "messages[1].role", None, "did not have response messages: c1"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages[0].tool_call_id",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {"messages": [{"role": "tool", "content": "x", "tool_call_id": "c9"}]},
            "messages[0].role",
            None,
            "must be a response to a preceding message",
        ),
        ({"messages": [{**CALLED, "tool_calls": [5]}]}, "messages[0].tool_calls[0]", "invalid_type", "an object"),
        ({"messages": [{**CALLED, "tool_calls": []}]}, "messages[0].content", "invalid_type", "got null"),
        ({"messages": [{**USER, "tool_calls": []}]}, "messages[0].tool_calls", "empty_array", "empty"),
        (
            {"messages": [{**CALLED, "tool_calls": [{}]}]},
            "messages[0].tool_calls[0].id",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {"messages": [{**CALLED, "tool_calls": [{**CALL, "type": "x"}]}]},
            "messages[0].tool_calls[0].type",
            None,
            "'x'",
        ),
        (
            {"messages": [{**CALLED, "tool_calls": [{**CALL, "function": {}}]}]},
            "messages[0].tool_calls[0].function.name",
            "missing_required_parameter",
            "Missing required parameter",
        ),
        (
            {"messages": [{**CALLED, "tool_calls": [{**CALL, "function": {"name": "a", "arguments": {}}}]}]},
            "messages[0].tool_calls[0].function.arguments",
            "invalid_type",
            "expected a string, but got an object",
        ),
        ({"temperature": 2.5}, "temperature", "decimal_above_max_value", "<= 2, but got 2.5"),
        ({"temperature": "hot"}, "temperature", "invalid_type", "a decimal"),
        ({"temperature": True}, "temperature", "invalid_type", "got a boolean"),
        ({"n": 0}, "n", "integer_below_min_value", ">= 1, but got 0"),
        ({"n": 1.5}, "n", "invalid_type", "an integer, but got a decimal"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value", ">= 1"),
        ({"logprobs": 1}, "logprobs", "invalid_type", "a boolean"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length", "maximum length 4"),
        ({"stop": [1]}, "stop", "invalid_type", "a string or an array of strings"),
        ({"stream": 1}, "stream", "invalid_type", "a boolean"),
        ({"stream": {}}, "stream", "invalid_type", "a boolean"),
        ({"stream_options": {}}, "stream_options", None, "only allowed when 'stream' is enabled"),
        ({"stream": True, "stream_options": 5}, "stream_options", "invalid_type", "an object"),
        ({"tools": []}, "tools", "empty_array", "empty"),
        ({"tools": {}}, "tools", "invalid_type", "got an object"),
        ({"tools": [5]}, "tools[0]", "invalid_type", "an object"),
        ({"tools": [{}]}, "tools[0].type", "missing_required_parameter", "Missing"),
        ({"tools": [{"type": "x"}]}, "tools[0].type", "invalid_value", "'custom'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter", "Missing"),
        (
            {"tools": [{"type": "function", "function": {}}]},
            "tools[0].function.name",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "invalid_value",
            "pattern",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "string"}}}]},
            "tools[0].function.parameters",
            "invalid_function_parameters",
            "Invalid schema for function 'a'",
        ),
        ({"tool_choice": "auto"}, "tool_choice", None, "only allowed when 'tools'"),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice", "invalid_value", "'required'"),
        ({"tools": [TOOL], "tool_choice": 5}, "tool_choice", None, "other forms"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice", None, "other forms"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "sub"}}},
            "tool_choice",
            None,
            "no function named 'sub'",
        ),
        ({"response_format": "json"}, "response_format", "invalid_type", "an object"),
        ({"response_format": {"type": []}}, "response_format.type", "invalid_value", "'json_schema'"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "Missing required parameter",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema.name",
            "missing_required_parameter",
            "Missing required parameter",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": 5}}},
            "response_format.json_schema.schema",
            "invalid_type",
            "an object, but got an integer",
        ),
    ],
    ids=str,
)
def test_what_openai_refuses_is_refused(more: dict[str, Any], param: str, code: str | None, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as refused:
        judged({"model": "m", "messages": [USER], **more})
    problem = refused.value.problem
    assert (problem.status, problem.param, problem.code) == (400, param, code)


def test_models_that_do_not_exist() -> None:
    with pytest.raises(RefusedError, match="`m` does not exist") as refused:
        judged({"model": "m", "messages": [USER]}, models=("other",))
    assert (refused.value.problem.status, refused.value.problem.code) == (404, "model_not_found")


def test_stream_options_may_be_unheard_of() -> None:
    body = {"model": "m", "messages": [USER], "stream": True, "stream_options": {"include_usage": True}}
    with pytest.raises(RefusedError, match=r"^Unrecognized request argument supplied: stream_options$"):
        judged(body, refuse_stream_options=True)


NAMES = st.sampled_from(
    [
        "role",
        "content",
        "tool_calls",
        "tool_call_id",
        "type",
        "text",
        "function",
        "name",
        "arguments",
        "id",
        "parameters",
        "json_schema",
        "schema",
        "include_usage",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from(["", "user", "tool", "function", "text", "auto", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
BODIES = st.fixed_dictionaries(
    {"model": st.just("m") | JSON, "messages": st.just([USER]) | st.lists(JSON, max_size=3)},
    optional={
        name: JSON | st.just(usual)
        for name, usual in {
            "tools": [TOOL],
            "tool_choice": "required",
            "response_format": FORMAT,
            "stop": ["x"],
            "n": 2,
            "stream": True,
            "stream_options": {},
            "max_tokens": 3,
            "logprobs": True,
        }.items()
    },
)


@given(BODIES)
def test_whatever_is_sent_is_refused_or_answered(body: dict[str, Any]) -> None:
    with suppress(RefusedError, UnknownShapeError):
        answer_for(judged(body), bytes(16), 1, None, None)
