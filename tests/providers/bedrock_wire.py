"""Answers of Converse as streams, and what botocore makes of either; for tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.eventstream import EventStream
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator

from tests.http.event_streams import event

Cut = Callable[[str], list[str]]


def in_two(text: str) -> list[str]:
    """A text in two pieces."""
    half = len(text) // 2
    return [piece for piece in (text[:half], text[half:]) if piece]


@cache
def service() -> ServiceModel:
    """botocore's model of the service: the schema of what is sent and answered."""
    return botocore.session.get_session().get_service_model("bedrock-runtime")


def answer(*content: dict[str, Any], stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    """A whole answer."""
    return {
        "metrics": {"latencyMs": 450},
        "output": {"message": {"content": list(content), "role": "assistant"}},
        "stopReason": stop,
        "usage": {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13},
        **more,
    }


def streamed(whole: dict[str, Any], cut: Cut = in_two) -> bytes:
    """The same answer as an event stream."""
    return b"".join(event(name, {**payload, "p": "abcdefgh"}) for name, payload in events(whole, cut))


def events(whole: dict[str, Any], cut: Cut = in_two) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same answer as events, by name."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(whole["output"]["message"]["content"]):
        start, deltas = _pieces(block, cut)
        if start is not None:
            yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in deltas:
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    stopped = {"stopReason": whole["stopReason"]}
    if "additionalModelResponseFields" in whole:
        stopped["additionalModelResponseFields"] = whole["additionalModelResponseFields"]
    yield "messageStop", stopped
    names = ("usage", "metrics", "trace", "performanceConfig", "serviceTier")
    yield "metadata", {name: whole[name] for name in names if name in whole}


def _pieces(  # noqa: PLR0911 - one for each kind of block
    block: dict[str, Any], cut: Cut
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    ((kind, value),) = block.items()
    if kind == "text":
        return None, [{"text": piece} for piece in cut(value)]
    if kind == "toolUse":
        start = {key: item for key, item in value.items() if key != "input"}
        return {"toolUse": start}, [{"toolUse": {"input": piece}} for piece in cut(json.dumps(value["input"]))]
    if kind == "toolResult":
        start = {key: item for key, item in value.items() if key != "content"}
        deltas: list[dict[str, Any]] = []
        for part in value["content"]:
            deltas += [{"toolResult": [{"text": piece}]} for piece in cut(part["text"])] if "text" in part else []
            deltas += [{"toolResult": [part]}] if "json" in part else []
        return {"toolResult": start}, deltas
    if kind == "citationsContent":
        texts = [piece for part in value.get("content", ()) for piece in cut(part["text"])]
        deltas = [{"text": piece} for piece in texts]
        return None, [*deltas, *({"citation": citation} for citation in value["citations"])]
    if kind == "reasoningContent" and "reasoningText" in value:
        said = value["reasoningText"]
        deltas = [{"reasoningContent": {"text": piece}} for piece in cut(said["text"])]
        return None, [
            *deltas,
            *([{"reasoningContent": {"signature": said["signature"]}}] if "signature" in said else []),
        ]
    if kind == "reasoningContent":
        raw = base64.b64decode(value["redactedContent"])
        parts = [raw[:4], raw[4:]] if cut is in_two else [raw]
        return None, [{"reasoningContent": {"redactedContent": base64.b64encode(part).decode()}} for part in parts]
    if kind == "image":
        return {"image": {"format": value["format"]}}, [{"image": {"source": value["source"]}}]
    raise AssertionError(kind)


def as_botocore_reads(body: bytes, *, stream: bool = False) -> Any:
    """botocore's reading: of a whole answer, its dict; of a stream, the list of its events."""
    shape = service().operation_model("ConverseStream" if stream else "Converse").output_shape
    assert shape is not None
    parser = create_parser("rest-json")
    if not stream:
        parsed = parser.parse({"body": body, "headers": {}, "status_code": 200}, shape)
        return {key: value for key, value in parsed.items() if key != "ResponseMetadata"}

    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield body

    return list(EventStream(Raw(), shape.members["stream"], parser._event_stream_parser, "ConverseStream"))


def problems(body: dict[str, Any], model: str = "anthropic.claude-sonnet-4-5-20250929-v1:0") -> str:
    """What botocore has against a request; "" if it would send it."""
    shape = service().operation_model("Converse").input_shape
    assert shape is not None
    return ParamValidator().validate({"modelId": model, **_with_blobs(body, shape)}, shape).generate_report()


def _with_blobs(value: Any, shape: Any) -> Any:
    """A request with its base64 as bytes, as botocore takes it."""
    kind = shape.type_name
    if kind == "blob":
        return base64.b64decode(value, validate=True)
    if kind == "list":
        return [_with_blobs(item, shape.member) for item in value]
    if kind == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        return {
            key: _with_blobs(item, shape.members[key]) if key in shape.members else item for key, item in value.items()
        }
    return value
