"""The types that a callable's parameters are annotated with, however it is called and wherever it was written."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast, get_type_hints

__all__ = ["annotations_of"]


def annotations_of(func: Callable[..., Any]) -> dict[str, Any]:
    """The annotation of each parameter, resolved with its `Annotated` extras.

    Each is resolved by itself: one that only type checkers can resolve does not keep the others from being known.

    Args:
        func: a function, a method, a partial, a class or an object with `__call__`.

    Returns:
        By name, in order; `inspect.Parameter.empty` where there is none, and a str as it stands where no such name is
        known at run time.
    """
    names: Mapping[str, Any] | None = None
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(func).parameters.items():
        annotation = parameter.annotation
        if annotation is not parameter.empty:
            names = _names_around(func) if names is None else names
            annotation = _resolved(annotation, names)
        found[name] = annotation
    return found


def _resolved(annotation: Any, names: Mapping[str, Any]) -> Any:
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(holder, globalns=dict(names), include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - it is code of the user's that is evaluated here; whoever needs it says so
        return annotation


def _names_around(func: Any) -> Mapping[str, Any]:
    """The module of the function whose signature it is: a wrapper's may be another."""
    func = inspect.unwrap(func, stop=lambda outer: hasattr(outer, "__signature__"))
    while not (found := getattr(func, "__globals__", None)):
        if isinstance(func, functools.partial):
            func = cast("functools.partial[Any]", func).func
        elif inspect.ismethod(func):
            func = func.__func__
        elif inspect.isclass(func):
            makers = (type(func).__call__, func.__new__, func.__init__)
            made_by = next((maker for maker in makers if inspect.isfunction(maker)), None)
            if made_by is None:
                return vars(sys.modules[func.__module__])
            func = made_by
        elif hasattr(func, "__wrapped__"):
            func = func.__wrapped__
        elif inspect.isfunction(type(func).__call__):
            func = type(func).__call__
        else:
            return {}
    return cast("Mapping[str, Any]", found)
