"""Anthropic's Messages: the paths, replies, the named events of streams, and errors.

Shapes: https://platform.claude.com/docs/en/api/messages, .../build-with-claude/streaming, .../api/errors and
.../api/rate-limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._answers import Answer, Call, Choice
from chatcore.testing._asked import Asked
from chatcore.testing._dialect import Dialect, Endpoint, Turn, Visit, Whole, asking, path_of
from chatcore.testing._dialects.anthropic_content import refusal
from chatcore.testing._dialects.anthropic_request import read
from chatcore.testing._framing import EventStream, StreamEvent
from chatcore.testing._http import Incoming
from chatcore.testing._limits import Level, Verdict
from chatcore.testing._problem import Problem
from chatcore.testing._text import count_tokens, pieces, prompt_tokens, seal

__all__ = ["Anthropic"]

_PATH = "/v1/messages"
# What Anthropic calls an error with a status, and says.
_SAYINGS = {
    400: ("invalid_request_error", "The request was refused."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    405: ("invalid_request_error", "Method Not Allowed"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "The request timed out."),
    529: ("overloaded_error", "Overloaded"),
}
_STOP_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}


class Anthropic(Dialect):
    """Messages."""

    name = "anthropic"
    framing = EventStream(named=True)

    def __init__(self, models: Sequence[str] | None) -> None:
        super().__init__(models)
        self.endpoints = (
            asking(_PATH, self._read),
            Endpoint("POST", path_of(f"{_PATH}/count_tokens"), self._count),
            Endpoint("GET", path_of("/v1/models"), self._list),
            Endpoint("GET", path_of("/v1/models/{model*}"), self._model),
        )

    # --------------------------------------------------------------------------------------------------------- requests

    @override
    def owns(self, path: str) -> bool:
        return path.startswith(_PATH)

    @override
    def prefers(self, incoming: Incoming) -> bool:
        """The list of models is at the same path as OpenAI's."""
        return "anthropic-version" in incoming.headers

    @override
    def key(self, incoming: Incoming) -> str | None:
        return incoming.keys.get("x-api-key") or incoming.keys.get("authorization")

    @override
    def no_key(self) -> Problem:
        return Problem(401, "x-api-key header is required")

    @override
    def no_json(self, why: str) -> Problem:
        return Problem(400, f"The request body is not valid JSON: {why}")

    @override
    def no_object(self, body: object) -> Problem:
        return Problem(400, "Input should be a valid dictionary")

    @override
    def no_path(self, incoming: Incoming) -> Problem:
        return Problem(404, "Not Found")

    @override
    def limited(self, verdict: Verdict, model: str) -> Problem:
        unit = "requests per minute" if verdict.kind == "requests" else "input tokens per minute"
        return Problem(
            429,
            f"This request would exceed your organization's rate limit of {verdict.limit:,} {unit} (model: {model}). "
            "For details, refer to: https://docs.claude.com/en/api/rate-limits.",
            retry_after=verdict.wait,
        )

    def _read(self, visit: Visit) -> Asked:
        _check_version(visit)
        return read(visit.body or {}, models=self.models)

    def _count(self, visit: Visit) -> bytes:
        _check_version(visit)
        asked = read(visit.body or {}, models=self.models, counting=True)
        return to_json({"input_tokens": prompt_tokens(asked.messages)})

    def _list(self, _visit: Visit) -> bytes:
        cards = [_card(name) for name in self.models or ("simulator",)]
        ends = {"first_id": cards[0]["id"], "last_id": cards[-1]["id"]}
        return to_json({"data": cards, "has_more": False, **ends})

    def _model(self, visit: Visit) -> bytes:
        name = visit.found["model"]
        if self.models is not None and name not in self.models:
            raise refusal(f"model: {name}", 404)
        return to_json(_card(name))

    # ---------------------------------------------------------------------------------------------------------- replies

    @override
    def plain(self, turn: Turn) -> Whole:
        """A `message`."""
        answer = turn.answer
        choice = answer.choices[0]
        message = _message(answer, _usage(answer, answer.completion_tokens))
        content = [_whole(block) for block in _blocks(choice)]
        return Whole(to_json(message | {"content": content} | _stop(choice)), answer.completion_tokens)

    @override
    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """The named events of its making; a ping comes after the first block's start."""
        tokens = 0
        for place, (name, said, made) in enumerate(_events(turn.answer)):
            tokens += made
            yield StreamEvent(self.framing.frame(to_json({"type": name, **said}), place, name), tokens)

    # ----------------------------------------------------------------------------------------------------------- errors

    @override
    def error(self, problem: Problem, request_id: str) -> bytes:
        status = problem.status
        kind, message = _SAYINGS.get(status, _SAYINGS[500 if status >= 500 else 400])
        error = {"type": problem.code or kind, "message": problem.message or message}
        return to_json({"type": "error", "error": error, "request_id": request_id or None})

    @override
    def error_in_stream(self, problem: Problem, turn: Turn, place: int) -> bytes:
        return self.framing.frame(self.error(problem, turn.request.request_id), place, "error")

    # ---------------------------------------------------------------------------------------------------------- headers

    @override
    def request_lines(self, request_id: str) -> bytes:
        return b"request-id: %b\r\nx-request-id: %b\r\n" % (request_id.encode(), request_id.encode())

    @override
    def limit_lines(self, levels: Sequence[Level]) -> bytes:
        """The `anthropic-ratelimit-*` lines; when a limit is whole again is told as a time of day."""
        now = datetime.now(UTC)
        return b"".join(
            b"anthropic-ratelimit-%b-limit: %d\r\nanthropic-ratelimit-%b-remaining: %d\r\n"
            b"anthropic-ratelimit-%b-reset: %b\r\n"
            % (kind, level.limit, kind, level.remaining, kind, _time(now + timedelta(seconds=level.reset)))
            for level in levels
            for kind in (level.kind.encode(),)
        )


