"""Chat models, by the reference's module paths."""

from chatcore.model import BaseChatModel, LanguageModelInput

__all__ = ["BaseChatModel", "LanguageModelInput"]
