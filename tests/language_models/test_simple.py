from __future__ import annotations

import threading
from typing import Any

import pytest

from chatcore.language_models import SimpleChatModel


class Echo(SimpleChatModel):
    threads: list[int] = []  # noqa: RUF012 - a field

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        self.threads.append(threading.get_ident())
        return f"{messages[-1].text} {stop} {kwargs}"


@pytest.mark.anyio
async def test_one_function_is_enough() -> None:
    model = Echo()
    assert (await model.ainvoke("a", stop=["x"], k=1)).text == "a ['x'] {'k': 1}"
    assert [chunk.text async for chunk in model.astream("a")] == ["a None {}"]
    assert threading.get_ident() not in model.threads


def test_sync_calls() -> None:
    assert Echo().invoke("a").text == "a None {}"
    assert [answer.text for answer in Echo().batch(["a", "b"])] == ["a None {}", "b None {}"]


def test_it_is_abstract() -> None:
    class Silent(SimpleChatModel):
        @property
        def _llm_type(self) -> str:
            return "silent"

    with pytest.raises(TypeError, match="_call"):
        Silent()
