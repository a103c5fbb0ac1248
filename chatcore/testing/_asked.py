"""What a request asks for, in no dialect's words: all that scripts, limits, faults and answers need to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Asked", "Tool"]


class Tool(NamedTuple):
    """A function that may be called. parameters: a JSON Schema."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A valid request.

    model: the one asked for.
    messages: in OpenAI's chat form, whatever the dialect: `role` (system, user, assistant, tool), `content` (a text, or
        parts with a `type`), `tool_calls`, `tool_call_id`.
    stream: whether a streamed reply is asked for.
    tools: the functions that may be called. demanded: True: one of them must be; a name: that one must be.
    schema, schema_name: of the JSON document to reply with. json: any JSON object will do.
    stop: texts before which the reply ends. max_tokens: the most it may be.
    choices: how many replies are asked for.
    seed: the request's own.
    reasoning: whether the model is to show how it thinks.
    """

    model: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stream: bool = False
    tools: Sequence[Tool] = ()
    demanded: bool | str = False
    schema: Mapping[str, Any] | None = None
    schema_name: str = ""
    json: bool = False
    stop: Sequence[str] = ()
    max_tokens: int | None = None
    choices: int = 1
    seed: object = None
    reasoning: bool = False
