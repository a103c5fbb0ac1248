from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.testing import Reply
from chatcore.testing._dialect import Turn, Visit
from chatcore.testing._dialects.anthropic import Anthropic
from chatcore.testing._limits import Level
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._text import seal
from tests.testing._dialects.turns import found, incoming, served, turn_of

DIALECT = Anthropic(None)
BODY: dict[str, Any] = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
CALLS: Any = [{"name": "a", "args": {"x": 1}, "id": "one"}, {"name": "b", "args": "not json"}]


def turn(reply: Reply | None, **body: Any) -> Turn:
    return turn_of(DIALECT, BODY | body, reply)


def whole(given: Turn) -> dict[str, Any]:
    return json.loads(DIALECT.plain(given).body)


def streamed(given: Turn) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for event in DIALECT.events(given):
        name, data = event.data.decode().removesuffix("\n\n").split("\n")
        said = json.loads(data.removeprefix("data: "))
        assert name == f"event: {said['type']}"
        events.append(said)
    return events


def test_a_message() -> None:
    given = turn(Reply("Hé", reasoning="Hm", tool_calls=CALLS))
    body = whole(given)
    assert body["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": seal("Hm")},
        {"type": "text", "text": "Hé"},
        {"type": "tool_use", "id": "one", "name": "a", "input": {"x": 1}},
        {"type": "tool_use", "id": body["content"][3]["id"], "name": "b", "input": "not json"},
    ]
    assert body["content"][3]["id"].startswith("toolu_")
    assert (body["stop_reason"], body["stop_sequence"]) == ("tool_use", None)
    assert body["usage"]["output_tokens"] == given.answer.completion_tokens


def test_events() -> None:
    events = streamed(turn(Reply("Hello", tool_calls=CALLS[:1])))
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 2,
        "content_block_stop",
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[1]["content_block"] == {"type": "text", "text": ""}
    assert [event["delta"]["text"] for event in events[3:5]] == ["Hell", "o"]
    assert events[6]["content_block"] == {"type": "tool_use", "id": "one", "name": "a", "input": {}}
    assert [event["delta"]["partial_json"] for event in events[7:10]] == ["", '{"x"', ":1}"]
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_thinking_is_signed_at_its_end() -> None:
    deltas = [event["delta"] for event in streamed(turn(Reply("x", reasoning="Hm, hm."))) if event.get("index") == 0
              and "delta" in event]  # fmt: skip
    assert deltas == [
        {"type": "thinking_delta", "thinking": "Hm, "},
        {"type": "thinking_delta", "thinking": "hm."},
        {"type": "signature_delta", "signature": seal("Hm, hm.")},
    ]


def test_blocks_may_be_interleaved() -> None:
    calls: Any = [{"name": "a", "args": '{"x":1}'}, {"name": "b", "args": "{}"}]
    events = streamed(turn(Reply(tool_calls=calls, interleave=True)))
    made = [(event["index"], event["delta"]["partial_json"]) for event in events if event["type"].endswith("k_delta")]
    assert made == [(0, ""), (1, ""), (0, '{"x"'), (1, "{}"), (0, ":1}")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("x"), "end_turn"),
        (Reply("x", finish_reason="length"), "max_tokens"),
        (Reply("x", finish_reason="content_filter"), "refusal"),
        (Reply("x", finish_reason="pause_turn"), "pause_turn"),
        (Reply(refusal="No."), "refusal"),
    ],
    ids=str,
)
def test_why_it_stops(reply: Reply, reason: str) -> None:
    assert whole(turn(reply))["stop_reason"] == reason
    assert streamed(turn(reply))[-2]["delta"]["stop_reason"] == reason


def test_an_empty_answer_and_verbatim_deltas() -> None:
    assert whole(turn(Reply("")))["content"] == []
    assert [event["type"] for event in streamed(turn(Reply("")))] == [
        "message_start",
        "ping",
        "message_delta",
        "message_stop",
    ]
    citation = {"type": "citations_delta", "citation": {}}
    deltas = [event["delta"] for event in streamed(turn(Reply(chunks=["a", citation]))) if "index" in event
              and "delta" in event]  # fmt: skip
    assert deltas == [{"type": "text_delta", "text": "a"}, citation]


def test_errors_and_headers() -> None:
    error = json.loads(DIALECT.error(Problem(529), "req_1"))
    assert error == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1",
    }
    assert json.loads(DIALECT.error(Problem(418, code="tea"), ""))["error"]["type"] == "tea"
    assert DIALECT.retry_lines(0.2) == b"retry-after: 1\r\n"
    lines = DIALECT.limit_lines([Level("tokens", 60, 5, 2.0)]).decode().splitlines()
    assert lines[:2] == ["anthropic-ratelimit-tokens-limit: 60", "anthropic-ratelimit-tokens-remaining: 5"]
    assert lines[2].startswith("anthropic-ratelimit-tokens-reset: 2")
    assert lines[2].endswith("Z")


def test_the_version_is_demanded() -> None:
    endpoint, gaps = found(DIALECT, "POST", "/v1/messages")
    assert endpoint.reads is not None
    bare = incoming("POST", "/v1/messages", BODY)._replace(headers={})
    with pytest.raises(RefusedError, match="anthropic-version: header is required"):
        endpoint.reads(Visit(bare, gaps, BODY, 0.0))


def test_models_and_counts() -> None:
    few = Anthropic(("one", "two"))
    assert [card["id"] for card in served(few, "GET", "/v1/models")["data"]] == ["one", "two"]
    assert served(few, "GET", "/v1/models/two")["display_name"] == "two"
    with pytest.raises(RefusedError, match="model: three"):
        served(few, "GET", "/v1/models/three")
    body = {"model": "m", "messages": BODY["messages"]}
    assert served(DIALECT, "POST", "/v1/messages/count_tokens", body) == {"input_tokens": 5}
