"""Every check there is. `python -m nox` runs them all; `python -m nox -s tests -- -k portal` runs some tests.

Groups of packages are expanded here, because pip learned `--group` only in 25.1.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
# On a developer's machine the environments are kept and only brought up to date; a checkout of CI is new.
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = "trio,httpx2,cli,tokens,prices,google"


def install(session: nox.Session, *groups: str) -> None:
    """Install the project with its extras, and the packages of these groups of pyproject.toml."""
    session.install("-e", f".[{EXTRAS}]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Lint and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, with both checkers in strict mode."""
    install(session, "types")
    session.run("mypy")
    session.run("pyright")


def run_tests(session: nox.Session) -> None:
    """Run the tests, each on asyncio and on trio, and hold the coverage of branches."""
    install(session, "test")
    # Some tests of a narrower choice cannot reach the coverage of all.
    measured = () if session.posargs else ("--cov", "--cov-branch", "--cov-report=term-missing:skip-covered")
    workers = os.environ.get("PYTEST_WORKERS", "2")
    session.run("python", "-m", "pytest", "--numprocesses", workers, *measured, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Test on the Python that runs nox."""
    run_tests(session)


@nox.session(python=["3.12", "3.13"], default=False)
def tests_on(session: nox.Session) -> None:
    """Test on another Python."""
    run_tests(session)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples of the README, of docs/ and of the docstrings."""
    install(session, "test")
    session.run(
        "python", "-m", "pytest", "-p", "tests.example_runner", "README.md", "docs", "chatcore", *session.posargs
    )


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Look for inputs that break a codec: `nox -s fuzz -- --seconds 3600 --codec gemini`."""
    install(session, "fuzz")
    session.run("python", "tests/fuzz/fuzz_codecs.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """See that the benchmarks run; what they measure is read by people."""
    install(session, "bench")
    for program in sorted(Path("benchmarks").glob("*.py")):
        session.run("python", str(program), "--quick")
