"""What the models of all providers have in common: arguments, keys, addresses, requests sent and replies read.

::

    ChatX(RemoteChatModel)
      _write(messages, call)      what is sent: a path, a body            → the provider's request codec
      _answer(body, ...)          a whole reply's bytes → messages        → the provider's answer codec
      _reader(...)                a streamed reply's bytes → chunks       → likewise
      _key_headers / _signed      how a request shows whose it is

A provider's model names its arguments and says these; everything that touches the network is here, once.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, cast
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from typing_extensions import override

from chatcore.engine.policies import Retry, Timeout
from chatcore.engine.request import Edit
from chatcore.errors import ConfigurationError, InvalidInputError, MissingKeyError, ProviderError
from chatcore.http.client import HttpClient, Reply, check_header, check_url, is_secret
from chatcore.http.status import request_id
from chatcore.language_models.model_profile import load_profile
from chatcore.load.serializable import SerializedConstructor, SerializedNotImplemented
from chatcore.messages import BaseMessage
from chatcore.model import BaseChatModel, Policies
from chatcore.outputs import ChatGenerationChunk, ChatResult
from chatcore.providers._arguments import explained, renamed
from chatcore.providers._streaming import Chunks, Opened
from chatcore.providers._wire import Exchange, StreamDecoder
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import address_variable, is_local
from chatcore.structured_output import Method

__all__ = ["DEFAULT_TIMEOUT", "ApiKey", "Call", "Outgoing", "RemoteChatModel", "from_environment", "key_given_by"]

ApiKey = str | SecretStr | Callable[[], str | SecretStr | Awaitable[str | SecretStr]]
"""A key, or a function that gives one, sync or async, asked at every request: for keys that expire."""

DEFAULT_TIMEOUT: Final = Timeout(connect=10.0, first_token=600.0, between_tokens=120.0)
"""What a call may take unless told otherwise.

OpenAI's SDK waits 600 s for an answer; langchain-openai 120 s from chunk to chunk.
"""

_KEY_HEADERS: Final = frozenset(
    {"authorization", "api-key", "x-api-key", "x-goog-api-key", "cf-aig-authorization", "x-portkey-api-key"}
)

_NOT_SHOWN: Final = frozenset({"base_url", "default_headers", "default_query", "extra_body", "http_client"})
"""Arguments whose values may hold secrets, or much; `model_kwargs` and those of `_SECRETS`, too."""


def as_secret(given: Any) -> Any:
    """A key so that it is not shown; a function that gives it stays one."""
    return SecretStr(given.strip()) if isinstance(given, str) else given


def _as_timeout(given: float | Timeout | None) -> Timeout | None:
    return None if given is None else Timeout.of(given)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a request says, wherever its provider is.

    path: what follows the `base_url`, from its "/" on.
    body: the JSON object to send; None: no body.
    headers: by lower-case name, beside those that every request has.
    query: parameters after the "?".
    accept: what kind of answer is wanted; None: events for a stream, else JSON.
    """

    path: str
    body: Mapping[str, Any] | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    method: str = "POST"
    accept: str | None = None


class Call:
    """One call's own settings, sorted.

    settings: parameters by their neutral names, the model's own among them.
    stream: whether the answer is to be streamed.
    asks_usage: whether a stream is to tell its usage; None: as the model says.
    extra_body, extra_headers, extra_query: added to the request, over everything else.
    sent: the body that was sent, for whoever reads the answer; None before.
    """

    __slots__ = ("asks_usage", "extra_body", "extra_headers", "extra_query", "sent", "settings", "stream")

    def __init__(self, settings: dict[str, Any], *, stream: bool = False) -> None:
        self.extra_body: Mapping[str, Any] = settings.pop("extra_body", None) or {}
        self.extra_headers: Mapping[str, str] = settings.pop("extra_headers", None) or {}
        self.extra_query: Mapping[str, str] = settings.pop("extra_query", None) or {}
        self.asks_usage: bool | None = settings.pop("stream_usage", None)
        # Whether it is streamed, the hook says that was called.
        settings.pop("stream", None)
        self.stream = stream
        self.settings = settings
        self.sent: Mapping[str, Any] | None = None


