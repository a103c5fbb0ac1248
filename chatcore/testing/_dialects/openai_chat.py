"""OpenAI's chat completions: the path, replies, and the events of streams.

Shapes: https://platform.openai.com/docs/api-reference/chat. `reasoning_content` is DeepSeek's, and vLLM's after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._answers import Answer, Call, Choice
from chatcore.testing._asked import Asked
from chatcore.testing._dialect import Turn, Visit, Whole, asking
from chatcore.testing._dialects._openai import CREATED, OpenAI, model_endpoints
from chatcore.testing._dialects.openai_chat_request import read
from chatcore.testing._framing import StreamEvent
from chatcore.testing._text import chance, count_tokens, others, pieces

__all__ = ["OpenAIChat"]

_DONE = b"data: [DONE]\n\n"
_FINGERPRINT = "fp_simulator"


class OpenAIChat(OpenAI):
    """Chat completions.

    prefix: of the paths. refuse_stream_options: whether `stream_options` is an argument it has never heard of.
    """

    name = "openai_chat"

    def __init__(self, models: Sequence[str] | None, *, prefix: str, refuse_stream_options: bool) -> None:
        super().__init__(models)
        self._refuse_stream_options = refuse_stream_options
        self.endpoints = (
            asking(f"{prefix}/chat/completions", self._read),
            *model_endpoints(self, prefix),
        )

    def _read(self, visit: Visit) -> Asked:
        return read(visit.body or {}, models=self.models, refuse_stream_options=self._refuse_stream_options)

    @override
    def plain(self, turn: Turn) -> Whole:
        """A `chat.completion`."""
        return Whole(_completion(turn.answer, _Wanted.of(turn.request.body)), turn.answer.completion_tokens)

    @override
    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """Its chunks."""
        return _events(turn.answer, _Wanted.of(turn.request.body))


class _Wanted(NamedTuple):
    """What a request wants to be told beside the answer. alternatives: to each token; None: no probabilities at all."""

    alternatives: int | None
    usage: bool

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> _Wanted:
        options: Mapping[str, Any] = body.get("stream_options") or {}
        alternatives = (body.get("top_logprobs") or 0) if body.get("logprobs") is True else None
        return cls(alternatives, options.get("include_usage") is True)


# --------------------------------------------------------------------------------------------------------------- bodies


def _completion(answer: Answer, wanted: _Wanted) -> bytes:
    return to_json(
        {
            "id": f"chatcmpl-{answer.key}",
            "object": "chat.completion",
            "created": CREATED,
            "model": answer.model,
            "choices": [
                {
                    "index": index,
                    "message": _message(choice),
                    "logprobs": _logprobs(choice.reply.text or "", wanted.alternatives),
                    "finish_reason": _finish_reason(choice),
                }
                for index, choice in enumerate(answer.choices)
            ],
            "usage": _usage(answer),
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }
    )


def _finish_reason(choice: Choice) -> str:
    # OpenAI ends a call that was demanded by name with "stop", not with "tool_calls"; a client that looks for calls
    # only after the latter misses it.
    return "stop" if choice.demanded else choice.finish_reason


def _usage(answer: Answer) -> Mapping[str, Any]:
    return answer.usage or {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


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
            {
                "id": call.id_after("call_"),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in choice.calls
        ]
    return message


def _logprobs(text: str, alternatives: int | None) -> dict[str, Any] | None:
    if alternatives is None:
        return None
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


def _events(answer: Answer, wanted: _Wanted) -> Iterator[StreamEvent]:
    """The events of a streamed reply: role, deltas, finish reasons, the usage if asked for, and `[DONE]`."""
    opening = to_json(
        {
            "id": f"chatcmpl-{answer.key}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": answer.model,
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }
    )[:-1]
    closing = b'],"usage":null}\n\n' if wanted.usage else b"]}\n\n"
    frame = _Frame(b"data: " + opening + b',"choices":[', closing)
    tokens = 0
    streams = [_deltas(choice, wanted.alternatives) for choice in answer.choices]
    # The choices come by turns, as a provider that makes them side by side sends them.
    for index, delta in _by_turns(streams):
        tokens += delta.tokens
        yield StreamEvent(frame.around(index, delta.data, delta.logprobs, None), tokens)
    for index, choice in enumerate(answer.choices):
        yield StreamEvent(frame.around(index, b"{}", None, _finish_reason(choice)), tokens)
    if wanted.usage:
        yield StreamEvent(frame.prefix + b'],"usage":' + to_json(_usage(answer)) + b"}\n\n", tokens)
    yield StreamEvent(_DONE, tokens)


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
            {
                "index": index,
                "id": call.id_after("call_"),
                "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }
        ]
    }
    yield _Delta(to_json(opening), count_tokens(call.name))
    for piece in pieces(call.arguments):
        yield _Delta(b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (index, to_json(piece)), 1)
