"""What a user holds of a typed stream: projections, several readers, closing; on a model, async and sync."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import AsyncIterator
from typing import Any, assert_type

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from chatcore.errors import ServerError, StreamInterrupted, TypedStreamError
from chatcore.messages import AIMessage, AIMessageChunk
from chatcore.outputs import ChatGenerationChunk
from chatcore.typed_stream import (
    AsyncChatModelStream,
    AsyncProjection,
    AsyncTextProjection,
    ChatModelStream,
    PendingStream,
    SyncProjection,
    SyncTextProjection,
)
from tests.engine.models import Streaming, chunk, letters

CALL = {"type": "tool_call_chunk", "name": "f", "id": "c1", "index": 0}
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


class Gate:
    """Letters that come when they are let through; `asked` counts how many have been asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.events: dict[int, anyio.Event] = {}

    async def __call__(self, text: str) -> AsyncIterator[str]:
        for index, letter in enumerate(text):
            self.asked = index + 1
            await self.at(index).wait()
            yield letter

    def at(self, index: int) -> anyio.Event:
        return self.events.setdefault(index, anyio.Event())

    def open(self, *indexes: int) -> None:
        for index in indexes:
            self.at(index).set()


async def everything(text: str) -> AsyncIterator[Any]:
    """An answer with some of everything."""
    yield chunk("", additional_kwargs={"reasoning_content": "hm"})
    yield chunk(text[0])
    yield chunk(text[1:])
    yield chunk("", tool_call_chunks=[{**CALL, "args": '{"a"'}])
    yield chunk("", tool_call_chunks=[{**CALL, "name": None, "id": None, "args": ": 1}"}])
    yield chunk("", usage_metadata=USAGE)


async def breaking(text: str) -> AsyncIterator[Any]:
    async for letter in letters(text):
        yield letter
    yield chunk("", tool_call_chunks=[{**CALL, "args": '{"a"'}])
    raise ServerError("fell over")


def typed(chunks: Any, text: str = "hello", **options: Any) -> AsyncChatModelStream:
    return AsyncChatModelStream(chunks=Streaming(chunks=chunks).astream(text), **options)


def typed_sync(chunks: Any, text: str = "hello", **options: Any) -> ChatModelStream:
    return ChatModelStream(chunks=Streaming(chunks=chunks).stream(text), **options)


