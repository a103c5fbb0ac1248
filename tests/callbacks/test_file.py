"""`FileCallbackHandler`, beside the reference's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from langchain_core.callbacks import FileCallbackHandler as Reference

from chatcore.callbacks import FileCallbackHandler


def test_it_writes_what_the_reference_writes(tmp_path: Path) -> None:
    written = []
    for kind in (Reference, FileCallbackHandler):
        path = tmp_path / kind.__module__
        for _ in range(2):
            with kind(str(path)) as handler:
                handler.on_chain_start({}, {}, run_id=uuid4(), name="mine")
                handler.on_agent_action(SimpleNamespace(log="thinking"), run_id=uuid4())
                handler.on_tool_end("seen", observation_prefix="saw ", run_id=uuid4())
                handler.on_text("hm", end="\n", run_id=uuid4())
                handler.on_chain_end({}, run_id=uuid4())
        written.append(path.read_text())
    assert written[0] == written[1]
    assert written[1].count("Entering new mine chain") == 2


def test_a_closed_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    handler = FileCallbackHandler(tmp_path / "log", mode="w")
    handler.close()
    handler.close()
    with pytest.raises(RuntimeError, match=r"file is not open\. Use FileCallbackHandler as a context manager"):
        handler.on_text("x", run_id=uuid4())
    with pytest.raises(FileNotFoundError):
        FileCallbackHandler(tmp_path / "nowhere" / "log")
