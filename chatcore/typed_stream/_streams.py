"""What a user holds of a typed stream: the stream, and its projections.

::

    AsyncChatModelStream ─┐                       ┌─ .text .reasoning .tool_calls .usage .output ─┐
    ChatModelStream ──────┴─ Assembly <── Feed    └─ the events themselves ───────────────────────┴─ readers
                                 └── Replay, one for each of these, from which any number of readers reads

A projection is a view: it holds the feed, and the feed what has come; nothing below holds a view. So a stream that is
dropped with all its views and readers is closed at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

import anyio

from chatcore.errors import TypedStreamError
from chatcore.typed_stream._assembly import Assembly
from chatcore.typed_stream._feed import AsyncFeed, SyncFeed
from chatcore.typed_stream._replay import REPLAY_LIMIT, Replay

if TYPE_CHECKING:
    from types import TracebackType

    from chatcore.engine._portal import SyncStream
    from chatcore.engine.stream import ChatStream
    from chatcore.messages import AIMessage, AIMessageChunk, ToolCall, UsageMetadata
    from chatcore.messages.content import ToolCallChunk
    from chatcore.typed_stream.protocol import MessagesData

__all__ = [
    "AsyncChatModelStream",
    "AsyncProjection",
    "AsyncTextProjection",
    "ChatModelStream",
    "PendingStream",
    "SyncProjection",
    "SyncTextProjection",
]

T = TypeVar("T")
W = TypeVar("W")


class _Projection(Generic[T, W]):
    """Deltas, and the whole that they add up to."""

    __slots__ = ("_replay",)

    def __init__(self, replay: Replay[T, W] | None = None) -> None:
        self._replay: Replay[T, W] = Replay() if replay is None else replay

    @property
    def done(self) -> bool:
        """Whether it has ended, well or by an error."""
        return self._replay.done

    @property
    def error(self) -> BaseException | None:
        """The error that has ended it."""
        return self._replay.error

    def push(self, delta: T) -> None:
        """Add a delta: for whoever produces them."""
        self._replay.push(delta)

    def complete(self, final_value: W) -> None:
        """Say that this is the whole: for whoever produces it."""
        self._replay.complete(final_value)

    def fail(self, error: BaseException) -> None:
        """Say that this error has ended it: for whoever produces it."""
        self._replay.fail(error)


def _checked_text(value: object, projection: object, what: str) -> None:
    if not isinstance(value, str):
        msg = f"{type(projection).__name__} requires a string {what}, not a {type(value).__name__}."
        raise TypeError(msg)


# ---------------------------------------------------------------------------------------------------------------- async


class AsyncProjection(_Projection[T, W]):
    """One kind of what an answer holds: `async for` gives the deltas from the first one on, `await` the whole.

    Any number of readers may read it, one after the other or at once; each gets everything, at its own pace.
    """

    __slots__ = ("_arequest_more", "_changed")

    def __init__(self, replay: Replay[T, W] | None = None, pull: Callable[[], Awaitable[bool]] | None = None) -> None:
        super().__init__(replay)
        self._arequest_more = pull
        self._changed: anyio.Event | None = None

    def set_arequest_more(self, cb: Callable[[], Awaitable[bool]] | None) -> None:
        """Set what a reader awaits that has read everything: it makes one step, and says whether there may be more.

        Args:
            cb: an async function without arguments; None: readers wait until somebody pushes.
        """
        self._arequest_more = cb

    def push(self, delta: T) -> None:
        """Add a delta: for whoever produces them."""
        super().push(delta)
        self._tell()

    def complete(self, final_value: W) -> None:
        """Say that this is the whole: for whoever produces it."""
        super().complete(final_value)
        self._tell()

    def fail(self, error: BaseException) -> None:
        """Say that this error has ended it: for whoever produces it."""
        super().fail(error)
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()

    async def _more(self) -> bool:
        if self._arequest_more is not None:
            return await self._arequest_more()
        if self._changed is None:
            self._changed = anyio.Event()
        await self._changed.wait()
        return True

    def __aiter__(self) -> AsyncIterator[T]:
        return _AsyncReader(self)

    def __await__(self) -> Generator[Any, None, W]:
        return self._whole().__await__()

    async def _whole(self) -> W:
        replay = self._replay
        while not replay.done and (await self._more() or replay.done):
            pass
        return replay.whole()


class _AsyncReader(Generic[T]):
    """A reader of a projection: it knows how far it has read."""

    __slots__ = ("_position", "_projection")

    def __init__(self, projection: AsyncProjection[T, Any]) -> None:
        self._projection = projection
        self._position = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        projection = self._projection
        replay = projection._replay  # noqa: SLF001 - the same module
        while not replay.has(self._position):
            if replay.done:
                replay.check()
                raise StopAsyncIteration
            if not await projection._more() and not (replay.done or replay.has(self._position)):  # noqa: SLF001 - as above
                raise StopAsyncIteration
        item = replay.at(self._position)
        self._position += 1
        return item


class AsyncTextProjection(AsyncProjection[str, str]):
    """Text, as it comes and as a whole."""

    __slots__ = ()

    def push(self, delta: str) -> None:
        """Add a delta: for whoever produces them. Raises TypeError if it is no str."""
        _checked_text(delta, self, "delta")
        super().push(delta)

    def complete(self, final_value: str) -> None:
        """Say that this is the whole: for whoever produces it. Raises TypeError if it is no str."""
        _checked_text(final_value, self, "final value")
        super().complete(final_value)

    async def _whole(self) -> str:
        return cast("str | None", await super()._whole()) or ""


# ----------------------------------------------------------------------------------------------------------------- sync


class SyncProjection(_Projection[T, W]):
    """One kind of what an answer holds: `for` gives the deltas from the first one on, `get()` the whole.

    Any number of readers may read it, in any thread; each gets everything, at its own pace.
    """

    __slots__ = ("_request_more",)

    def __init__(self, replay: Replay[T, W] | None = None, pull: Callable[[], bool] | None = None) -> None:
        super().__init__(replay)
        self._request_more = pull

    def set_request_more(self, cb: Callable[[], bool] | None) -> None:
        """Set what a reader calls that has read everything: it makes one step, and says whether there may be more.

        Args:
            cb: a function without arguments; None: what is not here yet is not waited for.
        """
        self._request_more = cb

    def __iter__(self) -> Iterator[T]:
        replay = self._replay
        position = 0
        while True:
            # Asked first: another thread may add the last item and the end between two questions.
            done = replay.done
            if replay.has(position):
                yield replay.at(position)
                position += 1
            elif done:
                replay.check()
                return
            elif not self._more() and not (replay.done or replay.has(position)):
                return

    def get(self) -> W:
        """Read what is left, and give the whole.

        Raises:
            Exception: what ended the stream before that.
        """
        replay = self._replay
        while not replay.done and (self._more() or replay.done):
            pass
        return replay.whole()

    def _more(self) -> bool:
        return self._request_more is not None and self._request_more()


class SyncTextProjection(SyncProjection[str, str]):
    """Text, as it comes and as a whole. `str()` reads it to its end; it is true as soon as there is any."""

    __slots__ = ()

    def push(self, delta: str) -> None:
        """Add a delta: for whoever produces them. Raises TypeError if it is no str."""
        _checked_text(delta, self, "delta")
        super().push(delta)

    def complete(self, final_value: str) -> None:
        """Say that this is the whole: for whoever produces it. Raises TypeError if it is no str."""
        _checked_text(final_value, self, "final value")
        super().complete(final_value)

    def get(self) -> str:
        """Read what is left, and give the whole text; what ended the stream before that is raised."""
        return cast("str | None", super().get()) or ""

    def __str__(self) -> str:
        return self.get()

    def __bool__(self) -> bool:
        return len(self._replay) > 0

    def __repr__(self) -> str:
        replay = self._replay
        if replay.done and replay.error is None:
            return repr(replay.whole())
        return repr("".join(replay.kept()))


# -------------------------------------------------------------------------------------------------------------- streams


class _TypedStream:
    """What both forms of a typed stream are."""

    def __init__(
        self,
        *,
        namespace: list[str] | None = None,
        node: str | None = None,
        message_id: str | None = None,
        replay_limit: int = REPLAY_LIMIT,
    ) -> None:
        self._namespace = namespace or []
        self._node = node
        self._assembly = Assembly(replay_limit, message_id)

    @property
    def namespace(self) -> list[str]:
        """Where in a graph the answer was made, if in one."""
        return self._namespace

    @property
    def node(self) -> str | None:
        """The node of a graph that made the answer, if one did."""
        return self._node

    @property
    def message_id(self) -> str | None:
        """The message's id, as soon as it is known."""
        return self._assembly.message_id

    @property
    def done(self) -> bool:
        """Whether the answer has ended, well or by an error."""
        return self._assembly.done

    @property
    def has_events(self) -> bool:
        """Whether any event has come."""
        return len(self._assembly.events) > 0

    @property
    def output_message(self) -> AIMessage | None:
        """The message if it is whole, else None; it waits for nothing."""
        return self._assembly.message

    @property
    def partial(self) -> AIMessage | None:
        """The message as far as it has come, after an error too; None if nothing has. It waits for nothing.

        A tool call whose arguments are cut off is among its `invalid_tool_calls`. It costs the length of the answer.
        """
        return self._assembly.partial()

    def dispatch(self, event: Mapping[str, Any]) -> None:
        """Take the next event: for whoever produces them, where no model does.

        Args:
            event: a protocol event; see `chatcore.typed_stream.protocol`.
        """
        self._assembly.dispatch(event)
        self._tell()

    def fail(self, error: BaseException) -> None:
        """Say that this error has ended the answer: for whoever produces the events."""
        self._assembly.fail(error)
        self._tell()

    def _tell(self) -> None:
        """Whoever waits looks again."""


