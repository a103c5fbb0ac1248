"""The same objects, written by either library and read by the other."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import langchain_core.load as their_load
import langchain_core.messages as their_messages
import langchain_core.outputs as their_outputs
import langchain_core.prompt_values as their_prompt_values
import pytest

import chatcore.messages as our_messages
import chatcore.outputs as our_outputs
import chatcore.prompt_values as our_prompt_values
from chatcore.load import dumpd, dumps, load, loads

pytestmark = pytest.mark.filterwarnings("ignore:.*is in beta")  # the reference's own word on its functions

OURS = SimpleNamespace(**{**vars(our_messages), **vars(our_outputs), **vars(our_prompt_values)})
THEIRS = SimpleNamespace(
    **{
        name: getattr(module, name)
        for module in (their_messages, their_outputs, their_prompt_values)
        for name in dir(module)
        if not name.startswith("_")
    }
)

CALL = {"name": "add", "args": {"a": 1, "b": [2, {"c": None}]}, "id": "1", "type": "tool_call"}
BAD_CALL = {"name": "add", "args": "{", "id": "2", "error": "cut off", "type": "invalid_tool_call"}
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"cache_read": 1}}
LOOKS_LIKE = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": {}}
PARTS = [
    "plain",
    {"type": "text", "text": "part", "annotations": []},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
]

MAKERS = {
    "human": lambda lib: lib.HumanMessage("Hello"),
    "human, all fields": lambda lib: lib.HumanMessage(
        "Hello", name="Ann", id="7", additional_kwargs={"a": 1}, response_metadata={"b": 2}
    ),
    "human, empty": lambda lib: lib.HumanMessage(""),
    "human, parts": lambda lib: lib.HumanMessage(PARTS),
    "human, no parts": lambda lib: lib.HumanMessage([]),
    "human, blocks": lambda lib: lib.HumanMessage(content_blocks=[{"type": "text", "text": "Hello"}]),
    "human, odd text": lambda lib: lib.HumanMessage('\u0000 \u2028 \U0001f600 \\ " </script>'),
    "human, looks like an object": lambda lib: lib.HumanMessage([{"type": "text", "text": LOOKS_LIKE}, LOOKS_LIKE]),
    "human chunk": lambda lib: lib.HumanMessageChunk("Hello"),
    "system": lambda lib: lib.SystemMessage("Be kind", additional_kwargs={"__openai_role__": "developer"}),
    "system chunk": lambda lib: lib.SystemMessageChunk("Be kind"),
    "chat": lambda lib: lib.ChatMessage("Hello", role="critic"),
    "chat chunk": lambda lib: lib.ChatMessageChunk(content="Hello", role="critic"),
    "function": lambda lib: lib.FunctionMessage(content="3", name="add"),
    "function chunk": lambda lib: lib.FunctionMessageChunk(content="3", name="add"),
    "remove": lambda lib: lib.RemoveMessage(id="7"),
    "ai": lambda lib: lib.AIMessage("Hi"),
    "ai, tool calls": lambda lib: lib.AIMessage("", tool_calls=[CALL], invalid_tool_calls=[BAD_CALL], id="a"),
    "ai, raw tool calls": lambda lib: lib.AIMessage(
        "",
        additional_kwargs={
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}]
        },
    ),
    "ai, usage": lambda lib: lib.AIMessage("Hi", usage_metadata=USAGE, response_metadata={"finish_reason": "stop"}),
    "ai, looks like an object": lambda lib: lib.AIMessage(
        [LOOKS_LIKE], additional_kwargs={"a": [LOOKS_LIKE]}, response_metadata=LOOKS_LIKE
    ),
    "ai, looks like an escape": lambda lib: lib.AIMessage("", additional_kwargs={"__lc_escaped__": LOOKS_LIKE}),
    "ai chunk": lambda lib: lib.AIMessageChunk("Hi", id="r1"),
    "ai chunk, tool call chunks": lambda lib: lib.AIMessageChunk(
        "", tool_call_chunks=[{"name": "add", "args": '{"a": 1', "id": "1", "index": 0, "type": "tool_call_chunk"}]
    ),
    "ai chunk, last": lambda lib: lib.AIMessageChunk("", usage_metadata=USAGE, chunk_position="last"),
    "tool": lambda lib: lib.ToolMessage("3", tool_call_id="1"),
    "tool, all fields": lambda lib: lib.ToolMessage(
        "3", tool_call_id="1", name="add", status="error", artifact={"rows": [1, 2]}, id="t"
    ),
    "tool chunk": lambda lib: lib.ToolMessageChunk(content="3", tool_call_id="1"),
    "generation": lambda lib: lib.Generation(text="Hi", generation_info={"finish_reason": "stop"}),
    "generation chunk": lambda lib: lib.GenerationChunk(text="Hi"),
    "chat generation": lambda lib: lib.ChatGeneration(message=lib.AIMessage("Hi", tool_calls=[CALL])),
    "chat generation chunk": lambda lib: lib.ChatGenerationChunk(message=lib.AIMessageChunk("Hi")),
    "string prompt": lambda lib: lib.StringPromptValue(text="Hello"),
    "chat prompt": lambda lib: lib.ChatPromptValue(messages=[lib.SystemMessage("S"), lib.HumanMessage("H")]),
    "chat prompt, concrete": lambda lib: lib.ChatPromptValueConcrete(messages=[lib.HumanMessage("H", id="1")]),
    "list": lambda lib: [lib.HumanMessage("a"), [lib.AIMessage("b")], "c", 1, None],
    "dict": lambda lib: {"history": [lib.HumanMessage("a")], "lc_": 1, "nested": {"answer": lib.AIMessage("b")}},
    "an escaped dict among messages": lambda lib: [lib.HumanMessage("a"), LOOKS_LIKE],
}
"""What makes the same object of either library."""


@pytest.mark.parametrize("case", MAKERS)
def test_the_same_json(case: str) -> None:
    ours, theirs = MAKERS[case](OURS), MAKERS[case](THEIRS)
    assert dumpd(ours) == their_load.dumpd(theirs)
    assert json.loads(dumps(ours, pretty=True)) == json.loads(their_load.dumps(theirs, pretty=True))


@pytest.mark.parametrize("case", MAKERS)
def test_read_by_the_other(case: str) -> None:
    ours, theirs = MAKERS[case](OURS), MAKERS[case](THEIRS)
    assert loads(their_load.dumps(theirs)) == ours
    assert their_load.loads(dumps(ours), allowed_objects="core") == theirs


@pytest.mark.parametrize(
    "case", [case for case in MAKERS if case.startswith(("human", "ai", "tool", "system", "remove"))]
)
def test_messages_are_allowed_as_messages(case: str) -> None:
    ours, theirs = MAKERS[case](OURS), MAKERS[case](THEIRS)
    assert load(dumpd(ours), allowed_objects="messages") == ours
    assert their_load.load(their_load.dumpd(theirs), allowed_objects="messages") == theirs


REFUSED: dict[str, tuple[Any, dict[str, Any]]] = {
    "a class outside": ({**LOOKS_LIKE, "id": ["os", "system"]}, {"allowed_objects": "core"}),
    "no message": (dumpd(OURS.Generation(text="x")), {"allowed_objects": "messages"}),
    "an old message": (dumpd(OURS.ChatMessage("x", role="y")), {"allowed_objects": "messages"}),
    "nothing allowed": (dumpd(OURS.HumanMessage("x")), {"allowed_objects": []}),
    "wrong arguments": ({**LOOKS_LIKE, "kwargs": {"content": 3}}, {"allowed_objects": "core"}),
    "not serializable": (dumpd({"a": 3j}), {"allowed_objects": "core"}),
    "a root namespace": ({**LOOKS_LIKE, "id": ["langchain", "AIMessage"]}, {"allowed_objects": "all"}),
    "classes that are none": ({}, {"allowed_objects": [3]}),
    "jinja2": (
        {**LOOKS_LIKE, "kwargs": {"content": "", "template_format": "jinja2"}},
        {"allowed_objects": "core"},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_both_with_the_same_kind_of_error(case: str) -> None:
    value, options = REFUSED[case]
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as theirs:
        their_load.load(value, **options)
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as ours:
        load(value, **options)
    builtin = next(kind for kind in type(theirs.value).__mro__ if kind.__module__ == "builtins")
    assert isinstance(ours.value, builtin)
