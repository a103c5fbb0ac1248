"""Content of Bedrock's InvokeModel as standard blocks: Claude's is Anthropic's, other models have none of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatcore.errors import UnsupportedError
from chatcore.messages.block_translators import anthropic

if TYPE_CHECKING:
    from chatcore.messages.block_translators._blocks import Answer
    from chatcore.messages.content import ContentBlock

__all__ = ["translate_content", "translate_content_chunk"]


def translate_content(message: Answer) -> list[ContentBlock]:
    """Read the content of a Claude model's answer as standard blocks.

    Raises UnsupportedError (a NotImplementedError) for other models: their content is read without a translator.
    """
    model = str(message.response_metadata.get("model_name", ""))
    if "claude" not in model.lower():
        msg = f"Bedrock's model {model!r} has no content shape of its own that is known"
        raise UnsupportedError(msg)
    return anthropic.translate_content(message)


def translate_content_chunk(message: Answer) -> list[ContentBlock]:
    """Read the content of a chunk as standard blocks. Which model it is of, only the first chunk says."""
    return anthropic.translate_content_chunk(message)
