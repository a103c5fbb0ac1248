"""Structured output: objects of any schema, growing while they come, never a silent None."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, PrivateAttr, ValidationError
from typing_extensions import TypedDict

from chatcore import AIMessage, AIMessageChunk, BaseChatModel, ChatOpenAI
from chatcore.caches import InMemoryCache
from chatcore.errors import ChatCoreError, ConfigurationError, UnsupportedError
from chatcore.exceptions import OutputParserException
from chatcore.messages import ToolMessage
from chatcore.structured_output import StructuredOutputError

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


class PersonDict(TypedDict):
    """Somebody."""

    name: str
    age: int


@dataclass
class PersonData:
    """Somebody."""

    name: str
    age: int


SCHEMA = {
    "title": "Person",
    "description": "Somebody.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}

WHOLE = '{"name": "Ann", "age": 34}'


class Scripted(BaseChatModel):
    """Says its answers one after the other, letter by letter: in JSON mode as text, given tools as a call."""

    answers: list[Any]
    methods: tuple[Any, ...] = ("json_schema", "function_calling", "json_mode")
    _takes_tools = True
    _asked: list[tuple[list[Any], dict[str, Any]]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _structured_methods(self) -> tuple[Any, ...]:
        return self.methods

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        self._asked.append((messages, kwargs))
        answer = self.answers.pop(0)
        if isinstance(answer, AIMessageChunk):
            yield answer
        elif "tools" in kwargs and "response_format" not in kwargs:
            name = kwargs["tools"][0]["function"]["name"]
            for index, letter in enumerate(answer):
                first = {"name": name, "id": "call_1"} if index == 0 else {"name": None, "id": None}
                yield AIMessageChunk(content="", tool_call_chunks=[{**first, "args": letter, "index": 0}])
        else:
            for letter in answer:
                yield AIMessageChunk(content=letter)


METHODS = ["json_schema", "function_calling", "json_mode"]
KINDS = [
    pytest.param(Person, Person(name="Ann", age=34), id="pydantic"),
    pytest.param(PersonDict, {"name": "Ann", "age": 34}, id="typed_dict"),
    pytest.param(PersonData, PersonData("Ann", 34), id="dataclass"),
    pytest.param(SCHEMA, {"name": "Ann", "age": 34}, id="json_schema"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("schema", "expected"), KINDS)
async def test_whole(schema: Any, expected: Any, method: Any) -> None:
    assert await Scripted(answers=[WHOLE]).with_structured_output(schema, method=method).ainvoke("hi") == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("schema", "expected"), KINDS)
async def test_streamed_objects_grow(schema: Any, expected: Any, method: Any) -> None:
    stream = Scripted(answers=[WHOLE]).with_structured_output(schema, method=method).astream("hi")
    objects = [part async for part in stream]
    assert objects[-1] == expected == await stream.result()
    names = [part.get("name") if isinstance(part, dict) else getattr(part, "name", None) for part in objects]
    assert [name for name in dict.fromkeys(names) if name] == ["A", "An", "Ann"]


def test_for_sync_code() -> None:
    assert Scripted(answers=[WHOLE]).with_structured_output(Person).invoke("hi") == Person(name="Ann", age=34)


WRONG = [
    pytest.param('{"name": "Ann"}', "json_schema", "age: Field required", id="missing"),
    pytest.param("Ann is 34.", "json_mode", "it is not JSON", id="prose"),
    pytest.param('{"name": "Ann", "a', "json_mode", "it is not JSON", id="cut off"),
    pytest.param('{"name": "Ann"}', "function_calling", "age: Field required", id="call"),
    pytest.param('{"name": "Ann", "a', "function_calling", "are not valid JSON", id="call cut off"),
    pytest.param(AIMessageChunk(content="34"), "function_calling", "tool Person was not called", id="no call"),
    pytest.param(
        AIMessageChunk(content="", additional_kwargs={"refusal": "I may not."}),
        "json_schema",
        "refuses: I may not.",
        id="refusal",
    ),
    pytest.param(
        AIMessageChunk(content=[{"type": "refusal", "refusal": "I may not."}]),
        "json_schema",
        "refuses: I may not.",
        id="refusal as a block",
    ),
    pytest.param(
        AIMessageChunk(content='{"name"', response_metadata={"finish_reason": "max_output_tokens"}),
        "json_schema",
        "give it more `max_tokens`",
        id="cut off, as Responses say it",
    ),
]


@pytest.mark.parametrize(("answer", "method", "problem"), WRONG)
async def test_what_is_wrong_is_told_with_the_message(answer: Any, method: Any, problem: str) -> None:
    runnable = Scripted(answers=[answer] * 2).with_structured_output(Person, method=method)
    with pytest.raises(StructuredOutputError, match="The answer is no Person") as told:
        await runnable.ainvoke("hi")
    assert problem in str(told.value)
    assert isinstance(told.value.raw, AIMessage)
    assert isinstance(told.value, OutputParserException | ChatCoreError)
    with pytest.raises(StructuredOutputError, match="The answer is no Person"):
        await runnable.astream("hi").result()


async def test_pydantics_own_error_is_the_cause() -> None:
    with pytest.raises(StructuredOutputError) as told:
        await Scripted(answers=["{}"]).with_structured_output(Person).ainvoke("hi")
    assert isinstance(told.value.__cause__, ValidationError)
    assert len(told.value.problems) == 2


async def test_cut_off_says_what_to_do() -> None:
    answer = AIMessageChunk(content='{"na', response_metadata={"finish_reason": "length"})
    with pytest.raises(StructuredOutputError, match="give it more `max_tokens`"):
        await Scripted(answers=[answer]).with_structured_output(Person).ainvoke("hi")


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_retries_tell_the_model_what_was_wrong(method: Any, stream: bool) -> None:
    model = Scripted(answers=['{"name": "Ann"}', "{}", WHOLE])
    runnable = model.with_structured_output(Person, method=method, retries=2)
    result = await (runnable.astream("hi").result() if stream else runnable.ainvoke("hi"))
    assert result == Person(name="Ann", age=34)
    question, answer, told = model._asked[1][0]
    assert question.text == "hi"
    assert isinstance(answer, AIMessage)
    assert "age: Field required" in told.text
    assert len(model._asked[2][0]) == 5
    if method == "function_calling":
        # Each call is answered, as providers ask for.
        assert isinstance(told, ToolMessage)
        assert told.tool_call_id == answer.tool_calls[0]["id"]


async def test_retries_come_to_an_end() -> None:
    model = Scripted(answers=["{}"] * 5)
    with pytest.raises(StructuredOutputError):
        await model.with_structured_output(Person, retries=2).ainvoke("hi")
    assert len(model._asked) == 3


async def test_a_call_that_is_no_json_is_sent_back_as_json() -> None:
    model = Scripted(answers=['{"name": ', WHOLE])
    await model.with_structured_output(Person, method="function_calling", retries=1).ainvoke("hi")
    assert model._asked[1][0][1].tool_calls[0]["args"] == {"not_json": '{"name": '}


async def test_include_raw() -> None:
    runnable = Scripted(answers=[WHOLE, "{}"]).with_structured_output(Person, include_raw=True)
    good = await runnable.ainvoke("hi")
    assert (good["raw"].text, good["parsed"], good["parsing_error"]) == (WHOLE, Person(name="Ann", age=34), None)
    bad = await runnable.ainvoke("hi")
    assert (bad["raw"].text, bad["parsed"]) == ("{}", None)
    assert isinstance(bad["parsing_error"], StructuredOutputError)


@pytest.mark.parametrize("answer", [WHOLE, '{"name": "Ann"}'], ids=["valid", "invalid"])
async def test_include_raw_streamed(answer: str) -> None:
    stream = Scripted(answers=[answer]).with_structured_output(Person, include_raw=True).astream("hi")
    parts = [part async for part in stream]
    assert "".join(part["raw"].text for part in parts if "raw" in part) == answer
    assert (parts[-1]["parsing_error"] is None) == (answer == WHOLE)
    assert (await stream.result())["raw"].text == answer


async def test_the_parts_of_a_streamed_dict_add_up_to_the_last_attempt() -> None:
    model = Scripted(answers=['{"name": "An", "age": "x"}', WHOLE])
    total: Any = None
    async for part in model.with_structured_output(Person, include_raw=True, retries=1).astream("hi"):
        total = part if total is None else total + part
    assert (total["raw"].text, total["parsed"], total["parsing_error"]) == (WHOLE, Person(name="Ann", age=34), None)


async def test_json_without_a_schema() -> None:
    model = Scripted(answers=[WHOLE])
    assert await model.with_structured_output(None, method="json_mode").ainvoke("hi") == {"name": "Ann", "age": 34}
    with pytest.raises(ConfigurationError, match="needs a schema"):
        model.with_structured_output(None)


async def test_an_answer_that_was_not_valid_is_not_asked_for_from_the_cache_again() -> None:
    model = Scripted(answers=["{}", WHOLE], cache=InMemoryCache())
    runnable = model.with_structured_output(Person).with_retry(wait_exponential_jitter=False)
    assert await runnable.ainvoke("hi") == Person(name="Ann", age=34)
    # And the good one is kept in its place.
    assert await runnable.ainvoke("hi") == Person(name="Ann", age=34)
    assert len(model._asked) == 2


async def test_tools_beside_the_schema() -> None:
    def look_up(name: str) -> str:
        """Look somebody up."""
        return name

    call = AIMessageChunk(
        content="", tool_call_chunks=[{"name": "look_up", "args": '{"name": "Ann"}', "id": "1", "index": 0}]
    )
    model = Scripted(answers=[call, call, WHOLE])
    asked = await model.with_structured_output(Person, tools=[look_up], include_raw=True).ainvoke("hi")
    assert (asked["parsed"], asked["raw"].tool_calls[0]["name"]) == (None, "look_up")
    runnable = model.with_structured_output(Person, tools=[look_up])
    with pytest.raises(StructuredOutputError, match="calls look_up first"):
        await runnable.ainvoke("hi")
    assert await runnable.ainvoke("hi") == Person(name="Ann", age=34)
    assert {"tools", "response_format"} <= model._asked[0][1].keys()


async def test_what_is_sent() -> None:
    model = Scripted(answers=[WHOLE] * 3)
    for method in METHODS:
        await model.with_structured_output(Person, method=method).ainvoke("hi")
    by_schema, by_call, by_json = (settings for _, settings in model._asked)
    form = by_schema["response_format"]
    assert form["type"] == "json_schema"
    assert {"name": "Person", "description": "Somebody.", "strict": True}.items() <= form["json_schema"].items()
    assert by_call["tools"][0]["function"]["name"] == "Person"
    assert (by_call["tool_choice"], by_call["parallel_tool_calls"]) == ("any", False)
    assert by_json == {"response_format": {"type": "json_object"}}


class Tagged(BaseModel):
    """Somebody, in words of anybody's choice."""

    name: str
    tags: dict[str, str] = {}


