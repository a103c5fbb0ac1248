"""The public module of rate limiters; how they work is tested in tests/engine/test_limits.py."""

from __future__ import annotations

import pytest

from chatcore import rate_limiters
from chatcore.rate_limiters import BaseRateLimiter, InMemoryRateLimiter, TokenBucket


@pytest.mark.parametrize("name", rate_limiters.__all__)
def test_names_are_those_of_the_engine(name: str) -> None:
    assert getattr(rate_limiters, name).__module__ == "chatcore.engine.limits"


def test_both_are_rate_limiters() -> None:
    assert isinstance(TokenBucket(requests_per_minute=60), BaseRateLimiter)
    assert isinstance(InMemoryRateLimiter(), BaseRateLimiter)
    assert InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001).acquire() is True
