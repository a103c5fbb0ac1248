"""Bytes of a chat completions answer → messages, whole or streamed. No I/O.

The wire is OpenAI's (https://platform.openai.com/docs/api-reference/chat), read as some forty hosts write it: nothing
here assumes that a field is there, or has the type it should have, unless an answer is impossible without it. What
differs between hosts is told apart by the answer itself, so that no table is needed to read one.

`<think>` tags inside the content stay where they are: only the model's own template knows whether they are markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from chatcore.messages._json import read_json
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
    as_text,
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
    from collections.abc import Mapping

    from chatcore.http.sse import ServerSentEvent
    from chatcore.messages import AIMessage, ToolCallChunk, UsageMetadata

__all__ = ["AnswerDecoder", "decode_answer"]

_TOP_LEVEL_KEPT: Final = ("citations", "search_results", "images", "related_questions")
"""What hosts add beside the choices and a user may want: Perplexity's sources."""

_FACTS: Final = ("system_fingerprint", "service_tier", "prompt_filter_results")
"""What is said of an answer as a whole and is metadata; the last is what Azure's filter found in the prompt."""

_SAYS_WHY: Final = ("errors", "message", "detail", "msg", "base_resp")
"""Where an answer without choices may say why it is none: Cloudflare, FastAPI's servers, MiniMax, and others."""

_MESSAGE_KEPT: Final = ("annotations", "images")
"""Lists of a message that are kept as they are; a stream's come with its last chunk."""


