from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache as TheirInMemoryCache

from chatcore.caches import RETURN_VAL_TYPE, BaseCache, InMemoryCache
from chatcore.caches import _base as module
from chatcore.outputs import Generation


def answer(text: str) -> list[Generation]:
    return [Generation(text=text)]


class OnlySync(BaseCache):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], RETURN_VAL_TYPE] = {}
        self.threads: set[int] = set()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        self.threads.add(threading.get_ident())
        return self.kept.get((prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        self.kept[prompt, llm_string] = return_val

    def clear(self, **kwargs: Any) -> None:
        self.kept.clear()


class OnlyAsync(BaseCache):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], RETURN_VAL_TYPE] = {}

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        return self.kept.get((prompt, llm_string))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        self.kept[prompt, llm_string] = return_val

    async def aclear(self, **kwargs: Any) -> None:
        self.kept.clear()


KINDS: list[Callable[[], BaseCache]] = [InMemoryCache, OnlySync, OnlyAsync]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.anyio
async def test_async_verbs(kind: Callable[[], BaseCache]) -> None:
    cache = kind()
    assert await cache.alookup("p", "m") is None
    await cache.aupdate("p", "m", answer("a"))
    assert await cache.alookup("p", "m") == answer("a")
    assert await cache.alookup("p", "n") is None
    await cache.aclear(of="everything")
    assert await cache.alookup("p", "m") is None


@pytest.mark.parametrize("kind", KINDS)
def test_sync_verbs(kind: Callable[[], BaseCache]) -> None:
    cache = kind()
    cache.update("p", "m", answer("a"))
    assert cache.lookup("p", "m") == answer("a")
    assert cache.lookup("q", "m") is None
    cache.clear(of="everything")
    assert cache.lookup("p", "m") is None


@pytest.mark.anyio
async def test_sync_code_runs_in_a_thread() -> None:
    cache = OnlySync()
    await cache.alookup("p", "m")
    assert threading.get_ident() not in cache.threads


def test_what_lacks_a_method_cannot_be_made() -> None:
    class Half(BaseCache):
        async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
            return None

        def clear(self, **kwargs: Any) -> None:
            return None

    with pytest.raises(TypeError, match=r"abstract cache Half.* aupdate \(or update\)\.$"):
        Half()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_answers_end(clock: list[float]) -> None:
    cache = InMemoryCache(ttl=10)
    cache.update("p", "m", answer("a"))
    clock[0] = 9.9
    assert cache.lookup("p", "m") == answer("a")
    clock[0] = 10.0
    assert cache.lookup("p", "m") is None
    assert cache.lookup("p", "m") is None


def test_ended_answers_make_room_first(clock: list[float]) -> None:
    cache = InMemoryCache(ttl=10, maxsize=2)
    cache.update("old", "m", answer("a"))
    clock[0] = 5.0
    cache.update("new", "m", answer("b"))
    cache.lookup("old", "m")
    clock[0] = 12.0
    cache.update("newest", "m", answer("c"))
    assert [cache.lookup(prompt, "m") for prompt in ("old", "new", "newest")] == [None, answer("b"), answer("c")]


def test_the_least_recently_used_goes_first() -> None:
    cache = InMemoryCache(maxsize=2)
    for prompt in ("a", "b"):
        cache.update(prompt, "m", answer(prompt))
    cache.lookup("a", "m")
    cache.update("c", "m", answer("c"))
    assert cache.lookup("b", "m") is None
    assert cache.lookup("a", "m") == answer("a")
    # What is kept already needs no room.
    cache.update("a", "m", answer("again"))
    assert cache.lookup("c", "m") == answer("c")


@pytest.mark.parametrize(("bounds", "match"), [({"maxsize": 0}, "maxsize must be greater than 0"), ({"ttl": 0}, "ttl")])
def test_bounds_are_positive(bounds: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        InMemoryCache(**bounds)


SCRIPTS = {
    "kept": [("update", "a"), ("lookup", "a"), ("lookup", "b")],
    "kept again": [("update", "a"), ("update", "a"), ("lookup", "a")],
    "full": [("update", "a"), ("update", "b"), ("update", "c"), ("lookup", "a"), ("lookup", "b"), ("lookup", "c")],
    "cleared": [("update", "a"), ("clear", ""), ("lookup", "a"), ("update", "b"), ("lookup", "b")],
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("bounds", [{}, {"maxsize": 2}, {"maxsize": 1}], ids=str)
def test_as_in_the_reference(script: str, bounds: dict[str, Any]) -> None:
    def play(cache: Any) -> list[Any]:
        found: list[Any] = []
        for verb, prompt in SCRIPTS[script]:
            if verb == "update":
                cache.update(prompt, "m", [prompt])
            elif verb == "lookup":
                found.append(cache.lookup(prompt, "m"))
            else:
                cache.clear()
        return found

    assert play(InMemoryCache(**bounds)) == play(TheirInMemoryCache(**bounds))
