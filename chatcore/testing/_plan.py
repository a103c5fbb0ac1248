"""The delivery of a reply as a plan: what to write, when, and where to fail.

A plan is an iterator of steps. It knows no socket and no clock, so that it can be read in a test as it stands; the
connection performs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import NamedTuple, TypeAlias

from chatcore.testing._faults import Fault
from chatcore.testing._framing import Framing, StreamEvent
from chatcore.testing._http import framed, head
from chatcore.testing._latency import Pace
from chatcore.testing._problem import Problem

__all__ = ["Act", "Delivery", "Fails", "Step", "Until", "Write", "dripped", "plain", "streamed", "whole"]

_DRIP_SECONDS = 0.01


class Write(NamedTuple):
    """Send these bytes. chunks: how many events end with them. status: of the reply, if it begins with them."""

    data: bytes
    chunks: int = 0
    status: int | None = None


class Until(NamedTuple):
    """Wait until so many seconds after the request was read."""

    at: float


class Act(Enum):
    """What else a plan may ask for."""

    STALL = "wait until released, or the client leaves"
    RESET = "end the connection with a reset, and the plan with it"
    HANG_UP = "close the connection, and end the plan"


Step: TypeAlias = Write | Until | Act

Fails: TypeAlias = Callable[[Problem, "int | None"], bytes]
"""How an error inside a 200 is put: as an event, framed, after so many others; None: as the whole body."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one reply goes out.

    lines: header lines of this reply. chunked: whether a body of unknown length comes in chunks (HTTP/1.1) or ends with
        the connection (1.0). close: whether the connection ends with the reply. pace: when its tokens are due.
    bodyless: whether only the head is wanted (a HEAD request).
    """

    lines: bytes
    chunked: bool
    close: bool
    pace: Pace
    bodyless: bool = False


def whole(status: int, content_type: str | None, body: bytes, delivery: Delivery, *lines: bytes) -> Iterator[Step]:
    """A reply that is sent at once, whatever the pace: an error, a list of models."""
    body = b"" if delivery.bodyless else body
    begun = head(status, content_type, len(body), delivery.lines, *lines, close=delivery.close)
    yield Write(begun + body, 1, status)


def plain(
    body: bytes, content_type: str, tokens: int | None, delivery: Delivery, fault: Fault | None, fails: Fails
) -> Iterator[Step]:
    """A plain reply: JSON, after as long as its tokens take; or as the fault has it.

    tokens: None: at once. fails: what an error in its place says.
    """
    if tokens is not None:
        yield Until(delivery.pace.after(tokens))
    kind = None if fault is None else fault.kind
    if fault is not None and fault.after_chunks is None and kind in {"reset", "stall"}:
        yield Act.RESET if kind == "reset" else Act.STALL
        if kind == "reset":
            return
        fault, kind = None, None
    if fault is not None:
        body = _spoilt(body, fault, fails)
    half = len(body) // 2
    if kind == "cut" and delivery.chunked:
        yield Write(_head(None, content_type, delivery), 0, 200)
        yield Write(framed(body)[:half])
        yield Act.HANG_UP
        return
    begun = _head(len(body), content_type, delivery)
    if kind in {"reset", "stall", "cut"}:
        yield Write(begun + body[:half], 0, 200)
        yield {"reset": Act.RESET, "stall": Act.STALL, "cut": Act.HANG_UP}[str(kind)]
        yield Write(body[half:], 1)
        return
    yield Write(begun + body, 1, 200)
    if kind == "hang_up":
        yield Act.HANG_UP


def _spoilt(body: bytes, fault: Fault, fails: Fails) -> bytes:
    if fault.kind == "truncated_json":
        return body[: len(body) // 2]
    if fault.kind == "malformed_sse":
        return b"data: " + body + b"\n\ndata: [DONE]\n\n"
    if fault.kind == "error_event":
        return fails(fault.problem, None)
    return body


def streamed(
    events: Iterator[StreamEvent], framing: Framing, delivery: Delivery, fault: Fault | None, fails: Fails
) -> Iterator[Step]:
    """A streamed reply: events as their tokens come due; or as the fault has it.

    framing: of the events. fails: what an error among them says.
    """
    pace = delivery.pace
    yield Until(pace.first)
    if fault is not None and fault.after_chunks is None and fault.kind in {"reset", "stall"}:
        yield Act.RESET if fault.kind == "reset" else Act.STALL
        if fault.kind == "reset":
            return
    yield Write(_head(None, framing.content_type, delivery), 0, 200)
    place = 0
    if fault is not None and fault.after_chunks is not None:
        # The fault's place is before the last event at the latest; what comes up to there need be known, and no more.
        before = list(islice(events, fault.after_chunks))
        struck = next(events, None)
        if struck is None:
            struck = before.pop()
        for event in before:
            yield from _event(event, delivery)
        yield from _struck(struck, len(before), framing, delivery, fault, fails)
        if fault.kind not in {"stall", "malformed_sse"}:
            return
        place = len(before) + 1
    for event in events:
        place += 1
        yield from _event(event, delivery)
    yield from _end(framing.end(place), delivery)
    if fault is not None and fault.kind == "hang_up":
        yield Act.HANG_UP


def _event(event: StreamEvent, delivery: Delivery) -> Iterator[Step]:
    if delivery.pace.each:
        yield Until(delivery.pace.after(event.tokens))
    yield Write(_framed(event.data, delivery), 1)


def _struck(
    event: StreamEvent, place: int, framing: Framing, delivery: Delivery, fault: Fault, fails: Fails
) -> Iterator[Step]:
    """The event in whose place, or before which, the fault strikes; and the end of the reply where it is one."""
    data = event.data
    yield Until(delivery.pace.after(event.tokens))
    match fault.kind:
        case "stall":
            yield Act.STALL
            yield Write(_framed(data, delivery), 1)
        case "malformed_sse":
            yield Write(_framed(framing.garbage(fault.form, place), delivery), 1)
            yield Write(_framed(data, delivery), 1)
        case "reset":
            yield Act.RESET
        case "cut":
            yield Write(_framed(data, delivery)[: len(data) // 2])
            yield Act.HANG_UP
        case "truncated_json":
            yield Write(_framed(framing.half(data), delivery), 1)
            yield from _end(b"", delivery)
        case _:  # "error_event", the last that has a place
            yield Write(_framed(fails(fault.problem, place), delivery), 1)
            yield from _end(framing.end(place + 1), delivery)


def _end(last: bytes, delivery: Delivery) -> Iterator[Step]:
    if last:
        yield Write(_framed(last, delivery))
    if delivery.chunked:
        yield Write(b"0\r\n\r\n")


def _framed(data: bytes, delivery: Delivery) -> bytes:
    return framed(data) if delivery.chunked else data


def _head(length: int | None, content_type: str, delivery: Delivery) -> bytes:
    # Without chunks, only the end of the connection can end a body of unknown length.
    close = delivery.close or (length is None and not delivery.chunked)
    chunks = (b"transfer-encoding: chunked\r\n",) if length is None and delivery.chunked else ()
    return head(200, content_type, length, delivery.lines, *chunks, close=close)


def dripped(steps: Iterator[Step], bytes_per_second: float) -> Iterator[Step]:
    """The same plan, its bytes let through at this rate and cut without regard to what they are."""
    at = 0.0
    seconds = max(_DRIP_SECONDS, 1 / bytes_per_second)
    size = max(1, round(bytes_per_second * seconds))
    for step in steps:
        if isinstance(step, Until):
            at = max(at, step.at)
            yield step
        elif isinstance(step, Write):
            status = step.status
            for start in range(0, len(step.data), size):
                yield Until(at)
                last = start + size >= len(step.data)
                yield Write(step.data[start : start + size], step.chunks if last else 0, status)
                status = None
                at += seconds
        else:
            yield step
