"""What runnables are described with: fields to configure, dicts that can be added up, facts about functions."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple, Protocol, TypeGuard, TypeVar, cast

from chatcore.engine.batch import run_workers
from chatcore.engine.request import AddableDict
from chatcore.errors import ConfigurationError

__all__ = [
    "Addable",
    "AddableDict",
    "AnyConfigurableField",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "Input",
    "Output",
    "SupportsAdd",
    "aadd",
    "accepts_config",
    "accepts_context",
    "accepts_run_manager",
    "add",
    "gather_with_concurrency",
    "get_function_first_arg_dict_keys",
    "get_function_nonlocals",
    "get_lambda_source",
    "get_unique_config_specs",
    "indent_lines_after_first",
    "is_async_callable",
    "is_async_generator",
    "is_generator",
]

Input = TypeVar("Input", contravariant=True)
"""What a runnable takes."""
Output = TypeVar("Output", covariant=True)
"""What a runnable gives."""

_T_contra = TypeVar("_T_contra", contravariant=True)
_T_co = TypeVar("_T_co", covariant=True)


# ------------------------------------------------------------------------------------------------------------- adding


class SupportsAdd(Protocol[_T_contra, _T_co]):
    """What has a `+`."""

    def __add__(self, x: _T_contra, /) -> _T_co:
        """The sum of both."""
        ...


Addable = TypeVar("Addable", bound=SupportsAdd[Any, Any])
"""Chunks of one kind."""


def add(addables: Iterable[Addable]) -> Addable | None:
    """The sum of some chunks; None if there are none."""
    total: Addable | None = None
    for chunk in addables:
        total = chunk if total is None else total + chunk
    return total


async def aadd(addables: AsyncIterable[Addable]) -> Addable | None:
    """The sum of some chunks that come from an async iterable; None if there are none."""
    total: Addable | None = None
    async for chunk in addables:
        total = chunk if total is None else total + chunk
    return total


# ------------------------------------------------------------------------------------------------ configurable fields


class ConfigurableField(NamedTuple):
    """A field whose value each call may give, in `config["configurable"]`.

    id: its key there.
    name: a name for people.
    description: what it does, for people.
    annotation: its type; the field's own if None.
    is_shared: whether it keeps its key where the keys of alternatives get prefixes.
    """

    id: str
    name: str | None = None
    description: str | None = None
    annotation: Any | None = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, self.annotation))


class ConfigurableFieldSingleOption(NamedTuple):
    """A field whose value each call chooses from some options, by name.

    id: its key in `config["configurable"]`.
    options: the values, by name.
    default: the name of the value to take if a call names none.
    name, description, is_shared: as of a `ConfigurableField`.
    """

    id: str
    options: Mapping[str, Any]
    default: str
    name: str | None = None
    description: str | None = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, tuple(self.options), self.default))


class ConfigurableFieldMultiOption(NamedTuple):
    """A field with a list of values, which each call chooses from some options, by name.

    id: its key in `config["configurable"]`.
    options: the values, by name.
    default: the names of the values to take if a call names none.
    name, description, is_shared: as of a `ConfigurableField`.
    """

    id: str
    options: Mapping[str, Any]
    default: Sequence[str]
    name: str | None = None
    description: str | None = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, tuple(self.options), tuple(self.default)))


AnyConfigurableField = ConfigurableField | ConfigurableFieldSingleOption | ConfigurableFieldMultiOption
"""How calls set one field."""


class ConfigurableFieldSpec(NamedTuple):
    """What a runnable says of one thing that calls may configure.

    id: its key in `config["configurable"]`.
    annotation: its type.
    name, description, is_shared: as of a `ConfigurableField`.
    default: what holds if a call says nothing.
    dependencies: other keys that it needs.
    """

    id: str
    annotation: Any
    name: str | None = None
    description: str | None = None
    default: Any = None
    is_shared: bool = False
    dependencies: list[str] | None = None


def get_unique_config_specs(specs: Iterable[ConfigurableFieldSpec]) -> list[ConfigurableFieldSpec]:
    """The specs of several runnables without repetitions, in the order of their ids.

    Raises:
        ConfigurationError: two of them have one id and say different things.
    """
    unique: dict[str, ConfigurableFieldSpec] = {}
    for spec in sorted(specs, key=lambda spec: (spec.id, *(spec.dependencies or []))):
        first = unique.setdefault(spec.id, spec)
        if first != spec:
            msg = (
                f"RunnableSequence contains conflicting config specs for {spec.id}: {[first, spec]}. Give one of them"
                " another id, or prefix_keys=True to the alternatives that it belongs to."
            )
            raise ConfigurationError(msg)
    return list(unique.values())


# ---------------------------------------------------------------------------------------------- facts about functions


def accepts_run_manager(callable: Callable[..., Any]) -> bool:  # noqa: A002 - the reference's name
    """Whether a function has a parameter `run_manager`."""
    return _has_parameter(callable, "run_manager")


def accepts_config(callable: Callable[..., Any]) -> bool:  # noqa: A002
    """Whether a function has a parameter `config`."""
    return _has_parameter(callable, "config")


def accepts_context(callable: Callable[..., Any]) -> bool:  # noqa: A002
    """Whether a function has a parameter `context`."""
    return _has_parameter(callable, "context")


def _has_parameter(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (ValueError, TypeError):
        # Functions written in C may have no signature.
        return False


def is_async_generator(func: Any) -> TypeGuard[Callable[..., AsyncIterator[Any]]]:
    """Whether it is an async generator function, or an object whose call is one."""
    return _is_or_calls(inspect.isasyncgenfunction, func)


def is_async_callable(func: Any) -> TypeGuard[Callable[..., Awaitable[Any]]]:
    """Whether it is an async function, or an object whose call is one; a `partial` is what it wraps."""
    return _is_or_calls(inspect.iscoroutinefunction, func)


def is_generator(func: Any) -> TypeGuard[Callable[..., Iterable[Any]]]:
    """Whether it is a generator function, or an object whose call is one."""
    return _is_or_calls(inspect.isgeneratorfunction, func)


def _is_or_calls(kind: Callable[[Any], bool], func: Any) -> bool:
    while isinstance(func, partial):
        func = cast("Callable[..., Any]", func.func)
    return kind(func) or kind(getattr(func, "__call__", None))  # noqa: B004 - the call itself is looked at


def _tree(func: Callable[..., Any]) -> ast.AST | None:
    """A function's source, parsed; None if there is none, or if a lambda's lines are no whole statement."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(func)))
    except (SyntaxError, TypeError, OSError, SystemError):
        return None


