"""What listeners are told, in which order, and when."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from chatcore import AIMessageChunk, BaseChatModel, RunnableGenerator, RunnableLambda
from chatcore.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from chatcore.engine import runs
from chatcore.engine.following import report
from chatcore.engine.runs import Run
from chatcore.output_parsers import StrOutputParser

pytestmark = pytest.mark.anyio


class Spy:
    """A listener that writes down what it is told."""

    def __init__(self, *, wants_chunks: bool = False) -> None:
        self.wants_chunks = wants_chunks
        self.told: list[tuple[str, str]] = []
        self.runs: list[Run] = []

    async def started(self, run: Run) -> None:
        self.runs.append(run)
        self.told.append(("start", run.name))

    async def chunk(self, run: Run, chunk: Any) -> None:
        self.told.append((f"chunk {getattr(chunk, 'text', chunk)}", run.name))

    async def ended(self, run: Run, output: Any) -> None:
        self.told.append((f"end {getattr(output, 'text', output)}", run.name))

    async def failed(self, run: Run, error: BaseException) -> None:
        self.told.append((f"failed {type(error).__name__}", run.name))

    async def custom(self, run: Run, name: str, data: Any) -> None:
        self.told.append((f"custom {name}", run.name))


class Model(BaseChatModel):
    fails: bool = False

    @property
    def _llm_type(self) -> str:
        return "model"

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        yield AIMessageChunk(content="a")
        if self.fails:
            raise OSError("cut")
        yield AIMessageChunk(content="b", chunk_position="last")


class Endless(Model):
    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        yield AIMessageChunk(content="a")
        await anyio.sleep_forever()


async def shout(chunks: Any) -> Any:
    async for chunk in chunks:
        yield chunk.text.upper()


async def test_a_plain_call() -> None:
    spy = Spy()
    await Model().ainvoke("hi", {"callbacks": [spy]})
    assert spy.told == [("start", "Model"), ("chunk a", "Model"), ("chunk b", "Model"), ("end ab", "Model")]


async def test_a_stream_begins_and_ends_with_its_steps() -> None:
    spy = Spy()
    chain = Model() | RunnableGenerator(shout)
    chunks = [chunk async for chunk in chain.astream("hi", {"callbacks": [spy], "run_name": "all"})]
    assert chunks == ["A", "B"]
    assert spy.told == [
        ("start", "all"),
        ("start", "Model"),
        ("chunk a", "Model"),
        # It reads chunks: there had to be one first.
        ("start", "shout"),
        ("chunk A", "shout"),
        ("chunk A", "all"),
        ("chunk b", "Model"),
        ("chunk B", "shout"),
        ("chunk B", "all"),
        ("end ab", "Model"),
        ("end AB", "shout"),
        ("end AB", "all"),
    ]
    outer, model, shouting = spy.runs
    assert [run.parent_ids for run in spy.runs] == [(), (outer.id,), (outer.id,)]
    assert (model.tags, shouting.tags) == (["seq:step:1"], ["seq:step:2"])
    assert shouting.inputs.text == "ab"


async def test_a_step_that_reads_chunks_tells_what_the_whole_before_it_is() -> None:
    """Of a call that is not streamed it is known when the step begins, as for any other step."""
    seen: list[Any] = []

    class Early(Spy):
        async def started(self, run: Run) -> None:
            seen.append(getattr(run.inputs, "text", run.inputs))

    chain = Model() | RunnableGenerator(shout) | StrOutputParser()
    assert await chain.ainvoke("hi", {"callbacks": [Early()]}) == "AB"
    assert seen[0] == "hi"
    assert seen[2:] == ["ab", "AB"]


async def test_a_failure_goes_from_the_inside_out() -> None:
    spy = Spy()
    chain = Model(fails=True) | RunnableGenerator(shout)
    with pytest.raises(OSError, match="cut"):
        await chain.astream("hi", {"callbacks": [spy], "run_name": "all"}).result()
    assert [told for told in spy.told if told[0].startswith("failed")] == [
        ("failed OSError", "Model"),
        ("failed OSError", "shout"),
        ("failed OSError", "all"),
    ]


async def test_a_reader_that_leaves_early() -> None:
    spy = Spy()
    async with Model().astream("hi", {"callbacks": [spy]}) as chunks:
        async for _ in chunks:
            break
    assert spy.told[-1] == ("failed GeneratorExit", "Model")
    assert spy.runs[0].partial.text == "a"


async def test_a_cancelled_call_ends_as_cancelled() -> None:
    spy = Spy()
    reached = anyio.Event()

    async def wait(_: object) -> None:
        reached.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(RunnableLambda(wait).ainvoke, "hi", {"callbacks": [spy]})
        await reached.wait()
        tasks.cancel_scope.cancel()
    assert spy.told == [("start", "wait"), (f"failed {anyio.get_cancelled_exc_class().__name__}", "wait")]


async def test_siblings_keep_their_parents() -> None:
    spy = Spy()
    model = Model()

    async def ask(_: object) -> str:
        return (await model.ainvoke("hi")).text

    both = RunnableLambda(ask).with_config(run_name="one"), RunnableLambda(ask).with_config(run_name="two")

    async def call(runnable: Any) -> None:
        await runnable.ainvoke("x", {"callbacks": [spy]})

    async with anyio.create_task_group() as tasks:
        for runnable in both:
            tasks.start_soon(call, runnable)
    parents = {run.id: run.name for run in spy.runs}
    inner = [run for run in spy.runs if run.name == "Model"]
    assert sorted(parents[run.parent_ids[-1]] for run in inner) == ["one", "two"]


async def test_report() -> None:
    spy = Spy()
    await report(Run(listeners=(spy,), runnable=None, name="x"), "chunk")
    assert spy.told == [("chunk chunk", "x")]


class Waiting(AsyncCallbackHandler):
    """Takes its time over one event."""

    def __init__(self, over: str) -> None:
        self.over = over
        self.begun = anyio.Event()

    async def _wait(self, event: str) -> None:
        if event == self.over:
            self.begun.set()
            await anyio.sleep_forever()

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        await self._wait("start")

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        await self._wait("end")


class Heard(AsyncCallbackHandler):
    """Writes down how a run begins and ends."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.told.append("start")

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.told.append("end")

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.told.append("failed")


