"""Settings, tools and formats as Gemini's request has them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import HumanMessage
from chatcore.providers._gemini_request import encode_request


def body(*, extra_body: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    encoded = encode_request([HumanMessage("Hi")], {"model": "gemini-2.5-flash", **settings}, extra_body=extra_body)
    assert encoded.pop("contents") == [{"role": "user", "parts": [{"text": "Hi"}]}]
    return encoded


class Threshold(Enum):
    NONE = "BLOCK_NONE"


@pytest.mark.parametrize(
    ("settings", "generation"),
    [
        (
            {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "seed": 1},
            {"temperature": 0.5, "topP": 0.9, "topK": 3, "seed": 1},
        ),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_output_tokens": 5, "n": 2}, {"maxOutputTokens": 5, "candidateCount": 2}),
        ({"stop": "x"}, {"stopSequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stopSequences": ["x", "y"]}),
        ({"response_modalities": ["image", "TEXT"]}, {"responseModalities": ["IMAGE", "TEXT"]}),
        ({"media_resolution": "low"}, {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        (
            {"speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}}}},
            {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}},
        ),
        (
            {"thinking_budget": 0, "include_thoughts": True},
            {"thinkingConfig": {"thinkingBudget": 0, "includeThoughts": True}},
        ),
        ({"thinking_level": "low", "thinking_budget": 5}, {"thinkingConfig": {"thinkingLevel": "low"}}),
        ({"thinking_config": {"thinking_budget": 5}}, {"thinkingConfig": {"thinkingBudget": 5}}),
        ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingBudget": 1024}}),
        ({"reasoning_effort": {"effort": "none"}}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ({"model": "gemini-3-pro", "reasoning_effort": "high"}, {"thinkingConfig": {"thinkingLevel": "high"}}),
        ({"logprobs": True, "top_logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"logprobs": 3, "response_logprobs": True}, {"responseLogprobs": True, "logprobs": 3}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": {"type": "text"}, "seed": 1}, {"seed": 1}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "A", "schema": {"type": "object"}}}},
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
        ),
        (
            {"response_schema": {"type": "array", "items": {"type": "string"}}},
            {"responseMimeType": "application/json", "responseSchema": {"type": "array", "items": {"type": "string"}}},
        ),
        (
            {"response_schema": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
            {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"type": "array", "items": {"$ref": "#/$defs/A"}},
            },
        ),
        ({"generation_config": {"top_k": 1, "stop": "x"}, "top_k": 2}, {"topK": 1, "stopSequences": ["x"]}),
        (
            {"model": "gemini-2.5-flash-preview-tts"},
            {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            },
        ),
    ],
)
def test_settings_of_the_generation(settings: dict[str, Any], generation: dict[str, Any]) -> None:
    assert body(**settings) == {"generationConfig": generation}


@pytest.mark.parametrize(
    ("settings", "wire"),
    [
        ({}, {}),
        ({"temperature": None, "parallel_tool_calls": True, "strict": True, "stop": []}, {}),
        (
            {"safety_settings": {"HARM_CATEGORY_HARASSMENT": Threshold.NONE}},
            {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        ),
        ({"safetySettings": [{"category": 7, "threshold": 4}]}, {"safetySettings": [{"category": 7, "threshold": 4}]}),
        (
            {"cached_content": "cachedContents/1", "labels": {"a_b": "c"}},
            {"cachedContent": "cachedContents/1", "labels": {"a_b": "c"}},
        ),
        ({"new_thing": 1}, {"new_thing": 1}),
        ({"extra_body": {"a": 1}}, {"a": 1}),
    ],
)
def test_settings_beside_it(settings: dict[str, Any], wire: dict[str, Any]) -> None:
    assert body(**settings) == wire


@pytest.mark.parametrize(
    "settings",
    [
        {"tools": {}},
        {"tools": [7]},
        {"tools": [{"type": "web_search_preview"}]},
        {"tools": [{"description": "no name"}]},
        {"tool_choice": "g", "tools": [{"name": "f"}]},
        {"response_format": dict},
        {"response_format": {"type": "odd"}},
        {"response_schema": dict},
        {"safety_settings": 7},
        {"generation_config": 7},
    ],
)
def test_settings_that_cannot_be_sent_are_named(settings: dict[str, Any]) -> None:
    name = next(iter(settings))
    with pytest.raises(InvalidInputError, match=name):
        body(**settings)


# --------------------------------------------------------------------------------------------------------------- tools

PLACE = {"type": "object", "properties": {"place": {"type": "string", "enum": ["a", "b"]}}, "required": ["place"]}


def function(parameters: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": "f", "description": "does", "parameters": parameters, "strict": True},
    }


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        (None, {}),
        ({}, {}),
        ({"type": "object", "properties": {}}, {}),
        ({"type": "object", "properties": {}, "additionalProperties": False, "$schema": "x"}, {}),
        (PLACE, {"parameters": PLACE}),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, None),
    ],
)
def test_parameters_in_the_subset_are_told_as_they_are(parameters: Any, written: Any) -> None:
    wanted = {"parameters": parameters} if written is None else written
    declaration = {"name": "f", "description": "does", **wanted}
    assert body(tools=[function(parameters)]) == {"tools": [{"functionDeclarations": [declaration]}]}


@pytest.mark.parametrize(
    "inner",
    [
        {"$ref": "#/$defs/A"},
        {"type": ["string", "null"]},
        {"type": "string", "format": "uuid"},
        {"type": "integer", "enum": [1]},
        {"type": "string", "enum": [""]},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"const": 1}},
        {"anyOf": [{"type": "string"}, {"type": "null", "const": None}]},
        True,
    ],
)
def test_parameters_beyond_the_subset_are_told_as_a_json_schema(inner: Any) -> None:
    schema = {"type": "object", "properties": {"a": inner}}
    (declaration,) = body(tools=[function(schema)])["tools"][0]["functionDeclarations"]
    assert declaration == {"name": "f", "description": "does", "parametersJsonSchema": schema}


def test_functions_are_one_list_and_geminis_own_tools_as_they_are() -> None:
    tools: list[Any] = [
        {"google_search": {}},
        function(PLACE),
        {"codeExecution": {}},
        {"name": "g", "description": "does"},
        {"type": "url_context"},
        "google_maps",
        {"type": "file_search", "fileSearchStoreNames": ["s"]},
        {"functionDeclarations": [{"name": "h"}]},
    ]
    declarations = [
        {"name": "f", "description": "does", "parameters": PLACE},
        {"name": "g", "description": "does"},
    ]
    assert body(tools=tools, tool_choice="h") == {
        "tools": [
            {"google_search": {}},
            {"functionDeclarations": declarations},
            {"codeExecution": {}},
            {"url_context": {}},
            {"google_maps": {}},
            {"file_search": {"fileSearchStoreNames": ["s"]}},
            {"functionDeclarations": [{"name": "h"}]},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["h"]}},
    }


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("any", {"mode": "ANY"}),
        ("required", {"mode": "ANY"}),
        (True, {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (["f"], {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "tool", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "any"}, {"mode": "ANY"}),
        ({"mode": "VALIDATED"}, {"mode": "VALIDATED"}),
        (
            {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_a_choice_of_tools(choice: Any, calling: Any) -> None:
    config = {"retrieval_config": {"lat_lng": {"latitude": 1}}}
    encoded = body(tools=[function(None)], tool_choice=choice, tool_config=config)
    assert encoded["toolConfig"] == {
        "functionCallingConfig": calling,
        "retrievalConfig": {"latLng": {"latitude": 1}},
    }


@pytest.mark.parametrize("choice", [None, False, "any"])
def test_where_no_function_can_be_chosen_none_is(choice: Any) -> None:
    assert "toolConfig" not in body(tools=[{"google_search": {}}], tool_choice=choice)
