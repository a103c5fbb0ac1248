"""Writing the turns of a conversation for the Messages API: who may follow whom, and every kind of block."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcore.errors import ChatCoreError, InvalidInputError
from chatcore.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from chatcore.providers._anthropic_turns import encode_messages

MARK = {"type": "ephemeral"}
OWN = {"model_provider": "anthropic"}


def turns(*messages: Any, **settings: Any) -> list[dict[str, Any]]:
    return encode_messages(messages, **settings)[1]


def said(block: Any) -> Any:
    """What one block of the user's is sent as."""
    (turn,) = turns(HumanMessage([block]))
    (part,) = turn["content"]
    return part


def call(call_id: str | None, **args: Any) -> ToolCall:
    return ToolCall(name="add", args=args, id=call_id, type="tool_call")


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def text(words: str, **marks: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **marks}


def tool_use(call_id: str, **args: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "add", "input": args}


# ---------------------------------------------------------------------------------------------------------------- turns


def test_who_says_what() -> None:
    system, made = encode_messages([SystemMessage("S"), HumanMessage("H"), AIMessage("A"), HumanMessage("H2")])
    assert system == "S"
    assert made == [user("H"), assistant("A"), user("H2")]
    assert turns(ChatMessage("H", role="user"), ChatMessage("A", role="assistant")) == [user("H"), assistant("A")]
    assert encode_messages([ChatMessage("S", role="developer"), HumanMessage("H")])[0] == "S"


def test_what_one_side_says_in_turn_is_one_turn() -> None:
    assert turns(HumanMessage("a"), HumanMessage(["b", text("c")])) == [user([text("a"), text("b"), text("c")])]
    made = turns(HumanMessage("H"), AIMessage("a"), AIMessage("b"), HumanMessage("H"))
    assert made[1] == assistant([text("a"), text("b")])


