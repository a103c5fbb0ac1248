"""The same calls on chatcore and on langchain-core: the same results, but where docs/differences.md says otherwise."""

from __future__ import annotations

import functools
import operator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chatcore.messages as ours
import chatcore.messages.content as our_blocks
import chatcore.messages.tool as our_tool
import chatcore.outputs as our_outputs
import chatcore.prompt_values as our_prompts
from chatcore.errors import InvalidInputError

theirs = pytest.importorskip("langchain_core.messages", reason="the reference is not installed")
their_blocks = pytest.importorskip("langchain_core.messages.content")
their_outputs = pytest.importorskip("langchain_core.outputs")
their_prompts = pytest.importorskip("langchain_core.prompt_values")

TEXT = {"type": "text", "text": "hi"}
CALL = {"name": "f", "args": {"a": 1}, "id": "c1"}
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
DETAILED_USAGE = {
    **USAGE,
    "input_token_details": {"cache_read": 1, "audio": 2},
    "output_token_details": {"reasoning": 1},
}


def delta(index: int | None, name: str | None = None, args: str | None = None, id: str | None = None) -> dict[str, Any]:  # noqa: A002
    return {"name": name, "args": args, "id": id, "index": index}


# A message: its class, its positional arguments, its keywords.
MESSAGES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("HumanMessage", ("hi",), {}),
    ("HumanMessage", (), {"content": "hi"}),
    ("HumanMessage", ("hi",), {"id": 7, "name": "ann"}),
    ("HumanMessage", (["a", TEXT],), {}),
    ("HumanMessage", (), {"content_blocks": [TEXT]}),
    ("HumanMessage", ("hi",), {"additional_kwargs": {"a": 1}, "response_metadata": {"b": 2}}),
    ("HumanMessage", ("hi",), {"colour": "red"}),
    ("SystemMessage", ("hi",), {}),
    ("SystemMessage", ("hi",), {"id": "s"}),
    ("ChatMessage", ("hi",), {"role": "robot"}),
    ("FunctionMessage", ("hi",), {"name": "f"}),
    ("ToolMessage", ("hi",), {"tool_call_id": "c1"}),
    ("ToolMessage", ("hi",), {"tool_call_id": 12, "artifact": {"x": [1]}, "status": "error"}),
    ("ToolMessage", ({"a": 1},), {"tool_call_id": "c1"}),
    ("ToolMessage", (("a", 1, {"type": "text"}),), {"tool_call_id": "c1"}),
    ("ToolMessage", (None,), {"tool_call_id": "c1"}),
    ("RemoveMessage", (), {"id": "m"}),
    ("AIMessage", ("hi",), {}),
    ("AIMessage", ("",), {"tool_calls": [CALL]}),
    ("AIMessage", ("",), {"tool_calls": [{**CALL, "type": "tool_call", "extras": {"x": 1}}]}),
    ("AIMessage", ("",), {"invalid_tool_calls": [{"name": "f", "args": "{", "id": "c1", "error": "cut"}]}),
    ("AIMessage", ("hi",), {"usage_metadata": DETAILED_USAGE}),
    ("AIMessage", (), {"content_blocks": [TEXT, {"type": "tool_call", **CALL}]}),
    (
        "AIMessage",
        ("",),
        {"additional_kwargs": {"tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"a": 1}'}}]}},
    ),
    ("AIMessage", ("",), {"additional_kwargs": {"tool_calls": [{"id": "c1", "type": "other"}]}}),
    ("AIMessageChunk", (), {"content": "hi"}),
    ("AIMessageChunk", (), {"content": "", "tool_call_chunks": [delta(0, "f", '{"a": ', "c1")]}),
    ("AIMessageChunk", (), {"content": "", "tool_call_chunks": [delta(0, None, '"b', None)]}),
    ("AIMessageChunk", (), {"content": "", "tool_call_chunks": [delta(0, "f", None, "c1")]}),
    ("AIMessageChunk", (), {"content": "", "tool_calls": [CALL]}),
    (
        "AIMessageChunk",
        (),
        {"content": "", "invalid_tool_calls": [{"name": "f", "args": "{", "id": "c", "error": None}]},
    ),
    ("AIMessageChunk", (), {"content": "", "chunk_position": "last", "tool_call_chunks": [delta(0, "f", "{}", "c1")]}),
    (
        "AIMessageChunk",
        (),
        {
            "content": "",
            "additional_kwargs": {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}]},
        },
    ),
    (
        "AIMessageChunk",
        (),
        {
            "content": [
                {"type": "tool_call_chunk", "id": "c1", "name": "f", "args": "{}", "index": 0, "extras": {"x": 1}},
                {"type": "server_tool_call_chunk", "id": "s", "name": "search", "args": '{"q": 1}'},
                {"type": "server_tool_call", "id": "s", "name": "search", "args": "{"},
            ],
            "tool_call_chunks": [delta(0, "f", '{"a": 1}', "c1")],
            "response_metadata": {"output_version": "v1"},
            "chunk_position": "last",
        },
    ),
    ("HumanMessageChunk", (), {"content": "hi"}),
    ("SystemMessageChunk", (), {"content": "hi"}),
    ("ChatMessageChunk", (), {"content": "hi", "role": "robot"}),
    ("FunctionMessageChunk", (), {"content": "hi", "name": "f"}),
    ("ToolMessageChunk", (), {"content": "hi", "tool_call_id": "c1"}),
]

