"""What a chat completions request must look like, judged as OpenAI judges it.

The texts, types and codes of the errors are close to OpenAI's, for clients read them. Source: the API reference
(https://platform.openai.com/docs/api-reference/chat/create) and its answers to bad requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects._openai import check_function, check_range, missing, refusal, wrong_type
from chatcore.testing._problem import RefusedError
from chatcore.testing._text import is_array, is_object

__all__ = ["read"]

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


def read(body: dict[str, Any], *, models: Sequence[str] | None, refuse_stream_options: bool) -> Asked:
    """What a request asks for. Raises RefusedError if it is not valid.

    models: those that exist; None: any.
    refuse_stream_options: whether `stream_options` is an argument this server has never heard of.
    """
    model: object = body.get("model")
    if not isinstance(model, str) or not model:
        raise refusal("you must provide a model parameter", param="model")
    if models is not None and model not in models:
        raise refusal(
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
    return _asked(body, model)


def _asked(body: dict[str, Any], model: str) -> Asked:
    choice: object = body.get("tool_choice")
    wanted: dict[str, Any] = body.get("response_format") or {}
    named: dict[str, Any] = wanted.get("json_schema") or {}
    stop: str | list[str] | None = body.get("stop")
    return Asked(
        model=model,
        messages=body["messages"],
        stream=body.get("stream") is True,
        tools=[
            Tool(tool["function"]["name"], tool["function"].get("parameters") or {"type": "object"})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ],
        demanded=choice["function"]["name"] if is_object(choice) else choice == "required",
        schema=named.get("schema") or {} if wanted.get("type") == "json_schema" else None,
        schema_name=str(named.get("name")),
        json=wanted.get("type") == "json_object",
        stop=[stop] if isinstance(stop, str) else stop or (),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        choices=body.get("n") or 1,
        seed=body.get("seed"),
    )


def _check_messages(body: dict[str, Any]) -> None:
    messages: object = body.get("messages")
    if messages is None:
        raise missing("messages")
    if not is_array(messages):
        raise wrong_type("'messages'", "an array of objects", messages, param="messages")
    if not messages:
        raise refusal(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array with length 0 instead.",
            param="messages",
            code="empty_array",
        )
    owed: set[object] = set()
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        if not is_object(message):
            raise wrong_type(f"'{path}'", "an object", message, param=path)
        _check_message(message, path)
        owed = _settle(message, owed, path)
    if owed:
        raise _unanswered(owed, f"messages[{len(messages) - 1}]")


def _check_message(message: dict[str, Any], path: str) -> None:
    role: object = message.get("role")
    if role is None:
        raise missing(f"{path}.role")
    if role not in _ROLES:
        raise refusal(
            f"Invalid value: {role!r}. Supported values are: {', '.join(map(repr, _ROLES))}.",
            param=f"{path}.role",
            code="invalid_value",
        )
    content: object = message.get("content")
    if content is None:
        if role != "assistant" or not (
            message.get("tool_calls") or message.get("function_call") or message.get("refusal")
        ):
            raise refusal(
                f"Invalid value for 'content': expected a string, got null. ({path})",
                param=f"{path}.content",
                code="invalid_type",
            )
    elif is_array(content):
        if not content:
            raise refusal(f"Invalid '{path}.content': empty array.", param=f"{path}.content", code="empty_array")
        for number, part in enumerate(content):
            _check_part(part, f"{path}.content[{number}]")
    elif not isinstance(content, str):
        raise wrong_type(f"'{path}.content'", "a string or an array of objects", content, param=f"{path}.content")
    for number, call in enumerate(_array(message, "tool_calls", path)):
        _check_call(call, f"{path}.tool_calls[{number}]")


def _check_part(part: object, path: str) -> None:
    if not is_object(part):
        raise wrong_type(f"'{path}'", "an object", part, param=path)
    kind: object = part.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    fields = {
        "text": "text",
        "refusal": "refusal",
        "image_url": "image_url",
        "input_audio": "input_audio",
        "file": "file",
    }
    if not isinstance(kind, str) or kind not in fields:
        raise refusal(
            f"Invalid value: {kind!r}. Supported values are: {', '.join(map(repr, fields))}.",
            param=f"{path}.type",
            code="invalid_value",
        )
    field = fields[kind]
    value: object = part.get(field)
    if value is None:
        raise missing(f"{path}.{field}")
    wanted, right = (
        ("a string", isinstance(value, str)) if field in {"text", "refusal"} else ("an object", is_object(value))
    )
    if not right:
        raise wrong_type(f"'{path}.{field}'", wanted, value, param=f"{path}.{field}")


def _check_call(call: object, path: str) -> None:
    if not is_object(call):
        raise wrong_type(f"'{path}'", "an object", call, param=path)
    if not isinstance(call.get("id"), str):
        raise missing(f"{path}.id")
    if call.get("type") == "custom":
        return
    if call.get("type") != "function":
        raise refusal(f"Invalid value for '{path}.type': {call.get('type')!r}.", param=f"{path}.type")
    function: object = call.get("function")
    if not is_object(function) or not isinstance(function.get("name"), str):
        raise missing(f"{path}.function.name")
    if not isinstance(function.get("arguments"), str):
        raise wrong_type(
            f"'{path}.function.arguments'", "a string", function.get("arguments"), param=f"{path}.function.arguments"
        )


def _settle(message: dict[str, Any], owed: set[object], path: str) -> set[object]:
    """The ids of the tool calls that the messages up to this one leave unanswered."""
    if message["role"] == "tool":
        answered: object = message.get("tool_call_id")
        if answered is None:
            raise missing(f"{path}.tool_call_id")
        if answered not in owed:
            raise refusal(
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
        check_range(body, name, low, high)
    for name, (least, most) in _INTEGERS.items():
        check_range(body, name, least, most, integer=True)
    _check_stop(body)
    logprobs: object = body.get("logprobs")
    if logprobs is not None and not isinstance(logprobs, bool):
        raise wrong_type("'logprobs'", "a boolean", logprobs, param="logprobs")


def _check_stop(body: dict[str, Any]) -> None:
    stop: object = body.get("stop")
    marks = [stop] if isinstance(stop, str) else stop
    if marks is None:
        return
    if not is_array(marks) or not all(isinstance(mark, str) for mark in marks):
        raise wrong_type("'stop'", "a string or an array of strings", stop, param="stop")
    if len(marks) > _STOPS:
        raise refusal(
            f"Invalid 'stop': array too long. Expected an array with maximum length {_STOPS}, "
            f"but got an array with length {len(marks)} instead.",
            param="stop",
            code="array_above_max_length",
        )


def _check_stream(body: dict[str, Any], *, refuse_stream_options: bool) -> None:
    stream: object = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise wrong_type("'stream'", "a boolean", stream, param="stream")
    options: object = body.get("stream_options")
    if options is None:
        return
    if refuse_stream_options:
        raise refusal("Unrecognized request argument supplied: stream_options")
    if not is_object(options):
        raise wrong_type("'stream_options'", "an object", options, param="stream_options")
    if not stream:
        raise refusal(
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
        raise refusal("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
                           param="tool_choice")  # fmt: skip
    if isinstance(choice, str):
        if choice not in {"none", "auto", "required"}:
            raise refusal(
                f"Invalid value: {choice!r}. Supported values are: 'none', 'auto', and 'required'.",
                param="tool_choice",
                code="invalid_value",
            )
        return
    function: object = choice.get("function") if is_object(choice) else None
    if not is_object(choice) or choice.get("type") != "function" or not is_object(function):
        raise refusal(
            "Invalid value for 'tool_choice': expected 'none', 'auto', 'required' or "
            '{"type": "function", "function": {"name": …}}; other forms are not simulated.',
            param="tool_choice",
        )
    if function.get("name") not in names:
        raise refusal(
            f"Invalid value for 'tool_choice': no function named {function.get('name')!r} was specified in the 'tools' "
            "parameter.",
            param="tool_choice",
        )


def _tool_name(tool: object, path: str) -> str:
    if not is_object(tool):
        raise wrong_type(f"'{path}'", "an object", tool, param=path)
    kind: object = tool.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if kind == "custom":
        return ""
    if kind != "function":
        raise refusal(
            f"Invalid value: {kind!r}. Supported values are: 'function' and 'custom'.",
            param=f"{path}.type",
            code="invalid_value",
        )
    function: object = tool.get("function")
    if not is_object(function):
        raise missing(f"{path}.function")
    name: object = function.get("name")
    if not isinstance(name, str) or not name:
        raise missing(f"{path}.function.name")
    check_function(function, name, f"{path}.function", "^[a-zA-Z0-9_-]{1,64}$")
    return name


def _check_response_format(body: dict[str, Any]) -> None:
    wanted: object = body.get("response_format")
    if wanted is None:
        return
    if not is_object(wanted):
        raise wrong_type("'response_format'", "an object", wanted, param="response_format")
    kind: object = wanted.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise refusal(
            f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'.",
            param="response_format.type",
            code="invalid_value",
        )
    if kind != "json_schema":
        return
    named: object = wanted.get("json_schema")
    if not is_object(named):
        raise missing("response_format.json_schema")
    if not isinstance(named.get("name"), str):
        raise missing("response_format.json_schema.name")
    if named.get("schema") is not None and not is_object(named.get("schema")):
        raise wrong_type(
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
        raise wrong_type(f"'{where}'", "an array of objects", value, param=where)
    if not value:
        raise refusal(
            f"Invalid '{where}': empty array. Expected an array with minimum length 1, "
            "but got an empty array with length 0 instead.",
            param=where,
            code="empty_array",
        )
    return value


def _unanswered(owed: set[object], path: str) -> RefusedError:
    return refusal(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(map(str, owed)))}",
        param=f"{path}.role",
    )
