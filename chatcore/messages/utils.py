"""What is done with conversations: read, written, filtered, trimmed, counted."""

from __future__ import annotations

from chatcore.messages._coercion import (
    AnyMessage,
    MessageLikeRepresentation,
    convert_to_messages,
    message_chunk_to_message,
    messages_from_dict,
)
from chatcore.messages._count import count_tokens_approximately
from chatcore.messages._openai import convert_to_openai_messages
from chatcore.messages._select import filter_messages, merge_message_runs
from chatcore.messages._text import get_buffer_string
from chatcore.messages._trim import trim_messages

__all__ = [
    "AnyMessage",
    "MessageLikeRepresentation",
    "convert_to_messages",
    "convert_to_openai_messages",
    "count_tokens_approximately",
    "filter_messages",
    "get_buffer_string",
    "merge_message_runs",
    "message_chunk_to_message",
    "messages_from_dict",
    "trim_messages",
]
