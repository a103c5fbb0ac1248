"""From a call's config to a run: who listens, under which tags, and what inner calls are handed."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.callbacks import AsyncCallbackHandler, AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from chatcore.errors import InvalidInputError
from chatcore.runnables import RunnableConfig, RunnableLambda

pytestmark = pytest.mark.anyio


class Names(AsyncCallbackHandler):
    """Notes each run's name, tags and metadata."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[str], dict[str, Any]]] = []

    async def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.heard.append((kwargs["name"], kwargs["tags"], kwargs["metadata"]))


async def test_a_manager_may_stand_for_a_list_and_says_who_inherits() -> None:
    local, inherited = Names(), Names()
    manager = CallbackManager(
        [local, inherited],
        [inherited],
        tags=["here"],
        inheritable_tags=["all"],
        metadata={"here": 1},
        inheritable_metadata={"all": 1},
    )
    steps = RunnableLambda(str, name="one") | RunnableLambda(str, name="two")
    await steps.ainvoke(1, {"callbacks": manager, "tags": ["own"], "run_name": "steps"})
    assert local.heard == [("steps", ["here", "own"], {"here": 1})]
    assert inherited.heard == [
        ("steps", ["here", "own"], {"here": 1}),
        ("one", ["all", "own", "seq:step:1"], {"all": 1}),
        ("two", ["all", "own", "seq:step:2"], {"all": 1}),
    ]


async def test_a_manager_with_as_many_local_as_inherited_handlers_keeps_them_apart() -> None:
    local, inherited = Names(), Names()
    steps = RunnableLambda(str, name="one") | RunnableLambda(str, name="two")
    await steps.ainvoke(1, {"callbacks": AsyncCallbackManager([local], [inherited]), "run_name": "steps"})
    assert [name for name, _, _ in local.heard] == ["steps"]
    assert [name for name, _, _ in inherited.heard] == ["one", "two"]


async def test_what_a_function_adds_to_its_manager_is_for_its_own_calls() -> None:
    outer, added = Names(), Names()
    inner = RunnableLambda(str, name="inner")

    async def adds(given: int, config: RunnableConfig) -> str:
        config["callbacks"].add_handler(added, inherit=False)
        config["callbacks"].add_tags(["more"])
        return await inner.ainvoke(given, config)

    steps = RunnableLambda(adds) | RunnableLambda(str, name="after")
    await steps.ainvoke(1, {"callbacks": [outer]})
    assert added.heard == [("inner", ["more"], {})]
    assert [name for name, _, _ in outer.heard] == ["RunnableSequence", "adds", "inner", "after"]
    assert [tags for _, tags, _ in outer.heard] == [[], ["seq:step:1"], ["more"], ["seq:step:2"]]


@pytest.mark.parametrize("given", [BaseCallbackHandler(), [print], "handlers"])
async def test_what_is_no_list_of_handlers_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="callbacks"):
        await RunnableLambda(str).ainvoke(1, {"callbacks": given})
