"""What calls may configure, as middleware: the layer opens another runnable in place of the one that it is around.

::

    model.configurable_fields(temperature=ConfigurableField(id="t"))
        └─ ainvoke(x, {"configurable": {"t": 0.9}}) ── Fields ── a model like this one, with temperature=0.9
    model.configurable_alternatives(ConfigurableField(id="llm"), other=...)
        └─ ainvoke(x, {"configurable": {"llm": "other"}}) ── Alternatives ── the other one
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, cast

from pydantic import BaseModel

from chatcore.engine.policies import Opens
from chatcore.engine.request import Config, Open, Request, Response
from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.runnables._config import RunnableConfig
from chatcore.runnables.utils import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    ConfigurableFieldSpec,
    get_unique_config_specs,
)

__all__ = ["Alternatives", "Fields"]


@dataclass(frozen=True, slots=True)
class Fields:
    """Gives fields of the runnable other values, where the config has some.

    default: the runnable below this layer.
    fields: what of it may be configured, by the names of its fields.
    """

    run_name: ClassVar[str | None] = None

    default: Any
    fields: Mapping[str, AnyConfigurableField]
    # A model made anew has new connections: for the same values it is the same one.
    made: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False, compare=False)

    def on(self, default: Any) -> Fields:
        return Fields(default, self.fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self.default, self.fields)

    def choose(self, config: Config) -> tuple[Any, Config]:
        given = _given(config)
        values: dict[str, Any] = {}
        for name, spec in self.fields.items():
            if not isinstance(spec, ConfigurableField):
                values[name] = _chosen(spec, given)
            elif spec.id in given:
                values[name] = given[spec.id]
        return (self._made(values) if values else None), config

    def _made(self, values: dict[str, Any]) -> Any:
        try:
            key = tuple((name, type(cast("object", value)), value) for name, value in values.items())
            known = self.made.get(key)
        except TypeError:
            # Values that cannot be hashed.
            return _remade(self.default, values)
        if known is None:
            if len(self.made) >= _KEPT:
                self.made.clear()
            known = self.made[key] = _remade(self.default, values)
        return known

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        known = cast("type[BaseModel]", type(self.default)).model_fields
        specs = [
            ConfigurableFieldSpec(
                id=spec.id,
                name=spec.name,
                description=spec.description or known[name].description,
                annotation=spec.annotation or known[name].annotation,
                default=getattr(self.default, name),
                is_shared=spec.is_shared,
            )
            if isinstance(spec, ConfigurableField)
            else _options_spec(spec, known[name].description)
            for name, spec in self.fields.items()
        ]
        return get_unique_config_specs([*specs, *self.default.config_specs])

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        chosen, config = self.choose(request.config)
        if chosen is None:
            return next_open(request)
        return cast("Opens", chosen)._open(request.edited(config=config, prepared=None))


def _given(config: Config) -> Mapping[str, Any]:
    """What a config says of what is configurable. Keys that no config has are taken for such, as in the reference."""
    given: Mapping[str, Any] = config.get("configurable") or {}
    more = config.keys() - RunnableConfig.__annotations__.keys()
    return {**{key: config[key] for key in more}, **given} if more else given


_KEPT = 16
"""How many configured models one layer keeps."""


def _chosen(spec: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, given: Mapping[str, Any]) -> Any:
    if isinstance(spec, ConfigurableFieldSingleOption):
        return _option(spec, given.get(spec.id) or spec.default)
    names = given.get(spec.id, spec.default)
    if isinstance(names, str) or not isinstance(names, Sequence):
        msg = f"config['configurable'][{spec.id!r}] is a list of options, not {names!r}."
        raise InvalidInputError(msg)
    return [_option(spec, name) for name in cast("Sequence[object]", names)]


def _option(spec: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, name: object) -> Any:
    if isinstance(name, enum.Enum):
        name = name.value
    if name not in spec.options:
        known = ", ".join(map(repr, spec.options))
        msg = f"Unknown option {name!r} for config['configurable'][{spec.id!r}]; it has {known}."
        raise InvalidInputError(msg)
    return spec.options[cast("str", name)]


def _remade(runnable: BaseModel, values: Mapping[str, Any]) -> Any:
    """A runnable of the same class with other values, made by its constructor, so that they are validated."""
    kind = type(runnable)
    by_name = bool(kind.model_config.get("populate_by_name") or kind.model_config.get("validate_by_name"))
    arguments: dict[str, Any] = {}
    for name, known in kind.model_fields.items():
        if name in values or name in runnable.model_fields_set:
            value = values[name] if name in values else getattr(runnable, name)
            alias = known.validation_alias if isinstance(known.validation_alias, str) else known.alias
            arguments[name if by_name or alias is None else alias] = value
    made: Any = kind(**arguments)
    for layer in cast("Any", runnable)._middleware:  # noqa: SLF001 - one of us
        made = made._with(layer.on(made) if isinstance(layer, Fields | Alternatives) else layer)  # noqa: SLF001
    return made


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Opens the runnable that the config names.

    which: the field by which the config names it.
    default: the runnable below this layer.
    alternatives: the others, or functions of no argument that make them.
    default_key: what the config calls the default.
    prefix_keys: whether the keys of what is configurable in an alternative have the prefix `which==name/`.
    """

    run_name: ClassVar[str | None] = None

    which: ConfigurableField
    default: Any
    alternatives: Mapping[str, Any]
    default_key: str = "default"
    prefix_keys: bool = False

    def __post_init__(self) -> None:
        for name, alternative in self.alternatives.items():
            if not (hasattr(alternative, "_open") or callable(alternative)):
                msg = (
                    f"Alternative {name!r} must be a Runnable, or a function that makes one, not"
                    f" {type(alternative).__name__}."
                )
                raise ConfigurationError(msg)

    def on(self, default: Any) -> Alternatives:
        return Alternatives(self.which, default, self.alternatives, self.default_key, self.prefix_keys)

    def choose(self, config: Config) -> tuple[Any, Config]:
        given = _given(config)
        name: Any = given.get(self.which.id, self.default_key)
        if isinstance(name, enum.Enum):
            name = name.value
        if self.prefix_keys:
            prefix = f"{self.which.id}=={name}/"
            config = {**config, "configurable": {key.removeprefix(prefix): value for key, value in given.items()}}
        if name == self.default_key:
            return None, config
        if name not in self.alternatives:
            known = ", ".join(map(repr, (self.default_key, *self.alternatives)))
            msg = f"Unknown alternative: {name!r} for config['configurable'][{self.which.id!r}]; there are {known}."
            raise InvalidInputError(msg)
        alternative = self.alternatives[name]
        return (alternative if hasattr(alternative, "_open") else alternative()), config

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        names = (*self.alternatives, self.default_key)
        which = ConfigurableFieldSpec(
            id=self.which.id,
            name=self.which.name,
            description=self.which.description,
            annotation=_names(self.which.name or self.which.id, names),
            default=self.default_key,
            is_shared=self.which.is_shared,
        )
        below = {self.default_key: self.default, **self.alternatives}
        return get_unique_config_specs(
            [
                which,
                *(
                    self._prefixed(spec, name)
                    for name, runnable in below.items()
                    for spec in getattr(runnable, "config_specs", ())
                ),
            ]
        )

    def _prefixed(self, spec: ConfigurableFieldSpec, name: str) -> ConfigurableFieldSpec:
        if not self.prefix_keys or spec.is_shared:
            return spec
        return spec._replace(id=f"{self.which.id}=={name}/{spec.id}")

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        chosen, config = self.choose(request.config)
        if chosen is None:
            return next_open(request if config is request.config else request.edited(config=config))
        return cast("Opens", chosen)._open(request.edited(config=config, prepared=None))


def _options_spec(
    spec: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, description: str | None
) -> ConfigurableFieldSpec:
    names: Any = _names(spec.name or spec.id, tuple(spec.options))
    return ConfigurableFieldSpec(
        id=spec.id,
        name=spec.name,
        description=spec.description or description,
        annotation=names if isinstance(spec, ConfigurableFieldSingleOption) else Sequence[names],
        default=spec.default,
        is_shared=spec.is_shared,
    )


class Names(enum.StrEnum):
    """The names of options."""


@lru_cache(maxsize=256)
def _names(title: str, names: tuple[str, ...]) -> Any:
    """An enumeration of names; the same one for the same names, so that specs can be compared."""
    make = cast("Callable[..., Any]", Names)
    return make(title, {name: name for name in names})
