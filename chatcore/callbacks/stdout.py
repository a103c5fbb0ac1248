"""`StdOutCallbackHandler`: chains, tools and agents, told on standard output."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from chatcore.callbacks._console import bold, put
from chatcore.callbacks.base import BaseCallbackHandler

__all__ = ["StdOutCallbackHandler"]


class StdOutCallbackHandler(BaseCallbackHandler):
    """Prints when chains begin and end, and what tools and agents say.

    color: of what tools and agents say: `"blue"`, `"yellow"`, `"pink"`, `"green"` or `"red"`.
    """

    def __init__(self, color: str | None = None) -> None:
        self.color = color

    def _put(self, text: str, color: str | None = None, end: str = "") -> None:
        put(text, color, end)

    def _title(self, text: str) -> None:
        self._put(bold(text), end="\n")

    @override
    def on_chain_start(self, serialized: dict[str, Any], inputs: dict[str, Any], **kwargs: Any) -> None:
        name = kwargs.get("name")
        if not name and serialized:
            name = serialized.get("name") or (serialized.get("id") or [None])[-1]
        self._put("\n\n")
        self._title(f"> Entering new {name or '<unknown>'} chain...")

    @override
    def on_chain_end(self, outputs: dict[str, Any], **kwargs: Any) -> None:
        self._put("\n")
        self._title("> Finished chain.")

    @override
    def on_agent_action(self, action: Any, color: str | None = None, **kwargs: Any) -> None:
        self._put(action.log, color or self.color)

    @override
    def on_tool_end(
        self,
        output: Any,
        color: str | None = None,
        observation_prefix: str | None = None,
        llm_prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        if observation_prefix is not None:
            self._put(f"\n{observation_prefix}")
        self._put(str(output), color or self.color)
        if llm_prefix is not None:
            self._put(f"\n{llm_prefix}")

    @override
    def on_text(self, text: str, color: str | None = None, end: str = "", **kwargs: Any) -> None:
        self._put(text, color or self.color, end)

    @override
    def on_agent_finish(self, finish: Any, color: str | None = None, **kwargs: Any) -> None:
        self._put(finish.log, color or self.color, "\n")
