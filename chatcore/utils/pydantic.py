"""What a pydantic model is, of either version of pydantic.

Models of its first version are known by what they are called: importing that version costs more than all of chatcore.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, TypeGuard, TypeVar, cast

import pydantic
from pydantic import BaseModel

from chatcore.schemas._tools import model_schema

__all__ = [
    "PYDANTIC_MAJOR_VERSION",
    "PYDANTIC_MINOR_VERSION",
    "PydanticBaseModel",
    "TBaseModel",
    "TypeBaseModel",
    "get_fields",
    "get_pydantic_field_names",
    "is_basemodel_instance",
    "is_basemodel_subclass",
    "is_pydantic_v1_subclass",
    "is_pydantic_v2_subclass",
    "model_json_schema",
    "model_validate",
]

PYDANTIC_MAJOR_VERSION, PYDANTIC_MINOR_VERSION = (int(part) for part in pydantic.VERSION.split(".")[:2])
"""The installed pydantic's version."""

PydanticBaseModel = BaseModel
"""An instance of a model."""

TypeBaseModel = type[BaseModel]
"""A model."""

TBaseModel = TypeVar("TBaseModel", bound=BaseModel)
"""A kind of model."""


def is_pydantic_v1_subclass(cls: type) -> bool:
    """Whether a class is a model of pydantic's first version."""
    return any(base.__module__ == "pydantic.v1.main" and base.__name__ == "BaseModel" for base in cls.__mro__)


def is_pydantic_v2_subclass(cls: type) -> TypeGuard[type[BaseModel]]:
    """Whether a class is a model of pydantic's second version."""
    return issubclass(cls, BaseModel)


def is_basemodel_subclass(cls: Any) -> bool:
    """Whether this is a pydantic model: a class, not an instance."""
    if not isinstance(cls, type) or isinstance(cls, GenericAlias):
        return False
    found = cast("type[Any]", cls)
    return is_pydantic_v2_subclass(found) or is_pydantic_v1_subclass(found)


def is_basemodel_instance(obj: Any) -> bool:
    """Whether this is an instance of a pydantic model."""
    return is_basemodel_subclass(type(obj))


def get_fields(model: Any) -> dict[str, Any]:
    """The fields of a model, or of an instance of one, by name.

    Raises:
        TypeError: it is neither.
    """
    cls = _model(model if isinstance(model, type) else type(model))
    fields: dict[str, Any] = cls.model_fields if is_pydantic_v2_subclass(cls) else cls.__fields__
    return fields


def get_pydantic_field_names(pydantic_cls: Any) -> set[str]:
    """The names of a model's fields, and their aliases."""
    fields = get_fields(pydantic_cls)
    return {*fields, *(field.alias for field in fields.values() if field.alias)}


def model_json_schema(model: Any) -> dict[str, Any]:
    """The JSON Schema of a model.

    Raises:
        TypeError: it is no model.
    """
    return model_schema(_model(model))


def model_validate(model: Any, obj: Any) -> Any:
    """Make an instance of a model of a dict.

    Raises:
        TypeError: it is no model.
        ValueError: the dict does not fit.
    """
    cls = _model(model)
    return cls.model_validate(obj) if is_pydantic_v2_subclass(cls) else cls.parse_obj(obj)


def _model(given: Any) -> type[Any]:
    if not is_basemodel_subclass(given):
        msg = f"Expected a Pydantic model. Got {given!r}; give a subclass of pydantic.BaseModel."
        raise TypeError(msg)
    return cast("type[Any]", given)
