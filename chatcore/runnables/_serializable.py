"""`RunnableSerializable`: a runnable that is a pydantic model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from chatcore.load.serializable import Serializable, SerializedConstructor, SerializedNotImplemented
from chatcore.runnables._described import decoration
from chatcore.runnables._runnable import Runnable
from chatcore.runnables.utils import Input, Output

__all__ = ["RunnableSerializable"]


class RunnableSerializable(Serializable, Runnable[Input, Output]):
    """A runnable whose settings are the fields of a pydantic model, so that calls can configure them.

    name: what it is called in errors and traces; None: its class.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    name: str | None = None

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """This runnable as the format has it. A decorated one (`bind`, `with_retry`, ...) cannot be made again."""
        if self._middleware:
            return self.to_json_not_implemented()
        written = super().to_json()
        if written["type"] == "constructor":
            written["name"] = self.get_name()
        return written

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            try:
                # Pydantic's, for private attributes.
                return super().__getattr__(name)
            except AttributeError:
                return decoration(self, name)
