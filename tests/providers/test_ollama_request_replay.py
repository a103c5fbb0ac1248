"""Recorded requests to Ollama, read as messages and written again, are the requests that were sent.

Up to what several SDKs write differently and the server does not tell apart; `normal` is the list of it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from chatcore.providers._ollama import decode_answer
from chatcore.providers._ollama_request import encode_messages, encode_request
from chatcore.providers._wire import Exchange
from chatcore.providers._wire_request import to_json
from tests.providers.traffic import rows


def messages_of(wire: list[dict[str, Any]]) -> list[BaseMessage]:
    """A recorded conversation, as our own reader of answers and a user of chatcore would have made it."""
    messages: list[BaseMessage] = []
    pending: list[str] = []
    for position, message in enumerate(wire):
        text: Any = message.get("content") or ""
        if message.get("images"):
            text = [{"type": "text", "text": text}]
            text += [{"type": "image", "base64": data, "mime_type": "image/png"} for data in message["images"]]
        if message["role"] == "assistant":
            calls = [
                ToolCall(
                    name=call["function"]["name"],
                    args=call["function"]["arguments"],
                    id=call.get("id") or f"made-{position}-{number}",
                    type="tool_call",
                )
                for number, call in enumerate(message.get("tool_calls") or ())
            ]
            pending = [call["id"] or "" for call in calls]
            extras = {"reasoning_content": message["thinking"]} if message.get("thinking") else {}
            messages.append(AIMessage(text, tool_calls=calls, additional_kwargs=extras))
        elif message["role"] == "tool":
            given = message.get("tool_call_id") or (pending.pop(0) if pending else "unknown")
            messages.append(ToolMessage(text, tool_call_id=given, name=message.get("tool_name")))
        else:
            messages.append({"system": SystemMessage, "user": HumanMessage}[message["role"]](text))
    return messages


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """A request, without what does not count.

    - a null key, no tools and no options say no more than a missing key; `stream` is true unless said otherwise
    - no content is ""
    - ids of calls, which servers before 0.12 do not know, and a call's "type" and "index", which none needs
    """
    wire = {key: value for key, value in body.items() if value not in (None, [], {})}
    wire.setdefault("stream", True)
    wire["messages"] = [normal_message(message) for message in body["messages"]]
    return wire


def normal_message(message: dict[str, Any]) -> dict[str, Any]:
    wire = {key: value for key, value in message.items() if value not in (None, [], "")}
    wire.pop("tool_call_id", None)
    if "tool_calls" in wire:
        wire["tool_calls"] = [(call["function"]["name"], call["function"]["arguments"]) for call in wire["tool_calls"]]
    return wire


def test_recorded_requests_are_written_as_they_were_sent() -> None:
    different: dict[str, Any] = {}
    read = 0
    for row in rows("ollama"):
        sent = row["request_json"]
        if row["request_elided"] or not isinstance(sent, dict):
            continue
        read += 1
        settings = {key: value for key, value in sent.items() if key not in ("messages", "stream")}
        body = encode_request(messages_of(sent["messages"]), settings, stream=sent.get("stream", True))
        ours = normal(json.loads(to_json(body)))
        if ours != normal(sent):
            different[row["id"]] = (ours, normal(sent))
    assert different == {}
    assert read >= 20


def test_answers_go_back_as_they_came() -> None:
    """What was answered whole, sent back as history, is what was answered."""
    for row in rows("ollama"):
        if row["status"] != 200 or row["stream_body"]:
            continue
        answered = json.loads(row["body_text"])["message"]
        message = decode_answer(row["body_text"].encode(), Exchange("ollama")).generations[0].message
        again = encode_messages([message])[0]
        for call in (*again.get("tool_calls", ()), *answered.get("tool_calls", ())):
            call.pop("type", None)
            call["function"].pop("index", None)
        assert again == answered


def test_requests_are_what_the_official_sdk_takes() -> None:
    """Written for recorded conversations, they validate as the SDK's own type of a request."""
    types = pytest.importorskip("ollama._types", reason="the official SDK is not installed")
    for row in rows("ollama"):
        sent = row["request_json"]
        if isinstance(sent, dict):
            settings = {key: value for key, value in sent.items() if key not in ("messages", "stream")}
            types.ChatRequest.model_validate(encode_request(messages_of(sent["messages"]), settings))
