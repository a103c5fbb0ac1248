"""The codec of the Responses API, by bytes alone: whole answers, streams, what hosts do otherwise, no answers."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import pytest

from chatcore.errors import ConnectionFailedError, MalformedResponseError, ProviderError, RateLimited, ServerError
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk, HumanMessage
from chatcore.messages._output_version import StandardChunks
from chatcore.messages._shapes import is_dict, is_list
from chatcore.providers._responses import AnswerDecoder, decode_answer
from chatcore.providers._responses_request import encode_request
from chatcore.providers._wire import Exchange
from chatcore.providers.hosts import OPENAI

USAGE: dict[str, Any] = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 15,
}
REASONING: dict[str, Any] = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "encrypted_content": "gAAA",
    "status": "completed",
}
CITED: dict[str, Any] = {
    "type": "url_citation",
    "url": "https://a.example",
    "title": "A",
    "start_index": 0,
    "end_index": 2,
}
FILE: dict[str, Any] = {"type": "file_citation", "file_id": "f_1", "filename": "a.txt", "index": 7}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "phase": "final_answer",
    "content": [
        {"type": "output_text", "text": "Hello", "annotations": [CITED, FILE], "logprobs": []},
        {"type": "refusal", "refusal": "No more."},
    ],
}
CALL: dict[str, Any] = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "add",
    "arguments": '{"a": 1}',
}
CUSTOM: dict[str, Any] = {
    "id": "ctc_1",
    "type": "custom_tool_call",
    "call_id": "call_2",
    "name": "run",
    "input": '"é"\n',
}
SEARCH: dict[str, Any] = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "q"},
}
ITEMS: list[dict[str, Any]] = [REASONING, SEARCH, MESSAGE, CALL, CUSTOM]


def answer_of(*items: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-5",
        "error": None,
        "incomplete_details": None,
        "output": list(items),
        "usage": USAGE,
        **more,
    }


def pieces(item: dict[str, Any], position: int) -> list[dict[str, Any]]:
    """The events of one item, as OpenAI streams them."""
    about = {"item_id": item["id"], "output_index": position}
    kind = item["type"]
    events: list[dict[str, Any]] = []
    first: dict[str, Any] = {**item, "status": "in_progress"}
    if kind == "message":
        first["content"] = []
        for index, part in enumerate(item["content"]):
            here = {**about, "content_index": index}
            name, key = ("refusal", "refusal") if part["type"] == "refusal" else ("output_text", "text")
            events.append({"type": "response.content_part.added", **here, "part": {"type": part["type"]}})
            events += [{"type": f"response.{name}.delta", **here, "delta": letter} for letter in part[key]]
            events += [
                {"type": "response.output_text.annotation.added", **here, "annotation": annotation}
                for annotation in part.get("annotations", ())
            ]
            events.append({"type": f"response.{name}.done", **here, key: part[key]})
            events.append({"type": "response.content_part.done", **here, "part": part})
    elif kind == "reasoning":
        first = {**first, "summary": [], "encrypted_content": "gA"}
        events += [
            {"type": "response.reasoning_summary_text.delta", **about, "summary_index": index, "delta": letter}
            for index, paragraph in enumerate(item["summary"])
            for letter in paragraph["text"]
        ]
    elif kind in ("function_call", "custom_tool_call"):
        key, name = ("arguments", "function_call_arguments")
        if kind == "custom_tool_call":
            key, name = ("input", "custom_tool_call_input")
        first[key] = ""
        events += [{"type": f"response.{name}.delta", **about, "delta": letter} for letter in item[key]]
    else:
        events.append({"type": f"response.{kind}.searching", **about})
    added = {"type": "response.output_item.added", "output_index": position, "item": first}
    return [added, *events, {"type": "response.output_item.done", "output_index": position, "item": item}]


def streamed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    begun: dict[str, Any] = {**answer, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for position, item in enumerate(answer["output"]):
        events += pieces(item, position)
    return [*events, {"type": f"response.{answer['status']}", "response": answer}]


def sse(events: list[Any]) -> bytes:
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in numbered)


def fed(body: bytes, provider: str = "openai") -> list[AIMessageChunk]:
    decoder = AnswerDecoder(Exchange(provider))
    return [cast("AIMessageChunk", chunk.message) for chunk in (*decoder.feed(body), *decoder.finish())]


def joined(body: bytes) -> AIMessage:
    merged = Accumulator()
    for chunk in fed(body):
        merged.add(chunk)
    return merged.message()


def read(answer: Any) -> AIMessage:
    message = decode_answer(json.dumps(answer).encode(), Exchange()).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def without_index(value: Any) -> Any:
    """Blocks of a stream without the numbers by which they were joined."""
    if is_list(value):
        return [without_index(item) for item in value]
    if is_dict(value):
        return {key: without_index(item) for key, item in value.items() if key != "index"}
    return value


# ------------------------------------------------------------------------------------------------------- whole answers


def test_a_whole_answer() -> None:
    message = read(answer_of(*ITEMS))
    renamed = {key: value for key, value in FILE.items() if key != "index"} | {"file_index": 7}
    of_message = {"id": "msg_1", "phase": "final_answer"}
    assert message.content == [
        REASONING,
        SEARCH,
        {"type": "text", "text": "Hello", "annotations": [CITED, renamed], **of_message},
        {"type": "refusal", "refusal": "No more.", **of_message},
        CALL,
        CUSTOM,
    ]
    assert message.text == "Hello"
    assert message.id == "resp_1"
    assert [(call["name"], call["args"], call["id"]) for call in message.tool_calls] == [
        ("add", {"a": 1}, "call_1"),
        ("run", {"__arg1": '"é"\n'}, "call_2"),
    ]
    assert message.response_metadata == {
        "model_provider": "openai",
        "output_version": "responses/v1",
        "model_name": "gpt-5",
        "finish_reason": "completed",
        "token_usage": USAGE,
        **{key: answer_of()[key] for key in ("id", "object", "created_at", "status", "model")},
    }
    assert message.usage_metadata == {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "input_token_details": {"cache_read": 4, "cache_creation": 2},
        "output_token_details": {"reasoning": 3},
    }


def test_a_stream_gives_what_the_whole_answer_is() -> None:
    answer = answer_of(*ITEMS)
    plain, merged = read(answer), joined(sse(streamed(answer)))
    assert without_index(merged.content) == plain.content
    for field in ("id", "tool_calls", "invalid_tool_calls", "usage_metadata", "response_metadata", "additional_kwargs"):
        assert getattr(merged, field) == getattr(plain, field), field
    assert without_index(merged.content_blocks) == without_index(plain.content_blocks)


def test_a_stream_in_standard_blocks_is_sent_back_as_the_answer_was() -> None:
    answer = answer_of(*ITEMS)
    standard, merged = StandardChunks(), Accumulator()
    for chunk in fed(sse(streamed(answer))):
        merged.add(standard.of(chunk))
    body = encode_request([merged.message(), HumanMessage("?")], {"model": "m"}, OPENAI)
    plain = encode_request([read(answer), HumanMessage("?")], {"model": "m"}, OPENAI)
    for item in (*body["input"], *plain["input"]):
        if item.get("type") == "function_call":
            item["arguments"] = json.loads(item["arguments"])
    assert body["input"] == plain["input"]


def test_a_stream_comes_in_pieces() -> None:
    chunks = fed(sse(streamed(answer_of(MESSAGE, CALL, CUSTOM))))
    assert [chunk.text for chunk in chunks][:6] == ["H", "e", "l", "l", "o", ""]
    parts = [part for chunk in chunks for part in chunk.tool_call_chunks]
    assert [part["name"] for part in parts if part["name"]] == ["add", "run"]
    assert "".join(part["args"] or "" for part in parts if part["index"] == parts[0]["index"]) == CALL["arguments"]
    assert json.loads("".join(part["args"] or "" for part in parts if part["index"] == parts[-1]["index"])) == {
        "__arg1": CUSTOM["input"]
    }
    assert [chunk.chunk_position for chunk in chunks if chunk.chunk_position] == ["last"]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["type"])
def test_hosts_that_leave_out_events(item: dict[str, Any]) -> None:
    """No pieces; not even the item's beginning; no event of the item at all; or the end has no output."""
    answer = answer_of(item)
    whole = read(answer)
    created, *events, over = streamed(answer)
    added, done = events[0], events[-1]
    empty: dict[str, Any] = {**over, "response": {**answer, "output": []}}
    for said in ([created, added, done, over], [created, done, over], [over], [created, *events, empty]):
        merged = joined(sse(said))
        assert without_index(merged.content) == whole.content
        assert merged.tool_calls == whole.tool_calls


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["type"])
def test_items_that_no_event_ends(item: dict[str, Any]) -> None:
    """What was begun is completed by the whole answer, whether or not its pieces came."""
    answer = answer_of(item)
    created, *events, over = streamed(answer)
    for said in ([created, events[0], over], [created, *events[:-1], over]):
        merged = joined(sse(said))
        assert without_index(merged.content) == read(answer).content
        assert merged.tool_calls == read(answer).tool_calls


