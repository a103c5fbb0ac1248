"""Messages of functions, in the protocol that tool messages replaced."""

from __future__ import annotations

from chatcore.messages._roles import FunctionMessage, FunctionMessageChunk

__all__ = ["FunctionMessage", "FunctionMessageChunk"]
