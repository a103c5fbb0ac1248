"""JSON as models write it, under the reference's name."""

from __future__ import annotations

from chatcore.schemas._json import parse_and_check_json_markdown, parse_json_markdown, parse_partial_json

__all__ = ["parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json"]
