"""What a Gemini request must look like, judged as Google judges it, and what it asks for.

Sources: the API reference (https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching#Content), the
JSON form of protocol buffers (https://protobuf.dev/programming-guides/json/: names in lowerCamelCase or as in the
definition; unknown ones are refused), the guides to function calling and thought signatures, and the service's answers
to bad requests, whose texts these are close to.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects.gemini_schema import camel, invalid, json_schema, refusal
from chatcore.testing._problem import RefusedError
from chatcore.testing._text import is_array, is_base64, is_object, is_sealed

__all__ = ["read"]

_REQUEST = frozenset({
    "contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig", "cachedContent",
    "model", "labels", "serviceTier", "store",
})  # fmt: skip
_CONFIG = frozenset({
    "stopSequences", "responseMimeType", "responseModalities", "candidateCount", "maxOutputTokens", "temperature",
    "topP", "topK", "responseSchema", "responseJsonSchema", "presencePenalty", "frequencyPenalty", "seed",
    "responseLogprobs", "logprobs", "thinkingConfig", "mediaResolution", "speechConfig", "enableAffectiveDialog",
    "audioTimestamp", "routingConfig", "modelSelectionConfig", "imageConfig", "enableEnhancedCivicAnswers",
    "responseFormat", "translationConfig", "audioTranscriptionConfig",
})  # fmt: skip
_DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
_FUNCTION = frozenset({
    "name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior",
})  # fmt: skip
_PART = frozenset({*_DATA, "thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"})
# What is the caller's own: its names are not the protocol's.
_FREE = frozenset({
    "args", "response", "parameters", "parametersJsonSchema", "responseJsonSchema", "responseSchema", "labels",
    "partMetadata",
})  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
# Documented to be taken in place of a signature:
# https://ai.google.dev/gemini-api/docs/thought-signatures
_DUMMIES = {
    form
    for word in ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
    for form in (word, b64encode(word.encode()).decode())
}


def read(body: dict[str, Any], model: str, *, stream: bool, counting: bool = False) -> Asked:
    """What a request asks for. Raises RefusedError if it is not valid.

    counting: it asks only for how many tokens it has, and may have its request inside.
    """
    given = _camel(body)
    if counting:
        given = _object(given, "generateContentRequest", "generate_content_request") or given
    _known(given, _REQUEST, "")
    config = _object(given, "generationConfig", "generation_config")
    _known(config, _CONFIG, "generation_config")
    _check_config(config)
    contents = _contents(given)
    _check_turns(contents)
    system = given.get("systemInstruction")
    if system is not None:
        _check_content(system, "system_instruction")
    tools, demanded = _choose(given, _tools(given))
    schema = _response_schema(config)
    thinking = config.get("thinkingConfig")
    return Asked(
        model=model,
        messages=_messages(system, contents),
        stream=stream,
        tools=tools,
        demanded=demanded,
        schema=schema,
        schema_name="generation_config.response_schema",
        json=schema is None and config.get("responseMimeType") == "application/json",
        stop=config.get("stopSequences") or (),
        max_tokens=config.get("maxOutputTokens"),
        choices=config.get("candidateCount") or 1,
        seed=config.get("seed"),
        reasoning=is_object(thinking) and thinking.get("includeThoughts") is True,
    )


# ---------------------------------------------------------------------------------------------------------------- names


def _camel(value: Any) -> Any:
    """A request with its names in lowerCamelCase, as far as they are the protocol's."""
    if is_array(value):
        return [_camel(inner) for inner in value]
    if not is_object(value):
        return value
    named: dict[str, Any] = {}
    for key, inner in value.items():
        name = camel(key)
        named[name] = inner if name in _FREE else _camel(inner)
    return named


