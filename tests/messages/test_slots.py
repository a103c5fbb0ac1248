"""What skips validation must be what validation would have made."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from chatcore.messages import (
    Accumulator,
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    message_chunk_to_message,
)
from chatcore.messages.ai import build_chunk, build_message
from chatcore.messages.tool import tool_call_chunk
from chatcore.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


def validated(kind: type[BaseModel], **fields: Any) -> Any:
    """An instance made by pydantic alone, whatever the class's own constructor does."""
    instance = kind.__new__(kind)
    BaseModel.__init__(instance, **fields)
    return instance


def assert_alike(fast: Any, slow: Any) -> None:
    assert fast == slow
    assert slow == fast
    assert type(fast) is type(slow)
    assert list(fast.__dict__) == list(slow.__dict__)
    assert fast.model_fields_set == slow.model_fields_set
    assert fast.__pydantic_extra__ == slow.__pydantic_extra__
    assert fast.__pydantic_private__ == slow.__pydantic_private__
    assert repr(fast) == repr(slow)
    assert fast.model_dump() == slow.model_dump()
    assert fast.model_dump_json(exclude_unset=True) == slow.model_dump_json(exclude_unset=True)
    for again in (
        copy.copy(fast),
        copy.deepcopy(fast),
        pickle.loads(pickle.dumps(fast)),  # noqa: S301 - made here
        fast.model_copy(deep=True),
    ):
        assert again == slow
    if isinstance(fast, BaseMessage):
        assert type(fast).model_validate(fast.model_dump()) == slow
    assert fast.model_copy(deep=True).model_fields_set == slow.model_fields_set


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, AIMessageChunk])
@given(content=st.text())
def test_a_message_of_a_string(kind: type[BaseMessage], content: str) -> None:
    assert_alike(kind(content), validated(kind, content=content))
    assert_alike(kind(content=content), validated(kind, content=content))


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, AIMessageChunk])
def test_fields_set_later_behave_as_ever(kind: type[BaseMessage]) -> None:
    fast, slow = kind("a"), validated(kind, content="a")
    for message in (fast, slow):
        message.id = "m1"
        message.colour = "red"
        message.additional_kwargs["x"] = 1
    assert_alike(fast, slow)
    assert fast.model_extra == {"colour": "red"}


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, AIMessageChunk])
def test_nothing_mutable_is_shared(kind: type[BaseMessage]) -> None:
    first, second = kind("a"), kind("a")
    mutable = [value for value in first.__dict__.values() if isinstance(value, dict | list)]
    assert len({id(value) for value in mutable}) == len(mutable)
    for name, value in first.__dict__.items():
        if isinstance(value, dict | list):
            assert value is not second.__dict__[name]
    assert first.model_fields_set is not second.model_fields_set
    first.spare = 1
    assert second.model_extra == {}


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, AIMessageChunk])
@pytest.mark.parametrize("content", [None, 5, b"\xff", {"a": 1}, [5]], ids=str)
def test_what_is_no_string_is_validated(kind: type[BaseMessage], content: Any) -> None:
    with pytest.raises(ValueError, match="content"):
        kind(content)


class Shout(str):
    __slots__ = ()


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, AIMessageChunk])
def test_subclasses_are_validated(kind: type[BaseMessage]) -> None:
    assert kind(Shout("a")).content == "a"

    class Own(kind):  # type: ignore[misc, valid-type]
        mood: str = "calm"

    assert Own("a").mood == "calm"
    assert Own("a").model_dump()["content"] == "a"


USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "output_token_details": {"reasoning": 1}}
extras = st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2)
deltas = st.lists(
    st.builds(
        tool_call_chunk,
        name=st.sampled_from([None, "f"]),
        args=st.sampled_from([None, "", "{}", '{"a": 1', "nonsense"]),
        id=st.sampled_from([None, "c1"]),
        index=st.sampled_from([None, 0]),
    ),
    max_size=2,
)


