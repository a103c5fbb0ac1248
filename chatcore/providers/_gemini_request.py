"""Messages and settings → the JSON of a request to Gemini, at the Gemini API or on Vertex AI. No I/O.

The wire is that of `generateContent` (https://ai.google.dev/api/generate-content), which both of Google's APIs share;
`_gemini_contents` writes the messages, this file everything else. The model is in the request's path, not in its body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import InvalidInputError
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._gemini import is_generation_3
from chatcore.providers._gemini_contents import encode_messages
from chatcore.providers._wire import as_object
from chatcore.providers._wire_request import TOOL_FORM, openai_tool, schema_of, stop_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcore.messages import BaseMessage

__all__ = ["encode_request"]

_RENAMED: Final = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "n": "candidateCount",
    "media_resolution": "mediaResolution",
}

_GENERATION: Final = frozenset(
    {
        *("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "seed", "candidateCount"),
        *("presencePenalty", "frequencyPenalty", "responseMimeType", "responseSchema", "responseJsonSchema"),
        *("responseModalities", "mediaResolution", "speechConfig", "imageConfig", "responseLogprobs", "logprobs"),
        *("audioTimestamp", "routingConfig", "modelSelectionConfig", "enableEnhancedCivicAnswers", "modelConfig"),
        *("enableAffectiveDialog", "responseFormat", "videoConfig", "thinkingConfig"),
    }
)
"""The settings that stand under `generationConfig`."""

_OF_THE_REQUEST: Final = frozenset(
    {"safetySettings", "cachedContent", "labels", "modelArmorConfig", "serviceTier", "store", "systemInstruction"}
)
"""Settings beside it that the reference, and Google's SDK, call by names in snake case."""

_READ_TOGETHER: Final = frozenset(
    {
        *("model", "tools", "tool_choice", "tool_config", "toolConfig", "generation_config", "generationConfig"),
        *("response_format", "response_schema", "thinking_config", "thinkingConfig", "thinking_budget"),
        *("thinking_level", "include_thoughts", "reasoning_effort", "logprobs", "top_logprobs"),
        *("code_execution", "parallel_tool_calls", "strict", "stream", "stream_options"),
    }
)
"""Settings that say something only together with others, or that Gemini has no word for."""

