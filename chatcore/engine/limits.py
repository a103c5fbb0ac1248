"""Rate limits: how fast calls may go out.

A `TokenBucket` keeps two numbers a rate (its level, and when that was true) however many calls wait. Waiting calls
stand in line, and only the first of the line sleeps, once, for exactly as long as its turn takes (it is woken when a
call that took less than it had reserved gives back the rest). So nothing polls, and nobody barges.
"""

from __future__ import annotations

import inspect
import math
import threading
import time
from typing import Any, Protocol, cast, runtime_checkable
from weakref import WeakKeyDictionary

import anyio

from chatcore.engine._host import Host, current_host, loop_key, on_trio
from chatcore.engine._portal import blocking
from chatcore.errors import ConfigurationError

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "Lease", "TokenBucket", "admit", "check_limiter"]


@runtime_checkable
class BaseRateLimiter(Protocol):
    """What `rate_limiter=` takes: anything with this method."""

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Wait until one more request may go out.

        Args:
            blocking: False: do not wait, say at once whether it may.

        Returns:
            Whether the request may go out; always True when `blocking`.
        """
        ...


class _Level:
    """One leaky level: it fills at `rate` a second up to `capacity`."""

    __slots__ = ("capacity", "level", "rate", "step", "then")

    def __init__(self, rate: float, capacity: float, level: float, step: float = 0.0) -> None:
        self.rate = rate
        self.capacity = capacity
        self.level = level
        self.step = step
        self.then: float | None = None

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` may be taken; 0: now. A full level gives more than it holds, and goes into debt."""
        if self.then is not None:
            self.level = min(self.capacity, self.level + (now - self.then) * self.rate)
        self.then = now
        missing = min(amount, self.capacity) - self.level
        # A millionth of a token is an error of rounding, not a reason to sleep.
        if missing <= 1e-6:
            return 0.0
        seconds = missing / self.rate
        return math.ceil(seconds / self.step - 1e-9) * self.step if self.step else seconds


_OF_THIS_PROCESS = {"_guard", "_lines", "_now", "_real", "_paused_until"}


