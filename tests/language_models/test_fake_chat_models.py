from __future__ import annotations

import threading
from itertools import cycle
from typing import Any

import anyio
import anyio.to_thread
import langchain_core.language_models.fake_chat_models as theirs_module
import langchain_core.messages as their_messages
import pytest

import chatcore.language_models.fake_chat_models as ours_module
import chatcore.messages as our_messages
from chatcore.language_models import FakeListChatModel, GenericFakeChatModel, ParrotFakeChatModel
from chatcore.language_models.fake_chat_models import FakeChatModel, FakeListChatModelError, FakeMessagesListChatModel
from chatcore.messages import AIMessage, HumanMessage

CALL = {"name": "add", "args": {"a": 1}, "id": "1", "type": "tool_call"}
FUNCTION_CALL = {"name": "move", "arguments": '{"from": "a", "to": "b"}', "when": 3}


def made(fakes: Any, messages: Any) -> dict[str, Any]:
    """The same fakes of either library."""
    ai = messages.AIMessage
    return {
        "list": fakes.FakeListChatModel(responses=["one", "two", "three"]),
        "list, failing": fakes.FakeListChatModel(responses=["one"], error_on_chunk_number=1),
        "messages": fakes.FakeMessagesListChatModel(
            responses=[ai("one", id="1"), messages.HumanMessage("two", id="2")]
        ),
        "fake": fakes.FakeChatModel(),
        "generic": fakes.GenericFakeChatModel(messages=cycle([ai("hello  you\n", id="1"), "and you"])),
        "generic, empty": fakes.GenericFakeChatModel(
            messages=cycle([ai("", id="1", additional_kwargs={"a": 1, "b": [2]})])
        ),
        "generic, function": fakes.GenericFakeChatModel(
            messages=cycle([ai("text", id="1", additional_kwargs={"function_call": FUNCTION_CALL})])
        ),
        "generic, tools": fakes.GenericFakeChatModel(messages=cycle([ai("x", id="1", tool_calls=[CALL])])),
        "parrot": fakes.ParrotFakeChatModel(),
    }


def shown(message: Any) -> Any:
    held = message.model_dump()
    # Ids that were made begin so; the empty chunk that marks an end has the answer's id here, and another one there.
    held["id"] = str(held["id"])[:6] if held["content"] or held["additional_kwargs"] else None
    return held


VERBS: dict[str, Any] = {
    "invoke": lambda model: [shown(model.invoke(text)) for text in "abcd"],
    "stream": lambda model: [[shown(chunk) for chunk in model.stream(text)] for text in "abcd"],
    "batch": lambda model: [shown(message) for message in model.batch(list("abcd"))],
    "generate": lambda model: [
        [(answer.text, answer.generation_info) for answer in answers]
        for text in "abcd"
        for answers in model.generate(_prompts(model, text)).generations
    ],
}


def _prompts(model: Any, text: str) -> Any:
    messages = their_messages if type(model).__module__.startswith("langchain") else our_messages
    return [[messages.HumanMessage(text)]]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", made(ours_module, our_messages))
def test_as_in_the_reference(kind: str, verb: str) -> None:
    def outcome(model: Any) -> Any:
        try:
            return VERBS[verb](model)
        except Exception as error:  # noqa: BLE001 - which one is compared
            return type(error).__name__

    ours = outcome(made(ours_module, our_messages)[kind])
    theirs = outcome(made(theirs_module, their_messages)[kind])
    assert ours == theirs


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["list", "messages", "fake", "generic", "parrot"])
async def test_async_gives_the_same(kind: str) -> None:
    model, other = (made(ours_module, our_messages)[kind] for _ in range(2))
    assert [shown(await model.ainvoke(text)) for text in "abcd"] == await anyio.to_thread.run_sync(
        VERBS["invoke"], other
    )


@pytest.mark.anyio
async def test_a_batch_is_answered_in_order() -> None:
    model = FakeListChatModel(responses=["a", "b", "c"], sleep=0.001)
    for _ in range(3):
        assert [message.text for message in await model.abatch(["1", "2", "3"])] == ["a", "b", "c"]
        configs: Any = [{"tags": ["x"]}, {}, {}]
        assert [message.text for message in await model.abatch(["1", "2", "3"], configs)] == ["a", "b", "c"]


@pytest.mark.anyio
async def test_a_failing_chunk() -> None:
    with pytest.raises(FakeListChatModelError):
        async with FakeListChatModel(responses=["abc"], error_on_chunk_number=1).astream("x") as stream:
            assert (await anext(stream)).content == "a"
            await anext(stream)


@pytest.mark.parametrize("verb", ["ainvoke", "astream"])
@pytest.mark.anyio
async def test_sleeping_can_be_cancelled(verb: str) -> None:
    for model in (
        FakeListChatModel(responses=["a"], sleep=600),
        FakeMessagesListChatModel(responses=[AIMessage("a")], sleep=600),
    ):
        with anyio.move_on_after(0.01) as scope:
            if verb == "ainvoke":
                await model.ainvoke("x")
            else:
                await anext(model.astream("x"))
        assert scope.cancelled_caught


@pytest.mark.anyio
async def test_what_a_subclass_overrides_is_used_and_in_a_thread() -> None:
    seen: set[int] = set()

    class List(FakeListChatModel):
        def _call(self, *args: Any, **kwargs: Any) -> str:
            seen.add(threading.get_ident())
            return super()._call(*args, **kwargs).upper()

    class Messages(FakeMessagesListChatModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            seen.add(threading.get_ident())
            return super()._generate(*args, **kwargs)

    class Generic(GenericFakeChatModel):
        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            seen.add(threading.get_ident())
            return super()._generate(*args, **kwargs)

    assert (await List(responses=["a"]).ainvoke("x")).text == "A"
    assert (await Messages(responses=[AIMessage("a")], sleep=0.001).ainvoke("x")).text == "a"
    assert (await Generic(messages=iter(["a"])).ainvoke("x")).text == "a"
    assert seen
    assert threading.get_ident() not in seen


def test_sync_code_sleeps_too() -> None:
    model = FakeListChatModel(responses=["ab"], sleep=0.001)
    assert model._call() == "ab"
    assert [chunk.text for chunk in model._stream([])] == ["a", "b"]


@pytest.mark.anyio
async def test_an_iterator_that_has_ended() -> None:
    model = GenericFakeChatModel(messages=iter(["one"]))
    await model.ainvoke("x")
    with pytest.raises(ValueError, match=r"have come to their end.*itertools\.cycle"):
        await model.ainvoke("x")


@pytest.mark.anyio
async def test_what_cannot_be_streamed_by_words() -> None:
    with pytest.raises(ValueError, match="Only an AIMessage with text"):
        await anext(GenericFakeChatModel(messages=iter([AIMessage([{"type": "text", "text": "a"}])])).astream("x"))


@pytest.mark.anyio
async def test_a_parrot_leaves_what_it_hears_alone() -> None:
    heard = HumanMessage("a")
    answer = await ParrotFakeChatModel().ainvoke([heard])
    assert answer.content == "a"
    assert answer.id
    assert heard.id is None


def test_kinds() -> None:
    assert FakeChatModel()._identifying_params == {"key": "fake"}
    assert {model._llm_type for model in made(ours_module, our_messages).values()} == {
        model._llm_type for model in made(theirs_module, their_messages).values()
    }
