"""What chatcore itself costs, beside langchain-core, in one process and one run.

    python benchmarks/overhead.py            the whole run, about a minute
    python benchmarks/overhead.py --quick    a smoke run: the same code, too short to measure by

CPU time, not wall time. Both libraries run the same scripted model, in turn, round by round; a figure is the median of
the rounds, a ratio that of the medians. The models answer at once, so that all that is left is the library.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatcore.messages import AIMessageChunk
from chatcore.model import BaseChatModel

CHUNKS = 1000
# Of one stream: its chunks, the empty one that ends it, start and end.
EVENTS = CHUNKS + 3
TOOL_CHUNKS = (1000, 2000, 4000)


def scripted(library: str, *, built: bool = False) -> Any:
    """The same model for either library: it answers "hi", or streams it `CHUNKS` times.

    built: stream chunks that were made beforehand, so that making them is not counted.
    """
    models = import_module("chatcore.model" if library == "chatcore" else "langchain_core.language_models")
    messages = import_module(f"{library}.messages")
    outputs = import_module(f"{library}.outputs")
    beforehand = [outputs.ChatGenerationChunk(message=messages.AIMessageChunk(content="hi")) for _ in range(CHUNKS)]

    class Scripted(models.BaseChatModel):  # type: ignore[name-defined]  # either library's
        @property
        def _llm_type(self) -> str:
            return "scripted"

        def _generate(self, given, stop=None, run_manager=None, **kwargs):
            raise NotImplementedError

        async def _agenerate(self, given, stop=None, run_manager=None, **kwargs):
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=messages.AIMessage(content="hi"))])

        async def _astream(self, given, stop=None, run_manager=None, **kwargs):
            if built:
                for chunk in beforehand:
                    yield chunk
            else:
                for _ in range(CHUNKS):
                    yield outputs.ChatGenerationChunk(message=messages.AIMessageChunk(content="hi"))

    return Scripted()


class Bare(BaseChatModel):
    """chatcore's own idiom: the hook yields message chunks without a generation around each."""

    @property
    def _llm_type(self) -> str:
        return "bare"

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for _ in range(CHUNKS):
            yield AIMessageChunk(content="hi")


async def invoke(model: Any, calls: int, config: Any = None) -> None:
    for _ in range(calls):
        await model.ainvoke("hi", config)


async def stream(model: Any, calls: int, config: Any = None) -> None:
    for _ in range(calls):
        async for _chunk in model.astream("hi", config):
            pass


async def events(model: Any, calls: int) -> None:
    for _ in range(calls):
        seen = 0
        async for _event in model.astream_events("hi", version="v2"):
            seen += 1
        assert seen == EVENTS


def heard(library: str, verb: Callable[..., Any]) -> Verb:
    """The same with one async handler."""
    handlers = import_module(f"{library}.callbacks")

    class Handler(handlers.AsyncCallbackHandler):  # type: ignore[name-defined]  # either library's
        async def on_chat_model_start(self, serialized, messages, **kwargs):
            pass

        async def on_llm_new_token(self, token, **kwargs):
            pass

        async def on_llm_end(self, response, **kwargs):
            pass

    return partial(verb, config={"callbacks": [Handler()]})


async def batch(model: Any, calls: int) -> None:
    await model.abatch(["hi"] * calls)


Verb = Callable[[Any, int], Coroutine[Any, Any, None]]


def in_loop(verb: Verb, model: Any, calls: int) -> None:
    asyncio.run(verb(model, calls))


