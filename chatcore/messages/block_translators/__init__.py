"""Which provider's content is read as standard blocks by which functions.

A message says by `response_metadata["model_provider"]` who wrote it; `message.content_blocks` asks here for the
functions that know that provider's shapes. Content of any other provider is read as best we can. A provider package may
add its own: `register_translator("acme", whole, chunk)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatcore.messages.block_translators import (
    anthropic,
    bedrock,
    bedrock_converse,
    google_genai,
    google_vertexai,
    groq,
    openai,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatcore.messages.content import ContentBlock

__all__ = ["PROVIDER_TRANSLATORS", "get_translator", "register_translator"]

PROVIDER_TRANSLATORS: dict[str, dict[str, Callable[[Any], list[ContentBlock]]]] = {
    provider: {
        "translate_content": module.translate_content,
        "translate_content_chunk": module.translate_content_chunk,
    }
    for provider, module in {
        "anthropic": anthropic,
        "bedrock": bedrock,
        "bedrock_converse": bedrock_converse,
        "google_genai": google_genai,
        "google_vertexai": google_vertexai,
        "groq": groq,
        "openai": openai,
    }.items()
}
"""For each provider, how its messages (`translate_content`) and chunks (`translate_content_chunk`) are read."""


def register_translator(
    provider: str,
    translate_content: Callable[[Any], list[ContentBlock]],
    translate_content_chunk: Callable[[Any], list[ContentBlock]],
) -> None:
    """Read a provider's content by functions of one's own, from now on.

    provider: as messages name it in `response_metadata["model_provider"]`.
    translate_content, translate_content_chunk: given an `AIMessage` or an `AIMessageChunk`, they return its standard
        blocks; a NotImplementedError means that this content is to be read as that of an unknown provider.
    """
    PROVIDER_TRANSLATORS[provider] = {
        "translate_content": translate_content,
        "translate_content_chunk": translate_content_chunk,
    }


def get_translator(provider: str) -> dict[str, Callable[[Any], list[ContentBlock]]] | None:
    """Return the functions that read a provider's content; None for a provider that is not known."""
    return PROVIDER_TRANSLATORS.get(provider)
