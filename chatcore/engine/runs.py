"""Runs: calls as their listeners see them.

A call becomes a `Run` only if somebody listens; `following.py` tells the listeners what happens to it. Runs form a
tree. What a call hands to the calls made within it travels in their config; only for functions of the user's, which
call models without handing on a config, it is also in a context variable (`surrounding`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple, Protocol

import anyio

from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine.threads import abandoning

__all__ = ["Ambient", "Listener", "Run", "ambient", "heard_by", "surrounding", "to_the_last"]

_logger = logging.getLogger("chatcore")


class Listener(Protocol):
    """Whoever follows runs. It is told of each event before the call goes on, so what it does should be quick.

    wants_chunks: whether models that are asked for a whole answer are to be streamed, so that it comes in chunks.
    """

    wants_chunks: bool

    async def started(self, run: Run) -> None:
        """A call began."""
        ...

    async def chunk(self, run: Run, chunk: Any) -> None:
        """A chunk of its answer came: of a chat model an `AIMessageChunk`."""
        ...

    async def ended(self, run: Run, output: Any) -> None:
        """It gave `output`: of a stream all chunks merged."""
        ...

    async def failed(self, run: Run, error: BaseException) -> None:
        """It raised, was cancelled, or (`GeneratorExit`) its reader left before the end."""
        ...

    async def custom(self, run: Run, name: str, data: Any) -> None:
        """The user's own code dispatched an event from within it."""
        ...


class Run:
    """One call that somebody listens to.

    id: its own.
    parent_ids: the ids of the calls it was made within, the outermost first.
    name: what it is called: the config's `run_name`, or the runnable's name.
    kind: `"chain"`, `"chat_model"`, `"tool"`, `"parser"`, `"prompt"` or `"retriever"`.
    tags, metadata: those of the config and of the runnable, and what was inherited.
    inputs: the input; of a chat model its list of messages. None as long as a step that reads chunks has not read them.
    stream: whether chunks were asked for.
    runnable: what was called.
    settings: the call's keyword arguments.
    listeners: who is told.
    origin: the response, as its runnable made it; None before it is open.
    partial: what had come so far when it failed.
    details: what else its kind tells: of a tool `tool_call_id` and `input_str`.
    heirs: what the calls made within this one inherit; for whoever began it to know.
    """

    __slots__ = (
        "details",
        "heirs",
        "id",
        "inputs",
        "kind",
        "listeners",
        "metadata",
        "name",
        "origin",
        "over",
        "parent_ids",
        "partial",
        "runnable",
        "settings",
        "stream",
        "tags",
    )

    def __init__(  # noqa: PLR0913 - the facts of a call, all by name
        self,
        *,
        listeners: tuple[Listener, ...],
        runnable: Any,
        name: str,
        kind: str = "chain",
        inputs: Any = None,
        id: uuid.UUID | None = None,  # noqa: A002 - the field's name
        parent_ids: tuple[uuid.UUID, ...] = (),
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
        stream: bool = False,
    ) -> None:
        self.listeners = listeners
        self.runnable = runnable
        self.name = name
        self.kind = kind
        self.inputs = inputs
        self.id = id or uuid.uuid4()
        self.parent_ids = parent_ids
        self.tags: list[str] = tags or []
        self.metadata: dict[str, Any] = metadata or {}
        self.settings: Mapping[str, Any] = settings or {}
        self.details: Mapping[str, Any] = details or {}
        self.stream = stream
        self.origin: Any = None
        self.partial: Any = None
        self.heirs: Any = None
        self.over = False

    @property
    def parent_id(self) -> uuid.UUID | None:
        """The id of the call it was made within; None for an outermost one."""
        return self.parent_ids[-1] if self.parent_ids else None

    @property
    def wants_chunks(self) -> bool:
        """Whether a listener wants chunks even where the whole was asked for."""
        return any(listener.wants_chunks for listener in self.listeners)

    async def begin(self) -> None:
        """Tell that it began."""
        if len(self.listeners) == 1:
            # Handlers are one listener, so this is what most runs have; what is below costs as much as telling them.
            await self.listeners[0].started(self)
        else:
            await to_the_last(partial(listener.started, self) for listener in self.listeners)

    async def end(self, output: Any) -> None:
        """Tell that it gave `output`."""
        self.over = True
        if len(self.listeners) == 1:
            await self.listeners[0].ended(self, output)
        else:
            await to_the_last(partial(listener.ended, self, output) for listener in self.listeners)

    async def fail(self, error: BaseException) -> None:
        """Tell that it failed; once, and even where the call has been cancelled, but then not for long."""
        if self.over:
            return
        self.over = True
        try:
            # A sync handler's thread is not waited for any longer than an async handler.
            with anyio.move_on_after(CLOSING_SECONDS, shield=True), abandoning():
                await to_the_last(partial(listener.failed, self, error) for listener in self.listeners)
        except Exception as raised:
            if isinstance(error, Exception):
                raise
            # A cancellation goes on, whatever a listener makes of it.
            _logger.warning("A listener failed as it was told that a call had been left: %r", raised, exc_info=True)

    def __repr__(self) -> str:
        return f"Run({self.kind} {self.name}, {self.id})"


async def to_the_last(tellings: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Await all of them, so that nobody who was told of a run's beginning waits for its end.

    None is left out because of what another one raises. If this is cancelled meanwhile, those that are left are awaited
    as well, but then not for long.

    Raises:
        BaseException: the cancellation, or the first error.
    """
    left = iter(tellings)
    raised: Exception | None = None
    try:
        for telling in left:
            try:
                await telling()
            except Exception as error:  # noqa: BLE001 - raised below
                raised = raised or error
    except BaseException:
        with anyio.move_on_after(CLOSING_SECONDS, shield=True), suppress(Exception):
            await to_the_last(left)
        raise
    if raised is not None:
        try:
            raise raised
        finally:
            # Its traceback holds this frame.
            del raised


# ------------------------------------------------------------------------------------------------- without being handed


class Ambient(NamedTuple):
    """What calls find that are handed no config.

    config: the config of the call around them.
    heard_by: handlers of every call, whatever its config says.
    within: whether there is a call around them; False: there are only handlers.
    """

    config: Mapping[str, Any]
    heard_by: tuple[Any, ...] = ()
    within: bool = True


ambient: ContextVar[Ambient | None] = ContextVar("chatcore_ambient", default=None)
"""The call around this code, if that is a function of the user's; None: there is nothing to find."""


@contextmanager
def surrounding(config: Mapping[str, Any]) -> Generator[None, None, None]:
    """Let calls made in this block, and in threads begun in it, find `config`. No generator may yield in it."""
    around = ambient.get()
    token = ambient.set(Ambient(config, () if around is None else around.heard_by))
    try:
        yield
    finally:
        ambient.reset(token)


@contextmanager
def heard_by(handler: Any) -> Generator[None, None, None]:
    """Let `handler` hear every call made in this block, and in tasks and threads begun in it."""
    around = ambient.get() or Ambient({}, within=False)
    ambient.set(around._replace(heard_by=(*around.heard_by, handler)))
    try:
        yield
    finally:
        # Without the token: the block may be left in another context (that of a generator's next step) than entered.
        now = ambient.get()
        if now is not None:
            left = tuple(one for one in now.heard_by if one is not handler)
            ambient.set(now._replace(heard_by=left) if left or now.within else None)