WRONG_MESSAGES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("HumanMessage", (), {}),
    ("HumanMessage", (5,), {}),
    ("HumanMessage", ([5],), {}),
    ("HumanMessage", ("hi",), {"additional_kwargs": "a"}),
    ("HumanMessage", ("hi",), {"type": "ai"}),
    ("AIMessage", ("hi",), {"tool_calls": [{"name": "f", "args": "{}", "id": "c"}]}),
    ("AIMessage", ("hi",), {"usage_metadata": {"input_tokens": 1}}),
    ("AIMessage", ("hi",), {"usage_metadata": 3}),
    ("AIMessageChunk", (), {"content": "hi", "chunk_position": "first"}),
    ("AIMessageChunk", (), {"content": "hi", "tool_call_chunks": [{"name": 1, "args": "", "id": "", "index": 0}]}),
    ("ToolMessage", ("hi",), {}),
    ("ToolMessage", ("hi",), {"tool_call_id": "c", "status": "fine"}),
    ("ChatMessage", ("hi",), {}),
    ("FunctionMessage", ("hi",), {}),
    ("RemoveMessage", (), {"id": "m", "content": "hi"}),
]


def made(library: Any, spec: tuple[str, tuple[Any, ...], dict[str, Any]]) -> Any:
    name, args, kwargs = spec
    return getattr(library, name)(*args, **kwargs)


def spec_id(spec: Any) -> str:
    return f"{spec[0]} {spec[1]} {spec[2]}"[:250] if isinstance(spec, tuple) and len(spec) == 3 else str(spec)[:250]


@pytest.mark.parametrize("spec", MESSAGES, ids=spec_id)
def test_messages_hold_the_same(spec: Any) -> None:
    mine, reference = made(ours, spec), made(theirs, spec)
    assert mine.model_dump() == reference.model_dump()
    assert list(mine.model_dump()) == list(reference.model_dump())
    assert mine.model_dump_json() == reference.model_dump_json()
    assert mine.model_fields_set == reference.model_fields_set
    assert repr(mine) == repr(reference)
    assert mine.text == reference.text
    assert mine.pretty_repr() == reference.pretty_repr()
    assert mine.pretty_repr(html=True) == reference.pretty_repr(html=True)
    assert ours.message_to_dict(mine) == theirs.message_to_dict(reference)


@pytest.mark.parametrize("spec", WRONG_MESSAGES, ids=spec_id)
def test_wrong_messages_are_refused(spec: Any) -> None:
    with pytest.raises((ValueError, KeyError)):
        made(theirs, spec)
    with pytest.raises(ValueError):  # noqa: PT011 - which words pydantic chooses is its business
        made(ours, spec)


@pytest.mark.parametrize("name", sorted({spec[0] for spec in MESSAGES}))
def test_fields_are_the_same(name: str) -> None:
    mine, reference = getattr(ours, name), getattr(theirs, name)
    assert list(mine.model_fields) == list(reference.model_fields)
    for field, info in reference.model_fields.items():
        assert mine.model_fields[field].is_required() == info.is_required()
        assert mine.model_fields[field].get_default(call_default_factory=True) == info.get_default(
            call_default_factory=True
        )


