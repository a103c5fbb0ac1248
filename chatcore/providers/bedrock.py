"""`ChatBedrockConverse`: the models of Amazon Bedrock, by its Converse API, without boto3."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, cast
from urllib.parse import quote, urlsplit

import anyio.to_thread
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr
from typing_extensions import override

from chatcore.errors import ConfigurationError
from chatcore.http._sigv4 import AWSCredentials, signed
from chatcore.language_models.model_profile import load_profile
from chatcore.messages import BaseMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.outputs import ChatResult
from chatcore.providers._aws import (
    credentials_from_environment,
    credentials_given_by,
    read_profile,
    region_from_environment,
    region_of_arn,
)
from chatcore.providers._bedrock_converse import PROVIDER, AnswerDecoder, decode_answer
from chatcore.providers._bedrock_converse_content import family_of
from chatcore.providers._bedrock_converse_request import encode_request
from chatcore.providers._remote import Call, Outgoing, RemoteChatModel, as_secret, key_given_by
from chatcore.providers._wire import Exchange, StreamDecoder, as_object
from chatcore.providers.hosts import is_local
from chatcore.structured_output import Method

__all__ = ["AWSCredentials", "ChatBedrockConverse"]

SERVICE: Final = "bedrock"
"""What requests are signed for."""

EVENT_STREAM: Final = "application/vnd.amazon.eventstream"

_READ_AGAIN: Final = 60.0
"""Seconds after which the files of credentials are read again: tools renew what is in them."""

_Secret = Annotated[SecretStr | str | None, AfterValidator(as_secret)]


class ChatBedrockConverse(RemoteChatModel):
    """A chat model of Amazon Bedrock's, by the Converse API.

    ::

        model = ChatBedrockConverse(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", region_name="us-east-1")

    Every call takes, by keyword, what the constructor takes of the request; parameters that Converse does not have go
    to the model itself, as `additional_model_request_fields`. Converse has no parameter for `parallel_tool_calls`.

    Requests are signed with credentials, or carry a key of Bedrock's own. Looked for are, in this order: `api_key`;
    `credentials`; `aws_access_key_id`; `credentials_profile_name`; then, from the environment,
    `AWS_BEARER_TOKEN_BEDROCK`, `AWS_ACCESS_KEY_ID`, and the profile of `AWS_PROFILE` in `~/.aws`.

    model: the model's id, or that of an inference profile, or an ARN.
    api_key: a key of Bedrock's own, or a function that gives it.
    base_url: another endpoint than the region's; None: `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` from the environment.
    region_name: where the model runs, such as `"us-east-1"`; None: `AWS_REGION` or `AWS_DEFAULT_REGION` from the
        environment, else that of the model's ARN, else that of the profile.
    credentials_profile_name: the profile in `~/.aws/credentials` and `~/.aws/config` whose access keys sign.
    aws_access_key_id, aws_secret_access_key, aws_session_token: credentials; the token is of temporary ones.
    credentials: a function, sync (it must not block) or async, that gives `AWSCredentials`, or what boto3's
        `get_frozen_credentials()` gives; asked at every request.
    base_model_id: the id of the model behind an ARN that does not tell it.
    provider: who made the model, such as `"anthropic"`; None: the model's id tells.
    system: system prompts that stand before those of the messages: texts, or blocks of the wire.
    additional_model_request_fields: parameters of the model itself, such as `{"thinking": {...}}`.
    additional_model_response_field_paths: which fields of the model's own answer to give in
        `response_metadata["additionalModelResponseFields"]`, as JSON Pointers.
    guardrail_config: the guardrail, `{"guardrailIdentifier", "guardrailVersion", "trace"}`.
    guard_last_turn_only: whether the guardrail looks at the last turn of the user only.
    performance_config: such as `{"latency": "optimized"}`.
    service_tier: `"priority"`, `"default"`, `"flex"` or `"reserved"`.
    request_metadata: what invocation logs can be searched by.
    output_config: the form of the answer, as the wire has it; `with_structured_output` writes it.
    reasoning_effort: how much to think, for models that can be told; such as `"low"`.
    supports_tool_choice_values: which of `"auto"`, `"any"`, `"tool"` the model takes: any other choice is left out, and
        the model decides. None: by the model's id; of a model that is not known, all.
    raw_blocks: the wire's messages, sent in place of those of the call.
    temperature, max_tokens, top_p, stop, timeout, max_retries, streaming, default_headers, default_query, model_kwargs,
        extra_body, http_client: as for every model (`RemoteChatModel`).

    Raises:
        ConfigurationError: an argument is unknown or wrong; no region was found.
        MissingKeyError: at the first call: no credentials were found.
    """

    _PROVIDER: ClassVar[str] = PROVIDER
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ("AWS_BEARER_TOKEN_BEDROCK",)
    _BASE_URL: ClassVar[str] = "https://bedrock-runtime.us-east-1.amazonaws.com"
    _BASE_URL_VARIABLES: ClassVar[tuple[str, ...]] = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL")
    _ALIASES: ClassVar[Mapping[str, str]] = {
        "model_id": "model",
        "model_name": "model",
        "base_model": "base_model_id",
        "bedrock_api_key": "api_key",
        "endpoint_url": "base_url",
        "guardrails": "guardrail_config",
        "request_timeout": "timeout",
        "stop_sequences": "stop",
    }
    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *("model", "temperature", "max_tokens", "top_p", "stop", "provider", "system", "guardrail_config"),
        *("additional_model_request_fields", "additional_model_response_field_paths", "guard_last_turn_only"),
        *("performance_config", "service_tier", "request_metadata", "output_config", "reasoning_effort", "raw_blocks"),
    )
    _SECRETS: ClassVar[frozenset[str]] = frozenset(
        {"api_key", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "credentials"}
    )

    region_name: str | None = None
    credentials_profile_name: str | None = Field(default=None, exclude=True)
    aws_access_key_id: _Secret = Field(default=None, exclude=True, repr=False)
    aws_secret_access_key: _Secret = Field(default=None, exclude=True, repr=False)
    aws_session_token: _Secret = Field(default=None, exclude=True, repr=False)
    credentials: Callable[[], Any] | None = Field(default=None, exclude=True, repr=False)
    base_model_id: str | None = None
    provider: str | None = None
    system: str | list[str | dict[str, Any]] | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    additional_model_response_field_paths: list[str] | None = None
    guardrail_config: dict[str, Any] | None = None
    guard_last_turn_only: bool | None = None
    performance_config: dict[str, Any] | None = None
    service_tier: str | None = None
    request_metadata: dict[str, str] | None = None
    output_config: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    supports_tool_choice_values: tuple[str, ...] | None = None
    raw_blocks: list[dict[str, Any]] | None = None

    # What the files said, and when (by the monotonic clock) they were read.
    _in_files: tuple[float, AWSCredentials] | None = PrivateAttr(default=None)

    @override
    def _settle(self, given: Mapping[str, Any]) -> None:
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            missing = "aws_access_key_id" if self.aws_access_key_id is None else "aws_secret_access_key"
            msg = f"{missing} is missing: aws_access_key_id and aws_secret_access_key are given together."
            raise ConfigurationError(msg)
        if self.guard_last_turn_only and not self.guardrail_config:
            msg = "guard_last_turn_only=True needs a guardrail: give guardrail_config."
            raise ConfigurationError(msg)
        if self.region_name is None:
            self.region_name = self._found_region()
        super()._settle(given)

    def _found_region(self) -> str | None:
        said = region_from_environment() or region_of_arn(self.model)
        return said or read_profile(self.credentials_profile_name).region

    @override
    def _found_address(self) -> str:
        address = super()._found_address()
        if address != self._BASE_URL or self.region_name == "us-east-1":
            return address
        if self.region_name is None:
            msg = "No AWS region was found: pass region_name= (such as 'us-east-1'), or set AWS_REGION."
            raise ConfigurationError(msg)
        domain = "amazonaws.com.cn" if self.region_name.startswith("cn-") else "amazonaws.com"
        return f"https://bedrock-runtime.{self.region_name}.{domain}"

    @override
    def _known_profile(self) -> dict[str, Any] | None:
        return cast("dict[str, Any] | None", load_profile(PROVIDER, self.base_model_id or self.model))

    # ------------------------------------------------------------------------------------------------------ whose it is

    @property
    def _has_credentials_of_its_own(self) -> bool:
        """Whether an argument says what requests are signed with: it counts more than a key in the environment."""
        return bool(self.credentials or self.aws_access_key_id or self.credentials_profile_name)

    @override
    def _find_key(self) -> None:
        if not self._has_credentials_of_its_own:
            super()._find_key()

    @override
    def _plain_key(self) -> str | None:
        """The text of a key of Bedrock's own; None where requests are signed."""
        key = self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else ""
        return key or None

    @override
    async def _signed(self, method: str, url: str, headers: dict[str, str], content: bytes) -> dict[str, str]:
        key = await key_given_by(self.api_key) if callable(self.api_key) else self._plain_key()
        if key:
            return {**self._key_headers(key), **headers}
        if "authorization" in headers:
            return headers
        found = await self._found_credentials()
        if found is None:
            return headers
        region = self.region_name or _region_of_host(url)
        return signed(method, url, headers, content, credentials=found, region=region, service=SERVICE)

    async def _found_credentials(self) -> AWSCredentials | None:
        """What requests are signed with; None for a server on this machine, if there is nothing.

        Raises:
            MissingKeyError: there is nothing.
        """
        if self.credentials is not None:
            return await credentials_given_by(self.credentials)
        key, secret = _told(self.aws_access_key_id), _told(self.aws_secret_access_key)
        if key is not None and secret is not None:
            return AWSCredentials(key, secret, _told(self.aws_session_token) or None)
        if self.credentials_profile_name is None and (found := credentials_from_environment()) is not None:
            return found
        if self._in_files is not None and time.monotonic() - self._in_files[0] < _READ_AGAIN:
            return self._in_files[1]
        profile = await anyio.to_thread.run_sync(read_profile, self.credentials_profile_name)
        if profile.credentials is not None:
            self._in_files = (time.monotonic(), profile.credentials)
            return profile.credentials
        if self.credentials_profile_name is None and is_local(cast("str", self.base_url)):
            return None
        raise profile.missing()

    @classmethod
    @override
    def _of_the_model(cls) -> frozenset[str]:
        return super()._of_the_model() | {"region_name", "credentials_profile_name", "supports_tool_choice_values"}

    @override
    def __getstate__(self) -> dict[Any, Any]:
        """Without credentials, wherever they are from."""
        state = super().__getstate__()
        return {**state, "__pydantic_private__": {**state["__pydantic_private__"], "_in_files": None}}

    # -------------------------------------------------------------------------------------------------- request, answer

    @override
    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        settings = dict(call.settings)
        model = str(settings.get("model") or self.model)
        if settings.get("provider") is None and self.base_model_id:
            settings["provider"] = family_of(self.base_model_id)
        body = encode_request(messages, settings, extra_body={**(self.extra_body or {}), **call.extra_body})
        self._fit(body, model, stream=call.stream)
        # A whole ARN is one segment of the path.
        path = f"/model/{quote(model, safe='')}/converse{'-stream' if call.stream else ''}"
        return Outgoing(path, body, accept=EVENT_STREAM if call.stream else None)

    def _fit(self, body: dict[str, Any], model: str, *, stream: bool) -> None:
        """Leave out what this model, or this kind of call, does not take."""
        config, guardrail = body.get("toolConfig"), body.get("guardrailConfig")
        taken = self.supports_tool_choice_values
        if taken is None:
            taken = _taken_choices(self.base_model_id or model, body)
        if is_dict(config) and not {*as_object(config.get("toolChoice"))} & {*taken}:
            body["toolConfig"] = {name: value for name, value in config.items() if name != "toolChoice"}
        if not stream and is_dict(guardrail):
            body["guardrailConfig"] = {name: guardrail[name] for name in guardrail if name != "streamProcessingMode"}

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        return decode_answer(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        return AnswerDecoder(exchange, blocks=_may_bring_blocks(call.sent or {}))

    # -------------------------------------------------------------------------------------------------------- as others

    @property
    @override
    def _llm_type(self) -> str:
        return "amazon_bedrock_converse_chat"

    @override
    def _structured_methods(self) -> tuple[Method, ...]:
        return ("function_calling", "json_schema")

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain_aws", "chat_models"]

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key and the credentials, known by the names of their environment variables."""
        return {
            "api_key": "AWS_BEARER_TOKEN_BEDROCK",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
            "aws_session_token": "AWS_SESSION_TOKEN",
        }

    @property
    def model_id(self) -> str:
        """The reference's name of `model`."""
        return self.model

    @property
    def endpoint_url(self) -> str | None:
        """The reference's name of `base_url`."""
        return self.base_url

    @classmethod
    def create_cache_point(cls, cache_type: str = "default") -> dict[str, Any]:
        """A block that marks the end of what is to be cached.

        cache_type: there is one, `"default"`.
        """
        return {"cachePoint": {"type": cache_type}}


_CHOICES: Final = (
    (re.compile(r"claude-(fable-5-1|opus-5-5|sonnet-5-5)|llama-?4|llama3-[13]-|llama3-2-(11b|90b)-"), ("auto",)),
    (re.compile(r"mistral-large|zai\.glm-(?!5\.3)|deepseek\.(?!r1)"), ("auto", "any")),
    (re.compile(r"meta\.llama|deepseek\.r1|cohere\.|ai21\."), ()),
)
"""Which choices of tools models take that do not take all: a part of their ids, and the choices
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html, and langchain-aws)."""


def _taken_choices(model: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The choices of tools that a model takes, for a request."""
    thinking = as_object(as_object(body.get("additionalModelRequestFields")).get("thinking"))
    if thinking.get("type") in ("enabled", "adaptive"):
        # While Claude thinks, it cannot be forced to call a tool.
        return ("auto",)
    return next((taken for known, taken in _CHOICES if known.search(model)), ("auto", "any", "tool"))


def _told(secret: SecretStr | str | None) -> str | None:
    return secret.get_secret_value() if isinstance(secret, SecretStr) else secret


def _region_of_host(url: str) -> str:
    """The region in an endpoint's name; the first one for any other host, such as one on this machine."""
    parts = (urlsplit(url).hostname or "").split(".")
    return next((part for part in parts if part.count("-") >= 2 and part[-1:].isdigit()), "us-east-1")


def _may_bring_blocks(body: Mapping[str, Any]) -> bool:
    """Whether a request may be answered with more than text: with calls, or with citations of its documents."""
    if body.get("toolConfig"):
        return True
    turns: Any = body.get("messages")
    contents = [turn.get("content") for turn in turns if is_dict(turn)] if is_list(turns) else []
    blocks = [block for content in contents if is_list(content) for block in content if is_dict(block)]
    sources = (block.get(key) for block in blocks for key in ("document", "searchResult"))
    return any(is_dict(source) and is_dict(source.get("citations")) for source in sources)
