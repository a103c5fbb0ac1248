"""Arguments that the program hands to a tool, and the model never sees."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

__all__ = ["Injected", "injected_fields", "is_injected"]

# The reference's markers are known by their names, so that tools written for it are offered alike.
_FOREIGN_MARKERS = frozenset({"InjectedToolArg", "_DirectlyInjectedToolArg"})


class Injected:
    """The root of the markers for arguments that are not the model's to give.

    A parameter is injected if its annotation is `Annotated[..., marker]`, where the marker is a subclass of this class
    or an instance of one; or if its annotation is itself such a subclass.
    """


def is_injected(annotation: Any) -> bool:
    """Whether an argument of this type is injected when a tool runs.

    Args:
        annotation: the resolved annotation, with its `Annotated` extras.

    Returns:
        True for what is marked by a subclass of `Injected`, and for the config of the run.
    """
    if get_origin(annotation) in {Union, UnionType}:
        return any(is_injected(option) for option in get_args(annotation))
    marked = any(_is_marker(note) for note in getattr(annotation, "__metadata__", ()))
    return marked or _is_marker(get_origin(annotation) or annotation) or _is_config(annotation)


def injected_fields(model: type[BaseModel]) -> set[str]:
    """The names, in the model's JSON schema, of the fields that are injected."""
    hidden: set[str] = set()
    for name, field in model.model_fields.items():
        # Pydantic keeps the extras of `Annotated` beside the bare annotation.
        if is_injected(field.annotation) or any(_is_marker(note) for note in field.metadata):
            hidden |= {name, *(str(alias) for alias in (field.alias, field.validation_alias) if alias)}
    return hidden


def _is_marker(note: Any) -> bool:
    cls = note if isinstance(note, type) else type(note)
    return issubclass(cls, Injected) or any(base.__name__ in _FOREIGN_MARKERS for base in cls.__mro__)


def _is_config(annotation: Any) -> bool:
    # By its name, for runnables live floors above; and no TypedDict can be asked for its bases.
    return isinstance(annotation, type) and annotation.__name__ == "RunnableConfig"
