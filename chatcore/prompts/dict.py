"""Templates that are dicts: content blocks, mostly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, ClassVar, Literal, Self, cast

from pydantic import model_validator

from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response, Whole
from chatcore.messages._shapes import is_dict, is_list
from chatcore.prompts.string import DEFAULT_FORMATTER_MAPPING, get_template_variables
from chatcore.runnables import RunnableSerializable

__all__ = ["DictPromptTemplate"]


class DictPromptTemplate(RunnableSerializable[dict[str, Any], dict[str, Any]]):
    """A dict whose strings are templates, however deep they are; its keys are not.

    template: the dict.
    template_format: `"f-string"` or `"mustache"`.
    """

    _kind: ClassVar[str] = "prompt"

    template: dict[str, Any]
    template_format: Literal["f-string", "mustache"]

    @model_validator(mode="after")
    def _check_template(self) -> Self:
        self._variables()
        return self

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """It may be written as JSON."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain_core", "prompts", "dict"]

    @property
    def input_variables(self) -> list[str]:
        """The variables of all its templates, sorted."""
        return self._variables()

    def _variables(self) -> list[str]:
        found: set[str] = set()

        def look(text: str) -> str:
            found.update(get_template_variables(text, self.template_format))
            return text

        _each_text(self.template, look)
        return sorted(found)

    def format(self, **kwargs: Any) -> dict[str, Any]:
        """The dict with its variables filled in."""
        fill = DEFAULT_FORMATTER_MAPPING[self.template_format]
        return cast("dict[str, Any]", _each_text(self.template, lambda text: fill(text, **kwargs)))

    async def aformat(self, **kwargs: Any) -> dict[str, Any]:
        """The dict with its variables filled in."""
        return self.format(**kwargs)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[dict[str, Any]]]:
        yield Whole(self.format(**request.input))

    @property
    def _prompt_type(self) -> str:
        return "dict-prompt"

    def pretty_repr(self, *, html: bool = False) -> str:  # noqa: ARG002 - the reference's signature
        """The template, for people to read."""
        return repr(self.template)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A value with all strings in it changed, but for the keys of dicts; lists stay lists, and tuples tuples."""
    if isinstance(value, str):
        return change(value)
    if is_dict(value):
        return {key: _each_text(below, change) for key, below in value.items()}
    if is_list(value):
        return [_each_text(below, change) for below in value]
    if isinstance(value, tuple):
        return tuple(_each_text(below, change) for below in cast("tuple[Any, ...]", value))
    return value
