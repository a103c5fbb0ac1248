"""Conversations filtered, trimmed, joined, counted and written by chatcore and by langchain-core: the same results."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import chatcore.messages as ours

theirs = pytest.importorskip("langchain_core.messages", reason="the reference is not installed")
their_utils = pytest.importorskip("langchain_core.messages.utils")

CALL = {"name": "f", "args": {"a": 1, "ü": "é"}, "id": "c1", "type": "tool_call"}
OTHER_CALL = {"name": "g", "args": {}, "id": "c2", "type": "tool_call"}
TEXT = {"type": "text", "text": "hi"}
USAGE = {"input_tokens": 30, "output_tokens": 20, "total_tokens": 50}

# A message: its class, its content, its other keywords.
CONVERSATION: list[tuple[str, Any, dict[str, Any]]] = [
    ("SystemMessage", "be brief", {"id": "s"}),
    ("HumanMessage", "hello\nthere\nyou", {"id": "h1", "name": "ann"}),
    ("HumanMessage", "and you", {"id": "h2"}),
    ("AIMessage", "one moment", {"id": "a1", "tool_calls": [CALL, OTHER_CALL]}),
    ("ToolMessage", "42", {"tool_call_id": "c1", "name": "f"}),
    ("ToolMessage", "43", {"tool_call_id": "c2"}),
    ("AIMessage", [TEXT, {"type": "text", "text": "again"}], {"id": "a2"}),
    ("AIMessage", "and more", {"id": "a3", "response_metadata": {"finish_reason": "stop"}}),
    ("HumanMessage", [TEXT, "there"], {"name": "bob"}),
]
ANTHROPIC_CALLS = [
    ("HumanMessage", "hi", {}),
    (
        "AIMessage",
        [
            TEXT,
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        ],
        {"tool_calls": [CALL, OTHER_CALL]},
    ),
    ("ToolMessage", "42", {"tool_call_id": "c1"}),
]


def messages(library: Any, specs: Any = None) -> list[Any]:
    return [
        getattr(library, name)(content=content, **kwargs)
        for name, content, kwargs in copy.deepcopy(specs or CONVERSATION)
    ]


def dumped(made: list[Any]) -> list[dict[str, Any]]:
    return [message.model_dump() for message in made]


def with_classes(library: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which a class of messages is written by its name."""

    def found(value: Any) -> Any:
        if isinstance(value, list):
            return [found(item) for item in value]
        return getattr(library, value) if isinstance(value, str) and value.endswith("Message") else value

    return {key: found(value) for key, value in kwargs.items()}


FILTERS: list[dict[str, Any]] = [
    {},
    {"include_names": ["ann", "bob"]},
    {"exclude_names": ["ann"]},
    {"include_types": ["human"]},
    {"include_types": ["HumanMessage", "system"]},
    {"exclude_types": ["AIMessage", "tool"]},
    {"include_ids": ["a1", "h2"]},
    {"exclude_ids": ["s"]},
    {"include_types": ["ai"], "include_ids": ["s"], "exclude_ids": ["a3"]},
    {"exclude_tool_calls": True},
    {"exclude_tool_calls": ["c1"]},
    {"exclude_tool_calls": ["c1", "c2"]},
    {"exclude_tool_calls": []},
    {"exclude_tool_calls": False},
    {"exclude_tool_calls": ["c1"], "include_types": ["ai"]},
]


@pytest.mark.parametrize("kwargs", FILTERS, ids=str)
@pytest.mark.parametrize("specs", [CONVERSATION, ANTHROPIC_CALLS], ids=["conversation", "anthropic"])
def test_filtered(specs: Any, kwargs: dict[str, Any]) -> None:
    mine = ours.filter_messages(messages(ours, specs), **with_classes(ours, kwargs))
    reference = theirs.filter_messages(messages(theirs, specs), **with_classes(theirs, kwargs))
    assert dumped(mine) == dumped(reference)


