"""Providers as a program would find them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcore.errors import ConfigurationError
from chatcore.providers._listing import Listed, listed
from chatcore.providers._named import OWN_WIRES
from chatcore.providers.hosts import HOSTS

pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which nothing is set."""
    for row in HOSTS.values():
        for name in (*row.keys, *row.address_variables):
            monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "SNOWFLAKE_ACCOUNT", "CHATCORE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def one(provider: str) -> Listed:
    (found,) = listed(provider)
    return found


def test_a_provider_without_a_key() -> None:
    assert one("groq") == Listed(
        provider="groq",
        model="ChatOpenAI",
        base_url="https://api.groq.com/openai/v1",
        keys=("GROQ_API_KEY",),
        key=None,
        ready=False,
        problem="No API key for groq was found: set the environment variable GROQ_API_KEY, or pass api_key=.",
        docs=HOSTS["groq"].docs,
    )


def test_one_with_a_key_which_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPLX_API_KEY", "sk-secret")
    monkeypatch.setenv("CHATCORE_PERPLEXITY_BASE_URL", "https://here.example/v1")
    found = one("perplexity")
    assert (found.key, found.ready, found.problem) == ("PPLX_API_KEY", True, None)
    assert found.base_url == "https://here.example/v1"
    assert "sk-secret" not in repr(found)


def test_one_whose_address_has_a_part_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = one("snowflake")
    assert (found.base_url, found.ready) == (None, False)
    assert found.problem is not None
    assert "SNOWFLAKE_ACCOUNT" in found.problem
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "me")
    found = one("snowflake")
    assert found.base_url == "https://me.snowflakecomputing.com/api/v2/cortex/v1"
    assert found.problem is not None
    assert "SNOWFLAKE_TOKEN" in found.problem


def test_one_that_needs_no_key() -> None:
    found = one("vllm")
    assert (found.keys, found.key, found.ready) == ((), None, True)
    assert one("ollama").ready


@pytest.mark.parametrize("provider", OWN_WIRES)
def test_those_with_a_wire_of_their_own(provider: str) -> None:
    found = one(provider)
    assert found.model == OWN_WIRES[provider][1]
    assert found.docs is None
    assert found.keys
    assert found.ready is (found.problem is None)


def test_all_of_them() -> None:
    found = [each.provider for each in listed()]
    assert found == sorted({*OWN_WIRES, *HOSTS})


def test_other_names_and_wrong_ones() -> None:
    assert [each.provider for each in listed("mistralai", "x-ai")] == ["mistral", "xai"]
    with pytest.raises(ConfigurationError, match="Did you mean 'groq'"):
        listed("groqq")
