"""From the events of an answer to what its readers see: text, reasoning, tool calls, usage, the message.

No I/O and no waiting: events are dispatched one by one, from wherever they come, and what each adds is put where
readers find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chatcore.errors import TypedStreamError
from chatcore.messages._shapes import is_dict
from chatcore.messages.ai import build_message
from chatcore.typed_stream._bridge import finished_call
from chatcore.typed_stream._replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chatcore.messages import AIMessage, InvalidToolCall, ToolCall, UsageMetadata
    from chatcore.messages.content import ToolCallChunk
    from chatcore.typed_stream.protocol import MessagesData

__all__ = ["Assembly"]

_CALL_CHUNKS = frozenset({"tool_call_chunk", "server_tool_call_chunk"})
_WHOLE = frozenset(
    {"server_tool_call", "server_tool_result", "image", "audio", "video", "file", "text-plain", "non_standard"}
)
_NO_CALL: dict[str, Any] = {"id": "", "name": "", "args": {}}


class Assembly:
    """One answer, put together of its events.

    limit: how many events, and how many deltas of each kind, are kept for readers to come.
    message_id: the message's id, unless the first event names another.
    """

    def __init__(self, limit: int, message_id: str | None = None) -> None:
        self.message_id = message_id
        self.events: Replay[MessagesData, list[MessagesData]] = Replay(limit)
        self.text: Replay[str, str] = Replay(limit)
        self.reasoning: Replay[str, str] = Replay(limit)
        self.tool_calls: Replay[ToolCallChunk, list[ToolCall]] = Replay(limit)
        self.usage: Replay[UsageMetadata, UsageMetadata | None] = Replay(limit)
        self.output: Replay[AIMessage, AIMessage] = Replay(limit)
        self._said = _Texts("text", self.text)
        self._thought = _Texts("reasoning", self.reasoning)
        self._calls: dict[int, _Call] = {}
        self._finished: dict[int, dict[str, Any]] = {}
        self._tool_calls: list[dict[str, Any]] = []
        self._invalid_tool_calls: list[dict[str, Any]] = []
        self._metadata: dict[str, Any] = {}
        self._act: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "message-start": self._start,
            "content-block-start": self._start_block,
            "content-block-delta": self._grow_block,
            "content-block-finish": self._finish_block,
            "message-finish": self._finish,
            "error": self._error,
        }

    @property
    def done(self) -> bool:
        """Whether the answer has ended, or failed."""
        return self.events.done

    @property
    def message(self) -> AIMessage | None:
        """The message, if the answer has ended well."""
        return self.output.at(0) if len(self.output) else None

    def dispatch(self, event: Mapping[str, Any]) -> None:
        """Take the next event. One of an unknown kind is for the readers of events only."""
        self.events.push(cast("MessagesData", event))
        act = self._act.get(cast("str", event.get("event")))
        if act is not None:
            act(event)

    def fail(self, error: BaseException) -> None:
        """The answer has failed: whoever reads it gets what came before, and then this error."""
        for replay in self._all():
            replay.fail(error)

    def partial(self) -> AIMessage | None:
        """The message as far as it has come; None if nothing has. A call that is cut off is an invalid one."""
        if self.message is not None:
            return self.message
        if not len(self.events):
            return None
        finished = dict(self._finished)
        calls, invalid = [*self._tool_calls], [*self._invalid_tool_calls]
        for texts in (self._said, self._thought):
            for index in texts.indexes():
                finished.setdefault(index, texts.block(index))
        self._sweep(finished, calls, invalid)
        return self._message(finished, calls, invalid, None, {})

    def _all(self) -> tuple[Replay[Any, Any], ...]:
        return (self.text, self.reasoning, self.tool_calls, self.usage, self.output, self.events)

    # ------------------------------------------------------------------------------------------------------ the events

    def _start(self, event: Mapping[str, Any]) -> None:
        metadata: dict[str, Any] = event.get("metadata") or {}
        for key, name in (("provider", "model_provider"), ("model", "model_name")):
            if key in metadata:
                self._metadata[name] = metadata[key]
        self.message_id = event.get("id") or self.message_id

    def _start_block(self, event: Mapping[str, Any]) -> None:
        block, index = _content(event), event.get("index")
        # Whose call it is that grows, its start alone says; other blocks need nothing of theirs.
        if block is None or index is None or block.get("type") not in _CALL_CHUNKS:
            return
        self._call(index, block).replace(block)
        self._say(index, block.get("args"))

    def _grow_block(self, event: Mapping[str, Any]) -> None:
        delta, index = _delta(event), event.get("index")
        if delta is None:
            return
        match delta.get("type"):
            case "text-delta":
                self._said.grow(index, delta.get("text"))
            case "reasoning-delta":
                self._thought.grow(index, delta.get("reasoning"))
            case "tool-call-delta":
                call = self._calls.get(cast("int", index))
                args = delta.get("args")
                # Of a call whose start nobody has seen, the finish says everything.
                if call is not None and isinstance(args, str):
                    call.args.append(args)
                    self._say(index, args)
            case "block-delta":
                self._replace(index, delta.get("fields"))
            case "call-chunk":
                self._append(index, delta["chunk"])
            case _:
                # A kind of delta that is not known yet; the finish has the whole block.
                pass

    def _replace(self, index: int | None, fields: Any) -> None:
        """A call as far as it has come, instead of what was known of it."""
        if not is_dict(fields) or fields.get("type") not in _CALL_CHUNKS:
            return
        index = self._index(index, fields)
        call = self._call(index, fields)
        held = "".join(call.args)
        call.replace(fields)
        args = fields.get("args")
        if isinstance(args, str):
            if args.startswith(held):
                self._say(index, args[len(held) :])
            else:
                # No delta can say how it has changed; the finish will.
                call.quiet = True

    def _append(self, index: int | None, chunk: dict[str, Any]) -> None:
        """A part of a call in the shape of a block."""
        index = self._index(index, chunk)
        call = self._call(index, chunk)
        for key in ("id", "name"):
            if chunk.get(key) and not call.fields.get(key):
                call.fields[key] = chunk[key]
        args = chunk.get("args")
        if args:
            call.args.append(args)
            self._say(index, args, provider_index=chunk.get("index"))

    def _finish_block(self, event: Mapping[str, Any]) -> None:
        block, index = _content(event), event.get("index")
        if block is None:
            return
        kind = block.get("type")
        if kind == "text":
            block = {**block, "text": self._said.settle(index, block.get("text"))}
        elif kind == "reasoning":
            reasoning = self._thought.settle(index, block.get("reasoning"))
            # A block of nothing but a signature stays without a text.
            block = {**block, "reasoning": reasoning} if reasoning else {**block}
        elif kind == "tool_call":
            block = {**_NO_CALL, **_without_index(block)}
            self._tool_calls.append(block)
        elif kind == "invalid_tool_call":
            block = _without_index(block)
            self._invalid_tool_calls.append(block)
        elif kind in _WHOLE:
            block = {**block}
        else:
            return
        if index is None:
            return
        self._calls.pop(index, None)
        if kind not in {"tool_call", "invalid_tool_call"}:
            block.setdefault("index", index)
        self._finished[index] = block

    def _finish(self, event: Mapping[str, Any]) -> None:
        self._sweep(self._finished, self._tool_calls, self._invalid_tool_calls)
        self._calls.clear()
        self._metadata.update(event.get("metadata") or {})
        usage: UsageMetadata | None = event.get("usage")
        message = self._message(
            self._finished, self._tool_calls, self._invalid_tool_calls, usage, event.get("additional_kwargs") or {}
        )
        self.text.complete(self._said.whole())
        self.reasoning.complete(self._thought.whole())
        self.tool_calls.complete(cast("list[ToolCall]", self._tool_calls))
        if usage is not None:
            self.usage.push(usage)
        self.usage.complete(usage)
        self.output.push(message)
        self.output.complete(message)
        self.events.complete([])

    def _error(self, event: Mapping[str, Any]) -> None:
        self.fail(TypedStreamError(event.get("message") or "The stream's events say that the answer failed."))

    # ------------------------------------------------------------------------------------------------------- the calls

    def _index(self, index: int | None, block: Mapping[str, Any]) -> int:
        return block.get("index", len(self._calls)) if index is None else index

    def _call(self, index: int, block: Mapping[str, Any]) -> _Call:
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Call(server=block.get("type") == "server_tool_call_chunk")
        return call

    def _say(self, index: int | None, args: Any, *, provider_index: Any = None) -> None:
        """Tell the readers of tool calls what a call has grown by. Each part says whose it is."""
        call = self._calls[cast("int", index)]
        if call.server or call.quiet or not args:
            return
        part: dict[str, Any] = {
            "type": "tool_call_chunk",
            "id": call.fields.get("id"),
            "name": call.fields.get("name"),
            "args": args,
        }
        provider_index = call.fields.get("index", provider_index)
        if provider_index is not None:
            part["index"] = provider_index
        self.tool_calls.push(cast("ToolCallChunk", part))

    def _sweep(
        self, finished: dict[int, dict[str, Any]], calls: list[dict[str, Any]], invalid: list[dict[str, Any]]
    ) -> None:
        """Finish the calls that nobody has finished."""
        for index, call in sorted(self._calls.items()):
            block = finished[index] = finished_call({**call.fields, "args": "".join(call.args)}, server=call.server)
            if block["type"] == "invalid_tool_call":
                invalid.append(block)
            elif not call.server:
                calls.append(block)

    def _message(
        self,
        finished: dict[int, dict[str, Any]],
        calls: list[dict[str, Any]],
        invalid: list[dict[str, Any]],
        usage: UsageMetadata | None,
        additional_kwargs: Mapping[str, Any],
    ) -> AIMessage:
        content: Any = [{**finished[index]} for index in sorted(finished)] if finished else self._said.whole()
        return build_message(
            content,
            id=self.message_id,
            additional_kwargs={**additional_kwargs},
            # Whatever the provider's chunks were, this content is standard blocks.
            response_metadata={**self._metadata, "output_version": "v1"},
            tool_calls=[
                {"name": call["name"], "args": call["args"], "id": call["id"], "type": "tool_call"} for call in calls
            ],
            invalid_tool_calls=[_invalid(call) for call in invalid],
            usage_metadata=usage,
        )


class _Texts:
    """The text of an answer, or its reasoning: by blocks, for each is finished by itself."""

    __slots__ = ("_kind", "_loose", "_parts", "_readers")

    def __init__(self, kind: str, readers: Replay[str, str]) -> None:
        self._kind = kind
        self._readers = readers
        self._parts: dict[int, list[str]] = {}
        # What came without saying of which block it is.
        self._loose: list[str] = []

    def grow(self, index: int | None, text: Any) -> None:
        if text:
            (self._loose if index is None else self._parts.setdefault(index, [])).append(text)
            self._readers.push(text)

    def settle(self, index: int | None, whole: Any) -> str:
        """The text of a block that is whole. What its finish says counts, if it is not what its deltas have said."""
        parts = self._loose if index is None else self._parts.setdefault(index, [])
        said = "".join(parts)
        if not whole or whole == said:
            return said
        if whole.startswith(said):
            self._readers.push(whole[len(said) :])
        parts[:] = [whole]
        return cast("str", whole)

    def whole(self) -> str:
        parts = [part for index in sorted(self._parts) for part in self._parts[index]]
        return "".join(parts or self._loose)

    def indexes(self) -> list[int]:
        return [*self._parts]

    def block(self, index: int) -> dict[str, Any]:
        return {"type": self._kind, self._kind: "".join(self._parts[index]), "index": index}


class _Call:
    """A call that grows.

    server: the provider runs it.
    quiet: its arguments have been changed in a way that no delta can say.
    """

    __slots__ = ("args", "fields", "quiet", "server")

    def __init__(self, *, server: bool) -> None:
        self.server = server
        self.quiet = False
        self.fields: dict[str, Any] = {}
        self.args: list[str] = []

    def replace(self, fields: Mapping[str, Any]) -> None:
        """Take what `fields` says instead of what is known."""
        self.fields.update({key: value for key, value in fields.items() if value is not None and key != "args"})
        args = fields.get("args")
        if isinstance(args, str):
            self.args = [args]


def _content(event: Mapping[str, Any]) -> dict[str, Any] | None:
    block: Any = event.get("content") or event.get("content_block")
    return block if is_dict(block) else None


def _delta(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a block has grown by; also if it is said in the shape of a block, as older producers do."""
    delta: Any = event.get("delta")
    if is_dict(delta):
        return delta
    block: Any = event.get("content_block")
    if not is_dict(block):
        return None
    kind = block.get("type")
    if kind in _CALL_CHUNKS:
        return {"type": "call-chunk", "chunk": block}
    return {**block, "type": f"{kind}-delta"}


def _without_index(block: Mapping[str, Any]) -> dict[str, Any]:
    # It is parsed: nothing more may merge with it.
    return {key: value for key, value in block.items() if key != "index"}


def _invalid(call: Mapping[str, Any]) -> InvalidToolCall:
    return {
        "type": "invalid_tool_call",
        "id": call.get("id") or None,
        "name": call.get("name") or None,
        "args": call.get("args") or None,
        "error": call.get("error"),
    }
