"""What the simulator answers: replies as they are scripted, and answers as they are made from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, Required, TypeAlias, TypedDict

from pydantic_core import to_json

from chatcore.errors import ConfigurationError
from chatcore.testing._faults import Fault
from chatcore.testing._latency import Latency
from chatcore.testing._record import SimulatedRequest
from chatcore.testing._schema import Schema
from chatcore.testing._text import count_tokens, digest_of, is_array, is_object, pieces, write

__all__ = ["Answer", "Call", "Outcomes", "Reply", "Script", "Scripted", "ScriptedToolCall", "answer_for", "echo"]


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
    interleave: whether the argument deltas of several tool calls are streamed by turns, instead of one call after another.
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


Scripted: TypeAlias = Reply | Fault | str | None
"""What a script says of one request: a reply, a fault, a text to reply with, or None for the default reply."""

Outcomes: TypeAlias = Callable[[SimulatedRequest], Scripted | Awaitable[Scripted]]

Script: TypeAlias = Reply | Fault | str | Sequence[Scripted] | Outcomes
"""One outcome for every request; a sequence, served in order of arrival, then the default; or a function of the request."""


def echo(request: SimulatedRequest) -> Reply:
    """A script that says what the user's last message said."""
    return Reply(request.prompt)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an answer, ready for the wire. arguments: a JSON text (or what the script sent in its place)."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of an answer's choices. chunks: how its text is streamed."""

    reply: Reply
    calls: Sequence[Call]
    chunks: Sequence[str | Mapping[str, Any]]
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire for one request.

    digest: of the request's content; ids are made from it.
    """

    id: str
    model: str
    choices: Sequence[Choice]
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    usage: Mapping[str, Any]
    logprobs: bool

    @property
    def reply(self) -> Reply:
        """The first choice's reply, which sets the headers and the pace of all."""
        return self.choices[0].reply


def answer_for(
    request: SimulatedRequest, digest: bytes, scripted: Reply | None, prompt_tokens: int, reply_tokens: int | None
) -> Answer:
    """The answer to a valid request.

    scripted: what the script says; None: an answer made from the request: JSON for its schema, a call of the tool it
        demands, or a text.
    reply_tokens: how long a text made is; None: a few sentences.
    Raises UnknownShapeError if no document can be made for the request's schema.
    """
    body = request.body
    choices: list[Choice] = []
    count: int = body.get("n") or 1
    for number in range(count):
        drawn = digest if number == 0 else digest_of(number, {"model": digest.hex()})
        reply = scripted if scripted is not None else _made_reply(body, drawn, reply_tokens)
        choices.append(_choice(reply, drawn))
    reasoning_tokens = sum(count_tokens(choice.reply.reasoning or "") for choice in choices)
    completion_tokens = sum(map(_tokens_of, choices))
    return Answer(
        id=f"chatcmpl-{digest.hex()[:24]}{request.occurrence:05x}",
        model=request.model,
        choices=choices,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        reasoning_tokens=reasoning_tokens,
        usage=choices[0].reply.usage or _usage(prompt_tokens, completion_tokens, reasoning_tokens),
        logprobs=body.get("logprobs") is True,
    )


def _usage(prompt_tokens: int, completion_tokens: int, reasoning_tokens: int) -> Mapping[str, Any]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _choice(reply: Reply, digest: bytes) -> Choice:
    calls = [_call(call, digest, number) for number, call in enumerate(reply.tool_calls)]
    return Choice(
        reply=reply,
        calls=calls,
        chunks=pieces(reply.text or "") if reply.chunks is None else reply.chunks,
        finish_reason=reply.finish_reason or ("tool_calls" if calls else "stop"),
    )


def _call(call: ScriptedToolCall, digest: bytes, number: int) -> Call:
    args = call["args"]
    return Call(
        id=call.get("id") or f"call_{digest.hex()[:20]}{number:04x}",
        name=call["name"],
        arguments=args if isinstance(args, str) else to_json(dict(args)).decode(),
    )


def _tokens_of(choice: Choice) -> int:
    reply = choice.reply
    texts = [reply.reasoning or "", reply.refusal or "", reply.text or ""]
    for call in choice.calls:
        texts += (call.name, call.arguments)
    return sum(map(count_tokens, texts))


def _made_reply(body: dict[str, Any], digest: bytes, reply_tokens: int | None) -> Reply:
    tool = _demanded_tool(body, digest)
    if tool is not None:
        name, schema, by_name = tool
        made = Schema(schema, "parameters of the function " + repr(name)).document(digest)
        # A call that was demanded by name ends with "stop", not with "tool_calls":
        # https://platform.openai.com/docs/guides/function-calling says so, and clients that look only there miss the call.
        return Reply(tool_calls=[{"name": name, "args": made}], finish_reason="stop" if by_name else None)
    response_format = body.get("response_format")
    if is_object(response_format) and response_format["type"] == "json_schema":
        named = response_format["json_schema"]
        made = Schema(named.get("schema") or {}, "response_format " + repr(named.get("name"))).document(digest)
        return Reply(to_json(made).decode())
    text = write(digest, reply_tokens)
    if is_object(response_format) and response_format["type"] == "json_object":
        return Reply(to_json({"answer": text}).decode())
    return _cut_to(body, text)


def _demanded_tool(body: dict[str, Any], digest: bytes) -> tuple[str, dict[str, Any], bool] | None:
    """The function that the request demands a call of: its name, its parameters, and whether it is demanded by name."""
    choice: object = body.get("tool_choice")
    functions = [tool["function"] for tool in body.get("tools") or () if tool["type"] == "function"]
    by_name = is_object(choice)
    if is_object(choice):
        functions = [function for function in functions if function["name"] == choice["function"]["name"]]
    elif choice != "required":
        return None
    if not functions:
        return None
    function = functions[digest[0] % len(functions)]
    return function["name"], function.get("parameters") or {"type": "object"}, by_name


def _cut_to(body: dict[str, Any], text: str) -> Reply:
    """The text as far as the request's `stop` and `max_tokens` let it go."""
    stop: object = body.get("stop")
    marks = [stop] if isinstance(stop, str) else stop
    for mark in marks if is_array(marks) else ():
        if mark and mark in text:
            text = text[: text.index(mark)]
    most: int | None = body.get("max_completion_tokens") or body.get("max_tokens")
    if most is not None and count_tokens(text) > most:
        return Reply("".join(pieces(text)[:most]), finish_reason="length")
    return Reply(text)
