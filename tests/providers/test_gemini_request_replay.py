"""Recorded requests to Gemini, read as messages and written again, are the requests that were sent.

Up to what clients write differently and Google does not tell apart; `normal` is the list of it.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest

from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._gemini import AnswerDecoder, decode_answer
from chatcore.providers._gemini_contents import encode_messages
from chatcore.providers._gemini_request import camel_case, encode_request
from chatcore.providers._wire import Exchange
from chatcore.providers._wire_request import to_json
from tests.providers.traffic import rows

NAMED_BY_USERS = {
    "args",
    "response",
    "properties",
    "labels",
    "parametersJsonSchema",
    "responseJsonSchema",
    "parameters",
}


def camel(value: Any) -> Any:
    """A value with its keys as most write them; Google takes both forms. What users name stays as it is."""
    if is_list(value):
        return [camel(item) for item in value]
    if not is_dict(value):
        return value
    keys = {key: camel_case(key) for key in value}
    return {keys[key]: item if keys[key] in NAMED_BY_USERS else camel(item) for key, item in value.items()}


def listed(parts: Any) -> list[dict[str, Any]]:
    return [{"text": parts}] if isinstance(parts, str) else [parts] if isinstance(parts, dict) else parts


# ------------------------------------------------------------------------------------------------- a recorded request


def messages_of(body: dict[str, Any], model: str) -> list[BaseMessage]:
    """A recorded conversation, as our own reader of answers and a user of chatcore would have made it."""
    messages: list[BaseMessage] = []
    if body.get("systemInstruction"):
        messages.append(SystemMessage([block_of(part) for part in listed(body["systemInstruction"]["parts"])]))
    pending: list[tuple[str, str]] = []
    for content in body["contents"]:
        parts = listed(content["parts"])
        if content["role"] == "model":
            answer = answer_of(parts, model)
            pending = [(call["name"], call["id"] or "") for call in answer.tool_calls]
            messages.append(answer)
        else:
            messages.extend(said_by_user(parts, pending))
    return messages


def answer_of(parts: list[dict[str, Any]], model: str) -> AIMessage:
    kept = [{key: value for key, value in part.items() if (key, value) != ("thought", False)} for part in parts]
    payload = {"candidates": [{"content": {"parts": kept}, "finishReason": "STOP"}], "modelVersion": model}
    message = decode_answer(json.dumps(payload).encode(), Exchange("google_genai")).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def said_by_user(parts: list[dict[str, Any]], pending: list[tuple[str, str]]) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    blocks: list[str | dict[str, Any]] = []
    for part in parts:
        if "functionResponse" not in part:
            blocks.append(block_of(part))
            continue
        given = part["functionResponse"]
        matching = [call_id for name, call_id in pending if name == given["name"]]
        call_id = given.get("id") or (matching or [""])[0]
        pending[:] = [each for each in pending if each[1] != call_id]
        content: Any = json.dumps(given["response"])
        if "parts" in given:
            texts = [{"type": "text", "text": content}] if given["response"] else []
            content = texts + [block_of(inner) for inner in given["parts"]]
        messages.append(ToolMessage(content, tool_call_id=call_id, name=given["name"]))
    if blocks and messages:
        # Beside the results of calls: what the last of them shows.
        last = cast("ToolMessage", messages.pop())
        content = [{"type": "text", "text": last.content}, *blocks]
        messages.append(ToolMessage(content, tool_call_id=last.tool_call_id, name=last.name))
    elif blocks:
        messages.append(HumanMessage(blocks))
    return messages


def block_of(part: dict[str, Any]) -> dict[str, Any]:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    if "inlineData" in part:
        data = part["inlineData"]
        return {"type": kind_of(data["mimeType"]), "base64": data["data"], "mime_type": data["mimeType"]}
    data = part["fileData"]
    return {"type": kind_of(data["mimeType"]), "url": data["fileUri"], "mime_type": data["mimeType"]}


def kind_of(mime_type: str) -> str:
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "file"


def settings_of(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The recorded parameters by their neutral names, as far as they have some."""
    neutral = {"maxOutputTokens": "max_tokens", "topP": "top_p", "stopSequences": "stop", "candidateCount": "n"}
    settings: dict[str, Any] = {"model": model}
    generation: dict[str, Any] = body.get("generationConfig") or {}
    for name, value in generation.items():
        if name == "thinkingConfig":
            names = {"thinkingBudget": "thinking_budget", "includeThoughts": "include_thoughts"}
            settings.update({names.get(key, "thinking_level"): item for key, item in value.items()})
        else:
            settings[neutral.get(name, name)] = value
    settings["tools"] = [tool for given in body.get("tools") or () for tool in tools_of(given)]
    config = dict(body.get("toolConfig") or {})
    calling = config.get("functionCallingConfig", {})
    names = calling.get("allowedFunctionNames")
    settings["tool_choice"] = (
        (names if len(names) > 1 else names[0]) if names else calling.get("mode", "").lower() or None
    )
    config.pop("functionCallingConfig", None)
    settings["tool_config"] = config or None
    rest = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "model"}
    return settings | {key: value for key, value in body.items() if key not in rest}


