"""Answers that the server of the Responses API makes in the background: asked for until they are there, or resumed.

https://platform.openai.com/docs/guides/background
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, cast
from urllib.parse import quote

import anyio
import pydantic_core
from typing_extensions import override

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.errors import ConnectionFailedError, ProviderError
from chatcore.providers._remote import Outgoing
from chatcore.providers._responses import PENDING, AnswerDecoder
from chatcore.providers._streaming import Chunks, Opened
from chatcore.providers._wire import Exchange, as_object, opening, word

__all__ = ["ContinuedChunks", "awaited"]

Ask = Callable[[Outgoing], Awaitable[tuple[bytes, Exchange]]]
"""Sends a request and reads the whole reply."""

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 10.0
_FACTOR: Final = 1.5


async def awaited(body: bytes, exchange: Exchange, ask: Ask, *, retries: int) -> tuple[bytes, Exchange]:
    """The answer that `body` promises, once it is made; `body` itself if it is one.

    It is asked for after half a second, and then less and less often, every 10 s at last. Whoever gives up before, by a
    deadline or a cancellation, has the server told to give up too, in at most 2 s.

    ask: sends a request.
    retries: how often in a row asking may fail.

    Raises:
        ProviderError: asking failed, and cannot be tried again or has been tried often enough.
    """
    wait, failures = _FIRST_WAIT, 0
    while (answer_id := _pending(body)) is not None:
        path = f"/responses/{quote(answer_id, safe='')}"
        try:
            await anyio.sleep(wait)
            body, exchange = await ask(Outgoing(path, None, method="GET", accept="application/json"))
        except BaseException as error:
            failures += 1
            if not isinstance(error, ProviderError) or not error.is_retryable or failures > retries:
                with suppress(ProviderError), anyio.move_on_after(CLOSING_SECONDS, shield=True):
                    await ask(Outgoing(f"{path}/cancel", {}, accept="application/json"))
                raise
        else:
            failures = 0
        wait = min(wait * _FACTOR, _LONGEST_WAIT)
    return body, exchange


def _pending(body: bytes) -> str | None:
    """The id of an answer that is not made yet; None for any other reply."""
    try:
        answer = as_object(pydantic_core.from_json(opening(body)))
    except ValueError:
        return None
    status = answer.get("status")
    return word(answer.get("id")) if isinstance(status, str) and status in PENDING else None


class ContinuedChunks(Chunks):
    """The chunks of an answer made in the background: a stream that breaks is opened again, where it broke.

    open_reply: sends the request.
    reopen: sends the request for the rest of the answer.
    retries: how often in a row that may be done before anything new has come.
    """

    __slots__ = ("_broke_at", "_reopen", "_retries", "_tried")

    def __init__(
        self,
        open_reply: Callable[[], Awaitable[Opened]],
        reopen: Callable[[Outgoing], Awaitable[Opened]],
        retries: int,
    ) -> None:
        super().__init__(open_reply)
        self._reopen = reopen
        self._retries = retries
        self._broke_at: int | None = None
        self._tried = 0

    @override
    async def _pull(self) -> None:
        try:
            await super()._pull()
        except ConnectionFailedError as error:
            opened = self._opened
            decoder = None if opened is None else cast("AnswerDecoder", opened.decoder)
            if opened is None or decoder is None or decoder.answer_id is None or decoder.position is None:
                raise
            self._tried = self._tried + 1 if decoder.position == self._broke_at else 1
            self._broke_at = decoder.position
            if self._tried > self._retries:
                raise
            self._opened = None
            with suppress(ProviderError):
                await opened.context.__aexit__(*sys.exc_info())
            await self._continue(decoder, error)

    async def _continue(self, decoder: AnswerDecoder, broke: ConnectionFailedError) -> None:
        path = f"/responses/{quote(cast('str', decoder.answer_id), safe='')}"
        query = {"stream": "true", "starting_after": str(decoder.position)}
        try:
            opened = await self._reopen(Outgoing(path, None, query=query, method="GET"))
        except ProviderError as error:
            raise error from broke
        decoder.go_on()
        self._opened = opened._replace(decoder=decoder)
        self._is_over = False
