"""`ChatOpenAI`: chat completions of OpenAI, and of every server that speaks them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, cast
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from typing_extensions import override

from chatcore.engine.policies import Retry, Timeout
from chatcore.engine.request import Edit
from chatcore.errors import (
    BadRequestError,
    ConfigurationError,
    InvalidInputError,
    MissingKeyError,
    ProviderError,
    UnprocessableError,
)
from chatcore.http.client import HttpClient, Reply, check_header, check_url, is_secret
from chatcore.http.status import request_id
from chatcore.language_models.model_profile import load_profile
from chatcore.load.serializable import SerializedConstructor, SerializedNotImplemented
from chatcore.messages import BaseMessage
from chatcore.model import BaseChatModel, Policies
from chatcore.outputs import ChatGenerationChunk, ChatResult
from chatcore.providers._arguments import explained, renamed
from chatcore.providers._openai_chat import AnswerDecoder, decode_answer
from chatcore.providers._openai_chat_request import encode_request
from chatcore.providers._streaming import Chunks, Opened
from chatcore.providers._wire import Exchange
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import HOSTS, OPENAI, Host, host_of, is_local
from chatcore.structured_output import Method

__all__ = ["ApiKey", "ChatOpenAI"]

ApiKey = str | SecretStr | Callable[[], str | SecretStr | Awaitable[str | SecretStr]]
"""A key, or a function that gives one, sync or async, asked at every request: for keys that expire."""

DEFAULT_TIMEOUT: Final = Timeout(connect=10.0, first_token=600.0, between_tokens=120.0)
"""What a call may take unless told otherwise.

