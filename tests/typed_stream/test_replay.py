"""What is kept for readers to come, and for how long."""

from __future__ import annotations

import pytest

from chatcore.errors import TypedStreamError
from chatcore.typed_stream._replay import Replay


def test_items_are_there_in_order() -> None:
    replay: Replay[str, str] = Replay()
    assert not replay.has(0)
    replay.push("a")
    replay.push("b")
    assert [replay.at(0), replay.at(1)] == ["a", "b"]
    assert not replay.has(2)
    replay.complete("ab")
    assert replay.done
    assert replay.whole() == "ab"


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_exactly_so_many_are_kept(limit: int) -> None:
    replay: Replay[int, None] = Replay(limit)
    for number in range(25):
        replay.push(number)
        kept = range(max(0, number + 1 - limit), number + 1)
        assert replay.kept() == list(kept)
        assert [replay.at(position) for position in kept if replay.has(position)] == list(kept)
        if kept[0]:
            with pytest.raises(TypedStreamError, match=f"the latest {limit} are kept"):
                replay.has(kept[0] - 1)
    assert len(replay) == 25
    assert len(replay._items) < 2 * limit


def test_an_error_comes_after_what_came_before() -> None:
    replay: Replay[str, str] = Replay()
    replay.push("a")
    replay.check()
    replay.fail(LookupError("gone"))
    assert replay.has(0)
    lengths: set[int] = set()
    for _ in range(5):
        with pytest.raises(LookupError, match="gone") as caught:
            replay.whole()
        lengths.add(len(caught.traceback))
    assert lengths == {3}, "each time from the start"
