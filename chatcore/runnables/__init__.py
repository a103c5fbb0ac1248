"""Whatever can be called, and how it is joined: `Runnable`, its kinds, and `RunnableConfig`."""

from __future__ import annotations

from chatcore.runnables._config import RunnableConfig
from chatcore.runnables._runnable import (
    ExponentialJitterParams,
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnableSequence,
    coerce_to_runnable,
)

__all__ = [
    "ExponentialJitterParams",
    "Runnable",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnableSequence",
    "coerce_to_runnable",
]
