"""What models can do: how much they read and write, and in which forms.

The folder `profiles`, beside this file, has the facts that are shipped, a file for each provider: from models.dev
(https://github.com/sst/models.dev, MIT), as the reference's are. `scripts/profiles.py` writes them anew. A model that
is not in them has no profile: nothing is guessed.
"""

from __future__ import annotations

import json
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias, cast, get_type_hints

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from chatcore._provider_names import provider_name

__all__ = ["ModelProfile", "ModelProfileRegistry", "load_profile", "warn_unknown_profile_keys"]


@with_config(ConfigDict(extra="allow"))
class ModelProfile(TypedDict, total=False):
    """What a model can do. Every key may be missing: it is not known, then.

    name: the model's name, for people.
    status: where it is in its life: `"active"`, `"deprecated"`.
    release_date, last_updated: ISO 8601 dates.
    open_weights: whether its weights are public.
    max_input_tokens, max_output_tokens: how much it reads and writes in one call, in tokens.
    text_inputs, image_inputs, image_url_inputs, pdf_inputs, audio_inputs, video_inputs: what it reads.
    image_tool_message, pdf_tool_message: what it reads in the answers of tools.
    text_outputs, image_outputs, audio_outputs, video_outputs: what it writes.
    reasoning_output: whether it can tell its reasoning.
    reasoning_effort_levels, reasoning_effort_default: how hard it can be told to think, and how hard it does untold.
    tool_calling: whether it calls tools.
    tool_choice: whether it can be told which tool to call.
    tool_call_streaming: whether tool calls are streamed in parts.
    mid_conversation_system_messages: whether system messages are read where they stand.
    mid_conversation_tools: whether a message may bring further tools.
    structured_output: whether the provider holds it to a JSON schema.
    attachment: whether it takes files.
    temperature: whether it takes a temperature.
    """

    name: str
    status: str
    release_date: str
    last_updated: str
    open_weights: bool
    max_input_tokens: int
    text_inputs: bool
    image_inputs: bool
    image_url_inputs: bool
    pdf_inputs: bool
    audio_inputs: bool
    video_inputs: bool
    image_tool_message: bool
    pdf_tool_message: bool
    max_output_tokens: int
    reasoning_output: bool
    reasoning_effort_levels: list[str]
    reasoning_effort_default: str
    text_outputs: bool
    image_outputs: bool
    audio_outputs: bool
    video_outputs: bool
    tool_calling: bool
    tool_choice: bool
    tool_call_streaming: bool
    mid_conversation_system_messages: bool
    mid_conversation_tools: bool
    structured_output: bool
    attachment: bool
    temperature: bool


ModelProfileRegistry: TypeAlias = dict[str, ModelProfile]
"""Profiles by the names of their models."""

_FOLDER: Final = Path(__file__).with_name("profiles")

_RELEASE: Final = re.compile(r"(-latest|@default|[-@]\d{4}-?\d{2}-?\d{2})+$")
"""What a provider appends to a name for one release of the model."""

_BEDROCK_RELEASE: Final = re.compile(r"(-\d{8})?-v\d+(:\d+)?$")
"""Likewise at Amazon Bedrock, where every name has it."""

_BEDROCK_PLACE: Final = re.compile(r"^(arn:aws[\w-]*:bedrock:.*/)?((us|eu|apac|jp|au|ca|us-gov|global)\.)?")
"""What Bedrock has before a name: the resource, and the part of the world that answers."""

_FINE_TUNED: Final = re.compile(r"^ft:([^:]+):.*$")
"""OpenAI's name of what a user has trained: ft:gpt-4o-2024-08-06:organisation::id can do what gpt-4o can."""


def load_profile(provider: str, model: str) -> ModelProfile | None:
    """Return what a model can do, by the facts that are shipped; None if it is not among them.

    Args:
        provider: as in `init_chat_model("provider:model")`: `"openai"`, `"anthropic"`, `"groq"`.
        model: the model's name; with a date it is that release, or, if that is not known, the model. Without one it is
            the model, or, if only releases of it are known, what is true of all of them.

    Returns:
        A profile of the caller's own.
    """
    provider = provider_name(provider)
    known = _profiles(provider)
    if not known:
        return None
    profile = known.get(model)
    if profile is None:
        name = _plain(provider, model)
        profile = known.get(name) or _by_stem(provider).get(_stem(provider, name))
    return cast("ModelProfile", {**profile}) if profile else None


def _plain(provider: str, model: str) -> str:
    """A name without what says where the model is, or who has trained it further."""
    if provider == "bedrock_converse":
        return _BEDROCK_PLACE.sub("", model)
    if provider in ("google_genai", "google_vertexai"):
        return model.removeprefix("models/")
    return _FINE_TUNED.sub(r"\1", model) if provider == "openai" else model


def _stem(provider: str, name: str) -> str:
    """A name without its release."""
    return (_BEDROCK_RELEASE if provider == "bedrock_converse" else _RELEASE).sub("", name)


@cache
def _by_stem(provider: str) -> ModelProfileRegistry:
    releases: dict[str, list[ModelProfile]] = {}
    known = _profiles(provider)
    for name, profile in known.items():
        releases.setdefault(_stem(provider, name), []).append(profile)
    return {stem: known.get(stem) or _true_of_all(profiles) for stem, profiles in releases.items()}


def _true_of_all(profiles: list[ModelProfile]) -> ModelProfile:
    first, *others = profiles
    same = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    return cast("ModelProfile", same)


@cache
def _profiles(provider: str) -> ModelProfileRegistry:
    if provider not in _providers():
        return {}
    text = (_FOLDER / f"{provider}.json").read_text(encoding="utf-8")
    return cast("ModelProfileRegistry", json.loads(text)["models"])


@cache
def _providers() -> frozenset[str]:
    """Those of whose models something is known."""
    return frozenset(path.stem for path in _FOLDER.glob("*.json"))


def warn_unknown_profile_keys(profile: ModelProfile) -> None:
    """Warn of keys that no profile has: a typing error, or facts of a later version.

    Args:
        profile: the profile.
    """
    unknown = sorted(profile.keys() - get_type_hints(ModelProfile).keys())
    if unknown:
        warnings.warn(f"Unrecognized keys in model profile: {unknown}. Are they misspelt?", stacklevel=2)
