"""The same calls on both libraries' tools: schemas, answers, messages and errors are compared.

Each case is a function of a library, and is called with both. What comes back is made comparable by `plain`.
"""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, Literal, Optional

import langchain_core.messages
import langchain_core.runnables
import langchain_core.tools
import pytest
from pydantic import AliasChoices, BaseModel, Field

import chatcore.messages
import chatcore.runnables
import chatcore.tools


@dataclass(frozen=True)
class Library:
    """One of the two."""

    tools: ModuleType
    messages: ModuleType
    runnables: ModuleType


OURS = Library(chatcore.tools, chatcore.messages, chatcore.runnables)
REFERENCE = Library(langchain_core.tools, langchain_core.messages, langchain_core.runnables)

Case = Callable[[Library], Any]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def plain(value: Any) -> Any:
    """What both libraries should give, without the classes that it is made of."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, type) and issubclass(value, BaseModel):
        return value.model_json_schema()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if hasattr(value, "tool_call_id"):
        facts = ("content", "tool_call_id", "name", "status", "artifact", "type")
        return {fact: plain(getattr(value, fact)) for fact in facts}
    return value


def outcome(given: Case, library: Library) -> Any:
    """What a case gives; if it raises, the builtin classes that the error can be caught by, as a set."""
    try:
        return plain(given(library))
    except Exception as error:  # noqa: BLE001 - errors are compared, too
        mro = type(error).__mro__
        return {cls.__name__ for cls in mro if cls.__module__ in ("builtins", "pydantic_core._pydantic_core")}


# ------------------------------------------------------------------------------------------------------------ functions


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    """A place."""

    city: str
    zip: int | None = None


def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


async def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def described(query: str, limit: int = 10) -> str:
    """Search the library.

    Every shelf of it.

    Args:
        query: what to look for,
            in any language.
        limit (int): how many to find.

    Returns:
        What was found.
    """
    return f"{query}:{limit}"


def annotated(
    topic: Annotated[str, "the topic"], depth: Annotated[int, Field(description="how deep", ge=1)] = 3
) -> str:
    """Research."""
    return f"{topic} {depth}"


def rich(colour: Colour, place: Place, kind: Literal["a", "b"] = "a", many: list[Place] | None = None) -> str:
    """Take what there is."""
    return f"{colour!r} {place!r} {kind} {many}"


def optional(bar: str, baz: Optional[int] = 3, buzz: Optional[str] = "buzz") -> dict[str, Any]:  # noqa: UP045 - a case of its own
    """The foo."""
    return {"bar": bar, "baz": baz, "buzz": buzz}


def nothing() -> str:
    """Take nothing."""
    return "nothing"


def open_ended(a: int, **kwargs: Any) -> str:
    """Take anything."""
    return f"{a} {kwargs}"


def silent(query: str) -> str:
    return query


def misdescribed(query: str) -> str:
    """Search.

    Args:
        banana: no such thing.
    """
    return query


def blocks(kind: str) -> list[dict[str, Any]]:
    """Give a block."""
    return [{"type": kind, "text": "t"}]


def pair(a: int) -> Any:
    """Give a pair."""
    return f"a={a}", {"a": a}


class SearchArgs(BaseModel):
    """What to search."""

    query: str = Field(..., description="what to look for")
    page: int = Field(default=1, ge=1)
    size: int = 10


class Aliased(BaseModel):
    """With an alias."""

    canonical: str = Field(validation_alias=AliasChoices("canonical", "other"))


JSON_SCHEMA: dict[str, Any] = {
    "title": "add",
    "description": "Add them.",
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


def call(name: str, args: Any, call_id: str | None = "c1") -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": call_id}


def typed(function: Callable[..., Any], **annotations: Any) -> Callable[..., Any]:
    """A function with annotations that are no strings: the markers are a library's own."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    wrapped.__annotations__ = annotations
    wrapped.__signature__ = _signature(function, annotations)
    return wrapped


