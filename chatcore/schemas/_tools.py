"""One tool specification, in OpenAI's format, from whatever describes a tool."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict, cast

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from typing_extensions import is_typeddict

from chatcore.errors import ConfigurationError
from chatcore.messages._shapes import is_dict
from chatcore.schemas._functions import create_schema_from_function, function_name
from chatcore.schemas._injected import injected_fields
from chatcore.schemas._references import SchemaTooLargeError, copy_schema, dereference_refs, remove_titles
from chatcore.schemas._strict import close
from chatcore.schemas._typed_dicts import typed_dict_schema

__all__ = [
    "FunctionDescription",
    "ToolDescription",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "model_schema",
]

_FUNCTION_KEYS = ("name", "description", "parameters", "strict")
# What makes a dict with a `type` of its own a function all the same.
_SCHEMA_KEYS = frozenset({"input_schema", "inputSchema", "toolSpec", "parameters", "properties", "title"})
_JSON_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
# Providers' own tools that the reference lets through whatever else is in them.
_BUILT_IN = frozenset({
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "mcp",
    "namespace",
    "tool_search",
    "web_search",
})  # fmt: skip
# What a tool is sent that takes one text and has no schema.
_ONE_TEXT: dict[str, Any] = {
    "properties": {"__arg1": {"title": "__arg1", "type": "string"}},
    "required": ["__arg1"],
    "type": "object",
}


class FunctionDescription(TypedDict):
    """A function as a chat model is told of it."""

    name: str
    """What the model calls it."""

    description: str
    """What it is for."""

    parameters: dict[str, Any]
    """The JSON Schema of its arguments."""


class ToolDescription(TypedDict):
    """A tool as OpenAI's API takes it."""

    type: Literal["function"]
    """The kind of tool."""

    function: FunctionDescription
    """The function that it is."""


