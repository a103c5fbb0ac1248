"""Text with colours."""

from __future__ import annotations

import io

import pytest
from langchain_core.utils.input import get_bolded_text, get_colored_text

from chatcore.callbacks._console import bold, colored, put


@pytest.mark.parametrize("color", ["blue", "yellow", "pink", "green", "red"])
def test_colours_are_the_references(color: str) -> None:
    assert colored("x", color) == get_colored_text("x", color)


def test_no_colour_is_plain_and_bold_is_bold() -> None:
    assert colored("x", None) == colored("x", "mauve") == "x"
    assert bold("x") == get_bolded_text("x")


def test_text_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    put("a", end="\n")
    assert capsys.readouterr().out == "a\n"
    file = io.StringIO()
    put("a", "red", "!", file)
    assert file.getvalue() == colored("a", "red") + "!"
