"""What writing and reading agree on."""

from __future__ import annotations

from typing import Any

__all__ = ["ESCAPED", "MAX_CHARACTERS", "MAX_DEPTH", "SecretMarker", "is_escaped"]

ESCAPED = "__lc_escaped__"
"""The only key of a dict around a user's dict that looks like an object."""

MAX_DEPTH = 100
"""How deep JSON may be nested: five times what a conversation is, and within Python's own limit, writing or reading."""

MAX_CHARACTERS = 256 * 1024 * 1024
"""How long a text may be that is read: a conversation with many images, but not a whole disk."""


def is_escaped(value: dict[str, Any]) -> bool:
    """Whether this dict only stands around a user's."""
    return len(value) == 1 and ESCAPED in value


class SecretMarker(dict[str, Any]):
    """The place of a secret, as `to_json` puts it; its class tells it from a user's dict of the same shape."""

    def __init__(self, name: str) -> None:
        super().__init__(lc=1, type="secret", id=[name])
