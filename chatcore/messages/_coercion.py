"""Turning what people pass as messages into messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, cast

from pydantic import Discriminator, Field, Tag, ValidationError

from chatcore.errors import InvalidInputError, UnsupportedInputError
from chatcore.exceptions import ErrorCode, create_message
from chatcore.messages._roles import (
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
)
from chatcore.messages._shapes import is_list, is_sequence
from chatcore.messages._tool_calls import parsed_call
from chatcore.messages.ai import Accumulator, AIMessage, AIMessageChunk, build_message
from chatcore.messages.base import BaseMessage, BaseMessageChunk
from chatcore.messages.tool import ToolMessage, ToolMessageChunk

__all__ = [
    "AnyMessage",
    "MessageLikeRepresentation",
    "SaysMessages",
    "convert_to_messages",
    "message_chunk_to_message",
    "message_from_dict",
    "messages_from_dict",
]


def _tag_of(value: Any) -> str:
    tag: Any = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return tag if isinstance(tag, str) else ""


AnyMessage = Annotated[
    Annotated[AIMessage, Tag("ai")]
    | Annotated[HumanMessage, Tag("human")]
    | Annotated[ChatMessage, Tag("chat")]
    | Annotated[SystemMessage, Tag("system")]
    | Annotated[FunctionMessage, Tag("function")]
    | Annotated[ToolMessage, Tag("tool")]
    | Annotated[AIMessageChunk, Tag("AIMessageChunk")]
    | Annotated[HumanMessageChunk, Tag("HumanMessageChunk")]
    | Annotated[ChatMessageChunk, Tag("ChatMessageChunk")]
    | Annotated[SystemMessageChunk, Tag("SystemMessageChunk")]
    | Annotated[FunctionMessageChunk, Tag("FunctionMessageChunk")]
    | Annotated[ToolMessageChunk, Tag("ToolMessageChunk")],
    Field(discriminator=Discriminator(_tag_of)),
]
"""Any message or chunk; pydantic tells them apart by their `type`."""

MessageLikeRepresentation = (
    BaseMessage | list[str] | tuple[str, str | list[str | dict[str, Any]]] | str | dict[str, Any]
)
"""What `convert_to_messages` takes for one message."""

_BY_TAG: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "chat": ChatMessage,
    "function": FunctionMessage,
    "tool": ToolMessage,
    "remove": RemoveMessage,
    "AIMessageChunk": AIMessageChunk,
    "HumanMessageChunk": HumanMessageChunk,
    "ChatMessageChunk": ChatMessageChunk,
    "SystemMessageChunk": SystemMessageChunk,
    "FunctionMessageChunk": FunctionMessageChunk,
    "ToolMessageChunk": ToolMessageChunk,
}

_BY_ROLE: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "user": HumanMessage,
    "ai": AIMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
    "function": FunctionMessage,
    "tool": ToolMessage,
    "remove": RemoveMessage,
}
_ROLES = "'human', 'user', 'ai', 'assistant', 'system', 'developer', 'tool' or 'function'"

# langchain-core writes a message as a constructor's name and arguments. A fixed table, so that input never chooses a
# class.
_BY_CONSTRUCTOR: dict[str, str] = {
    "HumanMessage": "human",
    "HumanMessageChunk": "human",
    "AIMessage": "ai",
    "AIMessageChunk": "ai",
    "SystemMessage": "system",
    "SystemMessageChunk": "system",
    "FunctionMessage": "function",
    "FunctionMessageChunk": "function",
    "ToolMessage": "tool",
    "ToolMessageChunk": "tool",
    "RemoveMessage": "remove",
}


class SaysMessages(Protocol):
    """A prompt value."""

    def to_messages(self) -> list[BaseMessage]: ...


def convert_to_messages(messages: Iterable[MessageLikeRepresentation] | str | SaysMessages) -> list[BaseMessage]:
    """Make messages of what stands for them.

    messages: a prompt value; a string (one human message); or an iterable whose items are each

        - a message, which is taken as it is;
        - a string: a human message;
        - a pair `(role, content)`;
        - a dict with `role` (or `type`) and `content`, as OpenAI's chat completions writes them: `tool_calls`,
          `tool_call_id`, `name` and `id` are understood, any other key goes into `additional_kwargs`. The role
          `developer` makes a system message that remembers it.

        Roles: human, user, ai, assistant, system, developer, tool, function.

    Raises InvalidInputError, which names the position and what is accepted. An empty list is returned as it is:
    whether a model can answer nothing is for the model to say.
    """
    if isinstance(messages, str):
        return [HumanMessage(content=messages)]
    to_messages = getattr(messages, "to_messages", None)
    if to_messages is not None:
        return list(to_messages())
    # One message, a dict and bytes can be iterated over too, but not as messages.
    if isinstance(messages, BaseMessage | Mapping | bytes | bytearray) or not isinstance(messages, Iterable):
        kind = type(cast("object", messages)).__name__
        msg = f"the input is of type {kind}: pass a string, a prompt value, or a list of messages"
        raise InvalidInputError(msg)
    return [
        message if isinstance(message, BaseMessage) else _message(message, position)
        for position, message in enumerate(messages)
    ]


def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage:
    """Make the whole message of a (joined) chunk; a message that is no chunk is returned as it is.

    Tool calls are read strictly: arguments that do not parse make an invalid tool call, with their raw text.
    """
    if not isinstance(chunk, BaseMessageChunk):
        return chunk
    if type(chunk) is AIMessageChunk:
        if chunk.tool_call_chunks:
            parts = Accumulator()
            parts.add(chunk)
            return parts.message()
        return build_message(**{key: value for key, value in chunk.__dict__.items() if key not in _CHUNK_ONLY})
    # The chunk classes come right after their message classes.
    whole: Any = next(kind for kind in type(chunk).__mro__ if kind in _WHOLE)
    message: BaseMessage = whole(**{key: value for key, value in chunk if key not in _CHUNK_ONLY})
    return message


_WHOLE = frozenset({HumanMessage, AIMessage, SystemMessage, ChatMessage, FunctionMessage, ToolMessage, BaseMessage})
_CHUNK_ONLY = frozenset({"type", "tool_call_chunks", "chunk_position"})


def messages_from_dict(messages: Sequence[dict[str, Any]]) -> list[BaseMessage]:
    """Make the messages that `messages_to_dict` wrote.

    Raises InvalidInputError for a `type` that no message has, and for data that is not that message's.
    """
    return [message_from_dict(message, position) for position, message in enumerate(messages)]


def message_from_dict(message: dict[str, Any], position: int = 0) -> BaseMessage:
    """Make the message that `message_to_dict` wrote; see `messages_from_dict`."""
    kind = _BY_TAG.get(cast("str", message.get("type")))
    if kind is None:
        msg = (
            f"messages[{position}]: Got unexpected message type: {message.get('type')!r}; known are"
            f" {', '.join(_BY_TAG)}"
        )
        raise InvalidInputError(msg)
    return _built(kind, message["data"], position)


def _message(given: Any, position: int) -> BaseMessage:
    if isinstance(given, str):
        return HumanMessage(content=given)
    if isinstance(given, Mapping):
        return _from_dict(dict(cast("Mapping[str, Any]", given)), position)
    if is_sequence(given):
        if len(given) != 2:
            wrong = f"Message as a sequence must be (role string, template), a role and content, not {len(given)} items"
            raise UnsupportedInputError(_refusal(position, wrong))
        return _from_role(given[0], {"content": given[1]}, position)
    kind = type(given).__name__
    wrong = f"Unsupported message type: {kind}. Pass a message, a string, a (role, content) pair or a dict"
    raise UnsupportedInputError(_refusal(position, wrong))


def _from_dict(given: dict[str, Any], position: int) -> BaseMessage:
    if given.get("lc") == 1 and given.get("type") == "constructor" and isinstance(given.get("kwargs"), dict):
        path: Any = given.get("id")
        role = _BY_CONSTRUCTOR.get(path[-1]) if is_list(path) and path else None
        if role is not None:
            return _from_dict({**given["kwargs"], "type": role}, position)
    tag = "role" if "role" in given else "type"
    if tag not in given:
        raise InvalidInputError(_refusal(position, f"{_NEEDED}; its keys are {sorted(map(str, given))}"))
    if "content" not in given and not any(given.get(key) for key in ("tool_calls", "refusal", "audio")):
        raise InvalidInputError(_refusal(position, f"{_NEEDED}; its keys are {sorted(map(str, given))}"))
    role = given.pop(tag)
    given["content"] = given.get("content") or ""
    return _from_role(role, given, position)


def _from_role(role: Any, given: dict[str, Any], position: int) -> BaseMessage:
    kind = _BY_ROLE.get(role) if isinstance(role, str) else None
    if kind is None:
        raise InvalidInputError(_refusal(position, f"Unexpected message type: {role!r}. Use one of {_ROLES}"))
    fields: dict[str, Any] = {"content": given.pop("content")}
    for key in (*_COMMON_KEYS, *_OWN_KEYS.get(kind, ())):
        if (value := given.pop(key, None)) is not None:
            fields[key] = value
    if calls := fields.get("tool_calls"):
        fields.update(_calls(calls, fields.get("invalid_tool_calls"), position))
    given.update(given.pop("additional_kwargs", None) or {})
    # Older versions kept these among the others.
    for key in _ONCE_BESIDE.get(kind, ()):
        if (value := given.pop(key, None)) is not None:
            fields.setdefault(key, value)
    if role == "developer":
        given["__openai_role__"] = "developer"
    if given:
        fields["additional_kwargs"] = given
    return _built(kind, fields, position)


# Keys of a dict that are the message's own fields; all others go into its additional_kwargs.
_COMMON_KEYS = ("name", "id", "tool_call_id", "tool_calls", "response_metadata")
_OWN_KEYS: dict[type[BaseMessage], tuple[str, ...]] = {
    AIMessage: ("invalid_tool_calls", "usage_metadata", "example"),
    HumanMessage: ("example",),
    ToolMessage: ("artifact", "status"),
}
_ONCE_BESIDE: dict[type[BaseMessage], tuple[str, ...]] = {
    AIMessage: ("example",),
    HumanMessage: ("example",),
    ToolMessage: ("artifact", "status"),
}
_NEEDED = "Message dict must contain 'role' and 'content' keys"


def _refusal(position: int, wrong: str) -> str:
    return create_message(message=f"messages[{position}]: {wrong}", error_code=ErrorCode.MESSAGE_COERCION_FAILURE)


def _calls(calls: Any, invalid: Any, position: int) -> dict[str, Any]:
    """Tool calls in either shape, OpenAI's (a function with its arguments as text) or our own, sorted by validity."""
    whole: list[Any] = []
    unreadable: list[Any] = list(invalid or ())
    for call in _dicts(calls, position):
        function: Any = call.get("function")
        if function is None:
            whole.append(dict(call))
            continue
        if not isinstance(function, Mapping) or "name" not in function:
            msg = f"messages[{position}]: a tool call's 'function' must be a dict with 'name' and 'arguments'"
            raise InvalidInputError(msg)
        named = cast("Mapping[str, Any]", function)
        arguments: Any = named.get("arguments")
        if isinstance(arguments, Mapping):
            arguments = dict(cast("Mapping[str, Any]", arguments))
            whole.append({"name": named["name"], "args": arguments, "id": call.get("id"), "type": "tool_call"})
            continue
        parsed = parsed_call(named["name"], arguments, call.get("id"))
        (whole if parsed.get("type") == "tool_call" else unreadable).append(parsed)
    found: dict[str, Any] = {"tool_calls": whole}
    if unreadable:
        found["invalid_tool_calls"] = unreadable
    return found


def _dicts(calls: Any, position: int) -> list[Mapping[str, Any]]:
    given: list[Any] = list(calls) if is_sequence(calls) else [calls]
    for call in given:
        if not isinstance(call, Mapping):
            msg = f"messages[{position}]: 'tool_calls' must be a list of dicts, not of {type(call).__name__}"
            raise InvalidInputError(msg)
    return given


def _built(kind: type[BaseMessage], fields: dict[str, Any], position: int) -> BaseMessage:
    if kind is RemoveMessage and "id" not in fields:
        msg = f"messages[{position}]: a message that removes another needs that one's 'id'"
        raise InvalidInputError(msg)
    try:
        return kind(**fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'message'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        )
        msg = f"messages[{position}] is no valid {kind.__name__}: {wrong}"
        raise InvalidInputError(msg) from error
    except ValueError as error:
        msg = f"messages[{position}]: {error}"
        raise InvalidInputError(msg) from error
