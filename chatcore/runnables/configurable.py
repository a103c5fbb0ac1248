"""What calls may configure, by the reference's path."""

from __future__ import annotations

from chatcore.runnables._wrappers import (
    DynamicRunnable,
    RunnableConfigurableAlternatives,
    RunnableConfigurableFields,
)

__all__ = ["DynamicRunnable", "RunnableConfigurableAlternatives", "RunnableConfigurableFields"]
