"""Bytes of a Gemini answer → messages, whole or streamed as events or as a JSON array. No I/O.

The wire is that of the Gemini API and of Vertex AI (https://ai.google.dev/api/generate-content,
https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse). An answer is a list of
parts, and any part may carry a thought signature, which has to come back in the same place.

Content is as langchain-google-genai has it: a string if there is only plain text, else its blocks. Calls stand in
`tool_calls` alone, with their signatures in `additional_kwargs`; but where something follows a call, the content says
where the call stood.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from typing_extensions import override

from chatcore.http.json_array import JSONArrayDecoder
from chatcore.messages._calls import tool_call_chunk
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._tool_calls import finished_calls, parsed_call
from chatcore.messages.ai import build_chunk, build_message
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from chatcore.providers._gemini_arguments import ArgumentsWriter
from chatcore.providers._wire import (
    EVENTS,
    MAX_BODY_BYTES,
    Exchange,
    Framing,
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
    from chatcore.messages import ToolCallChunk, UsageMetadata

__all__ = ["PROVIDER", "SIGNATURES", "AnswerDecoder", "decode_answer", "is_generation_3", "is_made"]

PROVIDER: Final = "google_genai"
"""Who answered, as `response_metadata["model_provider"]` says it: the reference's name for both of Google's APIs."""

SIGNATURES: Final = "__gemini_function_call_thought_signatures__"
"""The key of `additional_kwargs` that holds the signatures of calls, by the calls' ids: the reference's."""

FINISH_REASONS: Final = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
"""Why an answer ended, by its number: some gateways and clients have enums as numbers."""

MORE_REASONS: Final[Mapping[bool, tuple[str, ...]]] = {
    # google.ai.generativelanguage.v1beta.Candidate.FinishReason, from 6 on.
    False: (
        *("LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY"),
        *("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
    ),
    # google.cloud.aiplatform.v1.Candidate.FinishReason, from 6 on.
    True: ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "MODEL_ARMOR"),
}
"""The further reasons, which the Gemini API (False) and Vertex AI (True) number differently."""

BLOCK_REASONS: Final = ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT")
MODALITIES: Final = ("", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")
LANGUAGES: Final = ("", "PYTHON")
OUTCOMES: Final = ("OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED")

_MADE: Final = "gemini-"
_IS_MADE: Final = re.compile(rf"{_MADE}[0-9a-f]{{32}}")

_NOT_ABOUT_THE_WHOLE: Final = frozenset({"content", "index", "finishReason"})
"""What a candidate says that is not kept, by its own name, in `response_metadata`."""

_MERGEABLE: Final = frozenset({"text", "thinking"})


def is_made(call_id: object) -> bool:
    """Whether an id was made here, for a call that Gemini gave none: Gemini is not to be told it."""
    return isinstance(call_id, str) and _IS_MADE.fullmatch(call_id) is not None


@lru_cache(maxsize=256)
def is_generation_3(model: str) -> bool:
    """Whether a model is Gemini 3 or later: those answer in blocks, and ask for their signatures."""
    return any(int(found) >= 3 for found in re.findall(r"gemini-(\d{1,4})", model.lower()))


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    An event gives a chunk only if it brings something. What is said of the answer as a whole (finish reason, usage,
    grounding, ...) comes with the last chunk, once. Both framings are read: server-sent events, and the JSON array that
    is sent unless `alt=sse` is asked for; so is a single JSON body. Of several candidates, the first is read.

    exchange: whose answer it is.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = ("_facts", "_index", "_parts")

    def __init__(self, exchange: Exchange, *, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        self._facts = _Facts()
        self._parts: _Parts | None = None
        # Which candidate is read.
        self._index: Any = None

    @override
    def _framed(self, start: bytes) -> Framing | None:
        return JSONArrayDecoder(self._max_bytes) if start.startswith(b"[") else super()._framed(start)

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        name, data, _ = event
        if not data:
            return
        if data[:1] == b"[" and data.strip() == b"[DONE]":
            self.done = True  # no word of Google's own, but gateways end with it
            return
        payload = self._payload(name, data)
        if payload is None:
            return
        if payload.get("error"):
            raise self._exchange.failed(payload)
        candidate = self._candidate_of(payload)
        self._facts.note(payload, candidate)
        content = candidate.get("content")
        if not content or not is_dict(content):
            return
        parts = self._parts
        if parts is None:
            parts = self._parts = _Parts(self._exchange, self._facts.model or self._exchange.model)
        said = parts.read(content.get("parts"))
        calls = parts.take_calls()
        extras = parts.take_extras()
        if said or calls or extras:
            said = said or parts.nothing
            # Blocks are read as whose they are, also by those who look at each chunk.
            whose = None if type(said) is str else {"model_provider": PROVIDER}
            message = build_chunk(
                content=said, additional_kwargs=extras, response_metadata=whose, tool_call_chunks=calls
            )
            chunks.append(generation(message))

    def _candidate_of(self, payload: dict[str, Any]) -> dict[str, Any]:
        candidates = payload.get("candidates")
        if not candidates or not is_list(candidates):
            return {}
        for candidate in candidates:
            if is_dict(candidate):
                index = candidate.get("index") or 0
                if self._index is None:
                    self._index = index
                if index == self._index:
                    return candidate
        return {}

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        facts = self._facts
        if not facts.is_known:
            raise self._exchange.malformed("holds no candidate: its stream ended without one")
        if not (facts.finish_reason or facts.block_reason or self.done):
            raise self._exchange.broke_off("its stream ended without a finish reason")
        chunks: list[ChatGenerationChunk] = []
        if self._parts is not None and (calls := self._parts.end()):
            chunks.append(generation(build_chunk(content=self._parts.nothing, tool_call_chunks=calls)))
        message = build_chunk(
            content="" if self._parts is None else self._parts.nothing,
            additional_kwargs=facts.extras(),
            response_metadata=facts.metadata(self._exchange),
            usage_metadata=facts.usage(),
            chunk_position="last",
        )
        chunks.append(generation(message, {"finish_reason": facts.finish_reason} if facts.finish_reason else None))
        return chunks

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`: a generation for each candidate.

    A prompt that was blocked has an answer too: without content, with the reason as its refusal and with
    `prompt_feedback` in its `response_metadata`.

    body: the reply's bytes: JSON, or the events of a server that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise; of the class that the error means.
        ConnectionFailedError: the body is a stream that is not over.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or no answer.
    """
    text = opening(body)
    if text.startswith((b"[", *EVENTS)):
        return unasked_stream(text, AnswerDecoder(exchange))
    payload = as_object(parsed(body, exchange))
    if payload.get("error"):
        raise exchange.failed(payload)
    candidates = as_objects(payload.get("candidates"))
    facts = _Facts()
    facts.note(payload, {})
    if not candidates and not facts.is_known:
        raise exchange.malformed("holds no candidate", body)
    generations = [_generation(payload, candidate, exchange) for candidate in candidates or [{}]]
    result = ChatResult(generations=generations)
    result.llm_output = {"token_usage": facts.counts(), "model_name": facts.model}
    if facts.feedback is not None:
        result.llm_output["prompt_feedback"] = facts.feedback
    return result