def without_prose(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: without_prose(value) for key, value in schema.items() if key != "description"}
    return [without_prose(value) for value in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("name", sorted({spec[0] for spec in MESSAGES}))
def test_json_schemas_are_the_same(name: str) -> None:
    mine, reference = getattr(ours, name).model_json_schema(), getattr(theirs, name).model_json_schema()
    assert without_prose(mine) == without_prose(reference)


# Chunks that add up, as keywords of AIMessageChunk.
CHUNKS: list[list[dict[str, Any]]] = [
    [{"content": "a"}, {"content": "b"}, {"content": ""}],
    [{"content": ""}, {"content": [TEXT]}, {"content": "c"}, {"content": ""}, {"content": "d"}],
    [{"content": ["a"]}, {"content": "b"}, {"content": ["c", "d"]}],
    [{"content": [{**TEXT, "index": 0}]}, {"content": [{**TEXT, "index": 0}]}, {"content": [{**TEXT, "index": 1}]}],
    [{"content": [{**TEXT, "index": "lc_1"}]}, {"content": [{**TEXT, "index": "lc_1"}]}],
    [{"content": [{**TEXT, "index": "x"}]}, {"content": [{**TEXT, "index": "x"}]}],
    [{"content": [{**TEXT, "index": 0, "id": "a"}]}, {"content": [{**TEXT, "index": 0, "id": "b"}]}],
    [{"content": [{**TEXT, "index": 0, "id": ""}]}, {"content": [{**TEXT, "index": 0, "id": "b"}]}],
    [
        {"content": [{"type": "reasoning", "index": 0, "reasoning": "a"}]},
        {"content": [{"type": "non_standard", "value": {"type": "x", "sig": "s"}, "index": 0}]},
    ],
    [
        {"content": [{"type": "non_standard", "value": {"a": "1"}, "index": 0}]},
        {"content": [{"type": "non_standard", "value": {"type": "x", "a": "2"}, "index": 0}]},
    ],
    [
        {"content": [{"type": "tool_use", "id": "t", "name": "f", "index": 0}]},
        {"content": [{"type": "input_json_delta", "partial_json": "{", "index": 0}]},
        {"content": [{"type": "input_json_delta", "partial_json": "}", "index": 0}]},
    ],
    [{"content": "", "additional_kwargs": {"r": "a"}}, {"content": "", "additional_kwargs": {"r": "b", "n": None}}],
    [
        {"content": "", "additional_kwargs": {"function_call": {"name": "f", "arguments": None}}},
        {"content": "", "additional_kwargs": {"function_call": {"arguments": "{"}}},
        {"content": "", "additional_kwargs": {"function_call": {"arguments": "}"}, "other": [1]}},
        {"content": "", "additional_kwargs": {"function_call": None, "other": [2, {"index": 0, "a": "b"}]}},
        {"content": "", "additional_kwargs": {"other": [{"index": 0, "a": "c"}]}},
    ],
    [
        {"content": "", "response_metadata": {"model_provider": "openai", "n": 1, "created": 5, "id": "x", "ok": True}},
        {"content": "", "response_metadata": {"model_provider": "openai", "n": 2, "created": 6, "id": "x", "ok": True}},
        {"content": "", "response_metadata": {"n": 2, "model_name": "m", "logprobs": None, "f": 0.5}},
        {"content": "", "response_metadata": {"logprobs": {"content": [1]}, "f": 0.5}},
        {"content": "", "response_metadata": {"logprobs": {"content": [2], "refusal": None}}},
    ],
    [{"content": "a", "usage_metadata": USAGE}, {"content": ""}, {"content": "", "usage_metadata": DETAILED_USAGE}],
    [{"content": "a"}, {"content": "", "usage_metadata": DETAILED_USAGE}],
    [{"content": "a", "id": "lc_1"}, {"content": "b", "id": "lc_run-1"}, {"content": "c", "id": "lc_run-2"}],
    [{"content": "a", "id": "lc_run-1"}, {"content": "b", "id": "real"}, {"content": "c", "id": "real2"}],
    [{"content": "a", "id": ""}, {"content": "b", "id": "lc_2"}, {"content": "c", "id": "lc_1"}],
    [
        {"content": "", "tool_call_chunks": [delta(0, "f", "", "c1")]},
        {"content": "", "tool_call_chunks": [delta(0, None, '{"a": "x')]},
        {"content": "", "tool_call_chunks": [delta(0, None, 'y"')]},
        {"content": "", "tool_call_chunks": [delta(0, None, "}")]},
        {"content": "", "chunk_position": "last"},
    ],
    [
        {"content": "", "tool_call_chunks": [delta(0, "f", '{"a"', "c1"), delta(1, "g", "{", "c2")]},
        {"content": "", "tool_call_chunks": [delta(1, None, "}"), delta(0, None, ":1}")]},
    ],
    [
        {"content": "", "tool_call_chunks": [delta(0, "f", '{"a":1}', "c1")]},
        {"content": "", "tool_call_chunks": [delta(0, "f", '{"a":2}', "c2")]},
    ],
    [
        {"content": "", "tool_call_chunks": [delta(0, "get_", None, None)]},
        {"content": "", "tool_call_chunks": [delta(0, "weather", None, "")]},
        {"content": "", "tool_call_chunks": [delta(0, "", "{}", "c1")]},
    ],
    [{"content": "", "tool_calls": [CALL]}, {"content": "", "tool_calls": [{**CALL, "id": "c2"}]}],
    [{"content": "", "tool_call_chunks": [delta(0, "f", "[1]", "c1")]}, {"content": "b"}],
]


@pytest.mark.parametrize("chunks", CHUNKS, ids=spec_id)
def test_chunks_add_up_the_same(chunks: list[dict[str, Any]]) -> None:
    mine = [ours.AIMessageChunk(**chunk) for chunk in chunks]
    reference = [theirs.AIMessageChunk(**chunk) for chunk in chunks]
    folded = functools.reduce(operator.add, mine)
    expected = functools.reduce(operator.add, reference)
    assert folded.model_dump() == expected.model_dump()
    assert (mine[0] + mine[1:]).model_dump() == (reference[0] + reference[1:]).model_dump()
    assert [chunk.model_dump() for chunk in mine] == [chunk.model_dump() for chunk in reference]
    whole = ours.message_chunk_to_message(folded)
    assert whole.model_dump(exclude={"invalid_tool_calls"}) == theirs.message_chunk_to_message(expected).model_dump(
        exclude={"invalid_tool_calls"}
    )


@pytest.mark.parametrize(
    "chunks",
    [
        [{"content": "", "additional_kwargs": {"a": 1}}, {"content": "", "additional_kwargs": {"a": "1"}}],
        [{"content": "", "additional_kwargs": {"a": 1.5}}, {"content": "", "additional_kwargs": {"a": 2.5}}],
        [{"content": "", "additional_kwargs": {"a": True}}, {"content": "", "additional_kwargs": {"a": False}}],
        [
            {"content": "", "response_metadata": {"a": {"b": 1}}},
            {"content": "", "response_metadata": {"a": {"b": "1"}}},
        ],
        [{"content": ""}, "text"],
        [{"content": ""}, ["text"]],
        [{"content": ""}, None],
    ],
    ids=spec_id,
)
def test_what_does_not_add_up_does_not_there(chunks: list[Any]) -> None:
    for library in (ours, theirs):
        left, right = (library.AIMessageChunk(**chunk) if isinstance(chunk, dict) else chunk for chunk in chunks)
        with pytest.raises(TypeError):
            left + right


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("HumanMessageChunk", {"content": "a", "id": "1"}, {"content": ["b"], "id": "2"}),
        ("SystemMessageChunk", {"content": "a"}, {"content": "b", "additional_kwargs": {"x": "y"}}),
        ("ChatMessageChunk", {"content": "a", "role": "r"}, {"content": "b", "role": "r"}),
        ("FunctionMessageChunk", {"content": "a", "name": "f"}, {"content": "b", "name": "f"}),
        (
            "ToolMessageChunk",
            {"content": "a", "tool_call_id": "c", "artifact": ["x"]},
            {"content": "b", "tool_call_id": "c", "artifact": ["y"], "status": "error"},
        ),
    ],
)
def test_other_chunks_add_up_the_same(name: str, left: dict[str, Any], right: dict[str, Any]) -> None:
    mine, reference = getattr(ours, name), getattr(theirs, name)
    assert (mine(**left) + mine(**right)).model_dump() == (reference(**left) + reference(**right)).model_dump()
    mine_whole = ours.message_chunk_to_message(mine(**left))
    assert mine_whole.model_dump() == theirs.message_chunk_to_message(reference(**left)).model_dump()
    assert type(mine_whole).__name__ == name.removesuffix("Chunk")


