"""What models can do: how much they read and write, and in which forms.

`profiles.json`, beside this file, holds the facts that are shipped: those of OpenAI's models are from models.dev
(https://github.com/sst/models.dev, MIT), as the reference's are, those of Anthropic's and Google's from their own
documentation of models. A model that is not in it has no profile: nothing is guessed.
"""

from __future__ import annotations

import json
import re
import warnings
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast, get_type_hints

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

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

_DATED = re.compile(r"(-latest|[-@]\d{4}-?\d{2}-?\d{2}|-v\d+(:\d+)?)+$")
"""What a provider appends to a name for one release of the model."""


def load_profile(provider: str, model: str) -> ModelProfile | None:
    """Return what a model can do, by the facts that are shipped; None if it is not among them.

    Args:
        provider: as in `init_chat_model("provider:model")`: `"openai"`, `"anthropic"`, `"google_genai"`.
        model: the model's name; with a date it is that release, or, if that is not known, the model.

    Returns:
        A profile of the caller's own.
    """
    known = _profiles().get(provider, {})
    profile = known.get(model) or _undated(known).get(_DATED.sub("", model))
    return cast("ModelProfile", {**profile}) if profile is not None else None


def _undated(known: ModelProfileRegistry) -> ModelProfileRegistry:
    # A name without a date comes last, and so first.
    return {_DATED.sub("", name): profile for name, profile in sorted(known.items(), key=lambda pair: -len(pair[0]))}


@cache
def _profiles() -> dict[str, ModelProfileRegistry]:
    text = Path(__file__).with_name("profiles.json").read_text(encoding="utf-8")
    return cast("dict[str, ModelProfileRegistry]", json.loads(text))


def warn_unknown_profile_keys(profile: ModelProfile) -> None:
    """Warn of keys that no profile has: a typing error, or facts of a later version.

    Args:
        profile: the profile.
    """
    unknown = sorted(profile.keys() - get_type_hints(ModelProfile).keys())
    if unknown:
        warnings.warn(f"Unrecognized keys in model profile: {unknown}. Are they misspelt?", stacklevel=2)
