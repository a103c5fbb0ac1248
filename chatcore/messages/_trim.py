"""Cutting a conversation down to a number of tokens."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, cast

from chatcore.errors import ConfigurationError
from chatcore.messages._coercion import convert_to_messages
from chatcore.messages._count import count_tokens_approximately
from chatcore.messages._roles import SystemMessage
from chatcore.messages._select import MessageKind, is_kind
from chatcore.messages._shapes import is_dict, is_list
from chatcore.messages._step import GivenMessages, also_a_step
from chatcore.messages.base import BaseMessage

__all__ = ["trim_messages"]


class _CountsTokens(Protocol):
    """A model."""

    def get_num_tokens_from_messages(self, messages: list[BaseMessage]) -> int: ...


class _SplitsText(Protocol):
    """A text splitter of langchain-text-splitters."""

    def split_text(self, text: str) -> list[str]: ...


_Counter: TypeAlias = Callable[[list[BaseMessage]], int]
_Splitter: TypeAlias = Callable[[str], list[str]]


@also_a_step
def trim_messages(  # noqa: PLR0913 - the reference's signature
    messages: GivenMessages,
    *,
    max_tokens: int,
    token_counter: Callable[[list[BaseMessage]], int]
    | Callable[[BaseMessage], int]
    | _CountsTokens
    | Literal["approximate"],
    strategy: Literal["first", "last"] = "last",
    allow_partial: bool = False,
    end_on: MessageKind | Sequence[MessageKind] | None = None,
    start_on: MessageKind | Sequence[MessageKind] | None = None,
    include_system: bool = False,
    text_splitter: Callable[[str], list[str]] | _SplitsText | None = None,
) -> list[BaseMessage]:
    """Keep as many messages as fit into `max_tokens`, from the beginning or from the end of a conversation.

    What a model takes as a history begins with a human message, after the system message if there is one:
    `trim_messages(max_tokens=..., token_counter=model, start_on="human", include_system=True)`. Without messages, it is
    a runnable that trims those it is called with.

    messages: what stands for messages; see `convert_to_messages`.
    max_tokens: how many tokens there may be; with `token_counter=len`, how many messages.
    token_counter: a function of a list of messages, or of one (its parameter is annotated `BaseMessage`); a model,
        which counts by `get_num_tokens_from_messages`; or "approximate", for `count_tokens_approximately`.
    strategy: which end of the conversation is kept.
    allow_partial: whether the message that does not fit may be cut: to some of its parts, or some of its text.
    end_on: the kind, or kinds, of the last message: what follows it is left out (by "last", before tokens are counted).
    start_on: the kind, or kinds, of the first message, but for a system message that is kept; only for "last".
    include_system: whether a system message at the beginning is kept, and counted; only for "last".
    text_splitter: how a text is cut, for `allow_partial`: a function, or a splitter of langchain-text-splitters. The
        pieces must join to the text. Lines unless given.

    Raises ConfigurationError for arguments that do not go together or are not known.
    """
    if strategy not in {"first", "last"}:
        msg = f"Unrecognized {strategy=}. Supported strategies are 'last' and 'first'."
        raise ConfigurationError(msg)
    if strategy == "first":
        for name, value in (("start_on", start_on), ("include_system", include_system)):
            if value:
                msg = f"{name} parameter is only valid with strategy='last': the first messages begin where they begin."
                raise ConfigurationError(msg)
    conversation = convert_to_messages(messages)
    count, split = _counter(token_counter), _splitter(text_splitter)
    if strategy == "first":
        fitting = _fitting(conversation, max_tokens, count, split if allow_partial else None)
        return _ending_on(fitting, end_on)
    conversation = _ending_on(conversation, end_on)
    system = conversation[:1] if include_system and conversation and isinstance(conversation[0], SystemMessage) else []
    remaining = max(0, max_tokens - count(system)) if system else max_tokens
    # The last messages are the first ones of the conversation read backwards.
    backwards = conversation[len(system) :][::-1]
    fitting = _fitting(backwards, remaining, count, split if allow_partial else None, backwards=True)
    return [*system, *reversed(_ending_on(fitting, start_on))]


def _counter(given: Any) -> _Counter:
    if isinstance(given, str):
        if given != "approximate":
            msg = f"Invalid token_counter shortcut '{given}'. Available shortcuts: 'approximate'."
            raise ConfigurationError(msg)
        return count_tokens_approximately
    if hasattr(given, "get_num_tokens_from_messages"):
        return cast("_CountsTokens", given).get_num_tokens_from_messages
    if not callable(given):
        msg = (
            "'token_counter' expected to be a model that implements 'get_num_tokens_from_messages()' or a function."
            f" Received object of type {type(given)}."
        )
        raise ConfigurationError(msg)
    counter = cast("Callable[[Any], int]", given)
    first = next(iter(inspect.signature(counter).parameters.values()), None)
    # Under `from __future__ import annotations` it is a text.
    if first is not None and (first.annotation is BaseMessage or _ends_with_base_message(first.annotation)):
        return lambda messages: sum(counter(message) for message in messages)
    return counter


def _ends_with_base_message(annotation: object) -> bool:
    return isinstance(annotation, str) and annotation.strip("'\"").rpartition(".")[2] == "BaseMessage"


def _splitter(given: _Splitter | _SplitsText | None) -> _Splitter:
    if given is None:
        return _lines
    split: _Splitter | None = getattr(given, "split_text", None)
    return split if split is not None else cast("_Splitter", given)


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), last]


def _ending_on(messages: list[BaseMessage], kinds: MessageKind | Sequence[MessageKind] | None) -> list[BaseMessage]:
    end = len(messages)
    while kinds and end and not is_kind(messages[end - 1], kinds):
        end -= 1
    return messages[:end]


def _fitting(
    messages: list[BaseMessage],
    max_tokens: int,
    count: _Counter,
    split: _Splitter | None,
    *,
    backwards: bool = False,
) -> list[BaseMessage]:
    """The first messages that fit; of the next one as much as fits, if it may be split.

    backwards: keep a split message's end and not its beginning.
    """
    if not messages or count(messages) <= max_tokens:
        return messages
    whole = _most(len(messages) - 1, lambda number: count(messages[:number]) <= max_tokens)
    fitting, cut = messages[:whole], messages[whole]
    if split is None:
        return fitting
    parts = _cut_parts(cut, fitting, max_tokens, count, backwards=backwards)
    cut_message = parts or _cut_text(cut, max_tokens - count(fitting), count, split, backwards=backwards)
    return fitting if cut_message is None else [*fitting, cut_message]


def _cut_parts(
    message: BaseMessage, before: list[BaseMessage], max_tokens: int, count: _Counter, *, backwards: bool
) -> BaseMessage | None:
    """The message with as many of its parts as fit; None if not even one does."""
    content = message.content
    if not is_list(content):
        return None

    def cut(number: int) -> BaseMessage:
        kept = content[len(content) - number :] if backwards else content[:number]
        return message.model_copy(update={"content": kept})

    most = _most(len(content) - 1, lambda number: count([*before, cut(number)]) <= max_tokens)
    return cut(most) if most else None


def _cut_text(
    message: BaseMessage, max_tokens: int, count: _Counter, split: _Splitter, *, backwards: bool
) -> BaseMessage | None:
    """The message with as much of its text as fits; None if not even one piece does.

    Of a list of parts none of which fits, the text of the one at the end that is kept.
    """
    text: Any = message.content
    if is_list(text):
        part = text[-1 if backwards else 0] if text else None
        text = part.get("text") if is_dict(part) and part.get("type") == "text" else part
    if not isinstance(text, str) or not text:
        return None
    pieces = split(text)

    def cut(number: int) -> BaseMessage:
        kept = pieces[len(pieces) - number :] if backwards else pieces[:number]
        return message.model_copy(update={"content": "".join(kept)})

    most = _most(len(pieces), lambda number: count([cut(number)]) <= max_tokens)
    return cut(most) if most else None


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `limit` that fits; 0 if none does. More never fit where fewer do not."""
    fitting = 0
    while fitting < limit:
        middle = (fitting + limit + 1) // 2
        if fits(middle):
            fitting = middle
        else:
            limit = middle - 1
    return fitting
