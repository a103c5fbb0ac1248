"""`ChatOllama`: models that an Ollama server runs, by its own API."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator
from typing_extensions import override

from chatcore.engine._portal import blocking_function
from chatcore.errors import ConfigurationError, NotFoundError
from chatcore.http.client import Reply
from chatcore.messages import BaseMessage
from chatcore.messages._shapes import is_dict
from chatcore.outputs import ChatResult
from chatcore.providers._ollama import AnswerDecoder, decode_answer
from chatcore.providers._ollama_request import encode_request
from chatcore.providers._remote import Call, Outgoing, RemoteChatModel, address
from chatcore.providers._wire import Exchange, StreamDecoder, as_object, as_objects, parsed, word
from chatcore.providers.hosts import address_variable

__all__ = ["ChatOllama"]

_PORT: Final = 11434
_CLOUD: Final = "ollama.com"

_SAME: Final = (
    frozenset({"max_tokens", "max_completion_tokens", "num_predict"}),
    frozenset({"think", "reasoning", "reasoning_effort"}),
    frozenset({"format", "response_format"}),
)
"""Names of one thing: what a call says of it, by whichever name, takes the place of what the model says."""

_CLIENT_ARGUMENTS: Final = ("client_kwargs", "sync_client_kwargs", "async_client_kwargs")


class ChatOllama(RemoteChatModel):
    """A chat model that an Ollama server runs, on this machine or elsewhere, by Ollama's own API.

    ::

        model = ChatOllama(model="qwen3:4b", reasoning=True)
        model = ChatOllama(model="gpt-oss:120b", base_url="https://ollama.com")

    Every call takes, by keyword, any option of Ollama's, and any parameter of its API; those that are not known here
    are passed on as they are. OpenAI's names are understood, too: `max_tokens`, `response_format`, `reasoning_effort`.
    Ollama has no tool choice: of a tool that is named, only that one is offered.

    model: the model's name, such as `"qwen3:4b"`.
    api_key: the key, for Ollama's cloud or a server that asks for one; None: `OLLAMA_API_KEY` from the environment, and
        no key where that is not set.
    base_url: where the server is, in any form that Ollama's SDK takes: `"http://gpu-box:11434"`, `"gpu-box"`,
        `":8080"`; None: `OLLAMA_HOST` from the environment, else this machine. A user and password in it are sent as a
        header.
    reasoning: whether to think, or how much (`"low"`, `"medium"`, `"high"`); None: as the model does by itself. What it
        thought is a reasoning block of the message's `content_blocks`.
    format: `"json"`, or the JSON schema of the answer.
    keep_alive: how long the model stays loaded: seconds, or a text such as `"5m"`; -1: for ever.
    num_predict: the most tokens an answer may have, as `max_tokens`; -1: no bound, -2: as many as the context holds.
    num_ctx: tokens of the context window.
    num_gpu, num_thread: layers on the GPU, threads on the CPU.
    seed: for answers that are the same again.
    temperature, top_p, top_k, tfs_z, mirostat, mirostat_eta, mirostat_tau: how it samples.
    repeat_last_n, repeat_penalty: over how many tokens it looks back for repetitions, and how much it avoids them.
    stop: texts at which an answer ends.
    logprobs: whether to give the log probability of each token, in `response_metadata["logprobs"]`.
    top_logprobs: how many alternatives to each token to give, too.
    validate_model_on_init: whether to ask the server, now, if it has the model.
    client_kwargs, sync_client_kwargs, async_client_kwargs: the reference's; of them, `headers` and `timeout` are taken.
        Give a client of your own as `http_client` for the rest.
    timeout, max_retries, streaming, default_headers, default_query, model_kwargs, extra_body, http_client: as for every
        model (`RemoteChatModel`).

    Raises:
        ConfigurationError: an argument is unknown or wrong.
        MissingKeyError: no key was found for Ollama's cloud.
        NotFoundError: the server does not have the model (`validate_model_on_init`).
    """

    _PROVIDER: ClassVar[str] = "ollama"
    _KEY_VARIABLES: ClassVar[tuple[str, ...]] = ("OLLAMA_API_KEY",)
    _BASE_URL: ClassVar[str] = f"http://127.0.0.1:{_PORT}"
    _BASE_URL_VARIABLES: ClassVar[tuple[str, ...]] = ("OLLAMA_HOST",)
    _ALIASES: ClassVar[Mapping[str, str]] = {"model_name": "model", "request_timeout": "timeout"}
    _PARAMETERS: ClassVar[tuple[str, ...]] = (
        *("model", "temperature", "max_tokens", "top_p", "stop", "reasoning", "format", "keep_alive", "num_predict"),
        *("num_ctx", "num_gpu", "num_thread", "seed", "top_k", "tfs_z", "mirostat", "mirostat_eta", "mirostat_tau"),
        *("repeat_last_n", "repeat_penalty", "logprobs", "top_logprobs"),
    )
    _SECRETS: ClassVar[frozenset[str]] = frozenset({"api_key", *_CLIENT_ARGUMENTS})

    reasoning: bool | str | None = None
    format: str | dict[str, Any] | None = None
    keep_alive: float | str | None = None
    num_predict: int | None = Field(default=None, ge=-2)
    num_ctx: int | None = Field(default=None, gt=0)
    num_gpu: int | None = None
    num_thread: int | None = None
    seed: int | None = None
    top_k: int | None = None
    tfs_z: float | None = None
    mirostat: int | None = None
    mirostat_eta: float | None = None
    mirostat_tau: float | None = None
    repeat_last_n: int | None = None
    repeat_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=1)
    validate_model_on_init: bool = False
    client_kwargs: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)
    sync_client_kwargs: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)
    async_client_kwargs: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _read_client_arguments(cls, given: Any) -> Any:
        """Take what the reference has for its client, and user and password out of the address."""
        if not is_dict(given):
            return given
        arguments: dict[str, Any] = {**given}
        headers: dict[str, Any] = {}
        url = arguments.get("base_url")
        if isinstance(url, str) and (found := _credentials(url)) is not None:
            arguments["base_url"], headers["authorization"] = found
        for name in _CLIENT_ARGUMENTS:
            client = cast("dict[str, Any]", arguments[name]) if is_dict(arguments.get(name)) else {}
            unknown = sorted(client.keys() - {"headers", "timeout"})
            if unknown:
                msg = f"{name} has {', '.join(unknown)}: give a client of your own as http_client instead"
                raise ValueError(msg)
            headers.update(client.get("headers") or {})
            if client.get("timeout") is not None:
                arguments.setdefault("timeout", client["timeout"])
        if headers:
            arguments["default_headers"] = {**headers, **(arguments.get("default_headers") or {})}
        return arguments

    @field_validator("base_url")
    @classmethod
    @override
    def _as_address(cls, given: str | None) -> str | None:
        return None if given is None else address(_completed(given), cls._BASE_URL)

    @override
    def _settle(self, given: Mapping[str, Any]) -> None:
        if self.num_predict is not None and self.max_tokens is not None:
            msg = "num_predict and max_tokens are two names of one thing: give one of them."
            raise ConfigurationError(msg)
        super()._settle(given)
        if self.validate_model_on_init:
            self.validate_model()

    @override
    def _found_address(self) -> str:
        # In forms that are no URLs yet.
        for variable in (address_variable(self._PROVIDER), *self._BASE_URL_VARIABLES):
            try:
                host = _completed(os.environ.get(variable, ""))
                if host:
                    return address(host, self._BASE_URL)
            except ValueError as error:
                msg = f"The environment variable {variable} is wrong: {error}."
                raise ConfigurationError(msg) from None
        return self._BASE_URL

    @override
    def _plain_key(self) -> str | None:
        if self.api_key is None and urlsplit(self.base_url or "").hostname != _CLOUD:
            return None  # a server of the user's own: most want no key, wherever they are
        return super()._plain_key()

    @property
    def model_name(self) -> str:
        """The reference's name of `model`."""
        return self.model

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain_ollama", "chat_models"]

    async def avalidate_model(self) -> None:
        """Ask the server whether it has the model.

        Raises:
            NotFoundError: it does not; the message says how to get it, and what there is.
            ProviderError: it could not be asked.
        """
        call = Call({"model": self.model})
        body, exchange = await self._asked(Outgoing("/api/tags", None, method="GET"), call)
        models = as_objects(as_object(parsed(body, exchange)).get("models"))
        names = [name for model in models if (name := word(model.get("model")) or word(model.get("name")))]
        if not any(name == self.model or name.startswith(f"{self.model}:") for name in names):
            msg = f"Ollama has no model {self.model!r}. {_pull(self.model)} It has: {', '.join(names) or 'none'}."
            raise NotFoundError(msg, provider=self._provider, model=self.model)

    def validate_model(self) -> None:
        """`avalidate_model`, for sync code."""
        blocking_function(self.avalidate_model, "validate_model")()

    # ------------------------------------------------------------------------------------------------------------ hooks

    @property
    @override
    def _llm_type(self) -> str:
        return "chat-ollama"

    @override
    def _write(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        body = encode_request(
            messages,
            call.settings,
            stream=call.stream,
            extra_body={**(self.extra_body or {}), **call.extra_body},
        )
        return Outgoing("/api/chat", body, accept="application/x-ndjson" if call.stream else None)

    @override
    def _answer(self, body: bytes, exchange: Exchange, call: Call) -> ChatResult:
        return decode_answer(body, exchange)

    @override
    def _reader(self, exchange: Exchange, call: Call) -> StreamDecoder:
        return AnswerDecoder(exchange)

    @override
    def _call(self, stop: list[str] | None, given: Mapping[str, Any], *, stream: bool) -> Call:
        call = super()._call(stop, given, stream=stream)
        for names in _SAME:
            if given.keys() & names:
                for name in names - given.keys():
                    call.settings.pop(name, None)
        return call

    @override
    async def _accepted(self, reply: Reply, call: Call) -> Exchange:
        try:
            return await super()._accepted(reply, call)
        except NotFoundError as error:
            model = call.settings.get("model")
            if error.code is None and "model" in str(error.body):
                error.args = (f"{error.args[0]} {_pull(model)}",)
            raise


def _pull(model: Any) -> str:
    return f"Get it with `ollama pull {model}`."


# ------------------------------------------------------------------------------------------------------------ addresses


def _completed(given: str) -> str:
    """An address as Ollama's SDK completes it: http unless it says, its own port unless a scheme or a port is said."""
    given = given.strip()
    if not given or "://" in given:
        return given
    parts = urlsplit(f"http://{given}")
    host = parts.hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    path = parts.path.strip("/")
    return f"http://{host}:{parts.port or _PORT}{f'/{path}' if path else ''}"


def _credentials(url: str) -> tuple[str, str] | None:
    """An address without its user and password, and the header that says them; None if it has none."""
    scheme, mark, rest = url.strip().rpartition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not at:
        return None
    name, _, password = user.partition(":")
    token = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return f"{scheme}{mark}{host}{slash}{path}", f"Basic {token}"
