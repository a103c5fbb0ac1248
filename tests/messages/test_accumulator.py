from __future__ import annotations

import functools
import itertools
import operator
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    HumanMessageChunk,
    ToolCallChunk,
    _tool_calls,
    message_chunk_to_message,
)
from chatcore.messages.ai import build_chunk
from chatcore.messages.tool import tool_call_chunk


def delta(
    args: str | None = None,
    *,
    name: str | None = None,
    id: str | None = None,  # noqa: A002 - the dict's own key
    index: Any = None,
) -> AIMessageChunk:
    return AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=name, args=args, id=id, index=index)])


def joined(*chunks: AIMessageChunk) -> AIMessage:
    parts = Accumulator()
    for chunk in chunks:
        parts.add(chunk)
    return parts.message()


def calls(message: AIMessage) -> list[tuple[str, Any, Any]]:
    return [(call["name"], call["args"], call["id"]) for call in message.tool_calls]


# ------------------------------------------------------------------------------------------------------- what is joined


def test_reasoning_joins_and_its_details_join_by_index_and_type() -> None:
    step = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    message = joined(
        AIMessageChunk(
            content="", additional_kwargs={"reasoning_content": "I ", "reasoning_details": [{**step, "text": "I "}]}
        ),
        AIMessageChunk(
            content="",
            additional_kwargs={"reasoning_content": "think", "reasoning_details": [{**step, "text": "think"}]},
        ),
        AIMessageChunk(content="", additional_kwargs={"reasoning_details": [{**step, "signature": "sig"}]}),
        AIMessageChunk(
            content="",
            additional_kwargs={"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz", "index": 0}]},
        ),
        AIMessageChunk(
            content="", additional_kwargs={"reasoning_details": [{"type": "reasoning.text", "text": "bye"}]}
        ),
    )
    assert message.additional_kwargs == {
        "reasoning_content": "I think",
        "reasoning_details": [
            {**step, "text": "I think", "signature": "sig"},
            {"type": "reasoning.encrypted", "data": "xyz", "index": 0},
            {"type": "reasoning.text", "text": "bye"},
        ],
    }


def test_blocks_join_by_index_and_text_so_far_reads_them() -> None:
    parts = Accumulator()
    assert parts.text_so_far == ""
    for content in (
        "a",
        "b",
        [{"type": "text", "text": "c", "index": 0}],
        [{"type": "text", "text": "d", "index": 0}],
        "e",
    ):
        parts.add(AIMessageChunk(content=content))
    assert parts.text_so_far == "abcde"
    assert parts.message().content == ["ab", {"type": "text", "text": "cd", "index": 0}, "e"]


def test_text_after_an_empty_list_is_kept() -> None:
    assert joined(AIMessageChunk(content=[]), AIMessageChunk(content="a"), AIMessageChunk(content="b")).content == [
        "ab"
    ]


def test_usage_is_summed_and_the_providers_id_is_kept() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "output_token_details": {"reasoning": 1}}
    message = joined(
        AIMessageChunk(content="a", id="lc_run-1", name="ann"),
        AIMessageChunk(content="b", id="resp-1", usage_metadata=usage),
        AIMessageChunk(content="c", id="resp-2", usage_metadata={**usage, "input_token_details": {"cache_read": 4}}),
    )
    assert message == AIMessage(
        content="abc",
        id="resp-1",
        name="ann",
        usage_metadata={
            "input_tokens": 2,
            "output_tokens": 4,
            "total_tokens": 6,
            "output_token_details": {"reasoning": 2},
            "input_token_details": {"cache_read": 4},
        },
    )


def test_only_parts_of_an_answer_are_taken() -> None:
    with pytest.raises(TypeError, match="HumanMessageChunk"):
        Accumulator().add(HumanMessageChunk(content="a"))  # type: ignore[arg-type]