def test_what_is_told_by_the_ends_of_pieces_alone() -> None:
    """Neither pieces, nor the end of an item, nor an output at the end: the arguments of a call are not lost."""
    call = {"type": "function_call", "id": "i3", "call_id": "call_1", "name": "add", "arguments": ""}
    merged = joined(
        sse(
            [
                {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5"}},
                {"type": "response.reasoning_summary_text.done", "item_id": "i1", "output_index": 0, "text": "First."},
                {"type": "response.reasoning_text.done", "item_id": "i2", "output_index": 1, "text": " Then."},
                {"type": "response.output_item.added", "output_index": 2, "item": call},
                {"type": "response.function_call_arguments.done", "item_id": "i3", "arguments": '{"a": 1}'},
                {"type": "response.completed", "response": answer_of()},
            ]
        )
    )
    reasoning = [block.get("reasoning") for block in merged.content_blocks if block["type"] == "reasoning"]
    assert "".join(map(str, reasoning)) == "First. Then."
    assert [(made["name"], made["args"]) for made in merged.tool_calls] == [("add", {"a": 1})]


def test_a_message_that_is_a_text() -> None:
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": "Hello"}
    assert read(answer_of(item)).text == "Hello"
    over = {"type": "response.completed", "response": answer_of(item)}
    assert joined(sse([over])).text == "Hello"


def test_ids_that_differ_from_event_to_event() -> None:
    """Of an item the position tells, then; so does the id where the position changes."""
    answer = answer_of(MESSAGE, CALL)
    for key in ("item_id", "output_index"):
        events = streamed(answer)
        for number, event in enumerate(events):
            if key == "item_id" and "item_id" in event:
                event["item_id"] = f"x{number}"
            elif event["type"].endswith("item.done") and key == "output_index":
                event["output_index"] += 1
        merged = joined(sse(events))
        assert without_index(merged.content) == read(answer).content


def test_items_that_share_an_id() -> None:
    answer = answer_of({**REASONING, "id": "x"}, {**MESSAGE, "id": "x"}, {**MESSAGE, "id": "x"})
    assert without_index(joined(sse(streamed(answer))).content) == read(answer).content


def test_an_item_that_is_told_twice() -> None:
    answer = answer_of(REASONING, MESSAGE, CALL, SEARCH)
    twice = [event for event in streamed(answer) for _ in range(1 + event["type"].endswith("item.done"))]
    assert without_index(joined(sse(twice)).content) == read(answer).content


def test_parts_that_are_counted_from_one() -> None:
    events = streamed(answer_of(MESSAGE))
    for event in events:
        if "content_index" in event:
            event["content_index"] += 1
    assert without_index(joined(sse(events)).content) == read(answer_of(MESSAGE)).content


def test_events_without_a_name() -> None:
    body = sse(streamed(answer_of(*ITEMS)))
    bare = b"\n".join(line for line in body.split(b"\n") if not line.startswith(b"event:"))
    assert joined(bare).content == joined(body).content


def test_a_stream_that_ends_by_done_alone() -> None:
    *events, _ = streamed(answer_of(MESSAGE))
    merged = joined(sse(events) + b"data: [DONE]\n\n")
    assert merged.text == "Hello"
    assert merged.response_metadata["finish_reason"] == "completed"
    with pytest.raises(ConnectionFailedError):
        fed(sse(events[:5]) + b"data: [DONE]\n\n")


def test_reasoning_of_open_models() -> None:
    item = {"id": "r", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    plain = read(answer_of(item))
    assert plain.content == [item]
    assert [block.get("reasoning") for block in plain.content_blocks] == ["Hm."]
    about = {"item_id": "r", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *({"type": "response.reasoning_text.delta", **about, "delta": letter} for letter in "Hm."),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": answer_of(item)},
    ]
    merged = joined(sse(events))
    assert without_index(merged.content) == plain.content
    assert [block.get("reasoning") for block in merged.content_blocks] == ["Hm."]


def test_reasoning_beside_the_output() -> None:
    said = read(answer_of(MESSAGE, reasoning="Hm.")).content_blocks[0]
    assert said.get("reasoning") == "Hm."
    assert read(answer_of(MESSAGE, reasoning={"effort": "low"})).content_blocks[0]["type"] == "text"


def test_text_without_items() -> None:
    assert read(answer_of(output_text="Hi")).text == "Hi"
    assert joined(sse([{"type": "response.completed", "response": answer_of(output_text="Hi")}])).text == "Hi"


def test_probabilities_of_tokens() -> None:
    tokens = [{"token": "Hi", "logprob": -0.1}]
    part = {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": tokens}
    item = {**MESSAGE, "content": [part]}
    assert read(answer_of(item)).response_metadata["logprobs"] == {"content": tokens}
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Hi", "logprobs": tokens}
    events = [delta, {"type": "response.output_item.done", "item": item}, streamed(answer_of())[-1]]
    assert joined(sse(events)).response_metadata["logprobs"] == {"content": tokens}


def test_every_chunk_says_whose_it_is() -> None:
    chunks = fed(sse(streamed(answer_of(*ITEMS))), "xai")
    assert {chunk.response_metadata["model_provider"] for chunk in chunks} == {"xai"}


def test_an_answer_that_broke_off() -> None:
    answer = answer_of(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    for message in (read(answer), joined(sse(streamed(answer)))):
        assert message.response_metadata["finish_reason"] == "max_output_tokens"
        assert message.text == "Hello"


def test_a_refusal_that_no_event_tells_whole() -> None:
    refusal = [event for event in streamed(answer_of(MESSAGE)) if event["type"] == "response.refusal.delta"]
    message = joined(sse([*refusal, {"type": "response.completed", "response": answer_of()}]))
    assert without_index(message.content) == [{"type": "refusal", "refusal": "No more.", "id": "msg_1"}]


def test_a_custom_call_that_broke_off_is_none() -> None:
    _, *events, _ = streamed(answer_of(CUSTOM))
    over = {"type": "response.incomplete", "response": answer_of(status="incomplete", output=[])}
    message = joined(sse([*events[:-3], over]))
    assert message.tool_calls == []
    assert len(message.invalid_tool_calls) == 1


def test_an_answer_that_is_not_made_yet() -> None:
    message = read(answer_of(status="queued", usage=None))
    assert (message.content, message.response_metadata["status"]) == ([], "queued")


def test_a_host_that_streams_unasked() -> None:
    result = decode_answer(sse(streamed(answer_of(MESSAGE, CALL))), Exchange())
    assert result.generations[0].text == "Hello"


def test_one_body_where_a_stream_was_asked() -> None:
    message = joined(json.dumps(answer_of(*ITEMS)).encode())
    assert message.tool_calls == read(answer_of(*ITEMS)).tool_calls
    assert message.content == read(answer_of(*ITEMS)).content


# ---------------------------------------------------------------------------------------------------------- no answers


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_answers_that_failed(stream: bool) -> None:
    def fail(answer: dict[str, Any]) -> None:
        if stream:
            fed(sse([streamed(answer_of())[0], {"type": "response.failed", "response": answer}]))
        else:
            read(answer)

    with pytest.raises(RateLimited, match="slow down"):
        fail(answer_of(status="failed", error={"code": "rate_limit_exceeded", "message": "slow down"}))
    with pytest.raises(ServerError, match="boom"):
        fail(answer_of(status="failed", error={"code": "server_error", "message": "boom"}))
    with pytest.raises(ProviderError, match="resp_1 failed"):
        fail(answer_of(status="failed"))
    with pytest.raises(ProviderError, match="was cancelled"):
        fail(answer_of(status="cancelled"))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "slow down"}},
        {"error": {"code": "rate_limit_exceeded", "message": "slow down"}, "type": "response.mystery"},
    ],
    ids=["flat", "nested", "nameless"],
)
def test_errors_in_mid_stream(event: dict[str, Any]) -> None:
    decoder = AnswerDecoder(Exchange("acme"))
    assert len(decoder.feed(sse([*streamed(answer_of(MESSAGE))[:5], event]))) == 2
    with pytest.raises(RateLimited, match="slow down") as raised:
        decoder.finish()
    assert raised.value.provider == "acme"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"choices":[]}', b"null", b'"x"'], ids=str)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        decode_answer(body, Exchange())


