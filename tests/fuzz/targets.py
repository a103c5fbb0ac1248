"""What is fuzzed: every codec's reading of answers and writing of requests, and what must hold of them.

- Of any bytes, cut anywhere, comes a message or an error of `chatcore.errors`; which of them, the cuts do not decide.
- A message that was read can be looked at in every way, and sent back.
- Of any messages and settings comes a request that is JSON, or an error of `chatcore.errors`.
- All of it takes time in proportion to the size of what is read.
"""

from __future__ import annotations

import importlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from chatcore.errors import ChatCoreError
from chatcore.http.status import error_from
from chatcore.messages import Accumulator, AIMessage, BaseMessage, HumanMessage
from chatcore.outputs import ChatResult
from chatcore.providers._wire import Exchange, StreamDecoder
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import HOSTS, OPENAI
from tests.fuzz.corpus import STREAMS, WHOLE
from tests.http.event_streams import event as aws_event
from tests.http.event_streams import exception as aws_exception

__all__ = ["CODECS", "Codec", "TooSlowError", "check_answer", "check_request", "codec"]

SECONDS: Final = 1.0
SECONDS_PER_BYTE: Final = 0.000_5
"""How long a body may take, read in every way; generous, since machines are busy and small inputs have fixed costs."""


MADE_UP: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TooSlowError(AssertionError):
    """Reading or writing took longer than its size explains."""


@dataclass(frozen=True)
class Codec:
    """One wire's reading and writing.

    provider: who its messages say wrote them.
    framed: the bytes of a stream with these events.
    """

    name: str
    provider: str
    decode: Callable[[bytes, Exchange], ChatResult]
    decoder: Callable[[Exchange], StreamDecoder]
    encode: Callable[[Sequence[BaseMessage], Mapping[str, Any]], Mapping[str, Any]]
    framed: Callable[[Iterable[tuple[str | None, Any]]], bytes]

    @property
    def whole(self) -> list[bytes]:
        return [as_bytes(answer) for answer in WHOLE[self.name]]

    @property
    def streams(self) -> list[bytes]:
        return [self.framed(events) for events in STREAMS[self.name]]


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _server_sent(events: Iterable[tuple[str | None, Any]]) -> bytes:
    lines = [(f"event: {name}\n" if name else "").encode() + b"data: " + as_bytes(data) for name, data in events]
    return b"".join(line + b"\n\n" for line in lines)


def _until_done(events: Iterable[tuple[str | None, Any]]) -> bytes:
    return _server_sent(events) + b"data: [DONE]\n\n"


def _lines(events: Iterable[tuple[str | None, Any]]) -> bytes:
    return b"".join(as_bytes(data) + b"\n" for _, data in events)


def _aws(events: Iterable[tuple[str | None, Any]]) -> bytes:
    return b"".join(
        aws_exception(name, data) if name and name.endswith("Exception") else aws_event(name or "", data)
        for name, data in events
    )


# Module of the codec, who wrote its messages, whether its encoder wants a host, and how its streams are framed.
_WIRES: Final[dict[str, tuple[str, str, bool, Callable[[Iterable[tuple[str | None, Any]]], bytes]]]] = {
    "openai-chat": ("_openai_chat", "openai", True, _until_done),
    "openai-responses": ("_responses", "openai", True, _server_sent),
    "anthropic-messages": ("_anthropic", "anthropic", False, _server_sent),
    "gemini": ("_gemini", "google_genai", False, _server_sent),
    "ollama": ("_ollama", "ollama", False, _lines),
    "bedrock": ("_bedrock_converse", "bedrock_converse", False, _aws),
}

CODECS: Final = tuple(_WIRES)