def _generation(payload: dict[str, Any], candidate: dict[str, Any], exchange: Exchange) -> ChatGeneration:
    facts = _Facts()
    facts.note(payload, candidate)
    parts = _Parts(exchange, facts.model or exchange.model)
    content = parts.read(as_object(candidate.get("content")).get("parts")) or parts.nothing
    pieces = parts.take_calls() or []
    pieces += parts.end() or []
    calls, invalid = finished_calls(_whole_calls(pieces))
    if is_list(content):
        for block in content:
            if is_dict(block):
                block.pop("index", None)
    generated = ChatGeneration(
        message=build_message(
            content=content,
            additional_kwargs={**(parts.take_extras() or {}), **(facts.extras() or {})},
            response_metadata=facts.metadata(exchange),
            tool_calls=calls,
            invalid_tool_calls=invalid,
            # What one answer of several cost, nobody says: the first has the cost of all.
            usage_metadata=facts.usage() if not candidate.get("index") else None,
        )
    )
    generated.generation_info = {"finish_reason": facts.finish_reason}
    return generated


def _whole_calls(pieces: list[ToolCallChunk]) -> list[ToolCallChunk]:
    """Calls, of which some came in pieces."""
    texts: dict[int | None, list[str]] = {}
    first: dict[int | None, ToolCallChunk] = {}
    for piece in pieces:
        first.setdefault(piece["index"], piece)
        texts.setdefault(piece["index"], []).append(piece["args"] or "")
    return [{**piece, "args": "".join(texts[index])} for index, piece in first.items()]


