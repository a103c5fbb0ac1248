"""`Run`: what a tracer keeps of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self, cast
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Run"]


def _now() -> datetime:
    return datetime.now(UTC)


class Run(BaseModel):
    """One call, and the calls made within it.

    id: its own.
    name: what it is called; by default, what `serialized` says.
    run_type: `"chat_model"`, `"llm"`, `"chain"`, `"tool"`, `"retriever"`, `"parser"` or `"prompt"`.
    start_time, end_time: when it began and ended; UTC.
    inputs, outputs: what it was given, and what it gave.
    error: why it failed, with the traceback; None: it has not.
    serialized: what was called.
    events: what happened meanwhile: dicts of `name`, `time` and `kwargs`.
    extra: what else is known, such as `metadata`.
    tags: labels.
    parent_run_id: the call it was made within.
    child_runs: the calls made within it.
    trace_id: the outermost call.
    dotted_order: starting times and ids from the outermost call to this one; sorts runs in their order.
    reference_example_id: the example of a data set that it was made for.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    id: UUID = Field(default_factory=uuid4)
    name: str = ""
    run_type: str = "chain"
    start_time: datetime = Field(default_factory=_now)
    end_time: datetime | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] | None = Field(default_factory=dict)
    error: str | None = None
    serialized: dict[str, Any] | None = None
    events: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    extra: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    parent_run_id: UUID | None = None
    child_runs: list[Run] = Field(default_factory=list["Run"])
    trace_id: UUID
    dotted_order: str = ""
    reference_example_id: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        values = {key: value for key, value in cast("dict[str, Any]", given).items() if value is not None}
        values.setdefault("id", uuid4())
        values.setdefault("trace_id", values["id"])
        if not values.get("name"):
            about: dict[str, Any] = values.get("serialized") or {}
            values["name"] = about.get("name") or (about.get("id") or ["Unnamed"])[-1]
        return values

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.dotted_order:
            self.dotted_order = f"{self.start_time:%Y%m%dT%H%M%S%fZ}{self.id}"
        return self

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the call: what `extra` has under this name."""
        metadata: dict[str, Any] = self.extra.setdefault("metadata", {})
        return metadata
