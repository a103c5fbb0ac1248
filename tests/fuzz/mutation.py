"""Answers changed at random, and messages made up: what fuzzing feeds to codecs.

All chance comes from a `random.Random`: of a seed, or of atheris, which looks for what reaches new code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, Final

from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from tests.fuzz.corpus import STREAMS, WHOLE

__all__ = ["body", "cuts", "messages", "settings"]

Event = tuple[str | None, Any]

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 7, 10**30, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan")),
    *(
        "",
        " ",
        "x",
        "\0",
        "é\u2028",
        "\ud83d",
        "\ud83d\ude00",
        "1",
        "null",
        "[DONE]",
        "error",
        "data:",
        "{",
        '{"a": ',
        "[" * 300,
    ),
    *(
        "AAAA",
        "A",
        "data:image/png;base64,AAAA",
        "s3://bucket/a.png",
        "https://a.b/c.png",
        "text",
        "tool_use",
        "end_turn",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        [1, "x"],
        {"": ""},
        {"type": None},
        {"type": "text", "text": "x"},
        [{"type": "text"}],
    ),
    *({"index": 0}, {"index": "0"}, {"id": []}, {"type": []}, {"type": "reasoning", "extras": "x"}),
)
"""Values that stand where others should."""

KINDS: Final = (
    *("text", "image", "video", "audio", "file", "document", "tool_use", "tool_call", "tool_call_chunk", "tool_result"),
    *("invalid_tool_call", "reasoning", "reasoning_content", "thinking", "redacted_thinking", "json", "search_result"),
    *(
        "non_standard",
        "text-plain",
        "server_tool_call",
        "server_tool_use",
        "server_tool_result",
        "image_url",
        "refusal",
    ),
    *("input_audio", "guard_content", "media", "executable_code", "code_execution_result", "function_call", "citation"),
    *(
        "output_text",
        "input_text",
        "input_image",
        "input_file",
        "message",
        "web_search_call",
        "mcp_call",
        "computer_call",
    ),
    *("web_search_tool_result", "mcp_tool_use", "container_upload", "inline_data", "function_response", "cachePoint"),
)
"""The types of blocks, of every wire."""

FIELDS: Final = (
    *(
        "text",
        "source",
        "base64",
        "url",
        "mime_type",
        "data",
        "id",
        "name",
        "input",
        "args",
        "content",
        "title",
        "index",
    ),
    *(
        "tool_use_id",
        "output",
        "value",
        "document",
        "file",
        "file_id",
        "image",
        "image_url",
        "input_audio",
        "citations",
    ),
    *(
        "annotations",
        "extras",
        "reasoning",
        "reasoning_content",
        "thinking",
        "signature",
        "summary",
        "encrypted_content",
    ),
    *(
        "cache_control",
        "json",
        "metadata",
        "context",
        "parts",
        "arguments",
        "call_id",
        "tool_call_id",
        "status",
        "detail",
    ),
    *("source_type", "media_type", "filename", "video", "audio", "partial_json", "thought_signature", "code", "type"),
)
"""The keys of blocks, of every wire."""


@cache
def _vocabulary(name: str) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The keys of a wire's answers, and the values that stand under them."""
    keys: dict[str, None] = {}
    values: list[Any] = []

    def look(value: Any) -> None:
        values.append(value)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            if isinstance(key, str):
                keys[key] = None
            look(item)

    for answer in WHOLE[name]:
        look(answer)
    for stream in STREAMS[name]:
        for _, payload in stream:
            look(payload)
    return tuple(keys), tuple(values)


