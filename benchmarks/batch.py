"""How fast and how large `chatcore batch` is: 10,000 and 100,000 lines against a simulated provider in its own process.

    python benchmarks/batch.py            # a few minutes
    python benchmarks/batch.py --quick    # a few seconds: does it run?

Each run is the command itself, in a process of its own; its peak memory is what the system says of that process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHATCORE = (sys.executable, "-m", "chatcore")
LATENCY_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """One batch: how many lines, how long it took, and what it needed."""

    lines: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


@contextmanager
def provider() -> Generator[str]:
    """A simulator in its own process; its base URL."""
    command = (*CHATCORE, "simulate", "--ttft", str(LATENCY_SECONDS))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def batch(folder: Path, lines: int, base_url: str, options: list[str]) -> Run:
    source, output = folder / f"{lines}.jsonl", folder / f"{lines}.answers.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for number in range(lines):
            file.write(json.dumps({"id": number, "input": f"What is remarkable about the number {number}?"}) + "\n")
    command = [
        *CHATCORE,
        "batch",
        str(source),
        "-o",
        str(output),
        "--model",
        "openai:simulated",
        "--base-url",
        base_url,
    ]
    begun = time.perf_counter()
    environment = {**os.environ, "OPENAI_API_KEY": "simulated"}
    process = subprocess.Popen([*command, *options], env=environment)  # noqa: S603 - our own command
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"exit code {process.returncode}"
    with output.open(encoding="utf-8") as file:
        answered = {json.loads(line)["id"] for line in file}
    assert answered == set(range(lines)), "every line once"
    source.unlink()
    output.unlink()
    # Linux counts in KiB, macOS in bytes.
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return Run(lines, seconds, usage.ru_utime + usage.ru_stime, peak)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="few lines: a smoke run")
    parser.add_argument("--lines", type=int, nargs="+", default=None)
    arguments, options = parser.parse_known_args()
    sizes = arguments.lines or ([200, 1000] if arguments.quick else [10_000, 100_000])
    options = ["--max-concurrency", "100" if arguments.quick else "1000", *options]
    runs: list[Run] = []
    print(f"chatcore batch {' '.join(options)}, {LATENCY_SECONDS * 1000:.0f} ms latency")
    print(f"{'lines':>8} {'wall s':>8} {'lines/s':>8} {'CPU ms/line':>12} {'peak MB':>8}", flush=True)
    with tempfile.TemporaryDirectory() as folder, provider() as base_url:
        for lines in sizes:
            run = batch(Path(folder), lines, base_url, options)
            per_line = run.cpu_seconds / lines * 1000
            print(
                f"{lines:>8} {run.seconds:>8.1f} {lines / run.seconds:>8.0f} {per_line:>12.2f} {run.peak_mb:>8.1f}",
                flush=True,
            )
            runs.append(run)
    small, large = runs[0], runs[-1]
    print(f"peak memory: {large.peak_mb - small.peak_mb:+.1f} MB for {large.lines / small.lines:g} times as many lines")


if __name__ == "__main__":
    main()
