"""Writing requests: every kind of message, block, tool and setting, and what cannot be sent."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from chatcore.errors import InvalidInputError
from chatcore.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from chatcore.providers._openai_chat_request import encode_messages, encode_request
from chatcore.providers._wire_request import to_json
from chatcore.providers.hosts import COMPATIBLE, HOSTS

OPENAI = HOSTS["openai"]
MISTRAL = HOSTS["mistral"]
OPENROUTER = HOSTS["openrouter"]
DEEPSEEK = HOSTS["deepseek"]
ASKED = [HumanMessage("Hi")]


def sent(message: BaseMessage, host: Any = OPENAI) -> dict[str, Any]:
    (wire,) = encode_messages([message], host)
    return wire


def part(block: Any, host: Any = OPENAI) -> Any:
    content = sent(HumanMessage([block]), host)["content"]
    assert len(content) == 1
    return content[0]


def request(host: Any = OPENAI, **settings: Any) -> dict[str, Any]:
    return encode_request(ASKED, {"model": "m", **settings}, host)


# ------------------------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (SystemMessage("Be brief."), {"role": "system", "content": "Be brief."}),
        (HumanMessage("Hi", name="ann"), {"role": "user", "content": "Hi", "name": "ann"}),
        (HumanMessage(["Hi"]), {"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
        (AIMessage("Hello", id="1"), {"role": "assistant", "content": "Hello"}),
        (AIMessage(""), {"role": "assistant", "content": ""}),
        (AIMessage([]), {"role": "assistant", "content": ""}),
        (ToolMessage("42", tool_call_id="c1"), {"role": "tool", "content": "42", "tool_call_id": "c1"}),
        (
            ToolMessage("42", tool_call_id="c1", name="f"),
            {"role": "tool", "content": "42", "tool_call_id": "c1", "name": "f"},
        ),
        (FunctionMessage(content="42", name="f"), {"role": "function", "content": "42", "name": "f"}),
        (ChatMessage(content="Hi", role="critic"), {"role": "critic", "content": "Hi"}),
    ],
    ids=["system", "named", "strings", "answer", "empty", "no blocks", "tool", "named tool", "function", "any role"],
)
def test_every_kind_of_message(message: BaseMessage, wire: dict[str, Any]) -> None:
    assert sent(message) == wire


def test_the_developers_role() -> None:
    (message,) = convert_to_messages([{"role": "developer", "content": "Be brief."}])
    assert sent(message)["role"] == "developer"
    assert sent(message, DEEPSEEK)["role"] == "system"


def test_tool_calls_go_back_those_that_could_not_be_read_too() -> None:
    message = AIMessage(
        "",
        tool_calls=[{"name": "f", "args": {"a": "é", "b": [1]}, "id": "c1"}, {"name": "g", "args": {}, "id": None}],
        invalid_tool_calls=[{"name": "h", "args": '{"a": ', "id": "c3", "error": "cut", "type": "invalid_tool_call"}],
    )
    assert sent(message) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":"é","b":[1]}'}},
            {"type": "function", "function": {"name": "g", "arguments": "{}"}},
            {"id": "c3", "type": "function", "function": {"name": "h", "arguments": '{"a": '}},
        ],
    }


def test_calls_that_were_kept_as_they_came() -> None:
    raw = [{"id": "c1", "type": "custom", "custom": {}, "index": 0}]
    message = AIMessage("Hi")
    message.additional_kwargs = {"tool_calls": raw, "function_call": {"name": "f", "arguments": "{}"}}
    assert sent(message)["tool_calls"] == [{"id": "c1", "type": "custom"}]
    assert "function_call" not in sent(message)
    older = AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": "{}"}})
    assert sent(older) == {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "f", "arguments": "{}"},
    }


def test_what_else_an_answer_takes_back() -> None:
    message = AIMessage(
        "",
        additional_kwargs={
            "refusal": "No.",
            "audio": {"id": "a1", "data": "UklG"},
            "annotations": [{"type": "url_citation"}],
            "citations": ["x"],
        },
    )
    assert sent(message) == {"role": "assistant", "content": None, "refusal": "No.", "audio": {"id": "a1"}}


def test_marks_that_hosts_read_on_a_message() -> None:
    given = [{"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}, "seen": True}]
    (message,) = convert_to_messages(given)
    assert sent(message, OPENROUTER) == {"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}}
    assert sent(AIMessage("He", additional_kwargs={"prefix": True}), MISTRAL)["prefix"] is True


MARK = {"cache_control": {"type": "ephemeral"}}


def test_hosts_that_refuse_marks_of_what_to_cache_are_sent_none() -> None:
    image = {"type": "image", "base64": "AA==", "mime_type": "image/png", **MARK}
    marked = HumanMessage([{"type": "text", "text": "Hi", **MARK}, image], additional_kwargs=MARK)
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    text = {"type": "text", "text": "Hi"}
    tool = {"type": "function", "function": {"name": "f"}}
    everything = {**tool, **MARK, "defer_loading": True, "input_examples": [{}]}

    assert sent(marked) == {"role": "user", "content": [text, url]}
    assert request(tools=[everything])["tools"] == [tool]

    for host in (OPENROUTER, COMPATIBLE):
        assert sent(marked, host) == {"role": "user", "content": [{**text, **MARK}, {**url, **MARK}], **MARK}
        assert request(host, tools=[everything])["tools"] == [everything]


@pytest.mark.parametrize(
    ("host", "wire"),
    [
        (OPENAI, {}),
        (COMPATIBLE, {"reasoning_content": "Hm"}),
        (DEEPSEEK, {"reasoning_content": "Hm"}),
        (HOSTS["groq"], {"reasoning": "Hm"}),
        (OPENROUTER, {"reasoning_details": [{"type": "reasoning.encrypted"}]}),
        (MISTRAL, {}),
    ],
    ids=["openai", "any other", "deepseek", "groq", "openrouter", "mistral"],
)
def test_reasoning_goes_back_where_it_is_wanted(host: Any, wire: dict[str, Any]) -> None:
    thought = {"reasoning_content": "Hm", "reasoning_details": [{"type": "reasoning.encrypted"}]}
    message = AIMessage("Yes", additional_kwargs=thought, response_metadata={"model_provider": host.name})
    assert sent(message, host) == {"role": "assistant", "content": "Yes", **wire}


def test_reasoning_of_another_provider_stays_here() -> None:
    message = AIMessage(
        "Yes", additional_kwargs={"reasoning_content": "Hm"}, response_metadata={"model_provider": "groq"}
    )
    assert sent(message, DEEPSEEK) == {"role": "assistant", "content": "Yes"}
    own = AIMessage("Yes", additional_kwargs={"reasoning": "Hm"})
    assert sent(own, OPENROUTER)["reasoning"] == "Hm"


def test_reasoning_as_parts() -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "Hm", "index": 0, "extras": {"closed": True}},
        {"type": "thinking", "thinking": [{"type": "text", "text": "So"}], "index": 1},
        {"type": "text", "text": "Yes", "index": 2, "annotations": []},
        {"type": "tool_call", "name": "f", "args": {}, "id": "c1"},
        {"type": "audio", "id": "a1"},
    ]
    text = {"type": "text", "text": "Yes"}
    assert sent(AIMessage(blocks), MISTRAL)["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": True},
        {"type": "thinking", "thinking": [{"type": "text", "text": "So"}]},
        text,
    ]
    assert sent(AIMessage(blocks))["content"] == [text]


# --------------------------------------------------------------------------------------------------------------- blocks


@pytest.mark.parametrize(
    ("block", "wire"),
    [
        ({"type": "text", "text": "Hi", "id": "lc_1", "extras": {}}, {"type": "text", "text": "Hi"}),
        ({"type": "image", "url": "https://a/b.png"}, {"type": "image_url", "image_url": {"url": "https://a/b.png"}}),
        (
            {"type": "image", "base64": "AA==", "mime_type": "image/png", "extras": {"detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        ),
        (
            {"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ),
        ({"type": "image", "source": {"type": "url", "url": "u"}}, {"type": "image_url", "image_url": {"url": "u"}}),
        ({"type": "image", "file_id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}),
        ({"type": "image", "source_type": "id", "id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}),
        (
            {"type": "audio", "base64": "AA==", "mime_type": "audio/mpeg"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        ),
        (
            {"type": "audio", "base64": "AA==", "mime_type": "audio/x-wav"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        ),
        ({"type": "audio", "file_id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}),
        (
            {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        ),
        (
            {"type": "file", "base64": "AA==", "mime_type": "text/csv"},
            {"type": "file", "file": {"filename": "file.csv", "file_data": "data:text/csv;base64,AA=="}},
        ),
        ({"type": "file", "file_id": "f1"}, {"type": "file", "file": {"file_id": "f1"}}),
        ({"type": "file", "file": {"file_id": "f1"}}, {"type": "file", "file": {"file_id": "f1"}}),
        ({"type": "text-plain", "text": "Hi"}, {"type": "text", "text": "Hi"}),
        (
            {"type": "text-plain", "base64": "AA=="},
            {"type": "file", "file": {"filename": "file.txt", "file_data": "data:text/plain;base64,AA=="}},
        ),
        ({"type": "non_standard", "value": {"type": "x", "x": 1}}, {"type": "x", "x": 1}),
        ({"type": "video_url", "video_url": {"url": "u"}}, {"type": "video_url", "video_url": {"url": "u"}}),
        ({"type": "image_url", "image_url": "u", "index": 3}, {"type": "image_url", "image_url": "u"}),
    ],
)
def test_every_kind_of_block(block: dict[str, Any], wire: dict[str, Any]) -> None:
    before = json.dumps(block)
    assert part(block) == wire
    assert json.dumps(block) == before


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"type": "video", "url": "u"}, "'video'.*video_url"),
        ({"type": "image"}, "'url', 'base64'"),
        ({"type": "image", "base64": "AA=="}, "mime_type"),
        ({"type": "audio", "url": "u"}, "audio is sent as 'base64'"),
        ({"type": "audio", "base64": "AA=="}, "mime_type"),
        ({"type": "file", "url": "u"}, "by its 'file_id'"),
        ({"type": "text"}, "'text' must be a str"),
        ({"text": "Hi"}, "of type dict.*'type'"),
        ({"type": "non_standard", "value": 1}, "'value'"),
    ],
)
def test_a_block_that_cannot_be_sent_is_named(block: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=f"(?s)Message 1 \\(human\\).*{said}"):
        encode_messages([SystemMessage("Hi"), HumanMessage([block])], OPENAI)


def test_nothing_to_send() -> None:
    with pytest.raises(InvalidInputError, match="empty list"):
        encode_messages([], OPENAI)
    with pytest.raises(InvalidInputError, match="Message 0 is a RemoveMessage"):
        encode_messages([RemoveMessage(id="1")], OPENAI)


# ------------------------------------------------------------------------------------------------------------- settings


def test_a_request_in_the_hosts_own_words() -> None:
    asked = {"max_tokens": 5, "seed": 1, "tool_choice": "any", "temperature": 0.0, "top_k": 3, "stop": None, "n": None}
    assert request(OPENAI, **asked) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 5,
        "seed": 1,
        "tool_choice": "required",
        "temperature": 0.0,
        "top_k": 3,
    }
    mistral = request(MISTRAL, **asked)
    assert (mistral["max_tokens"], mistral["random_seed"], mistral["tool_choice"]) == (5, 1, "any")
    assert request(COMPATIBLE, max_completion_tokens=5)["max_tokens"] == 5


def test_a_stream_asks_for_its_usage() -> None:
    def streamed(host: Any, **settings: Any) -> dict[str, Any]:
        usage = settings.pop("stream_usage", True)
        return encode_request(ASKED, {"model": "m", **settings}, host, stream=True, stream_usage=usage)

    assert streamed(OPENAI)["stream_options"] == {"include_usage": True}
    assert streamed(OPENAI)["stream"] is True
    assert "stream_options" not in streamed(OPENAI, stream_usage=False)
    assert "stream_options" not in streamed(MISTRAL)
    assert streamed(OPENAI, stream_options={"x": 1})["stream_options"] == {"x": 1}
    assert "stream" not in request()


def test_extra_body_has_the_last_word() -> None:
    body = encode_request(ASKED, {"model": "m", "seed": 1}, OPENAI, extra_body={"seed": None, "model": "other"})
    assert (body["seed"], body["model"]) == (None, "other")


@pytest.mark.parametrize(
    ("stop", "wire"),
    [("a", "a"), (["a"], ["a"]), (("a", "b"), ["a", "b"]), ([], None)],
    ids=["str", "one", "two", "none"],
)
def test_stop(stop: Any, wire: Any) -> None:
    assert request(stop=stop).get("stop") == wire


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("tool", "wire"),
    [
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
        ({"function": {"name": "f"}}, {"function": {"name": "f"}}),
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
            },
        ),
        ({"name": "f", "input_schema": SCHEMA}, {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}),
        (
            {"title": "f", "description": "d", **SCHEMA},
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}},
        ),
        ({"title": "f", **SCHEMA}, {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}),
    ],
    ids=["whole", "without its type", "the host's", "bare", "anthropic's", "schema", "schema alone"],
)
def test_tools(tool: dict[str, Any], wire: dict[str, Any]) -> None:
    assert request(tools=[tool])["tools"] == [wire]


def test_no_tools_are_no_parameter() -> None:
    assert "tools" not in request(tools=[])


class Weather(BaseModel):
    """The weather of a city."""

    city: str


@dataclass
class WeatherData:
    """The weather of a city."""

    city: str


def weather(city: str, days: int = 1) -> str:
    """Tells the weather."""
    return f"{city}: rain for {days} days"


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (SCHEMA, "no name.*properties"),
        (len, r"function len.*'parameters': pydantic\.TypeAdapter\(len\)\.json_schema\(\)"),
        (weather, r"function weather.*'name': 'weather', .*pydantic\.TypeAdapter\(weather\)\.json_schema\(\)"),
        (Weather, r"class Weather.*give its JSON schema, Weather\.model_json_schema\(\)"),
        (
            WeatherData,
            r"class WeatherData.*give its JSON schema, pydantic\.TypeAdapter\(WeatherData\)\.json_schema\(\)",
        ),
        (7, "type int"),
    ],
    ids=["no name", "builtin", "function", "model", "dataclass", "number"],
)
def test_a_tool_that_cannot_be_sent_is_named(tool: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"tools\[1\].*{said}"):
        request(tools=[{"name": "f"}, tool])


def test_what_a_refusal_says_to_give_is_a_tool() -> None:
    parameters = TypeAdapter(weather).json_schema()
    function = {"name": "weather", "description": weather.__doc__, "parameters": parameters}
    tools = [function, Weather.model_json_schema(), TypeAdapter(WeatherData).json_schema()]
    sent_tools = [tool["function"] for tool in request(tools=tools)["tools"]]
    assert [tool["name"] for tool in sent_tools] == ["weather", "Weather", "WeatherData"]
    assert sent_tools[0]["parameters"]["required"] == sent_tools[1]["parameters"]["required"] == ["city"]


@pytest.mark.parametrize("tools", [{"name": "f"}, "f", weather, Weather], ids=["dict", "text", "function", "model"])
def test_tools_are_a_list(tools: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"tools is of type .*give a list"):
        request(tools=tools)


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        (Weather, r"Weather\.model_json_schema\(\)"),
        (WeatherData, r"pydantic\.TypeAdapter\(WeatherData\)\.json_schema\(\)"),
    ],
    ids=["model", "dataclass"],
)
def test_a_class_for_a_response_format_is_refused_with_what_to_give(given: Any, schema: str) -> None:
    form = rf"'type': 'json_schema', 'json_schema': \{{'name': '{given.__name__}', 'schema': {schema}"
    with pytest.raises(InvalidInputError, match=f"response_format is the class {given.__name__}.*{form}"):
        request(response_format=given)


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        (False, None),
        ("f", {"type": "function", "function": {"name": "f"}}),
        ({"type": "allowed_tools"}, {"type": "allowed_tools"}),
    ],
)
def test_tool_choice(choice: Any, wire: Any) -> None:
    assert request(tools=[{"name": "f"}], tool_choice=choice).get("tool_choice") == wire


def test_a_choice_of_a_tool_that_is_not_there() -> None:
    with pytest.raises(InvalidInputError, match=r"'g' names no tool.*\['f', 'web_search'\]"):
        request(tools=[{"name": "f"}, {"type": "web_search"}], tool_choice="g")
    assert request(tool_choice="g")["tool_choice"] == {"type": "function", "function": {"name": "g"}}


def test_json_is_compact_and_names_what_it_cannot_hold() -> None:
    assert to_json({"a": [1, "é"]}) == '{"a":[1,"é"]}'.encode()
    with pytest.raises(InvalidInputError, match="'response_format' cannot be written as JSON"):
        to_json({"model": "m", "response_format": object()})


def test_a_host_without_a_developers_role_is_a_row() -> None:
    (message,) = convert_to_messages([("developer", "Be brief.")])
    assert sent(message, replace(OPENAI, developer_role=False))["role"] == "system"


def test_ids_of_other_providers_calls_are_rewritten_for_a_host_that_would_refuse_them() -> None:
    def history(provider: str | None, *ids: str) -> list[Any]:
        made = {"model_provider": provider} if provider else {}
        calls: Any = [{"name": "f", "args": {}, "id": call_id} for call_id in ids]
        results = [ToolMessage("1", tool_call_id=call_id) for call_id in ids]
        return [HumanMessage("hi"), AIMessage("", tool_calls=calls, response_metadata=made), *results]

    def ids_in(wire: list[dict[str, Any]]) -> list[str]:
        return [call["id"] for call in wire[1]["tool_calls"]]

    given = ("call_abcdefghijklmnopqrstuvwx", "toolu_01", "abcDEF123", "ééééééééé")
    wire = encode_messages(history("openai", *given), MISTRAL)
    assert [message["tool_call_id"] for message in wire[2:]] == ids_in(wire)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call_id) for call_id in ids_in(wire))
    assert len(set(ids_in(wire))) == 4
    assert ids_in(wire)[2] == "abcDEF123"
    # Its own, those of nobody knows whom, and those for another host stay as they are.
    for provider, host in (("mistral", MISTRAL), (None, MISTRAL), ("mistral", OPENAI)):
        assert ids_in(encode_messages(history(provider, *given), host)) == list(given)

    long = f"functions.{'x' * 31}"
    for provider in ("openai", None):
        assert ids_in(encode_messages(history(provider, long), OPENAI)) == [long]
    wire = encode_messages(history("moonshot", long, long[:40]), OPENAI)
    assert [message["tool_call_id"] for message in wire[2:]] == ids_in(wire)
    assert re.fullmatch("call_[a-zA-Z0-9]{24}", ids_in(wire)[0])
    assert ids_in(wire)[1] == long[:40]


def test_an_answer_that_a_user_wrote_holds_text_only() -> None:
    image = {"type": "image", "base64": "AA==", "mime_type": "image/png"}
    written = AIMessage([{"type": "text", "text": "Here it is:"}, image])
    content = sent(written)["content"]
    assert isinstance(content, str)
    assert content.startswith("Here it is:")


# ------------------------------------------------------------------------------- answers of other providers, other APIs


def test_an_answer_of_another_provider_is_text_and_calls() -> None:
    """What it said, what its own tools gave, what it called; none of its signatures, reasoning and ids of files."""
    answer = AIMessage(
        [
            {"type": "thinking", "thinking": "Hm.", "signature": "SEALED"},
            {"type": "text", "text": "I look.", "citations": []},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"title": "A page"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ],
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "toolu_1", "type": "tool_call"}],
        response_metadata={"model_provider": "anthropic"},
    )
    result = ToolMessage("done", tool_call_id="toolu_1")
    wire = encode_messages([answer, result], OPENAI)
    assert wire[0].keys() == {"role", "content", "tool_calls"}
    assert wire[0]["content"].startswith("I look.\n[Called web_search:")
    assert "A page" in wire[0]["content"]
    assert wire[0]["tool_calls"] == [
        {"type": "function", "id": "toolu_1", "function": {"name": "f", "arguments": '{"a":1}'}}
    ]
    # Older messages do not say who wrote them.
    answer.response_metadata.clear()
    assert encode_messages([answer, result], OPENAI) == wire


def test_an_answer_of_the_responses_api_is_text_and_calls() -> None:
    """It is OpenAI's as well, and no part of it is one of chat completions."""
    answer = AIMessage(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEALED"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "a"}},
            {"type": "text", "text": "Found.", "id": "msg_1", "annotations": []},
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1", "id": "fc_1"},
        ],
        tool_calls=[{"name": "f", "args": {}, "id": "call_1", "type": "tool_call"}],
        response_metadata={"model_provider": "openai", "object": "response"},
    )
    [wire] = encode_messages([answer], OPENAI)
    assert "Found." in wire["content"]
    assert "SEALED" not in str(wire)
    assert [call["id"] for call in wire["tool_calls"]] == ["call_1"]