def test_tool_results_come_first_in_one_turn() -> None:
    made = turns(
        HumanMessage("H"),
        AIMessage("A", tool_calls=[call("t1", a=1), call("t2", a=2)]),
        HumanMessage("wait"),
        ToolMessage("1", tool_call_id="t1"),
        ToolMessage("no", tool_call_id="t2", status="error"),
        HumanMessage("go on"),
    )
    assert made[1:] == [
        assistant([text("A"), tool_use("t1", a=1), tool_use("t2", a=2)]),
        user(
            [
                {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": True},
                text("wait"),
                text("go on"),
            ]
        ),
    ]


def test_an_empty_answer_is_left_out() -> None:
    assert turns(HumanMessage("a"), AIMessage(""), HumanMessage("b")) == [user([text("a"), text("b")])]
    assert turns(HumanMessage("a"), AIMessage([]), HumanMessage("b")) == [user([text("a"), text("b")])]


def test_an_empty_text_is_left_out() -> None:
    assert turns(HumanMessage(["", text(""), text("a")])) == [user([text("a")])]
    assert turns(HumanMessage("a"), AIMessage([text(""), text("b")]))[1] == assistant([text("b")])
    made = turns(HumanMessage("a"), AIMessage("", tool_calls=[call("t1")]), ToolMessage("", tool_call_id="t1"))
    assert made[1:] == [
        assistant([tool_use("t1")]),
        user([{"type": "tool_result", "tool_use_id": "t1", "content": ""}]),
    ]


@pytest.mark.parametrize("content", ["", [], [""], [text("")]])
def test_an_empty_question_is_refused(content: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"Message 1 \(human\) is empty"):
        turns(SystemMessage("S"), HumanMessage(content))
    assert turns(HumanMessage("a"), HumanMessage(content)) == [user("a")]


@pytest.mark.parametrize(
    ("messages", "words"),
    [([], "no message"), ([SystemMessage("S")], "nothing but a system message"), ([AIMessage(" ")], "no message")],
)
def test_nothing_to_send(messages: list[Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        turns(*messages)


@pytest.mark.parametrize("message", [FunctionMessage("x", name="f"), ChatMessage("x", role="critic")])
def test_messages_that_it_does_not_take(message: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"Message 1 is a {type(message).__name__}"):
        turns(HumanMessage("Hi"), message)


def test_a_beginning_of_the_answer_ends_without_white_space() -> None:
    assert turns(HumanMessage("a"), AIMessage("b \n"))[1] == assistant("b")
    assert turns(HumanMessage("a"), AIMessage(["b", text("c ")]))[1] == assistant([text("b"), text("c")])
    assert turns(HumanMessage("a"), AIMessage([text("b"), text(" ")]))[1] == assistant([text("b")])
    assert turns(HumanMessage("a"), AIMessage("  ")) == [user("a")]
    assert turns(HumanMessage("a"), AIMessage("b "), HumanMessage("c"))[1] == assistant("b ")


# --------------------------------------------------------------------------------------------------------------- system


def test_system_messages_are_one_prompt() -> None:
    marked = [text("b", cache_control=MARK)]
    system, made = encode_messages(
        [SystemMessage("a"), SystemMessage(["c", *marked]), HumanMessage("H"), AIMessage("A"), SystemMessage("late")]
    )
    assert system == [text("a"), text("c"), *marked, text("late")]
    assert made == [user("H"), assistant("A")]
    assert encode_messages([SystemMessage(marked), HumanMessage("H")])[0] == marked
    assert encode_messages([SystemMessage(""), HumanMessage("H")])[0] is None


def test_system_messages_where_they_stand() -> None:
    later = {"role": "system", "content": "S2"}
    system, made = encode_messages(
        [SystemMessage("S1"), HumanMessage("a"), SystemMessage("S2"), AIMessage("b"), SystemMessage("S3")],
        system_in_place=True,
    )
    # The API takes none right after an answer.
    assert (system, made) == ([text("S1"), text("S3")], [user("a"), later, assistant("b")])
    assert turns(HumanMessage("a"), SystemMessage("S2"), system_in_place=True) == [user("a"), later]
    moved = encode_messages([HumanMessage("a"), SystemMessage("S2"), HumanMessage("b")], system_in_place=True)
    assert moved == ("S2", [user([text("a"), text("b")])])
    result = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    made = turns(
        HumanMessage("a"), AIMessage([result], response_metadata=OWN), SystemMessage("S2"), system_in_place=True
    )
    assert made[-1] == later


def test_tools_that_change_in_mid_conversation() -> None:
    change = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "x"}}
    messages = [HumanMessage("a"), SystemMessage([change])]
    assert turns(*messages, system_in_place=True)[-1] == {"role": "system", "content": [change]}
    wrapped = SystemMessage([{"type": "non_standard", "value": change}])
    assert turns(HumanMessage("a"), wrapped, system_in_place=True)[-1]["content"] == [change]
    with pytest.raises(InvalidInputError, match=r"Message 1 \(system\) has a block 'tool_addition'"):
        turns(*messages)


def test_a_system_message_holds_text_only() -> None:
    with pytest.raises(InvalidInputError, match="holds text only"):
        turns(SystemMessage([{"type": "image", "url": "https://x/y.png"}]), HumanMessage("a"))


# ---------------------------------------------------------------------------------------------------------- cache marks


def test_a_mark_on_a_message_is_a_mark_on_its_last_block() -> None:
    kwargs = {"cache_control": MARK}
    assert turns(HumanMessage("a", additional_kwargs=kwargs)) == [user([text("a", cache_control=MARK)])]
    made = turns(HumanMessage(["a", "b"], additional_kwargs=kwargs), AIMessage("c", additional_kwargs=kwargs))
    assert made == [user([text("a"), text("b", cache_control=MARK)]), assistant([text("c", cache_control=MARK)])]
    system = encode_messages([SystemMessage("s", additional_kwargs=kwargs), HumanMessage("a")])[0]
    assert system == [text("s", cache_control=MARK)]
    assert turns(ToolMessage("1", tool_call_id="t1", additional_kwargs=kwargs)) == [
        user([{"type": "tool_result", "tool_use_id": "t1", "content": "1", "cache_control": MARK}])
    ]


def test_a_mark_in_a_tools_answer_is_on_the_result() -> None:
    made = turns(ToolMessage([text("a", cache_control=MARK), "b"], tool_call_id="t1"))
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text("a"), text("b")], "cache_control": MARK}
    assert made == [user([result])]


