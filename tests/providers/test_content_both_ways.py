"""Standard blocks as each provider's API documents its content, or refused by name; and answers as standard blocks.

Sources: https://platform.openai.com/docs/api-reference/chat/create and .../responses/create,
https://docs.mistral.ai/api, https://platform.claude.com/docs/en/api/messages, https://ai.google.dev/api/caching#Part,
https://docs.ollama.com/api/chat, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import HumanMessage
from chatcore.providers import _bedrock_converse
from chatcore.providers._wire import Exchange
from tests.providers.wires import CODECS, WIRES, Codec

Block = dict[str, Any]

HELLO = "aGVsbG8="
PNG, WAV, MP4, PDF = "image/png", "audio/wav", "video/mp4", "application/pdf"
AT = "https://a.example"

CHAT, MISTRAL, RESPONSES, ANTHROPIC, GEMINI, OLLAMA, BEDROCK = (
    "openai-chat",
    "mistral",
    "openai-responses",
    "anthropic-messages",
    "gemini",
    "ollama",
    "bedrock",
)


def alike(part: Block, *wires: str) -> dict[str, Block]:
    """The same part for several wires."""
    return dict.fromkeys(wires, part)


def inline(mime_type: str) -> Block:
    """Data in a part of Gemini's."""
    return {"inlineData": {"mimeType": mime_type, "data": HELLO}}


def at(uri: str, mime_type: str) -> Block:
    """A file that Gemini loads."""
    return {"fileData": {"fileUri": uri, "mimeType": mime_type}}


def loaded(kind: str, **source: str) -> Block:
    """A source of Anthropic's."""
    return {"type": kind, "source": source}


OPENAI_FILE = {"type": "file", "file": {"file_id": "file-1"}}
PDF_URI = f"data:{PDF};base64,{HELLO}"
TEXT_URI = f"data:text/plain;base64,{HELLO}"

