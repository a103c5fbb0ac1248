"""The same calls on the reference's parsers and on ours: the same results, chunk by chunk; ours on both loops."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, Field

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    name: str
    age: int = 0
    tags: list[str] = Field(default_factory=list)


class Add(BaseModel):
    a: int
    b: int


class Named(BaseModel):
    model_config = {"title": "search"}

    query: str


class Library:
    """One of the two, by the names that they share."""

    def __init__(self, name: str) -> None:
        self.name = name

    def module(self, path: str) -> ModuleType:
        return importlib.import_module(f"{self.name}.{path}")

    def parser(self, path: str, kwargs: dict[str, Any]) -> Any:
        module, _, name = path.rpartition(".")
        return getattr(self.module(f"output_parsers.{module}"), name)(**kwargs)

    def given(self, given: Any) -> Any:
        """Text, or a message of this library: `{"of": class, ...arguments}`."""
        if not isinstance(given, dict):
            return given
        arguments = {**given}
        return getattr(self.module("messages"), arguments.pop("of"))(**arguments)


OURS, THEIRS = Library("chatcore"), Library("langchain_core")


def ai(content: Any = "", **kwargs: Any) -> dict[str, Any]:
    return {"of": "AIMessage", "content": content, **kwargs}


def chunk(content: Any = "", **kwargs: Any) -> dict[str, Any]:
    return {"of": "AIMessageChunk", "content": content, **kwargs}


def call(name: str, args: dict[str, Any], call_id: str = "c1") -> dict[str, Any]:
    return {"name": name, "args": args, "id": call_id}


def raw(name: str, arguments: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def part(args: str, name: str | None = None, call_id: str | None = None, index: int = 0) -> dict[str, Any]:
    return chunk(tool_call_chunks=[{"name": name, "args": args, "id": call_id, "index": index}])


def outcome(do: Any) -> Any:
    try:
        return do()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other library must raise it too
        return kind_of(error)


def kind_of(error: BaseException) -> str:
    """Which exception of the reference's a user would have caught."""
    names = [cls.__name__ for cls in type(error).__mro__]
    return next(name for name in names if name in {"OutputParserException", "ValueError", "TypeError"})


CALLS = [ai(tool_calls=[call("add", {"a": 1, "b": 2}), call("search", {"query": "x"}, "c2")])]