def test_a_chunk_of_another_role_joins_the_chat_message_it_is_added_to() -> None:
    joined = [
        library.ChatMessageChunk(content="a", role="r") + library.AIMessageChunk(content="b")
        for library in (ours, theirs)
    ]
    assert joined[0].model_dump() == joined[1].model_dump()


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("ChatMessageChunk", {"content": "a", "role": "r"}, {"content": "b", "role": "s"}),
        ("FunctionMessageChunk", {"content": "a", "name": "f"}, {"content": "b", "name": "g"}),
        ("ToolMessageChunk", {"content": "a", "tool_call_id": "c"}, {"content": "b", "tool_call_id": "d"}),
    ],
)
def test_parts_of_two_messages_do_not_add_up(name: str, left: dict[str, Any], right: dict[str, Any]) -> None:
    for library in (ours, theirs):
        kind = getattr(library, name)
        with pytest.raises(ValueError, match=r"[Cc]annot"):
            kind(**left) + kind(**right)


# ------------------------------------------------------------------------------------------------------------- content

IMAGE = "data:image/png;base64,iVBOR"
CONTENTS: list[Any] = [
    "hi",
    "",
    [],
    ["hi", TEXT],
    [{"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}}],
    [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "detail": "low"}],
    [{"type": "image_url", "image_url": "https://example.org/a.png"}],
    [{"type": "image_url", "image_url": {"url": IMAGE}, "cache_control": {"type": "ephemeral"}}],
    [{"type": "input_audio", "input_audio": {"data": "UklGR", "format": "wav"}}],
    [{"type": "input_audio", "input_audio": {"data": "UklGR"}}],
    [{"type": "file", "file": {"file_id": "file-1"}}],
    [{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBER", "filename": "a.pdf"}}],
    [{"type": "image", "url": "https://example.org/a.png"}],
    [{"type": "image", "base64": "iVBOR", "mime_type": "image/png", "id": "b1"}],
    [{"type": "image", "source_type": "url", "url": "https://example.org/a.png"}],
    [{"type": "image", "source_type": "base64", "data": "iVBOR", "mime_type": "image/png", "cache": 1}],
    [{"type": "audio", "source_type": "base64", "data": "UklGR", "mime_type": "audio/wav"}],
    [{"type": "audio", "source_type": "id", "id": "file-1"}],
    [{"type": "file", "source_type": "url", "url": "https://example.org/a.pdf"}],
    [{"type": "file", "source_type": "base64", "data": "JVBER", "mime_type": "application/pdf", "filename": "a.pdf"}],
    [{"type": "file", "source_type": "id", "id": "file-1"}],
    [{"type": "file", "source_type": "text", "url": "some text"}],
    [{"type": "reasoning", "reasoning": "hm"}],
    [{"type": "thinking", "thinking": "hm"}],
    [{"no": "type"}],
    [{"type": "non_standard", "value": {"a": 1}}],
    [{"type": "non_standard", "value": {"type": "image_url", "image_url": {"url": IMAGE}}}],
    [{"type": "tool_call", **CALL}],
    [{"type": "server_tool_call", "id": "s", "name": "search", "args": {}}],
]


def without_made_up_ids(blocks: Any) -> Any:
    return [
        {key: value for key, value in block.items() if not (key == "id" and str(value).startswith("lc_"))}
        for block in blocks
    ]


@pytest.mark.parametrize("name", ["HumanMessage", "AIMessage", "AIMessageChunk"])
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: str(content)[:250])
def test_content_reads_as_the_same_blocks(name: str, content: Any) -> None:
    mine, reference = getattr(ours, name)(content=content), getattr(theirs, name)(content=content)
    assert without_made_up_ids(mine.content_blocks) == without_made_up_ids(reference.content_blocks)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("AIMessage", {"content": "a", "tool_calls": [CALL]}),
        ("AIMessage", {"content": [TEXT, {"type": "tool_call", **CALL}], "tool_calls": [CALL]}),
        ("AIMessage", {"content": "a", "tool_calls": [CALL], "response_metadata": {"model_provider": "openai"}}),
        ("AIMessage", {"content": "a", "additional_kwargs": {"reasoning_content": "hm"}}),
        (
            "AIMessage",
            {"content": [{"type": "reasoning", "reasoning": "x"}], "additional_kwargs": {"reasoning_content": "y"}},
        ),
        # Of blocks without a type, see test_ai.py: where the reference hands them on, they are wrapped here.
        ("AIMessage", {"content": [{"type": "own", "a": 1}], "response_metadata": {"output_version": "v1"}}),
        ("AIMessage", {"content": "a", "response_metadata": {"output_version": "v1", "model_provider": "openai"}}),
        (
            "AIMessageChunk",
            {"content": "", "tool_call_chunks": [delta(0, "f", '{"a"', "c1"), delta(None, "g", "", "c2")]},
        ),
        ("AIMessageChunk", {"content": "x", "tool_call_chunks": [delta(0, "f", '{"a":1}', "c1")]}),
        (
            "AIMessageChunk",
            {
                "content": "x",
                "tool_call_chunks": [delta(0, "f", '{"a":1}', "c1")],
                "response_metadata": {"model_provider": "openai"},
            },
        ),
        (
            "AIMessageChunk",
            {
                "content": "x",
                "tool_call_chunks": [delta(0, "f", '{"a":1}', "c1")],
                "chunk_position": "last",
                "response_metadata": {"model_provider": "openai"},
            },
        ),
        ("AIMessageChunk", {"content": "", "additional_kwargs": {"reasoning_content": "hm"}}),
    ],
    ids=spec_id,
)
def test_an_answer_reads_as_the_same_blocks(name: str, fields: dict[str, Any]) -> None:
    mine, reference = getattr(ours, name)(**fields), getattr(theirs, name)(**fields)
    assert without_made_up_ids(mine.content_blocks) == without_made_up_ids(reference.content_blocks)


