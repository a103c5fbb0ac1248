"""From the chunks of an answer to its events.

::

    AIMessageChunk ──content_blocks──> blocks, each with what the chunk adds to it
                                        │ by key: which block of the answer it belongs to
                                        ├─ first seen ──> content-block-start
                                        └─ it grows   ──> content-block-delta
    the end ──> content-block-finish of each block, message-finish

What a block grows by is kept as it came and joined once, so a chunk costs the same however much came before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.messages._merge import DictJoin
from chatcore.messages._shapes import is_dict
from chatcore.messages._tool_calls import is_standard, parsed_call
from chatcore.messages.ai import add_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatcore.messages import UsageMetadata
    from chatcore.typed_stream.protocol import MessageMetadata, MessagesData

__all__ = ["Bridge", "finished_call", "message_events"]

# By a block's type: the key under which it grows, and the type of the delta that says so.
_GROWING = {
    "text": ("text", "text-delta"),
    "reasoning": ("reasoning", "reasoning-delta"),
    "tool_call_chunk": ("args", "tool-call-delta"),
    "server_tool_call_chunk": ("args", "tool-call-delta"),
}
_DATA = ("data", "data-delta")

# A call in part and the same call whole are one block.
_FAMILY = {
    "tool_call_chunk": "tool_call",
    "invalid_tool_call": "tool_call",
    "server_tool_call_chunk": "server_tool_call",
}
# What may be large goes with the finish alone.
_HEAVY = frozenset({"args", "data", "output", "transcript", "value"})
# What must be there all the same is an empty dict until then.
_EMPTY = {"tool_call": "args", "server_tool_call": "args", "non_standard": "value"}
_CALLS = frozenset({"tool_call", "invalid_tool_call"})


class Bridge:
    """Turns the chunks of one answer into events."""

    __slots__ = ("_blocks", "_call_ids", "_calls", "_kwargs", "_last_call", "_metadata", "_started", "_usage")

    def __init__(self) -> None:
        self._started = False
        self._blocks: dict[Any, _Growing] = {}
        self._calls = 0
        self._call_ids: dict[Any, Any] = {}
        self._last_call: Any = None
        self._metadata: dict[str, Any] = {}
        self._kwargs = DictJoin()
        self._usage: UsageMetadata | None = None

    def chunk(self, chunk: AIMessageChunk) -> list[MessagesData]:
        """The events that a chunk makes."""
        events: list[MessagesData] = []
        if not self._started:
            self._started = True
            events.append(_message_start(chunk))
        if chunk.response_metadata:
            self._metadata.update(chunk.response_metadata)
        if chunk.additional_kwargs:
            self._kwargs.add(chunk.additional_kwargs)
        if chunk.usage_metadata:
            self._usage = add_usage(self._usage, chunk.usage_metadata)
        for position, block in enumerate(_blocks_of(chunk)):
            key = self._key(block, position)
            growing = self._blocks.get(key)
            if growing is None:
                growing = self._blocks[key] = _Growing(len(self._blocks), block)
                events.append(growing.start())
            else:
                growing.add(block)
            delta = _delta(block)
            if delta is not None:
                events.append(
                    cast("MessagesData", {"event": "content-block-delta", "index": growing.place, "delta": delta})
                )
        return events

    def end(self) -> list[MessagesData]:
        """The events that end the answer; none if it never began."""
        if not self._started:
            return []
        return [
            *(growing.finish() for growing in self._blocks.values()),
            _message_finish(self._usage, self._metadata, self._kwargs.value()),
        ]

    def _key(self, block: dict[str, Any], position: int) -> Any:
        """What tells the block of the answer that this one is a part of."""
        kind = block.get("type")
        index = block.get("index")
        if index is not None:
            key = (_FAMILY.get(cast("str", kind), kind), index)
            if kind == "tool_call_chunk":
                return self._call_at(key, block)
            return key
        if kind == "tool_call_chunk":
            return self._call_without_index(block)
        if kind in _GROWING or block.get("data"):
            # Nothing says which one it continues; the same kind in the same place of a chunk does.
            return (kind, None, position)
        # Whole and without a name: each is one of its own.
        return (kind, None, len(self._blocks), "whole")

    def _call_at(self, key: Any, block: Mapping[str, Any]) -> Any:
        """A part of a call that has an index. Another id under the same index begins another call."""
        call_id = block.get("id")
        key = self._call_ids.get(key, key)
        growing = self._blocks.get(key)
        if call_id and growing is not None and growing.fields.get("id") not in {None, "", call_id}:
            origin = key[:2]
            key = self._call_ids[origin] = (*origin, call_id)
        return key

    def _call_without_index(self, block: Mapping[str, Any]) -> Any:
        call_id = block.get("id")
        if call_id:
            self._last_call = ("tool_call", None, call_id)
        elif block.get("name") or self._last_call is None:
            self._calls += 1
            self._last_call = ("tool_call", None, self._calls, "unnamed")
        return self._last_call


class _Growing:
    """One block of the answer."""

    __slots__ = ("_grows", "_parts", "fields", "place")

    def __init__(self, place: int, first: Mapping[str, Any]) -> None:
        self.place = place
        self._set(first)

    def _set(self, block: Mapping[str, Any]) -> None:
        self.fields: dict[str, Any] = {**block}
        self._grows = _GROWING.get(block.get("type", "text"), _DATA if "data" in block else (None, None))[0]
        self._parts: list[str] = []
        if self._grows is not None and (part := block.get(self._grows)):
            self._parts.append(part)

    def start(self) -> MessagesData:
        return cast(
            "MessagesData",
            {"event": "content-block-start", "index": self.place, "content": _skeleton(self.fields)},
        )

    def add(self, block: Mapping[str, Any]) -> None:
        """Take what the next chunk adds; a block that does not grow is replaced."""
        kind = block.get("type")
        if self._grows is None or kind != self.fields.get("type") or (self._grows == "data" and "data" not in block):
            self._set(block)
            return
        part = block.get(self._grows)
        if part:
            self._parts.append(part)
        for key, value in block.items():
            if value is not None and key not in {"type", self._grows}:
                self._merge(key, value, is_call=self._grows == "args")

    def _merge(self, key: str, value: Any, *, is_call: bool) -> None:
        known = self.fields.get(key)
        if key == "extras" and known and is_dict(value):
            value = {**known, **value}
        elif key == "annotations" and known:
            # Each citation comes in a chunk of its own.
            value = [*known, *value]
        elif is_call and known:
            if key != "name" or value == known:
                return
            # A name may come in pieces; the same name again is a repetition, not its second half.
            value = known + value
        self.fields[key] = value

    def finish(self) -> MessagesData:
        block = self.fields
        if self._grows is not None and (self._parts or self._grows in block):
            block = {**block, self._grows: "".join(self._parts)}
        content = _finished(block)
        if content.get("type") not in {"text", "reasoning", *_CALLS}:
            # In the message it stands with its place, by which blocks merge.
            content = {"index": self.place, **content} if content.get("index") is None else content
        return cast("MessagesData", {"event": "content-block-finish", "index": self.place, "content": content})


def message_events(message: BaseMessage) -> list[MessagesData]:
    """The events of an answer that came whole: each block begins, is said in one delta, and ends."""
    events: list[MessagesData] = [_message_start(message)]
    for place, block in enumerate(_blocks_of(message)):
        growing = _Growing(place, block)
        events.append(growing.start())
        delta = _delta(block)
        if delta is not None:
            events.append(cast("MessagesData", {"event": "content-block-delta", "index": place, "delta": delta}))
        events.append(growing.finish())
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    return [*events, _message_finish(usage, message.response_metadata, message.additional_kwargs)]


def finished_call(fields: Mapping[str, Any], *, server: bool) -> dict[str, Any]:
    """A call whose parts are all there, its arguments parsed; an invalid call, with their raw text, if they cannot be.

    fields: its `id`, its `name`, its `args` as text; what else there is stays.
    server: whether the provider runs it. Then it keeps its `index`; a call for the caller, once parsed, must not merge
        with anything more.
    """
    raw = fields.get("args") or "{}"
    dropped = {"type", "id", "name", "args"} if server else {"type", "id", "name", "args", "index"}
    others = {key: value for key, value in fields.items() if key not in dropped and value is not None}
    call = cast("dict[str, Any]", parsed_call(fields.get("name"), raw, fields.get("id")))
    if call["type"] == "invalid_tool_call":
        call["error"] = f"Failed to parse tool call arguments as JSON: {call['error']}"
        return {**call, **others}
    return {
        "type": "server_tool_call" if server else "tool_call",
        "id": fields.get("id") or "",
        "name": fields.get("name") or "",
        "args": call["args"],
        **others,
    }


def _blocks_of(message: BaseMessage) -> list[dict[str, Any]]:
    """The message's standard blocks. Of a chunk, calls are what it adds to them and not what can be read of that."""
    content = message.content
    if (
        isinstance(content, str)
        and isinstance(message, AIMessageChunk)
        and not (message.tool_call_chunks or message.additional_kwargs or message.response_metadata)
    ):
        # Nearly every chunk: no more than text, which no translator reads in another way.
        return [{"type": "text", "text": content}] if content else []
    blocks = cast("list[dict[str, Any]]", message.content_blocks)
    if not isinstance(message, AIMessageChunk) or not message.tool_call_chunks:
        return blocks
    kinds = {block.get("type") for block in blocks}
    if "tool_call_chunk" in kinds or is_standard(message.content, message.response_metadata):
        return blocks
    return [
        *(block for block in blocks if block.get("type") not in _CALLS),
        *({**call, "type": "tool_call_chunk"} for call in message.tool_call_chunks),
    ]


