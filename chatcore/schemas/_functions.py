"""The pydantic model of a function's arguments."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from chatcore.errors import ConfigurationError
from chatcore.schemas._annotations import annotations_of
from chatcore.schemas._docstrings import describe
from chatcore.schemas._injected import is_injected

__all__ = ["create_schema_from_function", "function_name", "subset_model"]

_CONFIG = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())
# What a run gives to a function that asks for it by these names.
_GIVEN = ("run_manager", "callbacks")
_PLAIN = inspect.Parameter.empty


def create_schema_from_function(
    model_name: str,
    func: Callable[..., Any],
    *,
    filter_args: Sequence[str] | None = None,
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = False,
    include_injected: bool = True,
) -> type[BaseModel]:
    """Make a pydantic model of a function's arguments.

    Args:
        model_name: what the model is called.
        func: a function, sync or async, a method, a partial, a class or an object with `__call__`.
        filter_args: names to leave out; by default `run_manager`, `callbacks`, and a method's `self` or `cls`.
        parse_docstring: whether the docstring describes the arguments, in Google, NumPy or Sphinx style. What
            `Annotated` says counts where it does not.
        error_on_invalid_docstring: whether a docstring that describes no arguments is an error.
        include_injected: whether injected arguments are fields, too: for validating a call they are, for the model
            they are not.

    Returns:
        A subclass of `BaseModel`, its docstring the function's description.

    Raises:
        ConfigurationError: the signature cannot be read, an annotation cannot be resolved, or the docstring describes
            an argument that there is not.
    """
    parameters = _parameters(func)
    annotations, attributes = annotations_of(func), _attributes(func)
    docstring = _docstring(func)
    if parse_docstring:
        said = describe(docstring, list(parameters), error_on_invalid=error_on_invalid_docstring)
        # Of a partial's arguments, the function's docstring describes those that are given already, too.
        known = _parameters(_whole(func))
        strangers = [name for name in said.arguments if name.lstrip("*") not in known]
        if said.google and strangers:
            msg = (
                f"Arg {strangers[0]} in docstring not found in function signature. {model_name} takes "
                f"{', '.join(parameters) or 'no arguments'}: correct the docstring or the signature."
            )
            raise ConfigurationError(msg)
        text, descriptions = said.text, said.arguments
    else:
        text, descriptions = docstring or "", {}
    hidden = list(filter_args or _GIVEN)
    if isinstance(func, functools.partial) and not include_injected:
        hidden += cast("functools.partial[Any]", func).keywords
    first = next(iter(parameters), None)
    if not filter_args and first in {"self", "cls"} and "." in str(getattr(cast("Any", func), "__qualname__", "")):
        hidden.append(first)
    fields: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name in hidden:
            continue
        annotation = _resolved(annotations[name], name, model_name)
        if include_injected or not is_injected(annotation):
            description = descriptions.get(name) or _annotated_description(annotation)
            fields[name] = _field(parameter, annotation, description, attributes)
    model = _made(model_name, fields, text)
    found = model.model_fields
    if any(field.alias or field.validation_alias or descriptions.get(name) for name, field in found.items()):
        # A call gives arguments by the function's own names; and the docstring has the last word on each.
        model = subset_model(model_name, model, fields, descriptions=descriptions, fn_description=text)
    return model


def subset_model(
    name: str,
    model: type[BaseModel],
    field_names: Iterable[str],
    *,
    descriptions: Mapping[str, str] | None = None,
    fn_description: str | None = None,
) -> type[BaseModel]:
    """Make a model with some of another's fields, without their aliases.

    Args:
        name: what the new model is called.
        model: where the fields come from.
        field_names: which, in their order.
        descriptions: what to say of a field in place of what the model says.
        fn_description: the new model's docstring; by default the old one's.

    Returns:
        A subclass of `BaseModel`.
    """
    fields: dict[str, Any] = {}
    for field_name in field_names:
        old = model.model_fields[field_name]
        facts: dict[str, Any] = {
            "description": (descriptions or {}).get(field_name, old.description),
            "title": old.title,
            "examples": old.examples,
            "json_schema_extra": old.json_schema_extra,
        }
        if old.default_factory is not None:
            facts["default_factory"] = old.default_factory
        else:
            facts["default"] = old.default
        new = cast("Any", FieldInfo)(
            **{fact: value for fact, value in facts.items() if value is not None or fact == "default"}
        )
        new.metadata = old.metadata
        fields[field_name] = (old.annotation, new)
    made = _made(name, fields, fn_description or model.__doc__ or "")
    # Pydantic takes the extras of `Annotated` out of a field's annotation; injected arguments are known by them.
    made.__annotations__ = {
        field_name: annotation for field_name, annotation in _annotations(model).items() if field_name in fields
    }
    return made


def function_name(func: Callable[..., Any]) -> str:
    """What a callable is called: its own name, a partial's function's, or an object's class's."""
    func = _whole(func)
    name = getattr(func, "__name__", None)
    return name if isinstance(name, str) else type(func).__name__


def _whole(func: Callable[..., Any]) -> Callable[..., Any]:
    """A partial's function."""
    while isinstance(func, functools.partial):
        func = cast("functools.partial[Any]", func).func
    return func


