"""docs/parity.md beside the installed langchain-core and chatcore: neither may have what the table does not say."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import langchain_core.language_models
import pydantic
import pytest

import chatcore.language_models

DOCUMENT = Path(__file__).parent.parent / "docs" / "parity.md"

COUNTED = (
    "BaseChatModel",
    "messages",
    "outputs",
    "prompt_values",
    "rate_limiters",
    "caches",
    "callbacks",
    "tools",
    "runnables",
)
"""The sections of the bar: what a chat model is and what goes with it."""

BESIDE = ("language_models", "output_parsers", "prompts", "exceptions", "utils.function_calling", "globals", "load")
"""The other sections, which must keep the bar together with those."""

AT_MOST_LEFT_OUT = 0.10

STATUSES = ("same", "better", "left out")


@dataclass(frozen=True)
class Row:
    """A line of a table. without: what its text says that chatcore's lacks, of members and parameters."""

    name: str
    status: str
    text: str

    @property
    def without(self) -> set[str]:
        return _without(self.text)


@dataclass
class Section:
    """A table. without: what every row of it may lack."""

    rows: list[Row] = field(default_factory=list)
    without: set[str] = field(default_factory=set)


def _without(text: str) -> set[str]:
    """The names in `without `a`, `b``."""
    return {
        name for listed in re.findall(r"[Ww]ithout ((?:`\w+`(?:, )?)+)", text) for name in re.findall(r"\w+", listed)
    }


@cache
def sections() -> dict[str, Section]:
    """The document's tables by their modules' names; under "" what is said of all."""
    found = {"": Section()}
    current = found[""]
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            current = found.setdefault(line.removeprefix("## ").strip("`"), Section())
        elif line.startswith("| `"):
            name, status, text = (cell.strip() for cell in line.strip("|").split("|"))
            current.rows.append(Row(name.strip("`"), status, text))
        elif "|" not in line:
            current.without |= _without(line)
    return found


# ----------------------------------------------------------------------------------------------- what there is to list


def _modules(section: str) -> tuple[Any, Any]:
    """The reference's and ours."""
    if section == "BaseChatModel":
        return langchain_core.language_models.BaseChatModel, chatcore.language_models.BaseChatModel
    return importlib.import_module(f"langchain_core.{section}"), importlib.import_module(f"chatcore.{section}")


def _names(place: Any) -> set[str]:
    """What is public in a module or class."""
    if not isinstance(place, ModuleType):
        return _members(place)
    declared = getattr(place, "__all__", None) or [
        name for name, value in vars(place).items() if getattr(value, "__module__", None) == place.__name__
    ]
    return {name for name in declared if not name.startswith("_")}


def _members(kind: type) -> set[str]:
    """The public attributes, methods and fields of a class, but for those that pydantic gives to all its models."""
    names = set(dir(kind)) | set(getattr(kind, "model_fields", ()))
    if issubclass(kind, pydantic.BaseModel):
        names -= {name for name in names if _is_pydantics(kind, name)}
    return {name for name in names if not name.startswith("_")}


def _is_pydantics(kind: type[pydantic.BaseModel], name: str) -> bool:
    if name in {"model_config", "model_post_init"}:  # of every model, and each class has its own
        return True
    decorators = kind.__pydantic_decorators__
    if name in {*decorators.field_validators, *decorators.model_validators, *decorators.validators}:  # not to be called
        return True
    given = inspect.getattr_static(pydantic.BaseModel, name, None)
    return given is not None and inspect.getattr_static(kind, name, None) is given


def _generator(_: Any) -> Iterator[int]:
    yield 1


def _runnables(of: ModuleType) -> dict[str, Any]:
    """Objects of the classes whose members are not all to be seen in the class."""
    step = of.RunnableLambda(str)
    return {
        "RouterRunnable": of.RouterRunnable({"a": step}),
        "Runnable": step,
        "RunnableAssign": of.RunnablePassthrough.assign(a=step),
        "RunnableBinding": step.bind(a=1),
        "RunnableBranch": of.RunnableBranch((step, step), step),
        "RunnableMap": of.RunnableMap(a=step),
        "RunnableParallel": of.RunnableParallel(a=step),
        "RunnablePassthrough": of.RunnablePassthrough(),
        "RunnablePick": of.RunnablePick("a"),
        "RunnableSequence": step | step,
        "RunnableWithFallbacks": step.with_fallbacks([step]),
    }


# -------------------------------------------------------------------------------------------------- what "same" means


def _kind(value: Any) -> str:
    if inspect.isclass(value):
        return "class"
    return "function" if callable(value) else "value"


