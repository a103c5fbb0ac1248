"""The tool calls of an answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from pydantic import SkipValidation

from chatcore.exceptions import OutputParserException
from chatcore.messages import AIMessage, InvalidToolCall
from chatcore.messages.tool import invalid_tool_call
from chatcore.messages.tool import tool_call as create_tool_call
from chatcore.output_parsers._reading import validated
from chatcore.output_parsers.transform import BaseCumulativeTransformOutputParser
from chatcore.outputs import ChatGeneration, Generation
from chatcore.schemas._json import parse_partial_json

__all__ = [
    "JsonOutputKeyToolsParser",
    "JsonOutputToolsParser",
    "PydanticToolsParser",
    "make_invalid_tool_call",
    "parse_tool_call",
    "parse_tool_calls",
]

_logger = logging.getLogger("chatcore")


def parse_tool_call(
    raw_tool_call: dict[str, Any], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> dict[str, Any] | None:
    """Read a tool call in OpenAI's format.

    Args:
        raw_tool_call: `{"id": ..., "function": {"name": ..., "arguments": "..."}}`.
        partial: whether the arguments may still grow; None if nothing of them can be read yet.
        strict: whether to refuse raw line breaks and other control characters in strings.
        return_id: whether to return a `ToolCall` with its id, or only `name` and `args`.

    Returns:
        The call; None if it is no function's.

    Raises:
        OutputParserException: the arguments are not JSON.
    """
    function = raw_tool_call.get("function")
    if function is None:
        return None
    arguments = function["arguments"]
    args: Any = {}
    if partial:
        try:
            args = parse_partial_json(arguments, strict=strict)
        except (ValueError, TypeError):
            return None
    elif arguments:
        try:
            args = json.loads(arguments, strict=strict)
        except (ValueError, RecursionError) as error:
            raise _not_json(function["name"], arguments, error) from error
    name = function["name"] or ""
    if not return_id:
        return {"name": name, "args": args or {}}
    return dict(create_tool_call(name=name, args=args or {}, id=raw_tool_call.get("id")))


def make_invalid_tool_call(raw_tool_call: dict[str, Any], error_msg: str | None) -> InvalidToolCall:
    """Make an invalid tool call of one in OpenAI's format.

    Args:
        raw_tool_call: the call.
        error_msg: what is wrong with it.
    """
    function = raw_tool_call["function"]
    return invalid_tool_call(
        name=function["name"], args=function["arguments"], id=raw_tool_call.get("id"), error=error_msg
    )


def parse_tool_calls(
    raw_tool_calls: list[dict[str, Any]], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> list[dict[str, Any]]:
    """Read tool calls in OpenAI's format. Arguments as for `parse_tool_call`.

    Raises:
        OutputParserException: the arguments of some are not JSON; it tells of them all.
    """
    calls: list[dict[str, Any]] = []
    errors: list[str] = []
    for raw in raw_tool_calls:
        try:
            call = parse_tool_call(raw, partial=partial, strict=strict, return_id=return_id)
        except OutputParserException as error:
            errors.append(str(error))
        else:
            if call:
                calls.append(call)
    if errors:
        raise OutputParserException("\n\n".join(errors), llm_output=json.dumps(raw_tool_calls, default=str))
    return calls


class JsonOutputToolsParser(BaseCumulativeTransformOutputParser[Any]):
    """The tool calls of an answer, as dicts with `type` (the tool's name) and `args`.

    Streamed, it yields the calls as far as they have come. Arguments that are not JSON, in a whole answer, are an
    `OutputParserException`: a call that was cut off is never passed over.

    strict: whether to refuse raw line breaks in the arguments of messages that have only OpenAI's format.
    return_id: whether the dicts have the calls' `id`, too.
    first_tool_only: whether to give the first call, or None, instead of a list.
    """

    strict: bool = False
    return_id: bool = False
    first_tool_only: bool = False

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Args:
            result: the model's answers, the best first.
            partial: whether the answer is still growing.

        Raises:
            OutputParserException: the answer is no message, or the arguments of a call are not JSON.
        """
        calls = self._calls(result, partial=partial)
        if self.first_tool_only:
            return calls[0] if calls else None
        return calls

    def parse(self, text: str) -> Any:
        """Refuse: text has no tool calls.

        Raises:
            OutputParserException: always.
        """
        raise OutputParserException(_CHAT_ONLY, llm_output=text)

    def _calls(self, result: list[Generation], *, partial: bool, name: str | None = None) -> list[dict[str, Any]]:
        """The calls, or those of one tool, as dicts."""
        generation = result[0]
        if not isinstance(generation, ChatGeneration):
            raise OutputParserException(_CHAT_ONLY, llm_output=generation.text)
        message = generation.message
        calls: list[dict[str, Any]]
        if isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls):
            if not partial:
                _check_valid(message, name)
            calls = [dict(call) for call in message.tool_calls]
            if not self.return_id:
                for call in calls:
                    del call["id"]
        else:
            raw = cast("list[dict[str, Any]]", message.additional_kwargs.get("tool_calls") or [])
            calls = parse_tool_calls(raw, partial=partial, strict=self.strict, return_id=self.return_id)
        for call in calls:
            call["type"] = call.pop("name")
        return calls if name is None else [call for call in calls if call["type"] == name]


