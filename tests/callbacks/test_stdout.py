"""`StdOutCallbackHandler`, beside the reference's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import StdOutCallbackHandler as Reference

from chatcore.callbacks import StdOutCallbackHandler

ACTION = SimpleNamespace(log="thinking")

CALLS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "chain begins": ("on_chain_start", ({}, {}), {"name": "mine"}),
    "chain without a name": ("on_chain_start", ({"id": ["a", "Chain"]}, {}), {}),
    "unknown chain": ("on_chain_start", (None, {}), {}),
    "chain ends": ("on_chain_end", ({},), {}),
    "tool ends": ("on_tool_end", (7,), {}),
    "tool ends, said around": (
        "on_tool_end",
        ("x",),
        {"observation_prefix": "saw", "llm_prefix": "so", "color": "red"},
    ),
    "agent acts": ("on_agent_action", (ACTION,), {}),
    "agent is done": ("on_agent_finish", (ACTION,), {}),
    "text": ("on_text", ("hm",), {"end": "\n"}),
}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("color", [None, "green"])
def test_it_prints_as_the_reference_does(what: str, color: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    method, args, kwargs = CALLS[what]
    printed = []
    for kind in (Reference, StdOutCallbackHandler):
        getattr(kind(color), method)(*args, run_id=uuid4(), **kwargs)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""
