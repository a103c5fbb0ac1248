"""Requests of the Responses API: what each kind of message, block, setting and tool becomes; what is refused."""

from __future__ import annotations

import json
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
    ToolCall,
    ToolMessage,
)
from chatcore.messages._output_version import in_standard_blocks
from chatcore.providers._responses import decode_answer
from chatcore.providers._responses_request import encode_request, previous_answer
from chatcore.providers._wire import Exchange
from chatcore.providers.hosts import HOSTS, OPENAI, Host

PNG = "iVBORw0="
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}, "strict": True}}
FLAT = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
RUN = {"type": "custom", "custom": {"name": "run", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}}
FLAT_RUN = {"type": "custom", "name": "run", "format": {"type": "grammar", "syntax": "lark"}}


def body_of(messages: list[BaseMessage], host: Host = OPENAI, **settings: Any) -> dict[str, Any]:
    return encode_request(messages, {"model": "m", **settings}, host)


def input_of(*messages: BaseMessage, host: Host = OPENAI, **settings: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body_of([*messages], host, **settings)["input"]
    return items


def part_of(block: dict[str, Any]) -> dict[str, Any]:
    (item,) = input_of(HumanMessage([block]))
    part: dict[str, Any] = item["content"][0]
    return part


def answer_of(*items: dict[str, Any], answer_id: str = "resp_1", provider: str = "openai") -> AIMessage:
    body = json.dumps({"id": answer_id, "object": "response", "status": "completed", "output": items}).encode()
    message = decode_answer(body, Exchange(provider)).generations[0].message
    assert isinstance(message, AIMessage)
    return message


def said(text: str, item_id: str = "msg_1") -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": [part]}


def called(name: str = "add", call_id: str = "c1", kind: str = "function_call", **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": "i_1", "call_id": call_id, "name": name, **more}


# ------------------------------------------------------------------------------------------------- what goes to a model


def test_messages_of_people_and_systems() -> None:
    developer = SystemMessage("D", additional_kwargs={"__openai_role__": "developer"})
    messages = [SystemMessage("S"), developer, ChatMessage(content="C", role="critic"), HumanMessage("H", name="Ann")]
    assert input_of(*messages) == [
        {"role": "system", "content": "S"},
        {"role": "developer", "content": "D"},
        {"role": "critic", "content": "C"},
        {"role": "user", "content": "H"},
    ]
    assert input_of(developer, host=HOSTS["deepseek"]) == [{"role": "system", "content": "D"}]


URI = f"data:image/png;base64,{PNG}"


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a", "index": 0}, {"type": "input_text", "text": "a"}),
        ({"type": "input_text", "text": "a"}, {"type": "input_text", "text": "a"}),
        ({"type": "text-plain", "text": "a"}, {"type": "input_text", "text": "a"}),
        ({"type": "image", "url": "https://a"}, {"type": "input_image", "image_url": "https://a"}),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, {"type": "input_image", "image_url": URI}),
        ({"type": "image", "file_id": "f", "detail": "low"}, {"type": "input_image", "file_id": "f", "detail": "low"}),
        (
            {"type": "image_url", "image_url": {"url": URI, "detail": "high"}},
            {"type": "input_image", "image_url": URI, "detail": "high"},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "input_image", "image_url": URI},
        ),
        ({"type": "file", "file_id": "f"}, {"type": "input_file", "file_id": "f"}),
        ({"type": "file", "url": "https://a"}, {"type": "input_file", "file_url": "https://a"}),
        (
            {"type": "file", "base64": PNG, "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"},
        ),
        (
            {"type": "text-plain", "base64": PNG},
            {"type": "input_file", "filename": "file.txt", "file_data": f"data:text/plain;base64,{PNG}"},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:..."}},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:..."},
        ),
        ({"type": "audio", "file_id": "f"}, {"type": "input_file", "file_id": "f"}),
        (
            {"type": "non_standard", "value": {"type": "input_audio", "input_audio": {}}},
            {"type": "input_audio", "input_audio": {}},
        ),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": {}},
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {}},
        ),
    ],
    ids=str,
)
def test_blocks(block: dict[str, Any], part: dict[str, Any]) -> None:
    assert part_of(block) == part


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"type": "audio", "base64": PNG, "mime_type": "audio/wav"}, "use_responses_api=False"),
        ({"type": "video", "url": "https://a"}, "no video"),
        ({"type": "image"}, "give one of 'url'"),
        ({"type": "image", "base64": PNG}, "mime_type"),
        ({"type": "file"}, "a file is sent"),
        ({"type": "image_url"}, "image_url"),
        ({"type": "text", "text": 1}, "must be a str"),
        ({"type": "hologram"}, "input_text"),
        ({"type": "non_standard"}, "'value'"),
        ({}, "a dict with a 'type'"),
    ],
    ids=str,
)
def test_blocks_that_cannot_be_sent(block: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as raised:
        part_of(block)
    assert "Message 0" in str(raised.value)


def test_items_among_the_parts() -> None:
    approval = {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True}
    before, after = {"type": "text", "text": "a"}, {"type": "text", "text": "b"}
    assert input_of(HumanMessage([before, {"type": "non_standard", "value": approval}, after])) == [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        approval,
        {"role": "user", "content": [{"type": "input_text", "text": "b"}]},
    ]
    assert input_of(HumanMessage([approval])) == [approval]


def test_what_is_no_message() -> None:
    with pytest.raises(InvalidInputError, match="empty list"):
        body_of([])
    with pytest.raises(InvalidInputError, match="FunctionMessage"):
        body_of([FunctionMessage(content="1", name="f")])


# ------------------------------------------------------------------------------------------------------ earlier answers


def test_an_answer_goes_back_as_it_came() -> None:
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {**said("Hi"), "phase": "final_answer"},
        called(arguments='{"a":1}', status="completed"),
        {"type": "hologram_call", "id": "h_1"},
    ]
    cited = {"type": "file_citation", "file_id": "f", "filename": "a.txt", "index": 3}
    items[2]["content"] = [{**items[2]["content"][0], "annotations": [cited]}, {"type": "refusal", "refusal": "No."}]
    answer = answer_of(*items)
    assert input_of(answer) == items
    assert input_of(in_standard_blocks(answer)) == items
    without = [item for item in items if item["type"] != "reasoning"]
    del items[0]["encrypted_content"]
    assert input_of(answer_of(*items), store=False) == without


