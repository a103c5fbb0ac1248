"""What a chat completions request must look like, judged as OpenAI judges it.

The texts, types and codes of the errors are close to OpenAI's, for clients read them. Source: the API reference
(https://platform.openai.com/docs/api-reference/chat/create) and its answers to bad requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatcore.testing._text import is_array, is_object

__all__ = ["RefusedError", "check"]

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_NUMBERS = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
_INTEGERS = {
    "n": (1, 128),
    "max_tokens": (1, None),
    "max_completion_tokens": (1, None),
    "top_logprobs": (0, 20),
    "seed": (None, None),
}
_STOPS = 4


class RefusedError(Exception):
    """A request is turned away.

    status: of the reply. kind, param, code: what the error object's `type`, `param` and `code` say.
    retry_after: seconds until it may be sent again; None if that would not help.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_after = retry_after


def check(body: object, *, models: Sequence[str] | None, refuse_stream_options: bool) -> dict[str, Any]:
    """The request's body, once it is known to be a valid one. Raises RefusedError otherwise.

    models: those that exist; None: any.
    refuse_stream_options: whether `stream_options` is an argument this server has never heard of.
    """
    if not is_object(body):
        raise _wrong_type("request body", "an object", body, param=None)
    model: object = body.get("model")
    if not isinstance(model, str) or not model:
        raise RefusedError("you must provide a model parameter", param="model")
    if models is not None and model not in models:
        raise RefusedError(
            f"The model `{model}` does not exist or you do not have access to it.",
            status=404,
            param="model",
            code="model_not_found",
        )
    _check_messages(body)
    _check_settings(body)
    _check_stream(body, refuse_stream_options=refuse_stream_options)
    _check_tools(body)
    _check_response_format(body)
    return body


def _check_messages(body: dict[str, Any]) -> None:
    messages: object = body.get("messages")
    if messages is None:
        raise _missing("messages")
    if not is_array(messages):
        raise _wrong_type("'messages'", "an array of objects", messages, param="messages")
    if not messages:
        raise RefusedError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array with length 0 instead.",
            param="messages",
            code="empty_array",
        )
    owed: set[object] = set()
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        if not is_object(message):
            raise _wrong_type(f"'{path}'", "an object", message, param=path)
        _check_message(message, path)
        owed = _settle(message, owed, path)
    if owed:
        raise _unanswered(owed, f"messages[{len(messages) - 1}]")


def _check_message(message: dict[str, Any], path: str) -> None:
    role: object = message.get("role")
    if role is None:
        raise _missing(f"{path}.role")
    if role not in _ROLES:
        raise RefusedError(
            f"Invalid value: {role!r}. Supported values are: {', '.join(map(repr, _ROLES))}.",
            param=f"{path}.role",
            code="invalid_value",
        )
    content: object = message.get("content")
    if content is None:
        if role != "assistant" or not (
            message.get("tool_calls") or message.get("function_call") or message.get("refusal")
        ):
            raise RefusedError(
                f"Invalid value for 'content': expected a string, got null. ({path})",
                param=f"{path}.content",
                code="invalid_type",
            )
    elif is_array(content):
        if not content:
            raise RefusedError(f"Invalid '{path}.content': empty array.", param=f"{path}.content", code="empty_array")
        for number, part in enumerate(content):
            _check_part(part, f"{path}.content[{number}]")
    elif not isinstance(content, str):
        raise _wrong_type(f"'{path}.content'", "a string or an array of objects", content, param=f"{path}.content")
    for number, call in enumerate(_array(message, "tool_calls", path)):
        _check_call(call, f"{path}.tool_calls[{number}]")


def _check_part(part: object, path: str) -> None:
    if not is_object(part):
        raise _wrong_type(f"'{path}'", "an object", part, param=path)
    kind: object = part.get("type")
    if kind is None:
        raise _missing(f"{path}.type")
    fields = {
        "text": "text",
        "refusal": "refusal",
        "image_url": "image_url",
        "input_audio": "input_audio",
        "file": "file",
    }
    if not isinstance(kind, str) or kind not in fields:
        raise RefusedError(
            f"Invalid value: {kind!r}. Supported values are: {', '.join(map(repr, fields))}.",
            param=f"{path}.type",
            code="invalid_value",
        )
    field = fields[kind]
    value: object = part.get(field)
    if value is None:
        raise _missing(f"{path}.{field}")
    wanted, right = (
        ("a string", isinstance(value, str)) if field in {"text", "refusal"} else ("an object", is_object(value))
    )
    if not right:
        raise _wrong_type(f"'{path}.{field}'", wanted, value, param=f"{path}.{field}")