def _value(name: str, chance: Random, depth: int = 0) -> Any:
    keys, values = _vocabulary(name)
    kind = chance.randrange(8)
    if kind < 3:
        return _copied(chance.choice(ODD))
    if kind < 6 or depth > 2:
        return _copied(chance.choice(values))
    if kind == 6:
        return [_value(name, chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(keys): _value(name, chance, depth + 1) for _ in range(chance.randrange(4))}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


def _changed(value: Any, name: str, chance: Random) -> Any:
    """A value with some places of it changed."""
    value = _copied(value)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return _value(name, chance)
        holder, key = chance.choice(places)
        how = chance.randrange(6)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[chance.choice(_vocabulary(name)[0])] = _value(name, chance)
        elif how == 1:
            holder.insert(key, _value(name, chance))
        elif how == 2 and isinstance(holder[key], str):
            holder[key] = _text(holder[key], chance)
        else:
            holder[key] = _value(name, chance)
    return value


def _text(text: str, chance: Random) -> str:
    at = chance.randrange(len(text) + 1)
    return chance.choice(
        (text[:at], text + text, text[:at] + "\ud800" + text[at:], text[:at] + '"' + text[at:], text * 50)
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def body(codec: Any, chance: Random) -> bytes:
    """A body of an answer, whole or a stream: a small one of the corpus, changed."""
    name = codec.name
    kind = chance.randrange(4)
    if kind == 0:
        content = _json(_changed(chance.choice(WHOLE[name]), name, chance))
    else:
        events: list[Event] = list(chance.choice(STREAMS[name]))
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            events = _shuffled(events, name, chance)
        content = codec.framed(events)
    return _damaged(content, chance) if chance.randrange(4) == 0 else content


def _shuffled(events: list[Event], name: str, chance: Random) -> list[Event]:  # noqa: PLR0911 - one for each way
    """Events with one of them changed, dropped, repeated, moved, or taken from elsewhere."""
    if not events:
        return [(None, _value(name, chance))]
    at, how = chance.randrange(len(events)), chance.randrange(8)
    event_name, payload = events[at]
    if how == 0:
        return events[:at] + events[at + 1 :]
    if how == 1:
        return events[: at + 1] + events[at:]
    if how == 2:
        other = chance.randrange(len(events))
        events[at], events[other] = events[other], events[at]
        return events
    if how == 3:
        return [*events[:at], chance.choice(chance.choice(STREAMS[name])), *events[at:]]
    if how == 4:
        named = [each for stream in STREAMS[name] for each, _ in stream]
        return [*events[:at], (chance.choice([*named, None, "x", "error"]), payload), *events[at + 1 :]]
    if how == 5:
        return events[: at + 1]
    return [*events[:at], (event_name, _changed(payload, name, chance)), *events[at + 1 :]]


def _damaged(content: bytes, chance: Random) -> bytes:
    """Bytes with some of them changed, dropped or repeated."""
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(damaged) + 1)
        how = chance.randrange(5)
        if how == 0:
            damaged[at : at + chance.choice((1, 2, 20))] = b""
        elif how == 1:
            damaged[at:at] = chance.choice(
                (
                    b"\n",
                    b"\r\n",
                    b"\n\n",
                    b"\0",
                    b"\xff",
                    b"\xef\xbb\xbf",
                    b"data: ",
                    b": ping\n\n",
                    b"{",
                    b"}",
                    b"<html>",
                    b'"',
                )
            )
        elif how == 2 and at < len(damaged):
            damaged[at] ^= 1 << chance.randrange(8)
        elif how == 3:
            damaged[at:at] = damaged[at : at + chance.choice((1, 10, 100))]
        else:
            del damaged[at:]
    return bytes(damaged)


def cuts(chance: Random, size: int) -> list[int]:
    """Places in so many bytes."""
    return [chance.randrange(size + 1) for _ in range(chance.choice((1, 2, 3, 10)))]


# ------------------------------------------------------------------------------------------------------------- messages


def _block(name: str, chance: Random) -> Any:
    kind = chance.randrange(10)
    if kind == 0:
        return chance.choice(("", "x", "Hi é"))
    if kind == 1:
        found = _value(name, chance)
        return found if isinstance(found, dict) else {"type": "text", "text": "x"}
    fields = {chance.choice(FIELDS): _value(name, chance) for _ in range(chance.randrange(5))}
    return {**fields, "type": chance.choice(KINDS)}


def _content(name: str, chance: Random) -> Any:
    if chance.randrange(3) == 0:
        return chance.choice(("", " ", "Hi", "é\u2028", "x" * 300))
    return [_block(name, chance) for _ in range(chance.randrange(4))]


def _named(chance: Random) -> str:
    return chance.choice(("c1", "call_1", "call|1", "", "x" * 100, "ü", "toolu_1"))


def _calls(chance: Random) -> dict[str, Any]:
    calls = [
        {
            "name": chance.choice(("add", "", "a b")),
            "args": chance.choice(({}, {"a": 1})),
            "id": chance.choice((None, _named(chance))),
        }
        for _ in range(chance.randrange(3))
    ]
    invalid = [
        {
            "name": chance.choice((None, "add")),
            "args": chance.choice((None, "", "{", "[1]")),
            "id": chance.choice((None, "c9")),
            "error": None,
        }
        for _ in range(chance.randrange(2))
    ]
    return {"tool_calls": calls, "invalid_tool_calls": invalid}


def _extras(name: str, chance: Random) -> dict[str, Any]:
    names = (
        "refusal",
        "reasoning_content",
        "tool_calls",
        "function_call",
        "audio",
        "reasoning",
        "reasoning_details",
        "prefix",
        "x",
    )
    return {chance.choice(names[:2] + names[4:]): _value(name, chance) for _ in range(chance.choice((0, 0, 1, 2)))}


def _message(name: str, chance: Random) -> BaseMessage:
    content = _content(name, chance)
    kind = chance.randrange(10)
    if kind < 4:
        wrote = chance.choice(
            (None, "openai", "anthropic", "google_genai", "ollama", "bedrock_converse", "mistral", "x")
        )
        said: dict[str, Any] = {} if wrote is None else {"model_provider": wrote}
        if chance.randrange(4) == 0:
            said["output_version"] = "v1"
        if chance.randrange(3) == 0:
            said["id"] = chance.choice(("resp_1", "x"))
        if chance.randrange(3) == 0:
            said["model_name"] = chance.choice(
                ("gpt-5", "us.amazon.nova-lite-v1:0", "claude-sonnet-4-5", "gemini-3-pro")
            )
        return AIMessage(
            content,
            additional_kwargs=_extras(name, chance),
            response_metadata=said,
            id=chance.choice((None, "msg_1")),
            **_calls(chance),
        )
    if kind < 6:
        status = chance.choice(("success", "error"))
        return ToolMessage(content, tool_call_id=_named(chance), status=status, additional_kwargs=_extras(name, chance))
    if kind < 8:
        return HumanMessage(content, name=chance.choice((None, "Ann")))
    if kind == 8:
        return SystemMessage(content)
    return chance.choice((ChatMessage(content, role=chance.choice(("user", "x"))), FunctionMessage(content, name="f")))


def messages(name: str, chance: Random) -> list[BaseMessage]:
    """A conversation: content in the shapes of every wire, or in none."""
    return [_message(name, chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 5)))]


