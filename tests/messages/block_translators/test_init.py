"""Translators of one's own, and what the reference loses on the way to standard blocks."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.messages.block_translators import PROVIDER_TRANSLATORS, get_translator, register_translator

CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}
INVALID = {"name": "g", "args": "{", "id": "c2", "error": "cut", "type": "invalid_tool_call"}


def answer(provider: str, content: Any, **fields: Any) -> AIMessage:
    return AIMessage(content, response_metadata={"model_provider": provider}, **fields)


def test_a_provider_may_bring_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.messages.block_translators.PROVIDER_TRANSLATORS", {**PROVIDER_TRANSLATORS})

    def whole(message: AIMessage) -> list[Any]:
        return [{"type": "text", "text": f"whole {message.content}"}]

    def chunk(message: AIMessageChunk) -> list[Any]:
        raise NotImplementedError

    register_translator("acme", whole, chunk)
    assert get_translator("acme") == {"translate_content": whole, "translate_content_chunk": chunk}
    assert answer("acme", "a").content_blocks == [{"type": "text", "text": "whole a"}]
    part = AIMessageChunk("a", response_metadata={"model_provider": "acme"})
    assert part.content_blocks == [{"type": "text", "text": "a"}], "read as that of an unknown provider"


@pytest.mark.parametrize("provider", ["anthropic", "bedrock_converse", "openai", "groq", "google_genai"])
@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": "a"}]], ids=str)
def test_no_call_is_lost(provider: str, content: Any) -> None:
    blocks = answer(provider, content, tool_calls=[CALL], invalid_tool_calls=[INVALID]).content_blocks
    assert [block for block in blocks if block["type"] != "text"] == [CALL, INVALID]
    assert {"type": "text", "text": ""} not in blocks


@pytest.mark.parametrize("provider", ["anthropic", "bedrock_converse", "openai"])
def test_a_string_among_the_parts_is_text(provider: str) -> None:
    assert answer(provider, ["a", {"type": "text", "text": "b"}]).content_blocks == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_a_call_is_told_from_another_by_its_id() -> None:
    used = [{"type": "tool_use", "id": "c2", "name": "g", "input": {}}, {"type": "tool_use", "id": "c1", "name": "f"}]
    blocks = answer("anthropic", used, tool_calls=[CALL], invalid_tool_calls=[INVALID]).content_blocks
    assert blocks == [INVALID, CALL]


def test_a_wrapped_part_stays_in_its_message() -> None:
    message = answer("anthropic", [{"type": "container_upload", "file_id": "f", "index": 1}])
    assert (
        message.content_blocks
        == message.content_blocks
        == [{"type": "non_standard", "value": {"type": "container_upload", "file_id": "f"}, "index": 1}]
    )
    assert message.content == [{"type": "container_upload", "file_id": "f", "index": 1}]


@pytest.mark.parametrize(
    ("url", "block"),
    [
        ("https://example.org/a.png", {"type": "image", "url": "https://example.org/a.png"}),
        ("iVBORw0KGgoAAAA", {"type": "image", "base64": "iVBORw0KGgoAAAA", "mime_type": "image/png"}),
        ("QUFB", {"type": "image", "base64": "QUFB"}),
        ("", {"type": "non_standard", "value": {"type": "image_url", "image_url": {"url": ""}}}),
    ],
)
def test_geminis_images_by_any_url(url: str, block: dict[str, Any]) -> None:
    assert answer("google_genai", [{"type": "image_url", "image_url": {"url": url}}]).content_blocks == [block]


def test_an_unreadable_document_stays_whole() -> None:
    document = {"type": "document", "source": {"type": "url"}}
    assert HumanMessage([document]).content_blocks == [{"type": "non_standard", "value": document}]


def test_the_reasoning_of_open_models_is_told() -> None:
    item = {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert answer("openai", [item]).content_blocks == [
        {"type": "reasoning", "id": "r", "reasoning": "Hm.", "extras": {"content": item["content"]}}
    ]


def test_items_of_hosts_that_leave_out_their_ids() -> None:
    kinds = ("web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools")
    for kind in kinds:
        call, result = answer("openai", [{"type": kind, "status": "completed"}]).content_blocks
        assert (call["type"], result["type"]) == ("server_tool_call", "server_tool_result")
    cited = [{"type": "text", "text": "a", "annotations": [{"type": "url_citation"}]}]
    assert answer("openai", cited).content_blocks[0].get("annotations") == [
        {"type": "non_standard_annotation", "value": {"type": "url_citation"}}
    ]


def test_hosts_of_the_responses_api_are_read_as_openai() -> None:
    content: list[Any] = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}]
    metadata = {"model_provider": "acme", "output_version": "responses/v1"}
    assert AIMessage(content, response_metadata=metadata).content_blocks == [{"type": "reasoning", "reasoning": "Hm."}]
    assert get_translator("acme") is None
