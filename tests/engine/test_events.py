"""`astream_events`: prompt, filtered, closed at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import anyio
import pytest

from chatcore import AIMessageChunk, BaseChatModel, RunnableLambda
from chatcore.engine.events import EventFilter
from chatcore.errors import ChatCoreError, UnsupportedError
from chatcore.tools import tool

pytestmark = pytest.mark.anyio


class Model(BaseChatModel):
    chunks: int = 2

    @property
    def _llm_type(self) -> str:
        return "model"

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for index in range(self.chunks):
            yield AIMessageChunk(content=str(index))


async def names(events: Any) -> list[str]:
    return [f"{event['event']} {event['name']}" async for event in events]


async def test_events_of_a_stream() -> None:
    async with Model().astream_events("hi", {"tags": ["t"], "metadata": {"k": 1}}) as events:
        found = [event async for event in events]
    assert [event["event"] for event in found] == [
        "on_chat_model_start",
        *["on_chat_model_stream"] * 3,
        "on_chat_model_end",
    ]
    first, *_, last = found
    assert first["data"] == {"input": "hi"}
    assert last["data"]["output"].text == "01"
    assert all(event["tags"] == ["t"] and event["metadata"]["k"] == 1 for event in found)
    assert len({event["run_id"] for event in found}) == 1
    assert [event["parent_ids"] for event in found] == [[]] * 5


async def test_events_come_while_the_call_is_waiting() -> None:
    """A function that waits after its model has answered: the answer is there, though the function is not done."""
    model = Model()
    go_on = anyio.Event()

    async def ask(_: object) -> str:
        answer = await model.ainvoke("hi")
        await go_on.wait()
        return answer.text

    seen: list[str] = []
    with anyio.fail_after(5):
        async with RunnableLambda(ask).astream_events("x") as events:
            async for event in events:
                seen.append(event["event"])
                if event["event"] == "on_chat_model_end":
                    go_on.set()
    assert seen[-2:] == ["on_chain_stream", "on_chain_end"]


async def test_more_events_than_travel_together_keep_their_order() -> None:
    texts = [
        event["data"]["chunk"].text
        async for event in Model(chunks=5_000).astream_events("hi")
        if event["event"] == "on_chat_model_stream"
    ]
    assert texts == [*map(str, range(5_000)), ""]


async def test_leaving_early_cancels_the_call() -> None:
    ended = anyio.Event()

    async def wait(_: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with RunnableLambda(wait).astream_events("x") as events:
        async for _ in events:
            break
    assert ended.is_set()


async def test_an_error_is_raised_after_the_last_event() -> None:
    def fail(_: object) -> None:
        raise ValueError("no")

    seen: list[str] = []
    events = RunnableLambda(fail).astream_events("x")
    with pytest.raises(ValueError, match="no"):
        while True:
            seen.append((await anext(events))["event"])
    assert seen == ["on_chain_start"]


async def test_other_versions() -> None:
    with pytest.raises(UnsupportedError, match="version 'v2', not 'v1'"):
        Model().astream_events("hi", version="v1")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"include_names": ["ask"]}, ["ask"]),
        ({"include_types": ["chat_model"]}, ["Model"]),
        ({"include_tags": ["inner"]}, ["Model"]),
        ({"exclude_names": ["ask"]}, ["Model"]),
        ({"exclude_types": ["chat_model"]}, ["ask"]),
        ({"exclude_tags": ["inner"]}, ["ask"]),
        ({"include_names": ["ask", "Model"], "exclude_types": ["chain"]}, ["Model"]),
        ({"include_names": []}, list[str]()),
        ({}, ["Model", "ask"]),
    ],
    ids=str,
)
async def test_filters(wanted: dict[str, Any], expected: list[str]) -> None:
    model = Model().with_config(tags=["inner"])

    async def ask(_: object) -> str:
        return (await model.ainvoke("hi")).text

    async with RunnableLambda(ask).astream_events("x", **wanted) as events:
        assert sorted({event["name"] async for event in events}) == expected


def test_a_filter_by_itself() -> None:
    wanted = EventFilter(include_types=["tool"], exclude_tags=["quiet"])
    assert wanted.wants("any", "tool", [])
    assert not wanted.wants("any", "tool", ["quiet"])
    assert not wanted.wants("any", "chain", [])


def test_for_sync_code() -> None:
    with Model().stream_events("hi") as events:
        assert [event["event"] for event in events][-1] == "on_chat_model_end"


@pytest.mark.parametrize("blocking", [False, True], ids=["in a thread", "in the loop"])
async def test_events_of_another_loop(blocking: bool) -> None:
    """Sync verbs run in the portal's loop; their events come in this one, in their order, and nobody waits for ever."""
    model = Model(chunks=200)

    def ask(_: object) -> str:
        return model.invoke("hi").text[-3:]

    async def ask_and_block(given: object) -> str:
        return ask(given)

    function = RunnableLambda(ask_and_block if blocking else ask, name="ask")
    with anyio.fail_after(20):
        async with function.astream_events("hi") as events:
            found = [event async for event in events]
    assert [f"{event['event']} {event['name']}" for event in found] == [
        "on_chain_start ask",
        "on_chat_model_start Model",
        *["on_chat_model_stream Model"] * 201,
        "on_chat_model_end Model",
        "on_chain_stream ask",
        "on_chain_end ask",
    ]
    texts = [event["data"]["chunk"].text for event in found if event["event"] == "on_chat_model_stream"]
    assert texts == [*map(str, range(200)), ""]


