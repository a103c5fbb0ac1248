"""Messages that the recordings do not hold, as Gemini's contents: media, histories of others, results, roles."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from chatcore.providers._gemini import SIGNATURES
from chatcore.providers._gemini_contents import UNSIGNED, encode_messages

HI = HumanMessage("Hi")


def contents(*messages: BaseMessage, model: str = "gemini-2.5-flash") -> list[Any]:
    body = encode_messages(messages, model=model)
    return [(content["role"], content["parts"]) for content in body["contents"]]


def user(*blocks: Any) -> Any:
    (only,) = contents(HumanMessage(list(blocks)))
    return only[1]


def answer(**fields: Any) -> AIMessage:
    metadata = {"model_provider": "google_genai", **fields.pop("response_metadata", {})}
    content: Any = fields.pop("content", "")
    return AIMessage(content, response_metadata=metadata, **fields)


def call(name: str, call_id: str | None, **args: Any) -> Any:
    return {"name": name, "args": args, "id": call_id, "type": "tool_call"}


def uri(url: str, mime_type: str | None = None) -> Any:
    return {"fileData": {"fileUri": url, "mimeType": mime_type} if mime_type else {"fileUri": url}}


def data(mime_type: str, encoded: str = "aGk=") -> Any:
    return {"inlineData": {"mimeType": mime_type, "data": encoded}}


WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
WEBP = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 ").decode()


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("Hi", {"text": "Hi"}),
        ({"type": "text", "text": "Hi"}, {"text": "Hi"}),
        ({"type": "text-plain", "text": "Hi"}, {"text": "Hi"}),
        ({"type": "image", "base64": "aGk=", "mime_type": "image/png"}, data("image/png")),
        ({"type": "image", "base64": "iVBORw0KGgo="}, data("image/png", "iVBORw0KGgo=")),
        ({"type": "image", "url": "data:image/gif;base64,aGk="}, data("image/gif")),
        ({"type": "image_url", "image_url": {"url": "data:image/gif;base64,aGk="}}, data("image/gif")),
        ({"type": "image_url", "image_url": "https://a/b.png?c=d"}, uri("https://a/b.png?c=d", "image/png")),
        ({"type": "image", "url": "https://a/b"}, uri("https://a/b", "image/jpeg")),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a/b.webp"}},
            uri("https://a/b.webp", "image/webp"),
        ),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}, data("audio/wav")),
        ({"type": "file", "base64": WAV}, data("audio/wav", WAV)),
        ({"type": "image", "base64": WEBP}, data("image/webp", WEBP)),
        ({"type": "file", "base64": "JVBERi0xLjQ="}, data("application/pdf", "JVBERi0xLjQ=")),
        ({"type": "file", "url": "gs://bucket/a.pdf"}, uri("gs://bucket/a.pdf", "application/pdf")),
        ({"type": "file", "url": "https://a/b"}, uri("https://a/b")),
        (
            {"type": "file", "file_id": "https://a/files/1", "mime_type": "text/csv"},
            uri("https://a/files/1", "text/csv"),
        ),
        (
            {"type": "file", "file_id": "files/abc"},
            uri("https://generativelanguage.googleapis.com/v1beta/files/abc"),
        ),
        (
            {"type": "video", "url": "https://www.youtube.com/watch?v=1"},
            uri("https://www.youtube.com/watch?v=1", "video/mp4"),
        ),
        (
            {"type": "media", "file_uri": "gs://b/a.mp4", "mime_type": "video/mp4", "video_metadata": {"fps": 1}},
            {**uri("gs://b/a.mp4", "video/mp4"), "videoMetadata": {"fps": 1}},
        ),
        ({"type": "media", "mime_type": "audio/mpeg", "data": b"hi"}, data("audio/mpeg")),
        (
            {"type": "image", "base64": "aGk=", "mime_type": "image/png", "media_resolution": "high"},
            {**data("image/png"), "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
        ),
        (
            {"inline_data": {"mime_type": "image/png", "data": "aGk="}},
            {"inline_data": {"mime_type": "image/png", "data": "aGk="}},
        ),
        ({"type": "non_standard", "value": {"fileData": {"fileUri": "u"}}}, uri("u")),
    ],
)
def test_what_a_user_shows_is_a_part(block: Any, part: Any) -> None:
    assert user(block) == [part]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "image"}, "neither 'base64' nor 'url'"),
        ({"type": "file", "base64": "aGk="}, "give its 'mime_type'"),
        ({"a": 1}, "has no 'type'"),
        ({"type": "odd"}, "Gemini takes text"),
        ({"type": "text", "text": 1}, "must be a str"),
    ],
)
def test_what_cannot_be_sent_is_named(block: Any, why: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"Message 1 \(human\) has a block .*{why}"):
        encode_messages([SystemMessage("Be brief."), HumanMessage([block])])


def test_system_messages_are_the_instruction() -> None:
    body = encode_messages([SystemMessage("a"), HI, ChatMessage(content="b", role="developer")])
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}]},
    }


def test_gemma_is_told_its_instruction_by_the_user_and_so_is_who_is_told_nothing_else() -> None:
    told = {"contents": [{"role": "user", "parts": [{"text": "a"}, {"text": "Hi"}]}]}
    assert encode_messages([SystemMessage("a"), HI], model="gemma-3-27b-it") == told
    assert contents(SystemMessage("a")) == [("user", [{"text": "a"}])]


def test_neighbours_of_one_role_are_one_content_but_results_stand_apart() -> None:
    messages = [HI, HumanMessage("there"), AIMessage("a"), answer(tool_calls=[call("f", "1"), call("g", "2")])]
    results = [ToolMessage("{}", tool_call_id="2"), ToolMessage("x", tool_call_id="1"), HumanMessage("So?")]
    assert contents(*messages, *results) == [
        ("user", [{"text": "Hi"}, {"text": "there"}]),
        (
            "model",
            [
                {"text": "a"},
                {"functionCall": {"name": "f", "args": {}, "id": "1"}},
                {"functionCall": {"name": "g", "args": {}, "id": "2"}},
            ],
        ),
        (
            "user",
            [
                {"functionResponse": {"name": "g", "id": "2", "response": {}}},
                {"functionResponse": {"name": "f", "id": "1", "response": {"output": "x"}}},
            ],
        ),
        ("user", [{"text": "So?"}]),
    ]


@pytest.mark.parametrize("message", [ToolMessage("x", tool_call_id="1"), ChatMessage(content="x", role="tool")])
def test_a_message_of_no_known_tool_or_role_is_refused(message: BaseMessage) -> None:
    with pytest.raises(InvalidInputError, match="Message 1"):
        contents(HI, message)
    with pytest.raises(InvalidInputError, match="empty list"):
        contents()


IMAGE = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ({"content": "sunny"}, {"output": "sunny"}),
        ({"content": "42"}, {"output": "42"}),
        ({"content": '{"a": 1}'}, {"a": 1}),
        ({"content": "[1]"}, {"output": [1]}),
        ({"content": "{odd"}, {"output": "{odd"}),
        ({"content": "no", "status": "error"}, {"error": "no"}),
        ({"content": ["a", {"type": "text", "text": "b"}]}, {"output": "a\nb"}),
        ({"content": []}, {"output": ""}),
    ],
)
def test_a_result_is_an_object(result: dict[str, Any], response: Any) -> None:
    rest = {key: value for key, value in result.items() if key != "content"}
    given = ToolMessage(result["content"], tool_call_id="1", **rest)
    *_, (_, parts) = contents(answer(tool_calls=[call("f", "1")]), given)
    assert parts == [{"functionResponse": {"name": "f", "id": "1", "response": response}}]


def test_what_a_tool_shows_stands_in_its_result_or_beside_it() -> None:
    history = [answer(tool_calls=[call("f", "1")]), ToolMessage([IMAGE], tool_call_id="1")]
    result: dict[str, Any] = {"name": "f", "id": "1", "response": {}}
    assert contents(*history)[-1][1] == [{"functionResponse": result}, data("image/png")]
    newer = contents(*history, model="gemini-3-pro-preview")[-1][1]
    assert newer == [{"functionResponse": {**result, "parts": [data("image/png")]}}]


def test_a_function_message_is_a_result_too() -> None:
    assert contents(FunctionMessage(content="x", name="f")) == [
        ("user", [{"functionResponse": {"name": "f", "response": {"output": "x"}}}])
    ]


OPENAI = {"model_provider": "openai"}


def test_what_another_provider_said_is_told_without_its_secrets() -> None:
    message = AIMessage(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"},
            {"type": "text", "text": "Hm.", "annotations": []},
            {"type": "function_call", "name": "f", "arguments": '{"a": 1}', "call_id": "call_1", "id": "fc_1"},
        ],
        tool_calls=[call("f", "call_1", a=1)],
        response_metadata=OPENAI,
    )
    assert contents(message) == [
        ("model", [{"text": "Hm."}, {"functionCall": {"name": "f", "args": {"a": 1}, "id": "call_1"}}])
    ]


def test_a_call_that_no_gemini_3_made_is_marked_in_the_current_turn() -> None:
    foreign = AIMessage("", tool_calls=[call("f", "1"), call("f", "2")], response_metadata=OPENAI)
    history = [HI, foreign, ToolMessage("x", tool_call_id="1"), ToolMessage("y", tool_call_id="2")]
    assert [part.get("thoughtSignature") for part in contents(*history)[1][1]] == [None, None]
    marked = contents(*history, model="gemini-3-pro-preview")[1][1]
    assert [part.get("thoughtSignature") for part in marked] == [UNSIGNED, None]
    past = contents(*history, AIMessage("z"), HI, model="gemini-3-pro-preview")[1][1]
    assert [part.get("thoughtSignature") for part in past] == [None, None]


def test_invalid_repeated_and_missing_ids_lose_no_call() -> None:
    invalid = {"name": "h", "args": "{", "id": "1", "error": "cut", "type": "invalid_tool_call"}
    message = answer(
        tool_calls=[call("f", "1"), call("f", "1"), call("g", None)],
        invalid_tool_calls=[invalid],
        additional_kwargs={SIGNATURES: {"1": "s"}},
    )
    ((_, parts),) = contents(message)
    assert [part["functionCall"]["name"] for part in parts] == ["f", "f", "g", "h"]
    assert parts[0]["thoughtSignature"] == "s"
    assert parts[3]["functionCall"]["args"] == {"unreadable_arguments": "{"}


def test_histories_of_the_reference_go_back() -> None:
    message = answer(
        content=[
            {"type": "thinking", "thinking": "Hm.", "signature": "s1"},
            "Hi",
            {
                "type": "executable_code",
                "executable_code": "1",
                "language": "PYTHON",
                "id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
            },
            {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1, "tool_call_id": ""},
            {"type": "server_tool_call", "name": "media_processing", "id": "m", "args": {}},
            {"type": "function_call_signature", "signature": "s", "index": 0},
        ],
        additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}},
    )
    assert contents(message) == [
        (
            "model",
            [
                {"text": "Hm.", "thought": True, "thoughtSignature": "s1"},
                {"text": "Hi"},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                {"functionCall": {"name": "f", "args": {}}},
            ],
        )
    ]


def test_an_answer_without_content_is_not_told() -> None:
    assert contents(HI, answer(), HI) == [("user", [{"text": "Hi"}, {"text": "Hi"}])]
    with pytest.raises(InvalidInputError, match="none of Gemini's"):
        contents(answer(content=[{"type": "odd"}]))
