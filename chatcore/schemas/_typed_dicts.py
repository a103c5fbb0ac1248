"""The JSON Schema of a TypedDict, with the defaults and descriptions that its annotations and docstring give.

A TypedDict has a twin: the same keys, with each `Annotated[type, default, description]` said in pydantic's words, and
with `typing.TypedDict` replaced by `typing_extensions.TypedDict` throughout, for pydantic takes no other before Python
3.12. The twin is what answers are validated by, too.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, cast, get_args, get_origin

import typing_extensions
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from chatcore.errors import ConfigurationError
from chatcore.schemas._docstrings import describe
from chatcore.schemas._injected import is_injected

__all__ = ["adapter_of", "typed_dict_schema"]

_NEEDED: dict[Any, bool] = {Required: True, NotRequired: False}
# Origins that cannot be subscripted themselves.
_SUBSCRIPTABLE: dict[Any, Any] = {types.UnionType: Union, get_origin(Callable[[], None]): None, Literal: None}


def typed_dict_schema(typed_dict: type) -> dict[str, Any]:
    """The JSON Schema of a TypedDict as the model is shown it, with `$defs`; injected keys are left out."""
    return _adapter(typed_dict, shown=True).json_schema(schema_generator=_Plain)


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """What validates a value of this type, injected keys of TypedDicts included."""
    return _adapter(annotation, shown=False) if isinstance(annotation, Hashable) else _made(annotation, shown=False)


def _made(annotation: Any, *, shown: bool) -> TypeAdapter[Any]:
    return TypeAdapter(_Twins(shown=shown).of(annotation))


_adapter = cache(_made)


class _Twins:
    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._made: dict[type, Any] = {}

    def of(self, annotation: Any) -> Any:
        """The annotation with a twin for each TypedDict in it."""
        if typing_extensions.is_typeddict(annotation):
            return self._made.get(annotation) or self._twin(annotation)
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return Annotated[(self.of(args[0]), *args[1:])]
        origin = _SUBSCRIPTABLE.get(origin, origin)
        if origin is None or not args:
            return annotation
        inner = tuple(self.of(arg) for arg in args)
        return annotation if all(new is old for new, old in zip(inner, args, strict=True)) else origin[inner]

    def _twin(self, typed_dict: type) -> Any:
        hints = _hints(typed_dict)
        # Nobody wrote what a TypedDict inherits from `dict`.
        own = typed_dict.__dict__.get("__doc__")
        said = describe(inspect.cleandoc(own) if own else None, list(hints))
        made = cast("Any", typing_extensions.TypedDict)(typed_dict.__name__, {})
        # Known before its keys are: they may lead back to it.
        self._made[typed_dict] = made
        optional: set[str] = getattr(typed_dict, "__optional_keys__", set())
        keys: dict[str, Any] = {}
        required: set[str] = set()
        for name, hint in hints.items():
            bare, notes, needed = _unqualified(hint)
            if self._shown and is_injected(Annotated[(bare, *notes)] if notes else bare):
                continue
            default, description, kept = _told(name, notes)
            description = said.arguments.get(name) or description
            # Of annotations written as strings, Python itself does not see `Required` and `NotRequired`.
            if default is ... and (name not in optional if needed is None else needed):
                required.add(name)
            if description:
                kept.append(Field(description=description))
            if default is not ... and default is not None:
                # A key may be missing; what it then means is the model's to know, and no value of the answer.
                kept.append(Field(json_schema_extra={"default": default}))
            keys[name] = Annotated[(self.of(bare), *kept)] if kept else self.of(bare)
        made.__annotations__ = keys
        made.__required_keys__ = frozenset(required)
        made.__optional_keys__ = frozenset(keys.keys() - required)
        made.__doc__ = said.text or None
        made.__module__ = typed_dict.__module__
        made.__pydantic_config__ = {
            "arbitrary_types_allowed": True,
            # What a model adds to an answer is the user's to see, but no part of what it is asked for.
            **({} if self._shown else {"extra": "allow"}),
            **getattr(typed_dict, "__pydantic_config__", ConfigDict()),
        }
        return made


def _hints(typed_dict: type) -> Mapping[str, Any]:
    try:
        return typing_extensions.get_type_hints(typed_dict, include_extras=True)
    except (NameError, TypeError) as error:
        msg = (
            f"The annotations of {typed_dict.__name__} cannot be resolved: {error}. Import what they name where it is "
            "defined, outside of `if TYPE_CHECKING:`, and define it at the top of its module."
        )
        raise ConfigurationError(msg) from error


def _unqualified(hint: Any) -> tuple[Any, list[Any], bool | None]:
    """A key's type, the extras of `Annotated`, and whether it is `Required`; None: neither that nor `NotRequired`."""
    notes: list[Any] = []
    needed = None
    while (origin := get_origin(hint)) is Annotated or origin in {*_NEEDED, typing_extensions.ReadOnly}:
        hint, *more = get_args(hint)
        notes = [*more, *notes]
        needed = _NEEDED.get(origin, needed)
    return hint, notes, needed


def _told(name: str, notes: list[Any]) -> tuple[Any, str | None, list[Any]]:
    """Of a key's extras: its default (`...`: none), its description, and what is pydantic's to read."""
    kept = [note for note in notes if isinstance(note, FieldInfo) or hasattr(note, "__get_pydantic_core_schema__")]
    told = [note for note in notes if not any(note is other for other in kept) and not _is_constraint(note)]
    kept += [note for note in notes if _is_constraint(note)]
    if not told:
        return ..., None, kept
    description = told[1] if len(told) > 1 else None
    if description and not isinstance(description, str):
        msg = (
            f"Invalid annotation for field {name}. Third argument to Annotated must be a string description, received "
            f"value of type {type(description)}. Write Annotated[type, default or ..., 'description']."
        )
        raise ConfigurationError(msg)
    return told[0], description or None, kept


def _is_constraint(note: Any) -> bool:
    """Whether this is one of `annotated_types`' or of pydantic's."""
    return type(note).__module__.partition(".")[0] in {"annotated_types", "pydantic"}


class _Plain(GenerateJsonSchema):
    """JSON Schema in the plainer words that the reference uses for TypedDicts: what may be missing is not null, too."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        made = super().tuple_schema(schema)
        if "prefixItems" in made:
            made["items"] = made.pop("prefixItems")
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        if made.get("additionalProperties") is True:
            del made["additionalProperties"]
        return made

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        made = super().literal_schema(schema)
        if "const" in made:
            made["enum"] = [made.pop("const")]
        return made

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:  # noqa: ARG002 - pydantic's signature
        return {"type": "number"}