def convert_to_openai_function(function: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a function in OpenAI's format.

    Args:
        function: a function, method, partial or object with `__call__`; a pydantic model, TypedDict or dataclass; a
            tool; a runnable whose input is a dict or a text; an MCP tool; or a dict: a JSON Schema with a title, or a
            tool in the format of OpenAI, Anthropic, Amazon Bedrock or MCP.
        strict: True: the model is held to the schema, which says so and is made to allow it; None: as the dict says.

    Returns:
        `name`, and `description`, `parameters` and `strict` where there are any. Injected arguments are not in it.

    Raises:
        ConfigurationError: there is no way to read it, or none to be strict about it.
    """
    described = _from_dict(cast("Any", function)) if isinstance(function, Mapping) else _from_object(function)
    if strict is None:
        return described
    if described.get("strict", strict) != strict:
        msg = (
            f"Tool/function already has a 'strict' key with value {described['strict']} which is different from the "
            f"explicit `strict` arg received strict={strict!r}. Give one of them."
        )
        raise ConfigurationError(msg)
    described["strict"] = strict
    if strict:
        parameters: dict[str, Any] = described.get("parameters") or {"type": "object", "properties": {}}
        described["parameters"] = close(copy_schema(parameters), name=described["name"])
    return described


def convert_to_openai_tool(tool: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a tool in OpenAI's format.

    Args:
        tool: as `convert_to_openai_function` takes it; or a dict for a tool that the provider runs, with a `type` that
            is no JSON Schema's (`{"type": "web_search"}`) or with one key alone (`{"google_search": {}}`), which stays
            as it is. So does `{"type": "function", "function": ...}`, unless strictness is asked of it.
        strict: as there; a dict that says `strict` itself keeps it.

    Returns:
        `{"type": "function", "function": ...}`, a custom tool, or the provider's own tool.

    Raises:
        ConfigurationError: as there.
    """
    if is_dict(tool):
        if _is_provider_tool(tool):
            return tool
        if tool.get("type") == "function" and is_dict(inner := tool.get("function")):
            if strict is None or "strict" in inner:
                return tool
            return {**tool, "function": {**inner, **convert_to_openai_function(inner, strict=strict)}}
    elif _is_tool(tool) and _metadata(tool).get("type") == "custom_tool":
        custom = {"type": "custom", "name": tool.name, "description": tool.description}
        return {**custom, "format": _metadata(tool)["format"]} if "format" in _metadata(tool) else custom
    return {"type": "function", "function": convert_to_openai_function(tool, strict=strict)}


def convert_to_json_schema(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a schema as a JSON Schema with a title.

    Args:
        schema: whatever `convert_to_openai_tool` takes.
        strict: as there.

    Returns:
        A JSON Schema whose title is the name.

    Raises:
        ConfigurationError: as there; or the tool is a provider's own and has no schema.
    """
    function = convert_to_openai_tool(schema, strict=strict).get("function")
    if not is_dict(function) or "name" not in function:
        msg = f"Input must be a valid OpenAI-format tool. This one has no schema of its own: {schema!r}"
        raise ConfigurationError(msg)
    made = {"title": function["name"]}
    if "description" in function:
        made["description"] = function["description"]
    return {**made, **(function.get("parameters") or {})}


def model_schema(model: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a pydantic model of either version, with `$defs`; injected fields are left out.

    Raises:
        PydanticInvalidForJsonSchema: a field's type has no JSON Schema.
    """
    if not issubclass(model, BaseModel):
        old: dict[str, Any] = model.schema()
        return old
    try:
        schema: dict[str, Any] = model.model_json_schema()
    except PydanticInvalidForJsonSchema as error:
        msg = (
            f"There is no JSON Schema for {model.__name__!r}: {error.message}. What a model is to fill in must be "
            "JSON-serializable: make its custom classes Pydantic models, or use str, int, float, bool, list and dict; "
            "or keep an argument from the model with Annotated[..., InjectedToolArg]."
        )
        raise PydanticInvalidForJsonSchema(msg) from error
    hidden = injected_fields(model)
    if hidden and "properties" in schema:
        schema["properties"] = {name: part for name, part in schema["properties"].items() if name not in hidden}
        schema["required"] = [name for name in schema.get("required", ()) if name not in hidden]
    return schema


def _from_dict(given: Mapping[str, Any]) -> dict[str, Any]:
    function = given.get("function")
    if given.get("type") == "function" and isinstance(function, Mapping):
        return _from_dict(cast("Mapping[str, Any]", function))
    if "toolSpec" in given:
        spec = given["toolSpec"]
        return _named(spec, spec["inputSchema"]["json"])
    for key in ("input_schema", "inputSchema"):
        if "name" in given and key in given:
            return _named(given, given[key])
    if "name" in given:
        return {key: given[key] for key in given if key in _FUNCTION_KEYS}
    if "title" in given:
        rest = {key: value for key, value in given.items() if key not in {"title", "description"}}
        described = {"name": given["title"]}
        if "description" in given:
            described["description"] = given["description"]
        return {**described, "parameters": rest} if "properties" in rest else described
    if "type" in given or "properties" in given:
        msg = (
            f"Unsupported function\n\n{given}\n\nTo use a JSON schema as a function, it must have a top-level 'title' "
            "key to be used as the function name."
        )
        raise ConfigurationError(msg)
    raise _unsupported(given)


def _from_object(given: Any) -> dict[str, Any]:
    reader = next((reader for recognises, reader in _READERS if recognises(given)), None)
    if reader is None:
        raise _unsupported(given)
    return reader(given)


def _from_callable(given: Callable[..., Any]) -> dict[str, Any]:
    name = function_name(given)
    model = create_schema_from_function(name, given, parse_docstring=True, include_injected=False)
    return _from_schema(model_schema(model), name=name, description=model.__doc__)


def _from_tool(tool: Any) -> dict[str, Any]:
    schema = tool.tool_call_schema
    if not schema or _takes_one_text(tool):
        return {"name": tool.name, "description": tool.description, "parameters": copy.deepcopy(_ONE_TEXT)}
    if _is_model(schema):
        schema = model_schema(schema)
    elif not is_dict(schema):
        msg = (
            f"Unsupported tool call schema: {schema!r}. Tool call schema must be a JSON schema dict or a Pydantic "
            "model."
        )
        raise ConfigurationError(msg)
    return _from_schema(schema, name=tool.name, description=tool.description)


def _from_runnable(runnable: Any) -> dict[str, Any]:
    name, schema = runnable.get_name(), runnable.get_input_jsonschema()
    description = f"Takes {schema}."
    if schema.get("type") == "string":
        return {"name": name, "description": description, "parameters": copy.deepcopy(_ONE_TEXT)}
    if "$ref" in schema:
        # Of a TypedDict there is a definition.
        schema = dereference_refs(schema)
    if schema.get("type") != "object" or not schema.get("properties"):
        msg = (
            f"{name} does not say what keys its input has, and so cannot be a tool: it takes {schema}. Annotate its "
            "input with a TypedDict, or make a tool of it: runnable.as_tool(arg_types={...})."
        )
        raise ConfigurationError(msg)
    return _from_schema(schema, name=name, description=description)


def _from_schema(schema: dict[str, Any], *, name: str | None = None, description: str | None = None) -> dict[str, Any]:
    try:
        schema = dereference_refs(schema)
    except SchemaTooLargeError:
        # Definitions that refer to each other again and again: providers read $defs, too.
        schema = dict(schema)
    else:
        schema.pop("$defs", None)
        schema.pop("definitions", None)
    title, text = schema.pop("title", ""), schema.pop("description", "")
    return {"name": name or title, "description": description or text, "parameters": remove_titles(schema)}


def _named(spec: Mapping[str, Any], parameters: Any) -> dict[str, Any]:
    described = {"name": spec["name"], "parameters": parameters}
    return {**described, "description": spec["description"]} if spec.get("description") is not None else described


def _is_provider_tool(tool: dict[str, Any]) -> bool:
    kind = tool.get("type")
    if isinstance(kind, str):
        if kind in _BUILT_IN or kind.startswith("web_search_preview"):
            return True
        return kind != "function" and kind not in _JSON_TYPES and not _SCHEMA_KEYS & tool.keys()
    return len(tool) == 1 and all(is_dict(value) for value in tool.values()) and not _SCHEMA_KEYS & tool.keys()


# A tool is recognised by what it has: its classes live floors above, and the reference's are as welcome.


def _is_tool(given: Any) -> bool:
    return not isinstance(given, type) and hasattr(given, "tool_call_schema") and hasattr(given, "description")


def _metadata(tool: Any) -> dict[str, Any]:
    return getattr(tool, "metadata", None) or {}


def _takes_one_text(tool: Any) -> bool:
    return getattr(tool, "args_schema", None) is None and tool.args == {"tool_input": {"type": "string"}}


def _is_runnable(given: Any) -> bool:
    return not isinstance(given, type) and hasattr(given, "get_input_jsonschema") and hasattr(given, "get_name")


def _is_model(given: Any) -> bool:
    """Whether it is a pydantic model. Those of pydantic's first version are known by name: importing it is slow."""
    if not isinstance(given, type) or isinstance(given, types.GenericAlias):
        return False
    bases = cast("type[Any]", given).__mro__
    return BaseModel in bases or any(
        base.__module__ == "pydantic.v1.main" and base.__name__ == "BaseModel" for base in bases
    )


def _is_mcp_tool(given: Any) -> bool:
    return isinstance(getattr(given, "name", None), str) and isinstance(getattr(given, "inputSchema", None), Mapping)


def _from_mcp_tool(tool: Any) -> dict[str, Any]:
    return _named({"name": tool.name, "description": getattr(tool, "description", None)}, tool.inputSchema)


_READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], dict[str, Any]]], ...] = (
    (_is_model, lambda given: _from_schema(model_schema(given))),
    (is_typeddict, lambda given: _from_schema(typed_dict_schema(given))),
    (_is_tool, _from_tool),
    (_is_runnable, _from_runnable),
    (_is_mcp_tool, _from_mcp_tool),
    (callable, _from_callable),
)


def _unsupported(given: Any) -> ConfigurationError:
    return ConfigurationError(
        f"Unsupported function\n\n{given!r}\n\nFunctions must be passed in as Dict, pydantic.BaseModel, or Callable. "
        "If they're a dict they must either be in OpenAI function format or valid JSON schema with top-level 'title' "
        "key. Tools in the formats of Anthropic, Amazon Bedrock and MCP are read, too."
    )
