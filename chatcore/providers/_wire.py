"""What every codec's reading of an answer has in common: who answered, framing, and JSON that is not to be trusted.

A codec derives its stream's reader from `StreamDecoder`, which frames the bytes and keeps the order of chunks and
failures, and says what one event means. No I/O.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import pydantic_core

from chatcore.errors import ConnectionFailedError, MalformedResponseError, NotFoundError, ProviderError
from chatcore.http.sse import ServerSentEvent, SSEDecoder
from chatcore.http.status import error_from_event, redacted
from chatcore.messages import Accumulator
from chatcore.messages._json import read_json
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages.ai import build_chunk
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.outputs.chat_generation import build_generation_chunk as generation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chatcore.messages import AIMessage, AIMessageChunk

__all__ = [
    "EVENTS",
    "MAX_BODY_BYTES",
    "Exchange",
    "Framing",
    "StreamDecoder",
    "as_object",
    "as_objects",
    "as_text",
    "count",
    "excerpt",
    "generation",
    "opening",
    "parsed",
    "text_of",
    "unasked_stream",
    "whole_chunk",
    "word",
]

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""How large a whole answer, or one event of a stream, may be."""

EVENTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a stream of server-sent events may begin."""

EXCERPT: Final = 200
BOM: Final = b"\xef\xbb\xbf"
BEFORE: Final = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)++")
GZIP: Final = b"\x1f"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known of an answer before it is read.

    provider: the host's name, for errors and `model_provider`.
    model: the model asked for, for errors.
    request_id: the host's id of the request, for errors.
    metadata: what the reply's headers say; it joins the `response_metadata` of the message.
    secrets: keys that were sent; no error repeats them.
    """

    provider: str = "openai"
    model: str | None = None
    request_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def failed(self, payload: object) -> ProviderError:
        """The error that `payload` holds."""
        return error_from_event(
            payload, provider=self.provider, model=self.model, request_id=self.request_id, secrets=self.secrets
        )

    def sign(self, error: ProviderError) -> None:
        """Tell an error whose exchange failed, where it does not know: the way to the provider knows no model."""
        error.provider = error.provider or self.provider
        error.model = error.model or self.model
        error.request_id = error.request_id or self.request_id

    def broke_off(self, how: str) -> ConnectionFailedError:
        """The error of an answer that has no end."""
        msg = f"The answer of {self.provider} broke off: {how}. Ask again."
        return ConnectionFailedError(msg, request_id=self.request_id, provider=self.provider, model=self.model)

    def malformed(self, what: str, body: bytes | None = None) -> MalformedResponseError:
        """The error of an answer that cannot be read, with the beginning of it."""
        begins = None if body is None else redacted(excerpt(body), self.secrets)
        msg = f"The answer of {self.provider} {what}" + ("." if begins is None else f": {begins!r}.")
        return MalformedResponseError(
            msg, request_id=self.request_id, body=begins, provider=self.provider, model=self.model
        )

    def web_page(self, body: bytes) -> NotFoundError:
        """The error of a web page in place of an answer: of a wrong address, so that asking again is of no use."""
        begins = redacted(excerpt(body), self.secrets)
        msg = (
            f"The answer of {self.provider} is a web page, no answer of a model: check base_url. That of most servers "
            f"ends in /v1, as in 'http://localhost:8000/v1'. The page: {begins!r}."
        )
        return NotFoundError(
            msg, status=200, request_id=self.request_id, body=begins, provider=self.provider, model=self.model
        )


class Framing(Protocol):
    """What cuts a stream's bytes into events: of SSE, of lines, of a JSON array, ..."""

    def feed(self, part: bytes) -> Iterable[ServerSentEvent]:
        """Take the next bytes, cut anywhere, and give the events that they complete."""
        ...

    def finish(self) -> ServerSentEvent | None:
        """Say that no more bytes will come; the last event, if it had no end of its own."""
        ...


