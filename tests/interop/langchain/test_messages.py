"""Messages go from either library to the other and come back as they were."""

from __future__ import annotations

import pickle
import time
from typing import Any

import langchain_core.messages as lc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chatcore.messages as own
from chatcore.errors import ChatCoreError
from chatcore.interop.langchain import from_langchain_messages, to_langchain_messages
from chatcore.interop.langchain._messages import answer_chunk

USAGE = {
    "input_tokens": 5,
    "output_tokens": 7,
    "total_tokens": 12,
    "input_token_details": {"cache_read": 2},
    "output_token_details": {"reasoning": 3},
}
CALL = {"name": "look", "args": {"at": ["é", {"deep": None}]}, "id": "c1", "type": "tool_call"}
INVALID = {"name": "look", "args": '{"at": ', "id": "c2", "error": "cut off", "type": "invalid_tool_call"}
BLOCKS = [
    "bare text",
    {"type": "text", "text": "é", "annotations": [{"type": "citation", "url": "u"}]},
    {"type": "reasoning", "reasoning": "so", "extras": {"signature": "s"}},
    {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    {"type": "non_standard", "value": {"x": [1, 2.5, True, None]}},
    {"type": "server_tool_call", "id": "s", "name": "web_search", "args": {}},
]
COMMON: dict[str, Any] = {
    "additional_kwargs": {"a": {"b": [1]}},
    "response_metadata": {"model_provider": "openai", "logprobs": [{"t": 1}]},
    "name": "ada",
    "id": "m1",
}
CHUNKS = [
    {"name": "look", "args": '{"at', "id": "c1", "index": 0, "type": "tool_call_chunk"},
    {"name": None, "args": '": 1}', "id": None, "index": 0, "type": "tool_call_chunk"},
]
ARTIFACT = {"rows": [1, 2]}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("HumanMessage", {}),
    ("SystemMessage", {}),
    ("AIMessage", {"tool_calls": [CALL], "invalid_tool_calls": [INVALID], "usage_metadata": USAGE}),
    ("ToolMessage", {"tool_call_id": "c1", "artifact": ARTIFACT, "status": "error"}),
    ("ChatMessage", {"role": "critic"}),
    ("FunctionMessage", {}),
    ("HumanMessageChunk", {}),
    ("SystemMessageChunk", {}),
    ("AIMessageChunk", {"tool_call_chunks": CHUNKS, "usage_metadata": USAGE}),
    ("AIMessageChunk", {"tool_call_chunks": CHUNKS[:1], "chunk_position": "last"}),
    ("ToolMessageChunk", {"tool_call_id": "c1", "artifact": ARTIFACT}),
    ("ChatMessageChunk", {"role": "critic"}),
    ("FunctionMessageChunk", {}),
]


@pytest.mark.parametrize("content", ["", "é", BLOCKS], ids=["empty", "text", "blocks"])
@pytest.mark.parametrize(("kind", "fields"), KINDS, ids=[f"{kind}{n}" for n, (kind, _) in enumerate(KINDS)])
def test_round_trip(kind: str, fields: dict[str, Any], content: Any) -> None:
    ours = getattr(own, kind)(content=content, mine="own", **COMMON, **fields)
    theirs = getattr(lc, kind)(content=content, mine="own", **COMMON, **fields)
    (there,) = to_langchain_messages([ours])
    (here,) = from_langchain_messages([theirs])
    assert type(there) is type(theirs)
    assert type(here) is type(ours)
    if fields.get("chunk_position") != "last":  # where a call was cut off, the two read it each in its own way
        assert there == theirs
        assert here == ours
    assert from_langchain_messages([there]) == [ours]
    assert here.mine == there.mine == "own"
    assert there.model_dump() == ours.model_dump()


def test_what_was_cut_off_is_not_mended_on_the_way() -> None:
    cut = own.AIMessageChunk(content="", tool_call_chunks=CHUNKS[:1], chunk_position="last")
    (there,) = to_langchain_messages([cut])
    assert there.tool_calls == []
    assert there.invalid_tool_calls == cut.invalid_tool_calls != []


def test_the_order_to_remove_goes_across() -> None:
    assert to_langchain_messages([own.RemoveMessage("m1")]) == [lc.RemoveMessage("m1")]
    assert from_langchain_messages([lc.RemoveMessage("m1")]) == [own.RemoveMessage("m1")]