def test_a_refusal_and_speech_of_another_provider_are_text() -> None:
    of_openai = {"model_provider": "openai"}
    refused = AIMessage("", additional_kwargs={"refusal": "No."}, response_metadata=of_openai)
    spoken = AIMessage("", additional_kwargs={"audio": {"id": "a", "transcript": "Hi."}}, response_metadata=of_openai)
    assert encode_messages([refused, spoken], MISTRAL) == [
        {"role": "assistant", "content": "No."},
        {"role": "assistant", "content": "Hi."},
    ]
    assert encode_messages([refused, spoken], OPENAI) == [
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": None, "audio": {"id": "a"}},
    ]


def test_standard_blocks_of_the_same_host_keep_their_reasoning() -> None:
    """As a field where the host has one, as parts where it has those."""
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"closed": True}},
        {"type": "text", "text": "Yes."},
    ]
    version = {"output_version": "v1"}
    of_deepseek = AIMessage(content_blocks=blocks, response_metadata={"model_provider": "deepseek", **version})
    assert encode_messages([of_deepseek], HOSTS["deepseek"]) == [
        {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    ]
    assert encode_messages([of_deepseek], HOSTS["groq"]) == [{"role": "assistant", "content": "Yes."}]
    of_mistral = AIMessage(content_blocks=blocks, response_metadata={"model_provider": "mistral", **version})
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}
    assert encode_messages([of_mistral], MISTRAL) == [
        {"role": "assistant", "content": [thinking, {"type": "text", "text": "Yes."}]}
    ]


