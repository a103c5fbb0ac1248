"""OpenAI's Responses API: replies, the named events of streams, and the responses that are kept.

Shapes: https://platform.openai.com/docs/api-reference/responses and .../responses-streaming. Background mode:
https://platform.openai.com/docs/guides/background.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from chatcore.testing._answers import Answer, Call, Choice
from chatcore.testing._asked import Asked
from chatcore.testing._dialect import Endpoint, Turn, Visit, Whole, asking, path_of
from chatcore.testing._dialects._openai import CREATED, OpenAI, error_object, refusal
from chatcore.testing._dialects.openai_responses_request import items_of, read
from chatcore.testing._framing import EventStream, StreamEvent
from chatcore.testing._problem import Problem
from chatcore.testing._text import count_tokens, pieces, prompt_tokens, seal

__all__ = ["OpenAIResponses"]

_KEPT = 1000
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Kept:
    """A response that can be asked for again. inputs: the items it was given, and those before them."""

    turn: Turn
    inputs: list[dict[str, Any]]
    cancelled: bool = False

    def status(self, now: float) -> str | None:
        """What a background response has come to; None: it has ended by itself."""
        turn = self.turn
        if self.cancelled:
            return "cancelled"
        if not turn.request.body.get("background"):
            return None
        passed = now - turn.request.started
        if passed < turn.pace.first:
            return "queued"
        return "in_progress" if passed < turn.pace.after(turn.answer.completion_tokens) else None


class OpenAIResponses(OpenAI):
    """Responses. prefix: of the paths."""

    name = "openai_responses"
    framing = EventStream(named=True)

    def __init__(self, models: Sequence[str] | None, *, prefix: str) -> None:
        super().__init__(models)
        self._kept: dict[str, _Kept] = {}
        one = prefix + "/responses/{response}"
        self.endpoints = (
            asking(f"{prefix}/responses", self._read),
            Endpoint("POST", path_of(f"{prefix}/responses/input_tokens"), self._count),
            Endpoint("GET", path_of(one), self._retrieve),
            Endpoint("DELETE", path_of(one), self._delete),
            Endpoint("POST", path_of(one + "/cancel"), self._cancel),
            Endpoint("GET", path_of(one + "/input_items"), self._input_items),
        )

    # --------------------------------------------------------------------------------------------------------- requests

    def _read(self, visit: Visit) -> Asked:
        body = visit.body or {}
        return read(body, self._earlier(body), models=self.models)

    def _earlier(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The items that a request goes on from. Raises RefusedError if the response it names is not kept."""
        if body.get("conversation") is not None:
            raise refusal("Conversations are not simulated; use 'previous_response_id'.", param="conversation")
        previous: object = body.get("previous_response_id")
        if previous is None:
            return []
        kept = self._kept.get(str(previous))
        if kept is None:
            raise refusal(
                f"Previous response with id '{previous}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return [*kept.inputs, *_output(kept.turn.answer, "completed", encrypted=False)]

    def _count(self, visit: Visit) -> bytes:
        tokens = prompt_tokens(self._read(visit).messages)
        return to_json({"object": "response.input_tokens", "input_tokens": tokens})

    # --------------------------------------------------------------------------------------------------- kept responses

    def _keep(self, turn: Turn) -> None:
        body = turn.request.body
        if body.get("store") is False:
            return
        self._kept[f"resp_{turn.answer.key}"] = _Kept(turn, [*self._earlier(body), *items_of(body)])
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]

    def _found(self, visit: Visit) -> _Kept:
        name = visit.found["response"]
        if name not in self._kept:
            raise refusal(f"Response with id '{name}' not found.", status=404)
        return self._kept[name]

    def _retrieve(self, visit: Visit) -> bytes | Iterator[StreamEvent]:
        kept = self._found(visit)
        if visit.incoming.query.get("stream") != "true":
            return to_json(_response(kept.turn, kept.status(visit.now)))
        after = visit.incoming.query.get("starting_after", "")
        return _events(kept.turn, int(after) + 1 if after.isdecimal() else 0)

    def _delete(self, visit: Visit) -> bytes:
        self._found(visit)
        name = visit.found["response"]
        del self._kept[name]
        return to_json({"id": name, "object": "response", "deleted": True})

    def _cancel(self, visit: Visit) -> bytes:
        kept = self._found(visit)
        if not kept.turn.request.body.get("background"):
            raise refusal("Cannot cancel a synchronous response.")
        # What has ended already stays as it is: to cancel it is no error.
        kept.cancelled = kept.status(visit.now) is not None
        return to_json(_response(kept.turn, kept.status(visit.now)))

    def _input_items(self, visit: Visit) -> bytes:
        items = [{"id": f"item_{number}", **item} for number, item in enumerate(self._found(visit).inputs)]
        ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {}
        return to_json({"object": "list", "data": items[::-1], "has_more": False, **ends})

    # ---------------------------------------------------------------------------------------------------------- replies

    @override
    def plain(self, turn: Turn) -> Whole:
        """A `response`; one in the background is only queued yet."""
        self._keep(turn)
        if turn.request.body.get("background"):
            return Whole(to_json(_response(turn, "queued")), None)
        return Whole(to_json(_response(turn)), turn.answer.completion_tokens)

    @override
    def events(self, turn: Turn) -> Iterator[StreamEvent]:
        """The named and numbered events of its making."""
        self._keep(turn)
        return _events(turn, 0)

    @override
    def error_in_reply(self, problem: Problem, turn: Turn) -> bytes:
        """A response that has failed."""
        error = error_object(problem)
        response = _response(turn, "failed")
        return to_json(response | {"error": {"code": error["code"] or error["type"], "message": error["message"]}})

    @override
    def error_in_stream(self, problem: Problem, turn: Turn, place: int) -> bytes:
        """An `error` event."""
        error = error_object(problem)
        said = {"type": "error", "code": error["code"], "message": error["message"], "param": error["param"]}
        return self.framing.frame(to_json(said | {"sequence_number": place}), place, "error")


