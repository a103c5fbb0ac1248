"""Tools as text, for prompts."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

from chatcore.tools.base import BaseTool

__all__ = ["ToolsRenderer", "render_text_description", "render_text_description_and_args"]

ToolsRenderer = Callable[[list[BaseTool]], str]
"""A function that renders tools."""


def render_text_description(tools: list[BaseTool]) -> str:
    """One line for each tool: its name, its function's signature if it has one, and its description."""
    return "\n".join(_line(tool) for tool in tools)


def render_text_description_and_args(tools: list[BaseTool]) -> str:
    """One line for each tool: as `render_text_description`, and the JSON Schemas of its arguments."""
    return "\n".join(f"{_line(tool)}, args: {tool.args}" for tool in tools)


def _line(tool: BaseTool) -> str:
    function = getattr(tool, "func", None)
    takes = signature(function) if function else ""
    return f"{tool.name}{takes} - {tool.description}"
