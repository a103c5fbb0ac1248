"""Retries, by the reference's path."""

from __future__ import annotations

from chatcore.runnables._runnable import (
    ExponentialJitterParams,
)
from chatcore.runnables._wrappers import (
    RunnableRetry,
)

__all__ = ["ExponentialJitterParams", "RunnableRetry"]
