from __future__ import annotations

from typing import Any

import pytest

from chatcore.messages import UsageMetadata, add_usage, subtract_usage

USAGE = UsageMetadata(input_tokens=5, output_tokens=3, total_tokens=8)


def test_usage_adds_and_subtracts() -> None:
    detailed = UsageMetadata(**USAGE, input_token_details={"cache_read": 2})
    assert add_usage(None, None) == subtract_usage(None, None) == dict.fromkeys(USAGE, 0)
    assert add_usage(USAGE, None) == add_usage(None, USAGE) == USAGE
    assert add_usage(USAGE, detailed) == {
        "input_tokens": 10,
        "output_tokens": 6,
        "total_tokens": 16,
        "input_token_details": {"cache_read": 2},
    }
    assert subtract_usage(USAGE, UsageMetadata(input_tokens=7, output_tokens=1, total_tokens=8)) == {
        "input_tokens": 0,
        "output_tokens": 2,
        "total_tokens": 0,
    }


@pytest.mark.parametrize("wrong", ["3", 3.5, {"x": 1}], ids=str)
def test_what_is_no_count_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="input_tokens"):
        add_usage(USAGE, {**USAGE, "input_tokens": wrong})  # type: ignore[typeddict-item]
