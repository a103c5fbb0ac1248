"""The same runnables made of chatcore and of langchain-core: the same results, chunks, schemas and refusals."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

pytestmark = pytest.mark.anyio

pytest.importorskip("langchain_core", reason="the reference is not installed")


def library(root: str) -> SimpleNamespace:
    """The names of one of the two libraries, and classes of one's own made with them."""
    lib = SimpleNamespace()
    for module in map(pytest.importorskip, (f"{root}.runnables{path}" for path in ("", ".base", ".config", ".utils"))):
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        # The reference's package finds its names when they are asked for.
        vars(lib).update({name: getattr(module, name) for name in names if hasattr(module, name)})
    lib.Shout, lib.Spell, lib.Greet = classes(lib)
    return lib


def classes(lib: Any) -> tuple[Any, Any, Any]:  # noqa: C901 - three of them
    """One that gives `invoke`, one that gives all verbs, and one with fields."""

    class Shout(lib.Runnable[str, str]):  # type: ignore[misc]
        def invoke(self, input: str, config: Any = None, **kwargs: Any) -> str:
            return f"{input.upper()}{kwargs.get('mark', '')}"

    class Spell(lib.Runnable[str, str]):  # type: ignore[misc]
        def invoke(self, input: str, config: Any = None, **kwargs: Any) -> str:
            return input

        def transform(self, input: Iterator[str], config: Any = None, **kwargs: Any) -> Iterator[str]:
            for piece in input:
                yield from piece

        async def atransform(self, input: AsyncIterator[str], config: Any = None, **kwargs: Any) -> AsyncIterator[str]:
            async for piece in input:
                for letter in piece:
                    yield letter

        def stream(self, input: str, config: Any = None, **kwargs: Any) -> Iterator[str]:
            yield from self.transform(iter([input]), config, **kwargs)

        async def astream(self, input: str, config: Any = None, **kwargs: Any) -> AsyncIterator[str]:
            for letter in input:
                yield letter

    class Greet(lib.RunnableSerializable[str, str]):  # type: ignore[misc]
        greeting: str = "hello"
        count: int = 1

        def invoke(self, input: str, config: Any = None, **kwargs: Any) -> str:
            return " ".join([self.greeting] * self.count + [input])

        def both(self) -> str:
            return f"{self.greeting} {self.count}"

    return Shout, Spell, Greet


OURS = library("chatcore")
THEIRS = library("langchain_core")


