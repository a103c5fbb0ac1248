"""The command line as its users run it: in a process of its own."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chatcore.cli import Progress, run
from chatcore.jobs import BatchReport
from chatcore.testing import Fault, Latency, Reply, Simulator

ROOT = Path(__file__).parent.parent
CHATCORE = (sys.executable, "-m", "chatcore")
PATIENCE_SECONDS = 60
"""How long a command may take here. Only a test that fails waits this long."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    return spaced


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a user without keys, who is somewhere else than in the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


Chatcore = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def chatcore(folder: Path, environment: dict[str, str]) -> Chatcore:
    """Run a command to its end."""

    def to_its_end(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CHATCORE, *map(str, arguments)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            **more,
        )

    return to_its_end


def write(path: Path, lines: int) -> Path:
    path.write_text(
        "".join(json.dumps({"id": f"p{n}", "input": f"text {n}"}) + "\n" for n in range(1, lines + 1)), "utf-8"
    )
    return path


def read(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    return [json.loads(line) for line in content.splitlines()]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)  # the other side is a process: there is nothing to be told by


def has_lines(path: Path, number: int) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_bytes().count(b"\n") >= number


# -------------------------------------------------------------------------------------------------------------- batch


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_simulated_batch(backend: str, folder: Path, chatcore: Chatcore) -> None:
    write(folder / "in put.jsonl", 100)
    done = chatcore("batch", "in put.jsonl", "-o", "out put.jsonl", "--simulate", "--backend", backend)
    assert done.returncode == 0, done.stderr
    assert sorted(result["line"] for result in read(folder / "out put.jsonl")) == list(range(1, 101))
    assert done.stdout == ""
    for said in ("100 answered, 0 failed", "lines/s", "p50 0.", "first token", "tokens"):
        assert said in done.stderr


def test_example_of_the_readme(folder: Path, chatcore: Chatcore) -> None:
    prompts = ROOT / "examples" / "prompts.jsonl"
    done = chatcore("batch", prompts, "-o", "answers.jsonl", "--simulate")
    assert done.returncode == 0, done.stderr
    lines = len(prompts.read_text("utf-8").splitlines())
    results = read(folder / "answers.jsonl")
    assert sorted(result["line"] for result in results) == list(range(1, lines + 1))
    assert {"custom_id" in result for result in results} == {True, False}


def test_the_cost_of_a_batch(folder: Path, chatcore: Chatcore) -> None:
    lines = [{"id": "a", "input": "x"}, {"id": "b", "input": "y", "settings": {"model": "gpt-nobody"}}]
    (folder / "in").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    done = chatcore("batch", "in", "-o", "out", "--simulate", "--model", "openai:gpt-5-mini", "--cost")
    assert done.returncode == 0, done.stderr
    assert re.search(r"cost +\$0\.\d{4}, without 1 whose price is not known", done.stderr), done.stderr
    assert "cost" not in chatcore("batch", "in", "-o", "out", "--simulate", "--overwrite").stderr


def test_stdin_to_stdout(folder: Path, chatcore: Chatcore) -> None:
    lines = write(folder / "in", 50).read_text("utf-8")
    done = chatcore("batch", "-", "-o", "-", "--simulate", input=lines)
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(line)["line"] for line in done.stdout.splitlines()) == list(range(1, 51))
    assert "50 answered" in done.stderr


def test_stdin_and_stdout_may_be_files(folder: Path, environment: dict[str, str]) -> None:
    source = write(folder / "in", 20)
    with source.open("rb") as given, (folder / "out").open("wb") as taken:
        command = [*CHATCORE, "batch", "-", "-o", "-", "--simulate"]
        subprocess.run(command, stdin=given, stdout=taken, env=environment, timeout=PATIENCE_SECONDS, check=True)
    assert sorted(result["line"] for result in read(folder / "out")) == list(range(1, 21))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("arguments", "redirection", "name"), [("in -o -", ">&-", "stdout"), ("- -o out", "<&-", "stdin")]
)
def test_closed_standard_stream_is_refused(
    arguments: str, redirection: str, name: str, backend: str, folder: Path, environment: dict[str, str]
) -> None:
    write(folder / "in", 3)
    command = f"{shlex.join(CHATCORE)} batch {arguments} --simulate --backend {backend} {redirection}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"chatcore: {name} is closed, and - stands for it; give a file, or leave {name} open.\n"
    assert not (folder / "out").exists()


