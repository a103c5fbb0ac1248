"""What a tool reads from the signature of its function."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel

from chatcore.runnables import RunnableConfig
from chatcore.tools import InjectedToolArg, InjectedToolCallId
from chatcore.tools._signature import Facts, is_model, plain, raised_by, signature_facts

if TYPE_CHECKING:
    from nowhere import Unknown

    from chatcore.runnables import RunnableConfig as Elsewhere  # noqa: F401


def several(
    x: int,
    user: Annotated[str, InjectedToolArg],
    call_id: Annotated[str, InjectedToolCallId] = "",
    where: RunnableConfig | None = None,
    run_manager: Any = None,
    *args: int,
    **kwargs: int,
) -> Unknown: ...


def test_everything_that_is_not_the_models_is_told_apart() -> None:
    facts = signature_facts(several)
    assert facts.names == {"x", "user", "call_id", "where", "run_manager", "args", "kwargs"}
    assert facts.config == "where"
    assert facts.injected.keys() == {"user", "call_id"}
    assert facts.needed == {"user"}
    assert facts.takes


def test_a_config_is_known_by_its_name_where_it_cannot_be_resolved() -> None:
    def late(x: int, settings: unknown.RunnableConfig) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert signature_facts(late).config == "settings"


def test_what_is_open_takes_nothing_by_name() -> None:
    assert not signature_facts(lambda *args, **kwargs: 0).takes
    assert not signature_facts(functools.partial(several, 1)).takes
    assert signature_facts(lambda x: 0).takes


def test_functions_without_a_signature_say_nothing() -> None:
    assert signature_facts(max) == signature_facts(type) == Facts(frozenset(), None, {}, frozenset(), False)


@pytest.mark.parametrize(("given", "expected"), [(BaseModel, True), (int, False), (list[int], False), ({}, False)])
def test_models(given: Any, expected: bool) -> None:
    assert is_model(given) is expected


class Thing:
    def deep(self) -> None:
        raise KeyError

    def shallow(self) -> None:
        self.deep()


def test_whose_error_it_is() -> None:
    thing = Thing()
    assert plain(thing.deep) is Thing.deep
    with pytest.raises(KeyError) as caught:
        thing.shallow()
    assert raised_by(caught.value, thing.deep)
    assert not raised_by(caught.value, thing.shallow)
    assert not raised_by(KeyError(), thing.deep)
