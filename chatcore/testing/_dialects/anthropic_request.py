"""What a Messages request must look like, judged as Anthropic judges it, and what it asks for.

What its messages may hold is in anthropic_content.py, with the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects.anthropic_content import (
    blocks_of,
    check_block,
    check_messages,
    content_of,
    neutral,
    refusal,
)
from chatcore.testing._text import is_array, is_object

__all__ = ["read"]

_PARAMETERS = frozenset({
    "model", "messages", "max_tokens", "system", "stream", "stop_sequences", "temperature", "top_k", "top_p", "tools",
    "tool_choice", "thinking", "metadata", "service_tier", "container", "mcp_servers", "context_management",
    "output_config", "output_format", "cache_control", "inference_geo", "speed", "diagnostics", "prefill",
    "user_profile_id", "workspace_id", "betas", "fallbacks",
})  # fmt: skip
_TO_COUNT = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers", "context_management",
    "output_config", "output_format", "cache_control", "speed", "betas",
})  # fmt: skip
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_MARKS = 4


def read(body: dict[str, Any], *, models: Sequence[str] | None, counting: bool = False) -> Asked:
    """What a request asks for. Raises RefusedError if it is not valid.

    models: those that exist; None: any. counting: it asks only for how many tokens it has.
    """
    model: object = body.get("model")
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in body:
            raise refusal(f"{name}: Field required")
    for name in body:
        if name not in (_TO_COUNT if counting else _PARAMETERS):
            raise refusal(f"{name}: Extra inputs are not permitted")
    if not isinstance(model, str):
        raise refusal("model: Input should be a valid string")
    if not model:
        raise refusal("model: String should have at least 1 character")
    if models is not None and model not in models:
        raise refusal(f"model: {model}", 404)
    _check_settings(body, counting=counting)
    system = _system(body.get("system"))
    tools = _tools(body)
    demanded = _demanded(body, tools)
    thinking = _thinking(body, forced=bool(demanded))
    check_messages(body["messages"], thinking=thinking)
    _check_marks(body)
    form = _form(body)
    return Asked(
        model=model,
        messages=[*system, *neutral(body["messages"])],
        stream=body.get("stream") is True,
        tools=tools,
        demanded=demanded,
        schema=form,
        schema_name="output_config.format",
        stop=body.get("stop_sequences") or (),
        max_tokens=body.get("max_tokens"),
        reasoning=thinking,
    )


# ------------------------------------------------------------------------------------------------------------- settings


def _check_settings(body: dict[str, Any], *, counting: bool) -> None:
    if not counting:
        _check_integer("max_tokens", body["max_tokens"], 1)
    if body.get("top_k") is not None:
        _check_integer("top_k", body["top_k"], 0)
    for name in ("temperature", "top_p"):
        value: object = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(f"{name}: Input should be a valid number")
        if not 0 <= value <= 1:
            raise refusal(f"{name}: range: 0..1")
    if not isinstance(body.get("stream"), bool | None):
        raise refusal("stream: Input should be a valid boolean")
    _check_stops(body.get("stop_sequences"))
    _check_metadata(body.get("metadata"))


def _check_metadata(metadata: object) -> None:
    if metadata is not None and not is_object(metadata):
        raise refusal("metadata: Input should be an object")
    for name in metadata or {}:
        if name != "user_id":
            raise refusal(f"metadata.{name}: Extra inputs are not permitted")


def _check_integer(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(f"{name}: Input should be a valid integer")
    if value < least:
        raise refusal(f"{name}: Input should be greater than or equal to {least}")


def _check_stops(stops: object) -> None:
    if stops is not None and not is_array(stops):
        raise refusal("stop_sequences: Input should be a valid array")
    for number, stop in enumerate(stops or ()):
        if not isinstance(stop, str):
            raise refusal(f"stop_sequences.{number}: Input should be a valid string")
        if not stop.strip():
            raise refusal("stop_sequences: each stop sequence must contain non-whitespace")


def _system(system: object) -> list[dict[str, Any]]:
    if system is None:
        return []
    if isinstance(system, str):
        return [{"role": "system", "content": system}] if system else []
    if not is_array(system):
        raise refusal("system: Input should be a valid array")
    for number, block in enumerate(system):
        check_block(block, ("text",), f"system.{number}")
    return [{"role": "system", "content": content_of(system)}] if system else []


def _tools(body: dict[str, Any]) -> list[Tool]:
    given: object = body.get("tools")
    if given is None:
        return []
    if not is_array(given):
        raise refusal("tools: Input should be a valid array")
    tools: list[Tool] = []
    names: set[str] = set()
    for number, tool in enumerate(given):
        if not is_object(tool):
            raise refusal(f"tools.{number}: Input should be an object")
        # Types with a date are the service's own tools, with schemas of its own.
        own = tool.get("type") not in (None, "custom")
        path = f"tools.{number}" if own else f"tools.{number}.custom"
        name: object = tool.get("name")
        if own and name is None:
            continue
        if not isinstance(name, str):
            raise refusal(f"{path}.name: Field required")
        if not _NAME.fullmatch(name):
            raise refusal(f"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if name in names:
            raise refusal("tools: Tool names must be unique.")
        names.add(name)
        if not own:
            tools.append(Tool(name, _input_schema(tool, path)))
    return tools


def _input_schema(tool: Mapping[str, Any], path: str) -> dict[str, Any]:
    for name in tool:
        if name not in {
            "type", "name", "description", "input_schema", "cache_control", "strict", "defer_loading", "input_examples",
            "allowed_callers", "eager_input_streaming",
        }:  # fmt: skip
            raise refusal(f"{path}.{name}: Extra inputs are not permitted")
    schema: object = tool.get("input_schema")
    if schema is None:
        raise refusal(f"{path}.input_schema: Field required")
    if not is_object(schema):
        raise refusal(f"{path}.input_schema: Input should be an object")
    if "type" not in schema:
        raise refusal(f"{path}.input_schema.type: Field required")
    if schema["type"] != "object":
        raise refusal(f"{path}.input_schema.type: Input should be 'object'")
    return schema


def _demanded(body: dict[str, Any], tools: Sequence[Tool]) -> bool | str:
    choice: object = body.get("tool_choice")
    if choice is None:
        return False
    if not is_object(choice):
        raise refusal("tool_choice: Input should be an object")
    kind: object = choice.get("type")
    if kind not in ("auto", "any", "tool", "none"):
        raise refusal(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'auto', "
            "'any', 'tool', 'none'"
        )
    if not body.get("tools"):
        raise refusal("tool_choice: tool_choice may only be specified while providing tools.")
    if kind != "tool":
        return kind == "any"
    name: object = choice.get("name")
    if not isinstance(name, str):
        raise refusal("tool_choice.tool.name: Field required")
    if name not in {tool.get("name") for tool in body["tools"]}:
        raise refusal(f"tool_choice.tool.name: Tool '{name}' not found in provided tools")
    return name if name in {tool.name for tool in tools} else False


def _thinking(body: dict[str, Any], *, forced: bool) -> bool:
    """Whether the model thinks. forced: whether a tool must be called."""
    thinking: object = body.get("thinking")
    if thinking is None:
        return False
    if not is_object(thinking):
        raise refusal("thinking: Input should be an object")
    kind: object = thinking.get("type")
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        raise refusal(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'adaptive', "
            "'between_tools', 'disabled', 'enabled'"
        )
    if kind == "enabled":
        _check_budget(body, thinking.get("budget_tokens"), forced=forced)
    return kind in ("enabled", "adaptive")


def _check_budget(body: dict[str, Any], budget: object, *, forced: bool) -> None:
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise refusal("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        raise refusal("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if "max_tokens" in body and body["max_tokens"] <= budget:
        raise refusal(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
        )
    if body.get("temperature") not in (None, 1):
        raise refusal("`temperature` may only be set to 1 when thinking is enabled.")
    if forced:
        raise refusal("Thinking may not be enabled when tool_choice forces tool use.")


def _form(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema that is asked for: in `output_config.format`, or where the beta had it."""
    config: object = body.get("output_config")
    if config is not None and not is_object(config):
        raise refusal("output_config: Input should be an object")
    form: object = (config or {}).get("format") or body.get("output_format")
    if form is None:
        return None
    where = "output_config.format" if config else "output_format"
    if not is_object(form):
        raise refusal(f"{where}: Input should be an object")
    if form.get("type") != "json_schema":
        raise refusal(f"{where}.type: Input should be 'json_schema'")
    schema: object = form.get("schema")
    if not is_object(schema):
        raise refusal(f"{where}.schema: Field required")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise refusal(f"{where}.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
    return schema


def _check_marks(body: dict[str, Any]) -> None:
    """How many prefixes are marked to be kept in the cache."""
    blocks: list[object] = [*blocks_of(body.get("tools")), *blocks_of(body.get("system"))]
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            blocks += [block, *blocks_of(block.get("content"))]
    marks = sum(is_object(block) and block.get("cache_control") is not None for block in blocks)
    if marks > _MARKS:
        raise refusal(f"A maximum of {_MARKS} blocks with cache_control may be provided. Found {marks}.")