WHOLE: list[tuple[str, dict[str, Any], Any]] = [
    ("string.StrOutputParser", {}, "hi"),
    ("string.StrOutputParser", {}, ai("hi")),
    ("string.StrOutputParser", {}, ai([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])),
    ("string.StrOutputParser", {}, {"of": "HumanMessage", "content": "hi"}),
    ("string.StrOutputParser", {}, ""),
    ("string.StrOutputParser", {}, 7),
    ("json.JsonOutputParser", {}, '{"a": 1}'),
    ("json.JsonOutputParser", {}, ai('[1, 2.5, null, true, "x"]')),
    ("json.JsonOutputParser", {}, '```json\n{"a": {"b": [1]}}\n```'),
    ("json.JsonOutputParser", {}, 'Here you are:\n```\n{"a": "```x```"}\n```\nAnything else?'),
    ("json.JsonOutputParser", {}, '{"a": 1} as you said'),
    ("json.JsonOutputParser", {}, '{"a": "line\nline\ttab"}'),
    ("json.JsonOutputParser", {}, '{"a": "\\u00e9\\ud83d\\ude00 \\"q\\""}'),
    ("json.JsonOutputParser", {}, "42"),
    ("json.JsonOutputParser", {}, '"text"'),
    ("json.JsonOutputParser", {}, "null"),
    ("json.JsonOutputParser", {}, "no JSON at all"),
    ("json.JsonOutputParser", {}, ""),
    ("json.JsonOutputParser", {}, "```json\nnothing\n```"),
    ("json.SimpleJsonOutputParser", {}, "{}"),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, '{"name": "Ann", "age": 3}'),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, ai('```json\n{"name": "Ann", "tags": ["x"]}\n```')),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, '{"age": 3}'),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, "[]"),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, "who?"),
    ("list.CommaSeparatedListOutputParser", {}, "a, b,c"),
    ("list.CommaSeparatedListOutputParser", {}, '"a, b", c\nd,, e'),
    ("list.CommaSeparatedListOutputParser", {}, 'say "hi", "it ""is"""'),
    ("list.CommaSeparatedListOutputParser", {}, ""),
    ("list.NumberedListOutputParser", {}, "Well:\n1. a\n2. b c\n\n10. d"),
    ("list.NumberedListOutputParser", {}, "none"),
    ("list.MarkdownListOutputParser", {}, ai("Well:\n- a\n* b c\n  - d\nno - item")),
    ("openai_tools.JsonOutputToolsParser", {}, CALLS[0]),
    ("openai_tools.JsonOutputToolsParser", {"return_id": True}, CALLS[0]),
    ("openai_tools.JsonOutputToolsParser", {"first_tool_only": True}, CALLS[0]),
    ("openai_tools.JsonOutputToolsParser", {}, ai("no call")),
    ("openai_tools.JsonOutputToolsParser", {}, "text"),
    ("openai_tools.JsonOutputToolsParser", {}, ai(additional_kwargs={"tool_calls": [raw("add", '{"a": 1}')]})),
    ("openai_tools.JsonOutputToolsParser", {}, ai(additional_kwargs={"tool_calls": [raw("add", '{"a": ')]})),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "add"}, CALLS[0]),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "search", "first_tool_only": True}, CALLS[0]),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "search", "return_id": True}, CALLS[0]),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "none"}, CALLS[0]),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "none", "first_tool_only": True}, CALLS[0]),
    ("openai_tools.PydanticToolsParser", {"tools": [Add, Named]}, ai(tool_calls=[call("Add", {"a": 1, "b": 2})])),
    (
        "openai_tools.PydanticToolsParser",
        {"tools": [Named], "first_tool_only": True},
        ai(tool_calls=[call("search", {"query": "x"})]),
    ),
    ("openai_tools.PydanticToolsParser", {"tools": [Add]}, ai(tool_calls=[call("Add", {"a": "x"})])),
    ("openai_tools.PydanticToolsParser", {"tools": [Add]}, ai(tool_calls=[call("Sub", {})])),
    ("openai_tools.PydanticToolsParser", {"tools": [Add]}, ai("no call")),
    ("openai_tools.PydanticToolsParser", {"tools": [Add], "first_tool_only": True}, ai("no call")),
    (
        "openai_functions.JsonOutputFunctionsParser",
        {},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1}'}}),
    ),
    (
        "openai_functions.JsonOutputFunctionsParser",
        {"args_only": False},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1}'}}),
    ),
    ("openai_functions.JsonOutputFunctionsParser", {}, ai("none")),
    (
        "openai_functions.JsonOutputFunctionsParser",
        {"strict": True},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": "x\ny"}'}}),
    ),
    (
        "openai_functions.JsonKeyOutputFunctionsParser",
        {"key_name": "a"},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1}'}}),
    ),
    (
        "openai_functions.PydanticOutputFunctionsParser",
        {"pydantic_schema": Add},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1, "b": 2}'}}),
    ),
    (
        "openai_functions.PydanticOutputFunctionsParser",
        {"pydantic_schema": {"Add": Add}},
        ai(additional_kwargs={"function_call": {"name": "Add", "arguments": '{"a": 1, "b": 2}'}}),
    ),
    (
        "openai_functions.PydanticAttrOutputFunctionsParser",
        {"pydantic_schema": Add, "attr_name": "b"},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1, "b": 2}'}}),
    ),
    (
        "openai_functions.OutputFunctionsParser",
        {},
        ai(additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}}),
    ),
]
"""Parser, arguments, what it is given."""


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


JOKE = '{"setup": "Why \\"so\\"?", "rows": [1, {"b": null}, "x\ny"], "ok": true, "n": -12, "end": {}}'
TOOL_PARTS = [
    chunk("thinking"),
    part("", "add", "c1"),
    *(part(text) for text in cut('{"a": 1, "b": [2, "three"]}', 4)),
    part("", "search", "c2", 1),
    *(part(text, index=1) for text in cut('{"query": "x"}', 5)),
]

