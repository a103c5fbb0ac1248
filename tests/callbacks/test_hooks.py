"""Handlers that hear calls without being in their config."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from chatcore.callbacks import BaseCallbackHandler, CallbackManager
from chatcore.callbacks._hooks import HOOKS, hooked, register_configure_hook
from chatcore.globals import set_debug
from chatcore.runnables import RunnableLambda
from chatcore.tracers import ConsoleCallbackHandler


class Counting(BaseCallbackHandler):
    """Counts the chains it hears of."""

    made: int = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.names: list[str] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.names.append(kwargs["name"])


@pytest.fixture(autouse=True)
def _no_hooks_after() -> Iterator[None]:
    before = [*HOOKS]
    yield
    HOOKS[:] = before
    set_debug(False)


@pytest.mark.anyio
async def test_every_call_is_heard_by_what_a_context_variable_holds() -> None:
    variable: ContextVar[Counting | None] = ContextVar("counting", default=None)
    register_configure_hook(variable, inheritable=True)
    inner = RunnableLambda(str, name="inner")
    outer = RunnableLambda(inner.invoke, name="outer") | RunnableLambda(str, name="last")
    await outer.ainvoke(1)
    counting = Counting()
    variable.set(counting)
    await outer.ainvoke(1)
    assert counting.names == ["RunnableSequence", "outer", "inner", "last"]
    assert CallbackManager.configure().handlers == [counting]
    assert hooked([counting]) == []


@pytest.mark.anyio
async def test_an_environment_variable_asks_for_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    variable: ContextVar[Any] = ContextVar("counting", default=None)
    with pytest.raises(ValueError, match="handle_class must also be set"):
        register_configure_hook(variable, True, env_var="COUNT")
    register_configure_hook(variable, True, Counting, "COUNT")
    for value in ("", "0", "false"):
        monkeypatch.setenv("COUNT", value)
        assert hooked([]) == []
    monkeypatch.setenv("COUNT", "1")
    assert [type(each.handler) for each in hooked([])] == [Counting]
    assert hooked([Counting()]) == []


@pytest.mark.anyio
async def test_debugging_tells_every_run_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    adds = RunnableLambda(lambda x: x + 1, name="adds")
    set_debug(True)
    assert await adds.ainvoke(1) == 2
    assert hooked([ConsoleCallbackHandler()]) == []
    set_debug(False)
    assert await adds.ainvoke(1) == 2
    told = capsys.readouterr().out
    assert told.count("Entering Chain run with input") == told.count("Exiting Chain run with output") == 1
    assert "chain:adds" in told
