"""What passes through the waist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatcore.engine.request import AddableDict, Request, Streamed, Whole, merge_configs
from chatcore.messages import AIMessageChunk

pytestmark = pytest.mark.anyio


async def items(*rest: Any) -> AsyncIterator[Any]:
    for item in rest:
        yield item


CHUNKS: dict[str, tuple[list[Any], Any]] = {
    "one": ([5], 5),
    "text": (["a", "b", "c"], "abc"),
    "messages": ([AIMessageChunk(content="a"), AIMessageChunk(content="b")], AIMessageChunk(content="ab")),
    "numbers": ([1, 2, 3], 6),
    "lists": ([[1], [2]], [1, 2]),
    "branches": ([AddableDict(a="x"), AddableDict(b=1), AddableDict(a="y")], {"a": "xy", "b": 1}),
    "dicts": ([{"a": 1}, {"a": 2}], {"a": 2}),
    "what cannot be added": ([object, None], None),
    "text and something else": (["a", 1, 2], 3),
    "a message and text": ([AIMessageChunk(content="a"), "b"], "b"),
    "a branch and a dict": ([AddableDict(a=1), {"b": 2}], {"a": 1, "b": 2}),
}


@pytest.mark.parametrize("kind", CHUNKS)
async def test_chunks_are_added_up(kind: str) -> None:
    (first, *rest), whole = CHUNKS[kind]
    response = Streamed(first, items(*rest))
    assert response.partial() is None
    seen = [await response.__anext__()]
    assert response.partial() == first
    assert await response.result() == whole
    assert seen == [first]
    assert await response.result() == whole
    assert response.origin() is response


async def test_whole_is_one_chunk() -> None:
    response = Whole("x")
    assert await response.__anext__() == "x"
    with pytest.raises(StopAsyncIteration):
        await response.__anext__()
    assert (await response.result(), response.partial(), response.origin()) == ("x", "x", response)


async def test_child_has_the_bounds_and_not_the_settings() -> None:
    request = Request("a", {"tags": ["x"]}, {"stop": ["."]}, stream=True, deadline=5.0, prepared="something")
    child = request.child("b")
    assert (child.input, child.config, child.settings, child.stream, child.deadline, child.prepared) == (
        "b",
        {"tags": ["x"]},
        {},
        False,
        5.0,
        None,
    )
    assert request.edited(input="c").settings == {"stop": ["."]}
    assert request.input == "a"


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, {"tags": ["a", "b", "c"]}),
        ({"metadata": {"a": 1, "b": 1}}, {"metadata": {"b": 2}}, {"metadata": {"a": 1, "b": 2}}),
        ({"configurable": {"a": 1}}, {"configurable": {"b": 2}}, {"configurable": {"a": 1, "b": 2}}),
        ({"run_name": "a", "tags": ["a"]}, {"run_name": "b"}, {"run_name": "b", "tags": ["a"]}),
        ({"max_concurrency": 3}, {"max_concurrency": None}, {"max_concurrency": 3}),
        ({}, {"tags": ["a"]}, {"tags": ["a"]}),
    ],
    ids=["tags", "metadata", "configurable", "replaced", "none says nothing", "empty"],
)
async def test_configs_are_merged(base: dict[str, Any], over: dict[str, Any], merged: dict[str, Any]) -> None:
    before = repr((base, over))
    assert merge_configs(base, over) == merged
    assert repr((base, over)) == before
