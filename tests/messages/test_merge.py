from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.messages import merge_content
from chatcore.messages._merge import merge_dicts, merge_lists, merge_obj

values = st.recursive(
    st.one_of(st.none(), st.sampled_from(["x", "y", ""]), st.integers(0, 2)),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "id", "index", "type", "created"]), inner, max_size=3),
        st.lists(inner, max_size=2),
    ),
    max_leaves=5,
)
dicts = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "id", "index"]), values, max_size=3), min_size=1, max_size=4
)


def outcome(merge: Any) -> Any:
    try:
        return merge()
    except TypeError:
        return TypeError


@given(dicts)
def test_many_at_once_is_one_after_another(parts: list[dict[str, Any]]) -> None:
    before = repr(parts)
    assert outcome(lambda: merge_dicts(*parts)) == outcome(lambda: functools.reduce(merge_dicts, parts))
    assert repr(parts) == before


@pytest.mark.parametrize(
    ("parts", "merged"),
    [
        ([{"a": "x"}, {"a": "y"}], {"a": "xy"}),
        ([{"a": None}, {"a": "y"}, {"a": None}], {"a": "y"}),
        ([{"a": None}, {"a": None}], {"a": None}),
        ([{"id": "x"}, {"id": "x"}, {"id": "y"}], {"id": "xy"}),
        ([{"format": "v1"}, {"format": "v1"}], {"format": "v1"}),
        ([{"index": "lc_1"}, {"index": "lc_1"}], {"index": "lc_1"}),
        ([{"index": 0}, {"index": 1}], {"index": 1}),
        ([{"n": 1}, {"n": 2}, {"n": 4}], {"n": 7}),
        ([{"n": 5}, {"n": 5}], {"n": 5}),
        ([{"n": 1.5}, {"n": 1.5}], {"n": 1.5}),
        ([{"l": [1]}, {"l": [2]}], {"l": [1, 2]}),
        ([{"d": {"a": "x"}}, {"d": {"a": "y", "b": 1}}], {"d": {"a": "xy", "b": 1}}),
    ],
)
def test_values_merge_by_their_kind(parts: list[dict[str, Any]], merged: dict[str, Any]) -> None:
    assert merge_dicts(*parts) == merged


@pytest.mark.parametrize("pair", [("x", 1), (True, False), (1.5, 2.5), ({}, [])], ids=str)
def test_what_cannot_be_merged_names_its_key(pair: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match="'where'"):
        merge_dicts({"where": pair[0]}, {"where": pair[1]})


def test_lists_merge_by_index_and_none_is_no_list() -> None:
    assert merge_lists(None, None) is None
    assert merge_lists(None, [1], None, [2]) == [1, 2]
    assert merge_lists([{"index": 0, "a": "x"}], [{"index": 0, "a": "y"}, {"index": 1}, {"a": "z"}]) == [
        {"index": 0, "a": "xy"},
        {"index": 1},
        {"a": "z"},
    ]


def test_contents_of_none_is_empty() -> None:
    assert merge_content(None) == ""
    assert merge_content("a", "b") == "ab"
    assert merge_content(["a"], "b", ["c"]) == ["ab", "c"]


@pytest.mark.parametrize(
    ("left", "right", "merged"),
    [
        (None, 1, 1),
        (1, None, 1),
        ("a", "b", "ab"),
        ([1], [2], [1, 2]),
        ({"a": "x"}, {"a": "y"}, {"a": "xy"}),
        (1, 1, 1),
    ],
)
def test_objects_merge_by_their_kind(left: Any, right: Any, merged: Any) -> None:
    assert merge_obj(left, right) == merged