def _signature(function: Callable[..., Any], annotations: dict[str, Any]) -> Any:
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            parameter.replace(annotation=annotations.get(name, parameter.annotation))
            for name, parameter in signature.parameters.items()
        ]
    )


# -------------------------------------------------------------------------------------------------------------- schemas

FUNCTIONS = (add, multiply, described, annotated, rich, optional, nothing)


def facts(tool: Any) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "args": tool.args,
        "single": tool.is_single_input,
        "schema": tool.args_schema,
        "call": tool.tool_call_schema,
        "input": tool.get_input_schema(),
        "direct": tool.return_direct,
        "format": tool.response_format,
    }


for one in FUNCTIONS:
    CASES[f"tool of {one.__name__}"] = functools.partial(lambda given, lib: facts(lib.tools.tool(given)), one)
    CASES[f"from_function of {one.__name__}"] = functools.partial(
        lambda given, lib: facts(lib.tools.StructuredTool.from_function(given, name="n", description=" said ")), one
    )
    CASES[f"schema of {one.__name__}"] = functools.partial(
        lambda given, lib: lib.tools.create_schema_from_function("Model", given), one
    )
for one in (described, nothing, misdescribed, add, silent):
    CASES[f"parsed docstring of {one.__name__}"] = functools.partial(
        lambda given, lib: facts(lib.tools.tool(given, parse_docstring=True)), one
    )
    CASES[f"lenient docstring of {one.__name__}"] = functools.partial(
        lambda given, lib: facts(lib.tools.tool(given, parse_docstring=True, error_on_invalid_docstring=False)), one
    )


@case
def no_docstring(lib: Library) -> Any:
    return lib.tools.tool(silent)


@case
def no_docstring_no_schema(lib: Library) -> Any:
    return lib.tools.tool(infer_schema=False)(silent)


@case
def docstring_of_the_schema(lib: Library) -> Any:
    return facts(lib.tools.tool(args_schema=SearchArgs)(silent))


@case
def description_over_all(lib: Library) -> Any:
    return facts(lib.tools.tool(description="This.", args_schema=SearchArgs)(described))


@case
def named(lib: Library) -> Any:
    return facts(lib.tools.tool("find", return_direct=True)(add))


@case
def without_schema(lib: Library) -> Any:
    tool = lib.tools.tool(infer_schema=False)(add)
    return tool.args, tool.args_schema, tool.is_single_input, type(tool).__name__


@case
def json_schema(lib: Library) -> Any:
    tool = lib.tools.StructuredTool(name="add", args_schema=JSON_SCHEMA, func=add)
    return tool.args, tool.tool_call_schema, tool.invoke({"a": 1, "b": 5})


@case
def json_schema_with_a_description(lib: Library) -> Any:
    return lib.tools.tool(args_schema=JSON_SCHEMA, description="Said.")(add).tool_call_schema


@case
def json_schema_and_a_text(lib: Library) -> Any:
    return lib.tools.tool(args_schema=JSON_SCHEMA)(add).invoke("1")


@case
def a_class(lib: Library) -> Any:
    tool = lib.tools.tool(Place)
    return tool.name, tool.description, tool.args, tool.invoke({"city": "Ulm"}).city


@case
def extras(lib: Library) -> Any:
    return lib.tools.tool(extras={"defer_loading": True})(add).extras


@case
def dumped(lib: Library) -> Any:
    return lib.tools.tool(add).model_dump(mode="json", include={"name", "args_schema", "return_direct"})


@case
def too_many_arguments(lib: Library) -> Any:
    return lib.tools.tool("a", add, "b")


@case
def runnable_without_a_name(lib: Library) -> Any:
    return lib.tools.tool(None, lib.runnables.RunnableLambda(add))


@case
def runnable_with_a_name_that_is_none(lib: Library) -> Any:
    return lib.tools.tool(add, lib.runnables.RunnableLambda(add))


@case
def a_number_as_a_tool(lib: Library) -> Any:
    return lib.tools.tool(3)


@case
def no_function(lib: Library) -> Any:
    return lib.tools.StructuredTool.from_function()


