"""`Runnable`: whatever can be called, and its few kinds. Every public verb is derived from the private one, `_open`.

::

    Runnable ── RunnableSequence      a | b | c
             ── RunnableParallel      {"one": a, "two": b}
             ── RunnableLambda        a function, sync or async
             ── RunnableGenerator     a generator function, from chunks to chunks
             ── RunnablePassthrough   the input itself
             ── BaseChatModel         chatcore.model
"""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
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
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypedDict, TypeVar, cast, overload

import anyio

from chatcore.callbacks._seam import begun, with_handlers
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
from chatcore.errors import ConfigurationError, InvalidInputError, UnsupportedError
from chatcore.runnables._config import RunnableConfig, check_config, check_configs

__all__ = [
    "ExponentialJitterParams",
    "Runnable",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnableSequence",
    "coerce_to_runnable",
]

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


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


class Runnable(Generic[In, Out]):
    """Whatever can be called: a model, a function, or several of these in sequence or in parallel.

    A subclass implements `_start`. Decorating (`bind`, `with_config`, `with_retry`, `with_fallbacks`) gives a copy of
    the same class with one more layer of middleware, so that no method is lost and any order works.
    """

    _kind: ClassVar[str] = "chain"
    """What its runs are to listeners: `"chain"`, `"chat_model"`, `"tool"`, `"parser"`, `"prompt"` or `"retriever"`."""

    # Innermost first. In the instance's __dict__ once there is any: a pydantic private attribute would cost a
    # slow look-up at every call.
    _middleware: ClassVar[tuple[Middleware, ...]] = ()

    # ------------------------------------------------------------------------------------------------ the waist

    @abstractmethod
    def _start(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """Do the work: open one response, or raise. No cancel scope and no task group is held while it is open."""
        raise NotImplementedError

    def _open(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """Open one call, through all layers. Returns (from entering) when the first event exists."""
        return self._wrapped(self._begin)(request)

    def _begin(self, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
        """`_start`, as a run if anybody listens."""
        if not request.config.get("callbacks"):
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
        decorated = copy.copy(self)
        object.__setattr__(decorated, "_middleware", (*self._middleware, layer))
        return decorated

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
        # As a call goes through them: from the outermost inwards.
        for layer in reversed(self._middleware):
            if isinstance(layer, Edit):
                first = merge_configs(layer.config, first)

        def config_of(index: int) -> RunnableConfig:
            if not isinstance(configs, list):
                return configs
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

    # ----------------------------------------------------------------------------------------------- sync verbs

    invoke = blocking(ainvoke)
    stream = blocking_stream(astream)
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

    # -------------------------------------------------------------------------------------------------- joining

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

    def get_name(self) -> str:
        """What this is called in errors and traces: its `name`, or its class."""
        return getattr(self, "name", None) or type(self).__name__


def _run_of(layer: Middleware, next_open: Open, request: Request) -> AbstractAsyncContextManager[Response[Any]]:
    """What a layer does, as a run of its own if anybody listens: the calls that it makes are within it."""
    start = partial(layer, next_open=next_open)
    if not request.config.get("callbacks"):
        return start(request)
    return begun(request, start, runnable=layer, name=layer.run_name or "", kind="chain", inputs=request.input)


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

    def __init__(self, *steps: Any, name: str | None = None) -> None:
        flat: list[Runnable[Any, Any]] = []
        for step in steps:
            one = coerce_to_runnable(step)
            # A sequence with layers of its own (a retry over all its steps, say) stays one step.
            if isinstance(one, RunnableSequence) and not one._middleware:  # noqa: SLF001 - one of us
                flat.extend(one.steps)
            else:
                flat.append(one)
        if not flat:
            msg = "RunnableSequence needs at least one step."
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
        # From here on only chunks are passed on, so here streaming begins.
        source = len(self.steps) - 1
        while source > 0 and _reads_chunks(self.steps[source]):
            source -= 1
        given: Any = request.input
        # Nobody could see the chunks of a step that is followed by a function, but for those who listen.
        early = request.stream and request.run is not None
        for position, step in enumerate(self.steps[:source]):
            async with step._open(self._asked(request, position, given, stream=early)) as response:
                given = await response.result()
        async with AsyncExitStack() as stack:
            response: Response[Any] | None = None
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

    def __repr__(self) -> str:
        return " | ".join(repr(step) for step in self.steps)


# ------------------------------------------------------------------------------------------------------------ parallel


class RunnableParallel(Runnable[In, dict[str, Any]]):
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
            raise ConfigurationError(msg)
        self.steps: dict[str, Runnable[Any, Any]] = {
            key: coerce_to_runnable(step) for key, step in {**(steps or {}), **kwargs}.items()
        }

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        if not request.stream or not self.steps:
            yield Whole(await self._all(request))
            return
        chunks = BatchStream[dict[str, Any]](partial(self._chunks, request))
        try:
            yield Streamed(await anext(chunks), chunks)
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
        async def branch(_: int, key: str) -> None:
            async with self.steps[key]._open(self._asked(request, key, stream=True)) as response:
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

    def __repr__(self) -> str:
        return repr(self.steps)


# ----------------------------------------------------------------------------------------------------------- functions


class RunnableLambda(Runnable[In, Out]):
    """A function as a runnable.

    An async function is awaited; a sync one runs in a worker thread, so that it may block, and may call `model.invoke`.
    A function that names a parameter `config` gets the call's config. If it returns a runnable, that is called with the
    same input.

    Args:
        func: a function of one argument, sync or async.
        afunc: an async function to use instead of a sync `func`.
        name: a name for it; the function's own if absent.

    Raises:
        ConfigurationError: it cannot be called, or is a generator function.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        afunc: Callable[..., Awaitable[Any]] | None = None,
        name: str | None = None,
    ) -> None:
        chosen: Callable[..., Any] = afunc or func
        if not callable(chosen):
            msg = f"RunnableLambda needs a function, not {type(chosen).__name__}."
            raise ConfigurationError(msg)
        if inspect.isgeneratorfunction(chosen) or inspect.isasyncgenfunction(chosen):
            msg = "RunnableLambda takes no generator functions; RunnableGenerator does."
            raise ConfigurationError(msg)
        self._call = chosen if _is_async(chosen) else partial(in_thread, chosen)
        self._takes_config = _takes_config(chosen)
        self.name = name or getattr(chosen, "__name__", None)

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        settings: dict[str, Any] = request.settings
        if self._takes_config:
            settings = {"config": request.config, **settings}
        with surrounding(request.config):
            value = await self._call(request.input, **settings)
        if not isinstance(value, Runnable):
            yield Whole(value)
            return
        depth = int(request.config.get("recursion_limit", _RECURSION_LIMIT))
        if depth <= 0:
            msg = (
                f"{self.get_name()} returned runnables more than `recursion_limit` deep; raise it in the config, or"
                " mend the function."
            )
            raise InvalidInputError(msg)
        # The settings were the function's.
        deeper = request.edited(config={**request.config, "recursion_limit": depth - 1}, settings={}, prepared=None)
        async with cast("Runnable[Any, Any]", value)._open(deeper) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    def __repr__(self) -> str:
        return f"RunnableLambda({self.get_name()})"


_RECURSION_LIMIT = 25


def _is_async(function: Callable[..., Any]) -> bool:
    while isinstance(function, partial):
        function = cast("Callable[..., Any]", function.func)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _takes_config(function: Callable[..., Any]) -> bool:
    try:
        return "config" in inspect.signature(function).parameters
    except ValueError:
        # Functions written in C may have no signature.
        return False


# --------------------------------------------------------------------------------------------------- on chunks


class _Transformer:
    """A mark: in a sequence, this step reads the chunks of the step before it (`request.upstream`), not its result."""


def _reads_chunks(step: Runnable[Any, Any]) -> bool:
    # Chunks can be read once only: a step that may be tried again, or replaced by another one, gets the whole.
    return isinstance(step, _Transformer) and all(isinstance(layer, Edit) for layer in step._middleware)  # noqa: SLF001 - one of us


class RunnableGenerator(Runnable[In, Out], _Transformer):
    """A generator function as a runnable: it iterates chunks, and yields chunks.

    An async generator function gets an async iterator; a sync one gets an iterator and runs in a worker thread.

    Args:
        transform: the generator function.
        name: a name for it; the function's own if absent.

    Raises:
        ConfigurationError: it is no generator function.
    """

    def __init__(self, transform: Callable[..., Any], name: str | None = None) -> None:
        if not (inspect.isgeneratorfunction(transform) or inspect.isasyncgenfunction(transform)):
            msg = f"RunnableGenerator needs a generator function, sync or async, not {transform!r}."
            raise ConfigurationError(msg)
        self._transform = transform
        self.name = name or transform.__name__

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        upstream: Response[Any] = request.upstream or Whole(request.input)
        items: Any
        if inspect.isasyncgenfunction(self._transform):
            items = self._transform(ChunksOf(upstream), **request.settings)
        else:
            items = iterate_in_thread(self._transform(iterate_from_thread(ChunksOf(upstream)), **request.settings))
        steps = _Within(items, request.config)
        try:
            try:
                first = await anext(steps)
            except StopAsyncIteration:
                msg = f"{self.get_name()} yielded nothing; a generator in a sequence must yield at least once."
                raise InvalidInputError(msg) from None
            response = Streamed(first, steps)
            # What is asked for as a whole is whole once it is open, so that another attempt can mend any failure of it.
            yield response if request.stream else Whole(await response.result())
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await items.aclose()

    def __repr__(self) -> str:
        return f"RunnableGenerator({self.get_name()})"


class _Within(AsyncIterator[Any]):
    """An iterator whose code finds the config of the call around it, step by step."""

    __slots__ = ("_config", "_items")

    def __init__(self, items: AsyncIterator[Any], config: Mapping[str, Any]) -> None:
        self._items = items
        self._config = config

    async def __anext__(self) -> Any:
        with surrounding(self._config):
            return await self._items.__anext__()


class RunnablePassthrough(Runnable[Any, Any], _Transformer):
    """Gives its input back, chunk by chunk where it gets chunks.

    Args:
        func: called with the whole input, for its effect; sync (in a worker thread) or async.
    """

    def __init__(self, func: Callable[[Any], Any] | None = None) -> None:
        self._func = func

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        upstream: Response[Any] = request.upstream or Whole(request.input)
        yield upstream if self._func is None else _Observed(upstream, self._func)

    def __repr__(self) -> str:
        return "RunnablePassthrough()"


class _Observed:
    """A response whose whole is shown to a function once it is there."""

    __slots__ = ("_func", "_response")

    def __init__(self, response: Response[Any], func: Callable[[Any], Any]) -> None:
        self._response = response
        self._func: Callable[[Any], Any] | None = func

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
        func, self._func = self._func, None
        if func is not None:
            whole = await self._response.result()
            await (func(whole) if _is_async(func) else in_thread(func, whole))

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self._response.origin()


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """Make a runnable: of a function, of a generator function, or of a mapping of these.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(thing, Runnable):
        return cast("Runnable[Any, Any]", thing)
    if inspect.isgeneratorfunction(thing) or inspect.isasyncgenfunction(thing):
        return RunnableGenerator(thing)
    if callable(thing):
        return RunnableLambda(thing)
    if isinstance(thing, Mapping):
        return RunnableParallel(cast("Mapping[str, Any]", thing))
    msg = f"A step must be a Runnable, a function or a dict of these, not {type(thing).__name__}."
    raise ConfigurationError(msg)
