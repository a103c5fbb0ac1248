"""A chat model by its name: which provider a name means, and which class that provider has.

Classes are loaded when their provider is first asked for: a program that uses one provider loads one.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

from chatcore._provider_names import OTHER_NAMES, provider_name
from chatcore.errors import ConfigurationError
from chatcore.providers._remote import from_environment
from chatcore.providers.hosts import HOSTS, address_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatcore.model import BaseChatModel

__all__ = ["OWN_WIRES", "class_of", "named", "named_model", "prefix_of"]

OWN_WIRES: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic": ("chatcore.providers.anthropic", "ChatAnthropic"),
    "azure_openai": ("chatcore.providers.azure", "AzureChatOpenAI"),
    "bedrock_converse": ("chatcore.providers.bedrock", "ChatBedrockConverse"),
    "google_genai": ("chatcore.providers.google_genai", "ChatGoogleGenerativeAI"),
    "google_vertexai": ("chatcore.providers.google_genai", "ChatGoogleGenerativeAI"),
    "ollama": ("chatcore.providers.ollama", "ChatOllama"),
}
"""The providers with a class of their own, each with its module and name; all others are hosts of `ChatOpenAI`."""

_COMPATIBLE: Final = ("chatcore.providers.openai", "ChatOpenAI")

_SAID_BY_THE_PROVIDER: Final[Mapping[str, Mapping[str, Any]]] = {"google_vertexai": {"vertexai": True}}
"""What a provider's name says besides its class."""

_BY_PREFIX: Final = {
    "gpt-": "openai",
    "ft:gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude": "anthropic",
    "gemini": "google_genai",
    "amazon.": "bedrock_converse",
    "anthropic.": "bedrock_converse",
    "meta.": "bedrock_converse",
    # Inference profiles of Bedrock's, by where they answer.
    **dict.fromkeys(("us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global."), "bedrock_converse"),
    "accounts/fireworks": "fireworks",
    "command": "cohere",
    "deepseek": "deepseek",
    "grok": "xai",
    "mistral": "mistral",
    "mixtral": "mistral",
    "solar": "upstage",
    "sonar": "perplexity",
}
"""Whose model it is, by how its name begins; for names that only one provider uses."""

_FORM: Final = (
    "Write 'provider:model'; `chatcore models` lists the providers. For any other server that speaks OpenAI's wire,"
    " write 'openai:model' and base_url=."
)


def named(model: str, provider: str | None = None) -> tuple[str, str]:
    """The provider that a name means, by our name for it, and the model's name there.

    model: `"provider:model"`, or a model's name alone.
    provider: the provider; None: the name tells.

    Raises `ConfigurationError` if no provider is known by it.
    """
    given: object
    for argument, given in (("model", model), ("model_provider", provider or "")):
        if not isinstance(given, str):
            msg = f"{argument} is of type {type(given).__name__}. {_FORM}"
            raise ConfigurationError(msg)
    if not model.strip():
        msg = f"model is empty. {_FORM}"
        raise ConfigurationError(msg)
    name = model
    if provider:
        known = _known(provider)
    elif (known := prefix_of(model)) is not None:
        name = model.partition(":")[2]
    else:
        lowered = model.lower()
        known = next((known for prefix, known in _BY_PREFIX.items() if lowered.startswith(prefix)), None)
    if known is None:
        asked = provider or model.partition(":")[0]
        near = get_close_matches(asked.lower(), [*OWN_WIRES, *HOSTS, *OTHER_NAMES], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        said = f"model_provider={provider!r} is not known" if provider else f"{model!r} names no provider that is known"
        msg = f"{said}.{hint} {_FORM}"
        raise ConfigurationError(msg)
    if not name.strip():
        msg = f"{model!r} names no model. {_FORM}"
        raise ConfigurationError(msg)
    return known, name


def prefix_of(model: object) -> str | None:
    """The provider before the colon of `"provider:model"`; None if there is none that is known."""
    before, colon, _ = model.partition(":") if isinstance(model, str) else ("", "", "")
    return _known(before) if colon else None


def named_model(provider: str, model: str, **arguments: Any) -> BaseChatModel:
    """The model of that name at a provider.

    provider, model: as `named` gives them.
    **arguments: of the provider's class.
    """
    more: dict[str, Any] = {**_SAID_BY_THE_PROVIDER.get(provider, {})}
    if more and (address := from_environment((address_variable(provider),), "https://example.com")) is not None:
        more["base_url"] = address  # its class looks for that of another provider only
    if provider not in OWN_WIRES and provider != "openai":
        # "openai" only means the wire: which host it is, a base_url of its own tells.
        more["provider"] = provider
    kind: Any = class_of(provider)
    return cast("BaseChatModel", kind(model=model, **{**more, **arguments}))


def class_of(provider: str) -> type[BaseChatModel]:
    """The class of a provider's models, loaded now if it has not been.

    provider: as `named` gives it.
    """
    module, name = OWN_WIRES.get(provider, _COMPATIBLE)
    kind: type[BaseChatModel] = getattr(importlib.import_module(module), name)
    return kind


def _known(provider: str) -> str | None:
    name = provider_name(provider)
    return name if name in OWN_WIRES or name in HOSTS else None