def _known(given: Mapping[str, Any], names: frozenset[str], where: str) -> None:
    for name in given:
        if name not in names:
            at = f" at '{where}'" if where else ""
            raise refusal(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')


def _object(given: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value: object = given.get(name)
    if value is None:
        return {}
    if not is_object(value):
        raise invalid(where, name[0].upper() + name[1:], value)
    return value


def _field(path: str, what: str) -> RefusedError:
    return refusal(f"* GenerateContentRequest.{path}: {what}\n")


# ------------------------------------------------------------------------------------------------------------- settings


def _check_config(config: dict[str, Any]) -> None:
    for name, (low, high) in {"temperature": (0, 2), "topP": (0, 1), "candidateCount": (1, 8)}.items():
        value: object = config.get(name)
        if value is None:
            continue
        whole = name == "candidateCount"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise invalid(f"generation_config.{_snake(name)}", "TYPE_INT32" if whole else "TYPE_FLOAT", value)
        if not low <= value <= high:
            what = f"{_snake(name)} must be in the range [{low}.0, {high}.0]."
            raise _field(f"generation_config.{_snake(name)}", what)
    for name in ("maxOutputTokens", "seed", "logprobs"):
        value = config.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise invalid(f"generation_config.{_snake(name)}", "TYPE_INT32", value)
    most: object = config.get("maxOutputTokens")
    if isinstance(most, int) and most < 1:
        raise _field("generation_config.max_output_tokens", "max_output_tokens must be positive.")
    stops: object = config.get("stopSequences")
    if stops is not None and not (is_array(stops) and all(isinstance(stop, str) for stop in stops)):
        raise invalid("generation_config.stop_sequences", "TYPE_STRING", stops)
    if is_array(stops) and len(stops) > 5:
        raise _field("generation_config.stop_sequences", "at most 5 stop sequences are allowed.")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda letter: "_" + letter[1].lower(), name)


def _response_schema(config: Mapping[str, Any]) -> dict[str, Any] | None:
    for name in ("responseSchema", "responseJsonSchema"):
        schema: object = config.get(name)
        if schema is None:
            continue
        where = f"generation_config.{_snake(name)}"
        if not is_object(schema):
            raise invalid(where, "Schema", schema)
        if config.get("responseMimeType") not in ("application/json", "text/x.enum"):
            raise _field(where, "only allowed for response_mime_type application/json.")
        return json_schema(schema, where) if name == "responseSchema" else schema
    return None


def _tools(given: Mapping[str, Any]) -> list[Tool]:
    found: object = given.get("tools")
    if found is None:
        return []
    if not is_array(found):
        raise invalid("tools", "Tool", found)
    tools: list[Tool] = []
    for number, tool in enumerate(found):
        if not is_object(tool):
            raise invalid(f"tools[{number}]", "Tool", tool)
        functions: object = tool.get("functionDeclarations") or []
        if not is_array(functions):
            raise invalid(f"tools[{number}].function_declarations", "FunctionDeclaration", functions)
        for place, function in enumerate(functions):
            tools.append(_tool(function, f"tools[{number}].function_declarations[{place}]"))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refusal(f"Duplicate function declaration found: {twice}")
    return tools


def _tool(function: object, path: str) -> Tool:
    if not is_object(function):
        raise invalid(path, "FunctionDeclaration", function)
    allowed = {
        "name",
        "description",
        "parameters",
        "parametersJsonSchema",
        "response",
        "responseJsonSchema",
        "behavior",
    }
    _known(function, frozenset(allowed), path)
    name: object = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _field(
            f"{path}.name",
            "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), "
            "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
        )
    schema: object = function.get("parametersJsonSchema")
    parameters: object = function.get("parameters")
    if schema is not None and parameters is not None:
        raise _field(f"{path}.parameters", "only one of parameters and parameters_json_schema may be set.")
    for one, where in ((schema, "parameters_json_schema"), (parameters, "parameters")):
        if one is not None and not is_object(one):
            raise invalid(f"{path}.{where}", "Schema", one)
    if is_object(parameters):
        read_schema = json_schema(parameters, f"{path}.parameters")
        if read_schema.get("type", "object") != "object":
            raise _field(f"{path}.parameters.type", "must be OBJECT.")
        return Tool(name, read_schema)
    return Tool(name, schema if is_object(schema) else {"type": "object"})


def _choose(given: Mapping[str, Any], tools: Sequence[Tool]) -> tuple[Sequence[Tool], bool | str]:
    """The tools that may be called, and whether one must be."""
    config = _object(_object(given, "toolConfig", "tool_config"), "functionCallingConfig",
                     "tool_config.function_calling_config")  # fmt: skip
    where = "tool_config.function_calling_config"
    mode: object = config.get("mode", "AUTO")
    if not isinstance(mode, str) or mode.upper() not in ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"):
        raise invalid(f"{where}.mode", "Mode", mode)
    allowed: object = config.get("allowedFunctionNames")
    if not allowed:
        return tools, bool(mode.upper() == "ANY" and tools)
    if mode.upper() not in ("ANY", "VALIDATED"):
        raise _field(f"{where}.allowed_function_names", "only allowed when mode is ANY or VALIDATED.")
    names = {tool.name for tool in tools}
    for name in allowed if is_array(allowed) else (allowed,):
        if not isinstance(name, str) or name not in names:
            raise _field(f"{where}.allowed_function_names", f"{name!r} is not in function_declarations.")
    chosen = [tool for tool in tools if is_array(allowed) and tool.name in allowed]
    return chosen, mode.upper() == "ANY"


# ------------------------------------------------------------------------------------------------------------- contents


def _contents(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    contents: object = given.get("contents")
    if is_object(contents):
        contents = [contents]
    if contents is not None and not is_array(contents):
        raise invalid("contents", "Content", contents)
    if not contents:
        raise _field("contents", "contents is not specified")
    for number, content in enumerate(contents):
        _check_content(content, f"contents[{number}]")
        if content.get("role") not in (None, "", "user", "model", "function"):
            raise refusal("Please use a valid role: user, model.")
    return contents


def _check_content(content: object, path: str) -> None:
    if not is_object(content):
        raise invalid(path, "Content", content)
    _known(content, frozenset({"role", "parts"}), path)
    parts: object = content.get("parts")
    if is_object(parts):
        content["parts"] = parts = [parts]
    if parts is not None and not is_array(parts):
        raise invalid(f"{path}.parts", "Part", parts)
    if not parts:
        raise _field(f"{path}.parts", "contents.parts must not be empty.")
    for number, part in enumerate(parts):
        _check_part(part, f"{path}.parts[{number}]")


def _check_part(part: object, path: str) -> None:
    if not is_object(part):
        raise invalid(path, "Part", part)
    _known(part, _PART, path)
    data = [name for name in _DATA if part.get(name) is not None]
    signature: object = part.get("thoughtSignature")
    if len(data) > 1:
        raise refusal(
            f"Invalid value at '{path}' (oneof), oneof field 'data' is already set. Cannot set '{_snake(data[1])}'"
        )
    if not data and signature is None:
        raise _field(f"{path}.data", "required oneof field 'data' must have one initialized field")
    if signature is not None:
        _check_bytes(signature, f"{path}.thought_signature")
        if signature not in _DUMMIES and not is_sealed(signature):
            raise refusal("Thought signature is not valid.")
    for name in data:
        _check_data(name, part[name], f"{path}.{_snake(name)}")


def _check_data(name: str, value: object, path: str) -> None:
    if name == "text":
        if not isinstance(value, str):
            raise invalid(path, "TYPE_STRING", value)
        return
    if not is_object(value):
        raise invalid(path, name[0].upper() + name[1:], value)
    if name in ("inlineData", "fileData"):
        _check_file(name, value, path)
    if name in ("functionCall", "functionResponse"):
        inside = "args" if name == "functionCall" else "response"
        if not isinstance(value.get("name"), str) or not value["name"]:
            raise _field(f"{path}.name", "Name cannot be empty.")
        struct: object = value.get(inside)
        if (struct is not None or name == "functionResponse") and not is_object(struct):
            raise invalid(f"{path}.{inside}", "type.googleapis.com/google.protobuf.Struct", struct)


def _check_file(name: str, value: Mapping[str, Any], path: str) -> None:
    kind: object = value.get("mimeType")
    if kind is not None and not isinstance(kind, str):
        raise invalid(f"{path}.mime_type", "TYPE_STRING", kind)
    if name == "inlineData":
        _check_bytes(value.get("data"), f"{path}.data")
        if not kind:
            raise refusal(f"Unable to process input: mime_type is not specified at '{path}'.")
    elif not isinstance(value.get("fileUri"), str):
        raise _field(f"{path}.file_uri", "file_uri must not be empty.")


def _check_bytes(value: object, path: str) -> None:
    if not is_base64(value):
        raise refusal(f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {to_json(value).decode()}")


def _check_turns(contents: Sequence[dict[str, Any]]) -> None:
    """Calls come after the user has spoken, and their results right after them, as many as they are."""
    owed = 0
    before = ""
    for content in contents:
        calls = sum(part.get("functionCall") is not None for part in content["parts"])
        results = sum(part.get("functionResponse") is not None for part in content["parts"])
        if results != owed:
            if not owed:
                raise refusal("Please ensure that function response turn comes immediately after a function call turn.")
            raise refusal(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if calls and before in ("", "model"):
            raise refusal(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        owed = calls
        before = content.get("role") or "user"
    if owed:
        raise refusal(
            "Please ensure that the number of function response parts is equal to the number of function call parts "
            "of the function call turn."
        )


# ---------------------------------------------------------------------------------------------------- in neutral words


def _messages(system: object, contents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if is_object(system):
        messages.append({"role": "system", "content": _content(system["parts"])})
    for content in contents:
        parts = content["parts"]
        if content.get("role") == "model":
            messages.append(_made(parts))
            continue
        messages += (_result(part["functionResponse"]) for part in parts if part.get("functionResponse") is not None)
        rest = [part for part in parts if part.get("functionResponse") is None]
        if rest:
            messages.append({"role": "user", "content": _content(rest)})
    return messages


def _made(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    said = [part for part in parts if part.get("functionCall") is None and not part.get("thought")]
    calls = [part["functionCall"] for part in parts if part.get("functionCall") is not None]
    message: dict[str, Any] = {"role": "assistant", "content": _content(said) if said else None}
    if calls:
        message["tool_calls"] = [
            {
                "id": call.get("id"),
                "type": "function",
                "function": {"name": call["name"], "arguments": to_json(call.get("args") or {}).decode()},
            }
            for call in calls
        ]
    return message


def _result(response: Mapping[str, Any]) -> dict[str, Any]:
    said: Mapping[str, Any] = response["response"]
    only = next(iter(said.values())) if len(said) == 1 else None
    return {
        "role": "tool",
        "tool_call_id": response.get("id"),
        "name": response["name"],
        "content": only if isinstance(only, str) else to_json(said).decode(),
    }


def _content(parts: Sequence[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if len(parts) == 1 and isinstance(parts[0].get("text"), str):
        return str(parts[0]["text"])
    return [_part(part) for part in parts]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("text") is not None:
        return {"type": "text", "text": part["text"]}
    data: Mapping[str, Any] = part.get("inlineData") or {}
    kind = str(data.get("mimeType", ""))
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data['data']}"}}
    return {"type": next((name for name in _DATA if part.get(name) is not None), "thought"), **part}
