"""Reading answers: each way in which some host departs from the wire, in the smallest answer that has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcore.errors import (
    BadRequestError,
    ChatCoreError,
    ConnectionFailedError,
    MalformedResponseError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    RateLimited,
)
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk
from chatcore.outputs import ChatGenerationChunk
from chatcore.providers._openai_chat import AnswerDecoder, decode_answer
from chatcore.providers._wire import Exchange

HOST = Exchange("host", "a-model", "req-1", {"request_id": "req-1"}, ("sk-secret-key",))
DONE = b"data: [DONE]\n\n"


def event(*, finish: Any = None, index: Any = 0, logprobs: Any = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
    return {"id": "chatcmpl-1", "model": "a-model-1", "choices": [choice]}


def sse(*payloads: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(payload).encode() for payload in payloads)


def stream(*payloads: Any, end: bytes = DONE) -> list[ChatGenerationChunk]:
    decoder = AnswerDecoder(HOST)
    return [*decoder.feed(sse(*payloads) + end), *decoder.finish()]


def merged(chunks: list[ChatGenerationChunk]) -> AIMessage:
    whole = Accumulator()
    for chunk in chunks:
        assert isinstance(chunk.message, AIMessageChunk)
        whole.add(chunk.message)
    return whole.message()


def plain(message: dict[str, Any], **others: Any) -> AIMessage:
    """The message of an answer of one choice; `finish_reason` and `logprobs` are the choice's, others the answer's."""
    choice = {"index": 0, "message": message, "finish_reason": others.pop("finish_reason", "stop")}
    choice["logprobs"] = others.pop("logprobs", None)
    body = {"id": "chatcmpl-1", "model": "a-model-1", "choices": [choice], **others}
    found = decode_answer(json.dumps(body).encode(), HOST).generations[0].message
    assert isinstance(found, AIMessage)
    return found


def call(number: int | None, name: str | None = None, args: Any = None, call_id: str | None = None) -> dict[str, Any]:
    return {"index": number, "id": call_id, "type": "function", "function": {"name": name, "arguments": args}}


# -------------------------------------------------------------------------------------------------------- whole answers


def test_everything_a_message_may_say() -> None:
    message = plain(
        {"role": "assistant", "content": "Hi", "refusal": None, "annotations": [{"type": "url_citation"}]},
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 3.0,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": None},
        },
        system_fingerprint="fp_1",
        service_tier="default",
        logprobs={"content": [{"token": "Hi", "logprob": -0.1}], "refusal": None},
        citations=["https://example.com"],
    )
    assert message.content == "Hi"
    assert message.id == "chatcmpl-1"
    assert message.additional_kwargs == {
        "annotations": [{"type": "url_citation"}],
        "citations": ["https://example.com"],
    }
    usage = message.response_metadata.pop("token_usage")
    assert usage["completion_tokens"] == 3.0
    assert message.response_metadata == {
        "model_provider": "host",
        "finish_reason": "stop",
        "model_name": "a-model-1",
        "id": "chatcmpl-1",
        "system_fingerprint": "fp_1",
        "service_tier": "default",
        "request_id": "req-1",
        "logprobs": {"content": [{"token": "Hi", "logprob": -0.1}]},
    }
    assert message.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 3,
        "total_tokens": 12,
        "input_token_details": {"cache_read": 4, "audio": 1},
        "output_token_details": {"reasoning": 2},
    }


def test_what_azures_filter_found_is_told() -> None:
    prompt = [{"prompt_index": 0, "content_filter_results": {"jailbreak": {"filtered": False, "detected": False}}}]
    safe, hate = {"filtered": False, "severity": "safe"}, {"filtered": True, "severity": "high"}
    choice = {"message": {"content": "a"}, "finish_reason": "stop", "content_filter_results": {"hate": hate}}
    body = {"id": "1", "choices": [choice], "prompt_filter_results": prompt}
    whole = decode_answer(json.dumps(body).encode(), HOST)
    streamed = merged(
        stream(
            {"choices": [], "prompt_filter_results": prompt},
            {"choices": [{**event(content="a")["choices"][0], "content_filter_results": {"hate": safe}}]},
            {"choices": [{**event(content="b")["choices"][0], "content_filter_results": {"violence": safe}}]},
            {"choices": [{"index": 0, "finish_reason": "stop", "content_filter_results": {"hate": hate}}]},
        )
    )
    assert whole.generations[0].message.response_metadata["content_filter_results"] == {"hate": hate}
    assert streamed.response_metadata["content_filter_results"] == {"hate": hate, "violence": safe}
    assert (whole.llm_output or {})["prompt_filter_results"] == prompt
    for message in (whole.generations[0].message, streamed):
        assert message.response_metadata["prompt_filter_results"] == prompt


def test_every_choice_is_a_generation() -> None:
    choices = [{"index": n, "message": {"content": text}, "finish_reason": "stop"} for n, text in enumerate("ab")]
    result = decode_answer(json.dumps({"id": "1", "model": "m", "choices": choices}).encode(), HOST)
    assert [generation.text for generation in result.generations] == ["a", "b"]
    assert result.llm_output == {"token_usage": None, "model_name": "m", "id": "1"}
    assert result.generations[0].generation_info == {"finish_reason": "stop"}


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (None, ""),
        ("", ""),
        ({"city": "Rome"}, '{"city":"Rome"}'),
        (7, "7"),
        ([{"type": "text", "text": "a"}, "b", 3], [{"type": "text", "text": t} for t in ("a", "b", "3")]),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": True}],
            [{"type": "reasoning", "reasoning": "Hm", "extras": {"closed": True}}],
        ),
        ([{"type": "thinking", "thinking": "Hm"}], [{"type": "reasoning", "reasoning": "Hm"}]),
        ([{"type": "image_url", "image_url": {"url": "u"}}], [{"type": "image_url", "image_url": {"url": "u"}}]),
        ([{"no": "type"}], [{"type": "text", "text": '{"no":"type"}'}]),
    ],
    ids=["null", "empty", "object", "number", "texts", "thinking", "thinking text", "image", "untyped"],
)
def test_content_of_any_shape(content: Any, read: Any) -> None:
    assert plain({"content": content}).content == read


def test_think_tags_are_content() -> None:
    assert plain({"content": "<think>Hm</think>Yes"}).content == "<think>Hm</think>Yes"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"reasoning_content": "Hm"}, "Hm"),
        ({"reasoning": "Hm"}, "Hm"),
        ({"reasoning": "Hm", "reasoning_content": "Hm"}, "Hm"),
        ({"reasoning": "", "reasoning_content": None}, None),
        ({"reasoning": {"steps": 1}}, '{"steps":1}'),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "H"}, {"summary": "m"}, 1]}, "Hm"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, None),
    ],
    ids=["content", "string", "both", "empty", "object", "details", "encrypted"],
)
def test_reasoning_under_any_name(said: dict[str, Any], read: str | None) -> None:
    message = plain({"content": "Yes", **said})
    assert message.additional_kwargs.get("reasoning_content") == read
    assert message.additional_kwargs.get("reasoning_details") == said.get("reasoning_details")


@pytest.mark.parametrize(
    ("arguments", "args"),
    [('{"a":1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("", {}), (None, {}), ("null", {}), ("{}", {})],
    ids=["text", "object", "empty", "null", "null text", "none"],
)
def test_tool_arguments_that_can_be_read(arguments: Any, args: dict[str, Any]) -> None:
    message = plain({"content": None, "tool_calls": [call(None, "f", arguments, "call_1")]})
    assert message.tool_calls == [{"name": "f", "args": args, "id": "call_1", "type": "tool_call"}]
    assert message.invalid_tool_calls == []


@pytest.mark.parametrize("arguments", ['{"a":', "[1]", "15 * 4", '"a"'])
def test_tool_arguments_that_are_no_object_are_kept_as_text(arguments: str) -> None:
    message = plain({"content": None, "tool_calls": [call(0, "f", arguments, "call_1")]})
    assert message.tool_calls == []
    (invalid,) = message.invalid_tool_calls
    assert (invalid["name"], invalid["args"], invalid["id"]) == ("f", arguments, "call_1")
    assert invalid["error"]


def test_a_custom_tool_gives_its_free_text() -> None:
    custom = {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    (invalid,) = plain({"content": None, "tool_calls": [custom, "noise"]}).invalid_tool_calls
    assert (invalid["name"], invalid["args"]) == ("sql", "select 1")


def test_the_older_form_of_a_call_is_kept() -> None:
    message = plain({"content": None, "function_call": {"name": "f", "arguments": "{}"}})
    assert message.additional_kwargs == {"function_call": {"name": "f", "arguments": "{}"}}
    assert message.tool_calls == []
    nothing = plain({"content": "Hi", "function_call": {"name": "", "arguments": ""}, "audio": {"id": "", "data": ""}})
    assert nothing.additional_kwargs == {}


def test_audio_and_refusal() -> None:
    message = plain({"content": None, "audio": {"id": "a1", "data": "UklG", "transcript": "Hi"}, "refusal": "No."})
    assert message.additional_kwargs == {"audio": {"id": "a1", "data": "UklG", "transcript": "Hi"}, "refusal": "No."}


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": None}, None),
        ({"prompt_tokens": 2, "completion_tokens": 3}, (2, 3, 5)),
        ({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 11}, (2, 3, 11)),
        ({"prompt_tokens": 2.0, "completion_tokens": True, "total_tokens": 2}, (2, 0, 2)),
        ({"total_tokens": float("inf"), "prompt_tokens": 2, "prompt_tokens_details": None}, (2, 0, 2)),
    ],
    ids=["none", "empty", "nulls", "no total", "own total", "odd numbers", "infinite"],
)
def test_usage_of_any_shape(usage: Any, read: tuple[int, int, int] | None) -> None:
    found = plain({"content": "Hi"}, usage=usage).usage_metadata
    assert (found and (found["input_tokens"], found["output_tokens"], found["total_tokens"])) == read


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_cached_tokens_by_their_other_names(name: str) -> None:
    usage = plain({"content": "Hi"}, usage={"prompt_tokens": 9, "completion_tokens": 1, name: 8}).usage_metadata
    assert usage is not None
    assert usage.get("input_token_details") == {"cache_read": 8}


@pytest.mark.parametrize("before", [b"\n\n   \r\n", b"\xef\xbb\xbf", b" \xef\xbb\xbf\n"])
def test_what_may_stand_before_the_json(before: bytes) -> None:
    body = before + json.dumps({"choices": [{"message": {"content": "Hi"}}]}).encode()
    assert decode_answer(body, HOST).generations[0].text == "Hi"


def test_a_stream_that_nobody_asked_for() -> None:
    body = b": hello\n\n" + sse(event(content="H"), event(content="i", finish="stop")) + DONE
    result = decode_answer(body, HOST)
    assert isinstance(result.generations[0].message, AIMessage)
    assert result.generations[0].text == "Hi"
    assert result.generations[0].generation_info == {"finish_reason": "stop"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"upstream failed", "upstream failed"),
        (b"[]", "no choice"),
        (b"{}", "no choice"),
        (b'{"choices": []}', "no choice"),
        (b'{"choices": ["a"]}', "no choice"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["empty", "cut", "text", "list", "object", "no choices", "odd choices", "binary", "deep"],
)
def test_what_is_no_answer(body: bytes, said: str) -> None:
    with pytest.raises(MalformedResponseError, match=said) as raised:
        decode_answer(body, HOST)
    assert (raised.value.provider, raised.value.model, raised.value.request_id) == ("host", "a-model", "req-1")
    assert len(str(raised.value)) < 600


def test_no_error_repeats_the_key() -> None:
    with pytest.raises(MalformedResponseError) as raised:
        decode_answer(b"Bad key sk-secret-key", HOST)
    assert "sk-secret-key" not in f"{raised.value!r} {raised.value.body} {HOST!r}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, RateLimited),
        ({"error": "overloaded", "choices": []}, OverloadedError),
        ({"object": "error", "message": "wrong", "type": "invalid_request_error"}, BadRequestError),
        ({"choices": [{"error": {"code": 429, "message": "slow down"}, "message": {"content": ""}}]}, RateLimited),
    ],
    ids=["error", "text", "flat", "in a choice"],
)
def test_errors_inside_a_200(body: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        decode_answer(json.dumps(body).encode(), HOST)
    with pytest.raises(kind):
        stream(body)


# -------------------------------------------------------------------------------------------------------------- streams


def test_text_comes_as_it_comes_and_facts_come_last() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunks = stream(
        event(role="assistant", content=""),
        event(content="He"),
        event(content="y"),
        event(finish="stop"),
        {"choices": [], "usage": usage, "id": "", "model": ""},
    )
    assert [chunk.text for chunk in chunks] == ["He", "y", ""]
    assert [chunk.message.id for chunk in chunks] == ["chatcmpl-1"] * 3
    assert [chunk.message.response_metadata for chunk in chunks[:2]] == [{}, {}]
    last = chunks[-1].message
    assert isinstance(last, AIMessageChunk)
    assert last.chunk_position == "last"
    assert last.response_metadata == {
        "model_provider": "host",
        "finish_reason": "stop",
        "model_name": "a-model-1",
        "id": "chatcmpl-1",
        "token_usage": usage,
        "request_id": "req-1",
    }
    assert last.usage_metadata == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert chunks[-1].generation_info == {"finish_reason": "stop"}


def test_each_event_is_given_as_soon_as_it_is_whole() -> None:
    decoder = AnswerDecoder(HOST)
    body = sse(event(content="a"), event(content="b", finish="stop"))
    texts = [[chunk.text for chunk in decoder.feed(body[at : at + 1])] for at in range(len(body))]
    assert [text for text in texts if text] == [["a"], ["b"]]
    assert texts[len(sse(event(content="a"))) - 1] == ["a"]
    assert not decoder.done
    assert decoder.feed(DONE) == []
    assert decoder.done
    assert decoder.feed(sse(event(content="after"))) == []


def test_of_usage_the_last_word_counts() -> None:
    def spent(tokens: int) -> dict[str, Any]:
        return {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}

    first = event(content="a") | {"usage": spent(1)}
    last = event(content="b", finish="stop") | {"usage": spent(2)}
    usage = merged(stream(first, last, {"choices": [], "usage": None})).usage_metadata
    assert usage == {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def test_usage_in_a_drawer() -> None:
    said = event(finish="stop", content="a") | {"x_groq": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}}
    usage = merged(stream(said)).usage_metadata
    assert usage == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def test_the_first_name_and_id_that_are_not_empty() -> None:
    empty = {"id": "", "model": "", "choices": []}
    message = merged(stream(empty, event(content="a"), event(finish="stop") | {"model": "another"}))
    assert (message.id, message.response_metadata["model_name"]) == ("chatcmpl-1", "a-model-1")


def test_a_finish_reason_may_repeat_change_and_be_empty() -> None:
    chunks = stream(event(content="a", finish=""), event(finish="length"), event(finish="stop"), event(finish=None))
    assert merged(chunks).response_metadata["finish_reason"] == "stop"


def test_what_comes_with_the_finish_reason_and_after_it() -> None:
    chunks = stream(event(content="a", finish="stop"), event(content="b"))
    assert merged(chunks).content == "ab"


def test_of_several_choices_a_stream_is_the_first() -> None:
    chunks = stream(
        event(content="a"),
        event(content="x", index=1),
        event(content="y", index=1, finish="stop"),
        event(content="b", finish="length"),
    )
    message = merged(chunks)
    assert (message.content, message.response_metadata["finish_reason"]) == ("ab", "length")


@pytest.mark.parametrize("end", [DONE, b"data:[DONE]\r\n\r\n", b"data: [DONE] ", b""])
def test_the_end_with_and_without_its_mark(end: bytes) -> None:
    assert merged(stream(event(content="a"), event(finish="stop"), end=end)).content == "a"


def test_the_mark_alone_is_an_end() -> None:
    assert merged(stream(event(content="a"))).content == "a"


def test_the_last_event_may_lack_its_blank_line() -> None:
    decoder = AnswerDecoder(HOST)
    chunks = [*decoder.feed(sse(event(content="a", finish="stop"))[:-2]), *decoder.finish()]
    assert merged(chunks).content == "a"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b": ping\n\n",
        sse(event(content="a")),
        sse(event(content="a")) + b'data: {"id":"chatcmpl-1","cho',
        sse(event(content="a"), event(finish="stop"))[:-40],
    ],
    ids=["nothing", "pings", "no end", "cut", "cut before the reason"],
)
def test_a_stream_without_its_end_is_broken(body: bytes) -> None:
    decoder = AnswerDecoder(HOST)
    decoder.feed(body)
    with pytest.raises(ConnectionFailedError, match="broke off"):
        decoder.finish()


def test_a_cut_after_the_finish_reason_loses_nothing_but_usage() -> None:
    decoder = AnswerDecoder(HOST)
    body = sse(event(content="a", finish="stop")) + b'data: {"choices":[],"usage":{"prom'
    message = merged([*decoder.feed(body), *decoder.finish()])
    assert (message.content, message.usage_metadata) == ("a", None)


def test_an_end_without_an_answer() -> None:
    with pytest.raises(MalformedResponseError, match="no choice"):
        stream({"choices": [], "usage": {"prompt_tokens": 1}})


def test_a_body_in_place_of_a_stream() -> None:
    body = {"id": "1", "model": "m", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    body["choices"][0]["message"]["tool_calls"] = [call(0, "f", '{"a":1}', "c1"), call(1, "g", "{", "c2")]  # type: ignore[index]
    text = b"  \n" + json.dumps(body).encode()
    decoder = AnswerDecoder(HOST)
    given = [chunk for at in range(len(text)) for chunk in decoder.feed(text[at : at + 1])]
    assert given == []
    (chunk,) = decoder.finish()
    message = merged([chunk])
    assert message.content == "Hi"
    assert [made["name"] for made in message.tool_calls] == ["f"]
    assert [made["name"] for made in message.invalid_tool_calls] == ["g"]
    assert message.response_metadata["finish_reason"] == "stop"


def test_a_page_in_place_of_an_answer_is_a_wrong_address() -> None:
    page = b"<!doctype html><title>Log in</title>"
    decoder = AnswerDecoder(HOST)
    decoder.feed(page)
    for read in (decoder.finish, lambda: decode_answer(page, HOST)):
        with pytest.raises(NotFoundError, match=r"web page.*check base_url.*/v1") as raised:
            read()
        error = raised.value
        # Asking again would find the same page.
        assert error.is_retryable is False
        assert (error.status, error.provider, error.model, error.request_id) == (200, "host", "a-model", "req-1")
        assert "Log in" in error.body


def test_a_body_has_a_cap() -> None:
    decoder = AnswerDecoder(HOST, max_event_bytes=100)
    with pytest.raises(MalformedResponseError, match="100 bytes"):
        decoder.feed(b"{" + b" " * 100)


def test_an_event_has_a_cap() -> None:
    decoder = AnswerDecoder(HOST, max_event_bytes=100)
    with pytest.raises(MalformedResponseError, match="100"):
        decoder.feed(b"data: " + b"x" * 200)


def test_an_error_in_midstream_comes_after_what_was_said() -> None:
    decoder = AnswerDecoder(HOST)
    body = sse(event(content="a"), {"error": {"message": "overloaded", "type": "overloaded_error"}}, event(content="b"))
    assert [chunk.text for chunk in decoder.feed(body)] == ["a"]
    assert decoder.done
    with pytest.raises(OverloadedError, match="overloaded") as raised:
        decoder.finish()
    with pytest.raises(OverloadedError):
        decoder.feed(b"")
    assert raised.value.request_id == "req-1"


@pytest.mark.parametrize(
    "body",
    [
        b'event: error\ndata: {"error":{"message":"failed","code":"x"}}\n\n',
        b'event: error\ndata: {"message":"failed"}\n\n',
        b"event: error\ndata: failed\n\n",
        b'data: {"error":"failed","error_type":"x"}\n\n',
    ],
    ids=["named", "flat", "text", "string"],
)
def test_errors_as_events(body: bytes) -> None:
    with pytest.raises(ProviderError, match="failed"):
        AnswerDecoder(HOST).feed(body)


def test_an_error_that_is_the_first_event_and_lacks_its_blank_line() -> None:
    decoder = AnswerDecoder(HOST)
    assert decoder.feed(b'data: {"error":{"message":"failed"}}') == []
    with pytest.raises(ProviderError, match="failed"):
        decoder.finish()


@pytest.mark.parametrize("body", [b"data: {oops\n\n", b"data: 7\n\n", b'event: message\ndata: "a"\n\n'])
def test_events_that_are_no_json_objects(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        AnswerDecoder(HOST).feed(body)


def test_events_of_a_hosts_own_are_passed_over() -> None:
    own = b"event: ping\ndata: 1\n\nevent: ping\ndata: pong\n\nevent: ping\ndata: {}\n\ndata:\n\n"
    decoder = AnswerDecoder(HOST)
    chunks = decoder.feed(own + sse({"object": "x"}, event(content="a", finish="stop")))
    assert merged([*chunks, *decoder.finish()]).content == "a"


def test_odd_choices_are_passed_over() -> None:
    odd = {"choices": ["a", {"index": 0}, {"index": 0, "delta": None, "message": 3}]}
    assert merged(stream(odd, event(content="a", finish="stop"))).content == "a"


def test_a_whole_message_in_place_of_a_delta() -> None:
    said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}
    assert merged(stream(said)).content == "Hi"


# -------------------------------------------------------------------------------------------------- streamed tool calls


@pytest.mark.parametrize(
    "deltas",
    [
        [[call(0, "f", "", "c1")], [call(0, None, '{"a"')], [call(0, None, ":1}")], [call(1, "g", "{}", "c2")]],
        [[call(0, "f", '{"a":', "c1")], [call(1, "g", "{", "c2")], [call(0, None, "1}")], [call(1, None, "}")]],
        [[call(0, "f", '{"a":1}', "c1"), call(1, "g", "{}", "c2")]],
        [[call(None, "f", '{"a":1}', "c1")], [call(None, "g", "{}", "c2")]],
        [[call(None, "f", '{"a"', "c1")], [call(None, None, ":1}")], [call(None, "g", None, "c2")]],
        [
            [call(None, "f", '{"a"', "c1")],
            [call(None, "g", "{", "c2")],
            [call(None, None, ":1}", "c1")],
            [call(None, None, "}", "c2")],
        ],
        [[call(0, "f", '{"a":1}', "c1")], [call(0, "g", "{}", "c2")]],
        [[call(0, "f", '{"a"', "c1")], [call(0, "f", ":1}", "c1")], [call(1, "g", "{}", "c2")]],
        [[call(0, "f", "", "c1")], [call(0, "", '{"a":1}', "")], [call(1, "g", "", "c2")], [call(1, None, None, "")]],
        [[call(0, "f", "", "c1")], [call(0, None, '{"a":1}', "random-1")], [call(1, "g", "{}", "c2")]],
        [[call(0, None, None, "c1")], [call(0, "f", {"a": 1})], [call(1, "g", {}, "c2")]],
        [[call(1, "f", '{"a":1}', "c1")], [call(2, "g", "", "c2")]],
    ],
    ids=[
        "in turn",
        "interleaved",
        "at once",
        "no numbers",
        "no numbers, in pieces",
        "no numbers, interleaved by id",
        "the same number",
        "ids and names repeated",
        "empty ids and names later",
        "another id in each piece",
        "name after id, arguments parsed",
        "numbered from one",
    ],
)
def test_streamed_calls_are_told_apart(deltas: list[list[dict[str, Any]]]) -> None:
    message = merged(stream(*[event(tool_calls=delta) for delta in deltas], event(finish="tool_calls")))
    assert message.tool_calls == [
        {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"},
        {"name": "g", "args": {}, "id": "c2", "type": "tool_call"},
    ]
    assert message.invalid_tool_calls == []


def test_calls_without_numbers_and_ids() -> None:
    deltas = [[call(None, "f", '{"a":1}')], [call(None, "f", '{"a":2}')]]
    message = merged(stream(*[event(tool_calls=delta) for delta in deltas], event(finish="tool_calls")))
    assert [made["args"] for made in message.tool_calls] == [{"a": 1}, {"a": 2}]


def test_pieces_carry_the_number_of_their_call() -> None:
    deltas = [[call(0, "f", "{", "c1")], [call(0, "g", "{", "c2")], [call(0, None, "}")]]
    chunks = stream(*[event(tool_calls=delta) for delta in deltas])
    pieces = [chunk.message.tool_call_chunks for chunk in chunks[:3] if isinstance(chunk.message, AIMessageChunk)]
    assert [[piece["index"] for piece in group] for group in pieces] == [[0], [1], [1]]


def test_arguments_that_stop_midway_are_invalid() -> None:
    deltas = [[call(0, "f", '{"a": "tr', "c1")]]
    message = merged(stream(*[event(tool_calls=delta) for delta in deltas], event(finish="length")))
    assert message.tool_calls == []
    assert [made["args"] for made in message.invalid_tool_calls] == ['{"a": "tr']


@pytest.mark.parametrize("odd", ["text", [], ["text"], [{}], [{"function": "f"}], {"0": {}}])
def test_tool_calls_of_any_shape(odd: Any) -> None:
    message = merged(stream(event(content="a", tool_calls=odd), event(finish="stop")))
    assert message.content == "a"


# ------------------------------------------------------------------------------------------------ what else is streamed


def test_the_older_form_of_a_streamed_call() -> None:
    chunks = stream(
        event(function_call={"name": "f", "arguments": ""}),
        event(function_call={"name": "f", "arguments": '{"a"'}),
        event(function_call={"arguments": ":1}"}),
        event(finish="function_call"),
    )
    assert merged(chunks).additional_kwargs == {"function_call": {"name": "f", "arguments": '{"a":1}'}}


def test_refusals_reasoning_and_logprobs_in_pieces() -> None:
    chunks = stream(
        event(reasoning_content="H"),
        event(reasoning="m", content=None),
        event(refusal="N"),
        event(refusal="o", logprobs={"content": None, "refusal": [{"token": "o"}]}),
        event(content="a", logprobs={"content": [{"token": "a"}], "refusal": []}),
        event(content="b", logprobs={"content": [{"token": "b"}], "refusal": "odd"}, finish="stop"),
    )
    message = merged(chunks)
    assert message.additional_kwargs == {"reasoning_content": "Hm", "refusal": "No"}
    assert message.response_metadata["logprobs"] == {
        "content": [{"token": "a"}, {"token": "b"}],
        "refusal": [{"token": "o"}],
    }
    assert chunks[4].generation_info == {"logprobs": {"content": [{"token": "a"}]}}


def test_reasoning_details_join_by_their_index() -> None:
    def detail(**fields: Any) -> dict[str, Any]:
        return event(reasoning_details=[{"type": "reasoning.text", "index": 0, "format": "v1", **fields}])

    chunks = stream(
        detail(text="H", signature=None, score=0.5, id="r1"),
        detail(text="m", score=0.7, id="r1"),
        detail(signature="abc", text=5),
        event(reasoning_details=[{"type": "reasoning.encrypted", "index": 0, "data": "x"}, "odd"]),
        event(reasoning_details=[{"type": "reasoning.encrypted", "data": "y"}], finish="stop"),
    )
    message = merged(chunks)
    assert message.additional_kwargs["reasoning_content"] == "Hm"
    assert message.additional_kwargs["reasoning_details"] == [
        {
            "type": "reasoning.text",
            "index": 0,
            "format": "v1",
            "text": "Hm",
            "score": 0.5,
            "id": "r1",
            "signature": "abc",
        },
        {"type": "reasoning.encrypted", "index": 0, "data": "x"},
        "odd",
        {"type": "reasoning.encrypted", "data": "y"},
    ]


def test_audio_in_pieces() -> None:
    chunks = stream(
        event(audio={"id": "a1", "transcript": "H"}),
        event(audio={"id": "a1", "transcript": "i", "data": "Ukl"}),
        event(audio={"data": "G", "expires_at": 99}),
        event(audio={"expires_at": 99, "data": ""}),
        event(audio="odd", finish="stop"),
    )
    assert merged(chunks).additional_kwargs["audio"] == {
        "id": "a1",
        "transcript": "Hi",
        "data": "UklG",
        "expires_at": 99,
    }


def test_lists_of_the_whole_answer_come_last() -> None:
    first = event(content="a", annotations=[{"index": 0, "n": 1}]) | {"citations": ["x"]}
    last = event(annotations=[{"index": 0, "n": 2}], finish="stop") | {"citations": ["x", "y"]}
    chunks = stream(first, last)
    assert [chunk.message.additional_kwargs for chunk in chunks[:-1]] == [{}]
    assert merged(chunks).additional_kwargs == {
        "annotations": [{"index": 0, "n": 1}, {"index": 0, "n": 2}],
        "citations": ["x", "y"],
    }


def test_content_in_parts_becomes_blocks() -> None:
    def thought(text: str, **others: Any) -> dict[str, Any]:
        return event(content=[{"type": "thinking", "thinking": [{"type": "text", "text": text}], **others}])

    chunks = stream(
        event(content=""),
        thought("H", closed=False, tokens=3),
        thought("m", closed=True, tokens=3),
        event(content="Ye"),
        event(content="s"),
        event(content=None),
        event(content=[{"type": "image_url", "image_url": {"url": "u"}}]),
        event(content={"odd": 1}),
        event(content="", finish="stop"),
    )
    message = merged(chunks)
    assert [{key: value for key, value in block.items() if key != "index"} for block in message.content] == [  # type: ignore[union-attr]
        {"type": "reasoning", "reasoning": "Hm", "extras": {"tokens": 3, "closed": True}},
        {"type": "text", "text": "Yes"},
        {"type": "image_url", "image_url": {"url": "u"}},
        {"type": "text", "text": '{"odd":1}'},
    ]
    assert message.text == 'Yes{"odd":1}'


def test_text_before_parts_stays_text() -> None:
    chunks = stream(
        event(content="a"),
        event(content=[{"type": "text", "text": "b"}]),
        event(content={"c": 1}),
        event(finish="stop"),
    )
    assert merged(chunks).text == 'ab{"c":1}'
    assert merged(stream(event(content={"c": 1}), event(finish="stop"))).text == '{"c":1}'


# ------------------------------------------------------------------------------------- what further hosts do in streams


def calls_of(*deltas: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    message = merged(stream(*(event(tool_calls=pieces) for pieces in deltas), event(finish="tool_calls")))
    assert message.invalid_tool_calls == []
    return [(made["name"], made["args"]) for made in message.tool_calls]


@pytest.mark.parametrize("call_id", ["", None])
def test_calls_of_one_number_without_ids_are_told_apart(call_id: str | None) -> None:
    first, second = call(0, "f", '{"a":1}', call_id), call(0, "f", '{"a":2}', call_id)
    both = [("f", {"a": 1}), ("f", {"a": 2})]
    assert calls_of([first, second]) == both
    assert calls_of([first], [second]) == both


def test_a_name_that_comes_with_each_piece_begins_no_other_call() -> None:
    assert calls_of([call(0, "f", '{"a"')], [call(0, "f", ":")], [call(0, "f", "1}")]) == [("f", {"a": 1})]


def test_arguments_without_a_number_go_on_with_the_call_before_them() -> None:
    assert calls_of([call(0, "f", "", "c1")], [call(None, None, '{"a":')], [call(None, None, "1}")]) == [
        ("f", {"a": 1})
    ]


def test_a_whole_message_after_its_pieces_is_not_told_twice() -> None:
    repeats = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    assert merged(stream(event(content="H"), event(content="i"), {"choices": [repeats]})).text == "Hi"


def test_reasoning_that_streams_in_summaries_is_one_thought() -> None:
    def thought(text: str) -> dict[str, Any]:
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text, "signature": ""}]}

    chunks = stream(
        event(content=[thought("Let me ")]),
        event(content=[thought("see.")]),
        event(content=[{"type": "text", "text": "Hi"}]),
        event(content=[{"type": "text", "text": "!"}], finish="stop"),
    )
    message = merged(chunks)
    told = [(block["type"], block.get("reasoning") or block.get("text")) for block in message.content_blocks]
    assert told == [("reasoning", "Let me see."), ("text", "Hi!")]
    whole = plain({"content": [thought("Let me see."), {"type": "text", "text": "Hi!"}]})
    assert [block["type"] for block in whole.content_blocks] == ["reasoning", "text"]
    assert whole.content_blocks[0].get("reasoning") == "Let me see."


@pytest.mark.parametrize(
    ("payload", "kind", "says"),
    [
        (
            {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login fail"}},
            ProviderError,
            "login fail",
        ),
        ({"detail": "the model is overloaded"}, OverloadedError, "the model is overloaded"),
        ({"message": "slow down", "code": "rate_limit_exceeded"}, RateLimited, "slow down"),
        ({"success": False, "errors": [{"code": 7009, "message": "no such thing"}]}, ProviderError, "no such thing"),
    ],
    ids=["MiniMax", "FastAPI", "a bare error", "Cloudflare"],
)
def test_an_answer_without_choices_says_why(payload: dict[str, Any], kind: type[ProviderError], says: str) -> None:
    for end in (DONE, b""):
        with pytest.raises(kind, match=says):
            stream(payload, end=end)
    with pytest.raises(kind, match=says):
        decode_answer(json.dumps(payload).encode(), HOST)


def test_a_stream_whose_last_word_is_its_tokens_is_whole() -> None:
    """Although it has neither a finish reason nor [DONE]."""
    tokens = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    message = merged(stream(event(content="Hi"), {"choices": [], "usage": tokens}, end=b""))
    assert (message.text, message.response_metadata.get("finish_reason")) == ("Hi", None)
    with pytest.raises(ConnectionFailedError):
        stream({"choices": [], "usage": tokens}, {**event(content="Hi"), "usage": tokens}, end=b"")


def test_what_is_said_before_the_choices_is_no_error() -> None:
    told = {"message": "queued"}
    assert merged(stream(told, event(content="Hi", finish="stop"))).text == "Hi"
    with pytest.raises(ConnectionFailedError):
        stream(told, event(content="Hi"), end=b"")


# ------------------------------------------------------------------------------------------------------ anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["a", "text", "thinking", "reasoning.text", "stop", "", "{", "0"])
FIELDS = {
    "content": JSON
    | st.lists(st.fixed_dictionaries({"type": WORDS}, optional={"text": JSON, "thinking": JSON}), max_size=2),
    "reasoning_content": JSON,
    "reasoning_details": st.lists(
        st.fixed_dictionaries(
            {"index": st.just(0) | JSON, "type": WORDS}, optional={"text": JSON, "id": JSON, "x": JSON}
        ),
        max_size=2,
    ),
    "tool_calls": JSON
    | st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "index": st.integers(0, 2) | JSON,
                "id": WORDS | JSON,
                "function": JSON
                | st.fixed_dictionaries({}, optional={"name": WORDS | JSON, "arguments": WORDS | JSON}),
            },
        ),
        max_size=3,
    ),
    "function_call": JSON | st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON}),
    "audio": JSON | st.fixed_dictionaries({}, optional={"id": JSON, "data": JSON, "expires_at": JSON}),
    "refusal": JSON,
    "annotations": JSON,
}
DELTAS = st.fixed_dictionaries({}, optional=FIELDS)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "index": st.just(0) | JSON,
        "delta": DELTAS | JSON,
        "message": DELTAS | JSON,
        "finish_reason": WORDS | JSON,
        "logprobs": JSON | st.fixed_dictionaries({"content": JSON}),
    },
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "model": JSON,
        "usage": JSON | st.fixed_dictionaries({"prompt_tokens": JSON, "prompt_tokens_details": JSON}),
        "choices": JSON | st.lists(CHOICES, max_size=2),
        "citations": JSON,
        "service_tier": JSON,
        "x_groq": JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ANSWERS | JSON, max_size=4), st.integers(1, 40))
def test_whatever_comes_is_a_message_or_an_error_of_ours(payloads: list[Any], size: int) -> None:
    body = sse(*payloads) + DONE
    decoder = AnswerDecoder(HOST)
    chunks: list[ChatGenerationChunk] = []
    try:
        for at in range(0, len(body), size):
            chunks += decoder.feed(body[at : at + size])
        chunks += decoder.finish()
    except ChatCoreError:
        pass
    if chunks:
        # What the codec gives unvalidated is valid, and joins.
        for chunk in chunks:
            AIMessageChunk.model_validate(chunk.message.model_dump())
        AIMessage.model_validate(merged(chunks).model_dump())


@settings(max_examples=300, deadline=None)
@given(ANSWERS | JSON)
def test_whatever_is_answered_is_a_result_or_an_error_of_ours(payload: Any) -> None:
    try:
        result = decode_answer(json.dumps(payload).encode(), HOST)
    except ChatCoreError:
        return
    for generation in result.generations:
        AIMessage.model_validate(generation.message.model_dump())


def test_images_beside_the_choices_that_are_no_list_give_way_to_those_of_the_message() -> None:
    images = [{"type": "image_url", "image_url": {"url": "https://acme.test/1.png"}}]
    whole = {**event(content="a"), "images": {"no": "list"}}
    message = merged(stream(whole, event(images=images), event(images=images), event(finish="stop")))
    assert message.additional_kwargs["images"] == images * 2
