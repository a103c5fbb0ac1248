"""A chatcore model as LangChain's `BaseChatModel`.

::

    LangChain's verbs, callbacks, tracing      invoke  ainvoke  stream  astream  batch ... of langchain_core
      _generate   _agenerate   _stream  _astream
    chatcore's verbs                           generate  agenerate  stream  astream
      retry, limits, cache, timeouts, connections

Tools and schemas are bound on LangChain's side, as settings of the call, so that its tracing sees them; what they look
like is chatcore's to say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from langchain_core.language_models import BaseChatModel as LangChainChatModel
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableMap, RunnablePassthrough
from pydantic import Field, InstanceOf
from typing_extensions import override

from chatcore import messages as own
from chatcore.engine.request import Edit
from chatcore.engine.stream import ChatStream
from chatcore.errors import UnsupportedError, WrongTypeError
from chatcore.interop.langchain._errors import langchain_errors
from chatcore.interop.langchain._messages import (
    answer_chunk,
    from_langchain_message,
    from_langchain_messages,
    to_langchain_message,
)
from chatcore.model import BaseChatModel
from chatcore.outputs import LLMResult
from chatcore.runnables import RunnableSequence
from chatcore.structured_output import AnswerParser, Method

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models.base import LangSmithParams

__all__ = ["as_langchain"]


def as_langchain(model: BaseChatModel) -> LangChainChatModel:
    """A chatcore chat model as one of LangChain's, for LangGraph, agents and chains.

    It is called and traced as any of LangChain's models, and does its work as chatcore's does: async verbs are async
    all the way, sync ones go through chatcore's portal, and a stream that is left or cancelled closes its connection.

    Args:
        model: any chatcore chat model, as it is: with its retries, limits, cache, bound settings.

    Returns:
        An instance of `langchain_core.language_models.BaseChatModel`. Errors that it raises are chatcore's, with their
        data, and LangChain's (`langchain_core.exceptions.ModelError` and its kinds) as well.

    Raises:
        WrongTypeError: `model` is no chatcore chat model.
    """
    if not isinstance(cast("object", model), BaseChatModel):
        msg = f"as_langchain takes a chatcore chat model, not a {type(model).__module__}.{type(model).__qualname__}."
        raise WrongTypeError(msg)
    # LangChain reads this one as said or not said.
    said: dict[str, Any] = {"streaming": getattr(model, "streaming", None)}
    return _ChatCoreModel(
        chat_model=model,
        name=model.get_name(),
        tags=model.tags,
        metadata=model.metadata,
        profile=cast("Any", model.profile),
        disable_streaming=model.disable_streaming,
        **(said if "streaming" in model.model_fields_set else {}),
    )


class _ChatCoreModel(LangChainChatModel):
    """See `as_langchain`."""

    chat_model: InstanceOf[BaseChatModel]
    streaming: bool | None = Field(default=None, exclude=True, repr=False)

    # ----------------------------------------------------------------------------------------------------- the calls

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with langchain_errors():
            return _result(self.chat_model.generate([from_langchain_messages(messages)], stop, **kwargs))

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with langchain_errors():
            return _result(await self.chat_model.agenerate([from_langchain_messages(messages)], stop, **kwargs))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with (
            langchain_errors(),
            self.chat_model.stream(from_langchain_messages(messages), stop=stop, **kwargs) as chunks,
        ):
            for chunk in chunks:
                part = _part(chunk)
                if run_manager is not None:
                    run_manager.on_llm_new_token(part.text, chunk=part)
                yield part

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with langchain_errors():
            chunks = self.chat_model.astream(from_langchain_messages(messages), stop=stop, **kwargs)
        return _Parts(chunks, run_manager)

    # ------------------------------------------------------------------------------------------- tools and structures

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A runnable whose answers may call these tools.

        Args:
            tools: LangChain's tools and chatcore's, functions, pydantic models, TypedDicts, dicts.
            tool_choice: `"auto"`, `"any"` or True, `"none"`, or the name of the tool that must be called.
            strict: whether arguments must follow the schema to the letter.
            parallel_tool_calls: whether one answer may ask for several calls.
            **kwargs: more settings, as for `bind`.
        """
        asked = self.chat_model.bind_tools(
            tools, tool_choice=tool_choice, strict=strict, parallel_tool_calls=parallel_tool_calls, **kwargs
        )
        return self.bind(**_settings(asked))

    @override
    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Method | None = None,
        strict: bool | None = None,
        tools: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """A runnable that answers with objects of a schema; an answer that is none is an error, never None.

        Args:
            schema: a pydantic model, a TypedDict, a dataclass, a JSON schema with a title, or a tool dict.
            include_raw: answer with a dict of `raw` (the message), `parsed` (None if it is not valid) and
                `parsing_error`.
            method: `"json_schema"`, `"function_calling"` or `"json_mode"`; None: the best that the model has.
            strict: whether the provider must follow the schema to the letter.
            tools: tools that the model may call besides; use `include_raw` to see when it does.
            **kwargs: more settings, as for `bind`.
        """
        sequence = self.chat_model.with_structured_output(schema, method=method, strict=strict, tools=tools, **kwargs)
        steps = sequence.steps if isinstance(sequence, RunnableSequence) else ()
        if len(steps) != 2 or not isinstance(steps[1], AnswerParser):
            msg = f"{self.get_name()} has a with_structured_output of its own, which cannot be taken across."
            raise UnsupportedError(msg)
        settings = _settings(steps[0])
        told = {"method": method, "strict": strict}
        model = self.bind(ls_structured_output_format={"kwargs": told, "schema": schema}, **settings)
        answers = _objects_of(steps[1])
        if not include_raw:
            return model | answers
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | answers, parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")

    # -------------------------------------------------------------------------------------------------- what it is

    @property
    @override
    def _llm_type(self) -> str:
        return self.chat_model._llm_type  # noqa: SLF001 - a hook that both libraries know

    @property
    @override
    def _identifying_params(self) -> Mapping[str, Any]:
        # LangChain's caches tell models apart by these: what is bound counts.
        return {**self.chat_model._identifying_params, **_settings(self.chat_model)}  # noqa: SLF001 - as above

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        settings = {**_settings(self.chat_model), **kwargs}
        stop = stop or settings.get("stop")
        settings.pop("stop", None)
        return cast("LangSmithParams", self.chat_model._get_ls_params(stop=stop, **settings))  # noqa: SLF001 - as above

    @override
    def _combine_llm_outputs(self, _llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        return self.chat_model._combine_llm_outputs(_llm_outputs)  # noqa: SLF001 - as above

    @override
    def get_token_ids(self, text: str) -> list[int]:
        """The ids of a text's tokens, counted offline."""
        return self.chat_model.get_token_ids(text)


class _Parts(AsyncIterator[ChatGenerationChunk]):
    """A stream, for LangChain. Closed by name, at its end, or by being dropped: LangChain only drops it."""

    def __init__(
        self, chunks: ChatStream[own.AIMessageChunk, own.AIMessage], run_manager: AsyncCallbackManagerForLLMRun | None
    ) -> None:
        self._chunks = chunks
        self._run_manager = run_manager

    async def __anext__(self) -> ChatGenerationChunk:
        with langchain_errors():
            part = _part(await self._chunks.__anext__())
        if self._run_manager is not None:
            await self._run_manager.on_llm_new_token(part.text, chunk=part)
        return part

    async def aclose(self) -> None:
        """Close the connection."""
        await self._chunks.aclose()


def _settings(model: object) -> dict[str, Any]:
    """What is bound to a chatcore model: the later over the earlier."""
    layers = cast("BaseChatModel", model)._middleware  # noqa: SLF001 - one of us
    return {name: value for layer in layers if isinstance(layer, Edit) for name, value in layer.settings.items()}


def _result(result: LLMResult) -> ChatResult:
    generations = [
        ChatGeneration(message=_unnamed(generation.message), generation_info=generation.generation_info)
        for generation in cast("list[Any]", result.generations[0])
    ]
    return ChatResult(generations=generations, llm_output=result.llm_output)


def _part(chunk: own.AIMessage) -> ChatGenerationChunk:
    # What cannot stream gives its whole answer.
    return ChatGenerationChunk(message=cast("AIMessageChunk", _unnamed(answer_chunk(chunk))))


def _unnamed(message: own.BaseMessage) -> BaseMessage:
    """For LangChain; without an id that is only chatcore's own, for LangChain names what it runs by its run."""
    given = to_langchain_message(message)
    if given.id is not None and given.id.startswith(own.LC_ID_PREFIX):
        given.id = None
    return given


# ------------------------------------------------------------------------------------------------ structured answers


def _objects_of(parser: AnswerParser) -> RunnableGenerator[AIMessage, Any]:
    """The parser as a step of LangChain's: dicts as they grow, and of a class the one that is whole."""

    def objects(messages: Iterator[Any]) -> Iterator[Any]:
        answer = _Answer(parser)
        for message in messages:
            yield from answer.add(message)
        yield from answer.end()

    async def aobjects(messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
        answer = _Answer(parser)
        async for message in messages:
            for grown in answer.add(message):
                yield grown
        for grown in answer.end():
            yield grown

    return RunnableGenerator(objects, aobjects, name=parser.get_name())


class _Answer:
    """One answer on its way: what it comes to so far, and in the end."""

    def __init__(self, parser: AnswerParser) -> None:
        self._parser = parser
        self._joined = own.Accumulator()
        self._whole: own.BaseMessage | None = None
        self._text = ""
        self._latest: Any = None

    def add(self, message: BaseMessage) -> Iterator[Any]:
        if not isinstance(message, AIMessageChunk):
            self._whole = from_langchain_message(message)
            return
        chunk = answer_chunk(message)
        self._joined.add(chunk)
        grown = self._parser.growing(chunk)
        if grown and self._parser.answer.kind in {"typed_dict", "json_schema"}:
            self._text += grown
            part = self._parser.part(self._text)
            if part is not None and part != self._latest:
                self._latest = part
                yield part

    def end(self) -> Iterator[Any]:
        with langchain_errors():
            answer = self._parser.whole(self._joined.message() if self._whole is None else self._whole)
        if self._latest is None or answer != self._latest:
            yield answer
