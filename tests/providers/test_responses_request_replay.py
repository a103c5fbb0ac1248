"""Recorded requests of the Responses API, read as messages and written again, are the requests that were sent.

Up to what several SDKs write differently and no host tells apart; `normal` is the list of it.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._output_version import in_standard_blocks
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._responses import AnswerDecoder, decode_answer
from chatcore.providers._responses_request import encode_request
from chatcore.providers._wire import Exchange
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import OPENAI
from tests.providers.traffic import rows

BAR = 0.99
"""The share of whole requests that must come out as they were sent."""

NOT_REQUESTS: dict[str, str] = {}
"""Rows whose request was a mistake: nothing should write it again."""


def answer_of(items: list[dict[str, Any]]) -> AIMessage:
    """The answer that had these items, as our decoder makes it."""
    message = decode_answer(json.dumps({"id": "resp_0", "output": items}).encode(), Exchange()).generations[0].message
    assert isinstance(message, AIMessage)
    return message


OUTPUTS = ("function_call_output", "custom_tool_call_output")


def is_of_answer(item: dict[str, Any]) -> bool:
    """Whether an item is one that a model gave, and not a message written down."""
    kind, role = item.get("type", "message"), item.get("role")
    if role is not None:
        return role == "assistant" and isinstance(item["content"], list)
    return item.get("execution") == "server" or not kind.endswith(("_output", "_response"))


def message_of(item: dict[str, Any]) -> Any:
    """Any other item as a message."""
    kind, role = item.get("type"), item.get("role")
    if kind in OUTPUTS:
        return ToolMessage(item["output"], tool_call_id=item["call_id"])
    if "content" not in item:
        return HumanMessage([item])
    if role == "assistant":
        return AIMessage(item["content"])
    if role == "user":
        return HumanMessage(item["content"])
    extras = {"__openai_role__": role} if role == "developer" else {}
    return SystemMessage(item["content"], additional_kwargs=extras)


def read(given: Any) -> list[Any]:
    """A request's input as messages."""
    if isinstance(given, str):
        return [HumanMessage(given)]
    messages: list[Any] = []
    for answers, items in groupby(given, is_of_answer):
        if answers:
            messages.append(answer_of([{"type": "message", **item} for item in items]))
        else:
            messages += [message_of(item) for item in items]
    return messages


