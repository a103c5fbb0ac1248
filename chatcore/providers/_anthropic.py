"""Bytes of an answer of Anthropic's Messages API → messages, whole or streamed. No I/O.

The wire is Anthropic's (https://docs.anthropic.com/en/api/messages, /en/docs/build-with-claude/streaming), which
Vertex, gateways and local servers speak too: nothing here assumes that a field is there, or has the type it should
have, unless an answer is impossible without it.

An answer's content is a string if it is one plain text, else the API's own blocks: those are what can be sent back to
it. `chatcore.messages.block_translators.anthropic` reads them as standard blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from chatcore.messages._calls import tool_call, tool_call_chunk
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._tool_calls import finished_calls
from chatcore.messages.ai import build_chunk, build_message
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers._wire import (
    EVENTS,
    MAX_BODY_BYTES,
    Exchange,
    StreamDecoder,
    as_object,
    as_objects,
    count,
    generation,
    opening,
    parsed,
    text_of,
    unasked_stream,
    whole_chunk,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatcore.http.sse import ServerSentEvent
    from chatcore.messages import InvalidToolCall, ToolCall, ToolCallChunk, UsageMetadata

__all__ = ["AnswerDecoder", "decode_answer"]

_FACTS: Final = (
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "container",
    "context_management",
    "input_transformations",
    "diagnostics",
)
"""What is said of an answer as a whole and kept in `response_metadata` as it is."""

_CACHE_LIFETIMES: Final = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")

_BLOCK_OF_DELTA: Final = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
    "compaction_delta": "compaction",
}
"""Which kind of block a delta belongs to, should its block's own beginning be missing."""


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    An event gives a chunk only if it brings something: a ping, or the beginning of an empty block, is no progress.
    Pieces of one block have its number as their `index`. What is said of the answer as a whole (stop reason, usage,
    model, ...) comes with the last chunk, once. A server that ignores `stream` and answers in one JSON body is read as
    well. Of an answer that fails midway, the chunks before the failure are given first, wherever the bytes were cut.

    exchange: whose answer it is.
    blocks: whether text comes in blocks from the first piece on, as the reference has it for an answer that may hold
        other blocks: thoughts, tool calls, citations. If not, it comes as strings until another block begins.
    usage: whether to tell the tokens.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = ("_begun", "_blocks", "_current", "_facts", "_id", "_model", "_number", "_plain", "_tells", "_usage")

    def __init__(
        self, exchange: Exchange, *, blocks: bool = False, usage: bool = True, max_event_bytes: int = MAX_BODY_BYTES
    ) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        self._id: str | None = None
        self._model: str | None = None
        self._facts: dict[str, Any] = {}
        self._usage: dict[str, Any] | None = None
        self._tells = usage
        self._plain = not blocks
        self._begun = False
        self._blocks: dict[int, _Block] = {}
        self._current: _Block | None = None
        self._number = -1

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if not self._begun:
            raise self._exchange.malformed("holds no message: its stream ended without one")
        if not self.done and not self._facts.get("stop_reason"):
            raise self._exchange.broke_off("its stream ended without a stop reason and without message_stop")
        late = [self._given_whole(block) for block in self._blocks.values() if block.whole_args is not None]
        return [*late, self._last()]

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]

    # ----------------------------------------------------------------------------------------------------------- events

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        name, data, _ = event
        if not data:
            return
        if data[:1] == b"[" and data.strip() == b"[DONE]":
            self.done = True  # no word of the API's own, but gateways end with it
            return
        payload = self._payload(name, data)
        if payload is None:
            return
        kind = payload.get("type", name)
        if kind == "content_block_delta":
            chunk = self._piece(payload)
        elif kind == "content_block_start":
            chunk = self._first_piece(payload)
        elif kind == "content_block_stop":
            block = self._block_of(payload)
            chunk = None if block is None or block.whole_args is None else self._given_whole(block)
        else:
            self._read_frame(kind, payload)
            if kind == "message_start":
                # Empty as a rule; a server that prefills, or has all of it already, says so here.
                begun = as_objects(as_object(payload.get("message")).get("content"))
                chunks += filter(None, [self._first_piece({"content_block": part}) for part in begun])
            return
        if chunk is not None:
            chunks.append(chunk)

    def _read_frame(self, kind: Any, payload: dict[str, Any]) -> None:
        """Read what stands around the blocks."""
        if kind == "message_start":
            message = as_object(payload.get("message"))
            self._begun = True
            self._id = self._id or word(message.get("id"))
            self._model = self._model or word(message.get("model"))
            self._note(message, message.get("usage"))
        elif kind == "message_delta":
            self._begun = True
            self._note(payload, None)
            self._note(as_object(payload.get("delta")), payload.get("usage"))
        elif kind == "message_stop":
            self.done = True
        elif kind == "error" or payload.get("error"):
            raise self._exchange.failed(payload)

    def _note(self, said: dict[str, Any], usage: Any) -> None:
        """Take what an event says of the whole answer. Its counts are totals so far: the last of each counts."""
        for key in _FACTS:
            if said.get(key) is not None:
                self._facts[key] = said[key]
        if is_dict(usage):
            told = {key: value for key, value in usage.items() if value is not None}
            self._usage = {**(self._usage or {}), **told}

    def _block_of(self, payload: dict[str, Any]) -> _Block | None:
        index = payload.get("index")
        return self._blocks.get(index) if isinstance(index, int) else self._current

    def _begin_block(self, payload: dict[str, Any], kind: str) -> _Block:
        # Counted here, since servers exist that give every block the number 0.
        self._begun = True
        self._number += 1
        if kind != "text" or self._number > 0:
            self._plain = False
        block = self._current = _Block(self._number, kind)
        index = payload.get("index")
        self._blocks[index if isinstance(index, int) else self._number] = block
        return block

    # ----------------------------------------------------------------------------------------------------------- blocks

    def _first_piece(self, payload: dict[str, Any]) -> ChatGenerationChunk | None:
        """What the beginning of a block brings."""
        given = payload.get("content_block")
        kind = given.get("type") if is_dict(given) else None
        if not is_dict(given) or not isinstance(kind, str):
            return None
        block = self._begin_block(payload, kind)
        fields = _fields(given)
        if kind == "tool_use":
            return self._begun_call(block, fields)
        if kind in ("server_tool_use", "mcp_tool_use"):
            fields.pop("partial_json", None)
        elif kind in ("text", "thinking"):
            fields = {key: value for key, value in fields.items() if value or key == "type"}
            if len(fields) == 1:
                return None  # its text comes in pieces
            block.signature = fields.get("signature")
        elif kind == "fallback":
            # A hop to another model, which has written what follows.
            self._model = word(as_object(given.get("to")).get("model")) or self._model
        if self._plain and fields.keys() == {"type", "text"}:
            return self._chunk(fields["text"])
        self._plain = False
        return self._chunk([{**fields, "index": block.number}])

    def _begun_call(self, block: _Block, fields: dict[str, Any]) -> ChatGenerationChunk:
        # Some give the arguments here. Should they come in pieces as well, those are what counts.
        fields.pop("partial_json", None)
        args = fields.get("input")
        if args:
            block.whole_args = text_of(args)
        fields["input"] = args if is_dict(args) else {}
        call = tool_call_chunk(name=word(fields.get("name")), args="", id=word(fields.get("id")), index=block.number)
        return self._chunk([{**fields, "index": block.number}], call)

    def _given_whole(self, block: _Block) -> ChatGenerationChunk:
        """The arguments of a call that came with its beginning."""
        call = tool_call_chunk(args=block.whole_args, index=block.number)
        block.whole_args = None
        return self._chunk([], call)

    def _piece(self, payload: dict[str, Any]) -> ChatGenerationChunk | None:
        """What a piece of a block brings."""
        delta = payload.get("delta")
        if not is_dict(delta):
            return None
        kind = delta.get("type")
        of_kind = _BLOCK_OF_DELTA.get(kind) if isinstance(kind, str) else None
        if of_kind is None:
            return None
        block = self._block_of(payload) or self._begin_block(payload, of_kind)
        if kind == "input_json_delta":
            return self._call_piece(block, delta.get("partial_json"))
        if block.kind != of_kind:
            # A piece of another kind cannot be joined with what the block has: it is a block of its own.
            block = self._begin_block(payload, of_kind)
        if kind == "text_delta":
            text = delta.get("text")
            if self._plain and text and isinstance(text, str):
                return self._chunk(text)
        fields = _PIECES[cast("str", kind)](block, delta)
        if not fields:
            return None
        self._plain = False
        return self._chunk([{"type": of_kind, **fields, "index": block.number}])

    def _call_piece(self, block: _Block, args: Any) -> ChatGenerationChunk | None:
        if not args or not isinstance(args, str):
            return None
        piece = {"type": "input_json_delta", "partial_json": args, "index": block.number}
        if block.kind != "tool_use":
            return self._chunk([piece])
        block.whole_args = None
        call: ToolCallChunk = {
            "name": None,
            "args": args,
            "id": None,
            "index": block.number,
            "type": "tool_call_chunk",
        }
        return self._chunk([piece], call)

    # ----------------------------------------------------------------------------------------------------------- chunks

    def _chunk(self, content: str | list[Any], call: ToolCallChunk | None = None) -> ChatGenerationChunk:
        if type(content) is str:
            return generation(build_chunk(content=content, id=self._id))
        # Blocks are read as whose they are, also by those who look at each chunk.
        message = build_chunk(
            content=content,
            id=self._id,
            response_metadata={"model_provider": self._exchange.provider},
            tool_call_chunks=None if call is None else [call],
        )
        return generation(message)

    def _last(self) -> ChatGenerationChunk:
        stop_reason = word(self._facts.get("stop_reason"))
        message = build_chunk(
            id=self._id,
            response_metadata=_metadata(self._facts, self._model, self._id, self._usage, self._exchange),
            usage_metadata=_usage(self._usage) if self._tells else None,
            chunk_position="last",
        )
        return generation(message, {"finish_reason": stop_reason} if stop_reason else None)