class RemoteChatModel(BaseChatModel):
    """A chat model behind HTTP: the base of every provider's.

    model: the model's name, as the server knows it.
    api_key: the key; a function that gives it (a sync one must not block); None: the provider's environment variable.
        A server on this machine or a private network needs none. It is never shown, dumped or pickled; a copy that was
        pickled looks for it in the environment again.
    base_url: where the provider is, as its own SDK takes it; None: `CHATCORE_<PROVIDER>_BASE_URL` or the provider's own
        variable from the environment, else the provider's own.
    timeout: seconds for a whole call, or a `Timeout`; None: no bound.
    max_retries: how often a failed opening is tried again.
    temperature: how freely it samples, from 0. Models of OpenAI's and Anthropic's that are known to have only one, such
        as gpt-5, are not told; unless a call itself gives it.
    max_tokens: the most tokens an answer may have, reasoning included.
    top_p: sample from the likeliest tokens that make up this share of the probability.
    stop: texts at which an answer ends.
    streaming: True: also plain calls are streamed underneath; False, given: nothing is.
    default_headers, default_query: added to every request.
    model_kwargs: parameters of every call that are not named here.
    extra_body: merged over every request's body, last.
    http_client: an `httpx.AsyncClient` or `httpx2.AsyncClient` to use on one event loop, or a function that makes one
        for each; None: chatcore's own connections. Not pickled.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    _takes_tools: ClassVar[bool] = True

    _PROVIDER: ClassVar[str]
    """Who it is: in errors, in `response_metadata["model_provider"]`, and in the profiles."""
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ()
    """The environment variables that may hold the key, the first that is set counts; none: it needs no key."""
    _BASE_URL: ClassVar[str]
    """The provider's own address."""
    _BASE_URL_VARIABLES: ClassVar[tuple[str, ...]] = ()
    """The environment variables that may hold another address."""
    _ALIASES: ClassVar[Mapping[str, str]] = {}
    """Other names of arguments, each with ours."""
    _PARAMETERS: ClassVar[tuple[str, ...]] = ("model", "temperature", "max_tokens", "top_p", "stop")
    """The arguments that are parameters of every call."""
    _SECRETS: ClassVar[frozenset[str]] = frozenset({"api_key"})
    """The arguments that hold secrets: never shown, dumped or pickled."""

    model: str = Field(min_length=1)
    api_key: Annotated[ApiKey | None, AfterValidator(as_secret)] = Field(default=None, exclude=True, repr=False)
    base_url: str | None = None
    timeout: Annotated[float | Timeout | None, AfterValidator(_as_timeout)] = DEFAULT_TIMEOUT
    max_retries: int = Field(default=2, ge=0)
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: str | list[str] | None = None
    streaming: bool = False
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    default_query: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None
    http_client: Any = Field(default=None, exclude=True, repr=False)

    _http: HttpClient = PrivateAttr()

    if not TYPE_CHECKING:  # checkers take the signature from the fields

        def __init__(self, **given: Any) -> None:
            arguments = renamed(type(self), given, self._ALIASES)
            try:
                super().__init__(**arguments)
            except ValidationError as error:
                raise explained(type(self), error, arguments, self._not_shown()) from None
            self._settle(arguments)

    @field_validator("base_url")
    @classmethod
    def _as_address(cls, given: str | None) -> str | None:
        return None if given is None else address(given, cls._BASE_URL)

    # --------------------------------------------------------------------------------------------- what a provider says

    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        """What is sent for a call.

        Raises `InvalidInputError` for what cannot be sent.
        """
        raise NotImplementedError

    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        """The answer that a whole reply is."""
        raise NotImplementedError

    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        """What reads a streamed reply."""
        raise NotImplementedError

    def _key_headers(self, key: str) -> dict[str, str]:
        """The headers that show the key."""
        return {"authorization": f"Bearer {key}"}

    async def _signed(
        self,
        method: str,  # noqa: ARG002 - for those who sign the whole request
        url: str,  # noqa: ARG002 - as above
        headers: dict[str, str],
        content: bytes,  # noqa: ARG002 - as above
    ) -> dict[str, str]:
        """A request's headers, with those that show whose it is. Headers that were given win."""
        key = await key_given_by(self.api_key) if callable(self.api_key) else self._plain_key()
        return {**self._key_headers(key), **headers} if key else headers

    @property
    def _provider(self) -> str:
        """Who it is, as errors and messages say it."""
        return self._PROVIDER

    @property
    def _key_variables(self) -> tuple[str, ...]:
        """Where its key is looked for."""
        return self._KEY_VARIABLES

    def _known_profile(self) -> dict[str, Any] | None:
        """What is known of its model; None if nothing is."""
        return cast("dict[str, Any] | None", load_profile(self._provider, self.model))

    # ------------------------------------------------------------------------------------------------ made of arguments

    def _settle(self, given: Mapping[str, Any]) -> None:
        """What follows from the arguments together: the address, the key, the connections."""
        if self.base_url is None:
            self.base_url = self._found_address()
        doubled = self.model_kwargs.keys() & type(self).model_fields.keys()
        if doubled:
            msg = f"{', '.join(sorted(doubled))}: give it as an argument of its own, not in model_kwargs."
            raise ConfigurationError(msg)
        self._http = HttpClient(self.http_client, provider=self._provider)
        if self.profile is None:
            self.profile = self._known_profile()
            # Nobody has set it: what is made of these arguments under another model's name has that one's.
            self.model_fields_set.discard("profile")
        self._find_key()
        if not callable(self.api_key) and (key := self._plain_key()):
            for name in self._key_headers(key):
                check_header(name, key, "api_key" if given.get("api_key") else self._key_variable_found())
        for name, value in (self.default_headers or {}).items():
            check_header(name, value, f"default_headers[{name!r}]")

    def _found_address(self) -> str:
        variables = (address_variable(self._PROVIDER), *self._BASE_URL_VARIABLES)
        return from_environment(variables, self._BASE_URL) or self._BASE_URL

    def _find_key(self) -> None:
        if self.api_key is None:
            found = (os.environ.get(variable, "").strip() for variable in self._key_variables)
            key = next((value for value in found if value), None)
            self.api_key = None if key is None else SecretStr(key)

    def _key_variable_found(self) -> str:
        found = next((name for name in self._key_variables if os.environ.get(name, "").strip()), "that holds the key")
        return f"The environment variable {found}"

    def _plain_key(self) -> str | None:
        """The text of a key that no function gives; None where none is needed."""
        if isinstance(self.api_key, SecretStr) and (key := self.api_key.get_secret_value()):
            return key
        variables = self._key_variables
        brings_its_own = any(name.lower() in _KEY_HEADERS for name in self.default_headers or ())
        if not variables or brings_its_own or is_local(cast("str", self.base_url)):
            return None
        named = " or ".join(variables)
        msg = f"No API key for {self._provider} was found: set the environment variable {named}, or pass api_key=."
        raise MissingKeyError(msg)

    @property
    def _timeout(self) -> Timeout | None:
        return _as_timeout(self.timeout)

    def _defaults(self) -> dict[str, Any]:
        """The parameters of every call, by their neutral names."""
        fields = self.__dict__
        settings = {name: fields[name] for name in self._PARAMETERS if fields[name] is not None}
        settings.update(self.model_kwargs)
        return settings

    def _has_one_temperature(self, settings: Mapping[str, Any]) -> bool:  # noqa: ARG002 - for those who know models
        """Whether the model that a call asks is known to refuse every temperature but its own."""
        return False

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        settings = self._defaults()
        return {"model_name": settings.pop("model", self.model), "base_url": self.base_url, **settings}

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
        call = self._call(stop, kwargs, stream=False)
        body, exchange = await self._asked(self._write(messages, call), call)
        return self._answer(body, exchange, call)

    @override
    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        return Chunks(partial(self._opened, messages, self._call(stop, kwargs, stream=True)))

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        usage: dict[str, Any] = {}
        for output in llm_outputs:
            _add_counts(usage, (output or {}).get("token_usage") or {})
        return {"token_usage": usage, "model_name": self.model}

    # ------------------------------------------------------------------------------------------------------ one request

    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        """A call's settings: the model's, and over them those of the call."""
        if "timeout" in given:
            msg = "timeout= is no parameter of a call: give it to the model, or put `anyio.fail_after` around the call."
            raise InvalidInputError(msg)
        for name in self._of_the_model() & given.keys():
            # It would be written into the request's body, where it does nothing but be seen.
            msg = f"{name}= is no parameter of a call: give it to the model, as {type(self).__name__}({name}=...)."
            raise InvalidInputError(msg)
        settings = {**self._defaults(), **given}
        if "temperature" not in given and settings.get("temperature", 1) != 1 and self._has_one_temperature(settings):
            del settings["temperature"]
        if stop is not None:
            settings["stop"] = stop
        return Call(settings, stream=stream)

    async def _sent(self, outgoing: Outgoing, call: Call) -> AbstractAsyncContextManager[Reply]:
        """A request; entered, it is sent, and the reply's head has come."""
        url = self._url(outgoing.path, {**outgoing.query, **call.extra_query})
        content = b"" if outgoing.body is None else to_json(outgoing.body)
        call.sent = outgoing.body
        headers = {"accept": outgoing.accept or ("text/event-stream" if call.stream else "application/json")}
        if content:
            headers["content-type"] = "application/json"
        for more in (outgoing.headers, self.default_headers or {}, call.extra_headers):
            headers.update({name.lower(): value for name, value in more.items()})
        timeout = self._timeout
        return self._http.stream(
            outgoing.method,
            url,
            headers=await self._signed(outgoing.method, url, headers, content),
            content=content,
            connect_timeout=None if timeout is None else timeout.connect,
        )

    async def _asked(self, outgoing: Outgoing, call: Call) -> tuple[bytes, Exchange]:
        """The whole reply to a request, and what is known of it."""
        exchange = self._begun(call)
        try:
            async with await self._sent(outgoing, call) as reply:
                exchange = await self._accepted(reply, call)
                return await reply.read(), exchange
        except ProviderError as error:
            exchange.sign(error)
            raise

    async def _opened(self, messages: list[BaseMessage], call: Call) -> Opened:
        """The reply to a streamed call, its head there, its body to be read."""
        return await self._opened_with(self._write(messages, call), call)

    async def _opened_with(self, outgoing: Outgoing, call: Call) -> Opened:
        context = await self._sent(outgoing, call)
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
        return Opened(context, reply, self._reader(exchange, call), exchange.sign)

    def _begun(self, call: Call) -> Exchange:
        """What is known of the answer before its head has come."""
        return Exchange(self._provider, call.settings.get("model"))

    async def _accepted(self, reply: Reply, call: Call) -> Exchange:
        """What is known of the answer so far; any status other than 2xx is raised as the error it stands for."""
        model: str | None = call.settings.get("model")
        if not 200 <= reply.status < 300:
            raise await reply.error(model=model, key_variable=next(iter(self._key_variables), None))
        headers = reply.headers
        return Exchange(self._provider, model, request_id(headers), said_by(headers), reply.secrets)

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        base, _, own_query = cast("str", self.base_url).partition("?")
        queries = [own_query] if own_query else []
        for name, value in {**(self.default_query or {}), **query}.items():
            queries.append(f"{quote(name, safe='')}={quote(str(value), safe='')}")
        return f"{base.rstrip('/')}{path}{'?' if queries else ''}{'&'.join(queries)}"

    @classmethod
    def _of_the_model(cls) -> frozenset[str]:
        """What is said of a model and its connection, once, and no parameter of a call: by every name it has."""
        return _said_once(cls)

    @classmethod
    def _not_shown(cls) -> frozenset[str]:
        return _NOT_SHOWN | cls._SECRETS | {"model_kwargs"}

    # ---------------------------------------------------------------------------------------------------------- as JSON

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes it: yes."""
        return True

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key, known by the name of its environment variable."""
        return {"api_key": next(iter(self._key_variables), "API_KEY")}

    @override
    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """This model with the arguments that are not at their defaults, but for keys, headers, queries and clients."""
        written = super().to_json()
        if written["type"] == "constructor":
            fields = type(self).model_fields
            given = {name: value for name, value in written["kwargs"].items() if value != fields[name].default}
            if given.get("base_url") == self._BASE_URL:
                del given["base_url"]
            if (timeout := self._timeout) is not None and "timeout" in given:
                given["timeout"] = timeout.total if timeout == Timeout.of(timeout.total) else asdict(timeout)
            written["kwargs"] = given
        return written

    # ------------------------------------------------------------------------------------------- shown, copied, pickled

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
        fields = {**state["__dict__"], **dict.fromkeys(self._SECRETS), "http_client": None}
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
        self._http = HttpClient(None, provider=self._provider)
        self._find_key()

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy that shares what is no copy's own: connections, the user's client, the function that gives the key."""
        memo = {} if memo is None else memo
        secrets = (getattr(self, name) for name in self._SECRETS)
        for shared in (self._http, self.http_client, self.rate_limiter, *secrets):
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)


# ------------------------------------------------------------------------------------------------------------ arguments


def address(given: str, example: str) -> str:
    """An address that requests can be sent to, without its last "/".

    Raises ValueError saying what is wrong with it.
    """
    given = given.strip()
    if not given:
        msg = f"it is empty: write {example!r}, for example, or leave it out"
        raise ValueError(msg)
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # Not repeated if it may be a key in the wrong place.
        said = repr(given) if any(mark in given for mark in "/:.") else "what was given"
        local = f"http://localhost:8000{urlsplit(example).path}"
        msg = f"{said} has no scheme: write {example!r} or {local!r}, for example"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "a user or password in an address is seen in logs: give the key as api_key, or use default_headers"
        raise ValueError(msg)
    if any(is_secret(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        msg = "a key in an address is seen in logs: give it as api_key, or in default_query"
        raise ValueError(msg)
    check_url(given)
    return given.rstrip("/")


def from_environment(variables: tuple[str, ...], example: str) -> str | None:
    """The address in the first of these environment variables that is set; None if none is.

    Raises `ConfigurationError` naming the variable for one that is wrong.
    """
    for variable in variables:
        given = os.environ.get(variable, "").strip()
        if given:
            try:
                return address(given, example)
            except ValueError as error:
                msg = f"The environment variable {variable} is wrong: {error}."
                raise ConfigurationError(msg) from None
    return None


async def key_given_by(give: Callable[[], Any]) -> str:
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


def said_by(headers: Mapping[str, str]) -> dict[str, Any]:
    """What an answer's headers say that a caller may want: the id to quote to support, what is left of rate limits."""
    said: dict[str, Any] = {}
    found = request_id(headers)
    if found:
        said["request_id"] = found
    limits = {name: value for name, value in headers.items() if "ratelimit" in name}
    if limits:
        said["rate_limits"] = limits
    return said


_ONCE: Final = frozenset({"api_key", "base_url", "default_headers", "default_query", "http_client", "max_retries"})


@lru_cache(maxsize=64)
def _said_once(kind: type[RemoteChatModel]) -> frozenset[str]:
    ours = _ONCE | kind._SECRETS  # noqa: SLF001 - its own class
    return ours | {other for other, name in kind._ALIASES.items() if name in ours}  # noqa: SLF001 - as above


@lru_cache(maxsize=128)
def _policies(timeout: Timeout | None, max_retries: int) -> Policies:
    return Policies(timeout=timeout, retry=Retry(attempts=max_retries + 1) if max_retries else None)


def _without_secrets(named: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if named is None else {name: value for name, value in named.items() if not is_secret(name)}


def _harmless(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a call, without the keys in them."""
    parts = ("extra_headers", "extra_query")
    return {name: _without_secrets(value) if name in parts else value for name, value in settings.items()}


def _add_counts(total: dict[str, Any], usage: Mapping[str, Any]) -> None:
    for name, count in usage.items():
        if isinstance(count, dict):
            _add_counts(total.setdefault(name, {}), cast("dict[str, Any]", count))
        elif isinstance(count, int | float) and not isinstance(count, bool):
            total[name] = total.get(name, 0) + count
