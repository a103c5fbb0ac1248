from __future__ import annotations

import json
import math
from typing import Any

import pytest

from chatcore.testing import Reply, SimulatedRequest, _wire
from chatcore.testing._answers import Answer, answer_for
from chatcore.testing._text import digest_of, prompt_tokens


def answer(reply: Reply | None, **body: Any) -> Answer:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **body}
    request = SimulatedRequest(1, "req_1", "POST", "/", {}, 1, 0.0, body)
    return answer_for(request, digest_of(0, body), reply, prompt_tokens(request.messages), None)


def streamed(given: Answer, *, include_usage: bool = False) -> list[dict[str, Any]]:
    events = list(_wire.events(given, include_usage=include_usage))
    assert events[-1].data == b"data: [DONE]\n\n"
    assert all(event.data.startswith(b"data: {") and event.data.endswith(b"}\n\n") for event in events[:-1])
    return [json.loads(event.data[6:]) for event in events[:-1]]


def deltas(reply: Reply, **body: Any) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in streamed(answer(reply, **body))]


def test_a_completion() -> None:
    reply = Reply("Hé", reasoning="Hm", refusal="No", tool_calls=[{"name": "add", "args": {"x": 1}, "id": "c"}])
    body = json.loads(_wire.completion(answer(reply)))
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    (choice,) = body["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hé",
        "refusal": "No",
        "annotations": [],
        "reasoning_content": "Hm",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"x":1}'}}],
    }
    assert (choice["finish_reason"], choice["logprobs"]) == ("tool_calls", None)
    assert body["usage"]["total_tokens"] > 0


def test_events_of_a_text() -> None:
    chunks = streamed(answer(Reply("Hello there")), include_usage=True)
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hell"},
        {"content": "o th"},
        {"content": "ere"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * 4 + ["stop"]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 5
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_usage_is_sent_only_if_asked_for() -> None:
    assert not any("usage" in chunk for chunk in streamed(answer(Reply("x"))))


def test_tokens_due_with_each_event() -> None:
    events = list(_wire.events(answer(Reply("12345678", chunks=["1", "2345678"])), include_usage=False))
    assert [event.tokens for event in events] == [0, 1, 3, 3, 3]


def test_chunks_are_cut_and_sent_as_scripted() -> None:
    odd = {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    assert deltas(Reply(chunks=["He", odd, "llo"]))[1:-1] == [{"content": "He"}, odd, {"content": "llo"}]


def test_reasoning_comes_before_and_refusals_in_place_of_text() -> None:
    assert deltas(Reply("abc", reasoning="12345"))[1:-1] == [
        {"reasoning_content": "1234"},
        {"reasoning_content": "5"},
        {"content": "abc"},
    ]
    assert deltas(Reply(refusal="No."))[1:-1] == [{"refusal": "No."}]


def calls_of(reply: Reply) -> list[tuple[int, str]]:
    made = [delta["tool_calls"][0] for delta in deltas(reply)[1:-1]]
    return [(call["index"], call["function"]["arguments"]) for call in made]


def test_tool_calls_are_streamed_in_argument_deltas() -> None:
    reply = Reply(tool_calls=[{"name": "a", "args": {"x": 1}, "id": "one"}, {"name": "b", "args": "{}"}])
    first = deltas(reply)[1]["tool_calls"][0]
    assert deltas(reply)[0]["content"] is None
    assert first == {"index": 0, "id": "one", "type": "function", "function": {"name": "a", "arguments": ""}}
    assert calls_of(reply) == [(0, ""), (0, '{"x"'), (0, ":1}"), (1, ""), (1, "{}")]


def test_tool_calls_may_be_interleaved() -> None:
    calls: Any = [{"name": "a", "args": '{"x":1}'}, {"name": "b", "args": "{}"}]
    assert calls_of(Reply(tool_calls=calls, interleave=True)) == [(0, ""), (1, ""), (0, '{"x"'), (1, "{}"), (0, ":1}")]


def test_choices_come_by_turns() -> None:
    chunks = streamed(answer(None, n=2))
    indexes = [chunk["choices"][0]["index"] for chunk in chunks]
    assert indexes[:6] == [0, 1, 0, 1, 0, 1]
    assert indexes[-2:] == [0, 1]
    body = json.loads(_wire.completion(answer(None, n=2)))
    for index in (0, 1):
        parts = [
            chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"][0]["index"] == index
        ]
        assert "".join(parts) == body["choices"][index]["message"]["content"]


def test_logprobs_plain_and_streamed_agree() -> None:
    given = answer(Reply("Hello thé"), logprobs=True)
    whole = json.loads(_wire.completion(given))["choices"][0]["logprobs"]["content"]
    parts = [chunk["choices"][0]["logprobs"] for chunk in streamed(given)]
    assert [token for part in parts if part for token in part["content"]] == whole
    assert [bytes(token["bytes"]).decode() for token in whole] == ["Hell", "o th", "é"]
    assert all(-1 <= token["logprob"] <= 0 for token in whole)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_alternatives_to_a_token_as_many_as_asked_for(count: int) -> None:
    given = answer(Reply("Hello thé"), logprobs=True, top_logprobs=count)
    whole = json.loads(_wire.completion(given))["choices"][0]["logprobs"]["content"]
    parts = [chunk["choices"][0]["logprobs"] for chunk in streamed(given)]
    assert [token for part in parts if part for token in part["content"]] == whole
    for token in whole:
        tops = token.pop("top_logprobs")
        assert len({top["token"] for top in tops}) == count
        # The token itself leads, as the likeliest; the probabilities of all are less than 1 together.
        assert tops[:1] == [token][:count]
        likelihoods = [top["logprob"] for top in tops]
        assert likelihoods == sorted(likelihoods, reverse=True)
        assert sum(map(math.exp, likelihoods)) < 1.0001
        assert all(bytes(top["bytes"]).decode() == top["token"] for top in tops)


def test_heads() -> None:
    head = _wire.head(529, "text/plain", 5, b"x-a: 1\r\n", close=True).decode()
    lines = head.split("\r\n")
    assert lines[0] == "HTTP/1.1 529 Site is overloaded"
    assert {"content-type: text/plain", "content-length: 5", "x-a: 1", "connection: close"} <= set(lines)
    assert head.endswith("\r\n\r\n")
    assert _wire.head(299, None, None, close=False).startswith(b"HTTP/1.1 299 Unknown\r\n")


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        (None, b""),
        (0.25, b"retry-after: 1\r\nretry-after-ms: 250\r\n"),
        (2, b"retry-after: 2\r\nretry-after-ms: 2000\r\n"),
    ],
    ids=str,
)
def test_retry_after(seconds: float | None, lines: bytes) -> None:
    assert _wire.retry_after(seconds) == lines
