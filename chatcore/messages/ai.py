"""What a model says: whole (`AIMessage`), in parts (`AIMessageChunk`), and the parts joined (`Accumulator`)."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from chatcore.messages._merge import ContentJoin, DictJoin
from chatcore.messages._shapes import is_dict, is_list, is_sequence
from chatcore.messages._slots import get_fields, set_extra, set_fields, set_fields_set, set_private
from chatcore.messages._standard import UNREADABLE, standard_blocks
from chatcore.messages._tool_calls import (
    TYPED,
    ToolCallJoin,
    finished_blocks,
    finished_calls,
    is_standard,
    partial_calls,
)
from chatcore.messages._usage import InputTokenDetails, OutputTokenDetails, UsageMetadata, add_usage, subtract_usage
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.block_translators import get_translator
from chatcore.messages.block_translators._blocks import finished, is_growing, reasoning_block
from chatcore.messages.content import LC_AUTO_PREFIX, LC_ID_PREFIX, InvalidToolCall
from chatcore.messages.tool import (
    ToolCall,
    ToolCallChunk,
    default_tool_chunk_parser,
    default_tool_parser,
    tool_call_chunk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chatcore.messages import content as blocks

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "Accumulator",
    "InputTokenDetails",
    "OutputTokenDetails",
    "UsageMetadata",
    "add_ai_message_chunks",
    "add_usage",
    "build_chunk",
    "build_message",
    "subtract_usage",
]

_logger = logging.getLogger("chatcore")


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

    _translation: ClassVar[str] = "translate_content"

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
    def lc_attributes(self) -> dict[str, Any]:
        """What JSON holds even where it is empty."""
        return {"tool_calls": self.tool_calls, "invalid_tool_calls": self.invalid_tool_calls}

    @property
    def content_blocks(self) -> list[blocks.ContentBlock]:
        """The content as standard blocks: reasoning, what was said, the tool calls.

        Content of a provider that `response_metadata["model_provider"]` names is read by its translator
        (`chatcore.messages.block_translators`), any other as best we can.
        """
        content = self.content
        if is_standard(content, self.response_metadata):
            is_whole = all(is_dict(block) and isinstance(block.get("type"), str) for block in content)
            return content if is_whole else standard_blocks(content)
        provider = self.response_metadata.get("model_provider")
        # Many hosts have taken over OpenAI's Responses API, and with it the shape of its content.
        shape = "openai" if self.response_metadata.get("output_version") == "responses/v1" else provider
        translator = get_translator(shape) if shape else None
        if translator is not None:
            try:
                return translator[self._translation](self)
            except NotImplementedError:
                pass  # its way to say that it knows no better than we
            except UNREADABLE:
                _logger.debug("content of %s is not in the shape of %s", provider, shape, exc_info=True)
        said = [*super().content_blocks]
        if not any(block.get("type") == "reasoning" for block in said):
            said[:0] = cast("list[blocks.ContentBlock]", reasoning_block(self.additional_kwargs))
        # The reference shows a chunk's calls, as far as they can be read, beside content of nobody knows whom.
        in_parts = is_growing(self) and not (content and provider is None)
        return finished(cast("list[dict[str, Any]]", said), self, in_parts=in_parts)

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """Return the message under a title line, with its tool calls, for people to read."""
        lines = [super().pretty_repr(html=html).strip()]
        for title, calls in (("Tool Calls:", self.tool_calls), ("Invalid Tool Calls:", self.invalid_tool_calls)):
            if calls:
                lines.append(title)
                for call in calls:
                    lines.extend(_pretty_call(cast("Mapping[str, Any]", call)))
        return "\n".join(lines).strip()

    @model_validator(mode="before")
    @classmethod
    def _read_tool_calls(cls, values: Any) -> Any:
        if not is_dict(values):
            return values
        fields: dict[str, Any] = {**values}
        if not any(fields.get(key) for key in TYPED):
            beside: Any = fields.get("additional_kwargs")
            if is_dict(beside) and is_list(beside.get("tool_calls")):
                fields.update(cls._from_raw_calls(beside["tool_calls"]))
        for key, typed in TYPED.items():
            calls: Any = fields.get(key)
            if is_sequence(calls):
                fields[key] = [typed(call) if is_dict(call) else call for call in calls]
        return fields

    @classmethod
    def _from_raw_calls(cls, raw: list[Any]) -> dict[str, Any]:
        calls, invalid = default_tool_parser(raw)
        return {"tool_calls": calls, "invalid_tool_calls": invalid}


class _AllFields:
    """The `__dict__` of a chunk that was built, whose fields are made before anyone sees all of them.

    A chunk that is one of thousands, and a sum that is added to again, are hardly ever asked for more than their text;
    to read their tool calls each time would cost the square of the stream. So what follows from `tool_call_chunks`, and
    what is empty, is left out of a chunk that was built, and made when it is missed. Whoever wants one such field comes
    by `__getattr__`. Whoever wants all (pydantic, to dump, compare, copy or pickle; `vars`) asks for `__dict__` and
    comes here. To read any other field is to come by neither.
    """

    def __get__(self, chunk: AIMessageChunk, kind: type[AIMessageChunk] | None = None) -> dict[str, Any]:
        fields = get_fields(chunk)
        if "tool_calls" in fields or "chunk_position" not in fields:
            return fields
        whole = {**_chunk_fields(), **fields}
        for name, make in _EMPTY.items():
            if name not in fields:
                whole[name] = make()
        read = finished_calls if fields["chunk_position"] == "last" else partial_calls
        whole["tool_calls"], whole["invalid_tool_calls"] = read(whole["tool_call_chunks"])
        set_fields(chunk, whole)
        return whole

    def __set__(self, chunk: AIMessageChunk, fields: dict[str, Any]) -> None:
        set_fields(chunk, fields)


class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A part of a model's answer, as it streams in. `chunk + chunk` joins them.

    tool_call_chunks: the parts of tool calls that it brings. `tool_calls` holds as much of them as can be read so far.
    chunk_position: `"last"` for the end of the answer: from then on `tool_calls` holds only whole calls, and a call
        whose arguments are cut off is among the `invalid_tool_calls`.
    """

    type: Literal["AIMessageChunk"] = "AIMessageChunk"  # type: ignore[assignment]  # the chunk's own tag
    tool_call_chunks: list[ToolCallChunk] = Field(default_factory=list[ToolCallChunk])
    chunk_position: Literal["last"] | None = None

    _translation: ClassVar[str] = "translate_content_chunk"

    if not TYPE_CHECKING:
        __dict__ = _AllFields()

        def __getattr__(self, name: str) -> Any:
            if name in _READ_LATE:
                return vars(self)[name]
            if name in _EMPTY:
                value = get_fields(self)[name] = _EMPTY[name]()
                return value
            return super().__getattr__(name)

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

    def __add__(self, other: Any) -> AIMessageChunk:
        """Join this part with the next one, or with a list of them; raises TypeError for anything else."""
        if isinstance(other, AIMessageChunk):
            return add_ai_message_chunks(self, other)
        if is_sequence(other) and all(isinstance(part, AIMessageChunk) for part in other):
            return add_ai_message_chunks(self, *other)
        return cast("AIMessageChunk", super().__add__(other))

    @classmethod
    def _from_raw_calls(cls, raw: list[Any]) -> dict[str, Any]:
        return {"tool_call_chunks": default_tool_chunk_parser(raw)}

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
        if is_last and is_standard(self.content, self.response_metadata):
            self.content = finished_blocks(self.content, self.tool_calls)
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
    dicts (`tool_call_chunk(...)` makes them). The chunk equals `AIMessageChunk(...)` of the same arguments; what is
    empty is made, and its `tool_calls` are read, when they are first looked at.
    """
    if chunk_position == "last" and is_standard(content, response_metadata or {}):
        content = finished_blocks(content, finished_calls(tool_call_chunks or ())[0])
    fields = _built_fields()
    fields["content"] = content
    fields["name"] = name
    fields["id"] = id
    fields["usage_metadata"] = usage_metadata
    fields["chunk_position"] = chunk_position
    if tool_call_chunks:
        fields["tool_call_chunks"] = tool_call_chunks
    if additional_kwargs:
        fields["additional_kwargs"] = additional_kwargs
    if response_metadata:
        fields["response_metadata"] = response_metadata
    chunk = AIMessageChunk.__new__(AIMessageChunk)
    set_fields(chunk, fields)
    set_fields_set(chunk, _chunk_field_names())
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
    set_fields_set(message, _message_field_names())
    set_extra(message, {})
    set_private(message, None)
    return message


def add_ai_message_chunks(left: AIMessageChunk, *others: AIMessageChunk) -> AIMessageChunk:
    """Join chunks of one answer, in order; none of them is changed. What `+` does."""
    parts = Accumulator()
    parts.add(left)
    for other in others:
        parts.add(other)
    chunk = parts.chunk()
    if type(left) is AIMessageChunk:
        return chunk
    return type(left)(**{name: value for name, value in chunk if name not in _FOLLOW_FROM_OTHERS})


class Accumulator:
    """Joins the chunks of one answer: append each, join once.

    It says what `chunk + chunk + …` says, and `message()` what `message_chunk_to_message` makes of that; but adding a
    chunk costs the same however much has come before, and tool arguments are parsed once, when they are whole. It
    keeps what the chunks held, not the chunks. What `chunk()` returned stays as it is when more is added.

    ::

        parts = Accumulator()
        async for chunk in model.astream("hi"):
            parts.add(chunk)
        message = parts.message()
    """

    __slots__ = (
        "_add_content",
        "_content",
        "_count",
        "_id",
        "_kwargs",
        "_metadata",
        "_name",
        "_position",
        "_tool_calls",
        "_usage",
    )

    def __init__(self) -> None:
        self._content = ContentJoin()
        self._add_content = self._content.add
        self._kwargs = DictJoin()
        self._metadata = DictJoin()
        self._tool_calls = ToolCallJoin()
        self._usage: UsageMetadata | None = None
        self._id: str | None = None
        self._name: str | None = None
        self._position: Literal["last"] | None = None
        self._count = 0

    def __len__(self) -> int:
        """How many chunks have been added."""
        return self._count

    def add(self, chunk: AIMessageChunk, given_id: str | None = None) -> None:
        """Take the next chunk.

        chunk: a part of the answer.
        given_id: an id for the chunk, if it has none.
        """
        self._count += 1
        if not isinstance(chunk, AIMessageChunk):
            msg = f"cannot accumulate a {type(chunk).__name__}: only an AIMessageChunk is a part of an answer"
            raise TypeError(msg)
        # Once per token: the model's own attribute access costs twice a dict's, and would read the tool calls.
        fields = get_fields(chunk)
        if given_id is not None and fields["id"] is None:
            # As an assignment does it, without what that costs.
            fields["id"] = given_id
            chunk.model_fields_set.add("id")
        self._add_content(fields["content"])
        if len(fields) > _BUILT:  # else it was built, of nothing but text
            self._add_rest(fields)
        if fields["usage_metadata"] is not None:
            self._usage = add_usage(self._usage, fields["usage_metadata"])
        if fields["id"] and fields["id"] != self._id:
            self._id = _better_id(self._id, fields["id"])
        if self._name is None:
            self._name = fields["name"]
        if fields["chunk_position"] is not None:
            self._position = fields["chunk_position"]

    def _add_rest(self, fields: dict[str, Any]) -> None:
        if calls := fields.get("tool_call_chunks"):
            self._tool_calls.add(calls)
        if extras := fields.get("additional_kwargs"):
            self._kwargs.add(extras)
        if metadata := fields.get("response_metadata"):
            self._metadata.add(metadata)

    @property
    def text_so_far(self) -> str:
        """The text that has come. It costs its length: read it now and then, not at every chunk."""
        return self._content.text()

    def chunk(self) -> AIMessageChunk:
        """The chunks so far as one; its tool calls hold what can be read so far, or are whole if the last has come."""
        return build_chunk(**self._fields(), tool_call_chunks=self._tool_calls.chunks(), chunk_position=self._position)

    def message(self) -> AIMessage:
        """The whole message; tool arguments that do not parse make an invalid tool call, with their raw text."""
        calls, invalid = finished_calls(self._tool_calls.chunks())
        fields = self._fields()
        if is_standard(fields["content"], fields["response_metadata"]):
            fields["content"] = finished_blocks(fields["content"], calls)
        return build_message(**fields, tool_calls=calls, invalid_tool_calls=invalid)

    def _fields(self) -> dict[str, Any]:
        return {
            "content": self._content.value(),
            "id": self._id,
            "name": self._name,
            "additional_kwargs": self._kwargs.value(),
            "response_metadata": self._metadata.value(),
            "usage_metadata": self._usage,
        }


def _better_id(known: str | None, other: str) -> str:
    """The id of an answer whose chunks say two: the provider's own before a run's, a run's before a made-up one."""
    return other if known is None or _id_rank(other) > _id_rank(known) else known


