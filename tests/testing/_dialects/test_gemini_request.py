from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from chatcore.testing._answers import answer_for
from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialects.gemini_request import read
from chatcore.testing._problem import RefusedError
from chatcore.testing._schema import UnknownShapeError
from chatcore.testing._text import seal
from tests.testing._dialects.bodies import bodies

USER = {"role": "user", "parts": [{"text": "Hi"}]}
CALL = {"functionCall": {"name": "add", "args": {"x": 1}}}
RESULT = {"functionResponse": {"name": "add", "response": {"result": "3"}}}
CALLED = {"role": "model", "parts": [CALL]}
ANSWERED = {"role": "user", "parts": [RESULT]}
TOOLS = [{"functionDeclarations": [{"name": "add", "parameters": {"type": "OBJECT"}}, {"name": "sub"}]}]


def asked(*, counting: bool = False, **body: Any) -> Asked:
    return read({"contents": [USER], **body}, "m", stream=False, counting=counting)


def choosing(**config: Any) -> dict[str, Any]:
    return {"tools": TOOLS, "toolConfig": {"functionCallingConfig": config}}


def test_what_is_asked_for() -> None:
    config = {
        "stop_sequences": ["x"],
        "maxOutputTokens": 9,
        "candidateCount": 2,
        "seed": 5,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
        "thinkingConfig": {"includeThoughts": True},
    }
    found = asked(system_instruction={"parts": [{"text": "Be brief."}]}, generationConfig=config, tools=TOOLS)
    assert found == Asked(
        model="m",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        tools=[Tool("add", {"type": "object"}), Tool("sub", {"type": "object"})],
        schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        schema_name="generation_config.response_schema",
        stop=["x"],
        max_tokens=9,
        choices=2,
        seed=5,
        reasoning=True,
    )
    assert asked(generationConfig={"responseMimeType": "application/json"}).json
    assert asked(**choosing(mode="ANY")).demanded is True
    one = asked(**choosing(mode="ANY", allowedFunctionNames=["sub"]))
    assert ([tool.name for tool in one.tools], one.demanded) == (["sub"], True)
    assert asked(**choosing(mode="AUTO")).demanded is False


def test_a_history_in_neutral_words() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    thought = {"text": "Hm.", "thought": True}
    signed = {**CALL, "thoughtSignature": seal("Hm.")}
    found = asked(
        contents=[
            {"role": "user", "parts": [{"text": "x"}, picture]},
            {"role": "model", "parts": [thought, signed]},
            ANSWERED,
        ]
    )
    call = {"id": None, "type": "function", "function": {"name": "add", "arguments": '{"x":1}'}}
    assert found.messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": None, "name": "add", "content": "3"},
    ]


