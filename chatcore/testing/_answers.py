"""What the simulator answers: made from a script's reply, or from the request alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from chatcore.testing._asked import Asked, Tool
from chatcore.testing._reply import Reply, ScriptedToolCall
from chatcore.testing._schema import Schema
from chatcore.testing._text import count_tokens, digest_of, pieces, prompt_tokens, thought, write

__all__ = ["Answer", "Call", "Choice", "answer_for"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an answer.

    id: as the script gave it; else None, and then a dialect makes one of the `key`.
    arguments: a JSON text (or what the script sent in its place).
    """

    id: str | None
    key: str
    name: str
    arguments: str

    def id_after(self, prefix: str) -> str:
        """Its id, which begins with `prefix` where the script has given none."""
        return self.id or prefix + self.key

    @property
    def parsed(self) -> Any:
        """The arguments as JSON; where they are none, the text itself."""
        try:
            return from_json(self.arguments)
        except ValueError:
            return self.arguments


@dataclass(frozen=True, slots=True)
class Choice:
    """One of an answer's choices.

    chunks: how its text is streamed.
    finish_reason: the script's own word; else "stop", "tool_calls" or "length".
    stopped_by: the stop text that ended it. demanded: whether it calls a tool that was demanded by name.
    """

    reply: Reply
    calls: Sequence[Call]
    chunks: Sequence[str | Mapping[str, Any]]
    finish_reason: str
    stopped_by: str | None = None
    demanded: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says to one request.

    key: 29 hexadecimal digits, of which ids are made. usage: what the script sends in place of the tokens counted.
    """

    key: str
    model: str
    choices: Sequence[Choice]
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    usage: Mapping[str, Any] | None

    @property
    def reply(self) -> Reply:
        """The first choice's reply, which sets the headers and the pace of all."""
        return self.choices[0].reply


def answer_for(
    asked: Asked, digest: bytes, occurrence: int, scripted: Reply | None, reply_tokens: int | None
) -> Answer:
    """The answer to a valid request.

    digest, occurrence: of the request's content.
    scripted: what the script says; None: an answer made from the request: JSON for its schema, a call of the tool it
        demands, or a text.
    reply_tokens: how long a text made is; None: a few sentences.
    Raises UnknownShapeError if no document can be made for the request's schema.
    """
    choices: list[Choice] = []
    for number in range(asked.choices):
        drawn = digest if number == 0 else digest_of(number, digest.hex(), None, None)
        choices.append(_made(asked, drawn, reply_tokens) if scripted is None else _choice(scripted, drawn))
    return Answer(
        key=f"{digest.hex()[:24]}{occurrence:05x}",
        model=asked.model,
        choices=choices,
        prompt_tokens=prompt_tokens(asked.messages),
        completion_tokens=sum(map(_tokens_of, choices)),
        reasoning_tokens=sum(count_tokens(choice.reply.reasoning or "") for choice in choices),
        usage=choices[0].reply.usage,
    )


def _choice(reply: Reply, digest: bytes, stopped_by: str | None = None, *, demanded: bool = False) -> Choice:
    calls = [_call(call, digest, number) for number, call in enumerate(reply.tool_calls)]
    return Choice(
        reply=reply,
        calls=calls,
        chunks=pieces(reply.text or "") if reply.chunks is None else reply.chunks,
        finish_reason=reply.finish_reason or ("tool_calls" if calls else "stop"),
        stopped_by=stopped_by,
        demanded=demanded,
    )


def _call(call: ScriptedToolCall, digest: bytes, number: int) -> Call:
    args = call["args"]
    return Call(
        id=call.get("id"),
        key=f"{digest.hex()[:20]}{number:04x}",
        name=call["name"],
        arguments=args if isinstance(args, str) else to_json(dict(args)).decode(),
    )


def _tokens_of(choice: Choice) -> int:
    reply = choice.reply
    texts = [reply.reasoning or "", reply.refusal or "", reply.text or ""]
    for call in choice.calls:
        texts += (call.name, call.arguments)
    return sum(map(count_tokens, texts))


def _made(asked: Asked, digest: bytes, reply_tokens: int | None) -> Choice:
    reasoning = thought(digest) if asked.reasoning else None
    tool = _demanded_tool(asked, digest)
    if tool is not None:
        made = Schema(dict(tool.parameters), f"parameters of the function {tool.name!r}").document(digest)
        reply = Reply(tool_calls=[{"name": tool.name, "args": made}], reasoning=reasoning)
        return _choice(reply, digest, demanded=isinstance(asked.demanded, str))
    if asked.schema is not None:
        made = Schema(dict(asked.schema), f"response_format {asked.schema_name!r}").document(digest)
        return _choice(Reply(to_json(made).decode(), reasoning=reasoning), digest)
    text = write(digest, reply_tokens)
    if asked.json:
        return _choice(Reply(to_json({"answer": text}).decode(), reasoning=reasoning), digest)
    return _cut(asked, digest, text, reasoning)


def _demanded_tool(asked: Asked, digest: bytes) -> Tool | None:
    """The function that the request demands a call of."""
    tools = [tool for tool in asked.tools if asked.demanded in {True, tool.name}]
    return tools[digest[0] % len(tools)] if tools else None


def _cut(asked: Asked, digest: bytes, text: str, reasoning: str | None) -> Choice:
    """The text as far as the request's `stop` and its limit let it go."""
    stopped_by = None
    for mark in asked.stop:
        if mark and mark in text:
            text = text[: text.index(mark)]
            stopped_by = mark
    if asked.max_tokens is not None and count_tokens(text) > asked.max_tokens:
        text = "".join(pieces(text)[: asked.max_tokens])
        return _choice(Reply(text, reasoning=reasoning, finish_reason="length"), digest)
    return _choice(Reply(text, reasoning=reasoning), digest, stopped_by)
