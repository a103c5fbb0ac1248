"""One answer as a message."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage, BaseMessageChunk
from chatcore.messages._merge import merge_dicts
from chatcore.messages._shapes import is_list
from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private
from chatcore.outputs._given import ABSENT, given
from chatcore.outputs.generation import Generation

__all__ = ["ChatGeneration", "ChatGenerationChunk", "build_generation_chunk", "merge_chat_generation_chunks"]


class ChatGeneration(Generation):
    """One answer as a message.

    message: the answer.
    text: its text; follows from the message, whatever is passed.
    """

    text: str = ""
    message: BaseMessage
    type: Literal["ChatGeneration"] = "ChatGeneration"  # type: ignore[assignment]  # a tag of its own

    def __init__(self, *, message: Any = ABSENT, **kwargs: Any) -> None:
        if not kwargs and type(message) is AIMessage and type(self) is ChatGeneration:
            text = message.content
            if type(text) is str:
                set_fields(self, {"text": text, "generation_info": None, "type": "ChatGeneration", "message": message})
                set_fields_set(self, {"message", "text"})
                set_extra(self, None)
                set_private(self, None)
                return
        super().__init__(**given(kwargs, message=message))

    @model_validator(mode="after")
    def _set_text(self) -> Self:
        self.text = _text_of(self.message)
        return self


class ChatGenerationChunk(ChatGeneration):
    """A part of an answer as a message chunk. `chunk + chunk` joins them, `chunk + [chunk, …]` joins many at once."""

    message: BaseMessageChunk
    type: Literal["ChatGenerationChunk"] = "ChatGenerationChunk"  # type: ignore[assignment]  # a tag of its own

    def __init__(self, *, message: Any = ABSENT, **kwargs: Any) -> None:
        if not kwargs and type(message) is AIMessageChunk and type(self) is ChatGenerationChunk:
            text = message.content
            if type(text) is str:
                set_fields(
                    self, {"text": text, "generation_info": None, "type": "ChatGenerationChunk", "message": message}
                )
                set_fields_set(self, {"message", "text"})
                set_extra(self, None)
                set_private(self, None)
                return
        super().__init__(**given(kwargs, message=message))

    def __add__(self, other: object) -> ChatGenerationChunk:
        """Join this part with the next one, or with a list of them; raises TypeError for anything else."""
        others: list[Any] = other if is_list(other) else [other]
        for part in others:
            if not isinstance(part, ChatGenerationChunk):
                msg = f"unsupported operand type(s) for +: {type(self).__name__!r} and {type(part).__name__!r}"
                raise TypeError(msg)
        infos = [part.generation_info for part in (self, *others) if part.generation_info]
        message = self.message + [part.message for part in others]
        return ChatGenerationChunk(message=message, generation_info=merge_dicts(*infos) or None)


def build_generation_chunk(message: AIMessageChunk, info: dict[str, Any] | None = None) -> ChatGenerationChunk:
    """Make a chunk of parts that are known to be right: for codecs, which have just made them.

    It equals `ChatGenerationChunk(message=message, generation_info=info)`; nothing is validated and nothing is copied.
    """
    content = message.content
    fields = {
        "text": content if type(content) is str else _text_of(message),
        "generation_info": info,
        "type": "ChatGenerationChunk",
        "message": message,
    }
    chunk = ChatGenerationChunk.__new__(ChatGenerationChunk)
    set_fields(chunk, fields)
    set_fields_set(chunk, {"message", "text"} if info is None else {"message", "text", "generation_info"})
    set_extra(chunk, None)
    set_private(chunk, None)
    return chunk


def merge_chat_generation_chunks(chunks: list[ChatGenerationChunk]) -> ChatGenerationChunk | None:
    """Join chunks, in order; None for none."""
    if not chunks:
        return None
    return chunks[0] if len(chunks) == 1 else chunks[0] + chunks[1:]


def _text_of(message: BaseMessage) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    # Parts without a type but with a text are texts of langchain-core 0.x.
    return "".join(
        part if isinstance(part, str) else str(part.get("text", ""))
        for part in content
        if isinstance(part, str) or part.get("type") == "text" or (part.get("type") is None and "text" in part)
    )
