"""The loop between a reply's bytes and a codec: it ends, fails, and is left, and each time the reply is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Self, cast

import anyio
import anyio.lowlevel
import httpx
import pytest

from chatcore.errors import ConnectionFailedError, MalformedResponseError, ProviderError
from chatcore.http.client import HttpClient, Reply
from chatcore.messages import AIMessageChunk
from chatcore.outputs import ChatGenerationChunk
from chatcore.providers._streaming import DRAIN_PARTS, Chunks, Opened
from chatcore.providers.openai import ChatOpenAI

pytestmark = pytest.mark.anyio


def signed(error: ProviderError) -> None:
    error.model = "a-model"


class FakeReply(AsyncIterator[bytes]):
    """A reply of these parts: bytes, an error to raise, or a function to await."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)
        self.closed = 0

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        if not self.parts:
            raise StopAsyncIteration
        part = self.parts.pop(0)
        if callable(part):
            await part()
        if isinstance(part, Exception):
            raise part
        return cast("bytes", part)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.closed += 1


class Letters:
    """A codec: each letter is a chunk, a full stop is the end, an exclamation mark an error."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, part: bytes) -> list[ChatGenerationChunk]:
        if b"!" in part:
            raise MalformedResponseError("what a noise")
        self.done = b"." in part
        return [chunk(letter) for letter in part.decode() if letter.isalpha()]

    def finish(self) -> list[ChatGenerationChunk]:
        if not self.done:
            raise ConnectionFailedError("cut short")
        return [chunk("END")]


def chunk(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def chunks_of(reply: FakeReply) -> Chunks:
    async def open_reply() -> Opened:
        return Opened(cast("Any", reply), cast("Reply", reply), Letters(), signed)

    return Chunks(open_reply)


async def texts(chunks: Chunks) -> list[str]:
    return [chunk.text async for chunk in chunks]


async def test_chunks_come_in_order_and_the_reply_is_read_to_its_end() -> None:
    reply = FakeReply(b"ab", b"", b"c.", b"rest", b"more")
    chunks = chunks_of(reply)
    assert await texts(chunks) == ["a", "b", "c", "END"]
    assert (reply.parts, reply.closed) == ([], 1)
    assert await texts(chunks) == []


async def test_nothing_is_sent_before_the_first_pull() -> None:
    opened: list[int] = []

    async def open_reply() -> Opened:
        opened.append(1)
        raise ConnectionFailedError("refused")

    chunks = Chunks(open_reply)
    assert opened == []
    with pytest.raises(ConnectionFailedError):
        await anext(chunks)
    assert opened == [1]


async def test_a_reply_that_ends_without_the_answers_end_is_the_codecs_to_judge() -> None:
    reply = FakeReply(b"ab")
    chunks = chunks_of(reply)
    assert [(await anext(chunks)).text, (await anext(chunks)).text] == ["a", "b"]
    with pytest.raises(ConnectionFailedError, match="cut short"):
        await anext(chunks)
    assert reply.closed == 1


@pytest.mark.parametrize("bad", [b"!", ConnectionFailedError("reset")], ids=["codec", "transport"])
async def test_a_failure_closes_the_reply(bad: Any) -> None:
    reply = FakeReply(b"a", bad)
    chunks = chunks_of(reply)
    assert (await anext(chunks)).text == "a"
    with pytest.raises(type(bad) if isinstance(bad, Exception) else MalformedResponseError):
        await anext(chunks)
    assert reply.closed == 1
    assert await texts(chunks) == []


async def test_a_failure_says_whose_it_is() -> None:
    reply = FakeReply(ConnectionFailedError("reset"))
    with pytest.raises(ConnectionFailedError) as raised:
        await anext(chunks_of(reply))
    assert raised.value.model == "a-model"


async def test_leaving_early_closes_the_reply() -> None:
    reply = FakeReply(b"abc", b"d.")
    chunks = chunks_of(reply)
    assert (await anext(chunks)).text == "a"
    await chunks.aclose()
    await chunks.aclose()
    assert (reply.closed, reply.parts) == (1, [b"d."])
    assert await texts(chunks) == []


async def test_cancelling_a_pull_closes_the_reply() -> None:
    reply = FakeReply(b"a", anyio.sleep_forever)
    chunks = chunks_of(reply)
    assert (await anext(chunks)).text == "a"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anext, chunks)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert reply.closed == 1


class Unclosable(httpx.AsyncByteStream):
    """A body whose close fails."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
        await anyio.sleep_forever()

    async def aclose(self) -> None:
        raise httpx.ReadError("close failed")


def unclosable(status: int, *parts: bytes) -> tuple[httpx.AsyncClient, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, stream=Unclosable(*parts))

    return httpx.AsyncClient(transport=httpx.MockTransport(handle)), asked


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("parts", [[], [b"a"]], ids=["before-the-first", "between"])
async def test_a_cancelled_pull_stays_cancelled_when_closing_fails(status: int, parts: list[bytes]) -> None:
    user, asked = unclosable(status, *parts)

    async def open_reply() -> Opened:
        context = HttpClient(user).stream("POST", "http://acme.test")
        return Opened(context, await context.__aenter__(), Letters(), signed)

    ended: list[BaseException] = []

    async def read() -> None:
        try:
            await texts(Chunks(open_reply))
        except BaseException as error:
            ended.append(error)
            raise

    async with user, anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [type(error) for error in ended] == [anyio.get_cancelled_exc_class()]
    assert "close" in ended[0].__notes__[0]
    assert len(asked) == 1


@pytest.mark.parametrize("status", [200, 500])
async def test_a_cancelled_model_call_is_not_sent_again_when_closing_fails(status: int) -> None:
    user, asked = unclosable(status)
    async with user:
        model = ChatOpenAI(model="m", api_key="sk-test", base_url="http://acme.test/v1", http_client=user)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:

                async def read() -> None:
                    async for _ in model.astream("x"):
                        pass

                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
    assert len(asked) == 1


async def test_a_failing_close_of_what_was_left_is_an_error() -> None:
    user, _ = unclosable(200, b"a")
    async with user:
        context = HttpClient(user).stream("POST", "http://acme.test")

        async def open_reply() -> Opened:
            return Opened(context, await context.__aenter__(), Letters(), signed)

        chunks = Chunks(open_reply)
        assert (await anext(chunks)).text == "a"
        with pytest.raises(ConnectionFailedError, match="while it was closed"):
            await chunks.aclose()


async def test_the_wait_for_the_end_is_left_closed_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.providers._streaming.DRAIN_SECONDS", 60.0)
    reply = FakeReply(b"a.", anyio.sleep_forever)
    chunks = chunks_of(reply)
    assert [(await anext(chunks)).text, (await anext(chunks)).text] == ["a", "END"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anext, chunks)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert reply.closed == 1


@pytest.mark.parametrize("rest", [[ConnectionFailedError("reset")], [b"x"] * 1000], ids=["broken", "endless"])
async def test_what_follows_the_end_changes_nothing(rest: list[Any]) -> None:
    reply = FakeReply(b"a.", *rest)
    assert await texts(chunks_of(reply)) == ["a", "END"]
    assert reply.closed == 1
    assert len(rest) - len(reply.parts) <= DRAIN_PARTS + 1


async def test_a_server_that_does_not_close_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatcore.providers._streaming.DRAIN_SECONDS", 0.0)
    sleep: Callable[[], Any] = anyio.sleep_forever
    reply = FakeReply(b"a.", sleep)
    assert await texts(chunks_of(reply)) == ["a", "END"]
    assert reply.closed == 1
