"""What a runnable says of itself: its name, the types it takes and gives, what of it can be configured.

A decorated runnable is one of the same class with layers around it. Where the reference has wrappers with attributes
(`model.bind(stop="x").kwargs`), they are read off the layers here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, cast, get_type_hints

from pydantic import BaseModel

from chatcore.engine.policies import Fallbacks, Retry
from chatcore.engine.request import Config, Edit, Middleware, Open, Request, Response, merge_configs
from chatcore.runnables._config import RunnableConfig
from chatcore.runnables._configurable import Alternatives, Fields
from chatcore.runnables._schemas import config_model, generic_argument, model_of
from chatcore.runnables.utils import ConfigurableFieldSpec, get_unique_config_specs

__all__ = ["Described", "Typed", "configured", "decoration", "stand_in", "take_off", "wraps_as"]


@dataclass(frozen=True, slots=True)
class Typed:
    """The types that `with_types` has given; as middleware it does nothing.

    input, output: None where nothing was given.
    """

    run_name: ClassVar[str | None] = None

    input: Any = None
    output: Any = None

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        return next_open(request)


class Described:
    """The part of a runnable that describes it."""

    _middleware: ClassVar[tuple[Middleware, ...]] = ()

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """What this is called in errors and traces: its `name`, or its class.

        Args:
            suffix: put behind it, in the way the name is written: `RunnableLambdaInput`, `my_function_input`.
            name: used instead of its own.
        """
        found: str = name or getattr(self, "name", None) or _class_name(type(self))
        if not suffix:
            return found
        return f"{found}{suffix.title()}" if found[0].isupper() else f"{found}_{suffix.lower()}"

    # ------------------------------------------------------------------------------------------------------ types

    @property
    def InputType(self) -> Any:  # noqa: N802 - the reference's name
        """The type of what this takes; Any if that cannot be told."""
        given = _typed(self, "input")
        return self._input_type() if given is None else given

    @property
    def OutputType(self) -> Any:  # noqa: N802
        """The type of what this gives; Any if that cannot be told."""
        given = _typed(self, "output")
        return self._output_type() if given is None else given

    def _input_type(self) -> Any:
        return generic_argument(self, 0)

    def _output_type(self) -> Any:
        return generic_argument(self, 1)

    @property
    def input_schema(self) -> type[BaseModel]:
        """A pydantic model for what this takes."""
        return self.get_input_schema()

    @property
    def output_schema(self) -> type[BaseModel]:
        """A pydantic model for what this gives."""
        return self.get_output_schema()

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """A pydantic model for what this takes.

        Args:
            config: the call's config, where what is taken depends on what is configured.
        """
        del config
        return model_of(self.get_name("Input"), self.InputType)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """A pydantic model for what this gives. Arguments as for `get_input_schema`."""
        del config
        return model_of(self.get_name("Output"), self.OutputType)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """A JSON Schema for what this takes. Arguments as for `get_input_schema`."""
        return self.get_input_schema(config).model_json_schema()

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """A JSON Schema for what this gives. Arguments as for `get_input_schema`."""
        return self.get_output_schema(config).model_json_schema()

    # ---------------------------------------------------------------------------------------------------- configs

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What calls may configure, in this and in what it is made of.

        Raises:
            ConfigurationError: two different things have one id.
        """
        specs = self._specs()
        for layer in self._middleware:
            if isinstance(layer, Fallbacks):
                others = (spec for other in layer.others for spec in cast("Described", other).config_specs)
                specs = get_unique_config_specs([*specs, *others])
            elif isinstance(layer, Fields | Alternatives):
                specs = layer.config_specs
        return specs

    def _specs(self) -> list[ConfigurableFieldSpec]:
        """What calls may configure, without the layers."""
        return []

    def config_schema(self, *, include: Sequence[str] | None = None) -> type[BaseModel]:
        """A pydantic model for the configs of this.

        Args:
            include: which keys of a config are to be in it, besides `configurable`.
        """
        hints = get_type_hints(RunnableConfig, None, {"uuid": uuid})
        keys = {key: hints[key] for key in hints if key in (include or ())}
        return config_model(self.get_name("Config"), self.config_specs, keys)

    def get_config_jsonschema(self, *, include: Sequence[str] | None = None) -> dict[str, Any]:
        """A JSON Schema for the configs of this. Arguments as for `config_schema`."""
        return self.config_schema(include=include).model_json_schema()


def _class_name(kind: type) -> str:
    # Pydantic names a class that was given its types after both: `Thing[str, int]`.
    return kind.__name__.partition("[")[0]