# ---------------------------------------------------------------------------------------------------- the whole answer


class _Facts:
    """What is said of an answer as a whole; of what is said more than once, the last counts."""

    __slots__ = ("_about", "_id", "_usage", "block_reason", "feedback", "finish_reason", "is_known", "model")

    def __init__(self) -> None:
        self.is_known = False
        """Whether this is an answer at all."""
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.block_reason: str | None = None
        self.feedback: dict[str, Any] | None = None
        self._id: str | None = None
        self._usage: dict[str, Any] | None = None
        self._about: dict[str, Any] = {}

    def note(self, payload: dict[str, Any], candidate: dict[str, Any]) -> None:
        """Take what an event, and the candidate in it, say."""
        if candidate:
            self.is_known = True
            reason = candidate.get("finishReason")
            if reason:
                self.finish_reason = _finish_reason(reason, payload) or self.finish_reason
            for key in candidate.keys() - _NOT_ABOUT_THE_WHOLE:
                if candidate[key] not in (None, {}, []):
                    self._about[key] = candidate[key]
        usage = payload.get("usageMetadata")
        if usage and is_dict(usage):
            self.is_known = True
            self._usage = usage if self._usage is None else {**self._usage, **usage}
        if self.model is None:
            self.model = word(payload.get("modelVersion"))
        if self._id is None:
            self._id = word(payload.get("responseId"))
            self.is_known = self.is_known or self._id is not None
        feedback = payload.get("promptFeedback")
        if feedback and is_dict(feedback):
            self.is_known = True
            reason = feedback.get("blockReason")
            self.block_reason = _named(reason, BLOCK_REASONS) if reason else self.block_reason
            self.feedback = cast("dict[str, Any]", _in_snake_case(feedback))

    def extras(self) -> dict[str, Any] | None:
        """What goes into `additional_kwargs`: why a prompt was blocked."""
        return {"refusal": self.block_reason} if self.block_reason else None

    def metadata(self, exchange: Exchange) -> dict[str, Any]:
        said: dict[str, Any] = {
            "model_provider": PROVIDER,
            "model_name": self.model,
            "id": self._id,
            "finish_reason": self.finish_reason,
            "prompt_feedback": self.feedback,
            "usage_metadata": self.counts() or None,
        }
        told = {key: value for key, value in said.items() if value is not None}
        about = {_snake(key): _in_snake_case(value) for key, value in self._about.items()}
        return {**about, **told, **exchange.metadata}

    def counts(self) -> dict[str, Any]:
        """The usage as Google tells it."""
        return cast("dict[str, Any]", _in_snake_case(self._usage or {}))

    def usage(self) -> UsageMetadata | None:
        """The tokens. What tools brought into the prompt is input; what was thought is output."""
        usage = self._usage or {}
        given = [count(usage, key) for key in ("promptTokenCount", "toolUsePromptTokenCount")]
        made = [count(usage, key) for key in ("candidatesTokenCount", "thoughtsTokenCount")]
        total = count(usage, "totalTokenCount")
        if all(number is None for number in (*given, *made, total)):
            return None
        came, went = sum(number or 0 for number in given), sum(number or 0 for number in made)
        told: UsageMetadata = {
            "input_tokens": came,
            "output_tokens": went,
            "total_tokens": came + went if total is None else total,
        }
        details = {
            "audio": _of_audio(usage.get("promptTokensDetails")),
            "cache_read": count(usage, "cachedContentTokenCount"),
        }
        if any(number is not None for number in details.values()):
            told["input_token_details"] = cast("Any", {key: n for key, n in details.items() if n is not None})
        details = {"audio": _of_audio(usage.get("candidatesTokensDetails")), "reasoning": made[1]}
        if any(number is not None for number in details.values()):
            told["output_token_details"] = cast("Any", {key: n for key, n in details.items() if n is not None})
        return told


