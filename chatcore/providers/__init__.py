"""The providers of chat models: codecs, which know a wire and no network, and the models that use them.

::

    hosts.py                    where each host is, and where it differs: a table
    _wire_request.py, _wire.py  what every codec's writing and reading have in common
    _<wire>_request.py          messages and settings → the JSON of a request
    _<wire>.py                  the bytes of an answer → messages
    _streaming.py               a reply's bytes through a codec, chunk by chunk
    _remote.py                  what all models have in common: arguments, keys, requests sent and replies read
    _arguments.py               what is wrong with a model's arguments
    openai.py                   `ChatOpenAI`
    _named.py                   what a model's name means: a provider, and the class of its models
    _configurable_model.py      a model that each call's config chooses
    _init.py                    `init_chat_model("provider:model")`
    _listing.py                 what there is of each provider: an address, a key
"""

from __future__ import annotations

from chatcore.providers._init import init_chat_model
from chatcore.providers.openai import ChatOpenAI

__all__ = ["ChatOpenAI", "init_chat_model"]
