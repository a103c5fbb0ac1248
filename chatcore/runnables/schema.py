"""The events of `astream_events`, by the reference's path."""

from __future__ import annotations

from chatcore.engine.events import BaseStreamEvent, CustomStreamEvent, EventData, StandardStreamEvent, StreamEvent

__all__ = ["BaseStreamEvent", "CustomStreamEvent", "EventData", "StandardStreamEvent", "StreamEvent"]
