"""Requests to Bedrock's Converse: as recorded, as botocore would let them pass, and what is refused."""

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
    ToolMessage,
)
from chatcore.providers._bedrock_converse import content_of
from chatcore.providers._bedrock_converse_content import family_of
from chatcore.providers._bedrock_converse_request import encode_messages, encode_request
from chatcore.providers._wire_request import to_json
from tests.providers.bedrock_wire import problems
from tests.providers.traffic import rows

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
SPEC = {"toolSpec": {"name": "add", "description": "Adds.", "inputSchema": {"json": ADD["function"]["parameters"]}}}


def request(*messages: BaseMessage, **settings: Any) -> dict[str, Any]:
    """The request of a call, as JSON says it; botocore would send it."""
    settings = {"model": CLAUDE, **settings}
    body = json.loads(to_json(encode_request(messages or [HumanMessage("Hi")], settings)))
    assert problems(body) == ""
    return body


# ------------------------------------------------------------------------------------------------------------- messages


def test_roles_take_turns_and_system_messages_stand_apart() -> None:
    body = request(
        SystemMessage("Be brief."),
        HumanMessage("1"),
        HumanMessage("2"),
        AIMessage("3"),
        ChatMessage("4", role="assistant"),
        SystemMessage([{"type": "text", "text": "And kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        ToolMessage("5", tool_call_id="c"),
        ChatMessage("6", role="user"),
        tools=[ADD],
    )
    assert body["system"] == [
        {"text": "Be brief."},
        {"text": "And kind."},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    result = {"toolResult": {"toolUseId": "c", "content": [{"text": "5"}], "status": "success"}}
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "1"}, {"text": "2"}]},
        {"role": "assistant", "content": [{"text": "3"}, {"text": "4"}]},
        {"role": "user", "content": [result, {"text": "6"}]},
    ]


def test_nothing_is_blank_and_nothing_empty() -> None:
    body = request(
        SystemMessage(" "),
        HumanMessage(""),
        AIMessage([{"type": "text", "text": "\n\n"}, {"type": "text", "text": "Yes. \n"}]),
        ToolMessage("", tool_call_id="c"),
        AIMessage("So: \n"),
        tools=[ADD],
    )
    assert "system" not in body
    result = {"toolResult": {"toolUseId": "c", "content": [{"text": "."}], "status": "success"}}
    assert [turn["content"] for turn in body["messages"]] == [
        [{"text": "."}],
        [{"text": "Yes. \n"}],
        [result],
        # White space at the very end is refused.
        [{"text": "So:"}],
    ]
    assert request(SystemMessage("Speak."))["messages"] == [{"role": "user", "content": [{"text": "."}]}]


def test_what_is_no_message_of_converse() -> None:
    for message, said in (
        (ChatMessage("x", role="critic"), "Message 0 has role 'critic'"),
        (FunctionMessage("x", name="f"), "Message 0 has type 'function'"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            encode_messages([message])
    with pytest.raises(InvalidInputError, match="no message to send"):
        encode_messages([])


def test_calls_and_results() -> None:
    body = request(
        HumanMessage("1+1?"),
        AIMessage(
            "Let me see.",
            tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}],
            invalid_tool_calls=[{"name": "add", "args": '{"a": 1, "b": [2', "id": "c2", "error": None}],
        ),
        ToolMessage([{"type": "json", "json": {"sum": 2}}, {"text": "two"}], tool_call_id="c1"),
        ToolMessage("No.", tool_call_id="c2", status="error"),
        tools=[ADD],
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"text": "Let me see."},
                {"toolUse": {"toolUseId": "c1", "name": "add", "input": {"a": 1}}},
                {"toolUse": {"toolUseId": "c2", "name": "add", "input": {"a": 1, "b": [2]}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "c1",
                        "content": [{"json": {"sum": 2}}, {"text": "two"}],
                        "status": "success",
                    }
                },
                {"toolResult": {"toolUseId": "c2", "content": [{"text": "No."}], "status": "error"}},
            ],
        },
    ]


