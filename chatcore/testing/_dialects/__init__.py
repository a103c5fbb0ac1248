"""The dialects that the simulator speaks, one module each; what they have in common is in `_dialect.py`."""

from __future__ import annotations

from collections.abc import Sequence

from chatcore.testing._dialect import Dialect
from chatcore.testing._dialects.anthropic import Anthropic
from chatcore.testing._dialects.gemini import Gemini
from chatcore.testing._dialects.ollama import Ollama
from chatcore.testing._dialects.openai_chat import OpenAIChat
from chatcore.testing._dialects.openai_responses import OpenAIResponses

__all__ = ["dialects"]


def dialects(*, prefix: str, models: Sequence[str] | None, refuse_stream_options: bool) -> Sequence[Dialect]:
    """All dialects, for one simulator.

    prefix: of OpenAI's paths. models: those that exist; None: any. refuse_stream_options: whether chat completions
    have never heard of `stream_options`.
    """
    return (
        OpenAIChat(models, prefix=prefix, refuse_stream_options=refuse_stream_options),
        OpenAIResponses(models, prefix=prefix),
        Anthropic(models),
        Gemini(models),
        Ollama(models),
    )
