"""One answer of the model, as a script gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, Required, TypedDict

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
    reasoning: sent as `reasoning_content`, before the text.
    refusal: sent as `refusal`, in place of the text.
    finish_reason: None: "tool_calls" if there are any, else "stop".
    chunks: how the answer is cut when it is streamed: a str is a piece of the text, a mapping is sent as the event's
        `delta`, verbatim. Without `text`, the text is the str pieces joined. None: cut into simulated tokens.
    interleave: whether the argument deltas of several tool calls are streamed by turns; else one call after another.
    usage: sent verbatim in place of the tokens counted.
    headers: more response headers.
    latency: of this reply alone, in place of the simulator's.

    Raises ConfigurationError if `chunks` are str and do not join to `text`, or a header holds a line break.
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
