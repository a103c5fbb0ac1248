"""What travels between a program and a model: messages, their parts, and the joining of streamed chunks.

::

    from chatcore.messages import AIMessage, HumanMessage, SystemMessage

    conversation = [SystemMessage("You are brief."), HumanMessage("Why is the sky blue?")]

Names, fields and `type` tags are those of `langchain_core.messages` 1.7; docs/differences.md lists where behaviour
differs.
"""

from __future__ import annotations

from chatcore.messages._coercion import (
    AnyMessage,
    MessageLikeRepresentation,
    convert_to_messages,
    message_chunk_to_message,
    messages_from_dict,
)
from chatcore.messages._coercion import message_from_dict as _message_from_dict
from chatcore.messages._count import count_tokens_approximately
from chatcore.messages._merge import merge_content
from chatcore.messages._openai import convert_to_openai_messages
from chatcore.messages._roles import (
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
)
from chatcore.messages._select import filter_messages, merge_message_runs
from chatcore.messages._text import get_buffer_string
from chatcore.messages._trim import trim_messages
from chatcore.messages.ai import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    InputTokenDetails,
    OutputTokenDetails,
    UsageMetadata,
    add_usage,
    subtract_usage,
)
from chatcore.messages.base import BaseMessage, BaseMessageChunk, message_to_dict, messages_to_dict
from chatcore.messages.block_translators.openai import convert_to_openai_data_block, convert_to_openai_image_block
from chatcore.messages.content import (
    LC_AUTO_PREFIX,
    LC_ID_PREFIX,
    Annotation,
    AudioContentBlock,
    Citation,
    ContentBlock,
    DataContentBlock,
    FileContentBlock,
    ImageContentBlock,
    InvalidToolCall,
    NonStandardAnnotation,
    NonStandardContentBlock,
    PlainTextContentBlock,
    ReasoningContentBlock,
    ServerToolCall,
    ServerToolCallChunk,
    ServerToolResult,
    TextContentBlock,
    VideoContentBlock,
    ensure_id,
    is_data_content_block,
)
from chatcore.messages.notification import (
    NotificationMetadata,
    add_notification_metadata,
    get_notification_metadata,
)
from chatcore.messages.tool import ToolCall, ToolCallChunk, ToolMessage, ToolMessageChunk

__all__ = [
    "LC_AUTO_PREFIX",
    "LC_ID_PREFIX",
    "AIMessage",
    "AIMessageChunk",
    "Accumulator",
    "Annotation",
    "AnyMessage",
    "AudioContentBlock",
    "BaseMessage",
    "BaseMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "Citation",
    "ContentBlock",
    "DataContentBlock",
    "FileContentBlock",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "ImageContentBlock",
    "InputTokenDetails",
    "InvalidToolCall",
    "MessageLikeRepresentation",
    "NonStandardAnnotation",
    "NonStandardContentBlock",
    "NotificationMetadata",
    "OutputTokenDetails",
    "PlainTextContentBlock",
    "ReasoningContentBlock",
    "RemoveMessage",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "SystemMessage",
    "SystemMessageChunk",
    "TextContentBlock",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "UsageMetadata",
    "VideoContentBlock",
    "_message_from_dict",
    "add_notification_metadata",
    "add_usage",
    "convert_to_messages",
    "convert_to_openai_data_block",
    "convert_to_openai_image_block",
    "convert_to_openai_messages",
    "count_tokens_approximately",
    "ensure_id",
    "filter_messages",
    "get_buffer_string",
    "get_notification_metadata",
    "is_data_content_block",
    "merge_content",
    "merge_message_runs",
    "message_chunk_to_message",
    "message_to_dict",
    "messages_from_dict",
    "messages_to_dict",
    "subtract_usage",
    "trim_messages",
]
