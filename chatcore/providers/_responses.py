"""Bytes of an answer of OpenAI's Responses API → messages, whole or streamed. No I/O.

The wire is OpenAI's (https://platform.openai.com/docs/api-reference/responses), read as the hosts write it that have
taken it over. Content is a list of blocks, one for each output item or part of one, as langchain-openai writes it by
`output_version="responses/v1"`: text and refusals with the id of their item, and every other item as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

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
    from collections.abc import Callable

    from chatcore.errors import ProviderError
    from chatcore.http.sse import ServerSentEvent
    from chatcore.messages import ToolCallChunk, UsageMetadata

__all__ = ["OUTPUT_VERSION", "PENDING", "AnswerDecoder", "decode_answer"]

OUTPUT_VERSION: Final = "responses/v1"
"""The reference's name of the shape of these answers, in their `response_metadata`, whichever host has written them."""

PENDING: Final = frozenset({"queued", "in_progress"})
"""The states of an answer that is still being made, in the background."""

_KEPT: Final = (
    *("id", "object", "created_at", "status", "model", "service_tier"),
    *("incomplete_details", "metadata", "user", "conversation", "content_filters"),
)
"""What is said of an answer as a whole and kept, as far as it says anything: the reference's, the conversation, and
what Azure's filter found."""

_ITEM_PARTS: Final = frozenset({"type", "id", "summary", "content"})
"""The keys of a reasoning item that are written piece by piece, or with the first piece."""


class _Part:
    """A block of content that grows, and how much of it has been given.

    kept: the pieces of a refusal, which is given whole: it has no standard form, in which pieces would merge.
    """

    __slots__ = ("annotations", "begun", "kept", "length", "number")

    def __init__(self) -> None:
        self.number = -1
        self.begun = False
        self.length = 0
        self.annotations = 0
        self.kept: list[str] = []


class _Item:
    """One output item of a stream: a block of its own, or, of a message, a block for each part.

    number: of its block, unless it is a message.
    call: of its call, if it is one.
    parts: for a message by the part's number; for reasoning by kind and number of the paragraph, of which only the
        length counts.
    said: of a call, the keys that have been given.
    """

    __slots__ = ("call", "done", "id", "kind", "number", "parts", "phase", "said")

    def __init__(self, kind: str | None, item_id: str | None) -> None:
        self.kind = kind
        self.id = item_id
        self.phase: Any = None
        self.done = False
        self.number = -1
        self.call = -1
        self.parts: dict[Any, _Part] = {}
        self.said: set[str] = set()

    def part(self, key: Any) -> _Part:
        part = self.parts.get(key)
        if part is None:
            part = self.parts[key] = _Part()
        return part


