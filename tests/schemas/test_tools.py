"""What describes a tool here, and not in the reference."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.errors import PydanticInvalidForJsonSchema

from chatcore.schemas import convert_to_json_schema, convert_to_openai_function, convert_to_openai_tool

PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
DESCRIBED = {"name": "look_up", "description": "Look up.", "parameters": PARAMETERS}
MCP = {"name": "look_up", "description": "Look up.", "inputSchema": PARAMETERS}


def numpy(query: str) -> None:
    """Look up.

    Parameters
    ----------
    query : str
        What to look for.
    """


def sphinx(query: str) -> None:
    """Look up.

    :param query: What to look for.
    """


class Caller:
    """Calls."""

    def __call__(self, query: str) -> None:
        """Look up."""


@dataclass
class Bare:
    query: str


@pytest.mark.parametrize("function", [numpy, sphinx], ids=["NumPy", "Sphinx"])
def test_docstring_describes_arguments(function: Any) -> None:
    described = convert_to_openai_function(function)
    assert described["description"] == "Look up."
    assert described["parameters"]["properties"]["query"] == {"type": "string", "description": "What to look for."}


@pytest.mark.parametrize(
    "given",
    [
        MCP,
        MappingProxyType(MCP),
        SimpleNamespace(**MCP, annotations=None, outputSchema={}),
        {"type": "function", "function": DESCRIBED},
        {"type": "function", **DESCRIBED},
    ],
    ids=["MCP dict", "mapping", "MCP object", "OpenAI tool", "OpenAI's flat tool"],
)
def test_more_formats_are_read(given: Any) -> None:
    assert convert_to_openai_function(given) == DESCRIBED
    assert convert_to_openai_tool(given)["function"] == DESCRIBED
    assert convert_to_json_schema(given) == {"title": "look_up", "description": "Look up.", **PARAMETERS}


@pytest.mark.parametrize(
    ("given", "name", "description"),
    [
        (Caller(), "Caller", "Look up."),
        (functools.partial(Caller().__call__), "__call__", "Look up."),
        # A dataclass's own docstring would be its signature.
        (Bare, "Bare", ""),
    ],
    ids=["object", "partial", "dataclass"],
)
def test_more_callables_are_read(given: Any, name: str, description: str) -> None:
    assert convert_to_openai_function(given) == {"name": name, "description": description, "parameters": PARAMETERS}


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "custom", "name": "code", "description": "Any text.", "format": {"type": "text"}},
        {"google_search": {}},
        {"code_execution": {}},
        {"cachePoint": {"type": "default"}},
    ],
    ids=lambda tool: next(iter(tool.values()), "") if "type" in tool else next(iter(tool)),
)
def test_tools_that_providers_run_are_passed_through(tool: dict[str, Any]) -> None:
    assert convert_to_openai_tool(tool) is tool
    assert convert_to_openai_tool(tool, strict=True) is tool
    with pytest.raises(ValueError, match="Input must be a valid OpenAI-format tool"):
        convert_to_json_schema(tool)


def test_a_typed_anthropic_tool_is_a_function() -> None:
    tool = {"type": "custom", "name": "look_up", "description": "Look up.", "input_schema": PARAMETERS}
    assert convert_to_openai_tool(tool) == {"type": "function", "function": DESCRIBED}


@pytest.mark.parametrize("typed", [True, False], ids=["a dict of known keys", "a text"])
def test_a_runnable_is_a_tool(typed: bool) -> None:
    class Keys(BaseModel):
        query: str

    runnable = SimpleNamespace(
        get_name=lambda: "look_up",
        get_input_jsonschema=lambda: Keys.model_json_schema() if typed else {"type": "string", "title": "Input"},
    )
    described = convert_to_openai_function(runnable)
    assert described["name"] == "look_up"
    assert described["description"].startswith("Takes {")
    assert described["parameters"]["required"] == ["query" if typed else "__arg1"]


def test_a_runnable_of_anything_is_none() -> None:
    runnable = SimpleNamespace(get_name=lambda: "any", get_input_jsonschema=lambda: {"title": "any_input"})
    with pytest.raises(ValueError, match="any does not say what keys its input has"):
        convert_to_openai_function(runnable)


def test_a_tool_with_another_schema_is_refused() -> None:
    tool = SimpleNamespace(name="a", description="", tool_call_schema=int, args_schema=int)
    with pytest.raises(ValueError, match="Unsupported tool call schema"):
        convert_to_openai_function(tool)


def test_what_has_no_json_schema_is_named() -> None:
    class Handle:
        pass

    class Model(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        handle: Handle

    Model.model_rebuild(_types_namespace={"Handle": Handle})
    with pytest.raises(PydanticInvalidForJsonSchema, match=r"'Model'.*JSON-serializable"):
        convert_to_openai_function(Model)


@pytest.mark.parametrize("schema", [{"type": "object", "properties": {}}, {"properties": {}}], ids=["typed", "untyped"])
def test_a_schema_needs_a_title(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"properties(.|\n)*must have a top-level 'title' key"):
        convert_to_openai_tool(schema)


def test_strictness_is_said_once() -> None:
    with pytest.raises(ValueError, match="already has a 'strict' key"):
        convert_to_openai_function({**DESCRIBED, "strict": False}, strict=True)
