from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import ConfigurationError
from chatcore.testing import Limits
from chatcore.testing._limits import Bucket, Gate, Level, Verdict


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def remaining(gate: Gate) -> dict[str, int]:
    return {level.kind: level.remaining for level in gate.levels()}


def test_a_minute_worth_of_requests_comes_at_once_and_then_one_by_one() -> None:
    clock = Clock()
    gate = Gate(Limits(requests_per_minute=3), clock)
    assert [gate.admit(1) for _ in range(3)] == [None] * 3
    verdict = gate.admit(1)
    assert verdict is not None
    assert (verdict.kind, verdict.wait) == ("requests", pytest.approx(20))
    assert (verdict.limit, verdict.used, verdict.requested) == (3, 3, 1)
    clock.now += verdict.wait or 0
    assert gate.admit(1) is None
    assert gate.admit(1) is not None


def test_exactly_the_wait_that_was_named_is_enough() -> None:
    clock = Clock()
    clock.now = 12345.678
    gate = Gate(Limits(requests_per_minute=333, burst_requests=1), clock)
    for _ in range(200):
        assert gate.admit(1) is None
        verdict = gate.admit(1)
        assert verdict is not None
        clock.now += verdict.wait or 0


def test_a_burst_may_be_smaller_than_a_minute() -> None:
    gate = Gate(Limits(requests_per_minute=600, burst_requests=2), Clock())
    assert [gate.admit(1) for _ in range(2)] == [None] * 2
    verdict = gate.admit(1)
    assert verdict is not None
    assert verdict.wait == pytest.approx(0.1)


def test_answers_are_charged_and_may_leave_a_debt() -> None:
    clock = Clock()
    gate = Gate(Limits(tokens_per_minute=60), clock)
    assert gate.admit(10) is None
    gate.charge(80)
    assert remaining(gate) == {"tokens": 0}
    verdict = gate.admit(10)
    assert verdict is not None
    assert (verdict.kind, verdict.wait) == ("tokens", pytest.approx(40))


def test_a_prompt_larger_than_the_bucket_is_told_so() -> None:
    gate = Gate(Limits(tokens_per_minute=60), Clock())
    verdict = gate.admit(61)
    assert verdict == Verdict("tokens", limit=60, capacity=60, used=0, requested=61, wait=None)


def test_a_request_turned_away_for_its_tokens_takes_no_request() -> None:
    gate = Gate(Limits(requests_per_minute=10, tokens_per_minute=60), Clock())
    assert gate.admit(61) is not None
    assert remaining(gate)["requests"] == 10


def test_what_is_limited_is_told() -> None:
    clock = Clock()
    gate = Gate(Limits(requests_per_minute=60, tokens_per_minute=6000), clock)
    gate.admit(100)
    assert gate.levels() == [Level("requests", 60, 59, 1.0), Level("tokens", 6000, 5900, 1.0)]
    clock.now = 0.5
    assert gate.levels()[1].reset == pytest.approx(0.5)
    assert [level.kind for level in Gate(Limits(tokens_per_minute=5), clock).levels()] == ["tokens"]
    assert Gate(Limits(), clock).levels() == []


@given(per_minute=st.floats(0.1, 1e6), burst=st.floats(0.5, 1e6), amounts=st.lists(st.floats(0.01, 1e6), max_size=20))
def test_after_the_wait_it_named_a_bucket_lets_in(per_minute: float, burst: float, amounts: list[float]) -> None:
    bucket, now = Bucket(per_minute, burst, 0.0), 0.0
    for amount in amounts:
        wait = bucket.wait(amount, now)
        if wait == math.inf:
            assert amount > bucket.capacity
            continue
        now += wait
        assert bucket.wait(amount, now) == pytest.approx(0, abs=1e-3)
        bucket.take(amount, now)
        assert bucket.level(now) >= -1e-3


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "burst_requests", "burst_tokens"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_greater_than_nothing(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: value})
