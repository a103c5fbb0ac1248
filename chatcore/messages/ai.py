"""What a model says, whole (`AIMessage`) and in parts (`AIMessageChunk`), and what it cost (`UsageMetadata`)."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Self, cast

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from chatcore.messages._merge import merge_content, merge_dicts
from chatcore.messages._shapes import is_dict, is_list, is_sequence
from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private
from chatcore.messages._standard import reasoning_block, tool_blocks
from chatcore.messages._tool_calls import ToolCallJoin, finished_calls, finished_content, parsed_call, partial_calls
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.content import InvalidToolCall
from chatcore.messages.tool import ToolCall, ToolCallChunk, invalid_tool_call, tool_call_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chatcore.messages import content as blocks

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "InputTokenDetails",
    "OutputTokenDetails",
    "UsageMetadata",
    "add_ai_message_chunks",
    "add_usage",
    "build_chunk",
    "build_message",
    "subtract_usage",
]

_ID_PREFIX = "lc_"
_RUN_ID_PREFIX = "lc_run-"
_PROVIDER_ID_RANK = 2


class InputTokenDetails(TypedDict, total=False):
    """What the input tokens were, in part; a provider may add its own keys.

    cache_read: read from the provider's cache. cache_creation: written to it.
    """

    audio: int
    cache_creation: int
    cache_read: int


class OutputTokenDetails(TypedDict, total=False):
    """What the output tokens were, in part; a provider may add its own keys.

    reasoning: spent on thought that is no part of the answer.
    """

    audio: int
    reasoning: int


class UsageMetadata(TypedDict):
    """The tokens of one call."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: NotRequired[InputTokenDetails]
    output_token_details: NotRequired[OutputTokenDetails]


