"""A chat model that is one function of its messages."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from chatcore.engine.threads import in_thread
from chatcore.messages import AIMessage, BaseMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult

__all__ = ["SimpleChatModel"]


class SimpleChatModel(BaseChatModel):
    """A chat model whose subclass gives text for messages, by sync code, which runs in a worker thread.

    ::

        class Echo(SimpleChatModel):
            @property
            def _llm_type(self) -> str:
                return "echo"

            def _call(self, messages, stop=None, run_manager=None, **kwargs):
                return messages[-1].text

    A model that can wait for its answer should be a `BaseChatModel` with `_agenerate` instead.
    """

    @abstractmethod
    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> str:
        """The text of the answer."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = self._call(messages, stop=stop, run_manager=run_manager, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await in_thread(self._generate, messages, stop=stop, run_manager=run_manager, **kwargs)
