"""What parsers share: what they are given, and models of pydantic."""

from __future__ import annotations

import json
from typing import Any

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessageChunk, BaseMessage
from chatcore.output_parsers.format_instructions import JSON_FORMAT_INSTRUCTIONS
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, Generation

__all__ = ["format_instructions_of", "generation_of", "validated"]


def generation_of(given: object) -> Generation:
    """What a parser is given, as the generation that it parses.

    Raises:
        InvalidInputError: it is neither a message nor text.
    """
    if isinstance(given, AIMessageChunk):
        return ChatGenerationChunk(message=given)
    if isinstance(given, BaseMessage):
        return ChatGeneration(message=given)
    if isinstance(given, str):
        return Generation(text=given)
    msg = f"A parser reads a message or text, not {type(given).__name__}."
    raise InvalidInputError(msg)


def format_instructions_of(model: type[Any]) -> str:
    """What to tell a model for its answer to be JSON by the schema of a pydantic model, of version 2 or 1."""
    schema_of: Any = getattr(model, "model_json_schema", None) or model.schema
    schema = {key: value for key, value in schema_of().items() if key not in {"title", "type"}}
    return JSON_FORMAT_INSTRUCTIONS.format(schema=json.dumps(schema, ensure_ascii=False))


def validated(model: type[Any], value: Any) -> Any:
    """An object of a pydantic model, of version 2 or 1, made of a JSON value.

    Raises:
        ValueError: the value is not valid.
    """
    validate: Any = getattr(model, "model_validate", None) or model.parse_obj
    return validate(value)
