"""What it costs to read a stream, beside each provider's official SDK: the same bytes, in one process and one run.

    python benchmarks/wires.py            the whole run, a few minutes
    python benchmarks/wires.py --quick    a smoke run: the same code, too short to measure by

CPU time of the client, not wall time: `astream` of chatcore's model, and the SDK's own stream, each from the call to
the last chunk. A server in a process of its own sends, over loopback, the streams that real providers have sent
(`../shared/traffic` beside the checkout, where it is) and a long made-up one. Both read in turn, round by round; a
figure is the median of the rounds. The SDKs hand out their events and add nothing up; chatcore hands out messages.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import json
import logging
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chatcore

TRAFFIC = Path(__file__).resolve().parents[2] / "shared" / "traffic"
BAR = 4.0
"""How many times less than the SDK's ours should cost."""

MADE_UP = 2000
"""Pieces of text in the made-up stream."""

Read = Callable[[str], Awaitable[int]]
"""Reads the stream of that name to its end, and counts what came."""


# ------------------------------------------------------------------------------------------------------ made-up streams


def sse(*events: dict[str, Any], named: bool = False) -> bytes:
    lines = (f"event: {event['type']}\n" if named else "" for event in events)
    return "".join(f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(lines, events, strict=True)).encode()


def chat_stream(pieces: list[str]) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def event(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}

    usage = {"prompt_tokens": 9, "completion_tokens": len(pieces), "total_tokens": 9 + len(pieces)}
    last = {**head, "choices": [], "usage": usage}
    texts = [event({"content": piece}) for piece in pieces]
    return sse(event({"role": "assistant", "content": ""}), *texts, event({}, "stop"), last) + b"data: [DONE]\n\n"


def responses_stream(pieces: list[str]) -> bytes:
    text = "".join(pieces)
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    response = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": [],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": len(pieces),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 9 + len(pieces),
    }
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [item], "usage": usage},
        },
    ]
    return sse(*({**event, "sequence_number": number} for number, event in enumerate(events)), named=True)


def anthropic_stream(pieces: list[str]) -> bytes:
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1},
    }  # fmt: skip
    return sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": len(pieces)},
        },
        {"type": "message_stop"},
        named=True,
    )


def gemini_stream(pieces: list[str]) -> bytes:
    def event(text: str, **more: Any) -> dict[str, Any]:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}

    return sse(*(event(piece) for piece in pieces), event("", finishReason="STOP"))


def ollama_stream(pieces: list[str]) -> bytes:
    head = {"model": "m", "created_at": "2026-01-01T00:00:00.000000Z"}
    lines: list[dict[str, Any]] = [
        {**head, "message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces
    ]
    counts = {"total_duration": 1, "load_duration": 1, "prompt_eval_count": 9, "eval_count": len(pieces)}
    lines.append(
        {**head, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **counts}
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


# ------------------------------------------------------------------------------------------------------------- dialects


async def counted(stream: AsyncIterator[Any]) -> int:
    seen = 0
    async for _ in stream:
        seen += 1
    return seen


def ours(make: Callable[[str], Any]) -> Callable[[str], Read]:
    """Our model, made once as the SDK's client is; the stream's name takes the place of a model's."""

    def at(address: str) -> Read:
        model = make(address)

        async def read(name: str) -> int:
            return await counted(model.astream("hi", model=name))

        return read

    return at


def sdk_chat(address: str) -> Read:
    from openai import AsyncOpenAI  # noqa: PLC0415 - each SDK takes a second to import, and a run may need but one

    client = AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)

    async def read(name: str) -> int:
        messages: Any = [{"role": "user", "content": "hi"}]
        return await counted(await client.chat.completions.create(model=name, messages=messages, stream=True))

    return read


def sdk_responses(address: str) -> Read:
    from openai import AsyncOpenAI  # noqa: PLC0415 - as above

    client = AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)

    async def read(name: str) -> int:
        return await counted(await client.responses.create(model=name, input="hi", stream=True))

    return read


