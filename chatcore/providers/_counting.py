"""Models whose provider counts the tokens of a prompt itself, by one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from typing_extensions import override

from chatcore.engine._portal import blocking
from chatcore.engine.request import Edit
from chatcore.messages import BaseMessage, convert_to_messages
from chatcore.providers._remote import Call, Outgoing, RemoteChatModel
from chatcore.providers._wire import as_object, count, parsed
from chatcore.schemas import convert_to_openai_tool

__all__ = ["CountingChatModel"]


class CountingChatModel(RemoteChatModel):
    """A model whose provider counts tokens. It says what is asked, and where the number stands in the answer."""

    _TOKENS: ClassVar[str]
    """The key of the number."""

    def _write_count(self, messages: list[BaseMessage], call: Call) -> Outgoing:
        """What is sent to have a prompt counted."""
        raise NotImplementedError

    def _counted_tool(self, tool: Any) -> dict[str, Any]:
        """A tool as `bind_tools` would bind it."""
        return convert_to_openai_tool(tool)

    async def acount_tokens(
        self, messages: Sequence[Any] | str, tools: Sequence[Any] | None = None, **kwargs: Any
    ) -> int:
        """Ask the provider how many tokens a prompt has, with what is bound to this model, such as its tools.

        Args:
            messages: the prompt: messages, or whatever can be made one; or a text.
            tools: what `bind_tools` takes.
            **kwargs: settings of a call.

        Raises:
            ProviderError: the provider could not be asked.
        """
        if tools:
            kwargs["tools"] = [self._counted_tool(tool) for tool in tools]
        prompt = convert_to_messages([messages] if isinstance(messages, str) else messages)
        bound = [layer.settings for layer in self._middleware if isinstance(layer, Edit)]
        settings = {name: value for given in (*bound, kwargs) for name, value in given.items()}
        call = self._call(None, settings, stream=False)
        body, exchange = await self._asked(self._write_count(prompt, call), call)
        tokens = count(as_object(parsed(body, exchange)), self._TOKENS)
        if tokens is None:
            raise exchange.malformed("counts no tokens", body)
        return tokens

    count_tokens = blocking(acount_tokens)  # type: ignore[pydantic-field]  # a method, which its plugin does not know

    @override
    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None, **kwargs: Any
    ) -> int:
        """How many tokens a prompt has, as the provider counts them, by one request; async code: `acount_tokens`.

        Args:
            messages: the prompt.
            tools: what `bind_tools` takes.
            **kwargs: settings of a call.

        Raises:
            ProviderError: the provider could not be asked.
        """
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools)
        return self.count_tokens(messages, tools, **kwargs)
