"""Tools as text."""

from __future__ import annotations

from chatcore.tools import BaseTool, ToolsRenderer, render_text_description, render_text_description_and_args, tool


class Plain(BaseTool):
    name: str = "plain"
    description: str = "Plain."

    async def _arun(self, x: int) -> int:
        return x


@tool
def add(a: int, b: int = 2) -> int:
    """Add."""
    return a + b


def test_rendered() -> None:
    brief: ToolsRenderer = render_text_description
    assert brief([add, Plain()]).splitlines() == ["add(a: 'int', b: 'int' = 2) -> 'int' - Add.", "plain - Plain."]
    assert (
        render_text_description_and_args([Plain()]) == "plain - Plain., args: {'x': {'title': 'X', 'type': 'integer'}}"
    )
    assert brief([]) == ""
