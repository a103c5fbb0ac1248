"""JSON Schemas without `$ref` and without titles, under the reference's name."""

from __future__ import annotations

from chatcore.schemas._references import dereference_refs, remove_titles

__all__ = ["dereference_refs", "remove_titles"]
