from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from chatcore.caches import cache_key
from chatcore.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

IDENTITY = {"class": "a.Model", "kind": "fake", "model": "x", "temperature": 0.5}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"token": {"type": "string"}}}}}


class Schema(BaseModel):
    x: int


def key(messages: list[BaseMessage] | None = None, identity: Any = IDENTITY, **settings: Any) -> tuple[str, str]:
    found = cache_key(messages or [HumanMessage("Hello")], settings, identity)
    assert found is not None
    return found


SAME = {
    "ids of messages": (
        key([HumanMessage("a", id="1"), AIMessage("b", id="2")]),
        key([HumanMessage("a"), AIMessage("b")]),
    ),
    "order of settings": (key(stop=["a"], tools=[TOOL]), key(tools=[TOOL], stop=["a"])),
    "order of parameters": (key(), key(identity=dict(reversed(IDENTITY.items())))),
    "None": (key(stop=None), key()),
    "how it is asked": (key(stream=True), key()),
    "tuples": (key(stop=("a",)), key(stop=["a"])),
    "addresses": (key(identity={"held": iter([1])}), key(identity={"held": iter([2])})),
}


@pytest.mark.parametrize("case", SAME)
def test_equal_calls_have_equal_keys(case: str) -> None:
    assert SAME[case][0] == SAME[case][1]


OTHER = {
    "text": key([HumanMessage("Bye")]),
    "role": key([SystemMessage("Hello")]),
    "name": key([HumanMessage("Hello", name="Ann")]),
    "parts": key([HumanMessage([{"type": "text", "text": "Hello"}])]),
    "stop": key(stop=["a"]),
    "stop, other": key(stop=["b"]),
    "tools": key(tools=[TOOL]),
    "schema": key(response_format=Schema),
    "an object": key(response_format=Schema(x=1)),
    "another object": key(response_format=Schema(x=2)),
    "model": key(identity={**IDENTITY, "model": "y"}),
    "class": key(identity={**IDENTITY, "class": "b.Model"}),
    "a key": key(extra_headers={"Authorization": "Bearer one"}),
    "another key": key(extra_headers={"Authorization": "Bearer two"}),
    "max_tokens": key(max_tokens=1),
    "max_tokens, other": key(max_tokens=2),
}


def test_other_calls_have_other_keys() -> None:
    assert len({key(), *OTHER.values()}) == len(OTHER) + 1


def test_a_schema_that_has_changed_is_another() -> None:
    changed = type("Schema", (BaseModel,), {"__annotations__": {"y": "int"}, "__module__": __name__})
    changed.__qualname__ = Schema.__qualname__
    assert key(response_format=changed) != key(response_format=Schema)


def test_no_secret_is_in_a_key() -> None:
    text = "".join(
        key(api_key="hush-hush", extra_headers={"X-Auth": "hush-hush"}, extra_body={"secret": ["hush-hush"]})
    )
    assert "hush-hush" not in text


def test_keys_are_the_same_in_another_process() -> None:
    code = (
        "from chatcore.caches import cache_key; from chatcore.messages import HumanMessage;"
        "print(cache_key([HumanMessage('Hello')], {'stop': ['a'], 'b': {'y', }}, {'model': 'x'}), end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == str(cache_key([HumanMessage("Hello")], {"stop": ["a"], "b": {"y"}}, {"model": "x"}))


@pytest.mark.parametrize(
    "settings",
    [
        {"credentials": {"user": "sk-1"}},
        {"auth": [{"value": "sk-1"}]},
        {"api_key": b"sk-1"},
        {"user": SecretStr("sk-1")},
        {"user": SecretBytes(b"sk-1")},
    ],
)
def test_secrets_of_any_form_are_not_shown(settings: dict[str, Any]) -> None:
    _, asked = key(**settings)
    assert "sk-1" not in asked
    assert "digest:" in asked


def test_secrets_are_told_apart() -> None:
    assert key(user=SecretStr("a")) != key(user=SecretStr("b"))


@pytest.mark.parametrize("thing", [object(), [{"deep": object()}], lambda: None])
def test_what_is_known_by_its_place_in_memory_has_no_key(thing: object) -> None:
    assert cache_key([HumanMessage("Hello")], {"thing": thing}, IDENTITY) is None


class Shown:
    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Shown({self.number})"


def test_models_that_differ_in_what_is_only_shown_have_keys_of_their_own() -> None:
    one, two, again = (cache_key([HumanMessage("hi")], {}, {"held": Shown(number)}) for number in (1, 2, 1))
    assert one == again != two
