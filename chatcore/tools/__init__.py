"""Tools: what a model may call, and how its calls are run."""

from __future__ import annotations

from chatcore.tools._running import run_tools, run_tools_sync, tool_loop, tool_loop_sync
from chatcore.tools.base import (
    FILTERED_ARGS,
    ArgsSchema,
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    InjectedToolCallId,
    SchemaAnnotationError,
    ToolException,
    create_schema_from_function,
)
from chatcore.tools.convert import convert_runnable_to_tool, tool
from chatcore.tools.render import ToolsRenderer, render_text_description, render_text_description_and_args
from chatcore.tools.simple import Tool
from chatcore.tools.structured import StructuredTool

__all__ = [
    "FILTERED_ARGS",
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "InjectedToolArg",
    "InjectedToolCallId",
    "SchemaAnnotationError",
    "StructuredTool",
    "Tool",
    "ToolException",
    "ToolsRenderer",
    "convert_runnable_to_tool",
    "create_schema_from_function",
    "render_text_description",
    "render_text_description_and_args",
    "run_tools",
    "run_tools_sync",
    "tool",
    "tool_loop",
    "tool_loop_sync",
]
