"""Both ways across to other libraries: `chatcore.interop.langchain`."""

from __future__ import annotations
