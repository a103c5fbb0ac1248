"""`ChatAnthropic`: Claude, by Anthropic's Messages API, and every server that speaks it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Final, Self, cast

from pydantic import AfterValidator, Field, SecretStr, model_validator
from typing_extensions import override

from chatcore.engine.request import Edit
from chatcore.language_models.model_profile import load_profile
from chatcore.messages import AIMessage, BaseMessage
from chatcore.messages._shapes import is_dict
from chatcore.outputs import ChatResult
from chatcore.providers._anthropic import AnswerDecoder, decode_answer
from chatcore.providers._anthropic_request import betas_for, encode_request
from chatcore.providers._counting import CountingChatModel
from chatcore.providers._remote import ApiKey, Call, Outgoing, as_secret, key_given_by
from chatcore.providers._wire import Exchange, StreamDecoder, as_object, as_objects, count
from chatcore.providers._wire_request import TOOL_EXTRAS
from chatcore.schemas import convert_to_openai_tool
from chatcore.structured_output import Method

__all__ = ["ChatAnthropic"]

VERSION: Final = "2023-06-01"
"""The version of the API that is spoken here (https://docs.anthropic.com/en/api/versioning)."""

FALLBACK_MAX_TOKENS: Final = 4096
"""How long an answer may be of a model of which nothing is known; the API wants a bound in every request."""

_COUNTED: Final = frozenset(
    {
        *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"),
        *("mcp_servers", "context_management", "speed", "user_profile_id"),
    }
)
"""What counting the tokens of a request takes of it."""

_SAME: Final = (
    frozenset({"max_tokens", "max_completion_tokens"}),
    frozenset({"effort", "reasoning_effort"}),
    frozenset({"stop", "stop_sequences"}),
    frozenset({"response_format", "output_format"}),
)
"""Names of one thing: what a call says of it, by whichever name, takes the place of what the model says."""

_IN_BLOCKS: Final = "answers in blocks"
"""Noted in a call's settings once its request is written: whether its answer may hold more than text."""


class ChatAnthropic(CountingChatModel):
    """A chat model of Anthropic's, or of any server that speaks its Messages API.

    ::

        model = ChatAnthropic(model="claude-sonnet-4-5")
        model = ChatAnthropic(model="claude-opus-4-8", thinking={"type": "adaptive"}, effort="high")
        model = ChatAnthropic(model="claude-sonnet-4-5", mcp_servers=[{"type": "url", "url": "...", "name": "wiki"}])

    Every call takes, by keyword, any parameter of the API, such as `cache_control`, `service_tier` or `speed`;
    parameters that are not known here are passed on as they are. `user=` is the id of the user for whom it is asked.
    OpenAI's names are understood, too: `max_completion_tokens`, `response_format`, `reasoning_effort`,
    `parallel_tool_calls`. The beta features that a request needs are named in its header.

    While a model thinks, the API does not let it be forced to call a tool, and some models never: a `tool_choice` that
    forces one is then sent as `"auto"`.

    model: the model's name.
    api_key: the key; a function that gives it (a sync one must not block); None: `ANTHROPIC_API_KEY` from the
        environment. A server on this machine or a private network needs none. It is never shown, dumped or pickled; a
        copy that was pickled looks for it in the environment again.
    auth_token: a bearer token in place of a key; likewise, from `ANTHROPIC_AUTH_TOKEN`.
    base_url: where `/v1/messages` is found; None: `ANTHROPIC_BASE_URL` or `ANTHROPIC_API_URL` from the environment,
        else Anthropic's own.
    max_tokens: the most tokens an answer may have, thoughts included; None: as many as the model can, by its profile.
    temperature: how freely it samples, from 0 to 1. Models that are known to have one temperature only, as the newest,
        are not told; unless a call itself gives it.
    top_k: sample from so many of the likeliest tokens only.
    top_p: sample from the likeliest tokens that make up this share of the probability.
    stop: texts at which an answer ends.
    thinking: whether and how much to think: `{"type": "enabled", "budget_tokens": 2048}`, `{"type": "adaptive"}`.
    reasoning_effort: how much to do for an answer, from `"low"` to `"max"`; `effort` is the same. Newer models think
        then, unless `thinking` says otherwise, and show it.
    output_config: the API's own; `effort` and formats of answers are written into it.
    betas: beta features to use, beside those that are found to be needed.
    mcp_servers: servers whose tools the model may call by itself. Their tokens are never shown, dumped or pickled.
    context_management: what to take out of a long conversation, and when.
    container: the container in which its code runs: an id, or parameters such as its skills.
    reuse_last_container: whether to go on in the container of the last answer that had one.
    inference_geo: where to answer.
    user_profile_id: the profile for which it is asked.
    service_tier: `"auto"` or `"standard_only"`.
    stream_usage: whether a stream tells its usage.
    timeout, max_retries, streaming, default_headers, default_query, model_kwargs, extra_body, http_client: as for every
        model (`RemoteChatModel`).

    Raises:
        ConfigurationError: an argument is unknown or wrong.
        MissingKeyError: no key was found.
    """

    _PROVIDER: ClassVar[str] = "anthropic"
    _TOKENS: ClassVar[str] = "input_tokens"
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    _BASE_URL: ClassVar[str] = "https://api.anthropic.com"
    _BASE_URL_VARIABLES: ClassVar[tuple[str, ...]] = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL")
    _ALIASES: ClassVar[Mapping[str, str]] = {
        "model_name": "model",
        "max_tokens_to_sample": "max_tokens",
        "anthropic_api_key": "api_key",
        "anthropic_auth_token": "auth_token",
        "anthropic_api_url": "base_url",
        "default_request_timeout": "timeout",
        "stop_sequences": "stop",
        "effort": "reasoning_effort",
    }
    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *("model", "temperature", "max_tokens", "top_p", "stop", "top_k", "thinking", "reasoning_effort"),
        *("output_config", "betas", "mcp_servers", "context_management", "container", "inference_geo"),
        *("user_profile_id", "service_tier"),
    )
    _SECRETS: ClassVar[frozenset[str]] = frozenset({"api_key", "auth_token"})

    auth_token: Annotated[ApiKey | None, AfterValidator(as_secret)] = Field(default=None, exclude=True, repr=False)
    top_k: int | None = Field(default=None, ge=0)
    thinking: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    output_config: dict[str, Any] | None = None
    betas: list[str] | None = None
    mcp_servers: list[dict[str, Any]] | None = Field(default=None, exclude=True, repr=False)
    context_management: dict[str, Any] | None = None
    container: str | dict[str, Any] | None = None
    reuse_last_container: bool | None = None
    inference_geo: str | None = None
    user_profile_id: str | None = None
    service_tier: str | None = None
    stream_usage: bool = True

    @model_validator(mode="before")
    @classmethod
    def _read_metadata(cls, given: Any) -> Any:
        """Take the API's `metadata` out of `model_kwargs`: as an argument of its own it is that of traces."""
        kwargs = as_object(given).get("model_kwargs")
        if not is_dict(kwargs) or "metadata" not in kwargs:
            return given
        others = {name: value for name, value in kwargs.items() if name != "metadata"}
        body = {**as_object(given.get("extra_body")), "metadata": kwargs["metadata"]}
        return {**given, "model_kwargs": others, "extra_body": body}

    # ------------------------------------------------------------------------------------- the reference's other names

    @property
    def model_name(self) -> str:
        """The reference's name of `model`."""
        return self.model

    @property
    def effort(self) -> str | None:
        """The reference's other name of `reasoning_effort`."""
        return self.reasoning_effort

    @property
    def anthropic_api_key(self) -> ApiKey | None:
        """The reference's name of `api_key`."""
        return self.api_key

    @property
    def anthropic_api_url(self) -> str | None:
        """The reference's name of `base_url`."""
        return self.base_url

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "chat_models", "anthropic"]

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """Key and token, known by the names of their environment variables."""
        return dict(zip(("api_key", "auth_token"), self._KEY_VARIABLES, strict=True))

    # ------------------------------------------------------------------------------------------------------------- keys

    @override
    def _find_key(self) -> None:
        if self.api_key is not None or self.auth_token is not None:
            return
        key, token = (os.environ.get(variable, "").strip() for variable in self._KEY_VARIABLES)
        if key:
            self.api_key = SecretStr(key)
        elif token:
            self.auth_token = SecretStr(token)

    @override
    def _plain_key(self) -> str | None:
        if self.api_key is not None or self.auth_token is None:
            return super()._plain_key()
        return self.auth_token.get_secret_value() if isinstance(self.auth_token, SecretStr) else None

    @override
    def _key_headers(self, key: str) -> dict[str, str]:
        is_token = self.api_key is None and self.auth_token is not None
        return {"authorization": f"Bearer {key}"} if is_token else {"x-api-key": key}

    @override
    async def _signed(self, method: str, url: str, headers: dict[str, str], content: bytes) -> dict[str, str]:
        if self.api_key is None and callable(self.auth_token):
            return {**self._key_headers(await key_given_by(self.auth_token)), **headers}
        return await super()._signed(method, url, headers, content)

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        return _without_tokens(super()._identifying_params)

    @override
    def _shown(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return _without_tokens(super()._shown(settings))

    @override
    def __getstate__(self) -> dict[Any, Any]:
        """As every model's; the servers of `mcp_servers` without their tokens."""
        state = super().__getstate__()
        fields = _without_tokens(state["__dict__"])
        fields["_middleware"] = tuple(
            replace(layer, settings=_without_tokens(layer.settings)) if isinstance(layer, Edit) else layer
            for layer in fields["_middleware"]
        )
        return {**state, "__dict__": fields}

    # ------------------------------------------------------------------------------------------------------------ tools

    @override
    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """A copy that may ask for these tools to be called: see `BaseChatModel.bind_tools`.

        What only this API knows of a tool is kept: `cache_control`, `defer_loading`, `input_examples`,
        `allowed_callers` and `eager_input_streaming`, of a dict in Anthropic's form, or among a tool's `extras`; there
        `provider_tool_definition` stands for the whole tool.
        """
        given: Any = tools
        if isinstance(given, list | tuple):
            given = [_with_extras(tool, strict=strict) for tool in cast("Sequence[Any]", given)]
        return super().bind_tools(
            given, tool_choice=tool_choice, strict=strict, parallel_tool_calls=parallel_tool_calls, **kwargs
        )

    @override
    def _structured_methods(self) -> tuple[Method, ...]:
        knows = (self.profile or {}).get("structured_output")
        if knows is None:
            knows = self.model.startswith("claude-") and not self.model.startswith(_BEFORE_SCHEMAS)
        return ("json_schema", "function_calling") if knows else ("function_calling",)

    # ----------------------------------------------------------------------------------------------------------- tokens

    @override
    def _write_count(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        """What https://docs.anthropic.com/en/api/messages-count-tokens takes."""
        outgoing = self._write(messages, call)
        asked = {name: value for name, value in as_object(outgoing.body).items() if name in _COUNTED}
        return replace(outgoing, path=f"{outgoing.path}/count_tokens", body=asked)

    @override
    def _counted_tool(self, tool: Any) -> dict[str, Any]:
        return convert_to_openai_tool(_with_extras(tool, strict=None))

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _llm_type(self) -> str:
        return "anthropic-chat"

    @override
    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        settings = call.settings
        profile = self._profile_of(settings.get("model"))
        self._complete(settings, messages, profile)
        body = encode_request(
            messages,
            settings,
            stream=call.stream,
            system_in_place=bool(profile.get("mid_conversation_system_messages")),
            forces_calls=not str(settings.get("model")).startswith(_NEVER_FORCED),
            extra_body={**(self.extra_body or {}), **call.extra_body},
        )
        if call.stream:
            settings[_IN_BLOCKS] = _may_hold_blocks(body)
        headers = {"anthropic-version": VERSION}
        betas = betas_for(body, [*self._named_betas(call), *(settings.get("betas") or ())])
        if betas:
            # Over what was given as a header, whose features are among them.
            call.extra_headers = {**_without_betas(call.extra_headers), "anthropic-beta": ",".join(betas)}
        return Outgoing(self._path("messages"), body, headers)

    def _path(self, name: str) -> str:
        # Addresses of OpenAI's kind, with the version at their end, are understood.
        return f"/{name}" if str(self.base_url).endswith("/v1") else f"/v1/{name}"

    def _profile_of(self, model: Any) -> Mapping[str, Any]:
        profile = self.profile if model == self.model else load_profile(self._PROVIDER, str(model))
        return profile or {}

    @override
    def _has_one_temperature(self, settings: Mapping[str, Any]) -> bool:
        return self._profile_of(settings.get("model")).get("temperature") is False

    def _complete(self, settings: dict[str, Any], messages: Sequence[BaseMessage], profile: Mapping[str, Any]) -> None:
        """Add to the settings of a call what follows from others."""
        effort = settings.get("effort") or settings.get("reasoning_effort")
        if effort and "thinking" not in settings and "xhigh" in (profile.get("reasoning_effort_levels") or ()):
            settings["thinking"] = {"type": "adaptive", "display": "summarized"}
        if not settings.get("max_tokens") and not settings.get("max_completion_tokens"):
            bound = profile.get("max_output_tokens") or FALLBACK_MAX_TOKENS
            thoughts = count(as_object(settings.get("thinking")), "budget_tokens") or 0
            settings["max_tokens"] = bound if bound > thoughts else thoughts + FALLBACK_MAX_TOKENS
        if self.reuse_last_container:
            settings["container"] = _in_last_container(settings.get("container"), messages)

    def _named_betas(self, call: Call) -> list[str]:
        """The beta features that headers name: the model's, and over them the call's."""
        for headers in (call.extra_headers, self.default_headers or {}):
            for name, value in headers.items():
                if name.lower() == "anthropic-beta":
                    return [beta.strip() for beta in value.split(",") if beta.strip()]
        return []

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        return decode_answer(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        usage = self.stream_usage if call.asks_usage is None else call.asks_usage
        return AnswerDecoder(exchange, blocks=bool(call.settings.get(_IN_BLOCKS)), usage=usage)

    @override
    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        call = super()._call(stop, given, stream=stream)
        for names in _SAME:
            if given.keys() & names:
                for name in names - given.keys():
                    call.settings.pop(name, None)
        output = as_object(given.get("output_config"))
        if output:
            call.settings["output_config"] = {**(self.output_config or {}), **output}
            if "effort" in output and not given.keys() & {"effort", "reasoning_effort"}:
                call.settings.pop("reasoning_effort", None)
        return call


_BEFORE_SCHEMAS: Final = (
    *("claude-instant", "claude-2", "claude-3", "claude-opus-4-0", "claude-opus-4-2", "claude-sonnet-4-0"),
    *("claude-sonnet-4-2", "claude-opus-4@", "claude-sonnet-4@"),
)
"""How the names of models begin that cannot be held to a schema
(https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs)."""


_NEVER_FORCED: Final = ("claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5")
"""How the names of models begin that cannot be told that they must call a tool; as the reference has it."""


def _with_extras(tool: Any, *, strict: bool | None) -> Any:
    """A tool in OpenAI's format with what only this API knows of it beside; any other tool as it is."""
    if is_dict(tool) and "input_schema" in tool and "name" in tool:
        function: dict[str, Any] = {key: tool[key] for key in _DESCRIBED if key in tool}
        function["parameters"] = tool["input_schema"]
        return {"type": "function", "function": function, **_beside(tool)}
    extras = as_object(getattr(tool, "extras", None)) if hasattr(tool, "tool_call_schema") else {}
    if "provider_tool_definition" in extras:
        return extras["provider_tool_definition"]
    beside = _beside(extras)
    return {**convert_to_openai_tool(tool, strict=strict), **beside} if beside else tool


_DESCRIBED: Final = ("name", "description", "strict")


def _beside(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: given[key] for key in TOOL_EXTRAS if key in given}


def _without_betas(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "anthropic-beta"}


def _without_tokens(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the tokens of MCP servers."""
    servers = settings.get("mcp_servers")
    if not servers:
        return {**settings}
    shown = [{key: value for key, value in one.items() if key != "authorization_token"} for one in as_objects(servers)]
    return {**settings, "mcp_servers": shown}


def _in_last_container(container: Any, messages: Sequence[BaseMessage]) -> Any:
    """The container that a call goes on in: that of the last answer which had one, unless another is named."""
    if isinstance(container, str) or as_object(container).get("id"):
        return container
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            last = as_object(message.response_metadata.get("container")).get("id")
            if last:
                return {**container, "id": last} if is_dict(container) else last
    return container


def _may_hold_blocks(body: Mapping[str, Any]) -> bool:
    """Whether the answer to a request may hold more than text: calls, thoughts, citations, a compaction."""
    if any(body.get(name) for name in ("tools", "mcp_servers", "container", "context_management")):
        return True
    if as_object(body.get("thinking")).get("type") in ("enabled", "adaptive"):
        return True
    return any(
        as_object(part.get("citations")).get("enabled")
        for turn in as_objects(body.get("messages"))
        for part in as_objects(turn.get("content"))
    )