def test_v1_blocks_hold_whole_calls_in_the_sum_with_the_last_chunk() -> None:
    block = {"type": "tool_call_chunk", "id": "c1", "name": "f", "args": "{}", "index": 0}
    first = AIMessageChunk(
        content=[block],
        tool_call_chunks=[tool_call_chunk(name="f", args="{}", id="c1", index=0)],
        response_metadata={"output_version": "v1"},
    )
    whole = {"type": "tool_call", "name": "f", "args": {}, "id": "c1"}
    assert (first + AIMessageChunk(content="")).content == [block]
    assert (first + AIMessageChunk(content="", chunk_position="last")).content == [whole]
    no_parts = AIMessageChunk(content=[block], response_metadata={"output_version": "v1"}, chunk_position="last")
    assert joined(no_parts).content == [block]


def test_nothing_added_is_an_empty_message() -> None:
    parts = Accumulator()
    assert len(parts) == 0
    assert parts.message() == AIMessage(content="")
    assert parts.chunk() == AIMessageChunk(content="")


def test_what_was_returned_stays_as_it_is() -> None:
    parts = Accumulator()
    parts.add(AIMessageChunk(content="a", additional_kwargs={"r": "x"}))
    parts.add(delta('{"a":', name="f", id="c", index=0))
    first, copy = parts.chunk(), parts.chunk().model_copy(deep=True)
    parts.add(AIMessageChunk(content="b", additional_kwargs={"r": "y"}))
    parts.add(delta("1}", index=0))
    assert first == copy
    assert parts.chunk().content == "ab"
    assert parts.chunk().tool_calls[0]["args"] == {"a": 1}


def test_the_chunks_are_not_changed() -> None:
    chunks = [
        AIMessageChunk(
            content=[{"type": "text", "text": "a", "index": 0}], additional_kwargs={"l": [{"index": 0, "t": "x"}]}
        ),
        AIMessageChunk(
            content=[{"type": "text", "text": "b", "index": 0}], additional_kwargs={"l": [{"index": 0, "t": "y"}]}
        ),
    ]
    before = [chunk.model_copy(deep=True) for chunk in chunks]
    joined(*chunks)
    assert chunks == before
    assert functools.reduce(operator.add, chunks).additional_kwargs == {"l": [{"index": 0, "t": "xy"}]}
    assert chunks == before


# ----------------------------------------------------------------------------------------------------- how it is parsed


def test_arguments_that_are_cut_off_are_partial_in_the_chunk_and_invalid_in_the_message() -> None:
    parts = Accumulator()
    parts.add(delta('{"city": "Par', name="f", id="a", index=0))
    assert parts.chunk().tool_calls == [{"name": "f", "args": {"city": "Par"}, "id": "a", "type": "tool_call"}]
    message = parts.message()
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"city": "Par'
    assert "JSON" in str(message.invalid_tool_calls[0]["error"])
    parts.add(AIMessageChunk(content="", chunk_position="last"))
    assert parts.chunk().tool_calls == []
    assert parts.chunk().invalid_tool_calls == message.invalid_tool_calls


def test_arguments_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    from_json = _tool_calls.from_json

    def counting(text: str, **options: Any) -> Any:
        parsed.append(text)
        return from_json(text, **options)

    chunks = [delta("{", name="f", id="a", index=0), *(delta(" ", index=0) for _ in range(50)), delta("}", index=0)]
    monkeypatch.setattr(_tool_calls, "from_json", counting)
    assert calls(joined(*chunks)) == [("f", {}, "a")]
    assert parsed == ["{" + " " * 50 + "}"]


