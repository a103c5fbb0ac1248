"""Bytes of an Ollama answer → messages, whole or streamed as lines of JSON. No I/O.

The wire is Ollama's own (https://docs.ollama.com/api/chat). Unlike most, it sends a tool call whole, with its arguments
as an object, and in older versions without an id. A call's result names the call, so that one without gets an id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from typing_extensions import override

from chatcore.errors import MalformedResponseError
from chatcore.http.ndjson import NDJSONDecoder
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._tool_calls import finished_calls
from chatcore.messages.ai import build_chunk, build_message
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers._wire import (
    EVENTS,
    MAX_BODY_BYTES,
    Exchange,
    Framing,
    StreamDecoder,
    as_object,
    as_objects,
    count,
    generation,
    opening,
    parsed,
    text_of,
    unasked_stream,
    whole_chunk,
    word,
)

if TYPE_CHECKING:
    from chatcore.http.sse import ServerSentEvent
    from chatcore.messages import ToolCallChunk, UsageMetadata

__all__ = ["AnswerDecoder", "decode_answer"]

_PIECE: Final = frozenset({"role", "content"})
"""The keys of a message that brings a piece of text and no more."""

_OF_PARTS: Final = frozenset({"message", "logprobs"})
"""What a line says of its own part of the answer; all else in the last line is about the whole."""


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    A line gives a chunk only if it brings something. What is said of the answer as a whole comes in the last chunk. A
    server that ignores `stream` and answers in one body is read as well, whatever its line breaks.

    exchange: whose answer it is.
    max_event_bytes: how large one line, or a body that is no stream, may be.
    """

    __slots__ = ("_calls", "_last_line", "_unread", "_unread_bytes")

    def __init__(self, exchange: Exchange, *, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        self._calls = 0
        self._last_line: dict[str, Any] | None = None
        # Lines that are no JSON each, before any that is: those of one body over several lines, perhaps.
        self._unread: list[bytes] = []
        self._unread_bytes = 0

    @override
    def _framed(self, start: bytes) -> Framing | None:
        return NDJSONDecoder(self._max_bytes) if start.startswith(b"{") else super()._framed(start)

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        if self._unread:
            self._keep_unread(event.data)
            return
        try:
            payload = self._payload(event.event, event.data)
        except MalformedResponseError:
            if self._last_line is not None:
                raise
            self._keep_unread(event.data)
            return
        if payload is None:
            return
        if payload.get("error"):
            raise self._exchange.failed(payload)
        self._last_line = payload
        message = payload.get("message")
        if is_dict(message):
            content = message.get("content")
            # What nearly every line is: a role and a piece of text.
            if message.keys() == _PIECE and type(content) is str and content and "logprobs" not in payload:
                chunks.append(generation(build_chunk(content)))
            elif (chunk := self._chunk(message, payload.get("logprobs"))) is not None:
                chunks.append(chunk)
        if payload.get("done") or payload.get("done_reason"):
            self.done = True

    def _chunk(self, message: dict[str, Any], logprobs: Any) -> ChatGenerationChunk | None:
        content: Any = message.get("content")
        content = text_of(content) if content else ""
        given: Any = message.get("tool_calls")
        calls = _calls(given, self._calls) if given else []
        self._calls += len(calls)
        extras = _extras(message)
        if not (content or calls or extras or logprobs):
            return None
        if logprobs and is_list(logprobs):
            chunk = build_chunk(
                content=content,
                additional_kwargs=extras,
                tool_call_chunks=calls,
                response_metadata={"logprobs": logprobs},
            )
            return generation(chunk, {"logprobs": logprobs})
        return generation(build_chunk(content=content, additional_kwargs=extras, tool_call_chunks=calls))

    def _keep_unread(self, line: bytes) -> None:
        self._unread_bytes += len(line) + 1
        if self._unread_bytes > self._max_bytes:
            raise self._exchange.malformed(f"is larger than {self._max_bytes:,} bytes")
        self._unread.append(line)

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if self._unread:
            # One body over several lines: its lines by themselves were read already.
            body = b"\n".join(self._unread)
            return [whole_chunk(_answer(parsed(body, self._exchange), body, self._exchange))]
        if not self.done:
            raise self._exchange.broke_off('its stream ended without a line that says "done"')
        last = as_object(self._last_line)
        metadata = _metadata(last, self._exchange)
        reason = metadata.get("finish_reason")
        message = build_chunk(response_metadata=metadata, usage_metadata=_usage(last), chunk_position="last")
        return [generation(message, {"finish_reason": reason} if reason else None)]

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`.

    body: the reply's bytes: JSON, or the lines of a server that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise; of the class that the error means.
        ConnectionFailedError: the body is a stream that is not over.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or no answer.
    """
    text = opening(body)
    if text.startswith(EVENTS):
        return unasked_stream(text, AnswerDecoder(exchange))
    try:
        value = parsed(body, exchange)
    except MalformedResponseError as error:
        return _streamed_unasked(text, exchange, error)
    return _answer(value, body, exchange)


def _answer(value: Any, body: bytes, exchange: Exchange) -> ChatResult:
    """The answer that one JSON value is."""
    answer = as_object(value)
    if answer.get("error"):
        raise exchange.failed(answer)
    message = answer.get("message")
    if not is_dict(message):
        raise exchange.malformed("holds no message", body)
    if answer.get("done") is False:
        raise exchange.broke_off('it is one line of a stream, and says that it is not "done"')
    metadata = _metadata(answer, exchange)
    info: dict[str, Any] = {"finish_reason": metadata.get("finish_reason")}
    logprobs: Any = answer.get("logprobs")
    if logprobs and is_list(logprobs):
        info["logprobs"] = metadata["logprobs"] = logprobs
    content: Any = message.get("content")
    calls, invalid = finished_calls(_calls(message.get("tool_calls"), 0))
    generated = ChatGeneration(
        message=build_message(
            content=text_of(content) if content else "",
            additional_kwargs=_extras(message),
            response_metadata=metadata,
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=_usage(answer),
        )
    )
    generated.generation_info = info
    result = ChatResult(generations=[generated])
    counts = {key: answer[key] for key in ("prompt_eval_count", "eval_count") if key in answer}
    result.llm_output = {"token_usage": counts, "model_name": word(answer.get("model"))}
    return result


def _streamed_unasked(text: bytes, exchange: Exchange, error: MalformedResponseError) -> ChatResult:
    """The answer of a server that streams unasked, which Ollama's own does where `stream` is left out."""
    first, end, _ = text.partition(b"\n")
    if not text.startswith(b"{") or not end or not first.rstrip().endswith(b"}"):
        raise error
    return unasked_stream(text, AnswerDecoder(exchange))


def _extras(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says beside its text: its thinking, and images that it made."""
    extras: dict[str, Any] = {}
    thinking: Any = message.get("thinking")
    if thinking:
        extras["reasoning_content"] = text_of(thinking)
    images: Any = message.get("images")
    if images and is_list(images):
        extras["images"] = images
    return extras


def _calls(given: Any, before: int) -> list[ToolCallChunk]:
    """Tool calls, each in one piece.

    before: how many came in earlier lines. Ollama numbers calls itself, but older versions begin anew at each line.
    """
    calls: list[ToolCallChunk] = []
    for index, call in enumerate(as_objects(given), before):
        function = as_object(call.get("function"))
        args: Any = function.get("arguments")
        calls.append(
            {
                "name": word(function.get("name")),
                "args": None if args is None else text_of(args),
                "id": word(call.get("id")) or f"call_{uuid4().hex}",
                "index": index,
                "type": "tool_call_chunk",
            }
        )
    return calls


def _metadata(answer: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """What is said of the whole answer: durations (nanoseconds), counts, the reason; under Ollama's names and ours."""
    metadata = {key: value for key, value in answer.items() if key not in _OF_PARTS}
    metadata["model_provider"] = exchange.provider
    if reason := word(answer.get("done_reason")):
        metadata["finish_reason"] = reason
    if model := word(answer.get("model")):
        metadata["model_name"] = model
    metadata.update(exchange.metadata)
    return metadata


def _usage(answer: dict[str, Any]) -> UsageMetadata | None:
    """The tokens: those of the prompt are left out of an answer whose prompt was in the cache as a whole."""
    given, made = count(answer, "prompt_eval_count"), count(answer, "eval_count")
    if given is None and made is None:
        return None
    return {
        "input_tokens": given or 0,
        "output_tokens": made or 0,
        "total_tokens": (given or 0) + (made or 0),
    }