class HeardInThread(BaseCallbackHandler):
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.told.append("start")

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.told.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.told.append("failed")


@pytest.mark.parametrize(("over", "expected"), [("start", ["start", "failed"]), ("end", ["start", "end"])])
async def test_a_call_cancelled_while_one_is_told_begins_and_ends_for_all(over: str, expected: list[str]) -> None:
    waiting, after, in_thread, spy = Waiting(over), Heard(), HeardInThread(), Spy()
    handlers = [waiting, after, in_thread, spy]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(Model().ainvoke, "hi", {"callbacks": handlers})
            await waiting.begun.wait()
            group.cancel_scope.cancel()
    assert after.told == in_thread.told == expected
    assert [what.split()[0] for what, _ in spy.told if not what.startswith("chunk")] == expected


class Raising(AsyncCallbackHandler):
    raise_error = True

    def __init__(self, at: str) -> None:
        self.at = at

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self._raise("start")

    async def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self._raise("end")

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self._raise("failed")

    def _raise(self, event: str) -> None:
        if event == self.at:
            raise ZeroDivisionError(event)


@pytest.mark.parametrize(
    ("at", "expected"), [("start", ["start", "failed"]), ("end", ["start", "end"]), ("failed", ["start", "failed"])]
)
async def test_what_one_listener_raises_keeps_nothing_from_the_others(at: str, expected: list[str]) -> None:
    after, spy = Heard(), Spy()
    model = Model(fails=at == "failed")
    with pytest.raises(ZeroDivisionError, match=at):
        await model.ainvoke("hi", {"callbacks": [Raising(at), after, spy]})
    assert after.told == expected
    assert [what.split()[0] for what, _ in spy.told if not what.startswith("chunk")] == expected


async def test_a_listener_that_raises_does_not_stop_a_cancellation(caplog: pytest.LogCaptureFixture) -> None:
    spy = Spy()
    with anyio.move_on_after(0.01) as scope:
        await Endless().ainvoke("hi", {"callbacks": [Raising("failed"), spy]})
    assert scope.cancelled_caught
    assert spy.told[-1][0].startswith("failed Cancelled")
    assert "ZeroDivisionError" in caplog.text


async def test_a_sync_handler_does_not_hold_up_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "CLOSING_SECONDS", 0.01)
    done = threading.Event()

    class Stuck(BaseCallbackHandler):
        def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
            done.wait(5)

    began = anyio.current_time()
    with anyio.move_on_after(0.01):
        await Endless().ainvoke("hi", {"callbacks": [Stuck()]})
    took = anyio.current_time() - began
    done.set()
    assert took < 2
