"""What every tool does: schemas kept and made anew, what its methods are given, listeners, errors, decorating."""

from __future__ import annotations

import copy
import pickle
import threading
from contextvars import ContextVar
from typing import Annotated, Any, Generic, TypeVar
from uuid import uuid4

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation

from chatcore.callbacks.base import BaseCallbackHandler
from chatcore.callbacks.manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from chatcore.errors import ConfigurationError, InvalidInputError, UnsupportedError, WrongTypeError
from chatcore.messages import ToolMessage
from chatcore.runnables import RunnableConfig, RunnableLambda
from chatcore.tools import (
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    InjectedToolCallId,
    SchemaAnnotationError,
    StructuredTool,
    ToolException,
    tool,
)
from chatcore.tools.base import get_all_basemodel_annotations


class Query(BaseModel):
    """What to look for."""

    text: str = Field(description="the words")


class Search(BaseTool):
    """A tool with everything that pickle must find."""

    name: str = "search"
    description: str = "Search."
    args_schema: type[BaseModel] = Query

    def _run(self, text: str) -> str:
        return f"found {text}"


class Native(BaseTool):
    """Async alone."""

    name: str = "native"
    description: str = "Native."

    async def _arun(self, text: str, limit: int = 3) -> str:
        await anyio.lowlevel.checkpoint()
        return f"{text} {limit} {threading.get_ident()}"


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": "c1"}


# -------------------------------------------------------------------------------------------------------------- schemas


def test_schema_of_calls_is_made_once() -> None:
    search = Search()
    schema: Any = search.tool_call_schema
    assert search.tool_call_schema is schema
    assert schema.model_json_schema() is schema.model_json_schema()
    assert schema.model_json_schema(mode="serialization") is not schema.model_json_schema()
    assert search.with_retry().tool_call_schema is schema


@pytest.mark.parametrize(
    ("change", "title", "description"),
    [({"name": "find"}, "find", "Search."), ({"description": "Other."}, "search", "Other.")],
)
def test_schema_of_calls_is_made_anew_when_a_field_changes(
    change: dict[str, str], title: str, description: str
) -> None:
    search = Search()
    before = search.tool_call_schema
    changed = search.model_copy(update=change)
    for one in (changed, search):
        for field, value in change.items():
            setattr(one, field, value)
        schema: Any = one.tool_call_schema
        assert (schema.model_json_schema()["title"], schema.model_json_schema()["description"]) == (title, description)
        assert schema is not before


def test_schema_follows_another_args_schema() -> None:
    class Other(BaseModel):
        other: int

    search = Search()
    assert set(search.args) == {"text"}
    search.args_schema = Other
    assert set(search.args) == {"other"}


def test_pickles_and_copies_know_their_schemas() -> None:
    search = Search(tags=["t"])
    schema: Any = search.tool_call_schema
    again = pickle.loads(pickle.dumps(search))  # noqa: S301 - our own
    assert again == search
    assert again.tool_call_schema.model_json_schema() == schema.model_json_schema()
    assert search.tool_call_schema is schema
    assert copy.deepcopy(search).invoke({"text": "a"}) == "found a"


def test_methods_with_any_arguments_leave_the_schema_to_the_other() -> None:
    class Both(BaseTool):
        name: str = "both"
        description: str = "Both."

        def _run(self, *args: Any, **kwargs: Any) -> str:
            raise NotImplementedError

        async def _arun(self, x: int) -> str:
            return str(x)

    assert Both().args == {"x": {"title": "X", "type": "integer"}}
    assert Both().invoke({"x": 1}) == "1"
    assert set(Native().args) == {"text", "limit"}


def test_schema_without_properties_has_no_args() -> None:
    assert StructuredTool(name="n", description="d", args_schema={"type": "object"}, func=print).args == {}


class Late(BaseModel):
    """A model with a field of a type that there is not."""

    rows: list[NotThere] = Field(default_factory=list)  # type: ignore[name-defined]  # noqa: F821


