"""A provider to test against: five dialects over real HTTP on one port, with faults to order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

from anyio import TASK_STATUS_IGNORED, create_task_group, sleep, sleep_forever
from anyio.abc import SocketStream, TaskGroup, TaskStatus
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.lowlevel import cancel_shielded_checkpoint

from chatcore.errors import ConfigurationError
from chatcore.testing._connection import Caps, Connection
from chatcore.testing._dialects import dialects
from chatcore.testing._door import Door
from chatcore.testing._faults import Faults
from chatcore.testing._latency import Latency
from chatcore.testing._limits import Gate, Limits
from chatcore.testing._record import Ledger, SimulatedRequest, Stats
from chatcore.testing._script import Script, scripting
from chatcore.testing._service import Desk

__all__ = ["Simulator", "ThreadedSimulator"]

P = ParamSpec("P")


def _in_thread(init: Callable[Concatenate[Simulator, P], None]) -> Callable[P, ThreadedSimulator]:
    """The threaded form of the constructor, with the very same arguments."""

    def in_thread(*args: P.args, **kwargs: P.kwargs) -> ThreadedSimulator:
        """A simulator in a thread of its own, for plain sync code: `with Simulator.in_thread(...) as sim:`."""
        simulator = Simulator.__new__(Simulator)
        init(simulator, *args, **kwargs)
        return ThreadedSimulator(simulator)

    return in_thread


class Simulator:
    """A server that speaks OpenAI's chat completions and Responses, Anthropic's Messages, Gemini and Ollama.

    It is for tests and trials, and listens on a real socket. It answers plain and streamed, all dialects on one port;
    it validates what it is sent, and answers what a service would not take with that service's errors. What it says
    follows from its seed and the request alone. It runs on asyncio and on trio::

        import httpx
        from chatcore.testing import Fault, Simulator

        question = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}
        async with Simulator(script=[Fault.http(503), "Hello!"]) as sim:
            async with httpx.AsyncClient(base_url=sim.base_url) as client:
                assert (await client.post("/chat/completions", json=question)).status_code == 503
                reply = await client.post("/chat/completions", json=question)
                assert reply.json()["choices"][0]["message"]["content"] == "Hello!"
            await sim.wait_for(lambda stats: stats.connections_open == 0)

    `Simulator.in_thread(...)` is the same for plain sync code: a `with` block, the server in a thread of its own.

    seed: what all its choices follow from.
    latency: how long answers take; by default, no time.
    limits: rates to enforce, with the headers of each service and 429; None: no limits and no such headers.
    script: what to reply: one `Reply`, `Fault` or text for every request; a sequence, served in order of arrival, with
        default replies after its end; or a function, sync or async, of the `SimulatedRequest`, which may return None
        for the default reply. Requests that are refused or rate-limited take nothing from the script. Without one, the
        default: a call of the tool that is demanded, JSON for the schema that is given, else a text.
        If the script raises, the client is given a 500, and the error is raised again where the simulator ends.
    faults: faults that strike at random.
    host, port: where to listen: an IP address or "localhost"; 0 is any free port.
    prefix: of OpenAI's paths.
    models: those that exist; None: any that is asked for.
    api_key: the key that every request must bring, in the header that its service looks into; None: any or none.
    refuse_stream_options: answer `stream_options` of chat completions with a 400, as servers do that have never heard
        of it.
    reply_tokens: the length of default texts, in tokens of four characters; None: a few sentences.
    keep_requests: how many of the last requests `requests` holds (and at most 64 MB of their bodies).
    max_header_bytes, max_body_bytes: larger requests are answered with 431 and 413.
    backlog: how many connections may wait to be accepted; the system may allow fewer.

    Raises ConfigurationError if an argument cannot be meant; OSError, on entering, if it cannot listen there.
    """

    def __init__(  # noqa: PLR0913 - the settings of a server, all optional, all by name
        self,
        *,
        seed: int = 0,
        latency: Latency = Latency(),  # noqa: B008 - frozen
        limits: Limits | None = None,
        script: Script | None = None,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "/v1",
        models: Sequence[str] | None = None,
        api_key: str | None = None,
        refuse_stream_options: bool = False,
        reply_tokens: int | None = None,
        keep_requests: int = 1000,
        max_header_bytes: int = 65_536,
        max_body_bytes: int = 64 * 2**20,
        backlog: int = 4096,
    ) -> None:
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            raise ConfigurationError(
                f"prefix begins with a slash and does not end with one, or is empty; got {prefix!r}"
            )
        if reply_tokens is not None and reply_tokens < 1:
            raise ConfigurationError(f"reply_tokens is 1 or more; got {reply_tokens!r}")
        if max_header_bytes < 1 or max_body_bytes < 1:
            raise ConfigurationError("max_header_bytes and max_body_bytes are 1 or more")
        self._prefix = prefix
        self._door = Door(host, port, backlog)
        self._ledger = Ledger(keep_requests)
        self._desk = Desk(
            dialects=dialects(
                prefix=prefix,
                models=None if models is None else tuple(models),
                refuse_stream_options=refuse_stream_options,
            ),
            seed=seed,
            latency=latency,
            script=scripting(script),
            faults=faults,
            gate=None if limits is None else Gate(limits, self._ledger.now),
            api_key=api_key,
            reply_tokens=reply_tokens,
            ledger=self._ledger,
            caps=Caps(max_header_bytes, max_body_bytes),
            outage=self._begin_outage,
        )
        self._tasks: TaskGroup | None = None
        self._refusals = 0

    in_thread = staticmethod(_in_thread(__init__))

    def __repr__(self) -> str:
        return f"<Simulator {self.base_url}>"

    # ----------------------------------------------------------------------------------------------------- what it says

    @property
    def base_url(self) -> str:
        """What a client of OpenAI takes as its `base_url`: `http://127.0.0.1:PORT/v1`; others take the `origin`.

        The port is known once it is entered.
        """
        return self._door.origin + self._prefix

    @property
    def origin(self) -> str:
        """Where it is, `http://127.0.0.1:PORT`: what clients of Anthropic, Gemini and Ollama take as their base URL."""
        return self._door.origin

    @property
    def stats(self) -> Stats:
        """The counts of all it has seen; the object is live. As text it is a report."""
        return self._ledger.stats

    @property
    def requests(self) -> list[SimulatedRequest]:
        """The last requests it has read (`keep_requests` of them), in order of arrival."""
        return list(self._ledger.requests)

    async def wait_for(self, condition: Callable[[Stats], object], *, timeout: float | None = 5.0) -> Stats:
        """Return the counts as soon as a condition of them holds. It is checked at each change; nothing polls.

        timeout: seconds; None: for ever. Raises TimeoutError, which shows the counts, if it runs out.
        """
        return await self._ledger.wait_for(condition, timeout)

    # ----------------------------------------------------------------------------------------------------- what it does

    def release(self) -> None:
        """Let every reply that a stall holds now go on."""
        for scope in tuple(self._desk.stalls):
            scope.cancel()

    @contextmanager
    def refuse_connections(self) -> Generator[None]:
        """Refuse new connections within this block; the port stays ours, and opens again after it.

        Connections that are open stay open. A plain `with` block: nothing in it waits.
        """
        self.refuse()
        try:
            yield
        finally:
            self.accept_again()

    def refuse(self) -> None:
        """Refuse new connections until `accept_again` has been called as often as this."""
        self._refusals += 1
        if self._refusals == 1:
            self._door.shut()

    def accept_again(self) -> None:
        """Take back one `refuse`."""
        self._refusals -= 1
        tasks = self._tasks
        if self._refusals == 0 and tasks is not None and not tasks.cancel_scope.cancel_called:
            self._door.open()

    async def serve(self, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED) -> None:
        """Run until cancelled: the form for a program, or a task group's `start`, which is given the `base_url`."""
        async with self:
            task_status.started(self.base_url)
            await sleep_forever()

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise RuntimeError("a Simulator runs once; make another")
        self._door.open()
        self._ledger.start()
        self._tasks = create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._door.let_in, self._tasks, self._welcome)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        tasks = self._tasks
        if tasks is None:
            raise RuntimeError("the simulator has not been entered")
        tasks.cancel_scope.cancel()
        try:
            ended = await tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            # The block's own error is the block's: a failed assertion must not come out in a group.
            if error is None or group.exceptions != (error,):
                raise
            ended = False
        finally:
            self._door.close()
            await cancel_shielded_checkpoint()  # on asyncio, sockets close in the loop's next round
        if error is None and self._desk.script_error is not None:
            raise self._desk.script_error
        return ended

    # --------------------------------------------------------------------------------------------------------- the door

    async def _welcome(self, stream: SocketStream) -> None:
        await Connection(stream, self._desk).serve()

    def _begin_outage(self, seconds: float) -> None:
        if self._tasks is not None:
            self.refuse()
            self._tasks.start_soon(self._end_outage, seconds)

    async def _end_outage(self, seconds: float) -> None:
        await sleep(seconds)
        self.accept_again()