def _typed(runnable: Any, side: str) -> Any:
    layers: tuple[Middleware, ...] = runnable._middleware  # noqa: SLF001 - one of us
    given = (getattr(layer, side) for layer in reversed(layers) if isinstance(layer, Typed))
    return next((one for one in given if one is not None), None)


# -------------------------------------------------------------------------------------------------------- stand-ins


def configured(runnable: Any, config: Config) -> tuple[Any, Config]:
    """The runnable that a call with this config would open in place of a configurable one, and its config then."""
    layers: tuple[Middleware, ...] = runnable._middleware  # noqa: SLF001 - one of us
    for layer in reversed(layers):
        if isinstance(layer, Edit):
            config = merge_configs(layer.config, config)
        elif isinstance(layer, Fields | Alternatives):
            chosen, config = layer.choose(config)
            if chosen is not None:
                return configured(chosen, config)
    return runnable, config


class _StandIn:
    """In a configurable runnable, the place of a method that no layer is around: it calls that of the configured one.

    It lies in the runnable's `__dict__`, where it hides the method of the class.
    """

    def __init__(self, owner: Any, name: str) -> None:
        self._owner = owner
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        owner, name = self._owner, self._name
        side = _SIDES.get(name)
        given = None if side is None else _typed(owner, side)
        if given is not None:
            return model_of(owner.get_name(side), given)
        if _has_values(kwargs.get("config")):
            runnable, config = configured(owner, kwargs["config"])
            kwargs = {**kwargs, "config": config}
        else:
            position = next((index for index, value in enumerate(args) if _has_values(value)), None)
            runnable, config = configured(owner, {} if position is None else args[position])
            if position is not None:
                args = (*args[:position], config, *args[position + 1 :])
        if runnable is owner:
            return getattr(cast("Any", type(owner)), name)(owner, *args, **kwargs)
        return getattr(runnable, name)(*args, **kwargs)


_SIDES = {"get_input_schema": "input", "get_output_schema": "output"}


def _has_values(given: object) -> bool:
    return isinstance(given, Mapping) and isinstance(cast("Mapping[str, Any]", given).get("configurable"), Mapping)


def stand_in(runnable: Any) -> None:
    """Put stand-ins into a runnable that has just been decorated, if its layers need them."""
    layers: tuple[Middleware, ...] = runnable._middleware  # noqa: SLF001 - one of us
    names: list[str] = []
    if any(isinstance(layer, Fields | Alternatives) for layer in layers):
        names = [*_SIDES, *_own_methods(cast("Any", type(runnable)))]
    elif any(isinstance(layer, Typed) for layer in layers):
        names = [*_SIDES]
    held: dict[str, Any] = runnable.__dict__
    held.update({name: _StandIn(runnable, name) for name in names})


def take_off(runnable: Any) -> None:
    """Take the layers, and what stands in for methods, off a runnable that has just been copied."""
    held: dict[str, Any] = runnable.__dict__
    for name in [name for name, value in held.items() if name == "_middleware" or isinstance(value, _StandIn)]:
        del held[name]


def _own_methods(kind: type) -> list[str]:
    """The public methods of a user's class. chatcore's own go through the layers, or keep them."""
    return [
        name
        for name in dir(kind)
        if not name.startswith("_")
        and name not in _LAYERED
        and _is_users(getattr(kind, name, None), kind.__dict__.get(name))
    ]


_LAYERED = frozenset(
    {
        *("invoke", "ainvoke", "stream", "astream", "batch", "abatch", "transform", "atransform"),
        *("bind_tools", "with_structured_output"),
    }
)
"""What classes of the user's may override that goes through the layers, or keeps them."""


def _is_users(found: Any, raw: Any) -> bool:
    if isinstance(raw, classmethod | staticmethod) or isinstance(found, type) or not callable(found):
        return False
    module: str = getattr(found, "__module__", None) or ""
    return module.partition(".")[0] not in ("chatcore", "pydantic")


# ------------------------------------------------------------------------------------- what wrappers are asked for


def _split(layers: tuple[Middleware, ...]) -> tuple[tuple[Middleware, ...], tuple[Middleware, ...]]:
    """The layers, and the outermost ones that only edit requests."""
    end = len(layers)
    while end and isinstance(layers[end - 1], Edit | Typed):
        end -= 1
    return layers[:end], layers[end:]


def _with_layers(runnable: Any, layers: tuple[Middleware, ...]) -> Any:
    bare = runnable._bare()  # noqa: SLF001 - one of us
    for layer in layers:
        bare = bare._with(layer)  # noqa: SLF001
    return bare


