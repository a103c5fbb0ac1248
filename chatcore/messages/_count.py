"""How many tokens a conversation has, nearly, and at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

from chatcore.messages._coercion import MessageLikeRepresentation, convert_to_messages
from chatcore.messages._openai import openai_role
from chatcore.messages._shapes import is_dict
from chatcore.messages.ai import AIMessage
from chatcore.messages.base import BaseMessage
from chatcore.messages.tool import ToolMessage

__all__ = ["count_tokens_approximately"]

_MOST_SCALING = 1.25


def count_tokens_approximately(
    messages: Iterable[MessageLikeRepresentation],
    *,
    chars_per_token: float = 4.0,
    extra_tokens_per_message: float = 3.0,
    count_name: bool = True,
    tokens_per_image: int = 85,
    use_usage_metadata_scaling: bool = False,
    tools: Sequence[Any] | None = None,
) -> int:
    """Estimate how many tokens messages have, by their length: contents, roles, names, tool calls and their ids.

    messages: what stands for messages; see `convert_to_messages`.
    chars_per_token: characters in a token; 4 is usual for English.
    extra_tokens_per_message: tokens that a provider puts around each message.
    count_name: whether names count.
    tokens_per_image: tokens of an image, whatever its size; OpenAI's count for one in low resolution, unless given.
    use_usage_metadata_scaling: whether to scale the estimate, up by a quarter at most, by what the latest answer's
        usage says of the messages up to it. Answers of several providers are not compared.
    tools: tools whose schemas count too: of `chatcore.tools`, or dicts.
    """
    conversation = convert_to_messages(messages)
    total = float(math.ceil(sum(len(_tool_text(tool)) for tool in tools or ()) / chars_per_token))
    scale: float | None = None
    for message in conversation:
        images, characters = _size(message)
        if message.name and count_name:
            characters += len(message.name)
        total += images * tokens_per_image + math.ceil(characters / chars_per_token) + extra_tokens_per_message
        if isinstance(message, AIMessage) and message.usage_metadata and total:
            scale = message.usage_metadata["total_tokens"] / total
    providers = {
        message.response_metadata.get("model_provider") for message in conversation if isinstance(message, AIMessage)
    }
    one_provider = len(providers) == 1 and None not in providers
    if use_usage_metadata_scaling and scale is not None and one_provider and len(conversation) > 1:
        total *= min(_MOST_SCALING, max(1.0, scale))
    return math.ceil(total)


def _size(message: BaseMessage) -> tuple[int, int]:
    """A message's images and characters."""
    images, characters = 0, len(openai_role(message))
    content = message.content
    for part in [content] if isinstance(content, str) else content:
        if isinstance(part, str):
            characters += len(part)
        elif part.get("type") in {"image", "image_url"}:
            images += 1
        elif part.get("type") == "text":
            characters += len(part.get("text", ""))
        else:
            characters += len(repr(part))
    # A list of parts holds the calls among them.
    if isinstance(message, AIMessage) and isinstance(content, str) and message.tool_calls:
        characters += len(repr(message.tool_calls))
    if isinstance(message, ToolMessage):
        characters += len(message.tool_call_id)
    return images, characters


def _tool_text(tool: Any) -> str:
    if is_dict(tool):
        return json.dumps(tool)
    schema: Any = tool.tool_call_schema
    parameters = {
        key: value
        for key, value in cast("dict[str, Any]", schema if is_dict(schema) else schema.model_json_schema()).items()
        if key not in {"title", "description"}
    }
    return json.dumps({"name": tool.name, "description": tool.description, "parameters": parameters})
