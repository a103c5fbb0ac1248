from __future__ import annotations

import json
import math
from typing import Any

import pytest

from chatcore.testing import Reply
from chatcore.testing._dialect import Turn
from chatcore.testing._dialects.openai_chat import OpenAIChat
from tests.testing._dialects.turns import turn_of


def turn(reply: Reply | None, **body: Any) -> Turn:
    return turn_of(DIALECT, {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **body}, reply)


DIALECT = OpenAIChat(None, prefix="/v1", refuse_stream_options=False)


def whole(given: Turn) -> dict[str, Any]:
    return json.loads(DIALECT.plain(given).body)


def streamed(given: Turn) -> list[dict[str, Any]]:
    events = list(DIALECT.events(given))
    assert events[-1].data == b"data: [DONE]\n\n"
    assert all(event.data.startswith(b"data: {") and event.data.endswith(b"}\n\n") for event in events[:-1])
    return [json.loads(event.data[6:]) for event in events[:-1]]


def deltas(reply: Reply, **body: Any) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in streamed(turn(reply, **body))]


def test_a_completion() -> None:
    reply = Reply("Hé", reasoning="Hm", refusal="No", tool_calls=[{"name": "add", "args": {"x": 1}, "id": "c"}])
    body = whole(turn(reply))
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
    chunks = streamed(turn(Reply("Hello there"), stream=True, stream_options={"include_usage": True}))
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
    assert not any("usage" in chunk for chunk in streamed(turn(Reply("x"))))


def test_tokens_due_with_each_event() -> None:
    events = list(DIALECT.events(turn(Reply("12345678", chunks=["1", "2345678"]))))
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
    chunks = streamed(turn(None, n=2))
    indexes = [chunk["choices"][0]["index"] for chunk in chunks]
    assert indexes[:6] == [0, 1, 0, 1, 0, 1]
    assert indexes[-2:] == [0, 1]
    body = whole(turn(None, n=2))
    for index in (0, 1):
        parts = [
            chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"][0]["index"] == index
        ]
        assert "".join(parts) == body["choices"][index]["message"]["content"]


def test_logprobs_plain_and_streamed_agree() -> None:
    given = turn(Reply("Hello thé"), logprobs=True)
    tokens = whole(given)["choices"][0]["logprobs"]["content"]
    parts = [chunk["choices"][0]["logprobs"] for chunk in streamed(given)]
    assert [token for part in parts if part for token in part["content"]] == tokens
    assert [bytes(token["bytes"]).decode() for token in tokens] == ["Hell", "o th", "é"]
    assert all(-1 <= token["logprob"] <= 0 for token in tokens)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_alternatives_to_a_token_as_many_as_asked_for(count: int) -> None:
    given = turn(Reply("Hello thé"), logprobs=True, top_logprobs=count)
    tokens = whole(given)["choices"][0]["logprobs"]["content"]
    parts = [chunk["choices"][0]["logprobs"] for chunk in streamed(given)]
    assert [token for part in parts if part for token in part["content"]] == tokens
    for token in tokens:
        tops = token.pop("top_logprobs")
        assert len({top["token"] for top in tops}) == count
        # The token itself leads, as the likeliest; the probabilities of all are less than 1 together.
        assert tops[:1] == [token][:count]
        likelihoods = [top["logprob"] for top in tops]
        assert likelihoods == sorted(likelihoods, reverse=True)
        assert sum(map(math.exp, likelihoods)) < 1.0001
        assert all(bytes(top["bytes"]).decode() == top["token"] for top in tops)


def test_a_tool_that_is_demanded_by_name_ends_as_openai_ends_it() -> None:
    tools = [{"type": "function", "function": {"name": "add"}}]
    by_name = turn(None, tools=tools, tool_choice={"type": "function", "function": {"name": "add"}})
    assert whole(by_name)["choices"][0]["finish_reason"] == "stop"
    assert streamed(by_name)[-1]["choices"][0]["finish_reason"] == "stop"
    assert whole(turn(None, tools=tools, tool_choice="required"))["choices"][0]["finish_reason"] == "tool_calls"


def test_scripted_usage_is_sent_as_it_is() -> None:
    given = turn(Reply("x", usage={"prompt_tokens": 9}), stream=True, stream_options={"include_usage": True})
    assert whole(given)["usage"] == streamed(given)[-1]["usage"] == {"prompt_tokens": 9}
