"""The bytes of OpenAI's chat completions: bodies, stream events, errors, and the HTTP heads before them.

Shapes: https://platform.openai.com/docs/api-reference/chat. `reasoning_content` is DeepSeek's, and vLLM's after it.
"""

from __future__ import annotations

import http
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from pydantic_core import to_json

from chatcore.testing._answers import Answer, Call, Choice
from chatcore.testing._text import chance, count_tokens, others, pieces

__all__ = [
    "DONE",
    "Event",
    "completion",
    "error",
    "events",
    "framed",
    "head",
    "model_card",
    "models",
    "reason",
    "retry_after",
]

DONE = b"data: [DONE]\n\n"

# The same in every run: what the simulator says depends on its seed and on the request alone.
_CREATED = 1_700_000_000
_FINGERPRINT = "fp_simulator"

_REASONS = {status.value: status.phrase.encode() for status in http.HTTPStatus} | {529: b"Site is overloaded"}


class Event(NamedTuple):
    """One server-sent event, and how many tokens have been made when it is due."""

    data: bytes
    tokens: int


# ----------------------------------------------------------------------------------------------------------------- HTTP


class _Date:
    """The `date` header's value, made once a second."""

    second = 0
    text = b""

    @classmethod
    def now(cls) -> bytes:
        second = int(time.time())
        if second != cls.second:
            cls.second = second
            cls.text = formatdate(second, usegmt=True).encode()
        return cls.text


