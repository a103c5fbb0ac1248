"""What the simulator does with a request: judge it, count it, and plan the reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any

from anyio import CancelScope
from pydantic_core import from_json, to_json

from chatcore.testing import _plan, _wire
from chatcore.testing._answers import answer_for
from chatcore.testing._connection import Caps, ClientLeftError, Connection, Incoming, Response
from chatcore.testing._faults import Fault, Faults
from chatcore.testing._latency import Latency, Pace
from chatcore.testing._limits import Gate
from chatcore.testing._plan import Act, Delivery
from chatcore.testing._record import Ledger, SimulatedRequest
from chatcore.testing._reply import Reply
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._script import Outcomes, Scripted, check_outcome
from chatcore.testing._text import chance, digest_of, is_object, prompt_tokens
from chatcore.testing._validate import RefusedError, check

__all__ = ["Desk"]

_JSON = "application/json"
_AT_ONCE = Pace(0.0, 0.0)

# What OpenAI says with a status; (type, code, message).
_SAYINGS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request was refused."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported.",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
    529: ("overloaded_error", "overloaded", "Overloaded"),
}


class Desk:
    """Answers requests for a simulator: the part of it that knows what a reply is, and no socket.

    The arguments are the simulator's own. outage: how to refuse connections for so many seconds.
    """

    def __init__(  # noqa: PLR0913 - the simulator's settings, all by name
        self,
        *,
        seed: int,
        latency: Latency,
        script: Outcomes,
        faults: Faults | None,
        gate: Gate | None,
        prefix: str,
        models: Sequence[str] | None,
        api_key: str | None,
        refuse_stream_options: bool,
        reply_tokens: int | None,
        ledger: Ledger,
        caps: Caps,
        outage: Callable[[float], None],
    ) -> None:
        self.ledger = ledger
        self.caps = caps
        self.stalls: set[CancelScope] = set()
        self.script_error: Exception | None = None
        self._seed = seed
        self._latency = latency
        self._script = script
        self._faults = faults
        self._gate = gate
        self._models = models
        self._api_key = api_key
        self._refuse_stream_options = refuse_stream_options
        self._reply_tokens = reply_tokens
        self._outage = outage
        self._chat_path = f"{prefix}/chat/completions"
        self._models_path = f"{prefix}/models"

    async def respond(self, request: SimulatedRequest, incoming: Incoming, connection: Connection) -> Response:
        """The reply to a request."""
        try:
            if incoming.path == self._chat_path and incoming.method == "POST":
                self._check_key(incoming)
                return await self._complete(request, incoming, connection)
            return self._other(request, incoming)
        except RefusedError as refused:
            return self._refuse(request, incoming, refused)

    # ---------------------------------------------------------------------------------------------------- every request

    def _delivery(
        self, request: SimulatedRequest, incoming: Incoming, pace: Pace = _AT_ONCE, lines: bytes = b""
    ) -> Delivery:
        lines += b"x-request-id: %b\r\n" % request.request_id.encode()
        if self._gate is not None:
            lines += self._gate.headers()
        return Delivery(lines, incoming.chunked, not incoming.keep_alive, pace, incoming.method == "HEAD")

    def _check_key(self, incoming: Incoming) -> None:
        if self._api_key is None or incoming.key == self._api_key:
            return
        if not incoming.key:
            raise RefusedError(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                status=401,
            )
        raise RefusedError("Incorrect API key provided.", status=401, code="invalid_api_key")

    def _other(self, request: SimulatedRequest, incoming: Incoming) -> Response:
        path, method = incoming.path, incoming.method
        name = path.removeprefix(self._models_path + "/")
        if path == self._chat_path or ((path == self._models_path or name != path) and method != "GET"):
            raise RefusedError(
                f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)",
                status=405,
            )
        known = self._models or ("simulator",)
        if path == self._models_path:
            self._check_key(incoming)
            body = _wire.models(known)
        elif name != path:
            self._check_key(incoming)
            if self._models is not None and name not in known:
                raise RefusedError(
                    f"The model '{name}' does not exist", status=404, param="model", code="model_not_found"
                )
            body = to_json(_wire.model_card(name))
        else:
            raise RefusedError(f"Invalid URL ({method} {path})", status=404)
        return Response(_plan.whole(200, _JSON, body, self._delivery(request, incoming)), "finished")

    def _refuse(self, request: SimulatedRequest, incoming: Incoming, refused: RefusedError) -> Response:
        body = _wire.error(refused.message, refused.kind, param=refused.param, code=refused.code)
        lines = _wire.retry_after(refused.retry_after)
        if refused.status == 405:
            lines += b"allow: %b\r\n" % (b"POST" if incoming.path == self._chat_path else b"GET")
        limited = refused.status == 429
        return Response(
            _plan.whole(refused.status, _JSON, body, self._delivery(request, incoming), lines),
            "rate_limited" if limited else "refused",
        )

    # ------------------------------------------------------------------------------------------------- chat completions

    async def _complete(self, request: SimulatedRequest, incoming: Incoming, connection: Connection) -> Response:
        body = check(_parsed(request, incoming), models=self._models, refuse_stream_options=self._refuse_stream_options)
        digest = digest_of(self._seed, body)
        request.occurrence = self.ledger.seen(digest)
        tokens = prompt_tokens(request.messages)
        if self._gate is not None:
            verdict = self._gate.admit(request.model, tokens)
            if verdict is not None:
                raise RefusedError(
                    verdict.message,
                    status=429,
                    kind=verdict.kind,
                    code="rate_limit_exceeded",
                    retry_after=verdict.wait,
                )
        scripted = await self._scripted(request, connection)
        fault = scripted if isinstance(scripted, Fault) else None
        if fault is None and self._faults is not None:
            fault = self._faults.strike(digest, request.occurrence)
        if fault is not None:
            self.ledger.faulting(request, fault.name)
        if fault is not None and fault.kind in {"http", "outage"}:
            return self._fail(request, incoming, fault)
        reply = scripted if isinstance(scripted, Reply) else None
        if fault is not None and fault.reply is not None:
            reply = fault.reply
        return self._answer(request, incoming, digest, reply, fault)

    async def _scripted(self, request: SimulatedRequest, connection: Connection) -> Scripted:
        try:
            outcome = self._script(request)
            if isawaitable(outcome):
                outcome = await connection.watched(outcome)
            check_outcome(outcome)
        except ClientLeftError:
            raise
        except Exception as error:  # noqa: BLE001 - kept, and raised where the simulator ends
            # The client is told now, and whoever runs the simulator when it stops: a test must not pass by accident.
            self.script_error = self.script_error or error
            return Fault.http(500, message=f"the simulator's script failed: {error!r}")
        return Reply(outcome) if isinstance(outcome, str) else outcome

    def _answer(
        self, request: SimulatedRequest, incoming: Incoming, digest: bytes, reply: Reply | None, fault: Fault | None
    ) -> Response:
        try:
            answer = answer_for(request, digest, reply, prompt_tokens(request.messages), self._reply_tokens)
        except UnknownShapeError as error:
            raise RefusedError(
                f"Invalid schema for {error}. (The simulator makes documents for most schemas; for this one, script a "
                "Reply.)",
                code="invalid_json_schema",
            ) from error
        self.ledger.answering(answer.prompt_tokens, answer.completion_tokens)
        if self._gate is not None:
            self._gate.charge(answer.completion_tokens)
        latency = answer.reply.latency or self._latency
        drawn = chance(digest, b"latency", request.occurrence) if latency.jitter else 0.5
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.reply.headers.items())
        delivery = self._delivery(request, incoming, latency.pace(drawn), lines.encode("latin-1"))
        if request.stream:
            options: dict[str, Any] = request.body.get("stream_options") or {}
            events = _wire.events(answer, include_usage=options.get("include_usage") is True)
            steps = _plan.streamed(events, delivery, fault)
        else:
            steps = _plan.plain(_wire.completion(answer), answer.completion_tokens, delivery, fault)
        if fault is not None and fault.kind == "slow_drip":
            steps = _plan.dripped(steps, fault.bytes_per_second)
        return Response(steps, "finished" if fault is None else "faulted")

    def _fail(self, request: SimulatedRequest, incoming: Incoming, fault: Fault) -> Response:
        if fault.kind == "outage":
            self._outage(fault.seconds)
            return Response(iter((Act.RESET,)), "faulted")
        kind, code, message = _SAYINGS.get(fault.status, _SAYINGS[500 if fault.status >= 500 else 400])
        content_type: str | None = _JSON
        if isinstance(fault.body, bytes):
            body, content_type = fault.body, fault.content_type or _JSON
        elif fault.body == "html":
            body, content_type = _page(fault.status), "text/html; charset=utf-8"
        elif fault.body == "empty":
            body, content_type = b"", None
        else:
            body = _wire.error(fault.message or message, kind, code=fault.code or code)
        lines = _wire.retry_after(fault.retry_after)
        delivery = self._delivery(request, incoming)
        return Response(_plan.whole(fault.status, content_type, body, delivery, lines), "faulted")


def _parsed(request: SimulatedRequest, incoming: Incoming) -> object:
    """The request's JSON, noted in its record if it is an object."""
    try:
        body: object = from_json(incoming.content)
    except ValueError as error:
        raise RefusedError(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON: "
            f"{error}.)"
        ) from error
    if is_object(body):
        request.body = body
    return body


def _page(status: int) -> bytes:
    title = f"{status} {_wire.reason(status)}"
    body = f"<center><h1>{title}</h1></center>"
    return f"<html>\r\n<head><title>{title}</title></head>\r\n<body>{body}</body>\r\n</html>\r\n".encode()