# --------------------------------------------------------------------------------------------------------------- bodies


def _response(turn: Turn, status: str | None = None) -> dict[str, Any]:
    """The response as it stands. status: None: as it ends."""
    body, answer = turn.request.body, turn.answer
    choice = answer.choices[0]
    reason = _INCOMPLETE.get(choice.finish_reason)
    ended = status is None
    final = status or ("completed" if reason is None else "incomplete")
    text: Mapping[str, Any] = body.get("text") or {}
    reasoning: Mapping[str, Any] = body.get("reasoning") or {}
    return {
        "id": f"resp_{answer.key}",
        "object": "response",
        "created_at": CREATED,
        "status": final,
        "background": body.get("background") or False,
        "completed_at": CREATED + 1 if final == "completed" else None,
        "error": None,
        "incomplete_details": {"reason": reason} if ended and reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": answer.model,
        "output": _output(answer, final, encrypted=_encrypted(body)) if ended else [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": _usage(answer) if ended else None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _usage(answer: Answer) -> Mapping[str, Any]:
    return answer.usage or {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def _encrypted(body: Mapping[str, Any]) -> bool:
    return "reasoning.encrypted_content" in (body.get("include") or ())


def _output(answer: Answer, status: str, *, encrypted: bool) -> list[dict[str, Any]]:
    """All items of the output."""
    choice = answer.choices[0]
    items: list[dict[str, Any]] = []
    if choice.reply.reasoning is not None:
        items.append(_reasoning(answer, choice.reply.reasoning, encrypted=encrypted))
    part = _part(choice)
    if part is not None:
        items.append(_message(answer, "completed" if status == "completed" else "incomplete", [part]))
    items += (_call(call, call.arguments, "completed") for call in choice.calls)
    return items


def _reasoning(answer: Answer, text: str | None, *, encrypted: bool) -> dict[str, Any]:
    summary = [] if text is None else [{"type": "summary_text", "text": text}]
    item: dict[str, Any] = {"id": f"rs_{answer.key}", "type": "reasoning", "summary": summary}
    if encrypted:
        item["encrypted_content"] = seal(answer.choices[0].reply.reasoning or "")
    return item


def _message(answer: Answer, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.key}",
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
    }


def _part(choice: Choice) -> dict[str, Any] | None:
    """The one part of the message; None: there is no message."""
    if choice.reply.refusal is not None:
        return {"type": "refusal", "refusal": choice.reply.refusal}
    if choice.reply.text is None and choice.calls:
        return None
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": choice.reply.text or ""}


def _call(call: Call, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": f"fc_{call.key}",
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call.id_after("call_"),
        "name": call.name,
    }


# --------------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class _Step:
    """An event before it has its number. tokens: made by it alone."""

    kind: str
    said: Mapping[str, Any]
    tokens: int = 0


def _events(turn: Turn, start: int) -> Iterator[StreamEvent]:
    """The events from the one with this number on."""
    tokens = 0
    for number, step in enumerate(_steps(turn)):
        tokens += step.tokens
        if number >= start:
            document = to_json({"type": step.kind, **step.said, "sequence_number": number})
            yield StreamEvent(OpenAIResponses.framing.frame(document, number, step.kind), tokens)


def _steps(turn: Turn) -> Iterator[_Step]:
    answer = turn.answer
    choice = answer.choices[0]
    background = turn.request.body.get("background")
    begun = _response(turn, "queued" if background else "in_progress")
    yield _Step("response.created", {"response": begun})
    if background:
        yield _Step("response.queued", {"response": begun})
    yield _Step("response.in_progress", {"response": begun | {"status": "in_progress"}})
    index = 0
    if choice.reply.reasoning is not None:
        yield from _reasoning_steps(answer, choice.reply.reasoning, encrypted=_encrypted(turn.request.body))
        index += 1
    final = _response(turn)
    part = _part(choice)
    if part is not None:
        yield from _message_steps(answer, choice, part, index, final["status"])
        index += 1
    calls = [_call_steps(call, index + number) for number, call in enumerate(choice.calls)]
    if choice.reply.interleave:
        yield from (step for turns in zip_longest(*calls) for step in turns if step is not None)
    else:
        yield from chain.from_iterable(calls)
    yield _Step(f"response.{final['status']}", {"response": final})


def _reasoning_steps(answer: Answer, text: str, *, encrypted: bool) -> Iterator[_Step]:
    yield _Step("response.output_item.added",
                {"output_index": 0, "item": _reasoning(answer, None, encrypted=encrypted)})  # fmt: skip
    where = {"item_id": f"rs_{answer.key}", "output_index": 0, "summary_index": 0}
    empty = {"type": "summary_text", "text": ""}
    yield _Step("response.reasoning_summary_part.added", {**where, "part": empty})
    for piece in pieces(text):
        yield _Step("response.reasoning_summary_text.delta", {**where, "delta": piece}, 1)
    yield _Step("response.reasoning_summary_text.done", {**where, "text": text})
    yield _Step("response.reasoning_summary_part.done", {**where, "part": {"type": "summary_text", "text": text}})
    yield _Step("response.output_item.done", {"output_index": 0, "item": _reasoning(answer, text, encrypted=encrypted)})


def _message_steps(answer: Answer, choice: Choice, part: dict[str, Any], index: int, status: str) -> Iterator[_Step]:
    yield _Step("response.output_item.added", {"output_index": index, "item": _message(answer, "in_progress", [])})
    where = {"item_id": f"msg_{answer.key}", "output_index": index, "content_index": 0}
    refuses = part["type"] == "refusal"
    field, kind = ("refusal", "response.refusal") if refuses else ("text", "response.output_text")
    more: dict[str, Any] = {} if refuses else {"logprobs": []}
    yield _Step("response.content_part.added", {**where, "part": part | {field: ""}})
    for chunk in pieces(part["refusal"]) if refuses else choice.chunks:
        if isinstance(chunk, str):
            yield _Step(f"{kind}.delta", {**where, "delta": chunk, **more}, count_tokens(chunk))
        else:
            said = dict(chunk)
            yield _Step(str(said.pop("type", f"{kind}.delta")), said, 1)
    yield _Step(f"{kind}.done", {**where, field: part[field], **more})
    yield _Step("response.content_part.done", {**where, "part": part})
    ended = "completed" if status == "completed" else "incomplete"
    yield _Step("response.output_item.done", {"output_index": index, "item": _message(answer, ended, [part])})


def _call_steps(call: Call, index: int) -> Iterator[_Step]:
    yield _Step("response.output_item.added", {"output_index": index, "item": _call(call, "", "in_progress")},
                count_tokens(call.name))  # fmt: skip
    where = {"item_id": f"fc_{call.key}", "output_index": index}
    for piece in pieces(call.arguments):
        yield _Step("response.function_call_arguments.delta", {**where, "delta": piece}, 1)
    yield _Step("response.function_call_arguments.done", {**where, "name": call.name, "arguments": call.arguments})
    yield _Step("response.output_item.done", {"output_index": index, "item": _call(call, call.arguments, "completed")})