def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        found.update(inspect.get_annotations(base))
    return found


def _made(name: str, fields: dict[str, Any], text: str) -> type[BaseModel]:
    with warnings.catch_warnings():
        # An argument may be called `schema` or `json`: nobody asks the model for its methods of these names.
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute", category=UserWarning)
        model = create_model(name, __config__=_CONFIG, **fields)
    model.__doc__ = textwrap.dedent(text)
    return model


def _resolved(annotation: Any, name: str, function: str) -> Any:
    if isinstance(annotation, str):
        msg = (
            f"The annotation {annotation!r} of the argument {name!r} of {function} cannot be resolved. Import what it "
            "names where the function is defined, outside of `if TYPE_CHECKING:`, at the top of a module."
        )
        raise ConfigurationError(msg)
    return Any if annotation is _PLAIN else annotation


def _attributes(func: Callable[..., Any]) -> dict[str, Any]:
    """A dataclass's fields as it keeps them, or a pydantic one's."""
    if not inspect.isclass(func):
        return {}
    found: dict[str, Any] = {**getattr(func, "__dataclass_fields__", {}), **getattr(func, "__pydantic_fields__", {})}
    return found


def _default(attribute: Any, default: Any) -> Any:
    if isinstance(attribute, FieldInfo):
        return attribute
    if attribute.default_factory is not dataclasses.MISSING:
        return Field(default_factory=attribute.default_factory)
    return default


def _field(
    parameter: inspect.Parameter, annotation: Any, description: str | None, attributes: dict[str, Any]
) -> tuple[Any, Any]:
    default: Any = ... if parameter.default is _PLAIN else parameter.default
    if parameter.name in attributes:
        default = _default(attributes[parameter.name], default)
    if parameter.kind is parameter.VAR_POSITIONAL:
        annotation, default = tuple[annotation, ...], None
    elif parameter.kind is parameter.VAR_KEYWORD:
        annotation, default = dict[str, annotation], None
    if description is None or isinstance(default, FieldInfo):
        return annotation, default
    return annotation, Field(default, description=description)


def _annotated_description(annotation: Any) -> str | None:
    for note in getattr(annotation, "__metadata__", ()):
        if isinstance(note, str):
            return note
        if isinstance(note, FieldInfo) and note.description:
            return note.description
    return None


def _parameters(func: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(func).parameters)
    except (TypeError, ValueError) as error:
        msg = f"{func!r} does not say what arguments it takes: {error}. Wrap it in a function with annotated arguments."
        raise ConfigurationError(msg) from error


def _docstring(func: Callable[..., Any]) -> str | None:
    func = _whole(func)
    if inspect.isclass(func):
        own = func.__dict__.get("__doc__")
        # A dataclass without a docstring is given its signature for one, which the model is told anyway.
        generated = hasattr(func, "__dataclass_fields__") and str(own).startswith(f"{func.__name__}(")
        return inspect.cleandoc(own) if own and not generated else None
    if not inspect.isroutine(func):
        return inspect.getdoc(type(func).__call__) or inspect.getdoc(type(func))
    return inspect.getdoc(func)
