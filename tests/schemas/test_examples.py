"""Examples of tool calls as messages."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.utils.function_calling import tool_example_to_messages as reference
from pydantic import BaseModel

from chatcore.errors import ConfigurationError
from chatcore.schemas import tool_example_to_messages


class Look(BaseModel):
    query: str


CALLS = [Look(query="a"), Look(query="b")]


@pytest.mark.filterwarnings("ignore:The function `tool_example_to_messages` is in beta")
@pytest.mark.parametrize(
    "given",
    [
        {"tool_calls": []},
        {"tool_calls": CALLS},
        {"tool_calls": CALLS, "tool_outputs": ["one", "two"]},
        {"tool_calls": CALLS[:1], "ai_response": "Done."},
    ],
    ids=["none", "praised", "with results", "answered"],
)
def test_example_is_the_references(given: dict[str, Any]) -> None:
    own, theirs = tool_example_to_messages("Look!", **given), reference("Look!", **given)
    assert [type(message).__name__ for message in own] == [type(message).__name__ for message in theirs]
    assert [message.content for message in own] == [message.content for message in theirs]
    calls = own[1].additional_kwargs["tool_calls"]
    expected = theirs[1].additional_kwargs["tool_calls"]
    assert [call["function"] for call in calls] == [call["function"] for call in expected]
    assert [message.tool_call_id for message in own if message.type == "tool"] == [call["id"] for call in calls]
    assert len({call["id"] for call in calls}) == len(calls)


@pytest.mark.parametrize("outputs", [["one"], ["one", "two", "three"], []])
def test_each_call_has_one_result(outputs: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="must match the number of tool_calls"):
        tool_example_to_messages("Look!", CALLS, outputs)
