"""`StreamingStdOutCallbackHandler`: an answer on standard output, as it comes."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from chatcore.callbacks._console import put
from chatcore.callbacks.base import BaseCallbackHandler

__all__ = ["StreamingStdOutCallbackHandler"]


class StreamingStdOutCallbackHandler(BaseCallbackHandler):
    """Prints each token of a streamed answer when it comes."""

    @override
    def on_llm_new_token(self, token: str | list[str | dict[str, Any]], **kwargs: Any) -> None:
        put(str(token))
