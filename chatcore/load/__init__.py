"""Messages and models as JSON, in the reference's format, and back: `dumps` and `loads`."""

from __future__ import annotations

from chatcore.load.dump import dumpd, dumps
from chatcore.load.load import InitValidator, load, loads
from chatcore.load.serializable import Serializable

__all__ = ["InitValidator", "Serializable", "dumpd", "dumps", "load", "loads"]
