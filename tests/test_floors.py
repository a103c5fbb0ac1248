"""The plan of the house, held by its imports: they run downward, in no circle, and at the top of their files."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = (
    {"errors", "exceptions", "_provider_names"},
    {"globals", "load"},
    {"messages", "outputs", "prompt_values", "schemas", "utils", "_tokens"},
    {"engine"},
    {"http"},  # beside the engine in the plan; it may ask the engine for the running loop, the engine never for it
    {"callbacks", "tracers"},
    {
        "runnables",
        "model",
        "structured_output",
        "prompts",
        "rate_limiters",
        "caches",
        "output_parsers",
        "tools",
        "typed_stream",
        "language_models",
        "prices",
    },
    {"providers"},
    {"jobs", "web", "cli", "testing", "interop", "__main__"},
    {"__init__"},  # the curated names, of every floor; nobody below may lean on them
)
"""The first names under `chatcore`, bottom to top. One may import from its own floor and from those below."""

KEPT = {
    "asyncio": ("engine/_host.py",),
    "trio": ("engine/_host.py",),
    "anyio.from_thread": (
        "engine/_portal.py",  # every sync verb
        "engine/threads.py",  # users' sync code, back to the loop it was called from
        "testing/simulator.py",  # a server beside sync tests, in a thread of its own
    ),
    "httpx": ("http/",),
    "httpx2": ("http/",),
    "httpcore": ("http/",),
}
"""What only some files, or one folder, may import."""

LOADS_BY_NAME = {
    "__init__.py": "the public names are loaded when they are first asked for",
    "engine/_host.py": "users of asyncio need not have trio",
    "providers/__init__.py": "a program of one provider's needs no other's",
    "caches/__init__.py": "few programs keep answers in a file, and a Python may be built without sqlite3",
    "messages/_upward.py": "functions of messages may be runnables, and their sums are prompts: floors above",
    "_tokens.py": "few programs count tokens, and the vocabulary is large",
    "prices.py": "few programs reckon what answers cost, and the list takes most of a second to load",
    "providers/_google_auth.py": "only who lets google-auth find credentials need have it",
    "providers/_named.py": "a program that uses one provider loads one",
    "load/load.py": "a dump may name classes of every floor, and only those it names are loaded",
}
"""The files that may use importlib, each with its reason."""

IMPORTS_INSIDE: dict[str, str] = {
    "runnables/_runnable.py": "as_tool: a tool is a runnable, and any runnable can be made a tool",
}
"""The files that may import inside a function, each with its reason."""

TESTED_ELSEWHERE = {
    "providers/_counting.py": "on the models that count: providers/test_anthropic.py and test_google_genai.py",
    "providers/_responses_background.py": "over sockets, by its model: providers/test_openai_responses.py",
    **dict.fromkeys(
        (f"runnables/{name}.py" for name in ("base", "fallbacks", "passthrough", "retry", "schema")),
        "the reference's paths to what lives elsewhere; runnables/test_paths.py",
    ),
    "runnables/_schemas.py": "call by call beside the reference's, and runnables/test_described.py",
    "runnables/router.py": "call by call beside the reference's: runnables/test_against_reference.py",
    "language_models/base.py": "paths to what lives elsewhere; language_models/test_init.py",
    "language_models/chat_models.py": "as above, and language_models/test_streams.py",
    "messages/_calls.py": "dicts and no more; messages/test_tool_calls.py",
    **dict.fromkeys(
        (f"prompts/{name}.py" for name in ("_style", "dict", "image", "message", "prompt", "string")),
        "call by call beside the reference's: test_against_reference.py there",
    ),
    **dict.fromkeys(
        (
            f"output_parsers/{name}.py"
            for name in (
                "_reading",
                "format_instructions",
                "json",
                "openai_functions",
                "openai_tools",
                "pydantic",
                "string",
            )
        ),
        "call by call beside the reference's, and as streams: test_against_reference.py and test_transform.py there",
    ),
    "schemas/_partial.py": "half an answer is an answer's first half: tests/schemas/test_answers.py",
    "utils/function_calling.py": "paths to what lives elsewhere: tests/utils/test_paths.py",
    "utils/json.py": "as above",
    "utils/json_schema.py": "as above",
    "utils/utils.py": "as above, and tests/utils/test_env.py",
    **dict.fromkeys(
        (
            f"outputs/{name}.py"
            for name in ("_given", "chat_generation", "chat_result", "generation", "llm_result", "run_info")
        ),
        "they are used together; test_outputs.py",
    ),
    **dict.fromkeys(
        (f"messages/{name}.py" for name in ("chat", "function", "human", "modifier", "system", "utils")),
        "the reference's paths to what lives elsewhere; messages/test_init.py",
    ),
    **dict.fromkeys(
        (
            f"messages/block_translators/{name}.py"
            for name in (
                "_blocks",
                "anthropic",
                "bedrock",
                "bedrock_converse",
                "google_genai",
                "google_vertexai",
                "groq",
                "langchain_v0",
                "openai",
            )
        ),
        "each beside the reference's: messages/block_translators/test_against_reference.py",
    ),
    "testing/_asked.py": "a record and no more; every dialect's tests read requests into it",
    "testing/_problem.py": "as above, of errors",
    "load/_format.py": "what writing and reading agree on; the tests of either",
    "__main__.py": "it calls the command line, whose tests run it as a process",
}
"""The files with no test file of the same name, each with where it is tested instead."""


@dataclass(frozen=True)
class Import:
    """One imported module, and where it is imported."""

    file: str
    line: int
    name: str
    inside: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"


class House:
    """The modules of a package and what they import, type checkers' imports included: a plan is read by people too."""

    def __init__(self, package: Path) -> None:
        self.files = {path.relative_to(package).as_posix(): path for path in sorted(package.rglob("*.py"))}
        self.modules = {_module(package.name, file): file for file in self.files}
        self.imports = [found for file, path in self.files.items() for found in self._imports(file, path)]
        self.own = [found for found in self.imports if found.name in self.modules]

    def _imports(self, file: str, path: Path) -> Iterator[Import]:
        tree = ast.parse(path.read_text(encoding="utf-8"), file)
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        inside = {id(node) for function in functions for node in ast.walk(function)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}:{node.lineno}: a relative import; ruff's TID252 forbids them"
                # `from package import module` imports the module, `from module import name` only the module it names.
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                names = sorted({name if self._is_module(name) else str(node.module) for name in whole})
            else:
                continue
            for name in names:
                yield Import(file, node.lineno, name, id(node) in inside)

    def _is_module(self, name: str) -> bool:
        return name in self.modules or name in KEPT

    def upward(self) -> list[str]:
        """Imports of a floor above."""
        return [
            f"{found}, which is above it" for found in self.own if _floor(found.file) < _floor(self.modules[found.name])
        ]

    def circle(self) -> list[str]:
        """The modules of one circle of imports, if there is any."""
        graph: dict[str, set[str]] = {file: set() for file in self.files}
        for found in self.own:
            if found.inside and found.file in IMPORTS_INSIDE:
                continue
            graph[found.file].add(self.modules[found.name])
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return list(error.args[1])
        return []

    def inside_functions(self) -> list[str]:
        """Imports that wait for a call."""
        return [
            f"{found} inside a function" for found in self.imports if found.inside and found.file not in IMPORTS_INSIDE
        ]

    def out_of_place(self) -> list[str]:
        """Imports of what is kept elsewhere."""
        wrong = [
            f"{found}, which only {', '.join(places)} may"
            for found in self.imports
            for kept, places in KEPT.items()
            if f"{found.name}.".startswith(f"{kept}.") and not found.file.startswith(places)
        ]
        by_name = [
            f"{found}, which only {', '.join(LOADS_BY_NAME)} may"
            for found in self.imports
            if found.name.partition(".")[0] == "importlib" and found.file not in LOADS_BY_NAME
        ]
        return wrong + by_name

    def untested(self, tests: Path) -> list[str]:
        """Files whose test file is missing."""
        wanted = {
            file: Path(file).with_name(f"test_{Path(file).stem.lstrip('_')}.py")
            for file in self.files
            if Path(file).name != "__init__.py" and file not in TESTED_ELSEWHERE
        }
        return [f"{file} has no {tests.name}/{test}" for file, test in wanted.items() if not (tests / test).is_file()]


