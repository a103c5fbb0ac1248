"""Templates of images, as OpenAI's chat completions take them."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from pydantic import Field, model_validator

from chatcore.errors import ConfigurationError, InvalidInputError
from chatcore.prompt_values import ImagePromptValue, ImageURL, PromptValue
from chatcore.prompts.base import BasePromptTemplate
from chatcore.prompts.string import DEFAULT_FORMATTER_MAPPING, PromptTemplateFormat, get_template_variables

__all__ = ["ImagePromptTemplate"]

_OWN_NAMES = {"url", "path", "detail"}
_NO_FILES = (
    "Loading images from 'path' has been removed as of 0.3.15 for security reasons. Please specify images by 'url',"
    " which may be a data URI."
)


class ImagePromptTemplate(BasePromptTemplate[ImageURL]):
    """An image whose address is a template, or is given as the variable `url`.

    template: `url`, and `detail` if wanted; both are templates.
    template_format: `"f-string"` or `"mustache"`.
    """

    input_variables: list[str] = Field(default_factory=list[str])
    template: dict[str, Any] = Field(default_factory=dict[str, Any])
    template_format: PromptTemplateFormat = "f-string"

    _runs_in_loop: ClassVar[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _check_template(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return cast("object", values)
        given = cast("dict[str, Any]", values)
        overlap = set(given.get("input_variables") or ()) & _OWN_NAMES
        if overlap:
            msg = (
                "input_variables for the image template cannot contain any of 'url', 'path', or 'detail'."
                f" Found: {overlap}"
            )
            raise ConfigurationError(msg)
        for text in cast("dict[str, Any]", given.get("template") or {}).values():
            if isinstance(text, str):
                get_template_variables(text, given.get("template_format", "f-string"))
        return given

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "prompts", "image"]

    @property
    def _prompt_type(self) -> str:
        return "image-prompt"

    def format(self, **kwargs: Any) -> ImageURL:
        """The image, with its variables filled in.

        Raises:
            ValueError: there is no address, or a path to a file.
        """
        fill = DEFAULT_FORMATTER_MAPPING[self.template_format]
        made: dict[str, Any] = {
            key: fill(text, **kwargs) if isinstance(text, str) else text for key, text in self.template.items()
        }
        if kwargs.get("path") or made.get("path"):
            raise InvalidInputError(_NO_FILES)
        url = kwargs.get("url") or made.get("url")
        if not url:
            msg = "Must provide url."
            raise InvalidInputError(msg)
        if not isinstance(url, str):
            msg = "url must be a string."
            raise InvalidInputError(msg)
        detail = kwargs.get("detail") or made.get("detail")
        return {"url": url, "detail": detail} if detail else {"url": url}

    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """The image with its variables filled in, as a model takes it."""
        return ImagePromptValue(image_url=self.format(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002 - the reference's signature
        """The template, for people to read."""
        return repr(self.template)
