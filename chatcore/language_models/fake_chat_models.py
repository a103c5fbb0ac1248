"""Chat models for tests: they answer what they are told to."""

# ruff: noqa: ARG002 - a fake takes what a real model takes

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import anyio

from chatcore.engine.threads import in_thread
from chatcore.errors import InvalidInputError
from chatcore.language_models._scripted import Asked, ScriptedChatModel, Stall
from chatcore.language_models._simple import SimpleChatModel
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

__all__ = [
    "Asked",
    "FakeChatModel",
    "FakeListChatModel",
    "FakeListChatModelError",
    "FakeMessagesListChatModel",
    "GenericFakeChatModel",
    "ParrotFakeChatModel",
    "ScriptedChatModel",
    "Stall",
]


class FakeMessagesListChatModel(BaseChatModel):
    """Answers with one message after the other, and then from the first again.

    responses: the messages.
    sleep: seconds before each answer; None: none.
    i: which message is next.
    """

    responses: list[BaseMessage]
    sleep: float | None = None
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-messages-list-chat-model"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if self.sleep is not None:
            time.sleep(self.sleep)
        return self._next()

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if type(self)._generate is not FakeMessagesListChatModel._generate:
            return await in_thread(self._generate, messages, stop=stop, run_manager=run_manager, **kwargs)
        if self.sleep is not None:
            await anyio.sleep(self.sleep)
        return self._next()

    def _next(self) -> ChatResult:
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return ChatResult(generations=[ChatGeneration(message=response)])


class FakeListChatModelError(Exception):
    """What `FakeListChatModel` raises in the middle of a stream."""


class FakeListChatModel(SimpleChatModel):
    """Answers with one text after the other, and then from the first again; streams them a character at a time.

    responses: the texts.
    sleep: seconds before each answer, or before each chunk of a stream; None: none.
    i: which text is next.
    error_on_chunk_number: which chunk of a stream, from 0, is a `FakeListChatModelError`; None: none.
    """

    responses: list[str]
    sleep: float | None = None
    i: int = 0
    error_on_chunk_number: int | None = None

    @property
    def _llm_type(self) -> str:
        return "fake-list-chat-model"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"responses": self.responses}

    def _call(self, *args: Any, **kwargs: Any) -> str:
        del args, kwargs
        if self.sleep is not None:
            time.sleep(self.sleep)
        return self._next()

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        own = type(self)
        if own._call is not FakeListChatModel._call or own._generate is not SimpleChatModel._generate:  # noqa: SLF001 - its own
            return await super()._agenerate(messages, stop=stop, run_manager=run_manager, **kwargs)
        if self.sleep is not None:
            await anyio.sleep(self.sleep)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=self._next()))])

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._characters():
            if self.sleep is not None:
                time.sleep(self.sleep)
            yield self._unless_failing(*chunk)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._characters():
            if self.sleep is not None:
                await anyio.sleep(self.sleep)
            yield self._unless_failing(*chunk)

    def _next(self) -> str:
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return response

    def _characters(self) -> list[tuple[int, str, bool]]:
        text = self._next()
        return [(index, character, index == len(text) - 1) for index, character in enumerate(text)]

    def _unless_failing(self, index: int, character: str, last: bool) -> ChatGenerationChunk:  # noqa: FBT001 - a row
        if index == self.error_on_chunk_number:
            msg = f"chunk {index} was to fail"
            raise FakeListChatModelError(msg)
        return ChatGenerationChunk(message=AIMessageChunk(content=character, chunk_position="last" if last else None))

    if not TYPE_CHECKING:  # the signatures are the base's

        async def abatch(self, inputs, config=None, **kwargs):
            """Answer the inputs one after the other, so that each gets the text of its place."""
            configs = config if isinstance(config, Sequence) else [config or {}]
            one_by_one = [{**each, "max_concurrency": 1} for each in configs]
            return await super().abatch(inputs, one_by_one if configs is config else one_by_one[0], **kwargs)


class FakeChatModel(SimpleChatModel):
    """Answers "fake response"."""

    @property
    def _llm_type(self) -> str:
        return "fake-chat-model"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"key": "fake"}

    def _call(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> str:
        return "fake response"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages, stop=stop, run_manager=run_manager, **kwargs)


class GenericFakeChatModel(BaseChatModel):
    """Answers with what an iterator gives; streams it a word or a blank at a time, then its additional kwargs.

    messages: the iterator, of messages and texts: `iter([...])`, `itertools.cycle([...])`, a generator. An error that
        it raises is the call's.
    """

    messages: Iterator[AIMessage | str]

    @property
    def _llm_type(self) -> str:
        return "generic-fake-chat-model"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        try:
            message = next(self.messages)
        except StopIteration:
            msg = "The messages of this fake have come to their end; give it more, or itertools.cycle(...) of them."
            raise InvalidInputError(msg) from None
        answer = AIMessage(content=message) if isinstance(message, str) else message
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if type(self)._generate is not GenericFakeChatModel._generate:
            return await in_thread(self._generate, messages, stop=stop, run_manager=run_manager, **kwargs)
        return self._generate(messages, stop=stop, run_manager=run_manager, **kwargs)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        result = self._generate(messages, stop=stop, run_manager=run_manager, **kwargs)
        for chunk in _pieces(result.generations[0].message):
            yield ChatGenerationChunk(message=chunk)


class ParrotFakeChatModel(BaseChatModel):
    """Answers with the last message it was given."""

    @property
    def _llm_type(self) -> str:
        return "parrot-fake-chat-model"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        # A copy: the answer gets an id, and the caller's message must not.
        return ChatResult(generations=[ChatGeneration(message=messages[-1].model_copy())])


_BLANKS = re.compile(r"(\s)")


def _pieces(message: BaseMessage) -> Iterator[AIMessageChunk]:
    if not isinstance(message, AIMessage) or not isinstance(message.content, str):
        msg = f"Only an AIMessage with text can be streamed a word at a time, not {message!r}."
        raise InvalidInputError(msg)
    words = _BLANKS.split(message.content) if message.content else []
    for index, word in enumerate(words):
        last = index == len(words) - 1 and not message.additional_kwargs
        yield AIMessageChunk(content=word, id=message.id, chunk_position="last" if last else None)
    for key, value in message.additional_kwargs.items():
        for piece in _pieces_of_call(value) if key == "function_call" else [value]:
            yield AIMessageChunk(content="", id=message.id, additional_kwargs={key: piece})


def _pieces_of_call(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in call.items():
        for piece in re.split(r"(,)", value) if isinstance(value, str) else [value]:
            yield {key: piece}