def test_fields_of_unknown_types_are_not_left_out() -> None:
    with pytest.raises(PydanticUndefinedAnnotation, match="NotThere"):
        assert Search(args_schema=Late).args


T = TypeVar("T", bound=int)


class Box(BaseModel, Generic[T]):
    """A generic model."""

    thing: T
    things: dict[str, T] | None = Field(default=None, alias="Things")
    marked: Annotated[str, InjectedToolArg] = ""


def test_annotations_of_generic_models() -> None:
    assert get_all_basemodel_annotations(Box) == {
        "thing": int,
        "things": dict[str, int] | None,
        "marked": Annotated[str, InjectedToolArg],
    }
    assert get_all_basemodel_annotations(Box, default_to_bound=False)["thing"] is T
    assert get_all_basemodel_annotations(Box[bool])["thing"] is bool


@pytest.mark.parametrize("annotation", [BaseModel, "BaseModel"], ids=["class", "name"])
def test_args_schema_that_would_be_an_instance_is_refused(annotation: Any) -> None:
    with pytest.raises(SchemaAnnotationError, match="Wrong must include valid type annotations"):
        type("Wrong", (BaseTool,), {"__annotations__": {"args_schema": annotation}})


def test_wrong_tools_are_refused() -> None:
    with pytest.raises(SchemaAnnotationError, match="subclass of pydantic BaseModel or a JSON schema"):
        Search(args_schema=int)
    with pytest.raises(WrongTypeError, match="implements `_arun`"):
        BaseTool(name="n", description="d")
    with pytest.raises(UnsupportedError, match="call the tool"):
        Native()._run()


# -------------------------------------------------------------------------------------------------------------- calling


@pytest.mark.anyio
async def test_async_tools_run_in_the_loop_and_sync_ones_in_threads() -> None:
    here = str(threading.get_ident())
    assert await Native().ainvoke({"text": "a"}) == f"a 3 {here}"

    @tool
    def where() -> str:
        """Tell where."""
        return str(threading.get_ident())

    assert await where.ainvoke({}) != here


@pytest.mark.anyio
async def test_a_method_that_only_says_it_is_not_there_leaves_it_to_the_other() -> None:
    class Sync(Search):
        async def _arun(self, text: str) -> str:
            raise NotImplementedError

    class Broken(Search):
        async def _arun(self, text: str) -> str:
            return self.deeper()

        def deeper(self) -> str:
            raise NotImplementedError("deeper")

    assert await Sync().ainvoke({"text": "a"}) == "found a"
    with pytest.raises(NotImplementedError, match="deeper"):
        await Broken().ainvoke({"text": "a"})


@pytest.mark.anyio
async def test_methods_are_given_the_run_and_the_config() -> None:
    class Curious(BaseTool):
        name: str = "curious"
        description: str = "Curious."

        async def _arun(self, x: int, where: RunnableConfig, run_manager: Any = None, **kwargs: Any) -> Any:
            return x, where["metadata"], run_manager

    class SyncCurious(Curious):
        async def _arun(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

        def _run(self, x: int, where: RunnableConfig | None = None, run_manager: Any = None) -> Any:
            assert where is not None
            return x, where["metadata"], run_manager

    assert set(Curious().args) == {"x", "kwargs"}
    assert set(SyncCurious().args) == {"x"}
    for curious, kind in ((Curious(), AsyncCallbackManagerForToolRun), (SyncCurious(), CallbackManagerForToolRun)):
        x, metadata, manager = await curious.ainvoke({"x": 1}, {"metadata": {"m": 2}})
        assert (x, metadata) == (1, {"m": 2})
        assert isinstance(manager, kind)
        assert manager.handlers == []
        # What the model says cannot take their place.
        x, metadata, manager = await curious.ainvoke({"x": 1, "where": 0, "run_manager": 0}, {"metadata": {}})
        assert (metadata, type(manager)) == ({}, kind)


@pytest.mark.anyio
@pytest.mark.parametrize("given", [3, None, ["a"], call("search") | {"args": "text"} | {"args": 3}])
async def test_input_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="search takes a str, a dict of arguments or a ToolCall"):
        await Search().ainvoke(given)


