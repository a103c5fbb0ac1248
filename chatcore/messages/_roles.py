"""The messages that people and programs write: human, system, free-role, function, and the order to remove one."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private
from chatcore.messages.base import BaseMessage, BaseMessageChunk

if TYPE_CHECKING:
    from chatcore.messages.content import ContentBlock

__all__ = [
    "ChatMessage",
    "ChatMessageChunk",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "RemoveMessage",
    "SystemMessage",
    "SystemMessageChunk",
]


class HumanMessage(BaseMessage):
    """What the user says."""

    type: Literal["human"] = "human"

    def __init__(
        self,
        content: str | list[str | dict[Any, Any]] | None = None,
        content_blocks: list[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs or type(content) is not str or content_blocks is not None or type(self) is not HumanMessage:
            super().__init__(content, content_blocks, **kwargs)
        else:
            _fill(self, "human", content)


class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A part of a human message."""

    type: Literal["HumanMessageChunk"] = "HumanMessageChunk"  # type: ignore[assignment]  # the chunk's own tag


class SystemMessage(BaseMessage):
    """What the model is told before the conversation: its task, its manners."""

    type: Literal["system"] = "system"

    def __init__(
        self,
        content: str | list[str | dict[Any, Any]] | None = None,
        content_blocks: list[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs or type(content) is not str or content_blocks is not None or type(self) is not SystemMessage:
            super().__init__(content, content_blocks, **kwargs)
        else:
            _fill(self, "system", content)


class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A part of a system message."""

    type: Literal["SystemMessageChunk"] = "SystemMessageChunk"  # type: ignore[assignment]  # the chunk's own tag


class ChatMessage(BaseMessage):
    """What a speaker of any other role says.

    role: the speaker, as the provider names it.
    """

    role: str
    type: Literal["chat"] = "chat"


class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A part of a free-role message. Parts of two roles do not add up: a ValueError."""

    type: Literal["ChatMessageChunk"] = "ChatMessageChunk"  # type: ignore[assignment]  # the chunk's own tag

    def _joined(self, others: list[BaseMessageChunk]) -> dict[str, Any]:
        for other in others:
            if isinstance(other, ChatMessageChunk) and self.role != other.role:
                msg = f"Cannot concatenate ChatMessageChunks with different roles: {self.role!r} and {other.role!r}."
                raise ValueError(msg)
        return {**super()._joined(others), "role": self.role}


class FunctionMessage(BaseMessage):
    """What a function has answered, in the protocol that tool messages replaced.

    name: the function.
    """

    name: str  # pyright: ignore[reportGeneralTypeIssues] - here it must be given
    type: Literal["function"] = "function"


class FunctionMessageChunk(FunctionMessage, BaseMessageChunk):
    """A part of a function message. Parts of two functions' do not add up: a ValueError."""

    type: Literal["FunctionMessageChunk"] = "FunctionMessageChunk"  # type: ignore[assignment]  # the chunk's own tag

    def _joined(self, others: list[BaseMessageChunk]) -> dict[str, Any]:
        for other in others:
            if isinstance(other, FunctionMessageChunk) and self.name != other.name:
                names = f"{self.name!r} and {other.name!r}"
                msg = f"Cannot concatenate FunctionMessageChunks with different names: {names}."
                raise ValueError(msg)
        return super()._joined(others)


class RemoveMessage(BaseMessage):
    """The order to remove a message from a history.

    id: that message's id.
    """

    type: Literal["remove"] = "remove"

    def __init__(self, id: str, **kwargs: Any) -> None:  # noqa: A002 - the field's own name
        if kwargs.pop("content", None):
            msg = "RemoveMessage does not support 'content' field: it only names the message to remove."
            raise ValueError(msg)
        super().__init__("", id=id, **kwargs)


def _fill(message: BaseMessage, tag: str, content: str) -> None:
    set_fields(
        message,
        {
            "content": content,
            "additional_kwargs": {},
            "response_metadata": {},
            "type": tag,
            "name": None,
            "id": None,
        },
    )
    set_fields_set(message, {"content"})
    set_extra(message, {})
    set_private(message, None)
