from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.testing import Reply
from chatcore.testing._dialect import Turn
from chatcore.testing._dialects.gemini import Gemini
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import seal
from tests.testing._dialects.turns import served, turn_of

DIALECT = Gemini(None)
BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
CALLS: Any = [{"name": "a", "args": {"x": 1}, "id": "one"}, {"name": "b", "args": "not json", "id": "two"}]
STREAM = "/v1beta/models/m:streamGenerateContent"


def turn(reply: Reply | None, path: str = "", **body: Any) -> Turn:
    return turn_of(DIALECT, BODY | body, reply, path)


def whole(given: Turn) -> dict[str, Any]:
    return json.loads(DIALECT.plain(given).body)


def array(given: Turn) -> list[dict[str, Any]]:
    events = list(DIALECT.events(given))
    sent = b"".join(event.data for event in events) + DIALECT.framing_of(given.visit).end(len(events))
    return json.loads(sent)


def parts(responses: list[dict[str, Any]], index: int = 0) -> list[dict[str, Any]]:
    candidates = [candidate for response in responses for candidate in response["candidates"]]
    return [part for one in candidates if one["index"] == index for part in one["content"]["parts"]]


def test_a_response() -> None:
    body = whole(turn(Reply("Hé", reasoning="Hm", tool_calls=CALLS)))
    (candidate,) = body["candidates"]
    assert candidate["content"] == {
        "role": "model",
        "parts": [
            {"text": "Hm", "thought": True},
            {"text": "Hé"},
            {"functionCall": {"id": "one", "name": "a", "args": {"x": 1}}, "thoughtSignature": seal("Hm")},
            {"functionCall": {"id": "two", "name": "b", "args": "not json"}},
        ],
    }
    assert (candidate["finishReason"], candidate["index"]) == ("STOP", 0)
    usage = body["usageMetadata"]
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    )


def test_a_stream_as_an_array_and_as_events() -> None:
    reply = Reply("Hello", reasoning="Hm, hm.")
    responses = array(turn(reply, STREAM))
    assert parts(responses) == [
        {"text": "Hm, ", "thought": True},
        {"text": "hm.", "thought": True},
        {"text": "Hell"},
        {"text": "o"},
        {"text": "", "thoughtSignature": seal("Hm, hm.")},
    ]
    assert [response["candidates"][0].get("finishReason") for response in responses] == [None] * 4 + ["STOP"]
    assert responses[-1]["usageMetadata"] == whole(turn(reply))["usageMetadata"]
    assert responses[0]["usageMetadata"]["thoughtsTokenCount"] == 1
    given = turn_of(DIALECT, BODY, reply, STREAM, alt="sse")
    events = [event.data for event in DIALECT.events(given)]
    assert all(event.startswith(b"data: {") and event.endswith(b"}\r\n\r\n") for event in events)
    assert [json.loads(event[6:]) for event in events] == responses


def test_candidates_come_by_turns() -> None:
    two = turn(None, STREAM, generationConfig={"candidateCount": 2})
    responses = array(two)
    assert [response["candidates"][0]["index"] for response in responses[:4]] == [0, 1, 0, 1]
    for index in (0, 1):
        text = "".join(part["text"] for part in parts(responses, index))
        assert text == whole(two)["candidates"][index]["content"]["parts"][0]["text"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("x", finish_reason="length"), "MAX_TOKENS"),
        (Reply("x", finish_reason="content_filter"), "SAFETY"),
        (Reply("x", finish_reason="RECITATION"), "RECITATION"),
        (Reply(refusal="No."), "SAFETY"),
    ],
    ids=str,
)
def test_why_it_stops(reply: Reply, reason: str) -> None:
    assert whole(turn(reply))["candidates"][0]["finishReason"] == reason
    assert array(turn(reply, STREAM))[-1]["candidates"][0]["finishReason"] == reason


def test_parts_may_be_sent_as_they_are() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    assert parts(array(turn(Reply(chunks=["a", code]), STREAM)))[:2] == [{"text": "a"}, code]


@pytest.mark.parametrize(
    "place",
    ["/v1/models", "/v1alpha/models", "/v1/publishers/google/models",
     "/v1beta1/projects/p/locations/l/publishers/google/models"],
)  # fmt: skip
def test_paths(place: str) -> None:
    assert turn(Reply("x"), f"{place}/some-model:generateContent").asked.model == "some-model"
    assert DIALECT.owns(f"{place}/some-model:generateContent")


def test_errors() -> None:
    error = json.loads(DIALECT.error(Problem(429, retry_after=1.5), ""))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]
    wrong = json.loads(DIALECT.error(DIALECT.wrong_key(), ""))["error"]
    assert (wrong["code"], wrong["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert DIALECT.retry_lines(5.0) == b""


def test_models_and_counts() -> None:
    few = Gemini(("one",))
    assert [card["name"] for card in served(few, "GET", "/v1beta/models")["models"]] == ["models/one"]
    assert served(few, "GET", "/v1beta/models/one")["displayName"] == "one"
    with pytest.raises(RefusedError, match="models/two is not found for API version v1beta"):
        served(few, "GET", "/v1beta/models/two")
    assert served(few, "POST", "/v1beta/models/one:countTokens", BODY)["totalTokens"] == 5
