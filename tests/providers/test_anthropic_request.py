"""Writing requests of the Messages API: settings, tools, and the beta features that they need."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from chatcore.errors import InvalidInputError
from chatcore.messages import HumanMessage, SystemMessage
from chatcore.providers._anthropic_request import betas_for, encode_request

ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"properties": {}}}}


def body(**settings: Any) -> dict[str, Any]:
    return encode_request([HumanMessage("Hi")], settings)


def test_a_whole_request() -> None:
    messages = [SystemMessage("Be brief."), HumanMessage("Hi")]
    settings = {"model": "claude-x", "max_tokens": 9, "temperature": None, "top_k": 5, "stop": "END", "betas": ["b"]}
    extra = {"top_k": 6, "own": True}
    assert encode_request(messages, settings, stream=True, extra_body=extra) == {
        "model": "claude-x",
        "max_tokens": 9,
        "system": "Be brief.",
        "top_k": 6,
        "stop_sequences": ["END"],
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "own": True,
    }


def test_parameters_by_other_names() -> None:
    assert body(max_completion_tokens=5)["max_tokens"] == 5
    assert body(stop=["a", "b"])["stop_sequences"] == ["a", "b"]
    assert "stop_sequences" not in body(stop=[])
    assert body(user="u", metadata={"a": 1})["metadata"] == {"a": 1, "user_id": "u"}
    assert body(metadata={"user_id": "u"})["metadata"] == {"user_id": "u"}
    assert body(reasoning_effort="low")["output_config"] == {"effort": "low"}
    assert body(effort="high", reasoning_effort="low", output_config={"effort": "max", "task_budget": {}})[
        "output_config"
    ] == {"effort": "high", "task_budget": {}}


def test_parameters_that_go_as_they_are() -> None:
    given = {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}],
        "container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]},
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "service_tier": "auto",
        "inference_geo": "us",
        "cache_control": {"type": "ephemeral"},
        "speed": "fast",
    }
    made = body(**given)
    assert {name: made[name] for name in given} == given


# -------------------------------------------------------------------------------------------------------------- schemas


def test_a_schema_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert body(response_format=form, effort="low")["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
                "required": ["a"],
                "additionalProperties": False,
            },
        },
    }


def test_a_schema_in_the_apis_own_form_goes_as_it_is() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    assert body(response_format=form)["output_config"] == {"format": form}
    assert "output_config" not in body(response_format={"type": "text"})


class Answer(BaseModel):
    a: int


@pytest.mark.parametrize("form", [{"type": "json_object"}, "json", {"type": "json_schema"}, Answer])
def test_formats_that_it_has_not(form: Any) -> None:
    with pytest.raises(InvalidInputError, match="response_format"):
        body(response_format=form)


# ---------------------------------------------------------------------------------------------------------------- tools


def test_tools_of_every_form() -> None:
    own = {"name": "sub", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}, "type": "custom"}
    server = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    bare = {"name": "mul", "parameters": {"type": "object", "properties": {"a": {}}}}
    titled = {"title": "div", "description": "Divides.", "type": "object", "properties": {}}
    assert body(tools=[ADD, own, server, bare, titled])["tools"] == [
        {"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}},
        own,
        server,
        {"name": "mul", "input_schema": {"type": "object", "properties": {"a": {}}}},
        {"name": "div", "description": "Divides.", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert "tools" not in body(tools=[])


def test_what_only_this_api_knows_of_a_tool() -> None:
    mark = {"type": "ephemeral"}
    tool = {**ADD, "extras": {"defer_loading": True, "of_another": 1}, "cache_control": mark, "input_examples": [{}]}
    assert body(tools=[tool])["tools"] == [
        {
            "name": "add",
            "description": "Adds.",
            "input_schema": {"type": "object", "properties": {}},
            "defer_loading": True,
            "cache_control": mark,
            "input_examples": [{}],
        }
    ]


def test_a_strict_tool_has_a_schema_that_can_be_held() -> None:
    function = {"name": "add", "parameters": {"properties": {"a": {"type": "integer", "maximum": 3}}}, "strict": True}
    (tool,) = body(tools=[{"type": "function", "function": function}])["tools"]
    assert tool["strict"] is True
    assert tool["input_schema"]["additionalProperties"] is False
    assert tool["input_schema"]["properties"] == {"a": {"type": "integer", "description": "{maximum: 3}"}}


@pytest.mark.parametrize("tools", [ADD, "add", [1], [{"x": 1}], [Answer]])
def test_what_is_no_list_of_tools(tools: Any) -> None:
    with pytest.raises(InvalidInputError, match="tools"):
        body(tools=tools)


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("any", {"type": "any"}),
        ("required", {"type": "any"}),
        (True, {"type": "any"}),
        (False, None),
        (None, None),
        ("add", {"type": "tool", "name": "add"}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "tool", "name": "add"}),
        ({"type": "tool", "name": "add"}, {"type": "tool", "name": "add"}),
    ],
)
def test_tool_choices(choice: Any, made: Any) -> None:
    assert body(tools=[ADD], tool_choice=choice).get("tool_choice") == made


def test_a_choice_of_no_tool_of_the_call() -> None:
    with pytest.raises(InvalidInputError, match=r"tool_choice='sub' names no tool of this call; there are \['add'\]"):
        body(tools=[ADD], tool_choice="sub")
    with pytest.raises(InvalidInputError, match="tool_choice=3"):
        body(tools=[ADD], tool_choice=3)


def test_one_call_at_a_time() -> None:
    one = {"disable_parallel_tool_use": True}
    assert body(tools=[ADD], parallel_tool_calls=False)["tool_choice"] == {"type": "auto", **one}
    choice = {"type": "tool", "name": "add", **one}
    assert body(tools=[ADD], parallel_tool_calls=False, tool_choice="add")["tool_choice"] == choice
    assert body(tools=[ADD], parallel_tool_calls=False, tool_choice="none")["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in body(tools=[ADD], parallel_tool_calls=True)
    assert "tool_choice" not in body(parallel_tool_calls=False)


@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
def test_no_call_is_forced_on_a_model_that_thinks(kind: str) -> None:
    made = body(tools=[ADD], tool_choice="add", parallel_tool_calls=False, thinking={"type": kind})
    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    made = body(tools=[ADD], tool_choice="add", thinking={"type": "disabled"})
    assert made["tool_choice"] == {"type": "tool", "name": "add"}


# ---------------------------------------------------------------------------------------------------------------- betas


@pytest.mark.parametrize(
    ("request_body", "betas"),
    [
        ({}, []),
        ({"tools": [{"type": "memory_20250818"}, {"type": "bash_20250124"}]}, ["context-management-2025-06-27"]),
        ({"tools": [{"name": "a", "input_examples": [{}]}]}, ["advanced-tool-use-2025-11-20"]),
        ({"mcp_servers": [{}]}, ["mcp-client-2025-04-04"]),
        ({"mcp_servers": [{}], "tools": [{"type": "mcp_toolset"}]}, ["mcp-client-2025-11-20"]),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, ["compact-2026-01-12"]),
        ({"context_management": {"edits": [{"type": "clear_thinking"}]}}, ["context-management-2025-06-27"]),
        ({"output_config": {"task_budget": {"total": 1}}}, ["task-budgets-2026-03-13"]),
        ({"output_config": {"effort": "low"}, "thinking": {"display": "summarized"}}, []),
        ({"thinking": {"display": "updates"}}, ["thinking-display-updates-2026-08-18"]),
        ({"output_format": {}}, []),
        ({"output_format": {"type": "json_schema"}}, ["structured-outputs-2025-11-13"]),
        ({"user_profile_id": "u"}, ["user-profiles-2026-03-24"]),
        ({"container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]}}, ["skills-2025-10-02"]),
        ({"container": "container_1"}, []),
        ({"messages": [{"content": [{"type": "container_upload"}]}]}, ["files-api-2025-04-14"]),
        ({"messages": [{"content": [{"source": {"type": "file"}}]}, {"content": "Hi"}]}, ["files-api-2025-04-14"]),
        (
            {"messages": [{"role": "system", "content": [{"type": "tool_removal"}]}]},
            ["mid-conversation-tool-changes-2026-07-01"],
        ),
        (
            {
                "messages": [
                    {"content": [{"type": "tool_addition", "tool": {"type": "tool_definition"}}]},
                    {"content": [{"type": "tool_removal"}]},
                ]
            },
            ["inline-tools-2026-09-15"],
        ),
    ],
)
def test_beta_features_that_a_request_needs(request_body: dict[str, Any], betas: list[str]) -> None:
    assert betas_for(request_body) == betas


def test_betas_that_are_asked_for_come_first_and_once() -> None:
    given = {"mcp_servers": [{}], "tools": [{"type": "mcp_toolset"}, {"type": "memory_20250818"}]}
    asked = ["mcp-client-2026-09-15", "x", "x"]
    assert betas_for(given, asked) == ["mcp-client-2026-09-15", "x", "context-management-2025-06-27"]
