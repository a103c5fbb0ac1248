"""What a dialect is: the paths of one service, its reading of requests, and its writing of replies and errors.

The rest of the simulator knows requests as `Asked`, replies as `Answer` and errors as `Problem`, and asks a dialect to
put them on the wire. So limits, scripts, faults, latency and counts are the same in all of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from chatcore.testing._answers import Answer
from chatcore.testing._asked import Asked
from chatcore.testing._framing import EventStream, Framing, StreamEvent
from chatcore.testing._http import Incoming
from chatcore.testing._latency import Pace
from chatcore.testing._limits import Level, Verdict
from chatcore.testing._problem import Problem
from chatcore.testing._record import SimulatedRequest

__all__ = ["Dialect", "Endpoint", "Reader", "Server", "Turn", "Visit", "Whole", "asking", "path_of"]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to one of a dialect's endpoints.

    found: what stands in the path's gaps, by name. body: the JSON object it brought; None: none was read. now: seconds
        since the simulator started.
    """

    incoming: Incoming
    found: dict[str, str]
    body: dict[str, Any] | None
    now: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and the answer it is to be given.

    pace: when the answer's tokens are due, counted from `request.started`.
    """

    request: SimulatedRequest
    visit: Visit
    asked: Asked
    answer: Answer
    pace: Pace


class Whole(NamedTuple):
    """A plain reply. tokens: how many are made by then; None: it is sent at once, whatever the pace."""

    body: bytes
    tokens: int | None


Reader: TypeAlias = Callable[[Visit], Asked]
Server: TypeAlias = Callable[[Visit], "bytes | Iterator[StreamEvent]"]


class Endpoint(NamedTuple):
    """One method and form of path.

    serves: answers by itself, at once, with a JSON body or the events of a stream.
    reads: takes requests for an answer of the model, which then is sent; else None.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: re.Pattern[str]
    serves: Server
    reads: Reader | None = None


_GAP = re.compile(r"\\{(\w+)(\\\*)?\\}")


def path_of(form: str) -> re.Pattern[str]:
    """A path with gaps, `/models/{model}`: what fills one has no slash or colon, except in `{name*}`."""
    return re.compile(_GAP.sub(lambda gap: f"(?P<{gap[1]}>{'.+' if gap[2] else '[^/:]+'}?)", re.escape(form)))


def asking(path: str, reads: Reader) -> Endpoint:
    """An endpoint where the model answers."""
    return Endpoint("POST", path_of(path), _unanswered, reads)


def _unanswered(_visit: Visit) -> bytes:
    return b"{}"


class Dialect:
    """Base of the dialects: what they must say, and what most of them say alike.

    models: those that exist; None: any that is asked for.
    """

    name: ClassVar[str]
    framing: Framing = EventStream()
    endpoints: Sequence[Endpoint] = ()

    def __init__(self, models: Sequence[str] | None) -> None:
        self.models = models

    # --------------------------------------------------------------------------------------------------------- requests

    def owns(self, path: str) -> bool:
        """Whether a path under which there is nothing is this service's to complain of."""
        raise NotImplementedError

    def prefers(self, incoming: Incoming) -> bool:  # noqa: ARG002 - for those who share a path
        """Whether a request to a path that another dialect has too is meant for this one."""
        return False

    def key(self, incoming: Incoming) -> str | None:
        """The API key that the request brought."""
        return incoming.keys.get("authorization")

    def no_key(self) -> Problem:
        """What is said to a request without a key."""
        return Problem(401)

    def wrong_key(self) -> Problem:
        """What is said to a request with another key than the right one."""
        return Problem(401)

    def no_json(self, why: str) -> Problem:
        """What is said to a body that is no JSON. why: the parser's own words."""
        return Problem(400, f"The request body is not valid JSON: {why}")

    def no_object(self, body: object) -> Problem:  # noqa: ARG002 - some say what it is
        """What is said to a body that is JSON, and no object."""
        return Problem(400, "The request body is not a JSON object.")

    def no_document(self, why: str) -> Problem:
        """What is said of a schema for which no document can be made."""
        return Problem(400, f"Invalid schema for {why}")

    def no_path(self, incoming: Incoming) -> Problem:
        """What is said where there is nothing."""
        return Problem(404, f"Not found: {incoming.path}")

    def no_method(self, incoming: Incoming) -> Problem:
        """What is said to a method that a path has not."""
        return Problem(405, f"Method not allowed: {incoming.method} {incoming.path}")

    def limited(self, verdict: Verdict, model: str) -> Problem:
        """What is said to a request that meets a limit."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------------------------- replies

    def framing_of(self, visit: Visit) -> Framing:  # noqa: ARG002 - for those who have several
        """How the events of a stream are told apart, if one is asked for."""
        return self.framing

    def plain(self, turn: Turn) -> Whole:
        """A plain reply."""
        raise NotImplementedError

    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """The events of a streamed reply, framed."""
        raise NotImplementedError

    # ----------------------------------------------------------------------------------------------------------- errors

    def error(self, problem: Problem, request_id: str) -> bytes:
        """The body of an error."""
        raise NotImplementedError

    def error_in_reply(self, problem: Problem, turn: Turn) -> bytes:
        """The body of a plain reply that is an error although its status is 200."""
        return self.error(problem, turn.request.request_id)

    def error_in_stream(self, problem: Problem, turn: Turn, place: int) -> bytes:
        """An error as an event of a stream, framed. place: how many events came before."""
        document = self.error(problem, turn.request.request_id)
        return self.framing_of(turn.visit).frame(document, place)

    # ---------------------------------------------------------------------------------------------------------- headers

    def request_lines(self, request_id: str) -> bytes:
        """The header lines that name a request."""
        return b"x-request-id: %b\r\n" % request_id.encode()

    def limit_lines(self, levels: Sequence[Level]) -> bytes:  # noqa: ARG002 - not all have such headers
        """The header lines that tell how the limits stand."""
        return b""

    def retry_lines(self, retry_after: float | None) -> bytes:
        """The header lines that say when to come again."""
        return b"" if retry_after is None else b"retry-after: %d\r\n" % math.ceil(retry_after)
