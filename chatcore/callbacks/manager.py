"""Managers: what starts runs by hand, and tells the handlers of a run how it goes.

::

    AsyncCallbackManager.configure(callbacks, ...)     who hears, under which tags and metadata
      └─ on_chain_start(...)                           begins a run: handlers are told
           └─ AsyncCallbackManagerForChainRun          on_chain_end, on_chain_error: handlers are told
                └─ get_child()                         a manager for the calls made within the run

Models, chains and tools do all this by themselves. A hook such as `_agenerate` is given the manager of its run; other
code needs managers only to show runs of its own making. The sync managers are the same code: in them, sync handlers are
called in the thread that tells them, and async ones are waited for.
"""

from __future__ import annotations

import functools
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, cast
from uuid import UUID

import anyio

from chatcore.callbacks._deliver import at_once, driven, tell, tell_event
from chatcore.callbacks._hooks import hooked
from chatcore.callbacks.base import (
    BaseCallbackHandler,
    BaseCallbackManager,
    Callbacks,
)
from chatcore.callbacks.stdout import StdOutCallbackHandler
from chatcore.engine._host import CLOSING_SECONDS
from chatcore.engine.runs import Listener, Run, ambient
from chatcore.engine.threads import await_from_thread
from chatcore.errors import InvalidInputError, NoRunError
from chatcore.messages import AIMessageChunk, BaseMessage
from chatcore.outputs import ChatGenerationChunk, GenerationChunk, LLMResult

__all__ = [
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainGroup",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncParentRunManager",
    "AsyncRunManager",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainGroup",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "ParentRunManager",
    "RunManager",
    "adispatch_custom_event",
    "ahandle_event",
    "atrace_as_chain_group",
    "dispatch_custom_event",
    "handle_event",
    "shielded",
    "trace_as_chain_group",
]

P = ParamSpec("P")
R = TypeVar("R")


# ---------------------------------------------------------------------------------------------------- telling of a run


class BaseRunManager:
    """A run that has begun, and who hears of it.

    run_id: its id.
    handlers: who hears of it.
    inheritable_handlers: who hears of the calls made within it, too.
    parent_run_id: the run that it is made in.
    tags, metadata: what it carries.
    inheritable_tags, inheritable_metadata: what the calls within it carry, too.
    ancestors: all the runs that it is made in, the outermost first.
    """

    # Whether handlers are told in sync code.
    _here: ClassVar[bool] = True
    # The run that the engine follows, if this is about one.
    _run: Run | None = None

    def __init__(  # noqa: PLR0913 - the reference's signature
        self,
        *,
        run_id: UUID,
        handlers: list[BaseCallbackHandler],
        inheritable_handlers: list[BaseCallbackHandler],
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        inheritable_tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
    ) -> None:
        self.run_id = run_id
        self.handlers = handlers
        self.inheritable_handlers = inheritable_handlers
        self.parent_run_id = parent_run_id
        self.tags = tags or []
        self.inheritable_tags = inheritable_tags or []
        self.metadata = metadata or {}
        self.inheritable_metadata = inheritable_metadata or {}
        self.ancestors: tuple[UUID, ...] = () if parent_run_id is None else (parent_run_id,)

    @classmethod
    def get_noop_manager(cls) -> Self:
        """A manager that tells nobody."""
        return cls(run_id=uuid.uuid4(), handlers=[], inheritable_handlers=[])

    async def _tell(self, event: str, *args: Any, **kwargs: Any) -> None:
        if self.handlers:
            about = {"run_id": self.run_id, "parent_run_id": self.parent_run_id, "tags": self.tags}
            await tell(self.handlers, event, args, {**about, **kwargs}, here=self._here)

    async def _tell_the_end(self, event: str, *args: Any, **kwargs: Any) -> None:
        if self._here:
            await self._tell(event, *args, **kwargs)
            return
        # A cancelled run ends as well, but its handlers may not hold up the cancellation for long.
        with anyio.move_on_after(CLOSING_SECONDS, shield=True):
            await self._tell(event, *args, **kwargs)

    def _as(self, kind: type[_Managed]) -> _Managed:
        made = kind(
            run_id=self.run_id,
            handlers=self.handlers,
            inheritable_handlers=self.inheritable_handlers,
            parent_run_id=self.parent_run_id,
            tags=self.tags,
            inheritable_tags=self.inheritable_tags,
            metadata=self.metadata,
            inheritable_metadata=self.inheritable_metadata,
        )
        made.ancestors = self.ancestors
        return made

    def _child(self, kind: type[_Manager], tag: str | None) -> _Manager:
        child = kind([], parent_run_id=self.run_id)
        child.ancestors = (*self.ancestors, self.run_id)
        child.set_handlers(self.inheritable_handlers)
        child.add_tags(self.inheritable_tags)
        child.add_metadata(self.inheritable_metadata)
        if tag is not None:
            child.add_tags([tag], inherit=False)
        return child