def _module(package: str, file: str) -> str:
    parts = [package, *Path(file).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _floor(file: str) -> int:
    first = file.partition("/")[0].removesuffix(".py")
    return next((number for number, floor in enumerate(FLOORS) if first in floor), -1)


@pytest.fixture(scope="module")
def house() -> House:
    return House(ROOT / "chatcore")


def test_every_module_has_a_floor(house: House) -> None:
    assert [file for file in house.files if _floor(file) < 0] == [], "give each a floor in FLOORS"


def test_imports_run_downward(house: House) -> None:
    assert house.upward() == []


def test_imports_make_no_circle(house: House) -> None:
    assert house.circle() == []


def test_imports_are_at_the_top(house: House) -> None:
    assert house.inside_functions() == []


def test_http_libraries_and_event_loops_are_kept_in_their_places(house: House) -> None:
    assert house.out_of_place() == []


def test_tests_mirror_the_package(house: House) -> None:
    assert house.untested(ROOT / "tests") == []


def test_exceptions_are_still_needed(house: House) -> None:
    loads = {found.file for found in house.imports if found.name.partition(".")[0] == "importlib"}
    inside = {found.file for found in house.imports if found.inside}
    assert LOADS_BY_NAME.keys() <= loads
    assert IMPORTS_INSIDE.keys() <= inside
    assert TESTED_ELSEWHERE.keys() <= house.files.keys()


# A plan nobody can break is no plan: one house with every fault.


@pytest.fixture
def crooked(tmp_path: Path) -> House:
    sources = {
        "__init__.py": "",
        "errors.py": "from chatcore import messages",
        "messages/__init__.py": "",
        "messages/_chunks.py": """
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                from chatcore.providers.openai import ChatOpenAI
        """,
        "engine/batch.py": """
            import chatcore.engine.stream
            from httpx import AsyncClient
            import asyncio.tasks
            from anyio import from_thread
        """,
        "engine/stream.py": """
            from chatcore.engine import batch
            import importlib
            async def open():
                import json
        """,
        "providers/openai.py": "from chatcore import messages, errors",
    }
    for file, source in sources.items():
        path = tmp_path / "chatcore" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return House(tmp_path / "chatcore")


def test_a_crooked_house_is_seen(crooked: House, tmp_path: Path) -> None:
    assert crooked.upward() == [
        "errors.py:1 imports chatcore.messages, which is above it",
        "messages/_chunks.py:4 imports chatcore.providers.openai, which is above it",
    ]
    assert {"engine/batch.py", "engine/stream.py"} == set(crooked.circle())
    assert crooked.inside_functions() == ["engine/stream.py:5 imports json inside a function"]
    assert crooked.out_of_place() == [
        "engine/batch.py:3 imports httpx, which only http/ may",
        "engine/batch.py:4 imports asyncio.tasks, which only engine/_host.py may",
        f"engine/batch.py:5 imports anyio.from_thread, which only {', '.join(KEPT['anyio.from_thread'])} may",
        f"engine/stream.py:3 imports importlib, which only {', '.join(LOADS_BY_NAME)} may",
    ]
    (tmp_path / "tests" / "messages").mkdir(parents=True)
    (tmp_path / "tests" / "messages" / "test_chunks.py").touch()
    assert crooked.untested(tmp_path / "tests") == [
        f"{file} has no tests/{test}"
        for file, test in {
            "engine/batch.py": "engine/test_batch.py",
            "engine/stream.py": "engine/test_stream.py",
            "errors.py": "test_errors.py",
            "providers/openai.py": "providers/test_openai.py",
        }.items()
    ]