RUNS: list[list[tuple[str, Any, dict[str, Any]]]] = [
    CONVERSATION,
    [("HumanMessage", "a", {}), ("HumanMessage", "b", {}), ("HumanMessage", "c", {})],
    [("HumanMessage", "a", {}), ("HumanMessage", "", {}), ("HumanMessage", "c", {})],
    [("HumanMessage", "", {}), ("HumanMessage", "b", {})],
    [("HumanMessage", "a", {}), ("HumanMessage", [TEXT], {}), ("HumanMessage", "c", {}), ("HumanMessage", ["d"], {})],
    [("HumanMessage", [TEXT], {}), ("HumanMessage", "a", {}), ("HumanMessage", "b", {})],
    [("SystemMessage", "a", {"id": "1"}), ("SystemMessage", "b", {"id": "2"})],
    [("AIMessage", "a", {"tool_calls": [CALL]}), ("AIMessage", "b", {"tool_calls": [OTHER_CALL]})],
    [("AIMessage", "", {"tool_calls": [CALL]}), ("AIMessage", "b", {"usage_metadata": USAGE})],
    [("AIMessage", "a", {"usage_metadata": USAGE}), ("AIMessage", "b", {"usage_metadata": USAGE})],
    [
        ("AIMessage", "a", {"response_metadata": {"model_name": "m"}}),
        ("AIMessage", "b", {"response_metadata": {"model_name": "m"}}),
    ],
    [
        ("HumanMessage", "a", {"additional_kwargs": {"x": "1"}}),
        ("HumanMessage", "b", {"additional_kwargs": {"x": "2"}}),
    ],
    [("ChatMessage", "a", {"role": "r"}), ("ChatMessage", "b", {"role": "r"})],
    [("FunctionMessage", "a", {"name": "f"}), ("FunctionMessage", "b", {"name": "f"})],
    [("ToolMessage", "a", {"tool_call_id": "c"}), ("ToolMessage", "b", {"tool_call_id": "c"})],
    [("HumanMessageChunk", "a", {}), ("HumanMessageChunk", "b", {}), ("HumanMessage", "c", {})],
    [("HumanMessageChunk", "a", {}), ("HumanMessage", "b", {})],
    [("HumanMessage", "a", {}), ("HumanMessageChunk", "b", {})],
    [("AIMessageChunk", "a", {"tool_calls": [CALL]}), ("AIMessageChunk", "b", {"chunk_position": "last"})],
]


@pytest.mark.parametrize("kwargs", [{}, {"chunk_separator": ""}, {"chunk_separator": "<br>"}], ids=str)
@pytest.mark.parametrize("specs", RUNS, ids=lambda specs: str(specs)[:120])
def test_runs_merged(specs: Any, kwargs: dict[str, Any]) -> None:
    mine = ours.merge_message_runs(messages(ours, specs), **kwargs)
    reference = theirs.merge_message_runs(messages(theirs, specs), **kwargs)
    left = [{**dump, "name": None} for dump in dumped(mine)]  # which the reference loses
    assert left == [{**dump, "name": None} for dump in dumped(reference)]


def words(given: list[Any]) -> int:
    return sum(len(message.text.split()) + 2 for message in given)


def tokens_of_blocks(given: list[Any]) -> int:
    return sum(6 + 4 * (1 if isinstance(message.content, str) else len(message.content)) for message in given)


def spaces(text: str) -> list[str]:
    *pieces, last = text.split(" ")
    return [*(f"{piece} " for piece in pieces), last]


TRIMS: list[dict[str, Any]] = [
    {"max_tokens": 3, "token_counter": len},
    {"max_tokens": 0, "token_counter": len},
    {"max_tokens": 100, "token_counter": len},
    {"max_tokens": 3, "token_counter": len, "strategy": "first"},
    {"max_tokens": 5, "token_counter": len, "start_on": "human"},
    {"max_tokens": 5, "token_counter": len, "start_on": "human", "include_system": True},
    {"max_tokens": 4, "token_counter": len, "include_system": True},
    {"max_tokens": 1, "token_counter": len, "include_system": True},
    {"max_tokens": 7, "token_counter": len, "end_on": "ai"},
    {"max_tokens": 7, "token_counter": len, "end_on": ["AIMessage", "tool"], "start_on": "HumanMessage"},
    {"max_tokens": 7, "token_counter": len, "end_on": "human", "strategy": "first"},
    {"max_tokens": 3, "token_counter": len, "end_on": "function"},
    {"max_tokens": 100, "token_counter": len, "end_on": "system", "strategy": "first"},
    {"max_tokens": 12, "token_counter": words},
    {"max_tokens": 12, "token_counter": words, "allow_partial": True, "text_splitter": spaces},
    {"max_tokens": 14, "token_counter": words, "allow_partial": True, "text_splitter": spaces, "include_system": True},
    {"max_tokens": 8, "token_counter": words, "allow_partial": True, "strategy": "first"},
    {"max_tokens": 7, "token_counter": words, "allow_partial": True, "strategy": "first", "text_splitter": spaces},
    {"max_tokens": 2, "token_counter": words, "allow_partial": True, "strategy": "first"},
    {"max_tokens": 10, "token_counter": tokens_of_blocks, "allow_partial": True},
    {"max_tokens": 34, "token_counter": tokens_of_blocks, "allow_partial": True},
    {"max_tokens": 68, "token_counter": tokens_of_blocks, "allow_partial": True, "strategy": "first"},
    {"max_tokens": 40, "token_counter": tokens_of_blocks, "allow_partial": True, "start_on": "human"},
    {"max_tokens": 40, "token_counter": "approximate"},
    {"max_tokens": 40, "token_counter": "approximate", "include_system": True, "start_on": "ai"},
]


