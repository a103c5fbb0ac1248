"""The providers of chat models: codecs, which know a wire and no network, and the models that use them.

::

    hosts.py                    where each host is, and where it differs: a table
    _wire_request.py, _wire.py  what every codec's writing and reading have in common
    _<wire>_request.py          messages and settings → the JSON of a request
    _<wire>.py                  the bytes of an answer → messages
    _streaming.py               a reply's bytes through a codec, chunk by chunk
    _remote.py                  what all models have in common: arguments, keys, requests sent and replies read
    _counting.py                models whose provider counts tokens itself
    _arguments.py               what is wrong with a model's arguments
    openai.py                   `ChatOpenAI`
    _named.py                   what a model's name means: a provider, and the class of its models
    _configurable_model.py      a model that each call's config chooses
    _init.py                    `init_chat_model("provider:model")`
    _listing.py                 what there is of each provider: an address, a key

Each model is loaded when it is first asked for: a program of one provider's needs no other's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatcore.providers._init import init_chat_model
    from chatcore.providers.anthropic import ChatAnthropic
    from chatcore.providers.azure import AzureChatOpenAI
    from chatcore.providers.bedrock import ChatBedrockConverse
    from chatcore.providers.google_genai import ChatGoogleGenerativeAI
    from chatcore.providers.ollama import ChatOllama
    from chatcore.providers.openai import ChatOpenAI

__all__ = [
    "AzureChatOpenAI",
    "ChatAnthropic",
    "ChatBedrockConverse",
    "ChatGoogleGenerativeAI",
    "ChatOllama",
    "ChatOpenAI",
    "init_chat_model",
]

_HOME = {
    "AzureChatOpenAI": "azure",
    "ChatAnthropic": "anthropic",
    "ChatBedrockConverse": "bedrock",
    "ChatGoogleGenerativeAI": "google_genai",
    "ChatOllama": "ollama",
    "ChatOpenAI": "openai",
    "init_chat_model": "_init",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        msg = f"module 'chatcore.providers' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"chatcore.providers.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
