"""Human messages."""

from __future__ import annotations

from chatcore.messages._roles import HumanMessage, HumanMessageChunk

__all__ = ["HumanMessage", "HumanMessageChunk"]
