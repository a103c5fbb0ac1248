"""`astream_events`: everything that happens in a call, as events in one stream.

::

    the call, read to its end in a task of its own ── runs ── EventListener
                                                                  │ appends to what waits, and rings once
                                                                  EventStream ── takes all that waits ── async for

Events are delivered as they happen, whatever the call is waiting for. Several that happen before the reader comes round
travel together, so that an event costs a fraction of a switch between tasks. Whoever is cancelled while the call waits
for the reader takes no event with it: what waits belongs to nobody in particular.

Sync code in the call may call sync verbs, which run in the portal's loop: what happens there is queued, and the
stream's own loop is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Protocol, cast

import anyio
from typing_extensions import TypedDict

from chatcore.engine._host import current_host
from chatcore.engine.batch import BatchStream, Deliver

if TYPE_CHECKING:
    from chatcore.engine.runs import Run
    from chatcore.engine.stream import ChatStream

__all__ = [
    "BaseStreamEvent",
    "CustomStreamEvent",
    "EventData",
    "EventFilter",
    "EventStream",
    "StandardStreamEvent",
    "StreamEvent",
]

_TOGETHER = 64
"""How many events may wait for the reader before the call waits for it, too."""


class EventData(TypedDict, total=False):
    """What an event is about.

    input: what was given to the runnable.
    output: what it gave.
    chunk: one chunk of that.
    error: what it raised.
    tool_call_id: of a tool that failed: the id of the call it was to answer.
    """

    input: Any
    output: Any
    chunk: Any
    error: NotRequired[BaseException]
    tool_call_id: NotRequired[str | None]


class BaseStreamEvent(TypedDict):
    """What all events have.

    event: `on_<kind>_<what>`: kinds are chat_model, chain, tool, parser, prompt, retriever; what happened is start,
        stream, end or (tools) error.
    run_id: the id of the run.
    tags, metadata: those of the run.
    parent_ids: the ids of the runs it was made within, the outermost first.
    """

    event: str
    run_id: str
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    parent_ids: list[str]


class StandardStreamEvent(BaseStreamEvent):
    """An event of a run.

    data: what it is about.
    name: the run's name.
    """

    data: EventData
    name: str


class CustomStreamEvent(BaseStreamEvent):
    """An event that the user's code dispatched.

    name: what the user called it.
    data: what the user gave with it.
    """

    event: Literal["on_custom_event"]  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride]
    name: str
    data: Any


StreamEvent = StandardStreamEvent | CustomStreamEvent
"""What `astream_events` gives."""


class EventFilter:
    """Which events are wanted: those that one of `include_*` names (all, if there is none), without those excluded.

    names: of runs (of custom events: their own).
    types: kinds of runs (of custom events: their names).
    tags: an event is meant that has one of these.
    """

    __slots__ = ("_all", "_exclude", "_include")

    def __init__(
        self,
        *,
        include_names: Collection[str] | None = None,
        include_types: Collection[str] | None = None,
        include_tags: Collection[str] | None = None,
        exclude_names: Collection[str] | None = None,
        exclude_types: Collection[str] | None = None,
        exclude_tags: Collection[str] | None = None,
    ) -> None:
        self._include = (include_names, include_types, include_tags)
        self._exclude = (exclude_names or (), exclude_types or (), exclude_tags or ())
        self._all = all(wanted is None for wanted in self._include)

    def wants(self, name: str, kind: str, tags: list[str]) -> bool:
        """Whether an event of this name, type and tags is wanted."""
        names, types, labels = self._exclude
        if name in names or kind in types or any(tag in labels for tag in tags):
            return False
        if self._all:
            return True
        names, types, labels = (wanted or () for wanted in self._include)
        return name in names or kind in types or any(tag in labels for tag in tags)


class _Verb(Protocol):
    def __call__(self, listener: Any, /) -> ChatStream[Any, Any]: ...


class EventStream(BatchStream["StreamEvent"]):
    """The events of one call, as they happen.

    ::

        async with model.astream_events("Tell me a story") as events:
            async for event in events:
                if event["event"] == "on_chat_model_stream":
                    print(event["data"]["chunk"].text, end="")

    As for a batch: `async with` is the deterministic form, and nothing begins before it is entered or before the first
    pull. Leaving early cancels the call. What the call raises is raised after its last event.

    Args:
        open_stream: makes the call's stream, given who is to listen to it.
        given: the call's input.
        wanted: which events to give.
    """

    __slots__ = ("_ready",)

    def __init__(self, open_stream: _Verb, given: Any, wanted: EventFilter) -> None:
        async def work(deliver: Deliver[Any]) -> None:
            listener = _EventListener(deliver, given, wanted)
            async with open_stream(listener) as chunks:
                # Read to its end; what comes on the way, the listener is told of.
                await chunks.result()

        super().__init__(cast("Any", work))
        self._ready: deque[StreamEvent] = deque()

    async def __anext__(self) -> StreamEvent:
        ready = self._ready
        if ready and not self._over:
            return ready.popleft()
        listener = cast("_EventListener", await super().__anext__())
        self._ready = listener.taken()
        return self._ready.popleft()


class _EventListener:
    """Makes events of what runs tell. To its reader it gives itself, whenever something waits to be taken."""

    __slots__ = (
        "_chunks",
        "_common",
        "_deliver",
        "_elsewhere",
        "_given",
        "_host",
        "_room",
        "_root",
        "_thread",
        "_waiting",
        "_wanted",
    )

    wants_chunks = True

    def __init__(self, deliver: Deliver[Any], given: Any, wanted: EventFilter) -> None:
        self._deliver = deliver
        self._host = current_host()
        self._thread = get_ident()
        self._elsewhere: deque[StreamEvent] = deque()
        self._given = given
        self._wanted = wanted
        # What the reader is to take. If there is any, it has been told so.
        self._waiting: deque[StreamEvent] = deque()
        self._room = anyio.Event()
        self._root: Run | None = None
        # What all events of a run have in common, and all those of its chunks; nothing of runs that nobody wants.
        self._common: dict[Run, StandardStreamEvent] = {}
        self._chunks: dict[Run, StandardStreamEvent] = {}

    async def started(self, run: Run) -> None:
        given = run.inputs
        if self._root is None:
            self._root = run
            given = self._given
        elif run.kind == "chat_model":
            given = {"messages": [given]}
        if self._wanted.wants(run.name, run.kind, run.tags):
            self._common[run] = common = _described(run)
            self._chunks[run] = {**common, "event": f"on_{run.kind}_stream"}
            self._send(common, "start", {} if given is None else {"input": given})
            await self._until_room()

    async def chunk(self, run: Run, chunk: Any) -> None:
        common = self._chunks.get(run)
        if common is not None:
            self._put({**common, "data": {"chunk": chunk}})
            # As in `_until_room`, without the cost of one more coroutine for each chunk.
            if len(self._waiting) >= _TOGETHER:
                await self._until_room()

    async def ended(self, run: Run, output: Any) -> None:
        common = self._over(run)
        if common is not None:
            data: EventData = {"output": output}
            # That of the outermost run was in its first event.
            if run is not self._root:
                data["input"] = {"messages": [run.inputs]} if run.kind == "chat_model" else run.inputs
            # A run that is over does not wait for the reader: it may have been cancelled.
            self._send(common, "end", data)
        elif run is self._root:
            self._put()

    async def failed(self, run: Run, error: BaseException) -> None:
        common = self._over(run)
        if common is not None and run.kind == "tool":
            data: EventData = {"error": error, "input": run.inputs, "tool_call_id": run.details.get("tool_call_id")}
            self._send(common, "error", data)
        elif run is self._root and isinstance(error, Exception):
            self._put()

    async def custom(self, run: Run, name: str, data: Any) -> None:
        if self._wanted.wants(name, name, run.tags):
            event: CustomStreamEvent = {
                "event": "on_custom_event",
                "run_id": str(run.id),
                "name": name,
                "tags": run.tags,
                "metadata": run.metadata,
                "data": data,
                "parent_ids": [str(parent) for parent in run.parent_ids],
            }
            self._put(event)
            await self._until_room()

    def _over(self, run: Run) -> StandardStreamEvent | None:
        self._chunks.pop(run, None)
        return self._common.pop(run, None)

    def taken(self) -> deque[StreamEvent]:
        """All that waits, for the reader."""
        taken, self._waiting = self._waiting, deque()
        taken.extend(self._from_elsewhere())
        room, self._room = self._room, anyio.Event()
        room.set()
        return taken

    def _send(self, common: StandardStreamEvent, what: str, data: EventData) -> None:
        self._put({**common, "event": common["event"] + what, "data": data})

    def _put(self, *events: StreamEvent) -> None:
        if self._thread != get_ident():
            # Of another loop, which must not wait for this one: it may be waiting for that one.
            self._elsewhere.extend(events)
            self._host.post(self._called)
            return
        waiting = self._waiting
        told = bool(waiting)
        if self._elsewhere:
            waiting.extend(self._from_elsewhere())
        waiting.extend(events)
        if waiting and not told:
            # There is always room for this: the reader is told once until it comes. One that has left needs no events.
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._deliver.now(self)

    async def _until_room(self) -> None:
        if len(self._waiting) >= _TOGETHER and self._thread == get_ident():
            await self._room.wait()

    def _from_elsewhere(self) -> list[StreamEvent]:
        """The events of other loops that have come, in their order."""
        elsewhere = self._elsewhere
        return [elsewhere.popleft() for _ in range(len(elsewhere))]

    def _called(self) -> None:
        # If the reader has been told of others, it takes these with them.
        if not self._waiting:
            self._put()


def _described(run: Run) -> StandardStreamEvent:
    return {
        "event": f"on_{run.kind}_",
        "data": {},
        "name": run.name,
        "tags": run.tags,
        "run_id": str(run.id),
        "metadata": run.metadata,
        "parent_ids": [str(parent) for parent in run.parent_ids],
    }
