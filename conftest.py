"""The examples of the README, of docs/ and of the docstrings, run as tests: `pytest README.md docs chatcore`.

In a document, an example is a block fenced as ```python; in a docstring, a literal block (`::`) that is Python, or an
interactive session (`>>>`). It may `await`. The examples of one file share their names. One that cannot run is left out by
`<!-- skip: next "reason" -->`, or in a docstring by `.. skip: next "reason"`.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

import anyio
from sybil import Document, Example, Region, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import markdown, rest
from sybil.region import Lexeme

FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
LITERAL_BLOCK = re.compile(r"::\n[ ]*\n(([ ]+)\S.*\n(?:\2.*\n|[ ]*\n)*)")


def run(example: Example) -> None:
    """Run an example as a notebook would: with an event loop under its top level, if it awaits."""
    # As many empty lines before it as there are in the document, so that a traceback shows the right line.
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    code = compile(source, example.path, "exec", flags=FLAGS, dont_inherit=True)

    async def waiting() -> None:
        await eval(code, example.namespace)  # noqa: S307 - our own documents

    if code.co_flags & inspect.CO_COROUTINE:
        anyio.run(waiting)
    else:
        exec(code, example.namespace)  # noqa: S102 - as above


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


DOCUMENTS = Sybil(
    parsers=[markdown.CodeBlockParser("python", run), markdown.SkipParser()],
    pattern="*.md",
    excludes=["tests/*", "changelog.d/*"],
)
DOCSTRINGS = Sybil(
    parsers=[literal_blocks, rest.DocTestParser(), rest.SkipParser()],
    pattern="chatcore/*.py",
    document_types={".py": PythonDocStringDocument},
)
pytest_collect_file = (DOCUMENTS + DOCSTRINGS).pytest()
