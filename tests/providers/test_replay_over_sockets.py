"""Every recorded answer over real sockets, read by the models themselves: the same facts as by the codecs alone.

One server for a dialect sends what was recorded, status, headers and body, cut at random into HTTP chunks and again
into writes; one model asks it for every row, whole or streamed as the row was.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from chatcore import ChatAnthropic, ChatGoogleGenerativeAI, ChatOllama, ChatOpenAI
from chatcore.errors import ProviderError, StreamInterrupted
from chatcore.messages import Accumulator, AIMessage
from chatcore.model import BaseChatModel
from tests.providers import (
    test_anthropic_replay,
    test_gemini_replay,
    test_ollama_replay,
    test_openai_chat_replay,
    test_responses_replay,
)
from tests.providers.replay import Replay, at_random

pytestmark = pytest.mark.anyio

KEY: dict[str, Any] = {"model": "m", "api_key": "none", "max_retries": 0}

DIALECTS: dict[str, tuple[Replay, Callable[[str], BaseChatModel]]] = {
    "openai-chat": (
        test_openai_chat_replay.REPLAY,
        lambda address: ChatOpenAI(base_url=f"{address}/v1", use_responses_api=False, **KEY),
    ),
    "openai-responses": (
        test_responses_replay.REPLAY,
        lambda address: ChatOpenAI(base_url=f"{address}/v1", use_responses_api=True, **KEY),
    ),
    "anthropic-messages": (test_anthropic_replay.REPLAY, lambda address: ChatAnthropic(base_url=address, **KEY)),
    "gemini": (test_gemini_replay.REPLAY, lambda address: ChatGoogleGenerativeAI(base_url=address, **KEY)),
    "ollama": (test_ollama_replay.REPLAY, lambda address: ChatOllama(base_url=address, **KEY)),
}

OF_THE_WAY = re.compile(
    r":.*|content-length|content-encoding|transfer-encoding|connection|keep-alive|date", re.IGNORECASE
)
"""Headers that tell how the recorded bytes came, and not what they are."""


def reply(row: dict[str, Any], seed: int) -> bytes:
    """What was recorded, as HTTP/1.1, the body in chunks of any size."""
    lines = [f"HTTP/1.1 {row['status']} Recorded"]
    lines += [f"{name}: {value}" for name, value in row["response_headers"].items() if not OF_THE_WAY.fullmatch(name)]
    head = "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode()
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in at_random(seed)(row["body_text"].encode())]
    return head + b"".join(chunks) + b"0\r\n\r\n"


async def serve(stream: SocketStream, rows: list[dict[str, Any]], seed: int) -> None:
    """Answer each request with the row that it names as "row-17", wherever in it that is."""
    received = b""
    async with stream:
        while True:
            try:
                received += await stream.receive()
            except anyio.EndOfStream:
                return
            head, separator, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            if not separator or len(body) < (int(length[1]) if length else 0):
                continue
            named = re.search(rb"row-(\d+)", received)
            assert named is not None
            received = b""
            for part in at_random(seed + 1)(reply(rows[int(named[1])], seed)):
                await stream.send(part)


async def answer(model: BaseChatModel, row: dict[str, Any], number: int) -> AIMessage:
    """A row's answer, asked for as it was."""
    name = f"row-{number}"
    if not row["stream_body"]:
        return await model.ainvoke("hi", model=name)
    merged = Accumulator()
    try:
        async for chunk in model.astream("hi", model=name):
            merged.add(chunk)
    except StreamInterrupted as broken:
        raise broken.__cause__ or broken from None
    return merged.message()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_recorded_answers_over_sockets(dialect: str, anyio_backend: str) -> None:
    """Each row agrees with its SDK, or differs as listed where the codec's own test lists it."""
    replay, make = DIALECTS[dialect]
    rows = replay.rows()
    seed = random.Random(f"{dialect} {anyio_backend}").randrange(10**6)
    wrong: dict[str, Any] = {}
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:

        async def handle(stream: SocketStream) -> None:
            await serve(stream, rows, seed)

        tasks.start_soon(listener.serve, handle)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        model = make(f"http://127.0.0.1:{port}")
        for number, row in enumerate(rows):
            try:
                found = replay.difference(row, await answer(model, row, number))
            except ProviderError as raised:
                found = replay.difference_of_error(row, raised)
            if rest := replay.unexplained(row, found):
                wrong[row["id"]] = (row["provider"], rest)
        tasks.cancel_scope.cancel()
    assert wrong == {}