@pytest.mark.parametrize("place", [{"cache_control": MARK}, {"extras": {"cache_control": MARK}}])
def test_marks_on_standard_blocks(place: dict[str, Any]) -> None:
    assert said({"type": "text", "text": "a", **place}) == text("a", cache_control=MARK)
    source = {"type": "url", "url": "https://x/y.png"}
    assert said({"type": "image", "url": "https://x/y.png", **place}) == {
        "type": "image",
        "source": source,
        "cache_control": MARK,
    }


# ----------------------------------------------------------------------------------------------- images and documents

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}


@pytest.mark.parametrize(
    ("block", "source"),
    [
        ({"type": "image", "base64": "aGk=", "mime_type": "image/png"}, PNG),
        ({"type": "image", "url": "data:image/png;base64,aGk="}, PNG),
        ({"type": "image", "url": "https://x/y.png"}, {"type": "url", "url": "https://x/y.png"}),
        ({"type": "image", "file_id": "file_1"}, {"type": "file", "file_id": "file_1"}),
        ({"type": "image", "source_type": "base64", "data": "aGk=", "mime_type": "image/png"}, PNG),
        ({"type": "image", "source_type": "id", "id": "file_1"}, {"type": "file", "file_id": "file_1"}),
        ({"type": "image", "source": PNG, "index": 0}, PNG),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}, PNG),
        ({"type": "image_url", "image_url": "https://x/y.png"}, {"type": "url", "url": "https://x/y.png"}),
        ({"type": "file", "base64": "aGk=", "mime_type": "image/png"}, PNG),
        ({"image": {"format": "png", "source": {"bytes": b"hi"}}, "type": "image"}, None),
    ],
)
def test_images_of_every_form(block: dict[str, Any], source: Any) -> None:
    if source is None:
        with pytest.raises(InvalidInputError):
            said(block)
    else:
        assert said(block) == {"type": "image", "source": source}


@pytest.mark.parametrize(
    ("block", "source"),
    [
        ({"type": "file", "base64": "aGk=", "mime_type": "application/pdf"}, PDF),
        ({"type": "file", "base64": "aGk="}, PDF),
        ({"type": "file", "url": "https://x/y.pdf"}, {"type": "url", "url": "https://x/y.pdf"}),
        ({"type": "file", "file_id": "file_1"}, {"type": "file", "file_id": "file_1"}),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}}, PDF),
        ({"type": "document", "source": PDF, "index": 3}, PDF),
        ({"type": "file", "base64": "aGk=", "mime_type": "text/csv"}, {"media_type": "text/plain", "data": "hi"}),
        ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, {"media_type": "text/plain", "data": "hi"}),
        ({"type": "text-plain", "base64": "aGk="}, {"media_type": "text/plain", "data": "hi"}),
        ({"type": "file", "source_type": "text", "text": "hi"}, {"media_type": "text/plain", "data": "hi"}),
    ],
)
def test_documents_of_every_form(block: dict[str, Any], source: dict[str, Any]) -> None:
    assert said(block) == {"type": "document", "source": {"type": "text", **source}}


def test_what_else_is_said_of_a_document() -> None:
    extras = {"citations": {"enabled": True}, "context": "C", "title": "T", "filename": "f.pdf"}
    block = {"type": "file", "file_id": "f1", "cache_control": MARK, "extras": extras}
    assert said(block) == {
        "type": "document",
        "source": {"type": "file", "file_id": "f1"},
        "citations": {"enabled": True},
        "context": "C",
        "title": "T",
        "cache_control": MARK,
    }
    assert said({"type": "file", "file_id": "f1", "filename": "f.pdf"})["title"] == "f.pdf"


