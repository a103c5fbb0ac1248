"""`ChatOllama`: its answers as bytes, its requests over real sockets on both backends, and what it refuses."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from pydantic import BaseModel

from chatcore import dumps, loads
from chatcore.engine.policies import Timeout
from chatcore.errors import (
    ChatCoreError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidInputError,
    MalformedResponseError,
    MissingKeyError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    ServerError,
    StreamInterrupted,
)
from chatcore.messages import Accumulator, AIMessage, AIMessageChunk, HumanMessage
from chatcore.outputs import ChatGenerationChunk
from chatcore.providers._ollama import AnswerDecoder, decode_answer
from chatcore.providers._wire import Exchange
from chatcore.providers.ollama import ChatOllama
from tests.providers.loopback import Answer, json_of, provider

HERE = Exchange("ollama", "qwen3:4b", "req-1", {"request_id": "req-1"})
COUNTS = {"total_duration": 9, "prompt_eval_count": 7, "eval_count": 3, "eval_duration": 5}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("OLLAMA_HOST", "OLLAMA_API_KEY", "CHATCORE_OLLAMA_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def line(content: Any = "", **fields: Any) -> dict[str, Any]:
    """One line of a stream; `done_reason` makes it the last."""
    top = {key: fields.pop(key) for key in ("logprobs", "done_reason") if key in fields}
    last = {"done": True, **COUNTS} if "done_reason" in top else {"done": False}
    return {"model": "qwen3:4b", "created_at": "t", "message": {"role": "assistant", "content": content, **fields}} | {
        **top,
        **last,
    }


END = line(done_reason="stop")


def ndjson(*lines: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


def chunks_of(stream: bytes) -> list[ChatGenerationChunk]:
    decoder = AnswerDecoder(HERE)
    return [*decoder.feed(stream), *decoder.finish()]


def merged(stream: bytes) -> AIMessage:
    whole = Accumulator()
    for chunk in chunks_of(stream):
        assert isinstance(chunk.message, AIMessageChunk)
        whole.add(chunk.message)
    return whole.message()


def plain(body: Any) -> AIMessage:
    found = decode_answer(body if isinstance(body, bytes) else json.dumps(body).encode(), HERE).generations[0].message
    assert isinstance(found, AIMessage)
    return found


def call(name: Any = "add", arguments: Any = None, call_id: Any = None) -> dict[str, Any]:
    made = {"function": {"name": name, "arguments": {"a": 1} if arguments is None else arguments}}
    return made if call_id is None else {"id": call_id, **made}


# -------------------------------------------------------------------------------------------------------------- answers


def test_everything_an_answer_may_say_plain_and_streamed() -> None:
    logprobs = [{"token": "Hi", "logprob": -0.1}, {"token": "!", "logprob": -0.2}]
    whole = plain(
        line(
            "Hi!",
            thinking="Hm.",
            tool_calls=[call(call_id="c1"), call("sub", {}, "c2")],
            logprobs=logprobs,
            done_reason="stop",
        )
    )
    streamed = merged(
        ndjson(
            line(thinking="H"),
            line(thinking="m."),
            line("Hi", logprobs=logprobs[:1]),
            line("!", logprobs=logprobs[1:]),
            line(tool_calls=[call(call_id="c1")]),
            line(tool_calls=[call("sub", {}, "c2")]),
            END,
        )
    )
    for message in (whole, streamed):
        assert message.content == "Hi!"
        assert message.additional_kwargs == {"reasoning_content": "Hm."}
        assert [block["type"] for block in message.content_blocks] == ["reasoning", "text", "tool_call", "tool_call"]
        assert [(made["name"], made["args"], made["id"]) for made in message.tool_calls] == [
            ("add", {"a": 1}, "c1"),
            ("sub", {}, "c2"),
        ]
        assert message.usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
        assert message.response_metadata == {
            "model_provider": "ollama",
            "model_name": "qwen3:4b",
            "model": "qwen3:4b",
            "created_at": "t",
            "done": True,
            "done_reason": "stop",
            "finish_reason": "stop",
            "request_id": "req-1",
            "logprobs": logprobs,
            **COUNTS,
        }


def test_a_chunk_for_each_line_that_brings_something() -> None:
    chunks = chunks_of(ndjson(line(), line("a"), line("b", logprobs=[{"token": "b"}]), END))
    assert [chunk.message.content for chunk in chunks] == ["a", "b", ""]
    assert chunks[1].generation_info == {"logprobs": [{"token": "b"}]}
    assert chunks[2].generation_info == {"finish_reason": "stop"}
    assert isinstance(chunks[2].message, AIMessageChunk)
    assert chunks[2].message.chunk_position == "last"


def test_calls_are_numbered_through_the_stream() -> None:
    lines = (line(tool_calls=[call(call_id="a"), call(call_id="b")]), line("x"), line(tool_calls=[call(call_id="c")]))
    pieces = [chunk.message for chunk in chunks_of(ndjson(*lines, END))]
    numbers = [
        made["index"] for piece in pieces if isinstance(piece, AIMessageChunk) for made in piece.tool_call_chunks
    ]
    assert numbers == [0, 1, 2]


def test_calls_without_ids_get_their_own() -> None:
    for message in (
        plain(line(tool_calls=[call(), call()], done_reason="stop")),
        merged(ndjson(line(tool_calls=[call()]), line(tool_calls=[call()]), END)),
    ):
        first, second = (made["id"] for made in message.tool_calls)
        assert first
        assert second
        assert first != second


@pytest.mark.parametrize(
    ("arguments", "args"),
    [({"a": {"b": [None]}}, {"a": {"b": [None]}}), ('{"a": 1}', {"a": 1}), ("", {}), ({}, {})],
    ids=str,
)
def test_arguments_of_a_call(arguments: Any, args: Any) -> None:
    assert plain(line(tool_calls=[call(arguments=arguments)], done_reason="stop")).tool_calls[0]["args"] == args


def test_arguments_that_are_no_object_are_an_invalid_call() -> None:
    message = plain(line(tool_calls=[call(arguments=[1])], done_reason="stop"))
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == "[1]"


def test_images_that_it_made() -> None:
    assert plain(line(images=["aGk="], done_reason="stop")).additional_kwargs == {"images": ["aGk="]}


def test_counts_that_are_left_out() -> None:
    cached = {key: value for key, value in END.items() if key != "prompt_eval_count"}
    assert plain(cached).usage_metadata == {"input_tokens": 0, "output_tokens": 3, "total_tokens": 3}
    assert plain({"message": {"content": "a"}, "done": True}).usage_metadata is None
    assert plain({"message": {"content": "a"}}).response_metadata == {"model_provider": "ollama", "request_id": "req-1"}


# ----------------------------------------------------------------------------------------------------- not as it should


@pytest.mark.parametrize(
    "stream",
    [
        json.dumps(line("Hi", done_reason="stop")).encode(),
        json.dumps(line("Hi", done_reason="stop"), indent=2).encode(),
        json.dumps(line("Hi", done_reason="stop"), indent=2).replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + ndjson(line("Hi"), END),
        b"\r\n\r\n" + ndjson(line("H"), line("i"), END).replace(b"\n", b"\r\n\r\n"),
        ndjson(line("Hi"), END).rstrip(b"\n"),
        b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in (line("Hi"), END)),
        ndjson(line("Hi"), END, line("and more"), {"error": "too late"}),
        ndjson(line("Hi"), {**line(), "done_reason": "stop"}),
    ],
    ids=["line", "lines", "crlf", "bom", "blank", "no end", "sse", "after the end", "reason alone"],
)
def test_streams_of_every_form(stream: bytes) -> None:
    assert merged(stream).content == "Hi"
    one_by_one = AnswerDecoder(HERE)
    parts = [chunk for at in range(len(stream)) for chunk in one_by_one.feed(stream[at : at + 1])]
    assert "".join(str(chunk.message.content) for chunk in (*parts, *one_by_one.finish())) == "Hi"


def test_a_stream_that_nobody_asked_for() -> None:
    assert plain(ndjson(line("H"), line("i"), END)).content == "Hi"
    assert plain(b"data: %b\n\n" % json.dumps(line("Hi", done_reason="stop")).encode()).content == "Hi"


def test_text_that_looks_like_framing_is_text() -> None:
    said = "a\u2028b\n\ndata: c\r\n\x85d"
    assert merged(json.dumps(line(said), ensure_ascii=False).encode() + b"\n" + ndjson(END)).content == said


def test_half_a_character_costs_that_character() -> None:
    halves = ndjson(line("a")) + rb'{"message":{"content":"\ud83d!"},"done":false}' + b"\n" + ndjson(line("b"), END)
    assert merged(halves).content == "a\ufffd!b"


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", ConnectionFailedError),
        (b"\n\n", ConnectionFailedError),
        (ndjson(line("Hi")), ConnectionFailedError),
        (ndjson(line("Hi"), END)[:-20], ConnectionFailedError),
        (ndjson({"error": "model runner has unexpectedly stopped"}), ServerError),
        (ndjson({"error": "server busy, please try again. maximum pending requests exceeded"}), OverloadedError),
        (ndjson({"error": {"message": "m", "code": 503}}), ProviderError),
        (ndjson(line("Hi")) + b"nonsense\n", MalformedResponseError),
        (ndjson(line("Hi"), [1]), MalformedResponseError),
        (b"nonsense\n" + ndjson(line("Hi"), END), ChatCoreError),
        (b"{nonsense\n" + ndjson(line("Hi"), END), MalformedResponseError),
        (b"[1]", MalformedResponseError),
        (b"null\n", ChatCoreError),
        (b"<html><title>Hi</title></html>", NotFoundError),
        (b"\x1f\x8b\x08\x00\x00", ChatCoreError),
    ],
)
def test_streams_that_fail(stream: bytes, kind: type[ChatCoreError]) -> None:
    for parts in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        decoder = AnswerDecoder(HERE)
        with pytest.raises(kind):
            for part in parts:
                decoder.feed(part)
            decoder.finish()


def test_an_error_midway_comes_after_what_was_said() -> None:
    decoder = AnswerDecoder(HERE)
    assert [chunk.message.content for chunk in decoder.feed(ndjson(line("Hi"), {"error": "stopped"}))] == ["Hi"]
    with pytest.raises(ServerError, match="stopped"):
        decoder.finish()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "model not found"}, ProviderError),
        ({}, MalformedResponseError),
        ([], MalformedResponseError),
        ({"message": "Hi", "done": True}, MalformedResponseError),
        (line("Hi"), ConnectionFailedError),
        (b"", MalformedResponseError),
        (b"Ollama is running", MalformedResponseError),
        (b"<html>", NotFoundError),
        (ndjson(line("Hi"), line("!")), ConnectionFailedError),
    ],
    ids=str,
)
def test_answers_that_are_none(body: Any, kind: type[ChatCoreError]) -> None:
    with pytest.raises(kind):
        plain(body)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], [1], ["x"], {}, {"a": 1}, [[]], [None]], ids=str)
def test_any_type_anywhere_is_read_or_refused(value: Any) -> None:
    fields = ("content", "thinking", "tool_calls", "images", "role", "logprobs", "done_reason")
    lines = [line(**{field: value}) for field in fields]
    lines += [{**line(), field: value} for field in ("message", "model", "done", "prompt_eval_count", "eval_count")]
    lines += [line(tool_calls=[{"function": value}]), line(tool_calls=[call(value, value, value)])]
    for given in lines:
        for read in (plain, lambda each: merged(ndjson(each, END)), lambda each: merged(ndjson(line("a"), each))):
            try:
                message = read({**given, "done": True})
            except ChatCoreError:
                continue
            assert isinstance(message.content, str)


# --------------------------------------------------------------------------------------------------------------- calls


@pytest.mark.anyio
async def test_a_plain_and_a_streamed_call() -> None:
    streamed = [ndjson(line("T")), ndjson(line("w"), line("o."))[:70], ndjson(line("w"), line("o."))[70:], ndjson(END)]
    async with provider(Answer(line("One.", done_reason="stop")), Answer(streamed)) as server:
        model = ChatOllama(model="qwen3:4b", base_url=server.url, reasoning=False, num_ctx=8192, temperature=0)
        assert (await model.ainvoke("1?")).content == "One."
        chunks = [chunk async for chunk in model.astream("2?")]
    assert "".join(chunk.text for chunk in chunks) == "Two."
    assert chunks[-1].usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    asked, streaming = server.requests
    assert asked.line == "POST /api/chat HTTP/1.1"
    assert json_of(asked) == {
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "1?"}],
        "stream": False,
        "think": False,
        "options": {"num_ctx": 8192, "temperature": 0.0},
    }
    assert json_of(streaming)["stream"] is True
    assert (asked.headers["accept"], streaming.headers["accept"]) == ("application/json", "application/x-ndjson")
    assert "authorization" not in asked.headers


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_model_that_is_not_there_is_pulled_by_the_user(stream: bool) -> None:
    async with provider(Answer({"error": "model 'qwen9' not found"}, 404)) as server:
        with pytest.raises(NotFoundError, match="`ollama pull qwen9`") as caught:
            await ChatOllama(model="qwen9", base_url=server.url).ainvoke("?", stream=stream)
    assert (caught.value.status, caught.value.provider, caught.value.model) == (404, "ollama", "qwen9")


@pytest.mark.anyio
async def test_another_404_is_none_of_a_model() -> None:
    async with provider(Answer(b"404 page not found", 404, {"content-type": "text/plain"})) as server:
        with pytest.raises(NotFoundError) as caught:
            await ChatOllama(model="qwen9", base_url=server.url).ainvoke("?")
    assert "pull" not in str(caught.value)
    assert "404 page not found" in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("cut", [Answer([ndjson(line("Hi"), {"error": "stopped"})]), Answer([ndjson(line("Hi"))])])
async def test_a_stream_that_breaks_midway_keeps_what_came(cut: Answer) -> None:
    async with provider(cut) as server:
        model = ChatOllama(model="m", base_url=server.url, max_retries=0)
        with pytest.raises(StreamInterrupted) as caught:
            [chunk async for chunk in model.astream("?")]
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"


@pytest.mark.anyio
async def test_an_overload_is_tried_again() -> None:
    busy = Answer({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503)
    in_stream = Answer([ndjson({"error": "server busy, please try again"})])
    async with provider(busy, in_stream, Answer([ndjson(line("Hi"), END)])) as server:
        model = ChatOllama(model="m", base_url=server.url).with_retry(wait_exponential_jitter=False)
        assert (await model.ainvoke("?", stream=True)).content == "Hi"
    assert len(server.requests) == 3


@pytest.mark.anyio
async def test_what_a_call_says_takes_the_place_of_what_the_model_says() -> None:
    async with provider(*(Answer(line("Hi", done_reason="stop")) for _ in range(4))) as server:
        model = ChatOllama(
            model="m", base_url=server.url, num_predict=9, reasoning=True, format="json", stop=["a"], keep_alive=-1
        )
        await model.ainvoke("?")
        await model.ainvoke("?", max_tokens=5, reasoning_effort="low", response_format={"type": "text"}, stop=["b"])
        await model.ainvoke("?", options={"num_ctx": 1}, extra_body={"truncate": True}, extra_headers={"X-A": "b"})
        await model.bind_tools([{"name": "add", "parameters": {}}], tool_choice="add").ainvoke("?")
    bodies = [json_of(request) for request in server.requests]
    for body in bodies:
        del body["messages"], body["stream"], body["model"]
    model_says = {"think": True, "format": "json", "keep_alive": -1}
    assert bodies[0] == {**model_says, "options": {"num_predict": 9, "stop": ["a"]}}
    assert bodies[1] == {"think": "low", "keep_alive": -1, "options": {"num_predict": 5, "stop": ["b"]}}
    assert bodies[2]["options"] == {"num_predict": 9, "stop": ["a"], "num_ctx": 1}
    assert bodies[2]["truncate"] is True
    assert server.requests[2].headers["x-a"] == "b"
    assert bodies[3]["tools"] == [{"type": "function", "function": {"name": "add", "parameters": {}}}]


class City(BaseModel):
    name: str


@pytest.mark.anyio
async def test_structured_output_is_asked_for_by_its_schema() -> None:
    answer = Answer(line('{"name": "Oslo"}', done_reason="stop"))
    as_call = Answer(line(tool_calls=[call("City", {"name": "Oslo"})], done_reason="stop"))
    async with provider(answer, as_call) as server:
        model = ChatOllama(model="m", base_url=server.url, format="json")
        assert await model.with_structured_output(City).ainvoke("?") == City(name="Oslo")
        by_call = model.with_structured_output(City, method="function_calling")
        assert await by_call.ainvoke("?") == City(name="Oslo")
    first, second = (json_of(request) for request in server.requests)
    assert first["format"]["properties"].keys() == {"name"}
    assert second["tools"][0]["function"]["name"] == "City"


def test_sync_calls() -> None:
    model = ChatOllama(model="m", base_url="http://127.0.0.1:1", max_retries=0)
    with pytest.raises(ConnectionFailedError):
        model.invoke("?")


@pytest.mark.anyio
async def test_input_that_cannot_be_sent_is_told_before_anything_is_sent() -> None:
    model = ChatOllama(model="m", base_url="http://127.0.0.1:1")
    with pytest.raises(InvalidInputError, match="Message 0 \\(human\\)"):
        await model.ainvoke([HumanMessage([{"type": "image", "url": "https://example.com/a.png"}])])


# ----------------------------------------------------------------------------------------------- which models there are


@pytest.mark.anyio
async def test_the_server_is_asked_for_its_models() -> None:
    tags = Answer({"models": [{"model": "qwen3:4b"}, {"name": "llama3.2:latest"}, {}, 1]})
    async with provider(tags, tags, tags) as server:
        await ChatOllama(model="qwen3:4b", base_url=server.url).avalidate_model()
        await ChatOllama(model="llama3.2", base_url=server.url).avalidate_model()
        with pytest.raises(NotFoundError, match=r"`ollama pull qwen3:8b`\. It has: qwen3:4b, llama3\.2:latest"):
            await ChatOllama(model="qwen3:8b", base_url=server.url).avalidate_model()
    assert server.requests[0].line == "GET /api/tags HTTP/1.1"


def test_the_server_is_asked_at_once_if_so_wanted() -> None:
    with pytest.raises(ConnectionFailedError):
        ChatOllama(model="m", base_url="http://127.0.0.1:1", validate_model_on_init=True)


# ------------------------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:56789", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4"),
        ("https://example.com:56789/path/", "https://example.com:56789/path"),
        ("example.com", "http://example.com:11434"),
        ("example.com/", "http://example.com:11434"),
        ("example.com:56789/path/", "http://example.com:56789/path"),
        ("[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:11434"),
        ("[0001:002:003:0004::1]:56789/path", "http://[0001:002:003:0004::1]:56789/path"),
    ],
)
def test_where_the_server_is(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert ChatOllama(model="m").base_url == url
    monkeypatch.setenv("OLLAMA_HOST", "http://another:1")
    if host:
        assert ChatOllama(model="m", base_url=host).base_url == url


def test_another_address_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCORE_OLLAMA_BASE_URL", "proxy:1")
    monkeypatch.setenv("OLLAMA_HOST", "another")
    assert ChatOllama(model="m").base_url == "http://proxy:1"


def test_the_same_address_as_the_official_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("ollama._client", reason="the official SDK is not installed")
    for host in ("1.2.3.4", ":56789", "gpu-box", "gpu-box:1/a/", "[::1]", "[::1]:8", "https://a.b:1/c"):
        monkeypatch.setenv("OLLAMA_HOST", host)
        assert ChatOllama(model="m").base_url == client._parse_host(host)


@pytest.mark.parametrize("host", ["ftp://a", "localhost:99999", "a b", "http://"])
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        ChatOllama(model="m", base_url=host)
    monkeypatch.setenv("OLLAMA_HOST", host)
    with pytest.raises(ConfigurationError, match="OLLAMA_HOST"):
        ChatOllama(model="m")


@pytest.mark.anyio
async def test_headers_of_the_client_and_user_and_password_of_the_address() -> None:
    async with provider(Answer(line("Hi", done_reason="stop"))) as server:
        model = ChatOllama(
            model="m",
            base_url=server.url.replace("//", "//ann:p%40ss@"),
            client_kwargs={"headers": {"X-One": "1", "X-Two": "1"}, "timeout": 5},
            async_client_kwargs={"headers": {"X-Two": "2"}},
        )
        await model.ainvoke("?")
    sent = server.requests[0].headers
    assert (sent["x-one"], sent["x-two"]) == ("1", "2")
    assert sent["authorization"] == "Basic YW5uOnBAc3M="
    assert model.base_url == server.url
    assert model.timeout == Timeout.of(5)
    shown = f"{model!r} {model.model_dump()} {dumps(model)} {pickle.dumps(model)!r}"
    assert "YW5u" not in shown
    assert "p%40ss" not in shown


@pytest.mark.anyio
async def test_a_key_is_sent_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "from-the-environment")
    async with provider(Answer(line("Hi", done_reason="stop")), Answer(line("Hi", done_reason="stop"))) as server:
        await ChatOllama(model="m", base_url=server.url).ainvoke("?")
        await ChatOllama(model="m", base_url=server.url, api_key="given").ainvoke("?")
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer from-the-environment",
        "Bearer given",
    ]


def test_only_the_cloud_needs_a_key() -> None:
    ChatOllama(model="m", base_url="http://gpu-box.example.com:11434")
    with pytest.raises(MissingKeyError, match="OLLAMA_API_KEY"):
        ChatOllama(model="m", base_url="https://ollama.com")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_predict": 1, "max_tokens": 1}, "two names of one thing"),
        ({"client_kwargs": {"verify": False, "headers": {}}}, "client_kwargs has verify"),
        ({"top_logprobs": 0}, "top_logprobs"),
        ({"num_ctxt": 1}, "Did you mean 'num_ctx'"),
        ({"model": ""}, "model"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ChatOllama(**{"model": "m", **arguments})


def test_a_model_is_written_and_read_again() -> None:
    model = ChatOllama(model="m", num_ctx=8192, reasoning="low")
    again = loads(dumps(model), allowed_objects="all")
    assert isinstance(again, ChatOllama)
    assert (again.model_name, again.num_ctx, again.reasoning, again.base_url) == ("m", 8192, "low", model.base_url)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert copy.num_ctx == 8192
    assert model._llm_type == "chat-ollama"
