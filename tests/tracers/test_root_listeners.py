"""Functions that are called when a call begins, ends or fails."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.runnables import RunnableLambda
from chatcore.tracers.root_listeners import AsyncRootListenersTracer, RootListenersTracer
from chatcore.tracers.schemas import Run

pytestmark = pytest.mark.anyio

CONFIG = {"tags": ["mine"]}


def _listeners(seen: list[Any], *, asynchronous: bool) -> dict[str, Any]:
    def started(run: Run, config: Any) -> None:
        seen.append(("start", run.name, config))

    def ended(run: Run) -> None:
        seen.append(("end", run.name, run.outputs))

    async def astarted(run: Run, config: Any) -> None:
        started(run, config)

    async def aended(run: Run) -> None:
        ended(run)

    return {"on_start": astarted, "on_end": aended} if asynchronous else {"on_start": started, "on_end": ended}


@pytest.mark.parametrize("kind", [RootListenersTracer, AsyncRootListenersTracer])
async def test_only_the_outermost_run_is_told_of(kind: Any) -> None:
    seen: list[Any] = []
    listeners = _listeners(seen, asynchronous=kind is AsyncRootListenersTracer)
    tracer = kind(config=CONFIG, on_error=None, **listeners)
    steps = RunnableLambda(lambda x: x + 1, name="adds") | RunnableLambda(str, name="writes")
    await steps.ainvoke(1, {"callbacks": [tracer], "run_name": "steps"})
    assert seen == [("start", "steps", CONFIG), ("end", "steps", {"output": "2"})]


@pytest.mark.parametrize("kind", [RootListenersTracer, AsyncRootListenersTracer])
async def test_failures_are_told_to_their_own_listener(kind: Any) -> None:
    seen: list[str | None] = []

    async def failed(run: Run) -> None:
        seen.append(run.error)

    listener = failed if kind is AsyncRootListenersTracer else (lambda run: seen.append(run.error))
    tracer = kind(config=CONFIG, on_start=None, on_end=print, on_error=listener)
    with pytest.raises(ZeroDivisionError):
        await RunnableLambda(lambda x: 1 / x).ainvoke(0, {"callbacks": [tracer]})
    assert len(seen) == 1
    assert "ZeroDivisionError" in str(seen[0])
