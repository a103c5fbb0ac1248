"""What a Responses request must look like, judged as OpenAI judges it, and what it asks for.

Source: the API reference (https://platform.openai.com/docs/api-reference/responses/create) and its answers to bad
requests, whose texts, types and codes these are close to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects._openai import check_function, check_range, missing, refusal, strict_schema, wrong_type
from chatcore.testing._text import is_array, is_base64, is_object, is_sealed

__all__ = ["items_of", "read"]

_PARAMETERS = frozenset(
    [
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
_ROLES = ("assistant", "system", "developer", "user")
_GIVEN_PARTS = {
    "input_text": "text",
    "input_image": None,
    "input_file": None,
    "input_audio": "input_audio",
}
_MADE_PARTS = {"output_text": "text", "refusal": "refusal"}
# Items that the service's own tools make; the simulator has none of them and passes them over.
_OTHER_ITEMS = frozenset(
    [
        "item_reference",
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "compaction",
        "tool_search_call",
        "tool_search_output",
    ]
)
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_BUILT_IN = (
    "file_search", "computer", "computer_use_preview", "web_search", "web_search_2025_08_26", "mcp", "code_interpreter",
    "image_generation", "local_shell", "shell", "custom", "web_search_preview", "web_search_preview_2025_03_11",
    "apply_patch", "namespace", "tool_search",
)  # fmt: skip


def read(body: dict[str, Any], earlier: Sequence[dict[str, Any]], *, models: Sequence[str] | None) -> Asked:
    """What a request asks for. Raises RefusedError if it is not valid.

    earlier: the items of the responses that it goes on from. models: those that exist; None: any.
    """
    unknown = next((name for name in body if name not in _PARAMETERS), None)
    if unknown is not None:
        raise refusal(f"Unknown parameter: '{unknown}'.", param=unknown, code="unknown_parameter")
    model: object = body.get("model")
    if not isinstance(model, str) or not model:
        raise missing("model")
    if models is not None and model not in models:
        raise refusal(f"The requested model '{model}' does not exist.", param="model", code="model_not_found")
    items = items_of(body)
    for number, item in enumerate(items):
        _check_item(item, f"input[{number}]")
    _check_pairs([*earlier, *items])
    _check_settings(body)
    tools = _tools(body)
    form = _form(body, items)
    reasoning: object = body.get("reasoning")
    return Asked(
        model=model,
        messages=_messages(body.get("instructions"), [*earlier, *items]),
        stream=body.get("stream") is True,
        tools=tools,
        demanded=_demanded(body, tools),
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
        schema_name=str(form.get("name")),
        json=form.get("type") == "json_object",
        max_tokens=body.get("max_output_tokens"),
        reasoning=is_object(reasoning) and bool(reasoning.get("summary")),
    )


def items_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a request's input; a text is a user's message. Raises RefusedError for what is neither."""
    given: object = body.get("input")
    if given is None and (body.get("prompt") or body.get("previous_response_id")):
        return []
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    if not is_array(given):
        raise wrong_type("'input'", "a string or an array of input items", given, param="input")
    for number, item in enumerate(given):
        if not is_object(item):
            raise wrong_type(f"'input[{number}]'", "an input item", item, param=f"input[{number}]")
    return given


# ---------------------------------------------------------------------------------------------------------------- items


def _check_item(item: dict[str, Any], path: str) -> None:
    kind: object = item.get("type", "message" if "role" in item else None)
    if kind == "message":
        _check_message(item, path)
    elif kind == "reasoning":
        _check_reasoning(item, path)
    elif isinstance(kind, str) and kind in _CALLS:
        for name in ("call_id", "name", _CALLS[kind]):
            _text(item, name, path)
    elif isinstance(kind, str) and kind in _OUTPUTS:
        _text(item, "call_id", path)
        _check_output(item, path)
    elif not isinstance(kind, str) or kind not in _OTHER_ITEMS:
        raise _unsupported(kind, ("message", "reasoning", *_CALLS, *sorted(_OUTPUTS | _OTHER_ITEMS)), f"{path}.type")


def _check_message(item: dict[str, Any], path: str) -> None:
    role: object = item.get("role")
    if role is None:
        raise missing(f"{path}.role")
    if role not in _ROLES:
        raise _unsupported(role, _ROLES, f"{path}.role")
    content: object = item.get("content")
    if content is None:
        raise missing(f"{path}.content")
    if isinstance(content, str):
        return
    if not is_array(content):
        raise wrong_type(f"'{path}.content'", "a string or an array of objects", content, param=f"{path}.content")
    for number, part in enumerate(content):
        _check_part(part, _MADE_PARTS if role == "assistant" else _GIVEN_PARTS, f"{path}.content[{number}]")


