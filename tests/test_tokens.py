from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from chatcore import _tokens as module
from chatcore.language_models import FakeListChatModel, get_tokenizer
from chatcore.messages import AIMessage, BaseMessage, HumanMessage

HELLO = {"o200k_base": [24912, 2375], "cl100k_base": [15339, 1917]}
"""`"hello world"` in both vocabularies, as OpenAI's own tokenizer has it (https://platform.openai.com/tokenizer)."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    get_tokenizer.cache_clear()
    yield
    get_tokenizer.cache_clear()


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        (None, "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("o3", "o200k_base"),
        ("claude-sonnet-4-5", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
    ],
)
def test_each_model_reads_its_vocabulary(model: str | None, vocabulary: str) -> None:
    assert module.get_token_ids("hello world", model) == HELLO[vocabulary]
    assert module.get_num_tokens("hello world", model) == 2
    assert get_tokenizer(vocabulary).encode("hello world") == HELLO[vocabulary]


@pytest.mark.parametrize(
    "text",
    ["", "<|endoftext|>", "日本語", "\u2028\x00", "a" * 100_000, "😀" * 1000, "\ud800"],
    ids=lambda text: repr(text[:9]),
)
def test_any_text_has_tokens(text: str) -> None:
    assert (module.get_num_tokens(text) > 0) == bool(text)


def test_messages_and_tools() -> None:
    def add(a: int) -> int:
        """Add to it."""
        return a

    messages: list[BaseMessage] = [HumanMessage("hello world"), AIMessage("hello world")]
    alone = module.get_num_tokens_from_messages(messages)
    assert alone == module.get_num_tokens("Human: hello world") + module.get_num_tokens("AI: hello world")
    assert module.get_num_tokens_from_messages(messages, tools=[add]) > alone + 10
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    assert module.get_num_tokens_from_messages([HumanMessage([image])]) < 10


def test_models_count() -> None:
    assert FakeListChatModel(responses=[]).get_num_tokens("hello world") == 2


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r'pip install "chatcore\[tokens\]"'):
        module.get_token_ids("a")
