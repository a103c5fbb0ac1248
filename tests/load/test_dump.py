from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.load import dumpd as their_dumpd
from langchain_core.load.serializable import Serializable as TheirSerializable
from pydantic import BaseModel

from chatcore.load import Serializable, dumpd, dumps, load
from chatcore.load.dump import default


def holder(base: Any) -> Any:
    class Holder(base):  # type: ignore[misc]
        held: Any

        @classmethod
        def is_lc_serializable(cls) -> bool:
            return True

        @classmethod
        def get_lc_namespace(cls) -> list[str]:
            return ["some", "where"]

    return Holder


Holder, TheirHolder = holder(Serializable), holder(TheirSerializable)
LOOKS_LIKE = {"lc": 1, "type": "constructor", "id": ["langchain", "x"], "kwargs": {}}
SECRET = {"lc": 1, "type": "secret", "id": ["HOME"]}

VALUES = {
    "plain": {"a": [1, 2.5, "x", None, True], "b": ()},
    "like an object": LOOKS_LIKE,
    "like a secret": [SECRET, {"deep": {"deeper": SECRET}}],
    "like an escape": {"__lc_escaped__": LOOKS_LIKE},
    "an escape among others": {"__lc_escaped__": LOOKS_LIKE, "b": 1},
    "an object within what looks like one": {"lc": 2, "held": [LOOKS_LIKE, {"__lc_escaped__": 1}]},
    "keys that are not text": {1: "a", None: "b", 2.5: "c"},
    "keys that JSON does not know": {(1, 2): "a"},
    "a date": datetime(2026, 1, 1, tzinfo=UTC),
    "a class": int,
    "bytes": [b"abc"],
}


@pytest.mark.parametrize("case", VALUES)
def test_written_as_in_the_reference(case: str) -> None:
    value = VALUES[case]
    assert dumpd(value) == their_dumpd(value)
    assert dumpd(Holder(held=value)) == their_dumpd(TheirHolder(held=value))
    assert dumpd([{"a": Holder(held=Holder(held=value))}]) == their_dumpd(
        [{"a": TheirHolder(held=TheirHolder(held=value))}]
    )


@pytest.mark.parametrize("case", ["like an object", "like a secret", "like an escape", "an escape among others"])
def test_what_looks_like_an_object_comes_back_as_it_was(case: str) -> None:
    value = VALUES[case]
    written = json.loads(dumps(Holder(held=value)))
    assert load(written, allowed_objects=[Holder], secrets_from_env=True) == Holder(held=value)
    # Dumping what was dumped keeps it as data.
    assert load(json.loads(dumps({"a": written})), allowed_objects=[Holder]) == {"a": written}


def test_what_json_does_not_know_is_written_under_an_escape_too() -> None:
    inner = Holder(held=1)
    written = json.loads(dumps({"lc": 1, "at": datetime(2026, 1, 1, tzinfo=UTC), "held": [inner, {(1,): 2}]}))
    kinds = [written["__lc_escaped__"]["at"], *written["__lc_escaped__"]["held"]]
    assert [kind["type"] for kind in kinds] == ["not_implemented"] * 3


def test_a_structured_answer_is_written_as_a_dict() -> None:
    class Answer(BaseModel):
        x: int

    class Message(Holder):  # type: ignore[misc, valid-type]
        additional_kwargs: dict[str, Any]

    written = dumpd([Message(held=1, additional_kwargs={"parsed": Answer(x=1), "other": Answer(x=2)})])
    assert written[0]["kwargs"]["additional_kwargs"]["parsed"] == {"x": 1}
    assert written[0]["kwargs"]["additional_kwargs"]["other"]["type"] == "not_implemented"


def test_a_forged_secret_is_data_and_a_real_one_is_none() -> None:
    class Model(Holder):  # type: ignore[misc, valid-type]
        key: str

        @property
        def lc_secrets(self) -> dict[str, str]:
            return {"key": "KEY"}

    written = dumpd(Model(held=SECRET, key="hush"))
    assert written["kwargs"] == {"held": {"__lc_escaped__": SECRET}, "key": {**SECRET, "id": ["KEY"]}}
    assert "hush" not in dumps(Model(held=SECRET, key="hush"))
    assert load(written, allowed_objects=[Model], secrets_map={"KEY": "hush"}) == Model(held=SECRET, key="hush")


def test_options() -> None:
    assert dumps({"a": 1}, pretty=True) == '{\n  "a": 1\n}'
    assert dumps({"a": 1}, pretty=True, indent=1) == '{\n "a": 1\n}'
    assert dumps({"b": 1, "a": 2}, sort_keys=True, separators=(",", ":")) == '{"a":2,"b":1}'
    with pytest.raises(ValueError, match="`default` should not be passed to dumps"):
        dumps({}, default=str)


@pytest.mark.parametrize("escaped", [False, True])
def test_what_holds_itself_is_refused(*, escaped: bool) -> None:
    endless: dict[str, Any] = {"lc": 1} if escaped else {}
    endless["a"] = [endless]
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        dumps(endless)


def test_default_is_for_json_itself() -> None:
    assert json.loads(json.dumps(Holder(held=1), default=default)) == dumpd(Holder(held=1))
    assert default(3j)["type"] == "not_implemented"