@case
def no_function_of_one_text(lib: Library) -> Any:
    return lib.tools.Tool.from_function(None, name="n", description="d")


@case
def a_list_as_args_schema(lib: Library) -> Any:
    return lib.tools.StructuredTool(name="n", description="d", args_schema=list[Place], func=add)


@case
def an_instance_as_args_schema(lib: Library) -> Any:
    return type("Wrong", (lib.tools.BaseTool,), {"__annotations__": {"args_schema": BaseModel}, "_run": add})


@case
def no_method(lib: Library) -> Any:
    return type("Empty", (lib.tools.BaseTool,), {})(name="n", description="d")


# -------------------------------------------------------------------------------------------------------------- answers

CALLS: dict[str, tuple[Callable[..., Any], Any]] = {
    "dict": (add, {"a": 1, "b": 5}),
    "default": (add, {"a": 1}),
    "lax number": (add, {"a": "1"}),
    "wrong number": (add, {"a": "one"}),
    "missing": (add, {}),
    "unknown argument": (add, {"a": 1, "c": 2}),
    "a text": (described, "foo"),
    "a text that is wrong": (add, "one"),
    "call": (add, call("add", {"a": 1})),
    "call without an id": (add, call("add", {"a": 1}, None)),
    "call with an empty id": (add, call("add", {"a": 1}, "")),
    "call with another name": (add, call("other", {"a": 1})),
    "call with wrong arguments": (add, call("add", {"a": []})),
    "a dict like a call": (add, {"name": "add", "args": {"a": 1}, "id": "1"}),
    "nothing": (nothing, {}),
    "nothing from a text": (nothing, ""),
    "nothing from a call": (nothing, call("nothing", {})),
    "rich": (rich, {"colour": "red", "place": {"city": "Ulm"}, "many": [{"city": "Bonn", "zip": "3"}]}),
    "wrong literal": (rich, {"colour": "red", "place": {"city": "Ulm"}, "kind": "c"}),
    "constraint": (annotated, {"topic": "t", "depth": 0}),
    "dict result": (optional, call("optional", {"bar": "b", "baz": None})),
    "text block": (blocks, call("blocks", {"kind": "text"})),
    "image block": (blocks, call("blocks", {"kind": "image_url"})),
    "strange block": (blocks, call("blocks", {"kind": "strange"})),
    "pair as content": (pair, call("pair", {"a": 1})),
}
for label, (function, given) in CALLS.items():
    CASES[f"called with {label}"] = functools.partial(
        lambda function, given, lib: lib.tools.tool(function).invoke(given), function, given
    )
RESULTS = [None, 3, 2.5, True, "é", [], [1, 2], ["a", "b"], {"a": [1]}, ({"type": "text"},), b"x", {1}, Colour.RED]
for number, result in enumerate(RESULTS):
    CASES[f"result {number}"] = functools.partial(
        lambda result, lib: lib.tools.tool("t", description="d")(lambda: result).invoke(call("t", {})), result
    )


@case
def with_a_model(lib: Library) -> Any:
    tool = lib.tools.tool("search", args_schema=SearchArgs)(lambda query, page, size: [query, page, size])
    return tool.invoke({"query": "q"}), tool.invoke({"query": "q", "page": "3"})


@case
def with_an_alias(lib: Library) -> Any:
    return lib.tools.tool("t", args_schema=Aliased)(lambda canonical: canonical).invoke({"other": "o"})


@case
def one_text(lib: Library) -> Any:
    tool = lib.tools.Tool("echo", lambda text: f"<{text}>", "Echo.")
    return tool.invoke("a"), tool.invoke({"x": "b"}), tool.invoke(call("echo", {"__arg1": "c"})), tool.run("d")


@case
def one_text_and_two_arguments(lib: Library) -> Any:
    return lib.tools.Tool("echo", lambda text: text, "Echo.").invoke({"a": 1, "b": 2})


