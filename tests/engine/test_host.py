"""The running loop, seen from below: detached tasks, and what is done at its end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from chatcore.engine import _host
from chatcore.engine._host import at_loop_end, current_host, loop_key, on_trio
from tests.development_mode import complaints
from tests.engine.models import Plain, Streaming

ROOT = Path(__file__).parent.parent.parent


async def two_then_wait(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    await anyio.sleep_forever()


@pytest.mark.anyio
async def test_which_loop_runs(anyio_backend: str) -> None:
    assert on_trio() is (anyio_backend == "trio")
    assert loop_key() is loop_key()


def test_no_loop_runs() -> None:
    with pytest.raises(anyio.NoEventLoopError):
        current_host()


@pytest.mark.anyio
async def test_post_runs_soon_from_any_thread() -> None:
    done = anyio.Event()
    host = current_host()
    await anyio.to_thread.run_sync(lambda: host.post(done.set))
    with anyio.fail_after(5):
        await done.wait()


def test_post_to_a_loop_that_has_ended_does_nothing(anyio_backend: str) -> None:
    async def host() -> _host.Host:
        return current_host()

    ended = anyio.run(host, backend=anyio_backend)
    ended.post(lambda: pytest.fail("there is no loop to run this"))


@pytest.mark.anyio
async def test_detached_task_outlives_the_scope_that_it_was_started_in() -> None:
    done = anyio.Event()
    host = current_host()

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.set()

    with anyio.CancelScope() as scope:
        host.spawn(work)
        scope.cancel()
        await anyio.lowlevel.checkpoint()
    with anyio.fail_after(5):
        await done.wait()


def test_endings_run_last_first_when_the_loop_ends(anyio_backend: str) -> None:
    done: list[str] = []

    async def end(name: str) -> None:
        await anyio.lowlevel.checkpoint()
        done.append(name)

    async def main() -> None:
        at_loop_end(lambda: end("first"))
        at_loop_end(lambda: end("second"))
        done.append("main")

    for _ in range(2):
        anyio.run(main, backend=anyio_backend)
    assert done == ["main", "second", "first"] * 2


def test_endings_run_although_the_run_was_cancelled(anyio_backend: str) -> None:
    done: list[str] = []

    async def end() -> None:
        await anyio.lowlevel.checkpoint()
        done.append("end")

    async def main() -> None:
        at_loop_end(end)
        raise KeyError("main")

    with pytest.raises(KeyError, match="main"):
        anyio.run(main, backend=anyio_backend)
    assert done == ["end"]


def test_ending_that_hangs_is_cut_off(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "CLOSING_SECONDS", 0.02)

    async def main() -> None:
        at_loop_end(anyio.sleep_forever)

    anyio.run(main, backend=anyio_backend)


# -------------------------------------------------------------------------------- what is dropped just before the end


@pytest.mark.parametrize("decorated", [False, True])
def test_stream_dropped_as_the_last_act_of_a_run_is_closed(
    anyio_backend: str, decorated: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = Streaming(chunks=two_then_wait)
    runnable = model.with_retry().with_fallbacks([]) if decorated else model

    async def leave_the_loop() -> None:
        async for _ in runnable.astream("x"):
            break

    async def leave_it_in_a_variable() -> None:
        chunks = runnable.astream("x")
        await anext(chunks)

    for main in (leave_the_loop, leave_it_in_a_variable):
        anyio.run(main, backend=anyio_backend)
        assert model._watch.active == 0
    assert model._watch.cleaned == 2
    assert caplog.text == ""


def test_batch_dropped_as_the_last_act_of_a_run_is_stopped(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def first_only(text: str) -> str:
        if text != "0":
            await anyio.sleep_forever()
        return text

    model = Plain(answer=first_only)

    async def main() -> None:
        async for _ in model.abatch_as_completed(["0", "1", "2"]):
            break

    anyio.run(main, backend=anyio_backend)
    assert model._watch.active == 0
    assert model._watch.cleaned == model._watch.begun
    assert caplog.text == ""


@pytest.mark.parametrize("ending", ["break", "raise KeyError"])
@pytest.mark.parametrize("verb", ['astream("0")', 'abatch_as_completed(["0", "1"])'])
@pytest.mark.parametrize("run", ["asyncio.run(main())", "trio.run(main)"])
def test_script_that_leaves_a_loop_early_ends_without_a_word(run: str, verb: str, ending: str) -> None:
    text = f"""
    import asyncio, sys
    import anyio, trio
    sys.path.insert(0, {str(ROOT)!r})
    from tests.engine.models import Streaming

    async def two_then_wait(text):
        yield "a"
        yield "b"
        if text != "0" or {verb.startswith("astream")}:
            await anyio.sleep_forever()

    model = Streaming(chunks=two_then_wait)

    async def main():
        async for _ in model.{verb}:
            {ending}

    try:
        {run}
    except KeyError:
        pass
    print(model._watch.begun - model._watch.cleaned)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    assert (complaints(done.stderr), done.stdout, done.returncode) == ("", "0\n", 0)