def get_lambda_source(func: Callable[..., Any]) -> str | None:
    """How a lambda is written; of other functions the name. None if that cannot be told."""
    name: str | None = getattr(func, "__name__", None)
    if name == "<lambda>":
        name = None
    tree = _tree(func)
    if tree is None:
        return name
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    return ast.unparse(lambdas[0]) if len(lambdas) == 1 else name


def get_function_first_arg_dict_keys(func: Callable[..., Any]) -> list[str] | None:
    """The keys that a function reads from its first argument, as `given["key"]` or `given.get("key")`, sorted.

    None if there are none, or if its source cannot be read.
    """
    tree = _tree(func)
    if tree is None:
        return None
    keys: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef) and node.args.args:
            keys.update(_keys_read(node, node.args.args[0].arg))
    return sorted(keys) or None


def _keys_read(function: ast.AST, name: str) -> Iterable[str]:
    for node in ast.walk(function):
        key: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_name(node.value, name):
            key = node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and _is_name(node.func.value, name)
            and node.args
        ):
            key = node.args[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def get_function_nonlocals(func: Callable[..., Any]) -> list[Any]:
    """What a function uses from outside itself: of a dotted name (`agent.invoke`) the thing at its end."""
    tree = _tree(func)
    wrapped: object = inspect.unwrap(func)
    if tree is None or not isinstance(wrapped, FunctionType):
        return []
    closure = inspect.getclosurevars(wrapped)
    known: dict[str, Any] = {**closure.globals, **closure.nonlocals}
    found: list[Any] = []
    for dotted in dict.fromkeys(_names_read(tree)):
        first, *rest = dotted.split(".")
        if first not in known:
            continue
        value = known[first]
        try:
            for part in rest:
                value = getattr(value, part)
        except AttributeError:
            continue
        found.append(value)
    return found


def _names_read(node: ast.AST) -> Iterable[str]:
    dotted = _dotted(node)
    if dotted is not None:
        yield dotted
        return
    for child in ast.iter_child_nodes(node):
        yield from _names_read(child)


def _dotted(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def indent_lines_after_first(text: str, prefix: str) -> str:
    """A text whose lines but the first are indented by the width of `prefix`."""
    first, *rest = text.splitlines()
    return "\n".join([first, *(" " * len(prefix) + line for line in rest)])


async def gather_with_concurrency(n: int | None, *coros: Coroutine[Any, Any, Any]) -> list[Any]:
    """Await several coroutines, at most `n` at a time (None: all at once), and give their results in order.

    Raises:
        Exception: the first that failed; the others have been cancelled by then.
    """
    results: dict[int, Any] = {}

    async def each(index: int, coro: Coroutine[Any, Any, Any]) -> None:
        results[index] = await coro

    try:
        await run_workers(coros, each, n or len(coros) or 1)
    finally:
        # Those that were never begun.
        for coro in coros:
            coro.close()
    return [results[index] for index in range(len(coros))]