def test_a_call_that_was_changed_is_sent_as_changed() -> None:
    block = {"type": "tool_use", "id": "c1", "name": "add", "input": '{"a": 1}', "index": 0}
    message = AIMessage([block], tool_calls=[{"name": "sub", "args": {"a": 7}, "id": "c1"}])
    body = request(HumanMessage("?"), message, tools=[ADD])
    assert body["messages"][1]["content"] == [{"toolUse": {"toolUseId": "c1", "name": "sub", "input": {"a": 7}}}]


def test_ids_that_the_wire_refuses() -> None:
    long = "x" * 70
    given = ["fc_1|call#2", "fc_1?call#2", long, long + "y", "fine.id:1"]
    calls = [{"name": "add", "args": {}, "id": call_id} for call_id in given]
    results = [ToolMessage(str(number), tool_call_id=call_id) for number, call_id in enumerate(given)]
    body = request(HumanMessage("?"), AIMessage("", tool_calls=calls), *results, tools=[ADD])
    called = [block["toolUse"]["toolUseId"] for block in body["messages"][1]["content"]]
    assert called == [block["toolResult"]["toolUseId"] for block in body["messages"][2]["content"]]
    assert len(set(called)) == len(given)
    assert called[0] == "fc_1_call_2"
    assert called[-1] == "fine.id:1"


def test_calls_without_ids_and_their_results_in_order() -> None:
    calls = [{"name": "add", "args": {"a": number}, "id": None} for number in (1, 2)]
    results = [ToolMessage("1", tool_call_id="one"), ToolMessage("2", tool_call_id="two")]
    body = request(HumanMessage("?"), AIMessage("", tool_calls=calls), *results, tools=[ADD])
    called = [block["toolUse"]["toolUseId"] for block in body["messages"][1]["content"]]
    assert called == [block["toolResult"]["toolUseId"] for block in body["messages"][2]["content"]]
    assert len(set(called)) == 2
    nameless = AIMessage([{"type": "tool_use", "id": None, "name": None, "input": ""}])
    assert request(HumanMessage("?"), nameless, tools=[ADD])["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call-0", "name": "unknown", "input": {}}}
    ]


def test_without_tools_their_calls_are_told_as_text() -> None:
    body = request(
        HumanMessage("?"),
        AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}]),
        ToolMessage([{"type": "text", "text": "two"}, {"json": [2]}], tool_call_id="c1"),
    )
    assert [turn["content"] for turn in body["messages"][1:]] == [
        [{"text": '[Call of the tool add: {"a":1}]'}],
        [{"text": "[Result of a tool: success]"}, {"text": "two"}, {"text": "[2]"}],
    ]


def test_images_of_results_stand_behind_them_for_models_that_want_it_so() -> None:
    image = {"image": {"format": "png", "source": {"bytes": "AAAA"}}}
    message = ToolMessage([{"text": "a"}, image, {"cachePoint": {"type": "default"}}], tool_call_id="c")
    turns, _ = encode_messages([message], family="mistral")
    inside = {"toolUseId": "c", "content": [{"text": "a"}], "status": "success"}
    assert turns[0]["content"] == [{"toolResult": inside}, image, {"cachePoint": {"type": "default"}}]
    turns, _ = encode_messages([message], family="amazon")
    inside = {"toolUseId": "c", "content": [{"text": "a"}, image], "status": "success"}
    assert turns[0]["content"] == [{"toolResult": inside}, {"cachePoint": {"type": "default"}}]


# ------------------------------------------------------------------------------------------------------------- settings