def tools_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    tools = [
        {
            "type": "function",
            "function": {
                "name": each["name"],
                "description": each.get("description"),
                "parameters": each.get("parameters") or each.get("parametersJsonSchema"),
            },
        }
        for each in given.get("functionDeclarations", ())
    ]
    return [*tools, *({key: value} for key, value in given.items() if key != "functionDeclarations")]


# ----------------------------------------------------------------------------------------------- what does not count


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """A request, without what does not count.

    - a missing value, an empty list or dict; the model, which the path names
    - keys in snake case (`camel`)
    - neighbouring contents of one role, which are one conversation however they are cut; the role of an instruction
    - `thought` of what is none
    - how the model's text is cut into parts, where none has a signature; an empty part of it
    - how tools are grouped, whether a function's parameters are told as a JSON schema, and parameters of none
    - the case of a mode, which is an enum; AUTO where there are no functions to call
    """
    wire = camel({key: value for key, value in body.items() if value not in (None, [], {})})
    wire.pop("model", None)
    contents: list[Any] = []
    for content in wire["contents"]:
        parts = [normal_part(part) for part in listed(content["parts"])]
        parts = joined(parts) if content["role"] == "model" else parts
        if contents and contents[-1][0] == content["role"]:
            contents[-1][1].extend(parts)
        else:
            contents.append((content["role"], parts))
    wire["contents"] = contents
    if "systemInstruction" in wire:
        wire["systemInstruction"] = [normal_part(part) for part in listed(wire["systemInstruction"]["parts"])]
    if "generationConfig" in wire:
        wire["generationConfig"] = {k: v for k, v in wire["generationConfig"].items() if v not in (None, [], {})}
    tools = [(key, value) for tool in wire.pop("tools", ()) for key, value in tool.items()]
    wire["functions"] = [
        normal_function(each) for key, value in tools if key == "functionDeclarations" for each in value
    ]
    wire["tools"] = sorted(key for key, _ in tools if key != "functionDeclarations")
    config = wire.get("toolConfig", {}).get("functionCallingConfig")
    if config:
        config["mode"] = config["mode"].upper()
        if config == {"mode": "AUTO"} and not wire["functions"]:
            del wire["toolConfig"]["functionCallingConfig"]
    return {key: value for key, value in wire.items() if value not in ([], {})}


def normal_part(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if (key, value) != ("thought", False)}


def joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for part in parts:
        if told and part.keys() <= {"text", "thought"} and part.keys() == told[-1].keys():
            told[-1] = {**part, "text": told[-1]["text"] + part["text"]}
        elif part != {"text": ""}:
            told.append(part)
    return told


def normal_function(function: dict[str, Any]) -> dict[str, Any]:
    schema: Any = function.get("parameters") or function.get("parametersJsonSchema") or {}
    return {
        "name": function["name"],
        "description": function.get("description") or None,
        "schema": schema if schema.get("properties") else None,
    }


def recorded() -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    """Rows with a request: also those whose data were cut out, since data are only passed on."""
    found: list[tuple[dict[str, Any], dict[str, Any], str]] = []
    for row in rows("gemini"):
        model = re.search(r"models/([^:?/]+)", row["path"])
        if isinstance(row["request_json"], dict) and model is not None:
            found.append((row, camel(row["request_json"]), model[1]))
    return found


