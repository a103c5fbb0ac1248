"""Each provider's content is read as the same standard blocks by chatcore and by langchain-core."""

from __future__ import annotations

import copy
import functools
import operator
from typing import Any

import pytest

import chatcore.messages as ours
from chatcore.messages import block_translators as our_translators
from chatcore.messages.block_translators.google_genai import translate_grounding_metadata_to_citations

theirs = pytest.importorskip("langchain_core.messages", reason="the reference is not installed")
their_translators = pytest.importorskip("langchain_core.messages.block_translators")

CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}
OTHER = {"name": "g", "args": {}, "id": "c2", "type": "tool_call"}
INVALID = {"name": "h", "args": "{", "id": "c3", "error": "cut", "type": "invalid_tool_call"}


def part(name: str | None, args: str | None, id: str | None, index: int | None) -> dict[str, Any]:  # noqa: A002
    return {"name": name, "args": args, "id": id, "index": index, "type": "tool_call_chunk"}


CITATIONS = [
    {"type": "web_search_result_location", "cited_text": "c", "url": "u", "title": "t", "encrypted_index": "e"},
    {"type": "web_search_result_location", "url": "u"},
    {"type": "char_location", "cited_text": "c", "document_title": "d", "start_char_index": 1},
    {"type": "page_location", "cited_text": "c", "document_title": None, "title": "t"},
    {"type": "search_result_location", "cited_text": "c", "title": "t"},
    {"type": "search_result_location", "source": "s"},
    {"type": "other", "cited_text": "c"},
]
SERVER_CALL = {"type": "server_tool_use", "name": "web_search", "id": "s1", "input": {"q": "x"}, "index": 1, "z": 1}
ANTHROPIC: list[Any] = [
    "hi",
    [{"type": "text", "text": "hi"}],
    [{"type": "text", "text": "hi", "citations": CITATIONS, "index": 2}],
    [{"type": "thinking", "thinking": "hm", "signature": "s", "index": 0}, {"type": "text", "text": "hi", "index": 1}],
    [{"type": "redacted_thinking", "data": "d"}],
    [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}, "index": 1, "caller": {"type": "direct"}}],
    [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}, {"type": "tool_use", "id": "c2", "name": "g"}],
    [SERVER_CALL],
    [{**SERVER_CALL, "name": "code_execution", "input": {}, "partial_json": '{"code": "1"}'}],
    [{**SERVER_CALL, "input": {}, "partial_json": '{"code'}],
    [{"type": "mcp_tool_use", "id": "m1", "name": "n", "server_name": "sn", "input": {"a": 1}, "index": 3}],
    [{"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}], "index": 2}],
    [{"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"error_code": "e"}}],
    [{"type": "mcp_tool_result", "tool_use_id": "m1", "content": [], "is_error": True, "x": 1}],
    [{"type": "container_upload", "file_id": "f"}],
]
BEDROCK: list[Any] = ["hi", *ANTHROPIC[1:6]]
CONVERSE: list[Any] = [
    "hi",
    [{"type": "text", "text": "hi", "index": 1}],
    [
        {
            "type": "text",
            "text": "hi",
            "citations": [
                {"title": "t", "source_content": [{"text": "a"}, {"text": "b"}], "location": {"x": 1}},
                {"source_content": [], "index": 2},
            ],
        }
    ],
    [
        {
            "type": "reasoning_content",
            "reasoning_content": {"text": "hm", "signature": "s", "redacted_content": "r"},
            "index": 0,
            "x": 1,
        }
    ],
    [{"type": "reasoning_content"}],
    [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}, "index": 1}],
    [{"type": "other", "x": 1, "index": 4}, {"type": "other"}],
]
GROUNDING = {
    "web_search_queries": ["q"],
    "grounding_chunks": [
        {"web": {"uri": "u", "title": "t"}},
        {"maps": {"uri": "m", "title": "mt", "placeId": "p"}},
    ],
    "grounding_supports": [
        {
            "segment": {"start_index": 0, "end_index": 2, "text": "hi"},
            "grounding_chunk_indices": [0, 1, 7],
            "confidence_scores": [0.5],
        },
        {"segment": {}, "grounding_chunk_indices": [1]},
    ],
}
GEMINI: list[Any] = [
    "hi",
    ["hi", {"type": "text", "text": "there", "index": 3}],
    [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR"}}],
    [{"type": "function_call", "name": "f", "args": {"a": 1}, "id": "c1"}],
    [{"type": "file_data", "file_uri": "gs://a", "mime_type": "video/mp4"}, {"type": "file_data"}],
    [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "thinking", "index": 1}],
    [{"type": "executable_code", "executable_code": "1", "language": "python", "id": "e"}],
    [{"type": "code_execution_result", "code_execution_result": "1", "outcome": 1, "tool_call_id": "e"}],
    [{"type": "code_execution_result", "code_execution_result": "no", "outcome": 2}],
    [{"type": "other", "x": 1}],
]
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "index": 3, "x": 1}
ANNOTATIONS = [
    {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1, "x": 1},
    {"type": "file_citation", "filename": "a.pdf", "file_id": "f", "index": 3},
    {"type": "container_file_citation", "file_id": "f"},
]
RESPONSES: list[Any] = [
    "hi",
    [{"type": "text", "text": "hi", "annotations": ANNOTATIONS, "id": "msg_1", "index": 0}],
    [{"type": "text"}],
    [{"type": "reasoning", "id": "rs_1", "summary": []}],
    [{"type": "reasoning", "id": "rs_1", "summary": [], "index": 0}],
    [{"type": "reasoning", "reasoning": "hm"}],
    [
        {
            "type": "reasoning",
            "id": "rs_1",
            "index": 0,
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b", "index": 1}],
            "encrypted_content": "e",
        }
    ],
    [{"type": "image_generation_call", "id": "ig", "result": "iVBOR", "output_format": "png", "size": "s", "index": 1}],
    [{"type": "image_generation_call", "id": "ig", "result": None}],
    [{"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}', "id": "fc_1", "index": 1}],
    [{"type": "function_call", "call_id": "c3", "name": "h", "arguments": "{", "id": "fc_1", "status": "completed"}],
    [{**SEARCH, "action": {"type": "search", "query": "q", "sources": ["s"]}}],
    [{**SEARCH, "status": "failed"}, {"type": "web_search_result", "id": "ws_1"}],
    [{**SEARCH, "status": "searching"}],
    [{"type": "file_search_call", "id": "fs", "queries": ["q"], "results": [1], "status": "completed", "index": 0}],
    [{"type": "file_search_call", "id": "fs", "results": None, "status": "failed"}],
    [{"type": "code_interpreter_call", "id": "ci", "code": "1", "outputs": None, "container_id": "k", "index": 0}],
    [{"type": "code_interpreter_call", "id": "ci", "status": "interpreting"}],
    [{"type": "mcp_call", "id": "m", "name": "n", "server_label": "l", "arguments": '{"a":1}', "output": "o", "x": 1}],
    [{"type": "mcp_call", "id": "m", "arguments": "{", "error": "e", "index": 2}],
    [{"type": "mcp_list_tools", "id": "m", "server_label": "l", "tools": [1], "index": 2}],
    [{"type": "mcp_list_tools", "id": "m", "tools": [], "error": "e"}],
    [{"type": "tool_search_call", "id": "t", "execution": "server", "arguments": {"q": 1}, "index": 0}],
    [{"type": "tool_search_output", "id": "t", "execution": "server", "tools": [1], "status": "completed"}],
    [{"type": "tool_search_call", "id": "t", "execution": "client"}],
    [{"type": "refusal", "refusal": "no", "index": 1}, {"type": "computer_call"}],
]
WITH_CALLS = {"tool_calls": [CALL, OTHER], "invalid_tool_calls": [INVALID]}
CONTENTS: list[tuple[str, Any, dict[str, Any]]] = [
    *(("anthropic", content, {}) for content in ANTHROPIC),
    ("anthropic", ANTHROPIC[6], {"tool_calls": [CALL, OTHER]}),
    *(("bedrock", content, {"response_metadata": {"model_name": "Claude"}}) for content in BEDROCK),
    *(("bedrock", content, {"response_metadata": {"model_name": "nova"}}) for content in BEDROCK),
    ("bedrock", "hi", {"tool_calls": [CALL], "response_metadata": {"model_name": "claude"}}),
    *(("bedrock_converse", content, {}) for content in CONVERSE),
    *(("google_genai", content, {}) for content in GEMINI),
    ("google_vertexai", "hi", {"tool_calls": [CALL], "additional_kwargs": {"audio": b"abc"}}),
    ("google_genai", ["hi"], {"tool_calls": [CALL], "additional_kwargs": {"audio": b"abc"}}),
    ("google_genai", ["hi"], {"response_metadata": {"grounding_metadata": GROUNDING}}),
    ("google_genai", "hi", {"response_metadata": {"grounding_metadata": GROUNDING}}),
    *(("openai", content, {"tool_calls": [CALL]} if "'c1'" in str(content) else {}) for content in RESPONSES[:10]),
    ("openai", RESPONSES[10], {"invalid_tool_calls": [INVALID]}),
    *(("openai", content, {}) for content in RESPONSES[11:]),
    ("openai", "hi", {"tool_calls": [CALL, OTHER]}),
    (
        "openai",
        [{"type": "text", "text": "hi", "annotations": []}],
        {
            "id": "msg_1",
            "tool_calls": [CALL],
            "response_metadata": {"id": "resp_1"},
            "additional_kwargs": {
                "reasoning": {"id": "rs_1", "type": "reasoning", "summary": [{"text": "hm"}]},
                "tool_outputs": [SEARCH, {"type": "mcp_call", "id": "m", "arguments": "{}"}],
                "refusal": "no",
                "__openai_function_call_ids__": {"c1": "fc_1"},
            },
        },
    ),
    ("groq", "hi", {"tool_calls": [CALL], "additional_kwargs": {"reasoning_content": "hm"}}),
    *(
        ("groq", "hi", {"additional_kwargs": {"executed_tools": [tool]}})
        for tool in (
            {"type": "search", "arguments": '{"query": "q"}', "output": "o", "index": 0, "search_results": [1]},
            {"type": "python", "arguments": '{"code": "print("hi")"}', "output": "hi"},
            {"type": "python", "arguments": "print", "output": "hi"},
            {"type": "function", "name": "python", "arguments": "print(1)", "output": "1"},
            {"type": "other", "arguments": "[1]", "output": None},
            {"type": "other", "arguments": "{", "output": "o"},
            {"type": "search", "output": "o"},
        )
    ),
    ("someone", [{"type": "thinking", "thinking": "hm"}], {}),
]


def made(library: Any, kind: str, provider: str, content: Any, fields: dict[str, Any]) -> Any:
    content, fields = copy.deepcopy(content), copy.deepcopy(fields)
    metadata = {"model_provider": provider, **fields.pop("response_metadata", {})}
    return getattr(library, kind)(content=content, response_metadata=metadata, **fields)


def without_made_up_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_made_up_ids(item)
            for key, item in value.items()
            if not (key == "id" and str(item).startswith("lc_"))
        }
    return [without_made_up_ids(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("provider", "content", "fields"), CONTENTS, ids=lambda value: str(value)[:100])
def test_answers_are_read_as_the_same_blocks(provider: str, content: Any, fields: dict[str, Any]) -> None:
    mine = made(ours, "AIMessage", provider, content, fields)
    before = mine.model_copy(deep=True)
    reference = made(theirs, "AIMessage", provider, content, fields)
    assert without_made_up_ids(mine.content_blocks) == without_made_up_ids(reference.content_blocks)
    assert mine == before, "to read a message is not to change it"


@pytest.mark.parametrize(
    ("provider", "content", "fields"),
    [case for case in CONTENTS if not case[2].get("tool_calls") and case[0] != "bedrock"],
    ids=lambda value: str(value)[:100],
)
def test_chunks_are_read_as_the_same_blocks(provider: str, content: Any, fields: dict[str, Any]) -> None:
    mine, reference = (made(library, "AIMessageChunk", provider, content, fields) for library in (ours, theirs))
    assert without_made_up_ids(mine.content_blocks) == without_made_up_ids(reference.content_blocks)


STREAMS: dict[str, list[dict[str, Any]]] = {
    "anthropic": [
        {"content": [{"type": "thinking", "thinking": "h", "index": 0}]},
        {"content": [{"type": "thinking", "thinking": "m", "index": 0}]},
        {"content": [{"type": "thinking", "signature": "s", "index": 0}]},
        {"content": [{"type": "text", "text": "hi", "index": 1}]},
        {"content": [{"type": "text", "text": "", "citations": [CITATIONS[0]], "index": 1}]},
        {
            "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}, "index": 2}],
            "tool_call_chunks": [part("f", "", "c1", 2)],
        },
        {
            "content": [{"type": "input_json_delta", "partial_json": '{"a": 1}', "index": 2}],
            "tool_call_chunks": [part(None, '{"a": 1}', None, 2)],
        },
        {"content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}, "index": 3}]},
        {"content": [{"type": "input_json_delta", "partial_json": '{"q": 1}', "index": 3}]},
        {"content": [{"type": "mcp_tool_use", "id": "m", "name": "n", "input": {}, "index": 4}]},
    ],
    "openai": [
        {"content": "hi"},
        {"content": "", "tool_call_chunks": [part("f", "", "c1", 0)]},
        {"content": "", "tool_call_chunks": [part(None, '{"a": 1}', None, 0)]},
    ],
    "openai responses": [
        {"content": [{"type": "reasoning", "id": "rs", "summary": [], "index": 0}]},
        {"content": [{"type": "reasoning", "summary": [{"index": 0, "text": "hm"}], "index": 0}]},
        {"content": [{"type": "text", "text": "hi", "index": 1, "id": "msg_1"}]},
        {
            "content": [
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "", "index": 2, "id": "fc"}
            ],
            "tool_call_chunks": [part("f", "", "c1", 2)],
        },
        {
            "content": [{"type": "function_call", "arguments": '{"a": 1}', "index": 2}],
            "tool_call_chunks": [part(None, '{"a": 1}', None, 2)],
        },
    ],
    "bedrock": [
        {"content": ""},
        {"content": [{"type": "text", "text": "hi", "index": 0}]},
        {
            "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}, "index": 1}],
            "tool_call_chunks": [part("f", '{"a": 1}', "c1", 1)],
        },
    ],
    "bedrock_converse": [
        {"content": ""},
        {"content": [{"type": "text", "text": "hi", "index": 0}]},
        {
            "content": [{"type": "tool_use", "id": "c1", "name": "f", "index": 1}],
            "tool_call_chunks": [part("f", None, "c1", 1)],
        },
        {
            "content": [{"type": "input_json_delta", "partial_json": '{"a": 1}', "index": 1}],
            "tool_call_chunks": [part(None, '{"a": 1}', None, 1)],
        },
    ],
    "google_genai": [
        {"content": "hi"},
        {"content": [{"type": "text", "text": "a", "index": 0}]},
        {"content": "", "tool_call_chunks": [part("f", '{"a": 1}', "c1", 0)]},
    ],
}


@pytest.mark.parametrize("provider", STREAMS)
def test_streams_are_read_as_the_same_blocks(provider: str) -> None:
    read = []
    for library in (ours, theirs):
        name = provider.partition(" ")[0]
        chunks = [made(library, "AIMessageChunk", name, **given) for given in stream_of(provider)]
        whole = functools.reduce(operator.add, [*chunks, library.AIMessageChunk(content="", chunk_position="last")])
        read.append([without_empty_texts(chunk.content_blocks) for chunk in [*chunks, whole]])
    assert read[0] == read[1]


def without_empty_texts(blocks: list[Any]) -> list[Any]:
    # Where there is no text, the reference shows an empty one, but not for every provider.
    return [block for block in without_made_up_ids(blocks) if block != {"type": "text", "text": ""}]


def stream_of(provider: str) -> list[dict[str, Any]]:
    return [
        {"content": chunk["content"], "fields": {key: value for key, value in chunk.items() if key != "content"}}
        for chunk in STREAMS[provider]
    ]


INPUTS: list[dict[str, Any]] = [
    {"type": "document", "source": {"type": "base64", "data": "d", "media_type": "application/pdf"}, "title": "t"},
    {"type": "document", "source": {"type": "url", "url": "u"}},
    {"type": "document", "source": {"type": "file", "file_id": "f"}},
    {"type": "document", "source": {"type": "text", "data": "t", "media_type": "text/plain"}},
    {"type": "document", "source": {"type": "content"}},
    {"type": "document", "source": {"type": "url"}},
    {"type": "image", "source": {"type": "base64", "data": "d", "media_type": "image/png"}, "cache_control": {"a": 1}},
    {"type": "image", "source": {"type": "url", "url": "u"}},
    {"type": "image", "source": {"type": "url"}},
    {"text": "hi"},
    {"document": {"format": "pdf", "source": {"bytes": b"abc"}, "name": "n"}},
    {"document": {"format": "txt", "source": {"text": "t"}}},
    {"document": {"format": "docx", "source": {"bytes": b"abc"}}},
    {"image": {"format": "png", "source": {"bytes": "YWJj"}}},
    {"image": {"format": "png", "source": {}}},
    {"type": "file_data", "file_uri": "gs://a", "mime_type": "video/mp4"},
    {"type": "function_call", "name": "f", "args": {"a": 1}, "id": "c"},
    {"type": "executable_code", "executable_code": "1"},
]


@pytest.mark.parametrize("given", INPUTS, ids=lambda value: str(value)[:100])
def test_input_in_a_providers_shape_is_read_as_the_same_block(given: dict[str, Any]) -> None:
    mine, reference = ours.HumanMessage([given]), theirs.HumanMessage([given])
    assert mine.content_blocks == reference.content_blocks


def test_groundings_are_the_same_citations() -> None:
    reference = pytest.importorskip("langchain_core.messages.block_translators.google_genai")
    mine = translate_grounding_metadata_to_citations(GROUNDING)
    assert mine == without_made_up_ids(reference.translate_grounding_metadata_to_citations(GROUNDING))
    assert translate_grounding_metadata_to_citations({}) == []


def test_the_same_providers_are_known() -> None:
    assert our_translators.PROVIDER_TRANSLATORS.keys() == their_translators.PROVIDER_TRANSLATORS.keys()
    assert our_translators.get_translator("someone") is None is their_translators.get_translator("someone")