class TokenBucket:
    """Requests and tokens per minute, and how many calls at once, shared by all models that hold this object.

    It may be used from several event loops and threads. Calls go out in the order in which they asked.

    Args:
        requests_per_minute: how many requests may go out in a minute; None: no bound.
        tokens_per_minute: how many tokens (prompt and answer together) may be spent in a minute; None: no bound. A call
            reserves an estimate when it goes out; when its answer says what it took, the difference is given back or
            charged.
        burst: how many seconds' worth of either rate may be spent at once after a rest; at least one request.
        max_concurrency: how many calls may be under way at once in one event loop; None: no bound.

    Raises:
        ConfigurationError: a number is not positive, or nothing is bounded.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        burst: float = 1.0,
        max_concurrency: int | None = None,
    ) -> None:
        _positive(
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            burst=burst,
            max_concurrency=max_concurrency,
        )
        if max_concurrency is not None and not isinstance(cast("object", max_concurrency), int):
            msg = f"max_concurrency must be a positive whole number, not {max_concurrency!r}."
            raise ConfigurationError(msg)
        if requests_per_minute is None and tokens_per_minute is None and max_concurrency is None:
            msg = (
                f"{type(self).__name__} is given no limit, and would let every call through: give it"
                " requests_per_minute, tokens_per_minute or max_concurrency."
            )
            raise ConfigurationError(msg)
        self._requests: _Level | None = None
        self._tokens: _Level | None = None
        if requests_per_minute is not None:
            rate = requests_per_minute / 60
            capacity = max(1.0, rate * burst)
            self._requests = _Level(rate, capacity, capacity)
        if tokens_per_minute is not None:
            rate = tokens_per_minute / 60
            self._tokens = _Level(rate, rate * burst, rate * burst)
        self.max_concurrency = max_concurrency
        self._begin()

    def _begin(self) -> None:
        self._paused_until = 0.0
        self._guard = threading.Lock()
        self._lines: WeakKeyDictionary[Any, _Line] = WeakKeyDictionary()
        self._now, self._real = 0.0, time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        # A copy (in another process, say) has the levels; who waits, and how long the provider asked to pause, stays
        # here.
        return {name: value for name, value in vars(self).items() if name not in _OF_THIS_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()
        for level in (self._requests, self._tokens):
            if level is not None:
                level.then = None

    async def aacquire(self, *, blocking: bool = True, tokens: float = 0) -> bool:
        """Wait for the turn of one request that will take about `tokens` tokens.

        Args:
            blocking: False: take the turn only if it has come already.
            tokens: prompt and answer, estimated.

        Returns:
            Whether the turn was taken; always True when `blocking`.
        """
        line = self._line()
        if not line.turn.locked():
            wait = self._take(line, tokens)
            if wait <= 0:
                return True
        if not blocking:
            return False
        async with line.turn:
            # Once, unless a pause comes meanwhile, or tokens are given back.
            while (wait := self._take(line, tokens)) > 0:
                await line.sleep(wait)
        return True

    def acquire(self, *, blocking: bool = True, tokens: float = 0) -> bool:
        """`aacquire`, for sync code."""
        return _acquire(self, blocking=blocking, tokens=tokens)

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are bounded, so that estimates and settlements matter."""
        return self._tokens is not None

    def settle(self, estimated: float, actual: float) -> None:
        """Correct a reservation: the call took `actual` tokens, not `estimated`."""
        if self._tokens is not None:
            with self._guard:
                self._tokens.level += estimated - actual
                lines = list(self._lines.values())
            if actual < estimated:
                for line in lines:
                    line.wake()

    def pause(self, seconds: float) -> None:
        """Let nothing out for `seconds`: the provider said so."""
        line = self._line()
        with self._guard:
            self._paused_until = max(self._paused_until, line.now(self) + seconds)

    def slots(self) -> anyio.Semaphore | None:
        """What bounds the calls under way in the running loop, if anything does."""
        return self._line().slots

    def _take(self, line: _Line, tokens: float) -> float:
        with self._guard:
            now = line.now(self)
            wait = self._paused_until - now
            if self._requests is not None:
                wait = max(wait, self._requests.wait(1, now))
            if self._tokens is not None and tokens:
                wait = max(wait, self._tokens.wait(tokens, now))
            if wait > 0:
                return wait
            if self._requests is not None:
                self._requests.level -= 1
            if self._tokens is not None:
                self._tokens.level -= tokens
            return 0.0

    def _line(self) -> _Line:
        key = loop_key()
        line = self._lines.get(key)
        if line is None:
            with self._guard:
                line = self._lines.setdefault(key, _Line(self))
        return line

    def __repr__(self) -> str:
        rates = {"requests_per_minute": self._requests, "tokens_per_minute": self._tokens}
        said = [f"{name}={level.rate * 60:g}" for name, level in rates.items() if level is not None]
        if self.max_concurrency is not None:
            said.append(f"max_concurrency={self.max_concurrency}")
        return f"{type(self).__name__}({', '.join(said)})"


class _Line:
    """What a bucket has in one event loop: a line to stand in, and that loop's clock."""

    __slots__ = ("__weakref__", "_sleeper", "ahead", "slots", "turn")

    def __init__(self, bucket: TokenBucket) -> None:
        self.turn = anyio.Lock()
        # Only while somebody sleeps: a handle to the loop would keep the loop, and with it this line, for ever.
        self._sleeper: tuple[Host, anyio.Event] | None = None
        self.slots = anyio.Semaphore(bucket.max_concurrency, fast_acquire=True) if bucket.max_concurrency else None
        # Loops count time from different origins (and a test's clock may jump): the bucket's time goes on from where it
        # was, by as much as really passed, and from then on by this loop's clock.
        passed = time.monotonic() - bucket._real  # noqa: SLF001 - one subject in two classes
        self.ahead = bucket._now + passed - anyio.current_time()  # noqa: SLF001

    def now(self, bucket: TokenBucket) -> float:
        now = max(bucket._now, anyio.current_time() + self.ahead)  # noqa: SLF001
        bucket._now, bucket._real = now, time.monotonic()  # noqa: SLF001
        return now

    async def sleep(self, seconds: float) -> None:
        """Sleep so long, or until `wake`. Only the first of the line does."""
        early = anyio.Event()
        self._sleeper = current_host(), early
        try:
            with anyio.move_on_after(seconds):
                await early.wait()
        finally:
            self._sleeper = None

    def wake(self) -> None:
        """Let the first of the line look again: its turn may have come earlier than it reckoned. From any thread."""
        sleeper = self._sleeper
        if sleeper is not None:
            host, early = sleeper
            host.post(early.set)