def test_blocks_of_its_own_go_as_they_are() -> None:
    blocks = [
        {"type": "search_result", "source": "s", "title": "t", "content": [text("x")]},
        {"type": "container_upload", "file_id": "f1"},
        {"type": "document", "source": {"type": "content", "content": [text("x")]}, "citations": {"enabled": True}},
    ]
    assert turns(HumanMessage(blocks)) == [user(blocks)]
    assert said({"type": "non_standard", "value": blocks[1]}) == blocks[1]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}, "takes no audio"),
        ({"type": "video", "url": "https://x/y.mp4"}, "takes no video"),
        ({"type": "image", "base64": "aGk="}, "mime_type"),
        ({"type": "image"}, "give one of"),
        ({"type": "image_url", "image_url": {}}, "image_url"),
        ({"type": "file"}, "give one of"),
        ({"type": "file", "base64": "aGk=", "mime_type": "application/zip"}, "no application/zip"),
        ({"type": "file", "base64": "?", "mime_type": "text/plain"}, "no base64"),
        ({"type": "text-plain"}, "give its"),
        ({"type": "text", "text": 3}, "must be a str"),
        ({"type": "reasoning", "reasoning": "x"}, "none of text, image"),
        ({"text": "x"}, "a dict with a 'type'"),
        (3, "a dict with a 'type'"),
    ],
)
def test_blocks_that_cannot_be_sent(block: Any, why: str) -> None:
    message = HumanMessage("x").model_copy(update={"content": [block]})
    with pytest.raises(InvalidInputError, match=rf"Message 0 \(human\) has a block .*{re.escape(why)}"):
        turns(message)


# --------------------------------------------------------------------------------------------------------- tool results


def test_what_tools_answer() -> None:
    blocks = [
        *("a", {"type": "image", "url": "https://x/y.png"}, {"type": "tool_reference", "tool_name": "x"}, {"b": 1}),
    ]
    (turn,) = turns(ToolMessage(blocks, tool_call_id="t1"))
    assert turn["content"][0]["content"] == [
        text("a"),
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "tool_reference", "tool_name": "x"},
        text('{"b":1}'),
    ]


def test_results_in_the_apis_own_form() -> None:
    own = {"type": "tool_result", "tool_use_id": "a.b", "content": ["x", {"type": "image", "source": PNG}], "index": 0}
    made = {**own, "content": [text("x"), {"type": "image", "source": PNG}]}
    del made["index"]
    for message in (HumanMessage([own]), ToolMessage([own], tool_call_id="a.b")):
        (turn,) = turns(message)
        (result,) = turn["content"]
        assert {**result, "tool_use_id": "a.b"} == made


def test_ids_that_the_api_refuses_are_replaced_in_call_and_result() -> None:
    made = turns(
        HumanMessage("H"),
        AIMessage("", tool_calls=[call("functions.add:0"), call("é"), call("fine_1-2")]),
        *(ToolMessage("1", tool_call_id=given) for given in ("functions.add:0", "é", "fine_1-2")),
    )
    ids = [part["id"] for part in made[1]["content"]]
    assert ids == [part["tool_use_id"] for part in made[2]["content"]]
    assert ids[2] == "fine_1-2"
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", call_id) for call_id in ids)
    assert len(set(ids)) == 3
    # The same in every request, so that a cached prefix stays one.
    again = turns(HumanMessage("H"), AIMessage("", tool_calls=[call("functions.add:0")]))
    assert again[1]["content"][0]["id"] == ids[0]


@pytest.mark.parametrize("call_id", ["call_0", ""])
def test_ids_that_come_again_are_told_apart(call_id: str) -> None:
    turn = (AIMessage("", tool_calls=[call(call_id)]), ToolMessage("1", tool_call_id=call_id))
    made = turns(HumanMessage("H"), *turn, *turn, *turn)
    used = [made[position]["content"][0]["id"] for position in (1, 3, 5)]
    answered = [made[position]["content"][0]["tool_use_id"] for position in (2, 4, 6)]
    assert used == answered
    assert len(set(used)) == 3


