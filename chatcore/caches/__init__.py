"""Caches of models' answers: in memory, in a file that several processes share, or of the user's own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chatcore.caches._base import RETURN_VAL_TYPE, BaseCache, InMemoryCache
from chatcore.caches._key import cache_key

if TYPE_CHECKING:
    from chatcore.caches._sqlite import SQLiteCache

__all__ = ["RETURN_VAL_TYPE", "BaseCache", "InMemoryCache", "SQLiteCache", "cache_key"]


def __getattr__(name: str) -> Any:
    if name != "SQLiteCache":
        msg = f"module 'chatcore.caches' has no attribute {name!r}"
        raise AttributeError(msg)
    # Every chat model imports this package, few keep answers in a file, and a Python may be built without sqlite3.
    return importlib.import_module("chatcore.caches._sqlite").SQLiteCache
