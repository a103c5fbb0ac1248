"""What a pydantic model is, of either version."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.utils import pydantic as reference
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as OldModel
from pydantic.v1 import Field as OldField

from chatcore.utils import get_pydantic_field_names
from chatcore.utils import pydantic as ours


class New(BaseModel):
    a: int = Field(alias="A")
    b: str = "x"


class Old(OldModel):
    a: int = OldField(alias="A")
    b: str = "x"


THINGS: list[Any] = [New, Old, New(A=1), Old(A=1), int, 5, list[int], None]
IDS = ["new", "old", "a new one", "an old one", "class", "value", "generic", "None"]


@pytest.mark.parametrize("thing", THINGS, ids=IDS)
def test_models_are_told_from_other_things(thing: Any) -> None:
    assert ours.is_basemodel_subclass(thing) is reference.is_basemodel_subclass(thing)
    assert ours.is_basemodel_instance(thing) is reference.is_basemodel_instance(thing)
    if isinstance(thing, type) and not hasattr(thing, "__origin__"):
        assert ours.is_pydantic_v1_subclass(thing) is reference.is_pydantic_v1_subclass(thing)
        assert ours.is_pydantic_v2_subclass(thing) is reference.is_pydantic_v2_subclass(thing)


@pytest.mark.parametrize("model", [New, Old], ids=["new", "old"])
def test_models_of_both_versions_are_asked_alike(model: Any) -> None:
    assert ours.get_fields(model) == reference.get_fields(model)
    assert ours.get_fields(model(A=1)).keys() == {"a", "b"}
    assert get_pydantic_field_names(model) == {"a", "A", "b"}
    assert ours.model_json_schema(model) == reference.model_json_schema(model)
    assert ours.model_validate(model, {"A": 2}) == model(A=2)
    with pytest.raises(ValueError, match="A"):
        ours.model_validate(model, {})


@pytest.mark.parametrize("ask", [ours.get_fields, ours.model_json_schema, lambda given: ours.model_validate(given, {})])
def test_other_things_are_refused(ask: Any) -> None:
    with pytest.raises(TypeError, match="Expected a Pydantic model"):
        ask(int)


def test_version_is_the_installed_one() -> None:
    assert (ours.PYDANTIC_MAJOR_VERSION, ours.PYDANTIC_MINOR_VERSION) == (
        reference.PYDANTIC_MAJOR_VERSION,
        reference.PYDANTIC_MINOR_VERSION,
    )
