"""An answer in JSON as an object of a pydantic model."""

from __future__ import annotations

import json
from typing import ClassVar, Generic, Literal, TypeVar, cast, overload

from pydantic import BaseModel, SkipValidation

from chatcore.exceptions import OutputParserException
from chatcore.output_parsers._reading import format_instructions_of, validated
from chatcore.output_parsers.json import JsonOutputParser
from chatcore.outputs import Generation

__all__ = ["PydanticBaseModel", "PydanticOutputParser", "TBaseModel"]

PydanticBaseModel = BaseModel
"""What a parser makes: an object of a pydantic model."""

TBaseModel = TypeVar("TBaseModel", bound=BaseModel)
"""A pydantic model, as a type variable."""


class PydanticOutputParser(JsonOutputParser, Generic[TBaseModel]):
    """The JSON of an answer as an object of a pydantic model.

    Streamed, it yields objects from the chunk on that makes what has come so far valid.

    pydantic_object: the model.
    """

    # What may be missing there is needed here; pydantic means it so.
    pydantic_object: SkipValidation[type[TBaseModel]]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    _runs_in_loop: ClassVar[bool] = True

    @property
    def OutputType(self) -> type[TBaseModel]:  # noqa: N802 - the reference's name
        """The model."""
        return self.pydantic_object

    @overload
    def parse_result(self, result: list[Generation], *, partial: Literal[False] = False) -> TBaseModel: ...
    @overload
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> TBaseModel | None: ...
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> TBaseModel | None:
        """Parse an answer, and validate it.

        Args:
            result: the model's answers, the best first.
            partial: whether the answer is still growing: then None while it is not valid.

        Raises:
            OutputParserException: the answer, being whole, holds no whole JSON value, or not one of the model.
        """
        value = super().parse_result(result, partial=partial)
        try:
            return cast("TBaseModel", validated(self.pydantic_object, value))
        except ValueError as error:
            if partial:
                return None
            text = json.dumps(value, ensure_ascii=False)
            msg = f"Failed to parse {self.pydantic_object.__name__} from completion {text}. Got: {error}"
            raise OutputParserException(msg, llm_output=result[0].text) from error

    def parse(self, text: str) -> TBaseModel:
        """Parse a text, as a whole answer."""
        return self.parse_result([Generation(text=text)])

    def get_format_instructions(self) -> str:
        """What to tell a model: to answer in JSON by the schema of the pydantic model."""
        return format_instructions_of(self.pydantic_object)

    @property
    def _type(self) -> str:
        return "pydantic"
