"""Objects made of an answer that is still arriving.

What has come is validated piece by piece: a piece that is not yet valid (half a `Literal`, an object without its
required keys) is left out, or made of its own pieces. Validators of whole classes have nothing to say before the end.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

from chatcore.messages._shapes import is_dict, is_list
from chatcore.schemas._typed_dicts import adapter_of

__all__ = ["ABSENT", "partial_dict", "partial_of"]

ABSENT: Any = object()
"""What a piece is of which nothing can be made yet."""

_LISTS = frozenset({
    list,
    set,
    frozenset,
    tuple,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.abc.Set,
})  # fmt: skip


def partial_of(annotation: Any, value: Any) -> Any:
    """As much of an annotated type as the value that has come allows; `ABSENT` if nothing. Never raises.

    Args:
        annotation: a class or any other type.
        value: parsed JSON, as far as it has come.
    """
    try:
        return adapter_of(annotation).validate_python(value)
    except Exception:  # noqa: BLE001 - validators are the user's code, and were not written for half an answer
        try:
            return _pieces(annotation, value)
        except Exception:  # noqa: BLE001 - as above
            return ABSENT


def partial_dict(typed_dict: type, value: dict[str, Any]) -> dict[str, Any]:
    """The valid keys of a dict that becomes a TypedDict, and all that it does not know."""
    hints = get_type_hints(typed_dict)
    found = {name: partial_of(hints[name], part) if name in hints else part for name, part in value.items()}
    return {name: part for name, part in found.items() if part is not ABSENT}


def _pieces(annotation: Any, value: Any) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return partial_of(args[0], value) if is_dict(value) or is_list(value) else ABSENT
    if origin in {Union, UnionType}:
        return next((made for option in args if (made := partial_of(option, value)) is not ABSENT), ABSENT)
    if is_list(value):
        if origin not in _LISTS or not args:
            return ABSENT
        made = [partial_of(args[0], part) for part in value]
        return [part for part in made if part is not ABSENT]
    return _object(annotation, origin, args, value) if is_dict(value) else ABSENT


def _object(annotation: Any, origin: Any, args: tuple[Any, ...], value: dict[str, Any]) -> Any:
    if is_typeddict(annotation):
        return partial_dict(annotation, value)
    if origin in {dict, collections.abc.Mapping, collections.abc.MutableMapping} and len(args) == 2:
        made = {name: partial_of(args[1], part) for name, part in value.items()}
        return {name: part for name, part in made.items() if part is not ABSENT}
    cls = cast("Any", origin or annotation)
    if isinstance(cls, type) and issubclass(cast("type[Any]", cls), BaseModel):
        return _model(annotation, value)
    return _dataclass(cast("Any", cls), value) if dataclasses.is_dataclass(cls) else ABSENT


def _model(model: type[BaseModel], value: dict[str, Any]) -> BaseModel:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = next((key for key in (field.validation_alias, field.alias, name) if key in value), None)
        kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        part = ABSENT if key is None else partial_of(kind, value[str(key)])
        if part is not ABSENT:
            found[name] = part
    # As `model_construct` does it, which would also run `model_post_init` on what is not there yet.
    made = model.__new__(model)
    defaults = {
        name: field.get_default(call_default_factory=True, validated_data=found)
        for name, field in model.model_fields.items()
        if name not in found and not field.is_required()
    }
    values = defaults | found
    object.__setattr__(made, "__dict__", {name: values[name] for name in model.model_fields if name in values})
    object.__setattr__(made, "__pydantic_fields_set__", set(found))
    object.__setattr__(made, "__pydantic_extra__", {} if model.model_config.get("extra") == "allow" else None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def _dataclass(cls: type[Any], value: dict[str, Any]) -> Any:
    hints = get_type_hints(cls, include_extras=True)
    made = object.__new__(cast("Any", _unfinished)(cls))
    for field in dataclasses.fields(cls):
        part = partial_of(hints[field.name], value[field.name]) if field.name in value else ABSENT
        if part is ABSENT:
            part = _default(field)
        if part is not ABSENT:
            object.__setattr__(made, field.name, part)
    return made


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ABSENT if field.default is dataclasses.MISSING else field.default


@cache
def _unfinished(cls: type[Any]) -> type[Any]:
    """A dataclass some of whose attributes may be missing, which its own `__repr__` would not bear."""

    def there(self: Any) -> Iterator[str]:
        return (field.name for field in dataclasses.fields(cls) if hasattr(self, field.name))

    def __repr__(self: Any) -> str:  # noqa: N807 - it becomes one
        return f"{cls.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in there(self))})"

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - as above
        return type(other) is type(self) and _state(self, there) == _state(other, there)

    members = {"__repr__": __repr__, "__eq__": __eq__, "__hash__": None, "__slots__": (), "__module__": cls.__module__}
    return type(cls.__name__, (cls,), members)


def _state(made: Any, there: Callable[[Any], Iterator[str]]) -> Mapping[str, Any]:
    return {name: getattr(made, name) for name in there(made)}
