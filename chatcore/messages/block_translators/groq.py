"""Answers of Groq's models, whose built-in tools are reported beside the content, as standard blocks.

https://console.groq.com/docs/agentic-tooling
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic_core import from_json

from chatcore.messages._shapes import is_dict
from chatcore.messages.block_translators._blocks import (
    Answer,
    Block,
    finished,
    parts_of,
    reasoning_block,
    with_extras,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatcore.messages.content import ContentBlock

__all__ = ["translate_content", "translate_content_chunk"]

# Groq does not always escape the quotes in code that it has run.
_CODE = re.compile(r'\s*\{\s*"code"\s*:\s*"(?P<code>.*)"\s*\}\s*', re.DOTALL)


def translate_content(message: Answer) -> list[ContentBlock]:
    """Read an answer of Groq's as standard blocks: reasoning, the tools it has run, the text, the calls."""
    blocks = reasoning_block(message.additional_kwargs)
    for position, executed in enumerate(message.additional_kwargs.get("executed_tools") or ()):
        blocks.extend(_executed(executed, str(position)))
    blocks.extend(parts_of(message.content))
    return finished(blocks, message)


def translate_content_chunk(message: Answer) -> list[ContentBlock]:
    """Read a chunk of Groq's as standard blocks."""
    return translate_content(message)


def _executed(tool: Block, call_id: str) -> Iterator[Block]:
    is_python = tool.get("type") == "python"
    is_function = tool.get("type") == "function" and tool.get("name") == "python"
    arguments = tool.get("arguments")
    if arguments:
        args = _arguments(arguments, is_python=is_python, is_function=is_function)
        if args is None:
            return
        name = "web_search" if tool.get("type") == "search" else "code_interpreter" if is_python or is_function else ""
        yield {"type": "server_tool_call", "name": name, "id": call_id, "args": args}
    if tool.get("output"):
        result: Block = {
            "type": "server_tool_result",
            "tool_call_id": call_id,
            "output": tool["output"],
            "status": "success",
        }
        yield with_extras(result, tool, {"type", "arguments", "index", "output"})


def _arguments(text: str, *, is_python: bool, is_function: bool) -> Block | None:
    try:
        arguments = from_json(text)
    except ValueError:
        if is_python:
            found = _CODE.fullmatch(text)
            return {"code": found["code"]} if found else None
        return {"code": text} if is_function else None
    return arguments if is_dict(arguments) else None
