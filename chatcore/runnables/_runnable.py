"""`Runnable`: whatever can be called, and its few kinds. Every public verb is derived from the private one, `_open`.

::

    Runnable ── RunnableSequence      a | b | c
             ── RunnableParallel      {"one": a, "two": b}
             ── RunnableLambda        a function, sync or async
             ── RunnableGenerator     a generator function, from chunks to chunks
             ── RunnablePassthrough   the input itself
             ── RunnableAssign        the input, a dict, with keys added
             ── RunnablePick          some keys of the input
             ── RunnableEach          one runnable for each entry of a list
             ── RunnableBranch        chatcore.runnables.branch
             ── RouterRunnable        chatcore.runnables.router
             ── BaseChatModel         chatcore.model
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypedDict, TypeVar, cast, overload

import anyio
from pydantic import BaseModel

from chatcore.callbacks._seam import begun, unheard, with_handlers
from chatcore.callbacks.manager import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine._portal import SyncStream, blocking, blocking_stream
from chatcore.engine.batch import DEFAULT_CONCURRENCY, BatchStream, Deliver, completed, kept, run_workers
from chatcore.engine.events import EventFilter, EventStream
from chatcore.engine.policies import Fallbacks, Retry
from chatcore.engine.request import (
    AddableDict,
    ChunksOf,
    Edit,
    Middleware,
    Open,
    Request,
    Response,
    Streamed,
    Whole,
    merge_configs,
)
from chatcore.engine.runs import Listener, surrounding
from chatcore.engine.stream import ChatStream
from chatcore.engine.threads import in_thread, iterate_from_thread, iterate_in_thread
from chatcore.errors import (
    ConfigurationError,
    InvalidInputError,
    RecursionLimitError,
    UnsupportedError,
    WrongTypeError,
)
from chatcore.runnables._config import RunnableConfig, check_config, check_configs
from chatcore.runnables._configurable import Alternatives, Fields
from chatcore.runnables._described import Described, Typed, configured, decoration, stand_in, take_off
from chatcore.runnables._listened import Listened, manager_of
from chatcore.runnables._schemas import (
    argument_type,
    dict_model,
    fields_of,
    function_input_model,
    item_type,
    result_type,
    root_model,
)
from chatcore.runnables._verbs import VERBS, Verbs, opened_items, routed
from chatcore.runnables.config import (
    DEFAULT_RECURSION_LIMIT,
    acall_func_with_variable_args,
    call_func_with_variable_args,
    ensure_config,
)
from chatcore.runnables.utils import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldSpec,
    accepts_config,
    accepts_run_manager,
    get_function_nonlocals,
    get_lambda_source,
    get_unique_config_specs,
    indent_lines_after_first,
    is_async_callable,
    is_async_generator,
    is_generator,
)

__all__ = [
    "ExponentialJitterParams",
    "Runnable",
    "RunnableAssign",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableLike",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableSequence",
    "chain",
    "coerce_to_runnable",
]

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Other = TypeVar("Other")


class ExponentialJitterParams(TypedDict, total=False):
    """How waits between attempts grow, in seconds.

    initial: the first wait.
    max: the longest.
    exp_base: the factor from one to the next.
    jitter: up to so much is added at random.
    """

    initial: float
    max: float
    exp_base: float
    jitter: float


class Runnable(Described, Generic[In, Out]):
    """Whatever can be called: a model, a function, or several of these in sequence or in parallel.

    A subclass gives at least one of the verbs `ainvoke`, `invoke`, `astream`, `stream`, `atransform` and `transform`
    (the others, batches and events are derived from what it has), or, inside chatcore, `_start`. Decorating (`bind`,
    `with_config`, `with_retry`, `with_fallbacks`) gives a copy of the same class with one more layer of middleware, so
    that no method is lost and any order works.
    """

    _kind: ClassVar[str] = "chain"
    """What its runs are to listeners: `"chain"`, `"chat_model"`, `"tool"`, `"parser"`, `"prompt"` or `"retriever"`."""

    # Innermost first. In the instance's __dict__ once there is any: a pydantic private attribute would cost a
    # slow look-up at every call.
    _middleware: ClassVar[tuple[Middleware, ...]] = ()

    # ------------------------------------------------------------------------------------------------ the waist

    # What the class gives of the public verbs; None: it has a `_start` of its own.
    _verbs: ClassVar[Verbs | None] = Verbs()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_start" in cls.__dict__:
            cls._verbs = None
            return
        own = {name: cls.__dict__[name] for name in VERBS if callable(cls.__dict__.get(name))}
        if own:
            before = cls._verbs
            if before is None:
                # Of a class that opens by itself, the verbs come before that.
                cls._verbs = Verbs(frozenset(own), cls._start)
            else:
                cls._verbs = replace(before, names=before.names | own.keys())
            setattr(cls, "_start", Runnable.__dict__["_start"])  # noqa: B010 - type checkers take no new methods
            for name, verb in own.items():
                setattr(cls, name, routed(name, verb, getattr(Runnable, name)))

    def _start(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """Do the work: open one response, or raise. No cancel scope and no task group is held while it is open."""
        return cast("Verbs", self._verbs).start(self._bare(), request)

    def _open(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """Open one call, through all layers. Returns (from entering) when the first event exists."""
        return self._wrapped(self._begin)(request)

    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """`_start`, as a run if anybody listens."""
        if not request.config.get("callbacks"):
            return self._start(unheard(request))
        verbs = self._verbs
        if verbs is not None and verbs.below is not None and not verbs.is_within(self):
            # The run is that of `super().ainvoke(...)`.
            return self._start(request)
        return begun(request, self._start, runnable=self, **self._as_run(request))

    def _as_run(self, request: Request) -> dict[str, Any]:
        """What a run of this is to listeners: arguments of `begun`."""
        return {
            "name": self.get_name(),
            "kind": self._kind,
            "inputs": None if request.upstream is not None else request.input,
        }

    def _wrapped(self, opener: Open) -> Open:
        for layer in self._middleware:
            opener = partial(layer, next_open=opener) if layer.run_name is None else partial(_run_of, layer, opener)
        return opener

    def _with(self, layer: Middleware) -> Self:
        decorated = self._copied()
        layers = self._middleware
        last = layers[-1] if layers else None
        if isinstance(layer, Edit) and isinstance(last, Edit):
            # One upon the other is one: who binds at each turn of a loop must not make each call slower than the last.
            layers = layers[:-1]
            layer = Edit({**last.settings, **layer.settings}, merge_configs(last.config, layer.config))
        object.__setattr__(decorated, "_middleware", (*layers, layer))
        stand_in(decorated)
        return decorated

    def _bare(self) -> Self:
        """This without its layers."""
        if not self._middleware:
            return self
        bare = self._copied()
        take_off(bare)
        return bare

    def _copied(self) -> Self:
        copied = copy.copy(self)
        private = getattr(self, "__pydantic_private__", None)
        if private is not None:
            # What a model keeps for itself (a client, a counter) is one thing, however it is decorated.
            object.__setattr__(copied, "__pydantic_private__", private)
        return copied

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return decoration(self, name)

    def _request(
        self, given: object, config: RunnableConfig | None, settings: dict[str, Any], *, stream: bool
    ) -> Request:
        return Request(given, check_config(config), settings, stream)

    # ---------------------------------------------------------------------------------------------- async verbs

    async def ainvoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        """Call once.

        Args:
            input: what is asked: of a chat model a str, a list of messages, or a `PromptValue`.
            config: tags, metadata and the like; see `RunnableConfig`.
            **kwargs: settings of this call (of a chat model: `stop`, `tools`, `temperature`, ...).

        Returns:
            The result: of a chat model an `AIMessage`.

        Raises:
            ChatCoreError: see `chatcore.errors` for the tree; `is_retryable` says whether another attempt may help.
        """
        async with self._open(self._request(input, config, kwargs, stream=False)) as response:
            return cast("Out", await response.result())

    def astream(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> ChatStream[Any, Out]:
        """Call once, and give the chunks as they come. Arguments as for `ainvoke`.

        Returns:
            An async iterator to use in `async with` or `async for`; nothing is sent before the first pull.
        """
        return ChatStream(self._open, self._request(input, config, kwargs, stream=True))

    @overload
    async def abatch(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> list[Out]: ...
    @overload
    async def abatch(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> list[Out | Exception]: ...
    async def abatch(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Out] | list[Out | Exception]:
        """Call for every input, several at a time.

        Args:
            inputs: a list, or anything to iterate; it is read as the calls go out.
            config: one for all, or one for each input. `max_concurrency` in it (the first one) says how many
                calls run at once; 100 if absent.
            return_exceptions: put a failing call's exception in its place instead of stopping everything.
            **kwargs: settings of every call.

        Returns:
            The results in the order of the inputs.

        Raises:
            Exception: the first call that failed; the others have been cancelled by then.
        """
        results: dict[int, Any] = {}
        each, concurrency = self._each(inputs, config, kwargs, return_exceptions=return_exceptions)

        async def keep(index: int, given: In) -> None:
            results[index] = await each(index, given)

        await run_workers(inputs, keep, concurrency)
        return [results[index] for index in range(len(results))]

    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> BatchStream[tuple[int, Out]]: ...
    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool,
        **kwargs: Any,
    ) -> BatchStream[tuple[int, Out | Exception]]: ...
    def abatch_as_completed(
        self,
        inputs: Iterable[In] | AsyncIterable[In],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> BatchStream[Any]:
        """Call for every input, several at a time, and give `(index, result)` as each completes.

        Inputs are read only as calls go out, and results wait in a small buffer, so that memory stays flat however many
        inputs there are. Arguments as for `abatch`.

        Returns:
            An async iterator to use in `async with` or `async for`; nothing starts before that.
        """
        each, concurrency = self._each(inputs, config, kwargs, return_exceptions=return_exceptions)
        return completed(inputs, each, concurrency)

    def _each(
        self,
        inputs: object,
        config: RunnableConfig | Sequence[RunnableConfig] | None,
        settings: dict[str, Any],
        *,
        return_exceptions: bool,
    ) -> tuple[Callable[[int, Any], Any], int]:
        """One call of a batch, and how many of them run at once."""
        if isinstance(inputs, str | bytes | Mapping) or not isinstance(inputs, Iterable | AsyncIterable):
            kind = type(cast("object", inputs)).__name__
            msg = f"A batch takes a list of inputs (or anything to iterate that gives inputs), not a single {kind}."
            raise InvalidInputError(msg)
        configs = check_configs(config, cast("object", inputs))
        first: Mapping[str, Any] = (configs[0] if configs else {}) if isinstance(configs, list) else configs
        others: RunnableConfig = {} if isinstance(configs, list) else configs
        if others.get("run_id") is not None:
            # Two calls cannot have one id.
            if not isinstance(inputs, Sequence) or len(cast("Sequence[Any]", inputs)) > 1:
                msg = "Provided run_id be used only for the first element of the batch."
                warnings.warn(msg, RuntimeWarning, stacklevel=4)
            others = cast("RunnableConfig", {key: value for key, value in others.items() if key != "run_id"})
        # As a call goes through them: from the outermost inwards.
        for layer in reversed(self._middleware):
            if isinstance(layer, Edit):
                first = merge_configs(layer.config, first)

        def config_of(index: int) -> RunnableConfig:
            if not isinstance(configs, list):
                return others if index else configs
            if index >= len(configs):
                msg = f"There are {len(configs)} configs and more inputs; give one config for each, or one for all."
                raise InvalidInputError(msg)
            return configs[index]

        async def each(index: int, given: Any) -> Any:
            call = self.ainvoke(given, config_of(index), **settings)
            return await (kept(index, call) if return_exceptions else call)

        return each, first.get("max_concurrency") or DEFAULT_CONCURRENCY

    def astream_events(  # noqa: PLR0913 - the reference's arguments
        self,
        input: In,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        include_names: Collection[str] | None = None,
        include_types: Collection[str] | None = None,
        include_tags: Collection[str] | None = None,
        exclude_names: Collection[str] | None = None,
        exclude_types: Collection[str] | None = None,
        exclude_tags: Collection[str] | None = None,
        **kwargs: Any,
    ) -> EventStream:
        """Call once, streamed, and give everything that happens in the call, and in those made within it, as events.

        Args:
            input: what is asked, as for `ainvoke`.
            config: tags, metadata and the like.
            version: the format of the events: `"v2"`.
            include_names: give events of runs of these names ...
            include_types: ... or of these kinds (`"chat_model"`, `"chain"`, `"tool"`, ...)
            include_tags: ... or with one of these tags; all events, if none of the three is given.
            exclude_names: but none of runs of these names,
            exclude_types: nor of these kinds,
            exclude_tags: nor with one of these tags.
            **kwargs: settings of the call.

        Returns:
            An async iterator to use in `async with` or `async for`; nothing starts before that.

        Raises:
            UnsupportedError: another version was asked for.
        """
        if version != "v2":
            msg = f"astream_events gives events of version 'v2', not {version!r}."
            raise UnsupportedError(msg)
        given = check_config(config)
        wanted = EventFilter(
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
        )

        def stream(listener: Listener) -> ChatStream[Any, Any]:
            heard = with_handlers(given.get("callbacks"), [listener])
            return self.astream(input, cast("RunnableConfig", {**given, "callbacks": heard}), **kwargs)

        return EventStream(stream, input, wanted)

    def atransform(
        self, input: AsyncIterable[Any] | Iterable[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> ChatStream[Any, Out]:
        """Call once with an input that comes in chunks, and give the chunks of the result as they come.

        A runnable that works on chunks begins with the first; any other one gets their sum.

        Args:
            input: the chunks.
            config: as for `ainvoke`.
            **kwargs: as for `ainvoke`.

        Returns:
            A stream as `astream` gives it.
        """
        request = Request(None, check_config(config), kwargs, stream=True)
        return ChatStream(partial(self._open_on, input), request)

    @opening
    async def _open_on(self, chunks: Any, request: Request) -> AsyncGenerator[Response[Any]]:
        items = aiter(chunks) if hasattr(chunks, "__aiter__") else iterate_in_thread(iter(chunks))
        try:
            first = await anext(items)
        except StopAsyncIteration:
            msg = f"{self.get_name()}.transform was given no chunk; give at least one."
            raise InvalidInputError(msg) from None
        upstream: Response[Any] = Streamed(first, items)
        if _reads_chunks(self):
            request = request.edited(upstream=upstream)
        else:
            request = request.edited(input=await upstream.result())
        async with self._open(request) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    # ----------------------------------------------------------------------------------------------- sync verbs

    invoke = blocking(ainvoke)
    stream = blocking_stream(astream)
    transform = blocking_stream(atransform)
    stream_events = blocking_stream(astream_events)
    if TYPE_CHECKING:
        # Written out, because mypy keeps the overloads of a function given to `blocking` only now and then.
        @overload
        def batch(
            self,
            inputs: Iterable[In] | AsyncIterable[In],
            config: RunnableConfig | Sequence[RunnableConfig] | None = None,
            *,
            return_exceptions: Literal[False] = False,
            **kwargs: Any,
        ) -> list[Out]: ...
        @overload
        def batch(
            self,
            inputs: Iterable[In] | AsyncIterable[In],
            config: RunnableConfig | Sequence[RunnableConfig] | None = None,
            *,
            return_exceptions: bool,
            **kwargs: Any,
        ) -> list[Out | Exception]: ...
        def batch(self, inputs: Any, config: Any = None, **kwargs: Any) -> Any: ...
        @overload
        def batch_as_completed(
            self,
            inputs: Iterable[In] | AsyncIterable[In],
            config: RunnableConfig | Sequence[RunnableConfig] | None = None,
            *,
            return_exceptions: Literal[False] = False,
            **kwargs: Any,
        ) -> SyncStream[tuple[int, Out]]: ...
        @overload
        def batch_as_completed(
            self,
            inputs: Iterable[In] | AsyncIterable[In],
            config: RunnableConfig | Sequence[RunnableConfig] | None = None,
            *,
            return_exceptions: bool,
            **kwargs: Any,
        ) -> SyncStream[tuple[int, Out | Exception]]: ...
        def batch_as_completed(self, inputs: Any, config: Any = None, **kwargs: Any) -> Any: ...
    else:
        batch = blocking(abatch)
        batch_as_completed = blocking_stream(abatch_as_completed)

    # ------------------------------------------------------------------------------------------------ decorating

    def bind(self, **kwargs: Any) -> Self:
        """A copy that is called with these settings unless a call says otherwise."""
        return self._with(Edit(settings=kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Self:
        """A copy that is called with this config under that of each call: tags are joined, metadata merged.

        Args:
            config: the config.
            **kwargs: its keys, by name.
        """
        merged = {**check_config(config), **kwargs}
        return self._with(Edit(config=check_config(cast("RunnableConfig", merged))))

    def with_retry(
        self,
        *,
        retry_if_exception_type: type[BaseException]
        | tuple[type[BaseException], ...]
        | Callable[[BaseException], bool] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: ExponentialJitterParams | None = None,
        stop_after_attempt: int = 3,
    ) -> Self:
        """A copy that tries again when opening a call fails, streamed calls included.

        Errors that cannot be mended by another attempt (400, 401, 403, 404, 422, bad input, ...) are raised at once.
        What the provider says (`Retry-After`) is obeyed. Nested policies do not multiply.

        Args:
            retry_if_exception_type: which exceptions to retry: one type, several in a tuple, or a function that says so
                of one.
            wait_exponential_jitter: whether to wait between attempts, longer each time.
            exponential_jitter_params: how waits grow.
            stop_after_attempt: how many attempts there are at most, the first one included.

        Raises:
            ConfigurationError: fewer than one attempt, or an argument that is not what it should be.
        """
        waits = exponential_jitter_params or {}
        if unknown := waits.keys() - ExponentialJitterParams.__annotations__.keys():
            names = ", ".join(map(repr, sorted(unknown)))
            msg = f"exponential_jitter_params has no {names}; it has initial, max, exp_base and jitter."
            raise ConfigurationError(msg)
        policy = Retry(attempts=stop_after_attempt, on=retry_if_exception_type)
        return self._with(
            Retry(
                attempts=stop_after_attempt,
                on=retry_if_exception_type,
                initial=waits.get("initial", policy.initial) if wait_exponential_jitter else 0.0,
                maximum=waits.get("max", policy.maximum),
                base=waits.get("exp_base", policy.base),
                jitter=waits.get("jitter", policy.jitter) if wait_exponential_jitter else 0.0,
            )
        )

    def with_fallbacks(
        self,
        fallbacks: Sequence[Runnable[Any, Any]],
        *,
        exceptions_to_handle: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> Self:
        """A copy that asks others, in turn, when opening a call fails, streamed calls included.

        Args:
            fallbacks: whom to ask next.
            exceptions_to_handle: what makes it go on to the next.
            exception_key: for inputs that are dicts: the next one finds the error of the one before it under this key.

        Raises:
            ConfigurationError: something in `fallbacks` is no runnable, or an argument is not what it should be.
        """
        # A chat model can be iterated too: over its fields.
        if isinstance(fallbacks, Runnable) or not isinstance(cast("object", fallbacks), Iterable):
            msg = f"with_fallbacks takes a list of models or other Runnables, not a {type(fallbacks).__name__}."
            raise ConfigurationError(msg)
        for position, fallback in enumerate(cast("Sequence[object]", fallbacks)):
            if not isinstance(fallback, Runnable):
                msg = f"fallbacks[{position}] must be a model or another Runnable, not {type(fallback).__name__}."
                raise ConfigurationError(msg)
        return self._with(Fallbacks(tuple(fallbacks), exceptions_to_handle, exception_key))

    def with_types(self, *, input_type: Any = None, output_type: Any = None) -> Self:
        """A copy that says that it takes and gives other types; calls are the same.

        Args:
            input_type: the type of what it takes; None: as before.
            output_type: the type of what it gives; None: as before.
        """
        return self._with(Typed(input_type, output_type))

    def with_listeners(
        self,
        *,
        on_start: Callable[..., object] | None = None,
        on_end: Callable[..., object] | None = None,
        on_error: Callable[..., object] | None = None,
    ) -> Self:
        """A copy that tells functions of each of its calls.

        Args:
            on_start: called with the `Run` before the work begins, and with the config if it takes two arguments.
            on_end: called with the `Run` once there is a result.
            on_error: called with the `Run` if it failed.
        """
        return self._with(Listened(on_start, on_end, on_error))

    def with_alisteners(
        self,
        *,
        on_start: Callable[..., Awaitable[object]] | None = None,
        on_end: Callable[..., Awaitable[object]] | None = None,
        on_error: Callable[..., Awaitable[object]] | None = None,
    ) -> Self:
        """A copy that tells async functions of each of its calls. Arguments as for `with_listeners`."""
        return self._with(Listened(on_start, on_end, on_error, is_async=True))

    def configurable_fields(self, **kwargs: AnyConfigurableField) -> Self:
        """A copy whose fields each call may set, by `config["configurable"]`.

        Args:
            **kwargs: for the names of fields, how calls set them: a `ConfigurableField`, or one with options.

        Raises:
            ConfigurationError: there is no such field.
        """
        known: Mapping[str, Any] = getattr(type(self), "model_fields", {})
        for name in kwargs:
            if name not in known:
                fields = ", ".join(sorted(known)) or "no fields at all"
                msg = f"Configuration key {name} not found in {type(self).__name__}: available keys are {fields}."
                raise ConfigurationError(msg)
        return self._with(Fields(self, kwargs))

    def configurable_alternatives(
        self,
        which: ConfigurableField,
        *,
        default_key: str = "default",
        prefix_keys: bool = False,
        **kwargs: Runnable[Any, Any] | Callable[[], Runnable[Any, Any]],
    ) -> Self:
        """A copy in whose place each call may choose another runnable, by `config["configurable"]`.

        Args:
            which: the field by which calls choose.
            default_key: what this one is called there.
            prefix_keys: whether what can be configured in an alternative has keys with the prefix `which==name/`.
            **kwargs: the alternatives, by name: runnables, or functions that make them.

        Raises:
            ConfigurationError: an alternative is neither.
        """
        return self._with(Alternatives(which, self, kwargs, default_key, prefix_keys))

    # -------------------------------------------------------------------------------------------------- joining

    def map(self) -> RunnableEach[Any, Any]:
        """A runnable that calls this one for each entry of a list."""
        return RunnableEach(bound=self)

    def pick(self, keys: str | list[str]) -> RunnableSequence[In, Any]:
        """This, and then some keys of the dict that it gives.

        Args:
            keys: one key, whose value is the result, or several, for a dict of these.
        """
        return self | RunnablePick(keys)

    def assign(self, **kwargs: Any) -> RunnableSequence[In, Any]:
        """This, and then the dict that it gives with keys added.

        Args:
            **kwargs: what each key is made by, of the dict: runnables, functions, mappings.
        """
        return self | RunnableAssign(RunnableParallel(kwargs))

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,
    ) -> Any:
        """A tool that calls this with its arguments.

        Args:
            args_schema: a pydantic model of the arguments; made of the input's type if None.
            name: the tool's name.
            description: what the tool does, for the model.
            arg_types: the types of the arguments, by name, where the input's type does not say.
        """
        # Tools are runnables: only a call can close this circle.
        from chatcore.tools.convert import convert_runnable_to_tool  # noqa: PLC0415

        return convert_runnable_to_tool(self, args_schema, name=name, description=description, arg_types=arg_types)

    def get_prompts(self, config: RunnableConfig | None = None) -> list[Any]:
        """The prompt templates that this is made of.

        Args:
            config: the call's config, where that depends on what is configured.
        """
        chosen, _ = configured(self, config or {})
        if chosen._kind == "prompt":  # noqa: SLF001 - one of us
            return [chosen]
        parts: Iterable[Runnable[Any, Any]] = chosen._parts()  # noqa: SLF001
        return [prompt for part in parts for prompt in part.get_prompts(config)]

    # Classes written for the reference do their work through these; the run is made by the waist.

    def _call_with_config(
        self, func: Callable[..., A], input_: Any, config: RunnableConfig | None, *_: Any, **kwargs: Any
    ) -> A:
        kwargs = {name: value for name, value in kwargs.items() if name not in _OF_RUNS}
        manager = CallbackManagerForChainRun.get_noop_manager()
        return call_func_with_variable_args(func, input_, ensure_config(config), manager, **kwargs)

    async def _acall_with_config(
        self, func: Callable[..., Awaitable[A]], input_: Any, config: RunnableConfig | None, *_: Any, **kwargs: Any
    ) -> A:
        kwargs = {name: value for name, value in kwargs.items() if name not in _OF_RUNS}
        manager = AsyncCallbackManagerForChainRun.get_noop_manager()
        return await acall_func_with_variable_args(func, input_, ensure_config(config), manager, **kwargs)

    def _reads(self) -> bool:
        """Whether this works on the chunks of the step before it (`request.upstream`)."""
        return isinstance(self, _Transformer) or (self._verbs is not None and self._verbs.transforms)

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        """The runnables that this is made of."""
        return ()

    def _specs(self) -> list[ConfigurableFieldSpec]:
        return get_unique_config_specs(spec for part in self._parts() for spec in part.config_specs)

    def pipe(self, *others: Any, name: str | None = None) -> RunnableSequence[In, Any]:
        """This, and then the others, each with what the one before it gave: `a.pipe(b, c)` is `a | b | c`."""
        return RunnableSequence(self, *others, name=name)

    @overload
    def __or__(self: Runnable[A, B], other: Runnable[B, C]) -> RunnableSequence[A, C]: ...
    @overload
    def __or__(self: Runnable[A, B], other: Callable[[B], Awaitable[C]]) -> RunnableSequence[A, C]: ...
    @overload
    def __or__(self: Runnable[A, B], other: Callable[[B], C]) -> RunnableSequence[A, C]: ...
    @overload
    def __or__(self: Runnable[A, B], other: Mapping[str, Any]) -> RunnableSequence[A, dict[str, Any]]: ...
    def __or__(self, other: Any) -> RunnableSequence[Any, Any]:
        return RunnableSequence(self, other)

    def __ror__(self, other: Any) -> RunnableSequence[Any, Out]:
        return RunnableSequence(other, self)


_OF_RUNS = frozenset({"run_type", "serialized"})
"""What the reference's classes say of their runs."""


