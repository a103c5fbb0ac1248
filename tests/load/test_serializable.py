from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest
from langchain_core.load.serializable import Serializable as TheirSerializable
from pydantic import ConfigDict, Field, SecretStr

from chatcore.load.serializable import Serializable, to_json_not_implemented, try_neq_default

T = TypeVar("T")


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise ValueError

    def __bool__(self) -> bool:
        raise ValueError

    def __repr__(self) -> str:
        return "Incomparable"

    __hash__ = None  # type: ignore[assignment]


DEFAULT = Incomparable()


def classes(base: Any) -> dict[str, Any]:
    """The same classes over either library's base."""

    class Closed(base):  # type: ignore[misc]
        bar: int

    class Open(base):  # type: ignore[misc]
        model_config = ConfigDict(arbitrary_types_allowed=True)

        required: Any
        text: str = "text"
        nothing: str | None = None
        number: int = 3
        entries: list[Any] = Field(default_factory=list)
        table: dict[str, Any] = Field(default_factory=dict)
        left_out: str = Field(default="x", exclude=True)
        odd: Any = DEFAULT
        made: str | None = Field(default_factory=lambda: None)

        @classmethod
        def is_lc_serializable(cls) -> bool:
            return True

        @classmethod
        def get_lc_namespace(cls) -> list[str]:
            return ["some", "where"]

    class Secretive(Open):
        key: SecretStr | None = Field(default=None, alias="api_key")
        token: str = Field(default="", exclude=True)

        @property
        def lc_secrets(self) -> dict[str, str]:
            return {"key": "THE_KEY", "token": "THE_TOKEN"}

        @property
        def lc_attributes(self) -> dict[str, Any]:
            return {"mood": "secretive"}

    class Child(Secretive):
        @property
        def lc_secrets(self) -> dict[str, str]:
            return {"text": "THE_TEXT"}

        @property
        def lc_attributes(self) -> dict[str, Any]:
            return {"age": 7}

    return {"closed": Closed, "open": Open, "secretive": Secretive, "child": Child}


OURS, THEIRS = classes(Serializable), classes(TheirSerializable)

CASES = {
    "not serializable": ("closed", {"bar": 1}),
    "only what is required": ("open", {"required": None}),
    "falsy, and not the default": ("open", {"required": 0, "text": "", "number": 0, "odd": None}),
    "empty containers": ("open", {"required": [], "entries": [], "table": {}}),
    "full": ("open", {"required": 1, "text": "a", "nothing": "b", "entries": [1], "table": {"a": 1}, "made": "c"}),
    "what cannot be compared": ("open", {"required": Incomparable(), "odd": Incomparable()}),
    "secrets": ("secretive", {"required": 1, "api_key": "hush", "token": "hush"}),
    "no secrets given": ("secretive", {"required": 1}),
    "ancestors' secrets and attributes": ("child", {"required": 1, "text": "hush", "api_key": "hush"}),
}


@pytest.mark.parametrize("case", CASES)
def test_written_as_in_the_reference(case: str) -> None:
    kind, given = CASES[case]
    ours, theirs = OURS[kind](**given), THEIRS[kind](**given)
    written = ours.to_json()
    assert repr(written) == repr(theirs.to_json()), "as text: some of it cannot be compared"
    assert repr(ours) == repr(theirs)
    assert "hush" not in str(written)


def test_secrets_in_the_midst_of_an_argument() -> None:
    class Held(OURS["open"]):  # type: ignore[misc]
        @property
        def lc_secrets(self) -> dict[str, str]:
            return {"table.inner.key": "K", "table.missing.key": "M", "number.key": "N"}

    held = Held(required=1, table={"inner": {"key": "hush", "other": 1}})
    assert held.to_json()["kwargs"]["table"] == {"inner": {"key": {"lc": 1, "type": "secret", "id": ["K"]}, "other": 1}}
    assert held.table == {"inner": {"key": "hush", "other": 1}}


def test_a_generic_is_known_by_its_origin() -> None:
    class Box(Serializable, Generic[T]):
        held: T

    assert Box[int].lc_id() == [*__name__.split("."), "Box"]


@pytest.mark.parametrize("value", [object, len, 3, DEFAULT], ids=["class", "function", "number", "object"])
def test_what_cannot_be_made_again(value: Any) -> None:
    written = to_json_not_implemented(value)
    assert written["type"] == "not_implemented"
    assert written["id"][-1] == getattr(value, "__name__", type(value).__name__)
    assert written["repr"] == repr(value)


def test_an_object_that_cannot_even_be_shown() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

        def __getattr__(self, name: str) -> Any:
            raise AttributeError

    written = to_json_not_implemented(Shy())
    assert written["repr"] is None
    assert written["id"][-1] == "Shy"


def test_try_neq_default() -> None:
    made = OURS["open"](required=1, text="other")
    assert try_neq_default("other", "text", made)
    assert not try_neq_default("text", "text", made)