RAW_CALLS: list[list[dict[str, Any]]] = [
    [],
    [{"id": "c1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"a": 1}'}}],
    [{"id": "c1", "function": {"name": None, "arguments": "null"}}, {"function": {"name": "g", "arguments": "{"}}],
    [{"id": "c1", "type": "other", "index": 3}],
]


@pytest.mark.parametrize("raw", RAW_CALLS, ids=str)
def test_raw_calls_are_read_the_same(raw: list[dict[str, Any]]) -> None:
    reference = pytest.importorskip("langchain_core.messages.tool")
    calls, invalid = our_tool.default_tool_parser(raw)
    their_calls, their_invalid = reference.default_tool_parser(raw)
    assert calls == their_calls
    assert [{**call, "error": None} for call in invalid] == their_invalid
    assert our_tool.default_tool_chunk_parser(raw) == reference.default_tool_chunk_parser(raw)


FACTORIES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("create_text_block", ("a",), {"annotations": [{"type": "citation"}], "index": 1, "x": 1, "y": None}),
    ("create_image_block", (), {"url": "u", "mime_type": "image/png", "id": "i"}),
    ("create_image_block", (), {"base64": "b"}),
    ("create_video_block", (), {"file_id": "f"}),
    ("create_audio_block", (), {"base64": "b", "mime_type": "audio/wav"}),
    ("create_file_block", (), {"base64": "b", "mime_type": "application/pdf", "filename": "a.pdf"}),
    ("create_plaintext_block", ("t",), {"title": "T", "context": "c"}),
    ("create_tool_call", ("f", {}), {"index": "lc_1"}),
    ("create_reasoning_block", (), {}),
    ("create_reasoning_block", ("hm",), {"signature": "s"}),
    ("create_citation", (), {"url": "u", "title": "t", "start_index": 0, "end_index": 3, "cited_text": "c", "z": 1}),
    ("create_non_standard_block", ({"a": 1},), {"index": 0}),
]
WRONG_FACTORIES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("create_image_block", (), {}),
    ("create_video_block", (), {"base64": "b"}),
    ("create_audio_block", (), {"base64": "b"}),
    ("create_file_block", (), {"base64": "b"}),
    ("create_file_block", (), {"url": ""}),
]