def _run_of(layer: Middleware, next_open: Open, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
    """What a layer does, as a run of its own if anybody listens: the calls that it makes are within it."""
    start = partial(layer, next_open=next_open)
    if not request.config.get("callbacks"):
        return start(request)
    return begun(request, start, runnable=layer, name=layer.run_name or "", kind="chain", inputs=request.input)


# --------------------------------------------------------------------------------------------------- on chunks


class _Transformer:
    """A mark: in a sequence, this step reads the chunks of the step before it (`request.upstream`), not its result."""


def _reads_chunks(step: Runnable[Any, Any]) -> bool:
    # Chunks can be read once only: a step that may be tried again, or replaced by another one, gets the whole.
    one_reading = all(isinstance(layer, Edit | Typed | Listened) for layer in step._middleware)  # noqa: SLF001 - one of us
    return one_reading and step._reads()  # noqa: SLF001


# ------------------------------------------------------------------------------------------------------------ sequence


class RunnableSequence(Runnable[In, Out]):
    """Steps, each called with what the one before it gave: `a | b | c`.

    Streamed, the last step's chunks are given as they come; steps that work on chunks (generators, passthroughs) pass
    on the chunks of the step before them.

    Args:
        steps: at least one runnable, function or mapping of these.
        name: a name for it.

    Raises:
        ConfigurationError: no step, or a step that cannot be called.
    """

    def __init__(
        self,
        *steps: Any,
        name: str | None = None,
        first: Any = None,
        middle: Sequence[Any] | None = None,
        last: Any = None,
    ) -> None:
        if not steps and first is not None and last is not None:
            steps = (first, *(middle or ()), last)
        flat: list[Runnable[Any, Any]] = []
        for step in steps:
            one = coerce_to_runnable(step)
            # A sequence with layers of its own (a retry over all its steps, say) stays one step.
            if isinstance(one, RunnableSequence) and not one._middleware:  # noqa: SLF001 - one of us
                flat.extend(one.steps)
            else:
                flat.append(one)
        if not flat:
            msg = "RunnableSequence must have at least one step: a runnable, a function or a dict of these."
            raise ConfigurationError(msg)
        self.steps: list[Runnable[Any, Any]] = flat
        self.name = name

    @property
    def first(self) -> Runnable[Any, Any]:
        """The step that gets the input."""
        return self.steps[0]

    @property
    def middle(self) -> list[Runnable[Any, Any]]:
        """The steps between the first and the last."""
        return self.steps[1:-1]

    @property
    def last(self) -> Runnable[Any, Any]:
        """The step that gives the result."""
        return self.steps[-1]

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        response: Response[Any] | None
        # From here on only chunks are passed on, so here streaming begins.
        source = len(self.steps) - 1
        while source > 0 and _reads_chunks(self.steps[source]):
            source -= 1
        given: Any = request.input
        incoming = request.upstream
        if incoming is not None and not (source == 0 and _reads_chunks(self.steps[0])):
            given, incoming = await incoming.result(), None
        # Nobody could see the chunks of a step that is followed by a function, but for those who listen.
        early = request.stream and request.run is not None
        for position, step in enumerate(self.steps[:source]):
            async with step._open(self._asked(request, position, given, stream=early)) as response:
                given = await response.result()
        async with AsyncExitStack() as stack:
            response = incoming
            for position, step in enumerate(self.steps[source:], source):
                # A step that reads the response before it has no input of its own.
                asked = self._asked(request, position, given, stream=request.stream, upstream=response)
                response = await stack.enter_async_context(step._open(asked))
            yield cast("Response[Any]", response)  # noqa: ASYNC119 - a context manager's

    @staticmethod
    def _asked(
        request: Request, position: int, given: Any, *, stream: bool, upstream: Response[Any] | None = None
    ) -> Request:
        return request.child(
            given,
            stream=stream,
            settings=request.settings if position == 0 else None,
            upstream=upstream,
            label=None if request.run is None else f"seq:step:{position + 1}",
        )

    def _reads(self) -> bool:
        return _reads_chunks(self.steps[0])

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return self.steps

    def _input_type(self) -> Any:
        return self.first.InputType

    def _output_type(self) -> Any:
        return self.last.OutputType

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return _input_schema(self.steps, config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return _output_schema(self.steps, config)

    def __or__(self, other: Any) -> RunnableSequence[Any, Any]:
        if self._middleware:
            return super().__or__(other)
        theirs = other.name if isinstance(other, RunnableSequence) else None
        return RunnableSequence(*self.steps, other, name=self.name or theirs)

    def __ror__(self, other: Any) -> RunnableSequence[Any, Out]:
        return super().__ror__(other) if self._middleware else RunnableSequence(other, *self.steps, name=self.name)

    def __eq__(self, other: object) -> bool:
        return _same(self, other) and self.steps == cast("RunnableSequence[Any, Any]", other).steps

    def __hash__(self) -> int:
        return hash((type(self), len(self.steps)))

    def __repr__(self) -> str:
        first, *others = map(repr, self.steps)
        return "\n| ".join([first, *(indent_lines_after_first(other, "| ") for other in others)])


def _same(one: Runnable[Any, Any], other: object) -> bool:
    """Whether both are of one class and decorated alike, so that what they are made of decides."""
    return type(one) is type(other) and one._middleware == cast("Runnable[Any, Any]", other)._middleware  # noqa: SLF001


def _input_schema(steps: Sequence[Runnable[Any, Any]], config: RunnableConfig | None) -> type[BaseModel]:
    first, *others = steps
    if others and isinstance(first, RunnablePick):
        return _input_schema(others, config)
    if others and isinstance(first, RunnableAssign):
        # What the next step takes, and the assignment does not make, comes from outside.
        fields = fields_of(_input_schema(others, config))
        if fields is not None:
            made = first.mapper.steps
            return dict_model("RunnableSequenceInput", {key: field for key, field in fields.items() if key not in made})
    return first.get_input_schema(config)


def _output_schema(steps: Sequence[Runnable[Any, Any]], config: RunnableConfig | None) -> type[BaseModel]:
    *others, last = steps
    if others and isinstance(last, RunnableAssign | RunnablePick):
        fields = fields_of(_output_schema(others, config))
        if fields is not None and isinstance(last, RunnableAssign):
            made = fields_of(last.mapper.get_output_schema(config)) or {}
            return dict_model("RunnableSequenceOutput", {**fields, **made})
        if fields is not None and isinstance(last, RunnablePick):
            if isinstance(last.keys, list):
                return dict_model(
                    "RunnableSequenceOutput", {key: field for key, field in fields.items() if key in last.keys}
                )
            if last.keys in fields:
                return root_model("RunnableSequenceOutput", *fields[last.keys])
    return last.get_output_schema(config)


# ------------------------------------------------------------------------------------------------------------ parallel


class RunnableParallel(Runnable[In, dict[str, Any]], _Transformer):
    """Several runnables with the same input at once; the result is a dict of their results.

    Streamed, its chunks are dicts with one key each, as they come. A branch that fails cancels the others.

    Args:
        steps: what each key of the result is made by: runnables, functions, mappings.
        **kwargs: the same, by name.

    Raises:
        ConfigurationError: `steps` is no mapping, or a branch cannot be called.
    """

    def __init__(self, steps: Mapping[str, Any] | None = None, /, **kwargs: Any) -> None:
        if steps is not None and not isinstance(cast("object", steps), Mapping):
            kind = type(steps).__name__
            msg = f"RunnableParallel takes a dict of runnables and functions, or these by name, not {kind}."
            raise WrongTypeError(msg)
        self.steps: dict[str, Runnable[Any, Any]] = {
            key: coerce_to_runnable(step) for key, step in {**(steps or {}), **kwargs}.items()
        }

    @property
    def steps__(self) -> dict[str, Runnable[Any, Any]]:
        """`steps`, by the reference's name."""
        return self.steps

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        if not request.stream or not self.steps:
            if request.upstream is not None:
                request = request.edited(input=await request.upstream.result(), upstream=None)
            yield Whole(await self._all(request))
            return
        chunks = BatchStream[dict[str, Any]](partial(self._chunks, request))
        try:
            try:
                first = await anext(chunks)
            except StopAsyncIteration:
                nothing = Whole(AddableDict())
                # Its only chunk: no branch has given any.
                await nothing.__anext__()
                yield nothing
                return
            yield Streamed(first, chunks)
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await chunks.aclose()

    async def _all(self, request: Request) -> dict[str, Any]:
        results: dict[str, Any] = {}

        async def branch(_: int, key: str) -> None:
            async with self.steps[key]._open(self._asked(request, key, stream=False)) as response:
                results[key] = await response.result()

        await run_workers(self.steps, branch, len(self.steps) or 1)
        return {key: results[key] for key in self.steps}

    async def _chunks(self, request: Request, deliver: Deliver[dict[str, Any]]) -> None:
        shared = None if request.upstream is None else _Shared(request.upstream)

        async def branch(_: int, key: str) -> None:
            step = self.steps[key]
            asked = self._asked(request, key, stream=True)
            if shared is not None:
                reader = _Reader(shared)
                asked = (
                    asked.edited(upstream=reader) if _reads_chunks(step) else asked.edited(input=await reader.result())
                )
            async with step._open(asked) as response:
                async for chunk in ChunksOf(response):
                    await deliver(AddableDict({key: chunk}))

        await run_workers(self.steps, branch, len(self.steps))

    @staticmethod
    def _asked(request: Request, key: str, *, stream: bool) -> Request:
        return request.child(
            request.input,
            stream=stream,
            settings=request.settings,
            label=None if request.run is None else f"map:key:{key}",
        )

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        named = name or getattr(self, "name", None) or f"RunnableParallel<{','.join(self.steps)}>"
        return super().get_name(suffix, name=named)

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return self.steps.values()

    def _input_type(self) -> Any:
        return next((step.InputType for step in self.steps.values()), Any)

    def _output_type(self) -> Any:
        return dict[str, Any]

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        fields: dict[str, tuple[Any, Any]] = {}
        for step in self.steps.values():
            schema = step.get_input_schema(config)
            taken = fields_of(schema)
            if taken is None and schema.model_fields["root"].annotation is not Any:
                return super().get_input_schema(config)
            fields.update(taken or {})
        return dict_model(self.get_name("Input"), fields) if fields else super().get_input_schema(config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        del config
        return dict_model(self.get_name("Output"), {key: (step.OutputType, ...) for key, step in self.steps.items()})

    def __eq__(self, other: object) -> bool:
        return _same(self, other) and self.steps == cast("RunnableParallel[Any]", other).steps

    def __hash__(self) -> int:
        return hash((type(self), *self.steps))

    def __repr__(self) -> str:
        lines = (f"{key}: {indent_lines_after_first(repr(step), f'  {key}: ')}" for key, step in self.steps.items())
        return "{\n  " + ",\n  ".join(lines) + "\n}"


RunnableMap = RunnableParallel
"""`RunnableParallel`, by its older name."""


class _Shared:
    """A response that several branches read, each from its first chunk."""

    __slots__ = ("chunks", "lock", "over", "source")

    def __init__(self, source: Response[Any]) -> None:
        self.source = source
        self.chunks: list[Any] = []
        self.over = False
        self.lock = anyio.Lock()


class _Reader:
    """One branch's reading of it."""

    __slots__ = ("_position", "_shared")

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._position = 0

    async def __anext__(self) -> Any:
        shared = self._shared
        if self._position == len(shared.chunks):
            async with shared.lock:
                if self._position == len(shared.chunks) and not shared.over:
                    try:
                        shared.chunks.append(await shared.source.__anext__())
                    except StopAsyncIteration:
                        shared.over = True
        if self._position == len(shared.chunks):
            raise StopAsyncIteration
        self._position += 1
        return shared.chunks[self._position - 1]

    async def result(self) -> Any:
        async for _ in ChunksOf(self):
            pass
        return await self._shared.source.result()

    def partial(self) -> Any:
        return self._shared.source.partial()

    def origin(self) -> Response[Any]:
        return self._shared.source.origin()


# ----------------------------------------------------------------------------------------------------------- functions


class RunnableLambda(Runnable[In, Out]):
    """A function as a runnable.

    An async function is awaited; a sync one runs in a worker thread, so that it may block, and may call `model.invoke`.
    A function that names a parameter `config` gets the call's config. If it returns a runnable, that is called with the
    same input. Of a generator function the items are the chunks, and their sum the result.

    Args:
        func: a function of one argument, sync or async.
        afunc: an async function to use instead of a sync `func`.
        name: a name for it; the function's own if absent.

    Raises:
        WrongTypeError: it cannot be called, or both functions are async.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(func):
            kind = type(cast("object", func)).__name__
            msg = f"RunnableLambda needs a function: expected a callable type for `func`, not {kind}."
            raise WrongTypeError(msg)
        is_async = is_async_callable(func) or is_async_generator(func)
        if is_async and afunc is not None:
            msg = "func is a coroutine function already, but afunc was also provided; of two functions one is sync."
            raise WrongTypeError(msg)
        chosen: Callable[..., Any] = afunc or func
        if is_async or afunc is not None:
            self.afunc = chosen
        if not is_async:
            self.func = func
        self._chosen = chosen
        self._generates = is_async_generator(chosen) or is_generator(chosen)
        self._call = chosen if is_async_callable(chosen) else partial(in_thread, chosen)
        self._takes_config = accepts_config(chosen)
        self._takes_manager = accepts_run_manager(chosen)
        named = getattr(func, "__name__", None)
        self.name: str | None = name or (None if named == "<lambda>" else named)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        settings: dict[str, Any] = request.settings
        if self._takes_config:
            settings = {"config": ensure_config(cast("RunnableConfig", request.config)), **settings}
        if self._takes_manager:
            settings = {"run_manager": manager_of(request, is_async=is_async_callable(self._chosen)), **settings}
        if self._generates:
            async with _generated(self, self._chosen(request.input, **settings), request) as response:
                yield response  # noqa: ASYNC119 - a context manager's
            return
        with surrounding(request.config):
            value = await self._call(request.input, **settings)
        if not isinstance(value, Runnable):
            yield Whole(value)
            return
        depth = int(request.config.get("recursion_limit", DEFAULT_RECURSION_LIMIT))
        if depth <= 0:
            msg = (
                f"Recursion limit reached when invoking {self.get_name()}: it returned runnables more than"
                " `recursion_limit` deep; raise it in the config, or mend the function."
            )
            raise RecursionLimitError(msg)
        # The settings were the function's.
        deeper = request.edited(config={**request.config, "recursion_limit": depth - 1}, settings={}, prepared=None)
        async with cast("Runnable[Any, Any]", value)._open(deeper) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    @property
    def deps(self) -> list[Runnable[Any, Any]]:
        """The runnables that the function uses, as far as its source shows them."""
        used = (getattr(value, "__self__", value) for value in get_function_nonlocals(self._chosen))
        return [value for value in used if isinstance(value, Runnable)]

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return self.deps

    def _input_type(self) -> Any:
        return argument_type(self._chosen)

    def _output_type(self) -> Any:
        return result_type(self._chosen)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        if self.InputType is Any:
            read = function_input_model(self._chosen, self.get_name("Input"))
            if read is not None:
                return read
        return super().get_input_schema(config)

    def __eq__(self, other: object) -> bool:
        return _same(self, other) and _functions(self) == _functions(cast("RunnableLambda[Any, Any]", other))

    def __hash__(self) -> int:
        return hash(_functions(self))

    def __repr__(self) -> str:
        func = getattr(self, "func", None)
        if func is not None:
            return f"RunnableLambda({get_lambda_source(func) or '...'})"
        return f"RunnableLambda(afunc={get_lambda_source(self._chosen) or '...'})"


def _functions(runnable: RunnableLambda[Any, Any]) -> tuple[Any, Any]:
    return getattr(runnable, "func", None), getattr(runnable, "afunc", None)


class RunnableGenerator(Runnable[In, Out], _Transformer):
    """A generator function as a runnable: it iterates chunks, and yields chunks.

    An async generator function gets an async iterator; a sync one gets an iterator and runs in a worker thread.

    Args:
        transform: the generator function.
        atransform: an async generator function to use instead of a sync `transform`.
        name: a name for it; the function's own if absent.

    Raises:
        WrongTypeError: it is no generator function.
    """

    def __init__(
        self, transform: Callable[..., Any], atransform: Callable[..., Any] | None = None, name: str | None = None
    ) -> None:
        for function in (transform,) if atransform is None else (transform, atransform):
            if not (is_generator(function) or is_async_generator(function)):
                msg = f"RunnableGenerator needs a generator function, sync or async, not {function!r}."
                raise WrongTypeError(msg)
        self._transform = atransform or transform
        self.name: str | None = name or getattr(transform, "__name__", None)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        chunks = ChunksOf(request.upstream or Whole(request.input))
        settings: dict[str, Any] = request.settings
        if accepts_config(self._transform):
            settings = {"config": ensure_config(cast("RunnableConfig", request.config)), **settings}
        is_async = is_async_generator(self._transform)
        items = self._transform(chunks if is_async else iterate_from_thread(chunks), **settings)
        async with _generated(self, items, request) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    def _input_type(self) -> Any:
        return item_type(argument_type(self._transform))

    def _output_type(self) -> Any:
        return result_type(self._transform)

    def __eq__(self, other: object) -> bool:
        return _same(self, other) and self._transform == cast("RunnableGenerator[Any, Any]", other)._transform

    def __hash__(self) -> int:
        return hash(self._transform)

    def __repr__(self) -> str:
        return f"RunnableGenerator({getattr(self._transform, '__name__', '...')})"


def _generated(runnable: Runnable[Any, Any], made: Any, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
    """The items of a generator as a response."""
    items = made if hasattr(made, "__anext__") else iterate_in_thread(made)
    silent = f"{runnable.get_name()} yielded nothing; a generator in a sequence must yield at least once."
    return opened_items(_Within(items, request.config), request, silent)


class _Within(AsyncIterator[Any]):
    """An iterator whose code finds the config of the call around it, step by step."""

    __slots__ = ("_config", "_items")

    def __init__(self, items: Any, config: Mapping[str, Any]) -> None:
        self._items = items
        self._config = config

    async def __anext__(self) -> Any:
        with surrounding(self._config):
            return await self._items.__anext__()

    async def aclose(self) -> None:
        await self._items.aclose()


class RunnablePassthrough(Runnable[Other, Other], _Transformer):
    """Gives its input back, chunk by chunk where it gets chunks.

    Args:
        func: called with the whole input, for its effect; sync (in a worker thread) or async.
        afunc: an async function to use instead of a sync `func`.
        input_type: the type of the input, for schemas.
    """

    def __init__(
        self,
        func: Callable[..., Any] | None = None,
        afunc: Callable[..., Any] | None = None,
        *,
        input_type: Any = None,
    ) -> None:
        self.func = func
        self.afunc = afunc
        self.input_type = input_type

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        upstream: Response[Any] = request.upstream or Whole(request.input)
        func = self.afunc or self.func
        if func is None:
            yield upstream
            return
        settings: dict[str, Any] = request.settings
        if accepts_config(func):
            settings = {"config": ensure_config(cast("RunnableConfig", request.config)), **settings}
        act = partial(func, **settings)
        observed = _Observed(upstream, act if is_async_callable(func) else partial(in_thread, act), request.config)
        yield observed if request.stream else Whole(await observed.result())

    @classmethod
    def assign(cls, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - of the class, as the reference's
        """The input, a dict, with keys added.

        Args:
            **kwargs: what each key is made by, of the input: runnables, functions, mappings.
        """
        return RunnableAssign(RunnableParallel(kwargs))

    def _input_type(self) -> Any:
        return Any if self.input_type is None else self.input_type

    _output_type = _input_type

    def __eq__(self, other: object) -> bool:
        theirs = cast("RunnablePassthrough[Any]", other)
        return _same(self, other) and (self.func, self.afunc) == (theirs.func, theirs.afunc)

    def __hash__(self) -> int:
        return hash((type(self), self.func, self.afunc))

    def __repr__(self) -> str:
        return "RunnablePassthrough()"


class _Observed:
    """A response whose whole is shown to a function once it is there."""

    __slots__ = ("_config", "_response", "_show_to")

    def __init__(
        self, response: Response[Any], show_to: Callable[[Any], Awaitable[Any]], config: Mapping[str, Any]
    ) -> None:
        self._response = response
        self._show_to: Callable[[Any], Awaitable[Any]] | None = show_to
        self._config = config

    async def __anext__(self) -> Any:
        try:
            return await self._response.__anext__()
        except StopAsyncIteration:
            await self._show()
            raise

    async def result(self) -> Any:
        await self._show()
        return await self._response.result()

    async def _show(self) -> None:
        show_to, self._show_to = self._show_to, None
        if show_to is not None:
            whole = await self._response.result()
            with surrounding(self._config):
                await show_to(whole)

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self._response.origin()


# ---------------------------------------------------------------------------------------------------------------- dicts


class RunnableAssign(Runnable[dict[str, Any], dict[str, Any]], _Transformer):
    """The input, a dict, with keys added. Streamed, first come the chunks of the input, then those of the new keys.

    Args:
        mapper: what makes the new keys of the input.
    """

    def __init__(self, mapper: RunnableParallel[Any], **kwargs: Any) -> None:
        self.mapper = mapper
        self.name: str | None = kwargs.get("name")

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        if not request.stream:
            given = self._checked(request.input if request.upstream is None else await request.upstream.result())
            async with self.mapper._open(request.child(given, settings=request.settings)) as response:
                yield Whole({**given, **(await response.result())})  # noqa: ASYNC119 - a context manager's
            return
        chunks = self._chunks(request)
        try:
            try:
                first = await anext(chunks)
            except StopAsyncIteration:
                # Nothing but keys that are made anew, and nothing made.
                yield Whole(AddableDict())
                return
            yield Streamed(first, chunks)
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await chunks.aclose()

    async def _chunks(self, request: Request) -> AsyncGenerator[dict[str, Any]]:
        shared = _Shared(request.upstream or Whole(request.input))
        async for chunk in ChunksOf(_Reader(shared)):
            kept = {key: value for key, value in self._checked(chunk).items() if key not in self.mapper.steps}
            if kept:
                yield AddableDict(kept)
        asked = request.child(None, stream=True, settings=request.settings)
        asked = asked.edited(upstream=_Reader(shared))
        async with self.mapper._open(asked) as response:
            async for chunk in ChunksOf(response):
                yield chunk  # noqa: ASYNC119 - closed by name, above

    @staticmethod
    def _checked(given: Any) -> Mapping[str, Any]:
        if not isinstance(given, Mapping):
            kind = type(given).__name__
            msg = f"The input to RunnablePassthrough.assign() must be a dict, not {kind}: it gets more keys."
            raise InvalidInputError(msg)
        return cast("Mapping[str, Any]", given)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        named = name or self.name or f"RunnableAssign<{','.join(self.mapper.steps)}>"
        return super().get_name(suffix, name=named)

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return (self.mapper,)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        taken = self.mapper.get_input_schema(config)
        return super().get_input_schema(config) if fields_of(taken) is None else taken

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        made = fields_of(self.mapper.get_output_schema(config)) or {}
        taken = fields_of(self.mapper.get_input_schema(config))
        name = "RunnableAssignOutput" if taken is not None else self.mapper.get_name("Output")
        return dict_model(name, {**(taken or {}), **made})

    def __repr__(self) -> str:
        return f"RunnableAssign({self.mapper!r})"


class RunnablePick(Runnable[dict[str, Any], Any], _Transformer):
    """Some keys of the input, a dict: the value of one, or a dict of several. Streamed, of each chunk.

    Args:
        keys: one key, or several in a list. What the input does not have is left out; one key that it does not have
            gives None.
    """

    def __init__(self, keys: str | list[str], **kwargs: Any) -> None:
        self.keys = keys
        self.name: str | None = kwargs.get("name")

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        picked = _Picked(self, request.upstream or Whole(request.input))
        yield picked if request.stream else Whole(await picked.result())

    def pick_from(self, given: Any) -> Any:
        """What this picks of a dict; None if it has none of it.

        Raises:
            InvalidInputError: it is no dict.
        """
        if not isinstance(given, Mapping):
            msg = f"The input to RunnablePick must be a dict, not {type(given).__name__}: its keys are picked."
            raise InvalidInputError(msg)
        held = cast("Mapping[str, Any]", given)
        if isinstance(self.keys, str):
            return held.get(self.keys)
        return AddableDict({key: held[key] for key in self.keys if key in held}) or None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        keys = [self.keys] if isinstance(self.keys, str) else self.keys
        return super().get_name(suffix, name=name or self.name or f"RunnablePick<{','.join(keys)}>")

    def __repr__(self) -> str:
        return f"RunnablePick({self.keys!r})"


class _Picked:
    """A response of which some keys are given on."""

    __slots__ = ("_pick", "_response")

    def __init__(self, pick: RunnablePick, response: Response[Any]) -> None:
        self._pick = pick.pick_from
        self._response = response

    async def __anext__(self) -> Any:
        while True:
            picked = self._pick(await self._response.__anext__())
            if picked is not None:
                return picked

    async def result(self) -> Any:
        return self._pick(await self._response.result())

    def partial(self) -> Any:
        held = self._response.partial()
        return None if held is None else self._pick(held)

    def origin(self) -> Response[Any]:
        return self


# ----------------------------------------------------------------------------------------------------------------- each


class RunnableEach(Runnable[list[A], list[B]]):
    """Calls a runnable for each entry of a list, several at a time; the result is the list of their results.

    Args:
        bound: the runnable.
    """

    def __init__(self, *, bound: Runnable[A, B]) -> None:
        self.bound = bound

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        given = request.input
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
            kind = type(cast("object", given)).__name__
            msg = f"{self.get_name()} takes a list, and calls {self.bound.get_name()} for each entry; not a {kind}."
            raise InvalidInputError(msg)
        results: dict[int, Any] = {}

        async def each(index: int, entry: Any) -> None:
            async with self.bound._open(request.child(entry, settings=request.settings)) as response:
                results[index] = await response.result()

        concurrency: int = request.config.get("max_concurrency") or DEFAULT_CONCURRENCY
        await run_workers(cast("Iterable[Any]", given), each, concurrency)
        yield Whole([results[index] for index in range(len(results))])

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        named = name or getattr(self, "name", None) or f"RunnableEach<{self.bound.get_name()}>"
        return super().get_name(suffix, name=named)

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return (self.bound,)

    def _input_type(self) -> Any:
        return list[self.bound.InputType]  # type: ignore[name-defined]  # a type made at run time

    def _output_type(self) -> Any:
        return list[self.bound.OutputType]  # type: ignore[name-defined]

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return root_model(self.get_name("Input"), list[self.bound.get_input_schema(config)], None)  # type: ignore[misc]

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return root_model(self.get_name("Output"), list[self.bound.get_output_schema(config)])  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        return _same(self, other) and self.bound == cast("RunnableEach[Any, Any]", other).bound

    def __hash__(self) -> int:
        return hash((type(self), self.bound))

    def __repr__(self) -> str:
        return f"RunnableEach({self.bound!r})"


# ------------------------------------------------------------------------------------------------------------- coercion

RunnableLike = Runnable[Any, Any] | Callable[..., Any] | Mapping[str, Any]
"""What can be a step: a runnable, a function or generator function, a mapping of these."""


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """Make a runnable: of a function, of a generator function, or of a mapping of these.

    Raises:
        WrongTypeError: it is none of these.
    """
    if isinstance(thing, Runnable):
        return cast("Runnable[Any, Any]", thing)
    if is_generator(thing) or is_async_generator(thing):
        return RunnableGenerator(thing)
    if callable(thing):
        return RunnableLambda(thing)
    if isinstance(thing, Mapping):
        return RunnableParallel(cast("Mapping[str, Any]", thing))
    msg = f"Expected a Runnable, callable or dict. Instead got an unsupported type: {type(thing)}."
    raise WrongTypeError(msg)


def chain(func: Callable[..., Any]) -> RunnableLambda[Any, Any]:
    """Make a runnable of a function, as a decorator: calls made in it are part of its runs.

    Args:
        func: a function of one argument, sync or async, or a generator function.
    """
    return RunnableLambda(func)
