"""The command line: it reads arguments, shows what `chatcore.jobs` does, and ends with an exit code.

::

    0         all done
    1         some lines failed, or the run could not go on; what is done is on disk
    2         bad usage; nothing was asked
    130, 143  interrupted by Ctrl-C, by SIGTERM; what is done is on disk

Progress, summary and errors go to stderr, so that stdout may be the output.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

import anyio
import pydantic_core
from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from chatcore.engine.batch import collapse
from chatcore.engine.policies import Timeout
from chatcore.errors import ChatCoreError, ConfigurationError
from chatcore.jobs import BatchJob, BatchReport, Durations
from chatcore.jobs._job import HOPELESS, HOPELESS_LINES, ClockedBucket
from chatcore.model import BaseChatModel
from chatcore.providers import init_chat_model
from chatcore.providers._listing import Listed, listed
from chatcore.testing import Faults, Latency, Limits, Simulator

if sys.platform != "win32":
    import resource

__all__ = ["Progress", "app", "batch", "models", "run", "simulate"]

DONE, FAILED, BAD_USAGE = 0, 1, 2

_SIMULATED_LATENCY = Latency(time_to_first_token=0.2, tokens_per_second=100, jitter=0.5)
_CONNECT_SECONDS = 10.0
_BAD_LINES_SHOWN = 10
_REFRESH_SECONDS = 0.2
_PLAIN_SECONDS = 5.0
_BAR_COLUMNS = 60
_SPARE_FILES = 128
"""What a process has open besides its connections."""

_OPTION_OF = {
    "api_key=": "--api-key-env",
    "base_url=": "--base-url",
    "resume=True": "--resume",
    "overwrite=True": "--overwrite",
}

app = App(
    name="chatcore",
    help="Chat models, many at a time.",
    result_action="return_value",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)
"""The commands."""

Backend = Literal["asyncio", "trio"]


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    arguments: without the program's name.

    Returns:
        The exit code.
    """
    try:
        code: object = app(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _refused(str(error))
    except ConfigurationError as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        # Before the loop has begun to listen, or after it.
        return 128 + signal.SIGINT
    return code if isinstance(code, int) else DONE


def _refused(reason: str) -> int:
    print(f"chatcore: {_printable(_by_options(' '.join(reason.split())))}", file=sys.stderr)
    return BAD_USAGE


def _path(_: object, value: str) -> None:
    if value.startswith("-") and value != "-":
        raise ValueError(f"{value} is no option of this command; for a file of that name write ./{value}")


_FilePath = Parameter(allow_leading_hyphen=True, validator=_path)
_Positive = Parameter(validator=Number(gt=0))
_Counted = Parameter(validator=Number(gte=1))


# ------------------------------------------------------------------------------------------------------------- batch


@app.command
def batch(  # noqa: PLR0913 - the options of a command
    source: Annotated[str, _FilePath, Parameter(name="IN")],
    /,
    *,
    output: Annotated[str, _FilePath, Parameter(name=["--output", "-o"])],
    model: str | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
    max_concurrency: Annotated[int, _Counted] = 100,
    rpm: Annotated[float | None, _Positive] = None,
    tpm: Annotated[float | None, _Positive] = None,
    retries: Annotated[int, Parameter(validator=Number(gte=0))] = 5,
    timeout: Annotated[float | None, _Positive] = None,
    stream: bool | None = None,
    resume: Annotated[bool, Parameter(negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    cost: Annotated[bool, Parameter(negative=())] = False,
    simulate: Annotated[bool, Parameter(negative=())] = False,
    backend: Backend = "asyncio",
) -> int:
    """Answer a file of prompts, many at a time, into a file of results.

    Exit codes: 0 all done; 1 some lines failed; 2 bad usage; 130 or 143 interrupted by Ctrl-C or SIGTERM.

    However it ends, what is done is in the output, and --resume does the rest.

    Parameters
    ----------
    source
        JSON lines: {"id", "input"}, or OpenAI's batch format. "-" is stdin.
    output
        Where the results go, one line each, as they complete. "-" is stdout.
    model
        "provider:model", such as openai:gpt-5-mini. A line may name another model of the same provider.
    base_url
        Of a server that speaks OpenAI's chat completions, such as http://localhost:8000/v1.
    api_key_env
        The environment variable that holds the API key; by default the provider's own, such as OPENAI_API_KEY.
    max_concurrency
        How many prompts are asked at once.
    rpm
        At most so many requests a minute.
    tpm
        At most so many tokens a minute, of prompts and answers together.
    retries
        How often a prompt is asked again, when another attempt may help.
    timeout
        Seconds for which one attempt may stand still: until its first token, or from one to the next; if it is not
        streamed, until its answer. Waiting for --rpm and --tpm does not count.
    stream
        Stream every answer, or none. By default at most 32 at a time are, which is enough to tell the time to first
        token, and costs less CPU.
    resume
        Go on with the output: keep its answers, ask what is missing or has failed.
    overwrite
        Drop what the output holds.
    cost
        Tell what the answers cost, as far as their prices are known.
    simulate
        Ask a simulated provider on this machine, over real HTTP; no key is needed.
    backend
        The event loop.
    """
    if simulate and (base_url is not None or api_key_env is not None):
        raise ConfigurationError("--simulate asks a provider of its own; leave out --base-url and --api-key-env.")
    if model is None and not simulate:
        raise ConfigurationError("Say which model to ask: --model openai:gpt-5-mini, say; or try it with --simulate.")
    shown = _Shown()
    job_of = partial(
        BatchJob,
        source=source,
        output=output,
        max_concurrency=max_concurrency,
        stream=stream,
        retries=retries,
        resume=resume,
        overwrite=overwrite,
        on_bad_line=shown.bad_line,
        costs=cost,
    )
    settings: dict[str, Any] = {"max_retries": 0}  # the job's own cover more
    if rpm is not None or tpm is not None:
        settings["rate_limiter"] = ClockedBucket(requests_per_minute=rpm, tokens_per_minute=tpm)
    if timeout is not None:
        settings["timeout"] = _standing_still(timeout)
    model_of = partial(init_chat_model, model or "openai:simulated", **settings)
    _allow_files(max_concurrency * (2 if simulate else 1))
    given = None if simulate else model_of(**_address(base_url, api_key_env))

    async def do() -> int:
        async with _answering(given, model_of) as asked:
            return await _watched(job_of(asked), shown, output)

    return _in_loop(do, backend)


def _standing_still(seconds: float) -> Timeout:
    return Timeout(connect=min(seconds, _CONNECT_SECONDS), first_token=seconds, between_tokens=seconds)


def _address(base_url: str | None, api_key_env: str | None) -> dict[str, str]:
    given: dict[str, str] = {}
    if base_url is not None:
        given["base_url"] = base_url
    if api_key_env is not None:
        key = os.environ.get(api_key_env, "").strip()
        if not key:
            raise ConfigurationError(f"The environment variable {api_key_env} of --api-key-env is not set.")
        given["api_key"] = key
    return given


@asynccontextmanager
async def _answering(
    model: BaseChatModel | None, model_of: Callable[..., BaseChatModel]
) -> AsyncGenerator[BaseChatModel]:
    """The model that was given; or one at a simulated provider, which lives as long as this block."""
    if model is not None:
        yield model
        return
    simulator = Simulator(latency=_SIMULATED_LATENCY)
    async with simulator:
        yield model_of(base_url=simulator.base_url, api_key="simulated")


async def _watched(job: BatchJob, shown: _Shown, output: str) -> int:
    """Run a job under the eyes of the user, who may stop it."""
    heard: list[int] = []
    again = "" if output == "-" else " The same command with --resume does the rest."
    try:
        async with anyio.create_task_group() as beside:
            beside.start_soon(_listen, job, shown, heard)
            beside.start_soon(shown.follow, job.report)
            await job.run()
            beside.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = collapse(group)
        if not isinstance(error, OSError) or isinstance(error, ChatCoreError):
            raise error from None
        shown.summary(job.report)
        shown.say(f"The run cannot go on: {error}. What is done is kept.{again}")
        return FAILED
    shown.summary(job.report)
    if job.report.gave_up:
        shown.say(f"{_why_it_gave_up(job.report)}{again}")
        return FAILED
    if job.report.interrupted:
        shown.say(f"Interrupted.{again}")
        return 128 + heard[0]
    if job.report.failed:
        shown.say(f"Some lines failed; their results say why.{again}")
        return FAILED
    return DONE


def _why_it_gave_up(report: BatchReport) -> str:
    kind, failures = max(
        ((kind, failures) for kind, failures in report.errors.items() if kind in HOPELESS),
        key=lambda entry: entry[1].count,
    )
    example = _by_options(failures.example)
    return (
        f"Stopped early: all of the first {HOPELESS_LINES} lines asked were refused, and so would be the rest. {kind}:"
        f" {example} Mend the key, the address or the model's name."
    )


async def _listen(job: BatchJob, shown: _Shown, heard: list[int]) -> None:
    """Stop the job at the first signal; leave the second to the system, which ends the process at once."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            heard.append(number)
            break
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    shown.say("Stopping: what is in flight is given up, what is done is kept. Once more to quit at once.")
    job.stop()


def _allow_files(connections: int) -> None:
    """Have the system let this process open so many connections at once.

    Raises ConfigurationError if it does not.
    """
    if sys.platform == "win32":
        return
    needed = connections + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ConfigurationError(
            f"So many connections at once need {needed} open files, and this system allows {hard}. Lower"
            " --max-concurrency, or raise the limit (ulimit -Hn)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _in_loop(do: Callable[[], Coroutine[Any, Any, int]], backend: Backend) -> int:
    if backend not in anyio.get_available_backends():
        raise ConfigurationError(f'--backend {backend} is not installed: pip install "chatcore[{backend}]"')
    return anyio.run(do, backend=backend)


# ------------------------------------------------------------------------------------------------------------- shown


class _Shown:
    """What the user sees, on stderr: a live line on a terminal, else a plain line now and then; and the summary."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bad_lines = 0

    def say(self, text: str) -> None:
        self._console.print(escape(_printable(text)), soft_wrap=True)

    def bad_line(self, number: int, reason: str) -> None:
        """A line of the input cannot be asked: the first few are told at once, all are in the output."""
        self._bad_lines += 1
        if self._bad_lines <= _BAD_LINES_SHOWN:
            self.say(f"Line {number}: {reason}")
        elif self._bad_lines == _BAD_LINES_SHOWN + 1:
            self.say("Further bad lines are told in the output only.")

    async def follow(self, report: BatchReport) -> None:
        """Show the figures as they grow."""
        if not self._console.is_terminal:
            while True:
                await anyio.sleep(_PLAIN_SECONDS)
                self.say(_state(report))
        with Live(Progress(report), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.refresh()
                    await anyio.sleep(_REFRESH_SECONDS)
            finally:
                live.refresh()

    def summary(self, report: BatchReport) -> None:
        """The table at the end, and the errors by kind."""
        seconds = report.seconds
        per_second = report.output_tokens / seconds if seconds else 0.0
        kept = f", {report.kept:,} kept from before" if report.kept else ""
        again = f", {report.retries:,} {'retry' if report.retries == 1 else 'retries'}" if report.retries else ""
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_row("lines", f"{report.answered:,} answered, {report.failed:,} failed{kept}{again}")
        table.add_row("time", f"{seconds:.1f} s, {report.lines_per_second:,.1f} lines/s")
        table.add_row(
            "tokens", f"{report.input_tokens:,} in, {report.output_tokens:,} out ({per_second:,.0f} out a second)"
        )
        if report.costs is not None:
            unknown = f", without {report.costs.unknown:,} whose price is not known" if report.costs.unknown else ""
            table.add_row("cost", f"${report.costs.total:,.4f}{unknown}")
        table.add_row("latency", _spread(report.latency))
        table.add_row("first token", _spread(report.first_token))
        self._console.print(table)
        if report.errors:
            errors = Table("error", "lines", "such as", box=None, pad_edge=False)
            for kind, failures in sorted(report.errors.items(), key=lambda entry: -entry[1].count):
                errors.add_row(escape(kind), f"{failures.count:,}", escape(_printable(_by_options(failures.example))))
            self._console.print(errors)


class Progress:
    """A job's figures under a bar, as rich draws them: as they are at that moment, and as wide as there is room.

    The bar moves to and fro as long as the total is not known.
    """

    def __init__(self, report: BatchReport) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        report, columns = self._report, options.max_width
        total = None if report.total is None else max(1, report.total - report.blank)
        yield ProgressBar(total, report.kept + report.done, width=min(_BAR_COLUMNS, columns), pulse=total is None)
        # The bar leaves its line open.
        yield Text("\n" + _state(report, columns))


def _state(report: BatchReport, columns: float = math.inf) -> str:
    """A job's figures in one line: all of them, or those that matter most if there is room for no more."""
    total = "" if report.total is None else f" of {report.total - report.blank:,}"
    left = report.seconds_left()
    said = {
        "done": f"{report.kept + report.done:,}{total} done",
        "failed": f"{report.failed:,} failed",
        "in flight": f"{report.in_flight:,} in flight",
        "tokens": f"{report.input_tokens:,} + {report.output_tokens:,} tokens",
        "pace": f"{report.pace():,.0f} lines/s",
    }
    if left is not None:
        said["left"] = f"{_duration(left)} left"
    for dispensable in ("tokens", "in flight", "pace", "failed"):
        if len(", ".join(said.values())) <= columns:
            break
        del said[dispensable]
    return ", ".join(said.values())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _spread(durations: Durations) -> str:
    median, most = durations.quantile(0.5), durations.quantile(0.95)
    return "-" if median is None or most is None else f"p50 {median:.3f} s, p95 {most:.3f} s"


def _by_options(text: str) -> str:
    """What the library says of its arguments, said of the options that set them."""
    for argument, option in _OPTION_OF.items():
        text = text.replace(f"`{argument}`", option).replace(argument, option)
    return text


def _printable(text: str) -> str:
    """A text from elsewhere, without what a terminal would act upon."""
    return "".join(character if character.isprintable() else " " for character in text)


# ------------------------------------------------------------------------------------------------------------ models


@app.command
def models(*providers: str, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """List the providers of models: where requests would go, and whether there is a key.

    Keys are looked for in the environment, and never shown. Nothing is asked over the network. Exit codes: 0 all is
    there; 1 a provider that was named is not ready, because its key or a part of its address is missing; 2 bad usage.

    Parameters
    ----------
    providers
        Their names; all if none is given.
    json
        A JSON list with an object for each provider.
    """
    found = listed(*providers)
    if json:
        _out(f"{pydantic_core.to_json([asdict(each) for each in found], indent=2).decode()}\n")
    else:
        rows = [("PROVIDER", "KEY", "ADDRESS"), *((each.provider, _key_of(each), _address_of(each)) for each in found)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        _out("".join(f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}\n" for row in rows))
    return FAILED if providers and not all(each.ready for each in found) else DONE


def _key_of(each: Listed) -> str:
    if each.key is not None:
        return f"{each.key} is set"
    if not each.keys:
        return "none needed"
    return f"{each.keys[0]} is not set" + (", not needed" if each.ready else "")


def _address_of(each: Listed) -> str:
    return each.base_url or _printable(each.problem or "-")


def _out(text: str) -> None:
    """Write to stdout, whose reader may have read enough."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written as the process ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---------------------------------------------------------------------------------------------------------- simulate


@app.command
def simulate(  # noqa: PLR0913 - the options of a command
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 0,
    ttft: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0,
    tokens_per_second: Annotated[float | None, _Positive] = None,
    rpm: Annotated[float | None, _Positive] = None,
    tpm: Annotated[float | None, _Positive] = None,
    fault_rate: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0,
    seed: int = 0,
    backend: Backend = "asyncio",
) -> int:
    """Serve a simulated provider until Ctrl-C.

    It speaks OpenAI's chat completions and Responses, Anthropic's Messages, Gemini and Ollama, all on one port. Its
    address is the first line of stdout: clients of OpenAI take it as their base URL, the others without its `/v1`.

    Parameters
    ----------
    host
        The address to listen at.
    port
        The port; 0 is any that is free.
    ttft
        Seconds to the first token.
    tokens_per_second
        How fast tokens follow; by default all at once.
    rpm
        Enforce so many requests a minute.
    tpm
        Enforce so many tokens a minute.
    fault_rate
        The share of requests that a fault strikes, from 0 to 1.
    seed
        What its texts, times and faults follow from.
    backend
        The event loop.
    """
    simulator = Simulator(
        host=host,
        port=port,
        latency=Latency(time_to_first_token=ttft, tokens_per_second=tokens_per_second),
        limits=Limits(requests_per_minute=rpm, tokens_per_minute=tpm) if rpm or tpm else None,
        faults=Faults(rate=fault_rate) if fault_rate else None,
        seed=seed,
    )

    async def serve() -> int:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with AsyncExitStack() as stack:
                try:
                    await stack.enter_async_context(simulator)
                except OSError as error:
                    raise ConfigurationError(f"It cannot listen at {host}, port {port}: {error.strerror}.") from error
                print(simulator.base_url, flush=True)
                async for _ in signals:
                    break
        print(simulator.stats, file=sys.stderr)
        return DONE

    return _in_loop(serve, backend)