def _check_output(item: dict[str, Any], path: str) -> None:
    output: object = item.get("output")
    if output is None:
        raise missing(f"{path}.output")
    if isinstance(output, str):
        return
    if not is_array(output):
        raise wrong_type(f"'{path}.output'", "a string or an array of objects", output, param=f"{path}.output")
    for number, part in enumerate(output):
        _check_part(part, _GIVEN_PARTS, f"{path}.output[{number}]")


def _check_part(part: object, kinds: Mapping[str, str | None], path: str) -> None:
    if not is_object(part):
        raise wrong_type(f"'{path}'", "an object", part, param=path)
    kind: object = part.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if not isinstance(kind, str) or kind not in kinds:
        raise _unsupported(kind, tuple(kinds), f"{path}.type")
    field = kinds[kind]
    if field in {"text", "refusal"}:
        _text(part, field, path)
    elif kind == "input_image":
        _check_image(part, path)
    elif kind == "input_file":
        _check_file(part, path)
    elif field is not None and not is_object(part.get(field)):
        raise missing(f"{path}.{field}")


def _check_image(part: dict[str, Any], path: str) -> None:
    url: object = part.get("image_url")
    if url is None and part.get("file_id") is None:
        raise missing(f"{path}.image_url")
    if url is None:
        return
    if not isinstance(url, str):
        raise wrong_type(f"'{path}.image_url'", "an image URL", url, param=f"{path}.image_url")
    head, mark, data = url.partition(";base64,")
    if url.startswith("data:") and (not mark or not head.startswith("data:image/") or not is_base64(data)):
        raise refusal(
            f"Invalid '{path}.image_url'. Expected a base64-encoded data URL with an image MIME type (e.g. "
            "'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got an invalid base64-encoded value.",
            param=f"{path}.image_url",
            code="invalid_value",
        )
    if not url.startswith(("data:", "http://", "https://")):
        raise refusal(
            f"Invalid '{path}.image_url'. Expected a valid URL, but got a value with an invalid format.",
            param=f"{path}.image_url",
            code="invalid_value",
        )


def _check_file(part: dict[str, Any], path: str) -> None:
    sources = [name for name in ("file_data", "file_id", "file_url") if part.get(name) is not None]
    if len(sources) != 1:
        raise missing(f"{path}.file_id")
    data: object = part.get("file_data")
    if data is None:
        return
    head, mark, encoded = str(data).partition(";base64,")
    if not head.startswith("data:") or not mark or not is_base64(encoded):
        raise refusal(
            f"Invalid file data: '{path}.file_data'. Expected a base64-encoded data URL with a valid file MIME type "
            "(e.g. 'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ=='), but got an invalid base64-encoded value.",
            param=f"{path}.file_data",
            code="invalid_value",
        )
    if not isinstance(part.get("filename"), str):
        raise missing(f"{path}.filename")


def _check_reasoning(item: dict[str, Any], path: str) -> None:
    if not isinstance(item.get("id"), str | None):
        raise wrong_type(f"'{path}.id'", "a string", item["id"], param=f"{path}.id")
    if not is_array(item.get("summary")):
        raise missing(f"{path}.summary")
    for number, part in enumerate(item["summary"]):
        _check_part(part, {"summary_text": "text"}, f"{path}.summary[{number}]")
    content: object = item.get("encrypted_content")
    if content is not None and not is_sealed(content):
        raise refusal(
            f"The encrypted content for item {item.get('id')} could not be verified. Reason: Encrypted content could "
            "not be decrypted or parsed.",
            code="invalid_encrypted_content",
        )


def _check_pairs(items: Sequence[dict[str, Any]]) -> None:
    """Every call has its output, every output its call, and all reasoning is about something."""
    calls: dict[str, bool] = {}
    for number, item in enumerate(items):
        kind = item.get("type")
        if kind in _CALLS:
            calls[item["call_id"]] = False
        elif kind in _OUTPUTS:
            if item["call_id"] not in calls:
                raise refusal(
                    f"No tool call found for function call output with call_id {item['call_id']}.", param="input"
                )
            calls[item["call_id"]] = True
        elif kind == "reasoning":
            after = items[number + 1] if number + 1 < len(items) else {}
            if not after or after.get("type") in _OUTPUTS or after.get("role", "assistant") != "assistant":
                raise refusal(
                    f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.",
                    param="input",
                )
    for call_id, answered in calls.items():
        if not answered:
            raise refusal(f"No tool output found for function call {call_id}.", param="input")


# ------------------------------------------------------------------------------------------------------------- settings


