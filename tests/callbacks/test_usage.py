"""Usage by model."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from chatcore.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from chatcore.messages import AIMessage, BaseMessage, HumanMessage
from chatcore.messages.ai import UsageMetadata
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult, LLMResult
from chatcore.runnables import RunnableLambda

pytestmark = pytest.mark.anyio


class Counted(BaseChatModel):
    """Says how many tokens it took."""

    model_name: str | None = "one"

    @property
    def _llm_type(self) -> str:
        return "counted"

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        usage = UsageMetadata(input_tokens=1, output_tokens=2, total_tokens=3, input_token_details={"audio": 1})
        named = {"model_name": self.model_name} if self.model_name else {}
        message = AIMessage(content="x", usage_metadata=usage, response_metadata=named)
        return ChatResult(generations=[ChatGeneration(message=message)])


def times(count: int) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=count, output_tokens=2 * count, total_tokens=3 * count, input_token_details={"audio": count}
    )


async def test_calls_in_a_block_are_counted_by_model_wherever_they_are_made() -> None:
    one, two = Counted(), Counted(model_name="two")
    inside = RunnableLambda(one.invoke)
    with get_usage_metadata_callback() as usage:
        await one.ainvoke("hi")
        await anyio.to_thread.run_sync(two.invoke, "hi")
        await inside.abatch(["a", "b"])
        async with anyio.create_task_group() as group:
            group.start_soon(two.ainvoke, "hi")
        async for _ in one.astream("hi"):
            pass
    await one.ainvoke("not counted")
    assert usage.usage_metadata == {"one": times(4), "two": times(2)}
    assert repr(usage) == str(usage.usage_metadata)


async def test_blocks_within_blocks_count_for_both_and_an_error_ends_the_counting() -> None:
    model = Counted()
    with get_usage_metadata_callback() as outer:
        with pytest.raises(KeyError), get_usage_metadata_callback() as inner:
            await model.ainvoke("hi")
            raise KeyError
        await model.ainvoke("hi")
    assert inner.usage_metadata == {"one": times(1)}
    assert outer.usage_metadata == {"one": times(2)}


async def test_one_handler_serves_many_calls_at_once() -> None:
    usage = UsageMetadataCallbackHandler()
    await Counted().abatch(["hi"] * 200, {"callbacks": [usage]})
    assert usage.usage_metadata == {"one": times(200)}


async def test_answers_without_usage_or_name_do_not_count() -> None:
    usage = UsageMetadataCallbackHandler()
    await Counted(model_name=None).ainvoke("hi", {"callbacks": [usage]})
    for generations in (
        [],
        [[]],
        [[ChatGeneration(message=AIMessage("x"))]],
        [[ChatGeneration(message=HumanMessage("x"))]],
    ):
        usage.on_llm_end(LLMResult(generations=generations))
    assert usage.usage_metadata == {}
