"""The base of templates of messages."""

from __future__ import annotations

from chatcore.prompts.chat import BaseMessagePromptTemplate

__all__ = ["BaseMessagePromptTemplate"]
