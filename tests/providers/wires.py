"""Every wire as the others see it: how a conversation is written for it, and what its provider's SDK has against that.

Tests use it that hold for all dialects alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from chatcore.errors import ProviderError
from chatcore.messages import Accumulator, AIMessage, BaseMessage
from chatcore.outputs import ChatResult
from chatcore.providers import (
    _anthropic,
    _anthropic_request,
    _bedrock_converse_request,
    _gemini,
    _gemini_request,
    _ollama,
    _ollama_request,
    _openai_chat,
    _openai_chat_request,
    _responses,
    _responses_request,
)
from chatcore.providers._wire import Exchange, StreamDecoder
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import COMPATIBLE, HOSTS, Host, host_of
from tests.providers import bedrock_wire
from tests.providers.traffic import rows

Body = dict[str, Any]


@dataclass(frozen=True)
class Wire:
    """One provider's way to be asked.

    provider: whose signatures are at home here.
    write: a conversation → the request's body.
    problems: what its SDK's types have against a body; "" for nothing.
    id_pattern: what an id of a call must look like.
    """

    provider: str
    write: Callable[[list[BaseMessage]], Body]
    problems: Callable[[Body], str]
    id_pattern: str = ".+"

    def body(self, *messages: BaseMessage) -> Body:
        """A conversation as the request's body, as it is sent."""
        body: Body = json.loads(to_json(self.write(list(messages))))
        return body


# --------------------------------------------------------------------------------------------- what the SDKs' types say


def read_through(value: Any) -> None:
    """Look at every item: pydantic validates those of an `Iterable` only as they are looked at."""
    items = value.values() if isinstance(value, dict) else value
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        for item in items:
            read_through(item)


@cache
def adapter(module: str, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(pytest.importorskip(module, reason="the official SDK is not installed"), name))


def typed(module: str, name: str) -> Callable[[Body], str]:
    def problems(body: Body) -> str:
        try:
            read_through(adapter(module, name).validate_python(body))
        except ValidationError as error:
            return "; ".join(f"{problem['loc']}: {problem['msg']}" for problem in error.errors(include_input=False)[:4])
        return ""

    return problems


# ------------------------------------------------------------------------------------------------------------ the wires


def chat(host: Host) -> Callable[[list[BaseMessage]], Body]:
    return lambda messages: _openai_chat_request.encode_request(messages, {"model": "m"}, host)


def gemini(body: Body) -> str:
    contents = adapter("google.genai.types", "Content")
    try:
        for content in (*body["contents"], *([body["systemInstruction"]] if "systemInstruction" in body else [])):
            contents.validate_python(content)
    except ValidationError as error:
        return str(error.errors(include_input=False)[:4])
    return ""


def with_details(body: Body) -> Body:
    """The same with the images' `detail`, which the SDK's types want and the API does not."""
    for item in objects(body):
        if item.get("type") == "input_image":
            item.setdefault("detail", "auto")
    return body


RESPONSES = typed("openai.types.responses.response_create_params", "ResponseCreateParamsNonStreaming")
OPENAI_CHAT = typed("openai.types.chat.completion_create_params", "CompletionCreateParamsNonStreaming")

WIRES = {
    "openai-chat": Wire("openai", chat(HOSTS["openai"]), OPENAI_CHAT),
    "mistral": Wire("mistral", chat(HOSTS["mistral"]), OPENAI_CHAT, "[a-zA-Z0-9]{9}"),
    "openai-responses": Wire(
        "openai",
        lambda messages: _responses_request.encode_request(messages, {"model": "m"}, HOSTS["openai"]),
        lambda body: RESPONSES(with_details(body)),
    ),
    "anthropic-messages": Wire(
        "anthropic",
        lambda messages: _anthropic_request.encode_request(messages, {"model": "m", "max_tokens": 1024}),
        typed("anthropic.types.beta.message_create_params", "MessageCreateParamsNonStreaming"),
        "[a-zA-Z0-9_-]+",
    ),
    "gemini": Wire(
        "google_genai", lambda messages: _gemini_request.encode_request(messages, {"model": "gemini-3-pro"}), gemini
    ),
    "ollama": Wire(
        "ollama",
        lambda messages: _ollama_request.encode_request(messages, {"model": "m"}),
        typed("ollama._types", "ChatRequest"),
    ),
    "bedrock": Wire(
        "bedrock_converse",
        lambda messages: _bedrock_converse_request.encode_request(
            messages, {"model": "amazon.nova-pro-v1:0", "tools": [{"name": "tool", "parameters": {"type": "object"}}]}
        ),
        bedrock_wire.problems,
        "[a-zA-Z0-9_.:-]{1,64}",
    ),
}


# ----------------------------------------------------------------------------------------------------- recorded answers