def test_what_was_null_is_again() -> None:
    item = {"type": "code_interpreter_call", "id": "ci", "code": "1", "container_id": "c", "outputs": None}
    assert input_of(answer_of(item)) == [item]


def test_an_answer_of_another_provider_goes_as_text_and_calls() -> None:
    content: list[Any] = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t" * 65, "name": "add", "input": {"a": 1}},
    ]
    answer = AIMessage(
        content,
        response_metadata={"model_provider": "anthropic"},
        tool_calls=[ToolCall(name="add", args={"a": 1}, id="t" * 65, type="tool_call")],
    )
    text, call, result = input_of(answer, ToolMessage("3", tool_call_id="t" * 65))
    assert text == {"type": "message", "role": "assistant", "content": "Hi"}
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "add", '{"a":1}')
    assert len(call["call_id"]) <= 64
    assert result == {"type": "function_call_output", "call_id": call["call_id"], "output": "3"}


def test_results_of_another_providers_tools_are_kept_as_text() -> None:
    result: dict[str, Any] = {
        "type": "server_tool_result",
        "tool_call_id": "s",
        "output": [{"url": "u", "encrypted_content": "x"}],
    }
    call: dict[str, Any] = {"type": "server_tool_call", "name": "web_search", "id": "s", "args": {}}
    metadata = {"model_provider": "acme", "output_version": "v1"}
    answer = AIMessage([call, result, {"type": "text", "text": "Hi"}], response_metadata=metadata)
    (item,) = input_of(answer)
    assert item["content"] == '[Called web_search]\n\n[Result of web_search: [{"url":"u"}]]\nHi'


def test_ids_that_are_too_long_stay_apart() -> None:
    ids = ["t" * 65 + "1", "t" * 65 + "2", "t" * 64]
    calls = [ToolCall(name="add", args={}, id=call_id, type="tool_call") for call_id in ids]
    sent = [item["call_id"] for item in input_of(AIMessage("", tool_calls=calls))]
    assert len(set(sent)) == 3
    assert max(map(len, sent)) <= 64
    assert [input_of(ToolMessage("", tool_call_id=call_id))[0]["call_id"] for call_id in ids] == sent


def test_reasoning_of_another_host_is_not_sent() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    answer = answer_of(thought, said("Hi"), provider="xai")
    assert input_of(answer) == [{"type": "message", "role": "assistant", "content": "Hi"}]
    assert input_of(answer, host=HOSTS["xai"]) == [thought, said("Hi")]


def test_plain_answers() -> None:
    call = ToolCall(name="add", args={"a": 1}, id="c1", type="tool_call")
    unread = {"name": "add", "args": "{", "id": "c2", "error": None, "type": "invalid_tool_call"}
    assert input_of(AIMessage("Hi", tool_calls=[call], invalid_tool_calls=[unread])) == [
        {"type": "message", "role": "assistant", "content": "Hi"},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "c2", "name": "add", "arguments": "{"},
    ]
    assert input_of(AIMessage("")) == [{"type": "message", "role": "assistant", "content": ""}]
    refused = AIMessage("", additional_kwargs={"refusal": "No."})
    assert input_of(refused)[0]["content"] == "No."
    spoken = AIMessage("", additional_kwargs={"audio": {"id": "a", "transcript": "Hi"}})
    assert input_of(spoken)[0]["content"] == "Hi"
    ours = AIMessage([{"type": "text", "text": "Hi", "id": "lc_1"}])
    assert input_of(ours) == [{"type": "message", "role": "assistant", "content": "Hi"}]


