"""Wrong arguments are told by name, and secrets are not repeated."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from chatcore.errors import ConfigurationError
from chatcore.providers._arguments import explained, renamed


class Kind(BaseModel):
    model: str
    temperature: float | None = Field(default=None, ge=0)
    api_key: str | None = None


ALIASES = {"model_name": "model"}


def test_other_names_are_ours() -> None:
    assert renamed(Kind, {"model_name": "m", "api_key": "k"}, ALIASES) == {"model": "m", "api_key": "k"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temprature": 1}, "no argument 'temprature'. Did you mean 'temperature'.*model_kwargs.*extra_body"),
        ({"zzz": 1}, "no argument 'zzz'. A parameter"),
        ({"model": "a", "model_name": "b"}, "model twice, once as 'model_name'"),
    ],
)
def test_unknown_and_doubled(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        renamed(Kind, given, ALIASES)


def test_what_is_wrong_is_a_line_each() -> None:
    given = {"temperature": -1, "api_key": ["sk-secret"], "model": 7}
    with pytest.raises(ValidationError) as raised:
        Kind(**given)  # type: ignore[arg-type]
    error = explained(Kind, raised.value, given, {"api_key"})
    lines = str(error).splitlines()
    assert lines[0].startswith("Kind: model: ")
    assert "(given: 7)" in lines[0]
    assert "(given: -1)" in lines[1]
    assert "sk-secret" not in str(error)
    assert isinstance(error, ConfigurationError)
