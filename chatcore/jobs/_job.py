"""A batch as a job: lines in, results out as they complete, stopped and resumed at any time.

::

    LineReader ── lines not done yet ──> worker 1 ── ask (retry, stream) ── write ──> Output
                                         worker 2 ── ask ── write ──────────┘
                                         ...

A worker writes what it was answered before it waits for anything, so that no finished result is lost by a stop. Memory
holds one line for each worker, one block of the input, and figures of fixed size.
"""

from __future__ import annotations

import math
import os
import stat
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, cast

import anyio

from chatcore.engine.batch import collapse, run_workers
from chatcore.engine.limits import TokenBucket
from chatcore.engine.request import Request, Response, Whole
from chatcore.errors import AuthenticationError, ChatCoreError, ConfigurationError, NotFoundError
from chatcore.jobs._figures import BatchReport
from chatcore.jobs._input import MAX_LINE_BYTES, LineReader, count_lines, open_input
from chatcore.jobs._journal import Done, Output, open_journal, open_stdout
from chatcore.jobs._lines import BadLine, Prompt, parse_line
from chatcore.jobs._results import Answer, Failure, encoded
from chatcore.messages import AIMessage
from chatcore.prices import CostCallbackHandler
from chatcore.runnables import Runnable

__all__ = ["HOPELESS", "HOPELESS_LINES", "BatchJob", "ClockedBucket"]

HOPELESS = (AuthenticationError.__name__, NotFoundError.__name__)
"""Failures that the next line will meet, too."""

HOPELESS_LINES = 20
"""So many of them, and nothing else, are enough."""

_BAD_LINE = "BadLine"
_SYNC_SECONDS = 1.0
_STREAMED_AT_ONCE = 32
_PATIENCE_SECONDS = 300.0
"""A provider that asks for a longer pause than this has, for this job, said no."""


