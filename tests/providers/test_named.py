"""Names of models: whose they are, and which class that is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chatcore.errors import ConfigurationError
from chatcore.model import BaseChatModel
from chatcore.providers._named import OWN_WIRES, class_of, named, named_model, prefix_of
from chatcore.providers.hosts import HOSTS
from chatcore.providers.openai import ChatOpenAI


@pytest.mark.parametrize(
    ("model", "means"),
    [
        ("gpt-5-mini", ("openai", "gpt-5-mini")),
        ("chatgpt-4o-latest", ("openai", "chatgpt-4o-latest")),
        ("o3-pro", ("openai", "o3-pro")),
        ("Claude-Sonnet-4-5", ("anthropic", "Claude-Sonnet-4-5")),
        ("gemini-2.5-pro", ("google_genai", "gemini-2.5-pro")),
        ("amazon.nova-pro-v1:0", ("bedrock_converse", "amazon.nova-pro-v1:0")),
        ("anthropic.claude-v2", ("bedrock_converse", "anthropic.claude-v2")),
        ("us.anthropic.claude-v2", ("bedrock_converse", "us.anthropic.claude-v2")),
        ("global.amazon.nova-2-lite-v1:0", ("bedrock_converse", "global.amazon.nova-2-lite-v1:0")),
        ("ft:gpt-4o:ours::id", ("openai", "ft:gpt-4o:ours::id")),
        ("llama_cpp:m", ("llama.cpp", "m")),
        ("accounts/fireworks/models/x", ("fireworks", "accounts/fireworks/models/x")),
        ("command-a", ("cohere", "command-a")),
        ("mixtral-8x7b", ("mistral", "mixtral-8x7b")),
        ("deepseek-chat", ("deepseek", "deepseek-chat")),
        ("grok-4", ("xai", "grok-4")),
        ("sonar", ("perplexity", "sonar")),
        ("solar-pro", ("upstage", "solar-pro")),
        ("anthropic:claude-x", ("anthropic", "claude-x")),
        ("bedrock:amazon.nova-pro-v1:0", ("bedrock_converse", "amazon.nova-pro-v1:0")),
        ("google:gemini-x", ("google_genai", "gemini-x")),
        ("google_vertexai:gemini-x", ("google_vertexai", "gemini-x")),
        ("ollama:llama3.2:3b", ("ollama", "llama3.2:3b")),
        ("GitHub-Copilot:gpt-x", ("github_copilot", "gpt-x")),
        ("together_ai:m", ("together", "m")),
    ],
)
def test_what_names_mean(model: str, means: tuple[str, str]) -> None:
    assert named(model) == means


def test_a_provider_that_is_given_leaves_the_name_alone() -> None:
    assert named("gpt-5:free", "openrouter") == ("openrouter", "gpt-5:free")
    assert named("llama3.2:3b", "Ollama") == ("ollama", "llama3.2:3b")


def test_every_provider_is_known_by_its_own_name() -> None:
    for name in (*OWN_WIRES, *HOSTS):
        assert prefix_of(f"{name}:m") == name
    assert prefix_of("m") is prefix_of("nobody:m") is prefix_of(None) is None


def test_a_name_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'anthropic'"):
        named("antropic:claude")


@pytest.mark.parametrize("provider", OWN_WIRES)
def test_providers_with_a_class_of_their_own(provider: str) -> None:
    _, name = OWN_WIRES[provider]
    kind = class_of(provider)
    assert kind.__name__ == name
    assert issubclass(kind, BaseChatModel)


@pytest.mark.parametrize("provider", sorted(HOSTS.keys() - OWN_WIRES.keys()))
def test_all_others_are_hosts(provider: str) -> None:
    model = named_model(provider, "m", api_key="k", base_url="https://here.example/v1")
    assert isinstance(model, ChatOpenAI)
    assert model.provider == (None if provider == "openai" else provider)


def test_only_the_class_that_is_asked_for_is_loaded() -> None:
    code = (
        "import sys\n"
        "from chatcore.providers._named import class_of, named\n"
        "named('anthropic:claude')\n"
        "assert 'chatcore.providers.anthropic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
