"""Seeing that nothing of ours runs any more."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import anyio.lowlevel

SECONDS = 0.1
"""How soon after a call was left nothing of it may run."""


def tasks() -> set[int]:
    """The tasks of this loop."""
    return {task.id for task in anyio.get_running_tasks()}


async def quiet(before: set[int], condition: Callable[[], bool] = lambda: True) -> None:
    """Wait until no task runs that did not run before, and `condition` holds.

    Raises:
        AssertionError: it took longer than `SECONDS`; on a busy machine, than that and some steps of the loop.
    """
    end = time.monotonic() + SECONDS
    steps = 0
    while True:
        beside = tasks() - before - {anyio.get_current_task().id}
        if not beside and condition():
            return
        steps += 1
        if time.monotonic() > end and steps > 50:
            names = [task.name for task in anyio.get_running_tasks() if task.id in beside]
            raise AssertionError(f"still running: {names}; as expected otherwise: {condition()}")
        # No time passes by this; but a loop that never lets go of the interpreter keeps worker threads from their end.
        time.sleep(0)  # noqa: ASYNC251
        await anyio.lowlevel.checkpoint()


async def some_steps() -> None:
    """Let every other task come to where it waits. (anyio's own way of it sleeps 0.1 s on asyncio.)"""
    for _ in range(30):
        await anyio.lowlevel.checkpoint()
