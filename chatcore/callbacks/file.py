"""`FileCallbackHandler`: chains, tools and agents, told in a file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, cast

from chatcore.callbacks._console import put
from chatcore.callbacks.stdout import StdOutCallbackHandler

__all__ = ["FileCallbackHandler"]


class FileCallbackHandler(StdOutCallbackHandler):
    """Writes to a file when chains begin and end, and what tools and agents say.

    .. skip: next "writes a file"

    ::

        with FileCallbackHandler("calls.log") as handler:
            model.invoke("hi", {"callbacks": [handler]})

    filename: the file.
    mode: how it is opened; `"a"` adds to what is there.
    color: of what tools and agents say; None: plain text.
    """

    def __init__(self, filename: str | Path, mode: str = "a", color: str | None = None) -> None:
        super().__init__(color)
        self.filename = filename
        self.mode = mode
        opened = Path(filename).open(mode, encoding="utf-8")  # noqa: SIM115 - closed by `close`
        self.file: TextIO = cast("TextIO", opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what comes later is an error of the handler."""
        self.file.close()

    def __del__(self) -> None:
        # Not opened, if the path was wrong.
        if "file" in self.__dict__:
            self.file.close()

    def _put(self, text: str, color: str | None = None, end: str = "") -> None:
        if self.file.closed:
            msg = f"{self.filename}: file is not open. Use FileCallbackHandler as a context manager around the calls."
            raise RuntimeError(msg)
        put(text, color, end, self.file)

    def _title(self, text: str) -> None:
        self._put(text, end="\n")
