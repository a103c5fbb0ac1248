"""What a model's hooks return: generations, which hold a message each, and the results that hold them."""

from __future__ import annotations

from chatcore.outputs.chat_generation import ChatGeneration, ChatGenerationChunk
from chatcore.outputs.chat_result import ChatResult
from chatcore.outputs.generation import Generation, GenerationChunk
from chatcore.outputs.llm_result import LLMResult
from chatcore.outputs.run_info import RunInfo

__all__ = [
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatResult",
    "Generation",
    "GenerationChunk",
    "LLMResult",
    "RunInfo",
]