def test_an_error_inside_a_200() -> None:
    with pytest.raises(ProviderError, match="Could not parse"):
        decode_answer(b'{"detail":"Could not parse your token"}', Exchange())


def test_a_stream_without_an_end() -> None:
    decoder = AnswerDecoder(Exchange())
    decoder.feed(sse(streamed(answer_of(MESSAGE))[:-1]))
    assert (decoder.answer_id, decoder.position) == ("resp_1", 23)
    with pytest.raises(ConnectionFailedError):
        decoder.finish()


VALUES: list[Any] = [None, 0, -1, 1.5, "x", "", True, [], [1], [[]], {}, {"a": {}}, [{"type": []}], [{"text": {}}]]


def mutated(value: Any, odd: Any) -> list[Any]:
    """`value` once for each place in it, with `odd` in that place."""
    found: list[Any] = [odd]
    if is_dict(value):
        found += [{**value, key: change} for key, item in value.items() for change in mutated(item, odd)]
    elif is_list(value):
        found += [
            [*value[:index], change, *value[index + 1 :]]
            for index, item in enumerate(value)
            for change in mutated(item, odd)
        ]
    return found


@pytest.mark.parametrize("odd", VALUES, ids=str)
def test_any_type_anywhere(odd: Any) -> None:
    """Whatever stands wherever: an answer that can be looked at, or an error of ours."""
    for answer in mutated(answer_of(*ITEMS), odd):
        try:
            message = read(answer)
        except ProviderError:
            continue
        assert isinstance(message.content_blocks, list)
    short = [{**MESSAGE, "content": [{**MESSAGE["content"][0], "text": "H"}]}, {**CALL, "arguments": "1"}, REASONING]
    events = streamed(answer_of(*short))
    for position, event in enumerate(events):
        for change in mutated(event, odd):
            if not is_dict(change):
                continue
            said = zip(events, (*events[:position], change, *events[position + 1 :]), strict=True)
            try:
                message = joined(
                    b"".join(f"event: {was['type']}\ndata: {json.dumps(part)}\n\n".encode() for was, part in said)
                )
            except ProviderError:
                continue
            assert isinstance(message.content_blocks, list)


def test_four_thousand_pieces_of_a_call_cost_four_thousand_times_one() -> None:
    def seconds(count: int) -> float:
        call = {**CALL, "arguments": '{"a": "' + "x" * count + '"}'}
        body = sse(streamed(answer_of(call)))
        times: list[float] = []
        for _ in range(3):
            started = time.process_time()
            assert len(joined(body).tool_calls[0]["args"]["a"]) == count
            times.append(time.process_time() - started)
        return min(times)

    assert seconds(4000) < 16 * seconds(1000)
