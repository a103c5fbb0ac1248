"""Messages of any other role."""

from __future__ import annotations

from chatcore.messages._roles import ChatMessage, ChatMessageChunk

__all__ = ["ChatMessage", "ChatMessageChunk"]
