"""Runnables and what they are made of, by the reference's path."""

from __future__ import annotations

from chatcore.runnables._runnable import (
    Runnable,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableLike,
    RunnableMap,
    RunnableParallel,
    RunnableSequence,
    chain,
    coerce_to_runnable,
)
from chatcore.runnables._serializable import (
    RunnableSerializable,
)
from chatcore.runnables._wrappers import (
    RunnableBinding,
    RunnableBindingBase,
)
from chatcore.runnables.utils import (
    Input,
    Output,
)

__all__ = [
    "Input",
    "Output",
    "Runnable",
    "RunnableBinding",
    "RunnableBindingBase",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableLike",
    "RunnableMap",
    "RunnableParallel",
    "RunnableSequence",
    "RunnableSerializable",
    "chain",
    "coerce_to_runnable",
]