OpenAI's SDK waits 600 s for an answer; langchain-openai 120 s from chunk to chunk.
"""

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

_NOT_SHOWN: Final = frozenset(
    {"api_key", "base_url", "default_headers", "default_query", "extra_body", "http_client", "model_kwargs"}
)
"""Arguments whose values may hold secrets, or much."""

_KEY_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key"})


def _as_secret(given: Any) -> Any:
    return SecretStr(given.strip()) if isinstance(given, str) else given


def _as_address(given: str | None) -> str | None:
    if given is None:
        return None
    given = given.strip()
    if not given:
        msg = "it is empty: write 'https://api.openai.com/v1', for example, or leave it out"
        raise ValueError(msg)
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # Not repeated if it may be a key in the wrong place.
        said = repr(given) if any(mark in given for mark in "/:.") else "what was given"
        msg = f"{said} has no scheme: write 'https://api.openai.com/v1' or 'http://localhost:8000/v1', for example"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "a user or password in an address is seen in logs: give the key as api_key, or use default_headers"
        raise ValueError(msg)
    if any(is_secret(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        msg = "a key in an address is seen in logs: give it as api_key, or in default_query"
        raise ValueError(msg)
    check_url(given)
    return given.rstrip("/")


def _as_timeout(given: float | Timeout | None) -> Timeout | None:
    return None if given is None else Timeout.of(given)


@dataclass(slots=True)
class _Learnt:
    """What calls have found out about the server; shared by the copies of a model that `bind` and its kin make."""

    refuses_stream_options: bool = False


class ChatOpenAI(BaseChatModel):
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
    base_url: where `/chat/completions` is found; None: that of `provider`, else `OPENAI_BASE_URL` or `OPENAI_API_BASE`
        from the environment, else OpenAI's own.
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

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    _takes_tools: ClassVar[bool] = True

    model: str = Field(min_length=1)
    api_key: Annotated[ApiKey | None, AfterValidator(_as_secret)] = Field(default=None, exclude=True, repr=False)
    base_url: Annotated[str | None, AfterValidator(_as_address)] = None
    provider: str | None = None
    organization: str | None = None
    project: str | None = None
    timeout: Annotated[float | Timeout | None, AfterValidator(_as_timeout)] = DEFAULT_TIMEOUT
    max_retries: int = Field(default=2, ge=0)
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: str | list[str] | None = None
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
    streaming: bool = False
    stream_usage: bool = True
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    default_query: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None
    http_client: Any = Field(default=None, exclude=True, repr=False)

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

    _host: Host = PrivateAttr()
    _http: HttpClient = PrivateAttr()
    _learnt: _Learnt = PrivateAttr(default_factory=_Learnt)

    if not TYPE_CHECKING:  # checkers take the signature from the fields

        def __init__(self, **given: Any) -> None:
            arguments = renamed(type(self), given, _ALIASES)
            try:
                super().__init__(**arguments)
            except ValidationError as error:
                raise explained(type(self), error, arguments, _NOT_SHOWN) from None
            self._settle(arguments)

    def _settle(self, given: Mapping[str, Any]) -> None:
        """What follows from the arguments together: the host, its address, the key, the connections."""
        if self.provider is not None and self.provider not in HOSTS:
            msg = f"provider={self.provider!r} is not known; there are {', '.join(HOSTS)}. Else give base_url only."
            raise ConfigurationError(msg)
        if self.base_url is None:
            self.base_url = HOSTS[self.provider].base_url if self.provider else _address_from_environment()
        self._host = HOSTS[self.provider] if self.provider else host_of(self.base_url)
        if self._host is OPENAI:
            self.organization = self.organization or os.environ.get(_VARIABLES["organization"])
            self.project = self.project or os.environ.get(_VARIABLES["project"])
        doubled = self.model_kwargs.keys() & type(self).model_fields.keys()
        if doubled:
            msg = f"{', '.join(sorted(doubled))}: give it as an argument of its own, not in model_kwargs."
            raise ConfigurationError(msg)
        if self.streaming and self.n is not None and self.n > 1:
            msg = f"n={self.n} and streaming=True exclude each other: a stream is one answer."
            raise ConfigurationError(msg)
        self._http = HttpClient(self.http_client, provider=self._host.name)
        if self.profile is None and self._host is OPENAI:
            self.profile = cast("dict[str, Any] | None", load_profile("openai", self.model))
            # Nobody has set it: what is made of these arguments under another model's name has that one's.
            self.model_fields_set.discard("profile")
        self._find_key()
        if not callable(self.api_key):
            check_header("authorization", self._plain_key() or "", self._named("api_key", given))
        for name in ("organization", "project"):
            check_header(f"openai-{name}", getattr(self, name) or "", self._named(name, given))
        for name, value in (self.default_headers or {}).items():
            check_header(name, value, f"default_headers[{name!r}]")

    def _named(self, argument: str, given: Mapping[str, Any]) -> str:
        """What the user knows an argument's value as."""
        variable = self._host.key if argument == "api_key" else _VARIABLES[argument]
        return argument if given.get(argument) else f"The environment variable {variable}"

    def _find_key(self) -> None:
        if self.api_key is None and self._host.key is not None:
            found = os.environ.get(self._host.key, "").strip()
            self.api_key = SecretStr(found) if found else None

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

    # ---------------------------------------------------------------------------------------------------------- as JSON

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes it: yes."""
        return True

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "chat_models", "openai"]

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key, known by the name of its environment variable."""
        return {"api_key": self._host.key or "OPENAI_API_KEY"}

    @override
    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """This model with the arguments that are not at their defaults, but for keys, headers, queries and clients."""
        written = super().to_json()
        if written["type"] == "constructor":
            fields = type(self).model_fields
            given = {name: value for name, value in written["kwargs"].items() if value != fields[name].default}
            if given.get("base_url") == OPENAI.base_url:
                del given["base_url"]
            if (timeout := self._timeout) is not None and "timeout" in given:
                given["timeout"] = timeout.total if timeout == Timeout.of(timeout.total) else asdict(timeout)
            written["kwargs"] = given
        return written

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _llm_type(self) -> str:
        return "openai-chat"

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        settings = self._defaults()
        return {"model_name": settings.pop("model"), "base_url": self.base_url, **settings}

    @override
    def _shown(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return _harmless(settings)

    def _structured_methods(self) -> tuple[Method, ...]:
        if (self.profile or {}).get("structured_output") is False:
            return ("function_calling", "json_mode")
        return ("json_schema", "function_calling", "json_mode")

    def _policies(self) -> Policies:
        return _policies(self._timeout, self.max_retries)

    @override
    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        call = _Call.of(self._defaults(), stop, kwargs)
        exchange = self._begun(call)
        try:
            async with await self._sent(messages, call) as reply:
                exchange = await self._accepted(reply, call)
                body = await reply.read()
        except ProviderError as error:
            exchange.sign(error)
            raise
        return decode_answer(body, exchange)

    @override
    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = _Call.of(self._defaults(), stop, kwargs)
        answers = call.settings.get("n") or 1
        if answers > 1:
            msg = f"n={answers} cannot be streamed: a stream is one answer. Use `agenerate` for several."
            raise InvalidInputError(msg)
        call.stream = True
        if call.asks_usage is None:
            call.asks_usage = self.stream_usage
        return Chunks(partial(self._opened, messages, call))

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        usage: dict[str, Any] = {}
        for output in llm_outputs:
            _add_counts(usage, (output or {}).get("token_usage") or {})
        return {"token_usage": usage, "model_name": self.model}

    # ------------------------------------------------------------------------------------------------------ one request

    @property
    def _timeout(self) -> Timeout | None:
        return _as_timeout(self.timeout)

    def _defaults(self) -> dict[str, Any]:
        """The parameters of every call, by OpenAI's names."""
        fields = self.__dict__
        settings = {name: fields[name] for name in self._PARAMETERS if fields[name] is not None}
        settings.update(self.model_kwargs)
        return settings

    async def _sent(self, messages: list[BaseMessage], call: _Call) -> AbstractAsyncContextManager[Reply]:
        """The request of a call; entered, it is sent, and the reply's head has come."""
        asks_usage = bool(call.asks_usage) and not self._learnt.refuses_stream_options
        extra_body = {**(self.extra_body or {}), **call.extra_body}
        body = encode_request(
            messages, call.settings, self._host, stream=call.stream, stream_usage=asks_usage, extra_body=extra_body
        )
        timeout = self._timeout
        return self._http.stream(
            "POST",
            self._url(call.extra_query),
            headers=await self._headers(call),
            content=to_json(body),
            connect_timeout=None if timeout is None else timeout.connect,
        )

    async def _opened(self, messages: list[BaseMessage], call: _Call) -> Opened:
        """The reply to a streamed call; asked for without its usage, if asking is what the server refused."""
        learnt = self._learnt
        try:
            return await self._attempted(messages, call)
        except (BadRequestError, UnprocessableError) as error:
            if learnt.refuses_stream_options or not call.asks_usage or not _names_stream_options(error):
                raise
        learnt.refuses_stream_options = True
        return await self._attempted(messages, call)

    async def _attempted(self, messages: list[BaseMessage], call: _Call) -> Opened:
        context = await self._sent(messages, call)
        try:
            reply = await context.__aenter__()
        except ProviderError as error:
            self._begun(call).sign(error)
            raise
        try:
            exchange = await self._accepted(reply, call)
        except BaseException as error:
            # With the error, so that a close that fails does not take its place: it may be a cancellation.
            await context.__aexit__(type(error), error, error.__traceback__)
            raise
        return Opened(context, reply, AnswerDecoder(exchange), exchange.sign)

    def _begun(self, call: _Call) -> Exchange:
        """What is known of the answer before its head has come."""
        return Exchange(self._host.name, call.settings.get("model"))

    async def _accepted(self, reply: Reply, call: _Call) -> Exchange:
        """What is known of the answer so far; any status other than 2xx is raised as the error it stands for."""
        model: str | None = call.settings.get("model")
        if not 200 <= reply.status < 300:
            raise await reply.error(model=model, key_variable=self._host.key)
        headers = reply.headers
        return Exchange(self._host.name, model, request_id(headers), _said_by(headers), reply.secrets)

    def _url(self, extra_query: Mapping[str, str]) -> str:
        path, _, query = cast("str", self.base_url).partition("?")
        queries = [query] if query else []
        for name, value in {**(self.default_query or {}), **extra_query}.items():
            queries.append(f"{quote(name, safe='')}={quote(str(value), safe='')}")
        return f"{path.rstrip('/')}/chat/completions{'?' if queries else ''}{'&'.join(queries)}"

    async def _headers(self, call: _Call) -> dict[str, str]:
        key = await _asked(self.api_key) if callable(self.api_key) else self._plain_key()
        accept = "text/event-stream" if call.stream else "application/json"
        headers = {"accept": accept, "content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        if self.organization:
            headers["openai-organization"] = self.organization
        if self.project:
            headers["openai-project"] = self.project
        for more in (self.default_headers or {}, call.extra_headers):
            headers.update({name.lower(): value for name, value in more.items()})
        return headers

    def _plain_key(self) -> str | None:
        """The text of a key that no function gives; None where none is needed."""
        if isinstance(self.api_key, SecretStr) and (key := self.api_key.get_secret_value()):
            return key
        host = self._host
        brings_its_own = any(name.lower() in _KEY_HEADERS for name in self.default_headers or ())
        if host.key is None or brings_its_own or is_local(cast("str", self.base_url)):
            return None
        msg = f"No API key for {host.name} was found: set the environment variable {host.key}, or pass api_key=."
        raise MissingKeyError(msg)

    # ---------------------------------------------------------------------------------- shown, copied, pickled

    @override
    def __repr_args__(self) -> Any:
        # Two dozen parameters that are not set would drown the few that are.
        fields = type(self).model_fields
        given = [(name, value) for name, value in super().__repr_args__() if name in fields]
        return [(name, value) for name, value in given if value != fields[name].get_default(call_default_factory=True)]

    @override
    def __getstate__(self) -> dict[Any, Any]:
        """Without the key, headers that carry one, and connections."""
        state = super().__getstate__()
        fields = {**state["__dict__"], "api_key": None, "http_client": None}
        fields["default_headers"] = _without_secrets(self.default_headers)
        fields["default_query"] = _without_secrets(self.default_query)
        fields["_middleware"] = tuple(
            replace(layer, settings=_harmless(layer.settings)) if isinstance(layer, Edit) else layer
            for layer in self._middleware
        )
        private: dict[str, Any] = {**state["__pydantic_private__"]}
        private.pop("_http", None)
        return {**state, "__dict__": fields, "__pydantic_private__": private}

    @override
    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Find the key in the environment again; if it is not there, the first call says so."""
        super().__setstate__(state)
        self._http = HttpClient(None, provider=self._host.name)
        self._find_key()

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy that shares what is no copy's own: connections, the user's client, the function that gives the key."""
        memo = {} if memo is None else memo
        for shared in (self._http, self.http_client, self.api_key, self.rate_limiter):
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)


def _without_secrets(named: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if named is None else {name: value for name, value in named.items() if not is_secret(name)}


def _harmless(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a call, without the keys in them."""
    parts = ("extra_headers", "extra_query")
    return {name: _without_secrets(value) if name in parts else value for name, value in settings.items()}


_OF_THE_MODEL = frozenset(
    {
        "api_key", "base_url", "default_headers", "default_query", "http_client", "max_retries", "openai_api_base",
        "openai_api_key", "openai_organization", "openai_proxy", "organization", "project",
    }
)  # fmt: skip
"""What is said of a model and its connection, once."""


class _Call:
    """One call's own settings, sorted."""

    __slots__ = ("asks_usage", "extra_body", "extra_headers", "extra_query", "settings", "stream")

    def __init__(self, settings: dict[str, Any]) -> None:
        self.extra_body: Mapping[str, Any] = settings.pop("extra_body", None) or {}
        self.extra_headers: Mapping[str, str] = settings.pop("extra_headers", None) or {}
        self.extra_query: Mapping[str, str] = settings.pop("extra_query", None) or {}
        self.asks_usage: bool | None = settings.pop("stream_usage", None)
        self.stream = False
        # Whether it is streamed, the hook says that was called.
        settings.pop("stream", None)
        self.settings = settings

    @classmethod
    def of(cls, defaults: dict[str, Any], stop: list[str] | None, given: Mapping[str, Any]) -> Self:
        if "timeout" in given:
            msg = "timeout= is no parameter of a call: give it to the model, or put `anyio.fail_after` around the call."
            raise InvalidInputError(msg)
        for name in _OF_THE_MODEL & given.keys():
            # It would be written into the request's body, where it does nothing but be seen.
            msg = f"{name}= is no parameter of a call: give it to the model, as ChatOpenAI({name}=...)."
            raise InvalidInputError(msg)
        settings = {**defaults, **given}
        if stop is not None:
            settings["stop"] = stop
        if "max_completion_tokens" in given:
            settings.pop("max_tokens", None)
        return cls(settings)


async def _asked(give: Callable[[], Any]) -> str:
    """The key that the user's function gives."""
    given = give()
    if isawaitable(given):
        given = await given
    key = given.get_secret_value() if isinstance(given, SecretStr) else given
    if isinstance(key, str) and key.strip():
        return key
    # Whoever has a function for the key wants one sent: a call without it would only be refused, and less plainly.
    found = "an empty text" if isinstance(key, str) else "None" if key is None else type(key).__name__
    msg = f"api_key() returned {found}: it must return the key, as a str or SecretStr."
    raise (MissingKeyError if key is None or isinstance(key, str) else ConfigurationError)(msg)


def _names_stream_options(error: BadRequestError | UnprocessableError) -> bool:
    said = f"{error} {error.body}"
    return "stream_options" in said or "include_usage" in said


def _said_by(headers: Mapping[str, str]) -> dict[str, Any]:
    """What an answer's headers say that a caller may want: the id to quote to support, what is left of rate limits."""
    said: dict[str, Any] = {}
    found = request_id(headers)
    if found:
        said["request_id"] = found
    limits = {name: value for name, value in headers.items() if "ratelimit" in name}
    if limits:
        said["rate_limits"] = limits
    return said


def _add_counts(total: dict[str, Any], usage: Mapping[str, Any]) -> None:
    for name, count in usage.items():
        if isinstance(count, dict):
            _add_counts(total.setdefault(name, {}), cast("dict[str, Any]", count))
        elif isinstance(count, int | float) and not isinstance(count, bool):
            total[name] = total.get(name, 0) + count


@lru_cache(maxsize=128)
def _policies(timeout: Timeout | None, max_retries: int) -> Policies:
    return Policies(timeout=timeout, retry=Retry(attempts=max_retries + 1) if max_retries else None)


def _address_from_environment() -> str:
    for variable in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        given = os.environ.get(variable, "").strip()
        if given:
            try:
                return cast("str", _as_address(given))
            except ValueError as error:
                msg = f"The environment variable {variable} is wrong: {error}."
                raise ConfigurationError(msg) from None
    return OPENAI.base_url