_TEXT_DELTA: Final = frozenset({"content", "role"})
"""What a delta has that brings text and nothing else."""


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    An event gives a chunk only if it brings something: a role or an empty delta is no progress. What is said of the
    answer as a whole (finish reason, usage, model, ...) comes with the last chunk, once, since hosts repeat it, correct
    it, or spread it over several events. A host that ignores `stream` and answers in one JSON body is read as well.
    Of an answer that fails midway, the chunks before the failure are given first, wherever the bytes were cut.

    exchange: whose answer it is.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = (
        "_audio_seen",
        "_calls",
        "_choice",
        "_counted",
        "_details",
        "_facts",
        "_finish_reason",
        "_function_named",
        "_id",
        "_in_pieces",
        "_kept",
        "_model",
        "_parts",
        "_usage",
        "_why",
    )

    def __init__(self, exchange: Exchange, *, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        # An event before any choice that may say why there is none.
        self._why: dict[str, Any] | None = None
        self._id: str | None = None
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._facts: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._choice: int | None = None
        self._counted = False
        self._in_pieces = False
        self._calls = _CallTracker()
        self._parts = _PartTracker()
        self._details = _DetailTracker()
        self._function_named = False
        self._audio_seen: set[str] = set()

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if self._choice is None and self._why is not None:
            raise self._exchange.failed(self._why)
        if not (self.done or self._counted) and self._finish_reason is None:
            raise self._exchange.broke_off("its stream ended without a finish reason and without [DONE]")
        if self._choice is None:
            raise self._exchange.malformed("holds no choice: its stream ended without one")
        return [self._last()]

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]

    # ----------------------------------------------------------------------------------------------------------- events

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        name, data, _ = event
        if data[:1] != b"{" and data.strip() == b"[DONE]":
            self.done = True
            return
        payload = self._payload(name, data) if data else None
        if payload is None:
            return
        if payload.get("error") or name == "error" or payload.get("object") == "error":
            raise self._exchange.failed(payload)
        self._note(payload)
        choices = payload.get("choices")
        if not choices and self._choice is None and any(payload.get(key) for key in _SAYS_WHY):
            self._why = payload
        elif not choices and self._choice is not None and payload.get("usage"):
            # The tokens of all of it, told alone, are the last that a stream says.
            self._counted = True
        for choice in as_objects(choices):
            chunk = self._read_choice(choice)
            if chunk is not None:
                chunks.append(chunk)

    def _note(self, payload: dict[str, Any]) -> None:
        """Take what an event says of the whole answer. Of what is repeated the first counts; of usage the last."""
        if self._id is None:
            self._id = word(payload.get("id"))
        if self._model is None:
            self._model = word(payload.get("model"))
        usage = _usage_of(payload)
        if usage is not None:
            self._usage = usage
        for key in _FACTS:
            if payload.get(key):
                self._facts[key] = payload[key]
        for key in _TOP_LEVEL_KEPT:
            if payload.get(key):
                self._kept[key] = payload[key]

    def _read_choice(self, choice: dict[str, Any]) -> ChatGenerationChunk | None:
        if choice.get("error"):
            raise self._exchange.failed(choice)
        index = choice.get("index") or 0
        if self._choice is None:
            self._choice = index
        elif index != self._choice:
            return None  # one stream is one message; of several choices it is the first
        self._finish_reason = word(choice.get("finish_reason")) or self._finish_reason
        filtered = choice.get("content_filter_results")
        if filtered and is_dict(filtered):
            # What Azure's filter found in this part; each category's last word counts.
            self._facts["content_filter_results"] = {**self._facts.get("content_filter_results", {}), **filtered}
        delta = choice.get("delta")
        if not is_dict(delta):
            # Some hosts send all of the answer as a whole message; where pieces came before it, it repeats them.
            delta = choice.get("message")
            if not is_dict(delta) or self._in_pieces:
                return None
            return self._chunk(delta, choice.get("logprobs"))
        self._in_pieces = True
        return self._chunk(delta, choice.get("logprobs"))

    def _chunk(self, delta: dict[str, Any], logprobs: Any) -> ChatGenerationChunk | None:
        content: Any = delta.get("content")
        if not isinstance(content, str) or self._parts.begun:
            content = self._parts.content(content)
        elif logprobs is None and delta.keys() <= _TEXT_DELTA:
            # What nearly every event is.
            return generation(build_chunk(content, id=self._id)) if content else None
        extras = _reasoning_of(delta)
        self._keep_lists(delta)
        details = delta.get("reasoning_details")
        if details and is_list(details):
            extras["reasoning_details"] = [self._details.piece(detail) for detail in details]
        if delta.get("refusal"):
            extras["refusal"] = text_of(delta["refusal"])
        if delta.get("audio"):
            self._add_audio(extras, delta["audio"])
        if delta.get("function_call"):
            self._add_function(extras, delta["function_call"])
        raw_calls = delta.get("tool_calls")
        calls = self._calls.chunks(raw_calls) if raw_calls else []
        tokens = _logprobs_of(logprobs)
        if not (content or extras or calls or tokens):
            return None
        message = build_chunk(
            content=content,
            id=self._id,
            additional_kwargs=extras,
            tool_call_chunks=calls,
            response_metadata={"logprobs": tokens} if tokens else {},
        )
        return generation(message, {"logprobs": tokens} if tokens else None)

    def _keep_lists(self, delta: dict[str, Any]) -> None:
        for key in _MESSAGE_KEPT:
            if is_list(delta.get(key)):
                kept = self._kept.get(key)
                if is_list(kept):
                    kept.extend(delta[key])
                else:
                    self._kept[key] = delta[key]

    def _add_audio(self, extras: dict[str, Any], audio: Any) -> None:
        if not is_dict(audio):
            return
        # Data and transcript come in pieces; anything else is said once and must not be joined with itself.
        new = {
            key: value
            for key, value in audio.items()
            if value and (key not in self._audio_seen or (key in ("data", "transcript") and isinstance(value, str)))
        }
        self._audio_seen.update(new)
        if new:
            extras["audio"] = new

    def _add_function(self, extras: dict[str, Any], call: Any) -> None:
        function = _function_of(call)
        if self._function_named:
            function.pop("name", None)
        self._function_named = self._function_named or "name" in function
        if function:
            extras["function_call"] = function

    def _last(self) -> ChatGenerationChunk:
        metadata = _metadata(
            finish_reason=self._finish_reason,
            model=self._model,
            answer_id=self._id,
            facts=self._facts,
            usage=self._usage,
            exchange=self._exchange,
        )
        message = build_chunk(
            content=self._parts.content("") if self._parts.begun else "",
            id=self._id,
            additional_kwargs=self._kept,
            response_metadata=metadata,
            usage_metadata=_usage(self._usage),
            chunk_position="last",
        )
        return generation(message, {"finish_reason": self._finish_reason} if self._finish_reason else None)


