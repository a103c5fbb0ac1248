"""What a tool reads from the signature of its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard, get_args, get_origin

from pydantic import BaseModel

from chatcore.runnables import RunnableConfig
from chatcore.schemas import is_injected
from chatcore.schemas._annotations import annotations_of

__all__ = ["GIVEN", "Facts", "is_model", "plain", "raised_by", "signature_facts"]

GIVEN = ("run_manager", "callbacks")
"""What the run gives to a function that names it."""

_OPEN = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


class Facts(NamedTuple):
    """What a signature says.

    names: all parameters.
    config: the one that is given the run's config.
    injected: the annotations of those that the program gives.
    needed: those of them that have no default.
    takes: whether there are any that the model gives, by name.
    """

    names: frozenset[str]
    config: str | None
    injected: dict[str, Any]
    needed: frozenset[str]
    takes: bool


def signature_facts(function: Callable[..., Any]) -> Facts:
    """Read a signature."""
    try:
        annotations = annotations_of(function)
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        # Functions written in C may have none.
        return Facts(frozenset(), None, {}, frozenset(), takes=False)
    config = next((name for name, annotation in annotations.items() if _is_config(annotation)), None)
    named = {
        name: annotation
        for name, annotation in annotations.items()
        if name != config and name not in GIVEN and parameters[name].kind not in _OPEN
    }
    injected = {name: annotation for name, annotation in named.items() if is_injected(annotation)}
    needed = frozenset(name for name in injected if parameters[name].default is inspect.Parameter.empty)
    return Facts(frozenset(annotations), config, injected, needed, takes=len(named) > len(injected))


def _is_config(annotation: Any) -> bool:
    if isinstance(annotation, str):
        # Imported for type checkers only: its name is enough.
        return "RunnableConfig" in annotation
    return RunnableConfig in (annotation, *get_args(annotation))


def is_model(schema: Any) -> TypeGuard[type[BaseModel]]:
    """Whether it is a pydantic model, and not a list of them, say."""
    return isinstance(schema, type) and get_origin(schema) is None and issubclass(schema, BaseModel)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method without its object."""
    return getattr(function, "__func__", function)


def raised_by(error: BaseException, function: Callable[..., Any]) -> bool:
    """Whether an error is the function's own, and not one of what it calls."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    return frames is not None and frames.tb_frame.f_code is getattr(plain(function), "__code__", None)
