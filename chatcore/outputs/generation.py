"""One answer as text."""

from __future__ import annotations

from typing import Any, Literal

from chatcore.load.serializable import Serializable
from chatcore.messages._merge import merge_dicts

__all__ = ["Generation", "GenerationChunk"]


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
            msg = f"unsupported operand type(s) for +: {type(self).__name__!r} and {type(other).__name__!r}"
            raise TypeError(msg)
        return GenerationChunk(
            text=self.text + other.text,
            generation_info=merge_dicts(self.generation_info or {}, other.generation_info or {}) or None,
        )
