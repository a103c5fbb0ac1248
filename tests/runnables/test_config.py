"""`RunnableConfig`: what is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import InvalidInputError
from chatcore.runnables._config import check_config, check_configs


def test_none_is_an_empty_config() -> None:
    assert check_config(None) == {}
    assert check_configs(None, []) == {}


def test_config_is_passed_on_as_it_is() -> None:
    config: Any = {"tags": ["a"], "something": "else", "max_concurrency": None, "callbacks": []}
    assert check_config(config) is config
    assert check_configs(config, ["a"]) is config
    assert check_configs([config, None], ["a", "b"]) == [config, {}]  # type: ignore[list-item]


@pytest.mark.parametrize("wrong", ["tags", 5, ("a",)], ids=repr)
def test_what_is_no_config(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"config must be a dict .* not {type(wrong).__name__}"):
        check_config(wrong)
    with pytest.raises(InvalidInputError, match="config must be a dict"):
        check_configs([wrong], ["a"])
    with pytest.raises(InvalidInputError, match="config must be a dict"):
        check_configs(5, ["a"])  # type: ignore[arg-type]


def test_number_of_configs() -> None:
    with pytest.raises(InvalidInputError, match="1 configs for 2 inputs"):
        check_configs([{}], ["a", "b"])
    # Of what is read lazily nobody knows the number yet.
    assert check_configs([{}], iter(["a", "b"])) == [{}]


@pytest.mark.parametrize("limit", [0, -3, True, 2.5, "4"], ids=repr)
def test_wrong_max_concurrency(limit: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"config\['max_concurrency'\] must be a whole number"):
        check_config({"max_concurrency": limit})
