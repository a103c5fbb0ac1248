"""Caches of models' answers: in memory, in a file that several processes share, or of the user's own."""

from __future__ import annotations

from chatcore.caches._base import RETURN_VAL_TYPE, BaseCache, InMemoryCache
from chatcore.caches._key import cache_key
from chatcore.caches._sqlite import SQLiteCache

__all__ = ["RETURN_VAL_TYPE", "BaseCache", "InMemoryCache", "SQLiteCache", "cache_key"]
