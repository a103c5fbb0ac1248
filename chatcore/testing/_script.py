"""Scripts: what the simulator is told to answer, in whatever form that is most easily said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, cast

from chatcore.errors import ConfigurationError
from chatcore.testing._faults import Fault
from chatcore.testing._record import SimulatedRequest
from chatcore.testing._reply import Reply

__all__ = ["Outcomes", "Script", "Scripted", "check_outcome", "echo", "scripting"]

Scripted: TypeAlias = Reply | Fault | str | None
"""What a script says of one request: a reply, a fault, a text to reply with, or None for the default reply."""

Outcomes: TypeAlias = Callable[[SimulatedRequest], Scripted | Awaitable[Scripted]]
"""A script in the form that all others come down to: a function, sync or async, of the request."""

Script: TypeAlias = Reply | Fault | str | Sequence[Scripted] | Outcomes
"""One outcome for all requests; a sequence, served in order of arrival; or a function of the request."""


def echo(request: SimulatedRequest) -> Reply:
    """A script that says what the user's last message said."""
    return Reply(request.prompt)


def scripting(script: Script | None) -> Outcomes:
    """A script in any of its forms, as a function. Raises ConfigurationError for what is none."""
    if script is None or isinstance(script, Reply | Fault | str):
        return lambda _: script
    if callable(script):
        return script
    if not _is_sequence(script):
        raise ConfigurationError(
            f"script is a Reply, a Fault, a str, a sequence of those, or a function of the request; got {script!r}"
        )
    left = iter(tuple(script))
    return lambda _: next(left, None)


def _is_sequence(script: object) -> bool:
    return isinstance(script, Sequence) and all(map(_is_scripted, cast("Sequence[object]", script)))


def _is_scripted(outcome: object) -> bool:
    return outcome is None or isinstance(outcome, Reply | Fault | str)


def check_outcome(outcome: object) -> None:
    """Raise TypeError for what a script's function may not give."""
    if not _is_scripted(outcome):
        raise TypeError(f"a script gives a Reply, a Fault, a str or None; this one gave {outcome!r}")
