"""What the simulator does with a request: find its dialect, judge it, count it, and plan the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import isawaitable
from typing import Any

from anyio import CancelScope
from pydantic_core import from_json

from chatcore.testing import _plan
from chatcore.testing._answers import answer_for
from chatcore.testing._connection import Caps, ClientLeftError, Connection, Response
from chatcore.testing._dialect import Dialect, Endpoint, Reader, Server, Turn, Visit
from chatcore.testing._faults import Fault, Faults
from chatcore.testing._http import Incoming, reason
from chatcore.testing._latency import Latency, Pace
from chatcore.testing._limits import Gate
from chatcore.testing._plan import Act, Delivery
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._record import Ledger, SimulatedRequest
from chatcore.testing._reply import Reply
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._script import Outcomes, Scripted, check_outcome
from chatcore.testing._text import chance, digest_of, is_object, prompt_tokens

__all__ = ["Desk"]

_JSON = "application/json"
_AT_ONCE = Pace(0.0, 0.0)


class Desk:
    """Answers requests for a simulator: the part of it that knows what a reply is, and no socket.

    dialects: those that are spoken; the first one's errors are for paths that belong to none. The other arguments are
    the simulator's own. outage: how to refuse connections for so many seconds.
    """

    def __init__(  # noqa: PLR0913 - the simulator's settings, all by name
        self,
        *,
        dialects: Sequence[Dialect],
        seed: int,
        latency: Latency,
        script: Outcomes,
        faults: Faults | None,
        gate: Gate | None,
        api_key: str | None,
        reply_tokens: int | None,
        ledger: Ledger,
        caps: Caps,
        outage: Callable[[float], None],
    ) -> None:
        self.ledger = ledger
        self.caps = caps
        self.stalls: set[CancelScope] = set()
        self.script_error: Exception | None = None
        self._dialects = dialects
        self._seed = seed
        self._latency = latency
        self._script = script
        self._faults = faults
        self._gate = gate
        self._api_key = api_key
        self._reply_tokens = reply_tokens
        self._outage = outage

    async def respond(self, request: SimulatedRequest, incoming: Incoming, connection: Connection) -> Response:
        """The reply to a request."""
        dialect, endpoint, found = self._route(incoming)
        request.dialect = dialect.name
        if endpoint is None:
            return self._refuse(dialect, request, incoming, self._nothing_there(dialect, incoming))
        try:
            self._check_key(dialect, incoming)
            body = _parsed(dialect, request, incoming) if endpoint.reads or incoming.content else None
            visit = Visit(incoming, found, body, self.ledger.now())
            if endpoint.reads is not None:
                return await self._complete(dialect, endpoint.reads, visit, request, connection)
            return self._serve(dialect, endpoint.serves, visit, request)
        except RefusedError as refused:
            return self._refuse(dialect, request, incoming, refused.problem)

    def unread(self, refused: RefusedError) -> bytes:
        """The body of the reply to what could not be read, in the words of the dialect whose path it went to."""
        return self._owner(refused.path).error(refused.problem, "")

    # ---------------------------------------------------------------------------------------------------------- routing

    def _route(self, incoming: Incoming) -> tuple[Dialect, Endpoint | None, dict[str, str]]:
        there = [
            (dialect, endpoint, match.groupdict())
            for dialect in self._dialects
            for endpoint in dialect.endpoints
            if endpoint.method == incoming.method and (match := endpoint.path.fullmatch(incoming.path))
        ]
        if not there:
            return self._owner(incoming.path), None, {}
        return next((one for one in there if one[0].prefers(incoming)), there[0])

    def _owner(self, path: str) -> Dialect:
        return next((dialect for dialect in self._dialects if dialect.owns(path)), self._dialects[0])

    def _methods(self, path: str) -> set[str]:
        return {
            endpoint.method
            for dialect in self._dialects
            for endpoint in dialect.endpoints
            if endpoint.path.fullmatch(path)
        }

    def _nothing_there(self, dialect: Dialect, incoming: Incoming) -> Problem:
        return dialect.no_method(incoming) if self._methods(incoming.path) else dialect.no_path(incoming)

    # ---------------------------------------------------------------------------------------------------- every request

    def _delivery(
        self,
        dialect: Dialect,
        request: SimulatedRequest,
        incoming: Incoming,
        pace: Pace = _AT_ONCE,
        lines: bytes = b"",
    ) -> Delivery:
        lines += dialect.request_lines(request.request_id)
        if self._gate is not None:
            lines += dialect.limit_lines(self._gate.levels())
        return Delivery(lines, incoming.chunked, not incoming.keep_alive, pace, incoming.method == "HEAD")

    def _check_key(self, dialect: Dialect, incoming: Incoming) -> None:
        if self._api_key is None:
            return
        key = dialect.key(incoming)
        if key != self._api_key:
            raise RefusedError(dialect.wrong_key() if key else dialect.no_key())

    def _serve(self, dialect: Dialect, serves: Server, visit: Visit, request: SimulatedRequest) -> Response:
        """What a dialect answers by itself: a list of models, a count, a response that is kept."""
        served = serves(visit)
        delivery = self._delivery(dialect, request, visit.incoming)
        if isinstance(served, bytes):
            return Response(_plan.whole(200, _JSON, served, delivery), "finished")
        return Response(_plan.streamed(served, dialect.framing_of(visit), delivery, None, _never), "finished")

    def _refuse(self, dialect: Dialect, request: SimulatedRequest, incoming: Incoming, problem: Problem) -> Response:
        body = dialect.error(problem, request.request_id)
        lines = dialect.retry_lines(problem.retry_after)
        if problem.status == 405:
            lines += b"allow: %b\r\n" % ", ".join(sorted(self._methods(incoming.path))).encode()
        limited = problem.status == 429
        return Response(
            _plan.whole(problem.status, _JSON, body, self._delivery(dialect, request, incoming), lines),
            "rate_limited" if limited else "refused",
        )

    # ------------------------------------------------------------------------------------------- answers from the model

    async def _complete(
        self, dialect: Dialect, reads: Reader, visit: Visit, request: SimulatedRequest, connection: Connection
    ) -> Response:
        request.asked = asked = reads(visit)
        digest = digest_of(self._seed, asked.model, asked.messages, asked.seed)
        request.occurrence = self.ledger.seen(digest)
        if self._gate is not None:
            verdict = self._gate.admit(prompt_tokens(asked.messages))
            if verdict is not None:
                raise RefusedError(dialect.limited(verdict, asked.model))
        scripted = await self._scripted(request, connection)
        fault = scripted if isinstance(scripted, Fault) else None
        if fault is None and self._faults is not None:
            fault = self._faults.strike(digest, request.occurrence)
        if fault is not None:
            self.ledger.faulting(request, fault.name)
        if fault is not None and fault.kind in {"http", "outage"}:
            return self._fail(dialect, request, visit.incoming, fault)
        reply = scripted if isinstance(scripted, Reply) else None
        if fault is not None and fault.reply is not None:
            reply = fault.reply
        return self._answer(dialect, visit, request, digest, reply, fault)

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
        self,
        dialect: Dialect,
        visit: Visit,
        request: SimulatedRequest,
        digest: bytes,
        reply: Reply | None,
        fault: Fault | None,
    ) -> Response:
        asked = request.asked
        try:
            answer = answer_for(asked, digest, request.occurrence, reply, self._reply_tokens)
        except UnknownShapeError as error:
            problem = dialect.no_document(
                f"{error}. (The simulator makes documents for most schemas; for this one, script a Reply.)"
            )
            raise RefusedError(problem) from error
        self.ledger.answering(answer.prompt_tokens, answer.completion_tokens)
        if self._gate is not None:
            self._gate.charge(answer.completion_tokens)
        latency = answer.reply.latency or self._latency
        drawn = chance(digest, b"latency", request.occurrence) if latency.jitter else 0.5
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.reply.headers.items())
        turn = Turn(request, visit, asked, answer, latency.pace(drawn))
        delivery = self._delivery(dialect, request, visit.incoming, turn.pace, lines.encode("latin-1"))
        steps = self._steps(dialect, turn, delivery, fault)
        if fault is not None and fault.kind == "slow_drip":
            steps = _plan.dripped(steps, fault.bytes_per_second)
        return Response(steps, "finished" if fault is None else "faulted")

    @staticmethod
    def _steps(dialect: Dialect, turn: Turn, delivery: Delivery, fault: Fault | None) -> Iterator[_plan.Step]:
        def fails(problem: Problem, place: int | None) -> bytes:
            if place is None:
                return dialect.error_in_reply(problem, turn)
            return dialect.error_in_stream(problem, turn, place)

        if turn.asked.stream:
            return _plan.streamed(dialect.events(turn), dialect.framing_of(turn.visit), delivery, fault, fails)
        body, tokens = dialect.plain(turn)
        return _plan.plain(body, _JSON, tokens, delivery, fault, fails)

    def _fail(self, dialect: Dialect, request: SimulatedRequest, incoming: Incoming, fault: Fault) -> Response:
        if fault.kind == "outage":
            self._outage(fault.seconds)
            return Response(iter((Act.RESET,)), "faulted")
        content_type: str | None = _JSON
        if isinstance(fault.body, bytes):
            body, content_type = fault.body, fault.content_type or _JSON
        elif fault.body == "html":
            body, content_type = _page(fault.status), "text/html; charset=utf-8"
        elif fault.body == "empty":
            body, content_type = b"", None
        else:
            body = dialect.error(fault.problem, request.request_id)
        lines = dialect.retry_lines(fault.retry_after)
        delivery = self._delivery(dialect, request, incoming)
        return Response(_plan.whole(fault.status, content_type, body, delivery, lines), "faulted")


def _never(_problem: Problem, _place: int | None) -> bytes:
    return b""


def _parsed(dialect: Dialect, request: SimulatedRequest, incoming: Incoming) -> dict[str, Any]:
    """The request's JSON, noted in its record."""
    try:
        body: object = from_json(incoming.content)
    except ValueError as error:
        raise RefusedError(dialect.no_json(str(error))) from error
    if not is_object(body):
        raise RefusedError(dialect.no_object(body))
    request.body = body
    return body


def _page(status: int) -> bytes:
    title = f"{status} {reason(status)}"
    body = f"<center><h1>{title}</h1></center>"
    return f"<html>\r\n<head><title>{title}</title></head>\r\n<body>{body}</body>\r\n</html>\r\n".encode()
