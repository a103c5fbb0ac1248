"""Which function is called, where, and with what."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest

from chatcore.callbacks.manager import AsyncCallbackManager, CallbackManager
from chatcore.errors import ConfigurationError
from chatcore.runnables import RunnableConfig
from chatcore.tools import StructuredTool, Tool
from chatcore.tools._of_function import check_function


async def native(x: int) -> str:
    """Tell where."""
    return f"native {x} {threading.get_ident()}"


def sync(x: int) -> str:
    """Tell where."""
    return f"sync {x} {threading.get_ident()}"


class Callable:
    """An object that is called."""

    async def __call__(self, x: int) -> str:
        """Tell where."""
        return await native(x)


HERE = [
    StructuredTool.from_function(native),
    StructuredTool.from_function(sync, native),
    StructuredTool.from_function(coroutine=native),
    # Whatever gives an awaitable is awaited in the loop.
    StructuredTool.from_function(lambda x: native(x + 0), name="lambda", description="d"),
    StructuredTool.from_function(functools.partial(native)),
    StructuredTool.from_function(Callable()),
    Tool("t", native, "d"),
    Tool("t", None, "d", coroutine=native),
]


@pytest.mark.anyio
@pytest.mark.parametrize("tool", HERE, ids=range(len(HERE)))
async def test_async_functions_run_in_the_loop(tool: Any) -> None:
    assert await tool.ainvoke({"x": 1}) == f"native 1 {threading.get_ident()}"


@pytest.mark.anyio
async def test_sync_functions_run_in_threads() -> None:
    answer = await StructuredTool.from_function(sync).ainvoke({"x": 1})
    assert answer.startswith("sync 1 ")
    assert answer != f"sync 1 {threading.get_ident()}"


def test_async_functions_can_be_called_from_sync_code() -> None:
    assert StructuredTool.from_function(native).invoke({"x": 1}).startswith("native 1 ")


@pytest.mark.anyio
async def test_functions_are_given_what_they_ask_for() -> None:
    def ask(x: int, callbacks: Any, settings: RunnableConfig) -> Any:
        """Ask."""
        return x, type(callbacks), settings["tags"]

    async def aask(x: int, callbacks: Any, settings: RunnableConfig) -> Any:
        """Ask."""
        return x, type(callbacks), settings["tags"]

    config: RunnableConfig = {"tags": ["t"]}
    for tool, manager in (
        (StructuredTool.from_function(ask), CallbackManager),
        (StructuredTool.from_function(aask), AsyncCallbackManager),
    ):
        assert set(tool.args) == {"x"}
        # What the model says cannot take their place.
        assert await tool.ainvoke({"x": 1, "callbacks": 0, "settings": 0}, config) == (1, manager, ["t"])


@pytest.mark.anyio
async def test_another_function_is_read_anew() -> None:
    tool = StructuredTool.from_function(sync)
    assert (await tool.ainvoke({"x": 1})).startswith("sync 1")

    def other(x: int, settings: RunnableConfig) -> Any:
        return settings["tags"]

    tool.func = other
    assert await tool.ainvoke({"x": 1}, {"tags": ["t"]}) == ["t"]


@pytest.mark.anyio
async def test_a_tool_without_a_function_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Tool does not support sync invocation"):
        await Tool("t", None, "d").ainvoke("a")
    with pytest.raises(ConfigurationError, match="must be provided"):
        check_function(None, None)
