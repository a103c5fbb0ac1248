"""The table of hosts."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from chatcore.errors import ConfigurationError
from chatcore.providers import ChatOpenAI
from chatcore.providers.hosts import COMPATIBLE, HOSTS, Host, address_variable, host_of, is_local
from tests.providers.traffic import rows

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "providers.md"

PLACES = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AZURE_RESOURCE_NAME": "mine",
    "CLOUDFLARE_ACCOUNT_ID": "38bc1f",
    "CLOUDFLARE_GATEWAY_ID": "gate-1",
    "DATABRICKS_HOST": "https://adb-1.2.azuredatabricks.net/",
    "SNOWFLAKE_ACCOUNT": "myorg-me",
}
"""The parts of addresses that are a user's own."""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in HOSTS.values():
        for name in (*row.keys, *row.address_variables, *PLACES, "AWS_REGION"):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLACES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "openai"),
        ("https://API.GROQ.COM:443/openai/v1", "groq"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.x.ai/v1", "xai"),
        ("https://mine.services.ai.azure.com/models", "azure_ai"),
        ("https://api.cloudflare.com/client/v4/accounts/1/ai/v1", "cloudflare"),
        ("https://router.huggingface.co/together/v1", "huggingface"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "google_openai"),
        ("https://bedrock-mantle.eu-west-1.api.aws/v1", "bedrock_openai"),
        ("https://api.studio.nebius.com/v1", "nebius"),
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


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("name", HOSTS)
def test_each_row_is_found_again(name: str) -> None:
    row = HOSTS[name]
    address = row.address()
    assert row.name == name
    assert re.fullmatch(r"[a-z0-9_.]+", name)
    assert address.startswith(("https://", "http://localhost"))
    assert not address.endswith("/")
    assert row.docs.startswith("https://")
    if address.startswith("https:"):
        assert host_of(address) is row
        assert row.key
    else:
        assert is_local(address)
        assert host_of(address) is COMPATIBLE
        assert row.key is None


def test_there_are_forty_and_more() -> None:
    assert len(HOSTS) >= 80


NOT_TOLD = {
    "gpustack": "an address of the recorder's own",
    "llama.cpp": "likewise",
    "local-server": "likewise",
    "mirascope-router": "likewise",
    "ollama": "likewise, where it is not Ollama's own cloud",
}
"""Providers that were recorded on somebody's own machine, whose address tells nothing."""

OTHER_NAMES = {
    "anthropic": "anthropic_openai",
    "azure-openai": "openai",
    "bedrock-mantle": "bedrock_openai",
    "vercel-gateway": "vercel",
}
"""The recordings' names of hosts, where they differ from the table's."""


def test_every_recorded_address_finds_its_host() -> None:
    told: set[str] = set()
    for row in rows("openai-chat"):
        found = host_of("https://" + row["path"])
        provider = row["provider"]
        if found is COMPATIBLE:
            assert provider in NOT_TOLD, row["path"]
        elif provider not in NOT_TOLD:
            assert found.name == OTHER_NAMES.get(provider, provider.replace("-", "_"))
            told.add(provider)
    assert len(told) >= 25


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.mark.usefixtures("places")
def test_places_in_an_address_are_filled_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HOSTS["databricks"].address() == "https://adb-1.2.azuredatabricks.net/serving-endpoints"
    assert HOSTS["snowflake"].address() == "https://myorg-me.snowflakecomputing.com/api/v2/cortex/v1"
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "https://myorg-me.snowflakecomputing.com")
    assert HOSTS["snowflake"].address() == "https://myorg-me.snowflakecomputing.com/api/v2/cortex/v1"
    assert HOSTS["cloudflare_gateway"].address() == "https://gateway.ai.cloudflare.com/v1/38bc1f/gate-1/compat"
    assert HOSTS["bedrock_openai"].address() == "https://bedrock-mantle.us-east-1.api.aws/v1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert HOSTS["bedrock_openai"].address() == "https://bedrock-mantle.eu-west-1.api.aws/v1"


def test_a_place_that_nothing_fills_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"set AWS_REGION or AWS_DEFAULT_REGION, or pass base_url="):
        ChatOpenAI(model="m", provider="bedrock_openai", api_key="k")


