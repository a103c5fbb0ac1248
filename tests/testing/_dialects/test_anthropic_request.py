from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from chatcore.testing._answers import answer_for
from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects.anthropic_request import read
from chatcore.testing._problem import RefusedError
from chatcore.testing._schema import UnknownShapeError
from tests.testing._dialects.bodies import bodies

USER = {"role": "user", "content": "Hi"}
TOOL = {"name": "add", "input_schema": {"type": "object"}}
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


def asked(*, counting: bool = False, models: tuple[str, ...] | None = None, **body: Any) -> Asked:
    whole = {"model": "m", "max_tokens": 9, "messages": [USER], **body}
    return read({name: value for name, value in whole.items() if value is not ...}, models=models, counting=counting)


def test_what_is_asked_for() -> None:
    found = asked(
        system=[{"type": "text", "text": "Be brief."}],
        stream=True,
        stop_sequences=["x"],
        tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
        tool_choice={"type": "tool", "name": "add"},
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        metadata={"user_id": "u"},
    )
    assert found == Asked(
        model="m",
        messages=[{"role": "system", "content": "Be brief."}, USER],
        stream=True,
        tools=[Tool("add", {"type": "object"})],
        demanded="add",
        schema=SCHEMA,
        schema_name="output_config.format",
        stop=["x"],
        max_tokens=9,
    )
    assert asked(tools=[TOOL], tool_choice={"type": "any"}).demanded is True
    assert asked(max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024}).reasoning
    assert asked(thinking={"type": "adaptive"}).reasoning
    assert asked(counting=True, max_tokens=...).max_tokens is None


THINK = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"model": ...}, "model: Field required"),
        ({"model": 5}, "model: Input should be a valid string"),
        ({"model": ""}, "at least 1 character"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
        ({"messages": ...}, "messages: Field required"),
        ({"max_completion_tokens": 9}, "max_completion_tokens: Extra inputs are not permitted"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"top_p": "x"}, "top_p: Input should be a valid number"),
        ({"top_k": -1}, "top_k: Input should be greater"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid array"),
        ({"stop_sequences": [1]}, "stop_sequences.0: Input should be a valid string"),
        ({"stop_sequences": [" "]}, "non-whitespace"),
        ({"metadata": {"trace": "x"}}, "metadata.trace: Extra inputs"),
        ({"metadata": 5}, "metadata: Input should be an object"),
        ({"system": 5}, "system: Input should be a valid array"),
        ({"system": [{"type": "image"}]}, "system.0: Input tag 'image'"),
        ({"tools": {}}, "tools: Input should be a valid array"),
        ({"tools": [5]}, "tools.0: Input should be an object"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "String should match pattern"),
        ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
        ({"tools": [{"name": "a"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{"name": "a", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        ({"tools": [{"name": "a", "input_schema": {"type": "string"}}]}, "Input should be 'object'"),
        ({"tools": [{**TOOL, "parameters": {}}]}, "tools.0.custom.parameters: Extra inputs"),
        ({"tool_choice": {"type": "auto"}}, "only be specified while providing tools"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Input should be an object"),
        ({"tools": [TOOL], "tool_choice": {"type": "required"}}, "Input tag 'required'"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "sub"}}, "Tool 'sub' not found"),
        ({"thinking": {"type": "enabled"}}, "budget_tokens: Field required"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "greater than or equal to 1024"),
        ({"thinking": THINK}, "`max_tokens` must be greater than `thinking.budget_tokens`"),
        ({"thinking": THINK, "max_tokens": 2000, "temperature": 0}, "may only be set to 1 when thinking"),
        (
            {"thinking": THINK, "max_tokens": 2000, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "when tool_choice forces tool use",
        ),
        ({"thinking": {"type": "on"}}, "Input tag 'on'"),
        ({"output_config": 5}, "output_config: Input should be an object"),
        ({"output_config": {"format": {"type": "json_object"}}}, "Input should be 'json_schema'"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "schema: Field required"),
        (
            {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
            "output_format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}] * 5}]},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
    ],
    ids=str,
)
def test_what_anthropic_refuses_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        asked(**more)
    assert says in str(refused.value)
    assert refused.value.problem.status == 400


def test_models_that_do_not_exist() -> None:
    with pytest.raises(RefusedError, match=r"^model: m$") as refused:
        asked(models=("other",))
    assert refused.value.problem.status == 404


@given(
    bodies(
        {"model": "m", "max_tokens": 9, "messages": [USER]},
        system="x",
        tools=[TOOL],
        tool_choice={"type": "any"},
        thinking={"type": "adaptive"},
        stop_sequences=["x"],
        output_config={"format": {"type": "json_schema", "schema": {}}},
        stream=True,
    )
)
def test_whatever_is_sent_is_refused_or_answered(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    with suppress(RefusedError, UnknownShapeError):
        answer_for(read(body, models=None), bytes(16), 1, None, None)
    assert body == before
