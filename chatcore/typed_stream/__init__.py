"""V3's typed stream: one answer, read as text, reasoning, tool calls, usage, message or events, by several readers."""

from __future__ import annotations

from chatcore.typed_stream._replay import REPLAY_LIMIT
from chatcore.typed_stream._streams import (
    AsyncChatModelStream,
    AsyncProjection,
    AsyncTextProjection,
    ChatModelStream,
    PendingStream,
    SyncProjection,
    SyncTextProjection,
)

__all__ = [
    "REPLAY_LIMIT",
    "AsyncChatModelStream",
    "AsyncProjection",
    "AsyncTextProjection",
    "ChatModelStream",
    "PendingStream",
    "SyncProjection",
    "SyncTextProjection",
]
