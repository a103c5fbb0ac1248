"""Handlers of events: what a listener may override, and the manager that holds handlers for a call.

::

    BaseCallbackHandler      sync methods, called off the event loop
    AsyncCallbackHandler     the same methods, awaited
    BaseCallbackManager      handlers, tags and metadata of a call, and those that its inner calls inherit
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar
from uuid import UUID

from chatcore.messages import BaseMessage
from chatcore.outputs import ChatGenerationChunk, GenerationChunk, LLMResult

__all__ = [
    "AsyncCallbackHandler",
    "BaseCallbackHandler",
    "BaseCallbackManager",
    "CallbackManagerMixin",
    "Callbacks",
    "ChainManagerMixin",
    "LLMManagerMixin",
    "RetrieverManagerMixin",
    "RunManagerMixin",
    "ToolManagerMixin",
]

P = ParamSpec("P")
T = TypeVar("T")


class RetrieverManagerMixin:
    """How the run of a retriever ends."""

    def on_retriever_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever has failed with `error`."""

    def on_retriever_end(
        self, documents: Sequence[Any], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever has found `documents`."""


class LLMManagerMixin:
    """How the run of a model goes on and ends."""

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chunk of a streamed answer has come: its text or content blocks, and the chunk itself."""

    def on_llm_end(
        self,
        response: LLMResult,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A model has answered; `response.generations[0][0].message` is the answer of a chat model."""

    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A model's call has failed or was cancelled; `kwargs["response"]` is an LLMResult of what had come."""

    def on_stream_event(
        self,
        event: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """An event of a stream of `version="v3"` has come."""


class ChainManagerMixin:
    """How the run of a chain goes on and ends: of a sequence, a function, a parser, a prompt."""

    def on_chain_end(
        self, outputs: dict[str, Any], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A chain has given `outputs`, which may be of any type."""

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A chain has failed or was cancelled."""

    def on_agent_action(self, action: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """An agent has chosen what to do."""

    def on_agent_finish(self, finish: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """An agent is done."""


class ToolManagerMixin:
    """How the run of a tool ends."""

    def on_tool_end(self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A tool has given `output`."""

    def on_tool_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A tool has failed or was cancelled."""


class CallbackManagerMixin:
    """How runs begin.

    `serialized` says what is called, and may be None; the run's name is in `kwargs["name"]`.
    """

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A model is called with texts; also for a chat model, if the handler has no `on_chat_model_start`."""

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chat model is called: `messages` is a list that holds the list of messages.

        Raises:
            NotImplementedError: the handler does not override this; `on_llm_start` is called instead.
        """
        msg = f"{type(self).__name__} does not implement `on_chat_model_start`"
        raise NotImplementedError(msg)

    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A retriever is asked `query`."""

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chain is called with `inputs`, which may be of any type."""

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A tool is called: its input as text, and its arguments if they came as a dict."""


class RunManagerMixin:
    """What may happen while any run lasts."""

    def on_text(self, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The code that runs has something to say."""

    def on_retry(self, retry_state: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A call is about to be tried again."""

    def on_custom_event(
        self,
        name: str,
        data: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """User code has sent an event of its own by `dispatch_custom_event`."""


class BaseCallbackHandler(
    LLMManagerMixin, ChainManagerMixin, ToolManagerMixin, RetrieverManagerMixin, CallbackManagerMixin, RunManagerMixin
):
    """Listens to calls: override the methods of the events to hear of.

    Methods run in a worker thread, so that they may block without holding up the event loop. Pass handlers in a call's
    config: `model.invoke("hi", {"callbacks": [handler]})`.

    raise_error: what a method raises fails the call; otherwise it is logged, and the call goes on.
    run_inline: methods are called on the event loop itself; for methods that are quick and never block.
    """

    raise_error: bool = False
    run_inline: bool = False

    @property
    def ignore_llm(self) -> bool:
        """Whether to hear nothing of models, but for `on_chat_model_start`."""
        return False

    @property
    def ignore_retry(self) -> bool:
        """Whether to hear nothing of retries."""
        return False

    @property
    def ignore_chain(self) -> bool:
        """Whether to hear nothing of chains."""
        return False

    @property
    def ignore_agent(self) -> bool:
        """Whether to hear nothing of agents and tools."""
        return False

    @property
    def ignore_retriever(self) -> bool:
        """Whether to hear nothing of retrievers."""
        return False

    @property
    def ignore_chat_model(self) -> bool:
        """Whether to hear nothing of how chat models start."""
        return False

    @property
    def ignore_custom_event(self) -> bool:
        """Whether to hear nothing of custom events."""
        return False


def _awaited(method: Callable[P, Any]) -> Callable[P, Coroutine[Any, Any, Any]]:
    """The same method as a coroutine function."""

    @wraps(method)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
        return method(*args, **kwargs)

    return awaited


class AsyncCallbackHandler(BaseCallbackHandler):
    """Listens to calls with async methods, which are awaited in the event loop of the call.

    Override the methods of the events to hear of, with `async def`. They are those of `BaseCallbackHandler`.
    """

    on_llm_start = _awaited(BaseCallbackHandler.on_llm_start)
    on_chat_model_start = _awaited(BaseCallbackHandler.on_chat_model_start)
    on_llm_new_token = _awaited(BaseCallbackHandler.on_llm_new_token)
    on_llm_end = _awaited(BaseCallbackHandler.on_llm_end)
    on_llm_error = _awaited(BaseCallbackHandler.on_llm_error)
    on_stream_event = _awaited(BaseCallbackHandler.on_stream_event)
    on_chain_start = _awaited(BaseCallbackHandler.on_chain_start)
    on_chain_end = _awaited(BaseCallbackHandler.on_chain_end)
    on_chain_error = _awaited(BaseCallbackHandler.on_chain_error)
    on_tool_start = _awaited(BaseCallbackHandler.on_tool_start)
    on_tool_end = _awaited(BaseCallbackHandler.on_tool_end)
    on_tool_error = _awaited(BaseCallbackHandler.on_tool_error)
    on_text = _awaited(BaseCallbackHandler.on_text)
    on_retry = _awaited(BaseCallbackHandler.on_retry)
    on_agent_action = _awaited(BaseCallbackHandler.on_agent_action)
    on_agent_finish = _awaited(BaseCallbackHandler.on_agent_finish)
    on_retriever_start = _awaited(BaseCallbackHandler.on_retriever_start)
    on_retriever_end = _awaited(BaseCallbackHandler.on_retriever_end)
    on_retriever_error = _awaited(BaseCallbackHandler.on_retriever_error)
    on_custom_event = _awaited(BaseCallbackHandler.on_custom_event)


class BaseCallbackManager(CallbackManagerMixin):
    """The handlers, tags and metadata of a call, and those of them that calls made within it inherit.

    handlers: who hears of this call.
    inheritable_handlers: who hears of the calls within it, too.
    parent_run_id: the run that this call is made in.
    tags, metadata: what this call carries.
    inheritable_tags, inheritable_metadata: what the calls within it carry, too.
    ancestors: all the runs that this call is made in, the outermost first.
    listeners: `handlers` as the engine's listeners; None: they have not been made.
    """

    def __init__(
        self,
        handlers: list[BaseCallbackHandler],
        inheritable_handlers: list[BaseCallbackHandler] | None = None,
        parent_run_id: UUID | None = None,
        *,
        tags: list[str] | None = None,
        inheritable_tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
    ) -> None:
        self.handlers = handlers
        self.inheritable_handlers = inheritable_handlers or []
        self.parent_run_id = parent_run_id
        self.tags = tags or []
        self.inheritable_tags = inheritable_tags or []
        self.metadata = metadata or {}
        self.inheritable_metadata = inheritable_metadata or {}
        self.ancestors: tuple[UUID, ...] = () if parent_run_id is None else (parent_run_id,)
        self.listeners: tuple[Any, ...] | None = None

    @property
    def is_async(self) -> bool:
        """Whether the manager's methods are to be awaited."""
        return False

    def copy(self) -> Self:
        """A manager of the same kind with lists and dicts of its own."""
        return self._made(
            self.handlers.copy(),
            self.inheritable_handlers.copy(),
            self,
            tags=self.tags.copy(),
            inheritable_tags=self.inheritable_tags.copy(),
            metadata=self.metadata.copy(),
            inheritable_metadata=self.inheritable_metadata.copy(),
        )

    def merge(self, other: BaseCallbackManager) -> Self:
        """A manager with what both have, each handler and tag once, this one's first; the other's metadata wins."""
        return self._made(
            _once(self.handlers, other.handlers),
            _once(self.inheritable_handlers, other.inheritable_handlers),
            self if self.parent_run_id else other,
            tags=_once(self.tags, other.tags),
            inheritable_tags=_once(self.inheritable_tags, other.inheritable_tags),
            metadata={**self.metadata, **other.metadata},
            inheritable_metadata={**self.inheritable_metadata, **other.inheritable_metadata},
        )

    def _made(
        self,
        handlers: list[BaseCallbackHandler],
        inheritable_handlers: list[BaseCallbackHandler],
        within: BaseCallbackManager,
        **rest: Any,
    ) -> Self:
        """Another manager of this kind, for a call made in the same runs as those of `within`."""
        made = type(self)(handlers, inheritable_handlers, within.parent_run_id, **rest)
        made.ancestors = within.ancestors
        return made

    def add_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:  # noqa: FBT001, FBT002 - as the reference
        """Add a handler, unless it is there already.

        Args:
            handler: who is to hear.
            inherit: also of the calls within.
        """
        self.listeners = None
        if handler not in self.handlers:
            self.handlers.append(handler)
        if inherit and handler not in self.inheritable_handlers:
            self.inheritable_handlers.append(handler)

    def remove_handler(self, handler: BaseCallbackHandler) -> None:
        """Remove a handler, if it is there."""
        self.listeners = None
        for handlers in (self.handlers, self.inheritable_handlers):
            if handler in handlers:
                handlers.remove(handler)

    def set_handlers(self, handlers: list[BaseCallbackHandler], inherit: bool = True) -> None:  # noqa: FBT001, FBT002 - as above
        """Put these handlers in place of all others.

        Args:
            handlers: who is to hear.
            inherit: also of the calls within.
        """
        self.listeners = None
        self.handlers = []
        self.inheritable_handlers = []
        for handler in handlers:
            self.add_handler(handler, inherit)

    def set_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:  # noqa: FBT001, FBT002 - as above
        """Put this handler in place of all others.

        Args:
            handler: who is to hear.
            inherit: also of the calls within.
        """
        self.set_handlers([handler], inherit)

    def add_tags(self, tags: list[str], inherit: bool = True) -> None:  # noqa: FBT001, FBT002 - as above
        """Add tags; one that is there already moves to the end.

        Args:
            tags: labels.
            inherit: also of the calls within.
        """
        self.remove_tags(tags)
        self.tags.extend(tags)
        if inherit:
            self.inheritable_tags.extend(tags)

    def remove_tags(self, tags: list[str]) -> None:
        """Remove tags, as far as they are there."""
        for tag in tags:
            for present in (self.tags, self.inheritable_tags):
                if tag in present:
                    present.remove(tag)

    def add_metadata(self, metadata: dict[str, Any], inherit: bool = True) -> None:  # noqa: FBT001, FBT002 - as above
        """Add metadata; what has a key that is there already replaces it.

        Args:
            metadata: facts.
            inherit: also of the calls within.
        """
        self.metadata = {**self.metadata, **metadata}
        if inherit:
            self.inheritable_metadata = {**self.inheritable_metadata, **metadata}

    def remove_metadata(self, keys: list[str]) -> None:
        """Remove the metadata of these keys, as far as it is there."""
        for key in keys:
            self.metadata.pop(key, None)
            self.inheritable_metadata.pop(key, None)


def _once(first: Iterable[T], second: Iterable[T]) -> list[T]:
    # A handler need not be hashable.
    kept: list[T] = []
    for entry in (*first, *second):
        if entry not in kept:
            kept.append(entry)
    return kept


Callbacks = list[BaseCallbackHandler] | BaseCallbackManager | None
"""What a config's "callbacks" may be."""
