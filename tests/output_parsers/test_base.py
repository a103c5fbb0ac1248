"""What every parser is: its types, its dict, its parts that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import UnsupportedError
from chatcore.output_parsers import BaseGenerationOutputParser, BaseOutputParser, CommaSeparatedListOutputParser
from chatcore.outputs import Generation
from chatcore.prompt_values import StringPromptValue
from chatcore.runnables import RunnableLambda

pytestmark = pytest.mark.anyio


class Length(BaseOutputParser[int]):
    unit: str = "letters"

    def parse(self, text: str) -> int:
        return len(text)


class Bare(BaseOutputParser):  # type: ignore[type-arg]
    def parse(self, text: str) -> Any:
        return text


class First(BaseGenerationOutputParser[str]):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> str:
        return result[0].text[:1]


async def test_verbs() -> None:
    parser = Length()
    assert await parser.ainvoke("abc") == parser.invoke("abc") == await parser.aparse("abc") == 3
    assert await parser.abatch(["a", "bc"]) == [1, 2]
    assert [one async for one in parser.astream("abc")] == [3]
    as_text: RunnableLambda[int, str] = RunnableLambda(str)
    assert await (as_text | First()).ainvoke(42) == "4"
    assert parser.parse_with_prompt("ab", StringPromptValue(text="how long?")) == 2


def test_types() -> None:
    assert Length().OutputType is int
    assert First().OutputType is str
    with pytest.raises(TypeError, match="OutputType"):
        Bare().OutputType  # noqa: B018 - reading it is the test


def test_what_a_parser_does_not_say() -> None:
    with pytest.raises(UnsupportedError, match="get_format_instructions"):
        Length().get_format_instructions()
    assert Length().asdict(exclude_none=True) == {"unit": "letters"}
    assert CommaSeparatedListOutputParser().asdict()["_type"] == "comma-separated-list"


def test_decorating_keeps_the_class_and_its_methods() -> None:
    decorated = Length(unit="signs").with_retry().bind().with_config(tags=["a"])
    assert isinstance(decorated, Length)
    assert decorated.unit == "signs"
    assert decorated.invoke("abc") == 3
