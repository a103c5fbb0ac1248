"""Facts about functions, and coroutines so many at a time."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from chatcore.runnables import RunnableLambda, aadd
from chatcore.runnables.utils import (
    accepts_config,
    accepts_context,
    accepts_run_manager,
    gather_with_concurrency,
    get_function_first_arg_dict_keys,
    get_function_nonlocals,
    get_lambda_source,
    indent_lines_after_first,
    is_async_callable,
    is_async_generator,
    is_generator,
)

pytestmark = pytest.mark.anyio

helper: RunnableLambda[Any, int] = RunnableLambda(len)


def everything(given: Any, config: Any, run_manager: Any, context: Any) -> Any:
    return given["a"], given.get("b"), given["c"]["d"], config["e"], helper.invoke(given)


async def waits(given: Any) -> Any:
    return given


class Waits:
    async def __call__(self, given: Any) -> Any:
        return given


async def yields(given: Any) -> AsyncIterator[Any]:
    yield given


def test_parameters() -> None:
    asked: tuple[Callable[..., bool], ...] = (accepts_config, accepts_run_manager, accepts_context)
    assert [ask(everything) for ask in asked] == [True, True, True]
    assert [ask(waits) for ask in asked] == [False, False, False]
    # What has no signature.
    assert [ask(dict.update) for ask in asked] == [False, False, False]


def test_kinds() -> None:
    assert [is_async_callable(one) for one in (waits, Waits(), functools.partial(waits, 1), everything, yields)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [is_async_generator(one) for one in (yields, functools.partial(yields), waits)] == [True, True, False]
    assert [is_generator(one) for one in (lambda: (yield), yields)] == [True, False]


def test_what_functions_read() -> None:
    assert get_function_first_arg_dict_keys(everything) == ["a", "b", "c"]
    assert get_function_first_arg_dict_keys(len) is None
    assert get_function_nonlocals(everything) == [helper.invoke]
    assert RunnableLambda(everything).deps == [helper]
    assert get_function_nonlocals(len) == []


def test_sources() -> None:
    double = lambda given: given * 2  # noqa: E731 - a lambda is what is looked at
    assert get_lambda_source(double) == "lambda given: given * 2"
    assert get_lambda_source(len) == "len"
    assert get_lambda_source(functools.partial(len)) is None
    assert indent_lines_after_first("a\nb\nc", "| ") == "a\n  b\n  c"


async def test_so_many_at_a_time() -> None:
    running = most = 0

    async def run(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1
        return number

    assert await gather_with_concurrency(2, *map(run, range(6))) == list(range(6))
    assert most == 2
    assert await gather_with_concurrency(None) == []


async def test_sum_of_an_async_iterable() -> None:
    assert await aadd(yields([1])) == [1]
