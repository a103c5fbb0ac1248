"""`ChatOpenAI`: chat completions of OpenAI, and of every server that speaks them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import Field, PrivateAttr
from typing_extensions import override

from chatcore.engine.policies import Timeout
from chatcore.errors import BadRequestError, ConfigurationError, InvalidInputError, UnprocessableError
from chatcore.http.client import check_header
from chatcore.messages import BaseMessage
from chatcore.outputs import ChatResult
from chatcore.providers._openai_chat import AnswerDecoder, decode_answer
from chatcore.providers._openai_chat_request import encode_request
from chatcore.providers._remote import ApiKey, Call, Outgoing, RemoteChatModel, from_environment
from chatcore.providers._streaming import Opened
from chatcore.providers._wire import Exchange, StreamDecoder
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


class ChatOpenAI(RemoteChatModel):
    """A chat model behind OpenAI's chat completions, or any server that speaks them.

    ::

        model = ChatOpenAI(model="gpt-5-mini")
        model = ChatOpenAI(model="llama3.2", base_url="http://localhost:11434/v1")
        model = ChatOpenAI(model="mistral-small-latest", provider="mistral")

    Which server it is, and so what its parameters are called, follows from `provider` or `base_url` by the table in
    `chatcore.providers.hosts`. Every call takes, by keyword, any parameter of the API; parameters that are not known
    here are passed on as they are. `extra_headers=`, `extra_query=` and `extra_body=` of a call add to the request.

    model: the model's name, as the server knows it.
    api_key: the key; a function that gives it (a sync one must not block); None: the environment variable of the host,
        `OPENAI_API_KEY` for OpenAI and for servers in no table. A server on this machine or a private network needs
        none. It is never shown, dumped or pickled; a copy that was pickled looks for it in the environment again.
    base_url: where `/chat/completions` is found; None: the first that is set of `CHATCORE_<PROVIDER>_BASE_URL`,
        `CHATCORE_BASE_URL` and, for OpenAI, `OPENAI_BASE_URL` and `OPENAI_API_BASE`, in the environment; else that of
        `provider`.
    provider: the row of the table whose ways the server has; None: found by `base_url`.
    organization, project: sent to OpenAI; None: `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` from the environment, for OpenAI.
    timeout: seconds for a whole call, or a `Timeout`; None: no bound.
    max_retries: how often a failed opening is tried again.
    temperature: how freely it samples, from 0.
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
        body = encode_request(
            messages,
            settings,
            self._host,
            stream=call.stream,
            stream_usage=self._asks_usage(call),
            extra_body={**(self.extra_body or {}), **call.extra_body},
        )
        headers = self._host.own_headers()
        headers |= {f"openai-{name}": value for name in _VARIABLES if (value := getattr(self, name))}
        return Outgoing("/chat/completions", body, headers)

    def _asks_usage(self, call: Call) -> bool:
        asked = self.stream_usage if call.asks_usage is None else call.asks_usage
        return asked and not self._learnt.refuses_stream_options

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        return decode_answer(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        return AnswerDecoder(exchange)

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


def _names_stream_options(error: BadRequestError | UnprocessableError) -> bool:
    said = f"{error} {error.body}"
    return "stream_options" in said or "include_usage" in said
