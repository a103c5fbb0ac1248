from __future__ import annotations

from collections.abc import Callable
from typing import Any

import langchain_core.globals as theirs
import pytest

import chatcore.globals as ours
from chatcore.caches import InMemoryCache
from chatcore.errors import WrongTypeError


@pytest.mark.parametrize("name", ["debug", "verbose", "llm_cache"])
def test_what_is_set_is_got_by_all(name: str) -> None:
    def pair(module: Any) -> tuple[Callable[[Any], None], Callable[[], Any]]:
        return getattr(module, f"set_{name}"), getattr(module, f"get_{name}")

    (set_ours, get_ours), (_, get_theirs) = pair(ours), pair(theirs)
    before = get_ours()
    assert before == get_theirs()
    mark = InMemoryCache() if name == "llm_cache" else object()
    set_ours(mark)
    try:
        assert get_ours() is mark
    finally:
        set_ours(before)
    assert get_ours() == get_theirs()


def test_what_is_no_cache_is_refused_where_it_is_set() -> None:
    with pytest.raises(WrongTypeError, match=r"takes a cache, such as .*, not str"):
        ours.set_llm_cache("redis://here")
    assert ours.get_llm_cache() is None
