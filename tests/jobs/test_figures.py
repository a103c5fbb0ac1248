from __future__ import annotations

import random

import pytest

from chatcore.jobs import BatchReport, Durations


def test_quantiles_are_right_to_a_percent() -> None:
    chance = random.Random(1)
    seconds = sorted(chance.lognormvariate(0, 1.5) for _ in range(5001))
    durations = Durations()
    for one in seconds:
        durations.add(one)
    for share in (0.05, 0.5, 0.95, 0.99):
        assert durations.quantile(share) == pytest.approx(seconds[round(share * 5000)], rel=0.012)
    assert durations.count == 5001


def test_quantile_of_nothing_is_none() -> None:
    assert Durations().quantile(0.5) is None


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, 1e-4), (1e9, 1e5)], ids=["no time", "for ever"])
def test_durations_out_of_range_are_held_at_its_ends(seconds: float, shown: float) -> None:
    durations = Durations()
    durations.add(seconds)
    assert durations.quantile(0.5) == pytest.approx(shown, rel=0.03)


def test_report_counts() -> None:
    report = BatchReport()
    report.add_answer({"input_tokens": 3, "output_tokens": 5}, 0.5, 0.1)
    report.add_answer(None, 1.5, None)
    report.add_failure("RateLimited", "slow down\nthe rest of it")
    report.add_failure("RateLimited", "again")
    assert (report.answered, report.failed, report.done) == (2, 2, 4)
    assert (report.input_tokens, report.output_tokens) == (3, 5)
    assert (report.latency.count, report.first_token.count) == (2, 1)
    assert report.errors["RateLimited"].count == 2
    assert report.errors["RateLimited"].example == "slow down"


def test_kinds_of_errors_are_bounded() -> None:
    report = BatchReport()
    for number in range(200):
        report.add_failure(f"Error{number}", "x" * 1000)
    assert len(report.errors) <= 51
    assert sum(kind.count for kind in report.errors.values()) == 200
    assert all(len(kind.example) <= 300 for kind in report.errors.values())


def test_pace_follows_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("chatcore.jobs._figures.time.monotonic", lambda: now)
    report = BatchReport(total=1000, blank=10, kept=90)
    assert report.seconds == report.lines_per_second == 0
    assert report.seconds_left() is None
    report.begin()
    for second in range(1, 31):
        now = 100.0 + second
        # Ten lines a second, and from the twentieth second on one.
        report.answered += 10 if second <= 15 else 1
        pace = report.pace()
    assert pace == pytest.approx(1)
    assert report.lines_per_second == pytest.approx(165 / 30)
    assert report.seconds_left() == pytest.approx(1000 - 10 - 90 - 165)
    report.end()
    now = 1000.0
    assert report.seconds == 30


def test_first_pace_is_that_of_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("chatcore.jobs._figures.time.monotonic", lambda: now)
    report = BatchReport()
    report.begin()
    now, report.answered = 0.1, 5
    assert report.pace() == pytest.approx(50)
    assert report.seconds_left() is None, "the total is not known"
