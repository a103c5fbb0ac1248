"""Recorded requests, read as messages and written again, are the requests that were sent.

Up to what several SDKs write differently and the API does not tell apart; `normal` is the list of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.messages._output_version import StandardChunks
from chatcore.providers._anthropic import AnswerDecoder
from chatcore.providers._anthropic_request import encode_request
from chatcore.providers._wire import Exchange
from chatcore.providers._wire_request import to_json
from tests.providers.replay import whole
from tests.providers.test_anthropic_replay import IN_BLOCKS, REPLAY
from tests.providers.traffic import rows

BAR = 0.99
"""The share of whole requests that must come out as they were sent."""

NOT_CONVERSATIONS = {
    "a5d247c8d485a0d2006a6a31": "a message that is a text, which the API refused; no message of ours is one",
}
"""Rows whose request was a mistake: nothing should write it again."""

OWN = {"model_provider": "anthropic"}


def messages_of(sent: dict[str, Any]) -> list[AnyMessage]:
    """The conversation, as our own decoder and the user would have made it."""
    messages: list[AnyMessage] = [SystemMessage(sent["system"])] if sent.get("system") else []
    for turn in sent["messages"]:
        content = turn["content"]
        if turn["role"] == "system":
            messages.append(SystemMessage(content))
        elif turn["role"] == "assistant":
            messages.append(answer_of(content))
        elif isinstance(content, str):
            messages.append(HumanMessage(content))
        else:
            results = [block for block in content if block["type"] == "tool_result"]
            if content[: len(results)] == results:
                messages += [result_of(block) for block in results]
                content = content[len(results) :]
            if content:
                messages.append(HumanMessage(content))
    return messages


def answer_of(content: Any) -> AIMessage:
    calls = [block for block in content if isinstance(block, dict) and block["type"] == "tool_use"]
    return AIMessage(
        content,
        tool_calls=[{"name": call["name"], "args": call["input"], "id": call["id"]} for call in calls],
        response_metadata=OWN,
    )


def result_of(block: dict[str, Any]) -> ToolMessage:
    mark = {"cache_control": block["cache_control"]} if block.get("cache_control") else {}
    return ToolMessage(
        block["content"],
        tool_call_id=block["tool_use_id"],
        status="error" if block.get("is_error") else "success",
        additional_kwargs=mark,
    )


def settings_of(sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters by their neutral names, tools in OpenAI's format."""
    settings = {name: value for name, value in sent.items() if name not in ("messages", "system", "stream")}
    if "tools" in settings:
        settings["tools"] = [neutral(tool) for tool in settings["tools"]]
    choice = settings.get("tool_choice")
    if choice:
        settings["tool_choice"] = choice.get("name") or choice["type"]
        if choice.get("disable_parallel_tool_use"):
            settings["parallel_tool_calls"] = False
    form = settings.get("output_config", {}).get("format")
    if form:
        settings["output_config"] = {key: value for key, value in sent["output_config"].items() if key != "format"}
        settings["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": form["schema"]}}
    if "stop_sequences" in settings:
        settings["stop"] = settings.pop("stop_sequences")
    return settings


