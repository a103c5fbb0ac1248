"""What listeners are told of a prompt: data blocks in the forms that tracers have read for years.

The reference's: images as OpenAI's chat completions take them, files in base64 by the keys of langchain-core 0.x, and a
`type` for every block whose only key says it.
"""

from __future__ import annotations

from typing import Any

from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.base import BaseMessage
from chatcore.messages.block_translators.openai import convert_to_openai_image_block
from chatcore.messages.content import is_data_content_block

__all__ = ["traced"]


def traced(messages: list[BaseMessage]) -> list[BaseMessage]:
    """The messages as listeners are told of them; those with nothing to change are themselves."""
    if all(type(message.content) is str for message in messages):
        return messages
    return [_traced(message) for message in messages]


def _traced(message: BaseMessage) -> BaseMessage:
    content: Any = message.content
    if not is_list(content):
        return message
    parts = [_part(part) for part in content]
    if all(part is before for part, before in zip(parts, content, strict=True)):
        return message
    return message.model_copy(update={"content": parts})


def _part(part: Any) -> Any:
    if not is_dict(part):
        return part
    if "type" not in part:
        return {"type": next(iter(part)), **part} if len(part) == 1 else part
    if part["type"] == "image" and is_data_content_block(part) and not _is_by_id(part):
        return convert_to_openai_image_block(part)
    if part["type"] == "file" and "base64" in part:
        others = {key: value for key, value in part.items() if key != "base64"}
        return {**others, "data": part["base64"], "source_type": "base64"}
    return part


def _is_by_id(part: dict[str, Any]) -> bool:
    return "file_id" in part or part.get("source_type") == "id"