def split(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield from piece.split()


def double(given: int) -> int:
    return given * 2


def refuse(given: Any) -> Any:
    raise KeyError(given)


def counted(given: int) -> Iterator[int]:
    yield from range(given + 1)


def kept(inputs: dict[str, Any]) -> str:
    return "kept" if "error" in inputs else refuse("first")


def configured(lib: Any) -> Any:
    field = lib.ConfigurableField
    return lib.Greet().configurable_fields(greeting=field(id="greeting"), count=field(id="count"))


def chosen(lib: Any, **arguments: Any) -> Any:
    return configured(lib).configurable_alternatives(
        lib.ConfigurableField(id="who"), shout=lib.Shout(), lazy=lambda: lib.Greet(greeting="lazy"), **arguments
    )


def optioned(lib: Any) -> Any:
    option = lib.ConfigurableFieldSingleOption(id="tone", options={"polite": "dear", "rude": "you"}, default="polite")
    return lib.Greet().configurable_fields(greeting=option)


def returning(lib: Any) -> Any:
    return lib.RunnableLambda(lambda given: lib.Spell() if given == "spell" else lib.Shout())


def routed(lib: Any) -> Any:
    return lib.RouterRunnable({"double": double, "shout": lib.Shout()})


def branched(lib: Any) -> Any:
    return lib.RunnableBranch((lambda x: x > 10, double), (lambda x: x > 5, lib.RunnableLambda(str)), lambda x: -x)


CONFIG = {"configurable": {"greeting": "bye", "count": 2}}

# What is made, what it is called with, and the config.
CALLS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "a function": (lambda lib: lib.RunnableLambda(double), 3, None),
    "a generator function as a function": (lambda lib: lib.RunnableLambda(counted), 3, None),
    "chain": (lambda lib: lib.chain(double), 3, None),
    "a function with settings": (lambda lib: lib.RunnableLambda(lambda x, y: x + y).bind(y=2), 1, None),
    "settings upon settings": (lambda lib: lib.RunnableLambda(lambda x, y: x + y).bind(y=2).bind(y=3), 1, None),
    "a function that fails": (lambda lib: lib.RunnableLambda(refuse), 1, None),
    "a function that returns a runnable": (returning, "loud", None),
    "a function that returns a stream": (returning, "spell", None),
    "a function with a config": (
        lambda lib: lib.RunnableLambda(lambda _, config: (config["tags"], config["metadata"], config["configurable"])),
        0,
        {"tags": ["a"], "metadata": {"b": 1}, "configurable": {"c": 2}},
    ),
    "a bound config": (
        lambda lib: lib.RunnableLambda(lambda _, config: config["metadata"]).with_config(metadata={"x": 1}),
        0,
        {"metadata": {"y": 2}},
    ),
    "a generator": (lambda lib: lib.RunnableGenerator(split), "to be or not", None),
    "a generator after a class with chunks": (lambda lib: lib.Spell() | split, "abc", None),
    "a sequence": (lambda lib: lib.RunnableLambda(double) | str | lib.Shout(), 4, None),
    "a sequence joined from the right": (lambda lib: double | lib.RunnableLambda(str), 4, None),
    "pipe": (lambda lib: lib.RunnableLambda(double).pipe(double, str), 4, None),
    "a sequence of parts": (
        lambda lib: lib.RunnableSequence(first=lib.Shout(), middle=[lib.Spell()], last=lib.RunnableLambda(len)),
        "abc",
        None,
    ),
    "a parallel": (lambda lib: lib.RunnableParallel(a=double, b=str), 2, None),
    "a parallel of one": (lambda lib: lib.RunnableMap({"a": double}), 2, None),
    "a parallel in a sequence": (lambda lib: lib.RunnableLambda(double) | {"a": str}, 2, None),
    "a parallel on chunks": (lambda lib: lib.Spell() | {"a": lib.RunnablePassthrough()}, "abc", None),
    "nested parallels": (lambda lib: lib.RunnableParallel(a={"b": double}), 2, None),
    "a passthrough": (lambda lib: lib.RunnablePassthrough(), {"a": 1}, None),
    "a passthrough of chunks": (lambda lib: lib.Spell() | lib.RunnablePassthrough(), "abc", None),
    "assign": (lambda lib: lib.RunnablePassthrough.assign(b=lambda given: given["a"] + 1), {"a": 1}, None),
    "assign over a key": (lambda lib: lib.RunnablePassthrough.assign(a=lambda given: given["a"] + 1), {"a": 1}, None),
    "assign to what is no dict": (lambda lib: lib.RunnablePassthrough.assign(a=double), 1, None),
    "assign after a parallel on chunks": (
        lambda lib: (lib.Spell() | {"a": lib.RunnablePassthrough()}).assign(n=lambda given: len(given["a"])),
        "abc",
        None,
    ),
    "pick one": (lambda lib: lib.RunnablePick("a"), {"a": 1, "b": 2}, None),
    "pick some": (lambda lib: lib.RunnablePick(["a", "c"]), {"a": 1, "b": 2, "c": 3}, None),
    "pick from chunks": (
        lambda lib: (lib.Spell() | {"a": lib.RunnablePassthrough(), "b": len}).pick("a"),
        "abc",
        None,
    ),
    "map": (lambda lib: lib.RunnableLambda(double).map(), [1, 2, 3], None),
    "map of maps": (lambda lib: lib.RunnableLambda(double).map().map(), [[1], [2, 3]], None),
    "map of nothing": (lambda lib: lib.RunnableLambda(double).map(), [], None),
    "a branch": (branched, 20, None),
    "another branch": (branched, 7, None),
    "no branch": (branched, 1, None),
    "a router": (routed, {"key": "double", "input": 2}, None),
    "another route": (routed, {"key": "shout", "input": "hi"}, None),
    "no route": (routed, {"key": "whisper", "input": "hi"}, None),
    "fallbacks": (lambda lib: lib.RunnableLambda(refuse).with_fallbacks([lib.RunnableLambda(double)]), 2, None),
    "fallbacks that fail": (
        lambda lib: lib.RunnableLambda(refuse).with_fallbacks([lib.RunnableLambda(refuse)]),
        2,
        None,
    ),
    "fallbacks for other errors": (
        lambda lib: lib.RunnableLambda(refuse).with_fallbacks([lib.Shout()], exceptions_to_handle=(ValueError,)),
        "x",
        None,
    ),
    "fallbacks that see the error": (
        lambda lib: lib.RunnableLambda(kept).with_fallbacks([lib.RunnableLambda(kept)], exception_key="error"),
        {},
        None,
    ),
    "a retry": (lambda lib: lib.RunnableLambda(double).with_retry(stop_after_attempt=2), 2, None),
    "a class with invoke": (lambda lib: lib.Shout(), "hi", None),
    "a class with invoke, and settings": (lambda lib: lib.Shout().bind(mark="!"), "hi", None),
    "a class with invoke, decorated twice": (
        lambda lib: lib.Shout().with_config(tags=["a"]).bind(mark="?"),
        "hi",
        None,
    ),
    "a class with all verbs": (lambda lib: lib.Spell(), "abc", None),
    "a class with all verbs, decorated": (lambda lib: lib.Spell().with_config(tags=["a"]), "abc", None),
    "classes in a sequence": (lambda lib: lib.Shout() | lib.Spell(), "abc", None),
    "fields as they are": (configured, "ann", None),
    "fields of a call": (configured, "ann", CONFIG),
    "fields of the config's own keys": (configured, "ann", {"greeting": "bye"}),
    "fields of a bound config": (lambda lib: configured(lib).with_config(configurable={"count": 3}), "ann", None),
    "fields in a sequence": (lambda lib: configured(lib) | lib.Shout(), "ann", CONFIG),
    "fields that are invalid": (configured, "ann", {"configurable": {"count": "many"}}),
    "an option": (optioned, "sir", {"configurable": {"tone": "rude"}}),
    "the default option": (optioned, "sir", None),
    "the default alternative": (chosen, "ann", None),
    "an alternative": (chosen, "ann", {"configurable": {"who": "shout"}}),
    "an alternative that is made": (chosen, "ann", {"configurable": {"who": "lazy"}}),
    "fields of the default alternative": (chosen, "ann", {"configurable": {"greeting": "bye"}}),
    "an unknown alternative": (chosen, "ann", {"configurable": {"who": "nobody"}}),
    "keys with a prefix": (
        lambda lib: chosen(lib, prefix_keys=True),
        "ann",
        {"configurable": {"who==default/greeting": "bye"}},
    ),
    "a default of another name": (
        lambda lib: chosen(lib, default_key="greet"),
        "ann",
        {"configurable": {"who": "greet"}},
    ),
    "a binding": (lambda lib: lib.RunnableBinding(bound=lib.Shout(), kwargs={"mark": "!"}), "hi", None),
    "wrapped fallbacks": (
        lambda lib: lib.RunnableWithFallbacks(runnable=lib.RunnableLambda(refuse), fallbacks=[lib.Shout()]),
        "x",
        None,
    ),
    "each": (lambda lib: lib.RunnableEach(bound=lib.Shout()), ["a", "b"], None),
    "itemgetter": (lambda lib: lib.RunnablePassthrough() | operator.itemgetter("a"), {"a": 1}, None),
    "types": (lambda lib: lib.RunnableLambda(double).with_types(input_type=int), 2, None),
}


