"""What a program that is started now would find of each provider: its address, and whether there is a key.

Nothing is asked over the network, and no key is told: a model of each provider is made, as any program makes one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

from chatcore.errors import ConfigurationError, MissingKeyError
from chatcore.providers._named import OWN_WIRES, class_of, named, named_model
from chatcore.providers.hosts import HOSTS

__all__ = ["Listed", "listed"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A provider, as it is found.

    provider: its name, as in `init_chat_model("provider:model")`.
    model: the class of its models.
    base_url: where requests would go; None if a part of the address is missing.
    keys: the environment variables that may hold its key; none: it needs no key.
    key: which of them does; None: none.
    ready: whether a model can be made of it: there is an address, and a key if one is needed.
    problem: what is missing, if it is not ready.
    docs: a page of its documentation; None for those with a wire of their own.
    """

    provider: str
    model: str
    base_url: str | None
    keys: tuple[str, ...]
    key: str | None
    ready: bool
    problem: str | None
    docs: str | None


def listed(*providers: str) -> list[Listed]:
    """These providers; without names all of them, by name.

    Raises:
        ConfigurationError: a name is not known.
    """
    names = [named("m", provider)[0] for provider in providers] or sorted({*OWN_WIRES, *HOSTS})
    return [_listed(name) for name in names]


def _listed(provider: str) -> Listed:
    own = provider in OWN_WIRES
    kind = class_of(provider)
    keys: tuple[str, ...] = cast("Any", kind)._KEY_VARIABLES if own else HOSTS[provider].keys  # noqa: SLF001 - one of us
    address, problem = _found(provider)
    return Listed(
        provider=provider,
        model=kind.__name__,
        base_url=address,
        keys=keys,
        key=next((name for name in keys if os.environ.get(name, "").strip()), None),
        ready=problem is None,
        problem=problem,
        docs=None if own else HOSTS[provider].docs,
    )


def _found(provider: str) -> tuple[str | None, str | None]:
    """The address, and what is missing."""
    problem: str | None = None
    for arguments in ({}, {"api_key": "none"}):
        try:
            return cast("Any", named_model(provider, "m", **arguments)).base_url, problem
        except MissingKeyError as error:
            problem = str(error)
        except ConfigurationError as error:
            return None, str(error)
    return None, problem
