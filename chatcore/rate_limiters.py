"""Rate limiters: how fast calls may go out."""

from __future__ import annotations

from chatcore.engine.limits import BaseRateLimiter, InMemoryRateLimiter, TokenBucket

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter", "TokenBucket"]
