"""Structured output: a model whose answers are objects of a schema.

::

    model.with_structured_output(Person)

      Asking               asked again with what was wrong (`retries`); `include_raw`
        sequence
          model            bound to a tool, or to the provider's own JSON mode
          AnswerParser     reads its chunks: partial objects as they grow, at the end the valid one

An answer that is not valid is never passed over in silence: it is a `StructuredOutputError` that carries the message.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

from chatcore.engine._opening import opening
from chatcore.engine.request import AddableDict, ChunksOf, Open, Request, Response, Whole
from chatcore.errors import InvalidInputError
from chatcore.exceptions import OutputParserException
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from chatcore.messages._shapes import is_dict, is_list
from chatcore.runnables._runnable import Runnable, _Transformer
from chatcore.schemas._answers import AnswerSchema, SchemaMismatchError
from chatcore.schemas._json import partial_json, whole_json

__all__ = ["AnswerParser", "Asking", "Method", "StructuredOutputError"]

Method = Literal["json_schema", "function_calling", "json_mode"]
"""How a model is brought to answer in a schema: the provider holds it to the schema, it calls a tool, or it is only
held to JSON."""


class StructuredOutputError(OutputParserException):
    """A model's answer is no object of the schema. Another attempt may do better; `retries=` makes it.

    raw: the answer.
    problems: what is wrong with it, each with its place.
    """

    is_retryable = True

    def __init__(self, message: str, *, raw: AIMessage, problems: Sequence[str] = ()) -> None:
        super().__init__(message, llm_output=raw.text)
        self.raw = raw
        self.problems = tuple(problems)


class AnswerParser(Runnable[AIMessage, Any], _Transformer):
    """Makes objects of a model's answers: partial ones while they come, a valid one at the end.

    Args:
        answer: the schema.
        method: how the model was asked.
        raw: give a dict with the message (`raw`), the object (`parsed`) and None (`parsing_error`), not the object.
        others: whether the model may call other tools instead.
    """

    _kind: ClassVar[str] = "parser"

    def __init__(self, answer: AnswerSchema, method: Method, *, raw: bool = False, others: bool = False) -> None:
        self.answer = answer
        self.name = f"AnswerParser<{answer.name}>"
        self._by_tool = method == "function_calling"
        self._raw = raw
        self._others = others

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        upstream: Response[Any] = request.upstream or Whole(request.input)
        if request.stream:
            yield _Objects(self, upstream)
        else:
            yield Whole(self.whole(await upstream.result()))

    def whole(self, message: object) -> Any:
        """What `message` comes to.

        Raises:
            StructuredOutputError: it is not valid.
        """
        if not isinstance(message, AIMessage):
            msg = f"Structured output is made of a model's message, not of {type(message).__name__}."
            raise InvalidInputError(msg)
        parsed = self._parsed(message)
        return {"raw": message, "parsed": parsed, "parsing_error": None} if self._raw else parsed

    def _parsed(self, message: AIMessage) -> Any:
        if self._raw and self._others and message.tool_calls and not self._by_tool:
            # It has asked for something else first.
            return None
        try:
            return self.answer.parse(self._value(message))
        except SchemaMismatchError as error:
            raise StructuredOutputError(
                f"{error}{_why(message)}", raw=message, problems=error.problems
            ) from error.__cause__

    def _value(self, message: AIMessage) -> Any:
        name = self.answer.name
        if self._by_tool:
            for call in message.tool_calls:
                if call["name"] == name:
                    return call["args"]
            for invalid in message.invalid_tool_calls:
                if invalid["name"] == name:
                    problem = f"the arguments of {name} are not valid JSON: {invalid['error'] or invalid['args']}"
                    raise self._error(message, problem)
            raise self._error(message, f"the tool {name} was not called")
        refusal = message.additional_kwargs.get("refusal") or _refusal_in(message.content)
        if refusal:
            raise self._error(message, f"the model refuses: {refusal}")
        if message.tool_calls and not message.text:
            called = ", ".join(call["name"] for call in message.tool_calls)
            raise self._error(message, f"the model calls {called} first; include_raw=True gives you its message")
        try:
            return whole_json(message.text)
        except ValueError as error:
            raise self._error(message, f"it is not JSON: {error}") from error

    def _error(self, message: AIMessage, problem: str) -> StructuredOutputError:
        return StructuredOutputError(
            f"The answer is no {self.answer.name}: {problem}{_why(message)}", raw=message, problems=(problem,)
        )

    def growing(self, chunk: AIMessageChunk) -> str:
        """The JSON text in a chunk of the answer."""
        if not self._by_tool:
            return chunk.text
        return "".join(part["args"] or "" for part in chunk.tool_call_chunks if part["index"] in (None, 0))

    def part(self, text: str) -> Any:
        """The object as far as it has come; None if there is nothing of it yet."""
        return self.answer.parse_partial(partial_json(text))


def _refusal_in(content: Any) -> str:
    """What the blocks of a refusal say, where a provider has them in the content."""
    blocks = [block for block in content if is_dict(block)] if is_list(content) else []
    return "".join(str(block.get("refusal")) for block in blocks if block.get("type") == "refusal")


_CUT_OFF = ("length", "max_tokens", "max_output_tokens")


def _why(message: AIMessage) -> str:
    said = message.response_metadata
    if said.get("finish_reason") in _CUT_OFF or said.get("stop_reason") in _CUT_OFF:
        return ". It was cut off: give it more `max_tokens`."
    return "."


_PARSED_AT_LEAST = 256


class _Parts(AddableDict):
    """A part of a dict of message and object. Added up: messages are joined, and an object takes the last one's place.

    begins: whether an attempt begins with it; what came before was not valid.
    """

    begins = False

    def __add__(self, other: Mapping[str, Any]) -> AddableDict:
        total = _Parts({} if isinstance(other, _Parts) and other.begins else self)
        for key, value in other.items():
            before = total.get(key)
            total[key] = value if key != "raw" or before is None else before + value
        return total


class _Objects:
    """The objects that an answer's chunks come to, one after the other."""

    __slots__ = (
        "_begun",
        "_chunks",
        "_done",
        "_last",
        "_length",
        "_parser",
        "_read",
        "_texts",
        "_upstream",
        "_waiting",
    )

    def __init__(self, parser: AnswerParser, upstream: Response[Any]) -> None:
        self._parser = parser
        self._upstream = upstream
        self._chunks = ChunksOf(upstream)
        self._begun = False
        self._texts: list[str] = []
        self._length = 0
        self._read = 0
        self._last: Any = None
        self._done: list[Any] = []
        self._waiting: list[Any] = []

    async def __anext__(self) -> Any:
        if self._waiting:
            return self._waiting.pop()
        if self._done:
            raise StopAsyncIteration
        async for chunk in self._chunks:
            part = self._part(chunk)
            if self._parser._raw:  # noqa: SLF001 - the same module
                if part is not None:
                    self._waiting.append(_Parts(parsed=part))
                first = _Parts(raw=chunk)
                first.begins, self._begun = not self._begun, True
                return first
            if part is not None:
                return part
        whole = self._parser.whole(await self._upstream.result())
        self._done.append(whole)
        if not self._parser._raw:  # noqa: SLF001 - as above
            if whole == self._last:
                raise StopAsyncIteration
            return whole
        return _Parts(parsed=whole["parsed"], parsing_error=None)

    def _part(self, chunk: Any) -> Any:
        """The object as far as it has come, if it has grown."""
        if not isinstance(chunk, AIMessageChunk):
            return None
        text = self._parser.growing(chunk)
        if not text:
            return None
        self._texts.append(text)
        self._length += len(text)
        # Each look reads the whole text. Looking when it has grown by some part of itself keeps the sum of them linear.
        if (self._length - self._read) * _PARSED_AT_LEAST < self._length:
            return None
        self._read = self._length
        self._texts = ["".join(self._texts)]
        part = self._parser.part(self._texts[0])
        if part is None or part == self._last:
            return None
        self._last = part
        return part

    async def result(self) -> Any:
        with suppress(StopAsyncIteration):
            while True:
                await self.__anext__()
        return self._done[0]

    def partial(self) -> Any:
        return self._done[0] if self._done else self._last

    def origin(self) -> Response[Any]:
        return self


