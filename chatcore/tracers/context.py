"""Tracers of all calls made in a block, without passing them on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from chatcore.callbacks._hooks import register_configure_hook
from chatcore.engine.runs import heard_by
from chatcore.tracers.run_collector import RunCollectorCallbackHandler

__all__ = ["collect_runs", "register_configure_hook"]


@contextmanager
def collect_runs() -> Generator[RunCollectorCallbackHandler]:
    """Collect the runs of all calls made in a block, and in tasks and threads begun in it.

    ::

        with collect_runs() as collected:
            model.invoke("hi")
        collected.traced_runs[0].id

    Yields:
        The handler that has them.
    """
    collector = RunCollectorCallbackHandler()
    with heard_by(collector):
        yield collector