class _CallTracker:
    """Which tool call a streamed piece belongs to.

    OpenAI numbers the calls, and gives id and name with the first piece only. Others leave the number out, give every
    call the number 0, repeat the id, or send an empty one. A piece begins a new call if its number is new; or if it has
    a name, and an id other than that of the call with its number; or, having no id, if the
    call with its number was named in the same event or is whole; or, having no number, if it has a name and no id of a
    known call. A piece with neither number, name nor id goes on with the last call.
    """

    __slots__ = ("_by_id", "_by_number", "_current", "_ids", "_named", "_named_here", "_only")

    def __init__(self) -> None:
        self._by_number: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: list[str | None] = []
        self._named: list[bool] = []
        # The calls named in this event.
        self._named_here: set[int] = set()
        # The arguments of each call, while they are one piece.
        self._only: list[str | None] = []
        self._current = -1

    def chunks(self, pieces: Any) -> list[ToolCallChunk]:
        """The pieces of one delta, with the call's true number, and with id and name said once each."""
        self._named_here.clear()
        return [self._piece(piece) for piece in as_objects(pieces)]

    def _piece(self, piece: dict[str, Any]) -> ToolCallChunk:
        name, args = _named_arguments(piece)
        call_id = word(piece.get("id"))
        call = self._call(piece.get("index"), call_id, name)
        if call_id is not None:
            if self._ids[call] is None:
                self._ids[call] = call_id
                self._by_id[call_id] = call
            else:
                call_id = None
        if name is not None:
            self._named_here.add(call)
            if self._named[call]:
                name = None
            self._named[call] = True
        if args:
            self._only[call] = args if self._only[call] == "" else None
        return {
            "name": name,
            "args": args,
            "id": call_id,
            "index": call,
            "type": "tool_call_chunk",
        }

    def _call(self, number: Any, call_id: str | None, name: str | None) -> int:
        if isinstance(number, int):
            call = self._by_number.get(number)
            if call is None or (name and self._is_another(call, call_id)):
                call = self._by_number[number] = self._new()
            self._current = call
            return call
        if call_id is not None and call_id in self._by_id:
            self._current = self._by_id[call_id]
        elif name or self._current < 0:
            self._current = self._new()
        return self._current

    def _is_another(self, call: int, call_id: str | None) -> bool:
        """Whether a named piece with the number of a known call begins another."""
        if call_id is not None:
            return self._ids[call] not in (None, call_id)
        return call in self._named_here or _is_whole(self._only[call])

    def _new(self) -> int:
        self._ids.append(None)
        self._named.append(False)
        self._only.append("")
        return len(self._ids) - 1


def _is_whole(args: str | None) -> bool:
    """Whether these are all the arguments of a call."""
    if not args or not args.startswith("{"):
        return False
    try:
        read_json(args)
    except ValueError:
        return False
    return True


_DETAIL_STRINGS: Final = ("text", "summary", "data", "signature", "type", "id", "format")


class _DetailTracker:
    """Pieces of `reasoning_details`, made so that they can be joined by their index.

    Their texts grow; labels may repeat; anything else that is said twice would be joined with itself, and is dropped.
    """

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: set[tuple[int, str | None, str]] = set()

    def piece(self, given: Any) -> Any:
        """`given`, without what an earlier piece of the same index and type has said already."""
        if not is_dict(given):
            return given
        fields = given
        index = fields.get("index")
        if not isinstance(index, int):
            return fields
        piece: dict[str, Any] = {}
        for key, value in fields.items():
            if key in _DETAIL_STRINGS:
                if isinstance(value, str):
                    piece[key] = value
            elif key == "index":
                piece[key] = value
            elif value is not None and (said := (index, word(fields.get("type")), key)) not in self._said:
                self._said.add(said)
                piece[key] = value
        return piece


