"""`tool` in each of its forms, and runnables as tools."""

from __future__ import annotations

from typing import Any, assert_type

import pytest
from pydantic import RootModel
from typing_extensions import TypedDict

from chatcore.errors import ConfigurationError
from chatcore.runnables import RunnableConfig, RunnableLambda, RunnablePassthrough
from chatcore.tools import (
    BaseTool,
    SchemaAnnotationError,
    StructuredTool,
    Tool,
    convert_runnable_to_tool,
    tool,
)


def search(query: str) -> str:
    """Search."""
    return f"found {query}"


class Pair(TypedDict):
    """Two numbers."""

    a: int
    b: int


def total(given: Pair) -> int:
    return given["a"] + given["b"]


def test_forms_of_the_decorator() -> None:
    forms = [
        tool(search),
        tool()(search),
        tool("search")(search),
        tool(return_direct=False)(search),
        tool("search", parse_docstring=True, error_on_invalid_docstring=False)(search),
    ]
    assert_type(forms[0], BaseTool)
    assert [(type(one), one.name, one.description) for one in forms] == [(StructuredTool, "search", "Search.")] * 5
    assert {one.invoke({"query": "q"}) for one in forms} == {"found q"}
    simple = tool("find", infer_schema=False, return_direct=True, extras={"a": 1})(search)
    assert (type(simple), simple.name, simple.return_direct, simple.extras) == (Tool, "find", True, {"a": 1})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: tool("a", RunnablePassthrough(), 3), "Too many arguments"),
        (lambda: tool(None, RunnablePassthrough()), "Runnable without name"),
        (lambda: tool(search, RunnablePassthrough()), "Name must be a string"),
        (lambda: tool(3), "must be a string or a callable"),
        (lambda: tool("t", RunnableLambda(str.upper)), "must have an object schema"),
        (lambda: tool(infer_schema=False)(lambda x: x), "either a docstring or description"),
    ],
)
def test_wrong_forms_are_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        wrong()


@pytest.mark.anyio
async def test_runnables_that_take_a_dict_are_tools() -> None:
    seen: list[Any] = []

    def sum_up(given: Pair, config: RunnableConfig) -> int:
        seen.append(config["tags"])
        return total(given)

    for made in (
        tool("total", RunnableLambda(sum_up)),
        convert_runnable_to_tool(RunnableLambda(sum_up), name="total", description="d"),
        RunnableLambda(sum_up).as_tool(name="total"),
    ):
        assert (made.name, set(made.args)) == ("total", {"a", "b"})
        assert made.description
        assert await made.ainvoke({"a": 1, "b": "2"}, {"tags": ["t"]}) == 3
        assert seen.pop() == ["t"]


@pytest.mark.anyio
async def test_keys_one_level_down_are_brought_up() -> None:
    class Rooted(RunnableLambda[Pair, int]):
        def get_input_schema(self, config: RunnableConfig | None = None) -> Any:
            return RootModel[Pair]

        def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
            return {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}

    made = convert_runnable_to_tool(Rooted(total))
    assert set(made.args) == {"a", "b"}
    assert await made.ainvoke({"a": 1, "b": 2}) == 3


@pytest.mark.anyio
async def test_runnables_that_take_a_text_are_tools_of_one_text() -> None:
    def shout(text: str, config: RunnableConfig) -> str:
        return text.upper() + config["tags"][0]

    made = convert_runnable_to_tool(RunnableLambda(shout))
    assert (type(made), made.name, made.description) == (
        Tool,
        "shout",
        "Takes {'title': 'shout_input', 'type': 'string'}.",
    )
    assert await made.ainvoke("a", {"tags": ["t"]}) == "At"


@pytest.mark.anyio
async def test_types_may_be_said_for_the_runnable() -> None:
    made = convert_runnable_to_tool(RunnableLambda(lambda given: given), arg_types={"a": int}, name="t")
    assert await made.ainvoke({"a": "1"}) == {"a": 1}
    with pytest.raises(SchemaAnnotationError, match="pass arg_types"):
        convert_runnable_to_tool(RunnableLambda(lambda given: given).with_types(input_type=list[int]))