def test_recorded_requests_are_written_as_they_were_sent() -> None:
    different: dict[str, Any] = {}
    read = 0
    for row, sent, model in recorded():
        read += 1
        ours = encode_request(messages_of(sent, model), settings_of(sent, model))
        if normal(json.loads(to_json(ours))) != normal(sent):
            different[row["id"]] = (normal(json.loads(to_json(ours))), normal(sent))
    assert different == {}
    assert read >= 540


def test_answers_go_back_as_they_came() -> None:
    """What was answered, sent back as history, is what was answered: every part, in its place, with its signature."""
    answers = 0
    for row in rows("gemini"):
        if row["status"] != 200 or row["stream_body"]:
            continue
        for candidate in json.loads(row["body_text"])["candidates"] if "candidates" in row["body_text"] else ():
            parts = candidate.get("content", {}).get("parts", [])
            answer = answer_of(parts, row["expected"]["model"] if row["expected"] else "")
            again = encode_messages([answer, HumanMessage("Go on.")])["contents"]
            expected = joined([as_sent(part) for part in parts])
            assert [content["parts"] for content in again[:-1]] == ([expected] if expected else []), row["id"]
            standard = answer.model_copy(update={"content": answer.content_blocks})
            standard.response_metadata = {**answer.response_metadata, "output_version": "v1"}
            again = encode_messages([standard, HumanMessage("Go on.")])["contents"]
            assert [content["parts"] for content in again[:-1]] == ([expected] if expected else []), row["id"]
            answers += 1
    assert answers >= 400


def test_streamed_answers_go_back_as_they_came() -> None:
    answers = 0
    for row in rows("gemini"):
        if row["status"] != 200 or not row["stream_body"] or "partialArgs" in row["body_text"]:
            continue
        text = row["body_text"].replace("\r\n", "\n").strip()
        bodies = json.loads(text) if text.startswith("[") else [json.loads(each[5:]) for each in text.split("\n\n")]
        parts = [
            as_sent(part)
            for body in bodies
            for candidate in body.get("candidates", ())
            for part in candidate.get("content", {}).get("parts", ())
        ]
        decoder = AnswerDecoder(Exchange("google_genai"))
        merged = Accumulator()
        for chunk in (*decoder.feed(row["body_text"].encode()), *decoder.finish()):
            merged.add(cast("AIMessageChunk", chunk.message))
        again = encode_messages([merged.message(), HumanMessage("Go on.")])["contents"]
        assert [content["parts"] for content in again[:-1]] == [joined(parts)], row["id"]
        answers += 1
    assert answers >= 140


def as_sent(part: dict[str, Any]) -> dict[str, Any]:
    """A part of an answer as a request has it: a call without arguments has an empty object of them."""
    if "functionCall" in part:
        return {**part, "functionCall": {"args": {}, **part["functionCall"]}}
    return part


def test_requests_are_what_the_official_sdk_knows() -> None:
    """Written for recorded conversations, they validate as the SDK's own types, which refuse unknown keys."""
    types = pytest.importorskip("google.genai.types", reason="the official SDK is not installed")
    for _, sent, model in recorded():
        body = json.loads(to_json(encode_request(messages_of(sent, model), settings_of(sent, model))))
        for content in body["contents"]:
            types.Content.model_validate(without_data(content))
        for tool in body.get("tools", ()):
            types.Tool.model_validate(tool)
        types.ToolConfig.model_validate(body.get("toolConfig", {}))
        # What images are to be, the SDK writes without a type for it.
        generation = {key: value for key, value in body.get("generationConfig", {}).items() if key != "imageConfig"}
        types.GenerationConfig.model_validate(generation)
        for setting in body.get("safetySettings", ()):
            if isinstance(setting["category"], str):  # the SDK does not know enums as numbers
                types.SafetySetting.model_validate(setting)


def without_data(value: Any) -> Any:
    """A value whose base64, which recorders cut out or made up, is some base64."""
    if is_list(value):
        return [without_data(item) for item in value]
    if not is_dict(value):
        return value
    return {
        key: "aGk=" if key in ("data", "thoughtSignature") else item if key in NAMED_BY_USERS else without_data(item)
        for key, item in value.items()
    }
