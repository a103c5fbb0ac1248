"""Chat models: their base classes, what they take and give, what they can do, and fakes of them for tests."""

from __future__ import annotations

from chatcore.language_models._data_blocks import is_openai_data_block
from chatcore.language_models.base import (
    BaseLanguageModel,
    LangSmithParams,
    LanguageModelInput,
    LanguageModelLike,
    LanguageModelOutput,
    get_tokenizer,
)
from chatcore.language_models.chat_models import BaseChatModel, SimpleChatModel
from chatcore.language_models.fake import FakeListLLM, FakeStreamingListLLM
from chatcore.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
    ScriptedChatModel,
    Stall,
)
from chatcore.language_models.model_profile import ModelProfile, ModelProfileRegistry, load_profile

__all__ = [
    "BaseChatModel",
    "BaseLanguageModel",
    "FakeListChatModel",
    "FakeListLLM",
    "FakeMessagesListChatModel",
    "FakeStreamingListLLM",
    "GenericFakeChatModel",
    "LangSmithParams",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "ModelProfile",
    "ModelProfileRegistry",
    "ParrotFakeChatModel",
    "ScriptedChatModel",
    "SimpleChatModel",
    "Stall",
    "get_tokenizer",
    "is_openai_data_block",
    "load_profile",
]
