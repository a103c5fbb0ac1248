"""The layer around a model's call that keeps its answers, and gives them again."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import anyio
from anyio.lowlevel import RunVar

from chatcore.caches._base import RETURN_VAL_TYPE, BaseCache
from chatcore.caches._key import cache_key
from chatcore.engine._opening import opening
from chatcore.engine.request import Open, Request, Response
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.messages.tool import tool_call_chunk
from chatcore.outputs import ChatGeneration, ChatResult, Generation

__all__ = ["Caching", "Kept"]

_logger = logging.getLogger("chatcore")


class _HasResult(Protocol):
    def chat_result(self) -> ChatResult: ...


@dataclass(frozen=True, slots=True)
class Caching:
    """A middleware: answers come from the cache, if it has them, and are kept in it once they are whole.

    cache: the cache.
    identity: what tells the model from others.
    """

    cache: BaseCache
    identity: Mapping[str, Any]

    def __call__(self, request: Request, next_open: Open) -> AbstractAsyncContextManager[Response[Any]]:
        """Answer from the cache, or by what is below. The request's `prepared` are its messages."""
        key = cache_key(cast("list[BaseMessage]", request.prepared), request.settings, self.identity)
        return next_open(request) if key is None else self._answered(key, request, next_open)

    @opening
    async def _answered(self, key: tuple[str, str], request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        flight: _Flight | None = None
        if self.cache.coalesce:
            flights = _flights()
            name = (id(self.cache), *key)
            while name in flights:
                ahead = flights[name]
                await ahead.landed.wait()
                if ahead.kept is not None:
                    yield Kept(ahead.kept, stream=request.stream)
                    return
            if not request.stream:
                flight = flights[name] = _Flight(flights, name)
        try:
            # An answer that has led to another attempt is no answer to that one.
            kept = None if request.attempt > 1 else await self.cache.alookup(*key)
            if isinstance(kept, Sequence) and kept:
                if flight is not None:
                    flight.land(kept)
                yield Kept(kept, stream=request.stream)
                return
            async with next_open(request) as response:
                if request.stream:
                    yield _Keeping(self, key, response)  # noqa: ASYNC119 - as above
                else:
                    kept = await self.keep(key, response)
                    if flight is not None:
                        flight.land(kept)
                    yield response  # noqa: ASYNC119 - as above
        finally:
            if flight is not None:
                flight.land(None)

    async def keep(self, key: tuple[str, str], response: Response[Any]) -> RETURN_VAL_TYPE:
        """Keep the answer of a response that is whole; return what is kept."""
        await response.result()
        result = cast("_HasResult", response.origin()).chat_result()
        kept = [_copied(generation) for generation in result.generations]
        try:
            await self.cache.aupdate(*key, kept)
        except Exception:
            # The answer is there, and paid for.
            _logger.warning("%s could not keep an answer", type(self.cache).__name__, exc_info=True)
        return kept


@dataclass(slots=True)
class _Flight:
    """A call that others wait for; in one loop."""

    flights: dict[tuple[int, str, str], _Flight]
    name: tuple[int, str, str]
    landed: anyio.Event = field(default_factory=anyio.Event)
    kept: RETURN_VAL_TYPE | None = None

    def land(self, kept: RETURN_VAL_TYPE | None) -> None:
        """Tell those who wait what came; None: nothing, and one of them asks itself."""
        if not self.landed.is_set():
            del self.flights[self.name]
            self.kept = kept
            self.landed.set()


_in_flight: RunVar[dict[tuple[int, str, str], _Flight]] = RunVar("chatcore_calls_in_flight")


def _flights() -> dict[tuple[int, str, str], _Flight]:
    try:
        return _in_flight.get()
    except LookupError:
        flights: dict[tuple[int, str, str], _Flight] = {}
        _in_flight.set(flights)
        return flights


class _Keeping:
    """A streamed answer that is kept once it has ended; never a part of one."""

    __slots__ = ("_key", "_layer", "_next", "_response", "_to_keep")

    def __init__(self, layer: Caching, key: tuple[str, str], response: Response[Any]) -> None:
        self._layer = layer
        self._key = key
        self._response = response
        self._next = response.__anext__
        self._to_keep = True

    async def __anext__(self) -> Any:
        try:
            return await self._next()
        except StopAsyncIteration:
            await self._keep()
            raise

    async def result(self) -> Any:
        whole = await self._response.result()
        await self._keep()
        return whole

    async def _keep(self) -> None:
        if self._to_keep:
            self._to_keep = False
            await self._layer.keep(self._key, self._response)

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self._response.origin()


class Kept:
    """An answer from a cache; as a stream, it is one chunk."""

    __slots__ = ("_given", "_result", "_stream")

    def __init__(self, kept: RETURN_VAL_TYPE, *, stream: bool) -> None:
        self._result = ChatResult(generations=[_without_cost(generation) for generation in kept])
        self._stream = stream
        self._given = False

    async def __anext__(self) -> BaseMessage:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return _as_chunk(self.partial()) if self._stream else self.partial()

    async def result(self) -> BaseMessage:
        self._given = True
        return self.partial()

    def partial(self) -> BaseMessage:
        return self._result.generations[0].message

    def origin(self) -> Response[Any]:
        return self

    def chat_result(self) -> ChatResult:
        """What the model had answered, as its hook gave it."""
        return self._result


def _without_cost(generation: Generation) -> ChatGeneration:
    """A kept answer as the caller's own: what comes from a cache costs nothing."""
    copied = _copied(generation)
    if not isinstance(copied, ChatGeneration):
        # A cache of text models' answers.
        return ChatGeneration(message=AIMessage(content=copied.text), generation_info=copied.generation_info)
    message = copied.message
    if isinstance(message, AIMessage) and message.usage_metadata is not None:
        usage: Any = {**message.usage_metadata, "total_cost": 0}
        copied.message = message.model_copy(update={"usage_metadata": usage})
    return copied


def _copied(generation: Generation) -> Generation:
    """A copy that shares no list or dict, so that what is done to an answer is not done to what is kept."""
    update: dict[str, Any] = {"generation_info": _inner_copied(generation.generation_info)}
    if isinstance(generation, ChatGeneration):
        message = generation.message
        fields = {name: _inner_copied(value) for name, value in message.__dict__.items()}
        update["message"] = message.model_copy(update=fields)
    return generation.model_copy(update=update)


def _inner_copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _inner_copied(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_inner_copied(item) for item in cast("list[Any]", value)]
    return value


def _as_chunk(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, AIMessage) or isinstance(message, AIMessageChunk):
        return message
    calls = [
        *((call["name"], json.dumps(call["args"]), call["id"]) for call in message.tool_calls),
        *((call["name"], call["args"], call["id"]) for call in message.invalid_tool_calls),
    ]
    return AIMessageChunk(
        content=message.content,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        name=message.name,
        id=message.id,
        tool_call_chunks=[
            tool_call_chunk(name=name, args=args, id=call_id, index=index)
            for index, (name, args, call_id) in enumerate(calls)
        ],
        chunk_position="last",
    )