class AIMessage(BaseMessage):
    """What a model has answered.

    tool_calls: the calls it asks for, arguments parsed. If they are not given, they are read from
        `additional_kwargs["tool_calls"]`, in OpenAI's shape, or from the tool calls among `content_blocks=`.
    invalid_tool_calls: the calls whose arguments cannot be read, with their raw text.
    usage_metadata: the tokens, if the provider said.
    """

    tool_calls: list[ToolCall] = Field(default_factory=list[ToolCall])
    invalid_tool_calls: list[InvalidToolCall] = Field(default_factory=list[InvalidToolCall])
    usage_metadata: UsageMetadata | None = None
    type: Literal["ai"] = "ai"

    def __init__(
        self,
        content: str | list[str | dict[Any, Any]] | None = None,
        content_blocks: list[blocks.ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs and type(content) is str and content_blocks is None and type(self) is AIMessage:
            fields = _message_fields()
            fields["content"] = content
            fields["additional_kwargs"] = {}
            fields["response_metadata"] = {}
            fields["tool_calls"] = []
            fields["invalid_tool_calls"] = []
            set_fields(self, fields)
            set_fields_set(self, {"content"})
            set_extra(self, {})
            set_private(self, None)
            return
        if content_blocks is not None and "tool_calls" not in kwargs:
            calls = [block for block in content_blocks if block.get("type") == "tool_call"]
            if calls:
                kwargs["tool_calls"] = calls
        super().__init__(content, content_blocks, **kwargs)

    @property
    def content_blocks(self) -> list[blocks.ContentBlock]:
        """The content as standard blocks: reasoning first, then what was said, then the tool calls."""
        content = self.content
        if isinstance(content, list) and self.response_metadata.get("output_version") == "v1":
            return cast("list[blocks.ContentBlock]", content)
        said = super().content_blocks
        said.extend(self._tool_blocks(content))
        if not any(block.get("type") == "reasoning" for block in said):
            said[:0] = reasoning_block(self.additional_kwargs)
        return said

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """Return the message under a title line, with its tool calls, for people to read."""
        lines = [super().pretty_repr(html=html).strip()]
        for title, calls in (("Tool Calls:", self.tool_calls), ("Invalid Tool Calls:", self.invalid_tool_calls)):
            if calls:
                lines.append(title)
                for call in calls:
                    lines.extend(_pretty_call(cast("Mapping[str, Any]", call)))
        return "\n".join(lines).strip()

    def _tool_blocks(self, content: str | list[Any]) -> list[blocks.ContentBlock]:
        return tool_blocks(content, self.tool_calls, self.invalid_tool_calls)

    @model_validator(mode="before")
    @classmethod
    def _read_tool_calls(cls, values: Any) -> Any:
        if not is_dict(values):
            return values
        fields: dict[str, Any] = {**values}
        if not any(fields.get(key) for key in _TYPED):
            beside: Any = fields.get("additional_kwargs")
            if is_dict(beside) and is_list(beside.get("tool_calls")):
                fields.update(cls._from_raw_calls(beside["tool_calls"]))
        for key, typed in _TYPED.items():
            calls: Any = fields.get(key)
            if is_sequence(calls):
                fields[key] = [typed(call) if is_dict(call) else call for call in calls]
        return fields

    @classmethod
    def _from_raw_calls(cls, raw: list[Any]) -> dict[str, Any]:
        calls: list[Any] = []
        invalid: list[Any] = []
        for call in raw:
            function = _function_of(call)
            if function is None:
                continue
            parsed = parsed_call(function.get("name"), function.get("arguments"), call.get("id"))
            (calls if parsed.get("type") == "tool_call" else invalid).append(parsed)
        return {"tool_calls": calls, "invalid_tool_calls": invalid}


class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A part of a model's answer, as it streams in. `chunk + chunk` joins them.

    tool_call_chunks: the parts of tool calls that it brings. `tool_calls` holds as much of them as can be read so far.
    chunk_position: `"last"` for the end of the answer: from then on `tool_calls` holds only whole calls, and a call
        whose arguments are cut off is among the `invalid_tool_calls`.
    """

    type: Literal["AIMessageChunk"] = "AIMessageChunk"  # type: ignore[assignment]  # the chunk's own tag
    tool_call_chunks: list[ToolCallChunk] = Field(default_factory=list[ToolCallChunk])
    chunk_position: Literal["last"] | None = None

    def __init__(
        self,
        content: str | list[str | dict[Any, Any]] | None = None,
        content_blocks: list[blocks.ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs and type(content) is str and content_blocks is None and type(self) is AIMessageChunk:
            fields = _chunk_fields()
            fields["content"] = content
            fields["additional_kwargs"] = {}
            fields["response_metadata"] = {}
            fields["tool_calls"] = []
            fields["invalid_tool_calls"] = []
            fields["tool_call_chunks"] = []
            set_fields(self, fields)
            set_fields_set(self, {"content"})
            set_extra(self, {})
            set_private(self, None)
            return
        super().__init__(content, content_blocks, **kwargs)

    def __add__(self, other: Any) -> BaseMessageChunk:
        """Join this part with the next one, or with a list of them; raises TypeError for anything else."""
        if isinstance(other, AIMessageChunk):
            return add_ai_message_chunks(self, other)
        if is_sequence(other) and all(isinstance(part, AIMessageChunk) for part in other):
            return add_ai_message_chunks(self, *other)
        return super().__add__(other)

    def _tool_blocks(self, content: str | list[Any]) -> list[blocks.ContentBlock]:
        still_coming = self.tool_call_chunks and self.chunk_position != "last"
        if still_coming and (not content or self.response_metadata.get("model_provider")):
            return [_chunk_block(chunk) for chunk in self.tool_call_chunks]
        return super()._tool_blocks(content)

    @classmethod
    def _from_raw_calls(cls, raw: list[Any]) -> dict[str, Any]:
        chunks: list[Any] = []
        for call in raw:
            function = _function_of(call) or {}
            chunks.append(
                tool_call_chunk(
                    name=function.get("name"),
                    args=function.get("arguments"),
                    id=call.get("id"),
                    index=call.get("index"),
                )
            )
        return {"tool_call_chunks": chunks}

    @model_validator(mode="after")
    def _init_tool_calls(self) -> Self:
        is_last = self.chunk_position == "last"
        if self.tool_call_chunks:
            read = finished_calls if is_last else partial_calls
            self.tool_calls, self.invalid_tool_calls = read(self.tool_call_chunks)
        elif self.tool_calls or self.invalid_tool_calls:
            self.tool_call_chunks = [
                *(
                    tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"])
                    for call in self.tool_calls
                ),
                *(
                    tool_call_chunk(name=call["name"], args=call["args"], id=call["id"])
                    for call in self.invalid_tool_calls
                ),
            ]
        if is_last:
            self.content = finished_content(self.content, self.response_metadata, self.tool_calls)
        return self


def build_chunk(  # noqa: PLR0913 - the chunk's own fields, all by name
    content: str | list[str | dict[Any, Any]] = "",
    *,
    id: str | None = None,  # noqa: A002 - the field's own name
    name: str | None = None,
    additional_kwargs: dict[str, Any] | None = None,
    response_metadata: dict[str, Any] | None = None,
    tool_call_chunks: list[ToolCallChunk] | None = None,
    usage_metadata: UsageMetadata | None = None,
    chunk_position: Literal["last"] | None = None,
) -> AIMessageChunk:
    """Make a chunk of parts that are known to be right: for codecs, which have just made them.

    Nothing is validated and nothing is copied: the chunk owns what it is given. `tool_call_chunks` must be complete
    dicts (`tool_call_chunk(...)` makes them). The chunk equals `AIMessageChunk(...)` of the same arguments.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    if tool_call_chunks:
        read = finished_calls if chunk_position == "last" else partial_calls
        calls, invalid = read(tool_call_chunks)
    if chunk_position == "last" and response_metadata:
        content = finished_content(content, response_metadata, calls)
    chunk = AIMessageChunk.__new__(AIMessageChunk)
    set_fields(
        chunk,
        {
            "content": content,
            "additional_kwargs": {} if additional_kwargs is None else additional_kwargs,
            "response_metadata": {} if response_metadata is None else response_metadata,
            "type": "AIMessageChunk",
            "name": name,
            "id": id,
            "tool_calls": calls,
            "invalid_tool_calls": invalid,
            "usage_metadata": usage_metadata,
            "tool_call_chunks": [] if tool_call_chunks is None else tool_call_chunks,
            "chunk_position": chunk_position,
        },
    )
    set_fields_set(chunk, set(_CHUNK_FIELDS))
    set_extra(chunk, {})
    set_private(chunk, None)
    return chunk


def build_message(  # noqa: PLR0913 - the message's own fields, all by name
    content: str | list[str | dict[Any, Any]] = "",
    *,
    id: str | None = None,  # noqa: A002 - the field's own name
    name: str | None = None,
    additional_kwargs: dict[str, Any] | None = None,
    response_metadata: dict[str, Any] | None = None,
    tool_calls: list[ToolCall] | None = None,
    invalid_tool_calls: list[InvalidToolCall] | None = None,
    usage_metadata: UsageMetadata | None = None,
) -> AIMessage:
    """Make a message of parts that are known to be right: for codecs, which have just made them.

    Nothing is validated and nothing is copied: the message owns what it is given. It equals `AIMessage(...)` of the
    same arguments.
    """
    message = AIMessage.__new__(AIMessage)
    set_fields(
        message,
        {
            "content": content,
            "additional_kwargs": {} if additional_kwargs is None else additional_kwargs,
            "response_metadata": {} if response_metadata is None else response_metadata,
            "type": "ai",
            "name": name,
            "id": id,
            "tool_calls": [] if tool_calls is None else tool_calls,
            "invalid_tool_calls": [] if invalid_tool_calls is None else invalid_tool_calls,
            "usage_metadata": usage_metadata,
        },
    )
    set_fields_set(message, set(_MESSAGE_FIELDS))
    set_extra(message, {})
    set_private(message, None)
    return message


def add_ai_message_chunks(left: AIMessageChunk, *others: AIMessageChunk) -> AIMessageChunk:
    """Join chunks of one answer, in order; none of them is changed. What `+` does."""
    parts = (left, *others)
    calls = ToolCallJoin()
    usage: UsageMetadata | None = None
    for part in parts:
        calls.add(cast("list[dict[str, Any]]", part.tool_call_chunks))
        if part.usage_metadata is not None:
            usage = add_usage(usage, part.usage_metadata)
    fields: dict[str, Any] = {
        "content": merge_content(left.content, *(part.content for part in others)),
        "id": best_id(part.id for part in parts),
        "name": next((part.name for part in parts if part.name is not None), None),
        "additional_kwargs": merge_dicts(left.additional_kwargs, *(part.additional_kwargs for part in others)),
        "response_metadata": merge_dicts(left.response_metadata, *(part.response_metadata for part in others)),
        "tool_call_chunks": calls.chunks(),
        "usage_metadata": usage,
        "chunk_position": "last" if any(part.chunk_position == "last" for part in parts) else None,
    }
    return build_chunk(**fields) if type(left) is AIMessageChunk else type(left)(**fields)


def best_id(ids: Iterable[str | None]) -> str | None:
    """Of the ids that chunks of one answer carry: the provider's own before a run's, a run's before a made-up one."""
    best: str | None = None
    best_rank = -1
    for candidate in ids:
        if candidate and (rank := id_rank(candidate)) > best_rank:
            best, best_rank = candidate, rank
            if rank == _PROVIDER_ID_RANK:
                break
    return best


def id_rank(message_id: str) -> int:
    """2 for an id that a provider gave, 1 for one that a run gave, 0 for one that was made up."""
    if not message_id.startswith(_ID_PREFIX):
        return _PROVIDER_ID_RANK
    return 1 if message_id.startswith(_RUN_ID_PREFIX) else 0


def add_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Add two token counts, details included; None counts as nothing."""
    return _combined_usage(left, right, lambda a, b: a + b)


def subtract_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Subtract one token count from another, details included; no count falls below zero."""
    return _combined_usage(left, right, lambda a, b: max(a - b, 0))


def _combined_usage(
    left: UsageMetadata | None, right: UsageMetadata | None, combine: Callable[[int, int], int]
) -> UsageMetadata:
    if left and right:
        return cast("UsageMetadata", _combined_counts(cast("Any", left), cast("Any", right), combine))
    return left or right or UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)


def _combined_counts(left: dict[str, Any], right: dict[str, Any], combine: Callable[[int, int], int]) -> dict[str, Any]:
    combined: dict[str, Any] = {}
    for key in {**left, **right}:
        mine: Any = left.get(key)
        theirs: Any = right.get(key)
        kinds: set[type[Any]] = {type(count) for count in (mine, theirs) if count is not None}
        if kinds == {dict}:
            combined[key] = _combined_counts(mine or {}, theirs or {}, combine)
        elif kinds <= {int}:
            combined[key] = combine(mine or 0, theirs or 0)
        else:
            msg = f"cannot combine the usage under {key!r}: {mine!r} and {theirs!r} are not both counts or breakdowns"
            raise ValueError(msg)
    return combined


def _function_of(call: Any) -> dict[str, Any] | None:
    function: Any = call.get("function") if is_dict(call) else None
    return function if is_dict(function) else None


def _typed_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    return {**{key: call[key] for key in ("name", "args") if key in call}, "id": call.get("id"), "type": "tool_call"}


def _typed_invalid_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    return dict(
        invalid_tool_call(name=call.get("name"), args=call.get("args"), id=call.get("id"), error=call.get("error"))
    )


def _typed_tool_call_chunk(call: dict[str, Any]) -> dict[str, Any]:
    return dict(
        tool_call_chunk(name=call.get("name"), args=call.get("args"), id=call.get("id"), index=call.get("index"))
    )


_TYPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "tool_calls": _typed_tool_call,
    "invalid_tool_calls": _typed_invalid_tool_call,
    "tool_call_chunks": _typed_tool_call_chunk,
}