def _of_audio(details: object) -> int | None:
    counts = [
        count(detail, "tokenCount") or 0
        for detail in as_objects(details)
        if _named(detail.get("modality"), MODALITIES) == "AUDIO"
    ]
    return sum(counts) if counts else None


def _finish_reason(reason: Any, payload: dict[str, Any]) -> str | None:
    if isinstance(reason, int) and not isinstance(reason, bool) and reason >= len(FINISH_REASONS):
        more = MORE_REASONS["createTime" in payload]  # Vertex AI alone says when it began
        position = reason - len(FINISH_REASONS)
        return more[position] if position < len(more) else f"UNKNOWN_{reason}"
    found = _named(reason, FINISH_REASONS)
    return None if found == "FINISH_REASON_UNSPECIFIED" else found


def _named(value: Any, names: tuple[str, ...]) -> str | None:
    """An enum's name, which may come as its number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (names[value] or None) if 0 <= value < len(names) else f"UNKNOWN_{value}"
    return word(value)


_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=1024)
def _snake(key: str) -> str:
    return _HUMP.sub("_", key).lower() if len(key) < 100 else key


def _in_snake_case(value: Any) -> Any:
    """A value with its keys as the reference has them, which takes them from Google's SDK for Python."""
    if is_dict(value):
        return {_snake(key): _in_snake_case(item) for key, item in value.items()}
    return [_in_snake_case(item) for item in value] if is_list(value) else value


# --------------------------------------------------------------------------------------------------------------- parts


