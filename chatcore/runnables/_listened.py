"""Functions that are told of a runnable's calls, and what functions that are runnables are given to tell of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from chatcore.callbacks._seam import run_manager, with_handlers
from chatcore.callbacks.manager import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from chatcore.engine.request import Open, Request, Response
from chatcore.tracers.root_listeners import AsyncRootListenersTracer, RootListenersTracer

__all__ = ["Listened", "manager_of"]


@dataclass(frozen=True, slots=True)
class Listened:
    """Tells functions of each call, as middleware.

    start, end, error: the functions; None: nobody asks.
    is_async: whether they are async.
    """

    run_name: ClassVar[str | None] = None

    start: Callable[..., Any] | None
    end: Callable[..., Any] | None
    error: Callable[..., Any] | None
    is_async: bool = False

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        tracer = AsyncRootListenersTracer if self.is_async else RootListenersTracer
        # A new one each time: it follows one call.
        listener = tracer(config=request.config, on_start=self.start, on_end=self.end, on_error=self.error)
        heard = with_handlers(request.config.get("callbacks"), [listener])
        return next_open(request.edited(config={**request.config, "callbacks": heard}))


def manager_of(request: Request, *, is_async: bool) -> Any:
    """The manager of a call's run, for a function that names a parameter `run_manager`."""
    kind = AsyncCallbackManagerForChainRun if is_async else CallbackManagerForChainRun
    run = request.run
    if run is None:
        return kind.get_noop_manager()
    return run_manager(run, kind)
