"""`ConsoleCallbackHandler`, beside the reference's."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.outputs import LLMResult as TheirResult
from langchain_core.tracers import stdout as reference

from chatcore.outputs import LLMResult
from chatcore.tracers import stdout
from chatcore.tracers.schemas import Run


def _script(handler: Any, result: Any, again: list[Any]) -> None:
    chain, model, tool, failing = again
    handler.on_chain_start({"name": "c"}, {"in": object()}, run_id=chain)
    handler.on_llm_start({"id": ["m"]}, [" p "], run_id=model, parent_run_id=chain)
    handler.on_llm_end(result, run_id=model)
    handler.on_tool_start({"name": "t"}, " in ", run_id=tool, parent_run_id=chain)
    handler.on_tool_end(" out ", run_id=tool)
    for kind, given in (("tool", "x"), ("llm", ["x"]), ("chain", {"in": 1})):
        getattr(handler, f"on_{kind}_start")({"name": "f"}, given, run_id=failing, parent_run_id=chain)
        getattr(handler, f"on_{kind}_error")(KeyError("x"), run_id=failing)
    handler.on_chain_end({"out": 1}, run_id=chain)


def test_it_prints_what_the_reference_prints(capsys: pytest.CaptureFixture[str]) -> None:
    ids = [uuid4() for _ in range(4)]
    printed = []
    for library, result in ((reference, TheirResult(generations=[[]])), (stdout, LLMResult(generations=[[]]))):
        _script(library.ConsoleCallbackHandler(), result, ids)
        # Where bold ends is not the same everywhere.
        printed.append(re.sub(r"\[\d+ms\]", "[0ms]", re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)))
    assert printed[0] == printed[1]
    assert len(printed[1].splitlines()) > 30


def test_what_cannot_be_json_is_named_and_times_are_short() -> None:
    assert stdout.try_json_stringify(object(), "[x]") == "[x]"
    loop: list[Any] = []
    loop.append(loop)
    assert stdout.try_json_stringify(loop, "[x]") == "[x]"
    run = Run(name="it", start_time="2023-01-01T00:00:00Z", end_time="2023-01-01T00:00:00.012Z")
    assert stdout.elapsed(run) == "12ms"
    assert stdout.elapsed(run.model_copy(update={"end_time": run.start_time.replace(second=3)})) == "3.00s"