class _Block:
    """A block that is being streamed.

    number: which block of the answer it is.
    whole_args: the arguments of a call, if they came with its beginning and not in pieces.
    signature: that of a thought, if it has come.
    """

    __slots__ = ("kind", "number", "signature", "whole_args")

    def __init__(self, number: int, kind: str) -> None:
        self.number = number
        self.kind = kind
        self.whole_args: str | None = None
        self.signature: Any = None


def _text_piece(_block: _Block, delta: dict[str, Any]) -> dict[str, Any]:
    text = delta.get("text")
    return {"text": text} if text and isinstance(text, str) else {}


def _citation_piece(_block: _Block, delta: dict[str, Any]) -> dict[str, Any]:
    citation = delta.get("citation")
    return {"text": "", "citations": _citations([citation])} if is_dict(citation) else {}


def _thinking_piece(_block: _Block, delta: dict[str, Any]) -> dict[str, Any]:
    thinking = delta.get("thinking")
    return {"thinking": thinking} if thinking and isinstance(thinking, str) else {}


def _signature_piece(block: _Block, delta: dict[str, Any]) -> dict[str, Any]:
    signature = delta.get("signature")
    if not signature or not isinstance(signature, str) or signature == block.signature:
        return {}  # said twice, it would be joined with itself
    block.signature = signature
    return {"thinking": "", "signature": signature}