@dataclass(frozen=True)
class Codec:
    decode: Callable[[bytes, Exchange], ChatResult]
    decoder: Callable[[Exchange], StreamDecoder]


CODECS = {
    "openai-chat": Codec(_openai_chat.decode_answer, _openai_chat.AnswerDecoder),
    "openai-responses": Codec(_responses.decode_answer, _responses.AnswerDecoder),
    "anthropic-messages": Codec(_anthropic.decode_answer, _anthropic.AnswerDecoder),
    "gemini": Codec(_gemini.decode_answer, _gemini.AnswerDecoder),
    "ollama": Codec(_ollama.decode_answer, _ollama.AnswerDecoder),
}

_OWN_NAME = {"openai-responses": "openai", "anthropic-messages": "anthropic", "gemini": "google_genai"}


def host_in(row: dict[str, Any]) -> Host:
    """The row of the table for a recorded exchange: by its address, or by its provider where that is not told."""
    host = host_of("https://" + row["path"])
    return HOSTS.get(row["provider"], host) if host is COMPATIBLE else host


@cache
def answers(dialect: str) -> list[tuple[dict[str, Any], AIMessage]]:
    """The recorded answers of a dialect that are no errors, with their rows; skips the test where they are absent."""
    codec = CODECS[dialect]
    found: list[tuple[dict[str, Any], AIMessage]] = []
    for row in rows(dialect):
        if row["status"] != 200 or row["expected"] is None or row["expected"]["error"]:
            continue
        exchange = Exchange(_OWN_NAME.get(dialect) or (host_in(row).name if dialect == "openai-chat" else dialect))
        with suppress(ProviderError):  # what a 200 held in truth
            found.append((row, answer_in(row, codec, exchange)))
    return found


def answer_in(row: dict[str, Any], codec: Codec, exchange: Exchange) -> AIMessage:
    body = row["body_text"].encode()
    if not row["stream_body"]:
        message = codec.decode(body, exchange).generations[0].message
        assert isinstance(message, AIMessage)
        return message
    decoder = codec.decoder(exchange)
    merged = Accumulator()
    for chunk in (*decoder.feed(body), *decoder.finish()):
        merged.add(chunk.message)
    return merged.message()


# ----------------------------------------------------------------------------------------------------- what a body says


def strings(value: Any) -> Iterator[str]:
    """Every text of a value, keys apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a value, inner ones too."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def calls_in(body: Body) -> list[tuple[Any, Any, Any]]:
    """The calls of tools that a request tells of, in any wire's shape: id, name, arguments."""
    found: list[tuple[Any, Any, Any]] = []
    conversation = body.get("messages") or body.get("input") or body.get("contents")
    for item in objects(conversation):
        function: Any = item.get("function")
        if isinstance(function, dict) and "arguments" in function:
            found.append((item.get("id"), function["name"], as_args(function["arguments"])))
        elif item.get("type") == "function_call":
            found.append((item["call_id"], item["name"], as_args(item["arguments"])))
        elif item.get("type") == "custom_tool_call":
            found.append((item["call_id"], item["name"], {"__arg1": item["input"]}))
        elif item.get("type") == "tool_use":
            found.append((item["id"], item["name"], item["input"]))
        elif isinstance(item.get("toolUse"), dict):
            call = item["toolUse"]
            found.append((call["toolUseId"], call["name"], call["input"]))
        elif isinstance(item.get("functionCall"), dict):
            call = item["functionCall"]
            found.append((call.get("id"), call["name"], call.get("args", {})))
    return found


def results_in(body: Body) -> list[Any]:
    """The ids of the calls whose results a request tells."""
    found: list[Any] = []
    for item in objects(body.get("messages") or body.get("input") or body.get("contents")):
        if item.get("role") == "tool":
            found.append(item.get("tool_call_id"))
        elif item.get("type") in ("function_call_output", "custom_tool_call_output"):
            found.append(item["call_id"])
        elif item.get("type") == "tool_result":
            found.append(item["tool_use_id"])
        elif isinstance(item.get("toolResult"), dict):
            found.append(item["toolResult"]["toolUseId"])
        elif isinstance(item.get("functionResponse"), dict):
            found.append(item["functionResponse"].get("id"))
    return found


def as_args(given: Any) -> Any:
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return given


def sealed(value: Any) -> set[str]:
    """What of an answer only its provider can read: signatures, and what is encrypted."""
    found: set[str] = set()
    for item in objects(value):
        for key, held in item.items():
            if "signature" in key.lower() or key.startswith("encrypted"):
                found |= {text for text in strings(held) if len(text) > 12}
        if item.get("type") == "redacted_thinking":
            found.add(item["data"])
    return found
