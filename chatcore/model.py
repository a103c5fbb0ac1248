"""`BaseChatModel`: what a chat model is, whatever its provider.

A subclass gives one or more of four hooks, with the reference's signatures; the class adapts what it has, decided once:

::

                    plain call                     streamed call
    preferred       _agenerate                     _astream
    else            _astream, merged               _stream, in a worker thread
    else            _generate, in a worker thread  the plain call's answer as the only chunk
    else            _stream, in a worker thread
"""

from __future__ import annotations

import builtins
import inspect
import json
import os
import uuid
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast, get_args, overload

import anyio
from pydantic import AfterValidator, ConfigDict, Field

from chatcore._tokens import get_token_ids
from chatcore.caches import BaseCache
from chatcore.caches._layer import Caching, Kept
from chatcore.callbacks._seam import begun, run_manager
from chatcore.callbacks.base import Callbacks
from chatcore.callbacks.manager import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine._portal import SyncStream, blocking
from chatcore.engine.batch import run_workers
from chatcore.engine.events import EventStream, StreamEvent
from chatcore.engine.following import report
from chatcore.engine.limits import TokenBucket, admit, check_limiter
from chatcore.engine.policies import LONGEST_PAUSE, Deadline, Patience, Retry, Timeout
from chatcore.engine.request import ChunksOf, Middleware, Open, Request, Response, ready_of
from chatcore.engine.stream import ChatStream
from chatcore.engine.threads import in_thread, iterate_in_thread
from chatcore.errors import (
    ConfigurationError,
    InvalidInputError,
    MalformedResponseError,
    ProviderError,
    RateLimited,
    StreamInterrupted,
    UnsupportedError,
)
from chatcore.globals import get_llm_cache, get_verbose
from chatcore.load.serializable import Serializable
from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    convert_to_messages,
    get_buffer_string,
)
from chatcore.messages._input import standard_input
from chatcore.messages._output_version import StandardChunks, in_standard_blocks
from chatcore.messages._traced import traced
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult, RunInfo
from chatcore.prompt_values import PromptValue
from chatcore.runnables import Runnable, RunnableConfig, RunnableSequence, RunnableSerializable
from chatcore.schemas import convert_to_openai_tool
from chatcore.schemas._answers import AnswerSchema
from chatcore.schemas._strict import says_the_same_closed
from chatcore.structured_output import AnswerParser, Asking, Method
from chatcore.typed_stream import AsyncChatModelStream, ChatModelStream, PendingStream

__all__ = ["BaseChatModel", "LanguageModelInput", "Policies"]

LanguageModelInput = PromptValue | str | Sequence[Any]
"""What a chat model takes: a str, a `PromptValue`, or a list of messages in any form `convert_to_messages` takes."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What a model does around each of its calls by itself.

    timeout: how long a call may take.
    retry: whether and how a failed opening is tried again.
    """

    timeout: Timeout | None = None
    retry: Retry | None = None


class _Described(Serializable):
    """What tells one model from another. Apart, since a method named `dict` hides the type where it is defined."""

    @property
    @abstractmethod
    def _llm_type(self) -> str:
        """The kind of model, for logs and dumps."""

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells this model from others of its kind, for logs and caches; no secrets."""
        return {}

    def asdict(self) -> builtins.dict[str, Any]:
        """What tells this model from others: its identifying parameters and its type (`_type`); no secrets."""
        return {**self._identifying_params, "_type": self._llm_type}

    def dict(self, **kwargs: Any) -> builtins.dict[str, Any]:
        """`asdict`, by the reference's older name."""
        del kwargs
        return self.asdict()


