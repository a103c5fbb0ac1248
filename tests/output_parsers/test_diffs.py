"""JSON patches: applied, they make the new value; for values that grow they are those of the reference's library."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.output_parsers._diffs import json_patch

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=4),
    max_leaves=10,
)


@given(old=VALUES, new=VALUES)
def test_patch_makes_the_new_value(old: Any, new: Any) -> None:
    assert repr(sort(jsonpatch.apply_patch(old, json_patch(old, new)))) == repr(sort(new))


def sort(value: Any) -> Any:
    """With keys in order, so that a repr, which tells True from 1, can be compared."""
    if isinstance(value, dict):
        return {key: sort(value[key]) for key in sorted(value)}
    return [sort(below) for below in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, {}),
        ({}, {"a": ""}),
        ({"a": ""}, {"a": "b"}),
        ({"a": [1]}, {"a": [1, {"b": 2}]}),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c/d": "~"}]}),
        ([1, 2], [1, 2, 3, 4]),
        ({"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1.5}),
    ],
)
def test_growth_is_told_as_the_reference_tells_it(old: Any, new: Any) -> None:
    assert json_patch(old, new) == jsonpatch.make_patch(old, new).patch
