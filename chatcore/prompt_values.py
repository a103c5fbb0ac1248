"""What a prompt makes: something a model can read as messages, or as one string."""

# The concrete prompt narrows the type of its messages; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from chatcore.load.serializable import Serializable
from chatcore.messages import AnyMessage, BaseMessage, HumanMessage, get_buffer_string

__all__ = [
    "ChatPromptValue",
    "ChatPromptValueConcrete",
    "ImagePromptValue",
    "ImageURL",
    "PromptValue",
    "StringPromptValue",
]


class PromptValue(Serializable, ABC):
    """What a prompt makes. Every model takes it as its input."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes it: yes."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "schema", "prompt"]

    @abstractmethod
    def to_string(self) -> str:
        """The prompt as one string."""

    @abstractmethod
    def to_messages(self) -> list[BaseMessage]:
        """The prompt as messages."""


class StringPromptValue(PromptValue):
    """A prompt that is one string; as messages, one human message."""

    text: str
    type: Literal["StringPromptValue"] = "StringPromptValue"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "prompts", "base"]

    def to_string(self) -> str:
        """The prompt as one string."""
        return self.text

    def to_messages(self) -> list[BaseMessage]:
        """The prompt as one human message."""
        return [HumanMessage(content=self.text)]


class ChatPromptValue(PromptValue):
    """A prompt that is messages."""

    messages: Sequence[BaseMessage]

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "prompts", "chat"]

    def to_string(self) -> str:
        """The messages as text, `Role: text` on a line each."""
        return get_buffer_string(self.messages)

    def to_messages(self) -> list[BaseMessage]:
        """The messages, in a list of their own."""
        return list(self.messages)


class ImageURL(TypedDict, total=False):
    """An image as OpenAI's chat completions take it: a URL or a data URI, and how closely to look at it."""

    detail: Literal["auto", "low", "high"]
    url: str


class ImagePromptValue(PromptValue):
    """A prompt that is one image."""

    image_url: ImageURL
    type: Literal["ImagePromptValue"] = "ImagePromptValue"

    def to_string(self) -> str:
        """The image's URL."""
        return self.image_url.get("url", "")

    def to_messages(self) -> list[BaseMessage]:
        """The image as one human message."""
        return [HumanMessage(content=[cast("dict[str, Any]", self.image_url)])]


class ChatPromptValueConcrete(ChatPromptValue):
    """A prompt that is messages, whose schema names every kind of message."""

    messages: Sequence[AnyMessage]
    type: Literal["ChatPromptValueConcrete"] = "ChatPromptValueConcrete"