def _with_extras(block: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A block with what its part says besides."""
    extras = {key: part[key] for key in ("thought", "videoMetadata", "mediaResolution") if part.get(key)}
    if signature := word(part.get("thoughtSignature")):
        extras["signature"] = signature
    return {**block, "extras": {**block.get("extras", {}), **extras}} if extras else block


class _Call:
    """A call whose arguments come in pieces, or one that the content does not show yet."""

    __slots__ = ("id", "index", "name", "texts", "writer")

    def __init__(self, name: str | None, call_id: str, index: int) -> None:
        self.name = name
        self.id = call_id
        self.index = index
        self.texts: list[str] = []
        self.writer = ArgumentsWriter()


class _Parts:
    """The parts of one candidate, in as many steps as they come, as content, calls and what stands beside.

    Blocks and calls share one numbering. Neighbouring texts are one block, and so are neighbouring thoughts; but a part
    with a signature is a block of its own, as it has to come back.
    """

    __slots__ = ("_blocks", "_call", "_calls", "_code_id", "_exchange", "_extras", "_index", "_open", "_unplaced")

    def __init__(self, exchange: Exchange, model: str | None) -> None:
        self._exchange = exchange
        # Whether text comes in blocks: that of the newer models always, as the reference has it.
        self._blocks = is_generation_3(model or "")
        self._index = -1
        # The kind of block that the next text goes on with.
        self._open: str | None = None
        self._call: _Call | None = None
        self._calls: list[ToolCallChunk] = []
        # Calls after which nothing has come so far.
        self._unplaced: list[_Call] = []
        self._extras: dict[str, Any] = {}
        self._code_id = ""

    @property
    def nothing(self) -> str | list[Any]:
        """The content of what brings none: joined to blocks, it is nothing."""
        return [] if self._blocks else ""

    def read(self, parts: Any) -> str | list[Any]:
        """The content that the next parts are."""
        if is_list(parts):
            if len(parts) == 1 and is_dict(parts[0]) and not _is_of_two_kinds(parts[0]):
                return self._read_one(parts[0])
            said = _Content()
            for part in parts:
                if is_dict(part):
                    for each in _apart(part):
                        said.add(self._read_one(each))
            return said.value()
        return self.read([parts]) if is_dict(parts) else ""

    def take_calls(self) -> list[ToolCallChunk] | None:
        """The calls, and pieces of calls, that have come since."""
        calls, self._calls = self._calls, []
        return calls or None

    def take_extras(self) -> dict[str, Any] | None:
        """What goes into `additional_kwargs`, of what has come since."""
        extras, self._extras = self._extras, {}
        return extras or None

    def end(self) -> list[ToolCallChunk] | None:
        """What completes a call that was not said to be complete."""
        self._end_call()
        return self.take_calls()

    def _read_one(self, part: dict[str, Any]) -> str | list[Any]:
        text = part.get("text")
        signature = word(part.get("thoughtSignature"))
        if text is not None and isinstance(text, str):
            if not text and not signature:
                return ""
            if part.get("thought"):
                return self._grown("thinking", text, signature)
            if not (self._blocks or self._unplaced or signature):
                return text
            return self._grown("text", text, signature)
        kind = next((key for key in part if key in _KINDS and part[key] is not None), None)
        if kind == "functionCall":
            self._read_call(as_object(part[kind]), signature)
            return ""
        block = None if kind is None else _KINDS[kind](self, as_object(part[kind]))
        return self._unknown(part) if block is None else self._placed(_with_extras(block, part))

    def _unknown(self, part: dict[str, Any]) -> str | list[Any]:
        """A part of a kind that is not known here: as it is, to be sent back so."""
        if part.keys() == {"thoughtSignature"}:
            signature = word(part["thoughtSignature"])
            return self._grown("text", "", signature) if signature else ""
        if not any(value is not None for key, value in part.items() if key != "thought"):
            return ""
        return self._placed({"type": "non_standard", "value": part})

    def _grown(self, kind: str, text: str, signature: Any) -> list[Any]:
        """A text or thought: its own block, or what the last one goes on with."""
        block: dict[str, Any] = {"type": kind, kind: text}
        if signature:
            if kind == "thinking":
                block["signature"] = signature
            else:
                block["extras"] = {"signature": signature}
        elif kind == self._open and not self._unplaced:
            block["index"] = self._index
            return [block]
        placed = self._placed(block)
        self._open = None if signature else kind
        return placed

    def _placed(self, block: dict[str, Any]) -> list[Any]:
        """A block after all that has come, calls too."""
        self._blocks = True
        self._open = None
        self._end_call()
        blocks: list[Any] = []
        for call in self._unplaced:
            args = "".join(call.texts)
            read = parsed_call(call.name, args, call.id)
            blocks.append({"type": "function_call", "name": call.name or "", "args": read["args"], "id": call.id})
        self._unplaced.clear()
        blocks.append(block)
        for each in blocks:
            self._index += 1
            each["index"] = self._index
        return blocks

    # ----------------------------------------------------------------------------------------------------------- calls

    def _read_call(self, function: dict[str, Any], signature: Any) -> None:
        name = word(function.get("name"))
        call = self._call
        if name is not None or call is None:
            if name is None and not (function.keys() & {"id", "args", "partialArgs"}):
                return
            self._end_call()
            call = self._begun_call(name, function)
        if signature:
            self._extras.setdefault(SIGNATURES, {}).setdefault(call.id, signature)
        goes_on = function.get("willContinue") is True
        if call.texts or goes_on or "partialArgs" in function:
            self._call = call
            self._write(call, function)
            if not goes_on:
                self._end_call()
        else:
            args = function.get("args")
            self._give(call, "{}" if args is None else text_of(args), call.name)

    def _begun_call(self, name: str | None, function: dict[str, Any]) -> _Call:
        self._open = None
        self._index += 1
        call_id = word(function.get("id")) or f"{_MADE}{uuid4().hex}"
        call = _Call(name, call_id, self._index)
        self._unplaced.append(call)
        return call

    def _write(self, call: _Call, function: dict[str, Any]) -> None:
        """The next piece of a call that comes in pieces."""
        try:
            texts = [call.writer.put(key, value) for key, value in as_object(function.get("args")).items()]
            texts += [call.writer.add(piece) for piece in as_objects(function.get("partialArgs"))]
        except ValueError as error:
            raise self._exchange.malformed(f"holds a function call that cannot be put together: {error}") from error
        self._give(call, "".join(texts), None if call.texts else call.name)

    def _end_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._give(call, call.writer.end(), None)

    def _give(self, call: _Call, text: str, name: str | None) -> None:
        if text or not call.texts:
            call_id = None if call.texts else call.id
            call.texts.append(text)
            self._calls.append(tool_call_chunk(name=name, args=text, id=call_id, index=call.index))

    # ----------------------------------------------------------------------------------------------------- other parts

    def executable_code(self, code: dict[str, Any]) -> dict[str, Any] | None:
        self._code_id = word(code.get("id")) or f"{_MADE}{uuid4().hex}"
        return {
            "type": "executable_code",
            "executable_code": text_of(code.get("code") or ""),
            "language": _named(code.get("language"), LANGUAGES) or "LANGUAGE_UNSPECIFIED",
            "id": self._code_id,
        }

    def code_execution_result(self, result: dict[str, Any]) -> dict[str, Any] | None:
        outcome = result.get("outcome")
        return {
            "type": "code_execution_result",
            "code_execution_result": text_of(result.get("output") or ""),
            # A number, as the reference has it.
            "outcome": OUTCOMES.index(outcome) if outcome in OUTCOMES else outcome if isinstance(outcome, int) else 0,
            "tool_call_id": word(result.get("id")) or self._code_id,
        }

    def server_call(self, call: dict[str, Any]) -> dict[str, Any] | None:
        return {
            "type": "server_tool_call",
            "name": (word(call.get("toolType")) or "media_processing").lower(),
            "id": word(call.get("id")) or f"{_MADE}{uuid4().hex}",
            "args": as_object(call.get("args")),
        }

    def server_result(self, result: dict[str, Any]) -> dict[str, Any] | None:
        return {
            "type": "server_tool_result",
            "tool_call_id": word(result.get("id")) or "",
            "status": "success",
            "output": result.get("response"),
            "extras": {"block_type": (word(result.get("toolType")) or "media_processing").lower()},
        }

    def inline_data(self, blob: dict[str, Any]) -> dict[str, Any] | None:
        data, mime_type = blob.get("data"), blob.get("mimeType")
        if not isinstance(data, str) or not isinstance(mime_type, str):
            return None
        kind = mime_type.partition("/")[0]
        if kind == "image":
            return {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{data}"}}
        return {"type": kind if kind in ("audio", "video") else "file", "base64": data, "mime_type": mime_type}

    def file_data(self, file: dict[str, Any]) -> dict[str, Any] | None:
        uri = word(file.get("fileUri"))
        if uri is None:
            return None
        mime_type = word(file.get("mimeType"))
        return {"type": "file_data", "file_uri": uri, **({"mime_type": mime_type} if mime_type else {})}


_KINDS: Final[dict[str, Callable[[_Parts, dict[str, Any]], dict[str, Any] | None]]] = {
    "functionCall": lambda _parts, _call: None,  # read apart: it is no block
    "executableCode": _Parts.executable_code,
    "codeExecutionResult": _Parts.code_execution_result,
    "toolCall": _Parts.server_call,
    "toolResponse": _Parts.server_result,
    "inlineData": _Parts.inline_data,
    "fileData": _Parts.file_data,
}


def _is_of_two_kinds(part: dict[str, Any]) -> bool:
    return len(part) > 1 and part.get("text") is not None and any(part.get(key) is not None for key in _KINDS)


def _apart(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A part that is a text and something else, as two; a signature is of the latter.

    Google writes none: but gateways write an empty text, or the text itself, beside a call.
    """
    if not _is_of_two_kinds(part):
        return [part]
    text: dict[str, Any] = {key: part[key] for key in ("text", "thought") if key in part}
    return [text, {key: value for key, value in part.items() if key != "text"}]


class _Content:
    """Contents of several parts that came together, as one."""

    __slots__ = ("_blocks", "_growing", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._blocks: list[Any] = []
        # The texts of the last block, as long as it grows.
        self._growing: list[str] = []

    def add(self, content: str | list[Any]) -> None:
        if isinstance(content, str):
            self._texts.append(content)
            return
        for block in content:
            kind = block["type"]
            if self._blocks and self._blocks[-1]["index"] == block["index"]:
                self._growing.append(block[kind])
                continue
            self._grow()
            self._blocks.append(block)
            self._growing = [block[kind]] if kind in _MERGEABLE else []

    def _grow(self) -> None:
        if len(self._growing) > 1:
            last = self._blocks[-1]
            last[last["type"]] = "".join(self._growing)

    def value(self) -> str | list[Any]:
        self._grow()
        text = "".join(self._texts)
        if not self._blocks:
            return text
        return [text, *self._blocks] if text else self._blocks