class AsyncChatModelStream(_TypedStream):
    """One answer of a model, as it comes: what `await model.astream_events(input, version="v3")` gives.

    ::

        async with model.astream_events("Tell me a story", version="v3") as stream:
            async for text in stream.text:
                print(text, end="")
            message = await stream

    - `text`, `reasoning`: `async for` gives str deltas, `await` all of it.
    - `tool_calls`: `async for` gives `ToolCallChunk`s, each of which says whose it is, `await` the finished calls.
    - `usage`: `await` gives the tokens, None if the provider does not say.
    - `output`, or the stream itself: `await` gives the message. Its content is always standard blocks.
    - `async for event in stream` gives the protocol events.

    Any number of tasks may read any of these at once; each sees everything from the start, and whoever is ahead pulls.
    Nothing is sent before somebody reads. A reader that is cancelled takes nothing from the others. Leaving `async
    with`, `aclose()` and dropping the stream close the connection.

    replay_limit: how many events, and deltas of each kind, are kept for readers to come.

    Raises (from every reader, once it has read what came before):
        ModelError: the call failed; `partial` has what had come.
        TypedStreamError: the stream was closed before its end, or the reader is further behind than `replay_limit`.
    """

    def __init__(
        self,
        *,
        namespace: list[str] | None = None,
        node: str | None = None,
        message_id: str | None = None,
        replay_limit: int = REPLAY_LIMIT,
        chunks: ChatStream[AIMessageChunk, AIMessage] | None = None,
    ) -> None:
        super().__init__(namespace=namespace, node=node, message_id=message_id, replay_limit=replay_limit)
        assembly = self._assembly
        self._feed = None if chunks is None else AsyncFeed(chunks, assembly)
        pull = None if self._feed is None else self._feed.pull
        self._text = AsyncTextProjection(assembly.text, pull)
        self._reasoning = AsyncTextProjection(assembly.reasoning, pull)
        self._tool_calls = AsyncProjection(assembly.tool_calls, pull)
        self._usage = AsyncProjection(assembly.usage, pull)
        self._output = AsyncProjection(assembly.output, pull)
        self._events = AsyncProjection(assembly.events, pull)

    @property
    def text(self) -> AsyncTextProjection:
        """The text of the answer."""
        return self._text

    @property
    def reasoning(self) -> AsyncTextProjection:
        """What the model thought, as far as it tells."""
        return self._reasoning

    @property
    def tool_calls(self) -> AsyncProjection[ToolCallChunk, list[ToolCall]]:
        """The calls that the model asks for."""
        return self._tool_calls

    @property
    def usage(self) -> AsyncProjection[UsageMetadata, UsageMetadata | None]:
        """The tokens, known at the end."""
        return self._usage

    @property
    def output(self) -> AsyncProjection[AIMessage, AIMessage]:
        """The message, known at the end."""
        return self._output

    def __await__(self) -> Generator[Any, None, AIMessage]:
        return self._output.__await__()

    def __aiter__(self) -> AsyncIterator[MessagesData]:
        return aiter(self._events)

    def set_arequest_more(self, cb: Callable[[], Awaitable[bool]] | None) -> None:
        """Set what a reader awaits that has read everything, where no model is: see `AsyncProjection`."""
        for projection in self._projections():
            projection.set_arequest_more(cb)

    async def aclose(self) -> None:
        """Close the connection. Whoever still reads gets what had come, and then an error."""
        if self._feed is not None:
            await self._feed.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await self.aclose()

    def _projections(self) -> tuple[AsyncProjection[Any, Any], ...]:
        return (self._text, self._reasoning, self._tool_calls, self._usage, self._output, self._events)

    def _tell(self) -> None:
        for projection in self._projections():
            projection._tell()  # noqa: SLF001 - the same module


