"""Which run made a result."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

__all__ = ["RunInfo"]


class RunInfo(BaseModel):
    """Which run made a result."""

    run_id: UUID