def test_parameters() -> None:
    body = request(
        max_tokens=100,
        temperature=0.0,
        top_p=0.9,
        stop="END",
        additional_model_request_fields={"thinking": {"type": "enabled"}},
        additional_model_response_field_paths=["/usage"],
        guardrail_config={"guardrail_identifier": "abc", "guardrailVersion": "DRAFT", "trace": "enabled"},
        performance_config={"latency": "optimized"},
        service_tier="flex",
        request_metadata={"team": "a"},
        promptVariables={"name": {"text": "x"}},
        parallel_tool_calls=False,
        top_k=5,
        seed=None,
    )
    assert {name: value for name, value in body.items() if name != "messages"} == {
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.0, "topP": 0.9, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled"}},
        "additionalModelResponseFieldPaths": ["/usage"],
        "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "DRAFT", "trace": "enabled"},
        "performanceConfig": {"latency": "optimized"},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
        "promptVariables": {"name": {"text": "x"}},
    }
    assert request(stop=[]).keys() == {"messages"}
    both = request(max_tokens=1, inferenceConfig={"temperature": 1.0})
    assert both["inferenceConfig"] == {"maxTokens": 1, "temperature": 1.0}
    with pytest.raises(InvalidInputError, match="stop is of type int"):
        request(stop=3)


def test_extra_body_wins() -> None:
    body = encode_request([HumanMessage("Hi")], {"max_tokens": 1}, extra_body={"inferenceConfig": {"maxTokens": 2}})
    assert body["inferenceConfig"] == {"maxTokens": 2}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        (True, {"any": {}}),
        ("any", {"any": {}}),
        ("required", {"any": {}}),
        ("auto", {"auto": {}}),
        ("add", {"tool": {"name": "add"}}),
        ({"type": "function", "function": {"name": "add"}}, {"tool": {"name": "add"}}),
        ({"any": {}}, {"any": {}}),
    ],
)
def test_tool_choices(choice: Any, sent: Any) -> None:
    config = request(tools=[ADD], tool_choice=choice)["toolConfig"]
    assert config == ({"tools": [SPEC]} if sent is None else {"tools": [SPEC], "toolChoice": sent})


def test_tools() -> None:
    own = [{"systemTool": {"name": "nova_grounding"}}, {"cachePoint": {"type": "default"}}]
    strict = {"name": "now", "strict": True}
    body = request(tools=[ADD, strict, *own])
    now = {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": True}
    assert body["toolConfig"] == {"tools": [SPEC, {"toolSpec": now}, *own]}
    assert "toolConfig" not in request(tools=[ADD], tool_choice="none")
    assert "toolConfig" not in request(tools=[])
    for tools, said in (
        ([{"type": "web_search"}], "no function"),
        ("add", "tools is of type str"),
        ([3], r"tools\[0\] is of type int"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            request(tools=tools)
    with pytest.raises(InvalidInputError, match="names no tool"):
        request(tools=[ADD], tool_choice="sub")


def test_a_schema_for_the_answer() -> None:
    schema = {
        "type": "object",
        "properties": {"type": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}}},
        "$defs": {"Part": {"type": "object", "properties": {}}},
    }
    given = {"type": "json_schema", "json_schema": {"name": "City", "description": "A city.", "schema": schema}}
    body = request(response_format=given, output_config={"effort": "low"})
    described = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert json.loads(described.pop("schema")) == {
        "type": "object",
        "properties": schema["properties"],
        "$defs": {"Part": {"type": "object", "properties": {}, "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert body["outputConfig"] == {
        "textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"name": "City", "description": "A city."}},
        },
        "effort": "low",
    }
    assert request(response_format={"type": "text"}).keys() == {"messages"}
    for wrong in ({"type": "json_object"}, {"type": "json_schema"}, "json"):
        with pytest.raises(InvalidInputError, match="no other response_format"):
            request(response_format=wrong)
    with pytest.raises(InvalidInputError, match="response_format is the class int"):
        request(response_format=int)
    nested: dict[str, Any] = {"type": "object"}
    nested["items"] = nested
    with pytest.raises(InvalidInputError, match="holds itself"):
        request(response_format={"type": "json_schema", "json_schema": {"schema": nested}})


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (CLAUDE, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ("us.amazon.nova-2-lite-v1:0", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "low"}),
        ("openai.gpt-5.4", {"reasoning": {"effort": "low"}}),
        ("zai.glm-5", {"reasoning_effort": "low"}),
    ],
)
def test_how_much_to_think(model: str, sent: Any) -> None:
    assert request(model=model, reasoning_effort="low")["additionalModelRequestFields"] == sent


