"""The events of a typed stream: what a model says, block by block, as plain dicts.

::

    message-start
      content-block-start     once for each block, when it is first seen; `index` numbers the blocks from 0
      content-block-delta*    what the block has grown by: text, reasoning, arguments of a tool call
      content-block-finish    the whole block; a tool call's arguments are parsed
    message-finish            usage, and what the provider says of the answer

Blocks may grow in turns: an event belongs to the block that its `index` names. Names and keys are those of the protocol
that langchain-core 1.7 speaks (the package `langchain_protocol`), which is not needed here.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from chatcore.messages import UsageMetadata
from chatcore.messages.content import (
    ContentBlock,
    DataContentBlock,
    InvalidToolCall,
    NonStandardContentBlock,
    ReasoningContentBlock,
    ServerToolCall,
    ServerToolResult,
    TextContentBlock,
    ToolCall,
)

__all__ = [
    "BlockDelta",
    "ContentBlockDelta",
    "ContentBlockDeltaData",
    "ContentBlockFinishData",
    "ContentBlockStartData",
    "DataDelta",
    "FinalizedContentBlock",
    "MessageErrorData",
    "MessageFinishData",
    "MessageMetadata",
    "MessageStartData",
    "MessagesData",
    "ReasoningDelta",
    "TextDelta",
    "ToolCallDelta",
]


class TextDelta(TypedDict):
    """Text to append."""

    type: Literal["text-delta"]
    text: str


class ReasoningDelta(TypedDict):
    """Reasoning to append."""

    type: Literal["reasoning-delta"]
    reasoning: str


class ToolCallDelta(TypedDict):
    """A stretch of the JSON text of a call's arguments, to append; whose call it is, its block's start has said."""

    type: Literal["tool-call-delta"]
    args: str


class DataDelta(TypedDict):
    """Encoded data to append.

    encoding: how it is encoded; base64 if it does not say.
    """

    type: Literal["data-delta"]
    data: str
    encoding: NotRequired[Literal["base64"]]


class BlockDelta(TypedDict):
    """Fields that replace those of the block; sent by older producers, for growing tool calls."""

    type: Literal["block-delta"]
    fields: dict[str, Any]


ContentBlockDelta = TextDelta | ReasoningDelta | ToolCallDelta | DataDelta | BlockDelta
"""What a block may grow by."""

FinalizedContentBlock = (
    TextContentBlock
    | ReasoningContentBlock
    | ToolCall
    | InvalidToolCall
    | ServerToolCall
    | ServerToolResult
    | DataContentBlock
    | NonStandardContentBlock
)
"""What a block may be once it is whole."""


class MessageMetadata(TypedDict, total=False):
    """Who answers."""

    provider: str
    model: str


class MessageStartData(TypedDict):
    """An answer begins.

    id: the message's id.
    """

    event: Literal["message-start"]
    role: Literal["ai"]
    id: str
    metadata: NotRequired[MessageMetadata]


class ContentBlockStartData(TypedDict):
    """A block begins; what it will hold is left out, or empty.

    index: the block's place in the message.
    """

    event: Literal["content-block-start"]
    index: int
    content: ContentBlock


class ContentBlockDeltaData(TypedDict):
    """A block has grown."""

    event: Literal["content-block-delta"]
    index: int
    delta: ContentBlockDelta


class ContentBlockFinishData(TypedDict):
    """A block is whole."""

    event: Literal["content-block-finish"]
    index: int
    content: FinalizedContentBlock


class MessageFinishData(TypedDict):
    """The answer is whole.

    usage: the tokens, if the provider said.
    metadata: the answer's `response_metadata` (finish reason, model name, ...).
    additional_kwargs: what a provider says besides, and needs back in the next turn.
    """

    event: Literal["message-finish"]
    usage: NotRequired[UsageMetadata]
    metadata: NotRequired[dict[str, Any]]
    additional_kwargs: NotRequired[dict[str, Any]]


class MessageErrorData(TypedDict):
    """The answer failed. Streams of chatcore raise the error instead; events that come from elsewhere may hold one."""

    event: Literal["error"]
    message: str
    code: NotRequired[str]


MessagesData = (
    MessageStartData
    | ContentBlockStartData
    | ContentBlockDeltaData
    | ContentBlockFinishData
    | MessageFinishData
    | MessageErrorData
)
"""Every event."""