@case
def pair_as_artifact(lib: Library) -> Any:
    tool = lib.tools.tool(response_format="content_and_artifact")(pair)
    return tool.invoke({"a": 1}), tool.invoke(call("pair", {"a": 2}))


@case
def no_pair(lib: Library) -> Any:
    return lib.tools.tool(response_format="content_and_artifact")(add).invoke({"a": 1})


@case
def a_message_of_its_own(lib: Library) -> Any:
    message = lib.messages.ToolMessage("own", tool_call_id="x", artifact=3)
    return lib.tools.tool("t", description="d")(lambda: message).invoke(call("t", {}))


@case
def messages_of_its_own(lib: Library) -> Any:
    messages = [lib.messages.ToolMessage("own", tool_call_id=str(number)) for number in range(2)]
    return lib.tools.tool("t", description="d")(lambda: messages).invoke(call("t", {}))


@case
def batch(lib: Library) -> Any:
    return lib.tools.tool(add).batch([{"a": 1}, {"a": 2, "b": 0}])


@case
def streamed(lib: Library) -> Any:
    return list(lib.tools.tool(add).stream({"a": 1}))


@case
def in_a_sequence(lib: Library) -> Any:
    return (lib.tools.tool(add) | (lambda total: total * 10)).invoke({"a": 1})


@case
def run_with_an_id(lib: Library) -> Any:
    return lib.tools.tool(add).run({"a": 1}, tool_call_id="r1", tags=["t"], run_name="n")


# --------------------------------------------------------------------------------------------------------------- errors


def failing(lib: Library, error: Exception, **fields: Any) -> Any:
    def fail() -> None:
        raise error

    tool = lib.tools.StructuredTool.from_function(fail, name="fail", description="d", **fields)
    return [tool.invoke({}), tool.invoke(call("fail", {}))]


HANDLERS = {
    "nothing": False,
    "true": True,
    "text": "Try again.",
    "function": lambda error: f"<{error}>",
    "blocks": lambda error: [{"type": "text", "text": str(error)}],
    "no blocks": lambda error: [{"text": str(error)}],
}
for label, handler in HANDLERS.items():
    CASES[f"tool error handled by {label}"] = functools.partial(
        lambda handler, lib: failing(lib, lib.tools.ToolException("no luck"), handle_tool_error=handler), handler
    )
    CASES[f"other error handled by {label}"] = functools.partial(
        lambda handler, lib: failing(lib, KeyError("no luck"), handle_tool_error=handler), handler
    )
for label, handler in {"true": True, "text": "Mend it.", "function": lambda error: f"{error.error_count()}"}.items():
    CASES[f"wrong arguments handled by {label}"] = functools.partial(
        lambda handler, lib: lib.tools.StructuredTool.from_function(add, handle_validation_error=handler).invoke(
            call("add", {"a": "x", "b": "y"})
        ),
        handler,
    )


@case
def tool_error_without_a_text(lib: Library) -> Any:
    return failing(lib, lib.tools.ToolException(), handle_tool_error=True)


# ------------------------------------------------------------------------------------------------------------- injected


def injecting(lib: Library, **fields: Any) -> Any:
    function = typed(
        lambda x, user, call_id="none": f"{x} {user} {call_id}",
        x=int,
        user=Annotated[Any, lib.tools.InjectedToolArg],
        call_id=Annotated[str, lib.tools.InjectedToolCallId],
    )
    return lib.tools.tool("inject", description="d", **fields)(function)


class OnlyX(BaseModel):
    """Without what is injected."""

    x: int


@case
def injected_arguments_are_not_told(lib: Library) -> Any:
    tool = injecting(lib)
    return tool.args, tool.tool_call_schema


@case
def injected_arguments_are_given(lib: Library) -> Any:
    return injecting(lib).invoke(call("inject", {"x": "3", "user": "u"}))


@case
def injected_id_is_the_calls(lib: Library) -> Any:
    return injecting(lib).invoke(call("inject", {"x": 3, "user": "u", "call_id": "said"}))


@case
def injected_arguments_are_missing(lib: Library) -> Any:
    return injecting(lib).invoke(call("inject", {"x": 3}))


