"""The examples of the README, of docs/ and of the docstrings, run as tests.

    python -m pytest -p tests.example_runner README.md docs chatcore

In a document, an example is a block fenced as ```python; in a docstring, a literal block (`::`) that is Python, or an
interactive session (`>>>`). It may `await`. The examples of one file share their names; those of a docstring have a
`model` and some `prompts` besides. A simulator answers them all. One that cannot run is left out by
`<!-- skip: next "reason" -->`, or in a docstring by `.. skip: next "reason"`.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import anyio
import pytest
from sybil import Document, Example, Region, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import markdown, rest
from sybil.region import Lexeme

from chatcore import ChatOpenAI
from chatcore.providers.hosts import HOSTS, address_variable
from chatcore.testing import Simulator, ThreadedSimulator

ROOT = Path(__file__).parent.parent
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
LITERAL_BLOCK = re.compile(r"::\n[ ]*\n(([ ]+)\S.*\n(?:\2.*\n|[ ]*\n)*)")


def run(example: Example) -> None:
    """Run an example as a notebook would: with an event loop under its top level, if it awaits."""
    # As many empty lines before it as there are in the document, so that a traceback shows the right line.
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    _as_module(example)
    code = compile(source, example.path, "exec", flags=FLAGS, dont_inherit=True)

    async def waiting() -> None:
        await eval(code, example.namespace)  # noqa: S307 - our own documents

    if code.co_flags & inspect.CO_COROUTINE:
        anyio.run(waiting)
    else:
        exec(code, example.namespace)  # noqa: S102 - as above


class _Module:
    """Where the examples of one file are, for whoever looks their names up: annotations are resolved there."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


def _as_module(example: Example) -> None:
    if "__name__" not in example.namespace:
        name = example.namespace["__name__"] = f"examples of {example.path}"
        sys.modules[name] = cast("ModuleType", _Module(example.namespace))


def literal_blocks(document: Document) -> Iterator[Region]:
    """Find the literal blocks that are Python; others are drawings and tables."""
    for block in LITERAL_BLOCK.finditer(document.text):
        source = textwrap.dedent(block[1])
        try:
            compile(source, document.path, "exec", flags=FLAGS, dont_inherit=True)
        except SyntaxError:
            continue
        # The region begins at the first line of the source, and not at a fence above it.
        yield Region(block.start(1), block.end(1), parsed=Lexeme(source, 0, -1), evaluator=run)


@pytest.fixture(scope="session")
def simulator() -> Iterator[ThreadedSimulator]:
    """What answers the examples: they find it, as a user's program finds its provider, in the environment."""
    with Simulator.in_thread() as running, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_BASE_URL", running.base_url)
        for provider in ("anthropic", "google_genai", "ollama"):
            environment.setenv(address_variable(provider), running.origin)
        # Examples also make models of other hosts, which are not asked anything.
        for key in {key for host in HOSTS.values() for key in host.keys}:
            environment.setenv(key, "any")
        yield running


@pytest.fixture
def model(simulator: ThreadedSimulator) -> ChatOpenAI:
    """Make the model that an example takes for granted."""
    assert simulator.base_url
    return ChatOpenAI(model="gpt-5-mini")


@pytest.fixture
def prompts() -> list[str]:
    """Make the prompts that an example takes for granted."""
    return ["Why is the sky blue?", "Why is the sea?"]


DOCUMENTS = Sybil(
    parsers=[markdown.CodeBlockParser("python", run), markdown.SkipParser()],
    path=str(ROOT),
    pattern="*.md",
    fixtures=["simulator"],  # a document takes nothing else for granted
)
DOCSTRINGS = Sybil(
    parsers=[literal_blocks, rest.DocTestParser(), rest.SkipParser()],
    path=str(ROOT / "chatcore"),
    pattern="*.py",
    document_types={".py": PythonDocStringDocument},
    fixtures=["simulator", "model", "prompts"],
)
pytest_collect_file = (DOCUMENTS + DOCSTRINGS).pytest()
