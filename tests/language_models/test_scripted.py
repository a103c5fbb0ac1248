from __future__ import annotations

import threading
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from chatcore.errors import RateLimited, StreamInterrupted
from chatcore.language_models import ScriptedChatModel
from chatcore.language_models.fake_chat_models import Asked, Stall
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage

CALL: Any = {"name": "add", "args": {"a": 1}, "id": "1", "type": "tool_call"}
USAGE: Any = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}

STEPS: dict[str, tuple[Any, str, list[Any]]] = {
    "a text": ("Hello", "Hello", []),
    "chunks": (["Hel", "lo"], "Hello", []),
    "a message": (AIMessage("Hello", tool_calls=[CALL], usage_metadata=USAGE), "Hello", [CALL]),
    "a tool call": (CALL, "", [CALL]),
    "a call without an id": ({"name": "now"}, "", [{"name": "now", "args": {}, "id": "call_1", "type": "tool_call"}]),
    "text, then calls": (["Hello", CALL, {**CALL, "id": "2"}], "Hello", [CALL, {**CALL, "id": "2"}]),
    "a chunk": ([AIMessageChunk("Hel"), "lo"], "Hello", []),
    "a message among parts": (["Well. ", AIMessage("Hello", tool_calls=[CALL])], "Well. Hello", [CALL]),
    "a function": (lambda messages: messages[-1].text.upper(), "ASKED", []),
    "nothing": ([], "", []),
}


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.anyio
async def test_steps(case: str) -> None:
    step, text, calls = STEPS[case]
    model = ScriptedChatModel(script=[step], repeat=True)
    for _ in range(2):
        answer = await model.ainvoke("asked")
        assert (answer.text, answer.tool_calls) == (text, calls)
        async with model.astream("asked") as stream:
            streamed = await stream.result()
        assert (streamed.text, streamed.tool_calls) == (text, calls)
        assert streamed.usage_metadata == answer.usage_metadata


@pytest.mark.anyio
async def test_arguments_that_are_no_json() -> None:
    answer = await ScriptedChatModel(script=[{"name": "add", "args": '{"a": '}]).ainvoke("x")
    assert [call["args"] for call in answer.invalid_tool_calls] == ['{"a": ']


@pytest.mark.anyio
async def test_errors_on_cue() -> None:
    model = ScriptedChatModel(script=[RateLimited("slow down"), TimeoutError, ["Hel", StreamInterrupted("cut off")]])
    with pytest.raises(RateLimited):
        await model.ainvoke("x")
    with pytest.raises(TimeoutError):
        await model.ainvoke("x")
    read: list[str] = []
    with pytest.raises(StreamInterrupted):
        async for chunk in model.astream("x"):
            read.append(chunk.text)  # noqa: PERF401 - what came before the error
    assert read == ["Hel"]


@pytest.mark.anyio
async def test_retries_and_tools_read_on_in_the_same_script() -> None:
    def add(a: int) -> int:
        """Add."""
        return a

    model = ScriptedChatModel(script=[RateLimited("slow down", retry_after=0), CALL, "done"])
    asking = model.bind_tools([add]).with_retry()
    assert (await asking.ainvoke("x", stop=["y"])).tool_calls == [CALL]
    assert (await model.ainvoke([SystemMessage("s"), HumanMessage("h")])).text == "done"
    assert [asked.settings.get("stop") for asked in model.asked] == [["y"], ["y"], None]
    assert model.asked[0].settings["tools"][0]["function"]["name"] == "add"
    assert model.asked[2] == Asked([SystemMessage("s"), HumanMessage("h")], {}, streamed=False)


@pytest.mark.anyio
async def test_the_end_of_a_script() -> None:
    model = ScriptedChatModel(script=["one"])
    await model.ainvoke("x")
    with pytest.raises(ValueError, match=r"has 1 steps, and this is call 2\..*repeat=True"):
        await model.ainvoke("x")
    with pytest.raises(ValueError, match="has 0 steps"):
        await ScriptedChatModel(script=[], repeat=True).ainvoke("x")


@pytest.mark.anyio
async def test_what_a_script_may_hold() -> None:
    with pytest.raises(ValueError, match="A script has texts"):
        await ScriptedChatModel(script=[3]).ainvoke("x")


@pytest.mark.parametrize("where", ["here", "another thread"])
@pytest.mark.anyio
async def test_a_stall_waits_until_it_is_released(where: str) -> None:
    stall = Stall()
    model = ScriptedChatModel(script=[["Hel", stall, "lo"]], repeat=True)
    read: list[str] = []

    async def ask() -> None:
        read.extend([chunk.text async for chunk in model.astream("x") if chunk.text])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        with anyio.fail_after(5):
            while not stall.reached:
                await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert read == []
        if where == "here":
            stall.release()
        else:
            thread = threading.Thread(target=stall.release)
            thread.start()
            thread.join()
    assert read == ["Hel", "lo"]
    # Who comes later is not held up.
    with anyio.fail_after(5):
        await model.ainvoke("x")


@pytest.mark.anyio
async def test_a_stall_for_some_time() -> None:
    model = ScriptedChatModel(script=[[Stall(0.001), "one"], [Stall(600), "never"]])
    assert (await model.ainvoke("x")).text == "one"
    with anyio.move_on_after(0.01) as scope:
        await model.ainvoke("x")
    assert scope.cancelled_caught


def test_sync_code_has_it_too() -> None:
    model = ScriptedChatModel(script=[["Hel", Stall(0), "lo"]], repeat=True)
    assert model.invoke("x").text == "Hello"
    assert [chunk.text for chunk in model.stream("x") if chunk.text] == ["Hel", "lo"]
    assert [asked.streamed for asked in model.asked] == [False, True]
