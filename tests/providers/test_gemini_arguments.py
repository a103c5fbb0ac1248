"""Arguments that come value by value, as JSON text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._gemini_arguments import ArgumentsWriter


def written(pieces: list[dict[str, Any]]) -> Any:
    writer = ArgumentsWriter()
    return json.loads("".join([*map(writer.add, pieces), writer.end()]))


def piece(path: str, value: Any, *, goes_on: bool = False) -> dict[str, Any]:
    kinds: dict[type, str] = {str: "stringValue", bool: "boolValue", type(None): "nullValue"}
    kind = next((name for each, name in kinds.items() if isinstance(value, each)), "numberValue")
    said = {"jsonPath": path, kind: "NULL_VALUE" if value is None else value}
    return {**said, "willContinue": True} if goes_on else said


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([], {}),
        ([piece("$.city", "Boston")], {"city": "Boston"}),
        ([piece("$.city", "Bos", goes_on=True), piece("$.city", "ton", goes_on=True)], {"city": "Boston"}),
        ([piece("$.city", "Bos", goes_on=True), piece("$.city", "")], {"city": "Bos"}),
        ([piece("$.a", "x", goes_on=True), piece("$.b", 'q"\\\n')], {"a": "x", "b": 'q"\\\n'}),
        (
            [piece("$.a", 1), piece("$.b", 2.5), piece("$.c", True), piece("$.d", None)],
            {"a": 1, "b": 2.5, "c": True, "d": None},
        ),
        (
            [
                piece("$.r.items[0].name", "a"),
                piece("$.r.items[0].n", 1),
                piece("$.r.items[1].name", "b"),
                piece("$.r.steps[0]", "x"),
                piece("$.r.steps[1]", "y"),
                piece("$.last", 0),
            ],
            {"r": {"items": [{"name": "a", "n": 1}, {"name": "b"}], "steps": ["x", "y"]}, "last": 0},
        ),
        ([piece("$.m[0][0]", 1), piece("$.m[0][1]", 2), piece("$.m[1][0]", 3)], {"m": [[1, 2], [3]]}),
        ([piece("$['a.b'][\"c d\"]", 1)], {"a.b": {"c d": 1}}),
        ([piece("city", "x")], {"city": "x"}),
        ([{"jsonPath": "$.a"}, {"stringValue": "x"}, {"jsonPath": 1}], {}),
    ],
)
def test_pieces_in_order_are_the_json_they_tell_of(pieces: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    assert written(pieces) == arguments


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("$", 1)],
        [piece("$[0]", 1)],
        [piece("$.a..b", 1)],
        [piece("$.a", 1), piece("$.a", 2)],
        [piece("$.a.b", 1), piece("$.c", 2), piece("$.a.d", 3)],
        [piece("$.a[1]", 1)],
        [piece("$.a[0]", 1), piece("$.a.b", 1)],
    ],
)
def test_pieces_that_continue_nothing_are_refused(pieces: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"names no argument|out of order|is no place"):
        written(pieces)


def test_whole_arguments_stand_beside_pieces() -> None:
    writer = ArgumentsWriter()
    text = writer.put("a", {"b": [1]}) + writer.add(piece("$.c", "x", goes_on=True)) + writer.put("d", 2) + writer.end()
    assert json.loads(text) == {"a": {"b": [1]}, "c": "x", "d": 2}


LEAF = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text("ab c", min_size=1, max_size=2)
ARGUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        LEAF,
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


def pieces_of(value: Any, path: str, size: int) -> list[dict[str, Any]]:
    if is_dict(value):
        return [each for key, inner in value.items() for each in pieces_of(inner, f"{path}.{key}", size)]
    if is_list(value):
        return [each for key, inner in enumerate(value) for each in pieces_of(inner, f"{path}[{key}]", size)]
    if isinstance(value, str):
        parts = [value[at : at + size] for at in range(0, len(value), size)]
        return [*(piece(path, part, goes_on=True) for part in parts), piece(path, "")]
    return [piece(path, value)]


@given(ARGUMENTS, st.integers(1, 5))
def test_whatever_the_arguments_hold(arguments: dict[str, Any], size: int) -> None:
    assert written(pieces_of(arguments, "$", size)) == arguments


def test_a_long_argument_costs_its_length() -> None:
    def seconds(size: int) -> float:
        writer = ArgumentsWriter()
        started = time.process_time()
        for position in range(size):
            writer.add(piece(f"$.items[{position}]", "x", goes_on=True))
        return time.process_time() - started

    seconds(1000)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.001)
