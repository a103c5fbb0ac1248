from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.testing import Reply
from chatcore.testing._dialect import Turn
from chatcore.testing._dialects.openai_responses import _KEPT, OpenAIResponses
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import seal
from tests.testing._dialects.turns import served, turn_of

BODY: dict[str, Any] = {"model": "m", "input": "Hi"}
CALLS: Any = [{"name": "a", "args": {"x": 1}, "id": "one"}, {"name": "b", "args": "not json"}]
ENCRYPTED = {"include": ["reasoning.encrypted_content"]}


@pytest.fixture
def dialect() -> OpenAIResponses:
    return OpenAIResponses(None, prefix="/v1")


def turn(dialect: OpenAIResponses, reply: Reply | None, **body: Any) -> Turn:
    return turn_of(dialect, BODY | body, reply)


def whole(dialect: OpenAIResponses, given: Turn) -> dict[str, Any]:
    return json.loads(dialect.plain(given).body)


def streamed(dialect: OpenAIResponses, given: Turn) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for event in dialect.events(given):
        name, data = event.data.decode().removesuffix("\n\n").split("\n")
        said = json.loads(data.removeprefix("data: "))
        assert name == f"event: {said['type']}"
        events.append(said)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def test_a_response(dialect: OpenAIResponses) -> None:
    body = whole(dialect, turn(dialect, Reply("Hé", reasoning="Hm", tool_calls=CALLS), **ENCRYPTED))
    reasoning, message, one, two = body["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hm"}]
    assert reasoning["encrypted_content"] == seal("Hm")
    assert message["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hé"}]
    assert (one["call_id"], one["arguments"], two["arguments"]) == ("one", '{"x":1}', "not json")
    assert (body["status"], body["object"], body["error"]) == ("completed", "response", None)
    assert "encrypted_content" not in whole(dialect, turn(dialect, Reply("x", reasoning="Hm")))["output"][0]


def test_events_come_to_what_the_whole_is(dialect: OpenAIResponses) -> None:
    given = turn(dialect, Reply("Hello", reasoning="Hm", tool_calls=CALLS), **ENCRYPTED)
    events = streamed(dialect, given)
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:3] == ["created", "in_progress", "output_item.added"]
    assert events[-1]["response"] == whole(dialect, given)
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == whole(dialect, given)["output"]
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["Hell", "o"]
    arguments = [event for event in events if event["type"] == "response.function_call_arguments.delta"]
    assert "".join(event["delta"] for event in arguments if event["output_index"] == 2) == '{"x":1}'


def test_calls_may_be_interleaved(dialect: OpenAIResponses) -> None:
    calls: Any = [{"name": "a", "args": '{"x":1}'}, {"name": "b", "args": "{}"}]
    events = streamed(dialect, turn(dialect, Reply(tool_calls=calls, interleave=True)))
    deltas = [(event["output_index"], event["delta"]) for event in events if event["type"].endswith("arguments.delta")]
    assert deltas == [(0, '{"x"'), (1, "{}"), (0, ":1}")]


def test_refusals_and_what_is_incomplete(dialect: OpenAIResponses) -> None:
    refused = turn(dialect, Reply(refusal="No way."))
    assert whole(dialect, refused)["output"][0]["content"] == [{"type": "refusal", "refusal": "No way."}]
    assert [event["delta"] for event in streamed(dialect, refused) if event["type"] == "response.refusal.delta"] == [
        "No w",
        "ay.",
    ]
    for reason, told in (("length", "max_output_tokens"), ("content_filter", "content_filter")):
        short = turn(dialect, Reply("x", finish_reason=reason))
        assert whole(dialect, short)["incomplete_details"] == {"reason": told}
        assert streamed(dialect, short)[-1]["type"] == "response.incomplete"


def test_events_may_be_sent_as_they_are(dialect: OpenAIResponses) -> None:
    odd = {"type": "response.odd", "more": 1}
    assert [event for event in streamed(dialect, turn(dialect, Reply(chunks=["a", odd]))) if "more" in event] == [
        {**odd, "sequence_number": 5}
    ]


def test_what_is_kept_and_what_is_not(dialect: OpenAIResponses) -> None:
    first = whole(dialect, turn(dialect, Reply("One")))
    assert served(dialect, "GET", f"/v1/responses/{first['id']}") == first
    second = turn(dialect, Reply("Two"), previous_response_id=first["id"], input="And?")
    assert [message["content"] for message in second.asked.messages] == ["Hi", "One", "And?"]
    for lost in (whole(dialect, turn(dialect, Reply("x"), input="Else", store=False))["id"], "resp_0"):
        with pytest.raises(RefusedError, match="not found") as refused:
            served(dialect, "GET", f"/v1/responses/{lost}")
        assert refused.value.problem.status == 404
        with pytest.raises(RefusedError) as refused:
            turn(dialect, None, previous_response_id=lost)
        assert refused.value.problem.code == "previous_response_not_found"
    with pytest.raises(RefusedError, match="Conversations are not simulated"):
        turn(dialect, None, conversation="conv_1")
    for number in range(_KEPT):
        dialect.plain(turn(dialect, Reply("x"), input=f"{number}"))
    with pytest.raises(RefusedError, match="not found"):
        served(dialect, "GET", f"/v1/responses/{first['id']}")


def test_in_the_background_it_is_queued_first(dialect: OpenAIResponses) -> None:
    given = turn(dialect, Reply("Done."), background=True)
    queued, tokens = dialect.plain(given)
    assert (json.loads(queued)["status"], json.loads(queued)["output"], tokens) == ("queued", [], None)
    assert streamed(dialect, given)[1]["type"] == "response.queued"
    done = served(dialect, "GET", f"/v1/responses/{json.loads(queued)['id']}")
    assert (done["status"], done["output"][0]["content"][0]["text"]) == ("completed", "Done.")


def test_errors(dialect: OpenAIResponses) -> None:
    given = turn(dialect, Reply("x"))
    failed = json.loads(dialect.error_in_reply(Problem(500), given))
    assert (failed["status"], failed["error"]["code"], failed["output"]) == ("failed", "server_error", [])
    name, data = dialect.error_in_stream(Problem(429, "Oh"), given, 3).decode().splitlines()[:2]
    assert name == "event: error"
    assert json.loads(data[6:]) == {
        "type": "error",
        "code": "rate_limit_exceeded",
        "message": "Oh",
        "param": None,
        "sequence_number": 3,
    }
