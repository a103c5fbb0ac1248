"""From a call's config to a run: who listens, under which tags, and what the calls made within it are handed.

::

    config["callbacks"]      a list of handlers         an outermost call
                             a manager                  a call made within another one, or the user's own manager
                                  │
    begun(...) ── Run ── engine/following.py
                   └──── request.config["callbacks"]: the manager that this call's own calls find
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from chatcore.callbacks._deliver import Handlers
from chatcore.callbacks._hooks import hear_in_debugging, hooked
from chatcore.callbacks.base import BaseCallbackHandler, BaseCallbackManager
from chatcore.callbacks.manager import AsyncCallbackManager, BaseRunManager
from chatcore.engine.following import followed
from chatcore.engine.request import Config, Open, Request, Response
from chatcore.engine.runs import Listener, Run
from chatcore.errors import InvalidInputError
from chatcore.tracers.stdout import ConsoleCallbackHandler

if TYPE_CHECKING:
    import uuid

__all__ = ["begun", "found_by_hooks", "run_manager", "unheard", "with_handlers"]

_Managed = TypeVar("_Managed", bound=BaseRunManager)

hear_in_debugging(ConsoleCallbackHandler)


def begun(  # noqa: PLR0913 - what a call knows of itself, all by name
    request: Request,
    start: Open,
    *,
    runnable: Any,
    name: str,
    kind: str,
    inputs: Any,
    callbacks: Any = None,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    inheritable_metadata: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> AbstractAsyncContextManager[Response[Any]]:
    """Open `start(request)` as a run, if there is anybody to listen to it.

    Args:
        request: the call.
        start: what does the work.
        runnable: what was called.
        name: what it is called unless the config says otherwise.
        kind: what kind of run it is; see `Run`.
        inputs: what listeners are told that it was given.
        callbacks: handlers of this call alone, not of those made within it.
        tags: labels of this call alone.
        metadata: facts about this call alone.
        inheritable_metadata: facts about this call and those made within it.
        details: what else listeners may want to know; see `Run`.
    """
    config = request.config
    given = config.get("callbacks")
    if isinstance(given, BaseCallbackManager):
        heard, inherited = given.handlers, given.inheritable_handlers
        parent_ids = given.ancestors
        listeners = given.listeners
        base_tags, heir_tags = given.tags, given.inheritable_tags
        base_facts, heir_facts = given.metadata, given.inheritable_metadata
    else:
        heard = inherited = _handlers(given)
        parent_ids = ()
        listeners = None
        base_tags = heir_tags = _NO_TAGS
        base_facts = heir_facts = {}
    if callbacks:
        own = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else _handlers(callbacks)
        heard = [*heard, *(handler for handler in own if handler not in heard)]
    if not heard:
        return start(request if kind == "chat_model" else unheard(request))
    if listeners is None or callbacks:
        listeners = _listeners(heard)
    named = config.get("run_name")
    own_tags: Sequence[str] = config.get("tags") or ()
    own_facts: Mapping[str, Any] = config.get("metadata") or {}
    if inheritable_metadata:
        own_facts = {**own_facts, **inheritable_metadata}
    run = Run(
        listeners=listeners,
        runnable=runnable,
        name=named or name,
        kind=kind,
        inputs=inputs,
        id=_run_id(config),
        parent_ids=parent_ids,
        tags=_joined(base_tags, request.labels, own_tags, tags or ()),
        metadata={**base_facts, **own_facts, **(metadata or {})},
        settings=request.settings,
        details=details,
        stream=request.stream,
    )
    run.heirs = Heirs(inherited, heir_tags, own_tags, heir_facts, own_facts)
    handed = config
    if kind != "chat_model":
        # A model's hooks call nobody with this config.
        handed = {key: value for key, value in config.items() if key not in _OWN}
        handed["callbacks"] = within = manager_within(run)
        if heard == inherited:
            within.listeners = listeners
    # Written out: it is made for each call that is listened to, and `edited` takes three times as long.
    within_it = Request(
        request.input,
        handed,
        request.settings,
        request.stream,
        request.deadline,
        request.retried_by,
        request.upstream,
        request.prepared,
        run=run,
        attempt=request.attempt,
    )
    return followed(run, within_it, start)


def unheard(request: Request) -> Request:
    """What does the work of a call to which nobody listens gets this: the call's name and id are not its steps' own."""
    config = request.config
    if "run_id" not in config and "run_name" not in config:
        return request
    return request.edited(config={key: value for key, value in config.items() if key not in _OWN or key == "callbacks"})


class Heirs(NamedTuple):
    """What the calls made within a run inherit: handlers; tags and metadata from further out, and the run's own."""

    handlers: list[Any]
    tags: Iterable[str]
    own_tags: Iterable[str]
    metadata: Mapping[str, Any]
    own_metadata: Mapping[str, Any]


