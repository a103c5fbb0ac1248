"""Answers made into what the user asked for, whole and half."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pickle
from typing import Any, Literal, TypedDict, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.v1 import BaseModel as OldModel

from chatcore.errors import ChatCoreError, ConfigurationError
from chatcore.schemas import AnswerSchema, SchemaMismatchError


class Kid(BaseModel):
    name: str
    mood: Literal["good", "bad"]


class Person(BaseModel):
    """A person."""

    model_config = ConfigDict(extra="allow")

    name: str
    age: int | None = None
    kids: list[Kid] = Field(default_factory=list)
    best: Kid | None = None
    by_name: dict[str, Kid] = {}
    born: dt.date = Field(alias="bornOn")

    @field_validator("name")
    @classmethod
    def not_shouted(cls, name: str) -> str:
        if name.isupper():
            msg = "too loud"
            raise ValueError(msg)
        return name

    def model_post_init(self, context: Any) -> None:
        assert self.name, "only of whole persons"


class KidDict(TypedDict):
    name: str
    mood: Literal["good", "bad"]


class PersonDict(TypedDict):
    """A person."""

    name: str
    kids: list[KidDict]


@dataclasses.dataclass
class KidData:
    name: str
    mood: Literal["good", "bad"]


@dataclasses.dataclass(frozen=True, slots=True)
class PersonData:
    """A person."""

    name: str
    kids: list[KidData]
    age: int = 3
    tags: list[str] = dataclasses.field(default_factory=list)


class OldPerson(OldModel):
    name: str


class Dated(BaseModel):
    model_config = ConfigDict(strict=True)
    day: dt.date


SCHEMA = {"title": "Person", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
WHOLE = {"name": "Ada", "kids": [{"name": "Bo", "mood": "good"}], "bornOn": "1815-12-10"}
KINDS = {"pydantic": Person, "typed_dict": PersonDict, "dataclass": PersonData, "json_schema": SCHEMA}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strict", [None, True])
def test_a_schema_is_read_once(kind: str, strict: bool | None) -> None:
    schema = AnswerSchema.of(KINDS[kind], strict=strict)
    assert schema.kind == kind
    assert schema.strict is strict
    assert schema.name.startswith("Person")
    assert schema.json_schema["title"] == schema.name
    assert schema.json_schema.get("description", "") == schema.description
    assert schema.tool["function"]["parameters"] == schema.parameters
    assert schema.tool["function"].get("strict") is strict
    assert schema.parameters.get("additionalProperties", True) is (strict is None)


def test_whole_answers_become_what_was_asked_for() -> None:
    assert AnswerSchema.of(Person).parse(WHOLE) == Person(**WHOLE)
    assert AnswerSchema.of(PersonData).parse(WHOLE) == PersonData("Ada", [KidData("Bo", "good")])
    # What a model adds stays.
    assert AnswerSchema.of(PersonDict).parse(WHOLE) == WHOLE
    assert AnswerSchema.of(SCHEMA).parse(WHOLE) is WHOLE
    assert AnswerSchema.of(OldPerson).parse(WHOLE) == OldPerson(name="Ada")
    assert AnswerSchema.of(Dated).parse({"day": "2020-01-01"}) == Dated(day=dt.date(2020, 1, 1))


def test_openais_form_of_a_schema_is_read() -> None:
    schema = AnswerSchema.of({"name": "Person", "schema": SCHEMA, "strict": True})
    assert (schema.name, schema.strict, schema.parameters) == ("Person", True, SCHEMA)
    assert schema.parse({"name": "Ada"}) == {"name": "Ada"}


@pytest.mark.parametrize("asked", [*KINDS.values(), OldPerson, Dated], ids=[*KINDS, "v1", "strict"])
@pytest.mark.parametrize("answer", [{}, {"name": ["\ud83d"], "day": "\ud83d"}, [], None, "text"], ids=ascii)
def test_a_wrong_answer_says_what_is_wrong(asked: Any, answer: Any) -> None:
    schema = AnswerSchema.of(asked)
    with pytest.raises(SchemaMismatchError, match=schema.name) as caught:
        schema.parse(answer)
    error = caught.value
    assert error.problems
    assert isinstance(error, ValueError)
    assert isinstance(error, ChatCoreError)
    assert schema.kind == "json_schema" or isinstance(error.__cause__, ValueError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.problems) == (str(error), error.problems)


def test_what_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        AnswerSchema.of(Person).parse({**WHOLE, "kids": [{"name": "Bo", "mood": "so"}], "name": "ADA"})
    assert caught.value.problems == (
        "name: Value error, too loud",
        "kids.0.mood: Input should be 'good' or 'bad'",
    )
    assert isinstance(caught.value.__cause__, ValidationError)


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        AnswerSchema.of(5)
    with pytest.raises(ConfigurationError, match="title"):
        AnswerSchema.of({"type": "object", "properties": {}})


@pytest.mark.parametrize(
    "schema",
    [
        str,
        list,
        list[str],
        dict[str, int],
        Literal["a"],
        str | int,
        Union[str, int],  # noqa: UP007 - the older form is an object of another class
        Any,
    ],
    ids=repr,
)
def test_what_is_no_object_is_refused(schema: Any) -> None:
    with pytest.raises(ConfigurationError, match="make it a field"):
        AnswerSchema.of(schema)


def test_half_a_model() -> None:
    parse = AnswerSchema.of(Person).parse_partial
    assert repr(parse({})) == "Person(age=None, kids=[], best=None, by_name={})"
    # "AD" is too loud, and may become "ADa".
    half = parse(
        {"name": "Ada", "kids": [{"name": "Bo", "mood": "go"}], "best": {"name": "C"}, "by_name": {"x": {}, "y": 1}}
    )
    assert isinstance(half, Person)
    assert half.model_fields_set == {"name", "kids", "best", "by_name"}
    assert half.kids[0].name == "Bo"
    assert not hasattr(half.kids[0], "mood")
    assert half.best is not None
    assert half.best.name == "C"
    assert list(half.by_name) == ["x"]
    assert not hasattr(half, "born")
    assert half.model_dump(exclude={"kids", "best", "by_name"}, warnings=False) == {"name": "Ada", "age": None}
    whole = parse(WHOLE)
    assert whole == Person(**WHOLE)
    assert parse([]) is None


def test_half_a_dict() -> None:
    parse = AnswerSchema.of(PersonDict).parse_partial
    assert parse({"kids": [{"name": "Bo", "mood": "go"}, {"mood": "bad"}], "more": 1}) == {
        "kids": [{"name": "Bo"}, {"mood": "bad"}],
        "more": 1,
    }
    assert AnswerSchema.of(SCHEMA).parse_partial({"any": 1}) == {"any": 1}


def test_half_a_dataclass() -> None:
    parse = AnswerSchema.of(PersonData).parse_partial
    half = parse({"kids": [{"name": "Bo"}]})
    assert isinstance(half, PersonData)
    assert repr(half) == "PersonData(kids=[KidData(name='Bo')], age=3, tags=[])"
    assert not hasattr(half, "name")
    assert half == parse({"kids": [{"name": "Bo"}]})
    assert half != parse({"kids": []})
    assert type(parse(WHOLE)) is PersonData


class Hostile(BaseModel):
    name: str
    n: int

    @model_validator(mode="before")
    @classmethod
    def careless(cls, data: Any) -> Any:
        return {**data, "n": data["missing"]}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["good", "1815-12-10"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "kids", "mood", "best", "bornOn", "by_name", "age"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_half_an_answer_never_raises(value: Any) -> None:
    for asked in (*KINDS.values(), OldPerson, Hostile, Dated):
        made = AnswerSchema.of(asked).parse_partial(value)
        repr(made)
        assert (made is None) is (not isinstance(value, dict)) or asked is OldPerson