@pytest.mark.parametrize("spec", FACTORIES, ids=spec_id)
def test_blocks_are_made_the_same(spec: Any) -> None:
    mine, reference = made(our_blocks, spec), made(their_blocks, spec)
    assert without_made_up_ids([mine]) == without_made_up_ids([reference])
    assert mine["id"].startswith("lc_") or mine["id"] == reference["id"]


@pytest.mark.parametrize("spec", WRONG_FACTORIES, ids=spec_id)
def test_blocks_without_data_are_refused(spec: Any) -> None:
    for library in (our_blocks, their_blocks):
        with pytest.raises(ValueError, match=r"base64|url"):
            made(library, spec)


def test_the_block_vocabulary_is_the_same() -> None:
    assert our_blocks.KNOWN_BLOCK_TYPES == their_blocks.KNOWN_BLOCK_TYPES
    for name in (
        name
        for name in our_blocks.__all__
        if name[0].isupper() and hasattr(getattr(our_blocks, name), "__required_keys__")
    ):
        mine, reference = getattr(our_blocks, name), getattr(their_blocks, name)
        assert list(mine.__annotations__) == list(reference.__annotations__), name
    for part in [content for contents in CONTENTS if isinstance(contents, list) for content in contents]:
        if isinstance(part, dict):
            assert our_blocks.is_data_content_block(part) == their_blocks.is_data_content_block(part), part


# ------------------------------------------------------------------------------------------------------------ coercion

OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "x\ny"}'}}
INPUTS: list[Any] = [
    [],
    ["hi"],
    ["hi", "there"],
    ("human", "hi"),
    [("human", "hi")],
    [("user", "hi"), ("ai", "yes"), ("assistant", "no"), ("system", "be brief"), ("developer", "be kind")],
    [["human", "hi"]],
    [("human", [TEXT])],
    [("human", [])],
    [("human", "")],
    [{"role": "user", "content": "hi"}],
    [{"role": "user", "content": None}],
    [{"role": "user", "content": [TEXT, {"type": "image_url", "image_url": {"url": IMAGE}}]}],
    [{"type": "human", "content": "hi"}],
    [{"role": "user", "type": "ai", "content": "hi"}],
    [{"role": "user", "content": "hi", "name": "ann", "id": "m1"}],
    [{"role": "user", "content": "hi", "name": None, "id": None}],
    [{"role": "user", "content": "hi", "x": 1, "additional_kwargs": {"y": 2}, "response_metadata": {"z": 3}}],
    [{"role": "user", "content": "hi", "example": True}],
    [{"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]}],
    [{"role": "assistant", "content": "", "tool_calls": [CALL]}],
    [{"role": "assistant", "content": "", "tool_calls": []}],
    [{"role": "assistant", "content": "a", "refusal": None, "reasoning_content": "hm"}],
    [{"role": "assistant", "content": "a", "function_call": {"name": "f", "arguments": "{}"}}],
    [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{**OPENAI_CALL, "function": {"name": "f", "arguments": {"a": 1}}}],
        }
    ],
    [{"role": "system", "content": "hi"}],
    [{"role": "developer", "content": "hi"}],
    [{"role": "developer", "content": "hi", "additional_kwargs": {"a": 1}}],
    [{"role": "tool", "content": "42", "tool_call_id": "c1"}],
    [{"role": "tool", "content": "42", "tool_call_id": "c1", "name": "f", "artifact": {"a": 1}, "status": "error"}],
    [{"role": "tool", "content": ["a", {"type": "text", "text": "b"}], "tool_call_id": 5}],
    [{"role": "function", "content": "42", "name": "f"}],
    [{"type": "remove", "id": "m1", "content": ""}],
    [{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "HumanMessage"], "kwargs": {"content": "hi"}}],
    [
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "schema", "ToolMessage"],
            "kwargs": {"content": "hi", "tool_call_id": "c"},
        }
    ],
    [{"lc": 1, "type": "constructor", "id": ["AIMessageChunk"], "kwargs": {"content": "hi", "id": "r"}}],
]
WRONG_INPUTS: list[Any] = [
    5,
    None,
    [5],
    [None],
    [b"hi"],
    [()],
    [("human",)],
    [("human", "hi", "there")],
    [("robot", "hi")],
    [(5, "hi")],
    [("human", 5)],
    [("human", None)],
    [("human", [5])],
    [("tool", "42")],
    [("function", "42")],
    [{}],
    [{"role": "user"}],
    [{"content": "hi"}],
    [{"role": "robot", "content": "hi"}],
    [{"role": None, "content": "hi"}],
    [{"type": "AIMessageChunk", "content": "hi"}],
    [{"role": "tool", "content": "42"}],
    [{"role": "function", "content": "42"}],
    [{"role": "user", "content": 5}],
    [{"role": "user", "content": "hi", "name": 5}],
    [{"role": "assistant", "content": "", "tool_calls": [5]}],
    [{"role": "assistant", "content": "", "tool_calls": [{"function": {}}]}],
    [{"role": "assistant", "content": "", "tool_calls": [{"function": "f"}]}],
    [{"role": "assistant", "content": "", "tool_calls": [{"name": "f"}]}],
    [{"role": "tool", "content": "42", "tool_call_id": "c", "status": "fine"}],
    [{"role": "remove", "content": ""}],
    [{"lc": 1, "type": "constructor", "id": ["Other"], "kwargs": {"content": "hi"}}],
    ["hi", {"role": "user", "content": {"a": 1}}],
]


@pytest.mark.parametrize("index", range(len(INPUTS)), ids=[str(given)[:250] for given in INPUTS])
def test_input_becomes_the_same_messages(index: int) -> None:
    given = INPUTS[index]
    mine, reference = ours.convert_to_messages(given), theirs.convert_to_messages(given)
    assert [message.model_dump() for message in mine] == [message.model_dump() for message in reference]
    assert [type(message).__name__ for message in mine] == [type(message).__name__ for message in reference]


@pytest.mark.parametrize("given", WRONG_INPUTS, ids=lambda given: str(given)[:250])
def test_wrong_input_is_refused(given: Any) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - the reference raises six kinds of errors
        theirs.convert_to_messages(given)
    with pytest.raises(InvalidInputError):
        ours.convert_to_messages(given)


@pytest.mark.parametrize("spec", MESSAGES, ids=spec_id)
def test_dicts_become_the_same_messages_again(spec: Any) -> None:
    written = theirs.messages_to_dict([made(theirs, spec)])
    assert ours.messages_to_dict([made(ours, spec)]) == written
    again, reference = ours.messages_from_dict(written), theirs.messages_from_dict(written)
    assert [message.model_dump() for message in again] == [message.model_dump() for message in reference]


# ------------------------------------------------------------------------------------------- outputs and prompt values


