"""A streamed answer as chunks: the one loop between a reply's bytes and a codec, for every provider."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, NamedTuple, Protocol

import anyio
from typing_extensions import override

from chatcore.errors import ProviderError
from chatcore.http.client import Reply
from chatcore.outputs import ChatGenerationChunk

__all__ = ["Chunks", "Decoder", "Opened"]

DRAIN_SECONDS: Final = 0.1
"""How long the rest of a reply is waited for once its answer is whole: its end is what frees its connection."""

DRAIN_PARTS: Final = 16


class Decoder(Protocol):
    """A codec's reader of one streamed answer."""

    done: bool
    """Whether the answer is over; nothing more need be read."""

    def feed(self, part: bytes) -> Sequence[ChatGenerationChunk]:
        """Take the next bytes, and return the chunks that they complete."""
        ...

    def finish(self) -> Sequence[ChatGenerationChunk]:
        """Say that no more bytes will come, and return the last chunks."""
        ...


class Opened(NamedTuple):
    """A reply whose head has come, and what reads its body.

    context: what closes it.
    sign: tells an error whose answer failed, where the error does not know: the way to the provider knows no model.
    """

    context: AbstractAsyncContextManager[Reply]
    reply: Reply
    decoder: Decoder
    sign: Callable[[ProviderError], None]


class Chunks(AsyncIterator[ChatGenerationChunk]):
    """A streamed answer, chunk by chunk: a class, so that leaving it early leaves no generator to be closed.

    The request is sent at the first pull. The end and any failure close the reply; whoever leaves before, calls
    `aclose`.

    open_reply: sends the request.
    """

    __slots__ = ("_is_over", "_open_reply", "_opened", "_ready")

    def __init__(self, open_reply: Callable[[], Awaitable[Opened]]) -> None:
        self._open_reply = open_reply
        self._opened: Opened | None = None
        self._ready: deque[ChatGenerationChunk] = deque()
        self._is_over = False

    @override
    async def __anext__(self) -> ChatGenerationChunk:
        ready = self._ready
        try:
            while not ready and not self._is_over:
                await self._pull()
            if not ready and self._opened is not None:
                await _drain(self._opened.reply)
        except BaseException as error:
            if isinstance(error, ProviderError) and self._opened is not None:
                self._opened.sign(error)
            await self.aclose()
            raise
        if ready:
            return ready.popleft()
        await self.aclose()
        raise StopAsyncIteration

    def ready(self) -> ChatGenerationChunk | None:
        """The next chunk, if the bytes that have come hold it."""
        return self._ready.popleft() if self._ready else None

    async def aclose(self) -> None:
        """Close the reply, at once. Idempotent.

        While an exception is handled (a cancellation, above all) a close that fails does not take its place.

        Raises:
            ConnectionFailedError: the transport failed at it, and nothing else is wrong.
        """
        self._is_over = True
        self._ready.clear()
        opened, self._opened = self._opened, None
        if opened is not None:
            error = sys.exception()
            await opened.context.__aexit__(
                None if error is None else type(error), error, None if error is None else error.__traceback__
            )

    async def _pull(self) -> None:
        """Wait for the next bytes, and keep the chunks that they complete."""
        if self._opened is None:
            self._opened = await self._open_reply()
        _, reply, decoder, _ = self._opened
        part = None if decoder.done else await anext(reply, None)
        if part is not None:
            self._ready.extend(decoder.feed(part))
        else:
            self._is_over = True
            self._ready.extend(decoder.finish())


async def _drain(reply: Reply) -> None:
    """Read what follows the end of the answer, so that its connection can serve again; but do not wait for it."""
    parts = 0
    # The answer is whole: what breaks now, breaks nothing.
    with suppress(ProviderError), anyio.move_on_after(DRAIN_SECONDS):
        async for _ in reply:
            parts += 1
            if parts > DRAIN_PARTS:
                break
