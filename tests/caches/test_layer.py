"""Models with caches: what is asked once, and what is given again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from langchain_core.caches import InMemoryCache as TheirInMemoryCache
from langchain_core.language_models import GenericFakeChatModel as TheirGenericFakeChatModel
from langchain_core.messages import AIMessage as TheirAIMessage

from chatcore.caches import RETURN_VAL_TYPE, BaseCache, InMemoryCache, SQLiteCache
from chatcore.engine.limits import TokenBucket
from chatcore.errors import RateLimited
from chatcore.globals import set_llm_cache
from chatcore.language_models import FakeListChatModel, GenericFakeChatModel, ScriptedChatModel
from chatcore.language_models.fake_chat_models import Stall
from chatcore.messages import AIMessage, HumanMessage
from chatcore.model import BaseChatModel
from chatcore.outputs import ChatGeneration, ChatResult, Generation

USAGE: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
CALL: Any = {"name": "add", "args": {"a": 1}, "id": "1", "type": "tool_call"}


@pytest.fixture
def global_cache() -> Iterator[InMemoryCache]:
    cache = InMemoryCache()
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)


@pytest.fixture(params=["memory", "file"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> BaseCache:
    return InMemoryCache() if request.param == "memory" else SQLiteCache(tmp_path / "answers.db")


@pytest.mark.anyio
async def test_the_same_is_asked_once(cache: BaseCache) -> None:
    model = ScriptedChatModel(script=["one", "two"], cache=cache)
    assert [(await model.ainvoke("a")).text for _ in range(3)] == ["one"] * 3
    assert (await model.ainvoke([HumanMessage("a", id="7")])).text == "one"
    assert (await model.ainvoke("b")).text == "two"
    assert len(model.asked) == 2


def test_sync_calls_too(cache: BaseCache) -> None:
    model = ScriptedChatModel(script=["one", "two"], cache=cache)
    assert [model.invoke("a").text for _ in range(2)] == ["one"] * 2
    assert "".join(chunk.text for chunk in model.stream("a")) == "one"
    assert [answer.text for answer in model.batch(["a", "b"])] == ["one", "two"]


ANSWER = AIMessage(
    "Hello you",
    tool_calls=[CALL],
    invalid_tool_calls=[{"name": "f", "args": "{", "id": "2", "error": None, "type": "invalid_tool_call"}],
    usage_metadata=USAGE,
    response_metadata={"finish_reason": "stop"},
    additional_kwargs={"seen": ["a"]},
    id="answer",
)


@pytest.mark.anyio
async def test_an_answer_comes_back_whole_and_costs_nothing(cache: BaseCache) -> None:
    model = ScriptedChatModel(script=[ANSWER], cache=cache)
    first = await model.ainvoke("a")
    second = await model.ainvoke("a")
    assert second == first.model_copy(update={"usage_metadata": {**USAGE, "total_cost": 0}})
    async with model.astream("a") as stream:
        chunks = [chunk async for chunk in stream]
        assert await stream.result() == second
    assert [chunk.content for chunk in chunks] == ["Hello you"]
    assert chunks[-1].chunk_position == "last"
    assert chunks[0].tool_calls == ANSWER.tool_calls
    assert len(chunks[0].invalid_tool_calls) == 1
    assert len(model.asked) == 1


@pytest.mark.anyio
async def test_what_is_done_to_an_answer_is_not_done_to_what_is_kept() -> None:
    model = ScriptedChatModel(script=[ANSWER], cache=InMemoryCache())
    for _ in range(3):
        answer = await model.ainvoke("a")
        assert answer.additional_kwargs == {"seen": ["a"]}
        answer.additional_kwargs["seen"].append("b")
        answer.tool_calls.clear()
        answer.response_metadata["more"] = 1


@pytest.mark.anyio
async def test_a_stream_is_kept_when_it_has_ended(cache: BaseCache) -> None:
    model = ScriptedChatModel(script=[["Hel", "lo", CALL], "never"], cache=cache)
    async with model.astream("a") as stream:
        first = [chunk.text async for chunk in stream]
    assert "".join(first) == "Hello"
    assert len(first) > 1
    plain = await model.ainvoke("a")
    assert (plain.text, plain.tool_calls) == ("Hello", [CALL])
    assert "".join([chunk.text async for chunk in model.astream("a")]) == "Hello"
    assert len(model.asked) == 1


@pytest.mark.anyio
async def test_a_result_that_is_asked_of_a_stream_is_kept_too() -> None:
    model = ScriptedChatModel(script=[["Hel", "lo"]], cache=InMemoryCache())
    async with model.astream("a") as stream:
        assert (await stream.result()).text == "Hello"
    assert (await model.ainvoke("a")).text == "Hello"


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["left", "failed", "cancelled"])
async def test_a_part_of_a_stream_is_never_kept(way: str) -> None:
    stall = Stall()
    end: dict[str, list[Any]] = {
        "left": ["Hel", "lo"],
        "failed": ["Hel", RateLimited("slow down")],
        "cancelled": ["Hel", stall],
    }
    model = ScriptedChatModel(script=[end[way], "whole"], cache=InMemoryCache())

    async def read() -> None:
        async with model.astream("a") as stream:
            async for _ in stream:
                if way == "left":
                    break

    if way == "failed":
        with pytest.raises(Exception, match="slow down"):
            await read()
    elif way == "cancelled":
        with anyio.move_on_after(0.01):
            await read()
    else:
        await read()
    gc.collect()
    assert (await model.ainvoke("a")).text == "whole"


@pytest.mark.anyio
async def test_failures_are_not_kept_and_retries_are_below() -> None:
    model = ScriptedChatModel(script=[RateLimited("slow down"), "one"], cache=InMemoryCache())
    with pytest.raises(RateLimited):
        await model.ainvoke("a")
    assert (await model.ainvoke("a")).text == "one"
    assert (await model.with_retry().ainvoke("a")).text == "one"
    assert len(model.asked) == 2


@pytest.mark.anyio
async def test_settings_and_tools_make_another_question() -> None:
    model = ScriptedChatModel(script=[str(number) for number in range(9)], cache=InMemoryCache())

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    for asking in (model, model.bind(stop=["x"]), model.bind_tools([add]), model.bind_tools([add], tool_choice="add")):
        first = await asking.ainvoke("a")
        assert (await asking.ainvoke("a")).text == first.text
    assert len(model.asked) == 4


@pytest.mark.anyio
async def test_which_cache(global_cache: InMemoryCache) -> None:
    own = InMemoryCache()
    counts: dict[Any, int] = {}
    for name, cache in {"none": None, "true": True, "false": False, "own": own}.items():
        model = ScriptedChatModel(script=["one", "two"], cache=cache, name=name)
        model.script = [name, name]  # no part of what the model is known by
        await model.ainvoke(name)
        await model.ainvoke(name)
        counts[name] = len(model.asked)
    assert counts == {"none": 1, "true": 1, "false": 2, "own": 1}
    assert [len(kept._cache) for kept in (global_cache, own)] == [2, 1]


@pytest.mark.anyio
async def test_true_without_a_cache() -> None:
    model = ScriptedChatModel(script=["one"], cache=True)
    with pytest.raises(ValueError, match=r"Asked to cache, but no cache found.*set_llm_cache"):
        await model.ainvoke("a")
    with pytest.raises(ValueError, match="cache"):
        ScriptedChatModel(script=[], cache="memory")


@pytest.mark.anyio
async def test_a_limiter_is_not_asked_for_what_is_kept() -> None:
    bucket = TokenBucket(requests_per_minute=1, burst=1)
    model = ScriptedChatModel(script=["one"], cache=InMemoryCache(), rate_limiter=bucket)
    with anyio.fail_after(5):
        for _ in range(5):
            assert (await model.ainvoke("a")).text == "one"
            assert [chunk.text async for chunk in model.astream("a")]


@pytest.mark.anyio
async def test_generate_gives_what_is_kept() -> None:
    class Two(BaseChatModel):
        calls: int = 0

        @property
        def _llm_type(self) -> str:
            return "two"

        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            self.calls += 1
            answers = [AIMessage(text, usage_metadata=USAGE) for text in ("one", "other")]
            return ChatResult(
                generations=[
                    ChatGeneration(message=answer, generation_info={"finish_reason": "stop"}) for answer in answers
                ],
                llm_output={"token_usage": USAGE},
            )

    model = Two(cache=InMemoryCache())
    first = await model.agenerate([[HumanMessage("a")]])
    again = await model.agenerate([[HumanMessage("a")], [HumanMessage("a")]])
    assert [[answer.text for answer in answers] for answers in (*first.generations, *again.generations)] == [
        ["one", "other"]
    ] * 3
    assert again.generations[0][0].generation_info == {"finish_reason": "stop"}
    assert model.calls == 1


class Broken(InMemoryCache):
    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        raise OSError("disk full")


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_kept_is_given(caplog: pytest.LogCaptureFixture) -> None:
    model = ScriptedChatModel(script=["one"], cache=Broken())
    assert (await model.ainvoke("a")).text == "one"
    assert "Broken could not keep an answer" in caplog.text


@pytest.mark.anyio
async def test_answers_of_text_models_are_messages() -> None:
    class Old(InMemoryCache):
        async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
            return [Generation(text="kept", generation_info={"a": 1})]

    assert (await ScriptedChatModel(script=[], cache=Old()).ainvoke("a")).text == "kept"


# ------------------------------------------------------------------------------------------------------------ together


@pytest.mark.anyio
async def test_together_many_share_one_call() -> None:
    stall = Stall()
    model = ScriptedChatModel(script=[[stall, "one"]], cache=InMemoryCache(coalesce=True))
    answers: list[str] = []

    async def ask() -> None:
        answers.append((await model.ainvoke("a")).text)

    async def read() -> None:
        answers.append("".join([chunk.text async for chunk in model.astream("a")]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await _until(lambda: stall.reached)
        for _ in range(20):
            tasks.start_soon(ask)
            tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        stall.release()
    assert answers == ["one"] * 41
    assert len(model.asked) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["fails", "is cancelled"])
async def test_together_the_next_takes_over_when_the_first(way: str) -> None:
    stall, second = Stall(), Stall()
    model = ScriptedChatModel(
        script=[[stall, RateLimited("slow down")], [second, "one"]], cache=InMemoryCache(coalesce=True)
    )
    answers: list[str] = []
    failed: list[BaseException] = []
    scope = anyio.CancelScope()

    async def lead() -> None:
        with scope:
            try:
                await model.ainvoke("a")
            except RateLimited as error:
                failed.append(error)

    async def ask() -> None:
        answers.append((await model.ainvoke("a")).text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await _until(lambda: stall.reached)
        for _ in range(5):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        if way == "fails":
            stall.release()
        else:
            scope.cancel()
        await _until(lambda: second.reached)
        second.release()
    assert answers == ["one"] * 5
    assert len(failed) == (way == "fails")
    assert len(model.asked) == 2


@pytest.mark.anyio
async def test_together_a_stream_does_not_hold_up_others() -> None:
    model = ScriptedChatModel(script=[["on", "e"], "two"], cache=InMemoryCache(coalesce=True))
    async with model.astream("a") as stream:
        await anext(stream)
        assert (await model.ainvoke("a")).text == "two"


@pytest.mark.anyio
async def test_apart_each_asks_itself() -> None:
    stall = Stall()
    model = ScriptedChatModel(script=[[stall, str(number)] for number in range(3)], cache=InMemoryCache())
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(model.ainvoke, "a")
        await _until(lambda: len(model.asked) == 3)
        stall.release()


async def _until(condition: Any) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


# ------------------------------------------------------------------------------------------------------- the reference


@pytest.mark.parametrize("usage", [None, USAGE], ids=["no usage", "usage"])
def test_as_in_the_reference(usage: Any) -> None:
    def take(model: Any, message: Any, cache: Any) -> Any:
        talking = model(messages=iter([message(f"{n}", usage_metadata=usage, id="i") for n in range(3)]), cache=cache)
        asked = [talking.invoke(text) for text in ("a", "a", "b", "a")]
        return [(answer.content, answer.id, answer.usage_metadata) for answer in asked]

    ours = take(GenericFakeChatModel, AIMessage, InMemoryCache())
    theirs = take(TheirGenericFakeChatModel, TheirAIMessage, TheirInMemoryCache())
    if usage is None:
        # What cost nothing is known; how many tokens it had is not, and a usage without counts is none.
        theirs = [(content, id_, None) for content, id_, _ in theirs]
    assert ours == theirs


def test_a_list_of_answers_is_read_on_only_for_what_is_not_kept() -> None:
    model = FakeListChatModel(responses=["one", "two"], cache=InMemoryCache())
    assert [model.invoke(text).text for text in ("a", "a", "b", "a")] == ["one", "one", "two", "one"]


@pytest.mark.anyio
async def test_an_object_that_cannot_be_told_from_the_next_one_is_asked_about_anew(cache: BaseCache) -> None:
    model = ScriptedChatModel(script=["one", "two"], cache=cache)
    # Each is gone when the next one is made, and leaves it its place in memory.
    assert [(await model.ainvoke("a", thing=object())).text for _ in range(2)] == ["one", "two"]
