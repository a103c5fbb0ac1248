"""What a job counts while it runs: of fixed size, however many lines there are."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatcore.prices import CostCallbackHandler

__all__ = ["BatchReport", "Durations", "ErrorKind"]

_SHORTEST, _LONGEST = 1e-4, 1e5
_STEP = math.log(1.02)
_BUCKETS = math.ceil(math.log(_LONGEST / _SHORTEST) / _STEP) + 1
_KINDS = 50
_OTHER = "others"
_EXAMPLE_CHARS = 300
_WINDOW_SECONDS = 10.0


class Durations:
    """How long things took, as a histogram of fixed size: quantiles are right to 1 %, from 0.1 ms to a day."""

    __slots__ = ("_buckets", "count")

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS
        self.count = 0

    def add(self, seconds: float) -> None:
        """One more."""
        steps = math.log(max(seconds, _SHORTEST) / _SHORTEST) / _STEP
        self._buckets[min(int(steps), _BUCKETS - 1)] += 1
        self.count += 1

    def quantile(self, share: float) -> float | None:
        """Seconds within which that share of all were done; None if there were none.

        share: 0.5 for the median, 0.95 for p95.
        """
        wanted, seen = share * self.count, 0
        for step, number in enumerate(self._buckets):
            seen += number
            if number and seen >= wanted:
                return _SHORTEST * math.exp((step + 0.5) * _STEP)
        return None


@dataclass(slots=True)
class ErrorKind:
    """The failures of one kind.

    count: how many lines failed so.
    example: what the first of them said, shortened.
    """

    count: int
    example: str


@dataclass(slots=True, eq=False)
class BatchReport:
    """What a job has done. While it runs the numbers grow; what `run` returns stands still.

    total: the lines of the input, blank ones included, once they have been counted; None: not known.
    blank: lines passed over because nothing is on them.
    kept: answers that an earlier run had written.
    answered, failed: lines that this run has written.
    in_flight: lines being asked now.
    retries: attempts beyond each line's first.
    input_tokens, output_tokens: as the provider counted them for the answers of this run.
    costs: what the answers of this run cost; None: nobody has asked.
    latency: of the calls that gave an answer, without the waits between attempts; of `chatcore batch` also without
        those for its limits.
    first_token: time to first token of the same calls, where they were streamed.
    errors: failures by kind, which is the error's class.
    interrupted: whether the job was stopped before its end.
    gave_up: whether it stopped of itself, since all that it had asked was refused for a reason that is not the line's.
    seconds: from the first line to the last.
    """

    total: int | None = None
    blank: int = 0
    kept: int = 0
    answered: int = 0
    failed: int = 0
    in_flight: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    costs: CostCallbackHandler | None = None
    latency: Durations = field(default_factory=Durations)
    first_token: Durations = field(default_factory=Durations)
    errors: dict[str, ErrorKind] = field(default_factory=dict[str, ErrorKind])
    interrupted: bool = False
    gave_up: bool = False
    _begun: float | None = None
    _ended: float | None = None
    _pace: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    @property
    def done(self) -> int:
        """The lines that this run has written."""
        return self.answered + self.failed

    @property
    def seconds(self) -> float:
        """How long the job has been asking."""
        return 0.0 if self._begun is None else (self._ended or time.monotonic()) - self._begun

    @property
    def lines_per_second(self) -> float:
        """The throughput over the whole run."""
        return self.done / self.seconds if self.done else 0.0

    def pace(self) -> float:
        """Lines a second over the last ten seconds (as of calls of this method), for a display that follows the job."""
        now = time.monotonic()
        self._pace.append((now, self.done))
        while len(self._pace) > 2 and self._pace[0][0] < now - _WINDOW_SECONDS:
            self._pace.popleft()
        then, before = self._pace[0]
        return (self.done - before) / (now - then) if now - then > 0.5 else self.lines_per_second

    def seconds_left(self) -> float | None:
        """How long the rest will take at the present pace; None if that cannot be told."""
        pace = self.pace()
        if self.total is None or not pace:
            return None
        return max(0, self.total - self.blank - self.kept - self.done) / pace

    def begin(self) -> None:
        """The first line is about to be asked."""
        self._begun = time.monotonic()

    def end(self) -> None:
        """The last line has been written."""
        self._ended = time.monotonic()

    def add_answer(self, usage: Mapping[str, Any] | None, seconds: float, first_token: float | None) -> None:
        """One more line is answered."""
        self.answered += 1
        self.latency.add(seconds)
        if first_token is not None:
            self.first_token.add(first_token)
        if usage is not None:
            self.input_tokens += usage["input_tokens"]
            self.output_tokens += usage["output_tokens"]

    def add_failure(self, kind: str, message: str) -> None:
        """One more line has failed."""
        self.failed += 1
        if kind not in self.errors and len(self.errors) >= _KINDS:
            # A model of the user's own may raise anything.
            kind = _OTHER
        known = self.errors.get(kind)
        if known is not None:
            known.count += 1
        else:
            first_line = message.partition("\n")[0]
            self.errors[kind] = ErrorKind(1, first_line[:_EXAMPLE_CHARS])
