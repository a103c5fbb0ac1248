"""Prompts: runnables that make what a model is asked of variables.

::

    BasePromptTemplate
    ├── StringPromptTemplate ── PromptTemplate                          one string
    ├── BaseChatPromptTemplate ── ChatPromptTemplate                    messages
    └── ImagePromptTemplate, DictPromptTemplate                         a content block

    BaseMessagePromptTemplate                                           what a ChatPromptTemplate is made of
    ├── HumanMessagePromptTemplate, AIMessage…, SystemMessage…, ChatMessage…
    └── MessagesPlaceholder
"""

from __future__ import annotations

from chatcore.prompts.base import BasePromptTemplate
from chatcore.prompts.chat import (
    AIMessagePromptTemplate,
    BaseChatPromptTemplate,
    ChatMessagePromptTemplate,
    ChatPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    SystemMessagePromptTemplate,
)
from chatcore.prompts.dict import DictPromptTemplate
from chatcore.prompts.prompt import PromptTemplate
from chatcore.prompts.string import (
    StringPromptTemplate,
    check_valid_template,
    get_template_variables,
    jinja2_formatter,
    validate_jinja2,
)

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BasePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "DictPromptTemplate",
    "HumanMessagePromptTemplate",
    "MessagesPlaceholder",
    "PromptTemplate",
    "StringPromptTemplate",
    "SystemMessagePromptTemplate",
    "check_valid_template",
    "get_template_variables",
    "jinja2_formatter",
    "validate_jinja2",
]