def _chunk_block(chunk: ToolCallChunk) -> blocks.ContentBlock:
    block: blocks.ToolCallChunk = {
        "type": "tool_call_chunk",
        "id": chunk.get("id"),
        "name": chunk.get("name"),
        "args": chunk.get("args"),
    }
    if (index := chunk.get("index")) is not None:
        block["index"] = index
    return block


def _pretty_call(call: Mapping[str, Any]) -> Sequence[str]:
    lines = [f"  {call.get('name', 'Tool')} ({call.get('id')})", f" Call ID: {call.get('id')}"]
    if call.get("error"):
        lines.append(f"  Error: {call['error']}")
    lines.append("  Args:")
    args: Any = call.get("args")
    if isinstance(args, str):
        lines.append(f"    {args}")
    elif isinstance(args, dict):
        lines.extend(f"    {name}: {value}" for name, value in cast("dict[str, Any]", args).items())
    return lines


# Every field in the model's order; a copy is the fastest way to a message's fields. What is mutable is made anew for
# each.
_MESSAGE_TEMPLATE: dict[str, Any] = {**dict.fromkeys(AIMessage.model_fields), "type": "ai"}
_CHUNK_TEMPLATE: dict[str, Any] = {**dict.fromkeys(AIMessageChunk.model_fields), "type": "AIMessageChunk"}
_message_fields = _MESSAGE_TEMPLATE.copy
_chunk_fields = _CHUNK_TEMPLATE.copy
_MESSAGE_FIELDS = frozenset(_MESSAGE_TEMPLATE) - {"type"}
_CHUNK_FIELDS = frozenset(_CHUNK_TEMPLATE) - {"type"}