class _PartTracker:
    """Content that streams as parts: each run of one kind is one block, numbered so that its pieces merge."""

    __slots__ = ("_extras", "_kind", "_number", "begun")

    def __init__(self) -> None:
        self.begun = False
        self._extras: set[str] = set()
        self._kind: str | None = None
        self._number = -1

    def content(self, given: Any) -> str | list[Any]:
        """What a delta's `content` adds: text as it is while nothing but text has come, numbered blocks afterwards."""
        if given is None or given == "":
            return [] if self.begun else ""
        if isinstance(given, str):
            return [self._numbered({"type": "text", "text": given})]
        if not is_list(given):
            text = as_text(given)
            return [self._numbered({"type": "text", "text": text})] if self.begun else text
        self.begun = True
        return [self._numbered(part) for part in _parts(given)]

    def _numbered(self, part: dict[str, Any]) -> dict[str, Any]:
        kind: str = part["type"]
        # Text and reasoning come in pieces; anything else is whole, and a block of its own.
        begins = kind != self._kind or kind not in ("text", "reasoning")
        if begins:
            self._kind = kind
            self._number += 1
            self._extras.clear()
        if kind == "text":
            return {"type": kind, "text": text_of(part.get("text") or ""), "index": self._number}
        if kind == "reasoning":
            # Each is said once: a mark such as "closed" does not join with itself.
            extras = {
                key: value for key, value in as_object(part.get("extras")).items() if value and key not in self._extras
            }
            self._extras.update(extras)
            block: dict[str, Any] = {
                "type": kind,
                "reasoning": text_of(part.get("reasoning") or ""),
                "index": self._number,
            }
            return {**block, "extras": extras} if extras else block
        return {**part, "index": self._number}