@pytest.mark.parametrize(
    "kwargs", TRIMS, ids=lambda kwargs: str({k: getattr(v, "__name__", v) for k, v in kwargs.items()})
)
def test_trimmed(kwargs: dict[str, Any]) -> None:
    mine = ours.trim_messages(messages(ours), **with_classes(ours, kwargs))
    reference = theirs.trim_messages(messages(theirs), **with_classes(theirs, kwargs))
    assert dumped(mine) == dumped(reference)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"max_tokens": 3, "token_counter": "exact"},
        {"max_tokens": 3, "token_counter": 5},
        {"max_tokens": 3, "token_counter": len, "strategy": "middle"},
        {"max_tokens": 3, "token_counter": len, "strategy": "first", "start_on": "human"},
        {"max_tokens": 3, "token_counter": len, "strategy": "first", "include_system": True},
    ],
    ids=str,
)
def test_trimming_that_makes_no_sense_is_refused(kwargs: dict[str, Any]) -> None:
    for library in (ours, theirs):
        with pytest.raises(ValueError, match=r"shortcut|expected to be|Unrecognized strategy|only valid with"):
            library.trim_messages(messages(library), **kwargs)


def test_an_empty_conversation_stays_empty() -> None:
    for library in (ours, theirs):
        assert library.trim_messages([], max_tokens=3, token_counter=len, include_system=True) == []
        assert library.merge_message_runs([]) == library.filter_messages([]) == []
        assert library.convert_to_openai_messages([]) == []


