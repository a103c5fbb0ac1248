"""`Tool`: one text."""

from __future__ import annotations

import functools

import pytest
from pydantic import BaseModel

from chatcore.tools import Tool, ToolException
from chatcore.tools.simple import Tool as Same


def test_takes_one_text() -> None:
    tool = Tool("echo", lambda text: f"<{text}>", "Echo.", return_direct=True)
    assert Tool is Same
    assert (tool.name, tool.description, tool.args_schema, tool.return_direct) == ("echo", "Echo.", None, True)
    assert tool.args == {"tool_input": {"type": "string"}}
    assert tool.is_single_input
    assert tool.invoke("a") == tool.run({"anything": "a"}) == "<a>"


def test_a_schema_may_say_what_the_argument_is() -> None:
    class Number(BaseModel):
        n: int

    tool = Tool.from_function(lambda n: n * n, "square", "Square.", args_schema=Number)
    assert tool.args == {"n": {"title": "N", "type": "integer"}}
    assert tool.invoke({"n": "3"}) == 9


def test_more_arguments_are_told_to_be_too_many() -> None:
    tool = Tool("echo", functools.partial(print, end=""), "Echo.", handle_tool_error=True)
    said = tool.invoke({"a": 1, "b": 2})
    assert said.startswith("Too many arguments to single-input tool echo: it takes one, not 2. Consider using")
    with pytest.raises(ToolException, match="takes one, not 0"):
        Tool("echo", print, "Echo.").invoke({})
