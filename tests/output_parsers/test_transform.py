"""Parsers on streams: what is read when, what a stream costs, how it ends, and where users' code runs."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chatcore.errors import InvalidInputError, UnsupportedError
from chatcore.exceptions import OutputParserException
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.output_parsers import (
    BaseCumulativeTransformOutputParser,
    BaseOutputParser,
    BaseTransformOutputParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    MarkdownListOutputParser,
    StrOutputParser,
)
from chatcore.runnables import Runnable, RunnableGenerator, RunnableLambda

pytestmark = pytest.mark.anyio


def source(*chunks: Any, log: list[Any] | None = None) -> Runnable[Any, Any]:
    async def chunks_of(_: Any) -> AsyncIterator[Any]:
        try:
            for chunk in chunks:
                if log is not None:
                    log.append(chunk)
                yield chunk
        finally:
            if log is not None:
                log.append("closed")

    return RunnableGenerator(chunks_of)


async def test_each_chunk_is_read_when_it_is_asked_for() -> None:
    log: list[Any] = []
    async with (source("a", "b", "c", log=log) | StrOutputParser()).astream(None) as stream:
        assert await anext(stream) == "a"
        assert log == ["a"]
        assert await anext(stream) == "b"
    assert log == ["a", "b", "closed"]


async def test_result_of_a_stream_is_that_of_the_plain_call() -> None:
    for parser, given in (
        (StrOutputParser(), ["a", "b"]),
        (JsonOutputParser(), ['{"a": ', "[1]}"]),
        (MarkdownListOutputParser(), ["- a\n-", " b"]),
        (MarkdownListOutputParser(), ["nothing"]),
    ):
        chain = source(*given) | parser
        async with chain.astream(None) as stream:
            assert await stream.result() == await chain.ainvoke(None)
        async with chain.astream(None) as stream:
            seen = [chunk async for chunk in stream]
            assert await stream.result() == await chain.ainvoke(None)
        assert bool(seen) is (given != ["nothing"])


async def test_steps_after_a_parser_get_its_chunks_or_its_whole() -> None:
    async def counted(chunks: AsyncIterator[Any]) -> AsyncIterator[int]:
        async for chunk in chunks:
            yield len(chunk)

    chain = source('{"a": 1', ', "b": 2}') | JsonOutputParser()
    assert [size async for size in (chain | counted).astream(None)] == [1, 2]
    assert await (chain | RunnableLambda(len)).ainvoke(None) == 2
    assert [size async for size in (chain | RunnableLambda(len)).astream(None)] == [2]


async def test_a_parser_that_may_be_tried_again_gets_the_whole() -> None:
    chain = source('{"a": 1', ', "b": 2}') | JsonOutputParser().with_retry()
    assert [chunk async for chunk in chain.astream(None)] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("cut", ['{"a": 1, "b": ', '{"a": [1, 2', '```json\n{"a": 1'])
async def test_json_that_was_cut_off_ends_the_stream_with_an_error(cut: str) -> None:
    chain = source(*cut) | JsonOutputParser()
    seen: list[Any] = []
    with pytest.raises(OutputParserException, match="Invalid json output") as raised:
        async for chunk in chain.astream(None):
            seen.append(chunk)  # noqa: PERF401 - what came before the error is wanted
    assert seen[-1]["a"]
    assert raised.value.llm_output == cut
    with pytest.raises(OutputParserException):
        await chain.ainvoke(None)


async def test_no_json_at_all_is_an_error_and_no_empty_stream() -> None:
    with pytest.raises(OutputParserException):
        [chunk async for chunk in (source("Sorry, ", "no.") | JsonOutputParser()).astream(None)]


async def test_a_value_that_is_no_object_comes_at_the_end() -> None:
    assert [chunk async for chunk in (source("4", "2") | JsonOutputParser()).astream(None)] == [42]


async def test_a_tool_call_that_was_cut_off_is_told() -> None:
    def part(args: str) -> AIMessageChunk:
        return AIMessageChunk(
            content="", tool_call_chunks=[{"name": "f" if args == "{" else None, "args": args, "id": "c", "index": 0}]
        )

    seen: list[Any] = []
    with pytest.raises(OutputParserException, match="not valid JSON"):
        async for chunk in (source(part("{"), part('"a": 1')) | JsonOutputToolsParser()).astream(None):
            seen.append(chunk)  # noqa: PERF401 - as above
    assert seen == [[{"type": "f", "args": {}}], [{"type": "f", "args": {"a": 1}}]]


@pytest.mark.parametrize("given", [7, None, {"a": 1}, ["a"]], ids=str)
@pytest.mark.parametrize("parser", [StrOutputParser(), JsonOutputParser(), MarkdownListOutputParser()])
async def test_what_is_neither_message_nor_text_is_refused(given: Any, parser: BaseOutputParser[Any]) -> None:
    with pytest.raises(InvalidInputError, match=f"not {type(given).__name__}"):
        await parser.ainvoke(given)
    with pytest.raises(InvalidInputError, match=f"not {type(given).__name__}"):
        [chunk async for chunk in parser.astream(given)]


@pytest.mark.parametrize(
    "given",
    [AIMessage('{"a": 1}'), HumanMessage('{"a": 1}'), AIMessageChunk(content='{"a": 1}'), '{"a": 1}'],
    ids=lambda given: type(given).__name__,
)
async def test_one_message_is_a_stream_of_one(given: Any) -> None:
    assert [chunk async for chunk in JsonOutputParser().astream(given)] == [{"a": 1}]


async def test_partial_objects_are_values_of_their_own() -> None:
    async with (source('{"a": [{"b": 1}', ', {"b": 2}', "]}") | JsonOutputParser()).astream(None) as stream:
        first = await anext(stream)
        first["a"][0].clear()
        assert await anext(stream) == {"a": [{"b": 1}, {"b": 2}]}


class Where(BaseTransformOutputParser[int]):
    def parse(self, text: str) -> int:
        return threading.get_ident()


class WhereCumulative(BaseCumulativeTransformOutputParser[int]):
    def parse(self, text: str) -> int:
        return threading.get_ident()


class WhereGenerated(Where):
    def _transform(self, input: Any) -> Any:
        for _ in input:
            yield threading.get_ident()


class WhereAsync(WhereGenerated):
    async def _atransform(self, input: Any) -> Any:
        async for _ in input:
            yield threading.get_ident()


@pytest.mark.parametrize(
    ("parser", "is_here"),
    [(Where(), False), (WhereCumulative(), False), (WhereGenerated(), False), (WhereAsync(), True)],
    ids=lambda given: type(given).__name__,
)
async def test_sync_code_of_users_runs_in_threads(parser: Any, is_here: bool) -> None:
    ran = [one async for one in (source("a", "b") | parser).astream(None)]
    assert ran
    assert [thread == threading.get_ident() for thread in ran] == [is_here] * len(ran)
    # The whole is parsed by `parse`, which may block.
    assert await parser.ainvoke("a") != threading.get_ident()


async def test_own_code_of_a_subclass_of_ours_runs_in_a_thread_too() -> None:
    class Loud(StrOutputParser):
        def parse(self, text: str) -> str:
            return f"{threading.get_ident()}"

    assert await Loud().ainvoke("a") != f"{threading.get_ident()}"


async def test_difference_that_nobody_can_tell() -> None:
    parser = WhereCumulative(diff=True)
    with pytest.raises(UnsupportedError, match="diff=True"):
        [chunk async for chunk in (source("a") | parser).astream(None)]


async def test_error_of_a_parser_in_the_middle_closes_what_it_reads() -> None:
    class Picky(BaseTransformOutputParser[str]):
        def parse(self, text: str) -> str:
            if text == "b":
                msg = "no b"
                raise OutputParserException(msg)
            return text

    log: list[Any] = []
    with pytest.raises(OutputParserException, match="no b"):
        [chunk async for chunk in (source("a", "b", "c", log=log) | Picky()).astream(None)]
    assert log == ["a", "b", "closed"]


async def test_text_and_lists_cost_the_same_however_much_has_come() -> None:
    async def seconds(make: Callable[[], Runnable[Any, Any]], count: int) -> float:
        best = float("inf")
        for _ in range(3):
            chain = source(*(["word, "] * count)) | make()
            begun = time.process_time()
            async for _ in chain.astream(None):
                pass
            best = min(best, time.process_time() - begun)
        return best

    for make in (StrOutputParser, MarkdownListOutputParser):
        # Sixteen times as much would cost 256 times as much if each chunk looked at all before it.
        assert await seconds(make, 8000) < 64 * await seconds(make, 500)
