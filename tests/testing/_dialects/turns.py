"""A request read by a dialect and the answer to it, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chatcore.testing import Reply, SimulatedRequest
from chatcore.testing._answers import answer_for
from chatcore.testing._dialect import Dialect, Endpoint, Turn, Visit
from chatcore.testing._http import Incoming
from chatcore.testing._latency import Pace
from chatcore.testing._text import digest_of

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
    "ollama": "/api/chat",
}


def incoming(method: str, path: str, body: object = None, **query: str) -> Incoming:
    headers = {"anthropic-version": "2023-06-01"}
    content = b"" if body is None else json.dumps(body).encode()
    return Incoming(method, path, query, headers, {}, content, keep_alive=True, chunked=True)


def found(dialect: Dialect, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    return next(
        (endpoint, match.groupdict())
        for endpoint in dialect.endpoints
        if endpoint.method == method and (match := endpoint.path.fullmatch(path))
    )


def turn_of(dialect: Dialect, body: Mapping[str, Any], reply: Reply | None, path: str = "", **query: str) -> Turn:
    """The turn that this body is answered in. Raises RefusedError if the dialect does."""
    path = path or PATHS[dialect.name]
    endpoint, gaps = found(dialect, "POST", path)
    assert endpoint.reads is not None
    visit = Visit(incoming("POST", path, body, **query), gaps, dict(body), 0.0)
    asked = endpoint.reads(visit)
    request = SimulatedRequest(1, "req_1", "POST", path, {}, 1, 0.0, dialect.name, dict(body), asked=asked)
    digest = digest_of(0, asked.model, asked.messages, asked.seed)
    return Turn(request, visit, asked, answer_for(asked, digest, 1, reply, None), Pace(0.0, 0.0))


def served(dialect: Dialect, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
    """What a dialect answers by itself, parsed."""
    endpoint, gaps = found(dialect, method, path)
    answer = endpoint.serves(Visit(incoming(method, path, body, **query), gaps, body, 0.0))
    assert isinstance(answer, bytes)
    return json.loads(answer)
