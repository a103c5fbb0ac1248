"""Messages and settings → the JSON of a request to Amazon Bedrock's Converse API. No I/O.

The wire: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. Its rules, which messages
do not have: roles take turns, so that neighbours of one role become one; system messages stand apart; no text may be
blank, and no content empty; blocks of tools need a `toolConfig`; names of documents differ.

What a message carries and the wire has no place for is left out: ids, metadata, reasoning that another family of models
would refuse. What the *user* asked to send and cannot be sent is an error that names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._bedrock_converse_content import MAX_DEPTH, PLACEHOLDER, Writer, as_json, family_of, is_blank
from chatcore.providers._wire import as_object, as_objects, as_text
from chatcore.providers._wire_request import TOOL_FORM, openai_tool, schema_of, stop_words, tool_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["encode_messages", "encode_request"]

_INFERENCE: Final = {
    "max_tokens": "maxTokens",
    "max_completion_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop": "stopSequences",
    "stop_sequences": "stopSequences",
}
"""Settings that are parts of `inferenceConfig`."""

_TOP_LEVEL: Final = {
    "additional_model_request_fields": "additionalModelRequestFields",
    "additional_model_response_field_paths": "additionalModelResponseFieldPaths",
    "guardrail_config": "guardrailConfig",
    "guardrails": "guardrailConfig",
    "inference_config": "inferenceConfig",
    "output_config": "outputConfig",
    "performance_config": "performanceConfig",
    "prompt_variables": "promptVariables",
    "request_metadata": "requestMetadata",
    "service_tier": "serviceTier",
    "tool_config": "toolConfig",
}
"""Settings that are parts of the request, by their names in Python; the wire's own names are known as well."""

_WIRE_NAMES: Final = frozenset(_TOP_LEVEL.values())

_READ_APART: Final = frozenset(
    {
        "guard_last_turn_only", "model", "provider", "raw_blocks", "reasoning_effort", "response_format", "system",
        "tool_choice", "tools",
        # Converse has no parameter for it.
        "parallel_tool_calls",
    }
)  # fmt: skip

_KNOWN: Final = _READ_APART | _INFERENCE.keys() | _TOP_LEVEL.keys() | _WIRE_NAMES