def _edits(runnable: Any) -> tuple[Edit, ...] | None:
    _, outer = _split(runnable._middleware)  # noqa: SLF001 - one of us
    return tuple(layer for layer in outer if isinstance(layer, Edit)) if outer else None


def _kwargs(runnable: Any) -> dict[str, Any] | None:
    edits = _edits(runnable)
    if edits is None:
        return {} if _outermost(runnable, Retry) else None
    return {key: value for edit in edits for key, value in edit.settings.items()}


def _config(runnable: Any) -> Any:
    edits = _edits(runnable)
    if edits is None:
        return {} if _outermost(runnable, Retry) else None
    config: Config = {}
    for edit in edits:
        config = merge_configs(config, edit.config)
    return config


def _bound(runnable: Any) -> Any:
    inner, outer = _split(runnable._middleware)  # noqa: SLF001 - one of us
    if outer:
        return _with_layers(runnable, inner)
    return _with_layers(runnable, inner[:-1]) if _outermost(runnable, Retry) else None


def _runnable(runnable: Any) -> Any:
    inner, outer = _split(runnable._middleware)  # noqa: SLF001 - one of us
    return _with_layers(runnable, (*inner[:-1], *outer)) if inner and isinstance(inner[-1], Fallbacks) else None


def _fallbacks(runnable: Any) -> Any:
    inner, outer = _split(runnable._middleware)  # noqa: SLF001 - one of us
    if not inner or not isinstance(inner[-1], Fallbacks):
        return None
    others = list(inner[-1].others)
    for layer in outer:
        others = [cast("Any", other)._with(layer) for other in others]  # noqa: SLF001
    return others


def _outermost(runnable: Any, kind: type) -> Any:
    layers: tuple[Middleware, ...] = runnable._middleware  # noqa: SLF001 - one of us
    return layers[-1] if layers and isinstance(layers[-1], kind) else None


def _beneath_edits(runnable: Any, kind: type | tuple[type, ...]) -> Any:
    inner, _ = _split(runnable._middleware)  # noqa: SLF001 - one of us
    return inner[-1] if inner and isinstance(inner[-1], kind) else None


def _of(kind: type, attribute: str) -> Callable[[Any], Any]:
    def read(runnable: Any) -> Any:
        layer = _beneath_edits(runnable, kind)
        return None if layer is None else getattr(layer, attribute)

    return read


def _default(runnable: Any) -> Any:
    layer = _beneath_edits(runnable, (Fields, Alternatives))
    return None if layer is None else layer.default


_READ: dict[str, Callable[[Any], Any]] = {
    "bound": _bound,
    "kwargs": _kwargs,
    "config": _config,
    "runnable": _runnable,
    "fallbacks": _fallbacks,
    "exceptions_to_handle": _of(Fallbacks, "on"),
    "exception_key": _of(Fallbacks, "key"),
    "max_attempt_number": _of(Retry, "attempts"),
    "retry_exception_types": _of(Retry, "on"),
    "default": _default,
    "fields": _of(Fields, "fields"),
    "which": _of(Alternatives, "which"),
    "alternatives": _of(Alternatives, "alternatives"),
    "default_key": _of(Alternatives, "default_key"),
    "prefix_keys": _of(Alternatives, "prefix_keys"),
}


def decoration(runnable: Any, name: str) -> Any:
    """What the reference's wrapper of a decorated runnable has under a name.

    Raises:
        AttributeError: this one has no such wrapper, or no wrapper has such a thing.
    """
    read = _READ.get(name)
    # The class's own, for an object that is not complete yet: one that is being copied or unpickled.
    value = read(runnable) if read is not None and runnable.__dict__.get("_middleware") else None
    if value is None:
        msg = f"{type(runnable).__name__!r} object has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=runnable)
    return value


def wraps_as(runnable: Any, kind: str) -> bool:
    """Whether the reference would give a wrapper of this kind: `"edit"`, `"retry"`, `"fallbacks"`, `"fields"`, ..."""
    if kind == "edit":
        return bool(_split(runnable._middleware)[1])  # noqa: SLF001 - one of us
    return _beneath_edits(runnable, _KINDS[kind]) is not None


_KINDS: dict[str, type | tuple[type, ...]] = {
    "retry": Retry,
    "fallbacks": Fallbacks,
    "fields": Fields,
    "alternatives": Alternatives,
    "configurable": (Fields, Alternatives),
}