def _skeleton(block: Mapping[str, Any]) -> dict[str, Any]:
    """What a block's start says of it: what it is, and nothing of what it will hold."""
    kind = block.get("type", "text")
    if kind in {"text", "reasoning"}:
        return {**{key: value for key, value in block.items() if key not in {"index", "annotations"}}, kind: ""}
    if kind in _GROWING:
        named = {key: block.get(key) for key in ("id", "name", "index")}
        kept = ("id", "name") if kind == "tool_call_chunk" else ()
        return {
            "type": kind,
            **{key: value for key, value in named.items() if value is not None or key in kept},
            "args": "",
        }
    skeleton: dict[str, Any] = {key: value for key, value in block.items() if key not in _HEAVY}
    if kind in _EMPTY:
        skeleton[_EMPTY[kind]] = {}
    return skeleton


def _delta(block: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a block grows by; None if by nothing."""
    key, kind = _GROWING.get(cast("str", block.get("type")), _DATA)
    part = block.get(key)
    if not part:
        return None
    delta: dict[str, Any] = {"type": kind, key: part}
    if kind == "data-delta" and block.get("encoding") == "base64":
        delta["encoding"] = "base64"
    return delta


def _finished(block: dict[str, Any]) -> dict[str, Any]:
    match block.get("type"):
        case "tool_call_chunk":
            return finished_call(block, server=False)
        case "server_tool_call_chunk":
            return finished_call(block, server=True)
        case _:
            return {**block}


def _message_start(message: BaseMessage) -> MessagesData:
    said = message.response_metadata
    metadata: MessageMetadata = {}
    if "model_provider" in said:
        metadata["provider"] = said["model_provider"]
    if "model_name" in said:
        metadata["model"] = said["model_name"]
    event: dict[str, Any] = {"event": "message-start", "role": "ai", "id": message.id or ""}
    if metadata:
        event["metadata"] = metadata
    return cast("MessagesData", event)


def _message_finish(
    usage: UsageMetadata | None, metadata: Mapping[str, Any], additional_kwargs: Mapping[str, Any]
) -> MessagesData:
    event: dict[str, Any] = {"event": "message-finish"}
    if usage:
        # A reader's own, down to the details.
        event["usage"] = {key: {**value} if isinstance(value, dict) else value for key, value in usage.items()}
    if metadata:
        event["metadata"] = {**metadata}
    if additional_kwargs:
        event["additional_kwargs"] = {**additional_kwargs}
    return cast("MessagesData", event)