_Managed = TypeVar("_Managed", bound=BaseRunManager)
_Manager = TypeVar("_Manager", bound=BaseCallbackManager)


class AsyncRunManager(BaseRunManager, ABC):
    """A run, told of by async code."""

    _here = False

    @abstractmethod
    def get_sync(self) -> RunManager:
        """The same run, for sync code."""

    async def on_text(self: BaseRunManager, text: str, **kwargs: Any) -> None:
        """Tell that the code that runs has something to say.

        Args:
            text: what it says.
            **kwargs: what else handlers are to be given.
        """
        await self._tell("on_text", text, **kwargs)

    async def on_retry(self: BaseRunManager, retry_state: Any, **kwargs: Any) -> None:
        """Tell that the call is about to be tried again.

        Args:
            retry_state: how far it is.
            **kwargs: what else handlers are to be given.
        """
        await self._tell("on_retry", retry_state, **kwargs)


class RunManager(BaseRunManager):
    """A run, told of by sync code."""

    on_text = at_once(AsyncRunManager.on_text)
    on_retry = at_once(AsyncRunManager.on_retry)


class AsyncParentRunManager(AsyncRunManager):
    """A run that other calls may be made in, told of by async code."""

    def get_child(self, tag: str | None = None) -> AsyncCallbackManager:
        """The manager for calls made within this run.

        Args:
            tag: a label of these calls alone.
        """
        return self._child(AsyncCallbackManager, tag)


class ParentRunManager(RunManager):
    """A run that other calls may be made in, told of by sync code."""

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """The manager for calls made within this run.

        Args:
            tag: a label of these calls alone.
        """
        return self._child(CallbackManager, tag)


class _ModelRun(BaseRunManager):
    """The run of a model. One that the engine follows is told of by the engine, but for tokens that its hook tells."""

    async def _tell_token(
        self, token: str | list[str | dict[str, Any]], chunk: GenerationChunk | ChatGenerationChunk | None, more: Any
    ) -> None:
        run = self._run
        if run is None:
            await self._tell("on_llm_new_token", token, chunk=chunk, **more)
            return
        message: Any = getattr(chunk, "message", None) or AIMessageChunk(content=cast("Any", token))
        for listener in run.listeners:
            if self._here:
                await_from_thread(functools.partial(listener.chunk, run, message))
            else:
                await listener.chunk(run, message)