# -------------------------------------------------------------------------------------------------------- whole answers


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`, one generation for each of its choices.

    body: the reply's bytes: JSON, or the events of a host that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise; of the class that the error means.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or holds no choice.
    """
    text = opening(body)
    if text.startswith(EVENTS):
        return unasked_stream(text, AnswerDecoder(exchange))
    answer = as_object(parsed(body, exchange))
    if answer.get("error") or answer.get("object") == "error":
        raise exchange.failed(answer)
    choices = as_objects(answer.get("choices"))
    if not choices:
        if any(answer.get(key) for key in _SAYS_WHY):
            raise exchange.failed(answer)
        raise exchange.malformed("holds no choice", body)
    usage = _usage_of(answer)
    facts = {key: answer[key] for key in _FACTS if answer.get(key)}
    kept = {key: answer[key] for key in _TOP_LEVEL_KEPT if answer.get(key)}
    answer_id = word(answer.get("id"))
    generations: list[ChatGeneration] = []
    for choice in choices:
        if choice.get("error"):
            raise exchange.failed(choice)
        finish_reason = word(choice.get("finish_reason"))
        response_metadata = _metadata(
            finish_reason=finish_reason,
            model=word(answer.get("model")),
            answer_id=answer_id,
            facts=facts,
            usage=usage,
            exchange=exchange,
        )
        info: dict[str, Any] = {"finish_reason": finish_reason}
        if choice.get("content_filter_results"):
            response_metadata["content_filter_results"] = choice["content_filter_results"]
        tokens = _logprobs_of(choice.get("logprobs"))
        if tokens:
            info["logprobs"] = response_metadata["logprobs"] = tokens
        wire = as_object(choice.get("message"))
        message = _message(wire, answer_id, response_metadata, _usage(usage), kept)
        generation = ChatGeneration(message=message)
        generation.generation_info = info
        generations.append(generation)
    result = ChatResult(generations=generations)
    result.llm_output = {"token_usage": usage, "model_name": word(answer.get("model")), "id": answer_id, **facts}
    return result


def _message(
    wire: dict[str, Any],
    answer_id: str | None,
    response_metadata: dict[str, Any],
    usage: UsageMetadata | None,
    kept: Mapping[str, Any],
) -> AIMessage:
    content: Any = wire.get("content")
    if content is None:
        content = ""
    elif is_list(content):
        content = _parts(content)
    elif not isinstance(content, str):
        content = as_text(content)
    extras = {**_reasoning_of(wire), **kept}
    for key in (*_MESSAGE_KEPT, "reasoning_details"):
        if wire.get(key):
            extras[key] = wire[key]
    if wire.get("refusal"):
        extras["refusal"] = text_of(wire["refusal"])
    audio: Any = wire.get("audio")
    if is_dict(audio) and any(audio.values()):
        extras["audio"] = audio
    function = _function_of(wire.get("function_call"))
    if function:
        extras["function_call"] = function
    calls, invalid = finished_calls(_whole_calls(wire.get("tool_calls")))
    return build_message(
        content=content,
        id=answer_id,
        additional_kwargs=extras,
        response_metadata=response_metadata,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage,
    )


def _whole_calls(given: Any) -> list[ToolCallChunk]:
    """The calls of a message, their arguments still text."""
    chunks: list[ToolCallChunk] = []
    for index, call in enumerate(as_objects(given)):
        name, args = _named_arguments(call)
        chunks.append(
            {"name": name, "args": args, "id": word(call.get("id")), "index": index, "type": "tool_call_chunk"}
        )
    return chunks


# ------------------------------------------------------------------------------------------------------- pieces of both


def _reasoning_of(wire: dict[str, Any]) -> dict[str, Any]:
    """Reasoning that can be read, under one name, whichever of its names the host uses."""
    text: Any = wire.get("reasoning_content") or wire.get("reasoning")
    if not text and is_list(wire.get("reasoning_details")):
        text = "".join(_readable(detail) for detail in wire["reasoning_details"])
    return {"reasoning_content": text_of(text)} if text else {}


def _readable(detail: Any) -> str:
    if not is_dict(detail):
        return ""
    fields = detail
    text: Any = fields.get("text") or fields.get("summary")
    return text if isinstance(text, str) else ""


def _parts(given: list[Any]) -> list[dict[str, Any]]:
    """Content parts as standard blocks: text, and reasoning of Mistral's and Databricks' kinds; others as they are."""
    parts: list[dict[str, Any]] = []
    for part in given:
        if not is_dict(part):
            parts.append({"type": "text", "text": text_of(part)})
            continue
        fields = part
        kind: Any = fields.get("type")
        if kind == "thinking":
            parts.append(_thinking(fields))
        elif kind == "reasoning" and "reasoning" not in fields:
            parts.append(_summarised(fields))
        elif isinstance(kind, str):
            parts.append(fields)
        else:
            parts.append({"type": "text", "text": as_text(fields)})
    return parts


def _thinking(part: dict[str, Any]) -> dict[str, Any]:
    thought: Any = part.get("thinking")
    if is_list(thought):
        pieces = [piece.get("text") for piece in as_objects(thought)]
        thought = "".join(piece for piece in pieces if isinstance(piece, str))
    block: dict[str, Any] = {"type": "reasoning", "reasoning": thought if isinstance(thought, str) else ""}
    # Kept for sending it back: whether the thought is closed, and its signature.
    others = {key: value for key, value in part.items() if key not in ("type", "thinking")}
    if others:
        block["extras"] = others
    return block


def _summarised(part: dict[str, Any]) -> dict[str, Any]:
    """Reasoning as Databricks has it, in the paragraphs of a summary, of which some are signed."""
    paragraphs = as_objects(part.get("summary"))
    text = "".join(said for paragraph in paragraphs if isinstance(said := paragraph.get("text"), str))
    block: dict[str, Any] = {"type": "reasoning", "reasoning": text}
    signature = next((signed for paragraph in paragraphs if (signed := word(paragraph.get("signature")))), None)
    return {**block, "extras": {"signature": signature}} if signature else block


def _named_arguments(call: dict[str, Any]) -> tuple[str | None, str | None]:
    """Name and arguments of a tool call; the arguments as text, also where a host sends them parsed."""
    # A custom tool has free text for input, which is no JSON: its call is found among the invalid ones, with that text.
    given: Any = call.get("function") or call.get("custom")
    if not is_dict(given):
        return None, None
    function = given
    return word(function.get("name")), _arguments(function.get("arguments", function.get("input")))


def _arguments(given: Any) -> str | None:
    return None if given is None else text_of(given)


def _function_of(call: Any) -> dict[str, Any]:
    """A call in the API's older form, kept in `additional_kwargs["function_call"]` as the reference does."""
    if not is_dict(call):
        return {}
    fields = call
    function: dict[str, Any] = {}
    if name := word(fields.get("name")):
        function["name"] = name
    if fields.get("arguments"):
        function["arguments"] = _arguments(fields["arguments"])
    return function


def _logprobs_of(given: Any) -> dict[str, Any]:
    if not is_dict(given):
        return {}
    # Only what has been said: null beside a list could not be joined with one.
    return {key: value for key, value in given.items() if value and is_list(value)}


def _metadata(
    *,
    finish_reason: str | None,
    model: str | None,
    answer_id: str | None,
    facts: Mapping[str, Any],
    usage: dict[str, Any] | None,
    exchange: Exchange,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"model_provider": exchange.provider}
    if finish_reason:
        metadata["finish_reason"] = finish_reason
    if model:
        metadata["model_name"] = model
    if answer_id:
        metadata["id"] = answer_id
    metadata.update(facts)
    if usage is not None:
        metadata["token_usage"] = usage
    metadata.update(exchange.metadata)
    return metadata


def _usage_of(payload: dict[str, Any]) -> dict[str, Any] | None:
    """What an answer or event says of tokens, as the host says it."""
    usage: Any = payload.get("usage")
    if not usage and is_dict(payload.get("x_groq")):
        usage = payload["x_groq"].get("usage")
    return usage if usage and is_dict(usage) else None


def _usage(raw: dict[str, Any] | None) -> UsageMetadata | None:
    """`raw` as standard counts: hosts write some as floats; details that are absent stay absent."""
    if raw is None:
        return None
    given, made, total = count(raw, "prompt_tokens"), count(raw, "completion_tokens"), count(raw, "total_tokens")
    if given is None and made is None and total is None:
        return None
    usage: UsageMetadata = {
        "input_tokens": given or 0,
        "output_tokens": made or 0,
        "total_tokens": total if total is not None else (given or 0) + (made or 0),
    }
    of_input = _details(
        raw,
        "prompt_tokens_details",
        cache_read="cached_tokens",
        audio="audio_tokens",
        cache_creation="cache_write_tokens",
    )
    if "cache_read" not in of_input:
        # DeepSeek's older name, and Moonshot's; Together writes the latter too, as 0 where it says nothing.
        cached = count(raw, "prompt_cache_hit_tokens") or count(raw, "cached_tokens")
        if cached:
            of_input["cache_read"] = cached
    of_output = _details(raw, "completion_tokens_details", reasoning="reasoning_tokens", audio="audio_tokens")
    if of_input:
        usage["input_token_details"] = cast("Any", of_input)
    if of_output:
        usage["output_token_details"] = cast("Any", of_output)
    return usage


def _details(raw: dict[str, Any], key: str, **names: str) -> dict[str, int]:
    details: Any = raw.get(key)
    if not is_dict(details):
        return {}
    counts = {ours: count(details, theirs) for ours, theirs in names.items()}
    return {ours: count for ours, count in counts.items() if count is not None}