STREAMED: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("string.StrOutputParser", {}, ["a", "b", "", "c"]),
    ("string.StrOutputParser", {}, [chunk("a"), chunk(""), chunk("b", response_metadata={"x": 1})]),
    ("string.StrOutputParser", {}, [ai("whole")]),
    ("json.JsonOutputParser", {}, cut(JOKE, 1)),
    ("json.JsonOutputParser", {}, cut(JOKE, 3)),
    ("json.JsonOutputParser", {}, cut(JOKE, 1000)),
    ("json.JsonOutputParser", {}, [chunk(text) for text in cut(JOKE, 7)]),
    ("json.JsonOutputParser", {}, cut(f"Here:\n\n```json\n{JOKE}\n```\nDone.", 4)),
    ("json.JsonOutputParser", {}, cut(json.dumps(list(range(12))), 2)),
    ("json.JsonOutputParser", {}, cut(json.dumps({"deep": [[[{"a": ["b"]}]]], "é": "😀"}, ensure_ascii=False), 3)),
    ("json.JsonOutputParser", {"diff": True}, cut(JOKE, 3)),
    ("json.JsonOutputParser", {"diff": True}, cut('{"a/b": {"~": [1, [2, 3], {"x": "long text"}]}}', 2)),
    (
        "pydantic.PydanticOutputParser",
        {"pydantic_object": Person},
        cut('{"age": 31, "name": "Ann", "tags": ["x", "y"]}', 3),
    ),
    ("list.CommaSeparatedListOutputParser", {}, cut("foo, bar,baz and more", 2)),
    ("list.CommaSeparatedListOutputParser", {}, cut('"foo, foo2",bar, "a ""b"""', 1)),
    ("list.NumberedListOutputParser", {}, cut("Well:\n1. apple pie\n2. b\n\n3. c", 2)),
    ("list.NumberedListOutputParser", {}, cut("Well:\n\n1. apple pie\n", 5)),
    ("list.MarkdownListOutputParser", {}, [chunk(text) for text in cut("Well:\n- apple\n  * b\n- c", 3)]),
    ("list.NumberedListOutputParser", {}, ["none ", "at all"]),
    ("openai_tools.JsonOutputToolsParser", {}, TOOL_PARTS),
    ("openai_tools.JsonOutputToolsParser", {"return_id": True}, TOOL_PARTS),
    ("openai_tools.JsonOutputToolsParser", {"first_tool_only": True}, TOOL_PARTS[1:]),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "search"}, TOOL_PARTS),
    ("openai_tools.JsonOutputKeyToolsParser", {"key_name": "add", "first_tool_only": True}, TOOL_PARTS),
    (
        "openai_tools.PydanticToolsParser",
        {"tools": [Add], "first_tool_only": True},
        [part("", "Add", "c1"), *(part(text) for text in cut('{"a": 1, "b": 23}', 3))],
    ),
    (
        "openai_functions.JsonOutputFunctionsParser",
        {},
        [
            chunk(additional_kwargs={"function_call": {"name": "f", "arguments": ""}}),
            *(
                chunk(additional_kwargs={"function_call": {"arguments": text}})
                for text in cut('{"a": "text", "b": [1]}', 3)
            ),
        ],
    ),
]
"""Parser, arguments, the chunks it is given."""


def numbered(cases: list[Any]) -> list[str]:
    return [f"{number:02}-{case[0].rpartition('.')[2]}" for number, case in enumerate(cases)]


@pytest.mark.parametrize("case", WHOLE, ids=numbered(WHOLE))
async def test_whole_answer(case: tuple[str, dict[str, Any], Any]) -> None:
    path, kwargs, given = case
    expected = outcome(lambda: THEIRS.parser(path, kwargs).invoke(THEIRS.given(given)))
    parser = OURS.parser(path, kwargs)
    try:
        found = await parser.ainvoke(OURS.given(given))
    except Exception as error:  # noqa: BLE001 - as above
        found = kind_of(error)
    assert found == expected
    assert outcome(lambda: parser.invoke(OURS.given(given))) == expected


@pytest.mark.parametrize("case", STREAMED, ids=numbered(STREAMED))
async def test_streamed_answer(case: tuple[str, dict[str, Any], list[Any]]) -> None:
    path, kwargs, given = case

    def their_source(_: Any) -> Iterator[Any]:
        yield from map(THEIRS.given, given)

    async def our_source(_: Any) -> AsyncIterator[Any]:
        for one in given:
            yield OURS.given(one)

    their_chain = THEIRS.module("runnables").RunnableGenerator(their_source) | THEIRS.parser(path, kwargs)
    expected = list(their_chain.stream(None))
    our_chain = OURS.module("runnables").RunnableGenerator(our_source) | OURS.parser(path, kwargs)
    async with our_chain.astream(None) as stream:
        assert [one async for one in stream] == expected
        whole = await stream.result()
    assert whole == await our_chain.ainvoke(None) == their_chain.invoke(None)


