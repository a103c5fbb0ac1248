"""Batches as jobs: a file of prompts in, a file of results out, at any concurrency, stopped and resumed at will.

`chatcore batch` is its command; docs/batch.md its guide.
"""

from __future__ import annotations

from chatcore.jobs._figures import BatchReport, Durations, ErrorKind
from chatcore.jobs._job import BatchJob

__all__ = ["BatchJob", "BatchReport", "Durations", "ErrorKind"]