class StreamDecoder(ABC):
    """One streamed answer: bytes in, chunks out; the scaffold of every codec's decoder.

    A codec says by `_read` what one event means, by `_ended` how the answer ends, and by `_whole` what an answer is
    that came as one body although a stream was asked for. Of an answer that fails midway, the chunks before the
    failure are given first, wherever the bytes were cut.

    exchange: whose answer it is.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = ("_body", "_exchange", "_failure", "_framing", "_head", "_max_bytes", "_size", "_start", "done")

    def __init__(self, exchange: Exchange, *, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        self.done = False
        """Whether the stream has said that it is over, or has failed. Nothing after it is read."""
        self._exchange = exchange
        self._max_bytes = max_event_bytes
        self._framing: Framing | None = None
        # The first bytes, until they tell a stream from a body; then the parts of the body, if it is one.
        self._start = b""
        self._body: list[bytes] | None = None
        self._size = 0
        # The first bytes of a stream, until its first event.
        self._head: bytes | None = b""
        self._failure: ProviderError | None = None

    def feed(self, part: bytes) -> list[ChatGenerationChunk]:
        """Take the next bytes, cut anywhere, and return the chunks that they complete.

        Raises:
            ProviderError: the stream holds an error; of the class that its status, code or type means.
            MalformedResponseError: an event is not JSON, not an object, or too large.
        """
        framing = self._framing
        if framing is None:
            return self._begin(part)
        if self._failure is not None:
            raise self._failure
        if self._head is not None:
            self._head = (self._head + part)[:EXCERPT]
        chunks: list[ChatGenerationChunk] = []
        try:
            for event in framing.feed(part):
                self._head = None
                if self.done:
                    break
                self._read(event, chunks)
        except ProviderError as error:
            self._failure = error
            self.done = True
            if not chunks:
                raise
        return chunks

    def finish(self) -> list[ChatGenerationChunk]:
        """Say that no more bytes will come, and return the last chunks.

        Raises:
            ConnectionFailedError: the stream broke off: it neither said that it is over nor gave a finish reason.
            NotFoundError: the answer is a web page.
            MalformedResponseError: the answer holds nothing, or is not what it should be.
            ProviderError: the last event is an error.
        """
        if self._body is not None:
            return self._whole(b"".join(self._body))
        if self._failure is not None:
            raise self._failure
        chunks: list[ChatGenerationChunk] = []
        if not self.done:  # else what follows is not read, and may be anything
            self._read_rest(chunks)
        chunks.extend(self._ended())
        return chunks

    def _read_rest(self, chunks: list[ChatGenerationChunk]) -> None:
        """Read an event that has no end of its own."""
        framing = self._framing
        event = None if framing is None else framing.finish()
        if event is not None:
            # It may have been cut short. Whether that matters, `_ended` tells.
            with suppress(MalformedResponseError):
                self._read(event, chunks)
        elif self._head and isinstance(framing, SSEDecoder) and not self._head.startswith(EVENTS):
            raise self._exchange.malformed("is no stream of events", self._head)

    # ------------------------------------------------------------------------------------------------ what a codec says

    @abstractmethod
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        """Read one event, and append the chunks that it brings. Set `done` where it says that the answer is over."""

    @abstractmethod
    def _ended(self) -> list[ChatGenerationChunk]:
        """The last chunks, with what is said of the answer as a whole.

        Raises `ConnectionFailedError` (`exchange.broke_off`) for an answer that is not over.
        """

    @abstractmethod
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        """The chunks of an answer that came as one body."""

    def _framed(self, start: bytes) -> Framing | None:
        """What cuts this stream into events, by its first bytes; None for one body."""
        if start.startswith((b"{", b"[", b"<", b'"', GZIP)):
            return None
        return SSEDecoder(max_event_bytes=self._max_bytes)

    def _payload(self, name: str | None, data: bytes) -> dict[str, Any] | None:
        """An event's JSON object; None for an event of the host's own, such as a ping."""
        try:
            payload = read_json(data)
        except ValueError as error:
            if name == "error":
                raise self._exchange.failed({"error": {"message": data.decode("utf-8", "replace")}}) from error
            if name not in (None, "message"):
                return None
            raise self._exchange.malformed(f"is not JSON ({error})", data) from error
        if is_dict(payload):
            return payload
        if name not in (None, "message"):
            return None
        raise self._exchange.malformed("has an event that is no JSON object", data)

    # ---------------------------------------------------------------------------------------------- stream, or one body

    def _begin(self, part: bytes) -> list[ChatGenerationChunk]:
        if self._body is not None:
            self._keep(part)
            return []
        start = opening(self._start + part)
        if not start or (len(start) < len(BOM) and BOM.startswith(start)):
            self._start = start
            return []
        self._start = b""
        self._framing = self._framed(start)
        if self._framing is None:
            self._body = []
            self._keep(start)
            return []
        return self.feed(start)

    def _keep(self, part: bytes) -> None:
        body = cast("list[bytes]", self._body)
        self._size += len(part)
        if self._size > self._max_bytes:
            raise self._exchange.malformed(f"is larger than {self._max_bytes:,} bytes")
        body.append(part)


# ------------------------------------------------------------------------------------------------------- untrusted JSON


def opening(body: bytes) -> bytes:
    """`body` without what may stand before the JSON: a byte-order mark, white space that keeps a connection open."""
    before = BEFORE.match(body)
    return body if before is None else body[before.end() :]


def parsed(body: bytes, exchange: Exchange) -> Any:
    """The JSON of a whole answer.

    Raises:
        NotFoundError: it is a web page.
        MalformedResponseError: it is not JSON.
    """
    text = opening(body)
    try:
        return read_json(text)
    except ValueError as error:
        if text.startswith(b"<"):
            raise exchange.web_page(body) from error
        if text.startswith(GZIP):
            raise exchange.malformed("is compressed, and no header says so") from error
        raise exchange.malformed(f"is not JSON ({error})", body) from error


def count(fields: Mapping[str, Any], key: str) -> int | None:
    """A count of tokens: hosts write some as floats; None if it is absent, or no number."""
    value = fields.get(key)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def word(value: Any) -> str | None:
    """A name, id or reason; an empty one is how some gateways write null."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if value and isinstance(value, str) else None