@pytest.mark.parametrize(
    "path",
    [
        "list.CommaSeparatedListOutputParser",
        "list.NumberedListOutputParser",
        "list.MarkdownListOutputParser",
        "json.JsonOutputParser",
    ],
)
def test_format_instructions_ask_for_the_same(path: str) -> None:
    assert OURS.parser(path, {}).get_format_instructions() == THEIRS.parser(path, {}).get_format_instructions()


@pytest.mark.parametrize("path", ["json.JsonOutputParser", "pydantic.PydanticOutputParser"])
def test_format_instructions_hold_the_same_schema(path: str) -> None:
    def schema_in(library: Library) -> Any:
        return json.loads(library.parser(path, {"pydantic_object": Person}).get_format_instructions().split("```")[-2])

    assert schema_in(OURS) == schema_in(THEIRS)


RAW = [
    raw("f", '{"a": 1}'),
    raw("f", None),
    raw("f", ""),
    raw("f", '{"a": "x\ny"}'),
    raw("f", '{"a": '),
    {"id": "c1", "type": "custom"},
    {"function": {"name": None, "arguments": "{}"}},
]


@pytest.mark.parametrize("one", RAW, ids=str)
@pytest.mark.parametrize("options", [{}, {"partial": True}, {"strict": True}, {"return_id": False}], ids=str)
def test_raw_tool_call(one: dict[str, Any], options: dict[str, bool]) -> None:
    def read(library: Library) -> Any:
        module = library.module("output_parsers.openai_tools")
        return outcome(lambda: module.parse_tool_call(one, **options)), outcome(
            lambda: module.parse_tool_calls([one, raw("g", "{}")], **options)
        )

    assert read(OURS) == read(THEIRS)


def test_invalid_tool_call() -> None:
    def made(library: Library) -> Any:
        return library.module("output_parsers.openai_tools").make_invalid_tool_call(raw("f", "{"), "cut off")

    assert made(OURS) == made(THEIRS)


SAID: list[tuple[str, dict[str, Any], str]] = [
    ("string.StrOutputParser", {}, "Why did the bears"),
    ("json.JsonOutputParser", {}, '{"a": [1, 22], "b": "two words"}'),
    ("json.JsonOutputParser", {"diff": True}, '{"a": [1, 22], "b": "two words"}'),
    ("pydantic.PydanticOutputParser", {"pydantic_object": Person}, '{"age": 3, "name": "Ann", "tags": ["x"]}'),
    ("list.CommaSeparatedListOutputParser", {}, "red, green or blue, yellow"),
    ("list.NumberedListOutputParser", {}, "So: 1. red 2. blue\n 3. yellow"),
]
"""Parser, arguments, what the model says, word by word."""


@pytest.mark.parametrize("case", SAID, ids=numbered(SAID))
async def test_events_of_a_prompt_a_model_and_a_parser(case: tuple[str, dict[str, Any], str]) -> None:
    path, kwargs, words = case

    def chain(library: Library) -> Any:
        prompt = library.module("prompts").ChatPromptTemplate([("human", "{question}")])
        answers = iter([library.given(ai(words))])
        model = library.module("language_models").GenericFakeChatModel(messages=answers)
        return prompt | model | library.parser(path, kwargs)

    async def events(library: Library) -> list[Any]:
        return [
            (event["event"], event["name"], len(event["parent_ids"]), told(event["data"]))
            async for event in chain(library).astream_events({"question": "?"}, version="v2")
        ]

    def told(data: dict[str, Any]) -> Any:
        value: Any = data.get("chunk", data.get("output"))
        return value.to_string() if hasattr(value, "to_string") else getattr(value, "content", value)

    assert await events(OURS) == theirs_on_asyncio(events(THEIRS))


def theirs_on_asyncio(work: Coroutine[Any, Any, Any]) -> Any:
    """What the reference does, which knows one loop: in a thread with that."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


# Parsers of users: the same source, with the imports renamed.

CUSTOM = """
from collections.abc import Iterator
from LIBRARY.exceptions import OutputParserException
from LIBRARY.messages import BaseMessage
from LIBRARY.output_parsers import BaseCumulativeTransformOutputParser, BaseGenerationOutputParser
from LIBRARY.output_parsers import BaseOutputParser, BaseTransformOutputParser
from LIBRARY.outputs import ChatGeneration, Generation


