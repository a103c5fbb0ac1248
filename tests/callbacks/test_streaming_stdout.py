"""`StreamingStdOutCallbackHandler`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatcore.callbacks import StreamingStdOutCallbackHandler


def test_tokens_are_printed_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    handler = StreamingStdOutCallbackHandler()
    for token in ("Hel", "lo", ""):
        handler.on_llm_new_token(token, run_id=uuid4())
    assert capsys.readouterr().out == "Hello"