@pytest.mark.parametrize("value", ["evil.example/x", "a?b", "a#b", "user@evil.example", "..", "a b", "a:1", "é"])
def test_what_fills_a_place_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", value)
    with pytest.raises(ConfigurationError, match="SNOWFLAKE_ACCOUNT is wrong") as caught:
        HOSTS["snowflake"].address()
    assert value not in str(caught.value)


def test_variables_that_send_requests_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(provider: str | None = None) -> str | None:
        return ChatOpenAI(model="m", provider=provider, api_key="k").base_url

    assert address_variable("llama.cpp") == "CHATCORE_LLAMA_CPP_BASE_URL"
    assert address() == "https://api.openai.com/v1"
    assert address("groq") == "https://api.groq.com/openai/v1"
    monkeypatch.setenv("GROQ_API_BASE", "https://groq.example/v1")
    monkeypatch.setenv("OPENAI_API_BASE", "https://old.example/v1")
    assert address("groq") == "https://groq.example/v1"
    assert address() == "https://old.example/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://new.example/v1")
    assert address() == address("openai") == "https://new.example/v1"
    monkeypatch.setenv("CHATCORE_BASE_URL", "https://gateway.example/v1/")
    assert address() == address("groq") == address("snowflake") == "https://gateway.example/v1"
    monkeypatch.setenv("CHATCORE_GROQ_BASE_URL", "https://fast.example/v1")
    assert address("groq") == "https://fast.example/v1"
    assert address() == "https://gateway.example/v1"
    # What is given in the program is meant.
    given = ChatOpenAI(model="m", provider="groq", api_key="k", base_url="https://here.example")
    assert given.base_url == "https://here.example"
    monkeypatch.setenv("CHATCORE_GROQ_BASE_URL", "groq")
    with pytest.raises(ConfigurationError, match="CHATCORE_GROQ_BASE_URL is wrong"):
        address("groq")


def test_a_host_keeps_its_ways_wherever_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCORE_BASE_URL", "https://gateway.example/v1")
    assert ChatOpenAI(model="m", provider="mistral", api_key="k")._host is HOSTS["mistral"]
    assert ChatOpenAI(model="m", api_key="k")._host is COMPATIBLE


# -------------------------------------------------------------------------------------------------------- keys, headers


def test_the_first_key_that_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPLX_API_KEY", "second")
    model = ChatOpenAI(model="sonar", provider="perplexity")
    assert model._plain_key() == "second"
    monkeypatch.setenv("PERPLEXITY_API_KEY", "first")
    assert ChatOpenAI(model="sonar", provider="perplexity")._plain_key() == "first"


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        ("groq", {"authorization": "Bearer k"}),
        ("portkey", {"x-portkey-api-key": "k"}),
        ("cloudflare_gateway", {"cf-aig-authorization": "Bearer k"}),
    ],
)
def test_the_header_that_shows_the_key(provider: str, headers: dict[str, str]) -> None:
    assert ChatOpenAI(model="m", provider=provider, api_key="k")._key_headers("k") == headers


def test_a_hosts_own_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    row = HOSTS["openrouter"]
    assert row.own_headers() == {}
    monkeypatch.setenv("OPENROUTER_APP_TITLE", "Mine")
    assert row.own_headers() == {"x-title": "Mine"}
    assert dataclasses.replace(row, headers=(("a", "b"),)).own_headers() == {"a": "b"}
    monkeypatch.setenv("OPENROUTER_APP_TITLE", "Mine\nx: y")
    with pytest.raises(ConfigurationError, match="for the header x-title"):
        ChatOpenAI(model="m", provider="openrouter", api_key="k")


# ------------------------------------------------------------------------------------------------------------ documents


def line_of(row: Host) -> str:
    """A host's line of the table in the documents."""
    keys = " or ".join(f"`{key}`" for key in row.keys) or "none"
    return f"| [`{row.name}`]({row.docs}) | `{row.base_url}` | {keys} |"


def test_the_documents_have_the_whole_table() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| [`")] == [line_of(row) for row in HOSTS.values()]


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