class PendingStream:
    """What `model.astream_events(input, version="v3")` returns: await it for the stream, or use it in `async with`.

    ::

        stream = await model.astream_events("hi", version="v3")

        async with model.astream_events("hi", version="v3") as stream:
            ...
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: AsyncChatModelStream) -> None:
        self._stream = stream

    def __await__(self) -> Generator[Any, None, AsyncChatModelStream]:
        yield from ()
        return self._stream

    async def __aenter__(self) -> AsyncChatModelStream:
        return self._stream

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await self._stream.aclose()


class ChatModelStream(_TypedStream):
    """One answer of a model, as it comes, for sync code: what `model.stream_events(input, version="v3")` gives.

    ::

        with model.stream_events("Tell me a story", version="v3") as stream:
            for text in stream.text:
                print(text, end="")
            message = stream.output

    - `text`, `reasoning`: `for` gives str deltas, `str()` or `get()` all of it.
    - `tool_calls`: `for` gives `ToolCallChunk`s, `get()` the finished calls.
    - `usage`, `output`: the tokens, the message; they wait for the end.
    - `for event in stream` gives the protocol events.

    Any number of threads may read any of these; each sees everything from the start. Nothing is sent before somebody
    reads. Leaving `with`, `close()` and dropping the stream close the connection. Errors are as of
    `AsyncChatModelStream`.

    replay_limit: how many events, and deltas of each kind, are kept for readers to come.
    """

    def __init__(
        self,
        *,
        namespace: list[str] | None = None,
        node: str | None = None,
        message_id: str | None = None,
        replay_limit: int = REPLAY_LIMIT,
        chunks: SyncStream[AIMessageChunk] | None = None,
    ) -> None:
        super().__init__(namespace=namespace, node=node, message_id=message_id, replay_limit=replay_limit)
        assembly = self._assembly
        self._feed = None if chunks is None else SyncFeed(chunks, assembly)
        pull = None if self._feed is None else self._feed.pull
        self._text = SyncTextProjection(assembly.text, pull)
        self._reasoning = SyncTextProjection(assembly.reasoning, pull)
        self._tool_calls = SyncProjection(assembly.tool_calls, pull)
        self._usage = SyncProjection(assembly.usage, pull)
        self._output = SyncProjection(assembly.output, pull)
        self._events = SyncProjection(assembly.events, pull)

    @property
    def text(self) -> SyncTextProjection:
        """The text of the answer."""
        return self._text

    @property
    def reasoning(self) -> SyncTextProjection:
        """What the model thought, as far as it tells."""
        return self._reasoning

    @property
    def tool_calls(self) -> SyncProjection[ToolCallChunk, list[ToolCall]]:
        """The calls that the model asks for."""
        return self._tool_calls

    @property
    def usage(self) -> UsageMetadata | None:
        """The tokens; waits for the end. None if the provider does not say."""
        return self._usage.get()

    @property
    def output(self) -> AIMessage:
        """The message; waits for the end."""
        message = cast("AIMessage | None", self._output.get())
        if message is None:
            msg = "Stream finished without producing a message: no event has ended it, and nothing is there to pull."
            raise TypedStreamError(msg)
        return message

    def __iter__(self) -> Iterator[MessagesData]:
        return iter(self._events)

    def set_request_more(self, cb: Callable[[], bool] | None) -> None:
        """Set what a reader calls that has read everything, where no model is: see `SyncProjection`."""
        for projection in (self._text, self._reasoning, self._tool_calls, self._usage, self._output, self._events):
            projection.set_request_more(cb)

    def bind_pump(self, pump_one: Callable[[], bool]) -> None:
        """`set_request_more`, by the reference's other name."""
        self.set_request_more(pump_one)

    def close(self) -> None:
        """Close the connection. Whoever still reads gets what had come, and then an error."""
        if self._feed is not None:
            self._feed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
