"""What is wrong with the arguments of a model, told so that it can be mended."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from chatcore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import BaseModel, ValidationError

__all__ = ["explained", "renamed"]


def renamed(kind: type[BaseModel], given: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """The arguments by our names for them.

    kind: the model's class.
    given: the arguments as they came.
    aliases: other names of arguments, each with ours.

    Raises:
        ConfigurationError: one is unknown, or given under two names.
    """
    known = kind.model_fields
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        ours = name if name in known else aliases.get(name, name)
        if ours not in known:
            near = get_close_matches(name, [*known, *aliases], n=1)
            msg = (
                f"{kind.__name__} has no argument {name!r}.{f' Did you mean {near[0]!r}?' if near else ''} "
                f"A parameter of the API goes into model_kwargs={{{name!r}: ...}}; one that only this server knows, "
                "into extra_body."
            )
            raise ConfigurationError(msg)
        if ours in arguments:
            msg = f"{kind.__name__} is given {ours} twice, once as {name!r}."
            raise ConfigurationError(msg)
        arguments[ours] = value
    return arguments


def explained(
    kind: type[BaseModel], error: ValidationError, given: Mapping[str, Any], not_shown: Collection[str]
) -> ConfigurationError:
    """What pydantic found wrong, a line for each argument.

    kind: the model's class.
    error: what pydantic raised.
    given: the arguments.
    not_shown: arguments whose values may be secret, and are not repeated.
    """
    said: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else "arguments"
        message = problem["msg"].removeprefix("Value error, ").rstrip(".")
        if message not in said.setdefault(name, []):
            said[name].append(message)
    lines: list[str] = []
    for name, messages in said.items():
        shown = f" (given: {given[name]!r:.100})" if name in given and name not in not_shown else ""
        lines.append(f"{name}: {'; or '.join(messages)}{shown}")
    return ConfigurationError(f"{kind.__name__}: " + "\n".join(lines))
