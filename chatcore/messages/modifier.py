"""Messages that change a history."""

from __future__ import annotations

from chatcore.messages._roles import RemoveMessage

__all__ = ["RemoveMessage"]
