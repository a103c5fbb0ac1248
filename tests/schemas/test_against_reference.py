"""The same things described by both libraries, compared word for word."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import enum
import importlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
import typing_extensions
from langchain_core import tools as reference_tools
from langchain_core.utils import function_calling as reference
from langchain_core.utils import json_schema as reference_json_schema
from pydantic import BaseModel, Field, create_model

from chatcore.schemas import dereference_refs
from chatcore.utils import function_calling as ours

# `from __future__ import annotations` makes every annotation below a string: both must resolve them.


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Place(BaseModel):
    """Somewhere."""

    city: str = Field(description="The city.")
    country: str = "DE"


class Trip(BaseModel):
    """A trip."""

    title: str
    start: dt.date
    where: Place = Field(description="Where to.")
    stops: list[Place] = []
    by: Literal["train", "plane"] = "train"
    colour: Colour = Colour.RED
    note: str | None = None
    extra: dict[str, Any] = {}
    prices: dict[str, float] = {}
    pair: tuple[int, str] = (1, "a")


class Node(BaseModel):
    """A tree."""

    value: int
    children: list[Node] = []


class Bounded(BaseModel):
    age: int = Field(ge=0, le=150)
    name: str = Field(alias="fullName", min_length=1, max_length=20, pattern="^[a-z]+$")
    many: list[int] = Field(min_length=1, description="Some.", examples=[[1]])


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Pets(BaseModel):
    pet: Cat | Dog
    other: Cat | None = None


class Empty(BaseModel):
    """Nothing."""


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    inside: T


class Inner(typing_extensions.TypedDict):
    """Inside."""

    args: Annotated[dict[str, Any], {}, "what it says"]


class Outer(typing_extensions.TypedDict):
    """Outside.

    Args:
        first: the first
    """

    first: str
    second: int | str | bool
    third: list[Inner] | None
    fourth: Annotated[Literal["bar", "baz"], ..., "one of two"]
    fifth: Annotated[float | None, None]
    sixth: Annotated[Sequence[Mapping[str, tuple[Iterable[Any], Inner]]] | None, []]
    seventh: Annotated[dict[str, Inner], ...]
    eighth: Annotated[bool, False, "flag"]
    ninth: set[int]
    tenth: Inner


class Kinds(typing_extensions.TypedDict):
    """Many kinds."""

    when: dt.datetime
    day: dt.date
    key: uuid.UUID
    price: Decimal
    raw: bytes
    one: Literal["only"]
    anything: Any
    things: list
    mapping: dict
    numbers: tuple[int, ...]
    flags: frozenset[bool]
    maybe: int | str | None


@dataclasses.dataclass
class Point:
    """A point.

    Args:
        x: across
    """

    x: int
    y: Annotated[int, "down"] = 0
    label: str | None = None


def documented(name: str, count: int = 3, *, loud: bool = False) -> str:
    """Greet somebody.

    In two paragraphs.

    Args:
        name (str): whom
            to greet: by name
        count: how often
        loud: whether to shout

    Returns:
        A greeting.
    """


def annotated(name: Annotated[str, "whom"], count: Annotated[int, Field(ge=1, description="how often")] = 1) -> str:
    """Greet."""


def by_field(name: str = Field("Ada", description="whom", max_length=9), count: int = Field(..., ge=2)) -> str:
    """Greet."""


def both(name: Annotated[str, "by annotation"], count: Annotated[int, "kept"]) -> str:
    """Greet.

    Args:
        name: by docstring
    """


def kinds(  # noqa: PLR0917 - one of each
    a: int, b: float, c: bool, d: list[str], e: dict[str, int], f: Any, g: Colour, h: Literal[1, 2], i: Place,
    j: list[Place], k: str | None, ll: tuple[int, ...], m: set[int], n: bytes, o: dt.datetime, p: Sequence[int],
    q: Place | None = None, r: list | None = None, s: int | str = 5,
):  # fmt: skip
    """Take everything."""


async def sleepy(seconds: float = 1.5) -> None:
    """Wait."""


def bare(a, b=2):
    pass


def nothing() -> None:
    """Do nothing."""


def starred(a: int, *rest: int, **named: str) -> None:
    """Take any number."""


def served(a: int, callbacks: Any = None, run_manager: Any = None) -> None:
    """Be served."""


def titled(title: str, properties: dict[str, str], type: int) -> None:  # noqa: A002 - that is the point
    """Be called what schemas call things."""


def prose(a: int) -> None:
    """Do.
    Over
    lines.

    Example:
        do(1)

    Note: after the example.
    """


class Service:
    def method(self, query: str) -> None:
        """Look up.

        Args:
            query: what
        """

    @classmethod
    def of(cls, query: str) -> None:
        """Look up."""

    @staticmethod
    def alone(query: str) -> None:
        """Look up."""


SCHEMA = {
    "title": "look_up",
    "description": "Look up.",
    "type": "object",
    "properties": {
        "query": {"type": "string", "title": "Query"},
        "options": {"type": "object", "properties": {"deep": {"type": "boolean", "default": False}}},
        "where": {"anyOf": [{"type": "object", "properties": {"city": {"type": "string"}}}, {"type": "null"}]},
        "each": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    },
    "required": ["query"],
}
PARAMETERS = {key: SCHEMA[key] for key in ("type", "properties", "required")}
WITH_DEFS = {
    "title": "family",
    "type": "object",
    "properties": {"who": {"$ref": "#/$defs/Person"}, "all": {"type": "array", "items": {"$ref": "#/$defs/Person"}}},
    "$defs": {"Person": {"type": "object", "properties": {"name": {"type": "string"}}}},
}

THINGS: dict[str, Any] = {
    **{model.__name__: model for model in (Place, Trip, Node, Bounded, Pets, Empty)},
    "generic model": Box[int],
    **{typed_dict.__name__: typed_dict for typed_dict in (Inner, Outer, Kinds)},
    "dataclass": Point,
    **{
        function.__name__: function
        for function in (
            documented, annotated, by_field, both, kinds, sleepy, bare, nothing, starred, served, titled, prose,
        )
    },
    "unbound method": Service.method,
    "bound method": Service().method,
    "class method": Service.of,
    "static method": Service.alone,
    "lambda": lambda a: a,
    "JSON schema": SCHEMA,
    "JSON schema with $defs": WITH_DEFS,
    "JSON schema, a title only": {"title": "ping"},
    "JSON schema, described only": {"title": "ping", "description": "Ping."},
    "OpenAI function": {"name": "look_up", "description": "Look up.", "parameters": PARAMETERS},
    "OpenAI function, a name only": {"name": "ping"},
    "OpenAI function with strict": {"name": "look_up", "parameters": PARAMETERS, "strict": True},
    "OpenAI function with more": {"name": "look_up", "parameters": PARAMETERS, "cache_control": {"type": "ephemeral"}},
    "Anthropic tool": {"name": "look_up", "description": "Look up.", "input_schema": PARAMETERS},
    "Anthropic tool, undescribed": {"name": "look_up", "input_schema": PARAMETERS},
    "Bedrock tool": {"toolSpec": {"name": "look_up", "description": "Look up.", "inputSchema": {"json": PARAMETERS}}},
    "Bedrock tool, undescribed": {"toolSpec": {"name": "look_up", "inputSchema": {"json": PARAMETERS}}},
}  # fmt: skip
PROVIDER_TOOLS = [
    {"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}},
    {"type": "web_search"},
    {"type": "web_search_preview_2025_03_11", "search_context_size": "low"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "mcp", "server_label": "docs", "server_url": "https://example.com", "require_approval": "never"},
    {"type": "image_generation"},
    {"type": "computer", "environment": "browser"},
    {"type": "apply_patch"},
]
# What differs on purpose (docs/differences.md): the reference fails here, or sends what the provider refuses.
ONLY_LOOSE = {"JSON schema, a title only", "JSON schema, described only", "OpenAI function, a name only"}
NOT_STRICT = {"OpenAI function with strict"}


def outcome(convert: Callable[..., Any], thing: Any, **options: Any) -> Any:
    try:
        return convert(copy.deepcopy(thing) if isinstance(thing, dict) else thing, **options)
    except ValueError:
        return ValueError


@pytest.mark.parametrize("name", THINGS)
def test_function_is_described_alike(name: str) -> None:
    described = ours.convert_to_openai_function(THINGS[name])
    assert described == reference.convert_to_openai_function(THINGS[name])


@pytest.mark.parametrize("name", [name for name in THINGS if name not in ONLY_LOOSE])
def test_strict_function_is_described_alike(name: str) -> None:
    described = outcome(ours.convert_to_openai_function, THINGS[name], strict=True)
    assert described == outcome(reference.convert_to_openai_function, THINGS[name], strict=True)


@pytest.mark.parametrize("name", sorted(NOT_STRICT | {"documented", "Place"}))
def test_openly_loose_function_is_described_alike(name: str) -> None:
    described = outcome(ours.convert_to_openai_tool, THINGS[name], strict=False)
    assert described == outcome(reference.convert_to_openai_tool, THINGS[name], strict=False)


@pytest.mark.parametrize("name", THINGS)
def test_json_schema_is_alike(name: str) -> None:
    assert ours.convert_to_json_schema(THINGS[name]) == reference.convert_to_json_schema(THINGS[name])


@pytest.mark.parametrize("tool", PROVIDER_TOOLS, ids=lambda tool: tool["type"])
def test_provider_tool_is_passed_through_alike(tool: dict[str, Any]) -> None:
    assert ours.convert_to_openai_tool(tool) == reference.convert_to_openai_tool(tool)
    assert ours.convert_to_openai_tool(tool) is tool


@pytest.mark.parametrize(
    "thing",
    [None, 5, "text", [], {}, {"type": "object", "properties": {}}, {"properties": {}}, {"parameters": {}}],
    ids=repr,
)
def test_the_same_things_are_refused(thing: Any) -> None:
    assert outcome(reference.convert_to_openai_function, thing) is ValueError
    assert outcome(ours.convert_to_openai_function, thing) is ValueError


def structured(library: Any) -> list[Any]:
    def search(query: str, limit: int = 5) -> str:
        """Search.

        Args:
            query: what
            limit: how many
        """
        return query

    def remember(text, owner, key):
        """Remember."""

    # Markers of the one library or the other: written as strings, nobody could resolve them.
    remember.__annotations__ = {
        "text": str,
        "owner": Annotated[str, library.InjectedToolArg],
        "key": Annotated[str, library.InjectedToolCallId],
    }
    query = (str, Field(description="what"))
    owner = (Annotated[str, library.InjectedToolArg], ...)
    arguments = create_model("Arguments", __doc__="Of a search.", query=query, owner=owner)

    class Custom(library.BaseTool):
        name: str = "custom"
        description: str = "Custom."

        def _run(self, a: int, b: str = "x") -> str:
            return b

    return [
        library.tool(search),
        library.tool(search, parse_docstring=True),
        library.tool("renamed", description="Otherwise.")(search),
        library.StructuredTool.from_function(search),
        library.StructuredTool.from_function(search, args_schema=PARAMETERS, name="by_schema"),
        library.StructuredTool.from_function(search, args_schema=arguments, name="by_model"),
        library.Tool(name="simple", func=search, description="One text."),
        library.Tool(name="grammar", func=search, description="Free.", metadata={"type": "custom_tool", "format": {}}),
        library.tool(remember),
        Custom(),
    ]


@pytest.mark.parametrize("strict", [None, True, False])
@pytest.mark.parametrize("number", range(10))
def test_tool_is_described_alike(number: int, strict: bool | None) -> None:
    # A tool of either library is read by chatcore.
    own_tools = importlib.import_module("chatcore.tools")
    theirs = structured(reference_tools)[number]
    expected = reference.convert_to_openai_tool(theirs, strict=strict)
    assert ours.convert_to_openai_tool(theirs, strict=strict) == expected
    assert ours.convert_to_openai_tool(structured(own_tools)[number], strict=strict) == expected


REFERRING: dict[str, dict[str, Any]] = {
    "none": {"type": "object", "properties": {"a": {"type": "string"}}},
    "one": WITH_DEFS,
    "beside others": {
        "a": {"$ref": "#/$defs/x", "description": "mine"},
        "$defs": {"x": {"description": "its", "b": 1}},
    },
    "chain": {"a": {"$ref": "#/$defs/x"}, "$defs": {"x": {"b": {"$ref": "#/$defs/y"}}, "y": {"c": 1}}},
    "circle": {"a": {"$ref": "#/$defs/x"}, "$defs": {"x": {"b": [{"$ref": "#/$defs/x", "title": "X"}]}}},
    "two circles": {
        "a": {"$ref": "#/$defs/x"},
        "$defs": {"x": {"y": {"$ref": "#/$defs/y"}}, "y": {"x": {"$ref": "#/$defs/x"}, "z": 1}},
    },
    "index of a list": {"a": {"$ref": "#/anyOf/1"}, "anyOf": [{"b": 1}, {"c": 1}]},
    "number": {"a": {"$ref": "#/$defs/400"}, "$defs": {400: {"b": 1}}},
    "definitions": {
        "a": {"$ref": "#/definitions/x"},
        "definitions": {"x": {"b": {"$ref": "#/definitions/y"}}, "y": {}},
    },
    "to a text": {"a": {"$ref": "#/b"}, "b": "text"},
}


@pytest.mark.parametrize("skip", [None, (), ("$defs", "definitions")], ids=["default", "nothing", "all definitions"])
@pytest.mark.parametrize("name", REFERRING)
def test_references_are_followed_alike(name: str, skip: tuple[str, ...] | None) -> None:
    before = copy.deepcopy(REFERRING[name])
    assert dereference_refs(REFERRING[name], skip_keys=skip) == reference_json_schema.dereference_refs(
        REFERRING[name], skip_keys=skip
    )
    assert REFERRING[name] == before


@pytest.mark.parametrize("error", [KeyError, ValueError])
def test_wrong_references_are_refused_alike(error: type[Exception]) -> None:
    schema = {"a": {"$ref": "#/$defs/x" if error is KeyError else "https://example.com/x"}}
    for dereference in (dereference_refs, reference_json_schema.dereference_refs):
        with pytest.raises(error):
            dereference(schema)