def _compaction_piece(_block: _Block, delta: dict[str, Any]) -> dict[str, Any]:
    keys = ("content", "encrypted_content")
    return {key: delta[key] for key in keys if delta.get(key) and isinstance(delta[key], str)}


_PIECES: Final[dict[str, Callable[[_Block, dict[str, Any]], dict[str, Any]]]] = {
    "text_delta": _text_piece,
    "citations_delta": _citation_piece,
    "thinking_delta": _thinking_piece,
    "signature_delta": _signature_piece,
    "compaction_delta": _compaction_piece,
}


# -------------------------------------------------------------------------------------------------------- whole answers


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`.

    body: the reply's bytes: JSON, or the events of a server that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise; of the class that the error means.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or holds no message.
    """
    text = opening(body)
    if text.startswith(EVENTS):
        return unasked_stream(text, AnswerDecoder(exchange))
    answer = as_object(parsed(body, exchange))
    if answer.get("type") == "error" or answer.get("error"):
        raise exchange.failed(answer)
    content = answer.get("content")
    if not is_list(content) and not isinstance(content, str) and not answer.get("stop_reason"):
        if answer.get("message") or answer.get("detail"):
            raise exchange.failed(answer)  # of a gateway, in its own form
        raise exchange.malformed("holds no message", body)
    blocks = [_block(part) for part in content] if is_list(content) else []
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for block in blocks:
        if block["type"] == "tool_use":
            _add_call(block, calls, invalid)
    usage = answer.get("usage") if is_dict(answer.get("usage")) else None
    answer_id, model = word(answer.get("id")), word(answer.get("model"))
    message = build_message(
        content=_content(blocks) if blocks else text_of(content or ""),
        id=answer_id,
        response_metadata=_metadata(answer, model, answer_id, usage, exchange),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=_usage(usage),
    )
    told = ChatGeneration(message=message)
    told.generation_info = {"finish_reason": word(answer.get("stop_reason"))}
    result = ChatResult(generations=[told])
    result.llm_output = {"token_usage": usage, "model_name": model, "id": answer_id}
    return result


def _content(blocks: list[dict[str, Any]]) -> str | list[str | dict[Any, Any]]:
    """Blocks as the content of a message: a string if they are one plain text."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        only: str = blocks[0]["text"]
        return only
    return cast("list[str | dict[Any, Any]]", blocks)


def _block(part: Any) -> dict[str, Any]:
    """A block of an answer, such that it can be relied upon to be one."""
    if not is_dict(part) or not isinstance(part.get("type"), str):
        return {"type": "text", "text": text_of(part)}
    block = _fields(part)
    if block["type"] == "text":
        block.setdefault("text", "")
    elif block["type"] == "tool_use" and not is_dict(block.get("input")):
        # What is no object cannot be sent back as one; the call has it.
        block["partial_json"] = text_of(block.get("input") or "")
        block["input"] = {}
    return block


def _fields(part: dict[str, Any]) -> dict[str, Any]:
    """What a block says: null says nothing, except that a compaction has failed."""
    kind = part["type"]
    fields = {key: value for key, value in part.items() if key != "index" and (value is not None or key == "content")}
    for key in _TEXTS.get(kind, ()):
        if key in fields and not isinstance(fields[key], str) and not (key == "content" and fields[key] is None):
            fields[key] = text_of(fields[key])
    if "citations" in fields and kind == "text":
        fields["citations"] = _citations(fields["citations"])
        if not fields["citations"]:
            del fields["citations"]
    return fields


_TEXTS: Final = {
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "compaction": ("content", "encrypted_content"),
}
"""The fields of a block that are texts, and that later pieces are joined with."""


def _citations(given: Any) -> list[dict[str, Any]]:
    # An index of its own would be taken for that of a piece that grows.
    return [{key: value for key, value in one.items() if key != "index"} for one in as_objects(given)]


def _add_call(block: dict[str, Any], calls: list[ToolCall], invalid: list[InvalidToolCall]) -> None:
    name, call_id = word(block.get("name")) or "", word(block.get("id"))
    if "partial_json" not in block:
        calls.append(tool_call(name=name, args=block["input"], id=call_id))
        return
    more, unreadable = finished_calls([tool_call_chunk(name=name, args=block["partial_json"], id=call_id)])
    calls += more
    invalid += unreadable


# ------------------------------------------------------------------------------------------------------- pieces of both


def _metadata(
    facts: Mapping[str, Any], model: str | None, answer_id: str | None, usage: dict[str, Any] | None, exchange: Exchange
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"model_provider": exchange.provider}
    stop_reason = word(facts.get("stop_reason"))
    if stop_reason:
        metadata["finish_reason"] = stop_reason
    if model:
        metadata["model_name"] = metadata["model"] = model
    if answer_id:
        metadata["id"] = answer_id
    metadata.update({key: facts[key] for key in _FACTS if facts.get(key) is not None})
    if usage is not None:
        metadata["usage"] = usage
    metadata.update(exchange.metadata)
    return metadata


def _usage(raw: Mapping[str, Any] | None) -> UsageMetadata | None:
    """`raw` as standard counts: the API's `input_tokens` leave out those that the cache took or gave."""
    if raw is None:
        return None
    given, made = count(raw, "input_tokens"), count(raw, "output_tokens")
    if given is None and made is None:
        return None
    read, written = count(raw, "cache_read_input_tokens"), count(raw, "cache_creation_input_tokens")
    of_input = {"cache_read": read, "cache_creation": written}
    lifetimes = as_object(raw.get("cache_creation"))
    by_lifetime = {key: count(lifetimes, key) for key in _CACHE_LIFETIMES}
    of_input.update(by_lifetime)
    apart = sum(tokens or 0 for tokens in by_lifetime.values())
    if apart:
        # As the reference has it, what is told by lifetime is not told again; but seldom that is not all of it.
        of_input["cache_creation"] = max((written or 0) - apart, 0)
    total_given = (given or 0) + (read or 0) + max(written or 0, apart)
    usage: UsageMetadata = {
        "input_tokens": total_given,
        "output_tokens": made or 0,
        "total_tokens": total_given + (made or 0),
    }
    told = {key: tokens for key, tokens in of_input.items() if tokens is not None}
    if told:
        usage["input_token_details"] = cast("Any", told)
    thought = count(as_object(raw.get("output_tokens_details")), "thinking_tokens")
    if thought is not None:
        usage["output_token_details"] = {"reasoning": thought}
    return usage
