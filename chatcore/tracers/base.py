"""Tracers: handlers that keep each call as a `Run`, with the calls made within it.

A subclass gives `_persist_run`, which is given each outermost call when it is over, and overrides the hooks of the
events it wants to see: `_on_run_create`, `_on_run_update`, `_on_llm_start`, `_on_chain_end`, ...
"""

# The hooks need not be overridden; the methods of `_Tracer` are those of the two tracers under their public names.
# ruff: noqa: B027, SLF001

from __future__ import annotations

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any, Literal, Self, cast
from uuid import UUID

from chatcore.callbacks._deliver import at_once
from chatcore.callbacks.base import AsyncCallbackHandler, BaseCallbackHandler
from chatcore.exceptions import TracerException
from chatcore.load import dumpd
from chatcore.messages import BaseMessage
from chatcore.outputs import ChatGeneration, LLMResult
from chatcore.tracers.schemas import Run

__all__ = ["AsyncBaseTracer", "BaseTracer"]

_LOGGER = logging.getLogger("chatcore")

_Format = Literal["original", "original+chat", "streaming_events"]

_MODELS = frozenset({"llm", "chat_model"})


class _Tracer(ABC):
    """How runs are kept, for tracers whose hooks are sync and for those whose hooks are async.

    run_map: the runs that are not over, by their ids.
    """

    log_missing_parent: bool = True

    def __init__(self, *, _schema_format: _Format = "original", run_map: dict[str, Run] | None = None) -> None:
        super().__init__()
        self._schema_format = _schema_format
        self.run_map: dict[str, Run] = {} if run_map is None else run_map

    # A tracer is passed on as it is, wherever a config is copied.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    # ----------------------------------------------------------------------------------------- for a subclass to give

    @abstractmethod
    def _persist_run(self, run: Run) -> Any:
        """Keep an outermost run, which is over."""

    def _on_run_create(self, run: Run) -> Any:
        """Any run has begun."""

    def _on_run_update(self, run: Run) -> Any:
        """Any run is over."""

    def _on_llm_start(self, run: Run) -> Any:
        """A model's run has begun."""

    def _on_chat_model_start(self, run: Run) -> Any:
        """A chat model's run has begun, and is kept with its messages."""

    def _on_llm_new_token(self, run: Run, token: Any, chunk: Any) -> Any:
        """A token of a model's answer has come."""

    def _on_llm_end(self, run: Run) -> Any:
        """A model has answered."""

    def _on_llm_error(self, run: Run) -> Any:
        """A model has failed."""

    def _on_chain_start(self, run: Run) -> Any:
        """A chain's run has begun."""

    def _on_chain_end(self, run: Run) -> Any:
        """A chain is done."""

    def _on_chain_error(self, run: Run) -> Any:
        """A chain has failed."""

    def _on_tool_start(self, run: Run) -> Any:
        """A tool's run has begun."""

    def _on_tool_end(self, run: Run) -> Any:
        """A tool is done."""

    def _on_tool_error(self, run: Run) -> Any:
        """A tool has failed."""

    def _on_retriever_start(self, run: Run) -> Any:
        """A retriever's run has begun."""

    def _on_retriever_end(self, run: Run) -> Any:
        """A retriever is done."""

    def _on_retriever_error(self, run: Run) -> Any:
        """A retriever has failed."""

    # ------------------------------------------------------------------------------------------------ keeping of runs

    async def _begin(self, hook: Any, run_type: str, inputs: Any, about: dict[str, Any]) -> Run:
        serialized, tags, name = about.pop("serialized"), about.pop("tags", None), about.pop("name", None)
        run_id, parent_run_id = about.pop("run_id"), about.pop("parent_run_id", None)
        metadata = about.pop("metadata", None)
        now = datetime.now(UTC)
        run = Run(
            id=run_id,
            parent_run_id=parent_run_id,
            serialized=serialized,
            inputs=inputs,
            extra={**about, "metadata": metadata} if metadata else about,
            events=[{"name": "start", "time": now}],
            start_time=now,
            run_type=run_type,
            tags=tags,
            name=name,
            trace_id=run_id,
        )
        if parent_run_id is not None:
            parent = self.run_map.get(str(parent_run_id))
            if parent is not None:
                run.trace_id = parent.trace_id
                run.dotted_order = f"{parent.dotted_order}.{run.dotted_order}"
                parent.child_runs.append(run)
            else:
                # It was begun before anybody listened: for this tracer, the run is an outermost one.
                run.parent_run_id = None
                if self.log_missing_parent:
                    _LOGGER.debug(
                        "Parent run %s not found for run %s; it is kept as a root run.", parent_run_id, run_id
                    )
        self.run_map[str(run.id)] = run
        await _done(self._on_run_create(run))
        await _done(hook(run))
        return run

    async def _finish(self, hook: Any, run: Run, event: str) -> Run:
        run.end_time = datetime.now(UTC)
        run.events.append({"name": event, "time": run.end_time})
        if run.parent_run_id is None:
            await _done(self._persist_run(run))
        self.run_map.pop(str(run.id), None)
        await _done(self._on_run_update(run))
        await _done(hook(run))
        return run

    async def _gave(self, hook: Any, run: Run, outputs: dict[str, Any]) -> Run:
        run.outputs = {**(run.outputs or {}), **outputs}
        return await self._finish(hook, run, "end")

    async def _broke(self, hook: Any, run: Run, error: BaseException) -> Run:
        run.error = (repr(error) + "\n\n".join(traceback.format_exception(error))).strip()
        return await self._finish(hook, run, "error")

    def _get_run(self, run_id: UUID, run_types: frozenset[str] | None = None) -> Run:
        run = self.run_map.get(str(run_id))
        if run is None:
            msg = f"No indexed run ID {run_id}."
            raise TracerException(msg)
        if run_types is not None and run.run_type not in run_types:
            msg = f"Found {run.run_type} run at ID {run_id}, but expected {' or '.join(sorted(run_types))} run."
            raise TracerException(msg)
        return run

    def _put(self, value: Any, name: str) -> dict[str, Any]:
        """Inputs or outputs of a chain, as a dict."""
        if isinstance(value, dict) and self._schema_format != "streaming_events":
            return cast("dict[str, Any]", value)
        return {name: value}

    # --------------------------------------------------------------------------------------------------------- events

    async def _chat_model_started(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **about: Any
    ) -> Run:
        if self._schema_format == "original":
            msg = f"{type(self).__name__} keeps models with their prompts as text."
            raise NotImplementedError(msg)
        inputs = {"messages": [[dumpd(message) for message in each] for each in messages]}
        about.update(serialized=serialized, run_id=run_id)
        return await self._begin(self._on_chat_model_start, "chat_model", inputs, about)

    async def _llm_started(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **about: Any) -> Run:
        about.update(serialized=serialized, run_id=run_id)
        return await self._begin(self._on_llm_start, "llm", {"prompts": prompts}, about)

    async def _llm_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **about: Any) -> Run:
        del about
        run = self._get_run(run_id, _MODELS)
        details = {"token": token} if chunk is None else {"token": token, "chunk": chunk}
        run.events.append({"name": "new_token", "time": datetime.now(UTC), "kwargs": details})
        await _done(self._on_llm_new_token(run, token, chunk))
        return run

    async def _retried(self, retry_state: Any, *, run_id: UUID, **about: Any) -> Run:
        del about
        run = self._get_run(run_id)
        details: dict[str, Any] = {"slept": retry_state.idle_for, "attempt": retry_state.attempt_number}
        outcome = retry_state.outcome
        if outcome is None:
            details["outcome"] = "N/A"
        elif outcome.failed:
            error = outcome.exception()
            details.update(outcome="failed", exception=str(error), exception_type=type(error).__name__)
        else:
            details.update(outcome="success", result=str(outcome.result()))
        run.events.append({"name": "retry", "time": datetime.now(UTC), "kwargs": details})
        return run

    async def _llm_ended(self, response: LLMResult, *, run_id: UUID, **about: Any) -> Run:
        del about
        run = self._get_run(run_id, _MODELS)
        calls = sum(
            len(getattr(generation.message, "tool_calls", ()))
            for generations in response.generations
            for generation in generations
            if isinstance(generation, ChatGeneration)
        )
        if calls:
            run.extra["tool_call_count"] = calls
        return await self._gave(self._on_llm_end, run, _dumped(response))

    async def _llm_failed(
        self, error: BaseException, *, run_id: UUID, response: LLMResult | None = None, **about: Any
    ) -> Run:
        del about
        run = self._get_run(run_id, _MODELS)
        if response is not None and any(response.generations):
            run.outputs = {**(run.outputs or {}), **_dumped(response)}
        return await self._broke(self._on_llm_error, run, error)

    async def _chain_started(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        run_type: str | None = None,
        **about: Any,
    ) -> Run:
        about.update(serialized=serialized, run_id=run_id)
        return await self._begin(self._on_chain_start, run_type or "chain", self._put(inputs, "input"), about)

    async def _chain_ended(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **about: Any) -> Run:
        del about
        run = self._get_run(run_id)
        if inputs is not None:
            run.inputs = self._put(inputs, "input")
        return await self._gave(self._on_chain_end, run, self._put(outputs, "output"))

    async def _chain_failed(self, error: BaseException, *, run_id: UUID, inputs: Any = None, **about: Any) -> Run:
        del about
        run = self._get_run(run_id)
        if inputs is not None:
            run.inputs = self._put(inputs, "input")
        return await self._broke(self._on_chain_error, run, error)

    async def _tool_started(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        **about: Any,
    ) -> Run:
        about.update(serialized=serialized, run_id=run_id)
        given = {"input": inputs} if self._schema_format == "streaming_events" else inputs or {"input": input_str}
        return await self._begin(self._on_tool_start, "tool", given, about)

    async def _tool_ended(self, output: Any, *, run_id: UUID, **about: Any) -> Run:
        del about
        return await self._gave(self._on_tool_end, self._get_run(run_id, frozenset({"tool"})), {"output": output})

    async def _tool_failed(self, error: BaseException, *, run_id: UUID, **about: Any) -> Run:
        del about
        return await self._broke(self._on_tool_error, self._get_run(run_id, frozenset({"tool"})), error)

    async def _retriever_started(
        self, serialized: dict[str, Any] | None, query: str, *, run_id: UUID, **about: Any
    ) -> Run:
        about.update(serialized=serialized, run_id=run_id, name=about.get("name") or "Retriever")
        return await self._begin(self._on_retriever_start, "retriever", {"query": query}, about)

    async def _retriever_ended(self, documents: Sequence[Any], *, run_id: UUID, **about: Any) -> Run:
        del about
        run = self._get_run(run_id, frozenset({"retriever"}))
        return await self._gave(self._on_retriever_end, run, {"documents": documents})

    async def _retriever_failed(self, error: BaseException, *, run_id: UUID, **about: Any) -> Run:
        del about
        return await self._broke(self._on_retriever_error, self._get_run(run_id, frozenset({"retriever"})), error)


