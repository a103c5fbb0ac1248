"""Choosing among the messages of a conversation, and joining those that one speaker said in a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from chatcore.errors import InvalidInputError
from chatcore.messages._coercion import convert_to_messages, message_chunk_to_message
from chatcore.messages._roles import (
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
)
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._step import GivenMessages, also_a_step
from chatcore.messages.ai import AIMessage, AIMessageChunk
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.tool import ToolMessage, ToolMessageChunk

__all__ = ["MessageKind", "filter_messages", "is_kind", "merge_message_runs"]

MessageKind = str | type[BaseMessage]
"""A kind of message: its `type` ("human", "ai", ...) or its class."""


def is_kind(message: BaseMessage, kinds: MessageKind | Sequence[MessageKind]) -> bool:
    """Whether a message is of one of these kinds."""
    several: Sequence[MessageKind] = [kinds] if isinstance(kinds, str | type) else kinds
    return any(message.type == kind if isinstance(kind, str) else isinstance(message, kind) for kind in several)


@also_a_step
def filter_messages(  # noqa: PLR0913 - the reference's signature
    messages: GivenMessages,
    *,
    include_names: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    include_types: Sequence[MessageKind] | None = None,
    exclude_types: Sequence[MessageKind] | None = None,
    include_ids: Sequence[str] | None = None,
    exclude_ids: Sequence[str] | None = None,
    exclude_tool_calls: Sequence[str] | bool | None = None,
) -> list[BaseMessage]:
    """Choose messages by name, kind and id.

    A message is kept if nothing excludes it, and if one of the `include_` arguments names it or none is given. Without
    messages, it is a runnable that filters those it is called with.

    messages: what stands for messages; see `convert_to_messages`.
    include_names, exclude_names: values of `message.name`.
    include_types, exclude_types: values of `message.type`, or classes of messages.
    include_ids, exclude_ids: values of `message.id`.
    exclude_tool_calls: ids of calls that are taken out, with the answers to them; a message that only asks for these
        calls goes with them. True for all calls and all answers.
    """

    def is_excluded(message: BaseMessage) -> bool:
        return bool(
            (exclude_names and message.name in exclude_names)
            or (exclude_types and is_kind(message, exclude_types))
            or (exclude_ids and message.id in exclude_ids)
        )

    def is_included(message: BaseMessage) -> bool:
        return bool(
            not (include_types or include_ids or include_names)
            or (include_names and message.name in include_names)
            or (include_types and is_kind(message, include_types))
            or (include_ids and message.id in include_ids)
        )

    kept = (message for message in convert_to_messages(messages) if not is_excluded(message))
    without_calls = (_without_calls(message, exclude_tool_calls or None) for message in kept)
    return [message for message in without_calls if message is not None and is_included(message)]


def _without_calls(message: BaseMessage, calls: Collection[str] | Literal[True] | None) -> BaseMessage | None:
    """The message without these calls; None if nothing else was in it."""
    if calls is None:
        return message
    if isinstance(message, ToolMessage):
        return None if calls is True or message.tool_call_id in calls else message
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    if calls is True:
        return None
    kept = [call for call in message.tool_calls if call["id"] not in calls]
    if not kept:
        return None
    update: dict[str, Any] = {"tool_calls": kept}
    if is_list(message.content):
        update["content"] = [part for part in message.content if _call_id(part) not in calls]
    if isinstance(message, AIMessageChunk):
        update["tool_call_chunks"] = [part for part in message.tool_call_chunks if part["id"] not in calls]
    return message.model_copy(update=update)


# Where content holds a call, and under which key its id: Anthropic's shape, the standard one, OpenAI's Responses.
_CALL_IDS = {"tool_use": "id", "tool_call": "id", "function_call": "call_id"}


def _call_id(part: Any) -> Any:
    key = _CALL_IDS.get(part.get("type", "")) if is_dict(part) else None
    return None if key is None else part.get(key)


@also_a_step
def merge_message_runs(messages: GivenMessages, *, chunk_separator: str = "\n") -> list[BaseMessage]:
    r"""Join messages of one kind that follow each other into one; tool messages stay apart.

    Strings are joined with `chunk_separator` between them; if one message holds a list of parts, so does the whole.
    Without messages, it is a runnable that joins those it is called with.

    messages: what stands for messages; see `convert_to_messages`.
    chunk_separator: what stands between two strings.

    Raises InvalidInputError for messages in a row that cannot be joined (a `RemoveMessage`), ValueError for those of
    two roles (a `ChatMessage`).
    """
    return [run[0] if len(run) == 1 else _joined(run, chunk_separator) for run in _runs(convert_to_messages(messages))]


def _runs(messages: Iterable[BaseMessage]) -> Iterator[list[BaseMessage]]:
    run: list[BaseMessage] = []
    for message in messages:
        # Once two are one, that is a whole message, even if they were chunks.
        kind = type(run[0]) if len(run) == 1 else _whole_class(run[0]) if run else None
        if kind is not None and isinstance(message, kind) and not isinstance(message, ToolMessage):
            run.append(message)
            continue
        if run:
            yield run
        run = [message]
    if run:
        yield run


_CHUNKS: Mapping[type[BaseMessage], type[BaseMessageChunk]] = {
    HumanMessage: HumanMessageChunk,
    AIMessage: AIMessageChunk,
    SystemMessage: SystemMessageChunk,
    ToolMessage: ToolMessageChunk,
    FunctionMessage: FunctionMessageChunk,
    ChatMessage: ChatMessageChunk,
}


def _whole_class(message: BaseMessage) -> type[BaseMessage]:
    found = next((kind for kind in _CHUNKS if isinstance(message, kind)), None)
    if found is None:
        known = ", ".join(kind.__name__ for kind in _CHUNKS)
        msg = f"Unrecognized message class {type(message).__name__}: messages in a row are joined if they are {known}."
        raise InvalidInputError(msg)
    return found


def _joined(run: Sequence[BaseMessage], separator: str) -> BaseMessage:
    chunks: list[BaseMessageChunk] = []
    is_text, says_something = True, False
    for message in run:
        chunk = _chunk_of(message, is_first=not chunks)
        content = chunk.content
        is_text = is_text and isinstance(content, str)
        if is_text and says_something and content:
            chunk.content = f"{separator}{content}"
        says_something = says_something or bool(content)
        chunks.append(chunk)
    whole = message_chunk_to_message(chunks[0] + chunks[1:])
    if isinstance(whole, AIMessage):
        # Whole calls, not parts of calls: two with the same id are still two.
        asked = [message for message in run if isinstance(message, AIMessage)]
        whole.tool_calls = [call for message in asked for call in message.tool_calls]
        whole.invalid_tool_calls = [call for message in asked for call in message.invalid_tool_calls]
    return whole


_CALLS = frozenset({"tool_calls", "invalid_tool_calls", "tool_call_chunks", "chunk_position"})


def _chunk_of(message: BaseMessage, *, is_first: bool) -> BaseMessageChunk:
    fields = {name: value for name, value in message if name != "type" and name not in _CALLS}
    if not is_first:
        # Metadata is of one answer; it does not add up.
        fields["response_metadata"] = {}
    return _CHUNKS[_whole_class(message)](**fields)
