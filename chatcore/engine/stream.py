"""`ChatStream`: the chunks of one streamed call.

Pull-based: no task runs between two pulls and no queue holds chunks. Each pull runs in the task that asks for it, so
that cancelling that task cancels the read.

::

    new ──first pull──> open ──the end, an error, cancellation, aclose──> closed
                          └─────dropped: a close is posted to its loop──────┘
"""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

import anyio

from chatcore.engine._host import CLOSING_SECONDS, Host, current_host
from chatcore.engine.request import ready_of
from chatcore.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from chatcore.engine.request import Open, Request, Response

__all__ = ["ChatStream"]

T = TypeVar("T")
W = TypeVar("W")

_logger = logging.getLogger("chatcore")


_ONE_READER = "Another task is reading this stream; one task reads a stream. Cancel that task: that closes the stream."


class ChatStream(Generic[T, W]):
    """The chunks of one call, as they come.

    ::

        async with model.astream("Tell me a story") as chunks:
            async for chunk in chunks:
                print(chunk.text, end="")
            message = await chunks.result()

    Nothing is sent before the first pull. `async with` is the deterministic form: when the block is left, by whatever
    way, the connection has been closed. A bare `async for` closes at the end, at an error and at cancellation; after a
    `break` it closes as soon as the stream is dropped. One task reads a stream at a time.

    Raises (from the pulls):
        StreamInterrupted: the stream broke off after its first chunk; the error carries what had come.
        DeadlineExceededError: the call's `timeout` ran out.
        ProviderError: opening failed.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_ended",
        "_host",
        "_opened",
        "_opener",
        "_over",
        "_ready",
        "_request",
        "_response",
    )

    def __init__(self, opener: Open, request: Request) -> None:
        self._opener = opener
        self._request = request
        self._opened: AbstractAsyncContextManager[Response[Any]] | None = None
        self._response: Response[Any] | None = None
        self._ready: Callable[[], Any] | None = None
        self._ended: Response[Any] | None = None
        self._host: Host | None = None
        self._over = False
        self._busy = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._ready is not None and not self._busy:
            try:
                at_hand: T | None = self._ready()
            except BaseException as error:
                await self._close(error)
                raise
            if at_hand is not None:
                return at_hand
        if self._over:
            raise StopAsyncIteration
        if self._busy:
            raise InvalidInputError(_ONE_READER)
        self._busy = True
        try:
            response = self._response
            if response is None:
                response = await self._open()
            chunk: T = await response.__anext__()
            return chunk  # noqa: TRY300 - the name has the type; a cast would be a call for each chunk
        except StopAsyncIteration:
            self._ended = self._response
            await self._close(None)
            raise
        except BaseException as error:
            await self._close(error)
            raise
        finally:
            self._busy = False

    async def result(self) -> W:
        """Read what is left, and give the whole: of a chat model, the merged message.

        Raises:
            InvalidInputError: the stream was closed, or failed, before its end, so that there is no whole.
        """
        ended = self._ended
        if ended is not None:
            return cast("W", await ended.result())
        if self._over:
            msg = "This stream was closed before its end: it has no whole result. Read it to its end, or call ainvoke."
            raise InvalidInputError(msg)
        if self._busy:
            raise InvalidInputError(_ONE_READER)
        self._busy = True
        try:
            response = self._response
            if response is None:
                response = await self._open()
            whole = await response.result()
        except BaseException as error:
            await self._close(error)
            raise
        finally:
            self._busy = False
        self._ended = response
        await self._close(None)
        return cast("W", whole)

    async def aclose(self) -> None:
        """Close now. What was not read is not read any more; closing twice does nothing.

        Raises:
            InvalidInputError: another task is waiting for the next chunk; cancel that task, and the stream closes.
        """
        if self._busy:
            raise InvalidInputError(_ONE_READER)
        await self._close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        await self.aclose()

    async def _open(self) -> Response[Any]:
        self._host = current_host()
        opened = self._opener(self._request)
        self._response = await opened.__aenter__()
        self._opened = opened
        self._ready = ready_of(self._response)
        return self._response

    async def _close(self, error: BaseException | None) -> None:
        self._over = True
        self._response = self._ready = None
        opened, self._opened = self._opened, None
        if opened is not None:
            await _exit(opened, error)

    def __del__(self) -> None:
        opened, host = self._opened, self._host
        if opened is not None and host is not None:
            host.post(partial(host.spawn, partial(_exit_dropped, opened)))


async def _exit(opened: AbstractAsyncContextManager[Response[Any]], error: BaseException | None) -> None:
    # Shielded, because the caller may be cancelled already; bounded, because nobody can cancel it any more.
    with anyio.move_on_after(CLOSING_SECONDS, shield=True):
        await opened.__aexit__(
            None if error is None else type(error), error, None if error is None else error.__traceback__
        )


async def _exit_dropped(opened: AbstractAsyncContextManager[Response[Any]]) -> None:
    try:
        await _exit(opened, None)
    except Exception:
        _logger.warning("closing a stream that was dropped before its end failed", exc_info=True)