def _check_version(visit: Visit) -> None:
    if "anthropic-version" not in visit.incoming.headers:
        raise refusal("anthropic-version: header is required")


def _time(moment: datetime) -> bytes:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _card(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2023-11-14T22:13:20Z",
        "lifecycle": "active",
    }


# --------------------------------------------------------------------------------------------------------------- bodies


def _message(answer: Answer, usage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": answer.model,
        "id": f"msg_{answer.key}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(answer: Answer, output: int) -> Mapping[str, Any]:
    return answer.usage or {
        "input_tokens": answer.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def _stop(choice: Choice) -> dict[str, Any]:
    if choice.stopped_by is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": choice.stopped_by}
    refused = choice.reply.refusal is not None and choice.reply.finish_reason is None
    reason = "refusal" if refused else _STOP_REASONS.get(choice.finish_reason, choice.finish_reason)
    return {"stop_reason": reason, "stop_sequence": None}


Block = tuple[str, "Choice | Call"]


def _blocks(choice: Choice) -> list[Block]:
    """What the content is made of: the kind of each block, and whose it is."""
    reply = choice.reply
    blocks: list[Block] = [("thinking", choice)] if reply.reasoning is not None else []
    # Anthropic has no other place for a refusal than the text.
    if reply.text or reply.refusal or any(not isinstance(chunk, str) for chunk in choice.chunks):
        blocks.append(("text", choice))
    return [*blocks, *(("tool_use", call) for call in choice.calls)]


def _whole(block: Block) -> dict[str, Any]:
    kind, of = block
    if isinstance(of, Call):
        return _begun(block) | {"input": of.parsed}
    if kind == "thinking":
        text = of.reply.reasoning or ""
        return {"type": "thinking", "thinking": text, "signature": seal(text)}
    return {"type": "text", "text": of.reply.text or of.reply.refusal or ""}


def _begun(block: Block) -> dict[str, Any]:
    """A block as it starts in a stream."""
    kind, of = block
    if isinstance(of, Call):
        return {"type": "tool_use", "id": of.id_after("toolu_"), "name": of.name, "input": {}}
    return {"type": "thinking", "thinking": "", "signature": ""} if kind == "thinking" else {"type": "text", "text": ""}


# --------------------------------------------------------------------------------------------------------------- events

Event = tuple[str, dict[str, Any], int]


def _events(answer: Answer) -> Iterator[Event]:
    """Of each event its name, what it says beside that, and how many tokens it makes."""
    choice = answer.choices[0]
    yield "message_start", {"message": _message(answer, _usage(answer, 1))}, 0
    blocks = _blocks(choice)
    if not blocks:
        yield "ping", {}, 0
    if choice.reply.interleave:
        yield from _interleaved(blocks)
    else:
        for index, block in enumerate(blocks):
            yield "content_block_start", {"index": index, "content_block": _begun(block)}, _named(block)
            if index == 0:
                yield "ping", {}, 0
            yield from _deltas(index, block)
            yield "content_block_stop", {"index": index}, 0
    usage = _usage(answer, answer.completion_tokens)
    yield "message_delta", {"delta": _stop(choice), "usage": usage}, 0
    yield "message_stop", {}, 0


def _interleaved(blocks: Sequence[Block]) -> Iterator[Event]:
    """All blocks open at once, their deltas by turns: the protocol's indexes allow it, though the service does not."""
    for index, block in enumerate(blocks):
        yield "content_block_start", {"index": index, "content_block": _begun(block)}, _named(block)
    streams = [_deltas(index, block) for index, block in enumerate(blocks)]
    while streams:
        for stream in tuple(streams):
            event = next(stream, None)
            if event is None:
                streams.remove(stream)
            else:
                yield event
    for index in range(len(blocks)):
        yield "content_block_stop", {"index": index}, 0


def _named(block: Block) -> int:
    return count_tokens(block[1].name) if isinstance(block[1], Call) else 0


def _deltas(index: int, block: Block) -> Iterator[Event]:
    kind, of = block
    if isinstance(of, Call):
        yield _delta(index, {"type": "input_json_delta", "partial_json": ""}, 0)
        for piece in pieces(of.arguments):
            yield _delta(index, {"type": "input_json_delta", "partial_json": piece}, 1)
    elif kind == "thinking":
        text = of.reply.reasoning or ""
        for piece in pieces(text):
            yield _delta(index, {"type": "thinking_delta", "thinking": piece}, 1)
        yield _delta(index, {"type": "signature_delta", "signature": seal(text)}, 0)
    else:
        for chunk in of.chunks if of.reply.text or not of.reply.refusal else pieces(of.reply.refusal):
            if isinstance(chunk, str):
                yield _delta(index, {"type": "text_delta", "text": chunk}, count_tokens(chunk))
            else:
                yield _delta(index, dict(chunk), 1)


def _delta(index: int, delta: dict[str, Any], tokens: int) -> Event:
    return "content_block_delta", {"index": index, "delta": delta}, tokens
