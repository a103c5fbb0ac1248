"""`ChatOpenAI`: chat completions and Responses of OpenAI, and of every server that speaks them."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from pydantic import Field, PrivateAttr
from typing_extensions import override

from chatcore.engine.policies import Timeout
from chatcore.errors import BadRequestError, ConfigurationError, InvalidInputError, UnprocessableError
from chatcore.http.client import check_header
from chatcore.language_models.model_profile import load_profile
from chatcore.messages import BaseMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.outputs import ChatGenerationChunk, ChatResult
from chatcore.providers import _openai_chat, _openai_chat_request, _responses, _responses_request
from chatcore.providers._remote import ApiKey, Call, Outgoing, RemoteChatModel, from_environment
from chatcore.providers._responses_background import ContinuedChunks, awaited
from chatcore.providers._streaming import Chunks, Opened
from chatcore.providers._wire import Exchange, StreamDecoder, as_object
from chatcore.providers.hosts import COMPATIBLE, HOSTS, OPENAI, Host, host_of

__all__ = ["ApiKey", "ChatOpenAI"]

_ALIASES: Final = {
    "model_name": "model",
    "openai_api_key": "api_key",
    "openai_api_base": "base_url",
    "openai_organization": "organization",
    "request_timeout": "timeout",
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
}
"""The reference's other names of arguments."""

_VARIABLES: Final = {"organization": "OPENAI_ORG_ID", "project": "OPENAI_PROJECT_ID"}
"""The environment's names of arguments, for OpenAI's own host."""


@dataclass(slots=True)
class _Learnt:
    """What calls have found out about the server; shared by the copies of a model that `bind` and its kin make."""

    refuses_stream_options: bool = False


_ONLY_RESPONSES: Final = frozenset(
    {"background", "conversation", "previous_response_id", "prompt", "text", "truncation"}
)
"""Parameters that no host's chat completions have."""

_ONLY_OPENAIS_RESPONSES: Final = frozenset(
    {"context_management", "include", "instructions", "max_tool_calls", "reasoning"}
)
"""Parameters that OpenAI's chat completions do not have, and other hosts' may."""

_MODELS_OF_RESPONSES: Final = re.compile(
    r"gpt-5(\.\d+)?-pro|gpt-5\.6-sol|o[13]-pro|computer-use|.*(codex|deep-research)"
)
"""Models of OpenAI's that have no chat completions: https://platform.openai.com/docs/models."""


