"""The protocol's own definition of its events, and ours: the same keys, but for what is said here."""

from __future__ import annotations

import pytest

from chatcore.typed_stream import protocol as ours

theirs = pytest.importorskip("langchain_protocol.protocol", reason="it comes with the reference")

MORE = {
    # Read by the reference, though its definition does not name them.
    "MessageFinishData": {"metadata", "additional_kwargs"},
}
FEWER = {
    # No chunk of ours brings them.
    "MessageMetadata": {"model_type", "run_id", "thread_id", "system_fingerprint", "service_tier"},
}


@pytest.mark.parametrize("name", [name for name in ours.__all__ if hasattr(getattr(ours, name), "__annotations__")])
def test_keys(name: str) -> None:
    mine = set(getattr(ours, name).__annotations__)
    assert mine == (set(getattr(theirs, name).__annotations__) | MORE.get(name, set())) - FEWER.get(name, set())
