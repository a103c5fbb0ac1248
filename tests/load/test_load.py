from __future__ import annotations

import json
from typing import Any

import pytest

from chatcore.load import Serializable, dumpd, dumps, load, loads
from chatcore.load import load as load_module_or_function
from chatcore.load._format import MAX_CHARACTERS
from chatcore.load.load import Reviver, default_init_validator

HERE = tuple(__name__.split("."))


class Cake(Serializable):
    flavour: Any
    key: str | None = None

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        return {"key": "CAKE_KEY"}


class Tart(Cake):
    pass


class Plate:
    def __init__(self, **kwargs: Any) -> None:
        raise AssertionError("constructed")


def constructor(*path: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": list(path), "kwargs": kwargs}


def test_what_is_allowed_comes_back() -> None:
    cakes = {"a": [Cake(flavour="plum"), Cake(flavour=Cake(flavour={"lc": 1}))]}
    assert loads(dumps(cakes), allowed_objects=[Cake]) == cakes
    assert callable(load_module_or_function)


@pytest.mark.parametrize("allowed", [None, "core", "messages", "all", [], [Tart]], ids=str)
def test_what_is_not_allowed_is_refused(allowed: Any) -> None:
    with pytest.raises(ValueError, match=r"Cake.* not allowed"):
        load(dumpd(Cake(flavour=1)), allowed_objects=allowed)


@pytest.mark.parametrize(
    "path",
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("langchain", "llms", "openai", "OpenAI"),
        ("langchain_core", "load", "serializable", "Serializable"),
        ("langchain_core", "prompts", "messages", "AIMessage"),
        ("chatcore", "messages"),
        ("AIMessage",),
    ],
    ids=".".join,
)
@pytest.mark.parametrize("allowed", ["core", "all", "messages"])
def test_unknown_classes_are_refused_by_name(path: tuple[str, ...], allowed: Any) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        load(constructor(*path, content="x"), allowed_objects=allowed, valid_namespaces=["os", "subprocess"])


def test_mappings_lead_elsewhere() -> None:
    old, new = ("old", "Pie"), (*HERE, "Tart")
    written = constructor(*old, flavour=1)
    assert load(written, allowed_objects=[Tart], additional_import_mappings={old: new}) == Tart(flavour=1)
    with pytest.raises(ValueError, match=r"Invalid namespace: .*valid_namespaces"):
        load(written, additional_import_mappings={old: new})
    with pytest.raises(ValueError, match="not allowed"):
        load(written, allowed_objects=[Cake], additional_import_mappings={old: new})


@pytest.mark.parametrize("target", [("json", "JSONDecoder"), ("json", "missing"), ("json", "loads")], ids=".".join)
def test_mappings_lead_to_serializable_classes_only(target: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no Serializable class of json"):
        load(constructor("old", "Pie"), additional_import_mappings={("old", "Pie"): target}, valid_namespaces=["json"])


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    written = dumpd(Cake(flavour=1, key="hush"))
    monkeypatch.setenv("CAKE_KEY", "from env")
    assert load(written, allowed_objects=[Cake]).key is None
    assert load(written, allowed_objects=[Cake], secrets_from_env=True).key == "from env"
    given = {"CAKE_KEY": "from map"}
    assert load(written, allowed_objects=[Cake], secrets_from_env=True, secrets_map=given).key == "from map"
    monkeypatch.setenv("CAKE_KEY", "")
    assert load(written, allowed_objects=[Cake], secrets_from_env=True).key is None


def test_what_was_not_written() -> None:
    written = dumpd({"a": object()})
    with pytest.raises(NotImplementedError, match="Trying to load an object that doesn't implement serialization"):
        load(written)
    assert load(written, ignore_unserializable_fields=True) == {"a": None}


@pytest.mark.parametrize(
    "value",
    [
        constructor(),
        {**constructor(), "id": "langchain"},
        {**constructor(), "id": [1, 2]},
        {**constructor(*HERE, "Cake"), "kwargs": [1]},
        constructor(*HERE, "Cake", wrong=1),
        {"lc": 1, "type": "secret", "id": ["A", "B"]},
        {"lc": 1, "type": "secret", "id": [{"a": 1}]},
    ],
    ids=["no id", "text", "numbers", "kwargs", "arguments", "two names", "no name"],
)
def test_what_is_malformed_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's and ours
        load(value, allowed_objects=[Cake])


@pytest.mark.parametrize("value", [{"lc": 2, "id": ["a"]}, {"lc": 1}, {"lc": 1, "type": "other", "id": ["a"]}], ids=str)
def test_what_stands_for_nothing_is_data(value: Any) -> None:
    assert load(value) == value


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_bounded(opening: str) -> None:
    for depth in (300, 100_000):
        closing = "]" if opening == "[" else "}"
        with pytest.raises(ValueError, match="nested more than"):
            loads(opening * depth + "1" + closing * depth)
    deepest: Any = 1
    for _ in range(100):
        deepest = {"a": deepest}
    assert loads(dumps(deepest)) == deepest


def test_size_is_bounded() -> None:
    class Long(str):
        __slots__ = ()

        def __len__(self) -> int:
            return MAX_CHARACTERS + 1

    with pytest.raises(ValueError, match="at most"):
        loads(Long("1"))


def test_validators() -> None:
    seen: list[Any] = []
    written = dumpd(Cake(flavour="plum"))
    load(written, allowed_objects=[Cake], init_validator=lambda *given: seen.append(given))
    assert seen == [((*HERE, "Cake"), {"flavour": "plum"})]
    jinja = constructor(*HERE, "Cake", flavour=1, template_format="jinja2")
    with pytest.raises(ValueError, match="Jinja2 templates are not allowed"):
        load(jinja, allowed_objects=[Cake])
    assert load(jinja, allowed_objects=[Cake], init_validator=None) == Cake(flavour=1)
    default_init_validator(("a",), {"template_format": "f-string"})


@pytest.mark.parametrize(
    ("allowed", "error"), [("some", ValueError), ([Plate], TypeError), ([Cake(flavour=1)], TypeError)]
)
def test_what_may_be_allowed(allowed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="allowed_objects must"):
        load({}, allowed_objects=allowed)


def test_reviver_is_a_hook_of_json() -> None:
    assert json.loads(dumps([Cake(flavour=1)]), object_hook=Reviver([Cake])) == [Cake(flavour=1)]
