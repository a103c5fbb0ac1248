"""Runnables that pass their input on, by the reference's path."""

from __future__ import annotations

from chatcore.runnables._runnable import (
    RunnableAssign,
    RunnablePassthrough,
    RunnablePick,
)

__all__ = ["RunnableAssign", "RunnablePassthrough", "RunnablePick"]