class BaseChatModel(_Described, RunnableSerializable[LanguageModelInput, AIMessage]):
    """The base of every chat model.

    A subclass implements `_llm_type` and at least one of `_agenerate` (the norm), `_astream`, `_generate` and
    `_stream`::

        class Echo(BaseChatModel):
            @property
            def _llm_type(self) -> str:
                return "echo"

            async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
                answer = AIMessage(content=messages[-1].text)
                return ChatResult(generations=[ChatGeneration(message=answer)])

    name: what the model is called in errors and traces; None: its class.
    rate_limiter: a `TokenBucket`, any object with `async aacquire()`, or (on asyncio) an `aiolimiter.AsyncLimiter`;
        taken once for each attempt.
    cache: where answers are kept, and looked for first: a `chatcore.caches.BaseCache`; True: that of `set_llm_cache`;
        None: that one too, if there is one; False: nowhere. Streams are kept when they have ended, and replayed. A
        limiter is asked only for what is not kept.
    disable_streaming: True: `astream` gives the whole answer as one chunk. `"tool_calling"`: only when tools are given.
    tags, metadata: what every call of this model carries.
    callbacks: handlers of every call of this model.
    verbose: for those who print what happens; see `chatcore.globals.set_verbose`.
    output_version: `"v0"`: content as the provider sends it; `"v1"`: as standard content blocks. None: what the
        environment's `LC_OUTPUT_VERSION` says, or else as `"v0"`.
    custom_get_token_ids: tells a text's tokens, in place of the vocabulary that the model's name stands for.
    profile: what the model can do (`tool_calling`, `structured_output`, `max_input_tokens`, ...), where that is known.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str | None = None
    rate_limiter: Annotated[Any, AfterValidator(lambda given: given if given is None else check_limiter(given))] = (
        Field(default=None, exclude=True, repr=False)
    )
    cache: BaseCache | bool | None = Field(default=None, exclude=True, repr=False)
    disable_streaming: bool | Literal["tool_calling"] = False
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    callbacks: Callbacks = Field(default=None, exclude=True, repr=False)

    verbose: bool = Field(default_factory=get_verbose, exclude=True, repr=False)
    output_version: str | None = Field(default_factory=lambda: os.environ.get("LC_OUTPUT_VERSION"))
    custom_get_token_ids: Callable[[str], list[int]] | None = Field(default=None, exclude=True)
    profile: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    _kind: ClassVar[str] = "chat_model"
    _takes_tools: ClassVar[bool] = False
    """Whether the hooks of this class know what to do with `tools` (OpenAI's tool dicts) and `tool_choice`."""
    _hooks: ClassVar[_Hooks]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._hooks = _Hooks.of(cls)

    # ---------------------------------------------------------------------------------------- for a subclass to give

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        """One whole answer."""
        raise NotImplementedError

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk | AIMessageChunk]:
        """The answer in chunks: an async generator of `ChatGenerationChunk` or (cheaper) of `AIMessageChunk`."""
        raise NotImplementedError

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        """One whole answer, by code that only exists sync."""
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk | AIMessageChunk]:
        """The answer in chunks, by code that only exists sync: a generator."""
        raise NotImplementedError

    def _policies(self) -> Policies:
        """What this model does around each call by itself; called once a call, so it should be cheap."""
        return _NO_POLICIES

    def _estimate_tokens(self, messages: list[BaseMessage], settings: Mapping[str, Any]) -> float:
        """About how many tokens a call will take, prompt and answer; for limiters that count tokens.

        A token is about four characters of English text (OpenAI's rule of thumb).
        """
        prompt = sum(len(message.text) / 4 + 4 for message in messages)
        answer = settings.get("max_tokens") or getattr(self, "max_tokens", None) or 0
        return prompt + float(answer)

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """What listeners are told of the call's parameters; no secrets."""
        # By the older name, which calls the other: a subclass may say more in either.
        return {**self.dict(), "stop": stop, **self._shown(kwargs)}

    def _shown(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call's settings as listeners may see them: a model whose settings can hold secrets leaves these out."""
        return settings

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """The facts about a call by which traces are searched, in the reference's names.

        Returns:
            `ls_provider`, `ls_model_type`, and where they are known `ls_model_name`, `ls_temperature`, `ls_max_tokens`
            and `ls_stop`.
        """
        provider, sources = _ls_sources(type(self))
        facts: dict[str, Any] = {"ls_provider": provider, "ls_model_type": "chat"}
        for fact, name, own in sources:
            known = kwargs.get(name)
            if known is None and own:
                known = getattr(self, name)
            if known is not None:
                facts.setdefault(fact, known)
        if stop:
            facts["ls_stop"] = stop
        return facts

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """The `llm_output` of a `generate` call of several prompts, from those of each."""
        del llm_outputs
        return {}

    # ----------------------------------------------------------------------------------------------------- the waist

    def _open(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        opener = self._wrapped(self._begin)
        timeout = self._policies().timeout
        if timeout is not None and timeout.total is not None:
            # Outermost, so that one deadline spans limits, retries and fallbacks.
            opener = partial(Deadline(timeout.total), next_open=opener)
        return opener(request)

    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        for told in _TOLD:
            if told in request.settings:
                others = {key: value for key, value in request.settings.items() if key not in _TOLD}
                request = request.edited(settings=others)
        if self.callbacks or request.config.get("callbacks"):
            return begun(request, self._start, runnable=self, **self._as_run(request))
        return self._start(request)

    def _as_run(self, request: Request) -> dict[str, Any]:
        stop: list[str] | None = request.settings.get("stop")
        settings = {key: value for key, value in request.settings.items() if key != "stop"}
        return {
            "name": self.get_name(),
            "kind": self._kind,
            "inputs": traced(_messages(request)),
            "callbacks": self.callbacks,
            "tags": self.tags,
            "metadata": self.metadata,
            "inheritable_metadata": self._get_ls_params(stop=stop, **settings),
        }

    def _start(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        opener: Open = self._attempt
        policies = self._policies()
        if policies.timeout is not None:
            opener = partial(Patience(policies.timeout), next_open=opener)
        if self.rate_limiter is not None:
            opener = partial(self._limited, next_open=opener)
        if policies.retry is not None:
            opener = partial(policies.retry, next_open=opener)
        cache = get_llm_cache() if self.cache is None else self.cache
        if cache is not None and cache is not False:
            _messages(request)
            opener = partial(Caching(_cache_of(cache), self._identity()), next_open=opener)
        return opener(request)

    def _identity(self) -> dict[str, Any]:
        """What tells this model's answers from others', for caches; no secrets."""
        params: Any = self._identifying_params
        if not params:
            # A class that does not say what it is known by is known by what is dumped of it, or at least by its model
            # and its sampling. Decorations are in the request's settings.
            dumped = self.is_lc_serializable()
            params = Serializable.to_json(self) if dumped else {name: getattr(self, name, None) for name in _SAMPLING}
        cls = type(self)
        known_by = {"class": f"{cls.__module__}.{cls.__qualname__}", "_type": self._llm_type}
        return {**known_by, "output_version": self.output_version, "params": params}

    @opening
    async def _limited(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        limiter = self.rate_limiter
        counts = isinstance(limiter, TokenBucket) and limiter.counts_tokens
        estimate = self._estimate_tokens(_messages(request), request.settings) if counts else 0.0
        lease = await admit(limiter, estimate)
        try:
            async with next_open(request) as response:
                yield response  # noqa: ASYNC119 - a context manager's
                spent = getattr(response.partial(), "usage_metadata", None) if counts else None
                if spent:
                    lease.settle(spent["total_tokens"])
        except RateLimited as error:
            if isinstance(limiter, TokenBucket) and 0 < (error.retry_after or 0) <= LONGEST_PAUSE:
                limiter.pause(cast("float", error.retry_after))
            raise
        finally:
            lease.release()

    @opening
    async def _attempt(self, request: Request) -> AsyncGenerator[Response[Any]]:
        messages = _messages(request)
        settings = dict(request.settings)
        stop: list[str] | None = settings.pop("stop", None)
        if isinstance(stop, str):
            stop = [stop]
        elif stop is not None and not _is_texts(stop):
            msg = f"stop must be a text or a list of texts, not {stop!r}."
            raise InvalidInputError(msg)
        hooks = self._hooks
        streams = hooks.chunks is not None and self._may_stream(settings)
        run = request.run
        if request.stream and streams:
            chunks = cast("_Parts", hooks.chunks)(self, messages, stop=stop, **settings)
            try:
                yield await _Chunks.begin(self, chunks, request)
            finally:
                with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                    await _close(chunks)
        elif hooks.whole is not None:
            # What is asked for as a whole is whole once it is open, so that a stream that breaks off in the middle can
            # still be tried again.
            chunked = streams and (self._prefers_chunks(settings) or (run is not None and run.wants_chunks))
            whole = _merged_whole if chunked else hooks.whole
            result = await whole(self, messages, request, stop=stop, **settings)
            yield _Answer(self, result, request)
        else:
            msg = (
                f"{type(self).__name__} implements none of _agenerate, _astream, _generate and _stream; implement one."
            )
            raise UnsupportedError(msg)

    def _may_stream(self, settings: Mapping[str, Any]) -> bool:
        if self.disable_streaming is True or (self.disable_streaming == "tool_calling" and settings.get("tools")):
            return False
        if "stream" in settings and not settings["stream"]:
            return False
        return not ("streaming" in self.model_fields_set and getattr(self, "streaming", None) is False)

    def _prefers_chunks(self, settings: Mapping[str, Any]) -> bool:
        """Whether a plain call, too, is answered by merging chunks: the reference's `stream=True`, `streaming=True`."""
        return bool(settings.get("stream")) or (
            "streaming" in self.model_fields_set and getattr(self, "streaming", None) is True
        )

    def _with(self, layer: Middleware) -> Self:
        decorated = super()._with(layer)
        # What a model keeps for itself (a client, a counter) is one thing, however it is decorated.
        object.__setattr__(decorated, "__pydantic_private__", self.__pydantic_private__)
        return decorated

    def _request(
        self, given: object, config: RunnableConfig | None, settings: dict[str, Any], *, stream: bool
    ) -> Request:
        request = super()._request(given, config, settings, stream=stream)
        # At once, so that bad input is refused where it was given, and not where a stream is first read.
        _messages(request)
        return request

    if TYPE_CHECKING:
        # The base's verbs, with the types that they give of a chat model.
        def astream(  # noqa: D102 - said there
            self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
        ) -> ChatStream[AIMessageChunk, AIMessage]: ...
        def stream(  # noqa: D102 - said there
            self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
        ) -> SyncStream[AIMessageChunk]: ...

    @overload
    def astream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        **kwargs: Any,
    ) -> EventStream: ...
    @overload
    def astream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v3"],
        **kwargs: Any,
    ) -> PendingStream: ...
    def astream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2", "v3"] = "v2",
        **kwargs: Any,
    ) -> EventStream | PendingStream:
        """Call once, streamed, and give everything that happens in the call.

        Args:
            input: what is asked, as for `ainvoke`.
            config: tags, metadata and the like.
            version: `"v2"`: events of this call and those made within it, as of any `Runnable`; `"v3"`: one object that
                gives the answer's text, reasoning, tool calls, usage and message, to any number of readers.
            **kwargs: settings of the call; for `"v2"` also the filters `include_names`, ... of `Runnable`.

        Returns:
            For `"v2"` an async iterator of events; for `"v3"` a stream to await or to use in `async with`. Nothing is
            sent before it is read.
        """
        if version == "v3":
            return PendingStream(AsyncChatModelStream(chunks=self.astream(input, config, **kwargs)))
        return super().astream_events(input, config, version=version, **kwargs)

    @overload
    def stream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        **kwargs: Any,
    ) -> SyncStream[StreamEvent]: ...
    @overload
    def stream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v3"],
        **kwargs: Any,
    ) -> ChatModelStream: ...
    def stream_events(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2", "v3"] = "v2",
        **kwargs: Any,
    ) -> SyncStream[StreamEvent] | ChatModelStream:
        """`astream_events`, for sync code: same arguments; for `"v3"` a stream that sync code can read."""
        if version == "v3":
            return ChatModelStream(chunks=self.stream(input, config, **kwargs))
        return super().stream_events(input, config, version=version, **kwargs)

    # ------------------------------------------------------------------------------------------------------------ tools

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """A copy that may ask for these tools to be called.

        Args:
            tools: functions, tools (`chatcore.tools`), pydantic models, TypedDicts, dataclasses, JSON schemas with a
                title, the tool dicts of OpenAI, Anthropic and MCP; dicts of tools that run at the provider go there as
                they are.
            tool_choice: `"auto"` (the model decides), `"any"` or True (it must call one), `"none"`, or the name of the
                tool that it must call.
            strict: whether arguments must follow the schema to the letter, where the provider can promise that.
            parallel_tool_calls: whether one answer may ask for several calls.
            **kwargs: more settings, as for `bind`.

        Returns:
            A model of the same class, whose answers have `tool_calls`.

        Raises:
            UnsupportedError: this model cannot call tools.
            ConfigurationError: something in `tools` describes no tool.
            InvalidInputError: `tools` is no list, or `tool_choice` names none of them.
        """
        self._check_tools()
        # A tool can be iterated too: over its fields.
        given: object = tools
        if isinstance(given, str | Mapping | Runnable | type) or not isinstance(given, Iterable):
            msg = "bind_tools takes a list of tools: bind_tools([tool]), not bind_tools(tool)."
            raise InvalidInputError(msg)
        specs = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        _check_choice(tool_choice, specs)
        named = {"tool_choice": tool_choice, "parallel_tool_calls": parallel_tool_calls}
        return self.bind(tools=specs, **{name: value for name, value in named.items() if value is not None}, **kwargs)

    def with_structured_output(
        self,
        schema: Any,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[Any] | None = None,
        retries: int = 0,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """A runnable that answers with objects of a schema.

        Streamed, it gives partial objects as they grow: of a pydantic model instances whose fields that have not come
        are absent, of a TypedDict or a JSON schema dicts; the last one is whole and valid.

        Args:
            schema: a pydantic model, a TypedDict or a dataclass; or a JSON schema with a title, or a tool dict. None,
                with `"json_mode"`: any JSON object.
            method: `"json_schema"`: the provider holds the model to the schema; `"function_calling"`: the model calls
                a tool of that schema; `"json_mode"`: the provider promises JSON, and the prompt must describe the
                schema. None: the best that the model has.
            include_raw: answer with a dict: the message (`raw`), the object (`parsed`, None if it is not valid) and
                what was wrong (`parsing_error`, else None).
            strict: whether the provider must follow the schema to the letter.
            tools: tools that the model may call besides; use `include_raw` to see when it does.
            retries: how often a model whose answer is not valid is told what is wrong and asked again.
            **kwargs: more settings, as for `bind`.

        Raises:
            UnsupportedError: this model can do none of that.
            StructuredOutputError: (from a call) the answer is not valid, or none was given; it carries the message.
        """
        if isinstance(cast("object", retries), bool) or not isinstance(cast("object", retries), int) or retries < 0:
            msg = f"retries must be a whole number that is not negative, not {retries!r}."
            raise ConfigurationError(msg)
        methods = self._structured_methods()
        if not methods:
            msg = f"with_structured_output is not implemented for this model: {type(self).__name__} has no bind_tools."
            raise UnsupportedError(msg)
        if method is not None and method not in get_args(Method):
            msg = f"Unrecognized method argument. Expected one of {', '.join(get_args(Method))}. Received: {method!r}"
            raise ConfigurationError(msg)
        if schema is None and method == "json_mode":
            schema = {"title": "Answer", "type": "object"}
        # A model that only takes tools answers by a tool, whatever way to the same answer was asked for.
        chosen: Method = method if method in methods else methods[0]
        answer = AnswerSchema.of(schema, strict=strict)
        if (
            chosen == "json_schema"
            and strict is None
            and answer.kind != "json_schema"
            and says_the_same_closed(answer.parameters)
        ):
            # A class is held to the letter where that takes nothing from what it allows.
            with suppress(ConfigurationError):
                answer = AnswerSchema.of(schema, strict=True)
        bound: Any = self
        if chosen == "function_calling":
            own = {} if not self._takes_tools else {"strict": strict, "parallel_tool_calls": False}
            bound = self.bind_tools([schema, *(tools or ())], tool_choice="auto" if tools else "any", **own, **kwargs)
        else:
            if tools:
                bound = self.bind_tools(tools, strict=strict)
            form: dict[str, Any] = {"type": "json_object"}
            if chosen == "json_schema":
                form = {"type": "json_schema", "json_schema": _response_format(answer)}
            bound = bound.bind(response_format=form, **kwargs)
        parser = AnswerParser(answer, chosen, raw=include_raw, others=bool(tools))
        sequence = RunnableSequence[LanguageModelInput, Any](bound, parser)
        if retries or include_raw:
            return sequence._with(Asking(retries, include_raw))  # noqa: SLF001 - one of us
        return sequence

    def _structured_methods(self) -> tuple[Method, ...]:
        """How this model can be brought to answer in a schema, the best way first."""
        takes_tools = self._takes_tools or type(self).bind_tools is not BaseChatModel.bind_tools
        return ("function_calling",) if takes_tools else ()

    def _check_tools(self) -> None:
        if not self._takes_tools:
            msg = (
                f"{type(self).__name__} does not take tools. A model of your own says that it does by"
                " `_takes_tools = True`; it then finds them, in OpenAI's format, in the `tools` of its hooks' settings."
            )
            raise UnsupportedError(msg)
        if (self.profile or {}).get("tool_calling") is False:
            msg = f"{self.get_name()}: by its profile this model cannot call tools; choose one that can."
            raise UnsupportedError(msg)

    # ----------------------------------------------------------------------------------------------------------- tokens

    def get_token_ids(self, text: str) -> list[int]:
        """The ids of a text's tokens, counted offline.

        Raises:
            MissingExtraError: the extra `tokens` is not installed.
        """
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        return get_token_ids(text, self._model_name())

    def get_num_tokens(self, text: str) -> int:
        """How many tokens a text has. Errors as of `get_token_ids`."""
        return len(self.get_token_ids(text))

    def get_num_tokens_from_messages(self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """About how many tokens a prompt has: each message with its role, and the descriptions of its tools.

        Args:
            messages: the prompt.
            tools: what `bind_tools` takes.

        Raises:
            MissingExtraError: the extra `tokens` is not installed.
        """
        described = [json.dumps(convert_to_openai_tool(tool)) for tool in tools or ()]
        return sum(self.get_num_tokens(text) for text in (*(get_buffer_string([one]) for one in messages), *described))

    def _model_name(self) -> str | None:
        """The model's own name, where it has one."""
        named = (getattr(self, field, None) for field in ("model", "model_name"))
        return next((name for name in named if isinstance(name, str)), None)

    # ---------------------------------------------------------------------------------------------- the generate verbs

    async def agenerate(
        self,
        messages: Sequence[Sequence[Any]],
        stop: list[str] | None = None,
        callbacks: Any = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: uuid.UUID | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Answer several prompts at once, and give everything the model said of each answer.

        Args:
            messages: one list of messages for each prompt.
            stop: texts at which an answer ends.
            callbacks: handlers of events.
            tags: labels of the calls.
            metadata: facts about the calls.
            run_name: a name for the calls.
            run_id: an id for the first call.
            **kwargs: settings of every call.

        Returns:
            An `LLMResult`: for each prompt the candidates, in the order of the prompts.

        Raises:
            Exception: the first call that failed; the others have been cancelled by then.
        """
        named = {"tags": tags, "metadata": metadata, "run_name": run_name, "callbacks": callbacks}
        config = {key: value for key, value in named.items() if value is not None}
        settings = kwargs if stop is None else {"stop": stop, **kwargs}
        if isinstance(cast("object", messages), str | bytes | Mapping | PromptValue):
            msg = "generate takes a list with a list of messages for each prompt: [[HumanMessage(...)], ...]."
            raise InvalidInputError(msg)
        # Each call is a run of its own.
        ids = [run_id if run_id is not None and index == 0 else uuid.uuid4() for index in range(len(messages))]
        requests = [
            self._request(prompt, cast("RunnableConfig", {**config, "run_id": each_id}), settings, stream=False)
            for prompt, each_id in zip(messages, ids, strict=True)
        ]
        results: dict[int, ChatResult] = {}

        async def each(index: int, request: Request) -> None:
            async with self._open(request) as response:
                message = await response.result()
                origin = response.origin()
                # A fallback may be something else than a chat model.
                results[index] = (
                    origin.chat_result()
                    if isinstance(origin, _Answer | _Chunks | Kept)
                    else ChatResult(generations=[ChatGeneration(message=message)])
                )

        await run_workers(requests, each, len(requests) or 1)
        in_order = [results[index] for index in range(len(requests))]
        return LLMResult(
            generations=[list(result.generations) for result in in_order],
            llm_output=self._combine_llm_outputs([result.llm_output for result in in_order]),
            run=[RunInfo(run_id=each_id) for each_id in ids],
        )

    async def agenerate_prompt(
        self, prompts: Sequence[PromptValue], stop: list[str] | None = None, callbacks: Any = None, **kwargs: Any
    ) -> LLMResult:
        """`agenerate` for prompt values.

        Args:
            prompts: the prompts.
            stop: texts at which an answer ends.
            callbacks: handlers of events.
            **kwargs: as for `agenerate`.
        """
        return await self.agenerate([prompt.to_messages() for prompt in prompts], stop, callbacks, **kwargs)

    generate = blocking(agenerate)  # type: ignore[pydantic-field]  # a method, which pydantic knows and its plugin does not
    generate_prompt = blocking(agenerate_prompt)  # type: ignore[pydantic-field]  # as above


_NO_POLICIES = Policies()


def _response_format(answer: AnswerSchema) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description} if answer.description else {}
    strict: dict[str, Any] = {} if answer.strict is None else {"strict": answer.strict}
    return {"name": answer.name, **described, "schema": answer.parameters, **strict}


_SAMPLING = ("model", "model_name", "temperature", "top_p", "max_tokens", "seed", "stop")


def _cache_of(given: BaseCache | Literal[True]) -> BaseCache:
    cache: BaseCache | None = get_llm_cache() if given is True else given
    if cache is None:
        msg = "Asked to cache, but no cache found: give one to chatcore.globals.set_llm_cache, or as cache=."
        raise ConfigurationError(msg)
    return cache


def _check_choice(choice: object, specs: Sequence[Mapping[str, Any]]) -> None:
    if not isinstance(choice, str) or choice in ("auto", "any", "required", "none"):
        return
    names = [str(spec.get("function", spec).get("name") or spec.get("type")) for spec in specs]
    if choice not in names:
        msg = f"tool_choice={choice!r} names none of these tools: {', '.join(names)}. Or give 'auto', 'any' or 'none'."
        raise InvalidInputError(msg)


_LS_PARAMS = (
    ("ls_model_name", "model"),
    ("ls_model_name", "model_name"),
    ("ls_temperature", "temperature"),
    ("ls_max_tokens", "max_tokens"),
)
"""Which settings or fields of a model the reference's trace facts are taken from."""


@lru_cache(maxsize=256)
def _ls_sources(model: type[BaseChatModel]) -> tuple[str, tuple[tuple[str, str, bool], ...]]:
    """The name of the provider; and for each fact a setting that says it, and whether a model of this class has it."""
    kind = model.__name__
    provider = (kind.removeprefix("Chat") or kind).removesuffix("Chat").lower()
    # Asked once: looking for what is not there costs a pydantic model a microsecond.
    return provider, tuple(
        (fact, name, name in model.model_fields or hasattr(model, name)) for fact, name in _LS_PARAMS
    )


def _is_texts(given: object) -> bool:
    return isinstance(given, list | tuple) and all(
        isinstance(text, str) for text in cast("list[object] | tuple[object, ...]", given)
    )


def _messages(request: Request) -> list[BaseMessage]:
    """The input of a request as messages; derived once for all its attempts."""
    messages: list[BaseMessage] | None = request.prepared
    if messages is None:
        messages = request.prepared = [
            # Content is a str far more often than not: nothing is to be looked at in it.
            message if type(message.content) is str else standard_input(message)
            for message in _coerce(request.input)
        ]
    return messages


def _coerce(given: object) -> list[BaseMessage]:
    if isinstance(given, str):
        return [HumanMessage(content=given)]
    if isinstance(given, PromptValue):
        messages = given.to_messages()
    elif isinstance(given, Sequence) and not isinstance(given, bytes | bytearray):
        messages = convert_to_messages(cast("Sequence[Any]", given))
    else:
        hint = " Put it in a list: [message]." if isinstance(given, BaseMessage | Mapping) else ""
        kind = type(cast("object", given)).__name__
        msg = f"A chat model takes a str, a list of messages or a PromptValue, not {kind}.{hint}"
        raise InvalidInputError(msg)
    if not messages:
        msg = "The list of messages is empty; give at least one message."
        raise InvalidInputError(msg)
    return messages


_TOLD = ("ls_structured_output_format", "structured_output_format")
"""What models of the reference bind to tell its tracer about a structured answer; no setting of any provider's."""


# ----------------------------------------------------------------------------------------------------- what a class has

_Whole = Callable[..., Any]
_Parts = Callable[..., AsyncIterator[ChatGenerationChunk | AIMessageChunk]]


@dataclass(frozen=True, slots=True)
class _Hooks:
    """What a class of models has: how it gives a whole answer, and how it gives chunks."""

    whole: _Whole | None
    chunks: _Parts | None

    @classmethod
    def of(cls, model: type[BaseChatModel]) -> _Hooks:
        def has(name: str) -> bool:
            return getattr(model, name) is not getattr(BaseChatModel, name)

        chunks: _Parts | None = None
        if has("_astream"):
            chunks = _native_chunks
        elif has("_stream"):
            chunks = _chunks_in_thread
        whole: _Whole | None = None
        if has("_agenerate"):
            whole = _native_whole
        elif has("_astream"):
            whole = _merged_whole
        elif has("_generate"):
            whole = _whole_in_thread
        elif has("_stream"):
            whole = _merged_whole
        return cls(whole, chunks)


def _native_chunks(
    model: BaseChatModel, messages: list[BaseMessage], /, **settings: Any
) -> AsyncIterator[ChatGenerationChunk | AIMessageChunk]:
    made: Any = model._astream(messages, **settings)
    if hasattr(made, "__anext__"):
        return cast("AsyncIterator[ChatGenerationChunk | AIMessageChunk]", made)
    if hasattr(made, "__aiter__"):
        return aiter(made)
    if inspect.iscoroutine(made):
        made.close()
    msg = (
        f"{type(model).__name__}._astream must be an async generator function (async def, with yield) or return an"
        f" async iterator, not a {type(made).__name__}."
    )
    raise MalformedResponseError(msg)


def _chunks_in_thread(
    model: BaseChatModel, messages: list[BaseMessage], /, **settings: Any
) -> AsyncIterator[ChatGenerationChunk | AIMessageChunk]:
    def chunks() -> Iterator[ChatGenerationChunk | AIMessageChunk]:
        # Called in the thread as well: a function that returns an iterator may do its waiting before that.
        yield from model._stream(messages, **settings)

    return iterate_in_thread(chunks())


async def _native_whole(
    model: BaseChatModel, messages: list[BaseMessage], request: Request, /, **settings: Any
) -> ChatResult:
    if request.run is not None:
        settings["run_manager"] = run_manager(request.run, AsyncCallbackManagerForLLMRun)
    return await model._agenerate(messages, **settings)


async def _whole_in_thread(
    model: BaseChatModel, messages: list[BaseMessage], request: Request, /, **settings: Any
) -> ChatResult:
    if request.run is not None:
        settings["run_manager"] = run_manager(request.run, CallbackManagerForLLMRun)
    return await in_thread(model._generate, messages, **settings)


async def _merged_whole(
    model: BaseChatModel, messages: list[BaseMessage], request: Request, /, **settings: Any
) -> ChatResult:
    chunks = cast("_Parts", model._hooks.chunks)(model, messages, **settings)  # noqa: SLF001 - the same module
    try:
        response = await _Chunks.begin(model, chunks, request)
        if request.run is not None:
            # Listeners are told of its chunks, as if it had been asked for them.
            async for chunk in ChunksOf(response):
                await report(request.run, chunk)
        await response.result()
        return response.chat_result()
    finally:
        with anyio.move_on_after(CLOSING_SECONDS, shield=True):
            await _close(chunks)


async def _close(chunks: AsyncIterator[ChatGenerationChunk | AIMessageChunk]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()


def _new_id(request: Request) -> str:
    # The reference's prefix, by which merging tells it from an id of the provider's.
    run = request.run
    named: object = request.config.get("run_id") if run is None else run.id
    return f"lc_run--{named or os.urandom(16).hex()}"


# ------------------------------------------------------------------------------------------------------------ responses


class _Answer:
    """A whole answer; as chunks, its message is the only one."""

    __slots__ = ("_given", "_message", "_result")

    def __init__(self, model: BaseChatModel, result: ChatResult, request: Request) -> None:
        if not isinstance(cast("object", result), ChatResult) or not result.generations:
            given = "an empty one" if isinstance(cast("object", result), ChatResult) else f"a {type(result).__name__}"
            msg = f"{type(model).__name__} must answer with a ChatResult that has a generation, not with {given}."
            raise MalformedResponseError(msg)
        for index, generation in enumerate(result.generations):
            message = generation.message
            if message.id is None:
                message.id = f"{_new_id(request)}-{index}"
            if generation.generation_info:
                message.response_metadata = {**generation.generation_info, **message.response_metadata}
            if result.llm_output and len(result.generations) == 1:
                message.response_metadata = {**result.llm_output, **message.response_metadata}
            if model.output_version == "v1":
                generation.message = in_standard_blocks(cast("AIMessage", message))
        self._result = result
        self._message = result.generations[0].message
        self._given = False

    async def __anext__(self) -> BaseMessage:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self._message

    async def result(self) -> BaseMessage:
        return self._message

    def partial(self) -> BaseMessage:
        return self._message

    def origin(self) -> Response[Any]:
        return self

    def chat_result(self) -> ChatResult:
        return self._result


def _no_chunk(given: object) -> MalformedResponseError:
    held = f" that holds a {type(given.message).__name__}" if isinstance(given, ChatGenerationChunk) else ""
    msg = (
        "The hook of a stream must yield ChatGenerationChunks that hold AIMessageChunks, or AIMessageChunks, not a"
        f" {type(given).__name__}{held}."
    )
    return MalformedResponseError(msg)


class _Chunks:
    """A streamed answer: what the hook yields, given on as message chunks, and joined on the way."""

    __slots__ = (
        "_broken",
        "_first",
        "_id",
        "_infos",
        "_join",
        "_joined",
        "_last",
        "_next",
        "_standard",
        "_take",
        "_whole",
        "ready",
    )

    def __init__(
        self,
        model: BaseChatModel,
        chunks: AsyncIterator[ChatGenerationChunk | AIMessageChunk],
        first: Any,
        request: Request,
    ) -> None:
        self._broken = False
        self._standard = StandardChunks() if model.output_version == "v1" else None
        self._first: ChatGenerationChunk | AIMessageChunk | None = first
        self._next = chunks.__anext__
        self._take = ready_of(chunks)
        self.ready = None if self._take is None else self._at_hand
        self._joined = Accumulator()
        # The chunks themselves are not kept: what lives longer than a pull is what the garbage collector walks.
        self._join = self._joined.add
        self._last: AIMessageChunk | None = None
        self._infos: dict[str, Any] = {}
        # For chunks that come without one.
        self._id = _new_id(request)
        self._whole: AIMessage | None = None

    @classmethod
    async def begin(
        cls, model: BaseChatModel, chunks: AsyncIterator[ChatGenerationChunk | AIMessageChunk], request: Request
    ) -> _Chunks:
        """Wait for the first chunk."""
        try:
            first = await chunks.__anext__()
        except StopAsyncIteration:
            msg = f"No generation chunks were returned: {type(model).__name__} ended its stream without a single one."
            raise MalformedResponseError(msg) from None
        if cast("object", first) is None:
            raise _no_chunk(first)
        return cls(model, chunks, first, request)

    async def __anext__(self) -> AIMessageChunk:
        chunk = self._first
        if chunk is not None:
            self._first = None
        else:
            try:
                chunk = await self._next()
            except StopAsyncIteration:
                if self._broken:
                    msg = f"The stream was cut short after {len(self._joined)} chunks: a pull of it had been cancelled."
                    raise StreamInterrupted(msg, partial=self.partial()) from None
                return self._end()
            except ProviderError as error:
                msg = f"The stream broke off after {len(self._joined)} chunks: {error}"
                raise StreamInterrupted(
                    msg,
                    partial=self.partial(),
                    code=error.code,
                    request_id=error.request_id,
                    provider=error.provider,
                    model=error.model,
                ) from error
            except BaseException:
                # A generator that was left by an error has ended, and says no more than that: this is no end of ours.
                self._broken = True
                raise
        return self._given_on(chunk)

    def _at_hand(self) -> AIMessageChunk | None:
        chunk = None if self._first is not None or self._take is None else self._take()
        return None if chunk is None else self._given_on(chunk)

    def _given_on(self, chunk: Any) -> AIMessageChunk:
        message: AIMessageChunk = chunk if type(chunk) is AIMessageChunk else self._unpacked(chunk)
        if self._standard is not None:
            message = self._standard.of(message)
        self._join(message, self._id)
        self._last = message
        return message

    def _unpacked(self, chunk: Any) -> AIMessageChunk:
        message = chunk.message if isinstance(chunk, ChatGenerationChunk) else chunk
        if not isinstance(message, AIMessageChunk):
            raise _no_chunk(chunk)
        if message is not chunk and chunk.generation_info:
            self._infos.update(chunk.generation_info)
            message.response_metadata = {**chunk.generation_info, **message.response_metadata}
        return message

    def _end(self) -> AIMessageChunk:
        """Mark the end, as the reference does, if the hook has not: with an empty chunk."""
        last = cast("AIMessageChunk", self._last)
        if last.chunk_position == "last":
            raise StopAsyncIteration
        content: str | list[Any] = "" if isinstance(last.content, str) else []
        self._last = AIMessageChunk(content=content, chunk_position="last", id=last.id)
        self._join(self._last)
        return self._last

    async def result(self) -> AIMessage:
        with suppress(StopAsyncIteration):
            while True:
                await self.__anext__()
        if self._whole is None:
            self._whole = self._joined.message()
        return self._whole

    def partial(self) -> AIMessageChunk | None:
        return self._joined.chunk() if self._last is not None else None

    def origin(self) -> Response[Any]:
        return self

    def chat_result(self) -> ChatResult:
        """What `result` gave, as a hook would have given it."""
        return ChatResult(
            generations=[ChatGeneration(message=cast("AIMessage", self._whole), generation_info=self._infos)]
        )
