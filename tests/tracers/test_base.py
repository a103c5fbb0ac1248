"""Tracers, beside the reference's: what they keep of the same events."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import anyio
import pytest
from langchain_core import messages as their_messages
from langchain_core import outputs as their_outputs
from langchain_core.tracers import base as reference

from chatcore import messages, outputs
from chatcore.exceptions import TracerException
from chatcore.messages import BaseMessage, HumanMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatResult
from chatcore.runnables import RunnableLambda
from chatcore.tracers.base import AsyncBaseTracer, BaseTracer
from chatcore.tracers.schemas import Run

pytestmark = pytest.mark.anyio

A, B, C = uuid4(), uuid4(), uuid4()

Told = list[tuple[str, tuple[Any, ...], dict[str, Any]]]

USED = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def _result(library: Any, outputs: Any) -> Any:
    message = library.AIMessage(content="x", usage_metadata=USED)
    return outputs.LLMResult(generations=[[outputs.ChatGeneration(message=message)]])


EVENTS: dict[str, Callable[[Any, Any], Told]] = {
    "chain": lambda _m, _o: [
        ("on_chain_start", ({"name": "c"}, {"in": 1}), {"run_id": A, "tags": ["t"], "metadata": {"m": 1}, "name": "n"}),
        ("on_chain_end", ({"out": 1},), {"run_id": A}),
    ],
    "chain of other things": lambda _m, _o: [
        ("on_chain_start", ({"name": "c"}, "in"), {"run_id": A, "run_type": "parser"}),
        ("on_chain_end", ("out",), {"run_id": A, "inputs": "all of it"}),
    ],
    "failing chain": lambda _m, _o: [
        ("on_chain_start", ({"name": "c"}, {}), {"run_id": A}),
        ("on_chain_error", (KeyError("x"),), {"run_id": A, "inputs": {"in": 1}}),
    ],
    "model": lambda m, o: [
        ("on_llm_start", ({"id": ["llm"]}, ["p"]), {"run_id": A, "invocation_params": {"a": 1}}),
        ("on_llm_new_token", ("x",), {"run_id": A}),
        ("on_llm_end", (_result(m, o),), {"run_id": A}),
    ],
    "failing model": lambda m, o: [
        ("on_llm_start", ({"id": ["llm"]}, ["p"]), {"run_id": A}),
        ("on_retry", (SimpleNamespace(idle_for=1, attempt_number=2, outcome=None),), {"run_id": A}),
        ("on_llm_error", (KeyError("x"),), {"run_id": A}),
    ],
    "tool": lambda _m, _o: [
        ("on_tool_start", ({"name": "t"}, "in"), {"run_id": A, "inputs": {"a": 1}}),
        ("on_tool_end", ("out",), {"run_id": A}),
    ],
    "tool of text that fails": lambda _m, _o: [
        ("on_tool_start", ({"name": "t"}, "in"), {"run_id": A}),
        ("on_tool_error", (KeyError("x"),), {"run_id": A}),
    ],
    "retriever": lambda _m, _o: [
        ("on_retriever_start", ({}, "q"), {"run_id": A}),
        ("on_retriever_end", (["d"],), {"run_id": A}),
        ("on_retriever_start", ({}, "q"), {"run_id": B}),
        ("on_retriever_error", (KeyError("x"),), {"run_id": B}),
    ],
    "calls within a call": lambda m, o: [
        ("on_chain_start", ({"name": "c"}, {}), {"run_id": A}),
        ("on_tool_start", ({"name": "t"}, "in"), {"run_id": B, "parent_run_id": A}),
        ("on_llm_start", ({"id": ["llm"]}, ["p"]), {"run_id": C, "parent_run_id": B}),
        ("on_llm_end", (_result(m, o),), {"run_id": C}),
        ("on_tool_end", ("out",), {"run_id": B}),
        ("on_chain_end", ({},), {"run_id": A}),
    ],
}


class Hooks:
    """Which hooks were called, and what was kept."""

    def note(self, hook: str, run: Any) -> None:
        self.__dict__.setdefault("called", []).append((hook, str(run.id)))
        if hook == "_persist_run":
            self.__dict__.setdefault("kept", []).append(run)


HOOKS = [name for name in dir(reference.BaseTracer) if name.startswith("_on_")] + ["_persist_run"]


def _tracer(base: Any, **options: Any) -> Any:
    def sync(hook: str) -> Any:
        return lambda self, run, *_: self.note(hook, run)

    def asynchronous(hook: str) -> Any:
        async def called(self: Any, run: Any, *_: Any) -> None:
            self.note(hook, run)

        return called

    method = asynchronous if base.__name__.startswith("Async") else sync
    return type("Tracer", (Hooks, base), {hook: method(hook) for hook in HOOKS})(**options)


def _facts(run: Any) -> dict[str, Any]:
    fields = ("id", "name", "run_type", "inputs", "outputs", "extra", "tags", "serialized", "parent_run_id", "trace_id")
    facts = {field: getattr(run, field) for field in fields}
    facts["error"] = run.error and run.error[: len("KeyError('x')")]
    facts["events"] = [(event["name"], sorted(event.get("kwargs", {}))) for event in run.events]
    facts["order"] = [part[-36:] for part in run.dotted_order.split(".")]
    facts["over"] = run.end_time is not None
    facts["within"] = [_facts(child) for child in run.child_runs]
    return facts


@pytest.mark.parametrize("what", EVENTS)
async def test_what_is_kept_is_what_the_reference_keeps(what: str) -> None:
    theirs = _tracer(reference.BaseTracer)
    for event, args, kwargs in EVENTS[what](their_messages, their_outputs):
        getattr(theirs, event)(*args, **kwargs)
    ours, later = _tracer(BaseTracer), _tracer(AsyncBaseTracer)
    for event, args, kwargs in EVENTS[what](messages, outputs):
        getattr(ours, event)(*args, **kwargs)
        await getattr(later, event)(*args, **kwargs)
    assert ours.called == later.called == theirs.called
    assert [_known(_facts(run)) for run in ours.kept] == [_known(_facts(run)) for run in theirs.kept]
    assert [_facts(run) for run in later.kept] == [_facts(run) for run in ours.kept]
    assert ours.run_map == later.run_map == {}


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    """Without what a message of the other library is said to be."""
    kept = {**facts, "within": [_known(each) for each in facts["within"]]}
    if "generations" in (facts["outputs"] or {}):
        (generation,) = facts["outputs"]["generations"][0]
        message = generation["message"]["kwargs"]
        kept["outputs"] = (generation["text"], message["content"], message["usage_metadata"])
    return kept


@pytest.mark.parametrize("event", ["on_llm_end", "on_tool_end"])
async def test_runs_that_have_not_begun_or_are_of_another_kind_are_an_error(event: str) -> None:
    tracer = _tracer(BaseTracer)
    with pytest.raises(TracerException, match="No indexed run ID"):
        getattr(tracer, event)(_result(messages, outputs), run_id=A)
    tracer.on_chain_start({}, {}, run_id=A)
    with pytest.raises(TracerException, match="Found chain run"):
        getattr(tracer, event)(_result(messages, outputs), run_id=A)


class Waiting(BaseChatModel):
    """Never answers, and says when it is asked."""

    asked: Any

    @property
    def _llm_type(self) -> str:
        return "waiting"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.asked.set()
        await anyio.sleep_forever()
        raise AssertionError


async def test_a_cancelled_call_ends_as_cancelled_with_all_within_it() -> None:
    tracer, asked = _tracer(AsyncBaseTracer), anyio.Event()
    steps = RunnableLambda(lambda text: [HumanMessage(text)]) | Waiting(asked=asked)
    async with anyio.create_task_group() as group:
        group.start_soon(steps.ainvoke, "hi", {"callbacks": [tracer]})
        await asked.wait()
        group.cancel_scope.cancel()
    (root,) = tracer.kept
    assert [run.end_time is None for run in (root, *root.child_runs)] == [False, False, False]
    assert [bool(run.error and "Cancelled" in run.error) for run in (root, *root.child_runs)] == [True, False, True]
    assert tracer.run_map == {}


async def test_chat_models_are_kept_with_their_messages_where_that_is_asked_for() -> None:
    tracer = _tracer(BaseTracer, _schema_format="original+chat")
    run = tracer.on_chat_model_start({"id": ["m"]}, [[HumanMessage("hi")]], run_id=A)
    assert run.run_type == "chat_model"
    assert run.inputs["messages"][0][0]["kwargs"]["content"] == "hi"
    with pytest.raises(NotImplementedError):
        _tracer(BaseTracer).on_chat_model_start({"id": ["m"]}, [[HumanMessage("hi")]], run_id=A)


async def test_retries_are_noted() -> None:
    tracer = _tracer(BaseTracer)
    run: Run = tracer.on_llm_start({"id": ["m"]}, ["p"], run_id=A)
    for failed in (True, False):
        outcome = SimpleNamespace(failed=failed, exception=lambda: KeyError("x"), result=lambda: 7)
        tracer.on_retry(SimpleNamespace(idle_for=1, attempt_number=2, outcome=outcome), run_id=A)
    assert [event["kwargs"].get("exception_type") for event in run.events[1:]] == ["KeyError", None]
    assert run.events[2]["kwargs"]["result"] == "7"


async def test_a_tracer_is_passed_on_as_it_is() -> None:
    tracer = _tracer(BaseTracer)
    assert copy.copy(tracer) is copy.deepcopy(tracer) is tracer
