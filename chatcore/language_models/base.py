"""What language models take and give, by the reference's module path. Every model here is a chat model."""

from __future__ import annotations

from typing import Literal, TypeAlias

from typing_extensions import TypedDict

from chatcore._tokens import get_tokenizer
from chatcore.messages import BaseMessage
from chatcore.model import BaseChatModel, LanguageModelInput
from chatcore.runnables import Runnable

__all__ = [
    "BaseLanguageModel",
    "LangSmithParams",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "get_tokenizer",
]

BaseLanguageModel: TypeAlias = BaseChatModel
"""The base of every model; here the same as `BaseChatModel`."""

LanguageModelOutput: TypeAlias = BaseMessage | str
"""What a language model gives: a message, or, in the reference's text models, a text."""

LanguageModelLike: TypeAlias = Runnable[LanguageModelInput, LanguageModelOutput]
"""What is called as a language model is."""


class LangSmithParams(TypedDict, total=False):
    """The facts about a call by which traces are searched.

    ls_provider: who runs the model.
    ls_model_name: its name.
    ls_model_type: its kind.
    ls_temperature: the sampling temperature.
    ls_max_tokens: how long an answer may be, in tokens.
    ls_stop: texts at which an answer ends.
    ls_integration: the package that made the trace.
    """

    ls_provider: str
    ls_model_name: str
    ls_model_type: Literal["chat", "llm"]
    ls_temperature: float | None
    ls_max_tokens: int | None
    ls_stop: list[str] | None
    ls_integration: str
