"""Requests of every shape, sensible and not, for the readers of all dialects."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    [
        "role",
        "content",
        "parts",
        "text",
        "type",
        "tool_calls",
        "tool_call_id",
        "function",
        "name",
        "arguments",
        "id",
        "parameters",
        "input",
        "call_id",
        "output",
        "summary",
        "encrypted_content",
        "image_url",
        "file_data",
        "source",
        "data",
        "media_type",
        "tool_use_id",
        "signature",
        "thinking",
        "functionCall",
        "function_call",
        "functionResponse",
        "response",
        "args",
        "inlineData",
        "mimeType",
        "thoughtSignature",
        "images",
        "input_schema",
        "budget_tokens",
        "format",
        "schema",
        "strict",
        "json_schema",
        "mode",
        "allowedFunctionNames",
        "functionDeclarations",
        "properties",
        "items",
        "anyOf",
        "minItems",
        "generateContentRequest",
        "contents",
    ]
)
WORDS = st.sampled_from(
    [
        "user",
        "model",
        "assistant",
        "system",
        "tool",
        "message",
        "function",
        "function_call",
        "function_call_output",
        "reasoning",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "text",
        "image",
        "document",
        "base64",
        "url",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "enabled",
        "adaptive",
        "any",
        "auto",
        "required",
        "json_schema",
        "json_object",
        "object",
        "string",
        "aGk=",
        "x",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.just(1.5) | st.just("") | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


def bodies(usual: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with these members, each as it usually is or anything else; the optional ones may be left out."""

    def one(value: Any) -> st.SearchStrategy[Any]:
        return st.just(value) | JSON | (st.lists(JSON, max_size=3) if isinstance(value, list) else st.nothing())

    return st.fixed_dictionaries(
        {name: one(value) for name, value in usual.items()},
        optional={name: one(value) for name, value in optional.items()},
    )
