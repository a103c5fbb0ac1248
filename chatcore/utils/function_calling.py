"""`chatcore.schemas` under the reference's name: tool specifications in OpenAI's format."""

from __future__ import annotations

from chatcore.schemas._examples import tool_example_to_messages
from chatcore.schemas._tools import (
    FunctionDescription,
    ToolDescription,
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
)

__all__ = [
    "FunctionDescription",
    "ToolDescription",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "tool_example_to_messages",
]
