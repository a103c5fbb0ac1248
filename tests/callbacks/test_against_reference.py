"""The same handlers on the same calls, made with chatcore and with langchain-core: told of the same events."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from langchain_core import callbacks as their_callbacks
from langchain_core import messages as their_messages
from langchain_core import outputs as their_outputs
from langchain_core import runnables as their_runnables
from langchain_core.callbacks import manager as their_manager
from langchain_core.language_models import BaseChatModel as TheirModel

from chatcore import callbacks, messages, outputs, runnables
from chatcore.callbacks import manager
from chatcore.callbacks._deliver import driven
from chatcore.errors import StreamInterrupted
from chatcore.model import BaseChatModel

Handler = Any


def _library(name: str, model: Any, **parts: Any) -> SimpleNamespace:  # noqa: C901 - a class of several small methods
    class Scripted(model):  # type: ignore[misc]
        """Answers with a text, in chunks of one letter, and fails where a letter is `!`."""

        answer: str = "abc"

        @property
        def _llm_type(self) -> str:
            return "scripted"

        @property
        def _identifying_params(self) -> dict[str, Any]:
            return {"answer": self.answer}

        def _message(self) -> Any:
            usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
            return parts["messages"].AIMessage(
                content=self.answer, usage_metadata=usage, response_metadata={"model_name": "scripted-1"}
            )

        def _generate(self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            if "!" in self.answer:
                raise ValueError(self.answer)
            generation = parts["outputs"].ChatGeneration(message=self._message())
            return parts["outputs"].ChatResult(generations=[generation])

        async def _agenerate(self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            return self._generate(given, stop, run_manager, **kwargs)

        def _stream(self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
            for letter in self.answer:
                if letter == "!":
                    raise ValueError(self.answer)
                chunk = parts["messages"].AIMessageChunk(content=letter)
                yield parts["outputs"].ChatGenerationChunk(message=chunk)

        async def _astream(
            self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
        ) -> AsyncIterator[Any]:
            for chunk in self._stream(given, stop, run_manager, **kwargs):
                yield chunk

    return SimpleNamespace(name=name, Model=Scripted, **parts)


OURS = _library(
    "chatcore",
    BaseChatModel,
    callbacks=callbacks,
    messages=messages,
    outputs=outputs,
    runnables=runnables,
    manager=manager,
)
THEIRS = _library(
    "langchain_core",
    TheirModel,
    callbacks=their_callbacks,
    messages=their_messages,
    outputs=their_outputs,
    runnables=their_runnables,
    manager=their_manager,
)

STARTS = ("on_chat_model_start", "on_llm_start", "on_chain_start", "on_tool_start")
OTHERS = (
    "on_llm_new_token",
    "on_llm_end",
    "on_llm_error",
    "on_chain_end",
    "on_chain_error",
    "on_tool_end",
    "on_tool_error",
    "on_custom_event",
)


@dataclass
class Heard:
    """What a handler was told, in words that are the same for both libraries."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    names: dict[uuid.UUID, str] = field(default_factory=dict)

    def note(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        run_id, parent = kwargs["run_id"], kwargs.get("parent_run_id")
        if event in STARTS:
            # The reference leaves it to what is called to name a model.
            base = kwargs["name"] or args[0]["name"]
            # Branches of a parallel begin in any order.
            base += "".join(tag.removeprefix("map:key") for tag in kwargs["tags"] if tag.startswith("map:key"))
            taken = sum(name.partition("#")[0] == base for name in self.names.values())
            self.names[run_id] = f"{base}#{taken}" if taken else base
        name = self.names.get(run_id, "?")
        tags = sorted(kwargs.get("tags") or ())
        metadata = {
            key: value for key, value in (kwargs.get("metadata") or {}).items() if not key.startswith(("ls_", "lc_"))
        }
        within = self.names.get(parent) if parent is not None else None
        # The reference's sync code gives tokens by name.
        facts = _plain(args[1:] if event in STARTS else args or (kwargs["token"],))
        self.events.append((event, name, within, tuple(tags), tuple(sorted(metadata.items())), facts))


def _plain(value: Any) -> Any:
    plain = value
    if isinstance(value, BaseException):
        plain = (type(value).__name__, str(value))
    elif isinstance(value, list | tuple):
        plain = tuple(_plain(each) for each in value)
    elif isinstance(value, dict):
        plain = tuple((key, _plain(each)) for key, each in sorted(value.items()))
    elif hasattr(value, "generations"):
        plain = ("result", _plain(value.generations))
    elif hasattr(value, "message"):
        plain = (type(value).__name__, _plain(value.message))
    elif hasattr(value, "content"):
        plain = (value.type, value.content, _plain(getattr(value, "usage_metadata", None)))
    return plain


def _recorder(library: SimpleNamespace, kind: str, heard: Heard, only: tuple[str, ...] = ()) -> Handler:
    asynchronous = kind == "async"
    base = library.callbacks.AsyncCallbackHandler if asynchronous else library.callbacks.BaseCallbackHandler

    def method(event: str) -> Callable[..., Any]:
        def told(self: Any, *args: Any, **kwargs: Any) -> None:
            heard.note(event, args, kwargs)

        async def awaited(self: Any, *args: Any, **kwargs: Any) -> None:
            heard.note(event, args, kwargs)

        return awaited if asynchronous else told

    events = only or tuple(event for event in (*STARTS, *OTHERS) if event != "on_llm_start")
    body: dict[str, Any] = {event: method(event) for event in events}
    body["run_inline"] = kind == "inline"
    return type("Recorder", (base,), body)()


# ------------------------------------------------------------------------------------------------------------- calls


def _model(library: Any, **fields: Any) -> Any:
    return library.Model(**fields)


def _sequence(library: Any) -> Any:
    return library.Model() | library.runnables.RunnableLambda(lambda message: message.content.upper(), name="upper")


def _parallel(library: Any) -> Any:
    return library.runnables.RunnableParallel(one=library.Model(answer="1"), two=library.Model(answer="2"))


def _nested(library: Any) -> Any:
    model = library.Model()

    async def both(given: str) -> str:
        first = await model.ainvoke(given)
        second = await model.ainvoke(first.content)
        return str(first.content + second.content)

    return library.runnables.RunnableLambda(both, name="both")


def _handed(library: Any) -> Any:
    model = library.Model()

    async def once(given: str, config: Any) -> Any:
        return await model.ainvoke(given, config)

    return library.runnables.RunnableLambda(once, name="once")


def _dispatching(library: Any) -> Any:
    async def speak(given: str, config: Any) -> str:
        await library.callbacks.adispatch_custom_event("said", {"given": given}, config=config)
        return given

    return library.runnables.RunnableLambda(speak, name="speak") | library.runnables.RunnableLambda(str, name="str")


def _failing(library: Any) -> Any:
    def fail(given: Any) -> Any:
        raise KeyError(given.content)

    return library.Model() | library.runnables.RunnableLambda(fail, name="fail")


RUNNABLES: dict[str, Callable[[Any], Any]] = {
    "model": _model,
    "failing model": lambda library: _model(library, answer="!"),
    "half-failing model": lambda library: _model(library, answer="ab!"),
    "tagged model": lambda library: _model(library, tags=["mine"], metadata={"m": 1}),
    "configured model": lambda library: _model(library).with_config(tags=["t"], metadata={"k": "v"}, run_name="asked"),
    "model with stop": lambda library: _model(library).bind(stop=["x"]),
    "sequence": _sequence,
    "configured sequence": lambda library: _sequence(library).with_config(
        tags=["t"], metadata={"k": "v"}, run_name="steps"
    ),
    "parallel": _parallel,
    "nested": _nested,
    "handed": _handed,
    "custom events": _dispatching,
    "failing step": _failing,
}


async def _call(runnable: Any, verb: str, config: Any) -> None:
    # Ours says of a stream that it broke off in the middle.
    with suppress(ValueError, KeyError, StreamInterrupted):
        if verb == "ainvoke":
            await runnable.ainvoke("hi", config)
        elif verb == "astream":
            async for _ in runnable.astream("hi", config):
                pass
        elif verb == "abatch":
            await runnable.abatch(["hi", "ho"], {**config, "max_concurrency": 1})
        elif verb == "invoke":
            runnable.invoke("hi", config)
        else:
            list(runnable.stream("hi", config))


def _heard(library: Any, what: str, verb: str, kind: str, backend: str = "asyncio") -> list[tuple[Any, ...]]:
    heard = Heard()
    config = {"callbacks": [_recorder(library, kind, heard)], "tags": ["outer"], "metadata": {"who": "me"}}
    if verb in {"invoke", "stream"}:
        driven(_call(RUNNABLES[what](library), verb, config))
    else:
        anyio.run(_call, RUNNABLES[what](library), verb, config, backend=backend)
    return heard.events


KINDS = ("async", "sync", "inline")

ASYNC_ONLY = {"nested", "handed", "custom events"}
"""Whose functions are async."""

CONCURRENT = {"parallel"}
"""Whose runs begin and end in an order of their own in each library."""


@pytest.mark.parametrize("what", sorted(RUNNABLES.keys() - CONCURRENT))
@pytest.mark.parametrize("kind", KINDS)
def test_a_call_is_told_of_in_the_same_order(what: str, kind: str) -> None:
    ours, theirs = (_heard(library, what, "ainvoke", kind) for library in (OURS, THEIRS))
    assert ours == theirs
    assert len(ours) >= 2


@pytest.mark.parametrize(
    ("what", "verb"),
    [
        *(("parallel", verb) for verb in ("ainvoke", "astream", "abatch")),
        *((what, "astream") for what in sorted(RUNNABLES.keys() - CONCURRENT)),
        *((what, verb) for what in sorted(RUNNABLES.keys() - ASYNC_ONLY) for verb in ("invoke", "stream")),
        # Of a batch, one failing call stops the others here, and does not there.
        *((what, "abatch") for what in sorted(RUNNABLES.keys() - CONCURRENT) if "fail" not in what),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_each_run_is_told_of_in_the_same_order(what: str, verb: str, kind: str) -> None:
    ours, theirs = (_by_run(_heard(library, what, verb, kind)) for library in (OURS, THEIRS))
    if verb in {"astream", "stream"}:
        for events in (*ours.values(), *theirs.values()):
            if events[0][0] == "on_chain_start":
                # The reference does not say what the chains of a stream are given, but shows an empty input.
                events[0] = events[0][:-1]
    assert ours == theirs


@pytest.mark.parametrize("what", RUNNABLES)
@pytest.mark.parametrize("verb", ["ainvoke", "astream"])
@pytest.mark.parametrize("kind", KINDS)
def test_trio_is_told_the_same_as_asyncio(what: str, verb: str, kind: str) -> None:
    here, there = (_by_run(_heard(OURS, what, verb, kind, backend)) for backend in ("trio", "asyncio"))
    assert here == there


def _by_run(events: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    runs: dict[str, list[tuple[Any, ...]]] = {}
    for event in events:
        runs.setdefault(event[1], []).append(event)
    return runs