def _refused(theirs: Callable[..., Any], ours: Callable[..., Any]) -> set[str]:
    """The parameters of the reference's that ours does not take under that name, or at that place."""
    try:
        asked = inspect.signature(theirs).parameters.values()
        taken = inspect.signature(ours).parameters.values()
    except (ValueError, TypeError):  # as of exceptions written in C, which take anything
        return set()
    names = {one.name for one in taken}
    by_place = [one for one in taken if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    any_name = any(one.kind is one.VAR_KEYWORD for one in taken)
    any_place = any(one.kind is one.VAR_POSITIONAL for one in taken)
    refused: set[str] = set()
    for place, one in enumerate(asked):
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        # Underscores are the old way to say that an argument has no name.
        named = one.kind is not one.POSITIONAL_ONLY and not one.name.startswith("_") and not one.name.endswith("__")
        if named and one.name not in names and not any_name:
            refused.add(one.name)
        placed = one.kind is not one.KEYWORD_ONLY
        if placed and not any_place:
            there = by_place[place].name if place < len(by_place) else None
            if there is None or (named and there != one.name):
                refused.add(one.name)
    return refused


def _lacking(theirs: Any, ours: Any, sample: Any) -> set[str]:
    """What chatcore's has not, of members and parameters."""
    lacking = _refused(theirs, ours) if callable(theirs) and callable(ours) else set()
    if not inspect.isclass(theirs):
        return lacking
    fields = set(getattr(ours, "model_fields", ())).union(
        *(getattr(base, "__annotations__", ()) for base in ours.__mro__)
    )
    for name in _members(theirs):
        if not (hasattr(ours, name) or name in fields if sample is None else hasattr(sample, name)):
            lacking.add(name)
        else:
            their_member, our_member = getattr(theirs, name, None), getattr(sample or ours, name, None)
            if (inspect.isfunction(their_member) or inspect.ismethod(their_member)) and _differ(
                their_member, our_member
            ):
                lacking.add(name)
    return lacking


def _differ(theirs: Callable[..., Any], ours: Any) -> bool:
    if not callable(ours):
        return True
    if inspect.ismethod(ours) and not inspect.ismethod(theirs):  # of an object and of a class: without and with `self`
        ours = ours.__func__
    return bool(_refused(theirs, ours))


# --------------------------------------------------------------------------------------------------------- the tests


@pytest.fixture(autouse=True)
def _deprecated_names_are_names() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.fixture(params=(*COUNTED, *BESIDE))
def section(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_name_has_one_row(section: str) -> None:
    listed = [row.name for row in sections()[section].rows]
    assert listed == sorted(set(listed)), "each name once, in order"
    names = _names(_modules(section)[0])
    assert names - set(listed) == set(), "langchain-core has them, the table has not"
    assert set(listed) - names == set(), "the table has them, langchain-core has not"


def test_no_other_tables() -> None:
    assert set(sections()) == {"", *COUNTED, *BESIDE}


def test_statuses_and_reasons(section: str) -> None:
    for row in sections()[section].rows:
        assert row.status in STATUSES, row
        assert row.text or row.status == "same", f"{row.name}: how, or why?"


def test_what_is_left_out_is_not_here(section: str) -> None:
    ours = _modules(section)[1]
    here = [row.name for row in sections()[section].rows if row.status == "left out" and hasattr(ours, row.name)]
    assert here == []


def test_what_is_listed_is_here(section: str) -> None:
    """At its path, of its kind, with the members and parameters that are there, but for those that its row names."""
    theirs, ours = _modules(section)
    table = sections()[section]
    samples = _runnables(ours) if section == "runnables" else {}
    allowed = table.without | sections()[""].without
    wrong: dict[str, str] = {}
    unused = set(table.without)
    for row in table.rows:
        if row.status == "left out":
            continue
        if not hasattr(ours, row.name) and row.name not in getattr(ours, "model_fields", ()):
            wrong[row.name] = "is not there"
            continue
        their_one, our_one = getattr(theirs, row.name, None), getattr(ours, row.name, None)
        sample = samples.get(row.name)
        if sample is not None:
            assert isinstance(sample, our_one)
        if their_one is not None and our_one is not None and _kind(their_one) != _kind(our_one):
            wrong[row.name] = f"is a {_kind(our_one)}, and not a {_kind(their_one)}"
            continue
        lacking = _lacking(their_one, our_one, sample)
        unused -= lacking
        if lacking - allowed != row.without:
            undeclared, there = lacking - allowed - row.without, row.without - lacking
            wrong[row.name] = f"lacks {sorted(undeclared)}; has, though its row says otherwise, {sorted(there)}"
    assert wrong == {}
    assert unused == set(), "no row of this section lacks them"


def _left_out(names: tuple[str, ...]) -> tuple[int, int]:
    rows = [row for name in names for row in sections()[name].rows]
    return sum(row.status == "left out" for row in rows), len(rows)


@pytest.mark.parametrize("names", [COUNTED, (*COUNTED, *BESIDE)], ids=["chat models", "with all beside them"])
def test_little_is_left_out(names: tuple[str, ...]) -> None:
    left_out, all_names = _left_out(names)
    assert left_out <= AT_MOST_LEFT_OUT * all_names
    # And the document says how many.
    assert f"{left_out} of {all_names}" in DOCUMENT.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------- the proof that it sees


def test_a_missing_parameter_is_seen() -> None:
    def theirs(a: int, b: int, *, c: int) -> None: ...

    def ours(a: int, d: int, *, c: int) -> None: ...

    def other_order(b: int, a: int, c: int) -> None: ...

    def anything(*args: int, **kwargs: int) -> None: ...

    assert _refused(theirs, theirs) == set()
    assert _refused(theirs, ours) == {"b"}
    assert _refused(theirs, other_order) == {"a", "b"}
    assert _refused(theirs, anything) == set()


def test_a_missing_member_is_seen() -> None:
    class Theirs:
        size = 1

        def go(self, far: int) -> None: ...

        def stop(self) -> None: ...

    class Ours:
        def go(self) -> None: ...

        def stop(self, at_once: bool = False) -> None: ...

    assert _lacking(Theirs, Ours, None) == {"size", "go"}
    assert _lacking(Theirs, Ours, Ours()) == {"size", "go"}
    assert _lacking(Theirs, Theirs, Theirs()) == set()


def test_names_after_without() -> None:
    assert _without("as there, without `a`, `b`: they are `c`") == {"a", "b"}
    assert _without("without a reason") == set()