def test_media_of_another_provider_s_answer_are_named() -> None:
    """No answer holds an image on this wire: that there was one is said."""
    blocks: list[Any] = [
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        {"type": "file", "url": "https://a.example/b.pdf"},
        {"type": "text-plain", "text": "A note.", "mime_type": "text/plain"},
    ]
    answer = AIMessage(content_blocks=blocks, response_metadata={"model_provider": "x", "output_version": "v1"})
    text = "[image: image/png]\n\n[file: https://a.example/b.pdf]\n\nA note.\n"
    assert encode_messages([answer], OPENAI) == [{"role": "assistant", "content": text}]


def test_images_in_the_results_of_tools_follow_the_results() -> None:
    """The wire takes only text there; between a call and the last of the results nothing may stand."""
    image = {"type": "image", "url": "https://a.example/b.png"}
    part = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    said = {"type": "text", "text": "a chart"}
    messages = [
        ToolMessage([said, image], tool_call_id="1"),
        ToolMessage([part], tool_call_id="2"),
        ToolMessage("text", tool_call_id="3"),
    ]
    shown = [
        {"type": "text", "text": "From the result of the tool call 1:"},
        part,
        {"type": "text", "text": "From the result of the tool call 2:"},
        part,
    ]
    wire = encode_messages([*messages, HumanMessage("?")], OPENAI)
    assert [message["role"] for message in wire] == ["tool", "tool", "tool", "user", "user"]
    assert wire[0]["content"] == [said]
    assert isinstance(wire[1]["content"], str)
    assert wire[3]["content"] == shown
    assert encode_messages(messages, OPENAI)[-1]["content"] == shown


