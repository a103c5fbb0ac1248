"""Models of functions' arguments, beyond what the comparison with the reference shows."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import pydantic.dataclasses
import pytest
from pydantic import Field

from chatcore.errors import ConfigurationError
from chatcore.schemas import Injected, create_schema_from_function, subset_model
from chatcore.schemas._functions import function_name

if TYPE_CHECKING:
    from nowhere import Unknown


def search(query: str, limit: int = 5) -> Unknown:
    """Search.

    Args:
        query: what
    """


class Searcher:
    """Searches."""

    def __call__(self, query: Annotated[str, "what"]) -> None: ...


class Plain:
    """A plain class."""

    def __init__(self, a: int, b: list[str] | None = None) -> None: ...


@dataclasses.dataclass
class Row:
    key: str
    values: list[int] = dataclasses.field(default_factory=list)


@pydantic.dataclasses.dataclass
class CheckedRow:
    """A row."""

    key: str = Field(description="its key", min_length=1)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("given", "name", "fields"),
    [
        (search, "search", {"query": ("what", True), "limit": (None, False)}),
        (logged(search), "search", {"query": ("what", True), "limit": (None, False)}),
        (functools.partial(search, "x"), "search", {"limit": (None, False)}),
        (functools.partial(search, limit=1), "search", {"query": ("what", True)}),
        (Searcher(), "Searcher", {"query": ("what", True)}),
        (Plain, "Plain", {"a": (None, True), "b": (None, False)}),
        (Row, "Row", {"key": (None, True), "values": (None, False)}),
        (CheckedRow, "CheckedRow", {"key": ("its key", True)}),
    ],
    ids=["function", "wrapped", "partial", "partial by name", "object", "class", "dataclass", "pydantic dataclass"],
)
def test_any_callable_has_a_model(given: Any, name: str, fields: dict[str, tuple[str | None, bool]]) -> None:
    model = create_schema_from_function("m", given, parse_docstring=True, include_injected=False)
    assert function_name(given) == name
    assert {key: (field.description, field.is_required()) for key, field in model.model_fields.items()} == fields


def test_what_a_run_gives_is_left_out_of_what_the_model_sees() -> None:
    def tell(text: str, owner: Annotated[str, Injected], log: Injected, callbacks: Unknown = None) -> None: ...

    tell.__annotations__ |= {"owner": Annotated[str, Injected], "log": Injected}
    assert list(create_schema_from_function("m", tell, include_injected=False).model_fields) == ["text"]
    assert list(create_schema_from_function("m", tell).model_fields) == ["text", "owner", "log"]
    assert list(create_schema_from_function("m", tell, filter_args=["text", "callbacks"]).model_fields) == [
        "owner",
        "log",
    ]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (int, "does not say what arguments it takes"),
        (lambda unknown: None, r"The annotation 'Unknown' of the argument 'unknown' of m cannot be resolved"),
    ],
    ids=["builtin", "unresolvable"],
)
def test_what_cannot_be_read_is_refused(function: Callable[..., Any], message: str) -> None:
    if function is not int:
        function.__annotations__ = {"unknown": "Unknown"}
    with pytest.raises(ConfigurationError, match=message):
        create_schema_from_function("m", function)


def test_docstring_must_describe_what_there_is() -> None:
    def wrong(a: int) -> None:
        """Do.

        Args:
            b: what
        """

    with pytest.raises(ValueError, match=r"Arg b in docstring not found in function signature.*takes a"):
        create_schema_from_function("m", wrong, parse_docstring=True)
    create_schema_from_function("m", wrong)


def test_docstring_may_describe_what_is_not_annotated() -> None:
    def bare(a, json=1):
        """Do.

        Args:
            a: one
        """

    model = create_schema_from_function("m", bare, parse_docstring=True)
    assert model.model_fields["a"].description == "one"
    assert list(model.model_fields) == ["a", "json"]


def test_names_are_the_functions_own() -> None:
    def renamed(a: Annotated[int, Field(alias="A", ge=1)], b: int = Field(3, alias="B", description="two")) -> None:
        """Do.

        Args:
            b: second
        """

    model = create_schema_from_function("m", renamed, parse_docstring=True)
    properties = model.model_json_schema()["properties"]
    assert properties["a"] == {"minimum": 1, "title": "A", "type": "integer"}
    assert properties["b"]["description"] == "second"


def test_some_fields_of_a_model() -> None:
    class Whole(pydantic.BaseModel):
        """Whole."""

        a: Annotated[int, Injected] = Field(ge=1)
        b: list[int] = Field(default_factory=list, alias="B", examples=[[1]])
        c: str = "x"

    part = subset_model("Part", Whole, ["b", "a"], descriptions={"a": "one"})
    assert (part.__name__, part.__doc__, list(part.model_fields)) == ("Part", "Whole.", ["b", "a"])
    assert part(a=2).model_dump() == {"b": [], "a": 2}
    assert part.model_fields["b"].examples == [[1]]
    assert part.model_fields["a"].description == "one"
    assert "Injected" in str(part.__annotations__["a"])
    with pytest.raises(pydantic.ValidationError):
        part(a=0)
