"""Examples of tool calls for a model to follow."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from chatcore.errors import ConfigurationError
from chatcore.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

__all__ = ["tool_example_to_messages"]


def tool_example_to_messages(
    input: str,
    tool_calls: Sequence[BaseModel],
    tool_outputs: Sequence[str] | None = None,
    *,
    ai_response: str | None = None,
) -> list[BaseMessage]:
    """Write one example of tool calling as messages: what was said, the calls it led to, and their results.

    Args:
        input: what the user said.
        tool_calls: the calls, each an instance of the model that stands for its tool.
        tool_outputs: one result for each call; by default a sentence of praise.
        ai_response: what the model said at the end, if anything.

    Returns:
        A `HumanMessage`, an `AIMessage` with the calls, a `ToolMessage` for each, and an `AIMessage` with the response.

    Raises:
        ConfigurationError: there are more or fewer results than calls.
    """
    calls: list[dict[str, Any]] = [
        {
            "id": str(uuid.uuid4()),
            "type": "function",
            "function": {"name": type(call).__name__, "arguments": call.model_dump_json()},
        }
        for call in tool_calls
    ]
    outputs = tool_outputs or ["You have correctly called this tool."] * len(calls)
    if tool_outputs is not None and len(tool_outputs) != len(calls):
        msg = (
            f"The number of tool_outputs ({len(tool_outputs)}) must match the number of tool_calls ({len(calls)}): "
            "give one for each, in their order."
        )
        raise ConfigurationError(msg)
    return [
        HumanMessage(content=input),
        AIMessage(content="", additional_kwargs={"tool_calls": calls}),
        *(ToolMessage(content=said, tool_call_id=call["id"]) for said, call in zip(outputs, calls, strict=True)),
        *([AIMessage(content=ai_response)] if ai_response else []),
    ]