def head(status: int, content_type: str | None, length: int | None, *lines: bytes, close: bool) -> bytes:
    """The head of a response.

    length: of the body; None: not said.
    lines: more header lines, each ended by CRLF.
    close: whether the connection ends with this response.
    """
    parts = [
        b"HTTP/1.1 %d %b\r\ndate: %b\r\nserver: chatcore-simulator\r\n"
        % (status, _REASONS.get(status, b"Unknown"), _Date.now()),
        *lines,
    ]
    if content_type is not None:
        parts.append(b"content-type: %b\r\n" % content_type.encode())
    if length is not None:
        parts.append(b"content-length: %d\r\n" % length)
    if close:
        parts.append(b"connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def reason(status: int) -> str:
    """What a status is called."""
    return _REASONS.get(status, b"Unknown").decode()


def retry_after(seconds: float | None) -> bytes:
    """The header lines that say when to come again: OpenAI sends whole seconds, and milliseconds besides."""
    if seconds is None:
        return b""
    return b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (math.ceil(seconds), math.ceil(seconds * 1000))


def framed(data: bytes) -> bytes:
    """Data as one chunk of the chunked transfer encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


# --------------------------------------------------------------------------------------------------------------- bodies


def error(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> bytes:
    """OpenAI's error object."""
    return to_json({"error": {"message": message, "type": kind, "param": param, "code": code}})


def models(names: Sequence[str]) -> bytes:
    """The list of models."""
    return to_json({"object": "list", "data": [model_card(name) for name in names]})


def model_card(name: str) -> Mapping[str, Any]:
    """One model, as the list has it."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "chatcore-simulator"}


def completion(answer: Answer) -> bytes:
    """The body of a plain reply."""
    return to_json(
        {
            "id": answer.id,
            "object": "chat.completion",
            "created": _CREATED,
            "model": answer.model,
            "choices": [
                {
                    "index": index,
                    "message": _message(choice),
                    "logprobs": _logprobs(choice.reply.text or "", answer.top_logprobs) if answer.logprobs else None,
                    "finish_reason": choice.finish_reason,
                }
                for index, choice in enumerate(answer.choices)
            ],
            "usage": answer.usage,
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }
    )


def _message(choice: Choice) -> dict[str, Any]:
    reply = choice.reply
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.text,
        "refusal": reply.refusal,
        "annotations": [],
    }
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if choice.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.calls
        ]
    return message


def _logprobs(text: str, alternatives: int) -> dict[str, Any]:
    return {"content": [_token(token, alternatives) for token in pieces(text)], "refusal": None}


def _token(token: str, alternatives: int) -> dict[str, Any]:
    drawn = chance(token.encode()[:16], b"logprob", 1)
    tops = [_likelihood(token, -drawn)]
    # Each of the others has half of the probability that is left, and so none has more than the token itself.
    left = max(1 - math.exp(-drawn), 1e-6)
    for rank, other in enumerate(others(token, alternatives - 1), 1):
        tops.append(_likelihood(other, math.log(left) - rank * math.log(2)))
    return {**tops[0], "top_logprobs": tops[:alternatives]}


def _likelihood(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 4), "bytes": list(token.encode())}


# --------------------------------------------------------------------------------------------------------------- events


def events(answer: Answer, *, include_usage: bool) -> Iterator[Event]:
    """The events of a streamed reply: role, deltas, finish reasons, the usage if asked for, and `[DONE]`."""
    opening = to_json(
        {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": answer.model,
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }
    )[:-1]
    closing = b'],"usage":null}\n\n' if include_usage else b"]}\n\n"
    frame = _Frame(b"data: " + opening + b',"choices":[', closing)
    tokens = 0
    alternatives = answer.top_logprobs if answer.logprobs else None
    streams = [_deltas(choice, alternatives) for choice in answer.choices]
    # The choices come by turns, as a provider that makes them side by side sends them.
    for index, delta in _by_turns(streams):
        tokens += delta.tokens
        yield Event(frame.around(index, delta.data, delta.logprobs, None), tokens)
    for index, choice in enumerate(answer.choices):
        yield Event(frame.around(index, b"{}", None, choice.finish_reason), tokens)
    if include_usage:
        yield Event(frame.prefix + b'],"usage":' + to_json(answer.usage) + b"}\n\n", tokens)
    yield Event(DONE, tokens)


class _Frame(NamedTuple):
    """What is the same in every event of one stream."""

    prefix: bytes
    suffix: bytes

    def around(self, index: int, delta: bytes, logprobs: bytes | None, finish_reason: str | None) -> bytes:
        return b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}%b' % (
            self.prefix,
            index,
            delta,
            logprobs or b"null",
            b"null" if finish_reason is None else to_json(finish_reason),
            self.suffix,
        )


class _Delta(NamedTuple):
    data: bytes
    tokens: int
    logprobs: bytes | None = None


def _by_turns(streams: Sequence[Iterator[_Delta]]) -> Iterator[tuple[int, _Delta]]:
    if len(streams) == 1:
        for delta in streams[0]:
            yield 0, delta
        return
    for turn in zip_longest(*streams):
        for index, delta in enumerate(turn):
            if delta is not None:
                yield index, delta


def _deltas(choice: Choice, alternatives: int | None) -> Iterator[_Delta]:
    reply = choice.reply
    yield _Delta(b'{"role":"assistant","content":%b,"refusal":null}' % (b"null" if choice.calls else b'""'), 0)
    for piece in pieces(reply.reasoning or ""):
        yield _Delta(b'{"reasoning_content":%b}' % to_json(piece), 1)
    for chunk in choice.chunks:
        if isinstance(chunk, str):
            probabilities = None if alternatives is None else to_json(_logprobs(chunk, alternatives))
            yield _Delta(b'{"content":%b}' % to_json(chunk), count_tokens(chunk), probabilities)
        else:
            yield _Delta(to_json(dict(chunk)), 1)
    for piece in pieces(reply.refusal or ""):
        yield _Delta(b'{"refusal":%b}' % to_json(piece), 1)
    calls = [_call_deltas(index, call) for index, call in enumerate(choice.calls)]
    if reply.interleave:
        for _, delta in _by_turns(calls):
            yield delta
    else:
        yield from chain.from_iterable(calls)


def _call_deltas(index: int, call: Call) -> Iterator[_Delta]:
    opening = {
        "tool_calls": [
            {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        ]
    }
    yield _Delta(to_json(opening), count_tokens(call.name))
    for piece in pieces(call.arguments):
        yield _Delta(b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (index, to_json(piece)), 1)
