"""Google's Gemini API, and Vertex AI's paths: replies, streams as events or as one JSON array, and errors.

Shapes: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/tokens, https://ai.google.dev/api/models
and https://cloud.google.com/apis/design/errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._answers import Answer, Choice
from chatcore.testing._asked import Asked
from chatcore.testing._dialect import Dialect, Endpoint, Turn, Visit, Whole, asking, path_of
from chatcore.testing._dialects.gemini_request import read
from chatcore.testing._dialects.gemini_schema import refusal
from chatcore.testing._framing import EventStream, Framing, JsonArray, StreamEvent
from chatcore.testing._http import Incoming
from chatcore.testing._limits import Verdict
from chatcore.testing._problem import Problem
from chatcore.testing._text import count_tokens, pieces, prompt_tokens, seal

__all__ = ["Gemini"]

_GOOGLE = ("/v1beta", "/v1alpha", "/v1")
_VERTEX = (
    "/publishers/{publisher}",
    "/projects/{project}/locations/{location}",
    "/projects/{project}/locations/{location}/publishers/{publisher}",
)
_OWN = re.compile(r"/v1(beta1?|alpha)(/.*)?|.*/models/[^/]+:\w+")
_EVENTS = EventStream(b"\r\n")
_ARRAY = JsonArray()
# What Google calls an error with a status, and says.
_SAYINGS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    405: ("UNIMPLEMENTED", "Method not allowed."),
    413: ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    529: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}  # fmt: skip
_FINISH_REASONS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


class Gemini(Dialect):
    """`generateContent` and what belongs to it."""

    name = "gemini"

    def __init__(self, models: Sequence[str] | None) -> None:
        super().__init__(models)
        self.endpoints = (*self._asking(), *self._listing())

    def _asking(self) -> Iterator[Endpoint]:
        vertex = (version + place for version in ("/v1", "/v1beta1") for place in _VERTEX)
        for place in (*_GOOGLE, *vertex):
            one = place + "/models/{model}"
            yield asking(one + ":generateContent", partial(self._read, stream=False))
            yield asking(one + ":streamGenerateContent", partial(self._read, stream=True))
            yield Endpoint("POST", path_of(one + ":countTokens"), self._count)

    def _listing(self) -> Iterator[Endpoint]:
        for version in _GOOGLE:
            yield Endpoint("GET", path_of(version + "/models"), self._list)
            yield Endpoint("GET", path_of(version + "/models/{model}"), self._model)

    # --------------------------------------------------------------------------------------------------------- requests

    @override
    def owns(self, path: str) -> bool:
        return _OWN.fullmatch(path) is not None

    @override
    def prefers(self, incoming: Incoming) -> bool:
        """The list of models in version 1 is at the same path as OpenAI's."""
        return "x-goog-api-key" in incoming.keys or "key" in incoming.keys

    @override
    def key(self, incoming: Incoming) -> str | None:
        """In the header, in the query, or, on Vertex, as a bearer token."""
        keys = incoming.keys
        return keys.get("x-goog-api-key") or keys.get("key") or keys.get("authorization")

    @override
    def no_key(self) -> Problem:
        return Problem(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
            "other form of API consumer identity to call this API.",
        )

    @override
    def wrong_key(self) -> Problem:
        return Problem(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")

    @override
    def no_json(self, why: str) -> Problem:
        return Problem(400, f"Invalid JSON payload received. {why}")

    @override
    def no_object(self, body: object) -> Problem:
        return Problem(400, 'Invalid JSON payload received. Unknown name "": Root element must be a message.')

    @override
    def no_document(self, why: str) -> Problem:
        return Problem(400, f"Invalid schema for {why}")

    @override
    def limited(self, verdict: Verdict, model: str) -> Problem:
        unit = "requests" if verdict.kind == "requests" else "input_token_count"
        message = (
            "You exceeded your current quota, please check your plan and billing details. For more information on this "
            "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: "
            f"generativelanguage.googleapis.com/generate_content_{unit}, limit: {verdict.limit}, model: {model}"
        )
        if verdict.wait is not None:
            message += f"\nPlease retry in {verdict.wait:.9f}s."
        return Problem(429, message, retry_after=verdict.wait)

    def _read(self, visit: Visit, *, stream: bool) -> Asked:
        return read(visit.body or {}, self._named(visit, "generateContent"), stream=stream)

    def _named(self, visit: Visit, method: str) -> str:
        """The model that the path names. Raises RefusedError if there is none such."""
        name = visit.found["model"]
        if self.models is not None and name not in self.models:
            raise refusal(
                f"models/{name} is not found for API version v1beta, or is not supported for {method}. Call ListModels "
                "to see the list of available models and their supported methods.",
                404,
            )
        return name

    def _count(self, visit: Visit) -> bytes:
        asked = read(visit.body or {}, self._named(visit, "countTokens"), stream=False, counting=True)
        tokens = prompt_tokens(asked.messages)
        return to_json({"totalTokens": tokens, "promptTokensDetails": _text_tokens(tokens)})

    def _list(self, _visit: Visit) -> bytes:
        return to_json({"models": [_card(name) for name in self.models or ("simulator",)]})

    def _model(self, visit: Visit) -> bytes:
        return to_json(_card(self._named(visit, "getModel")))

    # ---------------------------------------------------------------------------------------------------------- replies

    @override
    def framing_of(self, visit: Visit) -> Framing:
        """Events, if the query asks for them; else one array."""
        return _EVENTS if visit.incoming.query.get("alt") == "sse" else _ARRAY

    @override
    def plain(self, turn: Turn) -> Whole:
        """A `GenerateContentResponse`."""
        answer = turn.answer
        candidates = [
            _candidate(index, _parts(choice), _finish_reason(choice)) for index, choice in enumerate(answer.choices)
        ]
        return Whole(to_json(_response(answer, candidates, answer.completion_tokens)), answer.completion_tokens)

    @override
    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """Responses with a part each, the candidates by turns."""
        answer = turn.answer
        framing = self.framing_of(turn.visit)
        tokens = place = 0
        for streamed in zip_longest(*(_pieces(choice) for choice in answer.choices)):
            for index, piece in enumerate(streamed):
                if piece is None:
                    continue
                part, made, finish_reason = piece
                tokens += made
                response = _response(answer, [_candidate(index, [part], finish_reason)], tokens)
                yield StreamEvent(framing.frame(to_json(response), place), tokens)
                place += 1

    # ----------------------------------------------------------------------------------------------------------- errors

    @override
    def error(self, problem: Problem, request_id: str) -> bytes:
        status = problem.status
        word, message = _SAYINGS.get(status, _SAYINGS[500 if status >= 500 else 400])
        error: dict[str, Any] = {
            "code": status,
            "message": problem.message or message,
            "status": problem.code or word,
        }
        details = _details(problem)
        return to_json({"error": error | ({"details": details} if details else {})})

    @override
    def request_lines(self, request_id: str) -> bytes:
        """Google names no request in its headers; the simulator does, for those who read its record."""
        return b"x-request-id: %b\r\n" % request_id.encode()

    @override
    def retry_lines(self, retry_after: float | None) -> bytes:
        """It is told in the body."""
        return b""


def _details(problem: Problem) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if problem.kind is not None:
        details.append({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": problem.kind,
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        })  # fmt: skip
    if problem.retry_after is not None:
        delay = f"{problem.retry_after:.9f}".rstrip("0").rstrip(".")
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{delay}s"})
    return details


def _card(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


# --------------------------------------------------------------------------------------------------------------- bodies


def _response(answer: Answer, candidates: list[dict[str, Any]], tokens: int) -> dict[str, Any]:
    return {
        "candidates": candidates,
        "usageMetadata": _usage(answer, tokens),
        "modelVersion": answer.model,
        "responseId": answer.key,
    }


def _usage(answer: Answer, tokens: int) -> Mapping[str, Any]:
    """The tokens of an answer of which so many have been made. Thoughts come first."""
    thoughts = min(answer.reasoning_tokens, tokens)
    usage = {
        "promptTokenCount": answer.prompt_tokens,
        "candidatesTokenCount": tokens - thoughts,
        "totalTokenCount": answer.prompt_tokens + tokens,
        "promptTokensDetails": _text_tokens(answer.prompt_tokens),
    }
    return answer.usage or usage | ({"thoughtsTokenCount": thoughts} if thoughts else {})


def _text_tokens(tokens: int) -> list[dict[str, Any]]:
    return [{"modality": "TEXT", "tokenCount": tokens}]


def _candidate(index: int, parts: list[dict[str, Any]], finish_reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if finish_reason is not None:
        candidate["finishReason"] = finish_reason
    return candidate | {"index": index}


def _finish_reason(choice: Choice) -> str:
    refused = choice.reply.refusal is not None and choice.reply.finish_reason is None
    return "SAFETY" if refused else _FINISH_REASONS.get(choice.finish_reason, choice.finish_reason)


def _calls(choice: Choice) -> list[dict[str, Any]]:
    """The parts that call; after reasoning, the first of them carries its signature."""
    parts: list[dict[str, Any]] = [
        {"functionCall": {"id": call.id_after("call_"), "name": call.name, "args": call.parsed}}
        for call in choice.calls
    ]
    if parts and choice.reply.reasoning is not None:
        parts[0]["thoughtSignature"] = seal(choice.reply.reasoning)
    return parts


def _parts(choice: Choice) -> list[dict[str, Any]]:
    reply = choice.reply
    parts: list[dict[str, Any]] = []
    if reply.reasoning is not None:
        parts.append({"text": reply.reasoning, "thought": True})
    text = reply.text or reply.refusal
    if text or not choice.calls:
        signature = {"thoughtSignature": seal(reply.reasoning)} if reply.reasoning and not choice.calls else {}
        parts.append({"text": text or "", **signature})
    return [*parts, *_calls(choice)]


Piece = tuple[dict[str, Any], int, "str | None"]


def _pieces(choice: Choice) -> Iterator[Piece]:
    """The parts of a stream, each with the tokens it makes, and the last with why it is."""
    reply = choice.reply
    for piece in pieces(reply.reasoning or ""):
        yield {"text": piece, "thought": True}, 1, None
    for chunk in choice.chunks if reply.text or not reply.refusal else pieces(reply.refusal):
        if isinstance(chunk, str):
            yield {"text": chunk}, count_tokens(chunk), None
        else:
            yield dict(chunk), 1, None
    for call, part in zip(choice.calls, _calls(choice), strict=True):
        yield part, count_tokens(call.name) + count_tokens(call.arguments), None
    last = {"text": ""}
    if reply.reasoning is not None and not choice.calls:
        last["thoughtSignature"] = seal(reply.reasoning)
    yield last, 0, _finish_reason(choice)