def test_v1_blocks_hold_whole_calls_in_the_end() -> None:
    message = joined(
        AIMessageChunk(
            content=[{"type": "tool_call_chunk", "id": "c1", "name": "f", "args": "{", "index": 0}],
            tool_call_chunks=[tool_call_chunk(name="f", args='{"a":', id="c1", index=0)],
            response_metadata={"output_version": "v1"},
        ),
        AIMessageChunk(content=[], tool_call_chunks=[tool_call_chunk(args="1}", index=0)], chunk_position="last"),
    )
    assert message.content == [{"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "c1"}]
    assert message.content_blocks == message.content


def seconds(count: int) -> float:
    """CPU seconds to join a stream of `count` parts of every growing kind, at the best of three."""
    block = {"type": "text", "text": "abcdefgh", "index": 0}
    stream = [
        build_chunk(
            [block] if count_so_far else "first",
            additional_kwargs={
                "reasoning_content": "abcdefgh",
                "reasoning_details": [{"index": 0, "text": "abcdefgh"}],
            },
            tool_call_chunks=[ToolCallChunk(name=None, args="[1,2,3],", id=None, index=0)],
        )
        for count_so_far in range(count)
    ]
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        joined(*stream)
        best = min(best, time.process_time() - start)
    return best


def test_the_cost_grows_with_the_stream_and_not_with_its_square() -> None:
    # 16 times the stream costs 16 times the time; were anything quadratic, 256 times.
    assert seconds(16_000) < 64 * max(seconds(1_000), 1e-4)


# ------------------------------------------------------------------------------------------------------------ the fold

values = st.recursive(
    st.one_of(st.none(), st.sampled_from(["x", "y", ""])),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "id", "type"]), inner, max_size=2),
        st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)
by_kind = st.fixed_dictionaries(
    {},
    optional={
        "reasoning_content": st.sampled_from(["x", "y", ""]),
        "reasoning_details": st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["t", "e"]), "text": st.sampled_from(["x", "y"])},
                optional={"index": st.sampled_from([0, 1]), "id": st.sampled_from(["a", "b"])},
            ),
            max_size=2,
        ),
        "count": st.integers(0, 3),
        "nested": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), max_size=2),
    },
)
tool_parts = st.lists(
    st.builds(
        tool_call_chunk,
        name=st.sampled_from([None, "", "f", "g"]),
        args=st.sampled_from([None, "", "{", '"a": 1', "}", '{"a": "b"}', "null", "nonsense"]),
        id=st.sampled_from([None, "", "a", "b"]),
        index=st.sampled_from([None, 0, 1]),
    ),
    max_size=3,
)
blocks = st.lists(
    st.one_of(
        st.sampled_from(["a", ""]),
        st.fixed_dictionaries(
            {"type": st.just("text"), "text": st.sampled_from(["x", "y"])}, optional={"index": st.sampled_from([0, 1])}
        ),
    ),
    max_size=2,
)
streams = st.lists(
    st.builds(
        AIMessageChunk,
        content=st.one_of(st.sampled_from(["", "a", "bc"]), blocks),
        additional_kwargs=by_kind,
        response_metadata=by_kind,
        id=st.sampled_from([None, "", "lc_1", "lc_run-1", "real", "other"]),
        name=st.sampled_from([None, "ann"]),
        tool_call_chunks=tool_parts,
        usage_metadata=st.sampled_from(
            [None, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"audio": 1}}]
        ),
        chunk_position=st.sampled_from([None, None, "last"]),
    ),
    min_size=1,
    max_size=6,
)


@given(streams)
def test_it_says_what_adding_the_chunks_says(stream: list[AIMessageChunk]) -> None:
    parts = Accumulator()
    for chunk in stream:
        parts.add(chunk)
    folded = functools.reduce(operator.add, stream[1:], stream[0] + [])
    assert parts.chunk() == folded
    assert parts.message() == message_chunk_to_message(folded)
    assert stream[0] + stream[1:] == folded


@given(streams, st.integers(0, 5))
def test_where_the_chunks_are_cut_does_not_matter(stream: list[AIMessageChunk], at: int) -> None:
    left, right = stream[:at], stream[at:]
    if left and right:
        assert (left[0] + left[1:]) + right == stream[0] + stream[1:]


@given(st.text(max_size=30), st.data())
def test_a_text_cut_anywhere_is_the_text(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert joined(*(AIMessageChunk(content=piece) for piece in pieces)).content == text