TABLE: dict[str, tuple[Block, dict[str, Any]]] = {
    "text": (
        {"type": "text", "text": "Hi"},
        {
            **alike({"type": "text", "text": "Hi"}, CHAT, MISTRAL, ANTHROPIC),
            RESPONSES: {"type": "input_text", "text": "Hi"},
            **alike({"text": "Hi"}, GEMINI, BEDROCK),
            OLLAMA: {"content": "Hi"},
        },
    ),
    "image by url": (
        {"type": "image", "url": f"{AT}/i.png"},
        {
            **alike({"type": "image_url", "image_url": {"url": f"{AT}/i.png"}}, CHAT, MISTRAL),
            RESPONSES: {"type": "input_image", "image_url": f"{AT}/i.png"},
            ANTHROPIC: loaded("image", type="url", url=f"{AT}/i.png"),
            GEMINI: at(f"{AT}/i.png", PNG),
        },
    ),
    "image in base64": (
        {"type": "image", "base64": HELLO, "mime_type": PNG},
        {
            **alike({"type": "image_url", "image_url": {"url": f"data:{PNG};base64,{HELLO}"}}, CHAT, MISTRAL),
            RESPONSES: {"type": "input_image", "image_url": f"data:{PNG};base64,{HELLO}"},
            ANTHROPIC: loaded("image", type="base64", media_type=PNG, data=HELLO),
            GEMINI: inline(PNG),
            OLLAMA: {"content": "", "images": [HELLO]},
            BEDROCK: {"image": {"format": "png", "source": {"bytes": HELLO}}},
        },
    ),
    "image by id": (
        {"type": "image", "file_id": "file-1"},
        {
            **alike(OPENAI_FILE, CHAT, MISTRAL),
            RESPONSES: {"type": "input_image", "file_id": "file-1"},
            ANTHROPIC: loaded("image", type="file", file_id="file-1"),
            GEMINI: at("file-1", "image/jpeg"),
        },
    ),
    "audio by url": (
        {"type": "audio", "url": f"{AT}/a.mp3"},
        {GEMINI: at(f"{AT}/a.mp3", "audio/mpeg")},
    ),
    "audio in base64": (
        {"type": "audio", "base64": HELLO, "mime_type": WAV},
        {
            **alike({"type": "input_audio", "input_audio": {"data": HELLO, "format": "wav"}}, CHAT, MISTRAL),
            GEMINI: inline(WAV),
            BEDROCK: {"audio": {"format": "wav", "source": {"bytes": HELLO}}},
        },
    ),
    "audio by id": (
        {"type": "audio", "file_id": "file-1"},
        {
            **alike(OPENAI_FILE, CHAT, MISTRAL),
            RESPONSES: {"type": "input_file", "file_id": "file-1"},
            GEMINI: at("file-1", "audio/mpeg"),
        },
    ),
    "video by url": (
        {"type": "video", "url": f"{AT}/v.mp4", "mime_type": MP4},
        {GEMINI: at(f"{AT}/v.mp4", MP4)},
    ),
    "video in base64": (
        {"type": "video", "base64": HELLO, "mime_type": MP4},
        {GEMINI: inline(MP4), BEDROCK: {"video": {"format": "mp4", "source": {"bytes": HELLO}}}},
    ),
    "video by id": (
        {"type": "video", "file_id": "file-1"},
        {GEMINI: at("file-1", MP4)},
    ),
    "file by url": (
        {"type": "file", "url": f"{AT}/d.pdf"},
        {
            MISTRAL: {"type": "document_url", "document_url": f"{AT}/d.pdf"},
            RESPONSES: {"type": "input_file", "file_url": f"{AT}/d.pdf"},
            ANTHROPIC: loaded("document", type="url", url=f"{AT}/d.pdf"),
            GEMINI: at(f"{AT}/d.pdf", PDF),
        },
    ),
    "file in base64": (
        {"type": "file", "base64": HELLO, "mime_type": PDF, "filename": "d.pdf"},
        {
            CHAT: {"type": "file", "file": {"filename": "d.pdf", "file_data": PDF_URI}},
            MISTRAL: {"type": "document_url", "document_url": PDF_URI},
            RESPONSES: {"type": "input_file", "filename": "d.pdf", "file_data": PDF_URI},
            ANTHROPIC: {**loaded("document", type="base64", media_type=PDF, data=HELLO), "title": "d.pdf"},
            GEMINI: inline(PDF),
            BEDROCK: {"document": {"format": "pdf", "name": "d-pdf", "source": {"bytes": HELLO}}},
        },
    ),
    "file by id": (
        {"type": "file", "file_id": "file-1"},
        {
            **alike(OPENAI_FILE, CHAT, MISTRAL),
            RESPONSES: {"type": "input_file", "file_id": "file-1"},
            ANTHROPIC: loaded("document", type="file", file_id="file-1"),
            GEMINI: {"fileData": {"fileUri": "file-1"}},
        },
    ),
    "document of text": (
        {"type": "text-plain", "text": "A note.", "mime_type": "text/plain"},
        {
            **alike({"type": "text", "text": "A note."}, CHAT, MISTRAL),
            RESPONSES: {"type": "input_text", "text": "A note."},
            ANTHROPIC: loaded("document", type="text", media_type="text/plain", data="A note."),
            **alike({"text": "A note."}, GEMINI, BEDROCK),
            OLLAMA: {"content": "A note."},
        },
    ),
    "document of text by url": (
        {"type": "text-plain", "url": f"{AT}/n.txt", "mime_type": "text/plain"},
        {
            MISTRAL: {"type": "document_url", "document_url": f"{AT}/n.txt"},
            RESPONSES: {"type": "input_file", "file_url": f"{AT}/n.txt"},
            ANTHROPIC: loaded("document", type="url", url=f"{AT}/n.txt"),
            GEMINI: at(f"{AT}/n.txt", "text/plain"),
        },
    ),
    "document of text in base64": (
        {"type": "text-plain", "base64": HELLO, "mime_type": "text/plain"},
        {
            CHAT: {"type": "file", "file": {"filename": "file.txt", "file_data": TEXT_URI}},
            MISTRAL: {"type": "document_url", "document_url": TEXT_URI},
            RESPONSES: {"type": "input_file", "filename": "file.txt", "file_data": TEXT_URI},
            ANTHROPIC: loaded("document", type="text", media_type="text/plain", data="hello"),
            GEMINI: inline("text/plain"),
            OLLAMA: {"content": "hello"},
            BEDROCK: {"document": {"format": "txt", "name": "document", "source": {"bytes": HELLO}}},
        },
    ),
    "document of text by id": (
        {"type": "text-plain", "file_id": "file-1", "mime_type": "text/plain"},
        {
            **alike(OPENAI_FILE, CHAT, MISTRAL),
            RESPONSES: {"type": "input_file", "file_id": "file-1"},
            ANTHROPIC: loaded("document", type="file", file_id="file-1"),
            GEMINI: at("file-1", "text/plain"),
        },
    ),
}
"""What a user sends: a standard block, and what each wire makes of it; a wire that is not named refuses it."""