def merge_tool_chunks(library: str, count: int) -> Callable[[], None]:
    """Join the arguments of one tool call from `count` pieces, as the library's own streams do."""
    messages = import_module(f"{library}.messages")
    pieces = [
        messages.AIMessageChunk(
            content="",
            tool_call_chunks=[
                {
                    "type": "tool_call_chunk",
                    "name": "search" if index == 0 else None,
                    "args": '{"q": "' if index == 0 else '"}' if index == count - 1 else "word ",
                    "id": "call_1" if index == 0 else None,
                    "index": 0,
                }
            ],
        )
        for index in range(count)
    ]
    if library == "chatcore":

        def join() -> None:
            merged = messages.Accumulator()
            for piece in pieces:
                merged.add(piece)
            assert len(merged.message().tool_calls) == 1
    else:

        def join() -> None:
            merged = pieces[0]
            for piece in pieces[1:]:
                merged = merged + piece
            assert len(merged.tool_calls) == 1

    return join


def add_tool_chunks(count: int) -> Callable[[], None]:
    """The same by `+`, in chatcore."""
    messages = import_module("chatcore.messages")
    part = {"type": "tool_call_chunk", "name": None, "args": "word ", "id": None, "index": 0}
    piece = messages.AIMessageChunk(content="", tool_call_chunks=[part])

    def join() -> None:
        merged = piece
        for _ in range(count - 1):
            merged = merged + piece

    return join


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU time."""
    before = time.process_time()
    work()
    return time.process_time() - before


def interleaved(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median CPU seconds of each, measured in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seconds[name].append(cpu(work))
    return {name: statistics.median(values) for name, values in seconds.items()}


def import_seconds(statement: str, compiled: Path) -> tuple[float, int]:
    """CPU seconds and number of modules that an import takes in a new process.

    compiled: where it finds and leaves compiled modules, as an installed package has them.
    """
    code = f"import sys, time; b = time.process_time(); {statement}; print(time.process_time() - b, len(sys.modules))"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()  # noqa: S603
    return float(out[0]), int(out[1])


class Report:
    """Rows of figures: printed as they come, kept for the JSON."""

    def __init__(self, *, judging: bool) -> None:
        self.rows: list[dict[str, Any]] = []
        # A smoke run is too short to hold anything against a bar.
        self.judging = judging

    def row(
        self,
        what: str,
        ours: float,
        theirs: float | None,
        *,
        unit: str,
        bar: float | None = None,
        limit: float | None = None,
    ) -> None:
        """Print a row.

        bar: how many times the rival's figure ours should be lower.
        limit: what ours should be below.
        """
        ratio = None if theirs is None else theirs / ours
        verdict = ""
        if self.judging and bar is not None and ratio is not None:
            verdict = f"bar {bar:g}x: {'met' if ratio >= bar else 'MISSED'}"
        elif self.judging and limit is not None:
            verdict = f"bar {limit:g} {unit}: {'met' if ours < limit else 'MISSED'}"
        print(
            f"{what:48} {ours:10.2f} {'' if theirs is None else f'{theirs:10.2f}':>10} {unit:4}"
            f" {'' if ratio is None else f'{ratio:7.1f}x':>8}  {verdict}"
        )
        figures = {"chatcore": ours, "langchain_core": theirs, "unit": unit, "ratio": ratio, "bar": bar, "limit": limit}
        self.rows.append({"what": what, **figures})


def run(rounds: int, calls: int, *, judging: bool) -> Report:
    report = Report(judging=judging)
    versions = f"Python {platform.python_version()}, langchain-core {version('langchain-core')}"
    print(f"{versions}; CPU time, medians of {rounds} rounds")
    print(f"{'':48} {'chatcore':>10} {'langchain':>10}")
    models = {library: scripted(library) for library in ("chatcore", "langchain_core")}
    prebuilt = {library: scripted(library, built=True) for library in ("chatcore", "langchain_core")}
    streams = max(1, calls // 100)

    def compare(what: str, works: dict[str, Callable[[], object]], each: int, bar: float | None) -> None:
        median = interleaved(works, rounds)
        ours, theirs = median["chatcore"] / each * 1e6, median["langchain_core"] / each * 1e6
        report.row(what, ours, theirs, unit="us", bar=bar)

    def each(verb: Verb, models: dict[str, Any], count: int) -> dict[str, Callable[[], object]]:
        return {name: partial(in_loop, verb, model, count) for name, model in models.items()}

    compare("ainvoke", each(invoke, models, calls), calls, 10)
    compare("abatch, an item", each(batch, models, calls), calls, 8)
    compare("astream, a chunk", each(stream, models, streams), streams * CHUNKS, 10)
    bare_too = {**models, "chatcore": Bare()}
    compare("astream, a chunk (the hook yields bare messages)", each(stream, bare_too, streams), streams * CHUNKS, None)
    compare("astream, a chunk (chunks made beforehand)", each(stream, prebuilt, streams), streams * CHUNKS, None)

    compare("astream_events, an event", each(events, models, streams), streams * EVENTS, 10)

    for what, verb, count, answers, limit in (
        ("ainvoke", invoke, calls, calls, 15),
        ("a chunk", stream, streams, streams * CHUNKS, 3),
    ):
        works: dict[str, Callable[[], object]] = {}
        for library, model in models.items():
            works[library] = partial(in_loop, verb, model, count)
            works[f"{library} heard"] = partial(in_loop, heard(library, verb), model, count)
        median = interleaved(works, rounds)
        ours, theirs = (
            (median[f"{library} heard"] - median[library]) / answers * 1e6 for library in ("chatcore", "langchain_core")
        )
        report.row(f"one async handler adds to {what}", ours, theirs, unit="us", limit=limit)

    joins = {count: merge_tool_chunks("chatcore", count) for count in TOOL_CHUNKS}
    medians = interleaved({str(count): join for count, join in joins.items()}, rounds * 3)
    for count in TOOL_CHUNKS:
        report.row(f"joining {count} tool-argument chunks, a chunk", medians[str(count)] / count * 1e6, None, unit="us")
    growth = medians[str(TOOL_CHUNKS[-1])] / medians[str(TOOL_CHUNKS[0])] / (TOOL_CHUNKS[-1] / TOOL_CHUNKS[0])
    report.row("  cost of a chunk in 4,000 over one in 1,000", growth, None, unit="")
    theirs = cpu(merge_tool_chunks("langchain_core", TOOL_CHUNKS[-1]))
    report.row(f"joining {TOOL_CHUNKS[-1]} chunks", medians[str(TOOL_CHUNKS[-1])] * 1e3, theirs * 1e3, unit="ms")
    added = interleaved({"+": add_tool_chunks(TOOL_CHUNKS[-1])}, rounds)["+"]
    report.row(f"adding {TOOL_CHUNKS[-1]} chunks by +", added * 1e3, theirs * 1e3, unit="ms", bar=50)

    statements = {
        "chatcore": "import chatcore",
        "model": "from chatcore import BaseChatModel",
        "langchain_core": "import langchain_core.language_models",
        "base": "import pydantic, anyio",
    }
    imports: dict[str, list[tuple[float, int]]] = {name: [] for name in statements}
    with TemporaryDirectory() as folder:
        for statement in statements.values():
            import_seconds(statement, Path(folder))
        for _ in range(max(3, rounds)):
            for name, statement in statements.items():
                imports[name].append(import_seconds(statement, Path(folder)))
    seconds = {name: statistics.median(one for one, _ in values) * 1e3 for name, values in imports.items()}
    report.row("import chatcore", seconds["chatcore"], seconds["langchain_core"], unit="ms", bar=6)
    report.row("from chatcore import BaseChatModel", seconds["model"], seconds["langchain_core"], unit="ms")
    report.row("  of which pydantic and anyio", seconds["base"], None, unit="ms")
    for name in ("chatcore", "model", "langchain_core"):
        report.row(f"modules after `{statements[name]}`", imports[name][0][1], None, unit="")
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run, too short to measure by")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    report = run(1, 20, judging=False) if options.quick else run(9, 1000, judging=True)
    if options.json is not None:
        options.json.write_text(json.dumps(report.rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
