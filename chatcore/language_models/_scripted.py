"""A chat model for tests that follows a script: texts, chunks, tool calls, errors and stalls, on cue."""

# ruff: noqa: ARG002 - a fake takes what a real model takes

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import anyio
from pydantic import PrivateAttr

from chatcore.engine._host import Host, current_host
from chatcore.errors import InvalidInputError
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk, BaseMessage
from chatcore.messages.tool import tool_call_chunk
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult

__all__ = ["Asked", "ScriptedChatModel", "Stall"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that a `ScriptedChatModel` got.

    messages: the prompt.
    settings: the call's keyword arguments: stop, tools, ...
    streamed: whether it was asked for chunks.
    """

    messages: list[BaseMessage]
    settings: Mapping[str, Any]
    streamed: bool


class Stall:
    """A step of a script that waits.

    seconds: for how long; None: until `release` is called.

    reached: whether a call has come to it.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.reached = False
        self._released = False
        self._waiting: list[tuple[Host, anyio.Event]] = []

    def release(self) -> None:
        """Let all calls go on that wait here, and those that will come; from any thread."""
        self._released = True
        for host, event in list(self._waiting):
            host.post(event.set)

    async def wait(self) -> None:
        """Wait here."""
        self.reached = True
        if self.seconds is not None:
            with anyio.move_on_after(self.seconds):
                await self._until_released()
        else:
            await self._until_released()

    async def _until_released(self) -> None:
        waiting = (current_host(), anyio.Event())
        self._waiting.append(waiting)
        try:
            # Looked at only now: whoever releases looks the other way round.
            if not self._released:
                await waiting[1].wait()
        finally:
            self._waiting.remove(waiting)


Part = Any
"""A part of an answer: a text, a message or chunk, a tool call (a dict with `name` and `args`), an error, a `Stall`."""


class ScriptedChatModel(BaseChatModel):
    """A chat model for tests that answers each call with the next step of its script, on asyncio and trio.

    ::

        from chatcore import RateLimited, StreamInterrupted

        model = ScriptedChatModel(
            script=[
                {"name": "add", "args": {"a": 1, "b": 2}},  # a tool call
                ["The sum ", "is 3."],  # two chunks
                RateLimited("slow down"),  # an error, before the first chunk
                ["The su", Stall(), "m is 3."],  # waits until it is released
                ["The su", StreamInterrupted("cut off")],  # an error in the middle
            ]
        )

    Copies of the model (with tools, retries, ...) read on in the same script.

    script: a step for each call: a text, an `AIMessage`, a dict with `name` and `args` (a tool call; its `id` is made,
        if none is given), an exception or its class, a `Stall`, a function of the messages that returns any of these,
        or a list of parts, which are the chunks of a stream: texts, `AIMessageChunk`s, tool calls, exceptions, stalls.
    repeat: whether the script begins again after its last step; if not, another call is a ValueError.
    asked: the calls so far, each with messages, settings, and whether it was streamed.
    """

    script: list[Any]
    repeat: bool = False

    _takes_tools: ClassVar[bool] = True
    _asked: list[Asked] = PrivateAttr(default_factory=list[Asked])

    @property
    def _llm_type(self) -> str:
        return "scripted-chat-model"

    @property
    def asked(self) -> list[Asked]:
        """The calls so far, in the order in which they came."""
        return self._asked

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        step = self._next(messages, stop, kwargs, streamed=False)
        if isinstance(step, AIMessage) and not isinstance(step, AIMessageChunk):
            # A copy, so that a script that is repeated says the same.
            return ChatResult(generations=[ChatGeneration(message=step.model_copy(deep=True))])
        joined = Accumulator()
        async for chunk in self._played(step):
            joined.add(chunk)
        return ChatResult(generations=[ChatGeneration(message=joined.message())])

    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        return self._played(self._next(messages, stop, kwargs, streamed=True))

    def _next(
        self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any], *, streamed: bool
    ) -> Any:
        number = len(self._asked)
        if number >= len(self.script) and not (self.repeat and self.script):
            msg = (
                f"The script has {len(self.script)} steps, and this is call {number + 1}. Add a step, or give"
                " repeat=True."
            )
            raise InvalidInputError(msg)
        self._asked.append(Asked(list(messages), settings if stop is None else {**settings, "stop": stop}, streamed))
        step = self.script[number % len(self.script)]
        if callable(step) and not isinstance(step, type):
            step = cast("Callable[[list[BaseMessage]], Any]", step)(messages)
        return step

    async def _played(self, step: Any) -> AsyncIterator[AIMessageChunk]:
        parts: Iterable[Any] = cast("list[Any]", step) if isinstance(step, list) else [step]
        calls = 0
        empty = True
        for part in parts:
            if isinstance(part, Stall):
                await part.wait()
            elif isinstance(part, BaseException) or (isinstance(part, type) and issubclass(part, BaseException)):
                raise part
            else:
                for chunk in _chunks_of(part, calls):
                    empty = False
                    calls += len(chunk.tool_call_chunks)
                    yield chunk
        if empty:
            yield AIMessageChunk(content="")


def _chunks_of(part: Any, calls: int) -> list[AIMessageChunk]:
    if isinstance(part, str):
        return [AIMessageChunk(content=part)]
    if isinstance(part, AIMessageChunk):
        return [part.model_copy(deep=True)]
    if isinstance(part, AIMessage):
        chunk = AIMessageChunk(
            content=part.content,
            additional_kwargs=part.additional_kwargs,
            response_metadata=part.response_metadata,
            usage_metadata=part.usage_metadata,
            id=part.id,
        )
        return [chunk, *(made for n, call in enumerate(part.tool_calls) for made in _chunks_of({**call}, calls + n))]
    if isinstance(part, dict) and "name" in part:
        call = cast("dict[str, Any]", part)
        args: Any = call.get("args", {})
        made = tool_call_chunk(
            name=call["name"],
            # Text is taken as it is, so that a script may hold arguments that are no JSON.
            args=args if isinstance(args, str) else json.dumps(args),
            id=call.get("id") or f"call_{calls + 1}",
            index=calls,
        )
        return [AIMessageChunk(content="", tool_call_chunks=[made])]
    msg = f"A script has texts, messages, tool calls (dicts with name and args), errors and Stalls, not {part!r}."
    raise InvalidInputError(msg)
