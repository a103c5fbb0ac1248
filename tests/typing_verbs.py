"""The types that users see, pinned: mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

from chatcore import (
    AIMessage,
    AIMessageChunk,
    BaseChatModel,
    BatchStream,
    ChatStream,
    HumanMessage,
    LLMResult,
    RateLimited,
    StreamInterrupted,
)


async def async_verbs(model: BaseChatModel) -> None:
    assert_type(await model.ainvoke("hi"), AIMessage)
    assert_type(await model.ainvoke([("human", "hi"), HumanMessage(content="there")]), AIMessage)
    assert_type(model.astream("hi"), ChatStream[AIMessageChunk, AIMessage])
    async with model.astream("hi") as chunks:
        async for chunk in chunks:
            assert_type(chunk, AIMessageChunk)
        assert_type(await chunks.result(), AIMessage)
    assert_type(await model.abatch(["a", "b"]), list[AIMessage])
    assert_type(await model.abatch(["a", "b"], return_exceptions=True), list[AIMessage | Exception])
    assert_type(model.abatch_as_completed(["a"]), BatchStream[tuple[int, AIMessage]])
    async for index, message in model.abatch_as_completed(["a"]):
        assert_type(index, int)
        assert_type(message, AIMessage)
    assert_type(await model.agenerate([[HumanMessage(content="hi")]]), LLMResult)


def sync_verbs(model: BaseChatModel) -> None:
    assert_type(model.invoke("hi"), AIMessage)
    for chunk in model.stream("hi"):
        assert_type(chunk, AIMessageChunk)
    assert_type(model.batch(["a", "b"]), list[AIMessage])
    assert_type(model.batch(["a", "b"], return_exceptions=True), list[AIMessage | Exception])
    for _, result in model.batch_as_completed(["a"], return_exceptions=True):
        assert_type(result, AIMessage | Exception)
    for index, message in model.batch_as_completed(["a"]):
        assert_type(index, int)
        assert_type(message, AIMessage)
    assert_type(model.generate([[HumanMessage(content="hi")]]), LLMResult)


def decorating_keeps_the_kind(model: BaseChatModel) -> None:
    assert_type(model.with_retry(), BaseChatModel)
    assert_type(model.with_retry().with_fallbacks([model]).bind(stop=["."]).with_config(tags=["a"]), BaseChatModel)


def errors_carry_data(refused: RateLimited, broken: StreamInterrupted) -> None:
    assert_type(refused.retry_after, float | None)
    assert_type(refused.status, int | None)
    assert_type(type(broken).is_retryable, bool)
