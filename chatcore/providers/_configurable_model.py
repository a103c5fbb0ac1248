"""A chat model that the config of each call may choose, or change.

::

    model = init_chat_model(temperature=0)
      └─ ainvoke(x, {"configurable": {"model": "anthropic:claude-sonnet-4-5"}}) ── that model opens the call

The model that a config stands for is made once, and kept: it has connections. What decorates the configurable one
(`bind_tools`, retries, ...) is around every model that is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Final, Literal, cast

from pydantic import Field, PrivateAttr
from typing_extensions import override

from chatcore.engine.policies import Opens
from chatcore.engine.request import Config, Request, Response
from chatcore.errors import ConfigurationError
from chatcore.model import BaseChatModel, LanguageModelInput
from chatcore.providers._named import class_of, named, named_model, prefix_of
from chatcore.runnables import ConfigurableFieldSpec, Runnable
from chatcore.runnables._configurable import Alternatives, Fields
from chatcore.runnables._described import configured
from chatcore.structured_output import Method

__all__ = ["ConfigurableChatModel"]

_KEPT: Final = 16
"""How many models one configurable model keeps."""

_WHICH: Final = ("model", "model_provider")

_CONNECTION: Final = ("api_key", "api_base", "base_url", "default_headers", "default_query", "http_client")
"""How the names of arguments end that say where a provider is and whose a call is: they are not for another one."""


class ConfigurableChatModel(BaseChatModel):
    """What `init_chat_model` gives if a call's config may choose the model, or say how it is made.

    arguments: those of `init_chat_model`: the defaults.
    fields: which of them a config may give; "any": all.
    prefix: what a config's keys have before the argument's name.
    """

    arguments: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    fields: Literal["any"] | tuple[str, ...] = _WHICH
    prefix: str = ""

    _takes_tools: ClassVar[bool] = True
    _made: dict[Any, BaseChatModel] = PrivateAttr(default_factory=dict)

    def chosen(self, config: Config) -> BaseChatModel:
        """The model that a call with this config asks, without what decorates this one.

        Raises:
            ConfigurationError: no model is named, or an argument is wrong.
        """
        given = self._given(config)
        if not (given.get("model") or self.arguments.get("model")):
            key = f"{self.prefix}model"
            msg = (
                "No model is named: give one in the call's config, as {'configurable': {"
                f"{key!r}: 'openai:gpt-5-mini'}}}}, or to init_chat_model."
            )
            raise ConfigurationError(msg)
        try:
            values = tuple((name, type(cast("object", value)), value) for name, value in sorted(given.items()))
            known = self._made.get(values)
        except TypeError:
            return self._remade(given)  # values that cannot be hashed
        if known is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            known = self._made[values] = self._remade(given)
        return known

    def _given(self, config: Config) -> dict[str, Any]:
        """The arguments that a config gives."""
        values: Mapping[str, Any] = config.get("configurable") or {}
        given = {key.removeprefix(self.prefix): value for key, value in values.items() if key.startswith(self.prefix)}
        return given if self.fields == "any" else {name: given[name] for name in self.fields if name in given}

    def _remade(self, given: Mapping[str, Any]) -> BaseChatModel:
        defaults = self.arguments
        arguments = {**defaults, **given}
        asked: Any = arguments.pop("model_provider", None)
        if "model_provider" not in given and prefix_of(given.get("model")) is not None:
            asked = None
        provider, model = named(arguments.pop("model"), asked)
        if defaults.get("model") and named(defaults["model"], defaults.get("model_provider"))[0] != provider:
            arguments = {
                name: value for name, value in arguments.items() if name in given or not name.endswith(_CONNECTION)
            }
        if self.fields == "any" and not self.prefix:
            # A config's other keys are for others, where nothing tells them apart.
            kind = class_of(provider)
            known = {*kind.model_fields, *getattr(kind, "_ALIASES", {})}
            arguments = {name: value for name, value in arguments.items() if name in known or name in defaults}
        return named_model(provider, model, **arguments)

    # --------------------------------------------------------------------------------------------------- as every model

    @override
    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        model = self.chosen(request.config)
        return cast("Opens", model)._open(request.edited(prepared=None))

    @override
    def with_structured_output(
        self, schema: Any, *, method: Method | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """A runnable that answers with objects of a schema, in the way that the chosen model has for it.

        Args:
            schema: as for every model.
            method: as for every model.
            **kwargs: as for every model.
        """
        # What is wrong is told here, as by every model, and not by the first call.
        super().with_structured_output(schema, method=method, **kwargs)
        return _Structured(self, schema, {"method": method, **kwargs})

    @override
    def _structured_methods(self) -> tuple[Method, ...]:
        return ("json_schema", "function_calling", "json_mode")

    @property
    @override
    def _llm_type(self) -> str:
        return "configurable"

    @override
    def _model_name(self) -> str | None:
        given = self.arguments.get("model")
        return named(given, self.arguments.get("model_provider"))[1] if given else None

    @override
    def _specs(self) -> list[ConfigurableFieldSpec]:
        names = _WHICH if self.fields == "any" else self.fields
        defaults = {name: value for name, value in self.arguments.items() if not name.endswith(_CONNECTION)}
        return [
            ConfigurableFieldSpec(id=f"{self.prefix}{name}", name=name, annotation=Any, default=defaults.get(name))
            for name in names
        ]

    @override
    def __getstate__(self) -> dict[Any, Any]:
        """Without keys and connections."""
        state = super().__getstate__()
        arguments = {name: value for name, value in self.arguments.items() if not _is_secret(name)}
        return {
            **state,
            "__dict__": {**state["__dict__"], "arguments": arguments},
            "__pydantic_private__": {**state["__pydantic_private__"], "_made": {}},
        }


class _Structured(Runnable[LanguageModelInput, Any]):
    """What a configurable model's `with_structured_output` gives."""

    def __init__(self, model: ConfigurableChatModel, schema: Any, arguments: Mapping[str, Any]) -> None:
        self._model = model
        self._schema = schema
        self._arguments = arguments

    @override
    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        model, config = configured(self._model, request.config)
        made: Any = model
        if isinstance(model, ConfigurableChatModel):
            made = model.chosen(config)
            for layer in model._middleware:  # noqa: SLF001 - one of us
                # What replaces the model has been asked already.
                made = made if isinstance(layer, Fields | Alternatives) else made._with(layer)  # noqa: SLF001 - as above
        structured = made.with_structured_output(self._schema, **self._arguments)
        return cast("Opens", structured)._open(request.edited(prepared=None))


def _is_secret(name: str) -> bool:
    return name.endswith(("api_key", "default_headers", "default_query", "http_client"))
