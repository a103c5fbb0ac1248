"""Settings from the environment, as the reference finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import langchain_core.utils as reference
import pytest
from langchain_core.utils.env import env_var_is_set as reference_is_set
from pydantic import SecretStr

from chatcore import utils as ours
from chatcore.errors import ConfigurationError

SET = "CHATCORE_TEST_SET"
EMPTY = "CHATCORE_TEST_EMPTY"
UNSET = "CHATCORE_TEST_UNSET"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SET, "value")
    monkeypatch.setenv(EMPTY, "")
    monkeypatch.delenv(UNSET, raising=False)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ValueError as error:
        return str(error)[:40]


@pytest.mark.parametrize("keys", [SET, EMPTY, UNSET, [UNSET, SET], (UNSET, EMPTY), [UNSET]], ids=str)
@pytest.mark.parametrize(
    "options",
    [{}, {"default": None}, {"default": "other"}, {"error_message": "Set it, please."}],
    ids=["nothing", "None", "a default", "a message"],
)
@pytest.mark.parametrize("name", ["from_env", "secret_from_env"])
def test_factory_finds_what_the_references_finds(name: str, keys: Any, options: dict[str, Any]) -> None:
    found, expected = (outcome(getattr(library, name)(keys, **options)) for library in (ours, reference))
    assert found == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ({"a": 1}, "a", SET),
        ({"a": ""}, "a", SET),
        ({"b": "x"}, ["a", "b"], SET),
        ({}, ["a", "b"], UNSET, "other"),
        ({}, "a", EMPTY, "other"),
        ({}, "a", UNSET, ""),
        ({}, ["a", "b"], UNSET),
    ],
    ids=str,
)
def test_dict_comes_before_the_environment(arguments: tuple[Any, ...]) -> None:
    found, expected = (outcome(lambda own=own: own.get_from_dict_or_env(*arguments)) for own in (ours, reference))
    assert found == expected


@pytest.mark.parametrize("value", ["", "0", "false", "False", "FALSE", "1", "no"])
def test_what_counts_as_set(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SET, value)
    assert ours.env_var_is_set(SET) is reference_is_set(SET)
    assert not ours.env_var_is_set(UNSET)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match=f"add an environment variable `{UNSET}`"):
        ours.get_from_env("a", UNSET)


def test_a_secret_stays_one() -> None:
    secret = ours.convert_to_secret_str("hush")
    assert isinstance(secret, SecretStr)
    assert ours.convert_to_secret_str(secret) is secret
    assert "hush" not in repr(secret)
