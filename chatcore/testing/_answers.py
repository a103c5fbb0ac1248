"""What the simulator answers: made from a script's reply, or from the request alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from chatcore.testing._record import SimulatedRequest
from chatcore.testing._reply import Reply, ScriptedToolCall
from chatcore.testing._schema import Schema
from chatcore.testing._text import count_tokens, digest_of, is_array, is_object, pieces, write

__all__ = ["Answer", "Call", "Choice", "answer_for"]


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

    top_logprobs: how many alternatives to each token are told, where `logprobs` are.
    """

    id: str
    model: str
    choices: Sequence[Choice]
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    usage: Mapping[str, Any]
    logprobs: bool
    top_logprobs: int

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
        top_logprobs=body.get("top_logprobs") or 0,
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
        # OpenAI ends a call that was demanded by name with "stop", not with "tool_calls"; a client that looks for calls
        # only after the latter misses it.
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