class JsonOutputKeyToolsParser(JsonOutputToolsParser):
    """The calls of one tool: their arguments, or with `return_id` the dicts of `JsonOutputToolsParser`.

    key_name: the tool's name.
    """

    key_name: str

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer. Arguments and errors as for `JsonOutputToolsParser`."""
        calls: list[Any] = self._calls(result, partial=partial, name=self.key_name)
        if not self.return_id:
            calls = [call["args"] for call in calls]
        if self.first_tool_only:
            return calls[0] if calls else None
        return calls


class PydanticToolsParser(JsonOutputToolsParser):
    """The tool calls of an answer, as objects of the tools' pydantic models.

    Streamed, it yields objects from the chunk on that makes them valid.

    tools: the models; a call names one by its class, or by the `title` in its `model_config`.
    """

    tools: SkipValidation[list[type[Any]]]

    _runs_in_loop: ClassVar[bool] = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, and validate its calls.

        Args:
            result: the model's answers, the best first.
            partial: whether the answer is still growing: calls that are not valid are left out.

        Raises:
            OutputParserException: the answer is no message, a call is of no such tool, or its arguments are not JSON.
            pydantic.ValidationError: the arguments of a call are not valid.
        """
        calls = self._calls(result, partial=partial)
        if self.first_tool_only:
            calls = calls[:1]
        models = {_name_of(tool): tool for tool in self.tools}
        objects: list[Any] = []
        for call in calls:
            model = models.get(call["type"])
            if model is None:
                available = ", ".join(models) or "<no_tools>"
                msg = f"Unknown tool type: {call['type']!r}. Available tools: {available}"
                raise OutputParserException(msg, llm_output=json.dumps(call, default=str))
            try:
                objects.append(validated(model, call["args"]))
            except ValueError as error:
                if partial:
                    continue
                if _was_cut_off(result):
                    error.add_note(_CUT_OFF)
                    _logger.exception(_CUT_OFF)
                raise
        if self.first_tool_only:
            return objects[0] if objects else None
        return objects


_CUT_OFF = (
    "Output parser received a `max_tokens` stop reason: the answer is likely incomplete. Raise `max_tokens`, or shorten"
    " the prompt."
)
_CHAT_ONLY = "This output parser can only be used with a chat generation."


def _not_json(name: object, arguments: object, error: object) -> OutputParserException:
    msg = f"Function {name} arguments:\n\n{arguments}\n\nare not valid JSON. Received {type(error).__name__} {error}"
    return OutputParserException(msg, llm_output=str(arguments))


def _check_valid(message: AIMessage, name: str | None) -> None:
    invalid = [call for call in message.invalid_tool_calls if name is None or call["name"] in {name, None}]
    if invalid:
        told = "\n\n".join(
            f"Function {call['name']} arguments:\n\n{call['args']}\n\nare not valid JSON: {call['error']}"
            for call in invalid
        )
        raise OutputParserException(told, llm_output=invalid[0]["args"])


def _name_of(tool: type[Any]) -> str:
    config: Any = getattr(tool, "model_config", {})
    return config.get("title") or tool.__name__


def _was_cut_off(result: Sequence[Generation]) -> bool:
    said = [answer.message.response_metadata for answer in result if isinstance(answer, ChatGeneration)]
    return any(of.get("stop_reason") == "max_tokens" or of.get("finish_reason") == "length" for of in said)