# --------------------------------------------------------------------------------------------------------------- again


@dataclass(frozen=True, slots=True)
class Asking:
    """Ask again when an answer is not valid, telling the model what was wrong; and keep an error as a result, if asked.

    retries: how often.
    keep: after the last time, give a dict with the message and the error instead of raising it.
    """

    run_name: ClassVar[str | None] = None

    retries: int = 0
    keep: bool = False

    @opening
    async def __call__(self, request: Request, next_open: Open) -> AsyncGenerator[Response[Any]]:
        """Open what is below, and again while its answer is not valid."""
        async with AsyncExitStack() as stack:
            asked = _Asked(self, request, next_open, stack)
            response = await asked.opened()
            yield asked if request.stream else response  # noqa: ASYNC119 - a context manager's


class _Asked:
    """A response that begins anew when its answer turns out to be invalid."""

    __slots__ = ("_asking", "_left", "_open", "_request", "_response", "_stack")

    def __init__(self, asking: Asking, request: Request, next_open: Open, stack: AsyncExitStack) -> None:
        self._asking = asking
        self._left = asking.retries
        self._request = request
        self._open = next_open
        self._stack = stack
        self._response: Response[Any]

    async def opened(self) -> Response[Any]:
        """The response of the first attempt that opens."""
        while True:
            try:
                self._response = await self._stack.enter_async_context(self._open(self._request))
            except StructuredOutputError as error:
                if not await self._again(error):
                    break
            else:
                break
        return self._response

    async def __anext__(self) -> Any:
        while True:
            try:
                return await self._response.__anext__()
            except StructuredOutputError as error:
                if not await self._again(error):
                    kept = await self._response.result()
                    self._response = Whole(kept)
                    await self._response.__anext__()
                    return _Parts(parsed=None, parsing_error=error)
            await self.opened()

    async def _again(self, error: StructuredOutputError) -> bool:
        """Whether to ask once more. If not, the error is raised, or has become the response."""
        await self._stack.aclose()
        if self._left:
            self._left -= 1
            self._request = self._request.edited(input=_corrected(self._request.input, error), prepared=None)
            return True
        if not self._asking.keep:
            raise error
        self._response = Whole({"raw": error.raw, "parsed": None, "parsing_error": error})
        return False

    async def result(self) -> Any:
        with suppress(StopAsyncIteration):
            while True:
                await self.__anext__()
        return await self._response.result()

    def partial(self) -> Any:
        return self._response.partial()

    def origin(self) -> Response[Any]:
        return self