def parts(*given: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [*given]}]}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"contents": None}, "GenerateContentRequest.contents: contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": "Hi"}, "Invalid value at 'contents' (Content)"),
        ({"contents": [5]}, "Invalid value at 'contents[0]'"),
        ({"contents": [{**USER, "role": "assistant"}]}, "Please use a valid role: user, model."),
        ({"contents": [{"role": "user"}]}, "contents[0].parts: contents.parts must not be empty"),
        ({"contents": [{**USER, "name": "x"}]}, "Unknown name \"name\" at 'contents[0]'"),
        ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
        ({"generationConfig": {"max_tokens": 5}}, "Unknown name \"maxTokens\" at 'generation_config'"),
        ({"generationConfig": 5}, "Invalid value at 'generation_config'"),
        ({"generationConfig": {"temperature": 3}}, "temperature must be in the range"),
        ({"generationConfig": {"temperature": "x"}}, "(TYPE_FLOAT)"),
        ({"generationConfig": {"candidateCount": 1.5}}, "(TYPE_INT32)"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "must be positive"),
        ({"generationConfig": {"maxOutputTokens": "x"}}, "max_output_tokens' (TYPE_INT32)"),
        ({"generationConfig": {"stopSequences": "x"}}, "stop_sequences"),
        ({"generationConfig": {"stopSequences": ["x"] * 6}}, "at most 5"),
        ({"generationConfig": {"responseSchema": {}}}, "only allowed for response_mime_type application/json"),
        ({"generationConfig": {"responseSchema": 5}}, "(Schema)"),
        (parts({}), "required oneof field 'data' must have one initialized field"),
        (parts({"text": "x", "inlineData": {}}), "oneof field 'data' is already set"),
        (parts({"type": "text", "text": "x"}), "Unknown name \"type\" at 'contents[0].parts[0]'"),
        (parts({"text": 5}), "(TYPE_STRING)"),
        (parts({"inlineData": {"mimeType": "image/png", "data": "!"}}), "Base64 decoding failed"),
        (parts({"inlineData": {"data": "aGk="}}), "mime_type is not specified"),
        (parts({"fileData": {}}), "file_uri must not be empty"),
        (parts({"text": "x", "thoughtSignature": "!"}), "Base64 decoding failed"),
        (parts({"text": "x", "thoughtSignature": "aGk="}), "Thought signature is not valid"),
        (parts({"functionCall": {"args": {}}}), "Name cannot be empty"),
        (parts({"functionCall": {"name": "a", "args": "{}"}}), "google.protobuf.Struct"),
        (parts({"functionResponse": {"name": "a", "response": "3"}}), "google.protobuf.Struct"),
        ({"contents": [CALLED]}, "function call turn comes immediately after a user turn"),
        ({"contents": [USER, CALLED]}, "number of function response parts is equal"),
        ({"contents": [USER, CALLED, USER]}, "number of function response parts is equal"),
        ({"contents": [USER, CALLED, {**ANSWERED, "parts": [RESULT, RESULT]}]}, "is equal to the number"),
        ({"contents": [USER, ANSWERED]}, "function response turn comes immediately after"),
        ({"tools": 5}, "Invalid value at 'tools'"),
        ({"tools": [5]}, "Invalid value at 'tools[0]'"),
        ({"tools": [{"functionDeclarations": 5}]}, "function_declarations"),
        ({"tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "Invalid function name"),
        ({"tools": [{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]}, "Duplicate function declaration"),
        ({"tools": [{"functionDeclarations": [{"name": "a", "strict": True}]}]}, 'Unknown name "strict"'),
        ({"tools": [{"functionDeclarations": [{"name": "a", "parameters": {"type": "STRING"}}]}]}, "OBJECT"),
        (choosing(mode="SOME"), "Invalid value at 'tool_config.function_calling_config.mode'"),
        (choosing(allowedFunctionNames=["add"]), "only allowed when mode is ANY"),
        (choosing(mode="ANY", allowedFunctionNames=["mul"]), "'mul' is not in function_declarations"),
    ],
    ids=str,
)
def test_what_google_refuses_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        asked(**more)
    assert says in str(refused.value)


def test_the_documented_words_stand_for_a_signature() -> None:
    assert asked(**parts({"text": "x", "thoughtSignature": "skip_thought_signature_validator"})).messages


def test_what_is_counted_may_be_a_whole_request() -> None:
    inner = {"contents": [USER], "systemInstruction": {"parts": [{"text": "x"}]}}
    assert len(asked(counting=True, contents=None, generateContentRequest=inner).messages) == 2
    assert len(asked(counting=True).messages) == 1


@given(
    bodies(
        {"contents": [USER]},
        tools=TOOLS,
        toolConfig={"functionCallingConfig": {"mode": "ANY"}},
        systemInstruction={"parts": [{"text": "x"}]},
        generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
        generateContentRequest={"contents": [USER]},
    )
)
def test_whatever_is_sent_is_refused_or_answered(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    for counting in (False, True):
        with suppress(RefusedError, UnknownShapeError):
            answer_for(read(body, "m", stream=False, counting=counting), bytes(16), 1, None, None)
    assert body == before