class ChatOpenAI(RemoteChatModel):
    """A chat model behind OpenAI's chat completions or its Responses API, or any server that speaks them.

    ::

        model = ChatOpenAI(model="gpt-5-mini")
        model = ChatOpenAI(model="llama3.2", base_url="http://localhost:11434/v1")
        model = ChatOpenAI(model="mistral-small-latest", provider="mistral")

    Which server it is, and so what its parameters are called, follows from `provider` or `base_url` by the table in
    `chatcore.providers.hosts`. Every call takes, by keyword, any parameter of the API; parameters that are not known
    here are passed on as they are. `extra_headers=`, `extra_query=` and `extra_body=` of a call add to the request.

    A call goes to the Responses API if `use_responses_api` says so, or else if it needs it: for a parameter that only
    that API has (`reasoning`, `include`, `truncation`, `previous_response_id`, `text`, `background`, ...), for a tool
    of the server's own, or for a model that has no other. Its answers have blocks for content, also where they are
    nothing but text; `message.text` is the text of either. With `background=True` the server goes on without a
    connection: a plain call asks until the answer is made, and a stream that breaks is resumed.

    model: the model's name, as the server knows it.
    api_key: the key; a function that gives it (a sync one must not block); None: the environment variable of the host,
        `OPENAI_API_KEY` for OpenAI and for servers in no table. A server on this machine or a private network needs
        none. It is never shown, dumped or pickled; a copy that was pickled looks for it in the environment again.
    base_url: where `/chat/completions` and `/responses` are found; None: the first that is set of
        `CHATCORE_<PROVIDER>_BASE_URL`, `CHATCORE_BASE_URL` and, for OpenAI, `OPENAI_BASE_URL` and `OPENAI_API_BASE`, in
        the environment; else that of `provider`.
    provider: the row of the table whose ways the server has; None: found by `base_url`.
    organization, project: sent to OpenAI; None: `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` from the environment, for OpenAI.
    timeout: seconds for a whole call, or a `Timeout`; None: no bound.
    max_retries: how often a failed opening is tried again.
    temperature: how freely it samples, from 0. Models that are known to have one temperature only, such as gpt-5, are
        not told; unless a call itself gives it.
    max_tokens: the most tokens an answer may have, reasoning included.
    top_p: sample from the likeliest tokens that make up this share of the probability.
    stop: texts at which an answer ends.
    seed: for answers that are the same again, as far as the server manages it.
    n: how many answers to one prompt; `agenerate` gives them all. A stream has one.
    logprobs: whether to give the log probability of each token, in `response_metadata["logprobs"]`.
    top_logprobs: how many alternatives to each token to give, too.
    presence_penalty, frequency_penalty: from -2 to 2: against tokens that have occurred, or often.
    logit_bias: token id to bias, from -100 to 100.
    reasoning_effort: how much to think, such as `"low"`.
    verbosity: how much to say: `"low"`, `"medium"` or `"high"`.
    service_tier: which tier of OpenAI's service to use.
    store: whether OpenAI may keep the exchange.
    streaming: True: also plain calls are streamed underneath; False, given: nothing is.
    use_responses_api: whether calls go to the Responses API; None: those that need it.
    reasoning: how to think, and what to tell of it, such as `{"effort": "low", "summary": "auto"}`; of Responses.
    include: what else an answer is to have, such as `["reasoning.encrypted_content"]`; of Responses.
    truncation: `"auto"`: what does not fit is left out, instead of refused; of Responses.
    context_management: when the server is to compact a conversation; of Responses.
    use_previous_response_id: send only what follows the last answer that the server keeps, and that answer's id.
    stream_usage: whether a stream asks for its usage. A server that refuses to be asked is asked once.
    default_headers, default_query: added to every request.
    model_kwargs: parameters of every call that are not named here.
    extra_body: merged over every request's body, last.
    http_client: an `httpx.AsyncClient` or `httpx2.AsyncClient` to use on one event loop, or a function that makes one
        for each; None: chatcore's own connections. Not pickled.

    Raises:
        ConfigurationError: an argument is unknown or wrong.
        MissingKeyError: no key was found.
    """

    _PROVIDER: ClassVar[str] = "openai"
    _BASE_URL: ClassVar[str] = OPENAI.base_url
    _ALIASES: ClassVar[Mapping[str, str]] = {
        "model_name": "model",
        "openai_api_key": "api_key",
        "openai_api_base": "base_url",
        "openai_organization": "organization",
        "request_timeout": "timeout",
        "max_completion_tokens": "max_tokens",
        "stop_sequences": "stop",
    }
    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        "model",
        "temperature",
        "max_tokens",
        "top_p",
        "stop",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "reasoning_effort",
        "verbosity",
        "service_tier",
        "store",
        "reasoning",
        "include",
        "truncation",
        "context_management",
    )

    provider: str | None = None
    organization: str | None = None
    project: str | None = None
    seed: int | None = None
    n: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: dict[str | int, float] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    use_responses_api: bool | None = None
    reasoning: dict[str, Any] | None = None
    include: list[str] | None = None
    truncation: str | None = None
    context_management: list[dict[str, Any]] | None = None
    use_previous_response_id: bool = False
    stream_usage: bool = True

    _host: Host = PrivateAttr()
    _learnt: _Learnt = PrivateAttr(default_factory=_Learnt)

    @override
    def _settle(self, given: Mapping[str, Any]) -> None:
        if self.provider is not None and self.provider not in HOSTS:
            msg = f"provider={self.provider!r} is not known; there are {', '.join(HOSTS)}. Else give base_url only."
            raise ConfigurationError(msg)
        if self.base_url is None:
            self.base_url = self._found_address()
        self._host = self._found_host(self.base_url)
        for name, variable in _VARIABLES.items():
            if self._host is OPENAI and not getattr(self, name):
                setattr(self, name, os.environ.get(variable))
            named = name if given.get(name) else f"The environment variable {variable}"
            check_header(f"openai-{name}", getattr(self, name) or "", named)
        for name, value in self._host.own_headers().items():
            check_header(name, value, f"What the environment says for the header {name}")
        if self.streaming and self.n is not None and self.n > 1:
            msg = f"n={self.n} and streaming=True exclude each other: a stream is one answer."
            raise ConfigurationError(msg)
        super()._settle(given)

    def _found_host(self, base_url: str) -> Host:
        return HOSTS[self.provider] if self.provider else host_of(base_url)

    @property
    @override
    def _provider(self) -> str:
        return self._host.name

    @property
    @override
    def _key_variables(self) -> tuple[str, ...]:
        return self._host.keys

    @override
    def _key_headers(self, key: str) -> dict[str, str]:
        name = self._host.key_header
        return {name: f"Bearer {key}" if name.endswith("authorization") else key}

    @override
    def _found_address(self) -> str:
        host = HOSTS[self.provider] if self.provider else OPENAI
        return from_environment(host.address_variables, OPENAI.base_url) or host.address()

    @override
    def _known_profile(self) -> dict[str, Any] | None:
        # A server in no table may call any model by any name.
        return None if self._host is COMPATIBLE else super()._known_profile()

    # ------------------------------------------------------------------------------------- the reference's other names

    @property
    def model_name(self) -> str:
        """The reference's name of `model`."""
        return self.model

    @property
    def openai_api_base(self) -> str | None:
        """The reference's name of `base_url`."""
        return self.base_url

    @property
    def openai_api_key(self) -> ApiKey | None:
        """The reference's name of `api_key`."""
        return self.api_key

    @property
    def request_timeout(self) -> float | Timeout | None:
        """The reference's name of `timeout`."""
        return self.timeout

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "chat_models", "openai"]

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _llm_type(self) -> str:
        return "openai-chat"

    @override
    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        settings = call.settings
        answers = settings.get("n") or 1
        if call.stream and answers > 1:
            msg = f"n={answers} cannot be streamed: a stream is one answer. Use `agenerate` for several."
            raise InvalidInputError(msg)
        headers = self._host.own_headers()
        headers |= {f"openai-{name}": value for name in _VARIABLES if (value := getattr(self, name))}
        extra_body = {**(self.extra_body or {}), **call.extra_body}
        if self._uses_responses(settings):
            body = _responses_request.encode_request(
                messages,
                settings,
                self._host,
                stream=call.stream,
                use_previous=self.use_previous_response_id,
                extra_body=extra_body,
            )
            return Outgoing("/responses", body, headers)
        body = _openai_chat_request.encode_request(
            messages,
            settings,
            self._host,
            stream=call.stream,
            stream_usage=self._asks_usage(call),
            extra_body=extra_body,
        )
        return Outgoing("/chat/completions", body, headers)

    def _uses_responses(self, settings: Mapping[str, Any]) -> bool:
        """Whether a call with these settings goes to the Responses API."""
        if self.use_responses_api is not None:
            return self.use_responses_api
        if self.use_previous_response_id or self.output_version == _responses.OUTPUT_VERSION:
            return True
        given = {name for name, value in settings.items() if value is not None}
        if not _ONLY_RESPONSES.isdisjoint(given):
            return True
        if not self._is_openais:
            return False
        model, tools = self._name_of(settings), settings.get("tools")
        if _MODELS_OF_RESPONSES.match(model) or (tools and model.lower().startswith("gpt-6")):
            return True
        return not _ONLY_OPENAIS_RESPONSES.isdisjoint(given) or (is_list(tools) and any(map(_is_servers_own, tools)))

    @property
    def _is_openais(self) -> bool:
        """Whether the server is OpenAI's, or may be: a proxy of the user's own."""
        return self._host.name in (OPENAI.name, "azure_ai")

    def _name_of(self, settings: Mapping[str, Any]) -> str:
        """The model that a call asks, by the name by which it is known."""
        return str(settings.get("model"))

    @override
    def _has_one_temperature(self, settings: Mapping[str, Any]) -> bool:
        efforts = (settings.get("reasoning_effort"), as_object(settings.get("reasoning")).get("effort"))
        if not self._is_openais or "none" in efforts:
            # Without reasoning they take one.
            return False
        name = self._name_of(settings)
        own = self.profile if name == self.model and "profile" in self.model_fields_set else None
        return (own or load_profile(OPENAI.name, name) or {}).get("temperature") is False

    def _asks_usage(self, call: Call) -> bool:
        asked = self.stream_usage if call.asks_usage is None else call.asks_usage
        return asked and not self._learnt.refuses_stream_options

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        decode = _responses.decode_answer if self._uses_responses(call.settings) else _openai_chat.decode_answer
        return decode(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        read = _responses.AnswerDecoder if self._uses_responses(call.settings) else _openai_chat.AnswerDecoder
        return read(exchange)

    @override
    async def _asked(self, outgoing: Outgoing, call: Call) -> tuple[bytes, Exchange]:
        """As every model; an answer that is made in the background, once it is made."""
        ask = super()._asked
        body, exchange = await ask(outgoing, call)
        if not self._goes_on_alone(call):
            return body, exchange
        return await awaited(body, exchange, partial(ask, call=call), retries=self.max_retries)

    @override
    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._call(stop, kwargs, stream=True)
        opening = partial(self._opened, messages, call)
        if not self._goes_on_alone(call):
            return Chunks(opening)
        return ContinuedChunks(opening, partial(self._opened_with, call=call), self.max_retries)

    def _goes_on_alone(self, call: Call) -> bool:
        """Whether the server makes the answer in the background."""
        return bool(call.settings.get("background")) and self._uses_responses(call.settings)

    @override
    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        call = super()._call(stop, given, stream=stream)
        if "max_completion_tokens" in given:
            call.settings.pop("max_tokens", None)
        return call

    @override
    async def _opened(self, messages: list[BaseMessage], call: Call) -> Opened:
        """As every model; asked for without its usage, if asking is what the server refused."""
        asked = self._asks_usage(call)
        try:
            return await super()._opened(messages, call)
        except (BadRequestError, UnprocessableError) as error:
            if not asked or not _names_stream_options(error):
                raise
        self._learnt.refuses_stream_options = True
        return await super()._opened(messages, call)


def _is_servers_own(tool: Any) -> bool:
    """Whether a tool is one that OpenAI's chat completions do not have."""
    return is_dict(tool) and tool.get("type", "function") not in ("function", "object", "custom")


def _names_stream_options(error: BadRequestError | UnprocessableError) -> bool:
    said = f"{error} {error.body}"
    return "stream_options" in said or "include_usage" in said
