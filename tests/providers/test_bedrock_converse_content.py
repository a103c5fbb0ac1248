"""Content blocks of every shape as those of Bedrock's Converse, which botocore would send."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, HumanMessage
from chatcore.providers._bedrock_converse_request import encode_messages, encode_request
from chatcore.providers._wire_request import to_json
from tests.providers.bedrock_wire import problems

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
RAW = bytes(range(40))
DATA = base64.b64encode(RAW).decode()
TOOLS = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]


def sent(*blocks: Any) -> list[dict[str, Any]]:
    body = encode_request([HumanMessage(list(blocks))], {"model": CLAUDE, "tools": TOOLS})
    assert problems(json.loads(to_json(body))) == ""
    return body["messages"][0]["content"]


def image(source: dict[str, Any], kind: str = "png") -> dict[str, Any]:
    return {"image": {"format": kind, "source": source}}


def document(source: dict[str, Any], name: str = "document", kind: str = "pdf", **more: Any) -> dict[str, Any]:
    return {"document": {"format": kind, "name": name, "source": source, **more}}


S3 = {"s3Location": {"uri": "s3://bucket/a.png"}}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("Hi", {"text": "Hi"}),
        ({"type": "text", "text": "Hi", "index": 0, "annotations": []}, {"text": "Hi"}),
        ({"type": "image", "base64": DATA, "mime_type": "image/png"}, image({"bytes": DATA})),
        ({"type": "image", "url": "s3://bucket/a.png"}, image(S3)),
        (
            {"type": "image", "url": "s3://bucket/a", "mime_type": "image/jpeg"},
            image({"s3Location": {"uri": "s3://bucket/a"}}, "jpeg"),
        ),
        ({"type": "image", "url": f"data:image/webp;base64,{DATA}"}, image({"bytes": DATA}, "webp")),
        (
            {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/gif"},
            image({"bytes": DATA}, "gif"),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
            image({"bytes": DATA}),
        ),
        (
            {"type": "image", "source": {"type": "s3Location", "media_type": "image/png", "data": S3["s3Location"]}},
            image(S3),
        ),
        ({"type": "image", "image": {"format": "png", "source": {"bytes": RAW}}}, image({"bytes": DATA})),
        ({"image": {"format": "png", "source": {"bytes": RAW}}}, image({"bytes": DATA})),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}, image({"bytes": DATA})),
        (
            {"type": "video", "base64": DATA, "mime_type": "video/3gpp"},
            {"video": {"format": "three_gp", "source": {"bytes": DATA}}},
        ),
        (
            {"type": "video", "url": "s3://bucket/a.mov"},
            {"video": {"format": "mov", "source": {"s3Location": {"uri": "s3://bucket/a.mov"}}}},
        ),
        (
            {"type": "audio", "base64": DATA, "mime_type": "audio/mpeg"},
            {"audio": {"format": "mp3", "source": {"bytes": DATA}}},
        ),
        ({"type": "file", "base64": DATA, "mime_type": "application/pdf"}, document({"bytes": DATA})),
        (
            {"type": "file", "base64": DATA, "mime_type": "application/pdf", "filename": "dir/My  report_v1.pdf"},
            document({"bytes": DATA}, "My report-v1-pdf"),
        ),
        (
            {"type": "file", "base64": DATA, "mime_type": "text/x-python", "extras": {"name": "code"}},
            document({"bytes": DATA}, "code", "txt"),
        ),
        ({"type": "file", "base64": DATA, "mime_type": "image/png"}, image({"bytes": DATA})),
        (
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{DATA}", "filename": "a"}},
            document({"bytes": DATA}, "a"),
        ),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
            document({"bytes": DATA}, "T", context="C", citations={"enabled": True}),
        ),
        ({"type": "document", "source": {"type": "text", "data": "words"}}, document({"text": "words"}, kind="txt")),
        (
            {"type": "document", "document": {"format": "md", "name": "n", "source": {"text": "x"}}},
            document({"text": "x"}, "n", "md"),
        ),
        ({"type": "text-plain", "text": "words", "mime_type": "text/plain"}, {"text": "words"}),
        ({"type": "text-plain", "text": "words", "title": "T"}, document({"text": "words"}, "T", "txt")),
        ({"type": "text-plain", "base64": DATA}, document({"bytes": DATA}, kind="txt")),
        ({"type": "non_standard", "value": {"cachePoint": {"type": "default"}}}, {"cachePoint": {"type": "default"}}),
        ({"type": "non_standard", "value": {"type": "text", "text": "x"}}, {"text": "x"}),
        ({"guardContent": {"text": {"text": "x"}}}, {"guardContent": {"text": {"text": "x"}}}),
        ({"type": "guard_content", "text": "x"}, {"guardContent": {"text": {"text": "x"}}}),
        (
            {"type": "guard_content", "guard_content": {"type": "text", "text": "x"}},
            {"guardContent": {"text": {"text": "x"}}},
        ),
        (
            {"type": "guard_content", "guard_content": {"text": {"text": "x", "qualifiers": ["query"]}}},
            {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}},
        ),
        (
            {
                "type": "search_result",
                "source": "s",
                "title": "t",
                "content": [{"type": "text", "text": "x"}],
                "citations": {"enabled": True},
            },
            {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}], "citations": {"enabled": True}}},
        ),
        (
            {"type": "tool_result", "tool_use_id": "c", "content": "It is so.", "is_error": True},
            {"toolResult": {"toolUseId": "c", "content": [{"text": "It is so."}], "status": "error"}},
        ),
        (
            {"type": "tool_result", "tool_use_id": "c"},
            {"toolResult": {"toolUseId": "c", "content": [{"text": "."}], "status": "success"}},
        ),
        (
            {"type": "server_tool_result", "tool_call_id": "c", "status": "success", "output": {"a": 1}},
            {"toolResult": {"toolUseId": "c", "content": [{"json": {"a": 1}}], "status": "success"}},
        ),
    ],
)
def test_blocks(block: Any, expected: dict[str, Any]) -> None:
    assert sent(block) == [expected]


def test_marks_of_what_to_cache() -> None:
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    assert sent(marked, "there") == [{"text": "Hi"}, {"cachePoint": {"type": "default"}}, {"text": "there"}]


def test_documents_have_names_of_their_own() -> None:
    files = [{"type": "file", "base64": DATA, "mime_type": "text/csv", "name": name} for name in ("a", "a", None)]
    assert [block["document"]["name"] for block in sent(*files, files[2])] == ["a", "a-2", "document", "document-2"]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"type": "image", "url": "https://a.example/b.png"}, "loads nothing from the web"),
        ({"type": "image", "file_id": "f-1"}, "loads nothing from the web"),
        ({"type": "image", "base64": DATA}, "needs its 'mime_type'"),
        ({"type": "image", "base64": DATA, "mime_type": "image/tiff"}, "takes no image of the type 'image/tiff'"),
        ({"type": "file", "base64": DATA, "mime_type": "application/zip"}, "takes no document"),
        ({"type": "text"}, "its 'text' must be a str"),
        ({"type": "hologram"}, "Converse has no such block"),
        ({"type": 7}, "Converse has no such block"),
        ({"hologram": 1}, "neither a 'type'"),
        ({}, "neither a 'type'"),
        ({"type": "non_standard", "value": 3}, "its 'value' must be the block"),
        ({"type": "non_standard", "value": {"type": "x"}}, "neither a 'type'"),
        ({"type": "guard_content"}, "its 'text' must be a str"),
        ({"type": "search_result", "content": "x"}, "its 'content' must be a list of texts"),
        ({"type": "json"}, "under 'json'"),
    ],
)
def test_blocks_that_cannot_be_sent(block: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        encode_messages([HumanMessage("Hi"), HumanMessage([block])])
    assert "Message 1 (human)" in str(caught.value)


def test_what_holds_itself_is_refused() -> None:
    block: dict[str, Any] = {"json": {}}
    block["json"]["again"] = block
    with pytest.raises(InvalidInputError, match="holds itself"):
        encode_messages([HumanMessage([block])])


# ---------------------------------------------------------------------------------------------------- answers of others

REASONING = {"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "sig"}}
SEALED = {"type": "reasoning_content", "reasoning_content": {"redacted_content": DATA}}
WIRE = [
    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
    {"reasoningContent": {"redactedContent": DATA}},
]


def told(message: AIMessage, model: str = CLAUDE, family: str | None = "anthropic") -> list[dict[str, Any]]:
    turns, _ = encode_messages([HumanMessage("?"), message, HumanMessage("!")], model=model, family=family)
    return turns[1]["content"]


def answered_by(provider: str | None, content: Any, **more: Any) -> AIMessage:
    metadata = {"model_provider": provider} if provider else {}
    return AIMessage(content, response_metadata={**metadata, **more.pop("response_metadata", {})}, **more)


def test_reasoning_goes_back_to_its_own_family_only() -> None:
    content = [REASONING, SEALED, {"type": "text", "text": "Yes."}]
    by_claude = answered_by("bedrock_converse", content, response_metadata={"model_name": f"us.{CLAUDE}"})
    assert told(by_claude) == [*WIRE, {"text": "Yes."}]
    assert told(by_claude, "amazon.nova-2-lite-v1:0", "amazon") == [{"text": "Yes."}]
    by_nobody_knows = answered_by(None, content)
    assert told(by_nobody_knows) == [*WIRE, {"text": "Yes."}]
    assert told(by_nobody_knows, "us.deepseek.r1-v1:0", "deepseek") == [{"text": "Yes."}]


def test_standard_content_of_its_own() -> None:
    content = [
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "sig"}},
        {"type": "reasoning", "extras": {"redacted_content": DATA}},
        {"type": "reasoning"},
        {"type": "server_tool_call", "name": "g", "args": {"q": 1}, "id": "s1"},
        {
            "type": "server_tool_result",
            "tool_call_id": "s1",
            "status": "success",
            "output": [{"type": "text", "text": "x"}],
        },
        {"type": "text", "text": "Yes."},
        {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "c1"},
    ]
    message = answered_by("bedrock_converse", content, response_metadata={"output_version": "v1"})
    assert told(message) == [
        *WIRE,
        {"toolUse": {"toolUseId": "s1", "name": "g", "input": {"q": 1}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "s1", "content": [{"text": "x"}], "status": "success"}},
        {"text": "Yes."},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
    ]


def test_thinking_of_claude_elsewhere() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]
    calls = [{"name": "f", "args": {"a": 1}, "id": "toolu_1"}]
    message = answered_by("anthropic", content, tool_calls=calls)
    said = [{"text": "Yes."}, {"toolUse": {"toolUseId": "toolu_1", "name": "f", "input": {"a": 1}}}]
    assert told(message) == [WIRE[0], *said]
    assert told(message, "amazon.nova-pro-v1:0", "amazon") == said


def test_answers_of_other_providers_keep_their_text_and_calls() -> None:
    message = answered_by(
        "openai",
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEALED"},
            {"type": "text", "text": "Yes."},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ],
        tool_calls=[{"name": "f", "args": {}, "id": "call|1"}],
    )
    found = told(message)
    assert found[0]["text"].startswith("Yes.")
    assert found[1:] == [{"toolUse": {"toolUseId": "call_1", "name": "f", "input": {}}}]
    assert "SEALED" not in json.dumps(found)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KINDS = [
    "text",
    "image",
    "video",
    "audio",
    "file",
    "document",
    "tool_use",
    "tool_call",
    "tool_result",
    "reasoning_content",
    "thinking",
    "guard_content",
    "json",
    "search_result",
    "non_standard",
    "text-plain",
    "server_tool_call",
    "server_tool_result",
    "image_url",
    "input_audio",
]
KEYS = [
    "text",
    "source",
    "base64",
    "url",
    "mime_type",
    "data",
    "id",
    "name",
    "input",
    "args",
    "content",
    "title",
    "tool_use_id",
    "output",
    "value",
    "document",
    "file",
    "image",
    "citations",
    "extras",
    "reasoning_content",
    "guard_content",
    "cache_control",
    "json",
    "image_url",
    "input_audio",
    "metadata",
    "context",
    "parts",
]
BLOCKS = st.fixed_dictionaries({"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(KEYS, ANY))


@given(
    st.lists(BLOCKS | st.dictionaries(st.sampled_from(["text", "image", "toolUse", "x"]), ANY, max_size=2), max_size=3)
)
def test_any_blocks_are_sent_or_refused_by_name(blocks: list[Any]) -> None:
    for message in (HumanMessage(blocks), answered_by("bedrock_converse", blocks), answered_by("openai", blocks)):
        try:
            to_json(encode_request([message], {"model": CLAUDE}))
        except InvalidInputError as error:
            assert str(error)  # noqa: PT017 - an error is one of two good ends