class YesOrNo(BaseOutputParser[bool]):
    yes: str = "YES"

    def parse(self, text: str) -> bool:
        if text.upper() not in (self.yes, "NO"):
            raise OutputParserException(f"neither: {text}", llm_output=text)
        return text.upper() == self.yes

    @property
    def _type(self) -> str:
        return "yes_or_no"


class Swapped(BaseTransformOutputParser[str]):
    def parse(self, text: str) -> str:
        return text.swapcase()


class Pairs(BaseTransformOutputParser[str]):
    def parse(self, text: str) -> str:
        return text

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[str]:
        held = ""
        for chunk in input:
            held += chunk if isinstance(chunk, str) else chunk.content
            while len(held) >= 2:
                yield held[:2]
                held = held[2:]
        if held:
            yield held


class AsyncPairs(Pairs):
    async def _atransform(self, input):
        async for chunk in input:
            yield f"<{chunk if isinstance(chunk, str) else chunk.content}>"


class Words(BaseCumulativeTransformOutputParser[list[str]]):
    def parse(self, text: str) -> list[str]:
        return text.split()

    def _diff(self, prev, next):
        return next[len(prev or []):]


class Kind(BaseGenerationOutputParser[str]):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> str:
        one = result[0]
        return one.message.type if isinstance(one, ChatGeneration) else one.type
"""


def custom(library: Library) -> dict[str, Any]:
    users = ModuleType(f"users_of_{library.name}")
    # Pydantic looks for a class's module there.
    sys.modules[users.__name__] = users
    exec(compile(CUSTOM.replace("LIBRARY", library.name), "users.py", "exec"), vars(users))  # noqa: S102 - the text above
    return vars(users)


CUSTOM_CALLS: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("YesOrNo", {}, ["yes"]),
    ("YesOrNo", {"yes": "JA"}, ["ja"]),
    ("YesOrNo", {}, ["perhaps"]),
    ("Swapped", {}, ["aB", "c"]),
    ("Swapped", {}, [chunk("aB"), chunk("c")]),
    ("Pairs", {}, ["abc", "de"]),
    ("Words", {}, ["one t", "wo", " ", "three"]),
    ("Words", {"diff": True}, ["one t", "wo", " ", "three"]),
    ("Words", {}, [chunk("one t"), chunk("wo")]),
    ("Kind", {}, [ai("x")]),
    ("Kind", {}, ["x"]),
]


@pytest.mark.parametrize("case", CUSTOM_CALLS, ids=numbered(CUSTOM_CALLS))
async def test_parser_of_a_user(case: tuple[str, dict[str, Any], list[Any]]) -> None:
    name, kwargs, given = case

    def their_source(_: Any) -> Iterator[Any]:
        yield from map(THEIRS.given, given)

    async def our_source(_: Any) -> AsyncIterator[Any]:
        for one in given:
            yield OURS.given(one)

    theirs, ours = custom(THEIRS)[name](**kwargs), custom(OURS)[name](**kwargs)
    their_chain = THEIRS.module("runnables").RunnableGenerator(their_source) | theirs
    our_chain = OURS.module("runnables").RunnableGenerator(our_source) | ours
    streamed: Any = []
    try:
        async for one in our_chain.astream(None):
            streamed.append(one)
    except Exception as error:  # noqa: BLE001 - as above
        streamed = kind_of(error)
    assert streamed == outcome(lambda: list(their_chain.stream(None)))
    assert outcome(lambda: our_chain.invoke(None)) == outcome(lambda: their_chain.invoke(None))
    assert ours.model_dump() == theirs.model_dump()
    if name != "Kind":
        # Of this base the reference tells its type variable.
        assert ours.OutputType == theirs.OutputType
        assert ours.asdict(exclude_none=True) == theirs.asdict(exclude_none=True)


async def test_async_hook_of_a_user() -> None:
    async def given() -> AsyncIterator[str]:
        yield "ab"
        yield "c"

    async def source(_: Any) -> AsyncIterator[str]:
        async for one in given():
            yield one

    chain = OURS.module("runnables").RunnableGenerator(source) | custom(OURS)["AsyncPairs"]()
    assert [one async for one in chain.astream(None)] == ["<ab>", "<c>"]