def _id_rank(message_id: str) -> int:
    if not message_id.startswith(LC_AUTO_PREFIX):
        return 2
    return 1 if message_id.startswith(LC_ID_PREFIX) else 0


def _pretty_call(call: Mapping[str, Any]) -> Sequence[str]:
    lines = [f"  {call.get('name', 'Tool')} ({call.get('id')})", f" Call ID: {call.get('id')}"]
    if call.get("error"):
        lines.append(f"  Error: {call['error']}")
    lines.append("  Args:")
    args: Any = call.get("args")
    if isinstance(args, str):
        lines.append(f"    {args}")
    elif is_dict(args):
        lines.extend(f"    {name}: {value}" for name, value in args.items())
    return lines


# Every field in the model's order; a copy is the fastest way to a message's fields. What is mutable is made anew for
# each.
_MESSAGE_TEMPLATE: dict[str, Any] = {**dict.fromkeys(AIMessage.model_fields), "type": "ai"}
_CHUNK_TEMPLATE: dict[str, Any] = {**dict.fromkeys(AIMessageChunk.model_fields), "type": "AIMessageChunk"}
_message_fields = _MESSAGE_TEMPLATE.copy
_chunk_fields = _CHUNK_TEMPLATE.copy
_READ_LATE = frozenset({"tool_calls", "invalid_tool_calls"})
_FOLLOW_FROM_OTHERS = _READ_LATE | {"type"}
_EMPTY: dict[str, Callable[[], Any]] = {"tool_call_chunks": list, "additional_kwargs": dict, "response_metadata": dict}
_BUILT_TEMPLATE = {
    name: value for name, value in _CHUNK_TEMPLATE.items() if name not in _READ_LATE and name not in _EMPTY
}
_built_fields = _BUILT_TEMPLATE.copy
_BUILT = len(_BUILT_TEMPLATE)
_message_field_names = (set(_MESSAGE_TEMPLATE) - {"type"}).copy
_chunk_field_names = (set(_CHUNK_TEMPLATE) - {"type"}).copy
