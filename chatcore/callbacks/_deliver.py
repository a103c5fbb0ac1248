"""How handlers are told of an event: which of their methods, where these run, and what becomes of their errors.

::

    async method                  awaited, one handler after the other
    sync method                   in a worker thread, all of one event in one go
    sync method, `run_inline`     called on the event loop itself
    not overridden                not called at all, and nothing is built for it

What a method sets in context variables stays with it, unless it is `run_inline`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import lru_cache, partial, wraps
from types import coroutine
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast, overload

import anyio

from chatcore.callbacks.base import AsyncCallbackHandler, BaseCallbackHandler
from chatcore.engine._host import told_to_stop
from chatcore.engine.runs import Run, to_the_last
from chatcore.engine.threads import await_from_thread, in_thread
from chatcore.errors import ChatCoreError
from chatcore.messages import AIMessageChunk, get_buffer_string
from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, LLMResult

__all__ = ["Handlers", "at_once", "driven", "tell", "tell_event"]

P = ParamSpec("P")
R = TypeVar("R")

_LOGGER = logging.getLogger("chatcore")

_IGNORED_BY = {
    "on_llm_start": "ignore_llm",
    "on_chat_model_start": "ignore_chat_model",
    "on_llm_new_token": "ignore_llm",
    "on_llm_end": "ignore_llm",
    "on_llm_error": "ignore_llm",
    "on_stream_event": "ignore_llm",
    "on_chain_start": "ignore_chain",
    "on_chain_end": "ignore_chain",
    "on_chain_error": "ignore_chain",
    "on_tool_start": "ignore_agent",
    "on_tool_end": "ignore_agent",
    "on_tool_error": "ignore_agent",
    "on_agent_action": "ignore_agent",
    "on_agent_finish": "ignore_agent",
    "on_retriever_start": "ignore_retriever",
    "on_retriever_end": "ignore_retriever",
    "on_retriever_error": "ignore_retriever",
    "on_retry": "ignore_retry",
    "on_text": None,
    "on_custom_event": "ignore_custom_event",
}
"""All events, each with what a handler says that wants to hear nothing of it."""


# ------------------------------------------------------------------------------------------------- what handlers have


class _Method(NamedTuple):
    """A method that is to be called.

    position: of its handler among those who are told.
    name: what it is called; for a chat model's start it may be `on_llm_start`.
    awaited: whether it is a coroutine function.
    ignored: the handler's attributes that may say now that it does not want to hear.
    """

    position: int
    name: str
    awaited: bool
    ignored: tuple[str, ...]


_Plan = Mapping[str, tuple[_Method, ...]]
"""For each event that anybody listens to, the methods to call."""


def _plan(handlers: Sequence[Any]) -> _Plan:
    for handler in handlers:
        if not _IGNORED_BY.keys().isdisjoint(getattr(handler, "__dict__", ())):
            # A method of one object's own, as mocks are set.
            return _plan_of(handlers)
    return _plan_of_classes(tuple(map(type, handlers)))


def _plan_of(owners: Sequence[Any]) -> _Plan:
    methods = {event: _methods(owners, event, (ignored,)) for event, ignored in _IGNORED_BY.items()}
    return {event: found for event, found in methods.items() if found}


# Decided once for each combination of classes; bounded, since a program may make classes as it goes.
_plan_of_classes = lru_cache(maxsize=512)(_plan_of)


def _methods(owners: Sequence[Any], event: str, ignored: tuple[str | None, ...]) -> tuple[_Method, ...]:
    found: list[_Method] = []
    for position, owner in enumerate(owners):
        name, conditions = event, ignored
        if event == "on_chat_model_start" and not _overrides(owner, event):
            name, conditions = "on_llm_start", (*ignored, _IGNORED_BY["on_llm_start"])
        if _overrides(owner, name):
            awaited = inspect.iscoroutinefunction(getattr(owner, name))
            own = tuple(each for each in conditions if each is not None and _overrides(owner, each))
            found.append(_Method(position, name, awaited, own))
    return tuple(found)


def _overrides(owner: Any, name: str) -> bool:
    """Whether a handler, or a class of handlers, has something of its own under this name."""
    missing = object()
    # Not on the object: a property would give its value.
    value = getattr(owner if isinstance(owner, type) else type(owner), name, missing)
    value = getattr(owner, "__dict__", {}).get(name, value)
    given = (missing, getattr(BaseCallbackHandler, name, missing), getattr(AsyncCallbackHandler, name, missing))
    return not any(value is each for each in given)


# -------------------------------------------------------------------------------------------------------------- telling


async def tell(
    handlers: Sequence[Any], event: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, here: bool = False
) -> None:
    """Tell handlers of an event.

    Args:
        handlers: who is to be told; who does not override the event's method is not.
        event: the name of the method.
        args: its positional arguments.
        kwargs: its keyword arguments.
        here: called from sync code: sync methods run in this thread, async ones are waited for, so that this coroutine
            never waits itself.

    Raises:
        Exception: what a method raised whose handler has `raise_error`.
    """
    if methods := _plan(handlers).get(event):
        await _tell(handlers, methods, event, args, kwargs, here=here)


async def tell_event(
    handlers: Sequence[Any],
    event: str,
    ignored: str | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    here: bool = False,
) -> None:
    """`tell`, for an event of any name, which handlers ignore that have a true attribute of the name `ignored`."""
    if methods := _methods(handlers, event, (ignored,)):
        await _tell(handlers, methods, event, args, kwargs, here=here)


class _Call(NamedTuple):
    """One method of one handler, as it is called.

    quiet: the failures that are in the log already, and the run that this is about; None: each is logged.
    """

    handler: Any
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    here: bool
    quiet: _Quiet | None


_Quiet = tuple[set[tuple[int, int]], int]


# Its arguments are not packed together: for a chunk, that alone would be a tenth of the time.
async def _tell(
    handlers: Sequence[Any],
    methods: Sequence[_Method],
    event: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    here: bool = False,
    quiet: _Quiet | None = None,
) -> None:
    raised: Exception | None = None
    off_the_loop: list[_Call] = []
    for position, name, awaited, ignored in methods:
        handler = handlers[position]
        if ignored and any(getattr(handler, condition) for condition in ignored):
            continue
        given = args if name == event else _as_text(args)
        apart = not (here or handler.run_inline)
        if apart and not awaited:
            off_the_loop.append(_Call(handler, name, given, kwargs, here, quiet))
            continue
        try:
            done = getattr(handler, name)(*given, **kwargs)
            if awaited and apart:
                if (rest := _apart(done)) is not None:
                    await rest
            elif awaited or inspect.isawaitable(done):
                await _finish(handler, done, here=here)
        except BaseException as error:  # noqa: BLE001 - a handler's failure is not the call's
            call = _Call(handler, name, given, kwargs, here, quiet)
            raised = await _failed(call, _its_own(error, here=here)) or raised
    if off_the_loop:
        raised = await _tell_off_the_loop(off_the_loop) or raised
    if raised is not None:
        raise raised


async def _tell_each(
    handlers: Sequence[Any], methods: Sequence[_Method], event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """`_tell`, of a run's beginning or end: a handler that is waited for as the call is cancelled is not the last."""
    if len(methods) == 1:
        await _tell(handlers, methods, event, args, kwargs)
        return
    waited = [(method,) for method in methods if method.awaited or handlers[method.position].run_inline]
    others = tuple(method for method in methods if not (method.awaited or handlers[method.position].run_inline))
    in_turn = [*waited, others] if others else waited
    await to_the_last(partial(_tell, handlers, each, event, args, kwargs) for each in in_turn)


