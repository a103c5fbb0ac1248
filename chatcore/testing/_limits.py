"""Rate limits as a provider enforces them: two token buckets and the headers that tell of them.

The headers' names and the form of their durations are OpenAI's
(https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from chatcore.errors import ConfigurationError

__all__ = ["Bucket", "Gate", "Limits", "Verdict", "duration"]


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a request is turned away.

    kind: "requests" or "tokens", as the error's `type` says.
    wait: seconds until it would be let in; None if it never can be.
    """

    kind: str
    message: str
    wait: float | None


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

    def admit(self, model: str, tokens: int) -> Verdict | None:
        """Take one request and its prompt's tokens; or take nothing and say why."""
        now = self._clock()
        verdict = self._refusal("requests", "requests per min (RPM)", self._requests, 1, model, now) or self._refusal(
            "tokens", "tokens per min (TPM)", self._tokens, tokens, model, now
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

    def headers(self) -> bytes:
        """The `x-ratelimit-*` lines of a response's head."""
        now = self._clock()
        lines: list[bytes] = []
        for kind, bucket in ((b"requests", self._requests), (b"tokens", self._tokens)):
            if bucket is None:
                continue
            level = bucket.level(now)
            lines.append(
                b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n"
                % (
                    kind,
                    math.floor(bucket.per_minute),
                    kind,
                    max(0, math.floor(level + 1e-6)),
                    kind,
                    duration((bucket.capacity - level) / bucket.rate).encode(),
                )
            )
        return b"".join(lines)

    @staticmethod
    def _refusal(kind: str, unit: str, bucket: Bucket | None, amount: float, model: str, now: float) -> Verdict | None:
        if bucket is None:
            return None
        wait = bucket.wait(amount, now)
        if wait == 0:
            return None
        limit, used = math.floor(bucket.per_minute), math.ceil(bucket.capacity - bucket.level(now))
        if wait == math.inf:
            return Verdict(
                kind,
                f"Request too large for {model} on {unit}: Limit {math.floor(bucket.capacity)}, Requested {amount:g}. "
                "The input must be reduced in order to run successfully.",
                None,
            )
        return Verdict(
            kind,
            f"Rate limit reached for {model} on {unit}: Limit {limit}, Used {used}, Requested {amount:g}. "
            f"Please try again in {duration(wait)}.",
            wait,
        )


def duration(seconds: float) -> str:
    """A length of time as OpenAI's headers write it: `17ms`, `1.5s`, `6m0s`, `1h0m0s`; rounded up to milliseconds."""
    milliseconds = max(0, math.ceil(seconds * 1000 - 1e-6))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