OWN_PARTS: dict[str, Block] = {
    CHAT: {"type": "image_url", "image_url": {"url": f"{AT}/i.png", "detail": "low"}},
    MISTRAL: {"type": "document_url", "document_url": f"{AT}/d.pdf", "document_name": "d.pdf"},
    RESPONSES: {"type": "input_image", "image_url": f"{AT}/i.png", "detail": "low"},
    ANTHROPIC: {"type": "search_result", "source": AT, "title": "T", "content": [{"type": "text", "text": "Hi"}]},
    BEDROCK: {"guardContent": {"text": {"text": "Hi"}}},
}
"""A part in each wire's own shape."""


def written(block: Block, wire: str) -> Any:
    """What a wire makes of a block of the user's."""
    body = WIRES[wire].body(HumanMessage([block]))
    [message] = body.get("messages") or body.get("input") or body["contents"]
    if wire == OLLAMA:
        return {key: value for key, value in message.items() if key != "role"}
    [part] = message.get("content") or message["parts"]
    return part


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", TABLE)
def test_what_a_user_sends(name: str, wire: str) -> None:
    """As the API documents it, and as its SDK's types have it; or refused, naming message and block."""
    block, expected = TABLE[name]
    if wire not in expected:
        named = f"Message 0 .human. has a block '{block['type']}' that cannot be sent: .{{30}}"
        with pytest.raises(InvalidInputError, match=named):
            written(block, wire)
        return
    assert written(block, wire) == expected[wire]
    if expected[wire].get("type") != "document_url":  # Mistral's own, which OpenAI's SDK does not know
        assert WIRES[wire].problems(WIRES[wire].body(HumanMessage([block]))) == ""


@pytest.mark.parametrize("wire", OWN_PARTS)
def test_parts_in_the_wire_s_own_shape(wire: str) -> None:
    """They pass as they are; wrapped as non-standard ones, too."""
    part = OWN_PARTS[wire]
    assert written(part, wire) == part
    assert written({"type": "non_standard", "value": part}, wire) == part


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != BEDROCK])
@pytest.mark.parametrize(
    "kind", ["tool_call", "invalid_tool_call", "server_tool_call", "server_tool_result", "reasoning"]
)
def test_what_only_answers_have(kind: str, wire: str) -> None:
    """Bedrock takes them from a user, too: its blocks are the same for both."""
    with pytest.raises(InvalidInputError, match=f"has a block '{kind}' that cannot be sent"):
        written({"type": kind, "id": "1", "name": "f", "args": {}, "tool_call_id": "1", "reasoning": "Hm."}, wire)


# ------------------------------------------------------------------------------------------------------------- answers


def chat(**message: Any) -> Block:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def response(*items: Block) -> Block:
    return {"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": list(items)}


def said(*parts: Block) -> Block:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(parts)}


def claude(*content: Block) -> Block:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    return {**head, "content": list(content), "usage": usage}


