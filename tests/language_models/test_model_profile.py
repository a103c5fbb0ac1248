from __future__ import annotations

import json
import warnings
from datetime import date
from typing import Any, get_type_hints

import langchain_core.language_models.model_profile as theirs
import pytest
from pydantic import BaseModel, ConfigDict

from chatcore.language_models import ModelProfile, load_profile
from chatcore.language_models import model_profile as module
from chatcore.language_models.model_profile import warn_unknown_profile_keys
from chatcore.providers._named import OWN_WIRES
from chatcore.providers.hosts import HOSTS

PROVIDERS = sorted(module._providers())


def test_the_reference_has_the_same_keys() -> None:
    assert get_type_hints(ModelProfile) == get_type_hints(theirs.ModelProfile)


class Holder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    profile: ModelProfile


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_shipped_is_well_formed(provider: str) -> None:
    assert module._profiles(provider)
    for name, known in module._profiles(provider).items():
        profile = load_profile(provider, name)
        assert profile == known
        assert profile is not known
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn_unknown_profile_keys(profile)
        assert Holder(profile=profile).profile == profile
        most = profile.get("max_input_tokens", 10**9)
        assert most >= profile.get("max_output_tokens", 1) > 0, name
        assert profile["text_outputs"], name
        assert profile.get("tool_calling", True), "a model that is said to call no tools is refused them"


def test_every_provider_is_one_that_can_be_named() -> None:
    assert {*OWN_WIRES, *HOSTS} >= set(PROVIDERS)
    assert {"anthropic", "azure_openai", "bedrock_converse", "google_genai", "google_vertexai", "openai"} <= {
        *PROVIDERS
    }
    assert sum(len(module._profiles(provider)) for provider in PROVIDERS) > 2500


def test_each_file_says_where_its_facts_are_from() -> None:
    for path in module._FOLDER.glob("*.json"):
        about = json.loads(path.read_text(encoding="utf-8"))
        assert "models.dev" in about["source"]
        assert date.fromisoformat(about["date"])


@pytest.mark.parametrize(
    ("provider", "asked", "name"),
    [
        ("openai", "gpt-4o", "GPT-4o"),
        ("openai", "gpt-5-mini-2025-08-07", "GPT-5 Mini"),
        ("openai", "gpt-4.1-latest", "GPT-4.1"),
        ("anthropic", "claude-sonnet-4-5", "Claude Sonnet 4.5 (latest)"),
        ("anthropic", "claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "Claude Sonnet 4.5 (latest)"),
        ("google_genai", "gemini-2.5-pro", "Gemini 2.5 Pro"),
        ("openai", "ft:gpt-4o-2024-08-06:org::id", "GPT-4o (2024-08-06)"),
        ("openai", "ft:gpt-5:org::id", "GPT-5"),
        ("openai", "ft:nothing:org::id", None),
        ("anthropic", "claude-sonnet-4-5-zz", None),
        ("google_genai", "models/gemini-2.5-flash", "Gemini 2.5 Flash"),
        ("google_genai", "gemini-2.5-flash-zz", None),
        ("google_vertexai", "claude-sonnet-4-5", "Claude Sonnet 4.5"),
        ("bedrock_converse", "anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5"),
        ("bedrock_converse", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5 (EU)"),
        ("bedrock_converse", "jp.amazon.nova-pro-v1:0", "Nova Pro"),
        ("bedrock_converse", "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0", "Nova Pro"),
        ("bedrock_converse", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", None),
        ("groq", "llama-3.3-70b-versatile", "Llama 3.3 70B Versatile"),
        ("mistralai", "codestral-latest", "Codestral (latest)"),
        ("google", "gemini-2.5-pro", "Gemini 2.5 Pro"),
        ("mistral", "mistral-large-2099", None),
        ("novita", "deepseek/deepseek-v9", None),
        ("../profiles/openai", "gpt-4o", None),
        ("openai", "gpt-4o-mini-zz", None),
        ("openai", "gpt-unknown", None),
        ("openai", "gpt", None),
        ("openai", "", None),
        ("nobody", "gpt-4o", None),
    ],
)
def test_names(provider: str, asked: str, name: str | None) -> None:
    profile = load_profile(provider, asked)
    assert (profile or {}).get("name") == name


def test_a_release_that_is_known_is_itself() -> None:
    first, present = load_profile("openai", "gpt-4o-2024-05-13"), load_profile("openai", "gpt-4o-2099-01-01")
    assert first is not None
    assert present == load_profile("openai", "gpt-4o")
    assert first["max_output_tokens"] == 4096


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"])
def test_a_release_can_do_what_its_model_can(model: str) -> None:
    """The packages that the facts are from said of these releases that they cannot be held to a schema."""
    releases = [name for name in module._profiles("anthropic") if name.startswith(model)]
    assert len(releases) == 2
    for name in releases:
        profile = load_profile("anthropic", name)
        assert profile is not None
        assert profile.get("structured_output") is True


def test_what_is_true_of_all_releases_is_true_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Any = {
        "m-20240101": {"name": "M", "max_input_tokens": 5, "tool_calling": True},
        "m-20250101": {"name": "M", "max_input_tokens": 9},
        "n-20240101": {"name": "N 1"},
        "n": {"name": "N"},
    }
    monkeypatch.setattr(module, "_profiles", lambda _: known)
    module._by_stem.cache_clear()
    try:
        assert load_profile("any", "m") == {"name": "M"}
        assert load_profile("any", "m-20240101") == known["m-20240101"]
        assert load_profile("any", "n-20990101") == {"name": "N"}
        assert load_profile("any", "m-2") is None
    finally:
        module._by_stem.cache_clear()


def test_only_the_file_that_is_asked_for_is_read() -> None:
    module._profiles.cache_clear()
    load_profile("groq", "llama-3.3-70b-versatile")
    assert module._profiles.cache_info().currsize == 1


def test_a_profile_is_the_callers_own() -> None:
    profile: Any = load_profile("openai", "gpt-4o")
    profile["max_input_tokens"] = 1
    assert load_profile("openai", "gpt-4o") != profile


def test_other_keys_are_kept_and_warned_of() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        profile: ModelProfile | None = None

    given: Any = {"max_input_tokens": 100, "later": True}
    assert Strict(profile=given).profile == given
    with pytest.warns(UserWarning, match="later"):
        warn_unknown_profile_keys(given)
