"""What a chat model's hooks return."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from chatcore.messages._shapes import is_list
from chatcore.messages._slots import set_extra, set_fields, set_fields_set, set_private
from chatcore.outputs._given import ABSENT, given
from chatcore.outputs.chat_generation import ChatGeneration

__all__ = ["ChatResult"]


class ChatResult(BaseModel):
    """What a chat model's `_agenerate` returns.

    generations: the answers; usually one.
    llm_output: what the provider says of the call as a whole.
    """

    generations: list[ChatGeneration]
    llm_output: dict[str, Any] | None = None

    def __init__(self, *, generations: Any = ABSENT, **kwargs: Any) -> None:
        if not kwargs and is_list(generations) and type(self) is ChatResult and _all_plain(generations):
            set_fields(self, {"generations": [*generations], "llm_output": None})
            set_fields_set(self, {"generations"})
            set_extra(self, None)
            set_private(self, None)
            return
        super().__init__(**given(kwargs, generations=generations))


def _all_plain(generations: list[Any]) -> bool:
    for generation in generations:  # noqa: SIM110 - `all` and a generator cost more than the rest of the constructor
        if type(generation) is not ChatGeneration:
            return False
    return True
