"""What the tools that are made of a function share."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import PlainSerializer

from chatcore.engine.threads import in_thread
from chatcore.errors import ConfigurationError, UnsupportedError
from chatcore.runnables import RunnableConfig
from chatcore.tools.base import BaseTool

__all__ = ["FunctionTool", "check_function"]

# Beside the field and not as a `field_serializer`, of which a subclass may have its own.
_AS_TEXT = PlainSerializer(lambda value: str(value), when_used="json-unless-none")  # noqa: PLW0108 - pydantic wants a signature


class FunctionTool(BaseTool):
    """A tool that calls a function: the async one if there is one, or else the sync one in a worker thread.

    func: the function; one that gives an awaitable is awaited.
    coroutine: the async function.
    """

    description: str = ""
    func: Annotated[Callable[..., Any] | None, _AS_TEXT] = None
    coroutine: Annotated[Callable[..., Awaitable[Any]] | None, _AS_TEXT] = None

    def _source(self) -> Callable[..., Any]:
        return self.func or self.coroutine or self._run

    def _run(self, *args: Any, config: RunnableConfig, run_manager: Any = None, **kwargs: Any) -> Any:
        if self.func is None:
            msg = f"{type(self).__name__} does not support sync invocation: {self.name} has no function to call."
            raise UnsupportedError(msg)
        return self.func(*args, **{**kwargs, **self._asked("func", self.func, config, run_manager)})

    async def _arun(self, *args: Any, config: RunnableConfig, run_manager: Any = None, **kwargs: Any) -> Any:
        if self.coroutine is None:
            manager = run_manager and run_manager.get_sync()
            # In a tuple, for trio takes no awaitable from a thread: it is awaited here.
            (answer,) = await in_thread(lambda: (self._run(*args, config=config, run_manager=manager, **kwargs),))
            return await answer if inspect.isawaitable(answer) else answer
        asked = self._asked("coroutine", self.coroutine, config, run_manager)
        return await self.coroutine(*args, **{**kwargs, **asked})

    def _asked(
        self, role: str, function: Callable[..., Any], config: RunnableConfig, run_manager: Any
    ) -> dict[str, Any]:
        """What the function asks the run for."""
        facts = self._facts(role, function)
        asked: dict[str, Any] = {facts.config: config} if facts.config else {}
        if "callbacks" in facts.names and run_manager is not None:
            asked["callbacks"] = run_manager.get_child()
        return asked


def check_function(func: object, coroutine: object) -> None:
    """Refuse a tool that has nothing to call.

    Raises:
        ConfigurationError: neither is a function.
    """
    if func is None and coroutine is None:
        msg = "Function and/or coroutine must be provided: func=... (sync) or coroutine=... (async)."
        raise ConfigurationError(msg)
