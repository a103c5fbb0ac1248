"""Events to what readers see: also events in older shapes, out of order, and cut short."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import TypedStreamError
from chatcore.typed_stream._assembly import Assembly

PARTS = ['{"path": ', '"a.py", ', '"text": ', '"hi"}']
ARGS = {"path": "a.py", "text": "hi"}
END = {"event": "message-finish"}


def assembled(*events: dict[str, Any], limit: int = 100) -> Assembly:
    assembly = Assembly(limit)
    for event in events:
        assembly.dispatch(event)
    return assembly


def start(kind: str = "tool_call_chunk", **fields: Any) -> dict[str, Any]:
    block = {"type": kind, "id": "c1", "name": "write", "args": "", **fields}
    return {"event": "content-block-start", "index": 0, "content": block}


def grow(index: int | None = 0, **delta: Any) -> dict[str, Any]:
    return {"event": "content-block-delta", "index": index, "delta": delta}


def args(part: str) -> dict[str, Any]:
    return grow(type="tool-call-delta", args=part)


def snapshot(part: str | None = None, **fields: Any) -> dict[str, Any]:
    known = {} if part is None else {"args": part}
    return grow(type="block-delta", fields={"type": "tool_call_chunk", **known, **fields})


def finish(index: int | None = 0, **content: Any) -> dict[str, Any]:
    return {"event": "content-block-finish", "index": index, "content": content}


def old(**block: Any) -> dict[str, Any]:
    return {"event": "content-block-delta", "index": 0, "content_block": block}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


WHOLE = finish(type="tool_call", id="c1", name="write", args=ARGS)
PREFIXES = ["".join(PARTS[: count + 1]) for count in range(4)]
WAYS: dict[str, list[dict[str, Any]]] = {
    "slices": [start(), *(args(part) for part in PARTS), WHOLE],
    "slices without a finish": [start(), *(args(part) for part in PARTS)],
    "the first slice on the start": [start(args=PARTS[0]), *(args(part) for part in PARTS[1:]), WHOLE],
    "snapshots": [start(), *(snapshot(part) for part in PREFIXES), WHOLE],
    "snapshots without a finish": [start(), *(snapshot(part) for part in PREFIXES)],
    "blocks": [
        old(type="tool_call_chunk", id="c1", name="write", args=""),
        *(old(type="tool_call_chunk", args=part) for part in PARTS),
    ],
    "a delta of a kind to come": [start(), grow(type="later"), *(args(part) for part in PARTS), WHOLE],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_in_every_shape(way: str) -> None:
    assembly = assembled(*WAYS[way], END)
    assert [part.get("args") for part in assembly.tool_calls.kept()] == PARTS
    assert {(part["name"], part["id"]) for part in assembly.tool_calls.kept()} == {("write", "c1")}
    assert assembly.tool_calls.whole() == [{"type": "tool_call", "id": "c1", "name": "write", "args": ARGS}]
    assert assembly.message is not None
    assert assembly.message.tool_calls == assembly.tool_calls.whole()


def test_a_snapshot_that_takes_back_makes_the_call_quiet() -> None:
    assembly = assembled(start(), snapshot(PARTS[0]), snapshot("{"), snapshot(PREFIXES[1]), args(PARTS[2]), WHOLE, END)
    assert [part.get("args") for part in assembly.tool_calls.kept()] == [PARTS[0]]
    assert assembly.tool_calls.whole()[0]["args"] == ARGS


def test_a_snapshot_may_bring_a_name_alone() -> None:
    assembly = assembled(start(id=None, name=None), args("{"), snapshot(id="c1", name="write"), args("}"), END)
    assert [part["name"] for part in assembly.tool_calls.kept()] == [None, "write"]


def test_a_slice_of_a_call_that_nobody_began_is_left_to_its_finish() -> None:
    assembly = assembled(args(PARTS[0]), WHOLE, END)
    assert assembly.tool_calls.kept() == []
    assert assembly.tool_calls.whole()[0]["args"] == ARGS


def test_a_servers_call_is_in_the_content_alone() -> None:
    assembly = assembled(start("server_tool_call_chunk"), args('{"q": '), args("1}"), END)
    assert assembly.tool_calls.kept() == []
    assert assembly.tool_calls.whole() == []
    assert assembly.message is not None
    assert assembly.message.content == [{"type": "server_tool_call", "id": "c1", "name": "write", "args": {"q": 1}}]


def test_an_invalid_call_is_not_revived() -> None:
    cut: dict[str, Any] = {"type": "invalid_tool_call", "id": "c1", "name": "write", "args": "{", "error": "cut"}
    assembly = assembled(start(), args("{"), finish(**cut), END)
    assert assembly.message is not None
    assert assembly.message.tool_calls == []
    assert assembly.message.invalid_tool_calls == [cut]


def test_calls_that_nobody_finished() -> None:
    assembly = assembled(start(index=3), args("{"), END)
    assert assembly.message is not None
    assert [call["args"] for call in assembly.message.invalid_tool_calls] == ["{"]
    assert [part.get("index") for part in assembly.tool_calls.kept()] == [3]


TEXTS: dict[str, tuple[list[dict[str, Any]], list[str], str]] = {
    "deltas": ([grow(type="text-delta", text="a"), grow(type="text-delta", text="b")], ["a", "b"], "ab"),
    "no delta": ([finish(type="text", text="ab")], ["ab"], "ab"),
    "a longer finish": (
        [grow(type="text-delta", text="hel"), finish(type="text", text="hello")],
        ["hel", "lo"],
        "hello",
    ),
    "another finish": ([grow(type="text-delta", text="hel"), finish(type="text", text="bye")], ["hel"], "bye"),
    "an empty finish": ([grow(type="text-delta", text="a"), finish(type="text", text="")], ["a"], "a"),
    "no index": ([grow(None, type="text-delta", text="a"), finish(None, type="text", text="ab")], ["a", "b"], "ab"),
    "blocks in turns": (
        [
            grow(1, type="text-delta", text="bb"),
            grow(0, type="text-delta", text="aaa"),
            finish(0, type="text", text="XXX"),
            finish(1, type="text", text="bb"),
        ],
        ["bb", "aaa"],
        "XXXbb",
    ),
    "older shapes": (
        [old(type="text", text="a"), {**finish(), "content_block": {"type": "text", "text": "a"}}],
        ["a"],
        "a",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_texts(case: str, kind: str) -> None:
    events, deltas, whole = TEXTS[case]
    assembly = assembled(*(renamed(event, kind) for event in events), END)
    replay = assembly.text if kind == "text" else assembly.reasoning
    assert replay.kept() == deltas
    assert replay.whole() == whole


def renamed(value: Any, kind: str) -> Any:
    if isinstance(value, dict):
        return {key.replace("text", kind): renamed(part, kind) for key, part in value.items()}
    return value.replace("text", kind) if value in {"text", "text-delta"} else value


def test_what_has_no_meaning_here_is_for_readers_of_events() -> None:
    odd: list[dict[str, Any]] = [
        {"event": "later"},
        {"event": "content-block-start", "index": 0},
        {"event": "content-block-delta", "index": 0},
        {"event": "content-block-finish", "index": 0},
        finish(type="later"),
        grow(type="block-delta", fields=None),
        grow(type="data-delta", data="aGk="),
    ]
    assembly = assembled(*odd, END)
    assert assembly.events.kept() == [*odd, END]
    assert assembly.message is not None
    assert assembly.message.content == ""


def test_metadata() -> None:
    assembly = assembled(
        {"event": "message-start", "id": "m1", "role": "ai", "metadata": {"provider": "p", "model": "m"}},
        {
            "event": "message-finish",
            "metadata": {"finish_reason": "stop", "output_version": "responses/v1"},
            "additional_kwargs": {"x": 1},
        },
    )
    message = assembly.message
    assert message is not None
    assert message.id == assembly.message_id == "m1"
    assert message.additional_kwargs == {"x": 1}
    assert message.response_metadata == {
        "model_provider": "p",
        "model_name": "m",
        "finish_reason": "stop",
        "output_version": "v1",
    }


def test_an_error_event_is_an_error() -> None:
    assembly = assembled(grow(type="text-delta", text="a"), {"event": "error", "message": "overloaded"})
    with pytest.raises(TypedStreamError, match="overloaded"):
        assembly.text.whole()


def test_partial() -> None:
    assembly = Assembly(100)
    assert assembly.partial() is None
    for event in (grow(1, type="text-delta", text="a"), start(), args("{")):
        assembly.dispatch(event)
    partial = assembly.partial()
    assert partial is not None
    assert partial.text == "a"
    assert [call["name"] for call in partial.invalid_tool_calls] == ["write"]
    assembly.dispatch(args("}"))
    assembly.dispatch(END)
    assert assembly.partial() is assembly.message
    assert assembly.message is not None
    assert assembly.message.tool_calls == [{"type": "tool_call", "id": "c1", "name": "write", "args": {}}]