class AsyncCallbackManagerForLLMRun(AsyncRunManager, _ModelRun):
    """The run of a model, told of by async code: what the hook `_agenerate` is given as `run_manager`."""

    def get_sync(self) -> CallbackManagerForLLMRun:
        """The same run, for sync code."""
        made = self._as(CallbackManagerForLLMRun)
        made._run = self._run  # noqa: SLF001 - the same base's
        return made

    async def on_llm_new_token(
        self: _ModelRun,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        **kwargs: Any,
    ) -> None:
        """Tell that a token has come.

        Args:
            token: its text, or content blocks.
            chunk: what it came in.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_token(token, chunk, kwargs)

    async def on_llm_end(self: BaseRunManager, response: LLMResult, **kwargs: Any) -> None:
        """Tell that the model has answered.

        Args:
            response: what it answered.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_llm_end", response, **kwargs)

    async def on_llm_error(self: BaseRunManager, error: BaseException, **kwargs: Any) -> None:
        """Tell that the model has failed.

        Args:
            error: why.
            **kwargs: what else handlers are to be given; `response`: what had come before.
        """
        await self._tell_the_end("on_llm_error", error, **kwargs)

    async def on_stream_event(self: BaseRunManager, event: Any, **kwargs: Any) -> None:
        """Tell that an event of a typed stream has come.

        Args:
            event: the event.
            **kwargs: what else handlers are to be given.
        """
        await self._tell("on_stream_event", event, **kwargs)


class CallbackManagerForLLMRun(RunManager, _ModelRun):
    """The run of a model, told of by sync code: what the hook `_generate` is given as `run_manager`."""

    on_llm_new_token = at_once(AsyncCallbackManagerForLLMRun.on_llm_new_token)
    on_llm_end = at_once(AsyncCallbackManagerForLLMRun.on_llm_end)
    on_llm_error = at_once(AsyncCallbackManagerForLLMRun.on_llm_error)
    on_stream_event = at_once(AsyncCallbackManagerForLLMRun.on_stream_event)


class AsyncCallbackManagerForChainRun(AsyncParentRunManager):
    """The run of a chain, told of by async code."""

    def get_sync(self) -> CallbackManagerForChainRun:
        """The same run, for sync code."""
        return self._as(CallbackManagerForChainRun)

    async def on_chain_end(self: BaseRunManager, outputs: Any, **kwargs: Any) -> None:
        """Tell that the chain is done.

        Args:
            outputs: what it gave.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_chain_end", outputs, **kwargs)

    async def on_chain_error(self: BaseRunManager, error: BaseException, **kwargs: Any) -> None:
        """Tell that the chain has failed.

        Args:
            error: why.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_chain_error", error, **kwargs)

    async def on_agent_action(self: BaseRunManager, action: Any, **kwargs: Any) -> None:
        """Tell what an agent does next.

        Args:
            action: what it does.
            **kwargs: what else handlers are to be given.
        """
        await self._tell("on_agent_action", action, **kwargs)

    async def on_agent_finish(self: BaseRunManager, finish: Any, **kwargs: Any) -> None:
        """Tell that an agent is done.

        Args:
            finish: what it found.
            **kwargs: what else handlers are to be given.
        """
        await self._tell("on_agent_finish", finish, **kwargs)


class CallbackManagerForChainRun(ParentRunManager):
    """The run of a chain, told of by sync code."""

    on_chain_end = at_once(AsyncCallbackManagerForChainRun.on_chain_end)
    on_chain_error = at_once(AsyncCallbackManagerForChainRun.on_chain_error)
    on_agent_action = at_once(AsyncCallbackManagerForChainRun.on_agent_action)
    on_agent_finish = at_once(AsyncCallbackManagerForChainRun.on_agent_finish)


class AsyncCallbackManagerForToolRun(AsyncParentRunManager):
    """The run of a tool, told of by async code: what a tool's `_arun` may take as `run_manager`."""

    def get_sync(self) -> CallbackManagerForToolRun:
        """The same run, for sync code."""
        return self._as(CallbackManagerForToolRun)

    async def on_tool_end(self: BaseRunManager, output: Any, **kwargs: Any) -> None:
        """Tell that the tool is done.

        Args:
            output: what it gave.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_tool_end", output, **kwargs)

    async def on_tool_error(self: BaseRunManager, error: BaseException, **kwargs: Any) -> None:
        """Tell that the tool has failed.

        Args:
            error: why.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_tool_error", error, **kwargs)