def test_answers_of_langchain_openai_0_3() -> None:
    answer = AIMessage(
        [{"type": "text", "text": "Hi", "annotations": []}],
        id="msg_1",
        additional_kwargs={
            "reasoning": {"id": "rs_1", "type": "reasoning", "summary": []},
            "__openai_function_call_ids__": {"c1": "fc_1"},
        },
        response_metadata={"id": "resp_1", "model_provider": "openai"},
        tool_calls=[ToolCall(name="add", args={}, id="c1", type="tool_call")],
    )
    thought, text, call = input_of(answer)
    assert (thought["id"], text["id"], call["id"]) == ("rs_1", "msg_1", "fc_1")


# ----------------------------------------------------------------------------------------------------- results of tools


def test_results() -> None:
    image = {"type": "image", "url": "https://a"}
    assert input_of(
        ToolMessage("3", tool_call_id="c1"),
        ToolMessage(["a", image], tool_call_id="c2"),
        ToolMessage([], tool_call_id="c3"),
    ) == [
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://a"}],
        },
        {"type": "function_call_output", "call_id": "c3", "output": ""},
    ]


@pytest.mark.parametrize("version", ["own", "v1", "kept by the server"])
def test_results_of_calls_that_are_no_functions(version: str) -> None:
    answer = answer_of(
        called("run", "c1", "custom_tool_call", input="1"),
        called("", "c2", "computer_call", action={}),
        called("", "c3", "local_shell_call", action={}),
        called("", "c4", "shell_call", action={}),
        called("", "c5", "apply_patch_call", operation={}),
    )
    if version == "v1":
        answer = in_standard_blocks(answer)
    results = [
        ToolMessage("1", tool_call_id="c1"),
        ToolMessage([{"type": "image", "url": "https://a"}], tool_call_id="c2"),
        ToolMessage("a.txt", tool_call_id="c3"),
        ToolMessage("denied", tool_call_id="c4", status="error"),
        ToolMessage("", tool_call_id="c5"),
    ]
    settings: dict[str, Any] = {"previous_response_id": "resp_1"} if version == "kept by the server" else {}
    assert input_of(answer, *results, **settings)[-5:] == [
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
        {
            "type": "computer_call_output",
            "call_id": "c2",
            "output": {"type": "computer_screenshot", "image_url": "https://a"},
        },
        {"type": "local_shell_call_output", "id": "c3", "output": "a.txt"},
        {
            "type": "shell_call_output",
            "call_id": "c4",
            "output": [{"stdout": "", "stderr": "denied", "outcome": {"type": "exit", "exit_code": 1}}],
        },
        {"type": "apply_patch_call_output", "call_id": "c5", "status": "completed"},
    ]
    if version != "kept by the server":
        assert len(input_of(answer)) == 5, "each call once"


def test_results_in_the_forms_of_the_reference() -> None:
    checks = [{"id": "s"}]
    extras = {"type": "computer_call_output", "acknowledged_safety_checks": checks}
    screen = {"type": "computer_screenshot", "image_url": "https://a"}
    wanted = {
        "type": "computer_call_output",
        "call_id": "c1",
        "output": screen,
        "acknowledged_safety_checks": checks,
    }
    contents: tuple[Any, ...] = ("https://a", [{"type": "input_image", "image_url": "https://a"}], [screen])
    for content in contents:
        assert input_of(ToolMessage(content, tool_call_id="c1", additional_kwargs=extras)) == [wanted]
    given = {"type": "custom_tool_call_output", "output": "1"}
    for block in (given, {"type": "non_standard", "value": given}):
        assert input_of(ToolMessage([block], tool_call_id="c1")) == [{**given, "call_id": "c1"}]
    with pytest.raises(InvalidInputError, match="screenshot"):
        input_of(ToolMessage([], tool_call_id="c1", additional_kwargs=extras))


# ------------------------------------------------------------------------------------------------- answers kept for us


def test_an_answer_that_the_server_keeps_is_continued() -> None:
    messages: list[BaseMessage] = [
        HumanMessage("1"),
        answer_of(said("a")),
        HumanMessage("2"),
        answer_of(said("b"), answer_id="resp_2"),
    ]
    conversation: list[BaseMessage] = [*messages, HumanMessage("3")]
    body = encode_request(conversation, {"model": "m"}, OPENAI, use_previous=True)
    assert (body["previous_response_id"], body["input"]) == ("resp_2", [{"role": "user", "content": "3"}])
    body = body_of(conversation, previous_response_id="resp_1")
    assert body["previous_response_id"] == "resp_1"
    assert body["input"] == [
        {"role": "user", "content": "2"},
        said("b"),
        {"role": "user", "content": "3"},
    ]
    assert len(input_of(*conversation, previous_response_id="resp_9")) == 5, "none of these messages"
    with pytest.raises(InvalidInputError, match="after the answer resp_2"):
        encode_request([*messages], {"model": "m"}, OPENAI, use_previous=True)


