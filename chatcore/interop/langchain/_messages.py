"""Messages of either library as the other's: the same fields, in classes of the same names.

Nothing is validated again, parsed again or left out. Containers are copied, so that neither side changes what the other
holds; an artifact is the program's own, and is handed over as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from langchain_core import messages as lc
from pydantic import BaseModel

from chatcore import messages as own
from chatcore.errors import WrongTypeError
from chatcore.messages.ai import build_chunk
from chatcore.messages.tool import tool_call_chunk

__all__ = [
    "answer_chunk",
    "from_langchain_message",
    "from_langchain_messages",
    "to_langchain_message",
    "to_langchain_messages",
]

_PAIRS: tuple[tuple[type[own.BaseMessage], type[lc.BaseMessage]], ...] = (
    (own.AIMessage, lc.AIMessage),
    (own.AIMessageChunk, lc.AIMessageChunk),
    (own.ChatMessage, lc.ChatMessage),
    (own.ChatMessageChunk, lc.ChatMessageChunk),
    (own.FunctionMessage, lc.FunctionMessage),
    (own.FunctionMessageChunk, lc.FunctionMessageChunk),
    (own.HumanMessage, lc.HumanMessage),
    (own.HumanMessageChunk, lc.HumanMessageChunk),
    (own.RemoveMessage, lc.RemoveMessage),
    (own.SystemMessage, lc.SystemMessage),
    (own.SystemMessageChunk, lc.SystemMessageChunk),
    (own.ToolMessage, lc.ToolMessage),
    (own.ToolMessageChunk, lc.ToolMessageChunk),
)
_TO: Mapping[type, type[lc.BaseMessage]] = dict(_PAIRS)
_FROM: Mapping[type, type[own.BaseMessage]] = {theirs: ours for ours, theirs in _PAIRS}

_AS_IT_IS = frozenset({"artifact"})
_READ_FROM_CHUNKS = frozenset({"tool_calls", "invalid_tool_calls"})


def to_langchain_messages(messages: Iterable[Any]) -> list[lc.BaseMessage]:
    """The same messages, for LangChain.

    Args:
        messages: chatcore's messages, or anything that `chatcore.messages.convert_to_messages` takes.

    Returns:
        LangChain's, with every field: content, tool calls (invalid ones too), usage, artifacts, ids, metadata, and
        fields of one's own. A message of a class of one's own becomes one of the class it inherits from.
    """
    given = list(messages)
    if not all(isinstance(message, own.BaseMessage) for message in given):
        given = own.convert_to_messages(given)
    return [to_langchain_message(message) for message in given]


def from_langchain_messages(messages: Iterable[Any]) -> list[own.BaseMessage]:
    """The same messages, for chatcore.

    Args:
        messages: LangChain's messages, or anything that `langchain_core.messages.convert_to_messages` takes.

    Returns:
        chatcore's, with every field; see `to_langchain_messages`.
    """
    given = list(messages)
    if not all(isinstance(message, lc.BaseMessage) for message in given):
        given = lc.convert_to_messages(given)
    return [from_langchain_message(message) for message in given]


def to_langchain_message(message: own.BaseMessage) -> lc.BaseMessage:
    """One message, for LangChain."""
    return cast("lc.BaseMessage", _made(_known(_TO, message), message, vars(message)))


def from_langchain_message(message: lc.BaseMessage) -> own.BaseMessage:
    """One message, for chatcore."""
    kind = _known(_FROM, message)
    if kind is own.AIMessageChunk:
        return _chunk(vars(message), message.__pydantic_extra__)
    return cast("own.BaseMessage", _made(kind, message, vars(message)))


def answer_chunk(message: own.BaseMessage | lc.BaseMessage) -> own.AIMessageChunk:
    """A model's answer, or a part of it, of either library, as a part of one of chatcore's streams."""
    if isinstance(message, own.AIMessageChunk):
        return message
    fields = dict(vars(message))
    if not isinstance(message, lc.AIMessageChunk):
        parts = [
            *((call["name"], json.dumps(call["args"]), call["id"]) for call in fields.get("tool_calls", ())),
            *((call["name"], call["args"], call["id"]) for call in fields.get("invalid_tool_calls", ())),
        ]
        fields["tool_call_chunks"] = [
            tool_call_chunk(name=name, args=args, id=call_id, index=index)
            for index, (name, args, call_id) in enumerate(parts)
        ]
        fields["chunk_position"] = "last"
    return _chunk(fields, message.__pydantic_extra__)


def _known(kinds: Mapping[type, type[Any]], message: object) -> type[Any]:
    for kind in type(message).__mro__:
        if kind in kinds:
            return kinds[kind]
    expected = next(iter(kinds)).__module__.partition(".")[0]
    msg = f"A message of {expected} is expected, not a {type(message).__module__}.{type(message).__qualname__}."
    raise WrongTypeError(msg)


def _made(kind: type[BaseModel], message: BaseModel, fields: Mapping[str, Any]) -> BaseModel:
    carried = _carried({**fields, **(message.__pydantic_extra__ or {})})
    # As they stand: to validate them would read tool calls again, and each library reads what is cut off its own way.
    return kind.model_construct({*message.model_fields_set, "type"}, **carried)


def _chunk(fields: Mapping[str, Any], extra: Mapping[str, Any] | None) -> own.AIMessageChunk:
    known = own.AIMessageChunk.model_fields
    carried = _carried({name: value for name, value in fields.items() if name not in _READ_FROM_CHUNKS})
    more = {name: carried.pop(name) for name in [*carried] if name not in known}
    chunk = build_chunk(**carried)
    for name, value in {**more, **_carried(extra or {})}.items():
        setattr(chunk, name, value)
    return chunk


def _carried(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if name in _AS_IT_IS else _copied(value)
        for name, value in fields.items()
        # The tag is the class's: one of a class of the user's own means nothing on the other side.
        if name != "type"
    }


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(item) for key, item in cast("dict[Any, Any]", value).items()}
    if type(value) is list:
        return [_copied(item) for item in cast("list[Any]", value)]
    return value
