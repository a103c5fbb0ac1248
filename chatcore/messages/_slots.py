"""Filling a pydantic model without validating it.

A model answers in thousands of chunks, and validating one costs more than everything else that happens to it. Where all
that is given is known to be right (a plain string; what a codec has just made), the instance's slots are written at
once. The result is what validation would have made: equal, with the same fields in the same order, the same
`model_fields_set`. All four slots must be set: the fields (a dict, kept and not copied), the names of those that were
given, the extra fields (`{}` in a model that allows them, else None) and the private attributes (None in a model
without any).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

__all__ = ["get_fields", "set_extra", "set_fields", "set_fields_set", "set_private"]

# BaseModel.__setattr__ validates; the slots' own descriptors do not, and are twice as fast as object.__setattr__.
get_fields: Callable[[Any], dict[str, Any]] = vars(BaseModel)["__dict__"].__get__
set_fields: Callable[[Any, dict[str, Any]], None] = vars(BaseModel)["__dict__"].__set__
set_fields_set: Callable[[Any, set[str]], None] = vars(BaseModel)["__pydantic_fields_set__"].__set__
set_extra: Callable[[Any, dict[str, Any] | None], None] = vars(BaseModel)["__pydantic_extra__"].__set__
set_private: Callable[[Any, dict[str, Any] | None], None] = vars(BaseModel)["__pydantic_private__"].__set__
