from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chatcore.errors import ConfigurationError
from chatcore.testing import Fault, Faults
from chatcore.testing._text import digest_of


def test_names_stand_for_faults() -> None:
    assert Fault.named("503") == Fault.http(503)
    assert Fault.named("cut") == Fault.cut()
    assert (Fault.named("503").name, Fault.named("cut").name) == ("503", "cut")


@pytest.mark.parametrize("name", ["", "resett", "200", "600", "²00", "http"])
def test_a_name_without_a_fault_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no fault is called"):
        Fault.named(name)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Fault, {"kind": "explode"}),
        (Fault.http, {"status": 99}),
        (Fault.http, {"status": 429, "retry_after": -1}),
        (Fault.cut, {"after_chunks": -1}),
        (Fault.slow_drip, {"bytes_per_second": 0}),
        (Fault.outage, {"seconds": -1}),
        (Faults, {"rate": 1.1}),
        (Faults, {"rate": -0.1}),
        (Faults, {"rate": 0.1, "kinds": ()}),
        (Faults, {"rate": 0.1, "kinds": "reset"}),
        (Faults, {"rate": 0.1, "kinds": ("no such",)}),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(kind: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        kind(**arguments)


def test_faults_strike_at_their_rate_and_by_all_kinds_alike() -> None:
    faults = Faults(0.2, (500, "reset", Fault.cut(after_chunks=3)))
    struck = [faults.strike(digest_of(seed, None, None, None), 1) for seed in range(5000)]
    counts = Counter(fault.name for fault in struck if fault is not None)
    assert sorted(counts) == ["500", "cut", "reset"]
    assert 850 < counts.total() < 1150
    assert all(250 < count < 420 for count in counts.values())


def test_the_same_request_meets_the_same_fault_and_a_retry_draws_anew() -> None:
    faults = Faults(0.5)
    digests = [digest_of(seed, None, None, None) for seed in range(100)]
    assert [faults.strike(digest, 1) for digest in digests] == [faults.strike(digest, 1) for digest in digests]
    assert [faults.strike(digest, 1) for digest in digests] != [faults.strike(digest, 2) for digest in digests]


def test_rates_of_nothing_and_all() -> None:
    digests = [digest_of(seed, None, None, None) for seed in range(100)]
    assert not any(Faults(0).strike(digest, 1) for digest in digests)
    assert all(Faults(1).strike(digest, 1) for digest in digests)
