from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.errors import AuthenticationError, InvalidInputError, RateLimited
from chatcore.jobs._lines import BadLine, Prompt
from chatcore.jobs._results import Answer, Failure, encoded
from chatcore.messages import AIMessage, convert_to_messages

SIMPLE = Prompt(number=4, id="a", input="hi", metadata={"topic": 1})
OPENAI = Prompt(number=5, id="b", input="hi", openai=True)

MESSAGE = AIMessage(
    content="Blue.",
    id="chatcmpl-1",
    additional_kwargs={"reasoning_content": "hm"},
    tool_calls=[{"name": "look", "args": {"up": True}, "id": "call_1", "type": "tool_call"}],
    invalid_tool_calls=[
        {"name": "torn", "args": '{"a', "id": "call_2", "error": "no JSON", "type": "invalid_tool_call"}
    ],
    usage_metadata={"input_tokens": 3, "output_tokens": 5, "total_tokens": 8},
    response_metadata={
        "finish_reason": "stop",
        "model_name": "m-1",
        "request_id": "req_1",
        "system_fingerprint": "fp",
        "logprobs": {"content": []},
    },
)
WIRE = {
    "role": "assistant",
    "content": "Blue.",
    "refusal": None,
    "reasoning_content": "hm",
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"up":true}'}},
        {"id": "call_2", "type": "function", "function": {"name": "torn", "arguments": '{"a'}},
    ],
}


def record(line: Any, outcome: Answer | Failure) -> dict[str, Any]:
    raw = encoded(line, outcome, 99)
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    assert raw.startswith(b'{"id":')
    return json.loads(raw)


def test_simple_answer() -> None:
    assert record(SIMPLE, Answer([MESSAGE], 1.23456, 0.1)) == {
        "id": "a",
        "output": "Blue.",
        "message": WIRE,
        "finish_reason": "stop",
        "model": "m-1",
        "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8},
        "request_id": "req_1",
        "seconds": 1.2346,
        "first_token_seconds": 0.1,
        "error": None,
        "metadata": {"topic": 1},
        "line": 4,
        "line_crc": 99,
    }


def test_openai_answer() -> None:
    found = record(OPENAI, Answer([MESSAGE, AIMessage(content="Or grey.")], 1, None))
    assert found["id"].startswith("batch_req_")
    assert found["response"]["body"]["created"] > 1_700_000_000
    del found["id"], found["response"]["body"]["created"]
    assert found == {
        "custom_id": "b",
        "response": {
            "status_code": 200,
            "request_id": "req_1",
            "body": {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": "m-1",
                "choices": [
                    {"index": 0, "message": WIRE, "logprobs": {"content": []}, "finish_reason": "stop"},
                    {
                        "index": 1,
                        "message": {"role": "assistant", "content": "Or grey.", "refusal": None},
                        "logprobs": None,
                        "finish_reason": None,
                    },
                ],
                "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
                "system_fingerprint": "fp",
            },
        },
        "error": None,
        "line": 5,
        "line_crc": 99,
    }


def test_usage_is_the_providers_own_where_it_is_known() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "queue_time": 0.5}
    message = AIMessage(content="x", response_metadata={"token_usage": usage})
    assert record(OPENAI, Answer([message], 1, None))["response"]["body"]["usage"] == usage


def test_usage_may_be_absent() -> None:
    answer = Answer([AIMessage(content="x")], 1, None)
    assert record(OPENAI, answer)["response"]["body"]["usage"] is None
    assert record(SIMPLE, answer)["usage"] is None


def test_message_can_be_sent_back() -> None:
    [again] = convert_to_messages([record(SIMPLE, Answer([MESSAGE], 1, None))["message"]])
    assert isinstance(again, AIMessage)
    assert again.tool_calls == MESSAGE.tool_calls
    assert again.content == "Blue."


def test_empty_content_is_null_only_beside_tool_calls() -> None:
    calls = AIMessage(content="", tool_calls=[{"name": "f", "args": {}, "id": "1", "type": "tool_call"}])
    assert record(SIMPLE, Answer([calls], 1, None))["message"]["content"] is None
    assert record(SIMPLE, Answer([AIMessage(content="")], 1, None))["message"]["content"] == ""


def test_output_is_the_text_of_parts() -> None:
    parts = AIMessage(content=[{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}])
    assert record(SIMPLE, Answer([parts], 1, None))["output"] == "a"


REFUSED = AuthenticationError(
    "No such key.", status=401, code="invalid_api_key", request_id="req_9", body={"error": {"message": "bad"}}
)


def test_simple_failure() -> None:
    assert record(SIMPLE, Failure.of(REFUSED)) == {
        "id": "a",
        "output": None,
        "error": {
            "type": "AuthenticationError",
            "message": "No such key.",
            "code": "invalid_api_key",
            "status": 401,
            "request_id": "req_9",
            "retryable": False,
            "body": {"error": {"message": "bad"}},
        },
        "metadata": {"topic": 1},
        "line": 4,
        "line_crc": 99,
    }


def test_openai_failure_with_an_answer_of_the_provider() -> None:
    found = record(OPENAI, Failure.of(REFUSED))
    assert found["response"] == {"status_code": 401, "request_id": "req_9", "body": {"error": {"message": "bad"}}}
    assert found["error"]["code"] == "invalid_api_key"
    assert found["error"]["message"] == "No such key."
    assert "body" not in found["error"]


def test_openai_failure_whose_body_was_no_object() -> None:
    found = record(OPENAI, Failure.of(RateLimited("Slow down.", status=429, body="<html>")))
    assert found["response"]["body"] == {"error": {"message": "Slow down."}}
    assert found["error"]["retryable"] is True


def test_openai_failure_without_an_answer() -> None:
    found = record(OPENAI, Failure.of(InvalidInputError("Empty.")))
    assert found["response"] is None
    assert found["error"]["type"] == "InvalidInputError"


def test_bad_line_has_a_result() -> None:
    bad = BadLine(number=2, id="line-2", reason="It is not JSON.")
    found = record(bad, Failure("BadLine", bad.reason))
    assert (found["id"], found["output"], found["error"]["message"]) == ("line-2", None, "It is not JSON.")


def test_answer_that_is_no_unicode_cannot_be_written_and_its_failure_can() -> None:
    with pytest.raises(ValueError, match="surrogates") as caught:
        encoded(SIMPLE, Answer([AIMessage(content="\ud800")], 1, None), 99)
    assert record(SIMPLE, Failure.of(caught.value))["error"]["type"] == "PydanticSerializationError"


def test_failure_is_writable_whatever_the_exception_holds() -> None:
    wild = RateLimited("half \ud800", body={"x": object()})
    found = record(SIMPLE, Failure.of(wild))["error"]
    assert found["message"] == "half \\ud800"
    assert found["body"] is None
    assert record(SIMPLE, Failure.of(KeyError()))["error"]["message"] == "KeyError"


def test_infinite_log_probabilities_are_null() -> None:
    message = AIMessage(content="x", response_metadata={"logprobs": {"content": [{"logprob": float("-inf")}]}})
    found = record(OPENAI, Answer([message], 1, None))
    assert found["response"]["body"]["choices"][0]["logprobs"] == {"content": [{"logprob": None}]}