@cache
def codec(name: str) -> Codec:
    module, provider, wants_host, framed = _WIRES[name]
    reading: Any = importlib.import_module(f"chatcore.providers.{module}")
    writing: Any = importlib.import_module(f"chatcore.providers.{module}_request")

    def encode(messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> Mapping[str, Any]:
        if not wants_host:
            return writing.encode_request(messages, settings)
        # Mistral takes reasoning as blocks, and has ids of its own.
        for host in (HOSTS["mistral"], OPENAI):
            body = writing.encode_request(messages, settings, host)
        return body

    return Codec(name, provider, reading.decode_answer, reading.AnswerDecoder, encode, framed)


# ------------------------------------------------------------------------------------------------------------- answers


def check_answer(codec: Codec, body: bytes, cuts: Sequence[int] = ()) -> None:
    """Hold what must hold of an answer: read whole, as a stream, and as a stream cut at these places."""
    began = time.process_time()
    exchange = Exchange(codec.provider, "model-1", "req-1")
    _look(codec, _outcome(lambda: _whole(codec, body, exchange)))
    uncut = _outcome(lambda: _streamed(codec, [body], exchange))
    _look(codec, uncut)
    if cuts:
        places = sorted({min(abs(cut), len(body)) for cut in cuts})
        parts = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
        in_parts = _outcome(lambda: _streamed(codec, parts, exchange))
        assert _shown(in_parts) == _shown(uncut), "the cuts decide what is read"
    assert isinstance(error_from(500, {}, body, provider=codec.provider), ChatCoreError)
    _hold(began, len(body))


def _whole(codec: Codec, body: bytes, exchange: Exchange) -> list[AIMessage]:
    found = [generation.message for generation in codec.decode(body, exchange).generations]
    assert all(isinstance(message, AIMessage) for message in found)
    return found  # type: ignore[return-value]


def _streamed(codec: Codec, parts: list[bytes], exchange: Exchange) -> list[AIMessage]:
    decoder = codec.decoder(exchange)
    merged = Accumulator()
    chunks: list[Any] = []
    for part in parts:
        if decoder.done:
            break
        chunks += decoder.feed(part)
    chunks += decoder.finish()
    for chunk in chunks:
        assert chunk.message.content_blocks is not None
        merged.add(chunk.message)
    return [merged.message()]


def _outcome(read: Callable[[], list[AIMessage]]) -> list[AIMessage] | ChatCoreError:
    try:
        return read()
    except ChatCoreError as error:
        return error


def _shown(outcome: list[AIMessage] | ChatCoreError) -> Any:
    if isinstance(outcome, ChatCoreError):
        return type(outcome)
    # As JSON, since nan is not equal to itself; without the ids that codecs make up.
    return [MADE_UP.sub("id", message.model_dump_json()) for message in outcome]


def _look(codec: Codec, outcome: list[AIMessage] | ChatCoreError) -> None:
    """Look at an answer in every way, and send it back."""
    if isinstance(outcome, ChatCoreError):
        assert str(outcome)
        return
    for message in outcome:
        assert isinstance(message.text, str)
        assert message.content_blocks is not None
        assert message.pretty_repr()
        # Codecs make messages without validating them.
        AIMessage.model_validate(message.model_dump(warnings="error"))
        check_request(codec, [HumanMessage("Hi"), message, HumanMessage("Go on")], {"model": "model-1"})


# ------------------------------------------------------------------------------------------------------------ requests


def check_request(codec: Codec, messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> None:
    """Hold that messages and settings make a request that is JSON, or an error that says why not."""
    began = time.process_time()
    before = [message.model_dump() for message in messages]
    try:
        content = to_json(codec.encode(messages, settings))
    except ChatCoreError:
        return
    assert repr([message.model_dump() for message in messages]) == repr(before), (
        "writing a request changes its messages"
    )
    json.loads(content)
    _hold(began, len(content))


def _hold(began: float, size: int) -> None:
    took = time.process_time() - began
    if took > SECONDS + size * SECONDS_PER_BYTE:
        msg = f"{size:,} bytes took {took:.1f} s"
        raise TooSlowError(msg)
