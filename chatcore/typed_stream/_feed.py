"""From an open stream of chunks into an assembly, one step whenever a reader has read everything.

::

    reader ──nothing more here──> pull ──> ChatStream ──chunk──> Bridge ──events──> Assembly ──> every reader

On an event loop the pull runs in a task of its own, begun by the reader that waits and ended as soon as nobody does. It
is not the reader's own task, because a read that is cancelled halfway is lost, and its connection with it: one reader's
cancellation would end the stream for all.
"""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from chatcore.engine._host import CLOSING_SECONDS, Host, current_host
from chatcore.errors import TypedStreamError
from chatcore.messages import AIMessageChunk, BaseMessage
from chatcore.typed_stream._bridge import Bridge, message_events

if TYPE_CHECKING:
    from chatcore.engine._portal import SyncStream
    from chatcore.engine.stream import ChatStream
    from chatcore.typed_stream._assembly import Assembly
    from chatcore.typed_stream.protocol import MessagesData

__all__ = ["AsyncFeed", "SyncFeed"]


class _Feed:
    """What each step does, wherever it runs."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._bridge = Bridge()
        self._last: MessagesData | None = None

    def take(self, message: BaseMessage) -> None:
        """A chunk has come, or the whole answer."""
        if isinstance(message, AIMessageChunk):
            made = self._bridge.chunk(message)
        else:
            # Its last event waits for the end of the stream, as that of chunks does.
            *made, self._last = message_events(message)
        for event in made:
            self.assembly.dispatch(event)

    def end(self) -> None:
        """Nothing more will come."""
        for event in self._bridge.end() if self._last is None else [self._last]:
            self.assembly.dispatch(event)
        self.give_up("ended without a message")

    def give_up(self, how: str = "was closed before its end") -> None:
        """Whoever reads on is told, unless the answer is whole."""
        if not self.assembly.done:
            self.assembly.fail(TypedStreamError(f"The stream {how}. What had come is in its `partial`."))


class AsyncFeed(_Feed):
    """Chunks of a `ChatStream`, for readers in one event loop."""

    def __init__(self, chunks: ChatStream[Any, Any], assembly: Assembly) -> None:
        super().__init__(assembly)
        self._chunks = chunks
        self._host: Host | None = None
        self._pulling: _Pulling | None = None
        self._waiting = 0
        self._more = anyio.Event()

    async def pull(self) -> bool:
        """Wait until more has come, or nothing more will; False if that was so already."""
        if self.assembly.done:
            return False
        self._waiting += 1
        more = self._more
        try:
            if self._pulling is None:
                self._pulling = _Pulling()
                self._host = current_host()
                self._host.spawn(partial(_pull, weakref.ref(self), self._chunks, self._pulling))
            await more.wait()
        finally:
            if not more.is_set():
                self._waiting -= 1
        return True

    def is_wanted(self) -> bool:
        """Whether another step is to be made."""
        return self._waiting > 0 and not self.assembly.done

    def ring(self) -> None:
        """Whoever waits looks again; from now on it does not wait any more, though it may not have run yet."""
        self._waiting = 0
        more, self._more = self._more, anyio.Event()
        more.set()

    def stopped(self) -> None:
        """The task has ended."""
        self._pulling = None
        if self.is_wanted():
            # It was stopped from outside, by the end of its loop or by `aclose`.
            self.give_up()
        self.ring()

    async def aclose(self) -> None:
        """Close the connection, and tell whoever reads."""
        pulling = self._pulling
        if pulling is not None:
            pulling.scope.cancel()
            # As long as the stream itself may take to close.
            with anyio.move_on_after(2 * CLOSING_SECONDS, shield=True):
                await pulling.ended.wait()
        if pulling is None or pulling.ended.is_set():
            await self._chunks.aclose()
        self.give_up()
        self.ring()

    def __del__(self) -> None:
        # Dropped while a step is under way that nobody waits for any more. Between two steps, dropping the chunks is
        # enough: they close themselves.
        pulling, host = self._pulling, self._host
        if pulling is not None and host is not None:
            host.post(pulling.scope.cancel)


class _Pulling:
    """The task that pulls."""

    __slots__ = ("ended", "scope")

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()


async def _pull(ref: weakref.ref[AsyncFeed], chunks: ChatStream[Any, Any], pulling: _Pulling) -> None:
    # The feed is not held while anything is awaited: were it, dropping the stream would not end this task.
    try:
        with pulling.scope:
            while await _step(ref, chunks) and await _is_wanted(ref):
                pass
    finally:
        feed = ref()
        if feed is not None:
            feed.stopped()
        pulling.ended.set()


async def _step(ref: weakref.ref[AsyncFeed], chunks: ChatStream[Any, Any]) -> bool:
    """Read one chunk; whether there may be more."""
    failed: Exception | None = None
    chunk: BaseMessage | None = None
    try:
        chunk = await anext(chunks)
    except StopAsyncIteration:
        pass
    except Exception as error:  # noqa: BLE001 - every reader raises it
        failed = error
    except BaseException:
        # Cancelled: the chunks are closed by that, and what is read of them from now on would look like their end.
        if (feed := ref()) is not None:
            feed.give_up()
        raise
    feed = ref()
    if feed is None:
        await chunks.aclose()
        return False
    try:
        if failed is not None:
            feed.assembly.fail(failed)
        elif chunk is None:
            feed.end()
        else:
            feed.take(chunk)
    except Exception as error:  # noqa: BLE001 - as above
        feed.assembly.fail(error)
    over = feed.assembly.done
    if over:
        # Before anybody is told. At the end, and after an error of its own, the stream has closed already.
        await chunks.aclose()
    feed.ring()
    return not over


async def _is_wanted(ref: weakref.ref[AsyncFeed]) -> bool:
    """Whether somebody wants another step, who has just been given one: to begin this task again would cost more."""
    for _ in range(2):
        # Whoever waited takes what came, and is back after one turn of the loop; on trio, which shuffles, after two.
        await anyio.lowlevel.checkpoint()
        feed = ref()
        if feed is None or feed.is_wanted():
            return feed is not None
        del feed
    return False


class SyncFeed(_Feed):
    """Chunks of a `SyncStream`, for readers in any thread."""

    def __init__(self, chunks: SyncStream[Any], assembly: Assembly) -> None:
        super().__init__(assembly)
        self._chunks = chunks
        self._steps = 0
        self._lock = threading.Lock()

    def pull(self) -> bool:
        """Wait until more has come, or nothing more will; False if that was so already."""
        steps = self._steps
        with self._lock:
            if self._steps != steps:
                # Another thread has made the step while this one waited.
                return True
            if self.assembly.done:
                return False
            try:
                self.take(next(self._chunks))
            except StopIteration:
                self.end()
            except Exception as error:  # noqa: BLE001 - every reader raises it
                self.assembly.fail(error)
                self._chunks.close()
            except BaseException:
                # Ctrl-C.
                self.close()
                raise
            finally:
                self._steps += 1
            return True

    def close(self) -> None:
        """Close the connection, and tell whoever reads."""
        self._chunks.close()
        self.give_up()