def text_of(value: Any) -> str:
    """A text as it is; anything else as JSON."""
    return value if isinstance(value, str) else as_text(value)


def as_object(value: object) -> dict[str, Any]:
    """A JSON object as it is; an empty one for anything else."""
    return value if is_dict(value) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """The JSON objects of an array; none for anything else."""
    return [item for item in value if is_dict(item)] if is_list(value) else []


def as_text(value: Any) -> str:
    """A value as JSON text."""
    try:
        return pydantic_core.to_json(value).decode()
    except ValueError:
        # Half a character of a pair, which UTF-8 cannot hold: here it is an escape.
        return json.dumps(value, default=str)


def excerpt(body: bytes) -> str:
    """The beginning of a body, for errors."""
    text = body[: EXCERPT * 4].decode("utf-8", "replace").strip()
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "..."


def whole_chunk(result: ChatResult) -> ChatGenerationChunk:
    """An answer that came whole, as the one chunk of a stream."""
    first = result.generations[0]
    message = cast("AIMessage", first.message)
    calls = [(call["name"], as_text(call["args"]), call["id"]) for call in message.tool_calls]
    calls += [(call["name"] or "", call["args"] or "", call["id"]) for call in message.invalid_tool_calls]
    chunk = build_chunk(
        content=message.content,
        id=message.id,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        tool_call_chunks=[
            {"name": name, "args": args, "id": call_id, "index": index, "type": "tool_call_chunk"}
            for index, (name, args, call_id) in enumerate(calls)
        ],
        chunk_position="last",
    )
    return generation(chunk, first.generation_info)


def unasked_stream(body: bytes, decoder: StreamDecoder) -> ChatResult:
    """The answer of a host that streams although nobody asked it to."""
    merged = Accumulator()
    for chunk in (*decoder.feed(body), *decoder.finish()):
        merged.add(cast("AIMessageChunk", chunk.message))
    message = merged.message()
    info = {"finish_reason": message.response_metadata.get("finish_reason")}
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=info)])
