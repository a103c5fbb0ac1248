"""Runs, and what a function of the user's finds of the call around it."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

import anyio
import pytest

from chatcore.engine.runs import Run, ambient, heard_by, surrounding

pytestmark = pytest.mark.anyio


class Log:
    wants_chunks = False

    def __init__(self) -> None:
        self.failed_with: list[BaseException] = []
        self.ended_with: list[Any] = []

    async def ended(self, run: Run, output: Any) -> None:
        self.ended_with.append(output)

    async def failed(self, run: Run, error: BaseException) -> None:
        await anyio.lowlevel.checkpoint()
        self.failed_with.append(error)


def run_for(*listeners: Any, **facts: Any) -> Run:
    return Run(listeners=listeners, runnable=None, name="x", **facts)


async def test_a_run_ends_once() -> None:
    log = Log()
    run = run_for(log)
    await run.end("done")
    await run.fail(ValueError("late"))
    assert (log.ended_with, log.failed_with) == (["done"], [])


async def test_a_cancelled_run_is_told_of() -> None:
    log = Log()
    run = run_for(log)
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except BaseException as error:
            await run.fail(error)
            raise
    assert [type(error) for error in log.failed_with] == [anyio.get_cancelled_exc_class()]


def test_what_a_run_is() -> None:
    outer = run_for()
    inner = run_for(parent_ids=(outer.id,), kind="tool")
    assert (outer.parent_id, inner.parent_id) == (None, outer.id)
    assert repr(inner) == f"Run(tool x, {inner.id})"


def test_the_config_around_is_found_until_the_block_is_left() -> None:
    assert ambient.get() is None
    with surrounding({"tags": ["outer"]}):
        with surrounding({"tags": ["inner"]}):
            assert ambient.get() == ({"tags": ["inner"]}, (), True)
        assert ambient.get() == ({"tags": ["outer"]}, (), True)
    assert ambient.get() is None


def test_handlers_hear_what_is_called_within_the_block() -> None:
    with heard_by("first"), surrounding({"tags": []}), heard_by("second"):
        assert ambient.get() == ({"tags": []}, ("first", "second"), True)
    assert ambient.get() is None


def test_the_block_may_be_left_in_another_context() -> None:
    block = heard_by("one")
    copy_context().run(block.__enter__)
    # As a generator's block that is closed by the garbage collector: nothing to take away here, and no complaint.
    block.__exit__(None, None, None)
    assert ambient.get() is None


def test_handlers_alone_are_no_call() -> None:
    with heard_by("first"):
        assert ambient.get() == ({}, ("first",), False)