def gemini(*parts: Block, **more: Any) -> Block:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **more}
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}


def ollama(**message: Any) -> Block:
    return {"model": "m", "message": {"role": "assistant", **message}, "done": True, "done_reason": "stop"}


def converse(*content: Block) -> Block:
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    message = {"role": "assistant", "content": list(content)}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}


def function(call_id: str, arguments: str) -> Block:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}


CALLED: Block = {"name": "f", "arguments": {"a": 1}}
THOUGHT: Block = {"type": "reasoning", "reasoning": "Hm."}
SIGNED: Block = {**THOUGHT, "extras": {"signature": "s"}}
HI: Block = {"type": "text", "text": "Hi"}
CALL: Block = {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1"}
CITED: Block = {"type": "citation", "url": AT, "title": "A", "start_index": 0, "end_index": 2}
FOUND: Block = {"type": "web_search_result", "title": "A", "url": AT, "encrypted_content": "x"}
SEARCH: Block = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}}
GROUNDING: Block = {
    "groundingChunks": [{"web": {"uri": AT, "title": "A"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 2, "text": "Hi"}, "groundingChunkIndices": [0]}],
    "webSearchQueries": ["q"],
}


def ran(name: str, args: Block, call_id: str, **extras: Any) -> Block:
    """A call of a tool that the provider has run."""
    call = {"type": "server_tool_call", "name": name, "args": args, "id": call_id}
    return {**call, "extras": extras} if extras else call


def gave(call_id: str, output: Any = None, **extras: Any) -> Block:
    """What such a tool has given."""
    result: Block = {"type": "server_tool_result", "tool_call_id": call_id, "status": "success"}
    if output is not None:
        result["output"] = output
    return {**result, "extras": extras} if extras else result


