"""Content of Gemini models on Vertex AI as standard blocks: it has the shape of `google_genai`."""

from __future__ import annotations

from chatcore.messages.block_translators.google_genai import translate_content, translate_content_chunk

__all__ = ["translate_content", "translate_content_chunk"]
