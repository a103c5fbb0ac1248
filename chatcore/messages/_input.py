"""What a model's hooks are given: data blocks in the standard form, whichever older form a prompt has them in.

OpenAI's image parts stay as they are: every provider's code reads them.
"""

from __future__ import annotations

from typing import Any

from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.base import BaseMessage
from chatcore.messages.block_translators import langchain_v0, openai

__all__ = ["standard_input"]

_OPENAI = ("input_audio", "file")


def standard_input(message: BaseMessage) -> BaseMessage:
    """The message with OpenAI's audio and file parts, and the data blocks of langchain-core 0.x, as standard blocks.

    A message that has none is returned itself; one that has is copied, for its sender may use it again.
    """
    content: Any = message.content
    if not is_list(content):
        return message
    parts = [_standard(part) for part in content]
    if all(part is before for part, before in zip(parts, content, strict=True)):
        return message
    return message.model_copy(update={"content": parts})


def _standard(part: Any) -> Any:
    if not is_dict(part):
        return part
    read = openai.from_input if part.get("type") in _OPENAI and "source_type" not in part else langchain_v0.from_input
    return read(part) or part
