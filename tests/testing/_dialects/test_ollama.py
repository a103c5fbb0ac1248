from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from chatcore.testing import Reply
from chatcore.testing._asked import Tool
from chatcore.testing._dialect import Turn
from chatcore.testing._dialects.ollama import Ollama
from chatcore.testing._problem import Problem, RefusedError
from chatcore.testing._schema import UnknownShapeError
from tests.testing._dialects.bodies import bodies
from tests.testing._dialects.turns import served, turn_of

DIALECT = Ollama(None)
USER = {"role": "user", "content": "Hi"}
CALLS: Any = [{"name": "a", "args": {"x": 1}, "id": "one"}, {"name": "b", "args": "not json"}]


def turn(reply: Reply | None = None, **body: Any) -> Turn:
    return turn_of(DIALECT, {"model": "m", "messages": [USER], **body}, reply)


def streamed(given: Turn) -> list[Any]:
    return [json.loads(event.data) for event in DIALECT.events(given)]


def test_what_is_asked_for() -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    options = {"stop": ["x"], "num_predict": 9, "seed": 5}
    found = turn(stream=False, tools=[tool], options=options, format={"type": "object"}, think="low").asked
    assert (found.stream, found.tools, found.stop, found.max_tokens) == (
        False,
        [Tool("add", {"type": "object"})],
        ["x"],
        9,
    )
    assert (found.seed, found.schema, found.reasoning) == (5, {"type": "object"}, True)
    assert turn().asked.stream
    assert turn(format="json").asked.json


def test_plain_and_streamed_agree() -> None:
    given = turn(Reply("Hello", reasoning="Hm, hm.", tool_calls=CALLS))
    whole = json.loads(DIALECT.plain(given).body)
    chunks = streamed(given)
    calls = [
        {"id": "one", "function": {"index": 0, "name": "a", "arguments": {"x": 1}}},
        {"id": whole["message"]["tool_calls"][1]["id"], "function": {"index": 1, "name": "b", "arguments": "not json"}},
    ]
    assert whole["message"] == {"role": "assistant", "content": "Hello", "thinking": "Hm, hm.", "tool_calls": calls}
    assert [chunk["message"].get("thinking") or chunk["message"]["content"] for chunk in chunks[:4]] == [
        "Hm, ",
        "hm.",
        "Hell",
        "o",
    ]
    assert [call for chunk in chunks for call in chunk["message"].get("tool_calls", ())] == calls
    assert [chunk["done"] for chunk in chunks] == [False] * 6 + [True]
    counts = {"done_reason", "eval_count", "prompt_eval_count", "total_duration"}
    assert {name: chunks[-1][name] for name in counts} == {name: whole[name] for name in counts}
    assert whole["done_reason"] == "stop"


def test_a_request_without_messages_loads_the_model() -> None:
    given = turn(messages=[])
    assert json.loads(DIALECT.plain(given).body)["done_reason"] == "load"
    assert [chunk["done_reason"] for chunk in streamed(given)] == ["load"]


def test_an_empty_answer_ends_all_the_same() -> None:
    assert [chunk["done"] for chunk in streamed(turn(Reply("")))] == [True]


def test_what_a_script_says_goes_as_it_is() -> None:
    given = turn(Reply(chunks=["a", {"content": "b", "odd": 1}], refusal=None, usage={"eval_count": 99}))
    assert streamed(given)[1]["message"] == {"role": "assistant", "content": "b", "odd": 1}
    assert streamed(given)[-1]["eval_count"] == 99
    assert json.loads(DIALECT.plain(turn(Reply(refusal="No."))).body)["message"]["content"] == "No."


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"model": ""}, "model is required"),
        ({"model": 5}, "cannot unmarshal number into Go struct field ChatRequest.model of type string"),
        ({"messages": "Hi"}, "cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"),
        ({"messages": ["Hi"]}, "of type api.Message"),
        ({"messages": [{"role": "human"}]}, 'invalid role "human"'),
        ({"messages": [{"role": 5}]}, "messages.role of type string"),
        ({"messages": [{**USER, "content": []}]}, "messages.content of type string"),
        ({"messages": [{**USER, "images": ["!"]}]}, "illegal base64 data"),
        ({"messages": [{**USER, "tool_calls": [5]}]}, "api.ToolCall"),
        (
            {"messages": [{**USER, "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}]},
            "messages.tool_calls.function.arguments of type api.ToolCallFunctionArguments",
        ),
        ({"tools": {}}, "of type api.Tools"),
        ({"tools": [5]}, "of type api.Tool"),
        ({"tools": [{"function": {"parameters": []}}]}, "api.ToolFunctionParameters"),
        ({"options": []}, "ChatRequest.options"),
        ({"stream": "no"}, "of type bool"),
        ({"format": "xml"}, 'invalid format: "xml"'),
        ({"think": "hard"}, 'invalid think value: "hard"'),
        ({"think": 1}, "invalid think value: 1"),
    ],
    ids=str,
)
def test_what_ollama_cannot_read_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        turn(**more)
    assert says in str(refused.value)
    assert json.loads(DIALECT.error(refused.value.problem, "")) == {"error": str(refused.value)}


def test_models() -> None:
    one = Ollama(("llama",))
    assert [model["name"] for model in served(one, "GET", "/api/tags")["models"]] == ["llama"]
    assert "tools" in served(one, "POST", "/api/show", {"model": "llama:latest"})["capabilities"]
    assert served(one, "GET", "/api/version")["version"]
    with pytest.raises(RefusedError, match="model 'other' not found") as refused:
        turn_of(one, {"model": "other"}, None)
    assert refused.value.problem.status == 404
    assert json.loads(one.error(Problem(503), ""))["error"].startswith("server busy")


@given(bodies({"model": "m", "messages": [USER]}, tools=[], options={}, format="json", think=True, stream=False))
def test_whatever_is_sent_is_refused_or_answered(body: dict[str, Any]) -> None:
    with suppress(RefusedError, UnknownShapeError):
        given = turn_of(DIALECT, body, None)
        json.loads(DIALECT.plain(given).body)
        streamed(given)