def sdk_anthropic(address: str) -> Read:
    from anthropic import AsyncAnthropic  # noqa: PLC0415 - as above

    client = AsyncAnthropic(base_url=address, api_key="none", max_retries=0)

    async def read(name: str) -> int:
        messages: Any = [{"role": "user", "content": "hi"}]
        stream = await client.messages.create(model=name, messages=messages, max_tokens=1024, stream=True)
        return await counted(stream)

    return read


def sdk_gemini(address: str) -> Read:
    from google import genai  # noqa: PLC0415 - as above

    client = genai.Client(api_key="none", http_options={"base_url": address})

    async def read(name: str) -> int:
        return await counted(await client.aio.models.generate_content_stream(model=name, contents="hi"))

    return read


def sdk_ollama(address: str) -> Read:
    from ollama import AsyncClient  # noqa: PLC0415 - as above

    client = AsyncClient(host=address)

    async def read(name: str) -> int:
        return await counted(await client.chat(model=name, messages=[{"role": "user", "content": "hi"}], stream=True))

    return read


@dataclass(frozen=True)
class Dialect:
    """One wire: how either side reads it, and a long stream of it.

    sdk: the package whose stream is beside ours.
    ours, theirs: the server's address → what reads a stream.
    made_up: pieces of text → the bytes of a stream.
    """

    sdk: str
    ours: Callable[[str], Read]
    theirs: Callable[[str], Read]
    made_up: Callable[[list[str]], bytes]
    content_type: str = "text/event-stream"


KEY: dict[str, Any] = {"api_key": "none", "max_retries": 0}

DIALECTS = {
    "openai-chat": Dialect(
        "openai",
        ours(lambda address: chatcore.ChatOpenAI(model="m", base_url=f"{address}/v1", **KEY)),
        sdk_chat,
        chat_stream,
    ),
    "openai-responses": Dialect(
        "openai",
        ours(
            lambda address: chatcore.ChatOpenAI(model="m", base_url=f"{address}/v1", use_responses_api=True, **KEY),
        ),
        sdk_responses,
        responses_stream,
    ),
    "anthropic-messages": Dialect(
        "anthropic",
        ours(lambda address: chatcore.ChatAnthropic(model="m", base_url=address, **KEY)),
        sdk_anthropic,
        anthropic_stream,
    ),
    "gemini": Dialect(
        "google-genai",
        ours(lambda address: chatcore.ChatGoogleGenerativeAI(model="m", base_url=address, **KEY)),
        sdk_gemini,
        gemini_stream,
    ),
    "ollama": Dialect(
        "ollama",
        ours(lambda address: chatcore.ChatOllama(model="m", base_url=address, max_retries=0)),
        sdk_ollama,
        ollama_stream,
        "application/x-ndjson",
    ),
}


# --------------------------------------------------------------------------------------------------------------- server


def recorded(dialect: str) -> list[tuple[str, bytes]]:
    """The streams that providers have sent, with their media types; none where the recordings are not."""
    path = TRAFFIC / f"{dialect}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        (row["response_headers"].get("content-type", "text/event-stream"), row["body_text"].encode())
        for row in rows
        if row["stream_body"] and row["status"] == 200 and row["expected"] and not row["expected"]["error"]
    ]


