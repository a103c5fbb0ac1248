"""Counting tokens, where the comparison with the reference leaves off."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from chatcore.errors import InvalidInputError
from chatcore.messages import AIMessage, HumanMessage, RemoveMessage, count_tokens_approximately


class Arguments(BaseModel):
    """What it takes."""

    place: str


class Tool:
    name = "weather"
    description = "The weather."

    def __init__(self, schema: object) -> None:
        self.tool_call_schema = schema


def test_tools_count_by_their_schemas() -> None:
    schema = Arguments.model_json_schema()
    counts = {count_tokens_approximately([], tools=[Tool(given)]) for given in (Arguments, schema)}
    assert counts == {count_tokens_approximately([], tools=[Tool({**schema, "title": "x", "description": "y"})])}
    assert counts.pop() > 10


def test_usage_is_compared_only_where_its_provider_is_known() -> None:
    usage = {"input_tokens": 40, "output_tokens": 10, "total_tokens": 50}
    conversation = [HumanMessage("hello"), AIMessage("hi", usage_metadata=usage)]
    plain = count_tokens_approximately(conversation)
    assert count_tokens_approximately(conversation, use_usage_metadata_scaling=True) == plain
    conversation[1].response_metadata["model_provider"] = "openai"
    assert count_tokens_approximately(conversation, use_usage_metadata_scaling=True) > plain


def test_a_message_without_a_role_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="RemoveMessage"):
        count_tokens_approximately([RemoveMessage("a")])