def manager_within(run: Run) -> AsyncCallbackManager:
    """What the calls made within `run` find in their config."""
    heirs: Heirs = run.heirs
    tags = _joined(heirs.tags, heirs.own_tags)
    facts = {**heirs.metadata, **heirs.own_metadata}
    within = AsyncCallbackManager(
        # Lists of its own: who adds to them adds nothing to the call around, nor to the other list.
        handlers=[*heirs.handlers],
        inheritable_handlers=[*heirs.handlers],
        parent_run_id=run.id,
        tags=tags,
        inheritable_tags=[*tags],
        metadata=facts,
        inheritable_metadata=facts,
    )
    within.ancestors = (*run.parent_ids, run.id)
    return within


def run_manager(run: Run, kind: type[_Managed]) -> _Managed:
    """What the user's code that does a run's work is given to tell of it, and to make calls within it.

    Args:
        run: the run.
        kind: which of `chatcore.callbacks`' managers for runs.
    """
    heirs: Heirs = run.heirs
    manager = kind(
        run_id=run.id,
        handlers=heirs.handlers,
        inheritable_handlers=heirs.handlers,
        parent_run_id=run.parent_id,
        tags=run.tags,
        inheritable_tags=_joined(heirs.tags, heirs.own_tags),
        metadata=run.metadata,
        inheritable_metadata={**heirs.metadata, **heirs.own_metadata},
    )
    manager.ancestors = run.parent_ids
    # Of a model's tokens the engine tells.
    manager._run = run  # noqa: SLF001 - one subject in two files
    return manager


_NO_TAGS: list[str] = []

_OWN = frozenset({"run_name", "run_id", "callbacks"})
"""What of a config is about one call only."""


def _run_id(config: Config) -> uuid.UUID | None:
    return cast("uuid.UUID | None", config.get("run_id"))


def _joined(*groups: Iterable[str]) -> list[str]:
    """All of them, each once, in their order."""
    if not any(groups):
        return []
    return list(dict.fromkeys(tag for group in groups for tag in group))


def _handlers(given: Any) -> list[Any]:
    if not given:
        return []
    if not isinstance(given, list | tuple):
        hint = " Put it in a list: [handler]." if isinstance(given, BaseCallbackHandler) else ""
        msg = f"callbacks must be a list of handlers or a callback manager, not {type(given).__name__}.{hint}"
        raise InvalidInputError(msg)
    return list(cast("list[Any]", given))


def _listeners(handlers: Sequence[Any]) -> tuple[Listener, ...]:
    classic: list[BaseCallbackHandler] = []
    others: list[Listener] = []
    for handler in handlers:
        if isinstance(handler, BaseCallbackHandler):
            classic.append(handler)
        elif hasattr(handler, "started"):
            others.append(handler)
        else:
            msg = f"A handler in callbacks must be a BaseCallbackHandler or AsyncCallbackHandler, not {handler!r}."
            raise InvalidInputError(msg)
    return (Handlers(tuple(classic)), *others) if classic else tuple(others)


def found_by_hooks(config: Config) -> Config:
    """The config with the handlers that hear a call without being in it."""
    given = config.get("callbacks")
    present = given.handlers if isinstance(given, BaseCallbackManager) else _handlers(given)
    found = [each.handler for each in hooked(cast("list[Any]", present))]
    return {**config, "callbacks": with_handlers(given, found)} if found else config


def with_handlers(callbacks: Any, more: Iterable[Any]) -> Any:
    """`config["callbacks"]` with handlers added that hear this call and all those made within it."""
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        for handler in more:
            manager.add_handler(handler)
        return manager
    given = _handlers(callbacks)
    return [*given, *(handler for handler in more if handler not in given)]
