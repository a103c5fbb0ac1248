"""What an answer is kept under: the same question to the same model, in any process."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, SecretBytes, SecretStr

from chatcore.load import dumpd, dumps
from chatcore.messages import BaseMessage

__all__ = ["cache_key"]

_SECRET_NAME = re.compile(r"key|token|secret|auth|cookie|password|credential|signature", re.IGNORECASE)

_PLACE = re.compile(r" at 0x[0-9a-fA-F]+>")
"""Python's own way of showing an object that has no other."""

_WITHOUT_EFFECT = frozenset({"stream"})
"""Settings that change how an answer comes, and not what it is."""


def cache_key(
    messages: Sequence[BaseMessage], settings: Mapping[str, Any], identity: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return the two texts that an answer is kept under: the prompt and the model's.

    Equal calls have equal texts, in any process. No secret is in them. None: a setting is an object that is known by
    nothing but its place in memory, where another one may be next.

    Args:
        messages: what is asked; the ids of the messages do not matter.
        settings: the call's keyword arguments; None counts as left out.
        identity: what tells the model from others: its class, its kind, its parameters.
    """
    prompt = dumps([message.model_copy(update={"id": None}) if message.id else message for message in messages])
    given = {name: value for name, value in settings.items() if value is not None and name not in _WITHOUT_EFFECT}
    asked = _text(_plain(given))
    return None if _PLACE.search(asked) else (prompt, f"{_text(_without_reprs(dumpd(dict(identity))))}---{asked}")


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _without_reprs(value: Any) -> Any:
    """A model as it is dumped, but for what holds addresses in memory, and differs from process to process."""
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        if held.get("lc") != 1 or "type" not in held:
            return {str(key): _without_reprs(item) for key, item in held.items()}
        kept = {key: _without_reprs(item) for key, item in held.items() if key not in {"repr", "graph"}}
        shown = held.get("repr")
        if isinstance(shown, str) and not _PLACE.search(shown):
            # All that is known of it. As a digest, since it may show anything.
            kept["repr"] = _digest(shown.encode())
        return kept
    if isinstance(value, list):
        return [_without_reprs(item) for item in cast("list[Any]", value)]
    return value


def _plain(value: Any, name: str = "") -> Any:
    """A setting as plain values, with digests in place of what by its type or the names around it may be a secret."""
    if isinstance(value, Mapping):
        held = cast("Mapping[Any, Any]", value)
        return {str(key): _plain(item, name if _SECRET_NAME.search(name) else str(key)) for key, item in held.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in cast("Sequence[Any]", value)]
    if isinstance(value, set | frozenset):
        return sorted(_text(_plain(item, name)) for item in cast("set[Any]", value))
    secret = value.get_secret_value() if isinstance(value, SecretStr | SecretBytes) else value
    if secret is not value or (isinstance(secret, str | bytes) and _SECRET_NAME.search(name)):
        return _digest(secret.encode() if isinstance(secret, str) else secret)
    return _of_type(value)


def _digest(secret: bytes) -> str:
    return f"digest:{hashlib.sha256(secret).hexdigest()}"


def _of_type(value: Any) -> Any:
    if isinstance(value, type):
        # A schema of the same name may have changed since an answer was kept.
        schema = value.model_json_schema() if issubclass(value, BaseModel) else None
        return [f"{value.__module__}.{value.__qualname__}", schema]
    if isinstance(value, BaseModel):
        return [f"{type(value).__module__}.{type(value).__qualname__}", value.model_dump(mode="json")]
    return value
