"""`tool`: functions and runnables as tools."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, cast, get_type_hints, overload

from pydantic import BaseModel, RootModel, create_model

from chatcore.errors import ConfigurationError
from chatcore.runnables import Runnable, RunnableConfig
from chatcore.schemas import dereference_refs
from chatcore.tools.base import ArgsSchema, BaseTool, SchemaAnnotationError
from chatcore.tools.simple import Tool
from chatcore.tools.structured import StructuredTool

__all__ = ["convert_runnable_to_tool", "tool"]


@overload
def tool(
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Any] | Runnable[Any, Any]], BaseTool]: ...
@overload
def tool(
    name_or_callable: str,
    runnable: Runnable[Any, Any],
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> BaseTool: ...
@overload
def tool(
    name_or_callable: Callable[..., Any],
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> BaseTool: ...
@overload
def tool(
    name_or_callable: str,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Any] | Runnable[Any, Any]], BaseTool]: ...
def tool(  # noqa: PLR0913 - the reference's signature
    name_or_callable: str | Callable[..., Any] | None = None,
    runnable: Runnable[Any, Any] | None = None,
    *args: Any,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> BaseTool | Callable[[Callable[..., Any] | Runnable[Any, Any]], BaseTool]:
    """Make a tool of a function, sync or async, or of a runnable that takes a dict.

    ::

        from typing import Annotated
        from chatcore import ChatPromptTemplate

        @tool
        def search(query: str, limit: int = 10) -> list[str]:
            \"\"\"Search the library.\"\"\"

        @tool("lookup", return_direct=True)
        async def look_up(word: Annotated[str, "in its basic form"]) -> str:
            \"\"\"Look a word up.\"\"\"

        answer = tool("answer", ChatPromptTemplate.from_template("{question}") | model)

    Args:
        name_or_callable: the function, or a name for the tool; the function's own name if absent.
        runnable: what to make a tool of, where it is not a function that is decorated.
        *args: refused.
        description: what it is for; the docstring if absent.
        return_direct: whether a loop of model and tools ends with its answer.
        args_schema: describes the arguments.
        infer_schema: whether the signature does so if there is no `args_schema`; if not, it takes one text.
        response_format: `"content_and_artifact"`: it returns a pair, of which the model sees the first.
        parse_docstring: whether the docstring describes the arguments (Google, NumPy or Sphinx style).
        error_on_invalid_docstring: whether a docstring that describes none is an error then.
        extras: what a provider may want to know of the tool besides.

    Returns:
        The tool, or a decorator that makes it.

    Raises:
        ConfigurationError: the name is missing or no str, there is no description, the runnable takes no dict, or the
            docstring is not what was promised.
    """
    if args:
        msg = "Too many arguments for tool decorator: it takes a name and a runnable; the rest goes by name."
        raise ConfigurationError(msg)
    make = partial(
        _made,
        description=description,
        return_direct=return_direct,
        args_schema=args_schema,
        infer_schema=infer_schema,
        response_format=response_format,
        parse_docstring=parse_docstring,
        error_on_invalid_docstring=error_on_invalid_docstring,
        extras=extras,
    )
    if runnable is not None:
        return make(_checked_name(name_or_callable), runnable)
    if isinstance(name_or_callable, str):
        return partial(make, name_or_callable)
    if name_or_callable is None:
        return lambda thing: make(_name(thing), thing)
    if callable(name_or_callable) and hasattr(name_or_callable, "__name__"):
        return make(name_or_callable.__name__, name_or_callable)
    msg = (
        "The first argument must be a string or a callable with a __name__ for tool decorator. Got"
        f" {type(name_or_callable)}: give a name, tool('name')(...)."
    )
    raise ConfigurationError(msg)


def _name(thing: Callable[..., Any] | Runnable[Any, Any]) -> str:
    return cast("Runnable[Any, Any]", thing).get_name() if isinstance(thing, Runnable) else thing.__name__


def _checked_name(name: object) -> str:
    if not name:
        msg = "Runnable without name for tool constructor: tool('name', runnable)."
        raise ConfigurationError(msg)
    if not isinstance(name, str):
        msg = f"Name must be a string for tool constructor, not {type(name).__name__}."
        raise ConfigurationError(msg)
    return name


def _made(
    name: str,
    thing: Callable[..., Any] | Runnable[Any, Any],
    *,
    description: str | None,
    args_schema: ArgsSchema | None,
    infer_schema: bool,
    parse_docstring: bool,
    error_on_invalid_docstring: bool,
    **fields: Any,
) -> BaseTool:
    func: Callable[..., Any] | None = None
    coroutine: Callable[..., Any] | None = None
    if isinstance(thing, Runnable):
        runnable = cast("Runnable[Any, Any]", thing)
        if dereference_refs(runnable.get_input_jsonschema()).get("type") != "object":
            msg = f"Runnable must have an object schema: {runnable.get_name()} does not take a dict with known keys."
            raise ConfigurationError(msg)
        coroutine, args_schema = _calling(runnable), _args_model(runnable, name)
        description = description or repr(runnable)
    elif inspect.iscoroutinefunction(thing):
        coroutine = thing
    else:
        func = thing
    if infer_schema or args_schema is not None:
        return StructuredTool.from_function(
            func,
            coroutine,
            name,
            description,
            args_schema=args_schema,
            infer_schema=infer_schema,
            parse_docstring=parse_docstring,
            error_on_invalid_docstring=error_on_invalid_docstring,
            **fields,
        )
    description = description or thing.__doc__
    if description is None:
        msg = f"Function must have either a docstring or description when infer_schema is False: {name} has neither."
        raise ConfigurationError(msg)
    return Tool(name=name, func=func, coroutine=coroutine, description=description, **fields)


def convert_runnable_to_tool(
    runnable: Runnable[Any, Any],
    args_schema: type[BaseModel] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    arg_types: dict[str, type] | None = None,
) -> BaseTool:
    """Make a tool of a runnable that takes a text, or a dict: `runnable.as_tool(...)`.

    Args:
        runnable: what to make it of.
        args_schema: describes its input.
        name: what the model calls it; the runnable's name if absent.
        description: what it is for; its input's schema if absent.
        arg_types: the types of its input's keys, in place of a schema.

    Raises:
        SchemaAnnotationError: it takes a dict, and nothing says which keys.
    """
    if args_schema is not None:
        runnable = runnable.with_types(input_type=args_schema)
    schema = runnable.get_input_jsonschema()
    description = description or f"Takes {schema}."
    name = name or runnable.get_name()
    if schema.get("type") == "string":
        return Tool(name=name, func=None, coroutine=_calling_with_text(runnable), description=description)
    return StructuredTool.from_function(
        name=name,
        coroutine=_calling(runnable),
        description=description,
        args_schema=_args_model(runnable, name, arg_types),
    )


def _args_model(runnable: Runnable[Any, Any], name: str, arg_types: Mapping[str, Any] | None = None) -> type[BaseModel]:
    model = runnable.input_schema
    schema = runnable.get_input_jsonschema()
    # A root model has its keys one level down.
    whole = RootModel not in model.__mro__ and schema.get("type") == "object" and schema.get("properties")
    if whole and arg_types is None:
        return model
    fields: dict[str, Any] = {key: (kind, ...) for key, kind in (arg_types or _keys(runnable)).items()}
    return create_model(name, **fields)


def _keys(runnable: Runnable[Any, Any]) -> dict[str, Any]:
    try:
        return get_type_hints(runnable.InputType)
    except TypeError as error:
        msg = (
            "Tool input must be str or dict. If dict, dict arguments must be typed: annotate the input of"
            f" {runnable.get_name()} (with a TypedDict, say), or pass arg_types into `.as_tool`. {error}"
        )
        raise SchemaAnnotationError(msg) from error


def _calling(runnable: Runnable[Any, Any]) -> Callable[..., Any]:
    async def call(config: RunnableConfig, **kwargs: Any) -> Any:
        return await runnable.ainvoke(kwargs, config)

    return call


def _calling_with_text(runnable: Runnable[Any, Any]) -> Callable[..., Any]:
    async def call(text: str, config: RunnableConfig) -> Any:
        return await runnable.ainvoke(text, config)

    return call
