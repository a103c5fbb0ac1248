"""Small answers of every wire, written by hand: where fuzzing begins, and whose keys it uses.

For each codec: whole answers, and streams as their events (name, payload). They need not be likely, only rich.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["STREAMS", "WHOLE"]

Event = tuple[str | None, Any]

_USAGE: Final = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0, "cache_write_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}
_CALL: Final = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}

_RESPONSE: Final[dict[str, Any]] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5",
    "error": None,
    "incomplete_details": {"reason": "max_output_tokens"},
    "output": [
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "content": [{"type": "reasoning_text", "text": "Hm!"}],
            "encrypted_content": "gAAA",
        },
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "phase": "final_answer",
            "content": [
                {
                    "type": "output_text",
                    "text": "Hi é",
                    "annotations": [
                        {"type": "url_citation", "url": "https://a.b", "title": "t", "start_index": 0, "end_index": 1},
                        {"type": "file_citation", "file_id": "f", "filename": "n", "index": 0},
                    ],
                    "logprobs": [{"token": "Hi", "logprob": -0.1, "bytes": [1], "top_logprobs": []}],
                },
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"id": "ct_1", "type": "custom_tool_call", "call_id": "call_2", "name": "sh", "input": "ls"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"id": "ci_1", "type": "code_interpreter_call", "code": "1", "outputs": [{"type": "logs", "logs": "1"}]},
        {"id": "ig_1", "type": "image_generation_call", "result": "AAAA", "output_format": "png"},
        {"id": "mc_1", "type": "mcp_call", "server_label": "s", "name": "f", "arguments": "{}", "output": "x"},
        {"id": "fs_1", "type": "file_search_call", "queries": ["q"], "results": [{"file_id": "f", "text": "x"}]},
    ],
    "usage": {
        "input_tokens": 5,
        "output_tokens": 7,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens_details": {"reasoning_tokens": 2},
    },
    "service_tier": "default",
    "metadata": {"a": "b"},
}

_ANTHROPIC_CONTENT: Final[list[Any]] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
    {"type": "redacted_thinking", "data": "AAAA"},
    {
        "type": "text",
        "text": "Hi é",
        "citations": [
            {
                "type": "char_location",
                "cited_text": "x",
                "document_index": 0,
                "document_title": "t",
                "start_char_index": 0,
                "end_char_index": 1,
            },
            {"type": "web_search_result_location", "cited_text": "x", "url": "u", "title": "t", "encrypted_index": "e"},
        ],
    },
    {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}, "caller": {"type": "direct"}},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e", "page_age": None}
        ],
    },
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "f", "server_name": "s", "input": {}},
    {
        "type": "mcp_tool_result",
        "tool_use_id": "mcptoolu_1",
        "is_error": False,
        "content": [{"type": "text", "text": "x"}],
    },
    {"type": "container_upload", "file_id": "file_1"},
]
_ANTHROPIC_USAGE: Final[dict[str, Any]] = {
    "input_tokens": 5,
    "output_tokens": 7,
    "cache_read_input_tokens": 1,
    "cache_creation_input_tokens": 2,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 1},
    "server_tool_use": {"web_search_requests": 1},
    "service_tier": "standard",
}

_GEMINI: Final[dict[str, Any]] = {
    "candidates": [
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Hm.", "thought": True, "thoughtSignature": "AAAA"},
                    {"text": "Hi é", "thoughtSignature": "AAAA"},
                    {"functionCall": {"name": "add", "args": {"a": 1}, "id": "fc_1"}, "thoughtSignature": "AAAA"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                    {"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}},
                    {"executableCode": {"language": "PYTHON", "code": "1", "id": "x"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1", "id": "x"}},
                ],
            },
            "finishReason": "STOP",
            "finishMessage": "m",
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW", "blocked": False}],
            "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "u", "license": ""}]},
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
                "groundingSupports": [
                    {"segment": {"startIndex": 0, "endIndex": 1, "text": "H"}, "groundingChunkIndices": [0]}
                ],
            },
            "logprobsResult": {"chosenCandidates": [{"token": "H", "tokenId": 1, "logProbability": -0.1}]},
            "avgLogprobs": -0.1,
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "m", "safetyRatings": []},
    "usageMetadata": {
        "promptTokenCount": 5,
        "candidatesTokenCount": 7,
        "totalTokenCount": 14,
        "thoughtsTokenCount": 2,
        "toolUsePromptTokenCount": 1,
        "cachedContentTokenCount": 1,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
    },
    "modelVersion": "gemini-3-pro",
    "responseId": "r-1",
}

_OLLAMA_END: Final[dict[str, Any]] = {
    "model": "qwen3",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 9,
    "prompt_eval_count": 5,
    "eval_count": 7,
}

_BEDROCK_CONTENT: Final[list[Any]] = [
    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
    {"reasoningContent": {"redactedContent": "AAAA"}},
    {"text": "Hi é"},
    {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}},
    {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}, "type": "server_tool_use"}},
    {
        "toolResult": {
            "toolUseId": "t2",
            "type": "r",
            "status": "success",
            "content": [{"text": "x"}, {"json": {"a": 1}}],
        }
    },
    {
        "citationsContent": {
            "content": [{"text": "x"}],
            "citations": [
                {
                    "title": "t",
                    "source": "s",
                    "sourceContent": [{"text": "x"}],
                    "location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 1}},
                }
            ],
        }
    },
    {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
    {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}},
]
_BEDROCK_USAGE: Final[dict[str, Any]] = {
    "inputTokens": 5,
    "outputTokens": 7,
    "totalTokens": 12,
    "cacheReadInputTokens": 1,
    "cacheWriteInputTokens": 2,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 2}],
}

WHOLE: Final[dict[str, list[Any]]] = {
    "openai-chat": [
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-5",
            "system_fingerprint": "fp",
            "service_tier": "default",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}], "refusal": None},
                    "message": {
                        "role": "assistant",
                        "content": "Hi é",
                        "refusal": "No.",
                        "reasoning_content": "Hm.",
                        "reasoning": "Hm.",
                        "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0}],
                        "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}],
                        "tool_calls": [_CALL],
                        "function_call": {"name": "add", "arguments": "{}"},
                        "audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hi", "expires_at": 1},
                        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
                    },
                }
            ],
            "usage": _USAGE,
            "citations": ["u"],
        },
        {"choices": [{"message": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}}]},
        {"error": {"message": "No.", "type": "invalid_request_error", "code": "invalid_api_key", "param": None}},
    ],
    "openai-responses": [_RESPONSE, {"error": {"message": "No.", "type": "server_error", "code": None}}],
    "anthropic-messages": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": _ANTHROPIC_CONTENT,
            "stop_reason": "tool_use",
            "stop_sequence": "x",
            "stop_details": {"type": "refusal", "category": "cyber"},
            "usage": _ANTHROPIC_USAGE,
            "container": {"id": "c", "expires_at": "t"},
            "context_management": {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 1}]},
        },
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"},
    ],
    "gemini": [
        _GEMINI,
        [_GEMINI],
        {"error": {"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED", "details": []}},
    ],
    "ollama": [
        {
            **_OLLAMA_END,
            "message": {
                "role": "assistant",
                "content": "Hi é",
                "thinking": "Hm.",
                "images": ["AAAA"],
                "tool_name": "x",
                "tool_calls": [{"id": "c1", "function": {"name": "add", "arguments": {"a": 1}, "index": 0}}],
            },
            "logprobs": [{"token": "Hi", "logprob": -0.1, "bytes": [1], "top_logprobs": []}],
        },
        {"error": "model not found"},
    ],
    "bedrock": [
        {
            "output": {"message": {"role": "assistant", "content": _BEDROCK_CONTENT}},
            "stopReason": "tool_use",
            "usage": _BEDROCK_USAGE,
            "metrics": {"latencyMs": 9},
            "trace": {"guardrail": {}},
            "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 1}}},
        },
        {"message": "No.", "__type": "ThrottlingException"},
    ],
}


def _chat(delta: dict[str, Any], **more: Any) -> Event:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}
    return None, {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-5", "choices": [choice]}


def _typed(*payloads: dict[str, Any]) -> list[Event]:
    return [(payload["type"], payload) for payload in payloads]


def _line(**message: Any) -> Event:
    return None, {"model": "qwen3", "message": {"role": "assistant", "content": "", **message}, "done": False}


STREAMS: Final[dict[str, list[list[Event]]]] = {
    "openai-chat": [
        [
            _chat({"role": "assistant", "content": "", "reasoning_content": "Hm.", "reasoning": "Hm."}),
            _chat(
                {"reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0, "n": 1}]}
            ),
            _chat({"content": "Hi é"}, logprobs={"content": [{"token": "Hi", "logprob": -0.1}]}),
            _chat(
                {"content": [{"type": "text", "text": "x"}, {"type": "thinking", "thinking": "Hm.", "closed": True}]}
            ),
            _chat({"tool_calls": [{**_CALL, "index": 0}], "function_call": {"name": "f", "arguments": "{"}}),
            _chat({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}], "refusal": "No."}),
            _chat({"audio": {"id": "a", "data": "AAAA", "transcript": "Hi", "expires_at": 1}, "images": [{}]}),
            _chat({"annotations": [{"type": "url_citation"}]}, finish_reason="stop"),
            (None, {"choices": [], "usage": _USAGE, "x_groq": {"usage": _USAGE}, "citations": ["u"]}),
        ],
        [_chat({"content": "Hi"}), (None, {"error": {"message": "No.", "code": 502}})],
        [(None, {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]})],
    ],
    "openai-responses": [
        _typed(
            {"type": "response.created", "sequence_number": 0, "response": {**_RESPONSE, "output": []}},
            *(
                {"type": f"response.output_item.{when}", "output_index": index, "item": item}
                for index, item in enumerate(_RESPONSE["output"])
                for when in ("added", "done")
            ),
            {
                "type": "response.content_part.added",
                "output_index": 1,
                "content_index": 0,
                "item_id": "msg_1",
                "part": {},
            },
            {
                "type": "response.output_text.delta",
                "output_index": 1,
                "content_index": 0,
                "item_id": "msg_1",
                "delta": "Hi",
            },
            {
                "type": "response.output_text.annotation.added",
                "output_index": 1,
                "content_index": 0,
                "annotation_index": 0,
                "annotation": {"type": "url_citation", "url": "u"},
            },
            {"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Hi"},
            {"type": "response.refusal.delta", "output_index": 1, "content_index": 1, "delta": "No."},
            {
                "type": "response.reasoning_summary_part.added",
                "output_index": 0,
                "summary_index": 0,
                "part": {"text": ""},
            },
            {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm."},
            {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm."},
            {"type": "response.function_call_arguments.delta", "output_index": 2, "item_id": "fc_1", "delta": "{}"},
            {"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{}"},
            {"type": "response.custom_tool_call_input.delta", "output_index": 3, "delta": "ls"},
            {"type": "response.image_generation_call.partial_image", "output_index": 6, "partial_image_b64": "AAAA"},
            {"type": "response.code_interpreter_call_code.delta", "output_index": 5, "delta": "1"},
            {"type": "response.completed", "response": _RESPONSE},
        ),
        _typed({"type": "response.failed", "response": {"status": "failed", "error": {"code": "x", "message": "No."}}}),
        _typed({"type": "error", "code": "x", "message": "No.", "param": None}),
    ],
    "anthropic-messages": [
        _typed(
            {
                "type": "message_start",
                "message": {
                    "id": "msg_1",
                    "role": "assistant",
                    "model": "claude",
                    "content": [],
                    "usage": _ANTHROPIC_USAGE,
                },
            },
            *(
                event
                for index, block in enumerate(_ANTHROPIC_CONTENT)
                for event in (
                    {"type": "content_block_start", "index": index, "content_block": block},
                    {"type": "content_block_stop", "index": index},
                )
            ),
            *(
                {"type": "content_block_delta", "index": index, "delta": delta}
                for index, delta in (
                    (0, {"type": "thinking_delta", "thinking": "Hm."}),
                    (0, {"type": "signature_delta", "signature": "sig"}),
                    (2, {"type": "text_delta", "text": "Hi"}),
                    (2, {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}}),
                    (3, {"type": "input_json_delta", "partial_json": '{"a": 1}'}),
                    (4, {"type": "input_json_delta", "partial_json": "{}"}),
                )
            ),
            {"type": "ping"},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None, "container": {"id": "c"}},
                "usage": _ANTHROPIC_USAGE,
                "context_management": {"applied_edits": []},
            },
            {"type": "message_stop"},
        ),
        _typed({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ],
    "gemini": [
        [
            *(
                (None, {**_GEMINI, "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]})
                for part in _GEMINI["candidates"][0]["content"]["parts"]
            ),
            (None, _GEMINI),
        ],
        [(None, {"promptFeedback": {"blockReason": "SAFETY"}})],
        [(None, {"error": {"code": 503, "message": "No.", "status": "UNAVAILABLE"}})],
    ],
    "ollama": [
        [
            _line(thinking="Hm."),
            _line(content="Hi é"),
            _line(images=["AAAA"]),
            _line(tool_calls=[{"id": "c1", "function": {"name": "add", "arguments": {"a": 1}, "index": 0}}]),
            (None, _OLLAMA_END),
        ],
        [_line(content="Hi"), (None, {"error": "No."})],
    ],
    "bedrock": [
        [
            ("messageStart", {"role": "assistant"}),
            *(
                ("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "abc"})
                for index, delta in (
                    (0, {"text": "Hi é"}),
                    (
                        0,
                        {
                            "citation": {
                                "title": "t",
                                "sourceContent": [{"text": "x"}],
                                "location": {"web": {"url": "u"}},
                            }
                        },
                    ),
                    (1, {"reasoningContent": {"text": "Hm."}}),
                    (1, {"reasoningContent": {"signature": "sig"}}),
                    (2, {"reasoningContent": {"redactedContent": "AAA="}}),
                )
            ),
            ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t1", "name": "add"}}}),
            ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolUse": {"input": '{"a": 1}'}}}),
            (
                "contentBlockStart",
                {
                    "contentBlockIndex": 4,
                    "start": {"toolResult": {"toolUseId": "t2", "type": "r", "status": "success"}},
                },
            ),
            ("contentBlockDelta", {"contentBlockIndex": 4, "delta": {"toolResult": [{"text": "x"}, {"json": [1]}]}}),
            ("contentBlockStart", {"contentBlockIndex": 5, "start": {"image": {"format": "png"}}}),
            ("contentBlockDelta", {"contentBlockIndex": 5, "delta": {"image": {"source": {"bytes": "AAAA"}}}}),
            ("contentBlockStop", {"contentBlockIndex": 5}),
            ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": {"usage": {}}}),
            ("metadata", {"usage": _BEDROCK_USAGE, "metrics": {"latencyMs": 9}, "trace": {"guardrail": {}}}),
        ],
        [("throttlingException", {"message": "Slow down"})],
    ],
}
