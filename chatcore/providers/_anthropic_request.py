"""Messages and settings → the JSON of a request of Anthropic's Messages API. No I/O.

The wire is Anthropic's (https://docs.anthropic.com/en/api/messages); `_anthropic_turns` writes the messages, this file
everything else. What cannot be sent is an error that names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from chatcore.errors import InvalidInputError
from chatcore.messages._shapes import is_dict
from chatcore.providers._anthropic_schema import holdable
from chatcore.providers._anthropic_turns import TOOL_CHANGES, encode_messages
from chatcore.providers._wire import as_object, as_objects
from chatcore.providers._wire_request import TOOL_EXTRAS, TOOL_FORM, openai_tool, schema_of, stop_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chatcore.messages import BaseMessage

__all__ = ["betas_for", "encode_request"]

_SORTED_OUT: Final = frozenset(
    {
        *("model", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "parallel_tool_calls"),
        *("response_format", "output_config", "effort", "reasoning_effort", "user", "metadata", "betas", "stream"),
    }
)
"""The settings that are written in another form than they have; all others are sent as they are."""


def encode_request(
    messages: Sequence[BaseMessage],
    settings: Mapping[str, Any],
    *,
    stream: bool = False,
    system_in_place: bool = False,
    forces_calls: bool = True,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request's body, ready for `to_json`.

    messages: the conversation, oldest first.
    settings: parameters by their neutral names, `model` and `max_tokens` among them, or by this API's; None means "not
        set". Names that are not known here are sent as they are. `betas` is for `betas_for`.
    stream: whether the answer is to be streamed.
    system_in_place: whether the model reads system messages where they stand in the conversation.
    forces_calls: whether the model can be told that it must call a tool; if not, it is told that it may.
    extra_body: merged last, over everything else.

    Raises `InvalidInputError` for a message, a tool or a setting that cannot be sent, naming it.
    """
    system, turns = encode_messages(messages, system_in_place=system_in_place)
    tokens = settings.get("max_tokens") or settings.get("max_completion_tokens")
    body: dict[str, Any] = {"model": settings.get("model"), "max_tokens": tokens, "messages": turns}
    if system:
        body["system"] = system
    body.update({name: value for name, value in settings.items() if value is not None and name not in _SORTED_OUT})
    body.update(_rewritten(settings, forces_calls=forces_calls))
    if stream:
        body["stream"] = True
    if extra_body:
        body.update(extra_body)
    return {name: value for name, value in body.items() if value is not None}


def betas_for(body: Mapping[str, Any], asked: Iterable[str] = ()) -> list[str]:
    """The beta features that a request needs, for its `anthropic-beta` header.

    body: the request's body.
    asked: those that the user names.
    """
    betas = dict.fromkeys(asked)

    def need(beta: str, *others: str) -> None:
        # A feature that the user names, by whatever date, is not named again.
        feature = beta[: -len("-2025-11-20")]
        if not any(known.startswith((feature, *others)) for known in betas):
            betas[beta] = None

    _need_for_tools(body, need)
    for edit in as_objects(as_object(body.get("context_management")).get("edits")):
        compacts = str(edit.get("type")).startswith("compact")
        need("compact-2026-01-12" if compacts else "context-management-2025-06-27")
    for (name, *inner), beta in _BETA_OF_SETTING.items():
        value = body.get(name)
        for key in inner:
            value = as_object(value).get(key)
        if value and (name != "thinking" or value == "updates"):
            need(beta)
    for turn in as_objects(body.get("messages")):
        for part in as_objects(turn.get("content")):
            _need_for_part(part, need)
    return list(betas)


def _need_for_tools(body: Mapping[str, Any], need: Callable[..., None]) -> None:
    tools = as_objects(body.get("tools"))
    for tool in tools:
        beta = _BETA_OF_TOOL.get(tool["type"]) if isinstance(tool.get("type"), str) else None
        if beta is not None:
            need(beta)
        if tool.get("input_examples"):
            need("advanced-tool-use-2025-11-20")
    if body.get("mcp_servers"):
        # In its first form the servers themselves said which of their tools may be called.
        in_tools = any(tool.get("type") == "mcp_toolset" for tool in tools)
        need("mcp-client-2025-11-20" if in_tools else "mcp-client-2025-04-04")


def _need_for_part(part: dict[str, Any], need: Callable[..., None]) -> None:
    kind = part.get("type")
    if kind == "container_upload" or as_object(part.get("source")).get("type") == "file":
        need("files-api-2025-04-14")
    elif kind == "tool_addition" and as_object(part.get("tool")).get("type") == "tool_definition":
        need("inline-tools-2026-09-15")
    elif kind in TOOL_CHANGES:
        need("mid-conversation-tool-changes-2026-07-01", "inline-tools")


_BETA_OF_SETTING: Final = {
    ("output_config", "task_budget"): "task-budgets-2026-03-13",
    ("thinking", "display"): "thinking-display-updates-2026-08-18",
    ("output_format",): "structured-outputs-2025-11-13",
    ("container", "skills"): "skills-2025-10-02",
    ("user_profile_id",): "user-profiles-2026-03-24",
}
"""Parameters, by their paths, that need a beta feature; of the ways to show thoughts only one does, "updates"."""

