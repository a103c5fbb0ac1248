from __future__ import annotations

from uuid import UUID

import pytest

from chatcore.messages import HumanMessageChunk, ToolMessage, ToolMessageChunk
from chatcore.messages.tool import invalid_tool_call, tool_call, tool_call_chunk


def test_the_id_of_the_call_may_be_a_number_or_a_uuid() -> None:
    uuid = UUID(int=1)
    assert ToolMessage("a", tool_call_id=uuid).tool_call_id == str(uuid)
    assert ToolMessage("a", tool_call_id=1.5).tool_call_id == "1.5"


def test_content_of_any_kind_becomes_text() -> None:
    assert ToolMessage(5, tool_call_id="c").content == "5"
    assert ToolMessage([1, "a", {"type": "text"}], tool_call_id="c").content == ["1", "a", {"type": "text"}]


def test_what_is_given_is_not_changed() -> None:
    content = [1]
    ToolMessage(content, tool_call_id="c")
    assert content == [1]


def test_a_message_without_its_call_is_refused() -> None:
    with pytest.raises(ValueError, match="tool_call_id"):
        ToolMessage("a")
    with pytest.raises(ValueError, match="ToolMessage"):
        ToolMessage.model_validate(5)


def test_artifacts_that_differ_do_not_join() -> None:
    left = ToolMessageChunk(content="a", tool_call_id="c", artifact=1)
    assert (left + ToolMessageChunk(content="b", tool_call_id="c")).artifact == 1
    assert (left + ToolMessageChunk(content="b", tool_call_id="c", artifact=1)).artifact == 1
    with pytest.raises(ValueError, match="merge"):
        left + ToolMessageChunk(content="b", tool_call_id="c", artifact=2)
    with pytest.raises(TypeError, match="int"):
        left + ToolMessageChunk(content="b", tool_call_id="c", artifact="x")


def test_chunks_of_another_kind_join_into_the_answer() -> None:
    left = ToolMessageChunk(content="a", tool_call_id="c", artifact=["x"])
    others = [HumanMessageChunk(content="b"), ToolMessageChunk(content="c", tool_call_id="c", status="error")]
    assert left + others == ToolMessageChunk(content="abc", tool_call_id="c", artifact=["x"], status="error")


def test_factories_set_the_type() -> None:
    assert tool_call(name="f", args={}, id=None) == {"name": "f", "args": {}, "id": None, "type": "tool_call"}
    assert tool_call_chunk()["type"] == "tool_call_chunk"
    assert invalid_tool_call(error="x") == {
        "name": None,
        "args": None,
        "id": None,
        "error": "x",
        "type": "invalid_tool_call",
    }