def test_only_answers_of_this_server_are_continued() -> None:
    assert previous_answer([AIMessage("a", response_metadata={"id": "chatcmpl-1"})], OPENAI) is None
    assert previous_answer([answer_of(said("a"), provider="xai")], OPENAI) is None
    assert "previous_response_id" not in encode_request([HumanMessage("1")], {}, OPENAI, use_previous=True)


# ------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({"max_tokens": 5}, {"max_output_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_output_tokens": 5}),
        ({"max_output_tokens": 6, "max_tokens": 5}, {"max_output_tokens": 6}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        ({"reasoning": {"effort": "high"}, "reasoning_effort": "low"}, {"reasoning": {"effort": "high"}}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        (
            {"verbosity": "low", "response_format": {"type": "json_object"}},
            {"text": {"verbosity": "low", "format": {"type": "json_object"}}},
        ),
        (
            {"text": {"verbosity": "low"}, "response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            {"text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n"}}},
        ),
        ({"logprobs": True}, {"include": ["message.output_text.logprobs"]}),
        (
            {"logprobs": True, "include": ["reasoning.encrypted_content"], "top_logprobs": 2},
            {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "top_logprobs": 2},
        ),
        ({"logprobs": False, "stop": [], "tools": [], "top_p": None}, {}),
        ({"instructions": "I", "truncation": "auto", "background": True}, None),
        ({"tools": [ADD, RUN]}, {"tools": [FLAT, FLAT_RUN]}),
        ({"tools": [FLAT, FLAT_RUN]}, None),
        ({"tools": [{"type": "web_search"}, {"type": "mcp", "server_label": "s"}]}, None),
        (
            {"tools": [{**ADD, "defer_loading": True}, {"type": "tool_search"}]},
            {"tools": [{**FLAT, "defer_loading": True}, {"type": "tool_search"}]},
        ),
        ({"tools": [{**FLAT, "allowed_callers": ["direct", "programmatic"]}]}, None),
        # What Anthropic's API takes of a tool, this one refuses.
        ({"tools": [{**ADD, "cache_control": {"type": "ephemeral"}, "defer_loading": True}]}, {"tools": [FLAT]}),
        ({"tools": [{**ADD, "allowed_callers": ["code_execution_20250825"]}]}, {"tools": [FLAT]}),
        ({"tool_choice": True}, {"tool_choice": "required"}),
        ({"tool_choice": False}, {}),
        ({"tool_choice": "any"}, {"tool_choice": "required"}),
        ({"tool_choice": "none"}, None),
        ({"tool_choice": "add"}, {"tool_choice": {"type": "function", "name": "add"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"tool_choice": {"type": "function", "name": "add"}},
        ),
        ({"tool_choice": {"type": "web_search"}}, None),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [ADD]}}},
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FLAT]}},
        ),
    ],
    ids=str,
)
def test_settings(settings: dict[str, Any], written: dict[str, Any] | None) -> None:
    """None: as given. And in any order."""
    for given in (settings, dict(reversed(settings.items()))):
        body = body_of([HumanMessage("1")], **given)
        wanted = settings if written is None else written
        assert {name: body[name] for name in body.keys() - {"model", "input"}} == wanted


def test_a_tool_chosen_by_its_name() -> None:
    tools = [ADD, RUN, {"type": "web_search"}]
    for name, choice in (("add", "function"), ("run", "custom")):
        assert body_of([HumanMessage("1")], tools=tools, tool_choice=name)["tool_choice"] == {
            "type": choice,
            "name": name,
        }
    assert body_of([HumanMessage("1")], tools=tools, tool_choice="web_search")["tool_choice"] == {"type": "web_search"}
    with pytest.raises(InvalidInputError, match=r"no tool of this call; there are \['add', 'run', 'web_search'\]"):
        body_of([HumanMessage("1")], tools=tools, tool_choice="sub")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stop": ["x"]}, "no stop words"),
        ({"tools": {"name": "add"}}, "give a list"),
        ({"response_format": int}, "json_schema"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_sent(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        body_of([HumanMessage("1")], **settings)


def test_streams_and_what_is_added_last() -> None:
    body = encode_request([HumanMessage("1")], {"model": "m"}, OPENAI, stream=True, extra_body={"model": "n", "x": 1})
    assert body == {"model": "n", "input": [{"role": "user", "content": "1"}], "stream": True, "x": 1}
