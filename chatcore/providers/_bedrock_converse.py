"""Bytes of an answer of Amazon Bedrock's Converse API → messages, whole or streamed. No I/O.

The wire: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; a stream
(API_runtime_ConverseStream.html) is an AWS event stream. What a content block of the wire is as a block of a message:

    text              {"type": "text", "text": ...}
    citationsContent  {"type": "text", "text": ..., "citations": [...]}, with keys as in `CITATION_KEYS`
    reasoningContent  {"type": "reasoning_content", "reasoning_content": {"text", "signature"} or {"redacted_content"}}
    toolUse           {"type": "tool_use", "id", "name", "input"}; "server_tool_use" for a tool of the provider's
    toolResult        {"type": "tool_result", "tool_use_id", "is_error", "content": [...]}
    image, video      {"type": "image", "source": {"type": "base64", "media_type", "data"}}
    anything else     {"type": "non_standard", "value": the block itself}

Binary data is base64 text on the wire, and stays that.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from chatcore.http.event_stream import EventStreamDecoder
from chatcore.messages._json import read_json
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._tool_calls import finished_calls
from chatcore.messages.ai import build_chunk, build_message
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers._wire import (
    MAX_BODY_BYTES,
    Exchange,
    Framing,
    StreamDecoder,
    as_object,
    as_objects,
    count,
    generation,
    parsed,
    text_of,
    unasked_stream,
    whole_chunk,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatcore.errors import ProviderError
    from chatcore.http.sse import ServerSentEvent
    from chatcore.messages import ToolCallChunk, UsageMetadata

__all__ = ["CITATION_KEYS", "PROVIDER", "AnswerDecoder", "content_of", "decode_answer"]

PROVIDER: Final = "bedrock_converse"
"""What messages say of who wrote them, whatever the model behind Bedrock."""

CITATION_KEYS: Final = {
    "sourceContent": "source_content",
    "searchResultLocation": "search_result_location",
    "searchResultIndex": "search_result_index",
    "documentChar": "document_char",
    "documentPage": "document_page",
    "documentChunk": "document_chunk",
    "documentIndex": "document_index",
}
"""The keys of a citation whose names differ between the wire and a message."""

_FACTS: Final = ("additionalModelResponseFields", "trace", "performanceConfig", "serviceTier")
"""What an answer says of itself beside its reason to stop, its usage and its metrics; kept by the wire's names."""

