"""What a model is to fill in: a JSON Schema from functions, models, TypedDicts, dataclasses, tools and dicts."""

from __future__ import annotations

from chatcore.schemas._answers import AnswerSchema, SchemaMismatchError
from chatcore.schemas._examples import tool_example_to_messages
from chatcore.schemas._functions import create_schema_from_function, subset_model
from chatcore.schemas._injected import Injected, is_injected
from chatcore.schemas._references import MissingReferenceError, SchemaTooLargeError, dereference_refs, remove_titles
from chatcore.schemas._tools import (
    FunctionDescription,
    ToolDescription,
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
)

__all__ = [
    "AnswerSchema",
    "FunctionDescription",
    "Injected",
    "MissingReferenceError",
    "SchemaMismatchError",
    "SchemaTooLargeError",
    "ToolDescription",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "create_schema_from_function",
    "dereference_refs",
    "is_injected",
    "remove_titles",
    "subset_model",
    "tool_example_to_messages",
]
