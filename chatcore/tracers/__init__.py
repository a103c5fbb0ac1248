"""Tracers: handlers that keep each call as a `Run`, with the calls made within it."""

from __future__ import annotations

from chatcore.tracers.base import AsyncBaseTracer, BaseTracer
from chatcore.tracers.schemas import Run
from chatcore.tracers.stdout import ConsoleCallbackHandler

__all__ = ["AsyncBaseTracer", "BaseTracer", "ConsoleCallbackHandler", "Run"]
