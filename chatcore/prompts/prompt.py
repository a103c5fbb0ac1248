"""A prompt of one template."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self, cast

from pydantic import BaseModel, model_validator

from chatcore.errors import ConfigurationError, UnsupportedError
from chatcore.prompts.string import (
    DEFAULT_FORMATTER_MAPPING,
    PromptTemplateFormat,
    StringPromptTemplate,
    check_valid_template,
    get_template_variables,
    mustache_schema,
)
from chatcore.runnables import RunnableConfig

__all__ = ["PromptTemplate"]


class PromptTemplate(StringPromptTemplate):
    """A prompt of one template.

    ::

        PromptTemplate.from_template("Translate {text} into {language}.").format(text="pear", language="French")

    template: the template. Anybody may write it: it names variables, and reaches nothing else.
    template_format: `"f-string"` (`{name}`) or `"mustache"` (`{{name}}`).
    validate_template: whether to see that `input_variables` are those of the template; else they follow from it.
    """

    template: str
    template_format: PromptTemplateFormat = "f-string"
    validate_template: bool = False

    _runs_in_loop: ClassVar[bool] = True

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """What is written besides: the format."""
        return {"template_format": self.template_format}

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "prompts", "prompt"]

    @model_validator(mode="before")
    @classmethod
    def _find_variables(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return cast("object", values)
        given = cast("dict[str, Any]", values)
        template = given.get("template")
        if not isinstance(template, str):
            # Pydantic says what is wrong with it.
            return given
        template_format = given.get("template_format", "f-string")
        partials: dict[str, Any] = given.get("partial_variables") or {}
        variables = get_template_variables(template, template_format)
        if given.get("validate_template"):
            if template_format == "mustache":
                msg = "Mustache templates cannot be validated."
                raise ConfigurationError(msg)
            if "input_variables" not in given:
                msg = "Input variables must be provided to validate the template."
                raise ConfigurationError(msg)
            check_valid_template(template, template_format, [*given["input_variables"], *partials])
        return {**given, "input_variables": [name for name in variables if name not in partials]}

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """A pydantic model for its variables."""
        return (
            mustache_schema(self.template) if self.template_format == "mustache" else super().get_input_schema(config)
        )

    def format(self, **kwargs: Any) -> str:
        """The template with its variables filled in.

        Raises:
            KeyError: a variable is missing.
        """
        variables = self._merge_partial_and_user_variables(**kwargs)
        return DEFAULT_FORMATTER_MAPPING[self.template_format](self.template, **variables)

    def __add__(self, other: Any) -> PromptTemplate:
        """One template after the other, or after it a str in the same format."""
        if isinstance(other, str):
            return self + PromptTemplate.from_template(other, template_format=self.template_format)
        if not isinstance(other, PromptTemplate):
            msg = f"Unsupported operand type for +: {type(other)}. Add a PromptTemplate or a str."
            raise UnsupportedError(msg)
        if self.template_format != other.template_format:
            msg = "Cannot add templates of different formats"
            raise ConfigurationError(msg)
        if self.partial_variables.keys() & other.partial_variables.keys():
            msg = "Cannot have same variable partialed twice."
            raise ConfigurationError(msg)
        return PromptTemplate(
            template=self.template + other.template,
            input_variables=sorted({*self.input_variables, *other.input_variables}),
            partial_variables={**self.partial_variables, **other.partial_variables},
            template_format=self.template_format,
            validate_template=self.validate_template and other.validate_template,
        )

    @property
    def _prompt_type(self) -> str:
        return "prompt"

    @classmethod
    def from_template(
        cls,
        template: str,
        *,
        template_format: PromptTemplateFormat = "f-string",
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a prompt of a template.

        Args:
            template: the template.
            template_format: `"f-string"` or `"mustache"`.
            partial_variables: variables that are filled in already.
            **kwargs: other fields.

        Raises:
            ConfigurationError: the template or its format is not what it should be.
        """
        partials = partial_variables or {}
        names = [name for name in get_template_variables(template, template_format) if name not in partials]
        fields: dict[str, Any] = {"input_variables": names, **kwargs}
        return cls(template=template, template_format=template_format, partial_variables=partials, **fields)

    @classmethod
    def from_file(cls, template_file: str | Path, encoding: str | None = None, **kwargs: Any) -> Self:
        """Make a prompt of a template in a file.

        Args:
            template_file: the file.
            encoding: its encoding; None: that of the system.
            **kwargs: as for `from_template`.
        """
        return cls.from_template(Path(template_file).read_text(encoding=encoding), **kwargs)

    @classmethod
    def from_examples(
        cls,
        examples: list[str],
        suffix: str,
        input_variables: list[str],
        example_separator: str = "\n\n",
        prefix: str = "",
        **kwargs: Any,
    ) -> Self:
        """Make a prompt of examples.

        Args:
            examples: the examples, as templates.
            suffix: what comes after them: the question, mostly.
            input_variables: the variables.
            example_separator: what stands between examples.
            prefix: what comes before them.
            **kwargs: other fields.
        """
        template = example_separator.join([prefix, *examples, suffix])
        return cls(input_variables=input_variables, template=template, **kwargs)
