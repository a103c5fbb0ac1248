"""Ollama's own API: the paths, requests, replies, and streams of a JSON document a line.

Shapes: https://github.com/ollama/ollama/blob/main/docs/api.md. A stream is the default there. Errors are texts, and
what the server does not know it passes over; what it cannot read it refuses in the words of Go's JSON decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._answers import Answer, Choice
from chatcore.testing._asked import Asked, Tool
from chatcore.testing._dialect import Dialect, Endpoint, Turn, Visit, Whole, asking, path_of
from chatcore.testing._framing import JsonLines, StreamEvent
from chatcore.testing._http import Incoming
from chatcore.testing._limits import Verdict
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import count_tokens, is_array, is_base64, is_object, pieces

__all__ = ["Ollama"]

_CREATED = "2023-11-14T22:13:20Z"
_TOKEN_NANOSECONDS = 10_000_000
_SAYINGS = {
    400: "invalid request",
    401: "unauthorized",
    404: "model not found",
    405: "405 method not allowed",
    429: "too many requests",
    500: "an error was encountered while running the model",
    503: "server busy, please try again. maximum pending requests exceeded",
    529: "server overloaded, please retry shortly",
}
_ROLES = ("system", "user", "assistant", "tool")
_THINKS = ("high", "medium", "low", "max")
_GO: Mapping[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


class Ollama(Dialect):
    """`/api/chat` and what belongs to it."""

    name = "ollama"
    framing = JsonLines()

    def __init__(self, models: Sequence[str] | None) -> None:
        super().__init__(models)
        self.endpoints = (
            asking("/api/chat", self._read),
            Endpoint("GET", path_of("/api/tags"), self._tags),
            Endpoint("GET", path_of("/api/ps"), self._tags),
            Endpoint("POST", path_of("/api/show"), self._show),
            Endpoint("GET", path_of("/api/version"), self._version),
        )

    # --------------------------------------------------------------------------------------------------------- requests

    @override
    def owns(self, path: str) -> bool:
        return path.startswith("/api/")

    @override
    def key(self, incoming: Incoming) -> str | None:
        return incoming.keys.get("authorization")

    @override
    def no_json(self, why: str) -> Problem:
        return Problem(400, f"invalid character: {why}")

    @override
    def no_object(self, body: object) -> Problem:
        return _mistaken("value", body, "api.ChatRequest").problem

    @override
    def no_path(self, incoming: Incoming) -> Problem:
        return Problem(404, "404 page not found")

    @override
    def limited(self, verdict: Verdict, model: str) -> Problem:
        return Problem(429, f"too many {verdict.kind}, limit {verdict.limit} a minute", retry_after=verdict.wait)

    def _read(self, visit: Visit) -> Asked:
        body = visit.body or {}
        model = self._known(body.get("model"))
        messages = _messages(body.get("messages"))
        options = _object(body, "options", "map[string]interface {}")
        form: object = body.get("format")
        if form not in (None, "", "json") and not is_object(form):
            raise _refusal(f'invalid format: {to_json(form).decode()}; expected "json" or a valid JSON Schema object')
        think: object = body.get("think")
        if not isinstance(think, bool | None) and think not in _THINKS:
            raise _refusal(
                f'invalid think value: {to_json(think).decode()} (must be "high", "medium", "low", true, or false)'
            )
        stop: object = options.get("stop")
        most: object = options.get("num_predict")
        return Asked(
            model=model,
            messages=messages,
            stream=_flag(body, "stream") is not False,
            tools=_tools(body),
            schema=form if is_object(form) else None,
            schema_name="format",
            json=form == "json",
            stop=[mark for mark in stop if isinstance(mark, str)] if is_array(stop) else (),
            max_tokens=most if isinstance(most, int) and most > 0 else None,
            seed=options.get("seed"),
            reasoning=bool(think),
        )

    def _known(self, name: object) -> str:
        """A model's name. Raises RefusedError if there is none such."""
        if name is None or name == "":
            raise _refusal("model is required")
        if not isinstance(name, str):
            raise _mistaken("model", name, "string")
        if self.models is not None and not {name, name.removesuffix(":latest")} & {*self.models}:
            raise _refusal(f"model '{name}' not found", 404)
        return name

    def _tags(self, _visit: Visit) -> bytes:
        return to_json({"models": [_card(name) for name in self.models or ("simulator",)]})

    def _version(self, _visit: Visit) -> bytes:
        return b'{"version":"0.13.0"}'

    def _show(self, visit: Visit) -> bytes:
        body = visit.body or {}
        card = _card(self._known(body.get("model") or body.get("name")))
        more: dict[str, Any] = {
            "template": "",
            "capabilities": ["completion", "tools", "thinking", "vision"],
            "model_info": {},
        }
        return to_json({"details": card["details"], "modified_at": _CREATED, **more})

    # ---------------------------------------------------------------------------------------------------------- replies

    @override
    def plain(self, turn: Turn) -> Whole:
        """One document with all of it."""
        answer = turn.answer
        if not turn.asked.messages:
            return Whole(to_json(_loaded(answer)), 0)
        choice = answer.choices[0]
        message: dict[str, Any] = {"role": "assistant", "content": choice.reply.text or choice.reply.refusal or ""}
        if choice.reply.reasoning is not None:
            message["thinking"] = choice.reply.reasoning
        if choice.calls:
            message["tool_calls"] = _calls(choice)
        return Whole(to_json(_document(answer, message) | _ended(answer)), answer.completion_tokens)

    @override
    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """A document for every piece, and a last one with the counts. Tool calls come whole."""
        answer = turn.answer
        if not turn.asked.messages:
            yield StreamEvent(self.framing.frame(to_json(_loaded(answer)), 0), 0)
            return
        tokens = place = 0
        for place, (said, made) in enumerate(_pieces(answer.choices[0])):
            tokens += made
            message = {"role": "assistant", "content": "", **said}
            yield StreamEvent(self.framing.frame(to_json(_document(answer, message) | {"done": False}), place), tokens)
        last = _document(answer, {"role": "assistant", "content": ""}) | _ended(answer)
        yield StreamEvent(self.framing.frame(to_json(last), place + 1), tokens)

    @override
    def error(self, problem: Problem, request_id: str) -> bytes:
        status = problem.status
        return to_json({"error": problem.message or _SAYINGS.get(status, _SAYINGS[500 if status >= 500 else 400])})