class AnswerDecoder(StreamDecoder):
    """One streamed answer: bytes in, chunks out.

    An event gives a chunk only if it brings something: that a search goes on is no progress of the answer. Of each item
    the pieces are given as they come; what its last event has that no piece had, follows then, so that a host that
    streams no pieces is read as well. What is said of the answer as a whole comes with the last chunk.

    exchange: whose answer it is.
    max_event_bytes: how large one event, or a body that is no stream, may be.
    """

    __slots__ = (
        "_answer",
        "_at_index",
        "_at_item",
        "_at_part",
        "_blocks",
        "_by_id",
        "_by_position",
        "_calls",
        "_from",
        "_id",
        "_outcome",
        "_provider",
        "position",
    )

    def __init__(self, exchange: Exchange, *, max_event_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__(exchange, max_event_bytes=max_event_bytes)
        self.position: int | None = None
        """The number of the last event that was read, to go on after it where a stream broke; None if it has none."""
        self._id: str | None = None
        self._provider = exchange.provider
        self._answer: dict[str, Any] = {}
        self._by_id: dict[str, _Item] = {}
        self._by_position: dict[int, _Item] = {}
        self._blocks = 0
        self._calls = 0
        # The part that the last piece of text was of, while no other item has begun.
        self._at_item = ""
        self._at_index: Any = None
        self._at_part = _Part()
        self._from: int | None = None
        self._outcome: str | None = None

    @property
    def answer_id(self) -> str | None:
        """The id of the answer, once it is known."""
        return self._id

    def go_on(self) -> None:
        """Read the rest of the answer from another stream; what has been read of it is passed over."""
        self._from = self.position
        self._framing = None
        self._start = b""

    @override
    def _ended(self) -> list[ChatGenerationChunk]:
        if not self.done:
            raise self._exchange.broke_off("its stream ended without response.completed")
        answer = self._answer
        message = build_chunk(
            content=[],
            id=self._id,
            response_metadata=_metadata(answer, self._exchange, self._outcome),
            usage_metadata=_usage(answer.get("usage")),
            chunk_position="last",
        )
        reason = message.response_metadata.get("finish_reason")
        return [generation(message, {"finish_reason": reason} if reason else None)]

    @override
    def _whole(self, body: bytes) -> list[ChatGenerationChunk]:
        return [whole_chunk(decode_answer(body, self._exchange))]

    # ----------------------------------------------------------------------------------------------------------- events

    @override
    def _read(self, event: ServerSentEvent, chunks: list[ChatGenerationChunk]) -> None:
        name, data, _ = event
        if data[:1] in b" [" and data.strip() == b"[DONE]":
            # It is no part of this wire. Where no event says that the answer is over, this does, if an item is whole.
            if any(item.done for item in (*self._by_id.values(), *self._by_position.values())):
                self._outcome = "completed"
                self.done = True
            return
        payload = self._payload(name, data) if data else None
        if payload is None:
            return
        number = payload.get("sequence_number")
        if isinstance(number, int):
            if self._from is not None and number <= self._from:
                return
            self.position = number
        kind = word(payload.get("type")) or name
        read = _READERS.get(kind or "")
        if read is not None:
            read(self, payload, chunks)
        elif kind == "error" or payload.get("error"):
            raise self._exchange.failed(payload)

    def _began(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:  # noqa: ARG002 - as every reader
        self._note(as_object(payload.get("response")))

    def _note(self, answer: dict[str, Any]) -> None:
        if self._id is None:
            self._id = word(answer.get("id"))
        self._answer = {**self._answer, **{key: value for key, value in answer.items() if value is not None}}

    def _over(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        answer = as_object(payload.get("response"))
        self._note(answer)
        _raise_if_failed(self._answer, self._exchange)
        self._outcome = _OUTCOMES.get(word(payload.get("type")) or "")
        for item in dict.fromkeys((*self._by_id.values(), *self._by_position.values())):
            for part in item.parts.values():
                if part.kept:
                    self._refuse(item, part, None, chunks)
        # An item that no event has told of: of a host that streams no more than the end, or not all kinds of items.
        for position, wire in enumerate(as_objects(answer.get("output"))):
            item_id, kind = word(wire.get("id")), word(wire.get("type"))
            known = (self._by_id.get(item_id or ""), self._by_position.get(position))
            begun = next((item for item in known if item is not None and item.kind == kind), None)
            self._complete(begun or _Item(kind, item_id), wire, chunks)
        if not self._blocks and isinstance(answer.get("output_text"), str) and answer["output_text"]:
            self._complete(_Item("message", None), _plain_message(answer["output_text"]), chunks)
        self.done = True

    def _failed(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:  # noqa: ARG002 - as every reader
        answer = as_object(payload.get("response")) or payload
        raise _failure({"status": "failed", **answer}, self._exchange)

    # ------------------------------------------------------------------------------------------------------------ items

    def _item(self, payload: dict[str, Any], kind: str) -> _Item:
        """The item that an event is about: by its id, or where hosts give each event its own, by its position.

        The position comes second: after tools of the server's own, the API may give the later events of an item another
        one. (Both seen in recordings and in the reference's tests.)
        """
        item_id = payload.get("item_id")
        item = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if item is None:
            position = payload.get("output_index")
            item = self._by_position.get(position) if isinstance(position, int) else None
            if item is None:
                item = self._new(kind, word(item_id), position)
        return item

    def _new(self, kind: str | None, item_id: str | None, position: Any) -> _Item:
        item = _Item(kind, item_id)
        self._at_item = ""
        if item_id is not None:
            self._by_id[item_id] = item
        if isinstance(position, int):
            self._by_position[position] = item
        return item

    def _numbered(self) -> int:
        number = self._blocks
        self._blocks = number + 1
        return number

    def _chunk(
        self,
        block: dict[str, Any] | None,
        call: ToolCallChunk | None = None,
        logprobs: list[Any] | None = None,
    ) -> ChatGenerationChunk:
        # Every chunk says whose it is and of which shape, for the blocks are read by it.
        metadata: dict[str, Any] = {"model_provider": self._provider, "output_version": OUTPUT_VERSION}
        if logprobs:
            metadata["logprobs"] = {"content": logprobs}
        return generation(
            build_chunk(
                content=[] if block is None else [block],
                id=self._id,
                response_metadata=metadata,
                tool_call_chunks=None if call is None else [call],
            )
        )

    def _added(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        wire = as_object(payload.get("item"))
        kind, item_id = word(wire.get("type")), word(wire.get("id"))
        item = self._by_id.get(item_id or "")
        if item is None or item.done or item.kind != kind:
            item = self._new(kind, item_id, payload.get("output_index"))
        item.phase = wire.get("phase") or item.phase
        if kind in _CALLS and not item.said:
            self._begin_call(item, wire, chunks)

    def _item_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        wire = as_object(payload.get("item"))
        kind, item_id = word(wire.get("type")), word(wire.get("id"))
        item = self._item({"item_id": item_id, "output_index": payload.get("output_index")}, kind or "")
        if item.kind != kind:
            item = self._new(kind, item_id, payload.get("output_index"))
        self._complete(item, wire, chunks)

    def _complete(self, item: _Item, wire: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        """Give what an item's last event has, and no event before had."""
        if item.done:
            return
        item.done = True
        if item.kind == "message":
            item.phase = wire.get("phase") or item.phase
            # Matched in the order of their beginning: some hosts begin to count at another number than 0.
            parts = list(item.parts.values())
            for index, part in enumerate(_parts_of(wire)):
                grown = parts[index] if index < len(parts) else _Part()
                self._complete_part(item, grown, part, chunks)
        elif item.kind == "reasoning":
            self._complete_reasoning(item, wire, chunks)
        elif item.kind in _CALLS:
            self._complete_call(item, wire, chunks)
        elif item.kind and item.number < 0:
            item.number = self._numbered()
            chunks.append(self._chunk({**_said(wire), "index": item.number}))

    # --------------------------------------------------------------------------------------------------------- messages

    def _text(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        delta = payload.get("delta")
        if not delta:
            return
        item_id, index, logprobs = payload.get("item_id"), payload.get("content_index"), payload.get("logprobs")
        if item_id == self._at_item and index == self._at_index and isinstance(delta, str) and not logprobs:
            # The next piece of the same part: nearly every event of a long answer.
            part = self._at_part
            part.length += len(delta)
            block: dict[str, Any] = {"type": "text", "text": delta, "index": part.number}
            chunks.append(self._chunk(block))
            return
        item = self._item(payload, "message")
        part = item.part(_index(payload, "content_index"))
        chunks.append(self._text_piece(item, part, text_of(delta), logprobs))
        if isinstance(item_id, str):
            self._at_item, self._at_index, self._at_part = item_id, index, part

    def _text_piece(self, item: _Item, part: _Part, text: str, logprobs: Any = None) -> ChatGenerationChunk:
        part.length += len(text)
        block: dict[str, Any] = {"type": "text", "text": text}
        if not part.begun:
            self._begin_part(part)
            block["annotations"] = []
            block.update(_of_item(item))
        block["index"] = part.number
        return self._chunk(block, None, logprobs if logprobs and is_list(logprobs) else None)

    def _begin_part(self, part: _Part) -> None:
        part.begun = True
        part.number = self._numbered()

    def _refusal(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:  # noqa: ARG002 - as every reader
        delta = payload.get("delta")
        if delta:
            part = self._item(payload, "message").part(_index(payload, "content_index"))
            part.kept.append(text_of(delta))

    def _refusal_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        item = self._item(payload, "message")
        self._refuse(item, item.part(_index(payload, "content_index")), payload.get("refusal"), chunks)

    def _refuse(self, item: _Item, part: _Part, text: Any, chunks: list[ChatGenerationChunk]) -> None:
        """Give a refusal, unless it has been given."""
        if not part.begun:
            self._begin_part(part)
            refusal = text_of(text) if text else "".join(part.kept)
            chunks.append(self._chunk({"type": "refusal", "refusal": refusal, **_of_item(item), "index": part.number}))

    def _annotation(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        annotation: Any = payload.get("annotation")
        if is_dict(annotation):
            item = self._item(payload, "message")
            self._add_annotations(item, item.part(_index(payload, "content_index")), [annotation], chunks)

    def _add_annotations(
        self, item: _Item, part: _Part, given: list[dict[str, Any]], chunks: list[ChatGenerationChunk]
    ) -> None:
        part.annotations += len(given)
        block: dict[str, Any] = {"type": "text", "annotations": [_annotation(annotation) for annotation in given]}
        if not part.begun:
            self._begin_part(part)
            block.update(_of_item(item))
        block["index"] = part.number
        chunks.append(self._chunk(block))

    def _part_added(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:  # noqa: ARG002 - as every reader
        if as_object(payload.get("part")).get("type") in ("output_text", "refusal"):
            self._item(payload, "message").part(_index(payload, "content_index"))

    def _part_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        wire = as_object(payload.get("part"))
        if wire.get("type") in ("output_text", "refusal"):
            item = self._item(payload, "message")
            self._complete_part(item, item.part(_index(payload, "content_index")), wire, chunks)

    def _text_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        item = self._item(payload, "message")
        wire = {"type": "output_text", "text": payload.get("text")}
        self._complete_part(item, item.part(_index(payload, "content_index")), wire, chunks)

    def _complete_part(self, item: _Item, part: _Part, wire: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        kind = wire.get("type")
        if kind == "refusal":
            self._refuse(item, part, wire.get("refusal"), chunks)
            return
        if kind not in ("output_text", "text"):
            return
        rest = text_of(wire.get("text") or "")[part.length :]
        if rest or not part.begun:
            chunks.append(self._text_piece(item, part, rest, None if part.begun else wire.get("logprobs")))
        annotations = as_objects(wire.get("annotations"))[part.annotations :]
        if annotations:
            self._add_annotations(item, part, annotations, chunks)

    # -------------------------------------------------------------------------------------------------------- reasoning

    def _summary(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        self._think(payload, "summary", "summary_index", chunks)

    def _thought(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        self._think(payload, "content", "content_index", chunks)

    def _think(self, payload: dict[str, Any], key: str, counter: str, chunks: list[ChatGenerationChunk]) -> None:
        delta = payload.get("delta")
        if delta:
            item = self._item(payload, "reasoning")
            chunks.append(self._paragraph_piece(item, key, _index(payload, counter), text_of(delta)))

    def _summary_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        self._thought_out(payload, "summary", "summary_index", chunks)

    def _thought_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        self._thought_out(payload, "content", "content_index", chunks)

    def _thought_out(self, payload: dict[str, Any], key: str, counter: str, chunks: list[ChatGenerationChunk]) -> None:
        """Give what the end of a paragraph has, and no piece had."""
        item, index = self._item(payload, "reasoning"), _index(payload, counter)
        rest = text_of(payload.get("text") or "")[item.part((key, index)).length :]
        if rest and not item.done:
            chunks.append(self._paragraph_piece(item, key, index, rest))

    def _paragraph_piece(self, item: _Item, key: str, index: int, text: str) -> ChatGenerationChunk:
        part = item.part((key, index))
        paragraph = {"type": _PARAGRAPHS[key], "text": text, "index": index}
        # The summary says in every piece that this is an item, and no standard block.
        block: dict[str, Any] = {"type": "reasoning", "summary": []}
        if item.number < 0:
            item.number = self._numbered()
        if not part.length and item.id is not None:
            block["id"] = item.id  # once for each paragraph: as standard blocks they stand alone
        part.length += len(text)
        block[key] = [paragraph]
        block["index"] = item.number
        return self._chunk(block)

    def _complete_reasoning(self, item: _Item, wire: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        if item.number < 0:
            item.number = self._numbered()
            chunks.append(self._chunk({**_reasoning(wire), "index": item.number}))
            return
        for key in _PARAGRAPHS:
            begun = [place for place in item.parts if place[0] == key]
            for position, paragraph in enumerate(as_objects(wire.get(key))):
                index = begun[position][1] if position < len(begun) else position
                rest = text_of(paragraph.get("text") or "")[item.part((key, index)).length :]
                if rest:
                    chunks.append(self._paragraph_piece(item, key, index, rest))
        # Encrypted reasoning is whole only now: the first event may have a part of it.
        rest_of_it = {key: value for key, value in _said(wire).items() if key not in _ITEM_PARTS}
        if rest_of_it:
            chunks.append(self._chunk({"type": "reasoning", "summary": [], **rest_of_it, "index": item.number}))

    # ------------------------------------------------------------------------------------------------------------ calls

    def _begin_call(self, item: _Item, wire: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        """Give a call's name and ids. Its arguments follow: a host that has them all now will repeat them."""
        key = _CALLS[cast("str", item.kind)]
        item.number = self._numbered()
        item.call = self._calls
        self._calls += 1
        names = {name: wire[name] for name in ("name", "call_id", "id") if word(wire.get(name))}
        item.said.update(names, ("type", key))
        if item.kind == "function_call":
            opened, block = "", {"type": item.kind, **names, key: "", "index": item.number}
        else:
            opened, block = _CUSTOM_OPENING, None  # its block comes whole: it has no standard form
        chunks.append(self._chunk(block, _call_piece(item.call, opened, names.get("name"), names.get("call_id"))))

    def _arguments(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        delta = payload.get("delta")
        if delta:
            chunks.append(self._arguments_piece(self._call(payload, "function_call", chunks), text_of(delta)))

    def _arguments_done(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        item = self._call(payload, "function_call", chunks)
        if not item.done and (rest := _arguments_of(payload, "function_call")[item.part("arguments").length :]):
            chunks.append(self._arguments_piece(item, rest))

    def _input(self, payload: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        delta = payload.get("delta")
        if delta:
            chunks.append(self._arguments_piece(self._call(payload, "custom_tool_call", chunks), text_of(delta)))

    def _call(self, payload: dict[str, Any], kind: str, chunks: list[ChatGenerationChunk]) -> _Item:
        item = self._item(payload, kind)
        if item.kind not in _CALLS:
            item = self._new(kind, word(payload.get("item_id")), payload.get("output_index"))
        if not item.said:
            self._begin_call(item, {"id": item.id}, chunks)
        return item

    def _arguments_piece(self, item: _Item, text: str) -> ChatGenerationChunk:
        item.part("arguments").length += len(text)
        if item.kind != "function_call":
            return self._chunk(None, _call_piece(item.call, as_text(text)[1:-1]))
        block = {"type": "function_call", "arguments": text, "index": item.number}
        return self._chunk(block, _call_piece(item.call, text))

    def _complete_call(self, item: _Item, wire: dict[str, Any], chunks: list[ChatGenerationChunk]) -> None:
        if not item.said:
            self._begin_call(item, wire, chunks)
        kind = cast("str", item.kind)
        rest = _arguments_of(wire, kind)[item.part("arguments").length :]
        if rest:
            chunks.append(self._arguments_piece(item, rest))
        call = _whole_call(wire)
        late = {key: value for key, value in call.items() if key not in item.said}
        item.said.update(late)
        if kind != "function_call":
            block, closed = {**call, "index": item.number}, '"}'
        elif late:
            block, closed = {"type": kind, **late, "index": item.number}, ""
        else:
            return
        chunks.append(self._chunk(block, _call_piece(item.call, closed, late.get("name"), late.get("call_id"))))


_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""The items that call a tool of the user's own, and where each has what it is called with."""

_CUSTOM_ARGUMENT: Final = "__arg1"
"""The name under which a custom tool's text is an argument; the reference's."""

_CUSTOM_OPENING: Final = as_text({_CUSTOM_ARGUMENT: ""})[:-2]

_PARAGRAPHS: Final = {"summary": "summary_text", "content": "reasoning_text"}
"""Where reasoning has its paragraphs, and of which type each is."""

_OUTCOMES: Final[dict[str, str]] = {"response.completed": "completed", "response.incomplete": "incomplete"}

_READERS: Final[dict[str, Callable[[AnswerDecoder, dict[str, Any], list[ChatGenerationChunk]], None]]] = {
    "response.created": AnswerDecoder._began,  # noqa: SLF001 - its own table
    "response.queued": AnswerDecoder._began,  # noqa: SLF001 - as above
    "response.in_progress": AnswerDecoder._began,  # noqa: SLF001 - as above
    "response.output_item.added": AnswerDecoder._added,  # noqa: SLF001 - as above
    "response.output_item.done": AnswerDecoder._item_done,  # noqa: SLF001 - as above
    "response.output_text.delta": AnswerDecoder._text,  # noqa: SLF001 - as above
    "response.output_text.done": AnswerDecoder._text_done,  # noqa: SLF001 - as above
    "response.output_text.annotation.added": AnswerDecoder._annotation,  # noqa: SLF001 - as above
    "response.content_part.added": AnswerDecoder._part_added,  # noqa: SLF001 - as above
    "response.content_part.done": AnswerDecoder._part_done,  # noqa: SLF001 - as above
    "response.refusal.delta": AnswerDecoder._refusal,  # noqa: SLF001 - as above
    "response.refusal.done": AnswerDecoder._refusal_done,  # noqa: SLF001 - as above
    "response.reasoning_summary_text.delta": AnswerDecoder._summary,  # noqa: SLF001 - as above
    "response.reasoning_text.delta": AnswerDecoder._thought,  # noqa: SLF001 - as above
    "response.reasoning_summary_text.done": AnswerDecoder._summary_done,  # noqa: SLF001 - as above
    "response.reasoning_text.done": AnswerDecoder._thought_done,  # noqa: SLF001 - as above
    "response.function_call_arguments.delta": AnswerDecoder._arguments,  # noqa: SLF001 - as above
    "response.function_call_arguments.done": AnswerDecoder._arguments_done,  # noqa: SLF001 - as above
    "response.custom_tool_call_input.delta": AnswerDecoder._input,  # noqa: SLF001 - as above
    "response.completed": AnswerDecoder._over,  # noqa: SLF001 - as above
    "response.incomplete": AnswerDecoder._over,  # noqa: SLF001 - as above
    "response.failed": AnswerDecoder._failed,  # noqa: SLF001 - as above
    "response.cancelled": AnswerDecoder._failed,  # noqa: SLF001 - as above
}
"""What each event means; events of other types tell of progress, or repeat what pieces have said."""


# -------------------------------------------------------------------------------------------------------- whole answers


def decode_answer(body: bytes, exchange: Exchange) -> ChatResult:
    """The answer in `body`.

    An answer that is not made yet, in the background, is a message without content that says so by its status.

    body: the reply's bytes: JSON, or the events of a host that streams unasked.
    exchange: whose answer it is.

    Raises:
        ProviderError: the body is an error, although its status said otherwise, or the answer failed or was cancelled.
        NotFoundError: the body is a web page.
        MalformedResponseError: the body is not JSON, or no answer.
    """
    text = opening(body)
    if text.startswith(EVENTS):
        return unasked_stream(text, AnswerDecoder(exchange))
    answer = as_object(parsed(body, exchange))
    _raise_if_failed(answer, exchange)
    output: Any = answer.get("output")
    if not is_list(output) and word(answer.get("status")) is None:
        if answer.get("code") or answer.get("detail"):
            raise exchange.failed(answer)
        raise exchange.malformed("holds no output", body)
    blocks, calls, logprobs = _contents(answer)
    metadata = _metadata(answer, exchange, None)
    info: dict[str, Any] = {"finish_reason": metadata.get("finish_reason")}
    if logprobs:
        info["logprobs"] = metadata["logprobs"] = {"content": logprobs}
    read, unread = finished_calls(calls)
    message = build_message(
        content=cast("list[str | dict[Any, Any]]", blocks),
        id=word(answer.get("id")),
        response_metadata=metadata,
        tool_calls=read,
        invalid_tool_calls=unread,
        usage_metadata=_usage(answer.get("usage")),
    )
    first = ChatGeneration(message=message)
    first.generation_info = info
    result = ChatResult(generations=[first])
    usage = answer.get("usage")
    result.llm_output = {
        "token_usage": usage if is_dict(usage) else None,
        "model_name": word(answer.get("model")),
        "id": word(answer.get("id")),
    }
    return result


def _contents(answer: dict[str, Any]) -> tuple[list[dict[str, Any]], list[ToolCallChunk], list[Any]]:
    """The blocks of a whole answer, its calls with their arguments as text, and the probabilities of its tokens."""
    items = as_objects(answer.get("output"))
    if not items and isinstance(answer.get("output_text"), str) and answer["output_text"]:
        items = [_plain_message(answer["output_text"])]
    blocks: list[dict[str, Any]] = []
    calls: list[ToolCallChunk] = []
    logprobs: list[Any] = []
    thought = answer.get("reasoning")
    if isinstance(thought, str) and thought.strip():
        # mistral.rs has its reasoning here, where OpenAI has the settings of it.
        blocks.append({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": thought}]})
    for item in items:
        kind = word(item.get("type"))
        if kind == "message":
            of_item = _of_item(_whole_item(item))
            for part in _parts_of(item):
                block = _part_block(part)
                if block is not None:
                    blocks.append({**block, **of_item})
                    found: Any = part.get("logprobs")
                    logprobs.extend(found if is_list(found) else ())
        elif kind == "reasoning":
            blocks.append(_reasoning(item))
        elif kind in _CALLS:
            call = _whole_call(item)
            blocks.append(call)
            text = _arguments_of(item, kind)
            args = text if kind == "function_call" else as_text({_CUSTOM_ARGUMENT: text})
            calls.append(_call_piece(len(calls), args, call.get("name"), call.get("call_id")))
        elif kind is not None:
            blocks.append(_said(item))
    return blocks, calls, logprobs


def _whole_item(wire: dict[str, Any]) -> _Item:
    item = _Item(word(wire.get("type")), word(wire.get("id")))
    item.phase = wire.get("phase")
    return item


def _plain_message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


def _parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message; some hosts write a message of one text as that text."""
    content: Any = message.get("content")
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}] if content else []
    return as_objects(content)


def _part_block(part: dict[str, Any]) -> dict[str, Any] | None:
    kind = part.get("type")
    if kind == "refusal":
        return {"type": "refusal", "refusal": text_of(part.get("refusal") or "")}
    if kind not in ("output_text", "text"):
        return None
    annotations = [_annotation(annotation) for annotation in as_objects(part.get("annotations"))]
    return {"type": "text", "text": text_of(part.get("text") or ""), "annotations": annotations}


# ------------------------------------------------------------------------------------------------------- pieces of both


def _index(payload: dict[str, Any], key: str) -> int:
    index = payload.get(key)
    return index if isinstance(index, int) and not isinstance(index, bool) else 0


def _said(wire: dict[str, Any]) -> dict[str, Any]:
    """An item as it came, but for what is null, as the reference has it, and for names that are none."""
    return {
        key: value
        for key, value in wire.items()
        if value is not None and (key not in ("id", "status") or isinstance(value, str))
    }


def _of_item(item: _Item) -> dict[str, Any]:
    """What a block of a message says of the message's item."""
    said: dict[str, Any] = {}
    if item.id is not None:
        said["id"] = item.id
    if item.phase is not None:
        said["phase"] = item.phase
    return said


def _reasoning(wire: dict[str, Any]) -> dict[str, Any]:
    """A reasoning item: its summary always, its own text if it has any, and what else it says."""
    block = _said(wire)
    for key, kind in _PARAGRAPHS.items():
        paragraphs = [
            {**paragraph, "type": word(paragraph.get("type")) or kind, "text": text_of(paragraph.get("text") or "")}
            for paragraph in as_objects(block.pop(key, None))
        ]
        if paragraphs or key == "summary":
            block[key] = paragraphs
    return block


def _annotation(given: dict[str, Any]) -> dict[str, Any]:
    """An annotation; its "index" is called as in the reference, since blocks and what is in them merge by that name."""
    if "index" not in given:
        return given
    return {"file_index" if key == "index" else key: value for key, value in given.items()}


def _arguments_of(wire: dict[str, Any], kind: str) -> str:
    given = wire.get(_CALLS[kind])
    return "" if given is None else text_of(given)


def _whole_call(wire: dict[str, Any]) -> dict[str, Any]:
    """A call as it came, with its names as text; of a host that gives it one id only, that is the call's."""
    call = _said(wire)
    for key in ("name", "call_id"):
        said = word(call.pop(key, None)) or (word(wire.get("id")) if key == "call_id" else None)
        if said is not None:
            call[key] = said
    return call


def _call_piece(number: int, args: str, name: str | None = None, call_id: str | None = None) -> ToolCallChunk:
    # A host may write an id as a number.
    return {"name": word(name), "args": args, "id": word(call_id), "index": number, "type": "tool_call_chunk"}


def _raise_if_failed(answer: dict[str, Any], exchange: Exchange) -> None:
    if answer.get("error") or answer.get("object") == "error" or answer.get("status") in ("failed", "cancelled"):
        raise _failure(answer, exchange)


def _failure(answer: dict[str, Any], exchange: Exchange) -> ProviderError:
    """The error of an answer that failed: what it says itself, or else only that it failed."""
    if answer.get("error") or answer.get("object") == "error" or answer.get("message"):
        error = answer.get("error") or answer
        return exchange.failed({"error": error})
    status = word(answer.get("status"))
    said = "was cancelled" if status == "cancelled" else "failed, without saying why"
    return exchange.failed({"error": {"code": status, "message": f"The response {word(answer.get('id'))} {said}."}})


def _metadata(answer: dict[str, Any], exchange: Exchange, outcome: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"model_provider": exchange.provider, "output_version": OUTPUT_VERSION}
    metadata.update((key, answer[key]) for key in _KEPT if answer.get(key) is not None)
    if metadata.get("id") is not None:
        metadata["id"] = word(metadata["id"])
    # Of an answer that broke off there is the reason, which says more than that it did.
    status = outcome or word(answer.get("status"))
    reason = word(as_object(answer.get("incomplete_details")).get("reason")) if status == "incomplete" else None
    if reason or status:
        metadata["finish_reason"] = reason or status
    if model := word(answer.get("model")):
        metadata["model_name"] = model
    if is_dict(answer.get("usage")):
        metadata["token_usage"] = answer["usage"]
    metadata.update(exchange.metadata)
    return metadata


def _usage(given: Any) -> UsageMetadata | None:
    """What an answer says of tokens, as standard counts; details that are absent stay absent."""
    raw = as_object(given)
    read, made, total = count(raw, "input_tokens"), count(raw, "output_tokens"), count(raw, "total_tokens")
    if read is None and made is None and total is None:
        return None
    usage: UsageMetadata = {
        "input_tokens": read or 0,
        "output_tokens": made or 0,
        "total_tokens": total if total is not None else (read or 0) + (made or 0),
    }
    of_input = _details(raw, "input_tokens_details", cache_read="cached_tokens", cache_creation="cache_write_tokens")
    of_output = _details(raw, "output_tokens_details", reasoning="reasoning_tokens")
    if of_input:
        usage["input_token_details"] = cast("Any", of_input)
    if of_output:
        usage["output_token_details"] = cast("Any", of_output)
    return usage


def _details(raw: dict[str, Any], key: str, **names: str) -> dict[str, int]:
    details = as_object(raw.get(key))
    counts = {ours: count(details, theirs) for ours, theirs in names.items()}
    return {ours: number for ours, number in counts.items() if number is not None}
