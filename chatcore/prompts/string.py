"""Prompts that are one string, and the formats their templates are written in."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, create_model

from chatcore.errors import ConfigurationError
from chatcore.messages._shapes import is_dict
from chatcore.prompt_values import PromptValue, StringPromptValue
from chatcore.prompts._mustache import Section, Text, parsed, rendered
from chatcore.prompts._style import highlighted
from chatcore.prompts.base import BasePromptTemplate
from chatcore.utils.formatting import formatter

__all__ = [
    "DEFAULT_FORMATTER_MAPPING",
    "DEFAULT_VALIDATOR_MAPPING",
    "PromptTemplateFormat",
    "StringPromptTemplate",
    "check_valid_template",
    "get_template_variables",
    "jinja2_formatter",
    "mustache_formatter",
    "mustache_schema",
    "mustache_template_vars",
    "validate_f_string_template",
    "validate_jinja2",
]

PromptTemplateFormat = Literal["f-string", "mustache", "jinja2"]
"""How a template is written: `{name}` or `{{name}}`. `"jinja2"` is a name that is known, and refused."""

_JINJA2 = (
    "jinja2 templates are not supported: they are programs, and who writes one runs code. Write the template as"
    ' template_format="f-string" ({name}) or "mustache" ({{name}}, {{#section}}...{{/section}}).'
)


def jinja2_formatter(template: str, /, **kwargs: Any) -> str:  # noqa: ARG001 - the reference's signature
    """Refuse: jinja2 templates are programs.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError(_JINJA2)


def validate_jinja2(template: str, input_variables: list[str]) -> None:  # noqa: ARG001 - the reference's signature
    """Refuse: jinja2 templates are programs.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError(_JINJA2)


def mustache_formatter(template: str, /, **kwargs: Any) -> str:
    """Fill in a mustache template. It reaches dicts, lists and tuples, and no attribute of an object.

    Args:
        template: the template.
        **kwargs: the variables.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return rendered(template, kwargs)


def mustache_template_vars(template: str) -> set[str]:
    """The variables of a mustache template: their names at the top, `user` for `{{user.name}}`.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return {part.path[0] for part in parsed(template).parts if not isinstance(part, Text) and part.path}


def mustache_schema(template: str) -> type[BaseModel]:
    """A pydantic model for the variables of a mustache template.

    Raises:
        ConfigurationError: it cannot be read.
    """
    tree: dict[str, Any] = {}
    _grow(tree, parsed(template), ())
    return _model("PromptInput", tree)


def _grow(tree: dict[str, Any], section: Section, prefix: tuple[str, ...]) -> None:
    for part in section.parts:
        if isinstance(part, Text) or not part.path:
            continue
        *above, last = (*prefix, *part.path)
        branch = tree
        for key in above:
            below: Any = branch.get(key)
            if not is_dict(below):
                below = dict[str, Any]()
            branch[key] = below
            branch = below
        if isinstance(part, Section):
            branch[last] = branch.get(last) or dict[str, Any]()
            _grow(tree, part, (*prefix, *part.path))
        else:
            branch[last] = branch.get(last) or ""


def _model(name: str, tree: dict[str, Any]) -> type[BaseModel]:
    # Nothing must be given: what is missing says nothing.
    fields: dict[str, Any] = {
        key: (_model(key, below) if below else dict[str, Any] if isinstance(below, dict) else str, None)
        for key, below in tree.items()
    }
    return create_model(name, **fields)


DEFAULT_FORMATTER_MAPPING: dict[str, Callable[..., str]] = {
    "f-string": formatter.format,
    "mustache": mustache_formatter,
    "jinja2": jinja2_formatter,
}
"""For each format, what fills in a template."""

DEFAULT_VALIDATOR_MAPPING: dict[str, Callable[[str, list[str]], None]] = {
    "f-string": formatter.validate_input_variables,
    "jinja2": validate_jinja2,
}
"""For each format that can be checked, what sees that variables fill in a template."""


def validate_f_string_template(template: str) -> list[str]:
    """The variables of a template in the syntax of `str.format`, sorted.

    Raises:
        ConfigurationError: it is malformed, or asks for more than variables: attributes, items, nested fields.
    """
    return formatter.variables(template)


def check_valid_template(template: str, template_format: str, input_variables: list[str]) -> None:
    """See that variables fill in a template.

    Args:
        template: the template.
        template_format: `"f-string"`; templates of mustache may leave variables out.
        input_variables: the names of the variables.

    Raises:
        ConfigurationError: one is missing, or the template or its format is not what it should be.
    """
    validate = DEFAULT_VALIDATOR_MAPPING.get(template_format)
    if validate is None:
        msg = f"Invalid template format {template_format!r}, should be one of {list(DEFAULT_FORMATTER_MAPPING)}."
        raise ConfigurationError(msg)
    try:
        validate(template, input_variables)
    except KeyError as error:
        msg = f"Invalid prompt schema; check for mismatched or missing input parameters from {input_variables}."
        raise ConfigurationError(msg) from error


def get_template_variables(template: str, template_format: str) -> list[str]:
    """The variables of a template, sorted.

    Args:
        template: the template.
        template_format: `"f-string"` or `"mustache"`.

    Raises:
        ConfigurationError: the template or its format is not what it should be.
    """
    if template_format == "f-string":
        return validate_f_string_template(template)
    if template_format == "mustache":
        return sorted(mustache_template_vars(template))
    msg = _JINJA2 if template_format == "jinja2" else f"Unsupported template format: {template_format}"
    raise ConfigurationError(msg)


class StringPromptTemplate(BasePromptTemplate[str], ABC):
    """A prompt that is one string; a subclass implements `format`."""

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "prompts", "base"]

    @abstractmethod
    def format(self, **kwargs: Any) -> str:
        """The prompt, with its variables filled in."""

    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """The prompt with its variables filled in, as a model takes it."""
        return StringPromptValue(text=self.format(**kwargs))

    async def aformat_prompt(self, **kwargs: Any) -> PromptValue:
        """The prompt with its variables filled in, as a model takes it."""
        return StringPromptValue(text=await self.aformat(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """The template, for people to read.

        Args:
            html: whether to colour the variables (by terminal escapes, whatever the name says; it is the reference's).
        """
        names = {name: f"{{{name}}}" for name in self.input_variables}
        return self.format(**{name: highlighted(text) if html else text for name, text in names.items()})

    def pretty_print(self) -> None:
        """Print `pretty_repr()`, with colours in an interactive session."""
        print(self.pretty_repr(html=hasattr(sys, "ps2")))  # noqa: T201 - printing is what it is for
