"""`RouterRunnable`: of several runnables the one that the input names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, cast

from typing_extensions import TypedDict

from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response
from chatcore.errors import InvalidInputError
from chatcore.runnables._runnable import Runnable, coerce_to_runnable
from chatcore.runnables.utils import Output

__all__ = ["RouterInput", "RouterRunnable"]


class RouterInput(TypedDict):
    """Router input.

    key: the name of a runnable.
    input: what it is called with.
    """

    key: str
    input: Any


class RouterRunnable(Runnable[RouterInput, Output]):
    """Calls the runnable that the input names.

    Args:
        runnables: the runnables, or functions, by name.

    Raises:
        WrongTypeError: one of them cannot be called.
    """

    def __init__(self, runnables: Mapping[str, Any]) -> None:
        self.runnables: dict[str, Runnable[Any, Any]] = {
            key: coerce_to_runnable(runnable) for key, runnable in runnables.items()
        }

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        given: object = request.input
        if not isinstance(given, Mapping) or not {"key", "input"} <= given.keys():
            msg = f"A router takes a dict with the keys 'key' and 'input', not {given!r}."
            raise InvalidInputError(msg)
        routed = cast("RouterInput", given)
        key = routed["key"]
        if key not in self.runnables:
            known = ", ".join(map(repr, self.runnables)) or "none"
            msg = f"No runnable associated with key '{key}'; there are {known}."
            raise InvalidInputError(msg)
        asked = request.child(routed["input"], stream=request.stream, settings=request.settings)
        async with self.runnables[key]._open(asked) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return self.runnables.values()

    def _output_type(self) -> Any:
        return Any

    def _input_type(self) -> Any:
        return RouterInput

    def __repr__(self) -> str:
        return f"RouterRunnable({self.runnables!r})"
