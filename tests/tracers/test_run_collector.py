"""`RunCollectorCallbackHandler`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatcore.runnables import RunnableLambda
from chatcore.tracers.run_collector import RunCollectorCallbackHandler

pytestmark = pytest.mark.anyio


async def test_runs_are_collected_with_those_within_them() -> None:
    example = uuid4()
    collector = RunCollectorCallbackHandler(str(example))
    steps = RunnableLambda(lambda x: x + 1, name="adds") | RunnableLambda(str, name="writes")
    await steps.abatch([1, 2], {"callbacks": [collector]})
    assert sorted(run.outputs["output"] for run in collector.traced_runs if run.outputs) == ["2", "3"]
    assert [child.name for child in collector.traced_runs[0].child_runs] == ["adds", "writes"]
    assert collector.traced_runs[0].reference_example_id == example
    assert RunCollectorCallbackHandler(example).example_id == example