@pytest.mark.anyio
async def test_input_is_left_as_it_is() -> None:
    @tool
    def keep(things: list[int], call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Keep."""
        things.append(1)
        return call_id

    asked = call("keep", things=[0])
    assert (await keep.ainvoke(asked)).text == "c1"
    assert asked == call("keep", things=[0])


@pytest.mark.anyio
async def test_optional_injected_argument_is_not_told() -> None:
    @tool
    async def ask(
        x: int,
        user: Annotated[str, InjectedToolArg] | None = None,
        call_id: Annotated[str, InjectedToolCallId] | None = None,
    ) -> str:
        """Ask."""
        return f"{x} {user} {call_id}"

    assert set(ask.args) == {"x"}
    assert (await ask.ainvoke(call("ask", x=1, user="u"))).text == "1 u c1"


@pytest.mark.anyio
async def test_decorated_tools_stay_tools() -> None:
    tries: list[int] = []

    @tool
    async def flaky(x: int) -> int:
        """Fail once."""
        tries.append(x)
        if len(tries) == 1:
            raise ConnectionError
        return x

    decorated = flaky.with_retry(wait_exponential_jitter=False).with_config({"tags": ["t"]}).with_fallbacks([Native()])
    assert isinstance(decorated, BaseTool)
    assert decorated.args == flaky.args
    assert (await decorated.ainvoke(call("flaky", x=5))).text == "5"
    assert tries == [5, 5]
    assert [chunk async for chunk in flaky.astream({"x": 6})] == [6]


seen: ContextVar[str] = ContextVar("seen", default="nothing")


@pytest.mark.anyio
async def test_context_reaches_the_function() -> None:
    @tool
    def look() -> str:
        """Look."""
        return seen.get()

    seen.set("me")
    assert await look.ainvoke({}) == "me"


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.anyio
async def test_errors_that_nobody_handles_are_raised() -> None:
    @tool
    def fail(x: int) -> None:
        """Fail."""
        raise ToolException("no") if x else ZeroDivisionError

    with pytest.raises(ToolException, match="no"):
        await fail.ainvoke({"x": 1})
    with pytest.raises(ZeroDivisionError):
        await fail.ainvoke(call("fail", x=0))
    with pytest.raises(ValidationError):
        await fail.ainvoke({"x": "a"})
    fail.handle_tool_error = True
    assert await fail.ainvoke({"x": 1}) == "no"
    with pytest.raises(ZeroDivisionError):
        await fail.ainvoke({"x": 0})


@pytest.mark.anyio
async def test_handler_that_raises_is_heard() -> None:
    def handle(error: ToolException) -> str:
        raise RuntimeError("handled badly") from error

    @tool
    def fail() -> None:
        """Fail."""
        raise ToolException

    fail.handle_tool_error = handle
    with pytest.raises(RuntimeError, match="handled badly"):
        await fail.ainvoke({})


@pytest.mark.anyio
async def test_pair_that_is_none_says_what_to_return() -> None:
    class Alone(Search):
        response_format: Any = "content_and_artifact"

    with pytest.raises(ConfigurationError, match=r"two-tuple.*Return a pair"):
        await Alone().ainvoke({"text": "a"})


# ------------------------------------------------------------------------------------------------------------ listening


class Heard(BaseCallbackHandler):
    """Keeps what it hears of tools."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        facts = (kwargs["inputs"], kwargs["tool_call_id"], kwargs["tags"], kwargs["metadata"], kwargs["parent_run_id"])
        self.events.append(("start", serialized, input_str, *facts))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.events.append(("end", output))

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.events.append(("error", type(error)))

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.events.append(("chain", inputs, kwargs["parent_run_id"]))


@pytest.mark.anyio
async def test_listeners_hear_what_the_model_gave() -> None:
    @tool
    def search(query: str, state: Annotated[dict[str, Any], InjectedToolArg], config: RunnableConfig) -> str:
        """Search."""
        return f"found {query}"

    search.tags, search.metadata = ["own"], {"a": 1}
    heard = Heard()
    config: RunnableConfig = {"callbacks": [heard], "tags": ["t"], "metadata": {"b": 2}}
    await search.ainvoke(call("search", query="q", state={"secret": 1}), config)
    start, end = heard.events
    assert start == (
        "start",
        {"name": "search", "description": "Search."},
        "{'query': 'q'}",
        {"query": "q"},
        "c1",
        ["t", "own"],
        {"a": 1, "b": 2},
        None,
    )
    assert end == ("end", ToolMessage("found q", tool_call_id="c1", name="search"))


@pytest.mark.anyio
async def test_listeners_do_not_hear_what_the_schema_does_not_know() -> None:
    def find(text: str, user: Annotated[str, InjectedToolArg]) -> str:
        """Find."""
        return f"{text} for {user}"

    heard = Heard()
    found = tool(args_schema=Query)(find)
    assert await found.ainvoke({"text": "a", "user": "u"}, {"callbacks": [heard]}) == "a for u"
    assert heard.events[0][3] == {"text": "a"}


@pytest.mark.anyio
async def test_a_tools_own_handlers_hear_it_alone() -> None:
    own, given = Heard(), Heard()
    inner = RunnableLambda(lambda x: x)

    @tool
    async def outer(x: str, config: RunnableConfig) -> str:
        """Call another."""
        return await inner.ainvoke(x, config)

    outer.callbacks = [own]
    run_id = uuid4()
    assert await outer.arun("a", callbacks=[given], run_id=run_id) == "a"
    assert [event[0] for event in own.events] == ["start", "end"]
    assert [event[0] for event in given.events] == ["start", "chain", "end"]
    assert given.events[0][2:5] == ("a", None, None)
    assert given.events[1] == ("chain", "a", run_id)


@pytest.mark.anyio
async def test_calls_within_find_the_config_without_being_handed_it() -> None:
    heard = Heard()
    inner = RunnableLambda(lambda x: x)

    @tool
    async def outer(x: str) -> str:
        """Call another."""
        return await inner.ainvoke(x)

    @tool
    def sync_outer(x: str) -> str:
        """Call another."""
        return inner.invoke(x)

    for one in (outer, sync_outer):
        run_id = uuid4()
        await one.ainvoke("a", {"callbacks": [heard], "run_id": run_id})
        assert ("chain", "a", run_id) in heard.events


@pytest.mark.anyio
async def test_failures_and_cancellation_are_told() -> None:
    heard = Heard()

    @tool
    async def fail() -> None:
        """Fail."""
        raise ZeroDivisionError

    @tool
    async def wait() -> None:
        """Wait."""
        group.cancel_scope.cancel()
        await anyio.sleep_forever()

    cancelled = anyio.get_cancelled_exc_class()
    with pytest.raises(ZeroDivisionError):
        await fail.ainvoke({}, {"callbacks": [heard]})
    async with anyio.create_task_group() as group:
        await wait.ainvoke({}, {"callbacks": [heard]})
    assert [event[0] for event in heard.events] == ["start", "error", "start", "error"]
    assert [event[1] for event in heard.events[1::2]] == [ZeroDivisionError, cancelled]


# --------------------------------------------------------------------------------------------------------------- others


def test_run_and_invoke_are_sync_forms() -> None:
    search = Search()
    assert search.invoke({"text": "a"}) == search.run("a") == "found a"
    assert search.run({"text": "a"}, tool_call_id="r") == ToolMessage("found a", tool_call_id="r", name="search")
    assert Native().invoke({"text": "a"}).startswith("a 3 ")


def test_toolkit() -> None:
    class Kit(BaseToolkit):
        def get_tools(self) -> list[BaseTool]:
            return [Search()]

    assert Kit().get_tools()[0].name == "search"