def test_calls_without_ids() -> None:
    made = turns(
        HumanMessage("H"),
        AIMessage("", tool_calls=[call(None, a=1), call(None, a=2)]),
        ToolMessage("1", tool_call_id=""),
        ToolMessage("2", tool_call_id=""),
    )
    assert [part["input"] for part in made[1]["content"]] == [{"a": 1}, {"a": 2}]
    ids = [part["id"] for part in made[1]["content"]]
    assert ids == [part["tool_use_id"] for part in made[2]["content"]]
    assert len(set(ids)) == 2


def test_a_result_names_the_toolset_of_its_call() -> None:
    block = {**tool_use("t1"), "toolset_name": "files"}
    made = turns(
        HumanMessage("H"),
        AIMessage([block], tool_calls=[call("t1")], response_metadata=OWN),
        ToolMessage("1", tool_call_id="t1"),
    )
    assert made[1]["content"] == [block]
    assert made[2]["content"][0]["toolset_name"] == "files"


# -------------------------------------------------------------------------------------------------------------- answers

THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "xyz"}
SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": "u"}]}
ASKED = {"type": "mcp_tool_use", "id": "m1", "name": "ask", "server_name": "wiki", "input": {"q": 1}}
TOLD = {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": True, "content": [text("no")]}
RAN = {"type": "server_tool_use", "id": "s2", "name": "code_execution", "input": {"code": "1"}}
CITED = {
    **text("x"),
    "citations": [
        {"type": "web_search_result_location", "cited_text": "c", "url": "u", "title": "t", "encrypted_index": "e"},
        {"type": "page_location", "cited_text": "c", "document_index": 0, "document_title": None}
        | {"start_page_number": 1, "end_page_number": 2},
    ],
}
BLOCKS = [THOUGHT, REDACTED, SEARCH, FOUND, ASKED, TOLD, RAN, CITED, {"type": "compaction", "content": "So far."}]


def between(answer: AIMessage) -> Any:
    """What an answer in the middle of a conversation is sent as."""
    return turns(HumanMessage("a"), answer, HumanMessage("b"))[1]["content"]


@pytest.mark.parametrize("block", BLOCKS, ids=[block.get("name") or block["type"] for block in BLOCKS])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_blocks_of_its_own_answers_go_back_as_they_came(block: dict[str, Any], version: str) -> None:
    answer = AIMessage([block], response_metadata=OWN)
    if version == "v1":
        metadata = {**OWN, "output_version": "v1"}
        answer = AIMessage(answer.content_blocks, response_metadata=metadata)  # type: ignore[arg-type] # blocks are dicts
    assert between(answer) == [block]


def test_what_a_stream_leaves_in_blocks_is_taken_out() -> None:
    streamed = [
        {**THOUGHT, "index": 0},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}, "index": 1}
        | {"partial_json": '{"query": "x"}'},
        {**CITED, "index": 2},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {}, "partial_json": '{"a": 1}', "index": 3},
    ]
    streamed[2]["citations"] = [{**streamed[2]["citations"][0], "file_id": None}]
    answer = AIMessage(streamed, tool_calls=[call("t1", a=1)], response_metadata=OWN)
    assert between(answer) == [THOUGHT, SEARCH, {**CITED, "citations": CITED["citations"][:1]}, tool_use("t1", a=1)]
    # Also of a message that was kept without its calls.
    answer = AIMessage(streamed[3:], response_metadata=OWN)
    assert between(answer) == [tool_use("t1", a=1)]


def test_a_call_that_was_mended_goes_back_mended() -> None:
    block = {**tool_use("t1", a=1), "caller": {"type": "direct"}}
    answer = AIMessage([block], tool_calls=[call("t1", a=2)], response_metadata=OWN)
    assert between(answer) == [{**block, "input": {"a": 2}}]


