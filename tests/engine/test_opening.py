"""Context managers written as generators."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import anyio.lowlevel
import pytest

from chatcore.engine._opening import opening

pytestmark = pytest.mark.anyio


class OopsError(Exception):
    """What the blocks of these tests raise."""


def recording(log: list[Any]) -> Any:
    @opening
    async def manager(value: int) -> AsyncGenerator[int, None]:
        try:
            await anyio.lowlevel.checkpoint()
            yield value
        except BaseException as error:
            log.append(type(error))
            raise
        else:
            log.append("left")

    return manager


async def raise_within(manager: Any, error: BaseException) -> None:
    async with manager:
        raise error


async def test_entered_and_left() -> None:
    log: list[Any] = []
    async with recording(log)(5) as value:
        assert value == 5
        assert log == []
    assert log == ["left"]


@pytest.mark.parametrize("error", [OopsError(), StopAsyncIteration(), StopIteration(), KeyboardInterrupt()], ids=repr)
async def test_error_goes_through_and_stays_the_same(error: BaseException) -> None:
    log: list[Any] = []
    with pytest.raises((type(error), RuntimeError)) as caught:
        await raise_within(recording(log)(5), error)
    # A coroutine may not raise StopIteration: what Python makes of that is not this manager's doing.
    assert (caught.value.__cause__ if isinstance(error, StopIteration) else caught.value) is error
    assert log == [type(error)]


async def test_error_replaced_by_the_generator() -> None:
    @opening
    async def replacing() -> AsyncGenerator[None, None]:
        try:
            yield
        except OopsError as error:
            raise KeyError("other") from error

    with pytest.raises(KeyError, match="other"):
        await raise_within(replacing(), OopsError())


async def test_error_swallowed_by_the_generator() -> None:
    @opening
    async def swallowing() -> AsyncGenerator[None, None]:
        with suppress(OopsError):
            yield  # noqa: ASYNC119 - a context manager's

    await raise_within(swallowing(), OopsError())


@pytest.mark.parametrize("error", [None, OopsError()], ids=["left", "error"])
async def test_generator_that_yields_twice(error: Exception | None) -> None:
    @opening
    async def twice() -> AsyncGenerator[None, None]:
        with suppress(OopsError):
            yield  # noqa: ASYNC119 - a context manager's
        yield

    manager = twice()
    await manager.__aenter__()
    with pytest.raises(RuntimeError, match="yielded more than once"):
        await manager.__aexit__(None if error is None else type(error), error, None)
    await manager._generator.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [None, OopsError()], ids=["left", "error"])
async def test_closed_by_the_ending_loop_before(error: Exception | None) -> None:
    log: list[Any] = []
    manager = recording(log)(5)
    await manager.__aenter__()
    await manager._generator.aclose()
    assert not await manager.__aexit__(None if error is None else type(error), error, None)
    assert log == [GeneratorExit]
