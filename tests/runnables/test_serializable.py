"""`RunnableSerializable`: fields, private attributes, and copies that are decorated."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import PrivateAttr

from chatcore.load import dumpd
from chatcore.runnables import RunnableSerializable


class Adder(RunnableSerializable[int, int]):
    plus: int = 1
    _calls: int = PrivateAttr(default=0)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    async def ainvoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
        self._calls += 1
        return input + self.plus + int(kwargs.get("more", 0))


def test_decorated_copies_share_what_is_private() -> None:
    adder = Adder(plus=2)
    assert adder.bind(more=10).invoke(1) == 13
    assert adder.with_retry().invoke(2) == 4
    assert adder._calls == 2
    assert pickle.loads(pickle.dumps(adder.bind(more=1))).invoke(1) == 4  # noqa: S301


def test_attributes_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = Adder().nothing  # type: ignore[attr-defined]


def test_it_is_written_as_its_fields() -> None:
    assert dumpd(Adder(plus=2))["kwargs"] == {"plus": 2}
    assert Adder(name="sum").get_name("Input") == "sum_input"
