"""Runs of all calls made in a block."""

from __future__ import annotations

import pytest

from chatcore.runnables import RunnableLambda
from chatcore.tracers.context import collect_runs

pytestmark = pytest.mark.anyio


async def test_all_calls_in_a_block_are_collected_and_none_after_it() -> None:
    inner = RunnableLambda(str, name="inner")
    outer = RunnableLambda(inner.invoke, name="outer")
    with collect_runs() as collected:
        await outer.ainvoke(1)
        with pytest.raises(ZeroDivisionError):
            await RunnableLambda(lambda x: 1 / x, name="divides").ainvoke(0)
    await outer.ainvoke(1)
    first, second = collected.traced_runs
    assert (first.name, [child.name for child in first.child_runs]) == ("outer", ["inner"])
    assert second.error is not None
    assert second.error.startswith("ZeroDivisionError('division by zero')")