def neutral(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool or "type" in tool:
        return tool
    function = {name: tool[name] for name in ("name", "description", "strict") if name in tool}
    beside = {name: value for name, value in tool.items() if name not in (*function, "input_schema")}
    return {"type": "function", "function": {**function, "parameters": tool["input_schema"]}, **beside}


def normal(body: Any) -> Any:
    """A request, or a part of it, without what does not count.

    - a null key, an empty list of tools or stop sequences, and a stream that is not asked for say no more than a
      missing one
    - a tool that is not said to be strict, a result that is not said to be an error, and calls whose number is not
      limited are what they are without a word
    - an empty text says nothing, and the API refuses it; a system prompt that is one text may be a string
    """
    if isinstance(body, list):
        return [normal(item) for item in body if item != {"type": "text", "text": ""}]
    if not isinstance(body, dict):
        return body
    silent = {"is_error": False, "strict": False, "disable_parallel_tool_use": False, "stream": False}
    kept = {
        key: normal(value)
        for key, value in body.items()
        if value is not None
        and not (key in silent and value is silent[key])
        and (key, value) not in (("stop_sequences", []), ("tools", []))
    }
    if not kept.get("system"):
        kept.pop("system", None)
    if kept.get("type") == "object" and "properties" not in kept:
        kept["properties"] = {}
    return kept


def recorded(*, only_whole: bool = True) -> list[dict[str, Any]]:
    return [
        row
        for row in rows("anthropic-messages")
        if isinstance(row["request_json"], dict)
        and row["id"] not in NOT_CONVERSATIONS
        and not (only_whole and row["request_elided"])
    ]


def written(sent: dict[str, Any], messages: list[AnyMessage]) -> dict[str, Any]:
    # A request that holds system turns was meant for a model that reads them.
    in_place = any(turn["role"] == "system" for turn in sent["messages"])
    body = encode_request(messages, settings_of(sent), stream=bool(sent.get("stream")), system_in_place=in_place)
    again: dict[str, Any] = json.loads(to_json(body))
    return again


def test_recorded_requests_are_written_as_they_were_sent() -> None:
    """Messages and every parameter."""
    different: dict[str, Any] = {}
    every = recorded(only_whole=False)
    for row in every:
        sent = row["request_json"]
        body = written(sent, messages_of(sent))
        if normal(body) != normal(sent):
            different[row["id"]] = {
                key: (normal(sent).get(key), normal(body).get(key))
                for key in {*normal(sent), *normal(body)}
                if normal(sent).get(key) != normal(body).get(key)
            }
    share = 1 - len(different) / len(every)
    assert share >= BAR, f"{share:.1%} of {len(every)}: {dict(list(different.items())[:10])}"
    assert different == {}


def test_answers_in_standard_blocks_are_written_as_they_were_sent() -> None:
    """An answer kept as `output_version="v1"` goes back as the blocks it was made of: thoughts, calls, citations."""
    different: dict[str, Any] = {}
    for row in recorded(only_whole=False):
        sent = row["request_json"]
        messages = [
            message.model_copy(
                update={
                    "content": message.content_blocks,
                    "response_metadata": {**message.response_metadata, "output_version": "v1"},
                }
            )
            if isinstance(message, AIMessage)
            else message
            for message in messages_of(sent)
        ]
        found = normal(written(sent, messages))["messages"]
        wanted = normal(sent)["messages"]
        # A single text may be a string; a mark on a block of an answer is none of the answer's own.
        for turn in (*found, *wanted):
            if turn["role"] == "assistant":
                parts = turn["content"] if isinstance(turn["content"], list) else [text_part(turn["content"])]
                turn["content"] = [{key: part[key] for key in part if key != "cache_control"} for part in parts]
        if found != wanted:
            different[row["id"]] = next(pair for pair in zip(wanted, found, strict=True) if pair[0] != pair[1])
    assert different == {}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def sent_back(message: AIMessage) -> list[dict[str, Any]]:
    """An answer as a later request has it."""
    content = encode_request([HumanMessage("Hi"), message, HumanMessage("Go on")], {})["messages"]
    return [part for turn in content[1:-1] for part in parts_of(turn["content"])]


def parts_of(content: Any) -> list[dict[str, Any]]:
    return [text_part(content)] if isinstance(content, str) else content


def answered(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a recorded answer, read without our codec; of a stream, joined by a few plain rules."""
    if not row["stream_body"]:
        return json.loads(row["body_text"])["content"]
    blocks: list[dict[str, Any]] = []
    args: dict[int, str] = {}
    lines = [line for line in row["body_text"].splitlines() if line.startswith("data:") and not line.endswith("[DONE]")]
    for event in (json.loads(line[5:]) for line in lines):
        if event["type"] == "content_block_start":
            blocks.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            grow(blocks[event["index"]], event["delta"])
            args[event["index"]] = args.get(event["index"], "") + event["delta"].get("partial_json", "")
    for index, text in args.items():
        if text:
            blocks[index]["input"] = json.loads(text)
    return blocks


def grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("text", "thinking", "signature", "content"):
        if key in delta:
            block[key] = (block.get(key) or "") + delta[key]
    if "citation" in delta:
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def as_sent(block: dict[str, Any]) -> dict[str, Any]:
    """A block without what is nothing, and without the null that an answer tells and a request may not."""
    kept = {key: value for key, value in block.items() if value is not None and (key, value) != ("citations", [])}
    if "citations" in kept:
        kept["citations"] = [
            {key: value for key, value in one.items() if (key, value) != ("file_id", None)} for one in kept["citations"]
        ]
    return kept


@pytest.mark.parametrize("blocks", [False, True], ids=["text as strings", "text in blocks"])
def test_what_was_answered_goes_back_as_it_was(blocks: bool) -> None:
    """Every recorded answer, plain and streamed: signatures, redacted thoughts, citations, calls of server tools."""
    different: dict[str, Any] = {}
    for row in REPLAY.rows():
        if row["status"] != 200 or row["expected"]["error"]:
            continue
        message = (IN_BLOCKS if blocks else REPLAY).read(row, whole)
        wanted = [as_sent(block) for block in answered(row) if block.get("text") != ""]
        found = [as_sent(block) for block in sent_back(message)]
        if found != wanted:
            different[row["id"]] = (wanted, found)
    assert different == {}


@pytest.mark.parametrize("blocks", [False, True], ids=["text as strings", "text in blocks"])
def test_what_was_streamed_in_standard_blocks_goes_back_as_it_was(blocks: bool) -> None:
    """As a model with `output_version="v1"` gives it, chunk by chunk."""
    different: dict[str, Any] = {}
    for row in REPLAY.rows():
        if not row["stream_body"] or row["status"] != 200:
            continue
        decoder = AnswerDecoder(Exchange("anthropic"), blocks=blocks)
        standard, joined = StandardChunks(), Accumulator()
        for chunk in (*decoder.feed(row["body_text"].encode()), *decoder.finish()):
            assert isinstance(chunk.message, AIMessageChunk)
            joined.add(standard.of(chunk.message))
        wanted = [as_sent(block) for block in answered(row) if block.get("text") != ""]
        found = [as_sent(block) for block in sent_back(joined.message())]
        if found != wanted:
            different[row["id"]] = (wanted, found)
    assert different == {}


REQUESTS: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)


def read_through(value: Any) -> None:
    """Look at every item: pydantic validates those of an `Iterable` only as they are looked at."""
    items = value.values() if isinstance(value, dict) else value
    if isinstance(items, Iterable) and not isinstance(items, str):
        for item in items:
            read_through(item)


def test_requests_are_what_the_sdk_says_they_are() -> None:
    """Whatever is written validates against the types of Anthropic's own SDK."""
    wrong: dict[str, Any] = {}
    for row in recorded(only_whole=False):
        sent = row["request_json"]
        body = written(sent, messages_of(sent))
        try:
            read_through(REQUESTS.validate_python({"model": "said in the address", **body, "stream": False}))
        except ValidationError as error:
            wrong[row["id"]] = [
                (problem["loc"][:4], problem["msg"]) for problem in error.errors(include_input=False)[:3]
            ]
    assert wrong == {}
