"""`RunCollectorCallbackHandler`: the runs themselves, for whoever wants to look at them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chatcore.tracers.base import BaseTracer
from chatcore.tracers.schemas import Run

__all__ = ["RunCollectorCallbackHandler"]


class RunCollectorCallbackHandler(BaseTracer):
    """Collects runs.

    example_id: the example of a data set that the calls are made for.
    traced_runs: the outermost runs that are over, in the order of their ends; `child_runs` of each has the others.
    """

    name: str = "run-collector_callback_handler"

    def __init__(self, example_id: UUID | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.example_id = UUID(example_id) if isinstance(example_id, str) else example_id
        self.traced_runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.traced_runs.append(run.model_copy(update={"reference_example_id": self.example_id}))
