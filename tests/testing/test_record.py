from __future__ import annotations

import anyio
import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import CutOff, SimulatedRequest
from chatcore.testing._record import _CONTENTS_KEPT, Ledger


def request(number: int = 1, size: int = 0) -> SimulatedRequest:
    return SimulatedRequest(number, "req", "POST", "/v1/chat/completions", {"authorization": "x"}, 1, 0.0, size=size)


def test_counts_now_at_most_and_ever() -> None:
    ledger = Ledger(10)
    first, second = request(1), request(2)
    assert [ledger.connected(), ledger.connected()] == [1, 2]
    ledger.disconnected()
    ledger.began(first)
    ledger.began(second)
    ledger.ended(first, "finished")
    stats = ledger.stats
    assert (stats.connections_open, stats.connections_peak, stats.connections_total) == (1, 2, 2)
    assert (stats.requests_in_flight, stats.requests_peak, stats.requests_total) == (1, 2, 2)
    assert (first.outcome, second.outcome, second.ended) == ("finished", None, None)


def test_every_outcome_has_its_count() -> None:
    ledger = Ledger(10)
    for number, outcome in enumerate(("finished", "cut_off", "faulted", "rate_limited", "refused", "stopped")):
        one = request(number)
        one.chunks_sent = number
        ledger.began(one)
        ledger.ended(one, outcome)
    stats = ledger.stats
    assert (stats.requests_finished, stats.requests_cut_off, stats.requests_faulted) == (1, 1, 1)
    assert (stats.rate_limited, stats.requests_refused, stats.requests_in_flight) == (1, 1, 0)
    (cut,) = stats.cut_offs
    assert cut == CutOff(1, cut.at, 1)
    assert 0 <= cut.at < 60


def test_a_request_counted_too_soon_is_counted_again() -> None:
    ledger = Ledger(10)
    one = request()
    ledger.began(one)
    ledger.ended(one, "finished")
    ledger.ended(one, "cut_off")
    stats = ledger.stats
    assert (stats.requests_finished, stats.requests_cut_off, stats.requests_in_flight) == (0, 1, 0)


def test_the_counts_as_text() -> None:
    ledger = Ledger(0)
    assert "cut off" not in str(ledger.stats)
    one = request()
    ledger.began(one)
    ledger.faulting(one, "reset")
    ledger.ended(one, "cut_off")
    assert "  cut off    1" in str(ledger.stats)
    assert "faults       reset 1" in str(ledger.stats)


def test_only_the_last_requests_are_kept() -> None:
    ledger = Ledger(3)
    for number in range(10):
        ledger.began(request(number))
    assert [one.number for one in ledger.requests] == [7, 8, 9]
    none = Ledger(0)
    none.began(request())
    assert not none.requests


def test_large_requests_are_kept_in_bounds() -> None:
    ledger = Ledger(1000)
    for number in range(10):
        ledger.began(request(number, size=30 * 2**20))
    assert [one.number for one in ledger.requests] == [8, 9]
    ledger.began(request(10, size=500 * 2**20))
    assert [one.number for one in ledger.requests] == [10]


def test_contents_are_counted_and_the_oldest_forgotten() -> None:
    ledger = Ledger(0)
    assert [ledger.seen(b"a"), ledger.seen(b"b"), ledger.seen(b"a")] == [1, 1, 2]
    for number in range(_CONTENTS_KEPT - 1):
        ledger.seen(number.to_bytes(4, "big"))
    assert ledger.seen(b"a") == 3
    assert ledger.seen(b"b") == 1


def test_a_request_shows_no_headers_or_body() -> None:
    one = request()
    one.body = {"messages": [{"role": "user", "content": "private"}]}
    assert "private" not in repr(one)
    assert "authorization" not in repr(one)


def test_properties_of_odd_bodies() -> None:
    one = request()
    for body in ({}, {"model": 5, "messages": "x", "stream": "yes"}):
        one.body = dict(body)
        assert (one.model, one.messages, one.stream, one.prompt) == ("", [], False, "")


def test_keeping_less_than_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="keep_requests"):
        Ledger(-1)


@pytest.mark.anyio
async def test_waiting_ends_with_the_change_that_was_waited_for() -> None:
    ledger = Ledger(0)
    assert await ledger.wait_for(lambda stats: stats.connections_open == 0, 0) is ledger.stats
    done: list[int] = []

    async def wait(number: int) -> None:
        await ledger.wait_for(lambda stats: stats.connections_total >= number, None)
        done.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, 1)
        tasks.start_soon(wait, 2)
        await anyio.wait_all_tasks_blocked()
        ledger.connected()
        await anyio.wait_all_tasks_blocked()
        assert done == [1]
        ledger.connected()
    assert done == [1, 2]
    assert not ledger._waiters


@pytest.mark.anyio
async def test_a_condition_true_for_a_moment_is_not_missed() -> None:
    ledger = Ledger(0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ledger.wait_for, lambda stats: stats.connections_open == 1, None)
        await anyio.wait_all_tasks_blocked()
        ledger.connected()
        ledger.disconnected()


@pytest.mark.anyio
async def test_waiting_in_vain_shows_the_counts() -> None:
    with pytest.raises(TimeoutError, match=r"(?s)in 0.001 s:.*connections  0"):
        await Ledger(0).wait_for(lambda stats: stats.connections_open == 5, 0.001)


@pytest.mark.anyio
async def test_an_error_of_the_condition_is_the_waiters() -> None:
    ledger = Ledger(0)
    failed: list[Exception] = []

    async def wait() -> None:
        try:
            await ledger.wait_for(lambda stats: 1 / (stats.connections_total - 1) > 0, None)
        except ZeroDivisionError as error:
            failed.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        ledger.connected()
    assert len(failed) == 1