async def _done(result: Awaitable[object] | object) -> None:
    if isawaitable(result):
        await result


def _dumped(response: LLMResult) -> dict[str, Any]:
    """A result as JSON-like data, its messages as `load` takes them."""
    outputs = response.model_dump()
    for kept, generations in zip(outputs["generations"], response.generations, strict=True):
        for each, generation in zip(kept, generations, strict=True):
            if isinstance(generation, ChatGeneration):
                each["message"] = dumpd(generation.message)
    return outputs


class _SyncTracer(_Tracer):
    on_chat_model_start = at_once(_Tracer._chat_model_started)
    on_llm_start = at_once(_Tracer._llm_started)
    on_llm_new_token = at_once(_Tracer._llm_token)
    on_retry = at_once(_Tracer._retried)
    on_llm_end = at_once(_Tracer._llm_ended)
    on_llm_error = at_once(_Tracer._llm_failed)
    on_chain_start = at_once(_Tracer._chain_started)
    on_chain_end = at_once(_Tracer._chain_ended)
    on_chain_error = at_once(_Tracer._chain_failed)
    on_tool_start = at_once(_Tracer._tool_started)
    on_tool_end = at_once(_Tracer._tool_ended)
    on_tool_error = at_once(_Tracer._tool_failed)
    on_retriever_start = at_once(_Tracer._retriever_started)
    on_retriever_end = at_once(_Tracer._retriever_ended)
    on_retriever_error = at_once(_Tracer._retriever_failed)


class _AsyncTracer(_Tracer):
    on_chat_model_start = _Tracer._chat_model_started
    on_llm_start = _Tracer._llm_started
    on_llm_new_token = _Tracer._llm_token
    on_retry = _Tracer._retried
    on_llm_end = _Tracer._llm_ended
    on_llm_error = _Tracer._llm_failed
    on_chain_start = _Tracer._chain_started
    on_chain_end = _Tracer._chain_ended
    on_chain_error = _Tracer._chain_failed
    on_tool_start = _Tracer._tool_started
    on_tool_end = _Tracer._tool_ended
    on_tool_error = _Tracer._tool_failed
    on_retriever_start = _Tracer._retriever_started
    on_retriever_end = _Tracer._retriever_ended
    on_retriever_error = _Tracer._retriever_failed


class BaseTracer(_SyncTracer, BaseCallbackHandler):
    """Keeps runs; its hooks are sync, and run in a worker thread."""


class AsyncBaseTracer(_AsyncTracer, AsyncCallbackHandler):
    """Keeps runs; its hooks are async."""
