"""The text of an answer."""

from __future__ import annotations

from typing import ClassVar

from chatcore.output_parsers.transform import BaseTransformOutputParser

__all__ = ["StrOutputParser"]


class StrOutputParser(BaseTransformOutputParser[str]):
    """The text of an answer, chunk by chunk where it is streamed."""

    _runs_in_loop: ClassVar[bool] = True

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """It may be written as JSON."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """The reference's."""
        return ["langchain", "schema", "output_parser"]

    @property
    def _type(self) -> str:
        return "default"

    def parse(self, text: str) -> str:
        """The text itself."""
        return text
