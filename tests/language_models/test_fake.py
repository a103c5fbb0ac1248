"""Text fakes: the same answers as the reference's, in chains and by themselves."""

from __future__ import annotations

from typing import Any

import langchain_core.language_models.fake as theirs
import langchain_core.messages as their_messages
import langchain_core.prompts as their_prompts
import pytest

import chatcore.language_models.fake as ours
import chatcore.messages as our_messages
import chatcore.prompts as our_prompts
from chatcore.language_models import FakeListLLM, FakeStreamingListLLM

SIDES = [(ours, our_messages, our_prompts), (theirs, their_messages, their_prompts)]


def _told(call: Any) -> Any:
    told: list[Any] = []
    for fakes, messages, prompts in SIDES:
        try:
            told.append(call(fakes, messages, prompts))
        except Exception as error:  # noqa: BLE001 - compared by name
            told.append(type(error).__name__)
    return told


CALLS = {
    "in order, and again": lambda f, _m, _p: [f.FakeListLLM(responses=["a", "b"]).batch(["x"] * 3)],
    "whole, if streamed": lambda f, _m, _p: list(f.FakeListLLM(responses=["ab"]).stream("x")),
    "a character at a time": lambda f, _m, _p: list(f.FakeStreamingListLLM(responses=["abc"]).stream("x")),
    "nothing to stream": lambda f, _m, _p: "".join(f.FakeStreamingListLLM(responses=[""]).stream("x")),
    "an error in the middle": lambda f, _m, _p: list(
        f.FakeStreamingListLLM(responses=["abc"], error_on_chunk_number=1).stream("x")
    ),
    "no error, if whole": lambda f, _m, _p: f.FakeStreamingListLLM(responses=["abc"], error_on_chunk_number=1).invoke(
        "x"
    ),
    "no such text": lambda f, _m, _p: f.FakeListLLM(responses=["a"], i=1).invoke("x"),
    "a list of messages": lambda f, m, _p: f.FakeListLLM(responses=["a"]).invoke([m.HumanMessage("x")]),
    "after a prompt": lambda f, _m, p: list(
        (p.ChatPromptTemplate.from_template("{q}") | f.FakeStreamingListLLM(responses=["ab"])).stream({"q": "x"})
    ),
    "a number": lambda f, _m, _p: f.FakeListLLM(responses=["a"]).invoke(3),
    "fallbacks": lambda f, _m, _p: (
        f.FakeListLLM(responses=["a"], i=1).with_fallbacks([f.FakeListLLM(responses=["b"])]).invoke("x")
    ),
    "its settings are taken": lambda f, _m, _p: f.FakeListLLM(responses=["a"]).bind(stop=["a"]).invoke("x"),
    "what tells it": lambda f, _m, _p: f.FakeListLLM(responses=["a"]).asdict(),
}


@pytest.mark.parametrize("name", CALLS)
def test_as_the_reference(name: str) -> None:
    mine, wanted = _told(CALLS[name])
    assert mine == ("InvalidInputError" if name == "a number" else wanted)


@pytest.mark.anyio
async def test_async() -> None:
    model = FakeStreamingListLLM(responses=["ab", "c"], sleep=0)
    assert [chunk async for chunk in model.astream("x")] == ["a", "b"]
    assert await model.ainvoke("x") == "c"
    assert model.i == 0


@pytest.mark.anyio
async def test_a_stream_can_be_left() -> None:
    async with FakeStreamingListLLM(responses=["ab"]).astream("x") as chunks:
        assert await anext(chunks) == "a"


def test_schemas() -> None:
    model = FakeListLLM(responses=["a"])
    assert model.OutputType is str
    assert model.get_output_jsonschema() == {"title": "FakeListLLMOutput", "type": "string"}
