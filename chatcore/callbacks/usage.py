"""`UsageMetadataCallbackHandler`: how many tokens calls took, by model."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from typing_extensions import override

from chatcore.callbacks.base import BaseCallbackHandler
from chatcore.engine.runs import heard_by
from chatcore.messages import AIMessage, UsageMetadata, add_usage
from chatcore.outputs import ChatGeneration, LLMResult

__all__ = ["UsageMetadataCallbackHandler", "get_usage_metadata_callback"]


class UsageMetadataCallbackHandler(BaseCallbackHandler):
    """Adds up the usage of all calls that it hears of; one may serve many calls, tasks and threads at once.

    ::

        usage = UsageMetadataCallbackHandler()
        model.invoke("hi", {"callbacks": [usage]})
        usage.usage_metadata  # {"gpt-5-mini": {"input_tokens": 8, "output_tokens": 10, "total_tokens": 18, ...}}

    usage_metadata: for each model, by the name that its answers have in `response_metadata["model_name"]`.
    """

    run_inline = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.usage_metadata: dict[str, UsageMetadata] = {}

    def __repr__(self) -> str:
        return str(self.usage_metadata)

    @override
    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        generation = next((each for generations in response.generations[:1] for each in generations), None)
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if not isinstance(message, AIMessage) or message.usage_metadata is None:
            return
        name = message.response_metadata.get("model_name")
        if name:
            with self._lock:
                self.usage_metadata[name] = add_usage(self.usage_metadata.get(name), message.usage_metadata)


@contextmanager
def get_usage_metadata_callback(
    name: str = "usage_metadata_callback",
) -> Generator[UsageMetadataCallbackHandler]:
    """Add up the usage of all calls made in a block, and in tasks and threads begun in it.

    ::

        with get_usage_metadata_callback() as usage:
            model.invoke("hi")
            print(usage.usage_metadata)

    Args:
        name: a name, for whoever reads the code.

    Yields:
        The handler that has the sums.
    """
    del name
    handler = UsageMetadataCallbackHandler()
    with heard_by(handler):
        yield handler
