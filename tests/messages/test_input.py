"""Data blocks in older forms, as a model's hooks are given them: beside the reference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import HumanMessage as TheirHumanMessage

from chatcore import AIMessage, BaseChatModel, HumanMessage
from chatcore.messages._input import standard_input
from chatcore.outputs import ChatGeneration, ChatResult

PARTS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": "look"},
    "image_url": {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
    "input_audio": {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    "file by id": {"type": "file", "file": {"file_id": "file-1"}},
    "file by data": {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
    "v0 url": {"type": "image", "source_type": "url", "url": "https://x.org/a.png", "mime_type": "image/png"},
    "v0 base64": {"type": "audio", "source_type": "base64", "data": "AAAA", "mime_type": "audio/wav"},
    "v0 id": {"type": "file", "source_type": "id", "id": "file-1"},
    "v0 text": {"type": "file", "source_type": "text", "url": "hello", "mime_type": "text/plain"},
    "v1 image": {"type": "image", "url": "https://x.org/a.png"},
    "v1 audio": {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
    "other": {"type": "thinking", "thinking": "hm"},
}


class Ours(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "ours"

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        (message,) = messages
        return ChatResult(
            generations=[ChatGeneration(message=AIMessage(content="", additional_kwargs={"got": message.content}))]
        )


class Theirs(GenericFakeChatModel):
    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        result = super()._generate(messages, stop, run_manager, **kwargs)
        result.generations[0].message.additional_kwargs["got"] = messages[0].content
        return result


def without_ids(parts: Any) -> Any:
    # A block of the reference's has a made-up id of its own.
    return [{key: value for key, value in part.items() if key != "id"} for part in parts]


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_hooks_are_given_what_the_references_are(part: dict[str, Any]) -> None:
    got = Ours().invoke([HumanMessage(content=[copy.deepcopy(part)])]).additional_kwargs["got"]
    theirs = Theirs(messages=iter(["x"])).invoke([TheirHumanMessage(content=[copy.deepcopy(part)])])
    assert without_ids(got) == without_ids(theirs.additional_kwargs["got"])


def test_the_senders_message_stays_as_it_is() -> None:
    message = HumanMessage(content=["a", copy.deepcopy(PARTS["input_audio"])])
    changed = standard_input(message)
    assert changed is not message
    assert message.content[1] == PARTS["input_audio"]
    assert standard_input(changed) is changed
    text = HumanMessage(content="hi")
    assert standard_input(text) is text