_acquire = blocking(TokenBucket.aacquire)


class InMemoryRateLimiter(TokenBucket):
    """The reference's limiter by name: requests per second from a bucket that starts empty.

    Args:
        requests_per_second: the rate.
        check_every_n_seconds: waits are rounded up to multiples of this (the reference looks again this often; here it
            is one sleep).
        max_bucket_size: how many requests may go out at once after a rest.

    Raises:
        ConfigurationError: a number is not positive.
    """

    def __init__(
        self, *, requests_per_second: float = 1, check_every_n_seconds: float = 0.1, max_bucket_size: float = 1
    ) -> None:
        _positive(
            requests_per_second=requests_per_second,
            check_every_n_seconds=check_every_n_seconds,
            max_bucket_size=max_bucket_size,
        )
        super().__init__(requests_per_minute=requests_per_second * 60)
        self._bucket = self._requests = _Level(
            requests_per_second, max(1.0, max_bucket_size), 0.0, check_every_n_seconds
        )

    @property
    def available_tokens(self) -> float:
        """How many requests could go out at once, as of the last time that one asked."""
        return float(math.floor(self._bucket.level + 1e-6))

    @property
    def last(self) -> float | None:
        """When the bucket was last looked at, in `time.monotonic()`'s seconds; None: never. Set, it fills from then."""
        then = self._bucket.then
        return None if then is None else then - self._now + self._real

    @last.setter
    def last(self, then: float | None) -> None:
        self._bucket.then = None if then is None else then - self._real + self._now


def _positive(**numbers: object) -> None:
    for name, number in numbers.items():
        real = isinstance(number, int | float) and not isinstance(number, bool)
        if number is not None and not (real and cast("float", number) > 0 and math.isfinite(cast("float", number))):
            msg = f"{name} must be a positive number, not {number!r}."
            raise ConfigurationError(msg)


# ----------------------------------------------------------------------------------------- what the engine makes of one


class Lease:
    """One call's admission: settled by what it really took, released when it is over."""

    __slots__ = ("_bucket", "_estimated", "_slots")

    def __init__(self, bucket: TokenBucket | None, estimated: float, slots: anyio.Semaphore | None) -> None:
        self._bucket = bucket
        self._estimated = estimated
        self._slots = slots

    def settle(self, tokens: float) -> None:
        """The call took so many tokens."""
        if self._bucket is not None:
            self._bucket.settle(self._estimated, tokens)

    def release(self) -> None:
        """The call is over, however it ended."""
        if self._slots is not None:
            self._slots.release()


async def admit(limiter: Any, tokens: float) -> Lease:
    """Wait until `limiter` lets a call of about `tokens` tokens go out.

    Args:
        limiter: a `TokenBucket`, anything with `aacquire()`, or an `aiolimiter.AsyncLimiter`.
        tokens: prompt and answer, estimated.

    Raises:
        ConfigurationError: an `aiolimiter.AsyncLimiter` under trio.
    """
    if isinstance(limiter, TokenBucket):
        slots = limiter.slots()
        if slots is not None:
            await slots.acquire()
        try:
            await limiter.aacquire(tokens=tokens)
        except BaseException:
            if slots is not None:
                slots.release()
            raise
        return Lease(limiter, tokens, slots)
    if hasattr(limiter, "aacquire"):
        await limiter.aacquire(blocking=True)
    else:
        if on_trio():
            msg = (
                f"rate_limiter is a {type(limiter).__name__}, which runs on asyncio only, and this call runs on trio."
                " Use chatcore.TokenBucket(requests_per_minute=...), which runs on both."
            )
            raise ConfigurationError(msg)
        await limiter.acquire()
    return Lease(None, tokens, None)


def check_limiter(limiter: object) -> object:
    """Refuse what is no rate limiter.

    Raises:
        ConfigurationError: it has neither `aacquire` nor an async `acquire`.
    """
    if isinstance(limiter, BaseRateLimiter) or inspect.iscoroutinefunction(getattr(limiter, "acquire", None)):
        return limiter
    msg = (
        "rate_limiter must be a chatcore.TokenBucket, an object with `async def aacquire()`, or an"
        f" aiolimiter.AsyncLimiter, not {type(limiter).__name__}."
    )
    raise ConfigurationError(msg)
