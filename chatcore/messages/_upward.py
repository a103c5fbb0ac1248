"""What lies above messages, asked for by name and only when it is wanted.

A function of messages that is called without them is a runnable; two messages that are added up are a prompt. Whoever
writes neither loads neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["prompt_of", "runnable_of"]


def runnable_of(function: Callable[..., Any], name: str) -> Any:
    """Make a runnable of a function."""
    return importlib.import_module("chatcore.runnables").RunnableLambda(function, name=name)


def prompt_of(messages: list[Any]) -> Any:
    """Make a prompt of messages."""
    return importlib.import_module("chatcore.prompts").ChatPromptTemplate(messages)
