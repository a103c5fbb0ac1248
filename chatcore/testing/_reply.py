"""One answer of the model, as a script gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NotRequired, Required, TypedDict, cast

from chatcore.errors import ConfigurationError

if TYPE_CHECKING:
    from chatcore.testing._latency import Latency

__all__ = ["Reply", "ScriptedToolCall"]


class ScriptedToolCall(TypedDict, total=False):
    """A tool call in a `Reply`.

    name: of the tool. args: an object, sent as JSON, or a text, sent as it is (to send what is not JSON).
    id: of the call; without one, made from the request's content.
    """

    name: Required[str]
    args: Required[Mapping[str, Any] | str]
    id: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model, as a script gives it.

    text: what it says; None: no content.
    tool_calls: the tools it calls, each `{"name": …, "args": {…}}`.
    reasoning: shown before the text, in the dialect's own way, and signed where its service signs it.
    refusal: sent in place of the text.
    finish_reason: None: "tool_calls" if there are any, else "stop". These two, "length" and "content_filter" are put in
        the dialect's words; any other is sent as it is.
    chunks: how the answer is cut when it is streamed: a str is a piece of the text, a mapping is sent verbatim, as what
        the dialect has for a piece (docs/simulator.md says what). Without `text`, the text is the str pieces joined.
        None: cut into simulated tokens.
    interleave: whether the argument deltas of several tool calls are streamed by turns; else one call after another.
    usage: sent verbatim in place of the tokens counted.
    headers: more response headers.
    latency: of this reply alone, in place of the simulator's.

    Raises ConfigurationError if `chunks` are str and do not join to `text`, a tool call has other keys than those of
    `ScriptedToolCall`, or a header holds a line break.
    """

    text: str | None = None
    tool_calls: Sequence[ScriptedToolCall] = ()
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    chunks: Sequence[str | Mapping[str, Any]] | None = None
    interleave: bool = False
    usage: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    latency: Latency | None = None

    def __post_init__(self) -> None:
        _check_calls(self.tool_calls)
        for name, value in self.headers.items():
            if any(mark in name + value for mark in "\r\n"):
                raise ConfigurationError(f"a header of the reply holds a line break: {name!r}: {value!r}")
        if self.chunks is None:
            return
        joined = "".join(piece for piece in self.chunks if isinstance(piece, str))
        if self.text is None:
            object.__setattr__(self, "text", joined or None)
        elif joined and joined != self.text:
            raise ConfigurationError(f"the reply's chunks join to {joined!r}, but its text is {self.text!r}")


def _check_calls(calls: object) -> None:
    # A script is often written by hand or read from a file: the wrong shape is told here, not in the middle of serving.
    kind = type(calls).__name__
    if isinstance(calls, str) or not isinstance(calls, Sequence):
        raise ConfigurationError(f"tool_calls is of type {kind}: give a list of {_CALL_FORM}")
    for position, call in enumerate(cast("Sequence[object]", calls)):
        where = f"tool_calls[{position}]"
        if not isinstance(call, Mapping):
            raise ConfigurationError(f"{where} is of type {type(call).__name__}: give {_CALL_FORM}")
        given = cast("Mapping[str, object]", call)
        if not {"name", "args"} <= given.keys() <= {"name", "args", "id"}:
            raise ConfigurationError(f"{where} must be {_CALL_FORM}; it has {sorted(map(str, given))}")
        for key, kinds in (("name", str), ("args", (str, Mapping)), ("id", (str, type(None)))):
            if not isinstance(given.get(key), kinds):
                found = type(given[key]).__name__
                raise ConfigurationError(f"{where}: its {key} is of type {found}; give {_CALL_FORM}")


_CALL_FORM: Final = "{'name': '...', 'args': {...} or a JSON text}, and an 'id' if you like"