def test_system_prompts_of_the_model() -> None:
    body = request(SystemMessage("B"), HumanMessage("Hi"), system=["A", {"cachePoint": {"type": "default"}}])
    assert body["system"] == [{"text": "A"}, {"cachePoint": {"type": "default"}}, {"text": "B"}]
    assert request(system="A")["system"] == [{"text": "A"}]
    with pytest.raises(InvalidInputError, match="system is a str"):
        request(system=3)


def test_only_the_last_turn_is_guarded() -> None:
    body = request(HumanMessage("1"), AIMessage("2"), HumanMessage("3"), guard_last_turn_only=True)
    assert body["messages"][0]["content"] == [{"text": "1"}]
    assert body["messages"][2]["content"] == [{"guardContent": {"text": {"text": "3"}}}]
    result = ToolMessage("4", tool_call_id="c")
    body = request(HumanMessage("1"), AIMessage("2"), result, guard_last_turn_only=True, tools=[ADD])
    assert body["messages"][2]["content"][1] == {"guardContent": {"text": {"text": "[tool_result]"}}}


def test_raw_blocks_take_the_place_of_messages() -> None:
    raw = [{"role": "user", "content": [{"guardContent": {"text": {"text": "x"}}}]}]
    assert request(HumanMessage("Hi"), raw_blocks=raw)["messages"] == raw


@pytest.mark.parametrize(
    ("model", "family"),
    [
        (CLAUDE, "anthropic"),
        ("amazon.nova-lite-v1:0", "amazon"),
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", "anthropic"),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0", "meta"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.deepseek.r1-v1:0", "deepseek"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2c3", None),
        ("", None),
    ],
)
def test_families(model: str, family: str | None) -> None:
    assert family_of(model) == family


# ----------------------------------------------------------------------------------------------------------- recordings


def as_messages(wire: dict[str, Any]) -> list[BaseMessage]:
    """The messages that stand behind a recorded request: content in the shapes of an answer's, or in the wire's."""
    messages: list[BaseMessage] = [SystemMessage([block]) for block in wire.get("system", ())]
    for turn in wire["messages"]:
        if turn["role"] == "assistant":
            messages.append(
                AIMessage(content_of(turn["content"]), response_metadata={"model_provider": "bedrock_converse"})
            )
            continue
        for block in turn["content"]:
            result = block.get("toolResult")
            messages.append(
                HumanMessage([block])
                if result is None
                else ToolMessage(result["content"], tool_call_id=result["toolUseId"], status=result["status"])
            )
    return messages


def as_settings(wire: dict[str, Any]) -> dict[str, Any]:
    config = wire.get("toolConfig", {})
    tools = []
    for tool in config.get("tools", ()):
        spec = tool.get("toolSpec")
        tools.append(tool if spec is None else {**spec, "parameters": spec["inputSchema"]["json"]})
    choice = config.get("toolChoice")
    inference = wire.get("inferenceConfig", {})
    return {
        "max_tokens": inference.get("maxTokens"),
        "temperature": inference.get("temperature"),
        "tools": tools or None,
        "tool_choice": choice and (choice["tool"]["name"] if "tool" in choice else next(iter(choice))),
        "additionalModelRequestFields": wire.get("additionalModelRequestFields"),
    }


def test_recorded_requests() -> None:
    """Equal to what was sent, but for members that are empty, which we leave out."""
    recorded = [row for row in rows("bedrock") if "/converse" in row["path"]]
    for row in recorded:
        wire = row["request_json"]
        body = encode_request(as_messages(wire), {"model": row["path"].split("/")[2], **as_settings(wire)})
        assert json.loads(to_json(body)) == {name: value for name, value in wire.items() if value not in ([], {})}
        if not row["request_elided"]:
            assert problems(body) == ""
    assert len(recorded) >= 9