def test_calls_beside_the_content() -> None:
    invalid = InvalidToolCall(name="add", args='{"a": 1, "b": ', id="t2", error=None, type="invalid_tool_call")
    answer = AIMessage("A", tool_calls=[call("t1", a=1)], invalid_tool_calls=[invalid])
    assert between(answer) == [text("A"), tool_use("t1", a=1), tool_use("t2", a=1)]
    answer = AIMessage("", invalid_tool_calls=[{**invalid, "args": "nothing"}])
    assert between(answer) == [tool_use("t2")]


def test_what_another_provider_answered_is_its_text_and_its_calls() -> None:
    answer = AIMessage(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"},
            {"type": "text", "text": "Hi", "annotations": [{"type": "url_citation", "url": "u"}]},
            {"type": "function_call", "name": "add", "arguments": '{"a": 1}', "call_id": "c1", "id": "fc_1"},
        ],
        tool_calls=[call("c1", a=1)],
        response_metadata={"model_provider": "openai"},
    )
    assert between(answer) == [text("Hi"), tool_use("c1", a=1)]
    answer = AIMessage(
        "Hi", additional_kwargs={"reasoning_content": "Hm"}, response_metadata={"model_provider": "groq"}
    )
    assert between(answer) == "Hi"


def test_standard_blocks_of_another_provider() -> None:
    answer = AIMessage(
        [
            {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "of another"}},
            {"type": "text", "text": "Hi"},
            {"type": "tool_call", "name": "add", "args": {"a": 1}, "id": "c1"},
            {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        ],
        tool_calls=[call("c1", a=1)],
        response_metadata={"model_provider": "google_genai", "output_version": "v1"},
    )
    assert between(answer) == [text("Hi"), tool_use("c1", a=1), text("\n[image: image/png]\n")]


def test_an_answer_written_by_hand() -> None:
    answer = AIMessage([THOUGHT, "Hi", {"type": "tool_call", "name": "add", "args": {"a": 1}, "id": "c1"}])
    assert between(answer) == [THOUGHT, text("Hi"), tool_use("c1", a=1)]


# ------------------------------------------------------------------------------------------------------ anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    *("text", "thinking", "signature", "id", "name", "input", "partial_json", "content", "citations", "annotations"),
    *("tool_use_id", "source", "url", "base64", "mime_type", "file_id", "image_url", "file", "extras", "reasoning"),
    *("args", "tool_call_id", "output", "value", "metadata", "data", "caller"),
)
ANY_BLOCK = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                *("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "tool_result", "image"),
                *("document", "image_url", "file", "text-plain", "reasoning", "tool_call", "invalid_tool_call"),
                *("server_tool_call", "server_tool_result", "non_standard", "audio", "compaction", "mcp_tool_use"),
            ]
        )
    },
    optional=dict.fromkeys(NAMES, JSON),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANY_BLOCK | st.text(max_size=5), max_size=4), st.sampled_from([None, "v1"]), st.booleans())
def test_whatever_is_given_is_sent_or_an_error_of_ours(content: list[Any], version: str | None, own: bool) -> None:
    metadata: dict[str, Any] = {"model_provider": "anthropic"} if own else {}
    if version:
        metadata["output_version"] = version
    for message in (
        HumanMessage(content),
        SystemMessage(content),
        ToolMessage(content, tool_call_id="t"),
        AIMessage(content, response_metadata=metadata),
    ):
        try:
            made = turns(HumanMessage("Hi"), message, HumanMessage("Hi"))
        except ChatCoreError:
            continue
        assert all(turn["content"] for turn in made)


def test_ten_thousand_calls_cost_their_number() -> None:
    content = base64.b64encode(b"x").decode()
    calls = [call("c", a=position) for position in range(10_000)]
    results = [ToolMessage(content, tool_call_id="c") for _ in calls]
    made = turns(HumanMessage("H"), AIMessage("", tool_calls=calls), *results)
    assert len({part["id"] for part in made[1]["content"]}) == 10_000
