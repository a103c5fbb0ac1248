"""Sync verbs: from scripts, running loops, threads, and the portal itself."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from chatcore import configure
from chatcore.engine._portal import _PORTAL, SyncStream, blocking_function
from chatcore.engine.threads import WORKER_THREADS
from chatcore.errors import ConfigurationError, InvalidInputError, PortalError
from chatcore.runnables import RunnableLambda
from tests.development_mode import complaints
from tests.engine.models import Plain, Streaming, SyncPlain, letters

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(params=["asyncio", "trio"])
def portal(request: pytest.FixtureRequest) -> Iterator[str]:
    configure(portal_backend=request.param)
    yield request.param
    configure(portal_backend="asyncio")


def wait_for(condition: Any) -> None:
    """Wait until another thread has made `condition` true."""
    done = threading.Event()
    for _ in range(500):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not come true")


# -------------------------------------------------------------------------------------------------- from a plain script


def test_every_sync_verb(portal: str) -> None:
    model = Plain()
    assert model.invoke("hi").text == "hi"
    assert [message.text for message in model.batch(["a", "b"])] == ["a", "b"]
    assert sorted((index, message.text) for index, message in model.batch_as_completed(["a", "b"])) == [
        (0, "a"),
        (1, "b"),
    ]
    assert "".join(chunk.text for chunk in Streaming(chunks=letters).stream("abc")) == "abc"
    assert model.generate([[("human", "hi")]]).generations[0][0].text == "hi"


def test_arguments_arrive(portal: str) -> None:
    model = Plain()
    model.invoke("hi", {"tags": ["x"]}, stop=["."], temperature=1)
    model.batch(["hi"], {"max_concurrency": 1}, stop=["."], temperature=1)
    model.generate([["hi"]], ["."], temperature=1)
    list(model.stream("hi", stop=["."], temperature=1))
    assert model._watch.settings == [{"stop": ["."], "temperature": 1}] * 4


def test_functions_have_sync_forms(portal: str) -> None:
    async def add(a: int, *, b: int) -> int:
        """Add."""
        await anyio.lowlevel.checkpoint()
        return a + b

    add_sync = blocking_function(add, "add_sync")
    assert add_sync(1, b=2) == 3
    with pytest.raises(TypeError):
        add_sync(1)
    assert add_sync.__name__ == "add_sync"
    assert add_sync.__qualname__ == "test_functions_have_sync_forms.<locals>.add_sync"
    assert add_sync.__doc__ == "`add`, for sync code: same arguments, same results.\n\nAdd."


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_call_whose_code_cancels_itself_is_an_error_and_takes_nothing_else_with_it(anyio_backend: str) -> None:
    async def cancel_itself(text: str) -> str:
        raise asyncio.CancelledError

    with Streaming(chunks=two_then_wait).stream("x") as chunks:
        next(chunks)
        with pytest.raises(PortalError, match="its own code has cancelled it"):
            Plain(answer=cancel_itself).invoke("hi")
        assert next(chunks).text == "b"


def test_errors_arrive(portal: str) -> None:
    async def fail(text: str) -> str:
        raise ValueError(text)

    model = Plain(answer=fail)
    with pytest.raises(ValueError, match="hi"):
        model.invoke("hi")
    with pytest.raises(ValueError, match="hi"):
        list(model.stream("hi"))
    with pytest.raises(InvalidInputError):
        model.invoke(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        list(model.stream(5))  # type: ignore[arg-type]
    results = model.batch(["a", "b"], return_exceptions=True)
    assert [str(result) for result in results] == ["a", "b"]


def test_exit_raised_by_a_hook_arrives(portal: str) -> None:
    async def leave(text: str) -> str:
        raise SystemExit(3)

    with pytest.raises(SystemExit, match="3"):
        Plain(answer=leave).invoke("hi")
    assert Plain().invoke("the portal lives").text == "the portal lives"


def test_context_variables_travel_in_and_not_out(portal: str) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
    seen: list[str] = []

    async def look(text: str) -> str:
        seen.append(user.get())
        user.set("changed")
        return text

    async def look_streaming(text: str) -> AsyncIterator[str]:
        seen.append(user.get())
        yield text

    def look_sync(text: str) -> str:
        seen.append(user.get())
        return text

    user.set("alice")
    Plain(answer=look).invoke("hi")
    list(Streaming(chunks=look_streaming).stream("hi"))
    SyncPlain(answer=look_sync).invoke("hi")
    RunnableLambda(look_sync).batch(["hi"])
    assert seen == ["alice"] * 4
    assert user.get() == "alice"


def test_from_many_threads_at_once(portal: str) -> None:
    count = 20
    together = threading.Barrier(count)
    results: dict[int, list[str]] = {}
    model, streaming = Plain(), Streaming(chunks=letters)

    def work(number: int) -> None:
        together.wait(10)
        results[number] = [
            model.invoke(f"{number}").text,
            "".join(chunk.text for chunk in streaming.stream(f"{number}")),
            *(message.text for message in model.batch([f"{number}", "b"])),
        ]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: [f"{number}", f"{number}", f"{number}", "b"] for number in range(count)}
    assert sum(thread.name == "chatcore-portal" for thread in threading.enumerate()) == 1


# -------------------------------------------------------------------------------------------------- from a running loop


@pytest.mark.anyio
async def test_inside_a_running_loop(portal: str) -> None:
    model = Plain()
    assert model.invoke("hi").text == "hi"
    assert [message.text for message in model.batch(["a", "b"])] == ["a", "b"]
    assert "".join(chunk.text for chunk in Streaming(chunks=letters).stream("abc")) == "abc"
    assert (await model.ainvoke("and async")).text == "and async"


def test_one_model_in_every_kind_of_loop() -> None:
    model, streaming = Plain(), Streaming(chunks=letters)

    async def use() -> None:
        assert (await model.ainvoke("hi")).text == "hi"
        async with streaming.astream("hi") as chunks:
            assert "".join([chunk.text async for chunk in chunks]) == "hi"
        assert len(await model.abatch(["a", "b"])) == 2
        async for _ in streaming.astream("hi"):
            break

    for backend in ("asyncio", "asyncio", "trio", "asyncio", "trio"):
        anyio.run(use, backend=backend)
        assert model.invoke("hi").text == "hi"
    gc.collect()
    assert streaming._watch.active == 0


# ----------------------------------------------------------------------------------------------- from the portal itself


def test_sync_tool_in_a_worker_thread_of_the_portal(portal: str) -> None:
    inner = Plain()
    outer = RunnableLambda(lambda text: inner.invoke(text).text + "".join(c.text for c in inner.stream("!")))
    assert outer.invoke("hi") == "hi!"
    assert outer.batch(["a", "b"]) == ["a!", "b!"]


def test_more_nested_sync_calls_than_worker_threads() -> None:
    inner = SyncPlain()
    middle = RunnableLambda(lambda text: inner.invoke(text).text)
    outer = RunnableLambda(lambda text: middle.invoke(text))  # noqa: PLW0108 - one more function in a thread
    count = WORKER_THREADS + 10
    results: list[Any] = []

    def call() -> None:
        with suppress(PortalError):
            results.extend(outer.batch(["x"] * count))

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(10)
    assert results == ["x"] * count, "each of them waits for a thread that another one holds"


def test_on_the_portals_own_loop_is_an_error_and_no_deadlock(portal: str) -> None:
    inner = Plain()

    async def careless(text: str) -> Any:
        await anyio.lowlevel.checkpoint()
        return inner.invoke(text)

    async def streaming_carelessly(text: str) -> Any:
        return list(inner.stream(text))

    for function in (careless, streaming_carelessly):
        with pytest.raises(PortalError, match=r"event loop that serves sync calls.*ainvoke"):
            RunnableLambda(function).invoke("hi")
    assert inner.invoke("still there").text == "still there"


# -------------------------------------------------------------------------------------------------------------- streams


async def endless(text: str) -> AsyncIterator[str]:
    while True:
        yield "a"


async def two_then_wait(text: str) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    await anyio.sleep_forever()


def test_nothing_is_asked_before_the_first_next() -> None:
    model = Streaming(chunks=letters)
    chunks = model.stream("abc")
    assert isinstance(chunks, SyncStream)
    assert model._watch.begun == 0
    assert next(chunks).text == "a"
    chunks.close()


@pytest.mark.parametrize("behaviour", [endless, two_then_wait])
def test_break_out_of_a_stream_closes_it(portal: str, behaviour: Any) -> None:
    model = Streaming(chunks=behaviour)
    for _ in model.stream("x"):
        break
    wait_for(lambda: model._watch.cleaned == 1)


@pytest.mark.parametrize("behaviour", [endless, two_then_wait])
def test_with_statement_has_closed_it_when_it_is_left(portal: str, behaviour: Any) -> None:
    model = Streaming(chunks=behaviour)
    with model.stream("x") as chunks:
        next(chunks)
    assert model._watch.active == 0
    assert model._watch.cleaned == 1
    assert list(chunks) == []


def test_closing_before_the_first_next_and_twice() -> None:
    model = Streaming(chunks=two_then_wait)
    chunks = model.stream("x")
    chunks.close()
    chunks.close()
    assert list(chunks) == []
    assert model._watch.begun == 0


def test_stream_that_fails_midway(portal: str) -> None:
    async def fail(text: str) -> AsyncIterator[str]:
        yield "a"
        raise ValueError(text)

    chunks = Streaming(chunks=fail).stream("x")
    assert next(chunks).text == "a"
    with pytest.raises(ValueError, match="x"):
        next(chunks)
    with pytest.raises(StopIteration):
        next(chunks)


def test_a_slow_reader_holds_back_the_stream(portal: str) -> None:
    made = 0

    async def count(text: str) -> AsyncIterator[str]:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield "a"

    model = Streaming(chunks=count)
    with model.stream("x") as chunks:
        next(chunks)
        wait_for(lambda: made >= 64)
        # However long it waits, it has no credit for more.
        RunnableLambda(anyio.sleep).invoke(0.02)
        assert made <= 66
        assert sum(len(chunk.text) for chunk in chunks) == 999
    assert made == 1000


def test_stream_handed_to_another_thread(portal: str) -> None:
    chunks = Streaming(chunks=letters).stream("abc")
    seen = [next(chunks).text]
    reader = threading.Thread(target=lambda: seen.extend(chunk.text for chunk in chunks))
    reader.start()
    reader.join(10)
    assert "".join(seen) == "abc"


def test_batch_as_completed_left_early_stops_the_siblings(portal: str) -> None:
    async def first_only(text: str) -> str:
        if text != "0":
            await anyio.sleep_forever()
        return text

    model = Plain(answer=first_only)
    for index, _ in model.batch_as_completed([f"{number}" for number in range(5)]):
        assert index == 0
        break
    wait_for(lambda: model._watch.active == 0 and model._watch.cleaned == model._watch.begun)


# ---------------------------------------------------------------------------------------------------------- configuring


def test_portal_backend_is_the_loop_under_sync_verbs(portal: str) -> None:
    async def which(text: str) -> str:
        return "trio" if "trio" in type(anyio.lowlevel.current_token().native_token).__module__ else "asyncio"

    assert Plain(answer=which).invoke("x").text == portal


def test_configuring_the_same_again_disturbs_nobody() -> None:
    with Streaming(chunks=two_then_wait).stream("x") as chunks:
        next(chunks)
        configure()
        configure(portal_backend="asyncio")
        assert next(chunks).text == "b"


def test_configuring_another_backend_cancels_the_calls_under_way() -> None:
    model = Streaming(chunks=two_then_wait)
    chunks = model.stream("x")
    next(chunks)
    try:
        configure(portal_backend="trio")
        next(chunks)
        with pytest.raises(PortalError, match="portal was closed"):
            next(chunks)
        assert model._watch.active == 0
        assert Plain().invoke("hi").text == "hi"
    finally:
        configure(portal_backend="asyncio")


def test_backend_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="must be 'asyncio' or 'trio', not 'curio'"):
        configure(portal_backend="curio")  # type: ignore[arg-type]


def test_portal_that_cannot_start_says_why_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _PORTAL.close()
    with monkeypatch.context() as patch:
        patch.setattr(_PORTAL, "backend", "missing")
        with pytest.raises(LookupError):
            Plain().invoke("hi")
    assert Plain().invoke("hi").text == "hi"


def test_signature_name_and_docstring_of_a_sync_verb() -> None:
    assert Plain.invoke.__name__ == "invoke"
    assert Plain.invoke.__qualname__ == "Runnable.invoke"
    assert (Plain.invoke.__doc__ or "").startswith("`ainvoke`, for sync code")
    assert Plain.stream.__name__ == "stream"


def test_overriding_the_async_verb_overrides_the_sync_one() -> None:
    class Shouting(Plain):
        async def ainvoke(self, *args: Any, **kwargs: Any) -> Any:
            return (await super().ainvoke(*args, **kwargs)).text.upper()

    assert Shouting().invoke("hi") == "HI"


# ------------------------------------------------------------------------------------------------ programs of their own

PROLOGUE = """
import logging, os, sys, signal, threading, time, warnings
import anyio
# A shell's background jobs, and their children, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {root!r})
from tests.engine.models import Plain, Streaming, letters
from chatcore import configure
configure(portal_backend={backend!r})
# asyncio's debug mode tells of slow steps: of a busy machine, that is.
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))

