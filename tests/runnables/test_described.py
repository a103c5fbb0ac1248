"""What a runnable says of itself, where the reference cannot; test_against_reference.py has the rest."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from chatcore.prompts import ChatPromptTemplate
from chatcore.runnables import Runnable, RunnableBranch, RunnableLambda, RunnableParallel
from tests.engine.models import Plain


class Person(BaseModel):
    name: str
    age: int = 3


def rename(person: Person) -> Person:
    return person


def unknown(given: Missing) -> Missing:  # type: ignore[name-defined]  # noqa: F821 - on purpose
    return given


def test_annotations_written_as_text() -> None:
    assert RunnableLambda(rename).get_input_schema() is Person
    assert RunnableLambda(rename).get_output_schema() is Person
    assert RunnableLambda(unknown).InputType is Any
    assert RunnableParallel(a=rename).get_input_jsonschema()["required"] == ["name"]


def test_keys_that_pydantic_has_itself() -> None:
    schema = RunnableLambda(lambda given: (given["json"], given["_x"], given["model_name"])).get_input_schema()
    assert sorted(schema.model_json_schema()["properties"]) == ["_x", "json", "model_name"]
    assert schema.model_validate({"json": 1, "_x": 2, "model_name": 3})


def test_types_that_cannot_be_told() -> None:
    class Plainly(Runnable):  # type: ignore[type-arg]
        async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
            return input

    assert Plainly().get_input_jsonschema() == {"title": "PlainlyInput"}
    assert Plainly().with_types(input_type=int, output_type=str).get_input_jsonschema()["type"] == "integer"


def test_a_branch_says_what_its_parts_take() -> None:
    assert RunnableBranch((len, rename), len).get_input_schema() is Person
    assert RunnableBranch[int, str]((bool, str), str).get_input_jsonschema()["type"] == "integer"


def test_prompts_of_a_chain() -> None:
    first, second = (ChatPromptTemplate.from_template(text) for text in ("{a}", "{b}"))
    chain = first | Plain() | {"x": second | Plain(), "y": len}
    assert chain.get_prompts() == [first, second]


def test_as_tool() -> None:
    tool = RunnableLambda(lambda given: given["name"] * 2).as_tool(
        name="twice", description="Says a name twice.", arg_types={"name": str}
    )
    assert tool.invoke({"name": "ann"}) == "annann"
    assert tool.args == {"name": {"title": "Name", "type": "string"}}
