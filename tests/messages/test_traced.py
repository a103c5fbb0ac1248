"""What listeners are told of a prompt, beside what the reference tells them."""

from __future__ import annotations

from typing import Any

import langchain_core.language_models as theirs
import pytest
from langchain_core.callbacks import BaseCallbackHandler as TheirHandler

import chatcore.language_models as ours
from chatcore.callbacks import BaseCallbackHandler
from chatcore.messages import HumanMessage
from chatcore.messages._traced import traced

PARTS: dict[str, Any] = {
    "text": {"type": "text", "text": "a"},
    "image by URL, 0.x": {"type": "image", "source_type": "url", "url": "https://example.com/a.png"},
    "image by URL": {"type": "image", "url": "https://example.com/a.png"},
    "image in base64": {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    "image by id": {"type": "image", "file_id": "file-1"},
    "OpenAI's image": {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    "file, 0.x": {"type": "file", "mime_type": "application/pdf", "source_type": "base64", "data": "AAAA"},
    "file": {"type": "file", "mime_type": "application/pdf", "base64": "AAAA"},
    "file by id": {"type": "file", "file_id": "file-1"},
    "a key that is its type": {"cachePoint": {"type": "default"}},
    "no type to be seen": {"a": 1, "b": 2},
}


def _told(library: Any, handler: Any, content: list[Any]) -> list[Any]:
    told: list[Any] = []

    class Listening(handler):  # type: ignore[misc]
        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            told.extend(message.content for prompt in messages for message in prompt)

    prompt = [{"role": "user", "content": content}]
    library.FakeListChatModel(responses=["a"]).invoke(prompt, {"callbacks": [Listening()]})
    return told


@pytest.mark.parametrize("name", PARTS)
def test_as_the_reference_tells(name: str) -> None:
    content = [{"type": "text", "text": "See:"}, PARTS[name]]
    assert _told(ours, BaseCallbackHandler, content) == _told(theirs, TheirHandler, content)


def test_what_needs_no_change_is_itself() -> None:
    plain = [HumanMessage("a"), HumanMessage([PARTS["text"]])]
    assert traced(plain[:1]) is not None
    assert all(after is before for after, before in zip(traced(plain), plain, strict=True))


def test_the_senders_message_stays_as_it_is() -> None:
    message = HumanMessage([PARTS["image by URL"]])
    assert traced([message]) != [message]
    assert message.content == [PARTS["image by URL"]]
