"""The public names: declared, documented, importable, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

PACKAGE = Path(__file__).parent.parent / "chatcore"

MODULES_ALLOWED = 150
"""How many modules `import chatcore` may load beyond what pydantic and anyio load."""

LATER = ("httpx", "httpcore", "httpx2", "trio", "rich", "cyclopts", "chatcore.providers")
"""What a program that imports chatcore may never need, and so does not pay for."""


def _public_modules() -> list[str]:
    files = (path.relative_to(PACKAGE.parent).with_suffix("") for path in sorted(PACKAGE.rglob("*.py")))
    names = (".".join(file.parts).removesuffix(".__init__") for file in files)
    return [name for name in names if not any(part.startswith("_") for part in name.split("."))]


@pytest.fixture(params=_public_modules())
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_module_has_a_docstring(module: ModuleType) -> None:
    assert module.__doc__, f"{module.__name__} does not say what it is for"


def test_all_is_complete_and_importable(module: ModuleType) -> None:
    declared = _declared(module)
    assert len(declared) == len(set(declared)), "each name once (ruff sorts them)"
    assert [name for name in declared if not hasattr(module, name)] == [], "declared but not there"
    defined = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        # Pydantic leaves `Kind[int]` beside the first class that inherits from it.
        and name.isidentifier()
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }
    assert defined - set(declared) == set(), "defined here and public by its name, but not declared"


def test_every_public_name_is_documented(module: ModuleType) -> None:
    silent = [
        f"{name}{member}"
        for name in _declared(module)
        for member, value in _members(getattr(module, name))
        # A method may inherit its docstring, a class may not.
        if not (value.__doc__ if inspect.isclass(value) else inspect.getdoc(value))
    ]
    assert silent + _silent_constants(module) == []


def _silent_constants(module: ModuleType) -> list[str]:
    """The public constants and type aliases of this file that no string after them explains."""
    body = ast.parse(inspect.getsource(module)).body
    return [
        target.id
        for statement, after in itertools.pairwise([*body, ast.Pass()])
        for target in (getattr(statement, "targets", None) or [getattr(statement, "target", None)])
        if isinstance(target, ast.Name)
        and target.id in _declared(module)
        and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
    ]


def _declared(module: ModuleType) -> list[str]:
    # A package whose `__init__` only says what it is for has nothing to declare.
    return list(getattr(module, "__all__", []))


def _members(value: object) -> list[tuple[str, object]]:
    """A class or function, and the public methods and properties that a class of ours defines itself."""
    if inspect.isfunction(value):
        return [("", value)]
    if not inspect.isclass(value) or not value.__module__.startswith("chatcore"):
        return []
    kinds = FunctionType | property | classmethod | staticmethod
    names = [name for name, member in vars(value).items() if not name.startswith("_") and isinstance(member, kinds)]
    return [("", value), *((f".{name}", getattr(value, name)) for name in names)]


def _loaded_by(statement: str) -> set[str]:
    listing = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, check=True, text=True, cwd=PACKAGE.parent
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return _loaded_by("import chatcore")


def test_import_loads_few_modules(loaded: set[str]) -> None:
    beyond = loaded - _loaded_by("import pydantic, anyio, anyio.from_thread, anyio.to_thread")
    assert len(beyond) <= MODULES_ALLOWED, sorted(beyond)


@pytest.mark.parametrize("name", LATER)
def test_import_leaves_for_later(name: str, loaded: set[str]) -> None:
    assert name not in loaded


def test_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