def normal(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a request, without what does not count.

    - a null key says no more than a missing one; nor does an empty list of annotations or probabilities, or of the
      paragraphs of encrypted reasoning
    - the type "message", and the status of an item that goes in
    - one text of the assistant's, with nothing beside it, may stand alone
    - the probabilities of an answer's tokens are the answer's: they are not sent back
    """
    wire = {key: value for key, value in item.items() if value is not None}
    if wire.get("type", "message") == "message" or wire["type"] == "function_call_output":
        wire.pop("status", None)
    if wire.get("type") == "message":
        del wire["type"]
    if wire.get("type") == "reasoning" and wire.get("content") == []:
        del wire["content"]
    content: Any = wire.get("content")
    if wire.get("role") == "assistant" and is_list(content):
        parts = [
            {key: value for key, value in part.items() if key != "logprobs" and value not in (None, [])}
            for part in content
        ]
        wire["content"] = parts
        if len(parts) == 1 and parts[0].keys() == {"type", "text"} and "id" not in wire:
            wire["content"] = parts[0]["text"]
    return wire


def written(row: dict[str, Any]) -> dict[str, Any]:
    sent = row["request_json"]
    settings = {key: value for key, value in sent.items() if key not in ("input", "stream")}
    body = encode_request(read(sent["input"]), settings, OPENAI, stream=bool(sent.get("stream")))
    again: dict[str, Any] = json.loads(to_json(body))
    return again


def requests() -> list[dict[str, Any]]:
    return [
        row
        for row in rows("openai-responses")
        if is_dict(row["request_json"]) and "input" in row["request_json"] and row["id"] not in NOT_REQUESTS
    ]


def test_recorded_requests_are_written_as_they_were_sent() -> None:
    """Items as sent; and every other parameter."""
    different: dict[str, Any] = {}
    chosen = requests()
    for row in chosen:
        sent, body = row["request_json"], written(row)
        given = [{"role": "user", "content": sent["input"]}] if isinstance(sent["input"], str) else sent["input"]
        theirs, ours = [normal(item) for item in given], [normal(item) for item in body["input"]]
        if theirs != ours:
            pairs = zip(theirs, ours, strict=False)
            different[row["id"]] = next((pair for pair in pairs if pair[0] != pair[1]), (len(theirs), len(ours)))
        for name, value in sent.items():
            if name != "input" and value not in (None, [], {}, False) and body.get(name) != value:
                different[row["id"]] = (name, value, body.get(name))
    share = 1 - len(different) / len(chosen)
    assert share >= BAR, f"{share:.1%} of {len(chosen)}: {dict(list(different.items())[:10])}"
    assert different == {}


def test_requests_are_what_the_sdk_would_send() -> None:
    """As far as what was recorded is: some SDKs send what OpenAI's own types do not know."""
    params: Any = pytest.importorskip(
        "openai.types.responses.response_create_params", reason="the official SDK is not installed"
    )
    types = {
        False: TypeAdapter(params.ResponseCreateParamsNonStreaming),
        True: TypeAdapter(params.ResponseCreateParamsStreaming),
    }

    def wrong(body: dict[str, Any]) -> bool:
        try:
            types[bool(body.get("stream"))].validate_python(body)
        except ValidationError:
            return True
        return False

    different = [row["id"] for row in requests() if wrong(written(row)) and not wrong(row["request_json"])]
    assert different == []


RECORDED = {
    "8c24241b9ad2a40759d91d0d": "the recorded pieces are not those of the recorded whole: they lack a space",
    "e82debd1e04336392f8a9943": "each event names another id; we keep the first",
}
"""Streams that do not say the same twice."""


def loose(item: dict[str, Any]) -> dict[str, Any]:
    """An item that has been in standard blocks: its arguments may be spaced otherwise, and a search has one name."""
    if item.get("type") in ("mcp_call", "function_call"):
        return {**item, "arguments": json.loads(item["arguments"])}
    return (
        {key: value for key, value in item.items() if key != "name"} if item.get("type") == "web_search_call" else item
    )


def test_what_was_an_answer_goes_back_as_it_came() -> None:
    """Every recorded answer, plain or streamed, is sent back as the items that it was; in standard blocks, too."""
    different: dict[str, Any] = {}
    for row in rows("openai-responses"):
        if row["status"] != 200 or row["id"] in RECORDED:
            continue
        body = row["body_text"].encode()
        decoder = AnswerDecoder(Exchange())
        chunks = [*decoder.feed(body), *decoder.finish()]
        merged = Accumulator()
        for chunk in chunks:
            merged.add(cast("AIMessageChunk", chunk.message))
        message = merged.message()
        output = items_in(row)
        theirs = [normal(item) for item in output]
        for version, answer in (("own", message), ("v1", in_standard_blocks(message))):
            request = encode_request([answer, HumanMessage("?")], {"model": "m"}, OPENAI)
            ours = [normal(item) for item in json.loads(to_json(request))["input"][:-1]]
            if version == "v1":
                theirs, ours = [loose(item) for item in theirs], [loose(item) for item in ours]
            if theirs != ours:
                pairs = zip(theirs, ours, strict=False)
                pair = next((pair for pair in pairs if pair[0] != pair[1]), (len(theirs), len(ours)))
                different[f"{row['id']} {version}"] = pair
    assert different == {}


def items_in(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The items of a recorded answer; of a stream, as they were given: its last event has them encrypted anew.

    What nothing but the last event ends comes after them, as it is there.
    """
    if not row["stream_body"]:
        output: list[dict[str, Any]] = json.loads(row["body_text"])["output"]
        return output
    data = [line[5:] for line in row["body_text"].splitlines() if line.startswith("data:")]
    events: list[dict[str, Any]] = [json.loads(line) for line in data]
    ended = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    last = events[-1].get("response", {}).get("output", [])
    if len(last) > len(ended):
        known = {item["id"] for item in ended}
        ended += [item for item in last if item["id"] not in known]
    return ended