def outcome(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - errors are compared as well
        return error


async def aoutcome(act: Callable[[], Any]) -> Any:
    try:
        return await act()
    except Exception as error:  # noqa: BLE001
        return error


def by_key(chunks: Any) -> Any:
    """Chunks of a parallel by their keys: which of its branches comes first is up to their speed."""
    if isinstance(chunks, list) and chunks and all(isinstance(chunk, dict) and len(chunk) == 1 for chunk in chunks):
        return sorted(chunks, key=lambda chunk: next(iter(chunk)))
    return chunks


def assert_same(ours: Any, theirs: Any) -> None:
    if not isinstance(theirs, Exception):
        assert ours == theirs
        return
    # Ours are the same builtin errors, or derived from them.
    builtin = next(
        kind for kind in type(theirs).__mro__ if kind.__module__ in ("builtins", "pydantic_core._pydantic_core")
    )
    assert isinstance(ours, builtin)


@pytest.mark.parametrize("name", CALLS)
async def test_call(name: str) -> None:
    make, given, config = CALLS[name]
    ours, theirs = make(OURS), make(THEIRS)
    whole = outcome(lambda: theirs.invoke(given, config))
    assert_same(await aoutcome(lambda: ours.ainvoke(given, config)), whole)
    batch = outcome(lambda: theirs.batch([given, given], config))
    assert_same(await aoutcome(lambda: ours.abatch([given, given], config)), batch)


@pytest.mark.parametrize("name", CALLS)
async def test_stream(name: str) -> None:
    make, given, config = CALLS[name]
    ours, theirs = make(OURS), make(THEIRS)

    async def chunks() -> list[Any]:
        async with ours.astream(given, config) as stream:
            return [chunk async for chunk in stream]

    assert_same(by_key(await aoutcome(chunks)), by_key(outcome(lambda: list(theirs.stream(given, config)))))


@pytest.mark.parametrize("name", CALLS)
def test_sync_call(name: str) -> None:
    make, given, config = CALLS[name]
    ours, theirs = make(OURS), make(THEIRS)
    assert_same(outcome(lambda: ours.invoke(given, config)), outcome(lambda: theirs.invoke(given, config)))
    chunks = [by_key(outcome(lambda one=one: list(one.stream(given, config)))) for one in (ours, theirs)]
    assert_same(*chunks)


@pytest.mark.parametrize(
    ("make", "pieces"),
    [
        (lambda lib: lib.RunnableGenerator(split), ["a b", "c d"]),
        (lambda lib: lib.Spell(), ["ab", "cd"]),
        (lambda lib: lib.Shout(), ["ab", "cd"]),
        (lambda lib: lib.RunnableLambda(double), [1, 2]),
        (lambda lib: lib.RunnableLambda(lambda given: given), [{"a": 1}, {"b": 2}]),
        (lambda lib: lib.RunnableLambda(lambda given: given), [[1], [2]]),
        (lambda lib: lib.RunnablePassthrough(), [{"a": 1}, {"b": 2}]),
        (lambda lib: lib.Spell() | lib.Spell(), ["ab", "cd"]),
        (lambda lib: lib.RunnableParallel(a=lib.RunnablePassthrough()), ["ab", "cd"]),
        (lambda lib: lib.RunnablePick("a"), [{"a": 1}, {"b": 2}]),
        (lambda lib: lib.RunnablePassthrough.assign(c=len), [{"a": 1}]),
    ],
)
async def test_transform(make: Callable[[Any], Any], pieces: list[Any]) -> None:
    async def items() -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    async with make(OURS).atransform(items()) as stream:
        chunks = [chunk async for chunk in stream]
    assert chunks == list(make(THEIRS).transform(iter(pieces)))


# ------------------------------------------------------------------------------------------------------- descriptions


class Person(BaseModel):
    name: str


class Row(TypedDict):
    a: int
    b: str


def typed(given: Any) -> Any:
    return [given["b"]]


# The reference does not find what an annotation means that is written as text.
typed.__annotations__ = {"given": Row, "return": list[str]}


def reads(given):  # type: ignore[no-untyped-def]
    return given["a"], given.get("b")


DESCRIBED: dict[str, Callable[[Any], Any]] = {
    **{
        name: CALLS[name][0]
        for name in (
            *("a function", "chain", "a parallel", "a parallel in a sequence", "a sequence", "map", "map of maps"),
            *("a class with invoke", "classes in a sequence", "a router", "a branch", "fields as they are", "types"),
            *("an option", "the default alternative", "keys with a prefix", "fields in a sequence", "fallbacks"),
            *("assign after a parallel on chunks", "pick from chunks", "a binding", "nested parallels"),
        )
    },
    "a typed dict": lambda lib: lib.RunnableLambda(typed),
    "keys that are read": lambda lib: lib.RunnableLambda(reads),
    "an itemgetter": lambda lib: lib.RunnableLambda(operator.itemgetter("a", "b")),
    "an itemgetter of places": lambda lib: lib.RunnableLambda(operator.itemgetter(0, 1)),
    "a passthrough of a type": lambda lib: lib.RunnablePassthrough(input_type=int),
    "given types": lambda lib: lib.RunnableLambda(reads).with_types(input_type=Row, output_type=int),
    "a given model": lambda lib: lib.Shout().with_types(input_type=Person),
    "keys from several branches": lambda lib: lib.RunnableParallel(a=reads, b=operator.itemgetter("c")),
}


def without_prose(schema: Any) -> Any:
    """A schema without what describes chatcore's or the reference's own classes in words."""
    if isinstance(schema, dict):
        return {key: without_prose(value) for key, value in schema.items() if key != "description"}
    return schema


@pytest.mark.parametrize("name", DESCRIBED)
async def test_schemas(name: str) -> None:
    ours, theirs = DESCRIBED[name](OURS), DESCRIBED[name](THEIRS)
    assert without_prose(ours.get_input_jsonschema()) == without_prose(theirs.get_input_jsonschema())
    assert without_prose(ours.get_output_jsonschema()) == without_prose(theirs.get_output_jsonschema())
    assert [spec.id for spec in ours.config_specs] == [spec.id for spec in theirs.config_specs]
    assert [spec.default for spec in ours.config_specs] == [spec.default for spec in theirs.config_specs]


@pytest.mark.parametrize("name", [*DESCRIBED, "a generator", "a passthrough", "pick some", "assign", "each"])
async def test_names_and_reprs(name: str) -> None:
    make = DESCRIBED.get(name) or CALLS[name][0]
    ours, theirs = make(OURS), make(THEIRS)
    # Decorating keeps the class here, and so the name.
    if ours._middleware == ():
        assert ours.get_name() == theirs.get_name()
        assert ours.get_name("Input") == theirs.get_name("Input")


@pytest.mark.parametrize("include", [[], ["tags", "metadata", "run_name"]])
async def test_config_schema(include: list[str]) -> None:
    ours, theirs = (configured(lib).get_config_jsonschema(include=include) for lib in (OURS, THEIRS))
    # The reference's wrapper has a name of its own.
    assert {**without_prose(ours), "title": ""} == {**without_prose(theirs), "title": ""}


# ------------------------------------------------------------------------------------------------- configs and sums

CONFIGS: list[Any] = [
    None,
    {},
    {"tags": ["b", "a"], "metadata": {"x": 1}},
    {"tags": ["a"], "metadata": {"x": 2, "y": 3}, "run_name": "n"},
    {"configurable": {"model": "m", "k": 1}, "recursion_limit": 3},
    {"configurable": {"k": 2}, "max_concurrency": 2, "other": "key"},
    {"metadata": {"lc_versions": {"a": "1"}}},
    {"metadata": {"lc_versions": {"b": "2"}}, "recursion_limit": 25},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
async def test_ensure_and_patch_config(config: Any) -> None:
    assert OURS.ensure_config(config) == THEIRS.ensure_config(config)
    changes = {"recursion_limit": 7, "max_concurrency": 4, "run_name": "r", "configurable": {"k": 9}}
    assert OURS.patch_config(config, **changes) == THEIRS.patch_config(config, **changes)
    assert OURS.get_config_list(config, 2) == THEIRS.get_config_list(config, 2)


@pytest.mark.parametrize("over", CONFIGS, ids=str)
@pytest.mark.parametrize("base", CONFIGS, ids=str)
async def test_merge_configs(base: Any, over: Any) -> None:
    assert OURS.merge_configs(base, over) == THEIRS.merge_configs(base, over)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": 1}, {"b": 2}),
        ({"a": "x"}, {"a": "y"}),
        ({"a": None}, {"a": "y"}),
        ({"a": "x"}, {"a": None}),
        ({"a": [1], "b": 1}, {"a": [2]}),
        ({"a": 1}, {"a": "y"}),
    ],
    ids=str,
)
async def test_addable_dicts(left: Any, right: Any) -> None:
    ours, theirs = (outcome(lambda lib=lib: lib.AddableDict(left) + lib.AddableDict(right)) for lib in (OURS, THEIRS))
    assert (str(ours), type(ours).__name__) == (str(theirs), type(theirs).__name__)
    assert OURS.add([left] and [[1], [2]]) == THEIRS.add([[1], [2]])


ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "kwargs": lambda lib: lib.Shout().bind(a=1).bind(b=2).kwargs,
    "kwargs under a config": lambda lib: lib.Shout().bind(a=1).with_config(tags=["t"]).kwargs,
    "config": lambda lib: dict(lib.Shout().with_config(tags=["t"]).config)["tags"],
    "bound": lambda lib: type(lib.Shout().bind(a=1).bound).__name__,
    "fallbacks": lambda lib: len(lib.Shout().with_fallbacks([lib.Spell()]).fallbacks),
    "runnable": lambda lib: type(lib.Shout().with_fallbacks([lib.Spell()]).runnable).__name__,
    "attempts": lambda lib: lib.Shout().with_retry(stop_after_attempt=5).max_attempt_number,
    "a binding": lambda lib: isinstance(lib.Shout().bind(a=1), lib.RunnableBinding),
    "no binding": lambda lib: isinstance(lib.Shout(), lib.RunnableBinding),
    "with fallbacks": lambda lib: isinstance(lib.Shout().with_fallbacks([]), lib.RunnableWithFallbacks),
    "no attribute": lambda lib: hasattr(lib.Shout(), "kwargs"),
    "steps": lambda lib: [type(step).__name__ for step in (lib.Shout() | lib.Spell() | lib.Shout()).steps],
    "a sequence's name": lambda lib: lib.RunnableSequence(lib.Shout(), lib.Spell(), name="both").get_name(),
    "a parallel's steps": lambda lib: list(lib.RunnableParallel(a=double, b=str).steps__),
    "repr of functions": lambda lib: repr(lib.RunnableLambda(double) | {"a": double, "b": refuse}),
    "equal functions": lambda lib: lib.RunnableLambda(double) == lib.RunnableLambda(double),
    "other functions": lambda lib: lib.RunnableLambda(double) == lib.RunnableLambda(refuse),
    "a method of a configurable": lambda lib: configured(lib).both(),
    "a method with a config": lambda lib: configured(lib).with_config(configurable={"count": 4}).both(),
    "no step": lambda lib: lib.RunnablePassthrough() | 5,
    "no function": lambda lib: lib.RunnableLambda(5),
    "two async functions": lambda lib: lib.RunnableLambda(test_call, test_stream),
    "one branch": lambda lib: lib.RunnableBranch(double),
    "no field": lambda lib: lib.Greet().configurable_fields(nothing=lib.ConfigurableField(id="x")),
    "other number of configs": lambda lib: lib.get_config_list([{}], 2),
    "specs that conflict": lambda lib: lib.get_unique_config_specs(
        [lib.ConfigurableFieldSpec(id="a", annotation=int), lib.ConfigurableFieldSpec(id="a", annotation=str)]
    ),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
async def test_attributes(name: str) -> None:
    read = ATTRIBUTES[name]
    assert_same(outcome(lambda: read(OURS)), outcome(lambda: read(THEIRS)))
