"""Lists: however an answer is cut into chunks, its items are those of the whole, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatcore.output_parsers.list import (
    CommaSeparatedListOutputParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
    droplastn,
)
from chatcore.runnables import RunnableGenerator

PIECES = ["a", "b c", ",", ", ", "\n", '"', '""', " ", "1. ", "- ", "* ", "2."]


@pytest.mark.parametrize(
    "parser",
    [CommaSeparatedListOutputParser(), NumberedListOutputParser(), MarkdownListOutputParser()],
    ids=lambda parser: type(parser).__name__,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(chunks=st.lists(st.sampled_from(PIECES), max_size=16))
def test_items_do_not_depend_on_the_cuts(parser: ListOutputParser, chunks: list[str]) -> None:
    text = "".join(chunks)
    assert [item for (item,) in parser._transform(iter(chunks))] == parser.parse(text)
    assert [item for (item,) in parser._transform(iter(text))] == parser.parse(text)


def test_an_item_comes_as_soon_as_it_is_complete() -> None:
    def told(parser: ListOutputParser, *chunks: str) -> list[tuple[int, str]]:
        read = 0

        def reading() -> Iterator[str]:
            nonlocal read
            for chunk in chunks:
                read += 1
                yield chunk

        return [(read, item) for (item,) in parser._transform(reading())]

    assert told(CommaSeparatedListOutputParser(), "a", ", b", ",c", "d") == [(2, "a"), (3, "b"), (4, "cd")]
    assert told(NumberedListOutputParser(), "1. a", "\n", "2. b\n", "3. c") == [(3, "a"), (4, "b"), (4, "c")]


def test_a_list_of_a_users_own_kind() -> None:
    class Bars(ListOutputParser):
        def parse(self, text: str) -> list[str]:
            return text.split("|")

    chain: Any = RunnableGenerator(lambda_of("a|b", "c|", "d")) | Bars()
    assert list(chain.stream(None)) == [["a"], ["bc"], ["d"]]


def lambda_of(*chunks: str) -> Any:
    def generate(_: Any) -> Iterator[str]:
        yield from chunks

    return generate


def test_all_but_the_last() -> None:
    assert list(droplastn(iter(range(5)), 2)) == [0, 1, 2]
    assert list(droplastn(iter(range(2)), 3)) == []