_GUARDRAIL: Final = {
    "guardrail_identifier": "guardrailIdentifier",
    "guardrail_version": "guardrailVersion",
    "stream_processing_mode": "streamProcessingMode",
}


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    *,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`. The model is no part of it, but of the path.

    messages: the conversation, oldest first.
    settings: parameters by their neutral names, `model` among them, or by those of `ChatBedrockConverse`; None means
        "not set". Names that are not known here go to the model itself, in `additionalModelRequestFields`.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    model = str(given.get("model") or "")
    family = str(given.get("provider") or "").lower() or family_of(model)
    parameters = _parameters(given, model, family)
    if "raw_blocks" in given:
        turns, system = as_json(given["raw_blocks"]), list[dict[str, Any]]()
    else:
        turns, system = encode_messages(messages, model=model, family=family)
        if "toolConfig" not in parameters:
            _without_tools(turns)
        if given.get("guard_last_turn_only"):
            _guard_last_turn(turns)
    system[:0] = _system_prompts(given.get("system"))
    body = {"messages": turns, **({"system": system} if system else {}), **parameters}
    if extra_body:
        body.update(extra_body)
    return body


def encode_messages(
    messages: Sequence[BaseMessage], *, model: str = "", family: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The request's `messages`, and the `system` that is told apart from them.

    model, family: whose messages they are going to be; reasoning of another family is left out.

    Raises `InvalidInputError` for an empty list, and for a message or block that cannot be sent, naming its position.
    """
    if not messages:
        msg = "There is no message to send: the input is an empty list. Give at least one message."
        raise InvalidInputError(msg)
    writer = Writer(model, family)
    turns: list[dict[str, Any]] = []
    system: list[dict[str, Any]] = []
    for position, message in enumerate(messages):
        role = _role(message, position)
        content = writer.content(message, position)
        if role == "system":
            system.extend(content)
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(content)
        else:
            turns.append({"role": role, "content": content})
    if not turns:
        turns.append({"role": "user", "content": []})
    if turns[-1]["role"] == "assistant":
        _trim(turns[-1]["content"])
    for turn in turns:
        turn["content"] = [block for block in turn["content"] if not is_blank(block)] or [{"text": PLACEHOLDER}]
    return turns, [block for block in system if not is_blank(block)]


# ------------------------------------------------------------------------------------------------------------- messages

_ROLES: Final = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
}


def _role(message: BaseMessage, position: int) -> str:
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, HumanMessage | ToolMessage):
        return "user"
    role = _ROLES.get(message.role.lower()) if isinstance(message, ChatMessage) else None
    if role is None:
        said = f"role {message.role!r}" if isinstance(message, ChatMessage) else f"type {message.type!r}"
        msg = (
            f"Message {position} has {said}, which Converse does not know: it has user, assistant and system messages."
        )
        raise InvalidInputError(msg)
    return role


def _trim(content: list[dict[str, Any]]) -> None:
    """The wire refuses white space at the end of an answer that is to be continued."""
    if content and isinstance(text := content[-1].get("text"), str):
        content[-1] = {**content[-1], "text": text.rstrip()}


def _without_tools(turns: list[dict[str, Any]]) -> None:
    """Calls and results of tools as text: the wire refuses them in a request that offers no tools."""
    for turn in turns:
        for place, block in enumerate(turn["content"]):
            if "toolUse" in block:
                call = as_object(block["toolUse"])
                text = f"[Call of the tool {call.get('name')}: {as_text(call.get('input'))}]"
                turn["content"][place] = {"text": text}
            elif "toolResult" in block:
                turn["content"][place : place + 1] = _told(as_object(block["toolResult"]))


def _told(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The result of a tool in blocks of its own."""
    parts = as_objects(result.get("content"))
    return [
        {"text": f"[Result of a tool: {result.get('status') or 'success'}]"},
        *({"text": as_text(part["json"])} if "json" in part else part for part in parts),
    ]


def _guard_last_turn(turns: list[dict[str, Any]]) -> None:
    """Mark the texts of the last turn of the user as what the guardrail looks at."""
    last = next((turn for turn in reversed(turns) if turn["role"] == "user"), None)
    if last is None:
        return
    last["content"] = [
        {"guardContent": {"text": {"text": block["text"]}}} if "text" in block else block for block in last["content"]
    ]
    if not any("guardContent" in block for block in last["content"]):
        # With nothing marked it would look at everything.
        last["content"].append({"guardContent": {"text": {"text": "[tool_result]"}}})


def _system_prompts(given: Any) -> list[dict[str, Any]]:
    prompts = [given] if isinstance(given, str) else given or []
    if not is_list(prompts) or not all(isinstance(prompt, str) or is_dict(prompt) for prompt in prompts):
        msg = "system is a str, or a list of str and of the wire's blocks, such as {'text': '...'}."
        raise InvalidInputError(msg)
    return [{"text": prompt} if isinstance(prompt, str) else as_json(prompt) for prompt in prompts]


# ------------------------------------------------------------------------------------------------------------- settings


def _inference(name: str, value: Any) -> Any:
    if name in ("stop", "stop_sequences"):
        return stop_words(value)
    return value


def _parameter(wire_name: str, value: Any, settled: Any) -> Any:
    if wire_name == "serviceTier" and isinstance(value, str):
        return {"type": value}
    if wire_name == "guardrailConfig" and is_dict(value):
        return {_GUARDRAIL.get(name, name): item for name, item in value.items()}
    if wire_name == "inferenceConfig" and is_dict(value):
        return {**as_object(settled), **value}
    return as_json(value)


def _effort(effort: Any, model: str, family: str | None) -> dict[str, Any]:
    """How much to think, as the family of models says it; Converse itself has no word for it that all of them know."""
    if effort is None:
        return {}
    if family == "amazon" and "nova-2" in model:
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    if family == "anthropic":
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    if family == "openai" and "gpt-oss" not in model:
        return {"reasoning": {"effort": effort}}
    return {"reasoning_effort": effort}


def _parameters(given: Mapping[str, Any], model: str, family: str | None) -> dict[str, Any]:
    """What a request says beside its messages."""
    parameters: dict[str, Any] = {}
    inference = {_INFERENCE[name]: _inference(name, value) for name, value in given.items() if name in _INFERENCE}
    if inference := {name: value for name, value in inference.items() if value != []}:
        parameters["inferenceConfig"] = inference
    if (tools := _tool_config(given)) is not None:
        parameters["toolConfig"] = tools
    for name, value in given.items():
        if (wire_name := _TOP_LEVEL.get(name, name)) in _WIRE_NAMES:
            parameters[wire_name] = _parameter(wire_name, value, parameters.get(wire_name))
    if (output := _output_config(given.get("response_format"))) is not None:
        parameters["outputConfig"] = {**output, **as_object(parameters.get("outputConfig"))}
    for_model = {name: value for name, value in given.items() if name not in _KNOWN}
    for_model.update(_effort(given.get("reasoning_effort"), model, family))
    for_model.update(as_object(parameters.get("additionalModelRequestFields")))
    if for_model:
        parameters["additionalModelRequestFields"] = for_model
    return parameters


def _tool_config(given: Mapping[str, Any]) -> dict[str, Any] | None:
    tools = given.get("tools")
    if tools is None:
        return None
    if not isinstance(tools, list | tuple):
        msg = f"tools is of type {type(tools).__name__}: give a list of dicts, each {TOOL_FORM}."
        raise InvalidInputError(msg)
    specs = [_tool(tool, position) for position, tool in enumerate(cast("Sequence[Any]", tools))]
    if not specs:
        return None
    config: dict[str, Any] = {"tools": specs}
    choice = _tool_choice(given.get("tool_choice"), specs)
    if choice == "none":
        # Converse cannot say it; but tools that must not be called need not be offered.
        return None
    if choice is not None:
        config["toolChoice"] = choice
    return config


_SYSTEM_TOOL: Final = "{'systemTool': {'name': ...}}"
_WIRE_TOOLS: Final = ("toolSpec", "systemTool", "cachePoint")


def _tool(tool: Any, position: int) -> dict[str, Any]:
    if is_dict(tool) and any(key in tool for key in _WIRE_TOOLS):
        own: dict[str, Any] = as_json(tool)
        return own
    function = as_object(openai_tool(tool, position).get("function"))
    if not tool_name({"function": function}):
        msg = f"tools[{position}] is no function: Converse takes {TOOL_FORM}, or its own {_SYSTEM_TOOL}."
        raise InvalidInputError(msg)
    schema = function.get("parameters")
    spec: dict[str, Any] = {"name": function["name"]}
    if function.get("description"):
        spec["description"] = function["description"]
    spec["inputSchema"] = {"json": schema if is_dict(schema) and schema else {"type": "object", "properties": {}}}
    if isinstance(function.get("strict"), bool):
        spec["strict"] = function["strict"]
    return {"toolSpec": spec}


def _tool_choice(choice: Any, specs: list[dict[str, Any]]) -> Any:
    if choice is None or isinstance(choice, bool):
        return {"any": {}} if choice else None
    if is_dict(choice):
        named = as_object(choice.get("function")).get("name")
        return {"tool": {"name": named}} if named else as_json(choice)
    if choice in ("any", "required"):
        return {"any": {}}
    if choice == "auto":
        return {"auto": {}}
    if choice == "none":
        return "none"
    names = [as_object(spec.get("toolSpec")).get("name") for spec in specs]
    if choice not in names:
        msg = f"tool_choice={choice!r} names no tool of this call; there are {[name for name in names if name]}."
        raise InvalidInputError(msg)
    return {"tool": {"name": choice}}


def _output_config(given: Any) -> dict[str, Any] | None:
    if isinstance(given, type):
        form = f"{{'name': {given.__name__!r}, 'schema': {schema_of(given)}}}"
        msg = f"response_format is the class {given.__name__}: give {{'type': 'json_schema', 'json_schema': {form}}}."
        raise InvalidInputError(msg)
    kind = given.get("type") if is_dict(given) else None
    if given is None or kind == "text":
        return None
    described = as_object(given.get("json_schema")) if is_dict(given) else {}
    if kind != "json_schema" or not is_dict(described.get("schema")):
        form = "{'type': 'json_schema', 'json_schema': {'name': ..., 'schema': ...}}"
        msg = f"Converse takes no other response_format than a JSON schema: {form}."
        raise InvalidInputError(msg)
    schema: dict[str, Any] = {"schema": as_text(_closed(described["schema"]))}
    for key in ("name", "description"):
        if isinstance(described.get(key), str):
            schema[key] = described[key]
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _closed(schema: Any, depth: int = 0) -> Any:
    """A JSON Schema whose objects take no further properties: the wire refuses any other.

    https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
    """
    if depth > MAX_DEPTH:
        msg = f"The schema of response_format is nested more than {MAX_DEPTH} deep, or holds itself: it cannot be sent."
        raise InvalidInputError(msg)
    if is_list(schema):
        return [_closed(item, depth + 1) for item in schema]
    if not is_dict(schema):
        return schema
    closed = {key: _closed(value, depth + 1) for key, value in schema.items()}
    # A property may be called "type": only where it is a name of a type, is it one.
    if closed.get("type") == "object":
        closed["additionalProperties"] = False
    return closed
