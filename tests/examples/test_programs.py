"""The plain programs and the notebook, run as a user runs them, against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatcore.testing import Fault, Reply, SimulatedRequest, Simulator

ROOT = Path(__file__).parent.parent.parent


def run(*command: str, base_url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=ROOT,
        env={**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "any", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # What is left unclosed would be warned of here.
    assert done.stderr == ""
    return done.stdout


def test_script() -> None:
    with Simulator.in_thread(script=lambda request: Reply(f"You asked: {request.prompt}")) as sim:
        out = run("examples/script.py", base_url=sim.base_url)
    assert out.splitlines() == [
        "You asked: Name a colour.",
        "You asked: Two lines about that colour.",
        "You asked: Name a fruit.",
        "You asked: Name a tree.",
        "You asked: Name a bird.",
        "YOU ASKED: SAY SOMETHING QUIET.",
    ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_batch_retries_and_falls_back(backend: str) -> None:
    def answer(request: SimulatedRequest) -> Reply | Fault:
        if request.model == "gpt-5-nano" and "Paris" in request.prompt:
            return Fault.http(400)
        return Reply(f"By {request.model}.")

    with Simulator.in_thread(script=answer) as sim:
        out = run("examples/batch_with_limits.py", backend, base_url=sim.base_url)
    assert out.count("By gpt-5-nano.") == 36
    assert out.count("By gpt-5.") == 4
    assert "40 answered, 0 failed" in out


def test_assistant_uses_its_tool_and_reports() -> None:
    script = [
        Reply(tool_calls=[{"name": "weather", "args": {"city": "Paris"}}]),
        "It rains.",
        '{"advice": "Stay in.", "umbrella": "perhaps"}',
        '{"advice": "Stay in.", "umbrella": true}',
    ]
    with Simulator.in_thread(script=script) as sim:
        out = run("examples/assistant.py", "And in Paris?", base_url=sim.base_url)
        assert "Rain in Paris" in str(sim.requests[1].body)
        assert "umbrella" in str(sim.requests[3].body["messages"][-1])
    called, advice, tokens = out.splitlines()
    assert called == "[weather {'city': 'Paris'}]"
    assert advice == "Stay in. Take an umbrella."
    assert int(tokens.removesuffix(" tokens")) > 0


# The client of the kernel leaves sockets of its own behind, so it gets a process, too.
EXECUTE = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
print(nbformat.writes(notebook))
"""


def test_notebook() -> None:
    with Simulator.in_thread(script="Because of Rayleigh.") as sim:
        out = subprocess.run(
            [sys.executable, "-c", EXECUTE, "examples/notebook.ipynb"],
            cwd=ROOT,
            env={**os.environ, "OPENAI_BASE_URL": sim.base_url, "OPENAI_API_KEY": "any", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
            check=True,
        ).stdout
    cells = [cell for cell in json.loads(out)["cells"] if cell["cell_type"] == "code"]
    said = ["".join(json.dumps(output) for output in cell["outputs"]) for cell in cells]
    assert sum("Because of Rayleigh." in text for text in said) == 5
    assert "total_tokens" in said[3]
    assert not any("Warning" in text for text in said)