IMAGE = "data:image/png;base64,iVBOR"
OPENAI: list[Any] = [
    "hi",
    "",
    [TEXT],
    ["a", "b"],
    [TEXT, {"type": "image_url", "image_url": {"url": IMAGE}}],
    [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}],
    [{"image": {"format": "png", "source": {"bytes": b"abc"}}}],
    [{"type": "media", "mime_type": "image/png", "data": b"abc"}],
    [{"type": "image", "url": "https://example.org/a.png"}],
    [{"type": "image", "base64": "iVBOR", "mime_type": "image/png"}],
    [{"type": "image", "source_type": "base64", "data": "iVBOR", "mime_type": "image/png"}],
    [{"type": "file", "base64": "JVBER", "mime_type": "application/pdf", "filename": "a.pdf"}],
    [{"type": "file", "file_id": "file-1"}],
    [{"type": "audio", "base64": "UklGR", "mime_type": "audio/wav"}],
    [{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBER"}}],
    [{"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBER", "filename": "a.pdf"}}],
    [{"type": "file", "file": {"file_id": "file-1"}}],
    [{"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}],
    [{"type": "tool_use", "id": "c1", "name": "f", "input": {"ü": 1}}],
    [{"type": "function_call", "call_id": "c9", "name": "f", "arguments": "{}"}],
    [{"type": "tool_result", "tool_use_id": "c1", "content": [TEXT], "is_error": True}],
    [TEXT, {"type": "tool_result", "tool_use_id": "c1", "content": "42"}],
    [{"type": "json", "json": {"a": 1}}],
    [{"json": [1]}],
    [{"type": "guard_content", "guard_content": {"text": {"text": "g"}}}],
    [{"guard_content": {"text": "g"}}],
    [{"type": "thinking", "thinking": "hm"}],
    [{"type": "reasoning", "summary": []}, TEXT],
    [{"type": "other", "x": 1}],
]


@pytest.mark.parametrize("kwargs", [{}, {"text_format": "block"}], ids=str)
@pytest.mark.parametrize("content", OPENAI, ids=lambda content: str(content)[:100])
def test_written_for_openai(content: Any, kwargs: dict[str, Any]) -> None:
    mine, reference = ours.AIMessage(content), theirs.AIMessage(content)
    before = mine.model_copy(deep=True)
    assert ours.convert_to_openai_messages([mine], **kwargs) == theirs.convert_to_openai_messages([reference], **kwargs)
    assert mine == before


def test_a_conversation_is_written_for_openai() -> None:
    specs = [
        *CONVERSATION,
        ("AIMessage", "no", {"additional_kwargs": {"refusal": "no"}}),
        ("SystemMessage", "be kind", {"additional_kwargs": {"__openai_role__": "developer"}}),
        ("ChatMessage", "hm", {"role": "robot"}),
        ("FunctionMessage", "42", {"name": "f"}),
    ]
    for kwargs in ({}, {"include_id": True}, {"text_format": "block", "include_id": True}):
        mine = ours.convert_to_openai_messages(messages(ours, specs), **kwargs)  # type: ignore[call-overload]
        assert mine == theirs.convert_to_openai_messages(messages(theirs, specs), **kwargs)
    assert ours.convert_to_openai_messages(("user", "hi")) == theirs.convert_to_openai_messages(("user", "hi"))  # type: ignore[call-overload]
    for single in ("hi", {"role": "user", "content": "hi"}):
        assert ours.convert_to_openai_messages(single) == theirs.convert_to_openai_messages(single)


UNREADABLE: list[dict[str, Any]] = [
    {"type": "text"},
    {"type": "image_url"},
    {"type": "image", "source": {"type": "base64"}},
    {"type": "image", "image": {"format": "png"}},
    {"type": "image"},
    {"type": "tool_use"},
    {"type": "tool_result"},
    {"type": "json"},
    {"type": "guard_content"},
    {"type": "media", "mime_type": "image/png"},
    {"type": "media", "mime_type": "audio/wav", "data": b""},
    {"type": "other"},
]


@pytest.mark.parametrize("part", UNREADABLE, ids=str)
def test_parts_that_openai_cannot_be_given_are_named(part: dict[str, Any]) -> None:
    said = []
    for library in (ours, theirs):
        with pytest.raises(ValueError, match=r"messages\[1\].content\[1\]|can only support text and image") as caught:
            library.convert_to_openai_messages(
                ["hi", library.AIMessage([TEXT, part])], text_format="block", pass_through_unknown_blocks=False
            )
        said.append(str(caught.value))
    assert said[0].partition("but")[0] == said[1].partition("but")[0]


XML: list[Any] = [
    "a < b & c",
    "",
    ["a", "", TEXT],
    [{"type": "image", "url": 'https://example.org/?a=1&b="2"'}, {"type": "image", "file_id": "f"}],
    [{"type": "image", "base64": "iVBOR", "mime_type": "image/png"}, {"type": "image", "url": IMAGE}],
    [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}],
    [{"type": "image_url", "image_url": {"url": IMAGE}}, {"type": "image_url"}],
    [{"type": "audio", "url": "https://example.org/a.mp3"}, {"type": "video", "file_id": "v"}],
    [{"type": "reasoning", "reasoning": "a<b"}, {"type": "reasoning"}],
    [{"type": "text-plain", "text": "x" * 700}],
    [{"type": "server_tool_call", "id": "s", "name": "search", "args": {"q": "y" * 600}}],
    [{"type": "server_tool_result", "tool_call_id": "s", "status": "success", "output": {"a": "é"}}],
    [{"type": "server_tool_result", "tool_call_id": None, "status": "error"}],
    [{"type": "unknown"}, {"no": "type"}],
]


@pytest.mark.parametrize("content", XML, ids=lambda content: str(content)[:100])
def test_written_as_xml(content: Any) -> None:
    for kwargs in ({}, {"tool_calls": [CALL, {**OTHER_CALL, "id": "x" * 80}]}):
        mine, reference = ours.AIMessage(content, **kwargs), theirs.AIMessage(content, **kwargs)
        assert ours.get_buffer_string([mine], format="xml") == theirs.get_buffer_string([reference], format="xml")


def test_a_conversation_is_written_as_text() -> None:
    function = {"additional_kwargs": {"function_call": {"name": 'f"', "arguments": "<{}>"}}}
    specs = [
        *CONVERSATION,
        ("AIMessage", "a", function),
        ("AIMessage", "b", {**function, "tool_calls": [CALL]}),
        ("ChatMessage", "hm", {"role": "Ro<bot"}),
        ("FunctionMessage", "42", {"name": "f"}),
    ]
    prefixes = {"system_prefix": "S", "function_prefix": "F", "tool_prefix": "T"}
    for kwargs in ({}, {"format": "xml"}, {**prefixes, "message_separator": " | "}, {**prefixes, "format": "xml"}):
        for given in ((), ("You", "Me")):
            mine = ours.get_buffer_string(messages(ours, specs), *given, **kwargs)
            assert mine == theirs.get_buffer_string(messages(theirs, specs), *given, **kwargs)


COUNTS: list[dict[str, Any]] = [
    {},
    {"chars_per_token": 2.5},
    {"extra_tokens_per_message": 0.4},
    {"count_name": False},
    {"tokens_per_image": 7},
    {"use_usage_metadata_scaling": True},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
]


@pytest.mark.parametrize("kwargs", COUNTS, ids=str)
def test_counted(kwargs: dict[str, Any]) -> None:
    openai = {"response_metadata": {"model_provider": "openai"}}
    images = [("HumanMessage", [TEXT, {"type": "image", "url": "u"}, {"type": "image_url"}, {"type": "x"}, "b"], {})]
    used = [*images, ("AIMessage", "hi", {"usage_metadata": USAGE, **openai}), ("AIMessage", "more", openai)]
    little = {"usage_metadata": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}
    for specs in (
        CONVERSATION,
        images,
        used,
        [*used, ("AIMessage", "of another", {"response_metadata": {"model_provider": "other"}})],
        [*used, ("AIMessage", "x" * 900, {**openai, **little})],
        [("AIMessage", "hi", {"usage_metadata": USAGE, **openai})],
    ):
        mine = ours.count_tokens_approximately(messages(ours, specs), **kwargs)
        assert mine == their_utils.count_tokens_approximately(messages(theirs, specs), **kwargs)


@pytest.mark.parametrize("data", [None, {}, {"a": 1}], ids=str)
def test_notifications(data: Any) -> None:
    made = []
    for library in (ours, theirs):
        first = library.HumanMessage("a", id="m", additional_kwargs={"lc_data": 1, "lc_source": 2, "x": 3})
        marked = library.add_notification_metadata(first, source="s", data=data)
        made.append((marked.model_dump(), first.model_dump(), library.get_notification_metadata(marked)))
        assert library.get_notification_metadata(first) is None
    assert made[0] == made[1]


DATA: list[tuple[dict[str, Any], str]] = [
    (block, api)
    for block in (
        {"type": "image", "url": "u"},
        {"type": "image", "base64": "b", "mime_type": "image/png"},
        {"type": "file", "base64": "b", "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}},
        {"type": "file", "source_type": "base64", "data": "b", "mime_type": "a/b", "metadata": {"filename": "a"}},
        {"type": "file", "source_type": "id", "id": "f"},
        {"type": "audio", "source_type": "base64", "data": "b", "mime_type": "audio/wav"},
    )
    for api in ("chat/completions", "responses")
]


@pytest.mark.parametrize(("block", "api"), DATA, ids=str)
def test_data_blocks_for_openai(block: dict[str, Any], api: Any) -> None:
    assert ours.convert_to_openai_data_block(block, api) == theirs.convert_to_openai_data_block(block, api)
    if block["type"] == "image":
        assert ours.convert_to_openai_image_block(block) == theirs.convert_to_openai_image_block(block)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": "b"},
        {"type": "image", "file_id": "f"},
        {"type": "file"},
        {"type": "file", "url": "u"},
        {"type": "audio", "url": "u"},
        {"type": "video", "url": "u"},
    ],
    ids=str,
)
def test_data_that_openai_does_not_take_is_refused(block: dict[str, Any]) -> None:
    for library in (ours, theirs):
        with pytest.raises(ValueError, match=r"required|Unsupported|support"):
            library.convert_to_openai_data_block(block)


def test_a_file_without_a_name_is_given_one_and_told_of() -> None:
    block = {"type": "file", "base64": "b", "mime_type": "application/pdf"}
    for library in (ours, theirs):
        with pytest.warns(UserWarning, match="filename"):
            assert library.convert_to_openai_data_block(block)["file"]["filename"] == "LC_AUTOGENERATED"