def _corrected(given: Any, error: StructuredOutputError) -> list[Any]:
    """The conversation, with the answer that was not valid and what is wrong with it."""
    messages: list[Any]
    if isinstance(given, str):
        messages = [HumanMessage(content=given)]
    elif hasattr(given, "to_messages"):
        messages = list(given.to_messages())
    else:
        messages = list(cast("Sequence[Any]", given))
    raw = error.raw
    told = f"{'; '.join(error.problems) or error}\n\nAnswer again, in full, and as the schema says."
    calls: list[Mapping[str, Any]] = [*raw.tool_calls, *raw.invalid_tool_calls]
    if not calls:
        return [*messages, raw, HumanMessage(content=told)]
    # A provider takes a message with calls only if each is answered; and it takes only calls whose arguments are JSON.
    asked = AIMessage(
        content=raw.content,
        tool_calls=[
            {"name": call["name"] or "", "args": _args(call["args"]), "id": call["id"] or f"call_{index}"}
            for index, call in enumerate(calls)
        ],
    )
    answers = [
        ToolMessage(content=told, tool_call_id=cast("str", call["id"]), status="error") for call in asked.tool_calls
    ]
    return [*messages, asked, *answers]


def _args(given: object) -> dict[str, Any]:
    if isinstance(given, dict):
        return cast("dict[str, Any]", given)
    try:
        value = json.loads(cast("str", given))
    except (TypeError, ValueError):
        return {"not_json": given}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {"not_json": value}
