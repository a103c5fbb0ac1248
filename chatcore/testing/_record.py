"""What the simulator saw: its requests, its counts, and those who wait for them to change."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from anyio import Event, fail_after

from chatcore.errors import ConfigurationError
from chatcore.testing._asked import Asked
from chatcore.testing._text import is_array, is_object

__all__ = ["CutOff", "Ledger", "Outcome", "SimulatedRequest", "Stats"]

Outcome: TypeAlias = Literal["finished", "cut_off", "faulted", "rate_limited", "refused", "stopped"]

_COUNTS: dict[Outcome, str] = {
    "finished": "requests_finished",
    "cut_off": "requests_cut_off",
    "faulted": "requests_faulted",
    "refused": "requests_refused",
    "rate_limited": "rate_limited",
}
_CUT_OFFS_KEPT = 1000
_BYTES_KEPT = 64 * 2**20
# How many distinct requests are remembered to tell a first attempt from a second.
_CONTENTS_KEPT = 16_384


@dataclass(slots=True, eq=False)
class SimulatedRequest:
    """One request the simulator has read.

    number: 1 for the first request, and so on, in order of arrival.
    request_id: what the reply's `x-request-id` says.
    method, path: as sent; the path without its query.
    headers: names in lower case; keys and cookies are replaced by `[redacted]`.
    dialect: in which it was made: "openai_chat", "openai_responses", "anthropic", "gemini" or "ollama".
    body: the JSON object that was sent; empty if it was none.
    connection: the number of the connection it came on: equal for requests that shared one.
    started, ended: seconds since the simulator started: when the request had been read, and when its answer was over;
        `ended` is None while it runs.
    occurrence: 1 if this content (model, messages, `seed`) is seen for the first time, 2 for the second: a retry, say.
    status: of the reply; None if none was begun.
    chunks_sent: events sent of a streamed reply (`[DONE]` and pings count); 1 for a whole plain one.
    outcome: "finished"; "cut_off": the client left first; "faulted": a fault was played to its end; "rate_limited";
        "refused": a 4xx that the request had earned; "stopped": the simulator was stopped first; None while it runs.
    fault: the kind of the fault that was played, if any.
    """

    number: int
    request_id: str
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    connection: int
    started: float
    dialect: str = "openai_chat"
    body: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    occurrence: int = 1
    status: int | None = None
    chunks_sent: int = 0
    outcome: Outcome | None = None
    ended: float | None = None
    fault: str | None = None
    size: int = field(default=0, repr=False)
    asked: Asked = field(default_factory=Asked, repr=False)

    @property
    def model(self) -> str:
        """The model asked for; empty if none was."""
        return self.asked.model

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages sent, in OpenAI's chat form whatever the dialect; empty if there were none, or were refused.

        What the dialect keeps apart is among them: Anthropic's `system` and Gemini's `systemInstruction` as the first,
        and in the Responses API all that `previous_response_id` stands for.
        """
        return self.asked.messages

    @property
    def tools(self) -> list[str]:
        """The names of the functions that may be called."""
        return [tool.name for tool in self.asked.tools]

    @property
    def stream(self) -> bool:
        """Whether a streamed reply was asked for."""
        return self.asked.stream

    @property
    def prompt(self) -> str:
        """The text of the last message whose role is `user`; empty if there is none."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return _text_of(message.get("content"))
        return ""


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if is_array(content) else []
    return "".join(part["text"] for part in parts if is_object(part) and isinstance(part.get("text"), str))


@dataclass(frozen=True, slots=True)
class CutOff:
    """A request that its client left before the reply was whole.

    request: the request's number. at: seconds since the simulator started. chunks_sent: events sent by then.
    """

    request: int
    at: float
    chunks_sent: int


@dataclass(slots=True, eq=False)
class Stats:
    """What the simulator has seen so far; the counts change as it runs.

    connections_open, connections_peak, connections_total: connections now, at most at once, and ever.
    requests_in_flight, requests_peak, requests_total: requests that were read and are not answered whole: likewise.
    requests_finished: answered whole. requests_cut_off: left by their client before that. requests_faulted: ended by a
    fault. requests_refused: answered by a 4xx they had earned. rate_limited: answered by a 429 of the limits.
    cut_offs: the last 1,000 requests that were cut off, and when.
    chunks_sent: events written of all streamed replies, and whole plain ones.
    stalled: requests that a stall holds now.
    prompt_tokens, completion_tokens: of all answers begun.
    faults: played, by kind. statuses: replies begun, by HTTP status.
    """

    connections_open: int = 0
    connections_peak: int = 0
    connections_total: int = 0
    requests_in_flight: int = 0
    requests_peak: int = 0
    requests_total: int = 0
    requests_finished: int = 0
    requests_cut_off: int = 0
    requests_faulted: int = 0
    requests_refused: int = 0
    rate_limited: int = 0
    chunks_sent: int = 0
    stalled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut_offs: deque[CutOff] = field(default_factory=lambda: deque(maxlen=_CUT_OFFS_KEPT), repr=False)
    faults: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])

    def __str__(self) -> str:
        lines = [
            f"connections  {self.connections_total} (peak {self.connections_peak}, open {self.connections_open})",
            f"requests     {self.requests_total} (peak {self.requests_peak}, in flight {self.requests_in_flight})",
            f"  finished   {self.requests_finished}",
        ]
        lines += [
            f"  {label:<10} {count}"
            for label, count in (
                ("cut off", self.requests_cut_off),
                ("faulted", self.requests_faulted),
                ("refused", self.requests_refused),
                ("429", self.rate_limited),
            )
            if count
        ]
        lines.append(f"tokens       {self.prompt_tokens} in, {self.completion_tokens} out")
        if self.faults:
            lines.append("faults       " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items())))
        return "\n".join(lines)


class _Waiter:
    """Someone who waits for a condition, checked at each change instead of now and then."""

    __slots__ = ("condition", "error", "event")

    def __init__(self, condition: Callable[[Stats], object]) -> None:
        self.condition = condition
        self.event = Event()
        self.error: Exception | None = None

    def look(self, stats: Stats) -> None:
        try:
            met = self.condition(stats)
        except Exception as error:  # noqa: BLE001 - the condition is the waiter's: its error is raised there, not in the server
            self.error = error
            met = True
        if met:
            self.event.set()


class Ledger:
    """The simulator's books: one place that counts, so that every count and every waiter agree.

    keep: how many of the last requests are kept to be read.
    """

    def __init__(self, keep: int) -> None:
        if keep < 0:
            raise ConfigurationError(f"keep_requests is a number of requests, 0 or more; got {keep!r}")
        self.stats = Stats()
        self.requests: deque[SimulatedRequest] = deque()
        self._keep = keep
        self._bytes = 0
        self._origin = time.monotonic()
        self._waiters: list[_Waiter] = []
        self._seen: dict[bytes, int] = {}

    def start(self) -> None:
        """Begin to count the seconds."""
        self._origin = time.monotonic()

    def now(self) -> float:
        """Seconds since the simulator started."""
        return time.monotonic() - self._origin

    async def wait_for(self, condition: Callable[[Stats], object], timeout: float | None) -> Stats:
        """Return as soon as the condition holds; TimeoutError, with the counts, if it does not in time."""
        if condition(self.stats):
            return self.stats
        waiter = _Waiter(condition)
        self._waiters.append(waiter)
        try:
            with fail_after(timeout):
                await waiter.event.wait()
        except TimeoutError:
            raise TimeoutError(
                f"the simulator's counts did not meet the condition in {timeout} s:\n{self.stats}"
            ) from None
        finally:
            self._waiters.remove(waiter)
        if waiter.error is not None:
            raise waiter.error
        return self.stats

    def _changed(self) -> None:
        for waiter in self._waiters:
            waiter.look(self.stats)

    def connected(self) -> int:
        """Count a new connection; its number."""
        stats = self.stats
        stats.connections_open += 1
        stats.connections_total += 1
        stats.connections_peak = max(stats.connections_peak, stats.connections_open)
        self._changed()
        return stats.connections_total

    def disconnected(self) -> None:
        """Count a connection that has closed."""
        self.stats.connections_open -= 1
        self._changed()

    def began(self, request: SimulatedRequest) -> None:
        """Count and keep a request that has been read."""
        stats = self.stats
        stats.requests_total += 1
        stats.requests_in_flight += 1
        stats.requests_peak = max(stats.requests_peak, stats.requests_in_flight)
        if self._keep:
            self.requests.append(request)
            self._bytes += request.size
            while len(self.requests) > self._keep or (self._bytes > _BYTES_KEPT and len(self.requests) > 1):
                self._bytes -= self.requests.popleft().size
        self._changed()

    def seen(self, digest: bytes) -> int:
        """How often this content has been seen, this time included."""
        count = self._seen.pop(digest, 0) + 1
        self._seen[digest] = count  # now the youngest: the oldest is forgotten first
        if len(self._seen) > _CONTENTS_KEPT:
            del self._seen[next(iter(self._seen))]
        return count

    def faulting(self, request: SimulatedRequest, kind: str) -> None:
        """Count a fault that this request is about to meet."""
        request.fault = kind
        self.stats.faults[kind] += 1
        self._changed()

    def replying(self, request: SimulatedRequest, status: int) -> None:
        """Count a reply that begins."""
        request.status = status
        self.stats.statuses[status] += 1
        self._changed()

    def sent(self, request: SimulatedRequest, chunks: int) -> None:
        """Count events that have been written."""
        request.chunks_sent += chunks
        self.stats.chunks_sent += chunks
        self._changed()

    def answering(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Count the tokens of an answer that begins."""
        self.stats.prompt_tokens += prompt_tokens
        self.stats.completion_tokens += completion_tokens
        self._changed()

    def stalled(self, change: int) -> None:
        """Count a request that a stall now holds (1), or no longer (-1)."""
        self.stats.stalled += change
        self._changed()

    def ended(self, request: SimulatedRequest, outcome: Outcome) -> None:
        """Count a request that is over; or count it otherwise, if it had been counted too soon."""
        if request.outcome is None:
            self.stats.requests_in_flight -= 1
        else:
            self._count(request.outcome, -1)
        request.outcome = outcome
        request.ended = self.now()
        self._count(outcome, 1)
        if outcome == "cut_off":
            self.stats.cut_offs.append(CutOff(request.number, request.ended, request.chunks_sent))
        self._changed()

    def _count(self, outcome: Outcome, change: int) -> None:
        name = _COUNTS.get(outcome)
        if name is not None:
            setattr(self.stats, name, getattr(self.stats, name) + change)
