"""`init_chat_model`: a chat model by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chatcore.errors import ConfigurationError
from chatcore.providers.hosts import HOSTS
from chatcore.providers.openai import ChatOpenAI

if TYPE_CHECKING:
    from chatcore.model import BaseChatModel

__all__ = ["init_chat_model"]

_OTHER_NAMES: Final = {"mistralai": "mistral", "openai_compatible": "openai"}
"""The reference's names of providers, where they differ from ours."""

_BY_PREFIX: Final = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "deepseek": "deepseek",
    "grok": "xai",
    "mistral": "mistral",
    "mixtral": "mistral",
    "sonar": "perplexity",
}
"""Whose model it is, by how its name begins; for names that only one provider uses."""

_FORM: Final = (
    f"Write 'provider:model', the provider one of {', '.join(HOSTS)}; or, for any other server that speaks OpenAI's "
    "wire, 'openai:model' and base_url=."
)


def init_chat_model(model: str, *, model_provider: str | None = None, **kwargs: Any) -> BaseChatModel:
    """Make the chat model that a name stands for.

    ::

        init_chat_model("openai:gpt-5-mini")
        init_chat_model("groq:llama-3.3-70b-versatile", temperature=0)
        init_chat_model("ollama:llama3.2:3b", base_url="http://gpu-box:11434/v1")

    model: `"provider:model"`; or a model's name alone, if `model_provider` is given or the name tells.
    model_provider: the provider: a name in `chatcore.providers.hosts.HOSTS`.
    **kwargs: arguments of the model: of `ChatOpenAI`.

    Raises:
        ConfigurationError: the provider is not known, no model is named, or an argument is wrong.
        MissingKeyError: no key was found.
    """
    for argument, given in (("model", model), ("model_provider", model_provider or "")):
        if not isinstance(given, str):
            msg = f"{argument} is of type {type(given).__name__}. {_FORM}"
            raise ConfigurationError(msg)
    if not model.strip():
        msg = f"model is empty. {_FORM}"
        raise ConfigurationError(msg)
    name = model
    if model_provider is None:
        before, colon, after = model.partition(":")
        if colon and _known(before) is not None:
            model_provider, name = before, after
        else:
            lowered = model.lower()
            model_provider = next((host for prefix, host in _BY_PREFIX.items() if lowered.startswith(prefix)), None)
    host = _known(model_provider or "")
    if host is None:
        unknown = (
            f"model_provider={model_provider!r} is not known"
            if model_provider
            else (f"{model!r} names no provider that is known")
        )
        msg = f"{unknown}. {_FORM}"
        raise ConfigurationError(msg)
    if not name.strip():
        msg = f"{model!r} names no model. {_FORM}"
        raise ConfigurationError(msg)
    # With a base_url of its own, "openai" only means the wire: which host it is, its address tells.
    return ChatOpenAI(model=name, provider=None if host == "openai" else host, **kwargs)


def _known(provider: str) -> str | None:
    name = provider.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in HOSTS else None
