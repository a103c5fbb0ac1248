"""Filling a pydantic model without validating it.

A model answers in thousands of chunks, and validating one costs more than everything else that happens to it. Where all
that is given is known to be right (a plain string; what a codec has just made), the instance's slots are written at once.
The result is what validation would have made: equal, with the same fields in the same order, the same `model_fields_set`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fill", "set_extra", "set_fields", "set_fields_set", "set_private"]

# BaseModel.__setattr__ validates; the slots' own descriptors do not, and are twice as fast as object.__setattr__.
set_fields: Callable[[Any, dict[str, Any]], None] = vars(BaseModel)["__dict__"].__set__
set_fields_set: Callable[[Any, set[str]], None] = vars(BaseModel)["__pydantic_fields_set__"].__set__
set_extra: Callable[[Any, dict[str, Any] | None], None] = vars(BaseModel)["__pydantic_extra__"].__set__
set_private: Callable[[Any, dict[str, Any] | None], None] = vars(BaseModel)["__pydantic_private__"].__set__


def fill(instance: BaseModel, fields: dict[str, Any], fields_set: set[str], extra: dict[str, Any] | None) -> None:
    """Write what a validated instance holds.

    fields: every field of the model, in the model's order; kept, not copied.
    fields_set: the names of those that were given.
    extra: `{}` for a model that allows extra fields, None for one that does not.
    """
    set_fields(instance, fields)
    set_fields_set(instance, fields_set)
    set_extra(instance, extra)
    set_private(instance, None)