def _check_call(call: object, path: str) -> None:
    if not is_object(call):
        raise _wrong_type(f"'{path}'", "an object", call, param=path)
    if not isinstance(call.get("id"), str):
        raise _missing(f"{path}.id")
    if call.get("type") == "custom":
        return
    if call.get("type") != "function":
        raise RefusedError(f"Invalid value for '{path}.type': {call.get('type')!r}.", param=f"{path}.type")
    function: object = call.get("function")
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise _missing(f"{path}.function.name")
    if not isinstance(function.get("arguments"), str):
        raise _wrong_type(
            f"'{path}.function.arguments'", "a string", function.get("arguments"), param=f"{path}.function.arguments"
        )


def _settle(message: dict[str, Any], owed: set[object], path: str) -> set[object]:
    """The ids of the tool calls that the messages up to this one leave unanswered."""
    if message["role"] == "tool":
        answered: object = message.get("tool_call_id")
        if answered is None:
            raise _missing(f"{path}.tool_call_id")
        if answered not in owed:
            raise RefusedError(
                "Invalid parameter: messages with role 'tool' must be a response to a preceding message with "
                "'tool_calls'.",
                param=f"{path}.role",
            )
        return owed - {answered}
    if owed:
        raise _unanswered(owed, path)
    return {call["id"] for call in message.get("tool_calls") or ()}


def _check_settings(body: dict[str, Any]) -> None:
    for name, (low, high) in _NUMBERS.items():
        value: object = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(f"'{name}'", "a decimal", value, param=name)
        _check_range(name, value, low, high)
    for name, (least, most) in _INTEGERS.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(f"'{name}'", "an integer", value, param=name)
        _check_range(name, value, least, most)
    _check_stop(body)
    logprobs: object = body.get("logprobs")
    if logprobs is not None and not isinstance(logprobs, bool):
        raise _wrong_type("'logprobs'", "a boolean", logprobs, param="logprobs")


def _check_stop(body: dict[str, Any]) -> None:
    stop: object = body.get("stop")
    marks = [stop] if isinstance(stop, str) else stop
    if marks is None:
        return
    if not is_array(marks) or not all(isinstance(mark, str) for mark in marks):
        raise _wrong_type("'stop'", "a string or an array of strings", stop, param="stop")
    if len(marks) > _STOPS:
        raise RefusedError(
            f"Invalid 'stop': array too long. Expected an array with maximum length {_STOPS}, "
            f"but got an array with length {len(marks)} instead.",
            param="stop",
            code="array_above_max_length",
        )


def _check_range(name: str, value: float, low: float | None, high: float | None) -> None:
    side = ("below", "minimum", low) if low is not None and value < low else None
    side = ("above", "maximum", high) if high is not None and value > high else side
    if side is not None:
        beyond, bound, limit = side
        kind = "integer" if name in _INTEGERS else "decimal"
        raise RefusedError(
            f"Invalid '{name}': {kind} {beyond} {bound} value. Expected a value "
            f"{'>=' if bound == 'minimum' else '<='} {limit}, but got {value} instead.",
            param=name,
            code=f"{kind}_{beyond}_{bound[:3]}_value",
        )


def _check_stream(body: dict[str, Any], *, refuse_stream_options: bool) -> None:
    stream: object = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise _wrong_type("'stream'", "a boolean", stream, param="stream")
    options: object = body.get("stream_options")
    if options is None:
        return
    if refuse_stream_options:
        raise RefusedError("Unrecognized request argument supplied: stream_options")
    if not is_object(options):
        raise _wrong_type("'stream_options'", "an object", options, param="stream_options")
    if not stream:
        raise RefusedError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )


def _check_tools(body: dict[str, Any]) -> None:
    names: list[str] = []
    for number, tool in enumerate(_array(body, "tools", "")):
        names.append(_tool_name(tool, f"tools[{number}]"))
    choice: object = body.get("tool_choice")
    if choice is None:
        return
    if not names and choice != "none":
        raise RefusedError("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
                           param="tool_choice")  # fmt: skip
    if isinstance(choice, str):
        if choice not in {"none", "auto", "required"}:
            raise RefusedError(
                f"Invalid value: {choice!r}. Supported values are: 'none', 'auto', and 'required'.",
                param="tool_choice",
                code="invalid_value",
            )
        return
    function: object = choice.get("function") if is_object(choice) else None
    if not is_object(choice) or choice.get("type") != "function" or not is_object(function):
        raise RefusedError(
            "Invalid value for 'tool_choice': expected 'none', 'auto', 'required' or "
            '{"type": "function", "function": {"name": …}}; other forms are not simulated.',
            param="tool_choice",
        )
    if function.get("name") not in names:
        raise RefusedError(
            f"Invalid value for 'tool_choice': no function named {function.get('name')!r} was specified in the 'tools' "
            "parameter.",
            param="tool_choice",
        )


def _tool_name(tool: object, path: str) -> str:
    if not is_object(tool):
        raise _wrong_type(f"'{path}'", "an object", tool, param=path)
    kind: object = tool.get("type")
    if kind is None:
        raise _missing(f"{path}.type")
    if kind == "custom":
        return ""
    if kind != "function":
        raise RefusedError(
            f"Invalid value: {kind!r}. Supported values are: 'function' and 'custom'.",
            param=f"{path}.type",
            code="invalid_value",
        )
    function: object = tool.get("function")
    if not is_object(function):
        raise _missing(f"{path}.function")
    name: object = function.get("name")
    if not isinstance(name, str) or not name:
        raise _missing(f"{path}.function.name")
    if not name.isascii() or not name.replace("_", "").replace("-", "").isalnum() or len(name) > 64:
        raise RefusedError(
            f"Invalid '{path}.function.name': string does not match pattern. Expected a string that matches the "
            "pattern '^[a-zA-Z0-9_-]{1,64}$'.",
            param=f"{path}.function.name",
            code="invalid_value",
        )
    parameters: object = function.get("parameters")
    if parameters is not None and (not is_object(parameters) or parameters.get("type", "object") != "object"):
        raise RefusedError(
            f"Invalid schema for function {name!r}: schema must be a JSON Schema of 'type: \"object\"'.",
            param=f"{path}.function.parameters",
            code="invalid_function_parameters",
        )
    return name


def _check_response_format(body: dict[str, Any]) -> None:
    wanted: object = body.get("response_format")
    if wanted is None:
        return
    if not is_object(wanted):
        raise _wrong_type("'response_format'", "an object", wanted, param="response_format")
    kind: object = wanted.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise RefusedError(
            f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'.",
            param="response_format.type",
            code="invalid_value",
        )
    if kind != "json_schema":
        return
    named: object = wanted.get("json_schema")
    if not is_object(named):
        raise _missing("response_format.json_schema")
    if not isinstance(named.get("name"), str):
        raise _missing("response_format.json_schema.name")
    if named.get("schema") is not None and not is_object(named.get("schema")):
        raise _wrong_type(
            "'response_format.json_schema.schema'",
            "an object",
            named["schema"],
            param="response_format.json_schema.schema",
        )


def _array(holder: dict[str, Any], name: str, path: str) -> list[Any]:
    value: object = holder.get(name)
    where = f"{path}.{name}" if path else name
    if value is None:
        return []
    if not is_array(value):
        raise _wrong_type(f"'{where}'", "an array of objects", value, param=where)
    if not value:
        raise RefusedError(
            f"Invalid '{where}': empty array. Expected an array with minimum length 1, "
            "but got an empty array with length 0 instead.",
            param=where,
            code="empty_array",
        )
    return value


def _missing(param: str) -> RefusedError:
    return RefusedError(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def _unanswered(owed: set[object], path: str) -> RefusedError:
    return RefusedError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(map(str, owed)))}",
        param=f"{path}.role",
    )


def _wrong_type(what: str, wanted: str, got: object, *, param: str | None) -> RefusedError:
    names: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
    }
    return RefusedError(
        f"Invalid type for {what}: expected {wanted}, but got {names.get(type(got), 'null')} instead.",
        param=param,
        code="invalid_type",
    )