async def hang(text):
    try:
        say("begun")
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        say("cleaned")

async def hang_midway(text):
    try:
        yield "a"
        say("begun")
        await anyio.sleep_forever()
    finally:
        say("cleaned")

def say(what):
    os.write(1, (what + "\\n").encode())
"""


def program(body: str, backend: str) -> list[str]:
    text = PROLOGUE.format(root=str(ROOT), backend=backend) + textwrap.dedent(body)
    return [sys.executable, "-W", "error", "-X", "dev", "-c", text]


def run(body: str, backend: str, seconds: float = 20) -> list[str]:
    done = subprocess.run(
        program(body, backend), capture_output=True, text=True, cwd=ROOT, timeout=seconds, check=False
    )
    assert complaints(done.stderr) == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@BACKENDS
@pytest.mark.parametrize(
    "call",
    [
        'Plain(answer=hang).invoke("x")',
        'list(Streaming(chunks=hang_midway).stream("x"))',
        'Plain(answer=hang).batch(["x"])',
    ],
    ids=["invoke", "stream", "batch"],
)
def test_ctrl_c_cancels_the_call(call: str, backend: str) -> None:
    body = f"""
    try:
        {call}
    except KeyboardInterrupt:
        say("interrupted")
    say(Plain().invoke("the portal lives").text)
    """
    child = subprocess.Popen(
        program(body, backend), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    os.kill(child.pid, signal.SIGINT)
    said, complained = child.communicate(timeout=20)
    assert said.splitlines() == ["cleaned", "interrupted", "the portal lives"]
    assert complained == ""
    assert child.returncode == 0


@BACKENDS
def test_after_a_fork_the_child_has_a_portal_of_its_own(backend: str) -> None:
    said = run(
        """
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    model = Plain()
    model.invoke("before")
    child = os.fork()
    if child == 0:
        say("child: " + model.invoke("hi").text)
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    say(f"child ended: {status}")
    say("parent: " + model.invoke("hi").text)
    """,
        backend,
    )
    assert said == ["child: hi", "child ended: 0", "parent: hi"]


@BACKENDS
def test_at_exit_nothing_is_left_and_nothing_complains(backend: str) -> None:
    said = run(
        """
    model = Streaming(chunks=letters)
    say(Plain().invoke("hi").text)
    kept = model.stream("abc")
    say(next(kept).text)
    """,
        backend,
    )
    assert said == ["hi", "a"]


@BACKENDS
def test_at_exit_a_hanging_call_is_cancelled_soon(backend: str) -> None:
    said = run(
        """
    begun = threading.Event()

    async def hang_and_tell(text):
        begun.set()
        return await hang(text)

    def call():
        try:
            Plain(answer=hang_and_tell).invoke("x")
        except BaseException as error:
            say(type(error).__name__)

    threading.Thread(target=call, daemon=True).start()
    begun.wait()
    """,
        backend,
        seconds=10,
    )
    # Whether the daemon thread gets to say anything while the interpreter goes, is up to the system.
    assert said[:2] == ["begun", "cleaned"]


@BACKENDS
def test_at_exit_a_stream_that_hangs_is_closed(backend: str) -> None:
    said = run('kept = Streaming(chunks=hang_midway).stream("x")\nsay(next(kept).text)', backend, seconds=10)
    assert sorted(said) == ["a", "begun", "cleaned"]


@BACKENDS
@pytest.mark.parametrize("kind", ["Panic", "SystemExit"])
@pytest.mark.parametrize("verb", ["invoke(1)", "batch([1, 2])", "batch_as_completed([1, 2])", "stream(1)"])
def test_what_is_no_exception_does_not_take_the_portal_with_it(verb: str, kind: str, backend: str) -> None:
    said = run(
        f"""
    from chatcore import RunnableLambda
    class Panic(BaseException): ...
    async def bad(given):
        await anyio.lowlevel.checkpoint()
        raise {kind}
    try:
        list(RunnableLambda(bad).{verb})
    except {kind}:
        say("raised")
    say(str(RunnableLambda(lambda given: given).invoke("lives")))
    """,
        backend,
    )
    assert said == ["raised", "lives"]


def test_loop_that_user_code_stops_is_replaced() -> None:
    said = run(
        """
    import asyncio
    from chatcore import PortalError, RunnableLambda
    async def stops(given):
        asyncio.get_running_loop().stop()
        await anyio.sleep_forever()
    try:
        RunnableLambda(stops).invoke(1)
    except PortalError:
        say("told")
    for thread in threading.enumerate():
        if thread.name == "chatcore-portal":
            thread.join()
    say(str(RunnableLambda(lambda given: given).invoke("lives")))
    """,
        "asyncio",
    )
    assert said == ["told", "lives"]


def test_configuring_the_portal_away_from_within_is_refused() -> None:
    said = run(
        """
    from chatcore import PortalError, RunnableLambda
    async def step(given):
        try:
            configure(portal_backend="trio")
        except PortalError:
            return "refused"
    say(RunnableLambda(step).invoke(1))
    say(RunnableLambda(step).invoke(2))
    """,
        "asyncio",
    )
    assert said == ["refused", "refused"]
