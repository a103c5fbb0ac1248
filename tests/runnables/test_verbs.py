"""Classes of one's own that give the public verbs: all other verbs, batches and sequences follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatcore.errors import InvalidInputError, UnsupportedError
from chatcore.runnables import Runnable, RunnableLambda
from tests.engine.models import Plain

pytestmark = pytest.mark.anyio


class Invoke(Runnable[str, str]):
    def invoke(self, input: str, config: Any = None, **kwargs: Any) -> str:
        return f"<{input}>"


class Ainvoke(Runnable[str, str]):
    async def ainvoke(self, input: str, config: Any = None, **kwargs: Any) -> str:
        return f"<{input}>"


class Stream(Runnable[str, str]):
    def stream(self, input: str, config: Any = None, **kwargs: Any) -> Iterator[str]:  # type: ignore[override]
        yield from ("<", input, ">")


class Astream(Runnable[str, str]):
    async def astream(self, input: str, config: Any = None, **kwargs: Any) -> AsyncIterator[str]:  # type: ignore[override]
        for piece in ("<", input, ">"):
            yield piece


class Transform(Runnable[str, str]):
    def transform(self, input: Iterator[str], config: Any = None, **kwargs: Any) -> Iterator[str]:  # type: ignore[override]
        yield "<"
        yield from input
        yield ">"


class Atransform(Runnable[str, str]):
    async def atransform(  # type: ignore[override]
        self, input: AsyncIterator[str], config: Any = None, **kwargs: Any
    ) -> AsyncIterator[str]:
        yield "<"
        async for piece in input:
            yield piece
        yield ">"


WHOLE = (Invoke, Ainvoke)
CHUNKS = (Stream, Astream, Transform, Atransform)


@pytest.mark.parametrize("kind", [*WHOLE, *CHUNKS])
@pytest.mark.parametrize("decorated", [False, True])
async def test_one_verb_gives_all(kind: type[Runnable[str, str]], decorated: bool) -> None:
    runnable = kind().with_config(tags=["a"]).with_retry() if decorated else kind()
    assert await runnable.ainvoke("x") == "<x>"
    assert await runnable.abatch(["x", "y"]) == ["<x>", "<y>"]
    async with runnable.astream("x") as stream:
        assert [piece async for piece in stream] == (["<x>"] if kind in WHOLE else ["<", "x", ">"])
    async with runnable.atransform("xy") as stream:
        assert "".join([piece async for piece in stream]) == "<xy>"
    assert await (runnable | runnable | len).ainvoke("x") == 5


@pytest.mark.parametrize("kind", [*WHOLE, *CHUNKS])
@pytest.mark.parametrize("decorated", [False, True])
def test_one_verb_gives_all_sync_ones(kind: type[Runnable[str, str]], decorated: bool) -> None:
    runnable = kind().with_config(tags=["a"]) if decorated else kind()
    assert runnable.invoke("x") == "<x>"
    assert runnable.batch(["x", "y"]) == ["<x>", "<y>"]
    assert "".join(runnable.stream("x")) == "<x>"
    assert "".join(runnable.transform(iter("xy"))) == "<xy>"


@pytest.mark.parametrize("kind", [Transform, Atransform])
async def test_chunks_go_through_in_a_sequence(kind: type[Runnable[str, str]]) -> None:
    async with (Astream() | kind()).astream("x") as stream:
        assert [piece async for piece in stream] == ["<", "<", "x", ">", ">"]


class Twice(Plain):
    """A chat model with a verb of its own that calls the model's."""

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        first = await super().ainvoke(input, config, **kwargs)
        return first.model_copy(update={"content": first.text * 2})


class Thrice(Twice):
    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        answer = await super().ainvoke(input, config, **kwargs)
        return answer.model_copy(update={"content": answer.text + "!"})


@pytest.mark.parametrize(
    "decorate", [lambda m: m, lambda m: m.bind(stop=["."]), lambda m: m.with_retry()], ids=["bare", "bound", "retried"]
)
async def test_a_model_whose_verb_is_overridden(decorate: Any) -> None:
    model = decorate(Thrice())
    assert (await model.ainvoke("a")).text == "aa!"
    assert await (model | (lambda answer: answer.text)).ainvoke("a") == "aa!"
    assert [one.text for one in await model.abatch(["a", "b"])] == ["aa!", "bb!"]


def test_a_model_whose_sync_verb_is_overridden() -> None:
    class Loud(Plain):
        def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            answer = super().invoke(input, config, **kwargs)
            return answer.model_copy(update={"content": answer.text.upper()})

    assert Loud().invoke("a").text == "A"
    assert Loud().with_config(tags=["x"]).invoke("a").text == "A"
    assert (Loud() | (lambda answer: answer.text)).invoke("a") == "A"


async def test_config_and_settings_arrive() -> None:
    seen: list[Any] = []

    class Look(Runnable[int, int]):
        async def ainvoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
            seen.append((config, kwargs))
            return input

    await Look().ainvoke(1, {"tags": ["a"]}, x=1)
    assert seen.pop() == ({"tags": ["a"]}, {"x": 1})
    await Look().bind(x=2).with_config(metadata={"m": 1}).ainvoke(1, {"tags": ["a"]})
    config, settings = seen.pop()
    assert (config["tags"], config["metadata"], config["recursion_limit"], settings) == (["a"], {"m": 1}, 25, {"x": 2})


async def test_errors_pass_through() -> None:
    class Fails(Runnable[int, int]):
        def invoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
            raise KeyError(input)

    with pytest.raises(KeyError):
        await Fails().ainvoke(1)
    assert await Fails().with_fallbacks([RunnableLambda(lambda given: given + 1)]).ainvoke(1) == 2


async def test_what_gives_nothing() -> None:
    class Silent(Runnable[int, int]):
        def stream(self, input: int, config: Any = None, **kwargs: Any) -> Iterator[int]:  # type: ignore[override]
            yield from ()

    class Unfinished(Runnable[int, int]):
        pass

    with pytest.raises(InvalidInputError, match=r"Silent\.stream gave no chunk"):
        await Silent().ainvoke(1)
    with pytest.raises(UnsupportedError, match="Unfinished implements none of ainvoke, invoke"):
        await Unfinished().ainvoke(1)


async def test_work_done_the_references_way() -> None:
    class Old(Runnable[int, Any]):
        def work(self, given: int, run_manager: Any, config: Any, more: int = 0) -> Any:
            return given + more, run_manager.get_child() is not None, config["tags"]

        async def awork(self, given: int) -> Any:
            return given

        def invoke(self, input: int, config: Any = None, **kwargs: Any) -> Any:
            return self._call_with_config(self.work, input, config, run_type="tool", **kwargs)

        async def atwice(self, input: int) -> Any:
            return await self._acall_with_config(self.awork, input, None)

    assert await Old().bind(more=2).ainvoke(1, {"tags": ["a"]}) == (3, True, ["a"])
    assert await Old().atwice(1) == 1