async def settled() -> None:
    """Let whoever is ready run."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


# ---------------------------------------------------------------------------------------------------------- projections


@pytest.mark.anyio
async def test_projections_of_one_answer() -> None:
    async with typed(everything) as stream:
        assert [part async for part in stream.text] == ["h", "ello"]
        assert [part async for part in stream.reasoning] == ["hm"]
        assert [part["args"] async for part in stream.tool_calls] == ['{"a"', ": 1}"]
        assert {part["name"] async for part in stream.tool_calls} == {"f"}
        assert await stream.text == "hello"
        assert await stream.reasoning == "hm"
        assert await stream.tool_calls == [{"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "c1"}]
        assert await stream.usage == USAGE
        assert [usage async for usage in stream.usage] == [USAGE]
        message = await stream
        assert message is await stream.output
        assert [whole async for whole in stream.output] == [message]
        assert message.text == "hello"
        assert message.usage_metadata == USAGE
        assert [event["event"] async for event in stream][::20] == ["message-start"]
        assert stream.done
        assert stream.has_events
        assert stream.message_id == message.id
        assert stream.output_message is message is stream.partial


def test_projections_of_one_answer_in_sync_code() -> None:
    with typed_sync(everything) as stream:
        assert list(stream.text) == ["h", "ello"]
        assert str(stream.text) == stream.text.get() == "hello"
        assert list(stream.reasoning) == ["hm"]
        assert [part["args"] for part in stream.tool_calls] == ['{"a"', ": 1}"]
        assert stream.tool_calls.get()[0]["args"] == {"a": 1}
        assert stream.usage == USAGE
        assert stream.output.text == "hello"
        assert next(iter(stream))["event"] == "message-start"


@pytest.mark.anyio
async def test_projections_are_there_once() -> None:
    stream = typed(letters)
    assert stream.text is stream.text
    assert stream.tool_calls is stream.tool_calls


@pytest.mark.anyio
async def test_nothing_is_sent_before_somebody_reads() -> None:
    model = Streaming(chunks=letters)
    stream = AsyncChatModelStream(chunks=model.astream("hi"))
    await settled()
    assert model._watch.begun == 0
    assert not stream.has_events
    assert stream.partial is None
    await stream.aclose()
    with pytest.raises(TypedStreamError, match="closed before its end"):
        await stream.text
    assert model._watch.begun == 0


@pytest.mark.anyio
async def test_an_answer_that_comes_whole() -> None:
    model = Streaming(chunks=letters, disable_streaming=True)
    stream = AsyncChatModelStream(chunks=model.astream("hello"))
    assert [part async for part in stream.text] == ["hello"]
    assert (await stream).text == "hello"


@pytest.mark.anyio
async def test_pending_stream() -> None:
    pending = PendingStream(typed(letters))
    stream = await pending
    assert await stream.text == "hello"
    async with PendingStream(typed(letters)) as stream:
        assert await anext(aiter(stream.text)) == "h"
    assert not stream._assembly.message
    assert stream.done


@pytest.mark.anyio
async def test_types() -> None:
    stream = typed(everything)
    async for part in stream.text:
        assert_type(part, str)
    assert_type(await stream.text, str)
    assert_type(await stream, AIMessage)
    assert_type(await stream.output, AIMessage)


# ------------------------------------------------------------------------------------------------------ several readers


@pytest.mark.anyio
async def test_several_readers_each_see_everything() -> None:
    model = Streaming(chunks=everything)
    stream = AsyncChatModelStream(chunks=model.astream("hello"))
    seen: dict[str, Any] = {}

    async def read(name: str, readable: Any) -> None:
        seen[name] = [item async for item in readable]

    async def whole(name: str, awaitable: Any) -> None:
        seen[name] = await awaitable

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(read, f"text {number}", stream.text)
        tasks.start_soon(read, "events", stream)
        tasks.start_soon(read, "calls", stream.tool_calls)
        tasks.start_soon(whole, "message", stream)
        tasks.start_soon(whole, "usage", stream.usage)
    assert [seen[f"text {number}"] for number in range(3)] == [["h", "ello"]] * 3
    assert seen["events"] == [event async for event in stream]
    assert len(seen["calls"]) == 2
    assert seen["message"].text == "hello"
    assert seen["usage"] == USAGE
    assert model._watch.begun == 1, "one connection for all"


@pytest.mark.anyio
async def test_what_one_reader_pulls_the_others_have() -> None:
    gate = Gate()
    async with typed(gate) as stream:
        slow = aiter(stream.text)
        fast = aiter(stream.text)
        gate.open(0, 1)
        assert await anext(slow) == "h"
        assert [await anext(fast), await anext(fast)] == ["h", "e"]
        assert await anext(slow) == "e"
        assert gate.asked == 2


@pytest.mark.anyio
async def test_nobody_reads_nobody_pulls() -> None:
    gate = Gate()
    gate.open(*range(5))
    async with typed(gate) as stream:
        assert await anext(aiter(stream.text)) == "h"
        await settled()
        assert gate.asked == 1


@pytest.mark.anyio
async def test_a_cancelled_reader_takes_nothing_from_the_others() -> None:
    gate = Gate()
    model = Streaming(chunks=gate)
    seen: list[str] = []

    async def read(scope: anyio.CancelScope | None, readable: Any) -> None:
        with scope or anyio.CancelScope():
            async for part in readable:
                seen.append(part)  # noqa: PERF401 - what has come before is looked at

    first = anyio.CancelScope()
    async with (
        AsyncChatModelStream(chunks=model.astream("hello")) as stream,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(read, first, stream.text)
        await settled()
        assert gate.asked == 1
        tasks.start_soon(read, None, stream.text)
        await settled()
        first.cancel()
        await settled()
        assert model._watch.active == 1, "the read that was under way goes on"
        gate.open(*range(5))
    assert "".join(seen) == "hello"
    assert stream.done


@pytest.mark.anyio
async def test_the_only_reader_is_cancelled_and_another_comes() -> None:
    gate = Gate()
    async with typed(gate) as stream:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.text
        with anyio.move_on_after(0):
            await stream.text
        gate.open(*range(5))
        assert await stream.text == "hello"


@pytest.mark.anyio
async def test_a_reader_far_behind_is_told() -> None:
    async with typed(letters, "abcdefghij", replay_limit=4) as stream:
        behind = aiter(stream.text)
        assert await anext(behind) == "a"
        assert await stream.text == "abcdefghij"
        with pytest.raises(TypedStreamError, match="10 items have come, it has read 1, and the latest 4"):
            await anext(behind)
        with pytest.raises(TypedStreamError, match="replay_limit"):
            _ = [event async for event in stream]
        assert (await stream).text == "abcdefghij", "the whole is kept"


def test_readers_in_several_threads() -> None:
    text = "abcdefghij" * 20
    seen: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    with typed_sync(letters, text) as stream:
        threads = [threading.Thread(target=lambda: seen.put(list(stream.text))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [seen.get() for _ in threads] == [list(text)] * 4


def test_sync_readers_that_leave_early_leave_the_stream_open() -> None:
    with typed_sync(letters) as stream:
        for part in stream.text:
            assert part == "h"
            break
        assert next(iter(stream.text)) == "h"
        assert stream.output.text == "hello"


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.anyio
async def test_every_reader_meets_the_error() -> None:
    async with typed(breaking, "hi") as stream:
        seen: list[str] = []
        with pytest.raises(StreamInterrupted, match="fell over"):
            async for part in stream.text:
                seen.append(part)  # noqa: PERF401 - it ends in an error
        assert seen == ["h", "i"]
        for reader in (stream.reasoning, stream.tool_calls, stream.usage, stream.output, stream):
            with pytest.raises(StreamInterrupted, match="fell over") as caught:
                await reader
            assert stream.text.error is caught.value
        assert stream.output_message is None
        assert stream.partial is not None
        assert stream.partial.text == "hi"
        assert [call["args"] for call in stream.partial.invalid_tool_calls] == ['{"a"']


def test_every_reader_meets_the_error_in_sync_code() -> None:
    with typed_sync(breaking, "hi") as stream:
        for read in (list, lambda given: list(given.text), lambda given: given.output, lambda given: given.usage):
            with pytest.raises(StreamInterrupted, match="fell over"):
                read(stream)
        assert stream.partial is not None
        assert stream.partial.text == "hi"


class Unreadable(AIMessageChunk):
    """A chunk of a provider whose content nobody can read."""

    @property
    def content_blocks(self) -> Any:
        raise LookupError("no such block")


@pytest.mark.anyio
async def test_a_chunk_that_cannot_be_read_is_an_error() -> None:
    async def odd(text: str) -> AsyncIterator[Any]:
        yield chunk(text)
        yield ChatGenerationChunk(message=Unreadable(content=[text]))
        yield chunk(text)

    model = Streaming(chunks=odd)
    stream = AsyncChatModelStream(chunks=model.astream("hi"))
    with pytest.raises(LookupError, match="no such block"):
        await stream
    assert model._watch.active == 0
    in_sync_code = ChatModelStream(chunks=model.stream("hi"))
    with pytest.raises(LookupError, match="no such block"):
        await anyio.to_thread.run_sync(list, in_sync_code)
    assert model._watch.active == 0


# -------------------------------------------------------------------------------------------------------------- closing


@pytest.mark.anyio
async def test_leaving_closes() -> None:
    model = Streaming(chunks=letters)
    async with AsyncChatModelStream(chunks=model.astream("hello")) as stream:
        assert await anext(aiter(stream.text)) == "h"
        assert model._watch.active == 1
    assert model._watch.active == 0
    await stream.aclose()
    reader = aiter(stream.text)
    assert await anext(reader) == "h"
    with pytest.raises(TypedStreamError, match="closed before its end"):
        await anext(reader)
    assert stream.partial is not None
    assert stream.partial.text == "h"


@pytest.mark.anyio
async def test_closing_ends_those_who_wait() -> None:
    gate = Gate()
    model = Streaming(chunks=gate)
    stream = AsyncChatModelStream(chunks=model.astream("hello"))
    told: list[str] = []

    async def read() -> None:
        with pytest.raises(TypedStreamError) as caught:
            await stream.text
        told.append(str(caught.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        tasks.start_soon(read)
        await settled()
        await stream.aclose()
        assert model._watch.active == 0
    assert len(told) == 2


@pytest.mark.anyio
async def test_closing_after_the_end_leaves_what_was_said() -> None:
    async with typed(letters) as stream:
        assert await stream.text == "hello"
    assert await stream.text == "hello"
    assert [part async for part in stream.text] == list("hello")


@pytest.mark.anyio
async def test_dropping_closes() -> None:
    model = Streaming(chunks=letters)
    stream = AsyncChatModelStream(chunks=model.astream("hello"))
    assert await anext(aiter(stream.text)) == "h"
    del stream
    await model._watch.until(lambda: model._watch.active == 0)


@pytest.mark.anyio
async def test_dropping_closes_a_stream_that_is_being_read_for_nobody() -> None:
    gate = Gate()
    model = Streaming(chunks=gate)
    stream = AsyncChatModelStream(chunks=model.astream("hello"))
    with anyio.move_on_after(0):
        await stream.text
    await settled()
    assert model._watch.active == 1
    del stream
    gc.collect()
    await model._watch.until(lambda: model._watch.active == 0)


@pytest.mark.anyio
async def test_a_projection_keeps_the_stream() -> None:
    text = typed(letters).text
    gc.collect()
    assert [part async for part in text] == list("hello")


def test_leaving_closes_in_sync_code() -> None:
    model = Streaming(chunks=letters)
    with ChatModelStream(chunks=model.stream("hello")) as stream:
        assert next(iter(stream.text)) == "h"
    assert model._watch.active == 0
    with pytest.raises(TypedStreamError, match="closed before its end"):
        _ = stream.output


# -------------------------------------------------------------------------------------------- projections by themselves


@pytest.mark.anyio
async def test_a_projection_waits_for_who_pushes() -> None:
    projection: AsyncProjection[str, str] = AsyncProjection()
    seen: list[str] = []

    async def read() -> None:
        async for part in projection:
            seen.append(part)  # noqa: PERF401 - what has come before is looked at

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settled()
        projection.push("a")
        await settled()
        assert seen == ["a"]
        projection.complete("all")
    assert await projection == "all"
    assert projection.done


@pytest.mark.anyio
async def test_a_stream_waits_for_who_dispatches() -> None:
    stream = AsyncChatModelStream(namespace=["graph"], node="model", message_id="m1")
    assert (stream.namespace, stream.node, stream.message_id) == (["graph"], "model", "m1")
    seen: list[Any] = []

    async def read() -> None:
        seen.append(await stream)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settled()
        stream.dispatch({"event": "message-finish"})
    assert seen == [stream.output_message]
    failed = AsyncChatModelStream()
    failed.fail(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await failed.text


@pytest.mark.anyio
async def test_a_pull_of_ones_own() -> None:
    stream = AsyncChatModelStream()
    left = [{"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "a"}}]

    async def pull() -> bool:
        stream.dispatch(left.pop() if left else {"event": "message-finish"})
        return not stream.done

    stream.set_arequest_more(pull)
    assert [part async for part in stream.text] == ["a"]
    assert await stream.text == "a"


@pytest.mark.anyio
async def test_a_pull_with_nothing_more_ends_the_readers() -> None:
    projection: AsyncProjection[str, str] = AsyncProjection()

    async def pull() -> bool:
        return False

    projection.set_arequest_more(pull)
    assert [part async for part in projection] == []
    assert await projection is None


def test_a_sync_pull_of_ones_own() -> None:
    stream = ChatModelStream()
    left = [{"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "a"}}]

    def pull() -> bool:
        stream.dispatch(left.pop() if left else {"event": "message-finish"})
        return not stream.done

    stream.bind_pump(pull)
    assert not stream.text
    assert list(stream.text) == ["a"]
    assert stream.text
    assert repr(stream.text) == "'a'"


def test_what_is_not_there_is_not_waited_for_in_sync_code() -> None:
    stream = ChatModelStream()
    assert list(stream.text) == []
    assert str(stream.text) == ""
    with pytest.raises(RuntimeError, match="without producing a message"):
        _ = stream.output
    projection: SyncProjection[int, int] = SyncProjection()
    projection.push(1)
    projection.set_request_more(lambda: False)
    assert list(projection) == [1]
    assert projection.get() is None


@pytest.mark.parametrize("projection", [SyncTextProjection(), AsyncTextProjection()], ids=["sync", "async"])
def test_text_is_text(projection: Any) -> None:
    with pytest.raises(TypeError, match="requires a string delta, not a int"):
        projection.push(1)
    with pytest.raises(TypeError, match="requires a string final value, not a int"):
        projection.complete(1)
    projection.push("a")
    projection.fail(ValueError("no"))
    assert projection.error is not None
    if isinstance(projection, SyncTextProjection):
        assert repr(projection) == "'a'"