@pytest.mark.parametrize("fails", [False, True])
async def test_events_of_another_loop_are_the_last_ones(fails: bool) -> None:
    """Nobody wants to know of the call itself, and the loop has had no turn since its model was done."""
    model = Model(chunks=3)

    async def ask(_: object) -> str:
        text = model.invoke("hi").text
        if fails:
            raise LookupError
        return text

    found: list[str] = []
    with anyio.fail_after(20), suppress(LookupError):
        async with RunnableLambda(ask).astream_events("hi", include_types=["chat_model"]) as events:
            async for event in events:
                found.append(event["event"])  # noqa: PERF401 - what came before a failure counts
    assert found == ["on_chat_model_start", *["on_chat_model_stream"] * 4, "on_chat_model_end"]


async def test_events_of_another_loop_and_a_reader_that_leaves() -> None:
    model = Model(chunks=200)
    function = RunnableLambda(lambda _: model.invoke("hi").text, name="ask")
    with anyio.fail_after(20):
        async with function.astream_events("hi") as events:
            async for event in events:
                if event["event"] == "on_chat_model_stream":
                    break
    assert event["data"]["chunk"].text == "0"


async def test_one_who_gives_up_while_the_reader_is_slow_takes_no_event_with_it() -> None:
    patience = anyio.CancelScope()

    async def impatient(_: object) -> str:
        with patience:
            async for _ in Model(chunks=5_000).astream("hi"):
                pass
        return "gave up"

    async with RunnableLambda(impatient).astream_events("hi") as events:
        first = await anext(events)
        # The call waits for its reader, then gives up, and goes on.
        await anyio.wait_all_tasks_blocked()
        patience.cancel()
        await anyio.wait_all_tasks_blocked()
        found = [first, *[event async for event in events]]
    assert [event["event"] for event in found if event["event"] != "on_chat_model_stream"] == [
        "on_chain_start",
        "on_chat_model_start",
        "on_chain_stream",
        "on_chain_end",
    ]
    texts = [event["data"]["chunk"].text for event in found if event["event"] == "on_chat_model_stream"]
    assert texts == [str(index) for index in range(len(texts))]


async def test_a_reader_that_leaves_does_not_turn_a_cancellation_into_a_failure() -> None:
    """What a tool that is cancelled tells of comes too late, and is nobody's error."""
    begun = anyio.Event()
    seen: list[BaseException] = []

    @tool
    async def endless(text: str) -> str:
        """Never done."""
        begun.set()
        await anyio.sleep_forever()
        return text

    async def call(text: str) -> str:
        try:
            return await endless.ainvoke({"text": text})
        except BaseException as error:
            seen.append(error)
            raise

    async with RunnableLambda(call).astream_events("hi") as events:
        await anext(events)
        await begun.wait()
    assert isinstance(seen[0], anyio.get_cancelled_exc_class())


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_call_that_ends_as_cancelled_by_itself_is_no_silent_end() -> None:
    async def wait(_: object) -> None:
        task = asyncio.create_task(asyncio.sleep(5))
        task.cancel()
        await task

    with pytest.raises(ChatCoreError, match="nobody cancelled it"):
        await names(RunnableLambda(wait).astream_events("hi"))
    with pytest.raises(ChatCoreError, match="nobody cancelled it"):
        async with RunnableLambda(wait).astream_events("hi") as events:
            await names(events)
