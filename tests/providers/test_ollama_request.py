"""Writing requests for Ollama: each kind of message, block and setting, in the smallest request that has it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from chatcore.providers._ollama_request import encode_messages, encode_request

TOOL = {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {}}}
WIRE_TOOL = {"type": "function", "function": TOOL}
OTHER_TOOL = {"type": "function", "function": {"name": "sub", "parameters": {}}}


def body(**settings: Any) -> dict[str, Any]:
    """The request of a short conversation, but for what every one has."""
    encoded = encode_request([HumanMessage("?")], {"model": "m", **settings})
    assert encoded.pop("model") == "m"
    assert encoded.pop("messages") == [{"role": "user", "content": "?"}]
    assert encoded.pop("stream") is False
    return encoded


def sent(message: BaseMessage) -> dict[str, Any]:
    (wire,) = encode_messages([message])
    return wire


def of(provider: str | None, content: Any = "", **fields: Any) -> AIMessage:
    metadata = {} if provider is None else {"model_provider": provider}
    return AIMessage(content, response_metadata={**metadata, **fields.pop("response_metadata", {})}, **fields)


# ------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "wire"),
    [
        ({}, {}),
        ({"temperature": 0, "top_k": None}, {"options": {"temperature": 0}}),
        ({"max_tokens": 5}, {"options": {"num_predict": 5}}),
        ({"max_completion_tokens": 5}, {"options": {"num_predict": 5}}),
        ({"num_predict": -1, "num_ctx": 8192, "seed": 1}, {"options": {"num_predict": -1, "num_ctx": 8192, "seed": 1}}),
        ({"stop": "a"}, {"options": {"stop": ["a"]}}),
        ({"stop": ("a", "b")}, {"options": {"stop": ["a", "b"]}}),
        ({"stop": []}, {}),
        ({"options": {}}, {"options": {}}),
        ({"options": {"num_ctx": 1}, "num_ctx": 2, "seed": 3}, {"options": {"num_ctx": 1, "seed": 3}}),
        ({"keep_alive": "5m", "truncate": False}, {"keep_alive": "5m", "truncate": False}),
        ({"think": False}, {"think": False}),
        ({"reasoning": True}, {"think": True}),
        ({"reasoning": "high", "reasoning_effort": "low"}, {"think": "high"}),
        ({"reasoning": {"effort": "medium"}}, {"think": "medium"}),
        ({"reasoning": {"summary": "auto"}}, {}),
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "minimal"}, {"think": "low"}),
        ({"format": "json"}, {"format": "json"}),
        ({"format": {"type": "object"}, "response_format": {"type": "json_object"}}, {"format": {"type": "object"}}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "A", "schema": {"type": "object"}}}},
            {"format": {"type": "object"}},
        ),
        ({"logprobs": True}, {"logprobs": True}),
        ({"top_logprobs": 2}, {"top_logprobs": 2, "logprobs": True}),
        ({"top_logprobs": 2, "logprobs": False}, {"top_logprobs": 2, "logprobs": False}),
        ({"parallel_tool_calls": True, "strict": True, "stream_options": {}}, {}),
        ({"tools": []}, {}),
        ({"tools": [TOOL]}, {"tools": [WIRE_TOOL]}),
        ({"tools": [WIRE_TOOL, OTHER_TOOL], "tool_choice": "any"}, {"tools": [WIRE_TOOL, OTHER_TOOL]}),
        ({"tools": [WIRE_TOOL, OTHER_TOOL], "tool_choice": True}, {"tools": [WIRE_TOOL, OTHER_TOOL]}),
        ({"tools": [WIRE_TOOL, OTHER_TOOL], "tool_choice": "sub"}, {"tools": [OTHER_TOOL]}),
        (
            {"tools": [TOOL, OTHER_TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"tools": [WIRE_TOOL]},
        ),
        ({"tools": [WIRE_TOOL], "tool_choice": "none"}, {}),
    ],
    ids=str,
)
def test_each_setting_stands_where_ollama_has_it(settings: dict[str, Any], wire: dict[str, Any]) -> None:
    assert body(**settings) == wire


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"options": 1}, "options is of type int"),
        ({"tools": "add"}, "tools is of type str"),
        ({"tools": [TOOL], "tool_choice": "mul"}, "'mul' names no tool of this call; there are ['add']"),
        ({"response_format": int}, "response_format is the class int"),
        ({"response_format": "json"}, "response_format is not understood"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format is not understood"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_sent_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        body(**settings)
    assert said in str(caught.value)


def test_the_body_given_beside_comes_last() -> None:
    encoded = encode_request([HumanMessage("?")], {"model": "m", "seed": 1}, stream=True, extra_body={"options": {}})
    assert (encoded["stream"], encoded["options"]) == (True, {})


# ------------------------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (SystemMessage("a"), {"role": "system", "content": "a"}),
        (HumanMessage("a", name="Ann"), {"role": "user", "content": "a"}),
        (ChatMessage("a", role="control"), {"role": "control", "content": "a"}),
        (FunctionMessage("3", name="add"), {"role": "tool", "content": "3", "tool_name": "add"}),
        (ToolMessage("3", tool_call_id="c1"), {"role": "tool", "content": "3", "tool_call_id": "c1"}),
        (
            ToolMessage("3", tool_call_id="c1", name="add"),
            {"role": "tool", "content": "3", "tool_call_id": "c1", "tool_name": "add"},
        ),
        (AIMessage("a"), {"role": "assistant", "content": "a"}),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_each_message_has_its_role(message: BaseMessage, wire: dict[str, Any]) -> None:
    assert sent(message) == wire


def test_a_result_names_the_tool_that_was_called() -> None:
    asked = AIMessage(
        "",
        tool_calls=[ToolCall(name="add", args={"a": 1}, id="c1", type="tool_call")],
        invalid_tool_calls=[{"type": "invalid_tool_call", "name": "sub", "args": "{", "id": "c2", "error": None}],
    )
    wire = encode_messages([asked, ToolMessage("2", tool_call_id="c2"), ToolMessage("1", tool_call_id="c1")])
    assert [message.get("tool_name") for message in wire] == [None, "sub", "add"]
    assert wire[0] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}},
            {"id": "c2", "type": "function", "function": {"name": "sub", "arguments": {"unreadable_arguments": "{"}}},
        ],
    }


@pytest.mark.parametrize("messages", [[], [RemoveMessage(id="1")]], ids=["none", "no message for a model"])
def test_what_is_no_conversation_is_refused(messages: list[BaseMessage]) -> None:
    with pytest.raises(InvalidInputError):
        encode_messages(messages)


# --------------------------------------------------------------------------------------------------------------- blocks

PNG = "iVBORw0KGgo="


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "image_url", "image_url": PNG},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    ],
    ids=str,
)
def test_images_stand_beside_the_text(block: dict[str, Any]) -> None:
    wire = sent(HumanMessage(["What", {"type": "text", "text": "is it?"}, block, block]))
    assert wire == {"role": "user", "content": "What\nis it?", "images": [PNG, PNG]}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text-plain", "text": "Hé", "mime_type": "text/plain"},
        {"type": "text-plain", "base64": base64.b64encode("Hé".encode()).decode(), "mime_type": "text/plain"},
        {"type": "file", "base64": base64.b64encode("Hé".encode()).decode(), "mime_type": "text/markdown"},
    ],
    ids=str,
)
def test_documents_of_text_are_text(block: dict[str, Any]) -> None:
    assert sent(HumanMessage([block])) == {"role": "user", "content": "Hé"}


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "image", "url": "https://example.com/a.png"}, "'base64' only"),
        ({"type": "image", "file_id": "f"}, "'base64' only"),
        ({"type": "file", "base64": PNG, "mime_type": "application/pdf"}, "documents as text only"),
        ({"type": "file", "base64": "/w==", "mime_type": "text/plain"}, "no UTF-8 text"),
        ({"type": "file", "url": "https://example.com"}, "documents as text only"),
        ({"type": "audio", "base64": PNG, "mime_type": "audio/wav"}, "takes text and images"),
        ({"type": "video", "url": "https://example.com"}, "takes text and images"),
        ({"type": "own", "of": "somebody"}, "takes text and images"),
        ({"type": "text", "text": 1}, "must be a str"),
        ({"no": "type"}, "takes text and images"),
    ],
    ids=str,
)
def test_a_block_that_cannot_be_sent_is_named(block: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInputError, match="Message 1 ") as caught:
        encode_messages([SystemMessage("a"), HumanMessage([block])])
    assert why in str(caught.value)


# ------------------------------------------------------------------------------------------- answers, of any provider


def test_its_own_thinking_goes_back_and_that_of_others_does_not() -> None:
    said = {"additional_kwargs": {"reasoning_content": "Hm."}}
    for own in ("ollama", None):
        assert sent(of(own, "a", **said)) == {"role": "assistant", "content": "a", "thinking": "Hm."}
    assert sent(of("deepseek", "a", **said)) == {"role": "assistant", "content": "a"}
    standard = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "a"}]
    v1 = of("ollama", standard, response_metadata={"output_version": "v1"})
    assert sent(v1) == {"role": "assistant", "content": "a", "thinking": "Hm."}


def test_images_that_it_made_go_back() -> None:
    assert sent(of("ollama", "a", additional_kwargs={"images": [PNG]}))["images"] == [PNG]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            of(
                "anthropic",
                [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "A"},
                    {"type": "text", "text": "B", "citations": [{"type": "char_location", "cited_text": "b"}]},
                    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
                    {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
                ],
                tool_calls=[ToolCall(name="add", args={"a": 1}, id="c1", type="tool_call")],
            ),
            'AB\n[Called web_search: {"query":"q"}]\n',
        ),
        (
            of(
                "anthropic",
                [
                    {
                        "type": "web_search_tool_result",
                        "tool_use_id": "s1",
                        "content": [{"type": "web_search_result", "url": "https://example.com", "title": "T"}],
                    },
                    {"type": "text", "text": "B"},
                ],
            ),
            '[Result of a tool: [{"type":"web_search_result","url":"https://example.com","title":"T"}]]\nB',
        ),
        (of("openai", "", additional_kwargs={"refusal": "No."}), "No."),
        (of("openai", [{"type": "refusal", "refusal": "No."}]), "No."),
        (of("x", [{"type": "image", "url": "https://example.com/a.png"}]), "https://example.com/a.png"),
        (of("x", [{"type": "audio", "id": "a", "base64": PNG, "extras": {"transcript": "Hi"}}]), "Hi"),
    ],
    ids=["blocks", "results", "refusal beside", "refusal within", "image", "audio"],
)
def test_the_text_of_other_providers_answers_is_kept(message: AIMessage, text: str) -> None:
    wire = sent(message)
    assert wire["content"] == text
    assert [call["id"] for call in wire.get("tool_calls", ())] == [call["id"] for call in message.tool_calls]


@pytest.mark.parametrize(("raw", "args"), [('{"a": 1}', {"a": 1}), ("{", {"unreadable_arguments": "{"})])
def test_calls_of_openais_older_form(raw: str, args: dict[str, Any]) -> None:
    message = of("openai", "", additional_kwargs={"function_call": {"name": "add", "arguments": raw}})
    assert sent(message)["tool_calls"] == [{"type": "function", "function": {"name": "add", "arguments": args}}]


def test_an_image_whose_address_is_no_text_is_left_out() -> None:
    image = {"type": "image", "url": {"not": "a text"}}
    assert sent(of("openai", [{"type": "text", "text": "Look:"}, image]))["content"] == "Look:"
