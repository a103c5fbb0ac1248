"""Tracers that call functions when a call begins, ends or fails: those of `with_listeners`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from chatcore.tracers.base import AsyncBaseTracer, BaseTracer
from chatcore.tracers.schemas import Run

__all__ = ["AsyncListener", "AsyncRootListenersTracer", "Listener", "RootListenersTracer"]

Listener = Callable[[Run], None] | Callable[[Run, Any], None]
"""A function of a run, and, if it has a second parameter `config`, of the call's config."""

AsyncListener = Callable[[Run], Awaitable[None]] | Callable[[Run, Any], Awaitable[None]]
"""An async function of a run, and, if it has a second parameter `config`, of the call's config."""


class _Root:
    """Which run is the outermost, and what to call for it."""

    log_missing_parent = False

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        on_start: Callable[..., Any] | None,
        on_end: Callable[..., Any] | None,
        on_error: Callable[..., Any] | None,
    ) -> None:
        super().__init__(_schema_format="original+chat")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - a tracer is next
        self.config = config
        self._listeners = (on_start, on_end, on_error)
        self.root_id: UUID | None = None

    def _on_run_create(self, run: Run) -> Any:
        if self.root_id is None:
            self.root_id = run.id
            return self._call(self._listeners[0], run)
        return None

    def _on_run_update(self, run: Run) -> Any:
        if run.id == self.root_id:
            return self._call(self._listeners[1 if run.error is None else 2], run)
        return None

    def _call(self, listener: Callable[..., Any] | None, run: Run) -> Any:
        if listener is None:
            return None
        return listener(run, self.config) if _takes_config(listener) else listener(run)


def _takes_config(listener: Callable[..., Any]) -> bool:
    try:
        return "config" in inspect.signature(listener).parameters
    except ValueError:
        # Some builtins do not say what they take.
        return False


class RootListenersTracer(_Root, BaseTracer):
    """Calls functions when the outermost run begins, ends or fails.

    config: the config that a function with a parameter `config` is given.
    root_id: the id of the outermost run, once it has begun.
    """

    def _persist_run(self, run: Run) -> None:
        """Nothing is kept."""


class AsyncRootListenersTracer(_Root, AsyncBaseTracer):
    """Awaits functions when the outermost run begins, ends or fails.

    config: the config that a function with a parameter `config` is given.
    root_id: the id of the outermost run, once it has begun.
    """

    async def _persist_run(self, run: Run) -> None:
        """Nothing is kept."""
