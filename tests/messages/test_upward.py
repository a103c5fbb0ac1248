"""What lies above messages, from below."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chatcore.messages import AIMessage, HumanMessage, SystemMessage


def test_messages_that_are_added_up_are_a_prompt() -> None:
    prompt = SystemMessage("be brief") + HumanMessage("a") + "{question}"
    assert prompt.invoke({"question": "why?"}).to_messages() == [
        SystemMessage("be brief"),
        HumanMessage("a"),
        HumanMessage("why?"),
    ]
    others = [AIMessage("b")]
    assert (HumanMessage("a") + others).invoke({}).to_messages() == [HumanMessage("a"), AIMessage("b")]


@pytest.mark.parametrize("module", ["chatcore.runnables", "chatcore.prompts"])
def test_messages_do_not_load_what_lies_above_them(module: str) -> None:
    code = f"import sys, chatcore.messages.utils; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