def _check_settings(body: dict[str, Any]) -> None:
    check_range(body, "temperature", 0, 2)
    check_range(body, "top_p", 0, 1)
    check_range(body, "max_output_tokens", 16, None, integer=True)
    check_range(body, "top_logprobs", 0, 20, integer=True)
    for name in ("stream", "store", "background", "parallel_tool_calls"):
        value: object = body.get(name)
        if value is not None and not isinstance(value, bool):
            raise wrong_type(f"'{name}'", "a boolean", value, param=name)
    for name in ("reasoning", "text", "stream_options", "metadata"):
        value = body.get(name)
        if value is not None and not is_object(value):
            raise wrong_type(f"'{name}'", "an object", value, param=name)
    instructions: object = body.get("instructions")
    if not isinstance(instructions, str | list | None):
        raise wrong_type("'instructions'", "a string", instructions, param="instructions")
    include: object = body.get("include")
    if include is not None and not (is_array(include) and all(isinstance(name, str) for name in include)):
        raise wrong_type("'include'", "an array of strings", include, param="include")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refusal(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.get("background") and body.get("store") is False:
        raise refusal("Background mode requires 'store' to be true.", param="background")


def _tools(body: dict[str, Any]) -> list[Tool]:
    given: object = body.get("tools")
    if given is None:
        return []
    if not is_array(given):
        raise wrong_type("'tools'", "an array of objects", given, param="tools")
    return [found for number, tool in enumerate(given) for found in _tool(tool, f"tools[{number}]")]


def _tool(tool: object, path: str) -> list[Tool]:
    if not is_object(tool):
        raise wrong_type(f"'{path}'", "an object", tool, param=path)
    kind: object = tool.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if kind in _BUILT_IN:
        return []
    if kind != "function":
        raise _unsupported(kind, ("function", *_BUILT_IN), f"{path}.type")
    name = _text(tool, "name", path)
    check_function(tool, name, path, "^[a-zA-Z0-9_-]+$")
    return [Tool(name, tool.get("parameters") or {"type": "object"})]


def _demanded(body: dict[str, Any], tools: Sequence[Tool]) -> bool | str:
    choice: object = body.get("tool_choice")
    if choice is None or isinstance(choice, str):
        if choice not in {None, "none", "auto", "required"}:
            raise _unsupported(choice, ("none", "auto", "required"), "tool_choice")
        if choice == "required" and not body.get("tools"):
            raise refusal("Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")
        return choice == "required"
    if not is_object(choice):
        raise wrong_type("'tool_choice'", "a string or an object", choice, param="tool_choice")
    if choice.get("type") != "function":
        return choice.get("type") == "allowed_tools" and choice.get("mode") == "required"
    name = _text(choice, "name", "tool_choice")
    if name not in {tool.name for tool in tools}:
        raise refusal(f"Tool choice 'function' not found in 'tools' parameter: {name!r}.", param="tool_choice")
    return name


def _form(body: dict[str, Any], items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The form of the text that is asked for: `text.format`."""
    text: Mapping[str, Any] = body.get("text") or {}
    form: object = text.get("format")
    if form is None:
        return {}
    if not is_object(form):
        raise wrong_type("'text.format'", "an object", form, param="text.format")
    kind: object = form.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise _unsupported(kind, ("json_object", "json_schema", "text"), "text.format.type")
    if kind == "json_object" and "json" not in f"{items} {body.get('instructions')}".lower():
        raise refusal(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            param="input",
        )
    if kind == "json_schema":
        name = _text(form, "name", "text.format")
        if not is_object(form.get("schema")):
            raise missing("text.format.schema")
        if form.get("strict") is True:
            strict_schema(form["schema"], f"response_format {name!r}", "text.format.schema", "invalid_json_schema")
    return form


# ---------------------------------------------------------------------------------------------------- in neutral words


def _messages(instructions: object, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if isinstance(instructions, str) and instructions:
        messages.append({"role": "system", "content": instructions})
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            messages.append({"role": item["role"], "content": _content(item["content"])})
        elif kind in _CALLS:
            function = {"name": item["name"], "arguments": item[_CALLS[kind]]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            last = messages[-1] if messages else {}
            if last.get("role") == "assistant":
                last.setdefault("tool_calls", []).append(call)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind in _OUTPUTS:
            output = _content(item["output"])
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": output})
    return messages


def _content(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if len(content) == 1 and content[0]["type"] in {"input_text", "output_text"}:
        return str(content[0]["text"])
    return [_part(part) for part in content]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] in {"input_text", "output_text"}:
        return {"type": "text", "text": part["text"]}
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url") or part.get("file_id")}}
    if part["type"] == "input_file":
        return {"type": "file", "file": {name: value for name, value in part.items() if name != "type"}}
    return part


def _text(holder: dict[str, Any], name: str, path: str) -> str:
    value: object = holder.get(name)
    where = f"{path}.{name}"
    if value is None:
        raise missing(where)
    if not isinstance(value, str):
        raise wrong_type(f"'{where}'", "a string", value, param=where)
    return value


def _unsupported(value: object, supported: Sequence[str], where: str) -> Exception:
    wanted = ", ".join(map(repr, supported[:-1])) + f", and {supported[-1]!r}"
    return refusal(f"Invalid value: {value!r}. Supported values are: {wanted}.", param=where, code="invalid_value")
