"""Rate limits as a provider enforces them: two token buckets, and what can be told of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from chatcore.errors import ConfigurationError

__all__ = ["Bucket", "Gate", "Level", "Limits", "Verdict"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rates a simulator enforces, each by a token bucket that refills evenly.

    A request costs one request and the tokens of its prompt when it is let in; the tokens of its answer are taken when
    the answer is made, and may leave a debt that later requests wait for. So in the long run a request costs exactly
    the `total_tokens` of its usage. A request that is turned away costs nothing.

    requests_per_minute, tokens_per_minute: the rates; None: no limit of that kind, and no headers about it.
    burst_requests, burst_tokens: how many may come at once after a rest; None: a minute's worth, as OpenAI has it.

    Raises ConfigurationError if a number is not greater than 0.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_requests: float | None = None
    burst_tokens: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name} must be greater than 0, or None for no limit; got {value!r}")


class Verdict(NamedTuple):
    """Why a request is turned away.

    kind: which limit it meets. limit: a minute's worth. capacity: the most at once. used: of the capacity.
    requested: what the request costs. wait: seconds until it would be let in; None if it never can be.
    """

    kind: Literal["requests", "tokens"]
    limit: int
    capacity: int
    used: int
    requested: float
    wait: float | None


class Level(NamedTuple):
    """How one limit stands. limit: a minute's worth. remaining: at once. reset: seconds until all is there again."""

    kind: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset: float


class Bucket:
    """A token bucket on a clock of its owner's: O(1), no waiting of its own.

    per_minute: the refill. burst: the most it holds; None: a minute's worth. now: the present time, seconds.
    """

    __slots__ = ("_at", "_level", "capacity", "per_minute", "rate")

    def __init__(self, per_minute: float, burst: float | None, now: float) -> None:
        self.per_minute = per_minute
        self.rate = per_minute / 60
        self.capacity = per_minute if burst is None else burst
        self._level = self.capacity
        self._at = now

    def level(self, now: float) -> float:
        """What it holds; below 0 it owes."""
        if now > self._at:
            self._level = min(self.capacity, self._level + (now - self._at) * self.rate)
            self._at = now
        return self._level

    def wait(self, amount: float, now: float) -> float:
        """Seconds until it holds `amount`: 0 if it does, infinite if it never will."""
        if amount > self.capacity:
            return math.inf
        missing = amount - self.level(now)
        # A hair of slack: after exactly the announced wait, rounding must not turn the request away again.
        return missing / self.rate if missing > 1e-6 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, into debt if need be."""
        self._level = self.level(now) - amount


class Gate:
    """Lets requests in, or says why not, and describes itself in headers.

    clock: the time in seconds, monotonic.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._clock = clock
        now = clock()
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._requests = None if requests is None else Bucket(requests, limits.burst_requests, now)
        self._tokens = None if tokens is None else Bucket(tokens, limits.burst_tokens, now)

    def admit(self, tokens: int) -> Verdict | None:
        """Take one request and its prompt's tokens; or take nothing and say why."""
        now = self._clock()
        verdict = self._refusal("requests", self._requests, 1, now) or self._refusal(
            "tokens", self._tokens, tokens, now
        )
        if verdict is None:
            if self._requests is not None:
                self._requests.take(1, now)
            if self._tokens is not None:
                self._tokens.take(tokens, now)
        return verdict

    def charge(self, tokens: int) -> None:
        """Take the tokens of an answer."""
        if self._tokens is not None:
            self._tokens.take(tokens, self._clock())

    def levels(self) -> list[Level]:
        """How the limits stand, those that are set."""
        now = self._clock()
        found: list[Level] = []
        buckets: tuple[tuple[Literal["requests", "tokens"], Bucket | None], ...] = (
            ("requests", self._requests),
            ("tokens", self._tokens),
        )
        for kind, bucket in buckets:
            if bucket is not None:
                level = bucket.level(now)
                remaining = max(0, math.floor(level + 1e-6))
                found.append(
                    Level(kind, math.floor(bucket.per_minute), remaining, (bucket.capacity - level) / bucket.rate)
                )
        return found

    @staticmethod
    def _refusal(
        kind: Literal["requests", "tokens"], bucket: Bucket | None, amount: float, now: float
    ) -> Verdict | None:
        if bucket is None:
            return None
        wait = bucket.wait(amount, now)
        if wait == 0:
            return None
        return Verdict(
            kind=kind,
            limit=math.floor(bucket.per_minute),
            capacity=math.floor(bucket.capacity),
            used=math.ceil(bucket.capacity - bucket.level(now)),
            requested=amount,
            wait=None if wait == math.inf else wait,
        )