_BINARY_START: Final = (b"\0", b"\1")
"""How an event stream begins: with the first event's length, which is below 32 MB."""


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    While nothing but text has come, a chunk's content is text; from the first other block on it is a list of blocks
    that merge by their index. Finish reason, usage, metrics and trace come with the last chunk.

    exchange: whose answer it is.
    blocks: whether the content is to be a list of blocks from the start on: for requests that may be answered with
        more than text, so that what belongs to a text (a citation) merges with it.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = ("_blocks", "_facts", "_formats", "_kinds", "_redacted", "_runs", "_stop_reason", "_usage")

    def __init__(self, exchange: Exchange, *, blocks: bool = False, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        self._blocks = blocks
        # What each block is, by its index.
        self._kinds: dict[int, str] = {}
        self._formats: dict[int, str | None] = {}
        # Pieces of encrypted reasoning: base64 that can only be joined decoded.
        self._redacted: dict[int, list[str]] = {}
        # How many runs of text and JSON the results of a server's tool have, by the index of their block.
        self._runs: dict[int, int] = {}
        self._stop_reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._facts: dict[str, Any] = {}

    @override
    def _framed(self, start: bytes) -> Framing | None:
        return EventStreamDecoder(self._max_bytes) if start.startswith(_BINARY_START) else None

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if self._stop_reason is None:
            raise self._exchange.broke_off("its stream ended without a messageStop")
        chunks: list[ChatGenerationChunk] = []
        for index in tuple(self._redacted):
            self._stopped({"contentBlockIndex": index}, chunks)
        metadata = _metadata(self._stop_reason, self._facts, self._usage, self._exchange)
        message = build_chunk(
            content=[] if self._blocks else "",
            response_metadata=metadata,
            usage_metadata=_usage(self._usage, self._facts),
            chunk_position="last",
        )
        chunks.append(generation(message, {"finish_reason": self._stop_reason}))
        return chunks

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        name, data, _ = event
        read = _EVENTS.get(name or "")
        if read is None:
            if name is not None and name.lower().endswith(("exception", "error")):
                raise _failure(name, data, self._exchange)
            return
        try:
            payload = read_json(data)
        except ValueError as error:
            raise self._exchange.malformed(f"has a {name} that is not JSON ({error})", data) from error
        if not is_dict(payload):
            raise self._exchange.malformed(f"has a {name} that is no JSON object", data)
        read(self, payload, chunks)

    # ----------------------------------------------------------------------------------------------------------- events

    def _delta(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        delta = payload.get("delta")
        if not is_dict(delta):
            return
        text = delta.get("text")
        if type(text) is str and not self._blocks:
            if text:
                chunks.append(generation(build_chunk(content=text)))
            return
        index = _index(payload)
        for key, value in delta.items():
            read = _DELTAS.get(key)
            if read is None:
                continue
            block = read(self, value, index)
            if block is not None:
                self._add(block, index, chunks)

    def _add(self, block: dict[str, Any], index: int, chunks: list[ChatGenerationChunk]) -> None:
        self._blocks = True
        kind = block["type"]
        calls: list[ToolCallChunk] = []
        if kind == "tool_use":
            args: str | None = block.get("input")
            calls.append(
                {
                    "name": block.get("name"),
                    "args": args,
                    "id": block.get("id"),
                    "index": index,
                    "type": "tool_call_chunk",
                }
            )
        block["index"] = index
        # Blocks are read as whose they are, also by those who look at each chunk.
        whose = {"model_provider": self._exchange.provider}
        chunks.append(generation(build_chunk(content=[block], response_metadata=whose, tool_call_chunks=calls)))

    def _started(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        start = as_object(payload.get("start"))
        index = _index(payload)
        if index in self._kinds:
            return  # its labels are said once, or they would be joined with themselves
        block: dict[str, Any] | None = None
        if is_dict(start.get("toolUse")):
            block = _tool_use(start["toolUse"])
            block.pop("input")
        elif is_dict(start.get("toolResult")):
            block = _tool_result(start["toolResult"])
        elif is_dict(start.get("image")):
            # Begun, it is no image yet: the first of its bytes make it one.
            self._kinds[index] = "image"
            self._formats[index] = word(start["image"].get("format"))
        if block is not None:
            self._kinds[index] = block["type"]
            self._add(block, index, chunks)

    def _stopped(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        index = _index(payload)
        pieces = self._redacted.pop(index, None)
        if pieces is not None:
            said = {"redacted_content": _joined_base64(pieces)}
            self._add({"type": "reasoning_content", "reasoning_content": said}, index, chunks)

    def _message_stopped(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        del chunks
        self._stop_reason = word(payload.get("stopReason")) or "end_turn"
        if payload.get("additionalModelResponseFields"):
            self._facts["additionalModelResponseFields"] = payload["additionalModelResponseFields"]
        self.done = self._usage is not None

    def _concluded(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        del chunks
        self._usage = as_object(payload.get("usage"))
        self._facts.update(_facts(payload))
        self.done = self._stop_reason is not None

    # ----------------------------------------------------------------------------------------------------------- deltas

    def _text_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        del index
        return {"type": "text", "text": text_of(value)} if value else None

    def _call_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        args = as_object(value).get("input")
        if args is None or args == "":
            return None
        kind = "server_tool_use" if self._kinds.get(index) == "server_tool_use" else "tool_use"
        return {"type": kind, "input": text_of(args)}

    def _reasoning_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        given = as_object(value)
        if given.get("redactedContent"):
            self._redacted.setdefault(index, []).append(text_of(given["redactedContent"]))
        said = {key: text_of(given[key]) for key in ("text", "signature") if given.get(key)}
        return {"type": "reasoning_content", "reasoning_content": said} if said else None

    def _citation_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        del index
        if not is_dict(value):
            return None
        citation = _renamed(value)
        # A number of that name would make citations merge with each other.
        citation.pop("index", None)
        return {"type": "text", "text": "", "citations": [citation]}

    def _result_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        parts: list[dict[str, Any]] = []
        for given in as_objects(value):
            run = self._runs.get(index, 0)
            if given.get("text"):
                # A run of text is one block, whose pieces merge.
                parts.append({"type": "text", "text": text_of(given["text"]), "index": run})
            elif "json" in given:
                parts.append({"type": "json", "json": given["json"]})
                self._runs[index] = run + 1
        return {"type": "tool_result", "content": parts} if parts else None

    def _image_delta(self, value: Any, index: int) -> dict[str, Any] | None:
        source = _source(as_object(value).get("source"))
        if source is None:
            return None
        kind = self._kinds.get(index, "image")
        if kind == "image":
            self._kinds[index] = source["type"]
            form = self._formats.get(index)
            return {"type": "image", "source": {"media_type": f"image/{form}", **source} if form else source}
        # More of the same data; of anything else there can be one only.
        return {"type": "image", "source": {"data": source["data"]}} if kind == source["type"] == "base64" else None


_EVENTS: Final[dict[str, Callable[[AnswerDecoder, dict[str, Any], list[ChatGenerationChunk]], None]]] = {
    "contentBlockDelta": AnswerDecoder._delta,  # noqa: SLF001 - this class's own table
    "contentBlockStart": AnswerDecoder._started,  # noqa: SLF001 - as above
    "contentBlockStop": AnswerDecoder._stopped,  # noqa: SLF001 - as above
    "messageStop": AnswerDecoder._message_stopped,  # noqa: SLF001 - as above
    "metadata": AnswerDecoder._concluded,  # noqa: SLF001 - as above
}

_DELTAS: Final[dict[str, Callable[[AnswerDecoder, Any, int], dict[str, Any] | None]]] = {
    "text": AnswerDecoder._text_delta,  # noqa: SLF001 - as above
    "toolUse": AnswerDecoder._call_delta,  # noqa: SLF001 - as above
    "reasoningContent": AnswerDecoder._reasoning_delta,  # noqa: SLF001 - as above
    "citation": AnswerDecoder._citation_delta,  # noqa: SLF001 - as above
    "toolResult": AnswerDecoder._result_delta,  # noqa: SLF001 - as above
    "image": AnswerDecoder._image_delta,  # noqa: SLF001 - as above
}


def _index(payload: Mapping[str, Any]) -> int:
    """Which block an event is of; gateways that leave it out send one block."""
    index = payload.get("contentBlockIndex")
    return index if isinstance(index, int) and not isinstance(index, bool) else 0


def _joined_base64(pieces: list[str]) -> str:
    """Pieces of base64, each with an end of its own perhaps, as one."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode("ascii")
    except (ValueError, binascii.Error):
        return "".join(pieces)


def _failure(name: str, data: bytes, exchange: Exchange) -> ProviderError:
    """The error that an exception of the stream is."""
    try:
        payload: Any = read_json(data)
    except ValueError:
        payload = {"message": data.decode("utf-8", "replace")}
    said = payload if is_dict(payload) else {"message": text_of(payload)}
    # A name that says nothing ("error") leaves the code to the payload.
    return exchange.failed({"error": {"type": name, **said}})


# -------------------------------------------------------------------------------------------------------- whole answers


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`.

    body: the reply's bytes: JSON, or the event stream of a host that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise; of the class that the error means.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or holds no message.
    """
    if body.startswith(_BINARY_START):
        return unasked_stream(body, AnswerDecoder(exchange, blocks=True))
    answer = as_object(parsed(body, exchange))
    output = answer.get("output")
    wire = output.get("message") if is_dict(output) else None
    if not is_dict(wire):
        if any(key in answer for key in ("message", "Message", "__type", "error")):
            raise exchange.failed(answer)
        raise exchange.malformed("holds no message: check base_url (endpoint_url) and the region", body)
    content = content_of(wire.get("content"))
    stop_reason = word(answer.get("stopReason"))
    usage = as_object(answer.get("usage")) or None
    facts = _facts(answer)
    calls, invalid = finished_calls(_calls(content))
    message = build_message(
        content=_only_text(content),
        response_metadata=_metadata(stop_reason, facts, usage, exchange),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=_usage(usage, facts),
    )
    found = ChatGeneration(message=message)
    found.generation_info = {"finish_reason": stop_reason}
    result = ChatResult(generations=[found])
    result.llm_output = {"token_usage": usage, "model_name": exchange.model}
    return result


def content_of(given: Any) -> list[dict[str, Any]]:
    """The wire's content blocks as blocks of a message."""
    return [_block(block) for block in as_objects(given)]


def _block(wire: dict[str, Any]) -> dict[str, Any]:
    if "text" in wire:
        return {"type": "text", "text": text_of(wire["text"])}
    for key, value in wire.items():
        read = _BLOCKS.get(key)
        block = read(value) if read is not None and is_dict(value) else None
        if block is not None:
            return block
    return {"type": "non_standard", "value": wire}


def _only_text(content: list[dict[str, Any]]) -> Any:
    """Content that is one plain text as text."""
    if not content:
        return ""
    is_plain = len(content) == 1 and content[0]["type"] == "text" and content[0].keys() == {"type", "text"}
    return content[0]["text"] if is_plain else content


def _calls(content: list[dict[str, Any]]) -> list[ToolCallChunk]:
    """The calls among blocks, their arguments as text."""
    return [
        {
            "name": block["name"],
            "args": None if block["input"] is None else text_of(block["input"]),
            "id": block["id"],
            "index": index,
            "type": "tool_call_chunk",
        }
        for index, block in enumerate(content)
        if block["type"] == "tool_use"
    ]


def _tool_use(value: dict[str, Any]) -> dict[str, Any]:
    return {
        # A tool that ran at the provider: not for the caller to run.
        "type": "server_tool_use" if value.get("type") else "tool_use",
        "id": word(value.get("toolUseId")),
        "name": word(value.get("name")),
        "input": value.get("input"),
    }


def _tool_result(value: dict[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": word(value.get("toolUseId")),
        "is_error": value.get("status") == "error",
        "content": [_result_part(part) for part in as_objects(value.get("content"))],
    }
    for key, ours in (("status", "status"), ("type", "result_type")):
        if said := word(value.get(key)):
            block[ours] = said
    return block


def _result_part(wire: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json", "json": wire["json"]} if "json" in wire else _block(wire)


def _reasoning(value: dict[str, Any]) -> dict[str, Any] | None:
    said: dict[str, Any] = {}
    if is_dict(value.get("reasoningText")):
        said = {key: text_of(text) for key, text in value["reasoningText"].items() if key in ("text", "signature")}
    elif value.get("redactedContent"):
        said = {"redacted_content": text_of(value["redactedContent"])}
    return {"type": "reasoning_content", "reasoning_content": said} if said else None


def _cited(value: dict[str, Any]) -> dict[str, Any]:
    parts = as_objects(value.get("content"))
    texts = [text_of(part["text"]) for part in parts if "text" in part]
    block: dict[str, Any] = {"type": "text", "text": "".join(texts)}
    block["citations"] = [_renamed(citation) for citation in as_objects(value.get("citations"))]
    if len(parts) > 1:
        block["parts"] = parts  # as they were cut, to be sent back
    return block


def _renamed(value: Any) -> Any:
    """A citation with the keys that it has in a message."""
    if is_dict(value):
        return {CITATION_KEYS.get(key, key): _renamed(item) for key, item in value.items()}
    return [_renamed(item) for item in value] if is_list(value) else value


def _media(kind: str) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def read(value: dict[str, Any]) -> dict[str, Any] | None:
        source = _source(value.get("source"))
        form = word(value.get("format"))
        if source is None or form is None or len(value) > 2:
            return None
        return {"type": kind, "source": {"media_type": f"{kind}/{form}", **source}}

    return read


def _source(given: Any) -> dict[str, Any] | None:
    if not is_dict(given):
        return None
    if isinstance(given.get("bytes"), str):
        return {"type": "base64", "data": given["bytes"]}
    return {"type": "s3Location", "data": given["s3Location"]} if is_dict(given.get("s3Location")) else None


_BLOCKS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]]] = {
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "citationsContent": _cited,
    "image": _media("image"),
    "video": _media("video"),
}


# ------------------------------------------------------------------------------------------------------- pieces of both


def _facts(payload: Mapping[str, Any]) -> dict[str, Any]:
    facts = {key: payload[key] for key in _FACTS if payload.get(key)}
    metrics = payload.get("metrics")
    if metrics and is_dict(metrics):
        # A list, as the reference has it: numbers of two messages that are merged would add up.
        latency = metrics.get("latencyMs")
        facts["metrics"] = {**metrics, "latencyMs": [latency]} if latency is not None else metrics
    return facts


def _metadata(
    stop_reason: str | None, facts: Mapping[str, Any], usage: dict[str, Any] | None, exchange: Exchange
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"model_provider": exchange.provider}
    if exchange.model:
        metadata["model_name"] = exchange.model
    if stop_reason:
        metadata["finish_reason"] = metadata["stopReason"] = stop_reason
    metadata.update(facts)
    if usage:
        metadata["usage"] = usage
    metadata.update(exchange.metadata)
    return metadata


def _usage(raw: dict[str, Any] | None, facts: Mapping[str, Any]) -> UsageMetadata | None:
    """`raw` as standard counts. Bedrock's `inputTokens` leave out what was read from the cache or written to it."""
    if not raw:
        return None
    made = count(raw, "outputTokens") or 0
    read, written = count(raw, "cacheReadInputTokens"), count(raw, "cacheWriteInputTokens")
    given = (count(raw, "inputTokens") or 0) + (read or 0) + (written or 0)
    total = count(raw, "totalTokens")
    usage: UsageMetadata = {
        "input_tokens": given,
        "output_tokens": made,
        "total_tokens": given + made if total is None else total,
    }
    details: dict[str, Any] = {}
    if read is not None:
        details["cache_read"] = read
    if written is not None:
        details["cache_creation"] = written
    for entry in as_objects(raw.get("cacheDetails")):
        lifetime, tokens = word(entry.get("ttl")), count(entry, "inputTokens")
        if lifetime and tokens:
            name = f"ephemeral_{lifetime}_input_tokens"
            details[name] = details.get(name, 0) + tokens
            # What the finer counts say, is not said twice.
            details["cache_creation"] = 0
    if details:
        usage["input_token_details"] = cast("Any", details)
    # Claude says it where it is asked for by additional_model_response_field_paths=["/usage"].
    said = as_object(as_object(facts.get("additionalModelResponseFields")).get("usage"))
    thought = count(as_object(said.get("output_tokens_details")), "thinking_tokens")
    if thought is not None:
        usage["output_token_details"] = {"reasoning": thought}
    return usage