ANSWERS: dict[str, tuple[str, Block, list[Block]]] = {
    "chat: reasoning, text, a call": (
        CHAT,
        chat(content="Hi", reasoning_content="Hm.", tool_calls=[function("1", '{"a":1}')]),
        [THOUGHT, HI, CALL],
    ),
    "chat: Mistral's parts": (
        MISTRAL,
        chat(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, HI]),
        [THOUGHT, HI],
    ),
    "responses: reasoning, cited text, a call": (
        RESPONSES,
        response(
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "x",
            },
            said({"type": "output_text", "text": "Hi", "annotations": [{**CITED, "type": "url_citation"}]}),
            {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "f", "arguments": '{"a":1}'},
        ),
        [
            {**THOUGHT, "id": "rs_1", "encrypted_content": "x"},
            {**HI, "id": "msg_1", "annotations": [CITED]},
            {**CALL, "extras": {"item_id": "fc_1"}},
        ],
    ),
    "responses: a search, an image, a refusal": (
        RESPONSES,
        response(
            {**SEARCH, "status": "completed"},
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": HELLO},
            said({"type": "refusal", "refusal": "No."}),
        ),
        [
            ran("web_search", {"type": "search", "query": "q"}, "ws_1"),
            gave("ws_1"),
            {"type": "image", "base64": HELLO, "id": "ig_1", "extras": {"status": "completed"}},
            {"type": "non_standard", "value": {"type": "refusal", "refusal": "No.", "id": "msg_1"}},
        ],
    ),
    "responses: MCP, code": (
        RESPONSES,
        response(
            {
                "type": "mcp_call",
                "id": "mcp_1",
                "server_label": "s",
                "name": "g",
                "arguments": "{}",
                "output": "found",
            },
            {
                "type": "code_interpreter_call",
                "id": "ci_1",
                "status": "completed",
                "code": "1+1",
                "outputs": [{"type": "logs", "logs": "2"}],
                "container_id": "c",
            },
        ),
        [
            ran("remote_mcp", {}, "mcp_1", tool_name="g", server_label="s"),
            gave("mcp_1", "found"),
            ran("code_interpreter", {"code": "1+1"}, "ci_1", container_id="c"),
            gave("ci_1", [{"type": "logs", "logs": "2"}]),
        ],
    ),
    "anthropic: thinking, cited text, a call": (
        ANTHROPIC,
        claude(
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {
                **HI,
                "citations": [
                    {
                        "type": "char_location",
                        "cited_text": "x",
                        "document_index": 0,
                        "document_title": "D",
                        "start_char_index": 0,
                        "end_char_index": 1,
                    }
                ],
            },
            {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
        ),
        [
            SIGNED,
            {
                **HI,
                "annotations": [
                    {
                        "type": "citation",
                        "cited_text": "x",
                        "title": "D",
                        "extras": {"document_index": 0, "start_char_index": 0, "end_char_index": 1},
                    }
                ],
            },
            CALL,
        ],
    ),
    "anthropic: redacted thinking, a search": (
        ANTHROPIC,
        claude(
            {"type": "redacted_thinking", "data": "x"},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [FOUND]},
        ),
        [
            {"type": "non_standard", "value": {"type": "redacted_thinking", "data": "x"}},
            ran("web_search", {"query": "q"}, "srvtoolu_1"),
            gave("srvtoolu_1", [FOUND], block_type="web_search_tool_result"),
        ],
    ),
    "gemini: a thought, signed text, a call": (
        GEMINI,
        gemini(
            {"text": "Hm.", "thought": True},
            {"text": "Hi", "thoughtSignature": "c2ln"},
            {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}},
        ),
        [THOUGHT, {**HI, "extras": {"signature": "c2ln"}}, CALL],
    ),
    "gemini: code, an image": (
        GEMINI,
        gemini(
            {"executableCode": {"id": "e", "language": "PYTHON", "code": "1+1"}},
            {"codeExecutionResult": {"id": "e", "outcome": "OUTCOME_OK", "output": "2"}},
            inline(PNG),
        ),
        [
            ran("code_interpreter", {"code": "1+1", "language": "PYTHON"}, "e"),
            gave("e", "2", block_type="code_execution_result", outcome=1),
            {"type": "image", "base64": HELLO, "mime_type": PNG},
        ],
    ),
    "gemini: grounded text": (
        GEMINI,
        gemini({"text": "Hi"}, groundingMetadata=GROUNDING),
        [
            {
                **HI,
                "annotations": [
                    {
                        **CITED,
                        "cited_text": "Hi",
                        "extras": {
                            "google_ai_metadata": {
                                "web_search_queries": ["q"],
                                "grounding_chunk_index": 0,
                                "confidence_scores": [],
                            }
                        },
                    }
                ],
            }
        ],
    ),
    "ollama: thinking, text, a call": (
        OLLAMA,
        ollama(
            content="Hi", thinking="Hm.", tool_calls=[{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]
        ),
        [THOUGHT, HI, CALL],
    ),
    "bedrock: reasoning, text, a call": (
        BEDROCK,
        converse(
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
            {"text": "Hi"},
            {"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}},
        ),
        [SIGNED, HI, CALL],
    ),
}
"""What a model answers: the wire, the body, and its standard blocks."""

READERS = {
    **CODECS,
    MISTRAL: CODECS[CHAT],
    BEDROCK: Codec(_bedrock_converse.decode_answer, _bedrock_converse.AnswerDecoder),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_model_answers(name: str) -> None:
    wire, body, expected = ANSWERS[name]
    result = READERS[wire].decode(json.dumps(body).encode(), Exchange(WIRES[wire].provider))
    assert result.generations[0].message.content_blocks == expected


def test_a_call_that_is_no_json() -> None:
    """Its text is kept, beside what is wrong with it."""
    body = chat(content=None, tool_calls=[function("1", "{")])
    [call] = CODECS[CHAT].decode(json.dumps(body).encode(), Exchange()).generations[0].message.content_blocks
    assert call["type"] == "invalid_tool_call"
    assert (call["id"], call["name"], call["args"]) == ("1", "f", "{")
    assert call["error"]