_BETA_OF_TOOL: Final = {
    "web_fetch_20250910": "web-fetch-2025-09-10",
    "code_execution_20250522": "code-execution-2025-05-22",
    "code_execution_20250825": "code-execution-2025-08-25",
    "memory_20250818": "context-management-2025-06-27",
    "computer_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "tool_search_tool_regex_20251119": "advanced-tool-use-2025-11-20",
    "tool_search_tool_bm25_20251119": "advanced-tool-use-2025-11-20",
    "advisor_20260301": "advisor-tool-2026-03-01",
}
"""Tools that run at Anthropic and need a beta feature (https://docs.anthropic.com/en/docs/agents-and-tools)."""


# ------------------------------------------------------------------------------------------------------------- settings


def _rewritten(settings: Mapping[str, Any], *, forces_calls: bool) -> dict[str, Any]:
    """The settings that this API has in another form."""
    made: dict[str, Any] = {}
    stop = settings.get("stop")
    if stop:
        made["stop_sequences"] = stop_words(stop)
    tools = _tools(settings.get("tools"))
    if tools:
        made["tools"] = tools
    choice = _tool_choice(settings, tools, forces_calls=forces_calls)
    if choice is not None:
        made["tool_choice"] = choice
    output = _output_config(settings)
    if output:
        made["output_config"] = output
    metadata = settings.get("metadata")
    if settings.get("user") is not None:
        metadata = {**as_object(metadata), "user_id": settings["user"]}
    if metadata:
        made["metadata"] = metadata
    return made


def _output_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    config = {**as_object(settings.get("output_config"))}
    effort = settings.get("effort") or settings.get("reasoning_effort")
    if effort:
        config["effort"] = effort
    form = settings.get("response_format")
    if form is not None and (written := _format(form)) is not None:
        config["format"] = written
    return config


def _format(form: Any) -> dict[str, Any] | None:
    if isinstance(form, type):
        named = f"{{'name': {form.__name__!r}, 'schema': {schema_of(form)}}}"
        msg = f"response_format is the class {form.__name__}: give {{'type': 'json_schema', 'json_schema': {named}}}."
        raise InvalidInputError(msg)
    given = as_object(form)
    kind = given.get("type")
    if kind == "text":
        return None
    if kind == "json_schema" and is_dict(schema := as_object(given.get("json_schema")).get("schema")):
        return {"type": "json_schema", "schema": holdable(schema)}
    if kind == "json_schema" and is_dict(given.get("schema")):
        return given  # the API's own form
    msg = (
        f"response_format={form!r:.200} cannot be sent: Anthropic has no JSON without a schema. Give {{'type': "
        "'json_schema', 'json_schema': {'name': ..., 'schema': ...}}, or use with_structured_output."
    )
    raise InvalidInputError(msg)


# ---------------------------------------------------------------------------------------------------------------- tools


def _tools(given: Any) -> list[dict[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list | tuple):
        msg = f"tools is of type {type(given).__name__}: give a list of dicts, each {TOOL_FORM}."
        raise InvalidInputError(msg)
    return [_tool(tool, position) for position, tool in enumerate(cast("Sequence[Any]", given))]


def _tool(given: Any, position: int) -> dict[str, Any]:
    if is_dict(given) and "input_schema" in given:
        return given  # this API's own form
    tool = openai_tool(given, position)
    function = tool.get("function")
    if not is_dict(function):
        return tool  # a tool that runs at the provider
    strict = function.get("strict")
    schema = as_object(function.get("parameters"))
    if not schema.keys() & {"anyOf", "oneOf", "allOf", "$ref"}:
        schema = {"type": "object", **(schema or {"properties": {}})}
    made: dict[str, Any] = {"name": function.get("name")}
    if function.get("description") is not None:
        made["description"] = function["description"]
    made["input_schema"] = holdable(schema) if strict else schema
    if strict is not None:
        made["strict"] = strict
    for beside in (as_object(tool.get("extras")), function, tool):
        made.update({key: beside[key] for key in TOOL_EXTRAS if beside.get(key) is not None})
    return made


def _tool_choice(
    settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]], *, forces_calls: bool
) -> dict[str, Any] | None:
    choice = _choice(settings.get("tool_choice"), tools)
    if choice is not None and choice.get("type") in ("any", "tool") and (_thinks(settings) or not forces_calls):
        # The API refuses to force a call while the model thinks: it may call, and by its prompt it should.
        choice = {**choice, "type": "auto"}
        choice.pop("name", None)
    if settings.get("parallel_tool_calls") is False and tools:
        choice = choice or {"type": "auto"}
        if choice.get("type") != "none":
            choice = {**choice, "disable_parallel_tool_use": True}
    return choice


def _thinks(settings: Mapping[str, Any]) -> bool:
    return as_object(settings.get("thinking")).get("type") in ("enabled", "adaptive")


def _choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return {"type": "any"}
    if choice in ("auto", "none"):
        return {"type": choice}
    if is_dict(choice):
        function = choice.get("function")
        return {"type": "tool", "name": function.get("name")} if is_dict(function) else choice
    names = [tool.get("name") for tool in tools]
    if not isinstance(choice, str) or (names and choice not in names):
        msg = f"tool_choice={choice!r} names no tool of this call; there are {names}."
        raise InvalidInputError(msg)
    return {"type": "tool", "name": choice}