def _its_own(error: BaseException, *, here: bool) -> Exception:
    """A handler's failure; what is none of its own is raised."""
    if isinstance(error, Exception):
        return error
    if here or not isinstance(error, anyio.get_cancelled_exc_class()) or told_to_stop():
        raise error
    return ChatCoreError("It awaited a task that somebody else had cancelled.")


def _as_text(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of `on_llm_start`, from those of `on_chat_model_start`."""
    serialized, messages, *rest = args
    return (serialized, [get_buffer_string(each) for each in messages], *rest)


async def _tell_off_the_loop(calls: Sequence[_Call]) -> Exception | None:
    raised: Exception | None = None
    for call, done in zip(calls, await in_thread(_in_turn, calls), strict=True):
        try:
            if isinstance(done, Exception):
                raised = await _failed(call, done) or raised
            elif inspect.isawaitable(done):
                await _finish(call.handler, done, here=False)
        except Exception as error:  # noqa: BLE001 - as above
            raised = await _failed(call, error) or raised
    return raised


def _in_turn(calls: Sequence[_Call]) -> list[Any]:
    """Make all of them, in a worker thread; give what each returned or raised."""
    done: list[Any] = []
    for call in calls:
        made = partial(getattr(call.handler, call.name), *call.args, **call.kwargs)
        try:
            done.append(copy_context().run(made))
        except Exception as error:  # noqa: BLE001 - the caller looks at each
            done.append(error)
    return done


async def _finish(handler: Any, made: Awaitable[Any], *, here: bool) -> None:
    if here:
        await_from_thread(lambda: made)
    elif handler.run_inline or not inspect.iscoroutine(made):
        await made
    elif (rest := _apart(made)) is not None:
        await rest


async def _failed(call: _Call, error: Exception) -> Exception | None:
    """What to do about a method's failure: give the error if it is to be raised, otherwise log it."""
    handler, name, args, kwargs, here, quiet = call
    if name == "on_chat_model_start" and isinstance(error, NotImplementedError):
        # So does a handler say that it wants the messages as text.
        try:
            await tell((handler,), "on_llm_start", _as_text(args), kwargs, here=here)
        except Exception as raised:  # noqa: BLE001 - the caller raises it
            return raised
        return None
    if handler.raise_error:
        return error
    if quiet is not None:
        logged, run = quiet
        if (run, id(handler)) in logged:
            return None
        logged.add((run, id(handler)))
    _LOGGER.warning("Error in %s.%s callback: %r", type(handler).__name__, name, error, exc_info=error)
    return None


def _apart(steps: Coroutine[Any, Any, object]) -> Awaitable[None] | None:
    """Begin a coroutine in a copy of the context, so that what it sets there stays there; give what is left of it.

    It costs no task: most methods are over without having waited.
    """
    within = copy_context().run
    try:
        asked = within(steps.send, None)
    except StopIteration:
        return None
    return _rest(steps, within, asked)


@coroutine
def _rest(
    steps: Coroutine[Any, Any, object], within: Callable[..., Any], asked: object
) -> Generator[object, Any, None]:
    with suppress(StopIteration):
        while True:
            try:
                answer = yield asked
            except GeneratorExit:
                within(steps.close)
                raise
            except BaseException as error:  # noqa: BLE001 - the coroutine is to see it
                asked = within(steps.throw, error)
            else:
                asked = within(steps.send, answer)


def driven(steps: Coroutine[Any, Any, R]) -> R:
    """What a coroutine gives that never waits, since whatever it tells is told `here`."""
    try:
        steps.send(None)
    except StopIteration as ended:
        return cast("R", ended.value)
    steps.close()
    msg = f"{steps!r} waits, and so has no sync form."
    raise RuntimeError(msg)


@overload
def at_once(method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]: ...
@overload
def at_once(method: Callable[P, Coroutine[Any, Any, Any]], gives: type[R]) -> Callable[P, R]: ...
def at_once(method: Callable[P, Coroutine[Any, Any, Any]], gives: object = None) -> Callable[P, Any]:
    """The sync form of an async method that never waits where its object tells handlers `here`.

    Args:
        method: the async method.
        gives: the type of what its sync form returns, if that is another.
    """
    del gives

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return driven(method(*args, **kwargs))

    return call


# ------------------------------------------------------------------------------------------------------- for the engine


class Handlers:
    """Handlers as one listener of runs: each event of a run is told by the method that its kind has for it."""

    __slots__ = ("_plan", "_quiet", "_tokens", "handlers")

    wants_chunks = False

    def __init__(self, handlers: tuple[BaseCallbackHandler, ...]) -> None:
        self.handlers = handlers
        self._plan = plan = _plan(handlers)
        self._tokens = plan.get("on_llm_new_token", ())
        # Who has failed at a token already: one entry in the log for a stream is enough.
        self._quiet: set[tuple[int, int]] = set()

    async def started(self, run: Run) -> None:
        """The run of a model, chain, tool or retriever began."""
        event, arguments = _STARTED.get(run.kind, _CHAIN_STARTED)
        if methods := self._plan.get(event):
            args, more = arguments(run)
            more.update(run_id=run.id, parent_run_id=run.parent_id, tags=run.tags, metadata=run.metadata, name=run.name)
            await _tell_each(self.handlers, methods, event, args, more)

    async def chunk(self, run: Run, chunk: Any) -> None:
        """A chunk came; handlers hear of those of models."""
        methods = self._tokens
        if methods and isinstance(chunk, AIMessageChunk) and run.kind == "chat_model":
            more = {
                "chunk": ChatGenerationChunk(message=chunk),
                "run_id": run.id,
                "parent_run_id": run.parent_id,
                "tags": run.tags,
            }
            quiet = (self._quiet, id(run))
            await _tell(self.handlers, methods, "on_llm_new_token", (chunk.content,), more, quiet=quiet)

    async def ended(self, run: Run, output: Any) -> None:
        """The run gave its output."""
        self._over(run)
        event = _ENDED.get(run.kind, "on_chain_end")
        if methods := self._plan.get(event):
            more: dict[str, Any] = {"run_id": run.id, "parent_run_id": run.parent_id, "tags": run.tags}
            if event == "on_llm_end":
                output = _answered(run, output)
            elif event == "on_tool_end":
                more["name"] = run.name
            elif run.stream:
                more["inputs"] = run.inputs
            await _tell_each(self.handlers, methods, event, (output,), more)

    async def failed(self, run: Run, error: BaseException) -> None:
        """The run failed, was cancelled, or was left by its reader."""
        self._over(run)
        event = _FAILED.get(run.kind, "on_chain_error")
        if methods := self._plan.get(event):
            more: dict[str, Any] = {"run_id": run.id, "parent_run_id": run.parent_id, "tags": run.tags}
            if event == "on_llm_error":
                more["response"] = _result([] if run.partial is None else [_generation(run.partial)])
            elif event == "on_tool_error":
                more["tool_call_id"] = run.details.get("tool_call_id")
            elif run.stream and event == "on_chain_error":
                more["inputs"] = run.inputs
            await _tell_each(self.handlers, methods, event, (error,), more)

    async def custom(self, run: Run, name: str, data: Any) -> None:
        """The user's code has dispatched an event from within the run."""
        if methods := self._plan.get("on_custom_event"):
            more = {"run_id": run.id, "tags": run.tags, "metadata": run.metadata}
            await _tell(self.handlers, methods, "on_custom_event", (name, data), more)

    def _over(self, run: Run) -> None:
        if self._quiet:
            self._quiet = {logged for logged in self._quiet if logged[0] != id(run)}


_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _chat_model_started(run: Run) -> _Arguments:
    stop: Any = run.settings.get("stop")
    settings = run.settings
    params: dict[str, Any] = {**settings, "stop": stop}
    model = run.runnable
    if hasattr(model, "_get_invocation_params"):
        params = model._get_invocation_params(**params)  # noqa: SLF001 - a chat model's
        # What the model does not tell as a parameter is not told as an option either.
        settings = {key: params[key] for key in settings if key in params}
    options = {**settings, "stop": stop} if run.stream else {"stop": stop}
    return (_serialized(run), [run.inputs]), {"invocation_params": params, "options": options, "batch_size": 1}


def _chain_started(run: Run) -> _Arguments:
    inputs = run.inputs
    if inputs is None and run.stream:
        # A step that reads chunks has not read any yet.
        inputs = {"input": ""}
    return (None, inputs), {"run_type": None if run.kind == "chain" else run.kind}


def _tool_started(run: Run) -> _Arguments:
    given: Any = run.inputs
    details = run.details
    about = {"name": run.name, "description": getattr(run.runnable, "description", "")}
    inputs = cast("dict[str, Any]", given) if isinstance(given, dict) else None
    more: dict[str, Any] = {"inputs": inputs, "tool_call_id": details.get("tool_call_id")}
    return (about, details.get("input_str") or str(run.inputs)), more


def _retriever_started(run: Run) -> _Arguments:
    return (_serialized(run), run.inputs), {}


_CHAIN_STARTED = ("on_chain_start", _chain_started)
_STARTED: dict[str, tuple[str, Callable[[Run], _Arguments]]] = {
    "chat_model": ("on_chat_model_start", _chat_model_started),
    "tool": ("on_tool_start", _tool_started),
    "retriever": ("on_retriever_start", _retriever_started),
}
_ENDED = {"chat_model": "on_llm_end", "tool": "on_tool_end", "retriever": "on_retriever_end"}
_FAILED = {"chat_model": "on_llm_error", "tool": "on_tool_error", "retriever": "on_retriever_error"}


def _serialized(run: Run) -> dict[str, Any]:
    """What was called, by its class; no fields, since they may hold secrets."""
    path, name = _class_of(cast("object", type(run.runnable)))
    return {"lc": 1, "type": "not_implemented", "id": [*path], "name": name}


@lru_cache(maxsize=512)
def _class_of(kind: Any) -> tuple[tuple[str, ...], str]:
    return (*kind.__module__.split("."), kind.__qualname__), kind.__name__


def _answered(run: Run, output: Any) -> LLMResult:
    chat_result = None if run.stream else getattr(run.origin, "chat_result", None)
    if chat_result is None:
        return _result([_generation(output)])
    result = chat_result()
    return _result(result.generations, result.llm_output)


def _generation(message: Any) -> ChatGeneration:
    kind = ChatGenerationChunk if isinstance(message, AIMessageChunk) else ChatGeneration
    return kind(message=message)


def _result(generations: list[ChatGeneration], llm_output: dict[str, Any] | None = None) -> LLMResult:
    # They have been validated as what they are: to do so again would cost a third of the event.
    result = LLMResult.__new__(LLMResult)
    fields = {"generations": [[*generations]], "llm_output": llm_output, "run": None, "type": "LLMResult"}
    set_fields(result, fields)
    set_fields_set(result, {"generations", "llm_output"})
    set_extra(result, None)
    set_private(result, None)
    return result
