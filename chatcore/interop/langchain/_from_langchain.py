"""A LangChain chat model as chatcore's `BaseChatModel`.

::

                            asyncio                     trio
    has async code          ainvoke, astream            an error: LangChain's async code is asyncio's
    sync code only          invoke, stream, in a worker thread
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar, cast

from langchain_core import messages as lc
from langchain_core.language_models import BaseChatModel as LangChainChatModel
from langchain_core.runnables import Runnable, RunnableBinding
from pydantic import Field, InstanceOf
from typing_extensions import override

from chatcore.engine._host import on_trio
from chatcore.engine.threads import in_thread, iterate_in_thread
from chatcore.errors import UnsupportedError, WrongTypeError
from chatcore.interop.langchain._messages import answer_chunk, from_langchain_message, to_langchain_messages
from chatcore.messages import AIMessage, AIMessageChunk, BaseMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult
from chatcore.structured_output import Method

__all__ = ["from_langchain"]


def from_langchain(model: Runnable[Any, Any]) -> BaseChatModel:
    """A LangChain chat model as one of chatcore's, with all its verbs, policies and parsers.

    LangChain's callbacks and tracing see its runs as ever. Its async code runs on asyncio only; a model that has none
    runs in worker threads, on trio too.

    Args:
        model: a LangChain chat model, bound to settings or not, or a runnable that takes messages and answers with one.

    Returns:
        A chatcore chat model. It takes tools if LangChain's does.

    Raises:
        WrongTypeError: `model` is no runnable of LangChain's.
    """
    if not isinstance(cast("object", model), Runnable):
        msg = f"from_langchain takes a LangChain chat model, not a {type(model).__module__}.{type(model).__qualname__}."
        raise WrongTypeError(msg)
    innermost = _innermost(model)
    profile = cast("dict[str, Any] | None", getattr(innermost, "profile", None))
    return _LangChainModel(langchain_model=model, name=innermost.get_name(), profile=profile)


class _LangChainModel(BaseChatModel):
    """See `from_langchain`."""

    _takes_tools: ClassVar[bool] = True

    langchain_model: InstanceOf[Runnable[Any, Any]] = Field(exclude=True)

    @property
    @override
    def _llm_type(self) -> str:
        model = _innermost(self.langchain_model)
        return model._llm_type if isinstance(model, LangChainChatModel) else "langchain"  # noqa: SLF001 - a hook

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        model, bound = _innermost(self.langchain_model), _bound(self.langchain_model)
        if isinstance(model, LangChainChatModel):
            return {**model._identifying_params, **bound}  # noqa: SLF001 - a hook
        return bound

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        model = _innermost(self.langchain_model)
        if isinstance(model, LangChainChatModel):
            return {**model._get_ls_params(stop=stop, **{**_bound(self.langchain_model), **kwargs})}  # noqa: SLF001
        return super()._get_ls_params(stop=stop, **kwargs)

    @override
    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        given = to_langchain_messages(messages)
        model, settings = self._called(stop, kwargs)
        if self._is_sync():
            answer = await in_thread(model.invoke, given, None, **settings)
        else:
            self._check_host()
            answer = await model.ainvoke(given, None, **settings)
        message = from_langchain_message(_answer(answer))
        return ChatResult(generations=[ChatGeneration(message=cast("AIMessage", message))])

    @override
    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        given = to_langchain_messages(messages)
        model, settings = self._called(stop, kwargs)
        if self._is_sync():
            # Called in the thread as well: it may do its waiting before it returns.
            return _Chunks(iterate_in_thread(_parts(model, given, settings)))
        self._check_host()
        return _Chunks(model.astream(given, None, **settings))

    def _called(self, stop: list[str] | None, settings: Mapping[str, Any]) -> tuple[Runnable[Any, Any], dict[str, Any]]:
        """What is called with which settings: tools are bound as the model's own class binds them."""
        model, left = self.langchain_model, dict(settings)
        if stop is not None:
            left["stop"] = stop
        tools = left.pop("tools", None)
        if tools:
            names = ("tool_choice", "parallel_tool_calls")
            model = cast("Any", model).bind_tools(tools, **{name: left.pop(name) for name in names if name in left})
        return model, left

    @override
    def _structured_methods(self) -> tuple[Method, ...]:
        return ("function_calling",) if self._can_bind_tools() else ()

    @override
    def _check_tools(self) -> None:
        super()._check_tools()
        if not self._can_bind_tools():
            msg = f"{self.get_name()} of LangChain has no bind_tools: it does not take tools."
            raise UnsupportedError(msg)

    def _can_bind_tools(self) -> bool:
        model = _innermost(self.langchain_model)
        if isinstance(model, LangChainChatModel):
            return type(model).bind_tools is not LangChainChatModel.bind_tools
        return hasattr(model, "bind_tools")

    def _is_sync(self) -> bool:
        model = _innermost(self.langchain_model)
        return isinstance(model, LangChainChatModel) and all(
            getattr(type(model), hook) is getattr(LangChainChatModel, hook) for hook in ("_agenerate", "_astream")
        )

    def _check_host(self) -> None:
        if on_trio():
            msg = (
                f"{self.get_name()} of LangChain runs on asyncio only: its async code is LangChain's, which needs"
                " asyncio. Use it under asyncio.run, from sync code, or take chatcore's own model of that provider."
            )
            raise UnsupportedError(msg)


class _Chunks(AsyncIterator[AIMessageChunk]):
    """A stream of LangChain's."""

    def __init__(self, parts: AsyncIterator[Any]) -> None:
        self._parts = parts

    async def __anext__(self) -> AIMessageChunk:
        return answer_chunk(_answer(await anext(self._parts)))

    async def aclose(self) -> None:
        """Close it: LangChain's run ends, and with it the connection."""
        close = getattr(self._parts, "aclose", None)
        if close is not None:
            await close()


def _parts(model: Runnable[Any, Any], given: list[lc.BaseMessage], settings: Mapping[str, Any]) -> Iterator[Any]:
    yield from model.stream(given, None, **settings)


def _answer(given: object) -> lc.BaseMessage:
    if isinstance(given, lc.AIMessage):
        return given
    msg = f"A runnable of LangChain's that stands for a chat model must answer with an AIMessage, not {given!r:.100}."
    raise WrongTypeError(msg)


def _innermost(model: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The model under what `bind` and its kin have put around it."""
    while isinstance(model, RunnableBinding):
        model = model.bound
    return model


def _bound(model: Runnable[Any, Any]) -> dict[str, Any]:
    """What is bound to a model."""
    bound: dict[str, Any] = {}
    while isinstance(model, RunnableBinding):
        bound = {**model.kwargs, **bound}
        model = model.bound
    return bound
