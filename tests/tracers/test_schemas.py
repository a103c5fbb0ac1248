"""`Run`, beside the reference's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.tracers.schemas import Run as Reference

from chatcore.tracers.schemas import Run

ID, PARENT = uuid4(), uuid4()
NOW = datetime(2023, 1, 1, tzinfo=UTC)

GIVEN: dict[str, dict[str, Any]] = {
    "named by what it serializes": {"serialized": {"name": "a", "id": ["x", "b"]}},
    "named by the id of that": {"serialized": {"id": ["x", "b"]}},
    "named": {"name": "c", "serialized": {"name": "a"}},
    "with everything absent": {"outputs": None, "tags": None, "events": None, "parent_run_id": None},
    "with a parent": {"parent_run_id": str(PARENT), "trace_id": PARENT, "dotted_order": "x.y"},
    "as text": {"id": str(ID)},
}


@pytest.mark.parametrize("what", GIVEN)
def test_it_completes_itself_as_the_references_does(what: str) -> None:
    given = {"id": ID, "name": "it", "run_type": "chain", "inputs": {}, "start_time": NOW, **GIVEN[what]}
    if "named by" in what:
        del given["name"]
    ours, theirs = Run(**given), Reference(**given)
    for field in Run.model_fields.keys() - {"reference_example_id"}:
        assert getattr(ours, field) == getattr(theirs, field), field


def test_metadata_is_kept_in_extra() -> None:
    run = Run(name="it")
    run.metadata["a"] = 1
    assert run.extra == {"metadata": {"a": 1}}
    assert run.trace_id == run.id
    assert Run.model_validate(run) is run