def _card(name: str) -> dict[str, Any]:
    details = {"format": "gguf", "family": "simulator", "families": ["simulator"], "parameter_size": "0B",
               "parent_model": "", "quantization_level": "F16"}  # fmt: skip
    digest = "0" * 64
    return {"name": name, "model": name, "modified_at": _CREATED, "size": 0, "digest": digest, "details": details}


# ------------------------------------------------------------------------------------------------------------- requests


def _refusal(message: str, status: int = 400) -> RefusedError:
    return RefusedError(Problem(status, message))


def _mistaken(where: str, value: object, wanted: str) -> RefusedError:
    found = _GO.get(type(value), "null")
    return _refusal(f"json: cannot unmarshal {found} into Go struct field ChatRequest.{where} of type {wanted}")


def _object(holder: Mapping[str, Any], name: str, wanted: str, where: str = "") -> dict[str, Any]:
    value: object = holder.get(name)
    if value is not None and not is_object(value):
        raise _mistaken(f"{where}{name}", value, wanted)
    return value or {}


def _list(holder: Mapping[str, Any], name: str, wanted: str, where: str = "") -> list[Any]:
    value: object = holder.get(name)
    if value is not None and not is_array(value):
        raise _mistaken(f"{where}{name}", value, wanted)
    return value or []


def _string(holder: Mapping[str, Any], name: str, where: str = "") -> str:
    value: object = holder.get(name)
    if not isinstance(value, str | None):
        raise _mistaken(f"{where}{name}", value, "string")
    return value or ""


def _flag(holder: Mapping[str, Any], name: str) -> bool | None:
    value: object = holder.get(name)
    if not isinstance(value, bool | None):
        raise _mistaken(name, value, "bool")
    return value


