"""`init_chat_model`: a chat model by its name."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, Literal

from chatcore.errors import ConfigurationError
from chatcore.providers._configurable_model import ConfigurableChatModel
from chatcore.providers._named import named, named_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcore.model import BaseChatModel

__all__ = ["init_chat_model"]

_WHICH: Final = ("model", "model_provider")


def init_chat_model(
    model: str | None = None,
    *,
    model_provider: str | None = None,
    configurable_fields: Literal["any"] | Sequence[str] | None = None,
    config_prefix: str | None = None,
    **kwargs: Any,
) -> BaseChatModel:
    """Make the chat model that a name stands for.

    ::

        init_chat_model("openai:gpt-5-mini")
        init_chat_model("groq:llama-3.3-70b-versatile", temperature=0)
        init_chat_model("openai:qwen3", base_url="http://gpu-box:8000/v1")

    Or one that each call may choose::

        model = init_chat_model(temperature=0)
        model.invoke("hi", {"configurable": {"model": "openai:gpt-5-mini"}})

    model: `"provider:model"`; or a model's name alone, if `model_provider` is given or the name tells: those that begin
        with gpt-, o1, o3, o4, claude, gemini, command, mistral, deepseek, grok, sonar and some more do. None: each
        call's config names it.
    model_provider: the provider: "anthropic", "azure_openai", "bedrock_converse", "google_genai", "google_vertexai",
        "ollama", or a name in `chatcore.providers.hosts.HOSTS`.
    configurable_fields: which arguments a call's config may give, in `config["configurable"]`: their names, or "any",
        which lets whoever writes the config choose the address that requests, and keys, are sent to. None: none; or, if
        no model is named, `("model", "model_provider")`.
    config_prefix: what comes before the arguments' names in the config, joined by "_".
    **kwargs: arguments of the model's class: `ChatOpenAI` for all providers that have none of their own.

    Returns:
        The model; or, if a config may give something, one that opens each call with the model that its config stands
        for. `bind_tools`, `with_structured_output` and all else work on it as on any model.

    Raises:
        ConfigurationError: the provider is not known, no model is named, or an argument is wrong.
        MissingKeyError: no key was found.
    """
    if model is None and not configurable_fields:
        configurable_fields = _WHICH
    if not configurable_fields:
        if config_prefix:
            msg = f"config_prefix={config_prefix!r} has no effect: say what may be configured, by configurable_fields=."
            warnings.warn(msg, stacklevel=2)
        return named_model(*named(model or "", model_provider), **kwargs)
    if isinstance(configurable_fields, str) and configurable_fields != "any":
        msg = f"configurable_fields={configurable_fields!r}: give a list of names, or 'any'."
        raise ConfigurationError(msg)
    if model is not None:
        named(model, model_provider)
    which = {"model": model, "model_provider": model_provider}
    return ConfigurableChatModel(
        arguments={**{name: value for name, value in which.items() if value is not None}, **kwargs},
        fields="any" if configurable_fields == "any" else tuple(configurable_fields),
        prefix=f"{config_prefix.removesuffix('_')}_" if config_prefix else "",
    )
