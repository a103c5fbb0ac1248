"""V3's typed stream, by the reference's module path; the code is in `chatcore.typed_stream`."""

from __future__ import annotations

from chatcore.typed_stream import (
    AsyncChatModelStream,
    AsyncProjection,
    AsyncTextProjection,
    ChatModelStream,
    SyncProjection,
    SyncTextProjection,
)

__all__ = [
    "AsyncChatModelStream",
    "AsyncProjection",
    "AsyncTextProjection",
    "ChatModelStream",
    "SyncProjection",
    "SyncTextProjection",
]
