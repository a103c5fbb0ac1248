"""Reading a message's parts, in whichever shape they came, as standard content blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.messages.block_translators import anthropic, bedrock_converse, google_genai, langchain_v0, openai
from chatcore.messages.content import KNOWN_BLOCK_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcore.messages.content import ContentBlock

__all__ = ["UNREADABLE", "standard_blocks"]

UNREADABLE: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What readers of a shape raise where a value has another type than it has in that shape: then it is no such shape.

Content comes from anywhere, and each of its hundred fields may be of any JSON type.
"""

# Who reads a part of content that does not say whose it is. Their shapes differ, so that the order does not matter.
_READERS = (
    langchain_v0.from_input,
    openai.from_input,
    anthropic.from_input,
    google_genai.from_input,
    bedrock_converse.from_input,
)


def standard_blocks(content: str | Sequence[str | dict[Any, Any]]) -> list[ContentBlock]:
    """Read content as standard blocks; what has no standard form is kept whole, as `non_standard`.

    Understood besides the standard blocks themselves: what OpenAI's chat completions, Anthropic, Gemini and Bedrock's
    Converse take as input, and the blocks of langchain-core 0.x.
    """
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [
        {"type": "text", "text": part} if isinstance(part, str) else cast("ContentBlock", _standard(part))
        for part in content
    ]


def _standard(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "non_standard" and isinstance(part.get("value"), dict):
        converted = _converted(part["value"])
        return part if converted is None else converted
    if (converted := _converted(part)) is not None:
        return converted
    if isinstance(kind, str) and kind in KNOWN_BLOCK_TYPES and "source_type" not in part:
        return part
    return {"type": "non_standard", "value": part}


def _converted(part: dict[str, Any]) -> dict[str, Any] | None:
    """The standard form of a part in a foreign shape; None if it has none."""
    for read in _READERS:
        try:
            block = read(part)
        except UNREADABLE:
            continue
        if block is not None:
            return block
    return None
