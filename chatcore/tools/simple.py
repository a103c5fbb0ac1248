"""`Tool`: a function of one text as a tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

from chatcore.tools._of_function import FunctionTool, check_function
from chatcore.tools.base import ArgsSchema, ToolException

__all__ = ["Tool"]


class Tool(FunctionTool):
    """A tool of a function that takes one argument, a text unless `args_schema` says otherwise.

    Args:
        name: what the model calls it.
        func: the function, called in a worker thread.
        description: what it is for.
        coroutine: an async function, used in place of `func` where there is one.
        **kwargs: other fields of the tool.
    """

    def __init__(self, name: str, func: Callable[..., Any] | None, description: str, **kwargs: Any) -> None:
        super().__init__(name=name, func=func, description=description, **kwargs)

    @property
    def args(self) -> dict[str, Any]:
        """The JSON Schema of its argument."""
        return {"tool_input": {"type": "string"}} if self.args_schema is None else super().args

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs = super()._to_args_and_kwargs(tool_input, tool_call_id)
        given = (*args, *kwargs.values())
        if len(given) != 1:
            msg = (
                f"Too many arguments to single-input tool {self.name}: it takes one, not {len(given)}. Consider using"
                f" StructuredTool instead. Args: {list(given)}"
            )
            raise ToolException(msg)
        return given, {}

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None,
        name: str,
        description: str,
        return_direct: bool = False,  # noqa: FBT001, FBT002 - the reference's signature
        args_schema: ArgsSchema | None = None,
        coroutine: Callable[..., Awaitable[Any]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a tool of a function.

        Args:
            func: the function.
            name: what the model calls it.
            description: what it is for.
            return_direct: whether a loop of model and tools ends with its answer.
            args_schema: describes the argument.
            coroutine: an async function, used in place of `func`.
            **kwargs: other fields of the tool.

        Raises:
            ConfigurationError: there is no function.
        """
        check_function(func, coroutine)
        return cls(
            name=name,
            func=func,
            coroutine=coroutine,
            description=description,
            return_direct=return_direct,
            args_schema=args_schema,
            **kwargs,
        )