@contextmanager
def server(streams: list[tuple[str, bytes]]) -> Generator[str]:
    """A server in its own process that answers with the stream whose number the request names; its address."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "streams.json")
        kept.write_text(json.dumps([(kind, base64.b64encode(body).decode()) for kind, body in streams]))
        command = (sys.executable, __file__, "--serve", str(kept))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
            try:
                assert process.stdout is not None
                yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
            finally:
                process.terminate()


def flushed(body: bytes) -> list[bytes]:
    """A stream cut as a server sends it: every event, or line of JSON, is flushed, and so an HTTP chunk of its own."""
    ends = rb"(?<=\n\n)|(?<=\r\n\r\n)" if re.search(rb"\n\r?\n", body) else rb"(?<=\n)"
    events = re.split(ends, body)
    return [event for event in events if event]


async def serve(streams: list[tuple[str, bytes]]) -> None:
    """Answer every request with the stream that it names as "stream-17", wherever in it that is."""
    replies = [
        b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n%s0\r\n\r\n"
        % (kind.encode(), b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in flushed(body)))
        for kind, body in streams
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            named = re.search(rb"stream-(\d+)", head + body)
            assert named is not None
            writer.write(replies[int(named[1])])
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


# -------------------------------------------------------------------------------------------------------------- the run


async def readable(read: Read, names: list[str]) -> list[str]:
    """The streams that come to their end."""
    found: list[str] = []
    for name in names:
        try:
            await read(name)
        except Exception:  # noqa: BLE001, S112 - of whichever library; it is only asked whether there is one
            continue
        found.append(name)
    return found


def run(dialects: list[str], rounds: int, most: int | None, pieces: int, *, judging: bool) -> list[dict[str, Any]]:
    logging.disable(logging.WARNING)  # google-genai says what it thinks of a stream's parts
    print(f"Python {platform.python_version()}; CPU time of the client, medians of {rounds} rounds")
    print(f"{'':32} {'streams':>8} {'KB':>8} {'chatcore':>10} {'SDK':>10}")
    rows: list[dict[str, Any]] = []
    for name in dialects:
        dialect = DIALECTS[name]
        long = (dialect.content_type, dialect.made_up([f" word{number}" for number in range(pieces)]))
        streams = [long, *recorded(name)[:most]]
        with server(streams) as address, asyncio.Runner() as runner:
            # Once per loop, as a program does: both keep their connections.
            reads = {"chatcore": dialect.ours(address), "sdk": dialect.theirs(address)}
            names = [f"stream-{number}" for number in range(len(streams))]
            for read in reads.values():
                names = runner.run(readable(read, names))
            assert names[:1] == ["stream-0"], f"{name}: the made-up stream is not one"
            for what, chosen in (("made-up", names[:1]), ("recorded", names[1:])):
                if chosen:
                    works = {who: partial(each, runner, read, chosen) for who, read in reads.items()}
                    size = sum(len(streams[int(one.partition("-")[2])][1]) for one in chosen)
                    rows.append(row(f"{name}, {what}", dialect, interleaved(works, rounds), len(chosen), size, judging))
    return rows


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median CPU seconds of each, measured in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            before = time.process_time()
            work()
            seconds[name].append(time.process_time() - before)
    return {name: statistics.median(values) for name, values in seconds.items()}


def each(runner: asyncio.Runner, read: Read, names: list[str]) -> None:
    async def all_of_them() -> None:
        for name in names:
            await read(name)

    runner.run(all_of_them())


def row(
    what: str,
    dialect: Dialect,
    median: dict[str, float],
    streams: int,
    size: int,
    judging: bool,  # noqa: FBT001
) -> dict[str, Any]:
    mine, theirs = (median[who] / streams * 1e3 for who in ("chatcore", "sdk"))
    ratio = theirs / mine
    verdict = f"  bar {BAR:g}x: {'met' if ratio >= BAR else 'MISSED'}" if judging else ""
    sdk = f"{dialect.sdk} {version(dialect.sdk)}"
    figures = f"{streams:8} {size / 1e3:8.0f} {mine:8.2f}ms {theirs:8.2f}ms {ratio:7.1f}x"
    print(f"{what:32} {figures}{verdict}  {sdk}", flush=True)
    counts = {"what": what, "sdk": sdk, "streams": streams, "bytes": size}
    return {**counts, "chatcore": mine, "theirs": theirs, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run, too short to measure by")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=DIALECTS, help="one dialect")
    options = parser.parse_args()
    if options.serve is not None:
        kept = json.loads(options.serve.read_text(encoding="utf-8"))
        asyncio.run(serve([(kind, base64.b64decode(body)) for kind, body in kept]))
        return
    dialects = [options.only] if options.only else list(DIALECTS)
    figures = run(dialects, 1, 3, 20, judging=False) if options.quick else run(dialects, 5, None, MADE_UP, judging=True)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
