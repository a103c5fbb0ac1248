"""What another provider is told of an answer: all that was said, called and found, and nothing that it would refuse."""

from __future__ import annotations

from typing import Any

from chatcore.messages import AIMessage
from chatcore.providers._history import is_in_shape_of, told_to_others


def by(provider: str, content: Any, **fields: Any) -> AIMessage:
    metadata = {"model_provider": provider, **fields.pop("response_metadata", {})}
    return AIMessage(content, response_metadata=metadata, **fields)


def test_an_answer_of_anthropic() -> None:
    """Thinking loses its signature; searches become text, without what is encrypted; calls stay."""
    found = {"type": "web_search_result", "title": "A page", "url": "https://a.example", "encrypted_content": "SEALED"}
    message = by(
        "anthropic",
        [
            {"type": "thinking", "thinking": "Hm.", "signature": "SEALED"},
            {"type": "redacted_thinking", "data": "SEALED"},
            {"type": "text", "text": "Let me "},
            {"type": "text", "text": "look.", "citations": [{"type": "x", "cited_text": "SEALED"}]},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
            {"type": "text", "text": "There."},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}},
        ],
        tool_calls=[{"name": "weather", "args": {"city": "Bern"}, "id": "toolu_1", "type": "tool_call"}],
    )
    said = (
        'Let me look.\n[Called web_search: {"query":"a"}]\n'
        '\n[Result of web_search: [{"type":"web_search_result","title":"A page","url":"https://a.example"}]]\nThere.'
    )
    assert told_to_others(message) == [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": said},
        {"type": "tool_call", "name": "weather", "args": {"city": "Bern"}, "id": "toolu_1"},
    ]


def test_what_stands_beside_the_content_is_told() -> None:
    """A refusal, and what was spoken, are text; a call that is in no block is told."""
    assert told_to_others(by("openai", "", additional_kwargs={"refusal": "No."})) == [{"type": "text", "text": "No."}]
    spoken = by("openai", "", additional_kwargs={"audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hello."}})
    assert told_to_others(spoken) == [{"type": "text", "text": "Hello."}]
    assert told_to_others(by("x", [{"type": "audio", "base64": "AAAA", "extras": {"transcript": "Hello."}}])) == [
        {"type": "text", "text": "Hello."}
    ]
    refused = by("openai", [{"type": "refusal", "refusal": "No."}])
    assert told_to_others(refused) == [{"type": "text", "text": "No."}]
    call = {"name": "f", "args": "{", "id": "c", "error": None, "type": "invalid_tool_call"}
    assert told_to_others(by("openai", "", invalid_tool_calls=[call])) == [call]


def test_media_need_data() -> None:
    """Who takes an image is told its data; what only its provider can load is not, nor is its id. Others hear of it."""
    blocks: list[Any] = [
        {"type": "image", "base64": "AAAA", "mime_type": "image/png", "id": "ig_1", "extras": {"status": "completed"}},
        {"type": "file", "file_id": "file-1"},
    ]
    message = AIMessage(content_blocks=blocks, response_metadata={"model_provider": "openai", "output_version": "v1"})
    image = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    assert told_to_others(message, media=("image", "file")) == [image]
    assert told_to_others(message) == [{"type": "text", "text": "[image: image/png]\n\n[file: data]\n"}]
    linked: list[Any] = [
        {"type": "video", "url": "https://a.example/b.mp4"},
        {"type": "text-plain", "text": "A note.", "mime_type": "text/plain"},
    ]
    text = "[video: https://a.example/b.mp4]\n\nA note.\n"
    assert told_to_others(AIMessage(content_blocks=linked)) == [{"type": "text", "text": text}]


def test_results_of_tools_that_ran_at_the_provider() -> None:
    """Text of a page that was fetched is told; base64 is not."""
    blocks: list[Any] = [
        {"type": "server_tool_result", "tool_call_id": "x", "status": "error", "output": {"error_code": "unavailable"}},
        {
            "type": "server_tool_result",
            "tool_call_id": "y",
            "status": "success",
            "output": [{"type": "text", "data": "page"}, {"type": "base64", "data": "AAAA"}],
        },
        {"type": "server_tool_result", "tool_call_id": "z", "status": "success"},
    ]
    message = AIMessage(content_blocks=blocks, response_metadata={"output_version": "v1"})
    text = (
        '[Error of a tool: {"error_code":"unavailable"}]\n'
        '\n[Result of a tool: [{"type":"text","data":"page"},{"type":"base64"}]]\n\n[Result of a tool]\n'
    )
    assert told_to_others(message) == [{"type": "text", "text": text}]


def test_whose_shape_it_is() -> None:
    own = by("anthropic", [{"type": "text", "text": "a"}])
    assert is_in_shape_of(own, "anthropic")
    assert is_in_shape_of(own, "bedrock", "anthropic")
    assert not is_in_shape_of(own, "openai")
    assert not is_in_shape_of(by("anthropic", [], response_metadata={"output_version": "v1"}), "anthropic")
    assert not is_in_shape_of(AIMessage("a"), "anthropic")
