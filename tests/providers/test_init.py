"""Models by name."""

from __future__ import annotations

from typing import Any

import pytest

from chatcore.errors import BadRequestError, ConfigurationError, MissingKeyError
from chatcore.providers import ChatOpenAI, init_chat_model
from chatcore.providers._named import OWN_WIRES
from chatcore.providers.hosts import address_variable
from tests.providers.loopback import Answer, json_of, provider


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "provider", "model", "base_url"),
    [
        ("openai:gpt-5-mini", None, "gpt-5-mini", "https://api.openai.com/v1"),
        ("OpenAI:ft:gpt-4o:mine", None, "ft:gpt-4o:mine", "https://api.openai.com/v1"),
        ("groq:llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile", "https://api.groq.com/openai/v1"),
        ("mistralai:mistral-large", "mistral", "mistral-large", "https://api.mistral.ai/v1"),
        ("lmstudio:qwen3:3b", "lmstudio", "qwen3:3b", "http://localhost:1234/v1"),
        ("gpt-5-mini", None, "gpt-5-mini", "https://api.openai.com/v1"),
        ("grok-4", "xai", "grok-4", "https://api.x.ai/v1"),
    ],
)
def test_names(name: str, provider: str | None, model: str, base_url: str) -> None:
    made = init_chat_model(name, api_key="sk-1", temperature=0.5)
    assert isinstance(made, ChatOpenAI)
    assert (made.provider, made.model, made.base_url, made.temperature) == (provider, model, base_url, 0.5)


def test_the_provider_apart() -> None:
    made = init_chat_model("llama3.2:3b", model_provider="vllm")
    assert isinstance(made, ChatOpenAI)
    assert (made.provider, made.model) == ("vllm", "llama3.2:3b")


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mine")


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("provider", OWN_WIRES)
def test_providers_with_a_class_of_their_own(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = init_chat_model(f"{provider}:some-model", api_key="k", temperature=0.5)
    assert type(made).__name__ == OWN_WIRES[provider][1]
    assert (made.model, made.temperature) == ("some-model", 0.5)
    # What is said of all hosts of OpenAI's wire is not said of another's.
    monkeypatch.setenv("CHATCORE_BASE_URL", "https://gateway.example/v1")
    assert init_chat_model(f"{provider}:m", api_key="k").base_url == made.base_url  # type: ignore[attr-defined]
    monkeypatch.setenv(address_variable(provider), "https://here.example/x")
    assert init_chat_model(f"{provider}:m", api_key="k").base_url == "https://here.example/x"  # type: ignore[attr-defined]


def test_a_server_of_ones_own() -> None:
    made = init_chat_model("openai:qwen3", base_url="http://localhost:8000/v1")
    assert isinstance(made, ChatOpenAI)
    assert made.provider is None
    assert made._host.max_tokens == "max_tokens"


@pytest.mark.parametrize(
    ("name", "provider", "said"),
    [
        (
            "somebody:model",
            None,
            "'somebody:model' names no provider that is known.*'provider:model'.*chatcore models.*base_url=",
        ),
        ("model", None, "'model' names no provider that is known.*'provider:model'"),
        ("model", "somebody", "model_provider='somebody' is not known.*chatcore models"),
        (5, None, "model is of type int.*'provider:model'"),
        ("", None, "model is empty.*'provider:model'"),
        (" ", "openai", "model is empty"),
        ("openai:", None, "'openai:' names no model.*'provider:model'"),
        ("m", 5, "model_provider is of type int"),
    ],
)
def test_names_that_nobody_knows(name: Any, provider: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        init_chat_model(name, model_provider=provider)


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(MissingKeyError, match="GROQ_API_KEY"):
        init_chat_model("groq:llama")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("model", "arguments", "settings", "sent"),
    [
        ("openai:gpt-5-mini", {}, {}, None),
        ("openai:gpt-5-mini-2025-08-07", {}, {}, None),
        ("openai:gpt-5-mini", {}, {"temperature": 0.5}, 0.5),
        ("openai:gpt-5-mini", {"temperature": 1}, {}, 1),
        ("openai:gpt-5-mini", {"profile": {"temperature": True}}, {}, 0),
        ("openai:gpt-5.5", {"reasoning_effort": "none"}, {}, 0),
        ("openai:gpt-4.1", {}, {"model": "gpt-5"}, None),
        ("openai:gpt-4.1", {}, {}, 0),
        ("openai:their-own", {}, {}, 0),
        ("groq:openai/gpt-oss-120b", {}, {}, 0),
        ("anthropic:claude-opus-4-8", {}, {}, None),
        ("anthropic:claude-sonnet-4-5", {}, {}, 0),
    ],
)
async def test_a_temperature_that_the_model_would_refuse_is_not_sent(
    model: str, arguments: Any, settings: Any, sent: Any
) -> None:
    """Whoever gives one to all models gives it to those, too, that have one only."""
    async with provider(Answer({}, status=400)) as server:
        given = {"temperature": 0, "api_key": "k", "base_url": server.url, **arguments}
        with pytest.raises(BadRequestError):
            await init_chat_model(model, **given).ainvoke("Hi", **settings)
    assert json_of(server.requests[0]).get("temperature") == sent