def _messages(given: object) -> list[dict[str, Any]]:
    if given is not None and not is_array(given):
        raise _mistaken("messages", given, "[]api.Message")
    return [_message(message) for message in given or ()]


def _message(message: object) -> dict[str, Any]:
    if not is_object(message):
        raise _mistaken("messages", message, "api.Message")
    where = "messages."
    role = _string(message, "role", where)
    if role.lower() not in _ROLES:
        raise _refusal(f'invalid role "{role}", role must be one of [{", ".join(_ROLES)}]')
    content = _string(message, "content", where)
    images = _list(message, "images", "[]api.ImageData", where)
    for image in images:
        if not is_base64(image):
            raise _refusal("illegal base64 data at input byte 0")
    made: dict[str, Any] = {"role": role.lower(), "content": content}
    if images:
        urls = [{"type": "image_url", "image_url": {"url": f"data:image/*;base64,{image}"}} for image in images]
        made["content"] = [{"type": "text", "text": content}, *urls]
    calls = [_call(call) for call in _list(message, "tool_calls", "[]api.ToolCall", where)]
    if calls:
        made["tool_calls"] = calls
    if role == "tool":
        made["tool_call_id"] = message.get("tool_call_id") or message.get("tool_name")
    return made


def _call(call: object) -> dict[str, Any]:
    if not is_object(call):
        raise _mistaken("messages.tool_calls", call, "api.ToolCall")
    where = "messages.tool_calls."
    function = _object(call, "function", "api.ToolCallFunction", where)
    name = _string(function, "name", f"{where}function.")
    arguments = _object(function, "arguments", "api.ToolCallFunctionArguments", f"{where}function.")
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": name, "arguments": to_json(arguments).decode()},
    }


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    tools: list[Tool] = []
    for tool in _list(body, "tools", "api.Tools"):
        if not is_object(tool):
            raise _mistaken("tools", tool, "api.Tool")
        function = _object(tool, "function", "api.ToolFunction", "tools.")
        name = _string(function, "name", "tools.function.")
        parameters = _object(function, "parameters", "api.ToolFunctionParameters", "tools.function.")
        tools.append(Tool(name, parameters or {"type": "object"}))
    return tools


# -------------------------------------------------------------------------------------------------------------- replies


def _document(answer: Answer, message: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": answer.model, "created_at": _CREATED, "message": message}


def _loaded(answer: Answer) -> dict[str, Any]:
    """What is said to a request without messages, which only loads the model."""
    return _document(answer, {"role": "assistant", "content": ""}) | {"done_reason": "load", "done": True}


def _ended(answer: Answer) -> dict[str, Any]:
    reason = answer.choices[0].finish_reason
    evaluated = answer.prompt_tokens * _TOKEN_NANOSECONDS // 10
    made = answer.completion_tokens * _TOKEN_NANOSECONDS
    return {
        "done": True,
        "done_reason": "stop" if reason == "tool_calls" else reason,
        "total_duration": evaluated + made,
        "load_duration": 0,
        "prompt_eval_count": answer.prompt_tokens,
        "prompt_eval_duration": evaluated,
        "eval_count": answer.completion_tokens,
        "eval_duration": made,
        **(answer.usage or {}),
    }


def _calls(choice: Choice) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id_after("call_"),
            "function": {"index": index, "name": call.name, "arguments": call.parsed},
        }
        for index, call in enumerate(choice.calls)
    ]


def _pieces(choice: Choice) -> Iterator[tuple[Mapping[str, Any], int]]:
    """What the messages of a stream say, each with the tokens it makes."""
    reply = choice.reply
    thoughts = (({"thinking": piece}, 1) for piece in pieces(reply.reasoning or ""))
    chunks = choice.chunks if reply.text or not reply.refusal else pieces(reply.refusal)
    texts = (({"content": chunk}, count_tokens(chunk)) if isinstance(chunk, str) else (chunk, 1) for chunk in chunks)
    calls = (
        ({"tool_calls": [part]}, count_tokens(call.name) + count_tokens(call.arguments))
        for call, part in zip(choice.calls, _calls(choice), strict=True)
    )
    yield from chain(thoughts, texts, calls)