def test_reader_of_stdout_that_leaves_ends_the_run(folder: Path, environment: dict[str, str]) -> None:
    write(folder / "in", 2000)
    command = [*CHATCORE, "batch", "in", "-o", "-", "--simulate"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(PATIENCE_SECONDS) == 1
    assert "The run cannot go on: [Errno 32] Broken pipe" in said
    assert "--resume" not in said, "what went to stdout cannot be read again"
    assert "Traceback" not in said


def test_lines_that_fail(folder: Path, chatcore: Chatcore) -> None:
    bad = b"".join(b"bad %d\n" % number for number in range(12))
    (folder / "in").write_bytes(b'{"id": "good", "input": "x"}\n' + bad + b"\xff\n")
    done = chatcore("batch", "in", "-o", "out", "--simulate")
    assert done.returncode == 1
    assert "Line 2: The line is not JSON" in done.stderr
    assert "Line 11:" in done.stderr
    assert "Line 12:" not in done.stderr, "of many bad lines the first ten are told"
    assert "1 answered, 13 failed" in done.stderr
    assert "BadLine" in done.stderr
    assert "--resume" in done.stderr
    results = {result["line"]: result for result in read(folder / "out")}
    assert sorted(results) == list(range(1, 15))
    assert "not UTF-8" in results[14]["error"]["message"]


@pytest.mark.parametrize(("number", "more"), [(10, False), (11, True)])
def test_more_bad_lines_are_spoken_of_where_there_are_more(
    number: int, more: bool, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (folder / "in").write_bytes(b"bad\n" * number)
    assert run(["batch", "in", "-o", "out", "--simulate"]) == 1
    said = capsys.readouterr().err
    assert said.count("The line is not JSON") == 10 + 1, "each, and the example of the summary"
    assert ("Further bad lines" in said) is more


def test_text_of_others_cannot_steer_the_terminal(folder: Path, chatcore: Chatcore) -> None:
    (folder / "in").write_bytes(b'{"input": "x", "\\u001b[2J[red]": 1}\n')
    done = chatcore("batch", "in", "-o", "out", "--simulate")
    assert "\x1b" not in done.stderr
    assert done.stderr.startswith('Line 1: Unknown " [2J[red]"')


def test_progress_where_there_is_no_terminal(folder: Path, chatcore: Chatcore) -> None:
    write(folder / "in", 10)
    done = chatcore("batch", "in", "-o", "out", "--simulate", "--rpm", 100, "--max-concurrency", 3)
    assert done.returncode == 0
    assert " of 10 done, 0 failed, " in done.stderr


def test_progress_on_a_terminal(folder: Path, environment: dict[str, str]) -> None:
    write(folder / "in", 300)
    ours, theirs = pty.openpty()
    command = [*CHATCORE, "batch", "in", "-o", "out", "--simulate"]
    environment |= {"TERM": "xterm"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # a terminal that the last program has left
                break
            if not part:
                break
            shown += part
        assert process.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
    assert re.search(rb" of 300 done, 0 failed, [1-9]\d* in flight", shown)
    assert b"300 of 300 done, 0 failed, 0 in flight" in shown
    assert b"300 answered" in shown


@pytest.mark.parametrize("total", [10_000_000, None])
@pytest.mark.parametrize("columns", [50, 60, 80, 100, 200])
def test_progress_fits_the_terminal(columns: int, total: int | None) -> None:
    report = BatchReport(total=total, answered=1_234_567, failed=12, in_flight=1000)
    report.input_tokens, report.output_tokens = 123_456_789, 987_654_321
    report.begin()
    console = Console(width=columns, file=io.StringIO(), record=True, force_terminal=True, color_system="standard")
    console.print(Progress(report))
    bar, *text = console.export_text().splitlines()
    assert len(bar.strip()) == min(columns, 60)
    assert len(text) == 1, "one line"
    assert text[0].startswith("1,234,579 ")
    assert len(text[0]) <= columns
    assert text[0].endswith(" left") is (total is not None)
    assert ("tokens" in text[0]) is (columns >= (120 if total else 100))


# ---------------------------------------------------------------------------------------------------- a real provider


@pytest.fixture
def provider() -> Iterator[Any]:
    with Simulator.in_thread(api_key="sesame", latency=Latency(time_to_first_token=0.05)) as simulator:
        yield simulator


def test_batch_at_an_address(folder: Path, chatcore: Chatcore, environment: dict[str, str], provider: Any) -> None:
    environment["MY_KEY"] = "sesame"
    write(folder / "in", 30)
    done = chatcore(
        "batch", "in", "-o", "out", "--model", "openai:some-model", "--base-url", provider.base_url,
        "--api-key-env", "MY_KEY", "--max-concurrency", 7, "--rpm", 60_000, "--tpm", 10_000_000, "--retries", 0,
        "--timeout", 30, "--stream",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert provider.stats.requests_peak <= 7
    assert {request.body["model"] for request in provider.requests} == {"some-model"}
    assert all(request.body["stream"] for request in provider.requests)
    assert "sesame" not in done.stderr + (folder / "out").read_text("utf-8")


def test_wrong_key_fails_every_line(
    folder: Path, chatcore: Chatcore, environment: dict[str, str], provider: Any
) -> None:
    environment["OPENAI_API_KEY"] = "wrong-key-of-mine"
    write(folder / "in", 3)
    done = chatcore("batch", "in", "-o", "out", "--model", "openai:m", "--base-url", provider.base_url, "--no-stream")
    assert done.returncode == 1
    assert "AuthenticationError  3" in done.stderr
    assert "api_key=" not in done.stderr
    assert "wrong-key-of-mine" not in done.stderr + (folder / "out").read_text("utf-8")


@pytest.mark.parametrize("output", ["out", "-"])
def test_wrong_key_ends_a_long_run_early(
    output: str, folder: Path, chatcore: Chatcore, environment: dict[str, str], provider: Any
) -> None:
    environment["OPENAI_API_KEY"] = "wrong-key-of-mine"
    write(folder / "in", 2000)
    command = ["batch", "in", "-o", output, "--model", "openai:m", "--base-url", provider.base_url]
    done = chatcore(*command, "--max-concurrency", 10)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Stopped early: all of the first 20 lines")
    assert "AuthenticationError" in last
    assert ("--resume" in last) is (output == "out")
    assert provider.stats.requests_total < 50
    if output == "out":
        environment["OPENAI_API_KEY"] = "sesame"
        again = chatcore(*command, "--resume")
        assert again.returncode == 0, again.stderr
        assert sorted(result["line"] for result in read(folder / "out")) == list(range(1, 2001))


def test_one_retry(folder: Path, chatcore: Chatcore, environment: dict[str, str]) -> None:
    environment["OPENAI_API_KEY"] = "any"
    write(folder / "in", 1)
    with Simulator.in_thread(script=[Fault.http(500), Reply("hi")]) as simulator:
        done = chatcore("batch", "in", "-o", "out", "--model", "openai:m", "--base-url", simulator.base_url)
    assert done.returncode == 0, done.stderr
    assert "1 answered, 0 failed, 1 retry\n" in done.stderr.replace(" \n", "\n").replace("  ", "")


def test_attempt_that_stands_still_is_given_up(folder: Path, chatcore: Chatcore) -> None:
    write(folder / "in", 2)
    with Simulator.in_thread(script=Fault.stall()) as simulator:
        done = chatcore(
            "batch", "in", "-o", "out", "--model", "openai:m", "--base-url", simulator.base_url,
            "--timeout", 0.2, "--retries", 1,
        )  # fmt: skip
        assert simulator.stats.requests_total == 4
    assert done.returncode == 1
    assert "StalledError" in done.stderr
    assert ", 2 retries" in done.stderr


# ---------------------------------------------------------------------------------------------------------- bad usage


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere", "-o", "out", "--simulate"], "The input 'nowhere' cannot be read: No such file"),
        ([".", "-o", "out", "--simulate"], "The input '.' is a folder"),
        (["in", "-o", "no/where", "--simulate"], "The output 'no/where' cannot be written: No such file"),
        (["in", "-o", ".", "--simulate"], "The output '.' cannot be written: Is a directory"),
        (["in", "-o", "in", "--simulate", "--overwrite"], "is the input itself"),
        (
            ["in", "-o", "full", "--simulate"],
            "Go on with it by --resume, replace it by --overwrite, or write to another file.",
        ),
        (["in", "-o", "full", "--simulate", "--resume"], "its line 1 is no result of a batch"),
        (["in", "-o", "-", "--simulate", "--resume"], "stdout"),
        (["in", "-o", "out", "--simulate", "--resume", "--overwrite"], "ask for one of them"),
        (["in", "-o", "out"], "--model openai:gpt-5-mini"),
        (["in", "-o", "out", "--model", "nobody:m"], "'nobody:m'"),
        (["in", "-o", "out", "--model", "nobody:m"], "'openai:model' and --base-url."),
        (["in", "-o", "out", "--model", "openai:m"], "variable OPENAI_API_KEY, or pass --api-key-env."),
        (["in", "-o", "out", "--model", "openai:m", "--api-key-env", "NONE"], "The environment variable NONE"),
        (["in", "-o", "out", "--model", "openai:m", "--base-url", "localhost:1"], "scheme"),
        (["in", "-o", "out", "--simulate", "--base-url", "http://x"], "leave out --base-url"),
        (["in", "-o", "out", "--simulate", "--rpm", "-5"], "--rpm. Must be > 0"),
        (["in", "-o", "out", "--simulate", "--rpm", "nan"], "--rpm"),
        (["in", "-o", "out", "--simulate", "--tpm", "0"], "--tpm. Must be > 0"),
        (["in", "-o", "out", "--simulate", "--timeout", "0"], "--timeout. Must be > 0"),
        (["in", "-o", "out", "--simulate", "--retries", "-1"], "--retries. Must be >= 0"),
        (["in", "-o", "out", "--simulate", "--max-concurrency", "0"], "--max-concurrency. Must be >= 1"),
        (["in", "-o", "out", "--simulate", "--max-concurrency", "many"], "--max-concurrency"),
        (["in", "-o", "out", "--simulate", "--max-concurrency", "100000000"], "open files"),
        (["in", "-o", "out", "--simulate", "--backend", "twisted"], "twisted"),
        (["in", "-o", "out", "--simulate", "--fast"], "--fast"),
        (["--fast", "-o", "out", "--simulate"], "--fast is no option"),
        (["in", "--simulate"], "--output requires an argument"),
        (["in", "more", "-o", "out", "--simulate"], "more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_usage(
    arguments: list[str],
    reason: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # In this process, since a new one for each would take most of the time.
    monkeypatch.chdir(folder)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write(folder / "in", 3)
    (folder / "full").write_text("my diary\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(["batch", *arguments]) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.startswith("chatcore: ")
    assert said.err.count("\n") == 1, "one line"
    assert said.out == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_bad_usage_ends_the_process_with_2(chatcore: Chatcore) -> None:
    done = chatcore("batch", "nowhere", "-o", "out", "--simulate")
    assert done.returncode == 2
    assert done.stderr == "chatcore: The input 'nowhere' cannot be read: No such file or directory.\n"


def test_unknown_command(chatcore: Chatcore) -> None:
    done = chatcore("bake")
    assert done.returncode == 2
    assert "bake" in done.stderr


def test_output_that_may_not_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    write(folder / "in", 3)
    opened = os.open

    def forbidding(path: Any, *given: Any, **more: Any) -> int:
        if Path(path).name == "out":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *given, **more)

    # As it is for anyone but root, who may run this test.
    monkeypatch.setattr(os, "open", forbidding)
    assert run(["batch", "in", "-o", "out", "--simulate"]) == 2
    assert "The output 'out' cannot be written: Permission denied." in capsys.readouterr().err


def test_help_tells_the_exit_codes(chatcore: Chatcore) -> None:
    done = chatcore("batch", "--help")
    assert done.returncode == 0
    assert "130 or 143" in done.stdout
    assert "--resume" in done.stdout
    assert chatcore("--help").returncode == 0
    assert chatcore("--version").stdout.strip()


def test_limit_of_open_files_is_raised_as_far_as_it_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    write(folder / "in", 3)
    limits = (256, 1000)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    assert run(["batch", "in", "-o", "out", "--simulate", "--max-concurrency", "400"]) == 0
    assert asked == [(928, 1000)], "both ends of each connection are in this process"
    assert run(["batch", "in", "-o", "out", "--simulate", "--max-concurrency", "500"]) == 2
    assert "need 1128 open files, and this system allows 1000" in capsys.readouterr().err
    limits = (256, resource.RLIM_INFINITY)
    assert run(["batch", "in", "-o", "out", "--simulate", "--max-concurrency", "500", "--overwrite"]) == 0
    assert asked[1] == (1128, resource.RLIM_INFINITY)


def test_backend_that_is_not_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    write(folder / "in", 3)
    monkeypatch.setattr("anyio.get_available_backends", lambda: ("asyncio",))
    assert run(["batch", "in", "-o", "out", "--simulate", "--backend", "trio"]) == 2
    assert 'pip install "chatcore[trio]"' in capsys.readouterr().err


def test_interrupt_before_there_is_anything_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatcore.cli.Simulator", interrupted)
    assert run(["simulate"]) == 130


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_without_its_extra_it_says_what_to_install(
    missing: str, chatcore: Chatcore, environment: Any, tmp_path: Path
) -> None:
    # The first on the path, and like a package that is not there.
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / f"{missing}.py").write_text(f"raise ModuleNotFoundError('absent', name='{missing}')")
    environment["PYTHONPATH"] = f"{absent}{os.pathsep}{ROOT}"
    done = chatcore("batch", "in", "-o", "out")
    assert done.returncode == 2
    assert done.stderr == 'The command line needs two more packages: pip install "chatcore[cli]"\n'


def test_other_missing_modules_are_no_matter_of_the_extra(chatcore: Chatcore, environment: Any, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "pydantic.py").write_text("raise ModuleNotFoundError('absent', name='pydantic')")
    environment["PYTHONPATH"] = f"{absent}{os.pathsep}{ROOT}"
    done = chatcore("batch", "in", "-o", "out")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


# ---------------------------------------------------------------------------------------------------- stop and resume


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signal_stops_cleanly_and_resuming_does_the_rest(
    number: signal.Signals, backend: str, folder: Path, environment: dict[str, str], chatcore: Chatcore
) -> None:
    write(folder / "in", 400)
    out = folder / "out"
    command = ["batch", "in", "-o", "out", "--simulate", "--backend", backend]
    with subprocess.Popen(
        [*CHATCORE, *command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(has_lines(out, 50))
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 128 + number, said
    assert "Stopping" in said
    assert "--resume" in said
    done = read(out)
    assert 50 <= len(done) < 400
    assert f"{len(done)} answered, 0 failed" in said
    again = chatcore(*command, "--resume")
    assert again.returncode == 0, again.stderr
    assert f"{400 - len(done)} answered, 0 failed, {len(done)} kept from before" in again.stderr
    assert sorted(result["line"] for result in read(out)) == list(range(1, 401))
    assert read(out)[: len(done)] == done


def test_second_signal_ends_at_once(folder: Path, environment: dict[str, str]) -> None:
    # A reader of stdout that stands still keeps the end of the run waiting.
    write(folder / "in", 400)
    command = [*CHATCORE, "batch", "in", "-o", "-", "--simulate"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert "Stopping" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGINT
        assert "answered" not in process.stderr.read()


def test_killed_run_is_resumed_with_every_line_once(
    folder: Path, environment: dict[str, str], chatcore: Chatcore
) -> None:
    write(folder / "in", 400)
    out = folder / "out"
    command = ["batch", "in", "-o", "out", "--simulate"]
    for kills in range(1, 4):
        with subprocess.Popen(
            [*CHATCORE, *command, "--resume"], cwd=folder, env=environment, stderr=subprocess.DEVNULL
        ) as process:
            wait_until(has_lines(out, 80 * kills))
            process.kill()
        # As a crash of the machine may leave it.
        with out.open("ab") as file:
            file.write(b'{"id":"p1","output":"half a li')
    again = chatcore(*command, "--resume")
    assert again.returncode == 0, again.stderr
    results = read(out)
    assert sorted(result["id"] for result in results) == sorted(f"p{n}" for n in range(1, 401))
    assert all(result["error"] is None for result in results)


def test_two_runs_at_once_are_refused(folder: Path, environment: dict[str, str], chatcore: Chatcore) -> None:
    write(folder / "in", 400)
    command = ["batch", "in", "-o", "out", "--simulate", "--rpm", "600"]
    with subprocess.Popen([*CHATCORE, *command], cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until(has_lines(folder / "out", 1))
        second = chatcore(*command, "--resume")
        process.terminate()
    assert second.returncode == 2
    assert "is being written by another run" in second.stderr


def test_silent_stdin_can_be_interrupted(folder: Path, environment: dict[str, str]) -> None:
    command = [*CHATCORE, "batch", "-", "-o", "out", "--simulate"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write('{"input": "x"}\n')
        process.stdin.flush()
        wait_until(has_lines(folder / "out", 1))
        process.send_signal(signal.SIGTERM)
        # Stdin stays open: nobody may wait for it.
        assert process.wait(PATIENCE_SECONDS) == 143
    assert len(read(folder / "out")) == 1


# ----------------------------------------------------------------------------------------------------------- simulate


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_simulator_serves_until_it_is_told_to_stop(
    backend: str, folder: Path, environment: dict[str, str], chatcore: Chatcore
) -> None:
    write(folder / "in", 15)
    serving = [*CHATCORE, "simulate", "--backend", backend, "--ttft", "0.01", "--tokens-per-second", "5000"]
    with subprocess.Popen(
        [*serving, "--fault-rate", "0.2", "--seed", "7", "--rpm", "60000", "--tpm", "6000000"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        port = base_url.removesuffix("/v1").rpartition(":")[2]
        taken = chatcore("simulate", "--port", port)
        environment["OPENAI_API_KEY"] = "any"
        done = chatcore("batch", "in", "-o", "out", "--model", "openai:m", "--base-url", base_url, "--retries", 20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert "requests" in said
    assert done.returncode == 0, done.stderr
    assert " retries" in done.stderr, "faults were met, and overcome"
    assert len(read(folder / "out")) == 15
    assert taken.returncode == 2
    assert f"cannot listen at 127.0.0.1, port {port}" in taken.stderr


@pytest.mark.parametrize("wrong", ["--fault-rate 2", "--port 70000", "--ttft -1", "--rpm 0", "--tokens-per-second 0"])
def test_simulator_refuses_what_cannot_be_meant(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *wrong.split()]) == 2
    assert wrong.partition(" ")[0] in capsys.readouterr().err


# --------------------------------------------------------------------------------------------------------------- models


def test_models_lists_providers_and_whether_they_have_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "sk-secret")
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    monkeypatch.delenv("SNOWFLAKE_ACCOUNT", raising=False)
    assert run(["models", "groq", "vllm", "ollama"]) == 0
    told = capsys.readouterr()
    assert [line.split() for line in told.out.splitlines()] == [
        ["PROVIDER", "KEY", "ADDRESS"],
        ["groq", "GROQ_API_KEY", "is", "set", "https://api.groq.com/openai/v1"],
        ["vllm", "none", "needed", "http://localhost:8000/v1"],
        ["ollama", "OLLAMA_API_KEY", "is", "not", "set,", "not", "needed", "http://127.0.0.1:11434"],
    ]
    assert run(["models", "groq", "xai", "snowflake"]) == 1
    told = capsys.readouterr()
    assert "XAI_API_KEY is not set" in told.out
    assert "set SNOWFLAKE_ACCOUNT" in told.out
    assert "sk-secret" not in told.out + told.err


def test_models_as_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "sk-secret")
    assert run(["models", "groq", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["provider"], found["key"], found["ready"]) == ("groq", "GROQ_API_KEY", True)


def test_models_of_a_wrong_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "groqq"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Did you mean 'groq'" in told.err


def test_models_into_a_pipe_that_nobody_reads(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*CHATCORE, "models", "groq", "vllm", "--json"],
            env=environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
