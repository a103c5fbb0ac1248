"""The function call of an answer, in the format that OpenAI had before tool calls."""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast

from pydantic import model_validator

from chatcore.errors import ConfigurationError
from chatcore.exceptions import OutputParserException
from chatcore.messages._shapes import is_dict
from chatcore.output_parsers._diffs import json_patch
from chatcore.output_parsers.base import BaseGenerationOutputParser
from chatcore.output_parsers.transform import BaseCumulativeTransformOutputParser
from chatcore.outputs import ChatGeneration, Generation
from chatcore.schemas._json import parse_partial_json

__all__ = [
    "JsonKeyOutputFunctionsParser",
    "JsonOutputFunctionsParser",
    "OutputFunctionsParser",
    "PydanticAttrOutputFunctionsParser",
    "PydanticOutputFunctionsParser",
]


class OutputFunctionsParser(BaseGenerationOutputParser[Any]):
    """The function call of an answer, as it is.

    args_only: whether to give its arguments alone, as text.
    """

    args_only: bool = True

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:  # noqa: ARG002 - nothing grows
        """Parse an answer.

        Raises:
            OutputParserException: it has no function call.
        """
        call = _function_call(result[0])
        return call["arguments"] if self.args_only else dict(call)


class JsonOutputFunctionsParser(BaseCumulativeTransformOutputParser[Any]):
    """The arguments of an answer's function call.

    strict: whether to refuse raw line breaks and other control characters in strings.
    args_only: whether to give the arguments alone, or the call with them.
    """

    strict: bool = False
    args_only: bool = True

    _runs_in_loop: ClassVar[bool] = True

    @property
    def _type(self) -> str:
        return "json_functions"

    def _diff(self, prev: Any, next: Any) -> Any:  # noqa: A002 - the reference's name
        return json_patch(prev, next)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Args:
            result: the model's answers, the best first.
            partial: whether the answer is still growing: then None until something can be read.

        Raises:
            OutputParserException: the answer, being whole, has no function call, or its arguments are not JSON.
        """
        if len(result) != 1:
            msg = f"Expected exactly one result, but got {len(result)}"
            raise OutputParserException(msg)
        if partial and isinstance(result[0], ChatGeneration) and "function_call" not in _kwargs(result[0]):
            return None
        call = _function_call(result[0])
        try:
            arguments = (parse_partial_json if partial else json.loads)(call["arguments"], strict=self.strict)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if partial:
                return None
            msg = f"Could not parse function call data: {error}"
            raise OutputParserException(msg, llm_output=str(call.get("arguments"))) from error
        return arguments if self.args_only else {**call, "arguments": arguments}

    def parse(self, text: str) -> Any:
        """Refuse: text has no function call.

        Raises:
            OutputParserException: always.
        """
        return self.parse_result([Generation(text=text)])


class JsonKeyOutputFunctionsParser(JsonOutputFunctionsParser):
    """One of the arguments of an answer's function call.

    key_name: the argument's name.
    """

    key_name: str

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer. Arguments and errors as for `JsonOutputFunctionsParser`.

        Raises:
            OutputParserException: the call has no such argument.
        """
        arguments = super().parse_result(result, partial=partial)
        if partial:
            return arguments.get(self.key_name) if is_dict(arguments) else None
        if not is_dict(arguments) or self.key_name not in arguments:
            msg = f"The function call has no argument {self.key_name!r}: {arguments}"
            raise OutputParserException(msg, llm_output=json.dumps(arguments))
        return arguments[self.key_name]


class PydanticOutputFunctionsParser(OutputFunctionsParser):
    """The arguments of an answer's function call, as an object of a pydantic model.

    pydantic_schema: the model; or for each function's name its model.
    args_only: False, if there is a model for each name; follows from `pydantic_schema`.
    """

    pydantic_schema: type[Any] | dict[str, type[Any]]

    _runs_in_loop: ClassVar[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _args_only_of_one_model(cls, values: dict[str, Any]) -> dict[str, Any]:
        schema = values.get("pydantic_schema")
        if "args_only" not in values:
            return {**values, "args_only": isinstance(schema, type)}
        if values["args_only"] and isinstance(schema, dict):
            msg = "If multiple pydantic schemas are provided then args_only should be False."
            raise ConfigurationError(msg)
        return values

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, and validate it.

        Raises:
            OutputParserException: it has no function call, or that of a function without a model.
            pydantic.ValidationError: the arguments are not valid.
        """
        parsed = super().parse_result(result, partial=partial)
        name, arguments = (None, parsed) if self.args_only else (parsed["name"], parsed["arguments"])
        models = self.pydantic_schema
        model: Any = models.get(cast("str", name)) if isinstance(models, dict) else models
        if model is None:
            msg = f"Unknown function: {name!r}. There are models for {list(cast('dict[str, Any]', models))}."
            raise OutputParserException(msg, llm_output=arguments)
        return (getattr(model, "model_validate_json", None) or model.parse_raw)(arguments)


class PydanticAttrOutputFunctionsParser(PydanticOutputFunctionsParser):
    """One attribute of the object that `PydanticOutputFunctionsParser` makes.

    attr_name: the attribute's name.
    """

    attr_name: str

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, and give the attribute. Errors as for `PydanticOutputFunctionsParser`."""
        return getattr(super().parse_result(result, partial=partial), self.attr_name)


def _kwargs(generation: ChatGeneration) -> dict[Any, Any]:
    return generation.message.additional_kwargs


def _function_call(generation: Generation) -> dict[str, Any]:
    if not isinstance(generation, ChatGeneration):
        msg = "This output parser can only be used with a chat generation."
        raise OutputParserException(msg, llm_output=generation.text)
    call = _kwargs(generation).get("function_call")
    if not is_dict(call):
        msg = "Could not parse function call: 'function_call' is not in the message's additional_kwargs."
        raise OutputParserException(msg, llm_output=generation.text)
    return call