class BatchJob:
    """A batch from a file to a file. It can be watched, stopped, and resumed by another job.

    ::

        from chatcore.jobs import BatchJob

        job = BatchJob(model, "prompts.jsonl", "answers.jsonl", max_concurrency=500, resume=True)

    and then `await job.run()`.

    docs/batch.md describes the lines of both files. A line that cannot be asked, or whose call fails, gets a result
    that says so, and stops nothing else. Only if each of the first 20 calls fails for a wrong key, or since there is no
    such model or path, the job gives up: so would all others.

    model: a chat model, with or without fallbacks and the like; anything that answers a prompt with an `AIMessage`.
    source: path of the input; "-": stdin.
    output: path of the output; "-": stdout.
    max_concurrency: how many lines are asked at once.
    stream: whether answers are streamed. That tells the time to first token and lets a stall be noticed early, but
        costs CPU for each token instead of each answer. None: at most 32 at a time are, which is enough to tell.
    retries: how often a line is asked again when its call fails and another attempt may help, also if a stream breaks
        off midway. The model's own `max_retries` are not made on top of them.
    resume: go on with an output that an earlier run has left: its answers are kept; what is missing or has failed is
        asked.
    overwrite: drop what the output holds. With neither, an output that holds something is refused.
    on_bad_line: called with the number of each line that cannot be asked, and the reason.
    costs: whether to reckon what the answers cost (`chatcore.prices`), which takes about 0.2 ms for each.

    Raises:
        ConfigurationError: an argument cannot be meant.
        MissingExtraError: `costs` needs the extra `prices`.
    """

    def __init__(  # noqa: PLR0913 - the settings of a job, all optional, all by name
        self,
        model: Runnable[Any, AIMessage],
        source: str | os.PathLike[str],
        output: str | os.PathLike[str],
        *,
        max_concurrency: int = 100,
        stream: bool | None = None,
        retries: int = 5,
        resume: bool = False,
        overwrite: bool = False,
        on_bad_line: Callable[[int, str], object] | None = None,
        costs: bool = False,
    ) -> None:
        self.report = BatchReport(costs=CostCallbackHandler() if costs else None)
        """What has been done so far."""
        self._source = os.fspath(source)
        self._output = os.fspath(output)
        _at_least("max_concurrency", max_concurrency, 1)
        _at_least("retries", retries, 0)
        if resume and overwrite:
            raise ConfigurationError("resume keeps what the output holds and overwrite drops it; ask for one of them.")
        if resume and self._output == "-":
            raise ConfigurationError("resume needs an output that can be read again; - (stdout) cannot, give a file.")
        self._concurrency = max_concurrency
        self._resume = resume
        self._overwrite = overwrite
        self._on_bad_line = on_bad_line
        self._asked: Runnable[Prompt, Answer] = _Asked(model, self.report, stream=stream)
        if retries:
            self._asked = self._asked.with_retry(
                retry_if_exception_type=_may_pass,
                stop_after_attempt=retries + 1,
                exponential_jitter_params={"initial": 0.5, "max": 30.0, "jitter": 0.5},
            )
        self._stopped = False
        self._scope: anyio.CancelScope | None = None

    def stop(self) -> None:
        """Ask no more lines and give up those in flight; `run` then returns. From within the event loop."""
        self._stopped = True
        if self._scope is not None:
            self._scope.cancel()

    async def run(self) -> BatchReport:
        """Do the job, once.

        Returns:
            The report, which is `job.report`.

        Raises:
            ConfigurationError: the input or the output cannot be used, or the input is not the one that the output
                was made of. It is raised before anything is asked, unless the input is a pipe.
            OSError: reading or writing failed midway. What had been written stays, and can be resumed.
        """
        with anyio.CancelScope() as self._scope:
            if self._stopped:
                self._scope.cancel()
            await self._do()
        self.report.interrupted = self._scope.cancelled_caught
        return self.report

    async def _do(self) -> None:
        source = open_input(self._source)
        try:
            output, done = await self._open_output(source)
            try:
                await self._answer_all(source, output, done)
            finally:
                await output.aclose()
        finally:
            if source:
                os.close(source)

    async def _open_output(self, source: int) -> tuple[Output, Done]:
        if self._output == "-":
            return open_stdout(), Done()
        output, done = await open_journal(self._output, source, resume=self._resume, overwrite=self._overwrite)
        self.report.kept = done.count
        return output, done

    async def _answer_all(self, source: int, output: Output, done: Done) -> None:
        seekable = self._source != "-" and stat.S_ISREG(os.fstat(source).st_mode)
        if done.count and seekable:
            # All of it before the first request, since it can be read twice.
            lines = LineReader(source)
            async for _ in _Remaining(lines, done, self._source):
                pass
            self.report.total = lines.number
            os.lseek(source, 0, os.SEEK_SET)

        async def answer(_: int, item: tuple[int, bytes | None, int]) -> None:
            await self._answer(output, *item)

        self.report.begin()
        try:
            async with anyio.create_task_group() as beside:
                beside.start_soon(_sync_regularly, output)
                if seekable and self.report.total is None:
                    beside.start_soon(self._count)
                await run_workers(_Remaining(LineReader(source), done, self._source), answer, self._concurrency)
                beside.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise collapse(group) from None
        finally:
            self.report.end()

    async def _count(self) -> None:
        self.report.total = await count_lines(self._source)

    async def _answer(self, output: Output, number: int, raw: bytes | None, checksum: int) -> None:
        """One line, from its bytes to its result."""
        line = _too_long(number) if raw is None else parse_line(number, raw)
        if line is None:
            self.report.blank += 1
            return
        outcome = self._refusal(line) if isinstance(line, BadLine) else await self._outcome(line)
        # From here to the write there is nothing to wait for, and so nothing that could be cancelled.
        try:
            result = encoded(line, outcome, checksum)
        except ValueError as error:
            outcome = Failure.of(error)
            result = encoded(line, outcome, checksum)
        await output.write(result)
        if isinstance(outcome, Answer):
            self.report.add_answer(outcome.messages[0].usage_metadata, outcome.seconds, outcome.first_token)
            if self.report.costs is not None:
                self.report.costs.add(outcome.messages[0])
        else:
            self.report.add_failure(outcome.type, outcome.message)
            if _is_hopeless(self.report):
                self.report.gave_up = True
                self.stop()

    def _refusal(self, line: BadLine) -> Failure:
        if self._on_bad_line is not None:
            self._on_bad_line(line.number, line.reason)
        return Failure(_BAD_LINE, line.reason)

    async def _outcome(self, line: Prompt) -> Answer | Failure:
        self.report.in_flight += 1
        try:
            return await self._asked.ainvoke(line)
        except Exception as error:  # noqa: BLE001 - whatever a call fails with becomes its line's result
            return Failure.of(error)
        finally:
            self.report.in_flight -= 1


async def _sync_regularly(output: Output) -> None:
    while True:
        await anyio.sleep(_SYNC_SECONDS)
        await output.sync()