def test_neither_side_changes_what_the_other_holds() -> None:
    ours = own.AIMessage(content=[{"type": "text", "text": "a"}], tool_calls=[CALL], **COMMON)
    before = ours.model_copy(deep=True)
    (there,) = to_langchain_messages([ours])
    there.content[0]["text"] = "b"
    there.tool_calls[0]["args"]["at"].append("more")
    there.response_metadata["logprobs"].clear()
    assert ours == before


def test_artifacts_are_handed_over() -> None:
    (there,) = to_langchain_messages([own.ToolMessage("x", tool_call_id="1", artifact=ARTIFACT)])
    assert there.artifact is ARTIFACT
    assert from_langchain_messages([there])[0].artifact is ARTIFACT


class Marked(lc.HumanMessage):
    type: Any = "marked"
    colour: str = "red"


def test_classes_of_ones_own_become_what_they_inherit_from() -> None:
    (here,) = from_langchain_messages([Marked("hi")])
    assert type(here) is own.HumanMessage
    assert (here.type, here.text, here.colour) == ("human", "hi", "red")


def test_whatever_stands_for_messages_is_taken() -> None:
    given = [("system", "be brief"), {"role": "user", "content": "hi"}]
    assert to_langchain_messages(given) == [lc.SystemMessage("be brief"), lc.HumanMessage("hi")]
    assert from_langchain_messages(given) == [own.SystemMessage("be brief"), own.HumanMessage("hi")]


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ChatCoreError):
        to_langchain_messages([3])

    class Odd(lc.BaseMessage):
        type: str = "odd"

    with pytest.raises(TypeError, match=r"langchain_core is expected, not a .*Odd"):
        from_langchain_messages([Odd(content="x")])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.text() | st.lists(st.text() | st.dictionaries(st.text(), JSON, max_size=3), max_size=3)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=3)


@given(
    content=CONTENT,
    args=OBJECTS,
    beside=OBJECTS,
    about=OBJECTS,
    name=st.none() | st.text(),
    tokens=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_any_answer_comes_back_as_it_was(
    content: Any, args: Any, beside: Any, about: Any, name: Any, tokens: Any
) -> None:
    usage = tokens and {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
    fields = {
        "content": content,
        "additional_kwargs": beside,
        "response_metadata": about,
        "name": name,
        "usage_metadata": usage,
        "tool_calls": [{"name": "f", "args": args, "id": name}],
    }
    ours, theirs = own.AIMessage(**fields), lc.AIMessage(**fields)
    assert to_langchain_messages([ours]) == [theirs]
    assert from_langchain_messages([theirs]) == [ours]


def test_a_whole_answer_is_a_part_of_a_stream() -> None:
    whole = lc.AIMessage("é", tool_calls=[CALL], invalid_tool_calls=[INVALID], usage_metadata=USAGE, **COMMON)
    chunk = answer_chunk(whole)
    assert chunk.chunk_position == "last"
    assert chunk.text == "é"
    assert chunk.tool_calls == [CALL]
    assert [(call["id"], call["args"]) for call in chunk.invalid_tool_calls] == [("c2", '{"at": ')]
    assert chunk.usage_metadata == USAGE
    assert chunk.response_metadata == COMMON["response_metadata"]


def test_what_came_across_is_a_message_like_any_other() -> None:
    (there,) = to_langchain_messages([own.AIMessage("hi", tool_calls=[CALL], usage_metadata=USAGE)])
    assert pickle.loads(pickle.dumps(there)) == there  # noqa: S301 - our own
    assert there.content_blocks == lc.AIMessage("hi", tool_calls=[CALL]).content_blocks
    (here,) = from_langchain_messages([lc.AIMessageChunk(content="a", tool_call_chunks=CHUNKS[:1])])
    assert (here + own.AIMessageChunk(content="b", tool_call_chunks=CHUNKS[1:])).tool_calls[0]["args"] == {"at": 1}


def _seconds(act: Any) -> float:
    def once() -> float:
        begun = time.process_time()
        act()
        return time.process_time() - begun

    return min(once() for _ in range(3))


def test_conversions_are_linear() -> None:
    def chunk(parts: int) -> own.AIMessageChunk:
        calls = [{"name": "f" if n == 0 else None, "args": "12345678", "id": None, "index": 0} for n in range(parts)]
        return own.AIMessageChunk(content=[{"type": "text", "text": "x"}] * parts, tool_call_chunks=calls)

    small, large = chunk(500), chunk(5000)
    # Ten times as much; a quadratic conversion would take a hundred times as long.
    ratio = _seconds(lambda: to_langchain_messages([large])) / _seconds(lambda: to_langchain_messages([small]))
    assert ratio < 40
