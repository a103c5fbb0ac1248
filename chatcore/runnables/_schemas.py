"""Pydantic models that say what a runnable takes, gives and can be told by config."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from types import GenericAlias
from typing import Any, ClassVar, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from chatcore.runnables.utils import ConfigurableFieldSpec, get_function_first_arg_dict_keys

__all__ = [
    "argument_type",
    "config_model",
    "dict_model",
    "fields_of",
    "function_input_model",
    "generic_argument",
    "model_of",
    "result_type",
    "root_model",
]

_ARGUMENTS = 2
"""A runnable is generic in its input and its output."""

_SETTINGS = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())


# ------------------------------------------------------------------------------------------------------------- models


def model_of(name: str, annotation: Any) -> type[BaseModel]:
    """A model for values of a type: the type itself if it is a model, else a root model of that name."""
    if isinstance(annotation, type) and not isinstance(annotation, GenericAlias) and issubclass(annotation, BaseModel):
        return annotation
    return root_model(name, annotation)


def root_model(name: str, annotation: Any, default: Any = ...) -> type[BaseModel]:
    """A model whose whole value is of one type."""
    try:
        return _cached_root(name, annotation, default)
    except TypeError:
        # Something in it cannot be hashed.
        return _root(name, annotation, default)


def _root(name: str, annotation: Any, default: Any) -> type[BaseModel]:
    body: dict[str, Any] = {"__module__": __name__, "__annotations__": {"root": annotation}, "__doc__": None}
    if default is not ...:
        body["root"] = default
    return cast("type[BaseModel]", type(name, (_Root,), body))


class _Root(RootModel[Any]):
    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)


_cached_root = lru_cache(maxsize=256)(_root)

_TAKEN = frozenset(name for name in dir(BaseModel) if not name.startswith("_"))
"""What no field of a pydantic model may be called."""


def dict_model(name: str, fields: Mapping[str, tuple[Any, Any]]) -> type[BaseModel]:
    """A model for dicts: of each key the type and the default, `...` if it must be there."""
    definitions: dict[str, Any] = {}
    for key, (annotation, default) in fields.items():
        if key.startswith("_") or key in _TAKEN:
            title = key.lstrip("_").replace("_", " ").title()
            definitions[f"private_{key}"] = (
                annotation,
                Field(default=default, alias=key, serialization_alias=key, title=title),
            )
        else:
            definitions[key] = (annotation, default)
    with warnings.catch_warnings():
        # Keys are the user's: that one hides something of a model's is not their concern.
        warnings.simplefilter("ignore")
        return create_model(name, __config__=_SETTINGS, **definitions)


def fields_of(model: type[BaseModel]) -> dict[str, tuple[Any, Any]] | None:
    """What `dict_model` takes, of a model for dicts; None if it is a root model."""
    if issubclass(model, RootModel):
        return None
    return {field.alias or name: (field.annotation, _default(field)) for name, field in model.model_fields.items()}


def _default(field: FieldInfo) -> Any:
    if field.default_factory is not None:
        return Field(default_factory=field.default_factory)
    return ... if field.default is PydanticUndefined else field.default


def config_model(name: str, specs: Iterable[ConfigurableFieldSpec], keys: Mapping[str, Any]) -> type[BaseModel]:
    """A model for the configs of a runnable.

    Args:
        name: the model's name.
        specs: what can be configured.
        keys: the other keys of a config that are wanted, with their types.
    """
    fields: dict[str, tuple[Any, Any]] = {}
    configurable: dict[str, Any] = {
        spec.id: (spec.annotation, Field(spec.default, title=spec.name, description=spec.description)) for spec in specs
    }
    if configurable:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = create_model("Configurable", __config__=_SETTINGS, **configurable)
        fields["configurable"] = (made, None)
    fields.update({key: (annotation, None) for key, annotation in keys.items() if key != "configurable"})
    return dict_model(name, fields)


# -------------------------------------------------------------------------------------------------------------- types


def generic_argument(runnable: object, position: int) -> Any:
    """The type that a runnable, or its class, was given for its input (0) or output (1); Any if it was given none."""
    kind = type(runnable)
    constructed = get_args(runnable.__dict__.get("__orig_class__"))
    if len(constructed) == _ARGUMENTS:
        return constructed[position]
    for base in kind.__mro__:
        metadata: Mapping[str, Any] = base.__dict__.get("__pydantic_generic_metadata__") or {}
        given: tuple[Any, ...] = metadata.get("args") or ()
        if len(given) == _ARGUMENTS and not isinstance(given[position], TypeVar):
            return given[position]
    for base in kind.__mro__:
        for generic in base.__dict__.get("__orig_bases__", ()):
            given = get_args(generic)
            if len(given) == _ARGUMENTS and not isinstance(given[position], TypeVar):
                return given[position]
    return Any


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        try:
            return inspect.signature(function, eval_str=True)
        except (NameError, AttributeError, SyntaxError, TypeError):
            # Annotations written as text that mean nothing where the function was defined.
            return inspect.signature(function)
    except (ValueError, TypeError):
        # Functions written in C may have no signature.
        return None


def _known(annotation: Any) -> Any:
    return Any if annotation is inspect.Parameter.empty or isinstance(annotation, str) else annotation


def argument_type(function: Callable[..., Any]) -> Any:
    """The type of a function's first argument; Any if it does not say."""
    signature = _signature(function)
    first = next(iter(signature.parameters.values()), None) if signature else None
    return Any if first is None else _known(first.annotation)


def result_type(function: Callable[..., Any]) -> Any:
    """The type of what a function gives, of a generator function that of its items; Any if it does not say."""
    signature = _signature(function)
    given = Any if signature is None else _known(signature.return_annotation)
    return item_type(given) if get_origin(given) in (Iterator, AsyncIterator) else given


def item_type(annotation: Any) -> Any:
    """The `T` of an `Iterator[T]`; Any if there is none."""
    given = get_args(annotation)
    return given[0] if given else Any


def function_input_model(function: Callable[..., Any], name: str) -> type[BaseModel] | None:
    """A model for what a function takes that does not say its type but reads keys; None if it does neither."""
    if isinstance(function, itemgetter):
        # What an itemgetter gets is only in its repr, and in how it pickles.
        keys = cast("tuple[Any, ...]", function.__reduce__()[1])
        if all(isinstance(key, str) and key for key in keys):
            return dict_model(name, dict.fromkeys(keys, (Any, ...)))
        return root_model(name, list[Any])
    keys_read = get_function_first_arg_dict_keys(function)
    return dict_model(name, dict.fromkeys(keys_read, (Any, ...))) if keys_read else None
