"""Handlers that hear calls without being in their config: those of context variables, and of debugging."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any, NamedTuple

from chatcore.callbacks.base import BaseCallbackHandler
from chatcore.errors import ConfigurationError
from chatcore.globals import get_debug

__all__ = ["HOOKS", "Hooked", "hear_in_debugging", "hooked", "register_configure_hook"]


class Hooked(NamedTuple):
    """A handler that a hook has found.

    inheritable: whether the calls within hear it even where the hook does not find it.
    """

    handler: BaseCallbackHandler
    inheritable: bool


class _Hook(NamedTuple):
    variable: ContextVar[Any]
    inheritable: bool
    handler_class: type[BaseCallbackHandler] | None
    environment: str | None


HOOKS: list[_Hook] = []
"""Where handlers may be found; usually nowhere."""

_in_debugging: list[type[BaseCallbackHandler]] = []


def register_configure_hook(
    context_var: ContextVar[Any | None],
    inheritable: bool,  # noqa: FBT001 - the reference's signature
    handle_class: type[BaseCallbackHandler] | None = None,
    env_var: str | None = None,
) -> None:
    """Let every call be heard by the handler that a context variable holds. For the life of the process.

    Args:
        context_var: a variable that holds a handler, or None.
        inheritable: whether calls within a call hear it even where the variable does not hold it.
        handle_class: what handler to make if the environment says so; a call that has one already gets no other.
        env_var: an environment variable that asks for a handler, unless it is empty, "0" or "false".

    Raises:
        ConfigurationError: `env_var` without `handle_class`.
    """
    if env_var is not None and handle_class is None:
        msg = "If env_var is set, handle_class must also be set to a non-None value."
        raise ConfigurationError(msg)
    HOOKS.append(_Hook(context_var, inheritable, handle_class, env_var))


def hear_in_debugging(kind: type[BaseCallbackHandler]) -> None:
    """Let every call be heard by a handler of this kind while `set_debug(True)` holds."""
    _in_debugging.append(kind)


def hooked(present: list[Any]) -> list[Hooked]:
    """The handlers that hear a call made here, beside those that are `present` already."""
    found: list[Hooked] = []
    for variable, inheritable, kind, environment in HOOKS:
        handler = variable.get()
        if handler is None and kind is not None and _is_set(environment):
            handler = kind()
        if handler is None:
            continue
        known = [*present, *(each.handler for each in found)]
        if not any(each is handler if kind is None else isinstance(each, kind) for each in known):
            found.append(Hooked(handler, inheritable))
    if get_debug():
        kinds = (kind for kind in _in_debugging if not any(isinstance(each, kind) for each in present))
        found.extend(Hooked(kind(), inheritable=True) for kind in kinds)
    return found


def _is_set(environment: str | None) -> bool:
    return environment is not None and os.environ.get(environment, "").lower() not in {"", "0", "false"}
