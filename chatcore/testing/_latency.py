"""How long the simulator takes over its answers."""

from __future__ import annotations

from dataclasses import dataclass

from chatcore.errors import ConfigurationError

__all__ = ["Latency", "Pace"]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes: a wait for the first token, then a rate.

    A plain (not streamed) answer arrives whole when its last token would have: after
    `time_to_first_token + tokens / tokens_per_second`.

    time_to_first_token: seconds from the request's last byte to the answer's first.
    tokens_per_second: the rate from then on; None: all at once.
    jitter: how far both may stray, as a share of themselves: 0.2 is ±20 %. Each request's own deviation follows from
        the simulator's seed, the request's content (its model, messages and `seed`) and how often that content has been
        seen; not from the order of arrival, so that concurrent requests are timed alike in every run.

    Raises ConfigurationError if a number is negative, the rate is 0, or the jitter exceeds 1.
    """

    time_to_first_token: float = 0.0
    tokens_per_second: float | None = None
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not self.time_to_first_token >= 0:
            raise ConfigurationError(f"time_to_first_token is in seconds, 0 or more; got {self.time_to_first_token!r}")
        if self.tokens_per_second is not None and not self.tokens_per_second > 0:
            raise ConfigurationError(
                f"tokens_per_second must be greater than 0, or None for no limit; got {self.tokens_per_second!r}"
            )
        if not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"jitter is a share from 0 to 1; got {self.jitter!r}")

    def pace(self, chance: float) -> Pace:
        """The times of one answer.

        chance: this request's own draw, from 0 to 1; 0.5 is the middle, no deviation.
        """
        factor = 1 + self.jitter * (2 * chance - 1) if self.jitter else 1.0
        return Pace(
            self.time_to_first_token * factor,
            0.0 if self.tokens_per_second is None else factor / self.tokens_per_second,
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of one answer: `first` seconds until it begins, then `each` seconds a token."""

    first: float
    each: float

    def after(self, tokens: int) -> float:
        """Seconds from the request until this many tokens have been made."""
        return self.first + self.each * tokens