class Optional(BaseModel):
    """Somebody, perhaps."""

    name: str
    age: int = 3


@pytest.mark.parametrize("schema", [Tagged, Optional, SCHEMA], ids=["any keys", "default", "json schema"])
async def test_no_schema_is_made_strict_that_would_allow_less_then(schema: Any) -> None:
    model = Scripted(answers=[WHOLE])
    await model.with_structured_output(schema).ainvoke("hi")
    form = model._asked[0][1]["response_format"]["json_schema"]
    assert "strict" not in form
    assert form["schema"].get("additionalProperties") is not False


class WithOwnTools(BaseChatModel):
    """A model as written for the reference, which binds tools itself."""

    @property
    def _llm_type(self) -> str:
        return "own"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(tools=[tool.__name__ for tool in tools], tool_choice=tool_choice)

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        assert kwargs == {"tools": ["Person"], "tool_choice": "any"}
        yield AIMessageChunk(content="", tool_call_chunks=[{"name": "Person", "args": WHOLE, "id": "1", "index": 0}])


@pytest.mark.parametrize("method", [None, *METHODS])
async def test_a_model_that_binds_tools_itself(method: Any) -> None:
    assert await WithOwnTools().with_structured_output(Person, method=method).ainvoke("hi") == Person(
        name="Ann", age=34
    )


class Plain(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "plain"


def test_wrong_arguments() -> None:
    with pytest.raises(UnsupportedError, match="not implemented for this model"):
        Plain().with_structured_output(Person)
    model = Scripted(answers=[])
    with pytest.raises(ConfigurationError, match="Unrecognized method argument"):
        model.with_structured_output(Person, method="magic")
    with pytest.raises(ConfigurationError, match="retries must be"):
        model.with_structured_output(Person, retries=-1)
    with pytest.raises(ConfigurationError):
        model.with_structured_output(3)


def test_openai_falls_back_to_a_tool_where_the_profile_says_so() -> None:
    able = ChatOpenAI(model="m", api_key="k")
    assert able._structured_methods()[0] == "json_schema"
    unable = ChatOpenAI(model="m", api_key="k", profile={"structured_output": False})
    assert unable._structured_methods()[0] == "function_calling"
