"""Which call a part belongs to, and what its arguments say."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.messages import ToolCallChunk
from chatcore.messages._tool_calls import ToolCallJoin, finished_calls, partial_calls
from chatcore.messages.tool import tool_call_chunk


def delta(
    args: str | None = None,
    *,
    name: str | None = None,
    id: str | None = None,  # noqa: A002 - the dict's own key
    index: Any = None,
) -> ToolCallChunk:
    return tool_call_chunk(name=name, args=args, id=id, index=index)


def joined(*deltas: ToolCallChunk) -> list[tuple[str, Any, Any]]:
    """Name, arguments and id of each whole call; joined one by one, all at once, and once more."""
    one_by_one, at_once, again = ToolCallJoin(), ToolCallJoin(), ToolCallJoin()
    for part in deltas:
        one_by_one.add([part])
    at_once.add(deltas)
    again.add(at_once.chunks())
    assert one_by_one.chunks() == at_once.chunks() == again.chunks()
    calls, invalid = finished_calls(at_once.chunks())
    assert invalid == []
    return [(call["name"], call["args"], call["id"]) for call in calls]


# ------------------------------------------------------------------------------------------------- which call is whose


def test_calls_interleaved_by_index() -> None:
    calls = joined(
        delta("", name="f", id="a", index=0),
        delta("", name="g", id="b", index=1),
        delta('{"x":', index=0),
        delta('{"y":', index=1),
        delta("1}", index=0),
        delta("2}", index=1),
    )
    assert calls == [("f", {"x": 1}, "a"), ("g", {"y": 2}, "b")]


def test_an_id_without_index_begins_a_call_and_nothing_at_all_continues_it() -> None:
    calls = joined(
        delta("", name="f", id="a"), delta('{"x":'), delta("1}"), delta("{", name="g", id="b"), delta('"y":2}')
    )
    assert calls == [("f", {"x": 1}, "a"), ("g", {"y": 2}, "b")]


def test_a_repeated_id_without_index_is_the_same_call() -> None:
    calls = joined(
        delta("{", name="f", id="a"), delta("{", name="g", id="b"), delta('"x":1}', id="a"), delta("}", id="b")
    )
    assert calls == [("f", {"x": 1}, "a"), ("g", {}, "b")]


def test_a_repeated_id_and_name_with_index_are_the_same_call() -> None:
    calls = joined(delta("{", name="f", id="a", index=0), delta('"x":1}', name="f", id="a", index=0))
    assert calls == [("f", {"x": 1}, "a")]


def test_whole_calls_that_all_say_index_0_stay_apart_by_their_ids() -> None:
    calls = joined(
        delta('{"x":1}', name="f", id="a", index=0),
        delta('{"x":2}', name="f", id="b", index=0),
        delta('{"x":3}', name="f", id="c", index=0),
    )
    assert calls == [("f", {"x": 1}, "a"), ("f", {"x": 2}, "b"), ("f", {"x": 3}, "c")]


def test_after_two_calls_of_one_index_the_latest_is_continued() -> None:
    calls = joined(
        delta("{}", name="f", id="a", index=0), delta("{", name="g", id="b", index=0), delta('"x":1}', index=0)
    )
    assert calls == [("f", {}, "a"), ("g", {"x": 1}, "b")]


def test_whole_calls_without_index_and_id_stay_apart_by_their_names() -> None:
    calls = joined(delta('{"x":1}', name="f"), delta('{"x":2}', name="f"))
    assert calls == [("f", {"x": 1}, None), ("f", {"x": 2}, None)]


def test_an_id_that_comes_late_names_the_call_of_its_index() -> None:
    calls = joined(delta("{", name="f", index=0), delta("}", id="a", index=0), delta(" ", id="a", index=0))
    assert calls == [("f", {}, "a")]


def test_an_id_that_another_call_has_does_not_name_the_call_of_its_index() -> None:
    parts = [delta("{}", name="f", index=1), delta("{}", id="a"), delta("{}", id="a", index=1)]
    assert [call_id for _, _, call_id in joined(*parts)] == [None, "a", "a"]


def test_one_id_under_two_indexes_is_two_calls() -> None:
    calls = joined(delta("{}", name="f", id="a", index=0), delta("{}", name="f", id="a", index=1))
    assert calls == [("f", {}, "a"), ("f", {}, "a")]


def test_empty_ids_and_names_say_nothing() -> None:
    calls = joined(delta("{", name="f", id="a", index=0), delta("}", name="", id="", index=0))
    assert calls == [("f", {}, "a")]


def test_a_name_may_come_in_pieces() -> None:
    calls = joined(delta(None, name="get_", id="a", index=0), delta(None, name="weather", index=0))
    assert calls == [("get_weather", {}, "a")]


# ------------------------------------------------------------------------------------------------- what arguments say


def finished(args: str | None) -> Any:
    calls, invalid = finished_calls([delta(args, name="f", id="c1")])
    return calls[0]["args"] if calls else invalid[0]


@pytest.mark.parametrize("args", ["", None, "null", "{}", " {} "])
def test_no_arguments_are_said_in_many_ways(args: str | None) -> None:
    assert finished(args) == {}


def test_raw_line_breaks_and_half_characters_are_read() -> None:
    assert finished('{"a": "x\ny"}') == {"a": "x\ny"}
    assert finished('{"a": "\ud83d"}') == {"a": "\ufffd"}
    assert finished('{"a": "\\ud83d"}') == {"a": "\ufffd"}  # so that it can be sent


@pytest.mark.parametrize(
    "args", ["{", "[1]", '"a"', "1", "nonsense", " ", '{"a": 1} and more', "[" * 100_000], ids=lambda args: args[:20]
)
def test_arguments_that_cannot_be_read_are_kept_with_the_reason(args: str) -> None:
    invalid = finished(args)
    assert {**invalid, "error": None} == {
        "type": "invalid_tool_call",
        "name": "f",
        "args": args,
        "id": "c1",
        "error": None,
    }
    assert "JSON" in invalid["error"]


@pytest.mark.parametrize(
    ("args", "read"),
    [
        (None, {}),
        ("", {}),
        ("{", {}),
        ('{"a', {}),
        ('{"a": tr', {}),
        ('{"a": "b', {"a": "b"}),
        ('{"a": "b", "c": [1, 2', {"a": "b", "c": [1, 2]}),
        ('{"a": "x\\"', {"a": 'x"'}),
        ('{"a": "line\nbre', {"a": "line\nbre"}),
        ("\n{", {}),
        ("null", {}),
    ],
)
def test_arguments_are_read_as_far_as_they_have_come(args: str | None, read: dict[str, Any]) -> None:
    assert partial_calls([delta(args, name="f", id="c1")]) == (
        [{"name": "f", "args": read, "id": "c1", "type": "tool_call"}],
        [],
    )


@pytest.mark.parametrize("args", ['{"a": "x\\', '{"a": "x\\ud83d'], ids=["backslash", "half a pair"])
def test_a_string_that_ends_inside_an_escape_is_read_up_to_it_or_not_yet(args: str) -> None:
    # Which of the two is pydantic_core's choice, and has changed.
    calls, invalid = partial_calls([delta(args, name="f", id="c1")])
    assert calls[0]["args"] in ({}, {"a": "x"})
    assert invalid == []


@pytest.mark.parametrize("args", ['a": 1}', "{'a'", "[1", " ", "nul"])
def test_a_stretch_that_is_no_beginning_cannot_be_read(args: str) -> None:
    calls, invalid = partial_calls([delta(args, name="f", id="c1")])
    assert calls == []
    assert invalid == [{"type": "invalid_tool_call", "name": "f", "args": args, "id": "c1", "error": None}]


objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
        max_leaves=5,
    ),
    max_size=4,
)


@given(objects, st.booleans(), st.data())
def test_arguments_cut_anywhere_are_the_arguments(
    arguments: dict[str, Any], ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(arguments, ensure_ascii=ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    first, *rest = pieces
    deltas = [delta(first, name="f", id="c1", index=0), *(delta(piece, index=0) for piece in rest)]
    assert joined(*deltas) == [("f", arguments, "c1")]
    # Whatever has come so far can be read, but for the end of a word.
    for end in range(1, len(text) + 1):
        calls, _ = partial_calls([delta(text[:end], name="f", id="c1")])
        assert calls[0]["args"].keys() <= arguments.keys()
