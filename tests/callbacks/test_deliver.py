"""How handlers are told: where their methods run, in which order, and what becomes of their errors."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
from typing import Any
from unittest.mock import AsyncMock, MagicMock
from uuid import uuid4

import anyio
import anyio.lowlevel
import pytest

from chatcore.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from chatcore.callbacks._deliver import Handlers, at_once, driven, tell, tell_event
from chatcore.engine.runs import Run
from chatcore.messages import AIMessage, AIMessageChunk, HumanMessage
from chatcore.outputs import ChatGeneration, LLMResult

ABOUT = {"run_id": uuid4()}


def _run(*handlers: BaseCallbackHandler, kind: str = "chat_model", **facts: Any) -> tuple[Handlers, Run]:
    told = Handlers(handlers)
    return told, Run(listeners=(told,), runnable=None, name="it", kind=kind, inputs=[HumanMessage("hi")], **facts)


class Noting(BaseCallbackHandler):
    """Notes the thread of each text."""

    def __init__(self, *, inline: bool = False) -> None:
        self.run_inline = inline
        self.threads: list[int] = []

    def on_text(self, text: str, **kwargs: Any) -> None:
        self.threads.append(threading.get_ident())


@pytest.mark.anyio
async def test_sync_methods_run_off_the_loop_all_in_one_thread_unless_inline() -> None:
    handlers = [Noting(), Noting(), Noting(inline=True)]
    await tell(handlers, "on_text", ("x",), ABOUT)
    here = threading.get_ident()
    assert handlers[0].threads == handlers[1].threads != [here]
    assert handlers[2].threads == [here]


@pytest.mark.anyio
async def test_async_methods_are_awaited_in_order_and_keep_their_context_variables() -> None:
    seen: list[str] = []
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    who.set("caller")

    class Waiting(AsyncCallbackHandler):
        def __init__(self, name: str, *, inline: bool = False) -> None:
            self.name = name
            self.run_inline = inline

        async def on_text(self, text: str, **kwargs: Any) -> None:
            token = who.set(self.name)
            await anyio.lowlevel.checkpoint()
            seen.append(f"{who.get()}: {text}")
            if not self.run_inline:
                who.reset(token)
                who.set("nobody")

    await tell([Waiting("a"), Waiting("b")], "on_text", ("x",), ABOUT)
    assert who.get() == "caller"
    await tell([Waiting("c", inline=True)], "on_text", ("x",), ABOUT)
    assert who.get() == "c"
    assert seen == ["a: x", "b: x", "c: x"]


@pytest.mark.anyio
async def test_a_handler_is_cancelled_with_its_call() -> None:
    ended: list[str] = []

    class Slow(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(text)

    with anyio.move_on_after(0) as scope:
        await tell([Slow()], "on_text", ("x",), ABOUT)
    assert scope.cancelled_caught
    assert ended == ["x"]


@pytest.mark.anyio
async def test_context_variables_of_the_call_are_seen_in_threads() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    who.set("caller")
    seen: list[str] = []

    class Looking(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> None:
            seen.append(who.get())
            who.set(text)

    await tell([Looking(), Looking()], "on_text", ("x",), ABOUT)
    assert seen == ["caller", "caller"]
    assert who.get() == "caller"


class Failing(BaseCallbackHandler):
    """Fails at every token and at the end, where it is told."""

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        raise LookupError(token)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        raise LookupError("end")


class AsyncFailing(AsyncCallbackHandler):
    """As `Failing`, on the loop."""

    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        raise LookupError(token)

    async def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        raise LookupError("end")


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Failing, AsyncFailing])
async def test_what_fails_in_a_handler_is_logged_once_for_a_stream_and_others_hear(
    kind: type[BaseCallbackHandler], caplog: pytest.LogCaptureFixture
) -> None:
    other = MagicMock()
    hearing = BaseCallbackHandler()
    hearing.on_llm_new_token = other  # type: ignore[method-assign]
    for _ in range(2):
        told, run = _run(kind(), hearing)
        for text in ("a", "b"):
            await told.chunk(run, AIMessageChunk(content=text))
        await told.ended(run, AIMessage("ab"))
    assert [call.args for call in other.call_args_list] == [("a",), ("b",)] * 2
    logged = [(record.name, record.getMessage()) for record in caplog.records]
    assert (
        logged
        == [
            ("chatcore", f"Error in {kind.__name__}.on_llm_new_token callback: LookupError('a')"),
            ("chatcore", f"Error in {kind.__name__}.on_llm_end callback: LookupError('end')"),
        ]
        * 2
    )


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Failing, AsyncFailing])
async def test_raise_error_raises_when_all_have_been_told(kind: type[BaseCallbackHandler]) -> None:
    failing, hearing = kind(), Noting()
    failing.raise_error = True
    heard = MagicMock()
    hearing.on_llm_end = heard  # type: ignore[method-assign]
    told, run = _run(failing, hearing)
    with pytest.raises(LookupError, match="end"):
        await told.ended(run, AIMessage("x"))
    heard.assert_called_once()


class Texts(BaseCallbackHandler):
    """Hears of models as of models of texts."""

    def __init__(self) -> None:
        self.prompts: list[list[str]] = []

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> None:
        self.prompts.append(prompts)


class Refusing(Texts):
    """Says that it wants texts by raising."""

    def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, **kwargs: Any) -> None:
        raise NotImplementedError


class AsyncRefusing(AsyncCallbackHandler):
    """As `Refusing`, on the loop."""

    def __init__(self) -> None:
        self.prompts: list[list[str]] = []

    async def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    async def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> None:
        self.prompts.append(prompts)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Texts, Refusing, AsyncRefusing])
@pytest.mark.parametrize("inline", [True, False])
async def test_a_chat_model_starts_as_text_for_those_who_want_text(kind: Any, inline: bool) -> None:
    handler = kind()
    handler.run_inline = inline
    told, run = _run(handler)
    await told.started(run)
    assert handler.prompts == [["Human: hi"]]


@pytest.mark.anyio
async def test_handlers_that_ignore_a_kind_are_not_told_of_it() -> None:
    class Ignoring(Texts):
        ignore_llm = True  # type: ignore[assignment]

    handler = Ignoring()
    told, run = _run(handler)
    await told.started(run)
    assert handler.prompts == []


@pytest.mark.anyio
async def test_mocks_and_functions_that_return_coroutines_are_awaited() -> None:
    handler = BaseCallbackHandler()
    handler.on_text = AsyncMock()  # type: ignore[method-assign]
    await tell([handler], "on_text", ("x",), ABOUT)
    handler.on_text.assert_awaited_once_with("x", **ABOUT)


@pytest.mark.anyio
async def test_an_event_of_any_name_can_be_told() -> None:
    class Own(BaseCallbackHandler):
        deaf = False

        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_my_event(self, *args: Any, **kwargs: Any) -> None:
            self.heard.append((args, kwargs))

    handler = Own()
    await tell_event([handler], "on_my_event", "deaf", (1,), {"two": 2})
    await tell_event([handler], "on_your_event", None, (1,), {})
    handler.deaf = True
    await tell_event([handler], "on_my_event", "deaf", (1,), {"two": 2})
    assert handler.heard == [((1,), {"two": 2})]


def test_here_sync_methods_run_in_this_thread_and_async_ones_are_waited_for() -> None:
    noting, loop = Noting(), AsyncCallbackHandler()
    asynchronous: list[int] = []

    async def on_text(text: str, **kwargs: Any) -> None:
        await anyio.lowlevel.checkpoint()
        asynchronous.append(threading.get_ident())

    loop.on_text = on_text  # type: ignore[method-assign, assignment]
    driven(tell([noting, loop], "on_text", ("x",), ABOUT, here=True))
    assert noting.threads == [threading.get_ident()]
    assert asynchronous != [threading.get_ident()]


def test_only_what_never_waits_has_a_sync_form() -> None:
    class Both:
        async def aask(self, wait: bool) -> str:
            if wait:
                await anyio.lowlevel.checkpoint()
            return "done"

        ask = at_once(aask)

    assert Both().ask(wait=False) == "done"
    with pytest.raises(RuntimeError):
        Both().ask(wait=True)
    gc.collect()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("chain", "on_chain_start"),
        ("parser", "on_chain_start"),
        ("prompt", "on_chain_start"),
        ("tool", "on_tool_start"),
        ("retriever", "on_retriever_start"),
        ("chat_model", "on_chat_model_start"),
    ],
)
async def test_each_kind_of_run_has_its_methods(kind: str, event: str) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    stem = {"on_chat_model_start": "on_llm"}.get(event, event.removesuffix("_start"))

    def note(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> None:
            seen.append((name, kwargs))

        return method

    names = (event, f"{stem}_end", f"{stem}_error", "on_custom_event")
    handler = type("Handler", (BaseCallbackHandler,), {name: note(name) for name in names} | {"run_inline": True})()
    told, run = _run(handler, kind=kind, tags=["t"], metadata={"m": 1})
    await told.started(run)
    await told.custom(run, "mine", 1)
    await told.ended(run, AIMessage("x"))
    await told.failed(run, KeyError())
    assert [name for name, _ in seen] == [event, "on_custom_event", f"{stem}_end", f"{stem}_error"]
    start = seen[0][1]
    assert (start["run_id"], start["tags"], start["metadata"], start["name"]) == (run.id, ["t"], {"m": 1}, "it")
    if event == "on_chain_start":
        assert start["run_type"] == (None if kind == "chain" else kind)
    assert seen[1][1].keys() == {"run_id", "tags", "metadata"}


@pytest.mark.anyio
async def test_a_failed_model_tells_what_had_come(caplog: pytest.LogCaptureFixture) -> None:
    responses: list[Any] = []

    class Hearing(AsyncCallbackHandler):
        async def on_llm_error(self, error: BaseException, *, response: Any, **kwargs: Any) -> None:
            responses.append(response.generations)

    told, run = _run(Hearing())
    await told.failed(run, KeyError())
    run.partial = AIMessageChunk(content="ha")
    await told.failed(run, KeyError())
    assert responses[0] == [[]]
    assert responses[1][0][0].text == "ha"
    assert caplog.get_records("call") == []
    assert logging.getLogger("chatcore").handlers == []


@pytest.mark.anyio
async def test_the_result_that_is_told_is_like_any_other() -> None:
    told: list[LLMResult] = []

    class Hearing(AsyncCallbackHandler):
        async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
            told.append(response)

    handlers, run = _run(Hearing())
    await handlers.ended(run, AIMessage("x"))
    validated = LLMResult(generations=[[ChatGeneration(message=AIMessage("x"))]], llm_output=None)
    assert told == [validated]
    assert told[0].model_dump() == validated.model_dump()
    assert told[0].model_fields_set == validated.model_fields_set
    assert told[0].model_copy().flatten() == validated.flatten()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_handler_that_awaits_what_was_cancelled_elsewhere_does_not_cancel_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Lost(AsyncCallbackHandler):
        async def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            task = asyncio.ensure_future(asyncio.sleep(60))
            task.cancel()
            await task

    told, run = _run(Lost())
    await told.ended(run, AIMessage(content="hi"))
    assert "somebody else had cancelled" in caplog.text
