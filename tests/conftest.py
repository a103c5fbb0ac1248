"""What every test gets: both backends, and the proof that it left nothing behind.

An async test is a coroutine function marked `anyio`; it runs once on asyncio and once on trio, each time in a loop of
its own. What only trio has (its autojump clock) is tested by functions marked `trio`, which pytest-trio runs.

Nothing may outlive a test:

::

    the test begins      sockets counted ──────────────────────────────────────┐
      its loop begins      tasks counted ─────────────────┐                    │
        fixtures, the test, fixtures' ends                │                    │
      garbage collected, tasks counted again ─────────────┘ in the loop        │
      its loop ends: pooled connections are closed                             │
    the portal is closed, garbage collected, sockets counted again ────────────┘ outside

So an idle connection may live as long as its loop, and no longer; a task may not live as long as that. Garbage is
collected for its finalizers: a ResourceWarning there is an error, as any warning is.
"""

from __future__ import annotations

import gc
import inspect
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import hypothesis
import pytest

SETTLING_SECONDS = 1.0
"""How long what has been told to stop may take to have stopped. Only a test that fails waits this long."""

OPEN_FILES = Path("/proc/self/fd")


# How long an example takes says how busy the machine is; tests of what something costs count its CPU time.
hypothesis.settings.register_profile(
    "any machine",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[*hypothesis.settings().suppress_health_check, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under the test.

    For one test, not for one module as in the plugin: a loop shared by tests would hide what one of them left in it.
    """
    return request.param


@pytest.fixture(autouse=True, scope="module")
def _garbage_is_of_this_module() -> None:
    # Pytest keeps something of every test, and so do caches. Looked through after each test, it would come to most of
    # the time of all.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_leaked_sockets() -> Iterator[None]:
    """Fail the test if a socket opened in it is open once its loop has ended."""
    before = _open_sockets()
    yield
    _close_portal()
    gc.collect()
    deadline = time.monotonic() + SETTLING_SECONDS
    # A thread or process of the other side may be at closing its end.
    while (left := _open_sockets().keys() - before.keys()) and time.monotonic() < deadline:
        time.sleep(0.001)
    if left:
        now = _open_sockets()
        pytest.fail(
            "Sockets left open by the test:\n" + "\n".join(f"  {now[inode]}" for inode in sorted(left)), pytrace=False
        )


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest, no_leaked_sockets: None) -> None:
    """Fail an async test if a task other than its own is alive in its loop after it.

    It asks for `no_leaked_sockets` so that sockets are counted after the loop's end.
    """
    if _is_anyio_test(request):
        request.getfixturevalue("_tasks_settle")


@pytest.fixture
async def _tasks_settle() -> AsyncGenerator[None, None]:
    # The coroutines and not the tasks' ids, which would be used again once a task is gone.
    before = [task.coro for task in anyio.get_running_tasks()]
    yield
    # Streams that were dropped in a cycle are closed by their loop, while there is one.
    gc.collect()
    # Real time, and checkpoints instead of sleeps: the loop's own clock may be a virtual one.
    deadline = time.monotonic() + SETTLING_SECONDS
    while (left := _tasks_beside(before)) and time.monotonic() < deadline:
        await anyio.lowlevel.checkpoint()
    if left:
        pytest.fail(
            "Tasks left running by the test:\n" + "\n".join(f"  {_described(task)}" for task in left), pytrace=False
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests whose names change from run to run: no two workers, nor two runs, could agree on them."""
    nameless = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if nameless:
        text = "Parameters shown by their address; give them ids:\n" + "\n".join(f"  {name}" for name in nameless)
        raise pytest.UsageError(text)


def pytest_collection_finish() -> None:
    # What is loaded by now stays: collecting after each test need not look at it again.
    gc.collect()
    gc.freeze()


def _is_anyio_test(request: pytest.FixtureRequest) -> bool:
    test = request.function
    if hasattr(test, "hypothesis"):
        test = test.hypothesis.inner_test
        test = getattr(test, "_anyio_original_func", test)
    return "anyio_backend" in request.fixturenames and inspect.iscoroutinefunction(test)


def _tasks_beside(before: list[object]) -> list[anyio.TaskInfo]:
    current = anyio.get_current_task()
    return [
        task
        for task in anyio.get_running_tasks()
        if task.id != current.id
        and not any(task.coro is coro for coro in before)
        # anyio's plugin has a new task of its own in the loop for each step.
        and not getattr(task.coro, "__qualname__", "").startswith("TestRunner.")
    ]


def _described(task: anyio.TaskInfo) -> str:
    places: list[str] = []
    inner: object = task.coro
    while inner is not None:
        frame = getattr(inner, "cr_frame", None) or getattr(inner, "ag_frame", None)
        if frame is not None:
            places.append(f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})")
        inner = getattr(inner, "cr_await", None) or getattr(inner, "ag_await", None)
    return f"{task.name}: " + (" > ".join(places) or "at its end")


def _open_sockets() -> dict[str, str]:
    """The open sockets of this process by inode. Empty where the system does not list them."""
    found: dict[str, str] = {}
    for entry in OPEN_FILES.iterdir() if OPEN_FILES.is_dir() else ():
        # The listing's own descriptor is gone by now.
        with suppress(FileNotFoundError):
            target = str(entry.readlink())
            if target.startswith("socket:"):
                found[target] = f"{target} {_ends(int(entry.name))}"
    return found


def _ends(fd: int) -> str:
    try:
        with socket.socket(fileno=os.dup(fd)) as twin:
            try:
                return f"{twin.family.name} {twin.getsockname()} -> {twin.getpeername()}"
            except OSError:
                return f"{twin.family.name} {twin.getsockname()}, with no peer"
    except OSError as error:
        return f"of which the system says: {error}"


def _close_portal() -> None:
    # Its loop, and so its pooled connections, live as long as the process: here, as long as the test.
    portal = sys.modules.get("chatcore.engine._portal")
    if portal is not None:
        portal._PORTAL.close()
