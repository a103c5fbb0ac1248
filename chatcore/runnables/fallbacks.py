"""Fallbacks, by the reference's path."""

from __future__ import annotations

from chatcore.runnables._wrappers import (
    RunnableWithFallbacks,
)

__all__ = ["RunnableWithFallbacks"]
