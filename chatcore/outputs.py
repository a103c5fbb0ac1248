"""What a model's hooks return: generations, which hold a message each, and the results that hold them."""

# A kind's tag replaces its base's; pydantic means it so.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, model_validator

from chatcore.load.serializable import Serializable
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage, BaseMessageChunk
from chatcore.messages._merge import merge_dicts
from chatcore.messages._shapes import is_list
from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private

__all__ = [
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatResult",
    "Generation",
    "GenerationChunk",
    "LLMResult",
    "RunInfo",
    "merge_chat_generation_chunks",
]


_ABSENT: Any = object()


class Generation(Serializable):
    """One answer as text.

    generation_info: what the provider says of it (finish reason, log probabilities).
    """

    text: str
    generation_info: dict[str, Any] | None = None
    type: Literal["Generation"] = "Generation"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes it: yes."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The path before the class's name in JSON; the reference's."""
        return ["langchain", "schema", "output"]


class GenerationChunk(Generation):
    """A part of an answer as text. `chunk + chunk` joins them."""

    def __add__(self, other: object) -> GenerationChunk:
        """Join this part with the next one; raises TypeError for anything else."""
        if not isinstance(other, GenerationChunk):
            raise _not_addable(self, other)
        return GenerationChunk(
            text=self.text + other.text,
            generation_info=merge_dicts(self.generation_info or {}, other.generation_info or {}) or None,
        )


class ChatGeneration(Generation):
    """One answer as a message.

    message: the answer.
    text: its text; follows from the message, whatever is passed.
    """

    text: str = ""
    message: BaseMessage
    type: Literal["ChatGeneration"] = "ChatGeneration"  # type: ignore[assignment]  # a tag of its own

    def __init__(self, *, message: Any = _ABSENT, **kwargs: Any) -> None:
        if not kwargs and type(message) is AIMessage and type(self) is ChatGeneration:
            text = message.content
            if type(text) is str:
                set_fields(self, {"text": text, "generation_info": None, "type": "ChatGeneration", "message": message})
                set_fields_set(self, {"message", "text"})
                set_extra(self, None)
                set_private(self, None)
                return
        super().__init__(**_given(kwargs, message=message))

    @model_validator(mode="after")
    def _set_text(self) -> Self:
        self.text = _text_of(self.message)
        return self


class ChatGenerationChunk(ChatGeneration):
    """A part of an answer as a message chunk. `chunk + chunk` joins them, `chunk + [chunk, …]` joins many at once."""

    message: BaseMessageChunk
    type: Literal["ChatGenerationChunk"] = "ChatGenerationChunk"  # type: ignore[assignment]  # a tag of its own

    def __init__(self, *, message: Any = _ABSENT, **kwargs: Any) -> None:
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
        super().__init__(**_given(kwargs, message=message))

    def __add__(self, other: object) -> ChatGenerationChunk:
        """Join this part with the next one, or with a list of them; raises TypeError for anything else."""
        others: list[Any] = other if is_list(other) else [other]
        for part in others:
            if not isinstance(part, ChatGenerationChunk):
                raise _not_addable(self, part)
        infos = [part.generation_info for part in (self, *others) if part.generation_info]
        message = self.message + [part.message for part in others]
        return ChatGenerationChunk(message=message, generation_info=merge_dicts(*infos) or None)


class ChatResult(BaseModel):
    """What a chat model's `_agenerate` returns.

    generations: the answers; usually one.
    llm_output: what the provider says of the call as a whole.
    """

    generations: list[ChatGeneration]
    llm_output: dict[str, Any] | None = None

    def __init__(self, *, generations: Any = _ABSENT, **kwargs: Any) -> None:
        if not kwargs and is_list(generations) and type(self) is ChatResult and _all_plain(generations):
            set_fields(self, {"generations": [*generations], "llm_output": None})
            set_fields_set(self, {"generations"})
            set_extra(self, None)
            set_private(self, None)
            return
        super().__init__(**_given(kwargs, generations=generations))


class RunInfo(BaseModel):
    """Which run made a result."""

    run_id: UUID


class LLMResult(BaseModel):
    """What a call with several inputs has answered.

    generations: for each input, its answers.
    llm_output: what the provider says of the calls as a whole.
    run: for each input, the run that answered it.
    """

    generations: list[list[Generation | ChatGeneration | GenerationChunk | ChatGenerationChunk]]
    llm_output: dict[str, Any] | None = None
    run: list[RunInfo] | None = None
    type: Literal["LLMResult"] = "LLMResult"

    def flatten(self) -> list[LLMResult]:
        """One result for each input; token usage stays with the first, so that a sum over them is right."""
        results: list[LLMResult] = []
        for position, generations in enumerate(self.generations):
            llm_output = self.llm_output
            if position and llm_output is not None:
                llm_output = deepcopy(llm_output)
                llm_output["token_usage"] = {}
            results.append(LLMResult(generations=[generations], llm_output=llm_output))
        return results

    def __eq__(self, other: object) -> bool:
        """Equal if generations and output are; which run made them does not count."""
        if not isinstance(other, LLMResult):
            return NotImplemented
        return self.generations == other.generations and self.llm_output == other.llm_output

    __hash__ = None  # type: ignore[assignment]  # mutable


def merge_chat_generation_chunks(chunks: list[ChatGenerationChunk]) -> ChatGenerationChunk | None:
    """Join chunks, in order; None for none."""
    if not chunks:
        return None
    return chunks[0] if len(chunks) == 1 else chunks[0] + chunks[1:]


def _all_plain(generations: list[Any]) -> bool:
    for generation in generations:  # noqa: SIM110 - `all` and a generator cost more than the rest of the constructor
        if type(generation) is not ChatGeneration:
            return False
    return True


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


def _given(others: dict[str, Any], **argument: Any) -> dict[str, Any]:
    """All keywords as they were given: one that was left out must be missing, not None, for validation to say so."""
    return {**{name: value for name, value in argument.items() if value is not _ABSENT}, **others}


def _not_addable(left: object, right: object) -> TypeError:
    return TypeError(f"cannot add a {type(right).__name__} to a {type(left).__name__}")