class _Remaining(AsyncIterator[tuple[int, bytes | None, int]]):
    """The lines that are not done: `(number, bytes or None if too long, checksum)`.

    Raises ConfigurationError where the input shows that it is not the one of which lines have been done.
    """

    __slots__ = ("_done", "_lines", "_path")

    def __init__(self, lines: LineReader, done: Done, path: str) -> None:
        self._lines = lines
        self._done = done
        self._path = path

    async def __anext__(self) -> tuple[int, bytes | None, int]:
        async for number, raw in self._lines:
            checksum = 0 if raw is None else zlib.crc32(raw.strip())
            if number not in self._done:
                return number, raw, checksum
            if not self._done.agrees(number, checksum):
                raise self._changed(f"line {number} is not the one that was answered")
        if self._lines.number < self._done.highest:
            raise self._changed(f"it has {self._lines.number} lines, and line {self._done.highest} was answered")
        raise StopAsyncIteration

    def _changed(self, how: str) -> ConfigurationError:
        return ConfigurationError(
            f"The input {self._path!r} is not the one that the output was made of: {how}. Give the same input, or write"
            " to another file."
        )


class _Asked(Runnable[Prompt, Answer]):
    """A model, asked for one line: streamed or not, the whole answer, with its times.

    A runnable of its own, so that a retry around it covers a stream that breaks off midway: nobody saw its beginning.
    """

    def __init__(self, model: Runnable[Any, AIMessage], report: BatchReport, *, stream: bool | None) -> None:
        self._model = model
        self._report = report
        self._may_stream = {None: _STREAMED_AT_ONCE, True: math.inf, False: 0}[stream]
        self._streaming = 0

    @asynccontextmanager
    async def _start(self, request: Request) -> AsyncGenerator[Response[Answer]]:
        prompt = cast("Prompt", request.input)
        prompt.attempts += 1
        if prompt.attempts > 1:
            self._report.retries += 1
        # One stream is one message: several choices are asked for plainly.
        several = prompt.settings.get("n") not in (None, 1)
        stream = self._streaming < self._may_stream and not several
        asked = request.edited(input=prompt.input, settings=prompt.settings, stream=stream)
        begun, first_token = time.perf_counter(), None
        _let_out.set(None)
        self._streaming += stream
        try:
            async with self._model._open(asked) as response:
                begun = _let_out.get() or begun
                if stream:
                    await response.__anext__()
                    first_token = time.perf_counter() - begun
                message = await response.result()
                seconds = time.perf_counter() - begun
                messages = _choices(response, message) if several else [message]
        finally:
            self._streaming -= stream
        if not isinstance(message, AIMessage):
            msg = f"The model answered with a {type(message).__name__}; a batch needs an AIMessage."
            raise ConfigurationError(msg)
        yield Whole(Answer(messages, seconds, first_token))


class ClockedBucket(TokenBucket):
    """A `TokenBucket` that notes when it let a call out, so that a job's latencies are without the wait for it."""

    async def aacquire(self, *, blocking: bool = True, tokens: float = 0) -> bool:
        """As of `TokenBucket`."""
        taken = await super().aacquire(blocking=blocking, tokens=tokens)
        _let_out.set(time.perf_counter())
        return taken


_let_out: ContextVar[float | None] = ContextVar("let_out", default=None)


def _choices(response: Response[Any], message: AIMessage) -> list[AIMessage]:
    """All the messages of an answer. What is not a chat model's own (a fallback's, say) has one."""
    result = getattr(response.origin(), "chat_result", None)
    return [message] if result is None else [generation.message for generation in result().generations]


def _may_pass(error: BaseException) -> bool:
    """Whether it makes sense to wait and ask again."""
    if not isinstance(error, ChatCoreError):
        # Of a model of the user's own: the network's errors pass, its bugs do not.
        return isinstance(error, OSError)
    asked: float | None = getattr(error, "retry_after", None)
    return asked is None or asked <= _PATIENCE_SECONDS


def _is_hopeless(report: BatchReport) -> bool:
    """Whether all that has been asked was refused as all the rest will be. Bad lines were not asked."""
    if report.answered:
        return False
    refused = sum(report.errors[kind].count for kind in HOPELESS if kind in report.errors)
    bad = report.errors[_BAD_LINE].count if _BAD_LINE in report.errors else 0
    return refused >= HOPELESS_LINES and refused + bad == report.failed


def _too_long(number: int) -> BadLine:
    reason = f"The line is longer than {MAX_LINE_BYTES // 2**20} MiB; send less at once."
    return BadLine(number=number, id=f"line-{number}", reason=reason)


def _at_least(name: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}, not {number!r}.")
