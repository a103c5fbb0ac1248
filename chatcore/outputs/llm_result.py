"""What a call with several inputs has answered."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal

from pydantic import BaseModel

from chatcore.outputs.chat_generation import ChatGeneration, ChatGenerationChunk
from chatcore.outputs.generation import Generation, GenerationChunk
from chatcore.outputs.run_info import RunInfo

__all__ = ["LLMResult"]


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
