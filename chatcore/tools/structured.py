"""`StructuredTool`: a function as a tool, with any number of arguments."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, Field, PlainSerializer, SkipValidation
from pydantic.errors import PydanticUserError

from chatcore.errors import ConfigurationError
from chatcore.messages._shapes import is_dict
from chatcore.schemas._functions import function_name
from chatcore.tools._of_function import FunctionTool, check_function
from chatcore.tools._signature import is_model, signature_facts
from chatcore.tools.base import FILTERED_ARGS, ArgsSchema, create_schema_from_function

__all__ = ["StructuredTool"]


def _as_json(schema: Any) -> Any:
    if not is_model(schema):
        return schema
    try:
        return schema.model_json_schema()
    except PydanticUserError:
        # Of an injected argument of any class there is no JSON Schema.
        return str(schema)


class StructuredTool(FunctionTool):
    """A tool of a function that takes any number of arguments. `tool` and `from_function` make one.

    func: the function, called in a worker thread.
    coroutine: an async function, used in its place where there is one.
    """

    args_schema: Annotated[
        SkipValidation[ArgsSchema | None], PlainSerializer(_as_json, when_used="json-unless-none")
    ] = Field(..., description="The tool schema.")

    @classmethod
    def from_function(  # noqa: PLR0913 - the reference's signature
        cls,
        func: Callable[..., Any] | None = None,
        coroutine: Callable[..., Awaitable[Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,  # noqa: FBT001, FBT002 - the reference's signature
        args_schema: ArgsSchema | None = None,
        infer_schema: bool = True,  # noqa: FBT001, FBT002 - the reference's signature
        *,
        response_format: Literal["content", "content_and_artifact"] = "content",
        parse_docstring: bool = False,
        error_on_invalid_docstring: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Make a tool of a function.

        Args:
            func: the function, sync or async.
            coroutine: an async function, used in its place.
            name: what the model calls it; the function's name if absent.
            description: what it is for; the docstring, or that of `args_schema`, if absent.
            return_direct: whether a loop of model and tools ends with its answer.
            args_schema: describes the arguments.
            infer_schema: whether the signature does so if there is no `args_schema`.
            response_format: `"content_and_artifact"`: it returns a pair, of which the model sees the first.
            parse_docstring: whether the docstring describes the arguments (Google, NumPy or Sphinx style).
            error_on_invalid_docstring: whether a docstring that describes none is an error then.
            **kwargs: other fields of the tool.

        Raises:
            ConfigurationError: there is no function, or no description.
        """
        check_function(func, coroutine)
        source = cast("Callable[..., Any]", func or coroutine)
        if coroutine is None and inspect.iscoroutinefunction(func):
            func, coroutine = None, func
        name = name or function_name(source)
        if args_schema is None and infer_schema:
            config = signature_facts(source).config
            args_schema = create_schema_from_function(
                name,
                source,
                filter_args=[*FILTERED_ARGS, config] if config else None,
                parse_docstring=parse_docstring,
                error_on_invalid_docstring=error_on_invalid_docstring,
            )
        if description is None:
            description = textwrap.dedent(_described(source, args_schema, parse_docstring=parse_docstring))
        return cls(
            name=name,
            func=func,
            coroutine=coroutine,
            args_schema=args_schema,
            description=description.strip(),
            return_direct=return_direct,
            response_format=response_format,
            **kwargs,
        )


def _described(source: Callable[..., Any], schema: Any, *, parse_docstring: bool) -> str:
    function: Any = source
    while isinstance(function, functools.partial):
        function = cast("functools.partial[Any]", function).func
    own = function.__doc__ if not parse_docstring else None
    said: str | None = own or (schema.get("description") if is_dict(schema) else schema and schema.__doc__)
    if said:
        return said
    if isinstance(function, type) and issubclass(function, BaseModel):
        # Its fields say what it is.
        return ""
    msg = f"Function must have a docstring if description not provided: {function_name(source)} has neither."
    raise ConfigurationError(msg)
