"""The fixtures that guard all other tests are seen to fail here."""

from __future__ import annotations

from pathlib import Path

import anyio.lowlevel
import pytest
import trio.testing

CONFTEST = Path(__file__).with_name("conftest.py")

LEAKS_A_TASK = """
    import anyio, pytest
    from chatcore.engine._host import current_host

    @pytest.mark.anyio
    async def test_leaves_a_task():
        current_host().spawn(anyio.sleep_forever)
"""

LEAKS_A_SOCKET = """
    import socket
    KEPT = []

    def test_leaves_a_socket():
        KEPT.append(socket.create_server(("127.0.0.1", 0)))
"""

LEAKS_A_SOCKET_IN_A_LOOP = """
    import anyio, pytest, socket
    KEPT = []

    @pytest.mark.anyio
    async def test_leaves_a_socket():
        KEPT.append(socket.create_server(("127.0.0.1", 0)))
"""

DROPS_A_SOCKET = """
    import socket

    def test_drops_a_socket():
        kept = [socket.create_server(("127.0.0.1", 0))]
        kept.append(kept)
"""

LEAVES_NOTHING = """
    import anyio, pytest
    from chatcore.engine._host import at_loop_end, current_host

    @pytest.mark.anyio
    async def test_closes_at_the_end_of_its_loop():
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        at_loop_end(listener.aclose)

    @pytest.mark.anyio
    async def test_task_that_ends_by_itself():
        async def a_few_steps():
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
        current_host().spawn(a_few_steps)
"""


@pytest.fixture
def guarded(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(
        CONFTEST.read_text(encoding="utf-8").replace("SETTLING_SECONDS = 1.0", "SETTLING_SECONDS = 0.05")
    )
    # As in our own settings: warnings are errors, and one plugin runs async tests.
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\naddopts = "-p no:asyncio"')
    return pytester


def test_leaked_task_fails_the_test_by_name(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(LEAKS_A_TASK)
    result = guarded.runpytest_inprocess()
    # The test itself passes, once on each backend; what comes after it does not.
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*Tasks left running by the test:*", "*sleep_forever (_eventloop.py:*) > *"])


@pytest.mark.parametrize("leak", [LEAKS_A_SOCKET, LEAKS_A_SOCKET_IN_A_LOOP], ids=["sync", "async"])
def test_leaked_socket_fails_the_test_by_its_address(guarded: pytest.Pytester, leak: str) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open sockets can be counted on Linux only")
    module = guarded.makepyfile(leak)
    # In a process of its own: this one would keep the socket too.
    result = guarded.runpytest_subprocess()
    runs = 2 if "anyio" in module.read_text(encoding="utf-8") else 1
    result.assert_outcomes(passed=runs, errors=runs)
    result.stdout.fnmatch_lines(["*Sockets left open by the test:*", "*AF_INET ('127.0.0.1', *), with no peer*"])


def test_resource_warning_from_the_garbage_fails_the_test(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(DROPS_A_SOCKET)
    result = guarded.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ResourceWarning: unclosed*"])


def test_what_ends_with_its_loop_is_no_leak(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(LEAVES_NOTHING)
    guarded.runpytest_inprocess().assert_outcomes(passed=4)


def test_parameter_without_a_name_of_its_own_is_refused(guarded: pytest.Pytester) -> None:
    guarded.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("thing", [object()], ids=repr)
        def test_thing(thing):
            pass
        """
    )
    result = guarded.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: Parameters shown by their address; give them ids:", "*test_thing*object at 0x*"]
    )


# Both plugins in one file: each takes the tests of its own mark.


@pytest.mark.anyio
async def test_anyio_runs_on_each_backend(anyio_backend_name: str) -> None:
    on_trio = isinstance(anyio.lowlevel.current_token().native_token, trio.lowlevel.TrioToken)
    assert anyio_backend_name == ("trio" if on_trio else "asyncio")


@pytest.mark.trio
async def test_trio_has_a_virtual_clock(autojump_clock: trio.testing.MockClock) -> None:
    begun = trio.current_time()
    await anyio.sleep(3600)
    assert trio.current_time() - begun == pytest.approx(3600)
    assert autojump_clock.autojump_threshold == 0
