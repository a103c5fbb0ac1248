"""What every codec's writing of a request has in common: JSON, blocks and where their data is, tools. No I/O."""

from __future__ import annotations

import base64
from inspect import isroutine
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

import pydantic_core
from pydantic import BaseModel

from chatcore.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TOOL_EXTRAS",
    "TOOL_FORM",
    "Source",
    "Where",
    "extras_of",
    "is_block",
    "openai_tool",
    "schema_of",
    "stop_words",
    "to_json",
    "tool_name",
]


def to_json(body: Mapping[str, Any]) -> bytes:
    """`body` as compact JSON.

    Raises `InvalidInputError` naming the first parameter that JSON cannot hold.
    """
    try:
        return pydantic_core.to_json(body, inf_nan_mode="constants")
    except ValueError:
        for name, value in body.items():
            try:
                pydantic_core.to_json(value)
            except ValueError as error:
                msg = (
                    f"The parameter {name!r} cannot be written as JSON: {error}. Give plain dicts, lists, str, numbers."
                )
                raise InvalidInputError(msg) from error
        raise


def is_block(block: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a content block: a dict that says its type."""
    return isinstance(block, dict) and isinstance(cast("dict[str, Any]", block).get("type"), str)


class Where:
    """Which block of which message is being encoded, for errors."""

    __slots__ = ("block", "position", "role")

    def __init__(self, position: int, role: str, block: Any) -> None:
        self.position = position
        self.role = role
        self.block = block

    def error(self, why: str) -> InvalidInputError:
        """The error that says which block it is, and why it cannot be sent."""
        kind = repr(self.block["type"]) if is_block(self.block) else f"of type {type(self.block).__name__}"
        return InvalidInputError(
            f"Message {self.position} ({self.role}) has a block {kind} that cannot be sent: {why}."
        )


class Source:
    """Where a block's data is: standard blocks (v1), the older `source_type` form, and Anthropic's `source`."""

    __slots__ = ("data", "file_id", "mime_type", "url")

    def __init__(self, block: dict[str, Any]) -> None:
        given: Any = block.get("source")
        source = cast("dict[str, Any]", given) if isinstance(given, dict) else block
        kind = block.get("source_type") or (source.get("type") if source is not block else None)
        self.url = _said(source.get("url"))
        self.data = _said(source.get("base64") or (source.get("data") if kind != "text" else None))
        self.file_id = _said(source.get("file_id") or (source.get("id") if kind == "id" else None))
        self.mime_type = _said(source.get("mime_type") or source.get("media_type"))


def _said(value: Any) -> str | None:
    """A text; bytes as base64; None for anything else, which no wire has in that place."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value if isinstance(value, str) else None


def extras_of(block: dict[str, Any]) -> dict[str, Any]:
    """What a standard block keeps beside its own keys."""
    extras: Any = block.get("extras")
    return cast("dict[str, Any]", extras) if isinstance(extras, dict) else {}


def stop_words(given: Any) -> list[Any]:
    """The texts at which an answer ends, as a list.

    Raises `InvalidInputError` for what is neither a text nor several.
    """
    if isinstance(given, str):
        return [given]
    if isinstance(given, list | tuple | set | frozenset):
        return list(cast("list[Any]", given))
    msg = f"stop is of type {type(given).__name__}: give a str, or a list of them."
    raise InvalidInputError(msg)


TOOL_EXTRAS: Final = ("allowed_callers", "cache_control", "defer_loading", "eager_input_streaming", "input_examples")
"""What Anthropic's API knows of a tool, and hardly another; in a tool's dict beside "function", or among its extras."""

TOOL_FORM: Final = "{'name': ..., 'description': ..., 'parameters': a JSON schema}"


def _what_to_give(tool: Any) -> str:
    """What something is that is no tool yet, and how to write it as one."""
    if isinstance(tool, type):
        return f"the class {tool.__name__}: give its JSON schema, {schema_of(tool)}"
    if isroutine(tool):
        name = tool.__name__
        parameters = f"'parameters': {schema_of(tool)}"
        return f"the function {name}: give {{'name': {name!r}, 'description': what it does, {parameters}}}"
    return f"of type {type(tool).__name__}: give {TOOL_FORM}"


def schema_of(given: Any) -> str:
    """The expression for the JSON schema of a class, or of a function's arguments."""
    name = given.__name__
    is_model = isinstance(given, type) and issubclass(given, BaseModel)
    return f"{name}.model_json_schema()" if is_model else f"pydantic.TypeAdapter({name}).json_schema()"


def openai_tool(tool: Any, position: int) -> dict[str, Any]:
    """One entry of `tools`: OpenAI's form as it is, a bare function wrapped, a JSON schema with a title read as one."""
    if not isinstance(tool, dict):
        raise InvalidInputError(f"tools[{position}] is {_what_to_give(tool)}.")
    spec = cast("dict[str, Any]", tool)
    if "function" in spec or ("type" in spec and spec["type"] not in ("object", "function")):
        return spec  # OpenAI's form, or a tool that the host itself has
    if "name" in spec:
        function: dict[str, Any] = {key: value for key, value in spec.items() if key not in ("type", "input_schema")}
        if "input_schema" in spec:
            function["parameters"] = spec["input_schema"]
        return {"type": "function", "function": function}
    if "title" in spec:
        parameters = {key: value for key, value in spec.items() if key not in ("title", "description")}
        function = {"name": spec["title"], "parameters": parameters}
        if "description" in spec:
            function["description"] = spec["description"]
        return {"type": "function", "function": function}
    msg = f"tools[{position}] has no name: give {TOOL_FORM}. It has {sorted(spec)}."
    raise InvalidInputError(msg)


def tool_name(tool: Mapping[str, Any]) -> str:
    function: dict[str, Any] = tool.get("function") or {}
    name: str = function.get("name") or tool.get("type") or ""
    return name
