"""The reference's wrappers: what they construct, what `isinstance` says, and what can be read off."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import WrongTypeError
from chatcore.runnables import (
    ConfigurableField,
    Runnable,
    RunnableBinding,
    RunnableLambda,
    RunnableRetry,
    RunnableSerializable,
    RunnableWithFallbacks,
)
from chatcore.runnables.configurable import (
    DynamicRunnable,
    RunnableConfigurableAlternatives,
    RunnableConfigurableFields,
)
from tests.engine.models import Plain

KINDS = (RunnableBinding, RunnableRetry, RunnableWithFallbacks, RunnableConfigurableFields, DynamicRunnable)
FIELD = ConfigurableField(id="name")


@pytest.mark.parametrize(
    ("runnable", "kinds"),
    [
        (Plain(), ()),
        (Plain().bind(a=1), (RunnableBinding,)),
        (Plain().with_types(input_type=str), (RunnableBinding,)),
        (Plain().with_retry(), (RunnableRetry,)),
        (Plain().with_retry().bind(a=1), (RunnableBinding, RunnableRetry)),
        (Plain().with_fallbacks([Plain()]), (RunnableWithFallbacks,)),
        (Plain().with_fallbacks([Plain()]).with_retry(), (RunnableRetry,)),
        (Plain().configurable_fields(name=FIELD), (RunnableConfigurableFields, DynamicRunnable)),
        (Plain().configurable_alternatives(FIELD), (DynamicRunnable,)),
        ("text", ()),
    ],
    ids=range(10),
)
def test_isinstance_asks_for_the_layers(runnable: Any, kinds: tuple[type, ...]) -> None:
    assert tuple(kind for kind in KINDS if isinstance(runnable, kind)) == kinds


def test_constructing_decorates() -> None:
    model = Plain()
    retry = RunnableRetry(bound=model, max_attempt_number=4, kwargs={"a": 1}, config={"tags": ["t"]})
    assert (type(retry), retry.max_attempt_number, retry.bound.kwargs, retry.bound.config) == (
        Plain,
        4,
        {"a": 1},
        {"tags": ["t"]},
    )
    binding = RunnableBinding(bound=model, kwargs={"a": 1}, config={"tags": ["t"]}, custom_input_type=int)
    assert (binding.kwargs, binding.config, binding.InputType) == ({"a": 1}, {"tags": ["t"]}, int)
    assert binding.bound == model
    assert not isinstance(binding.bound, RunnableBinding)
    fields: Any = RunnableConfigurableFields(default=model, fields={"name": FIELD})
    assert (fields.default, fields.fields) == (model, {"name": FIELD})
    other: Any = RunnableConfigurableAlternatives(
        which=FIELD, default=model, alternatives={"b": model}, prefix_keys=True
    )
    assert (other.which, other.alternatives, other.default_key, other.prefix_keys) == (
        FIELD,
        {"b": model},
        "default",
        True,
    )
    with pytest.raises(WrongTypeError, match="Use configurable_fields"):
        DynamicRunnable()


def test_settings_bound_over_fallbacks_are_in_each() -> None:
    both: Any = Plain().with_fallbacks([Plain(), RunnableLambda(len)], exception_key="error").bind(tools=[])
    assert isinstance(both, RunnableWithFallbacks)
    assert isinstance(both.runnable, RunnableBinding)
    assert [one.kwargs for one in (both.runnable, *both.fallbacks)] == [{"tools": []}] * 3
    assert (both.exception_key, both.exceptions_to_handle) == ("error", (Exception,))
    assert not isinstance(both.runnable, RunnableWithFallbacks)


def test_a_field_of_the_same_name_is_the_field() -> None:
    class Odd(RunnableSerializable[str, str]):
        kwargs: int = 5
        config: str = "own"

    bound: Any = Odd().bind(a=1)
    assert (bound.kwargs, bound.config) == (5, "own")


@pytest.mark.parametrize("name", ["bound", "kwargs", "config", "runnable", "fallbacks", "default", "which", "nothing"])
def test_nothing_is_read_off_what_is_not_decorated(name: str) -> None:
    for runnable in (Plain(), RunnableLambda(len)):
        with pytest.raises(AttributeError, match=name):
            getattr(runnable, name)


def test_wrappers_have_no_subclasses() -> None:
    with pytest.raises(WrongTypeError, match="Derive from Runnable"):
        type("Own", (RunnableBinding,), {"__module__": "mine"})
    assert issubclass(RunnableConfigurableFields, DynamicRunnable)
    assert not issubclass(RunnableBinding, Runnable)
