"""Functions of messages that are runnables as well."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    filter_messages,
    merge_message_runs,
    trim_messages,
)
from chatcore.runnables import Runnable, RunnableLambda, RunnableSequence

CONVERSATION = [SystemMessage("a"), HumanMessage("b"), HumanMessage("c"), AIMessage("d")]

STEPS = [
    (filter_messages, {"include_types": ["human"]}),
    (merge_message_runs, {"chunk_separator": " "}),
    (trim_messages, {"max_tokens": 2, "token_counter": len}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("function", "kwargs"), STEPS, ids=["filter", "merge", "trim"])
async def test_without_messages_it_is_a_runnable(function: Any, kwargs: dict[str, Any]) -> None:
    step = function(**kwargs)
    assert isinstance(step, Runnable)
    assert step.get_name() == function.__name__
    assert await step.ainvoke(CONVERSATION) == function(CONVERSATION, **kwargs) != CONVERSATION


@pytest.mark.anyio
async def test_it_is_a_step_of_a_sequence() -> None:
    sequence = (
        filter_messages(exclude_types=["ai"]) | merge_message_runs() | RunnableLambda(lambda given: given[-1].text)
    )
    assert isinstance(sequence, RunnableSequence)
    assert await sequence.ainvoke(CONVERSATION) == "b\nc"


def test_it_may_be_called_sync_and_with_nothing_to_choose_from() -> None:
    assert trim_messages(max_tokens=2, token_counter=len).invoke([]) == []
    assert filter_messages([]) == []
