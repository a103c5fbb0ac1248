"""`RunnableBranch`: of several runnables the first whose condition holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, cast

from pydantic import BaseModel

from chatcore.engine._opening import opening
from chatcore.engine.request import Request, Response
from chatcore.errors import ConfigurationError, WrongTypeError
from chatcore.runnables._config import RunnableConfig
from chatcore.runnables._runnable import Runnable, coerce_to_runnable
from chatcore.runnables._schemas import fields_of
from chatcore.runnables.utils import Input, Output

__all__ = ["RunnableBranch"]

_LEAST = 2
_PAIR = 2


class RunnableBranch(Runnable[Input, Output]):
    """Calls the runnable of the first pair whose condition holds of the input, or the default.

    ::

        RunnableBranch(
            (lambda text: "?" in text, model),
            (lambda text: "!" in text, str.lower),
            lambda text: "I see.",
        )

    Args:
        *branches: pairs of a condition and a runnable, and last the default. Each of them may be a runnable, a function
            or a dict of these.

    Raises:
        ConfigurationError: there are fewer than one pair and the default.
        WrongTypeError: something in it is no pair, or cannot be called.
    """

    branches: Sequence[tuple[Runnable[Any, Any], Runnable[Any, Any]]]
    default: Runnable[Any, Any]

    def __init__(self, *branches: Any) -> None:
        if len(branches) < _LEAST:
            msg = "RunnableBranch requires at least two branches: a pair of condition and runnable, and the default."
            raise ConfigurationError(msg)
        *pairs, default = branches
        if isinstance(default, list | tuple):
            msg = "RunnableBranch default must be Runnable, callable or mapping: the last argument, and no pair."
            raise WrongTypeError(msg)
        self.default = coerce_to_runnable(default)
        self.branches = [_pair(given) for given in pairs]

    @opening
    async def _start(self, request: Request) -> AsyncGenerator[Response[Any]]:
        chosen, label = self.default, "branch:default"
        for position, (condition, runnable) in enumerate(self.branches, 1):
            asked = request.child(request.input, label=_label(request, f"condition:{position}"))
            async with condition._open(asked) as response:
                holds = await response.result()
            if holds:
                chosen, label = runnable, f"branch:{position}"
                break
        asked = request.child(
            request.input, stream=request.stream, settings=request.settings, label=_label(request, label)
        )
        async with chosen._open(asked) as response:
            yield response  # noqa: ASYNC119 - a context manager's

    def _parts(self) -> Iterable[Runnable[Any, Any]]:
        return [
            self.default,
            *(runnable for _, runnable in self.branches),
            *(condition for condition, _ in self.branches),
        ]

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:  # noqa: D102 - said above
        for part in self._parts():
            schema = part.get_input_schema(config)
            root = schema.model_fields.get("root") if fields_of(schema) is None else None
            if root is None or root.annotation is not Any:
                return schema
        return super().get_input_schema(config)

    def __repr__(self) -> str:
        pairs = (f"({condition!r}, {runnable!r})" for condition, runnable in self.branches)
        return f"RunnableBranch({', '.join([*pairs, repr(self.default)])})"


def _label(request: Request, label: str) -> str | None:
    return label if request.run is not None else None


def _pair(given: Any) -> tuple[Runnable[Any, Any], Runnable[Any, Any]]:
    if not isinstance(given, list | tuple):
        msg = f"RunnableBranch branches must be tuples or lists, not {type(given).__name__}: (condition, runnable)."
        raise WrongTypeError(msg)
    pair = cast("Sequence[Any]", given)
    if len(pair) != _PAIR:
        msg = f"RunnableBranch branches must be tuples or lists of length 2, not {len(pair)}: (condition, runnable)."
        raise ConfigurationError(msg)
    return coerce_to_runnable(pair[0]), coerce_to_runnable(pair[1])