class CallbackManagerForToolRun(ParentRunManager):
    """The run of a tool, told of by sync code: what a tool's `_run` may take as `run_manager`."""

    on_tool_end = at_once(AsyncCallbackManagerForToolRun.on_tool_end)
    on_tool_error = at_once(AsyncCallbackManagerForToolRun.on_tool_error)


class AsyncCallbackManagerForRetrieverRun(AsyncParentRunManager):
    """The run of a retriever, told of by async code."""

    def get_sync(self) -> CallbackManagerForRetrieverRun:
        """The same run, for sync code."""
        return self._as(CallbackManagerForRetrieverRun)

    async def on_retriever_end(self: BaseRunManager, documents: Sequence[Any], **kwargs: Any) -> None:
        """Tell that the retriever is done.

        Args:
            documents: what it found.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_retriever_end", documents, **kwargs)

    async def on_retriever_error(self: BaseRunManager, error: BaseException, **kwargs: Any) -> None:
        """Tell that the retriever has failed.

        Args:
            error: why.
            **kwargs: what else handlers are to be given.
        """
        await self._tell_the_end("on_retriever_error", error, **kwargs)


class CallbackManagerForRetrieverRun(ParentRunManager):
    """The run of a retriever, told of by sync code."""

    on_retriever_end = at_once(AsyncCallbackManagerForRetrieverRun.on_retriever_end)
    on_retriever_error = at_once(AsyncCallbackManagerForRetrieverRun.on_retriever_error)


# -------------------------------------------------------------------------------------------------------- starting runs


class _Starting(BaseCallbackManager):
    """What starts runs: the same for async and sync code but for the kinds of runs that are started."""

    _here: ClassVar[bool]
    _model_run: ClassVar[type[BaseRunManager]]
    _chain_run: ClassVar[type[BaseRunManager]]
    _tool_run: ClassVar[type[BaseRunManager]]
    _retriever_run: ClassVar[type[BaseRunManager]]

    async def _start(
        self, kind: type[BaseRunManager], event: str, args: tuple[Any, ...], run_id: UUID | None, more: dict[str, Any]
    ) -> Any:
        run = kind(
            run_id=run_id or uuid.uuid4(),
            handlers=self.handlers,
            inheritable_handlers=self.inheritable_handlers,
            parent_run_id=self.parent_run_id,
            tags=self.tags,
            inheritable_tags=self.inheritable_tags,
            metadata=self.metadata,
            inheritable_metadata=self.inheritable_metadata,
        )
        run.ancestors = self.ancestors
        await run._tell(event, *args, metadata=self.metadata, **more)  # noqa: SLF001 - this module's
        return run

    async def _start_each(
        self, event: str, serialized: dict[str, Any], inputs: Sequence[Any], run_id: UUID | None, more: dict[str, Any]
    ) -> Any:
        ids = [run_id, *[None] * len(inputs)]
        return [
            await self._start(self._model_run, event, (serialized, [each]), ids[position], more)
            for position, each in enumerate(inputs)
        ]

    @classmethod
    def configure(
        cls,
        inheritable_callbacks: Callbacks = None,
        local_callbacks: Callbacks = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - the reference's signature
        inheritable_tags: list[str] | None = None,
        local_tags: list[str] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
        local_metadata: dict[str, Any] | None = None,
    ) -> Self:
        """Make a manager of what a config and an object say.

        Args:
            inheritable_callbacks: who hears of the call and of the calls within it.
            local_callbacks: who hears of the call alone.
            verbose: whether the call is told on standard output, too.
            inheritable_tags: labels of the call and of the calls within it.
            local_tags: labels of the call alone.
            inheritable_metadata: facts about the call and the calls within it.
            local_metadata: facts about the call alone.
        """
        if isinstance(inheritable_callbacks, BaseCallbackManager):
            given = inheritable_callbacks
            manager = cls(
                given.handlers.copy(),
                given.inheritable_handlers.copy(),
                given.parent_run_id,
                tags=given.tags.copy(),
                inheritable_tags=given.inheritable_tags.copy(),
                metadata=given.metadata.copy(),
                inheritable_metadata=given.inheritable_metadata.copy(),
            )
            manager.ancestors = given.ancestors
        else:
            handlers = list(inheritable_callbacks or ())
            manager = cls(handlers, handlers.copy())
        own = local_callbacks.handlers if isinstance(local_callbacks, BaseCallbackManager) else local_callbacks
        for handler in own or ():
            manager.add_handler(handler, inherit=False)
        manager.add_tags(inheritable_tags or [])
        manager.add_tags(local_tags or [], inherit=False)
        manager.add_metadata(inheritable_metadata or {})
        manager.add_metadata(local_metadata or {}, inherit=False)
        if verbose and not any(isinstance(handler, StdOutCallbackHandler) for handler in manager.handlers):
            manager.add_handler(StdOutCallbackHandler(), inherit=False)
        around = ambient.get()
        for handler in () if around is None else around.heard_by:
            manager.add_handler(handler)
        for handler, inheritable in hooked(manager.handlers):
            manager.add_handler(handler, inheritable)
        return manager


class AsyncCallbackManager(_Starting):
    """Starts runs in async code."""

    _here = False
    _model_run = AsyncCallbackManagerForLLMRun
    _chain_run = AsyncCallbackManagerForChainRun
    _tool_run = AsyncCallbackManagerForToolRun
    _retriever_run = AsyncCallbackManagerForRetrieverRun

    @property
    def is_async(self) -> bool:
        """Whether the manager's methods are to be awaited."""
        return True

    async def on_llm_start(
        self: _Starting, serialized: dict[str, Any], prompts: list[str], run_id: UUID | None = None, **kwargs: Any
    ) -> list[AsyncCallbackManagerForLLMRun]:
        """Start a run for each of a model's prompts.

        Args:
            serialized: what the model is.
            prompts: the prompts.
            run_id: the id of the first run.
            **kwargs: what else handlers are to be given.
        """
        return cast(
            "list[AsyncCallbackManagerForLLMRun]",
            await self._start_each("on_llm_start", serialized, prompts, run_id, kwargs),
        )

    async def on_chat_model_start(
        self: _Starting,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        run_id: UUID | None = None,
        **kwargs: Any,
    ) -> list[AsyncCallbackManagerForLLMRun]:
        """Start a run for each list of a chat model's messages.

        Args:
            serialized: what the model is.
            messages: the lists.
            run_id: the id of the first run.
            **kwargs: what else handlers are to be given.
        """
        return cast(
            "list[AsyncCallbackManagerForLLMRun]",
            await self._start_each("on_chat_model_start", serialized, messages, run_id, kwargs),
        )

    async def on_chain_start(
        self: _Starting, serialized: dict[str, Any] | None, inputs: Any, run_id: UUID | None = None, **kwargs: Any
    ) -> AsyncCallbackManagerForChainRun:
        """Start the run of a chain.

        Args:
            serialized: what the chain is.
            inputs: what it is given.
            run_id: the id of the run.
            **kwargs: what else handlers are to be given.
        """
        run = await self._start(self._chain_run, "on_chain_start", (serialized, inputs), run_id, kwargs)
        return cast("AsyncCallbackManagerForChainRun", run)

    async def on_tool_start(
        self: _Starting,
        serialized: dict[str, Any] | None,
        input_str: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> AsyncCallbackManagerForToolRun:
        """Start the run of a tool.

        Args:
            serialized: what the tool is.
            input_str: what it is given, as text.
            run_id: the id of the run.
            parent_run_id: not used: the manager knows.
            inputs: its arguments.
            **kwargs: what else handlers are to be given.
        """
        del parent_run_id
        more = {"inputs": inputs, **kwargs}
        run = await self._start(self._tool_run, "on_tool_start", (serialized, input_str), run_id, more)
        return cast("AsyncCallbackManagerForToolRun", run)

    async def on_retriever_start(
        self: _Starting,
        serialized: dict[str, Any] | None,
        query: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> AsyncCallbackManagerForRetrieverRun:
        """Start the run of a retriever.

        Args:
            serialized: what the retriever is.
            query: what it is asked.
            run_id: the id of the run.
            parent_run_id: not used: the manager knows.
            **kwargs: what else handlers are to be given.
        """
        del parent_run_id
        run = await self._start(self._retriever_run, "on_retriever_start", (serialized, query), run_id, kwargs)
        return cast("AsyncCallbackManagerForRetrieverRun", run)

    async def on_custom_event(self: _Starting, name: str, data: Any, run_id: UUID | None = None, **kwargs: Any) -> None:
        """Tell of an event of the user's own.

        Args:
            name: the event's name.
            data: what it says.
            run_id: the run that it is about.
            **kwargs: none.

        Raises:
            InvalidInputError: there are other keyword arguments.
        """
        if kwargs:
            msg = f"The dispatcher API does not accept additional keyword arguments; put {[*kwargs]} into `data`."
            raise InvalidInputError(msg)
        about = {"run_id": run_id or uuid.uuid4(), "tags": self.tags, "metadata": self.metadata}
        await tell(self.handlers, "on_custom_event", (name, data), about, here=self._here)


class _StartingAtOnce:
    on_llm_start = at_once(AsyncCallbackManager.on_llm_start, list[CallbackManagerForLLMRun])
    on_chat_model_start = at_once(AsyncCallbackManager.on_chat_model_start, list[CallbackManagerForLLMRun])
    on_chain_start = at_once(AsyncCallbackManager.on_chain_start, CallbackManagerForChainRun)
    on_tool_start = at_once(AsyncCallbackManager.on_tool_start, CallbackManagerForToolRun)
    on_retriever_start = at_once(AsyncCallbackManager.on_retriever_start, CallbackManagerForRetrieverRun)
    on_custom_event = at_once(AsyncCallbackManager.on_custom_event)


class CallbackManager(_StartingAtOnce, _Starting):
    """Starts runs in sync code: with the methods of `AsyncCallbackManager`, without `await`."""

    _here = True
    _model_run = CallbackManagerForLLMRun
    _chain_run = CallbackManagerForChainRun
    _tool_run = CallbackManagerForToolRun
    _retriever_run = CallbackManagerForRetrieverRun


# --------------------------------------------------------------------------------------------------------------- groups


class _Group(BaseCallbackManager):
    def __init__(
        self,
        handlers: list[BaseCallbackHandler],
        inheritable_handlers: list[BaseCallbackHandler] | None = None,
        parent_run_id: UUID | None = None,
        *,
        parent_run_manager: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(handlers, inheritable_handlers, parent_run_id, **kwargs)
        self.parent_run_manager = parent_run_manager
        self.ended = False

    def _made(self, *args: Any, **rest: Any) -> Self:
        return super()._made(*args, parent_run_manager=self.parent_run_manager, **rest)

    async def _end(self, event: str, *args: Any, **kwargs: Any) -> None:
        self.ended = True
        await self.parent_run_manager._tell_the_end(event, *args, **kwargs)  # noqa: SLF001 - this module's


class AsyncCallbackManagerForChainGroup(_Group, AsyncCallbackManager):
    """The manager of calls that are shown as one run; see `atrace_as_chain_group`.

    parent_run_manager: the run that they are shown in.
    ended: whether that has been ended by hand.
    """

    async def on_chain_end(self: _Group, outputs: Any, **kwargs: Any) -> None:
        """End the group's run.

        Args:
            outputs: what the group gave.
            **kwargs: what else handlers are to be given.
        """
        await self._end("on_chain_end", outputs, **kwargs)

    async def on_chain_error(self: _Group, error: BaseException, **kwargs: Any) -> None:
        """End the group's run as failed.

        Args:
            error: why.
            **kwargs: what else handlers are to be given.
        """
        await self._end("on_chain_error", error, **kwargs)


class CallbackManagerForChainGroup(_Group, CallbackManager):
    """The manager of calls that are shown as one run; see `trace_as_chain_group`.

    parent_run_manager: the run that they are shown in.
    ended: whether that has been ended by hand.
    """

    on_chain_end = at_once(AsyncCallbackManagerForChainGroup.on_chain_end)
    on_chain_error = at_once(AsyncCallbackManagerForChainGroup.on_chain_error)


@asynccontextmanager
async def _grouped(
    group: type[_GroupT], starting: type[_Starting], name: str, callbacks: Callbacks, **about: Any
) -> AsyncGenerator[_GroupT]:
    inputs, run_id = about.pop("inputs"), about.pop("run_id")
    manager: Any = starting.configure(callbacks, **about)
    run = await manager._start(manager._chain_run, "on_chain_start", ({"name": name}, inputs or {}), run_id, {})  # noqa: SLF001 - this module's
    child = run.get_child()
    made = group(
        child.handlers,
        child.inheritable_handlers,
        child.parent_run_id,
        parent_run_manager=run,
        tags=child.tags,
        inheritable_tags=child.inheritable_tags,
        metadata=child.metadata,
        inheritable_metadata=child.inheritable_metadata,
    )
    made.ancestors = child.ancestors
    try:
        yield made
    except BaseException as error:
        if not made.ended:
            await made._end("on_chain_error", error)  # noqa: SLF001 - as above
        raise
    if not made.ended:
        await made._end("on_chain_end", {})  # noqa: SLF001 - as above


_GroupT = TypeVar("_GroupT", bound=_Group)


class _AtOnce(AbstractContextManager[_GroupT]):
    """An async context manager that never waits, in sync code."""

    def __init__(self, manager: AbstractAsyncContextManager[_GroupT]) -> None:
        self._manager = manager

    def __enter__(self) -> _GroupT:
        return driven(self._manager.__aenter__())

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        return driven(self._manager.__aexit__(exc_type, exc, tb))


def atrace_as_chain_group(
    group_name: str,
    callback_manager: AsyncCallbackManager | None = None,
    *,
    inputs: dict[str, Any] | None = None,
    run_id: UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> AbstractAsyncContextManager[AsyncCallbackManagerForChainGroup]:
    """Show several calls as one run.

    ::

        from chatcore.callbacks import StdOutCallbackHandler

        async with atrace_as_chain_group("both", AsyncCallbackManager([StdOutCallbackHandler()])) as group:
            await model.ainvoke("one", {"callbacks": group})
            await model.ainvoke("two", {"callbacks": group})

    Args:
        group_name: what the run is called.
        callback_manager: who hears of it; None: those who hear of every call.
        inputs: what the group is given.
        run_id: the id of the run.
        tags: labels of the run and of the calls in it.
        metadata: facts about the run and the calls in it.

    Returns:
        An async context manager of the manager to call with. The run ends with the block, as failed if that raises or
        is cancelled, unless it was ended by hand.
    """
    return _grouped(
        AsyncCallbackManagerForChainGroup,
        AsyncCallbackManager,
        group_name,
        callback_manager,
        inputs=inputs,
        run_id=run_id,
        inheritable_tags=tags,
        inheritable_metadata=metadata,
    )


def trace_as_chain_group(
    group_name: str,
    callback_manager: CallbackManager | None = None,
    *,
    inputs: dict[str, Any] | None = None,
    run_id: UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> AbstractContextManager[CallbackManagerForChainGroup]:
    """`atrace_as_chain_group`, for sync code.

    Args:
        group_name: what the run is called.
        callback_manager: who hears of it; None: those who hear of every call.
        inputs: what the group is given.
        run_id: the id of the run.
        tags: labels of the run and of the calls in it.
        metadata: facts about the run and the calls in it.

    Returns:
        A context manager of the manager to call with.
    """
    return _AtOnce(
        _grouped(
            CallbackManagerForChainGroup,
            CallbackManager,
            group_name,
            callback_manager,
            inputs=inputs,
            run_id=run_id,
            inheritable_tags=tags,
            inheritable_metadata=metadata,
        )
    )


# --------------------------------------------------------------------------------------------------------------- events


async def ahandle_event(
    handlers: list[BaseCallbackHandler], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """Tell handlers of any event.

    Args:
        handlers: who is to be told.
        event_name: the name of the method.
        ignore_condition_name: the attribute by which a handler says that it does not want to hear; None: all do.
        *args: the method's positional arguments.
        **kwargs: the method's keyword arguments.

    Raises:
        Exception: what a method raised whose handler has `raise_error`.
    """
    await tell_event(handlers, event_name, ignore_condition_name, args, kwargs)


def handle_event(
    handlers: list[BaseCallbackHandler], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """`ahandle_event`, for sync code: sync methods run in this thread, async ones are waited for.

    Args:
        handlers: who is to be told.
        event_name: the name of the method.
        ignore_condition_name: the attribute by which a handler says that it does not want to hear; None: all do.
        *args: the method's positional arguments.
        **kwargs: the method's keyword arguments.

    Raises:
        Exception: what a method raised whose handler has `raise_error`.
    """
    driven(tell_event(handlers, event_name, ignore_condition_name, args, kwargs, here=True))


def shielded(func: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Let an async function run to its end, though its caller is cancelled; but then not for long.

    Args:
        func: the function.

    Raises:
        TimeoutError: it took too long after all.
    """

    @functools.wraps(func)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with anyio.fail_after(CLOSING_SECONDS, shield=True):
            return await func(*args, **kwargs)

    return call


async def adispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """Tell the handlers of the run around of an event of your own.

    Args:
        name: the event's name.
        data: what it says.
        config: the config that the function was given; None: that of the call around this code.

    Raises:
        NoRunError: this is not called from within a run.
    """
    await _dispatch(name, data, config, here=False)


def dispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """`adispatch_custom_event`, for sync code.

    Args:
        name: the event's name.
        data: what it says.
        config: the config that the function was given; None: that of the call around this code.

    Raises:
        NoRunError: this is not called from within a run.
    """
    driven(_dispatch(name, data, config, here=True))


async def _dispatch(name: str, data: Any, config: Mapping[str, Any] | None, *, here: bool) -> None:
    around = ambient.get()
    settings: Mapping[str, Any] = {**(around.config if around is not None else {}), **(config or {})}
    manager = settings.get("callbacks")
    if not isinstance(manager, BaseCallbackManager) or manager.parent_run_id is None:
        if around is not None and around.within:
            # Within a call to which nobody listens, and so there is no run.
            return
        msg = (
            "Unable to dispatch an adhoc event without a parent run id. Call this from within a run: a tool, a"
            " RunnableLambda or a RunnableGenerator; or pass on the config that the function was given, config=config."
        )
        raise NoRunError(msg)
    run = Run(
        listeners=(),
        runnable=None,
        name="",
        id=manager.parent_run_id,
        parent_ids=manager.ancestors[:-1],
        tags=list(dict.fromkeys([*manager.tags, *(settings.get("tags") or ())])),
        metadata={**manager.metadata, **(settings.get("metadata") or {})},
    )
    about = {"run_id": run.id, "tags": run.tags, "metadata": run.metadata}
    await tell(manager.handlers, "on_custom_event", (name, data), about, here=here)
    for handler in cast("list[object]", manager.handlers):
        if not isinstance(handler, BaseCallbackHandler):
            # A listener of the engine's, such as that of `astream_events`.
            listener = cast("Listener", handler)
            if here:
                await_from_thread(functools.partial(listener.custom, run, name, data))
            else:
                await listener.custom(run, name, data)
