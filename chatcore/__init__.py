"""The chat-model layer of Python, async-first: one model object for asyncio, trio, notebooks and plain scripts.

::

    from chatcore import ChatOpenAI

    model = ChatOpenAI(model="gpt-5-mini")
    print(model.invoke("Why is the sky blue?").text)

Importing this package imports nothing else: each name is loaded from where it lives when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatcore.engine._portal import configure
    from chatcore.engine.batch import BatchStream
    from chatcore.engine.limits import InMemoryRateLimiter, TokenBucket
    from chatcore.engine.policies import Timeout
    from chatcore.engine.stream import ChatStream
    from chatcore.errors import (
        AuthenticationError,
        BadRequestError,
        ChatCoreError,
        ConfigurationError,
        ConnectionFailedError,
        ContentFilteredError,
        ContextOverflowError,
        DeadlineExceededError,
        InvalidInputError,
        MalformedResponseError,
        MissingKeyError,
        NotFoundError,
        OverloadedError,
        PermissionDeniedError,
        PortalError,
        ProviderError,
        QuotaExhaustedError,
        RateLimited,
        ServerError,
        StalledError,
        StreamInterrupted,
        StreamTimedOut,
        UnprocessableError,
        UnsupportedError,
    )
    from chatcore.messages import (
        Accumulator,
        AIMessage,
        AIMessageChunk,
        AnyMessage,
        BaseMessage,
        BaseMessageChunk,
        ChatMessage,
        ChatMessageChunk,
        FunctionMessage,
        FunctionMessageChunk,
        HumanMessage,
        HumanMessageChunk,
        InvalidToolCall,
        RemoveMessage,
        SystemMessage,
        SystemMessageChunk,
        ToolCall,
        ToolCallChunk,
        ToolMessage,
        ToolMessageChunk,
        UsageMetadata,
        convert_to_messages,
    )
    from chatcore.model import BaseChatModel
    from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
    from chatcore.prompt_values import ChatPromptValue, PromptValue, StringPromptValue
    from chatcore.providers import ChatOpenAI, init_chat_model
    from chatcore.runnables import (
        Runnable,
        RunnableConfig,
        RunnableGenerator,
        RunnableLambda,
        RunnableParallel,
        RunnablePassthrough,
        RunnableSequence,
    )

__version__ = "0.1.0"

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "Accumulator",
    "AnyMessage",
    "AuthenticationError",
    "BadRequestError",
    "BaseChatModel",
    "BaseMessage",
    "BaseMessageChunk",
    "BatchStream",
    "ChatCoreError",
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "ChatOpenAI",
    "ChatPromptValue",
    "ChatResult",
    "ChatStream",
    "ConfigurationError",
    "ConnectionFailedError",
    "ContentFilteredError",
    "ContextOverflowError",
    "DeadlineExceededError",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "InMemoryRateLimiter",
    "InvalidInputError",
    "InvalidToolCall",
    "LLMResult",
    "MalformedResponseError",
    "MissingKeyError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "PortalError",
    "PromptValue",
    "ProviderError",
    "QuotaExhaustedError",
    "RateLimited",
    "RemoveMessage",
    "Runnable",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnableSequence",
    "ServerError",
    "StalledError",
    "StreamInterrupted",
    "StreamTimedOut",
    "StringPromptValue",
    "SystemMessage",
    "SystemMessageChunk",
    "Timeout",
    "TokenBucket",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "UnprocessableError",
    "UnsupportedError",
    "UsageMetadata",
    "configure",
    "convert_to_messages",
    "init_chat_model",
]

# Where each public name lives. A table and not imports: pydantic alone takes ten times as long to load as this package.
_HOMES = {
    "chatcore.engine._portal": ("configure",),
    "chatcore.engine.batch": ("BatchStream",),
    "chatcore.engine.limits": (
        "InMemoryRateLimiter",
        "TokenBucket",
    ),
    "chatcore.engine.policies": ("Timeout",),
    "chatcore.engine.stream": ("ChatStream",),
    "chatcore.errors": (
        "AuthenticationError",
        "BadRequestError",
        "ChatCoreError",
        "ConfigurationError",
        "ConnectionFailedError",
        "ContentFilteredError",
        "ContextOverflowError",
        "DeadlineExceededError",
        "InvalidInputError",
        "MalformedResponseError",
        "MissingKeyError",
        "NotFoundError",
        "OverloadedError",
        "PermissionDeniedError",
        "PortalError",
        "ProviderError",
        "QuotaExhaustedError",
        "RateLimited",
        "ServerError",
        "StalledError",
        "StreamInterrupted",
        "StreamTimedOut",
        "UnprocessableError",
        "UnsupportedError",
    ),
    "chatcore.messages": (
        "AIMessage",
        "AIMessageChunk",
        "Accumulator",
        "AnyMessage",
        "BaseMessage",
        "BaseMessageChunk",
        "ChatMessage",
        "ChatMessageChunk",
        "FunctionMessage",
        "FunctionMessageChunk",
        "HumanMessage",
        "HumanMessageChunk",
        "InvalidToolCall",
        "RemoveMessage",
        "SystemMessage",
        "SystemMessageChunk",
        "ToolCall",
        "ToolCallChunk",
        "ToolMessage",
        "ToolMessageChunk",
        "UsageMetadata",
        "convert_to_messages",
    ),
    "chatcore.model": ("BaseChatModel",),
    "chatcore.outputs": (
        "ChatGeneration",
        "ChatGenerationChunk",
        "ChatResult",
        "LLMResult",
    ),
    "chatcore.prompt_values": (
        "ChatPromptValue",
        "PromptValue",
        "StringPromptValue",
    ),
    "chatcore.providers": (
        "ChatOpenAI",
        "init_chat_model",
    ),
    "chatcore.runnables": (
        "Runnable",
        "RunnableConfig",
        "RunnableGenerator",
        "RunnableLambda",
        "RunnableParallel",
        "RunnablePassthrough",
        "RunnableSequence",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
# Asked for once: `chatcore.globals`, once it is loaded, is the name's meaning here.
_NAMES = globals()


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        msg = f"module 'chatcore' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(module), name)
    _NAMES[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*_NAMES, *__all__})