_TOOLS: Final[tuple[Any, ...]] = (
    {
        "type": "function",
        "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}},
    },
    {
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
    },
    {"title": "Add", "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
    *(
        {"type": "web_search_20250305", "name": "web_search"},
        {"google_search": {}},
        {"type": "web_search"},
        {"cachePoint": {}},
    ),
    *({}, {"function": None}, {"function": {"name": 1}}, {"name": ""}, 3, "x", None),
)
_NAMES: Final = (
    *("temperature", "max_tokens", "top_p", "stop", "seed", "parallel_tool_calls", "reasoning_effort", "thinking", "n"),
    *("response_format", "service_tier", "metadata", "system", "safety_settings", "format", "include", "x", "extra"),
    *("cache_control", "mcp_servers", "betas", "top_k", "logprobs", "cached_content", "response_schema", "raw_blocks"),
    *("guardrail_config", "additional_model_request_fields", "inferenceConfig", "toolConfig", "context_management"),
)


def settings(name: str, chance: Random) -> dict[str, Any]:
    """Settings of a call: likely ones, and any values under likely names."""
    found: dict[str, Any] = {
        "model": chance.choice(("gpt-5", "claude-sonnet-4-5", "gemini-3-pro", "us.anthropic.claude-x", "o3"))
    }
    if chance.randrange(2):
        found["tools"] = [_copied(chance.choice(_TOOLS)) for _ in range(chance.randrange(3))]
        found["tool_choice"] = chance.choice(
            (None, True, "any", "auto", "none", "add", {"type": "tool", "name": "add"}, 3, {})
        )
    if chance.randrange(3) == 0:
        schema = chance.choice(
            ({"type": "object", "properties": {"a": {"type": "string"}}}, {}, [], None, {"$ref": "#"})
        )
        found["response_format"] = chance.choice(
            (
                {"type": "json_object"},
                {"type": "json_schema", "json_schema": {"name": "A", "schema": schema}},
                {},
                "x",
                int,
            )
        )
    for _ in range(chance.choice((0, 1, 2))):
        found[chance.choice(_NAMES)] = _value(name, chance)
    return found
