"""The table of hosts."""

from __future__ import annotations

import dataclasses

import pytest

from chatcore.providers.hosts import COMPATIBLE, HOSTS, host_of, is_local


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "openai"),
        ("https://API.GROQ.COM:443/openai/v1", "groq"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.x.ai/v1", "xai"),
    ],
)
def test_hosts_are_known_by_their_address(base_url: str, name: str) -> None:
    assert host_of(base_url) is HOSTS[name]


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:8000/v1", "https://api.openai.com.example.org", "https://evil-api.openai.com.cn", "x"],
)
def test_any_other_server_has_the_common_ways(base_url: str) -> None:
    assert host_of(base_url) is COMPATIBLE
    assert COMPATIBLE.max_tokens == "max_tokens"
    assert COMPATIBLE.key == "OPENAI_API_KEY"


def test_each_row_is_found_again() -> None:
    for name, row in HOSTS.items():
        assert row.name == name
        assert row.base_url.startswith(("https://", "http://localhost"))
        if row.domains:
            assert host_of(row.base_url) is row
        else:
            assert is_local(row.base_url)
            assert row.key is None


def test_rows_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HOSTS["groq"].key = "X"  # type: ignore[misc]
    with pytest.raises(TypeError):
        HOSTS["mine"] = COMPATIBLE  # type: ignore[index]


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://0.0.0.0:4000", True),
        ("http://192.168.1.7/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://gpu.local/v1", True),
        ("http://host.docker.internal:11434/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("https://local.example.com/v1", False),
    ],
)
def test_what_is_local(base_url: str, local: bool) -> None:
    assert is_local(base_url) is local