def test_outputs_hold_the_same() -> None:
    dumps = []
    for messages, outputs in ((ours, our_outputs), (theirs, their_outputs)):
        message = messages.AIMessage("hi")
        listed = messages.AIMessage(["a", TEXT, {"text": "old"}, {"type": "image", "url": "u"}])
        generation = outputs.ChatGeneration(message=message, generation_info={"a": 1})
        chunks = [
            outputs.ChatGenerationChunk(message=messages.AIMessageChunk(content=text), generation_info=info)
            for text, info in (("a", None), ("b", {"finish_reason": "stop"}), ("c", {"finish_reason": None}))
        ]
        result = outputs.LLMResult(
            generations=[[generation], [outputs.ChatGeneration(message=listed)], [outputs.Generation(text="t")]],
            llm_output={"token_usage": {"total": 1}},
        )
        dumps.append(
            [
                generation.model_dump(),
                outputs.ChatGeneration(message=listed).text,
                outputs.ChatGeneration(message=message, text="other").text,
                outputs.ChatGeneration(message=message).model_fields_set,
                (chunks[0] + chunks[1]).model_dump(),
                (chunks[0] + chunks[1:]).model_dump(),
                (chunks[0] + []).model_dump(),
                outputs.ChatResult(generations=[generation]).model_dump(),
                outputs.ChatResult(generations=[generation], llm_output={"a": 1}).model_dump(),
                outputs.ChatResult(generations=[generation]).model_fields_set,
                result.model_dump(),
                [part.model_dump() for part in result.flatten()],
                (
                    outputs.GenerationChunk(text="a") + outputs.GenerationChunk(text="b", generation_info={"x": 1})
                ).model_dump(),
                repr(type(result.generations[0][0]).__name__),
            ]
        )
    assert dumps[0] == dumps[1]


@pytest.mark.parametrize(
    "name",
    ["Generation", "GenerationChunk", "ChatGeneration", "ChatGenerationChunk", "ChatResult", "LLMResult", "RunInfo"],
)
def test_outputs_have_the_same_fields(name: str) -> None:
    mine, reference = getattr(our_outputs, name), getattr(their_outputs, name)
    assert list(mine.model_fields) == list(reference.model_fields)
    assert without_prose(mine.model_json_schema()) == without_prose(reference.model_json_schema())


def test_prompt_values_say_the_same() -> None:
    said = []
    for messages, prompts in ((ours, our_prompts), (theirs, their_prompts)):
        conversation = [
            messages.SystemMessage("be brief"),
            messages.HumanMessage(["a", TEXT]),
            messages.AIMessage("b", tool_calls=[CALL]),
            messages.AIMessage("b", additional_kwargs={"function_call": {"name": "f"}}),
            messages.ToolMessage("42", tool_call_id="c1"),
            messages.FunctionMessage("42", name="f"),
            messages.ChatMessage("hm", role="robot"),
        ]
        values = [
            prompts.StringPromptValue(text="hi"),
            prompts.ChatPromptValue(messages=conversation),
            prompts.ChatPromptValueConcrete(messages=conversation),
            prompts.ImagePromptValue(image_url={"url": "u", "detail": "low"}),
        ]
        said.append(
            [
                (value.to_string(), [message.model_dump() for message in value.to_messages()], value.model_dump())
                for value in values
            ]
        )
    assert said[0] == said[1]


# ---------------------------------------------------------------------------------------------------------- everything

labels = st.dictionaries(
    st.sampled_from(["a", "b", "id", "index"]),
    st.one_of(
        st.none(), st.sampled_from(["x", "y"]), st.lists(st.sampled_from([1, "z", {"index": 0, "t": "w"}]), max_size=2)
    ),
    max_size=3,
)
parts = st.lists(
    st.one_of(
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {"type": st.just("text"), "text": st.sampled_from(["x", "y"]), "index": st.sampled_from([0, 1])}
        ),
    ),
    min_size=1,
    max_size=2,
)
streams = st.lists(
    st.fixed_dictionaries(
        {
            "content": st.one_of(st.sampled_from(["", "a", "bc"]), parts),
            "additional_kwargs": labels,
            "response_metadata": labels,
            "id": st.sampled_from([None, "", "lc_1", "lc_run-1", "real"]),
            "usage_metadata": st.sampled_from([None, USAGE, DETAILED_USAGE]),
        }
    ),
    min_size=1,
    max_size=5,
)


def outcome(add: Any) -> Any:
    try:
        return add().model_dump()
    except TypeError:
        return TypeError


@settings(max_examples=300, deadline=None)
@given(streams)
def test_any_stream_adds_up_the_same(stream: list[dict[str, Any]]) -> None:
    def folded(library: Any) -> Any:
        return functools.reduce(operator.add, [library.AIMessageChunk(**chunk) for chunk in stream])

    assert outcome(lambda: folded(ours)) == outcome(lambda: folded(theirs))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]":,\\ab1 \n', max_size=12))
def test_what_parses_as_arguments_parses_the_same(args: str) -> None:
    # What we take, the reference takes; what it takes besides is cut off, or trailed by something else.
    chunk = {"content": "", "tool_call_chunks": [delta(0, "f", args, "c1")], "chunk_position": "last"}
    mine, reference = ours.AIMessageChunk(**chunk), theirs.AIMessageChunk(**chunk)
    if mine.tool_calls:
        assert mine.tool_calls == reference.tool_calls
    else:
        assert mine.invalid_tool_calls[0]["args"] == args
