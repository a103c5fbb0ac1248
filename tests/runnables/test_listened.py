"""`with_listeners`, `with_alisteners`, and the manager that a function may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.callbacks import BaseCallbackHandler
from chatcore.runnables import Runnable, RunnableLambda

pytestmark = pytest.mark.anyio


def fails(given: Any) -> Any:
    raise ValueError(given)


async def heard(runnable: Runnable[Any, Any], given: Any, *, is_async: bool, config: Any = None) -> list[Any]:
    seen: list[Any] = []

    def start(run: Any, config: Any) -> None:
        seen.append(("start", run.name, run.inputs, config["tags"]))

    def end(run: Any) -> None:
        seen.append(("end", run.outputs))

    def error(run: Any) -> None:
        seen.append(("error", "ValueError" in run.error))

    async def astart(run: Any, config: Any) -> None:
        start(run, config)

    async def aend(run: Any) -> None:
        end(run)

    async def aerror(run: Any) -> None:
        error(run)

    if is_async:
        listened = runnable.with_alisteners(on_start=astart, on_end=aend, on_error=aerror)
    else:
        listened = runnable.with_listeners(on_start=start, on_end=end, on_error=error)
    try:
        await listened.with_config(tags=["t"]).ainvoke(given, config)
    except ValueError:
        seen.append("raised")
    return seen


@pytest.mark.parametrize("is_async", [False, True])
async def test_functions_hear_of_the_call_and_not_of_those_within(is_async: bool) -> None:
    inner: RunnableLambda[int, int] = RunnableLambda(lambda given: given + 1, name="inner")
    chain = (inner | inner).with_config(run_name="whole")
    assert await heard(chain, 1, is_async=is_async) == [("start", "whole", {"input": 1}, ["t"]), ("end", {"output": 3})]
    assert await heard(RunnableLambda(fails), 1, is_async=is_async) == [
        ("start", "fails", {"input": 1}, ["t"]),
        ("error", True),
        "raised",
    ]


async def test_each_call_of_a_batch_is_heard() -> None:
    inputs: list[Any] = []
    listened: Runnable[Any, str] = RunnableLambda(str).with_listeners(
        on_start=lambda run: inputs.append(run.inputs["input"])
    )
    assert await listened.map().ainvoke([1, 2]) == ["1", "2"]
    assert sorted(inputs) == [1, 2]


class Texts(BaseCallbackHandler):
    def __init__(self) -> None:
        self.texts: list[Any] = []

    def on_text(self, text: str, **kwargs: Any) -> None:
        self.texts.append(text)


async def test_a_function_may_ask_for_its_run_manager() -> None:
    async def says(given: str, run_manager: Any) -> str:
        await run_manager.on_text(given)
        return given

    def says_sync(given: str, run_manager: Any) -> str:
        run_manager.on_text(given)
        return given

    for function in (says, says_sync):
        handler = Texts()
        runnable: RunnableLambda[str, str] = RunnableLambda(function)
        assert await runnable.ainvoke("hi", {"callbacks": [handler]}) == "hi"
        assert handler.texts == ["hi"]
        assert await runnable.ainvoke("hi") == "hi"
