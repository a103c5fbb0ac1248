"""Text fakes for tests of chains: they answer a prompt with the next of their texts.

There are no text completion models in chatcore, only these.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, cast

import anyio

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response, Streamed, Whole
from chatcore.errors import InvalidInputError
from chatcore.messages import convert_to_messages
from chatcore.model import LanguageModelInput
from chatcore.prompt_values import ChatPromptValue, PromptValue
from chatcore.runnables._serializable import RunnableSerializable

__all__ = ["FakeListLLM", "FakeListLLMError", "FakeStreamingListLLM"]


class FakeListLLMError(Exception):
    """What `FakeStreamingListLLM` raises in the middle of a stream."""


class FakeListLLM(RunnableSerializable[LanguageModelInput, str]):
    """Answers with one text after the other, and then from the first again.

    Its input is what a chat model takes; its answer is a str. Where it is one step of a chain, listeners are told of
    a chain's run, since no model is asked.

    responses: the texts.
    sleep: for `FakeStreamingListLLM`.
    i: which text is next.
    """

    responses: list[str]
    sleep: float | None = None
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-list"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"responses": self.responses}

    def asdict(self) -> dict[str, Any]:
        """What tells this fake from others: its texts and its type (`_type`)."""
        return {**self._identifying_params, "_type": self._llm_type}

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[str]]:
        yield Whole(self._next(request))

    def _next(self, request: Request) -> str:
        _text(request.input)
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return response


class FakeStreamingListLLM(FakeListLLM):
    """Answers as `FakeListLLM` does; streams its text a character at a time.

    sleep: seconds before each character of a stream; None: none.
    error_on_chunk_number: which chunk of a stream, from 0, is a `FakeListLLMError`; None: none.
    """

    error_on_chunk_number: int | None = None

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[str]]:
        text = self._next(request)
        if not request.stream or not text:
            yield Whole(text)
            return
        characters = self._characters(text)
        try:
            yield Streamed(await anext(characters), characters)
        finally:
            with anyio.move_on_after(CLOSING_SECONDS, shield=True):
                await characters.aclose()

    async def _characters(self, text: str) -> AsyncGenerator[str]:
        for number, character in enumerate(text):
            if self.sleep is not None:
                await anyio.sleep(self.sleep)
            if number == self.error_on_chunk_number:
                msg = f"chunk {number} was to fail"
                raise FakeListLLMError(msg)
            yield character


def _text(given: object) -> str:
    """A prompt as a text."""
    if isinstance(given, str):
        return given
    if isinstance(given, PromptValue):
        return given.to_string()
    if isinstance(given, Sequence) and not isinstance(given, bytes | bytearray):
        return ChatPromptValue(messages=convert_to_messages(cast("Sequence[Any]", given))).to_string()
    msg = (
        f"A fake takes what a chat model takes, a str, a list of messages or a PromptValue, not {type(given).__name__}."
    )
    raise InvalidInputError(msg)
