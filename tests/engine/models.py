"""Models to try the engine on: they do as they are told, and what they are in the middle of can be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
from pydantic import PrivateAttr

from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.model import BaseChatModel, Policies
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


class Watch:
    """What the hooks of a model are in the middle of."""

    def __init__(self) -> None:
        self.begun = 0
        self.active = 0
        self.peak = 0
        self.cleaned = 0
        self.asked: list[str] = []
        self.settings: list[dict[str, Any]] = []
        self._changed: anyio.Event | None = None

    def enter(self) -> None:
        """A hook has begun."""
        self.begun += 1
        self.active += 1
        self.peak = max(self.peak, self.active)
        self.tell()

    def leave(self) -> None:
        """A hook has cleaned up."""
        self.active -= 1
        self.cleaned += 1
        self.tell()

    def tell(self) -> None:
        """Whoever waits looks again."""
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something told makes `condition` true."""
        with anyio.fail_after(5):
            while not condition():
                self._changed = self._changed or anyio.Event()
                await self._changed.wait()


Answer = Callable[[str], Awaitable[Any]]
"""What a model says to a text: a str, an AIMessage or a ChatResult; or it raises."""


def said(answer: Any) -> ChatResult:
    if isinstance(answer, ChatResult):
        return answer
    message = answer if isinstance(answer, AIMessage) else AIMessage(content=answer)
    return ChatResult(generations=[ChatGeneration(message=message)])


async def echo(text: str) -> str:
    await anyio.lowlevel.checkpoint()
    return text


class Named(BaseChatModel):
    """A model that can say what it is called, with policies of its own."""

    policies: Policies = Policies()

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _policies(self) -> Policies:
        return self.policies


class Plain(Named):
    """One whole answer, by an async function of the last message's text. Cleaning up takes a few steps of the loop."""

    answer: Any = echo
    _watch: Watch = PrivateAttr(default_factory=Watch)

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        watch = self._watch
        watch.asked.append(messages[-1].text)
        watch.settings.append({**kwargs, "stop": stop} if stop is not None else kwargs)
        watch.enter()
        try:
            return said(await self.answer(messages[-1].text))
        finally:
            await cleaned_up()
            watch.leave()


class Streaming(Named):
    """An answer in chunks, by an async generator function of the last message's text."""

    chunks: Any = None
    _watch: Watch = PrivateAttr(default_factory=Watch)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        watch = self._watch
        watch.asked.append(messages[-1].text)
        watch.settings.append({**kwargs, "stop": stop} if stop is not None else kwargs)
        watch.enter()
        made = self.chunks(messages[-1].text)
        try:
            async for piece in made:
                yield piece if not isinstance(piece, str) else chunk(piece)
        finally:
            try:
                await made.aclose()
                await cleaned_up()
            finally:
                watch.leave()


async def cleaned_up() -> None:
    """Clean up as a client does that says goodbye to its server: in several steps, although cancelled."""
    with anyio.CancelScope(shield=True):
        for _ in range(3):
            await anyio.lowlevel.checkpoint()


def chunk(text: str, **fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text, **fields))


async def read_into(kept: list[Any], items: AsyncIterator[Any]) -> None:
    """Keep what comes, also if it ends in an error."""
    async for item in items:
        kept.append(item)  # noqa: PERF401 - a comprehension would keep nothing then


async def letters(text: str) -> AsyncIterator[str]:
    """Each letter of the text."""
    for letter in text:
        await anyio.lowlevel.checkpoint()
        yield letter


class SyncPlain(Named):
    """A model that only has sync code for a whole answer."""

    answer: Any = str

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return said(self.answer(messages[-1].text))


class SyncStreaming(Named):
    """A model that only has sync code for chunks."""

    chunks: Any = iter

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for piece in self.chunks(messages[-1].text):
            yield piece if not isinstance(piece, str) else chunk(piece)
