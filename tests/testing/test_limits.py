from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import ConfigurationError
from chatcore.testing import Limits
from chatcore.testing._limits import Bucket, Gate, Verdict, duration


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def headers(gate: Gate) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in gate.headers().decode().splitlines())


def test_a_minute_worth_of_requests_comes_at_once_and_then_one_by_one() -> None:
    clock = Clock()
    gate = Gate(Limits(requests_per_minute=3), clock)
    assert [gate.admit("m", 1) for _ in range(3)] == [None] * 3
    verdict = gate.admit("m", 1)
    assert verdict is not None
    assert (verdict.kind, verdict.wait) == ("requests", pytest.approx(20))
    assert "Limit 3, Used 3, Requested 1. Please try again in 20s." in verdict.message
    clock.now += verdict.wait or 0
    assert gate.admit("m", 1) is None
    assert gate.admit("m", 1) is not None


def test_exactly_the_wait_that_was_named_is_enough() -> None:
    clock = Clock()
    clock.now = 12345.678
    gate = Gate(Limits(requests_per_minute=333, burst_requests=1), clock)
    for _ in range(200):
        assert gate.admit("m", 1) is None
        verdict = gate.admit("m", 1)
        assert verdict is not None
        clock.now += verdict.wait or 0


def test_a_burst_may_be_smaller_than_a_minute() -> None:
    gate = Gate(Limits(requests_per_minute=600, burst_requests=2), Clock())
    assert [gate.admit("m", 1) for _ in range(2)] == [None] * 2
    verdict = gate.admit("m", 1)
    assert verdict is not None
    assert verdict.wait == pytest.approx(0.1)


def test_answers_are_charged_and_may_leave_a_debt() -> None:
    clock = Clock()
    gate = Gate(Limits(tokens_per_minute=60), clock)
    assert gate.admit("m", 10) is None
    gate.charge(80)
    assert headers(gate)["x-ratelimit-remaining-tokens"] == "0"
    verdict = gate.admit("m", 10)
    assert verdict is not None
    assert (verdict.kind, verdict.wait) == ("tokens", pytest.approx(40))


def test_a_prompt_larger_than_the_bucket_is_told_so() -> None:
    gate = Gate(Limits(tokens_per_minute=60), Clock())
    verdict = gate.admit("gpt", 61)
    assert verdict == Verdict(
        "tokens",
        "Request too large for gpt on tokens per min (TPM): Limit 60, Requested 61. "
        "The input must be reduced in order to run successfully.",
        None,
    )


def test_a_request_turned_away_for_its_tokens_takes_no_request() -> None:
    gate = Gate(Limits(requests_per_minute=10, tokens_per_minute=60), Clock())
    assert gate.admit("m", 61) is not None
    assert headers(gate)["x-ratelimit-remaining-requests"] == "10"


def test_headers_name_what_is_limited() -> None:
    clock = Clock()
    gate = Gate(Limits(requests_per_minute=60, tokens_per_minute=6000), clock)
    gate.admit("m", 100)
    assert headers(gate) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5900",
        "x-ratelimit-reset-tokens": "1s",
    }
    clock.now = 0.5
    assert headers(gate)["x-ratelimit-reset-tokens"] == "500ms"
    assert Gate(Limits(tokens_per_minute=5), clock).headers().count(b"\r\n") == 3
    assert Gate(Limits(), clock).headers() == b""


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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "0s"),
        (0.0005, "1ms"),
        (0.017, "17ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "burst_requests", "burst_tokens"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_greater_than_nothing(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: value})