_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Tokens of thought for an effort, where a model has no levels of it (https://ai.google.dev/gemini-api/docs/openai)."""


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    *,
    has_instruction: bool = True,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`.

    messages: the conversation, oldest first. System messages are the `systemInstruction`, wherever they stand.
    settings: parameters by their neutral names, `model` among them, or by Gemini's, in camel or in snake case; None
        means "not set". Names that are not known here are sent as they are.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    model = str(settings.get("model") or "")
    body: dict[str, Any] = encode_messages(messages, model=model, has_instruction=has_instruction)
    tools = _tools(settings.get("tools"))
    if settings.get("code_execution") is True:
        tools.append({"codeExecution": {}})
    if tools:
        body["tools"] = tools
    tool_config = _tool_config(settings, tools)
    if tool_config:
        body["toolConfig"] = tool_config
    generation: dict[str, Any] = {}
    for name, value in settings.items():
        if value is None or name in _READ_TOGETHER:
            continue
        camel = _RENAMED.get(name) or camel_case(name)
        if camel in _GENERATION:
            generation[camel] = _WRITTEN[camel](value) if camel in _WRITTEN else _plain(value)
        elif camel in _OF_THE_REQUEST:
            body[camel] = _safety_settings(value) if camel == "safetySettings" else value
        else:
            body[name] = value
    generation.update(_together(settings, model))
    generation = {name: value for name, value in generation.items() if value is not None}
    if generation:
        body["generationConfig"] = generation
    if extra_body:
        body.update(extra_body)
    return body


_FIRST_OF_WORD: Final = re.compile(r"_([a-z0-9])")


@lru_cache(maxsize=512)
def camel_case(name: str) -> str:
    """A name as it is on the wire, which takes both forms."""
    return _FIRST_OF_WORD.sub(lambda found: found[1].upper(), name)


def _in_camel_case(value: Any) -> Any:
    value = _plain(value)
    return {camel_case(key): _in_camel_case(item) for key, item in value.items()} if is_dict(value) else value


def _plain(value: Any) -> Any:
    """A value without classes of Google's SDK: enums, and models of pydantic's."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True, by_alias=True)
    return value


# ------------------------------------------------------------------------------------------------------------- settings


def _texts(value: Any) -> list[Any] | None:
    return stop_words(value) or None


def _modalities(value: Any) -> list[Any]:
    return [_plain(each).upper() if isinstance(_plain(each), str) else _plain(each) for each in _texts(value) or ()]


def resolution(value: Any) -> Any:
    """How closely media are looked at: the reference's "low" is the wire's `MEDIA_RESOLUTION_LOW`."""
    value = _plain(value)
    if isinstance(value, str) and not value.upper().startswith("MEDIA_RESOLUTION_"):
        return f"MEDIA_RESOLUTION_{value.upper()}"
    return value


_WRITTEN: Final = {
    "stopSequences": _texts,
    "responseModalities": _modalities,
    "mediaResolution": resolution,
    "speechConfig": _in_camel_case,
    "imageConfig": _in_camel_case,
}


def _safety_settings(given: Any) -> Any:
    """What to block: a dict of categories and thresholds, or the wire's own list."""
    if isinstance(given, Mapping):
        categories = cast("Mapping[Any, Any]", given)
        return [
            {"category": _plain(category), "threshold": _plain(threshold)} for category, threshold in categories.items()
        ]
    if isinstance(given, list | tuple):
        return [_plain(each) for each in cast("Sequence[Any]", given)]
    msg = (
        f"safety_settings is of type {type(given).__name__}: give a dict such as "
        "{'HARM_CATEGORY_HARASSMENT': 'BLOCK_ONLY_HIGH'}."
    )
    raise InvalidInputError(msg)


def _together(settings: Mapping[str, Any], model: str) -> dict[str, Any]:
    """What stands under `generationConfig` and follows from several settings."""
    said = _format(settings)
    thinking = _thinking(settings, model)
    if thinking:
        said["thinkingConfig"] = thinking
    logprobs = settings.get("logprobs")
    if isinstance(logprobs, bool):
        said["responseLogprobs"] = logprobs
        logprobs = settings.get("top_logprobs")
    if logprobs is not None:
        said["logprobs"] = logprobs
    if "-tts" in model and settings.get("response_modalities") is None:
        # They answer nothing else, and refuse a request that does not say so.
        said["responseModalities"] = ["AUDIO"]
        if settings.get("speech_config") is None and settings.get("speechConfig") is None:
            said["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    for name in ("generation_config", "generationConfig"):
        given = settings.get(name)
        if given is not None:
            said.update(_own_config(given, name))
    return said


def _own_config(given: Any, name: str) -> dict[str, Any]:
    config = _plain(given)
    if not isinstance(config, Mapping):
        msg = f"{name} is of type {type(given).__name__}: give a dict, such as {{'temperature': 0.5}}."
        raise InvalidInputError(msg)
    items = cast("Mapping[str, Any]", config).items()
    return {
        camel: _WRITTEN[camel](value) if value is not None and camel in _WRITTEN else value
        for key, value in items
        for camel in [_RENAMED.get(key) or camel_case(key)]
    }


def _format(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The format of the answer: OpenAI's way of saying it, or the reference's `response_schema`."""
    said: dict[str, Any] = {}
    schema: Any = settings.get("response_schema")
    if schema is not None:
        if isinstance(schema, type):
            msg = f"response_schema is the class {schema.__name__}: give {schema_of(schema)}."
            raise InvalidInputError(msg)
        said = {"responseMimeType": settings.get("response_mime_type") or "application/json"}
        said["responseSchema" if _is_openapi(schema) else "responseJsonSchema"] = schema
    form: Any = settings.get("response_format")
    if form is None:
        return said
    if isinstance(form, type):
        named = f"{{'name': {form.__name__!r}, 'schema': {schema_of(form)}}}"
        msg = f"response_format is the class {form.__name__}: give {{'type': 'json_schema', 'json_schema': {named}}}."
        raise InvalidInputError(msg)
    kind = as_object(form).get("type")
    if kind == "text":
        return said
    schema = as_object(as_object(form).get("json_schema")).get("schema")
    if kind == "json_object":
        return {"responseMimeType": "application/json"}
    if kind == "json_schema" and is_dict(schema):
        return {"responseMimeType": "application/json", "responseJsonSchema": schema}
    msg = (
        "response_format is not understood: give {'type': 'json_schema', 'json_schema': {'name': ..., 'schema': ...}} "
        "or {'type': 'json_object'}."
    )
    raise InvalidInputError(msg)


def _thinking(settings: Mapping[str, Any], model: str) -> dict[str, Any]:
    """How much to think, and whether to tell it. A level outdoes a budget: Gemini takes one of them."""
    given = settings.get("thinking_config")
    config: dict[str, Any] = as_object(_in_camel_case(settings.get("thinkingConfig") if given is None else given))
    config = dict(config)
    for name, camel in _THINKING.items():
        if settings.get(name) is not None:
            config[camel] = _plain(settings[name])
    effort = settings.get("reasoning_effort")
    if is_dict(effort):
        effort = effort.get("effort")  # OpenAI's newer form
    if isinstance(effort, str) and not config.keys() & {"thinkingLevel", "thinkingBudget"}:
        if is_generation_3(model) or effort not in _BUDGETS:
            config["thinkingLevel"] = "minimal" if effort == "none" else effort
        else:
            config["thinkingBudget"] = _BUDGETS[effort]
    if config.get("thinkingLevel") is not None and settings.get("thinking_level") is not None:
        config.pop("thinkingBudget", None)
    return config


_THINKING: Final = {
    "thinking_budget": "thinkingBudget",
    "thinking_level": "thinkingLevel",
    "include_thoughts": "includeThoughts",
}


# ---------------------------------------------------------------------------------------------------------------- tools

_OWN_TOOLS: Final = frozenset(
    {
        *("functionDeclarations", "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext"),
        *("googleMaps", "fileSearch", "computerUse", "enterpriseWebSearch", "retrieval", "mcpServers"),
        *("parallelAiSearch", "exaAiSearch"),
    }
)
"""What is a tool of Gemini's own, by its key on the wire."""


def _tools(given: Any) -> list[dict[str, Any]]:
    """The tools: functions in one list of declarations, Gemini's own as they are."""
    if given is None:
        return []
    if not isinstance(given, list | tuple):
        msg = f"tools is of type {type(given).__name__}: give a list of dicts, each {TOOL_FORM}."
        raise InvalidInputError(msg)
    tools: list[dict[str, Any]] = []
    declarations: list[dict[str, Any]] = []
    for position, entry in enumerate(cast("Sequence[Any]", given)):
        tool: Any = _plain(entry)
        if isinstance(tool, str) and camel_case(tool) in _OWN_TOOLS:
            tool = cast("Any", {tool: {}})
        if is_dict(tool) and (own := _own_tool(tool)) is not None:
            tools.append(own)
            continue
        spec = openai_tool(tool, position)
        function = spec.get("function")
        if not is_dict(function):
            msg = f"tools[{position}] is {sorted(spec)}, which Gemini does not know: give {TOOL_FORM}."
            raise InvalidInputError(msg)
        if not declarations:
            tools.append({"functionDeclarations": declarations})
        declarations.append(_declaration(function))
    return tools


def _own_tool(tool: dict[str, Any]) -> dict[str, Any] | None:
    """A tool of Gemini's own, as it is; None if it is none. `{"type": "google_search"}` is one, too."""
    if any(camel_case(key) in _OWN_TOOLS for key in tool):
        return tool
    kind = tool.get("type")
    if isinstance(kind, str) and camel_case(kind) in _OWN_TOOLS:
        return {kind: {key: value for key, value in tool.items() if key != "type"}}
    return None


def _declaration(function: dict[str, Any]) -> dict[str, Any]:
    """A function: its parameters as the subset of OpenAPI that every model reads, or as the JSON schema that they are.

    The subset has no references, unions of types, or formats of strings (https://ai.google.dev/api/caching#Schema).
    """
    declaration = {key: function[key] for key in ("name", "description", "behavior", "response") if function.get(key)}
    schema: Any = function.get("parameters")
    for key in ("parametersJsonSchema", "parameters_json_schema"):
        if function.get(key):
            return {**declaration, "parametersJsonSchema": function[key]}
    if not is_dict(schema) or not (schema.get("properties") or schema.keys() - {"type", "properties", "title"}):
        return declaration  # of no parameters: an object without properties is refused
    if schema.get("properties") in (None, {}) and not schema.keys() & {"$ref", "anyOf", "oneOf", "allOf", "items"}:
        return declaration
    return {**declaration, "parameters" if _is_openapi(schema) else "parametersJsonSchema": schema}


_OPENAPI_KEYS: Final = frozenset(
    {
        *("type", "format", "title", "description", "nullable", "enum", "items", "properties", "required", "anyOf"),
        *("minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength", "minimum", "maximum"),
        *("propertyOrdering", "pattern", "example", "default"),
    }
)
_FORMATS: Final = frozenset({"float", "double", "int32", "int64", "enum", "date-time"})


def _is_openapi(schema: Any) -> bool:
    """Whether a schema keeps to the subset of OpenAPI that Gemini has from the first."""
    if not is_dict(schema) or not schema.keys() <= _OPENAPI_KEYS:
        return False
    kind = schema.get("type")
    if not isinstance(kind, str) and not (kind is None and schema.get("anyOf")):
        return False
    if isinstance(kind, str) and kind.upper() == "OBJECT" and not schema.get("properties"):
        return False
    if schema.get("format", "enum") not in _FORMATS:
        return False
    choices = schema.get("enum")
    if choices is not None and not (is_list(choices) and all(each and isinstance(each, str) for each in choices)):
        return False
    inner = [*as_object(schema.get("properties")).values(), *(schema.get("anyOf") or ())]
    if "items" in schema:
        inner.append(schema["items"])
    return all(_is_openapi(each) for each in inner)


def _tool_config(settings: Mapping[str, Any], tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Which tools may, or must, be called."""
    given = settings.get("tool_config")
    own = _in_camel_case(settings.get("toolConfig") if given is None else given)
    config: dict[str, Any] = {**as_object(own)}
    choice = settings.get("tool_choice")
    if choice is None or choice is False:
        return config
    if is_dict(choice):
        camel = as_object(_in_camel_case(choice))
        if "functionCallingConfig" in camel or "mode" in camel:
            return {**config, **(camel if "functionCallingConfig" in camel else {"functionCallingConfig": camel})}
    names = [
        str(declaration.get("name"))
        for tool in tools
        for key in ("functionDeclarations", "function_declarations")
        for declaration in tool.get(key) or ()
    ]
    calling = _calling(choice, names)
    # Of Gemini's own tools, none can be asked for: they are used as the model sees fit.
    return {**config, "functionCallingConfig": calling} if calling and names else config


_MODES: Final = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE", "validated": "VALIDATED"}


def _calling(choice: Any, names: list[str]) -> dict[str, Any]:
    if choice is True:
        return {"mode": "ANY"}
    wanted: list[Any]
    if isinstance(choice, str):
        if choice.lower() in _MODES and choice not in names:
            return {"mode": _MODES[choice.lower()]}
        wanted = [choice]
    elif is_dict(choice):
        kind = choice.get("type")
        name = as_object(choice.get("function")).get("name") or choice.get("name")
        if name is None and isinstance(kind, str) and kind.lower() in _MODES:
            return {"mode": _MODES[kind.lower()]}
        wanted = [name]
    elif is_list(choice) or isinstance(choice, tuple):
        wanted = list(cast("Sequence[Any]", choice))
    else:
        wanted = [choice]
    unknown = [each for each in wanted if each not in names]
    if unknown:
        msg = f"tool_choice={choice!r:.200} names no tool of this call; there are {names}."
        raise InvalidInputError(msg)
    return {"mode": "ANY", "allowedFunctionNames": wanted}
