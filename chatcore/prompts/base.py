"""What every prompt is: a runnable that makes a prompt value of variables."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import BaseModel, Field, SkipValidation, model_validator

from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response, Whole, merge_configs
from chatcore.engine.threads import in_thread
from chatcore.errors import ConfigurationError, InvalidInputError, UnsupportedError
from chatcore.output_parsers.base import BaseOutputParser
from chatcore.prompt_values import ChatPromptValueConcrete, PromptValue, StringPromptValue
from chatcore.runnables import RunnableConfig, RunnableSerializable
from chatcore.runnables._schemas import dict_model

__all__ = ["BasePromptTemplate", "FormatOutputType", "MissingVariablesError", "WrongPromptInputError"]

FormatOutputType = TypeVar("FormatOutputType")
"""What a prompt's `format` makes."""


class MissingVariablesError(InvalidInputError, KeyError):
    """A prompt was not given all of its variables."""

    # A KeyError would show its message as a repr.
    __str__ = Exception.__str__


class WrongPromptInputError(InvalidInputError, TypeError):
    """A prompt was given something else than a dict of its variables."""


class BasePromptTemplate(RunnableSerializable[Any, PromptValue], ABC, Generic[FormatOutputType]):
    """A prompt with variables. As a runnable it takes a dict of them; one that has a single variable takes its value.

    A subclass implements `format` and `format_prompt`, which run in a worker thread, so that they may block; or, to
    await something, `aformat_prompt`, too.

    name: what it is called in errors and traces; None: its class.
    input_variables: the variables that must be given.
    optional_variables: those that need not be.
    input_types: of each variable the type, for schemas; str if absent.
    output_parser: what parses the answers to this prompt, for those who look for it here.
    partial_variables: variables that are filled in already: values, or functions that are called for one at each use.
    metadata, tags: what every call of this prompt carries.
    """

    _kind: ClassVar[str] = "prompt"
    # Prompts of this package fill in templates and nothing else; whatever a subclass does may block.
    _runs_in_loop: ClassVar[bool] = False

    input_variables: list[str]
    optional_variables: list[str] = Field(default=[])
    input_types: dict[str, Any] = Field(default_factory=dict, exclude=True)
    output_parser: SkipValidation[BaseOutputParser[Any] | None] = None
    partial_variables: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    metadata: dict[str, Any] | None = None
    tags: list[str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks = vars(cls).keys()
        if "_runs_in_loop" in hooks:
            return
        if hooks & {"aformat", "aformat_messages", "aformat_prompt"}:
            cls._runs_in_loop = True
        elif hooks & {"format", "format_messages", "format_prompt"}:
            cls._runs_in_loop = False

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _check_names(self.input_variables, self.partial_variables)
        return self

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """It may be written as JSON."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "schema", "prompt_template"]

    @property
    def InputType(self) -> Any:  # noqa: N802 - the reference's name
        """What it takes: a dict of variables."""
        return dict[str, Any]

    @property
    def OutputType(self) -> Any:  # noqa: N802 - the reference's name
        """What it makes."""
        return StringPromptValue | ChatPromptValueConcrete

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:  # noqa: ARG002 - the verb's own
        """A pydantic model for its variables."""
        required = {name: (self.input_types.get(name, str), ...) for name in self.input_variables}
        optional = {name: (self.input_types.get(name, str), None) for name in self.optional_variables}
        return dict_model("PromptInput", {**required, **optional})

    # ------------------------------------------------------------------------------------------------------- calling

    def _open(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        if self.metadata or self.tags:
            own = {"metadata": self.metadata or {}, "tags": self.tags or []}
            request = request.edited(config=merge_configs(request.config, own))
        return super()._open(request)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[PromptValue]]:
        variables = self._variables_of(request.input)
        if not self._runs_in_loop:
            yield Whole(await in_thread(self.format_prompt, **variables))
            return
        if any(callable(value) for value in self.partial_variables.values()):
            variables = await in_thread(self._merge_partial_and_user_variables, **variables)
        yield Whole(await self.aformat_prompt(**variables))

    def _variables_of(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            if len(self.input_variables) != 1:
                msg = (
                    f"Expected mapping type as input to {type(self).__name__}. Received {type(given)}. Only a prompt of"
                    f" one variable takes its value as it is; this one has {self.input_variables}."
                )
                raise WrongPromptInputError(msg)
            return {self.input_variables[0]: given}
        variables = cast("dict[str, Any]", given)
        missing = set(self.input_variables) - variables.keys()
        if missing:
            one = min(missing)
            msg = (
                f"Input to {type(self).__name__} is missing variables {missing}.  Expected: {self.input_variables}"
                f" Received: {list(variables)}\nNote: if you intended {{{one}}} to be part of the string and not a"
                f" variable, please escape it with double curly braces like: '{{{{{one}}}}}'."
            )
            raise MissingVariablesError(msg)
        return variables

    def _merge_partial_and_user_variables(self, **kwargs: Any) -> dict[str, Any]:
        partials = {
            name: value() if callable(value) else value
            for name, value in self.partial_variables.items()
            if name not in kwargs
        }
        return {**partials, **kwargs}

    # ---------------------------------------------------------------------------------------------------- formatting

    @abstractmethod
    def format(self, **kwargs: Any) -> FormatOutputType:
        """The prompt, with its variables filled in."""

    async def aformat(self, **kwargs: Any) -> FormatOutputType:
        """The prompt, with its variables filled in."""
        return self.format(**kwargs)

    @abstractmethod
    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """The prompt with its variables filled in, as a model takes it."""

    async def aformat_prompt(self, **kwargs: Any) -> PromptValue:
        """The prompt with its variables filled in, as a model takes it."""
        return self.format_prompt(**kwargs)

    def partial(self, **kwargs: str | Callable[[], str] | Any) -> Self:
        """A copy with some variables filled in: values, or functions that are called for one at each use.

        Raises:
            ConfigurationError: a variable has a name that it may not have.
        """
        required = [name for name in self.input_variables if name not in kwargs]
        partials = {**self.partial_variables, **kwargs}
        _check_names(required, partials)
        return self.model_copy(update={"input_variables": required, "partial_variables": partials})

    @property
    def _prompt_type(self) -> str:
        msg = f"{type(self).__name__} has no _prompt_type; `asdict` leaves it out then."
        raise UnsupportedError(msg)

    def asdict(self, **kwargs: Any) -> dict[str, Any]:
        """The prompt's fields, and its `_type` if it has one.

        Args:
            **kwargs: what pydantic's `model_dump` takes.
        """
        fields = self.model_dump(**kwargs)
        with contextlib.suppress(NotImplementedError):
            fields["_type"] = self._prompt_type
        return fields


def _check_names(required: Iterable[str], partials: Mapping[str, Any]) -> None:
    required = set(required)
    for kind, names in (("input", required), ("partial", partials)):
        if "stop" in names:
            msg = f"Cannot have an {kind} variable named 'stop', as it is used internally, please rename."
            raise ConfigurationError(msg)
    if overlap := required & partials.keys():
        msg = f"Found overlapping input and partial variables: {overlap}"
        raise ConfigurationError(msg)
