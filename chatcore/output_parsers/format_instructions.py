"""What to tell a model for its answer to be JSON."""

from __future__ import annotations

__all__ = ["JSON_FORMAT_INSTRUCTIONS"]

JSON_FORMAT_INSTRUCTIONS = """Answer with one JSON value that conforms to the JSON schema below, and with nothing \
else: no text before or after it, no comments, no trailing commas, no Markdown fence around it.

For example, {{"foo": ["bar", "baz"]}} conforms to the schema {{"properties": {{"foo": {{"title": "Foo", \
"description": "a list of strings", "type": "array", "items": {{"type": "string"}}}}}}, "required": ["foo"]}}; \
{{"properties": {{"foo": ["bar", "baz"]}}}} does not.

The schema (the fence is not part of it):
```
{schema}
```"""
"""A template with one variable, `schema`."""
