from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
    RunInfo,
)
from chatcore.outputs.chat_generation import build_generation_chunk, merge_chat_generation_chunks


def chunk(text: str, **info: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(text), generation_info=info or None)


def test_the_text_is_the_messages() -> None:
    assert ChatGeneration(message=AIMessage("a"), text="other").text == "a"
    assert ChatGeneration(message=AIMessage(["a", {"type": "text", "text": "b"}, {"type": "image"}])).text == "ab"
    assert ChatGeneration(message=HumanMessage("a")).text == "a"
    assert ChatGenerationChunk(message=AIMessageChunk(["a"])).text == "a"
    # Parts of langchain-core 0.x had no type.
    assert (
        ChatGeneration(
            message=AIMessage([{"text": "a"}, {"type": "text", "text": "b"}, {"type": "x", "text": "c"}])
        ).text
        == "ab"
    )


def test_chunks_join_one_by_one_and_all_at_once() -> None:
    chunks = [chunk("a"), chunk("b", finish_reason="stop"), chunk("c")]
    one_by_one = chunks[0] + chunks[1] + chunks[2]
    assert one_by_one == chunks[0] + chunks[1:] == merge_chat_generation_chunks(chunks)
    assert one_by_one.text == "abc"
    assert one_by_one.generation_info == {"finish_reason": "stop"}
    nothing: list[ChatGenerationChunk] = []
    assert chunk("a") + nothing == chunk("a")
    assert merge_chat_generation_chunks([]) is None
    assert merge_chat_generation_chunks(chunks[:1]) is chunks[0]
    assert GenerationChunk(text="a") + GenerationChunk(text="b") == GenerationChunk(text="ab")


@pytest.mark.parametrize(
    "other", ["b", AIMessageChunk("b"), [AIMessageChunk("b")], GenerationChunk(text="b")], ids=repr
)
def test_only_chunks_of_one_kind_join(other: object) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        chunk("a") + other
    if not isinstance(other, GenerationChunk):
        with pytest.raises(TypeError, match="unsupported operand"):
            GenerationChunk(text="a") + other


@pytest.mark.parametrize(
    ("kind", "fields", "word"),
    [
        (ChatGeneration, {}, "message\n  Field required"),
        (ChatGeneration, {"message": "a"}, "message"),
        (ChatGeneration, {"message": None}, "message"),
        (ChatGenerationChunk, {"message": AIMessage("a")}, "message"),
        (ChatGenerationChunk, {}, "message\n  Field required"),
        (ChatResult, {}, "generations\n  Field required"),
        (ChatResult, {"generations": [AIMessage("a")]}, "generations"),
        (ChatResult, {"generations": ChatGeneration(message=AIMessage("a"))}, "generations"),
        (ChatResult, {"generations": [], "llm_output": 5}, "llm_output"),
        (Generation, {}, "text"),
    ],
)
def test_wrong_fields_are_refused(kind: Any, fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        kind(**fields)


def test_a_result_of_chunks_is_validated_as_ever() -> None:
    result = ChatResult(generations=[chunk("a")], llm_output={"a": 1})
    assert result.generations[0].text == "a"
    assert result.llm_output == {"a": 1}
    assert ChatResult(generations=[]).generations == []


def test_flattened_usage_is_counted_once() -> None:
    generations = [[ChatGeneration(message=AIMessage(text))] for text in "ab"]
    output = {"token_usage": {"total_tokens": 5}, "model_name": "m"}
    first, second = LLMResult(generations=generations, llm_output=output).flatten()
    assert first.llm_output == output
    assert second.llm_output == {"token_usage": {}, "model_name": "m"}
    assert output["token_usage"] == {"total_tokens": 5}
    assert [part.llm_output for part in LLMResult(generations=generations).flatten()] == [None, None]


def test_results_are_equal_whoever_made_them() -> None:
    generations = [[ChatGeneration(message=AIMessage("a"))]]
    result = LLMResult(generations=generations)
    assert result == LLMResult(generations=generations, run=[RunInfo(run_id=UUID(int=1))])
    assert result != LLMResult(generations=generations, llm_output={"a": 1})
    assert result != generations
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)


@pytest.mark.parametrize("info", [None, {"finish_reason": "stop"}], ids=["no info", "info"])
@pytest.mark.parametrize("content", ["a", ["a", {"type": "text", "text": "b"}]], ids=["text", "parts"])
def test_a_built_chunk_is_as_a_validated_one(content: Any, info: dict[str, Any] | None) -> None:
    given: dict[str, Any] = {} if info is None else {"generation_info": info}
    built, made = (
        build_generation_chunk(AIMessageChunk(content), info),
        ChatGenerationChunk(message=AIMessageChunk(content), **given),
    )
    assert built == made
    assert built.model_fields_set == made.model_fields_set
    assert built.model_dump() == made.model_dump()
