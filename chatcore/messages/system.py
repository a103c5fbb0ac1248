"""System messages."""

from __future__ import annotations

from chatcore.messages._roles import SystemMessage, SystemMessageChunk

__all__ = ["SystemMessage", "SystemMessageChunk"]
