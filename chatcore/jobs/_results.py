"""What came of a line → one line of a batch's output. No I/O.

An answer is written in the form its line had: the result object of OpenAI's batches
(https://platform.openai.com/docs/api-reference/batch/request-output), or a simple one. docs/batch.md lists the fields.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pydantic_core

from chatcore.errors import ChatCoreError, ProviderError
from chatcore.jobs._lines import Line
from chatcore.messages import AIMessage

__all__ = ["Answer", "Failure", "encoded"]

_INNER = ("tool_calls", "__openai_role__")
"""Keys of `additional_kwargs` that are no fields of the answer, or have a better source."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt.

    messages: its message; several if more than one choice was asked for.
    seconds: how long the call took that gave it; waits between attempts are not in it.
    first_token: seconds of it until the first token; None if it was not streamed.
    """

    messages: Sequence[AIMessage]
    seconds: float
    first_token: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a line has no answer.

    type: the error's class, or "BadLine".
    code: the provider's own code, as text.
    message: what is wrong, and what to do.
    status: the HTTP status, if the provider answered.
    request_id: the provider's id of the request.
    retryable: whether another attempt may help.
    body: what the provider said: parsed JSON, or text.
    """

    type: str
    message: str
    code: str | None = None
    status: int | None = None
    request_id: str | None = None
    retryable: bool = False
    body: Any = None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """An exception, whichever it is, as what can be written."""
        message = str(error).encode("utf-8", "backslashreplace").decode() or type(error).__name__
        retryable = isinstance(error, ChatCoreError) and error.is_retryable
        if not isinstance(error, ProviderError):
            return cls(type(error).__name__, message, retryable=retryable)
        return cls(
            type(error).__name__, message, error.code, error.status, error.request_id, retryable, _writable(error.body)
        )


def encoded(line: Line, outcome: Answer | Failure, checksum: int) -> bytes:
    """The result of a line as one line of the output, with its line end.

    checksum: of the input line, for resuming.

    Raises:
        ValueError: the answer cannot be written as JSON in UTF-8. A failure always can.
    """
    if isinstance(outcome, Answer):
        record = _openai_answer(line, outcome) if line.openai else _simple_answer(line, outcome)
    else:
        record = _openai_failure(line, outcome) if line.openai else _simple_failure(line, outcome)
    if line.metadata is not None:
        record["metadata"] = line.metadata
    record["line"], record["line_crc"] = line.number, checksum
    return pydantic_core.to_json(record, inf_nan_mode="null") + b"\n"


def _simple_answer(line: Line, answer: Answer) -> dict[str, Any]:
    message = answer.messages[0]
    metadata = message.response_metadata
    return {
        "id": line.id,
        "output": str(message.text),
        "message": _message(message),
        "finish_reason": metadata.get("finish_reason"),
        "model": metadata.get("model_name"),
        "usage": message.usage_metadata,
        "request_id": metadata.get("request_id"),
        "seconds": round(answer.seconds, 4),
        "first_token_seconds": None if answer.first_token is None else round(answer.first_token, 4),
        "error": None,
    }


def _simple_failure(line: Line, failure: Failure) -> dict[str, Any]:
    return {"id": line.id, "output": None, "error": asdict(failure)}


def _openai_answer(line: Line, answer: Answer) -> dict[str, Any]:
    request_id = answer.messages[0].response_metadata.get("request_id")
    response = {"status_code": 200, "request_id": request_id, "body": _completion(answer.messages)}
    return {"id": _new_id(), "custom_id": line.id, "response": response, "error": None}


def _openai_failure(line: Line, failure: Failure) -> dict[str, Any]:
    error = asdict(failure)
    body = error.pop("body")
    response: dict[str, Any] | None = None
    if failure.status is not None:
        # The provider did answer, with a refusal: OpenAI's files have it here.
        if not isinstance(body, Mapping):
            body = {"error": {"message": failure.message}}
        response = {"status_code": failure.status, "request_id": failure.request_id, "body": body}
    return {"id": _new_id(), "custom_id": line.id, "response": response, "error": error}


def _writable(body: Any) -> Any:
    try:
        pydantic_core.to_json(body)
    except ValueError:
        return None
    return body


def _new_id() -> str:
    return f"batch_req_{uuid.uuid4().hex}"


def _completion(messages: Sequence[AIMessage]) -> dict[str, Any]:
    """The `chat.completion` object (https://platform.openai.com/docs/api-reference/chat/object) of an answer."""
    message = messages[0]
    metadata = message.response_metadata
    completion: dict[str, Any] = {
        "id": message.id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": metadata.get("model_name"),
        "choices": [
            {
                "index": index,
                "message": _message(choice),
                "logprobs": choice.response_metadata.get("logprobs"),
                "finish_reason": choice.response_metadata.get("finish_reason"),
            }
            for index, choice in enumerate(messages)
        ],
        # As the provider wrote it, if it is known.
        "usage": metadata.get("token_usage") or _usage(message),
    }
    for key in ("system_fingerprint", "service_tier"):
        if metadata.get(key) is not None:
            completion[key] = metadata[key]
    return completion


def _message(message: AIMessage) -> dict[str, Any]:
    """An answer as OpenAI's assistant message; it can be sent back as it is."""
    content: Any = message.content
    calls: list[dict[str, Any]] = [
        _call(call["id"], call["name"], pydantic_core.to_json(call["args"]).decode()) for call in message.tool_calls
    ]
    calls += [_call(call["id"], call["name"], call["args"] or "") for call in message.invalid_tool_calls]
    wire: dict[str, Any] = {
        "role": "assistant",
        "content": content if content or not calls else None,
        "refusal": None,
        **{key: value for key, value in message.additional_kwargs.items() if key not in _INNER},
    }
    if calls:
        wire["tool_calls"] = calls
    return wire


def _call(call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _usage(message: AIMessage) -> dict[str, Any] | None:
    usage = message.usage_metadata
    if usage is None:
        return None
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
    }
