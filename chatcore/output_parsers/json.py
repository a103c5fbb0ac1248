"""The JSON of an answer."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import SkipValidation

from chatcore.exceptions import OutputParserException
from chatcore.output_parsers._diffs import json_patch
from chatcore.output_parsers._reading import format_instructions_of
from chatcore.output_parsers.transform import BaseCumulativeTransformOutputParser
from chatcore.outputs import Generation
from chatcore.schemas._json import (
    parse_and_check_json_markdown,
    parse_json_markdown,
    parse_partial_json,
    partial_json,
    whole_json,
)

__all__ = [
    "JsonOutputParser",
    "SimpleJsonOutputParser",
    "parse_and_check_json_markdown",
    "parse_json_markdown",
    "parse_partial_json",
]


class JsonOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """The JSON of an answer: alone, before prose, or in its first fenced block.

    Streamed, it yields the object or list as far as it has come, each time as a value of its own; `diff=True`: what has
    changed since, as a JSON patch. An answer without JSON, or whose JSON was cut off, is an `OutputParserException`.

    pydantic_object: a pydantic model whose schema the format instructions hold. Nothing is validated.
    """

    pydantic_object: SkipValidation[type[Any] | None] = None

    _runs_in_loop: ClassVar[bool] = True

    def _diff(self, prev: Any, next: Any) -> Any:  # noqa: A002 - the reference's name
        return json_patch(prev, next)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Args:
            result: the model's answers, the best first.
            partial: whether the answer is still growing: then what has come of an object or list, or None.

        Raises:
            OutputParserException: the answer, being whole, holds no whole JSON value.
        """
        text = result[0].text
        if partial:
            return partial_json(text)
        try:
            return whole_json(text)
        except (ValueError, RecursionError) as error:
            msg = f"Invalid json output: {text}\n{error}"
            raise OutputParserException(msg, llm_output=text) from error

    def parse(self, text: str) -> Any:
        """Parse a text, as a whole answer."""
        return self.parse_result([Generation(text=text)])

    def get_format_instructions(self) -> str:
        """What to tell a model: to answer in JSON, and by which schema."""
        return "Return a JSON object." if self.pydantic_object is None else format_instructions_of(self.pydantic_object)

    @property
    def _type(self) -> str:
        return "simple_json_output_parser"


SimpleJsonOutputParser = JsonOutputParser
"""The same under an older name."""