def test_parts_in_other_providers_shapes_are_read() -> None:
    data = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    [wire] = encode_messages([HumanMessage([{"type": "document", "source": data}])], OPENAI)
    file = {"filename": "file.pdf", "file_data": "data:application/pdf;base64,AAAA"}
    assert wire["content"] == [{"type": "file", "file": file}]
    with pytest.raises(InvalidInputError, match="only an answer has such a block"):
        encode_messages([HumanMessage([{"type": "tool_call", "name": "f", "args": {}, "id": "1"}])], OPENAI)


def test_hosts_that_take_videos_and_files_by_url() -> None:
    video: list[Any] = [{"type": "video", "url": "https://a.example/b.mp4"}]
    file: list[Any] = [{"type": "file", "url": "https://a.example/b.pdf"}]
    openrouter = HOSTS["openrouter"]
    assert encode_messages([HumanMessage(video)], openrouter)[0]["content"] == [
        {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}}
    ]
    assert encode_messages([HumanMessage(file)], openrouter)[0]["content"] == [
        {"type": "file", "file": {"filename": "file.pdf", "file_data": "https://a.example/b.pdf"}}
    ]
    assert encode_messages([HumanMessage(file)], MISTRAL)[0]["content"] == [
        {"type": "document_url", "document_url": "https://a.example/b.pdf"}
    ]
    with pytest.raises(InvalidInputError, match="give one of 'url' or 'base64'"):
        encode_messages([HumanMessage([{"type": "video", "file_id": "file-1"}])], openrouter)
