from __future__ import annotations

import warnings
from typing import Any, get_type_hints

import langchain_core.language_models.model_profile as theirs
import pytest
from pydantic import BaseModel, ConfigDict

from chatcore.language_models import ModelProfile, load_profile
from chatcore.language_models import model_profile as module
from chatcore.language_models.model_profile import warn_unknown_profile_keys

KNOWN = [(provider, name) for provider, models in module._profiles().items() for name in models]


def test_the_reference_has_the_same_keys() -> None:
    assert get_type_hints(ModelProfile) == get_type_hints(theirs.ModelProfile)


@pytest.mark.parametrize(("provider", "name"), KNOWN, ids=":".join)
def test_what_is_shipped_is_well_formed(provider: str, name: str) -> None:
    class Holder(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        profile: ModelProfile

    profile = load_profile(provider, name)
    assert profile is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_unknown_profile_keys(profile)
    assert Holder(profile=profile).profile == profile
    assert profile["max_input_tokens"] >= profile["max_output_tokens"] > 0
    assert profile["tool_calling"], "a model that is said to call no tools is refused them"


@pytest.mark.parametrize(
    ("provider", "asked", "name"),
    [
        ("openai", "gpt-4o", "GPT-4o"),
        ("openai", "gpt-5-mini-2025-08-07", "GPT-5 Mini"),
        ("openai", "gpt-4.1-latest", "GPT-4.1"),
        ("anthropic", "claude-sonnet-4-5", "Claude Sonnet 4.5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "Claude Sonnet 4.5"),
        ("google_genai", "gemini-2.5-pro", "Gemini 2.5 Pro"),
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
