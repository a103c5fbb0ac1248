"""The ways in which a provider, or the way to it, can fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from chatcore.errors import ConfigurationError
from chatcore.testing._problem import Problem
from chatcore.testing._text import chance

if TYPE_CHECKING:
    from chatcore.testing._reply import Reply

__all__ = ["Fault", "FaultKind", "Faults"]

FaultKind: TypeAlias = Literal[
    "http",
    "reset",
    "stall",
    "cut",
    "hang_up",
    "truncated_json",
    "malformed_sse",
    "error_event",
    "slow_drip",
    "outage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail. Make one by its class methods: `Fault.http(503)`, `Fault.reset(after_chunks=2)`.

    In a streamed reply a chunk is one event (a server-sent event, a line, or an element of a JSON array); in chat
    completions the first carries the role alone. `after_chunks=0` is after the response's head and before its first
    event, None before the head. A number larger than the stream is long means
    before its last event. In a plain reply every number means the middle of the body.

    `reply` is what the faulty delivery was to deliver; without one, the simulator's default answer.
    """

    kind: FaultKind
    status: int = 500
    retry_after: float | None = None
    body: Literal["json", "html", "empty"] | bytes = "json"
    content_type: str | None = None
    message: str | None = None
    code: str | None = None
    after_chunks: int | None = None
    seconds: float = 0.0
    bytes_per_second: float = 0.0
    form: Literal["json", "line"] = "json"
    reply: Reply | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ConfigurationError(f"no fault is called {self.kind!r}; there are {', '.join(get_args(FaultKind))}")
        if not 200 <= self.status <= 599:
            raise ConfigurationError(f"a reply's status is from 200 to 599; got {self.status!r}")
        if self.after_chunks is not None and self.after_chunks < 0:
            raise ConfigurationError(f"after_chunks is a number of events, 0 or more; got {self.after_chunks!r}")
        for name in ("retry_after", "seconds", "bytes_per_second"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ConfigurationError(f"{name} is 0 or more; got {value!r}")

    @property
    def name(self) -> str:
        """What the counts call it: its kind, or the status of an HTTP error."""
        return str(self.status) if self.kind == "http" else self.kind

    @property
    def problem(self) -> Problem:
        """What an error that it reports is about."""
        return Problem(self.status, self.message, code=self.code, retry_after=self.retry_after)

    @classmethod
    def http(
        cls,
        status: int,
        *,
        retry_after: float | None = None,
        body: Literal["json", "html", "empty"] | bytes = "json",
        content_type: str | None = None,
        message: str | None = None,
        code: str | None = None,
    ) -> Fault:
        """Answer with this status.

        retry_after: seconds, told as each service tells them: `retry-after` (rounded up), from OpenAI `retry-after-ms`
            too, from Gemini a `RetryInfo` in the body and no header.
        body: "json": the service's own error object; "html": a page, as a proxy sends; "empty": nothing; bytes: those,
            verbatim, with any status: the way to send what no other fault or reply can.
        content_type: of a verbatim body; None: application/json.
        message, code: of the error object; None: what the service says with that status. What Anthropic calls the
            error's `type` and Gemini its `status` is the code here.
        """
        return cls(
            kind="http",
            status=status,
            retry_after=retry_after,
            body=body,
            content_type=content_type,
            message=message,
            code=code,
        )

    @classmethod
    def reset(cls, *, after_chunks: int | None = None, reply: Reply | None = None) -> Fault:
        """Reset the connection (a TCP RST): before any byte of the reply, or in its midst."""
        return cls(kind="reset", after_chunks=after_chunks, reply=reply)

    @classmethod
    def stall(cls, *, after_chunks: int | None = None, reply: Reply | None = None) -> Fault:
        """Fall silent and keep the connection open, until the client leaves or the simulator's `release()` is called.

        Released, the reply goes on.
        """
        return cls(kind="stall", after_chunks=after_chunks, reply=reply)

    @classmethod
    def cut(cls, *, after_chunks: int = 1, reply: Reply | None = None) -> Fault:
        """Close the connection in the middle of a chunk of the transfer encoding, after `after_chunks` whole ones."""
        return cls(kind="cut", after_chunks=after_chunks, reply=reply)

    @classmethod
    def hang_up(cls, *, reply: Reply | None = None) -> Fault:
        """Answer well, announce nothing, and close the connection that the client may mean to use again."""
        return cls(kind="hang_up", reply=reply)

    @classmethod
    def truncated_json(cls, *, after_chunks: int = 1, reply: Reply | None = None) -> Fault:
        """Send half of a JSON document as if it were whole; in a stream, as the last event, and end there."""
        return cls(kind="truncated_json", after_chunks=after_chunks, reply=reply)

    @classmethod
    def malformed_sse(
        cls, *, form: Literal["json", "line"] = "json", after_chunks: int = 1, reply: Reply | None = None
    ) -> Fault:
        """Put an event into the stream that cannot be read, and go on.

        form: "json": an event whose data is broken JSON; "line": a line that is no field of an event stream, which the
            standard tells clients to ignore (among Ollama's lines or in Gemini's array it is simply no JSON).
        In a plain reply: a body that is an event stream although JSON was promised.
        """
        return cls(kind="malformed_sse", form=form, after_chunks=after_chunks, reply=reply)

    @classmethod
    def error_event(
        cls,
        *,
        after_chunks: int = 0,
        status: int = 500,
        message: str | None = None,
        code: str | None = None,
        reply: Reply | None = None,
    ) -> Fault:
        """Report an error inside a 200: as an event of the stream, which then ends; or as the body of a plain reply.

        status: what it would have been without the 200; message and code follow from it, as for `http`. Anthropic's
        overload in mid-stream is `Fault.error_event(status=529, after_chunks=3)`.
        """
        return cls(
            kind="error_event", status=status, after_chunks=after_chunks, message=message, code=code, reply=reply
        )

    @classmethod
    def slow_drip(cls, *, bytes_per_second: float = 1000, reply: Reply | None = None) -> Fault:
        """Answer well, but let the bytes through at this rate, without regard to where events end."""
        if not bytes_per_second > 0:
            raise ConfigurationError(f"bytes_per_second must be greater than 0; got {bytes_per_second!r}")
        return cls(kind="slow_drip", bytes_per_second=bytes_per_second, reply=reply)

    @classmethod
    def outage(cls, *, seconds: float) -> Fault:
        """Reset this connection, and refuse new ones for so many seconds, as a server that restarts."""
        return cls(kind="outage", seconds=seconds)

    @classmethod
    def named(cls, name: str) -> Fault:
        """The fault that a name stands for: an HTTP error status (`"503"`) or a kind, with the usual settings.

        An `outage` lasts a second. Raises ConfigurationError for any other name.
        """
        if name.isascii() and name.isdigit() and 400 <= int(name) <= 599:
            return cls.http(int(name))
        made = _BY_NAME.get(name)
        if made is None:
            raise ConfigurationError(f"no fault is called {name!r}; there are HTTP statuses, {', '.join(_BY_NAME)}")
        return made


_BY_NAME: dict[str, Fault] = {
    "reset": Fault.reset(),
    "stall": Fault.stall(after_chunks=1),
    "cut": Fault.cut(),
    "hang_up": Fault.hang_up(),
    "truncated_json": Fault.truncated_json(),
    "malformed_sse": Fault.malformed_sse(),
    "error_event": Fault.error_event(),
    "slow_drip": Fault.slow_drip(),
    "outage": Fault.outage(seconds=1.0),
}


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults that strike at random, the same ones in every run.

    Which request is struck, and by which fault, follows from the simulator's seed, the request's content (its model,
    messages and `seed`) and how often that content has been seen: not from the order of arrival. A retry is a new draw.

    rate: the share of requests that are struck, from 0 to 1.
    kinds: what strikes them, all equally likely: faults, HTTP statuses, or names as `Fault.named` takes them.
        The default leaves out those that take time: "stall", "slow_drip" and "outage".

    Raises ConfigurationError for a rate out of range, no kinds, or a name that no fault has.
    """

    rate: float
    kinds: Sequence[Fault | str | int] = (
        500,
        503,
        529,
        "reset",
        "cut",
        "truncated_json",
        "malformed_sse",
        "error_event",
    )

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ConfigurationError(f"the rate of faults is a share from 0 to 1; got {self.rate!r}")
        if isinstance(self.kinds, str) or not self.kinds:
            raise ConfigurationError(f'kinds is a sequence of faults, say (503, "reset"); got {self.kinds!r}')
        faults = tuple(kind if isinstance(kind, Fault) else Fault.named(str(kind)) for kind in self.kinds)
        object.__setattr__(self, "kinds", faults)

    def strike(self, digest: bytes, occurrence: int) -> Fault | None:
        """The fault that strikes this request, if one does.

        digest: of the request's content. occurrence: how often it has been seen.
        """
        drawn = chance(digest, b"fault", occurrence)
        if drawn >= self.rate:
            return None
        # What is left of the draw is again even from 0 to 1.
        kind = self.kinds[int(drawn / self.rate * len(self.kinds))]
        return kind if isinstance(kind, Fault) else Fault.named(str(kind))