class ThreadedSimulator:
    """A simulator in a thread of its own, for plain sync code: made by `Simulator.in_thread(...)`, used by `with`.

    Its attributes and verbs are the simulator's; the verbs are sync. A script that is a function runs in that thread.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._running = ExitStack()
        self._portal: BlockingPortal | None = None

    def __repr__(self) -> str:
        return f"<ThreadedSimulator {self.base_url}>"

    @property
    def base_url(self) -> str:
        """What a client of OpenAI takes as its `base_url`: `http://127.0.0.1:PORT/v1`; others take the `origin`."""
        return self._simulator.base_url

    @property
    def origin(self) -> str:
        """Where it is: `http://127.0.0.1:PORT`."""
        return self._simulator.origin

    @property
    def stats(self) -> Stats:
        """The counts of all it has seen; the object is live, and written to by the other thread."""
        return self._simulator.stats

    @property
    def requests(self) -> list[SimulatedRequest]:
        """The last requests it has read, in order of arrival."""
        return self._simulator.requests

    def wait_for(self, condition: Callable[[Stats], object], *, timeout: float | None = 5.0) -> Stats:
        """Return the counts as soon as a condition of them holds. TimeoutError if `timeout` seconds are not enough."""
        return self._there().call(partial(self._simulator.wait_for, condition, timeout=timeout))

    def release(self) -> None:
        """Let every reply that a stall holds now go on."""
        self._there().call(self._simulator.release)

    @contextmanager
    def refuse_connections(self) -> Generator[None]:
        """Refuse new connections within this block; the port opens again after it."""
        self._there().call(self._simulator.refuse)
        try:
            yield
        finally:
            self._there().call(self._simulator.accept_again)

    def __enter__(self) -> Self:
        with ExitStack() as running:
            self._portal = running.enter_context(start_blocking_portal("asyncio"))
            running.enter_context(self._portal.wrap_async_context_manager(self._simulator))
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._portal = None
        return self._running.__exit__(kind, error, trace)

    def _there(self) -> BlockingPortal:
        if self._portal is None:
            raise RuntimeError("the simulator runs only within its `with` block")
        return self._portal
