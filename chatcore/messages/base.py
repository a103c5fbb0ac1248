"""What every message is."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from chatcore.load.serializable import Serializable
from chatcore.messages._merge import merge_content, merge_dicts, texts_of
from chatcore.messages._shapes import is_list
from chatcore.messages._standard import standard_blocks
from chatcore.messages._upward import prompt_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcore.messages import content as blocks

__all__ = [
    "BaseMessage",
    "BaseMessageChunk",
    "TextAccessor",
    "get_msg_title_repr",
    "merge_content",
    "message_to_dict",
    "messages_to_dict",
]

_TITLE_WIDTH = 80


class TextAccessor(str):
    """A message's text: a str that may still be called, as `message.text()` was before langchain-core 1.0."""

    __slots__ = ()

    def __call__(self) -> str:
        """Return the text, with a DeprecationWarning: read `message.text` instead."""
        warnings.warn(
            "Calling .text() as a method is deprecated: read message.text, the property.",
            DeprecationWarning,
            stacklevel=2,
        )
        return str(self)


class BaseMessage(Serializable):
    """One message of a conversation.

    content: a string, or a list of strings and parts (dicts) in a provider's or the standard shape. May be given
        positionally, or as `content_blocks=`, a list of standard blocks.
    additional_kwargs: what a provider says besides, and what only it understands.
    response_metadata: about the answer as a whole: finish reason, model name, request id, …
    name: who speaks, where a provider takes a name.
    id: the message's own id, as its provider gave it.

    Other keywords are kept as extra fields. Raises pydantic's ValidationError (a ValueError) for wrong types.
    """

    model_config = ConfigDict(extra="allow")

    content: str | list[str | dict[Any, Any]]
    additional_kwargs: dict[Any, Any] = Field(default_factory=dict)
    response_metadata: dict[Any, Any] = Field(default_factory=dict)
    type: str
    name: str | None = None
    id: str | None = Field(default=None, coerce_numbers_to_str=True)

    def __init__(
        self,
        content: str | list[str | dict[Any, Any]] | None = None,
        content_blocks: list[blocks.ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["content"] = content if content_blocks is None else content_blocks
        super().__init__(**kwargs)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes it: yes."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "schema", "messages"]

    @property
    def text(self) -> TextAccessor:
        """The text of the message: its string content, or that of its text parts, joined."""
        content = self.content
        if isinstance(content, str):
            return TextAccessor(content)
        return TextAccessor("".join(texts_of(content)))

    @property
    def content_blocks(self) -> list[blocks.ContentBlock]:
        """The content as standard blocks, read anew at each access; what has no standard form is `non_standard`."""
        return standard_blocks(self.content)

    def __add__(self, other: Any) -> Any:
        """Make a prompt (a `ChatPromptTemplate`) of this message and another one, several, or a prompt."""
        return prompt_of([self]) + other

    def pretty_repr(self, html: bool = False) -> str:  # noqa: FBT001, FBT002 - the reference's signature
        """Return the message under a title line, for people to read.

        html: set the title in bold (by terminal escapes, whatever the name says; it is the reference's).
        """
        title = get_msg_title_repr(f"{self.type.title()} Message", bold=html)
        if self.name is not None:
            title += f"\nName: {self.name}"
        return f"{title}\n\n{self.content}"

    def pretty_print(self) -> None:
        """Print `pretty_repr()`, with a bold title in an interactive session."""
        print(self.pretty_repr(html=hasattr(sys, "ps2")))  # noqa: T201 - printing is what it is for

    def __repr_args__(self) -> Any:
        # Fields that hold nothing would drown those that do.
        fields = type(self).model_fields
        return [
            (key, value)
            for key, value in super().__repr_args__()
            if key is None or key not in fields or _says_something(value, fields[key].default)
        ]


class BaseMessageChunk(BaseMessage):
    """A part of a message, as it streams in. `chunk + chunk` joins them."""

    def __add__(self, other: Any) -> BaseMessageChunk:
        """Join this part with the next one, or with a list of them; raises TypeError for anything else."""
        others: list[Any] = other if is_list(other) else [other]
        for part in others:
            if not isinstance(part, BaseMessageChunk):
                kinds = f"{type(self).__name__!r} and {type(part).__name__!r}"
                msg = f"unsupported operand type(s) for +: {kinds}. Only message chunks add up."
                raise TypeError(msg)
        return type(self)(**self._joined(others))

    def _joined(self, others: list[BaseMessageChunk]) -> dict[str, Any]:
        """The fields that every kind of chunk joins in the same way."""
        return {
            "content": merge_content(self.content, *(part.content for part in others)),
            "additional_kwargs": merge_dicts(self.additional_kwargs, *(part.additional_kwargs for part in others)),
            "response_metadata": merge_dicts(self.response_metadata, *(part.response_metadata for part in others)),
            "name": next((part.name for part in (self, *others) if part.name is not None), None),
            "id": self.id,
            "type": self.type,
        }


def message_to_dict(message: BaseMessage) -> dict[str, Any]:
    """Return `{"type": …, "data": …}`, from which `messages_from_dict` makes the message again."""
    return {"type": message.type, "data": message.model_dump()}


def messages_to_dict(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Return `message_to_dict` of each message."""
    return [message_to_dict(message) for message in messages]


def get_msg_title_repr(title: str, *, bold: bool = False) -> str:
    """Return `title` in the middle of a line of `=` signs, 80 characters wide."""
    padded = f" {title} "
    line = "=" * ((_TITLE_WIDTH - len(padded)) // 2)
    end = f"{line}=" if len(padded) % 2 else line
    return f"{line}\033[1m{padded}\033[0m{end}" if bold else f"{line}{padded}{end}"


def _says_something(value: Any, default: Any) -> bool:
    # A default that is made by a factory (an empty dict or list) is shown, as the reference does.
    return value is not None and not (isinstance(value, str) and value == default)