@given(
    content=st.one_of(st.text(max_size=3), st.just([{"type": "text", "text": "a"}])),
    id=st.sampled_from([None, "m1"]),
    name=st.sampled_from([None, "ann"]),
    additional_kwargs=extras,
    response_metadata=extras,
    tool_call_chunks=deltas,
    usage_metadata=st.sampled_from([None, USAGE]),
    chunk_position=st.sampled_from([None, "last"]),
)
def test_a_chunk_that_a_codec_builds(**fields: Any) -> None:
    assert_alike(build_chunk(**copy.deepcopy(fields)), AIMessageChunk(**fields, tool_calls=[], invalid_tool_calls=[]))


def test_a_chunk_built_of_nothing_shares_nothing() -> None:
    first, second = build_chunk(), build_chunk()
    assert first == AIMessageChunk("")
    mutable = [value for value in first.__dict__.values() if isinstance(value, dict | list)]
    assert len({id(value) for value in mutable}) == len(mutable)
    for name, value in first.__dict__.items():
        if isinstance(value, dict | list):
            assert value is not second.__dict__[name]


@given(
    content=st.text(max_size=3),
    id=st.sampled_from([None, "m1"]),
    name=st.sampled_from([None, "ann"]),
    additional_kwargs=extras,
    response_metadata=extras,
    tool_calls=st.sampled_from([[], [{"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}]]),
    invalid_tool_calls=st.sampled_from(
        [[], [{"type": "invalid_tool_call", "id": "c1", "name": "f", "args": "{", "error": None}]]
    ),
    usage_metadata=st.sampled_from([None, USAGE]),
)
def test_a_message_that_a_codec_builds(**fields: Any) -> None:
    assert_alike(build_message(**copy.deepcopy(fields)), AIMessage(**fields))


def test_a_message_built_of_nothing() -> None:
    assert build_message() == AIMessage("")
    assert build_message().tool_calls is not build_message().tool_calls


@given(text=st.text())
def test_generations(text: str) -> None:
    assert_alike(ChatGeneration(message=AIMessage(text)), validated(ChatGeneration, message=AIMessage(text)))
    chunk = AIMessageChunk(text)
    assert_alike(ChatGenerationChunk(message=chunk), validated(ChatGenerationChunk, message=chunk))
    generations = [ChatGeneration(message=AIMessage(text))]
    result = ChatResult(generations=generations)
    assert_alike(result, validated(ChatResult, generations=generations))
    assert result.generations is not generations
    assert result.generations[0] is generations[0]


class Holder(BaseModel):
    chunks: list[AIMessageChunk]


TOOL_FIELDS = {
    "content": "",
    "id": "m1",
    "tool_call_chunks": [tool_call_chunk(name="f", args='{"a": "b', id="c1", index=0), tool_call_chunk(args="x")],
}
LOOKS: dict[str, Callable[[AIMessageChunk], Any]] = {
    "tool_calls": lambda chunk: chunk.tool_calls,
    "invalid_tool_calls": lambda chunk: chunk.invalid_tool_calls,
    "getattr": lambda chunk: getattr(chunk, "tool_calls", None),
    "equal": lambda chunk: chunk == AIMessageChunk(**TOOL_FIELDS),
    "equal from the right": lambda chunk: AIMessageChunk(**TOOL_FIELDS) == chunk,
    "dump": lambda chunk: chunk.model_dump(),
    "dump in order": lambda chunk: list(chunk.model_dump()),
    "dump of json": lambda chunk: chunk.model_dump_json(),
    "dump of some": lambda chunk: chunk.model_dump(include={"tool_calls"}),
    "dump inside another": lambda chunk: ChatGenerationChunk(message=chunk).model_dump(),
    "dump inside a field": lambda chunk: Holder(chunks=[chunk]).model_dump_json(),
    "dump by an adapter": lambda chunk: TypeAdapter(AIMessageChunk).dump_python(chunk),
    "validate": lambda chunk: TypeAdapter(AnyMessage).validate_python(chunk),
    "vars": vars,
    "iteration": list,
    "repr": repr,
    "pretty": lambda chunk: chunk.pretty_repr(),
    "blocks": lambda chunk: chunk.content_blocks,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "model copy": lambda chunk: chunk.model_copy(update={"id": "m2"}),
    "pickle": lambda chunk: pickle.loads(pickle.dumps(chunk)),  # noqa: S301 - made here
    "fields set": lambda chunk: chunk.model_fields_set >= {"tool_calls", "tool_call_chunks"},
    "construct": lambda chunk: AIMessageChunk.model_construct(**vars(chunk)),
    "sum": lambda chunk: chunk + AIMessageChunk("a"),
    "message": message_chunk_to_message,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_tool_calls_that_are_read_late_are_there_for_whoever_looks(look: Callable[[AIMessageChunk], Any]) -> None:
    validated_chunk = AIMessageChunk(**TOOL_FIELDS, tool_calls=[], name=None)
    assert look(build_chunk(**copy.deepcopy(TOOL_FIELDS))) == look(validated_chunk) or look is LOOKS["fields set"]


def test_setting_a_field_keeps_the_tool_calls() -> None:
    chunk = build_chunk(**copy.deepcopy(TOOL_FIELDS))
    chunk.id = "m2"
    chunk.colour = "red"  # type: ignore[attr-defined]
    assert chunk.model_dump() == {**AIMessageChunk(**TOOL_FIELDS).model_dump(), "id": "m2", "colour": "red"}
    chunk = build_chunk(**copy.deepcopy(TOOL_FIELDS))
    chunk.tool_calls = []
    assert chunk.tool_calls == []
    assert len(chunk.invalid_tool_calls) == 1


def test_what_is_not_there_is_missed_as_ever() -> None:
    with pytest.raises(AttributeError, match="colour"):
        _ = build_chunk(**copy.deepcopy(TOOL_FIELDS)).colour  # type: ignore[attr-defined]


def test_chunks_and_sums_that_nobody_looks_into_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str, **_: Any) -> Any:
        raise AssertionError(text)

    monkeypatch.setattr("chatcore.messages._tool_calls.from_json", fail)
    chunk = build_chunk(**copy.deepcopy(TOOL_FIELDS))
    joined = chunk + build_chunk("", tool_call_chunks=[tool_call_chunk(args='"}', index=0)], chunk_position="last")
    assert joined.content == ""
    assert joined.tool_call_chunks[0]["args"] == '{"a": "bx"}'  # type: ignore[attr-defined]
    with pytest.raises(AssertionError):
        _ = joined.tool_calls  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", ["additional_kwargs", "response_metadata", "tool_call_chunks"])
def test_what_is_empty_in_a_built_chunk_is_its_own(field: str) -> None:
    chunk, other = build_chunk("a"), build_chunk("a")
    value = getattr(chunk, field)
    assert not value
    assert getattr(chunk, field) is value
    assert getattr(other, field) is not value
    assert list(vars(chunk)) == list(vars(AIMessageChunk("a")))
    assert chunk == other == AIMessageChunk("a")


def test_what_is_put_into_an_empty_field_of_a_built_chunk_stays() -> None:
    chunk = build_chunk("a", id="i")
    chunk.response_metadata["finish_reason"] = "stop"
    chunk.additional_kwargs = {"a": 1}
    assert (
        chunk.model_dump()
        == AIMessageChunk(
            "a", id="i", response_metadata={"finish_reason": "stop"}, additional_kwargs={"a": 1}
        ).model_dump()
    )
    parts = Accumulator()
    parts.add(chunk)
    assert parts.message().response_metadata == {"finish_reason": "stop"}
    assert parts.message().additional_kwargs == {"a": 1}
