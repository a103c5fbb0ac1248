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
from typing import TYPE_CHECKING, Any, cast

from chatcore.callbacks._deliver import Handlers
from chatcore.callbacks.base import BaseCallbackHandler, BaseCallbackManager
from chatcore.callbacks.manager import AsyncCallbackManager, AsyncCallbackManagerForLLMRun
from chatcore.engine.following import followed
from chatcore.engine.request import Config, Open, Request, Response
from chatcore.engine.runs import Listener, Run
from chatcore.errors import InvalidInputError

if TYPE_CHECKING:
    import uuid

__all__ = ["begun", "run_manager", "with_handlers"]


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
        base_tags = heir_tags = ()
        base_facts = heir_facts = {}
    if callbacks:
        own = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else _handlers(callbacks)
        heard = [*heard, *(handler for handler in own if handler not in heard)]
    if not heard:
        return start(request)
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
    run.within = within = AsyncCallbackManager(
        handlers=inherited,
        inheritable_handlers=inherited,
        parent_run_id=run.id,
        tags=(heirs := _joined(heir_tags, own_tags)),
        inheritable_tags=heirs,
        metadata=(facts := {**heir_facts, **own_facts}),
        inheritable_metadata=facts,
    )
    within.ancestors = (*parent_ids, run.id)
    if len(heard) == len(inherited):
        within.listeners = listeners
    handed = {key: value for key, value in config.items() if key not in _OWN}
    handed["callbacks"] = within
    return followed(run, request.edited(config=handed, labels=()), start)


def run_manager(run: Run) -> AsyncCallbackManagerForLLMRun:
    """What the hook of a chat model is given to tell of its tokens."""
    within: AsyncCallbackManager = run.within
    manager = AsyncCallbackManagerForLLMRun(
        run_id=run.id,
        handlers=within.handlers,
        inheritable_handlers=within.inheritable_handlers,
        parent_run_id=run.parent_id,
        tags=run.tags,
        inheritable_tags=within.inheritable_tags,
        metadata=run.metadata,
        inheritable_metadata=within.inheritable_metadata,
    )
    manager.ancestors = run.parent_ids
    manager._run = run  # noqa: SLF001 - the engine tells of it
    return manager


_OWN = frozenset({"run_name", "run_id", "callbacks"})
"""What of a config is about one call only."""


def _run_id(config: Config) -> uuid.UUID | None:
    return cast("uuid.UUID | None", config.get("run_id"))


def _joined(*groups: Iterable[str]) -> list[str]:
    """All of them, each once, in their order."""
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
    classic = tuple(handler for handler in handlers if isinstance(handler, BaseCallbackHandler))
    others = tuple(handler for handler in handlers if not isinstance(handler, BaseCallbackHandler))
    for other in others:
        if not hasattr(other, "started"):
            msg = f"A handler in callbacks must be a BaseCallbackHandler or AsyncCallbackHandler, not {other!r}."
            raise InvalidInputError(msg)
    return (*((Handlers(classic),) if classic else ()), *others)


def with_handlers(callbacks: Any, more: Iterable[Any]) -> Any:
    """`config["callbacks"]` with handlers added that hear this call and all those made within it."""
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        for handler in more:
            manager.add_handler(handler)
        return manager
    given = _handlers(callbacks)
    return [*given, *(handler for handler in more if handler not in given)]
