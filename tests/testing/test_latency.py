from __future__ import annotations

import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import Latency


def test_tokens_are_due_at_the_rate_after_the_first() -> None:
    pace = Latency(0.2, tokens_per_second=50).pace(0.5)
    assert pace.after(0) == 0.2
    assert pace.after(10) == pytest.approx(0.4)


def test_without_a_rate_all_comes_at_once() -> None:
    pace = Latency(0.2).pace(0.9)
    assert pace.after(0) == pace.after(10_000) == 0.2


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
def test_jitter_strays_by_its_share(chance: float, factor: float) -> None:
    pace = Latency(1.0, tokens_per_second=10, jitter=0.25).pace(chance)
    assert pace.first == pytest.approx(factor)
    assert pace.each == pytest.approx(0.1 * factor)


@pytest.mark.parametrize(
    "settings",
    [
        {"time_to_first_token": -1},
        {"time_to_first_token": float("nan")},
        {"tokens_per_second": 0},
        {"tokens_per_second": -5},
        {"jitter": 1.5},
        {"jitter": -0.1},
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        Latency(**settings)