@case
def injected_id_is_missing(lib: Library) -> Any:
    return injecting(lib).invoke({"x": 3, "user": "u"})


@case
def injected_beside_a_schema(lib: Library) -> Any:
    tool = injecting(lib, args_schema=OnlyX)
    return tool.args, tool.invoke({"x": "3", "user": [1], "call_id": "direct"})


@case
def config_is_given(lib: Library) -> Any:
    function = typed(lambda x, settings: [x, settings["metadata"]], x=int, settings=lib.runnables.RunnableConfig)
    tool = lib.tools.tool("configured", description="d")(function)
    return tool.args, tool.invoke({"x": 1}, {"metadata": {"m": 1}})


@case
def methods_of_a_class(lib: Library) -> Any:
    def _run(self: Any, x: int, y: str = "d") -> str:
        return f"{x} {y}"

    async def _arun(self: Any, x: int, y: str = "d") -> str:
        raise NotImplementedError

    kinds = {"__annotations__": {"name": str, "description": str}, "__module__": __name__}
    cls = type(
        "Own", (lib.tools.BaseTool,), {**kinds, "name": "own", "description": "d.", "_run": _run, "_arun": _arun}
    )
    tool = cls()
    return tool.args, tool.tool_call_schema, tool.invoke({"x": 1}), tool.invoke(call("own", {"x": 1, "y": "e"}))


# ------------------------------------------------------------------------------------------------------------ runnables


@case
def runnable_of_a_text(lib: Library) -> Any:
    tool = lib.runnables.RunnableLambda(typed(lambda x: x + "a", x=str, **{"return": str})).as_tool(name="t")
    return tool.name, tool.args, tool.args_schema, tool.invoke("b")


@case
def runnable_with_types(lib: Library) -> Any:
    step = lib.runnables.RunnableLambda(lambda given: given["a"] * max(given["b"]))
    tool = step.as_tool(name="t", description="d", arg_types={"a": int, "b": list[int]})
    return facts(tool), tool.invoke({"a": 3, "b": [1, 2]}), tool.invoke(call("t", {"a": 3, "b": [4]}))


@case
def runnable_with_a_schema(lib: Library) -> Any:
    step = lib.runnables.RunnableLambda(lambda given: sorted(given.items()))
    tool = lib.tools.convert_runnable_to_tool(step, SearchArgs, name="t", description="d")
    return facts(tool), tool.invoke({"query": "q", "page": 1, "size": 1})


@case
def runnable_that_does_not_say(lib: Library) -> Any:
    return facts(lib.runnables.RunnableLambda(lambda given: given).as_tool(name="t", description="d"))


# --------------------------------------------------------------------------------------------------------------- others


@case
def rendered(lib: Library) -> Any:
    tools = [lib.tools.tool(add), lib.tools.Tool("echo", None, "Echo.", coroutine=multiply)]
    return lib.tools.render_text_description(tools), lib.tools.render_text_description_and_args(tools)


@case
def filtered_names(lib: Library) -> Any:
    return lib.tools.FILTERED_ARGS, lib.tools.base.TOOL_MESSAGE_BLOCK_TYPES


@case
def annotations_of_a_model(lib: Library) -> Any:
    return {name: str(kind) for name, kind in lib.tools.base.get_all_basemodel_annotations(SearchArgs).items()}


@case
def schema_without_some(lib: Library) -> Any:
    return lib.tools.create_schema_from_function("M", add, filter_args=["b"])


@pytest.mark.filterwarnings("ignore:This API is in beta")
@pytest.mark.parametrize("name", CASES)
def test_same_outcome(name: str) -> None:
    ours, reference = outcome(CASES[name], OURS), outcome(CASES[name], REFERENCE)
    if isinstance(reference, set):
        # Ours may be of more kinds.
        assert isinstance(ours, set), ours
        assert ours >= reference
    else:
        assert ours == reference


def test_there_are_enough() -> None:
    assert len(CASES) >= 100
