"""What the model never sees."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import typing_extensions
from langchain_core.tools import InjectedToolCallId
from pydantic import BaseModel, Field

from chatcore.runnables import RunnableConfig
from chatcore.schemas import Injected, convert_to_openai_function, is_injected
from chatcore.schemas._injected import injected_fields


class Marker(Injected):
    """A marker."""


class Runtime(Injected):
    """What a run hands over."""


class Search(BaseModel):
    """Search."""

    query: str
    owner: Annotated[str, Marker()]
    key: Annotated[str, Field(alias="callId"), InjectedToolCallId] = "x"


class Wanted(typing_extensions.TypedDict):
    """Wanted."""

    query: Annotated[str, ..., "what"]
    owner: Annotated[str, Marker]


def search(query: str, runtime: Runtime, config: RunnableConfig | None = None) -> None:
    """Search."""


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, False),
        (Any, False),
        (Annotated[str, "described"], False),
        (Annotated[str, Marker], True),
        (Annotated[str, "described", Marker()], True),
        (Annotated[str, InjectedToolCallId], True),
        (Marker, True),
        (Runtime | None, True),
        (int | None, False),
        (RunnableConfig, True),
        (list[Marker], False),
    ],
    ids=lambda given: repr(given).partition(" object at")[0],
)
def test_injected_is_told_by_its_annotation(annotation: Any, expected: bool) -> None:
    assert is_injected(annotation) is expected


@pytest.mark.parametrize("thing", [Search, Wanted, search], ids=["model", "TypedDict", "function"])
@pytest.mark.parametrize("strict", [None, True])
def test_injected_is_not_described(thing: Any, strict: bool | None) -> None:
    described = convert_to_openai_function(thing, strict=strict)
    assert list(described["parameters"]["properties"]) == described["parameters"]["required"] == ["query"]


def test_fields_are_known_by_name_and_alias() -> None:
    assert injected_fields(Search) == {"owner", "key", "callId"}
